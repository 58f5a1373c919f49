"""Error function."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Ops


class Erf(Layer):
    """``2 / √π · ∫₀ˣ e^(−t²) dt``, the error function.  Any shape, kept.  Flops per element: 1 erf."""

    kind = "activation"
    operations = 1

    example = Example("erf", inputs=((64, 28, 28),), output=(64, 28, 28), flops=64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Erf", function="torch.erf", compared=True)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Evaluate the error function."""
        return ops.erf(inputs[0])
