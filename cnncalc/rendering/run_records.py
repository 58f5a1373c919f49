"""A run as the records that scripts rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnncalc.figures.summary import Summary
from cnncalc.rendering.records import Record, real
from cnncalc.rendering.summary_records import COLUMNS as LAYER_COLUMNS
from cnncalc.rendering.summary_records import SCHEMA_VERSION, turned
from cnncalc.rendering.summary_records import channels_last as summary_channels_last
from cnncalc.rendering.summary_records import layer as summary_layer

if TYPE_CHECKING:
    from cnncalc.execution.report import LayerRun, Run

COLUMNS = (
    *LAYER_COLUMNS, "inferred_shape", "actual_shape", "match", "seconds", "gflops",
    "products", "direct_products", "algorithm", "fused_into", "finite", "fault",
)  # fmt: skip


def layers(summary: Summary, run: Run) -> list[dict[str, Any]]:
    """Return every layer of the summary with what its run found."""
    return [summary_layer(row) | _found(found, run.batch) for row, found in zip(summary.rows, run.layers, strict=True)]


def channels_last(record: Record) -> Record:
    """Return a layer with the channels last in its shapes, behind the batch and the spatial axes."""
    actual = record["actual_shape"]
    shapes = {"inferred_shape": turned(record["inferred_shape"]), "actual_shape": actual and turned(actual)}
    return {**summary_channels_last(record), **shapes}


def _found(row: LayerRun, batch: int) -> dict[str, Any]:
    return {
        "inferred_shape": row.inferred(batch),
        "actual_shape": row.actual,
        "match": row.holds(batch),
        "seconds": row.seconds,
        "gflops": row.gflops(batch),
        "products": row.tally.performed if row.tally else 0,
        "direct_products": row.tally.direct if row.tally else 0,
        "algorithm": row.tally.method if row.tally else "",
        "fused_into": row.fused_into,
        "finite": row.finite,
        "fault": row.fault,
    }


def document(summary: Summary, run: Run) -> dict[str, Any]:
    """Return the whole run as one object."""
    return {
        "schema_version": SCHEMA_VERSION,
        "name": summary.name,
        "variant": summary.variant,
        "batch": run.batch,
        "dtype": run.dtype,
        "threads": run.threads,
        "inputs": summary.inputs,
        "outputs": {name: array.shape for name, array in run.outputs.items()},
        "layers": layers(summary, run),
        "verified": run.verified,
        "mismatched": len(run.mismatches),
        "first_nonfinite": run.first,
        "first_unstable": run.unstable,
        "seconds": run.seconds,
        "preparation_seconds": run.preparation,
        "peak_bytes": run.peak,
        "predicted_peak_bytes": run.needs.total if run.needs else 0,
        "predicted": run.needs._asdict() if run.needs else {},
        "top": [{"index": index, "value": real(value)} for index, value in run.top()],
    }
