"""A browser for the tests of a module, and pages of networks in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cnncalc.cli.draw import page_of
from cnncalc.drawing.picture import Choice
from cnncalc.figures.summary import summarize
from cnncalc.graph import Graph
from tests.drawing.browser import Browser
from tests.drawing.networks import MACHINE


def html(graph: Graph, depth: int | None = None) -> str:
    return "".join(page_of(graph, summarize(graph), MACHINE, Choice(depth)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as found:
        yield found


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    """Return a function that opens a page of a network and asserts that it has no errors and makes no requests."""

    def opened(graph: Graph, depth: int | None = None, hash: str = "", scripts: bool = True) -> Browser:
        path = tmp_path / "net.html"
        path.write_text(html(graph, depth), encoding="utf-8")
        browser.open(path.as_uri() + hash, scripts)
        assert [request for request in browser.requests if not request.startswith("data:")] == [path.as_uri()]
        return browser

    return opened
