"""Where tensors lie in memory: pieces that live at the same time never overlap, however many there are."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations

import pytest

from cnncalc.execution.layout import LINE, MemoryPiece, _in_order, _place


def drawn(seed: int) -> list[MemoryPiece]:
    chance = random.Random(seed)
    count = chance.choice([5, 50, 200])
    pieces = []
    for _ in range(count):
        birth = chance.randint(-1, count)
        pieces.append(
            MemoryPiece(LINE * chance.randint(0, 40), birth, birth + chance.randint(0, chance.choice([2, count])))
        )
    return pieces


def most_alive(pieces: list[MemoryPiece]) -> int:
    return max(sum(one.size for one in pieces if one.birth <= at.birth <= one.death) for at in pieces)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("place", [_place, _in_order])
def test_pieces_that_live_at_one_time_do_not_overlap(place: Callable[[list[MemoryPiece]], int], seed: int) -> None:
    pieces = drawn(seed)
    size = place(pieces)
    assert size == max(piece.start + piece.size for piece in pieces)
    assert size >= most_alive(pieces)
    for one, other in combinations(pieces, 2):
        if one.birth <= other.death and other.birth <= one.death and one.size and other.size:
            assert one.start + one.size <= other.start or other.start + other.size <= one.start


def test_the_smallest_gap_that_holds_a_piece_is_taken() -> None:
    """There are gaps of 3 lines and of 1 line: a piece of one line goes into the second."""
    sizes = [(3, 0, 0), (1, 0, 9), (1, 0, 0), (1, 0, 9), (1, 1, 9), (2, 2, 9), (1, 3, 9), (1, 4, 9)]
    pieces = [MemoryPiece(LINE * size, birth, death) for size, birth, death in sizes]
    assert _in_order(pieces) == 7 * LINE
    assert [piece.start // LINE for piece in pieces] == [0, 3, 4, 5, 4, 0, 2, 6]
