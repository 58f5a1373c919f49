"""A run of a kernel as the NumPy calls that it comes to, to be made again and again on the same memory.

Run after run a kernel does the same: it takes views of its input, of what it makes and of scratch memory, and hands
them to NumPy.  On small maps the views cost as much as the arithmetic.  So a kernel that is run a second time only
names its calls; from then on, where the input lies where it lay and the memory for the output is free, they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.execution.kernels.arena import IDLE, address

if TYPE_CHECKING:
    from cnncalc.execution.kernels.arena import Arena, Room
    from cnncalc.execution.kernels.workers import Block, Workers
    from cnncalc.layers.ops import Array

MOST_VERSIONS = 4  # threads, beyond which their calls would take more memory than they save time

Do = Callable[..., None]
Call = tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]


def at_once(function: Callable[..., object], *args: Any, **options: Any) -> None:
    """Call a function that writes to arrays: a `Do` that records nothing."""
    function(*args, **options)


def make(calls: Sequence[Call]) -> None:
    """Make calls, one after the other."""
    for function, args, options in calls:
        function(*args, **options)


class Recorder:
    """Notes the calls that a kernel would make, and the rooms of the arena that it takes.

    Attributes:
        arrays: what the kernel is to be run on instead of the arrays given: they do not occupy their rooms, since the
            tape will go on to refer to them.
        complete: whether all that the kernel does was noted.
    """

    def __init__(self, arena: Arena, arrays: Sequence[Array], rooms: Sequence[Room]) -> None:
        """Prepare for arrays that lie in rooms of the arena."""
        self.arena = arena
        self.places = [(room, array.shape, array.strides) for room, array in zip(rooms, arrays, strict=True)]
        self.arrays = [room.view(array, room.unseen) for room, array in zip(rooms, arrays, strict=True)]
        self.calls: list[Call] = []
        self.rooms: list[Room] = []
        self.complete = True
        self._occupied: list[Any] = []  # until the tape is made

    def take(self, room: Room) -> Any:
        """Occupy a room; return its memory as the tape may refer to it."""
        self.rooms.append(room)
        self._occupied.append(room.memory[:1])
        return room.unseen

    def share(self, workers: Workers, work: Callable[[int, int], object], blocks: Sequence[Block]) -> None:
        """Note what threads share: the calls for each block, as each of the threads would make them."""
        if workers.threads > MOST_VERSIONS:
            self.complete = False
            return
        calls = self.calls
        versions: list[list[list[Call]]] = []
        for number in range(workers.threads):
            versions.append([])
            for start, stop in blocks:
                self.calls = []
                with workers.acting(number):
                    work(start, stop)
                versions[-1].append(self.calls)

        def play(block: int, _: int) -> None:
            make(versions[workers.number][block])

        self.calls = [*calls, (workers.run, (play, [(block, block + 1) for block in range(len(blocks))]), {})]

    def tape(self, result: Array) -> Tape | None:
        """Return the tape, which leaves what is found in `result`; None if not all was noted."""
        room = self.arena.room(result)
        self._occupied.clear()
        if room is None or not self.complete:
            return None
        return Tape(self, room, result)


class Tape:
    """The calls of one run: right as long as its arrays lie where they lay, and the rooms that it took are idle."""

    def __init__(self, recorder: Recorder, room: Room, result: Array) -> None:
        """Keep what was recorded, with a result that lies in `room`."""
        self.places = recorder.places
        self.calls = recorder.calls
        self.rooms = recorder.rooms
        self.room: Room | None = room
        self.layout = result.shape, result.dtype, address(result) - room.address, result.strides

    def play(self, arrays: Sequence[Array]) -> Array | None:
        """Make the calls again and return the result; None, and nothing is done, where that would not be right.

        Of a room, an operation always reads the same part.
        """
        if self.room is None:
            return None
        for array, (room, shape, strides) in zip(arrays, self.places, strict=False):
            if array.base is not room.memory or array.strides != strides or array.shape != shape:
                return None
        for room in self.rooms:
            if getrefcount(room.memory) > IDLE:
                return None
        shape, dtype, offset, strides = self.layout
        result: Array = np.ndarray(shape, dtype, self.room.memory, offset, strides)
        make(self.calls)
        return result

    def erase(self) -> None:
        """Let go of the memory; from now on there is nothing to play."""
        self.places, self.calls, self.rooms, self.room = [], [], [], None
