"""Outputs that are left out, because their shape depends on how many rows another operator finds in the data."""

from __future__ import annotations

from cnncalc.importers.onnx.model import OnnxOperator, Subgraph
from cnncalc.importers.onnx.opaque import VARIABLE_ROWS
from cnncalc.importers.onnx.values import Value

LOST = Value("", ())
"""Stands for every output whose shape depends on the number of rows that another operator finds."""

CONTRACTING = frozenset((
    "Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "DeformConv", "Gemm", "MatMul", "MatMulInteger",
    "QLinearMatMul", "Einsum", "LSTM", "GRU", "RNN", "Attention",
))  # fmt: skip
"""Operators with multiply-accumulates, which must not be missing from a total."""


def can_be_lost(item: OnnxOperator) -> bool:
    """Whether an operator, its subgraphs included, can be left out: it has no multiply-accumulates."""
    return not any(one.op in CONTRACTING or one.domain for one in (item, *inner_operators(item)))


def has_variable_rows(item: OnnxOperator) -> bool:
    """Whether the number of output rows depends on the data, for an operator or any operator in its subgraphs."""
    return not VARIABLE_ROWS.isdisjoint([item.op, *[one.op for one in inner_operators(item)]])


def inner_operators(item: OnnxOperator) -> list[OnnxOperator]:
    """Return all operators in an operator's subgraphs, those of subgraphs in them included."""
    graphs = [value for value in item.attributes.values() if isinstance(value, Subgraph)]
    own = [one for graph in graphs for one in graph.operators]
    return own + [inner for one in own for inner in inner_operators(one)]
