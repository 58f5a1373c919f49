"""Learned tensors that are combined with the input element by element."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError
from cnncalc.layers.interfaces import Array
from cnncalc.layers.shapes import Shape, shape_text


def learned_shape(chosen: tuple[int, ...] | None, shape: Shape) -> Shape:
    """Return the shape of a learned tensor that is combined with another; by default it has one element per channel.

    Raises:
        LayerError: if an axis is neither 1 nor the other's.
    """
    if chosen is None:
        return (shape[0], *(1,) * (len(shape) - 1))
    if len(chosen) != len(shape) or any(size not in (1, have) for size, have in zip(chosen, shape, strict=True)):
        raise LayerError(
            f"shape = {shape_text(chosen)}, but the input is {shape_text(shape)}",
            argument="shape",
            hint="it needs as many axes as the input, each of the same size or of 1",
        )
    return chosen


def met(weight: Array, x: Array, shape: tuple[int, ...] | None) -> Array:
    """Return a weight, one value per channel or of any shape, so that it broadcasts to an array (N, …)."""
    return weight.reshape(-1, *(1,) * (x.ndim - 2)) if shape is None else weight.reshape(1, *weight.shape)
