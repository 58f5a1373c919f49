"""Hostile files: each is refused with a message or read, within a second."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.load import read_model_bytes
from tests.commands import cnncalc
from tests.importers.models import imported, ints, model, node
from tests.patience import ends_soon

MAP = {"x": ["N", 3, 8, 8]}
LONG = np.array([2**40, 2**40], np.int64)


def chained(op: str, count: int) -> bytes:
    """Return a model that doubles or squares a number repeatedly, and reshapes by it."""
    nodes = [node(op, [f"c{i}", f"c{i}"], [f"c{i + 1}"]) for i in range(count)]
    return model([*nodes, node("Reshape", ["x", f"c{count}"], ["y"])], MAP, ["y"], {"c0": ints(3)})


def functions(body: Callable[[int], list[Any]], count: int) -> bytes:
    """Return a model with functions f0, f1, …, of which it calls the first."""
    made = onnx.load_from_string(model([node("f0", ["x"], ["y"], domain="own")], MAP, ["y"]))
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made.functions.extend(helper.make_function("own", f"f{i}", ["a"], ["b"], body(i), opset) for i in range(count))
    made.opset_import.append(helper.make_opsetid("own", 1))
    data: bytes = made.SerializeToString()
    return data


def nested(depth: int) -> bytes:
    """Return bytes of graphs nested to a depth."""
    graph = b""
    for _ in range(depth):
        attribute = b"\x0a\x01g" + b"\x32" + size(graph) + graph
        operator = b"\x22\x02If" + b"\x2a" + size(attribute) + attribute
        graph = b"\x0a" + size(operator) + operator
    return b"\x08\x08\x12\x00" + b"\x3a" + size(graph) + graph


def size(part: bytes) -> bytes:
    """Return a length in the wire format."""
    number, made = len(part), bytearray()
    while True:
        made.append(number & 127 | (128 if number > 127 else 0))
        number >>= 7
        if not number:
            return bytes(made)


def fields() -> bytes:
    """Return a graph of a million empty nodes."""
    graph = b"\x0a\x00" * 1_000_000
    return b"\x08\x08\x12\x00" + b"\x3a" + size(graph) + graph


def inputs() -> bytes:
    """Return a graph of one node with a million inputs."""
    node = b"\x0a\x00" * 1_000_000
    graph = b"\x0a" + size(node) + node
    return b"\x08\x08\x12\x00" + b"\x3a" + size(graph) + graph


def bare(name: str, shape: list[int], raw: bytes = b"", dtype: int = onnx.TensorProto.FLOAT) -> Any:
    """Return a stored tensor whose data may be missing or not fit its shape."""
    return onnx.TensorProto(name=name, dims=shape, raw_data=raw, data_type=dtype)


def beside(stored: list[Any], nodes: list[Any], ports: list[Any] | None = None) -> bytes:
    """Return a model with the given stored tensors beside its input map, or with other inputs."""
    made = onnx.load_from_string(model(nodes, MAP, ["y"]))
    made.graph.initializer.extend(stored)
    made.graph.input.extend(ports or [])
    data: bytes = made.SerializeToString()
    return data


def attribute(part: bytes) -> bytes:
    """Return a model of a node with an attribute of the given raw fields."""
    node = b"\x22\x04Relu" + b"\x2a" + size(b"\x0a\x01g" + part) + b"\x0a\x01g" + part
    graph = b"\x0a" + size(node) + node
    return b"\x08\x08\x12\x00" + b"\x3a" + size(graph) + graph


def summed(count: int, stored: Callable[[int], str]) -> list[Any]:
    """Return nodes that add constants one after the other, and add the maximum of the sum to the map."""
    nodes = [node("Add", [f"s{i - 1}" if i > 1 else stored(0), stored(i)], [f"s{i}"]) for i in range(1, count)]
    return [*nodes, node("ReduceMax", [f"s{count - 1}"], ["m"], keepdims=0), node("Add", ["x", "m"], ["y"])]


def looped() -> bytes:
    """Return a loop of a thousand passes whose body has twenty thousand tensors beside it."""
    port, real = helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    body = helper.make_graph(
        [node("Identity", ["on"], ["still"]), node("Relu", ["v"], ["w"])], "body",
        [port("i", onnx.TensorProto.INT64, []), port("on", onnx.TensorProto.BOOL, []), port("v", real, None)],
        [port("still", onnx.TensorProto.BOOL, []), port("w", real, None)],
        [bare(f"k{i}", [1], bytes(4)) for i in range(20_000)],
    )  # fmt: skip
    return model([node("Loop", ["most", "", "x"], ["y"], body=body)], MAP, ["y"], {"most": np.int64(1000)})


def many_inputs() -> bytes:
    """Return twenty thousand inputs beside as many operators, of which the first does not fit."""
    ports = [helper.make_tensor_value_info(f"i{k}", onnx.TensorProto.FLOAT, [2, 3, 4]) for k in range(20_000)]
    return beside(
        [], [node("Relu", ["nothing"], ["y"]), *[node("Relu", ["x"], [f"r{k}"]) for k in range(20_000)]], ports
    )


def not_given() -> bytes:
    """Return calls of a function with thirty thousand inputs, each of which passes only one."""
    made = onnx.load_from_string(functions(lambda i: [], 0))
    del made.graph.node[:]
    made.graph.node.extend(
        [node("f0", ["x" if i == 0 else f"r{i}"], ["y" if i == 9 else f"r{i + 1}"], domain="own") for i in range(10)]
    )
    names = ["a", *[f"z{i}" for i in range(30_000)]]
    opset = [helper.make_opsetid("", 17)]
    made.functions.append(helper.make_function("own", "f0", names, ["b"], [node("Max", names, ["b"])], opset))
    data: bytes = made.SerializeToString()
    return data


def conv(**attributes: Any) -> bytes:
    return model([node("Conv", ["x", "w"], ["y"], **attributes)], MAP, ["y"], {"w": np.ones((2, 3, 1, 1), np.float32)})


TWICE = [node("f{}", ["a"], ["c"], domain="own")]

ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "squares": (lambda: chained("Mul", 40), "a number has more than 64 bits"),
    "doubles": (lambda: chained("Add", 80), "a number has more than 64 bits"),
    "concat doubles": (
        lambda: model(
            [*[node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(60)], node("Reshape", ["x", "c60"], ["y"])],
            MAP, ["y"], {"c0": ints(1, 2)},
        ), "does not fit",
    ),
    "power": (
        lambda: model([node("Pow", ["c", "c"], ["d"]), node("Reshape", ["x", "d"], ["y"])], MAP, ["y"], {"c": ints(10**6)}),
        "an exponent of 1000000",
    ),
    "outputs of a split": (
        lambda: model([node("Split", ["x"], ["y"], axis=1, num_outputs=10**8)], MAP, ["y"], opset=18), "",
    ),
    "a range": (
        lambda: model(
            [node("Range", ["a", "b", "c"], ["r"]), node("Reshape", ["x", "r"], ["y"])], MAP, ["y"],
            {"a": np.int64(0), "b": np.int64(10**15), "c": np.int64(1)},
        ), "is not known before it runs",
    ),
    "a constant of a shape": (
        lambda: model(
            [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["y"])], MAP, ["y"], {"s": ints(10**9, 10**9)},
        ), "does not fit",
    ),
    "an expansion": (lambda: model([node("Expand", ["x", "s"], ["y"])], MAP, ["y"], {"s": ints(2**62, 1, 1, 1, 1)}), "does not fit"),
    "tiles": (lambda: model([node("Tile", ["x", "r"], ["y"])], MAP, ["y"], {"r": ints(1, 2**40, 2**40, 1)}), "more than 9,007,"),
    "backwards": (
        lambda: model(
            [node("Slice", ["x", "a", "b", "c", "d"], ["y"])], {"x": ["N", 10**9]}, ["y"],
            {"a": ints(-1), "b": ints(-(2**62)), "c": ints(1), "d": ints(-1)},
        ), "backwards",
    ),
    "no stride": (lambda: conv(strides=[0, 1]), "does not fit"),
    "a far border": (lambda: conv(pads=[-(10**9)] * 4), "does not fit"),
    "a wide border": (lambda: conv(pads=[2**50] * 4), "does not fit"),
    "no groups": (lambda: conv(group=0), "does not fit"),
    "a node that reads itself": (lambda: model([node("Relu", ["y"], ["y"])], MAP, ["y"]), "which no operator before it computes"),
    "nodes that read each other": (
        lambda: model([node("Add", ["x", "z"], ["y"]), node("Relu", ["y"], ["z"])], MAP, ["y"]), "which no operator before it computes",
    ),
    "a name made twice": (
        lambda: model([node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"])], MAP, ["y"]), "which exists already",
    ),
    "a function that calls itself": (lambda: functions(lambda i: [node("f0", ["a"], ["b"], domain="own")], 1), "nested deeper than 16"),
    "functions that call twice": (
        lambda: functions(
            lambda i: [node(f"f{i + 1}", ["a"], ["c"], domain="own"), node(f"f{i + 1}", ["c"], ["b"], domain="own")]
            if i < 14 else [node("Relu", ["a"], ["c"]), node("Relu", ["c"], ["b"])], 15,
        ), "more than 20,000 operators",
    ),
    "graphs in graphs": (lambda: nested(3000), "graphs are nested deeper than 16"),
    "a million fields": (fields, "more than 600,000 fields"),
    "a million inputs": (inputs, "more than 600,000 fields"),
    "an unknown operator": (lambda: model([node("Wonder", ["x"], ["y"], domain="own")], MAP, ["y"]), "of an unknown type"),
    "an axis put in twice": (
        lambda: model([node("Unsqueeze", ["x", "axes"], ["y"])], MAP, ["y"], {"axes": ints(0, 0)}), "axes [0, 0] name one twice",
    ),
    "sizes without end": (lambda: attribute(b"\x2a" + size(b"\x0a" + size(bytes(4_000_000)) + bytes(4_000_000)) + b"\x0a" + size(bytes(4_000_000)) + bytes(4_000_000)), "have more than 2,097,152 bytes"),
    "a long list of numbers": (lambda: attribute(b"\x3a" + size(bytes(4_000_000)) + bytes(4_000_000)), "have more than 2,097,152 bytes"),
    "much data for one number": (
        lambda: beside([bare("k", [1], bytes(20_000_000), onnx.TensorProto.INT4)], [node("Relu", ["x"], ["y"])]),
        "has 20,000,000 bytes, but its shape says 1",
    ),
    "many numbers for one": (
        lambda: beside([onnx.TensorProto(name="k", dims=[1], data_type=1, float_data=[0.0] * 1_000_000)], [node("Relu", ["x"], ["y"])]),
        "has more elements than its shape says",
    ),
    "tensors of a loop's body": (looped, ""),
    "inputs beside operators": (many_inputs, "the model has 20,001 inputs, but at most 1,000 are supported"),
    "constants of all others": (
        lambda: beside([bare(f"c{i}", [5000]) for i in range(5000)], summed(5000, lambda i: f"c{i}")),
        "come from more than 2,000,000 others",
    ),
    "tensors of one name": (
        lambda: beside(
            [bare(f"m{i}.w", [1], bytes(4)) for i in range(25_000)],
            [
                node("Concat", [f"m{i}.w" for i in range(25_000)], ["c"], axis=0),
                node("ReduceMax", ["c"], ["m"], keepdims=0), node("Add", ["x", "m"], ["y"]),
            ],
        ), "",
    ),
    "elements computed again and again": (
        lambda: model([node("Transpose", ["c"], [f"d{i}"], perm=[1, 0]) for i in range(400)], MAP, ["y"], {"c": np.ones((64, 64), np.int64)}),
        "computes with more than 2,000,000 elements of constants",
    ),
    "sums of elements": (
        lambda: model([node("ReduceSum", ["c", "axis"], [f"d{i}"]) for i in range(400)], MAP, ["y"], {"c": np.ones((4096, 1), np.int64), "axis": ints(1)}),
        "computes with more than 2,000,000 elements of constants",
    ),
    "elements behind boxes that are found": (
        lambda: model(
            [
                *[node("NonZero", ["c"], [f"d{i}"]) for i in range(4000)],
                *[node("Transpose", ["e"], [f"f{i}"], perm=[1, 0]) for i in range(4000)],
            ], MAP, ["d0"], {"c": np.ones(4096, np.int64), "e": np.ones((64, 64), np.int64)},
        ), "elements of constants",
    ),
    "elements of many indices": (
        lambda: model([node("Gather", ["c", "i"], ["d"]), node("Relu", ["x"], ["y"])], MAP, ["y"], {"c": np.ones((1, 4096), np.int64), "i": np.zeros(4096, np.int64)}),
        "",
    ),
    "no elements of a long axis": (
        lambda: model(
            [node("ConstantOfShape", ["s"], ["c"]), node("Transpose", ["c"], ["d"]), node("Tile", ["e", "r"], ["f"]), node("Relu", ["x"], ["y"])],
            MAP, ["y"], {"s": ints(2**40, 0), "e": np.ones((1, 0), np.int64), "r": ints(2**40, 1)},
        ), "",
    ),
    "long names": (
        lambda: model([node("Relu", ["x"], [f"{i}{'n' * 4000}"]) for i in range(1100)], MAP, ["y"]),
        "its names have more than 4,194,304 bytes",
    ),
    "inputs that a function is not given": (not_given, ""),
    "patterns of one tensor": (
        lambda: model(
            [
                node("Relu", ["x"], ["r"]),
                *[part for i in range(4900) for part in (node("Sigmoid", ["r"], [f"s{i}"]), node("Mul", ["r", f"s{i}"], [f"m{i}"]))],
                node("Sum", [f"m{i}" for i in range(4900)], ["y"]),
            ], MAP, ["y"],
        ), "",
    ),
    "a table of biases that all differ": (
        lambda: model(
            [node("MatMul", ["x", "x"], ["l"]), node("Add", ["l", "b"], ["m"]), node("Softmax", ["m"], ["s"]), node("MatMul", ["s", "x"], ["y"])],
            {"x": ["N", 1, 2000, 2000]}, ["y"], {"b": np.arange(4_000_000, dtype=np.float32).reshape(1, 1, 2000, 2000)},
        ), "",
    ),
    "layers without end": (
        lambda: model([node("Relu", ["x"], [f"r{i}"]) for i in range(6000)], MAP, [f"r{i}" for i in range(6000)]),
        "more than 5,000 layers",
    ),
    "an axis beyond all": (
        lambda: model(
            [node("ArgMax", ["x"], ["i"], axis=1), node("OneHot", ["i", "depth", "values"], ["y"], axis=2**62)], MAP, ["y"],
            {"depth": ints(3), "values": np.array([0, 1], np.float32)},
        ), "axis 4611686018427387904 of 5",
    ),
    "nearest elements of long axes": (
        lambda: model([node("Resize", ["x", "", "s"], [f"r{i}"]) for i in range(4000)], MAP, ["r0"], {"s": np.array([1, 1, 500, 500], np.float32)}),
        "computes with more than 2,000,000 elements of constants",
    ),
    "lists that grow": (
        lambda: model(
            [node("SequenceConstruct", ["x"], ["q0"]), *[node("SequenceInsert", [f"q{i}", "x"], [f"q{i + 1}"]) for i in range(4900)],
             node("ConcatFromSequence", ["q4900"], ["y"], axis=1)], MAP, ["y"],
        ), "more than 20,000 operators",
    ),
    "equal constants of many parts": (
        lambda: model(
            [node("Concat", ["c"] * 40_000, ["d"], axis=0), node("Concat", ["d"] * 40_000, ["e"], axis=0), node("Concat", ["x", "e"], ["y"], axis=0)],
            {"x": [7, 4]}, ["y"], {"c": np.ones((1, 4), np.float32)},
        ), "",
    ),
    "places in a long concatenation": (
        lambda: model(
            [
                node("Relu", ["x"], ["r"]), node("Concat", ["r"] * 100_000, ["c"], axis=1),
                *[node("Gather", ["c", "last"], [f"g{i}"], axis=1) for i in range(10_000)],
            ], {"x": ["N", 1, 4]}, ["g0"], {"last": np.array(-1)},
        ), "more than 20,000 operators",
    ),
    "a scale of 0": (
        lambda: model(
            [node("QuantizeLinear", ["x", "s", "z"], ["y"])], MAP, ["y"], {"s": np.float32(0), "z": np.uint8(9)},
        ), "its scale is 0",
    ),
    "no output": (lambda: model([node("Relu", ["x"], ["y"])], MAP, ["z"]), "no operator computes the output 'z'"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_soon(name: str) -> None:
    made, message = ATTACKS[name]
    data = made()
    found = ""
    with ends_soon():
        try:
            imported(data)
        except CnncalcError as error:
            found = str(error)
    assert message in found
    assert bool(found) == bool(message)


ON_CONSTANTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a chain": (
        lambda: beside([bare("c", [5000], bytes(20_000))], summed(3000, lambda i: "c")), "",
    ),
    "indices beyond the end": (
        lambda: model(
            [node("Gather", ["c", "i"], ["g"], axis=0), node("Add", ["x", "g"], ["y"])], MAP, ["y"],
            {"c": np.ones((5000, 8), np.float32), "i": np.full((3, 8), 9999)},
        ), "Gather that computes 'g' does not fit its constants: index 9999 is out of bounds",
    ),
    "halves of bytes that are missing": (
        lambda: beside(
            [bare("c", [9000], bytes(3), onnx.TensorProto.INT4)],
            [node("Cast", ["c"], ["d"], to=1), node("ReduceMax", ["d"], ["m"], keepdims=0), node("Mul", ["x", "m"], ["y"])],
        ), "the tensor 'c' has 3 bytes",
    ),
}  # fmt: skip


def test_memory_that_constants_take_is_predicted() -> None:
    """Two arrays of float32 are in memory at once: the ones, and their powers."""
    nodes = [
        node("ConstantOfShape", ["n"], ["c"]), node("Exp", ["c"], ["e"]), node("ReduceMean", ["e"], ["m"], keepdims=0),
        node("Mul", ["x", "m"], ["y"]),
    ]  # fmt: skip
    count = 200_000_000
    done = cnncalc("run", "-", "--max-memory", "500MB", stdin=model(nodes, MAP, ["y"], {"n": ints(count)}))
    assert (done.code, done.out) == (2, "")
    found = re.search(r"the run needs ([\d.]+) GiB .*, more than 476.8 MiB", done.err)
    assert found, done.err
    assert 0 <= float(found[1]) - 2 * 4 * count / 2**30 < 1  # memory of the process, which is a fork of the test's


@pytest.mark.parametrize("name", ON_CONSTANTS)
def test_constants_that_do_not_fit_end_a_run_with_a_message(name: str) -> None:
    made, message = ON_CONSTANTS[name]
    with ends_soon():
        done = cnncalc("run", "-", stdin=made())
    assert done.code == (2 if message else 0), done.err
    assert message in done.err


def test_a_spec_of_branches_side_by_side_ends_soon() -> None:
    count = 4900
    data = model([node("Relu", ["x"], [f"r{i}"]) for i in range(count)], {"x": [1, 2]}, [f"r{i}" for i in range(count)])
    with ends_soon():
        done = cnncalc("import", "-", stdin=data)
    # the word occurs as the name, as the type, and as an output
    assert (done.code, done.out.count("relu")) == (0, 3 * count), done.err


def test_fields_on_many_inputs_end_soon() -> None:
    """Each layer sees one more input; beyond a bound of work, it is taken to see all of each."""
    count = 1000
    nodes = [
        node("Add", [f"s{i}" if i else "i0", f"i{i}"], [f"s{i + 1}" if i < count - 1 else "y"]) for i in range(count)
    ]
    data = model(nodes, {f"i{i}": ["N", 3, 8, 8] for i in range(count)}, ["y"])
    with ends_soon():
        done = cnncalc("summary", "-", stdin=data)
    assert done.code == 0, done.err


def test_outputs_that_see_many_inputs_end_soon() -> None:
    """Output i sees i + 1 inputs: 499 · 500 / 2 + 499 in all."""
    count = 500
    nodes = [node("Add", [f"s{i - 1}" if i > 1 else "i0", f"i{i}"], [f"s{i}"]) for i in range(1, count)]
    ports: dict[str, list[object]] = {f"i{i}": ["N", 3, 8, 8] for i in range(count)}
    for command, refused in (("summary", 2), ("compare", 2), ("check", 0)):
        specs = ["-", "lenet5"] if command == "compare" else ["-"]
        with ends_soon():
            done = cnncalc(command, *specs, stdin=model(nodes, ports, [f"s{i}" for i in range(1, count)]))
        assert done.code == refused, done.err
        assert ("its outputs see 125,249 inputs in all" in done.err) == bool(refused)


COMMANDS_ON_NO_LAYER: tuple[tuple[str, int], ...] = (
    ("summary", 0), ("summary -o net.html", 0), ("check", 0), ("explain", 0), ("hotspots", 0), ("weights", 0),
    ("draw -o net.svg", 0), ("deploy", 0), ("sweep", 0), ("run", 0), ("run --against onnxruntime", 2), ("import", 2),
    ("export -o net.py", 2), ("export -o net.onnx", 0),
)  # fmt: skip


@pytest.mark.parametrize(("command", "code"), COMMANDS_ON_NO_LAYER)
def test_a_model_without_a_layer_is_refused_where_one_is_needed(
    command: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    word, *options = command.split()
    done = cnncalc(word, "-", *options, stdin=model([node("Identity", ["x"], ["y"])], MAP, ["y"]))
    assert done.code == code, done.err
    assert ("has no layer to" in done.err) == bool(code)


def test_many_notes_are_counted() -> None:
    numbers: dict[str, list[object]] = {f"n{i}": [] for i in range(900)}
    read = [node("Identity", [name], [f"of_{name}"]) for name in numbers]
    done = cnncalc("summary", "-", stdin=model([node("Relu", ["x"], ["y"]), *read], {"x": ["N", 3], **numbers}, ["y"]))
    assert done.code == 0
    assert len(done.err.splitlines()) == 21
    assert "880 more notes such as the last one" in done.err


@pytest.mark.parametrize("command", ["run", "import"])
@pytest.mark.parametrize(
    "name", ["squares", "a range", "graphs in graphs", "sizes without end", "much data for one number"]
)
def test_an_attack_is_refused_by_other_commands(name: str, command: str) -> None:
    made, message = ATTACKS[name]
    with ends_soon():
        done = cnncalc(command, "-", stdin=made())
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_file_without_a_graph() -> None:
    with pytest.raises(CnncalcError, match="it holds no graph"):
        read_model_bytes(b"\x08\x08\x12\x00", "model.onnx")
