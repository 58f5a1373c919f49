"""The arena's picture in a browser: nothing is cut off, even of a tiny network; and the page around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import cnncalc
from tests.drawing.browser import Browser, needs_browser, node_module

SMALL = """
name: a network with a name that is longer than its picture is wide
input: [1, 16, 16]
deploy: {quant: int8}
layers:
  - conv: {out_channels: 8, kernel_size: 3}
  - flatten
  - linear: 4
"""
CUT_OFF = """
(() => {
  const outer = document.querySelector('svg').getBoundingClientRect();
  return [...document.querySelectorAll('svg text')].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.left < outer.left || box.right > outer.right || box.top < outer.top || box.bottom > outer.bottom;
  }).map((text) => text.textContent);
})()
"""


@needs_browser
@pytest.mark.parametrize("name", ["small", "lenet5", "visual_wake_words"])
def test_the_page_of_a_device(tmp_path: Path, name: str) -> None:
    spec, path = tmp_path / "small.yaml", tmp_path / "arena.html"
    spec.write_text(SMALL, encoding="utf-8")
    assert cnncalc("deploy", str(spec) if name == "small" else name, "-o", str(path)).code == 0
    with Browser() as page:
        for scheme in ("light", "dark"):
            page.look(scheme=scheme)
            page.open(path.as_uri())
            assert page.evaluate(CUT_OFF) == []
            assert page.errors == []
            assert page.requests == [path.as_uri()]
        page.look(width=400)  # on a phone, where the picture scrolls sideways in its frame
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        narrowest = "Math.min(...[...document.querySelectorAll('td.folds:last-child')].map((cell) => cell.clientWidth))"
        assert page.evaluate(narrowest) > 150  # words, not letters, on each line
        page.evaluate(f"{node_module('axe-core/axe.min.js')};1")
        assert page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))") == []
