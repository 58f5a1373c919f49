"""From operators to layers: an operator whose inputs are known is evaluated, any other one becomes layers."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cnncalc.ground import limits
from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.batch import with_file_batch
from cnncalc.importers.onnx.elements import elements, is_small
from cnncalc.importers.onnx.equal import EqualConstants
from cnncalc.importers.onnx.evaluator import evaluate
from cnncalc.importers.onnx.lost import LOST, can_be_lost, has_variable_rows, inner_operators
from cnncalc.importers.onnx.model import Attribute, Function, Model, OnnxOperator, StoredTensor, Subgraph, operator_of
from cnncalc.importers.onnx.provenance import PERIODIC
from cnncalc.importers.onnx.readers import Readers
from cnncalc.importers.onnx.steps import OwnTensors, layer_of, reshape_layer
from cnncalc.importers.onnx.values import (
    MOVES,
    UNFIT,
    Call,
    ConstantInput,
    LayerStep,
    UnfitError,
    Value,
    ValueScope,
    alias,
    literal,
)  # fmt: skip
from cnncalc.importers.onnx.wire import MalformedError, Span, WireReader
from cnncalc.layers.base import Layer, LayerError
from cnncalc.layers.shapes import Shape, shape_text

Result = Value | Sequence["Value | None"]
Handler = Callable[["Builder", Call], Result]
HANDLERS: dict[tuple[str, str], Handler] = {}
"""How operators become layers, by (domain, operator)."""

UNKNOWN = ""
"""The key of the handler for all operators that have no handler of their own."""

CONTROL_FLOW = ("If", "Loop", "Scan")
"""Operators whose outputs are those of their subgraphs."""


def operator(*ops: str, domain: str = "") -> Callable[[Handler], Handler]:
    """Register the function that turns some operators into layers."""

    def register(function: Handler) -> Handler:
        HANDLERS.update({(domain, op): function for op in ops})
        return function

    return register


class Builder:
    """Adds the layers of a model file, operator by operator.

    Attributes:
        choices: which branch of an If is taken, by the If's key in :attr:`undecided`.
        rounds: whether quantised tensors are rounded; they are in the graph that runs, not in the one that is counted.
        steps: the layers so far.
        notes: notes for users, one sentence each.
        training: names of the operators that are in training mode.
        variable_rows: operators with a variable number of output rows, as messages name them.
        lost: operators that are left out, because their output's shape depends on that number.
        read_by_lost: tensors that the operators in ``lost`` read.
        one_sample_only: operators that work only for a batch of 1, as messages name them.
        undecided: Ifs whose branch is chosen when the model runs: key, label, and condition, which is None if no layer
            computes it.
        quantizes: whether the file has quantised tensors.
        statistics: identities of stored tensors that are the mean or the variance of a batchnorm.
        constants: identities of stored tensors that stand in Constant operators, not among the initializers.
        dequantized: identities of stored integers that stand for real numbers.
        file_batch: how many samples the file's inputs have, 1 if it leaves that open.
        readers: how often each value of the current graph is read.
        call: the current operator.
        scope: the values that the current operator can read.
        equal: which constants are equal.
        parameters: outputs of layers that hold one constant each, by the constant's number and their shape.
        stated: where the file states the types of values, by their names.
        differences: outputs of the ``subtract`` layers so far, by their layer and inputs.
    """

    def __init__(self, model: Model, wire: WireReader, choices: Mapping[str, bool], rounds: bool) -> None:
        self.model = model
        self.wire = wire
        self.choices = choices
        self.rounds = rounds
        self.steps: list[LayerStep] = []
        self.notes: list[str] = []
        self.training: list[str] = []
        self.variable_rows: list[str] = []
        self.lost: list[str] = []
        self.read_by_lost: list[Value] = []
        self.one_sample_only: list[str] = []
        self.undecided: list[tuple[str, str, Value | None]] = []
        self.quantizes = False
        self.statistics: dict[int, None] = {}
        self.constants: set[int] = set()
        self.dequantized: dict[int, None] = {}
        self.file_batch = 1
        self.operators_left = limits.MAX_MODEL_NODES
        self.leaves_left = limits.MAX_MODEL_SOURCES
        self.known_left = limits.MAX_KNOWN
        self.compared_left = limits.MAX_COMPARED_BYTES
        self.entered_graphs: dict[int, tuple[dict[str, Value], Readers]] = {}
        self.readers = Readers()
        self.depth = 0
        self.call = Call(OnnxOperator("", "", (), (), "", {}, (), {}, ""), [])
        self.scope = ValueScope()
        self.equal = EqualConstants()
        self.parameters: dict[tuple[int, Shape], Value] = {}
        self.stated: dict[str, Span] = {}
        self.differences: dict[tuple[object, ...], Value] = {}

    # --- graphs and operators -------------------------------------------------------------------------------

    def graph(self, graph: Subgraph, scope: ValueScope, scopes: tuple[str, ...] = ()) -> list[Value | None]:
        """Add the operators of a graph and return the graph's outputs."""
        if id(graph) not in self.entered_graphs:
            self.stated.update(graph.stated)
            stored = {name: self.stored(tensor) for name, tensor in graph.stored.items()}
            self.entered_graphs[id(graph)] = stored, Readers(graph.operators, [port.name for port in graph.outputs])
        self.count_operators(len(graph.outputs))
        scope.stored, readers = self.entered_graphs[id(graph)]
        with self.nested(readers):
            for item in graph.operators:
                self.operator(item, scope, scopes)
        return [scope.find(port.name) for port in graph.outputs]

    @contextmanager
    def nested(self, readers: Readers) -> Iterator[None]:
        """Enter one more level of nested graphs and functions.  Raises CnncalcError if there are too many levels."""
        if self.depth == limits.MAX_MODEL_DEPTH:
            raise CnncalcError(f"the model's graphs and functions are nested deeper than {limits.MAX_MODEL_DEPTH}")
        around, self.readers = self.readers, readers
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            self.readers = around

    def count_operators(self, count: int) -> None:
        """Count operators, or work that takes as long.  Raises CnncalcError if there are too many."""
        self.operators_left -= count
        if self.operators_left < 0:
            raise CnncalcError(f"the model has more than {limits.MAX_MODEL_NODES:,} operators, functions written out")

    def count_known(self, count: int) -> None:
        """Count elements of constants that are read or computed.  Raises CnncalcError if there are too many."""
        self.known_left -= count
        if self.known_left < 0:
            raise CnncalcError(f"the model computes with more than {limits.MAX_KNOWN:,} elements of constants")

    def stored(self, stored: StoredTensor) -> Value:
        """Return a stored tensor as a value whose elements are read only if they are few and asked for."""
        value = Value(stored.name, stored.shape, stored.dtype)
        value.leaves, value.source = (stored,), stored

        def read() -> tuple[float, ...] | None:
            self.count_known(stored.elements)
            return elements(self.wire, stored)

        if is_small(stored):
            value.defer(read)
        return value

    def operator(self, item: OnnxOperator, scope: ValueScope, scopes: tuple[str, ...]) -> None:
        """Add one operator of a graph or a function.

        Raises:
            CnncalcError: if its inputs or attributes do not fit it; the message names it.
        """
        size = len(item.inputs) + len(item.outputs) + len(item.attributes)
        self.count_operators(1 + size // limits.TENSORS_PER_OPERATOR)
        inputs: list[Value | None] = []
        for name in item.inputs:
            value = scope.find(name) if name else None
            if value is None and name and name not in scope.optional:
                raise CnncalcError(f"{item.label} reads '{name}', which no operator before it computes")
            inputs.append(value)
        for name in item.outputs:
            if name and (name in scope.values or name in scope.stored):
                raise CnncalcError(f"{item.label} computes '{name}', which exists already")
        call = Call(item, inputs, self.model.opsets.get(item.domain, 1), scopes)
        around = self.call, self.scope
        self.call, self.scope = call, scope
        try:
            outputs = self.outputs(call)
        except (*UNFIT, CnncalcError) as error:
            if (self.variable_rows or has_variable_rows(item)) and can_be_lost(item):
                outputs = self.lose(call)
            elif isinstance(error, CnncalcError):
                raise
            else:
                is_said = isinstance(error, LayerError | UnfitError | MalformedError)
                message = getattr(error, "message", str(error)) if is_said else "it takes other inputs or attributes"
                shapes = [shape_text(value.shape) if value else "none" for value in inputs]
                hint = f"its inputs are {', '.join(shapes) or 'none'}"
                raise CnncalcError(f"{item.label} does not fit: {message}", hint) from None
        finally:
            self.call, self.scope = around
        for name, value in zip(item.outputs, outputs, strict=False):
            if name and value is not None:
                value.name = value.name or name
                scope.values[name] = value

    def outputs(self, call: Call) -> Sequence[Value | None]:
        """Return an operator's outputs, which may be fewer or more than those that the file names."""
        item = call.operator
        if LOST in call.inputs:
            return self.lose(call)
        function = self.model.functions.get((item.domain, item.op, item.overload))
        if function is not None:
            return self.function(call, function)
        known = evaluate(call) if self.known_left >= 0 else None  # an operator that was lost may have exceeded it
        if known is not None:
            read = sum([value.elements for value in call.inputs if value is not None])
            self.count_known(sum([len(one.data) for one in known]) + read)
            result: Result = [literal(one.data, one.shape, one.dtype) for one in known]
        else:
            result = HANDLERS.get((item.domain, item.op), HANDLERS["", UNKNOWN])(self, call)
        outputs = [result] if isinstance(result, Value) else result
        for index, value in enumerate(() if item.op in CONTROL_FLOW else outputs):
            if value is not None and value.is_live:
                value.sample_step = call.sample_step if item.op in MOVES else value.sample_step
            elif value is not None and value.source is None and (known is not None or value.data is None):
                self.derive(value, call, index)
        return outputs

    def output_of(self, op: str, inputs: Sequence[Value | None], opset: int = 13, /, **attributes: Attribute) -> Value:
        """Return the first output of an operator that does a part of the current one's work."""
        item = operator_of(op, self.call.operator, **attributes)
        value = self.outputs(Call(item, [*inputs], opset, self.call.scopes))[0]
        if value is None:  # a function of the file has the operator's name
            raise UnfitError(f"its {op} has no output")
        return value

    def lose(self, call: Call) -> Sequence[Value]:
        """Return LOST for each output of an operator; the layers whose outputs it reads are still counted.

        Raises:
            CnncalcError: if the operator has multiply-accumulates, without which a total would be wrong.
        """
        item = call.operator
        if not can_be_lost(item):
            source = (self.variable_rows or self.lost)[0]
            raise CnncalcError(f"{item.label} depends on the number of output rows of {source}")
        self.lost.append(item.label)
        read = [self.scope.find(name) for one in inner_operators(item) for name in one.inputs]
        self.read_by_lost += [*call.live_inputs(), *[value for value in read if value is not None and value.is_live]]
        return [LOST] * len(item.outputs)

    def derive(self, value: Value, call: Call, index: int = 0) -> None:
        """Set which output of an operator a constant is.  Raises CnncalcError if it comes from too many others."""
        value.source, value.index, value.sample_step, first = call, index, call.sample_step, call.given(0)
        if value.sample_step is None:
            self.require_equal_samples(call.inputs)
        if not value.leaves and call.op not in PERIODIC:
            value.leaves = call.leaves()
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

    def function(self, call: Call, function: Function) -> Sequence[Value | None]:
        """Add the operators of a function of the file; they can read the function's inputs only."""
        inside = ValueScope(optional=function.inputs)
        named = zip(function.inputs, call.inputs, strict=False)
        inside.values = {name: value for name, value in named if value is not None}
        given = ChainMap(call.operator.attributes, function.defaults)
        scopes = (*call.scopes, call.operator.name or call.op)
        with self.nested(Readers(function.operators, function.outputs)):
            for item in function.operators:
                if item.references:
                    bound = {name: given[other] for name, other in item.references.items() if other in given}
                    item = item._replace(attributes={**item.attributes, **bound})
                self.operator(item, inside, scopes)
        return [inside.find(name) for name in function.outputs]

    # --- steps ----------------------------------------------------------------------------------------------

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
        is_live = [value.is_live for value in inputs]
        if True not in is_live and layer.kind not in ("conv", "fc", "matmul", "recurrent"):
            constants = [*inputs, *[tensor.value for tensor in own.values()]]
            return self.derived(layer.type, *constants, shape=shape, layer=layer, tensors=[*own])
        live = [*inputs] if False not in is_live else [self.tensor(value) for value in inputs]
        key = (layer, *[value.step or value.input_name for value in live]) if layer.type == "subtract" else ()
        if key in self.differences:  # older exporters write the difference from the mean twice
            return self.differences[key].copy()
        if self.call.op not in MOVES:
            self.require_equal_samples(live)
        times = 0
        for value in live:
            if value.times and times not in (0, value.times):
                raise UnfitError(f"its inputs come {times} and {value.times} times for one sample")
            times = times or value.times
        output = Value("", shape, live[0].dtype)
        output.times = layer.times(use.inputs, times)
        if output.times:
            output.axis = next((value.axis for value in live if value.axis is not None), None) if axis == -1 else axis
        if output.axis is None and live and use.output[:1] == live[0].shape[:1]:
            output.before_batch = live[0].before_batch
        self.steps.append(LayerStep(layer, live, output, own, [self.call]))
        if key:
            self.differences[key] = output
        return output

    def with_file_batch(self, value: Value) -> Value:
        """Return a constant in which each size that is a multiple of the batch's is that of the file's own batch."""
        found = with_file_batch(value, self.file_batch)
        if found is not value:
            self.one_sample_only.append(f"{self.call.op} on the number of samples")
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
            return made
        sample = shape or (1,)
        if value.is_live and value.sample != sample:
            kind, value, arguments = reshape_layer(value, sample)
            value = value if value.sample == sample else self.step(kind, [value], axis, **arguments)
        return alias(value, shape, axis)
