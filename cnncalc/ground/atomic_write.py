"""Files that are there as a whole, or as they were before."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from cnncalc.ground.errors import CnncalcError


@contextmanager
def whole_file(path: str) -> Iterator[BinaryIO]:
    """Yield a file to write to, which takes the place of ``path`` when the block ends without an exception.

    Until then nobody else can read it; then it has the mode of the file that it replaces, or what the umask leaves.
    Its ``name`` is a path, for libraries that write by name.  A pipe or a device is written as it stands.

    Raises:
        CnncalcError: where ``path`` can't be written.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as file:
                yield file
        else:
            yield from _replacing(os.path.realpath(path))
    except OSError as error:
        raise CnncalcError(f"can't write {path}: {error.strerror or error}") from None


def write_whole(path: str, data: bytes | Iterable[bytes]) -> None:
    """Write bytes, or chunks as they come, as :func:`whole_file` does.

    Raises:
        CnncalcError: where ``path`` can't be written.
    """
    with whole_file(path) as file:
        file.writelines([data] if isinstance(data, bytes) else data)


def _replacing(target: str) -> Iterator[BinaryIO]:
    from tempfile import mkstemp  # 5 ms, for those who write

    mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o666 & ~_umask()
    descriptor, temporary = mkstemp(prefix=f".{os.path.basename(target)[:80]}.", dir=os.path.dirname(target))
    try:
        with open(temporary, "wb", opener=lambda *_: descriptor) as file:
            yield file
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _umask() -> int:
    """Return the umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
