"""Numbers and shapes as people read them; bytes are told outside pages too, in :mod:`cnncalc.ground.numbers`."""

from __future__ import annotations

from cnncalc.ground.numbers import four
from cnncalc.ground.numbers import size as size
from cnncalc.layers.shapes import Shape

_PREFIXES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def exact(figure: int) -> str:
    """Return ``15,470,264,320``."""
    return f"{figure:,}"


def short(figure: float) -> str:
    """Return ``15.47 G``, four digits at most."""
    for unit, prefix in _PREFIXES:
        if figure >= unit:
            return f"{four(figure / unit)} {prefix}"
    return four(figure)


def duration(seconds: float) -> str:
    """Return ``25.14 ms``, four digits at most."""
    for unit, prefix in ((1, "s"), (1e-3, "ms")):
        if seconds >= unit:
            return f"{four(seconds / unit)} {prefix}"
    return f"{four(seconds * 1e6)} µs"


def percent(share: float) -> str:
    """Return ``99.2 %``; what rounds to nothing or to all, but is not, is ``<0.1 %`` or ``>99.9 %``."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


def dims(shape: Shape, layout: str = "chw") -> str:
    """Return ``64×112×112``, or with the channels last where ``layout`` is hwc."""
    if layout == "hwc":
        shape = (*shape[1:], *shape[:1])
    return "×".join([str(axis) for axis in shape])
