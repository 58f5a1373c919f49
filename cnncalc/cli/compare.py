"""``cnncalc compare``: networks side by side by totals and kinds of layers, and two of them layer by layer."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from cnncalc.cli import Command
from cnncalc.cli.opening import AskedSeveral
from cnncalc.cli.options import BatchAndDtype, convention_option, takes_basis, takes_output, takes_specs
from cnncalc.cli.output import Output, report_unmet, to_stderr
from cnncalc.figures.summary import summarize
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean
from cnncalc.language.collection import Member
from cnncalc.rendering.views.compare import ComparisonView
from cnncalc.studies.compare.diff import TOTALS, Compared, figures, layer_changes
from cnncalc.studies.compare.folding import folded_norms

if TYPE_CHECKING:
    from fractions import Fraction


@click.command("compare", Command, short_help="Networks side by side.")
@takes_specs(required=True)
@takes_basis
@convention_option
@click.option(
    "--depth", type=click.IntRange(1), help="Levels of blocks to compare; deeper layers are summed, one row per block."
)
@click.option("-U", "--context", type=click.IntRange(0), default=3, help="Unchanged layers to show around each change.")
@click.option("--layers", "only_layers", is_flag=True, help="Show only the layers of two networks side by side.")
@click.option(
    "--max-ratio",
    "bounds",
    metavar="FIGURE=X",
    multiple=True,
    help="Bound on the ratio of a total to the first network's, such as macs=1.05; exit code 1 if it is exceeded.",
)
@takes_output("svg", "html")
def command(
    asked: AskedSeveral,
    basis: BatchAndDtype,
    out: Output,
    convention: str,
    depth: int | None,
    context: int,
    only_layers: bool,
    bounds: tuple[str, ...],
) -> int:
    """Compare networks by totals and by kinds of layers, with ratios to the first; compare two also layer by layer.

    A SPEC is a path, a shipped name, or either with a variant: vgg.yaml:vgg16.

    \b
    cnncalc compare resnet18 resnet34
    cnncalc compare mobilenet_v2 mobilenet_v3_large efficientnet_b0
    cnncalc compare <(git show HEAD~1:net.yaml) net.yaml
    cnncalc compare <(git show main:net.yaml) net.yaml --max-ratio macs=1.05 --max-ratio params=1
    cnncalc compare resnet18 resnet34 --depth 2
    cnncalc compare vgg16 vgg19 --layers --format tsv | grep -v ^same
    cnncalc compare resnet18 resnet34 -o diff.html
    """
    specs = asked.specs
    if len(specs) < 2:
        raise click.UsageError("compare takes two or more specs")
    if only_layers and len(specs) > 2:
        raise click.UsageError("--layers compares exactly two specs")
    if depth is not None and (len(specs) > 2 or out.format in ("svg", "html")):
        raise click.UsageError("--depth compares exactly two specs, and not as svg or html")
    changes = asked.each.changes()
    ratios = dict(map(_bound, bounds))
    chosen = [Member(*asked.recipe(spec)) for spec in specs]
    if out.format in ("svg", "html") and len(specs) > 2:
        raise click.UsageError(f"{out.format} compares exactly two specs")
    networks = []
    for one in chosen:
        with asked.each.blaming(*one):
            networks.append(one.build(*changes))
        networks[-1].check_count("compared")
    for network in networks:
        for note in network.notes:
            to_stderr(f"note: {network.title}: {note}")
    summaries = [summarize(network, *basis, convention=convention) for network in networks]
    layers = layer_changes(summaries[0], summaries[1]) if len(specs) == 2 else None
    lined_up = layer_changes(summaries[0], summaries[1], depth) if layers and depth else layers
    names = _labels(specs, [one.name for one in chosen])
    compared = figures(summaries)
    folded = folded_norms(layers or (), [network.model.with_folded_norms for network in networks])
    shown = [] if only_layers else compared
    found = ComparisonView(names, summaries, shown, lined_up, folded, context, only_layers)
    if out.format in ("svg", "html"):
        out.text(_drawn(found, networks, out.format))
    else:
        out.show(found)
    exceeded = _report_exceeded(names, compared, ratios)
    return max(exceeded, *[report_unmet(summary.unmet) for summary in summaries])


def _bound(text: str) -> tuple[str, Fraction]:
    """Return a total's name and the bound on its ratio.  Raises CnncalcError."""
    from fractions import Fraction

    name, equals, ratio = text.partition("=")
    if equals and name not in TOTALS:
        raise CnncalcError(f"--max-ratio {text}: no figure '{name}'", did_you_mean(name, TOTALS, "figures"))
    if not equals or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", ratio):
        raise CnncalcError(f"--max-ratio {text}: not of the form FIGURE=X", "as in macs=1.05, for at most 5 % more")
    return name, Fraction(ratio)


def _report_exceeded(names: Sequence[str], compared: Sequence[Compared], bounds: Mapping[str, Fraction]) -> int:
    """Report totals whose ratio to the first network's exceeds a bound; return the exit code."""
    code = 0
    for one in compared:
        bound = bounds.get(one.name) if one.group in ("total", "memory") else None
        for name, value in zip(names[1:], one.values[1:], strict=True):
            if bound is not None and value > bound * one.values[0]:
                first = f"{one.values[0]:,} of {names[0]}"
                to_stderr(f"{name}: {one.name} = {value:,}, over the bound of {float(bound):g} × the {first}")
                code = 1
    return code


def _drawn(found: ComparisonView, networks: Sequence[Graph], form: str) -> Iterable[str]:
    """Return two networks side by side as a picture, or as a page that contains it."""
    from cnncalc.drawing.difference import Side, difference
    from cnncalc.drawing.page.difference import page
    from cnncalc.drawing.svg import document

    a, b = [Side(*one) for one in zip(found.names, networks, found.summaries, strict=True)]
    changes = found.changes or ()
    return [document(difference(a, b, changes))] if form == "svg" else page(a, b, changes, found.figures)


def _labels(specs: Sequence[str], names: list[str]) -> list[str]:
    """Return a label for each network: the first of name, file name, SPEC and number that tells them apart."""
    files = [os.path.basename(spec) for spec in specs]
    for others in (files, list(specs)):
        again = Counter(names)
        labels = [other if again[name] > 1 else name for other, name in zip(others, names, strict=True)]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{n}: {name}" for n, name in enumerate(names, 1)]
