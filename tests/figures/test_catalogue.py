"""Figures of the catalogue, by hand on a small residual network, and quantities as users write them."""

from __future__ import annotations

import pytest

from cnncalc import loads
from cnncalc.figures.catalogue import CATALOGUE, Basis, heaviest
from cnncalc.figures.costs import PUBLISHED, Sums, sums
from cnncalc.figures.memory import IN_MEMORY
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.quantities import parse_quantity
from cnncalc.language.collection import shipped
from cnncalc.network import Network

RESIDUAL = b"""\
input: [4, 8, 8]
layers:
  - add:
      paths:
        - []
        - - conv: {out_channels: 4, kernel_size: 3, padding: 1}
          - relu
  - flatten
  - linear: 10
"""


@pytest.fixture
def network() -> Network:
    return loads(RESIDUAL, name="net.yaml")


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("params", 4 * 4 * 9 + 4 + 256 * 10 + 10),
        ("macs", 256 * 36 + 2560),
        ("flops", 2 * 256 * 36 + 256 + 256 + 256 + 2 * 2560 + 10),  # conv, its bias, relu, add, linear, its bias
        ("activations", 256 + 10),
        ("weight_bytes", 4 * 2718),
        ("peak_bytes", 3 * 256 * 4),  # the input waits for the add while the convolution and relu run
        ("layer_params", 2570),
        ("layer_macs", 9216),
        ("receptive_field", 10),  # the linear layer sees the whole input, 8 wide, and the padding: 10
    ],
)
def test_figures_by_hand(network: Network, name: str, figure: int) -> None:
    assert CATALOGUE[name].of_network(network, Basis()) == figure


def test_batch_and_bytes_scale_what_they_should(network: Network) -> None:
    def measured(name: str) -> int:
        return CATALOGUE[name].number(network, Basis(batch=3, width=1))

    assert (measured("params"), measured("macs")) == (2718, 3 * 11776)
    assert (measured("weight_bytes"), measured("peak_bytes")) == (2718, 3 * 768)


def test_heaviest(network: Network) -> None:
    assert heaviest(CATALOGUE["params"].parts(network, Basis())) == (("fc1", 2570), ("conv1", 148))
    assert heaviest(CATALOGUE["layer_macs"].parts(network, Basis())) == (("conv1", 9216), ("fc1", 2560))
    assert {name for name, _ in heaviest(CATALOGUE["peak_bytes"].parts(network, Basis()))} == {
        "input",
        "conv1",
        "relu1",
    }


def test_tensors_alive_at_the_peak_add_up_to_it() -> None:
    for member in shipped():
        network = member.build()
        peak = CATALOGUE["peak_bytes"]
        assert sum(part for _, part in peak.parts(network, Basis())) == peak.of_network(network, Basis()), member.name


@pytest.mark.parametrize(
    ("text", "of_bytes", "value"),
    [
        ("5M", False, 5_000_000),
        ("600M", False, 600_000_000),
        ("1.5G", False, 1_500_000_000),
        ("0.1k", False, 100),
        ("10K", False, 10_000),
        ("1_000_000", False, 1_000_000),
        ("1,000", False, 1000),
        ("5e6", False, 5_000_000),
        ("9007199254740993", False, 2**53 + 1),  # no rounding through a float
        ("4MiB", True, 4 * 2**20),
        ("256KiB", True, 2**18),
        ("4MB", True, 4_000_000),
        ("1.5 KiB", True, 1536),
        ("20000", True, 20_000),
        ("512B", True, 512),
    ],
)
def test_quantities(text: str, of_bytes: bool, value: int) -> None:
    assert parse_quantity(text, "--max", of_bytes) == value


@pytest.mark.parametrize(
    ("text", "of_bytes"),
    [
        ("", False),
        ("-5", False),
        ("M", False),
        ("5X", False),
        ("4MiB", False),
        ("4iB", True),
        ("0.5", False),
        ("1e999", False),
    ],
)
def test_texts_that_are_no_quantities(text: str, of_bytes: bool) -> None:
    with pytest.raises(CnncalcError, match="--max"):
        parse_quantity(text, "--max", of_bytes)


def test_a_summary_has_the_same_figures() -> None:
    for member in shipped():
        if member.name not in ("lenet5", "resnet18", "mobilenet_v3_small", "unet", "densenet121"):
            continue
        network = member.build()
        totals = Network.of(network).summary(batch=3, optimizer="sgd").totals
        basis = Basis(3, 4, "sgd")
        for name in Sums._fields:
            assert CATALOGUE[name].of_network(network, basis) == getattr(totals, name), name
        for name, short in IN_MEMORY.items():
            assert CATALOGUE[name].of_network(network, basis) == getattr(totals.memory, short), name


def test_parts_add_up(network: Network) -> None:
    for figure in CATALOGUE.values():
        parts = [part for _, part in figure.parts(network, Basis())]
        if figure.unit in ("count", "bytes") and parts:
            whole = max(parts) if figure.name.startswith("layer_") else sum(parts)
            assert figure.of_network(network, Basis()) == whole, figure.name


def test_sums_are_added() -> None:
    network = loads(RESIDUAL, name="net.yaml")
    assert sums(network.nodes[:2]) + sums(network.nodes[2:]) == sums(network.nodes)


def test_every_published_or_renamed_figure_is_in_the_catalogue() -> None:
    assert set(PUBLISHED) - {"arena", "flash"} <= set(CATALOGUE)  # these two depend on a device
    old = [figure.old for figure in CATALOGUE.values() if figure.old]
    assert len(set(old) | set(CATALOGUE)) == len(old) + len(CATALOGUE)  # no two figures share a name, present or former
