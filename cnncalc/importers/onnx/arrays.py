"""The constants of a model file as NumPy arrays: they are read, and computed from each other, when the model runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.places import Fault, GivenValue, SpecError
from cnncalc.importers.onnx.array_rules import TYPES, VIEWS, Inputs, rule_of
from cnncalc.importers.onnx.elements import PACKED, codes, elements, raw_size
from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.proto import BFLOAT16, BITS, FLOAT16
from cnncalc.importers.onnx.values import UNFIT, Value
from cnncalc.importers.onnx.wire import MAX_VARINT_BYTES, MalformedError

if TYPE_CHECKING:
    from cnncalc.graph import Node
    from cnncalc.importers.onnx.array_rules import Array
    from cnncalc.importers.onnx.values import LayerStep
    from cnncalc.importers.onnx.wire import WireReader


ONLY_BESIDE = "weights are read from plain files in the model's own folder alone: no other folders, and no links"


class Arrays:
    """A file's constants: each is computed when it is asked for, and kept until its last read."""

    def __init__(self, wire: WireReader, path: str, place: str | None, asked: Iterable[Value]) -> None:
        """Read from a file.

        Args:
            wire: the file's bytes.
            path: the file's name in messages.
            place: the file's path, or None if it came through a pipe.
            asked: the constants that will be asked for; one that is asked for twice stands here twice.
        """
        self.wire = wire
        self.path = path
        self.place = place
        self.computed: dict[int, Array] = {}
        self.reads_left: dict[int, int] = {}
        self._count_reads(list(asked))

    def _count_reads(self, waiting: list[Value]) -> None:
        """Count how often each constant will be read: by callers, and to compute other constants."""
        while waiting:
            value = waiting.pop()
            if id(value) not in self.reads_left:
                waiting += _inputs_of(value)
            self.reads_left[id(value)] = self.reads_left.get(id(value), 0) + 1

    def of(self, value: Value) -> Array:
        """Return a constant's array.

        Raises:
            CnncalcError: if its data is missing, or an operator without a rule computes it.
        """
        if id(value) not in self.reads_left:  # it is asked for more often than was announced
            self._count_reads([value])
        waiting = [value]
        while waiting:
            one = waiting[-1]
            missing = [given for given in _inputs_of(one) if id(given) not in self.computed]
            if id(one) in self.computed:
                waiting.pop()
            elif missing:
                waiting += missing
            else:
                self.computed[id(one)] = self._compute(one)
                for given in _inputs_of(one):
                    self._read(given)
        return self._read(value)

    def _read(self, value: Value) -> Array:
        """Return the array of a constant that was computed, and drop it after its last read."""
        self.reads_left[id(value)] -= 1
        if self.reads_left[id(value)]:
            return self.computed[id(value)]
        del self.reads_left[id(value)]
        return self.computed.pop(id(value))

    def _compute(self, value: Value) -> Array:
        """Compute the array of a constant; the constants that it is computed from are in :attr:`computed`."""
        if isinstance(value.source, StoredTensor):
            return self.stored(value.source)
        if value.data is not None:
            return np.array(value.data).reshape(value.shape)
        if value.source is None and value.fill is None:
            place, example = GivenValue("input", value.name), GivenValue("input", f"{value.name}=1")
            raise SpecError(
                [Fault(f"the number, an input of {self.path}, is not given", place, "for example", example)]
            )
        if value.source is None or value.source.op == "ConstantOfShape":
            return np.full(value.shape, value.fill or 0.0, np.float32)
        call = value.source
        function = rule_of(call)
        if function is None:
            why = "its numbers are random" if call.op in RANDOM else "it has no rule for constants"
            raise CnncalcError(f"{self.path}: {call.operator.label} can't be run: {why}")
        inputs = Inputs([None if given is None else self.computed[id(given)] for given in call.inputs])
        try:
            with np.errstate(all="ignore"):
                return np.asarray(function(call, inputs, value)).reshape(value.shape)
        except UNFIT as error:
            raise CnncalcError(f"{self.path}: {call.operator.label} does not fit its constants: {error}") from None

    def stored(self, stored: StoredTensor) -> Array:
        """Return a stored tensor.  Raises CnncalcError if its data is missing or too short."""
        if stored.external is not None:
            path, start, size = self._external(stored)
        elif stored.raw is not None:
            path, start, size = "", stored.raw[0], stored.raw[1] - stored.raw[0]
        else:
            return self._listed(stored)
        needed = raw_size(stored.dtype, stored.elements)
        if size != needed:
            why = "an unknown type" if needed is None else f"{size:,} bytes, but its shape takes {needed:,}"
            raise CnncalcError(f"{self.path}: the tensor '{stored.name}' has {why}")
        if path:
            with open(path, "rb") as file:
                file.seek(start)
                data = file.read(size)
        else:
            data = self.wire.bytes_at((start, start + size))
        return _decoded(data, stored)

    def _listed(self, stored: StoredTensor) -> Array:
        """Return a tensor whose elements are in a field of their type (float_data, …), not in raw_data."""
        small = elements(self.wire, stored)
        if small is not None:
            return np.array(small).reshape(stored.shape)
        numbers: list[Any] = list(stored.numbers)
        for field, span in stored.packed:
            data = self.wire.bytes_at(span)
            numbers.append(np.frombuffer(data, f"<{PACKED[field]}") if field in PACKED else _varints(data))
        array = np.concatenate([np.atleast_1d(part) for part in numbers]) if numbers else np.empty(0)
        if array.size != (raw_size(stored.dtype, stored.elements) if stored.dtype in BITS else stored.elements):
            raise CnncalcError(f"{self.path}: the tensor '{stored.name}' has {array.size:,} elements")
        if stored.dtype in BITS or stored.dtype in (FLOAT16, BFLOAT16):  # the field has their bits, as integers
            return _decoded(array.astype("u1" if stored.dtype in BITS else "<u2").tobytes(), stored)
        return array.reshape(stored.shape)

    def _external(self, stored: StoredTensor) -> tuple[str, int, int]:
        """Return the path, the offset and the size in bytes of a tensor in another file.

        Raises:
            CnncalcError: if that is not a regular file in the model's folder, or the tensor reaches beyond its end.
        """
        entries = stored.external or {}
        name, what = entries.get("location", ""), f"{self.path}: the tensor '{stored.name}'"
        if self.place is None:
            hint = "give the path of the model, not a pipe"
            raise CnncalcError(f"{what} is in another file, which is not available for a model from a pipe", hint)
        if not name or name != os.path.basename(name) or name in (".", "..") or "\\" in name or "\0" in name:
            raise CnncalcError(f"{what} stands in '{name}', which is not a regular file next to the model", ONLY_BESIDE)
        path = os.path.join(os.path.dirname(self.place), name)
        if os.path.islink(path) or not os.path.isfile(path):
            message = f"{what} stands in '{name}', which does not exist as a regular file next to the model"
            raise CnncalcError(
                message, ONLY_BESIDE if os.path.lexists(path) else f"put '{name}' into the model's folder"
            )
        try:
            offset, size = int(entries.get("offset", 0)), os.path.getsize(path)
            length = int(entries.get("length", size - offset))
        except ValueError:
            raise CnncalcError(f"{what} has no place in '{name}' that can be read") from None
        if offset < 0 or length < 0 or offset + length > size:
            raise CnncalcError(f"{what} reaches beyond '{name}' of {size:,} bytes")
        return path, offset, length


def _decoded(data: bytes, stored: StoredTensor) -> Array:
    """Return the tensor of which raw_data would have these bytes."""
    if stored.dtype == BFLOAT16:
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(stored.shape)
    if stored.dtype in BITS:
        parts = np.frombuffer(data, "u1").reshape(-1, 1) >> np.arange(0, 8, BITS[stored.dtype])
        numbers = np.array(codes(stored.dtype), "f")[parts & (1 << BITS[stored.dtype]) - 1]
        return np.asarray(numbers.reshape(-1)[: stored.elements].reshape(stored.shape))
    return np.frombuffer(data, TYPES[stored.dtype]).reshape(stored.shape)


def bytes_computed_from(values: Iterable[Value]) -> int:
    """Return the bytes of all constants from which the given ones are computed.

    It is an upper bound of the memory that computing takes, the given constants aside.
    """
    ends = {id(value): value for value in values}
    waiting, seen, found = list(ends.values()), set(), 0
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        waiting += _inputs_of(value)
        if isinstance(value.source, StoredTensor) or value.source is None or value.source.op not in VIEWS:
            found += value.elements * _width(value)
    return max(0, found - sum([value.elements * _width(value) for value in ends.values()]))


def _width(value: Value) -> int:
    return int(np.dtype(TYPES.get(value.dtype, "<f4")).itemsize)


def _inputs_of(value: Value) -> list[Value]:
    """Return the constants from which a rule computes a constant."""
    call = value.source
    if call is None or isinstance(call, StoredTensor) or value.data is not None or rule_of(call) is None:
        return []
    return [given for given in call.inputs if given is not None]


def _varints(data: bytes) -> Array:
    """Return packed integers like WireReader.varints, but fast for millions of them.

    Raises:
        MalformedError: if the last byte of one is missing.
    """
    whole = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(whole < 128) + 1
    starts = np.concatenate([np.zeros(1, np.intp), ends])[:-1]
    widths = ends - starts
    if len(whole) != (ends[-1] if len(ends) else 0) or widths.max(initial=0) > MAX_VARINT_BYTES:
        raise MalformedError("an integer has no end")
    numbers = np.zeros(len(ends), np.uint64)
    for place in range(widths.max(initial=0)):
        here = widths > place
        numbers[here] |= (whole[starts[here] + place] & 127).astype(np.uint64) << np.uint64(7 * place)
    return numbers.view(np.int64)


RANDOM = frozenset(("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"))
"""Operators whose outputs differ from run to run."""


class Weights(Mapping[str, "Array"]):
    """The tensors of an imported graph, by the keys under which a run reads them."""

    def __init__(self, wire: WireReader, path: str, place: str | None, steps: Mapping[Node, LayerStep]) -> None:
        self.constants = {
            node.key(tensor): (step.tensors[tensor].value, weight.shape)
            for node, step in steps.items()
            for tensor, weight in node.use.weights.items()
            if tensor in step.tensors
        }
        self.arrays = Arrays(wire, path, place, [value for value, _ in self.constants.values()])

    def __getitem__(self, name: str) -> Array:
        """Return a tensor in its layer's shape, as float32 or float64."""
        value, shape = self.constants[name]
        array = self.arrays.of(value)
        array = array if array.dtype.kind == "f" and array.dtype != np.float16 else array.astype(np.float32)
        return array.reshape(shape)

    def __contains__(self, name: object) -> bool:
        return name in self.constants  # a mapping would read the tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self.constants)

    def __len__(self) -> int:
        return len(self.constants)
