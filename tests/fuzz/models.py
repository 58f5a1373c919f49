"""Damaged model files: bytes that are no valid message, and messages that are contradictory or demand too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.fuzz.hostile import OUT, SPEC
from tests.importers.models import FOLDER

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("summary", SPEC),
    ("summary", SPEC, "--format", "json", "--batch", "3"),
    ("summary", SPEC, "--no-fuse"),
    ("check", SPEC),
    ("compare", "lenet5", SPEC),
    ("import", SPEC, "-o", f"{OUT}.yaml"),
    ("draw", SPEC, "-o", f"{OUT}.svg"),
    ("run", SPEC, "--max-memory", "150MB", "--threads", "1"),
    ("weights", SPEC),
)
NUMBERS = (0, 1, -1, 2, 3, 7, 64, 1000, 2**15, 2**31 - 1, 2**31, 2**53, 2**62, 2**63 - 1, -(2**31), -(2**63))
MOST_BYTES = 5_000_000
"""Size in bytes of the largest file that is tried."""

BATCHES: tuple[tuple[Any, ...], ...] = ((1,), ("N",))
PLACES = ("../weights.bin", "/etc/passwd", "/dev/zero", "", ".", "..", "a/b", "a\\b", "\0", "weights.bin", "x" * 5000)
OPS = (
    "Conv", "MatMul", "Gemm", "Reshape", "Transpose", "Concat", "Slice", "Gather", "GatherND", "Expand", "Tile", "Pad", "Resize",
    "Split", "Shape", "Range", "ConstantOfShape", "Where", "Pow", "Mul", "Div", "Mod", "Cast", "Squeeze", "Unsqueeze", "Flatten",
    "Loop", "Scan", "If", "LSTM", "GRU", "Softmax", "LayerNormalization", "BatchNormalization", "Einsum", "TopK", "OneHot",
    "NonZero", "NonMaxSuppression", "RoiAlign", "GridSample", "ScatterND", "GatherElements", "Attention", "RotaryEmbedding",
    "DequantizeLinear", "QuantizeLinear", "QLinearConv", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "Constant",
    "MaxPool", "AveragePool", "ReduceMean", "CumSum", "Trilu", "DepthToSpace", "Upsample", "Identity", "Wonder",
)  # fmt: skip


def damaged(seed: int) -> bytes:
    """Return a model file with a few damages; the same seed gives the same bytes."""
    random = Random(seed)
    data = _source(random)
    message = _parsed(data) if random.random() < 0.7 else None
    if message is not None:
        for _ in range(random.choice([1, 1, 2, 3, 6])):
            with suppress(Exception):  # a value that no message can hold
                random.choice(CHANGES)(random, message)
            if message.ByteSize() > MOST_BYTES:
                break
            with suppress(Exception):  # nested more deeply than can be written
                data = message.SerializeToString()
        return data
    for _ in range(random.choice([1, 1, 2, 4])):
        data = random.choice(DAMAGES)(random, data)
    return data


def command(seed: int) -> tuple[str, ...]:
    """Return the command that is tried on the file of a seed."""
    return Random(~seed).choice(COMMANDS)


def _source(random: Random) -> bytes:
    """Return a whole model: a published graph, or a small one of many operators."""
    if random.random() < 0.5:
        return random.choice(sorted(FOLDER.glob("*.onnx"))).read_bytes()
    return _small(random)


def _small(random: Random) -> bytes:
    """Return a model whose shapes are computed, with a branch and a function."""
    w = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "w")
    two, shape = numpy_helper.from_array(np.array([2]), "two"), numpy_helper.from_array(np.array([0, -1]), "shape")
    ports = [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)]
    then = helper.make_graph([helper.make_node("Relu", ["c"], ["b"])], "then", [], ports)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Shape", ["c"], ["s"]),
        helper.make_node("Mul", ["s", "two"], ["m"]),
        helper.make_node("Slice", ["m", "two"], ["t"]) if random.random() < 0.2 else helper.make_node("Div", ["m", "two"], ["t"]),
        helper.make_node("Reshape", ["c", "t"], ["r"]),
        helper.make_node("If", ["flag"], ["i"], then_branch=then, else_branch=then),
        helper.make_node("Own", ["r"], ["o"], domain="own"),
        helper.make_node("Add", ["i", "o"], ["a"]),
        helper.make_node("Reshape", ["a", "shape"], ["y"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [*random.choice(BATCHES), 3, 8, 8]),
         helper.make_tensor_value_info("flag", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [w, two, shape],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    body = [
        helper.make_node("Sigmoid", ["p"], ["q"]),
        helper.make_node(random.choice(["Tanh", "Own"]), ["q"], ["z"], domain="own"),
    ]
    body[1].domain = "own" if body[1].op_type == "Own" else ""
    own = helper.make_function("own", "Own", ["p"], ["z"], body, opset)
    return bytes(helper.make_model(graph, opset_imports=opset, functions=[own], ir_version=8).SerializeToString())


def _parsed(data: bytes) -> Any:
    return onnx.load_from_string(data)


# --- bytes ---------------------------------------------------------------------------------------------------


def _flip(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) or 1)
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _cut(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) or 1)
    return data[:at] + data[at + random.choice([1, 2, 16, len(data)]) :]


def _put(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) or 1)
    more = random.choice(
        [b"\xff" * 9 + b"\x01", b"\x80" * 12, b"\x0a\x00" * 50, bytes([random.randrange(256)]) * 8, b"\x3a\x02\x0a\x00"]
    )
    return data[:at] + more + data[at:]


def _twice(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) or 1)
    part = data[start : start + random.choice([2, 10, 300, 5000])]
    return data[:start] + part * random.choice([2, 3, 50]) + data[start:]


DAMAGES: Sequence[Callable[[Random, bytes], bytes]] = (_flip, _flip, _cut, _put, _twice)


# --- messages ------------------------------------------------------------------------------------------------


def _node(random: Random, model: Any) -> Any:
    return random.choice(model.graph.node) if model.graph.node else helper.make_node("Relu", ["x"], ["y"])


def _attribute(random: Random, model: Any) -> None:
    node = _node(random, model)
    if not node.attribute:
        node.attribute.append(
            helper.make_attribute(random.choice(["axis", "pads", "group", "perm"]), random.choice(NUMBERS))
        )
        return
    attribute = random.choice(node.attribute)
    if attribute.ints:
        attribute.ints[random.randrange(len(attribute.ints))] = random.choice(NUMBERS)
    else:
        attribute.i = random.choice(NUMBERS)
    if random.random() < 0.2:
        attribute.type = random.randrange(15)


def _many(random: Random, model: Any) -> None:
    node = _node(random, model)
    node.attribute.append(
        helper.make_attribute("axes", [random.choice(NUMBERS) for _ in range(random.choice([0, 1, 20]))])
    )


def _constant(random: Random, model: Any) -> None:
    """Change a number from which shapes are computed."""
    stored = [one for one in model.graph.initializer if one.data_type == TensorProto.INT64 and one.raw_data]
    stored += [one.t for node in model.graph.node for one in node.attribute if one.HasField("t") and one.t.raw_data]
    if not stored:
        return
    tensor = random.choice(stored)
    try:
        array = numpy_helper.to_array(tensor).copy()
        array.reshape(-1)[random.randrange(array.size)] = random.choice(NUMBERS)
    except Exception:  # it is damaged already, or has no element of that size
        return
    tensor.raw_data = array.tobytes()


def _sizes(random: Random, model: Any) -> None:
    """Change a stored tensor's shape, or its type."""
    if not model.graph.initializer:
        return
    tensor = random.choice(model.graph.initializer)
    if tensor.dims and random.random() < 0.7:
        tensor.dims[random.randrange(len(tensor.dims))] = random.choice(NUMBERS)
    elif random.random() < 0.5:
        tensor.dims.extend([random.choice(NUMBERS)] * random.choice([1, 20]))
    else:
        tensor.data_type = random.randrange(26)


def _outside(random: Random, model: Any) -> None:
    """Put a tensor into another file."""
    if not model.graph.initializer:
        return
    tensor = random.choice(model.graph.initializer)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    pairs = {
        "location": random.choice(PLACES),
        "offset": str(random.choice(NUMBERS)),
        "length": random.choice(["1", "-5", "x", str(2**62)]),
    }
    for key, value in pairs.items():
        tensor.external_data.add(key=key, value=value)


def _wire(random: Random, model: Any) -> None:
    """Connect an operator to another value: its own, a later one, or none."""
    node, other = _node(random, model), _node(random, model)
    names = [*other.output, *node.output, "", "nothing"]
    if node.input:
        node.input[random.randrange(len(node.input))] = random.choice(names)
    else:
        node.input.append(random.choice(names))


def _names(random: Random, model: Any) -> None:
    node, other = _node(random, model), _node(random, model)
    if node.output and other.output:
        node.output[0] = random.choice([other.output[0], "", "x" * 5000, "\x1b[31m", "a\nb", "ü" * 300])
    node.name = random.choice([other.name, "", "n" * 5000, "a/b/../c", "." * 50, "\u202e", "/".join("a" * 99)])


def _operator(random: Random, model: Any) -> None:
    _node(random, model).op_type = random.choice(OPS)


def _order(random: Random, model: Any) -> None:
    nodes = list(model.graph.node)
    random.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _copies(random: Random, model: Any) -> None:
    node = _node(random, model)
    most = MOST_BYTES // max(node.ByteSize(), 1)  # a branch may be in it
    for number in range(min(random.choice([2, 100, 3000]), most)):
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        if random.random() < 0.9:
            for place, name in enumerate(copy.output):
                copy.output[place] = f"{name}_{number}"
        model.graph.node.append(copy)


def _ports(random: Random, model: Any) -> None:
    port = random.choice([*model.graph.input, *model.graph.output])
    sizes = port.type.tensor_type.shape.dim
    if sizes:
        sizes[random.randrange(len(sizes))].dim_value = random.choice(NUMBERS)
    for _ in range(random.choice([0, 1, 20])):
        sizes.add().dim_param = random.choice(["N", "?", "batch", "x" * 5000])


def _deep(random: Random, model: Any) -> None:
    """Move the graph into nested branches."""
    graph = model.graph
    for _ in range(random.choice([3, 10, 20])):
        node = helper.make_node(random.choice(["If", "Loop", "Scan"]), [graph.input[0].name], ["out"], then_branch=graph, else_branch=graph) \
            if graph.ByteSize() < 200_000 else helper.make_node("If", ["x"], ["out"], then_branch=graph)  # fmt: skip
        graph = helper.make_graph(
            [node], "g", list(graph.input), [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)]
        )
        if graph.ByteSize() > 400_000:
            break
    model.graph.CopyFrom(graph)


def _versions(random: Random, model: Any) -> None:
    model.ir_version = random.choice(NUMBERS)
    for one in model.opset_import:
        one.version = random.choice([1, 6, 7, 9, 10, 12, 13, 17, 18, 23, 99, 2**40])


CHANGES: Sequence[Callable[[Random, Any], None]] = (
    _attribute, _attribute, _many, _constant, _constant, _sizes, _outside, _wire, _wire, _names, _operator, _operator, _order,
    _copies, _ports, _deep, _versions,
)  # fmt: skip
