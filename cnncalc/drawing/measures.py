"""The figures of a picture's bars: a network's MACs, params, bytes or time, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cnncalc.figures.costs import DTYPES
from cnncalc.figures.roofline import Machine, estimate
from cnncalc.figures.summary import Summary
from cnncalc.graph import Graph, Node
from cnncalc.ground.numbers import bytes_text, duration, exact, short


class LayerFigure(NamedTuple):
    """One figure of every layer, for the whole batch.

    Attributes:
        by: its name: ``macs``, ``params``, ``memory`` or ``time``.
        word: its name on a button and above a column.
        title: its title in headings.
        values: a figure for each node, by the node's index.
        total: the sum over all layers of the network, including those that are not drawn.
    """

    by: str
    word: str
    title: str
    values: Sequence[float]
    total: float

    def of(self, nodes: Iterable[Node]) -> float:
        """Return the sum over some layers."""
        return sum([self.values[node.index] for node in nodes])

    def text(self, value: float) -> str:
        """Return a figure with its unit."""
        if self.by == "time":
            return duration(value)
        return bytes_text(int(value)) if self.by == "memory" else exact(int(value))


def counted_macs(summary: Summary) -> LayerFigure:
    """Return the MACs of a summary, which another tool's convention may count."""
    word, values = summary.figure, [row.macs for row in summary.rows]
    return LayerFigure("macs", word, f"the {word}", values, summary.totals.macs)


def measure(
    graph: Graph, by: str, batch: int = 1, dtype: str = "float32", machine: Machine | None = None
) -> LayerFigure:
    """Return a figure of every layer.

    Args:
        graph: the network.
        by: ``macs``, ``params``, ``memory`` (bytes of the outputs) or ``time`` (on a machine, by its roofline).
        batch: samples per pass.
        dtype: the type of all tensors.
        machine: for ``time``.
    """
    width = DTYPES[dtype]
    if by == "macs":
        word, title, values = "MACs", "the MACs", [float(node.macs(batch)) for node in graph.nodes]
    elif by == "params":
        word, title, values = "params", "the params", [float(node.params) for node in graph.nodes]
    elif by == "memory":
        word, title = "activation memory", "the activation memory"
        values = [float(node.elements(batch) * width) for node in graph.nodes]
    else:
        assert machine is not None
        values = [estimate(node, machine, batch, width).seconds for node in graph.nodes]
        word, title = "time", f"the time on {short(machine.flops)}FLOP/s and {short(machine.bandwidth)}B/s"
    return LayerFigure(by, word, title, values, sum(values))


def share_text(share: float) -> str:
    """Return a share as a box shows it: ``27 %``, ``2.9 %``, ``<0.1 %``; "" for 0."""
    if not share:
        return ""
    if share < 0.0005:
        return "<0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"
