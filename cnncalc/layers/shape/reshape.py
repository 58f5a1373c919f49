"""Reshape."""

from __future__ import annotations

from math import prod

from cnncalc.ground.numbers import counted
from cnncalc.layers.arguments import LayerError, argument, integers, positive
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, Reshaped, along
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, crossed, shape_text


class Reshape(Movement):
    """Gives the elements another shape, in the same order, channel after channel.

    Input of any shape, output ``shape`` with as many elements; one -1 in it is inferred, and a 0 is the input's size on
    that axis.  With ``fold`` each sample is split into several, such as windows of a map; ``unfold`` joins them again.
    Flops: 0.
    """

    is_view = True

    shape = argument(integers, "the output's shape without the batch; 0 keeps a size, one -1 is inferred")

    fold = argument(positive, "number of samples into which each one is split, in equal consecutive parts", 1, "N_fold")
    unfold = argument(positive, "number of consecutive samples that become one", 1, "N_unfold")

    example = Example("reshape: [64, 7, 7]", inputs=((3136,),), output=(64, 7, 7))
    elsewhere = Elsewhere(
        torch="Unflatten", keras="Reshape(target_shape)", onnx="Reshape", others="view", compared=True
    )

    def check(self) -> None:
        """Refuse negative sizes, except for one -1."""
        if not self.shape or self.shape.count(-1) > 1 or any(size < -1 for size in self.shape):
            raise LayerError(
                f"shape = {shape_text(self.shape)} must have positive sizes, 0 or, at most once, -1",
                argument="shape",
                hint="-1 stands for the one size that follows from the others, 0 for the input's size on that axis",
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape, with its -1 inferred and the input's sizes for its zeros."""
        shape = self._sizes(inputs[0])
        elements = prod(inputs[0]) * self.unfold
        if elements % self.fold:
            raise LayerError(
                f"{elements} elements {shape_text(inputs[0])} can't be split into {self.fold} samples", argument="fold"
            )
        elements //= self.fold
        known = prod([size for size in shape if size != -1])
        if elements % known or (-1 not in shape and elements != known):
            raise LayerError(
                f"{elements} elements {shape_text(inputs[0])} don't fit shape = {shape_text(self.shape)}"
                if elements > 1
                else f"the only element does not fit shape = {shape_text(self.shape)}",
                argument="shape",
                hint=f"it holds {'a multiple of ' if -1 in shape else ''}{counted(known, 'element')}",
            )
        return tuple([elements // known if size == -1 else size for size in shape])

    def _sizes(self, shape: Shape) -> Shape:
        """Return the output's shape with the sizes of the input's in place of zeros.

        Raises:
            LayerError: if the input does not have an axis whose size is kept.
        """
        if 0 in self.shape[len(shape) :]:
            raise LayerError(
                f"shape = {shape_text(self.shape)} keeps the size of an axis that the input {shape_text(shape)} "
                "does not have",
                argument="shape",
                hint="0 stands for the input's size on the same axis",
            )
        return tuple([shape[axis] if size == 0 else size for axis, size in enumerate(self.shape)])

    def times(self, inputs: tuple[Shape, ...], times: int) -> int:
        """Return ``times · fold / unfold``.  Raises LayerError if that is not whole, or there is no batch."""
        if (self.fold, self.unfold) == (1, 1):
            return times
        if not times or times * self.fold % self.unfold:
            raise LayerError(
                f"unfold = {self.unfold}, but one sample has become only {times * self.fold}", argument="unfold"
            )
        return times * self.fold // self.unfold

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that the elements are rearranged; reads of elements that go into the batch are not tracked."""
        if prod(inputs[0]) != prod(output):
            return along(*[Read(None, is_exact=False)] * len(inputs[0]))
        return ((Reshaped(output),),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Keep the batch axis, and reshape the others."""
        return inputs[0].reshape(len(inputs[0]) * self.fold // self.unfold, *self._sizes(inputs[0].shape[1:]))

    def to_onnx(self, onnx: Onnx) -> str:
        """Reshape."""
        keeps = (self.fold, self.unfold) == (1, 1)
        return onnx.reshape(onnx.x, [0 if keeps else -1, *onnx.output])

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's method, the batch inferred."""
        return torch.call(".reshape", torch.x, -1, *torch.output)

    def label(self) -> str:
        """Return ``64×-1``, ``·`` where a size is kept, and the change of the batch."""
        parts = [crossed([size or None for size in self.shape])]
        parts += [f"{name} {count}" for name, count in (("fold", self.fold), ("unfold", self.unfold)) if count > 1]
        return ", ".join(parts)
