"""Upsampling by interpolation."""

from __future__ import annotations

from math import ceil, prod

from cnncalc.ground.limits import MAX_EXPORTED_INDICES
from cnncalc.ground.numeric import floor_product
from cnncalc.layers.arguments import LayerError, argument, choice, factor, flag, number, per_axis, positive
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, Attribute, NumPy, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along, interpolated
from cnncalc.layers.shapes import Shape, spatial
from cnncalc.layers.window import size_label


class Upsample(Layer):
    """Resizes the map, by repeating its nearest element or by interpolating between neighbours.

    Input (C, *spatial), output (C, *spatial_out), each spatial axis with ``⌊in · scale_factor⌋`` positions,
    or ``size``.  Flops: nearest 0; linear, on d axes, 2ᵈ products and 2ᵈ − 1 adds per output element, cubic 4ᵈ and
    4ᵈ − 1 (the weights of the neighbours depend on the position alone, and are not counted; Keys 1981).

    Where ``scale_factor`` leaves a remainder, the positions follow the given factor, not the ratio of the sizes:
    nearest takes position ``⌊i / scale_factor⌋`` for output i, which is the rule of ONNX' Resize (asymmetric, floor)
    and of PyTorch.  PyTorch on a CPU differs for a map of two axes whose height and width are at most 128 together:
    there an axis that becomes exactly twice as long takes ``⌊i / 2⌋``, and one that keeps its length is copied.  Linear
    copies an axis that keeps its length, as PyTorch does everywhere.
    """

    kind = "shape"

    scale_factor = argument(per_axis(factor), "how many times larger each spatial axis gets", None, "scale")
    size = argument(per_axis(positive), "size of the output along each spatial axis", None)
    mode = argument(
        choice("nearest", "nearest-exact", "linear", "cubic"), "linear is bilinear on a map of two axes", "nearest"
    )
    align_corners = argument(flag, "whether linear and cubic let the corner elements' centres meet", False)
    coordinates = argument(
        choice("half_pixel", "asymmetric"),
        "whether coordinates refer to elements' centres, or to their first corners",
        "half_pixel",
    )
    cubic_a = argument(number, "the parameter of the cubic kernel", -0.75)
    antialias = argument(flag, "whether linear and cubic take in all elements that a smaller map is made of", False)
    exclude_outside = argument(
        flag, "whether cubic or antialias leave out what lies beyond a border, instead of repeating the border", False
    )

    example = Example("upsample: 2", inputs=((256, 13, 13),), output=(256, 26, 26))
    elsewhere = Elsewhere(
        torch="Upsample(size, scale_factor, mode, align_corners)",
        keras="UpSampling{d}D(size=scale_factor)",
        onnx="Resize",
        others="UpsamplingNearest{d}d UpsamplingBilinear{d}d interpolate Interp Resizing "
        "ResizeNearestNeighbor ResizeBilinear",
        compared=True,
    )

    def check(self) -> None:
        """Refuse scale_factor beside size, neither of them, and align_corners beside mode nearest."""
        if (self.scale_factor is None) == (self.size is None):
            one = "both are given" if self.size is not None else "neither is given"
            raise LayerError(
                f"takes either scale_factor or size, but {one}",
                argument=None if self.size is None else "size",
                hint="scale_factor: 2 doubles each spatial axis",
            )
        if self.antialias and (self.mode.startswith("nearest") or self.align_corners):
            what = "antialias = true takes mode linear or cubic, without align_corners"
            raise LayerError(what, argument="antialias")
        if self.exclude_outside and self.mode != "cubic" and not self.antialias:
            what = f"exclude_outside = true has no effect with mode = {self.mode}"
            raise LayerError(what, argument="exclude_outside", hint="leave it out, or write 'mode: cubic'")
        if self.align_corners and self.mode.startswith("nearest"):
            raise LayerError(
                f"align_corners = true has no effect with mode = {self.mode}",
                argument="align_corners",
                hint="leave it out, or write 'mode: linear'",
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, resized axes)."""
        (shape,) = inputs
        sizes = spatial(shape, self.type)
        if self.scale_factor is None:
            return (shape[0], *(self.size or ()))
        resized = [floor_product(size, scale) for size, scale in zip(sizes, self.scale_factor, strict=True)]
        if min(resized) < 1:
            raise LayerError(
                f"scale_factor = {min(self.scale_factor):g} leaves nothing of an axis of {min(sizes)}",
                argument="scale_factor",
                hint="floor(in · scale_factor) must be 1 or more",
            )
        return (shape[0], *resized)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Zero for nearest; the interpolation of every output element for linear and cubic."""
        neighbours = {"linear": 2, "cubic": 4}.get(self.mode, 0)
        products = neighbours ** (len(output) - 1)
        if self.antialias:
            products = prod([ceil(neighbours / min(self._factor(*axis), 1)) for axis in self._axes(inputs[0], output)])
        return (products + products - 1) * prod(output) if products else 0

    def _axes(self, shape: Shape, output: Shape) -> list[tuple[int, int, float | None]]:
        """Return each axis' size before and after, and its factor."""
        return list(zip(shape[1:], output[1:], self.scale_factor or (None,) * (len(output) - 1), strict=True))

    @staticmethod
    def _factor(length: int, count: int, factor: float | None) -> float:
        return count / length if factor is None else factor

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return on each axis the nearest element, or those around a place."""
        if self.antialias:
            return along(Read(0), *[Read(None, None, False)] * (len(output) - 1))
        neighbours = {"linear": 1, "cubic": 2 if self.cubic_a else 1}.get(self.mode, 0)
        places = "corners" if self.align_corners else self.coordinates if self.mode != "nearest" else "asymmetric"
        is_rounded = self.mode == "nearest-exact"
        reads = [Read(0)]
        for axis, (length, count, scale) in enumerate(self._axes(inputs[0], output), 1):
            if count == length and self.mode == "linear" and self.coordinates == "half_pixel":
                scale = None  # copied
            reads.append(Read(axis, interpolated(length, count, scale, neighbours, places, is_rounded)))
        return along(*reads)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Resize axis by axis: each output is the nearest element, or a weighted sum of those around its place."""
        np = ops.np
        x = np.moveaxis(inputs[0], 1, -1)
        rank = x.ndim - 2
        factors = self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,) * rank
        sizes = self.size if isinstance(self.size, tuple) else (self.size,) * rank
        for axis, (scale, size) in enumerate(zip(factors, sizes, strict=True), 1):
            length = x.shape[axis]
            count = int(length * scale) if size is None else size
            if self.mode.startswith("nearest"):
                x = x.take(self._nearest(np, length, count, scale), axis=axis)
            elif count != length or self.mode != "linear" or self.coordinates != "half_pixel" or self.antialias:
                x = self._interpolated(np, x, axis, count, scale)
        return np.moveaxis(x, -1, 1)

    def _interpolated(self, np: NumPy, x: Array, axis: int, count: int, factor: float | None) -> Array:
        """Return weighted sums of the elements around ``count`` places of an axis."""
        length = x.shape[axis]
        places = np.arange(count) * (length / count if factor is None else 1 / factor)
        if self.align_corners:
            places = np.arange(count) * ((length - 1) / max(count - 1, 1))
        elif self.coordinates == "half_pixel":
            places = places + (0.5 / factor if factor else 0.5 * length / count) - 0.5
        if self.antialias:
            low, weights = self._wide(np, places, min(self._factor(length, count, factor), 1.0))
        else:
            low, weights = self._weights(np, places)
        taps = np.arange(len(weights)).reshape(-1, 1) + low
        if self.exclude_outside:
            weights = np.where((taps >= 0) & (taps < length), weights, 0)
            weights = weights / weights.sum(0)
        shape = (-1, *(1,) * (x.ndim - axis - 1))
        total: Array | None = None
        for tap, weight in zip(taps, weights, strict=True):
            part = x.take(tap.clip(0, length - 1), axis=axis)
            part *= weight.astype(x.dtype).reshape(shape)
            total = part if total is None else np.add(total, part, total)
        assert total is not None
        return total

    def _weights(self, np: NumPy, places: Array) -> tuple[Array, Array]:
        """Return the first neighbour of each place, and the weights of all."""
        if self.mode == "linear":
            places = np.maximum(places, 0)  # so that the weights of a border's element are 1 and 0
        low = np.floor(places).astype(int)
        share = places - low
        if self.mode == "linear":
            return low, np.stack([1 - share, share])
        return low - 1, self._kernel(np, np.stack([1 + share, share, 1 - share, 2 - share]))

    def _kernel(self, np: NumPy, distances: Array) -> Array:
        """Return the weights of elements that lie so far away."""
        if self.mode == "linear":
            return np.maximum(1 - distances, 0)
        return cubic(np, distances, self.cubic_a)

    def _wide(self, np: NumPy, places: Array, factor: float) -> tuple[Array, Array]:
        """Return the first element of each place and the weights of all, by a kernel as wide as an output element.

        Elements beyond a border are those at it, as in ONNX; Pillow and PyTorch leave them out (``exclude_outside``).
        """
        reach = (1 if self.mode == "linear" else 2) / factor
        low = np.ceil(places - reach).astype(int)
        taps = low + np.arange(int(2 * reach) + 2).reshape(-1, 1)
        weights = self._kernel(np, abs(taps - places) * factor)
        return low, weights / weights.sum(0)

    def to_onnx(self, onnx: Onnx) -> str:
        """Resize; where its rounding may miss the nearest element, Gather instead."""
        if self.antialias:
            onnx.needs(18, "antialias")
        np, sizes = onnx.np, list(zip(onnx.shapes[0][1:], onnx.output[1:], strict=True))
        factors = [None] * len(sizes) if self.scale_factor is None else self.scale_factor
        is_nearest = self.mode.startswith("nearest")
        pairs = list(zip(sizes, factors, strict=True))
        if is_nearest and any(
            size % length or factor not in (None, size // length) for (length, size), factor in pairs
        ):
            y = onnx.x
            for axis, ((length, count), factor) in enumerate(pairs, 2):
                if count > MAX_EXPORTED_INDICES:
                    raise LayerError(f"takes {count:,} indices, but at most {MAX_EXPORTED_INDICES:,} are exported")
                y = onnx.node("Gather", y, onnx.integers(self._nearest(np, length, count, factor)), axis=axis)
            return y
        scales = None if self.scale_factor is None else [self._float32(np, *axis) for axis in pairs]
        if self.mode != "cubic" or len(pairs) == 2:
            return onnx.resize(onnx.x, scales, onnx.output[1:], **self._onnx_attributes())
        y, shape = onnx.x, [*onnx.shapes[0]]
        for axis, count in enumerate(onnx.output[1:], 1):  # runtimes have cubic only on two axes
            behind = prod(shape[axis + 1 :])
            y = onnx.reshape(y, [0, prod(shape[:axis]), shape[axis], behind])
            along = None if scales is None else [scales[axis - 1], 1.0]
            y = onnx.resize(y, along, [count, behind], **self._onnx_attributes())
            shape[axis] = count
        return onnx.reshape(y, [0, *onnx.output])

    def _float32(self, np: NumPy, sizes: tuple[int, int], factor: float | None) -> float:
        """Return a float32 factor whose product with the axis is exactly its new size, rounded to float32 or not."""
        length, count = sizes
        copies = count == length and self.mode == "linear" and self.coordinates == "half_pixel"
        scale = np.float32(1 if copies or factor is None else factor)
        while (found := {int(np.float32(length) * scale), int(length * float(scale))}) != {count}:
            scale = np.nextafter(scale, np.float32(2 * scale if min(found) < count else 0))
        return float(scale)

    def _onnx_attributes(self) -> dict[str, Attribute]:
        """Return Resize's attributes for the places and for the interpolation."""
        is_nearest = self.mode.startswith("nearest")
        places = "asymmetric" if self.mode == "nearest" else "align_corners" if self.align_corners else self.coordinates
        made: dict[str, Attribute] = {
            "mode": "nearest" if is_nearest else self.mode,
            "coordinate_transformation_mode": places,
        }
        if is_nearest:
            made["nearest_mode"] = "floor" if self.mode == "nearest" else "round_prefer_ceil"
        more: dict[str, Attribute] = {"cubic_coeff_a": self.cubic_a} if self.mode == "cubic" else {}
        flags = {"antialias": self.antialias, "exclude_outside": self.exclude_outside}
        return made | more | {name: 1 for name, is_set in flags.items() if is_set}

    def _nearest(self, np: NumPy, length: int, count: int, factor: float | None) -> list[int]:
        """Return which element of an axis each place of the output takes."""
        step = length / count if factor is None else 1 / factor
        places = np.arange(count)
        ahead = 0.5 * (self.mode == "nearest-exact")
        if self.coordinates == "half_pixel":  # in float32, as PyTorch computes it
            taken = ((places.astype("float32") + np.float32(ahead)) * np.float32(step)).astype(int)
        else:
            taken = (places * step + ahead).astype(int)
        return [int(place) for place in taken.clip(0, length - 1)]

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function.  Raises LayerError for places and kernels that it does not have."""
        d = torch.mapped("upsampling")
        if self.mode == "cubic" and (d != 2 or self.cubic_a != (-0.5 if self.antialias else -0.75)):
            raise LayerError("has cubic upsampling only on two axes, with cubic_a = -0.75, or -0.5 with antialias")
        if self.antialias and d != 2:
            raise LayerError("has antialias only on two axes")
        if self.coordinates == "asymmetric" and self.mode != "nearest":
            raise LayerError(f"has no asymmetric coordinates with mode = {self.mode}")
        if self.antialias != self.exclude_outside:
            raise LayerError("leaves out what lies beyond a border where antialias = true, and only there")
        modes = {"linear": ("linear", "bilinear", "trilinear")[d - 1], "cubic": "bicubic"}
        name, sized = ("size", self.size) if self.scale_factor is None else ("scale_factor", self.scale_factor)
        options = {"mode": torch.option(modes.get(self.mode, self.mode), "nearest")}
        options |= torch.options("align_corners", "antialias")
        return torch.call("F.interpolate", torch.x, **options, **{name: torch.short(sized or ())})

    def label(self) -> str:
        """Return ``×2`` or ``56×56``, and the mode."""
        mode = "" if self.mode == "nearest" else f", {self.mode}" + ", antialias" * self.antialias
        mode += ", inside" * self.exclude_outside
        if self.size is not None:
            return size_label(self.size) + mode
        scales = self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,)
        return "".join(f"×{scale:g}" for scale in dict.fromkeys(scales)) + mode


def cubic(np: NumPy, distances: Array, a: float) -> Array:
    """Return the weights of elements that lie so far away, by the cubic kernel of a parameter (Keys 1981)."""
    near = ((a + 2) * distances - (a + 3)) * distances * distances + 1
    far = a * (((distances - 5) * distances + 8) * distances - 4)
    return np.where(distances <= 1, near, np.where(distances < 2, far, 0))
