"""Shared code of layers that normalise by statistics of their input."""

from __future__ import annotations

from cnncalc.layers.interfaces import Array, NumPy


def standardise(np: NumPy, x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """Return ``(x − mean) / √(variance + eps)``, statistics taken over ``axes`` (batch counted)."""
    y: Array = x - x.mean(axis=axes, keepdims=True)
    y /= np.sqrt((y * y).mean(axis=axes, keepdims=True) + eps)
    return y


def standardise_flops(sets: int, n: int) -> int:
    """Return the operations for ``sets`` of n elements.

    The mean: n − 1 adds and 1 division.  The variance: n subtractions, n squares, n − 1 adds and 1 division.
    The normalisation: 1 add of eps, 1 root, n divisions.  Together 5·n + 2.
    """
    return sets * (5 * n + 2)
