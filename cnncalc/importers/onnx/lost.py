"""Outputs whose shape depends on how many rows another operator finds: they and what reads them are lost."""

from __future__ import annotations

from cnncalc.importers.onnx.model import OnnxOperator, Subgraph
from cnncalc.importers.onnx.opaque import VARIABLE_ROWS
from cnncalc.importers.onnx.values import Value

LOST = Value("", ())
"""An output whose shape depends on the number of rows that another operator finds."""

CONTRACTING = frozenset((
    "Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "DeformConv", "Gemm", "MatMul", "MatMulInteger",
    "QLinearMatMul", "Einsum", "LSTM", "GRU", "RNN", "Attention",
))  # fmt: skip
"""Operators with multiply-accumulates, which must not be missing from a total."""


def can_be_lost(item: OnnxOperator) -> bool:
    """Whether an operator, including its subgraphs, has no multiply-accumulates that would be missing."""
    return not any(one.op in CONTRACTING or one.domain for one in (item, *inner_operators(item)))


def has_variable_rows(item: OnnxOperator) -> bool:
    """Whether the number of output rows of an operator, or of one in its subgraphs, depends on the data."""
    return not VARIABLE_ROWS.isdisjoint([item.op, *[one.op for one in inner_operators(item)]])


def inner_operators(item: OnnxOperator) -> list[OnnxOperator]:
    """Return all operators in an operator's subgraphs."""
    graphs = [value for value in item.attributes.values() if isinstance(value, Subgraph)]
    own = [one for graph in graphs for one in graph.operators]
    return own + [inner for one in own for inner in inner_operators(one)]
