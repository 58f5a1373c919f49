"""The summary in every format; its page is in :mod:`cnncalc.rendering.views.summary_page`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cnncalc.figures.costs import OWN_CONVENTION
from cnncalc.figures.fields import Fields
from cnncalc.figures.memory import IN_MEMORY
from cnncalc.figures.summary import COUNTED, Row, Summary, Totals
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import Record, View, record_of

if TYPE_CHECKING:
    from cnncalc.rendering.blocks import PageBlock

COLUMNS = (
    "index", "name", "type", "kind", "inputs", "input_shapes", "output_shape",
    *COUNTED, "receptive_field",
)  # fmt: skip
"""The columns of csv and similar formats, and the keys of a layer in JSON, which also has ``args``."""


class SummaryView(View):
    """A summary.

    Attributes:
        summary: all of it.
        shown: the layers to show.
        rest: the sum of the others, if any.
        chosen: the columns to show, by the format's names; None for the default.
        device: a sentence on the network on a microcontroller for the page, or "".
    """

    def __init__(
        self, summary: Summary, shown: list[Row], rest: Row | None, chosen: tuple[str, ...] | None = None,
        device: str = "",
    ) -> None:  # fmt: skip
        self.summary = summary
        self.shown = shown
        self.rest = rest
        self.chosen = chosen
        self.device = device
        self.columns = marked_columns(chosen or COLUMNS, summary.convention)

    def page(self, screen: Screen) -> Iterable[PageBlock]:
        from cnncalc.rendering.views import summary_page  # formats for programs need no layout

        return summary_page.page(self.summary, self.shown, self.rest, self.chosen, self.device, screen)

    def document(self) -> dict[str, object]:
        summary = self.summary
        fields = summary.receptive_fields.items()
        return {
            **record_of(summary, "name", "variant", "source", "convention", "batch", "dtype", "inputs", "outputs"),
            "layers": self._layers(),
            "kinds": {kind: figures._asdict() for kind, figures in summary.kinds.items()},
            "totals": _totals_record(summary.totals),
            "receptive_field": _fields(summary.receptive_field),
            "receptive_fields": {name: _fields(next(iter(seen.values()), ())) for name, seen in fields},
            "receptive_fields_by_input": {
                name: {source: _fields(field) for source, field in seen.items()} for name, seen in fields
            },
            **record_of(summary, "disagreeing_strides", "uncounted"),
        }

    def records(self) -> Iterable[Record]:
        return marked(self._layers(), self.summary.convention)

    def rows(self, screen: Screen) -> Iterable[Record]:
        records: Iterable[Record] = map(layer if "args" in (self.chosen or ()) else Row._asdict, self.shown)
        if screen.layout == "hwc":  # JSON has the channels first always
            records = map(channels_last, records)
        return marked(records, self.summary.convention)

    def _layers(self) -> list[dict[str, object]]:
        records = [layer(row) for row in self.shown]
        return records if self.chosen is None else [{name: record[name] for name in self.chosen} for record in records]


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
