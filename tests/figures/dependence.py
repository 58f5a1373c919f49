"""The positions that outputs really depend on, found by running the network and changing one position at a time."""

from __future__ import annotations

from math import prod
from random import Random
from typing import Any

import numpy as np

from cnncalc.figures.fields import Field
from cnncalc.layers.base import LayerError
from cnncalc.layers.reads import Permuted, Ranges, Reshaped
from cnncalc.layers.shapes import Shape
from cnncalc.network import Network
from tests.layers.building import make

Bounds = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

_FAR = 10**6  # first position of an element that depends on none; negated, its last one


def dependence(network: Network, axis: int, seed: int = 0) -> Bounds:
    """Return the first and the last position of the input's axis that each output element depends on: (2, *output).

    All channels and other axes of a position are changed together, each element by its own random amount.  Weights are
    positive, so that no two paths cancel, and changes are larger than what comes in, so that a maximum notices them.
    """
    random = np.random.default_rng(seed)
    source = network.inputs["input"]
    size = source.shape[axis]
    batch = np.broadcast_to(1e-4 * (random.random(source.shape) + 0.5), (size + 1, *source.shape)).copy()
    for position in range(size):
        line = batch[position + 1].swapaxes(0, axis)[position]
        line += 1 + random.random(line.shape)
    weights = {}
    for node in network.nodes:
        for name, weight in node.use.weights.items():
            amounts = (random.random(weight.shape) + 0.5) / prod(weight.shape[1:])
            weights[f"{node.name}.{name}"] = amounts * (name not in ("running_mean", "bias"))
    result = network.run({"input": batch}, weights=weights).outputs["output"]
    changed = ~np.isclose(result[1:], result[:1], rtol=1e-9, atol=3e-14)  # weights of interpolation are not exact
    first = np.where(changed.any(0), changed.argmax(0), _FAR)
    last = np.where(changed.any(0), size - 1 - changed[::-1].argmax(0), -_FAR)
    return np.stack([first, last])


def beyond(network: Network) -> Mask:
    """Return which output elements depend, directly or indirectly, on positions outside a map, such as padding."""
    found: dict[Any, Any] = {tensor: np.zeros(tensor.shape, bool) for tensor in network.inputs.values()}
    for node in network.nodes:
        moves = node.layer.reads(node.use.inputs, node.shape)
        reached = np.zeros(node.shape, bool)
        for number, tensor in enumerate(node.inputs):
            reached |= _behind(found[tensor], moves[number] if moves else (), node.shape)
        found[node] = reached
    mask: Mask = found[network.outputs["output"]]
    return mask


def _behind(reached: Any, moves: Any, output: Shape) -> Any:
    for move in moves:
        if isinstance(move, Reshaped):
            reached = reached.reshape(move.shape)
        elif isinstance(move, Permuted):
            reached = reached.transpose(move.order)
        else:
            for axis, read in enumerate(move.reads):
                if read.axis is None:
                    reached = reached.any(axis, keepdims=True)
                elif read.ranges is not None:
                    lines = [_line(reached, axis, read.ranges, position) for position in range(output[axis])]
                    reached = np.stack(lines, axis)
    return np.broadcast_to(reached, output)


def _line(reached: Any, axis: int, ranges: Ranges, position: int) -> Any:
    turns, place = divmod(position, ranges.period)
    ends = ranges.of(place)
    line = np.zeros([size for i, size in enumerate(reached.shape) if i != axis], bool)
    if ends is not None:
        more = turns * (ranges.growth or 0)
        for i in range(ends[0] + more, ends[1] + more + 1, ranges.step):
            line |= reached.take(i, axis) if 0 <= i < reached.shape[axis] else True
    return line


def claimed(field: Field, shape: Shape) -> Bounds:
    """Return the first and the last position of each element according to a field: (2, *shape)."""
    ends = np.empty((2, *shape), np.int64)
    for index in np.ndindex(*shape):
        low, high = _FAR, -_FAR
        for term in field.together:
            position = 0
            for axis, unit, size in term.places:
                position = position * size + index[axis] // unit % size
            first, last = term.pattern.at(position)
            if first <= last:
                low, high = min(low, first), max(high, last)
        ends[(slice(None), *index)] = low, high
    return ends


def over_channels(bounds: Bounds, field: Field) -> Bounds:
    """Return the union over all channels, unless channels are positions of the input."""
    if bounds.ndim == 2 or any(place.axis == 0 for term in field.together for place in term.places):
        return bounds
    return np.stack([bounds[0].min(0, keepdims=True), bounds[1].max(0, keepdims=True)])


class Writer:
    """Random networks of one input, layer by layer."""

    def __init__(self, seed: int, resizing: bool = True) -> None:
        """Begin with an input of one or two spatial axes."""
        self.random = Random(seed)
        self.resizing = resizing
        # whether increasing an element may decrease another, which would stay hidden behind a maximum
        self.is_mixed = False
        rank = self.random.choice([1, 2, 2])
        sizes = [self.random.randint(14, 24 if rank == 1 else 18) for _ in range(rank)]
        self.network = Network("random", {"input": (self.random.choice([1, 2, 4]), *sizes)})
        self.tensor: Any = self.network.inputs["input"]
        for _ in range(self.random.randint(1, 6)):
            self.step()
        self.network.outputs["output"] = self.tensor

    def step(self) -> None:
        """Add a layer, or branches of one or two layers that are merged."""
        if self.random.random() < 0.25:
            ends = []
            start = self.tensor
            for _ in range(self.random.randint(2, 3)):
                self.tensor = start
                for _ in range(self.random.randint(0, 2)):
                    self.add(self.item(), (self.tensor,))
                ends.append(self.tensor)
            merges = ["add", "multiply", "concat", "concat: {axis: 1}", "concat: {axis: -1}", "maximum"]
            merge = self.random.choice(merges[: -1 if self.is_mixed else None])
            if not self.add(merge, tuple(ends)):
                self.tensor = ends[0]
        else:
            self.add(self.item(), (self.tensor,))

    def add(self, item: str, inputs: Any) -> bool:
        """Add a layer if it fits, and the map does not grow too large."""
        try:
            layer = make(item)
            shape = layer.apply(tuple([tensor.shape for tensor in inputs])).output
            if prod(shape) > 20_000 or max(shape[1:], default=1) > 80:
                return False
            self.tensor = self.network.add(layer, inputs, f"n{len(self.network.nodes)}")
            self.is_mixed |= "cubic" in item or layer.type in (
                "softmax",
                "instancenorm",
                "layernorm",
                "groupnorm",
                "lrn",
            )
        except LayerError:
            return False
        return True

    def item(self) -> str:
        """Return a random item for the present tensor."""
        pick, number = self.random.choice, self.random.randint
        channels, rank = self.tensor.shape[0], len(self.tensor.shape) - 1
        kernel, stride, dilation = number(1, 4), number(1, 3), number(1, 2)
        window = f"kernel_size: {kernel}, stride: {stride}, padding: {pick([0, 0, 1, kernel // 2])}"
        sizes = list(self.tensor.shape)
        kinds = [
            lambda: f"conv: {{out_channels: {pick([1, 2, 4])}, {window}, dilation: {dilation}, bias: false}}",
            lambda: f"conv: {{out_channels: {channels}, {window}, groups: {channels}}}",
            lambda: f"conv: {{out_channels: 2, kernel_size: {kernel}, padding: same}}",
            lambda: (
                f"{pick(['lppool', 'avgpool'] if self.is_mixed else ['maxpool', 'avgpool', 'lppool'])}: {{{window}}}"
            ),
            lambda: f"slice: {{axis: {number(0, rank)}, start: {number(0, 3)}, step: {number(1, 2)}}}",
            lambda: f"pad: {{padding: {number(0, 2)}, mode: {pick(['constant', 'reflect', 'replicate', 'circular'])}}}",
            lambda: f"center_crop: {max(min(sizes[1:], default=1) - number(0, 3), 1)}",
            lambda: pick(
                ["identity", "batchnorm", "scale: {init: 1}", "prelu", "relu"][: -1 if self.is_mixed else None]
            ),
        ]
        if self.random.random() < 0.25:
            kinds = [
                lambda: pick(["instancenorm", "layernorm", "groupnorm: 1", "lrn: 3"]),
                lambda: (
                    f"{pick(['layernorm', 'softmax'])}: {pick([i for i, size in enumerate(sizes) if size > 1] or [0])}"
                ),
                lambda: pick(["global_avgpool", "flatten", "adaptive_avgpool: 3", "adaptive_maxpool: 5"]),
                lambda: f"linear: {{out_features: 3, axis: {number(0, rank)}}}",
                lambda: f"permute: {self.random.sample(range(rank + 1), rank + 1)}",
                lambda: f"reshape: {pick([[channels, -1], [-1, *sizes[1:]], [2, -1, 2], [-1, 3, 1], sizes[::-1]])}",
                lambda: pick(["pixel_shuffle: 2", "pixel_unshuffle: 2", "channel_shuffle: 2"]),
            ]
        if self.resizing and self.random.random() < 0.4:
            kinds = [
                lambda: f"upsample: {pick([2, 3, 1.5, 0.5])}",
                lambda: (
                    f"upsample: {{size: {number(5, 30)}, mode: {pick(['linear', 'linear', 'nearest-exact', 'cubic'])}}}"
                ),
                lambda: (
                    f"upsample: {{scale_factor: {number(2, 3)}, mode: linear, align_corners: {pick(['true', 'false'])}}}"
                ),
                lambda: (
                    f"conv_transpose: {{out_channels: 2, kernel_size: {kernel}, stride: {stride}, dilation: {dilation}, "
                    f"padding: {number(0, 1)}}}"
                ),
            ]
        return pick(kinds)()
