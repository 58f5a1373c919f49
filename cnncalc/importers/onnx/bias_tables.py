"""Bias tables that an exporter has expanded: how many of their elements were learned.

A network that adds a bias for each pair of positions to an attention's logits learns it per *offset*: a table of
(2·h − 1)·(2·w − 1) rows for a window of h·w positions, one column per head (Swin, https://arxiv.org/abs/2103.14030,
section 3.2), and indexes it.  An exporter that folds constants stores the result, (heads, L, S) elements, and the table
is gone from the file.  The pairs that read one row have the same biases in all heads, to the last bit, and pairs that
read different rows do not, but for chance: so the rows are counted.  MViT's tables have a row of features for each
offset (https://arxiv.org/abs/2112.01526, section 4.1): equal rows count once.  These are the only weights that are
compared without a run.  If they are not in the file, or all equal as before training, the number of rows can't be
found, and the tensor counts in full.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Literal

from cnncalc.ground.limits import MAX_COMPARED_BYTES
from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.proto import FLOATS, FORMATS, WIDTHS
from cnncalc.importers.onnx.provenance import is_generated_name

if TYPE_CHECKING:
    from cnncalc.importers.onnx.values import LayerStep, Value
    from cnncalc.importers.onnx.wire import WireReader
    from cnncalc.layers.shapes import Shape

BETWEEN = frozenset(("affine", "shift", "add", "scale", "reshape", "permute", "where", "fold", "unfold", "hardtanh"))
"""Layers that may stand between the logits of an attention and its softmax."""

MOST_BETWEEN = 12
"""The most layers between the logits of an attention and its softmax that are searched for biases."""

AT_ONCE = 256
"""How many elements of a possible mask are read at once."""

MASKED = -100
"""The largest number that a mask adds to the logits of positions that must not be attended to."""

OFFSETS_PER_POSITION = 8
"""The most rows of a table per position of the window: √L by √L positions have (2·√L − 1)² offsets, fewer than 4·L,
and in three dimensions fewer than 8·L.  A tensor with more different rows was not expanded from a table."""

UNSIGNED: dict[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""Python's struct formats of unsigned integers by their width in bytes: elements are compared bit by bit."""


class BiasTables:
    """The expanded tables of a model.

    Attributes:
        shapes: the shape (rows, heads or features) of each learned table, by the identity of the stored tensor.
        masks: identities of the stored tensors that are masks of attention.
        unread: the number of biases of attention whose table is not known.
    """

    def __init__(self, wire: WireReader, steps: Iterable[LayerStep]) -> None:
        """Look for tables in the biases of every attention, and in the computed tensors that have rows of features."""
        self.wire = wire
        self.shapes: dict[int, Shape] = {}
        self.masks: set[int] = set()
        self.unread = 0
        self.bytes_left = MAX_COMPARED_BYTES
        seen: set[int] = set()
        for step in steps:
            if step.layer.type not in ("softmax", "attention"):
                continue
            for bias in _biases(step) if step.layer.type == "softmax" else _parameters(step.inputs[3:]):
                if len(bias.leaves) == 1 and id(bias.leaves[0]) not in seen:
                    seen.add(id(bias.leaves[0]))
                    self._find_table(bias, bias.leaves[0])
        for step in steps:
            for leaf in step.tensors["weight"].value.leaves if step.layer.type == "parameter" else ():
                if id(leaf) not in seen and leaf.was_learned is not False and is_generated_name(leaf.name):
                    seen.add(id(leaf))
                    self._find_rows(leaf)

    def _find_table(self, bias: Value, leaf: StoredTensor) -> None:
        """Find the shape of the table from which a bias was expanded."""
        shape, data = bias.shape, self._data(leaf)
        if data is not None and _is_mask(data, leaf.dtype):
            self.masks.add(id(leaf))
            return
        if len(shape) < 2 or min(shape[-2:]) < 2 or prod(shape[:-3]) != 1 or leaf.elements != bias.elements:
            return
        heads, pairs = (1, *shape)[-3], shape[-2] * shape[-1]
        stored = leaf.shape[-1:] if _is_transposed(bias) else (1, *leaf.shape)[-3:-1]
        if leaf.dtype not in FLOATS or heads not in stored:
            return
        width = WIDTHS.get(leaf.dtype, 0)
        if data is None:
            self.unread += 1
            return
        most = OFFSETS_PER_POSITION * sum(shape[-2:])
        if _is_transposed(bias):  # the file has one row of heads for each pair of positions
            rows = _distinct_rows(data, heads * width, most)
        else:
            elements = memoryview(data).cast(UNSIGNED[width])
            rows = _count_distinct(
                zip(*[elements[at : at + pairs] for at in range(0, len(elements), pairs)], strict=True), most
            )
        if rows == 1:
            self.unread += 1
        elif rows < pairs and rows <= most:
            self.shapes[id(leaf)] = (rows, heads)

    def _find_rows(self, leaf: StoredTensor) -> None:
        """Find the shape of the table from which a computed tensor (…, features) was expanded."""
        if len(leaf.shape) < 3 or leaf.dtype not in FLOATS or prod(leaf.shape[:-1]) < 2:
            return
        data = self._data(leaf)
        features = leaf.shape[-1]
        if data is None or len(set(data)) == 1:
            return
        most = OFFSETS_PER_POSITION * sum(leaf.shape[:-1])
        rows = _distinct_rows(data, features * WIDTHS[leaf.dtype], most)
        if 1 < rows < prod(leaf.shape[:-1]) and rows <= most:
            self.shapes[id(leaf)] = (rows, features)

    def _data(self, leaf: StoredTensor) -> bytes | None:
        """Return a stored tensor's bytes; None if they are not in the file, or too many bytes were read before."""
        size = leaf.elements * WIDTHS.get(leaf.dtype, 0)
        if leaf.raw is None or not size or size != leaf.raw[1] - leaf.raw[0] or size > self.bytes_left:
            return None
        self.bytes_left -= size
        return self.wire.bytes_at(leaf.raw)


def _is_mask(data: bytes, dtype: int) -> bool:
    """Whether elements are one number, −100 as in Swin or less, which softmax turns into almost 0, or that and 0."""
    form = FORMATS.get(dtype, "") if dtype in FLOATS else ""
    if not form:
        return False
    width = struct.calcsize(form)
    found: set[float] = set()
    for start in range(0, len(data), AT_ONCE * width):
        part = data[start : start + AT_ONCE * width]
        found.update(struct.unpack(f"<{len(part) // width}{form}", part))
        if len(found) > 2:
            return False
    return bool(found) and min(found) <= MASKED and found <= {0, min(found)}


def _distinct_rows(data: bytes, size: int, most: int) -> int:
    """Return how many rows of ``size`` bytes differ; see :func:`_count_distinct`."""
    return _count_distinct((data[at : at + size] for at in range(0, len(data), size)), most)


def _count_distinct(rows: Iterable[object], most: int) -> int:
    """Return how many different rows there are; if they are more than ``most``, any larger number."""
    found = set[object]()
    rest = iter(rows)
    while len(found) <= most and (part := list(islice(rest, most))):
        found.update(part)
    return len(found)


def _is_transposed(bias: Value) -> bool:
    """Whether a bias is the transpose of its stored tensor, whose last axis is that of the heads."""
    source = bias.source
    while not isinstance(source, StoredTensor) and source is not None:
        if source.op == "Transpose":
            return True
        first = source.given(0)
        source = None if first is None else first.source
    return False


def _parameters(values: Iterable[Value]) -> Iterator[Value]:
    """Yield the constants among some values."""
    for value in values:
        if value.step is not None and value.step.layer.type == "parameter":
            yield value.step.tensors["weight"].value


def _biases(softmax: LayerStep) -> Iterator[Value]:
    """Yield the constants that are added to the input of a softmax."""
    step = softmax.inputs[0].step
    for _ in range(MOST_BETWEEN):
        if step is None or step.layer.type not in BETWEEN:
            return
        if step.layer.type == "shift":
            yield step.tensors["weight"].value
        if step.layer.type == "add":
            yield from _parameters(step.inputs)
        live = [value.step for value in step.inputs if value.step is None or value.step.layer.type != "parameter"]
        step = live[0] if live else None
