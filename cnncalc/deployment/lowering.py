"""The interface for lowering rules: queries on the network, and actions: emit, fold, fuse, pass on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.constants import Converter, NumberFormat
from cnncalc.deployment.operators import BIAS, OTHER, WEIGHT, Constant, DeviceTensor, Operator
from cnncalc.graph import Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_FOLDED
from cnncalc.layers.arguments import Pair
from cnncalc.layers.shapes import Shape, shape_text

if TYPE_CHECKING:
    from cnncalc.graph import Graph, Tensor
    from cnncalc.layers.other.scale import Scale
    from cnncalc.layers.shape.channel_shuffle import ChannelShuffle

FOLDABLE = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
"""Operators whose weights can absorb a factor and a shift per channel."""

FUSING = (*FOLDABLE, "ADD", "SUB", "MUL", "MAX_POOL_2D", "AVERAGE_POOL_2D")
"""Operators that can clamp their output; after CONCATENATION, MEAN, RESHAPE and others a clamp is a separate operator.
"""

UNARY = ("relu", "relu6", "leaky_relu", "elu", "sigmoid", "tanh", "silu", "hardswish", "hardsigmoid", "hardtanh")
"""Layers with one input after which a reshape is moved."""

MOVING = ("RESHAPE", "TRANSPOSE")
"""Operators before which a clamp is moved."""


ONE_SCALE = (
    *MOVING, "PAD", "STRIDED_SLICE", "MAX_POOL_2D", "AVERAGE_POOL_2D", "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR",
    "DEPTH_TO_SPACE", "SPACE_TO_DEPTH",
)  # fmt: skip
"""Operators whose output has their input's scale."""


class Lowering:
    """A network on its way to the device.

    Attributes:
        kind: the number format.
        converter: the converter.
        values: the device's tensor for each of the network's.
        borders: the padding that a convolution takes over from the layer before it, by the convolution.
        ahead: layers that are part of the weights of the layer that reads them, by that layer.
        nodes: the network's layers.
        biased: whether a dense layer has a bias in the file, as far as it was asked.
        before_dense: batchnorms and factors, each with the dense layers that it can be folded into; None until asked.
        operators, gone, folded, fused, notes: as :class:`~cnncalc.deployment.operators.DeviceGraph` has them; of the
            operators, those in ``dropped`` are none in the end.
    """

    def __init__(self, graph: Graph, kind: NumberFormat, converter: Converter) -> None:
        self.kind = kind
        self.converter = converter
        self.values: dict[Tensor, DeviceTensor] = {}
        self.nodes = graph.nodes
        self.operators: list[Operator] = []
        self.dropped = set[Operator]()
        self.biased: dict[Node, bool] = {}
        self.before_dense: dict[Node, list[Node]] | None = None
        self.gone: list[Node] = []
        self.folded: dict[Node, None] = {}
        self.fused: list[Node] = []
        self.notes: list[str] = []
        self.ahead: dict[Node, list[Node]] = {}
        self.borders: dict[Node, tuple[Pair, Pair]] = {}
        self._readers = graph.readers()
        self._outputs = set(graph.outputs.values())
        self._known: dict[Tensor, tuple[list[Node], bool]] = {}
        self._made: dict[DeviceTensor, Operator] = {}
        self._joined: dict[tuple[object, Node], int] = {}
        self._ahead = 0
        self._whole: dict[Tensor, Tensor] = {}  # the readers of each dropped layer's output
        self._passing = set[Node]()
        for node in reversed(graph.nodes):  # whether a layer vanishes depends on those behind it
            if self._vanishes(node):
                self._passing.add(node)
        for node in graph.nodes:
            if node in self._passing:
                self._whole[node] = self._whole.get(node.inputs[0], node.inputs[0])

    # --- queries ------------------------------------------------------------------------------------------

    def readers(self, tensor: Tensor) -> list[Node]:
        """Return the layers that read a tensor, looking through layers that are dropped on the device."""
        return self._beyond(tensor)[0]

    def _beyond(self, tensor: Tensor) -> tuple[list[Node], bool]:
        """Return the readers of a tensor, directly or through layers that pass it on, and whether it is an output of
        the network.
        """
        tensor = self._whole.get(tensor, tensor)
        known = self._known.get(tensor)
        if known is not None:
            return known
        found: list[Node] = []
        given = tensor in self._outputs
        waiting = list(self._readers.get(tensor, ()))[::-1]
        while waiting:
            node = waiting.pop()
            if node in self._passing:
                given = given or node in self._outputs
                waiting += list(self._readers.get(node, ()))[::-1]
            else:
                found.append(node)
        self._known[tensor] = (found, given)
        return found, given

    def sole_reader(self, tensor: Tensor) -> Node | None:
        """Return the one layer that reads a tensor; None if several do, or it is an output of the network."""
        readers = self.all_readers(tensor)
        return readers[0] if len(readers) == 1 else None

    def all_readers(self, tensor: Tensor) -> list[Node]:
        """Return the layers that read a tensor; an empty list if it is an output of the network."""
        readers, given = self._beyond(tensor)
        return [] if given else readers

    def vanishes(self, node: Node) -> bool:
        """Whether a layer is dropped on the device: there is neither computation nor copy."""
        return node in self._passing

    def _vanishes(self, node: Node) -> bool:
        if is_idle(node):
            return True
        if node.layer.type not in ("flatten", "reshape"):
            return False
        if len(node.shape) > 1:  # a vector for every position of a map: merges broadcast it directly
            reader = self.sole_reader(node)
            gate = len(node.use.inputs[0]) == 1 and node.shape[0] == node.use.inputs[0][0]
            return gate and reader is not None and reader.layer.type in ("multiply", "add", "subtract")
        keeps = self.converter.drops_idle_reshapes and node.shape[0] == node.use.inputs[0][0]
        return (keeps or self.converter.dense_takes_maps) and self._feeds_dense(node)

    def _feeds_dense(self, node: Node) -> bool:
        """Whether only dense layers read a layer, looking through activations and batchnorms."""
        waiting = [*self.all_readers(node)]
        dense = bool(waiting)
        while waiting and dense:
            reader = waiting.pop()
            between = self.all_readers(reader) if reader.layer.type in (*UNARY, "batchnorm") else []
            waiting += between
            dense = bool(between) or reader.layer.type == "linear"
        return dense

    def behind_a_copy(self, tensor: Tensor) -> bool:
        """Whether a tensor comes from a reshape that the converter drops only after it has merged clamps."""
        while isinstance(tensor, Node) and is_idle(tensor):
            tensor = tensor.inputs[0]
        return isinstance(tensor, Node) and tensor.layer.type in ("flatten", "reshape") and self.vanishes(tensor)

    def producer(self, tensor: Tensor) -> Operator | None:
        """Return the operator that makes a tensor; None for an input of the network."""
        return self._made.get(self.values[tensor])

    def of(self, node: Node) -> list[DeviceTensor]:
        """Return the device's tensor of a value."""
        return [self.values[tensor] for tensor in node.inputs]

    # --- actions ------------------------------------------------------------------------------------------

    def emit(
        self, code: str, node: Node, inputs: list[DeviceTensor], shape: Shape, width: int | None = None, name: str = ""
    ) -> Operator:
        """Append an operator with an output of a shape, channels last; ``width`` differs for float32 parts."""
        own = width is None or width == self.kind.activation
        output = DeviceTensor(
            name or node.name, shape, self.kind.activation if width is None else width, own and self.kind.scaled
        )
        output.fixed_scale = code in ONE_SCALE and inputs[0].fixed_scale
        operator = Operator(code, node, inputs, output)
        self.operators.append(operator)
        self._made[output] = operator
        return operator

    def end(self, node: Node, flow: DeviceTensor) -> None:
        """Record the tensor that holds a layer's output."""
        self.values[node] = flow

    def passes(self, node: Node) -> None:
        """Drop a layer: its output is its input."""
        self.gone.append(node)
        self.values[node] = self.values[node.inputs[0]]

    def drops(self, operator: Operator) -> None:
        """Remove an operator again."""
        self.dropped.add(operator)

    def folds(self, node: Node, into: Operator, shifts: bool = True) -> None:
        """Fold a layer into an operator's weights and, where it ``shifts``, into its bias, which may be new."""
        owner = node.shares or node
        self.folded[node] = None
        into.layers.append(node)
        self.values.setdefault(node, into.output)
        weights = [self._with(one, owner) for one in into.constants if one.part == WEIGHT]
        channels = into.output.shape[-1]
        biases = [one for one in into.constants if one.part == BIAS]
        written = [one for one in biases if one.same != ("zeros", channels)]
        if written:
            biases = [self._with(written[0], owner)]
        elif shifts:
            biases = [self.bias(channels, owner, is_dense(into))]
        into.constants = [*[one for one in into.constants if one.part == OTHER], *weights, *biases]

    def _with(self, constant: Constant, owner: Node) -> Constant:
        """Return a constant with a layer folded into it: constants of one value with one layer have one value."""
        number = self._joined.setdefault((constant.same, owner), len(self._joined))
        return constant._replace(same=("folded", number))

    def folds_ahead(self, node: Node, readers: list[Node]) -> None:
        """Fold a layer into the weights of the layers after it, if there are any."""
        self.weigh(len(readers))
        for reader in readers:
            self.ahead.setdefault(reader, []).append(node)
            self.values[node] = self.values[node.inputs[0]]

    def weigh(self, layers: int) -> None:
        """Count layers into which another one may be folded. Raises CnncalcError beyond a bound."""
        self._ahead += layers
        if self._ahead > MAX_FOLDED:
            raise CnncalcError(
                f"batchnorms and factors would be folded into more than {MAX_FOLDED:,} layers after them"
            )

    def fuses(self, node: Node, activation: str) -> bool:
        """Fuse a clamp into the operator before it, and return whether that was possible.

        A clamp is moved before copies; a duplicate is dropped, unless a copy is between.
        """
        tensor = node.inputs[0]
        end = operator = self.producer(tensor)
        if operator is None or self.sole_reader(tensor) is None:
            return False
        while operator.code in MOVING:
            made = self._made.get(operator.inputs[0])
            if made is None or self.sole_reader(operator.layers[0].inputs[0]) is None:
                return False
            operator = made
        again = (
            operator is end and activation in (operator.activation, operator.code) and not self.behind_a_copy(tensor)
        )
        if not again and (operator.code not in FUSING or operator.activation is not None):
            return False
        if operator.code == "TRANSPOSE_CONV" and not any(one.part == BIAS for one in operator.constants):
            return False
        if not again:
            operator.activation = activation
        operator.layers.append(node)
        self.fused.append(node)
        assert end is not None
        self.values[node] = end.output
        return True

    def weight(self, elements: int, channels: int, same: object, dense: bool = False) -> Constant:
        """Return a weight tensor with a scale for each of ``channels``, or a single one if the converter uses one."""
        per_channel = self.kind.scaled and (self.converter.dense_per_channel or not dense)
        scales = (channels if per_channel else 1) if self.kind.scaled else 0
        return Constant(WEIGHT, elements, self.kind.weight, scales, per_channel, ("weight", same))

    def bias(self, elements: int, same: object | None, dense: bool = False) -> Constant:
        """Return a bias; if ``same`` is None, of zeros, which are stored once for each size."""
        per_channel = self.kind.scaled and (self.converter.dense_per_channel or not dense)
        scales = (elements if per_channel else 1) if self.kind.scaled else 0
        identity = ("zeros", elements) if same is None else ("bias", same)
        return Constant(BIAS, elements, self.kind.bias, scales, per_channel, identity)

    def factors(self, elements: int, same: object) -> Constant:
        """Return a constant operand of a product or sum: numbers of the kind, one scale."""
        width = self.kind.activation if self.kind.scaled else self.kind.weight
        return Constant(WEIGHT, elements, width, int(self.kind.scaled), False, ("factors", same))

    def number(self, value: float) -> Constant:
        """Return a constant number as an operand of a product, sum or comparison."""
        return self.factors(1, value)._replace(same=("number", value))

    def integers(self, *values: object) -> Constant:
        """Return a shape, a list of axes or a padding: int32, stored once for equal values."""
        return Constant(OTHER, len(values), 4, 0, False, ("integers", values))


LoweringRule = Callable[[Lowering, Node], None]


def is_idle(node: Node) -> bool:
    """Whether a layer is dropped on a device: it passes its input on, or reshapes it to the same shape."""
    if node.layer.type in ("dropout", "identity"):
        return True
    if node.layer.type == "channel_shuffle" and cast("ChannelShuffle", node.layer).groups == 1:
        return True
    return node.layer.is_view and last(node.shape) == last(node.use.inputs[0])


def shifts(node: Node) -> bool:
    """Whether a layer adds a constant to each channel."""
    return node.layer.type == "batchnorm" or (node.layer.type == "scale" and cast("Scale", node.layer).bias)


def is_dense(operator: Operator) -> bool:
    """Whether an operator is a dense layer, whose weights may have one scale for all channels."""
    return operator.code == "FULLY_CONNECTED"


def last(shape: Shape) -> Shape:
    """Return a shape with its channels last."""
    return (*shape[1:], shape[0])


def refused(node: Node, why: str, hint: str | None = None) -> CnncalcError:
    """Return the error for a layer that is not supported on this device, with its place in the spec."""
    place = f"{node.origin}: " if node.origin else ""
    of_shapes = " of " + ", ".join([shape_text(shape) for shape in node.use.inputs]) if node.use.inputs else ""
    return CnncalcError(f"{place}'{node.name}' ({node.layer.type}{of_shapes}): {why}", hint)
