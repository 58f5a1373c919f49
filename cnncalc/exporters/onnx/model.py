"""The file: operators, weights, inputs and outputs.

Names of tensors are those of layers, names of weights those that ``cnncalc weights`` lists.  Weights are made, or read,
one by one while the file is written; its length is known before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cnncalc.execution.weights import one_by_one
from cnncalc.exporters.formats import Beside, Chunk, Options
from cnncalc.exporters.onnx.messages import Size, block, entry, head, integer, outside, tensor_head, text, value_info
from cnncalc.exporters.onnx.messages import node as node_message
from cnncalc.exporters.onnx.operators import Operators
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_EXPORTED_INDICES, MAX_EXPORTED_OPERATORS
from cnncalc.ground.version import __version__
from cnncalc.importers.onnx.proto import FLOAT, WIDTHS, GraphProto, ModelProto, OperatorSetIdProto, ValueInfoProto
from cnncalc.importers.onnx.provenance import BUFFER, KIND, is_buffer_name
from cnncalc.layers.base import LayerError
from cnncalc.layers.onnx import OpsetError
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.graph import Tensor
    from cnncalc.layers.ops import Array

OPSETS = (13, 23)
"""The least and the greatest opset: Softmax is along one axis from 13 on, and the runtimes of 2025 know 23."""

USUAL_OPSET = 17
"""The first that has LayerNormalization."""

IR_VERSIONS = {23: 11, 21: 10, 19: 9, 0: 8}
"""Version of the format by the least opset that has it (onnx/docs/Versioning.md)."""

MAX_MESSAGE = (1 << 31) - 1
"""Most bytes of a message of Protocol Buffers; the weights of a larger model are in a file beside it."""

SPARE = 1 << 20
"""Bytes that are kept free for keys and lengths of messages, which are not summed."""

BATCH = "batch"
"""The name of the batch size in the file."""


class UnwritableError(CnncalcError):
    """A layer has no counterpart in the format."""


class Parts(NamedTuple):
    """A graph in pieces: its operators, the descriptions of its values, and the names and shapes of its weights."""

    operators: list[bytes]
    values: list[bytes]
    weights: list[tuple[str, Shape]]


def export(graph: Graph, options: Options) -> Iterator[Chunk]:
    """Yield a model's file piece by piece; see :func:`written`."""
    return written(graph, options.opset, one_by_one(graph, options.weights, options.seed), options.beside)


def written(
    graph: Graph,
    opset: int | None,
    contents: Iterator[tuple[str, Array]],
    beside: Beside | None = None,
    shown: Collection[Node] = (),
    most: int | None = None,
) -> Iterator[Chunk]:
    """Yield a model's file piece by piece.

    Args:
        graph: what is written.
        opset: the version of the operator set; None for the usual one, or the first that has all layers.
        contents: the graph's weights in their order, float32.
        beside: writes a second file, for weights that the model's file can't hold.
        shown: layers whose tensors are outputs, too.
        most: bytes of the file from which on weights are in the second file; None for as many as it can hold.

    Raises:
        UnwritableError: for a layer without a counterpart.
        CnncalcError: for weights that don't fit, or a model that is too large.
    """
    if opset is not None and not OPSETS[0] <= opset <= OPSETS[1]:
        raise CnncalcError(
            f"opset {opset} is not supported", f"{OPSETS[0]} to {OPSETS[1]} are; the default is {USUAL_OPSET}"
        )
    opset, parts = _expressed(graph, opset, shown)
    sizes = [prod(shape) * WIDTHS[FLOAT] for _, shape in parts.weights]
    pieces = (np.ascontiguousarray(array).data.cast("B") for _, array in contents)
    heads = [tensor_head(name, shape, FLOAT, size) for (name, shape), size in zip(parts.weights, sizes, strict=True)]
    length = sum(sizes) + sum(map(len, (*parts.operators, *parts.values, *heads))) + SPARE
    if length < (MAX_MESSAGE if most is None else most):
        return _file(graph, opset, parts, list(zip(heads, sizes, strict=True)), pieces)
    if beside is None:
        raise CnncalcError(
            f"'{graph.title}' has {sum(sizes):,} bytes of weights, and an ONNX file holds {MAX_MESSAGE:,} in all",
            "of a model that goes to a file, they go into a second one beside it",
        )
    file = beside(".data", pieces)
    placed = zip(parts.weights, accumulate(sizes, initial=0), sizes, strict=False)
    heads = [outside(name, shape, FLOAT, file, start, size) for (name, shape), start, size in placed]
    return _file(graph, opset, parts, [(head, 0) for head in heads], iter(()))


def _file(
    graph: Graph, opset: int, parts: Parts, weights: list[tuple[bytes, int]], contents: Iterator[Chunk]
) -> Iterator[Chunk]:
    """Yield the file; ``weights`` are the beginnings of their messages, and the number of bytes that follow."""
    yield integer(ModelProto.IR_VERSION, next(made for since, made in IR_VERSIONS.items() if opset >= since))
    yield text(ModelProto.PRODUCER_NAME, "cnncalc") + text(ModelProto.PRODUCER_VERSION, __version__)
    version = text(OperatorSetIdProto.DOMAIN, "") + integer(OperatorSetIdProto.VERSION, opset)
    yield block(ModelProto.OPSET_IMPORT, version)
    begun = [head(GraphProto.INITIALIZER, len(start) + size) + start for start, size in weights]
    name = text(GraphProto.NAME, graph.title)
    size = sum(map(len, (*parts.operators, *parts.values, *begun, name))) + sum(size for _, size in weights)
    yield head(ModelProto.GRAPH, size)
    yield from parts.operators
    yield name
    for start, (_, length) in zip(begun, weights, strict=True):
        yield start
        if length:
            yield next(contents)
    yield from parts.values


def _expressed(graph: Graph, wanted: int | None, shown: Collection[Node]) -> tuple[int, Parts]:
    """Return an opset, the wanted one or the first from the usual one on that has all layers, and a graph's parts."""
    opset = USUAL_OPSET if wanted is None else wanted
    while True:
        try:
            return opset, _parts(graph, opset, shown, wanted is None)
        except OpsetError as error:
            opset = error.since


def _parts(graph: Graph, opset: int, shown: Collection[Node], free: bool) -> Parts:
    """Return a graph's operators, values and weights.

    Raises:
        UnwritableError: for a layer without a counterpart.
        OpsetError: for one that has a counterpart in a later opset only, if the opset is ``free`` to change.
    """
    names = tensor_names(graph)
    operators, weights, buffers, indices = [], list[tuple[str, Shape]](), list[bytes](), 0
    for node in graph.nodes:
        made = Operators(node, [names[tensor] for tensor in node.inputs], opset)
        try:
            messages = made.messages(node.layer.to_onnx(made), names[node])
        except LayerError as error:
            if free and isinstance(error, OpsetError):
                raise
            place = f"{node.origin}: " if node.origin else ""
            raise UnwritableError(
                f"{place}'{node.name}', of type {node.layer.type}, can't be expressed in ONNX: it {error.message}"
            ) from None
        operators += [block(GraphProto.NODE, message) for message in messages]
        indices += made.indices
        for count, most, what in (
            (len(operators), MAX_EXPORTED_OPERATORS, "operators"),
            (indices, MAX_EXPORTED_INDICES, "indices"),
        ):
            if count > most:
                raise CnncalcError(f"'{graph.title}' takes more than {most:,} {what} in ONNX")
        for name, weight in node.use.weights.items() if node.shares is None else ():
            key = node.key(name)
            weights.append((key, weight.shape))
            is_buffer = not node.weights.get(name, weight).trainable
            if is_buffer and not is_buffer_name(key):  # marked as PyTorch's exporter does
                mark = entry(ValueInfoProto.METADATA_PROPS, KIND, BUFFER)
                buffers.append(block(GraphProto.VALUE_INFO, value_info(key, [*weight.shape]) + mark))
    operators += [
        block(GraphProto.NODE, node_message("Identity", f"/{name}/Identity", [names[tensor]], [name], {}))
        for name, tensor in graph.outputs.items()
        if names[tensor] != name
    ]
    ends = dict.fromkeys([*graph.outputs, *[names[node] for node in shown]])
    values = [block(GraphProto.INPUT, value_info(names[x], _sizes(graph, x))) for x in graph.inputs.values()]
    sizes = {names[node]: _sizes(graph, node) for node in graph.nodes}
    sizes |= {name: _sizes(graph, tensor) for name, tensor in graph.outputs.items()}
    values += [block(GraphProto.OUTPUT, value_info(name, sizes[name])) for name in ends]
    values += [block(GraphProto.VALUE_INFO, value_info(name, of)) for name, of in sizes.items() if name not in ends]
    return Parts(operators, values + buffers, weights)


def tensor_names(graph: Graph) -> dict[Tensor, str]:
    """Return the name of each tensor in the file: its layer's, or that of the output that it is."""
    names: dict[Tensor, str] = {tensor: name for name, tensor in graph.inputs.items()}
    taken = {*names.values(), *[node.key(name) for node in graph.nodes for name in node.use.weights]}
    for name, tensor in graph.outputs.items():
        if tensor not in names and name not in taken:
            names[tensor] = name
            taken.add(name)
    taken |= {*graph.outputs}
    for node in graph.nodes:
        if node not in names:
            name = node.name
            while name in taken:
                name += "_output"
            names[node] = name
            taken.add(name)
    return names


def _sizes(graph: Graph, tensor: Tensor) -> list[Size]:
    """Return a tensor's sizes, with a name for the batch's."""
    if tensor.times == 0 or graph.model.one_sample_only:
        return [tensor.copies(), *tensor.shape]
    return [BATCH if tensor.times == 1 else f"{tensor.times}*{BATCH}", *tensor.shape]
