"""Working memory in the arena during a kernel's step, computed as in the kernels' sources.

The functions keep the names of their sources, without prefix: CMSIS-NN 99f736a, ``arm_*_get_buffer_size*``, and
tflite-micro 90b983c, ``kernels/*.cc``.  "mve" is Helium (Cortex-M55, M85), "dsp" the DSP extension (M4, M7, M33),
"plain" neither (M0+, M3), "reference" tflite-micro's own kernels, which ask for as much as the ESP32's.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.deployment.operators import OTHER, WEIGHT
from cnncalc.deployment.planner import aligned

if TYPE_CHECKING:
    from cnncalc.deployment.constants import NumberFormat
    from cnncalc.deployment.operators import Constant, Operator
    from cnncalc.layers.window import Sliding

CH_IN_BLOCK_MVE = 124
ONE_CHANNEL_THRESHOLD = 1
REVERSE_TCOL_EFFICIENT_THRESHOLD = 16
MAX_FAST_DEPTHWISE_S16 = 512


class Request(NamedTuple):
    """Bytes that an operator requests, and their calculation."""

    size: int
    formula: str
    source: str


def scratch(operator: Operator, kind: NumberFormat, kernels: str) -> list[Request]:
    """Return an operator's requests on a core, in the kernel's order.

    Args:
        operator: the step.
        kind: what its numbers are.
        kernels: "reference", "plain", "dsp" or "mve".
    """
    if operator.code in EVERYWHERE:
        return EVERYWHERE[operator.code](operator, kind, kernels)
    if operator.code not in CMSIS_NN or kernels == "reference" or not kind.scaled:
        return []
    request = CMSIS_NN[operator.code](operator, kind, kernels)
    return [request] if request.size else []


def _mirror_pad(operator: Operator, kind: NumberFormat, kernels: str) -> list[Request]:
    """MirrorPadPrepare: two lists of an integer for each axis."""
    rank = len(operator.output.shape) + 1
    return [Request(4 * rank, f"4·{rank} axes", "kernels/mirror_pad.cc")] * 2


def _reduce(operator: Operator, kind: NumberFormat, kernels: str) -> list[Request]:
    """PrepareMeanOrSumHelper: one accumulator per output element, an iterator over the axes, the axes themselves."""
    source = "kernels/reduce_common.cc"
    count, rank = prod(operator.output.shape), len(operator.inputs[0].shape) + 1
    axes = _constant(operator, OTHER).elements
    requests = [Request(4 * rank, f"4·{rank} axes", source), Request(4 * axes, f"4·{axes} reduced axes", source)]
    sums = operator.code in ("MEAN", "SUM") and kind.scaled
    return [Request(4 * count, f"4·{count:,} sums", source), *requests] if sums else requests


def _conv(operator: Operator, kind: NumberFormat, kernels: str) -> Request:
    """arm_convolve_wrapper_s8_get_buffer_size and its s16."""
    taps, channels = _taps(operator), _filter_depth(operator)
    height, width = taps.kernel
    length = _in_channels(operator) * height * width
    spelled = f"{height}·{width}·{_in_channels(operator)}"
    if kind.name == "int16x8":
        source = "arm_convolve_get_buffer_sizes_s16.c"
        if kernels == "mve":
            return Request(4 * aligned(length, 8) * 2, f"64·⌈{spelled}/8⌉", source)
        return Request(2 * length * 2, f"4·{spelled}", source)
    source = "arm_convolve_get_buffer_sizes_s8.c"
    whole = channels == _in_channels(operator)
    unpadded = not any(before for before, _ in taps.pads)
    if taps.kernel == (1, 1) and unpadded and taps.dilation == (1, 1) and whole:
        return Request(0, "none: 1×1", source)
    if kernels == "mve":
        if _is_1_x_n(operator, taps) and whole:
            return Request(_conv_1_x_n_mve(operator, taps), "the longer of the padded rows", source)
        return Request(4 * aligned(length, 16), f"64·⌈{spelled}/16⌉", source)
    return Request(2 * aligned(length, 4) * 2, f"2·2·⌈{spelled}/4⌉·4", source)


def _is_1_x_n(operator: Operator, taps: Sliding) -> bool:
    """arm_nn_is_convolve_1_x_n."""
    one_row = operator.inputs[0].shape[0] == 1 and taps.kernel[0] == 1
    return one_row and taps.dilation[1] == 1 and taps.stride[1] * _in_channels(operator) % 4 == 0


def _conv_1_x_n_mve(operator: Operator, taps: Sliding) -> int:
    """arm_convolve_1_x_n_s8_get_buffer_size_mve."""
    channels, width = _in_channels(operator), operator.inputs[0].shape[1]
    pad, kernel, stride, out = taps.pads[1][0], taps.kernel[1], taps.stride[1], operator.output.shape[1]
    odd = ((out - 1) * stride + kernel - width) % 2
    right = max(1, (pad + odd + stride - 1) // stride) if pad + odd else 0
    left = max(1, (pad + stride - 1) // stride) if pad else 0
    if right + max(out - right - left, 0) + left != out:
        return 4 * aligned(channels * kernel, 16)
    behind = right * channels if odd else pad * channels
    return max(kernel * channels + pad * channels, (kernel - 1) * channels + behind)


def _depthwise(operator: Operator, kind: NumberFormat, kernels: str) -> Request:
    """arm_depthwise_conv_wrapper_s8_get_buffer_size and its s16."""
    taps = _taps(operator)
    height, width = taps.kernel
    ins, outs = _in_channels(operator), operator.output.shape[-1]
    length, spelled = ins * height * width, f"{ins}·{height}·{width}"
    undilated = taps.dilation == (1, 1)
    if kind.name == "int16x8":
        source = "arm_depthwise_conv_get_buffer_sizes_s16.c"
        if ins != outs or not undilated or height * width >= MAX_FAST_DEPTHWISE_S16 or kernels == "plain":
            return Request(0, "none", source)
        if kernels == "mve":
            return Request(4 * length * 2 + 8, f"8·{spelled} + 8", source)
        return Request(length * 2, f"2·{spelled}", source)
    source = "arm_depthwise_conv_get_buffer_sizes_s8.c"
    if kernels == "mve" and ins == 1 and outs > ONE_CHANNEL_THRESHOLD:
        return Request(4 * aligned(length, 16) + outs * length, f"64·⌈{spelled}/16⌉ + {outs}·{spelled}", source)
    if ins != outs or not undilated:
        return Request(0, "none", source)
    if kernels == "mve":
        taken = 4 * CH_IN_BLOCK_MVE * height * width
        return Request(taken, f"4·{CH_IN_BLOCK_MVE}·{height}·{width}", source)
    if taps.kernel == (3, 3) and all(before <= 1 for before, _ in taps.pads):
        return Request(0, "none: 3×3", source)
    return Request(length * 2 if kernels == "dsp" else 0, f"2·{spelled}", source)


def _avgpool(operator: Operator, kind: NumberFormat, kernels: str) -> Request:
    """arm_avgpool_s8_get_buffer_size and its s16."""
    channels = operator.output.shape[-1]
    return Request(4 * channels if kernels == "dsp" else 0, f"4·{channels}", "arm_avgpool_get_buffer_sizes_s8.c")


def _dense(operator: Operator, kind: NumberFormat, kernels: str) -> Request:
    """arm_fully_connected_s8_get_buffer_size, and the scales that a map's dense layer makes for a 1×1 convolution."""
    source = "arm_fully_connected_get_buffer_sizes_s8.c"
    outs, ins = operator.output.shape[-1], operator.inputs[0].shape[-1]
    if kind.name == "int16x8":
        return Request(0, "none", source)
    if len(operator.output.shape) > 1 and ins % 4 == 0:
        per_channel = any(constant.per_channel for constant in operator.constants)
        return Request(0 if per_channel else 8 * outs, f"8·{outs}", "kernels/cmsis_nn/fully_connected.cc")
    return Request(4 * outs if kernels == "mve" else 0, f"4·{outs}", source)


def _transpose_conv(operator: Operator, kind: NumberFormat, kernels: str) -> list[Request]:
    """TransposeConvPrepare: sums of the whole output; with CMSIS-NN arm_transpose_conv_s8_get_buffer_size in int8."""
    source, count = "kernels/transpose_conv.cc", prod(operator.output.shape)
    if kind.name == "float32":
        return []
    if kind.name == "int16x8":
        return [Request(8 * count, f"8·{count:,}", source)]
    if kernels == "reference":
        return [Request(4 * count, f"4·{count:,}", source)]
    source = "arm_transpose_conv_get_buffer_sizes_s8.c"
    taps, (_, columns, ins), outs = _taps(operator), operator.inputs[0].shape, operator.output.shape[-1]
    height, width = taps.kernel
    if max(taps.stride) <= 2 and ins > REVERSE_TCOL_EFFICIENT_THRESHOLD:
        length, unit = ins * height * width, 16 if kernels == "mve" else 4
        turned = Request(length * outs, f"{ins}·{height}·{width}·{outs}", source)
        return [Request(4 * aligned(length, unit), "as of a convolution", source), turned]
    across = ((columns - 1) * taps.stride[1] + max(width, taps.stride[0])) * outs
    return [Request(across * max(height, taps.stride[0]) * 4, "4·rows that overlap", source)]


def _taps(operator: Operator) -> Sliding:
    assert operator.taps is not None
    return operator.taps


def _in_channels(operator: Operator) -> int:
    return operator.inputs[0].shape[-1]


def _filter_depth(operator: Operator) -> int:
    """Return the number of channels that each filter reads: those of its group."""
    return _constant(operator, WEIGHT).elements // (operator.output.shape[-1] * prod(_taps(operator).kernel))


def _constant(operator: Operator, part: str) -> Constant:
    return next(one for one in operator.constants if one.part == part)


def _batch_matmul(operator: Operator, kind: NumberFormat, kernels: str) -> Request:
    """arm_fully_connected_s8_get_buffer_size, for the product's columns."""
    columns = operator.output.shape[-1]
    size = 4 * columns if kernels == "mve" and kind.name == "int8" else 0
    return Request(size, f"4·{columns}", "kernels/cmsis_nn/batch_matmul.cc")


EVERYWHERE = {
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), _reduce),
    "MIRROR_PAD": _mirror_pad, "TRANSPOSE_CONV": _transpose_conv,
}  # fmt: skip
"""The requests of operators whose kernels ask for memory on every core, reference kernels among them."""

CMSIS_NN = {
    "CONV_2D": _conv, "DEPTHWISE_CONV_2D": _depthwise, "AVERAGE_POOL_2D": _avgpool, "FULLY_CONNECTED": _dense,
    "BATCH_MATMUL": _batch_matmul,
}  # fmt: skip
"""The request of operators for which only CMSIS-NN's kernels ask for memory."""
