"""Names while a spec is expanded: assigned to items, and resolved from the inside outwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from cnncalc.graph import Graph, Tensor
from cnncalc.ground.limits import MAX_INPUTS, MAX_PATH
from cnncalc.ground.near import did_you_mean
from cnncalc.language.document import Item, LayerItem, Reference
from cnncalc.language.faults import Faults

Tensors: TypeAlias = "tuple[Tensor, ...] | None"
"""What flows from item to item; None where a fault has made it unknown."""


class Ref(NamedTuple):
    """What a name stands for: its output, what is inside, and which nodes it is made of."""

    tensors: Tensors
    inside: Frame | None
    type_name: str
    start: int
    end: int


class Scope:
    """Where names are given: a block, a named sequence or the whole network."""

    def __init__(self, prefix: str, reserved: frozenset[str]) -> None:
        self.prefix = prefix
        self.reserved = reserved
        self.counts: dict[str, int] = {}
        self.given: set[str] = set()

    def numbered(self, base: str) -> str:
        """Return the base with its next running number."""
        number = self.counts.get(base, 0) + 1
        while (name := f"{base}{number}") in self.reserved or name in self.given:
            number += 1
        self.counts[base] = number
        return name


class Frame:
    """Where names are looked up: a scope, or one round of a loop inside it; then outwards."""

    def __init__(self, scope: Scope, outer: Frame | None, incoming: Tensors, home: Frame | None = None) -> None:
        self.scope = scope
        self.outer = outer
        self.incoming = incoming
        self.home = home or self  # the frame of the scope itself
        self.is_sequence = False  # whether the scope is a named sequence, and not what the network begins with
        self.names: dict[str, Ref] = {}

    def chain(self) -> Iterator[Frame]:
        """Return this frame and all that lie around it."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.outer

    def find(self, name: str) -> Ref | None:
        """Return what a name stands for, from here outwards; a dotted one reaches into scopes."""
        first, *inner = name.split(".")
        ref = self._own_input() if first == "input" else None
        for frame in self.chain() if ref is None else ():
            ref = frame.names.get(first)
            if ref is not None:
                break
            if frame is frame.home and first in frame.scope.reserved:
                return None  # an item of this scope that is not there yet hides those further out
        for part in inner:
            ref = ref.inside.names.get(part) if ref is not None and ref.inside is not None else None
        return ref

    def names_of_tensors(self) -> dict[Tensor, str]:
        """Return the scope's last name for each tensor that has one of its own."""
        refs = self.home.names.items()
        return {ref.tensors[0]: name for name, ref in refs if ref.tensors is not None and len(ref.tensors) == 1}

    def _own_input(self) -> Ref | None:
        """Return the scope's input, or None at the top of a network with several, each by its own name."""
        incoming = self.home.incoming
        if incoming is None and self.scope.prefix == "":
            return None
        return Ref(incoming, None, "input", 0, 0)


class Scopes:
    """Gives items their names, and finds what a name stands for."""

    def __init__(self, graph: Graph, faults: Faults) -> None:
        self.graph = graph
        self.faults = faults

    def outermost(self, reserved: frozenset[str]) -> Frame:
        """Return the frame of the whole network, with its inputs."""
        frame = Frame(Scope("", reserved | self.graph.inputs.keys()), None, None)
        for name, tensor in self.graph.inputs.items():
            frame.names[name] = Ref((tensor,), None, "input", 0, 0)
        if len(self.graph.inputs) == 1:
            frame.incoming = (next(iter(self.graph.inputs.values())),)
        return frame

    def path(self, item: Item, name: str, frame: Frame) -> str:
        """Return an item's dotted path.  Raises SpecError where it is too long."""
        path = frame.scope.prefix + name
        if len(path) > MAX_PATH:
            message = f"a dotted path of more than {MAX_PATH} characters: '{path}'"
            raise self.faults.refusal(item.origin, message)
        return path

    def given_name(self, item: Item, frame: Frame) -> str:
        """Return an item's name in its scope: its own, numbered where it may come several times, or its stem's."""
        scope = frame.scope
        if item.name is None:
            return scope.numbered(item.layer_class.stem if isinstance(item, LayerItem) else item.type_name)
        if item.repeats or frame is not frame.home:
            return scope.numbered(item.name.name)
        if item.name.name in frame.names:
            self.faults.note(item.name.origin, f"the name '{item.name.name}' is given twice in one scope")
            return scope.numbered(item.name.name)
        return item.name.name

    def register(self, item: Item, name: str, frame: Frame, ref: Ref) -> None:
        """Remember what an item's name stands for."""
        frame.scope.given.add(name)
        frame.home.names[name] = ref
        if frame is not frame.home and item.name is not None and not item.repeats:
            frame.names[item.name.name] = ref  # within one round of a loop, the name without its number

    def sources(self, item: Item, frame: Frame) -> Tensors:
        """Return the tensors that ``from`` names; None where one is unknown."""
        found: list[Tensor] = []
        for reference in item.sources or ():
            ref = self.look_up(reference, frame)
            if ref is None or ref.tensors is None:
                return None
            found += ref.tensors
            if len(found) > MAX_INPUTS:
                raise self.faults.refusal(reference.origin, f"more than {MAX_INPUTS:,} tensors come in")
        return tuple(found)

    def look_up(self, reference: Reference, frame: Frame) -> Ref | None:
        """Return what a name stands for; an unknown one is a fault."""
        ref = frame.find(reference.name)
        if ref is None:
            self.unknown(reference, frame)
        return ref

    def unknown(self, reference: Reference, frame: Frame) -> None:
        """Note that a name stands for nothing, and why."""
        name = reference.name
        first = name.split(".")[0]
        if name == "input":
            names = ", ".join(self.graph.inputs)
            self.faults.note(reference.origin, f"'input' could be any of several inputs: {names}", "name one of them")
            return
        if self.faults.are_many:  # nobody reads the reason
            self.faults.note(reference.origin, f"no item is called '{name}'")
            return
        known = {name for around in frame.chain() for name in around.names}
        numbered = sorted(
            [name for name in known if name.startswith(first) and name[len(first) :].isdecimal()],
            key=lambda name: (len(name), name),
        )
        if numbered and any(first in around.scope.reserved for around in frame.chain()):
            hint: str | None = f"it comes several times: {', '.join(numbered[:8])}"
            self.faults.note(reference.origin, f"no item is called '{name}' alone", hint)
        elif any(first in around.scope.reserved and first not in around.names for around in frame.chain()):
            hint = "only items that stand above, and are there, can be named"
            self.faults.note(reference.origin, f"'{first}' is not an earlier item", hint)
        else:
            hint = did_you_mean(first, known, "names above")
            self.faults.note(reference.origin, f"no item is called '{name}'", hint)
