"""Explanations of one layer: its formulas, its window, its padding, and what weight sharing saves.

Formulas are the layer's own rules, run on named numbers (:mod:`cnncalc.layers.symbols`).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncalc.figures.costs import DTYPES
from cnncalc.figures.receptive_field import receptive_fields
from cnncalc.graph import Graph, Node
from cnncalc.layers.shapes import Shape, axis_names
from cnncalc.layers.symbols import Formula, Symbol, formula, named_shape, symbolic
from cnncalc.layers.window import window_count
from cnncalc.studies.explain.growth import Sight, sights

if TYPE_CHECKING:
    pass

_LARGEST_COVER = 100_000  # taps of an axis that are looked at one by one


class Border(NamedTuple):
    """What a sliding window does with the borders of one axis.

    Attributes:
        axis: its letter.
        size: of the map that comes in.
        pad: elements added before and after it.
        window: the window's extent, dilation included.
        stride: its step.
        positions: how many windows there are.
        unpadded: how many there would be without padding.
        lost: elements of the map that no window reaches, as ranges (first, last); None where that was not
            looked into, the axis being very long.
        beyond: elements, padding included, behind the last window.
        over: elements by which the last window overhangs the end, padding included.
    """

    axis: str
    size: int
    pad: tuple[int, int]
    window: int
    stride: int
    positions: int
    unpadded: int
    lost: tuple[tuple[int, int], ...] | None
    beyond: int
    over: int


class Explanation(NamedTuple):
    """Everything about one layer.  Counts are per sample.

    Attributes:
        node: the layer in its network.
        formulas: output axes first, then weights, params, buffers, macs and flops.
        memory: bytes of the output and of the parameters.
        sights: one per axis of the network's inputs; empty where they are vectors, or where all was seen before.
        edges: an axis each; empty where no window slides.
        padded_share: products (or compared elements) that are with padding, or past the end of it, of all.
        sharing: params as they are, with filters of their own at every position, and fully connected.
    """

    node: Node
    formulas: list[Formula]
    memory: list[Formula]
    sights: list[Sight]
    edges: list[Border]
    padded_share: float
    sharing: list[Formula]


def explain(network: Graph, nodes: list[Node], dtype: str = "float32") -> list[Explanation]:
    """Return how the figures of some of a network's nodes come about."""
    fields = receptive_fields(network)
    width = DTYPES[dtype]
    return [_explanation(node, sights(network, node, fields), width) for node in nodes]


def _explanation(node: Node, seen: list[Sight], width: int) -> Explanation:
    edges, share = _edges(node)
    formulas = node.formulas()
    return Explanation(
        node, _with_buffers(node, formulas), _memory(node, width), seen, edges, share, _sharing(node, formulas)
    )


# --- counts --------------------------------------------------------------------------------------------------


def _with_buffers(node: Node, formulas: list[Formula]) -> list[Formula]:
    """Return the formulas with the buffers' behind the params'."""
    buffers = {name: prod(weight.shape) for name, weight in node.use.weights.items() if not weight.trainable}
    if not buffers:
        return formulas
    numbers = " + ".join(f"{count:,}" for count in buffers.values())
    place = [found.symbol for found in formulas].index("macs")
    return [*formulas[:place], Formula("buffers", " + ".join(buffers), numbers, node.use.buffers), *formulas[place:]]


def _memory(node: Node, width: int) -> list[Formula]:
    output = formula("output", prod(named_shape(node.shape, "_out")) * width)
    if not node.params:
        return [output]
    return [output, formula("weights", Symbol(node.params, "params") * width)]


def _sharing(node: Node, formulas: list[Formula]) -> list[Formula]:
    """Return what a convolution's params are, and what they would be if no two positions shared them."""
    layer, use = node.layer, node.use
    if layer.type not in ("conv", "locally_connected") or len(node.shape) == 1:
        return []
    named: Any = symbolic(layer, len(node.shape) - 1)
    ins, outs = named_shape(use.inputs[0], "_in"), named_shape(node.shape, "_out")
    groups = getattr(named, "groups", 1)
    weight = named.out_channels * (ins[0] // groups) * prod(named.kernel_size)
    shared = formula("shared", weight + named.out_channels if named.bias else weight)
    if layer.type == "conv":
        params = next(found for found in formulas if found.symbol == "params")
        shared = params._replace(symbol="shared")
    return [
        shared,
        formula("unshared", weight * prod(outs[1:])),
        formula("fully connected", prod(ins) * prod(outs)),
    ]


# --- what is seen --------------------------------------------------------------------------------------------


def _edges(node: Node) -> tuple[list[Border], float]:
    """Return what a sliding window does at each axis' borders, and the share of its taps on padding."""
    window = node.layer.sliding(node.use.inputs)
    if window is None:
        return [], 0.0
    sizes = node.use.inputs[0][1:]
    edges, inside = [], 1.0
    axes = zip(axis_names(len(node.shape))[1:], sizes, *window[:4], node.shape[1:], strict=True)
    for name, *axis in axes:
        taps = WindowReads(*axis)
        inside *= taps.inside_share()
        edges.append(taps.edge(name, window.ceil))
    return edges, 1.0 - inside


class WindowReads(NamedTuple):
    """The places of an axis that its windows read: window i reads ``i·stride − pad + k·dilation``."""

    size: int
    kernel: int
    stride: int
    pad: tuple[int, int]
    dilation: int
    positions: int

    def edge(self, axis: str, ceil: bool) -> Border:
        """Return what happens at the borders of the axis, which is called ``axis``; with ``ceil`` windows overhang."""
        extent = self.dilation * (self.kernel - 1) + 1
        before, after = self.pad
        unpadded = window_count(self.size, self.kernel, self.stride, (0, 0), self.dilation, ceil)
        rest = self.size + before + after - ((self.positions - 1) * self.stride + extent)
        return Border(
            axis, self.size, self.pad, extent, self.stride, self.positions, unpadded, self.lost(),
            max(rest, 0), max(-rest, 0),
        )  # fmt: skip

    def inside_share(self) -> float:
        """Return which part of all taps falls on the map, not on padding."""
        if self.kernel > _LARGEST_COVER:
            return 1.0
        return sum([self._inside(tap) for tap in range(self.kernel)]) / (self.kernel * self.positions)

    def _inside(self, tap: int) -> int:
        """Return for how many windows a tap falls on the map: 0 ≤ i·stride + first < size."""
        first = tap * self.dilation - self.pad[0]
        lowest = max(-(first // self.stride), 0)
        highest = min((self.size - 1 - first) // self.stride, self.positions - 1)
        return max(highest - lowest + 1, 0)

    def lost(self) -> tuple[tuple[int, int], ...] | None:
        """Return the elements that no window reads, as ranges (first, last); None for a very long axis."""
        if self.positions * self.kernel > _LARGEST_COVER or self.size > _LARGEST_COVER:
            return None
        starts = range(-self.pad[0], self.positions * self.stride - self.pad[0], self.stride)
        reached = {start + tap * self.dilation for start in starts for tap in range(self.kernel)}
        return ranges([place for place in range(self.size) if place not in reached])


def ranges(places: list[int]) -> tuple[tuple[int, int], ...]:
    """Return sorted numbers as ranges (first, last)."""
    found: list[tuple[int, int]] = []
    for place in places:
        if found and place == found[-1][1] + 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return tuple(found)


def together(formulas: list[Formula], shape: Shape) -> list[Formula]:
    """Return formulas with the spatial axes that are computed alike as one: ``H_out = W_out = …``."""
    letters = axis_names(len(shape))
    found: list[Formula] = []
    general = ""
    for place, one in enumerate(formulas):
        letter = letters[place] if 0 < place < len(shape) else ""
        above, general = general, one.expression.replace(f"{letter}_", "axis_") if letter else ""
        if general and general == above and found[-1][2:] == one[2:]:
            found[-1] = found[-1]._replace(symbol=f"{found[-1].symbol} = {one.symbol}")
        else:
            found.append(one)
    return found
