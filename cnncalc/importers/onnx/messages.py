"""The messages of an ONNX file, read into the objects of :mod:`cnncalc.importers.onnx.model`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cnncalc.ground.limits import MAX_MODEL_AXES, MAX_MODEL_DEPTH, MAX_MODEL_NAME, MAX_MODEL_PROPERTY
from cnncalc.importers.onnx.model import (
    Attribute,
    AttributeItem,
    Function,
    FunctionKey,
    Model,
    OnnxOperator,
    Port,
    StoredTensor,
    Subgraph,
)
from cnncalc.importers.onnx.proto import (
    ATTRIBUTE,
    DIMENSION,
    ENTRY,
    EXTERNAL,
    FLOAT,
    FLOATS,
    FUNCTION,
    GRAPH,
    MODEL,
    NODE,
    OPSET,
    SHAPE,
    TENSOR,
    TENSOR_TYPE,
    TYPE,
    VALUE_INFO,
    AttributeProto,
    AttributeType,
    DimensionProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    StringStringEntryProto,
    TensorProto,
    TensorTypeProto,
    ValueInfoProto,
)  # fmt: skip
from cnncalc.importers.onnx.provenance import (
    FOLDED_FROM,
    KIND,
    folded_from,
    is_buffer_name,
    key_of,
    was_learned,
)
from cnncalc.importers.onnx.wire import BYTES, VARINT, MalformedError, Span, WireReader, signed

LISTS = {
    AttributeType.FLOATS: AttributeProto.FLOATS, AttributeType.INTS: AttributeProto.INTS,
    AttributeType.STRINGS: AttributeProto.STRINGS, AttributeType.TENSORS: AttributeProto.TENSORS,
    AttributeType.GRAPHS: AttributeProto.GRAPHS,
}  # fmt: skip
"""The field that holds the values of an attribute of each list type."""

NAME_SCOPES = "pkg.torch.onnx.name_scopes"
"""The property of a node in which PyTorch's exporter writes the modules around it, the outermost first."""

ABSENT: dict[int, AttributeItem] = {AttributeType.FLOAT: 0.0, AttributeType.INT: 0, AttributeType.STRING: ""}
"""Values of attributes that proto3 does not write, because they are the default."""


def read_model(wire: WireReader) -> Model:
    """Return the model that a file holds.

    Raises:
        MalformedError: if it holds none.
    """
    graph: Subgraph | None = None
    functions, opsets, producer = {}, {"": 1}, ""
    for number, _, value in wire.fields((0, wire.size), MODEL):
        if number == ModelProto.GRAPH:
            graph = _graph(wire, value, 0)
        elif number == ModelProto.OPSET_IMPORT:
            domain, version = _opset(wire, value)
            opsets[domain] = version
        elif number == ModelProto.FUNCTIONS:
            key, function = _function(wire, value)
            functions[key] = function
        elif number == ModelProto.PRODUCER_NAME:
            producer = wire.text(value)
    if graph is None:
        raise MalformedError("it holds no graph")
    if producer == "pytorch":
        _mark_numbers(graph.stored)
    return Model(graph, functions, opsets, producer)


def _mark_numbers(stored: dict[str, StoredTensor]) -> None:
    """Mark numbers that are attributes of the outermost module as learned, where the file has no metadata."""
    if all(tensor.was_learned is None for tensor in stored.values()):
        for name, tensor in stored.items():
            if tensor.elements == 1 and tensor.dtype in FLOATS and key_of(tensor) and not is_buffer_name(name):
                stored[name] = tensor._replace(was_learned=True)


def _opset(wire: WireReader, span: Span) -> tuple[str, int]:
    domain, version = "", 1
    for number, _, value in wire.fields(span, OPSET):
        if number == OperatorSetIdProto.DOMAIN:
            domain = wire.text(value)
        else:
            version = value
    return "" if domain == "ai.onnx" else domain, version


def _graph(wire: WireReader, span: Span, depth: int) -> Subgraph:
    if depth > MAX_MODEL_DEPTH:
        raise MalformedError(f"graphs are nested deeper than {MAX_MODEL_DEPTH}")
    graph = Subgraph("", [], {}, [], [], {})
    name = ""
    for number, _, value in wire.fields(span, GRAPH):
        wire.count_part()
        if number == GraphProto.NODE:
            graph.operators.append(_node(wire, value, depth))
        elif number == GraphProto.NAME:
            name = wire.text(value)
        elif number == GraphProto.INITIALIZER:
            tensor = _tensor(wire, value)
            graph.stored[tensor.name] = tensor
        else:
            port = _port(wire, value)
            graph.ports[port.name] = port
            if number in (GraphProto.INPUT, GraphProto.OUTPUT):
                (graph.inputs if number == GraphProto.INPUT else graph.outputs).append(port)
    described = [port for port in graph.ports.values() if port.properties and port.name in graph.stored]
    computed = {output for item in graph.operators for output in item.outputs} if described else set()
    computed.update([port.name for port in graph.inputs])
    for port in described:
        stored = graph.stored[port.name]
        properties = dict([_entry(wire, place, (KIND, FOLDED_FROM)) for place in port.properties])
        learned = was_learned(properties, computed, stored.elements == 1)
        sources = folded_from(properties, computed)
        graph.stored[port.name] = stored._replace(was_learned=learned, key=sources[0] if len(sources) == 1 else "")
    return graph._replace(name=name)


def _node(wire: WireReader, span: Span, depth: int) -> OnnxOperator:
    inputs, outputs = [], []
    texts = dict.fromkeys((NodeProto.NAME, NodeProto.OP_TYPE, NodeProto.DOMAIN, NodeProto.OVERLOAD), "")
    attributes: dict[str, Attribute] = {}
    references: dict[str, str] = {}
    scope: tuple[str, ...] = ()
    for number, _, value in wire.fields(span, NODE):
        if number == NodeProto.INPUT:
            inputs.append(wire.text(value))
        elif number == NodeProto.OUTPUT:
            outputs.append(wire.text(value))
        elif number == NodeProto.ATTRIBUTE:
            name, content, refers = _attribute(wire, value, depth)
            if refers:
                references[name] = refers
            else:
                attributes[name] = content
        elif number == NodeProto.METADATA_PROPS:
            _, text = _entry(wire, value, (NAME_SCOPES,))
            scope = _scopes(text) if text else scope
        else:
            texts[number] = wire.text(value)
    domain = "" if texts[NodeProto.DOMAIN] == "ai.onnx" else texts[NodeProto.DOMAIN]
    return OnnxOperator(
        texts[NodeProto.OP_TYPE], domain, tuple(inputs), tuple(outputs), texts[NodeProto.NAME], attributes, scope,
        references, texts[NodeProto.OVERLOAD],
    )  # fmt: skip


def _attribute(wire: WireReader, span: Span, depth: int) -> tuple[str, Attribute, str]:
    """Return an attribute's name, its value, and the function attribute that gives its value, or ""."""
    name = refers = ""
    content: Attribute = None
    lists: dict[int, list[AttributeItem]] = {}
    kind = 0
    for number, form, value in wire.fields(span, ATTRIBUTE):
        if number == AttributeProto.NAME:
            name = wire.text(value)
        elif number == AttributeProto.TYPE:
            kind = value
        elif number == AttributeProto.INT:
            content = signed(value)
        elif number == AttributeProto.INTS:
            lists.setdefault(number, []).extend(wire.listed(value) if form == BYTES else [signed(value)])
        elif number == AttributeProto.TENSOR:
            content = _tensor(wire, value)
        elif number == AttributeProto.FLOAT:
            content = wire.float_at(value)
        elif number == AttributeProto.STRING:
            content = wire.text(value)
        elif number == AttributeProto.GRAPH:
            content = _graph(wire, value, depth + 1)
        elif number == AttributeProto.REF_ATTR_NAME:
            refers = wire.text(value)
        else:
            lists.setdefault(number, []).extend(_items(wire, number, form, value, depth))
    if content is None:
        field = LISTS.get(kind)
        content = lists.get(field, []) if field else next(iter(lists.values()), ABSENT.get(kind))
    return name, content, refers


def _items(wire: WireReader, number: int, form: int, span: Span, depth: int) -> Sequence[AttributeItem]:
    """Return the items that one field adds to an attribute that is a list of anything but integers."""
    if number == AttributeProto.FLOATS:
        return wire.floats(span) if form == BYTES else [wire.float_at(span)]
    if number == AttributeProto.STRINGS:
        return [wire.text(span)]
    wire.count_part()
    return [_tensor(wire, span) if number == AttributeProto.TENSORS else _graph(wire, span, depth + 1)]


def _tensor(wire: WireReader, span: Span) -> StoredTensor:
    name, shape, dtype, location = "", [], FLOAT, 0
    raw: Span | None = None
    packed: list[tuple[int, Span]] = []
    numbers: list[float] = []
    external: dict[str, str] = {}
    for number, form, value in wire.fields(span, TENSOR):
        if number == TensorProto.DIMS:
            shape += wire.listed(value) if form == BYTES else [signed(value)]
        elif number == TensorProto.DATA_TYPE:
            dtype = value
        elif number == TensorProto.NAME:
            name = wire.text(value)
        elif number == TensorProto.RAW_DATA:
            raw = value
        elif number == TensorProto.EXTERNAL_DATA:
            key, text = _entry(wire, value)
            external[key] = text
        elif number == TensorProto.DATA_LOCATION:
            location = value
        elif form == BYTES:
            packed.append((number, value))
        elif form == VARINT:
            numbers.append(signed(value))
        elif number == TensorProto.FLOAT_DATA:
            numbers.append(wire.float_at(value))
        else:
            packed.append((number, value))
    if len(shape) > MAX_MODEL_AXES or min(shape, default=0) < 0:
        raise MalformedError(f"the tensor '{name[:40]}' has {len(shape)} axes, or one of a negative size")
    outside = external if location == EXTERNAL else None
    return StoredTensor(name, tuple(shape), dtype, raw, tuple(packed), tuple(numbers), outside)


def _port(wire: WireReader, span: Span) -> Port:
    name, dtype = "", 0
    shape: tuple[int | str | None, ...] | None = None
    properties: list[Span] = []
    for number, _, value in wire.fields(span, VALUE_INFO):
        if number == ValueInfoProto.NAME:
            name = wire.text(value)
            continue
        if number == ValueInfoProto.METADATA_PROPS:
            properties.append(value)
            continue
        for _, _, tensor in wire.fields(value, TYPE):
            for field, _, part in wire.fields(tensor, TENSOR_TYPE):
                if field == TensorTypeProto.ELEM_TYPE:
                    dtype = part
                else:
                    shape = _sizes(wire, part)
    return Port(name, dtype, shape, tuple(properties))


def _sizes(wire: WireReader, span: Span) -> tuple[int | str | None, ...]:
    sizes: list[int | str | None] = []
    for _, _, dimension in wire.fields(span, SHAPE):
        size: int | str | None = None
        for number, _, value in wire.fields(dimension, DIMENSION):
            size = signed(value) if number == DimensionProto.DIM_VALUE else wire.text(value) or None
        sizes.append(size)
    if len(sizes) > MAX_MODEL_AXES:
        raise MalformedError(f"a tensor has {len(sizes)} axes")
    return tuple(sizes)


def _function(wire: WireReader, span: Span) -> tuple[FunctionKey, Function]:
    texts = dict.fromkeys((FunctionProto.NAME, FunctionProto.DOMAIN, FunctionProto.OVERLOAD), "")
    outputs, operators = [], []
    inputs: dict[str, None] = {}
    defaults: dict[str, Attribute] = {}
    for number, _, value in wire.fields(span, FUNCTION):
        if number in texts:
            texts[number] = wire.text(value)
        elif number == FunctionProto.INPUT:
            inputs[wire.text(value)] = None
        elif number == FunctionProto.OUTPUT:
            outputs.append(wire.text(value))
        elif number == FunctionProto.NODE:
            operators.append(_node(wire, value, 1))
        else:
            name, content, _ = _attribute(wire, value, 1)
            defaults[name] = content
    domain = "" if texts[FunctionProto.DOMAIN] == "ai.onnx" else texts[FunctionProto.DOMAIN]
    return (domain, texts[FunctionProto.NAME], texts[FunctionProto.OVERLOAD]), Function(
        operators, inputs, tuple(outputs), defaults
    )


def _entry(wire: WireReader, span: Span, wanted: Collection[str] | None = None) -> tuple[str, str]:
    """Return a property's key and value; the value is "" if it is too long, or the key is not wanted."""
    spans: dict[int, Span] = {number: value for number, _, value in wire.fields(span, ENTRY)}
    start, end = spans.get(StringStringEntryProto.KEY, (0, 0))
    key = wire.text((start, end)) if end - start <= MAX_MODEL_NAME else ""
    start, end = spans.get(StringStringEntryProto.VALUE, (0, 0))
    is_read = end - start <= MAX_MODEL_PROPERTY and (wanted is None or key in wanted)
    return key, wire.text((start, end), MAX_MODEL_PROPERTY) if is_read else ""


def _scopes(text: str) -> tuple[str, ...]:
    """Return the module paths in a property of a node, which PyTorch's exporter writes as a Python list."""
    return tuple([part.strip(" '\"") for part in text.strip("[] ").split(",")])
