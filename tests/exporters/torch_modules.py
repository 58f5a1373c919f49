"""Exported PyTorch sources in PyTorch: their outputs, and the keys and shapes of their state_dict, against our own.

Import it only if PyTorch is installed.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import torch

from cnncalc.execution.weights import expected, random_weights
from cnncalc.exporters.torch.module import torch_source
from cnncalc.graph import Graph
from cnncalc.network import Network
from tests.exporters.models import decisive

BESIDE = "num_batches_tracked"
"""The one buffer that PyTorch's batch norms have, and 'cnncalc weights' does not list."""


def module_of(source: str) -> torch.nn.Module:
    """Return an instance of the last class of a source, in evaluation."""
    room = types.ModuleType("net")
    exec(compile(source, "net.py", "exec"), room.__dict__)
    classes = [value for value in vars(room).values() if isinstance(value, type) and value.__module__ == "net"]
    made: torch.nn.Module = classes[-1]()
    return made.eval()


def keys(network: Graph) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes that 'cnncalc weights' lists."""
    return {item.name: tuple(item.shape) for item in expected(network)}


def state_of(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the keys and shapes of a module's state_dict, but for the counters of batch norms."""
    return {name: tuple(value.shape) for name, value in module.state_dict().items() if not name.endswith(BESIDE)}


def compared(network: Network, seed: int = 0, batch: int = 1, item: str = "") -> float:
    """Return the largest difference of the outputs, relative to the largest of them; raises where keys differ.

    Args:
        network: the network.
        seed: of weights and inputs.
        batch: number of samples.
        item: the network's only item, for which inputs may have to be :func:`decisive`.
    """
    module = module_of(torch_source(network))
    if state_of(module) != keys(network):
        raise ValueError(f"keys or shapes differ: {sorted(state_of(module).items() ^ keys(network).items())[:4]}")
    owners = [
        node.use for node in network.nodes if node.shares is None
    ]  # a model file may store a tensor with fewer digits
    params, buffers = sum([use.params for use in owners]), sum([use.buffers for use in owners])
    if sum([value.numel() for value in module.parameters()]) != params:
        raise ValueError("the module has other params")
    if sum([value.numel() for name, value in module.named_buffers() if not name.endswith(BESIDE)]) != buffers:
        raise ValueError("the module has other buffers")
    weights = random_weights(network, seed)
    state = {item.name: item.in_state(weights[item.name]) for item in expected(network)}
    module.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in state.items()})
    draw = np.random.default_rng(seed)
    inputs = {
        name: draw.standard_normal((tensor.copies(batch), *tensor.shape)).astype(np.float32)
        for name, tensor in network.inputs.items()
    }
    inputs = decisive(item, inputs)
    found = network.prepare(weights=state)(inputs if len(inputs) > 1 else next(iter(inputs.values())))
    ours = list(found.values()) if isinstance(found, dict) else [found]
    with torch.inference_mode():
        theirs = module(*[torch.from_numpy(value) for value in inputs.values()])
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    return max([difference(np.asarray(one), other.numpy()) for one, other in zip(ours, theirs, strict=True)])


def difference(ours: Any, theirs: Any) -> float:
    """Return the largest difference, relative to the largest magnitude."""
    if ours.shape != theirs.shape:
        raise ValueError(f"the output is {theirs.shape}, not {ours.shape}")
    finite = np.isfinite(ours)
    if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True):
        raise ValueError("the outputs are not finite in the same places")
    size = float(np.abs(ours[finite]).max(initial=0.0)) or 1.0
    return float(np.abs(ours[finite] - theirs[finite]).max(initial=0.0)) / size
