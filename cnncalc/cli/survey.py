"""``cnncalc survey``: test the textbook rule that convolutions compute and fully connected layers store."""

from __future__ import annotations

import click

from cnncalc.cli import Command
from cnncalc.cli.opening import AskedSeveral, collect_networks, read_shipped
from cnncalc.cli.options import takes_output, takes_specs
from cnncalc.cli.output import Output
from cnncalc.language.collection import members
from cnncalc.rendering.views.survey import SurveyView
from cnncalc.studies.survey import by_year, shares

NETWORK = 2
"""A spec with fewer convolutions and fully connected layers is an example of a single layer, not a network."""


@click.command("survey", Command, short_help="Do convolutions compute, and fully connected layers store?")
@takes_specs(required=False)
@takes_output()
def command(asked: AskedSeveral, out: Output) -> None:
    """Show, by year, whether convolutions compute and fully connected layers store, as textbooks say.

    Without SPEC, all shipped networks are surveyed.

    \b
    cnncalc survey
    cnncalc survey vgg16 resnet50 mobilenet_v2
    cnncalc survey --format csv > survey.csv
    """
    collect_networks()
    changes = asked.each.changes()
    chosen = (
        [member for spec in asked.specs for member in members(*asked.recipe(spec))] if asked.specs else read_shipped()
    )
    parts = []
    for one in chosen:
        with asked.each.blaming(*one):
            network = one.build(*changes)
        parts.append(shares(network, one.name, one.recipe.name, one.year))
    found = by_year(parts)
    surveyed = [one for one in found if one.layers >= NETWORK]
    out.show(SurveyView(surveyed, len(found) - len(surveyed)))
