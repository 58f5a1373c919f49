"""Slice of one axis."""

from __future__ import annotations

from cnncalc.ground.numeric import ceil_div
from cnncalc.layers.arguments import LayerError, argument, axis, integer, positive
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along, kept, sliding
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, axis_index, axis_text


class Slice(Movement):
    """Keeps a part of one axis, as Python's ``start:stop:step`` does.

    Input of any shape, output with ``⌈(stop − start) / step⌉`` on the axis; negative numbers count from the end,
    numbers beyond it mean the end.  Flops: 0.
    """

    aliases = True

    axis = argument(axis, "the axis to slice", 0)
    start = argument(integer, "the first index to keep", 0, "start")
    stop = argument(integer, "the index after the last one to keep; default: the end", None, "stop")
    step = argument(positive, "the step between indices to keep", 1, "step")

    example = Example("slice: {axis: channels, start: 0, stop: 32}", inputs=((64, 28, 28),), output=(32, 28, 28))
    elsewhere = Elsewhere(onnx="Slice", others="narrow strided_slice slice_axis", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape with the kept part of the axis."""
        (shape,) = inputs
        at = axis_index(self.axis, shape)
        start, stop = self._bounds(shape[at])
        if stop <= start:
            raise LayerError(
                f"start = {start}, stop = {stop} leave nothing of {axis_text(at, len(shape))} {shape[at]}",
                argument="start",
                hint=f"0 <= start < stop <= {shape[at]}",
            )
        kept = stop - start if self.step == 1 else ceil_div(stop - start, self.step)
        return (*shape[:at], kept, *shape[at + 1 :])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return a window of one tap with the slice's step."""
        at = axis_index(self.axis, output)
        start, _ = self._bounds(inputs[0][at])
        reads = kept(len(output))
        reads[at] = Read(at, sliding(1, self.step, -start))
        return along(*reads)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Slice the axis."""
        (x,) = inputs
        cut: list[slice] = [slice(None)] * x.ndim
        cut[axis_index(self.axis, x.shape[1:]) + 1] = slice(self.start, self.stop, self.step)
        return x[tuple(cut)]

    def to_onnx(self, onnx: Onnx) -> str:
        """Slice."""
        at = axis_index(self.axis, onnx.output)
        return onnx.cut(onnx.x, at + 1, *self._bounds(onnx.shapes[0][at]), self.step)

    def to_torch(self, torch: Torch) -> TensorCode:
        """A slice."""
        cut = slice(self.start or None, self.stop, None if self.step == 1 else self.step)
        return torch.index(torch.x, axis_index(self.axis, torch.shapes[0]), cut)

    def label(self) -> str:
        """Return ``0:32``, and the axis if it is not the channels."""
        step = f":{self.step}" if self.step > 1 else ""
        text = f"{self.start}:{'' if self.stop is None else self.stop}{step}"
        return text if self.axis == 0 else f"{text}, axis {self.axis}"

    def _bounds(self, size: int) -> tuple[int, int]:
        """Return (start, stop) inside the axis, counted from the front."""
        start, stop = self.start, size if self.stop is None else self.stop
        start = max(start + size, 0) if start < 0 else min(start, size)
        stop = max(stop + size, 0) if stop < 0 else min(stop, size)
        return start, stop
