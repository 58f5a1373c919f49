"""The classes of a network: one per block, whose arguments are the numbers that differ from use to use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import inf
from typing import NamedTuple

from cnncalc.exporters.columns import ABSENT, MOST_COMPARED, FigureColumn, equal, is_half, multiple, same
from cnncalc.exporters.scopes import ScopePart, scopes_around
from cnncalc.exporters.torch.merging import Template, alone, merged
from cnncalc.exporters.torch.names import free, quoted
from cnncalc.exporters.torch.structures import Slot, SlotRef, Structure, equal_runs, folded
from cnncalc.exporters.torch.trees import KnownFigure, filled_call
from cnncalc.graph import BlockUse
from cnncalc.layers.pytorch import InputPlace, ModuleCall, Option

WORDS = {"num_features": "channels", "num_channels": "channels", "normalized_shape": "channels", "": "size"}
"""Names of arguments that are better than those of PyTorch's layers."""

SURELY = 8
"""Least number whose equality to an argument is not considered a coincidence."""

COMING = ("in_channels", "in_features", "num_features", "normalized_shape", "channels")
"""Names of arguments that are the input's channels."""

USUAL = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "output_padding": 0}
"""Defaults of arguments that have these values somewhere."""


class ClassUse:
    """One use of a class.

    Attributes:
        part: the scope.
        structure: its inside.
        block: the use of the spec's block that it is, or None.
        module: the call that makes it.
    """

    module: ModuleCall

    def __init__(self, part: ScopePart, structure: Structure, block: BlockUse | None) -> None:
        self.part = part
        self.structure = structure
        self.block = block
        self.stated = block.values() if block is not None else {}


class Slotted(NamedTuple):
    """A slot in its class's notation.

    Attributes:
        slot: its module and value have a :class:`KnownFigure` in place of each figure that differs between uses.
        when: the condition of its presence, or None.
    """

    slot: Slot
    when: KnownFigure | None


def as_made(slots: Sequence[Slotted]) -> list[Slotted]:
    """Return slots in the order in which a class makes them: modules that contain others first, the outermost first."""
    parents = {path for one in slots if one.slot.module is not None for path in scopes_around(one.slot.name)}
    return sorted(slots, key=lambda one: one.slot.name.count(".") if one.slot.name in parents else inf)


def module_lists(slots: Sequence[Slotted]) -> set[str]:
    """Return the paths of the ``nn.ModuleList``s: modules that no slot makes, and whose own are numbered in order."""
    made = {one.slot.name for one in slots if one.slot.module is not None}
    paths = [(one.slot.name, one) for one in as_made(slots) if one.slot.module is not None]
    paths += [(tensor.name.rpartition(".")[0], one) for one in slots for tensor in one.slot.loose]
    inside: dict[str, dict[str, None]] = {}
    other = {"", *made}
    for path, one in paths:
        for around in scopes_around(path):
            inside.setdefault(around, {})[path[len(around) + 1 :].partition(".")[0]] = None
            if one.when is not None or one.slot.run is not None:
                other.add(around)
    return {
        around
        for around, names in inside.items()
        if list(names) == [str(number) for number in range(len(names))]
        and other.isdisjoint([*scopes_around(around), around])
    }


class Class:
    """A class of the source.

    Attributes:
        name: in Python.
        about: text of its docstring.
        inputs: names of the input tensors in ``forward``.
        template: its slots and wiring.
        uses: the scopes that it stands for.
        slots: the slots as they are written.
        arguments: of ``__init__``, each with its value at every use.
        defaults: of those arguments that have one.
        stated: the arguments of the spec's block, each with its value at every use.
    """

    about = ""
    inputs: Sequence[str] = ("x",)

    def __init__(self, name: str, template: Template, uses: list[ClassUse]) -> None:
        self.name = name
        self.template = template
        self.uses = uses
        self.arguments: dict[str, FigureColumn] = {}
        self.defaults: dict[str, object] = {}
        self.stated = self._stated()
        self.used = {*self.stated, "x"}
        self.numbers: dict[str, int] = {}
        needed = template.needed()
        slots = [one for one in template.slots.values() if one.name in needed or one.module is not None or one.loose]
        self.slots = [self._slotted(slot) for slot in slots]
        self._finish()

    def _stated(self) -> dict[str, FigureColumn]:
        """Return the block's own arguments that all uses have, none that is a list, by names that Python takes."""
        found: dict[str, FigureColumn] = {}
        for name in self.uses[0].stated:
            column = [use.stated.get(name, ABSENT) for use in self.uses]
            if not any(isinstance(value, tuple) or value is ABSENT for value in column):
                found[free(name, {*found, "x"})] = column
        return found

    def _slotted(self, slot: Slot) -> Slotted:
        """Return a slot with names in place of the numbers that differ."""
        there = [use.structure.slots.get(slot.name) for use in self.uses]
        found = [one.figures() if one is not None else None for one in there]
        shown = []
        for number, (word, _) in enumerate(slot.figures()):
            column = [ABSENT if figures is None else figures[number][1] for figures in found]
            shown.append(self._expressed(column, word, word in COMING and slot.reads == (SlotRef(""),)))
        take = iter(shown).__next__
        module = None if slot.module is None else filled_call(slot.module, take)
        loose = tuple([one._replace(made=filled_call(one.made, take)) for one in slot.loose])
        value = slot.value if isinstance(slot.value, InputPlace) else filled_call(slot.value, take)
        return Slotted(
            slot._replace(module=module, loose=loose, value=value), self._when([one is not None for one in there], slot)
        )

    def _expressed(self, column: FigureColumn, word: str, comes_in: bool) -> object:
        """Return a number that is the same everywhere, or the argument for it.

        Args:
            column: the number at each use.
            word: its name in PyTorch.
            comes_in: whether it is the block's input channels, which are not computed from other arguments.
        """
        seen = [value for value in column if value is not ABSENT]
        if all(same(value, seen[0]) for value in seen):
            return self._optional(column, word) if len(seen) < len(column) else seen[0]
        named = list(self._named())
        for name, other in named:
            if equal(column, other):
                return self._known("{}", name)
        for name, other in () if comes_in else named:
            text = multiple(column, other)
            if text:
                return self._known(text, name)
        for name, other in named if word == "padding" else ():
            if is_half(column, other):
                return self._known("{} // 2", name)
        return self._new(WORDS.get(word, word), [None if value is ABSENT else value for value in column])

    def _named(self) -> Iterator[tuple[str, FigureColumn]]:
        """Yield the columns that have names."""
        yield from islice(self.arguments.items(), MOST_COMPARED)
        yield from self.stated.items()

    def _new(self, stem: str, column: FigureColumn) -> KnownFigure:
        """Make an argument for a column that follows from no other one."""
        name = free(stem, self.used, self.numbers)
        self.used.add(name)
        self.arguments[name] = column
        return KnownFigure("{}", name)

    def _optional(self, column: FigureColumn, word: str) -> object:
        """Return the number of a slot that only some uses have: an argument's name if it is surely the same."""
        value = next(value for value in column if value is not ABSENT)
        for name, other in self._named():
            if equal(column, other) and (name == word or (type(value) is int and value >= SURELY)):
                return self._known("{}", name)
        return value

    def _known(self, text: str, name: str) -> KnownFigure:
        self.arguments.setdefault(name, self.stated.get(name, []))
        return KnownFigure(text, name)

    def _when(self, there: list[bool], slot: Slot) -> KnownFigure | None:
        """Return the condition for a slot's presence."""
        if all(there):
            return None
        for kind in (bool, object):  # a flag is a better condition than a word that agrees by chance
            for name, column in self._named():
                text = _condition(there, column) if all(isinstance(value, kind) for value in column) else ""
                if text:
                    return self._known(text, name)
        return self._new(f"has_{slot.name}", list(there))

    def _finish(self) -> None:
        """Find defaults, put the arguments without one first, and set each use's call."""
        for name, column in self.arguments.items():
            for default in (None, False, USUAL.get(name, ABSENT)):
                if any(same(value, default) for value in column):
                    self.defaults[name] = default
                    break
        needed = [name for name in self.arguments if name not in self.defaults]
        self.arguments = {name: self.arguments[name] for name in (*needed, *self.defaults)}
        for number, use in enumerate(self.uses):
            args = tuple([self.arguments[name][number] for name in needed])
            options = [Option(name, self.arguments[name][number], default) for name, default in self.defaults.items()]
            use.module = ModuleCall(self.name, args, tuple(options))


def _condition(there: list[bool], column: FigureColumn) -> str:
    """Return a condition on a column, its name as ``{}``, that holds where a slot is there and nowhere else; or ""."""
    if all(isinstance(value, bool) for value in column):
        return "{}" if column == there else "not {}" if column == [not one for one in there] else ""
    if not all(isinstance(value, (str, int, float)) for value in column):
        return ""
    having = {value for value, one in zip(column, there, strict=True) if one}
    lacking = {value for value, one in zip(column, there, strict=True) if not one}
    if having & lacking:
        return ""
    for sign, values in (("==", having), ("!=", lacking)):
        if len(values) == 1 and (isinstance(column[0], str) or sign == "!="):
            value = values.pop()
            if isinstance(value, str) or value == 1:  # any other number may agree by chance
                shown = quoted(value) if isinstance(value, str) else repr(value)
                return f"{{}} {sign} {shown.replace('{', '{{').replace('}', '}}')}"
    return ""


def classes_of(uses: list[ClassUse], name: Callable[[], str]) -> list[Class]:
    """Return the classes for all uses of a block: as few as its structures allow.

    Args:
        uses: each gets the call that makes its module.
        name: returns the name of a further class.
    """
    starts = _loops([use.structure for use in uses])
    for use in uses:
        use.structure = folded(use.structure, starts) if starts else use.structure
    kinds: dict[object, list[ClassUse]] = {}
    for use in uses:
        kinds.setdefault(use.structure.key, []).append(use)
    groups: list[tuple[Template, list[Structure], list[ClassUse]]] = []
    for alike in kinds.values():
        structure = alike[0].structure
        for number, (_, structures, members) in enumerate(groups):
            template = merged([*structures, structure])
            if template is not None:
                groups[number] = (template, [*structures, structure], [*members, *alike])
                break
        else:
            groups.append((alone(structure), [structure], alike))
    groups.sort(key=lambda group: -len(group[2]))  # the commonest class gets the name without a number
    return [Class(name(), template, members) for template, _, members in groups]


def _loops(structures: Sequence[Structure]) -> set[tuple[str, int]]:
    """Return the starts of the runs that are written as loops: three or more modules, or a number that differs."""
    counts: dict[tuple[str, int], set[int]] = {}
    for structure in structures:
        for start, names in equal_runs(structure):
            counts.setdefault(start, set()).add(len(names))
    return {start for start, found in counts.items() if max(found) > 2 or len(found) > 1}
