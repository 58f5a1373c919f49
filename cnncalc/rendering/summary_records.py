"""A summary as the records that scripts rely on."""

from __future__ import annotations

from typing import Any

from cnncalc.summary import Row, Summary

SCHEMA_VERSION = 1

COLUMNS = (
    "index", "name", "type", "kind", "inputs", "input_shapes", "output_shape",
    "params", "buffers", "macs", "flops", "activations", "output_bytes", "receptive_field",
)  # fmt: skip


def document(summary: Summary, rows: list[Row]) -> dict[str, Any]:
    """Return the whole summary as one object, ``rows`` being those to show."""
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
        "layers": [layer(row) for row in rows],
        "kinds": {kind: figures._asdict() for kind, figures in summary.kinds.items()},
        "totals": totals._asdict() | {"memory": totals.memory._asdict()},
        "receptive_field": [
            {"size": -(-field.size // 1), "stride": float(field.jump), "offset": float(field.offset)}
            for field in summary.receptive_field
        ],
        "disagreeing_strides": summary.disagreeing_strides,
        "uncounted": summary.uncounted,
    }


def layer(row: Row) -> dict[str, Any]:
    """Return one layer as an object."""
    record = row._asdict()
    del record["label"], record["node"]
    record["args"] = row.args
    return record
