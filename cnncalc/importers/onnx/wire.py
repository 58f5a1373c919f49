"""Protocol Buffers' wire format, as far as ONNX needs it: fields with their numbers, checked and bounded.

https://protobuf.dev/programming-guides/encoding.  A message is a sequence of fields, each a key (number and wire type)
and a value.  Of a value of bytes the place in the file is returned, so that nothing is copied.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from typing import Any, ClassVar, TypeAlias

from cnncalc.ground import limits

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WIDTHS = {FIXED64: 8, FIXED32: 4}
"""Bytes of a value of each wire type whose values are equally long."""

MAX_VARINT_BYTES = 10
HEAD = 2 * MAX_VARINT_BYTES + limits.MAX_MODEL_NAME
"""The most bytes of a field's key together with its integer, or with its length and its text."""

WINDOW = 1 << 16
"""Bytes that are read at once from a file that is not in memory."""

FieldKind: TypeAlias = "tuple[tuple[int, ...], bool, bool]"
"""The wire types that a field may have; whether its values are texts; and whether it may stand several times."""

Fields: TypeAlias = "dict[int, Any]"
"""The fields of a message that was read, by their numbers: integers, texts, and the places of all others.

What stands under the number of a field that may be repeated is a list.
"""

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
        known: for each key that a field may have, its number, whether it is a text, and whether it may be repeated.
            The fields that a message does not describe are messages, or bytes, and may be repeated.
    """

    known: ClassVar[dict[int, tuple[int, bool, bool]]]

    def __init_subclass__(cls, **described: FieldKind) -> None:
        fields = [
            (number, described.get(name, ((BYTES,), False, True)))
            for name, number in vars(cls).items()
            if name.isupper()
        ]
        cls.known = {number << 3 | wire: (number, *kind) for number, (wires, *kind) in fields for wire in wires}


UNKNOWN = (0, False, False)
"""What a message says about a key that none of its fields has."""


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
        """Return the known fields of the message at a place; other fields are skipped.

        ``message`` says what each field may be; this is the one place where it is checked.

        Raises:
            MalformedError: if the bytes are not such a message, or have more fields or text than a model may have.
        """
        found: Fields = {}
        known, data, base = message.known, self.near, self.near_at
        at, stop = span[0] - base, span[1] - base
        edge = stop if at >= 0 and stop <= len(data) else at
        count, most, text_left = 0, self.fields_left, self.text_left
        while at < stop:
            if at >= edge:
                start = at + base
                data, base = self._window(start, span[1])
                at, stop = start - base, span[1] - base
                edge = stop if stop <= len(data) else len(data) - HEAD + 1
            count += 1
            key = data[at]
            at += 1
            if key > 127:  # nearly all keys have one byte, for which a call would take longer than the rest
                key, at = varint(data, at - 1, stop)
            number, is_text, is_repeated = known.get(key, UNKNOWN)
            wire = key & 7
            value: Any
            if wire in WIDTHS:
                size = WIDTHS[wire]
            else:
                value = data[at] if at < stop else 128
                if value < 128:
                    at += 1
                else:
                    value, at = varint(data, at, stop)
                size = value if wire else 0
            at += size
            if at > stop:
                raise self._cut_off(span[1], base + at)
            if is_text:
                text_left -= size
                if size > limits.MAX_MODEL_NAME or text_left < 0:
                    raise _too_long(size)
                value = data[at - size : at].decode("utf-8", "replace")
            elif wire:
                value = (base + at - size, base + at)
            if is_repeated:
                if number in found:
                    found[number].append(value)
                else:
                    found[number] = [value]
            elif number:
                found[number] = value
            else:
                _check_unknown(key, base + at, message)
            if count > most:
                raise MalformedError(f"there are more than {limits.MAX_MODEL_FIELDS:,} fields")
        self.fields_left -= count
        self.text_left = text_left
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

    def text(self, span: Span, most: int) -> str:
        """Return a text of at most ``most`` bytes; "" for a longer one.  Raises MalformedError if there is too much."""
        size = span[1] - span[0]
        if size > most:
            return ""
        self.text_left -= size
        if self.text_left < 0:
            raise _too_long(size)
        return self.bytes_at(span).decode("utf-8", "replace")

    def _count_list(self, span: Span) -> None:
        """Count the bytes of a list.  Raises MalformedError if all lists together are too long."""
        self.lists_left -= span[1] - span[0]
        if self.lists_left < 0:
            raise MalformedError(
                f"the lists of its attributes and sizes have more than {limits.MAX_MODEL_LISTS:,} bytes"
            )

    def integers(self, values: Iterable[int | Span]) -> list[int]:
        """Return the integers of one field of an attribute, or of sizes: single ones, or packed ones."""
        found: list[int] = []
        for value in values:
            if isinstance(value, int):
                found.append(signed(value))
            else:
                self._count_list(value)
                found += self.varints(value)
        return found

    def varints(self, span: Span) -> list[int]:
        """Return the packed integers of a value, as signed ones."""
        data = self.bytes_at(span)
        numbers, at = [], 0
        while at < len(data):
            number, at = varint(data, at, len(data))
            numbers.append(signed(number))
        return numbers

    def floats(self, span: Span) -> tuple[float, ...]:
        """Return the numbers of one field of an attribute, of four bytes each."""
        self._count_list(span)
        data = self.bytes_at(span)
        if len(data) % 4:
            raise MalformedError(f"{len(data)} bytes are not a list of float32")
        return struct.unpack(f"<{len(data) // 4}f", data)


def _check_unknown(key: int, end: int, message: type[Message]) -> None:
    """Raise MalformedError for a field, ending at ``end``, that a message knows with other wire types."""
    number, wire = key >> 3, key & 7
    if wire not in (VARINT, FIXED64, BYTES, FIXED32):
        raise MalformedError(f"wire type {wire} before byte {end}")
    if any(number == known for known, *_ in message.known.values()):
        raise MalformedError(f"field {number} before byte {end} has wire type {wire}")


def _too_long(size: int) -> MalformedError:
    """Return the error for a text that is too long, or with which all texts together are too long."""
    if size > limits.MAX_MODEL_NAME:
        return MalformedError(f"a name of {size:,} bytes")
    return MalformedError(f"its names have more than {limits.MAX_MODEL_TEXT:,} bytes")


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
