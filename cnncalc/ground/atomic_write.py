"""Atomic file writes: a file is there as a whole, or as it was before."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from stat import S_ISREG
from typing import BinaryIO

from cnncalc.ground.errors import CnncalcError

_MOST_LINKS = 40
"""Symbolic links that a path may go through, as many as Linux allows."""

_DESCRIPTORS = re.compile(r"/dev/fd|/proc/(\d+)(?:/task/\d+)?/fd").fullmatch
_unfinished = set[str]()  # temporary files and folders of this process


@contextmanager
def whole_file(path: str) -> Iterator[BinaryIO]:
    """Yield a file to write to, which takes the place of ``path`` when the block ends without an exception.

    Until then nobody else can read it; then it has the mode of the file that it replaces, or what the umask leaves.
    Its ``name`` is a path, for libraries that write by name.  A pipe, a device or a descriptor of a process
    (``/dev/stdout``, ``/dev/fd/3``) is written to as it stands.

    Raises:
        CnncalcError: where ``path`` can't be written.
        BrokenPipeError: if it is a pipe that nobody reads any more.
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
            yield from _replacing(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CnncalcError(f"can't write {path}: {error.strerror or error}") from None


def write_whole(path: str, data: bytes | Iterable[bytes | memoryview]) -> None:
    """Write bytes, or chunks as they come, as :func:`whole_file` does.

    Raises:
        CnncalcError: where ``path`` can't be written.
        BrokenPipeError: if it is a pipe that nobody reads any more.
    """
    with whole_file(path) as file:
        file.writelines([data] if isinstance(data, bytes) else data)


def write_folder(path: str, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files into a new folder, which is there as a whole or not at all; an empty one may be there.

    Raises:
        CnncalcError: if something is there, or the folder can't be written.
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
        raise CnncalcError(f"can't write {path}: {error.strerror or error}") from None
    finally:
        rmtree(temporary, ignore_errors=True)
        _unfinished.discard(temporary)


def remove_unfinished() -> None:
    """Remove this process's temporary files and folders; for the end of a process that a signal interrupted."""
    for temporary in list(_unfinished):
        with suppress(OSError):
            if os.path.isdir(temporary):
                from shutil import rmtree

                rmtree(temporary)
            else:
                os.unlink(temporary)


def is_replaced(path: str) -> bool:
    """Whether writing to ``path`` would replace a file that is there, and not only write to a pipe or a device."""
    try:
        target = _followed(path)
        return os.path.isfile(target) and not _in_descriptors(target)
    except OSError:
        return False


def is_regular(path: str) -> bool:
    """Whether writing to ``path`` makes a regular file: it is none of a pipe, a device and a descriptor."""
    try:
        target = _followed(path)
        return not _in_descriptors(target) and not _is_special(target)
    except OSError:
        return True  # writing says what is wrong


def _followed(path: str) -> str:
    """Return what a path stands for: its links are followed, but not those that stand for a descriptor.

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
    """Return a descriptor that writes to what a path like ``/dev/fd/3`` stands for; None for any other path."""
    if not _in_descriptors(target):
        return None
    folder, name = os.path.split(target)
    found = _DESCRIPTORS(folder)
    if found and found[1] in (None, str(os.getpid())):
        return os.dup(int(name))  # opened by its name again, it would be written from its beginning
    return os.open(target, os.O_WRONLY | os.O_APPEND)


def _is_special(target: str) -> bool:
    """Whether there is something that is no regular file."""
    try:
        return not S_ISREG(os.stat(target).st_mode)
    except FileNotFoundError:
        return False


class Replacement:
    """A temporary file that takes the place of another one, or of none.

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
        """Let the file take its place, with the mode of what it replaces, or what the umask leaves."""
        mode = os.stat(self._target).st_mode & 0o777 if os.path.exists(self._target) else 0o666 & ~_umask()
        os.chmod(self._temporary, mode)
        os.replace(self._temporary, self._target)
        _unfinished.discard(self._temporary)

    def drop(self) -> None:
        """Close and remove the file where it has not taken its place."""
        if hasattr(self, "file"):
            with suppress(OSError):  # on a full disk
                self.file.close()
        if self._temporary in _unfinished:
            with suppress(FileNotFoundError):
                os.unlink(self._temporary)
            _unfinished.discard(self._temporary)


def _replacing(target: str) -> Iterator[BinaryIO]:
    replacement = Replacement(target)
    try:
        with replacement.file as file:
            yield file
        replacement.place()
    finally:
        replacement.drop()


def _umask() -> int:
    """Return the umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
