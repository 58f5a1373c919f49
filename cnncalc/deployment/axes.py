"""The order of a tensor's axes on the device: channels last, as TensorFlow has them, whatever the spec's order is.

A permute is no operator then: it only says which axis is which.  A reshape splits and merges axes where they lie.  Only
a layer that needs its axes in another order than they have costs a TRANSPOSE.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

from cnncalc.layers.reduction._reduction import Reduction, axis_indices
from cnncalc.layers.shapes import axis_index

if TYPE_CHECKING:
    from cnncalc.graph import Graph, Node, Tensor
    from cnncalc.layers.dense.linear import Linear
    from cnncalc.layers.matrix.attention import Attention
    from cnncalc.layers.shape.permute import Permute
    from cnncalc.layers.shape.select import Select
    from cnncalc.layers.shapes import Shape

Order = tuple[int, ...]
"""The network's axes, in the order in which they lie on the device."""

KEEPING = (
    "relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "leaky_relu", "sigmoid", "tanh", "silu", "elu", "softmax",
    "log_softmax", "add", "subtract", "multiply", "divide", "maximum", "minimum", "concat", "affine", "abs", "power",
    "dropout", "identity", "linear", "slice", "expand", "scale", "shift", "neg", "sin", "cos", "layernorm", "gather",
    "batchnorm", "gelu", "mish", "softplus", "selu", "exp", "sqrt", "log", "l2_normalize",
)  # fmt: skip
"""Layers that work on any order of axes, and keep it; some are refused, but the layers after them are tried."""


FEATURES_LAST = ("matmul", "lstm", "gru", "rnn", "einsum", "embedding", "rotary", "rmsnorm")
"""Layers that leave rows whose features come last; all but matmul are refused, but the layers after them are tried."""

ANY_ORDER = {
    *KEEPING, "attention", "matmul", "reshape", "flatten", "permute", "select", "mean", "max", "min", "sum",
    "parameter",
}  # fmt: skip
"""Layers that take their input's axes as they lie, and as many as there are."""


def channels_last(rank: int) -> Order:
    """Return the order in which a map lies on the device."""
    return (*range(1, rank), 0)


def rows_last(rank: int, features_first: bool) -> Order:
    """Return the order in which queries, keys and values are multiplied: a row for each of them, its features last."""
    return (*range(rank - 2), rank - 1, rank - 2) if features_first else tuple(range(rank))


def laid(shape: Shape, order: Order) -> Shape:
    """Return a shape as it lies on the device."""
    return tuple([shape[axis] for axis in order])


def without_ones(shape: Shape, order: Order) -> list[int]:
    """Return the axes of an order, but those of size 1, which may lie anywhere."""
    return [axis for axis in order if shape[axis] != 1]


class Axes:
    """The order of the axes of a network's tensors on the device.

    Attributes:
        needed: by reshape, the order of its input's axes that it needs.
        mixed: vectors that were maps, whose elements have another order on the device.
    """

    def __init__(self, graph: Graph) -> None:
        self.needed: dict[Node, Order] = {}
        self.mixed: set[Tensor] = set()
        self._orders: dict[Tensor, Order] = {}  # of those whose channels don't come last
        self._dense: set[Tensor] = set()  # vectors that a dense layer makes, perhaps through activations
        readers = graph.readers()
        for tensor in graph.inputs.values():
            if any(_takes_rows(reader) for reader in readers.get(tensor, ())):
                self._orders[tensor] = tuple(range(len(tensor.shape)))
        for node in graph.nodes:
            order = self._left_by(node)
            if order != channels_last(len(node.shape)):
                self._orders[node] = order

    def of(self, tensor: Tensor) -> Order:
        """Return the order of a tensor's axes."""
        return self._orders.get(tensor) or channels_last(len(tensor.shape))

    def _left_by(self, node: Node) -> Order:
        """Return the order that a layer leaves, and note what its readers need to know."""
        default, kind = channels_last(len(node.shape)), node.layer.type
        sources = [one for one in node.inputs if len(one.shape) == len(node.shape)] or node.inputs
        if not sources:
            return default
        source = max(sources, key=lambda one: prod(one.shape))
        shape, order = source.shape, self.of(source)
        if kind == "linear" or (source in self._dense and kind in KEEPING):
            self._dense.add(node)
        if source in self.mixed and kind in KEEPING and kind != "linear":
            self.mixed.add(node)
        if kind == "permute":
            dims = [axis_index(axis, shape) for axis in cast("Permute", node.layer).dims]
            return tuple([dims.index(axis) for axis in order])
        if kind in ("reshape", "flatten"):
            self.needed[node], left = self._reshaped(source, node)
            return left
        if kind == "attention":
            return rows_last(len(node.shape), cast("Attention", node.layer).features_first)
        if kind in FEATURES_LAST:
            return tuple(range(len(node.shape)))
        gone: list[int] = []
        if isinstance(node.layer, Reduction) and not node.layer.keepdims:
            gone = axis_indices(node.layer.axis, shape)
        elif kind == "select":
            gone = [axis_index(cast("Select", node.layer).axis, shape)]
        elif kind not in KEEPING and not isinstance(node.layer, Reduction):
            return default
        left = tuple([axis for axis in order if axis not in gone])
        return tuple([sorted(left).index(axis) for axis in left]) if len(left) == len(node.shape) else default

    def _reshaped(self, source: Tensor, node: Node) -> tuple[Order, Order]:
        """Return the order that a reshape needs of its input, and the one that it leaves.

        The axes are in groups, of as many elements before as after, and those of a group must lie beside each other:
        where the last of them lies.  A vector that a dense layer makes, or that none reshapes again, has its elements
        in the order that costs nothing: the weights before or after it follow.
        """
        shape, order, out = source.shape, self.of(source), node.shape
        lying = without_ones(shape, order)
        if len(out) == 1 and lying != sorted(lying):
            self.mixed.add(node)
        free = len(out) == 1 or (len(shape) == 1 and source in self._dense)
        groups = [] if free or prod(shape) != prod(out) else _groups(shape, out)
        if not groups:
            return order, channels_last(len(out))
        groups.sort(key=lambda group: max([lying.index(axis) for axis in group[0]]))
        needed = [axis for before, _ in groups for axis in before]
        left = [axis for _, after in groups for axis in after]
        return _with_ones(shape, needed, order), _with_ones(out, left, channels_last(len(out)))


def _takes_rows(node: Node) -> bool:
    """Return whether a layer transforms the last axis of a sequence: its features."""
    axis = cast("Linear", node.layer).axis if node.layer.type == "linear" else None
    return axis is not None and len(node.shape) == 2 and axis % 2 == 1


def _groups(shape: Shape, out: Shape) -> list[tuple[list[int], list[int]]]:
    """Return the axes of each side, but those of size 1, in the smallest groups of as many elements on both."""
    groups: list[tuple[list[int], list[int]]] = []
    before, after = ([axis for axis, size in enumerate(one) if size != 1] for one in (shape, out))
    while before:
        mine, other = [before.pop(0)], [after.pop(0)]
        while (have := prod([shape[axis] for axis in mine])) != (want := prod([out[axis] for axis in other])):
            if have < want:
                mine.append(before.pop(0))
            else:
                other.append(after.pop(0))
        groups.append((mine, other))
    return groups


def _with_ones(shape: Shape, lying: list[int], wanted: Order) -> Order:
    """Return an order of all axes: the wanted one if only axes of size 1 differ, else with these in front."""
    if without_ones(shape, wanted) == lying:
        return wanted
    return (*[axis for axis, size in enumerate(shape) if size == 1], *lying)
