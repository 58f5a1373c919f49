"""Hotspots: for each figure, the few layers that together make up most of it."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from cnncalc.figures.roofline import Estimate
from cnncalc.figures.summary import Row, Summary

MOST = Fraction(4, 5)
"""The share of a figure that the listed layers make up."""


class HeavyLayer(NamedTuple):
    """A layer with its share of a figure; ``so_far`` is the cumulative share."""

    row: Row
    figure: float
    share: float
    so_far: float
    estimate: Estimate


class Hotspots(NamedTuple):
    """The fewest layers that make up :data:`MOST` of one figure, the largest share first.

    Attributes:
        figure: ``macs``, ``params``, ``output_bytes`` or ``seconds``.
        total: figure of the whole network.
        spots: empty if the total is 0.
    """

    figure: str
    total: float
    spots: list[HeavyLayer]


def hotspots(summary: Summary, estimates: list[Estimate]) -> list[Hotspots]:
    """Return the layers with the largest shares of MACs, params, activation memory and, with ``estimates``, time."""
    figures: dict[str, list[float]] = {
        "macs": [row.macs for row in summary.rows],
        "params": [row.params for row in summary.rows],
        "output_bytes": [row.output_bytes for row in summary.rows],
        "seconds": [one.seconds for one in estimates],
    }
    return [_most(name, of_rows, summary.rows, estimates) for name, of_rows in figures.items()]


def _most(name: str, figures: list[float], rows: list[Row], estimates: list[Estimate]) -> Hotspots:
    total = sum(figures)
    heaviest = sorted(range(len(rows)), key=lambda i: -figures[i]) if total else []
    spots = []
    for index, so_far in zip(heaviest, accumulate(figures[i] for i in heaviest), strict=True):
        part = figures[index]
        spots.append(HeavyLayer(rows[index], part, part / total, so_far / total, estimates[index]))
        if so_far >= MOST * total:
            break
    return Hotspots(name, total, spots)
