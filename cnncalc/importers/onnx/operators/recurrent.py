"""Recurrent operators."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.operators.elementwise import affine, decimal
from cnncalc.importers.onnx.proto import FLOAT
from cnncalc.importers.onnx.steps import layer_of
from cnncalc.importers.onnx.values import Call, ConstantInput, UnfitError, Value, alias, literal
from cnncalc.layers.shapes import shape_text

ONES = literal((1.0,), (1,), FLOAT)

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""The indices of PyTorch's gates among ONNX's: of i, f, g, o among i, o, f, c; of r, z, n among z, r, h."""


@operator("LSTM", "GRU", "RNN")
def _recurrent(build: Builder, call: Call) -> Sequence[Value | None]:
    return recurrent(build, call, call.input(1), call.input(2), call.given(3))


@operator("DynamicQuantizeLSTM", domain="com.microsoft")
def _dynamic_quantize_lstm(build: Builder, call: Call) -> Sequence[Value | None]:
    build.quantizes = True
    w, r = [_dequantized(build, call, index) for index in (1, 2)]
    scales = [build.derived("RowScales", call.input(index), shape=w.shape[:2]) for index in (8, 10)]
    return recurrent(build, call, w, r, call.given(3), "LSTM", scales if build.rounds else ())


def _dequantized(build: Builder, call: Call, index: int) -> Value:
    """Return the weights of a quantised layer, stored transposed, as real numbers; for a run as integers."""
    stored, zero = call.input(index), call.given(index * 2 + 7)
    scale = ONES if build.rounds else call.input(index * 2 + 6)
    directions, inputs, rows = stored.shape
    plain = build.derived("DequantizeRows", *[value for value in (stored, scale, zero) if value is not None])
    plain.leaves = stored.leaves
    return build.derived("Transpose", plain, shape=(directions, rows, inputs), perm=[0, 2, 1])


def recurrent(
    build: Builder, call: Call, w: Value, r: Value, b: Value | None, op: str | None = None,
    scales: Sequence[Value] = (),
) -> Sequence[Value | None]:  # fmt: skip
    """Return the states of all steps, the last states, and the last cells.

    If w and r are integers, `scales` are what the sums of their rows are multiplied by.

    Raises:
        UnfitError: if the batch is not the axis of the sequences, or the kind of cell is not supported.
    """
    op = op or call.op
    x, along = _sequences(build, call, op)
    if w.is_live or r.is_live or len(w.shape) != 3:
        raise UnfitError("its weights are computed, not stored")
    hidden, directions = r.shape[2], w.shape[0]
    rows = GATES[op] * hidden
    if w.shape != (directions, rows, x.shape[-1]) or r.shape != (directions, rows, hidden):
        raise UnfitError(f"its weights {shape_text(w.shape)} and {shape_text(r.shape)} are for another input")
    if call.integer("input_forget"):
        raise UnfitError("coupled input and forget gates (input_forget) are not supported")
    arguments = _arguments(call, op, hidden, directions)
    lengths = _sequence_lengths(call.given(4), x)
    if lengths is not None:
        arguments["lengths"] = True
    tensors = _gate_tensors(build, op, (w, r, *scales), b, hidden, directions)
    peepholes = call.given(7)
    if peepholes is not None and not _is_zero(build, peepholes):
        arguments["peepholes"] = True
        for number, suffix in enumerate(("", "_reverse")[:directions]):
            # the gates i, f, o among i, o, f
            value = build.derived("Gates", peepholes, shape=(3 * hidden,), direction=number, order=[0, 2, 1], part=0)
            tensors[f"weight_ch_l0{suffix}"] = ConstantInput(value)
    arguments["bias"] = b is not None
    if scales:
        arguments["rounds"] = True
    given = [call.given(index) for index in ((5, 6) if op == "LSTM" else (5,))]
    states = [_initial_state(build, state, hidden, directions) for state in given]
    cells = op == "LSTM" and _is_read(build, call, 2)
    if cells:
        arguments["output"] = "both"
    known = [state for state in states if state is not None]
    if known and states[0] is None:
        raise UnfitError("its first cells are given without its first state")
    inputs = [x, *([] if lengths is None else [lengths]), *known]
    y = build.layer(layer_of(op.lower(), arguments), inputs, None, tensors)
    reverse, batch_first = bool(arguments.get("reverse")), call.integer("layout")
    outputs = _outputs(build, y, x, lengths, hidden, directions, cells, reverse, batch_first)
    whole = outputs[0]
    if not along or whole is None:
        return outputs
    return [build.view(whole, (directions, 1, hidden), 0), *outputs[1:]]


def _sequences(build: Builder, call: Call, op: str) -> tuple[Value, bool]:
    """Return the sequences, and whether the batch is the time axis of a single one."""
    x, batch_first = build.tensor(call.input(0)), call.integer("layout")
    if x.rank == 3 and x.axis is None and x.shape[1 - batch_first] == 1:  # one sequence, which is the sample
        shape = (x.shape[0], x.shape[2]) if not batch_first else x.shape[1:]
        x = build.view(x, shape, 1 - batch_first if x.times else None)
    along = x.rank == 3 and x.axis == batch_first == 0 and x.times == x.shape[0] == 1
    if along:
        build.one_sample_only.append(f"{op} '{call.operator.name}', which goes along the batch,")
        x = alias(x, x.shape, 1)
    if x.rank == 3 and x.axis is None:
        build.sequences = x.shape[1 - batch_first]
    if x.rank != 3 - (x.axis is None) or x.axis not in (None, 1 - batch_first):
        raise UnfitError("the batch is not where the sequences are")
    return x, along


def _sequence_lengths(lengths: Value | None, x: Value) -> Value | None:
    """Return the length of each sample's sequence; None if all have the full length."""
    if lengths is None or (lengths.data is None and not lengths.is_live):
        return None
    if lengths.is_live:
        if x.axis is None or (lengths.axis, lengths.shape) != (0, ()):
            raise UnfitError("its sequence_lens are not one per sample")
        return lengths
    if set(lengths.data or ()) - {x.shape[0]}:
        raise UnfitError("its constant sequence_lens are shorter than the sequences")
    return None


def _is_read(build: Builder, call: Call, index: int) -> bool:
    """Whether anything reads an output of an operator."""
    name = (*call.operator.outputs, *("",) * index)[index]
    return bool(name) and build.readers.counts[name] > 0


def _arguments(call: Call, op: str, hidden: int, directions: int) -> dict[str, object]:
    names = call.operator.attributes.get("activations")
    usual = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"], "RNN": ["tanh"]}[op] * directions
    given = [str(name).lower() for name in names] if isinstance(names, list) and names else usual
    arguments: dict[str, object] = {"hidden_size": hidden, "clip": decimal(call.number("clip"))}
    if given != usual:
        if op != "RNN" or set(given) != {"relu"}:
            raise UnfitError(f"activations {', '.join(given)}")
        arguments["nonlinearity"] = "relu"
    if directions == 2:
        arguments["bidirectional"] = True
    elif call.text("direction", "forward") == "reverse":
        arguments["reverse"] = True
    if op == "GRU" and not call.integer("linear_before_reset"):
        arguments["reset_after"] = False
    return arguments


def _gate_tensors(
    build: Builder, op: str, weights: Sequence[Value], b: Value | None, hidden: int, directions: int
) -> dict[str, ConstantInput]:
    """Return the tensors by PyTorch's names, with their gates in PyTorch's order; scales may follow the weights."""
    rows, order = GATES[op] * hidden, ORDERS[op]
    tensors = {}
    names = ("weight_ih", "weight_hh", "scale_ih", "scale_hh")[: len(weights)]
    stored = [*zip(names, weights, (0,) * 4, strict=False), ("bias_ih", b, 0), ("bias_hh", b, 1)]
    for number, suffix in enumerate(("", "_reverse")[:directions]):
        for name, value, part in stored:
            if value is not None:
                shape = (rows, *value.shape[2:])
                gates = build.derived("Gates", value, shape=shape, direction=number, order=list(order), part=part)
                tensors[f"{name}_l0{suffix}"] = ConstantInput(gates)
    return tensors


def _initial_state(build: Builder, value: Value | None, hidden: int, directions: int) -> Value | None:
    """Return an initial state; None if it is left out, or all zeros.

    Raises:
        UnfitError: if it is constant and differs from sample to sample.
    """
    if value is None or (not value.is_live and value.fill == 0):
        return None
    shape = (directions, hidden)
    if not value.is_live and _is_zero(build, value):
        return None
    if not value.is_live and value.elements != directions * hidden:
        if value.leaves and all(leaf.external is None for leaf in value.leaves):
            raise UnfitError("its first state differs from sample to sample")
        return None
    if not value.is_live:
        return build.parameter(value, shape)
    return value if value.shape == shape else build.view(value, shape, None)


def _is_zero(build: Builder, value: Value) -> bool:
    """Whether all elements of a constant are 0; False if they are not in the file."""
    if value.fill is not None:
        return value.fill == 0
    for leaf in value.leaves:
        spans = [leaf.raw] if leaf.raw else [span for _, span in leaf.packed]
        build.compared_left -= sum([end - start for start, end in spans])
        if leaf.external is not None or any(leaf.numbers) or build.compared_left < 0:
            return False
        if any(build.wire.bytes_at(span).strip(b"\0") for span in spans):
            return False
    return True


def _outputs(
    build: Builder, y: Value, x: Value, lengths: Value | None, hidden: int, directions: int, cells: bool, reverse: bool,
    batch_first: int,
) -> Sequence[Value | None]:  # fmt: skip
    """Return the outputs in ONNX's shapes: all states (T, directions, N, H), and the last ones (directions, N, H)."""
    steps = x.shape[0]

    def joined(parts: list[Value], axis: int) -> Value:
        return parts[0] if directions == 1 else build.step("concat", parts, None, axis=axis)

    def batched(value: Value, axis: int) -> Value:
        return alias(value, value.shape, None if x.axis is None else axis)

    sides = []
    for kind in range(2 if cells else 1):
        for direction in range(directions):
            start = kind * hidden + direction * 2 * hidden if cells else direction * hidden
            is_all = y.shape[-1] == hidden
            sides.append(y if is_all else build.step("slice", [y], None, axis=1, start=start, stop=start + hidden))
    last = []
    for number, side in enumerate(sides):
        backwards = reverse or number % directions == 1
        if lengths is not None and not backwards:
            last.append(build.step("gather", [side, affine(build, lengths, add=-1.0)], None, axis=0))
            continue
        start, stop = (0, 1) if backwards else (steps - 1, None)
        last.append(build.step("slice", [side], None, axis=0, start=start, stop=stop))
    ends = [joined(last[at : at + directions], 0) for at in range(0, len(last), directions)]
    states = joined(sides[:directions], 1) if cells else y
    whole = build.view(states, (steps, directions, hidden), None)
    return [batched(whole, 0 if batch_first else 2), *[batched(end, 0 if batch_first else 1) for end in ends]]
