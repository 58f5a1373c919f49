"""Protocol Buffers' wire format, as far as an ONNX file needs it: messages are bytes, built from the inside out.

https://protobuf.dev/programming-guides/encoding; the fields' numbers are in :mod:`cnncalc.importers.onnx.proto`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence

from cnncalc.importers.onnx.proto import (
    BOOL,
    EXTERNAL,
    FLOAT,
    INT64,
    AttributeProto,
    AttributeType,
    DimensionProto,
    NodeProto,
    StringStringEntryProto,
    TensorProto,
    TensorShapeProto,
    TensorTypeProto,
    TypeProto,
    ValueInfoProto,
)  # fmt: skip
from cnncalc.importers.onnx.wire import BYTES, FIXED32, VARINT
from cnncalc.layers.onnx import Attribute, ConstantTensor, Kind

Size = int | str
"""A size, or the name of one that is not known."""


KINDS: dict[Kind, int] = {"number": FLOAT, "integer": INT64, "truth": BOOL}
"""The codes of the element types."""


def float32(number: float) -> bytes:
    """Return a number as a float32; one that is too large becomes infinite."""
    try:
        return struct.pack("<f", number)
    except OverflowError:
        return struct.pack("<f", math.copysign(math.inf, number))


def varint(number: int) -> bytes:
    """Return an integer in groups of seven bits, the lowest first; a negative one as 64 bits."""
    number &= 0xFFFFFFFFFFFFFFFF
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def integer(field: int, number: int) -> bytes:
    """Return a field that is an integer."""
    return varint(field << 3 | VARINT) + varint(number)


def head(field: int, size: int) -> bytes:
    """Return the head of a field: its number, its type, and its length in bytes."""
    return varint(field << 3 | BYTES) + varint(size)


def block(field: int, data: bytes) -> bytes:
    """Return a field that is a message, or bytes."""
    return head(field, len(data)) + data


def text(field: int, word: str) -> bytes:
    """Return a field that is a text."""
    return block(field, word.encode())


def node(
    op: str, name: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, Attribute]
) -> bytes:
    """Return a NodeProto."""
    parts = [text(NodeProto.INPUT, word) for word in inputs]
    parts += [text(NodeProto.OUTPUT, word) for word in outputs]
    parts += [text(NodeProto.NAME, name), text(NodeProto.OP_TYPE, op)]
    parts += [block(NodeProto.ATTRIBUTE, attribute(word, value)) for word, value in attributes.items()]
    return b"".join(parts)


def attribute(name: str, value: Attribute) -> bytes:
    """Return an AttributeProto, its type taken from the value's."""
    if isinstance(value, int):
        kind, content = AttributeType.INT, integer(AttributeProto.INT, value)
    elif isinstance(value, float):
        kind = AttributeType.FLOAT
        content = varint(AttributeProto.FLOAT << 3 | FIXED32) + float32(value)
    elif isinstance(value, str):
        kind, content = AttributeType.STRING, text(AttributeProto.STRING, value)
    elif isinstance(value, ConstantTensor):
        kind, content = AttributeType.TENSOR, block(AttributeProto.TENSOR, constant(value))
    elif value and isinstance(value[0], str):
        kind, content = AttributeType.STRINGS, b"".join([text(AttributeProto.STRINGS, str(word)) for word in value])
    else:
        kind, content = AttributeType.INTS, b"".join([integer(AttributeProto.INTS, int(item)) for item in value])
    return text(AttributeProto.NAME, name) + content + integer(AttributeProto.TYPE, kind)


def constant(value: ConstantTensor) -> bytes:
    """Return a TensorProto."""
    raw = b"".join(map(float32 if value.kind == "number" else struct.Struct("<q").pack, value.elements))
    return tensor_head("", value.shape, KINDS[value.kind], len(raw)) + raw


def tensor_head(name: str, shape: Sequence[int], code: int, size: int) -> bytes:
    """Return a TensorProto up to its elements, which take ``size`` bytes."""
    return _described(name, shape, code) + head(TensorProto.RAW_DATA, size)


def outside(name: str, shape: Sequence[int], code: int, file: str, start: int, size: int) -> bytes:
    """Return a TensorProto whose elements are ``size`` bytes of another file, from ``start`` on."""
    made = _described(name, shape, code)
    for key, value in (("location", file), ("offset", str(start)), ("length", str(size))):
        made += entry(TensorProto.EXTERNAL_DATA, key, value)
    return made + integer(TensorProto.DATA_LOCATION, EXTERNAL)


def entry(field: int, key: str, value: str) -> bytes:
    """Return a field that is a key with its value."""
    return block(field, text(StringStringEntryProto.KEY, key) + text(StringStringEntryProto.VALUE, value))


def _described(name: str, shape: Sequence[int], code: int) -> bytes:
    """Return the fields of a TensorProto without its elements."""
    sizes = b"".join([integer(TensorProto.DIMS, length) for length in shape])
    return sizes + integer(TensorProto.DATA_TYPE, code) + (text(TensorProto.NAME, name) if name else b"")


def value_info(name: str, sizes: Sequence[Size]) -> bytes:
    """Return a ValueInfoProto of a tensor of float32."""
    dims = [
        text(DimensionProto.DIM_PARAM, size) if isinstance(size, str) else integer(DimensionProto.DIM_VALUE, size)
        for size in sizes
    ]
    shape = b"".join([block(TensorShapeProto.DIM, dim) for dim in dims])
    tensor = integer(TensorTypeProto.ELEM_TYPE, FLOAT) + block(TensorTypeProto.SHAPE, shape)
    return text(ValueInfoProto.NAME, name) + block(ValueInfoProto.TYPE, block(TypeProto.TENSOR_TYPE, tensor))
