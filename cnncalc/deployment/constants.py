"""Every number of the device that does not depend on the network, with its source and version.

Sources: tflite-micro 90b983c (2026-08-20), CMSIS-NN 99f736a (2026-07-15), TensorFlow 2.21, mcufit 0.5.2,
mcufit-bench 88f8d23 (2026-08-16), mlcommons/tiny 1afd2c9.  They age: a new version of one of these is a new column.
"""

from __future__ import annotations

from typing import NamedTuple

RUNTIME = "tflite-micro 90b983c"
KERNELS = "CMSIS-NN 99f736a"

ALIGNMENT = 16
"""Bytes that sizes in the arena are rounded up to: MicroArenaBufferAlignment(), micro/micro_arena_constants.h."""


class NumberFormat(NamedTuple):
    """A number format of a device.

    Attributes:
        name: its name in options.
        activation, weight, bias: bytes of an element.
        scaled: whether tensors have a scale and a zero point.
        ranges: tensors that have a recorded range in the file with every converter, as in :class:`Converter`.
        structure: size of a model file's tables, relative to int8.
    """

    name: str
    activation: int
    weight: int
    bias: int
    scaled: bool
    ranges: str
    structure: float


KINDS = {
    kind.name: kind
    for kind in (
        NumberFormat("int8", 1, 1, 4, True, "", 1.0),
        NumberFormat("int16x8", 2, 1, 8, True, "all", 1.07),  # the bias is int64: kernels/conv.cc
        NumberFormat("float32", 4, 4, 4, False, "", 0.82),
    )
}

SCALE_BYTES, ZERO_POINT_BYTES, MIN_MAX_BYTES = 4, 8, 8
"""Bytes of a scale (float32), a zero point (int64) and a recorded range (two float32): schema.fbs,
QuantizationParameters."""


class Converter(NamedTuple):
    """The rules of a converter from a network to a model file.

    Attributes:
        name: its name in options.
        dense_per_channel: whether a dense layer has a scale per channel, as a convolution has.
        dense_takes_maps: whether a dense layer reads a map without a RESHAPE before it.
        drops_idle_reshapes: whether the RESHAPE before a dense layer is dropped if it keeps the last axis.
        mean: whether global average pooling is a MEAN, not an AVERAGE_POOL_2D.
        ranges: tensors with a recorded range: "", "activations", or "all" (also weights, one range per channel).
        structure: largest relative error of the formula for the file's structure.
        what: a description for the help and the header.
    """

    name: str
    dense_per_channel: bool
    dense_takes_maps: bool
    drops_idle_reshapes: bool
    mean: bool
    ranges: str
    structure: float
    what: str


CONVERTERS = {
    converter.name: converter
    for converter in (
        Converter("tf2.21", True, False, True, True, "", 0.12, "TensorFlow 2.21, its defaults"),
        Converter("tf2.21-dense", False, False, True, True, "", 0.12, "TensorFlow 2.21, one scale for a dense layer"),
        Converter("tf2.3", False, False, False, False, "all", 0.14, "as MLPerf Tiny's reference files"),
        Converter("tf1.15", False, True, False, False, "activations", 0.14, "as tflite-micro's examples"),
    )
}


class Interpreter(NamedTuple):
    """Bytes that the interpreter needs, on a 32-bit processor.

    Struct sizes and a fit over 18 files on mcufit 0.5.2's wasm32 build (residuals −12 to +8 bytes); the fixed part on
    the ESP32 from mcufit-bench 88f8d23, esp-tflite-micro on IDF 5.5 (4 models, residuals 1 to 23 bytes).
    """

    tensor: int = 12  # TfLiteEvalTensor
    operator: int = 32  # NodeAndRegistration
    end: int = 60  # an input's or output's TfLiteTensor and its quantisation
    channel: int = 8  # an int32 multiplier and an int32 shift
    handle: int = 4  # ScratchBufferHandle
    fixed_least: int = 157
    fixed_most: int = 2_285
    slack: int = 40


INTERPRETER = Interpreter()

ALLOCATION_INFO, PLANNED_BUFFER = 24, 40
"""Bytes of the arena that planning needs temporarily: for each tensor and scratch buffer of the file, and for
each that is placed (sizeof(AllocationInfo) in micro_allocation_info.h, per_buffer_size() of the planner; 32 bits)."""

FITTED_DATA: dict[str, int] = {
    "CONV_2D": 92, "DEPTHWISE_CONV_2D": 92, "FULLY_CONNECTED": 64, "ADD": 74, "AVERAGE_POOL_2D": 67, "SOFTMAX": 97,
}  # fmt: skip
"""Bytes that an operator's kernel needs, its OpData and its parsed options; by the same fit."""

MEASURED_DATA: dict[str, int] = {
    "ABS": 32, "BATCH_MATMUL": 80, "BROADCAST_TO": 0, "CONCATENATION": 44, "COS": 28, "DEPTH_TO_SPACE": 40,
    "DEQUANTIZE": 18, "DIV": 28, "ELU": 274, "GATHER": 34, "HARD_SWISH": 20, "LEAKY_RELU": 40, "LOGISTIC": 14,
    "LOG_SOFTMAX": 39, "MAXIMUM": 38, "MAX_POOL_2D": 60, "MEAN": 56, "MINIMUM": 2, "MIRROR_PAD": 16, "MUL": 53,
    "NEG": 19, "PAD": 66, "PADV2": 66, "PRELU": 43, "QUANTIZE": 18, "REDUCE_MAX": 52, "REDUCE_MIN": 42, "RELU": 29,
    "RELU6": 40, "RESHAPE": 33, "RESIZE_BILINEAR": 8, "RESIZE_NEAREST_NEIGHBOR": 8, "RSQRT": 32, "SIN": 28,
    "SPACE_TO_DEPTH": 40, "SQUARE": 28, "SQUARED_DIFFERENCE": 121, "STRIDED_SLICE": 120, "SUB": 38, "SUM": 42,
    "TANH": 13, "TRANSPOSE": 0, "TRANSPOSE_CONV": 99,
}  # fmt: skip
"""The same of other operators: a least-squares fit over 52 small files, and the rest of 12 operators over two files
each, on mcufit 0.5.2's wasm32 build, made by ``benchmarks/device.py``'s converter; the residuals are −18 to +31 bytes,
and each operator may be off by LOOSE."""

MOST_AXES: dict[str, int] = {"TRANSPOSE": 5, "STRIDED_SLICE": 4}
"""Most axes of an operator's tensors, the batch's among them: "Transpose op only supports 1D-5D input arrays"
(kernels/transpose_common.cc), "input dim should not exceed 4" (kernels/strided_slice_common.cc)."""

VERIFIED_AXES = 5
"""Most axes of other operators' tensors, the batch's among them, that the interpreter was seen to run."""

_CONVERTER = "TensorFlow's converter"
NOT_IN_16X8 = {
    "HARD_SWISH": _CONVERTER, "ELU": _CONVERTER, "NEG": _CONVERTER, "SIN": _CONVERTER, "COS": _CONVERTER,
    "DIV": _CONVERTER, "SQUARE": _CONVERTER, "LOG_SOFTMAX": _CONVERTER, "PRELU": _CONVERTER,
    "DEPTH_TO_SPACE": _CONVERTER, "SPACE_TO_DEPTH": _CONVERTER, "GATHER": "tflite-micro", "PADV2": "tflite-micro",
}  # fmt: skip
"""Who refuses an operator in int16x8: TensorFlow 2.21 ("Quantization to 16x8-bit not yet supported"), or the kernel
("Type 'INT16' is not supported by gather", kernels/gather.cc; "input->type != constant_values->type",
kernels/pad_common.cc)."""

KERNEL_DATA = FITTED_DATA | MEASURED_DATA
LOOSE = 8

STRUCTURE_FIXED, STRUCTURE_TENSOR, STRUCTURE_OPERATOR = 763, 96, 39
"""Bytes of a model file apart from its constants, scales and names; a fit with an error of at most
``Converter.structure``.
"""

NAME_LEAST, NAME_MOST = 1, 316
"""Bytes of a tensor's name in the examined files: a converter may write the whole path of a layer."""

RUNTIME_LEAST, RUNTIME_MOST = 84_500, 114_600
"""Bytes of tflite-micro's code with the operators that a network needs; measured by mcufit 0.5.2 on four models."""
