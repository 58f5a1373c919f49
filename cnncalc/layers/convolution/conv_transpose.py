"""Transposed convolution, of any rank."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, natural, per_axis
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight
from cnncalc.layers.contractions import Contraction
from cnncalc.layers.convolution.conv import Conv, check_channels
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along, spreading
from cnncalc.layers.shapes import Shape, spatial
from cnncalc.layers.window import Pair, both_sides, extents


class ConvTranspose(Conv):
    """Spreads every element of the map over a window of the output: a convolution run backwards.

    Input (C_in, *spatial), output (C_out, *spatial_out), each spatial axis with
    ``(in − 1)·S − P_before − P_after + D·(K − 1) + output_padding + 1`` positions, or in·S with
    ``padding: same``.  Padding is what is cut off the output's borders.
    Every *input* element meets every tap of its group's filters (Dumoulin and Visin 2016, arXiv:1603.07285).
    Parameters: (C_in, C_out / groups, *kernel_size), and a bias per filter.  Flops: 2 · macs, and 1 add per output
    element for the bias.
    """

    stem = "upconv"
    slides = False  # its window slides over the output
    element = Layer.element  # transposed convolutions can't be traced

    output_padding = argument(per_axis(natural), "elements added at the end of each axis", 0, "O")

    example = Example(
        "conv_transpose: {out_channels: 256, kernel_size: 2, stride: 2}",
        inputs=((512, 28, 28),),
        output=(256, 56, 56),
        params=512 * 256 * 2 * 2 + 256,
        macs=411_041_792,  # 512·28·28 inputs, 256 filters of 2·2 taps
        flops=2 * 411_041_792 + 256 * 56 * 56,
    )
    elsewhere = Elsewhere(
        torch="ConvTranspose{d}d(in_channels, out_channels, kernel_size, stride, padding, "
        "output_padding, groups, bias, dilation)",
        keras="Conv{d}DTranspose(filters, kernel_size, strides, padding)",
        onnx="ConvTranspose",
        others="Deconvolution deconv deconvolutional upconv tconv ConvT{d}d TransposedConv TransposeConv "
        "Convolution{d}DTranspose",
        compared=True,
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (out_channels, positions along each axis)."""
        (shape,) = inputs
        check_channels(self, shape)
        sizes = spatial(shape, self.type)
        cuts = self._pads(sizes)
        return (self.out_channels, *[self._size(axis, size, cuts[axis]) for axis, size in enumerate(sizes)])

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight (in_channels, out_channels / groups, *kernel_size) and bias (out_channels,)."""
        shape = (inputs[0][0], self.out_channels // self.groups, *self.kernel_size)
        return super().weights(*inputs) | {"weight": Weight(shape)}

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for every tap of every filter of the group at every *input* element."""
        return prod(inputs[0]) * (self.out_channels // self.groups) * prod(self.kernel_size)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the elements that spread to an output position, and all channels of their group."""
        cuts = [before for before, _ in self._pads(inputs[0][1:])]
        axes = zip(self.kernel_size, self.stride, cuts, self.dilation, strict=True)
        spread = [Read(i, spreading(*axis)) for i, axis in enumerate(axes, 1)]
        return along(self._channels(inputs[0][0]), *spread)

    def contractions(self, inputs: tuple[Shape, ...], output: Shape) -> list[Contraction]:
        """Return the product of the elements' channels with all taps of the filters; the results are then spread."""
        shape, filters = inputs[0], self.out_channels // self.groups * prod(self.kernel_size)
        return [Contraction(shape[0] // self.groups, filters, prod(shape[1:]), groups=self.groups)]

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Scatter the input through the filters."""
        return ops.conv_transpose(
            inputs[0],
            weights["weight"],
            weights.get("bias"),
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def to_onnx(self, onnx: Onnx) -> str:
        """ConvTranspose, with ``same`` as the number of elements that are cut off each side."""
        tensors = [onnx.weight(name) for name in ("weight", "bias") if onnx.has(name)]
        extra = self._extra()
        window = self.window(onnx.shapes)
        if all(more < step for more, step in zip(extra, self.stride, strict=True)):
            attributes = window.to_onnx()
            return onnx.node("ConvTranspose", onnx.x, *tensors, **attributes, group=self.groups, output_padding=extra)
        # runtimes refuse an output_padding of a stride or more: cut off less instead, and add zeros for the rest
        cuts = tuple([(before, max(after - more, 0)) for (before, after), more in zip(window.pads, extra, strict=True)])
        missing = [max(more - after, 0) for (_, after), more in zip(window.pads, extra, strict=True)]
        attributes = window._replace(pads=cuts).to_onnx()
        y = onnx.node("ConvTranspose", onnx.x, tensors[0], **attributes, group=self.groups)
        y = onnx.node("Pad", y, onnx.integers([0] * (len(missing) + 4) + missing)) if any(missing) else y
        return onnx.node("Add", y, onnx.channels("bias")) if onnx.has("bias") else y

    def _size(self, axis: int, size: int, cut: Pair) -> int:
        kernel, stride, dilation = self.kernel_size[axis], self.stride[axis], self.dilation[axis]
        extra = self.output_padding[axis]
        self._check_extra(extra, stride, dilation)
        if self.padding == "same":
            return size * stride
        positions = (size - 1) * stride - both_sides(cut) + dilation * (kernel - 1) + extra + 1
        if positions < 1:
            raise LayerError(
                f"padding = {cut[0]} + {cut[1]} leaves {positions} positions of an axis of {size}",
                argument="padding",
                hint="in a transposed convolution, padding is cut off the output",
            )
        return positions

    def _check_extra(self, extra: int, stride: int, dilation: int) -> None:
        if extra and self.padding == "same":
            raise LayerError(
                f"output_padding = {extra} contradicts padding = same, which already gives in · stride",
                argument="output_padding",
                hint="leave one of them out",
            )
        if extra >= max(stride, dilation):
            raise LayerError(
                f"output_padding = {extra} is not smaller than stride = {stride} or dilation = {dilation}",
                argument="output_padding",
                hint=f"{max(stride, dilation) - 1} at most: it selects one of the sizes that the stride maps to the "
                "same input size",
            )

    def _pads(self, sizes: Shape) -> tuple[Pair, ...]:
        """Return the elements cut off (before, after) on each axis; for ``same``, a window's part beyond its stride."""
        if self.padding != "same":
            return super()._pads(sizes)
        lengths = extents(self.kernel_size, self.dilation)
        cuts = [max(length - s, 0) for length, s in zip(lengths, self.stride, strict=True)]
        return tuple([(cut // 2, cut - cut // 2) for cut in cuts])

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module, followed by a crop if different sizes are cut off the two sides."""
        extra = torch.option(torch.short(self._extra()), 0)
        cuts = self._pads(torch.shapes[0][1:])
        conv, asked = self._module_in_torch("ConvTranspose", torch, cuts, output_padding=extra)
        return torch.pad(conv(torch.x), [(-before, -after) for before, after in asked])

    def _extra(self) -> tuple[int, ...]:
        """Return the elements added at the end of each axis: under ``same``, what a kernel lacks of its stride."""
        if self.padding != "same":
            return self.output_padding
        lengths = extents(self.kernel_size, self.dilation)
        return tuple([max(step - length, 0) for length, step in zip(lengths, self.stride, strict=True)])
