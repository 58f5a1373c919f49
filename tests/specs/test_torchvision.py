"""Torchvision's convolutional classifiers: every figure of data/torchvision.csv, to the integer."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

import cnncalc
from cnncalc.network import Network

DATA = Path(__file__).parent.parent / "data" / "torchvision.csv"
with DATA.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))


def figures(network: Network) -> Counter[str]:
    """Return a network's totals, under the names of the csv's columns."""
    found: Counter[str] = Counter()
    for node in network.nodes:
        kind = node.layer.kind if node.layer.type != "layernorm" else "layernorm"  # its norm column is batchnorm
        found += Counter({"params": node.params, f"{kind}_params": node.params})
        found += Counter({"macs": node.use.macs, f"{kind}_macs": node.use.macs})
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['model']}-{row['input']}")
def test_figures_of_torchvision(row: dict[str, str]) -> None:
    name = row["model"]
    found = figures(cnncalc.load(name, input=tuple(map(int, row["input"].split("x")))))
    for column in ("macs", "conv_macs", "fc_macs"):
        assert found[column] == int(row[column]), column
    if name == "inception_v3":  # the csv includes the params of the auxiliary head, which only training uses
        found = figures(cnncalc.load("inception_v3_aux"))
    for column in ("params", "conv_params", "fc_params", "norm_params"):
        assert found[column] == int(row[column]), column


def test_the_specs_state_figures_that_hold() -> None:
    for name in {row["model"] for row in ROWS}:
        network = cnncalc.load(name)
        assert network.unmet == [], name
        assert [tensor.shape for tensor in network.outputs.values()] == [(1000,)], name


@pytest.mark.parametrize(
    ("name", "params", "outputs"),
    [
        ("googlenet_aux", 13_004_888, ["fc", "aux1", "aux2"]),  # of GoogLeNet(aux_logits=True)
        ("inception_v3_aux", 27_161_264, ["fc", "aux1"]),  # the card's num_params
    ],
)
def test_training_only_heads_are_further_outputs(name: str, params: int, outputs: list[str]) -> None:
    network = cnncalc.load(name)
    assert network.unmet == []
    assert figures(network)["params"] == params
    shapes = {output: tensor.shape for output, tensor in network.outputs.items()}
    assert shapes == dict.fromkeys(outputs, (1000,))


def test_inception_v3_head_by_hand() -> None:
    """1x1 convolution 768 → 128, 5x5 convolution 128 → 768, both with batchnorm; linear 768 → 1000."""
    head = 768 * 128 + 2 * 128 + 5 * 5 * 128 * 768 + 2 * 768 + 768 * 1000 + 1000
    without = figures(cnncalc.load("inception_v3"))["params"]
    assert figures(cnncalc.load("inception_v3_aux"))["params"] - without == head
