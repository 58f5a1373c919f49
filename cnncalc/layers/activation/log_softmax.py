"""Logarithm of softmax."""

from __future__ import annotations

from cnncalc.layers.activation._softmax import AlongAxis
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Ops
from cnncalc.layers.shapes import batched


class LogSoftmax(AlongAxis):
    """``x − log Σ eˣ`` along one axis, computed from ``x − max x`` so that no exp overflows.

    Any shape, kept.  Flops for each line of n elements: n − 1 comparisons (the maximum), n subtractions,
    n exps, n − 1 adds, 1 log, n subtractions.
    """

    of_line = 1  # the logarithm of the sum

    example = Example("log_softmax", inputs=((10,),), output=(10,), flops=9 + 10 + 10 + 9 + 1 + 10)
    elsewhere = Elsewhere(torch="LogSoftmax(dim)", onnx="LogSoftmax", compared=True)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Subtract the logarithm of the sum of exps."""
        (x,) = inputs
        at = batched(self.axis)
        y: Array = x - x.max(axis=at, keepdims=True)
        y -= ops.np.log(ops.np.exp(y).sum(axis=at, keepdims=True))
        return y
