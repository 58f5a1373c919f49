"""Inputs of a run: random tensors, or given arrays."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cnncalc.execution.arrays.read import Stored, StoredArray, array_like, sizes
from cnncalc.graph import Graph, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean
from cnncalc.layers.interfaces import Array, DType
from cnncalc.layers.other.affine import Affine
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    import numpy.typing as npt

NEXT_TO_INFINITY = 1e36
"""A factor above which its product with 255, the largest random integer, is infinite in float32."""

FLOATS: dict[str, DType] = {"float32": np.dtype(np.float32), "float64": np.dtype(np.float64)}


def random_inputs(network: Graph, batch: int, seed: int, dtype: npt.DTypeLike) -> dict[str, Array]:
    """Return seeded tensors (batch, *shape), or one for all samples, by input name: standard normal, or valid indices.

    An only input gets the same numbers whatever it is called, so that a model file and its spec can be compared.
    """
    made, bounds = {}, index_bounds(network)
    for name, tensor in network.inputs.items():
        key = name if len(network.inputs) > 1 else "input"
        stream = np.random.default_rng([seed, zlib.crc32(key.encode())])
        shape, below = (tensor.copies(batch), *tensor.shape), bounds.get(tensor, tensor.below)
        if below is None:
            made[name] = stream.standard_normal(shape, np.float32).astype(dtype, copy=False)
        else:
            made[name] = stream.integers(0, below, shape).astype(dtype)
    return made


def samples(network: Graph, arrays: Mapping[str, Stored]) -> int:
    """Return the number of samples of arrays (N, *shape): that of the first input that has a batch, else 1."""
    return next((arrays[name].shape[0] for name, tensor in network.inputs.items() if tensor.times), 1)


def index_bounds(network: Graph) -> dict[Tensor, int]:
    """Return, by input that layers use as indices, the bound that its elements must be below."""
    found: dict[Tensor, int] = {}
    for node in reversed(network.nodes):
        limits = node.layer.below(node.use.inputs)
        is_kept = node.layer.moves_only or node.layer.kind == "merge" or node.layer.type in ("affine", "trunc")
        if node in found and is_kept:
            limits = tuple([found[node] if limit is None else limit for limit in limits])
        elif isinstance(node.layer, Affine) and abs(node.layer.mul) > NEXT_TO_INFINITY:
            limits = (2,)  # 0 and 1 of a mask: what is above would become infinite
        for tensor, limit in zip(node.inputs, limits, strict=True):
            if limit is not None:
                found[tensor] = min(limit, found.get(tensor, limit))
    return found


class GivenArrays(NamedTuple):
    """Arrays that fit a network's inputs by shape and type; their data has not been read yet.

    Attributes:
        arrays: arrays or stored arrays, by input name.
        batch: number of samples.
        dtype: the floating-point type of the run.
        shapes: each input's, without the batch axis.
        bounds: of inputs that a layer reads as indices, how many there are to choose from.
    """

    arrays: dict[str, Stored]
    batch: int
    dtype: DType
    shapes: dict[str, Shape]
    bounds: Mapping[str, int] = {}

    @property
    def size(self) -> int:
        """The additional bytes that reading and converting takes."""
        total = 0
        for array in self.arrays.values():
            elements = prod(array.shape)
            stored = isinstance(array, StoredArray)
            copied = array.dtype != self.dtype
            held = array.size + array.reading if isinstance(array, StoredArray) else 0
            total += held + elements * self.dtype.itemsize * copied + elements * (stored or copied)
        return total

    def read(self) -> dict[str, Array]:
        """Return the arrays (batch, *shape) in the run's type.

        Raises:
            CnncalcError: for an element that does not fit, or data that can't be read.
        """
        return {name: self._read(name, array).reshape(-1, *self.shapes[name]) for name, array in self.arrays.items()}

    def _read(self, name: str, array: Stored) -> Array:
        data = _exactly(name, np.asarray(array), self.dtype)
        if not np.isfinite(data).all():
            whole = data.reshape(-1, *self.shapes[name])
            place = ", ".join(str(index) for index in np.argwhere(~np.isfinite(whole))[0])
            raise CnncalcError(f"input '{name}' has NaN or infinite elements, the first at [{place}]")
        if name in self.bounds:
            _refuse_indices(name, data, self.bounds[name])
        return data


def given_inputs(
    network: Graph, x: npt.ArrayLike | Mapping[str, npt.ArrayLike], dtype: DType | None = None
) -> GivenArrays:
    """Return given arrays by input name, checked by shape and type.

    Integers become floating-point without scaling: a picture's 0 … 255 stay 0 … 255.

    Args:
        network: the network that takes them.
        x: an array, or a mapping from names to arrays if there are several inputs.
        dtype: the type that floating-point arrays must have and integers are converted to; None: the arrays' own, and
            float32 for integers.

    Raises:
        CnncalcError: for a name, shape or type that does not fit.
    """
    arrays = dict(x) if isinstance(x, Mapping) else {next(iter(network.inputs)): x}
    if not isinstance(x, Mapping) and len(network.inputs) > 1:
        raise CnncalcError(
            f"'{network.title}' has {len(network.inputs)} inputs, but one array is given",
            f"give a mapping, or an .npz, with {', '.join(network.inputs)}",
        )
    for name in arrays:
        if name not in network.inputs:
            raise CnncalcError(
                f"'{network.title}' has no input '{name}'", did_you_mean(str(name), tuple(network.inputs), "inputs")
            )
    found, types = {}, []
    for name, tensor in network.inputs.items():
        if name not in arrays:
            raise CnncalcError(
                f"input '{name}' {sizes(tensor.shape)} is missing", "without any array, all inputs are random"
            )
        found[name] = array_like(arrays[name], f"input '{name}'")
        if isinstance(arrays[name], (list, tuple)) and found[name].dtype == np.float64:  # Python's own numbers
            found[name] = np.asarray(found[name], dtype or np.float32)
        types.append(_type_of(name, found[name], tensor.shape, dtype))
    shapes = {name: tensor.shape for name, tensor in network.inputs.items()}
    batches = {name: 1 if array.shape == shapes[name] else array.shape[0] for name, array in found.items()}
    batch = next((batches[name] for name, tensor in network.inputs.items() if tensor.times), 1)
    if any(batches[name] != tensor.copies(batch) for name, tensor in network.inputs.items()):
        listed = ", ".join(f"'{name}' has {count}" for name, count in batches.items())
        raise CnncalcError(f"inputs differ in their number of samples: {listed}")
    common = max(types, key=lambda found: found.itemsize)
    return GivenArrays(found, batch, common, shapes, _bounds_of_indices(network))


def _bounds_of_indices(network: Graph) -> dict[str, int]:
    """Return, by input that layers read as indices, the smallest number from which they choose."""
    names = {tensor: name for name, tensor in network.inputs.items()}
    found: dict[str, int] = {}
    for node in network.nodes:
        for tensor, limit in zip(node.inputs, node.layer.below(node.use.inputs), strict=True):
            if limit is not None and tensor in names:
                found[names[tensor]] = min(limit, found.get(names[tensor], limit))
    return found


def _refuse_indices(name: str, data: Array, bound: int) -> None:
    """Raise CnncalcError if an array has an index that is too large; −1 may be the last one."""
    for worst in (float(data.max()), float(data.min())):
        if not -bound <= worst < bound:
            raise CnncalcError(
                f"input '{name}' has the element {worst:g}, but a layer reads it as an index from 0 to {bound - 1}"
            )


def _type_of(name: str, array: Stored, shape: Shape, dtype: DType | None) -> DType:
    """Return the floating-point type in which an array runs, after checking its shape and type."""
    held: np.dtype[np.generic] = array.dtype.newbyteorder("=")
    if held.kind not in "fiub" or held.itemsize > 8:
        what = {"U": "text", "S": "bytes", "O": "objects"}.get(held.kind, held)
        raise CnncalcError(f"input '{name}' is {what}, expected float32, float64 or integers")
    if dtype is not None and held in FLOATS.values() and held != dtype:
        raise CnncalcError(
            f"input '{name}' is {held}, but {dtype} was asked for",
            f"dtype = {held} runs the network in it; or convert the array: x.astype('{dtype}')",
        )
    is_number_each = shape == (1,) and len(array.shape) == 1
    if array.shape != shape and not ((array.shape[1:] == shape or is_number_each) and array.shape[0]):
        raise CnncalcError(
            f"input '{name}' is {sizes(array.shape)}, expected {sizes(('N', *shape))}",
            "the batch axis comes first, then the channels"
            + ("; here the channels come last" if array.shape[1:] == (*shape[1:], shape[0]) else ""),
        )
    return FLOATS.get(held.name) or dtype or FLOATS["float32"]


def _exactly(name: str, data: Array, dtype: DType) -> Array:
    """Return an array in a floating-point type; refuse integers that the type can't hold exactly."""
    limit = 2 ** (np.finfo(dtype).nmant + 1)  # up to here every integer has its own float
    if data.dtype.kind in "iu" and (int(data.max()) > limit or int(data.min()) < -limit):
        raise CnncalcError(
            f"input '{name}' has integers beyond {limit:,}, which {dtype} can't all hold",
            "dtype = float64 holds more" if dtype == np.float32 else None,
        )
    return data.astype(dtype, copy=False)
