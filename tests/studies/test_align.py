"""Alignments: the example of Myers' paper, properties of all alignments, and ties."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cnncalc.studies.compare.align import MAX_CELLS, AlignedPair, Line, align


def lines(text: str, names: str = "") -> list[Line]:
    """Return one item per letter; a and A have the same type, but are not equal."""
    return [Line(letter, letter.lower(), name) for letter, name in zip(text, names or text, strict=True)]


def same(a: Sequence[Line], b: Sequence[Line], pairs: list[AlignedPair]) -> int:
    return sum(i is not None and j is not None and a[i].key == b[j].key for i, j in pairs)


def longest_common(a: Sequence[Line], b: Sequence[Line]) -> int:
    """Return the length of a longest common subsequence (Cormen et al., Introduction to Algorithms, 15.4)."""
    lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            above = max(lengths[i][j + 1], lengths[i + 1][j])
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if left.key == right.key else above
    return lengths[-1][-1]


def test_the_example_of_myers_1986() -> None:
    a, b = lines("abcabba"), lines("cbabac")
    pairs = list(align(a, b))
    assert same(a, b, pairs) == 4  # Figure 1: a longest common subsequence has 4 letters, the shortest script 5 edits
    assert sum(i is None or j is None for i, j in pairs) == 5


@given(*[st.lists(st.sampled_from("abAB"), max_size=9).map("".join) for _ in range(2)])
def test_every_item_occurs_once_in_order_and_as_many_as_possible_are_kept(left: str, right: str) -> None:
    a, b = lines(left), lines(right)
    pairs = list(align(a, b))
    assert [i for i, _ in pairs if i is not None] == list(range(len(a)))
    assert [j for _, j in pairs if j is not None] == list(range(len(b)))
    assert all(a[i].type == b[j].type for i, j in pairs if i is not None and j is not None)
    assert same(a, b, pairs) == longest_common(a, b)


def test_names_decide_between_equal_items() -> None:
    assert list(align(lines("rr", "12"), lines("rrr", "012"))) == [(None, 0), (0, 1), (1, 2)]
    assert list(align(lines("rr", "12"), lines("rrr", "123"))) == [(0, 0), (1, 1), (None, 2)]


def test_remaining_items_are_paired_by_type() -> None:
    assert list(align(lines("xAz"), lines("xaz"))) == [(0, 0), (1, 1), (2, 2)]
    assert list(align(lines("xAz"), lines("xbz"))) == [(0, 0), (1, None), (None, 1), (2, 2)]


def test_of_very_long_lists_the_equal_ends_are_found() -> None:
    half = "r" * 1_500
    a, b = lines(half + "x" + half), lines(half + "yy" + half, "n" * 3_002)
    assert len(a) * len(b) > MAX_CELLS
    pairs = list(align(a, b))
    assert same(a, b, pairs) == 3_000
    assert pairs[1_500:1_503] == [(1_500, None), (None, 1_500), (None, 1_501)]
