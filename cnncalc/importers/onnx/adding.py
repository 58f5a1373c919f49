"""The layers of a model file, and how the current operator adds further ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import prod
from operator import mul

from cnncalc.ground import limits
from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.batch import sample_step, with_file_batch
from cnncalc.importers.onnx.equal import EqualConstants
from cnncalc.importers.onnx.model import Attribute, OnnxOperator, StoredTensor, operator_of
from cnncalc.importers.onnx.proto import FLOATS, SMALL_INTEGERS
from cnncalc.importers.onnx.provenance import PERIODIC, is_generated_name
from cnncalc.importers.onnx.steps import OwnTensors, layer_of, reshape_layer
from cnncalc.importers.onnx.values import MOVES, Call, ConstantInput, LayerStep, UnfitError, Value, alias
from cnncalc.layers.base import Layer, Use
from cnncalc.layers.reads import Along, Permuted, kept
from cnncalc.layers.shapes import Shape

PRODUCTS = ("Mul", "multiply")
DIFFERENCES = ("Sub", "subtract")


def _leaves(call: Call) -> tuple[StoredTensor, ...]:
    """Return the stored tensors that are in an operator's outputs: a divisor that PyTorch has computed is a norm."""
    divisor = call.given(1) if call.op in ("Div", "divide") else None
    names = [leaf.name for leaf in divisor.leaves] if divisor is not None else []
    if names and all(name.startswith(("onnx::", "/")) or is_generated_name(name) for name in names):
        call = call._replace(inputs=call.inputs[:1])
    return call.leaves()


class AddedLayers:
    """The layers so far.

    Attributes:
        call: the current operator.
        steps: the layers.
        one_sample_only: operators that work only for a batch of 1, as messages name them.
        file_batch: how many samples the file's inputs have, 1 if it leaves that open.
        sequences: how many sequences a recurrent operator reads that finds no batch among them; 0 if there is none.
        equal: which constants are equal.
        parameters: outputs of layers that hold one constant each, by the constant's number and their shape.
        dequantized: identities of stored integers that stand for real numbers.
        differences: outputs of the ``subtract`` layers so far, by their layer and inputs.
    """

    def __init__(self) -> None:
        self.call = Call(OnnxOperator("", "", (), (), "", {}, (), {}, ""), [])
        self.steps: list[LayerStep] = []
        self.one_sample_only: list[str] = []
        self.file_batch = 1
        self.sequences = 0
        self.leaves_left = limits.MAX_MODEL_SOURCES
        self.equal = EqualConstants()
        self.parameters: dict[tuple[int, Shape], Value] = {}
        self.dequantized: dict[int, None] = {}
        self.differences: dict[tuple[object, ...], Value] = {}

    def derive(self, value: Value, call: Call, index: int = 0) -> None:
        """Set which output of an operator a constant is.  Raises CnncalcError if it comes from too many others."""
        value.source, value.index, value.sample_step, first = call, index, sample_step(call, self.call), call.given(0)
        if value.sample_step is None:
            self.require_equal_samples(call.inputs)
        if not value.leaves and call.op not in PERIODIC:
            scaled = _scaled_integers(call)
            value.leaves = _leaves(call) if scaled is None else scaled.leaves
            if scaled is not None and call.op in PRODUCTS and value.dtype in FLOATS:
                self.dequantized |= dict.fromkeys([id(leaf) for leaf in scaled.leaves])
            self.leaves_left -= len(value.leaves)
        if self.leaves_left < 0:
            raise CnncalcError(f"its constants come from more than {limits.MAX_MODEL_SOURCES:,} others, all together")
        if call.op in MOVES and first is not None and value.fill is None:
            value.fill = first.fill

    def derived(self, op: str, *values: Value, shape: Shape | None = None, **attributes: Attribute) -> Value:
        """Return the constant that an operator computes from constants; its shape is by default the first one's."""
        value = Value("", values[0].shape if shape is None else shape, values[0].dtype)
        self.derive(value, Call(operator_of(op, self.call.operator, **attributes), list(values)))
        return value

    def step(
        self,
        name: str,
        inputs: Sequence[Value],
        batch: int | None = -1,
        tensors: OwnTensors | None = None,
        /,
        **arguments: object,
    ) -> Value:
        """Add a layer and return its output, which is a constant if all inputs are constants.

        Args:
            name: the layer type.
            inputs: the values that it reads; constants become parameters if any other input is computed.
            batch: the batch axis in the file's shape of the output; −1 stands for that of the first input with one.
            tensors: the layer's own tensors, by the layer's names for them.
            arguments: the layer's arguments; those that are None are left out.
        """
        layer = layer_of(name, {key: value for key, value in arguments.items() if value is not None})
        return self.layer(layer, inputs, batch, tensors)

    def layer(
        self, layer: Layer, inputs: Sequence[Value], axis: int | None = -1, tensors: OwnTensors | None = None
    ) -> Value:
        """Add a layer and return its output; see :meth:`step`."""
        use, own = layer.apply(tuple([value.sample for value in inputs])), tensors or {}
        shape = () if inputs and use.output == (1,) and not any(value.shape for value in inputs) else use.output
        live = [value for value in inputs if value.is_live]
        if not live and layer.kind not in ("conv", "fc", "matmul", "recurrent"):
            constants = [*inputs, *[tensor.value for tensor in own.values()]]
            return self.derived(layer.type, *constants, shape=shape, layer=layer, tensors=[*own])
        if len(live) < len(inputs):
            live = [self.tensor(value) for value in inputs]
        key = (layer, *[value.step or value.input_name for value in live]) if layer.type == "subtract" else ()
        if key in self.differences:  # older exporters write the difference from the mean twice
            return self.differences[key].copy()
        times = 0
        for number, value in enumerate(live):
            if value.before_batch is not None and not _keeps_places(use, number, prod(value.before_batch)):
                self.one_sample_only.append(self.call.operator.label)
            if value.sample_step is not None and self.call.op not in MOVES:
                self.require_equal_samples(live)
            if value.times and times not in (0, value.times):
                raise UnfitError(f"its inputs come {times} and {value.times} times for one sample")
            times = times or value.times
        output = Value("", shape, live[0].dtype)
        output.times = layer.times(use.inputs, times)
        if output.times:
            output.axis = next((value.axis for value in live if value.axis is not None), None) if axis == -1 else axis
        if output.axis is None and live and use.output[:1] == live[0].shape[:1]:
            output.before_batch = live[0].before_batch
        self.steps.append(LayerStep(layer, live, output, own, [self.call], use))
        if key:
            self.differences[key] = output
        return output

    def with_file_batch(self, value: Value) -> Value:
        """Return a constant with the numbers of the file's own batch; then the file works only for that."""
        found = with_file_batch(value)
        if found is not value:
            by = f"{self.call.operator.label} on" if self.call.op else f"the output '{value.name}' of"
            self.one_sample_only.append(f"{by} the number of samples")
        return found

    def require_one_sample(self, why: str) -> None:
        """Record that the operator works only for a batch of 1.  Raises UnfitError if the file is for more samples."""
        if self.file_batch > 1:
            raise UnfitError(why)
        self.one_sample_only.append(self.call.operator.label)

    def require_equal_samples(self, values: Iterable[Value | None]) -> None:
        """Require one sample if the numbers of a value differ from sample to sample."""
        if {value.sample_step for value in values if value is not None} - {None}:
            self.require_one_sample("its numbers differ from sample to sample")

    def unbatched(self, value: Value) -> Value:
        """Return a value of one sample whose batch is an axis like any other: that of the sample's arrays."""
        times, at = value.times, value.axis
        if at is None:
            return value
        whole = (*value.shape[:at], times, *value.shape[at:])
        return self.view(self.step("unfold", [value], None, size=times, axis=at) if times > 1 else value, whole, None)

    def parameter(self, value: Value, shape: Shape) -> Value:
        """Return a constant, reshaped, as the output of a layer without inputs."""
        value = self.with_file_batch(value)
        self.require_equal_samples([value])
        key = self.equal.number(value), shape
        if key not in self.parameters:
            layer, output = layer_of("parameter", {"shape": shape or (1,)}), Value(value.name, shape, value.dtype)
            tensors = {"weight": ConstantInput(self.view(value, shape, None), False)}
            self.steps.append(LayerStep(layer, [], output, tensors, [self.call]))
            self.parameters[key] = output
        return self.parameters[key]

    def tensor(self, value: Value) -> Value:
        """Return a value that layers can read: a constant becomes the output of a layer without inputs."""
        return value if value.is_live else self.parameter(value, value.shape)

    def view(self, value: Value, shape: Shape, axis: int | None) -> Value:
        """Return a value whose samples have another shape, the batch at ``axis``; a layer is added only if needed."""
        while isinstance(made_by := value.source, Call) and made_by.op == "Reshape" and value.shape != shape:
            value = made_by.input(0)
        if not value.is_live and value.shape != shape:
            made = self.derived("Reshape", value, shape=shape)
            made.defer(lambda: value.data if made.elements == value.elements else None)
            made.in_file = value.in_file if made.elements == value.elements else None
            return made
        sample = shape or (1,)
        if value.is_live and value.sample != sample:
            kind, value, arguments = reshape_layer(value, sample)
            value = value if value.sample == sample else self.step(kind, [value], axis, **arguments)
        return alias(value, shape, axis)


def _scaled_integers(call: Call) -> Value | None:
    """Return the stored small integers that an operator scales, or takes a zero point from; None if it does neither."""
    inputs = [value for value in call.inputs if value is not None]
    if call.op not in (*PRODUCTS, *DIFFERENCES) or not inputs:
        return None
    largest = max(inputs, key=lambda value: value.elements)
    is_stored = largest.leaves and all(leaf.dtype in SMALL_INTEGERS for leaf in largest.leaves)
    return largest if is_stored else None


def _keeps_places(use: Use, number: int, count: int) -> bool:
    """Whether a layer leaves the leading axes of an input, of ``count`` places in all, as they are.

    The samples are an inner part of the last of these axes: what joins its places would join samples.
    """
    moves = (use.layer.reads(use.inputs, use.output) or ((),) * len(use.inputs))[number]
    ends = [*accumulate(use.inputs[number], mul)]
    axes = ends.index(count) + 1 if count in ends else len(ends)
    for move in moves:
        if isinstance(move, Along) and [*move.reads[:axes]] != kept(axes):
            return False
        if isinstance(move, Permuted) and move.order[:axes] != tuple(range(axes)):
            return False
    return True
