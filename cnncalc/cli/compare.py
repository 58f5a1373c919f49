"""``cnncalc compare``: totals and kinds side by side, and two networks layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import click

from cnncalc.cli.options import (
    batch_option,
    convention_option,
    dtype_option,
    output_options,
    read_changes,
    read_spec,
    specs_options,
    target,
)
from cnncalc.cli.output import Target
from cnncalc.cli.summary import tell_unmet
from cnncalc.figures.summary import Summary, summarize
from cnncalc.language.collection import Member
from cnncalc.rendering.records import Record
from cnncalc.studies.comparison import Change, Figure, figures, layer_changes


@click.command("compare", short_help="Two networks or more side by side.")
@specs_options(required=True)
@batch_option
@dtype_option
@convention_option
@click.option("-U", "--context", type=click.IntRange(0), default=3, help="Layers to show around each that changed.")
@click.option("--layers", "only_layers", is_flag=True, help="Only the layers (of two networks), in any format.")
@output_options
def command(
    specs: tuple[str, ...],
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    batch: int,
    dtype: str,
    convention: str,
    context: int,
    only_layers: bool,
    format: str,
    path: str | None,
    color: str,
) -> int:
    """Put networks side by side: totals and kinds with their ratios to the first, and two layer by layer.

    A SPEC is a path, a shipped name, or either with a variant: vgg.yaml:vgg16.

    \b
    cnncalc compare resnet18 resnet34
    cnncalc compare mobilenet_v2 mobilenet_v3_large efficientnet_b0
    cnncalc compare <(git show HEAD~1:net.yaml) net.yaml
    cnncalc compare vgg16 vgg19 --layers --format tsv | grep -v ^same
    """
    if len(specs) < 2:
        raise click.UsageError("compare takes two specs or more")
    if only_layers and len(specs) > 2:
        raise click.UsageError("--layers compares two specs, not more")
    changed = read_changes(settings, inputs, layout)
    chosen = [Member(*read_spec(spec)) for spec in specs]
    summaries = [summarize(one.build(*changed), batch, dtype, convention=convention) for one in chosen]
    lined_up = layer_changes(*summaries) if len(specs) == 2 else None
    names = _labels(specs, [one.name for one in chosen])
    _show(names, summaries, lined_up, only_layers, context, layout, format, target(path, color))
    return max(tell_unmet(summary) for summary in summaries)


def _labels(specs: Sequence[str], names: list[str]) -> list[str]:
    """Return what to call each network: its name, or its SPEC, or its number, whichever tells them apart."""
    again = Counter(names)
    labels = [spec if again[name] > 1 else name for spec, name in zip(specs, names, strict=True)]
    return labels if len(set(labels)) == len(labels) else [f"{n}: {name}" for n, name in enumerate(names, 1)]


def _show(
    names: list[str],
    summaries: list[Summary],
    changes: list[Change] | None,
    only_layers: bool,
    context: int,
    layout: str,
    format: str,
    out: Target,
) -> None:
    found: list[Figure] = [] if only_layers else figures(summaries)
    if format == "table":
        from cnncalc.rendering.compare_page import layers, page

        if only_layers and changes is not None:
            out.page(layers(changes, summaries[0].figure, context, layout, out.width, out.terminal))
        else:
            out.page(page(names, summaries, found, changes, context, layout, out.width, out.terminal))
        return
    from cnncalc.rendering.compare_records import (
        LAYER_COLUMNS,
        document,
        figure_columns,
        figure_records,
        layer_records,
    )
    from cnncalc.rendering.records import as_json

    if format == "json":
        out.text([as_json(document(names, summaries, found, changes))])
    elif only_layers and changes is not None:
        _lines(layer_records(changes), LAYER_COLUMNS, summaries[0].convention, format, out)
    else:
        _lines(figure_records(names, found), figure_columns(names), summaries[0].convention, format, out)


def _lines(records: Iterable[Record], columns: Sequence[str], convention: str, format: str, out: Target) -> None:
    from cnncalc.rendering.records import as_lines
    from cnncalc.rendering.summary_records import marked, marked_columns

    out.text(as_lines(marked(records, convention), format, marked_columns(columns, convention)))
