"""Which axis of a model file's inputs is the batch, and sizes that contain that of the batch."""

from __future__ import annotations

from typing import TypeVar

from cnncalc.importers.onnx.model import Port, StoredTensor
from cnncalc.importers.onnx.values import SAMPLES, Value, literal

Number = TypeVar("Number", int, float)


def batch_word(ports: list[Port]) -> str | None:
    """Return the name of the batch size in the file's shapes, or None."""
    words = [size for port in ports for size in port.shape or () if isinstance(size, str)]
    named = next((word for word in words if "batch" in word.lower()), None)
    firsts = [port.shape[0] for port in ports if port.shape and isinstance(port.shape[0], str)]
    return named or next((word for word in firsts if word != "?"), None)


def batch_axis(sizes: tuple[int | str | None, ...], word: str | None) -> int | None:
    """Return the batch axis of an input; None if it has none.

    It is the axis whose size has the given name; else the first axis, if its size is 1 or open; else the only open axis
    of up to three.  The first of four or more axes is the batch in any case.
    """
    if word is not None and word in sizes:
        return sizes.index(word)
    first = sizes[0]
    if not isinstance(first, int) or first < 2:
        return 0
    free = [axis for axis, size in enumerate(sizes) if not isinstance(size, int) or size < 1]
    if len(free) == 1 and len(sizes) < 4:
        return free[0]
    return 0 if len(sizes) > 3 else None


def size_in_file(size: Number, file_batch: int) -> Number:
    """Return a size that may contain that of the batch, SAMPLES, for a batch of ``file_batch`` samples."""
    return size // SAMPLES * file_batch if size and size % SAMPLES == 0 else size


def with_file_batch(value: Value, file_batch: int) -> Value:
    """Return a constant in which each size that is a multiple of the batch's is that of the file's own batch."""
    data = None if value.is_live or isinstance(value.source, StoredTensor) else value.data
    if not data or max(map(abs, data)) < SAMPLES:
        return value
    sizes = tuple([size_in_file(item, file_batch) for item in data])
    return value if sizes == data else literal(sizes, value.shape, value.dtype, value.name)
