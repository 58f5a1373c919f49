"""A condition on the rows of a sweep, in the expressions of specs: ``macs <= 600M and width * 100 % 5 == 0``.

Parts that read only arguments are decided before anything is built.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from fractions import Fraction
from math import prod
from typing import NamedTuple

from cnncalc.figures.catalogue import USUAL
from cnncalc.figures.memory import IN_MEMORY
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_EXPRESSION, MAX_WORK
from cnncalc.ground.places import Fault, SpecError, SpecText, shown_hint
from cnncalc.ground.values import Value
from cnncalc.language.expressions.arithmetic import truth
from cnncalc.language.expressions.budget import Budget, WorkLimitError
from cnncalc.language.expressions.compile import Expression, compile_expression, parsed
from cnncalc.language.expressions.whitelist import ExpressionError, UnknownNameError
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.points import MORE_FIGURES, FigureValue

SHORT = {short: name for name, short in IN_MEMORY.items() if name in USUAL}
"""Other words for figures."""

OF_INPUT = ("input", "in_channels", "in_height", "in_width")
"""Names of the input's elements, channels, and last two axes."""

_QUANTITY = re.compile(r"(?<![\w.])(\d[\d_]*(?:\.\d+)?)\s?(?:([kKMGT])(i?B)?|B)(?!\w)")
_UNIT = re.compile(r"(?<![\w.])\d[\d_.]*\s?(?![kKMGT]i?B?\b|B\b|[eE][-+]?\d|(?:and|or|if|else|in|not|is)\b)[A-Za-z]")
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")


class Condition:
    """A condition for keeping rows.

    Attributes:
        figures: the figures that it reads.
    """

    def __init__(self, text: str, args: Collection[str], name: str = "where") -> None:
        """Compile a condition over a spec's args, the figures and the input.

        Args:
            text: the condition.
            args: the names of the spec's args.
            name: the text's name in messages.

        Raises:
            SpecError: with the place, if it can't be read, or has unknown names.
        """
        self.text = text
        self.args = tuple(args)
        known = {*USUAL, *MORE_FIGURES, *SHORT, *OF_INPUT, *args}
        plain = _written_out(text)
        parts = [_compiled(plain, start, end, known, SpecText(name, text)) for start, end in _conjuncts(plain.text)]
        own = set(args)
        self._early = [part for part in parts if part.names <= own]
        self._late = [part for part in parts if not part.names <= own]
        read = {SHORT.get(name, name) for part in parts for name in part.names - own}
        self.figures = tuple([name for name in (*USUAL, *MORE_FIGURES) if name in read])

    @property
    def reads_arguments(self) -> bool:
        """Whether a part of it can be decided before a network is built."""
        return bool(self._early)

    def may_hold(self, args: Mapping[str, Value]) -> bool:
        """Return whether the parts that read only arguments hold; parts with missing arguments are ignored."""
        return all(self._holds(part, args) for part in self._early if part.names <= args.keys())

    def holds(self, args: Mapping[str, Value], figures: Mapping[str, FigureValue], shapes: Mapping[str, Shape]) -> bool:
        """Return whether a row is kept.  Raises CnncalcError if that can't be computed."""
        first: Shape = next(iter(shapes.values()), ())
        names: dict[str, Value] = {
            "input": sum([prod(shape) for shape in shapes.values()]),
            "in_channels": first[0] if first else None,
            "in_height": first[-2] if len(first) > 2 else None,
            "in_width": first[-1] if len(first) > 1 else None,
            **{short: figures[name] for short, name in SHORT.items() if name in figures},
            **figures,
            **args,
        }
        return all(self._holds(part, names) for part in (*self._early, *self._late))

    def _holds(self, part: Expression, names: Mapping[str, Value]) -> bool:
        try:
            return truth(part(names, Budget()))
        except ExpressionError as error:
            raise CnncalcError(f"{self.text}: {error.message}", shown_hint(error.hint)) from None
        except TypeError as fault:
            raise CnncalcError(f"{self.text}: {fault}") from None
        except WorkLimitError:
            raise CnncalcError(f"{self.text}: takes more than {MAX_WORK:,} operations for one row") from None


class _Plain(NamedTuple):
    """A condition with its quantities written out; ``origins`` has the place in the text of every character."""

    text: str
    origins: list[int]


def _conjuncts(plain: str) -> list[tuple[int, int]]:
    """Return the places of the parts joined by ``and``; the whole text if it has another form."""
    first = len(plain) - len(plain.lstrip())
    whole = [(first, len(plain.rstrip()))]
    try:
        tree = parsed(plain[first:])
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return whole  # compile_expression reports what is wrong
    if not (isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And)):
        return whole
    if len(plain) > MAX_EXPRESSION or not plain.isascii() or "\n" in plain.strip():
        return whole
    return [(first + value.col_offset, first + (value.end_col_offset or 0)) for value in tree.values]


def _compiled(plain: _Plain, start: int, end: int, known: Collection[str], source: SpecText) -> Expression:
    """Compile a part of a condition.  Raises SpecError with its place in the text."""
    text = plain.text[start:end]
    if text in (*USUAL, *MORE_FIGURES, *SHORT):
        compared = f"compare the figure with something: {text} <= 600M"
        raise SpecError([Fault(f"'{text}' is not a condition", source.place(plain.origins[start]), compared)])
    try:
        return compile_expression(text, known)
    except ExpressionError as error:
        hint, message = shown_hint(error.hint), error.message
        if message.endswith("is not an expression"):
            message = f"'{source.content.strip()}' is not an expression"
        if isinstance(error, UnknownNameError):
            hint = hint or f"figures: {', '.join((*USUAL, *MORE_FIGURES))}"
        elif message.endswith("is not an expression") and _UNIT.search(source.content):
            hint = "write quantities as 600M, 1.5G or 256KiB"
        elif hint and "YAML" in hint:  # a condition is not YAML
            hint = None
        at = min(start + error.offset, len(plain.origins) - 1)
        raise SpecError([Fault(message, source.place(plain.origins[at]), hint)]) from None


def _written_out(text: str) -> _Plain:
    """Return a text with 600M as 600000000 and 256KiB as 262144, but not in quotes."""
    quoted = [match.span() for match in _TEXT.finditer(text)]
    parts, origins, at = list[str](), list[int](), 0
    for match in _QUANTITY.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in quoted):
            continue
        number = _quantity(match)
        parts += [text[at : match.start()], number]
        origins += [*range(at, match.start()), *[match.start()] * len(number)]
        at = match.end()
    return _Plain("".join([*parts, text[at:]]), [*origins, *range(at, len(text) + 1)])


def _quantity(match: re.Match[str]) -> str:
    power = " kMGT".index((match[2] or " ").replace("K", "k"))
    number = Fraction(match[1].replace("_", "")) * (1024 if match[3] == "iB" else 1000) ** power
    return str(number.numerator) if number.denominator == 1 else str(float(number))
