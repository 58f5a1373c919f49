"""Sampling of a map at places given by a second input."""

from __future__ import annotations

from itertools import product
from math import prod

from cnncalc.layers.arguments import LayerError, argument, choice, flag
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, NumPy, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Along, Read, Reads
from cnncalc.layers.shape.upsample import cubic
from cnncalc.layers.shapes import Shape, shape_text

ON_TWO_AXES = {"linear": "bilinear", "cubic": "bicubic"}
"""Modes on maps of two axes, as PyTorch and older ONNX call them."""


class GridSample(Layer):
    """Reads a map at the places of a grid, as a spatial transformer does (Jaderberg et al. 2015, arXiv:1506.02025).

    Inputs (C, *spatial) and, for d spatial axes, the grid (*spatial_out, d): the coordinates of each place, that of the
    last axis first, from −1 to 1 over the map; output (C, *spatial_out).  Flops per output element: linear 2ᵈ products
    and 2ᵈ − 1 adds, cubic 4ᵈ and 4ᵈ − 1 (Keys 1981, a = −0.75), nearest none; the weights, which depend only on
    the place, are not counted.
    """

    kind = "shape"
    arity = (2, 2)

    mode = argument(choice("linear", "nearest", "cubic"), "linear is bilinear on a map of two axes", "linear")
    padding_mode = argument(
        choice("zeros", "border", "reflection"),
        "values outside the map: 0, the nearest element, or the map mirrored",
        "zeros",
    )
    align_corners = argument(flag, "whether −1 and 1 are the centres of the corner elements, not their edges", False)

    example = Example(
        "grid_sample", inputs=((64, 28, 28), (14, 14, 2)), output=(64, 14, 14), flops=(4 + 3) * 64 * 14 * 14
    )
    elsewhere = Elsewhere(onnx="GridSample", others="spatial_transformer warp remap", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, *spatial_out)."""
        x, grid = inputs
        if len(x) != len(grid) or len(x) < 2 or grid[-1] != len(x) - 1:
            raise LayerError(
                f"takes a map and a grid of places, but its inputs are {shape_text(x)} and {shape_text(grid)}",
                hint="(C, H, W) and (H_out, W_out, 2)",
            )
        return (x[0], *grid[:-1])

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The sum of the weighted neighbours, for each element."""
        neighbours = {"linear": 2, "cubic": 4}.get(self.mode, 0) ** (len(output) - 1)
        return (2 * neighbours - 1) * prod(output) if neighbours else 0

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element may read all of its channel, and its place in the grid."""
        rank = len(output)
        own = Along((Read(0), *[Read(None, None, False)] * (rank - 1)))
        return (own,), (Along((*[Read(axis) for axis in range(1, rank)], WHOLE)),)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Find the neighbours of each place, and sum them with their weights."""
        np = ops.np
        count = max(map(len, inputs))
        x, grid = [np.broadcast_to(one, (count, *one.shape[1:])) for one in inputs]
        sizes = x.shape[2:]
        places = [self._place(np, grid[..., -1 - axis], size) for axis, size in enumerate(sizes)]
        samples = np.arange(count).reshape(-1, *(1,) * len(sizes))
        channels_last = np.moveaxis(x, 1, -1)
        if self.mode == "nearest":
            y = self._taken(np, channels_last, samples, [np.rint(place) for place in places])
            return np.moveaxis(y, -1, 1)
        below = [np.floor(place) for place in places]
        total = None
        for corner in product(range(-1, 3) if self.mode == "cubic" else (0, 1), repeat=len(sizes)):
            weight = samples * 0 + 1
            for place, low, step in zip(places, below, corner, strict=True):
                weight = weight * self._weight(np, abs(place - low - step))
            at = [
                self._inside(np, low + step, size) if self.mode == "cubic" else low + step
                for low, step, size in zip(below, corner, sizes, strict=True)
            ]
            part = self._taken(np, channels_last, samples, at) * weight[..., None].astype(x.dtype)
            total = part if total is None else total + part
        return np.moveaxis(total, -1, 1)

    def _weight(self, np: NumPy, distance: Array) -> Array:
        """Return the weight of an element that lies so far from a place on one axis."""
        return 1 - distance if self.mode == "linear" else cubic(np, distance, -0.75)

    def _place(self, np: NumPy, coordinate: Array, size: int) -> Array:
        """Return coordinates from −1 to 1 as places of an axis."""
        place = (coordinate + 1) / 2 * (size - 1) if self.align_corners else ((coordinate + 1) * size - 1) / 2
        return place if self.mode == "cubic" else self._inside(np, place, size)

    def _inside(self, np: NumPy, place: Array, size: int) -> Array:
        """Return places of an axis, those outside where the padding has them."""
        if self.padding_mode == "reflection":
            low, high = (0.0, size - 1.0) if self.align_corners else (-0.5, size - 0.5)
            span = max(high - low, 1e-9)
            distance = np.abs(place - low) % (2 * span)
            place = low + np.minimum(distance, 2 * span - distance)
        if self.padding_mode != "zeros":
            place = np.clip(place, 0, size - 1)
        return place

    def _taken(self, np: NumPy, x: Array, samples: Array, places: list[Array]) -> Array:
        """Return the elements at whole places of a map with its channels last; 0 outside."""
        sizes = x.shape[1:-1]
        inside = samples == samples
        for place, size in zip(places, sizes, strict=True):
            inside = inside & (place >= 0) & (place <= size - 1)
        indices = [np.clip(place, 0, size - 1).astype(int) for place, size in zip(places, sizes, strict=True)]
        found: Array = x[(samples, *indices)] * inside[..., None]
        return found

    def to_onnx(self, onnx: Onnx) -> str:
        """GridSample, available from opset 16; its linear mode has another name before 20."""
        onnx.needs(16)
        if len(onnx.output) != 3:
            onnx.needs(20, "maps with other than two axes")
        mode = self.mode if onnx.opset >= 20 else ON_TWO_AXES.get(self.mode, self.mode)
        return onnx.node(
            "GridSample", onnx.stretched(0), onnx.stretched(1), mode=mode, padding_mode=self.padding_mode,
            align_corners=int(self.align_corners),
        )  # fmt: skip

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function, of maps of two and three axes."""
        if len(torch.output) not in (3, 4) or any(torch.once):
            raise LayerError("has no grid_sample for one axis, or for an input shared by all samples")
        if self.mode == "cubic" and len(torch.output) != 3:
            raise LayerError("has a cubic grid_sample for two axes only")
        how = {"mode": torch.option(ON_TWO_AXES.get(self.mode, self.mode), "bilinear")}
        options = {**how, **torch.options("padding_mode"), "align_corners": self.align_corners}
        return torch.call("F.grid_sample", torch.x, torch.inputs[1], **options)

    def label(self) -> str:
        """Return the mode unless it is linear, and the padding unless it is 0."""
        words = (self.mode, "linear"), (self.padding_mode, "zeros")
        return ", ".join([word for word, usual in words if word != usual])
