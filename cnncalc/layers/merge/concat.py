"""Concatenation."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, axis
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Along, Read, Reads, kept, part
from cnncalc.layers.shapes import Shape, axis_index, axis_text, batched, shape_text


class Concat(Layer):
    """Joins its inputs along one axis, by default the channels (Szegedy et al. 2014, arXiv:1409.4842).

    Two inputs or more that are equal on every other axis.  Flops: 0.
    """

    kind = "merge"
    one_kernel = True
    operations = 0
    arity = (2, None)

    axis = argument(axis, "the axis along which to join", 0)

    example = Example("concat", inputs=((512, 56, 56), (512, 56, 56)), output=(1024, 56, 56))
    elsewhere = Elsewhere(keras="Concatenate", onnx="Concat", others="cat join depth_concat", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the first input's shape with the sum of the sizes on the axis."""
        first = inputs[0]
        at = axis_index(self.axis, first)
        for i, shape in enumerate(inputs[1:], 2):
            if len(shape) != len(first):
                raise LayerError(
                    f"{_both(first, i, shape)}: the number of axes differs",
                    hint="give both the same number of axes, with reshape or flatten",
                )
            for j, (size, other) in enumerate(zip(first, shape, strict=True)):
                if j != at and size != other:
                    raise LayerError(
                        f"{_both(first, i, shape)}: {axis_text(j, len(first))} {size} and {other} differ; only "
                        f"{axis_text(at, len(first))} may",
                        hint="use a center_crop, a pad or another stride to make the sizes equal",
                    )
        return (*first[:at], sum([shape[at] for shape in inputs]), *first[at + 1 :])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the place of each input on the axis."""
        at, start = axis_index(self.axis, output), 0
        moves = []
        for shape in inputs:
            reads = kept(len(output))
            reads[at] = Read(at, part(start, shape[at], output[at]))
            moves.append((Along(tuple(reads)),))
            start += shape[at]
        return tuple(moves)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Join the inputs."""
        batches = {len(x) for x in inputs}
        if len(batches) > 1:  # an input that is the same for all samples has a batch of 1
            inputs = tuple([ops.np.broadcast_to(x, (max(batches), *x.shape[1:])) for x in inputs])
        return ops.concat(inputs, batched(self.axis))

    def to_onnx(self, onnx: Onnx) -> str:
        """Concat; an input that is the same for all samples is first repeated for each sample."""
        parts = [onnx.stretched(number) for number in range(len(onnx.inputs))]
        return onnx.node("Concat", *parts, axis=batched(self.axis))

    def to_torch(self, torch: Torch) -> TensorCode:
        """``torch.cat``; an input that is the same for all samples is expanded first."""
        parts = list(torch.inputs)
        if False in torch.once:
            samples = torch.call("len", parts[torch.once.index(False)])
            for number, once in enumerate(torch.once):
                if once:
                    parts[number] = torch.call(".expand", parts[number], samples, *[-1] * len(torch.output))
        return torch.call("torch.cat", torch.call("list", *parts), dim=batched(self.axis))


def _both(first: Shape, number: int, shape: Shape) -> str:
    return f"input 1 is {shape_text(first)}, but input {number} is {shape_text(shape)}"
