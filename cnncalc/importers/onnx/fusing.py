"""Operators that together are what a person calls one layer: a bias, a gelu, a silu, a norm over the channels.

A pattern is only taken where nothing else reads what is inside of it, and its numbers are those of the formula to a
thousandth.  What a layer counts is the sum of what its parts count, so that no figure depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isclose, sqrt
from typing import TYPE_CHECKING, Any

from cnncalc.importers.onnx.steps import ConstantInput, LayerStep, made
from cnncalc.importers.onnx.values import Value

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder

CLOSE = 1e-3

Pattern = Callable[["Fuser", LayerStep], "LayerStep | None"]


def fused(build: Builder, steps: list[LayerStep], outputs: list[Value]) -> list[LayerStep]:
    """Return the steps with every pattern that is found in place of its parts."""
    for patterns in ((_linear_bias,), (_gelu, _silu, _hardswish, _hardsigmoid, _norm, _group_norm, _lengths, _shuffle)):
        fuser = Fuser(build, steps, outputs)
        steps = fuser.run(patterns)
    fuser = Fuser(build, steps, outputs)
    return fuser.run((_channel_norm,))


class Fuser:
    """Steps and who reads them."""

    def __init__(self, build: Builder, steps: list[LayerStep], outputs: list[Value]) -> None:
        self.build = build
        self.steps = steps
        self.outputs = outputs
        self.kept = {value.step for value in outputs}
        self.readers: dict[LayerStep, list[LayerStep]] = {}
        for step in steps:
            for value in step.inputs:
                if value.step is not None:
                    self.readers.setdefault(value.step, []).append(step)
        self.gone: set[LayerStep] = set()

    def run(self, patterns: Iterable[Pattern]) -> list[LayerStep]:
        """Return the steps, each with the first pattern that ends in it put in its place."""
        found = []
        for step in self.steps:
            new = next((new for pattern in patterns if (new := pattern(self, step)) is not None), None)
            found.append(step if new is None else new)
        return [step for step in found if step not in self.gone]

    def sole(self, step: LayerStep | None, kind: str, readers: int = 1) -> LayerStep | None:
        """Return a step where it is of a type, and nothing but ``readers`` steps read it."""
        if step is None or step.layer.type != kind or step in self.kept or step in self.gone:
            return None
        return step if len(self.readers.get(step, ())) == readers else None

    def maker(self, value: Value, kind: str, readers: int = 1) -> LayerStep | None:
        """Return what makes a value, as :meth:`sole`."""
        return self.sole(value.step, kind, readers)

    def put(
        self,
        parts: list[LayerStep],
        kind: str,
        inputs: list[Value],
        held: dict[str, ConstantInput] | None = None,
        **arguments: Any,
    ) -> LayerStep:
        """Return a layer in place of the last of some steps, the others being gone."""
        last = parts[-1]
        calls = [call for part in parts for call in part.calls]
        new = LayerStep(made(kind, arguments), inputs, last.output, held or {}, calls)
        last.output.step = new
        for value in inputs:
            if value.step is not None:
                readers = self.readers.setdefault(value.step, [])
                self.readers[value.step] = [*[one for one in readers if one not in parts], new]
        self.readers[new] = self.readers.pop(last, [])
        for reader in self.readers[new]:
            for value in reader.inputs:
                if value.step is last:
                    value.step = new
        if last in self.kept:
            self.kept.add(new)
            for value in self.outputs:
                value.step = new if value.step is last else value.step
        self.gone.update(parts)
        return new


def same(one: Value, other: Value) -> bool:
    """Whether two values are one tensor."""
    if one.step is not None or other.step is not None:
        return one.step is other.step
    return one.origin is not None and one.origin == other.origin


def _is_affine(step: LayerStep | None, mul: float = 1.0, add: float = 0.0) -> bool:
    if step is None or step.layer.type != "affine":
        return False
    return isclose(step["mul"], mul, rel_tol=CLOSE) and isclose(step["add"], add, rel_tol=CLOSE)


def _linear_bias(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """A shift of exactly the outputs of a linear layer, or of a quantised convolution, is its bias."""
    if step.layer.type != "shift":
        return None
    before = fuser.maker(step.inputs[0], "linear") or fuser.maker(step.inputs[0], "conv")
    if before is None or before["bias"]:
        return None
    shape, output = step["shape"], step.output.shape
    axis = 0 if before.layer.type == "conv" else (before["axis"] if before["axis"] is not None else 0) % len(output)
    if before.layer.type == "conv" and before.calls[0].op != "ConvInteger":
        return None
    if shape is None or shape[axis] != output[axis] or any(size != 1 for i, size in enumerate(shape) if i != axis):
        return None
    stored = step.held["weight"].value
    bias = stored if stored.shape == (output[axis],) else fuser.build.derived("Reshape", stored, shape=(output[axis],))
    arguments = {name: before[name] for name in before.layer.arguments} | {"bias": True}
    held = {**before.held, "bias": ConstantInput(bias)}
    return fuser.put([before, step], before.layer.type, before.inputs, held, **arguments)


def _gelu(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """½ · x · (1 + erf(x / √2)), in any of the three orders in which exporters write it."""
    if step.layer.type not in ("multiply", "affine"):
        return None
    parts = [step]
    product = step
    half = False
    if _is_affine(step, 0.5):
        found = fuser.maker(step.inputs[0], "multiply")
        if found is None:
            return None
        product, half = found, True
        parts.insert(0, product)
    if product.layer.type != "multiply" or len(product.inputs) != 2:
        return None
    for x, other in (product.inputs, product.inputs[::-1]):
        inner: list[LayerStep] = []
        halved = half
        share = fuser.maker(other, "affine")
        if share is not None and not halved and _is_affine(share, 0.5):
            inner, halved = [share], True
            share = fuser.maker(share.inputs[0], "affine")
        scaled = fuser.maker(x, "affine")
        if not halved and _is_affine(scaled, 0.5) and scaled is not None:
            inner, halved, x = [scaled], True, scaled.inputs[0]
        erf = fuser.maker(share.inputs[0], "erf") if share is not None and _is_affine(share, 1.0, 1.0) else None
        divided = fuser.maker(erf.inputs[0], "affine") if erf is not None else None
        if halved and erf and share and divided and _is_affine(divided, sqrt(0.5)) and same(divided.inputs[0], x):
            return fuser.put([divided, erf, share, *inner, *parts], "gelu", [x])
    return None


def _silu(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · sigmoid(x), or x · hardsigmoid(x)."""
    if step.layer.type != "multiply" or len(step.inputs) != 2:
        return None
    for x, gate in (step.inputs, step.inputs[::-1]):
        for kind, whole in (("sigmoid", "silu"), ("hardsigmoid", "hardswish")):
            found = fuser.maker(gate, kind)
            if found is not None and same(found.inputs[0], x):
                return fuser.put([found, step], whole, [x])
    return None


def _clipped(fuser: Fuser, value: Value) -> tuple[list[LayerStep], Value] | None:
    """Return the steps of min(max(x + 3, 0), 6), and x."""
    clip = fuser.maker(value, "relu6")
    shifted = fuser.maker(clip.inputs[0], "affine") if clip is not None else None
    if clip is None or shifted is None or not _is_affine(shifted, 1.0, 3.0):
        return None
    return [shifted, clip], shifted.inputs[0]


def _hardswish(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · min(max(x + 3, 0), 6) / 6, divided before or after the product."""
    product: LayerStep | None = step
    if _is_affine(step, 1 / 6):
        product = fuser.maker(step.inputs[0], "multiply")
    if product is None or product.layer.type != "multiply" or len(product.inputs) != 2:
        return None
    for x, gate in (product.inputs, product.inputs[::-1]):
        inner: list[LayerStep] = []
        if product is step:
            sixth = fuser.maker(gate, "affine")
            if sixth is None or not _is_affine(sixth, 1 / 6):
                continue
            inner, gate = [sixth], sixth.inputs[0]
        found = _clipped(fuser, gate)
        if found is not None and same(found[1], x):
            return fuser.put([*found[0], *inner, *([product] if product is not step else []), step], "hardswish", [x])
    return None


def _hardsigmoid(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """min(max(x + 3, 0), 6) / 6 that no product reads with x."""
    if not _is_affine(step, 1 / 6):
        return None
    found = _clipped(fuser, step.inputs[0])
    if found is None:
        return None
    readers = fuser.readers.get(step, [])
    if len(readers) == 1 and readers[0].layer.type == "multiply" and any(same(found[1], x) for x in readers[0].inputs):
        return None  # it is part of a hardswish
    return fuser.put([*found[0], step], "hardsigmoid", [found[1]])


# --- norms by their primitives -------------------------------------------------------------------------------


def _learned(
    fuser: Fuser, step: LayerStep, axes: tuple[int, ...], kinds: tuple[str, ...]
) -> tuple[list[LayerStep], dict[str, ConstantInput]]:
    """Return the scale and the shift that follow a norm, with their tensors in the shape of its axes."""
    parts, held, last = [step], {}, step
    for kind, name in zip(kinds, ("weight", "bias"), strict=False):
        readers = fuser.readers.get(last, [])
        after = readers[0] if len(readers) == 1 and last not in fuser.kept else None
        if after is None or after.layer.type != kind:
            break
        shape = after["shape"] or (after.output.shape[0], *(1,) * (len(after.output.shape) - 1))
        if any(size != (after.output.shape[i] if i in axes else 1) for i, size in enumerate(shape)):
            break
        stored, own = after.held["weight"].value, tuple([after.output.shape[i] for i in axes])
        held[name] = ConstantInput(stored if stored.shape == own else fuser.build.derived("Reshape", stored, shape=own))
        parts.append(after)
        last = after
    return parts, held


def _mean_square(fuser: Fuser, value: Value) -> tuple[list[LayerStep], Value, tuple[int, ...], float] | None:
    """Return the steps of √(mean x² + eps), what is squared, the axes, and eps."""
    root = fuser.maker(value, "sqrt")
    added = fuser.maker(root.inputs[0], "affine") if root is not None else None
    if root is None or added is None or added["mul"] != 1 or added["add"] <= 0:
        return None
    mean = fuser.maker(added.inputs[0], "mean") or fuser.maker(added.inputs[0], "global_avgpool")
    if mean is None:
        return None
    square = fuser.maker(mean.inputs[0], "power") or fuser.maker(mean.inputs[0], "multiply")
    if square is None or (square.layer.type == "power" and square["exponent"] != 2):
        return None
    if square.layer.type == "multiply" and not (len(square.inputs) == 2 and same(*square.inputs)):
        return None
    return [square, mean, added, root], square.inputs[0], _axes(mean), added["add"]


def _axes(mean: LayerStep) -> tuple[int, ...]:
    rank = len(mean.inputs[0].shape)
    if mean.layer.type == "global_avgpool":
        return tuple(range(1, rank))
    axes = mean["axis"]
    return tuple(range(rank)) if axes is None else tuple(sorted([axis % rank for axis in axes]))


def _norm(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """(x − mean) / √(mean (x − mean)² + eps), or x / √(mean x² + eps), with what is learned behind it."""
    if step.layer.type != "divide":
        return None
    found = _mean_square(fuser, step.inputs[1])
    if found is None:
        return None
    inner, squared, axes, eps = found
    x = step.inputs[0]
    if not same(squared, x):
        return None
    axis = (-1,) if axes == (len(step.output.shape) - 1,) else axes
    uses = 3 if inner[0].layer.type == "multiply" else 2
    centered = fuser.maker(x, "subtract", uses)
    mean = None
    if centered is not None:
        mean = fuser.maker(centered.inputs[1], "mean") or fuser.maker(centered.inputs[1], "global_avgpool")
    if centered is not None and mean is not None and _axes(mean) == axes and same(mean.inputs[0], centered.inputs[0]):
        behind, held = _learned(fuser, step, axes, ("scale", "shift"))
        arguments: dict[str, Any] = {"axis": axis, "eps": eps}
        if not held:
            arguments["affine"] = False
        elif "bias" not in held:
            arguments["bias"] = False
        return fuser.put([mean, centered, *inner, *behind], "layernorm", [centered.inputs[0]], held, **arguments)
    behind, held = _learned(fuser, step, axes, ("scale",))
    arguments = {"axis": axis, "eps": eps} | ({} if held else {"affine": False})
    return fuser.put([*inner, *behind], "rmsnorm", [x], held, **arguments)


def _group_norm(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """A norm of groups that a reshape makes channels, and another one undoes."""
    if step.layer.type != "reshape":
        return None
    norm = fuser.maker(step.inputs[0], "instancenorm")
    split = fuser.maker(norm.inputs[0], "reshape") if norm is not None else None
    if norm is None or split is None or norm["affine"]:
        return None
    x, shape, groups = split.inputs[0], step.output.shape, split.output.shape[0]
    if x.shape != shape or x.times != step.output.times or shape[0] % groups or split["fold"] != 1:
        return None
    behind, held = _learned(fuser, step, (0,), ("scale", "shift"))
    if len(held) == 1:  # both or none
        behind, held = [step], {}
    arguments = {"num_groups": groups, "eps": norm["eps"]} | ({} if held else {"affine": False})
    return fuser.put([split, norm, *behind], "groupnorm", [x], held, **arguments)


def _lengths(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x / max(|x|, eps)."""
    if step.layer.type != "divide":
        return None
    grown = fuser.maker(step.inputs[1], "expand")
    clip = fuser.maker(grown.inputs[0] if grown else step.inputs[1], "hardtanh")
    length = fuser.maker(clip.inputs[0], "norm2") if clip is not None else None
    if clip is None or length is None or clip["max_val"] != "none" or not same(length.inputs[0], step.inputs[0]):
        return None
    if not length["keepdims"]:
        return None
    parts = [length, clip, *([grown] if grown else []), step]
    return fuser.put(parts, "l2_normalize", [step.inputs[0]], axis=length["axis"], eps=clip["min_val"])


def _shuffle(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """Channels or pixels that a reshape, a permutation and a reshape put into another order."""
    if step.layer.type != "reshape":
        return None
    turned = fuser.maker(step.inputs[0], "permute")
    split = fuser.maker(turned.inputs[0], "reshape") if turned is not None else None
    if (
        turned is None
        or split is None
        or (split["fold"], split["unfold"], step["fold"], step["unfold"]) != (1, 1, 1, 1)
    ):
        return None
    x, inner, shape, dims = split.inputs[0], split.output.shape, step.output.shape, turned["dims"]
    parts = [split, turned, step]
    if dims == (1, 0, *range(2, len(inner))) and x.shape == shape and inner[2:] == shape[1:]:
        return fuser.put(parts, "channel_shuffle", [x], groups=inner[0])
    if len(inner) != 5 or len(shape) != 3 or len(x.shape) != 3:
        return None
    if (
        dims == (0, 3, 1, 4, 2)
        and inner[1] == inner[2]
        and shape == (inner[0], inner[3] * inner[1], inner[4] * inner[1])
    ):
        return fuser.put(parts, "pixel_shuffle", [x], upscale_factor=inner[1])
    if dims == (0, 2, 4, 1, 3) and inner[2] == inner[4] and shape == (inner[0] * inner[2] ** 2, inner[1], inner[3]):
        return fuser.put(parts, "pixel_unshuffle", [x], downscale_factor=inner[2])
    return None


def _channel_norm(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """A norm over the channels, which two permutations bring to the end and back."""
    if step.layer.type != "permute":
        return None
    norm = fuser.maker(step.inputs[0], "layernorm") or fuser.maker(step.inputs[0], "rmsnorm")
    turned = fuser.maker(norm.inputs[0], "permute") if norm is not None else None
    if norm is None or turned is None or norm["axis"] != (-1,):
        return None
    rank = len(step.output.shape)
    if turned["dims"] != (*range(1, rank), 0) or step["dims"] != (rank - 1, *range(rank - 1)):
        return None
    arguments = {name: norm[name] for name in norm.layer.arguments} | {"axis": (0,)}
    return fuser.put([turned, norm, step], norm.layer.type, turned.inputs, norm.held, **arguments)
