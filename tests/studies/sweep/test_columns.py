"""Sweeps by columns give the figures of networks built one by one: for every layer type, and for whole families."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from cnncalc.language.loading import open_document, read_text
from cnncalc.layers import layer_types
from cnncalc.layers.base import Layer, Use
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.columns import Columns
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.points import Measure, Point, point
from cnncalc.studies.sweep.program import Program
from cnncalc.studies.sweep.tape import Tape
from cnncalc.studies.sweep.traced import source
from cnncalc.studies.sweep.window import Window, points_of
from tests.layers.building import frozen, known, make

# --- every layer type: its rules on traced arguments and shapes -----------------------------------------------------


def parts(item: str, inputs: tuple[Shape, ...]) -> tuple[type[Layer], dict[str, Any], tuple[Shape, ...]]:
    """Return an item's class, its arguments and its input shapes."""
    content = yaml.safe_load(item)
    name, given = (content, {}) if isinstance(content, str) else next(iter(content.items()))
    cls = known(name)
    given = given if isinstance(given, dict) else {next(iter(cls.arguments)): given}
    return cls, {key: frozen(value) for key, value in (given or {}).items()}, inputs


def replaced(value: Any, numbers: Any) -> Any:
    """Return a value with its numbers replaced by the next ones of a sequence."""
    if isinstance(value, tuple):
        return tuple([replaced(item, numbers) for item in value])
    return next(numbers) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def leaves(value: Any) -> list[int | float]:
    if isinstance(value, tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def counted(use: Use) -> list[Any]:
    return [len(use.output), *use.output, use.params, use.buffers, use.macs, -1 if use.flops is None else use.flops]


def applied(cls: type[Layer], names: list[str], values: tuple[Any, ...]) -> list[Any]:
    *arguments, inputs = values
    return counted(cls(**dict(zip(names, arguments, strict=True))).apply(inputs))


@pytest.mark.parametrize("name", layer_types())
def test_the_rules_of_every_layer_type_on_traced_numbers(name: str) -> None:
    example = known(name).example
    cls, given, inputs = parts(example.item, example.inputs)
    names, values = list(given), (*given.values(), inputs)
    rng = random.Random(name)
    own = leaves(values)
    lanes = [own]
    for _ in range(60):
        lane = list(own)
        for _ in range(rng.randint(1, 2)):
            at = rng.randrange(len(own)) if own else 0
            lane[at] = max(0, own[at] + rng.choice([-1, 1, 2, 3])) if isinstance(own[at], int) else own[at] * 1.25
        lanes.append(lane)
    tape = Tape()
    columns = [list(column) for column in zip(*lanes, strict=True)]
    traced = [source(tape, (at,), own[at], (min(column), max(column))) for at, column in enumerate(columns)]
    results = applied(cls, names, replaced(values, iter(traced)))
    assert [getattr(result, "value", result) for result in results] == counted(make(example.item).apply(inputs))
    fits, found = Program(tape, results).play(lambda key: np.array(columns[key[0]]), len(lanes))
    assert fits[0]
    held = [lane for lane, holds in zip(lanes, fits, strict=True) if holds]
    rows = zip(
        *[value.tolist() if isinstance(value, np.ndarray) else [value] * len(held) for value in found], strict=True
    )
    for lane, row in zip(held, rows, strict=True):
        assert list(row) == applied(cls, names, replaced(values, iter(lane)))


# --- whole networks -------------------------------------------------------------------------------------------------

RANDOM = """
args: {width: 8, groups: 1, kernel: 3, rows: [[16, 2], [24, 1]], bias: true, mode: relu, ratio: 0.5}
input: [3, 24, 24]
blocks:
  unit:
    args: {channels, stride: 1}
    layers:
      - conv: {out_channels: channels, kernel_size: kernel, stride: stride, padding: same, bias: bias}
      - batchnorm
      - relu:
        when: mode == 'relu'
      - gelu:
        when: mode != 'relu'
layers:
  - unit: {channels: "make_divisible(width * ratio * 4, 4)"}
  - for: c, s in rows
    unit: {channels: c * width // 8 + groups, stride: s}
  - add:
      paths: [[], [{conv: {out_channels: in_channels, kernel_size: 1}}]]
  - adaptive_avgpool: 1
  - flatten
  - linear: max(width, 10) if width > 5 else round(width * 1.5)
"""
SIZES = tuple((3, size, size) for size in range(30, 60, 3))
UNET = Path(__file__).parents[3] / "benchmarks" / "specs" / "unet_of_any_depth.yaml"
FAMILIES: dict[str, tuple[Any, ...]] = {
    "resnet50": ({"base_width": range(1, 300)}, {}),
    "resnet18": ({"classes": (10, 1000), "depths": ((1, 1, 1, 1), (2, 2, 2, 2)), "groups": (1, 2, 3)}, {"": SIZES}),
    "mobilenet_v2": ({"width": [0.1 * n for n in range(1, 15)]}, {"": SIZES}),
    "efficientnet_b0": ({"width": (0.5, 1.0, 1.3), "depth": (0.5, 1.0, 1.7)}, {"": SIZES}),
    str(UNET): ({"depth": (1, 2, 3), "base": (1, 4, 30)}, {"": tuple((1, size, size + 16) for size in range(16, 80, 4))}),
    "googlenet": ({}, {"": tuple((3, size, size) for size in range(1, 60))}),
    "densenet121": ({}, {"": SIZES}),
    "shufflenet_v2_x1_0": ({}, {"": SIZES}),
    RANDOM: (
        {
            "width": (1, 7, 8, 2**40, 2**53), "groups": (1, 2), "kernel": (1, 3, 4), "mode": ("relu", "gelu"),
            "rows": (((16, 2),), ((8, 1), (16, 1.0)), ((16, 2), (24.5, 1))), "bias": (True, False), "ratio": (1, 0.75),
        },
        {"": ((3, 24, 24), (1, 9, 40))},
    ),
}  # fmt: skip


def rows(window: Window, columns: Columns) -> list[Point]:
    """Return all points of a window; combinations without a network are computed one by one."""
    window.points.update(
        {lane: point(columns.recipe, columns.grid[window.numbers[lane]], columns.measure) for lane in window.failed}
    )
    return list(points_of(window, columns.grid, range(len(window.numbers))))


@pytest.mark.parametrize("name", FAMILIES, ids=lambda name: Path(name).stem if name.strip() == name else "random")
def test_columns_are_points(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name_of in ("WORTH_TRACING", "WORTH_TRACING_FOLDED"):
        monkeypatch.setattr(f"cnncalc.studies.sweep.columns.{name_of}", 2)
    document, variant = (read_text(name.encode(), "net.yaml"), None) if "\n" in name else open_document(name)
    args, inputs = FAMILIES[name]
    grid, measure = Grid((variant,), args, inputs), Measure(batch=3, dtype="float16")
    numbers = sorted(random.Random(0).sample(range(grid.size), min(grid.size, 300)))
    columns = Columns(document, grid, measure)
    window = columns.window(numbers)
    assert sum(len(batch.lanes) for batch in window.batches) + len(window.points) + len(window.failed) == len(numbers)
    assert window.batches
    assert rows(window, columns) == [point(document, grid[number], measure) for number in numbers]


def test_one_structure_is_traced_once() -> None:
    document, variant = open_document("resnet50")
    columns = Columns(document, Grid((variant,), {"base_width": range(1, 2001)}, {}), Measure())
    window = columns.window(range(2000))
    assert (columns.traces, len(window.points)) == (1, 0)


@pytest.mark.parametrize(
    ("name", "args", "inputs", "most"),
    [  # traces take most of a sweep's time; an additional pin would make many of them
        ("mobilenet_v2", {"width": [0.1 + 0.01 * n for n in range(100)]}, {"": [(3, s, s) for s in range(32, 64)]}, 8),
        (str(UNET), {"depth": (1, 2, 3, 4), "base": range(1, 20)}, {"": [(1, s, s) for s in range(64, 400, 16)]}, 16),
        ("densenet121", {}, {"": [(3, s, s) for s in range(32, 300)]}, 12),
        (
            "efficientnet_b0",
            {"width": [0.5 + 0.05 * n for n in range(10)]},
            {"": [(3, s, s) for s in range(64, 256)]},
            2,
        ),
        ("vgg16", {"classes": range(1, 50)}, {"": [(3, s, s) for s in range(32, 64)]}, 4),
        ("squeezenet1_1", {"classes": range(1, 50)}, {"": [(3, s, s) for s in range(64, 96)]}, 8),
    ],
)
def test_few_traces(name: str, args: dict[str, Any], inputs: dict[str, Any], most: int) -> None:
    document, variant = open_document(name)
    grid = Grid((variant,), args, inputs)
    columns = Columns(document, grid, Measure())
    window = columns.window(range(grid.size))
    assert columns.traces <= most
    assert len(window.points) < grid.size / 20


def test_a_grid_without_bounds_is_no_more_work(monkeypatch: pytest.MonkeyPatch) -> None:
    document = read_text(
        b"args: {a: 1, b: 1, c: 1}\ninput: [3, 8]\nlayers:\n  - conv: {out_channels: a + b + c, kernel_size: 1}\n", "x"
    )
    grid = Grid((None,), dict.fromkeys("abc", range(1, 10**5)), {})
    numbers = [grid.size - 1 - n * 10**13 for n in range(50)]
    columns = Columns(document, grid, Measure())
    window = columns.window(numbers)
    assert [found.figures["params"] for found in rows(window, columns)] == [
        point(document, grid[number], Measure()).figures["params"] for number in numbers
    ]


def test_networks_that_can_not_be_traced_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def untraceable(network: Any, measure: Any) -> Any:
        raise TypeError

    monkeypatch.setattr("cnncalc.studies.sweep.columns.laid_out", untraceable)
    document = read_text(RANDOM.encode(), "net.yaml")
    columns = Columns(document, Grid((None,), {"width": range(1, 201)}, {}), Measure())
    window = columns.window(range(200))
    assert (len(window.points), window.failed) == (200, [])
    assert window.points[63] == point(document, columns.grid[63], Measure())
