"""The statements of ``forward``, one per step that people would write on a separate line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cnncalc.exporters.torch.classes import Class, Slotted
from cnncalc.exporters.torch.expressions import Printer, loop_head
from cnncalc.exporters.torch.layout import WIDTH, SourceText, flat, lines
from cnncalc.exporters.torch.names import access, free, is_name
from cnncalc.exporters.torch.structures import SlotRef, numbered
from cnncalc.exporters.torch.trees import KnownFigure, places
from cnncalc.layers.pytorch import ModuleCall

DEEPEST = 4
"""Most layers that are written inside each other."""

LEAST_LOOP = 6
"""Least number of modules in a row, of one class and with numbered names, that are called in a loop."""

INDENT = 8

WIDEST = 60
"""Width of the targets of an assignment beyond which each has a line."""

PLAIN = ("x", "y", "z")
"""Variables of tensors without a name of their own."""


class Forward:
    """Writes the statements of one class.

    Args:
        made: the class.
        reached: returns the attribute that holds an argument of ``__init__``, by the argument's name.
        lists: the paths of module lists.
    """

    def __init__(self, made: Class, reached: Callable[[str], str], lists: set[str]) -> None:
        self.made = made
        self.lists = lists
        self.slots = {one.slot.name: one for one in made.slots}
        self.places = {name: place for place, name in enumerate(self.slots)}
        self.names: dict[SlotRef, str] = {}
        self.live: dict[str, int] = {}  # how many tensors that are still read each variable stands for
        self.ending: dict[int, list[str]] = {}  # the variables of tensors that are read last at a place
        self.past = -1  # the place up to which these have been taken from the live ones
        self.reached = reached
        self.out: list[str] = []
        self.pending: dict[SlotRef, tuple[SourceText, int, list[SlotRef]]] = {}
        self.needed = made.template.needed()
        self.last_use, self.uses = self._uses()
        for number, name in enumerate(made.inputs):
            self._name(SlotRef("", number), name)
        self.last: tuple[int, str, SourceText] | None = None  # the last plain statement: first line, variable, value
        self.open: str | None = None  # the condition of the ``if`` that is open

    def lines(self) -> list[str]:
        """Return the statements, indented."""
        order = [name for name in self.slots if name in self.needed]
        at = 0
        while at < len(order):
            name, start, count = order[at], numbered(order[at]), self._loop(order, at)
            if count and start is not None:
                self._begin(None)
                last = SlotRef(order[at + count - 1])
                self._write_loop(start, count, self.slots[name].slot.reads[0], last, self.places[name])
                at += count
                continue
            after = order[at + 1] if at + 1 < len(order) else None
            self._write(self.slots[name], self.places[name], after)
            at += 1
        self._finish()
        return self.out

    def _uses(self) -> tuple[dict[SlotRef, int], Counter[SlotRef]]:
        """Return the place of the last slot that uses each tensor, and the number of its uses."""
        last: dict[SlotRef, int] = {}
        count = Counter(self.made.template.makes)
        instead = self.made.template.instead
        for place, (name, one) in enumerate(self.slots.items()):
            if name not in self.needed:
                continue
            refs = [one.slot.reads[number] for number in places(one.slot.value) if number >= 0]
            for ref in [*refs, *([instead[name]] if name in instead and instead[name] not in refs else [])]:
                last[ref] = place
                count[ref] += 1
        return last | dict.fromkeys(self.made.template.makes, len(self.slots)), count

    # --- one slot -------------------------------------------------------------------------------------------

    def _write(self, one: Slotted, place: int, after: str | None) -> None:
        """Write a slot's statement, or keep its expression for the statement of ``after``, the next slot."""
        slot = one.slot
        if slot.run is not None:
            assert isinstance(slot.value, ModuleCall)
            self._begin(one.when)
            self._write_loop(slot.run, slot.value.options[0].value, slot.reads[0], SlotRef(slot.name), place)
            return
        text, depth, read = self._expression(one)
        if one.when is None and slot.makes == 1 and self._goes_into(SlotRef(slot.name), after, depth):
            self.pending[SlotRef(slot.name)] = (text, depth, read)
            return
        if slot.makes == 1:
            self._assign(one, place, text, read)
            return
        made = [SlotRef(slot.name, number) for number in range(slot.makes)]
        self._begin(None)
        targets = [self._new(ref, place) for ref in made]
        if len(", ".join(targets)) <= WIDEST:
            self._statement((f"{', '.join(targets)} = ", *text))
            return
        self.out += [f"{' ' * INDENT}(", *[f"{' ' * INDENT}    {name}," for name in targets]]
        self.out += lines((") = ", *text), INDENT)

    def _expression(self, one: Slotted) -> tuple[SourceText, int, list[SlotRef]]:
        """Return a slot's expression, with kept expressions inside if they fit, its nesting, and its reads."""
        slot = one.slot
        kept = [ref for ref in slot.reads if ref in self.pending]
        depth = 1 + max([self.pending[ref][1] for ref in kept], default=0)
        text = self._text(one)
        read = [other for ref in slot.reads for other in (self.pending[ref][2] if ref in self.pending else [ref])]
        if kept and INDENT + 4 + len(flat(text)) > WIDTH - 8:
            for ref in kept:
                self._settle(ref)
            text, depth, read = self._text(one), 1, list(slot.reads)
        for ref in kept:
            self.pending.pop(ref, None)
        return text, depth, read

    def _text(self, one: Slotted) -> SourceText:
        slot = one.slot
        found: dict[int, SourceText] = {-1: (slot.owner or "self" + access(slot.name, self.lists),)}
        found |= {-2 - number: (tensor,) for number, tensor in enumerate(slot.tensors)}
        for number, ref in enumerate(slot.reads):
            found[number] = self.pending[ref][0] if ref in self.pending else (self.names[ref],)
        return Printer(self._known, found).text(slot.value)

    def _known(self, known: KnownFigure) -> str:
        return known.text.format(f"self.{self.reached(known.name)}")

    def _goes_into(self, ref: SlotRef, after: str | None, depth: int) -> bool:
        """Whether an expression is written inside the next statement: that is its only reader and begins no line."""
        if after is None or self.uses[ref] != 1 or depth >= DEEPEST:
            return False
        one = self.slots[after]
        if one.when is not None or one.slot.run is not None or ref not in one.slot.reads:
            return False
        return not one.slot.begins or len(one.slot.reads) > 1

    def _settle(self, ref: SlotRef) -> None:
        """Write a statement that was kept for the next one."""
        text, _, read = self.pending.pop(ref)
        self._assign(self.slots[ref.slot], self.places[ref.slot], text, read)

    def _assign(self, one: Slotted, place: int, text: SourceText, read: list[SlotRef]) -> None:
        """Assign a tensor to the variable of one that is no longer read, or to a new one."""
        ref = SlotRef(one.slot.name)
        instead = self.made.template.instead.get(one.slot.name)
        if instead is None:
            self._take(ref, place, read)
        elif self.last_use.get(instead, -1) <= place:
            self._name(ref, self.names[instead])
        else:
            self._begin(None)  # a variable that the slot itself reads is not free yet
            self._statement((f"{self._new(ref, place - 1)} = {self.names[instead]}",))
        self._begin(one.when)
        start = len(self.out)
        self._statement((f"{self.names[ref]} = ", *text))
        if self.open is None:
            self.last = (start, self.names[ref], text)

    def _take(self, ref: SlotRef, place: int, read: list[SlotRef]) -> None:
        """Choose a tensor's variable: that of one that is no longer read, unless either keeps a name."""
        over = [self.names[other] for other in read if self.last_use.get(other, -1) <= place]
        plain = [name for name in over if name in PLAIN]
        if plain and not self._is_kept(ref):
            self._name(ref, plain[0])
        else:
            self._new(ref, place)

    def _is_kept(self, ref: SlotRef) -> bool:
        """Whether a tensor keeps the name that somebody gave it: it is read twice or is one of several outputs."""
        comes_out = ref in self.made.template.makes and len(self.made.template.makes) > 1
        return self.slots[ref.slot].slot.is_named and (self.uses[ref] > 1 or comes_out)

    def _new(self, ref: SlotRef, place: int) -> str:
        """Return an unused variable: x, y or z; the layer's name if that is kept, or these are taken."""
        while self.past < place:
            self.past += 1
            for name in self.ending.pop(self.past, ()):
                self.live[name] -= 1
                if not self.live[name]:
                    del self.live[name]
        plain = () if self._is_kept(ref) else [name for name in PLAIN if name not in self.live]
        *around, last = ref.slot.split(".")
        if last[:1].isdigit():  # a number says nothing without what it numbers
            last = (around[-1] if around and is_name(around[-1]) else self.slots[ref.slot].slot.stem) + last
        return self._name(ref, plain[0] if plain else free(last, self.live))

    def _name(self, ref: SlotRef, name: str) -> str:
        """Make a name a tensor's variable, and return it."""
        self.names[ref] = name
        last = self.last_use.get(ref, -1)
        if last > self.past:
            self.live[name] = self.live.get(name, 0) + 1
            self.ending.setdefault(last, []).append(name)
        return name

    # --- statements -----------------------------------------------------------------------------------------

    def _begin(self, when: KnownFigure | None) -> None:
        """Open the next statement's condition, unless it is open."""
        condition = self._known(when) if when is not None else None
        if condition is not None and condition != self.open:
            self.out.append(f"{' ' * INDENT}if {condition}:")
        self.open = condition

    def _statement(self, text: SourceText) -> None:
        self.out += lines(text, INDENT + (4 if self.open else 0))

    def _write_loop(self, run: tuple[str, int], count: object, source: SlotRef, ref: SlotRef, place: int) -> None:
        """Write the loop over several numbered modules.

        Args:
            run: their common name, and the first number.
            count: their number, or the figure that stands for it.
            source: the tensor that the first one reads.
            ref: the output of the last one.
            place: the place of the first one.
        """
        if self.last_use.get(source, -1) <= place:
            self._name(ref, self.names[source])
        else:
            self._statement((f"{self._new(ref, place)} = {self.names[source]}",))
        (stem, first), name = run, self.names[ref]
        self._statement((f"{loop_head(first, count, self._known)}:",))
        self._statement((f'    {name} = self.get_submodule(f"{stem}{{i}}")({name})',))

    def _loop(self, order: list[str], at: int) -> int:
        """Return the number of slots from here on that are called in a loop."""
        first = numbered(order[at])
        end = at
        while end < len(order) and first is not None:
            one = self.slots[order[end]]
            if one.when is not None or not (one.slot.is_plain and one.slot.begins):
                break
            if numbered(order[end]) != (first[0], first[1] + end - at):
                break
            before = SlotRef(order[end - 1])
            if end > at and (one.slot.reads != (before,) or self.uses[before] != 1):
                break
            end += 1
        return end - at if end - at >= LEAST_LOOP else 0

    def _finish(self) -> None:
        """Write the ``return``; it replaces a last assignment to the returned variable."""
        makes = self.made.template.makes
        shown = [self.names[ref] for ref in makes]
        if self.last is not None and len(makes) == 1:
            start, name, text = self.last
            if name == shown[0] and self.out[start:] == lines((f"{name} = ", *text), INDENT):
                self.out[start:] = lines(("return ", *text), INDENT)
                return
        self.out.append(f"{' ' * INDENT}return {', '.join(shown)}")
