"""A condition on the rows of a sweep, in the language's own expressions: ``macs <= 600M and width * 100 % 5 == 0``.

What only reads arguments is decided before anything is built.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Mapping
from fractions import Fraction
from math import prod
from typing import Any

from cnncalc.figures.catalogue import IN_MEMORY
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_EXPRESSION, MAX_WORK
from cnncalc.language.expressions.arithmetic import truth
from cnncalc.language.expressions.budget import Budget, OutOfWorkError
from cnncalc.language.expressions.compile import Expression, compile_expression
from cnncalc.language.expressions.whitelist import ExpressionError
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.points import FIGURES, MORE_FIGURES

SHORT = {figure.in_memory: figure.name for figure in IN_MEMORY if figure.name in FIGURES}
"""Other words for figures."""

OF_INPUT = ("input", "in_channels", "in_height", "in_width")
"""Names of the input's elements, channels, and last two axes."""

_QUANTITY = re.compile(r"(?<![\w.])(\d[\d_]*(?:\.\d+)?)\s?(?:([kKMGT])(i?B)?|B)(?!\w)")
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")


class Condition:
    """Which rows are kept.

    Attributes:
        figures: the figures that it reads.
    """

    def __init__(self, text: str, args: Collection[str]) -> None:
        """Compile a condition over a spec's args, the figures and the input.

        Raises:
            CnncalcError: where it can't be read, or reads what there is not.
        """
        self.text = text
        self.args = tuple(args)
        known = {*FIGURES, *MORE_FIGURES, *SHORT, *OF_INPUT, *args}
        parts = [_compiled(part, known, text) for part in _conjuncts(text)]
        own = set(args)
        self._early = [part for part in parts if part.names <= own]
        self._late = [part for part in parts if not part.names <= own]
        read = {name for part in parts for name in part.names} - own
        self.figures = tuple(
            [name for name in (*FIGURES, *MORE_FIGURES) if name in {SHORT.get(one, one) for one in read}]
        )

    @property
    def reads_arguments(self) -> bool:
        """Whether a part of it can be decided before a network is built."""
        return bool(self._early)

    def may_hold(self, args: Mapping[str, Any]) -> bool:
        """Return whether what only reads arguments holds; an argument that is not varied decides nothing here."""
        return all(self._holds(part, args) for part in self._early if part.names <= args.keys())

    def holds(self, args: Mapping[str, Any], figures: Mapping[str, Any], shapes: Mapping[str, Shape]) -> bool:
        """Return whether a row is kept.  Raises CnncalcError where that can't be computed."""
        first: Shape = next(iter(shapes.values()), ())
        names: dict[str, Any] = {
            "input": sum([prod(shape) for shape in shapes.values()]),
            "in_channels": first[0] if first else None,
            "in_height": first[-2] if len(first) > 2 else None,
            "in_width": first[-1] if len(first) > 1 else None,
            **{short: figures[name] for short, name in SHORT.items() if name in figures},
            **figures,
            **args,
        }
        return all(self._holds(part, names) for part in (*self._early, *self._late))

    def _holds(self, part: Expression, names: Mapping[str, Any]) -> bool:
        try:
            return truth(part(names, Budget()))
        except ExpressionError as error:
            raise _refused(self.text, error) from None
        except TypeError as fault:
            raise CnncalcError(f"{self.text}: {fault}") from None
        except OutOfWorkError:
            raise CnncalcError(f"{self.text}: takes more than {MAX_WORK:,} operations for one row") from None


def _conjuncts(text: str) -> list[str]:
    """Return the parts that ``and`` joins, with quantities written out; the whole where it is of another form."""
    plain = _written_out(text).strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of `1if x`, which is none of the user's business
            tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return [plain]  # compiling it says what is wrong
    if len(plain) > MAX_EXPRESSION or not (isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And)):
        return [plain]
    return [ast.get_source_segment(plain, value) or plain for value in tree.values]


def _compiled(part: str, known: Collection[str], text: str) -> Expression:
    try:
        return compile_expression(part, known)
    except ExpressionError as error:
        raise _refused(text, error) from None


def _refused(text: str, error: ExpressionError) -> CnncalcError:
    return CnncalcError(f"{text}: {error.message}", error.hint() if callable(error.hint) else error.hint)


def _written_out(text: str) -> str:
    """Return a text with 600M as 600000000 and 256KiB as 262144, but not in quotes."""
    found, at = [], 0
    for quoted in _TEXT.finditer(text):
        found += [_QUANTITY.sub(_quantity, text[at : quoted.start()]), quoted[0]]
        at = quoted.end()
    return "".join([*found, _QUANTITY.sub(_quantity, text[at:])])


def _quantity(match: re.Match[str]) -> str:
    power = " kMGT".index((match[2] or " ").replace("K", "k"))
    number = Fraction(match[1].replace("_", "")) * (1024 if match[3] == "iB" else 1000) ** power
    return str(number.numerator) if number.denominator == 1 else str(float(number))
