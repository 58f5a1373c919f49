"""A sliding window at the borders of its map: the padding that it reads, and the elements that it does not reach."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.graph import Node
from cnncalc.layers.shapes import axis_names
from cnncalc.layers.window import window_count

_LARGEST_COVER = 100_000  # up to this many taps of an axis are examined one by one


class Border(NamedTuple):
    """A sliding window at the borders of one axis.

    Attributes:
        axis: its letter.
        size: size of the input map.
        pad: elements added before and after it.
        window: the window's extent, dilation included.
        stride: its step.
        positions: how many windows there are.
        unpadded: how many there would be without padding.
        lost: elements of the map that no window reaches, as ranges (first, last); None for a very long axis, where they
            are not computed.
        beyond: elements, padding included, after the last window.
        over: elements by which the last window overhangs the end, padding included.
    """

    axis: str
    size: int
    pad: tuple[int, int]
    window: int
    stride: int
    positions: int
    unpadded: int
    lost: tuple[tuple[int, int], ...] | None
    beyond: int
    over: int


def borders_of(node: Node) -> tuple[list[Border], float]:
    """Return the borders of each axis of a sliding window, and the share of its taps on padding."""
    window = node.layer.sliding(node.use.inputs)
    if window is None:
        return [], 0.0
    sizes = node.use.inputs[0][1:]
    borders, inside = [], 1.0
    axes = zip(axis_names(len(node.shape))[1:], sizes, *window[:4], node.shape[1:], strict=True)
    for name, *axis in axes:
        taps = WindowReads(*axis)
        inside *= taps.inside_share()
        borders.append(taps.border(name, window.ceil))
    return borders, 1.0 - inside


class WindowReads(NamedTuple):
    """The places of an axis that its windows read: window i reads ``i·stride − pad + k·dilation``."""

    size: int
    kernel: int
    stride: int
    pad: tuple[int, int]
    dilation: int
    positions: int

    def border(self, axis: str, ceil: bool) -> Border:
        """Return the borders of the axis, named ``axis``; with ``ceil`` windows may overhang."""
        extent = self.dilation * (self.kernel - 1) + 1
        before, after = self.pad
        unpadded = window_count(self.size, self.kernel, self.stride, (0, 0), self.dilation, ceil)
        rest = self.size + before + after - ((self.positions - 1) * self.stride + extent)
        return Border(
            axis, self.size, self.pad, extent, self.stride, self.positions, unpadded, self.lost(),
            max(rest, 0), max(-rest, 0),
        )  # fmt: skip

    def inside_share(self) -> float:
        """Return the share of all taps that fall on the map, not on padding."""
        if self.kernel > _LARGEST_COVER:
            return 1.0
        return sum([self._inside(tap) for tap in range(self.kernel)]) / (self.kernel * self.positions)

    def _inside(self, tap: int) -> int:
        """Return the number of windows for which a tap falls on the map: 0 ≤ i·stride + first < size."""
        first = tap * self.dilation - self.pad[0]
        lowest = max(-(first // self.stride), 0)
        highest = min((self.size - 1 - first) // self.stride, self.positions - 1)
        return max(highest - lowest + 1, 0)

    def lost(self) -> tuple[tuple[int, int], ...] | None:
        """Return the elements that no window reads, as ranges (first, last); None for a very long axis."""
        if self.positions * self.kernel > _LARGEST_COVER or self.size > _LARGEST_COVER:
            return None
        starts = range(-self.pad[0], self.positions * self.stride - self.pad[0], self.stride)
        reached = {start + tap * self.dilation for start in starts for tap in range(self.kernel)}
        return ranges([place for place in range(self.size) if place not in reached])


def ranges(places: list[int]) -> tuple[tuple[int, int], ...]:
    """Return sorted numbers as ranges (first, last)."""
    found: list[tuple[int, int]] = []
    for place in places:
        if found and place == found[-1][1] + 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return tuple(found)
