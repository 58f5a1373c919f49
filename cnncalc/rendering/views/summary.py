"""The summary in every format; its page is in :mod:`cnncalc.rendering.views.summary_page`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cnncalc.figures.costs import OWN_CONVENTION
from cnncalc.figures.fields import Fields
from cnncalc.figures.memory import IN_MEMORY
from cnncalc.figures.summary import COUNTED, Row, Summary, Totals
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import Record, View

if TYPE_CHECKING:
    from cnncalc.rendering.blocks import PageBlock

COLUMNS = (
    "index", "name", "type", "kind", "inputs", "input_shapes", "output_shape",
    *COUNTED, "receptive_field",
)  # fmt: skip
"""The columns of csv and similar formats, and the keys of a layer in JSON, which also has ``args``."""


def view(
    summary: Summary, rows: list[Row], rest: Row | None, columns: tuple[str, ...] | None = None, device: str = ""
) -> View:
    """Return a summary in every format.

    Args:
        summary: all of it.
        rows: the layers to show.
        rest: the sum of the others, if any.
        columns: the columns to show, by the format's names; None for the default.
        device: a sentence on the network on a microcontroller for the page, or "".
    """

    def page(screen: Screen) -> Iterable[PageBlock]:
        from cnncalc.rendering.views import summary_page  # formats for programs need no layout

        return summary_page.page(summary, rows, rest, columns, device, screen)

    def chosen() -> list[dict[str, object]]:
        records = [layer(row) for row in rows]
        return records if columns is None else [{name: record[name] for name in columns} for record in records]

    def flat(screen: Screen) -> Iterable[Record]:
        records: Iterable[Record] = map(layer if "args" in (columns or ()) else Row._asdict, rows)
        if screen.layout == "hwc":  # JSON has the channels first always
            records = map(channels_last, records)
        return marked(records, summary.convention)

    return View(
        page=page,
        document=lambda: document(summary, chosen()),
        records=lambda: marked(chosen(), summary.convention),
        columns=marked_columns(columns or COLUMNS, summary.convention),
        rows=flat,
    )


def document(summary: Summary, layers: list[dict[str, object]]) -> dict[str, object]:
    """Return the whole summary as one object, ``layers`` being those to show, as :func:`layer` returns them."""
    totals = summary.totals
    return {
        "name": summary.name,
        "variant": summary.variant,
        "source": summary.source,
        "convention": summary.convention,
        "batch": summary.batch,
        "dtype": summary.dtype,
        "inputs": summary.inputs,
        "outputs": summary.outputs,
        "layers": layers,
        "kinds": {kind: figures._asdict() for kind, figures in summary.kinds.items()},
        "totals": _totals_record(totals),
        "receptive_field": _fields(summary.receptive_field),
        "receptive_fields": {
            name: _fields(next(iter(seen.values()), ())) for name, seen in summary.receptive_fields.items()
        },
        "receptive_fields_by_input": {
            name: {source: _fields(fields) for source, fields in seen.items()}
            for name, seen in summary.receptive_fields.items()
        },
        "disagreeing_strides": summary.disagreeing_strides,
        "uncounted": summary.uncounted,
    }


def _totals_record(totals: Totals) -> dict[str, object]:
    """Return the totals; bytes have their general names, and also their names under ``memory``."""
    *sums, _ = totals._asdict().items()
    memory = totals.memory._asdict()
    by_name = {name: memory[short] for name, short in IN_MEMORY.items()}
    return {**dict(sums), **by_name, "memory": memory}


def _fields(fields: Fields) -> list[dict[str, object]]:
    """Return an output's field on an input, axis by axis.

    ``least`` is the smallest field of a position; if ``exact`` is false, ``size`` is an upper bound.
    """
    return [
        {
            "size": field.size,
            "stride": float(field.jump),
            "offset": float(field.offset),
            "least": field.least,
            "exact": field.is_exact,
            "input_size": field.input_size,
        }
        for field in fields
    ]


def layer(row: Row) -> dict[str, object]:
    """Return one layer as an object."""
    record = row._asdict()
    del record["node"], record["layers"]
    record["args"] = row.args
    return record


def channels_last(record: Record) -> Record:
    """Return a layer with the channels last in its shapes, after the batch and the spatial axes."""
    return {key: _moved_last(value) if key.endswith(("_shape", "_shapes")) else value for key, value in record.items()}


def _moved_last(shape: object) -> object:
    """Return a shape that begins with the batch, or each of several, with its channels last."""
    if not isinstance(shape, tuple):
        return shape
    if shape and isinstance(shape[0], tuple):
        return tuple(map(_moved_last, shape))
    return (*shape[:1], *shape[2:], *shape[1:2])


def marked(records: Iterable[Record], convention: str) -> Iterable[Record]:
    """Return records, each with the convention of its ``macs`` unless it is cnncalc's own."""
    return records if convention == OWN_CONVENTION else ({**record, "convention": convention} for record in records)


def marked_columns(columns: Sequence[str], convention: str) -> Sequence[str]:
    """Return the columns of the records of :func:`marked`."""
    return columns if convention == OWN_CONVENTION else (*columns, "convention")
