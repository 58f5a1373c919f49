"""Operators that summarise windows of a map, or all of it."""

from __future__ import annotations

from cnncalc.importers.onnx.builder import Builder, Result, operator
from cnncalc.importers.onnx.operators.contraction import accepting_regions, cropped, feature_map, window
from cnncalc.importers.onnx.operators.opaque import uncounted
from cnncalc.importers.onnx.proto import INT64
from cnncalc.importers.onnx.values import Call, UnfitError, Value
from cnncalc.layers.shapes import Shape


@operator("MaxPool", "AveragePool", "LpPool")
@accepting_regions
def _pool(build: Builder, call: Call) -> Result:
    kernel = call.integers("kernel_shape")
    x = feature_map(call.input(0))
    if kernel is None or not x.is_live:
        raise UnfitError("kernel_shape is missing" if kernel is None else "it pools a constant")
    x, slides = cropped(build, x, window(call, x.shape[1:], kernel))
    if call.text("auto_pad").startswith("SAME") and max(slides.dilation) > 1:
        build.notes.append(
            f"{call.operator.label} is dilated, with auto_pad = {call.text('auto_pad')}: it is padded as the standard "
            "says; ONNX Runtime ignores the dilation and returns a smaller map"
        )
    arguments: dict[str, object] = {**slides._asdict(), "rounding": "ceil" if call.integer("ceil_mode") else None}
    if call.op == "AveragePool":
        arguments["count_include_pad"] = bool(call.integer("count_include_pad"))
    elif call.op == "LpPool":
        arguments["norm_type"] = power = call.number("p", 2)
        x = build.step("abs", [x], x.axis) if power % 2 else x  # odd powers are those of magnitudes
    name = {"MaxPool": "maxpool", "AveragePool": "avgpool", "LpPool": "lppool"}[call.op]
    y = build.step(name, [x], 0, **arguments)
    if call.op != "MaxPool" or not any(call.operator.outputs[1:]):
        return y
    if call.integer("storage_order"):
        raise UnfitError("indices in columns (storage_order = 1) are not supported")
    what = "the search for the indices of "
    indices = uncounted(build, call, y.shape, 0, [x], what, sizes=y.shape[1:], **slides._asdict())
    indices.dtype = INT64
    return [y, indices]


@operator("MaxUnpool")
def _max_unpool(build: Builder, call: Call) -> Value:
    """Return zeros with each element at the place that it had before a MaxPool."""
    x, places = feature_map(call.input(0)), feature_map(call.input(1))
    slides = window(call, x.shape[1:], call.integers("kernel_shape") or ())
    axes = zip(x.shape[1:], *slides[:3], strict=True)
    inferred = [(length - 1) * step + kernel - sum(pads) for length, kernel, step, pads in axes]
    sizes = (call.sizes(2, "output_shape") or (0, 0, *inferred))[2:]
    return uncounted(build, call, (x.shape[0], *sizes), 0, [x, places], sizes=sizes)


@operator("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def _global_pool(build: Builder, call: Call) -> Value:
    x = feature_map(call.input(0))
    if call.op == "GlobalLpPool":
        power = call.integer("p", 2)
        if power not in (1, 2):
            raise UnfitError(f"p = {power}")
        return build.step(f"norm{power}", [x], x.axis, axis=tuple(range(1, len(x.sample))), keepdims=True)
    return build.step("global_avgpool" if call.op == "GlobalAveragePool" else "global_maxpool", [x], x.axis)


@operator("DepthToSpace", "SpaceToDepth")
def _depth_to_space(build: Builder, call: Call) -> Value:
    x, block = feature_map(call.input(0)), call.integer("blocksize", 1)
    if len(x.shape) != 3 or block < 1:
        raise UnfitError(f"blocks of {block}")
    to_space = call.op == "DepthToSpace"
    if call.text("mode", "DCR") == "CRD":
        kind, argument = ("pixel_shuffle", "upscale_factor") if to_space else ("pixel_unshuffle", "downscale_factor")
        return build.step(kind, [x], x.axis, **{argument: block})
    channels, height, width = x.shape
    split: Shape = (channels, height // block, block, width // block, block)
    order, shape = (2, 4, 0, 1, 3), (channels * block**2, height // block, width // block)
    if to_space:
        split, order = (block, block, channels // block**2, height, width), (2, 3, 0, 4, 1)
        shape = (channels // block**2, height * block, width * block)
    turned = build.step("permute", [build.step("reshape", [x], x.axis, shape=split)], x.axis, dims=order)
    return build.step("reshape", [turned], x.axis, shape=shape)
