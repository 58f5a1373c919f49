"""Options of ``sweep`` for where it is computed: in processes of this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import click

from cnncalc.cli.options import gathering
from cnncalc.ground.errors import CnncalcError
from cnncalc.language.recipe import Recipe
from cnncalc.studies.sweep.jobs import Engine, SweepPlan

LOCAL = "local"


class Computing(NamedTuple):
    """Where a sweep is computed.

    Attributes:
        jobs: worker processes on this machine; None if not given.
        dask: a scheduler's address, or ``local``.
    """

    jobs: int | None
    dask: str | None

    def engine(self, recipe: Recipe, plan: Callable[[Recipe], SweepPlan]) -> Callable[[], Engine] | None:
        """Return a function that starts the engine; None if this process alone computes.

        Raises:
            CnncalcError: if the options can't be combined or used.
        """
        jobs = self.jobs or 1
        if self.dask is None and jobs == 1:
            return None
        from cnncalc.studies.sweep.processes import PartTask, Processes

        if self.dask is None:
            return partial(Processes, PartTask(recipe.reader(), plan), jobs)
        if self.dask != LOCAL:
            if "://" not in self.dask:
                raise CnncalcError(f"--dask {self.dask}: not an address", "as in --dask tcp://scheduler:8786, or local")
            if self.jobs is not None:
                hint = "leave out --jobs: the scheduler has its own workers"
                raise CnncalcError("--jobs starts processes on this machine, but --dask computes elsewhere", hint)
            if recipe.text is None:
                hint = "convert it to a spec first: cnncalc import"
                raise CnncalcError(
                    f"--dask: {recipe.path} is a model file, but only specs can be sent to a cluster", hint
                )
        from cnncalc.studies.sweep.cluster import Cluster

        return partial(Cluster, PartTask(recipe.reader(), plan), self.dask, self.jobs)


takes_engine = gathering(
    "computing",
    Computing,
    click.option("--jobs", type=click.IntRange(1, 256), help="Worker processes. Default: 1."),
    click.option("--dask", metavar="ADDRESS", help="Compute on a Dask cluster: tcp://scheduler:8786, or local."),
)
"""Adds the options for where a sweep is computed; the command gets them as ``computing``."""
