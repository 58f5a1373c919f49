"""The properties that runs of any network must have."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import numpy as np

from cnncalc.execution.inputs import random_inputs
from cnncalc.execution.weights import random_weights
from cnncalc.graph import Graph
from cnncalc.language.findings import SpecWarning
from tests.execution.networks import spec as build
from tests.fuzz.rounding import disturbed

CLOSE = 2e-4  # share of the largest element: the error allowed for float32
EXACT = 1e-9  # the same for float64
DISTURBED = 1e-6  # share of a tensor's terms by which it is disturbed: some 16 units in the last place of float32
AMPLIFIED = 100.0  # an error may be so many times the effect of the disturbance; a millionth of that in float64

TINY = float(np.finfo(np.float32).tiny)  # what is smaller has few digits in float32, or none

HUGE = 1e30  # nothing is compared from here on: an empty window of Caffe's gives the lowest number of float32

JUMPS = {"round", "floor", "ceil", "trunc", "quantize", "sign", "compare", "where", "argmax", "topk", "embedding"}
"""Layer types whose output may jump although its input hardly changes."""
STEEP = {"reciprocal", "divide", "log", "exp", "power", "prod", "sqrt"}
"""Layer types that may turn the last digits of float32 into the first ones."""

Arrays = dict[str, Any]


def faults(text: str, seed: int) -> list[str]:
    """Return the faults of the runs of a spec's network, if any."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning of NumPy's is a fault, too
            warnings.simplefilter("ignore", SpecWarning)  # of shapes that look odd, as many here do
            return list(_faults(text, seed))
    except Exception as error:  # any exception is a fault of the run
        return [f"{type(error).__name__}: {error}"]


def _faults(text: str, seed: int) -> Iterator[str]:
    network = build(text)
    random = Random(seed)
    batch = random.choice([1, 1, 2, 3])
    weights: Arrays = random_weights(network, seed)
    x = random_inputs(network, batch, seed, np.float32)
    options: dict[str, Any] = {"weights": weights, "x": x}
    plain = network.run(**options, fuse=False, threads=1, layers=None)
    yield from _verified("plain", plain, network)
    fused = network.run(**options, threads=1, repeat=3)
    yield from _verified("fused", fused, network)
    shared = network.run(**options, threads=2, repeat=2)
    yield from _verified("two threads", shared, network)
    double: Arrays = {
        "weights": {name: array.astype(np.float64) for name, array in weights.items()},
        "x": {name: array.astype(np.float64) for name, array in x.items()},
    }
    exact = network.run(**double, fuse=False, threads=1)
    yield from _verified("float64", exact, network)
    folded = network.run(**double, threads=1, repeat=2)
    yield from _verified("float64, fused", folded, network)
    types = {node.layer.type for node in network.nodes}
    if jumps(network) or not all((np.abs(array) < HUGE).all() for array in plain.tensors.values()):
        return  # if rounding decides on which side of a step an element is, outputs can't be compared
    inputs, matrices = double["x"], double["weights"]
    with np.errstate(all="ignore"):
        there, here = (disturbed(network, matrices, inputs, share) for share in (DISTURBED, 0.0))
    largest = {name: float(np.abs(array).max()) for name, array in exact.outputs.items()}
    sizes = {name: size if size > TINY else 1.0 for name, size in largest.items()}
    moved = distance(there, here, sizes)
    for name, run, wanted, allowed in (
        ("fused", fused, plain, CLOSE),
        ("two threads", shared, plain, CLOSE),
        ("float32", plain, exact, CLOSE),
        ("float64, fused", folded, exact, EXACT),
    ):
        if types & STEEP and allowed == CLOSE:
            continue
        found = distance(run.outputs, wanted.outputs, sizes)
        if found > allowed + AMPLIFIED * moved * (1e-6 if allowed == EXACT else 1):
            yield f"{name}: outputs differ by {found:.1e} of their largest element"


def jumps(network: Graph) -> bool:
    """Return whether an output may jump although an input hardly changes."""
    layers = [node.layer for node in network.nodes]
    return any(
        layer.type in JUMPS
        or getattr(layer, "rounds", False)
        or (layer.type == "grid_sample" and getattr(layer, "mode", "") == "nearest")
        for layer in layers
    )


def _verified(name: str, run: Any, network: Any) -> Iterator[str]:
    """Yield the layers that a run found to differ from inference, and sums that differ from the summary's."""
    for row in run.mismatches[:3]:
        yield f"{name}: '{row.node.name}' is {row.actual}, inferred {row.node.shape}: {row.fault}"
    if run.unstable:
        yield f"{name}: a repeated pass gives other bytes in '{run.unstable}'"
    products = sum(row.tally.direct for row in run.layers if row.tally)
    macs = network.summary(batch=run.batch).totals.macs
    if run.ok and products != macs:
        yield f"{name}: {products} products were summed, {macs} are inferred"
    for key, tensor in network.outputs.items():
        if run.ok and run.outputs[key].shape != (tensor.copies(run.batch), *tensor.shape):
            yield f"{name}: output '{key}' is {run.outputs[key].shape}"


def distance(some: Arrays, others: Arrays, sizes: Mapping[str, float]) -> float:
    """Return the largest difference of outputs, each relative to its size: that of its largest element in float64."""
    apart = [float(np.abs(array - others[name].astype(np.float64)).max()) / sizes[name] for name, array in some.items()]
    return max(apart, default=0.0)
