"""``cnncalc survey``: is the textbook right that convolutions compute and fully connected layers store?"""

from __future__ import annotations

import click

from cnncalc.cli.options import output_options, read_changes, read_shipped, read_spec, specs_options, target
from cnncalc.language.collection import Member, members
from cnncalc.studies.survey import by_year, shares

NETWORK = 2
"""Convolutions and fully connected layers from which a spec is a network, and not a single layer's example."""


@click.command("survey", short_help="Does convolution compute, fully connected store?")
@specs_options(required=False)
@output_options
def command(
    specs: tuple[str, ...],
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    format: str,
    path: str | None,
    color: str,
) -> None:
    """Show, by year, whether convolutions compute and fully connected layers store, as textbooks say.

    Without SPEC, of every network that ships.

    \b
    cnncalc survey
    cnncalc survey vgg16 resnet50 mobilenet_v2
    cnncalc survey --format csv > survey.csv
    """
    changes = read_changes(settings, inputs, layout)
    chosen = [member for spec in specs for member in _members(spec)] if specs else read_shipped()
    found = by_year([shares(one.build(*changes), one.name, one.recipe.name, one.year) for one in chosen])
    surveyed = [one for one in found if one.layers >= NETWORK]
    out = target(path, color)
    if format == "table":
        from cnncalc.rendering.survey_page import page

        out.page(page(surveyed, len(found) - len(surveyed), out.width, out.terminal))
        return
    from cnncalc.rendering.records import as_json, as_lines
    from cnncalc.rendering.survey_page import FIELDS, document, record

    if format == "json":
        out.text([as_json(document(surveyed))])
    else:
        out.text(as_lines((record(one) for one in surveyed), format, FIELDS))


def _members(spec: str) -> list[Member]:
    return members(*read_spec(spec))
