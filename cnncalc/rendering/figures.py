"""Figures as text, with units and titles from :mod:`cnncalc.figures.catalogue`."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.figures.catalogue import BYTES, HEADINGS, SECONDS
from cnncalc.figures.fields import Field
from cnncalc.ground.numbers import bytes_text, duration, exact
from cnncalc.layers.shapes import Shape, crossed


def with_batch(shape: Shape, layout: str) -> str:
    """Return a shape whose first axis is the batch; the others in their layout."""
    return "×".join(filter(None, (crossed(shape[:1]), crossed(shape[1:], layout))))


def title_of(name: str) -> str:
    """Return a figure's title: ``MACs``; a figure outside the catalogue has its name as title."""
    return HEADINGS[name].title if name in HEADINGS else name


def figure_text(name: str, value: float) -> str:
    """Return a figure in its unit: a count exactly, bytes and seconds with a prefix."""
    unit = HEADINGS[name].unit
    return duration(value) if unit == SECONDS else bytes_text(int(value)) if unit == BYTES else exact(int(value))


def field_size(fields: Sequence[Field]) -> str:
    """Return ``3×3``, ``4×4 to 6×6`` if positions differ, or ``at most 9×9`` for an upper bound."""
    widest = crossed(tuple([field.size for field in fields]))
    if not all(field.is_exact for field in fields):
        return f"at most {widest}"
    if any(field.differs for field in fields):
        return f"{crossed(tuple([field.least for field in fields]))} to {widest}"
    return widest
