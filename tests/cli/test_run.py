"""``cnncalc run`` and ``cnncalc weights``: what they print, write and refuse, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnncalc as library
from tests.commands import cnncalc, process
from tests.layers.building import known

DATA = Path(__file__).parent.parent / "data"
LENET, TRAINED = str(DATA / "digits_lenet.yaml"), str(DATA / "digits_lenet.npz")
SMALL = """
name: Small
input: [3, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - relu
  - conv: {out_channels: 2, kernel_size: 3, stride: 2}
  - flatten
  - linear: 6
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


def saved(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


# --- what is printed -----------------------------------------------------------------------------------------


def test_the_table(small: str) -> None:
    done = cnncalc("run", small, "--threads", "1")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].split() == [
        "Small",
        "input",
        "1×3×8×8",
        "float32",
        "1",
        "thread",
        *["random", "input", "and", "weights", "(seed", "0)"],
    ]
    conv = next(line for line in lines if line.startswith("conv1")).split()
    assert conv[:4] == ["conv1", "1×4×8×8", "1×4×8×8", "✓"]
    assert "in conv1" in next(line for line in lines if line.startswith("relu1"))
    assert "5 of 5 layers: the real shape is the inferred shape" in lines
    macs = 4 * 64 * 27 + 2 * 9 * 36 + 6 * 18
    assert f"{macs:,} MACs are counted, as many were summed" in lines
    assert any(line.startswith("top-5: ") for line in lines)
    assert any(line.startswith("peak memory predicted ") for line in lines)
    assert "in conv1" not in cnncalc("run", small, "--no-fuse").out


def test_the_page_says_what_is_random(small: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 3, 8, 8), np.float32))
    cnncalc("weights", small, "-o", str(tmp_path / "w.npz"))
    x, w = ["--input", str(tmp_path / "x.npy")], ["--weights", str(tmp_path / "w.npz")]
    titles = [cnncalc("run", small, *options).out.splitlines()[0] for options in (["--seed", "3"], x, w, [*x, *w])]
    ends = [
        title.partition("threads")[2].strip() for title in (title.replace("thread ", "threads ") for title in titles)
    ]
    assert ends == ["random input and weights (seed 3)", "random weights (seed 0)", "random input (seed 0)", ""]


def test_json(small: str) -> None:
    done = cnncalc("run", small, "--format", "json", "--batch", "2")
    document = json.loads(done.out)
    assert (document["verified"], document["mismatched"], document["schema_version"]) == (5, 0, 1)
    assert document["seconds"] > 0
    assert document["peak_bytes"] > 0
    assert document["outputs"] == {"fc1": [2, 6]}
    first, second = document["layers"][:2]
    assert first["inferred_shape"] == first["actual_shape"] == first["output_shape"] == [2, 4, 8, 8]
    assert first["match"] is True
    assert first["direct_products"] == first["macs"] == 2 * 4 * 64 * 27
    assert second["fused_into"] == "conv1"
    summary = json.loads(cnncalc("summary", small, "--format", "json", "--batch", "2").out)
    assert all(run.items() >= layer.items() for layer, run in zip(summary["layers"], document["layers"], strict=True))


def test_tsv_and_ndjson(small: str) -> None:
    header, *rows = [line.split("\t") for line in cnncalc("run", small, "--format", "tsv").out.splitlines()]
    assert [row[header.index("actual_shape")] for row in rows] == ["1x4x8x8", "1x4x8x8", "1x2x3x3", "1x18", "1x6"]
    lines = cnncalc("run", small, "--format", "ndjson").out.splitlines()
    assert [json.loads(line)["match"] for line in lines] == [True] * 5


def test_a_smaller_input_by_its_shape() -> None:
    done = cnncalc("run", "resnet18", "--input", "3x32x32", "--format", "json")
    assert json.loads(done.out)["inputs"] == {"input": [1, 3, 32, 32]}


def test_a_mismatch_names_layer_shapes_and_formula(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = known("conv")
    right = cls.output_shape

    def wrong(self: Any, *inputs: Any) -> Any:  # the broken rule forgets the padding of the first layer
        out, *sizes = right(self, *inputs)
        return (out, *(size - 2 for size in sizes)) if out == 4 else (out, *sizes)

    monkeypatch.setattr(cls, "output_shape", wrong)
    done = cnncalc("run", small)
    assert done.code == 1
    assert "✗" in done.out
    assert "conv1: the inferred shape is 1×4×6×6, the real one 1×4×8×8" in done.err
    assert "conv: H_out = " in done.err


def test_a_figure_that_the_spec_expects_and_that_is_not_met(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(SMALL.replace("input: [3", "expect: {params: 1}\ninput: [3"))
    done = cnncalc("run", str(path))
    assert done.code == 1
    assert "5 of 5 layers" in done.out


def test_infinite_values_are_reported(tmp_path: Path, small: str) -> None:
    arrays = {item["name"]: np.full(item["shape"], 3e38, np.float32) for item in listed(small)}
    done = cnncalc("run", small, "--weights", saved(tmp_path / "w.npz", **arrays))
    assert done.code == 1
    assert "'conv1' is the first layer with NaN or infinite elements" in done.err
    assert "5 of 5 layers" in done.out


# --- what goes in and out ------------------------------------------------------------------------------------


def listed(spec: str) -> list[dict[str, Any]]:
    listing: list[dict[str, Any]] = json.loads(cnncalc("weights", spec, "--format", "json").out)["weights"]
    return listing


def test_weights_are_listed_in_pytorch_s_order() -> None:
    weights = listed(LENET)
    assert [item["name"] for item in weights[:6]] == [
        "conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
    ]  # fmt: skip
    assert weights[0] == {"name": "conv1.weight", "layer": "conv1", "shape": [6, 1, 5, 5], "trainable": True}
    assert [item["trainable"] for item in weights[2:6]] == [True, True, False, False]
    assert "16 tensors" not in cnncalc("weights", LENET, "--format", "tsv").out
    assert "18 tensors" in cnncalc("weights", LENET).out


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_random_weights_to_a_file_and_back(small: str, tmp_path: Path, kind: str) -> None:
    files = [str(tmp_path / f"{name}.{kind}") for name in ("a", "b")]
    for file in files:
        done = cnncalc("weights", small, "-o", file, "--seed", "7")
        assert (done.code, done.out, done.err) == (0, "", "")
    assert Path(files[0]).read_bytes() == Path(files[1]).read_bytes()
    outputs = []
    for options in (["--weights", files[0]], ["--seed", "7"]):
        x = tmp_path / "x.npy"
        np.save(x, np.ones((1, 3, 8, 8), np.float32))
        done = cnncalc("run", small, "--input", str(x), *options, "--save", str(tmp_path / "out.npz"))
        assert done.code == 0, done.err
        outputs.append(dict(np.load(tmp_path / "out.npz"))["fc1"])
    assert outputs[0].tobytes() == outputs[1].tobytes()


def test_a_trained_network_reads_a_digit(tmp_path: Path) -> None:
    golden = dict(np.load(DATA / "digits_golden.npz"))
    np.save(tmp_path / "digit.npy", golden["x"][0])
    out = tmp_path / "out.npz"
    done = cnncalc(
        "run", LENET, "--weights", TRAINED, "--input", str(tmp_path / "digit.npy"), "--save", str(out),
        "--layers", "bn1,pool2",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert f"top-5: {golden['labels'][0]} (" in done.out
    arrays = dict(np.load(out))
    assert {name: array.shape for name, array in arrays.items()} == {
        "fc3": (1, 10), "bn1": (1, 6, 8, 8), "pool2": (1, 16, 2, 2),
    }  # fmt: skip
    assert np.abs(arrays["fc3"][0] - golden["logits"][0]).max() < 1e-4


def test_pictures(tmp_path: Path) -> None:
    pixels = np.zeros((6, 12, 3), np.uint8)
    pixels[:, 3:9] = (255, 51, 0)  # the middle, where the shorter side's square is cut out
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    spec = tmp_path / "same.yaml"
    spec.write_text("input: [3, 6, 6]\nlayers:\n  - identity\n")
    out = tmp_path / "out.npz"
    options = ["--resize", "6", "--mean", "0.5", "--std", "0.5,0.5,0.1", "--save", str(out)]
    done = cnncalc("run", str(spec), "--input", str(tmp_path / "picture.png"), *options)
    assert done.code == 0, done.err
    (result,) = dict(np.load(out)).values()
    assert np.allclose(result, np.array([1, -0.6, -5]).reshape(1, 3, 1, 1))  # (1 − ½) / ½, (0.2 − ½) / ½, −½ / 0.1
    stretched = cnncalc("run", str(spec), "--input", str(tmp_path / "picture.png"), "--save", str(out))
    assert stretched.code == 0
    assert dict(np.load(out))["identity1"][0, 0, 0, 0] == 0  # the left border is there
    spec.write_text("input: [6, 6, 3]\nlayers:\n  - permute: [2, 0, 1]\n")  # as Keras's models have it
    done = cnncalc("run", str(spec), "--input", str(tmp_path / "picture.png"), *options)
    assert done.code == 0, done.err
    assert np.array_equal(dict(np.load(out))["permute1"], result)


# --- bad input -----------------------------------------------------------------------------------------------


def bad(tmp_path: Path) -> dict[str, str]:
    """Make unfit files, by the name of their fault."""
    files = {
        "shape": np.zeros((1, 3, 8, 9), np.float32),
        "last": np.zeros((1, 8, 8, 3), np.float32),
        "type": np.zeros((1, 3, 8, 8), np.complex64),
        "large": np.full((1, 3, 8, 8), 2**24 + 1),
        "wide": np.zeros((1, 3, 8, 8), np.float64),
        "nan": np.where(np.arange(192).reshape(1, 3, 8, 8) == 70, np.nan, 0).astype(np.float32),
        "none": np.zeros((0, 3, 8, 8), np.float32),
        "objects": np.array([{}], dtype=object),
    }
    for name, array in files.items():
        np.save(tmp_path / f"{name}.npy", array)
    whole = (tmp_path / "shape.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:200])
    (tmp_path / "text.npy").write_text("not an array")
    np.savez(tmp_path / "whole.npz", x=np.zeros((1, 3, 8, 8), np.float32))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:300])
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing")
    (tmp_path / "cut.safetensors").write_bytes(b"\xff" * 20)
    (tmp_path / "empty.npz").write_bytes(b"")
    return {path.name: str(path) for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--input", "shape.npy"], "input 'input' is (1, 3, 8, 9), expected (N, 3, 8, 8)"),
        (["--input", "last.npy"], "here the channels come last"),
        (["--input", "type.npy"], "is complex64, expected float32, float64 or integers"),
        (["--input", "large.npy"], "integers beyond 16,777,216, which float32 can't all hold"),
        (["--input", "wide.npy", "--dtype", "float32"], "is float64, but float32 was asked for"),
        (["--input", "nan.npy"], "NaN or infinite elements, the first at [0, 1, 0, 6]"),
        (["--input", "none.npy"], "is (0, 3, 8, 8)"),
        (
            ["--input", "objects.npy"],
            "objects.npy is no .npy file, or damaged: it holds pickled objects, which are not read",
        ),
        (["--input", "cut.npy"], "cut.npy is no .npy file, or damaged"),
        (["--input", "text.npy"], "text.npy is no .npy file, or damaged"),
        (["--input", "cut.npz"], "cut.npz is no .npz file, or damaged"),
        (["--input", "empty.npz"], "empty.npz is no .npz file, or damaged"),
        (["--input", "cut.png"], "cut.png is not a picture, or damaged"),
        (["--input", "missing.npy"], "missing.npy: no such file"),
        (["--input", "missing.jpg"], "missing.jpg: no such file"),
        (["--input", "left=whole.npz"], "no input 'left'"),
        (["--weights", "missing.npz"], "missing.npz: no such file"),
        (["--weights", "cut.safetensors"], "cut.safetensors is no .safetensors file, or damaged"),
        (["--weights", "shape.npy"], "holds a single array without a name"),
        (["--weights", "whole.npz"], "left over: x"),
        (["--layers", "conv9", "--save", "out.npz"], "no layer 'conv9'"),
        (["--layers", "conv1"], "there is no --save FILE"),
        (["--save", "out.csv"], "name a file that ends in .npz or .safetensors"),
        (["--save", "nowhere/out.npz"], "there is no folder"),
        (["--max-memory", "1KiB"], "more than 1 KiB\n  hint: a smaller"),
        (["--max-memory", "much"], "--max-memory much: not a number of bytes"),
        (["--max-memory", "9" * 400 + "G"], "more than 40 digits"),
        (["--mean", "a", "--input", "cut.png"], "--mean a: not numbers"),
        (["--threads", "0"], "'--threads'"),
        (["--dtype", "float16"], "'float16'"),
        (["--variant", "large"], "large"),
    ],
)
def test_bad_input(
    arguments: list[str], said: str, small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(os.listdir(tmp_path))
    done = cnncalc("run", small, *arguments)
    assert done.code == 2, done.out
    assert done.out == ""
    assert said in done.err
    assert "Traceback" not in done.err
    assert sorted(os.listdir(tmp_path)) == before, "nothing half-written"


def test_all_faults_of_weights_are_reported_at_once(small: str, tmp_path: Path) -> None:
    arrays = {item["name"]: np.zeros(item["shape"], np.float32) for item in listed(small)}
    del arrays["conv1.bias"]
    arrays["fc1.weight"] = arrays["fc1.weight"].T
    arrays["conv2.bias"] = np.array([1, 2])
    arrays["conv2.weight"][0, 0, 0, 0] = np.nan
    arrays |= {"conv1.extra": np.zeros(1, np.float32), "bn1.num_batches_tracked": np.zeros(1, np.int64)}
    done = cnncalc("run", small, "--weights", saved(tmp_path / "w.npz", **arrays))
    assert done.code == 2
    assert [line.strip() for line in done.err.splitlines()[1:-1]] == [
        "missing: conv1.bias (4)",
        "not finite: conv2.weight has NaN or infinite elements",
        "not floating-point: conv2.bias is int64",
        "misshapen: fc1.weight is (18, 6), expected (6, 18)",
        "left over: conv1.extra",
    ]


def test_of_another_networks_weights_both_names_are_shown(small: str, tmp_path: Path) -> None:
    """Twenty faults are shown, and the network has six tensors: what is left over takes the rest."""
    wanted = [item["name"] for item in listed(small)]
    done = cnncalc(
        "run", small, "--weights", saved(tmp_path / "w.npz", **{f"other{i}": np.zeros(1) for i in range(30)})
    )
    shown = [line.split()[0] for line in done.err.splitlines()[1:-2]]
    assert shown == ["missing:"] * len(wanted) + ["left"] * (20 - len(wanted))
    done = cnncalc(
        "run", "resnet18", "--weights", saved(tmp_path / "w.npz", **{f"o{i}": np.zeros(1) for i in range(30)})
    )
    assert [line.split()[0] for line in done.err.splitlines()[1:-2]] == ["missing:"] * 10 + ["left"] * 10


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("net.pt", "in PyTorch: safetensors.torch.save_file(net.state_dict(), 'net.safetensors')"),
        ("net.onnx", "'cnncalc weights model.onnx -o net.safetensors' writes the tensors of a model file"),
    ],
)
def test_tensors_in_another_format(small: str, tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_bytes(b"PK")
    done = cnncalc("run", small, "--weights", str(tmp_path / name))
    suffix = name[3:]
    message = f"{tmp_path / name}: tensors are read from .npz and .safetensors, not from {suffix}\n  hint: {hint}\n"
    assert done == (2, "", message)
    assert "no such file" in cnncalc("run", small, "--weights", str(tmp_path / f"none{suffix}")).err


def test_axes_of_size_1_make_no_other_weights(small: str, tmp_path: Path) -> None:
    """A module may hold a scale of C channels as (C, 1, 1), and a class token with the axis of the batch."""
    arrays = {item["name"]: np.full(item["shape"], 0.5, np.float32) for item in listed(small)}
    usual = cnncalc("run", small, "--weights", saved(tmp_path / "w.npz", **arrays), "--format", "json")
    arrays["conv1.bias"] = arrays["conv1.bias"].reshape(1, -1, 1, 1)
    done = cnncalc("run", small, "--weights", saved(tmp_path / "v.npz", **arrays), "--format", "json")
    assert (done.code, json.loads(done.out)["outputs"]) == (0, json.loads(usual.out)["outputs"])


def test_a_kernel_that_lies_along_the_other_axis_is_refused(tmp_path: Path) -> None:
    """Inception's kernels of 1×7 and 7×1 have the same elements in the same order."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [4, 9, 9]\nlayers: [{conv: {out_channels: 4, kernel_size: [1, 7], bias: false}}]\n")
    kernel = np.zeros((4, 4, 7, 1), np.float32)
    done = cnncalc("run", str(path), "--weights", saved(tmp_path / "w.npz", **{"conv1.weight": kernel}))
    assert "misshapen: conv1.weight is (4, 4, 7, 1), expected (4, 4, 1, 7)" in done.err
    assert done.code == 2


def test_ctrl_c_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cnncalc", "run", "alexnet", "--repeat", "100000", "--save", "out.npz"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        time.sleep(3)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert (out, err.strip()) == ("", "interrupted")
    assert os.listdir(tmp_path) == []


def test_a_run_in_a_process_of_its_own() -> None:
    done = process("run", LENET, "--weights", TRAINED)
    assert done.returncode == 0
    assert "14 of 14 layers" in done.stdout
    assert library.load(LENET).run().ok


def test_no_warning_of_numpy_s_reaches_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [3, 8, 8]\nlayers: [exp, exp, exp, {conv: {out_channels: 2, kernel_size: 3}}, log]\n")
    done = process("run", str(path))
    assert "Warning" not in done.stderr, done.stderr
    assert done.stdout.startswith("net")


def test_a_single_thing_has_no_plural(tmp_path: Path) -> None:
    path, out = tmp_path / "net.yaml", str(tmp_path / "out")
    path.write_text("input: [1]\nlayers:\n  - linear: {out_features: 1, bias: false}\n")
    commands = [
        ["run"],
        ["draw"],
        ["summary"],
        ["deploy"],
        ["explain"],
        ["hotspots"],
        ["weights"],
        ["check"],
        ["survey"],
    ]
    commands += [
        ["export", "--to", "scale-sim"],
        ["export", "--to", "timeloop", "-o", out],
        ["sweep", "--where", "macs > 9"],
    ]
    commands += [["import", "-o", f"{out}.yaml"], ["check", "--max-params", "0"], ["compare", "lenet5"]]
    texts = "".join("".join(map(str, cnncalc(*command, str(path)))) for command in commands)
    for many, item in (
        (21, "foo"),
        (1, "permute: [1]"),
        (1, "reshape: [2]"),
        (1, "linear: {out_features: 2, axis: 3}"),
    ):
        path.write_text("input: [1]\nlayers:\n" + f"  - {item}\n" * many)
        texts += cnncalc("summary", str(path)).err
    path.write_text("input: [1, 8, 8]\nlayers:\n" + "  - conv: {out_channels: 1, kernel_size: 1}\n  - batchnorm\n" * 21)
    texts += cnncalc("check", str(path)).err
    assert "1 MAC is counted, as many were summed" in texts
    assert "1 layer · 1 param · 1 MAC · bars" in texts
    assert "… and 1 more fault\n" in texts
    assert "net: … and 1 more warning\n" in texts
    assert "bias: false saves 1 param\n" in texts
    things = (
        "layers|params|MACs|FLOPs|faults|warnings|axes|elements|figures|combinations|bytes|buffers|networks|operators"
    )
    assert not re.findall(rf".*\b(?<![\d,.·])1 (?:more )?(?:{things})\b.*", texts)


def test_an_only_input_is_the_same_by_any_name() -> None:
    """So a model file and the spec that is imported from it print the same numbers."""
    layers = "layers: [conv: {out_channels: 2, kernel_size: 3}, flatten, linear: 5]"
    runs = [
        cnncalc("run", "-", "--seed", "3", stdin=f"input: {shape}\n{layers}")
        for shape in ("[1, 8, 8]", "{x: [1, 8, 8]}")
    ]
    lines = [run.out.splitlines()[-1] for run in runs]
    assert lines[0] == lines[1]
    assert lines[0].startswith("top-5: ")
