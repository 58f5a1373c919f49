"""The elements of stored tensors, of small ones as numbers: nothing else of a file's weights is read for a summary."""

from __future__ import annotations

import struct

from cnncalc.ground.limits import MAX_KNOWN_ELEMENTS
from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.proto import (
    BFLOAT16,
    BOOL,
    DOUBLE,
    FLOAT,
    FLOAT16,
    INT4,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT4,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    TensorProto,
)
from cnncalc.importers.onnx.wire import MAX_VARINT_BYTES, MalformedError, WireReader

FORMATS = {
    FLOAT: "f", UINT8: "B", INT8: "b", UINT16: "H", INT16: "h", INT32: "i", INT64: "q", BOOL: "?", FLOAT16: "e",
    DOUBLE: "d", UINT32: "I", UINT64: "Q",
}  # fmt: skip
"""Python's struct format of a type's elements as they stand in raw_data."""

PACKED = {TensorProto.FLOAT_DATA: "f", TensorProto.DOUBLE_DATA: "d"}
"""Formats of TensorProto's fields whose packed elements are not integers of variable length."""


def elements(wire: WireReader, stored: StoredTensor) -> tuple[float, ...] | None:
    """Return a small tensor's elements; None if it is large, elsewhere, or of a type that is not known.

    Raises:
        MalformedError: if there are more or fewer than its shape says.
    """
    count = stored.elements
    if count > MAX_KNOWN_ELEMENTS or stored.external is not None:
        return None
    if stored.raw is not None:
        size = raw_size(stored.dtype, count)
        if size is None:
            return None
        start, end = stored.raw
        if end - start != size:
            what = f"{end - start:,} bytes, but its shape says {size:,}"
            raise MalformedError(f"the tensor '{stored.name[:60]}' has {what}")
        found = _raw(wire.bytes_at(stored.raw), stored.dtype, count)
    else:
        if sum([end - start for _, (start, end) in stored.packed]) > MAX_VARINT_BYTES * count:
            raise MalformedError(f"the tensor '{stored.name[:60]}' has more elements than its shape says")
        numbers: list[float] = list(stored.numbers)
        for field, span in stored.packed:
            if field in PACKED:
                data = wire.bytes_at(span)
                width = struct.calcsize(PACKED[field])
                numbers += struct.unpack(f"<{len(data) // width}{PACKED[field]}", data[: len(data) // width * width])
            else:
                numbers += wire.varints(span)
        found = tuple(_converted(numbers, stored.dtype))
    if len(found) != count:
        raise MalformedError(f"the tensor '{stored.name[:60]}' has {len(found)} elements, but its shape says {count}")
    return found


def raw_size(dtype: int, count: int) -> int | None:
    """Return how many bytes elements take in raw_data; None if their type is not known."""
    if dtype in (UINT4, INT4):
        return (count + 1) // 2
    if dtype == BFLOAT16:
        return 2 * count
    return count * struct.calcsize(FORMATS[dtype]) if dtype in FORMATS else None


def _raw(data: bytes, dtype: int, count: int) -> tuple[float, ...]:
    if dtype == BFLOAT16:
        return struct.unpack(f"<{count}f", b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2)))
    if dtype in (UINT4, INT4):
        halves = [half for byte in data for half in (byte & 15, byte >> 4)][:count]
        return tuple([half - 16 if dtype == INT4 and half > 7 else half for half in halves])
    return struct.unpack(f"<{count}{FORMATS[dtype]}", data)


def _converted(numbers: list[float], dtype: int) -> list[float]:
    """Return elements of int32_data as what they stand for: halves are there as their bits."""
    if dtype == FLOAT16:
        return [struct.unpack("<e", struct.pack("<H", int(bits) & 0xFFFF))[0] for bits in numbers]
    if dtype == BFLOAT16:
        return [struct.unpack("<f", struct.pack("<I", (int(bits) & 0xFFFF) << 16))[0] for bits in numbers]
    return [bool(number) for number in numbers] if dtype == BOOL else numbers
