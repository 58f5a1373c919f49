"""The messages of an ONNX file as plain objects: graphs, nodes, attributes, and tensors whose data is not read.

Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3, release 1.19).
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple, TypeAlias

from cnncalc.ground.limits import MAX_MODEL_AXES, MAX_MODEL_DEPTH, MAX_MODEL_NAME
from cnncalc.importers.onnx.wire import BYTES, FIXED32, FIXED64, VARINT, MalformedError, Span, Value, Wire, signed

INTEGER, TEXT, PACKED = (VARINT,), (BYTES,), (VARINT, BYTES)
SCOPES_BYTES = 1 << 16
EXTERNAL = 1  # TensorProto.DataLocation

FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, UINT32, UINT64 = range(1, 14)
BFLOAT16, FLOAT8S, UINT4, INT4 = 16, (17, 18, 19, 20), 21, 22
FLOATS = frozenset({FLOAT, FLOAT16, DOUBLE, BFLOAT16, *FLOAT8S, 23})
SMALL_INTEGERS = frozenset({UINT8, INT8, UINT16, INT16, UINT4, INT4})
"""Types in which quantised weights are stored."""

WIDTHS = {
    FLOAT: 4, UINT8: 1, INT8: 1, UINT16: 2, INT16: 2, INT32: 4, INT64: 8, BOOL: 1, FLOAT16: 2, DOUBLE: 8,
    UINT32: 4, UINT64: 8, BFLOAT16: 2, **dict.fromkeys(FLOAT8S, 1),
}  # fmt: skip
"""Bytes an element; two elements of four bits share one."""


class StoredTensor(NamedTuple):
    """A tensor of the file: everything but its elements.

    Attributes:
        name: as nodes call it.
        shape: its sizes.
        dtype: TensorProto.DataType.
        raw: where its bytes stand in the file, or None.
        packed: (field, place) of elements that stand in a field of their type, or None.
        numbers: elements that were written one by one.
        external: the entries of an external file (location, offset, length), or None.
    """

    name: str
    shape: tuple[int, ...]
    dtype: int
    raw: Span | None = None
    packed: tuple[tuple[int, Span], ...] = ()
    numbers: tuple[float, ...] = ()
    external: dict[str, str] | None = None

    @property
    def elements(self) -> int:
        """How many elements it has."""
        return prod(self.shape)


def is_attribute(name: str) -> bool:
    """Whether a tensor's name is the dotted path of a module's attribute: ``stages.0.scale``."""
    return "." in name and "_".join(("", *name.split("."))).replace("-", "_").isidentifier()


class OnnxOperator(NamedTuple):
    """A node of a graph: an operator, what it reads and writes, and its attributes."""

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str
    attributes: dict[str, Any]
    scope: tuple[str, ...]
    references: dict[str, str]
    overload: str


class Port(NamedTuple):
    """An input or output: its name, element type, and sizes (None where unknown, a word where symbolic)."""

    name: str
    dtype: int
    shape: tuple[int | str | None, ...] | None


class Subgraph(NamedTuple):
    """Operators in the order in which they run, with the tensors that are stored beside them."""

    name: str
    operators: list[OnnxOperator]
    stored: dict[str, StoredTensor]
    inputs: list[Port]
    outputs: list[Port]
    ports: dict[str, Port]


class Function(NamedTuple):
    """An operator that the file itself defines."""

    operators: list[OnnxOperator]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    defaults: dict[str, Any]


FunctionKey: TypeAlias = "tuple[str, str, str]"


class Model(NamedTuple):
    """A file: its graph, its functions by (domain, name, overload), and the opset of each domain."""

    graph: Subgraph
    functions: dict[FunctionKey, Function]
    opsets: dict[str, int]
    producer: str


MODEL = {1: INTEGER, 2: TEXT, 7: TEXT, 8: TEXT, 25: TEXT}
OPSET = {1: TEXT, 2: INTEGER}
GRAPH = {1: TEXT, 2: TEXT, 5: TEXT, 11: TEXT, 12: TEXT, 13: TEXT}
NODE = {1: TEXT, 2: TEXT, 3: TEXT, 4: TEXT, 5: TEXT, 7: TEXT, 8: TEXT, 9: TEXT}
ATTRIBUTE = {
    1: TEXT, 2: (FIXED32,), 3: INTEGER, 4: TEXT, 5: TEXT, 6: TEXT, 7: (FIXED32, BYTES), 8: PACKED, 9: TEXT,
    10: TEXT, 11: TEXT, 20: INTEGER, 21: TEXT, 22: TEXT,
}  # fmt: skip
TENSOR = {
    1: PACKED, 2: INTEGER, 4: (FIXED32, BYTES), 5: PACKED, 7: PACKED, 8: TEXT, 9: TEXT, 10: (FIXED64, BYTES),
    11: PACKED, 13: TEXT, 14: INTEGER,
}  # fmt: skip
VALUE_INFO = {1: TEXT, 2: TEXT}
TYPE = {1: TEXT}
TENSOR_TYPE = {1: INTEGER, 2: TEXT}
SHAPE = {1: TEXT}
DIMENSION = {1: INTEGER, 2: TEXT}
FUNCTION = {1: TEXT, 4: TEXT, 5: TEXT, 7: TEXT, 10: TEXT, 11: TEXT, 13: TEXT}
ENTRY = {1: TEXT, 2: TEXT}


def read_model(wire: Wire) -> Model:
    """Return the model that a file holds.

    Raises:
        MalformedError: where it holds none.
    """
    graph: Subgraph | None = None
    functions, opsets, producer = {}, {"": 1}, ""
    for number, _, value in wire.fields((0, wire.size), MODEL):
        if number == 7:
            graph = _graph(wire, _span(value), 0)
        elif number == 8:
            domain, version = _opset(wire, _span(value))
            opsets[domain] = version
        elif number == 25:
            key, function = _function(wire, _span(value))
            functions[key] = function
        elif number == 2:
            producer = _text(wire, value)
    if graph is None:
        raise MalformedError("it holds no graph")
    return Model(graph, functions, opsets, producer)


def _opset(wire: Wire, span: Span) -> tuple[str, int]:
    domain, version = "", 1
    for number, _, value in wire.fields(span, OPSET):
        if number == 1:
            domain = _text(wire, value)
        else:
            version = _whole(value)
    return "" if domain == "ai.onnx" else domain, version


def _graph(wire: Wire, span: Span, depth: int) -> Subgraph:
    if depth > MAX_MODEL_DEPTH:
        raise MalformedError(f"graphs are nested deeper than {MAX_MODEL_DEPTH}")
    graph = Subgraph("", [], {}, [], [], {})
    name = ""
    for number, _, value in wire.fields(span, GRAPH):
        place = _span(value)
        if number == 1:
            graph.operators.append(_node(wire, place, depth))
        elif number == 2:
            name = _text(wire, value)
        elif number == 5:
            tensor = _tensor(wire, place)
            graph.stored[tensor.name] = tensor
        else:
            port = _port(wire, place)
            graph.ports[port.name] = port
            if number in (11, 12):
                (graph.inputs if number == 11 else graph.outputs).append(port)
    return graph._replace(name=name)


def _node(wire: Wire, span: Span, depth: int) -> OnnxOperator:
    inputs, outputs = [], []
    texts = {3: "", 4: "", 7: "", 8: ""}
    attributes: dict[str, Any] = {}
    references: dict[str, str] = {}
    scope: tuple[str, ...] = ()
    for number, _, value in wire.fields(span, NODE):
        if number == 1:
            inputs.append(_text(wire, value))
        elif number == 2:
            outputs.append(_text(wire, value))
        elif number == 5:
            name, content, refers = _attribute(wire, _span(value), depth)
            if refers:
                references[name] = refers
            else:
                attributes[name] = content
        elif number == 9:
            key, text = _entry(wire, _span(value))
            if key == "pkg.torch.onnx.name_scopes":
                scope = _scopes(text)
        else:
            texts[number] = _text(wire, value)
    domain = "" if texts[7] == "ai.onnx" else texts[7]
    return OnnxOperator(
        texts[4], domain, tuple(inputs), tuple(outputs), texts[3], attributes, scope, references, texts[8]
    )  # fmt: skip


def _attribute(wire: Wire, span: Span, depth: int) -> tuple[str, Any, str]:
    """Return an attribute's name, its content, and the name of the function's attribute that it stands for."""
    name = refers = ""
    content: Any = None
    lists: dict[int, list[Any]] = {7: [], 8: [], 9: [], 10: [], 11: []}
    kind = 0
    for number, form, value in wire.fields(span, ATTRIBUTE):
        if number == 1:
            name = _text(wire, value)
        elif number == 21:
            refers = _text(wire, value)
        elif number == 20:
            kind = _whole(value)
        elif number == 2:
            content = wire.float_at(_span(value))
        elif number == 3:
            content = signed(_whole(value))
        elif number == 4:
            content = _text(wire, value)
        elif number in (5, 10):
            tensor = _tensor(wire, _span(value))
            content = tensor if number == 5 else content
            lists[10] += [tensor] if number == 10 else []
        elif number in (6, 11):
            graph = _graph(wire, _span(value), depth + 1)
            content = graph if number == 6 else content
            lists[11] += [graph] if number == 11 else []
        elif number == 7:
            lists[7] += wire.floats(_span(value)) if form == BYTES else [wire.float_at(_span(value))]
        elif number == 8:
            lists[8] += wire.varints(_span(value)) if form == BYTES else [signed(_whole(value))]
        elif number == 9:
            lists[9].append(_text(wire, value))
    if content is None:
        field = {6: 7, 7: 8, 8: 9, 9: 10, 10: 11}.get(kind)  # AttributeProto.AttributeType FLOATS … GRAPHS
        filled = [items for items in lists.values() if items]
        absent = {1: 0.0, 2: 0, 3: ""}.get(kind)  # a default that proto3 does not write
        content = lists[field] if field else filled[0] if filled else absent
    return name, content, refers


def _tensor(wire: Wire, span: Span) -> StoredTensor:
    name, shape, dtype, location = "", [], FLOAT, 0
    raw: Span | None = None
    packed: list[tuple[int, Span]] = []
    numbers: list[float] = []
    external: dict[str, str] = {}
    for number, form, value in wire.fields(span, TENSOR):
        if number == 1:
            shape += wire.varints(_span(value)) if form == BYTES else [signed(_whole(value))]
        elif number == 2:
            dtype = _whole(value)
        elif number == 8:
            name = _text(wire, value)
        elif number == 9:
            raw = _span(value)
        elif number == 13:
            key, text = _entry(wire, _span(value))
            external[key] = text
        elif number == 14:
            location = _whole(value)
        elif form == BYTES:
            packed.append((number, _span(value)))
        elif form == VARINT:
            numbers.append(signed(_whole(value)))
        elif number == 4:
            numbers.append(wire.float_at(_span(value)))
        else:
            packed.append((number, _span(value)))
    if len(shape) > MAX_MODEL_AXES or min(shape, default=0) < 0:
        raise MalformedError(f"the tensor '{name[:40]}' has {len(shape)} axes, or one of a negative size")
    outside = external if location == EXTERNAL else None
    return StoredTensor(name, tuple(shape), dtype, raw, tuple(packed), tuple(numbers), outside)


def _port(wire: Wire, span: Span) -> Port:
    name, dtype = "", 0
    shape: tuple[int | str | None, ...] | None = None
    for number, _, value in wire.fields(span, VALUE_INFO):
        if number == 1:
            name = _text(wire, value)
            continue
        for _, _, tensor in wire.fields(_span(value), TYPE):
            for field, _, part in wire.fields(_span(tensor), TENSOR_TYPE):
                if field == 1:
                    dtype = _whole(part)
                else:
                    shape = _sizes(wire, _span(part))
    return Port(name, dtype, shape)


def _sizes(wire: Wire, span: Span) -> tuple[int | str | None, ...]:
    sizes: list[int | str | None] = []
    for _, _, dimension in wire.fields(span, SHAPE):
        size: int | str | None = None
        for number, _, value in wire.fields(_span(dimension), DIMENSION):
            size = signed(_whole(value)) if number == 1 else _text(wire, value) or None
        sizes.append(size)
    if len(sizes) > MAX_MODEL_AXES:
        raise MalformedError(f"a tensor has {len(sizes)} axes")
    return tuple(sizes)


def _function(wire: Wire, span: Span) -> tuple[FunctionKey, Function]:
    texts = {1: "", 10: "", 13: ""}
    inputs, outputs, operators = [], [], []
    defaults: dict[str, Any] = {}
    for number, _, value in wire.fields(span, FUNCTION):
        if number in texts:
            texts[number] = _text(wire, value)
        elif number == 4:
            inputs.append(_text(wire, value))
        elif number == 5:
            outputs.append(_text(wire, value))
        elif number == 7:
            operators.append(_node(wire, _span(value), 1))
        else:
            name, content, _ = _attribute(wire, _span(value), 1)
            defaults[name] = content
    domain = "" if texts[10] == "ai.onnx" else texts[10]
    return (domain, texts[1], texts[13]), Function(operators, tuple(inputs), tuple(outputs), defaults)


def _entry(wire: Wire, span: Span) -> tuple[str, str]:
    texts = {1: "", 2: ""}
    for number, _, value in wire.fields(span, ENTRY):
        texts[number] = _text(wire, value, SCOPES_BYTES)
    return texts[1], texts[2]


def _scopes(text: str) -> tuple[str, ...]:
    """Return the module paths that PyTorch's exporter writes with a node, as a list in Python's notation."""
    return tuple([part.strip(" '\"") for part in text.strip("[] ").split(",")])


def _text(wire: Wire, value: Value, most: int = MAX_MODEL_NAME) -> str:
    start, end = _span(value)
    if end - start > most:
        raise MalformedError(f"a name of {end - start:,} bytes")
    return wire.bytes_at((start, end)).decode("utf-8", "replace")


def _span(value: Value) -> Span:
    if isinstance(value, int):  # the reader has checked the wire type
        raise MalformedError("a number where bytes belong")
    return value


def _whole(value: Value) -> int:
    if not isinstance(value, int):
        raise MalformedError("bytes where a number belongs")
    return value
