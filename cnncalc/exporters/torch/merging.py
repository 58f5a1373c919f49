"""Structures of one block merged into one: a slot that some of them lack is skipped in those."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import NamedTuple

from cnncalc.exporters.torch.structures import Slot, SlotRef, Structure

MOST_STRUCTURES, MOST_SLOTS, MOST_CHOICES = 24, 300, 64
"""Bounds of the work: structures of a template, slots of a structure, and choices of replacements that are tried."""


class Template(NamedTuple):
    """The slots and the wiring of a class.

    Attributes:
        slots: slots in topological order, with their reads.
        instead: for each optional slot, the tensor that is read without it.
        makes: outputs.
        inputs, foreign: as in :class:`Structure`.
    """

    slots: dict[str, Slot]
    instead: dict[str, SlotRef]
    makes: tuple[SlotRef, ...]
    inputs: int
    foreign: int

    def needed(self) -> set[str]:
        """Return the slots on which an output depends."""
        found: set[str] = set()
        pending = list(self.makes)
        while pending:
            name = pending.pop().slot
            if name and name not in found:
                found.add(name)
                pending += self.slots[name].reads
                if name in self.instead:
                    pending.append(self.instead[name])
        return found


def alone(structure: Structure) -> Template:
    """Return the template of one structure."""
    return Template(structure.slots, {}, structure.makes, structure.inputs, structure.foreign)


def merged(structures: Sequence[Structure]) -> Template | None:
    """Return structures merged into one, with optional slots; None if they are too different."""
    first = structures[0]
    if len(structures) > MOST_STRUCTURES or max(len(one.slots) for one in structures) > MOST_SLOTS:
        return None
    for one in structures:
        if (one.inputs, one.foreign, len(one.makes)) != (first.inputs, first.foreign, len(first.makes)):
            return None
    *others, last = [{slot.name for slot in one.slots.values() if slot.module is not None} for one in structures]
    if last and all(others) and last.isdisjoint(set().union(*others)):
        return None  # two modules that have nothing in common
    slots: dict[str, Slot] = {}
    for one in structures:
        for name, slot in one.slots.items():
            if slots.setdefault(name, slot).key != slot.key:
                return None
    order = _order([list(one.slots) for one in structures])
    optional = [name for name in order or () if any(name not in one.slots for one in structures)]
    if order is None or any(slots[name].makes > 1 or not slots[name].reads for name in optional):
        return None
    choices = product(*[range(len(slots[name].reads)) for name in optional])
    for choice in islice(choices, MOST_CHOICES):
        found = _Wiring(structures, order, dict(zip(optional, choice, strict=True))).template(slots)
        if found is not None:
            return found
    return None


def _order(orders: Sequence[Sequence[str]]) -> list[str] | None:
    """Return all names in an order that each of the orders keeps; None if there is none."""
    order = list(orders[0])
    for other in orders[1:]:
        place = {name: number for number, name in enumerate(order)}
        at = 0
        for name in other:
            if name not in place:
                order.insert(at, name)
                place = {name: number for number, name in enumerate(order)}
            elif place[name] < at:
                return None
            at = place[name] + 1
    return order


class _Wiring:
    """The reads of each slot of a template, so that every structure keeps its reads.

    Attributes:
        order: the slots' names, in topological order.
        choice: for each optional slot, the number of the read that replaces it.
        instead: as in :class:`Template`, for the slots up to here.
    """

    def __init__(self, structures: Sequence[Structure], order: list[str], choice: dict[str, int]) -> None:
        self.structures = structures
        self.order = order
        self.choice = choice
        self.instead: dict[str, SlotRef] = {}

    def template(self, slots: dict[str, Slot]) -> Template | None:
        """Return the template; None if some structure would read something else."""
        found: dict[str, Slot] = {}
        for name in self.order:
            having = [one for one in self.structures if name in one.slots]
            reads = []
            for number in range(len(slots[name].reads)):
                wanted = [one.slots[name].reads[number] for one in having]
                ref = self._ref(having, wanted, list(self._candidates(name, having, wanted)))
                if ref is None:
                    return None
                reads.append(ref)
            found[name] = slots[name]._replace(reads=tuple(reads))
            if name in self.choice:
                self.instead[name] = reads[self.choice[name]]
        makes = []
        for number in range(len(self.structures[0].makes)):
            wanted = [one.makes[number] for one in self.structures]
            ref = self._ref(self.structures, wanted, [*dict.fromkeys(wanted), *self._passed()])
            if ref is None:
                return None
            makes.append(ref)
        return Template(found, self.instead, tuple(makes), self.structures[0].inputs, self.structures[0].foreign)

    def _passed(self) -> Iterator[SlotRef]:
        """Yield the slots up to here that some structures lack, the last first."""
        yield from [SlotRef(name) for name in reversed(self.instead)]

    def _candidates(self, name: str, having: list[Structure], wanted: list[SlotRef]) -> Iterator[SlotRef]:
        """Yield the tensors that a slot may read in the template so that each structure reads its ``wanted`` one.

        Readers of an absent slot read its replacement.
        """
        if name in self.choice:
            yield from [ref for ref in self._passed() if not any(ref.slot in one.slots for one in having)]
        yield from dict.fromkeys(wanted)
        yield from self._passed()

    def _ref(self, having: Sequence[Structure], wanted: list[SlotRef], candidates: list[SlotRef]) -> SlotRef | None:
        for ref in candidates:
            if all(self._seen(one, ref) == want for one, want in zip(having, wanted, strict=True)):
                return ref
        return None

    def _seen(self, structure: Structure, ref: SlotRef) -> SlotRef | None:
        """Return the tensor that one structure reads where the template reads ``ref``; None if it has none."""
        while ref.slot and ref.slot not in structure.slots:
            passed = self.instead.get(ref.slot)
            if passed is None:
                return None
            ref = passed
        return ref
