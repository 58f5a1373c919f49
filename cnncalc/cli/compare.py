"""``cnncalc compare``: totals and kinds side by side, and two networks layer by layer."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence

import click

from cnncalc.cli.opening import AskedSeveral
from cnncalc.cli.options import BatchAndDtype, convention_option, takes_basis, takes_output, takes_specs
from cnncalc.cli.output import Output, report_unmet, to_stderr
from cnncalc.figures.summary import summarize
from cnncalc.graph import Graph
from cnncalc.language.collection import Member
from cnncalc.rendering.views.compare import Comparison, view
from cnncalc.studies.compare.diff import figures, layer_changes


@click.command("compare", short_help="Two networks or more side by side.")
@takes_specs(required=True)
@takes_basis
@convention_option
@click.option("-U", "--context", type=click.IntRange(0), default=3, help="Unchanged layers to show around each change.")
@click.option("--layers", "only_layers", is_flag=True, help="Show only the comparison by layers (of two networks).")
@takes_output("svg", "html")
def command(
    asked: AskedSeveral, basis: BatchAndDtype, out: Output, convention: str, context: int, only_layers: bool
) -> int:
    """Compare networks: totals and kinds with their ratios to the first; two networks also layer by layer.

    A SPEC is a path, a shipped name, or either with a variant: vgg.yaml:vgg16.

    \b
    cnncalc compare resnet18 resnet34
    cnncalc compare mobilenet_v2 mobilenet_v3_large efficientnet_b0
    cnncalc compare <(git show HEAD~1:net.yaml) net.yaml
    cnncalc compare vgg16 vgg19 --layers --format tsv | grep -v ^same
    cnncalc compare resnet18 resnet34 -o diff.html
    """
    specs = asked.specs
    if len(specs) < 2:
        raise click.UsageError("compare takes two specs or more")
    if only_layers and len(specs) > 2:
        raise click.UsageError("--layers compares two specs, not more")
    changes = asked.changes()
    chosen = [Member(*asked.read(spec)) for spec in specs]
    if out.format in ("svg", "html") and len(specs) > 2:
        raise click.UsageError(f"{out.format} compares two specs, not more")
    networks = []
    for one in chosen:
        with asked.blaming(one):
            networks.append(one.build(*changes))
    for network in networks:
        for note in network.notes:
            to_stderr(f"note: {network.title}: {note}")
    summaries = [summarize(network, *basis, convention=convention) for network in networks]
    lined_up = layer_changes(*summaries) if len(specs) == 2 else None
    names = _labels(specs, [one.name for one in chosen])
    found = Comparison(names, summaries, [] if only_layers else figures(summaries), lined_up)
    if out.format in ("svg", "html"):
        out.text(_drawn(found, networks, out.format))
    else:
        out.show(view(found, context, only_layers))
    return max(report_unmet(summary) for summary in summaries)


def _drawn(found: Comparison, networks: Sequence[Graph], form: str) -> Iterable[str]:
    """Return two networks side by side as a picture or as a page with it."""
    from cnncalc.drawing.difference import Side, difference
    from cnncalc.drawing.page.difference import page
    from cnncalc.drawing.svg import document

    a, b = [Side(*one) for one in zip(found.names, networks, found.summaries, strict=True)]
    changes = found.changes or ()
    return [document(difference(a, b, changes))] if form == "svg" else page(a, b, changes, found.figures)


def _labels(specs: Sequence[str], names: list[str]) -> list[str]:
    """Return what to call each network: its name, its file's, its SPEC, or its number, whichever sets them apart."""
    files = [os.path.basename(spec) for spec in specs]
    for others in (files, list(specs)):
        again = Counter(names)
        labels = [other if again[name] > 1 else name for other, name in zip(others, names, strict=True)]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{n}: {name}" for n, name in enumerate(names, 1)]
