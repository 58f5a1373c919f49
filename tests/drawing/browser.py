"""A real Chromium, Debian's or another that is installed, driven by Playwright."""

from __future__ import annotations

import os
import shutil
import time
from types import TracebackType
from typing import Any

import pytest

try:
    from playwright.sync_api import ConsoleMessage, sync_playwright
except ImportError:
    IS_DRIVEN = False
else:
    IS_DRIVEN = True

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _missing() -> str:
    """Return what is missing here for tests in a browser, and how to install it."""
    if CHROMIUM is None:
        return "no Chromium on this machine (Debian: apt install chromium)"
    return "" if IS_DRIVEN else "no Playwright on this machine (pip install playwright)"


needs_browser = pytest.mark.skipif(bool(_missing()), reason=_missing() or "there is one")


def node_module(path: str) -> str:
    """Return the text of a script of an npm package, or skip the test where NODE_PATH does not lead to it."""
    for folder in os.environ.get("NODE_PATH", "").split(os.pathsep):
        if folder and os.path.isfile(os.path.join(folder, path)):
            with open(os.path.join(folder, path), encoding="utf-8") as file:
                return file.read()
    pytest.skip(f"{path} is not in NODE_PATH (npm install {path.partition('/')[0]})")


class Browser:
    """One tab of a browser, which keeps its errors and its requests.

    Attributes:
        errors: console errors and uncaught exceptions.
        requests: the addresses that were asked for.
    """

    def __init__(self) -> None:
        self._driver = sync_playwright().start()
        self._browser = self._driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        self.page = self._browser.new_page(viewport={"width": 1300, "height": 900})
        self._session = self.page.context.new_cdp_session(self.page)
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._browser.close()
        self._driver.stop()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result."""
        return self._session.send(method, parameters)

    def open(self, address: str, scripts: bool = True) -> float:
        """Open a page and return the seconds until it was loaded."""
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.page.goto("about:blank")
        self.errors.clear()
        self.requests.clear()
        start = time.monotonic()
        self.page.goto(address)
        return time.monotonic() - start

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page, which may be a promise.

        By the protocol: Playwright's own way needs the ``eval`` that a page may forbid.
        """
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"].get("exception", {}).get("description")))
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key."""
        self.page.keyboard.press(key)

    def look(self, scheme: Any = "light", media: Any = "null", width: int = 1300) -> None:
        """Emulate a reader's settings: ``scheme="dark"``, ``media="print"``, and the window's width."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme, media=media)

    def screenshot(self, width: int, height: int) -> bytes:
        """Return a picture of the page as PNG."""
        self.page.set_viewport_size({"width": width, "height": height})
        return self.page.screenshot()
