"""A layer's products and sums as an accelerator's loops: matrix products and windows on maps."""

from __future__ import annotations

from math import prod

from cnncalc.ground.named import NamedTuple


class WindowedAxis(NamedTuple):
    """An axis of a map that windows slide along.

    Attributes:
        kernel: taps of a window.
        stride: the step from one window to the next.
        dilation: the step from one tap to the next.
        windows: number of windows.
    """

    kernel: int
    stride: int
    dilation: int
    windows: int


class Contraction(NamedTuple):
    """A product of matrices (rows, channels) · (channels, filters); with axes, each row is a window.

    Attributes:
        channels: length of the sum besides the window's taps, in one group.
        filters: columns of the second factor, in one group.
        rows: rows of the first factor besides the windows.
        axes: the axes that windows slide along, the last one fastest.
        groups: number of such products on separate data, at once.
        turns: number of sequential repetitions of all that.
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
