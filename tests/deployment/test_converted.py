"""Every rule against TensorFlow's converter and tflite-micro's interpreter: tests/data/deploy_converted.json.

The file is printed by benchmarks/device.py; it holds counts and bytes of real files, none of them cnncalc's own.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import cnncalc
from cnncalc.deployment.operators import BIAS, OTHER, WEIGHT
from cnncalc.deployment.orders import by_names, other_arenas
from cnncalc.deployment.view import deploy, device
from cnncalc.ground.errors import CnncalcError

DATA = Path(__file__).parents[1] / "data"
CONVERTED = json.loads((DATA / "deploy_converted.json").read_text(encoding="utf-8"))
PROBES = yaml.safe_load((DATA / "deploy/probes.yaml").read_text(encoding="utf-8"))

REFUSED = {"mish", "selu", "softplus", "power_of_three", "space_to_depth_by_permute", "hardtanh_by_itself"}
"""Probes of operators that the device lacks, or has for fewer axes."""

BIASES_VANISH = {"preact_resnet110", "xception", "ghostnet_0.5", "efficientnet_v2_s"}
"""Deep networks whose random weights enlarge maps so much that many biases round to zeros, and are stored once."""


def named(row: dict[str, Any]) -> str:
    return f"{row.get('probe') or row['spec']}-{row['quant']}"


def network(row: dict[str, Any]) -> Any:
    if "probe" in row:
        return cnncalc.loads(PROBES[row["probe"]])
    return cnncalc.load(row["spec"], input=row["input"])


ROWS = CONVERTED["rows"]
REFUSED_IN_16X8 = [row for row in ROWS if row["quant"] == "int16x8" and ("not_converted" in row or "refused" in row)]


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.get("probe") not in REFUSED and row not in REFUSED_IN_16X8], ids=named
)
def test_bytes_and_operators_are_the_converter_s(row: dict[str, Any]) -> None:
    found = deploy(network(row), device(row["quant"]))
    graph = found.graph
    assert dict(sorted(Counter(operator.code for operator in graph.operators).items())) == row["operators"]
    assert len(graph.flows) + len(graph.tensors()) == row["tensors"]
    assert sum(flow.quantised for flow in graph.flows) + sum(one.scales for one in graph.tensors()) == row["scales"]
    sizes: Counter[str] = Counter()
    for one in graph.stored():
        sizes[one.part] += one.elements * one.width
    constants = row["constants"]
    if row["quant"] == "float32":
        assert sizes[WEIGHT] + sizes[BIAS] == constants["FLOAT32"]
    else:
        assert sizes[WEIGHT] == constants.get("INT8", 0) + constants.get("INT16", 0)
        biases = constants.get("INT64", 0) + constants.get("INT32", 0)
        if row.get("spec") in BIASES_VANISH:
            assert sizes[BIAS] + sizes[OTHER] >= biases
        else:
            assert sizes[BIAS] + sizes[OTHER] == biases
    assert row["head"] in (found.arena, *other_arenas(found))
    quantisation = next(part for part in found.flash if part.name == "quantisation")
    known = sum(constants.values()) + quantisation.low + row["names_bytes"]
    structure = next(part for part in found.flash if part.name == "structure")
    assert structure.low <= row["file_bytes"] - known <= structure.high


@pytest.mark.parametrize("row", [row for row in ROWS if row.get("probe") in REFUSED], ids=named)
def test_networks_that_the_interpreter_refuses_are_refused(row: dict[str, Any]) -> None:
    assert "refused" in row
    with pytest.raises(CnncalcError, match=r"tflite-micro has no|tflite-micro's has at most 5"):
        deploy(network(row))


@pytest.mark.parametrize("row", REFUSED_IN_16X8, ids=named)
def test_what_is_refused_in_16x8_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(CnncalcError, match=r"(TensorFlow's converter|tflite-micro) refuses [A-Z0-9_]+ in 16x8"):
        deploy(network(row), device("int16x8"))


@pytest.mark.parametrize("layer", ["exp", "mish", "power: 0.5"])
def test_in_float32_nothing_is_said_to_be_only_in_float32(layer: str) -> None:
    graph = cnncalc.loads(f"input: [2, 4, 4]\nlayers:\n  - {layer}\n")
    with pytest.raises(CnncalcError, match="only in float32"):
        deploy(graph)
    with pytest.raises(CnncalcError, match=r"the conversion of .* is not verified"):
        deploy(graph, device("float32"))


def test_an_output_that_is_a_constant_is_refused() -> None:
    spec = "input: [2, 4, 4]\nlayers:\n  - relu\n  - {parameter: [2], name: a}\noutputs: [relu1, a]\n"
    with pytest.raises(CnncalcError, match=r"'a' .*: an output that does not depend on the input is not verified"):
        deploy(cnncalc.loads(spec))


def test_the_interpreter_takes_a_plan_of_ours() -> None:
    one = CONVERTED["offline_plan"]
    assert deploy(cnncalc.load(one["spec"]), device(plan="best")).arena == one["head"] == 55_296


def test_equal_layers_behind_dropped_ones_are_one() -> None:
    """All three clamps are one, which joins the convolution that it alone reads."""
    paths = "[dropout, relu], [dropout, relu], [identity, dropout, relu, relu]"
    spec = (
        f"input: [4, 8, 8]\nlayers:\n  - conv: {{out_channels: 4, kernel_size: 1}}\n  - concat: {{paths: [{paths}]}}\n"
    )
    conv, concat = deploy(cnncalc.loads(spec)).graph.operators
    assert (conv.code, conv.activation, concat.code) == ("CONV_2D", "RELU", "CONCATENATION")
    assert concat.inputs == [conv.output] * 3


def test_branches_may_run_in_the_order_of_keras_names() -> None:
    """Keras calls eleven convolutions conv2d, conv2d_1, … conv2d_10; conv2d_10 comes before conv2d_2 in the alphabet."""
    paths = ", ".join([f"[conv: {{out_channels: {8 + number}, kernel_size: 1}}]" for number in range(11)])
    graph = deploy(cnncalc.loads(f"input: [8, 4, 4]\nlayers:\n  - concat: {{paths: [{paths}]}}\n")).graph
    assert [one.output.shape[-1] - 8 for one in by_names(graph)[:-1]] == [0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(("quant", "marked"), [("int8", []), ("float32", []), ("int16x8", ["MAXIMUM"])])
def test_in_16x8_a_merge_that_chooses_is_marked(quant: str, marked: list[str]) -> None:
    spec = "input: {a: [4, 8, 8], b: [4, 8, 8]}\nlayers:\n  - maximum:\n    from: [a, b]\n  - add:\n    from: [maximum1, a]\n"
    assert [one.code for one in deploy(cnncalc.loads(spec), device(quant)).doubts] == marked


def test_old_converters_average_a_map_by_a_window_of_its_size() -> None:
    """Keras wrote AveragePooling2D for it, as MLPerf Tiny's networks have it."""
    found = deploy(cnncalc.loads("input: [4, 6, 5]\nlayers: [global_avgpool]\n"), device(converter="tf2.3"))
    (operator,) = found.graph.operators
    assert (operator.code, operator.taps and operator.taps.kernel) == ("AVERAGE_POOL_2D", (6, 5))


def test_every_probe_was_converted() -> None:
    assert {row["probe"] for row in ROWS if "probe" in row} == set(PROBES)
