"""A layer's bytes on a device, with the numbers put in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.deployment.explained import Explained
from cnncalc.deployment.view import Deployment
from cnncalc.ground.numbers import exact
from cnncalc.rendering.blocks import GAP, Column, PageBlock, Paragraph, Table, Text
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import View


class DeployedLayersView(View):
    """Layers on a device."""

    columns = ("layer", "role", "step", "operator", "where", "what", "formula", "bytes", "source")

    def __init__(self, found: Deployment, layers: Sequence[Explained]) -> None:
        self.found = found
        self.layers = layers

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return a table for each layer."""
        graph, core = self.found.graph, self.found.device.core.what
        blocks: list[PageBlock] = [Text([(f"{graph.name} on tflite-micro, {graph.kind.name}, {core}", "dim")])]
        for one in self.layers:
            blocks += [GAP, Paragraph(_heading(one), "bold")]
            if not one.amounts:
                continue
            columns = [Column(""), Column("what", folds=True), Column("how it comes about", folds=True)]
            columns += [Column("bytes", right=True), Column("source", folds=True, drop=1)]
            rows = [[line.where, line.what, line.formula, exact(line.bytes), line.source] for line in one.amounts]
            blocks.append(Table(columns, rows))
        return blocks

    def document(self) -> dict[str, object]:
        graph = self.found.graph
        return {"name": graph.name, "quant": graph.kind.name, "lines": list(self.records())}

    def records(self) -> Iterator[dict[str, object]]:
        """Yield one object for each line of each layer; a layer that disappears has one without bytes."""
        for one in self.layers:
            step = one.step
            head: dict[str, object] = {
                "layer": one.layer,
                "role": one.role,
                "step": step.number if step else None,
                "operator": step.operator.code if step and step.operator else None,
            }
            yield from ({**head, **line._asdict()} for line in one.amounts)
            if not one.amounts:
                yield head


def _heading(one: Explained) -> str:
    if one.step is None or one.step.operator is None:
        return f"{one.layer} disappears on the device"
    others = [node.name for node in one.step.operator.layers if node.name != one.layer]
    beside = f", together with {', '.join(others)}" if others and one.role == "is" else ""
    return f"{one.layer} {one.role} step {one.step.number}, {one.step.operator.title}{beside}"
