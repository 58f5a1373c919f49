"""Names while a spec is expanded: assigned to items, and resolved from the inside outwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from cnncalc.graph import Graph, Tensor
from cnncalc.ground.limits import MAX_INPUTS, MAX_PATH
from cnncalc.ground.near import did_you_mean
from cnncalc.language.document import Item, LayerItem, Reference
from cnncalc.language.faults import Faults

Flowing: TypeAlias = "tuple[Tensor, ...] | None"
"""The tensors that flow from item to item; None if unknown after a fault."""


class Ref:
    """The meaning of a name: its output, its contents, and its nodes, from ``start`` to ``end``."""

    __slots__ = ("end", "inside", "start", "tensors", "type_name")

    def __init__(
        self, tensors: Flowing, inside: Scope | None = None, type_name: str = "input", start: int = 0, end: int = 0
    ) -> None:
        self.tensors = tensors
        self.inside = inside
        self.type_name = type_name
        self.start = start
        self.end = end


class Scope:
    """A namespace: a block, a named sequence or the whole network.

    Attributes:
        prefix: the beginning of its items' dotted paths.
        reserved: explicit names, which running numbers must not use.
        incoming: its input; None for a network with several named inputs.
        is_sequence: whether it is a named sequence that does not read the network's input.
        names: the meaning of its names; items that occur several times have numbered names.
    """

    __slots__ = ("_counts", "incoming", "is_sequence", "names", "prefix", "reserved")

    def __init__(self, prefix: str, reserved: frozenset[str], incoming: Flowing, is_sequence: bool = False) -> None:
        self.prefix = prefix
        self.reserved = reserved
        self.incoming = incoming
        self.is_sequence = is_sequence
        self.names: dict[str, Ref] = {}
        self._counts: dict[str, int] = {}

    def numbered(self, base: str) -> str:
        """Return the base with its next running number."""
        number = self._counts.get(base, 0) + 1
        while (name := f"{base}{number}") in self.reserved or name in self.names:
            number += 1
        self._counts[base] = number
        return name

    def input(self) -> Ref | None:
        """Return the scope's input; None at the top level of a network with several."""
        return None if self.incoming is None and not self.prefix else Ref(self.incoming)

    def names_of_tensors(self) -> dict[Tensor, str]:
        """Return the last name of each named tensor."""
        refs = self.names.items()
        return {ref.tensors[0]: name for name, ref in refs if ref.tensors is not None and len(ref.tensors) == 1}


class Frame:
    """Lookup of names: in a scope, or one round of a loop inside it; then outwards.

    Attributes:
        scope: the namespace for new names.
        outer: the enclosing frame.
        names: the meaning of names here: the scope's names, or one round's names without numbers.
    """

    __slots__ = ("names", "outer", "scope")

    def __init__(self, scope: Scope, outer: Frame | None, names: dict[str, Ref]) -> None:
        self.scope = scope
        self.outer = outer
        self.names = names

    @property
    def is_round(self) -> bool:
        """Whether it is one round of a loop."""
        return self.names is not self.scope.names

    def chain(self) -> Iterator[Frame]:
        """Return this frame and all enclosing ones."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.outer

    def find(self, name: str) -> Ref | None:
        """Return the meaning of a name, searched from here outwards; a dotted name reaches into scopes."""
        first, *inner = name.split(".")
        ref = self.scope.input() if first == "input" else None
        for frame in self.chain() if ref is None else ():
            ref = frame.names.get(first)
            if ref is not None:
                break
            if not frame.is_round and first in frame.scope.reserved:
                return None  # a later item of this scope hides those further out
        for part in inner:
            ref = ref.inside.names.get(part) if ref is not None and ref.inside is not None else None
        return ref


class Scopes:
    """Assigns names to items, and resolves names."""

    def __init__(self, graph: Graph, faults: Faults) -> None:
        self.graph = graph
        self.faults = faults

    def outermost(self, reserved: frozenset[str]) -> Frame:
        """Return the frame of the whole network, with its inputs."""
        inputs = self.graph.inputs
        scope = Scope("", reserved | inputs.keys(), tuple(inputs.values()) if len(inputs) == 1 else None)
        scope.names.update({name: Ref((tensor,)) for name, tensor in inputs.items()})
        return Frame(scope, None, scope.names)

    def given_name(self, item: Item, frame: Frame) -> str:
        """Return an item's name in its scope: its explicit name, numbered if it may occur several times, or one from
        its stem.

        Raises:
            SpecError: if its dotted path is too long.
        """
        scope = frame.scope
        if item.name is None:
            name = scope.numbered(item.layer_class.stem if isinstance(item, LayerItem) else item.type_name)
        else:
            name = item.name.name
            numbered = item.repeats or frame.is_round
            if not numbered and name in frame.names:
                self.faults.note(item.name.origin, f"the name '{name}' is given twice in one scope")
                numbered = True
            if numbered:
                name = scope.numbered(name)
        if len(scope.prefix) + len(name) > MAX_PATH:
            message = f"a dotted path of more than {MAX_PATH} characters: '{scope.prefix}{name}'"
            raise self.faults.refusal(item.origin, message)
        return name

    def register(self, item: Item, name: str, frame: Frame, ref: Ref) -> None:
        """Record the meaning of an item's name."""
        frame.scope.names[name] = ref
        if item.name is not None and frame.is_round and not item.repeats:
            frame.names[item.name.name] = ref  # within one round of a loop, the name without its number

    def sources(self, item: Item, frame: Frame) -> Flowing:
        """Return the tensors that ``from`` names; None if one is unknown."""
        found: list[Tensor] = []
        for reference in item.sources or ():
            ref = self.look_up(reference, frame)
            if ref is None or ref.tensors is None:
                return None
            found += ref.tensors
            if len(found) > MAX_INPUTS:
                raise self.faults.refusal(reference.origin, f"more than {MAX_INPUTS:,} inputs")
        return tuple(found)

    def look_up(self, reference: Reference, frame: Frame) -> Ref | None:
        """Return the meaning of a name; an unknown one is a fault."""
        ref = frame.find(reference.name)
        if ref is None:
            self.unknown(reference, frame)
        return ref

    def unknown(self, reference: Reference, frame: Frame) -> None:
        """Note that a name is unknown, and why."""
        name = reference.name
        first = name.split(".")[0]
        message, hint = f"no item is called '{name}'", None
        if name == "input":
            message = f"'input' is ambiguous: the network has several inputs, {', '.join(self.graph.inputs)}"
            hint = "use one of these names"
        elif not self.faults.are_many:  # else the reason is not shown
            frames = [*frame.chain()]
            known = {name for around in frames for name in around.names}
            numbered = [name for name in known if name.startswith(first) and name[len(first) :].isdecimal()]
            numbered.sort(key=lambda name: (len(name), name))
            if numbered and any(first in around.scope.reserved for around in frames):
                message += " without a number"
                hint = f"it occurs several times: {', '.join(numbered[:8])}"
            elif any(first in around.scope.reserved and first not in around.names for around in frames):
                message, hint = f"'{first}' is not an earlier item", "only items above that are present can be named"
            else:
                by_name = "items have names: without 'from' the item above is read; give any other a 'name'"
                hint = by_name if name.lstrip("-").isdigit() else did_you_mean(first, known, "names above")
        self.faults.note(reference.origin, message, hint)
