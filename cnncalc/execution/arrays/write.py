"""Write arrays to files, atomically."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from typing import IO

import numpy as np

from cnncalc.execution.arrays.read import SAFETENSORS, Header
from cnncalc.ground.atomic_write import whole_file
from cnncalc.ground.errors import CnncalcError
from cnncalc.layers.interfaces import Array

KINDS = (".npz", ".safetensors")


def write_arrays(path: str, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name to an .npz or .safetensors file; the same arrays give the same bytes.

    The file is written completely, or left as it was.

    Raises:
        CnncalcError: if it can't be written, or is of another kind.
    """
    write_one_by_one(path, {name: Header(array.shape, array.dtype) for name, array in arrays.items()}, arrays.values())


def write_one_by_one(path: str, headers: Mapping[str, Header], arrays: Iterable[Array]) -> None:
    """Write arrays as :func:`write_arrays` does, each taken when its turn comes.

    Args:
        path: the file.
        headers: what the arrays are, by name.
        arrays: they, in the same order.

    Raises:
        CnncalcError: if the file can't be written, or is of another kind.
    """
    check_target(path)
    with whole_file(path) as file:
        (_safetensors if path.lower().endswith(".safetensors") else _npz)(file, headers, arrays)


def _npz(file: IO[bytes], headers: Mapping[str, Header], arrays: Iterable[Array]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in zip(headers, arrays, strict=True):
            # a new ZipInfo has a fixed date, so that nothing depends on the clock
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def _safetensors(file: IO[bytes], headers: Mapping[str, Header], arrays: Iterable[Array]) -> None:
    """Write the length of the header, the header and the data, little-endian."""
    codes = {code: name for name, code in SAFETENSORS.items()}
    entries: dict[str, object] = {}
    end = 0
    for name, one in headers.items():
        start, end = end, end + one.size
        code = one.dtype.newbyteorder("<").str
        entries[name] = {"dtype": codes[code], "shape": one.shape, "data_offsets": [start, end]}
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the data is aligned for any type
    file.write(len(header).to_bytes(8, "little") + header)
    for array in arrays:
        file.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)


def check_target(path: str) -> None:
    """Refuse a target before any work is done.

    Raises:
        CnncalcError: if the file's type is unknown, or its folder can't be written to.
    """
    if not path.lower().endswith(KINDS):
        raise CnncalcError(f"can't write arrays to {path}", f"name a file that ends in {' or '.join(KINDS)}")
    room = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(room):
        raise CnncalcError(f"can't write {path}: there is no folder {room}")
    if os.path.isdir(path) or not os.access(room, os.W_OK):
        raise CnncalcError(f"can't write {path}: " + ("it is a folder" if os.path.isdir(path) else "no permission"))
