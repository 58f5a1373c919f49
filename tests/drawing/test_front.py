"""A sweep as a page: its points, their Pareto front, and axes to choose."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from cnncalc.drawing.page.front import FrontPoint, front, page
from cnncalc.ground.errors import CnncalcError
from tests.commands import cnncalc
from tests.drawing.browser import Browser, needs_browser, node_module

SWEEP = ("sweep", "mobilenet_v2", "--set", "width=0.25:1:0.25", "--input", "3x96x96:3x160x160:32")


def beaten(rows: list[list[float]], place: int) -> bool:
    """Return whether another row is better in one of the two figures (less, more), and not worse in the other."""
    x, y = rows[place]
    return any((a <= x and b >= y) and (a < x or b > y) for a, b in rows)


def test_the_front_by_its_definition() -> None:
    random = Random(1)
    for _ in range(200):
        rows = [[float(random.randint(0, 9)), float(random.randint(0, 9))] for _ in range(random.randint(1, 12))]
        distinct = {tuple(rows[place]) for place in range(len(rows)) if not beaten(rows, place)}
        found = front(rows, 0, 1)
        assert {tuple(rows[place]) for place in found} == distinct
        assert len(found) == len(distinct)


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "front.html"
    done = cnncalc(*SWEEP, "-o", str(path))
    assert (done.code, done.out) == (0, "")
    text = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert len(re.findall(r'<circle class="\w+" cx', text)) == 12  # four widths at three sizes
    assert "width=0.25 3×96×96" in text
    chosen = re.findall(r'<tr data-place="\d+" class="chosen"><th scope="row">([^<]*)</th>', text)
    # params depend on the width alone, MACs grow with the size: the smallest size of each width is on the front
    assert chosen == [f"mobilenet_v2 width={width} 3×96×96" for width in ("0.25", "0.5", "0.75", "1.0")]


def test_bounds() -> None:
    with pytest.raises(CnncalcError, match="a page shows 20,000 combinations at most"):
        "".join(page("x", ["macs", "params"], [FrontPoint("", (1, 1))] * 20_001, 0))
    with pytest.raises(CnncalcError, match="no combinations with two figures"):
        "".join(page("x", ["macs", "params"], [], 3))


def test_names_are_texts() -> None:
    text = "".join(
        page("</title><script>x</script>", ["macs", "params"], [FrontPoint("</script><img src=x>", (1, 2))], 0)
    )
    assert "<img" not in text
    assert text.count("</script>") == 2


@needs_browser
def test_in_a_browser(tmp_path: Path) -> None:
    path = tmp_path / "front.html"
    cnncalc(*SWEEP, "-o", str(path))
    with Browser() as browser:
        browser.open(path.as_uri(), scripts=False)
        browser.open(path.as_uri())
        assert browser.requests == [path.as_uri()]
        assert browser.evaluate("document.querySelectorAll('.best').length") == 4
        drawn = "[...document.querySelectorAll('#points circle')].map(c => c.getAttribute('cx')).sort()"
        static = sorted(re.findall(r'cx="([\d.]+)"', path.read_text(encoding="utf-8")))
        assert browser.evaluate(drawn) == static  # the script draws the same as the page has without it
        # less of both is better: the narrowest network on the smallest input beats all
        browser.evaluate(
            "const sense = document.getElementById('ybest'); sense.value = 'less'; sense.dispatchEvent(new Event('change'))"
        )
        assert browser.evaluate("document.getElementById('best').textContent") == "1 of 12 are on the front"
        browser.evaluate(
            "document.querySelector('.best').dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))"
        )
        assert "width=0.25 3×96×96: " in browser.evaluate("document.getElementById('pointed').textContent")
        browser.evaluate(
            "const axis = document.getElementById('y'); axis.value = 'peak_bytes'; axis.dispatchEvent(new Event('change'))"
        )
        assert browser.evaluate("document.getElementById('yname').textContent") == "peak_bytes"
        assert browser.errors == []
        browser.evaluate(f"{node_module('axe-core/axe.min.js')};1")
        assert browser.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))") == []
