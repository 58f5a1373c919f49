"""Elementwise kernels: activations, merges, a factor per channel; and concatenation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod

import numpy as np

from cnncalc.execution.kernels.convolution import affine
from cnncalc.execution.kernels.kernel import Before, Calls, Kernel, Shape, Stage, Task
from cnncalc.execution.kernels.parts import apply, as_rows, blocks, images, once, sheets
from cnncalc.execution.kernels.rows import RowOperation, with_third_output
from cnncalc.execution.tuning import BLOCK
from cnncalc.layers.interfaces import Array


class PerElement(Kernel):
    """An elementwise function, a few rows at a time so that intermediate results stay in the cache."""

    def __init__(self, shape: Shape, function: Callable[[Array], Array], clip: tuple[float, float] | None) -> None:
        """Prepare for an input (N, *in, C); a function that only clips is `clip`."""
        self.shape = shape
        self.function, self.clip = function, clip
        rows = prod(shape[:-1])
        self.step = max(1, BLOCK // 2 // max(shape[-1], 1))
        self.blocks, self.calls = blocks(rows, self.step), 1

    def stages(self, task: Task) -> Iterator[Stage]:
        """Apply the function to blocks of rows, or to the whole array if its memory has another order."""
        out = task.out.reshape(-1, task.out.shape[-1])
        rows = as_rows(task.x)
        if rows is None:
            yield once(lambda calls: self._apply(calls, task.x, task.out))
            return
        source = rows

        def block(calls: Calls, start: int, stop: int) -> None:
            self._apply(calls, source[start:stop], out[start:stop])

        yield Stage(len(out), self.step, block, elements=4 * out.size)

    def _apply(self, calls: Calls, source: Array, out: Array) -> None:
        if self.clip is not None:
            calls.do(source.clip, *self.clip, out)
        else:
            calls.do(apply, self.function, source, out)


class Merge(Kernel):
    """A ufunc over two or more inputs, one after the other, with NumPy's broadcasting."""

    def __init__(self, shapes: Sequence[Shape], ufunc: np.ufunc) -> None:
        """Prepare for inputs (N, *in, C).  Raises ValueError if NumPy can't broadcast them."""
        self.shape = np.broadcast_shapes(*shapes)
        self.combine = with_third_output(ufunc)
        self.total = self.shape[0] * (self.shape[1] if len(self.shape) > 2 else 1)
        self.step = max(1, BLOCK * self.total // max(prod(self.shape), 1))
        self.blocks = blocks(self.total, self.step)
        self.calls = (len(shapes) - 1) * images(self.shape[0], self.total // max(self.shape[0], 1), self.step)

    def stages(self, task: Task) -> Iterator[Stage]:
        """Merge the inputs into the output, a few lines of its second axis at a time."""
        inputs = [array if array.shape == self.shape else np.broadcast_to(array, self.shape) for array in task.inputs]
        lines = self.shape[1] if len(self.shape) > 2 else 1

        def block(calls: Calls, start: int, stop: int) -> None:
            for image, low, high in sheets(start, stop, lines):
                part = (image, slice(low, high)) if len(self.shape) > 2 else (image,)
                merged = inputs[0][part]
                for other in inputs[1:]:
                    calls.do(self.combine, merged, other[part], task.out[part])
                    merged = task.out[part]

        yield Stage(self.total, self.step, block, elements=2 * prod(self.shape))


class ScaleAndShift(Kernel):
    """A factor and a constant for each channel."""

    def __init__(self, shape: Shape, scale: Array, shift: Array) -> None:
        """Prepare for an input (N, *in, C), a factor and a constant (C,)."""
        self.shape = shape
        self.blocks, self.calls = blocks(prod(shape[:-1]), max(1, BLOCK // max(shape[-1], 1))), 3
        self.operations = Before((RowOperation(scale, np.multiply), RowOperation(shift, np.add)))

    def stages(self, task: Task) -> Iterator[Stage]:
        """Multiply and add, blocks of rows at a time."""
        yield affine(task.x, task.out, self.operations)


class Concatenation(Kernel):
    """Joins inputs along the channels.

    If the first input already lies at the beginning of the output, as in a dense block, it is not copied.
    """

    def __init__(self, shapes: Sequence[Shape]) -> None:
        """Prepare for inputs (N, *in, C).  Raises ValueError if other axes than the last differ."""
        if len({shape[:-1] for shape in shapes}) > 1:
            raise ValueError(f"arrays of the shapes {', '.join(map(str, shapes))} can't be joined")
        self.shape = (*shapes[0][:-1], sum([shape[-1] for shape in shapes]))
        self.calls = len(shapes)

    def stages(self, task: Task) -> Iterator[Stage]:
        """Copy one input after the other."""

        def join(calls: Calls) -> None:
            end = 0
            for array in task.inputs:
                start, end = end, end + array.shape[-1]
                if start or not _is_at_start_of(task.out, array):
                    calls.fill(task.out[..., start:end], array)

        yield once(join)


def _is_at_start_of(whole: Array, part: Array) -> bool:
    """Return whether a part lies where a whole begins, in rows of the whole's width."""
    return whole.strides == part.strides and whole.ctypes.data == part.ctypes.data
