"""Explanations as the records that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnncalc.graph import Graph
from cnncalc.layers.symbols import Formula
from cnncalc.rendering.layer_page import about
from cnncalc.studies.explain import Explanation, Sight

SCHEMA_VERSION = 1

COLUMNS = ("layer", "symbol", "expression", "numbers", "value")


def document(network: Graph, explanations: Sequence[Explanation]) -> dict[str, Any]:
    """Return explanations as one object."""
    return {
        "schema_version": SCHEMA_VERSION,
        "name": network.name,
        "variant": network.variant,
        "layers": [record(explanation) for explanation in explanations],
    }


def record(explanation: Explanation) -> dict[str, Any]:
    """Return one layer's explanation as an object; shapes are without the batch axis."""
    node = explanation.node
    return {
        "layer": node.name,
        "type": node.layer.type,
        "about": about(type(node.layer)),
        "input_shapes": node.use.inputs,
        "output_shape": node.shape,
        "formulas": [formula._asdict() for formula in explanation.formulas],
        "bytes": {formula.symbol: formula.value for formula in explanation.memory},
        "receptive_field": [_sight(sight) for sight in explanation.sights or ()],
        "borders": [edge._asdict() for edge in explanation.edges],
        "padded_share": explanation.padded_share,
        "sharing": {formula.symbol.replace(" ", "_"): formula.value for formula in explanation.sharing},
        "shares_weights_of": node.shares.name if node.shares else None,
    }


def rows(explanations: Sequence[Explanation]) -> Iterator[dict[str, Any]]:
    """Yield a row a formula."""
    for explanation in explanations:
        formulas: list[Formula] = [*explanation.formulas]
        formulas += [one._replace(symbol=f"{one.symbol} bytes") for one in explanation.memory]
        for formula in [*formulas, *explanation.sharing]:
            yield {"layer": explanation.node.name, **formula._asdict()}


def _sight(sight: Sight) -> dict[str, Any]:
    field = sight.field
    figures = {"size": float(field.size), "stride": float(field.jump), "offset": float(field.offset)}
    whole = {name: int(value) if value.is_integer() else value for name, value in figures.items()}
    return {"axis": sight.axis, **whole}
