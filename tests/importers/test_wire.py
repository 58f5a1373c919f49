"""The wire format: files that the onnx package reads are read; all others are refused with a message."""

from __future__ import annotations

import random

import onnx
import pytest
from onnx import numpy_helper

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.elements import elements
from cnncalc.importers.onnx.imported import Imported
from cnncalc.importers.onnx.load import is_model, read_model_bytes
from cnncalc.importers.onnx.model import Subgraph
from cnncalc.importers.onnx.wire import MalformedError, varint
from tests.importers.models import FOLDER, model, node, stored

NAMES = sorted(path.stem for path in FOLDER.glob("*.onnx"))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_read_as_the_onnx_package_reads_it(name: str) -> None:
    ours = stored(name)
    theirs = onnx.load(FOLDER / f"{name}.onnx", load_external_data=False)
    graph = ours.model.graph
    assert [item.op for item in graph.operators] == [item.op_type for item in theirs.graph.node]
    for mine, other in zip(graph.operators, theirs.graph.node, strict=True):
        assert (mine.name, list(mine.inputs), list(mine.outputs)) == (other.name, [*other.input], [*other.output])
        for attribute in other.attribute:
            if attribute.type in (onnx.AttributeProto.INT, onnx.AttributeProto.INTS, onnx.AttributeProto.FLOAT):
                assert mine.attributes[attribute.name] == onnx.helper.get_attribute_value(attribute)
    assert {name: list(tensor.shape) for name, tensor in graph.stored.items()} == {
        tensor.name: list(tensor.dims) for tensor in theirs.graph.initializer
    }
    small = [tensor for tensor in theirs.graph.initializer if not tensor.external_data]
    for tensor in small:
        found = elements(ours.wire, graph.stored[tensor.name])
        assert found is None or list(found) == numpy_helper.to_array(tensor).reshape(-1).tolist()
    assert ours.model.opsets[""] == theirs.opset_import[0].version


def test_integers_of_variable_length() -> None:
    assert varint(b"\x96\x01", 0, 2) == (150, 2)  # the example of protobuf.dev/programming-guides/encoding
    assert varint(b"\xff" * 9 + b"\x01", 0, 10) == (2**64 - 1, 10)
    for data in (b"", b"\x80", b"\xff" * 11):
        with pytest.raises(MalformedError):
            varint(data, 0, len(data))


def test_a_model_is_recognised_by_its_content() -> None:
    data = model([node("Relu", ["x"], ["y"])], {"x": [1, 4]}, ["y"])
    assert is_model(data[:16])
    assert is_model((FOLDER / "resnet14t.onnx").read_bytes()[:16])
    for other in (b"", b"\x08", b"input: [3, 32, 32]\n", b"name: x", b"\x89PNG", b"PK\x03\x04", b"\x08\x07"):
        assert not is_model(other)


def built(data: bytes) -> Subgraph | None:
    """Return the graph of a model's bytes; None if it is refused with a message."""
    try:
        file = read_model_bytes(data, "hostile.onnx")
        Imported(file, {})
    except CnncalcError:  # no other exception
        return None
    return file.model.graph


def test_damaged_files_are_refused_with_a_message() -> None:
    stream = random.Random(0)
    data = (FOLDER / "test_byobnet.onnx").read_bytes()
    whole = built(data)
    refused = 0
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(stream.choice([1, 1, 2, 8])):
            damaged[stream.randrange(len(data))] = stream.randrange(256)
        refused += built(bytes(damaged)) is None
    for _ in range(60):
        refused += built(data[: stream.randrange(len(data))]) is None
    assert whole is not None
    assert refused > 60  # a truncated file is always refused


def test_a_field_of_another_wire_type_is_refused() -> None:
    data = b"\x08\x08\x12\x00" + b"\x38\x05"  # field 7, the graph, as an integer
    with pytest.raises(
        CnncalcError, match=r"hostile\.onnx: not an ONNX model that can be read: field 7 .* wire type 0"
    ):
        read_model_bytes(data, "hostile.onnx")
