"""Count the rows and errors of a sweep, and report them on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from cnncalc.cli.output import more_unmet, to_stderr
from cnncalc.cli.progress import Progress
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.numbers import counted
from cnncalc.studies.sweep.jobs import SweepPart, SweepPlan


@dataclass
class Counts:
    """Counts of rows and errors, with which a resumed sweep continues; ``first`` is the first error."""

    done: int = 0
    kept: int = 0
    failed: int = 0
    first: str = ""
    unmet: list[str] = field(default_factory=list)
    uncounted: list[str] = field(default_factory=list)


class RowTally:
    """Counter of a sweep's rows, and of its errors by message."""

    def __init__(self, plan: SweepPlan) -> None:
        """Start at zero."""
        self.progress: Progress | None = None
        self.counts = Counts()
        self._plan = plan
        self._before = 0
        self._begun = perf_counter()

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from earlier counts, if there are any."""
        self.counts = Counts(**state or {})
        self._before = self.counts.done

    def of(self, done: Iterable[SweepPart]) -> Iterator[SweepPart]:
        """Yield the parts, counting their rows and errors."""
        counts = self.counts
        for part in done:
            counts.done = part.stop
            counts.kept += len(part.lanes)
            counts.failed += part.failed
            counts.first = counts.first or part.first
            uncounted = {*counts.uncounted, *[name for batch in part.window.batches for name in batch.uncounted]}
            for point in part.window.points.values():
                counts.unmet += [f"{point.variant or 'the spec'}: {text}" for text in point.unmet]
                uncounted.update(point.uncounted)
            counts.uncounted = sorted(uncounted)
            yield part
            if self.progress is not None:
                self.progress(counts.done, self._plan.rows, self._text())

    def _text(self) -> str:
        """Return the progress as text: 412,000 of 1,000,000 · 96,000/s · 6 s left · 1,203 kept · 17 errors."""
        counts = self.counts
        rate = max(counts.done - self._before, 1) / max(perf_counter() - self._begun, 1e-6)
        left = (self._plan.rows - counts.done) / rate
        kept = f" · {counts.kept:,} kept" if self._plan.where else ""
        failed = f" · {counted(counts.failed, 'error')}" if counts.failed else ""
        of = counted(self._plan.rows, "combination")
        return f"{counts.done:,} of {of} · {rate:,.0f}/s · {left:,.0f} s left{kept}{failed}"

    def report(self, hidden: bool) -> int:
        """Report the number of rows and the errors on stderr; return the exit code."""
        counts = self.counts
        if counts.uncounted:
            to_stderr(f"no FLOPs are defined for {', '.join(sorted(counts.uncounted))}")
        if self._plan.where is not None and not counts.kept:
            to_stderr(f"no combination of {self._plan.rows:,} meets the condition")
        for text in counts.unmet[:MAX_FAULTS]:
            to_stderr(text)
        if len(counts.unmet) > MAX_FAULTS:
            to_stderr(more_unmet(len(counts.unmet) - MAX_FAULTS))
        if counts.failed:
            first = f", the first: {counts.first}" if hidden else ""
            to_stderr(f"{counts.failed:,} of {counted(self._plan.rows, 'combination')} failed{first}")
        return 1 if counts.failed or counts.unmet else 0
