"""Transposed convolution, of any rank."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

from cnncalc.layers.arguments import LayerError, argument, flag, natural, pads, per_axis, positive
from cnncalc.layers.base import Example, Layer, Shape, Weight, Window, spatial
from cnncalc.layers.convolution.conv import check_channels
from cnncalc.layers.symbols import ceil_div
from cnncalc.layers.window import Pair, window_label

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, Ops


class ConvTranspose(Layer):
    """Spreads every element of the map over a window of the output: a convolution run backwards.

    Input (C_in, *spatial), output (C_out, *spatial_out), each spatial axis with
    ``(in − 1)·S − P_before − P_after + D·(K − 1) + output_padding + 1`` positions, or in·S with ``padding: same``.
    Every *input* element meets every tap of every filter of its group (Dumoulin and Visin 2016, arXiv:1603.07285).
    """

    kind = "conv"
    stem = "upconv"

    out_channels = argument(positive, "how many filters, each a channel of the output", symbol="C_out")
    kernel_size = argument(per_axis(positive), "extent of a filter along each spatial axis", symbol="K")
    stride = argument(per_axis(positive), "step from one window of the output to the next", 1, "S")
    padding = argument(pads("same", "valid"), "elements cut off the borders of the output", 0, "P")
    output_padding = argument(per_axis(natural), "elements added at the end of each axis", 0, "O")
    dilation = argument(per_axis(positive), "step from one tap of the filter to the next", 1, "D")
    groups = argument(positive, "independent parts that the channels are split into", 1, "G")
    bias = argument(flag, "whether each filter adds a constant", True)
    in_channels = argument(positive, "checked where it is given: a filter is as deep as its input", None, "C_in")

    example = Example(
        "conv_transpose: {out_channels: 256, kernel_size: 2, stride: 2}",
        inputs=((512, 28, 28),),
        output=(256, 56, 56),
        params=512 * 256 * 2 * 2 + 256,
        macs=411_041_792,  # 512·28·28 inputs, 256 filters of 2·2 taps
        flops=2 * 411_041_792 + 256 * 56 * 56,
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (out_channels, positions along each axis)."""
        (shape,) = inputs
        check_channels(self, shape[0])
        return (self.out_channels, *[self._size(axis, size) for axis, size in enumerate(spatial(shape, self.type))])

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight (in_channels, out_channels / groups, *kernel_size) and bias (out_channels,)."""
        weights = {"weight": Weight((inputs[0][0], self.out_channels // self.groups, *self.kernel_size))}
        if self.bias:
            weights["bias"] = Weight((self.out_channels,))
        return weights

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for every tap of every filter of the group at every *input* element."""
        return prod(inputs[0]) * (self.out_channels // self.groups) * prod(self.kernel_size)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Two for each multiply-accumulate, and one add per output element for the bias."""
        products = 2 * self.macs(inputs, output)
        return products + prod(output) if self.bias else products

    def window(self, inputs: tuple[Shape, ...], output: Shape) -> Window:
        """Return the taps that meet in one output position, a stride apart."""
        extents = [d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        cuts = [before for before, _ in self._pads(len(extents))]
        return Window(
            tuple([ceil_div(extent, s) for extent, s in zip(extents, self.stride, strict=True)]),
            tuple([Fraction(1, s) for s in self.stride]),
            tuple([(extent - 1 - cut) // s for extent, cut, s in zip(extents, cuts, self.stride, strict=True)]),
        )

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Scatter the input through the filters."""
        (x,) = inputs
        return ops.conv_transpose(
            x,
            weights["weight"],
            weights.get("bias"),
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def label(self) -> str:
        """Return ``2×2/2, 256``."""
        groups = "" if self.groups == 1 else f", {self.groups} groups"
        return f"{window_label(self.kernel_size, self.stride, self.dilation)}, {self.out_channels}{groups}"

    def described(self, *inputs: Shape) -> dict[str, Any]:
        """Return the arguments, with the padding that ``same`` stands for."""
        described = super().described(*inputs) | {"padding": self._pads(len(inputs[0]) - 1)}
        described.pop("in_channels")
        return described

    def _size(self, axis: int, size: int) -> int:
        kernel, stride, dilation, extra = (
            values[axis] for values in (self.kernel_size, self.stride, self.dilation, self.output_padding)
        )
        if extra and (self.padding == "same" or extra >= max(stride, dilation)):
            raise LayerError(
                f"output_padding = {extra} has no place beside 'padding: same', which already gives in · stride"
                if self.padding == "same"
                else f"output_padding = {extra} is not smaller than stride = {stride} or dilation = {dilation}",
                argument="output_padding",
                hint="leave output_padding out" if max(stride, dilation) == 1 else f"{max(stride, dilation) - 1} at most",
            )
        if self.padding == "same":
            return size * stride
        before, after = self._pads(len(self.kernel_size))[axis]
        cut = 2 * before if before == after else before + after
        out = (size - 1) * stride - cut + dilation * (kernel - 1) + extra + 1
        if out < 1:
            raise LayerError(
                f"padding = {before} + {after} cuts everything off: the axis would have {out} positions",
                argument="padding",
                hint="in a transposed convolution, padding makes the output smaller",
            )
        return out

    def _pads(self, rank: int) -> tuple[Pair, ...]:
        """Return what is cut off, (before, after) an axis: under ``same`` what a window has beyond its stride."""
        if self.padding == "valid":
            return ((0, 0),) * rank
        if self.padding != "same":
            return self.padding  # type: ignore[no-any-return]
        axes = zip(self.kernel_size, self.stride, self.dilation, strict=True)
        cuts = [max(d * (k - 1) + 1 - s, 0) for k, s, d in axes]
        return tuple([(cut // 2, cut - cut // 2) for cut in cuts])
