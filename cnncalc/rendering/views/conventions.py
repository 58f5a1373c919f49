"""One table of why tools disagree: each tool's total, and below it the layers that make the difference."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.figures.conventions import Account, CountDifference
from cnncalc.graph import Graph
from cnncalc.ground.numbers import exact, signed
from cnncalc.rendering.blocks import Cell, Column, Divider, Gap, Heading, PageBlock, Paragraph, Table, TableRow, Title
from cnncalc.rendering.layout import fold
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.styles import title
from cnncalc.rendering.writers import View

COLUMNS = ("tool", "figure", "type", "layers", "macs", "counted", "difference", "rule")
"""The columns of csv, tsv and ndjson: one line per tool (type ``total``), then one per layer type that differs."""

NARROW = 100
"""Width below which the description of a count is on a separate line."""

OWN = "multiply-accumulates of convolutions, linear layers and matrix products: no bias, nothing else"


def view(network: Graph, accounts: list[Account]) -> View:
    """Return what other tools count, in every format."""
    return View(
        page=lambda screen: page(network, accounts, screen),
        document=lambda: document(network, accounts),
        records=lambda: records(accounts),
        columns=COLUMNS,
    )


def page(network: Graph, accounts: list[Account], screen: Screen) -> list[PageBlock]:
    """Return the table with its heading; descriptions are next to the figures, or below."""
    columns = [
        Column("tool, layer type"),
        Column("layers", right=True),
        Column("counted", right=True),
        Column("− MACs", right=True),
        Column("what it counts", folds=True),
    ]
    macs = accounts[0].macs
    rows: list[list[str | Cell] | Divider] = [[Cell("cnncalc MACs", "bold"), "", Cell(exact(macs), "bold"), "", OWN]]
    for account in accounts:
        rows += [Divider(), _total(account), *[_difference(one) for one in account.differences]]
    table = Table(columns, rows)
    if screen.width is not None and screen.width < NARROW:
        table = Table(columns[:-1], [line for row in rows for line in _text_below(row, screen.width)])
    blocks: list[PageBlock] = [Title(title(network.name, network.variant), "for one sample"), Gap(), table]
    text = "Each line under a tool is a layer type that it counts otherwise; they add up to the difference."
    blocks += [Gap(), Paragraph(text)]
    for tool in [account.convention for account in accounts]:
        blocks.append(Paragraph(f"{tool.name} {tool.release}: {tool.source}", "dim"))
    return blocks


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


def document(network: Graph, accounts: list[Account]) -> dict[str, object]:
    """Return everything as one object; ``counted`` is null where the tool has no figure."""
    return {
        "name": network.name,
        "variant": network.variant,
        "macs": accounts[0].macs,
        "tools": [
            {
                "tool": tool.name,
                **{name: getattr(tool, name) for name in ("figure", "release", "source", "counts")},
                "total": total,
                "differences": [one._asdict() for one in differences],
            }
            for tool, total, _, differences in accounts
        ],
    }


def records(accounts: list[Account]) -> list[dict[str, object]]:
    """Return one record per tool, and one per layer type that it counts otherwise, with the keys of :data:`COLUMNS`."""
    found: list[dict[str, object]] = []
    for account in accounts:
        tool = account.convention
        rows = [CountDifference("total", 0, account.macs, account.total, tool.counts), *account.differences]
        for one in rows:
            values = (tool.name, tool.figure, one.type, one.layers or None, one.macs, one.counted)
            found.append(dict(zip(COLUMNS, (*values, (one.counted or 0) - one.macs, one.rule), strict=True)))
    return found
