"""``cnncalc specs``: list the shipped networks; each is built again, so no stored figure can be outdated."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import click

from cnncalc.cli import Command
from cnncalc.cli.opening import read_shipped
from cnncalc.cli.options import takes_output
from cnncalc.cli.output import Output
from cnncalc.figures.costs import sums
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean
from cnncalc.language.collection import Member
from cnncalc.rendering.views.specs import ListedNetwork, SpecsView

SORT_KEYS = ("name", "family", "year", "params", "macs")


@click.command("specs", Command, short_help="List the shipped networks.")
@click.argument("words", nargs=-1, metavar="[WORD]…")
@click.option("--sort", type=click.Choice(SORT_KEYS), help="Sort the rows by this, the smallest or earliest first.")
@takes_output()
def command(out: Output, words: tuple[str, ...], sort: str | None) -> None:
    """List the shipped networks, all or those that match every WORD by name, family, year or source.

    A WORD matches the beginnings of words or, if that finds nothing, any part of a word.

    \b
    cnncalc specs
    cnncalc specs mobile 224 --sort macs
    cnncalc specs "he et al." --format tsv | cut -f 1,5
    """
    known = list(read_shipped())
    begin = [member for member in known if _matches(member, words, r"(?:\b|(?<=_))")]
    chosen = begin or [member for member in known if _matches(member, words)]
    if not chosen:
        near = did_you_mean(words[0], [member.name for member in known], "") if len(words) == 1 else None
        hint = near or "for other networks use an .onnx file: cnncalc summary model.onnx"
        raise CnncalcError(f"no shipped network matches {' and '.join(map(repr, words))}", hint)
    entries = list(_entries(chosen))
    if sort is not None:
        entries.sort(key=lambda one: (getattr(one, sort) is None, getattr(one, sort)))
    out.show(SpecsView(entries, by_family=sort is None))


def _matches(member: Member, words: tuple[str, ...], start: str = "") -> bool:
    """Whether all words are in a network's description; ``start`` is a pattern that must precede each."""
    about = (member.name, member.recipe.name, member.year, member.source, _file(member))
    text = " ".join(str(part) for part in about).lower()
    return all(re.search(start + re.escape(word.lower()), text) for word in words)


def _file(member: Member) -> str:
    return os.path.basename(member.recipe.path)


def _entries(chosen: list[Member]) -> Iterator[ListedNetwork]:
    for member in chosen:
        network = member.build()
        made = sums(network.nodes)
        inputs = {name: tensor.shape for name, tensor in network.inputs.items()}
        yield ListedNetwork(
            member.name, member.recipe.name, member.year, inputs, made.params, made.macs, member.source, _file(member)
        )
