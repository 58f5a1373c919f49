"""The survey as a table by year, with the verdict on the textbook's claim."""

from __future__ import annotations

from cnncalc.ground.numbers import counted, percent, short
from cnncalc.rendering.blocks import GAP, Bar, Cell, Column, Divider, PageBlock, Paragraph, Table, TableRow
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import KIND_STYLES
from cnncalc.rendering.writers import View
from cnncalc.studies.survey import TURN, Shares, period, periods

COLUMNS = (
    Column("year", right=True),
    Column("network", folds=True),
    Column("conv of MACs", right=True),
    Column("", bar=True, drop=1),
    Column("fc of params", right=True),
    Column("", bar=True, drop=1),
    Column("claim"),
)

SMALL = 10_000_000
"""Most params of a network that the page calls small."""

CLAIM = "The claim: convolutions have most of the MACs, fully connected layers most of the params."


class SurveyView(View):
    """A survey; ``single`` networks of a single layer were left out."""

    columns = (*Shares._fields, "holds")

    def __init__(self, surveyed: list[Shares], single: int) -> None:
        self.surveyed = surveyed
        self.single = single

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return the table, and in how many networks the claim holds."""
        rows: list[TableRow] = [_row(one) for one in self.surveyed]
        texts = [Paragraph(text) for text in _verdict(self.surveyed, self.single)]
        return [Paragraph(CLAIM, "bold"), GAP, Table(COLUMNS, [*rows, Divider()]), *texts]

    def document(self) -> dict[str, object]:
        before, after = periods(self.surveyed)
        by_name = {"all": period(self.surveyed), f"until_{TURN}": before, f"after_{TURN}": after}
        return {"networks": self.records(), "periods": {name: some._asdict() for name, some in by_name.items()}}

    def records(self) -> list[dict[str, object]]:
        return [{**one._asdict(), "holds": one.holds} for one in self.surveyed]


def _row(one: Shares) -> list[str | Cell | Bar]:
    claim = Cell("holds", "green") if one.holds else Cell("no", "dim")
    return [
        str(one.year or ""), one.name,
        percent(one.conv_macs_share), Bar(one.conv_macs_share, KIND_STYLES["conv"]),
        percent(one.fc_params_share), Bar(one.fc_params_share, KIND_STYLES["fc"]), claim,
    ]  # fmt: skip


def _verdict(surveyed: list[Shares], single: int) -> list[str]:
    """Return the verdict: the number of networks for which the claim holds, and what changed."""
    whole = period(surveyed)
    texts = [
        f"It holds in {whole.hold} of {counted(whole.networks, 'network')}: "
        f"convolutions have most of the MACs in {whole.compute}, "
        f"fully connected layers most of the params in {whole.store}."
    ]
    before, after = periods(surveyed)
    if before.networks and after.networks:
        texts.append(
            f"Up to {TURN} it holds in {before.hold} of {before.networks}, and fully connected layers have "
            f"{percent(before.fc_params_share)} of the params (median); after {TURN} in {after.hold} of "
            f"{after.networks}, with {percent(after.fc_params_share)}. What changed: the last map is averaged "
            "before it is classified (Network in Network 2013, GoogLeNet 2014), and one small fully connected layer "
            "took the place of two or three on the whole map; depth and width then went into the convolutions."
        )
    later = [one for one in surveyed if one.holds and (one.year or 0) > TURN]
    if later and max(one.params for one in later) < SMALL:
        texts.append(
            f"Later networks where it holds are small, {short(max(one.params for one in later))} params at most: "
            "convolutions that are few, narrow, grouped or depthwise hold less than what classifies "
            f"({_families(later)})."
        )
    elsewhere = [one for one in surveyed if not one.computes]
    if elsewhere:
        texts.append(f"Convolutions don't have most of the MACs in {_families(elsewhere)}: linear layers do there.")
    if single:
        texts.append(f"Left out: {single} of a single convolution or fully connected layer, or none.")
    return texts


def _families(some: list[Shares]) -> str:
    return ", ".join(dict.fromkeys(one.family.partition(",")[0] for one in some))
