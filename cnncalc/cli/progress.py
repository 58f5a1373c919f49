"""Long operations: a progress bar on stderr, and a Ctrl-C that waits for the current row."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from time import perf_counter
from types import TracebackType
from typing import TypeVar

Progress = Callable[[int, int, str], None]
T = TypeVar("T")

PATIENCE = 0.5  # seconds without a progress bar
ONE_INTERRUPT = 0.2  # seconds within which several Ctrl-C count as one
_CLEAR = "\r\x1b[K"  # goes to the start of the line and erases it


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """Yield a function (done, total, text) that draws a bar; None if stderr is not a terminal.

    The bar appears when the work takes long, and is removed when the block ends.
    """
    stream = sys.stderr
    if stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    due, drawn = perf_counter() + PATIENCE, False

    def progress(done: int, total: int, name: str) -> None:
        nonlocal due, drawn
        if perf_counter() < due:
            return
        due, drawn = perf_counter() + 0.1, True
        bar = "#" * (24 * done // total)
        text = f"[{bar:-<24}] {100 * done // total:3} %  {name}"
        stream.write(_CLEAR + text[: get_terminal_size().columns - 1])
        stream.flush()

    try:
        yield progress
    finally:
        if drawn:
            stream.write(_CLEAR)
            stream.flush()


class Interruptible:
    """A block in which the first Ctrl-C ends :meth:`each` after a whole item; a later one raises KeyboardInterrupt.

    Attributes:
        interrupted: whether there was a Ctrl-C.
        done: number of finished items.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self.done = 0
        self._waiting = False
        self._last = -1.0
        self._owner = os.getpid()

    def __enter__(self) -> Interruptible:
        self._before = signal.getsignal(signal.SIGINT)
        if self._before != signal.SIG_IGN:  # which a shell's background job does
            signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, number: int, frame: object) -> None:
        if os.getpid() != self._owner:  # a worker that was just forked
            return
        again, self.interrupted = self.interrupted, True
        before, self._last = self._last, perf_counter()
        if self._last - before > ONE_INTERRUPT and (self._waiting or again):
            raise KeyboardInterrupt

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Yield items until Ctrl-C, which may interrupt the making of an item, but not its use.

        Raises: KeyboardInterrupt: if no item was finished by then.
        """
        iterator = iter(items)
        try:
            while not self.interrupted:
                self._waiting = True
                try:
                    item = next(iterator)
                except StopIteration:
                    return
                finally:
                    self._waiting = False
                self.done += 1
                yield item
        except KeyboardInterrupt:
            if not self.done:
                raise
