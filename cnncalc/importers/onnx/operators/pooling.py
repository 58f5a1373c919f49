"""Operators that summarise windows of a map, or all of it, and that resize it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.call import Call, UnfitError
from cnncalc.importers.onnx.operators.contraction import cropped, feature_map, window
from cnncalc.importers.onnx.values import Value, alias


@operator("MaxPool", "AveragePool", "LpPool")
def _pool(build: Builder, call: Call) -> Sequence[Value | None]:
    x = feature_map(call.input(0))
    kernel = call.integers("kernel_shape")
    if kernel is None or not x.is_live:
        raise UnfitError("kernel_shape is missing" if kernel is None else "it pools a constant")
    arguments = window(call, x.shape[1:], kernel)
    x = cropped(build, x, arguments)
    dilation = arguments.pop("dilation")
    more: dict[str, Any] = {"rounding": "ceil" if call.integer("ceil_mode") else None}
    if call.op == "MaxPool":
        more["dilation"] = dilation
    elif set(dilation) != {1}:
        raise UnfitError(f"dilations {dilation}")
    if call.op == "AveragePool":
        more["count_include_pad"] = bool(call.integer("count_include_pad"))
    elif call.op == "LpPool":
        more["norm_type"] = call.number("p", 2)
        x = build.step("abs", [x], x.axis) if more["norm_type"] % 2 else x  # its powers are of magnitudes
    name = {"MaxPool": "maxpool", "AveragePool": "avgpool", "LpPool": "lppool"}[call.op]
    pooled = build.step(name, [x], 0, **more, **arguments)
    return [pooled] + [None] * (len(call.operator.outputs) - 1)


@operator("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def _global(build: Builder, call: Call) -> Value:
    x = feature_map(call.input(0))
    if call.op == "GlobalLpPool":
        norm = {1: "norm1", 2: "norm2"}.get(call.integer("p", 2))
        if norm is None:
            raise UnfitError(f"p = {call.integer('p', 2)}")
        return build.step(norm, [x], x.axis, axis=tuple(range(1, len(x.sample))), keepdims=True)
    return build.step("global_avgpool" if call.op == "GlobalAveragePool" else "global_maxpool", [x], x.axis)


@operator("Resize", "Upsample")
def _resize(build: Builder, call: Call) -> Value:
    x = feature_map(call.input(0))
    sizes = _sizes(call, x)
    first = 1 if x.axis is not None else 0
    if sizes[: first + 1] != list(x.dims[: first + 1]):
        raise UnfitError("it resizes the batch or the channels")
    size = tuple(sizes[first + 1 :])
    if size == x.shape[1:]:
        return alias(x, x.shape, x.axis)
    factors = [out / have for out, have in zip(size, x.shape[1:], strict=True)]
    how = _manner(call, all(factor == int(factor) for factor in factors))
    if all(factor == int(factor) for factor in factors):
        whole = tuple([int(factor) for factor in factors])
        how["scale_factor"] = whole[0] if len(set(whole)) == 1 else whole
    elif stated := _remainders(call, x, factors):
        how["scale_factor"] = stated
    else:
        how["size"] = size
    return build.step("upsample", [x], x.axis, **how)


def _remainders(call: Call, x: Value, factors: list[float]) -> tuple[float, ...]:
    """Return the spatial axes' factors where the file states them and a size has a remainder; else nothing.

    The places of the elements follow the factor then, not the ratio of the sizes.
    """
    stated = None if call.op == "Resize" and call.opset >= 11 and call.known(3, "sizes") else _scales(call)
    if not stated or call.integers("axes") is not None or stated[-len(factors) :] == tuple(factors):
        return ()
    return tuple(stated[-len(factors) :]) if len(stated) == x.rank else ()


def _sizes(call: Call, x: Value) -> list[int]:
    """Return the sizes of the file's shape that a Resize gives."""
    axes = [axis + x.rank if axis < 0 else axis for axis in call.integers("axes") or range(x.rank)]
    sizes = list(x.dims)
    wanted = call.known(3, "sizes") if call.op == "Resize" and call.opset >= 11 else None
    scales = None if wanted else _scales(call)
    if wanted:
        for axis, length in zip(axes, _kept(call, wanted, [sizes[axis] for axis in axes]), strict=True):
            sizes[axis] = length
    elif scales:
        for axis, by in zip(axes, scales, strict=True):
            sizes[axis] = int(sizes[axis] * by)
    else:
        raise UnfitError("neither scales nor sizes are given")
    if x.axis is not None:  # a file for one sample has its 1 there
        sizes[x.axis] = x.dims[x.axis]
    return sizes


def _manner(call: Call, is_whole: bool) -> dict[str, Any]:
    """Return how a Resize interpolates; where each size is a multiple, the nearest element is the same in all ways."""
    mode = call.text("mode", "nearest")
    usual = "half_pixel" if call.op == "Resize" and call.opset > 10 else "asymmetric"
    where = call.text("coordinate_transformation_mode", usual)
    if mode == "nearest":
        rounding = call.text("nearest_mode", "round_prefer_floor")
        if where == "asymmetric" and rounding == "round_prefer_ceil":
            return {"mode": "nearest-exact", "coordinates": "asymmetric"}
        plain = where == "asymmetric" and rounding == "floor"
        return {} if plain or is_whole else {"mode": "nearest-exact"}
    how: dict[str, Any] = {"mode": mode}
    if where == "align_corners":
        how["align_corners"] = True
    elif where not in ("half_pixel", "pytorch_half_pixel"):
        how["coordinates"] = "asymmetric"
    if mode == "cubic" and abs(call.number("cubic_coeff_a", -0.75) + 0.75) > 1e-6:
        how["cubic_a"] = call.number("cubic_coeff_a", -0.75)
    return how


def _scales(call: Call) -> tuple[float, ...] | None:
    if call.op == "Upsample" and call.opset < 9:
        found = call.operator.attributes.get("scales")
        return tuple(found) if isinstance(found, list) else None
    return call.known(1 if call.op == "Upsample" or call.opset < 11 else 2, "scales")


def _kept(call: Call, wanted: tuple[int, ...], sizes: list[int]) -> list[int]:
    """Return the sizes that are asked for, with the proportions kept where that is asked for, too."""
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch" or len(wanted) != len(sizes):
        return list(wanted)
    factors = [want / have for want, have in zip(wanted, sizes, strict=True)]
    factor = min(factors) if policy == "not_larger" else max(factors)
    return [round(have * factor) for have in sizes]


@operator("DepthToSpace", "SpaceToDepth")
def _shuffle(build: Builder, call: Call) -> Value:
    x, block = feature_map(call.input(0)), call.integer("blocksize", 1)
    if len(x.shape) != 3 or block < 1:
        raise UnfitError(f"blocks of {block}")
    if call.op == "DepthToSpace" and call.text("mode", "DCR") == "CRD":
        return build.step("pixel_shuffle", [x], x.axis, upscale_factor=block)
    channels, height, width = x.shape
    if call.op == "DepthToSpace":
        split = build.step("reshape", [x], x.axis, shape=(block, block, channels // block**2, height, width))
        turned = build.step("permute", [split], x.axis, dims=(2, 3, 0, 4, 1))
        return build.step("reshape", [turned], x.axis, shape=(channels // block**2, height * block, width * block))
    split = build.step("reshape", [x], x.axis, shape=(channels, height // block, block, width // block, block))
    turned = build.step("permute", [split], x.axis, dims=(2, 4, 0, 1, 3))
    return build.step("reshape", [turned], x.axis, shape=(channels * block**2, height // block, width // block))
