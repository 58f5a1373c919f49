"""Run a network on real tensors and compare each actual shape and count with the inferred one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.choosing import chosen
from cnncalc.execution.inputs import FLOATS, given_inputs, random_inputs
from cnncalc.execution.machine import peak_resident, usual_threads
from cnncalc.execution.needs import Needs, needs, require
from cnncalc.execution.planning import RunPlan
from cnncalc.execution.program import Done, Note
from cnncalc.execution.report import LayerRun
from cnncalc.execution.report import Run as Run
from cnncalc.execution.session import Session
from cnncalc.execution.weights import usual_weights
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.near import did_you_mean
from cnncalc.layers.interfaces import Array, DType

if TYPE_CHECKING:
    import numpy.typing as npt

Progress = Callable[[int, int, str], object]


def run(
    network: Graph,
    x: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    *,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    batch: int = 1,
    seed: int = 0,
    dtype: str | None = None,
    threads: int | None = None,
    repeat: int = 1,
    layers: Sequence[str] | None = (),
    fuse: bool = True,
    max_memory: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run a network in inference mode, and compare every layer's shape and products with the inferred ones.

    Args:
        network: the network to run.
        x, weights, batch, seed, dtype, threads, repeat, layers, fuse, max_memory, progress: see
            :meth:`cnncalc.network.Network.run`.

    Raises:
        CnncalcError: if input or weights don't fit, or memory is too small.
    """
    network = network.model.rounded() if network.model.rounded is not None and weights is None else network
    if network.model.decided is not None:
        x = random_inputs(network, batch, seed, np.dtype(_type(dtype))) if x is None else x
        network = chosen(network, lambda part: run(part, x, weights=weights, seed=seed, dtype=dtype, threads=threads))
    given = None if x is None else given_inputs(network, x, _type(dtype) if dtype else None)
    if given is not None and batch not in (1, given.batch):
        raise ArgumentError(
            "batch", f"{batch:,} samples are for a random input, but the given input has {given.batch:,}"
        )
    kind = _type(dtype) if given is None else given.dtype
    batch = batch if given is None else given.batch
    keep = _named(network, layers)
    threads = threads or usual_threads()
    plan = RunPlan(network, batch, kind, keep, fuse)
    needed = needs(plan, threads, inputs=None if given is None else given.size, repeats=repeat > 1)
    require(needed, max_memory, threads)

    def session(plan: RunPlan, repeats: bool) -> Session:
        return Session(plan, usual_weights(network, weights, seed, kind, threads), threads, repeats)

    try:
        inputs = random_inputs(network, batch, seed, kind) if given is None else given.read()
        with np.errstate(all="ignore"):  # elements that are not finite are reported
            result = _passes(session, plan, inputs, needed, repeat, progress)
            if not result.finite and fuse:  # a run without fusion shows the first layer with such elements
                alone = RunPlan(network, batch, kind, fuse=False)
                unfused = _passes(session, alone, inputs, needed)
                result = replace(result, first=unfused.first, peak=unfused.peak)
    except MemoryError:
        raise CnncalcError("out of memory", f"the prediction was {needed.total:,} bytes") from None
    return result


def prepare(
    network: Graph, *, weights: Mapping[str, npt.ArrayLike] | None = None, seed: int = 0, dtype: str = "float32",
    threads: int | None = None, fuse: bool = True, batch: int = 1,
) -> Session:  # fmt: skip
    """Prepare a network for repeated inference; arguments are as :meth:`cnncalc.network.Network.prepare` has them.

    Raises:
        CnncalcError: if the weights don't fit.
    """
    kind = _type(dtype)
    network = network.model.rounded() if network.model.rounded is not None and weights is None else network
    threads = threads or usual_threads()
    made = usual_weights(network, weights, seed, kind, threads)
    session = Session(RunPlan(network, batch, kind, fuse=fuse), made, threads)
    session.bind(batch)
    return session


def _type(dtype: str | None) -> DType:
    """Return NumPy's type of a name, by default float32.  Raises CnncalcError for another one."""
    if dtype is not None and dtype not in FLOATS:
        raise ArgumentError("dtype", f"{dtype!r} is none of {', '.join(FLOATS)}")
    return FLOATS[dtype or "float32"]


def _named(network: Graph, layers: Sequence[str] | None) -> list[Node]:
    nodes = {node.name: node for node in network.nodes}
    for name in layers or ():
        if name not in nodes:
            raise CnncalcError(f"'{network.title}' has no layer '{name}'", did_you_mean(name, tuple(nodes), "layers"))
    return list(nodes.values()) if layers is None else [nodes[name] for name in layers]


def _passes(
    made: Callable[[RunPlan, bool], Session], plan: RunPlan, inputs: Mapping[str, Array], needed: Needs,
    repeat: int = 1, progress: Progress | None = None,
) -> Run:  # fmt: skip
    """Run once in a new session and verify, then repeat, comparing each pass with the first."""
    count, unstable = len(plan.steps), None

    def note_of(number: int) -> Note | None:
        if progress is None:
            return None
        done = itertools.count(number * count)
        return lambda step: progress(next(done), repeat * count, step.carrier.name)

    begun = perf_counter()
    with made(plan, repeat > 1) as session:
        preparation = perf_counter() - begun
        rows: list[LayerRun] = []
        times: list[list[float]] = [[]]
        for done in session.first(inputs, note_of(0)):
            rows += _rows(done, plan.network.outputs.values())
            times[0].append(done.seconds)
        assert session.program is not None
        preparation += session.program.preparation
        tensors, outputs = session.kept(), session.results()
        for number in range(1, repeat if all(row.holds(plan.batch) for row in rows) else 1):
            times.append(list(session.again(inputs, note_of(number))))
            unstable = unstable or _other(session.results(), outputs)
        threads = session.threads
    rows.sort(key=lambda row: row.node.index)
    for i, step in enumerate(plan.steps):
        row = rows[step.carrier.index]
        rows[step.carrier.index] = row._replace(seconds=median(seconds[i] for seconds in times))
    return Run(
        plan.network, rows, outputs, tensors, plan.batch, plan.dtype.name, threads,
        seconds=median(sum(seconds) for seconds in times), preparation=preparation, needs=needed, peak=peak_resident(),
        first=next((row.node.name for row in rows if not row.finite), None), unstable=unstable,
    )  # fmt: skip


def _other(outputs: Mapping[str, Array], wanted: Mapping[str, Array]) -> str | None:
    """Return the first output whose bytes differ from the expected ones; None if none do."""
    return next((name for name, array in outputs.items() if array.tobytes() != wanted[name].tobytes()), None)


def _rows(done: Done, ends: Collection[Tensor]) -> list[LayerRun]:
    """Compare the nodes of a step with their actual outputs; ``ends`` are the network's outputs."""
    step, made = done.step, done.output
    finite = made is None or bool(np.isfinite(made.sum(dtype=made.dtype)) or np.isfinite(made).all())
    if not finite and made is not None and step.output not in ends:
        finite = bool((made < np.inf).all())  # −∞ is what masks have
    rows = []
    for node in step.nodes:
        array = done.arrays.get(step.inputs[0]) if node in step.before else made
        actual = None if array is None or done.fault else array.shape
        tally, into = (done.tally, "") if node is step.carrier else (None, step.carrier.name)
        rows.append(LayerRun(node, actual, 0.0, tally, into, finite or node is not step.output, done.fault))
    return rows
