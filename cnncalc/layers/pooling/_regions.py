"""The base class of poolings whose windows follow from the output's size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import ClassVar

from cnncalc.ground.limits import MAX_EXPORTED_OPERATORS
from cnncalc.ground.numeric import ceil_div, common_divisor
from cnncalc.layers.arguments import LayerError, argument, or_null, per_axis, positive
from cnncalc.layers.base import Layer
from cnncalc.layers.interfaces import Array, Element, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Read, Reads, along, binned, whole
from cnncalc.layers.shapes import Shape, spatial


class BinPool(Layer):
    """Summarises the bins that each channel is divided into, each in one figure.

    Attributes:
        largest: whether that figure is the largest element; else it is the mean.
        output_size: the number of bins of each spatial axis; None keeps an axis.
    """

    kind = "pool"
    one_kernel = True
    largest: ClassVar[bool]
    output_size: ClassVar[int | tuple[int | None, ...]] = 1

    def element(self, ops: Ops, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Element:
        """Summarise the bin of one output element."""
        from cnncalc.layers.element import largest, mean

        summary = largest if self.largest else mean
        shape = inputs[0].shape
        return summary(ops.np, inputs[0], at, bin_places(shape, self.output_shape(shape), at))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Summarise each bin."""
        return ops.adaptive_pool(inputs[0], "max" if self.largest else "avg", output_size=self.output_size)


class AdaptivePool(BinPool):
    """Divides each spatial axis into as many bins as the output has positions, and summarises each bin.

    Bin i reaches from ``⌊i·in / out⌋`` to ``⌈(i + 1)·in / out⌉``: neighbouring bins overlap if out does not divide in,
    so that all bins of an axis together have ``in + out − gcd(in, out)`` elements.
    """

    label_format = "{output_size}"

    output_size = argument(
        per_axis(or_null(positive)), "size of the output along each spatial axis; null keeps an axis"
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, *output_size)."""
        (shape,) = inputs
        sizes = spatial(shape, self.type)
        pairs = zip(sizes, self.output_size, strict=True)
        return (shape[0], *[size if out is None else out for size, out in pairs])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the bins; a single one is the whole axis."""
        axes = enumerate(zip(inputs[0][1:], output[1:], strict=True), 1)
        return along(Read(0), *[WHOLE if out == 1 else Read(i, binned(size, out)) for i, (size, out) in axes])

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """As many as the bins have elements, less one for each if it takes the largest."""
        axes = zip(inputs[0][1:], output[1:], strict=True)
        elements = output[0] * prod([size + out - common_divisor(size, out) for size, out in axes])
        return elements - prod(output) if self.largest else elements

    def to_onnx(self, onnx: Onnx) -> str:
        """Global pooling for one bin, a pooling with a stride for equal bins, else a reduction of each bin."""
        sizes = list(zip(onnx.shapes[0][1:], onnx.output[1:], strict=True))
        pool, reduction = ("MaxPool", "ReduceMax") if self.largest else ("AveragePool", "ReduceMean")
        if all(out == 1 for _, out in sizes):
            return onnx.node(f"Global{pool}", onnx.x)
        if all(size % out == 0 for size, out in sizes):
            lengths = [size // out for size, out in sizes]
            return onnx.node(pool, onnx.x, kernel_shape=lengths, strides=lengths)
        if max(onnx.output[1:]) > MAX_EXPORTED_OPERATORS // 4:
            raise LayerError(f"has {max(onnx.output[1:]):,} bins of an axis, which would be too many operators")
        bins = [[(i * size // out, ceil_div((i + 1) * size, out)) for i in range(out)] for size, out in sizes]
        steps = [of_axis[1][0] if len(of_axis) > 1 else 1 for of_axis in bins]
        lengths = [of_axis[0][1] for of_axis in bins]
        alike = [
            [(i * step, i * step + length) for i in range(len(of_axis))]
            for of_axis, step, length in zip(bins, steps, lengths, strict=True)
        ]
        if min(steps) > 0 and alike == bins:
            return onnx.node(pool, onnx.x, kernel_shape=lengths, strides=steps)
        y = onnx.x
        for axis, (of_axis, (size, out)) in enumerate(zip(bins, sizes, strict=True), 2):
            if size != out:
                parts = [onnx.reduce(reduction, onnx.cut(y, axis, *one), [axis]) for one in of_axis]
                y = onnx.node("Concat", *parts, axis=axis)
        return y

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function."""
        from cnncalc.layers.pooling._pytorch import adaptive

        return adaptive(torch, f"F.adaptive_{'max' if self.largest else 'avg'}_pool{{d}}d", self.output_size)


class GlobalPool(BinPool):
    """Summarises each channel in one number; the spatial axes become 1."""

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, 1, …)."""
        (shape,) = inputs
        return (shape[0], *[1 for _ in spatial(shape, self.type)])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that each channel is read whole."""
        return whole(len(output), *range(1, len(output)))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One per element of a channel but the first, and one for the division by their number."""
        return output[0] * (prod(inputs[0][1:]) - 1 + (0 if self.largest else 1))

    def to_onnx(self, onnx: Onnx) -> str:
        """The operator that ``elsewhere`` names."""
        return onnx.node(self.elsewhere.onnx, onnx.x)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's adaptive pooling to 1 for at most three spatial axes; else a reduction."""
        d = len(torch.shapes[0]) - 1
        if d > 3:
            return self.torch_reduced(torch)
        torch.as_module = torch.call(f"nn.Adaptive{'Max' if self.largest else 'Avg'}Pool{d}d", 1)
        return torch.call(f"F.adaptive_{'max' if self.largest else 'avg'}_pool{d}d", torch.x, 1)

    def torch_reduced(self, torch: Torch) -> TensorCode:
        """Return PyTorch's reduction of all spatial axes."""
        axes = torch.dims(range(1, len(torch.output)))
        return torch.call(".amax" if self.largest else ".mean", torch.x, axes, keepdim=True)


def bin_places(shape: Shape, output: Shape, at: Shape) -> list[list[int]]:
    """Return the places of an output element's bin: from ⌊i·in / out⌋ to ⌈(i + 1)·in / out⌉ on each axis."""
    axes = zip(at[1:], shape[1:], output[1:], strict=True)
    return [list(range(i * size // out, ceil_div((i + 1) * size, out))) for i, size, out in axes]
