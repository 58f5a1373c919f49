"""The inside of a scope as it is written: slots with their calls, and the slots that each reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from cnncalc.exporters.scopes import ScopeItem, ScopePart, holder
from cnncalc.exporters.torch.names import access, attribute, tensor_access
from cnncalc.exporters.torch.trees import figures, key, structure
from cnncalc.graph import Node, Tensor
from cnncalc.ground.places import Origin, Place
from cnncalc.layers.base import Weight
from cnncalc.layers.pytorch import MODULE, Code, InputPlace, ModuleCall, Torch, call

_NUMBERED = re.compile(r"(.*?)(0|[1-9]\d*)", re.ASCII).fullmatch
_WORDS = re.compile(r"\w+").findall
STARTS = ("conv", "fc", "matmul", "recurrent")
"""Kinds of layers that begin a line of ``forward``."""


RECURRENT = ("nn.LSTM", "nn.GRU", "nn.RNN")
STATES = call("[]", call("()", MODULE, InputPlace(0)), 0)
"""The output of one of PyTorch's recurrent modules without its last states."""


class SlotRef(NamedTuple):
    """An output of a slot by its number, or an input of the scope if ``slot`` is ""."""

    slot: str
    number: int = 0


class LooseTensor(NamedTuple):
    """A tensor that a module has itself.

    Attributes:
        name: its name, dotted if it is that of a module inside.
        made: the call that makes it.
        weight: its shape, and whether it is a parameter.
    """

    name: str
    made: ModuleCall
    weight: Weight


class Slot(NamedTuple):
    """One item of a scope.

    Attributes:
        name: the name of its module, or of its layer.
        module: the call that makes its module; None if it has none of its own.
        as_module: the call of PyTorch's module of its function, which a series of modules needs; None without one.
        value: its expression in ``forward``.
        reads: the tensors that the places of the value stand for.
        makes: the number of its output tensors.
        owner: the expression of a module that it uses once more, or "".
        loose: tensors of its layer, which has no module.
        tensors: the expressions of the loose tensors that it uses, whichever layer has them.
        words: names of the module's arguments, by their places.
        begins: whether it begins a line of its own.
        stem: the word before the number in a name that nobody gave.
        place: its place in the spec; None in a model file.
        is_scope: whether it is a scope, whose class makes the modules inside.
        run: if it stands for several modules in a row, their common name and the first number; else None.
    """

    name: str
    module: ModuleCall | None
    value: ModuleCall | InputPlace
    reads: tuple[SlotRef, ...]
    makes: int = 1
    owner: str = ""
    loose: tuple[LooseTensor, ...] = ()
    tensors: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    begins: bool = False
    stem: str = ""
    place: Origin | None = None
    is_scope: bool = False
    run: tuple[str, int] | None = None
    as_module: ModuleCall | None = None

    @property
    def key(self) -> object:
        """Key that is equal for slots of one class, whose figures and reads may differ."""
        loose = tuple([(one.name, structure(one.made), one.weight.trainable) for one in self.loose])
        calls = (structure(self.module), loose, structure(self.value))
        return (calls, self.makes, self.owner, self.tensors, self.run, self.place)

    @property
    def is_plain(self) -> bool:
        """Whether it is a module of one input and one output that runs once."""
        return self.value == call("()", MODULE, InputPlace(0)) and self.module is not None and self.makes == 1

    @property
    def is_named(self) -> bool:
        """Whether somebody named it: its name is not just its type and a number."""
        return not self.name.removeprefix(self.stem).isdecimal()

    def figures(self) -> list[tuple[str, object]]:
        """Return the figures of its calls, each with a word for it."""
        found = list(figures(self.module)) if self.module is not None else []
        for number, word in enumerate(self.words[: len(self.module.args) if self.module else 0]):
            if number < len(found) and not found[number][0]:
                found[number] = (word, found[number][1])
        return [*found, *[figure for one in self.loose for figure in figures(one.made)], *figures(self.value)]


class Structure(NamedTuple):
    """The inside of a scope.

    Attributes:
        slots: by name, in topological order.
        makes: the outputs.
        inputs: the number of input tensors.
        foreign: the number of modules that are given beside the tensors.
    """

    slots: dict[str, Slot]
    makes: tuple[SlotRef, ...]
    inputs: int
    foreign: int

    @property
    def key(self) -> object:
        """Key that is equal for equal structures."""
        slots = tuple([(name, slot.key, slot.reads) for name, slot in self.slots.items()])
        return (slots, self.makes, self.inputs, self.foreign)


class Maker(NamedTuple):
    """The making of a scope inside: the call, names of its arguments, the stem of its name, and its place in a spec."""

    module: ModuleCall
    words: tuple[str, ...]
    stem: str
    place: Origin | None


def structure_of(part: ScopePart, torch: Mapping[Node, Torch], makers: Mapping[ScopePart, Maker]) -> Structure:
    """Return the structure of a scope.

    Args:
        part: the scope.
        torch: each layer as PyTorch code.
        makers: the code that makes each scope inside.
    """
    refs: dict[Tensor, SlotRef] = {tensor: SlotRef("", number) for number, tensor in enumerate(part.reads)}
    slots: dict[str, Slot] = {}

    def module_of(path: str) -> str:
        if path in part.foreign:
            return f"module{part.foreign.index(path) + 1}"
        return "self" + access(path.removeprefix(part.path))

    for item in part.items:
        if isinstance(item.inner, Node):
            slot = _layer_slot(item, item.inner, torch[item.inner], part, module_of)
        else:
            slot = _scope_slot(item, item.inner, makers, module_of)
        slot = slot._replace(reads=tuple([refs[tensor] for tensor in item.reads]))
        if isinstance(slot.value, InputPlace) and slot.value.number >= 0:
            refs[item.makes[0]] = slot.reads[slot.value.number]
            continue
        slots[slot.name] = slot
        refs.update({node: SlotRef(slot.name, number) for number, node in enumerate(item.makes)})
    return Structure(slots, tuple([refs[node] for node in part.makes]), len(part.reads), len(part.foreign))


def _layer_slot(item: ScopeItem, node: Node, torch: Torch, part: ScopePart, module_of: Callable[[str], str]) -> Slot:
    """Return a layer's slot without its reads; ``module_of`` returns the expression of a module, by its path."""
    words = tuple(_WORDS(node.layer.elsewhere.torch.partition("(")[2]))
    begins, place = node.layer.kind in STARTS, node.origin if isinstance(node.origin, Place) else None
    slot = Slot(item.name, torch.made, torch.value, (), words=words, begins=begins, stem=node.layer.stem, place=place)
    owner = node.shares or node
    around, _, last = owner.name.rpartition(".")
    if torch.held:
        keys, held_by = [owner.key(name) for name in torch.held], holder(owner)
        tensors = tuple([module_of(held_by) + tensor_access(key.removeprefix(held_by)) for key in keys])
        calls = zip(keys, torch.held.items(), strict=True)
        made = [LooseTensor(key[len(part.prefix) :], call, node.use.weights[name]) for key, (name, call) in calls]
        return slot._replace(tensors=tensors, loose=tuple(made) if owner is node else ())
    if item.owner is None:
        return slot if torch.made is not None else slot._replace(as_module=_as_module(node, torch))
    expression = module_of(around) + attribute(last) if item.owner != owner.name else module_of(owner.name)
    return slot._replace(module=None, owner=expression)


def _as_module(node: Node, torch: Torch) -> ModuleCall | None:
    """Return PyTorch's module of a function of one input: it takes the function's other arguments in the same order."""
    value = torch.value
    if torch.as_module is not None:
        return torch.as_module
    name = node.layer.elsewhere.torch.partition("(")[0].replace("{d}", str(len(node.shape) - 1))
    if not isinstance(value, ModuleCall) or value.args[:1] != (InputPlace(0),):
        return None
    if value.name.rpartition(".")[2].replace("_", "") != name.lower():
        return None
    options = tuple([option for option in value.options if option.name != "training"])  # a module knows it
    return ModuleCall(f"nn.{name}", value.args[1:], options)


def _scope_slot(
    item: ScopeItem, part: ScopePart, makers: Mapping[ScopePart, Maker], module_of: Callable[[str], str]
) -> Slot:
    """Return a scope's slot without its reads."""
    inputs, makes = [InputPlace(number) for number in range(len(part.reads))], len(part.makes)
    stacks = {one.path for one, maker in makers.items() if maker.module.name in RECURRENT}
    value = call("()", MODULE, *inputs, *[Code(module_of(path)) for path in part.foreign if item.owner is None])
    value = STATES if (item.owner or part.path) in stacks else value
    if item.owner is not None:
        return Slot(item.name, None, value, (), makes, module_of(item.owner), begins=True)
    maker = makers[part]
    slot = Slot(item.name, maker.module, value, (), makes, begins=True, is_scope=True)
    return slot._replace(words=maker.words, stem=maker.stem, place=maker.place)


# --- runs ----------------------------------------------------------------------------------------------------


def numbered(name: str) -> tuple[str, int] | None:
    """Return a name without dots as a stem and its number at the end; None if it has none."""
    match = _NUMBERED(name)
    return (match[1], int(match[2])) if match and "." not in name else None


def is_chain(structure: Structure, name: str, before: SlotRef) -> bool:
    """Whether a slot is a module with one output whose only input is ``before``."""
    slot = structure.slots[name]
    return slot.is_plain and slot.reads == (before,)


def equal_runs(structure: Structure) -> list[tuple[tuple[str, int], list[str]]]:
    """Return the runs of slots that a loop can write: equal, numbered in a row, each reading only the one before.

    A run is the stem and number of its first name, and its names.
    """
    uses = Counter([ref for slot in structure.slots.values() for ref in slot.reads])
    uses.update(structure.makes)
    found: list[tuple[tuple[str, int], list[str]]] = []
    current: list[str] = []
    for name, slot in structure.slots.items():
        if current and _goes_on(structure, current[-1], slot, uses):
            current.append(name)
            continue
        start = numbered(name) if slot.begins and slot.module is not None and len(slot.reads) == 1 else None
        current = [name] if start else []
        if start:
            found.append((start, current))
    return [run for run in found if len(run[1]) > 1]


def _goes_on(structure: Structure, last: str, slot: Slot, uses: Mapping[SlotRef, int]) -> bool:
    """Whether a slot continues a run; ``uses`` has the number of reads of each tensor."""
    before, here = structure.slots[last], numbered(slot.name)
    if here is None or numbered(last) != (here[0], here[1] - 1) or uses[SlotRef(last)] != 1:
        return False
    if not is_chain(structure, slot.name, SlotRef(last)) or slot.key != before.key:
        return False
    mine, theirs = ([key(value) for _, value in one.figures()] for one in (slot, before))
    return mine == theirs


def folded(structure: Structure, starts: set[tuple[str, int]]) -> Structure:
    """Return a structure in which each run with one of these beginnings is one slot, its length the first figure."""
    alone = {name for name in structure.slots if numbered(name) in starts}
    groups = {names[0]: names for start, names in equal_runs(structure) if start in starts}
    slots: dict[str, Slot] = {}
    ends: dict[SlotRef, SlotRef] = {}
    gone = {name for names in groups.values() for name in names[1:]}
    for name, slot in structure.slots.items():
        slot = slot._replace(reads=tuple([ends.get(ref, ref) for ref in slot.reads]))
        if name in gone:
            continue
        is_one = name in alone and is_chain(structure, name, structure.slots[name].reads[0])
        names = groups.get(name, [name] if is_one else [])
        if names:
            slot = slot._replace(value=call("repeat", InputPlace(0), count=len(names)), run=numbered(name))
            ends[SlotRef(names[-1])] = SlotRef(name)
        slots[name] = slot
    return structure._replace(slots=slots, makes=tuple([ends.get(ref, ref) for ref in structure.makes]))
