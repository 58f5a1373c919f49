"""Scaled dot-product attention."""

from __future__ import annotations

from math import inf, prod, sqrt

from cnncalc.layers.activation._softmax import line_flops, or_zero, softmax
from cnncalc.layers.arguments import LayerError, argument, choice, extended, factor, flag
from cnncalc.layers.base import Elsewhere, Example, Layer, with_axes
from cnncalc.layers.contractions import Contraction
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Along, Read, Reads
from cnncalc.layers.shapes import Shape, shape_text


class Attention(Layer):
    """``softmax(scale · Q·Kᵀ + bias) · V``: each query's weighted mean of the values (Vaswani 2017, arXiv:1706.03762).

    Inputs: queries (…, L, d), keys (…, S, d), values (…, S, e); further inputs are added to the logits (…, L, S):
    biases of relative positions, a mask.  Output (…, L, e).  The leading axes, such as heads and windows, are equal, or
    1 if one is shared by all.  With ``scaled: input`` the products are multiplied by the fourth input: a learned
    temperature per head, as in Swin v2 and XCiT.  With ``mask`` the last input is not added, but says which keys each
    query attends to.  A query whose logits are all −∞, masked, gives 0, as PyTorch's does.  Projections are linear
    layers of their own.  Flops for each head: 2 · macs, one product for each element that is scaled, L·S adds for each
    bias, L·S choices for the mask, and the softmax of L lines of S.
    """

    kind = "matmul"
    arity = (3, 6)

    scale = argument(factor, "factor of the products of queries and keys; 1/√d by default", None)
    scaled = argument(
        choice("logits", "queries", "both", "input", "sum"),
        "what to scale: the products, the queries, both sides by √scale, the products by the fourth input, or the sum "
        "of products and biases",
        "logits",
    )
    features_first = argument(flag, "whether inputs and output are (…, d, L) instead of (…, L, d)", False)
    mask = argument(
        choice("none", "keep", "drop"),
        "whether the last input is a mask, which is not 0 for the keys to keep, or for those to drop",
        "none",
    )
    fill = argument(extended, "the logits of dropped keys", -inf)

    example = Example(
        "attention",
        inputs=((3, 197, 64), (3, 197, 64), (3, 197, 64)),
        output=(3, 197, 64),
        macs=3 * 197 * 197 * (64 + 64),
        flops=2 * 3 * 197 * 197 * 128 + 3 * 197 * 197 + 3 * 197 * (2 * 196 + 3 * 197),
    )
    elsewhere = Elsewhere(onnx="Attention", others="scaled_dot_product_attention", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (…, L, e).  Raises LayerError if the shapes of queries, keys and values don't fit each other."""
        logits, width = self._logits(inputs)
        return (*logits[:-2], width, logits[-2]) if self.features_first else (*logits[:-1], width)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Those of Q·Kᵀ, and those of the product with the values."""
        logits, width = self._logits(inputs)
        return prod(logits) * (self._turned(inputs[0])[-1] + width)

    def contractions(self, inputs: tuple[Shape, ...], output: Shape) -> list[Contraction]:
        """Return Q·Kᵀ and the product with the values, for each head."""
        logits, width = self._logits(inputs)
        heads, (rows, keys) = prod(logits[:-2]), logits[-2:]
        features = self._turned(inputs[0])[-1]
        return [Contraction(features, keys, rows, groups=heads), Contraction(keys, width, rows, groups=heads)]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Two for each multiply-accumulate, the scale, the biases, and the softmax."""
        logits, _ = self._logits(inputs)
        others = (len(inputs) - 3) * prod(logits)  # including an input that is the factor
        scaled = {"input": 0, "queries": prod(inputs[0]), "both": prod(inputs[0]) + prod(inputs[1])}
        scale = 0 if self.scale == 1 else scaled.get(self.scaled, prod(logits))
        return 2 * self.macs(inputs, output) + scale + others + prod(logits[:-1]) * line_flops(logits[-1])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element reads its query, all keys, one feature of all values, and a line of the biases."""
        places = [len(output) - 2, len(output) - 1]
        query, feature = places[::-1] if self.features_first else places
        matrices = [[Read(query), WHOLE], [WHOLE, WHOLE], [WHOLE, Read(feature)]]
        found = []
        for place, shape in enumerate(inputs):
            matrix = matrices[place] if place < 3 else [Read(query), WHOLE]
            if place < 3 and self.features_first:
                matrix = matrix[::-1]
            offset = len(output) - len(shape)
            own = [*[Read(i + offset) for i in range(len(shape) - 2)], *matrix[-len(shape) :]]
            sizes = [output[i + offset] for i in range(len(shape) - 2)]
            ends = [*sizes, *([None, None] if place < 3 else [output[query], None])][-len(shape) :]
            reads = zip(own, shape, ends, strict=True)
            found.append((Along(tuple([WHOLE if end not in (None, size) else read for read, size, end in reads])),))
        return tuple(found)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Multiply, scale, add, normalise and multiply again."""
        q, k, v = [x.swapaxes(-1, -2) if self.features_first else x for x in inputs[:3]]
        scale = 1 / sqrt(q.shape[-1]) if self.scale is None else self.scale
        others = [with_axes(x, q.ndim) for x in inputs[3:]]
        if self.scaled == "both":
            root = sqrt(abs(scale))
            q, k = q * q.dtype.type(root), k * k.dtype.type(scale / root)
        elif self.scaled == "queries":
            q = q * q.dtype.type(scale)
        logits = ops.matmul(q, k.swapaxes(-1, -2))
        if self.scaled == "logits" and scale != 1:
            logits = logits * logits.dtype.type(scale)
        if self.scaled == "input":
            logits = logits * others.pop(0)
        is_masked = bool(others)
        mask = None if self.mask == "none" else others.pop()
        for bias in others:
            logits = logits + bias
        if self.scaled == "sum":
            logits = logits * logits.dtype.type(scale)
        if mask is not None:
            logits = ops.np.where((mask != 0) == (self.mask == "keep"), logits, logits.dtype.type(self.fill))
        y = ops.matmul(softmax(ops.np, logits, -1, is_masked), v)
        return y.swapaxes(-1, -2) if self.features_first else y

    def to_onnx(self, onnx: Onnx) -> str:
        """Two products with the softmax between them; ``scaled`` gives the place of the scale."""
        q, k, v = onnx.inputs[:3]
        rank = len(onnx.shapes[0]) + 1
        order = [*range(rank - 2), rank - 1, rank - 2]
        width = onnx.shapes[0][-2 if self.features_first else -1]
        scale = 1 / sqrt(width) if self.scale is None else self.scale
        if self.scaled in ("queries", "both") and scale != 1:
            factor = sqrt(scale) if self.scaled == "both" else scale
            q = onnx.node("Mul", q, onnx.number(factor))
            k = onnx.node("Mul", k, onnx.number(factor)) if self.scaled == "both" else k
        q, k = (onnx.transpose(q, order), k) if self.features_first else (q, onnx.transpose(k, order))
        logits = onnx.node("MatMul", q, k)
        if self.scaled == "logits" and scale != 1:
            logits = onnx.node("Mul", logits, onnx.number(scale))
        others = [onnx.aligned(*side, rank) for side in zip(onnx.inputs[3:], onnx.shapes[3:], strict=True)]
        if self.scaled == "input":
            logits = onnx.node("Mul", logits, others.pop(0))
        is_masked = bool(others)
        mask = None if self.mask == "none" else onnx.cast(others.pop(), "truth")
        for bias in others:
            logits = onnx.node("Add", logits, bias)
        if self.scaled == "sum":
            logits = onnx.node("Mul", logits, onnx.number(scale))
        if mask is not None:
            choices = [logits, onnx.number(self.fill)]
            logits = onnx.node("Where", mask, *(choices if self.mask == "keep" else choices[::-1]))
        weights = onnx.node("Softmax", logits, axis=rank - 1)
        weights = or_zero(onnx, weights) if is_masked else weights
        if self.features_first:
            return onnx.node("MatMul", v, onnx.transpose(weights, order))
        return onnx.node("MatMul", weights, v)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function; written out step by step if one side is shared by all heads or samples."""
        q, k, v, *others = torch.inputs
        rank, turned = len(torch.shapes[0]), self.features_first
        shapes = torch.shapes[3:]
        added = [torch.widened(other, rank - len(shape)) for other, shape in zip(others, shapes, strict=True)]
        scale: TensorCode | float = torch.shapes[0][-2 if turned else -1] ** -0.5 if self.scale is None else self.scale
        if self.scaled == "input":
            scale = added.pop(0)
        kept = None if self.mask == "none" else torch.call("!=" if self.mask == "keep" else "==", added.pop(), 0)
        bias: TensorCode | None = torch.call("+", *added) if len(added) > 1 else added[0] if added else None
        first: TensorCode = torch.transposed(q) if turned else q
        alike = len(set(torch.once[:3])) == 1 and len({shape[:-2] for shape in torch.shapes[:3]}) == 1
        if alike and self.scaled not in ("input", "sum") and self.fill == -inf:
            sides = [torch.transposed(side) if turned else side for side in (k, v)]
            mask = bias if kept is None else kept
            if bias is not None and kept is not None:
                mask = torch.call("torch.where", kept, bias, -inf)
            options = {} if mask is None else {"attn_mask": mask}
            scaled = {} if self.scale is None else {"scale": self.scale}
            value = torch.call("F.scaled_dot_product_attention", first, *sides, **options, **scaled)
        else:
            logits: TensorCode = torch.call("@", first, k if turned else torch.transposed(k))
            logits = torch.call("*", logits, scale) if self.scaled != "sum" and scale != 1 else logits
            logits = logits if bias is None else torch.call("+", logits, bias)
            logits = torch.call("*", logits, scale) if self.scaled == "sum" else logits
            logits = logits if kept is None else torch.call("torch.where", kept, logits, self.fill)
            weights = torch.call(".softmax", logits, -1)
            weights = weights if bias is None and kept is None else torch.call(".nan_to_num", weights)
            value = torch.call("@", weights, torch.transposed(v) if turned else v)
        return torch.transposed(value) if turned else value

    def label(self) -> str:
        """Return the scale where it is given."""
        return "" if self.scale is None else f"×{self.scale:.4g}"

    def _turned(self, shape: Shape) -> Shape:
        """Return a shape as (…, L, d)."""
        return (*shape[:-2], shape[-1], shape[-2]) if self.features_first else shape

    def _logits(self, inputs: tuple[Shape, ...]) -> tuple[Shape, int]:
        """Return the shape of the logits, and the width of the values."""
        rank = len(inputs[0])
        if rank < 2 or any(len(shape) != rank for shape in inputs[1:3]):
            raise LayerError(
                "takes queries, keys and values with the same number of axes, at least two, but they are "
                f"{_shapes(inputs[:3])}",
                hint="(heads, L, d), (heads, S, d), (heads, S, e)",
            )
        q, k, v = [self._turned(shape) for shape in inputs[:3]]
        leading = []
        for sizes in zip(q[:-2], k[:-2], v[:-2], strict=True):
            size = max(sizes)
            if any(one not in (1, size) for one in sizes):
                raise LayerError(
                    f"the axes before the matrices differ: {_shapes(inputs[:3])}",
                    hint="they must be equal, or 1 if one is shared by all",
                )
            leading.append(size)
        if q[-1] != k[-1] or k[-2] != v[-2]:
            what = (
                "queries and keys differ in their features"
                if q[-1] != k[-1]
                else "the numbers of keys and values differ"
            )
            raise LayerError(f"{what}: {_shapes(inputs[:3])}", hint="(heads, L, d), (heads, S, d), (heads, S, e)")
        logits = (*leading, q[-2], k[-2])
        if self.scaled == "input" and (len(inputs) < 4 or self.scale is not None):
            raise LayerError("takes the factor of the products as its fourth input, so scale can't be given")
        if len(inputs) - 3 < (self.scaled == "input") + (self.mask != "none"):
            raise LayerError("takes a mask as its last input", argument="mask")
        if self.fill != -inf and self.mask == "none":
            raise LayerError("fill gives the logits of keys that a mask drops, but there is no mask", argument="fill")
        for place, other in enumerate(inputs[3:]):
            if len(other) > rank or any(
                one not in (1, size) for one, size in zip(other[::-1], logits[::-1], strict=False)
            ):
                how = "multiply" if self.scaled == "input" and not place else "be added to"
                raise LayerError(f"{shape_text(other)} can't {how} logits of {shape_text(logits)}")
        return logits, v[-1]


def _shapes(inputs: tuple[Shape, ...]) -> str:
    return ", ".join([shape_text(shape) for shape in inputs])
