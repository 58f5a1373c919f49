"""A network on a device as the records that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.deployment.constants import KERNELS, RUNTIME
from cnncalc.deployment.orders import other_arenas
from cnncalc.deployment.parts import Part
from cnncalc.deployment.view import Deployment, Step

SCHEMA_VERSION = 1

COLUMNS = (
    "step", "operator", "layer", "layers", "inputs", "output", "output_shape", "macs",
    "live_bytes", "tensor_bytes", "scratch_bytes", "arena_end",
)  # fmt: skip


def document(found: Deployment) -> dict[str, Any]:
    """Return everything as one object."""
    graph, on = found.graph, found.device
    return {
        "schema_version": SCHEMA_VERSION,
        "name": graph.name,
        "runtime": RUNTIME,
        "kernels": "tflite-micro reference" if on.core.kernels == "reference" else KERNELS,
        "converter": graph.converter.name,
        "quant": graph.kind.name,
        "core": on.core.name,
        "plan": on.plan,
        "board": on.board._asdict() if on.board else None,
        "arena": found.arena,
        "bound": found.bound,
        "arena_in_other_orders": other_arenas(found) if on.plan == "greedy" else [],
        "ram": _limited(*found.ram_total, on.ram),
        "flash": _limited(*found.flash_total, on.flash),
        "file": dict(zip(("low", "high"), found.file_total, strict=True)),
        "breaks_first": _step(found.highest),
        "parts": {part.name: _part(part) for part in (*found.ram, *found.flash)},
        "operators": len(graph.operators),
        "layers": graph.layers,
        "macs": sum([operator.macs for operator in graph.operators]),
        "folded": [node.name for node in graph.folded],
        "fused": [node.name for node in graph.fused],
        "gone": [node.name for node in graph.gone],
        "steps": list(rows(found)),
        "tensors": [place._asdict() for place in found.places],
        "not_verified": [{"operator": one.code, "layer": one.name, "why": one.doubt} for one in found.doubts],
        "notes": graph.notes,
    }


def _limited(low: int, high: int, limit: int | None) -> dict[str, Any]:
    """Return a range with its limit, and whether it fits: None where there is no limit, or where that is open."""
    fits = None if limit is None or low <= limit < high else high <= limit
    return {"low": low, "high": high, "limit": limit, "fits": fits}


def _part(part: Part) -> dict[str, Any]:
    record = part._asdict()
    del record["name"]
    return record


def rows(found: Deployment) -> Iterator[dict[str, Any]]:
    """Yield one object a step, the network's inputs being step 0."""
    return (_step(step) for step in found.steps)


def _step(step: Step) -> dict[str, Any]:
    operator = step.operator
    return {
        "step": step.number,
        "operator": operator.code if operator else None,
        "layer": operator.name if operator else None,
        "layers": [node.name for node in operator.layers] if operator else [],
        "inputs": [flow.name for flow in operator.inputs] if operator else [],
        "output": operator.output.name if operator else None,
        "output_shape": operator.output.shape if operator else None,
        "macs": operator.macs if operator else 0,
        "live_bytes": step.live,
        "tensor_bytes": step.tensors,
        "scratch_bytes": sum([request.size for request in step.scratch]),
        "arena_end": step.end,
    }
