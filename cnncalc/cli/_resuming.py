"""``--resume``: continue the file of an interrupted sweep, if the sweep is the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, TypeVar

from cnncalc.cli.output import Output
from cnncalc.cli.overwriting import refuse_overwriting
from cnncalc.ground.atomic_write import is_regular
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.growing_file import SUFFIX, Begun, GrowingFile, StandingFile, begun
from cnncalc.language.recipe import Recipe
from cnncalc.rendering.writers import FORMATS, View
from cnncalc.studies.sweep.identity import code_identity

HEADED = {"ndjson": 0, "csv": 1, "tsv": 1}
"""Formats that can be written row by row, with their number of header lines."""

_ANEW = "leave out --resume to start over"

T = TypeVar("T")


def grows(out: Output, resume: bool, by_rows: bool) -> bool:
    """Return whether a sweep's file grows row by row.

    Raises:
        CnncalcError: if it does not, and ``--resume`` is given.
    """
    if out.path is not None and out.format in HEADED and by_rows and is_regular(out.path):
        return True
    if not resume:
        return False
    if out.path is None or not is_regular(out.path):
        raise CnncalcError("--resume continues a file", "name it: -o FILE")
    if not by_rows:
        raise CnncalcError(
            "--resume needs rows as they are computed; --sort, --top and --pareto have them only at the end"
        )
    raise CnncalcError(
        f"--resume can't continue {out.format}, which is written as a whole",
        f"formats that can be continued: {', '.join(HEADED)}",
    )


def opened(path: str, resume: bool, of: Mapping[str, object]) -> tuple[GrowingFile, Mapping[str, Any] | None]:
    """Open the file; return it with the recorded state of the sweep, None for a new file or one without a record.

    Args:
        path: of the file.
        resume: whether to continue an existing file.
        of: everything that determines its bytes, from :func:`identity`.

    Raises:
        CnncalcError: if it can't be written, is read by this command, or belongs to another sweep.
    """
    for name in (path, path + SUFFIX):
        refuse_overwriting("-o", name)
    found = begun(path) if resume else None
    if found is None:
        if resume and os.path.exists(path):
            message = f"--resume: {path} is not an unfinished file of this sweep"
            return StandingFile(path, CnncalcError(message, _ANEW)), None
        return GrowingFile(path, of), None
    if not os.path.exists(path):
        raise CnncalcError(f"--resume: {path} is gone, but {path}{SUFFIX} is there", _ANEW)
    _compare(path, found, json.loads(json.dumps(of)))
    return GrowingFile(path, found.of, found), found.state


def identity(version: str, recipe: Recipe, options: Mapping[str, object]) -> dict[str, object]:
    """Return everything that determines the bytes of a sweep's file: the code, the spec, and the options by name."""
    digest = sha256()
    if recipe.text is not None:
        digest.update(recipe.text.encode("utf-8", "surrogateescape"))
    elif os.path.isfile(recipe.path):
        with open(recipe.path, "rb") as file:
            while piece := file.read(1 << 20):  # a model may not fit into memory
                digest.update(piece)
    else:  # a model from a pipe, which can't be read again to be compared
        digest.update(os.urandom(16))
    spec = {"file": recipe.path, "text": digest.hexdigest()}
    return {"version": version, "code": code_identity(), **spec, **options}


def _compare(path: str, found: Begun, now: Mapping[str, object]) -> None:
    """Raise CnncalcError for the first difference between the sweep that began a file and this one."""
    for name, value in now.items():
        before = found.of.get(name)
        if before == value:
            continue
        if name == "version":
            message = f"--resume: {path} was begun by cnncalc {before}, and this is {value}"
        elif name == "code":
            message = f"--resume: {path} was begun by another state of cnncalc's code"
        elif name == "text":
            message = f"--resume: {now['file']} has changed since {path} was begun"
        elif name == "file":
            message = f"--resume: {path} was begun from {before}, and this is {value}"
        else:
            message = f"--resume: {path} was begun with {_shown(name, before)}, and this is {_shown(name, value)}"
        raise CnncalcError(message, _ANEW)


def _shown(option: str, value: object) -> str:
    """Return an option as on a command line."""
    if value is None or value == []:
        return f"no {option}"
    return " ".join(f"{option} {one}" for one in (value if isinstance(value, list) else [value]))


def write(file: GrowingFile, view: View, out: Output, resumed: bool) -> None:
    """Append a view's text to a file, for a resumed file without the header lines."""
    chunks: Iterator[str] = iter(FORMATS[out.format].write(view, out.screen))
    for _ in range(HEADED[out.format] if resumed else 0):
        next(chunks)
    for chunk in chunks:
        file.write(chunk.encode())


def noted(parts: Iterable[T], file: GrowingFile, state: Callable[[], Mapping[str, object]]) -> Iterator[T]:
    """Yield the parts; when the next one is requested, the last one has been written, and the state is recorded."""
    for part in parts:
        yield part
        file.checkpoint(state())
