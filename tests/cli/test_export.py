"""The command ``export``: how it chooses the format, which options it takes, and where it writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cnncalc import load
from cnncalc.execution.weights import random_weights
from tests.commands import cnncalc, on_a_terminal

LISTED = "there are onnx (.onnx), torch (.py), scale-sim (.csv), timeloop, spec (.yaml, .yml)"


def test_the_suffix_says_the_format(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    assert cnncalc("export", "lenet5", "-o", str(path)) == (0, "", "")
    assert load(path).summary().totals.params == 61_706  # LeCun et al. 1998, C3 fully connected
    assert cnncalc("export", "lenet5", "--to", "spec").out == path.read_text()


def test_a_missing_format_is_asked_for() -> None:
    assert cnncalc("export", "lenet5") == (2, "", f"neither --to nor -o gives the format\n  hint: {LISTED}\n")
    unknown = cnncalc("export", "lenet5", "-o", "net.foo")
    assert unknown == (2, "", f"-o net.foo: no format has such a suffix\n  hint: {LISTED}\n")
    assert "hint: -o net.py writes PyTorch source, 'cnncalc weights" in cnncalc("export", "lenet5", "-o", "net.pt").err


@pytest.mark.parametrize("suffix", ["yaml", "onnx"])
def test_an_input_is_not_written_over(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net.{suffix}"
    cnncalc("export", "lenet5", "-o", str(path))
    before = path.read_bytes()
    done = cnncalc("export", str(path), "-o", str(path))
    assert (done.code, done.err) == (2, f"-o {path}: this command reads that file and won't overwrite it\n")
    assert path.read_bytes() == before


def test_an_option_of_another_format() -> None:
    done = cnncalc("export", "lenet5", "--to", "spec", "--opset", "17")
    assert done == (2, "", "--opset has no effect with --to spec\n  hint: it is for onnx\n")


def test_an_opset_that_is_not_offered(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    for opset in ("12", "24"):
        done = cnncalc("export", "lenet5", "-o", str(path), "--opset", opset)
        assert done == (2, "", f"opset {opset} is not supported\n  hint: 13 to 23 are; the default is 17\n")
    assert not path.exists()


def test_a_layer_without_a_counterpart(tmp_path: Path) -> None:
    spec, path = tmp_path / "net.yaml", tmp_path / "net.onnx"
    spec.write_text("input: [7, 4]\nlayers:\n  - relu\n  - trilu\n")
    done = cnncalc("export", str(spec), "-o", str(path), "--opset", "13")
    assert done == (
        2,
        "",
        f"{spec}:4:5: 'trilu1', of type trilu, can't be expressed in ONNX: it needs opset 14, not 13\n",
    )
    spec.write_text("input: [1001, 4]\nlayers:\n  - lstm: {hidden_size: 2, output: both}\n")
    done = cnncalc("export", str(spec), "-o", str(path))
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("it outputs the cells of 1,001 steps, but at most 1,000 steps are unrolled\n")
    assert not path.exists()


def test_an_operator_that_nobody_knows_is_not_written(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="makes models")
    ports = [onnx.helper.make_tensor_value_info(name, 1, ["N", 4, 6]) for name in "xy"]
    odd = onnx.helper.make_node("Odd", ["x"], ["y"], name="odd", domain="elsewhere")
    graph = onnx.helper.make_graph([odd], "g", ports[:1], ports[1:])
    model, path = tmp_path / "odd.onnx", tmp_path / "net.onnx"
    model.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    done = cnncalc("export", str(model), "-o", str(path))
    assert done.code == 2
    assert done.err.endswith(
        "of type Odd, can't be expressed in ONNX: it is an operator of the model file that is read, but not written\n"
    )
    assert not path.exists()
    done = cnncalc("export", str(model), "--to", "torch")
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("of type Odd, but PyTorch source is not written for this operator of the model file\n")
    ends = [onnx.helper.make_tensor_value_info(name, 1, ["N", 4, 6]) for name in "abc"]
    odds = [onnx.helper.make_node("Odd", ["x"], [end.name], name=end.name, domain="elsewhere") for end in ends]
    model.write_bytes(onnx.helper.make_model(onnx.helper.make_graph(odds, "g", ports[:1], ends)).SerializeToString())
    said = [line for line in cnncalc("export", str(model), "--to", "torch").err.splitlines() if "PyTorch" in line]
    assert len(said) == 1
    assert said[0].startswith("'odd1' and 2 more are of type Odd, but PyTorch source is not written")


def test_weights_that_do_not_fit_leave_no_file(tmp_path: Path) -> None:
    import numpy as np

    weights, path = tmp_path / "w.npz", tmp_path / "net.onnx"
    tensors = random_weights(load("lenet5"))
    tensors["C1.weight"] = tensors["C1.weight"][:3]
    np.savez(weights, **tensors)  # type: ignore[arg-type]
    done = cnncalc("export", "lenet5", "-o", str(path), "--weights", str(weights))
    assert done.code == 2
    assert "misshapen: C1.weight is (3, 1, 5, 5), expected (6, 1, 5, 5)" in done.err
    tensors = random_weights(load("lenet5"))
    tensors["F6.bias"][1] = np.nan
    np.savez(weights, **tensors)  # type: ignore[arg-type]
    done = cnncalc("export", "lenet5", "-o", str(path), "--weights", str(weights))
    assert done.code == 2
    assert "not finite: F6.bias has NaN or infinite elements" in done.err
    assert not path.exists()


def test_a_terminal_gets_no_model() -> None:
    shown = on_a_terminal([sys.executable, "-m", "cnncalc", "export", "lenet5", "--to", "onnx"])
    assert shown == "--to onnx is binary, and standard output is a terminal\n  hint: give -o FILE, or a pipe\n"


def test_a_pipe_gets_the_model(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    cnncalc("export", "lenet5", "-o", str(path), "--seed", "3")
    command = [sys.executable, "-m", "cnncalc", "export", "lenet5", "--to", "onnx", "--seed", "3"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == path.read_bytes()


def test_a_model_takes_its_own_weights_along(tmp_path: Path) -> None:
    one, two = tmp_path / "one.onnx", tmp_path / "two.onnx"
    cnncalc("export", "lenet5", "-o", str(one), "--seed", "5")
    assert cnncalc("export", str(one), "-o", str(two)) == (0, "", "")
    runs = [load(path).run(seed=1).output for path in (one, two)]
    assert (runs[0] == runs[1]).all()
    assert cnncalc("export", str(one), "-o", str(two), "--seed", "5") == (
        2, "", f"--seed is for random weights, but {one} has its own\n  hint: leave --seed out\n",
    )  # fmt: skip
    assert cnncalc("weights", "lenet5", "-o", str(tmp_path / "w.npz")).code == 0
    assert cnncalc("export", "lenet5", "-o", str(two), "--seed", "5", "--weights", str(tmp_path / "w.npz")) == (
        2, "", "--seed is for random weights, but --weights gives them\n  hint: leave --seed out\n",
    )  # fmt: skip


@pytest.fixture
def small_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower Protocol Buffers' bound of 2 GiB to a size that a test can write."""
    monkeypatch.setattr("cnncalc.exporters.onnx.model.MAX_MESSAGE", (1 << 20) + 100_000)


@pytest.mark.usefixtures("small_messages")
def test_weights_beyond_two_gigabytes_are_beside_the_model(tmp_path: Path) -> None:
    path, data = tmp_path / "net.onnx", tmp_path / "net.onnx.data"
    assert cnncalc("export", "lenet5", "-o", str(path)) == (0, "", "")
    assert data.stat().st_size == 4 * 61_706
    assert path.stat().st_size < 10_000
    ours, again = load("lenet5").run().outputs, load(path).run().outputs  # read from both files
    assert (ours["fc1"] == again["fc1"]).all()
    ort = pytest.importorskip("onnxruntime", reason="runs models")
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    from cnncalc.execution.inputs import random_inputs

    (theirs,) = session.run(None, random_inputs(load("lenet5"), 1, 0, "float32"))
    assert abs(ours["fc1"] - theirs).max() < 1e-5
    assert cnncalc("export", str(path), "-o", str(tmp_path / "other.onnx")).code == 0
    assert (tmp_path / "other.onnx.data").read_bytes() == data.read_bytes()


@pytest.mark.usefixtures("small_messages")
def test_a_pipe_has_no_place_beside_it() -> None:
    done = cnncalc("export", "lenet5", "--to", "onnx")
    assert done == (
        2,
        "",
        "'lenet5' has 246,824 bytes of weights, and an ONNX file holds 1,148,576 in all\n"
        "  hint: of a model that goes to a file, they go into a second one beside it\n",
    )


@pytest.mark.usefixtures("small_messages")
def test_the_file_beside_is_no_input_either(tmp_path: Path) -> None:
    path, weights = tmp_path / "net.onnx", tmp_path / "net.onnx.data"
    cnncalc("weights", "lenet5", "-o", str(tmp_path / "w.npz"))
    (tmp_path / "w.npz").rename(weights)
    before = weights.read_bytes()
    done = cnncalc("export", "lenet5", "-o", str(path), "--weights", str(weights))
    assert (done.code, done.err) == (2, f"-o {weights}: this command reads that file and won't overwrite it\n")
    assert (weights.read_bytes(), path.exists()) == (before, False)


HUGE = "input: [1000000]\nlayers:\n  - linear: 1000000\n    repeat: 1000\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "SPEC", "-o", "net.onnx"), "-o net.onnx: the weights take 3638 TiB, but "),
        (("weights", "SPEC", "-o", "net.npz"), "-o net.npz: the weights take 3638 TiB, but "),
        (("explain", "SPEC", "fc1", "--at", "0"), "the run needs "),
    ],
)
def test_more_weights_than_there_is_room_for(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,000 layers have 10¹² params of 4 bytes each; the command refuses before it draws or writes any."""
    monkeypatch.chdir(tmp_path)
    Path("SPEC").write_text(HUGE)
    done = cnncalc(*arguments)
    assert (done.code, done.out, done.err[: len(message)]) == (2, "", message)
    assert [path.name for path in tmp_path.iterdir()] == ["SPEC"]


def test_the_maximum_of_very_many_elements_is_estimated_from_a_few(tmp_path: Path) -> None:
    """Random weights are scaled by a sample of the input, whose size is bounded even for a maximum of 10¹⁴ elements."""
    (tmp_path / "net.yaml").write_text("input: [4, 100000000000000]\nlayers: [global_maxpool, flatten, {linear: 2}]\n")
    done = cnncalc("export", str(tmp_path / "net.yaml"), "-o", str(tmp_path / "net.onnx"))
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("command", [["export", "--to", "torch"], ["export", "--to", "spec"], ["import"]])
def test_lists_that_are_too_long_to_write_out(command: list[str], tmp_path: Path) -> None:
    """2,000 layers have a list of 1,000 indices: a spec of 4,000 characters would become a source of 10 million."""
    path = tmp_path / "net.yaml"
    path.write_text(
        f"input: [1, 1000]\nlayers:\n  - gather: {{axis: 1, indices: {[*range(1000)]}}}\n    repeat: 2000\n"
    )
    done = cnncalc(*command, str(path))
    message = "the lists of the layers have more than 100,000 numbers, too many to write out\n"
    assert (done.code, done.out, done.err) == (2, "", message)
