"""Rounding to the values of a quantised tensor."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, choice, integer, number
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.interfaces import Array, NumPy, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Reads, along
from cnncalc.layers.shapes import Shape

FORMATS = {
    "e4m3fn": (3, -6, 448.0), "e4m3fnuz": (3, -7, 240.0), "e5m2": (2, -14, 57344.0), "e5m2fnuz": (2, -15, 57344.0),
    "e2m1": (1, 0, 6.0),
}  # fmt: skip
"""Small floats: bits of the fraction, the least exponent of a full one, the largest number.

Those of 8 bits are from arXiv:2209.05433 and arXiv:2206.02915, that of 4 bits from the OCP Microscaling Formats 1.0.
"""


class Quantize(Layer):
    """Rounds to the values that integers represent: ``(q − zero_point) · scale``, where ``q`` is ``round(x / scale) +
    zero_point``.

    Any shape, kept; ``q`` is from ``quant_min`` to ``quant_max``, and ties go to the even number.  Without ``scale``
    both follow from the range of all elements of the batch, and 0, as in ONNX's DynamicQuantizeLinear. Flops per
    element: 1 division, 1 rounding, 1 add, 2 comparisons, 1 subtraction, 1 product; 2 comparisons more without
    ``scale``.  Of a ``format`` of 8 or 4 bits it takes the nearest number, the largest at most, and has neither the add
    nor the subtraction.
    """

    scale = argument(number, "the step between two values; default: a part of the input's range", None)
    zero_point = argument(integer, "the integer that stands for 0", 0)
    quant_min = argument(integer, "the least integer", 0)
    quant_max = argument(integer, "the largest integer", 255)

    format = argument(choice("integer", *FORMATS), "integers, or floats of so many bits", "integer")
    output = argument(
        choice("numbers", "integers", "steps", "scale", "zero_point"),
        "the result to return; steps are the integers minus zero_point",
        "numbers",
    )

    example = Example("quantize: 0.02", inputs=((64, 28, 28),), output=(64, 28, 28), flops=7 * 64 * 28 * 28)
    elsewhere = Elsewhere(torch="FakeQuantize", others="fake_quantize fake_quant", compared=True)

    def check(self) -> None:
        """Refuse a scale of 0 or less, and a range of integers with fewer than two of them."""
        if self.scale is not None and self.scale <= 0:
            raise LayerError(f"scale = {self.scale:g} must be positive", argument="scale")
        if self.quant_min >= self.quant_max:
            raise LayerError(
                f"quant_min = {self.quant_min} must be below quant_max = {self.quant_max}", argument="quant_min"
            )
        if self.format != "integer" and (self.scale is None or self.zero_point or self.output != "numbers"):
            raise LayerError(
                f"format = {self.format} takes a scale, no zero_point, and gives numbers", argument="format"
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape; (1,) for a scale or a zero point."""
        return (1,) if self.output in ("scale", "zero_point") else inputs[0]

    def times(self, inputs: tuple[Shape, ...], times: int) -> int:
        """Return 0 for a scale or a zero point, which the whole batch shares."""
        return 0 if self.output in ("scale", "zero_point") else times

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Seven per element, and two to find the range; five for floats."""
        return (9 if self.scale is None else 7 if self.format == "integer" else 5) * prod(inputs[0])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads | None:
        """Return that a scale or a zero point reads all elements; an element is taken to read its own place alone."""
        return along(*[WHOLE] * len(inputs[0])) if output == (1,) != inputs[0] else None

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Round."""
        (x,) = inputs
        np, kind = ops.np, x.dtype.type
        scale, zero = self.scale, float(self.zero_point)
        if scale is None:
            scale, zero = own_range(np, x, self.quant_min, self.quant_max)
        if self.format != "integer":
            return self.nearest(np, x / kind(scale)) * kind(scale)
        if self.output in ("scale", "zero_point"):
            return np.full((1, 1), scale if self.output == "scale" else zero, kind)
        whole = np.clip(np.rint(x / kind(scale)) + kind(zero), self.quant_min, self.quant_max)
        if self.output == "integers":
            return whole
        return whole - kind(zero) if self.output == "steps" else (whole - kind(zero)) * kind(scale)

    def nearest(self, np: NumPy, x: Array) -> Array:
        """Return the nearest numbers of a small float."""
        fraction, least, most = FORMATS[self.format]
        _, exponents = np.frexp(x)  # x is from 0.5 to 1, times 2 to the power of them
        step = np.ldexp(x.dtype.type(1), np.maximum(exponents - 1, least) - fraction)
        return np.clip(np.rint(x / step) * step, -most, most)

    def to_onnx(self, onnx: Onnx) -> str:
        """The formula, operator by operator."""
        if self.format != "integer":
            return self._cast(onnx)
        least, most = onnx.number(self.quant_min), onnx.number(self.quant_max)
        if self.scale is not None:
            scale, zero = onnx.number(self.scale), onnx.number(self.zero_point)
        else:
            axes = range(len(onnx.shapes[0]) + 1)
            low = onnx.node("Min", onnx.reduce("ReduceMin", onnx.x, axes), onnx.number(0))
            high = onnx.node("Max", onnx.reduce("ReduceMax", onnx.x, axes), onnx.number(0))
            steps = onnx.number(self.quant_max - self.quant_min)
            scale = onnx.node("Div", onnx.node("Sub", high, low), steps)
            zero = onnx.node("Sub", least, onnx.node("Div", low, scale))
            zero = onnx.node("Round", onnx.node("Clip", zero, least, most))
        if self.output in ("scale", "zero_point"):
            return onnx.reshape(scale if self.output == "scale" else zero, [1, 1])
        whole = onnx.node("Add", onnx.node("Round", onnx.node("Div", onnx.x, scale)), zero)
        whole = onnx.node("Clip", whole, least, most)
        if self.output == "integers":
            return whole
        whole = onnx.node("Sub", whole, zero)
        return whole if self.output == "steps" else onnx.node("Mul", whole, scale)

    def _cast(self, onnx: Onnx) -> str:
        """Return a cast to floats of 8 bits, and back."""
        if self.format == "e2m1":
            raise LayerError("has floats of 4 bits, which no runtime casts to")
        onnx.needs(19, "floats of 8 bits")
        scale = onnx.number(self.scale or 1)
        small = onnx.node("Div", onnx.x, scale)
        small = onnx.node("Cast", small, to=17 + [*FORMATS].index(self.format))
        return onnx.node("Mul", onnx.node("Cast", small, to=1), scale)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function.  Raises LayerError if the range is that of what comes in, or for floats."""
        if self.scale is None or self.output != "numbers" or self.format != "integer":
            raise LayerError("has no function that rounds to a tensor's own range or to floats, or gives integers")
        function = "torch.fake_quantize_per_tensor_affine"
        return torch.call(function, torch.x, self.scale, self.zero_point, self.quant_min, self.quant_max)

    def label(self) -> str:
        """Return the step and the integers."""
        step = "own range" if self.scale is None else f"{self.scale:.3g}"
        return f"{step}, {self.quant_min} … {self.quant_max}" if self.format == "integer" else f"{step}, {self.format}"


def own_range(np: NumPy, x: Array, least: int = 0, most: int = 255) -> tuple[float, float]:
    """Return the scale and the zero point of integers whose range covers x and 0."""
    kind = x.dtype.type
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = float(kind(high - low) / kind(most - least)) or 1.0
    return scale, float(np.rint(kind(min(max(least - low / scale, least), most))))


def own_steps(np: NumPy, x: Array) -> tuple[Array, float]:
    """Return x in whole steps, 256 of which cover its own range, and the size of a step."""
    scale, zero = own_range(np, x)
    return np.clip(np.rint(x / x.dtype.type(scale)) + zero, 0, 255) - zero, scale
