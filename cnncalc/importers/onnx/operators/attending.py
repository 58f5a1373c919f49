"""Attention as one operator, and positions that turn its queries and keys.

https://onnx.ai/onnx/operators/onnx__Attention.html, onnx__RotaryEmbedding.html (opset 23), and
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.call import Call, UnfitError
from cnncalc.importers.onnx.operators.contraction import linear, transposed
from cnncalc.importers.onnx.operators.elementwise import framed, merged
from cnncalc.importers.onnx.operators.movement import viewed
from cnncalc.importers.onnx.operators.parts import part
from cnncalc.importers.onnx.values import Value


@operator("Attention")
def _attention(build: Builder, call: Call) -> Sequence[Value | None]:
    q, k, v, mask = call.input(0), call.input(1), call.input(2), call.given(3)
    if call.given(4) is not None or call.number("softcap"):
        raise UnfitError("states of an earlier pass, and soft caps, are not known")
    if call.integer("is_causal"):
        build.notes.append(f"Attention '{call.operator.name}' is causal; all pairs of positions are counted")
    flat = q.rank == 3
    heads = call.integer("q_num_heads") or q.dims[1]
    few = call.integer("kv_num_heads") or (heads if k.rank == 3 else k.dims[1])
    sides = [
        _split(build, value, count) if value.rank == 3 else value for value, count in ((q, heads), (k, few), (v, few))
    ]
    y = attended(build, sides, heads, few, mask, call.operator.attributes.get("scale"))
    y = _joined(build, y) if flat else y
    return [y, *sides[1:], None][: len(call.operator.outputs)]


@operator("MultiHeadAttention", domain="com.microsoft")
def _multi_head_attention(build: Builder, call: Call) -> Sequence[Value | None]:
    q, k, v = call.input(0), call.given(1), call.given(2)
    if k is None or v is None or {value.rank for value in (q, k, v)} != {3} or len(call.inputs) > 6:
        raise UnfitError("only queries, keys and values of three axes are known, and nothing of an earlier pass")
    heads = call.integer("num_heads")
    bias = call.given(3)
    if bias is not None:
        sizes, start, sides = [value.dims[-1] for value in (q, k, v)], 0, []
        for value, size in zip((q, k, v), sizes, strict=True):
            sides.append(merged(build, "add", [value, _cut(build, bias, 0, start, start + size)]))
            start += size
        q, k, v = sides
    sides = [_split(build, value, heads) for value in (q, k, v)]
    y = attended(build, sides, heads, heads, call.given(5), call.operator.attributes.get("scale"))
    return [_joined(build, y)] + [None] * (len(call.operator.outputs) - 1)


@operator("Attention", domain="com.microsoft")
def _packed_attention(build: Builder, call: Call) -> Sequence[Value | None]:
    x, weight, bias, heads = call.input(0), call.input(1), call.given(2), call.integer("num_heads")
    if (
        weight.is_live
        or weight.rank != 2
        or heads < 1
        or call.given(4) is not None
        or call.integers("qkv_hidden_sizes")
    ):
        raise UnfitError("only one matrix for queries, keys and values is known, and nothing of an earlier pass")
    turned = build.derived("Transpose", weight, shape=weight.shape[::-1], perm=[1, 0])
    y = linear(build, x, turned, bias=bias)
    width = weight.shape[1] // 3
    sides = [_split(build, part(build, y, y.rank - 1, i * width, (i + 1) * width, 1), heads) for i in range(3)]
    attention = attended(build, sides, heads, heads, call.given(5), call.operator.attributes.get("scale"))
    return [_joined(build, attention)] + [None] * (len(call.operator.outputs) - 1)


def _cut(build: Builder, value: Value, axis: int, start: int, stop: int) -> Value:
    """Return a part of an axis of a tensor, or of a constant."""
    if value.is_live:
        return part(build, value, axis, start, stop, 1)
    shape = (*value.shape[:axis], stop - start, *value.shape[axis + 1 :])
    if shape == value.shape:
        return value
    return build.derived("Part", value, shape=shape, axis=axis, start=start, stop=stop)


def _split(build: Builder, value: Value, heads: int) -> Value:
    """Return (batch, L, heads · d) as (batch, heads, L, d)."""
    if heads < 1 or value.dims[-1] % heads:
        raise UnfitError(f"{value.dims[-1]} features of {heads} heads")
    sizes = [*value.dims[:-1], heads, value.dims[-1] // heads]
    return transposed(build, viewed(build, value, sizes), (0, 2, 1, 3))


def _joined(build: Builder, value: Value) -> Value:
    """Return (batch, heads, L, d) as (batch, L, heads · d)."""
    turned = transposed(build, value, (0, 2, 1, 3))
    return viewed(build, turned, [*turned.dims[:2], turned.dims[2] * turned.dims[3]])


def attended(build: Builder, sides: Sequence[Value], heads: int, few: int, mask: Value | None, scale: object) -> Value:
    """Return an attention of queries, keys and values (batch, heads, L, d), of which keys and values may be fewer."""
    q, k, v = [value if value.is_live else build.parameter(value, value.shape) for value in sides]
    if not few or heads % few or any(value.axis != 0 or len(value.shape) != 3 for value in (q, k, v)):
        raise UnfitError(f"{heads} heads of queries, {few} of keys")
    group = heads // few
    if group > 1:  # each head of keys is there for several of queries
        q = build.view(q, (few, group, *q.shape[1:]), 0)
        k, v = [build.view(value, (few, 1, *value.shape[1:]), 0) for value in (k, v)]
    inputs = [q, k, v]
    if mask is not None:
        _, (_, shape), _ = framed(build, [q, mask])
        if group > 1:
            raise UnfitError("a mask, and fewer heads of keys than of queries")
        inputs.append(mask if mask.is_live else build.parameter(mask, shape))
    number = float(scale) if isinstance(scale, int | float) and scale else None
    y = build.step("attention", inputs, 0, scale=number)
    return build.view(y, (heads, *y.shape[-2:]), 0) if group > 1 else y


@operator("RotaryEmbedding")
@operator("RotaryEmbedding", domain="com.microsoft")
def _rotary(build: Builder, call: Call) -> Value:
    """Return x turned by its positions: x · cos + (x with its halves swapped, one of them negated) · sin."""
    x = call.input(0)
    ours = bool(call.operator.domain)
    positions, cos, sin = (
        (call.given(1), call.input(2), call.input(3)) if ours else (call.given(3), call.input(1), call.input(2))
    )
    if not x.is_live or x.axis != 0 or cos.is_live or sin.is_live:
        raise UnfitError("takes a tensor of samples, and constant tables")
    heads = call.integer("num_heads")
    four = x if x.rank == 4 else _split(build, x, heads or x.dims[-1] // (2 * cos.shape[-1]))
    length, width = four.shape[1:]
    half = cos.shape[-1]
    if 2 * half > width or call.integer("interleaved"):
        return build.stated(call, x.shape, x.axis)
    tables = []
    for table in (cos, sin):
        rows = _cut(build, table, table.rank - 2, 0, min(length, table.shape[-2]))
        tables.append(build.derived("Twice", rows, shape=(1, length, 2 * half)))
    turned, rest = part(build, four, 3, 0, 2 * half, 1), part(build, four, 3, 2 * half, width, 1)
    y = build.step("rotary", [turned, *[build.parameter(table, table.shape) for table in tables]], 0)
    if positions is not None and positions.is_live:
        build.notes.append(f"{call.op} '{call.operator.name}' is computed for positions from 0 on")
    y = build.step("concat", [y, rest], 0, axis=2) if width > 2 * half else y
    return y if x.rank == 4 else _joined(build, y)
