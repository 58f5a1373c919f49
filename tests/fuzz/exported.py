"""Random networks as ONNX models: another engine must give our output for every layer."""

from __future__ import annotations

import warnings
from math import isfinite

import numpy as np

from cnncalc import Network, loads
from cnncalc.execution.inputs import random_inputs
from cnncalc.execution.weights import random_weights
from cnncalc.ground.errors import CnncalcError
from cnncalc.language.findings import SpecWarning
from cnncalc.studies.against import against
from tests.fuzz import networks
from tests.fuzz.rounding import disturbed
from tests.fuzz.running import AMPLIFIED, DISTURBED, STEEP, jumps

MOST = 20_000_000  # elements of all tensors
CLOSE = 1e-3  # share of a magnitude that rounding may explain in any layer
LEAST = 0.01  # of a magnitude: the mean of a normalised map is 0 but for rounding


def spec(seed: int) -> str:
    """Return the text of a random network; the same seed gives the same text."""
    return networks.spec(seed)


def faults(text: str, seed: int) -> list[str]:
    """Return the layers in which two engines differ, or why they can't be compared; only finite elements count."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", SpecWarning)
        return _faults(loads(text), seed)


def _faults(network: Network, seed: int) -> list[str]:
    if sum(node.elements() + node.params for node in network.nodes) > MOST:
        return []
    try:
        compared = against(network, batch=2, seed=seed, threads=1)
    except CnncalcError as error:
        return [] if "can't be expressed in ONNX" in str(error) else [str(error)]
    types = {node.layer.type for node in network.nodes}
    if jumps(network) or types & STEEP or any(not isfinite(row.difference) for row in compared.rows):
        return []
    weights = {name: array.astype(np.float64) for name, array in random_weights(network, seed).items()}
    inputs = {name: array.astype(np.float64) for name, array in random_inputs(network, 2, seed, np.float32).items()}
    with np.errstate(all="ignore"):
        there, here = (disturbed(network, weights, inputs, share, every=True) for share in (DISTURBED, 0.0))
    moved = {name: float(np.abs(there[name] - array).max()) for name, array in here.items()}
    return [
        f"'{row.name}', of type {row.type}, differs by {row.relative:.2g} of its magnitude"
        for row in compared.rows
        if row.difference > CLOSE * max(row.magnitude, LEAST) + AMPLIFIED * moved.get(row.name, 0.0)
    ]
