"""``cnncalc deploy``, and ``check`` with the bounds of a device, as a user runs them."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands import cnncalc, on_a_terminal

SMALL = """
name: small
input: [3, 16, 16]
{more}
layers:
  - conv: {{out_channels: 8, kernel_size: 3, padding: same}}
  - batchnorm
  - {activation}
  - global_avgpool
  - flatten
  - linear: 4
"""


Writer = Callable[..., str]


@pytest.fixture
def small(tmp_path: Path) -> Writer:
    def write(more: str = "", activation: str = "relu") -> str:
        path = tmp_path / "small.yaml"
        path.write_text(SMALL.format(more=more, activation=activation))
        return str(path)

    return write


def test_a_board_s_name_is_enough() -> None:
    done = cnncalc("deploy", "vww_mobilenet_v1_0.25_96", "--board", "nano33ble", columns=80)
    assert done.code == 0
    text = " ".join(done.out.split())
    assert "RAM: fits. " in text
    assert "flash: fits. " in text
    assert "The step that would break first is 1, CONV_2D 3×3/2 conv_bn1.conv1 (96×96×3 → 48×48×8)" in text
    assert "activations 73,728 exact" in text
    assert max(len(line) for line in done.out.splitlines()) <= 80


@pytest.mark.parametrize(
    ("given", "board"), [("Nano33-BLE", "nano33ble"), ("nRF52840", "nano33ble"), ("pico", "rp2040")]
)
def test_boards_have_other_names(given: str, board: str) -> None:
    done = cnncalc("deploy", "ds_cnn", "--board", given, "--format", "json")
    assert json.loads(done.out)["board"]["name"] == board


def test_the_exit_code_is_1_if_it_certainly_does_not_fit() -> None:
    done = cnncalc("deploy", "resnet50", "--board", "nano33ble")
    assert done.code == 1
    assert "RAM: does not fit. " in done.out
    assert cnncalc("deploy", "ds_cnn", "--ram", "20KiB").code == 1  # 16,000 and 6.6 kB of interpreter
    assert "RAM: may not fit. " in cnncalc("deploy", "ds_cnn", "--ram", "23000").out


@pytest.mark.parametrize(
    ("activation", "said"),
    [
        ("gelu", "'gelu1' (gelu of [8, 16, 16]): tflite-micro has no GELU: AllocateTensors fails"),
        ("lrn: {size: 5}", "tflite-micro has no LOCAL_RESPONSE_NORMALIZATION"),
        ("instancenorm", "tflite-micro has no instancenorm"),
        ("softplus", "tflite-micro has no softplus: it needs EXP, which tflite-micro has only in float32"),
        ("sqrt", "'sqrt1' (sqrt of [8, 16, 16]): tflite-micro has SQRT only in float32\n"),
        ("power: 3", "tflite-micro has no POW\n  hint: use the power 2, or products"),
        ("cumsum", "the conversion of cumsum to tflite-micro is not verified\n"),
        (  # (16 - 1)·3 + 4 = 49 rows, of which the layer's 49 would begin at row 1
            "conv_transpose: {out_channels: 4, kernel_size: 4, stride: 3, padding: 1, output_padding: 2}",
            "its output_padding reaches beyond the output of TRANSPOSE_CONV\n  hint: use 'padding: same'",
        ),
    ],
)
def test_operators_that_the_runtime_lacks_are_named(small: Writer, activation: str, said: str) -> None:
    done = cnncalc("deploy", small(activation=activation))
    assert done.code == 2
    assert said in done.err
    assert "small.yaml:8:5" in done.err


def test_all_layers_that_stand_in_the_way_are_counted(small: Writer) -> None:
    done = cnncalc("deploy", small(activation="cumsum\n  - gelu\n  - abs\n  - gelu\n  - softmax\n  - lrn: {size: 5}"))
    assert done.code == 2
    assert done.err.endswith(
        "small.yaml:8:5: 'cumsum1' (cumsum of [8, 16, 16]): the conversion of cumsum to tflite-micro is not verified\n"
        "  4 layers are refused:\n"
        "    2 gelu: tflite-micro has no GELU: AllocateTensors fails (use relu, relu6 or hardswish)\n"
        "    1 cumsum: the conversion of cumsum to tflite-micro is not verified\n"
        "    1 lrn: tflite-micro has no LOCAL_RESPONSE_NORMALIZATION"
        " (leave it out, or use batchnorm, which costs nothing)\n"
    )


def test_layers_of_one_kind_are_counted() -> None:
    done = cnncalc("deploy", "convnext_tiny")
    assert done.code == 2
    assert done.err.endswith(
        "  hint: use relu, relu6 or hardswish\n  18 layers are refused for this reason\n"  # 3 + 3 + 9 + 3 blocks
    )


def test_a_long_list_of_refused_layers_ends(tmp_path: Path) -> None:
    kinds = "atan ceil erf exp floor gelu log mish reciprocal round selu sign softplus softsign sqrt trunc instancenorm"
    spec = tmp_path / "many.yaml"
    layers = [*kinds.split(), "cumsum", "l2_normalize", "rmsnorm", "lppool: 2", "adaptive_maxpool: 4"]
    spec.write_text("input: [8, 16, 16]\nlayers:\n" + "".join([f"  - {one}\n" for one in layers]))
    done = cnncalc("deploy", str(spec))
    assert done.code == 2
    lines = done.err.splitlines()
    assert lines[1] == f"  {len(layers)} layers are refused:"
    assert (len(lines), lines[-1]) == (2 + 20 + 1, "    …")


def test_the_exit_code_is_2_for_unknown_names(small: Writer) -> None:
    assert "unknown board 'nano34'" in cnncalc("deploy", "ds_cnn", "--board", "nano34").err
    assert "--ram many: not a number of bytes" in cnncalc("deploy", "ds_cnn", "--ram", "many").err
    done = cnncalc("deploy", small("deploy: {bord: nano33ble}"))
    assert done.code == 2
    assert "unknown key 'bord' in 'deploy'" in done.err
    done = cnncalc("deploy", small("deploy: {board: nano34}"))
    assert done.code == 2
    assert "small.yaml:4:17: unknown board 'nano34'" in done.err


def test_hardswish_is_refused_in_16x8() -> None:
    done = cnncalc("deploy", "mobilenet_v3_small", "--quant", "int16x8")
    assert done.code == 2
    assert "refuses HARD_SWISH in 16x8" in done.err


@pytest.mark.parametrize("name", ["lenet5", "ds_cnn", "mobilenet_v2"])
def test_the_interpreter_s_bytes_add_up_as_the_line_says(name: str) -> None:
    """The sum beside the figure has the figure as its result, within the tolerance of the measurements."""
    part = json.loads(cnncalc("deploy", name, "--format", "json").out)["parts"]["interpreter"]
    note = part["note"].replace(",", "")
    products = sum(int(one) * int(other) for one, other in re.findall(r"(\d+)·(\d+)", note))
    (kernels,), (loose,) = re.findall(r"(\d+) of kernels", note), re.findall(r"±(\d+)", note)
    ((least, most),) = re.findall(r"(\d+) to (\d+) fixed", note)
    assert part["low"] == products + int(kernels) + int(least) - int(loose)
    assert part["high"] == products + int(kernels) + int(most) + int(loose)


def test_a_layer_without_an_input_is_a_constant_of_the_file(tmp_path: Path) -> None:
    spec = tmp_path / "token.yaml"
    spec.write_text(
        "input: [1, 192]\nlayers:\n  - concat:\n      paths:\n        - []\n        - - parameter: [1, 192]\n"
    )
    record = json.loads(cnncalc("deploy", str(spec), "--format", "json").out)
    assert record["parts"]["weights"]["low"] == 192
    assert record["arena"] == 192 + 384  # the constant is not in the arena


def test_a_constant_that_is_used_twice_is_in_the_file_once(tmp_path: Path) -> None:
    spec = tmp_path / "twice.yaml"
    add = "  - add:\n    from: [{}, {}]\n    name: {}\n"
    token, same = ["  - parameter: [5]\n    " + more for more in ("name: token\n", "weights: token\n    name: same\n")]
    spec.write_text(
        "input: [5]\nlayers:\n" + token + add.format("input", "token", "a") + same + add.format("a", "same", "b")
    )
    assert json.loads(cnncalc("deploy", str(spec), "--format", "json").out)["parts"]["weights"]["low"] == 5


@pytest.mark.parametrize("layer", ["elu", "affine: -1", "sin", "gather: [1, 0]", "layernorm: channels"])
def test_operators_that_16x8_lacks_are_refused(small: Writer, layer: str) -> None:
    """By TensorFlow 2.21: "Quantization to 16x8-bit not yet supported for op: 'ELU'", and so on."""
    done = cnncalc("deploy", small(activation=layer), "--quant", "int16x8")
    assert done.code == 2
    assert "in 16x8: not yet supported\n  hint: quantise to int8" in done.err


def test_a_product_s_transposed_copy_is_part_of_the_interpreter_s_bytes(tmp_path: Path) -> None:
    """AllocInitTransposeTensorFromTfLiteTensor in kernels/batch_matmul.cc: the second operand, unless ``adj_y``."""
    spec = tmp_path / "net.yaml"
    rows = "input: [8, 8]\nlayers:\n  - {relu: , name: a}\n  - {sigmoid: , name: b}\n"
    for argument, copies in (("", 64), ("transpose_b: true", 0), ("transpose_a: true, transpose_b: true", 64)):
        spec.write_text(rows + f"  - {{matmul: {{{argument}}}, from: [a, b], name: ab}}\n")
        note = json.loads(cnncalc("deploy", str(spec), "--format", "json").out)["parts"]["interpreter"]["note"]
        assert ("64 of transposed copies" in note) == bool(copies)
        text = cnncalc("explain", str(spec), "ab", "--deploy").out
        assert ("transposed" in text) == bool(copies)


def test_each_tensor_of_a_layer_of_many_operators_has_its_own_place(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "input: {q: [4, 8, 8], k: [4, 8, 8], v: [4, 8, 8]}\nlayers:\n"
        "  - attention:\n    from: [q, k, v]\n  - groupnorm: 2\n  - sigmoid:\n    name: s\n"
        "  - concat:\n    from: [s, q]\n    name: c\n  - concat:\n    from: [s, c]\n"
    )
    tensors = json.loads(cnncalc("deploy", str(spec), "--format", "json").out)["tensors"]
    names = [tensor["name"] for tensor in tensors if not tensor["scratch"]]
    assert sorted(set(names)) == sorted(names)
    text = cnncalc("explain", str(spec), "attention1", "norm1", "--deploy", columns=200).out
    steps = re.findall(r" is step (\d+),.*?out: .*? steps (\d+) to ", text, re.DOTALL)
    assert len(steps) == 7 + 19  # TRANSPOSE three times, two products, MUL, SOFTMAX; TRANSPOSE, and 18 of Keras
    assert all(number == first for number, first in steps)  # an output is alive from its own step on


def test_layers_after_a_refused_one_are_not_blamed(tmp_path: Path) -> None:
    spec = tmp_path / "mlp.yaml"
    tokens = "input: [8, 4, 4]\nlayers:\n  - reshape: [8, 16]\n  - permute: [1, 0]\n"
    dense = "  - linear: {out_features: 8, axis: -1}\n"
    spec.write_text(tokens + dense + "  - gelu\n" + dense)
    refused = cnncalc("deploy", str(spec)).err
    assert refused.endswith("AllocateTensors fails\n  hint: use relu, relu6 or hardswish\n")


def test_a_permute_costs_nothing_but_a_merge_of_axes_that_lie_apart_is_a_copy(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    head = "input: [8, 4, 6]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 1}\n"

    def operators(layers: str) -> list[str]:
        spec.write_text(head + layers)
        return [step["operator"] for step in json.loads(cnncalc("deploy", str(spec), "--format", "json").out)["steps"]]

    assert operators("  - permute: [1, 2, 0]\n  - relu\n")[1:] == ["CONV_2D"]
    assert operators("  - permute: [1, 2, 0]\n  - reshape: [24, 8]\n")[1:] == ["CONV_2D", "RESHAPE"]
    # height and channels, between which the width lies
    assert operators("  - reshape: [32, 6]\n")[1:] == ["CONV_2D", "TRANSPOSE", "RESHAPE"]
    assert operators("  - permute: [0, 2, 1]\n  - conv: {out_channels: 4, kernel_size: 1}\n")[1:] == [
        "CONV_2D",
        "TRANSPOSE",
        "CONV_2D",
    ]


def test_a_float_island_is_reported(small: Writer) -> None:
    done = cnncalc("deploy", small(activation="elu"), "--format", "json")
    record = json.loads(done.out)
    assert [step["operator"] for step in record["steps"][2:5]] == ["DEQUANTIZE", "ELU", "QUANTIZE"]
    assert record["steps"][3]["live_bytes"] == 2 * 4 * 8 * 16 * 16
    assert "elu runs in float32 on the device" in record["notes"][0]


def test_records_add_up() -> None:
    record = json.loads(cnncalc("deploy", "resnet8", "--board", "esp32", "--format", "json").out)
    assert record["ram"]["high"] == sum(
        record["parts"][name]["high"] for name in ("activations", "scratch", "interpreter")
    )
    assert record["ram"]["fits"] is True
    assert record["flash"]["limit"] is None
    assert record["arena"] == max(tensor["offset"] + tensor["size"] for tensor in record["tensors"]) == 49_152
    assert max(step["live_bytes"] for step in record["steps"]) == record["bound"]
    assert record["breaks_first"]["arena_end"] == record["arena"]
    assert record["parts"]["activations"]["kind"] == "exact"
    rows = cnncalc("deploy", "resnet8", "--format", "csv").out.splitlines()
    assert len(rows) == 1 + len(record["steps"])


def test_offsets_of_a_plan_go_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    done = cnncalc("deploy", "vww_mobilenet_v1_0.25_96", "--plan", "best", "--offline-plan", str(path))
    assert done.code == 0
    plan = json.loads(path.read_text())
    assert plan["metadata"] == "OfflineMemoryAllocation"
    assert plan["arena"] == 55_296
    ends = [tensor["offset"] + tensor["size"] for tensor in (*plan["inputs"], *plan["operators"])]
    assert max(ends) == 55_296
    assert len(plan["operators"]) == 29


def test_the_arena_is_a_picture(tmp_path: Path) -> None:
    drawn, page = tmp_path / "arena.svg", tmp_path / "arena.html"
    assert cnncalc("deploy", "vww_mobilenet_v1_0.25_96", "-o", str(drawn)).code == 0
    assert cnncalc("deploy", "vww_mobilenet_v1_0.25_96", "-o", str(page)).code == 0
    space = {"svg": "http://www.w3.org/2000/svg"}
    root = ET.fromstring(drawn.read_text())
    boxes = root.findall(".//svg:rect[@class='t']", space)
    assert len(boxes) == 30 + 3  # tensors, and what the mean asks for
    titles = [box.findtext("svg:title", None, space) for box in boxes]
    assert "input, 96×96×3: 27,648 bytes at 0, from step 0 to 1" in titles
    text = page.read_text()
    assert drawn.read_text() in text
    assert "<pre" not in text  # which a phone can't wrap
    assert "<td class='right'>29</td><td class='folds'>FULLY_CONNECTED</td>" in text
    assert "55,296 alive at most: no plan can do with less" in drawn.read_text()


def test_a_terminal_sees_rules_and_colours() -> None:
    text = on_a_terminal([sys.executable, "-m", "cnncalc", "deploy", "ds_cnn", "--board", "esp32"], columns=80)
    assert "\x1b[1;32mRAM: fits." in text
    assert "────" in text


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (["deploy", "lenet5", "--ram", "256"], "note: --ram 256 is 256 bytes; 256KiB would be 262,144\n"),
        (["deploy", "lenet5", "--flash", "1"], "note: --flash 1 is 1 byte; 1KiB would be 1,024\n"),
        (["check", "lenet5", "--max-arena", "96"], "note: --max-arena 96 is 96 bytes; 96KiB would be 98,304\n"),
        (["deploy", "lenet5", "--ram", "256B"], ""),
        (["deploy", "lenet5", "--ram", "2048"], ""),
    ],
)
def test_a_size_without_a_unit_is_doubted(arguments: list[str], note: str) -> None:
    done = cnncalc(*arguments)
    assert (done.code, done.err.startswith(note), "note:" in done.err) == (1, True, bool(note))


# --- check -------------------------------------------------------------------------------------------------------


def test_check_names_the_part_and_the_step() -> None:
    done = cnncalc("check", "vww_mobilenet_v1_0.25_96", "--max-arena", "96KiB", "--max-flash", "1MiB")
    assert done.code == 1
    assert "FAILED arena" in done.out
    assert "arena = 102," in done.err
    assert "over the bound of 98,304 bytes (96 KiB)" in done.err
    assert "heaviest: activations at step 1, CONV_2D of conv_bn1.conv1, 73,728 (71." in done.err
    assert cnncalc("check", "vww_mobilenet_v1_0.25_96", "--max-arena", "104KiB").code == 0
    assert "weights 208,112" in cnncalc("check", "vww_mobilenet_v1_0.25_96", "--max-flash", "300KiB").err


def test_check_holds_a_board() -> None:
    assert cnncalc("check", "ds_cnn", "--board", "nano33ble").code == 0
    assert cnncalc("check", "resnet50", "--board", "nano33ble").code == 1


def test_a_spec_bounds_its_device(small: Writer) -> None:
    path = small("deploy: {board: esp32, max_arena: 2KiB, max_flash: 1MiB}")
    done = cnncalc("check", path)
    assert done.code == 1
    assert "small.yaml:4:35: small: arena = " in done.err
    assert "1/2" in done.out  # the bound on flash is met
    assert cnncalc("check", path, "--max-arena", "1MiB").code == 0  # the command line's bound overrides the spec's
    done = cnncalc("check", small("deploy: {max_arena: many}"))
    assert done.code == 2
    assert "small.yaml:4:21: max_arena many: not a number of bytes" in done.err


def test_published_figures_of_a_device(small: Writer) -> None:
    # 768 of input and 2,048 of the convolution's output
    assert cnncalc("check", small("expect: {arena: 2816, flash: 3000}")).code == 0
    done = cnncalc("check", small("expect: {arena: 2817, flash: 300}"))
    assert done.code == 1
    assert "small: arena should be 2,817, but is 2,816" in done.err
    assert "small: flash should be 300, but is " in done.err
    assert cnncalc("summary", small("expect: {arena: 1}")).code == 0  # only check takes a device


# --- sweep -------------------------------------------------------------------------------------------------------


def test_sweep_has_columns_of_a_device() -> None:
    options = ("--set", "width=0.25,0.5", "--columns", "macs,arena,ram_max,flash", "--board", "nano33ble")
    rows = cnncalc("sweep", "visual_wake_words", *options, "--format", "csv").out.splitlines()
    assert rows[0] == "width,input,macs,arena,ram_max,flash,error"
    width, _, macs, arena, ram, flash, error = rows[1].split(",")
    assert (width, macs, arena, error) == ("0.25", "7489664", "73728", "")
    record = json.loads(cnncalc("deploy", "vww_mobilenet_v1_0.25_96", "--board", "nano33ble", "--format", "json").out)
    assert (int(ram), int(flash)) == (record["ram"]["high"], record["flash"]["high"])


def test_sweep_takes_the_order_of_branches_that_check_takes(tmp_path: Path) -> None:
    # the wide branch runs first: 64·64 bytes inside, 8·64 behind, beside the input's 4·64, which the other one reads
    # yet; where that runs first, its output of 8·64 waits in place of the input
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "args: {width: 64}\ninput: [4, 8, 8]\nlayers:\n  - conv: {out_channels: width, kernel_size: 1}\n"
        "  - conv: {out_channels: 8, kernel_size: 1}\n    name: late\n"
        "  - conv: {out_channels: 8, kernel_size: 1}\n    name: early\n    from: input\n"
        "  - add: {}\n    from: [late, early]\n"
    )
    done = cnncalc("sweep", str(spec), "--set", "width=64,128", "--columns", "arena,ram_max", "--format", "ndjson")
    rows = [json.loads(line) for line in done.out.splitlines()]
    record = json.loads(cnncalc("deploy", str(spec), "--format", "json").out)
    assert (record["arena"], record["arena_in_other_orders"]) == ((64 + 8 + 4) * 64, [(64 + 8 + 8) * 64])
    assert rows[0]["arena"] == (64 + 8 + 8) * 64
    for bound, code in ((rows[0]["ram_max"], 0), (rows[0]["ram_max"] - 1, 1)):
        assert cnncalc("check", str(spec), "--max-arena", str(bound)).code == code


def test_sweep_reports_networks_that_the_device_can_t_run() -> None:
    done = cnncalc("sweep", "convnext", "--variant", "convnext_tiny", "--columns", "arena", "--format", "csv")
    assert done.code == 1
    assert "tflite-micro has no GELU" in done.out


# --- summary, explain ---------------------------------------------------------------------------------------------


def test_summary_of_a_spec_that_names_its_device_has_a_line(small: Writer) -> None:
    text = " ".join(cnncalc("summary", small("deploy: {board: esp32}")).out.split())
    assert "device on esp32, tflite-micro, int8, batchnorms folded, the arena is 2,816 bytes (2.75 KiB)" in text


def test_summary_in_int8_says_what_that_is_on_a_device() -> None:
    text = " ".join(cnncalc("summary", "vww_mobilenet_v1_0.25_96", "--dtype", "int8").out.split())
    assert "device every tensor is one byte per element here; on tflite-micro, int8, batchnorms folded, " in text
    assert "the arena is 73,728 bytes (72 KiB): see 'cnncalc deploy'" in text
    assert "tflite-micro has no GELU" in " ".join(cnncalc("summary", "convnext_tiny", "--dtype", "int8").out.split())


def test_summary_of_a_small_network_has_a_line() -> None:
    # 73,728: MLPerf Tiny's visual wake words by the interpreter, tests/data/deploy.json
    text = " ".join(cnncalc("summary", "vww_mobilenet_v1_0.25_96").out.split())
    assert "device on tflite-micro, int8, batchnorms folded, the arena is 73,728 bytes (72 KiB)" in text
    # a network of 11.7 million params is not meant for a device
    assert "device" not in cnncalc("summary", "resnet18").out
    norm = "input: [3, 8, 8]\nlayers:\n  - instancenorm\n"
    assert "device" not in cnncalc("summary", "-", stdin=norm).out  # int8 was not asked for, and is not possible
    assert "tflite-micro has no instancenorm" in cnncalc("summary", "-", "--dtype", "int8", stdin=norm).out


def test_explain_puts_the_numbers_in() -> None:
    done = cnncalc("explain", "ds_cnn", "conv_bn1", "--deploy", "--core", "m4", "--format", "json")
    lines = json.loads(done.out)["lines"]
    found = {line["what"]: (line["formula"], line["bytes"]) for line in lines if line["layer"] == "conv_bn1.conv1"}
    assert found["scratch"] == ("2·2·⌈10·4·1/4⌉·4", 160)
    assert found["weights"] == ("2,560·1", 2_560)
    assert found["biases"] == ("64·4", 256)
    assert found["scales"] == ("(64 + 64 + 1)·4", 516)
    assert found["zero points"] == ("(64 + 64 + 1)·8", 1_032)
    assert found["multipliers"] == ("64 channels·(4 + 4)", 512)
    text = " ".join(cnncalc("explain", "ds_cnn", "conv_bn1", "dropout1", "--deploy", columns=80).out.split())
    assert "conv_bn1.bn1 is folded into step 1, CONV_2D 10×4/2 conv_bn1.conv1" in text
    assert "conv_bn1.relu1 is fused into step 1" in text
    assert "dropout1 disappears on the device" in text


# --- hotspots ----------------------------------------------------------------------------------------------------


def changes(spec: str, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    record = json.loads(cnncalc("hotspots", spec, "--deploy", "--format", "json", *options).out)
    return record["before"], {change["change"]: change for change in record["changes"]}


def test_a_better_plan_than_the_interpreter_s_saves_a_quarter() -> None:
    before, found = changes("vww_mobilenet_v1_0.25_96")
    assert before["arena"] == 73_728
    assert found["an offline plan"]["arena"] == 55_296
    assert found["6 channels for 8"]["layers"] == ["conv_bn1.conv1"]
    assert (
        found["6 channels for 8"]["arena"] == 16 * 48 * 48 + 12 * 48 * 48
    )  # 16 channels beside 6 on 48×48 … hand: see below


def test_one_scale_for_a_dense_layer() -> None:
    before, found = changes("toyadmos_autoencoder")
    after = found["one scale per dense layer"]
    # 1,672 channels: 8 bytes of RAM each; 12 bytes of flash for weight and bias each, but for 10 layers one
    assert before["ram_max"] - after["ram_max"] == 8 * 1_672
    assert before["flash"] - after["flash"] == 24 * (1_672 - 10)


def test_padding_as_tensorflow_s_saves_a_tensor() -> None:
    before, found = changes("mobilenet_v2")
    after = found["padding: same for a PAD"]
    assert before["arena"] == 2_451_840  # 112·112·96 and 114·114·96
    assert after["arena"] == 112 * 112 * 96 + 56 * 56 * 96  # the depthwise convolution of stride 2 itself
    assert "stage2.inverted_residual1.conv_bn2.conv1" in after["layers"]
    assert "write 'padding: same' in line" in after["how"]


def test_relu_for_elu_and_a_pooling_before_flatten() -> None:
    before, found = changes("eegnet_8_2")
    assert found["relu for elu"]["layers"] == ["elu1", "elu2"]
    assert found["relu for elu"]["ram_max"] < before["ram_max"]
    assert found["flatten after a global pooling"]["flash"] < before["flash"]
    text = cnncalc("hotspots", "eegnet_8_2", "--deploy", columns=80).out
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "write 'relu' in lines 15, 21: elu1, elu2" in text


# --- model files -------------------------------------------------------------------------------------------------


def test_a_model_file_is_deployed_as_its_spec() -> None:
    path = Path(__file__).parents[1] / "data/onnx/dynamo_resnet18.onnx"
    file, spec = (json.loads(cnncalc("deploy", name, "--format", "json").out) for name in (str(path), "resnet18"))
    for what in ("arena", "bound", "macs", "operators"):
        assert file[what] == spec[what]
    for part in ("weights", "biases", "quantisation"):
        assert file["parts"][part]["low"] == spec["parts"][part]["low"]


@pytest.mark.parametrize(("command", "there"), [(["summary"], False), (["check"], False), (["deploy"], True)])
def test_the_room_is_imported_by_the_command_that_needs_it(command: list[str], there: bool) -> None:
    import subprocess

    code = (
        f"import sys; sys.argv = ['cnncalc', *{command!r}, 'alexnet']\n"
        "from cnncalc.__main__ import main\nmain()\n"
        "print('cnncalc.deployment' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.splitlines()[-1] == str(there)
