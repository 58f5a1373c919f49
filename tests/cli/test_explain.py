"""``cnncalc explain``: layers in full and in brief, one element, and refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnncalc.layers import layer_types
from tests.commands import cnncalc, process
from tests.execution.test_trace import FILTERS, IMAGE
from tests.importers.models import model, node

# 10 filters of 5×5 on 3×32×32; all figures by hand
SHARING = """
input: [3, 32, 32]
layers:
  - conv: {out_channels: 10, kernel_size: 5, padding: 2}
"""

CONV = """\
conv1   conv 5×5, 10   3×32×32 → 10×32×32
Slides out_channels filters over the map; every filter is as deep as its group
of input channels.

shape
  C_out         = 10
  H_out = W_out = ⌊(H_in + 2·P − D·(K − 1) − 1) / S⌋ + 1
                = ⌊(32 + 2·2 − 1·(5 − 1) − 1) / 1⌋ + 1
                = 32
  K kernel_size, S stride, P padding, D dilation
  Zero padding of 2 on every side makes 32×32 into 36×36: 32×32 windows fit,
  without it 28×28. So the size is kept. 7.4 % of the products are with a zero;
  they are counted all the same.
  Every element of the map is read by some window; the windows end where the
  padded map ends.

params, MACs, FLOPs
  weight = C_out·C_in·K·K = 10·3·5·5 = 750
  bias   = C_out = 10
  params = weight + bias = 750 + 10 = 760
  macs   = C_out·H_out·W_out·C_in·K·K = 10·32·32·3·5·5 = 768,000
  flops  = 2·C_out·H_out·W_out·C_in·K·K + C_out·H_out·W_out
         = 2·10·32·32·3·5·5 + 10·32·32
         = 1,546,240

bytes
  output  = C_out·H_out·W_out·4 = 10·32·32·4 = 40,960
  weights = params·4 = 760·4 = 3,040

receptive field
  H, W  sees 1 + (5 − 1)·1 = 5 of the input, a step of 1·1 = 1 apart

weight sharing
  shared          = weight + bias = 750 + 10 = 760
  unshared        = C_out·C_in·K·K·H_out·W_out = 10·3·5·5·32·32 = 768,000
  fully connected = C_in·H_in·W_in·C_out·H_out·W_out
                  = 3·32·32·10·32·32
                  = 31,457,280
  Every filter serves all 32×32 positions. Unshared takes 1,011 times as many,
  fully connected 41,391 times; the last two are without biases; one for every
  output adds 10,240.
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(SHARING)
    return str(path)


def test_one_layer_in_full(net: str) -> None:
    done = cnncalc("explain", net, "conv1", columns=80)
    assert (done.code, done.err) == (0, "")
    assert done.out == CONV


def test_a_whole_network_in_brief() -> None:
    # the first layers of torchvision's AlexNet, by hand
    lines = cnncalc("explain", "alexnet", columns=80).out.splitlines()
    start = lines.index("conv1   conv 11×11/4, 64   3×224×224 → 64×55×55")
    assert lines[start + 1 : start + 10] == [
        "  H_out = W_out = ⌊(224 + 2·2 − 1·(11 − 1) − 1) / 4⌋ + 1 = 55",
        "  weight        = 64·3·11·11 = 23,232",
        "  params        = 23,232 + 64 = 23,296",
        "  macs          = 64·55·55·3·11·11 = 70,276,800",
        "relu1   relu   64×55×55 → 64×55×55",
        "  flops = 64·55·55 = 193,600",
        "pool1   maxpool 3×3/2   64×55×55 → 64×27×27",
        "  H_out = W_out = ⌊(55 + 2·0 − 1·(3 − 1) − 1) / 2⌋ + 1 = 27",
        "  flops         = 64·27·27·(3·3 − 1) = 373,248",
    ]
    assert "params = conv 2,469,696 + fc 58,631,144 = 61,100,840" in lines
    assert max(map(len, lines)) <= 80


def test_a_lost_column_is_reported() -> None:
    (conv1,) = json.loads(cnncalc("explain", "alexnet", "conv1", "--input", "3x225x225", "--format", "json").out)[
        "layers"
    ]
    assert [border["lost"] for border in conv1["borders"]] == [[], []]  # the last element, 224, is under the padding
    done = cnncalc("explain", "alexnet", "pool1", "--input", "3x230x230", columns=200)
    lost = "Lost: row and column 55 (1 of 56, counted from 0), read by no window"
    assert f"{lost}: 56 − 3 is not a multiple of the stride 2." in done.out


def test_json_has_all_of_it(net: str) -> None:
    found = json.loads(cnncalc("explain", net, "--format", "json").out)
    (layer,) = found["layers"]
    assert layer["sharing"] == {"shared": 760, "unshared": 768_000, "fully_connected": 31_457_280}
    assert layer["formulas"][1] == {
        "symbol": "H_out",
        "expression": "⌊(H_in + 2·P − D·(K − 1) − 1) / S⌋ + 1",
        "numbers": "⌊(32 + 2·2 − 1·(5 − 1) − 1) / 1⌋ + 1",
        "value": 32,
    }
    assert layer["bytes"] == {"output": 40960, "weights": 3040}
    assert layer["receptive_field"][1] == {"axis": "W", "size": 5, "stride": 1, "offset": 2, "least": 5, "exact": True}
    assert layer["borders"][0]["lost"] == []


def test_one_row_per_formula(net: str) -> None:
    rows = list(csv.DictReader(cnncalc("explain", net, "conv1", "--format", "csv").out.splitlines()))
    found = {row["symbol"]: row for row in rows}
    assert found["macs"]["numbers"] == "10·32·32·3·5·5"
    assert found["unshared"]["value"] == "768000"


def test_a_published_figure_that_is_not_met(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"expect: {{params: 768000}}{SHARING}")
    done = cnncalc("explain", str(path), "conv1")
    assert done.code == 1
    assert "params should be 768,000, but is 760" in done.err
    assert "params = weight + bias = 750 + 10 = 760" in done.out


def test_layers_are_selected() -> None:
    def names(*words: str) -> list[str]:
        rows = cnncalc("explain", "resnet18", *words, "--format", "ndjson").out.splitlines()
        return [json.loads(row)["layer"] for row in rows]

    assert names("pool1") == ["pool1"]
    assert names("stage1.basic1.conv_bn1.conv1") == ["stage1.basic1.conv_bn1.conv1"]
    assert names("stage4.basic1.conv_bn3") == ["stage4.basic1.conv_bn3.conv1", "stage4.basic1.conv_bn3.bn1"]
    assert names("stage3.basic2.conv_bn2.bn1") == names("stage3.basic2.conv_bn2.bn*")
    assert len(names("stage2")) == len(names("stage2.*")) == 16
    assert names("conv_bn1") == ["conv_bn1.conv1", "conv_bn1.bn1"]  # a path comes before the ends of others
    assert names("fc1", "pool1") == ["pool1", "fc1"]  # in the network's order


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["conv_bn9"],
            "'resnet18' has no layer 'conv_bn9'\n  hint: layers: conv_bn1.conv1, conv_bn1.bn1, relu1, pool1, "
            "stage1.basic1.conv_bn1.conv1, stage1.basic1.conv_bn1.bn1, stage1.basic1.relu1, "
            "stage1.basic1.conv_bn2.conv1, …\n",
        ),
        (["conv_bn1.cnov1"], "'resnet18' has no layer 'conv_bn1.cnov1'\n  hint: did you mean 'conv_bn1.conv1'?\n"),
        (
            ["x*"],
            "'resnet18' has no layer that matches 'x*'\n  hint: layers: conv_bn1.conv1, conv_bn1.bn1, relu1, pool1, "
            "stage1.basic1.conv_bn1.conv1, stage1.basic1.conv_bn1.bn1, stage1.basic1.relu1, "
            "stage1.basic1.conv_bn2.conv1, …\n",
        ),
        (
            ["conv_bn2"],
            "'conv_bn2' is the end of 8 blocks' names\n  hint: stage1.basic1.conv_bn2, stage1.basic2.conv_bn2, "
            "stage2.basic1.conv_bn2, stage2.basic2.conv_bn2, stage3.basic1.conv_bn2, …; '*.conv_bn2.*' selects all of them\n",
        ),
        (
            ["basic1.conv_bn3.conv1"],
            "'basic1.conv_bn3.conv1' is the end of 3 layers' names\n  hint: stage2.basic1.conv_bn3.conv1, "
            "stage3.basic1.conv_bn3.conv1, stage4.basic1.conv_bn3.conv1; '*.basic1.conv_bn3.conv1' selects all of them\n",
        ),
        (
            ["pool1", "fc1", "--at", "0"],
            "--at traces an element of one layer, not of 2\n  hint: name one of them: pool1, fc1\n",
        ),
        (
            ["pool1", "--at", "a,b"],
            "--at a,b: not a place\n  hint: give the channel and a place on every axis, counted from 0: 0,3,4\n",
        ),
        (["pool1", "--weights", "w.npz"], "--weights is for tracing an element\n  hint: add --at C,H,W\n"),
    ],
)
def test_unknown_layers_are_refused(words: list[str], message: str) -> None:
    done = cnncalc("explain", "resnet18", *words)
    assert (done.code, done.out, done.err) == (2, "", message)


def test_the_end_of_a_blocks_path_selects_it(tmp_path: Path) -> None:
    """As 'conv2d' where all layers of a Keras model are within 'sequential', as the table shows them."""
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: [3, 8, 8]\nblocks:\n  outer:\n    layers:\n      - inner\n      - other\n"
        "  inner:\n    layers:\n      - conv: {out_channels: 2, kernel_size: 3}\n      - relu\n"
        "  other:\n    layers:\n      - relu\nlayers:\n  - outer:\n    name: whole\n"
    )
    rows = cnncalc("explain", str(path), "inner1", "--format", "ndjson").out.splitlines()
    assert [json.loads(row)["layer"] for row in rows] == ["whole.inner1.conv1", "whole.inner1.relu1"]


def test_a_layer_with_the_name_of_a_block_is_the_one_to_trace(tmp_path: Path) -> None:
    """A recurrent operator is named after its module, in which there may be other layers."""
    nodes = [
        node("Relu", ["x"], ["z"], name="/l/Relu"),
        node("Transpose", ["z"], ["t"], perm=[1, 0, 2], name="/l/Transpose"),
        node("LSTM", ["t", "w", "r"], ["s"], hidden_size=2, name="/l/LSTM"),
        node("Squeeze", ["s", "one"], ["y"], name="/Squeeze"),
    ]
    constants = {"w": np.ones((1, 8, 3), np.float32), "r": np.ones((1, 8, 2), np.float32), "one": np.array([1])}
    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, {"x": ["N", 5, 3]}, ["y"], constants))
    assert cnncalc("explain", str(path), "l").out.count("params, MACs, FLOPs") == 2
    assert cnncalc("explain", str(path), "l", "--at", "4,1").err.startswith(
        "'l' is of type lstm, which can't be traced\n"
    )


def test_every_layer_type_is_explained(tmp_path: Path) -> None:
    from cnncalc.layers import layer_type

    for name in layer_types():
        layer = layer_type(name)
        assert layer is not None
        example = layer.example
        names = [f"x{number}" for number in range(len(example.inputs))]
        inputs = (
            ", ".join(f"{name}: {list(shape)}" for name, shape in zip(names, example.inputs, strict=True)) or "x: [1]"
        )
        item = example.item if ":" in example.item else f"{example.item}:"
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"input: {{{inputs}}}\nlayers:\n  - {item}\n    from: [{', '.join(names)}]\n    name: one\n")
        done = cnncalc("explain", str(path), "one", columns=80)
        assert (done.code, done.err) == (0, ""), name
        assert done.out.startswith(f"one   {name}"), name
        assert f" = {example.params:,}\n" in done.out or not example.params, name


# --- one element ---------------------------------------------------------------------------------------------

TEXTBOOK = """
input: [3, 5, 5]
layers:
  - conv: {out_channels: 2, kernel_size: 3, stride: 2, padding: 1}
"""

# rows and columns 1 … 3 of the textbook's 5×5×3 example, worked out by hand
TRACED = """\
conv1 at C 0, H 1, W 1
its window is H 1…3, W 1…3 of the input

channel 0
  window      filter        products
  1 1 0        1  0 −1       1  0  0
  0 1 2        0  1  0       0  1  0
  1 0 0       −1  0  1      −1  0  0
sum 1

channel 1
  window      filter        products
  2 0 1        0  1  0       0  0  0
  0 1 1        1 −1  1       0 −1  1
  1 0 0        0 −1  0       0  0  0
sum 0

channel 2
  window      filter        products
  1 0 2       −1  0  0      −1  0  0
  0 2 0        0  1  1       0  2  0
  2 1 1        1  0  0       2  0  0
sum 3

sum of 3 channels = 1 + 0 + 3 = 4
bias = 1
result = the sums of all channels + bias = 5
the executor's value is 5: equal, except for rounding
"""


@pytest.fixture
def textbook(tmp_path: Path) -> list[str]:
    (tmp_path / "net.yaml").write_text(TEXTBOOK)
    np.save(tmp_path / "image.npy", IMAGE)
    weights: dict[str, Any] = {"conv1.weight": FILTERS, "conv1.bias": np.array([1, -2], np.float32)}
    np.savez(tmp_path / "net.npz", **weights)
    files = ["--input", str(tmp_path / "image.npy"), "--weights", str(tmp_path / "net.npz")]
    return ["explain", str(tmp_path / "net.yaml"), "conv1", *files]


def test_the_textbooks_element(textbook: list[str]) -> None:
    done = cnncalc(*textbook, "--at", "0,1,1", columns=80)
    assert (done.code, done.err) == (0, "")
    assert done.out == TRACED


def test_padding_is_shown_as_such(textbook: list[str]) -> None:
    done = cnncalc(*textbook, "--at", "0,0,0", "--channels", "1", columns=80)
    assert done.out.splitlines()[:8] == [
        "conv1 at C 0, H 0, W 0",
        "its window is H −1…1, W −1…1 of the input; · is padding",
        "",
        "channel 0",
        "  window      filter        products",
        "  · · ·        1  0 −1      0 0 0",
        "  · 1 0        0  1  0      0 1 0",
        "  · 0 1       −1  0  1      0 0 1",
    ]
    assert "… 2 more channels, which sum to 2 (--channels shows more)" in done.out


def test_a_trace_as_json_and_as_rows(textbook: list[str]) -> None:
    found = json.loads(cnncalc(*textbook, "--at", "1,2,2", "--format", "json").out)
    assert (found["result"], found["executor"], found["match"], found["terms"]) == (-2, -2, True, {"bias": -2})
    assert [channel["sum"] for channel in found["channels"]] == [1, 0, -1]
    assert found["channels"][2]["window"] == [[1, 0, 0], [0, 2, 0], [0, 0, 0]]
    rows = cnncalc(*textbook, "--at", "1,2,2", "--format", "tsv").out.splitlines()
    assert rows[:2] == ["what\tvalue", "channel 0\t1.0"]
    assert rows[-2:] == ["result\t-2.0", "executor\t-2.0"]


def test_channels_last(textbook: list[str]) -> None:
    done = cnncalc(*textbook, "--at", "2,1,0", "--layout", "hwc")
    assert done.out.startswith("conv1 at C 0, H 2, W 1\n")


def test_a_seed_gives_the_same_numbers_in_another_process() -> None:
    options = ("explain", "alexnet", "fc1", "--at", "7", "--seed", "3", "--input", "3x64x64")
    first, second = cnncalc(*options), process(*options)
    assert first.code == second.returncode == 0
    assert first.out == second.stdout
    assert "more products, which sum to" in first.out


CEIL = "input: [1, 5, 6]\nlayers:\n  - maxpool: {kernel_size: 2, stride: 2, ceil_mode: true}\n"


def test_a_window_that_overhangs_the_map() -> None:
    lines = cnncalc("explain", "-", "pool1", stdin=CEIL, columns=200).out.splitlines()
    assert (
        "  No padding: the map shrinks from 5×6 to 3×3. Rounded up, the last window overhangs the end of the map by 1 "
        "along H; elements past it do not count."
    ) in lines
    padded = CEIL.replace("stride", "padding: 1, stride").replace("[1, 5", "[1, 6")
    out = cnncalc("explain", "-", "pool1", stdin=padded, columns=None).out
    assert "overhangs" not in out  # 6 + 2 is a multiple of 2


@pytest.mark.parametrize(
    ("at", "note"),
    [
        ("0,0,0", "H 0…1, W 0…1 of the input"),
        ("0,2,2", "H 4…5, W 4…5 of the input; · is past the end, which the window overhangs by 1 along H"),
    ],
)
def test_an_element_whose_window_overhangs(at: str, note: str) -> None:
    done = cnncalc("explain", "-", "pool1", "--at", at, stdin=CEIL, columns=200)
    assert done.out.splitlines()[1] == f"its window is {note}"


def test_a_total_of_one_kind_is_reported_once() -> None:
    spec = "input: [2, 6, 6]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3}\n"
    assert "\nparams = conv 76\nMACs = conv 1,152\n" in cnncalc("explain", "-", stdin=spec).out
    assert "\nparams = 0\nMACs = 0\n" in cnncalc("explain", "-", stdin=CEIL).out


def test_positions_may_see_parts_of_different_size() -> None:
    spec = "input: [8, 16, 16]\nlayers:\n  - reshape: [8, 256]\n  - conv: {out_channels: 8, kernel_size: 3}\n"
    done = cnncalc("explain", "-", "conv1", stdin=spec, columns=None)
    assert "receptive field\n  H  sees 1 to 2 of the input, " in done.out
    assert "\n  W  sees 3 to 16 of the input, " in done.out
    done = cnncalc("explain", "-", "conv1", "--format", "json", stdin=spec)
    fields = json.loads(done.out)["layers"][0]["receptive_field"]
    assert [(field["axis"], field["least"], field["size"], field["exact"]) for field in fields] == [
        ("H", 1, 2, True), ("W", 3, 16, True),
    ]  # fmt: skip


NAN = """
input: [1, 4]
layers:
  - hardtanh: {min_val: -5, max_val: -1}
  - lppool: {kernel_size: 2, norm_type: 1.5}
  - avgpool: 1
"""


def test_nan_and_infinity_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(NAN)  # a negative number to a fractional power is nan
    done = cnncalc("explain", str(path), "pool2", "--at", "0,0")
    assert (done.code, done.err) == (0, "")
    assert "result = the sum / elements = nan\nthe executor's value is nan: equal" in done.out
    record = json.loads(
        cnncalc("explain", str(path), "pool2", "--at", "0,0", "--format", "json").out, parse_constant=pytest.fail
    )
    assert (record["result"], record["executor"], record["match"]) == (None, None, True)
    assert cnncalc("explain", str(path), "pool2", "--at", "0,0", "--format", "tsv").out.endswith("executor\tnan\n")


def test_too_many_layers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("input: [4]\nlayers:\n  - relu:\n    repeat: 2001\n")
    done = cnncalc("explain", str(tmp_path / "net.yaml"))
    assert (done.code, done.out) == (2, "")
    assert "2,001 layers; at most 2,000 are explained at once" in done.err
    assert "name some of them" in done.err
    assert cnncalc("explain", str(tmp_path / "net.yaml"), "relu*1").code == 0
    names = [f"x{number}" for number in range(100)]  # each layer reads all of the ones before it
    inputs, read = ", ".join([f"{name}: [4]" for name in names]), ", ".join(names)
    (tmp_path / "net.yaml").write_text(
        f"input: {{{inputs}}}\nlayers:\n  - add:\n    from: [{read}]\n  - relu:\n    repeat: 200\n"
    )
    done = cnncalc("explain", str(tmp_path / "net.yaml"))
    assert "201 layers of a network of 100 inputs; at most 200 are explained at once" in done.err
    assert cnncalc("explain", str(tmp_path / "net.yaml"), "relu*").code == 0


def test_an_element_behind_an_operator_that_cannot_be_run_is_refused() -> None:
    """Resize, where it counts from the middle, has a shape only."""
    made = model(
        [node("Resize", ["x", "", "s"], ["r"], mode="cubic", coordinate_transformation_mode="tf_half_pixel_for_nn"),
         node("Relu", ["r"], ["y"])],
        {"x": ["N", 3, 4, 4]}, ["y"], {"s": np.array([1, 1, 2, 2], np.float32)},
    )  # fmt: skip
    done = cnncalc("explain", "-", "relu1", "--at", "0,0,0", stdin=made)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("'relu1' can't be traced: 'resize1' was not computed: 'Resize' can't be run\n")
