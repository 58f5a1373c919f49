"""Arguments of layer types: what values they take, and how a value is said to be unfit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.ground.limits import MAX_INTEGER
from cnncalc.ground.numeric import as_float, whole

REQUIRED = object()
LARGEST = 1e300  # keeps infinity out, and what float() would refuse


class LayerError(Exception):
    """A layer that can't be: what is wrong, which argument is to blame, and perhaps a hint.

    Knows nothing of files; whoever reads a spec adds the place.
    """

    def __init__(
        self, message: str, *, argument: str | None = None, hint: str | None = None, near: Sequence[str] = ()
    ) -> None:
        """Make an error; ``near`` are the known names among which the nearest is to be suggested."""
        super().__init__(message)
        self.message = message
        self.argument = argument
        self.hint = hint
        self.near = near


class Argument:
    """One argument of a layer type: how a value is converted, its default and its documentation.

    Attributes:
        words: plain words that are values by themselves (``same``), so that a spec need not quote them.
        only_words: whether nothing but these is a value.
        flag: whether ``yes`` and ``no`` mean true and false here.
        is_text: whether any text is a value as it stands, and none an expression.
        axes: "one" for one value a spatial axis, "pair" for a pair an axis, "" where axes don't matter.
        symbol: the letter that formulas use for it.
    """

    def __init__(self, convert: Callable[[Any], Any], help: str, default: object, symbol: str) -> None:
        """Make an argument; see :func:`argument`."""
        self.convert = convert
        self.help = help
        self.default = default
        self.symbol = symbol
        self.words: tuple[str, ...] = getattr(convert, "words", ())
        self.only_words: bool = getattr(convert, "only_words", False)
        self.flag: bool = convert is flag
        self.is_text: bool = getattr(convert, "is_text", False)
        self.axes: str = getattr(convert, "axes", "")

    def take(self, name: str, value: object) -> object:
        """Convert a value.  Raises LayerError that says what was expected."""
        if value is None and self.default is None:
            return None
        try:
            return self.convert(value)
        except ValueError as fault:
            raise LayerError(f"{name} must be {fault}, not {value_text(value)}", argument=name) from None

    def absent(self, name: str) -> object:
        """Return the default.  Raises LayerError where there is none."""
        if self.default is REQUIRED:
            raise LayerError(f"'{name}' is missing: {self.help}", hint=f"write it as {name}: …")
        return self.default if self.default is None else self.convert(self.default)


def argument(convert: Callable[[Any], Any], help: str, default: object = REQUIRED, symbol: str = "") -> Any:
    """Declare an argument of a layer type; see :class:`Argument`."""
    return Argument(convert, help, default, symbol)


# --- conversions: each returns the value, or raises ValueError with what would have been right --------------


def integer(value: object) -> int:
    """An integer of any sign."""
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
    integral = _whole(value)
    if integral is None or integral < 1:
        raise ValueError("a positive integer")
    return integral


def natural(value: object) -> int:
    """An integer of 0 or more."""
    integral = _whole(value)
    if integral is None or integral < 0:
        raise ValueError("an integer of 0 or more")
    return integral


def number(value: object) -> float:
    """A real number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -LARGEST < value < LARGEST:
        raise ValueError("a number")
    return as_float(value)


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


def choice(*words: str) -> Callable[[object], str]:
    """One of a few words."""

    def one_of(value: object) -> str:
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return str(value)

    one_of.words, one_of.only_words = words, True  # type: ignore[attr-defined]
    return one_of


def axis(value: object) -> int:
    """An axis, counted without the batch; ``channels`` is the first."""
    try:
        return 0 if value == "channels" else int(integer(value))  # an axis is no number to compute with
    except ValueError:
        raise ValueError("an axis: 0 or 'channels' is the first, -1 the last") from None


def axes(value: object) -> tuple[int, ...]:
    """An axis or a list of axes."""
    return tuple([axis(item) for item in (value if isinstance(value, tuple) else (value,))])


axis.words = axes.words = ("channels",)  # type: ignore[attr-defined]


def integers(value: object) -> tuple[int, ...]:
    """A list of integers; a single one stands for a list of one."""
    items = value if isinstance(value, tuple) else (value,)
    try:
        return tuple([integer(item) for item in items])
    except ValueError:
        raise ValueError("a list of integers") from None


def per_axis(convert: Callable[[Any], float], optional: bool = False) -> Callable[[object], Any]:
    """One value for every spatial axis, or a list with one an axis (null in it where ``optional``)."""

    def axes(value: object) -> Any:
        if isinstance(value, tuple):
            if not value:
                raise ValueError("a list with one figure an axis")
            return tuple([None if optional and item is None else convert(item) for item in value])
        return convert(value)

    axes.axes = "one"  # type: ignore[attr-defined]
    return axes


def pads(*words: str, signed: bool = False) -> Callable[[object], Any]:
    """An int, one int an axis, a pair [before, after] an axis, or one of ``words`` (same, valid)."""
    take = integer if signed else natural

    def convert(value: object) -> Any:
        if isinstance(value, str):
            if value in words:
                return value
        elif isinstance(value, tuple) and value:
            return tuple([pair(item, take) for item in value])
        elif not isinstance(value, tuple):
            return pair(value, take)
        also = "".join(f", or '{word}'" for word in words)
        one = "an integer" if signed else "an integer of 0 or more"
        raise ValueError(f"{one}, one an axis, a pair [before, after] an axis{also}")

    convert.words = words  # type: ignore[attr-defined]
    convert.axes = "pair"  # type: ignore[attr-defined]
    return convert


def pair(value: object, take: Callable[[object], int] = natural) -> tuple[int, int]:
    """Two integers of 0 or more [before, after]; a single one stands for both."""
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError("a pair [before, after] for each axis")
        return take(value[0]), take(value[1])
    return take(value), take(value)


def per_rank(name: str, value: Any, rank: int, axes: str) -> Any:
    """Spell a value out for ``rank`` spatial axes.  Raises LayerError where it has another number of axes."""
    if value is None or isinstance(value, str):
        return value
    if axes == "pair" and isinstance(value[0], int):
        return (value,) * rank
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise LayerError(
            f"{name} has {len(value)} figures, but the input has {axis_count(rank, 'spatial ')}",
            argument=name,
        )
    return value


def axis_count(count: int, kind: str = "") -> str:
    """Return ``1 axis``, ``2 spatial axes``."""
    return f"{count} {kind}ax{'i' if count == 1 else 'e'}s"


def value_text(value: object) -> str:
    """Return a value as a spec would spell it, shortened."""
    if isinstance(value, str):
        text = f"'{value}'"
    elif isinstance(value, tuple):
        text = "[" + ", ".join(value_text(item) for item in value[:8]) + (", …]" if len(value) > 8 else "]")
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
