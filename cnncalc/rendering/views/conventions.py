"""One table of why tools disagree: each tool's total, and below it the layers that make the difference."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.figures.conventions import Account, CountDifference
from cnncalc.graph import Graph
from cnncalc.ground.numbers import exact, signed
from cnncalc.rendering.blocks import GAP, Cell, Column, Divider, Heading, PageBlock, Paragraph, Table, TableRow, Title
from cnncalc.rendering.layout import fold
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import title
from cnncalc.rendering.writers import View, record_of

COLUMNS = ("tool", "figure", "type", "layers", "macs", "counted", "difference", "rule")
"""The columns of csv, tsv and ndjson: one line per tool (type ``total``), then one per layer type that differs."""

NARROW = 100
"""Width below which the description of a count is on a separate line."""

OWN = "multiply-accumulates of convolutions, linear layers and matrix products: no bias, nothing else"


class ConventionsView(View):
    """What other tools count."""

    columns = COLUMNS

    def __init__(self, network: Graph, accounts: list[Account]) -> None:
        self.network = network
        self.accounts = accounts

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return the table with its heading; descriptions are next to the figures, or below."""
        columns = [
            Column("tool, layer type"),
            Column("layers", right=True),
            Column("counted", right=True),
            Column("− MACs", right=True),
            Column("what it counts", folds=True),
        ]
        macs = Cell(exact(self.accounts[0].macs), "bold")
        rows: list[list[str | Cell] | Divider] = [[Cell("cnncalc MACs", "bold"), "", macs, "", OWN]]
        for account in self.accounts:
            rows += [Divider(), _total(account), *[_difference(one) for one in account.differences]]
        table = Table(columns, rows)
        if screen.width is not None and screen.width < NARROW:
            table = Table(columns[:-1], [line for row in rows for line in _text_below(row, screen.width)])
        blocks: list[PageBlock] = [Title(title(self.network), "for one sample"), GAP, table]
        text = "Each line under a tool is a layer type that it counts otherwise; they add up to the difference."
        blocks += [GAP, Paragraph(text)]
        for tool in [account.convention for account in self.accounts]:
            blocks.append(Paragraph(f"{tool.name} {tool.release}: {tool.source}", "dim"))
        return blocks

    def document(self) -> dict[str, object]:
        """Return everything as one object; ``counted`` is null where the tool has no figure."""
        return {
            **record_of(self.network, "name", "variant"),
            "macs": self.accounts[0].macs,
            "tools": [
                {
                    "tool": tool.name,
                    **record_of(tool, "figure", "release", "source", "counts"),
                    "total": total,
                    "differences": [one._asdict() for one in differences],
                }
                for tool, total, _, differences in self.accounts
            ],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """Yield one record per tool, and one per layer type that it counts otherwise."""
        for account in self.accounts:
            tool = account.convention
            rows = [CountDifference("total", 0, account.macs, account.total, tool.counts), *account.differences]
            for one in rows:
                values = (tool.name, tool.figure, one.type, one.layers or None, one.macs, one.counted)
                yield dict(zip(COLUMNS, (*values, (one.counted or 0) - one.macs, one.rule), strict=True))


def _text_below(row: list[str | Cell] | Divider, width: int) -> Iterator[TableRow]:
    """Yield a row with its last text below it."""
    if isinstance(row, Divider):
        yield row
        return
    *cells, text = row
    yield cells
    yield from [Heading(line) for line in fold(f"    {text}", width)]


def _total(account: Account) -> list[str | Cell]:
    tool = account.convention
    return [
        Cell(f"{tool.name} {tool.figure}", "bold"),
        "",
        Cell(exact(account.total), "bold"),
        Cell(signed(account.total - account.macs), "bold"),
        tool.counts,
    ]


def _difference(one: CountDifference) -> list[str | Cell]:
    counted = "?" if one.counted is None else exact(one.counted)
    return [f"  {one.type}", str(one.layers), counted, signed((one.counted or 0) - one.macs), one.rule]
