"""Sweeps from Python: columns, and a function of the arguments."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnncalc


def test_columns_are_the_rows_of_the_command() -> None:
    # 3,504,872 params and 300,774,272 MACs at width 1.0: torchvision's mobilenet_v2
    found = cnncalc.sweep(
        "mobilenet_v2", {"width": "0.5:1.0:0.25"}, [(3, 224, 224)], figures=["params", "macs", "output"]
    )
    assert list(found) == ["width", "input", "params", "macs", "output"]
    assert found["width"].tolist() == [0.5, 0.75, 1.0]
    assert (found["params"][-1], found["macs"][-1]) == (3_504_872, 300_774_272)
    assert found["input"].tolist() == [(3, 224, 224)] * 3
    assert found["macs"].dtype == np.int64
    assert (found.failed, found.first_error) == (0, "")


def test_many_and_few_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def columns() -> Any:
        return cnncalc.sweep(
            "mobilenet_v2",
            {"width": "0.1:1.3:0.1"},
            [(3, s, s) for s in range(8, 128, 6)],
            where="macs < 30M",
            sample=250,
            seed=3,
        )

    many = columns()
    monkeypatch.setattr("cnncalc.studies.sweep.jobs.FEW", 10**9)
    few = columns()
    assert many.keys() == few.keys()
    for name, column in many.items():
        assert column.tolist() == few[name].tolist()
        assert column.dtype == few[name].dtype


def test_combinations_without_a_network_have_no_row() -> None:
    found = cnncalc.sweep("lenet5", input=[(1, 32, 32), (1, 4, 4)], figures=["params"])
    assert (found["params"].tolist(), found.failed) == ([61_706], 1)
    assert "does not fit" in found.first_error


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"args": {"widht": [1]}}, "args: there is no 'widht'"),
        ({"figures": ["mcas"]}, "figures: there is no 'mcas'"),
        ({"where": "mcas < 5"}, "unknown name 'mcas'"),
        ({"args": {"width": "1:2:0"}}, "does not lead from 1 to 2"),
    ],
)
def test_mistakes_name_the_argument(given: dict[str, Any], message: str) -> None:
    with pytest.raises(cnncalc.CnncalcError, match=message):
        cnncalc.sweep("mobilenet_v2", **given)


def test_a_function_of_the_arguments() -> None:
    function = cnncalc.compile("mobilenet_v2", ["params", "macs", "output"])
    assert function(width=1.0) == {"params": 3_504_872, "macs": 300_774_272, "output": (1000,)}
    rng = random.Random(0)
    for _ in range(50):
        width, side = rng.choice([0.1, 0.35, 0.5, 1.0, 1.37, 2.0]), rng.randrange(32, 300)
        figures = cnncalc.load("mobilenet_v2", input=(3, side, side), width=width).summary().totals
        assert function(width=width, input=(3, side, side)) == {
            "params": figures.params, "macs": figures.macs, "output": (1000,),
        }  # fmt: skip
    assert function.traces < 40


def test_a_function_reports_combinations_without_a_network() -> None:
    function = cnncalc.compile("mobilenet_v2", ["params"])
    for _ in range(3):
        with pytest.raises(cnncalc.CnncalcError, match="make_divisible rounds positive numbers"):
            function(width=0.0)
        with pytest.raises(cnncalc.CnncalcError, match="no argument 'widht'"):
            function(widht=1.0)
        assert function(width=1.0) == {"params": 3_504_872}


def test_words_lists_and_flags_are_arguments_of_a_function() -> None:
    # torchvision: 25,557,032 params of resnet50, 11,689,512 of resnet18
    function = cnncalc.compile("resnet", ["params"])
    for _ in range(3):
        assert function(depths=[3, 4, 6, 3], kind="bottleneck") == {"params": 25_557_032}
        assert function(depths=(2, 2, 2, 2), kind="basic") == {"params": 11_689_512}


def test_columns_have_the_values_of_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "args: {kernels: [3, 3], width: 4, mode: relu}\ninput: [2, 9, 9]\nlayers:\n"
        "  - for: k in kernels\n    conv: {out_channels: width, kernel_size: k}\n  - relu:\n    when: mode == 'relu'\n"
    )
    args = {"kernels": "each(1,3,9)*2", "width": [1, 2, 2**40, 2**70, 2.5], "mode": ["relu", "none"]}
    inputs = [(2, n, 9) for n in range(5, 15)]
    many = cnncalc.sweep(spec, args, inputs)
    monkeypatch.setattr("cnncalc.studies.sweep.jobs.FEW", 10**9)
    few = cnncalc.sweep(spec, args, inputs)
    assert (many.failed, many.first_error) == (few.failed, few.first_error)
    assert 0 < many.failed < 900 == many.failed + len(many["macs"])
    for name in many:
        assert many[name].tolist() == few[name].tolist()
        assert many[name].dtype == few[name].dtype
    assert (many["kernels"][0], many["mode"][0], many["input"][0]) == ((1, 1), "relu", (2, 5, 9))
    # the widest is too large; for 2^40 channels the second layer has 81 · 2^80 weights, beyond 64 bits
    assert max(many["params"]) == 81 * 2**80 + (2 + 1 + 1) * 2**40
    assert [many[name].dtype.kind for name in ("params", "layers")] == ["O", "i"]


def test_a_column_of_variants_where_there_are_several() -> None:
    # params of torchvision's model cards
    found = cnncalc.sweep("vgg", variants=["vgg16", "vgg11"], figures=["params", "receptive_field"])
    assert {name: column.tolist() for name, column in found.items()} == {
        "variant": ["vgg16", "vgg11"],
        "input": [(3, 224, 224)] * 2,
        "params": [138_357_544, 132_863_336],
        "receptive_field": [(404, 404), (342, 342)],
    }
