"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from cnncalc.layers.arguments import LayerError, argument, axis, flag, not_negative, number
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight
from cnncalc.layers.interfaces import Array, Element, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Reads, whole
from cnncalc.layers.shapes import Shape, axis_index

_SHIFT = '''
class ShiftBatchNorm{d}d(nn.BatchNorm{d}d):
    """A batch norm that learns a shift and no scale."""

    def __init__(self, num_features, **options):
        super().__init__(num_features, **options)
        self.weight = None
'''


class BatchNorm(Layer):
    """Shifts and scales each channel to mean 0 and variance 1 over the training set, then by learned values.

    Any shape, kept.  Parameters: a scale and a shift per channel, or a shift alone (``scale: false``, as Keras'
    InceptionV3 has it); buffers: its running mean and variance.
    Flops at inference: 2 per element, one product and one add, since all four values of a channel fold into one scale
    and one shift (Ioffe and Szegedy 2015, arXiv:1502.03167).
    """

    kind = "norm"
    stem = "bn"
    operations = 2  # one product and one add

    eps = argument(not_negative, "added to the variance", 1e-5)
    momentum = argument(number, "weight of the newest batch in the running statistics", 0.1)
    affine = argument(flag, "whether it learns a scale and a shift per channel", True)
    scale = argument(flag, "whether it learns a scale besides the shift, if ``affine``", True)
    track_running_stats = argument(flag, "whether it keeps a running mean and variance per channel", True)
    axis = argument(axis, "the axis of the channels", 0)

    example = Example(
        "batchnorm", inputs=((64, 112, 112),), output=(64, 112, 112), params=2 * 64, flops=2 * 64 * 112 * 112
    )
    elsewhere = Elsewhere(
        torch="BatchNorm{d}d(num_features, eps, momentum, affine, track_running_stats)",
        keras="BatchNormalization",
        onnx="BatchNormalization",
        others="bn SyncBatchNorm FrozenBatchNorm{d}d FusedBatchNorm FusedBatchNormV3 batch_normalize",
        compared=True,
    )

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight, bias, and the buffers running_mean, running_var, each (C,)."""
        shape = (inputs[0][axis_index(self.axis, inputs[0])],)
        weights: dict[str, Weight] = {}
        if self.affine and self.scale:
            weights["weight"] = Weight(shape)
        if self.affine:
            weights["bias"] = Weight(shape)
        if self.track_running_stats:
            weights |= {"running_mean": Weight(shape, False), "running_var": Weight(shape, False)}
        return weights

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads | None:
        """Return that each element reads the whole map if no running statistics are kept."""
        return None if self.track_running_stats else whole(len(output), *range(1, len(output)))

    def is_affine(self) -> bool:
        """Return whether running statistics are kept, so that the batch does not matter, and channels come first."""
        return bool(self.track_running_stats) and self.axis == 0

    def as_affine(self, weights: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return weight / √(variance + eps) and bias − mean · that, rounded once."""
        variance = weights["running_var"]
        scale = (variance.astype("float64") + self.eps) ** -0.5
        if "weight" in weights:
            scale = scale * weights["weight"]
        shift = -weights["running_mean"] * scale
        if "bias" in weights:
            shift = shift + weights["bias"]
        return scale.astype(variance.dtype), shift.astype(variance.dtype)

    def element(self, ops: Ops, at: Shape, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Element:
        """Shift and scale the element in the same place by its channel's values."""
        from cnncalc.layers.element import Element

        if not self.track_running_stats:
            raise LayerError("keeps no running statistics: its elements depend on the whole batch")
        x, channel = float(inputs[0][at]), at[self.axis]
        mean, variance = float(weights["running_mean"][channel]), float(weights["running_var"][channel])
        terms = {"x": x, "mean": mean, "variance": variance, "eps": float(self.eps)}
        root = float(ops.np.sqrt(variance + self.eps))
        result, rule, size = (x - mean) / root, "(x − mean) / √(variance + eps)", (abs(x) + abs(mean)) / root
        if "weight" in weights:
            terms["weight"] = float(weights["weight"][channel])
            result, rule, size = result * terms["weight"], f"{rule} · weight", size * abs(terms["weight"])
        if "bias" in weights:
            terms["bias"] = float(weights["bias"][channel])
            result, rule, size = result + terms["bias"], f"{rule} + bias", size + abs(terms["bias"])
        return Element(rule, result, size, terms)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Scale and shift by the running statistics, or by the batch's if none are kept."""
        (x,) = inputs
        at = axis_index(self.axis, x.shape[1:]) + 1
        if not self.track_running_stats:
            others = tuple([i for i in range(x.ndim) if i != at])
            weights |= {"running_mean": x.mean(axis=others), "running_var": x.var(axis=others)}
        where = [-1 if i == at else 1 for i in range(x.ndim)]
        scale, shift = [one.reshape(where) for one in self.as_affine(weights)]
        y: Array = x * scale
        y += shift
        return y

    def to_onnx(self, onnx: Onnx) -> str:
        """BatchNormalization, with the channels moved to axis 1; its primitives if no statistics are kept."""
        from cnncalc.layers.onnx import standardised

        rank, at = len(onnx.output) + 1, axis_index(self.axis, onnx.output) + 1
        if not self.track_running_stats:
            y = standardised(onnx, onnx.x, [axis for axis in range(rank) if axis != at], self.eps)
            sizes = [-1 if axis == at else 1 for axis in range(rank)]
            y = onnx.node("Mul", y, onnx.reshape(onnx.weight("weight"), sizes)) if onnx.has("weight") else y
            return onnx.node("Add", y, onnx.reshape(onnx.weight("bias"), sizes)) if onnx.has("bias") else y
        usual = {"weight": 1.0, "bias": 0.0}
        count = (onnx.output[at - 1],)
        tensors = [onnx.weight(name) if onnx.has(name) else onnx.filled(usual[name], count) for name in usual]
        statistics = [onnx.weight("running_mean"), onnx.weight("running_var")]
        order = [0, at, *[axis for axis in range(1, rank) if axis != at]]
        x = onnx.transpose(onnx.x, order)
        made = onnx.node("BatchNormalization", x, *tensors, *statistics, epsilon=self.eps, momentum=1 - self.momentum)
        return onnx.transpose(made, [order.index(axis) for axis in range(rank)])

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module of the map's rank, on the second axis of the array."""
        shape = torch.shapes[0]
        if not self.track_running_stats and prod(shape) == shape[axis_index(self.axis, shape)]:
            raise LayerError("does not normalise a single number")
        at, d = axis_index(self.axis, shape), min(max(len(shape) - 1, 1), 3)
        shifts = self.affine and not self.scale
        if shifts:
            torch.define(_SHIFT.replace("{d}", str(d)))
        norm = torch.module(
            f"ShiftBatchNorm{d}d" if shifts else f"nn.BatchNorm{d}d",
            shape[at],
            **torch.options("eps", "momentum", "affine", "track_running_stats"),
        )
        x = torch.moved(torch.x, at + 1, 1)
        if len(shape) <= 4:
            value = norm(x)
        else:
            sizes = [shape[at], *shape[:at], *shape[at + 1 :]]
            value = torch.call(".reshape", norm(torch.call(".flatten", x, 4)), -1, *sizes)
        return torch.moved(value, 1, at + 1)
