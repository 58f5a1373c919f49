"""Arrays to files, whole or not at all."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.errors import CnncalcError

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array


def write_arrays(path: str, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name to an .npz or .safetensors file; the same arrays give the same bytes.

    The file is there as a whole, or as it was before.

    Raises:
        CnncalcError: where it can't be written, or is of another kind.
    """
    check_target(path)
    write: Callable[[str, Mapping[str, Array]], None]
    write = _safetensors if path.lower().endswith(".safetensors") else _npz
    target = os.path.realpath(path)
    temporary = f"{target}.{os.getpid()}.partial"
    try:
        try:
            write(temporary, arrays)
            os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
    except OSError as error:
        raise CnncalcError(f"can't write {path}: {error.strerror or error}") from None


def _npz(path: str, arrays: Mapping[str, Array]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # a ZipInfo of its own has no date, so that nothing depends on the clock
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def _safetensors(path: str, arrays: Mapping[str, Array]) -> None:
    try:
        from safetensors.numpy import save_file
    except ImportError:
        raise CnncalcError(f"{path}: writing it needs safetensors", "pip install 'cnncalc[safetensors]'") from None
    contiguous: dict[str, Any] = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(contiguous, path)


def check_target(path: str) -> None:
    """Refuse a target before the work is done.

    Raises:
        CnncalcError: where its kind or its folder won't do.
    """
    if not path.lower().endswith((".npz", ".safetensors")):
        raise CnncalcError(f"can't write arrays to {path}", "name a file that ends in .npz or .safetensors")
    room = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(room):
        raise CnncalcError(f"can't write {path}: there is no folder {room}")
    if os.path.isdir(path) or not os.access(room, os.W_OK):
        raise CnncalcError(f"can't write {path}: " + ("it is a folder" if os.path.isdir(path) else "no permission"))
