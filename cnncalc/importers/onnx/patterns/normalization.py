"""Norms that a file writes as several operators, and norms between two permutations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.importers.onnx.patterns.fuser import is_plain, same
from cnncalc.importers.onnx.values import ConstantInput, LayerStep

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser
    from cnncalc.importers.onnx.values import Value


def _learned(
    fuser: Fuser, step: LayerStep, axes: tuple[int, ...], kinds: tuple[str, ...]
) -> tuple[list[LayerStep], dict[str, ConstantInput]]:
    """Return the scale and the shift that follow a norm, with their tensors in the shape of its axes."""
    parts, tensors, last = [step], {}, step
    for kind, name in zip(kinds, ("weight", "bias"), strict=False):
        after = fuser.reader(last) if last not in fuser.kept else None
        if after is None or after.layer.type != kind:
            break
        shape = after["shape"] or (after.output.shape[0], *(1,) * (len(after.output.shape) - 1))
        if any(size != (after.output.shape[i] if i in axes else 1) for i, size in enumerate(shape)):
            break
        stored, own = after.tensors["weight"].value, tuple([after.output.shape[i] for i in axes])
        tensors[name] = ConstantInput(fuser.build.view(stored, own, None))
        parts.append(after)
        last = after
    return parts, tensors


def _mean_square(fuser: Fuser, value: Value) -> tuple[list[LayerStep], Value, tuple[int, ...], float] | None:
    """Return the steps of √(mean x² + eps), what is squared, the axes, and eps."""
    found = fuser.chain(value, "sqrt", "affine")
    if found is None or found[1]["mul"] != 1 or found[1]["add"] <= 0:
        return None
    root, added = found
    mean = fuser.maker(added.inputs[0], "mean", "global_avgpool")
    square = fuser.maker(mean.inputs[0], "power", "multiply") if mean is not None else None
    if mean is None or square is None or (square.layer.type == "power" and square["exponent"] != 2):
        return None
    if square.layer.type == "multiply" and not (len(square.inputs) == 2 and same(*square.inputs)):
        return None
    return [square, mean, added, root], square.inputs[0], _axes(mean), float(f"{added['add']:.6g}")


def _axes(mean: LayerStep) -> tuple[int, ...]:
    rank = len(mean.inputs[0].shape)
    if mean.layer.type == "global_avgpool":
        return tuple(range(1, rank))
    axes = mean["axis"]
    return tuple(range(rank)) if axes is None else tuple(sorted([axis % rank for axis in axes]))


def norm(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """(x − mean) / √(mean (x − mean)² + eps), or x / √(mean x² + eps), with a learned scale and shift."""
    found = _mean_square(fuser, step.inputs[1])
    if found is None:
        return None
    inner, squared, axes, eps = found
    x = step.inputs[0]
    if not same(squared, x):
        return None
    axis = (-1,) if axes == (len(step.output.shape) - 1,) else axes
    uses = 3 if inner[0].layer.type == "multiply" else 2
    centered = fuser.maker(x, "subtract", readers=uses)
    mean = fuser.maker(centered.inputs[1], "mean", "global_avgpool") if centered is not None else None
    if centered is not None and mean is not None and _axes(mean) == axes and same(mean.inputs[0], centered.inputs[0]):
        behind, tensors = _learned(fuser, step, axes, ("scale", "shift"))
        arguments: dict[str, object] = {"axis": axis, "eps": eps}
        if not tensors:
            arguments["affine"] = False
        elif "bias" not in tensors:
            arguments["bias"] = False
        return fuser.put([mean, centered, *inner, *behind], "layernorm", [centered.inputs[0]], tensors, **arguments)
    behind, tensors = _learned(fuser, step, axes, ("scale",))
    arguments = {"axis": axis, "eps": eps} | ({} if tensors else {"affine": False})
    return fuser.put([*inner, *behind], "rmsnorm", [x], tensors, **arguments)


def group_norm(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """A norm of groups of channels, which a reshape turns into channels and another reshape turns back."""
    found = fuser.chain(step.inputs[0], "instancenorm", "reshape")
    if found is None or found[0]["affine"]:
        return None
    norm, split = found
    x, shape, groups = split.inputs[0], step.output.shape, split.output.shape[0]
    if x.shape != shape or x.times != step.output.times or shape[0] % groups or not is_plain(split):
        return None
    behind, tensors = _learned(fuser, step, (0,), ("scale", "shift"))
    if len(tensors) == 1:  # both or none
        behind, tensors = [step], {}
    arguments = {"num_groups": groups, "eps": norm["eps"]} | ({} if tensors else {"affine": False})
    return fuser.put([split, norm, *behind], "groupnorm", [x], tensors, **arguments)


def lengths(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x / max(|x|, eps)."""
    grown = fuser.maker(step.inputs[1], "expand")
    found = fuser.chain(grown.inputs[0] if grown else step.inputs[1], "hardtanh", "norm2")
    if found is None:
        return None
    clip, length = found
    if clip["max_val"] != "none" or not same(length.inputs[0], step.inputs[0]) or not length["keepdims"]:
        return None
    parts = [length, clip, *([grown] if grown else []), step]
    return fuser.put(parts, "l2_normalize", [step.inputs[0]], axis=length["axis"], eps=clip["min_val"])


def channel_norm(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """A norm over the channels, which are brought to the end and back: by permutations, or of 1×1 maps by reshapes."""
    norm = fuser.maker(step.inputs[0], "layernorm", "rmsnorm")
    turned = fuser.maker(norm.inputs[0], step.layer.type) if norm is not None else None
    if norm is None or turned is None or norm["axis"] != (-1,):
        return None
    channels, *sizes = step.output.shape
    rank = 1 + len(sizes)
    if step.layer.type == "permute":
        is_moved = turned["dims"] == (*range(1, rank), 0) and step["dims"] == (rank - 1, *range(rank - 1))
    else:
        is_moved = turned.inputs[0].shape == step.output.shape == (channels, *(1,) * len(sizes))
        is_moved = is_moved and turned.output.shape == (*sizes, channels)
    if not is_moved:
        return None
    arguments = {name: norm[name] for name in norm.layer.arguments} | {"axis": (0,)}
    return fuser.put([turned, norm, step], norm.layer.type, turned.inputs, norm.tensors, **arguments)
