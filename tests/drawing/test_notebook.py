"""A network in a notebook: with styles, without them, and in a real Jupyter."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from cnncalc import load
from cnncalc.drawing.notebook import html
from cnncalc.figures.summary import summarize
from cnncalc.graph import Graph
from tests.drawing.networks import CONV, SHAPE


class Cells(HTMLParser):
    """The texts of a page's table cells, and the attributes of all its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.attributes: set[str] = set()
        self.tags: set[str] = set()
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self._inside = tag in ("td", "th")
        if self._inside:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


@pytest.mark.parametrize("shown", [load("resnet50"), load("resnet50").summary()], ids=["network", "summary"])
def test_the_table_stands_without_styles(shown: object) -> None:
    text = shown._repr_html_()  # type: ignore[attr-defined]
    found = Cells(text)
    assert found.tags.isdisjoint({"script", "style", "link", "iframe"})
    assert found.attributes.isdisjoint({"class", "style", "id", "onclick"})
    rows = [found.cells[place : place + 5] for place in range(0, len(found.cells), 5)]
    assert rows[0] == ["layer", "type", "output", "params", "MACs"]
    assert rows[3] == ["pool1", "maxpool 3×3/2", "64×56×56", "0", "0"]
    assert rows[-1] == ["fc1", "linear 1000", "1000", "2,049,000", "2,048,000"]
    assert len(rows) == 11  # the head, conv_bn1, relu1, pool1, four stages, pool2, flatten1, fc1
    assert "25,557,032 params" in text
    assert len(text) < 20_000


def test_a_summary_is_still_a_tuple() -> None:
    network = load("lenet5")
    assert network.summary() == summarize(network)
    assert network.summary(batch=2).batch == 2


def test_names_are_texts() -> None:
    graph = Graph("<script>x</script>", {"x": SHAPE})
    graph.outputs["y"] = graph.add(CONV, [graph.inputs["x"]], '<img src=x onerror="x()">')
    text = html(graph, summarize(graph))
    assert Cells(text).tags.isdisjoint({"script", "img"})


def test_in_jupyter() -> None:
    nbclient = pytest.importorskip("nbclient", reason="no Jupyter on this machine (pip install nbclient ipykernel)")
    pytest.importorskip("ipykernel", reason="no Jupyter on this machine (pip install nbclient ipykernel)")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("import cnncalc\ncnncalc.load('resnet50')")]
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    [output] = notebook.cells[0].outputs
    assert output["data"]["text/plain"] == "<Network resnet50: 175 layers, 25,557,032 params>"
    assert re.search(
        r"<td>stage4</td><td>block of 32</td><td>2048×7×7</td><td>14,964,736</td>", output["data"]["text/html"]
    )
