"""Two engines on one network: differing layers are named, with exit code 1; layers that can't be compared are named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from cnncalc import load
from cnncalc.importers.onnx.builder import HANDLERS
from cnncalc.layers.activation.tanh import Tanh
from cnncalc.studies import against
from cnncalc.studies.other_engine import EngineModel
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


@pytest.mark.parametrize(
    "text",
    [
        "input: [3, 9, 9]\nlayers:\n  - upsample: {scale_factor: 0.5, mode: cubic, antialias: true}\n",
        "input: {x: [3, 4, 4, 4], g: [2, 2, 2, 3]}\nlayers:\n  - grid_sample:\n    from: [x, g]\n",
    ],
)
def test_a_layer_of_later_opsets_is_compared(text: str, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    done = cnncalc("run", str(path), "--against", "onnxruntime", "--format", "json")
    assert (done.code, done.err) == (0, "")
    (row,) = json.loads(done.out)["layers"]
    assert row["agrees"]
    assert row["relative"] < 1e-5 < 0.1 < row["magnitude"]


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
    assert done.err.endswith("0.0001 is allowed\n")


def test_the_tolerance() -> None:
    done = cnncalc("run", "lenet5", "--against", "onnxruntime", "--tolerance", "1e-12")
    assert done.code == 1
    assert done.err.endswith(": 1e-12 is allowed\n")
    assert cnncalc("run", "lenet5", "--tolerance", "1") == (
        2, "", "--tolerance compares two engines, but there is no --against\n",
    )  # fmt: skip
    for text in ("nan", "-1", "1,2"):
        assert cnncalc("run", "lenet5", "--against", "onnxruntime", "--tolerance", text).code == 2


@pytest.mark.parametrize("options", [["--save", "x.npz"], ["--dtype", "float64"], ["--repeat", "3"]])
def test_options_without_effect_beside_it(options: list[str]) -> None:
    done = cnncalc("run", "lenet5", "--against", "onnxruntime", *options)
    assert done.code == 2
    assert done.err == f"{options[0]} has no effect with --against, which compares one float32 pass\n"


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    done = cnncalc("run", "lenet5", "--against", "onnxruntime")
    assert done == (2, "", "ONNX Runtime is not installed\n  hint: pip install 'cnncalc[onnxruntime]'\n")


def test_a_signal_while_the_engine_is_imported_is_no_missing_package(tmp_path: Path) -> None:
    """As ONNX Runtime does, the module turns whatever is raised in its import into an ImportError."""
    (tmp_path / "onnxruntime.py").write_text(
        "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGTERM)\n    sum(range(1000))\n"
        "except BaseException:\n    raise ImportError from None\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parent.parent.parent)])
    command = [sys.executable, "-m", "cnncalc", "run", "lenet5", "--against", "onnxruntime"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGTERM, "", "")


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
    assert [row["agrees"] for row in result["layers"]] == [True]  # both engines run the wrongly read network
    assert [row["agrees"] for row in result["outputs_of_file"]] == [False]
    assert result["worst"] == "y"


def test_a_model_file_with_other_inputs_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(model([node("Relu", ["x"], ["y"])], {"x": [3, 4, 6, 5]}, ["y"], {}))
    done = cnncalc("run", str(path), "--against", "onnxruntime", "--batch", "2")
    assert done.code == 0
    assert "the file itself was not run: its input 'x' is tensor(float) [3, 4, 6, 5], for a batch of 3" in done.out
    assert "1 of 1 output of the file" in cnncalc("run", str(path), "--against", "onnxruntime", "--batch", "3").out
    path.write_bytes(model([node("Relu", ["x"], ["y"])], {"x": [3, 4]}, ["y"], {}))  # it has no batch
    assert "file itself" not in cnncalc("run", str(path), "--against", "onnxruntime").out.replace(
        "of the file itself", ""
    )


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
    run = EngineModel.run

    def counted(engine: EngineModel, wanted: list[str], feeds: Any) -> Any:
        sizes.append(len(wanted))
        return run(engine, wanted, feeds)

    monkeypatch.setattr(EngineModel, "run", counted)
    monkeypatch.setattr(against, "available", lambda threads: 0)
    one_by_one = against.against(network, batch=2)
    assert sizes == [1] * len(network.nodes)
    assert [row.name for row in one_by_one.rows] == [row.name for row in at_once.rows]
    assert not one_by_one.apart
    assert [row.magnitude for row in one_by_one.rows] == pytest.approx(
        [row.magnitude for row in at_once.rows], rel=1e-5
    )


def test_elements_that_are_not_finite_in_both_do_not_differ() -> None:
    ours = np.array([[np.inf, np.nan, 1.0, -2.0]], np.float32)
    assert against._difference("y", "relu", ours, ours.copy())[3:5] == (0.0, 2.0)
    assert (
        against._difference("y", "relu", ours, np.array([[-np.inf, np.nan, 1.0, -2.0]], np.float32)).relative == np.inf
    )
    assert against._difference("y", "relu", ours, np.array([[np.inf, 0.0, 1.0, -2.0]], np.float32)).difference == np.inf


def test_units_in_the_last_place_of_float16() -> None:
    """It has 10 bits of a fraction; the smallest number is 2⁻²⁴, and 0 has two signs."""
    ours = np.array([[1.0001, -1.0, 0.0, -0.0, 2**-24, 3.0]], np.float32)
    others = np.array([[1.0, -1 - 2**-9, 2**-24, 0.0, -(2**-24), 3.0]], np.float16)
    assert against._difference("y", "relu", ours, others).units == (3, 6, 2)
    assert against._difference("y", "relu", ours, ours.copy()).units is None


def typed(data: bytes, **types: int) -> bytes:
    """Return a model whose inputs and outputs are of other types."""
    found = onnx.ModelProto.FromString(data)
    for port in [*found.graph.input, *found.graph.output]:
        if port.name in types:
            port.type.tensor_type.elem_type = types[port.name]
    made: bytes = found.SerializeToString()
    return made


def weight(*shape: int, kind: Any = np.float32) -> Any:
    return np.random.default_rng(1).standard_normal(shape).astype(kind)


BYTES, WHOLE, TRUTH, HALF = TensorProto.UINT8, TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT16
FILES: dict[str, tuple[bytes, list[str]]] = {
    "indices of a table": (
        typed(
            model([node("Gather", ["w", "x"], ["e"]), node("ReduceMean", ["e"], ["y"], axes=[1])], {"x": ["N", 7]}, ["y"],
                  {"w": weight(11, 4)}), x=WHOLE,
        ), [],
    ),
    "a picture of bytes": (
        typed(model([node("Cast", ["x"], ["f"], to=1), node("Mul", ["f", "s"], ["y"])], {"x": ["N", 3, 6, 6]}, ["y"],
                    {"s": np.float32(1 / 255)}), x=BYTES), ["--batch", "2"],
    ),
    "integers that come out": (
        typed(model([node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)], {"x": ["N", 9]}, ["y"]), y=WHOLE), ["--batch", "3"],
    ),
    "truths": (
        typed(model([node("Where", ["m", "x", "z"], ["y"])], {"x": ["N", 4, 5], "m": ["N", 1, 5]}, ["y"],
                    {"z": np.float32(-1)}), m=TRUTH), [],
    ),
    "a mask of integers": (
        typed(model([node("Cast", ["m"], ["f"], to=1), node("Sub", ["one", "f"], ["s"]), node("Mul", ["s", "least"], ["b"]),
                     node("Add", ["x", "b"], ["a"]), node("Softmax", ["a"], ["y"])], {"x": ["N", 9], "m": ["N", 9]}, ["y"],
                    {"one": np.float32(1), "least": np.finfo(np.float32).min}), m=WHOLE), [],
    ),
    "a number that is given": (
        typed(model([node("Cast", ["r"], ["f"], to=1), node("Mul", ["x", "f"], ["y"])], {"x": ["N", 4], "r": []}, ["y"]),
              r=WHOLE), ["--input", "r=16000"],
    ),
    "no batch": (
        model([node("Unsqueeze", ["x", "a"], ["u"]), node("Conv", ["u", "w"], ["y"])], {"x": ["T", "F"]}, ["y"],
              {"a": np.array([0, 1]), "w": weight(2, 1, 3, 3)}), ["--input", "9x8"],
    ),
    "a number for each sample": (
        model([node("Unsqueeze", ["x", "a"], ["u"]), node("Mul", ["u", "w"], ["y"])], {"x": ["N"]}, ["y"],
              {"a": np.array([1]), "w": weight(1, 4)}), ["--batch", "2"],
    ),
    "a batch as large as the axis before it": (
        model([node("Slice", ["h", "0", "1", "0"], ["a"]), node("Slice", ["h", "1", "2", "0"], ["b"]), node("Sub", ["a", "b"], ["y"])],
              {"h": [2, "batch", 3]}, ["y"], {str(number): np.array([number]) for number in range(3)}), ["--batch", "2"],
    ),
    "16 bits": (
        typed(model([node("Conv", ["x", "w"], ["c"]), node("Relu", ["c"], ["y"])], {"x": ["N", 3, 8, 8]}, ["y"],
                    {"w": weight(4, 3, 3, 3, kind=np.float16)}), x=HALF, y=HALF), [],
    ),
    "a sigmoid far from 0": (
        model([node("Sub", ["x", "f"], ["s"]), node("Sigmoid", ["s"], ["y"])], {"x": ["N", 40]}, ["y"], {"f": np.float32(14)}), [],
    ),
    "a sigmoid far from 0, in another shape, padded, and beside it": (
        model([node("Sub", ["x", "f"], ["s"]), node("Sigmoid", ["s"], ["p"]), node("Reshape", ["p", "to"], ["r"]),
               node("Pad", ["r", "pads"], ["b"]), node("Concat", ["b", "r"], ["c"], axis=2), node("ReduceMean", ["c"], ["y"], axes=[2])],
              {"x": ["N", 40]}, ["y"], {"f": np.float32(14), "to": np.array([0, 8, 5]), "pads": np.array([0, 0, 1, 0, 0, 0])}), [],
    ),
    "a mean that is taken away twice": (
        model([node("ReduceMean", ["x"], ["m"], axes=[2]), node("Sub", ["x", "m"], ["s"]), node("ReduceMean", ["s"], ["y"], axes=[2])],
              {"x": ["N", 4, 64]}, ["y"]), [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_other_types_is_run_as_it_is(name: str, tmp_path: Path) -> None:
    data, options = FILES[name]
    (tmp_path / "net.onnx").write_bytes(data)
    done = cnncalc("run", str(tmp_path / "net.onnx"), "--against", "onnxruntime", "--format", "json", *options)
    found = json.loads(done.out)
    assert (done.code, found["agrees"], found["file_not_run"]) == (0, True, None)
    assert len(found["outputs_of_file"]) == 1


def spectrum(*more: Any, **ports: Any) -> bytes:
    """Return a file that computes a spectrum, an operator that is not written."""
    constants = {"step": np.array(4), "window": weight(8), "size": np.array(8)}
    return model(
        [node("STFT", ["x", "step", "window", "size"], ["s"]), *more], {"x": ["N", 32], **ports}, ["y"], constants
    )


def test_outputs_of_a_file_are_compared_if_its_layers_can_t_be(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(spectrum(node("Abs", ["s"], ["y"])))
    args = ["run", str(tmp_path / "net.onnx"), "--against", "onnxruntime"]
    found = json.loads(cnncalc(*args, "--format", "json").out)
    assert (found["agrees"], found["layers"], len(found["outputs_of_file"])) == (True, [], 1)
    page = cnncalc(*args).out
    assert "layers are not compared: 'stft1', of type STFT, can't be expressed in ONNX" in page
    assert "0 of 0" not in page
    cast = node("Cast", ["r"], ["f"], to=1), node("Mul", ["s", "f"], ["y"])
    (tmp_path / "net.onnx").write_bytes(typed(spectrum(*cast, r=["N", 1, 1, 1]), r=TensorProto.UINT64))
    done = cnncalc(*args)
    assert (done.code, "can't be expressed in ONNX" in done.err) == (2, True), "neither layers nor outputs"


def test_layers_are_compared_if_the_file_does_not_run(tmp_path: Path) -> None:
    """An exporter wrote a batch of 1 into a reshape, though the input's batch is open."""
    path = tmp_path / "net.onnx"
    path.write_bytes(model([node("Reshape", ["x", "to"], ["y"])], {"x": ["N", 4]}, ["y"], {"to": np.array([1, 2, 2])}))
    done = cnncalc("run", str(path), "--against", "onnxruntime", "--batch", "2", "--format", "json")
    found = json.loads(done.out)
    assert (done.code, len(found["layers"]), found["outputs_of_file"]) == (0, 1, [])
    assert "ONNX Runtime can't run the model" in found["file_not_run"]


def test_of_a_file_that_differs_the_page_shows_both_engines_errors(tmp_path: Path) -> None:
    """ONNX Runtime's sigmoid is off by up to 1.4e-7, which is 0.1 of e⁻¹⁴."""
    nodes = [node("Sub", ["x", "f"], ["s"]), node("Sigmoid", ["s"], ["p"]), node("Log", ["p"], ["y"])]
    (tmp_path / "net.onnx").write_bytes(model(nodes, {"x": ["N", 40]}, ["y"], {"f": np.float32(14)}))
    args = ["run", str(tmp_path / "net.onnx"), "--against", "onnxruntime"]
    found = json.loads(cnncalc(*args, "--format", "json").out)["difference_from_float64"]
    assert found["ours"] < 1e-6 < 1e-4 < found["engine"]
    page = " ".join(cnncalc(*args).out.split())
    assert "in 64 bits the file's outputs are " in page
    assert "rounded to" not in page


def test_for_a_file_that_rounds_the_page_shows_both_engines_errors(tmp_path: Path) -> None:
    """ONNX Runtime rounds to 11 bits, and is off by some 2⁻¹¹; our error is that of float32."""
    data, _ = FILES["16 bits"]
    (tmp_path / "net.onnx").write_bytes(data)
    args = ["run", str(tmp_path / "net.onnx"), "--against", "onnxruntime"]
    result = json.loads(cnncalc(*args, "--format", "json").out)
    found = result["difference_from_float64"]
    assert found["ours"] < 1e-6 < 1e-4 < found["engine"] < 2**-9
    (output,) = result["outputs_of_file"]
    assert output["in_float16"] == {"equal": 144, "of": 144, "most": 0}
    page = " ".join(cnncalc(*args).out.split())
    assert "in 64 bits the file's outputs are " in page
    assert "'y' is in float16: rounded to it, 144 of 144 elements are equal in 64 bits" in page
    assert (
        json.loads(cnncalc("run", "lenet5", "--against", "onnxruntime", "--format", "json").out)[
            "difference_from_float64"
        ]
        is None
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_a_file_that_chooses_when_it_runs_takes_the_branch_of_its_input(sign: int, tmp_path: Path) -> None:
    """Both branches cost the same, so that the first is counted; the largest element decides which one runs."""
    branches = {
        f"{name}_branch": onnx.helper.make_graph(
            [node(op, ["x"], [name])], name, [], [onnx.helper.make_tensor_value_info(name, 1, None)]
        )
        for name, op in (("then", "Exp"), ("else", "Neg"))
    }
    deciding = [
        node("ReduceMax", ["x"], ["m"], keepdims=0),
        node("Cast", ["d"], ["c"], to=9),
        node("Relu", ["m"], ["d"]),
    ]
    nodes = [deciding[0], deciding[2], deciding[1], node("If", ["c"], ["y"], **branches)]
    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, {"x": [1, 4]}, ["y"]))
    x = sign * np.array([[0.5, 2, 1, 3]], np.float32)
    np.save(tmp_path / "x.npy", x)
    options = ["--input", str(tmp_path / "x.npy")]
    done = cnncalc("run", str(path), "--against", "onnxruntime", "--format", "json", *options)
    found = json.loads(done.out)
    assert (done.code, found["agrees"], found["file_not_run"]) == (0, True, None)
    assert {"exp", "neg"} & {row["type"] for row in found["layers"]} == {"exp" if sign > 0 else "neg"}
    summary = json.loads(cnncalc("summary", str(path), "--format", "json").out)
    assert [layer["type"] for layer in summary["layers"]][-1] == "exp"
    np.testing.assert_allclose(load(str(path)).run(x).output, np.exp(x) if sign > 0 else -x, rtol=1e-6)
