"""The base class of poolings over a sliding window."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from cnncalc.layers.arguments import DERIVED, LayerError, argument, choice, flag, pads, per_axis, positive
from cnncalc.layers.base import Layer
from cnncalc.layers.interfaces import Array, Onnx, Ops, Pooling, Rounding
from cnncalc.layers.reads import Read, Reads
from cnncalc.layers.shapes import Shape, spatial
from cnncalc.layers.window import Pair, Sliding, extents, pads_of, window_counts, window_label

_ROUNDINGS: tuple[Rounding, ...] = ("floor", "ceil", "caffe")


class WindowPool(Layer):
    """Summarises each window of a channel in one number.

    Input (C, *spatial), output (C, *spatial_out), each spatial axis with
    ``⌊(in + P_before + P_after − D·(K − 1) − 1) / S⌋ + 1`` positions; rounded up with ``rounding: ceil`` or
    ``caffe``, where the last window must start inside the input or the padding in front of it.  Caffe requires that
    only for a padded map: without padding, and with a stride above the kernel, its last window may be empty, and its
    maximum is the smallest float.

    Attributes:
        pooling: how a window becomes one number.
        parameter: the argument on which that depends.
        of_tap: floating-point operations for each tap of a window, the first being in one fewer.
        of_window: further operations for each window.
    """

    kind = "pool"
    one_kernel = True
    slides = True
    pooling: ClassVar[Pooling]
    parameter: ClassVar[str] = ""
    of_tap: ClassVar[int] = 1
    of_window: ClassVar[int] = 0

    kernel_size = argument(per_axis(positive), "extent of the window along each spatial axis", symbol="K")
    stride = argument(per_axis(positive), "step from one window to the next; default: kernel_size", DERIVED, "S")
    padding = argument(pads, "padding around the map", 0, "P")
    dilation = argument(per_axis(positive), "step from one tap of the window to the next", 1, "D")
    ceil_mode = argument(flag, "short for 'rounding: ceil'", False)
    rounding = argument(
        choice(*_ROUNDINGS),
        "ceil: the last window may overhang the end; caffe: the same, and without padding it may lie beyond the end",
        "floor",
    )

    def derived(self) -> dict[str, object]:
        """Return the stride, and both names of the rounding."""
        rounding = "ceil" if self.ceil_mode and self.rounding == "floor" else self.rounding
        stride = self.kernel_size if self.stride is None else self.stride
        return {"stride": stride, "rounding": rounding, "ceil_mode": rounding != "floor"}

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (C, windows along each axis)."""
        (shape,) = inputs
        sizes = spatial(shape, self.type)
        around = self._pads(sizes)
        for extent, pair in zip(extents(self.kernel_size, self.dilation), around, strict=True):
            _check_padding(extent, pair)
        clip = self.rounding != "caffe" or any(before or after for before, after in around)
        counts = window_counts(shape, self.kernel_size, self.stride, around, self.dilation, self.ceil_mode, clip)
        return (shape[0], *counts)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """``of_tap`` for each tap, less 1, and ``of_window``, at every output element."""
        return prod(output) * (self.of_tap * prod(self.kernel_size) - 1 + self.of_window)

    def window(self, inputs: tuple[Shape, ...]) -> Sliding:
        """Return the kernel with its step, its padding and its dilation."""
        return Sliding(self.kernel_size, self.stride, self._pads(inputs[0][1:]), self.dilation, self.ceil_mode)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the window; channels are separate."""
        return self.window(inputs).reads(Read(0))

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Summarise each window."""
        return ops.pool(
            inputs[0],
            self.pooling,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            rounding=self.rounding,
            of=self.__dict__.get(self.parameter, True),
        )

    def label(self) -> str:
        """Return ``3×3/2``."""
        return window_label(self.kernel_size, self.stride, self.dilation)

    def padded_in_onnx(self, onnx: Onnx, window: Sliding, value: float) -> tuple[str, Sliding]:
        """Return input and window; runtimes refuse a window that is all padding, which an operator adds instead."""
        if all(max(pads) < kernel for pads, kernel in zip(window.pads, window.kernel, strict=True)):
            return onnx.x, window
        sides = [[pads[side] for pads in window.pads] for side in (0, 1)]
        x = onnx.node("Pad", onnx.x, onnx.integers([0, 0, *sides[0], 0, 0, *sides[1]]), onnx.number(value))
        return x, window._replace(pads=((0, 0),) * len(window.kernel))

    def attributes(self, onnx: Onnx, window: Sliding, since: int) -> dict[str, Shape]:
        """Return a window's attributes for an operator that has dilations since an opset."""
        attributes = window.to_onnx()
        if max(self.dilation) == 1:
            attributes.pop("dilations")
        else:
            onnx.needs(since, "windows with gaps")
        return attributes

    def covered(self, shape: Shape, output: Shape) -> Sliding:
        """Return the window, padded until all windows fit, so that rounding down gives their number."""
        window = self.window((shape,))
        axes = zip(shape[1:], output[1:], window.extents, window.stride, window.pads, strict=True)
        pads = [(before, (out - 1) * step + reach - size - before) for size, out, reach, step, (before, _) in axes]
        return window._replace(pads=tuple([(before, max(after, 0)) for before, after in pads]), ceil=False)

    def _pads(self, sizes: Shape) -> tuple[Pair, ...]:
        return pads_of(self.padding, sizes, self.kernel_size, self.stride, self.dilation)


def _check_padding(extent: int, pair: Pair) -> None:
    widest = max(pair)
    if widest >= extent:
        raise LayerError(
            f"padding = {widest} is not smaller than the kernel's extent of {extent}: "
            "a window would lie completely in the padding",
            argument="padding",
            hint=f"pad by {extent // 2} at most" if extent > 1 else "a kernel of 1 needs no padding",
        )
