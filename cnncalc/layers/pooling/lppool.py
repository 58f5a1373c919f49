"""Power-average pooling."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, number
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Onnx, TensorCode, Torch
from cnncalc.layers.pooling._windowed import WindowPool


class LPPool(WindowPool):
    """Takes ``(Σ xᵖ)^(1/p)`` of each window, p being ``norm_type`` (Gulcehre et al. 2014, arXiv:1311.1780).

    Input (C, *spatial), output (C, *spatial_out), each spatial axis with
    ``⌊(in + P_before + P_after − D·(K − 1) − 1) / S⌋ + 1`` positions.
    As in PyTorch, the root of a negative sum is nan: an odd or fractional ``norm_type`` is for inputs of at least 0
    (ONNX uses the magnitudes of x instead). Flops per output element: prod(kernel_size) powers, prod(kernel_size) − 1
    adds, 1 root.
    """

    stem = "pool"
    pooling = "lp"
    parameter = "norm_type"
    of_tap = 2  # a power, and an add
    of_window = 1  # the root

    norm_type = argument(number, "the exponent p", 2.0, "p")

    example = Example("lppool: 2", inputs=((16, 10, 10),), output=(16, 5, 5), flops=16 * 5 * 5 * (4 + 3 + 1))
    elsewhere = Elsewhere(torch="LPPool{d}d(norm_type, kernel_size, stride, ceil_mode)", onnx="LpPool", compared=True)

    def check(self) -> None:
        """Refuse an exponent of 0 or less."""
        if self.norm_type <= 0:
            raise LayerError(
                f"norm_type = {self.norm_type:g} is not above 0",
                argument="norm_type",
                hint="1 is the sum, 2 the Euclidean norm",
            )

    def to_onnx(self, onnx: Onnx) -> str:
        """LpPool for an even exponent; else its primitives, since LpPool takes magnitudes first."""
        x, window = self.padded_in_onnx(onnx, self.covered(onnx.shapes[0], onnx.output), 0.0)
        if self.norm_type in (2, 4, 6):
            return onnx.node("LpPool", x, **self.attributes(onnx, window, 18), p=int(self.norm_type))
        powers = onnx.node("Pow", x, onnx.number(self.norm_type))
        mean = onnx.node("AveragePool", powers, **self.attributes(onnx, window, 19), count_include_pad=1)
        total = onnx.node("Mul", mean, onnx.number(prod(self.kernel_size)))
        return onnx.node("Pow", total, onnx.number(1 / self.norm_type))

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function; ``F.pad`` first adds the borders, which it does not accept."""
        from cnncalc.layers.pooling._pytorch import powered

        return powered(self, torch, self.norm_type)

    def label(self) -> str:
        """Return ``3×3/2, L2``."""
        return f"{super().label()}, L{self.norm_type:g}"
