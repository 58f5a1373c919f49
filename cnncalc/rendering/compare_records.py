"""A comparison as the records that scripts rely on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from cnncalc.figures.summary import Summary
from cnncalc.rendering.summary_records import layer
from cnncalc.studies.comparison import Change, Figure

SCHEMA_VERSION = 1

_SIDES = ("name", "type", "output_shape", "params", "macs")
LAYER_COLUMNS = ("change", *[f"{side}_{end}" for side in _SIDES for end in "ab"])


def document(
    names: Sequence[str], summaries: Sequence[Summary], found: list[Figure], changes: list[Change] | None
) -> dict[str, Any]:
    """Return the whole comparison as one object; ``layers`` is there for two networks."""
    first = summaries[0]
    whole: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "convention": first.convention,
        "batch": first.batch,
        "dtype": first.dtype,
        "networks": [_network(name, summary) for name, summary in zip(names, summaries, strict=True)],
        "figures": [
            {"group": one.group, "figure": one.name, "values": one.values, "ratios": one.ratios} for one in found
        ],
    }
    if changes is not None:
        whole["changes"] = Counter(one.change for one in changes)
        whole["layers"] = [
            {"change": one.change, "a": one.a and layer(one.a), "b": one.b and layer(one.b)} for one in changes
        ]
    return whole


def _network(name: str, summary: Summary) -> dict[str, Any]:
    return {
        "label": name,
        "name": summary.name,
        "variant": summary.variant,
        "inputs": summary.inputs,
        "outputs": summary.outputs,
    }


def figure_columns(names: Sequence[str]) -> list[str]:
    """Return the columns of the figures: each network, and its ratio to the first."""
    return ["group", "figure", names[0], *[column for name in names[1:] for column in (name, f"{name}_ratio")]]


def figure_records(names: Sequence[str], found: list[Figure]) -> Iterator[dict[str, Any]]:
    """Return a record a figure."""
    for one in found:
        record: dict[str, Any] = {"group": one.group, "figure": one.name}
        for index, name in enumerate(names):
            record[name] = one.values[index]
            if index:
                record[f"{name}_ratio"] = one.ratios[index]
        yield record


def layer_records(changes: list[Change]) -> Iterator[dict[str, Any]]:
    """Return a record a layer of either network."""
    for one in changes:
        record: dict[str, Any] = {"change": one.change}
        for end, row in (("a", one.a), ("b", one.b)):
            record |= {f"{side}_{end}": getattr(row, side) if row else None for side in _SIDES}
        yield record
