"""Grids, their figures and fronts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

from cnncalc.language.loading import Spec, open_document, read_text
from cnncalc.studies.sweep.grid import Combination, Grid
from cnncalc.studies.sweep.jobs import Engine, SweepPlan, parts
from cnncalc.studies.sweep.points import Measure, Point
from cnncalc.studies.sweep.processes import PartTask, Processes, same
from cnncalc.studies.sweep.window import points_of

NET = """
args: {width: 4, groups: 1}
variants:
  plain:
  wide: {args: {width: 8}, expect: {params: 1}}
input: [2, 6, 6]
layers:
  - conv: {out_channels: width, kernel_size: 3, groups: groups}
"""


def document(text: str = NET) -> Spec:
    return read_text(text.encode(), "net.yaml")


def sweep(
    spec: Spec, grid: Grid, measure: Measure | None = None, start_engine: Callable[[], Engine] | None = None
) -> Iterator[Point]:
    for part in parts(spec, SweepPlan(grid, measure or Measure()), start_engine):
        yield from points_of(part.window, grid, part.lanes)


def test_the_last_named_varies_fastest() -> None:
    grid = Grid((None,), {"a": (1, 2), "b": (3, 4, 5)}, {"": ((1, 8), (1, 9))})
    assert grid.size == 12
    expected = [
        Combination(None, {"a": a, "b": b}, {"": (1, size)})
        for a, b, size in itertools.product((1, 2), (3, 4, 5), (8, 9))
    ]
    assert [grid[index] for index in range(12)] == expected


def test_a_grid_of_any_size_costs_nothing() -> None:
    values = tuple(range(1000))
    grid = Grid((None,), {f"a{number}": values for number in range(10)})
    assert grid.size == 1000**10
    assert grid[1000**10 - 1].args == dict.fromkeys(grid.args, 999)


def test_figures_of_every_combination() -> None:
    points = list(sweep(document(), Grid((None,), {"width": (4, 8)}, {"": ((2, 6, 6), (2, 5, 9))})))
    # so many filters as the width, of 2·3·3 and a bias, at 4·4 or 3·7 positions
    assert [(p.figures["params"], p.figures["macs"], p.figures["output"]) for p in points] == [
        (4 * 19, 4 * 18 * 16, (4, 4, 4)),
        (4 * 19, 4 * 18 * 21, (4, 3, 7)),
        (8 * 19, 8 * 18 * 16, (8, 4, 4)),
        (8 * 19, 8 * 18 * 21, (8, 3, 7)),
    ]
    first = points[0].figures
    assert first["flops"] == 2 * 4 * 18 * 16 + 4 * 16
    assert first["activations"] == 4 * 16
    assert (first["weight_bytes"], first["forward_bytes"]) == (4 * 4 * 19, 4 * 64)
    assert first["peak_bytes"] == 4 * (2 * 36 + 64)  # input and output are alive at once
    assert points[0].input == {"input": (2, 6, 6)}


def test_batch_and_dtype() -> None:
    (point,) = sweep(document(), Grid(), Measure(batch=3, dtype="float16", more=("receptive_field",)))
    assert point.figures["params"] == 76
    assert point.figures["macs"] == 3 * 4 * 18 * 16
    assert point.figures["weight_bytes"] == 2 * 76
    assert point.figures["forward_bytes"] == 3 * 2 * 64
    assert point.figures["receptive_field"] == (3, 3)


def test_a_failing_combination_is_a_point_with_its_error() -> None:
    points = list(sweep(document(), Grid((None,), {"groups": (1, 3, 2)})))
    assert [point.error is None for point in points] == [True, False, True]
    assert points[1].error == "net.yaml:8:57: conv 'conv1': groups = 3 does not divide in_channels = 2"


def test_published_figures_are_held_against_variants_only() -> None:
    plain, wide = sweep(document(), Grid(("plain", "wide")))
    assert (plain.unmet, wide.unmet) == ((), ("params should be 1, but is 152",))
    (changed,) = sweep(document(), Grid(("wide",), {"width": (8,)}))
    assert changed.unmet == ()


def test_several_processes_give_the_same_in_order() -> None:
    grid = Grid((None,), {"width": tuple(range(1, 40)), "groups": (1, 2, 3)})
    read = document().reader()
    errand = PartTask(read, partial(same, SweepPlan(grid, Measure())))
    processes = partial(Processes, errand, 2)
    assert list(sweep(document(), grid, start_engine=processes)) == list(sweep(document(), grid))


def test_published_figures_of_mobilenet_v2() -> None:
    # TF-slim's mobilenet README: million MACs, cut off, of width 1.0, 0.5, 0.35 at 224 and 96
    grid = Grid(("mobilenet_v2",), {"width": (1.0, 0.5, 0.35)}, {"": ((3, 224, 224), (3, 96, 96))})
    points = list(sweep(open_document("mobilenet_v2")[0], grid))
    macs = [point.figures["macs"] for point in points]
    assert [count // 10**6 for count in macs if isinstance(count, int)] == [300, 56, 97, 18, 59, 11]
