"""Operators of which only the output's shape is known, or not even that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.choices import Additions, BranchTaker
from cnncalc.importers.onnx.model import OnnxOperator, Port, Subgraph
from cnncalc.importers.onnx.opaque import FINDING, Opaque
from cnncalc.importers.onnx.values import Call, Value, ValueScope, where
from cnncalc.layers.base import Layer
from cnncalc.layers.shapes import Shape


class LayerMaker(BranchTaker, Protocol):
    """What makes layers; see the builder."""

    hints: dict[str, Port]
    baked: int

    def layer(self, layer: Layer, inputs: Sequence[Value], axis: int | None = -1) -> Value:
        """Return what a layer makes of values."""


def stated(
    build: LayerMaker, call: Call, shape: Shape, axis: int | None, inputs: Sequence[Value] = (), **settings: object
) -> Value:
    """Return the output of an operator without a layer type; ``settings`` are for the function that computes it."""
    live = list(inputs) or _live(call)
    if not live:
        return Value("", shape, call.input(0).dtype)
    build.notes.append(f"{where(call.operator)} is not counted: its cost depends on the algorithm")
    return build.layer(Opaque(op=call.op, shape=shape or (1,), settings=tuple(settings.items())), live, axis)


def opaque(build: LayerMaker, call: Call) -> Sequence[Value | None]:
    """Return the outputs of an operator that nobody has a rule for, in the shapes that the file states."""
    item, live = call.operator, _live(call)
    outputs: list[Value | None] = []
    for name in item.outputs:
        port = build.hints.get(name)
        sizes = port.shape if port and port.shape is not None else None
        if sizes is None or any(not isinstance(size, int) or size < 1 for size in sizes[1:]) or not live:
            raise CnncalcError(f"{where(item)} is of an unknown type, and the file does not state its output's shape")
        whole = tuple([size if isinstance(size, int) else 0 for size in sizes])
        batched = bool(whole) and (whole[0] < 2 or whole[0] == build.baked)
        layer = Opaque(op=item.op, shape=(whole[1:] if batched else whole) or (1,))
        outputs.append(build.layer(layer, live, 0 if batched else None))
    if not outputs:
        return outputs
    build.notes.append(f"{where(item)} is not counted: its cost is unknown")
    return outputs


def _live(call: Call) -> list[Value]:
    return [value for value in call.inputs if value is not None and value.is_live]


# --- what depends on a variable number of rows ----------------------------------------------------------------

LOST = Value("", ())
"""An output whose shape depends on the number of rows that another operator finds."""

CONTRACTING = frozenset((
    "Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "DeformConv", "Gemm", "MatMul", "MatMulInteger",
    "QLinearMatMul", "Einsum", "LSTM", "GRU", "RNN", "Attention",
))  # fmt: skip
"""Operators with multiply-accumulates, which must not be missing from a total."""


def can_be_lost(item: OnnxOperator) -> bool:
    """Whether an operator, including its subgraphs, has no multiply-accumulates that would be missing."""
    return not any(one.op in CONTRACTING or one.domain for one in (item, *_inner(item)))


def _inner(item: OnnxOperator) -> list[OnnxOperator]:
    """Return all operators in an operator's subgraphs."""
    graphs = [value for value in item.attributes.values() if isinstance(value, Subgraph)]
    own = [one for graph in graphs for one in graph.operators]
    return own + [inner for one in own for inner in _inner(one)]


def finds(item: OnnxOperator) -> bool:
    """Whether the number of output rows of an operator, or of one in its subgraphs, depends on the data."""
    return not FINDING.isdisjoint([item.op, *[one.op for one in _inner(item)]])


def lose(build: LayerMaker, call: Call, scope: ValueScope) -> Sequence[Value]:
    """Return LOST for each output of an operator; the layers that it and its subgraphs read are still counted.

    Raises:
        CnncalcError: where it multiplies and adds, so that a sum without it would be wrong.
    """
    if not can_be_lost(call.operator):
        raise CnncalcError(
            f"{where(call.operator)} depends on the number of output rows of {(build.found or build.lost)[0]}"
        )
    build.lost.append(where(call.operator))
    read = [scope.find(name) for one in _inner(call.operator) for name in one.inputs]
    build.ends += [*_live(call), *[value for value in read if value is not None and value.is_live]]
    return [LOST] * len(call.operator.outputs)


def whole(
    build: LayerMaker, call: Call, scope: ValueScope, make: Callable[[], Sequence[Value | None] | None]
) -> Sequence[Value | None] | None:
    """Return the outputs of a loop; if one of them is lost, the whole loop is."""
    added = Additions(build)
    outputs = make()
    if outputs is None or LOST not in outputs:
        return outputs
    added.take_back()
    return lose(build, call, scope)
