"""A learned factor a channel."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnncalc.layers.arguments import argument, flag, number
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight, per_channel
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnncalc.layers.ops import Array, Ops


class Scale(Layer):
    """Multiplies every channel by a learned factor: LayerScale (Touvron et al. 2021, arXiv:2103.17239).

    Any shape, kept.  Flops: 1 product per element, and 1 add with ``bias``.
    """

    init = argument(number, "what the factors start from in training", 1.0)
    bias = argument(flag, "whether each channel adds a constant", False)

    example = Example("scale: 0.000001", inputs=((96, 56, 56),), output=(96, 56, 56), params=96, flops=96 * 56 * 56)
    elsewhere = Elsewhere(others="LayerScale channel_scale")

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight (C,) and bias (C,)."""
        channels = Weight((inputs[0][0],))
        return {"weight": channels, "bias": channels} if self.bias else {"weight": channels}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One product per element, and one add for the bias."""
        return (2 if self.bias else 1) * prod(output)

    def is_affine(self) -> bool:
        """Return that it is nothing else."""
        return True

    def as_affine(self, weights: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return weight, and bias or zeros."""
        return weights["weight"], weights["bias"] if "bias" in weights else 0 * weights["weight"]

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply, and shift."""
        (x,) = inputs
        y = x * per_channel(weights["weight"], x)
        if self.bias:
            y += per_channel(weights["bias"], x)
        return y
