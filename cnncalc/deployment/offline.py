"""A plan for the device: the offsets of tflite-micro's ``OfflineMemoryAllocation`` metadata.

The metadata is an array of int32: version (1), subgraph (0), number of tensors of the file, then an offset for each, −1
if the device is to plan it (micro/docs/memory_management.md).  Constants have −1.  The numbers of tensors are the
converter's own, so that each offset comes with the operator that writes the tensor; scratch is left to the device.
"""

from __future__ import annotations

from cnncalc.deployment.view import Deployment

SCHEMA_VERSION = 1


def offline_plan(found: Deployment) -> dict[str, object]:
    """Return the offsets of the network's inputs and of every operator's output, in the order of the file."""
    flows = [place for place in found.places if not place.scratch]
    inputs, outputs = flows[: len(found.graph.inputs)], flows[len(found.graph.inputs) :]
    return {
        "schema_version": SCHEMA_VERSION,
        "metadata": "OfflineMemoryAllocation",
        "name": found.graph.name,
        "quant": found.graph.kind.name,
        "arena": found.arena,
        "inputs": [{"name": place.name, "size": place.size, "offset": place.offset} for place in inputs],
        "operators": [
            {"operator": operator.code, "output": place.name, "size": place.size, "offset": place.offset}
            for operator, place in zip(found.graph.operators, outputs, strict=True)
        ],
    }
