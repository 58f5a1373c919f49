"""``cnncalc.ground.orders``: orders and circles of small graphs, worked out by hand."""

from __future__ import annotations

import pytest

from cnncalc.ground.orders import circles, in_order


@pytest.mark.parametrize(
    ("needs", "order"),
    [
        ({"a": "", "b": "a", "c": "a", "d": "bc"}, "abcd"),
        ({"a": "d", "b": "", "c": "b", "d": ""}, "bcda"),  # d comes last in the file, and a waits for it
        ({"a": "b", "b": "a", "c": "", "d": "a"}, "c"),  # a and b form a circle, and d needs it
    ],
)
def test_each_item_follows_the_items_that_it_needs(needs: dict[str, str], order: str) -> None:
    assert "".join(in_order(needs, ord)) == order


def test_circles_are_groups_that_need_each_other() -> None:
    # 0 → 1 → 2 → 0, 2 → 3 → 4 → 3, and 5 alone
    found = circles([[1], [2], [0, 3], [4], [3], []])
    assert sorted(map(sorted, found)) == [[0, 1, 2], [3, 4], [5]]
