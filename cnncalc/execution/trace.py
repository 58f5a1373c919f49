"""Trace one output element on real numbers: its inputs, every product and sum, and the result.

The element is computed here from the executor's input tensors, tap by tap in float64, and then compared with the
executor's result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cnncalc.execution.inputs import given_inputs, random_inputs
from cnncalc.execution.kernels import Kernels
from cnncalc.execution.machine import usual_threads
from cnncalc.execution.needs import needs, require
from cnncalc.execution.planning import RunPlan
from cnncalc.execution.verify import run
from cnncalc.execution.weights import checked, expected, node_weights, random_weights
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.layers import layer_type, layer_types
from cnncalc.layers.base import Layer, LayerError
from cnncalc.layers.element import Element
from cnncalc.layers.interfaces import Array
from cnncalc.layers.shapes import axis_names, shape_text

if TYPE_CHECKING:
    import numpy.typing as npt

TOLERANCE = 1_000  # units in the last place of the sum of all magnitudes; a fast algorithm rounds differently


class Trace(NamedTuple):
    """The calculation of one element.

    Attributes:
        node: the layer.
        at: the element's place in its output, without the batch axis.
        element: the calculation.
        actual: the executor's value.
        matches: whether the two are equal except for rounding.
    """

    node: Node
    at: tuple[int, ...]
    element: Element
    actual: float
    matches: bool


def trace(
    network: Graph,
    node: Node,
    at: Sequence[int],
    x: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    seed: int = 0,
) -> Trace:
    """Compute one element of a layer's output for the first sample, step by step.

    Args:
        network: the layer's network; the part before the layer is run.
        node: the layer.
        at: the element's place, channels first and without the batch axis.
        x: the network's input; None for a random one.
        weights: tensors by their names in PyTorch's state_dict; None for random ones.
        seed: seed of random inputs and weights.

    Raises:
        CnncalcError: for a place outside the output, or a layer type that can't be traced.
    """
    if type(node.layer).element is Layer.element:
        traced = [name for name in layer_types() if (cls := layer_type(name)) and cls.element is not Layer.element]
        message = f"'{node.name}' is of type {node.layer.type}, which can't be traced"
        raise CnncalcError(message, f"types that can be traced: {', '.join(traced)}")
    _check_place(node, at)
    before = network.up_to(node)
    kept = [tensor for tensor in node.inputs if isinstance(tensor, Node)]
    stated = None if x is None else given_inputs(before, x)
    _require(before, node, kept, None if stated is None else stated.size)
    inputs = random_inputs(before, 1, seed, np.float32) if stated is None else stated.read()
    kind = next(iter(inputs.values())).dtype
    if weights is not None:
        tensors: Mapping[str, npt.ArrayLike] = checked(before, _needed(network, before, weights), kind)
    elif network.model.tensors is not None:
        tensors = _needed(network, before, network.model.tensors())
    else:
        tensors = random_weights(before, seed, kind)
    state = {item.name: item.in_state(np.asarray(tensors[item.name])) for item in expected(before)}
    made = run(before, inputs, weights=state, layers=[*[one.name for one in kept], node.name], fuse=False)
    for row in made.mismatches:
        if row.actual is None:
            raise CnncalcError(f"'{node.name}' can't be traced: '{row.node.name}' was not computed: {row.fault}")
    arrays = [
        (made.tensors[tensor.name] if isinstance(tensor, Node) else inputs[tensor.name])[0].astype(np.float64)
        for tensor in node.inputs
    ]
    own: dict[str, Array] = {name: np.asarray(array, np.float64) for name, array in node_weights(node, tensors).items()}
    try:
        working = node.layer.element(Kernels(), tuple(at), arrays, own)
    except LayerError as error:
        raise CnncalcError(f"'{node.name}' {error.message}", error.hint) from None
    actual = float(made.tensors[node.name][0][tuple(at)])
    close = _close(working, actual, TOLERANCE * float(np.finfo(kind).eps))
    return Trace(node, tuple(at), working, actual, close)


def _require(before: Graph, node: Node, kept: Sequence[Node], inputs: int | None) -> None:
    """Raise CnncalcError if the run, and its float64 copies, take more memory than there is."""
    threads = usual_threads()
    needed = needs(RunPlan(before, keep=[*kept, node], fuse=False), threads, inputs=inputs)
    exact = sum([tensor.elements() for tensor in node.inputs]) + node.use.params + node.use.buffers
    try:
        require(needed._replace(scratch=needed.scratch + 8 * exact), None, threads)
    except CnncalcError as error:
        raise CnncalcError(error.message, "a smaller input needs less") from None


def _close(working: Element, actual: float, tolerance: float) -> bool:
    """Return whether the executor's value agrees: the same NaN or infinity, or a number close to it."""
    if not (np.isfinite(working.result) and np.isfinite(actual)):
        return bool(np.array_equal(working.result, actual, equal_nan=True))
    return bool(abs(working.result - actual) <= tolerance * working.scale)


def _check_place(node: Node, at: Sequence[int]) -> None:
    inside = len(at) == len(node.shape) and all(0 <= place < size for place, size in zip(at, node.shape, strict=True))
    if not inside:
        letters = ",".join(axis_names(len(node.shape)))
        limits = ",".join(str(size - 1) for size in node.shape)
        raise ArgumentError(
            "at",
            f"'{node.name}' has no element {','.join(map(str, at))}, its output is {shape_text(node.shape)}",
            f"give {letters} from {','.join('0' * len(node.shape))} to {limits}",
        )


def _needed(network: Graph, part: Graph, weights: Mapping[str, npt.ArrayLike]) -> dict[str, npt.ArrayLike]:
    """Return the tensors without those of layers that are not run; tensors that no layer owns stay, to be refused."""
    later = {item.name for item in expected(network)} - {item.name for item in expected(part)}
    return {name: array for name, array in weights.items() if name not in later}
