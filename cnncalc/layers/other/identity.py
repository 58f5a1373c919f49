"""Identity."""

from __future__ import annotations

from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Ops, TensorCode, Torch


class Identity(Layer):
    """Passes its input on: a named point in the network.  Any shape.  Flops: 0."""

    moves_only = is_view = aliases = True
    operations = 0

    example = Example("identity", inputs=((64, 56, 56),), output=(64, 56, 56))
    elsewhere = Elsewhere(torch="Identity", keras="Identity", onnx="Identity", others="noop pass", compared=True)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Return the input."""
        return inputs[0]

    def to_torch(self, torch: Torch) -> TensorCode:
        """The input itself."""
        return torch.x
