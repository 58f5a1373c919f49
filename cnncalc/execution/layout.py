"""The memory layout: one piece of memory for all tensors, planned before the first pass from their lifetimes.

New pages cost more than the arithmetic on them, so memory of dead tensors is reused.  Greedy by size: Pisarchyk and
Lee 2020, "Efficient memory management for deep neural net inference", arXiv:2001.03288.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from cnncalc.execution.plan import Step
from cnncalc.execution.tuning import MOST_SORTED
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.layers.merge.concat import Concat

LINE = 64  # bytes; all pieces begin at a line of the cache


@dataclass
class MemoryPiece:
    """Memory that is in use from one step to another, inclusive.

    Attributes:
        size: bytes.
        birth, death: numbers of steps.
        width: channels of a chain of concatenations that share it; 0 for others.
        start: offset in bytes.
    """

    size: int
    birth: int
    death: int
    width: int = 0
    start: int = 0


class Layout(NamedTuple):
    """The pieces of a plan.

    Attributes:
        homes: the piece of each tensor; views and kept tensors have none.
        rooms: the additional piece that each step's kernel needs; None for most.
        size: total bytes.
    """

    homes: dict[Tensor, MemoryPiece]
    rooms: list[MemoryPiece | None]
    size: int


def layout(
    network: Graph, steps: Sequence[Step], kept: set[Tensor], batch: int, itemsize: int, rooms: Sequence[int]
) -> Layout:
    """Lay out the tensors of a plan.

    Sizes are the inferred ones; they only reserve memory. An array that does not fit its piece gets separate memory,
    and its step is reported.

    Args:
        network: what is run.
        steps: its plan.
        kept: tensors that outlive the run; they get separate memory.
        batch: samples.
        itemsize: bytes of an element.
        rooms: additional elements that each step's kernel needs.
    """
    last = _last_uses(network, steps, kept)
    homes: dict[Tensor, MemoryPiece] = {}

    def own(tensor: Tensor, number: int) -> MemoryPiece:
        piece = MemoryPiece(_rounded(tensor.elements(batch) * itemsize), number, last.get(tensor, number))
        homes[tensor] = piece
        return piece

    for tensor in network.inputs.values():
        if tensor in last:
            own(tensor, -1)
    chains = _chains(steps)
    for number, step in enumerate(steps):
        output = step.output
        if output in kept:
            continue
        if may_alias(step):
            if output.layer.is_view and not output.layer.aliases:  # in another memory order it is a copy
                own(output, number)
            continue
        head, width = chains.get(output, (output, 0))
        if head is not output and head in homes:
            piece = homes[output] = homes[head]
            piece.death = max(piece.death, last[output])
            continue
        piece = own(output, number)
        if width:
            piece.width = width
            piece.size = _rounded(piece.size // output.shape[0] * width)
    beside = [MemoryPiece(_rounded(size * itemsize), i, i) if size else None for i, size in enumerate(rooms)]
    unique = {id(piece): piece for piece in [*homes.values(), *filter(None, beside)]}
    return Layout(homes, beside, _place(list(unique.values())))


def _last_uses(network: Graph, steps: Sequence[Step], kept: set[Tensor]) -> dict[Tensor, int]:
    """Return the number of the last step that uses each tensor, directly or through views; outputs live to the end."""
    last: dict[Tensor, int] = {}
    for number, step in enumerate(steps):
        for tensor in (step.output, *step.reads):
            last[tensor] = number
    last.update(dict.fromkeys(network.outputs.values(), len(steps)))
    for step in reversed(steps):
        if may_alias(step) and step.output not in kept:
            last[step.inputs[0]] = max(last[step.inputs[0]], last[step.output])
    return last


def _chains(steps: Sequence[Step]) -> dict[Tensor, tuple[Tensor, int]]:
    """Return, for each concatenation, the first of its chain and the number of channels of the last.

    In a dense block each concatenation begins with the previous one, so that they can share memory that grows.
    """
    joined = [step.carrier for step in steps if joins_channels(step.carrier)]
    following: dict[Tensor, Tensor] = {}
    for node in joined:
        following.setdefault(node.inputs[0], node)
    chains: dict[Tensor, tuple[Tensor, int]] = {}
    for node in joined:
        if node in chains:
            continue
        members: list[Tensor] = [node]
        while members[-1] in following:
            members.append(following[members[-1]])
        if len(members) > 1:
            chains.update(dict.fromkeys(members, (node, members[-1].shape[0])))
    return chains


def joins_channels(node: Node) -> bool:
    """Return whether a node is a concatenation along the channels of maps."""
    return isinstance(node.layer, Concat) and len(node.shape) > 1 and node.layer.axis in (0, -len(node.shape))


def may_alias(step: Step) -> bool:
    """Return whether a step's output may be a view of its input."""
    layer = step.carrier.layer
    return len(step.nodes) == 1 and bool(step.inputs) and (layer.aliases or layer.is_view)


def _rounded(size: int) -> int:
    return -(-size // LINE) * LINE


def _place(pieces: list[MemoryPiece]) -> int:
    """Set the offset of every piece; return the total size."""
    if len(pieces) > MOST_SORTED:
        return _in_order(pieces)
    placed: list[MemoryPiece] = []
    for piece in sorted(pieces, key=lambda piece: (-piece.size, piece.birth)):
        around = [other for other in placed if other.birth <= piece.death and piece.birth <= other.death]
        piece.start = _gap(around, piece.size)
        placed.append(piece)
    return max((piece.start + piece.size for piece in pieces), default=0)


def _in_order(pieces: list[MemoryPiece]) -> int:
    """Set the offset of every piece in order of birth: in the smallest gap, or else at the end."""
    free = _FreeMemory()
    alive: list[tuple[int, int, int]] = []  # a heap of deaths, with offsets and sizes
    for piece in sorted(filter(lambda piece: piece.size, pieces), key=lambda piece: piece.birth):
        while alive and alive[0][0] < piece.birth:
            free.put(*heappop(alive)[1:])
        piece.start = free.take(piece.size)
        heappush(alive, (piece.death, piece.start, piece.size))
    return max((piece.start + piece.size for piece in pieces), default=0)


class _FreeMemory:
    """The gaps between live pieces, and the end of the last one."""

    def __init__(self) -> None:
        self.end = 0
        self.gaps: list[tuple[int, int]] = []  # (size, start), in order
        self.starts: dict[int, int] = {}  # the size of the gap that begins there
        self.ends: dict[int, int] = {}  # the size of the gap that ends there

    def take(self, size: int) -> int:
        """Return the offset of the smallest gap that holds ``size``, or else the end of the last piece."""
        at = bisect_left(self.gaps, (size, 0))
        if at == len(self.gaps):
            start, self.end = self.end, self.end + size
            return start
        room, start = self.gaps[at]
        self._forget(room, start)
        if room > size:
            self._note(room - size, start + size)
        return start

    def put(self, start: int, size: int) -> None:
        """Take back the memory of a dead piece, and merge it with adjacent gaps."""
        before, behind = self.ends.get(start), self.starts.get(start + size)
        if before is not None:
            self._forget(before, start - before)
            start, size = start - before, size + before
        if behind is not None:
            self._forget(behind, start + size)
            size += behind
        if start + size == self.end:
            self.end = start
        else:
            self._note(size, start)

    def _note(self, size: int, start: int) -> None:
        insort(self.gaps, (size, start))
        self.starts[start] = self.ends[start + size] = size

    def _forget(self, size: int, start: int) -> None:
        del self.gaps[bisect_left(self.gaps, (size, start))], self.starts[start], self.ends[start + size]


def _gap(around: list[MemoryPiece], size: int) -> int:
    """Return the offset of the smallest gap that holds `size`, or else the end of the last piece."""
    end, best, best_size = 0, -1, 0
    for other in sorted(around, key=lambda other: other.start):
        room = other.start - end
        if room >= size and (best < 0 or room < best_size):
            best, best_size = end, room
        end = max(end, other.start + other.size)
    return best if best >= 0 else end
