"""The names of the page of `run`."""

from __future__ import annotations

import pytest

from cnncalc.rendering.views.run import _beyond


@pytest.mark.parametrize(
    ("name", "other", "wanted"),
    [
        ("conv1", "relu1", "conv1"),
        ("stage1.block2.conv1", "stage1.block2.relu1", "conv1"),
        ("stage1.block2.conv1", "stage1.block1.relu1", "block2.conv1"),
        ("stage1.conv1", "stage1.conv1", "conv1"),
        ("a.b.c.d", "a.b", "c.d"),
        ("a.b", "a.b.c.d", "b"),
    ],
)
def test_a_carrier_is_named_by_what_sets_it_apart(name: str, other: str, wanted: str) -> None:
    assert _beyond(name, other) == wanted
