"""Networks made of folded blocks have the figures of the same networks layer by layer."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnncalc.language.foldable import folds_of
from cnncalc.language.loading import open_document, read_text
from cnncalc.studies.sweep import folding
from cnncalc.studies.sweep.folding import Folding
from cnncalc.studies.sweep.grid import Combination
from cnncalc.studies.sweep.points import Measure, point

UNET = str(Path(__file__).parents[3] / "benchmarks" / "specs" / "unet_of_any_depth.yaml")
Draw = Callable[[random.Random], dict[str, Any]]


def some(values: Any, count: int, rng: random.Random) -> tuple[Any, ...]:
    return tuple([rng.choice(values) for _ in range(count)])


def rows_of_mobilenet(rng: random.Random) -> tuple[Any, ...]:
    return tuple(
        [(rng.choice([1, 4, 6]), channels, rng.randint(1, 3), rng.choice([1, 2])) for channels in (16, 24, 32)]
    )


SPACES: dict[str, tuple[str, Draw]] = {
    "resnet": (
        "resnet",
        lambda rng: {"depths": some(range(1, 6), 4, rng), "kind": rng.choice(["basic", "bottleneck"])},
    ),
    "mobilenet": ("mobilenet_v2", lambda rng: {"rows": rows_of_mobilenet(rng), "width": rng.choice([0.5, 1.0])}),
    "regnet": ("regnet_x_400mf", lambda rng: {"depths": some(range(1, 6), 4, rng)}),
    "recursion": (UNET, lambda rng: {"depth": rng.randint(1, 5), "base": rng.choice([8, 16])}),
    "densenet": ("densenet121", lambda rng: {"growth_rate": rng.choice([8, 12])}),
    "shufflenet": ("shufflenet_v2", lambda rng: {}),
}


@pytest.mark.parametrize("name", SPACES)
def test_folded_networks_are_points(name: str) -> None:
    spec, draw = SPACES[name]
    document, variant = open_document(spec)
    rng, measure = random.Random(name), Measure(batch=2, dtype="float16")
    folds = Folding(document, measure)
    channels = 1 if name == "recursion" else 3
    for _ in range(25):
        args = {key: value for key, value in draw(rng).items() if key in document.arguments}
        combination = Combination(variant, args, {"": (channels, *2 * (rng.choice([64, 96]),))})
        found = folds.point(combination)
        assert found == point(document, combination, measure)
    tries, hits = map(sum, zip(*folds.tries.values(), strict=True))
    assert hits > tries / 4


SHORTCUT = """
args: {width: 4, depth: 1}
input: [4, 6, 6]
blocks:
  unit:
    args: {wide}
    layers:
      - conv: {out_channels: wide, kernel_size: 1}
      - conv: {out_channels: in_channels // 4, kernel_size: 1}
        name: back
      - add:
        from: [back, input]
layers:
  - for: _ in range(depth)
    unit: {wide: 4 * width}
  - add:
    from: [input, unit1]
"""


def test_memory_inside_a_block_includes_tensors_alive_around_it() -> None:
    text = SHORTCUT.replace(", unit1]", "]").replace("  - add:\n    from: [input]\n", "")
    document = read_text(text.encode(), "net.yaml")
    folds = Folding(document, Measure())
    for depth in (1, 2, 3):
        for _ in range(2):  # the first time it is learned, the second time used
            found = folds.point(Combination(None, {"depth": depth}, {}))
            assert found is not None
            # the input, 16·36 inside and 4·36 behind it: (4 + 16 + 4)·36 elements of 4 bytes
            assert found.figures["peak_bytes"] == 4 * 36 * (4 + 16 + 4)
            assert found.figures["layers"] == 3 * depth
            assert found.figures["params"] == depth * (16 * 5 + 4 * 17)


def test_items_named_by_running_numbers_are_not_folded() -> None:
    assert folds_of(read_text(SHORTCUT.encode(), "net.yaml")) == {}


@pytest.mark.parametrize(
    ("layers", "count"),
    [
        # an item outside the scope
        ("- relu:\n    name: a\n  - sequence: [relu, {add: {}, from: [a, input]}]\n    name: s", 0),
        ("- sequence: [relu, {add: {paths: [[], [relu]]}, from: input}]", 1),  # the scope's input: only the add
        ("- sequence: [relu, {relu: {}, name: b}]\n  - relu:\n    from: b", 0),  # an item inside that is named outside
        ("- sequence: [{relu: {}, name: b}, relu, {add: {}, from: [b, b]}]", 1),
        ("- sequence: [{relu: {}, name: b}, {add: {}, from: [b, input]}]\n    name: s", 1),
        ("- linear: 4\n    name: a\n  - linear: 4\n    weights: a\n  - sequence: [relu, relu]", 0),
    ],
)
def test_only_independent_blocks_are_folded(layers: str, count: int) -> None:
    text = f"args: {{n: 1}}\ninput: [4]\nlayers:\n  {layers}\n"
    assert len(folds_of(read_text(text.encode(), "net.yaml"))) == count


def test_outputs_are_not_folded_away() -> None:
    text = "args: {n: 1}\ninput: [4]\noutputs: [b]\nlayers:\n  - sequence: [{linear: n, name: b}, relu]\n"
    assert folds_of(read_text(text.encode(), "net.yaml")) == {}


def test_kinds_of_numbers_are_told_apart() -> None:
    text = "args: {k: 3}\ninput: [1, 9]\nblocks:\n  unit: {args: {k}, layers: [{conv: {out_channels: 2, kernel_size: k}}]}\n"
    document = read_text(f"{text}layers:\n  - unit: {{k: k}}\n".encode(), "net.yaml")
    folds = Folding(document, Measure())
    assert folds.point(Combination(None, {"k": 1}, {})) is not None
    for value in (1.0, True, 1):  # true is no kernel size, which building the network reports
        assert (folds.point(Combination(None, {"k": value}, {})) is None) is (value is True)


def test_networks_near_a_bound_are_built_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    document, _ = open_document("resnet")
    deep, folds = Combination(None, {"depths": (9, 9, 9, 9)}, {}), Folding(document, Measure())
    assert folds.point(deep) is not None
    for bound, value in (("MAX_STEPS", 300), ("MAX_READS", 100), ("MAX_LAYERS", 100), ("MAX_PATH", 10)):
        with monkeypatch.context() as patched:
            patched.setattr(folding, bound, value)
            assert folds.point(deep) is None, bound


def test_pieces_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MOST_PIECES", 5)
    document, _ = open_document("resnet")
    folds = Folding(document, Measure())
    for depth in (1, 2, 3, 4):
        combination = Combination(None, {"depths": (depth, 1, 2, 1)}, {})
        assert folds.point(combination) == point(document, combination, Measure())
        assert len(folds.known) <= 5
