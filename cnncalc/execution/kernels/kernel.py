"""The contract of kernels: one algorithm for known shapes, bound once to memory and run any number of times.

A kernel never computes; it returns the NumPy calls that compute. The calls run once on fresh arrays, or, in a session,
repeatedly on the same memory. A kernel can therefore be bound before its input arrays exist.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar, cast

import numpy as np

from cnncalc.execution.kernels.rows import RowOperation
from cnncalc.layers.interfaces import Array, DType

if TYPE_CHECKING:
    import numpy.typing as npt

Bytes: TypeAlias = "npt.NDArray[np.uint8]"
Call: TypeAlias = tuple[Callable[..., object], tuple[object, ...]]
Clip: TypeAlias = tuple[float, float]
Span: TypeAlias = tuple[int, int]
Shape: TypeAlias = tuple[int, ...]
Form = TypeVar("Form")
Part = TypeVar("Part")


def run_all(calls: Sequence[Call]) -> None:
    """Run calls one after the other."""
    for function, args in calls:
        function(*args)


class Before(NamedTuple):
    """Operations on a contraction's input: each with a vector (C,), in order, then perhaps a clip."""

    operations: tuple[RowOperation, ...] = ()
    clip: Clip | None = None

    def __call__(self, calls: Calls, rows: Array, out: Array) -> None:
        """Add the calls that apply it to rows (n, C) and write to `out`, which may be the rows themselves."""
        for operation in self.operations:
            operation(rows, out, calls.do)
            rows = out
        if self.clip is not None:
            calls.do(rows.clip, *self.clip, out)


class Then(NamedTuple):
    """Operations on a contraction's output while its block is in the cache: add a tensor, then an activation."""

    residual: Array | None = None
    clip: Clip | None = None
    activation: Callable[[Array], Array] | None = None


NOTHING_BEFORE = Before()
NOTHING_THEN = Then()


class Tally(NamedTuple):
    """Multiply-accumulates of one node.

    Attributes:
        performed: products that really entered a sum, from the sizes of the arrays.
        direct: products of the plain algorithm; differs from `performed` only if `method` is given.
        method: the algorithm with fewer products, or "".
    """

    performed: int = 0
    direct: int = 0
    method: str = ""


class HeldWeight:
    """A weight, and the packed forms of it that kernels hold. Once packed, an owned weight's plain form is freed."""

    def __init__(self, array: Array, owned: bool = False) -> None:
        """Take a weight; `owned` if nothing else needs it."""
        self.shape: Shape = array.shape
        self.plain: Array | None = array
        self.owned = owned
        self.forms: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return self.shape[0]

    def form(self, name: Hashable, pack: Callable[[Array], Form]) -> Form:
        """Return the weight as a kernel wants it, made once.

        Raises:
            ValueError: if its plain form was freed after packing another form.
        """
        if name not in self.forms:
            if self.plain is None:
                raise ValueError(f"the weight {self.shape} is held in another form than {name}")
            self.forms[name] = made = pack(self.plain)
            if self.owned and not np.may_share_memory(self.plain, getattr(made, "panels", made)):
                self.plain = None
        found: Form = self.forms[name]
        return found


def held(weight: Array | HeldWeight) -> HeldWeight:
    """Return a weight with its forms."""
    return weight if isinstance(weight, HeldWeight) else HeldWeight(weight)


class Calls:
    """The calls of one block or of several, and the number of their multiply-accumulates.

    Attributes:
        made: the calls, in order.
        products: multiply-accumulates among them.
    """

    def __init__(self, scratch: Bytes | None, places: Places, common: dict[Hashable, object] | None = None) -> None:
        """Use a thread's `scratch` memory; `common` holds values that kernels on that memory share."""
        self.made: list[Call] = []
        self.products = 0
        self._scratch = scratch
        self._places = places
        self._common = {} if common is None else common

    def do(self, function: Callable[..., object], *args: object) -> None:
        """Add a call of a function that writes to arrays."""
        self.made.append((function, args))

    def fill(self, target: Array, source: Array, clip: Clip | None = None) -> None:
        """Copy, and clip while copying."""
        if clip is None:
            self.do(np.copyto, target, source)
        else:
            self.do(source.clip, *clip, target)

    def frame(self, target: Array, source: Array, starts: Sequence[int], clip: Clip | None = None) -> None:
        """Copy what of a source lies on a target, and clip it while copying, with zeros around.

        Args:
            target: an array of as many axes as the source.
            source: what is copied.
            starts: on each of the first axes, the place in the target of the source's first element; it may be outside.
            clip: bounds.
        """
        inner: tuple[slice, ...] = ()
        taken: tuple[slice, ...] = ()
        for start, length, size in zip(starts, target.shape, source.shape, strict=False):
            low = max(start, 0)
            high = max(low, min(length, start + size))
            if low > 0:
                self.made.append((target[(*inner, slice(0, low))].fill, (0,)))
            if high < length:
                self.made.append((target[(*inner, slice(high, length))].fill, (0,)))
            inner, taken = (*inner, slice(low, high)), (*taken, slice(low - start, high - start))
        self.fill(target[inner], source[taken], clip)

    def shared(self, key: Hashable, bind: Callable[[Calls], Part]) -> Part:
        """Return what was bound to this thread's scratch memory under a key, bound once for all steps."""
        if key not in self._common:
            self._common[key] = bind(Calls(self._scratch, self._places))
        return cast("Part", self._common[key])

    def scratch(self, name: str, shape: Shape, dtype: DType) -> Array:
        """Return memory that only this thread uses, valid until the same name is requested again.

        Raises:
            ValueError: if the kernel has declared less.
        """
        start, stop = self._places.spans[name]
        size = prod(shape) * dtype.itemsize
        if size > stop - start:
            raise ValueError(f"scratch memory '{name}' has {stop - start} bytes, but {size} are requested")
        return np.ndarray(shape, dtype, self._scratch, start)


class Places(NamedTuple):
    """The places of the pieces in a thread's scratch memory, for one element size.

    Attributes:
        itemsize: bytes of an element.
        spans: where each piece begins and ends, by name.
        size: total bytes.
    """

    itemsize: int
    spans: dict[str, Span]
    size: int


class Stage(NamedTuple):
    """A part of a kernel: work over a range, cut into blocks, which threads share if it takes long.

    Attributes:
        total: the range's length.
        step: approximate length of a block.
        bind: bind(calls, start, stop) adds the calls of a block.
        products: multiply-accumulates of the whole range, and
        elements: elements that it passes over, by which its time is estimated.
    """

    total: int
    step: int
    bind: Callable[[Calls, int, int], object]
    products: int = 0
    elements: int = 0


class Task(NamedTuple):
    """The arrays to which a kernel is bound.

    Attributes:
        inputs: arrays (N, *in, C).
        out: array for the result, (N, *out, C'), with the kernel's shape.
        room: bytes for a copy of the whole input, such as a padded one.
        weight, bias: of a contraction.
        before, then: operations on its input and on its output.
    """

    inputs: tuple[Array, ...]
    out: Array
    room: Bytes | None
    weight: HeldWeight | None = None
    bias: HeldWeight | None = None
    before: Before = NOTHING_BEFORE
    then: Then = NOTHING_THEN

    @property
    def x(self) -> Array:
        """The first input."""
        return self.inputs[0]

    def array(self, shape: Shape, dtype: DType, start: int = 0) -> Array:
        """Return an array in the room, or in new memory if that is too small."""
        if self.room is None or start + prod(shape) * dtype.itemsize > len(self.room):
            return np.empty(shape, dtype)
        return np.ndarray(shape, dtype, self.room, start)


class Kernel:
    """One algorithm for one shape of input.

    Attributes:
        shape: shape of the output, (N, *out, C'); counted on arrays, never passed in.
        scratch: elements of memory that each thread needs, by name.
        room: elements for a copy of the whole input.
        more: additional elements of the packed weight compared with the plain one.
        direct: multiply-accumulates of the plain algorithm, if the kernel's `method` needs fewer.
        blocks: number of blocks, if threads don't share the work.
        calls: the most calls of a block, or somewhat more.
        finished: rows of the output that one block computes.
    """

    shape: Shape
    scratch: Mapping[str, int] = {}
    room: int = 0
    more: int = 0
    direct: int = 0
    method: str = ""
    blocks: int = 1
    calls: int = 8
    finished: int = 1
    _places: Places | None = None

    def pack(self, weight: HeldWeight) -> object:
        """Return the packed weight, computed once; None if the kernel uses the plain weight."""

    def stages(self, task: Task) -> Iterator[Stage]:
        """Yield the parts, in order."""
        raise NotImplementedError

    def places(self, itemsize: int) -> Places:
        """Return the places of the pieces in a thread's scratch memory."""
        found = self._places
        if found is None or found.itemsize != itemsize:
            spans, end = {}, 0
            for name, elements in self.scratch.items():
                start, end = end, end + -(-elements * itemsize // 64) * 64
                spans[name] = start, end
            found = self._places = Places(itemsize, spans, end)
        return found

    def prepare(self, weight: HeldWeight, bias: HeldWeight | None, before: Before) -> None:
        """Pack the weights of a contraction for the kernel, unless that is done."""
        self.pack(weight)
        if bias is not None:
            bias.form("add", RowOperation).repeated(self.finished)
        for operation in before.operations:
            operation.repeated(self.finished)

    def tally(self, performed: int) -> Tally:
        """Return the tally for a number of products that were summed."""
        return Tally(performed, self.direct or performed, self.method)
