"""The base class of layers that reshape and permute the elements of each sample."""

from __future__ import annotations

from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Permuted, Reads, Reshaped
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape

Moves = tuple[Reshaped | Permuted, ...]


class Rearrangement(Movement):
    """Keeps all elements, in another shape and order, by one rule for arrays and for exports."""

    def moves(self, shape: Shape) -> Moves:
        """Return the reshapes and permutations from the input to the output, without the batch axis."""
        raise NotImplementedError

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the moves."""
        return (self.moves(inputs[0]),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Reshape and transpose, based on the array's shape."""
        (x,) = inputs
        for move in self.moves(x.shape[1:]):
            x = x.transpose(_order(move)) if isinstance(move, Permuted) else x.reshape(len(x), *move.shape)
        return x

    def to_onnx(self, onnx: Onnx) -> str:
        """Reshape and Transpose."""
        y = onnx.x
        for move in self.moves(onnx.shapes[0]):
            y = onnx.transpose(y, _order(move)) if isinstance(move, Permuted) else onnx.reshape(y, [0, *move.shape])
        return y

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's methods, with the batch inferred."""
        value: TensorCode = torch.x
        for move in self.moves(torch.shapes[0]):
            if isinstance(move, Permuted):
                value = torch.call(".permute", value, *_order(move))
            else:
                value = torch.call(".reshape", value, -1, *move.shape)
        return value


def _order(move: Permuted) -> list[int]:
    """Return the order of a permutation with the batch in front."""
    return [0, *[axis + 1 for axis in move.order]]
