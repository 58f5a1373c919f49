"""Operators without a layer type: only the shape of their output is known, and NumPy computes some of them."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.builder import UNKNOWN, Builder, operator
from cnncalc.importers.onnx.messages import port_at
from cnncalc.importers.onnx.opaque import Opaque
from cnncalc.importers.onnx.values import Call, Value
from cnncalc.layers.shapes import Shape


def uncounted(
    build: Builder,
    call: Call,
    shape: Shape,
    axis: int | None,
    inputs: Sequence[Value] = (),
    what: str = "",
    **settings: object,
) -> Value:
    """Return the output of an operator without a layer type.

    Args:
        build: the builder to which the layer is added.
        call: the operator.
        shape: the output's shape for one sample.
        axis: the batch axis in the file's shape of the output, or None.
        inputs: the values that the layer reads; by default the operator's inputs that are not constants.
        what: what of the operator is not counted, if only a part is.
        settings: the settings of the function in :mod:`cnncalc.importers.onnx.numpy_rules` that computes it.
    """
    live = list(inputs) or call.live_inputs()
    if not live:
        return Value("", shape, call.input(0).dtype)
    build.notes.append(f"{what}{call.operator.label} is not counted: its cost depends on the algorithm")
    return build.layer(Opaque(op=call.op, shape=shape or (1,), settings=tuple(settings.items())), live, axis)


@operator(UNKNOWN)
def unknown(build: Builder, call: Call) -> Sequence[Value | None]:
    """Return the outputs of an operator without a handler, in the shapes that the file states."""
    return as_stated(build, call, "is of an unknown type")


def as_stated(build: Builder, call: Call, why: str) -> Sequence[Value | None]:
    """Return the outputs of an operator that is not counted, in the shapes that the file states.

    Raises:
        CnncalcError: if the file states none; ``why`` says why it would have to.
    """
    item, live = call.operator, call.live_inputs()
    outputs: list[Value | None] = []
    for name in item.outputs:
        sizes = port_at(build.wire, build.stated[name]).shape if name in build.stated else None
        if sizes is None or any(not isinstance(size, int) or size < 1 for size in sizes[1:]) or not live:
            raise CnncalcError(
                f"{item.label} {why}, and the file does not state its output's shape",
                f"with the shape of '{name}' among the graph's value_info, all but this operator is counted",
            )
        whole = tuple([size if isinstance(size, int) else 0 for size in sizes])
        batched = bool(whole) and (whole[0] < 2 or whole[0] == build.file_batch)
        layer = Opaque(op=item.op, shape=(whole[1:] if batched else whole) or (1,))
        outputs.append(build.layer(layer, live, 0 if batched else None))
    if outputs:
        build.notes.append(f"{item.label} is not counted: its cost is unknown")
    return outputs
