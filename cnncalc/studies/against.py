"""The same network, weights and input through another engine, layer by layer."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnncalc.execution.inputs import given_inputs, random_inputs
from cnncalc.execution.machine import available, cores
from cnncalc.execution.needs import needs
from cnncalc.execution.verify import MOST_THREADS, run
from cnncalc.execution.weights import one_by_one
from cnncalc.exporters.onnx.model import USUAL_OPSET, tensor_names, written
from cnncalc.ground.atomic_write import write_whole
from cnncalc.ground.errors import CnncalcError

if TYPE_CHECKING:
    from cnncalc.execution.report import Run
    from cnncalc.graph import Graph, Node
    from cnncalc.layers.ops import Array

ENGINES = {"onnxruntime": "ONNX Runtime"}
"""The engines by the packages that they come in."""

TOLERANCE = 1e-4
"""The largest difference, relative to the largest element of a layer's output, that rounding is to explain."""

WIDTH = 4  # bytes of an element: engines compute in float32


class LayerDifference(NamedTuple):
    """How a layer's output differs between two engines.

    Attributes:
        node: the layer.
        difference: the largest difference of two elements in the same place.
        magnitude: our largest element, whatever its sign.
    """

    node: Node
    difference: float
    magnitude: float

    @property
    def relative(self) -> float:
        """The difference in parts of the magnitude."""
        if not self.difference:
            return 0.0
        return self.difference / self.magnitude if self.magnitude else inf


class Against:
    """Two engines on one network.

    Attributes:
        network: what was run.
        engine: what the other engine is called, with its version.
        tolerance: the largest relative difference that is none.
        batch: samples that went through.
        rows: one per layer, in the order in which they run.
        run: of our engine, the last one: whether shapes are as inferred.
    """

    def __init__(
        self, network: Graph, engine: str, tolerance: float, rows: Sequence[LayerDifference], run: Run
    ) -> None:
        self.network = network
        self.engine = engine
        self.tolerance = tolerance
        self.rows = sorted(rows, key=lambda row: row.node.index)
        self.run = run
        self.batch = run.batch

    @property
    def worst(self) -> LayerDifference | None:
        """The layer with the largest relative difference, the first of equal ones; None where there is no layer."""
        return max(self.rows, key=lambda row: row.relative, default=None)

    @property
    def apart(self) -> list[LayerDifference]:
        """The layers that differ by more than the tolerance."""
        return [row for row in self.rows if not row.relative <= self.tolerance]


def against(
    network: Graph,
    x: Any = None,
    *,
    weights: Mapping[str, Any] | None = None,
    batch: int = 1,
    seed: int = 0,
    threads: int | None = None,
    fuse: bool = True,
    tolerance: float = TOLERANCE,
    max_memory: int | None = None,
    progress: Callable[[int, int, str], object] | None = None,
) -> Against:
    """Run a network by our kernels and by ONNX Runtime, and compare every layer's output.

    Outputs of as many layers are held at once as memory allows.

    Args:
        network: what is run.
        x: the input, as :func:`cnncalc.execution.verify.run` takes it; None for random ones.
        weights: tensors by their names in PyTorch's state_dict; None for those of the network's file, else random ones.
        batch: samples of a random input.
        seed: of what is random.
        threads: how many work; None for one per core.
        fuse: whether our kernels may do several layers in one step.
        tolerance: the largest relative difference that is none.
        max_memory: bytes that the process may take; None for what the machine has free.
        progress: called with (layers done, layers in all, the next layer's name).

    Raises:
        CnncalcError: where the engine is not installed or can't run the network, a layer has no counterpart, input or
            weights don't fit, or memory is too small.
    """
    engine = _engine()
    threads = threads or min(cores(), MOST_THREADS)
    given = None if x is None else given_inputs(network, x, np.float32)
    inputs = random_inputs(network, batch, seed, np.float32) if given is None else given.read()
    batch = len(next(iter(inputs.values())))
    names = tensor_names(network)
    rows: list[LayerDifference] = []
    for group in _groups(network, batch, threads, max_memory):
        if progress is not None:
            progress(len(rows), len(network.nodes), group[0].name)
        others = _theirs(engine, network, inputs, group, names, threads, one_by_one(network, weights, seed))
        ours = run(
            network, inputs, weights=weights, seed=seed, dtype="float32", threads=threads,
            layers=[node.name for node in group], fuse=fuse, max_memory=max_memory,
        )  # fmt: skip
        for node in group:
            if node.name in ours.tensors:
                rows.append(_difference(node, ours.tensors.pop(node.name), others.pop(names[node])))
    return Against(network, f"{ENGINES['onnxruntime']} {engine.__version__}", tolerance, rows, ours)


def _engine() -> Any:
    try:
        return import_module("onnxruntime")
    except ImportError:
        raise CnncalcError("ONNX Runtime is not installed", "pip install 'cnncalc[onnxruntime]'") from None


def _groups(network: Graph, batch: int, threads: int, max_memory: int | None) -> Iterator[list[Node]]:
    """Yield layers whose outputs are held at once: ours and theirs beside what the run takes anyway."""
    needed = needs(network, batch, np.float32, threads)
    free = available(threads) if max_memory is None else max_memory - needed.process
    room = inf if free is None else free + needed.process - needed.total
    group: list[Node] = []
    held = 0
    for node in network.nodes:
        size = 3 * WIDTH * node.elements(batch)  # both, and what differs
        if group and held + size > room:
            yield group
            group, held = [], 0
        group.append(node)
        held += size
    yield group


def _theirs(
    engine: Any, network: Graph, inputs: Mapping[str, Array], group: list[Node], names: Mapping[Any, str], threads: int,
    weights: Iterator[tuple[str, Array]],
) -> dict[str, Array]:  # fmt: skip
    """Return what the other engine makes of some layers, by the names of their tensors."""
    options = engine.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, threads
    feeds = {name: inputs[name] if tensor.times else inputs[name][:1] for name, tensor in network.inputs.items()}
    with tempfile.TemporaryDirectory(prefix="cnncalc-") as folder:
        path = os.path.join(folder, "net.onnx")
        write_whole(path, written(network, USUAL_OPSET, weights, partial(_beside, path), group))
        try:
            session = engine.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            wanted = [names[node] for node in group]
            return dict(zip(wanted, session.run(wanted, feeds), strict=True))
        except Exception as error:  # the engine's own classes are none that one could import
            text = (str(error) or type(error).__name__).splitlines()[0][:300]
            raise CnncalcError(f"ONNX Runtime can't run '{network.title}': {text}") from None


def _beside(path: str, suffix: str, chunks: Iterator[bytes]) -> str:
    write_whole(path + suffix, chunks)
    return os.path.basename(path + suffix)


def _difference(node: Node, ours: Array, others: Array) -> LayerDifference:
    """Return how two arrays differ; what is infinite or no number in both does not."""
    if ours.shape != others.shape:
        raise CnncalcError(f"'{node.name}' is {ours.shape} here and {others.shape} in ONNX Runtime")
    with np.errstate(all="ignore"):
        apart = np.abs(ours - others)
        if not np.isfinite(apart.max()):
            apart[(ours == others) | (np.isnan(ours) & np.isnan(others))] = 0
            np.nan_to_num(apart, copy=False, nan=inf, posinf=inf)
        magnitude = np.abs(ours, out=others)
    return LayerDifference(node, float(apart.max()), float(magnitude.max(initial=0, where=np.isfinite(magnitude))))
