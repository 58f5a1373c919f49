"""Operators of a model file without a layer type: unknown ones, and convolutions with computed filters or offsets."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from cnncalc.layers.arguments import argument, flag, integers, natural
from cnncalc.layers.base import Layer, LayerError
from cnncalc.layers.reads import Along, Read, Reads
from cnncalc.layers.shapes import Shape, shape_text

if TYPE_CHECKING:
    from cnncalc.layers.interfaces import Array, Ops
    from cnncalc.layers.onnx import Onnx
    from cnncalc.layers.pytorch import TensorCode, Torch


VARIABLE_ROWS = frozenset(("NonZero", "NonMaxSuppression", "Compress", "Unique"))
"""Operators whose number of output rows depends on the data."""


def named_values(value: object) -> tuple[tuple[str, object], ...]:
    """Return pairs of a name and a value."""
    assert isinstance(value, tuple), value
    return value


class Opaque(Layer):
    """An operator without a layer type: its shape is known, its FLOPs are not.  It runs only if it has settings."""

    arity: ClassVar[tuple[int, int | None]] = (1, None)

    op = argument(str, "the operator's name in the file")
    shape = argument(integers, "the output's shape, as the file states it")
    settings = argument(named_values, "the settings of the function that computes it, as pairs (name, value)", ())

    def check(self) -> None:
        """Set the type's name to that of the operator, which tables and notes show.

        A name in lower case gets a prefix, since it would look like a layer type.
        """
        self.__dict__["type"] = self.op if self.op[:1].isupper() else f"operator {self.op}"
        if min(self.shape) < 1:
            raise LayerError(f"its output would be {shape_text(self.shape)}")
        self.__dict__["stem"] = self.op.lower() or "operator"

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the stated shape."""
        shape: Shape = self.shape
        return shape

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Compute the output with NumPy.  Raises LayerError if there are no settings."""
        if self.op in VARIABLE_ROWS:
            raise LayerError("the number of its output rows depends on the data")
        if not self.settings:
            return super().forward(ops, *inputs)
        from cnncalc.importers.onnx.numpy_rules import RULES

        return RULES[self.op](dict(self.settings), *inputs)

    def to_onnx(self, onnx: Onnx) -> str:
        """Raise LayerError: what is not understood is not written."""
        raise LayerError("is an operator of the model file that is read, but not written")

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's Fourier transform.  Raises LayerError, as a sentence that begins with "PyTorch", for all others."""
        if self.op == "DFT":
            return _fourier_transform(torch, dict(self.settings))
        raise LayerError("source is not written for this operator of the model file")

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that each output element may depend on all elements of each input."""
        return tuple([(Along(tuple([Read(None, None, False)] * len(shape))),) for shape in inputs])


def _fourier_transform(torch: Torch, settings: Mapping[str, Any]) -> TensorCode:
    """Return the transform of a tensor whose last axis holds real numbers, or real and imaginary parts."""
    axis, length, bins = settings["along"], settings["length"], settings["bins"]
    is_real = torch.shapes[0][-1] == 1
    if is_real:
        x = torch.index(torch.x, len(torch.shapes[0]) - 1, 0)
    else:
        x = torch.call("torch.view_as_complex", torch.call(".contiguous", torch.x))
    if settings["parts"] == 1:
        return torch.call(".unsqueeze", torch.call("torch.fft.irfft", x, length, axis), -1)
    if is_real and bins < length and not settings["inverse"]:
        return torch.call("torch.view_as_real", torch.call("torch.fft.rfft", x, length, axis))
    y = torch.call("torch.fft.ifft" if settings["inverse"] else "torch.fft.fft", x, length, axis)
    y = torch.call(".resolve_conj", y) if is_real and settings["inverse"] else y  # of real numbers it is a view
    return torch.call("torch.view_as_real", torch.index(y, axis - 1, slice(None, bins)) if bins < length else y)


class ComputedConv(Opaque):
    """A convolution whose filters are computed, for each sample (CondConv, arXiv:1904.04971) or for all."""

    kind = "conv"

    products = argument(natural, "the convolution's multiply-accumulates")
    bias = argument(flag, "whether a bias is added", False)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Convolve each sample with its own filters, or all samples with the same filters.

        The settings are the arguments of the convolution.
        """
        x, filters, *rest = inputs
        convolve = ops.conv_transpose if self.op == "ConvTranspose" else ops.conv
        settings: dict[str, Any] = dict(self.settings)
        if len(filters) == 1:
            y = convolve(x, filters[0], **settings)
        else:
            alone = [convolve(x[i : i + 1] if len(x) > 1 else x, one, **settings) for i, one in enumerate(filters)]
            y = ops.concat(alone, 0)
        return y + rest[0].reshape(len(rest[0]), -1, *[1] * (y.ndim - 2)) if self.bias else y

    def to_onnx(self, onnx: Onnx) -> str:
        """The operator, with the filters of the only sample, or of all."""
        settings: dict[str, Any] = dict(self.settings)
        pads = [side[end] for end in (0, 1) for side in settings["padding"]]
        more = {"output_padding": list(settings["output_padding"])} if "output_padding" in settings else {}
        sides = [onnx.reshape(side, shape) for side, shape in zip(onnx.inputs[1:], onnx.shapes[1:], strict=True)]
        return onnx.node(
            self.op, onnx.stretched(0), *sides, strides=list(settings["stride"]), pads=pads,
            dilations=list(settings["dilation"]), group=settings["groups"], **more,
        )  # fmt: skip

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function, with the filters of the only sample, or of all; ``F.pad`` adds unequal padding."""
        settings: dict[str, Any] = dict(self.settings)
        pads, is_transposed = settings.pop("padding"), self.op == "ConvTranspose"
        is_same = all(before == after for before, after in pads)
        if is_transposed and not is_same:
            raise LayerError("has no transposed convolution with unequal padding")
        numbers = {"padding": tuple([before if is_same else 0 for before, _ in pads]), **settings}
        defaults = {"padding": 0, "output_padding": 0}
        options = {
            name: torch.option(torch.short(value) if isinstance(value, tuple) else value, defaults.get(name, 1))
            for name, value in numbers.items()
        }
        x = torch.x if is_same else torch.pad(torch.x, pads)
        sides = [torch.call("[]", side, 0) for side in torch.inputs[1:]]
        word = "conv_transpose" if is_transposed else "conv"
        return torch.call(f"F.{word}{torch.mapped('convolution')}d", x, *sides, **options)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Return the multiply-accumulates of the convolution."""
        count: int = self.products
        return count

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Return two FLOPs for each multiply-accumulate, and one for each output element if there is a bias."""
        return 2 * self.products + self.bias * prod(output)


class DeformedConv(ComputedConv):
    """A convolution whose taps are moved by offsets that are computed (arXiv:1703.06211, arXiv:1811.11168)."""

    to_onnx, to_torch = Opaque.to_onnx, Opaque.to_torch

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply the values at the moved taps by the filters."""
        from cnncalc.importers.onnx.numpy_rules import moved_taps

        x, filters, offset, *rest = inputs
        taps = moved_taps(dict(self.settings), x, filters.shape[3:], offset, *rest[self.bias :])
        y = ops.matmul(filters.reshape(1, taps.shape[1], -1, taps.shape[2]), taps).reshape(len(x), *self.shape)
        return y + rest[0].reshape(1, -1, 1, 1) if self.bias else y
