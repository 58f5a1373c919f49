"""Figures with their units and titles, as :mod:`cnncalc.figures.catalogue` has them."""

from __future__ import annotations

from cnncalc.figures.catalogue import BYTES, CATALOGUE
from cnncalc.rendering.text import exact, size


def title_of(name: str) -> str:
    """Return what stands over a figure: ``MACs``; a figure of no catalogue is called by its name."""
    return CATALOGUE[name].title if name in CATALOGUE else name


def figure_text(name: str, value: int) -> str:
    """Return a figure in its unit: a count exactly, bytes as people read them."""
    return size(value) if CATALOGUE[name].unit == BYTES else exact(value)
