"""Receptive fields: how much of the input one output position sees, along every path, the widest counting.

Araujo, Norris and Sim 2019, "Computing receptive fields of convolutional neural networks", Distill.
Statistics that a normalization or a softmax takes over a map are not counted as seeing it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cnncalc.layers.base import Use
from cnncalc.network import Network, Node, Tensor

if TYPE_CHECKING:
    from fractions import Fraction

    Number: TypeAlias = int | Fraction


class Field(NamedTuple):
    """One spatial axis: position i sees the input from ``i · jump − offset``, ``size`` elements of it.

    ``positions`` counts positions that a flatten has folded into a vector: what reads all of it sees them all.
    """

    size: Number
    jump: Number
    offset: Number
    positions: int = 1


Fields = tuple[Field, ...]
Step: TypeAlias = "tuple[Number, Number, Number]"


class ReceptiveFields(NamedTuple):
    """The fields of every tensor, and the nodes whose branches come with different strides."""

    of: dict[Tensor, Fields]
    disagreeing: list[Node]


def receptive_fields(network: Network) -> ReceptiveFields:
    """Return the receptive field of every node's output on the input that it comes from."""
    of: dict[Tensor, Fields] = {
        tensor: tuple([Field(1, 1, 0) for _ in tensor.shape[1:]]) for tensor in network.inputs.values()
    }
    disagreeing: list[Node] = []
    steps: dict[Use, list[Step] | None] = {}
    for node in network.nodes:
        incoming = of[node.inputs[0]]
        if len(node.inputs) > 1:
            incoming, agree = _widest([of[tensor] for tensor in node.inputs], [tensor.shape for tensor in node.inputs])
            if not agree:
                disagreeing.append(node)
        if node.use not in steps:
            steps[node.use] = _steps(node.use)
        of[node] = _through(node, incoming, steps[node.use])
    return ReceptiveFields(of, disagreeing)


def _steps(use: Use) -> list[Step] | None:
    """Return what a layer adds to the size, the stride and the offset of each axis; None: nothing."""
    if len(use.inputs[0]) == 1:
        return None
    window = use.layer.window(use.inputs, use.output)
    if window is None:
        return None
    return [
        (size - 1, _integral(stride), before)
        for size, stride, before in zip(window.size, window.stride, window.before, strict=True)
    ]


def _through(node: Node, fields: Fields, steps: list[Step] | None) -> Fields:
    """Return the fields behind a node."""
    shape = node.inputs[0].shape
    if len(shape) == 1:  # a vector: linear reads all of it
        return tuple([_whole(field) for field in fields]) if node.layer.kind == "fc" else fields
    if len(fields) != len(shape) - 1:
        return fields
    if len(node.shape) == 1:  # a flatten
        return tuple([field._replace(positions=n) for field, n in zip(fields, shape[1:], strict=True)])
    if steps is None:
        return fields
    return tuple(
        [
            Field(size + more * jump, _integral(jump * stride), offset + before * jump)
            for (size, jump, offset, _), (more, stride, before) in zip(fields, steps, strict=True)
        ]
    )


def _whole(field: Field) -> Field:
    return Field(field.size + (field.positions - 1) * field.jump, field.jump * field.positions, field.offset)


def _integral(number: Number) -> Number:
    return number.numerator if number.denominator == 1 else number


def _widest(branches: list[Fields], shapes: list[tuple[int, ...]]) -> tuple[Fields, bool]:
    """Return the widest field of each axis, and whether the branches that are maps have one stride."""
    most = max(len(fields) for fields in branches)
    full = [(fields, shape) for fields, shape in zip(branches, shapes, strict=True) if len(fields) == most]
    widest = tuple([max([fields[axis] for fields, _ in full], key=lambda field: field.size) for axis in range(most)])
    agree = True
    for axis in range(most):
        jumps = {fields[axis].jump for fields, shape in full if len(shape) > axis + 1 and shape[axis + 1] > 1}
        agree &= len(jumps) <= 1
        if len(jumps) == 1:  # a gate of one position does not set the stride
            widest = (*widest[:axis], widest[axis]._replace(jump=jumps.pop()), *widest[axis + 1 :])
    return widest, agree
