"""The constants of a model file as arrays: read, and computed from each other, only when the model is to run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.array_rules import RULES, TYPES, Inputs
from cnncalc.importers.onnx.elements import elements
from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.proto import BFLOAT16, FLOAT16, INT4, UINT4
from cnncalc.importers.onnx.values import Value

if TYPE_CHECKING:
    from cnncalc.graph import Node
    from cnncalc.importers.onnx.array_rules import Array
    from cnncalc.importers.onnx.values import LayerStep
    from cnncalc.importers.onnx.wire import WireReader


class Arrays:
    """A file's constants, each made when it is first asked for."""

    def __init__(self, wire: WireReader, path: str, place: str | None) -> None:
        """Read from a file.

        Args:
            wire: its bytes.
            path: what messages call it.
            place: where it is, or None where it came through a pipe.
        """
        self.wire = wire
        self.path = path
        self.place = place
        self.made: dict[int, Array] = {}

    def of(self, value: Value) -> Array:
        """Return a constant's array.

        Raises:
            CnncalcError: where its data is missing, or it is made by an operator that is not known here.
        """
        if id(value) not in self.made:
            self.made[id(value)] = self._of(value)
        return self.made[id(value)]

    def _of(self, value: Value) -> Array:
        if isinstance(value.source, StoredTensor):
            return self.stored(value.source)
        if value.data is not None:
            return np.array(value.data).reshape(value.shape)
        if value.source is None and value.fill is None:
            raise CnncalcError(f"{self.path}: the number '{value.name}' is not given")
        if value.source is None or value.source.op == "ConstantOfShape":
            return np.full(value.shape, value.fill or 0.0, np.float32)
        call = value.source
        function = RULES.get(call.op)
        if function is None:
            raise CnncalcError(f"{self.path}: '{call.op}' on constants can't be run")
        inputs = Inputs([None if given is None else self.of(given) for given in call.inputs])
        with np.errstate(all="ignore"):
            result = function(call, inputs, value)
        return np.asarray(result).reshape(value.shape)

    def stored(self, stored: StoredTensor) -> Array:
        """Return a stored tensor.  Raises CnncalcError where its data is missing or too short."""
        if stored.external is not None:
            data = self._external(stored)
        elif stored.raw is not None:
            data = self.wire.bytes_at(stored.raw)
        else:
            return self._listed(stored)
        kind = TYPES.get(stored.dtype)
        if kind is not None and len(data) == stored.elements * np.dtype(kind).itemsize:
            return np.frombuffer(data, kind).reshape(stored.shape)
        if stored.dtype == BFLOAT16 and len(data) == 2 * stored.elements:
            return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(stored.shape)
        if stored.dtype in (INT4, UINT4):
            halves = np.frombuffer(data, "u1")
            both = np.stack([halves & 15, halves >> 4], -1).reshape(-1)[: stored.elements].astype(np.int8)
            signed = np.where(both > 7, both - 16, both) if stored.dtype == INT4 else both
            return signed.reshape(stored.shape)
        raise CnncalcError(f"{self.path}: the tensor '{stored.name}' has {len(data):,} bytes, or an unknown type")

    def _listed(self, stored: StoredTensor) -> Array:
        """Return a tensor whose elements stand in a field of their type."""
        small = elements(self.wire, stored)
        if small is not None:
            return np.array(small).reshape(stored.shape)
        numbers: list[Any] = list(stored.numbers)
        for field, span in stored.packed:
            if field == 4:
                numbers.append(np.frombuffer(self.wire.bytes_at(span), "<f4"))
            elif field == 10:
                numbers.append(np.frombuffer(self.wire.bytes_at(span), "<f8"))
            else:
                numbers.append(np.array(self.wire.varints(span)))
        array = np.concatenate([np.atleast_1d(part) for part in numbers]) if numbers else np.empty(0)
        if array.size != stored.elements:
            raise CnncalcError(f"{self.path}: the tensor '{stored.name}' has {array.size:,} elements")
        if stored.dtype == FLOAT16:
            array = array.astype("<u2").view("<f2")
        return array.reshape(stored.shape)

    def _external(self, stored: StoredTensor) -> bytes:
        """Return the bytes of a tensor that stands in another file: a plain one beside the model, nowhere else."""
        where = stored.external or {}
        name, what = where.get("location", ""), f"{self.path}: the tensor '{stored.name}'"
        if self.place is None:
            raise CnncalcError(f"{what} stands in another file, which is not there for a model from a pipe")
        if not name or name != os.path.basename(name) or name in (".", "..") or "\\" in name or "\0" in name:
            raise CnncalcError(f"{what} stands in '{name}', which is no plain file beside the model")
        path = os.path.join(os.path.dirname(self.place), name)
        if os.path.islink(path) or not os.path.isfile(path):
            raise CnncalcError(f"{what} stands in '{name}', which is not there as a plain file beside the model")
        try:
            offset, size = int(where.get("offset", 0)), os.path.getsize(path)
            length = int(where.get("length", size - offset))
        except ValueError:
            raise CnncalcError(f"{what} has no place in '{name}' that can be read") from None
        if offset < 0 or length < 0 or offset + length > size:
            raise CnncalcError(f"{what} reaches beyond '{name}' of {size:,} bytes")
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(length)


class Weights(Mapping[str, Any]):
    """The tensors of an imported graph by the names under which a run asks for them."""

    def __init__(self, arrays: Arrays, steps: Mapping[Node, LayerStep]) -> None:
        self.arrays = arrays
        self.constants = {
            f"{node.name}.{tensor}": (step.held[tensor].value, weight.shape)
            for node, step in steps.items()
            for tensor, weight in node.use.weights.items()
            if tensor in step.held
        }

    def __getitem__(self, name: str) -> Array:
        """Return a tensor in floating-point, of the shape that its layer has."""
        value, shape = self.constants[name]
        array = self.arrays.of(value)
        array = array if array.dtype.kind == "f" and array.dtype != np.float16 else array.astype(np.float32)
        array = array.reshape(shape)
        if np.isfinite(array).all():
            return array
        most = float(np.finfo(np.float32).max)
        return np.nan_to_num(array, posinf=most, neginf=-most)

    def __iter__(self) -> Iterator[str]:
        return iter(self.constants)

    def __len__(self) -> int:
        return len(self.constants)
