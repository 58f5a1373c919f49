"""What a kernel is: one algorithm on known shapes, bound once to memory, run as often as wanted.

A kernel never computes: it returns the NumPy calls that compute.  Eagerly they are made at once on fresh arrays, in a
session again and again on the same memory; what is not among them happens in neither.  So it can be bound before the
arrays that it reads have been made.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar, cast

import numpy as np

from cnncalc.execution.kernels.rows import RowOperation
from cnncalc.ground.limits import MAX_RANK

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnncalc.layers.ops import Array, DType

    Bytes: TypeAlias = npt.NDArray[np.uint8]

Call: TypeAlias = tuple[Callable[..., object], tuple[object, ...]]
Clip: TypeAlias = tuple[float, float]
Span: TypeAlias = tuple[int, int]
Shape: TypeAlias = tuple[int, ...]
Form = TypeVar("Form")
Part = TypeVar("Part")


def make(calls: Sequence[Call]) -> None:
    """Make calls, one after the other."""
    for function, args in calls:
        function(*args)


class Before(NamedTuple):
    """What is done to a contraction's input: operations with a vector (C,) each, in order, then perhaps a clip."""

    operations: tuple[RowOperation, ...] = ()
    clip: Clip | None = None

    def __call__(self, calls: Calls, rows: Array, out: Array) -> None:
        """Add the calls that do it to rows (n, C) and write them to `out`, which may be the rows."""
        for operation in self.operations:
            operation(rows, out, calls.do)
            rows = out
        if self.clip is not None:
            calls.do(rows.clip, *self.clip, out)


class Then(NamedTuple):
    """What is done to a contraction's output while its block is in the cache: add a tensor, then an activation."""

    residual: Array | None = None
    clip: Clip | None = None
    activation: Callable[[Array], Array] | None = None


NOTHING_BEFORE = Before()
NOTHING_THEN = Then()


class Tally(NamedTuple):
    """Multiply-accumulates of one node.

    Attributes:
        performed: products that really entered a sum, from the sizes of the arrays.
        direct: what the plain algorithm would have performed; differs only where `method` says why.
        method: the algorithm with fewer products, or "".
    """

    performed: int = 0
    direct: int = 0
    method: str = ""


class HeldWeight:
    """A weight, and the forms of it that kernels hold.

    Once a kernel has it in a form of its own, an owned weight's plain form is let go.
    """

    def __init__(self, array: Array, owned: bool = False) -> None:
        """Take a weight; `owned`, if nobody else needs it."""
        self.shape: Shape = array.shape
        self.ndim = array.ndim
        self.dtype = array.dtype
        self.plain: Array | None = array
        self.owned = owned
        self.forms: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return self.shape[0]

    def form(self, name: Hashable, pack: Callable[[Array], Form]) -> Form:
        """Return the weight as a kernel wants it, made once.

        Raises:
            ValueError: if its plain form was let go for another one.
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
    """The calls of one block or of several, and what they multiply.

    Attributes:
        made: the calls, in order.
        products: multiply-accumulates among them.
    """

    def __init__(self, scratch: Bytes | None, places: Places, common: dict[Hashable, object] | None = None) -> None:
        """Prepare for work on a thread's `scratch` memory, in which each name has its place.

        `common` holds what kernels have in common that work on that memory.
        """
        self.made: list[Call] = []
        self.products = 0
        self._scratch = scratch
        self._places = places
        self._common = {} if common is None else common

    def do(self, function: Callable[..., object], *args: object) -> None:
        """Add a call of a function that writes to arrays."""
        self.made.append((function, args))

    def fill(self, target: Array, source: Array, clip: Clip | None = None) -> None:
        """Copy, and clip on the way."""
        if clip is None:
            self.do(np.copyto, target, source)
        else:
            self.do(source.clip, *clip, target)

    def zero(self, target: Array) -> None:
        """Fill with zeros."""
        if target.size:
            self.do(target.fill, 0)

    def border(self, target: Array, top: int, bottom: int, left: int, right: int) -> None:
        """Fill an array (H, W, C) with zeros but for its lines `top` to `bottom`, columns `left` to `right`."""
        if top > 0:
            self.do(target[:top].fill, 0)
        if bottom < len(target):
            self.do(target[bottom:].fill, 0)
        if left > 0:
            self.do(target[top:bottom, :left].fill, 0)
        if right < target.shape[1]:
            self.do(target[top:bottom, right:].fill, 0)

    def shared(self, key: Hashable, bind: Callable[[Calls], Part]) -> Part:
        """Return what was bound to this thread's scratch memory under a key, bound once for all steps."""
        if key not in self._common:
            self._common[key] = bind(Calls(self._scratch, self._places))
        return cast("Part", self._common[key])

    def scratch(self, name: str, shape: Shape, dtype: DType) -> Array:
        """Return memory of this thread's own, valid until the same name is asked for again.

        Raises:
            ValueError: if the kernel has announced less.
        """
        start, stop = self._places.spans[name]
        size = prod(shape) * dtype.itemsize
        if size > stop - start:
            raise ValueError(f"scratch memory '{name}' has {stop - start} bytes, {size} are asked for")
        return np.ndarray(shape, dtype, self._scratch, start)


class Places(NamedTuple):
    """Where the pieces of a thread's scratch memory lie for elements of so many bytes.

    Attributes:
        itemsize: bytes of an element.
        spans: where each piece begins and ends, by name.
        size: bytes in all.
    """

    itemsize: int
    spans: dict[str, Span]
    size: int


class Stage(NamedTuple):
    """A part of a kernel: work over a range, cut into blocks, which threads share where it takes long.

    Attributes:
        total: the range's length.
        step: about how much a block takes of it.
        bind: bind(calls, start, stop) adds the calls of a block.
        products: multiply-accumulates of the whole range, and
        elements: elements that it passes over, by which its time is estimated.
    """

    total: int
    step: int
    bind: Callable[[Calls, int, int], object]
    products: int = 0
    elements: int = 0


def first_block(total: int, step: int) -> int:
    """Return how long the first of the equal blocks is into which a range is cut."""
    return total // max(1, -(-total // step))


def once(bind: Callable[[Calls], object]) -> Stage:
    """Return a stage that is a single block."""
    return Stage(1, 1, lambda calls, start, stop: bind(calls))


class Task(NamedTuple):
    """What a kernel is bound to.

    Attributes:
        inputs: arrays (N, *in, C).
        out: where the result goes, (N, *out, C'), of the kernel's own shape.
        room: bytes for what the kernel makes of a whole input, such as a padded one.
        weight, bias: of a contraction.
        before, then: what is done to its input and its output on the way.
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


class Kernel:
    """One algorithm for one shape of input.

    Attributes:
        shape: of the output, (N, *out, C'); counted on arrays, never passed in.
        scratch: elements of memory that each thread needs, by name.
        room: elements of what it makes of the whole input.
        more: elements that the weight takes more in the form that the kernel holds than in the plain one.
        direct: multiply-accumulates of the plain algorithm, where the kernel has a `method` with fewer.
        finished: rows of the output that one block makes, where threads don't share the work.
    """

    shape: Shape
    scratch: Mapping[str, int] = {}
    room: int = 0
    more: int = 0
    direct: int = 0
    method: str = ""
    finished: int = 1
    _places: Places | None = None

    def pack(self, weight: HeldWeight) -> object:
        """Return the form of a weight that the kernel multiplies by, made once; None if it takes it as it is."""

    def stages(self, task: Task) -> Iterator[Stage]:
        """Yield the parts, in order."""
        raise NotImplementedError

    def places(self, itemsize: int) -> Places:
        """Return where the pieces of a thread's scratch memory lie."""
        found = self._places
        if found is None or found.itemsize != itemsize:
            spans, end = {}, 0
            for name, elements in self.scratch.items():
                start, end = end, end + -(-elements * itemsize // 64) * 64
                spans[name] = start, end
            found = self._places = Places(itemsize, spans, end)
        return found

    def prepare(self, task: Task) -> None:
        """Bring the weights of a task into the forms that the kernel takes, unless they have them."""
        if task.weight is not None:
            self.pack(task.weight)
        if task.bias is not None:
            task.bias.form("add", RowOperation).reserve(self.finished)
        for operation in task.before.operations:
            operation.reserve(self.finished)

    def tally(self, performed: int) -> Tally:
        """Return what it multiplied, of so many products that were summed."""
        return Tally(performed, self.direct or performed, self.method)


# --- pieces that kernels are made of -------------------------------------------------------------------------


class Finisher:
    """What ends a contraction: the bias, then the residual, then the activation, on rows of the output in place.

    Attributes:
        first: stages that come before the contraction, none for most.
    """

    def __init__(self, task: Task, out: Array, arrange: Callable[[Array], Array]) -> None:
        """Prepare for an output (N, *out, C), to the axes of which `arrange` brings the residual.

        Raises:
            ValueError: if the residual has another shape than the output.
        """
        self.rows = out.reshape(-1, out.shape[-1])
        self.add = None if task.bias is None else task.bias.form("add", RowOperation)
        self.clip, self.activation = task.then.clip, task.then.activation
        self.residual = None
        self.first: tuple[Stage, ...] = ()
        if task.then.residual is not None:
            other = arrange(task.then.residual)
            if other.shape != out.shape:
                raise ValueError(f"what is added is {other.shape}, the sum {out.shape}")
            self.residual = as_rows(other)
            if self.residual is None:  # its memory has another order
                copy = np.empty_like(out)
                self.first = (once(lambda calls: calls.fill(copy, other)),)
                self.residual = copy.reshape(self.rows.shape)

    def __call__(self, calls: Calls, start: int, stop: int) -> None:
        """Add the calls that end the rows from `start` to `stop`."""
        block = self.rows[start:stop]
        if self.add is not None:
            self.add(block, block, calls.do)
        if self.residual is not None:
            calls.do(np.add, block, self.residual[start:stop], block)
        if self.clip is not None:
            calls.do(block.clip, *self.clip, block)
        elif self.activation is not None:
            calls.do(apply, self.activation, block, block)


def apply(function: Callable[[Array], Array], source: Array, out: Array) -> None:
    """Write a function's values on an array to another of the same shape.

    Raises:
        ValueError: if the values have another shape.
    """
    values = function(source)
    if values.shape != out.shape:
        raise ValueError(f"a function of each element makes {values.shape} of {out.shape}")
    out[...] = values


def as_rows(x: Array) -> Array | None:
    """Return (N, *in, C) as (n, C), a view; None if the memory has another order."""
    if not x.flags.c_contiguous:
        axes = [(count, step) for count, step in zip(x.shape[:-1], x.strides, strict=False) if count > 1]
        for (_, step), (count, following) in pairwise(axes):
            if step != count * following:
                return None
    return x.reshape(-1, x.shape[-1])


def in_room(room: Bytes | None, shape: Shape, dtype: DType, start: int = 0) -> Array:
    """Return an array in the bytes that a task has for whole inputs; memory of its own where they are too few."""
    if room is None or start + prod(shape) * dtype.itemsize > len(room):
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, room, start)


CHANNELS_LAST = {rank: (0, *range(2, rank), 1) for rank in range(2, MAX_RANK + 2)}
CHANNELS_FIRST = {rank: (0, rank - 1, *range(1, rank - 1)) for rank in range(2, MAX_RANK + 2)}


def channels_last(x: Array) -> Array:
    """Return the view (N, *spatial, C) of a logical (N, C, *spatial)."""
    return x.transpose(CHANNELS_LAST[x.ndim])


def channels_first(x: Array) -> Array:
    """Return the logical view (N, C, *spatial) of (N, *spatial, C)."""
    return x.transpose(CHANNELS_FIRST[x.ndim])
