"""The execution plan: the order of the nodes, and which of them run as one step."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cnncalc.graph import Graph, Node, Tensor
from cnncalc.layers.base import Layer
from cnncalc.layers.dense.linear import Linear


class Step:
    """Nodes that run together: a carrier, operations on its input, and operations on its output while it is in the
    cache.

    Attributes:
        carrier: the node whose kernel runs.
        before: nodes applied to the carrier's input: a factor and a constant per channel, a clip, or both in this
            order.
        after: nodes that are applied to the carrier's output, in order.
        residual: the other input of an add among `after`.
        nodes: all nodes in their order.
        inputs: the inputs of the first node.
        reads: all inputs of the step, a residual last.
        output: the node whose output is the step's.
        prepares: whether factors or constants for each channel are applied to the carrier's input.
    """

    __slots__ = "after", "before", "carrier", "inputs", "nodes", "output", "prepares", "reads", "residual"

    def __init__(
        self, carrier: Node, before: tuple[Node, ...] = (), after: tuple[Node, ...] = (), residual: Tensor | None = None
    ) -> None:
        """Group nodes around a carrier."""
        self.carrier, self.before, self.after, self.residual = carrier, before, after, residual
        self.nodes = (*before, carrier, *after)
        self.inputs = self.nodes[0].inputs
        self.reads = self.inputs if residual is None else (*self.inputs, residual)
        self.output = self.nodes[-1]
        self.prepares = bool(before) and before[0].layer.is_affine()


def _is_affine(tensor: Tensor) -> bool:
    return isinstance(tensor, Node) and tensor.layer.is_affine()


def is_contraction(layer: Layer) -> bool:
    """Return whether a layer's kernel can take over operations before and after it."""
    return layer.type in ("conv", "linear")


def steps(network: Graph, keep: Collection[Node], fuse: bool) -> list[Step]:
    """Return the steps of a network; tensors in `keep` are computed separately even if they could be fused.

    Factors and constants stay alone if they would take a sum's exactness away from it.
    """
    kept = {*keep, *network.outputs.values()}
    sole = {tensor: found[0] for tensor, found in network.readers().items() if len(found) == 1 and tensor not in kept}
    if network.model.is_exact:
        sole = {tensor: reader for tensor, reader in sole.items() if not (_is_affine(tensor) or _is_affine(reader))}
    made: list[Step] = []
    taken: set[Node] = set()
    ready: set[Tensor] = set(network.inputs.values())
    for node in network.nodes:
        if node not in taken:
            step = _step(node, sole, ready) if fuse else Step(node)
            made.append(step)
            taken.update(step.nodes)
            ready.add(step.output)
    return made


def _step(node: Node, sole: Mapping[Tensor, Node], ready: Collection[Tensor]) -> Step:
    if node.layer.is_affine():
        before = [node]
        follower = sole.get(node)
        if follower is not None and follower.layer.clamps() is not None:
            before.append(follower)
            follower = sole.get(follower)
        if follower is not None and follower.layer.type == "conv":
            return _extended(follower, tuple(before), sole, ready)
    if _left_to_reader(node, sole):
        return _extended(sole[node], (node,), sole, ready)
    return _extended(node, (), sole, ready)


def _left_to_reader(node: Node, sole: Mapping[Tensor, Node]) -> bool:
    """Return whether a clip is left to the convolution that reads it: with padding, that copies its input anyway."""
    reader = sole.get(node)
    if reader is None or reader.layer.type != "conv" or node.layer.clamps() is None:
        return False
    return not is_point(reader) and is_padded(reader)


def is_point(node: Node) -> bool:
    """Return whether a convolution's kernel has one tap."""
    return set(node.use.weights["weight"].shape[2:]) == {1}


def is_padded(node: Node) -> bool:
    """Return whether a convolution pads."""
    window = node.layer.sliding(node.use.inputs)
    return window is not None and any(map(any, window.pads))


def _extended(carrier: Node, before: tuple[Node, ...], sole: Mapping[Tensor, Node], ready: Collection[Tensor]) -> Step:
    """Extend a step by operations on the carrier's output: factors and constants, an add, an activation, in order."""
    if not is_contraction(carrier.layer):
        return Step(carrier, before)
    after: list[Node] = []
    residual = None
    follower = sole.get(carrier)
    while follower is not None and follower.layer.is_affine() and _by_row(carrier):
        after.append(follower)
        follower = sole.get(follower)
    if follower is not None and follower.layer.type == "add" and len(follower.inputs) == 2:
        last = after[-1] if after else carrier
        others = [tensor for tensor in follower.inputs if tensor is not last]
        if len(others) == 1 and others[0] in ready and _alike(others[0], last):
            residual = others[0]
            after.append(follower)
            follower = sole.get(follower)
    if follower is None or _left_to_reader(follower, sole):
        return Step(carrier, before, tuple(after), residual)
    if follower.layer.pointwise and not follower.use.weights:
        after.append(follower)
    return Step(carrier, before, tuple(after), residual)


def _alike(one: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape, including the batch."""
    return (one.shape, one.times) == (other.shape, other.times)


def _by_row(carrier: Node) -> bool:
    """Return whether the channels are the rows of the carrier's weight."""
    layer = carrier.layer
    return not isinstance(layer, Linear) or layer.axis in (None, 0, -len(carrier.shape))
