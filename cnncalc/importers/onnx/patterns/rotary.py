"""Rotary position embeddings that a file writes as several operators."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.importers.onnx.patterns.fuser import as_parameter, is_plain, is_whole, same
from cnncalc.importers.onnx.steps import layer_of

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser
    from cnncalc.importers.onnx.values import LayerStep, Value
    from cnncalc.layers.shapes import Shape


class _Product(NamedTuple):
    """A product with a table of cosines or sines: the step, what is multiplied, and the table where it is computed."""

    step: LayerStep
    x: Value
    table: Value | None


class _Turned(NamedTuple):
    """The layers that rotate pairs of features by 90°, and whether the pairs are neighbours."""

    parts: list[LayerStep]
    interleaved: bool


def rotary(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · cos + turned(x) · sin, in which turned(x) has the halves of x, or its neighbours, in the other order."""
    if len(step.inputs) != 2:
        return None
    for first, second in (step.inputs, step.inputs[::-1]):
        for plain, product in itertools.product(_products(fuser, first), _products(fuser, second)):
            turned = _halves(fuser, product.x, plain.x) or _neighbours(fuser, product.x, plain.x)
            if turned is not None:
                return _put(fuser, step, turned, (plain, product))
    return None


def _products(fuser: Fuser, value: Value) -> list[_Product]:
    """Return the ways to see a value as a product with a table that is stored, or that all samples share."""
    stored = fuser.maker(value, "scale")
    if stored is not None:
        return [_Product(stored, stored.inputs[0], None)] if is_whole(stored) else []
    product = fuser.maker(value, "multiply")
    if product is None or len(product.inputs) != 2:
        return []
    a, b = product.inputs
    return [_Product(product, x, table) for x, table in ((a, b), (b, a)) if x.times and not table.times]


def _put(fuser: Fuser, step: LayerStep, turned: _Turned, products: tuple[_Product, _Product]) -> LayerStep | None:
    """Put a rotary layer in place of its parts."""
    tables: list[Value] = []
    new: list[LayerStep] = []
    for product in products:
        table = product.table
        if table is None:
            table, made_here = _table(fuser, product.step)
            new += made_here
        tables.append(table)
    parts = [products[0].step, *turned.parts, products[1].step, step]
    layer = layer_of("rotary", {"interleaved": True} if turned.interleaved else {})
    whole = fuser.replace(parts, layer, [products[0].x, *tables], new=new)
    if whole is not None:
        for one in new:
            fuser.tables[_key(fuser, one)] = one.output
    return whole


def _halves(fuser: Fuser, value: Value, x: Value) -> _Turned | None:
    """Return the layers of (−x₂, x₁), x₁ and x₂ being the halves of x; None if they compute something else."""
    joined = fuser.maker(value, "concat")
    rank, half = len(x.shape), x.shape[-1] // 2
    if joined is None or len(joined.inputs) != 2 or joined["axis"] not in (-1, rank - 1):
        return None
    back, front = joined.inputs
    cuts = _cuts(fuser, back, front, x, (range(half, 2 * half), range(half)))
    return _Turned([*cuts, joined], False) if cuts else None


def _neighbours(fuser: Fuser, value: Value, x: Value) -> _Turned | None:
    """Return the layers of (−x₁, x₀, −x₃, x₂, …), stacked on a new axis and flattened; None if they differ."""
    found = fuser.chain(value, "reshape", "concat")
    if found is None:
        return None
    flat, joined = found
    rank, width = len(x.shape), x.shape[-1]
    if len(joined.inputs) != 2 or joined["axis"] not in (-1, rank):
        return None
    tall = [fuser.maker(one, "reshape") for one in joined.inputs]
    odd, even = tall
    if odd is None or even is None or flat.output.shape != x.shape or not is_plain(flat):
        return None
    if any(one is None or one.output.shape != (*one.inputs[0].shape, 1) for one in tall):
        return None
    cuts = _cuts(fuser, odd.inputs[0], even.inputs[0], x, (range(1, width, 2), range(0, width, 2)))
    return _Turned([*cuts, odd, even, joined, flat], True) if cuts else None


def _cuts(fuser: Fuser, negated: Value, plain: Value, x: Value, places: tuple[range, range]) -> list[LayerStep]:
    """Return the layers that slice two parts of x and negate the first; nothing if these compute something else."""
    found, front = fuser.chain(negated, "neg", "slice"), fuser.maker(plain, "slice")
    if found is None or front is None:
        return []
    sign, back = found
    for cut, wanted in ((back, places[0]), (front, places[1])):
        span = range(x.shape[-1])[slice(cut["start"], cut["stop"], cut["step"])]
        if not same(cut.inputs[0], x) or cut["axis"] not in (-1, len(x.shape) - 1) or span != wanted:
            return []
    return [front, back, sign]


def _table(fuser: Fuser, scaled: LayerStep) -> tuple[Value, list[LayerStep]]:
    """Return a stored table as a tensor, and the new layer that gives it, unless an equal table has one already."""
    known = fuser.tables.get(_key(fuser, scaled))
    if known is not None:
        return known, []
    table, step = as_parameter(scaled)
    return table, [step]


def _key(fuser: Fuser, step: LayerStep) -> tuple[int, Shape]:
    """Return a key that is equal for layers with equal tables of one shape."""
    return fuser.build.equal.number(step.tensors["weight"].value), step["shape"]
