"""Convolutions by filters that a model file computes are written as the file's operator, and as PyTorch's function."""

from __future__ import annotations

from typing import Any

import pytest

from cnncalc.network import Network
from tests.exporters.models import agrees, read_again
from tests.importers.models import drawing, ints, model, network, node

weight = drawing()


def modulated() -> Network:
    """A transposed convolution of a learned map by filters and a bias of the sample, and one by filters of all."""
    nodes = [
        node("MatMul", ["x", "m"], ["style"]), node("Reshape", ["style", "s"], ["w"]),
        node("MatMul", ["x", "n"], ["shift"]), node("Reshape", ["shift", "one"], ["b"]),
        node("ConvTranspose", ["map", "w", "b"], ["t"], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
        node("MatMul", ["low", "grid"], ["band"]), node("Sin", ["band"], ["sines"]), node("Reshape", ["sines", "k"], ["f"]),
        node("Conv", ["t", "f"], ["y"], group=3, dilations=[1, 2], pads=[0, 1, 0, 3]),
    ]  # fmt: skip
    constants: dict[str, Any] = {
        "m": weight(6, 4 * 3 * 9), "s": ints(4, 3, 3, 3), "map": weight(1, 4, 5, 4), "low": weight(6, 1),
        "grid": weight(1, 9), "k": ints(6, 1, 3, 3), "n": weight(6, 3), "one": ints(3),
    }  # fmt: skip
    return network(model(nodes, {"x": [1, 6]}, ["y"], constants))


def test_an_exported_model_has_the_operator() -> None:
    net = modulated()
    agrees(net, batch=1)
    again = [one for one in read_again(net).nodes if one.layer.type in ("Conv", "ConvTranspose")]
    assert [(one.shape, one.use.macs) for one in again] == [((3, 10, 8), 4 * 20 * 3 * 9), ((6, 8, 8), 6 * 9 * 8 * 8)]


def test_pytorch_source_calls_the_function() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from tests.exporters.torch_modules import compared

    assert compared(modulated()) < 1e-5


def test_unequal_padding_of_a_transposed_convolution_is_no_pytorch_function() -> None:
    from cnncalc.exporters.torch.module import torch_source
    from cnncalc.ground.errors import CnncalcError

    nodes = [
        node("MatMul", ["x", "m"], ["style"]), node("Reshape", ["style", "s"], ["w"]),
        node("ConvTranspose", ["map", "w"], ["y"], pads=[1, 0, 0, 0]),
    ]  # fmt: skip
    constants = {"m": weight(6, 4 * 3 * 9), "s": ints(4, 3, 3, 3), "map": weight(1, 4, 5, 4)}
    with pytest.raises(CnncalcError) as caught:
        torch_source(network(model(nodes, {"x": [1, 6]}, ["y"], constants)))
    assert "PyTorch has no transposed convolution with unequal padding" in str(caught.value)
