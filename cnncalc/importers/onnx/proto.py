"""ONNX's messages: the numbers of their fields, and the codes of element types.

They are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3, release 1.19); the reader and
the writer have them from here.
"""

from __future__ import annotations

from cnncalc.importers.onnx.wire import BYTES, FIXED32, FIXED64, VARINT


class ModelProto:
    """A file."""

    IR_VERSION, PRODUCER_NAME, PRODUCER_VERSION, GRAPH, OPSET_IMPORT, FUNCTIONS = 1, 2, 3, 7, 8, 25


class OperatorSetIdProto:
    """The version of a set of operators."""

    DOMAIN, VERSION = 1, 2


class GraphProto:
    """Operators and tensors."""

    NODE, NAME, INITIALIZER, INPUT, OUTPUT, VALUE_INFO = 1, 2, 5, 11, 12, 13


class NodeProto:
    """An operator where it stands."""

    INPUT, OUTPUT, NAME, OP_TYPE, ATTRIBUTE, DOMAIN, OVERLOAD, METADATA_PROPS = 1, 2, 3, 4, 5, 7, 8, 9


class AttributeProto:
    """An operator's attribute; ``TYPE`` says which of the values it has, by :class:`AttributeType`."""

    NAME, FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TENSORS, GRAPHS = range(1, 12)
    TYPE, REF_ATTR_NAME = 20, 21


class AttributeType:
    """AttributeProto.AttributeType."""

    FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TENSORS, GRAPHS = range(1, 11)


class TensorProto:
    """A tensor that is stored."""

    DIMS, DATA_TYPE, FLOAT_DATA, INT32_DATA, INT64_DATA, NAME, RAW_DATA = 1, 2, 4, 5, 7, 8, 9
    DOUBLE_DATA, UINT64_DATA, EXTERNAL_DATA, DATA_LOCATION = 10, 11, 13, 14


EXTERNAL = 1
"""TensorProto.DataLocation of a tensor whose bytes are in another file."""


class StringStringEntryProto:
    """A word with another one."""

    KEY, VALUE = 1, 2


class ValueInfoProto:
    """The name of a value, and its type."""

    NAME, TYPE, METADATA_PROPS = 1, 2, 4


class TypeProto:
    """A type: here always a tensor's."""

    TENSOR_TYPE = 1


class TensorTypeProto:
    """TypeProto.Tensor."""

    ELEM_TYPE, SHAPE = 1, 2


class TensorShapeProto:
    """Sizes."""

    DIM = 1


class DimensionProto:
    """TensorShapeProto.Dimension: a number, or a word."""

    DIM_VALUE, DIM_PARAM = 1, 2


class FunctionProto:
    """An operator that the file defines."""

    NAME, INPUT, OUTPUT, NODE, DOMAIN, ATTRIBUTE_PROTO, OVERLOAD = 1, 4, 5, 7, 10, 11, 13


FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, UINT32, UINT64 = range(1, 14)
BFLOAT16, FLOAT8S, UINT4, INT4, FLOAT4, FLOAT8_POWERS, UINT2, INT2 = 16, (17, 18, 19, 20), 21, 22, 23, 24, 25, 26
FLOATS = frozenset({FLOAT, FLOAT16, DOUBLE, BFLOAT16, *FLOAT8S, FLOAT4, FLOAT8_POWERS})
SMALL_FLOATS = {**dict(zip(FLOAT8S, ("e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz"), strict=True)), FLOAT4: "e2m1"}
"""The formats of floats that tensors are quantised to."""

BITS = {UINT4: 4, INT4: 4, UINT2: 2, INT2: 2, FLOAT4: 4, **dict.fromkeys((*FLOAT8S, FLOAT8_POWERS), 8)}
"""Bits of an element of a type that Python has no format of; those that share a byte begin with the lowest bits."""

SMALL_INTEGERS = frozenset({UINT8, INT8, UINT16, INT16, UINT4, INT4, UINT2, INT2})
"""Types in which quantised weights are stored."""

WIDTHS = {
    FLOAT: 4, UINT8: 1, INT8: 1, UINT16: 2, INT16: 2, INT32: 4, INT64: 8, BOOL: 1, FLOAT16: 2, DOUBLE: 8,
    UINT32: 4, UINT64: 8, BFLOAT16: 2, **dict.fromkeys(FLOAT8S, 1),
}  # fmt: skip
"""Bytes per element; two elements of four bits share one."""

# --- the wire types that each field may have, for readers ------------------------------------------------------------

INTEGER, TEXT, PACKED = (VARINT,), (BYTES,), (VARINT, BYTES)

MODEL = {
    ModelProto.IR_VERSION: INTEGER, ModelProto.PRODUCER_NAME: TEXT, ModelProto.GRAPH: TEXT,
    ModelProto.OPSET_IMPORT: TEXT, ModelProto.FUNCTIONS: TEXT,
}  # fmt: skip
OPSET = {OperatorSetIdProto.DOMAIN: TEXT, OperatorSetIdProto.VERSION: INTEGER}
GRAPH = {
    GraphProto.NODE: TEXT, GraphProto.NAME: TEXT, GraphProto.INITIALIZER: TEXT, GraphProto.INPUT: TEXT,
    GraphProto.OUTPUT: TEXT, GraphProto.VALUE_INFO: TEXT,
}  # fmt: skip
NODE = {
    NodeProto.INPUT: TEXT, NodeProto.OUTPUT: TEXT, NodeProto.NAME: TEXT, NodeProto.OP_TYPE: TEXT,
    NodeProto.ATTRIBUTE: TEXT, NodeProto.DOMAIN: TEXT, NodeProto.OVERLOAD: TEXT, NodeProto.METADATA_PROPS: TEXT,
}  # fmt: skip
ATTRIBUTE = {
    AttributeProto.NAME: TEXT, AttributeProto.FLOAT: (FIXED32,), AttributeProto.INT: INTEGER,
    AttributeProto.STRING: TEXT, AttributeProto.TENSOR: TEXT, AttributeProto.GRAPH: TEXT,
    AttributeProto.FLOATS: (FIXED32, BYTES),
    AttributeProto.INTS: PACKED, AttributeProto.STRINGS: TEXT, AttributeProto.TENSORS: TEXT,
    AttributeProto.GRAPHS: TEXT, AttributeProto.TYPE: INTEGER, AttributeProto.REF_ATTR_NAME: TEXT,
}  # fmt: skip
TENSOR = {
    TensorProto.DIMS: PACKED, TensorProto.DATA_TYPE: INTEGER, TensorProto.FLOAT_DATA: (FIXED32, BYTES),
    TensorProto.INT32_DATA: PACKED, TensorProto.INT64_DATA: PACKED, TensorProto.NAME: TEXT,
    TensorProto.RAW_DATA: TEXT, TensorProto.DOUBLE_DATA: (FIXED64, BYTES), TensorProto.UINT64_DATA: PACKED,
    TensorProto.EXTERNAL_DATA: TEXT, TensorProto.DATA_LOCATION: INTEGER,
}  # fmt: skip
VALUE_INFO = {ValueInfoProto.NAME: TEXT, ValueInfoProto.TYPE: TEXT, ValueInfoProto.METADATA_PROPS: TEXT}
TYPE = {TypeProto.TENSOR_TYPE: TEXT}
TENSOR_TYPE = {TensorTypeProto.ELEM_TYPE: INTEGER, TensorTypeProto.SHAPE: TEXT}
SHAPE = {TensorShapeProto.DIM: TEXT}
DIMENSION = {DimensionProto.DIM_VALUE: INTEGER, DimensionProto.DIM_PARAM: TEXT}
FUNCTION = {
    FunctionProto.NAME: TEXT, FunctionProto.INPUT: TEXT, FunctionProto.OUTPUT: TEXT, FunctionProto.NODE: TEXT,
    FunctionProto.DOMAIN: TEXT, FunctionProto.ATTRIBUTE_PROTO: TEXT, FunctionProto.OVERLOAD: TEXT,
}  # fmt: skip
ENTRY = {StringStringEntryProto.KEY: TEXT, StringStringEntryProto.VALUE: TEXT}
