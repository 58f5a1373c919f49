"""``cnncalc summary`` through its entry point: the table, the formats, the options, the exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import cnncalc, on_a_terminal, process

LENET = """\
name: LeNet-ish
input: [1, 28, 28]
layers:
  - conv: {out_channels: 6, kernel_size: 5, padding: 2}
  - relu
  - maxpool: 2
  - conv: {out_channels: 16, kernel_size: 5}
  - relu
  - maxpool: 2
  - flatten
  - linear: 120
  - linear: 10
"""


def summary(*arguments: str, **options: Any) -> dict[str, Any]:
    done = cnncalc("summary", *arguments, "--format", "json", **options)
    assert done.code == 0
    assert done.err == ""
    found: dict[str, Any] = json.loads(done.out)
    return found


# --- JSON ------------------------------------------------------------------------------------------------------


def test_json_of_vgg16() -> None:
    """Every figure that the schema's own example fixes."""
    found = summary("vgg16")
    assert found["schema_version"] == 1
    assert (found["name"], found["variant"]) == ("VGG", "vgg16")
    assert (found["convention"], found["batch"], found["dtype"]) == ("macs", 1, "float32")
    assert found["inputs"] == {"input": [1, 3, 224, 224]}
    assert found["outputs"] == {"fc3": [1, 1000]}
    layer = found["layers"][0]
    expected = {
        "index": 0, "name": "stage1.conv_relu1.conv1", "type": "conv", "kind": "conv", "inputs": ["input"],
        "input_shapes": [[1, 3, 224, 224]], "output_shape": [1, 64, 224, 224],
        "args": {"out_channels": 64, "kernel_size": [3, 3], "stride": [1, 1], "padding": [[1, 1], [1, 1]],
                 "dilation": [1, 1], "groups": 1, "bias": True},
        "params": 1792, "buffers": 0, "macs": 86704128, "flops": 176619520, "activations": 3211264,
        "output_bytes": 12845056, "receptive_field": [3, 3],
    }  # fmt: skip
    assert {key: layer[key] for key in expected} == expected
    conv, fc = found["kinds"]["conv"], found["kinds"]["fc"]
    assert (conv["layers"], conv["params"], conv["macs"]) == (13, 14714688, 15346630656)
    assert (round(conv["params_share"], 3), round(conv["macs_share"], 3)) == (0.106, 0.992)
    assert (fc["layers"], fc["params"], fc["macs"]) == (3, 123642856, 123633664)
    assert (round(fc["params_share"], 3), round(fc["macs_share"], 3)) == (0.894, 0.008)
    assert (found["totals"]["params"], found["totals"]["macs"]) == (138357544, 15470264320)
    assert found["uncounted"] == []


def test_totals_are_the_sums_of_the_layers_and_of_the_kinds() -> None:
    found = summary("mobilenet_v2")
    for figure in ("params", "macs", "flops", "buffers"):
        assert sum(layer[figure] for layer in found["layers"]) == found["totals"][figure]
    for figure in ("params", "macs", "layers"):
        assert sum(kind[figure] for kind in found["kinds"].values()) == found["totals"][figure]


def test_memory_by_hand() -> None:
    """A shortcut waits for its add: it lives, with input and output, while the second convolution runs."""
    text = "input: [2, 4, 4]\nlayers:\n  - add:\n      paths:\n        - []\n" + (
        "        - - conv: {out_channels: 8, kernel_size: 1, bias: false}\n"
        "          - conv: {out_channels: 2, kernel_size: 1, bias: false}\n"
    )
    memory = summary("-", stdin=text)["totals"]["memory"]
    assert memory["weights"] == 4 * (2 * 8 + 8 * 2)
    assert memory["forward"] == 4 * 16 * (8 + 2 + 2)
    assert memory["peak"] == 4 * 16 * (2 + 8 + 2)  # shortcut, the wide map, the narrow one
    assert memory["training"] == 4 * (32 * 4 + 16 * 12)  # weights, gradients, Adam's two moments; all outputs
    assert memory["peak_at"] == "conv2"


@pytest.mark.parametrize(
    ("dtype", "width"), [("float64", 8), ("float32", 4), ("float16", 2), ("bfloat16", 2), ("int8", 1)]
)
def test_bytes_follow_the_dtype(dtype: str, width: int) -> None:
    found = summary("-", "--dtype", dtype, stdin=LENET)
    assert found["dtype"] == dtype
    assert found["totals"]["memory"]["weights"] == found["totals"]["params"] * width
    assert found["layers"][0]["output_bytes"] == 6 * 28 * 28 * width


def test_a_batch_multiplies_work_and_not_params() -> None:
    one, four = summary("-", stdin=LENET), summary("-", "--batch", "4", stdin=LENET)
    assert four["totals"]["params"] == one["totals"]["params"]
    for figure in ("macs", "flops", "activations"):
        assert four["totals"][figure] == 4 * one["totals"][figure]
    assert four["totals"]["memory"]["peak"] == 4 * one["totals"]["memory"]["peak"]
    assert four["layers"][0]["output_shape"] == [4, 6, 28, 28]


def test_columns_add_up_to_the_totals() -> None:
    """LeNet-5's outputs of conv and linear layers by hand: 6·28·28 + 16·10·10 + 120 + 84 + 10 = 6,518."""
    found = summary("lenet5")
    for figure in ("params", "buffers", "macs", "flops", "activations"):
        assert sum(row[figure] for row in found["layers"]) == found["totals"][figure]
    assert found["totals"]["activations"] == 6518
    assert sum(row["output_bytes"] for row in found["layers"]) == found["totals"]["forward_bytes"]


def test_receptive_fields_by_hand() -> None:
    """LeNet: conv 5 sees 5; pool 2/2 sees 6, stride 2; conv 5 sees 6 + 4·2 = 14; pool sees 16, stride 4."""
    found = summary("-", stdin=LENET)
    fields = [layer["receptive_field"][0] for layer in found["layers"]]
    assert fields[:6] == [5, 5, 6, 14, 14, 16]
    assert fields[7] == 16 + (5 - 1) * 4  # the linear layer reads all 5×5 positions


def test_an_axis_that_is_seen_as_a_whole_has_no_step(tmp_path: Path) -> None:
    """After a softmax over H each position sees all of H, 3 + 7 with the padding; along W the step is 1."""
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: [4, 8, 8]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3, padding: 1}\n  - softmax: 1\n"
    )
    seen = "an output position sees 10×3 (with padding) of the input's 8×8, 1 apart along W, the same all along H"
    assert seen in cnncalc("summary", str(path)).out
    said = cnncalc("explain", str(path), "softmax1").out
    assert "  H  sees 3 + (8 − 1)·1 = 10 of the input, the same at every position\n" in said


def test_receptive_field_of_a_published_table() -> None:
    """AlexNet's and VGG-16's last pooling: 195 and 212 (Araujo et al. 2019, Distill, Table of receptive fields)."""
    alexnet = {layer["name"]: layer["receptive_field"] for layer in summary("alexnet")["layers"]}
    vgg16 = {layer["name"]: layer["receptive_field"] for layer in summary("vgg16")["layers"]}
    assert alexnet["pool3"] == [195, 195]
    assert vgg16["stage5.pool1"] == [212, 212]


def test_branches_of_different_stride_are_reported() -> None:
    text = "input: [2, 4, 4]\nlayers:\n  - concat:\n      paths:\n        - - upsample: 2\n          - maxpool: 2\n          - maxpool: 2\n        - - center_crop: {size: [2, 2]}\n"
    assert summary("-", stdin=text)["disagreeing_strides"] == ["concat1"]


# --- the other formats -----------------------------------------------------------------------------------------


def test_ndjson_has_one_layer_per_line() -> None:
    lines = [json.loads(line) for line in cnncalc("summary", "-", "--format", "ndjson", stdin=LENET).out.splitlines()]
    assert lines == summary("-", stdin=LENET)["layers"]


@pytest.mark.parametrize(("format", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_csv_and_tsv_have_a_header_and_join_lists_by_x(format: str, delimiter: str) -> None:
    rows = list(
        csv.DictReader(io.StringIO(cnncalc("summary", "-", "--format", format, stdin=LENET).out), delimiter=delimiter)
    )
    assert len(rows) == 9
    assert rows[0]["name"] == "conv1"
    assert rows[0]["output_shape"] == "1x6x28x28"
    assert int(rows[0]["params"]) == 6 * 25 + 6


def test_markdown_is_a_table() -> None:
    lines = cnncalc("summary", "-", "--format", "markdown", "--columns", "name,params", stdin=LENET).out.splitlines()
    assert lines[:3] == ["| name | params |", "| --- | --- |", "| conv1 | 156 |"]


def test_columns_choose_what_is_shown() -> None:
    assert cnncalc("summary", "-", "--format", "tsv", "--columns", "layer,macs", stdin=LENET).out.splitlines()[:2] == [
        "name\tmacs", "conv1\t117600",
    ]  # fmt: skip
    header = cnncalc(
        "summary", "-", "--columns", "layer,flops,receptive_field", stdin=LENET, columns=80
    ).out.splitlines()[2]
    assert header.split() == ["layer", "FLOPs", "sees"]


# --- the table -------------------------------------------------------------------------------------------------


def test_the_table_at_eighty_columns() -> None:
    """The snapshot's figures by hand: 6·25 + 6, 16·150 + 16, 400·120 + 120, 120·10 + 10."""
    assert cnncalc("summary", "-", stdin=LENET, columns=80).out.startswith(
        """\
LeNet-ish   input 1×28×28   batch 1   float32

layer     type             output  params             MACs
------------------------------------------------------------------
conv1     conv 5×5, 6     6×28×28     156   0.3 %  117,600  28.9 %
relu1     relu            6×28×28       0                0
pool1     maxpool 2×2/2   6×14×14       0                0
conv2     conv 5×5, 16   16×10×10   2,416   4.7 %  240,000  59.0 %
relu2     relu           16×10×10       0                0
pool2     maxpool 2×2/2    16×5×5       0                0
flatten1  flatten             400       0                0
fc1       linear 120          120  48,120  92.7 %   48,000  11.8 %
fc2       linear 10            10   1,210   2.3 %    1,200   0.3 %
------------------------------------------------------------------
"""
    )


@pytest.mark.parametrize("network", ["alexnet", "resnet50", "inception_v4", "efficientnet_b0", "densenet201", "yolov3"])
@pytest.mark.parametrize("columns", [80, 120, 200])
def test_no_table_is_wider_than_the_terminal_and_no_figure_is_cut(network: str, columns: int) -> None:
    done = cnncalc("summary", network, columns=columns)
    assert max(len(line) for line in done.out.splitlines()) <= columns
    figures = summary(network)["totals"]
    assert f"{figures['params']:,}" in done.out
    assert f"{figures['macs']:,}" in done.out
    for layer in summary(network)["layers"]:
        assert f"{layer['macs']:,}" in done.out


def test_a_column_of_bytes_shows_their_unit(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [3, 16, 16]\nlayers: [{conv: {out_channels: 8, kernel_size: 1}}, flatten]\n")
    done = cnncalc("summary", str(path), "--columns", "layer,activations,output_bytes")
    lines = [" ".join(line.split()) for line in done.out.splitlines()[2:7]]
    # 8 · 16 · 16 elements of 4 bytes
    assert lines == ["layer activations activation memory", lines[1], "conv1 2,048 8 KiB", "flatten1 0 8 KiB", lines[1]]


def test_a_block_of_one_layer_is_shown_as_that_layer(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "blocks:\n  stem: {layers: [{conv: {out_channels: 8, kernel_size: 3}}]}\n  twice: {layers: [relu, tanh]}\n"
        "input: [3, 8, 8]\nlayers: [stem, twice]\n"
    )
    rows = summary(str(path), "--depth", "1")["layers"]
    assert [(row["name"], row["type"], row["params"]) for row in rows] == [
        ("stem1", "conv", 224),
        ("twice1", "block", 0),
    ]


@pytest.mark.parametrize("depth", ["1", "2", "9"])
@pytest.mark.parametrize("network", ["resnet50", "googlenet", "mobilenet_v2"])
def test_folded_rows_add_up_to_the_total(network: str, depth: str) -> None:
    folded = summary(network, "--depth", depth)
    assert all(layer["name"].count(".") < int(depth) for layer in folded["layers"])
    for figure in ("params", "macs", "flops", "buffers"):
        assert sum(layer[figure] for layer in folded["layers"]) == folded["totals"][figure]
    names = [layer["name"] for layer in folded["layers"]]
    assert len(names) == len(set(names))
    ends = {layer["name"].split(".")[0]: layer["output_shape"] for layer in summary(network)["layers"]}
    assert all(layer["output_shape"] == ends[layer["name"]] for layer in folded["layers"] if layer["name"] in ends)


def test_sorted_and_cut_rows_keep_the_sum() -> None:
    done = cnncalc("summary", "vgg16", "--sort", "params", "--top", "2", columns=100)
    rows = [line for line in done.out.splitlines() if re.match(r"fc1|fc2|… ", line)]
    assert [row.split()[0] for row in rows] == ["fc1", "fc2", "…"]
    shown = [int(re.findall(r"\d[\d,]{3,}", row)[-2 if "…" not in row else 0].replace(",", "")) for row in rows]
    assert sum(shown) == 138357544


def test_top_alone_takes_the_most_macs() -> None:
    macs = [layer["macs"] for layer in summary("resnet50", "--top", "3")["layers"]]
    assert macs == sorted((layer["macs"] for layer in summary("resnet50")["layers"]), reverse=True)[:3]


def test_layout_hwc_reads_and_prints_shapes_channels_last() -> None:
    done = cnncalc("summary", "textbook_one_filter", "--layout", "hwc", "--input", "32x32x3")
    assert "input 32×32×3" in done.out
    assert done.err == ""
    hint = cnncalc("summary", "textbook_padding_3", "--input", "32x32x3").err.splitlines()[1]
    assert hint == "  hint: channels come first: [3, 32, 32], or add --layout hwc"
    assert "28×28×1" in done.out


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ("vgg16", "Convolution computes, fully connected stores: conv has 99.2 % of the MACs with 10.6 % of the params, "
                  "fc has 89.4 % of the params with 0.8 % of the MACs."),
        ("resnet50", "That fully connected layers store does not hold here: fc has 8.0 % of the params."),
        ("convnext_tiny", "That convolution computes does not hold here: conv has 6.6 % of the MACs."),
        ("squeezenet1_0", "There is no fully connected layer."),
        ("toyadmos_autoencoder", "There is no convolution"),
    ],
)  # fmt: skip
def test_the_sentence_below_the_table(network: str, sentence: str) -> None:
    assert sentence in " ".join(cnncalc("summary", network).out.split())


def test_the_sentence_counts_what_is_neither_convolution_nor_fully_connected() -> None:
    """By hand: the conv has 3·8 + 8 params and 16·24 MACs, the LSTM 4·32·(8 + 32 + 2) and 16·4·32·(8 + 32), fc 32·2 + 2."""
    spec = "input: [3, 16]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 1}\n"
    spec += "  - permute: [1, 0]\n  - lstm: 32\n"
    words = "Recurrent layers compute and store: recurrent has 99.5 % of the MACs and 99.4 % of the params. "
    words += "That convolution computes does not hold here: conv has 0.5 % of the MACs. "
    assert (
        words + "There is no fully connected layer. Speeding up and pruning both pay in the recurrent layers. "
        in " ".join(cnncalc("summary", "-", stdin=spec).out.split())
    )


# --- what scripts rely on --------------------------------------------------------------------------------------


def test_an_expect_that_is_not_met_is_reported_and_the_table_printed() -> None:
    done = cnncalc("summary", "-", stdin=LENET + "expect: {params: 61706, output: [10]}\n")
    assert done.code == 1
    assert "total" in done.out
    assert done.err == (
        "<stdin>:13:18: params should be 61,706, but is 51,902\n"
        "  13 | expect: {params: 61706, output: [10]}\n"
        "     |                  ^\n"
    )


def test_output_goes_whole_into_a_file_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    assert cnncalc("summary", "-", "--format", "json", "-o", str(target), stdin=LENET) == (0, "", "")
    assert json.loads(target.read_text())["name"] == "LeNet-ish"
    before = target.read_bytes()
    assert cnncalc("summary", "-", "-o", str(target), stdin="input: [1]\n").code == 2
    assert target.read_bytes() == before
    done = cnncalc("summary", "-", "-o", str(tmp_path / "no" / "out"), stdin=LENET)
    assert (done.code, done.err) == (2, f"can't write {tmp_path}/no/out: there is no folder {tmp_path}/no\n")
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_a_broken_pipe_is_no_error() -> None:
    command = f"'{sys.executable}' -m cnncalc summary densenet201 --format tsv | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_a_closed_stdout_is_no_traceback() -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m cnncalc summary alexnet >&-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("format", ["table", "json"])
def test_neither_numpy_nor_rich_is_imported_for_a_pipe(format: str) -> None:
    code = (
        "import sys, os; sys.argv = ['cnncalc', 'summary', 'resnet50', '--format', sys.argv[1]];"
        "from cnncalc.__main__ import main; main();"
        "unwanted = {'numpy', 'rich', 'dataclasses', 'fractions', 'cnncalc.layers.onnx', 'cnncalc.layers.pytorch'};"
        "print(sorted(unwanted & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, format], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_the_test_of_absent_imports_can_fail() -> None:
    code = "import sys, cnncalc.execution.verify; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


def terminal(*arguments: str, **environment: Any) -> str:
    return on_a_terminal([sys.executable, "-m", "cnncalc", *arguments], **environment)


def test_a_terminal_gets_colour_and_box_characters() -> None:
    text = terminal("summary", "alexnet")
    assert "\x1b[36m" in text
    assert "───" in text
    assert "█" in text


def test_no_color_is_respected() -> None:
    text = terminal("summary", "alexnet", NO_COLOR="1")
    assert "\x1b[" not in text
    assert "───" in text
    assert "\x1b[" in terminal("summary", "alexnet", "--color", "always", NO_COLOR="1")
    assert "\x1b[" not in terminal("summary", "alexnet", "--color", "never")


def test_a_pipe_gets_neither_colours_nor_box_characters() -> None:
    done = process("summary", "alexnet")
    assert "\x1b[" not in done.stdout
    assert "─" not in done.stdout
    assert "█" not in done.stdout


def test_several_inputs_each_by_name() -> None:
    text = "input: {left: [1, 8, 8], right: [1, 8, 8]}\nlayers:\n  - concat:\n    from: [left, right]\n"
    found = summary("-", "--input", "left=1x16x16", "--input", "right=1x16x16", stdin=text)
    assert found["inputs"] == {"left": [1, 1, 16, 16], "right": [1, 1, 16, 16]}
    done = cnncalc("summary", "-", "--input", "1x16x16", stdin=text)
    assert done.err == (
        "--input: the network has several inputs: left, right\n  hint: each shape needs the name of its input\n"
    )


def test_set_takes_lists_words_and_numbers() -> None:
    assert summary("resnet", "--set", "depths=[3,4,6,3]", "--set", "kind=bottleneck")["totals"]["params"] == 25557032
    assert summary("vgg", "--set", "norm=true")["totals"]["params"] == 138365992  # torchvision's vgg16_bn


@pytest.mark.parametrize(
    ("shape", "note"),
    [
        ("3x32", "3x32 has 1 spatial axis, but the spec's input has 2"),
        ("9x12x3", "9x12x3 has 9 channels; if they come last, add --layout hwc"),
    ],
)
def test_an_input_that_is_probably_meant_otherwise_is_noted(shape: str, note: str) -> None:
    done = cnncalc("summary", "textbook_padding_3", "--input", shape)
    assert done.code == 0
    assert done.err == f"note: {note}\n"
    assert cnncalc("summary", "textbook_padding_3", "--input", "3x40x40").err == ""


def test_an_input_is_compared_with_that_of_its_variant_and_name(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: [3, 32, 32]\nvariants:\n  voxels: {input: [1, 16, 16, 16]}\n  two: {input: {a: [3, 8, 8], b: [1, 8]}}\n"
        "layers: [relu]\n"
    )
    assert cnncalc("summary", f"{path}:voxels", "--input", "1x8x8x8").err == ""
    done = cnncalc("summary", f"{path}:voxels", "--input", "3x32x32")
    assert done.err == "note: 3x32x32 has 2 spatial axes, but the spec's input has 3\n"
    assert (
        "3x9 has 1 spatial axis, but the spec's input has 2"
        in cnncalc("summary", f"{path}:two", "--input", "a=3x9").err
    )
    assert "spatial ax" not in cnncalc("summary", f"{path}:two", "--input", "b=1x9").err


def test_channels_that_are_probably_first_are_noted() -> None:
    spec = "input: [3, 8, 8]\nlayers:\n  - relu\n"
    done = cnncalc("summary", "-", "--input", "3x64x16", "--layout", "hwc", stdin=spec)
    note = "3x64x16 has 16 channels; if they come first, leave out --layout hwc"
    assert (done.code, done.err) == (0, f"note: {note}\n")
    assert cnncalc("summary", "-", "--input", "64x64x3", "--layout", "hwc", stdin=spec).err == ""


def test_a_variant_beside_a_variant_is_refused() -> None:
    done = cnncalc("summary", "resnet50", "--variant", "resnet18")
    assert (done.code, done.err) == (2, "resnet50 is a variant already, so --variant resnet18 can't be another\n")


def test_positions_without_a_common_step_have_none() -> None:
    """The even positions are followed by the odd ones, so that no common step leads from one to the next."""
    halves = "[{slice: {axis: 1, start: 0, step: 2}}], [{slice: {axis: 1, start: 1, step: 2}}]"
    spec = f"input: [2, 40]\nlayers:\n  - concat: {{axis: 1, paths: [{halves}]}}\n"
    assert "an output position sees 1 of the input's 40\n" in cnncalc("summary", "-", stdin=spec).out
