"""The weights of a network: their names, random values, and values from a file."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.random import SFC64

from cnncalc.execution.arrays.read import Header, array_like, sizes
from cnncalc.execution.arrays.write import write_one_by_one
from cnncalc.execution.initial_scale import NEAR_ZERO, SPREAD, mean_squares
from cnncalc.execution.kernels.threads import Span, Workers, cut
from cnncalc.execution.machine import available
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.errors import CnncalcError, clipped
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.numbers import bytes_text, counted
from cnncalc.ground.terminal_safe import printable
from cnncalc.layers.base import Weight
from cnncalc.layers.interfaces import Array
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    import numpy.typing as npt

ALWAYS_FREE = 1 << 27  # bytes up to which the machine's memory is not checked
CHUNK = 1 << 20  # elements per random stream, so that the bytes do not depend on the number of threads


Held = TypeVar("Held")
Element = TypeVar("Element", bound=np.generic)


class Expected(NamedTuple):
    """A tensor that the network owns, by its key in PyTorch's state_dict."""

    name: str
    node: Node
    tensor: str
    weight: Weight

    @property
    def shape(self) -> Shape:
        """Its shape in the state_dict."""
        return self.node.state_shape(self.tensor, self.weight)

    def in_state(self, array: npt.NDArray[Element]) -> npt.NDArray[Element]:
        """Return the tensor as the state_dict has it."""
        return self.turned(array).reshape(self.shape)

    def turned(self, array: npt.NDArray[Element]) -> npt.NDArray[Element]:
        """Return the tensor, or the state_dict's, transposed if one is the other transposed."""
        form = self.node.forms.get(self.tensor)
        return array.transpose() if form is not None and form.is_transposed else array


class WeightsError(CnncalcError):
    """Weights that do not fit the network; each fault is on a line of its own."""

    def __init__(self, title: str, faults: Sequence[str]) -> None:
        count = "a tensor is" if len(faults) == 1 else f"{len(faults):,} tensors are"
        hint = "'cnncalc weights SPEC' lists the expected names and shapes"
        super().__init__(f"the weights don't fit '{title}': {count} wrong", hint)
        more = len(faults) - MAX_FAULTS
        self.faults = [*faults[:MAX_FAULTS], f"… and {counted(more, 'more tensor')}"] if more > 0 else faults

    def text(self) -> str:
        """Return the whole message."""
        return "\n  ".join([printable(clipped(line)) for line in (self.message, *self.faults, f"hint: {self.hint}")])


def expected(network: Graph) -> Iterator[Expected]:
    """Yield the network's tensors in the order of its layers; shared ones once, with the layer that owns them."""
    for node in network.nodes:
        if node.shares is None:
            for tensor, weight in node.use.weights.items():
                yield Expected(node.key(tensor), node, tensor, weight)


def node_weights(node: Node, weights: Mapping[str, Held]) -> dict[str, Held]:
    """Return the tensors that one node's `forward` takes."""
    owner = node.shares or node
    return {tensor: weights[owner.key(tensor)] for tensor in node.use.weights}


def usual_weights(
    network: Graph, weights: Mapping[str, npt.ArrayLike] | None, seed: int, dtype: npt.DTypeLike, threads: int = 1
) -> dict[str, Array]:
    """Return the given tensors, or those of the network's model file, or random ones.

    Raises:
        CnncalcError: if they don't fit.
    """
    if weights is not None:
        return checked(network, weights, dtype)
    if network.model.tensors is None:
        return random_weights(network, seed, dtype, threads)
    return {name: _arranged(array, dtype) for name, array in one_by_one(network, None, seed, dtype)}


def random_weights(
    network: Graph, seed: int = 0, dtype: npt.DTypeLike = np.float32, threads: int = 1
) -> dict[str, Array]:
    """Return seeded random tensors that keep activations near 1 in every layer.

    Matrices are scaled by the inverse root of their fan-in and of the expected mean square of their input; running
    statistics, scales and biases are drawn too, since defaults would hide mistakes.  The same seed gives
    the same bytes, whatever the number of threads.
    """
    _refuse_unless_free(sum([prod(item.weight.shape) for item in expected(network)]) * np.dtype(dtype).itemsize)
    squares = mean_squares(network)
    made: dict[str, Array] = {}
    jobs: list[tuple[Array, int, float, float]] = []
    for item in expected(network):
        array = _allocated(item.weight.shape, dtype)
        made[item.name] = array
        center, radius = _range(item, squares[(*item.node.inputs, item.node)[0]])
        jobs.append((_flat(array), zlib.crc32(item.name.encode()), center, radius))
    pieces = [(job, block) for job in jobs for block in _chunks(len(job[0]))]
    workers = Workers(threads)

    def fill(start: int, stop: int) -> None:
        for (flat, key, center, radius), block in pieces[start:stop]:
            _fill(flat[slice(*block)], (seed, key, block[0]), center, radius)

    workers.run(fill, cut(len(pieces), max(1, len(pieces) // (4 * threads))))
    workers.close()
    return made


def write_weights(network: Graph, path: str, seed: int = 0, dtype: npt.DTypeLike = np.float32) -> None:
    """Write the tensors of the network's own file, else random ones, to an .npz or .safetensors, one at a time.

    Raises:
        CnncalcError: if they don't fit, or the file can't be written.
    """
    wanted = list(expected(network))
    headers = {item.name: Header(item.shape, np.dtype(dtype)) for item in wanted}
    arrays = zip(wanted, one_by_one(network, None, seed, dtype), strict=True)
    write_one_by_one(path, headers, (item.in_state(array) for item, (_, array) in arrays))


def one_by_one(
    network: Graph, weights: Mapping[str, npt.ArrayLike] | None, seed: int, dtype: npt.DTypeLike = np.float32
) -> Iterator[tuple[str, Array]]:
    """Return each tensor of :func:`usual_weights` when it is asked for, so that one is held at a time.

    Raises:
        CnncalcError: if they don't fit; for elements that are not finite, only when accessed.
    """
    wanted = list(expected(network))
    if weights is None and network.model.tensors is None:
        return _drawn(wanted, mean_squares(network), seed, dtype)
    if weights is None:
        assert network.model.tensors is not None
        given: Mapping[str, npt.ArrayLike] = network.model.tensors()  # a file has the expected shapes
        faults = [f"missing: {item.name} {sizes(item.weight.shape)}" for item in wanted if item.name not in given]
    else:
        given = weights
        faults = [fault for item in wanted if (fault := _fault(item, given))]
        faults += _left_over(given, {item.name for item in wanted})
    _refuse(network, faults)
    return ((item.name, _fitting(network, item, given[item.name], dtype, weights is None)) for item in wanted)


def _drawn(
    wanted: Sequence[Expected], squares: Mapping[Tensor, float], seed: int, dtype: npt.DTypeLike
) -> Iterator[tuple[str, Array]]:
    width = np.dtype(dtype).itemsize
    for item in wanted:
        _refuse_unless_free(2 * width * prod(item.weight.shape))  # its bytes are in memory twice while they are written
        array = _allocated(item.weight.shape, dtype)
        flat, key = _flat(array), zlib.crc32(item.name.encode())
        center, radius = _range(item, squares[(*item.node.inputs, item.node)[0]])
        for block in _chunks(len(flat)):
            _fill(flat[slice(*block)], (seed, key, block[0]), center, radius)
        yield item.name, array


def _fitting(network: Graph, item: Expected, array: npt.ArrayLike, dtype: npt.DTypeLike, is_own: bool) -> Array:
    """Return a tensor, perhaps of the network's own file, in a type.  Raises CnncalcError if its elements don't fit."""
    data: Array = np.asarray(array_like(array))
    data = data if is_own else item.turned(data)
    if not _fits(data, item.weight, is_own):
        _refuse(network, [_not_finite(item.name)])
    return np.asarray(data, dtype).reshape(item.weight.shape)


def _fits(data: Array, weight: Weight, is_own: bool = False) -> bool:
    """Whether a tensor has neither NaN nor +∞; −∞ is what masks have.

    A model file's own tensor may have +∞, too, and NaN if it is not learned but fills what a mask leaves out.
    """
    if is_own:
        return not weight.trainable or not np.isnan(data).any()
    return bool(np.less(data, np.inf).all())


def checked(network: Graph, weights: Mapping[str, npt.ArrayLike], dtype: npt.DTypeLike) -> dict[str, Array]:
    """Return given tensors in the run's dtype, in the order of the layers.

    Raises:
        CnncalcError: lists every missing, left-over, misshapen and non-numeric tensor.
    """
    faults: list[str] = []
    taken: dict[str, Array] = {}
    wanted = {item.name: item for item in expected(network)}
    for name, item in wanted.items():
        fault = _fault(item, weights)
        if fault:
            faults.append(fault)
            continue
        data: Array = np.asarray(array_like(weights[name]))
        if not _fits(data, item.weight):
            faults.append(_not_finite(name))
        else:
            taken[name] = _arranged(item.turned(data).reshape(item.weight.shape), dtype)
    left = _left_over(weights, wanted)
    first = max(MAX_FAULTS - len(left), MAX_FAULTS // 2)  # of other names, some of both sides are shown
    _refuse(network, [*faults[:first], *left, *faults[first:]])
    return taken


def _fault(item: Expected, weights: Mapping[str, npt.ArrayLike]) -> str:
    """Return the fault of a tensor, apart from its elements; "" if there is none."""
    name, shape = item.name, item.shape
    if name not in weights:
        return f"missing: {name} {sizes(shape)}"
    array = array_like(weights[name], f"'{name}'")
    if array.dtype.kind != "f":
        return f"not floating-point: {name} is {array.dtype}"
    if _inner(array.shape) != _inner(shape):
        return f"misshapen: {name} is {sizes(array.shape)}, expected {sizes(shape)}"
    return ""


def _inner(shape: Shape) -> Shape:
    """Return a shape without 1s at its ends: a module may hold a scale as (C, 1, 1), a token with the batch's axis."""
    long = [axis for axis, size in enumerate(shape) if size != 1]
    return shape[long[0] : long[-1] + 1] if long else ()


def _not_finite(name: str) -> str:
    return f"not finite: {name} has NaN or infinite elements"


def _left_over(weights: Iterable[str], wanted: Collection[str]) -> list[str]:
    return [f"left over: {name}" for name in weights if name not in wanted and not _ignored(str(name))]


def _refuse(network: Graph, faults: list[str]) -> None:
    if faults:
        raise WeightsError(network.title, faults)


def _ignored(name: str) -> bool:
    """Whether a tensor is one that PyTorch saves with batchnorm's statistics but no forward pass reads."""
    return name.endswith(".num_batches_tracked")


def _order(rank: int) -> tuple[int, ...]:
    """Return the axes of a convolution's weight in the order in which kernels read it: (*kernel, in, out)."""
    return (*range(2, rank), 1, 0)


def _refuse_unless_free(size: int) -> None:
    """Raise CnncalcError if tensors take more bytes than the machine has free."""
    free = available() if size > ALWAYS_FREE else None
    if free is not None and size > free:
        raise CnncalcError(
            f"the weights need {bytes_text(size)}, more than the {bytes_text(free)} that the machine has free"
        )


def _allocated(shape: Shape, dtype: npt.DTypeLike) -> Array:
    """Return an empty tensor; a convolution's has the memory order of `_order`, so that packing copies nothing."""
    if len(shape) < 3:
        return np.empty(shape, dtype)
    rank = len(shape)
    memory = np.empty([shape[axis] for axis in _order(rank)], dtype)
    return memory.transpose(rank - 1, rank - 2, *range(rank - 2))


def _arranged(array: npt.NDArray[np.generic], dtype: npt.DTypeLike) -> Array:
    """Return a tensor in the run's dtype and the memory order of `_allocated`."""
    if array.ndim < 3:
        return np.ascontiguousarray(array, dtype)
    arranged = _allocated(array.shape, dtype)
    arranged[...] = array
    return arranged


def _flat(array: Array) -> Array:
    """Return a tensor's elements in the order of its memory, as a view."""
    return array.transpose(_order(array.ndim)).reshape(-1) if array.ndim > 2 else array.reshape(-1)


def _range(item: Expected, square: float) -> tuple[float, float]:
    """Return the center and the radius of the uniform distribution that a tensor is drawn from."""
    if item.tensor == "running_var":
        return square, SPREAD * square
    if item.tensor == "running_mean":
        return 0.0, NEAR_ZERO * float(square**0.5)
    if item.tensor == "bias":
        return 0.0, NEAR_ZERO
    if item.node.layer.kind not in ("conv", "fc"):
        return (SPREAD, SPREAD) if item.node.layer.kind == "activation" else (1.0, SPREAD)
    uses = item.node.use
    taps = uses.macs / max(prod(uses.output), 1)  # the fan-in: products summed for one output element
    return 0.0, float((3 / (max(taps, 1) * square)) ** 0.5)


def _chunks(total: int) -> list[Span]:
    return [(start, min(start + CHUNK, total)) for start in range(0, total, CHUNK)]


def _fill(part: Array, key: tuple[int, ...], center: float, radius: float) -> None:
    """Fill with uniform values of 16 random bits each, which are fine enough for any run, and cheap."""
    bits: npt.NDArray[np.uint64] = SFC64(key).random_raw(-(-len(part) // 4))  # half the cost of a Generator if small
    values = bits.view(np.int16)[: len(part)]
    np.multiply(values, part.dtype.type(radius / (1 << 15)), out=part, casting="unsafe")
    if center:
        part += part.dtype.type(center)
