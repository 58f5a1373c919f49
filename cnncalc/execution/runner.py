"""Run a network on real tensors, and hold each actual shape and count against the inferred one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.execution.inputs import FLOATS, given_inputs, random_inputs
from cnncalc.execution.kernels import Kernels
from cnncalc.execution.kernels.blas import blas
from cnncalc.execution.kernels.engine import Engine, Tally
from cnncalc.execution.memory import needs, peak_resident, require
from cnncalc.execution.operation import Operation
from cnncalc.execution.plan import steps
from cnncalc.execution.report import LayerRun
from cnncalc.execution.report import Run as Run
from cnncalc.execution.weights import checked, random_weights
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean
from cnncalc.layers.base import LayerError

if TYPE_CHECKING:
    from cnncalc.execution.memory import Needs
    from cnncalc.execution.plan import Step
    from cnncalc.graph import Graph, Node, Tensor
    from cnncalc.layers.ops import Array

MOST_THREADS = 16
LARGE = 10**7  # macs of a network's mean contraction from which our threads beat BLAS's, where it packs

Progress = Callable[[int, int, str], object]


def run(
    network: Graph,
    x: Any = None,
    *,
    weights: Mapping[str, Any] | None = None,
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
    """Run a network at inference, and compare every layer's shape and products with what is inferred.

    Args:
        network: what to run.
        x: the input (N, *shape), or a mapping from names where there are several; None for random ones.
        weights: tensors by their names in PyTorch's state_dict; None for random ones.
        batch: samples of a random input.
        seed: of what is random; the same seed gives the same bytes.
        dtype: "float32" or "float64"; None for the input's own, else float32.
        threads: how many work; None for one a core that the process may use.
        repeat: runs, of which the median time counts; the first is the one that is verified.
        layers: names of layers whose outputs are wanted; None for all.
        fuse: whether batchnorm, add and activation are done within the convolution beside them where that
            gives the same.
        max_memory: bytes that the process may take; None for what the machine has free.
        progress: called with (steps done, steps in all, the next layer's name).

    Raises:
        CnncalcError: where input or weights don't fit, or memory is too small.
    """
    if dtype is not None and dtype not in FLOATS:
        raise CnncalcError(f"dtype is {dtype!r}, expected one of {', '.join(FLOATS)}")
    given = None if x is None else given_inputs(network, x, FLOATS[dtype] if dtype else None)
    kind = np.dtype(FLOATS[dtype or "float32"]) if given is None else given.dtype
    batch = batch if given is None else given.batch
    keep = _named(network, layers)
    threads = threads or min(cores(), MOST_THREADS)
    needed = needs(network, batch, kind.itemsize, threads, None if given is None else given.size)
    require(needed, max_memory)

    def tensors() -> dict[str, Array]:
        return random_weights(network, seed, kind, threads) if weights is None else checked(network, weights, kind)

    try:
        inputs = random_inputs(network, batch, seed, kind) if given is None else given.read()
        with np.errstate(all="ignore"):  # what is not finite is told
            start = perf_counter()
            runner = Runner(network, tensors(), keep, fuse, threads, arena_limit(needed))
            preparation = perf_counter() - start
            with closing(runner):
                result = runner.run(inputs, repeat, progress)
                preparation += runner.kernels.engine.packing_seconds
            if not result.finite and fuse:  # find the very layer that made the first
                with closing(Runner(network, tensors(), (), False, threads)) as alone:
                    result.first = alone.run(inputs, 1, None).first
    except MemoryError:
        raise CnncalcError("the memory was used up", f"the prediction was {needed.total:,} bytes") from None
    result.dtype, result.threads = kind.name, threads
    result.preparation = preparation
    result.needs, result.peak = needed, peak_resident()
    return result


def arena_limit(needed: Needs) -> int:
    """Return how many bytes of feature maps are kept for use again: a tenth more than are alive at once."""
    return int(1.1 * needed.activations)


def cores() -> int:
    """Return how many cores the process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _named(network: Graph, layers: Sequence[str] | None) -> list[Node]:
    nodes = {node.name: node for node in network.nodes}
    for name in layers or ():
        if name not in nodes:
            raise CnncalcError(f"'{network.title}' has no layer '{name}'", did_you_mean(name, tuple(nodes), "layers"))
    return list(nodes.values()) if layers is None else [nodes[name] for name in layers]


class Runner:
    """A plan with its weights, which it takes over, and the runs of it."""

    def __init__(
        self,
        network: Graph,
        weights: dict[str, Array],
        keep: Collection[Node],
        fuse: bool,
        threads: int,
        limit: int | None = None,
    ) -> None:
        self.network = network
        self.keep = keep
        ours = _ours(network, threads)
        self.blas_threads = 1 if ours else threads
        pieces = self.blas_threads == 1 and blas().unpacked
        self.kernels = Kernels(Engine(threads if ours else 1, limit, pieces))
        self.operations = []
        sharers = Counter(node.shares or node for node in network.nodes)
        common = {node for node, count in sharers.items() if count > 1}
        for step in steps(network, keep, fuse):
            alone = (step.carrier.shares or step.carrier) not in common
            self.operations.append(Operation(step, weights, alone))
            for node in step.nodes:  # what is folded is not needed as it was
                sharers[node.shares or node] -= 1
                if not sharers[node.shares or node]:
                    for tensor in node.use.weights:
                        del weights[f"{(node.shares or node).name}.{tensor}"]

    def run(self, inputs: Mapping[str, Array], repeat: int, progress: Progress | None) -> Run:
        """Run once and verify, then as often again as is asked for."""
        result = Run(self.network, batch=len(next(iter(inputs.values()))))
        values, *times = self._pass(inputs, result, progress and _part(progress, 0, repeat))
        result.layers.sort(key=lambda row: row.node.index)
        result.first = next((row.node.name for row in result.layers if not row.finite), None)
        result.tensors = {node.name: values[node] for node in self.keep if node in values}
        result.outputs = self._outputs(values)
        del values
        for number in range(1, repeat if result.ok else 1):
            values, seconds = self._pass(inputs, None, progress and _part(progress, number, repeat))
            times.append(seconds)
            result.unstable = result.unstable or _other(self._outputs(values), result.outputs)
            del values
        for i, operation in enumerate(self.operations):
            result.layers[operation.step.carrier.index].seconds = median(seconds[i] for seconds in times)
        result.seconds = median(sum(seconds) for seconds in times)
        return result

    def close(self) -> None:
        """End the threads and let go of the memory; nothing can be run any more."""
        self.kernels.engine.close()

    def outputs(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run once, without a comparison; return the outputs by name."""
        return self._outputs(self._pass(inputs, None, None)[0])

    def _outputs(self, values: Mapping[Tensor, Array]) -> dict[str, Array]:
        made = {name: values[tensor] for name, tensor in self.network.outputs.items() if tensor in values}
        return {name: np.ascontiguousarray(array) for name, array in made.items()}

    def _pass(
        self, inputs: Mapping[str, Array], result: Run | None, progress: Progress | None
    ) -> tuple[dict[Tensor, Array], list[float]]:
        """Run every operation once, and note what came out in `result`.

        Return the tensors that are left at the end, and the seconds of each operation.
        """
        with blas().held(self.blas_threads):
            return self._operations(inputs, result, progress)

    def _operations(
        self, inputs: Mapping[str, Array], result: Run | None, progress: Progress | None
    ) -> tuple[dict[Tensor, Array], list[float]]:
        engine = self.kernels.engine
        values: dict[Tensor, Array] = {self.network.inputs[name]: array for name, array in inputs.items()}
        seconds = []
        for done, operation in enumerate(self.operations):
            step = operation.step
            if progress is not None:
                progress(done, len(self.operations), step.carrier.name)
            packing, begun = engine.packing_seconds, perf_counter()
            fault = ""
            if result is None:
                values[operation.output] = operation.run(self.kernels, values)
            else:
                operation.tape = None  # products are to be counted
                fault = _attempt(operation, self.kernels, values)
            seconds.append(perf_counter() - begun - (engine.packing_seconds - packing))
            if result is not None:
                result.layers += _rows(step, values, fault, engine.tally())
            if fault:
                engine.reset()
            for tensor in step.release:
                values.pop(tensor, None)
        engine.tally()
        return values, seconds


def _other(outputs: Mapping[str, Array], wanted: Mapping[str, Array]) -> str | None:
    """Return the first output that has other bytes than it should; None where all are as they should be."""
    return next((name for name, array in outputs.items() if array.tobytes() != wanted[name].tobytes()), None)


def _ours(network: Graph, threads: int) -> bool:
    """Tell whether our threads share the blocks of each operation, or BLAS's its matrix products; never both.

    Ours share all of the work, but need some 150 microseconds to wake up; both at once are in each other's way.
    What BLAS multiplies without packing it multiplies in one thread.
    """
    if threads == 1 or not blas() or blas().unpacked:
        return threads > 1
    products = [node.macs() for node in network.nodes if node.use.macs]
    return sum(products) > LARGE * len(products)


def _part(progress: Progress, number: int, repeat: int) -> Progress:
    """Return a progress that tells of one pass among several."""
    return lambda done, total, name: progress(number * total + done, repeat * total, name)


def _attempt(operation: Operation, kernels: Kernels, values: dict[Tensor, Array]) -> str:
    """Add a step's output to the values; return why that could not be, or ""."""
    for tensor in operation.reads:
        if tensor not in values:
            return f"its input '{tensor.name}' was not made"
    try:
        values[operation.output] = operation.run(kernels, values)
    except (ValueError, IndexError, LayerError) as error:  # arrays that a wrong shape rule let come together
        return str(error)
    return ""


def _rows(step: Step, values: Mapping[Tensor, Array], fault: str, tally: Tally) -> list[LayerRun]:
    """Compare the nodes of a step with the arrays that they made."""
    made = None if fault else values[step.output]
    finite = made is None or bool(np.isfinite(made.sum(dtype=made.dtype)) or np.isfinite(made).all())
    rows = []
    for node in step.nodes:
        array = values.get(step.inputs[0]) if node in step.before else made
        row = LayerRun(node, None if array is None or fault else array.shape, fault=fault)
        if node is step.carrier:
            row.tally = tally
        else:
            row.fused_into = step.carrier.name
        row.finite = finite or node is not step.output
        rows.append(row)
    return rows
