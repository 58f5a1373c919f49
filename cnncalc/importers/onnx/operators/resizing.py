"""Operators that resize a map (https://onnx.ai/onnx/operators/onnx__Resize.html)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from math import ceil, floor

from cnncalc.ground.limits import MAX_KNOWN_ELEMENTS
from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator import float32
from cnncalc.importers.onnx.operators.contraction import feature_map
from cnncalc.importers.onnx.operators.opaque import uncounted
from cnncalc.importers.onnx.operators.parts import at_indices
from cnncalc.importers.onnx.steps import layer_of
from cnncalc.importers.onnx.values import Call, UnfitError, Value, alias
from cnncalc.layers.shapes import Shape


def _half_pixel(i: int, scale: float, length: int, count: int) -> float:
    return float32(float32((i + 0.5) / scale) - 0.5)


def _half_pixel_symmetric(i: int, scale: float, length: int, count: int) -> float:
    offset = float32(length / 2 * float32(1 - float32(count / float32(scale * length))))
    return float32(offset + (i + 0.5) / scale - 0.5)


POSITIONS: dict[str, Callable[[int, float, int, int], float]] = {
    "half_pixel": _half_pixel,
    "pytorch_half_pixel": lambda i, scale, length, count: _half_pixel(i, scale, length, count) if count > 1 else 0.0,
    "align_corners": lambda i, scale, length, count: (
        float32(float32(i * (length - 1)) / (count - 1)) if count > 1 else 0.0
    ),
    "asymmetric": lambda i, scale, length, count: float32(i / scale),
    "tf_half_pixel_for_nn": lambda i, scale, length, count: float32((i + 0.5) / scale),
    "half_pixel_symmetric": _half_pixel_symmetric,
}
"""The position on an axis of the input for index i of the output, a function of i, scale, input size, output size."""

NEARLY = 1e-6
"""How far from the middle between two elements a position still counts as the middle.

So does ONNX Runtime, where float32 is not exact (https://github.com/microsoft/onnxruntime/issues/28291).
"""

ROUNDINGS: dict[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda x: ceil(x - (0.5 + NEARLY)), "round_prefer_ceil": lambda x: floor(x + (0.5 + NEARLY)),
    "floor": floor, "ceil": ceil,
}  # fmt: skip
"""The index of the element nearest to a position."""

STEPS_PER_INDEX = 8
"""Computed elements of constants that take as long as the index of one nearest element."""

UPSAMPLE_INDICES: tuple[tuple[dict[str, str], Callable[[int, float], int]], ...] = (
    ({}, lambda i, step: int(float32(i * float32(step)))),
    ({"mode": "nearest-exact"}, lambda i, step: int(float32((i + 0.5) * float32(step)))),
    ({"mode": "nearest-exact", "coordinates": "asymmetric"}, lambda i, step: int(i * step + 0.5)),
)
"""Arguments of the layer ``upsample``, and the index of the element that it then takes for index i of the output.

The step is the inverse of the layer's factor; without a factor, it is the ratio of the sizes.
"""


@operator("Resize", "Upsample")
def _resize(build: Builder, call: Call) -> Value:
    whole = call.input(0)
    x = feature_map(whole)
    sizes, factors = _sizes(call, whole)
    first = 1 if x.axis is not None or x is not whole else 0
    if sizes[: first + 1] != list(whole.dims[: first + 1]):
        raise UnfitError("it resizes the batch or the channels")
    size, scales = tuple(sizes[first + 1 :]), factors[first + 1 :]
    if not _is_upsample(call, x, size, scales):
        return uncounted(build, call, (x.shape[0], *size), x.axis)
    if size == x.shape[1:]:
        return alias(whole, whole.shape, x.axis)
    if call.text("mode", "nearest") == "nearest":
        y = _nearest(build, call, x, size, scales)
    else:
        layer = layer_of("upsample", _interpolation(call, scales) | _scale_or_size(x.shape[1:], size, scales))
        y = build.layer(layer, [x], x.axis)
    return y if x.is_live else build.view(y, tuple(sizes), None)


def _is_upsample(call: Call, x: Value, size: Shape, scales: Sequence[float]) -> bool:
    """Whether the layer upsample computes the same: it has the same positions, and the same elements around them."""
    where, axes = _coordinate_mode(call), list(zip(x.shape[1:], size, scales, strict=True))
    averages = _antialiases(call, scales) and where in ("align_corners", "asymmetric")
    if where not in POSITIONS or averages:
        return False
    if call.text("mode", "nearest") == "nearest":
        return True
    if not _has_factors(axes) and where != "align_corners":
        return False
    if where in ("tf_half_pixel_for_nn", "half_pixel_symmetric"):
        return False
    if where == "pytorch_half_pixel" and any(count == 1 < length for length, count, _ in axes):
        return False
    is_shifted = any(scale != 1 and count == length for length, count, scale in axes)
    return not (is_shifted and call.text("mode") == "linear" and where.endswith("half_pixel"))


def _antialiases(call: Call, scales: Sequence[float]) -> bool:
    """Whether the filter is widened, because a map gets smaller, so that all elements count (``antialias``)."""
    return bool(call.integer("antialias")) and min(scales, default=1) < 1 and call.text("mode", "nearest") != "nearest"


def _interpolation(call: Call, scales: Sequence[float]) -> dict[str, object]:
    """Return the layer's arguments for the kind of interpolation."""
    how: dict[str, object] = {"mode": call.text("mode")} | ({"antialias": True} if _antialiases(call, scales) else {})
    if _coordinate_mode(call) == "align_corners":
        how["align_corners"] = True
    elif _coordinate_mode(call) == "asymmetric":
        how["coordinates"] = "asymmetric"
    if how["mode"] == "cubic" and abs(call.number("cubic_coeff_a", -0.75) + 0.75) > 1e-6:
        how["cubic_a"] = call.number("cubic_coeff_a", -0.75)
    if call.integer("exclude_outside") and (how["mode"] == "cubic" or "antialias" in how):
        how["exclude_outside"] = True
    return how


def _coordinate_mode(call: Call) -> str:
    usual = "half_pixel" if call.op == "Resize" and call.opset > 10 else "asymmetric"
    return call.text("coordinate_transformation_mode", usual)


def _has_factors(axes: Sequence[tuple[int, int, float]]) -> bool:
    """Whether the layer can have the factors; it can't if a size is rounded to the next integer above."""
    return all(_fitting(*axis) for axis in axes) or _are_ratios(axes)


def _are_ratios(axes: Iterable[tuple[int, int, float]]) -> bool:
    """Whether the factors are the ratios of the sizes."""
    return all(float32(count / length) == scale for length, count, scale in axes)


def _fitting(length: int, count: int, scale: float) -> list[float]:
    """Return the factors that give the size: the scale, the decimal of seven digits, the ratio that it stands for."""
    ratio = [count / length] if float32(count / length) == scale else []
    return [factor for factor in (scale, float(f"{scale:.7g}"), *ratio) if int(length * factor) == count]


def _scale_or_size(lengths: Shape, size: Shape, scales: Sequence[float]) -> dict[str, object]:
    """Return the layer's ``scale_factor``, or its ``size`` if the ratios of the sizes are the factors.

    Positions follow the factor, not the ratio of the sizes.  Where float32 has changed a factor so that it no longer
    gives the size, the decimal of seven digits is taken.
    """
    factors = _factors(list(zip(lengths, size, scales, strict=True)))
    if factors is None:
        return {"size": size}
    return {"scale_factor": factors[0] if len(set(factors)) == 1 else tuple(factors)}


def _factors(axes: Sequence[tuple[int, int, float]]) -> list[float] | None:
    """Return the layer's factors; None if it has the sizes instead."""
    fitting = [_fitting(*axis) for axis in axes]
    has_rest = any(count % length for length, count, _ in axes)
    if not all(fitting) or (has_rest and _are_ratios(axes)):
        return None
    return [int(factor) if factor == int(factor) else factor for factor, *_ in fitting]


def _nearest(build: Builder, call: Call, x: Value, size: Shape, scales: Sequence[float]) -> Value:
    """Return the nearest elements: from upsample if it takes the same elements, else from a gather along each axis."""
    axes = list(zip(x.shape[1:], size, scales, strict=True))
    if max(size) > MAX_KNOWN_ELEMENTS:
        raise UnfitError(f"an axis of {max(size):,} gets the nearest elements")
    build.count_known(STEPS_PER_INDEX * sum(size))
    rounding = call.text("nearest_mode", "round_prefer_floor" if call.opset > 10 else "")
    wanted = [
        _nearest_indices(_coordinate_mode(call), rounding or ("ceil" if axis[2] < 1 else "floor"), *axis)
        for axis in axes
    ]
    factors = _factors(axes)
    steps = [1 / by for by in factors] if factors else [length / count for length, count, _ in axes]
    for number, (how, _) in enumerate(UPSAMPLE_INDICES if _has_factors(axes) else ()):
        if wanted == [_upsample_indices(number, *axis[:2], step) for axis, step in zip(axes, steps, strict=True)]:
            return build.step("upsample", [x], x.axis, **how, **_scale_or_size(x.shape[1:], size, scales))
    for axis, indices in enumerate(wanted, 1):
        if indices != tuple(range(x.shape[axis])):
            x = at_indices(build, x, axis, indices)
    return x


@lru_cache(64)
def _nearest_indices(where: str, rounding: str, length: int, count: int, scale: float) -> tuple[int, ...]:
    """Return the indices of the elements that an operator takes along an axis, all of them for a scale of 1."""
    if scale == 1:
        return tuple(range(length))
    place, nearest = POSITIONS[where], ROUNDINGS[rounding]
    return tuple([min(max(nearest(place(i, scale, length, count)), 0), length - 1) for i in range(count)])


@lru_cache(64)
def _upsample_indices(number: int, length: int, count: int, step: float) -> tuple[int, ...]:
    """Return the indices of the elements that ``upsample`` takes along an axis with one of UPSAMPLE_INDICES."""
    taken = UPSAMPLE_INDICES[number][1]
    return tuple([min(taken(i, step), length - 1) for i in range(count)])


def _sizes(call: Call, x: Value) -> tuple[list[int], list[float]]:
    """Return the sizes of the output, in the file's shape, and the factor of each axis."""
    axes = [axis + x.rank if axis < 0 else axis for axis in call.integers("axes") or range(x.rank)]
    sizes, factors = list(x.dims), [1.0] * x.rank
    wanted = call.sizes(3, "sizes") if call.op == "Resize" and call.opset >= 11 else None
    scales = None if wanted else _scales(call)
    if wanted:
        if len(wanted) != len(axes):
            raise UnfitError(f"{len(wanted)} sizes for {len(axes)} axes")
        kept, common = _sizes_with_aspect_ratio(call, wanted, [sizes[axis] for axis in axes])
        for axis, length in zip(axes, kept, strict=True):
            factors[axis] = float32(common or length / sizes[axis])
            sizes[axis] = length
    elif scales:
        if len(scales) != len(axes):
            raise UnfitError(f"{len(scales)} scales for {len(axes)} axes")
        for axis, by in zip(axes, scales, strict=True):
            sizes[axis], factors[axis] = int(float32(sizes[axis] * by)), by
    else:
        raise UnfitError("neither scales nor sizes are given")
    if x.axis is not None:  # a file for one sample has the size 1 there
        sizes[x.axis], factors[x.axis] = x.dims[x.axis], 1.0
    return sizes, factors


def _scales(call: Call) -> tuple[float, ...] | None:
    if call.op == "Upsample" and call.opset < 9:
        return call.numbers("scales")
    return call.known(1 if call.op == "Upsample" or call.opset < 11 else 2, "scales")


def _sizes_with_aspect_ratio(call: Call, wanted: tuple[int, ...], sizes: list[int]) -> tuple[list[int], float | None]:
    """Return the wanted sizes and None; if the aspect ratio is kept, sizes of that ratio and their common factor."""
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return list(wanted), None
    factors = [float32(want / have) for want, have in zip(wanted, sizes, strict=True)]
    factor = min(factors) if policy == "not_larger" else max(factors)
    return [floor(float32(have * factor) + 0.5) for have in sizes], factor
