"""Receptive fields: how much of the input one output position sees, along every path, the widest counting.

Araujo, Norris and Sim 2019, "Computing receptive fields of convolutional neural networks", Distill.
Statistics that a normalization or a softmax takes over a map are not counted as seeing it.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cnncalc.graph import Graph, Node, Tensor
from cnncalc.layers.base import READ_WHOLE, Use
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from fractions import Fraction

    Number: TypeAlias = int | Fraction


class Field(NamedTuple):
    """One spatial axis of the input: position i sees it from ``i · jump − offset``, ``size`` elements of it.

    Attributes:
        size: elements that a position sees, padding included.
        jump: the step from what a position sees to what the next one does.
        offset: how far the first position sees beyond the input's beginning.
        axis: the tensor's axis on which the positions lie; None: every element sees the same.
        positions: how many there are: what reads them all sees all that they see.
        ordered: whether they are the axis, in their order; a flatten lays several axes onto one.
    """

    size: Number
    jump: Number
    offset: Number
    axis: int | None
    positions: int
    ordered: bool = True

    @property
    def figures(self) -> tuple[Number, Number, Number]:
        """Size, jump and offset."""
        return self[:3]

    @property
    def reach(self) -> Number:
        """What all positions see together."""
        return self.size + (self.positions - 1) * self.jump


Fields = tuple[Field, ...]


class Step(NamedTuple):
    """What becomes of the positions on one axis of a layer's input.

    Attributes:
        axis: of the output, READ_WHOLE or None, as :meth:`cnncalc.layers.base.Layer.axes` has them.
        window: what a position of the output adds to the size, the stride and the offset; None: it sees that same
            position alone.
        is_same: whether the window sees that same position alone, and loses none.
    """

    axis: int | None
    window: tuple[Number, Number, Number] | None
    is_same: bool


class ReceptiveFields(NamedTuple):
    """The fields of every tensor, and the nodes whose branches come with different strides.

    ``of`` has a field for every spatial axis of the input that a tensor comes from, in that input's order, or None
    where the field is not known: axes were laid onto one and then read through a window, or split up.
    """

    of: dict[Tensor, Fields | None]
    disagreeing: list[Node]


def receptive_fields(network: Graph) -> ReceptiveFields:
    """Return the receptive field of every node's output on the input that it comes from."""
    of: dict[Tensor, Fields | None] = {
        tensor: tuple([Field(1, 1, 0, axis, size) for axis, size in enumerate(tensor.shape) if axis])
        for tensor in network.inputs.values()
    }
    disagreeing: list[Node] = []
    known: dict[Use, list[Step] | None] = {}
    for node in network.nodes:
        if not node.inputs:  # it sees nothing of any input
            of[node] = ()
            continue
        incoming = of[node.inputs[0]]
        if len(node.inputs) > 1:
            incoming, agree = _widest([of[tensor] for tensor in node.inputs])
            if not agree:
                disagreeing.append(node)
        if incoming is None:
            of[node] = None
            continue
        if node.use not in known:
            known[node.use] = None if _keeps_all(node.use) else steps_of(node.use)
        steps = known[node.use]
        of[node] = incoming if steps is None else _through(incoming, steps, node.shape)
    return ReceptiveFields(of, disagreeing)


def window_on(field: Field, step: Step) -> tuple[Number, Number] | None:
    """Return how many positions of a field one of the layer's output sees, and its stride; None: its own alone."""
    if step.axis == READ_WHOLE:
        return field.positions, field.positions
    return None if step.window is None else (step.window[0] + 1, step.window[1])


def _keeps_all(use: Use) -> bool:
    """Whether every position stays where it is and sees itself alone: most layers are such, and need no steps."""
    if use.inputs[0] != use.output or use.layer.window(use.inputs, use.output) is not None:
        return False
    return use.layer.axes(use.inputs, use.output) == tuple(range(len(use.output)))


def steps_of(use: Use) -> list[Step]:
    """Return what a layer does to the positions on each axis of its (first) input."""
    axes = use.layer.axes(use.inputs, use.output)
    window = use.layer.window(use.inputs, use.output) if len(axes) > 1 else None
    if window is None:
        return [Step(axis, None, True) for axis in axes]
    steps = [Step(axes[0], None, True)]
    for axis, size, stride, before in zip(axes[1:], *window, strict=True):
        number = len(steps)
        keeps = (size, stride, before) == (1, 1, 0) and axis == number and use.inputs[0][number] == use.output[number]
        steps.append(Step(axis, (size - 1, _integral(stride), before), keeps))
    return steps


def _through(fields: Fields, steps: list[Step], shape: Shape) -> Fields | None:
    """Return the fields behind a layer whose output has the given shape."""
    found = []
    for field in fields:
        moved = field if field.axis is None else _moved(field, steps[field.axis], shape)
        if moved is None:
            return None
        found.append(moved)
    return tuple(found)


def _moved(field: Field, step: Step, shape: Shape) -> Field | None:
    size, jump, offset, _, positions, ordered = field
    axis, window, is_same = step
    if axis is None:
        return None
    if axis == READ_WHOLE:
        return Field(field.reach, jump * positions, offset, None, 1)
    if window is None or is_same:
        return Field(size, jump, offset, axis, positions, ordered and positions == shape[axis])
    if not ordered:
        return None
    more, stride, before = window
    return Field(size + more * jump, _integral(jump * stride), offset + before * jump, axis, shape[axis])


def _integral(number: Number) -> Number:
    return number.numerator if number.denominator == 1 else number


def _widest(branches: list[Fields | None]) -> tuple[Fields | None, bool]:
    """Return the widest field of each axis, and whether the branches that are maps have one stride."""
    known = [fields for fields in branches if fields is not None]
    if len(known) < len(branches):
        return None, True
    most = max(len(fields) for fields in known)
    full = [fields for fields in known if len(fields) == most]
    widest, agree = [], True
    for fields in zip(*full, strict=True):
        if len({(field.jump, field[3:]) for field in fields}) == 1 and fields[0].ordered:  # as nearly everywhere
            widest.append(max(fields, key=itemgetter(0)))
            continue
        walking = [field for field in fields if field.positions > 1]  # a gate of one position does not set the stride
        if len({field.axis for field in walking}) > 1:
            return None, True
        if not all(field.ordered for field in walking):
            widest.append(max(fields, key=lambda field: field.reach))
            continue
        field = max(fields, key=lambda field: field.size)
        if any(field.axis is None for field in fields):
            field = field._replace(axis=None)
        jumps = {field.jump for field in walking}
        if walking:
            field = field._replace(axis=walking[0].axis, positions=max([field.positions for field in walking]))
        if len(jumps) == 1:
            field = field._replace(jump=jumps.pop())
        agree &= len(jumps) <= 1
        widest.append(field)
    return tuple(widest), agree
