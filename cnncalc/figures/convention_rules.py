"""Other tools' counts for one layer: the rules of their source code, quirks included.

A rule takes a layer's use and the batch, and returns the tool's figure, None if the tool has none; its docstring is
what ``cnncalc explain --convention`` shows.  The tools, their releases and the location of their source are listed in
:mod:`cnncalc.figures.conventions`.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

from cnncalc.layers.base import Use
from cnncalc.layers.shapes import Shape, axis_index

if TYPE_CHECKING:
    from cnncalc.layers.activation.softmax import Softmax
    from cnncalc.layers.convolution.conv import Conv
    from cnncalc.layers.convolution.conv_transpose import ConvTranspose
    from cnncalc.layers.normalization.batchnorm import BatchNorm
    from cnncalc.layers.normalization.lrn import LRN
    from cnncalc.layers.recurrent._recurrent import Recurrent
    from cnncalc.layers.shape.upsample import Upsample

# --- rules that several tools share --------------------------------------------------------------------------


def macs(use: Use, batch: int) -> int:
    """multiply-accumulates"""
    return batch * use.macs


def macs_and_bias(use: Use, batch: int) -> int:
    """multiply-accumulates, and 1 per output element for the bias"""
    return batch * (use.macs + (prod(use.output) if "bias" in use.weights else 0))


def four_per_output(use: Use, batch: int) -> int:
    """4 per output element, as if bilinear"""
    return 4 * batch * prod(use.output)


def normalised(use: Use, batch: int) -> int:
    """5 per element, 4 without a scale"""
    return batch * prod(use.output) * (5 if use.params else 4)


def batchnorm(use: Use, batch: int) -> int:
    """2 per element, 1 without a scale; if it uses the batch's own statistics, 5 and 4"""
    if not cast("BatchNorm", use.layer).track_running_stats:
        return normalised(use, batch)
    return batch * prod(use.output) * (2 if use.params else 1)


def one_per_input(use: Use, batch: int) -> int:
    """1 per input element"""
    return batch * prod(use.inputs[0])


# --- torchinfo -----------------------------------------------------------------------------------------------


def params_times_batch(use: Use, batch: int) -> int:
    """parameters × batch, also of biases and batchnorm; a linear layer on a map counts one position"""
    return batch * use.params


def filters_at_outputs(use: Use, batch: int) -> int:
    """parameters × output positions × batch, also of biases, and of transposed convolutions"""
    return batch * use.params * prod(use.output[1:])


def parameters_at_steps(use: Use, batch: int) -> int:
    """parameters × steps × batch"""
    return batch * use.params * use.inputs[0][0]


def undefined_parameter(use: Use, batch: int) -> None:
    """not defined: it depends on the parameter's name in the code"""


# --- fvcore --------------------------------------------------------------------------------------------------


def flat_pool(use: Use, batch: int) -> int:
    """1 per input element of a map of two axes; nothing for maps of one or three, or for x.mean"""
    return batch * prod(use.inputs[0]) if len(use.output) == 3 and _form(use) != "mean" else 0


def resized(use: Use, batch: int) -> int:
    """on a map of two axes 1 per output element for nearest, 4 for bilinear; nothing for other modes and maps"""
    each = {"nearest": 1, "linear": 4}.get(cast("Upsample", use.layer).mode, 0)
    return batch * prod(use.output) * each if len(use.output) == 3 else 0


# --- ptflops -------------------------------------------------------------------------------------------------


def cell_products(use: Use, batch: int) -> int:
    """multiply-accumulates, and 1 per unit, gate and step for each bias; in a batch, one of the two biases counts"""
    biases = [name for name in use.weights if name.startswith("bias_hh")]
    adds = sum([prod(use.weights[name].shape) for name in biases]) * use.inputs[0][0]
    return batch * use.macs + (2 if batch == 1 else batch) * adds


def attention_of_one_head(use: Use, batch: int) -> int:
    """multiply-accumulates if queries have no axis of heads; nothing otherwise"""
    return batch * use.macs if len(use.output) == 2 else 0


def path_products(use: Use, batch: int) -> int | None:
    """multiply-accumulates of a product of two tensors"""
    return batch * use.macs if use.macs and len(use.inputs) == 2 else None


# --- thop ----------------------------------------------------------------------------------------------------


def convolved_at_outputs(use: Use, batch: int) -> int:
    """output elements × channels of a group × kernel elements, also for transposed convolutions"""
    layer = cast("Conv", use.layer)
    macs: int = batch * prod(use.output) * (use.inputs[0][0] // layer.groups) * prod(layer.kernel_size)
    return macs


def doubled_norm(use: Use, batch: int) -> int:
    """4 per element, 2 without a scale"""
    return batch * prod(use.output) * (4 if use.params else 2)


def one_per_output(use: Use, batch: int) -> int:
    """1 per output element"""
    return batch * prod(use.output)


def adaptive_pool(use: Use, batch: int) -> int:
    """output elements × (input size / output size + 1), truncated; nothing for a function, which is not a module"""
    if _form(use) != "module":  # only modules are seen
        return 0
    taps = 1.0
    for size, out in zip(use.inputs[0][1:], use.output[1:], strict=True):
        taps *= size / out
    return int((taps + 1) * (batch * prod(use.output)))


def softmax(use: Use, batch: int) -> int:
    """for each row of n elements n exponentials, n − 1 additions and n divisions"""
    line = use.output[axis_index(cast("Softmax", use.layer).axis, use.output)]
    return batch * prod(use.output) // line * (3 * line - 1)


def interpolated(use: Use, batch: int) -> int:
    """per output element 1 for nearest, 5 for linear, 11 for bilinear, 259 for bicubic; nothing for other modes"""
    axes = len(use.output) - 1
    by_mode = {"nearest": 1, "linear": {1: 5, 2: 11}.get(axes, 0), "cubic": 224 + 35}
    return batch * prod(use.output) * by_mode.get(cast("Upsample", use.layer).mode, 0)


def recurrent_cell(use: Use, batch: int) -> int:
    """multiply-accumulates, and per unit and step 1 for each bias, 1 for each gate, and 4 more for LSTM and GRU"""
    layer = cast("Recurrent", use.layer)
    each = layer.gates * (1 + 2 * layer.bias) + (4 if layer.gates > 1 else 0)
    return batch * (use.macs + layer.directions * use.inputs[0][0] * layer.hidden_size * each)


# --- calflops ------------------------------------------------------------------------------------------------


def conv_flops(use: Use, batch: int) -> int:
    """2 · macs, and 1 per output element for the bias; one position too few per axis for 'same' and an even kernel"""
    layer, positions = cast("Conv", use.layer), prod(use.output[1:])
    flops = batch * use.macs + macs_and_bias(use, batch)
    if layer.padding != "same" or set(layer.stride) != {1}:  # PyTorch has 'same' only for stride 1
        return flops
    reaches = [dilation * (kernel - 1) for dilation, kernel in zip(layer.dilation, layer.kernel_size, strict=True)]
    counted: int = prod([size - reach % 2 for size, reach in zip(use.output[1:], reaches, strict=True)])
    return flops // positions * counted


def conv_transpose_flops(use: Use, batch: int) -> int:
    """2 · macs / groups; the bias counts for as many outputs as a plain convolution of the input has"""
    layer = cast("ConvTranspose", use.layer)
    sizes = use.inputs[0][1:]
    filters = layer.out_channels // layer.groups
    macs = prod(use.inputs[0]) * (filters // layer.groups) * prod(layer.kernel_size)
    forwards = [
        (size + 2 * cut - (dilation * (kernel - 1) + 1)) // stride + 1
        for size, cut, kernel, stride, dilation in zip(
            sizes, _cuts(use), layer.kernel_size, layer.stride, layer.dilation, strict=True
        )
    ]
    flops: int = batch * (2 * macs + (filters * prod(forwards) if layer.bias else 0))
    return flops


def linear_flops(use: Use, batch: int) -> int:
    """2 · macs, without bias"""
    return 2 * batch * use.macs


def pool_flops(use: Use, batch: int) -> int:
    """1 per input element; padding whose sides differ belongs to the input, since PyTorch adds it beforehand"""
    shape = use.inputs[0]
    window = use.layer.sliding(use.inputs)
    pads = window.pads if window else ()
    if any(before != after for before, after in pads):
        shape = (shape[0], *[size + before + after for size, (before, after) in zip(shape[1:], pads, strict=True)])
    return batch * prod(shape)


def global_pool_flops(use: Use, batch: int) -> int:
    """1 per input element; nothing for x.mean"""
    return 0 if _form(use) == "mean" else one_per_input(use, batch)


def lppool_flops(use: Use, batch: int) -> int | None:
    """1 per input element and 2 per output element; not defined with padding, which PyTorch's LPPool lacks"""
    window = use.layer.sliding(use.inputs)
    padded = window is not None and any(map(any, window.pads))
    return None if padded else batch * (prod(use.inputs[0]) + 2 * prod(use.output))


def lrn_flops(use: Use, batch: int) -> int:
    """3 per element, and 1 per element of the squares, which are padded by size − 1 channels"""
    channels = use.output[0]
    padded = channels + cast("LRN", use.layer).size - 1
    return batch * (3 * prod(use.output) + padded * prod(use.output[1:]))


def resized_flops(use: Use, batch: int) -> int | None:
    """1 per input element; with a size, the product of its numbers; fails on different factors unless one per sample"""
    layer = cast("Upsample", use.layer)
    if layer.size is not None:
        return prod(layer.size)
    factors = layer.scale_factor or ()
    works = len(set(factors)) == 1 or len(factors) == batch
    return one_per_input(use, batch) if works else None


def cell_flops(use: Use, batch: int) -> int:
    """2 · macs less 1 for each dot product, 1 for each bias, and 10, 7 or 1 per unit and step (LSTM, GRU, RNN)"""
    layer = cast("Recurrent", use.layer)
    each = {4: 10, 3: 7, 1: 1}[layer.gates] - 2 * layer.gates + 2 * layer.gates * layer.bias
    return batch * (2 * use.macs + layer.directions * use.inputs[0][0] * layer.hidden_size * each)


def path_flops(use: Use, batch: int) -> int | None:
    """2 · macs + 1 for a product of two tensors, rounded to four digits, since NumPy prints them so"""
    products = path_products(use, batch)
    return None if products is None else int(float(f"{2 * products + 1:.3e}"))


def halved_path(use: Use, batch: int) -> int | None:
    """(2 · macs + 1) / 2 for a product of two tensors, rounded to four digits, since NumPy prints them so"""
    flops = path_flops(use, batch)
    return None if flops is None else flops // 2


# --- helpers of the rules -------------------------------------------------------------------------------------


def _form(use: Use) -> str:
    """Return the form of a pooling in PyTorch code: nn.AdaptiveAvgPool2d, its function, or x.mean."""
    return getattr(use.layer, "form", "module")


def _cuts(use: Use) -> Shape:
    """Return the padding of a transposed convolution on each axis; 0 if its sides differ, which PyTorch does not
    support.
    """
    window = use.layer.window(use.inputs)
    return tuple([before if before == after else 0 for before, after in window.pads]) if window else ()
