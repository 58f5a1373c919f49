"""The kernels, gathered into the one object that a layer's `forward` is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy

from cnncalc.execution.kernels import convolution, dense, pooling, runtimes, special, transposed
from cnncalc.execution.kernels.elementwise import Concatenation
from cnncalc.execution.kernels.kernel import HeldWeight, Kernel, Tally, Task, held, run_all
from cnncalc.execution.kernels.parts import channels_first, channels_last
from cnncalc.execution.kernels.team import Team
from cnncalc.layers.activation._elementwise import hardsigmoid, sigmoid
from cnncalc.layers.interfaces import Array, NumPy, Padding, Pooling, Rounding, Sizes


class Kernels:
    """The operations of `cnncalc.layers.ops.Ops`, done at once on NumPy arrays; see that protocol for each."""

    np = cast("NumPy", numpy)

    def __init__(self, team: Team | None = None) -> None:
        """Use a team of threads, by default of a single one."""
        self.team = team or Team()
        self._tallies: list[Tally] = []

    def tally(self) -> Tally:
        """Return the products counted since the last call."""
        performed = sum([tally.performed for tally in self._tallies])
        direct = sum([tally.direct for tally in self._tallies])
        method = next((tally.method for tally in self._tallies if tally.method), "")
        self._tallies.clear()
        return Tally(performed, direct, method)

    def count(self, performed: int, kernel: Kernel | None = None) -> None:
        """Note products that were summed."""
        self._tallies.append(kernel.tally(performed) if kernel else Tally(performed, performed))

    def perform(
        self, kernel: Kernel, inputs: Sequence[Array], weight: HeldWeight | None = None, bias: HeldWeight | None = None
    ) -> Array:
        """Run a kernel on arrays (N, *in, C) with fresh memory; return (N, *out, C')."""
        out: Array = numpy.empty(kernel.shape, inputs[0].dtype)
        room = numpy.empty(kernel.room * out.itemsize, numpy.uint8) if kernel.room else None
        bound = self.team.bind(kernel, Task(tuple(inputs), out, room, weight, bias), again=False)
        run_all(bound.calls)
        self.count(sum(bound.products), kernel)
        return out

    def spatial(self, kernel: Kernel, *arrays: Array, weight: Array | None = None, bias: Array | None = None) -> Array:
        """Run a kernel on logical (N, C, *in)."""
        filters, constant = None if weight is None else held(weight), None if bias is None else held(bias)
        return channels_first(self.perform(kernel, [channels_last(x) for x in arrays], filters, constant))

    def conv(
        self, x: Array, weight: Array, bias: Array | None = None, *,
        stride: Sizes = 1, padding: Padding = 0, dilation: Sizes = 1, groups: int = 1,
    ) -> Array:  # fmt: skip
        """Cross-correlate."""
        kernel = convolution.conv(
            x.shape, x.dtype, weight.shape, stride, padding, dilation, groups, self.team.pieces, self.team.exact
        )
        return self.spatial(kernel, x, weight=weight, bias=bias)

    def conv_transpose(
        self, x: Array, weight: Array, bias: Array | None = None, *, stride: Sizes = 1, padding: Padding = 0,
        output_padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1,
    ) -> Array:  # fmt: skip
        """Scatter through filters."""
        kernel = transposed.conv_transpose(x.shape, weight.shape, stride, padding, output_padding, dilation, groups)
        return self.spatial(kernel, x, weight=weight, bias=bias)

    def locally_connected(
        self, x: Array, weight: Array, bias: Array | None = None, *,
        kernel_size: Sizes, stride: Sizes = 1, padding: Padding = 0, dilation: Sizes = 1,
    ) -> Array:  # fmt: skip
        """Convolve with a separate filter at every place."""
        out, products = dense.locally_connected(x, weight, bias, kernel_size, stride, padding, dilation)
        self.count(products)
        return out

    def linear(self, x: Array, weight: Array, bias: Array | None = None, *, axis: int = -1) -> Array:
        """Multiply an axis by a matrix."""
        last = numpy.moveaxis(x, axis, -1)
        kernel = dense.linear(last.shape, weight.shape, axis, self.team.pieces)
        out = self.perform(kernel, [last], held(weight), None if bias is None else held(bias))
        return numpy.moveaxis(out, -1, axis)

    def matmul(self, a: Array, b: Array) -> Array:
        """Multiply matrices."""
        out: Array = numpy.matmul(a, b)
        self.count(out.size * a.shape[-1])
        return out

    def pool(
        self, x: Array, kind: Pooling, *, kernel_size: Sizes, stride: Sizes | None = None, padding: Padding = 0,
        dilation: Sizes = 1, rounding: Rounding = "floor", of: float | bool = True,
    ) -> Array:  # fmt: skip
        """Take one number of each window."""
        return self.spatial(pooling.pool(x.shape, kind, kernel_size, stride, padding, dilation, rounding, of), x)

    def adaptive_pool(self, x: Array, kind: Pooling, *, output_size: int | Sequence[int | None] | None) -> Array:
        """Take one number of each bin."""
        return self.spatial(pooling.adaptive(x.shape, output_size, kind == "max"), x)

    def concat(self, arrays: Sequence[Array], axis: int) -> Array:
        """Join."""
        if axis != 1 or len({array.ndim for array in arrays}) > 1:
            return numpy.concatenate(arrays, axis)
        return self.spatial(Concatenation([channels_last(array).shape for array in arrays]), *arrays)

    def erf(self, x: Array) -> Array:
        """Evaluate the error function."""
        return special.erf(x)

    def sigmoid(self, x: Array) -> Array:
        """Evaluate the logistic function."""
        return runtimes.sigmoid(x) if self._as_runtimes(x) else sigmoid(self.np, x)

    def hardsigmoid(self, x: Array) -> Array:
        """Evaluate the piecewise linear sigmoid."""
        return runtimes.hardsigmoid(x) if self._as_runtimes(x) else hardsigmoid(self.np, x)

    def tanh(self, x: Array) -> Array:
        """Evaluate the hyperbolic tangent."""
        return runtimes.tanh(x) if self._as_runtimes(x) else self.np.tanh(x)

    def _as_runtimes(self, x: Array) -> bool:
        """Return whether the last bit of a function counts, because tensors that it makes are rounded to integers."""
        return self.team.exact and x.dtype == numpy.float32
