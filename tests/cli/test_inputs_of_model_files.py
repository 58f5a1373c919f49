"""Inputs of model files that leave sizes open: shapes in their usual forms, and arrays, which give the sizes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.commands import cnncalc
from tests.importers.models import model, node, runtime

F = np.float32


@pytest.fixture
def pixels(tmp_path: Path) -> str:
    """Return a file of a convolution of maps of any size, whose elements it doubles."""
    double = np.full((1, 1, 1, 1), 2, F)
    data = model([node("Conv", ["x", "w"], ["y"], name="double")], {"x": ["batch", 1, "h", "w"]}, ["y"], {"w": double})
    path = tmp_path / "pixels.onnx"
    path.write_bytes(data)
    return str(path)


@pytest.fixture
def recurrent(tmp_path: Path) -> str:
    """Return a file that adds a state and a number to a signal of open length."""
    made = onnx.load_from_string(
        model(
            [node("Add", ["x", "state"], ["h"]), node("Add", ["h", "rate"], ["y"])],
            {"x": ["batch", "length"], "state": ["batch", "length"]},
            ["y"],
        )
    )
    made.graph.input.append(helper.make_tensor_value_info("rate", TensorProto.FLOAT, []))
    path = tmp_path / "recurrent.onnx"
    path.write_bytes(made.SerializeToString())
    return str(path)


@pytest.mark.parametrize("shape", [(1, 1, 2, 3), (4, 1, 2, 3), (1, 2, 3)])
@pytest.mark.parametrize("form", ["{}", "x={}"])
def test_an_array_gives_the_sizes_that_the_file_leaves_open(
    tmp_path: Path, pixels: str, shape: tuple[int, ...], form: str
) -> None:
    x = np.arange(np.prod(shape), dtype=F).reshape(shape)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    for suffix in (".npy", ".npz"):
        given = form.format(tmp_path / f"x{suffix}")
        done = cnncalc("run", pixels, "--input", given, "--save", str(tmp_path / "y.npz"))
        assert done.code == 0, done.err
        np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["y"].reshape(shape), 2 * x)


def test_an_array_gives_the_sizes_to_a_trace(tmp_path: Path, pixels: str) -> None:
    np.save(tmp_path / "x.npy", np.full((1, 1, 2, 2), 3, F))
    done = cnncalc("explain", pixels, "conv1", "--at", "0,1,1", "--input", str(tmp_path / "x.npy"))
    assert (done.code, done.err) == (0, "")
    assert "the executor's value is 6: equal, except for rounding" in done.out


def test_arrays_give_lengths_and_numbers(tmp_path: Path, recurrent: str) -> None:
    x, state = np.arange(6, dtype=F).reshape(1, 6), np.ones((1, 6), F)
    np.savez(tmp_path / "all.npz", x=x, state=state, rate=np.array(16000))
    done = cnncalc("run", recurrent, "--input", str(tmp_path / "all.npz"), "--save", str(tmp_path / "y.npz"))
    assert (done.code, done.err) == (0, "")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["y"], x + state + 16000)


def test_a_number_alone_leaves_the_other_inputs_random(tmp_path: Path, recurrent: str) -> None:
    np.save(tmp_path / "rate.npy", np.array(8000))
    shapes = ["--input", "x=6", "--input", "state=6"]
    options = ["--save", str(tmp_path / "y.npz"), "--format", "json"]
    done = cnncalc("run", recurrent, *shapes, "--input", f"rate={tmp_path / 'rate.npy'}", *options)
    assert (done.code, done.err) == (0, "")
    assert abs(np.load(tmp_path / "y.npz")["y"] - 8000).max() < 100


def test_a_given_shape_is_that_of_the_array(tmp_path: Path, pixels: str) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 1, 2, 3), F))
    done = cnncalc("run", pixels, "--input", str(tmp_path / "x.npy"), "--input", "1x4x4")
    assert (done.code, done.out) == (2, "")
    assert "input 'x' is (1, 1, 2, 3), expected (N, 1, 4, 4)" in done.err


def test_all_inputs_are_arrays_or_none(tmp_path: Path, recurrent: str) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 6), F))
    done = cnncalc("run", recurrent, "--input", str(tmp_path / "x.npy"), "--input", "state=6", "--input", "rate=1")
    assert done == (2, "", "input 'state' (6) is missing\n  hint: without any array, all inputs are random\n")


@pytest.mark.parametrize("given", ["3x8x6", "rgb=3x8x6", "depth=1x8x6"])
def test_a_size_of_one_name_is_given_once(tmp_path: Path, given: str) -> None:
    """A file says by a symbol that sizes are equal; a question mark, as PaddlePaddle writes, says nothing."""
    nodes = [node("Concat", ["rgb", "depth"], ["j"], axis=1), node("Conv", ["j", "w"], ["y"])]
    weight = {"w": np.ones((2, 4, 1, 1), F)}
    path = tmp_path / "two.onnx"
    path.write_bytes(model(nodes, {"rgb": ["n", 3, "h", "w"], "depth": ["n", 1, "h", "w"]}, ["y"], weight))
    done = cnncalc("summary", str(path), "--input", given, "--format", "json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["inputs"] == {"rgb": [1, 3, 8, 6], "depth": [1, 1, 8, 6]}
    assert found["totals"]["macs"] == 2 * 4 * 8 * 6
    path.write_bytes(model(nodes, {"rgb": ["n", 3, "?", "?"], "depth": ["n", 1, "?", "?"]}, ["y"], weight))
    assert cnncalc("summary", str(path), "--input", given).code == 2


def test_an_input_may_have_any_number_of_axes_if_the_file_states_none(tmp_path: Path) -> None:
    made = onnx.load_from_string(model([node("Relu", ["x"], ["y"])], {"x": [1]}, ["y"]))
    made.graph.input[0].type.tensor_type.ClearField("shape")
    path = tmp_path / "open.onnx"
    path.write_bytes(made.SerializeToString())
    done = cnncalc("summary", str(path), "--input", "3x8x6", "--format", "json")
    assert (done.code, json.loads(done.out)["inputs"]) == (0, {"x": [1, 3, 8, 6]})
    assert "the shape is not stated" in cnncalc("summary", str(path)).err


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_that_is_no_size_is_open(tmp_path: Path, size: int) -> None:
    """Some exporters write 0 or −1 for a size that they leave open."""
    path = tmp_path / "open.onnx"
    path.write_bytes(model([node("Relu", ["x"], ["y"])], {"x": ["N", 3, size]}, ["y"]))
    message = f"--input x: a size is not stated in {path}\n  hint: give the whole shape: --input x=3x224\n"
    assert cnncalc("summary", str(path)).err == message


def test_the_name_of_a_size_is_no_input(pixels: str) -> None:
    message = f"{pixels}: there is no input 'h': it is a size\n  hint: give the whole shape: --input x=1x224x224\n"
    assert cnncalc("summary", pixels, "--input", "h=32") == (2, "", message)


def test_a_leading_1_is_the_batch(pixels: str) -> None:
    """Tools that take the whole shape take 1×3×224×224, too."""
    plain = cnncalc("summary", pixels, "--input", "1x4x4", "--format", "json")
    whole = cnncalc("summary", pixels, "--input", "1x1x4x4", "--format", "json")
    assert whole == plain
    assert json.loads(plain.out)["totals"]["macs"] == 16


def test_an_input_that_does_not_fit_is_named_beside_what_the_file_states(pixels: str) -> None:
    done = cnncalc("summary", pixels, "--input", "4x4x1")
    assert done.err == (
        "pixels.onnx: Conv 'double' does not fit: in_channels = 1, but the input has 4 channels: a filter must be as "
        "deep as its input\n  hint: its inputs are [4, 4, 1], [1, 1, 1, 1]; perhaps x can't be 4x4x1: the file states "
        "1×h×w\n"
    ).replace("pixels.onnx", pixels)


@pytest.mark.parametrize(("given", "is_named"), [("3x4", False), ("1x3x4", False), ("3x5", True)])
def test_an_input_of_the_files_own_sizes_is_not_doubted(tmp_path: Path, given: str, is_named: bool) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(model([node("Wonder", ["x"], ["y"], domain="own")], {"x": ["N", 3, 4]}, ["y"]))
    assert ("perhaps x can't be" in cnncalc("summary", str(path), "--input", given).err) == is_named


@pytest.mark.parametrize("dtype", [np.int64, F])
@pytest.mark.parametrize(("index", "said"), [(9, ""), (-1, ""), (-10, ""), (10, "10"), (-11, "-11")])
def test_an_index_outside_of_the_table_is_refused(tmp_path: Path, index: int, said: str, dtype: type) -> None:
    """ONNX Runtime refuses it, too, and counts negative ones from the end; a random input has valid indices only."""
    nodes = [node("Gather", ["table", "ids"], ["y"])]
    made = onnx.load_from_string(
        model(nodes, {"ids": ["N", 3]}, ["y"], {"table": np.arange(40, dtype=F).reshape(10, 4)})
    )
    made.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    path = tmp_path / "ids.onnx"
    path.write_bytes(made.SerializeToString())
    np.save(tmp_path / "ids.npy", np.array([[0, 3, index]], dtype))
    done = cnncalc("run", str(path), "--input", str(tmp_path / "ids.npy"), "--save", str(tmp_path / "y.npz"))
    fault = f"input 'ids' has the element {said}, but a layer reads it as an index from 0 to 9\n"
    assert (done.code, done.err) == ((2, fault) if said else (0, ""))
    if not said:
        expected = runtime(path.read_bytes(), {"ids": np.array([[0, 3, index]])})[0]
        np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["y"], expected)


def test_an_input_that_no_operator_reads_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Keras's exporter leaves constants that it has folded; other engines want a value all the same."""
    monkeypatch.chdir(tmp_path)
    Path("net.onnx").write_bytes(model([node("Relu", ["x"], ["y"])], {"a": [1, 1, 3], "x": ["N", 4]}, ["y"]))
    note = "note: no operator reads the input 'a': left out\n"
    done = cnncalc("summary", "net.onnx")
    assert (done.code, done.err) == (0, note)
    assert done.out.startswith("net   input x 4   batch 1")
    np.savez("both.npz", a=np.ones((1, 1, 3), np.float32), x=np.full((2, 4), -1, np.float32))
    assert cnncalc("run", "net.onnx", "--input", "both.npz").code == 0
    assert cnncalc("summary", "net.onnx", "--input", "a=1x3").code == 0
    assert "1 of 1 output of the file itself" in cnncalc("run", "net.onnx", "--against", "onnxruntime").out
    Path("net.onnx").write_bytes(model([node("Shape", ["x"], ["s"]), node("Neg", ["s"], ["y"])], {"x": [1, 4]}, ["y"]))
    assert "no operator reads" not in cnncalc("summary", "net.onnx").err
