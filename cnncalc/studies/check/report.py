"""Checks of one network: published figures, budgets, and lint warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cnncalc.figures.catalogue import BOUNDED, BYTES, CATALOGUE, Basis, Figure, Share, heaviest
from cnncalc.figures.costs import ON_A_DEVICE
from cnncalc.figures.expectations import own_figures, shown, unmet
from cnncalc.graph import Graph
from cnncalc.ground.places import Origin
from cnncalc.ground.values import Value
from cnncalc.language.collection import Member
from cnncalc.language.findings import Finding
from cnncalc.layers.shapes import Shape
from cnncalc.studies.check.lints import lint
from cnncalc.studies.device.budgets import RequestedDevice, bounds, measured, published

EXPECTED, MOST, LEAST = "=", "≤", "≥"


class Check(NamedTuple):
    """One figure against its bound.

    Attributes:
        what: the figure's name, or ``shapes``.
        relation: the required relation of figure and bound.
        heaviest: for a failed check, the layers with the largest shares, and these.
        origin: the bound's place in the spec, or None for the command line.
    """

    what: str
    relation: str
    bound: object
    actual: object
    holds: bool
    of_bytes: bool = False
    heaviest: tuple[Share, ...] = ()
    origin: Origin | None = None


SHOWN = ("params", "macs", "weight_bytes", "peak_bytes")
"""Figures that are reported of every network, whether bounded or not."""


class Report(NamedTuple):
    """The result for one network; one that can't be built has no figures, but an ``error``."""

    spec: str
    name: str
    figures: dict[str, int]
    checks: list[Check]
    warnings: list[Finding]
    error: str = ""

    @property
    def failures(self) -> list[Check]:
        """The checks that don't hold."""
        return [check for check in self.checks if not check.holds]

    def fails(self, strict: bool) -> bool:
        """Whether a network that could be built fails a check or, with ``strict``, has a warning."""
        return bool(self.failures or (strict and self.warnings))


def check(
    member: Member,
    spec: str,
    budgets: Mapping[str, int],
    basis: Basis,
    settings: Mapping[str, Value],
    inputs: Mapping[str, Shape],
    wanted: RequestedDevice | None = None,
) -> Report:
    """Build one network and check it.

    Args:
        member: the network.
        spec: the spec's name in the report.
        budgets: a bound for each of some figures, :data:`cnncalc.figures.catalogue.BOUNDED`.
        basis: the basis of activations and bytes (published figures are for one sample).
        settings: values for the spec's args; with any, published figures don't apply.
        inputs: other input shapes; with any, published figures don't apply.
        wanted: the device for bounds on ``arena`` and ``flash``; the spec's ``deploy`` gives the rest.

    Raises:
        CnncalcError: if the network can't be built.
    """
    network = member.build(settings, inputs)
    checks = [] if settings or inputs else list(_published(network))
    checks += [_budget(BOUNDED[name], bound, network, basis) for name, bound in budgets.items() if name in BOUNDED]
    checks += _on_device(member, network, budgets, wanted or RequestedDevice(), bool(settings or inputs))
    figures = {name: CATALOGUE[name].number(network, basis) for name in SHOWN}
    return Report(spec, member.name, figures, checks, lint(network))


def _published(network: Graph) -> Iterator[Check]:
    """Check the stated figures, and the stated shapes of items, as one check if all hold."""
    missed = {one.what: one for one in unmet(network)}
    for what, figure in own_figures(network).items():
        if what not in missed:
            _, origin = network.published[what]
            yield Check(what, EXPECTED, shown(figure), shown(figure), True, origin=origin)
    for fault in missed.values():
        stated = CATALOGUE.get(fault.what)
        parts = heaviest(stated.parts(network, Basis())) if stated else ()
        yield Check(fault.what, EXPECTED, fault.expected, fault.actual, False, heaviest=parts, origin=fault.origin)
    if network.states_shapes and not network.misshapen:
        yield Check("shapes", EXPECTED, None, None, True)


def _budget(figure: Figure, bound: int, network: Graph, basis: Basis) -> Check:
    actual = figure.number(network, basis)
    holds = actual >= bound if figure.bound == "min" else actual <= bound
    parts = () if holds else heaviest(figure.parts(network, basis))
    relation = LEAST if figure.bound == "min" else MOST
    return Check(figure.name, relation, bound, actual, holds, figure.unit == BYTES, parts)


def _on_device(
    member: Member, network: Graph, budgets: Mapping[str, int], wanted: RequestedDevice, changed: bool
) -> Iterator[Check]:
    """Check a device's figures: upper ends against bounds, and published figures unless the network is changed."""
    section = member.recipe.deploy
    stated = {what: network.published[what] for what in ON_A_DEVICE if what in network.published and not changed}
    if not (section or stated or wanted.board or not budgets.keys().isdisjoint(ON_A_DEVICE)):
        return
    on = wanted.over(section).device()
    limits = bounds(section, budgets, on)
    if not (stated or limits):
        return
    from cnncalc.deployment.view import deploy

    found = deploy(network, on)
    for what, (value, origin) in stated.items():
        holds, actual = published(found, what, value)
        yield Check(what, EXPECTED, value, actual if not holds else value, holds, origin=origin)
    measures = measured(found)
    for name, (limit, place) in limits.items():
        actual, parts = measures[name]
        holds = actual <= limit
        yield Check(name, MOST, limit, actual, holds, True, () if holds else heaviest(parts), place)
