"""Human-readable numbers and shapes; most are defined in :mod:`cnncalc.ground.numbers`, which other rooms use too."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.figures.receptive_field import Field
from cnncalc.ground.numbers import counted as counted
from cnncalc.ground.numbers import duration as duration
from cnncalc.ground.numbers import exact as exact
from cnncalc.ground.numbers import percent as percent
from cnncalc.ground.numbers import short as short
from cnncalc.ground.numbers import size as size
from cnncalc.layers.shapes import Shape


def dims(shape: Shape, layout: str = "chw") -> str:
    """Return ``64×112×112``, or with the channels last where ``layout`` is hwc."""
    if layout == "hwc":
        shape = (*shape[1:], *shape[:1])
    return "×".join([str(axis) for axis in shape])


def seen(fields: Sequence[Field]) -> str:
    """Return ``3×3``, ``4×4 to 6×6`` where positions differ, or ``at most 9×9`` where that is all that is known."""
    widest = dims(tuple([field.size for field in fields]))
    if not all(field.is_exact for field in fields):
        return f"at most {widest}"
    if any(field.differs for field in fields):
        return f"{dims(tuple([field.least for field in fields]))} to {widest}"
    return widest
