"""Hotspots and changes as the records that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnncalc.studies.changes import Change, Workbench
from cnncalc.studies.hotspots import Hotspots, Spot

SCHEMA_VERSION = 1

COLUMNS = (
    "by", "layer", "type", "figure", "share", "so_far", "flops_per_byte", "bound",
    "change", "layers", "params", "macs", "flops", "weights", "peak", "seconds", "command", "lines", "text",
)  # fmt: skip
"""Columns of csv, tsv and Markdown: heavy layers first (``by`` a figure), then changes (``by`` is ``change``)."""


def document(
    bench: Workbench, spots: Sequence[Hotspots], changes: Sequence[tuple[Change, str]], top: int
) -> dict[str, Any]:
    """Return everything as one object."""
    summary, machine = bench.summary, bench.machine
    return {
        "schema_version": SCHEMA_VERSION,
        "name": summary.name,
        "variant": summary.variant,
        "batch": summary.batch,
        "dtype": summary.dtype,
        "machine": machine._asdict() | {"ridge": machine.ridge},
        "hotspots": {
            hot.figure: {
                "total": hot.total,
                "count": len(hot.spots),
                "share": hot.spots[-1].so_far if hot.spots else 0.0,
                "layers": [_spot(spot) for spot in hot.spots[:top]],
            }
            for hot in spots
        },
        "before": bench.before._asdict(),
        "changes": [_change(change, command) for change, command in changes],
    }


def records(spots: Sequence[Hotspots], changes: Sequence[tuple[Change, str]], top: int) -> Iterator[dict[str, Any]]:
    """Return one record a heavy layer and figure, then one a change, with keys out of :data:`COLUMNS`."""
    for hot in spots:
        for spot in hot.spots[:top]:
            yield {"by": hot.figure, **_spot(spot)}
    for change, command in changes:
        record = _change(change, command)
        edits = record.pop("edits")
        record |= record.pop("after")
        record["lines"] = [f"{edit['first']}-{edit['last']}" for edit in edits]
        record["text"] = "".join(edit["text"] for edit in edits)
        yield {"by": "change", **record}


def _spot(spot: Spot) -> dict[str, Any]:
    return {
        "layer": spot.row.name,
        "type": spot.row.type,
        "figure": spot.figure,
        "share": spot.share,
        "so_far": spot.so_far,
        "flops_per_byte": spot.estimate.intensity,
        "bound": spot.estimate.bound,
    }


def _change(change: Change, command: str) -> dict[str, Any]:
    return {
        "change": change.name,
        "layers": list(change.layers),
        "command": command or change.elsewhere or None,
        "edits": [edit._asdict() for edit in change.edits],
        "after": change.after._asdict(),
    }
