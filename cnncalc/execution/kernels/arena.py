"""Memory of feature maps that is used again: new pages cost more than the arithmetic on them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import prod
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array

POOLED = 1 << 12  # bytes from which an array's memory is worth keeping for the next one

UNJOINED: tuple[tuple[int, ...], int] = (), 0


def address(array: Any) -> int:
    """Return where the first element of an array lies."""
    first: int = array.__array_interface__["data"][0]
    return first


class Room:
    """A buffer, free for another array once no array refers to its memory.

    Attributes:
        memory: the bytes; an array on them occupies the room.
        unseen: the same bytes, for arrays that are not to occupy it.
        size: how many bytes there are.
        address: of the first.
        joined: what `join` noted last.
    """

    def __init__(self, size: int) -> None:
        """Make room for `size` bytes."""
        self.memory: Any = np.empty(size, np.uint8)
        self.unseen: Any = np.asarray(self.memory.data)  # a base of its own
        self.size = size
        self.address = address(self.memory)
        self.joined = UNJOINED

    @property
    def references(self) -> int:
        """How many refer to the memory."""
        return sys.getrefcount(self.memory)

    @property
    def idle(self) -> bool:
        """Whether no array occupies the room."""
        return self.references <= IDLE

    def join(self, shape: tuple[int, ...], used: int) -> None:
        """Note that a concatenation takes place in it: the shape of the whole, and how many channels are in use."""
        self.joined = shape, used

    def view(self, array: Array, memory: Any) -> Array:
        """Return an array that lies in this room, on its `memory` or its `unseen`."""
        offset = address(array) - self.address
        same: Array = np.ndarray(array.shape, array.dtype, memory, offset, array.strides)
        return same


IDLE = Room(1).references


Take = Callable[[Room], Any]
"""What occupies a room in its own way, and returns the memory to work on."""


class Arena:
    """The rooms."""

    def __init__(self, limit: int | None = None, forget: Callable[[], object] = lambda: None) -> None:
        """Keep at most `limit` bytes, None for no limit; call `forget` when a room is let go of."""
        self.limit = limit
        self.forget = forget
        self.rooms: list[Room] = []
        self._owners: dict[int, Room] = {}  # by the id of `memory` and of `unseen`

    def empty(self, shape: Sequence[int], dtype: Any, take: Take | None = None) -> Array:
        """Return an array of undefined content in C order."""
        needed = prod(shape) * np.dtype(dtype).itemsize
        if needed < POOLED:
            return np.empty(shape, dtype)
        room = self._fitting(needed) or self._add(needed)
        room.joined = UNJOINED
        memory = room.memory if take is None else take(room)
        array: Array = memory[:needed].view(dtype).reshape(shape)
        return array

    def room(self, array: Array) -> Room | None:
        """Return the room that an array lies in; None if it lies elsewhere."""
        return self._owners.get(id(array.base))

    def _fitting(self, needed: int) -> Room | None:
        """Return the smallest idle room that is large enough; the first of several.

        A room twice too large is taken only if there may not be another.  Where the same rooms are idle the choice is
        the same, so that tapes fit.
        """
        fitting = [room for room in self.rooms if room.size >= needed and room.idle]
        best = min(fitting, key=attrgetter("size"), default=None)
        return best if best is None or best.size <= 2 * needed or self._full(needed) else None

    def _full(self, needed: int) -> bool:
        """Tell whether one more room would be above the limit."""
        return self.limit is not None and sum(room.size for room in self.rooms) + needed > self.limit

    def _add(self, needed: int) -> Room:
        """Make a room, letting go of idle ones where the limit asks for it."""
        while self._full(needed) and self.let_go():
            pass
        room = Room(needed)
        self.rooms.append(room)
        self._owners[id(room.memory)] = self._owners[id(room.unseen)] = room
        return room

    def let_go(self) -> bool:
        """Let go of the idle room that was made last; return whether there was one."""
        room = next((room for room in reversed(self.rooms) if room.idle), None)
        if room is None:
            return False
        self.rooms.remove(room)
        del self._owners[id(room.memory)], self._owners[id(room.unseen)]
        self.forget()
        return True

    def clear(self) -> None:
        """Let go of all rooms."""
        self.rooms.clear()
        self._owners.clear()
        self.forget()

    def extended(self, first: Array, extra: int, again: int, do: Callable[..., object], take: Take | None) -> Array:
        """Return an array as `first` (N, *spatial, C) with `extra` channels more, of undefined content.

        A concatenation that goes on where an earlier one ended takes place in the same memory, as a list grows:
        DenseNet's blocks would else copy all that they have at each layer.  There is room for as many channels
        `again` times.  It is `do` that writes.
        """
        room = self.room(first)
        if room is not None:
            shape, used = room.joined
            if shape[:-1] == first.shape[:-1] and used == first.shape[-1] and used + extra <= shape[-1]:
                memory = room.memory if take is None else room.unseen
                whole = memory[: prod(shape) * first.itemsize].view(first.dtype).reshape(shape)
                if _same_memory(whole[..., :used], first):
                    do(room.join, shape, used + extra)
                    return whole[..., : used + extra]
        width = first.shape[-1] + extra
        whole = self.empty((*first.shape[:-1], width + again * extra), first.dtype, take)
        room = self.room(whole)
        if room is not None:
            do(room.join, whole.shape, width)
        out = whole[..., :width]
        do(np.copyto, out[..., : first.shape[-1]], first)
        return out


def _same_memory(a: Array, b: Array) -> bool:
    return a.strides == b.strides and address(a) == address(b)
