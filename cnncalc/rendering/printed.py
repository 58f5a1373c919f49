"""A summary that prints as the command's table, and shows a drawing in notebooks."""

from __future__ import annotations

import sys
from shutil import get_terminal_size

from cnncalc.figures.selection import select
from cnncalc.figures.summary import Summary
from cnncalc.graph import Graph
from cnncalc.ground.numbers import counted, exact
from cnncalc.rendering.layout import page_lines, plain
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.views.summary import SummaryView


class PrintedSummary(Summary):
    """A network's figures; ``print`` shows the table in the terminal's width."""

    graph: Graph

    @classmethod
    def of(cls, graph: Graph, summary: Summary) -> PrintedSummary:
        """Return a summary that keeps its network for the drawing."""
        printed = cls(*summary)
        printed.graph = graph
        return printed

    def _repr_html_(self) -> str:
        """Return the summary as HTML for notebooks."""
        from cnncalc.drawing.notebook import html

        return html(self.graph, self)

    def __str__(self) -> str:
        is_terminal = sys.stdout is not None and sys.stdout.isatty()
        screen = Screen(get_terminal_size((0, 0)).columns or None, is_terminal)
        return plain(page_lines(SummaryView(self, *select(self, None, None, None)).page(screen), screen)).rstrip("\n")

    def __repr__(self) -> str:
        totals = self.totals
        return (
            f"<Summary {self.title}: {counted(totals.layers, 'layer')}, {counted(totals.params, 'param')}, "
            f"{exact(totals.macs)} {self.figure}>"
        )
