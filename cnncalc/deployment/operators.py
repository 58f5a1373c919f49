"""The device's graph: operators, the tensors between them, and the constants in the model file."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple, cast

from cnncalc.deployment.traits import FOLDABLE, ONE_SCALE
from cnncalc.layers.shapes import crossed, shape_text

if TYPE_CHECKING:
    from cnncalc.deployment.constants import Converter, NumberFormat
    from cnncalc.graph import Node
    from cnncalc.layers.shapes import Shape
    from cnncalc.layers.window import Sliding


class DeviceTensor:
    """A tensor that flows between operators.

    Attributes:
        name: name of the layer whose output it holds, or of the network's input.
        shape: shape without the batch axis, channels last.
        width: bytes of an element: those of the kind, or 4 in float32 parts.
        quantised: whether it has a scale and a zero point in the file.
        fixed_scale: whether its scale follows from the operator (softmax), so that no range is recorded.
        constant: its values in the file, if it is a constant; None for a tensor of the arena.
    """

    fixed_scale = False
    constant: Constant | None = None

    def __init__(self, name: str, shape: Shape, width: int, quantised: bool) -> None:
        self.name = name
        self.shape = shape
        self.width = width
        self.quantised = quantised

    def __repr__(self) -> str:
        return f"<DeviceTensor {self.name}: {shape_text(self.shape)}, {self.bytes:,} bytes>"

    @property
    def bytes(self) -> int:
        """Its size, not rounded up."""
        return self.elements * self.width

    @property
    def elements(self) -> int:
        """Number of its elements."""
        return prod(self.shape)


WEIGHT, BIAS, OTHER = "weights", "biases", "other"
"""The part of the flash in which a constant is counted."""


class Constant(NamedTuple):
    """A tensor in the model file.

    Attributes:
        part: :data:`WEIGHT`, :data:`BIAS` or :data:`OTHER` (shapes, axes and paddings, which have no scale).
        elements: number of elements.
        width: bytes of each.
        scales: number of scales and zero points.
        per_channel: whether these are one per channel.
        same: key of equal values, a word for what they are and a value; constants of equal value are stored once.
    """

    part: str
    elements: int
    width: int
    scales: int
    per_channel: bool
    same: tuple[str, object]


class Operator:
    """One step of the device.

    Attributes:
        code: TensorFlow Lite's name (``CONV_2D``).
        layers: the layers from which it was made; the first one names it.
        inputs: input tensors.
        output: output tensor.
        constants: constants that it reads from the file.
        taps: the window that it slides, with figures for height and width, or None.
        activation: a clamp that is fused into it (``RELU``), or None.
        macs: multiply-accumulates.
        copied: tensors of which a BATCH_MATMUL keeps a transposed copy outside the plan, in the interpreter's data.
        doubt: the reason if it is not verified with the real converter, or "".
    """

    taps: Sliding | None = None
    activation: str | None = None
    macs = 0

    def __init__(
        self, code: str, layer: Node, inputs: list[DeviceTensor], output: DeviceTensor, constants: list[Constant]
    ) -> None:
        self.code = code
        self.layers = [layer]
        self.inputs = inputs
        self.output = output
        self.constants = constants
        self.copied: list[DeviceTensor] = []
        self.doubt = ""

    def __repr__(self) -> str:
        return f"<Operator {self.title}>"

    @property
    def name(self) -> str:
        """The first layer's name."""
        return self.layers[0].name

    @property
    def takes_factors(self) -> bool:
        """Whether it has weights that can absorb a factor and a shift per channel, and does not clamp behind them."""
        return self.code in FOLDABLE and self.activation is None

    @property
    def title(self) -> str:
        """Its code, window and name: ``CONV_2D 3×3/2 stem.conv1``."""
        if self.taps is None:
            return f"{self.code} {self.name}"
        kernel, stride = crossed(self.taps.kernel), self.taps.stride
        step = "" if stride == (1, 1) else f"/{stride[0]}" if stride[0] == stride[1] else f"/{crossed(stride)}"
        return f"{self.code} {kernel}{step} {self.name}"


class DeviceGraph(NamedTuple):
    """A network as a device runs it.

    Attributes:
        name: of the network.
        kind: number format.
        converter: the converter.
        inputs, outputs: tensors of the network's inputs and outputs.
        operators: in the order in which they run.
        layers: number of the network's layers.
        gone: dropped layers: dropout, identity, reshapes that change nothing, and those on which no output depends.
        folded: batchnorms and factors that are part of another operator's weights.
        fused: activations that are part of another operator.
        notes: sentences on surprising or unverified parts.
    """

    name: str
    kind: NumberFormat
    converter: Converter
    inputs: list[DeviceTensor]
    outputs: list[DeviceTensor]
    operators: list[Operator]
    layers: int
    gone: list[Node]
    folded: list[Node]
    fused: list[Node]
    notes: list[str]

    @property
    def flows(self) -> list[DeviceTensor]:
        """Every activation tensor, inputs first, in the order of the file's numbers."""
        return [*self.inputs, *[operator.output for operator in self.operators]]

    @property
    def tensor_count(self) -> int:
        """Number of the file's tensors: activations and constants."""
        return len(self.flows) + len(self.tensors())

    def stored(self) -> list[Constant]:
        """Return every constant whose values are in the file, those of equal bytes once.

        A single number is quantised to 127, or −127: all positive ones have the same value; learned ones count as such.
        A bias has its layer's scale times that of what is read, in int8: a layer that is used again has another one.
        """
        found: dict[object, Constant] = {}
        scale: dict[DeviceTensor, DeviceTensor] = {}  # the tensor that has the scale of another one
        for operator in self.operators:
            if operator.code in ONE_SCALE:
                scale[operator.output] = scale.get(operator.inputs[0], operator.inputs[0])
            for one in operator.constants:
                what, value = one.same
                key: object = one.same
                if one.scales and one.elements == 1 and what in ("number", "factors"):
                    key = what != "number" or cast("float", value) > 0
                elif what == "zeros" or (what == "integers" and not any(cast("tuple[int, ...]", value))):
                    key = ("zeros", one.elements * one.width)
                elif one.part == BIAS and self.kind.name == "int8":
                    key = (one.same, scale.get(operator.inputs[0], operator.inputs[0]))
                found[key] = one
        return list(found.values())

    def tensors(self) -> list[Constant]:
        """Return every constant that is a tensor of the file: in int8, biases don't share their scales."""
        apart = self.kind.name == "int8"
        found: dict[object, Constant] = {}
        for number, operator in enumerate(self.operators):
            for one in operator.constants:
                found[(number, one.same) if apart and one.part == BIAS else one.same] = one
        return list(found.values())
