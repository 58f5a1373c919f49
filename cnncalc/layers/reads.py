"""Which input elements each output element of a layer reads; receptive fields follow from this rule.

A layer answers with *moves*, one after the other: its input laid out in another shape, its axes in another order,
or (last), axis by axis, the positions that each output position reads.  Positions are counted as if axes had no ends:
padding lies before position 0 and after the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import gcd
from typing import TypeAlias

from cnncalc.ground.named import NamedTuple
from cnncalc.layers.shapes import Shape

Reach: TypeAlias = "tuple[int, int] | None"
"""The first and the last position that are read; None if none is."""


class Ranges(NamedTuple):
    """The positions of an input axis that each position of an output axis reads.

    Attributes:
        period: the pattern repeats after this many output positions.
        growth: offset of the next repetition; None: the pattern does not repeat, and positions outside 0 … period − 1
            read nothing.
        of: the span that a position from 0 to period − 1 reads.
        step: the distance between neighbouring positions that are read within a span.
    """

    period: int
    growth: int | None
    of: Callable[[int], Reach]
    step: int = 1


class Read(NamedTuple):
    """How the output reads one axis of an input.

    Attributes:
        axis: the output axis on which the reading depends; None: all output elements read the same positions.
        ranges: the positions that each output position reads; None: only the same position, or without an axis all of
            them.
        is_exact: False where an output element may read less.
    """

    axis: int | None
    ranges: Ranges | None = None
    is_exact: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether all output elements read all of the axis."""
        return self.axis is None and self.ranges is None and self.is_exact


WHOLE = Read(None)


class Along(NamedTuple):
    """Every axis of the input separately: one Read per axis."""

    reads: tuple[Read, ...]


class Reshaped(NamedTuple):
    """The same elements, in the same order, in another shape."""

    shape: Shape


class Permuted(NamedTuple):
    """The axes in another order: axis i of the output is axis ``order[i]`` of the input."""

    order: tuple[int, ...]


Move: TypeAlias = "Along | Reshaped | Permuted"
Reads: TypeAlias = "tuple[tuple[Move, ...], ...]"
"""The moves of every input."""


def along(*reads: Read) -> Reads:
    """Return the reads of a layer that has one input and treats its axes separately."""
    return ((Along(reads),),)


def kept(count: int) -> list[Read]:
    """Return ``count`` axes on which every output position reads the same position."""
    return [Read(axis) for axis in range(count)]


def whole(count: int, *axes: int) -> Reads:
    """Return the reads of a layer of ``count`` axes that reads some of them whole, and keeps the others."""
    return along(*[WHOLE if axis in axes else Read(axis) for axis in range(count)])


@lru_cache(1024)
def sliding(kernel: int, stride: int = 1, before: int = 0, dilation: int = 1) -> Ranges:
    """Return windows of ``kernel`` taps: position j reads ``j·stride − before + t·dilation``."""
    ends = -before, dilation * (kernel - 1) - before
    return Ranges(1, stride, lambda _: ends, dilation)


@lru_cache(1024)
def spreading(kernel: int, stride: int, before: int, dilation: int) -> Ranges:
    """Return the reads of a transposed convolution: position j reads every i with ``i·stride + t·dilation = j +
    before``.

    The taps t that reach a position are ``stride / gcd(stride, dilation)`` apart, if there are any (Dumoulin and
    Visin 2016, arXiv:1603.07285, section 4).
    """
    common = gcd(stride, dilation)
    apart, inverse = stride // common, pow(dilation // common, -1, stride // common)

    def of(position: int) -> Reach:
        place = position + before
        if place % common:
            return None
        least = place // common * inverse % apart
        if least >= kernel:
            return None
        most = least + (kernel - 1 - least) // apart * apart
        return (place - most * dilation) // stride, (place - least * dilation) // stride

    return Ranges(stride, 1, of, dilation // common)


def repeated(times: int) -> Ranges:
    """Return positions that are each read by ``times`` consecutive output positions."""
    return Ranges(times, 1, lambda _: (0, 0))


def grouped(size: int, out: int) -> Ranges:
    """Return blocks of ``size`` positions; ``out`` output positions read each block whole."""
    return Ranges(out, size, lambda _: (0, size - 1))


def binned(size: int, out: int) -> Ranges:
    """Return bins: position i reads from ``⌊i·size / out⌋`` up to before ``⌈(i + 1)·size / out⌉``."""
    common = gcd(size, out)
    return Ranges(out // common, size // common, lambda i: (i * size // out, -(-(i + 1) * size // out) - 1))


def part(start: int, size: int, out: int) -> Ranges:
    """Return one input of a concatenation: its ``size`` positions from ``start`` on, of ``out`` in all."""
    return Ranges(out, None, lambda i: (i - start, i - start) if start <= i < start + size else None)


def cycled(size: int) -> Ranges:
    """Return ``size`` positions that are read cyclically."""
    return Ranges(size, 0, lambda i: (i, i))


def listed(positions: Sequence[int]) -> Ranges:
    """Return given positions, one for each output position."""
    return Ranges(len(positions), None, lambda i: (positions[i], positions[i]))


def summed(size: int, reverse: bool = False, exclusive: bool = False) -> Ranges:
    """Return for each of ``size`` positions those before it and, but where that is exclusive, itself.

    With ``reverse`` those after it.
    """
    if reverse:
        return Ranges(size, None, lambda i: (i + exclusive, size - 1) if i + exclusive < size else None)
    return Ranges(size, None, lambda i: (0, i - exclusive) if i >= exclusive else None)


def interpolated(
    size: int, out: int, factor: float | None, neighbours: int, places: str = "half_pixel", is_rounded: bool = False
) -> Ranges:
    """Return the reads of an interpolation from ``size`` to ``out`` positions.

    Args:
        size: positions of the input.
        out: positions of the output.
        factor: output positions per input position; None: ``out / size``.
        neighbours: positions read on each side of a place, unless the place is a position; 0: the one at the place or
            before it.
        places: how input and output are aligned: the elements' centres (``half_pixel``), their first corners
            (``asymmetric``), or the centres of both the first and the last elements (``corners``).
        is_rounded: whether a place is rounded to the next position.
    """
    if size == 1:
        return Ranges(out, 1, lambda _: (0, 0))
    below, above = (out, size) if factor is None else factor.as_integer_ratio()
    if places == "corners":
        below, above = max(out - 1, 1), size - 1
    common = gcd(above, below)
    above, below = above // common, below // common
    shift = (above - below) * (places == "half_pixel") + below * is_rounded
    if factor is not None and below > out and not neighbours:  # not a simple fraction: multiply as floats
        ahead, step = shift / (2 * below), 1 / factor
        return Ranges(out, size, lambda i: (min(max(int(i * step + ahead), 0), size - 1),) * 2)

    def of(position: int) -> Reach:
        at, rest = divmod(2 * position * above + shift, 2 * below)
        return (at - neighbours + 1, at + neighbours) if rest and neighbours else (at, at)

    return Ranges(below, above, of)
