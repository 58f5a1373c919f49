"""Two networks side by side: equal parts are pale, changed ones have an outline and both figures."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from cnncalc import load, loads
from cnncalc.drawing.difference import Side, difference, remark_on
from cnncalc.drawing.parts import Box, Card, Valley
from cnncalc.figures.summary import summarize
from cnncalc.graph import Graph
from cnncalc.studies.compare.diff import layer_changes
from tests.commands import cnncalc
from tests.drawing.browser import Browser, needs_browser, node_module
from tests.drawing.test_picture import check_places

NET = """
name: net
input: [3, 32, 32]
layers:
  - conv: {out_channels: 16, kernel_size: 3, padding: 1}
  - relu
  - conv: {out_channels: 16, kernel_size: 3, padding: 1}
  - flatten
  - linear: 10
"""


def side(graph: Graph) -> Side:
    return Side(graph.title, graph, summarize(graph))


def marks(parts: list[Card | Box], left: bool, middle: int) -> dict[str, str]:
    return {
        part.name if isinstance(part, Box) else part.strips[0].text: part.mark
        for part in parts
        if (part.x < middle) == left
    }


def test_vgg16_and_vgg19() -> None:
    """Simonyan and Zisserman 2014, table 1: E has one convolution more than D in each of the last three stages."""
    a, b = side(load("vgg16")), side(load("vgg19"))
    found = difference(a, b, layer_changes(a.summary, b.summary))
    middle = found.width // 2
    left, right = (marks(found.placing.parts, side, middle) for side in (True, False))
    assert {left[f"stage{number}"] for number in range(1, 6)} == {"same"}
    assert [right[f"stage{number}"] for number in range(1, 6)] == ["same", "same", "changed", "changed", "changed"]
    tile = next(part for part in found.placing.parts if isinstance(part, Card) and part.count == 4)
    assert tile.strips[-1].text == "2 of 8 layers not in vgg16"  # four convolutions, each with its relu
    heights = {
        tuple(part.y for part in found.placing.parts if isinstance(part, Box) and part.name == f"stage{number}")
        for number in range(1, 6)
    }
    assert all(len(set(pair)) == 1 for pair in heights)  # each stage beside its own
    for part in found.placing.parts:
        part.up = None  # the scopes around them have no frame
    check_places(found)


def test_two_u_nets_are_two_us_side_by_side() -> None:
    text = (Path(__file__).parent / "unet_blocks.yaml").read_text(encoding="utf-8")
    a, b = side(loads(text, name="a")), side(loads(text.replace("512", "384"), name="b"))
    found = difference(a, b, layer_changes(a.summary, b.summary))
    assert isinstance(found.root.body, Valley)
    for name in ("inc", "down1", "down2", "down3", "down4", "up1", "up2", "up3", "up4"):
        left, right = (part for part in found.placing.parts if isinstance(part, Box) and part.name == name)
        assert left.y == right.y  # each block beside its own
        assert left.x < found.width // 2 < right.x + right.width
    for part in found.placing.parts:
        part.up = None
    check_places(found)


def test_changed_parts_show_both_figures() -> None:
    a, b = (side(loads(text, name="a")) for text in (NET, NET.replace("16, kernel_size: 3, padding: 1}\n  - flatten",
                                                                      "32, kernel_size: 3, padding: 1}\n  - flatten")))  # fmt: skip
    changes = layer_changes(a.summary, b.summary)
    remarks = [remark_on([one], "b") for one in changes]
    # 16·16·9·32·32 and twice as much; flatten's and linear's inputs double
    assert remarks == ["", "", "2.359 M → 4.719 M MACs", "16384 → 32768", "163.8 k → 327.7 k MACs"]


def test_a_remark_names_the_argument_that_differs_where_no_figure_does() -> None:
    """The small number of a norm is in no label and in no figure."""
    text = "input: [3, 8, 8]\nlayers:\n  - batchnorm: {eps: %s}\n"
    one, other = [summarize(loads(text % eps)) for eps in ("0.001", "0.01")]
    assert [remark_on([change], "b") for change in layer_changes(one, other)] == ["eps differs"]


@pytest.mark.parametrize("form", ["svg", "html"])
def test_the_command(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"diff.{form}"
    done = cnncalc("compare", "resnet18", "resnet34", "-o", str(path))
    assert (done.code, done.out, done.err) == (0, "", "")
    text = path.read_text(encoding="utf-8")
    assert "resnet34: 125 layers · 21.8 M params" in text
    if form == "svg":
        ElementTree.fromstring(text)
    else:
        assert "<script" not in text
        assert "default-src 'none'" in text


def test_three_networks_are_refused() -> None:
    done = cnncalc("compare", "lenet5", "lenet5", "lenet5", "--format", "svg")
    assert (done.code, done.out) == (2, "")
    assert "svg compares exactly two specs" in done.err


@needs_browser
def test_in_a_browser(tmp_path: Path) -> None:
    path = tmp_path / "diff.html"
    assert cnncalc("compare", "vgg16", "vgg19", "-o", str(path)).code == 0
    with Browser() as page:
        page.open(path.as_uri())
        assert page.errors == []
        assert page.requests == [path.as_uri()]
        bars = "[...document.querySelectorAll('svg .bar')].filter(bar => bar.getBoundingClientRect().width > 0).length"
        assert page.evaluate(bars) >= 2 * 5
        assert page.evaluate("document.querySelectorAll('table')[1].rows.length") == 1 + 3 * 2
        page.look(width=400)  # on a phone the picture and the tables scroll sideways, each for itself
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        page.evaluate(f"{node_module('axe-core/axe.min.js')};1")
        assert page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))") == []
