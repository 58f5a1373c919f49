"""Rotary position embeddings by their primitives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.importers.onnx.patterns.fuser import same
from cnncalc.importers.onnx.values import LayerStep, Value, made

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser


def rotary(fuser: Fuser, step: LayerStep) -> LayerStep | None:
    """x · cos + (−x₂, x₁) · sin, the tables stored, and the halves cut out of x and joined the other way round."""
    if len(step.inputs) != 2:
        return None
    for first, second in (step.inputs, step.inputs[::-1]):
        plain, product = fuser.maker(first, "scale"), fuser.maker(second, "scale")
        joined = fuser.maker(product.inputs[0], "concat") if product is not None else None
        if plain is None or product is None or joined is None:
            continue
        x, rank = plain.inputs[0], len(step.output.shape)
        halves = _halves(fuser, joined, x, rank)
        if not halves or len(plain["shape"] or ()) != rank or len(product["shape"] or ()) != rank:
            continue
        tables = [_table(fuser, one) for one in (plain, product)]
        new = [table.step for _, table in tables if table.step is not None and table not in fuser.tables.values()]
        parts = [plain, *halves, joined, product, step]
        whole = fuser.replace(parts, made("rotary", {}), [x, *[table for _, table in tables]], new=new)
        if whole is not None:
            fuser.tables.update(tables)
        return whole
    return None


def _halves(fuser: Fuser, joined: LayerStep, x: Value, rank: int) -> list[LayerStep]:
    """Return the steps of −x₂ and x₁; nothing where it is not these that are joined."""
    if len(joined.inputs) != 2 or joined["axis"] not in (-1, rank - 1):
        return []
    negated, front = fuser.maker(joined.inputs[0], "neg"), fuser.maker(joined.inputs[1], "slice")
    back = fuser.maker(negated.inputs[0], "slice") if negated is not None else None
    if negated is None or front is None or back is None:
        return []
    half = x.shape[-1] // 2
    for cut, start, stop in ((front, 0, half), (back, half, 2 * half)):
        span = range(x.shape[-1])[slice(cut["start"], cut["stop"], cut["step"])]
        if not same(cut.inputs[0], x) or cut["axis"] not in (-1, rank - 1) or span != range(start, stop):
            return []
    return [front, back, negated]


def _table(fuser: Fuser, scaled: LayerStep) -> tuple[object, Value]:
    """Return a stored table as a tensor of its own, which is made where it is first used, with its key."""
    stored = scaled.held["weight"].value
    key = (tuple([id(leaf) for leaf in stored.leaves]) or id(stored), scaled["shape"])
    if key in fuser.tables:
        return key, fuser.tables[key]
    output = Value(stored.name, scaled["shape"])
    output.step = LayerStep(made("parameter", {"shape": scaled["shape"]}), [], output, scaled.held, scaled.calls)
    return key, output
