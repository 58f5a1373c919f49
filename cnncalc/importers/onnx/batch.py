"""Which axis of a model file's inputs is the batch, and sizes that contain that of the batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from cnncalc.importers.onnx.evaluator import evaluate
from cnncalc.importers.onnx.model import OnnxOperator, Port
from cnncalc.importers.onnx.values import MOVES, SAMPLES, UNFIT, Call, Value, literal
from cnncalc.layers.shapes import Shape

Number = TypeVar("Number", int, float)

OF_SAMPLES = frozenset(("Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "BatchNormalization"))
"""Operators whose first input has the batch as its first axis, even if its size is fixed and not 1."""

RECURRENT = frozenset(("LSTM", "GRU", "RNN"))
"""Operators whose first states, inputs 5 and 6, have the batch as their second axis."""


NO_BATCH = 0
"""Stands for the name of the batch size where no axis is the batch."""


def batch_word(ports: list[Port]) -> int | str | None:
    """Return the name of the batch size in the file's shapes; :data:`NO_BATCH` for no batch; None if it has no name.

    There is none if inputs begin with different sizes which a person has named and other inputs have, too: nodes and
    edges of a graph.
    """
    words = [size for port in ports for size in port.shape or () if isinstance(size, str)]
    named = next((word for word in words if "batch" in word.lower()), None)
    firsts = [port.shape[0] for port in ports if port.shape and isinstance(port.shape[0], str)]
    meant = {word for word in firsts if words.count(word) > 1 and word.isidentifier() and not word[-1].isdigit()}
    if named is None and len(meant) > 1 and all(port.axis is None for port in ports):
        return NO_BATCH
    return named or next((word for word in firsts if word != "?"), None)


def batch_axis(port: Port, word: int | str | None) -> int | None:
    """Return the batch axis of an input that has axes; None if it has none.

    It is the axis of the given size or name; else that of an operator that reads it, if its size is 1 or open; else
    the first axis, if its size is 1 or open; else the only open axis of up to three.  The first of four or more axes is
    the batch in any case, and so is the first of a map.
    """
    sizes = port.shape or ()
    if word == NO_BATCH:
        return None
    if word is not None and word in sizes:
        return sizes.index(word)
    free = [axis for axis, size in enumerate(sizes) if not isinstance(size, int) or size < 1]
    single = [axis for axis, size in enumerate(sizes) if size == 1]
    if port.axis in (*free, *single):
        return port.axis
    if 0 in (*free, *single):
        return 0
    if len(free) == 1 and len(sizes) < 4:
        return free[0]
    return 0 if len(sizes) > 3 else None


def doubts(ports: Sequence[Port], word: int | str | None, given: Mapping[str, Shape]) -> list[str]:
    """Return a hint that a size which only stands first may not be the batch; none if it is called so."""
    first = next((port for port in ports if port.shape and port.shape[0] == word), None)
    if first is None or not first.shape or not isinstance(word, str) or "batch" in word.lower():
        return []
    if len(given.get(first.name, ())) == len(first.shape):
        return []
    sizes = "x".join([str(size) if isinstance(size, int) and size > 0 else "224" for size in first.shape])
    return [f"if '{word}' is not the batch, give all axes of the input: {first.name}={sizes}"]


def axes_of_readers(operators: Sequence[OnnxOperator]) -> dict[str, int]:
    """Return, by their names, the axis of values that is the batch for an operator that reads them, or parts of them.

    It is the second of a recurrent layer's first states, and the first of a map.
    """
    found: dict[str, int] = {}
    for item in reversed(operators):
        if item.op in RECURRENT and not item.attributes.get("layout"):
            found.update(dict.fromkeys(item.inputs[5:7], 1))
        elif item.op in OF_SAMPLES:
            found.update(dict.fromkeys(item.inputs[:1], 0))
        elif item.op in ("Slice", "Split", "Identity"):
            axes = [found[name] for name in item.outputs if name in found]
            found.update(dict.fromkeys(item.inputs[:1], axes[0]) if axes else {})
    return found


def with_known(port: Port, symbols: Mapping[str, int]) -> Port:
    """Return an input in which symbols have their sizes."""
    return port._replace(shape=tuple([symbols.get(str(size), size) for size in port.shape])) if port.shape else port


def axes_of(named: Iterable[tuple[str, Value | None]]) -> dict[str, int]:
    """Return the batch axis of the values that have one, by name."""
    return {name: value.axis for name, value in named if value is not None and value.axis is not None}


def size_in_file(size: Number, file_batch: int) -> Number:
    """Return a size that may contain that of the batch, SAMPLES, for a batch of ``file_batch`` samples."""
    return size // SAMPLES * file_batch if size and size % SAMPLES == 0 else size


def sizes_with_batch(sizes: Shape, shape: Shape, file_batch: int) -> Value:
    """Return sizes of which some may contain that of the batch."""
    value = literal(sizes, shape)
    plain = tuple([size_in_file(size, file_batch) for size in sizes])
    value.in_file = plain if plain != sizes else None
    return value


def with_file_batch(value: Value) -> Value:
    """Return a constant that the number of samples decides for the file's own batch; any other value as it is."""
    return value if value.in_file is None else literal(value.in_file, value.shape, value.dtype, value.name)


def with_own_batch(call: Call) -> Call:
    """Return an operator whose constants have the numbers of the file's own batch."""
    return call._replace(inputs=[value and with_file_batch(value) for value in call.inputs])


def note_batch(call: Call, outputs: Sequence[Value]) -> None:
    """Set ``in_file`` of the constants that an operator computes from the number of samples."""
    if not any(value is not None and value.in_file is not None for value in call.inputs):
        return
    try:
        found = evaluate(with_own_batch(call)) or []
    except UNFIT:  # it fits no such batch
        return
    for value, own in zip(outputs, found, strict=False):
        if own.shape == value.shape and own.data != value.data:
            value.in_file = own.data


def sample_step(call: Call, whole: Call) -> int | None:
    """Return :attr:`Value.sample_step` of an operator's output; it is a part of the file's operator ``whole``."""
    values = [value for value in call.inputs if value is not None]
    numbered = [value for value in values if value.sample_step is not None]
    if len(numbered) != 1:
        return None
    (rows,) = numbered
    step = rows.sample_step or 0
    if call.op in ("Add", "Mul") and len(values) == 2:
        other = values[0] if values[1] is rows else values[1]
        if call.op == "Mul":
            return step * other.number if isinstance(other.number, int) else None
        is_same = other.rank < rows.rank or other.shape[:1] == (1,)
        return step if is_same and rows.shape[:1] == (1,) else None
    if rows is not values[0] or call.op not in (*MOVES, "Concat"):
        return None
    return step if rows.is_live or _leaves_first_axis(whole) else None


def _leaves_first_axis(call: Call) -> bool:
    """Whether an operator leaves the first axis of constant indices, on which the samples are, where and as it is."""
    first = call.given(0)
    if first is None or first.sample_step is None:
        return True
    rank = max(first.rank, 1)
    if call.op in ("Gather", "Split"):
        return call.integer("axis") % rank > 0
    if call.op == "Slice":
        return 0 not in [axis % rank for axis in call.listed("axes", 3, 10) or (0,)]
    if call.op == "Transpose":
        return (call.integers("perm") or (rank - 1,))[0] == 0
    if call.op == "Tile":
        return (call.sizes(1, "repeats") or (0,))[0] == 1
    if call.op == "Unsqueeze":
        axes = call.listed("axes", 1, 13) or ()
        return 0 not in [axis % (first.rank + len(axes)) for axis in axes]
    if call.op == "Expand":
        return len(call.sizes(1, "shape") or ()) <= rank
    if call.op == "Reshape":
        size = (call.listed("shape", 1, 5) or (1,))[0]
        return size < 1 or size >= SAMPLES
    return call.op != "Flatten" or call.integer("axis", 1) > 0
