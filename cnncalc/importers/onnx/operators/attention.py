"""Attention as one operator, and rotary position embeddings of its queries and keys.

https://onnx.ai/onnx/operators/onnx__Attention.html, onnx__RotaryEmbedding.html (opset 23), and
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.operators.contraction import linear, permuted
from cnncalc.importers.onnx.operators.elementwise import affine, aligned, merged
from cnncalc.importers.onnx.operators.movement import reshaped, with_axes
from cnncalc.importers.onnx.operators.parts import sliced
from cnncalc.importers.onnx.proto import BOOL, FLOAT
from cnncalc.importers.onnx.values import Call, UnfitError, Value, literal


@operator("Attention")
def _attention(build: Builder, call: Call) -> Sequence[Value | None]:
    q, k, v, mask = call.input(0), call.input(1), call.input(2), call.given(3)
    lengths = call.given(6)
    flat = q.rank == 3
    heads = call.integer("q_num_heads") or q.dims[1]
    few = call.integer("kv_num_heads") or (heads if k.rank == 3 else k.dims[1])
    q, k, v = [
        _split_heads(build, value, count) if value.rank == 3 else value
        for value, count in ((q, heads), (k, few), (v, few))
    ]
    earlier = 0
    past = call.given(4), call.given(5)
    if past[0] is not None and past[1] is not None:
        earlier = past[0].dims[2]
        k, v = [build.step("concat", [*pair], 0, axis=1) for pair in ((past[0], k), (past[1], v))]
    biases = [] if mask is None else [mask]
    causal, left, right = call.integer("is_causal"), *[call.integer(f"{side}_window_size", -1) for side in SIDES]
    if causal or max(left, right) >= 0:
        biases.append(_causal_bias(build, q.dims[2], k.dims[2], earlier, left, 0 if causal else right))
    if lengths is not None:
        if causal or lengths.axis != 0 or lengths.rank != 1:
            raise UnfitError("lengths beside a causal mask, or lengths that are not one per sample, are not supported")
        seen = _is_before(build, lengths, k.dims[2])
        seen.dtype = BOOL
        biases.append(seen)
    y = attention(build, (q, k, v), (heads, few), biases, call.operator.attributes.get("scale"), call.number("softcap"))
    return [_joined_heads(build, y) if flat else y, k, v]


@operator("MultiHeadAttention", domain="com.microsoft")
def _multi_head_attention(build: Builder, call: Call) -> Value:
    q, k, v = call.input(0), call.given(1), call.given(2)
    earlier = [value for value in call.inputs[6:] if value is not None]
    if k is None or v is None or {value.rank for value in (q, k, v)} != {3} or earlier:
        raise UnfitError("only queries, keys and values of three axes are supported, without those of an earlier pass")
    bias = call.given(3)
    if bias is not None:
        sizes, start, sides = [value.dims[-1] for value in (q, k, v)], 0, []
        for value, size in zip((q, k, v), sizes, strict=True):
            sides.append(merged(build, "add", [value, sliced(build, bias, 0, start, start + size, 1)]))
            start += size
        q, k, v = sides
    return _of_microsoft(build, call, call.given(4), (q, k, v))


@operator("Attention", domain="com.microsoft")
def _packed_attention(build: Builder, call: Call) -> Value:
    x, weight, bias = call.input(0), call.input(1), call.given(2)
    is_other = call.given(4) is not None or call.integers("qkv_hidden_sizes")
    if weight.is_live or weight.rank != 2 or is_other:
        raise UnfitError("only one matrix for queries, keys and values is supported, without those of an earlier pass")
    turned = build.derived("Transpose", weight, shape=weight.shape[::-1], perm=[1, 0])
    y = linear(build, x, turned, bias=bias)
    width = weight.shape[1] // 3
    sides = [sliced(build, y, y.rank - 1, i * width, (i + 1) * width, 1) for i in range(3)]
    return _of_microsoft(build, call, call.given(3), sides)


def _of_microsoft(build: Builder, call: Call, mask: Value | None, sides: Sequence[Value]) -> Value:
    """Return the output of one of ONNX Runtime's operators, by queries, keys and values (batch, L, heads · d)."""
    heads = call.integer("num_heads")
    sides = [_split_heads(build, value, heads) for value in sides]
    biases = _biases(build, call, mask, sides)
    return _joined_heads(build, attention(build, sides, (heads, heads), biases, call.operator.attributes.get("scale")))


def _biases(build: Builder, call: Call, mask: Value | None, sides: Sequence[Value]) -> list[Value]:
    """Return what one of ONNX Runtime's operators adds to the logits: a bias, a mask of padding, and a causal mask.

    The mask of padding is 0 for padding, (batch, L), or the number of keys before it, (batch,).
    """
    queries, keys = [side.dims[2] for side in sides[:2]]
    found = [bias for bias in (call.given(5),) if bias is not None]
    if mask is not None:
        if mask.axis != 0 or mask.shape not in ((), (keys,)):
            raise UnfitError("its mask is neither (batch,) nor (batch, L)")
        seen = with_axes(build, mask, (0, None, None, 1)) if mask.shape else _is_before(build, mask, keys)
        found.append(build.step("where", [seen], then=0.0, otherwise=call.number("mask_filter_value", -10000.0)))
    if not call.integer("unidirectional"):
        return found
    if queries != keys:
        raise UnfitError(f"a causal mask of {queries} queries and {keys} keys is not supported")
    return [*found, _causal_bias(build, queries, keys, 0)]


def _is_before(build: Builder, lengths: Value, keys: int) -> Value:
    """Return whether each key is one of the first ``lengths`` of its sample, (batch, 1, 1, keys)."""
    places = literal(tuple(range(keys)), (1, 1, 1, keys))
    return merged(build, "compare", [places, with_axes(build, lengths, (0, None, None, None))], by="less")


SIDES = ("left", "right")


def _causal_bias(build: Builder, queries: int, keys: int, earlier: int, left: int = -1, right: int = 0) -> Value:
    """Return a bias (queries, keys): 0 for the keys that a query may attend to, minus infinity for the others.

    A query may attend to ``left`` keys before and ``right`` keys after its own position, −1 meaning all of them.  The
    position of the first query comes after the ``earlier`` keys of previous passes.
    """
    zeros = Value("", (queries, keys))
    zeros.fill = 0.0
    return build.derived("CausalBias", zeros, earlier=earlier, left=left, right=right)


def _additive_mask(build: Builder, mask: Value) -> Value:
    """Return a mask as a bias: a boolean mask gives 0 for true and minus infinity for false."""
    if mask.dtype != BOOL:
        return mask
    if not mask.is_live:
        bias = build.derived("MaskBias", mask)
        bias.dtype = FLOAT
        return bias
    return build.step("where", [mask], then=0.0, otherwise=-math.inf)


def _split_heads(build: Builder, value: Value, heads: int) -> Value:
    """Return (batch, L, heads · d) as (batch, heads, L, d)."""
    if heads < 1 or value.dims[-1] % heads:
        raise UnfitError(f"{value.dims[-1]} features of {heads} heads")
    sizes = [*value.dims[:-1], heads, value.dims[-1] // heads]
    return permuted(build, reshaped(build, value, sizes), (0, 2, 1, 3))


def _joined_heads(build: Builder, value: Value) -> Value:
    """Return (batch, heads, L, d) as (batch, L, heads · d)."""
    turned = permuted(build, value, (0, 2, 1, 3))
    return reshaped(build, turned, [*turned.dims[:2], turned.dims[2] * turned.dims[3]])


def attention(
    build: Builder,
    sides: Sequence[Value],
    heads: tuple[int, int],
    biases: Sequence[Value],
    scale: object,
    softcap: float = 0.0,
) -> Value:
    """Return the output (batch, heads, L, d) of an attention.

    Args:
        build: the builder to which the layers are added.
        sides: queries, keys and values, (batch, heads, L, d) each.
        heads: how many heads the queries have, and how many the keys and values; the latter may be fewer.
        biases: biases and boolean masks that are added to the logits.
        scale: the factor of the logits; 1/√d if it is not a number.
        softcap: if not 0, logits become softcap · tanh(logits / softcap) before biases are added.
    """
    many, few = heads
    q, k, v = [_of_one_sample(build, value) for value in sides]
    if not few or many % few:
        raise UnfitError(f"{many} heads of queries, {few} of keys")
    if any(value.axis or len(value.shape) != 3 for value in (q, k, v)):
        raise UnfitError("its queries, keys and values are not (batch, heads, length, size) each")
    group = many // few
    masks = [bias for bias in biases if bias.dtype == BOOL and bias.is_live and not softcap][-1:]
    biases = [bias for bias in biases if bias not in masks]
    added = [_additive_mask(build, bias) for bias in biases] + masks
    added = [_bias_for_heads(build, sides[0], bias, (few, group)) for bias in added]
    if group > 1:  # several heads of queries share one head of keys and values
        q = build.view(q, (few, group, *q.shape[1:]), 0)
        k, v = [build.view(value, (few, 1, *value.shape[1:]), 0) for value in (k, v)]
    number = float(scale) if isinstance(scale, int | float) and scale else None
    if not softcap:
        y = build.step("attention", [q, k, v, *added], 0, scale=number, mask="keep" if masks else None)
    else:
        rank = len(k.shape)
        turned = build.step("permute", [k], 0, dims=(*range(rank - 2), rank - 1, rank - 2))
        logits = build.step("matmul", [q, turned], 0)
        logits = affine(build, logits, mul=(number or 1 / math.sqrt(q.shape[-1])) / softcap)
        logits = affine(build, build.step("tanh", [logits]), mul=softcap)
        logits = build.step("add", [logits, *added], 0) if added else logits
        y = build.step("matmul", [build.step("softmax", [logits], 0, axis=-1, zero_masked=bool(added)), v], 0)
    return build.view(y, (many, *y.shape[-2:]), 0) if group > 1 else y


def _of_one_sample(build: Builder, value: Value) -> Value:
    """Return queries, keys or values of one sample; where the file has them without a batch, they are those of all."""
    is_of_all = value.axis is None and len(value.shape) == 4 and value.shape[0] == 1
    return build.view(build.tensor(value), value.shape[1:], None) if is_of_all else value


def _bias_for_heads(build: Builder, q: Value, bias: Value, heads: tuple[int, int]) -> Value:
    """Return a bias with the axes of logits: (heads, L, S), or (few, group, L, S) if there are fewer heads of keys."""
    (_, laid), (_, shape), _ = aligned(build, [q, bias])
    if heads[1] > 1:
        shape = (*(heads if shape[0] > 1 else (1, 1)), *shape[1:])
    return build.view(laid, shape, laid.axis) if laid.is_live else build.parameter(laid, shape)


@operator("RotaryEmbedding")
@operator("RotaryEmbedding", domain="com.microsoft")
def _rotary(build: Builder, call: Call) -> Value:
    """Return x with each pair of features rotated by the angle of its position."""
    x, ours = call.input(0), bool(call.operator.domain)
    positions, cos, sin = (
        (call.given(1), call.input(2), call.input(3)) if ours else (call.given(3), call.input(1), call.input(2))
    )
    if not x.is_live or x.axis != 0 or cos.is_live or sin.is_live:
        raise UnfitError("takes a tensor of samples, and constant tables")
    heads, half, neighbours = call.integer("num_heads"), cos.shape[-1], bool(call.integer("interleaved"))
    four = x if x.rank == 4 else _split_heads(build, x, heads or x.dims[-1] // (2 * half))
    length, width = four.shape[1:]
    if 2 * half > width:
        raise UnfitError(f"{half} angles of {width} features")
    angles = [_angles(build, table, positions, length, neighbours) for table in (cos, sin)]
    turned, rest = sliced(build, four, 3, 0, 2 * half, 1), sliced(build, four, 3, 2 * half, width, 1)
    y = build.step("rotary", [turned, *angles], 0, interleaved=neighbours or None)
    y = build.step("concat", [y, rest], 0, axis=2) if width > 2 * half else y
    return y if x.rank == 4 else _joined_heads(build, y)


def _angles(build: Builder, table: Value, positions: Value | None, length: int, neighbours: bool) -> Value:
    """Return the sines or cosines of every position, each twice, in a shape (1, L, features) for all heads.

    Raises:
        UnfitError: if constant positions differ from sample to sample.
    """
    half = table.shape[-1]
    doubled = build.derived("Twice", table, shape=(*table.shape[:-1], 2 * half), neighbours=int(neighbours))
    shape = (1, length, 2 * half)
    if positions is not None and positions.is_live:
        if positions.axis is None or positions.rank != 2:
            raise UnfitError("its positions are not given for each sample")
        rows = build.step("gather", [build.parameter(doubled, doubled.shape), positions], positions.axis, axis=0)
        return build.view(rows, shape, positions.axis)
    rows, start = doubled, 0
    if positions is not None and positions.data is not None and positions.elements % length == 0:
        first = positions.data[:length]
        if positions.data == first * (positions.elements // length):  # the same for all samples
            positions = literal(first, (length,))
    if positions is not None and positions.elements == 1 < length:
        start = int(positions.number or 0)
    elif positions is not None:
        chosen = build.derived("Reshape", positions, shape=(positions.elements,))
        rows = build.derived("Gather", doubled, chosen, shape=(positions.elements, 2 * half), axis=0)
    elif table.rank == 2:
        rows = sliced(build, rows, 0, 0, length, 1)
    if positions is not None and positions.elements == 1:
        rows = sliced(build, rows, rows.rank - 2, start, start + length, 1)
    if rows.elements != length * 2 * half:
        raise UnfitError(f"its angles are not those of {length} positions that all samples share")
    return build.parameter(rows, shape)
