"""ONNX's messages: the numbers of their fields, and the codes of element types, for the reader and the writer.

They are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3, release 1.19).
"""

from __future__ import annotations

import struct

from cnncalc.importers.onnx.wire import BYTES, FIXED32, FIXED64, VARINT, FieldKind, Message

ONE: FieldKind = (BYTES,), False, False
TEXT: FieldKind = (BYTES,), True, False
TEXTS: FieldKind = (BYTES,), True, True
INTEGER: FieldKind = (VARINT,), False, False
INTEGERS: FieldKind = (VARINT, BYTES), False, True
FLOAT32: FieldKind = (FIXED32,), False, False
FLOATS32: FieldKind = (FIXED32, BYTES), False, True
FLOATS64: FieldKind = (FIXED64, BYTES), False, True
"""What a field may be; lists of numbers may be packed."""


class ModelProto(Message, IR_VERSION=INTEGER, PRODUCER_NAME=TEXT, GRAPH=ONE):
    """A file."""

    IR_VERSION, PRODUCER_NAME, PRODUCER_VERSION, GRAPH, OPSET_IMPORT, FUNCTIONS = 1, 2, 3, 7, 8, 25


class OperatorSetIdProto(Message, DOMAIN=TEXT, VERSION=INTEGER):
    """The version of a set of operators."""

    DOMAIN, VERSION = 1, 2


class GraphProto(Message, NAME=TEXT):
    """A graph: nodes, stored tensors (initializers), inputs and outputs."""

    NODE, NAME, INITIALIZER, INPUT, OUTPUT, VALUE_INFO = 1, 2, 5, 11, 12, 13


class NodeProto(Message, INPUT=TEXTS, OUTPUT=TEXTS, NAME=TEXT, OP_TYPE=TEXT, DOMAIN=TEXT, OVERLOAD=TEXT):
    """A node of a graph: the use of an operator."""

    INPUT, OUTPUT, NAME, OP_TYPE, ATTRIBUTE, DOMAIN, OVERLOAD, METADATA_PROPS = 1, 2, 3, 4, 5, 7, 8, 9


class AttributeProto(
    Message, NAME=TEXT, FLOAT=FLOAT32, INT=INTEGER, STRING=TEXT, TENSOR=ONE, GRAPH=ONE, FLOATS=FLOATS32, INTS=INTEGERS,
    STRINGS=TEXTS, TYPE=INTEGER, REF_ATTR_NAME=TEXT,
):  # fmt: skip
    """An operator's attribute; ``TYPE`` says which of the values it has, by :class:`AttributeType`."""

    NAME, FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TENSORS, GRAPHS = range(1, 12)
    TYPE, REF_ATTR_NAME = 20, 21


class AttributeType:
    """AttributeProto.AttributeType."""

    FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TENSORS, GRAPHS = range(1, 11)


class TensorProto(
    Message, DIMS=INTEGERS, DATA_TYPE=INTEGER, FLOAT_DATA=FLOATS32, INT32_DATA=INTEGERS, INT64_DATA=INTEGERS, NAME=TEXT,
    RAW_DATA=ONE, DOUBLE_DATA=FLOATS64, UINT64_DATA=INTEGERS, DATA_LOCATION=INTEGER,
):  # fmt: skip
    """A stored tensor."""

    DIMS, DATA_TYPE, FLOAT_DATA, INT32_DATA, INT64_DATA, NAME, RAW_DATA = 1, 2, 4, 5, 7, 8, 9
    DOUBLE_DATA, UINT64_DATA, EXTERNAL_DATA, DATA_LOCATION = 10, 11, 13, 14


EXTERNAL = 1
"""TensorProto.DataLocation of a tensor whose bytes are in another file."""


class StringStringEntryProto(Message, KEY=ONE, VALUE=ONE):
    """A key and its value, both text."""

    KEY, VALUE = 1, 2


class ValueInfoProto(Message, NAME=TEXT):
    """The name of a value, and its type."""

    NAME, TYPE, METADATA_PROPS = 1, 2, 4


class TypeProto(Message):
    """The type of a value; only types of tensors are read."""

    TENSOR_TYPE = 1


class TensorTypeProto(Message, ELEM_TYPE=INTEGER, SHAPE=ONE):
    """TypeProto.Tensor."""

    ELEM_TYPE, SHAPE = 1, 2


class TensorShapeProto(Message):
    """The sizes of a tensor."""

    DIM = 1


class DimensionProto(Message, DIM_VALUE=INTEGER, DIM_PARAM=TEXT):
    """TensorShapeProto.Dimension: a number, or the name of an open size."""

    DIM_VALUE, DIM_PARAM = 1, 2


class FunctionProto(Message, NAME=TEXT, INPUT=TEXTS, OUTPUT=TEXTS, DOMAIN=TEXT, OVERLOAD=TEXT):
    """An operator that the file itself defines."""

    NAME, INPUT, OUTPUT, NODE, DOMAIN, ATTRIBUTE_PROTO, OVERLOAD = 1, 4, 5, 7, 10, 11, 13


FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, UINT32, UINT64 = range(1, 14)
BFLOAT16, FLOAT8S, UINT4, INT4, FLOAT4, FLOAT8_POWERS, UINT2, INT2 = 16, (17, 18, 19, 20), 21, 22, 23, 24, 25, 26
FLOATS = frozenset({FLOAT, FLOAT16, DOUBLE, BFLOAT16, *FLOAT8S, FLOAT4, FLOAT8_POWERS})
SMALL_FLOATS = {**dict(zip(FLOAT8S, ("e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz"), strict=True)), FLOAT4: "e2m1"}
"""The formats of floats that tensors are quantised to."""

BITS = {UINT4: 4, INT4: 4, UINT2: 2, INT2: 2, FLOAT4: 4, **dict.fromkeys((*FLOAT8S, FLOAT8_POWERS), 8)}
"""Bits of an element of a type without a struct format; elements that share a byte begin with its lowest bits."""

SMALL_INTEGERS = frozenset({UINT8, INT8, UINT16, INT16, UINT4, INT4, UINT2, INT2})
"""Types in which quantised weights are stored."""

FORMATS = {
    FLOAT: "f", UINT8: "B", INT8: "b", UINT16: "H", INT16: "h", INT32: "i", INT64: "q", BOOL: "?", FLOAT16: "e",
    DOUBLE: "d", UINT32: "I", UINT64: "Q",
}  # fmt: skip
"""Python's struct format of the elements of each type in raw_data."""

WIDTHS = {code: struct.calcsize(form) for code, form in FORMATS.items()} | dict.fromkeys(FLOAT8S, 1) | {BFLOAT16: 2}
"""Bytes per element of types whose elements fill whole bytes."""

RANDOM_BELOW = {BOOL: 2, INT8: 1 << 7} | dict.fromkeys((UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64), 1 << 8)
"""Integer types of inputs, and the number below which their random values are drawn: 256, as in pictures, or less."""
