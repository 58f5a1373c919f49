"""The formats that a network is exported to: each a module of this room with a function ``export(graph, options)``.

Modules are imported on first use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.graph import Graph
from cnncalc.ground.atomic_write import is_replaced, write_folder, write_whole
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.limits import MAX_WRITTEN_NUMBERS
from cnncalc.ground.near import did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt

Chunk = bytes | memoryview

Beside = Callable[[str, Iterable[Chunk]], str]
"""Writes a second file with a suffix, and returns its name."""


class Options(NamedTuple):
    """Options of formats; a format gets only those in its ``takes``.

    Attributes:
        weights: tensors by the names that ``cnncalc weights`` lists; None for the graph's own, or random ones.
        seed: of random weights.
        opset: the version of ONNX's operators; None for the usual one, or the first that has all layers.
        beside: writes a second file; None if there is no place for one.
        report: prints a line about the result; None to print nothing.
    """

    weights: Mapping[str, npt.ArrayLike] | None = None
    seed: int = 0
    opset: int | None = None
    beside: Beside | None = None
    report: Callable[[str], None] | None = None


class ExportFormat(NamedTuple):
    """A format that networks are exported to.

    Attributes:
        title: a description for the help.
        module: the module of this room that makes it.
        suffixes: of its files; a suffix that several formats have stands for the first.
        takes: names of the :class:`Options` that it takes.
        binary: whether a terminal can't show it.
        edited: whether people edit its files, so that none is overwritten unasked.
        folder: whether it is written to disk as a folder of files; its text has them all.
    """

    title: str
    module: str
    suffixes: tuple[str, ...]
    takes: frozenset[str] = frozenset()
    binary: bool = False
    edited: bool = False
    folder: bool = False

    def export(self, graph: Graph, options: Options) -> Iterable[Chunk]:
        """Return a graph's file, piece by piece.

        Raises:
            CnncalcError: for layers that the format can't express, or too many.
        """
        graph.check_count("exported")
        chunks: Iterable[Chunk] = import_module(f"{__package__}.{self.module}").export(graph, options)
        return chunks

    def files(self, graph: Graph, options: Options) -> Iterable[tuple[str, bytes]]:
        """Return a graph's files with their names, of a format that is a folder; raises as :meth:`export` does."""
        graph.check_count("exported")
        files: Iterable[tuple[str, bytes]] = import_module(f"{__package__}.{self.module}").files(graph, options)
        return files

    def write(self, graph: Graph, path: str, options: Options) -> None:
        """Write a graph to a file, or to a new folder.

        Raises:
            CnncalcError: as :meth:`export` does, or if writing fails.
        """
        if self.folder:
            write_folder(path, self.files(graph, options))
        else:
            write_whole(path, self.export(graph, options._replace(beside=partial(write_beside, path))))


ONNX_OPTIONS = frozenset({"weights", "seed", "opset"})

FORMATS = {
    "onnx": ExportFormat("an ONNX model with its weights", "onnx.model", (".onnx",), ONNX_OPTIONS, binary=True),
    "torch": ExportFormat("PyTorch source", "torch.module", (".py",), edited=True),
    "scale-sim": ExportFormat("SCALE-Sim's table of layers", "scale_sim", (".csv",)),
    "timeloop": ExportFormat("Timeloop's problems, FILE being a folder", "timeloop", (), folder=True),
    "spec": ExportFormat("a spec, as 'cnncalc import' writes it", "spec", (".yaml", ".yml"), edited=True),
}


def listed() -> str:
    """Return the hint that names every format, with the suffixes that choose it."""
    names = [f"{name} ({', '.join(one.suffixes)})" if one.suffixes else name for name, one in FORMATS.items()]
    return f"there are {', '.join(names)}"


def by_suffix(path: str) -> str | None:
    """Return the format of a file's suffix; None if there is none."""
    return next((name for name, format in FORMATS.items() if path.lower().endswith(format.suffixes)), None)


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


def write_beside(path: str, suffix: str, chunks: Iterable[Chunk]) -> str:
    """Write a file beside another one; return its name.

    Raises:
        CnncalcError: if there is one that may belong to another model, or it can't be written.
    """
    if is_replaced(path + suffix) and not is_replaced(path):
        raise CnncalcError(f"{path}: there is a file {path}{suffix}, which may belong to another model")
    write_whole(path + suffix, chunks)
    return os.path.basename(path + suffix)


def check_text(graph: Graph) -> None:
    """Raise CnncalcError if a graph can't be written out as text: of no layer, or with lists that are too long."""
    if not graph.nodes:
        raise CnncalcError(f"'{graph.title}' has no layer to write")
    lists = (value for node in graph.nodes for value in vars(node.layer).values() if isinstance(value, tuple))
    if sum([len(values) for values in lists]) > MAX_WRITTEN_NUMBERS:
        raise CnncalcError(
            f"the lists of the layers have more than {MAX_WRITTEN_NUMBERS:,} numbers, too many to write out"
        )
