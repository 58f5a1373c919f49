"""Convolution whose filters are not shared."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import ClassVar

from cnncalc.ground.limits import MAX_EXPORTED_INDICES
from cnncalc.layers.arguments import Argument, LayerError
from cnncalc.layers.base import Elsewhere, Example, Weight
from cnncalc.layers.contractions import Contraction
from cnncalc.layers.convolution.conv import Conv
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.shapes import Shape

_MODULE = '''
class LocallyConnected(nn.Module):
    """A convolution with filters and biases of its own at every position."""

    def __init__(
        self, in_channels, out_channels, sizes, kernel_size, stride, dilation, bias=True
    ):
        super().__init__()
        self.axes = list(zip(kernel_size, stride, dilation))
        shape = (out_channels, in_channels, *sizes, *kernel_size)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(out_channels, *sizes)) if bias else None
        nn.init.kaiming_uniform_(self.weight.flatten(1), a=5**0.5)

    def forward(self, x):
        for axis, (kernel, stride, dilation) in enumerate(self.axes, 2):
            x = x.unfold(axis, dilation * (kernel - 1) + 1, stride)[..., ::dilation]
        places, taps = "uvw"[: len(self.axes)], "xyz"[: len(self.axes)]
        equation = f"nc{places}{taps},oc{places}{taps}->no{places}"
        x = torch.einsum(equation, x, self.weight)
        return x if self.bias is None else x + self.bias
'''


class LocallyConnected(Conv):
    """A convolution with separate filters and biases at every position (Taigman et al. 2014, "DeepFace").

    Input (C_in, *spatial), output (C_out, *spatial_out), each spatial axis with
    ``⌊(in + P_before + P_after − D·(K − 1) − 1) / S⌋ + 1`` positions.  Parameters: (C_out, C_in, *spatial_out,
    *kernel_size), and a bias per output element.  Flops: 2 · macs, and 1 add per output element for the bias.
    """

    stem = "local"
    one_kernel = False
    groups = 1
    arguments: ClassVar[Mapping[str, Argument[object]]] = {
        name: argument for name, argument in Conv.arguments.items() if name != "groups"
    }

    example = Example(
        "locally_connected: {out_channels: 10, kernel_size: 5, padding: 2, bias: false}",
        inputs=((3, 32, 32),),
        output=(10, 32, 32),
        params=768_000,  # 75 · 1024 · 10
        macs=768_000,  # each weight is used once
        flops=2 * 768_000,
    )
    elsewhere = Elsewhere(
        keras="LocallyConnected{d}D(filters, kernel_size, strides, padding)",
        others="local local_conv unshared_conv",
    )

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight (out_channels, in_channels, *spatial_out, *kernel_size), and bias with the output's shape."""
        output = self.output_shape(*inputs)
        weights = {"weight": Weight((self.out_channels, inputs[0][0], *output[1:], *self.kernel_size))}
        if self.bias:
            weights["bias"] = Weight(output)
        return weights

    def contractions(self, inputs: tuple[Shape, ...], output: Shape) -> list[Contraction]:
        """Return a window times the filters of its place, for each place."""
        return [Contraction(inputs[0][0] * prod(self.kernel_size), self.out_channels, groups=prod(output[1:]))]

    def _filters_at(self, at: Shape, weights: Mapping[str, Array]) -> tuple[Array, float | None]:
        """Return the filter of the place, and its bias or None."""
        own = weights["weight"][at[0]][(slice(None), *at[1:])]
        return own, weights["bias"][at] if "bias" in weights else None

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Correlate each window of the input with its own filters."""
        return ops.locally_connected(
            inputs[0],
            weights["weight"],
            weights.get("bias"),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )

    def to_onnx(self, onnx: Onnx) -> str:
        """Gather every window, and multiply it with the filters of its place."""
        (shape,), np = onnx.shapes, onnx.np
        count = prod(onnx.output[1:]) * prod(self.kernel_size)
        if count > MAX_EXPORTED_INDICES:
            raise LayerError(f"gathers {count:,} elements, but at most {MAX_EXPORTED_INDICES:,} indices are exported")
        x, (channels, *sizes) = onnx.x, shape
        pads = self._pads(shape[1:])
        if any(before or after for before, after in pads):
            x = onnx.node("Pad", x, onnx.integers([0, 0, *[p[0] for p in pads], 0, 0, *[p[1] for p in pads]]))
            sizes = [size + before + after for size, (before, after) in zip(sizes, pads, strict=True)]
        axes = zip(onnx.output[1:], self.stride, self.kernel_size, self.dilation, strict=True)
        taps = [np.arange(out)[:, None] * step + np.arange(kernel) * gap for out, step, kernel, gap in axes]
        index = np.zeros((1, 1), int)
        for size, tap in zip(sizes, taps, strict=True):
            index = (index[:, None, :, None] * size + tap[None, :, None, :]).reshape(index.shape[0] * len(tap), -1)
        flat = onnx.reshape(x, [0, channels, -1])
        windows = onnx.node("Gather", flat, onnx.integers([*map(int, index.ravel().tolist())]), axis=2)
        windows = onnx.reshape(windows, [0, 0, *index.shape])
        filters = onnx.reshape(onnx.weight("weight"), [0, 0, *index.shape])
        made = onnx.reshape(onnx.node("Einsum", windows, filters, equation="ncpk,ocpk->nop"), [0, 0, *onnx.output[1:]])
        return onnx.node("Add", made, onnx.weight("bias")) if self.bias else made

    def to_torch(self, torch: Torch) -> TensorCode:
        """A module that multiplies every window with its own filters."""
        torch.mapped("convolution")
        torch.define(_MODULE)
        connected = torch.module(
            "LocallyConnected",
            torch.shapes[0][0],
            self.out_channels,
            torch.output[1:],
            kernel_size=self.kernel_size,
            stride=self.stride,
            dilation=self.dilation,
            **torch.options("bias"),
        )
        return connected(torch.pad(torch.x, self._pads(torch.shapes[0][1:])))
