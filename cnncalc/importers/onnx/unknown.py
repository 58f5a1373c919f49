"""Operators of which nothing is known but the shape of what they make, or not even that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.choices import Additions, BranchTaker
from cnncalc.importers.onnx.model import OnnxOperator, Port, Subgraph
from cnncalc.importers.onnx.opaque import Opaque
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
    """Return the output of an operator of which the shape alone is known, and with settings how it is computed."""
    live = list(inputs) or _live(call)
    if not live:
        return Value("", shape, call.input(0).dtype)
    build.notes.append(f"{where(call.operator)} is not counted: what it costs depends on how it is done")
    return build.layer(Opaque(op=call.op, shape=shape or (1,), settings=tuple(settings.items())), live, axis)


def opaque(build: LayerMaker, call: Call) -> Sequence[Value | None]:
    """Return the outputs of an operator that nobody has a rule for, in the shapes that the file states."""
    item, live = call.operator, _live(call)
    outputs: list[Value | None] = []
    for name in item.outputs:
        port = build.hints.get(name)
        sizes = port.shape if port and port.shape is not None else None
        if sizes is None or any(not isinstance(size, int) or size < 1 for size in sizes[1:]) or not live:
            raise CnncalcError(
                f"{where(item)} is of a type that is not known, and the file does not state its output's shape"
            )
        whole = tuple([size if isinstance(size, int) else 0 for size in sizes])
        batched = bool(whole) and (whole[0] < 2 or whole[0] == build.baked)
        layer = Opaque(op=item.op, shape=(whole[1:] if batched else whole) or (1,))
        outputs.append(build.layer(layer, live, 0 if batched else None))
    if not outputs:
        return outputs
    build.notes.append(f"{where(item)} is not counted: nothing is known of what it costs")
    return outputs


def _live(call: Call) -> list[Value]:
    return [value for value in call.inputs if value is not None and value.is_live]


# --- behind an operator that makes as many rows as it finds ---------------------------------------------------

LOST = Value("", ())
"""What is made of rows whose number decides over shapes in a way that is not known."""

CONTRACTING = frozenset((
    "Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "DeformConv", "Gemm", "MatMul", "MatMulInteger",
    "QLinearMatMul", "Einsum", "LSTM", "GRU", "RNN", "Attention",
))  # fmt: skip
"""Operators that multiply and add, none of which may be missing from a sum."""


def can_be_lost(item: OnnxOperator) -> bool:
    """Whether an operator, with the graphs in it, multiplies and adds nothing that counts."""
    return not any(one.op in CONTRACTING or one.domain for one in (item, *_inner(item)))


def _inner(item: OnnxOperator) -> list[OnnxOperator]:
    """Return the operators of an operator's graphs."""
    graphs = [value for value in item.attributes.values() if isinstance(value, Subgraph)]
    own = [one for graph in graphs for one in graph.operators]
    return own + [inner for one in own for inner in _inner(one)]


FINDING = frozenset(("NonZero", "NonMaxSuppression", "Compress", "Unique"))
"""Operators that make as many rows as they find."""


def finds(item: OnnxOperator) -> bool:
    """Whether an operator, or one in its graphs, makes as many rows as it finds."""
    return not FINDING.isdisjoint([item.op, *[one.op for one in _inner(item)]])


def lose(build: LayerMaker, call: Call, scope: ValueScope) -> Sequence[Value]:
    """Return that nothing is known of what an operator makes; what it reads is counted, and what its graphs read.

    Raises:
        CnncalcError: where it multiplies and adds, so that a sum without it would be wrong.
    """
    if not can_be_lost(call.operator):
        raise CnncalcError(f"{where(call.operator)} reads what depends on how many rows {build.found[0]} finds")
    build.lost.append(where(call.operator))
    read = [scope.find(name) for one in _inner(call.operator) for name in one.inputs]
    build.ends += [*_live(call), *[value for value in read if value is not None and value.is_live]]
    return [LOST] * len(call.operator.outputs)


def whole(
    build: LayerMaker, call: Call, scope: ValueScope, make: Callable[[], Sequence[Value | None] | None]
) -> Sequence[Value | None] | None:
    """Return what a loop makes; where a part of that is lost all of it is, and what its body reads is counted."""
    added = Additions(build)
    outputs = make()
    if outputs is None or LOST not in outputs:
        return outputs
    added.take_back()
    return lose(build, call, scope)
