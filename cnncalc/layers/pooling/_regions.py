"""The base class of poolings whose windows follow from the output's size."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnncalc.ground.limits import MAX_EXPORTED_OPERATORS
from cnncalc.layers.arguments import LayerError, argument, or_null, per_axis, positive
from cnncalc.layers.base import Layer
from cnncalc.layers.reads import WHOLE, Read, Reads, along, binned, whole
from cnncalc.layers.shapes import Shape, spatial
from cnncalc.layers.symbols import ceil_div, common_divisor
from cnncalc.layers.window import size_label

if TYPE_CHECKING:
    from cnncalc.layers.onnx import Onnx


class AdaptivePool(Layer):
    """Divides each spatial axis into as many bins as the output is to have, and summarises each bin.

    Bin i reaches from ``⌊i·in / out⌋`` to ``⌈(i + 1)·in / out⌉``: bins share an element wherever out does not
    divide in, so that all bins of an axis together have ``in + out − gcd(in, out)`` elements.

    Attributes:
        pool: ONNX' operator for windows of the same kind.
        reduction: ONNX' operator for whole axes.
    """

    kind = "pool"
    one_kernel = True
    pool: ClassVar[str]
    reduction: ClassVar[str]

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
        """Return the bins, a single one being the whole axis."""
        axes = enumerate(zip(inputs[0][1:], output[1:], strict=True), 1)
        return along(Read(0), *[WHOLE if out == 1 else Read(i, binned(size, out)) for i, (size, out) in axes])

    def to_onnx(self, onnx: Onnx) -> str:
        """A pooling of equal bins, or bin after bin; without a map of bins where there is one alone."""
        sizes = list(zip(onnx.shapes[0][1:], onnx.output[1:], strict=True))
        if all(out == 1 for _, out in sizes):
            return onnx.node(f"Global{self.pool}", onnx.x)
        if all(size % out == 0 for size, out in sizes):
            lengths = [size // out for size, out in sizes]
            return onnx.node(self.pool, onnx.x, kernel_shape=lengths, strides=lengths)
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
            return onnx.node(self.pool, onnx.x, kernel_shape=lengths, strides=steps)
        y = onnx.x
        for axis, (of_axis, (size, out)) in enumerate(zip(bins, sizes, strict=True), 2):
            if size != out:
                parts = [onnx.reduce(self.reduction, onnx.cut(y, axis, *one), [axis]) for one in of_axis]
                y = onnx.node("Concat", *parts, axis=axis)
        return y

    def label(self) -> str:
        """Return ``7×7``."""
        return size_label(self.output_size)

    def bins(self, inputs: tuple[Shape, ...], output: Shape) -> list[int]:
        """Return the channels, and how many elements the bins of each spatial axis have together."""
        axes = zip(inputs[0][1:], output[1:], strict=True)
        return [output[0], *[size + out - common_divisor(size, out) for size, out in axes]]


class GlobalPool(Layer):
    """Summarises the whole of each channel in one figure; spatial axes stay, as ones."""

    kind = "pool"
    one_kernel = True

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, 1, …)."""
        (shape,) = inputs
        return (shape[0], *[1 for _ in spatial(shape, self.type)])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that each channel is read whole."""
        return whole(len(output), *range(1, len(output)))


def bin_places(shape: Shape, output: Shape, at: Shape) -> list[list[int]]:
    """Return the places of an output element's bin: from ⌊i·in / out⌋ to ⌈(i + 1)·in / out⌉ on each axis."""
    axes = zip(at[1:], shape[1:], output[1:], strict=True)
    return [list(range(i * size // out, ceil_div((i + 1) * size, out))) for i, size, out in axes]
