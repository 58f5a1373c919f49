"""Test of the textbook's claim that convolutions compute and fully connected layers store.

"The convolutional layers contain about 90–95 % of the computation and about 5 % of the parameters, the fully
connected layers about 5–10 % and about 95 %" (Krizhevsky 2014, arXiv:1404.5997, of AlexNet and its kin).
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

from cnncalc.figures.costs import sums
from cnncalc.figures.summary import share
from cnncalc.graph import Graph

TURN = 2014
"""The last year of the fully connected heads: Network in Graph and GoogLeNet average the last map instead."""


class Shares(NamedTuple):
    """One network of the survey; ``layers`` counts its convolutions and fully connected layers."""

    name: str
    family: str
    year: int | None
    params: int
    macs: int
    layers: int
    conv_macs_share: float
    fc_macs_share: float
    conv_params_share: float
    fc_params_share: float

    @property
    def computes(self) -> bool:
        """Whether convolutions have most of the MACs."""
        return self.conv_macs_share > 0.5

    @property
    def stores(self) -> bool:
        """Whether fully connected layers have most of the params."""
        return self.fc_params_share > 0.5

    @property
    def holds(self) -> bool:
        """Whether the claim holds."""
        return self.computes and self.stores


class Period(NamedTuple):
    """Some networks of the survey together; shares are medians."""

    networks: int
    compute: int
    store: int
    hold: int
    fc_params_share: float


def shares(network: Graph, name: str, family: str, year: int | None) -> Shares:
    """Return the shares of a network's convolutions and fully connected layers, each in MACs and params."""
    whole = sums(network.nodes)
    kinds = [sums([node for node in network.nodes if node.layer.kind == kind]) for kind in ("conv", "fc")]
    macs = [share(of_kind.macs, whole.macs) for of_kind in kinds]
    params = [share(of_kind.params, whole.params) for of_kind in kinds]
    layers = sum([of_kind.layers for of_kind in kinds])
    return Shares(name, family, year, whole.params, whole.macs, layers, *macs, *params)


def by_year(surveyed: Iterable[Shares]) -> list[Shares]:
    """Return networks sorted by year; the sort is stable, also for those without a year."""
    return sorted(surveyed, key=lambda one: one.year if one.year is not None else 10**6)


def period(surveyed: Iterable[Shares]) -> Period:
    """Return the number of networks for which the claim holds."""
    some = list(surveyed)
    return Period(
        len(some),
        sum(one.computes for one in some),
        sum(one.stores for one in some),
        sum(one.holds for one in some),
        median([one.fc_params_share for one in some]) if some else 0.0,
    )


def periods(surveyed: Iterable[Shares]) -> tuple[Period, Period]:
    """Return the networks up to :data:`TURN`, and those after it; those without a year are in neither."""
    dated = [(one.year, one) for one in surveyed if one.year is not None]
    before = period(one for when, one in dated if when <= TURN)
    return before, period(one for when, one in dated if when > TURN)
