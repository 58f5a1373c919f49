"""Matrix product of two tensors."""

from __future__ import annotations

from math import prod

from cnncalc.layers.arguments import LayerError, argument, flag
from cnncalc.layers.base import Elsewhere, Example, Layer, with_axes
from cnncalc.layers.contractions import Contraction
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Along, Read, Reads
from cnncalc.layers.shapes import Shape, shape_text


class Matmul(Layer):
    """Multiplies matrices: the last two axes of its inputs, (…, m, k) by (…, k, n) to (…, m, n).

    The leading axes are equal, or 1 on one side; a single matrix (k, n) is used for all of them.  A vector (k,)
    is a row.  With ``transpose_a``, ``transpose_b`` the input has its last two axes the other way round, as keys
    have in attention (Vaswani et al. 2017, arXiv:1706.03762).  Flops: 2 · macs.
    """

    kind = "matmul"
    arity = (2, 2)

    transpose_a = argument(flag, "whether the first input is (…, k, m)", False)
    transpose_b = argument(flag, "whether the second input is (…, n, k)", False)

    example = Example(
        "matmul: {transpose_b: true}",
        inputs=((12, 197, 64), (12, 197, 64)),
        output=(12, 197, 197),
        macs=12 * 197 * 197 * 64,
        flops=2 * 12 * 197 * 197 * 64,
    )
    elsewhere = Elsewhere(onnx="MatMul", others="bmm mm BatchMatMul batch_dot Dot", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (…, m, n). Raises LayerError if the summed axes differ in size."""
        a, b = self._turned(inputs)
        leading = self._leading(a[:-2], b[:-2], inputs)
        if a[-1] != b[-2]:
            raise LayerError(
                f"rows of {a[-1]} and columns of {b[-2]} can't be multiplied: "
                f"input 1 is {shape_text(inputs[0])}, input 2 is {shape_text(inputs[1])}",
                hint="(m, k) by (k, n); transpose_b: true takes the second as (n, k)",
            )
        matrix = (a[-2], b[-1]) if len(inputs[0]) > 1 else (b[-1],)
        return (*leading, *matrix)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for every element of a row at every output element."""
        return prod(output) * self._turned(inputs)[0][-1]

    def contractions(self, inputs: tuple[Shape, ...], output: Shape) -> list[Contraction]:
        """Return the matrices' product, one for each of the second's."""
        a, b = self._turned(inputs)
        rows, groups = prod(output) // b[-1], prod(b[:-2])
        return [Contraction(a[-1], b[-1], rows // groups, groups=groups)]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Two for each multiply-accumulate."""
        return 2 * self.macs(inputs, output)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element reads a row of the first input and a column of the second."""
        row, column = len(output) - (2 if len(inputs[0]) > 1 else 1), len(output) - 1
        sides = []
        own_first = ((Read(row), not self.transpose_a), (Read(column), self.transpose_b))
        for shape, (own, first) in zip(inputs, own_first, strict=True):
            matrix = [WHOLE] if len(shape) == 1 else [own, WHOLE] if first else [WHOLE, own]
            before = zip(shape[:-2], output[: len(shape) - 2], strict=False)
            leading = [Read(axis) if size == out else WHOLE for axis, (size, out) in enumerate(before)]
            sides.append((Along((*leading, *matrix)),))
        return tuple(sides)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply."""
        a, b = inputs
        row = a.ndim == 2
        a = a[:, None] if row else a
        a = a.swapaxes(-1, -2) if self.transpose_a else a
        b = b.swapaxes(-1, -2) if self.transpose_b else b
        most = max(a.ndim, b.ndim)
        product = ops.matmul(with_axes(a, most), with_axes(b, most))
        return product[..., 0, :] if row else product

    def to_onnx(self, onnx: Onnx) -> str:
        """MatMul; transposed sides are transposed first, and a vector is made a row."""
        ranks = [len(shape) for shape in onnx.shapes]
        is_row, most = ranks[0] == 1, max(*ranks, 2)
        sides = []
        for x, shape, turned in zip(onnx.inputs, onnx.shapes, (self.transpose_a, self.transpose_b), strict=True):
            order = [*range(len(shape) - 1), len(shape), len(shape) - 1] if turned else [*range(len(shape) + 1)]
            y = onnx.transpose(x, order)
            sides.append(onnx.aligned(y, shape, most + 1))
        made = onnx.node("MatMul", *sides)
        return onnx.node("Squeeze", made, onnx.integers([len(onnx.output)])) if is_row else made

    def to_torch(self, torch: Torch) -> TensorCode:
        """A matrix product; axes that only one side has become axes of 1 on the other."""
        row = len(torch.shapes[0]) == 1
        a, b = torch.inputs
        if row or self.transpose_a:
            a = torch.call(".unsqueeze", a, 1) if row else torch.transposed(a)
        b = torch.transposed(b) if self.transpose_b else b
        missing = len(torch.shapes[1]) - max(len(torch.shapes[0]), 2)
        product = torch.call("@", torch.widened(a, missing), torch.widened(b, -missing))
        return torch.call(".squeeze", product, -2) if row else product

    def label(self) -> str:
        """Return the transposed sides."""
        sides = [name for name, turned in (("aᵀ", self.transpose_a), ("bᵀ", self.transpose_b)) if turned]
        return ", ".join(sides)

    def _turned(self, inputs: tuple[Shape, ...]) -> tuple[Shape, Shape]:
        """Return both shapes as (…, m, k) and (…, k, n)."""
        a, b = inputs
        if len(b) < 2 or (len(a) < 2 and self.transpose_a):
            raise LayerError(
                f"takes matrices, but input {1 if len(a) < 2 else 2} is a vector",
                hint="reshape: [1, -1] makes a vector a row, [-1, 1] a column",
            )
        a = (1, *a) if len(a) == 1 else a
        a = (*a[:-2], a[-1], a[-2]) if self.transpose_a else a
        return a, (*b[:-2], b[-1], b[-2]) if self.transpose_b else b

    def _leading(self, a: Shape, b: Shape, inputs: tuple[Shape, ...]) -> Shape:
        """Return the axes before the matrices."""
        if not b or not a:
            return a or b
        if len(a) != len(b) or any(1 not in (m, n) and m != n for m, n in zip(a, b, strict=True)):
            raise LayerError(
                f"input 1 is {shape_text(inputs[0])}, but input 2 is {shape_text(inputs[1])}: "
                "the axes before the matrices differ",
                hint="they must be equal, or 1 on one side",
            )
        return tuple([n if m == 1 else m for m, n in zip(a, b, strict=True)])
