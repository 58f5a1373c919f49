"""Operators of which the shape is known and the figures are not: what they cost depends on how they are done."""

from __future__ import annotations

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.call import Call, UnfitError
from cnncalc.importers.onnx.values import Value
from cnncalc.layers.shapes import Shape


@operator("ScatterND", "ScatterElements", "Scatter")
def _scatter(build: Builder, call: Call) -> Value:
    x = call.input(0)
    return build.stated(call, x.shape, x.axis)


@operator("GatherElements")
def _gather_elements(build: Builder, call: Call) -> Value:
    chosen = call.input(1)
    like = chosen if chosen.is_live else call.input(0)
    if like is not chosen and chosen.rank != like.rank:
        raise UnfitError("its indices have another rank")
    shape = chosen.shape if chosen.is_live or like.axis is None else _without(chosen.shape, like.axis)
    return build.stated(call, shape, like.axis)


@operator("GridSample")
def _grid_sample(build: Builder, call: Call) -> Value:
    x, grid = call.input(0), call.input(1)
    sizes = grid.shape[:-1] if grid.axis == 0 else grid.shape[1:-1]
    return build.stated(call, (x.shape[0], *sizes), x.axis)


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])
