"""A summary as the records that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cnncalc.figures.costs import OWN_CONVENTION
from cnncalc.figures.receptive_field import Fields
from cnncalc.figures.summary import Row, Summary
from cnncalc.layers.shapes import Shape
from cnncalc.rendering.records import Record

SCHEMA_VERSION = 1

COLUMNS = (
    "index", "name", "type", "kind", "inputs", "input_shapes", "output_shape",
    "params", "buffers", "macs", "flops", "activations", "output_bytes", "receptive_field",
)  # fmt: skip


def document(summary: Summary, layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the whole summary as one object, ``layers`` being those to show, as :func:`layer` returns them."""
    totals = summary.totals
    return {
        "schema_version": SCHEMA_VERSION,
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
        "totals": totals._asdict() | {"memory": totals.memory._asdict()},
        "receptive_field": _fields(summary.receptive_field),
        "receptive_fields": {name: _fields(fields) for name, fields in summary.receptive_fields.items()},
        "disagreeing_strides": summary.disagreeing_strides,
        "uncounted": summary.uncounted,
    }


def _fields(fields: Fields | None) -> list[dict[str, Any]]:
    """Return what an output sees, axis by axis; nothing where that is not known."""
    return [
        {"size": -(-field.size // 1), "stride": float(field.jump), "offset": float(field.offset)}
        for field in fields or ()
    ]


def layer(row: Row) -> dict[str, Any]:
    """Return one layer as an object."""
    record = row._asdict()
    del record["label"], record["node"]
    record["args"] = row.args
    record["receptive_field"] = row.receptive_field or ()
    return record


def channels_last(record: Record) -> Record:
    """Return a layer with the channels last in its shapes, behind the batch and the spatial axes."""
    came = tuple([turned(shape) for shape in record["input_shapes"]])
    return {**record, "input_shapes": came, "output_shape": turned(record["output_shape"])}


def turned(shape: Shape) -> Shape:
    """Return a shape that begins with the batch with its channels last."""
    return (*shape[:1], *shape[2:], *shape[1:2])


def marked(records: Iterable[Record], convention: str) -> Iterable[Record]:
    """Return records, each with the convention that its ``macs`` follow where that is not cnncalc's own."""
    return records if convention == OWN_CONVENTION else ({**record, "convention": convention} for record in records)


def marked_columns(columns: Sequence[str], convention: str) -> Sequence[str]:
    """Return the columns of what :func:`marked` returns."""
    return columns if convention == OWN_CONVENTION else (*columns, "convention")
