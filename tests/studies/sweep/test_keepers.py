"""Rows that a sweep keeps: fronts, the best ones, and those for which a condition holds."""

from __future__ import annotations

import random

import pytest

from cnncalc.ground.errors import CnncalcError
from cnncalc.language.loading import open_document
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.jobs import SweepPlan, parts
from cnncalc.studies.sweep.keepers import Best, Front, Keeper, Objective
from cnncalc.studies.sweep.points import FigureValue, Measure, Point
from cnncalc.studies.sweep.sampling import Sample
from cnncalc.studies.sweep.where import Condition
from cnncalc.studies.sweep.window import Window


def _point(**figures: int) -> Point:
    return Point(None, {"width": figures["params"]}, {"input": (1, 2, 2)}, {**figures})


def kept(keeper: Keeper, points: list[Point], at_a_time: int = 2) -> list[Point]:
    """Return the kept points if points come a few at a time."""
    for start in range(0, len(points), at_a_time):
        some = dict(enumerate(points[start : start + at_a_time]))
        keeper.add(Window(range(len(some)), [], some, []), Grid(), range(len(some)))
    return keeper.points()


def test_a_front_has_the_points_that_no_other_beats() -> None:
    points = [_point(params=p, macs=m) for p, m in ((5, 1), (3, 3), (4, 4), (1, 5), (3, 3), (1, 6))]
    front = Front([Objective("params"), Objective("macs")])
    assert kept(front, points) == [points[0], points[1], points[3], points[4]]


def test_a_front_may_maximise_a_figure() -> None:
    points = [_point(params=p, macs=m) for p, m in ((2, 10), (2, 9), (5, 20), (4, 21))]
    assert kept(Front([Objective("macs"), Objective("width", largest=True)]), points) == [points[1], points[2]]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_front_agrees_with_its_definition(count: int) -> None:
    rng = random.Random(count)
    names = ("params", "macs", "flops")[:count]
    points = [_point(**{"params": 0, **{name: rng.randrange(9) for name in names}}) for _ in range(150)]

    def beats(a: Point, b: Point) -> bool:
        one, other = [[(p.figures[name],) for name in names] for p in (a, b)]
        return one != other and all(x <= y for x, y in zip(one, other, strict=True))

    expected = [p for p in points if not any(beats(other, p) for other in points)]
    assert kept(Front([Objective(name) for name in names]), points, 7) == expected


def test_the_best_points_in_order_with_ties_as_they_came() -> None:
    points = [_point(params=p, macs=n) for n, p in enumerate((5, 3, 4, 1, 3, 1))]
    assert kept(Best(Objective("params"), 4), points) == [points[3], points[5], points[1], points[4]]
    assert kept(Best(Objective("params", largest=True), None), points)[:2] == [points[0], points[2]]


def test_figures_that_are_no_numbers_have_no_order() -> None:
    with pytest.raises(CnncalcError, match="kind = 'basic' is not a number"):
        kept(Best(Objective("kind"), 1), [Point(None, {"kind": "basic"}, {}, {})])


def test_columns_and_points_are_kept_alike() -> None:
    document, variant = open_document("mobilenet_v2")
    grid = Grid((variant,), {"width": [0.05 * n for n in range(1, 30)]}, {"": [(3, s, s) for s in range(32, 64, 2)]})
    objectives = [Objective("macs"), Objective("params", True), Objective("output")]
    found = []
    for more in ((), ("receptive_field",)):  # the second is built one by one
        keepers: list[Keeper] = [Front(objectives), Best(Objective("input", True), 9), Best(Objective("width"), 9)]
        for part in parts(document, SweepPlan(grid, Measure(more=more), where="macs < 40M and width * 100 % 10 == 0")):
            for keeper in keepers:
                keeper.add(part.window, grid, part.lanes)
        found.append([[(p.args, p.input, p.figures["macs"]) for p in keeper.points()] for keeper in keepers])
    assert found[0] == found[1]
    assert all(found[0])


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("macs <= 600M", True),
        ("macs <= 1k and peak < 1MB", False),
        ("peak_bytes == 256KiB and peak == 262144", True),
        ("weights < 1.5k or params > 1G", False),
        ("width * 100 % 5 == 0", True),
        ("kind == '600M'", True),
        ("input == 3072 and in_channels == 3 and in_height == 32 and in_width == 32", True),
        ("output[0] == 10", True),
        ("1.5k == 1500", True),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    figures: dict[str, FigureValue] = {
        "macs": 10**6,
        "params": 5,
        "peak_bytes": 2**18,
        "weight_bytes": 2000,
        "output": (10,),
    }
    condition = Condition(text, ("width", "kind"))
    assert condition.holds({"width": 0.25, "kind": "600M"}, figures, {"input": (3, 32, 32)}) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("macs <= 600X", "is not an expression"),
        ("mcas < 5", "unknown name 'mcas'"),
        ("__import__('os')", "unknown function"),
        ("1 / (macs - macs) > 0", "divides by zero"),
        ("kind", "a condition must be true or false"),
        ("0 < " + " + ".join(["len(range(100000))"] * 45), "takes more than 1,500,000 operations for one row"),
    ],
)
def test_conditions_that_can_not_be_read(text: str, message: str) -> None:
    with pytest.raises(CnncalcError, match=message):
        Condition(text, ("kind",)).holds({"kind": "a"}, {"macs": 1}, {})


def test_conditions_on_arguments_are_decided_before_anything_is_built() -> None:
    condition = Condition("macs < 5 and width > 1 and width < 3", ("width",))
    assert condition.figures == ("macs",)
    assert [condition.may_hold({"width": width}) for width in (1, 2, 3)] == [False, True, False]
    assert condition.may_hold({})


@pytest.mark.parametrize("size", [1, 2, 3, 100, 4097, 10**5])
def test_a_sample_of_all_has_each_once(size: int) -> None:
    assert sorted(Sample(size, 7, size).numbers(0, size)) == list(range(size))


@pytest.mark.parametrize("size", [10**6, 10**15, 3**200])
def test_a_sample_has_no_doubles_and_is_the_beginning_of_a_larger_one(size: int) -> None:
    large, small = Sample(size, 7, 3000), Sample(size, 7, 100)
    numbers = large.numbers(0, 3000)
    assert len(set(numbers)) == 3000
    assert max(numbers) < size
    assert small.numbers(0, 100) == numbers[:100] == [large.numbers(n, n + 1)[0] for n in range(100)]
    assert Sample(size, 8, 100).numbers(0, 100) != numbers[:100]
    mean = sum(numbers) / 3000 / size
    assert 0.45 < mean < 0.55  # 6 standard deviations of a uniform sample's mean
