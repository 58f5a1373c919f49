"""A sweep on a Dask cluster, on many machines or on this one.

Only the spec's text and the command line's texts, some hundred bytes, and the numbers of a part's combinations are
sent; a worker reads the texts under the same bounds, and caches the result for the next part. Tasks are pure, so one
that dies with its worker is computed again, and none is counted twice.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from importlib import import_module
from pickle import dumps, loads
from typing import Any, NamedTuple

from cnncalc.ground.errors import ArgumentError
from cnncalc.ground.version import __version__
from cnncalc.studies.sweep.identity import code_identity
from cnncalc.studies.sweep.jobs import SweepPart, Work
from cnncalc.studies.sweep.processes import PartTask

LOCAL = "local"
TIMEOUT = 10
"""Seconds to wait for a scheduler, and then for its first worker."""

TRIES = 2
"""Attempts at a task whose workers die; after that it is computed in this process."""

NAMED = 5
"""Number of workers that a message names."""


class Version(NamedTuple):
    """The versions that must be equal on all machines that compute parts of one sweep."""

    cnncalc: str
    code: str
    python: str

    def __str__(self) -> str:
        return f"cnncalc {self.cnncalc} (code {self.code}) on Python {self.python}"


class Cluster:
    """An engine of a Dask scheduler's workers."""

    most_rows = 65_536
    most_plain = 4_096

    def __init__(self, errand: PartTask, address: str, workers: int | None = None) -> None:
        """Connect to a scheduler, and check its workers.

        Args:
            errand: the data that they need.
            address: address of the scheduler, as ``tcp://host:8786``; or ``local``, which starts one here.
            workers: number of workers to start here; None for one per core.

        Raises:
            ArgumentError: if the connection fails, there is no worker, or one has another version.
        """
        try:
            self._dask = import_module("distributed")
        except ImportError:
            raise ArgumentError("dask", "a cluster needs Dask", "pip install 'cnncalc[dask]'") from None
        # no reports of workers that die: their tasks are computed again
        logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
        self._errand = errand
        self._sent = dumps(errand)
        self._address = address
        self._here: Work | None = None
        self._client: Any = None
        self._cluster: Any = None
        try:
            self._client = self._connected(workers)
            self._check(self._client.run(version, on_error="return"))
        except BaseException:
            self.close(True)
            raise

    def _connected(self, workers: int | None) -> Any:
        why = "can't be reached"
        try:
            if self._address == LOCAL:
                with _ignoring_interrupts():
                    self._cluster = self._dask.LocalCluster(
                        n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0",
                        silence_logs=logging.CRITICAL + 1,
                    )  # fmt: skip
            client = self._dask.Client(self._cluster or self._address, timeout=TIMEOUT, set_as_default=False)
            why = f"no worker after {TIMEOUT} s"
            client.wait_for_workers(1, timeout=TIMEOUT)
        except (OSError, ValueError, TimeoutError) as error:
            raise ArgumentError("dask", f"{self._address}: {why}: {error}") from None
        return client

    @property
    def workers(self) -> int:
        """Number of parts that are computed at a time; workers may come and go."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def submit(self, start: int, stop: int) -> Callable[[], SweepPart]:
        """Submit a part; return a function that waits for it."""
        return partial(self._result, self._submitted(start, stop), start, stop)

    def _submitted(self, start: int, stop: int) -> Any:
        """Submit a task, and return Dask's future."""
        return self._client.submit(_part, self._sent, start, stop, pure=False)

    def _result(self, future: Any, start: int, stop: int) -> SweepPart:
        """Wait for a part; if workers die, submit it again, and finally compute it in this process."""
        for _ in range(TRIES):
            try:
                answer: tuple[Version, SweepPart] = future.result()
                future.release()
                self._check({"a worker": answer[0]})
                return answer[1]
            except self._dask.KilledWorker:
                future = self._submitted(start, stop)
            except (self._dask.CancelledError, OSError) as error:
                raise ArgumentError("dask", f"the connection to {self._address} was lost: {error}") from None
        self._here = self._here or self._errand.work()
        return self._here.part(start, stop)

    def close(self, stop: bool) -> None:
        """Disconnect from the scheduler, and end the workers that were started here; running tasks are cancelled."""
        with suppress(Exception):  # the scheduler may be gone
            if self._client is not None:
                self._client.close(timeout=TIMEOUT)
        with suppress(Exception):
            if self._cluster is not None:
                if stop:  # else each worker finishes its task first
                    _kill(self._cluster)
                self._cluster.close(timeout=TIMEOUT)

    def _check(self, found: Mapping[str, object]) -> None:
        """Raise ArgumentError for workers with a version other than this process's."""
        own = version()
        others = {worker: one for worker, one in found.items() if one != own}
        if not others:
            return
        named = [f"{worker} has {_version_text(one)}" for worker, one in list(others.items())[:NAMED]]
        if len(others) > NAMED:
            named.append(f"and {len(others) - NAMED:,} more")
        message = f"this process has {own}, but {'; '.join(named)}"
        raise ArgumentError("dask", message, "install the same version everywhere")


def _version_text(found: object) -> str:
    return str(found) if isinstance(found, Version) else f"no cnncalc: {found}"


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Block Ctrl-C; threads and processes started meanwhile inherit the block."""
    import signal

    _start_tracker()  # starting it later would unblock Ctrl-C again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_tracker() -> None:
    """Start Python's tracker of semaphores without its warnings of those that interrupted workers held.

    It is a process of its own, which gets this process's options of warnings.
    """
    from multiprocessing import resource_tracker

    option = "ignore::UserWarning:multiprocessing.resource_tracker"
    sys.warnoptions.append(option)
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(option)


def _kill(cluster: Any) -> None:
    """End the workers of a cluster of this machine at once."""
    import os
    import signal

    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        with suppress(OSError):
            os.kill(nanny.pid, signal.SIGKILL)


def version() -> Version:
    """Return the version of the code in this process."""
    import sys

    return Version(__version__, code_identity(), ".".join(map(str, sys.version_info[:2])))


# --- in the workers ---------------------------------------------------------------------------------------------

_own = threading.local()  # a worker may have several threads, and a Work serves only one


def _part(errand: bytes, start: int, stop: int) -> tuple[Version, SweepPart]:
    """Return this worker's version, and a part."""
    return version(), _works()(errand).part(start, stop)


def _works() -> Callable[[bytes], Work]:
    if not hasattr(_own, "works"):
        _own.works = lru_cache(maxsize=2)(lambda errand: loads(errand).work())
    works: Callable[[bytes], Work] = _own.works
    return works
