"""Stacks of recurrent layers: a model file has PyTorch's ``nn.LSTM(…, num_layers=2)`` layer by layer, with other keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnncalc.exporters.torch.module import torch_source
from cnncalc.importers.onnx.operators.recurrent import ORDERS
from cnncalc.network import Network
from tests.importers.models import ints, model, network, node

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from tests.exporters.torch_modules import compared, keys, module_of, state_of

STEPS, SIZE = 5, 4


def exported(module: Any, end: str, producer: str = "pytorch") -> Network:
    """Return PyTorch's module as its exporters write it: an operator for each layer, with ONNX's order of gates.

    ``end`` is "all" states, the "last" state of the last layer, or "twice": the module is called with its own output.
    """
    op, both = type(module).__name__, 2 if module.bidirectional else 1
    gates = np.argsort(ORDERS[op])

    def stacked(side: str, layer: int) -> Any:
        tensors = [getattr(module, f"{side}_l{layer}{end}").detach().numpy() for end in ("", "_reverse")[:both]]
        blocks = [tensor.reshape(len(gates), SIZE, -1)[gates] for tensor in tensors]
        return np.stack([block.reshape(len(gates) * SIZE, -1) for block in blocks])

    constants: dict[str, Any] = {"flat": ints(0, 0, -1), "0": np.array(-1)}
    nodes = [node("Transpose", ["x"], ["t0"], perm=[1, 0, 2], name="/rnn/Transpose")]
    count = module.num_layers
    for number in range(count * (1 + (end == "twice"))):
        layer, suffix = number % count, f"_{number}" if number else ""
        constants[f"w{layer}"], constants[f"r{layer}"] = stacked("weight_ih", layer), stacked("weight_hh", layer)
        biases = [stacked("bias_ih", layer)[..., 0], stacked("bias_hh", layer)[..., 0]]
        constants[f"b{layer}"] = np.concatenate(biases, -1)
        more: dict[str, Any] = {"linear_before_reset": 1} if op == "GRU" else {}
        nodes += [
            node(op, [f"t{number}", f"w{layer}", f"r{layer}", f"b{layer}"], [f"y{number}", f"h{number}"], hidden_size=SIZE,
                 direction="bidirectional" if both == 2 else "forward", name=f"/rnn/{op}{suffix}", **more),
            node("Transpose", [f"y{number}"], [f"z{number}"], perm=[0, 2, 1, 3], name=f"/rnn/Transpose_{number + 1}"),
            node("Reshape", [f"z{number}", "flat"], [f"t{number + 1}"], name=f"/rnn/Reshape{suffix}"),
        ]  # fmt: skip
    if end == "last":
        states = [f"h{number}" for number in range(count)]
        nodes += [
            node("Concat", states, ["h"], axis=0, name="/rnn/Concat"), node("Gather", ["h", "0"], ["y"], name="/Gather"),
        ]  # fmt: skip
    else:
        nodes += [node("Transpose", [nodes[-1].output[0]], ["y"], perm=[1, 0, 2], name="/rnn/Transpose_9")]
    return network(model(nodes, {"x": ["N", STEPS, module.input_size]}, ["y"], constants, producer_name=producer))


CASES: list[tuple[type[Any], dict[str, Any], str]] = [
    (torch.nn.LSTM, {}, "all"), (torch.nn.LSTM, {"num_layers": 3, "bidirectional": True}, "all"),
    (torch.nn.GRU, {"num_layers": 2}, "last"), (torch.nn.LSTM, {}, "last"),
    (torch.nn.RNN, {"num_layers": 2, "bidirectional": True}, "all"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options", "end"), CASES)
def test_a_stack_has_the_keys_of_its_module(kind: type[Any], options: dict[str, Any], end: str) -> None:
    torch.manual_seed(0)
    module = kind(3, SIZE, batch_first=True, **options)
    net = exported(module, end)
    state = module.state_dict()
    assert keys(net) == {f"rnn.{name}": tuple(value.shape) for name, value in state.items()}
    assert state_of(module_of(torch_source(net))) == keys(net)
    assert compared(net, batch=2) < 1e-5
    x = torch.randn(2, STEPS, 3)
    with torch.inference_mode():
        states, last = module(x)
    expected = states if end == "all" else (last[0] if isinstance(last, tuple) else last)[-1]
    weights = {f"rnn.{name}": value.numpy() for name, value in state.items()}
    for given in (None, weights):
        np.testing.assert_allclose(net.prepare(weights=given)(x.numpy()), expected, rtol=1e-4, atol=1e-5)


def test_a_stack_that_is_called_twice_has_its_weights_once() -> None:
    net = exported(torch.nn.GRU(SIZE, SIZE, 2, batch_first=True), "twice")
    assert set(keys(net)) == {
        f"rnn.{side}_l{n}" for side in ("weight_ih", "weight_hh", "bias_ih", "bias_hh") for n in (0, 1)
    }
    assert [node.shares and node.shares.index for node in net.nodes] == [None, None, 0, 1]


def test_layers_of_another_exporter_keep_their_own_names() -> None:
    """TensorFlow's layers in one scope need not be a stack."""
    net = exported(torch.nn.LSTM(3, SIZE, 2, batch_first=True), "all", "tf2onnx")
    assert {name.rpartition(".")[0] for name in keys(net)} == {"rnn.lstm1", "rnn.lstm2"}


@pytest.mark.parametrize("op", ["GRU", "LSTM", "RNN"])
def test_a_stack_whose_states_come_in_and_go_out_has_the_keys_of_its_module(op: str) -> None:
    """``y, h = rnn(x, h)`` as PyTorch's exporter writes it: the states of each layer are cut out, and joined again."""
    draw = np.random.default_rng(0).standard_normal
    rows = SIZE * {"GRU": 3, "LSTM": 4, "RNN": 1}[op]
    given = ["h", "c"][: 1 + (op == "LSTM")]
    constants: dict[str, Any] = {"0": ints(0), "1": ints(1), "2": ints(2)}
    nodes = [node("Transpose", ["x"], ["t0"], perm=[1, 0, 2], name="/rnn/Transpose")]
    for at in (0, 1):
        suffix = f"_{at}" if at else ""
        shapes = {"w": (1, rows, SIZE), "r": (1, rows, SIZE), "b": (1, 2 * rows)}
        constants |= {f"{name}{at}": draw(shape).astype(np.float32) for name, shape in shapes.items()}
        cuts = [f"{name}{at}" for name in given]
        more: dict[str, Any] = {"linear_before_reset": 1} if op == "GRU" else {}
        nodes += [
            *[node("Slice", [name, f"{at}", f"{at + 1}", "0"], [cut], name=f"/rnn/Slice_{cut}")
              for name, cut in zip(given, cuts, strict=True)],
            node(op, [f"t{at}", f"w{at}", f"r{at}", f"b{at}", "", *cuts], [f"s{at}", *[f"{cut}_n" for cut in cuts]],
                 hidden_size=SIZE, name=f"/rnn/{op}{suffix}", **more),
            node("Squeeze", [f"s{at}", "1"], [f"t{at + 1}"], name=f"/rnn/Squeeze{suffix}"),
        ]  # fmt: skip
    ends = [f"{name}_n" for name in given]
    nodes += [
        node("Concat", [f"{name}0_n", f"{name}1_n"], [f"{name}_n"], axis=0, name=f"/rnn/Concat_{name}")
        for name in given
    ]
    nodes += [node("Transpose", ["t2"], ["y"], perm=[1, 0, 2], name="/rnn/Transpose_1")]
    inputs = {"x": ["N", STEPS, SIZE], **{name: [2, "N", SIZE] for name in given}}
    net = network(model(nodes, inputs, ["y", *ends], constants, producer_name="pytorch"))
    sides = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    assert set(keys(net)) == {f"rnn.{side}_l{at}" for side in sides for at in (0, 1)}
    assert state_of(module_of(torch_source(net))) == keys(net)
    assert compared(net, batch=2) < 1e-5
