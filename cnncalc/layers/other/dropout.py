"""Dropout."""

from __future__ import annotations

from cnncalc.layers.arguments import argument, probability
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch


class Dropout(Layer):
    """Drops each element with probability ``p`` while training; passes everything at inference.

    Any shape.  Flops: 0, counted at inference (Srivastava et al. 2014, "Dropout").
    """

    moves_only = is_view = aliases = True
    operations = 0
    label_format = "{p:g}"

    p = argument(probability, "probability that an element is dropped in training", 0.5)

    example = Example("dropout: 0.5", inputs=((4096,),), output=(4096,))
    elsewhere = Elsewhere(
        torch="Dropout(p)",
        keras="Dropout(rate)",
        onnx="Dropout",
        others="Dropout{d}d SpatialDropout{d}D AlphaDropout FeatureAlphaDropout GaussianDropout",
        compared=True,
    )

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Return the input."""
        return inputs[0]

    def to_onnx(self, onnx: Onnx) -> str:
        """Dropout, which passes everything on at inference."""
        return onnx.node("Dropout", onnx.x, onnx.number(self.p))

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function, which drops only in training."""
        return torch.call("F.dropout", torch.x, self.p, training=torch.code("self.training"))
