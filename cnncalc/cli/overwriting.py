"""Refuse to write files that the command reads, under whatever name, and files too large for the disk."""

from __future__ import annotations

import os
from stat import S_ISREG

import click

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import bytes_text

_READ = "cnncalc.read"
FileIdentity = tuple[int, int]


def note_read(file: str | int) -> None:
    """Note a file, by its path or its descriptor, that the running command reads."""
    identity, context = _identity(file), click.get_current_context(silent=True)
    if identity is not None and context is not None:
        context.meta.setdefault(_READ, {})[identity] = file


def refuse_overwriting(option: str, path: str) -> None:
    """Raise CnncalcError if the file that an option names is one that the running command reads."""
    identity, context = _identity(path), click.get_current_context(silent=True)
    if identity is None or context is None or identity not in context.meta.get(_READ, {}):
        return
    file = context.meta[_READ][identity]
    name = "standard input" if file == 0 else file
    also = "" if name == path else f", which is {name}"
    raise CnncalcError(f"{option} {path}{also}: this command reads that file and won't overwrite it")


def refuse_other_suffix(option: str, path: str | None) -> None:
    """Raise CnncalcError if an option names a file for a spec whose suffix is that of something else."""
    suffix = os.path.splitext(path or "")[1].lower()
    if suffix not in ("", ".yaml", ".yml", ".txt"):
        raise CnncalcError(f"{option} {path}: a spec is YAML, not '{suffix}'", "give it the suffix .yaml")


def refuse_replacing(option: str, path: str | None, force: bool) -> None:
    """Raise CnncalcError if an option names an existing file of a kind that is not lightly overwritten."""
    from cnncalc.ground.atomic_write import is_replaced

    if path is None:
        return
    refuse_overwriting(option, path)
    if not force and is_replaced(path):
        raise CnncalcError(f"{option} {path}: the file exists", "--force overwrites it")


def refuse_too_large(option: str, path: str, size: int) -> None:
    """Raise CnncalcError if an option's file will need more bytes than its disk has free."""
    from shutil import disk_usage

    try:
        free = disk_usage(os.path.dirname(os.path.realpath(path))).free
    except (OSError, ValueError):
        return  # an unwritable folder is reported when the file is opened
    if size > free and not (os.path.exists(path) and not os.path.isfile(path)):
        raise CnncalcError(
            f"{option} {path}: the weights take {bytes_text(size)}, but {bytes_text(free)} are free there"
        )


def _identity(file: str | int) -> FileIdentity | None:
    """Return the identity of a regular file, independent of its name; None for anything else."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if S_ISREG(found.st_mode) else None
