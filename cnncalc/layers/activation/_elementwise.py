"""The base class of elementwise activations: the shape is kept, and each element costs the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import ClassVar

from cnncalc.layers.base import Layer
from cnncalc.layers.interfaces import Array, Element, NumPy, Ops
from cnncalc.layers.shapes import Shape


class Elementwise(Layer):
    """A function of each element.

    Attributes:
        ufunc: NumPy's name of the function; "" if the type defines `compute` or `clamps`.
    """

    kind = "activation"
    pointwise = True
    operations = 1
    ufunc: ClassVar[str] = ""

    def compute(self, ops: Ops, x: Array) -> Array:
        """Return the function's values on an array."""
        bounds = self.clamps()
        if bounds is not None:
            return x.clip(*bounds)
        function: Callable[[Array], Array] = getattr(ops.np, self.ufunc)
        return function(x)

    def element(self, ops: Ops, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Element:
        """Apply the function to the element in the same place."""
        from cnncalc.layers.element import Element

        if weights:
            return super().element(ops, at, inputs, weights)
        x, clamps = inputs[0][at], self.clamps()
        rule = f"{self.type}(x)"
        if clamps is not None:
            low, high = clamps
            rule = f"max(x, {low:g})" if high == inf else f"min(max(x, {low:g}), {high:g})"
        result = float(self.compute(ops, x.reshape(1, 1))[0, 0])
        return Element(rule, result, abs(float(x)) + abs(result), {"x": float(x)})

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Apply the function to every element."""
        return self.compute(ops, inputs[0])


def sigmoid(np: NumPy, x: Array) -> Array:
    """Return 1 / (1 + e⁻ˣ), with no exp of a positive number, which could overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def hardsigmoid(np: NumPy, x: Array) -> Array:
    """Return min(max(x + 3, 0), 6) / 6."""
    return np.clip(x + 3, 0, 6) / 6


def softplus(np: NumPy, x: Array) -> Array:
    """Return log(1 + eˣ), with no exp of a positive number, which could overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
