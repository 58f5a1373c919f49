"""Protocol Buffers' wire format, as far as ONNX needs it: fields with their numbers, checked and bounded.

https://protobuf.dev/programming-guides/encoding.  A message is a sequence of fields, each a key (number and wire type)
and a value.  Of a value of bytes the place in the file is returned, so that nothing is copied.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

from cnncalc.ground import limits

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10
HEAD = 2 * MAX_VARINT_BYTES
"""The most bytes of a field's key together with its length or its integer."""

WINDOW = 1 << 16
"""Bytes that are read at once from a file that is not in memory."""

WireTypes: TypeAlias = "tuple[int, ...]"

Span: TypeAlias = "tuple[int, int]"
"""The offsets in the file at which the bytes of a value begin and end."""


class MalformedError(Exception):
    """Raised for bytes that are not a message of the expected kind."""


class OpenFile:
    """A file's bytes, read when they are asked for.

    The file is not mapped: mapped bytes count as memory of the process, which is killed if the file shrinks.
    """

    def __init__(self, descriptor: int) -> None:
        """Read from a file descriptor, which is closed when this object is deleted."""
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)

    def __getitem__(self, place: slice) -> bytes:
        """Return the bytes of a slice."""
        return os.pread(self.descriptor, place.stop - place.start, place.start)


class Message:
    """A message of the file: the numbers of its fields.

    Attributes:
        numbers: the numbers of the fields, by the keys that they may have: the wire type is bytes, but for those fields
            whose wire types a message names.
    """

    numbers: ClassVar[dict[int, int]]

    def __init_subclass__(cls, **others: WireTypes) -> None:
        fields = [(number, others.get(name, (BYTES,))) for name, number in vars(cls).items() if name.isupper()]
        cls.numbers = {number << 3 | wire: number for number, wires in fields for wire in wires}


class Fields(dict[int, list[Any]]):
    """The fields of a message that was read, by their numbers: integers, and the places of all others.

    What stands under a number is a list, because any field may be repeated.
    """

    __slots__ = ("wire",)
    wire: WireReader

    def all(self, number: int) -> Sequence[Any]:
        """Return the values of a field."""
        return self.get(number, ())

    def last(self, number: int, default: Any = None) -> Any:
        """Return the value of a field that stands once."""
        return self[number][-1] if number in self else default

    def texts(self, number: int) -> tuple[str, ...]:
        """Return the texts of a field."""
        return tuple(map(self.wire.text, self.all(number)))

    def text(self, number: int) -> str:
        """Return the text of a field that stands once; "" if it is left out."""
        return self.wire.text(self[number][-1]) if number in self else ""

    def domain(self, number: int) -> str:
        """Return the name of an operator set; "" is ONNX's own."""
        name = self.text(number)
        return "" if name == "ai.onnx" else name


class WireReader:
    """Reads a file's bytes, and counts what was read against the bounds of a model."""

    def __init__(self, data: bytes | OpenFile, size: int) -> None:
        """Read ``data`` up to ``size``."""
        self.data = data
        self.size = size
        self.near, self.near_at = (data, 0) if isinstance(data, bytes) else (b"", 0)
        self.near_end = len(self.near)
        self.fields_left = limits.MAX_MODEL_FIELDS
        self.parts_left = limits.MAX_MODEL_PARTS
        self.lists_left = limits.MAX_MODEL_LISTS
        self.text_left = limits.MAX_MODEL_TEXT

    def _window(self, start: int, end: int) -> tuple[bytes, int]:
        """Return some bytes and their offset in the file.

        They contain the bytes from ``start`` to ``end``, or at least the first HEAD of them.
        """
        if start < self.near_at or min(start + HEAD, end) > self.near_end:
            self.near, self.near_at = self.data[start : start + WINDOW], start
            self.near_end = start + len(self.near)
            if self.near_end < min(start + HEAD, end):
                raise MalformedError("the file ends too early")
        return self.near, self.near_at

    def fields(self, span: Span, message: type[Message]) -> Fields:
        """Return a message's known fields; other fields are skipped.

        Args:
            span: the place of the message.
            message: the wire types that each field may have; this is the one place where they are checked.

        Raises:
            MalformedError: if the bytes are not such a message, or have more fields than a model may have.
        """
        at, end = span
        found, numbers = Fields(), message.numbers
        found.wire = self
        data, base, edge = b"", at, 0
        at, stop = 0, end - at
        count, most = 0, self.fields_left
        while at < stop:
            if at >= edge:
                start = at + base
                data, base = self._window(start, end)
                at, stop = start - base, end - base
                edge = stop if stop <= len(data) else len(data) - HEAD + 1
            count += 1
            key = data[at]
            if key < 128:  # nearly all keys have one byte, for which a call would take longer than the rest
                at += 1
            else:
                key, at = varint(data, at, stop)
            number, wire = numbers.get(key), key & 7
            if wire == BYTES:
                length = data[at] if at < stop else 128
                if length < 128:
                    at += 1
                else:
                    length, at = varint(data, at, stop)
                value: int | Span = (base + at, base + at + length)
                at += length
            elif wire == VARINT:
                value = data[at] if at < stop else 128
                if value < 128:
                    at += 1
                else:
                    value, at = varint(data, at, stop)
            elif wire in (FIXED32, FIXED64):
                width = 4 if wire == FIXED32 else 8
                value = (base + at, base + at + width)
                at += width
            else:
                raise MalformedError(f"wire type {wire} at byte {base + at}")
            if at > stop:
                raise self._cut_off(end, base + at)
            if number is not None:
                found.setdefault(number, []).append(value)
            elif key >> 3 in numbers.values():
                raise MalformedError(f"field {key >> 3} at byte {base + at} has wire type {wire}")
            if count > most:
                raise MalformedError(f"there are more than {limits.MAX_MODEL_FIELDS:,} fields")
        self.fields_left -= count
        return found

    def _cut_off(self, end: int, field_end: int) -> MalformedError:
        """Return the error for a field that reaches beyond its message."""
        what = "the file is cut off: it" if end == self.size else "a message"
        return MalformedError(f"{what} ends at byte {end:,}, a field in it at byte {field_end:,}")

    def count_parts(self, count: int) -> None:
        """Count operators or tensors.  Raises MalformedError if there are too many."""
        self.parts_left -= count
        if self.parts_left < 0:
            raise MalformedError(f"there are more than {limits.MAX_MODEL_PARTS:,} operators and tensors")

    def bytes_at(self, span: Span) -> bytes:
        """Return the bytes of a value."""
        start, end = span
        if start >= self.near_at and end <= self.near_end:
            return self.near[start - self.near_at : end - self.near_at]
        return self.data[start:end]

    def text(self, span: Span, most: int = limits.MAX_MODEL_NAME) -> str:
        """Return a value as text.  Raises MalformedError if it, or all text together, is too long."""
        start, end = span
        self.text_left -= end - start
        if end - start > most:
            raise MalformedError(f"a name of {end - start:,} bytes")
        if self.text_left < 0:
            raise MalformedError(f"its names have more than {limits.MAX_MODEL_TEXT:,} bytes")
        return self.bytes_at(span).decode("utf-8", "replace")

    def _count_list(self, span: Span) -> None:
        """Count the bytes of a list.  Raises MalformedError if all lists together are too long."""
        self.lists_left -= span[1] - span[0]
        if self.lists_left < 0:
            raise MalformedError(
                f"the lists of its attributes and sizes have more than {limits.MAX_MODEL_LISTS:,} bytes"
            )

    def listed(self, value: int | Span) -> list[int]:
        """Return the integers of one field of an attribute, or of sizes: packed ones, or a single one."""
        if isinstance(value, int):
            return [signed(value)]
        self._count_list(value)
        return self.varints(value)

    def varints(self, span: Span) -> list[int]:
        """Return the packed integers of a value, as signed ones."""
        data = self.bytes_at(span)
        numbers, at = [], 0
        while at < len(data):
            number, at = varint(data, at, len(data))
            numbers.append(signed(number))
        return numbers

    def floats(self, span: Span) -> list[float]:
        """Return the numbers of one field of an attribute, of four bytes each."""
        self._count_list(span)
        data = self.bytes_at(span)
        if len(data) % 4:
            raise MalformedError(f"{len(data)} bytes are not a list of float32")
        return list(struct.unpack(f"<{len(data) // 4}f", data))


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the integer at an offset, and the offset after it.

    Raises:
        MalformedError: if it has more than ten bytes, or its message ends before it.
    """
    if at >= end:
        raise MalformedError("a field ends too early")
    byte = data[at]
    at += 1
    if byte < 128:
        return byte, at
    number, shift = byte & 127, 7
    for place in range(at, min(at + MAX_VARINT_BYTES - 1, end)):
        byte = data[place]
        number |= (byte & 127) << shift
        if byte < 128:
            return number & 0xFFFFFFFFFFFFFFFF, place + 1
        shift += 7
    raise MalformedError("an integer has no end")


def signed(number: int) -> int:
    """Return an integer of 64 bits as a signed one."""
    return number - (1 << 64) if number >> 63 else number
