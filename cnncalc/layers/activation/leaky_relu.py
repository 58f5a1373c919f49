"""Leaky rectified linear unit."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.arguments import argument, number
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Ops


class LeakyReLU(Elementwise):
    """``x`` above 0, ``negative_slope · x`` below (Maas et al. 2013).

    Any shape, kept.  Flops per element: 1 comparison, 1 product.
    """

    operations = 2
    label_format = "{negative_slope:g}"

    negative_slope = argument(number, "factor of negative elements", 0.01)

    example = Example("leaky_relu: 0.1", inputs=((32, 52, 52),), output=(32, 52, 52), flops=2 * 32 * 52 * 52)
    elsewhere = Elsewhere(
        torch="LeakyReLU(negative_slope)",
        keras="LeakyReLU(negative_slope)",
        onnx="LeakyRelu(alpha=negative_slope)",
        others="leaky lrelu",
        function="F.leaky_relu(negative_slope)",
        compared=True,
    )

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return ``x`` or ``negative_slope · x``."""
        return ops.np.where(x > 0, x, self.negative_slope * x)
