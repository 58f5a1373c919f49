"""The page in a real browser: it has Python's geometry, makes no requests, and its controls work."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from cnncalc import load, loads
from cnncalc.drawing.measures import measure
from cnncalc.drawing.mermaid import flowchart
from cnncalc.drawing.page.charts import alive_between, charts, longest_path
from cnncalc.drawing.page.document import FEW_BOXES
from cnncalc.drawing.picture import Choice, describe
from cnncalc.figures.summary import summarize
from cnncalc.graph import Graph
from tests.commands import cnncalc
from tests.drawing.browser import Browser, needs_browser, node_module
from tests.drawing.conftest import html
from tests.drawing.networks import CONV, HOSTILE, MACHINE, SHAPE, hostile, random_network

SVG = "{http://www.w3.org/2000/svg}"


# --- the file's content --------------------------------------------------------------------------------------


def test_resnet50_is_small() -> None:
    text = html(load("resnet50")).encode()
    assert len(text) <= 150_000
    assert len(gzip.compress(text)) <= 40_000


def test_it_forbids_every_request() -> None:
    text = html(load("lenet5"))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; img-src data:;")
    assert "unsafe-inline'; script-src 'sha256-" in policy[1]
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r'(?:src|href)="(?!#|data:)', text.partition("<script")[0])


def test_names_in_a_page_are_texts() -> None:
    graph = Graph("</title><script>x()</script>", {"i": SHAPE})
    node = graph.add(CONV, [graph.inputs["i"]], "a</script><script>alert(1)</script>\u2028.b")
    graph.outputs["<o>"] = node
    text = html(graph)
    assert "<script>alert" not in text
    assert "<script>x()" not in text
    assert text.count("</script>") == 2  # the data's and the script's own


def test_the_peak_in_the_chart_is_the_summarys() -> None:
    for name in ("unet", "resnet50", "densenet121"):
        graph = load(name)
        alive = alive_between(graph, 0, len(graph.nodes))
        peak = max(sum(tensor.elements() for tensor in tensors) for tensors in alive)
        assert 4 * peak == summarize(graph).totals.memory.peak


def test_the_longest_path_is_a_path() -> None:
    path = longest_path(load("resnet50"))
    assert all(above in below.inputs for above, below in pairwise(path))
    assert (
        sum(node.layer.type == "conv" for node in path) == 49
    )  # He et al. 2015: 50 layers with weights, one of them fc


def test_charts_say_what_they_show() -> None:
    graph = load("vgg16")
    found = {chart.title: chart.says for chart in charts(graph, summarize(graph), MACHINE)}
    assert "MACs: conv 99.2 %, fc 0.8 %. params: conv 10.6 %, fc 89.4 %." in found["Compute and parameters"]
    assert found["Roofline"].startswith("On a machine of 100 GFLOP/s and 20 GB/s, ")
    # 212 behind the last pool, 7 of them 32 apart
    assert "sees up to 404 of the input's 224" in found["Receptive field"]


# --- in the browser ------------------------------------------------------------------------------------------


@needs_browser
def test_opening_closing_searching_sorting(show: Callable[..., Browser]) -> None:
    page = show(load("resnet50"))
    count = "document.querySelectorAll('#graph [data-part]').length"
    assert page.evaluate(count) <= FEW_BOXES + 10
    page.evaluate("document.getElementById('expand').click()")
    opened = page.evaluate(count)
    page.evaluate("document.getElementById('collapse').click()")
    assert page.evaluate(count) < opened
    # a key opens a box, and the focus stays
    page.evaluate("document.querySelector('#graph [aria-expanded]').focus()")
    page.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    # search: the slash leads there, hits are counted and ringed, Enter goes to the first
    page.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.evaluate(
        "const box = document.getElementById('search'); box.value = 'conv 7×7'; box.dispatchEvent(new Event('input'))"
    )
    assert page.evaluate("document.getElementById('found').textContent") == "1 found"
    assert page.evaluate("document.querySelectorAll('#graph .hit').length") == 1
    page.press("Enter")
    assert page.evaluate("location.hash") == "#layer=conv_bn1.conv1"
    assert page.evaluate("document.querySelector('#panel h2').textContent") == "conv_bn1.conv1"
    page.press("Escape")
    # sorting by params: ResNet-50's largest layer is a 3x3 of its last stage, 512 * 512 * 9
    page.evaluate("document.querySelector('[data-order=params]').click()")
    assert page.evaluate("document.querySelector('#rows tr').children[4].textContent") == "2,359,296"
    assert page.evaluate("document.querySelector('th[data-sort=params]').getAttribute('aria-sort')") == "descending"
    assert page.errors == []


@needs_browser
def test_zooming_and_moving(show: Callable[..., Browser]) -> None:
    page = show(load("googlenet"), 2)
    width = "document.querySelector('#graph svg').getBoundingClientRect().width"
    page.look(width=1300)
    room = page.evaluate("document.getElementById('graph').clientWidth")
    # at first the graph fills the width, but it never becomes too small to read
    assert page.evaluate(width) == pytest.approx(max(room - 2, 0.6 * page.evaluate("state.picture.w")), abs=1)
    page.evaluate("document.getElementById('fit').click()")
    assert page.evaluate(width) == page.evaluate("state.picture.w")
    page.evaluate("document.getElementById('nearer').click()")
    assert page.evaluate("document.getElementById('zoom').textContent") == "125 %"
    # the wheel with Ctrl zooms around the pointer; without Ctrl, the page scrolls
    spot = "(() => { const r = document.querySelector('#graph [data-part]').getBoundingClientRect(); return [r.x, r.y]; })()"
    page.evaluate(
        "document.getElementById('graph').scrollIntoView(); document.getElementById('graph').scrollTo(300, 300)"
    )
    before, (x, y) = page.evaluate(width), page.evaluate(spot)
    at = page.evaluate(
        "(() => { const r = document.getElementById('graph').getBoundingClientRect(); return [r.x + 200, r.y + 150]; })()"
    )
    page.call("Input.dispatchMouseEvent", type="mouseWheel", x=at[0], y=at[1], deltaX=0, deltaY=-100, modifiers=2)
    ratio, (then_x, then_y) = page.evaluate(width) / before, page.evaluate(spot)
    assert ratio == pytest.approx(1.2214, abs=0.01)  # exp(0.2)
    assert (then_x - at[0]) == pytest.approx(ratio * (x - at[0]), abs=2)
    assert (then_y - at[1]) == pytest.approx(ratio * (y - at[1]), abs=2)
    # a drag moves the graph and opens nothing, a click does
    opened = page.evaluate("parts.filter(part => part.open).length")
    start = page.evaluate("[document.getElementById('graph').scrollLeft, document.getElementById('graph').scrollTop]")
    mouse = page.page.mouse
    mouse.move(at[0], at[1])
    mouse.down()
    mouse.move(at[0] - 60, at[1] - 40)
    mouse.up()
    moved = page.evaluate("[document.getElementById('graph').scrollLeft, document.getElementById('graph').scrollTop]")
    assert moved == [start[0] + 60, start[1] + 40]
    assert page.evaluate("parts.filter(part => part.open).length") == opened
    page.evaluate("document.querySelector('#graph [aria-expanded=true]').focus()")
    page.press("-")
    assert page.evaluate(width) == pytest.approx(before * ratio / 1.25, abs=2)
    page.press("Enter")
    assert page.evaluate("parts.filter(part => part.open).length") == opened - 1
    assert page.errors == []


@needs_browser
def test_on_a_phone_there_is_one_column(show: Callable[..., Browser], browser: Browser) -> None:
    browser.look(width=400)
    page = show(load("mobilenet_v2"))
    width, room = (
        "document.querySelector('#graph svg').getBoundingClientRect().width",
        "document.getElementById('graph').clientWidth",
    )
    assert page.evaluate(width) <= page.evaluate(room)
    assert page.evaluate("document.getElementById('wide').getAttribute('aria-pressed')") == "false"
    page.evaluate(
        "scrollTo(0, 0); document.querySelector('#graph .conv').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert page.evaluate("document.getElementById('panel').getBoundingClientRect().top < innerHeight - 100")
    name = "a_name_with_many_letters_and_no_space_" * 2
    show(loads(f"input: [3, 8, 8]\nblocks: {{{name}: {{layers: [relu]}}}}\nlayers: [{name}]\n"))
    assert page.evaluate("document.querySelector('header p').textContent").startswith("1 layer · ")
    assert page.evaluate("document.querySelector('#rows .group td').textContent") == "1 layer"
    assert page.evaluate("document.documentElement.scrollWidth") == 400  # long names are broken
    page.look()
    show(load("mobilenet_v2"))
    assert page.evaluate("document.getElementById('wide').getAttribute('aria-pressed')") == "true"


@needs_browser
def test_hits_in_a_closed_block_are_counted_on_it(show: Callable[..., Browser]) -> None:
    """Each of GoogLeNet's nine inception blocks has one 5x5, torchvision's are 3x3: two of them in each."""
    page = show(load("googlenet"), 1)
    page.evaluate(
        "const box = document.getElementById('search'); box.value = 'conv 3×3'; box.dispatchEvent(new Event('input'))"
    )
    assert (
        page.evaluate("[...document.querySelectorAll('#graph .badge')].map(one => one.textContent)") == ["2 found"] * 9
    )
    page.press("Escape")
    page.evaluate(
        "const other = document.getElementById('search'); other.value = ''; other.dispatchEvent(new Event('input'))"
    )
    assert page.evaluate("document.querySelectorAll('#graph .badge').length") == 0


@needs_browser
def test_a_deep_link_opens_the_scopes_around_a_layer(show: Callable[..., Browser]) -> None:
    page = show(load("resnet50"), hash="#layer=stage3.bottleneck4.conv_bn2.conv1")
    formula = "formulas().then(() => new Promise(done => setTimeout(() => done(document.getElementById('formulas').textContent), 50)))"
    text = page.evaluate(formula)
    assert "params = C_out·C_in·K·K = 256·256·3·3 = 589,824" in text
    assert page.evaluate("document.querySelectorAll('#graph .part.chosen').length") == 1
    assert page.evaluate("document.querySelector('#rows tr.chosen a').textContent") == "conv1"
    assert page.errors == []


@needs_browser
def test_hostile_names_are_shown_and_not_obeyed(show: Callable[..., Browser]) -> None:
    graph = hostile()
    page = show(graph)
    for layer in range(len(graph.nodes)):
        page.evaluate(f"choose({layer})")
        assert page.evaluate("document.querySelector('#panel h2').textContent") == graph.nodes[layer].name
    page.evaluate("setAll(true); document.querySelector('[data-order=layer]').click()")
    for word in HOSTILE:
        search = "const box = document.getElementById('search'); box.value = {}; box.dispatchEvent(new Event('input'))"
        page.evaluate(f"{{ {search.format(json.dumps(word[:50]))} }}")
        assert page.evaluate("parseInt(document.getElementById('found').textContent)") >= 1
    shown = page.evaluate("document.querySelector('#graph').textContent")
    assert "层归一化" in shown
    assert page.evaluate("window.obeyed === undefined && document.querySelectorAll('img').length === 0")
    assert page.evaluate("document.querySelectorAll('script').length") == 2
    ElementTree.fromstring(saved(page))
    assert page.errors == []


@needs_browser
def test_the_panel_has_the_whole_message_of_a_fault(browser: Browser, tmp_path: Path) -> None:
    spec = Path(__file__).parent / "fault.yaml"
    done = cnncalc("draw", str(spec), "-o", str(tmp_path / "fault.html"))
    browser.open((tmp_path / "fault.html").as_uri())
    browser.evaluate(
        "[...document.querySelectorAll('#graph .fault')][0].dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    said = browser.evaluate("document.querySelector('#panel p').textContent")
    assert said in done.err
    assert "channels 16 and 32 differ" in said
    assert browser.errors == []


@needs_browser
def test_figures_in_the_page_are_the_summarys(show: Callable[..., Browser]) -> None:
    graph = load("googlenet")
    page = show(graph)
    done = cnncalc("summary", "googlenet", "--format", "json")
    layers = json.loads(done.out)["layers"]
    for by, key in (("macs", "macs"), ("params", "params"), ("memory", "output_bytes")):
        assert page.evaluate(f"VALUES.{by}") == [layer[key] for layer in layers]
    assert page.evaluate("LAYERS.names") == [layer["name"] for layer in layers]


BARS_SEEN = (
    "() => [...document.querySelectorAll('svg .bar')].filter(bar => bar.getBoundingClientRect().width > 0).length"
)


@needs_browser
def test_the_page_is_complete_without_its_script(show: Callable[..., Browser]) -> None:
    page = show(load("resnet50"), scripts=False)
    assert page.evaluate(f"({BARS_SEEN})()") > 8
    assert page.evaluate("document.querySelector('.tools').getBoundingClientRect().width") == 0
    text = page.call("DOM.getDocument", depth=-1)
    shown = json.dumps(text, ensure_ascii=False)
    assert "stage4.bottleneck3.conv_bn3.conv1" in shown  # every layer is in the table
    assert "Convolutions compute and store" in shown
    assert "Memory over time" in shown
    assert shown.count('"svg"') >= 5


@needs_browser
def test_dark_and_print(show: Callable[..., Browser]) -> None:
    page = show(load("lenet5"))
    bars_seen = f"({BARS_SEEN})()"
    assert page.evaluate(bars_seen) > 3
    ground = "getComputedStyle(document.body).backgroundColor"
    page.look(scheme="light")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.look(scheme="dark")
    assert page.evaluate(ground) == "rgb(13, 16, 20)"
    assert page.evaluate("getComputedStyle(document.querySelector('#graph .ink')).fill") == "rgb(232, 234, 238)"
    page.look(scheme="dark", media="print")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"  # paper is white
    assert page.evaluate("getComputedStyle(document.querySelector('.tools')).display") == "none"
    assert page.evaluate(bars_seen) > 3
    page.look()


@needs_browser
@pytest.mark.parametrize("name", ["resnet50", "unet", "yolov4"])
def test_paper(show: Callable[..., Browser], name: str) -> None:
    """The whole graph is on the first page, below the totals, and the table loses no line."""
    graph = load(name)
    page = show(graph)
    page.look(scheme="dark", media="print", width=718)  # A4 without its margins is 718 × 1047 pixels
    assert page.evaluate("document.querySelector('#graph svg').getBoundingClientRect().bottom") <= 1047
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    page.look()
    paper = b64decode(page.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])
    assert paper.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type /Page\b", paper))
    assert 2 <= pages <= 2 + len(graph.nodes) // 20
    assert page.errors == []


def saved(page: Browser) -> str:
    """Return the file that the button saves."""
    text: str = page.evaluate(
        "new Promise(done => { const make = URL.createObjectURL; URL.createObjectURL = blob => {"
        " blob.text().then(done); URL.createObjectURL = make; return '#'; }; document.getElementById('save').click(); })"
    )
    return text


@needs_browser
def test_the_saved_svg_stands_alone(show: Callable[..., Browser]) -> None:
    page = show(load("unet"))
    text = saved(page)
    assert ElementTree.fromstring(text).tag == f"{SVG}svg"
    assert "var(" not in text
    assert page.errors == []


@needs_browser
@pytest.mark.parametrize("name", ["resnet50", "unet"])
def test_axe_finds_nothing(show: Callable[..., Browser], name: str) -> None:
    script = node_module("axe-core/axe.min.js")
    page = show(load(name))
    for scheme in ("light", "dark"):
        page.look(scheme=scheme)
        page.evaluate(f"choose(3); setAll({json.dumps(scheme == 'light')}); 1")
        page.evaluate(f"{script};1")
        found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
        assert found == []
    page.look()


@needs_browser
def test_mermaid_reads_our_flowcharts(browser: Browser) -> None:
    browser.open("about:blank")
    browser.evaluate(node_module("mermaid/dist/mermaid.min.js") + ";1")
    for name in ("alexnet", "resnet50", "googlenet", "unet", "yolov4", "ghostnet_1.3", 3, 77, 140):
        graph = load(name) if isinstance(name, str) else random_network(Random(name))
        text = flowchart(describe(graph, measure(graph, "macs"), Choice()))
        assert browser.evaluate(f"mermaid.parse({json.dumps(text)}).then(found => found.diagramType)") == "flowchart-v2"
    with pytest.raises(RuntimeError):
        browser.evaluate(f"mermaid.parse({json.dumps(text.replace('-->', '->->'))})")
