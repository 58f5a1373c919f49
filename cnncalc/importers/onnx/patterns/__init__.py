"""Operators that together are one layer in a paper: a bias, a gelu, a silu, a norm, an attention.

A pattern is only taken where nothing else reads what is inside of it, and its numbers are those of the formula to a
thousandth.  What a layer counts is the sum of what its parts count, so that no figure depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.patterns import activation, attention, integers, normalization, others, rotary
from cnncalc.importers.onnx.patterns.fuser import Fuser, Pattern

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder
    from cnncalc.importers.onnx.values import LayerStep, Value

ENDING: dict[str, tuple[Pattern, ...]] = {
    "add": (rotary.rotary,),
    "affine": (activation.gated, activation.hardsigmoid),
    "einsum": (attention.attention,),
    "divide": (normalization.norm, normalization.lengths),
    "matmul": (attention.attention,),
    "multiply": (activation.gated,),
    "permute": (normalization.channel_norm,),
    "reshape": (normalization.group_norm, normalization.channel_norm, others.shuffle, others.patches),
    "shift": (others.linear_bias,),
}
"""Patterns by the layer type that they end in, in the order in which they are tried."""


ROUNDED: dict[str, tuple[Pattern, ...]] = dict.fromkeys(("conv", "linear", "matmul"), (integers.integer_product,))
"""Patterns of graphs in which quantised tensors are rounded, by the layer type that they begin with."""


def fused(
    build: Builder, steps: list[LayerStep], outputs: list[Value], patterns: Mapping[str, tuple[Pattern, ...]] = ENDING
) -> list[LayerStep]:
    """Return the steps with every pattern that is found in place of its parts."""
    return Fuser(build, steps, outputs).run(patterns)
