"""Write a network to a file in another tool's format."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial

from cnncalc.exporters.formats import FORMATS, Chunk, ExportFormat, Options, by_suffix, listed
from cnncalc.graph import Graph
from cnncalc.ground.atomic_write import is_replaced, write_folder, write_whole
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.near import did_you_mean


def chosen(path: str, format: str | None) -> tuple[str, ExportFormat]:
    """Return a format with its name: the one that is named, else that of the file's suffix.

    Raises:
        CnncalcError: if there is none.
    """
    name = by_suffix(path) if format is None else format
    if name is None:
        raise CnncalcError(f"{path}: no format has such a suffix", listed())
    if name not in FORMATS:
        raise ArgumentError("format", f"there is no '{name}'", did_you_mean(name, tuple(FORMATS), "formats"))
    return name, FORMATS[name]


def write(graph: Graph, path: str, format: ExportFormat, options: Options) -> None:
    """Write a graph to a file, or to a new folder where the format is one.

    Raises:
        CnncalcError: if the format can't say it, or the file can't be written.
    """
    if format.folder:
        write_folder(path, format.files(graph, options))
    else:
        write_whole(path, format.export(graph, options._replace(beside=partial(write_beside, path))))


def write_beside(path: str, suffix: str, chunks: Iterable[Chunk]) -> str:
    """Write a file beside another one; return its name.

    Raises:
        CnncalcError: if there is one that may belong to another model, or it can't be written.
    """
    if is_replaced(path + suffix) and not is_replaced(path):
        raise CnncalcError(f"{path}: there is a file {path}{suffix}, which may belong to another model")
    write_whole(path + suffix, chunks)
    return os.path.basename(path + suffix)
