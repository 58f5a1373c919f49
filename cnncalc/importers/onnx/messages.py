"""The messages of an ONNX file, read into the objects of :mod:`cnncalc.importers.onnx.model`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from cnncalc.ground.limits import MAX_MODEL_AXES, MAX_MODEL_DEPTH, MAX_MODEL_NAME, MAX_MODEL_PROPERTY
from cnncalc.importers.onnx import model, proto
from cnncalc.importers.onnx.model import Attribute, AttributeItem, OnnxOperator, Port, StoredTensor, Subgraph
from cnncalc.importers.onnx.proto import (
    AttributeProto,
    AttributeType,
    FunctionProto,
    GraphProto,
    NodeProto,
    TensorProto,
)
from cnncalc.importers.onnx.provenance import FOLDED_FROM, KIND, folded_from, is_buffer_name, key_of, was_learned
from cnncalc.importers.onnx.wire import MalformedError, Span, WireReader, signed

SINGLE = (
    AttributeProto.INT, AttributeProto.TENSOR, AttributeProto.FLOAT, AttributeProto.STRING, AttributeProto.GRAPH,
)  # fmt: skip
"""The fields that hold the value of an attribute that is no list."""

LISTS = {
    AttributeType.FLOATS: AttributeProto.FLOATS, AttributeType.INTS: AttributeProto.INTS,
    AttributeType.STRINGS: AttributeProto.STRINGS, AttributeType.TENSORS: AttributeProto.TENSORS,
    AttributeType.GRAPHS: AttributeProto.GRAPHS,
}  # fmt: skip
"""The field that holds the values of an attribute of each list type."""

PORTS = (GraphProto.INPUT, GraphProto.OUTPUT)

ELEMENTS = (
    TensorProto.FLOAT_DATA, TensorProto.INT32_DATA, TensorProto.INT64_DATA, TensorProto.DOUBLE_DATA,
    TensorProto.UINT64_DATA,
)  # fmt: skip
"""The fields that hold a tensor's elements by their type."""

NAME_SCOPES = "pkg.torch.onnx.name_scopes"
"""The property of a node in which PyTorch's exporter writes the modules around it, the outermost first."""

ABSENT: dict[int, AttributeItem] = {AttributeType.FLOAT: 0.0, AttributeType.INT: 0, AttributeType.STRING: ""}
"""Values of attributes that proto3 does not write, because they are the default."""


def read_model(wire: WireReader) -> model.Model:
    """Return the model that a file holds.

    Raises:
        MalformedError: if it holds none.
    """
    fields = wire.fields((0, wire.size), proto.ModelProto)
    if proto.ModelProto.GRAPH not in fields:
        raise MalformedError("it holds no graph")
    graph = _graph(wire, fields.last(proto.ModelProto.GRAPH), 0)
    functions = dict([_function(wire, span) for span in fields.all(proto.ModelProto.FUNCTIONS)])
    opsets = {"": 1}
    for span in fields.all(proto.ModelProto.OPSET_IMPORT):
        opset = wire.fields(span, proto.OperatorSetIdProto)
        opsets[opset.domain(proto.OperatorSetIdProto.DOMAIN)] = opset.last(proto.OperatorSetIdProto.VERSION, 1)
    producer = fields.text(proto.ModelProto.PRODUCER_NAME)
    if producer == "pytorch":
        _mark_numbers(graph.stored)
    return model.Model(graph, functions, opsets, producer)


def _mark_numbers(stored: dict[str, StoredTensor]) -> None:
    """Mark numbers that are attributes of the outermost module as learned, where the file has no metadata."""
    if all(tensor.was_learned is None for tensor in stored.values()):
        for name, tensor in stored.items():
            if tensor.elements == 1 and tensor.dtype in proto.FLOATS and key_of(tensor) and not is_buffer_name(name):
                stored[name] = tensor._replace(was_learned=True)


def _graph(wire: WireReader, span: Span, depth: int) -> Subgraph:
    if depth > MAX_MODEL_DEPTH:
        raise MalformedError(f"graphs are nested deeper than {MAX_MODEL_DEPTH}")
    fields = wire.fields(span, GraphProto)
    wire.count_parts(sum([len(values) for values in fields.values()]))
    stored = {tensor.name: tensor for tensor in [_tensor(wire, place) for place in fields.all(GraphProto.INITIALIZER)]}
    operators = [_node(wire, place, depth) for place in fields.all(GraphProto.NODE)]
    inputs, outputs = [[port_at(wire, place) for place in fields.all(number)] for number in PORTS]
    stated: dict[str, Span] = {}
    computed: set[str] = set()
    for place in [place for number in (GraphProto.VALUE_INFO, *PORTS) for place in fields.all(number)]:
        info = wire.fields(place, proto.ValueInfoProto)
        name = info.text(proto.ValueInfoProto.NAME)
        stated[name] = place
        if name in stored and proto.ValueInfoProto.METADATA_PROPS in info:
            computed = computed or {output for item in operators for output in item.outputs}
            computed.update([port.name for port in inputs])
            entries = info[proto.ValueInfoProto.METADATA_PROPS]
            properties = dict([_entry(wire, entry, (KIND, FOLDED_FROM)) for entry in entries])
            learned = was_learned(properties, computed, stored[name].elements == 1)
            sources = folded_from(properties, computed)
            stored[name] = stored[name]._replace(was_learned=learned, key=sources[0] if len(sources) == 1 else "")
    return Subgraph(fields.text(GraphProto.NAME), operators, stored, inputs, outputs, stated)


def _node(wire: WireReader, span: Span, depth: int) -> OnnxOperator:
    fields = wire.fields(span, NodeProto)
    attributes: dict[str, Attribute] = {}
    references: dict[str, str] = {}
    for place in fields.all(NodeProto.ATTRIBUTE):
        name, content, refers = _attribute(wire, place, depth)
        if refers:
            references[name] = refers
        else:
            attributes[name] = content
    scopes = [_entry(wire, place, (NAME_SCOPES,))[1] for place in fields.all(NodeProto.METADATA_PROPS)]
    return OnnxOperator(
        fields.text(NodeProto.OP_TYPE), fields.domain(NodeProto.DOMAIN), fields.texts(NodeProto.INPUT),
        fields.texts(NodeProto.OUTPUT), fields.text(NodeProto.NAME), attributes,
        next((_scopes(text) for text in scopes if text), ()), references, fields.text(NodeProto.OVERLOAD),
    )  # fmt: skip


def _attribute(wire: WireReader, span: Span, depth: int) -> tuple[str, Attribute, str]:
    """Return an attribute's name, its value, and the function attribute that gives its value, or ""."""
    fields = wire.fields(span, AttributeProto)
    name, refers = fields.text(AttributeProto.NAME), fields.text(AttributeProto.REF_ATTR_NAME)
    kind = fields.last(AttributeProto.TYPE, 0)
    number = next((number for number in SINGLE if number in fields), LISTS.get(kind))
    if number is None:
        number = next((number for number in fields if number in LISTS.values()), None)
    if number is None:
        return name, ABSENT.get(kind), refers
    items = [item for value in fields.all(number) for item in _items(wire, number, value, depth)]
    return name, items[-1] if number in SINGLE else items, refers


def _items(wire: WireReader, number: int, value: Any, depth: int) -> Sequence[AttributeItem]:
    """Return the items that one field adds to an attribute."""
    if number in (AttributeProto.INT, AttributeProto.INTS):
        return wire.listed(value)
    if number in (AttributeProto.FLOAT, AttributeProto.FLOATS):
        return wire.floats(value)
    if number in (AttributeProto.STRING, AttributeProto.STRINGS):
        return [wire.text(value)]
    if number in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        return [_graph(wire, value, depth + 1)]
    wire.count_parts(1)
    return [_tensor(wire, value)]


def _tensor(wire: WireReader, span: Span) -> StoredTensor:
    fields = wire.fields(span, TensorProto)
    name = fields.text(TensorProto.NAME)
    shape = tuple([size for value in fields.all(TensorProto.DIMS) for size in wire.listed(value)])
    if len(shape) > MAX_MODEL_AXES or min(shape, default=0) < 0:
        raise MalformedError(f"the tensor '{name[:40]}' has {len(shape)} axes, or one of a negative size")
    values = [(number, value) for number in ELEMENTS if number in fields for value in fields[number]]
    external = [_entry(wire, place) for place in fields.all(TensorProto.EXTERNAL_DATA)]
    return StoredTensor(
        name, shape, fields.last(TensorProto.DATA_TYPE, proto.FLOAT), fields.last(TensorProto.RAW_DATA),
        packed=tuple([(number, value) for number, value in values if not isinstance(value, int)]),
        numbers=tuple([signed(value) for _, value in values if isinstance(value, int)]),
        external=dict(external) if fields.last(TensorProto.DATA_LOCATION) == proto.EXTERNAL else None,
    )  # fmt: skip


def port_at(wire: WireReader, span: Span) -> Port:
    """Return what a file states of a value at some place.  Raises MalformedError if it states nothing there."""
    fields = wire.fields(span, proto.ValueInfoProto)
    dtype, shape = 0, None
    for kind in fields.all(proto.ValueInfoProto.TYPE):
        for place in wire.fields(kind, proto.TypeProto).all(proto.TypeProto.TENSOR_TYPE):
            tensor = wire.fields(place, proto.TensorTypeProto)
            dtype = tensor.last(proto.TensorTypeProto.ELEM_TYPE, dtype)
            sizes = tensor.last(proto.TensorTypeProto.SHAPE)
            shape = shape if sizes is None else _sizes(wire, sizes)
    return Port(fields.text(proto.ValueInfoProto.NAME), dtype, shape)


def _sizes(wire: WireReader, span: Span) -> tuple[int | str | None, ...]:
    sizes: list[int | str | None] = []
    for place in wire.fields(span, proto.TensorShapeProto).all(proto.TensorShapeProto.DIM):
        dimension = wire.fields(place, proto.DimensionProto)
        size = dimension.last(proto.DimensionProto.DIM_VALUE)
        sizes.append(dimension.text(proto.DimensionProto.DIM_PARAM) or None if size is None else signed(size))
    if len(sizes) > MAX_MODEL_AXES:
        raise MalformedError(f"a tensor has {len(sizes)} axes")
    return tuple(sizes)


def _function(wire: WireReader, span: Span) -> tuple[model.FunctionKey, model.Function]:
    fields = wire.fields(span, FunctionProto)
    key = [fields.domain(FunctionProto.DOMAIN), fields.text(FunctionProto.NAME), fields.text(FunctionProto.OVERLOAD)]
    defaults = [_attribute(wire, place, 1) for place in fields.all(FunctionProto.ATTRIBUTE_PROTO)]
    return (key[0], key[1], key[2]), model.Function(
        [_node(wire, place, 1) for place in fields.all(FunctionProto.NODE)],
        dict.fromkeys(fields.texts(FunctionProto.INPUT)),
        fields.texts(FunctionProto.OUTPUT),
        {name: content for name, content, _ in defaults},
    )


def _entry(wire: WireReader, span: Span, wanted: Collection[str] | None = None) -> tuple[str, str]:
    """Return a property's key and value; the value is "" if it is too long, or the key is not wanted."""
    entry = proto.StringStringEntryProto
    fields = wire.fields(span, entry)
    place, (start, end) = [fields.last(number, (0, 0)) for number in (entry.KEY, entry.VALUE)]
    key = wire.text(place) if place[1] - place[0] <= MAX_MODEL_NAME else ""
    is_read = end - start <= MAX_MODEL_PROPERTY and (wanted is None or key in wanted)
    return key, wire.text((start, end), MAX_MODEL_PROPERTY) if is_read else ""


def _scopes(text: str) -> tuple[str, ...]:
    """Return the module paths in a property of a node, which PyTorch's exporter writes as a Python list."""
    return tuple([part.strip(" '\"") for part in text.strip("[] ").split(",")])
