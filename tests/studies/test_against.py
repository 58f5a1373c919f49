"""Two engines on one network: what differs is found, named, and an exit code; and what can't be compared is said."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnncalc import load
from cnncalc.importers.onnx.builder import HANDLERS
from cnncalc.layers.activation.tanh import Tanh
from cnncalc.studies import against
from tests.commands import cnncalc
from tests.importers.models import model, node

pytest.importorskip("onnxruntime", reason="is the other engine")


def test_a_network_that_agrees() -> None:
    done = cnncalc("run", "lenet5", "--against", "onnxruntime", "--format", "json")
    result = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert (result["agrees"], result["tolerance"], result["batch"]) == (True, 1e-4, 1)
    assert result["engine"].startswith("ONNX Runtime 1.")
    assert [row["name"] for row in result["layers"]] == [node.name for node in load("lenet5").nodes]
    assert all(row["agrees"] and row["relative"] < 1e-5 and row["magnitude"] > 0.1 for row in result["layers"])


def test_the_page_names_the_worst_layer() -> None:
    done = cnncalc("run", "lenet5", "--against", "onnxruntime")
    assert done.code == 0
    assert "12 of 12 layers differ by at most 0.0001 of their magnitude" in done.out
    assert "the largest difference is " in done.out


def test_a_kernel_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Tanh.compute
    monkeypatch.setattr(Tanh, "compute", lambda self, np, x: right(self, np, x) + 0.01)
    done = cnncalc("run", "lenet5", "--against", "onnxruntime", "--format", "ndjson")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    first = next(row for row in rows if not row["agrees"])
    assert first["name"] == "tanh1"
    assert first["difference"] == pytest.approx(0.01, rel=1e-3)
    worst = max(rows, key=lambda row: row["relative"])
    assert done.err.startswith(
        f"'{worst['name']}' differs by {worst['relative']:.1e} of its magnitude, and 10 more outputs"
    )
    assert done.err.endswith("0.0001 is accepted\n")


def test_the_tolerance() -> None:
    done = cnncalc("run", "lenet5", "--against", "onnxruntime", "--tolerance", "1e-12")
    assert done.code == 1
    assert done.err.endswith(": 1e-12 is accepted\n")
    assert cnncalc("run", "lenet5", "--tolerance", "1") == (
        2, "", "--tolerance compares two engines, but there is no --against\n",
    )  # fmt: skip
    for text in ("nan", "-1", "1,2"):
        assert cnncalc("run", "lenet5", "--against", "onnxruntime", "--tolerance", text).code == 2


@pytest.mark.parametrize("options", [["--save", "x.npz"], ["--dtype", "float64"], ["--repeat", "3"]])
def test_what_means_nothing_beside_it(options: list[str]) -> None:
    done = cnncalc("run", "lenet5", "--against", "onnxruntime", *options)
    assert done.code == 2
    assert done.err == f"{options[0]} means nothing beside --against, which compares one float32 pass\n"


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    done = cnncalc("run", "lenet5", "--against", "onnxruntime")
    assert done == (2, "", "ONNX Runtime is not installed\n  hint: pip install 'cnncalc[onnxruntime]'\n")


def test_given_inputs_and_weights_reach_both(tmp_path: Path) -> None:
    weights, picture = tmp_path / "w.npz", tmp_path / "x.npy"
    cnncalc("weights", "lenet5", "-o", str(weights), "--seed", "9")
    np.save(picture, np.full((3, 1, 32, 32), 0.5, np.float32))
    options = ["--weights", str(weights), "--input", str(picture), "--format", "json"]
    result = json.loads(cnncalc("run", "lenet5", "--against", "onnxruntime", *options).out)
    assert (result["agrees"], result["batch"]) == (True, 3)
    assert result["layers"][0]["output"] == [3, 6, 28, 28]


def test_a_model_file(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    cnncalc("export", "lenet5", "-o", str(path))
    done = cnncalc("run", str(path), "--against", "onnxruntime")
    assert (done.code, done.err) == (0, "")
    assert "12 of 12 layers differ by at most 0.0001 of their magnitude" in done.out
    assert "1 of 1 output of the file itself differ" in done.out


def test_a_model_file_that_is_read_wrongly_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(model([node("Neg", ["x"], ["y"])], {"x": ["N", 4, 6]}, ["y"], {}))
    assert cnncalc("run", str(path), "--against", "onnxruntime").code == 0
    monkeypatch.setitem(HANDLERS, ("", "Neg"), lambda build, call: build.step("abs", [call.input(0)]))
    done = cnncalc("run", str(path), "--against", "onnxruntime", "--format", "json")
    result = json.loads(done.out)
    assert done.code == 1
    assert [row["agrees"] for row in result["layers"]] == [True]  # both engines got the wrong network
    assert [row["agrees"] for row in result["outputs_of_file"]] == [False]
    assert result["worst"] == "y"


def test_a_model_file_with_other_inputs_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(model([node("Relu", ["x"], ["y"])], {"x": [3, 4, 6, 5]}, ["y"], {}))
    done = cnncalc("run", str(path), "--against", "onnxruntime", "--batch", "2")
    assert done.code == 0
    assert "the file itself was not run: its input 'x' is tensor(float) [3, 4, 6, 5]" in done.out


def test_a_model_file_whose_batch_is_not_first(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(model([node("Softmax", ["x"], ["y"], axis=0)], {"x": [4, "N", 6]}, ["y"], {}))
    done = cnncalc("run", str(path), "--against", "onnxruntime", "--batch", "2")
    assert done.code == 0
    assert "1 of 1 output of the file itself differ" in done.out


def test_few_outputs_at_a_time_are_compared_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    network = load("lenet5")
    at_once = against.against(network, batch=2)
    sizes: list[int] = []
    theirs = against._theirs

    def counted(engine: Any, graph: Any, inputs: Any, group: list[Any], *others: Any) -> Any:
        sizes.append(len(group))
        return theirs(engine, graph, inputs, group, *others)

    monkeypatch.setattr(against, "_theirs", counted)
    monkeypatch.setattr(against, "available", lambda threads: 0)
    one_by_one = against.against(network, batch=2)
    assert sizes == [1] * len(network.nodes)
    assert [row.name for row in one_by_one.rows] == [row.name for row in at_once.rows]
    assert not one_by_one.apart
    assert [row.magnitude for row in one_by_one.rows] == pytest.approx(
        [row.magnitude for row in at_once.rows], rel=1e-5
    )


def test_what_is_not_finite_in_both_does_not_differ() -> None:
    ours = np.array([[np.inf, np.nan, 1.0, -2.0]], np.float32)
    assert against._difference("y", "relu", ours, ours.copy())[3:] == (0.0, 2.0)
    assert (
        against._difference("y", "relu", ours, np.array([[-np.inf, np.nan, 1.0, -2.0]], np.float32)).relative == np.inf
    )
    assert against._difference("y", "relu", ours, np.array([[np.inf, 0.0, 1.0, -2.0]], np.float32)).difference == np.inf
