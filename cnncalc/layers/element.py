"""One output element computed tap by tap: building blocks for ``Layer.element``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnncalc.ground.named import NamedTuple
from cnncalc.layers.arguments import LayerError
from cnncalc.layers.shapes import Shape
from cnncalc.layers.window import Sliding

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy


class ChannelTerm(NamedTuple):
    """The contribution of one input channel: its window, the filter and the result.

    Attributes:
        channel: of the layer's input.
        window: the window's elements; 0 on padding.
        inside: which elements of the window lie on the map.
        weights: the filter's taps; None for a pooling.
        total: the sum of the products, or of the window for a pooling.
    """

    channel: int
    window: Array
    inside: Array
    weights: Array | None
    total: float


class Element(NamedTuple):
    """The calculation of an element.

    Attributes:
        rule: the formula that combines the numbers.
        result: its value.
        scale: the sum of all magnitudes, the measure for rounding.
        terms: further numbers by name, in order of use.
        parts: one window per channel; empty for what has none.
        places: first and last place of the window along each spatial axis of the input; empty without one.
    """

    rule: str
    result: float
    scale: float
    terms: Mapping[str, float] = {}
    parts: Sequence[ChannelTerm] = ()
    places: Sequence[tuple[int, int]] = ()


Places = list[list[int]]
"""The places that a window reads along each spatial axis, including padding."""


def slid(sliding: Sliding, at: Shape) -> Places:
    """Return the places that a sliding window reads for the output element at (C, *spatial)."""
    axes = zip(at[1:], sliding.kernel, sliding.stride, sliding.pads, sliding.dilation, strict=True)
    return [[o * s - before + tap * d for tap in range(k)] for o, k, s, (before, _), d in axes]


def ends(places: Places) -> list[tuple[int, int]]:
    """Return the first and the last place along each axis."""
    return [(axis[0], axis[-1]) for axis in places]


def windowed(np: NumPy, channel: Array, places: Places) -> tuple[Array, Array]:
    """Return the elements at some places of a channel, 0 outside, and a mask of those inside."""
    grid = np.ix_(*[np.clip(axis, 0, size - 1) for axis, size in zip(places, channel.shape, strict=True)])
    inside = np.ones((1,) * channel.ndim, bool)
    for number, (axis, size) in enumerate(zip(places, channel.shape, strict=True)):
        shape = [1] * channel.ndim
        shape[number] = len(axis)
        inside = np.logical_and(inside, np.array([0 <= place < size for place in axis]).reshape(shape))
    return np.where(inside, channel[grid], 0.0), inside


def pooled(np: NumPy, x: Array, at: Shape, places: Places) -> ChannelTerm:
    """Return the window of one channel."""
    window, inside = windowed(np, x[at[0]], places)
    return ChannelTerm(at[0], window, inside, None, float(window.sum()))


def largest(np: NumPy, x: Array, at: Shape, places: Places) -> Element:
    """Compute the largest element of a window."""
    part = pooled(np, x, at, places)
    if not part.inside.any():
        raise LayerError("its window holds nothing")
    found = float(part.window[part.inside].max())  # NaN if the window contains one
    return Element("the largest of the window", found, abs(found), parts=[part], places=ends(places))


def mean(np: NumPy, x: Array, at: Shape, places: Places, count: int | None = None) -> Element:
    """Compute the mean of a window, over its elements on the map or another count."""
    part = pooled(np, x, at, places)
    count = int(part.inside.sum()) if count is None else count
    if not count:
        raise LayerError("its window holds nothing")
    terms = {"elements": float(count)}
    size = float(np.abs(part.window).sum())
    return Element("the sum / elements", part.total / count, size, terms, [part], ends(places))


def weighed(np: NumPy, parts: Sequence[ChannelTerm], bias: float | None, places: Places, rule: str) -> Element:
    """Compute a sum of products, with a bias or None."""
    terms: dict[str, float] = {} if bias is None else {"bias": float(bias)}
    total = sum(part.total for part in parts) + sum(terms.values())
    products = [part.window * part.weights for part in parts if part.weights is not None]
    size = sum([float(np.abs(product).sum()) for product in products]) + sum([abs(term) for term in terms.values()])
    return Element(rule + (" + bias" if terms else ""), total, size, terms, parts, ends(places))
