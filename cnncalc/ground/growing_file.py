"""A file that is written for hours: it grows in place, and a second file records how to continue it.

Until the first checkpoint it is invisible, and an existing file of its name is unchanged. From then on it holds
complete pieces up to the last checkpoint, and ``NAME.progress`` records what is being written, how many bytes are
valid, and the caller's state there. That file is removed when the first one is complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import IO, Any, NamedTuple
from zlib import crc32

from cnncalc.ground.atomic_write import Replacement, unwritable, write_whole
from cnncalc.ground.errors import CnncalcError

SECONDS = 1.0
"""The least time between two checkpoints, in seconds."""

SUFFIX = ".progress"
"""The suffix of the file that records the progress of another file."""

_FORM = "cnncalc progress 1"
_BLOCK = 1 << 20


class Begun(NamedTuple):
    """The recorded progress of an unfinished file.

    Attributes:
        of: identity of what is being written, texts by name.
        bytes: number of valid bytes; the rest was written after the last checkpoint.
        checksum: CRC-32 of the valid bytes.
        state: the caller's state.
    """

    of: Mapping[str, object]
    bytes: int
    checksum: int
    state: Mapping[str, Any]


def begun(path: str) -> Begun | None:
    """Return the recorded progress of an unfinished file; None if there is none.

    Raises:
        CnncalcError: if the progress file is invalid, or belongs to another file.
    """
    try:
        with open(path + SUFFIX, "rb") as file:
            found = json.loads(file.read(_BLOCK))
        if found["form"] == _FORM:
            return Begun(dict(found["of"]), int(found["bytes"]), int(found["checksum"]), dict(found["state"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CnncalcError(f"can't read {path}{SUFFIX}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        pass
    raise CnncalcError(f"{path}{SUFFIX} is not a progress file of cnncalc", "remove it")


class GrowingFile:
    """A file to write to, piece by piece; use it as a context, and call :meth:`finish` or :meth:`leave` at the end."""

    def __init__(self, path: str, of: Mapping[str, object], found: Begun | None = None) -> None:
        """Begin a file, or continue an unfinished one: everything after its last checkpoint is cut off.

        Args:
            path: a regular file, or nothing yet.
            of: identity of what is being written, compared when it is continued.
            found: the progress of the file to continue.

        Raises:
            CnncalcError: if it can't be written, its first bytes have changed, or ``path`` + ``.progress`` is not ours.
        """
        self.path = path
        self._of = of
        self._state: Mapping[str, object] = found.state if found else {}
        self._bytes, self._checksum = self._whole = (found.bytes, found.checksum) if found else (0, 0)
        self._on_disk = self._bytes
        self._last = monotonic() if found else None
        self._replacement: Replacement | None = None
        self._file: IO[bytes]
        with _writing(path):
            if found is None:
                begun(path)
                self._replacement = Replacement(path)
                self._file = self._replacement.file
                return
            self._file = open(path, "r+b")  # noqa: SIM115 - closed by __exit__
            try:
                if _checksum(self._file, found.bytes) != found.checksum:
                    raise CnncalcError(f"{path} has changed since it was written: its first bytes differ")
                self._file.truncate(found.bytes)
                self._file.seek(found.bytes)
            except BaseException:
                self._file.close()
                raise

    def write(self, data: bytes) -> None:
        """Append bytes.  Raises CnncalcError if that can't be done."""
        with _writing(self.path):
            self._file.write(data)
        self._bytes += len(data)
        self._checksum = crc32(data, self._checksum)

    def checkpoint(self, state: Mapping[str, object]) -> None:
        """Mark the file as complete up to here; from time to time this is saved to disk."""
        self._state, self._whole = state, (self._bytes, self._checksum)
        now = monotonic()
        if self._last is None:
            self._last = now
            with _writing(self.path):
                self._file.flush()
        if now - self._last >= SECONDS:
            self._last = now
            self._keep()

    def finish(self) -> None:
        """Close a complete file."""
        with _writing(self.path):
            self._file.flush()
            self._show()
            self._file.close()
            with suppress(FileNotFoundError):
                os.unlink(self.path + SUFFIX)

    def leave(self) -> None:
        """Close an unfinished file at its last checkpoint, so that it can be continued."""
        try:
            self._keep()
        finally:
            if self._replacement is None:
                with suppress(OSError):  # on a full disk
                    self._file.close()
                with _writing(self.path):
                    os.truncate(self.path, self._on_disk)

    def __enter__(self) -> GrowingFile:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Leave an unfinished file at its last checkpoint; remove it if it is not visible yet."""
        if self._file.closed:
            return
        if self._replacement is not None:
            self._replacement.drop()
            return
        with suppress(CnncalcError):
            self.leave()

    def _show(self) -> None:
        """Move the file to its place, unless that is done."""
        if self._replacement is not None:
            self._replacement.place()
            self._replacement = None

    def _keep(self) -> None:
        """Write the progress at the last checkpoint."""
        with _writing(self.path):
            self._file.flush()
            self._show()
            self._on_disk = self._whole[0]
        count, checksum = self._whole
        known = {"form": _FORM, "of": self._of, "bytes": count, "checksum": checksum, "state": self._state}
        write_whole(self.path + SUFFIX, json.dumps(known, indent=1).encode())


class StandingFile(GrowingFile):
    """A file that may already be complete: writes are compared with its content."""

    def __init__(self, path: str, otherwise: CnncalcError) -> None:
        """Open the file; ``otherwise`` is raised if its content differs from what is written."""
        self.path = path
        self._otherwise = otherwise
        self._replacement = None
        with _writing(path):
            self._file = open(path, "rb")  # noqa: SIM115 - closed by __exit__

    def write(self, data: bytes) -> None:
        """Raise the error if the file has other bytes in this place."""
        if self._file.read(len(data)) != data:
            raise self._otherwise

    def checkpoint(self, state: Mapping[str, object]) -> None:
        """Do nothing: the file stays as it is."""

    def finish(self) -> None:
        """Raise the error if the file is longer."""
        more = self._file.read(1)
        self._file.close()
        if more:
            raise self._otherwise

    def leave(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def _writing(path: str) -> Iterator[None]:
    """Convert system errors to the usual message for files."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from None


def _checksum(file: IO[bytes], count: int) -> int | None:
    """Return the checksum of a file's first bytes; None if it has fewer."""
    found = 0
    while count:
        block = file.read(min(count, _BLOCK))
        if not block:
            return None
        found = crc32(block, found)
        count -= len(block)
    return found
