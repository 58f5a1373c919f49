"""Named numbers that remember how they were computed: the rule that computes a figure also explains it.

``H + 2·P`` is not written anywhere: the layer's ``output_shape`` runs on symbols instead of integers, and each symbol
carries its name, its expression, and the expression with the numbers put in.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from cnncalc.ground import numeric
from cnncalc.ground.named import NamedTuple
from cnncalc.layers.shapes import axis_names

if TYPE_CHECKING:
    from cnncalc.layers.shapes import Shape

ATOM, PRODUCT, QUOTIENT, SUM = 4, 3, 2, 1  # an expression's operator precedence


class Formula(NamedTuple):
    """``symbol = expression = numbers = value``, as on paper."""

    symbol: str
    expression: str
    numbers: str
    value: int

    @property
    def steps(self) -> list[str]:
        """The expression, the numbers and the value, each only if it differs from the one before."""
        texts = [self.expression, self.numbers, f"{self.value:,}"]
        return [text for text, before in zip(texts, ["", *texts], strict=False) if text != before]


_integer = int.__new__


class Symbol(int):
    """An integer with a name or an expression; arithmetic returns symbols, comparison plain booleans."""

    text: str
    numbers: str
    binding: int

    def __new__(cls, value: int, text: str, numbers: str | None = None, binding: int = ATOM) -> Symbol:
        """Make a symbol of the given value, called ``text``."""
        symbol = _integer(cls, value)
        symbol.text = text
        symbol.numbers = f"{value:,}" if numbers is None else numbers
        symbol.binding = binding
        return symbol

    def __add__(self, other: int) -> Symbol:
        return self if _plain(other, 0) else _combine(int(self) + int(other), self, "+", other, SUM)

    def __radd__(self, other: int) -> Symbol:
        return self if _plain(other, 0) else _combine(int(other) + int(self), other, "+", self, SUM)

    def __sub__(self, other: int) -> Symbol:
        return self if _plain(other, 0) else _combine(int(self) - int(other), self, "−", other, SUM)

    def __rsub__(self, other: int) -> Symbol:
        return _combine(int(other) - int(self), other, "−", self, SUM)

    def __mul__(self, other: int) -> int:
        return _times(self, other)

    def __rmul__(self, other: int) -> int:
        return _times(other, self)

    def __floordiv__(self, other: int) -> Symbol:
        return self if _plain(other, 1) else _quotient(self, other, int(self) // int(other), "⌊", "⌋")

    def __rfloordiv__(self, other: int) -> Symbol:
        return _quotient(other, self, int(other) // int(self), "⌊", "⌋")

    def __hash__(self) -> int:
        return int.__hash__(self)

    # --- the protocol of `cnncalc.ground.numeric` for numbers that record their arithmetic ----------------

    @staticmethod
    def ceil_div(a: int, b: int) -> Symbol:
        """Return ``⌈a / b⌉``."""
        return _quotient(a, b, numeric.ceil_div(int(a), int(b)), "⌈", "⌉")

    @staticmethod
    def common_divisor(a: int, b: int) -> Symbol:
        """Return ``gcd(a, b)``."""
        (text, numbers), (more_text, more_numbers) = _sides(a, SUM), _sides(b, SUM)
        return Symbol(gcd(a, b), f"gcd({text}, {more_text})", f"gcd({numbers}, {more_numbers})")

    def floor_product(self, factor: float) -> Symbol:
        """Return ``⌊self · factor⌋``."""
        text, numbers = _sides(self, PRODUCT)
        product = numeric.floor_product(int(self), factor)
        return Symbol(product, f"⌊{text}·{factor:g}⌋", f"⌊{numbers}·{factor:g}⌋")

    @staticmethod
    def pair(before: int, after: int, name: str) -> tuple[Symbol, Symbol]:
        """Return a padding as symbols: of one name if both sides are equal."""
        if before == after:
            return (Symbol(before, name),) * 2
        return Symbol(before, f"{name}_before"), Symbol(after, f"{name}_after")


def _plain(other: int, neutral: int) -> bool:
    """Return whether a number is the neutral 0 of sums or 1 of products, which need not be shown."""
    return not isinstance(other, Symbol) and int(other) == neutral


def _times(left: int, right: int) -> int:
    """Return a product: the other number times a plain 1, and a plain 0, which sums leave out, times one."""
    if _plain(left, 0) or _plain(right, 0):
        return 0
    if _plain(left, 1) or _plain(right, 1):
        return right if _plain(left, 1) else left
    return _combine(int(left) * int(right), left, "·", right, PRODUCT)


def _combine(value: int, left: int, sign: str, right: int, binding: int) -> Symbol:
    glue = sign if sign == "·" else f" {sign} "
    tight = binding + 1 if sign == "−" else binding
    (text, numbers), (more_text, more_numbers) = _sides(left, binding), _sides(right, tight)
    return Symbol(value, text + glue + more_text, numbers + glue + more_numbers, binding)


def _quotient(a: int, b: int, value: int, opening: str, closing: str) -> Symbol:
    (text, numbers), (more_text, more_numbers) = _sides(a, PRODUCT), _sides(b, ATOM)
    text, numbers = f"{text} / {more_text}", f"{numbers} / {more_numbers}"
    if int(a) % int(b) == 0 and binding_of(a) >= PRODUCT:
        return Symbol(value, text, numbers, QUOTIENT)
    return Symbol(value, f"{opening}{text}{closing}", f"{opening}{numbers}{closing}", ATOM)


def binding_of(value: int) -> int:
    """Return the precedence of a number's expression; plain integers are atoms."""
    return value.binding if isinstance(value, Symbol) else ATOM


def _sides(value: int, needed: int) -> tuple[str, str]:
    """Return a number's expression, and the same in numbers, in brackets if their precedence requires it."""
    if not isinstance(value, Symbol):
        return (f"{value:,}",) * 2
    if value.binding < needed:
        return f"({value.text})", f"({value.numbers})"
    return value.text, value.numbers


def named_shape(shape: Shape, suffix: str) -> tuple[Symbol, ...]:
    """Return a shape as symbols: C_in, H_in, W_in."""
    names = axis_names(len(shape))
    return tuple([Symbol(size, f"{name}{suffix}") for size, name in zip(shape, names, strict=True)])


def formula(symbol: str, value: int) -> Formula:
    """Return a symbol's formula, or that of a plain number."""
    if isinstance(value, Symbol) and value.text != symbol:
        return Formula(symbol, value.text, value.numbers, int(value))
    return Formula(symbol, f"{value:,}", f"{value:,}", int(value))
