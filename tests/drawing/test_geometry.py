"""One geometry in two languages: the script of a page draws as Python does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from cnncalc import load
from cnncalc.drawing.letters import text_width
from cnncalc.drawing.measures import measure
from cnncalc.drawing.picture import Choice, picture
from cnncalc.drawing.svg import document
from cnncalc.graph import Graph
from tests.drawing.browser import Browser, needs_browser
from tests.drawing.networks import MACHINE, dominated, encoder_and_decoder, hostile, nested_skips, random_network

SVG = "{http://www.w3.org/2000/svg}"
NETWORKS: dict[str, Callable[[], Graph]] = {
    "lanes": lambda: nested_skips(30, scoped=True),
    "dominated": dominated,
    "sides": encoder_and_decoder,
    "blocks": lambda: load(str(Path(__file__).parent / "unet_blocks.yaml")),
}


def network(name: str | int) -> Graph:
    """Return a test's network, a shipped one, or a random one."""
    if isinstance(name, int):
        return random_network(Random(name))
    return NETWORKS[name]() if name in NETWORKS else load(name)


SHAPES = """
(() => {
  const number = (element, names) => names.map((name) => element.getAttribute(name));
  const svg = document.querySelector('#graph svg');
  const kinds = (tag, names, text) =>
    [...svg.querySelectorAll(tag)].map((one) => [one.getAttribute('class').replace(/ ?(chosen|hit)/, ''), ...number(one, names), text ? one.textContent : ''].join('|')).sort();
  return [kinds('rect', ['x', 'y', 'width', 'height', 'fill', 'stroke', 'rx', 'stroke-dasharray'], false),
    kinds('text', ['x', 'y', 'font-size', 'font-weight', 'text-anchor'], true),
    kinds('circle', ['cx', 'cy', 'r', 'fill'], false), kinds('path', ['d', 'fill', 'stroke'], false)];
})()
"""


def drawn(graph: Graph, by: str, depth: int) -> list[list[str]]:
    """Return what Python draws as the script lists it: rectangles with the bars, texts, circles, lines."""
    machine = MACHINE if by == "time" else None
    root = ElementTree.fromstring(document(picture(graph, measure(graph, by, machine=machine), Choice(depth)), False))
    for outer in root.findall(f"{SVG}rect[@class='paper']"):
        root.remove(outer)
    for heading in root.findall(f"{SVG}text")[:2]:
        root.remove(heading)
    attributes = {
        "rect": ("x", "y", "width", "height", "fill", "stroke", "rx", "stroke-dasharray"),
        "text": ("x", "y", "font-size", "font-weight", "text-anchor"), "circle": ("cx", "cy", "r", "fill"),
        "path": ("d", "fill", "stroke"),
    }  # fmt: skip
    found = []
    for tag, names in attributes.items():
        rows = []
        for one in root.iter(f"{SVG}{tag}"):
            values = [one.get(name, "12" if name == "font-size" else "") for name in names]
            rows.append("|".join([one.get("class", ""), *values, one.text or "" if tag == "text" else ""]))
        found.append(sorted(rows))
    return found


@needs_browser
@pytest.mark.parametrize(
    "name",
    ["alexnet", "resnet50", "googlenet", "inception_v4", "densenet121", "unet", "yolov3", "yolov4", "fcn8s",
     "mobilenet_v3_large", "lanes", "dominated", "sides", "blocks", 3, 77, 112],
)  # fmt: skip
def test_one_geometry_in_two_languages(show: Callable[..., Browser], name: str | int) -> None:
    """Every rectangle, bar, text, circle and line is where, and as long as, Python draws it."""
    graph = network(name)
    page = show(graph)
    for depth, by in ((1, "macs"), (2, "params"), (99, "memory")):
        page.evaluate(f"openTo({depth}); document.querySelector('[data-by={by}]').click()")
        for ours, theirs in zip(drawn(graph, by, depth), page.evaluate(SHAPES), strict=True):
            assert theirs == ours
    assert page.errors == []


TOO_WIDE = """
(() => {
  const found = [], meet = (from, to, start, end) => Math.min(to, end) - Math.max(from, start);
  for (const part of document.querySelectorAll('#graph .part')) {
    const frames = [...part.querySelectorAll('rect:not(.bar)')].map((rect) => rect.getBBox());
    if (!frames.length) continue;
    const left = Math.min(...frames.map((one) => one.x)), right = Math.max(...frames.map((one) => one.x + one.width));
    const texts = [...part.querySelectorAll('text')].map((text) => [text.textContent, text.getBBox()]);
    texts.forEach(([text, box], place) => {
      if (box.x < left - 0.5 || box.x + box.width > right + 0.5) found.push(`${text} leaves its card`);
      for (const [other, next] of texts.slice(place + 1))
        if (meet(box.x, box.x + box.width, next.x, next.x + next.width) > 0.5
          && meet(box.y, box.y + box.height, next.y, next.y + next.height) > 4) found.push(`${text} on ${other}`);
    });
  }
  return found;
})()
"""


@needs_browser
@pytest.mark.parametrize("name", ["resnet50", "inception_v4", "mobilenet_v3_large", "unet", "yolov4", "hostile"])
def test_no_text_is_wider_than_its_card(show: Callable[..., Browser], name: str) -> None:
    """The browser's own letters are at most as wide as the table in letters.py says."""
    page = show(hostile() if name == "hostile" else load(name))
    measured = (
        "(() => { const text = document.querySelector('#graph text'); text.textContent = 'conv 3×3, 256 hardswish 99 %';"
        " text.setAttribute('font-size', 100); return text.getComputedTextLength(); })()"
    )
    if page.evaluate(measured) > 1.02 * text_width("conv 3×3, 256 hardswish 99 %", 100, bold=True):
        pytest.skip("no Helvetica, Arial or Liberation Sans on this machine")
    for is_open in ("false", "true"):
        page.evaluate(f"setAll({is_open})")
        assert page.evaluate(TOO_WIDE) == []
