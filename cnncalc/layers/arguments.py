"""Arguments of layer types: the values they accept, and the messages for values they refuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast, overload

from cnncalc.ground.limits import MAX_INTEGER
from cnncalc.ground.numbers import counted
from cnncalc.ground.numeric import as_float, whole

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Word = TypeVar("Word", bound=str)

Pair: TypeAlias = "tuple[int, int]"
Pairs: TypeAlias = "tuple[Pair, ...]"
Padding: TypeAlias = "Pairs | Literal['same', 'valid']"
"""Padding in a layer's rules: a pair (before, after) per spatial axis, or a word that is resolved from sizes."""

REQUIRED = object()
"""Marks an argument that must be given."""

DERIVED = object()
"""Marks an argument whose default follows from other arguments."""

LARGEST = 1e300  # excludes infinity, and integers that are too large for float()


class LayerError(Exception):
    """A layer can't be made or used: the message, the argument to blame, and perhaps a hint. The reader of a spec adds
    the place in the file.
    """

    def __init__(
        self, message: str, *, argument: str | None = None, hint: str | None = None, near: Sequence[str] = ()
    ) -> None:
        """Make an error; the name most similar to the unknown one among ``near`` is suggested."""
        super().__init__(message)
        self.message = message
        self.argument = argument
        self.hint = hint
        self.near = near


class Conversion(Generic[T]):
    """A conversion, with what the reader of specs needs to know about its values.

    Attributes:
        words: plain words that are values (``same``), so that specs need not quote them.
        only_words: whether these are the only values.
        is_text: whether any text is a value, so that none is an expression.
        axes: "one" for one value per spatial axis, "pair" for a pair per axis, "" if the value does not depend on axes.
    """

    def __init__(
        self,
        convert: Callable[[object], T],
        words: tuple[str, ...] = (),
        only_words: bool = False,
        is_text: bool = False,
        axes: str = "",
    ) -> None:
        self.plain = convert
        self.words = words
        self.only_words = only_words
        self.is_text = is_text
        self.axes = axes

    def __call__(self, value: object) -> T:
        """Return the value, or raise ValueError with a description of valid values."""
        return self.plain(value)


class Argument(Generic[T_co]):
    """One argument of a layer type: how a value is converted, its default and its documentation.

    It is a descriptor, so that a field has the type that its conversion returns.

    Attributes:
        flag: whether ``yes`` and ``no`` mean true and false.
        symbol: the letter that formulas use for it.
        words, only_words, is_text, axes: see :class:`Conversion`.
    """

    def __init__(self, convert: Callable[[object], T_co], help: str, default: object, symbol: str) -> None:
        """Make an argument; see :func:`argument`."""
        known = convert if isinstance(convert, Conversion) else Conversion(convert)
        self.convert = known
        self._taken = known.plain
        self.help = help
        self.default = None if default is DERIVED else default
        self.symbol = symbol
        self.words = known.words
        self.only_words = known.only_words
        self.flag = convert is flag
        self.is_text = known.is_text
        self.axes = known.axes
        self._absent: tuple[T_co | None] | None = None  # the converted default, once it was needed

    @overload
    def __get__(self, layer: None, owner: type) -> Argument[T_co]: ...

    @overload
    def __get__(self, layer: object, owner: type) -> T_co: ...

    def __get__(self, layer: object, owner: type) -> Argument[T_co] | T_co:
        """Return the argument itself; called for classes only, because an instance's value hides it."""
        return self

    def take(self, name: str, value: object) -> T_co | None:
        """Convert a value. Raises LayerError with a description of valid values."""
        if value is None and self.default is None:
            return None
        try:
            return self._taken(value)
        except ValueError as fault:
            raise LayerError(f"{name} must be {fault}, not {value_text(value)}", argument=name) from None

    def absent(self, name: str) -> T_co | None:
        """Return the default.  Raises LayerError if there is none."""
        if self._absent is None:
            if self.default is REQUIRED:
                raise LayerError(f"'{name}' is missing: {self.help}", hint=f"write it as {name}: …")
            self._absent = (None if self.default is None else self.convert(self.default),)
        return self._absent[0]


@overload
def argument(convert: Callable[[object], T], help: str, default: None, symbol: str = "") -> Argument[T | None]: ...


@overload
def argument(convert: Callable[[object], T], help: str, default: object = ..., symbol: str = "") -> Argument[T]: ...


def argument(convert: Callable[[object], T], help: str, default: object = REQUIRED, symbol: str = "") -> Any:
    """Declare an argument of a layer type; the field has the type of what ``convert`` returns.

    The default None means an absent value; DERIVED means that ``Layer.derived`` fills it in.
    """
    return Argument(convert, help, default, symbol)


# --- conversions: each returns the value, or raises ValueError with a description of valid values --------------


def integer(value: object) -> int:
    """An integer of any sign."""
    if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER:  # nearly always
        return value
    integral = _whole(value)
    if integral is None:
        raise ValueError("an integer")
    return integral


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1:  # infinity % 1 is nan
        return None
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise ValueError(f"at most {MAX_INTEGER:,} in size")
    return whole(value)


def positive(value: object) -> int:
    """An integer of 1 or more."""
    if type(value) is int and 0 < value <= MAX_INTEGER:
        return value
    integral = _whole(value)
    if integral is None or integral < 1:
        raise ValueError("a positive integer")
    return integral


def natural(value: object) -> int:
    """An integer of 0 or more."""
    if type(value) is int and 0 <= value <= MAX_INTEGER:
        return value
    integral = _whole(value)
    if integral is None or integral < 0:
        raise ValueError("an integer of 0 or more")
    return integral


def number(value: object) -> float:
    """A real number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise ValueError("a number")
    if not -LARGEST < value < LARGEST:
        raise ValueError(f"smaller than {LARGEST:g} in size")
    return as_float(value)


def _extended(value: object) -> float:
    """A real number, inf or -inf."""
    if value in ("inf", "-inf") or (isinstance(value, float) and abs(value) == inf):
        return float(cast("str", value))
    return number(value)


extended = Conversion(_extended, ("inf", "-inf"))


def not_negative(value: object) -> float:
    """A number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError("a number of 0 or more")
    return number(value)


def factor(value: object) -> float:
    """A number above 0; whole ones become integers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < LARGEST:
        raise ValueError("a number above 0")
    if value > MAX_INTEGER:
        raise ValueError(f"at most {MAX_INTEGER:,}")
    return whole(value) if value == whole(value) else as_float(value)


def probability(value: object) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1")
    return as_float(value)


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, (bool, int)) or value not in (0, 1):
        raise ValueError("true or false")
    return bool(value)


def choice(*words: Word) -> Conversion[Word]:
    """One of a few words."""

    def one_of(value: object) -> Word:
        for word in words:
            if value == word:
                return word
        raise ValueError("one of " + ", ".join(words))

    return Conversion(one_of, words, only_words=True)


def _axis(value: object) -> int:
    """An axis, counted without the batch; ``channels`` is the first."""
    try:
        return 0 if value == "channels" else int(integer(value))  # fixes a traced number's value
    except ValueError:
        raise ValueError("an axis: 0 or 'channels' is the first, -1 the last") from None


def _axes(value: object) -> tuple[int, ...]:
    """An axis or a list of axes."""
    if value == ():
        raise ValueError("an axis or a list of axes")
    return tuple([_axis(item) for item in (value if isinstance(value, tuple) else (value,))])


axis = Conversion(_axis, ("channels",))
axes = Conversion(_axes, ("channels",))


def integers(value: object) -> tuple[int, ...]:
    """A list of integers; a single one stands for a list of one."""
    items = value if isinstance(value, tuple) else (value,)
    try:
        return tuple([integer(item) for item in items])
    except ValueError:
        raise ValueError("a list of integers") from None


def per_axis(convert: Callable[[object], T]) -> Conversion[tuple[T, ...]]:
    """One value for every spatial axis, or a list with one per axis.

    In a layer's rules it is always a tuple, since its arguments are spelled out for the input's rank.
    """

    def axes(value: object) -> Any:
        if isinstance(value, tuple):
            if not value:
                raise ValueError("a list with one number per axis")
            return tuple([convert(item) for item in value])
        taken = convert(value)
        if taken is None:  # a value for single axes alone
            raise ValueError("a number, or a list with one number or null per axis")
        return taken

    return Conversion(axes, axes="one")


def or_null(convert: Callable[[object], T]) -> Callable[[object], T | None]:
    """A value, or null."""
    return lambda value: None if value is None else convert(value)


def _pads(value: object) -> Padding:
    """An int, one int per axis, a pair [before, after] per axis, ``same`` or ``valid``."""
    if value == "same" or value == "valid":
        return "same" if value == "same" else "valid"
    pairs: Pairs = _pairs(value, natural, "an integer of 0 or more", ", or 'same', or 'valid'")
    return pairs


def _borders(value: object) -> Pairs:
    """An int, one int per axis, or a pair [before, after] per axis, of any sign."""
    pairs: Pairs = _pairs(value, integer, "an integer")
    return pairs


def _pairs(value: object, take: Callable[[object], int], one: str, also: str = "") -> Any:
    """Return one pair, or one per axis."""
    if isinstance(value, tuple) and value:
        return tuple([pair(item, take) for item in value])
    if isinstance(value, (tuple, str)):
        raise ValueError(f"{one}, one per axis, a pair [before, after] per axis{also}")
    return pair(value, take)


pads = Conversion(_pads, ("same", "valid"), axes="pair")
borders = Conversion(_borders, axes="pair")


def pair(value: object, take: Callable[[object], int] = natural) -> tuple[int, int]:
    """Two integers of 0 or more [before, after]; a single one stands for both."""
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError("a pair [before, after] for each axis")
        return take(value[0]), take(value[1])
    return take(value), take(value)


def per_rank(name: str, value: Any, rank: int, axes: str) -> Any:
    """Spell a value out for ``rank`` spatial axes.  Raises LayerError if it has another number of axes."""
    if value is None or isinstance(value, str):
        return value
    if axes == "pair" and isinstance(value[0], int):
        return (value,) * rank
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise LayerError(
            f"{name} has {counted(len(value), 'number')}, but the input has {axis_count(rank, 'spatial ')}",
            argument=name,
        )
    return value


def axis_count(count: int, kind: str = "") -> str:
    """Return ``1 axis``, ``2 spatial axes``."""
    return f"{count} {kind}ax{'i' if count == 1 else 'e'}s"


def check_second(what: str, given: object, inputs: Sequence[object], hint: str) -> None:
    """Raise LayerError unless either a value is given, or a second input in its place."""
    if (given is None) == (len(inputs) == 1):
        one = "neither is given" if len(inputs) == 1 else "both are given"
        raise LayerError(f"takes either {what} or a second input, but {one}", hint=hint)


def value_text(value: object) -> str:
    """Return a value as a spec would spell it, shortened."""
    if isinstance(value, str):
        text = f"'{value}'"
    elif isinstance(value, (tuple, range)):
        text = "[" + ", ".join(value_text(item) for item in value[:8]) + (", …]" if len(value) > 8 else "]")
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
