"""Numbers and shapes as people read them; most are said outside pages too, in :mod:`cnncalc.ground.numbers`."""

from __future__ import annotations

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
