"""Closed forms of patterns against each position computed separately."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from cnncalc.figures.patterns import NOTHING, Pattern, PatternBudget, through, union
from cnncalc.layers.reads import Ranges, Reach, binned, grouped, interpolated, part, repeated, sliding, spreading

PLENTY = 10**9


def ranges(random: Random, count: int) -> Ranges:
    """Return ranges of a random kind."""
    number = random.randint
    kinds: list[Callable[[], Ranges]] = [
        lambda: sliding(number(1, 5), number(1, 4), number(-3, 3), number(1, 3)),
        lambda: spreading(number(1, 5), number(1, 4), number(0, 2), number(1, 3)),
        lambda: repeated(number(1, 4)),
        lambda: grouped(number(1, 4), number(1, 4)),
        lambda: binned(number(1, 9), number(1, 9)),
        lambda: part(number(0, 3), number(1, 5), count),
        lambda: interpolated(
            number(1, 9),
            number(1, 9),
            None,
            number(0, 2),
            random.choice(["half_pixel", "asymmetric", "corners"]),
            random.random() < 0.3,
        ),
    ]
    return random.choice(kinds)()


def span(of: Ranges, position: int) -> Reach:
    turns, place = divmod(position, of.period)
    ends = of.of(place)
    if ends is None or (turns and of.growth is None):
        return None
    return ends[0] + turns * (of.growth or 0), ends[1] + turns * (of.growth or 0)


def one_by_one(pattern: Pattern, of: Ranges, position: int) -> tuple[int, int]:
    """Return what a position sees through positions of a pattern, by looking at each of these."""
    ends = span(of, position)
    seen = [pattern.at(i) for i in range(ends[0], ends[1] + 1, of.step)] if ends else []
    first, last = min([low for low, _ in seen], default=NOTHING), max([high for _, high in seen], default=-NOTHING)
    return (first, last) if first <= last else (NOTHING, -NOTHING)


def shown(ends: tuple[int, int]) -> tuple[int, int]:
    return ends if ends[0] <= ends[1] else (NOTHING, -NOTHING)


@pytest.mark.parametrize("seed", range(300))
def test_windows_over_windows(seed: int) -> None:
    random = Random(seed)
    pattern, sizes = Pattern((0,), (0,), 1), []
    for _ in range(random.randint(1, 4)):
        count = random.randint(1, 30)
        of = ranges(random, count)
        found = through(pattern, of, count, PatternBudget(PLENTY))
        assert found is not None
        beyond = 2 * count if len(found.first) < count and found.growth is not None else count
        for position in range(count - beyond, beyond):  # if the axis is no multiple of the period, beyond its ends, too
            assert shown(found.at(position)) == one_by_one(pattern, of, position), (seed, position)
        sizes = [max(found.at(i)[1] - found.at(i)[0] + 1, 0) for i in range(count)]
        assert max(found.sizes(count)) == max(sizes)
        assert min(found.sizes(count)) == min(sizes)
        if max(sizes):
            assert found.hull(count) == (
                min(found.at(i)[0] for i in range(count)),
                max(found.at(i)[1] for i in range(count)),
            )
        pattern = found


@pytest.mark.parametrize("seed", range(100))
def test_unions(seed: int) -> None:
    random = Random(seed)
    count = random.randint(1, 30)
    patterns = []
    for _ in range(random.randint(2, 3)):
        pattern = through(Pattern((0,), (0,), 1), ranges(random, count), count, PatternBudget(PLENTY))
        assert pattern is not None
        patterns.append(pattern)
    found = union(patterns, count, PatternBudget(PLENTY))
    assert found is not None
    for position in range(count):
        ends = [one.at(position) for one in patterns]
        assert shown(found.at(position)) == shown((min(ends)[0], max(last for _, last in ends)))


def test_work_is_bounded() -> None:
    uneven = through(Pattern((0,), (0,), 1), interpolated(997, 991, None, 1), 991, PatternBudget(PLENTY))
    assert uneven is not None
    assert through(uneven, sliding(3), 991, PatternBudget(990)) is None
    assert union([uneven, Pattern((0,), (0,), 1)], 991, PatternBudget(990)) is None
    assert through(Pattern((0,), (0,), 2**60), sliding(3), 5, PatternBudget(PLENTY)) is None  # strides beyond any input


def test_joined_parts_without_a_break_are_one_pattern() -> None:
    """Position 0 sees element 2, and position 1 element 3: each sees the element two further on."""
    left, right = Pattern((2, NOTHING), (2, -NOTHING), None), Pattern((NOTHING, 3), (-NOTHING, 3), None)
    assert union([left, right], 2, PatternBudget(PLENTY)) == Pattern((2,), (2,), 1)


def test_a_pattern_that_is_longer_than_its_axis_repeats_after_the_axis() -> None:
    """It advances by 12 elements in three positions, so by 8 in the two that the axis has."""
    windows = Pattern((0, 1, 5), (0, 2, 6), 12)
    found = through(windows, sliding(1), 2, PatternBudget(PLENTY))
    assert found == Pattern((0, 1), (0, 2), 8)
    assert union([windows, Pattern((0,), (1,), 4)], 2, PatternBudget(PLENTY)) == Pattern((0, 1), (1, 5), 8)
