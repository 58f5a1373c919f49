"""Compare every layer with another engine, on the same network, weights and input."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnncalc.execution.choosing import chosen
from cnncalc.execution.inputs import given_inputs, random_inputs, samples
from cnncalc.execution.machine import available, usual_threads
from cnncalc.execution.needs import needs, require
from cnncalc.execution.planning import RunPlan
from cnncalc.execution.verify import run
from cnncalc.execution.weights import one_by_one
from cnncalc.exporters.formats import write_beside
from cnncalc.exporters.onnx.model import UnwritableError, tensor_names, written
from cnncalc.graph import Node
from cnncalc.ground.atomic_write import write_whole
from cnncalc.ground.errors import CnncalcError
from cnncalc.studies.other_engine import EngineModel, onnxruntime

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnncalc.execution.report import Run
    from cnncalc.graph import Graph, Tensor
    from cnncalc.layers.ops import Array
    from cnncalc.layers.shapes import Shape

TOLERANCE = 1e-4
"""Accepted difference, relative to the largest element of a layer's output, that rounding explains."""

HALF = 1e-2
"""The same for a file in 16 bits, whose tensors an engine may round to 11 bits, 5e-4 of each element."""

OF_FILE = "file"
"""Shown as the layer type of the file's own outputs."""

QUANTISED = 0.1
"""The same for the outputs of a quantised file. The last bit of a number may change its rounding by a step: a 255th of
a tensor's range, which is more relative to the largest element if that fills less of the range. ONNX Runtime differs
from itself by up to 4.1 % without its optimisations (shufflenet_v2, resnet18 and mobilenet_v2, quantised by its own
tool, three inputs each).
"""

WIDTH = 4  # bytes of an element: engines compute in float32


class Units(NamedTuple):
    """How far apart two outputs in float16 are, in units in the last place.

    Attributes:
        equal: how many elements are equal.
        of: how many elements there are.
        most: the largest distance.
    """

    equal: int
    of: int
    most: int


class Difference(NamedTuple):
    """How one output differs between two engines.

    Attributes:
        name: the layer's name, or that of an output of the model file.
        type: the layer's type.
        shape: the arrays' shape, batch first.
        difference: the largest difference of two elements in the same place.
        magnitude: our largest element in magnitude, or the largest term of a sum that may be small.
        units: how far apart the elements are once ours are in float16, if the engine's are; else None.
    """

    name: str
    type: str
    shape: Shape
    difference: float
    magnitude: float
    units: Units | None = None

    @property
    def relative(self) -> float:
        """The difference relative to the magnitude."""
        if not self.difference:
            return 0.0
        return self.difference / self.magnitude if self.magnitude else inf


class EngineDiff(NamedTuple):
    """Two engines on one network.

    Attributes:
        network: the network that was run.
        engine: the other engine's name and version.
        tolerances: the largest relative differences that are accepted, of a layer and of the file's outputs.
        rows: one per layer, in the order in which they run.
        run: our engine's last run, which verifies the shapes.
        of_file: the network's outputs compared with those of its model file, which the engine has run unchanged.
        unread: the reason if it has not, or "".
        unwritten: the reason if layers are not compared, or "".
        rounds: whether the file rounds tensors, to integers or to 16 bits.
        from_exact: where the file's outputs differ, how far our outputs and the engine's are from ours in 64 bits.
    """

    network: Graph
    engine: str
    tolerances: tuple[float, float]
    rows: Sequence[Difference]
    run: Run
    of_file: Sequence[Difference] = ()
    unread: str = ""
    unwritten: str = ""
    rounds: bool = False
    from_exact: tuple[float, float] | None = None

    @property
    def batch(self) -> int:
        """Number of samples."""
        return self.run.batch

    def agrees(self, row: Difference) -> bool:
        """Whether an output differs by at most the accepted difference."""
        return row.relative <= self.accepted(row)

    def accepted(self, row: Difference) -> float:
        """Return the largest accepted relative difference of an output."""
        return self.tolerances[row.type == OF_FILE]

    @property
    def worst(self) -> Difference | None:
        """The output with the largest relative difference, among those that differ by too much if there are any."""
        rows = (*self.rows, *self.of_file)
        return max(rows, key=lambda row: (not self.agrees(row), row.relative), default=None)

    @property
    def apart(self) -> list[Difference]:
        """The outputs that differ by more than the tolerance."""
        return [row for row in (*self.rows, *self.of_file) if not self.agrees(row)]


def against(
    network: Graph,
    x: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    *,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    batch: int = 1,
    seed: int = 0,
    threads: int | None = None,
    fuse: bool = True,
    tolerance: float | None = None,
    max_memory: int | None = None,
    file: str | None = None,
    progress: Callable[[int, int, str], object] | None = None,
) -> EngineDiff:
    """Run a network with our kernels and with ONNX Runtime, and compare every layer's output.

    The outputs of as many layers as memory allows are held at once.

    Args:
        network: the network to run.
        x: the input, as :func:`cnncalc.execution.verify.run` takes it; None for random ones.
        weights: tensors by their names in PyTorch's state_dict; None for those of the network's file, else random ones.
        batch: samples of a random input.
        seed: of what is random.
        threads: how many work; None for one per core.
        fuse: whether our kernels may do several layers in one step.
        tolerance: the largest relative difference that is accepted; None for the usual one.
        max_memory: bytes that the process may take; None for what the machine has free.
        file: the model file that the network was read from, which is run as it is, too.
        progress: called with (layers done, layers in all, the next layer's name).

    Raises:
        CnncalcError: if the engine is not installed or can't run the network, a layer has no counterpart, input or
            weights don't fit, or memory is too small.
    """
    engine = onnxruntime()
    threads = threads or usual_threads()
    inputs = _inputs(network, x, batch, seed)
    if network.model.decided is not None:
        network = chosen(network, lambda part: run(part, inputs, weights=weights, seed=seed, dtype="float32"))
    options: dict[str, Any] = {"weights": weights, "seed": seed, "dtype": "float32", "threads": threads, "fuse": fuse}
    unrounded = plain(network)
    unwritten = ""
    try:
        rows, terms, ours = _compared(unrounded, inputs, options, max_memory, progress)
    except UnwritableError as error:  # the outputs of its own file can be compared
        if file is None:
            raise
        rows, terms, unwritten = [], {}, error.message
        ours = run(unrounded, inputs, max_memory=max_memory, **options)
    usual = QUANTISED if network.model.rounded is not None else HALF if network.model.is_half else TOLERANCE
    tolerances = (TOLERANCE, usual) if tolerance is None else (tolerance, tolerance)
    compared = EngineDiff(unrounded, f"ONNX Runtime {engine.__version__}", tolerances, rows, ours)
    compared = compared._replace(unwritten=unwritten, rounds=usual != TOLERANCE)
    return (
        compared
        if file is None
        else _beside_file(compared, network, EngineModel(file, threads), inputs, options, terms)
    )


def _beside_file(
    compared: EngineDiff,
    network: Graph,
    model: EngineModel,
    inputs: Mapping[str, Array],
    options: Mapping[str, Any],
    terms: Mapping[Tensor, float],
) -> EngineDiff:
    """Compare the outputs of a network's file, too.  Raises CnncalcError if neither they nor the layers can be."""
    rounds = network.model.rounded is not None and options["weights"] is None
    outputs = run(network, inputs, **options).outputs if rounds else compared.run.outputs
    of_file = model.outputs(compared.network, outputs, inputs)
    if isinstance(of_file, str):
        if compared.unwritten:
            raise CnncalcError(compared.unwritten)
        return compared._replace(unread=of_file)
    compared = compared._replace(of_file=_differences(network, outputs, of_file, terms))
    if all(row.relative <= min(TOLERANCE, compared.tolerances[1]) for row in compared.of_file):
        return compared
    wide = {name: array.astype(np.float64) for name, array in inputs.items()}
    exact = run(network, wide, **{**options, "dtype": "float64"}).outputs
    return compared._replace(from_exact=(_farthest(exact, outputs), _farthest(exact, of_file)))


def _inputs(
    network: Graph, x: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None, batch: int, seed: int
) -> dict[str, Array]:
    """Return given inputs, or random ones: for a file in 16 bits, values that it can hold, too."""
    if x is not None:
        return given_inputs(network, x, np.dtype(np.float32)).read()
    inputs = random_inputs(network, batch, seed, np.float32)
    if network.model.is_half:
        inputs = {name: array.astype(np.float16).astype(np.float32) for name, array in inputs.items()}
    return inputs


def _differences(
    network: Graph, outputs: Mapping[str, Array], of_file: Mapping[str, Array], terms: Mapping[Tensor, float]
) -> list[Difference]:
    """Compare our outputs with the file's."""
    sizes = {name: terms.get(tensor, 0.0) for name, tensor in network.outputs.items()}
    return [_difference(name, OF_FILE, outputs[name], array, sizes[name]) for name, array in of_file.items()]


def _farthest(exact: Mapping[str, Array], others: Mapping[str, Array]) -> float:
    """Return the largest relative difference of some outputs from exact ones."""
    return max([_difference(name, OF_FILE, exact[name], array).relative for name, array in others.items()])


def _compared(
    network: Graph,
    inputs: Mapping[str, Array],
    options: Mapping[str, Any],
    max_memory: int | None,
    progress: Callable[[int, int, str], object] | None,
) -> tuple[list[Difference], dict[Tensor, float], Run]:
    """Compare the outputs of as many layers at once as memory allows.

    Return one row per layer, the size of each tensor's terms, and our last run.
    """
    if not network.nodes:
        raise CnncalcError(f"'{network.title}' has no layer to compare")
    batch, names = samples(network, inputs), tensor_names(network)
    threads, weights, seed = options["threads"], options["weights"], options["seed"]
    rows: list[Difference] = []
    terms: dict[Tensor, float] = {}
    magnitudes: dict[Tensor, float] = {tensor: _largest(inputs[name]) for name, tensor in network.inputs.items()}
    for group in _groups(network, batch, threads, max_memory):
        if progress is not None:
            progress(len(rows), len(network.nodes), group[0].name)
        with tempfile.TemporaryDirectory(prefix="cnncalc-") as folder:
            path = os.path.join(folder, "net.onnx")
            stored = one_by_one(network, weights, seed)
            write_whole(path, written(network, None, stored, partial(write_beside, path), group, most=0))
            others = EngineModel(path, threads).run([names[node] for node in group], inputs)
        ours = run(network, inputs, layers=[node.name for node in group], **options)
        for node in group:
            if node.name in ours.tensors:
                array = ours.tensors.pop(node.name)
                terms[node] = _terms(node, terms, magnitudes)
                rows.append(_difference(node.name, node.layer.type, array, others.pop(names[node]), terms[node]))
                magnitudes[node] = rows[-1].magnitude
    return rows, terms, ours


def plain(network: Graph) -> Graph:
    """Return a network in which nothing is rounded to integers."""
    if network.model.rounded is None:
        return network
    made = copy(network)
    made.model = network.model._replace(rounded=None)
    return made


def _groups(network: Graph, batch: int, threads: int, max_memory: int | None) -> Iterator[list[Node]]:
    """Yield groups of layers whose outputs, ours and theirs, fit into memory at once."""
    needed = needs(RunPlan(network, batch), threads)
    require(needed, max_memory, threads)
    free = available(threads) if max_memory is None else max_memory - needed.process
    room = inf if free is None else free + needed.process - needed.total
    group: list[Node] = []
    held = 0
    for node in network.nodes:
        size = 3 * WIDTH * node.elements(batch)  # both outputs and their difference
        if group and held + size > room:
            yield group
            group, held = [], 0
        group.append(node)
        held += size
    yield group


def _terms(node: Node, terms: Mapping[Tensor, float], magnitudes: Mapping[Tensor, float]) -> float:
    """Return the size of the terms of a layer's output: of views and parts, that of what they are parts of."""
    if node.layer.is_view or node.layer.moves_only or node.layer.type in ("concat", "pad"):
        return max([terms.get(tensor, 0.0) for tensor in node.inputs])
    return node.layer.terms([magnitudes.get(tensor, 0.0) for tensor in node.inputs])


def _largest(array: Array) -> float:
    """Return the magnitude of the largest finite element."""
    magnitude = np.abs(array)
    return float(magnitude.max(initial=0, where=np.isfinite(magnitude)))


def _difference(name: str, type: str, ours: Array, others: Array, terms: float = 0.0) -> Difference:
    """Return how two arrays differ; elements that are infinite or NaN in both count as equal."""
    if ours.shape != others.shape:
        raise CnncalcError(f"'{name}' is {ours.shape} here and {others.shape} in ONNX Runtime")
    with np.errstate(all="ignore"):
        apart = np.abs(ours - others)
        if not np.isfinite(apart.max()):
            apart[(ours == others) | (np.isnan(ours) & np.isnan(others))] = 0
            np.nan_to_num(apart, copy=False, nan=inf, posinf=inf)
    units = _units(ours, others) if others.dtype == np.float16 else None
    return Difference(name, type, ours.shape, float(apart.max()), max(_largest(ours), terms), units)


def _units(ours: Array, others: Array) -> Units:
    """Return how far apart two arrays are in float16; its positive numbers are in the order of their bits."""
    with np.errstate(over="ignore"):
        bits = [array.astype(np.float16).view(np.int16).astype(np.int32) for array in (ours, others)]
    one, other = [np.where(each < 0, -(each & 0x7FFF), each) for each in bits]
    apart = np.abs(one - other)
    return Units(int((apart == 0).sum()), apart.size, int(apart.max()))
