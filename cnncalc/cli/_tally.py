"""Count the rows and errors of a sweep, and report them on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from time import perf_counter
from typing import Any

from cnncalc.cli.output import more_unmet, to_stderr
from cnncalc.cli.progress import Progress
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.numbers import counted
from cnncalc.studies.sweep.jobs import SweepPart, SweepPlan


class RowTally:
    """Counter of a sweep's rows, and of its errors by message."""

    def __init__(self, plan: SweepPlan) -> None:
        """Start at zero."""
        self.progress: Progress | None = None
        self.done = 0
        self._plan = plan
        self._kept = 0
        self._failed = 0
        self._first = ""
        self._unmet: list[str] = []
        self._uncounted: set[str] = set()
        self._before = 0
        self._begun = perf_counter()

    @property
    def state(self) -> dict[str, object]:
        """The counts, for :meth:`restore`."""
        return {
            "done": self.done,
            "kept": self._kept,
            "failed": self._failed,
            "first": self._first,
            "unmet": self._unmet,
            "uncounted": sorted(self._uncounted),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from earlier counts, if there are any."""
        if state is None:
            return
        self.done = self._before = state["done"]
        self._kept, self._failed, self._first = state["kept"], state["failed"], state["first"]
        self._unmet, self._uncounted = list(state["unmet"]), set(state["uncounted"])

    def of(self, done: Iterable[SweepPart]) -> Iterator[SweepPart]:
        """Yield the parts, counting their rows and errors."""
        for part in done:
            self.done = part.stop
            self._kept += len(part.lanes)
            self._failed += part.failed
            self._first = self._first or part.first
            for point in part.window.points.values():
                self._unmet += [f"{point.variant or 'the spec'}: {text}" for text in point.unmet]
                self._uncounted.update(point.uncounted)
            for batch in part.window.batches:
                self._uncounted.update(batch.uncounted)
            yield part
            if self.progress is not None:
                self.progress(self.done, self._plan.rows, self._text())

    def _text(self) -> str:
        """Return the progress as text: 412,000 of 1,000,000 · 96,000/s · 6 s left · 1,203 kept · 17 errors."""
        rate = max(self.done - self._before, 1) / max(perf_counter() - self._begun, 1e-6)
        left = (self._plan.rows - self.done) / rate
        kept = f" · {self._kept:,} kept" if self._plan.where else ""
        failed = f" · {counted(self._failed, 'error')}" if self._failed else ""
        of = counted(self._plan.rows, "combination")
        return f"{self.done:,} of {of} · {rate:,.0f}/s · {left:,.0f} s left{kept}{failed}"

    def report(self, hidden: bool) -> int:
        """Report the number of rows and the errors on stderr; return the exit code."""
        if self._uncounted:
            to_stderr(f"no FLOPs are defined for {', '.join(sorted(self._uncounted))}")
        if self._plan.where is not None and not self._kept:
            to_stderr(f"no combination of {self._plan.rows:,} meets the condition")
        for text in self._unmet[:MAX_FAULTS]:
            to_stderr(text)
        if len(self._unmet) > MAX_FAULTS:
            to_stderr(more_unmet(len(self._unmet) - MAX_FAULTS))
        if self._failed:
            first = f", the first: {self._first}" if hidden else ""
            to_stderr(f"{self._failed:,} of {counted(self._plan.rows, 'combination')} failed{first}")
        return 1 if self._failed or self._unmet else 0
