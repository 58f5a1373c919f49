"""Memory of feature maps that is used again: new pages cost more than the arithmetic on them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array

POOLED = 1 << 16  # bytes from which an array's memory is worth keeping for the next one


class Arena:
    """Buffers, each free for another array once no array refers to it."""

    def __init__(self, limit: int | None = None) -> None:
        """Keep at most `limit` bytes; None for no limit."""
        self.limit = limit
        self._buffers: list[Any] = [np.empty(1, np.uint8)]
        self._idle = sys.getrefcount(self._buffers[0])  # of a buffer that only the list refers to
        self._buffers.clear()
        self._latest: dict[int, int] = {}  # by bytes: the index of the buffer that was used last
        self._joined: dict[int, tuple[tuple[int, ...], int]] = {}  # by buffer: shape of the whole, channels in use

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        """Return an array of undefined content in C order."""
        needed = prod(shape) * np.dtype(dtype).itemsize
        if needed < POOLED:
            return np.empty(shape, dtype)
        best = self._latest.get(needed, -1)
        if best < 0 or not self._idle_at(best):
            best = self._latest[needed] = self._fitting(needed)
        self._joined.pop(id(self._buffers[best]), None)
        return self._buffers[best][:needed].view(dtype).reshape(shape)

    def _fitting(self, needed: int) -> int:
        """Return the index of the smallest idle buffer that is large enough, but not twice too large; of a new one."""
        best, buffers = -1, self._buffers
        for i in range(len(buffers)):  # no name for the buffer itself: it would be a reference
            size = buffers[i].nbytes
            if needed <= size <= 2 * needed and (best < 0 or size < buffers[best].nbytes) and self._idle_at(i):
                best = i
        return best if best >= 0 else self._add(needed)

    def _add(self, needed: int) -> int:
        """Make a buffer, letting go of idle ones where the limit asks for it; return its index."""
        held = sum(buffer.nbytes for buffer in self._buffers)
        for i in reversed(range(len(self._buffers))):
            if self.limit is not None and held + needed > self.limit and self._idle_at(i):
                self._joined.pop(id(self._buffers[i]), None)
                held -= self._buffers.pop(i).nbytes
                self._latest.clear()  # indices have moved
        self._buffers.append(np.empty(needed, np.uint8))
        return len(self._buffers) - 1

    def _idle_at(self, index: int) -> bool:
        return sys.getrefcount(self._buffers[index]) <= self._idle

    def extended(self, first: Array, extra: int, again: int = 0) -> Array:
        """Return an array as `first` (N, *spatial, C) with `extra` channels more, of undefined content.

        A concatenation that goes on where an earlier one ended takes place in the same memory, as a list grows:
        DenseNet's blocks would else copy all that they have at each layer.  There is room for as many channels
        `again` times.
        """
        base: Any = first.base
        shape, used = self._joined.get(id(base), ((), 0))
        if shape[:-1] == first.shape[:-1] and used == first.shape[-1] and used + extra <= shape[-1]:
            whole = base[: prod(shape) * first.itemsize].view(first.dtype).reshape(shape)
            if _same_memory(whole[..., :used], first):
                self._joined[id(base)] = shape, used + extra
                return whole[..., : used + extra]
        width = first.shape[-1] + extra
        whole = self.empty((*first.shape[:-1], width + again * extra), first.dtype)
        if whole.base is not None:
            self._joined[id(whole.base)] = whole.shape, width
        out = whole[..., :width]
        out[..., : first.shape[-1]] = first
        return out


def _same_memory(a: Array, b: Array) -> bool:
    return a.strides == b.strides and a.__array_interface__["data"] == b.__array_interface__["data"]
