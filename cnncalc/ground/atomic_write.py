"""Atomic file writes: a file is written completely, or left as it was."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from stat import S_ISREG
from typing import BinaryIO

from cnncalc.ground.errors import CnncalcError

_MOST_LINKS = 40
"""Most symbolic links in a path, as on Linux."""

_DESCRIPTORS = re.compile(r"/dev/fd|/proc/(\d+)(?:/task/\d+)?/fd").fullmatch
_unfinished = set[str]()  # temporary files and folders of this process


@contextmanager
def whole_file(path: str) -> Iterator[BinaryIO]:
    """Yield a temporary file that replaces ``path`` when the block ends without an exception.

    Until then only its owner can read it; then it gets the mode of the file that it replaces, or the umask's default.
    Its ``name`` is a path, for libraries that write by name. Pipes, devices and descriptors (``/dev/stdout``,
    ``/dev/fd/3``) are written to directly.

    Raises:
        CnncalcError: where ``path`` can't be written.
        BrokenPipeError: if it is a pipe whose reader has closed it.
    """
    try:
        target = _followed(path)
        descriptor = _descriptor(target)
        if descriptor is not None:
            with os.fdopen(descriptor, "wb") as file:
                yield file
        elif _is_special(target):
            with open(target, "wb") as file:
                yield file
        else:
            replacement = Replacement(target)
            try:
                with replacement.file as file:
                    yield file
                replacement.place()
            finally:
                replacement.drop()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: str, error: OSError) -> CnncalcError:
    """Return the error for a file that can't be written."""
    folder = os.path.dirname(os.path.realpath(path) if os.path.islink(path) else path) or os.curdir
    reason = error.strerror or str(error)
    if isinstance(error, IsADirectoryError):
        reason = "it is a folder"
    elif isinstance(error, FileNotFoundError) and not os.path.isdir(folder):
        reason = f"there is no folder {folder}"
    return CnncalcError(f"can't write {path}: {reason}")


def write_whole(path: str, data: bytes | Iterable[bytes | memoryview]) -> None:
    """Write bytes, or chunks one by one, as :func:`whole_file` does.

    Raises:
        CnncalcError: where ``path`` can't be written.
        BrokenPipeError: if it is a pipe whose reader has closed it.
    """
    with whole_file(path) as file:
        file.writelines([data] if isinstance(data, bytes) else data)


def write_folder(path: str, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files into a new folder: completely or not at all. The folder may exist if it is empty.

    Raises:
        CnncalcError: if the folder is not empty, or can't be written.
    """
    from shutil import rmtree

    target = os.path.abspath(path)
    if os.path.lexists(target) and not (os.path.isdir(target) and not os.listdir(target)):
        raise CnncalcError(f"can't write {path}: it exists and is not an empty folder")
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:80]}.{os.urandom(6).hex()}")
    _unfinished.add(temporary)
    try:
        os.mkdir(temporary)
        for file, data in files:
            with open(os.path.join(temporary, file), "xb") as stream:
                stream.write(data)
        os.replace(temporary, target)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        rmtree(temporary, ignore_errors=True)
        _unfinished.discard(temporary)


def remove_unfinished() -> None:
    """Remove this process's temporary files and folders, after an interruption by a signal."""
    for temporary in list(_unfinished):
        with suppress(OSError):
            if os.path.isdir(temporary):
                from shutil import rmtree

                rmtree(temporary)
            else:
                os.unlink(temporary)


def is_replaced(path: str) -> bool:
    """Whether writing to ``path`` would replace an existing file, rather than write to a pipe or a device."""
    try:
        target = _followed(path)
        return os.path.isfile(target) and not _in_descriptors(target)
    except OSError:
        return False


def is_regular(path: str) -> bool:
    """Whether writing to ``path`` makes a regular file: not a pipe, a device or a descriptor."""
    try:
        target = _followed(path)
        return not _in_descriptors(target) and not _is_special(target)
    except OSError:
        return True  # writing will report the error


def _followed(path: str) -> str:
    """Return a path with its links followed, except links to descriptors.

    Raises:
        OSError: for a loop of links.
    """
    target = path
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(target)
        target = os.path.join(os.path.realpath(folder), name)
        if _in_descriptors(target) or not os.path.islink(target):
            return target
        target = os.path.join(os.path.dirname(target), os.readlink(target))
    from errno import ELOOP

    raise OSError(ELOOP, os.strerror(ELOOP), path)


def _in_descriptors(target: str) -> bool:
    folder, name = os.path.split(target)
    return name.isdecimal() and _DESCRIPTORS(folder) is not None


def _descriptor(target: str) -> int | None:
    """Return a descriptor for a path like ``/dev/fd/3``; None for any other path."""
    if not _in_descriptors(target):
        return None
    folder, name = os.path.split(target)
    found = _DESCRIPTORS(folder)
    if found and found[1] in (None, str(os.getpid())):
        return os.dup(int(name))  # opening it by name would write from its beginning
    return os.open(target, os.O_WRONLY | os.O_APPEND)


def _is_special(target: str) -> bool:
    """Whether the path exists and is not a regular file."""
    try:
        return not S_ISREG(os.stat(target).st_mode)
    except FileNotFoundError:
        return False


class Replacement:
    """A temporary file that replaces another one, or becomes a new one.

    Attributes:
        file: to write to.
    """

    def __init__(self, path: str) -> None:
        """Open the file.  Raises OSError."""
        self._target = _followed(path)
        folder, name = os.path.split(self._target)
        self._temporary = os.path.join(folder, f".{name[:80]}.{os.urandom(6).hex()}")
        _unfinished.add(self._temporary)
        try:
            self.file = open(self._temporary, "xb", opener=lambda path, flags: os.open(path, flags, 0o600))  # noqa: SIM115
        except BaseException:
            self.drop()
            raise

    def place(self) -> None:
        """Move the file to its place, with the mode of the file that it replaces, or the umask's default."""
        mode = os.stat(self._target).st_mode & 0o777 if os.path.exists(self._target) else 0o666 & ~_umask()
        os.chmod(self._temporary, mode)
        os.replace(self._temporary, self._target)
        _unfinished.discard(self._temporary)

    def drop(self) -> None:
        """Close and remove the file if it has not been moved to its place."""
        if hasattr(self, "file"):
            with suppress(OSError):  # on a full disk
                self.file.close()
        if self._temporary in _unfinished:
            with suppress(FileNotFoundError):
                os.unlink(self._temporary)
            _unfinished.discard(self._temporary)


def _umask() -> int:
    """Return the umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
