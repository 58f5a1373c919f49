"""Numbers that record their arithmetic, so that it can be repeated on many others at once.

A network is built once on traced numbers.  Each operation on one is either *recorded* on the tape, or *pinned*: the
tape is then valid only for values with the same outcome (a guard). Code that is unaware of traced numbers costs speed,
never correctness.

Integers are linear sums: a constant and coefficients of other entries, which fold hundreds of additions into one entry.
Every number has an interval of the values that it can take; a comparison decided by intervals needs no guard, and
within 64 bits NumPy computes exactly.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import SupportsIndex, TypeAlias, TypeGuard, TypeVar, cast, final

from cnncalc.studies.sweep.tape import (
    ANYTHING,
    PYTHON,
    Interval,
    Number,
    Operand,
    Operation,
    SameForAll,
    Source,
    SourceKey,
    Tape,
    WeightedSum,
    decided,
    remainder_interval,
    spanned,
)

N = TypeVar("N", bound=float)
T = TypeVar("T")

Traceable: TypeAlias = "Traced | int | float"
"""An operand or result of arithmetic: a traced number, or a plain one."""


def _operator(function: Callable[[Traced, Traceable], T]) -> Callable[[Traced, Traceable], T]:
    """Return an operator's method, which returns NotImplemented for an operand that is not a number."""
    return lambda self, other: function(self, other) if isinstance(other, (int, float)) else NotImplemented


@final
class Traced:
    """A number of a tape; arithmetic returns such numbers, comparison plain booleans and a guard.

    It is not a subclass of ``int``, whose value C code would read without calling any method; ``__class__`` makes
    ``isinstance`` succeed. It is not hashable, so it can't be a key.
    """

    __slots__ = ("constant", "high", "is_real", "low", "tape", "terms", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, tape: Tape, value: Number, interval: Interval, terms: dict[int, int], constant: int, is_real: bool
    ) -> None:
        self.tape = tape
        self.value = value
        self.low, self.high = interval
        self.terms = terms
        self.constant = constant
        self.is_real = is_real

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return float if self.is_real else int

    # --- entries ------------------------------------------------------------------------------------------------

    def operand(self) -> int:
        """Return the number of its entry; a sum gets one on first use."""
        if not self.constant and len(self.terms) == 1:
            ((number, factor),) = self.terms.items()
            if factor == 1:
                return number
        return self.tape.number(WeightedSum(tuple(sorted(self.terms.items())), self.constant), _interval(self), False)

    def pin(self) -> Number:
        """Return the plain value; from now on the tape is valid only for it."""
        if self.low != self.high:
            number = self.operand()
            self.tape.pinned.add(number)
            self.tape.guards[Operation("eq", (number, SameForAll(self.value)))] = True
        return self.value

    # --- arithmetic -----------------------------------------------------------------------------------------------

    __add__ = _operator(lambda a, b: _added(a, b, 1))
    __radd__ = _operator(lambda a, b: _applied("add", b, a) if a.is_real else _added(a, b, 1))
    __sub__ = _operator(lambda a, b: _added(a, b, -1))
    __rsub__ = _operator(lambda a, b: _applied("sub", b, a) if a.is_real or _real(b) else _scaled(_added(a, b, -1), -1))
    __mul__ = _operator(lambda a, b: _multiplied(a, b))
    __rmul__ = _operator(lambda a, b: _multiplied(b, a))
    __truediv__ = _operator(lambda a, b: _divided("truediv", a, b))
    __rtruediv__ = _operator(lambda a, b: _divided("truediv", b, a))
    __floordiv__ = _operator(lambda a, b: _floor_divided(a, b))
    __rfloordiv__ = _operator(lambda a, b: _divided("floordiv", b, a))
    __mod__ = _operator(lambda a, b: _remainder(a, b))
    __rmod__ = _operator(lambda a, b: _divided("mod", b, a))
    __divmod__ = _operator(lambda a, b: (a // b, a % b))
    __rdivmod__ = _operator(lambda a, b: (b // a, b % a))
    __pow__ = _operator(lambda a, b: _powered(a, b))
    __rpow__ = _operator(lambda a, b: _powered(b, a))

    def __neg__(self) -> Traceable:
        return _applied("neg", self) if self.is_real else _scaled(self, -1)

    def __pos__(self) -> Traceable:
        return self

    def __abs__(self) -> Traceable:
        return -self if self < 0 else self

    def __trunc__(self) -> Traceable:
        return _rounded(self, "trunc", math.trunc)

    def __floor__(self) -> Traceable:
        return _rounded(self, "floor", math.floor)

    def __ceil__(self) -> Traceable:
        return _rounded(self, "ceil", math.ceil)

    def __round__(self, digits: SupportsIndex | None = None) -> Traceable:
        if digits is None:
            return _rounded(self, "nearest", round)
        places = operator.index(digits)
        if not self.is_real:
            return round(self.pin(), places)
        return _noted(self.tape, "round", (self.operand(), SameForAll(places)), round(self.value, places), ANYTHING)

    def as_float(self) -> Traceable:
        """Return it as a float, still traced."""
        return self if self.is_real else _applied("float", self)

    def larger(self, other: Traceable) -> Traceable:
        """Return the larger of both, still traced."""
        return _extreme("maximum", max, self, other)

    def below(self, other: Traceable) -> Traceable:
        """Return 1 where it is less than another number, else 0."""
        known = _decided("lt", self, other)
        if known is not None:
            return int(known)
        return _noted(self.tape, "lt", (self.operand(), operand_of(other)), int(self.value < plain(other)), (0, 1))

    def smaller(self, other: Traceable) -> Traceable:
        """Return the smaller of both, still traced."""
        return _extreme("minimum", min, self, other)

    # --- uses of the value -------------------------------------------------------------------------------------------

    __lt__ = _operator(lambda a, b: _compared("lt", a, b))
    __le__ = _operator(lambda a, b: _compared("le", a, b))
    __gt__ = _operator(lambda a, b: _compared("lt", b, a))
    __ge__ = _operator(lambda a, b: _compared("le", b, a))

    def __eq__(self, other: object) -> bool:
        return _compared("eq", self, other) if isinstance(other, (int, float)) else NotImplemented

    def __bool__(self) -> bool:
        return not _compared("eq", self, 0)

    def __index__(self) -> int:
        if self.is_real:
            raise TypeError("'float' object cannot be interpreted as an integer")
        return int(self.pin())

    def __int__(self) -> int:
        return int(self.pin())

    def __float__(self) -> float:
        return float(self.pin())

    def __format__(self, form: str) -> str:
        return format(self._written(), form)

    def __repr__(self) -> str:
        return repr(self._written())

    def _written(self) -> Number:
        """Return the plain value for a text.  Raises TypeError for 0.0 and -0.0, which no guard distinguishes."""
        if self.is_real and self.value == 0:
            raise TypeError("a text shows the sign of 0, which is not traced")
        return self.pin()

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the plain value (``bit_length``)."""
        if name.startswith("__") or not hasattr(self.value, name):
            raise AttributeError(name)
        return getattr(self.pin(), name)


def source(tape: Tape, key: SourceKey, value: Number, interval: Interval) -> Traced:
    """Return a number that differs from place to place; ``value`` is the one at the traced place."""
    return _entered(tape, Source(key), value, interval)


def stand_in(tape: Tape, key: SourceKey, value: N, interval: Interval) -> N:
    """Return a :func:`source` in place of a plain number.

    Rules are typed for plain numbers; a traced one has the same arithmetic and ``__class__``.
    """
    return cast("N", source(tape, key, value, interval))


# --- recording of operations ----------------------------------------------------------------------------------------


def _noted(tape: Tape, operation: str, operands: tuple[Operand, ...], value: Number, interval: Interval) -> Traced:
    return _entered(tape, Operation(operation, operands), value, interval)


def _entered(tape: Tape, rule: Source | Operation, value: Number, interval: Interval) -> Traced:
    is_real = isinstance(value, float)
    number = tape.number(rule, interval, is_real)
    return Traced(tape, value, interval, {number: 1}, 0, is_real)


def _real(value: Traceable) -> bool:
    return isinstance(value, float)


def plain(value: Traceable) -> Number:
    """Return the value at the traced place, without a guard: for computations outside the tape."""
    return value.value if type(value) is Traced else value


def _interval(value: Traceable) -> Interval:
    return (value.low, value.high) if type(value) is Traced else (value, value)


def operand_of(value: Traceable) -> Operand:
    """Return the number of a traced number's entry, or a plain number as a constant."""
    return value.operand() if type(value) is Traced else SameForAll(value)


def _tape(*values: Traceable) -> Tape:
    return next(value.tape for value in values if type(value) is Traced)


def _sum_or_constant(tape: Tape, value: Number, interval: Interval, terms: dict[int, int], constant: int) -> Traceable:
    """Return a sum; a plain number if only a constant is left."""
    return Traced(tape, value, interval, terms, constant, False) if terms else constant


def _added(a: Traced, b: Traceable, sign: int) -> Traceable:
    """Return a + b, or a − b: integers fold into one sum."""
    if a.is_real or _real(b):
        return _applied("add" if sign > 0 else "sub", a, b)
    if type(b) is not Traced:
        low, high = a.low + sign * b, a.high + sign * b
        return Traced(a.tape, a.value + sign * b, (low, high), a.terms, a.constant + sign * int(b), False)
    terms = dict(a.terms)
    for number, factor in b.terms.items():
        factor = terms.get(number, 0) + sign * factor
        if factor:
            terms[number] = factor
        else:
            terms.pop(number, None)
    low, high = (b.low, b.high) if sign > 0 else (-b.high, -b.low)
    interval = a.tape.narrowed((a.low + low, a.high + high), terms, a.constant + sign * b.constant)
    return _sum_or_constant(a.tape, a.value + sign * b.value, interval, terms, a.constant + sign * b.constant)


def _scaled(a: Traceable, factor: int) -> Traceable:
    """Return an integer times a plain integer."""
    if factor == 0:
        return 0
    if type(a) is not Traced:
        return factor * a
    low, high = sorted((a.low * factor, a.high * factor))
    terms = {number: factor * own for number, own in a.terms.items()}
    return Traced(a.tape, a.value * factor, (low, high), terms, a.constant * factor, False)


def _multiplied(a: Traceable, b: Traceable) -> Traceable:
    if _real(a) or _real(b):
        return _applied("mul", a, b)
    if type(b) is not Traced:
        return _scaled(a, int(b))
    if type(a) is not Traced:
        return _scaled(b, int(a))
    first, second = sorted((a.operand(), b.operand()))
    return _noted(a.tape, "mul", (first, second), a.value * b.value, spanned(operator.mul, _interval(a), _interval(b)))


def _floor_divided(a: Traced, b: Traceable) -> Traceable:
    """Return a // b; a plain divisor of all parts of a sum divides each of them."""
    if _divides(b, a) and math.isfinite(a.low) and math.isfinite(a.high):
        terms = {number: factor // b for number, factor in a.terms.items()}
        return _sum_or_constant(a.tape, a.value // b, (a.low // b, a.high // b), terms, a.constant // b)
    factor = _multiple(a, b)
    return _divided("floordiv", a, b) if factor is None else factor


def _divides(b: Traceable, a: Traced) -> TypeGuard[int]:
    """Return whether a plain divisor divides all of a sum but its constant."""
    return type(b) is int and b > 0 and not a.is_real and all(factor % b == 0 for factor in a.terms.values())


def _multiple(a: Traced, b: Traceable) -> int | None:
    """Return the integer k with a = k·b for all values of the entries; None if there is none, or b is 0."""
    if type(b) is not Traced or a.is_real or b.is_real or a.terms.keys() != b.terms.keys() or b == 0:
        return None
    number = next(iter(b.terms))
    factor, rest = divmod(a.terms[number], b.terms[number])
    alike = all(a.terms[number] == factor * own for number, own in b.terms.items())
    return factor if alike and not rest and a.constant == factor * b.constant else None


def _remainder(a: Traced, b: Traceable) -> Traceable:
    if _divides(b, a):
        return a.constant % b
    return 0 if _multiple(a, b) is not None else _divided("mod", a, b)


def _divided(operation: str, a: Traceable, b: Traceable) -> Traceable:
    if b == 0:
        raise ZeroDivisionError("division by zero")
    return _applied(operation, a, b)


def _powered(a: Traceable, b: Traceable) -> Traceable:
    """Return a ** b: recorded if the exponent is plain and the result is real for every base."""
    b = b.pin() if type(b) is Traced else b
    if type(a) is not Traced:
        return a**b
    if type(b) is int and 1 <= b <= 4 and not a.is_real:
        return math.prod([a] * b)
    if isinstance(b, int) and b >= 0 and not a.is_real:
        interval = (a.low**b, a.high**b) if a.low >= 0 else ANYTHING
        return _noted(a.tape, "pow", (a.operand(), SameForAll(b)), a.value**b, interval)
    if a > 0:  # with another base it might be complex, or a division by zero
        return _noted(a.tape, "pow", (a.operand(), SameForAll(b)), a.value**b, ANYTHING)
    return a.pin() ** b


def _applied(operation: str, *values: Traceable) -> Traceable:
    """Record an operation on numbers, at least one of which is traced."""
    function = PYTHON[operation]
    value = function(*[plain(value) for value in values])
    intervals = [_interval(value) for value in values]
    if operation == "mod":
        interval = remainder_interval(*intervals)
    elif operation in ("truediv", "floordiv") and intervals[1][0] <= 0 <= intervals[1][1]:
        interval = ANYTHING
    else:
        interval = spanned(function, *intervals)
    return _noted(_tape(*values), operation, tuple([operand_of(value) for value in values]), value, interval)


def _rounded(a: Traced, operation: str, function: Callable[[Number], int]) -> Traceable:
    """Record a rounding of a float; an integer is returned unchanged."""
    if not a.is_real:
        return a
    if _may_be_nan(a) and not -math.inf < a < math.inf:
        return function(a.pin())
    return _noted(a.tape, operation, (a.operand(),), function(a.value), spanned(function, _interval(a)))


def _extreme(operation: str, function: Callable[[Number, Number], Number], a: Traced, b: Traceable) -> Traceable:
    """Return the larger or smaller of two numbers; for an int and a float, a guard fixes which one it is."""
    if a.is_real or _real(b):
        is_beaten = a < b if operation == "maximum" else b < a
        return b if is_beaten else a
    low, high = _interval(b)
    if a.low >= high or a.high <= low:
        return a if (a.low >= high) is (operation == "maximum") else b
    interval = function(a.low, low), function(a.high, high)
    return _noted(a.tape, operation, (operand_of(a), operand_of(b)), function(a.value, plain(b)), interval)


def _compared(operation: str, a: Traceable, b: Traceable) -> bool:
    """Return the outcome of a comparison; record a guard unless the intervals decide it."""
    if not (_real(a) or _real(b)):  # the interval of the difference is narrower than those of both sides
        a, b = a - b, 0
        if type(a) is not Traced:
            return bool(PYTHON[operation](a, b))
    known = _decided(operation, a, b)
    if known is not None:
        return known
    outcome = bool(PYTHON[operation](plain(a), plain(b)))
    return _tape(a, b).guards.setdefault(Operation(operation, (operand_of(a), operand_of(b))), outcome)


def _decided(operation: str, a: Traceable, b: Traceable) -> bool | None:
    """Return the outcome of a comparison if intervals decide it; None if they don't, or a side may be NaN."""
    return None if _may_be_nan(a) or _may_be_nan(b) else decided(operation, _interval(a), _interval(b))


def _may_be_nan(value: Traceable) -> bool:
    """Return whether a number may be NaN."""
    if type(value) is Traced:
        return value.is_real and not (math.isfinite(value.low) and math.isfinite(value.high))
    return bool(value != value)
