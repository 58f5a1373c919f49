"""Scopes and names during expansion: assigning names, resolving them, and sharing weights by name."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter

from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.errors import clipped
from cnncalc.ground.limits import MAX_FAULTS, MAX_INPUTS
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.places import Fault, Hint, Origin, SpecError, shown_hint
from cnncalc.language.items import Item, LayerItem, Reference
from cnncalc.language.scope import Frame, Ref, Tensors

_index = attrgetter("index")


class Names:
    """Gives and finds names, and collects the faults of the whole expansion.

    Attributes:
        net: what is built.
        owners: whose weights the next layers share, the innermost last.
        weighted: the nodes that have weights, in order.
    """

    net: Graph

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.places: set[Origin] = set()
        self.owners: list[Iterator[Node]] = []
        self.weighted: list[Node] = []

    # --- faults ---------------------------------------------------------------------------------------------

    def fault(self, origin: Origin, message: str, hint: Hint = None) -> None:
        """Note a fault; a fault inside a block is reported once, however often the block is used."""
        if origin not in self.places:
            self.places.add(origin)
            self.faults.append(Fault(clipped(message), origin, shown_hint(hint, len(self.faults) < MAX_FAULTS)))
            if len(self.faults) >= MAX_FAULTS * 10:
                self.stop_at_faults()

    def stop_at_faults(self) -> None:
        """Raise SpecError where a fault has been noted."""
        if self.faults:
            raise SpecError(self.faults)

    def refuse(self, origin: Origin, message: str, hint: str | None = None) -> SpecError:
        """Return the error that ends the expansion at once."""
        return SpecError([*self.faults, Fault(message, origin, hint)])

    # --- names ----------------------------------------------------------------------------------------------

    def given_name(self, item: Item, frame: Frame) -> str:
        """Return an item's name in its scope: its own, numbered where it may come several times, or its stem's."""
        scope = frame.scope
        if item.name is None:
            return scope.numbered(item.layer_class.stem if isinstance(item, LayerItem) else item.type_name)
        if item.repeats or frame is not frame.home:
            return scope.numbered(item.name.name)
        if item.name.name in frame.names:
            self.fault(item.name.origin, f"the name '{item.name.name}' is given twice in one scope")
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
                raise self.refuse(reference.origin, f"more than {MAX_INPUTS:,} tensors come in")
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
            names = ", ".join(self.net.inputs)
            self.fault(reference.origin, f"'input' could be any of several inputs: {names}", "name one of them")
            return
        if len(self.faults) >= MAX_FAULTS:  # nobody reads the reason
            self.fault(reference.origin, f"no item is called '{name}'")
            return
        known = {name for around in frame.chain() for name in around.names}
        numbered = sorted(
            [name for name in known if name.startswith(first) and name[len(first) :].isdecimal()],
            key=lambda name: (len(name), name),
        )
        if numbered and any(first in around.scope.reserved for around in frame.chain()):
            hint: str | None = f"it comes several times: {', '.join(numbered[:8])}"
            self.fault(reference.origin, f"no item is called '{name}' alone", hint)
        elif any(first in around.scope.reserved and first not in around.names for around in frame.chain()):
            hint = "only items that stand above, and are there, can be named"
            self.fault(reference.origin, f"'{first}' is not an earlier item", hint)
        else:
            hint = did_you_mean(first, known, "names above")
            self.fault(reference.origin, f"no item is called '{name}'", hint)

    def sharing(self, item: Item, frame: Frame) -> Iterator[Node]:
        """Return the nodes whose weights an item is to share, in order."""
        assert item.weights is not None
        ref = self.look_up(item.weights, frame)
        if ref is None:
            return iter(())
        if ref.type_name != item.type_name:
            message = f"'{item.weights.name}' is of type {ref.type_name}, but this item is of type {item.type_name}"
            self.fault(item.weights.origin, message, "weights are shared between items of one type")
            return iter(())
        start, end = (bisect_left(self.weighted, index, key=_index) for index in (ref.start, ref.end))
        return map(self.weighted.__getitem__, range(start, end))

    def end_sharing(self, weights: Reference, result: Tensors) -> None:
        """Refuse an item that uses only some of the weights that it shares."""
        owners = self.owners.pop()
        left = next(owners, None) if result is not None else None
        if left is not None:
            message = f"shares the weights of '{weights.name}', but has no layer for those of '{left.name}'"
            self.fault(weights.origin, message, "both must be made of the same layers")
