"""Rotary position embedding."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, flag
from cnncalc.layers.base import Elsewhere, Example, Layer, with_axes
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Along, Read, Reads
from cnncalc.layers.shapes import Shape, shape_text

_FUNCTION = '''
def turned(x, interleaved=False):
    """Return pairs of features turned by a quarter of a circle: (-b, a) of (a, b)."""
    if interleaved:
        return torch.stack([-x[..., 1::2], x[..., ::2]], dim=-1).flatten(-2)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([-b, a], dim=-1)
'''


class Rotary(Layer):
    """``x · cos + turned(x) · sin``: queries or keys turned by an angle for each position (Su 2021, arXiv:2104.09864).

    Inputs: x (…, L, d), and the cosines and sines of the angles, (L, d) or with leading axes of 1; the output has the
    shape of x. The features of a pair, (x₁, x₂) → (−x₂, x₁), are d/2 apart or, with ``interleaved``, neighbours.  Flops
    per element: 2 products, 1 add, and a sign for half of them.
    """

    kind = "other"
    arity = (3, 3)

    interleaved = argument(flag, "whether pairs are neighbours, instead of elements d/2 apart", False)

    example = Example(
        "rotary",
        inputs=((12, 196, 64), (196, 64), (196, 64)),
        output=(12, 196, 64),
        flops=3 * 12 * 196 * 64 + 12 * 196 * 32,
    )
    elsewhere = Elsewhere(onnx="RotaryEmbedding", others="RoPE apply_rotary_pos_emb", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape.  Raises LayerError if the angles don't fit."""
        shape, *angles = inputs
        if len(shape) < 2 or shape[-1] % 2:
            raise LayerError(f"takes (…, L, d) with an even d, but its input is {shape_text(shape)}")
        for table in angles:
            sizes = zip(table[::-1], shape[::-1], strict=False)
            if len(table) > len(shape) or any(size not in (1, own) for size, own in sizes):
                raise LayerError(f"angles of {shape_text(table)} don't fit {shape_text(shape)}", hint="(L, d)")
        return shape

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Three per element, and one for half of them."""
        return 3 * prod(output) + prod(output) // 2

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element reads the features of its place, and the angles there."""
        found = []
        for shape in inputs:
            offset = len(output) - len(shape)
            places = [Read(i + offset) if size == output[i + offset] else WHOLE for i, size in enumerate(shape)]
            found.append((Along((*places[:-1], Read(None, None, False) if shape is inputs[0] else places[-1])),))
        return tuple(found)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply by the cosines, and add the turned tensor times the sines."""
        x, cos, sin = inputs
        turned = ops.np.empty_like(x)
        half = x.shape[-1] // 2
        one, other = (slice(0, None, 2), slice(1, None, 2)) if self.interleaved else (slice(half), slice(half, None))
        turned[..., one], turned[..., other] = -x[..., other], x[..., one]
        return x * with_axes(cos, x.ndim) + turned * with_axes(sin, x.ndim)

    def to_onnx(self, onnx: Onnx) -> str:
        """Two products and a sum; the turned tensor is joined from slices."""
        x, *angles = onnx.inputs
        rank, width = len(onnx.output) + 1, onnx.output[-1]
        last = rank - 1
        if self.interleaved:
            one, other = onnx.cut(x, last, 0, width, 2), onnx.cut(x, last, 1, width, 2)
            pairs = [onnx.node("Unsqueeze", part, onnx.integers([rank])) for part in (onnx.node("Neg", other), one)]
            turned = onnx.reshape(onnx.node("Concat", *pairs, axis=rank), [0, *onnx.output])
        else:
            one, other = onnx.cut(x, last, 0, width // 2), onnx.cut(x, last, width // 2, width)
            turned = onnx.node("Concat", onnx.node("Neg", other), one, axis=last)
        cos, sin = [onnx.aligned(*side, rank) for side in zip(angles, onnx.shapes[1:], strict=True)]
        return onnx.node("Add", onnx.node("Mul", x, cos), onnx.node("Mul", turned, sin))

    def to_torch(self, torch: Torch) -> TensorCode:
        """Two products and a sum, of the tensor and of the turned tensor."""
        tables = zip(torch.inputs[1:], torch.shapes[1:], strict=True)
        cos, sin = [torch.widened(table, len(torch.output) - len(shape)) for table, shape in tables]
        turned = torch.call("turned", torch.x, **torch.options("interleaved"))
        torch.define(_FUNCTION)
        return torch.call("+", torch.call("*", torch.x, cos), torch.call("*", turned, sin))
