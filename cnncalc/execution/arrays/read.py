"""Read arrays from files: the header first, and the data only when needed.

A header is checked against the size of its file, and callers check it against the shape they expect, before anything of
that size is allocated.  Formats: NumPy's .npy and .npz, and safetensors.
"""

from __future__ import annotations

import json
import os
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from math import prod
from typing import IO, TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.given import path as given_path
from cnncalc.ground.limits import MAX_NPY_HEADER_BYTES, MAX_SAFETENSORS_HEADER_BYTES
from cnncalc.layers.interfaces import Array
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_AXES = 64  # as many as NumPy has
CHUNK = 1 << 20

# raised by the readers of zips, JSON and pictures for damaged bytes
DAMAGE = (
    ArithmeticError, EOFError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip

SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip

_VALUE = r"""'[^']*'|"[^"]*"|True|False|\([\d, L]*\)"""
_ITEM = rf"""\s*['"](\w+)['"]\s*:\s*({_VALUE})\s*"""
_HEADER = re.compile(rf"\{{{_ITEM},{_ITEM},{_ITEM}(?:,\s*)?\}}\s*").fullmatch
PICTURES = (".bmp", ".gif", ".tif", ".tiff", ".webp", ".heic", ".avif", ".ppm", ".svg")
"""Suffixes of picture formats that are not read."""

_STATE_DICT = "in PyTorch: safetensors.torch.save_file(net.state_dict(), 'net.safetensors')"
OTHER_TENSORS = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin", ".pkl"), _STATE_DICT),
    ".onnx": "'cnncalc weights model.onnx -o net.safetensors' writes the tensors of a model file",
    **dict.fromkeys((".h5", ".hdf5", ".keras"), "in Python: numpy.savez('net.npz', **tensors)"),
}
"""Suffixes of other files with tensors, which are not read, and how to get a file that is."""

_NUMBERS = re.compile(r"[<>|=]?([?biufc])(\d{0,2})").fullmatch

Entry = TypeVar("Entry")


class Header(NamedTuple):
    """An array's header in a file: its shape, its type, and whether the first axis varies fastest."""

    shape: Shape
    dtype: np.dtype[np.generic]
    fortran: bool = False

    @property
    def size(self) -> int:
        """The bytes that the data takes."""
        return prod(self.shape) * self.dtype.itemsize


class StoredArray:
    """An array in a file, of which the header has been read; ``np.asarray`` reads its data.

    Attributes:
        shape: its shape.
        dtype: its type, numbers of some kind.
        size: the bytes of its data.
        reading: the bytes that reading takes beyond the data.
    """

    def __init__(self, header: Header, read: Callable[[], Array], reading: int = 0) -> None:
        self.shape = header.shape
        self.dtype = header.dtype
        self.size = header.size
        self.reading = reading
        self._read = read

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Return the data.  Raises CnncalcError if it is damaged."""
        data = self._read()
        return data if dtype is None else data.astype(dtype, copy=False)


Stored: TypeAlias = "StoredArray | npt.NDArray[np.generic]"
"""An array, or one in a file: it has a shape and a dtype, and ``np.asarray`` takes it."""


class Archive(Mapping[str, StoredArray], Generic[Entry]):
    """The arrays of a file by name; a header is read when its name is asked for."""

    def __init__(self, entries: Mapping[str, Entry], open_entry: Callable[[str, Entry], StoredArray]) -> None:
        self._entries = entries
        self._open = open_entry

    def __getitem__(self, name: str) -> StoredArray:
        return self._open(name, self._entries[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def open_arrays(path: str) -> StoredArray | Mapping[str, StoredArray]:
    """Return the array of an .npy, or the arrays of an .npz or .safetensors by name.

    Raises:
        CnncalcError: if the file is missing, of another kind, damaged, or has no arrays.
    """
    kind = os.path.splitext(path)[1].lower()
    if kind in PICTURES:
        raise CnncalcError(f"{path}: this picture format is not read", "convert it to .png or .jpg")
    if kind in OTHER_TENSORS and os.path.exists(path):
        raise CnncalcError(f"{path}: tensors are read from .npz and .safetensors, not from {kind}", OTHER_TENSORS[kind])
    known = kind if kind in (".npy", ".npz", ".safetensors") else ".npy, .npz or .safetensors"
    with reading_errors(path, f"is no {known} file, or damaged"):
        with open(path, "rb") as file:
            start = file.read(4)
            file.seek(0)
            if kind == ".safetensors":
                found: StoredArray | Mapping[str, StoredArray] = _safetensors(path, file)
            elif start.startswith(b"PK"):
                found = _npz(path)
            else:
                found = _npy(path, file)
        if isinstance(found, Mapping) and not found:
            raise ValueError("it holds no arrays")
        return found


def named_arrays(given: str | os.PathLike[str] | Mapping[str, npt.ArrayLike]) -> Mapping[str, npt.ArrayLike]:
    """Return arrays by name, from a mapping or from the file at a path.

    Raises:
        CnncalcError: if it is neither, or the file is missing, damaged, or holds an array without a name.
    """
    if isinstance(given, Mapping):
        return given
    path = given_path("weights", given, "a mapping from names to arrays, or a path")
    found = open_arrays(path)
    if not isinstance(found, Mapping):
        raise CnncalcError(
            f"{path} holds a single array without a name", "weights need names, as in an .npz or .safetensors"
        )
    return found


def array_like(x: npt.ArrayLike | StoredArray, what: str = "it") -> Stored:
    """Return the value itself, if it has a shape and a dtype, or else NumPy's array of it.

    Raises:
        CnncalcError: where ``what`` can't be made one.
    """
    if isinstance(x, StoredArray):
        return x
    try:
        return np.asarray(x)
    except Exception as error:  # other libraries' arrays may raise anything
        raise CnncalcError(f"{what} can't be converted to an array: {first_line(error)}") from None


@contextmanager
def reading_errors(place: str, fault: str) -> Iterator[None]:
    """Turn everything that reading a missing or damaged file can raise into one error that names the place."""
    try:
        yield
    except MemoryError:
        raise CnncalcError(f"can't read {place}: out of memory") from None
    except FileNotFoundError:
        raise CnncalcError(f"{place}: no such file") from None
    except OSError as error:
        if error.errno is None:  # a decoder's
            raise CnncalcError(f"{place} {fault}: {first_line(error)}") from None
        raise CnncalcError(f"can't read {place}: {error.strerror}") from None
    except DAMAGE as error:
        raise CnncalcError(f"{place} {fault}: {first_line(error)}") from None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its class's name if it has none."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def _npy(path: str, file: IO[bytes]) -> StoredArray:
    header = npy_header(file)
    return _span(path, path, header, file.tell(), os.fstat(file.fileno()).st_size)


def npy_header(file: IO[bytes]) -> Header:
    """Read an array's header in NumPy's format 1.0 to 3.0.

    The dictionary in it is matched, not parsed as Python: NumPy's own reader raises whatever its tokenizer does.

    Raises:
        ValueError: if it is no such header, or the array does not hold numbers.
    """
    start = file.read(8)
    if start[:6] != b"\x93NUMPY" or start[6:7] not in (b"\1", b"\2", b"\3"):
        raise ValueError("it does not begin as .npy files do")
    size = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(size), "little")
    if length > MAX_NPY_HEADER_BYTES:
        raise ValueError(f"its header would take {length:,} bytes, which is too much")
    text = file.read(length).decode("utf-8" if start[6] == 3 else "latin1")
    match = _HEADER(text)
    items = dict(zip(match.groups()[::2], match.groups()[1::2], strict=True)) if match else {}
    if items.keys() != {"descr", "fortran_order", "shape"} or items["shape"][0] != "(":
        records = re.search(r"['\"]descr['\"]\s*:\s*\[", text)
        raise ValueError("it holds records, not numbers" if records else "its header can't be read")
    axes = [part.strip().rstrip("L") for part in items["shape"][1:-1].split(",")]
    shape = tuple([int(axis) for axis in axes if axis])
    if len(shape) > MAX_AXES:
        raise ValueError(f"its header says {len(shape)} axes")
    return Header(shape, _dtype(items["descr"].strip("'\"")), items["fortran_order"] == "True")


def _dtype(code: str) -> np.dtype[np.generic]:
    if not _NUMBERS(code):
        kinds = {"O": "pickled objects, which are not read", "U": "text, not numbers", "S": "text, not numbers"}
        raise ValueError("it holds " + kinds.get(code.lstrip("<>|=")[:1], f"{code[:20]}, not numbers"))
    return np.dtype(code)


def _span(path: str, place: str, header: Header, start: int, stop: int) -> StoredArray:
    """Return the array whose bytes begin at `start` of a file and end at `stop` at most."""
    if header.size > stop - start:
        raise _size_error(header, stop - start)

    def read() -> Array:
        with reading_errors(place, "is damaged"):
            flat = np.fromfile(path, header.dtype, prod(header.shape), offset=start)
            if len(flat) < prod(header.shape):
                raise EOFError("it ends early")
            return flat.reshape(header.shape, order="F" if header.fortran else "C")

    return StoredArray(header, read)


def _size_error(header: Header, follow: int) -> ValueError:
    said = f"its header says {sizes(header.shape)} of {header.dtype}, {header.size:,} bytes"
    return ValueError(f"{said}; {follow:,} follow")


def sizes(shape: Sequence[object]) -> str:
    """Return an array's shape as text for messages: ``(N, 3, 8, 8)``."""
    return "(" + ", ".join(map(str, shape)) + ")"


def _npz(path: str) -> Archive[zipfile.ZipInfo]:
    archive = zipfile.ZipFile(path)
    listed = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    members = {member.filename: member for member in listed}
    if len(members) < len(listed):
        raise ValueError(f"it holds {_first_repeated([member.filename for member in listed])} twice")
    return Archive({name[:-4]: member for name, member in members.items()}, partial(_member, path, archive))


def _member(path: str, archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> StoredArray:
    place = f"'{name}' of {path}"
    with reading_errors(place, "can't be read"):
        if member.flag_bits & 1:
            raise ValueError("it is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"it is compressed by method {member.compress_type}; NumPy stores or deflates")
        with archive.open(member) as file:
            header = npy_header(file)
            start = file.tell()
        if header.size != member.file_size - start:
            raise _size_error(header, member.file_size - start)

    def read() -> Array:
        with reading_errors(place, "is damaged"):
            array = np.empty(header.shape, header.dtype, order="F" if header.fortran else "C")
            data = array.reshape(-1, order="A").view(np.uint8)
            with archive.open(member) as file:
                file.read(start)
                done = 0
                while done < len(data):
                    chunk = file.read(min(CHUNK, len(data) - done))
                    if not chunk:
                        raise EOFError("it ends early")
                    data[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
                    done += len(chunk)
                file.read(1)  # the checksum is verified at the end
            return array

    return StoredArray(header, read)


def _safetensors(path: str, file: IO[bytes]) -> Archive[object]:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, MAX_SAFETENSORS_HEADER_BYTES):
        follow = max(size - 8, 0)
        why = f"; {follow:,} follow" if length > follow else f", more than {MAX_SAFETENSORS_HEADER_BYTES:,}"
        raise ValueError(f"its header would take {length:,} bytes{why}")
    entries = json.loads(file.read(length).decode(), object_pairs_hook=_unique_keys)
    if not isinstance(entries, dict):
        raise ValueError("its header is not a JSON object")
    entries.pop("__metadata__", None)
    _check_overlaps(entries)
    return Archive(entries, partial(_tensor, path, 8 + length, size))


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the pairs of a JSON object; refuse duplicate keys."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError(f"its header holds {_first_repeated([key for key, _ in pairs])} twice")
    return made


def _first_repeated(names: Sequence[str]) -> str:
    """Return the first name that occurs more than once."""
    return next(f"'{name[:80]}'" for name, count in Counter(names).items() if count > 1)


def _check_overlaps(entries: Mapping[str, object]) -> None:
    """Refuse tensors that share bytes, which the format forbids. Invalid ranges are refused when the tensor is read."""
    ranges = []
    for name, entry in entries.items():
        offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
        if isinstance(offsets, list) and len(offsets) == 2 and all(type(offset) is int for offset in offsets):
            ranges.append((*offsets, name))
    ranges.sort()
    for (_, stop, name), (start, end, other) in pairwise(ranges):
        if start < stop and start < end:
            raise ValueError(f"the bytes of '{name[:80]}' and '{other[:80]}' overlap")


def _tensor(path: str, base: int, size: int, name: str, entry: object) -> StoredArray:
    """Return one tensor of a safetensors file, whose data begins at byte `base` of `size`."""
    place = f"'{name}' of {path}"
    with reading_errors(place, "can't be read"):
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise ValueError("its entry in the header lacks dtype, shape or data_offsets")
        if entry["dtype"] not in SAFETENSORS:
            raise ValueError(f"its dtype {str(entry['dtype'])[:20]} is none of {', '.join(SAFETENSORS)}")
        figures = [*entry["shape"], *entry["data_offsets"]]
        if len(entry["data_offsets"]) != 2 or not all(type(figure) is int and figure >= 0 for figure in figures):
            raise ValueError("its shape and data_offsets are not numbers from 0 up")
        start, stop = entry["data_offsets"]
        header = Header(tuple(entry["shape"]), np.dtype(SAFETENSORS[entry["dtype"]]))
        if header.size != stop - start:
            raise ValueError(
                f"{sizes(header.shape)} of {entry['dtype']} takes {header.size:,} bytes, not {stop - start:,}"
            )
        return _span(path, place, header, base + start, size)
