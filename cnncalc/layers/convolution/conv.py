"""Convolution, of any rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from cnncalc.ground.numbers import counted
from cnncalc.layers.arguments import LayerError, Pairs, argument, flag, pads, per_axis, positive
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight
from cnncalc.layers.interfaces import Array, Contraction, Element, Onnx, Ops, Or, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Read, Reads, grouped
from cnncalc.layers.shapes import Shape, check_divides, shape_text, spatial
from cnncalc.layers.window import Sliding, pads_of, window_counts, window_label


class Conv(Layer):
    """Slides ``out_channels`` filters over the map; every filter is as deep as its group of input channels.

    Input (C_in, *spatial), output (C_out, *spatial_out), each spatial axis with
    ``⌊(in + P_before + P_after − D·(K − 1) − 1) / S⌋ + 1`` positions.  One filter is shared by all positions
    (LeCun et al. 1989, "Backpropagation applied to handwritten zip code recognition").
    ``groups: in_channels`` makes the convolution depthwise.  Parameters: (C_out, C_in / groups, *kernel_size), and a
    bias per filter.  Flops: 2 · macs, and 1 add per output element for the bias.
    """

    kind = "conv"
    one_kernel = True
    slides = True
    only_checked = "in_channels"

    out_channels = argument(positive, "number of filters, each a channel of the output", symbol="C_out")
    kernel_size = argument(per_axis(positive), "extent of a filter along each spatial axis", symbol="K")
    stride = argument(per_axis(positive), "step from one window to the next", 1, "S")
    padding = argument(pads, "zeros around the map", 0, "P")
    dilation = argument(per_axis(positive), "step from one tap of the filter to the next", 1, "D")
    groups = argument(positive, "independent parts that the channels are split into", 1, "G")
    bias = argument(flag, "whether each filter adds a constant", True)
    in_channels = argument(positive, "checked if it is given: a filter is as deep as its input", None, "C_in")

    example = Example(
        "conv: {out_channels: 64, kernel_size: 7, stride: 2, padding: 3}",
        inputs=((3, 224, 224),),
        output=(64, 112, 112),
        params=64 * 3 * 7 * 7 + 64,
        macs=64 * 112 * 112 * 3 * 7 * 7,
        flops=2 * 64 * 112 * 112 * 3 * 7 * 7 + 64 * 112 * 112,
    )
    elsewhere = Elsewhere(
        torch="Conv{d}d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)",
        keras="Conv{d}D(filters, kernel_size, strides, padding)",
        onnx="Conv",
        others="Convolution Convolution{d}D convolutional",
        compared=True,
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (out_channels, windows along each axis)."""
        (shape,) = inputs
        check_channels(self, shape)
        sizes = spatial(shape, self.type)
        windows = window_counts(shape, self.kernel_size, self.stride, self._pads(sizes), self.dilation)
        return (self.out_channels, *windows)

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight (out_channels, in_channels / groups, *kernel_size) and bias (out_channels,)."""
        weights = {"weight": Weight((self.out_channels, inputs[0][0] // self.groups, *self.kernel_size))}
        if self.bias:
            weights["bias"] = Weight((self.out_channels,))
        return weights

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for every tap of the filter at every output element; padded taps count."""
        return prod(output) * (inputs[0][0] // self.groups) * prod(self.kernel_size)

    def contractions(self, inputs: tuple[Shape, ...], output: Shape) -> list[Contraction]:
        """Return windows of a group's channels times its filters."""
        from cnncalc.layers.contractions import Contraction, WindowedAxis

        axes = zip(self.kernel_size, self.stride, self.dilation, output[1:], strict=True)
        channels, filters = inputs[0][0] // self.groups, self.out_channels // self.groups
        return [Contraction(channels, filters, axes=tuple([WindowedAxis(*axis) for axis in axes]), groups=self.groups)]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Two for each multiply-accumulate, and one add per output element for the bias."""
        products = 2 * self.macs(inputs, output)
        return products + prod(output) if self.bias else products

    def window(self, inputs: tuple[Shape, ...]) -> Sliding:
        """Return the filter with its step, its padding and its dilation."""
        return Sliding(self.kernel_size, self.stride, self._pads(inputs[0][1:]), self.dilation, False)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that a filter reads its window, and all channels of its group."""
        return self.window(inputs).reads(self._channels(inputs[0][0]))

    def element(self, ops: Ops, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Element:
        """Multiply the filter with the window of every channel of its group."""
        from cnncalc.layers.element import ChannelTerm, slid, weighed, windowed

        (x,) = inputs
        filters, bias = self._filters_at(at, weights)
        places = slid(self.window((x.shape,)), at)
        first = at[0] // (self.out_channels // self.groups) * len(filters)
        parts = []
        for channel, taps in enumerate(filters, first):
            window, inside = windowed(ops.np, x[channel], places)
            parts.append(ChannelTerm(channel, window, inside, taps, float((window * taps).sum())))
        return weighed(ops.np, parts, bias, places, "the sums of all channels")

    def _filters_at(self, at: Shape, weights: Mapping[str, Array]) -> tuple[Array, float | None]:
        """Return the filter of an output element, (channels of its group, *kernel_size), and its bias or None."""
        return weights["weight"][at[0]], weights["bias"][at[0]] if "bias" in weights else None

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Correlate the input with the filters."""
        (x,) = inputs
        return ops.conv(
            x,
            weights["weight"],
            weights.get("bias"),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def to_onnx(self, onnx: Onnx) -> str:
        """Conv, with ``same`` resolved to the padding of each side."""
        tensors = [onnx.weight(name) for name in ("weight", "bias") if onnx.has(name)]
        return onnx.node("Conv", onnx.x, *tensors, **self.window(onnx.shapes).to_onnx(), group=self.groups)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module, or its function; if the sides of the padding differ, ``F.pad`` adds it first."""
        pads = self._pads(torch.shapes[0][1:])
        conv, asked = self._module_in_torch("Conv", torch, pads)
        return conv(torch.pad(torch.x, asked))

    def _module_in_torch(
        self, name: str, torch: Torch, pads: Pairs, **more: Or
    ) -> tuple[Callable[..., TensorCode], Pairs]:
        """Make PyTorch's module; return a function that calls it, and the padding if its sides differ."""
        same, d = all(before == after for before, after in pads), torch.mapped("convolution")
        options = {
            **torch.options("stride"),
            "padding": torch.option(torch.short(tuple([before for before, _ in pads])) if same else 0, 0),
            **more,
            **torch.options("dilation", "groups"),
        }
        if torch.loose:
            return lambda x: torch.weighted(f"F.{self.type}{d}d", x, **options), () if same else pads
        kernel = torch.short(self.kernel_size)
        ends = (torch.shapes[0][0], self.out_channels)
        module = torch.module(f"nn.{name}{d}d", *ends, kernel_size=kernel, **options, **torch.options("bias"))
        return module, () if same else pads

    def label(self) -> str:
        """Return ``3×3/2, 64``."""
        groups = "" if self.groups == 1 else f", {self.groups} groups"
        return f"{window_label(self.kernel_size, self.stride, self.dilation)}, {self.out_channels}{groups}"

    def _channels(self, count: int) -> Read:
        groups = self.groups
        return WHOLE if groups == 1 else Read(0, grouped(count // groups, self.out_channels // groups))

    def _pads(self, sizes: Shape) -> tuple[tuple[int, int], ...]:
        return pads_of(self.padding, sizes, self.kernel_size, self.stride, self.dilation)


def check_channels(layer: Conv, shape: Shape) -> None:
    """Raise LayerError if in_channels differs from the input's channels, or groups don't divide the channels."""
    channels = shape[0]
    if layer.in_channels is not None and layer.in_channels != channels:
        first = (shape[-1], *shape[:-1])
        come_last = len(shape) > 1 and layer.in_channels == shape[-1]
        raise LayerError(
            f"in_channels = {layer.in_channels}, but the input has {counted(channels, 'channel')}: "
            "a filter must be as deep as its input",
            argument="in_channels",
            hint=f"channels come first: {shape_text(first)}"
            if come_last
            else f"leave in_channels out (it is inferred), or write {channels}",
        )
    check_divides("groups", layer.groups, channels)
    check_divides("groups", layer.groups, layer.out_channels, "out_channels")
