"""Piecewise linear tanh."""

from __future__ import annotations

from math import inf, prod

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.arguments import Conversion, LayerError, argument, number
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Onnx, TensorCode, Torch
from cnncalc.layers.shapes import Shape

_bound = Conversion(lambda value: value if value == "none" else number(value), ("none",))


class HardTanh(Elementwise):
    """``min(max(x, min_val), max_val)``; ``none`` leaves out a bound.

    Any shape, kept.  Flops per element: 1 comparison for each bound.
    """

    operations = 2

    min_val = argument(_bound, "the least value", -1.0)
    max_val = argument(_bound, "the greatest value", 1.0)

    example = Example("hardtanh", inputs=((64, 16, 16),), output=(64, 16, 16), flops=2 * 64 * 16 * 16)
    elsewhere = Elsewhere(
        torch="Hardtanh(min_val, max_val)",
        onnx="Clip(min=min_val, max=max_val)",
        others="clamp ClipByValue",
        compared=True,
    )

    def check(self) -> None:
        """Refuse bounds in the wrong order."""
        low, high = self.clamps()
        if low >= high:
            raise LayerError(
                f"min_val = {low:g} is not less than max_val = {high:g}",
                argument="min_val",
                hint="the usual bounds are -1 and 1",
            )

    def clamps(self) -> tuple[float, float]:
        """Return the bounds."""
        low, high = self.min_val, self.max_val
        return -inf if isinstance(low, str) else low, inf if isinstance(high, str) else high

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One per element for each bound."""
        bounds = [self.min_val, self.max_val]
        return (2 - bounds.count("none")) * prod(output)

    def to_onnx(self, onnx: Onnx) -> str:
        """Clip, without bounds that are left out."""
        from cnncalc.layers.onnx import clipped

        return clipped(onnx, *self.clamps())

    def to_torch(self, torch: Torch) -> TensorCode:
        """``F.hardtanh`` for two bounds, else ``clamp`` for one."""
        bounds = {"min": self.min_val, "max": self.max_val}
        if "none" in bounds.values():
            return torch.call(".clamp", torch.x, **{name: value for name, value in bounds.items() if value != "none"})
        return torch.call("F.hardtanh", torch.x, **torch.options("min_val", "max_val"))
