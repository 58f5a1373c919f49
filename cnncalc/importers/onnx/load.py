"""Model files: a file's bytes become a model, which is a recipe."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from functools import partial

from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_MODEL_BYTES, MAX_PIPED_MODEL_BYTES
from cnncalc.importers.onnx.imported import Imported, OpenModel
from cnncalc.importers.onnx.messages import read_model
from cnncalc.importers.onnx.wire import MalformedError, OpenFile, WireReader, varint
from cnncalc.language.recipe import Recipe
from cnncalc.layers.shapes import Shape

READ_AT_ONCE = 1 << 22
"""The size in bytes up to which a file is read at once; of a larger one, only the parts that are needed are read."""


def is_model(start: bytes) -> bool:
    """Whether bytes begin as an ONNX file does: with its version, and another field after it."""
    if start[:1] != b"\x08":
        return False
    try:
        version, at = varint(start, 1, len(start))
        key, _ = varint(start, at, len(start))
    except MalformedError:
        return False
    return 0 < version < 1000 and key in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72)


class ModelFile(OpenModel, Recipe):
    """A model file: a recipe of one network."""

    fuse: bool

    def __init__(
        self, data: bytes | OpenFile, path: str, size: int, place: str | None = None, *, fuse: bool = True
    ) -> None:
        """Read a model.  Raises CnncalcError if the bytes are not one."""
        self.path = path
        self.place = place
        self.fuse = fuse
        self.name = os.path.basename(path).rpartition(".")[0] or path
        self.wire = WireReader(data, size)
        if not is_model(data[0:16]):
            raise CnncalcError(f"{path}: neither a spec nor an ONNX model")
        try:
            self.model = read_model(self.wire)
        except (MalformedError, IndexError, RecursionError) as error:
            raise CnncalcError(f"{path}: not an ONNX model that can be read: {error}") from None

    def build(
        self,
        variant: str | None = None,
        settings: Mapping[str, object] | None = None,
        inputs: Mapping[str, Shape] | None = None,
    ) -> Graph:
        """Build the network; ``inputs`` give the sizes that the file leaves open, and the values of single numbers.

        Raises:
            CnncalcError: if a variant or a setting is asked for, or the model or its inputs don't fit.
        """
        self.about(variant)
        if settings:
            raise CnncalcError(f"{self.path}: no argument '{next(iter(settings))}'", "a model file has no args")
        return self._graph(inputs or {}, rounds=False, choices={})

    def _graph(self, inputs: Mapping[str, Shape], rounds: bool, choices: Mapping[str, bool]) -> Graph:
        """Build the network for some choices of branches; its ModelData can build it rounded, and for other choices."""
        imported = Imported(self, inputs, self.fuse, rounds, choices)
        imported.graph.model = imported.graph.model._replace(
            rounded=partial(self._graph, inputs, True, choices) if imported.build.quantizes and not rounds else None,
            is_exact=rounds,
            decided=(lambda key, value: self._graph(inputs, rounds, {**choices, key: value}))
            if imported.build.undecided
            else None,
        )
        return imported.graph

    def reader(self) -> Callable[[], ModelFile]:
        """Return a function that reads the model again.  Raises CnncalcError if it came through a pipe."""
        if self.place is None:
            raise CnncalcError(f"{self.path}: a model from a pipe can't be read twice")
        return partial(read_model_file, self.place, self.fuse)


def read_model_file(path: str, fuse: bool = True) -> ModelFile:
    """Read a model from a regular file.  Raises CnncalcError if it can't be read, or is none."""
    try:
        with open(path, "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise CnncalcError(f"{path}: not a regular file")
            if status.st_size > MAX_MODEL_BYTES:
                raise CnncalcError(f"{path}: larger than {MAX_MODEL_BYTES:,} bytes")
            if status.st_size < READ_AT_ONCE:
                data = file.read(status.st_size)
                return ModelFile(data, path, len(data), path, fuse=fuse)
            return ModelFile(OpenFile(os.dup(file.fileno())), path, status.st_size, path, fuse=fuse)
    except OSError as error:
        raise CnncalcError(f"{path}: {error.strerror}") from None


def read_model_bytes(data: bytes, path: str, fuse: bool = True) -> ModelFile:
    """Read a model that is in memory.  Raises CnncalcError if it is none."""
    if len(data) > MAX_PIPED_MODEL_BYTES:
        raise CnncalcError(f"{path}: larger than {MAX_PIPED_MODEL_BYTES:,} bytes")
    return ModelFile(data, path, len(data), fuse=fuse)
