"""What every kernel works with: memory, threads, packed weights, and the tally of what was multiplied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from math import prod
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

import numpy as np

from cnncalc.execution.kernels.arena import Arena
from cnncalc.execution.kernels.filters import Filters, transform
from cnncalc.execution.kernels.rows import RowOperation
from cnncalc.execution.kernels.tape import Recorder, Tape
from cnncalc.execution.kernels.workers import WORTH, Workers, cut

if TYPE_CHECKING:
    from cnncalc.execution.kernels.arena import Take
    from cnncalc.execution.kernels.axes import Slide
    from cnncalc.layers.ops import Array

A_MICROSECOND = 40_000  # multiply-accumulates that one core does in it
PASSED_OVER = 2_000  # elements that it reads, changes and writes in it
HEAVY = 1 << 22  # bytes of a weight that is packed in the memory of idle feature maps
BLOCK = 1 << 17  # elements of a block that is worked on while it stays in the second-level cache


Kernel = Callable[["Array"], "Array"]  # (N, *in, C) to (N, *out, C')
Clip = tuple[float, float]


class Before(NamedTuple):
    """What precedes a convolution: operations with a vector (C,) each, in order, then perhaps a clip."""

    operations: tuple[tuple[np.ufunc, Array], ...]
    clip: Clip | None = None


class After(NamedTuple):
    """What follows a contraction while its block is in the cache: add a tensor, then an activation."""

    residual: Array | None = None
    clip: Clip | None = None
    activation: Callable[[Array], Array] | None = None


NOTHING = After()


class Tally(NamedTuple):
    """Multiply-accumulates of one node.

    Attributes:
        performed: products that really entered a sum, from the sizes of the arrays.
        direct: what the plain algorithm would have performed; differs only where `method` says why.
        method: the algorithm with fewer products, or "".
    """

    performed: int
    direct: int
    method: str


class Engine:
    """The state that kernels share, and the services that they ask for."""

    def __init__(self, threads: int = 1, limit: int | None = None, pieces: bool = False) -> None:
        """Work with `threads` threads and keep at most `limit` bytes of feature maps for use again.

        With `pieces`, matrix products are made in pieces that BLAS multiplies without packing (see `Filters`).
        """
        self.pieces = pieces
        self.workers = Workers(threads)
        self.arena = Arena(limit, self._erase)
        self._tapes: WeakSet[Tape] = WeakSet()
        self.recorder: Recorder | None = None
        self.before: Before | None = None
        self.after: After | None = None
        self.again = 0  # how often what is joined now will be joined to more of the same
        self.refused = False
        self._products: list[int] = []
        self._direct = 0
        self._method = ""
        self.packing_seconds = 0.0
        self._packed: dict[tuple[int, str], tuple[Array, Any]] = {}
        self._bound: dict[tuple[Any, ...], tuple[Array, Kernel]] = {}
        self._scratch: list[dict[str, Array]] = [{} for _ in range(self.workers.threads)]

    def reset(self) -> None:
        """Forget what was asked for, after a kernel that failed."""
        self.before = self.after = None
        self.refused = False
        self.tally()

    def close(self) -> None:
        """End the threads and let go of what is kept; kernels refer to their engine, so else it would wait for gc."""
        self.workers.close()
        self._bound.clear()
        self._packed.clear()
        self._scratch.clear()
        self.arena.clear()

    # --- the tally -----------------------------------------------------------------------------------------

    def tally(self) -> Tally:
        """Return what was multiplied since the last call."""
        performed = sum(self._products)
        tally = Tally(performed, self._direct or performed, self._method)
        self._products.clear()
        self._direct, self._method = 0, ""
        return tally

    def multiply(self, a: Array, b: Array, out: Array | None = None) -> Array:
        """Multiply matrices as `np.matmul`, and count."""
        if out is None:
            out = np.matmul(a, b)
            if self.recorder is not None:
                self.recorder.complete = False
        else:
            self.do(np.matmul, a, b, out=out)
        self._products.append(out.size * a.shape[-1])
        return out

    def filters(self, weight: Array, form: str, arrange: Callable[[Array], Array]) -> Filters:
        """Return a weight that `arrange` turns into matrices (…, K, N), ready for `apply`; made once."""
        made: Filters = self.packed(weight, form, lambda w: Filters.of(arrange(w), self.pieces))
        return made

    def apply(self, filters: Filters, a: Array, out: Array) -> None:
        """Multiply rows (…, M, K) by filters (…, K, N), and count."""
        filters.multiply(a, out, self.do)
        self._products.append(out.size * a.shape[-1])

    def count(self, products: int) -> None:
        """Count products that were summed in another way than by `multiply`."""
        self._products.append(products)

    def shortcut(self, method: str, direct: int) -> None:
        """Say that an algorithm with fewer products was taken, and how many the plain one would have had."""
        self._method, self._direct = method, direct

    # --- recording -----------------------------------------------------------------------------------------

    def record(self, run: Callable[[Sequence[Array]], Array], arrays: Sequence[Array]) -> Tape | None:
        """Return the tape of run(arrays), in which kernels only name their calls, and nothing but kernels works.

        None where arrays don't lie in the arena, or not everything was named.
        """
        rooms = [room for array in arrays if (room := self.arena.room(array))]
        if len(rooms) < len(arrays):
            return None
        self.recorder = recorder = Recorder(self.arena, arrays, rooms)
        try:
            result = run(recorder.arrays)
        finally:
            self.recorder = None
        tape = recorder.tape(result)
        if tape is not None:
            self._tapes.add(tape)
        return tape

    def _erase(self) -> None:
        """Let go of all tapes, for they refer to memory that is let go of."""
        for tape in self._tapes:
            tape.erase()

    def do(self, function: Callable[..., object], *args: Any, **options: Any) -> None:
        """Call a function that writes to arrays, as all that a kernel does with numbers; or note the call."""
        if self.recorder is None:
            function(*args, **options)
        else:
            self.recorder.calls.append((function, args, options))

    # --- memory --------------------------------------------------------------------------------------------

    @property
    def _take(self) -> Take | None:
        return None if self.recorder is None else self.recorder.take

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        """Return an array of undefined content in C order, for a feature map."""
        return self.arena.empty(shape, dtype, self._take)

    def extended(self, first: Array, extra: int) -> Array:
        """Return an array as `first` (N, *spatial, C) with `extra` channels more, of undefined content."""
        return self.arena.extended(first, extra, self.again, self.do, self._take)

    def scratch(self, name: str, shape: Sequence[int], dtype: Any) -> Array:
        """Return memory of this thread's own, valid until the same name is asked for again."""
        needed = prod(shape)
        own = self._scratch[self.workers.number]
        buffer = own.get(name)
        if buffer is None or buffer.size < needed or buffer.dtype != dtype:
            buffer = own[name] = np.empty(needed, dtype)
        return buffer[:needed].reshape(shape)

    def packed(self, weight: Array, form: str, pack: Callable[[Array], Any]) -> Any:
        """Return `weight` as a kernel wants it, made once."""
        known = self._packed.get((id(weight), form))
        if known is None:
            start = perf_counter()
            while weight.nbytes > HEAVY and self.arena.let_go():  # while it is packed, it is there twice
                pass
            known = self._packed[id(weight), form] = weight, pack(weight)
            self.packing_seconds += perf_counter() - start
        return known[1]

    def bound(self, key: tuple[Any, ...]) -> Kernel | None:
        """Return the kernel that was bound to a weight, whose id comes first in the key, and a shape of input."""
        known = self._bound.get(key)
        return None if known is None else known[1]

    def bind(self, key: tuple[Any, ...], weight: Array, kernel: Kernel) -> Kernel:
        """Keep a kernel, and the weight, so that no other gets its id."""
        self._bound[key] = weight, kernel
        return kernel

    def spared(self, weight: Array) -> Array:
        """Return what to pass for a weight from now on: a stand-in, if its kernel holds all of it in another form.

        The stand-in has the weight's shape but no memory; it is NaN throughout, so that a use of it would be seen.
        """
        bound = [key for key in self._bound if key[0] == id(weight)]
        forms = [form for owner, form in self._packed if owner == id(weight)]
        held = [self._packed[id(weight), form][1] for form in forms]
        if not forms or any(np.may_share_memory(weight, getattr(packed, "panels", packed)) for packed in held):
            return weight
        stand_in: Array = np.broadcast_to(weight.dtype.type(np.nan), weight.shape)
        for key in bound:
            self._bound[(id(stand_in), *key[1:])] = stand_in, self._bound.pop(key)[1]
        for form, packed in zip(forms, held, strict=True):
            self._packed[id(stand_in), form] = stand_in, packed
            del self._packed[id(weight), form]
        return stand_in

    # --- work in blocks ------------------------------------------------------------------------------------

    def blocks(
        self, total: int, step: int, work: Callable[[int, int], object], products: int = 0, elements: int = 0
    ) -> None:
        """Call work(start, stop) over range(total), about `step` at a time.

        The threads share what takes long by the multiply-accumulates, and the elements passed over, that it has.
        """
        threads = self.workers.threads
        micros = products / A_MICROSECOND + elements / PASSED_OVER if threads > 1 else 0.0
        if micros > WORTH:
            parts = cut(total, step, threads, micros)
            if self.recorder is None:
                self.workers.run(work, parts)
            else:
                self.recorder.share(self.workers, work, parts)
        elif total <= step:
            work(0, total)
        else:
            for start, stop in cut(total, step):
                work(start, stop)

    def adder(self, bias: Array | None) -> RowOperation | None:
        """Return what adds a bias to rows; None where there is none."""
        return None if bias is None else self.packed(bias, "add", RowOperation)

    def finisher(
        self, out: Array, add: RowOperation | None, arrange: Callable[[Array], Array] | None = None
    ) -> Callable[[int, int], None]:
        """Return finish(start, stop), which ends rows of a contraction's output in place.

        It adds the bias by `add` and does what the runner asked for in `after`; a residual of another shape than the
        output refuses that, and the runner is told by `refused`.  `arrange` brings a residual (N, C, *spatial) to the
        axes of `out`, which by default are (N, *spatial, C).
        """
        rows = out.reshape(-1, out.shape[-1])
        after, self.after = self.after or NOTHING, None
        residual = None
        if after.residual is not None:
            other = (arrange or channels_last)(after.residual)
            if other.shape == out.shape:
                residual = self.rows(other)
            else:
                self.refused, after = True, NOTHING
        clip, activation = after.clip, after.activation

        def finish(start: int, stop: int) -> None:
            block = rows[start:stop]
            if add is not None:
                add(block, block, self.do)
            if residual is not None:
                self.do(np.add, block, residual[start:stop], out=block)
            if clip is not None:
                self.do(block.clip, *clip, out=block)
            elif activation is not None:
                self.do(_activate, activation, block)

        return finish

    def clipped_first(self) -> Clip | None:
        """Return the clip that is to precede, which the caller sees to when it copies its input; None for none."""
        before = self.before
        if before is None or before.operations:
            return None
        self.before = None
        return before.clip

    def fill(self, target: Array, source: Array, clip: Clip | None) -> None:
        """Copy, and clip on the way."""
        if clip is None:
            self.do(np.copyto, target, source)
        else:
            self.do(source.clip, *clip, out=target)

    def zero(self, target: Array) -> None:
        """Fill with zeros."""
        if target.size:
            self.do(target.fill, 0)

    def padded(self, x: Array, axes: Sequence[Slide], planes: bool = False) -> Array:
        """Return (N, *in, C) with zeros around, as wide as its windows reach, and clipped if that is to precede.

        It is x itself where there is nothing to do.  With `planes`, memory has a plane a channel.
        """
        clip = self.clipped_first()
        if clip is None and all(axis.before == axis.after == 0 for axis in axes):
            return x
        sizes = [axis.before + axis.size + axis.after for axis in axes]
        if planes:
            out = np.moveaxis(self.empty((len(x), x.shape[-1], *sizes), x.dtype), 1, -1)
        else:
            out = self.empty((len(x), *sizes, x.shape[-1]), x.dtype)
        inner: list[slice] = [slice(None)]
        for axis in axes:
            end = axis.before + axis.size
            self.zero(out[(*inner, slice(0, axis.before))])
            self.zero(out[(*inner, slice(end, None))])
            inner.append(slice(axis.before, end))
        self.fill(out[tuple(inner)], x, clip)
        return out

    def rows(self, x: Array) -> Array:
        """Return (N, *in, C) as (n, C): a view where the memory has that order."""
        axes = [(count, step) for count, step in zip(x.shape[:-1], x.strides, strict=False) if count > 1]
        if any(step != count * following for (_, step), (count, following) in pairwise(axes)):
            copy = self.empty(x.shape, x.dtype)
            self.do(np.copyto, copy, x)
            x = copy
        return x.reshape(-1, x.shape[-1])

    def transform(self, matrix: Array, columns: Array, out: Array) -> None:
        """Write the product of a small matrix (p, q) and (q, N) to out (p, N); it is not counted."""
        transform(matrix, columns, out, self.pieces, self.do)

    def preparer(self, before: Before) -> Callable[[Array, Array], None]:
        """Return prepare(rows, out), which applies `before` to rows (n, C)."""
        operations = [
            self.packed(vector, ufunc.__name__, partial(RowOperation, operation=ufunc))
            for ufunc, vector in before.operations
        ]

        def prepare(rows: Array, out: Array) -> None:
            for operation in operations:
                operation(rows, out, self.do)
                rows = out
            if before.clip is not None:
                self.do(out.clip, *before.clip, out=out)

        return prepare


def _activate(activation: Callable[[Array], Array], block: Array) -> None:
    block[...] = activation(block)


CHANNELS_LAST = {rank: (0, *range(2, rank), 1) for rank in range(2, 8)}
CHANNELS_FIRST = {rank: (0, rank - 1, *range(1, rank - 1)) for rank in range(2, 8)}


def channels_last(x: Array) -> Array:
    """Return the view (N, *spatial, C) of a logical (N, C, *spatial)."""
    return x.transpose(CHANNELS_LAST[x.ndim])


def channels_first(x: Array) -> Array:
    """Return the logical view (N, C, *spatial) of (N, *spatial, C)."""
    return x.transpose(CHANNELS_FIRST[x.ndim])
