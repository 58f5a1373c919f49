"""Average pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from cnncalc.layers.arguments import LayerError, argument, flag
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.element import mean, slid
from cnncalc.layers.interfaces import Array, Element, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.pooling._windowed import WindowPool
from cnncalc.layers.shapes import Shape
from cnncalc.layers.window import Pair


class AvgPool(WindowPool):
    """Takes the mean of each window.

    Input (C, *spatial), output (C, *spatial_out), each spatial axis with
    ``⌊(in + P_before + P_after − D·(K − 1) − 1) / S⌋ + 1`` positions.
    Flops: prod(kernel_size) − 1 adds and 1 division per output element.

    ``padding: same`` has TensorFlow's positions and PyTorch's divisor, which counts the padding; ``count_include_pad:
    false`` gives the numbers of Keras' AveragePooling, which does not.
    """

    stem = "pool"
    pooling = "avg"
    parameter = "count_include_pad"
    of_window = 1  # the division

    count_include_pad = argument(flag, "whether the padding counts in the divisor", True)

    example = Example("avgpool: 2", inputs=((6, 28, 28),), output=(6, 14, 14), flops=6 * 14 * 14 * (3 + 1))
    elsewhere = Elsewhere(
        torch="AvgPool{d}d(kernel_size, stride, padding, ceil_mode, count_include_pad)",
        keras="AveragePooling{d}D(pool_size, strides, padding)",
        onnx="AveragePool",
        others="avg_pooling local_avgpool mean_pool mean_pooling",
        compared=True,
    )

    def element(self, ops: Ops, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Element:
        """Average the window; with count_include_pad the divisor counts the padding, but nothing beyond it."""
        (x,) = inputs
        sliding = self.window((x.shape,))
        places, count = slid(sliding, at), None
        if self.count_include_pad:
            reach = [range(-a, size + b) for size, (a, b) in zip(x.shape[1:], sliding.pads, strict=True)]
            count = prod([sum(place in within for place in axis) for axis, within in zip(places, reach, strict=True)])
        return mean(ops.np, x, at, places, count)

    def to_onnx(self, onnx: Onnx) -> str:
        """AveragePool; overhang becomes padding that does not count, and a Pad operator adds padding that does."""
        window, covered = self.window(onnx.shapes), self.covered(onnx.shapes[0], onnx.output)
        pairs = list(zip(window.pads, covered.pads, strict=True))
        overhangs = any(after > own for (_, own), (_, after) in pairs)
        x, pads = onnx.x, covered.pads
        if self.count_include_pad and any(map(any, window.pads)) and (overhangs or self._is_wide(pads)):
            befores, afters = [before for before, _ in window.pads], [after for _, after in window.pads]
            x = onnx.node("Pad", x, onnx.integers([0, 0, *befores, 0, 0, *afters]))
            pads = tuple([(0, max(after - own, 0)) for (_, own), (_, after) in pairs])
        if self._is_wide(pads):
            raise LayerError("has an empty window, or padding as wide as its kernel, for which ONNX has no mean")
        counts = self.count_include_pad and not overhangs
        attributes = self.attributes(onnx, covered._replace(pads=pads), 19)
        return onnx.node("AveragePool", x, **attributes, count_include_pad=int(counts))

    def _is_wide(self, pads: Sequence[Pair]) -> bool:
        """Whether padding is as wide as the kernel, which runtimes refuse."""
        return any(max(sides) >= kernel for sides, kernel in zip(pads, self.kernel_size, strict=True))

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function; ``F.pad`` first adds borders that it does not accept."""
        from cnncalc.layers.pooling._pytorch import averaged

        return averaged(self, torch, self.count_include_pad)
