"""Whole networks against the real converter, the real interpreter and real boards; figures of tests/data/deploy.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.deployment.parts import total
from cnncalc.deployment.view import Deployment, deploy, device

ROOT = Path(__file__).parents[2]
DATA = json.loads((ROOT / "tests/data/deploy.json").read_text(encoding="utf-8"))
WITHOUT_SOFTMAX = {"vww_96_int8": 1, "vww_96_float": 1, "kws_ref_model": 1, "pretrainedResnet_quant": 1}
"""Reference files that end with a softmax which the shipped spec leaves out: an operator and a tensor more."""


def network(spec: str) -> Any:
    return cnncalc.load(str(ROOT / spec) if spec.endswith(".yaml") else spec)


def used(found: Deployment) -> tuple[int, int]:
    """Return the bytes that stay in use, as ``arena_used_bytes`` reports them: without those for planning."""
    return total([part for part in found.ram if part.name != "planning"])


def exact_parts(found: Deployment) -> dict[str, int]:
    return {part.name: part.low for part in (*found.ram, *found.flash) if part.low == part.high}


@pytest.mark.parametrize("one", DATA["converted"], ids=lambda one: one["spec"])
def test_a_spec_is_what_the_converter_makes_of_it(one: dict[str, Any]) -> None:
    found = deploy(network(one["spec"]))
    parts = exact_parts(found)
    assert found.arena == parts["activations"] == one["tflm_head"]
    assert found.bound == one["live_lower_bound"]
    assert parts["weights"] == one["int8"]
    assert parts["biases"] == one["int32_bias"]
    assert parts["quantisation"] == one["scales_and_zero_points"]
    assert sum(operator.macs for operator in found.graph.operators) == one["macs"]
    low, high = found.file_total
    assert low <= one["file_bytes"] <= high


@pytest.mark.parametrize("one", DATA["reference_models"], ids=lambda one: one["model"])
def test_a_spec_is_its_reference_file(one: dict[str, Any]) -> None:
    quant = "int8" if one["int8_weight_bytes"] else "float32"
    converter = "tf1.15" if one["model"] == "person_detect" else "tf2.3"
    found = deploy(network(one["spec"]), device(quant, converter=converter))
    parts, more = exact_parts(found), WITHOUT_SOFTMAX.get(one["model"], 0)
    assert found.arena == parts["activations"] == one["greedy_planner"]
    assert found.bound == one["live_lower_bound"]
    if quant == "int8":
        assert (parts["weights"], parts["biases"]) == (one["int8_weight_bytes"], one["int32_bias_bytes"])
        assert parts["quantisation"] + 12 * more == sum(one["quant_metadata_bytes"].values())
    else:
        assert parts["weights"] + parts["biases"] == one["float_bytes"]
    assert parts.get("other", 0) == one["other_const_bytes"]
    assert len(found.graph.operators) + more == one["ops"]
    assert len(found.graph.flows) + len(found.graph.tensors()) + more == one["tensors"]
    assert sum(operator.macs for operator in found.graph.operators) == one["macs"]
    low, high = found.file_total
    assert low <= one["file_bytes"] <= high
    softmax = 12 + 32 + 97  # the file has one tensor more, an operator, and its data
    interpreter = found.ram[2]
    assert interpreter.low <= one["tflm_wasm32"]["tail"] - more * softmax <= interpreter.high


@pytest.mark.parametrize(
    "one", [one for one in DATA["reference_models"] if one["esp32_arena_used"]], ids=lambda one: one["model"]
)
def test_the_arena_of_a_real_board_is_within_the_range(one: dict[str, Any]) -> None:
    converter = "tf1.15" if one["model"] == "person_detect" else "tf2.3"
    more = (12 + 32 + 97) * WITHOUT_SOFTMAX.get(one["model"], 0)
    low, high = used(deploy(network(one["spec"]), device(board="esp32", converter=converter)))
    assert high - low < 100
    assert low <= one["esp32_arena_used"] - more <= high
    low, high = used(deploy(network(one["spec"]), device(board="nano33ble", converter=converter)))
    assert low <= one["nano33ble_arena_used"] - more <= high + 1_152  # the board's CMSIS-NN is of 2022: KWS' 2·64·3·3


def test_a_better_plan_reaches_the_bound_as_the_interpreter_did() -> None:
    measured = DATA["measured"]["offline_plan"]
    spec = network("vww_mobilenet_v1_0.25_96")
    assert deploy(spec, device(plan="greedy")).arena == measured["greedy_head"]
    assert deploy(spec, device(plan="best")).arena == measured["offline_head"]


@pytest.mark.parametrize("kind", ["int8", "int16x8", "float32"])
def test_kinds_of_numbers(kind: str) -> None:
    measured = DATA["measured"]["resnet8_by_kind"][kind]
    found = deploy(network("resnet8"), device(kind))
    assert found.arena == measured["head"]
    low, high = found.file_total
    assert low <= measured["file"] <= high


@pytest.mark.parametrize(
    ("converter", "which"), [("tf2.21", "autoencoder, TF 2.21 default"), ("tf2.21-dense", "flag off")]
)
def test_a_dense_layer_has_a_scale_a_channel_or_one(converter: str, which: str) -> None:
    measured = DATA["measured"]["dense_per_channel"][which]
    found = deploy(network("toyadmos_autoencoder"), device(converter=converter))
    low, high = found.file_total
    assert low <= measured["file"] <= high
    interpreter = found.ram[2]
    assert interpreter.low <= measured["persistent_32bit"] <= interpreter.high


@pytest.mark.parametrize(("converter", "arena"), [("tf2.21", 8_000), ("tf2.3", 8_000), ("tf1.15", 5_968)])
def test_a_map_goes_to_a_dense_layer_as_a_copy_or_as_it_lies(converter: str, arena: int) -> None:
    found = deploy(network("tests/data/deploy/micro_speech.yaml"), device(converter=converter))
    assert found.arena == arena
    if converter == "tf1.15":  # micro_speech_quantized.tflite
        parts = exact_parts(found)
        assert (parts["weights"], parts["biases"]) == (16_640, 48)
        assert parts["quantisation"] + 12 + 8 == 308  # the file reshapes its input of 1,960 first


def test_helium_has_scratch_for_depthwise_convolutions() -> None:
    assert deploy(network("ds_cnn"), device(core="m55")).arena == 16_000 + 4 * 124 * 3 * 3


def test_the_zoo_is_planned() -> None:
    from cnncalc.ground.errors import CnncalcError
    from cnncalc.language.shipped import networks

    graphs = [cnncalc.load(name) for name, *_ in networks()]
    count = 0
    for graph in graphs:
        try:
            found = deploy(graph)
        except CnncalcError:
            continue
        count += 1
        assert found.arena >= found.bound
    assert count > 200


def test_the_convenient_way() -> None:
    assert cnncalc.load("ds_cnn").deploy(board="esp32").ram_total[1] < 180_736


def test_a_figure_that_depends_on_the_order_of_branches_is_marked() -> None:
    """The converter runs a block's 1×1 convolution first, whose tensor is half as large; 5,664 bytes were measured."""
    from cnncalc.deployment.orders import other_arenas

    spec = (
        "input: [8, 16, 16]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 3, padding: 1}\n  - add: {paths: ["
        "[{conv: {out_channels: 16, kernel_size: 3, padding: 1, stride: 2}}, {conv: {out_channels: 16, kernel_size: 3, padding: 1}}],"
        " [{conv: {out_channels: 16, kernel_size: 1, stride: 2}}]]}\n"
    )
    found = deploy(cnncalc.loads(spec))
    # the map, the padded map, the output of the stride; the map lives to the end
    assert found.arena == 2_048 + 2_592 + 1_024 + 1_024
    assert other_arenas(found) == [2_048 + 2_592 + 1_024]


def test_a_tiny_network_needs_room_to_be_planned_in() -> None:
    """The autoencoder's file needs 4,640 bytes on 64 bits, 3,216 of them persistent, though 768 are planned.

    There an AllocationInfo has 32 bytes: 31 tensors, and 11 buffers of 40.
    """
    found = deploy(network("toyadmos_autoencoder"), device(converter="tf2.3"))
    assert found.planning == 24 * 31 + 40 * 11 > found.arena
    assert abs((32 * 31 + 40 * 11) - (4_640 - 3_216)) < 16
    assert (found.ram[-1].name, found.ram[-1].high) == ("planning", 24 * 31 + 40 * 11 - 768)
    assert cnncalc.load("ds_cnn").deploy().ram[-1].name == "interpreter"  # the plan has room enough


def test_hello_world() -> None:
    """hello_world_int8.tflite of tflite-micro 90b983c: 288 bytes of weights, 132 of biases, 120 of scales, 32 planned."""
    found = deploy(
        cnncalc.loads("input: [1]\nlayers: [linear: 16, relu, linear: 16, relu, linear: 1]\n"),
        device(converter="tf2.21-dense"),
    )
    parts = exact_parts(found)
    assert (parts["weights"], parts["biases"], parts["quantisation"], found.arena) == (288, 132, 120, 32)


def test_options_name_what_there_is() -> None:
    from cnncalc.cli import _device
    from cnncalc.deployment.boards import CORES
    from cnncalc.deployment.constants import CONVERTERS, KINDS

    assert (tuple(KINDS), tuple(CORES), tuple(CONVERTERS)) == (_device.QUANTS, _device.CORES, _device.CONVERTERS)
