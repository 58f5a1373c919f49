"""Calls as Python's expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf

from cnncalc.exporters.columns import same, whole
from cnncalc.exporters.torch.layout import Bracket, SourceText, flat
from cnncalc.exporters.torch.names import is_name, quoted
from cnncalc.exporters.torch.structures import numbered
from cnncalc.exporters.torch.trees import KnownFigure, figures, filled, structure
from cnncalc.layers.pytorch import Code, InputPlace, ModuleCall, Option

_LEVELS = ("== != > >= < <=", "+ -", "* / @", "neg", "**")
_STRENGTH = {operator: level for level, operators in enumerate(_LEVELS, 1) for operator in operators.split()}
"""Precedence of each operator, as in Python; a higher one binds tighter."""

TIGHTEST = 9
"""Precedence of anything but an operator: a name, a number, a call."""

_HUGS = re.compile(r"-?(\d[\d.e+-]*|[A-Za-z_][\w.]*)", re.ASCII).fullmatch
"""Operands beside which ``**`` is written without blanks, as ruff does."""

_BARE = re.compile(r"-?\w+", re.ASCII).fullmatch
"""Operands beside which ``:`` is written without blanks, as ruff does."""

LEAST_LOOP, LEAST_ALIKE = 2, 3
"""Least number of named arguments, and of modules without names, that are made by a loop."""


def literal(value: object) -> str:
    """Return a number, a flag, a word or a tuple as Python source."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        if value in (inf, -inf):
            return f'float("{value}")'
        return re.sub("e([-+])0?", lambda found: f"e{found[1].strip('+')}", repr(value))
    if isinstance(value, tuple):
        return f"({', '.join([literal(item) for item in value])}{',' if len(value) == 1 else ''})"
    return repr(value)


def loop_head(first: int, count: object, spelled: Callable[[KnownFigure], str]) -> str:
    """Return the head of a loop over ``count`` numbers from ``first`` on, without its colon.

    ``spelled`` returns the expression of a count that is a named figure.
    """
    if isinstance(count, KnownFigure):
        until = spelled(count) + (f" + {first}" if first else "")
    else:
        assert isinstance(count, int)
        until = str(first + count)
    return f"for i in range({f'{first}, ' if first else ''}{until})"


class Printer:
    """Prints calls as source.

    Args:
        spelled: returns the expression of a named figure.
        places: source of the module (-1) and of each input, by their numbers.
    """

    def __init__(self, spelled: Callable[[KnownFigure], str], places: Mapping[int, SourceText] | None = None) -> None:
        self.spelled = spelled
        self.places = places or {}

    def text(self, tree: object) -> SourceText:
        """Return a call, or a part of one, as source."""
        if isinstance(tree, ModuleCall):
            return self.call(tree)
        if isinstance(tree, InputPlace):
            return self.places[tree.number]
        if isinstance(tree, KnownFigure):
            return (self.spelled(tree),)
        if isinstance(tree, slice):
            return (self.cut(tree),)
        return (str(tree) if isinstance(tree, Code) else literal(tree),)

    def call(self, tree: ModuleCall) -> SourceText:
        """Return a call, an operator, a method or an index."""
        name, args = tree.name, tree.args
        if name in _STRENGTH:
            return self.operator(name, args)
        if name in ("list", "tuple"):
            opening, closing = "[]" if name == "list" else "()"
            return (Bracket(opening, tuple([self.text(arg) for arg in args]), closing),)
        head: SourceText = (name,)
        if name in ("[]", "()") or name.startswith((".", ":")):
            head, args = self.operand(args[0], TIGHTEST), args[1:]
        if name.startswith(":"):
            return (*head, f".{name[1:]}")
        given = self.modules(args) if name == "nn.Sequential" else [self.text(arg) for arg in args]
        if name == "[]":
            return (*head, Bracket("[", tuple(given), "]"))
        method = (name,) if name.startswith(".") else ()
        given += self.named([option for option in tree.options if self.is_shown(option)])
        return (*head, *method, Bracket("(", tuple(given), ")"))

    def named(self, options: list[Option]) -> list[SourceText]:
        """Return named arguments; numbered ones with evenly spaced numbers as a loop."""
        found: list[SourceText] = []
        for group, value in _groups(options, LEAST_LOOP):
            start = numbered(group[0].name)
            if len(group) == 1 or start is None:
                found.append(self.one(group[0]))
                continue
            item = (f'f"{start[0]}{{i}}": ', *self.text(value))
            loop = loop_head(start[1], len(group), self.spelled)
            found.append(("**", Bracket("{", (item, (loop,)), "}", " ")))
        return found

    def modules(self, args: Sequence[object]) -> list[SourceText]:
        """Return modules one after the other; those alike, but for evenly spaced numbers, as a loop."""
        found: list[SourceText] = []
        for group, value in _groups([Option(str(at), arg, None) for at, arg in enumerate(args)], LEAST_ALIKE):
            text, count = self.text(value), len(group)
            if count > 1:
                is_same = group[0].value == group[1].value
                loop = f"for _ in range({count})" if is_same else loop_head(int(group[0].name), count, self.spelled)
                text = ("*", Bracket("[", (text, (loop,)), "]", " "))
            found.append(text)
        return found

    def one(self, option: Option) -> SourceText:
        """Return a named argument, in a dictionary if its name is not valid in Python."""
        if is_name(option.name):
            return (f"{option.name}=", *self.text(option.value))
        return ("**", Bracket("{", ((f'"{option.name}": ', *self.text(option.value)),), "}"))

    def is_shown(self, option: Option) -> bool:
        """Whether an option differs from its default, or may."""
        value, default = option.value, option.default
        return type(value) is not type(default) or value != default

    def operator(self, name: str, args: tuple[object, ...]) -> SourceText:
        """Return operands with an operator between them, in parentheses if their precedence is lower."""
        strength = _STRENGTH[name]
        if name == "neg":
            return ("-", *self.operand(args[0], strength + 1))
        if name == "**":
            sides = [self.operand(arg, strength + 1) for arg in args]
            sign = "**" if all(_HUGS(flat(side)) for side in sides) else " ** "
            return (*sides[0], sign, *sides[1])
        found = [*self.operand(args[0], strength)]
        for arg in args[1:]:
            found += [f" {name} ", *self.operand(arg, strength + 1)]
        return tuple(found)

    def operand(self, tree: object, strength: int) -> SourceText:
        """Return a side of an operator, in parentheses if its own operators bind less tightly."""
        text = self.text(tree)
        return text if _strength(text) >= strength else ("(", *text, ")")

    def cut(self, part: slice) -> str:
        """Return a slice of an index."""
        sides = [None if side is None else flat(self.text(side)) for side in (part.start, part.stop, part.step)]
        sides = sides if sides[2] is not None else sides[:2]
        sign = ":" if all(side is None or _BARE(side) for side in sides) else " : "
        return sign.join([side or "" for side in sides]).strip(" ")


def _groups(options: list[Option], least: int) -> Iterator[tuple[list[Option], object]]:
    """Yield options one by one, or as many as are a series, with the value; that of a series is in terms of i."""
    at = 0
    while at < len(options):
        end, value = _series(options, at)
        if end - at < least:
            end, value = at + 1, options[at].value
        yield options[at:end], value
        at = end


def _series(options: list[Option], at: int) -> tuple[int, object]:
    """Return the end of the series of similar calls that begins at an option, and one call for all, in terms of i."""
    first, start = options[at].value, numbered(options[at].name)
    if not isinstance(first, ModuleCall) or start is None:
        return at + 1, first
    rows: list[list[object]] = []
    end = at
    while end < len(options) and numbered(options[end].name) == (start[0], start[1] + end - at):
        if structure(options[end].value) != structure(first):
            break
        rows.append([value for _, value in figures(options[end].value)])
        if len(rows) > 1 and not all(map(_is_even, zip(*rows[-3:], strict=True))):  # those before are, too
            rows.pop()
            break
        end += 1
    found = [_by_number(column, start[1]) for column in zip(*rows, strict=True)]
    return end, filled(first, iter(found).__next__)


def _is_even(column: tuple[object, ...]) -> bool:
    """Whether figures are equal, or integers that grow by the same step."""
    if all(same(value, column[0]) for value in column):
        return True
    numbers = whole(column)
    return bool(numbers) and len({b - a for a, b in pairwise(numbers)}) == 1 and numbers[1] > numbers[0]


def _by_number(column: tuple[object, ...], start: int) -> object:
    """Return a figure by the number i of its place, which begins at ``start``."""
    numbers = whole(column)
    if len(numbers) < 2 or numbers[0] == numbers[1]:
        return column[0]
    step = numbers[1] - numbers[0]
    first = numbers[0] - step * start
    product = f"{step} * i" if step != 1 else "i"
    return Code(f"{first} + {product}" if first > 0 else f"{product} - {-first}" if first else product)


def _strength(text: SourceText) -> int:
    """Return the precedence of the weakest operator in a text; TIGHTEST if there is none."""
    found, depth = TIGHTEST, 0
    for number, piece in enumerate(text):
        if isinstance(piece, str):
            depth += (piece == "(") - (piece == ")")
            if not depth:
                found = min([found, *[_STRENGTH.get(word, TIGHTEST) for word in piece.split()]])
            if number == 0 and piece.startswith("-"):
                found = min(found, _STRENGTH["neg"])
            if piece == "**":
                found = min(found, _STRENGTH["**"])
    return found
