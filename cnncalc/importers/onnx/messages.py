"""The messages of an ONNX file, read into the objects of :mod:`cnncalc.importers.onnx.model`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cnncalc.ground.limits import MAX_MODEL_AXES, MAX_MODEL_DEPTH, MAX_MODEL_NAME, MAX_MODEL_PROPERTY
from cnncalc.importers.onnx import model, proto
from cnncalc.importers.onnx.model import Attribute, AttributeItem, OnnxOperator, Port, StoredTensor, Subgraph
from cnncalc.importers.onnx.order import in_order
from cnncalc.importers.onnx.proto import (
    AttributeProto,
    AttributeType,
    FunctionProto,
    GraphProto,
    NodeProto,
    StringStringEntryProto,
    TensorProto,
)
from cnncalc.importers.onnx.provenance import (
    BUFFER,
    FOLDED_FROM,
    KIND,
    PARAMETER,
    folded_from,
    is_buffer_name,
    is_generated_name,
    key_of,
    was_learned,
)
from cnncalc.importers.onnx.wire import Fields, MalformedError, Span, WireReader, signed

VALUES = {
    AttributeType.INT: AttributeProto.INT, AttributeType.TENSOR: AttributeProto.TENSOR,
    AttributeType.FLOAT: AttributeProto.FLOAT, AttributeType.STRING: AttributeProto.STRING,
    AttributeType.GRAPH: AttributeProto.GRAPH, AttributeType.FLOATS: AttributeProto.FLOATS,
    AttributeType.INTS: AttributeProto.INTS, AttributeType.STRINGS: AttributeProto.STRINGS,
    AttributeType.TENSORS: AttributeProto.TENSORS, AttributeType.GRAPHS: AttributeProto.GRAPHS,
}  # fmt: skip
"""The field that holds the value of an attribute of each type, or its values."""

LISTS = range(AttributeType.FLOATS, AttributeType.GRAPHS + 1)
"""The types of attributes that are lists."""

PORTS = (GraphProto.INPUT, GraphProto.OUTPUT)

ELEMENTS = (
    TensorProto.FLOAT_DATA, TensorProto.INT32_DATA, TensorProto.INT64_DATA, TensorProto.DOUBLE_DATA,
    TensorProto.UINT64_DATA,
)  # fmt: skip
"""The fields that hold a tensor's elements by their type."""

NAME_SCOPES = "pkg.torch.onnx.name_scopes"
"""The property of a node in which PyTorch's exporter writes the modules around it, the outermost first."""

COMPARED = 4096
"""How many bytes at three places of two tensors are compared; those of parts of one tensor differ there."""

ABSENT: dict[int, AttributeItem] = {AttributeType.FLOAT: 0.0, AttributeType.INT: 0, AttributeType.STRING: ""}
"""Values of attributes that proto3 does not write, because they are the default; those of lists are empty."""


def read_model(wire: WireReader) -> model.Model:
    """Return the model that a file holds.

    Raises:
        MalformedError: if it holds none.
    """
    fields = wire.fields((0, wire.size), proto.ModelProto)
    if proto.ModelProto.GRAPH not in fields:
        raise MalformedError("it holds no graph")
    graph = _graph(wire, fields[proto.ModelProto.GRAPH], 0)
    functions = dict([_function(wire, span) for span in fields.get(proto.ModelProto.FUNCTIONS, ())])
    opsets = {"": 1}
    for span in fields.get(proto.ModelProto.OPSET_IMPORT, ()):
        opset = wire.fields(span, proto.OperatorSetIdProto)
        opsets[_domain(opset, proto.OperatorSetIdProto.DOMAIN)] = opset.get(proto.OperatorSetIdProto.VERSION, 1)
    producer = fields.get(proto.ModelProto.PRODUCER_NAME, "")
    if producer == "pytorch":
        _mark_attributes(graph.stored)
    return model.Model(graph, functions, opsets, producer)


def _mark_attributes(stored: dict[str, StoredTensor]) -> None:
    """Mark attributes of the outermost module, and numbers that are attributes, where the file has no metadata."""
    if any(tensor.was_learned is not None for tensor in stored.values()):
        return
    for name, tensor in stored.items():
        if name.isidentifier() and not is_generated_name(name):
            stored[name] = tensor = tensor._replace(key=name)
        if tensor.elements == 1 and tensor.dtype in proto.FLOATS and key_of(tensor) and not is_buffer_name(name):
            stored[name] = tensor._replace(was_learned=True)


def _graph(wire: WireReader, span: Span, depth: int) -> Subgraph:
    if depth > MAX_MODEL_DEPTH:
        raise MalformedError(f"graphs are nested deeper than {MAX_MODEL_DEPTH}")
    fields = wire.fields(span, GraphProto)
    wire.count_parts(sum([len(values) for values in fields.values() if isinstance(values, list)]))
    stored = {tensor.name: tensor for tensor in [_tensor(wire, at) for at in fields.get(GraphProto.INITIALIZER, ())]}
    operators = in_order([_node(wire, place, depth) for place in fields.get(GraphProto.NODE, ())])
    inputs, outputs = [[port_at(wire, place) for place in fields.get(number, ())] for number in PORTS]
    stated: dict[str, Span] = {}
    computed: set[str] = set()
    joint: dict[str, list[str]] = {}
    for place in [place for number in (GraphProto.VALUE_INFO, *PORTS) for place in fields.get(number, ())]:
        info = wire.fields(place, proto.ValueInfoProto)
        name = info.get(proto.ValueInfoProto.NAME, "")
        stated[name] = place
        if name in stored and proto.ValueInfoProto.METADATA_PROPS in info:
            computed = computed or {output for item in operators for output in item.outputs}
            computed.update([port.name for port in inputs])
            entries = info[proto.ValueInfoProto.METADATA_PROPS]
            properties = dict([_entry(wire, entry, (KIND, FOLDED_FROM)) for entry in entries])
            learned = was_learned(properties, computed, stored[name].elements == 1)
            sources = [name] if properties.get(KIND) in (PARAMETER, BUFFER) else folded_from(properties, computed)
            stored[name] = stored[name]._replace(was_learned=learned, key=sources[0] if len(sources) == 1 else "")
            joint.update({name: sources} if len(sources) > 1 else {})
    own = {tensor.key or tensor.name for tensor in stored.values()}
    for name, sources in joint.items():
        if own.issuperset(sources):  # it is computed from what is stored, too
            stored[name] = stored[name]._replace(was_learned=False)
    _join_copies(wire, stored)
    return Subgraph(fields.get(GraphProto.NAME, ""), operators, stored, inputs, outputs, stated)


def _join_copies(wire: WireReader, stored: dict[str, StoredTensor]) -> None:
    """Make one tensor of those that are equal, and were computed from the same key of a state_dict.

    PyTorch's newer exporter turns a matrix once for each use of a module (ALBERT); of equal tensors, it stores only the
    small ones once.
    """
    first: dict[tuple[str, tuple[int, ...], int], StoredTensor] = {}
    for name, tensor in stored.items():
        if tensor.key not in ("", name):
            other = first.setdefault((tensor.key, tensor.shape, tensor.dtype), tensor)
            if other is not tensor and _seem_equal(wire, tensor, other):
                stored[name] = other


def _seem_equal(wire: WireReader, one: StoredTensor, other: StoredTensor) -> bool:
    """Whether two tensors of one shape are equal at their beginning, middle and end, and begin with several numbers."""
    if one.raw is None or other.raw is None:
        return False
    size = one.raw[1] - one.raw[0]
    count = min(size, COMPARED)
    places = (0, (size - count) // 2, size - count)
    parts, others = [
        [wire.bytes_at((raw[0] + at, raw[0] + at + count)) for at in places] for raw in (one.raw, other.raw)
    ]
    return parts == others and len({parts[0][at : at + 4] for at in range(0, count, 4)}) > 1


def _node(wire: WireReader, span: Span, depth: int) -> OnnxOperator:
    fields = wire.fields(span, NodeProto)
    attributes: dict[str, Attribute] = {}
    references: dict[str, str] = {}
    for place in fields.get(NodeProto.ATTRIBUTE, ()):
        name, content, refers = _attribute(wire, place, depth)
        if refers:
            references[name] = refers
        else:
            attributes[name] = content
    properties = fields.get(NodeProto.METADATA_PROPS)
    return OnnxOperator(
        fields.get(NodeProto.OP_TYPE, ""), _domain(fields, NodeProto.DOMAIN), tuple(fields.get(NodeProto.INPUT, ())),
        tuple(fields.get(NodeProto.OUTPUT, ())), fields.get(NodeProto.NAME, ""), attributes,
        _scopes(wire, properties) if properties else (), references, fields.get(NodeProto.OVERLOAD, ""),
    )  # fmt: skip


def _domain(fields: Fields, number: int) -> str:
    """Return the name of an operator set; "" is ONNX's own."""
    name: str = fields.get(number, "")
    return "" if name == "ai.onnx" else name


def _attribute(wire: WireReader, span: Span, depth: int) -> tuple[str, Attribute, str]:
    """Return an attribute's name, its value, and the function attribute that gives its value, or ""."""
    fields = wire.fields(span, AttributeProto)
    kind = fields.get(AttributeProto.TYPE, 0)
    number = VALUES.get(kind)
    if number not in fields:
        number = next((number for number in VALUES.values() if number in fields), None)
    content: Attribute = [] if kind in LISTS else ABSENT.get(kind)
    if number is not None:
        value = fields[number]
        items = _items(wire, number, value if isinstance(value, list) else [value], depth)
        content = items if isinstance(value, list) else items[0]
    return fields.get(AttributeProto.NAME, ""), content, fields.get(AttributeProto.REF_ATTR_NAME, "")


def _items(wire: WireReader, number: int, values: list[Any], depth: int) -> list[AttributeItem]:
    """Return what the values of one field of an attribute stand for."""
    if number in (AttributeProto.INT, AttributeProto.INTS):
        return [*wire.integers(values)]
    if number in (AttributeProto.FLOAT, AttributeProto.FLOATS):
        return [item for value in values for item in wire.floats(value)]
    if number in (AttributeProto.STRING, AttributeProto.STRINGS):
        return values
    if number in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        return [_graph(wire, value, depth + 1) for value in values]
    wire.count_parts(len(values))
    return [_tensor(wire, value) for value in values]


def _tensor(wire: WireReader, span: Span) -> StoredTensor:
    fields = wire.fields(span, TensorProto)
    name = fields.get(TensorProto.NAME, "")
    shape = tuple(wire.integers(fields.get(TensorProto.DIMS, ())))
    if len(shape) > MAX_MODEL_AXES or min(shape, default=0) < 0:
        raise MalformedError(f"the tensor '{name[:40]}' has {len(shape)} axes, or one of a negative size")
    values = [(number, value) for number in ELEMENTS if number in fields for value in fields[number]]
    is_external = fields.get(TensorProto.DATA_LOCATION) == proto.EXTERNAL
    return StoredTensor(
        name, shape, fields.get(TensorProto.DATA_TYPE, proto.FLOAT), fields.get(TensorProto.RAW_DATA),
        packed=tuple([(number, value) for number, value in values if not isinstance(value, int)]),
        numbers=tuple([signed(value) for _, value in values if isinstance(value, int)]),
        external=dict([_entry(wire, at) for at in fields.get(TensorProto.EXTERNAL_DATA, ())]) if is_external else None,
    )  # fmt: skip


def port_at(wire: WireReader, span: Span) -> Port:
    """Return what a file states of a value at some place.  Raises MalformedError if it states nothing there."""
    fields = wire.fields(span, proto.ValueInfoProto)
    dtype, shape = 0, None
    for kind in fields.get(proto.ValueInfoProto.TYPE, ()):
        for place in wire.fields(kind, proto.TypeProto).get(proto.TypeProto.TENSOR_TYPE, ()):
            tensor = wire.fields(place, proto.TensorTypeProto)
            dtype = tensor.get(proto.TensorTypeProto.ELEM_TYPE, dtype)
            sizes = tensor.get(proto.TensorTypeProto.SHAPE)
            shape = shape if sizes is None else _sizes(wire, sizes)
    return Port(fields.get(proto.ValueInfoProto.NAME, ""), dtype, shape)


def _sizes(wire: WireReader, span: Span) -> tuple[int | str | None, ...]:
    sizes: list[int | str | None] = []
    for place in wire.fields(span, proto.TensorShapeProto).get(proto.TensorShapeProto.DIM, ()):
        dimension = wire.fields(place, proto.DimensionProto)
        size = dimension.get(proto.DimensionProto.DIM_VALUE)
        sizes.append(dimension.get(proto.DimensionProto.DIM_PARAM) or None if size is None else signed(size))
    if len(sizes) > MAX_MODEL_AXES:
        raise MalformedError(f"a tensor has {len(sizes)} axes")
    return tuple(sizes)


def _function(wire: WireReader, span: Span) -> tuple[model.FunctionKey, model.Function]:
    fields = wire.fields(span, FunctionProto)
    name, overload = [fields.get(number, "") for number in (FunctionProto.NAME, FunctionProto.OVERLOAD)]
    defaults = [_attribute(wire, place, 1) for place in fields.get(FunctionProto.ATTRIBUTE_PROTO, ())]
    return (_domain(fields, FunctionProto.DOMAIN), name, overload), model.Function(
        in_order([_node(wire, place, 1) for place in fields.get(FunctionProto.NODE, ())]),
        dict.fromkeys(fields.get(FunctionProto.INPUT, ())),
        tuple(fields.get(FunctionProto.OUTPUT, ())),
        {name: content for name, content, _ in defaults},
    )


def _entry(wire: WireReader, span: Span, wanted: Collection[str] | None = None) -> tuple[str, str]:
    """Return a property's key and value; the value is "" if it is too long, or the key is not wanted."""
    fields = wire.fields(span, StringStringEntryProto)
    key = wire.text(fields.get(StringStringEntryProto.KEY, (0, 0)), MAX_MODEL_NAME)
    if wanted is not None and key not in wanted:
        return key, ""
    return key, wire.text(fields.get(StringStringEntryProto.VALUE, (0, 0)), MAX_MODEL_PROPERTY)


def _scopes(wire: WireReader, properties: list[Span]) -> tuple[str, ...]:
    """Return the module paths in the properties of a node, which PyTorch's exporter writes as a Python list."""
    text = next((text for place in properties if (text := _entry(wire, place, (NAME_SCOPES,))[1])), "")
    return tuple([part.strip(" '\"") for part in text.strip("[] ").split(",")]) if text else ()
