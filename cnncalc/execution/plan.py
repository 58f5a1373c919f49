"""In which order a network runs, what runs together with what, and when a tensor is let go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cnncalc.graph import Graph, Node, Tensor

CLIPS = {"relu": (0.0, np.inf), "relu6": (0.0, 6.0)}
"""Activations that a clip computes: in place, and faster than their own formula."""


@dataclass
class Step:
    """Nodes that run in one go: a carrier, what is done to its input, and what to its output while in the cache.

    Attributes:
        carrier: the node whose kernel runs.
        before: a batchnorm, a rectifier, or one and then the other, that are applied to the carrier's input.
        after: nodes that are applied to the carrier's output, in order.
        residual: the tensor that an add among `after` takes beside the carrier's output.
        again: how many concatenations, one after the other, go on where this one ends (a dense block).
        release: tensors that nothing reads after this step.
    """

    carrier: Node
    before: list[Node] = field(default_factory=list)
    after: list[Node] = field(default_factory=list)
    residual: Tensor | None = None
    again: int = 0
    release: list[Tensor] = field(default_factory=list)

    @property
    def nodes(self) -> list[Node]:
        """All nodes, in the order in which they would run alone."""
        return [*self.before, self.carrier, *self.after]

    @property
    def is_contraction(self) -> bool:
        """Whether the carrier is a contraction, whose kernel sees to what comes before and after it."""
        return self.carrier.layer.type in ("conv", "linear")

    @property
    def is_kernel(self) -> bool:
        """Whether the carrier is nothing but a kernel, which names its calls if that is asked for."""
        return self.is_contraction or self.carrier.layer.type == "concat"

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What the first of the nodes reads."""
        return self.nodes[0].inputs

    @property
    def output(self) -> Node:
        """The node whose output is the step's."""
        return self.nodes[-1]


def steps(network: Graph, keep: Collection[Node], fuse: bool) -> list[Step]:
    """Return the steps of a network; tensors in `keep` are made as they are, whatever could be fused."""
    readers = network.readers()
    kept = {*keep, *network.outputs.values()}
    sole = {tensor: found[0] for tensor, found in readers.items() if len(found) == 1 and tensor not in kept}
    made: list[Step] = []
    taken: set[Node] = set()
    ready: set[Tensor] = set(network.inputs.values())
    for node in network.nodes:
        if node not in taken:
            step = _step(node, sole, ready) if fuse else Step(node)
            made.append(step)
            taken.update(step.nodes)
            ready.add(step.output)
    _chains(made)
    _releases(made, kept)
    return made


def _chains(made: list[Step]) -> None:
    """Note at each concatenation how many go on where it ends."""
    again: dict[Tensor, int] = {}
    for step in reversed(made):
        if step.carrier.layer.type == "concat":
            step.again = again.get(step.output, 0)
            again[step.inputs[0]] = 1 + step.again


def _step(node: Node, sole: Mapping[Tensor, Node], ready: Collection[Tensor]) -> Step:
    if node.layer.type == "batchnorm" and _tracked(node):
        before = [node]
        follower = sole.get(node)
        if follower is not None and follower.layer.type in CLIPS:
            before.append(follower)
            follower = sole.get(follower)
        if follower is not None and follower.layer.type == "conv":
            return _extended(Step(follower, before), sole, ready)
    if _left_to_reader(node, sole):
        return _extended(Step(sole[node], [node]), sole, ready)
    return _extended(Step(node), sole, ready)


def _left_to_reader(node: Node, sole: Mapping[Tensor, Node]) -> bool:
    """Tell whether a clip is for the convolution that reads it: one that pads copies its input in any case."""
    reader = sole.get(node)
    if node.layer.type not in CLIPS or reader is None or reader.layer.type != "conv":
        return False
    return not is_point(reader) and pads(reader)


def is_point(node: Node) -> bool:
    """Tell whether a convolution's kernel has one tap."""
    return set(node.layer.__dict__["kernel_size"]) == {1}


def pads(node: Node) -> bool:
    """Tell whether a convolution pads."""
    padding = node.layer.__dict__["padding"]
    return padding == "same" and not is_point(node) if isinstance(padding, str) else any(map(any, padding))


def _extended(step: Step, sole: Mapping[Tensor, Node], ready: Collection[Tensor]) -> Step:
    """Take in what can be done to the carrier's output: a batchnorm, an add, an activation, in this order."""
    if not step.is_contraction:
        return step
    follower = sole.get(step.carrier)
    if follower is not None and follower.layer.type == "batchnorm" and _tracked(follower) and _by_row(step.carrier):
        step.after.append(follower)
        follower = sole.get(follower)
    if follower is not None and follower.layer.type == "add" and len(follower.inputs) == 2:
        others = [tensor for tensor in follower.inputs if tensor is not step.output]
        if len(others) == 1 and others[0] in ready and _alike(others[0], step.output):
            step.residual = others[0]
            step.after.append(follower)
            follower = sole.get(follower)
    if follower is None or _left_to_reader(follower, sole):
        return step
    if follower.layer.pointwise and not follower.use.weights:
        step.after.append(follower)
    return step


def _alike(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors have one shape, batch included."""
    return (one.shape, one.times) == (other.shape, other.times)


def _tracked(node: Node) -> bool:
    return "running_var" in node.use.weights


def _by_row(carrier: Node) -> bool:
    """Tell whether the channels that a batchnorm scales are the rows of the carrier's weight."""
    return carrier.layer.type == "conv" or len(carrier.shape) == 1


def _releases(made: list[Step], kept: Collection[Tensor]) -> None:
    """Note at each step which tensors it is the last to read, or makes for nobody."""
    last: dict[Tensor, Step] = {}
    for step in made:
        for tensor in (step.output, *step.inputs, *([step.residual] if step.residual else [])):
            last[tensor] = step
    for tensor, step in last.items():
        if tensor not in kept:
            step.release.append(tensor)
