"""Trace one output element on real numbers: its inputs, every product and sum, and the result.

The element is computed here from the executor's own input tensors, tap by tap and in float64, and then held
against what the executor made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnncalc.execution.inputs import given_inputs, random_inputs
from cnncalc.execution.verify import run
from cnncalc.execution.weights import expected, node_weights, random_weights
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.layers.shapes import axis_names, shape_text

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array

TOLERANCE = 1_000  # units in the last place of the sum of all magnitudes; a fast algorithm rounds otherwise


class Part(NamedTuple):
    """What one input channel adds: its window, the filter over it, and what these make.

    Attributes:
        channel: of the layer's input.
        window: what the window holds; 0 where it lies on padding.
        inside: where it lies on the map.
        weights: the filter's taps; None for a pooling.
        total: the sum of the products, or of the window for a pooling.
    """

    channel: int
    window: Array
    inside: Array
    weights: Array | None
    total: float


class Trace(NamedTuple):
    """One element, worked out.

    Attributes:
        node: the layer.
        at: the element's place in its output, without the batch axis.
        places: first and last place of the window along each spatial axis of the input; empty without one.
        parts: one window per channel; empty for what has none.
        terms: further numbers by name, in the order in which they enter.
        rule: how the numbers come together.
        result: what that gives.
        actual: what the executor made.
        matches: whether the two are equal, but for rounding.
    """

    node: Node
    at: tuple[int, ...]
    places: list[tuple[int, int]]
    parts: list[Part]
    terms: dict[str, float]
    rule: str
    result: float
    actual: float
    matches: bool


class Working(NamedTuple):
    """A trace without the comparison; ``scale`` is the sum of all magnitudes that entered."""

    places: list[tuple[int, int]]
    parts: list[Part]
    terms: dict[str, float]
    rule: str
    result: float
    scale: float


def trace(
    network: Graph,
    node: Node,
    at: Sequence[int],
    x: Any = None,
    weights: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Trace:
    """Work out one element of a layer's output, for the first sample.

    Args:
        network: the layer's network, of which what comes before the layer is run.
        node: the layer.
        at: the element's place, channels first and without the batch axis.
        x: the network's input; None for a random one.
        weights: tensors by their names in PyTorch's state_dict; None for random ones.
        seed: of what is random.

    Raises:
        CnncalcError: for a place outside the output, or a type that is not traced.
    """
    tracer = _TRACERS.get(node.layer.type)
    if tracer is None:
        message = f"'{node.name}' is of type {node.layer.type}, whose elements are not traced"
        raise CnncalcError(message, f"traced are {', '.join(sorted(_TRACERS))}")
    _check_place(node, at)
    before = network.up_to(node)
    inputs = random_inputs(before, 1, seed, np.float32) if x is None else given_inputs(before, x).read()
    kind = next(iter(inputs.values())).dtype
    given = network.stored() if weights is None and network.stored is not None else weights
    tensors = random_weights(before, seed, kind) if given is None else _needed(network, before, given)
    kept = [tensor.name for tensor in node.inputs if isinstance(tensor, Node)]
    made = run(before, inputs, weights=tensors, layers=[*kept, node.name], fuse=False)
    arrays = [
        (made.tensors[tensor.name] if isinstance(tensor, Node) else inputs[tensor.name])[0].astype(np.float64)
        for tensor in node.inputs
    ]
    own: dict[str, Array] = {name: np.asarray(array, np.float64) for name, array in node_weights(node, tensors).items()}
    working = tracer(node, tuple(at), arrays, own)
    actual = float(made.tensors[node.name][0][tuple(at)])
    close = _close(working, actual, TOLERANCE * float(np.finfo(kind).eps))
    return Trace(
        node, tuple(at), working.places, working.parts, working.terms, working.rule, working.result, actual, close
    )


def _close(working: Working, actual: float, tolerance: float) -> bool:
    """Return whether the executor made what was worked out: the same NaN or infinity, or a number next to it."""
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


def _needed(network: Graph, part: Graph, weights: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tensors without those of layers that are not run; what no layer owns stays, to be refused."""
    later = {item.name for item in expected(network)} - {item.name for item in expected(part)}
    return {name: array for name, array in weights.items() if name not in later}


# --- windows -------------------------------------------------------------------------------------------------


def _sliding(node: Node, at: tuple[int, ...]) -> list[list[int]]:
    """Return the places that the window of an output element reads along each axis, padding's included."""
    described = node.layer.described(*node.use.inputs)
    kernel, stride, pads = described["kernel_size"], described["stride"], described["padding"]
    dilation = described.get("dilation") or (1,) * len(kernel)
    axes = zip(at[1:], kernel, stride, pads, dilation, strict=True)
    return [[o * s - before + tap * d for tap in range(k)] for o, k, s, (before, _), d in axes]


def _bins(node: Node, at: tuple[int, ...]) -> list[list[int]]:
    """Return the places of an adaptive pooling's bin: from ⌊i·in / out⌋ to ⌈(i + 1)·in / out⌉."""
    axes = zip(at[1:], node.use.inputs[0][1:], node.shape[1:], strict=True)
    return [list(range(o * size // out, -(-(o + 1) * size // out))) for o, size, out in axes]


def _window(channel: Array, places: list[list[int]]) -> tuple[Array, Array]:
    """Return what lies at some places of a channel, 0 outside of it, and where it is inside."""
    grid = np.ix_(*[np.clip(axis, 0, size - 1) for axis, size in zip(places, channel.shape, strict=True)])
    inside = np.ones((1,) * channel.ndim, bool)
    for number, (axis, size) in enumerate(zip(places, channel.shape, strict=True)):
        shape = [1] * channel.ndim
        shape[number] = len(axis)
        inside = inside & np.array([0 <= place < size for place in axis]).reshape(shape)
    return np.where(inside, channel[grid], 0.0), inside


def _ends(places: list[list[int]]) -> list[tuple[int, int]]:
    return [(axis[0], axis[-1]) for axis in places]


# --- one rule per type -------------------------------------------------------------------------------------------

Tracer = Callable[[Node, tuple[int, ...], "list[Array]", "dict[str, Array]"], Working]


def _conv(node: Node, at: tuple[int, ...], inputs: list[Array], weights: dict[str, Array]) -> Working:
    (x,) = inputs
    places = _sliding(node, at)
    filters = weights["weight"][at[0]]  # (channels of the group, *kernel), or with positions of its own between
    if node.layer.type == "locally_connected":
        filters = filters[(slice(None), *at[1:])]
    groups = getattr(node.layer, "groups", 1)
    first = at[0] // (node.shape[0] // groups) * len(filters)
    terms = _bias(weights, at if node.layer.type == "locally_connected" else at[:1])
    parts, scale = [], sum(map(abs, terms.values()))
    for number, taps in enumerate(filters):
        window, inside = _window(x[first + number], places)
        parts.append(Part(first + number, window, inside, taps, float((window * taps).sum())))
        scale += float(np.abs(window * taps).sum())
    result = sum(part.total for part in parts) + sum(terms.values())
    rule = "the sums of all channels" + (" + bias" if terms else "")
    return Working(_ends(places), parts, terms, rule, result, scale)


def _linear(node: Node, at: tuple[int, ...], inputs: list[Array], weights: dict[str, Array]) -> Working:
    (x,) = inputs
    axis = (getattr(node.layer, "axis", None) or 0) % x.ndim
    vector = np.moveaxis(x, axis, -1)[at[:axis] + at[axis + 1 :]]
    row = weights["weight"][at[axis]]
    terms = _bias(weights, (at[axis],))
    part = Part(0, vector, np.ones(len(vector), bool), row, float((vector * row).sum()))
    scale = float(np.abs(vector * row).sum()) + sum(map(abs, terms.values()))
    rule = "the sum of all products" + (" + bias" if terms else "")
    return Working([], [part], terms, rule, part.total + sum(terms.values()), scale)


def _bias(weights: dict[str, Array], place: tuple[int, ...]) -> dict[str, float]:
    return {"bias": float(weights["bias"][place])} if "bias" in weights else {}


def _max(node: Node, at: tuple[int, ...], inputs: list[Array], weights: dict[str, Array]) -> Working:
    part, places = _pooled(node, at, inputs)
    largest = float(part.window[part.inside].max())  # NaN, where there is one
    return Working(_ends(places), [part], {}, "the largest of the window", largest, abs(largest))


def _mean(node: Node, at: tuple[int, ...], inputs: list[Array], weights: dict[str, Array]) -> Working:
    part, places = _pooled(node, at, inputs)
    count = int(part.inside.sum())
    if getattr(node.layer, "count_include_pad", False):
        count = _padded_count(node, places)
    scale = float(np.abs(part.window).sum())
    return Working(_ends(places), [part], {"elements": count}, "the sum / elements", part.total / count, scale)


def _padded_count(node: Node, places: list[list[int]]) -> int:
    """Return the elements of a window that lie on the map or its padding, not past both."""
    pads = node.layer.described(*node.use.inputs)["padding"]
    count = 1
    for axis, size, (before, after) in zip(places, node.use.inputs[0][1:], pads, strict=True):
        count *= sum(-before <= place < size + after for place in axis)
    return count


def _pooled(node: Node, at: tuple[int, ...], inputs: list[Array]) -> tuple[Part, list[list[int]]]:
    slides = "kernel_size" in node.layer.arguments
    places = _sliding(node, at) if slides else _bins(node, at)
    window, inside = _window(inputs[0][at[0]], places)
    return Part(at[0], window, inside, None, float(window.sum())), places


def _batchnorm(node: Node, at: tuple[int, ...], inputs: list[Array], weights: dict[str, Array]) -> Working:
    x, channel = float(inputs[0][at]), at[0]
    if "running_mean" not in weights:
        raise CnncalcError(f"'{node.name}' keeps no running statistics: its elements depend on the whole batch")
    mean, variance = float(weights["running_mean"][channel]), float(weights["running_var"][channel])
    terms = {"x": x, "mean": mean, "variance": variance, "eps": float(getattr(node.layer, "eps", 0.0))}
    root = float(np.sqrt(variance + terms["eps"]))
    result, rule = (x - mean) / root, "(x − mean) / √(variance + eps)"
    scale = (abs(x) + abs(mean)) / root
    if "weight" in weights:
        terms |= {"weight": float(weights["weight"][channel]), "bias": float(weights["bias"][channel])}
        result, rule = result * terms["weight"] + terms["bias"], f"{rule} · weight + bias"
        scale = scale * abs(terms["weight"]) + abs(terms["bias"])
    return Working([], [], terms, rule, result, scale)


def _relu(node: Node, at: tuple[int, ...], inputs: list[Array], weights: dict[str, Array]) -> Working:
    x = float(inputs[0][at])
    capped = node.layer.type == "relu6"
    result = min(max(x, 0.0), 6.0) if capped else max(x, 0.0)
    return Working([], [], {"x": x}, "min(max(x, 0), 6)" if capped else "max(x, 0)", result, abs(x))


_TRACERS: dict[str, Tracer] = {
    "conv": _conv,
    "locally_connected": _conv,
    "linear": _linear,
    "maxpool": _max,
    "global_maxpool": _max,
    "adaptive_maxpool": _max,
    "avgpool": _mean,
    "global_avgpool": _mean,
    "adaptive_avgpool": _mean,
    "batchnorm": _batchnorm,
    "relu": _relu,
    "relu6": _relu,
}
