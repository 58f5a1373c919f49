"""Softmax."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import argument, axis
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Flow, Onnx, Ops
from cnncalc.layers.pytorch import Torch, X, call
from cnncalc.layers.reads import Reads, whole
from cnncalc.layers.shapes import Shape, axis_index, batched


class Softmax(Layer):
    """``eˣ / Σ eˣ`` along one axis, computed from ``x − max x`` so that no exp overflows.

    Any shape, kept.  Flops for each line of n elements: n − 1 comparisons (the maximum), n subtractions,
    n exps, n − 1 adds, n divisions.
    """

    kind = "activation"

    axis = argument(axis, "the axis along which the values sum to 1", 0)

    example = Example("softmax", inputs=((1000,),), output=(1000,), flops=999 + 1000 + 1000 + 999 + 1000)
    elsewhere = Elsewhere(
        torch="Softmax(dim)",
        keras="Softmax(axis)",
        onnx="Softmax",
        others="Softmax2d SoftmaxActivation SoftmaxOutput",
        compared=True,
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        axis_index(self.axis, inputs[0])
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Three per element, and two reductions of every line."""
        at = axis_index(self.axis, output)
        lines = prod(output[:at] + output[at + 1 :])
        return lines * (2 * (output[at] - 1) + 3 * output[at])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that each output element reads the whole axis."""
        return whole(len(output), axis_index(self.axis, output))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Exponentiate, and divide by the sum."""
        (x,) = inputs
        at = batched(self.axis)
        powers: Array = ops.np.exp(x - x.max(axis=at, keepdims=True))
        powers /= powers.sum(axis=at, keepdims=True)
        return powers

    def to_onnx(self, onnx: Onnx) -> str:
        """Softmax, or LogSoftmax."""
        return onnx.node(self.elsewhere.onnx, onnx.x, axis=batched(self.axis))

    def to_torch(self, flow: Flow) -> Torch:
        """Softmax along the axis, counted with the batch."""
        return Torch(call(f"F.{self.type}", X, dim=batched(self.axis)))
