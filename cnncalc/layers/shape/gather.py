"""Chosen indices of an axis."""

from __future__ import annotations

from functools import lru_cache
from math import prod

from cnncalc.ground.limits import MAX_LIST
from cnncalc.layers.arguments import LayerError, argument, axis, check_second, integer, integers
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Along, Read, Reads, along, listed
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, axis_index, axis_text

_FUNCTION = '''
def take(x, indices, dim):
    """Return what lies at each sample's own indices of an axis."""
    x = x.expand(len(indices), *x.shape[1:])
    axes = [slice(None)] * (dim - 1)
    return torch.stack([one[(*axes, index)] for one, index in zip(x, indices)])
'''

_GRID_FUNCTION = '''
def grid(start, sizes, steps):
    """Return the indices of a grid, the last step fastest."""
    indices = [start]
    for size, step in zip(sizes, steps):
        indices = [index + i * step for index in indices for i in range(size)]
    return indices
'''


@lru_cache(maxsize=64)
def _grid(start: int, sizes: tuple[int, ...], steps: tuple[int, ...]) -> tuple[int, ...]:
    indices = [start]
    for size, step in zip(sizes, steps, strict=True):
        indices = [index + i * step for index in indices for i in range(size)]
    return tuple(indices)


class Gather(Movement):
    """Takes the elements at given indices of one axis, from a list or a second input. Input of any shape; the list's
    length, or the second input's shape, replaces the axis.  Indices of a grid, such as those of relative positions in
    a window, are ``start`` plus a multiple of each of the ``steps``, the last one fastest.  Flops: 0.
    """

    arity = (1, 2)

    indices = argument(integers, "the indices, counted from 0; without them the second input has the indices", None)
    axis = argument(axis, "the axis of the indices", 0)
    sizes = argument(integers, "sizes of a grid of indices, in place of a list", None)
    steps = argument(integers, "what one step along each axis of the grid adds to an index", None)
    start = argument(integer, "the first index of the grid", 0)

    example = Example("gather: {indices: [2, 0, 2], axis: channels}", inputs=((3, 8, 8),), output=(3, 8, 8))
    elsewhere = Elsewhere(onnx="Gather", others="index_select", compared=True)

    def check(self) -> None:
        """Refuse half a grid, one beside a list, and one that is too large."""
        if self.sizes is None and self.steps is None:
            return
        if self.sizes is None or self.steps is None or len(self.sizes) != len(self.steps) or self.indices is not None:
            raise LayerError(
                "a grid of indices takes sizes and as many steps, and no list",
                argument="sizes",
                hint="{start: 4, sizes: [2, 2], steps: [3, -1]} is [4, 3, 7, 6]",
            )
        if min(self.sizes, default=0) < 1 or prod(self.sizes) > MAX_LIST:
            raise LayerError(f"sizes of a grid are at least 1, and at most {MAX_LIST:,} in all", argument="sizes")

    @property
    def chosen(self) -> tuple[int, ...] | None:
        """The indices, as a list or as a grid; None if the second input has them."""
        if self.sizes is None or self.steps is None:
            return self.indices
        return _grid(self.start, self.sizes, self.steps)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape with the number of indices on the axis."""
        shape = inputs[0]
        at = axis_index(self.axis, shape)
        check_second("indices", self.chosen, inputs, "gather: [0, 2]")
        if self.chosen is None:
            return (*shape[:at], *inputs[1], *shape[at + 1 :])
        if not self.chosen or min(self.chosen) < -shape[at] or max(self.chosen) >= shape[at]:
            raise LayerError(
                f"indices reach from {min(self.chosen, default=0)} to {max(self.chosen, default=0)}, "
                f"but {axis_text(at, len(shape))} has {shape[at]}",
                argument="indices",
                hint=f"0 is the first, {shape[at] - 1} the last",
            )
        return (*shape[:at], len(self.chosen), *shape[at + 1 :])

    def below(self, inputs: tuple[Shape, ...]) -> tuple[int | None, ...]:
        """Return the axis' size for the second input."""
        return (None, inputs[0][axis_index(self.axis, inputs[0])])[: len(inputs)]

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the indices, or that an element may be any along the axis, and the places of the other axes."""
        at, longer = axis_index(self.axis, inputs[0]), len(output) - len(inputs[0])
        others = [Read(i if i < at else i + longer) for i in range(len(inputs[0]))]
        if self.chosen is None:
            others[at] = WHOLE
            return ((Along(tuple(others)),), (Along(tuple([Read(at + i) for i in range(len(inputs[1]))])),))
        others[at] = Read(at, listed([index % inputs[0][at] for index in self.chosen]))
        return along(*others)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Take the indices."""
        x = inputs[0]
        at = axis_index(self.axis, x.shape[1:]) + 1
        if self.chosen is not None:
            return x.take(self.chosen, axis=at)
        chosen = inputs[1].astype(int)
        if len(chosen) == 1:
            same: Array = x.take(chosen[0], axis=at)
            return same
        samples = zip(ops.np.broadcast_to(x, (len(chosen), *x.shape[1:])), chosen, strict=True)
        return ops.np.stack([sample.take(index, axis=at - 1) for sample, index in samples])

    def to_onnx(self, onnx: Onnx) -> str:
        """Gather; GatherND if every sample has its own indices and its own elements."""
        at = axis_index(self.axis, onnx.shapes[0]) + 1
        if self.chosen is not None:
            return onnx.node("Gather", onnx.x, onnx.integers(self.chosen), axis=at)
        if not onnx.times[1]:
            indices = onnx.reshape(onnx.cast(onnx.inputs[1], "integer"), [*onnx.shapes[1]])
            return onnx.node("Gather", onnx.x, indices, axis=at)
        rank, many = len(onnx.shapes[0]) + 1, len(onnx.shapes[1])
        if not onnx.times[0]:
            table = onnx.reshape(onnx.inputs[0], [*onnx.shapes[0]])
            made = onnx.node("Gather", table, onnx.cast(onnx.inputs[1], "integer"), axis=at - 1)
            return onnx.transpose(made, [at - 1, *range(at - 1), *range(at, rank - 1 + many)])
        indices = onnx.reshape(onnx.cast(onnx.stretched(1), "integer"), [0, *onnx.shapes[1], 1])
        first = onnx.transpose(onnx.stretched(0), [0, at, *[axis for axis in range(1, rank) if axis != at]])
        made = onnx.node("GatherND", first, indices, batch_dims=1)
        before = [*range(1 + many, many + at)]
        return onnx.transpose(made, [0, *before, *range(1, 1 + many), *range(many + at, many + rank - 1)])

    def to_torch(self, torch: Torch) -> TensorCode:
        """An index, or a flip; if every sample has its own indices, one per sample."""
        at = axis_index(self.axis, torch.shapes[0])
        if self.indices is not None:
            return torch.index(torch.x, at, torch.call("list", *self.indices))
        if self.sizes is not None and self.steps is not None:
            (size, *more), step = self.sizes, self.steps[0]
            if not more and (self.start, size, step) == (torch.output[at] - 1, torch.shapes[0][at], -1):
                return torch.call(".flip", torch.x, at + 1)
            if not more and step:
                return torch.index(torch.x, at, torch.call("range", self.start, self.start + size * step, step))
            torch.define(_GRID_FUNCTION)
            return torch.index(torch.x, at, torch.call("grid", self.start, self.sizes, self.steps))
        if torch.once[1]:
            return torch.index(torch.x, at, torch.call(".long", torch.call("[]", torch.inputs[1], 0)))
        torch.define(_FUNCTION)
        return torch.call("take", torch.x, torch.call(".long", torch.inputs[1]), dim=at + 1)

    def label(self) -> str:
        """Return the number of indices, and the axis if it is not the first."""
        count = "" if self.chosen is None else f"{len(self.chosen)}"
        return count if self.axis == 0 else f"{count}, axis {self.axis}".lstrip(", ")
