"""ONNX Runtime: a model file run there, unchanged or written from a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from math import prod
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution import signals_wait
from cnncalc.execution.arrays.read import first_line
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_UNREAD_ELEMENTS

if TYPE_CHECKING:
    from cnncalc.graph import Graph
    from cnncalc.layers.ops import Array

KINDS: Mapping[str, type[np.generic] | np.dtype[np.generic]] = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(bool)": np.bool_,
    **{f"tensor({name})": np.dtype(name) for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64")},
}  # fmt: skip
"""Element types of a model file's inputs for which our inputs can be used if they hold exactly our elements."""


def onnxruntime() -> ModuleType:
    """Import ONNX Runtime.  Raises CnncalcError if it is not installed."""
    try:
        with signals_wait():
            return import_module("onnxruntime")
    except ImportError:
        raise CnncalcError("ONNX Runtime is not installed", "pip install 'cnncalc[onnxruntime]'") from None


class EngineModel:
    """A model in ONNX Runtime."""

    def __init__(self, path: str, threads: int) -> None:
        """Read a model.  Raises CnncalcError if ONNX Runtime can't."""
        engine = onnxruntime()
        options = engine.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 4, threads  # errors are ours to report
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # memory is freed when the session ends
        options.add_session_config_entry("session.disable_prepacking", "1")  # weights are in memory once
        try:
            self._session = engine.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exception classes are not public
            raise CnncalcError(f"ONNX Runtime can't read the model: {first_line(error)}") from None

    def run(self, wanted: Iterable[str], feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Return some of its tensors by name.  Raises CnncalcError if it can't be run."""
        names = list(wanted)
        try:
            return dict(zip(names, self._session.run(names, dict(feeds)), strict=True))
        except Exception as error:  # as above
            raise CnncalcError(f"ONNX Runtime can't run the model: {first_line(error)}") from None

    def outputs(self, network: Graph, ours: Mapping[str, Array], inputs: Mapping[str, Array]) -> dict[str, Array] | str:
        """Run a network's file, whichever axis of its inputs is the batch; return its outputs in the layout of ours, or
        the reason why it can't be run.
        """
        if network.model.undecided:
            return f"{network.model.undecided[0].words} chooses its branch when it runs, and may take the other one"
        feeds = {}
        for port in self._session.get_inputs():
            kind, number = KINDS.get(port.type), network.model.numbers.get(port.name)
            fitting: Array | None = None if number is None else np.array(number)
            sizes = [size if isinstance(size, int) else 1 for size in port.shape]
            if port.name in network.model.unread and prod(sizes) <= MAX_UNREAD_ELEMENTS:
                fitting = np.zeros(sizes)
            if port.name in inputs:
                fitting = _laid_out(inputs[port.name], port.shape, network.model.axes.get(port.name))
            if fitting is None or kind is None or not np.array_equal(fitting.astype(kind), fitting):
                return f"its input '{port.name}' is {port.type} {port.shape}{_batch(port.shape, inputs.get(port.name))}"
            feeds[port.name] = fitting.astype(kind)
        try:
            made = self.run(ours, feeds)
        except CnncalcError as error:  # the file may not take as many samples as we do
            return error.message
        found = {}
        for name, array in ours.items():
            theirs = _batch_first(np.asarray(made[name]), array, network.model.axes.get(name))
            if theirs is None:
                return f"its output '{name}' has another layout"
            found[name] = theirs
        return found


def _batch_first(made: Array, like: Array, axis: int | None) -> Array | None:
    """Return an array of the file with the batch first like ours, as float unless in float16; None if it has none.

    ``axis`` is where the batch is; None if that is not known.
    """
    if made.dtype.kind not in "fiub":
        return None
    placed = [np.moveaxis(made, at, 0) for at in _places(axis, made.ndim)] or [made]
    found = next((one for one in placed if one.shape == like.shape), None)
    if found is None and made.size == like.size and (like.shape[0] == 1 or like.shape[1:] == (1,)):
        found = made.reshape(like.shape)  # without a batch, or one number for each sample
    if found is None:
        return None
    return found if found.dtype == np.float16 else found.astype(like.dtype)


def _batch(sizes: Sequence[int | str | None], x: Array | None) -> str:
    """Return which batch a file's shape asks for, if nothing else keeps an array (N, …) from it."""
    counts = [size for size in sizes if isinstance(size, int)]
    fitting = (
        one
        for one in counts
        if x is not None and _laid_out(np.broadcast_to(x[:1], (one, *x.shape[1:])), sizes) is not None
    )
    batch = next(fitting, None)
    return "" if batch is None else f", for a batch of {batch}"


def _laid_out(x: Array, sizes: Sequence[int | str | None], axis: int | None = None) -> Array | None:
    """Return an array (N, …) with the batch moved to its place in a file's shape; None if they don't fit.

    ``axis`` is the place; None if it is not known.
    """
    if len(x) == 1 and len(sizes) == x.ndim - 1:  # the file has no batch
        return np.ascontiguousarray(x[0])
    if len(sizes) == 1 and x.shape[1:] == (1,):  # one number per sample
        return np.ascontiguousarray(x[:, 0])
    for at in _places(axis, x.ndim):
        moved: Array = np.moveaxis(x, 0, at)
        if len(sizes) == x.ndim and all(
            not isinstance(size, int) or size == own for size, own in zip(sizes, moved.shape, strict=True)
        ):
            return np.ascontiguousarray(moved)
    return None


def _places(axis: int | None, rank: int) -> Sequence[int]:
    """Return the axes at which the batch may be; its own one first."""
    return sorted(range(rank), key=lambda at: at != axis)
