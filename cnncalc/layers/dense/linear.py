"""Fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from cnncalc.layers.arguments import LayerError, argument, axis, flag, positive
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight
from cnncalc.layers.interfaces import Array, Contraction, Element, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Reads, whole
from cnncalc.layers.shapes import Shape, axis_index, batched, shape_text


class Linear(Layer):
    """Connects every output to every input: ``y = W·x + b``.

    Input a vector (F_in,), output (F_out,).  With ``axis`` it transforms that axis of a map, with the same weights at
    every position, like a 1×1 convolution.  Parameters: (F_out, F_in), and a bias per output. Flops: 2 · macs, and 1
    add per output element for the bias.
    """

    kind = "fc"
    one_kernel = True
    stem = "fc"
    only_checked = "in_features"
    label_format = "{out_features}"

    out_features = argument(positive, "number of outputs", symbol="F_out")
    bias = argument(flag, "whether each output adds a constant", True)
    axis = argument(axis, "the axis of a map to transform; without it the input is a vector", None)
    in_features = argument(positive, "checked if it is given", None, "F_in")

    example = Example(
        "linear: 4096",
        inputs=((9216,),),
        output=(4096,),
        params=4096 * 9216 + 4096,
        macs=4096 * 9216,
        flops=2 * 4096 * 9216 + 4096,
    )
    elsewhere = Elsewhere(
        torch="Linear(in_features, out_features, bias)",
        keras="Dense(units)",
        onnx="Gemm",
        others="fc FullyConnected FullConnection InnerProduct connected",
        compared=True,
    )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape with ``out_features`` on the axis."""
        (shape,) = inputs
        at = self._index(shape)
        if self.in_features is not None and self.in_features != shape[at]:
            raise LayerError(
                f"in_features = {self.in_features}, but the input has {shape[at]}",
                argument="in_features",
                hint=f"leave in_features out (it is inferred), or write {shape[at]}",
            )
        return (*shape[:at], self.out_features, *shape[at + 1 :])

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight (out_features, in_features) and bias (out_features,)."""
        weights = {"weight": Weight((self.out_features, inputs[0][self._index(inputs[0])]))}
        if self.bias:
            weights["bias"] = Weight((self.out_features,))
        return weights

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for every input of every output element."""
        return prod(output) * inputs[0][self._index(inputs[0])]

    def contractions(self, inputs: tuple[Shape, ...], output: Shape) -> list[Contraction]:
        """Return the positions' features times the weight."""
        from cnncalc.layers.contractions import Contraction

        return [Contraction(inputs[0][self._index(inputs[0])], self.out_features, prod(output) // self.out_features)]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Two for each multiply-accumulate, and one add per output element for the bias."""
        products = 2 * self.macs(inputs, output)
        return products + prod(output) if self.bias else products

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that its axis is read whole."""
        return whole(len(output), self._index(inputs[0]))

    def element(self, ops: Ops, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Element:
        """Multiply the row of the weight with the features of the place."""
        from cnncalc.layers.element import ChannelTerm, weighed

        (x,) = inputs
        axis = self._index(x.shape)
        vector = ops.np.moveaxis(x, axis, -1)[at[:axis] + at[axis + 1 :]]
        row = weights["weight"][at[axis]]
        part = ChannelTerm(0, vector, ops.np.ones(len(vector), bool), row, float((vector * row).sum()))
        bias = weights["bias"][at[axis]] if "bias" in weights else None
        return weighed(ops.np, [part], bias, [], "the sum of all products")

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply by the weight."""
        at = batched(-1 if self.axis is None else self.axis)
        return ops.linear(inputs[0], weights["weight"], weights.get("bias"), axis=at)

    def to_onnx(self, onnx: Onnx) -> str:
        """Gemm of a vector; MatMul along the last axis of a map, a convolution along its channels."""
        shape, at = onnx.shapes[0], self._index(onnx.shapes[0])
        bias = [onnx.weight("bias")] if self.bias else []
        if len(shape) == 1:
            return onnx.node("Gemm", onnx.x, onnx.weight("weight"), *bias, transB=1)
        if at == 0:
            filters = onnx.reshape(onnx.weight("weight"), [0, 0, *[1] * (len(shape) - 1)])
            return onnx.node("Conv", onnx.x, filters, *bias, kernel_shape=[1] * (len(shape) - 1))
        order = [axis for axis in range(len(shape) + 1) if axis != at + 1] + [at + 1]
        x = onnx.transpose(onnx.x, order)
        made = onnx.node("MatMul", x, onnx.transpose(onnx.weight("weight"), [1, 0]))
        made = onnx.node("Add", made, *bias) if bias else made
        return onnx.transpose(made, [order.index(axis) for axis in range(len(order))])

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module, or its function, which work on the last axis."""
        shape = torch.shapes[0]
        at = self._index(shape)
        x = torch.moved(torch.x, at + 1, -1)
        if torch.loose:
            y = torch.weighted("F.linear", x)
        else:
            y = torch.module("nn.Linear", shape[at], self.out_features, **torch.options("bias"))(x)
        return torch.moved(y, -1, at + 1)

    def _index(self, shape: Shape) -> int:
        if self.axis is not None:
            return axis_index(self.axis, shape)
        if len(shape) > 1:
            raise LayerError(
                f"takes a vector, but its input is a map {shape_text(shape)}",
                hint="put 'flatten' before it, or add 'axis: channels' to transform the channels at every position",
            )
        return 0
