"""The conversion of a network for a device: what lowering rules can look up, and do: emit, fold, fuse, pass on."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, cast

from cnncalc.deployment.axes import Order, channels_last, laid, without_ones
from cnncalc.deployment.constants import MOST_AXES, NOT_IN_16X8, VERIFIED_AXES, Converter, NumberFormat
from cnncalc.deployment.operators import BIAS, OTHER, WEIGHT, Constant, DeviceTensor, Operator
from cnncalc.deployment.readers import DeviceReaders
from cnncalc.deployment.stored import Stored
from cnncalc.deployment.traits import KEEPING_HEIGHT, MOVING, ONE_SCALE
from cnncalc.deployment.unsupported import UnsupportedError
from cnncalc.graph import Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_FOLDED
from cnncalc.layers.arguments import Pair
from cnncalc.layers.shapes import Shape, axis_index

if TYPE_CHECKING:
    from cnncalc.graph import Graph, Tensor
    from cnncalc.layers.other.affine import Affine
    from cnncalc.layers.other.scale import Scale


class Lowering(Stored, DeviceReaders):
    """The conversion of a network for a device.

    Attributes:
        values: the device's tensor for each of the network's.
        borders: the padding that a convolution takes over from the layer before it, by the convolution.
        ahead: layers that are part of the weights of a layer after them, by that layer.
        raw: what a layer reads that takes over padding or constants from layers before it: the input of the first.
        makers: the operator that makes each of the device's tensors.
        logistics: the LOGISTIC of each tensor that has one.
        floats: a tensor in float32, by the quantised one.
        summands: the shape, channels last, of the constant that an ADD adds.
        biases: whether each dense layer has a bias in the file; None until asked.
        takers: batchnorms and constants, each with the layers after it that take it in, and whether these are all that
            read it; None until asked.
        operators, gone, folded, fused, notes: as :class:`~cnncalc.deployment.operators.DeviceGraph` has them, except
            that ``operators`` still has those in ``dropped``.
    """

    def __init__(self, graph: Graph, kind: NumberFormat, converter: Converter) -> None:
        Stored.__init__(self, kind, converter)
        DeviceReaders.__init__(self, graph, converter)
        self.values: dict[Tensor, DeviceTensor] = {}
        self.operators: list[Operator] = []
        self.dropped = set[Operator]()
        self.summands: dict[Operator, Shape] = {}
        self.biases: dict[Node, str] | None = None
        self.takers: dict[Node, tuple[list[Node], bool]] | None = None
        self.gone: list[Node] = []
        self.folded: dict[Node, None] = {}
        self.fused: list[Node] = []
        self.notes: list[str] = []
        self.ahead: dict[Node, list[Node]] = {}
        self.borders: dict[Node, tuple[Pair, ...]] = {}
        self.raw: dict[Node, DeviceTensor] = {}
        self._reshaped: dict[tuple[DeviceTensor, Shape], DeviceTensor] = {}
        self._moved: dict[Tensor, bool] = {}
        self._turned: dict[tuple[Tensor, Order], DeviceTensor] = {}
        self.makers: dict[DeviceTensor, Operator] = {}
        self.logistics: dict[DeviceTensor, Operator] = {}
        self.floats: dict[DeviceTensor, DeviceTensor] = {}
        self._before: dict[Operator, Operator | None] = {}  # the operator before a row of copies, by each of them
        self._joined: dict[tuple[object, Node], int] = {}
        self._ahead = 0

    # --- queries ------------------------------------------------------------------------------------------

    def producer(self, tensor: Tensor) -> Operator | None:
        """Return the operator that makes a tensor; None for an input of the network."""
        return self.makers.get(self.values[tensor])

    def feeder(self, node: Node) -> Operator | None:
        """Return the operator that makes a layer's first input, if that layer alone reads it; else None."""
        tensor = node.inputs[0]
        return self.producer(tensor) if self.sole_reader(tensor) is not None else None

    def before_copies(self, tensor: Tensor, whole: bool = True) -> Operator | None:
        """Return the operator that makes a tensor, looking through copies that feed nothing else, or None.

        Unless ``whole``, at most one copy that keeps the last axis is looked through.
        """
        operator = self.producer(tensor)
        if operator is None or operator.code not in MOVING:
            return operator
        before, (source,) = self._before[operator], operator.inputs
        keeps = operator.code == "RESHAPE" and source.shape[-1] == operator.output.shape[-1]
        return before if whole or (keeps and before is self.makers.get(source)) else None

    def _before_copy(self, copy: Operator) -> Operator | None:
        """Return the operator before a copy and those before it, if they feed nothing else."""
        before, node = self.makers.get(copy.inputs[0]), copy.layers[0]
        if before is None or (before.layers[0] is not node and self.sole_reader(node.inputs[0]) is None):
            return None
        return self._before[before] if before.code in MOVING else before

    def of(self, node: Node) -> list[DeviceTensor]:
        """Return the device's tensors that a layer reads, channels last: perhaps after a TRANSPOSE."""
        if node in self.raw:
            return [self.raw[node]]
        return [self.turned(node, tensor, channels_last(len(tensor.shape))) for tensor in node.inputs]

    def as_they_lie(self, node: Node) -> list[DeviceTensor]:
        """Return the device's tensors that a layer reads, their axes in any order.

        Maps of one axis have a height only where the converter moves the RESHAPE that takes it away behind the layer.
        """
        flows = [self.raw[node]] if node in self.raw else [self.values[tensor] for tensor in node.inputs]
        return self.with_heights(node, list(zip(node.inputs, flows, strict=True)))

    def with_heights(self, node: Node, given: list[tuple[Tensor, DeviceTensor]]) -> list[DeviceTensor]:
        """Return what an operator of a layer reads, without heights unless all maps of one axis keep theirs.

        A RESHAPE is moved behind the one layer that reads it, if that works element by element, on maps of one shape;
        convolutions and poolings need a height, and read none.  A tensor of the layer itself is what its operator
        before has made.
        """
        maps = [(tensor, flow) for tensor, flow in given if len(tensor.shape) == 2]
        alike = len({flow.shape for _, flow in maps if flow.constant is None}) <= 1
        if (
            node.layer.type in KEEPING_HEIGHT
            and alike
            and all(len(flow.shape) == 3 and (tensor is node or self._is_moved(tensor)) for tensor, flow in maps)
        ):
            return [flow for _, flow in given]
        return [self.without_height(node, tensor, flow) for tensor, flow in given]

    def _is_moved(self, tensor: Tensor) -> bool:
        """Whether at most one layer reads a map of one axis without a height."""
        if tensor not in self._moved:
            readers, given = self.beyond(tensor)
            without = {one for one in readers if one.layer.type not in ("conv", "maxpool", "avgpool")}
            self._moved[tensor] = len(without) + given <= 1
        return self._moved[tensor]

    def flat(self, node: Node) -> DeviceTensor:
        """Return the one tensor that a layer reads, channels last; a map of one axis has no height."""
        return self.without_height(node, node.inputs[0], self.of(node)[0])

    def along(self, node: Node, axis: int) -> tuple[DeviceTensor, int]:
        """Return the one tensor that a layer reads, its axes in any order, and the place of one of these on it."""
        (tensor,), (flow,) = node.inputs, self.as_they_lie(node)
        return flow, self.place(tensor, axis_index(axis, tensor.shape), flow)

    def place(self, tensor: Tensor, axis: int, flow: DeviceTensor) -> int:
        """Return an axis of a tensor, counted in the device's."""
        return self.order(tensor).index(axis) + len(flow.shape) - len(tensor.shape)

    def is_constant(self, tensor: Tensor) -> bool:
        """Whether a tensor stands in the file: its values don't depend on the network's inputs."""
        return isinstance(tensor, Node) and (
            tensor.layer.type == "parameter" or (tensor in self.values and self.values[tensor].constant is not None)
        )

    # --- actions ------------------------------------------------------------------------------------------

    def emit(
        self,
        code: str,
        node: Node,
        inputs: list[DeviceTensor],
        *constants: Constant,
        shape: Shape | None = None,
        width: int | None = None,
        name: str = "",
    ) -> Operator:
        """Append an operator for a layer; the output of the last one is the layer's.

        Args:
            code: its name in TensorFlow Lite.
            node: the layer.
            inputs: the tensors that it reads.
            constants: that it reads from the file.
            shape: of its output, channels last; the first input's by default.
            width: bytes of an element of the output; the kind's by default, 4 for parts in float32.
            name: of the output; the layer's by default.
        """
        if self.kind.name == "int16x8" and code in NOT_IN_16X8:
            why = f"{NOT_IN_16X8[code]} refuses {code} in 16x8: not yet supported"
            raise UnsupportedError(node, why, "quantise to int8" if code != "HARD_SWISH" else "use relu6 or silu")
        shape = inputs[0].shape if shape is None else shape
        axes = 1 + max(len(shape), *[len(flow.shape) for flow in inputs])
        if code != "RESHAPE" and axes > (most := MOST_AXES.get(code, VERIFIED_AXES)):
            raise UnsupportedError(
                node, f"{code} of {axes} axes, the batch's among them: tflite-micro's has at most {most}"
            )
        width = self.kind.activation if width is None else width
        quantised = width == self.kind.activation and self.kind.scaled
        output = self.values[node] = DeviceTensor(name or node.name, shape, width, quantised)
        output.fixed_scale = code in ONE_SCALE and inputs[0].fixed_scale
        stored = [flow.constant for flow in inputs if flow.constant is not None]
        flows = [flow for flow in inputs if flow.constant is None]
        operator = self.makers[output] = Operator(code, node, flows, output, [*stored, *constants])
        self.operators.append(operator)
        if code in MOVING:
            self._before[operator] = self._before_copy(operator)
        return operator

    def reshape(
        self, node: Node, flow: DeviceTensor, shape: Shape, name: str = "", batch: int | None = 1, doubt: str = ""
    ) -> DeviceTensor:
        """Append a RESHAPE: a copy, as no two tensors of the arena share their place (kernels/reshape.cc).

        Of two in a row there is one, or none if they undo each other.  ``batch`` is the length of the batch's axis in
        the file, None if the tensor has none.
        """
        made = self.makers.get(flow)
        if made is not None and made.code == "RESHAPE" and self._only_read_by(made, node):
            self.dropped.add(made)
            flow = made.inputs[0]
            self._reshaped.pop((flow, made.output.shape), None)
            if flow.shape == shape:
                doubt = "a reshape that undoes the one before it"
                if self._is_alone(flow, made):
                    self.values[node] = flow
                    return flow
        sizes = shape if batch is None else (batch, *shape)
        operator = self.emit("RESHAPE", node, [flow], self.integers(*sizes), shape=shape, name=name)
        operator.doubt = doubt
        return operator.output

    def transpose(self, node: Node, flow: DeviceTensor, places: list[int], name: str = "") -> DeviceTensor:
        """Append a TRANSPOSE to the given places, counted without the batch; of two in a row there is one, or none."""
        made = self.makers.get(flow)
        if made is not None and made.code == "TRANSPOSE" and self._only_read_by(made, node):
            (source,), turns = made.inputs, cast("tuple[int, ...]", made.constants[0].same[1])
            both = [turns[place + 1] - 1 for place in places]
            if both != sorted(both) or self._is_alone(source, made):
                self.dropped.add(made)
                flow, places = source, both
        if places == sorted(places):
            self.values[node] = flow
            return flow
        shape = tuple([flow.shape[place] for place in places])
        turned = self.integers(0, *[place + 1 for place in places])
        return self.emit("TRANSPOSE", node, [flow], turned, shape=shape, name=name).output

    def _is_alone(self, source: DeviceTensor, made: Operator) -> bool:
        """Whether a copy is all that reads its input."""
        before = self.makers.get(source)
        same = before is not None and before.layers == made.layers
        return same or self.sole_reader(made.layers[0].inputs[0]) is not None

    def _only_read_by(self, made: Operator, node: Node) -> bool:
        """Whether a layer alone reads an operator's output, at most through layers that were folded."""
        tensor: Tensor = node
        while isinstance(tensor, Node) and tensor is not made.layers[0] and tensor.inputs:
            tensor = tensor.inputs[0]
            if self.sole_reader(tensor) is None:
                return False
        return tensor is made.layers[0]

    def constant(self, node: Node) -> None:
        """Give a layer whose inputs are constants, or that has none, its tensor in the file."""
        flow = self.values[node] = DeviceTensor(node.name, laid(node.shape, self.order(node)), 0, False)
        flow.constant = self.factors(prod(node.shape), ("constant", node.shares or node))

    def with_height(self, node: Node, flow: DeviceTensor) -> DeviceTensor:
        """Return a map as (H, W, C); one of one axis without a height is reshaped, once for all its readers."""
        if len(flow.shape) == 3:
            return flow
        return self._reshaped_once(node, flow, (1, *flow.shape), f"{node.name} (as a map of height 1)")

    def without_height(self, node: Node, tensor: Tensor, flow: DeviceTensor) -> DeviceTensor:
        """Return the device's tensor for a layer; a map of one axis, (1, W, C), becomes (W, C)."""
        if len(flow.shape) != 3 or len(tensor.shape) != 2:
            return flow
        return self._reshaped_once(node, flow, flow.shape[1:], f"{node.name} (of one axis)")

    def _reshaped_once(self, node: Node, flow: DeviceTensor, shape: Shape, name: str) -> DeviceTensor:
        if (flow, shape) not in self._reshaped:
            self._reshaped[flow, shape] = self.reshape(node, flow, shape, name)
        return self._reshaped[flow, shape]

    def turned(self, node: Node, tensor: Tensor, order: Order) -> DeviceTensor:
        """Return a tensor with its axes in an order; for a layer that needs them so, there is a TRANSPOSE before it."""
        flow, lies = self.values[tensor], self.order(tensor)
        if flow.constant is not None:
            turned = DeviceTensor(flow.name, laid(tensor.shape, order), 0, False)
            turned.constant = flow.constant
            return turned
        if lies == order:
            return flow
        known = self._turned.get((tensor, order))
        if known is None:
            shape, name = laid(tensor.shape, order), f"{flow.name} (turned)"
            if without_ones(tensor.shape, lies) == without_ones(tensor.shape, order):
                known = self.reshape(node, flow, shape, name)
            else:
                more = len(flow.shape) - len(lies)
                places = [*range(more), *[lies.index(axis) + more for axis in order]]
                known = self.transpose(node, flow, places, name)
            self._turned[tensor, order] = known
        return known

    def note(self, text: str) -> None:
        """Add a sentence for users, once."""
        if text not in self.notes:
            self.notes.append(text)

    def passes(self, node: Node) -> None:
        """Drop a layer: its output is its input, or that of a layer equal to it."""
        self.gone.append(node)
        source = self.source(node)
        self.values[node] = self.values[node.inputs[0] if source is node else source]

    def joins(self, node: Node, into: Operator) -> None:
        """Make a layer part of an operator; its output is the operator's unless it has one."""
        self.folded[node] = None
        into.layers.append(node)
        self.values.setdefault(node, into.output)

    def folds(self, node: Node, into: Operator, shifts: bool = True) -> None:
        """Fold a layer into an operator's weights and, if it ``shifts``, into its bias, which may be new."""
        owner = node.shares or node
        self.joins(node, into)
        parts = {part: [one for one in into.constants if one.part == part] for part in (OTHER, WEIGHT, BIAS)}
        parts[WEIGHT] = [self._with(one, owner) for one in parts[WEIGHT]]
        channels = into.output.shape[-1]
        written = [one for one in parts[BIAS] if one.same != ("zeros", channels)]
        if written:
            parts[BIAS] = [self._with(written[0], owner)]
        elif shifts:  # a dense layer's weights may have one scale for all channels
            parts[BIAS] = [self.bias(channels, owner, into.code == "FULLY_CONNECTED")]
        into.constants = [one for some in parts.values() for one in some]

    def takes_ahead(self, node: Node, into: Operator, shifts: bool = True) -> None:
        """Fold into a layer's operator what it takes in of the layers before it; no sums unless it ``shifts``."""
        for folded in self.ahead.get(node, ()):
            self.folds(folded, into, shifts and adds(folded))

    def _with(self, constant: Constant, owner: Node) -> Constant:
        """Return a constant with a layer folded into it: constants of one value with one layer have one value."""
        number = self._joined.setdefault((constant.same, owner), len(self._joined))
        return constant._replace(same=("folded", number))

    def folds_ahead(self, node: Node, flow: DeviceTensor, takers: list[Node]) -> None:
        """Fold a layer into the weights of some of the layers after it, which read a tensor before it then."""
        self.weigh(len(takers))
        for taker in takers:
            self.ahead.setdefault(taker, []).append(node)
            self.raw.setdefault(taker, flow)
        self.take_away(node, takers)

    def weigh(self, layers: int) -> None:
        """Count layers into which another one may be folded. Raises CnncalcError beyond a bound."""
        self._ahead += layers
        if self._ahead > MAX_FOLDED:
            raise CnncalcError(
                f"batchnorms and factors would be folded into more than {MAX_FOLDED:,} layers after them"
            )


LoweringRule = Callable[[Lowering, Node], None]


def adds(node: Node) -> bool:
    """Whether a layer adds a constant."""
    if node.layer.type == "affine":
        return cast("Affine", node.layer).add != 0
    return node.layer.type in ("batchnorm", "shift") or (node.layer.type == "scale" and cast("Scale", node.layer).bias)


def last(shape: Shape) -> Shape:
    """Return a shape with its channels last."""
    return (*shape[1:], shape[0])
