"""What a device executes: operators, the tensors that flow between them, and the constants in the model file."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.layers.shapes import crossed, shape_text

if TYPE_CHECKING:
    from cnncalc.deployment.constants import Converter, NumberFormat
    from cnncalc.graph import Node
    from cnncalc.layers.shapes import Shape


class DeviceTensor:
    """A tensor that flows between operators.

    Attributes:
        name: of the layer whose output it holds, or of the network's input.
        shape: without the batch axis, channels last.
        width: bytes of an element: those of the kind, or 4 on an island of float32.
        quantised: whether it has a scale and a zero point in the file.
        fixed_scale: whether its scale follows from the operator (softmax), so that no range is recorded.
    """

    __slots__ = ("fixed_scale", "name", "quantised", "shape", "width")

    def __init__(self, name: str, shape: Shape, width: int, quantised: bool) -> None:
        self.name = name
        self.shape = shape
        self.width = width
        self.quantised = quantised
        self.fixed_scale = False

    def __repr__(self) -> str:
        return f"<DeviceTensor {self.name}: {shape_text(self.shape)}, {self.bytes:,} bytes>"

    @property
    def bytes(self) -> int:
        """Its size, not rounded up."""
        return prod(self.shape) * self.width


WEIGHT, BIAS, OTHER = "weights", "biases", "other"
"""Which part of the flash a constant counts in."""


class Constant(NamedTuple):
    """A tensor that stands in the model file.

    Attributes:
        part: :data:`WEIGHT`, :data:`BIAS` or :data:`OTHER` (shapes, axes and paddings, which have no scale).
        elements: how many.
        width: bytes of each.
        scales: how many scales, and zero points, it has.
        per_channel: whether these are one per channel.
        same: constants of equal value are stored once; what is equal here has equal values.
    """

    part: str
    elements: int
    width: int
    scales: int
    per_channel: bool
    same: object


class Taps(NamedTuple):
    """The window that an operator slides, with one figure for height and width each."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[tuple[int, int], tuple[int, int]]
    dilation: tuple[int, int]


class Operator:
    """One step of the device.

    Attributes:
        code: TensorFlow Lite's name of it (``CONV_2D``).
        layers: the layers that it came from, the first of them giving it its name.
        inputs: the tensors that flow in.
        output: the tensor that flows out.
        constants: what it reads from the file.
        taps: the window that it slides, or None.
        activation: a clamp that is fused into it (``RELU``), or None.
        macs: multiply-accumulates.
        doubt: why this is not verified against the real converter, or "".
    """

    __slots__ = ("activation", "code", "constants", "doubt", "inputs", "layers", "macs", "output", "taps")

    def __init__(self, code: str, layer: Node, inputs: list[DeviceTensor], output: DeviceTensor) -> None:
        self.code = code
        self.layers = [layer]
        self.inputs = inputs
        self.output = output
        self.constants: list[Constant] = []
        self.taps: Taps | None = None
        self.activation: str | None = None
        self.macs = 0
        self.doubt = ""

    def __repr__(self) -> str:
        return f"<Operator {self.title}>"

    @property
    def name(self) -> str:
        """The first layer's name."""
        return self.layers[0].name

    @property
    def title(self) -> str:
        """What it is, with its window, and its name: ``CONV_2D 3×3/2 stem.conv1``."""
        if self.taps is None:
            return f"{self.code} {self.name}"
        kernel, stride = crossed(self.taps.kernel), self.taps.stride
        step = "" if stride == (1, 1) else f"/{stride[0]}" if stride[0] == stride[1] else f"/{crossed(stride)}"
        return f"{self.code} {kernel}{step} {self.name}"


class DeviceGraph(NamedTuple):
    """A network as a device runs it.

    Attributes:
        name: of the network.
        kind: what its numbers are.
        converter: whose rules made it.
        inputs, outputs: of the network, as they flow.
        operators: in the order in which they run.
        layers: how many layers the network has.
        gone: layers that are nothing on the device: dropout, identity, reshapes that change nothing.
        folded: batchnorms and factors that are part of another operator's weights.
        fused: activations that are part of another operator.
        notes: what is legal but surprising, or not verified, a sentence each.
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
        """Every tensor that flows, inputs first, in the order in which the file numbers them."""
        return [*self.inputs, *[operator.output for operator in self.operators]]

    def stored(self) -> list[Constant]:
        """Return every constant whose values stand in the file, equal ones once.

        A single number is quantised to 127, or −127: all that are positive have one value.
        """
        found: dict[object, Constant] = {}
        for operator in self.operators:
            for one in operator.constants:
                single = one.scales and isinstance(one.same, tuple) and one.same[0] == "number"
                found[("number", one.same[1] > 0) if single and isinstance(one.same, tuple) else one.same] = one
        return list(found.values())

    def tensors(self) -> list[Constant]:
        """Return every constant that is a tensor of the file: biases of zeros share values, but not their scales."""
        found: dict[object, Constant] = {}
        for number, operator in enumerate(self.operators):
            for constant in operator.constants:
                zeros = constant.scales and isinstance(constant.same, tuple) and constant.same[0] == "zeros"
                found[(number, constant.same) if zeros else constant.same] = constant
        return list(found.values())
