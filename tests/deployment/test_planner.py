"""The planner against tflite-micro's own way, against plans worked out by hand, and against its bound."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncalc.deployment import planner
from cnncalc.deployment.planner import Buffer, Plan, best, greedy, live, placed
from tests.patience import ends_soon


def reference(buffers: list[Buffer]) -> tuple[list[int], int]:
    """greedy_memory_planner.cc, CalculateOffsetsIfNeeded, line by line: reversed, bubble sort, a linked list by offset."""
    ids = list(range(len(buffers)))[::-1]
    swapped = True
    while swapped:  # ReverseSortInPlace
        swapped = False
        for i in range(len(ids) - 1):
            if buffers[ids[i]].size < buffers[ids[i + 1]].size:
                ids[i], ids[i + 1] = ids[i + 1], ids[i]
                swapped = True
    offsets = [-1] * len(buffers)
    by_offset: list[int] = []
    for number in ids:
        wanted = buffers[number]
        candidate = 0
        for other in by_offset:
            entry = buffers[other]
            if entry.first > wanted.last or wanted.first > entry.last:
                continue
            if offsets[other] - candidate >= wanted.size:
                break
            candidate = max(candidate, offsets[other] + entry.size)
        offsets[number] = candidate
        place = len([other for other in by_offset if offsets[other] <= candidate])
        by_offset.insert(place, number)
    return offsets, max((offsets[i] + buffers[i].size for i in ids), default=0)


lives = st.tuples(st.integers(0, 200), st.integers(0, 200)).map(sorted)
buffer_lists = st.lists(
    st.tuples(st.integers(1, 40), lives).map(lambda one: Buffer(16 * one[0], one[1][0], one[1][1])), max_size=40
)


def apart(plan: Plan) -> bool:
    """Return whether no two buffers that live at the same time overlap."""
    pairs = [(i, j) for i in range(len(plan.buffers)) for j in range(i)]
    return all(
        a.last < b.first or b.last < a.first or plan.offsets[i] + a.size <= plan.offsets[j]
        or plan.offsets[j] + b.size <= plan.offsets[i]
        for i, j in pairs for a, b in [(plan.buffers[i], plan.buffers[j])]
    )  # fmt: skip


@settings(deadline=None)
@given(buffer_lists)
def test_offsets_are_those_of_the_device(buffers: list[Buffer]) -> None:
    plan = greedy(buffers)
    assert (list(plan.offsets), plan.size) == reference(buffers)
    assert apart(plan)


@settings(deadline=None)
@given(buffer_lists)
def test_many_random_buffers_are_placed_as_on_the_device(buffers: list[Buffer]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "CROWDED", -1)
        plan = greedy(buffers)
    assert (list(plan.offsets), plan.size) == reference(buffers)


def test_beyond_64_bits_offsets_are_exact() -> None:
    buffers = [Buffer(2**62, 0, 3), Buffer(2**62, 0, 3), Buffer(2**62, 1, 2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "CROWDED", -1)
        assert greedy(buffers).size == 3 * 2**62


@settings(deadline=None)
@given(buffer_lists)
def test_a_better_plan_is_a_plan(buffers: list[Buffer]) -> None:
    found = best(buffers, 201)
    assert apart(found)
    assert max(live(buffers, 201)) <= found.size <= greedy(buffers).size


def test_ties_go_to_what_was_added_last() -> None:
    buffers = [Buffer(16, 0, 1), Buffer(32, 0, 1), Buffer(32, 0, 1)]
    assert greedy(buffers).offsets == (64, 32, 0)


def test_a_gap_is_filled_only_where_it_is_free_all_the_time() -> None:
    # a lies at 0 in steps 0–1, b behind it in 0–2; c wants steps 1–2 and fits neither before nor between
    a, b, c = Buffer(48, 0, 1), Buffer(32, 0, 2), Buffer(16, 1, 2)
    assert greedy([a, b, c]).offsets == (0, 48, 80)
    assert placed([a, b, c._replace(first=2)], [0, 1, 2]).offsets == (0, 48, 0)


def test_what_is_alive_is_summed() -> None:
    assert live([Buffer(16, 0, 1), Buffer(32, 1, 2), Buffer(64, 2, 2)], 3) == [16, 48, 96]


@pytest.mark.parametrize("longest", [1, 3, 200])
def test_ten_thousand_tensors_are_planned_at_once(longest: int) -> None:
    draw = random.Random(0)
    buffers = [Buffer(16 * draw.randint(1, 9999), i, min(i + draw.randint(1, longest), 9_999)) for i in range(10_000)]
    with ends_soon():
        plan = greedy(buffers)
    assert plan.size >= max(live(buffers, 10_000))
