"""What a layer multiplies and sums, as the loops that an accelerator runs: products of matrices and windows on maps."""

from __future__ import annotations

from math import prod

from cnncalc.ground.named import NamedTuple


class WindowedAxis(NamedTuple):
    """An axis of a map that windows slide along.

    Attributes:
        kernel: taps of a window.
        stride: the step from one window to the next.
        dilation: the step from one tap to the next.
        windows: how many there are.
    """

    kernel: int
    stride: int
    dilation: int
    windows: int


class Contraction(NamedTuple):
    """A product of matrices (rows, channels) · (channels, filters), each row being a window where axes are given.

    Attributes:
        channels: what is summed beside a window's taps, in one group.
        filters: columns of the second factor, in one group.
        rows: rows of the first factor beside the windows.
        axes: the axes that windows slide along, the last one fastest.
        groups: how many such products there are on other data, at once.
        turns: how often all that comes, one after the other.
    """

    channels: int
    filters: int
    rows: int = 1
    axes: tuple[WindowedAxis, ...] = ()
    groups: int = 1
    turns: int = 1

    @property
    def macs(self) -> int:
        """The multiply-accumulates, for one sample."""
        window = prod([axis.kernel * axis.windows for axis in self.axes])
        return self.turns * self.groups * self.rows * window * self.channels * self.filters
