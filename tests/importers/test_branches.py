"""An If that is decided at run time leaves nothing of the branch that is not counted."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from cnncalc.importers.onnx.load import read_model_bytes
from cnncalc.network import Network
from tests.commands import cnncalc
from tests.importers.models import model, network, node

F = np.float32
HEAD = [node("ReduceSum", ["x"], ["s"], keepdims=0), node("Cast", ["s"], ["is_taken"], to=TensorProto.BOOL)]


def branch(*nodes: Any) -> Any:
    """Return a graph of some nodes, whose output is the last one's."""
    name = nodes[-1].output[0]
    return helper.make_graph(list(nodes), name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])


def choosing(one: Any, other: Any, nodes: list[Any], shape: list[Any], constants: dict[str, Any]) -> Network:
    """Return a network that takes one of two branches, followed by some nodes."""
    choice = node("If", ["is_taken"], ["z"], then_branch=one, else_branch=other, name="pick")
    return network(model([*HEAD, choice, *nodes], {"x": shape}, ["y"], constants))


def test_a_constant_of_both_branches_is_kept_in_the_counted_one() -> None:
    light = branch(node("Concat", ["c", "x"], ["t"], axis=1))
    heavy = branch(node("Concat", ["c", "x"], ["j"], axis=1), node("Conv", ["j", "w"], ["e"], pads=[1, 1, 1, 1]))
    constants = {"c": np.ones((1, 4, 8, 8), F), "w": np.ones((8, 8, 3, 3), F)}
    for pair in ((light, heavy), (heavy, light)):
        net = choosing(*pair, [node("Concat", ["c", "z"], ["y"], axis=1)], [1, 4, 8, 8], constants)
        assert net.summary().totals.macs == 8 * 8 * 3 * 3 * 8 * 8
        assert net.summary().totals.params == 4 * 8 * 8 + 8 * 8 * 3 * 3
        assert net.outputs["y"].shape == (12, 8, 8)


def test_operators_of_a_branch_are_in_the_modules_that_they_name() -> None:
    """PyTorch's exporter writes whole paths in branches, too, and ONNX's inliner the call in front (Silero VAD)."""
    conv = node("Conv", ["x", "w"], ["a"], name="If_0_then_branch__Inline_0__/stft/Conv")
    taken = branch(conv, node("Relu", ["a"], ["t"], name="F0::If_0_then_branch__Inline_0__/encoder/0/activation/Relu"))
    plain = branch(node("Relu", ["x"], ["e"], name="Relu_3"))
    constants = {"w": np.ones((4, 4, 1, 1), F)}
    end = node("Sigmoid", ["z"], ["y"], name="/head/Sigmoid")
    net = choosing(taken, plain, [end], [1, 4, 8, 8], constants)
    assert [one.name for one in net.nodes if one.macs() or one.layer.kind == "activation"] == [
        "stft", "encoder.0.activation", "head"
    ]  # fmt: skip
    net = choosing(plain, plain, [end], [1, 4, 8, 8], {})
    assert "pick" in [one.name for one in net.nodes]


def test_a_branch_that_does_not_fit_does_not_change_later_operators() -> None:
    """The cells of the LSTM are an output that nothing reads: it has no other layer for them.

    In front of it stand the layers that decide.
    """
    fits, unfit = branch(node("Relu", ["x"], ["t"])), branch(node("Reshape", ["x", "sizes"], ["u"]))
    recurrent = node("LSTM", ["z", "w", "r"], ["y", "last", "cells"], hidden_size=4)
    constants = {"w": np.ones((1, 16, 3), F), "r": np.ones((1, 16, 4), F), "sizes": np.array([7, 7, 7])}
    for pair in ((fits, unfit), (unfit, fits)):
        net = choosing(*pair, [recurrent], [5, "N", 3], constants)
        assert [(one.layer.type, one.shape) for one in net.nodes][-3:] == [
            ("relu", (5, 3)), ("lstm", (5, 4)), ("reshape", (5, 1, 4)),
        ]  # fmt: skip


def test_a_branch_that_is_not_counted_leaves_no_note() -> None:
    light, heavy = branch(node("Wonder", ["x"], ["t"])), branch(node("MatMul", ["x", "m"], ["e"]))
    sizes = helper.make_tensor_value_info("t", TensorProto.FLOAT, ["N", 4])
    light.output[0].CopyFrom(sizes)
    net = choosing(light, heavy, [node("Relu", ["z"], ["y"])], ["N", 4], {"m": np.ones((4, 4), F)})
    assert not [note for note in net.notes if "Wonder" in note]
    assert net.summary().totals.macs == 4 * 4
    assert not net.summary().uncounted


def test_a_run_lists_the_layers_of_the_branch_that_it_took(tmp_path: Path) -> None:
    short, long = (
        branch(node("Relu", ["x"], ["t"])),
        branch(node("MatMul", ["x", "m"], ["e"]), node("Relu", ["e"], ["f"])),
    )
    choice = node("If", ["is_taken"], ["z"], then_branch=short, else_branch=long)
    path = tmp_path / "pick.onnx"
    path.write_bytes(
        model([*HEAD, choice, node("Neg", ["z"], ["y"])], {"x": ["N", 4]}, ["y"], {"m": np.eye(4, dtype=F)})
    )
    assert [row["type"] for row in json.loads(cnncalc("summary", str(path), "--format", "json").out)["layers"]] == [
        "sum", "compare", "linear", "relu", "neg",
    ]  # fmt: skip
    done = cnncalc("run", str(path), "--format", "json")
    assert done.code == 0
    assert [row["type"] for row in json.loads(done.out)["layers"]] == ["relu", "neg"]


def test_branches_of_a_large_model_are_decided_until_much_is_built() -> None:
    """Each of four branches depends on the one before; with 4,000 operators in the file, three are decided."""
    nodes, x = [], "x"
    for number in range(4):
        taken, other = branch(node("Relu", [x], ["t"])), branch(node("MatMul", [x, "m"], ["e"]))
        nodes += [
            node("ReduceSum", [x], [f"s{number}"], keepdims=0),
            node("Cast", [f"s{number}"], [f"b{number}"], to=TensorProto.BOOL),
            node("If", [f"b{number}"], [f"z{number}"], then_branch=taken, else_branch=other),
        ]
        x = f"z{number}"
    names = [x, *[f"i{number}" for number in range(4_000)], "y"]
    nodes += [node("Identity", [one], [other]) for one, other in itertools.pairwise(names)]
    file = read_model_bytes(model(nodes, {"x": ["N", 4]}, ["y"], {"m": np.eye(4, dtype=F)}), "net.onnx")
    net = Network.of(file.build())
    run = net.run(np.ones((1, 4), F))
    assert (len(net.model.undecided), len(run.network.model.undecided)) == (4, 1)
