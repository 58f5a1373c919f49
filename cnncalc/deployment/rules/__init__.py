"""Lowering rules of the layer types, one file per family; types without a rule are refused with a reason."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cnncalc.deployment.lowering import LoweringRule, refused

if TYPE_CHECKING:
    from cnncalc.deployment.constants import NumberFormat
    from cnncalc.graph import Node


@cache
def rules() -> dict[str, LoweringRule]:
    """Return the rules of all supported layer types."""
    from cnncalc.deployment.rules import affine, elementwise, movement, windows

    return {**windows.RULES, **affine.RULES, **elementwise.RULES, **movement.RULES}


def rule_of(node: Node, kind: NumberFormat) -> LoweringRule:
    """Return the rule of a layer. Raises CnncalcError with the reason if there is none."""
    from cnncalc.deployment.rules.missing import MISSING

    found = rules().get(node.layer.type)
    why, hint = MISSING.get(node.layer.type, ("", None))
    if why:
        raise refused(node, why, hint)
    if found is None:
        raise refused(node, f"the conversion of {node.layer.type} to tflite-micro is not verified")
    if kind.name == "int16x8" and node.layer.type == "hardswish":
        raise refused(node, "TensorFlow's converter refuses HARD_SWISH in 16x8: not yet supported", "use relu6 or silu")
    if any(len(shape) > 3 for shape in (node.shape, *node.use.inputs)):
        raise refused(node, "tflite-micro has no operator for maps of three spatial axes")
    if any(tensor.times != 1 for tensor in (node, *node.inputs)):
        raise refused(node, "it runs several times for one input, which is not verified on tflite-micro")
    return found
