"""The elements of small stored tensors as numbers.  For a summary, no other weights of a file are read."""

from __future__ import annotations

import struct
from math import nan

from cnncalc.ground.limits import MAX_KNOWN_ELEMENTS
from cnncalc.importers.onnx import proto
from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.proto import BFLOAT16, BITS, FLOAT16, FORMATS, WIDTHS, TensorProto
from cnncalc.importers.onnx.wire import MAX_VARINT_BYTES, MalformedError, WireReader

PACKED = {TensorProto.FLOAT_DATA: "f", TensorProto.DOUBLE_DATA: "d"}
"""Python's struct format of the elements in TensorProto's fields of real numbers; other fields hold varints."""


def is_small(stored: StoredTensor) -> bool:
    """Whether a tensor's elements can be read as numbers: they are few, stand in this file, and have a known type.

    Raises:
        MalformedError: if its data is longer or shorter than its shape says.
    """
    count = stored.elements
    if count > MAX_KNOWN_ELEMENTS or stored.external is not None:
        return False
    if stored.raw is None:
        if sum([end - start for _, (start, end) in stored.packed]) > MAX_VARINT_BYTES * count:
            raise MalformedError(f"the tensor '{stored.name[:60]}' has more elements than its shape says")
        return True
    size, (start, end) = raw_size(stored.dtype, count), stored.raw
    if size is not None and end - start != size:
        what = f"{end - start:,} bytes, but its shape says {size:,}"
        raise MalformedError(f"the tensor '{stored.name[:60]}' has {what}")
    return size is not None


def elements(wire: WireReader, stored: StoredTensor) -> tuple[float, ...] | None:
    """Return the elements of a small tensor; None if it is not small.

    Raises:
        MalformedError: if there are more or fewer than its shape says.
    """
    if not is_small(stored):
        return None
    count = stored.elements
    if stored.raw is not None:
        return _raw(wire.bytes_at(stored.raw), stored.dtype, count)
    numbers: list[float] = list(stored.numbers)
    for field, span in stored.packed:
        if field in PACKED:
            data = wire.bytes_at(span)
            width = struct.calcsize(PACKED[field])
            numbers += struct.unpack(f"<{len(data) // width}{PACKED[field]}", data[: len(data) // width * width])
        else:
            numbers += wire.varints(span)
    if stored.dtype in BITS:
        found = _raw(bytes([int(number) & 255 for number in numbers]), stored.dtype, count)
    else:
        found = tuple(_converted(numbers, stored.dtype))
    if len(found) != count:
        raise MalformedError(f"the tensor '{stored.name[:60]}' has {len(found)} elements, but its shape says {count}")
    return found


def raw_size(dtype: int, count: int) -> int | None:
    """Return how many bytes ``count`` elements take in raw_data; None if their type is unknown."""
    bits = BITS.get(dtype, 8 * WIDTHS.get(dtype, 0))
    return (count * bits + 7) // 8 if bits else None


def _raw(data: bytes, dtype: int, count: int) -> tuple[float, ...]:
    if dtype == BFLOAT16:
        return struct.unpack(f"<{count}f", b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2)))
    if dtype in BITS:
        numbers, bits = codes(dtype), BITS[dtype]
        parts = [byte >> at & (1 << bits) - 1 for byte in data for at in range(0, 8, bits)]
        return tuple([numbers[part] for part in parts[:count]])
    return struct.unpack(f"<{count}{FORMATS[dtype]}", data)


def codes(dtype: int) -> list[float]:
    """Return the numbers that the codes 0, 1, … of a type of at most 8 bits stand for."""
    bits = BITS[dtype]
    if dtype in (proto.INT4, proto.INT2):
        return [code - (1 << bits) * (code >> bits - 1) for code in range(1 << bits)]
    if dtype in (proto.UINT4, proto.UINT2):
        return [*range(1 << bits)]
    if dtype == proto.FLOAT8_POWERS:
        return [2.0 ** (code - 127) for code in range(255)] + [nan]
    from cnncalc.layers.other import quantize

    fraction, least, most = quantize.FORMATS[proto.SMALL_FLOATS[dtype]]
    found = []
    for code in range(1 << bits - 1):
        exponent, rest = code >> fraction, code & (1 << fraction) - 1
        number = (rest + (1 << fraction) * (exponent > 0)) * 2.0 ** (max(exponent, 1) - 1 + least - fraction)
        found.append(number if number <= most else nan)
    return found + [-number for number in found]


def _converted(numbers: list[float], dtype: int) -> list[float]:
    """Return the numbers that the integers in int32_data stand for: 16-bit floats are stored there as their bits."""
    if dtype == FLOAT16:
        return [struct.unpack("<e", struct.pack("<H", int(bits) & 0xFFFF))[0] for bits in numbers]
    if dtype == BFLOAT16:
        return [struct.unpack("<f", struct.pack("<I", (int(bits) & 0xFFFF) << 16))[0] for bits in numbers]
    return [bool(number) for number in numbers] if dtype == proto.BOOL else numbers
