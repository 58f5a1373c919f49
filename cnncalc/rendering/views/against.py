"""Two engines on one network: the largest difference in every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.ground.numbers import counted
from cnncalc.rendering.blocks import GAP, Cell, Column, Divider, PageBlock, Paragraph, Table, TableRow, Text, Title
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import title, with_batch
from cnncalc.rendering.writers import View, real, record_of

if TYPE_CHECKING:
    from cnncalc.studies.against import Difference, EngineDiff, Units

_COLUMNS = (
    Column("layer", folds=True),
    Column("type", drop=1),
    Column("output", right=True),
    Column("difference", right=True),
    Column("magnitude", right=True, drop=2),
    Column("relative", right=True),
    Column(""),
)


class EnginesView(View):
    """Two engines side by side."""

    columns = ("name", "type", "output", "difference", "magnitude", "relative", "agrees")

    def __init__(self, compared: EngineDiff) -> None:
        self.compared = compared

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return one row per layer, and the verdict."""
        compared, layout = self.compared, screen.layout
        about = f"beside {compared.engine}   batch {compared.batch}   float32"
        rows: list[TableRow] = [_row(row, compared, layout) for row in compared.rows]
        if compared.of_file:
            rows += [Divider()] * bool(rows) + [_row(row, compared, layout) for row in compared.of_file]
        head: list[PageBlock] = [Title(title(compared.network), about), GAP]
        return [*head, Table(_COLUMNS, rows), GAP, *_verdict(compared)]

    def document(self) -> dict[str, object]:
        compared, worst, exact = self.compared, self.compared.worst, self.compared.from_exact
        return {
            **record_of(compared.network, "name", "variant"),
            **record_of(compared, "engine", "batch"),
            "tolerance": compared.tolerances[0],
            "tolerance_of_file": compared.tolerances[1],
            "agrees": not compared.apart,
            "worst": None if worst is None else worst.name,
            "layers": [_record(row, compared) for row in compared.rows],
            "layers_not_compared": compared.unwritten or None,
            "outputs_of_file": [_record(row, compared) for row in compared.of_file],
            "file_not_run": compared.unread or None,
            "difference_from_float64": None if exact is None else {"ours": real(exact[0]), "engine": real(exact[1])},
        }

    def records(self) -> list[dict[str, object]]:
        """Return one object per layer, and per output of a model file."""
        return [_record(row, self.compared) for row in (*self.compared.rows, *self.compared.of_file)]


def _row(row: Difference, compared: EngineDiff, layout: str) -> list[str | Cell]:
    agrees = compared.agrees(row)
    style = "" if agrees else "red"
    return [
        Cell(row.name, style),
        row.type,
        with_batch(row.shape, layout),
        _figure(row.difference),
        _figure(row.magnitude),
        Cell(_figure(row.relative), style),
        Cell("✓", "green") if agrees else Cell("✗", "bold red"),
    ]


def _figure(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


def _verdict(compared: EngineDiff) -> list[PageBlock]:
    layers, worst = compared.rows, compared.worst
    agree = sum(map(compared.agrees, layers))
    style = "bold red" if compared.apart else "bold green"
    bound, of_file = compared.tolerances
    blocks: list[PageBlock] = [Text([(_differ(agree, counted(len(layers), "layer"), bound), style)])]
    if compared.unwritten:
        blocks = [Paragraph(f"layers are not compared: {compared.unwritten}")]
    if compared.of_file:
        agree = sum(map(compared.agrees, compared.of_file))
        outputs = f"{counted(len(compared.of_file), 'output')} of the file itself"
        blocks.append(Text([(_differ(agree, outputs, of_file), style)]))
        blocks += [Paragraph(_in_float16(row.name, row.units)) for row in compared.of_file if row.units is not None]
        if compared.from_exact is not None:
            ours, theirs = map(_figure, compared.from_exact)
            exact = f"in 64 bits the file's outputs are {ours} from ours and {theirs} from those of {compared.engine}"
            why = ": a number between two that tensors are rounded to may become either"
            blocks.append(Paragraph(exact + why if compared.rounds else exact))
    elif compared.unread:
        blocks.append(Paragraph(f"the file itself was not run: {compared.unread}"))
    if worst is not None:
        blocks.append(
            Paragraph(
                f"the largest difference is {_figure(worst.relative)} of the magnitude, in '{worst.name}' "
                f"of type {worst.type}"
            )
        )
    return blocks


def _in_float16(name: str, units: Units) -> str:
    apart = counted(units.most, "unit")
    rest = f", the others are {'up to ' * (units.most > 1)}{apart} in the last place apart" * (units.equal < units.of)
    return f"'{name}' is in float16: rounded to it, {units.equal:,} of {counted(units.of, 'element')} are equal{rest}"


def _differ(agree: int, of_all: str, bound: float) -> str:
    verb, whose = ("differs", "its") if agree == 1 else ("differ", "their")
    return f"{agree} of {of_all} {verb} by at most {bound:g} of {whose} magnitude"


def _record(row: Difference, compared: EngineDiff) -> dict[str, object]:
    """Return one output as an object; a figure that is not finite is null."""
    figures = {name: real(getattr(row, name)) for name in ("difference", "magnitude", "relative")}
    output = {"name": row.name, "type": row.type, "output": list(row.shape)}
    in_float16 = {} if row.units is None else {"in_float16": row.units._asdict()}
    return {**output, **figures, "agrees": compared.agrees(row), **in_float16}
