"""Check and convert the arguments of Python callers.

NumPy's and PyTorch's numbers and arrays are converted by their ``tolist()``; lists and ranges become tuples.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cnncalc.ground.errors import ArgumentError
from cnncalc.ground.limits import MAX_AXES, MAX_INTEGER

if TYPE_CHECKING:
    from typing import Any, SupportsFloat, SupportsIndex, TypeAlias

    import numpy as np
    import numpy.typing as npt

    from cnncalc.ground.values import Value

    ShapeLike: TypeAlias = Sequence[SupportsIndex] | npt.NDArray[np.integer[Any]]
    """A shape without the batch axis, channels first: a tuple, a list or an array of integers."""
    Setting: TypeAlias = str | SupportsIndex | SupportsFloat | Sequence["Setting"] | npt.NDArray[Any] | None
    """A value for an argument of a spec: a number, a string, a boolean, None, or a list of these."""
    Tensors: TypeAlias = str | os.PathLike[str] | Mapping[str, npt.ArrayLike]
    """Arrays by name, or the path of an .npz or .safetensors."""


def value(argument: str, given: object) -> Value:
    """Return a value for an argument of a spec. Raises ArgumentError for anything else."""
    given = plain(given)
    if isinstance(given, (list, tuple, range)):
        return tuple([value(argument, item) for item in given])
    if given is None or isinstance(given, (int, float, str)):
        return given
    raise ArgumentError(argument, f"{shown(given)} is not a number, a string, True, False, None or a list of these")


def shape(argument: str, given: object) -> tuple[int, ...]:
    """Return a shape without the batch axis. Raises ArgumentError for anything else."""
    sizes = plain(given)
    sizes = [plain(size) for size in sizes] if isinstance(sizes, (list, tuple, range)) else []
    found = [size for size in sizes if _is_integer(size, 1, MAX_INTEGER)]
    if len(found) < len(sizes) or not 1 <= len(found) <= MAX_AXES:
        message = f"{shown(given)} is not a shape: positive integers, channels first and without the batch axis"
        raise ArgumentError(argument, message, "for example (3, 224, 224)")
    return tuple(found)


def shapes(given: ShapeLike | Mapping[str, ShapeLike] | None) -> dict[str, tuple[int, ...]]:
    """Return the shapes of ``input`` by the inputs' names, "" for the only one.  Raises ArgumentError."""
    if isinstance(given, Mapping):
        return {text("input", name): shape(f"input[{name!r}]", one) for name, one in given.items()}
    return {} if given is None else {"": shape("input", given)}


def whole(argument: str, given: object, least: int = 1, most: int = MAX_INTEGER) -> int:
    """Return an integer from ``least`` to ``most``. Raises ArgumentError for anything else."""
    number: int = plain(given)
    if _is_integer(number, least, most):
        return number
    bounds = f"of at least {least:,}" if most == MAX_INTEGER else f"from {least:,} to {most:,}"
    raise ArgumentError(argument, f"{shown(given)} is not an integer {bounds}")


def seed(given: object) -> int:
    """Return a random seed. Raises ArgumentError for anything else."""
    return whole("seed", given, 0, 2**63 - 1)


def workers(argument: str, given: object) -> int:
    """Return a number of threads or processes. Raises ArgumentError for anything else."""
    return whole(argument, given, 1, 256)


def truth(argument: str, given: object) -> bool:
    """Return True or False.  Raises ArgumentError for anything else."""
    found = plain(given)
    if isinstance(found, bool):
        return found
    raise ArgumentError(argument, f"{shown(given)} is neither True nor False")


def text(argument: str, given: object) -> str:
    """Return a text.  Raises ArgumentError for anything else."""
    if isinstance(given, str):
        return given
    raise ArgumentError(argument, f"{shown(given)} is not a string")


def texts(argument: str, given: object) -> tuple[str, ...]:
    """Return several texts; a single one need not be in a list. Raises ArgumentError for anything else."""
    return tuple([text(argument, one) for one in several(argument, given, "texts")])


def several(argument: str, given: object, what: str) -> Iterable[Any]:
    """Return an iterable; a text is a single item. Raises ArgumentError if it is not a list of ``what``."""
    listed = plain(given)
    if isinstance(listed, str):
        return (listed,)
    if isinstance(listed, Iterable) and not isinstance(listed, bytes):
        return listed
    raise ArgumentError(argument, f"{shown(given)} is not a list of {what}")


def path(argument: str, given: object, what: str = "a path") -> str:
    """Return a path. Raises ArgumentError if it is not ``what``."""
    try:
        found = os.fsdecode(given)  # type: ignore[arg-type]  # which the next line is for
    except TypeError:
        raise ArgumentError(argument, f"{shown(given)} is not {what}") from None
    if "\0" in found:  # no system accepts it in a path
        raise ArgumentError(argument, f"{shown(found)} is not {what}")
    return found


def dtype_name(given: object) -> str:
    """Return the name, such as ``float16``, of a type given by name, or as NumPy's or PyTorch's type."""
    if isinstance(given, str):
        return given
    return str(getattr(given, "name", None) or getattr(given, "__name__", None) or str(given).rpartition(".")[2])


def shown(given: object) -> str:
    """Return a value as text for messages."""
    given = plain(given)
    if given is None or isinstance(given, (bool, int, float, str, bytes, list, tuple, range)):
        from reprlib import Repr

        short = Repr()
        short.maxstring = short.maxother = short.maxlong = 60
        return short.repr(given)
    return f"the type {given.__name__}" if isinstance(given, type) else f"a value of type {type(given).__name__}"


def plain(given: Any) -> Any:
    """Convert NumPy's and PyTorch's numbers, strings and arrays to Python's; return anything else unchanged."""
    if type(given) in (int, float, str, tuple):
        return given
    tolist = getattr(given, "tolist", None)
    return tolist() if callable(tolist) and not isinstance(given, type) else given


def _is_integer(number: object, least: int, most: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and least <= number <= most
