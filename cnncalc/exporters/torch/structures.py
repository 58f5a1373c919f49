"""What is inside of a scope as it is written: slots with their calls, and which slot reads which."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cnncalc.exporters.scopes import ScopeItem, ScopePart
from cnncalc.exporters.torch.trees import figures, key, structure
from cnncalc.graph import Node, Tensor
from cnncalc.ground.places import Origin, Place
from cnncalc.layers.pytorch import MODULE, Code, InputPlace, ModuleCall, Torch, call

_NUMBERED = re.compile(r"(.*?)(0|[1-9]\d*)", re.ASCII).fullmatch
_WORDS = re.compile(r"\w+").findall
STARTS = ("conv", "fc", "matmul", "recurrent")
"""Kinds of layers that begin a line."""


class SlotRef(NamedTuple):
    """What is read: an output of a slot, or an input of the scope where ``slot`` is ""."""

    slot: str
    number: int = 0


class Slot(NamedTuple):
    """One item of a scope.

    Attributes:
        name: the name of its module, or of its layer.
        module: what makes its module; None if it has none of its own.
        value: what ``forward`` does.
        reads: what the places of the value stand for.
        makes: how many tensors come out.
        owner: the expression of a module that it uses once more, or "".
        words: what the module's arguments are called by their places.
        begins: whether it begins a line of its own.
        stem: what it would be called, with a number, where nobody names it.
        place: where it stands in the spec; None in a model file.
        run: where it is several modules one after the other: their common name, and the first number.
    """

    name: str
    module: ModuleCall | None
    value: ModuleCall | InputPlace
    reads: tuple[SlotRef, ...]
    makes: int = 1
    owner: str = ""
    words: tuple[str, ...] = ()
    begins: bool = False
    stem: str = ""
    place: Origin | None = None
    run: tuple[str, int] | None = None

    @property
    def key(self) -> object:
        """What slots of one class have in common, whatever their figures and what they read."""
        return (structure(self.module), structure(self.value), self.makes, self.owner, self.run, self.place)

    @property
    def is_named(self) -> bool:
        """Whether it has a name of its own, not just its type and a number."""
        return not self.name.removeprefix(self.stem).isdecimal()

    def figures(self) -> list[tuple[str, object]]:
        """Return the figures of its calls, each with a word for it."""
        found = list(figures(self.module)) if self.module is not None else []
        for number, word in enumerate(self.words[: len(self.module.args) if self.module else 0]):
            if number < len(found) and not found[number][0]:
                found[number] = (word, found[number][1])
        return [*found, *figures(self.value)]


class Structure(NamedTuple):
    """What is inside of a scope.

    Attributes:
        slots: by name, in an order that runs.
        makes: what comes out.
        inputs: how many tensors come in.
        foreign: how many modules come in, beside the tensors.
    """

    slots: dict[str, Slot]
    makes: tuple[SlotRef, ...]
    inputs: int
    foreign: int

    @property
    def key(self) -> object:
        """What equal structures have in common."""
        slots = tuple([(name, slot.key, slot.reads) for name, slot in self.slots.items()])
        return (slots, self.makes, self.inputs, self.foreign)


class Maker(NamedTuple):
    """How a scope inside is made, and whether its class is at hand."""

    module: ModuleCall
    words: tuple[str, ...]
    stem: str
    place: Origin | None


def structure_of(
    part: ScopePart,
    torch: Callable[[Node], Torch],
    made: Callable[[ScopePart], Maker],
    access: Callable[[Iterable[str]], str],
) -> Structure:
    """Return the structure of a scope.

    Args:
        part: the scope.
        torch: what a layer is in PyTorch.
        made: what makes a scope inside.
        access: the attributes that lead to a module, by the parts of its name.
    """
    refs: dict[Tensor, SlotRef] = {tensor: SlotRef("", number) for number, tensor in enumerate(part.reads)}
    slots: dict[str, Slot] = {}

    def module_of(path: str) -> str:
        if path in part.foreign:
            return f"module{part.foreign.index(path) + 1}"
        return "self" + access(path[len(part.prefix) :].split("."))

    for item in part.items:
        slot = _slot(item, torch, made, module_of)._replace(reads=tuple([refs[tensor] for tensor in item.reads]))
        if isinstance(slot.value, InputPlace) and slot.value.number >= 0:
            refs[item.makes[0]] = slot.reads[slot.value.number]
            continue
        slots[slot.name] = slot
        refs.update({node: SlotRef(slot.name, number) for number, node in enumerate(item.makes)})
    return Structure(slots, tuple([refs[node] for node in part.makes]), len(part.reads), len(part.foreign))


def _slot(
    item: ScopeItem, torch: Callable[[Node], Torch], made: Callable[[ScopePart], Maker], module_of: Callable[[str], str]
) -> Slot:
    """Return an item's slot; the caller fills in what it reads."""
    owner = module_of(item.owner) if item.owner else ""
    if isinstance(item.inner, Node):
        node = item.inner
        found = torch(node)
        words = tuple(_WORDS(node.layer.elsewhere.torch.partition("(")[2]))
        module = None if owner else found.module
        begins, place = node.layer.kind in STARTS, node.origin if isinstance(node.origin, Place) else None
        return Slot(item.name, module, found.value, (), 1, owner, words, begins, node.layer.stem, place)
    part = item.inner
    inputs, makes = [InputPlace(number) for number in range(len(part.reads))], len(part.makes)
    if owner:
        return Slot(item.name, None, call("()", MODULE, *inputs), (), makes, owner, begins=True)
    maker = made(part)
    value = call("()", MODULE, *inputs, *[Code(module_of(path)) for path in part.foreign])
    return Slot(item.name, maker.module, value, (), makes, "", maker.words, True, maker.stem, maker.place)


# --- runs ----------------------------------------------------------------------------------------------------


def numbered(name: str) -> tuple[str, int] | None:
    """Return a name as a stem and a running number; None if it has none."""
    match = _NUMBERED(name)
    return (match[1], int(match[2])) if match and "." not in name else None


def is_chain(structure: Structure, name: str, before: SlotRef) -> bool:
    """Whether a slot is a module that takes one tensor, and gives one."""
    slot = structure.slots[name]
    simple = slot.value == call("()", MODULE, InputPlace(0)) and slot.module is not None and slot.makes == 1
    return simple and slot.reads == (before,)


def runs(structure: Structure) -> list[tuple[tuple[str, int], list[str]]]:
    """Return the runs of slots that a loop can write: equal, numbered in a row, each reading only the one before."""
    uses: dict[SlotRef, int] = {}
    for slot in structure.slots.values():
        for ref in slot.reads:
            uses[ref] = uses.get(ref, 0) + 1
    for ref in structure.makes:
        uses[ref] = uses.get(ref, 0) + 1
    found: list[tuple[tuple[str, int], list[str]]] = []
    current: list[str] = []
    for name, slot in structure.slots.items():
        if current and _goes_on(structure, current[-1], slot, uses):
            current.append(name)
            continue
        if len(current) > 1:
            found.append((_start(current[0]), current))
        current = [name] if numbered(name) and slot.begins and slot.module is not None and len(slot.reads) == 1 else []
    if len(current) > 1:
        found.append((_start(current[0]), current))
    return found


def _start(name: str) -> tuple[str, int]:
    start = numbered(name)
    assert start is not None
    return start


def _goes_on(structure: Structure, last: str, slot: Slot, uses: dict[SlotRef, int]) -> bool:
    before, here = structure.slots[last], numbered(slot.name)
    if here is None or numbered(last) != (here[0], here[1] - 1) or uses.get(SlotRef(last), 0) != 1:
        return False
    if not is_chain(structure, slot.name, SlotRef(last)) or slot.key != before.key:
        return False
    mine, theirs = slot.figures(), before.figures()
    return [key(value) for _, value in mine] == [key(value) for _, value in theirs]


def folded(structure: Structure, starts: set[tuple[str, int]]) -> Structure:
    """Return a structure in which each run with one of these beginnings is one slot, its length the first figure."""
    alone = {name for name in structure.slots if numbered(name) in starts}
    groups = {names[0]: names for start, names in runs(structure) if start in starts}
    slots: dict[str, Slot] = {}
    ends: dict[SlotRef, SlotRef] = {}
    gone = {name for names in groups.values() for name in names[1:]}
    for name, slot in structure.slots.items():
        slot = slot._replace(reads=tuple([ends.get(ref, ref) for ref in slot.reads]))
        if name in gone:
            continue
        names = groups.get(name) or (
            [name] if name in alone and is_chain(structure, name, structure.slots[name].reads[0]) else []
        )
        if not names:
            slots[name] = slot
            continue
        slots[name] = slot._replace(value=call("repeat", InputPlace(0), count=len(names)), run=_start(name))
        ends[SlotRef(names[-1])] = SlotRef(name)
    return structure._replace(slots=slots, makes=tuple([ends.get(ref, ref) for ref in structure.makes]))
