"""The bytes of a deployed network by parts, each exact, by a formula from a source, or a range."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.deployment.boards import Core
from cnncalc.deployment.constants import (
    ALLOCATION_INFO,
    FITTED_DATA,
    INTERPRETER,
    KERNEL_DATA,
    KERNELS,
    LOOSE,
    MIN_MAX_BYTES,
    NAME_LEAST,
    NAME_MOST,
    PLANNED_BUFFER,
    RUNTIME,
    RUNTIME_LEAST,
    RUNTIME_MOST,
    SCALE_BYTES,
    STRUCTURE_FIXED,
    STRUCTURE_OPERATOR,
    STRUCTURE_TENSOR,
    ZERO_POINT_BYTES,
)
from cnncalc.deployment.operators import BIAS, OTHER, WEIGHT, Constant, DeviceGraph, Operator

FILES = "model files of TensorFlow 2.21 and MLPerf Tiny"

EXACT, FORMULA, RANGE = "exact", "formula", "range"


class Part(NamedTuple):
    """Bytes of one part, from ``low`` to ``high``.

    Attributes:
        name: name of the part.
        low, high: least and most bytes; equal if it is exact.
        kind: :data:`EXACT`, :data:`FORMULA` or :data:`RANGE`.
        note: calculation.
        source: source of the figures.
    """

    name: str
    low: int
    high: int
    kind: str
    note: str
    source: str


def total(parts: list[Part]) -> tuple[int, int]:
    """Return the sum of parts, at least and at most."""
    return sum([part.low for part in parts]), sum([part.high for part in parts])


# --- RAM -----------------------------------------------------------------------------------------------------


def interpreter(graph: DeviceGraph, core: Core, handles: int) -> Part:
    """Return the interpreter's own data: tensors, operators, multipliers for each channel, and a fixed part.

    ``handles`` is the number of scratch buffers that the core's kernels request.
    """
    one = INTERPRETER
    tensors, operators = graph.tensor_count, len(graph.operators)
    ends = len(graph.inputs) + len(graph.outputs)
    channels = sum([channels_of(operator, graph, core) for operator in graph.operators])
    codes = [operator.code for operator in graph.operators]
    kept = sum([KERNEL_DATA.get(code, 0) for code in codes]) + one.handle * handles
    copies = sum([flow.bytes for operator in graph.operators for flow in operator.copied])
    loose = one.slack + LOOSE * len([code for code in codes if code not in FITTED_DATA])
    base = one.tensor * tensors + one.operator * operators + one.end * ends + one.channel * channels + kept + copies
    fixed = f"{one.fixed_least}" + (f" to {core.fixed:,}" if core.fixed > one.fixed_least else "")
    turned = f"{copies:,} of transposed copies + " if copies else ""
    note = (
        f"{one.channel}·{channels:,} channels + {one.tensor}·{tensors:,} tensors + "
        f"{one.operator}·{operators:,} operators + {one.end}·{ends} inputs and outputs + "
        f"{kept:,} of kernels + {turned}{fixed} fixed, ±{loose:,} that the measurements leave open"
    )
    low, high = base + one.fixed_least - loose, base + core.fixed + loose
    return Part("interpreter", low, high, RANGE, note, f"struct sizes of {RUNTIME}; mcufit 0.5.2, mcufit-bench 88f8d23")


def planning(graph: DeviceGraph, requests: int) -> int:
    """Return the bytes of the arena that planning needs temporarily; ``requests`` is the number of scratch buffers."""
    tensors = graph.tensor_count
    return ALLOCATION_INFO * (tensors + requests) + PLANNED_BUFFER * (len(graph.flows) + requests)


def room_to_plan(needed: int, arena: int) -> list[Part]:
    """Return what planning needs beyond the planned arena, as one part; none if the arena has room for it."""
    if needed <= arena:
        return []
    note = f"planning itself takes about {needed:,} bytes for a moment, more than the arena's {arena:,}"
    return [Part("planning", 0, needed - arena, RANGE, note, RUNTIME)]


def channels_of(operator: Operator, graph: DeviceGraph, core: Core) -> int:
    """Return the number of channels for which a kernel keeps a multiplier and a shift.

    Reference convolutions do so in float32, too.
    """
    if operator.code in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
        return operator.output.shape[-1] if graph.kind.scaled or core.kernels == "reference" else 0
    if operator.code == "FULLY_CONNECTED" and any(one.part == WEIGHT and one.per_channel for one in operator.constants):
        return operator.output.shape[-1]
    return 0


# --- flash ---------------------------------------------------------------------------------------------------


def constants(graph: DeviceGraph) -> list[Part]:
    """Return the bytes of stored weights, biases and other constants."""
    stored = graph.stored()
    kind, converter = graph.kind, graph.converter.what
    notes = {
        WEIGHT: f"{kind.weight} byte{'s' * (kind.weight > 1)} each, batchnorms folded in",
        BIAS: f"{kind.bias} bytes each, zeros of one size once",
        OTHER: "int32: shapes, axes, paddings",
    }
    return [
        Part(name, size, size, EXACT, note, converter)
        for name, note in notes.items()
        if (size := sum([one.elements * one.width for one in stored if one.part == name])) or name != OTHER
    ]


def quantisation(graph: DeviceGraph) -> Part:
    """Return scales and zero points, and recorded ranges if the converter writes them."""
    each = SCALE_BYTES + ZERO_POINT_BYTES
    flows = [flow for flow in graph.flows if flow.quantised]
    tensors = graph.tensors()
    count = len(flows) + sum([one.scales for one in tensors])
    size = each * count
    note = f"{each} bytes for each of {count:,} scales, those of a convolution's weights and biases one per channel"
    ranges = recorded_ranges(graph, tensors)
    if ranges:
        size, note = size + MIN_MAX_BYTES * ranges, f"{note}; {MIN_MAX_BYTES} for each of {ranges:,} recorded ranges"
    return Part("quantisation", size, size, EXACT, note if graph.kind.scaled else "none in float32", "schema.fbs")


def recorded_ranges(graph: DeviceGraph, tensors: list[Constant]) -> int:
    """Return the number of recorded ranges: of activations, but not of a softmax; of weights one per channel."""
    ranges = graph.kind.ranges or graph.converter.ranges
    if not ranges or not graph.kind.scaled:
        return 0
    found = len([flow for flow in graph.flows if flow.quantised and not flow.fixed_scale])
    if ranges == "all":
        found += sum([one.scales for one in tensors if one.part == WEIGHT])
    return found


def structure(graph: DeviceGraph) -> Part:
    """Return the bytes of the tables of tensors and operators in the model file."""
    tensors, operators = graph.tensor_count, len(graph.operators)
    tables = STRUCTURE_FIXED + STRUCTURE_TENSOR * tensors + STRUCTURE_OPERATOR * operators
    off, factor = graph.converter.structure, graph.kind.structure
    note = f"{STRUCTURE_FIXED} + {STRUCTURE_TENSOR}·{tensors:,} tensors + {STRUCTURE_OPERATOR}·{operators:,} operators"
    note = f"{note}, ±{100 * off:.0f} %" if factor == 1 else f"{factor}·({note}), ±{100 * off:.0f} %"
    tables = int(tables * factor)
    return Part("structure", int(tables * (1 - off)), int(tables * (1 + off)), RANGE, note, FILES)


def names(graph: DeviceGraph) -> Part:
    """Return the bytes of the tensors' names in the model file, which a tool can strip."""
    tensors = graph.tensor_count
    note = f"{NAME_LEAST} to {NAME_MOST} bytes for each of {tensors:,} tensors; they can be stripped"
    return Part("names", NAME_LEAST * tensors, NAME_MOST * tensors, RANGE, note, FILES)


def runtime() -> Part:
    """Return the interpreter's code, which is not in the model file."""
    return Part("runtime", RUNTIME_LEAST, RUNTIME_MOST, RANGE, "tflite-micro's code", "measured by mcufit 0.5.2")


def scratch_source(core: Core) -> str:
    """Return the source of the scratch formulas."""
    return RUNTIME if core.kernels == "reference" else f"{KERNELS}, {RUNTIME}"
