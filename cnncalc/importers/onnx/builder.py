"""From the operators of a model file to layers: each is looked up, evaluated where it can be, else made a step."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import (
    MAX_COMPARED_BYTES,
    MAX_KNOWN,
    MAX_MODEL_DEPTH,
    MAX_MODEL_NODES,
    MAX_MODEL_SOURCES,
    TENSORS_PER_OPERATOR,
)
from cnncalc.importers.onnx.choices import Undecided, chosen
from cnncalc.importers.onnx.elements import elements, is_small
from cnncalc.importers.onnx.evaluator import Known, evaluate
from cnncalc.importers.onnx.loops import unrolled
from cnncalc.importers.onnx.model import Attribute, Function, Model, OnnxOperator, Port, StoredTensor, Subgraph
from cnncalc.importers.onnx.readers import Readers
from cnncalc.importers.onnx.steps import laid_out, made
from cnncalc.importers.onnx.unknown import LOST, can_be_lost, finds, lose, opaque, whole
from cnncalc.importers.onnx.values import (
    MOVES,
    SAMPLES,
    UNFIT,
    Call,
    ConstantInput,
    LayerStep,
    UnfitError,
    Value,
    ValueScope,
    alias,
    literal,
    rows_of,
    where,
)
from cnncalc.importers.onnx.wire import Span, WireReader
from cnncalc.layers.base import Layer, LayerError
from cnncalc.layers.shapes import Shape, shape_text

Result = Value | Sequence["Value | None"]
Handler = Callable[["Builder", Call], Result]
HANDLERS: dict[tuple[str, str], Handler] = {}


def operator(*ops: str, domain: str = "") -> Callable[[Handler], Handler]:
    """Register how operators become layers."""

    def register(function: Handler) -> Handler:
        HANDLERS.update({(domain, op): function for op in ops})
        return function

    return register


PERIODIC = ("Sin", "Cos")
"""Operators after which a constant is a table of positions, not a learned tensor."""


class Builder:
    """What is made of a model file, operator by operator.

    Attributes:
        steps: the layers so far.
        notes: what a user is to know about them.
        statistics: stored tensors that reach a batchnorm as its mean or variance.
        dequantized: stored integers that stand for real numbers.
        constants: tensors that stand in Constant operators, not beside the graph.
        baked: how many samples the batch of the inputs has in the file.
        folded: weights of convolutions, which may have a batchnorm folded into them.
        training: operators that are those of training, by their kind.
        found: operators with a variable number of output rows, in words.
        lost: those behind them of which nothing can be said.
        ends: what these read.
        single: operators that work only for a batch of 1, in words.
        rounds: whether quantised tensors are rounded, as they are where the network runs.
        quantizes: whether there are any.
        undecided: choices of a branch that are not known before it runs.
    """

    def __init__(self, model: Model, wire: WireReader, choices: Mapping[str, bool]) -> None:
        self.model = model
        self.wire = wire
        self.choices = choices
        self.steps: list[LayerStep] = []
        self.notes: list[str] = []
        self.training: list[str] = []
        self.found: list[str] = []
        self.lost: list[str] = []
        self.ends: list[Value] = []
        self.single: list[str] = []
        self.undecided: list[Undecided] = []
        self.rounds = False
        self.quantizes = False
        self.statistics: dict[int, StoredTensor] = {}
        self.constants: set[int] = set()
        self.dequantized: dict[int, None] = {}
        self.baked = 1
        self.left = MAX_MODEL_NODES
        self.leaves_left = MAX_MODEL_SOURCES
        self.known_left = MAX_KNOWN
        self.compared_left = MAX_COMPARED_BYTES
        self.entered: dict[int, tuple[dict[str, Value], Readers]] = {}
        self.readers = Readers()
        self.depth = 0
        self.call = Call(OnnxOperator("", "", (), (), "", {}, (), {}, ""), [], 1, ())
        self.parameters: dict[tuple[int, Shape], Value] = {}
        self.hints: dict[str, Port] = {}
        self.twins: dict[tuple[object, ...], Value] = {}

    # --- graphs and operators -------------------------------------------------------------------------------

    def graph(self, graph: Subgraph, scope: ValueScope, scopes: tuple[str, ...] = ()) -> list[Value | None]:
        """Take in a graph's stored tensors and operators; return its outputs."""
        if id(graph) not in self.entered:
            self.hints.update(graph.ports)
            stored = {name: self.stored(tensor) for name, tensor in graph.stored.items()}
            self.entered[id(graph)] = stored, Readers(graph.operators, [port.name for port in graph.outputs])
        self.charge(len(graph.outputs))
        around = self.readers
        scope.stored, self.readers = self.entered[id(graph)]
        try:
            with self.deeper():
                for item in graph.operators:
                    self.operator(item, scope, self.model.opsets, scopes)
        finally:
            self.readers = around
        return [scope.find(port.name) for port in graph.outputs]

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Go into a graph or a function, and come out of it whatever happens there."""
        if self.depth == MAX_MODEL_DEPTH:
            raise CnncalcError(f"the model's graphs and functions are nested deeper than {MAX_MODEL_DEPTH}")
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def charge(self, count: int) -> None:
        """Count operators, or what takes as long."""
        self.left -= count
        if self.left < 0:
            raise CnncalcError(f"the model has more than {MAX_MODEL_NODES:,} operators, functions written out")

    def charge_known(self, count: int) -> None:
        """Count elements that are read, or computed from others."""
        self.known_left -= count
        if self.known_left < 0:
            raise CnncalcError(f"the model computes with more than {MAX_KNOWN:,} elements of constants")

    def stored(self, stored: StoredTensor) -> Value:
        """Return a tensor of the file as a value."""
        value = Value(stored.name, stored.shape, stored.dtype)
        value.leaves, value.source = (stored,), stored
        if is_small(stored):
            value.defer(partial(self._elements, stored))
        return value

    def _elements(self, stored: StoredTensor) -> tuple[float, ...] | None:
        self.charge_known(stored.elements)
        return elements(self.wire, stored)

    def is_zero(self, value: Value) -> bool:
        """Whether all elements of a constant are 0, as far as the file has them."""
        if value.fill is not None:
            return value.fill == 0
        return all(leaf.raw is not None and self._is_zero(leaf.raw) for leaf in value.leaves)

    def _is_zero(self, span: Span) -> bool:
        size = span[1] - span[0]
        self.compared_left -= size
        return self.compared_left >= 0 and self.wire.bytes_at(span).count(0) == size

    def operator(
        self, item: OnnxOperator, scope: ValueScope, opsets: Mapping[str, int], scopes: tuple[str, ...]
    ) -> None:
        """Take in one operator.

        Raises:
            CnncalcError: if it is not what the file says it is, with its name.
        """
        self.charge(1 + (len(item.inputs) + len(item.outputs) + len(item.attributes)) // TENSORS_PER_OPERATOR)
        inputs: list[Value | None] = []
        for name in item.inputs:
            value = scope.find(name) if name else None
            if name and value is None:
                raise CnncalcError(f"{where(item)} reads '{name}', which nothing before it makes")
            inputs.append(value)
        for name in item.outputs:
            if name and (name in scope.values or name in scope.stored):
                raise CnncalcError(f"{where(item)} makes '{name}', which exists already")
        call = Call(item, inputs, opsets.get(item.domain, 1), scopes)
        around, self.call = self.call, call
        try:
            outputs = self.outputs(call, scope)
        except (*UNFIT, CnncalcError) as error:
            if (self.found or finds(item)) and can_be_lost(item):
                outputs = lose(self, call, scope)
            elif isinstance(error, CnncalcError):
                raise
            else:
                message = error.message if isinstance(error, LayerError) else str(error) or type(error).__name__
                hint = f"its inputs are {self.shapes(call)}"
                raise CnncalcError(f"{where(item)} does not fit: {message}", hint) from None
        finally:
            self.call = around
        for name, value in zip(item.outputs, outputs, strict=False):
            if name and value is not None:
                value.name = value.name or name
                scope.values[name] = value

    def is_read_once(self, name: str) -> bool:
        """Whether one operator alone of the graph at hand reads a value."""
        return self.readers.count(name) == 1

    def shapes(self, call: Call) -> str:
        """Return the shapes of what an operator reads, for a message."""
        return ", ".join(shape_text(value.shape) if value else "none" for value in call.inputs) or "none"

    def outputs(self, call: Call, scope: ValueScope) -> Sequence[Value | None]:
        """Return what an operator makes."""
        item = call.operator
        if LOST in call.inputs:
            return lose(self, call, scope)
        function = self.model.functions.get((item.domain, item.op, item.overload))
        if function is not None:
            return self.function(call, function)
        if item.op == "If" and not item.domain:
            return chosen(self, call, scope)
        passes = whole(self, call, scope, lambda: unrolled(self, call, scope)) if item.op in ("Loop", "Scan") else None
        if passes is not None:
            return passes
        known = evaluate(call) if self.known_left >= 0 else None  # what is lost may have used up the bound
        if known is not None:
            read = sum([value.elements for value in call.inputs if value is not None])
            self.charge_known(sum([len(one.data) for one in known]) + read)
            return [self.known(one, call, index) for index, one in enumerate(known)]
        handler = HANDLERS.get((item.domain, item.op))
        if handler is None:
            return opaque(self, call)
        made = handler(self, call)
        outputs = [made] if isinstance(made, Value) else list(made)
        for index, value in enumerate(outputs):
            if value is not None and not value.is_live and value.source is None and value.data is None:
                value.index = index
                self.derive(value, call)
        return outputs

    def known(self, known: Known, call: Call, index: int) -> Value:
        """Return an evaluated tensor as a value."""
        value = literal(known.data, known.shape, known.dtype)
        value.leaves = self.leaves(call)
        value.source, value.index = call, index
        value.rows = rows_of(call)
        return value

    def derive(self, value: Value, call: Call) -> None:
        """Note that a constant is what an operator makes of constants."""
        value.source = call
        value.leaves = value.leaves or (() if call.op in PERIODIC else self.leaves(call))
        first = call.given(0)
        if value.fill is None and call.op in MOVES and first is not None:
            value.fill = first.fill

    def derived(self, op: str, *values: Value, shape: Shape | None = None, **attributes: Attribute) -> Value:
        """Return the constant that an operator makes of constants, of the first one's shape by default."""
        item = OnnxOperator(op, "", (), ("",), "", attributes, (), {}, "")
        value = Value("", values[0].shape if shape is None else shape, values[0].dtype)
        self.derive(value, Call(item, list(values), 13, ()))
        return value

    def leaves(self, call: Call) -> tuple[StoredTensor, ...]:
        """Return the stored tensors that an operator on constants reads, as far as all of them are not too many."""
        found = call.leaves()
        self.leaves_left -= len(found)
        if self.leaves_left < 0:
            raise CnncalcError(f"its constants are made of more than {MAX_MODEL_SOURCES:,} others, each of each")
        return found

    def function(self, call: Call, function: Function) -> Sequence[Value | None]:
        """Take in the operators of one that the file defines, in place of it; nothing outside is seen."""
        inside = ValueScope()
        for name, value in zip(function.inputs, call.inputs, strict=False):
            if value is not None:
                inside.values[name] = value
        known, given = frozenset(function.inputs), ChainMap(call.operator.attributes, function.defaults)
        scopes = (*call.scopes, call.operator.name or call.op)
        with self.deeper():
            for item in function.operators:
                missing = {name for name in item.inputs if name and name not in inside.values}
                if not missing <= known:
                    raise CnncalcError(f"{where(item)} reads '{min(missing - known)}', which nothing before it makes")
                if missing:
                    item = item._replace(inputs=tuple(["" if name in missing else name for name in item.inputs]))
                if item.references:
                    bound = {name: given[other] for name, other in item.references.items() if other in given}
                    item = item._replace(attributes={**item.attributes, **bound})
                self.operator(item, inside, self.model.opsets, scopes)
        return [inside.find(name) for name in function.outputs]

    # --- steps ----------------------------------------------------------------------------------------------

    def step(
        self,
        name: str,
        inputs: Sequence[Value],
        batch: int | None = -1,
        held: dict[str, ConstantInput] | None = None,
        /,
        **arguments: object,
    ) -> Value:
        """Return what a layer makes of values: a constant where they all are.

        Args:
            name: the layer type.
            inputs: what it reads; a constant beside others becomes a parameter.
            batch: where it stands in the file's shape of the output; -1: where it did in the first live input.
            held: the layer's own tensors.
            arguments: the layer's, None ones left out.
        """
        layer = made(name, {key: value for key, value in arguments.items() if value is not None})
        return self.layer(layer, inputs, batch, held)

    def layer(
        self, layer: Layer, inputs: Sequence[Value], axis: int | None = -1, held: dict[str, ConstantInput] | None = None
    ) -> Value:
        """Return what a layer makes of values; see :meth:`step`."""
        contracts = layer.kind in ("conv", "fc", "matmul", "recurrent")
        if not any(value.is_live for value in inputs) and not contracts:
            return Value("", layer.apply(tuple([value.sample for value in inputs])).output, inputs[0].dtype)
        live = [value if value.is_live else self.parameter(value, value.shape) for value in inputs]
        if layer.type == "subtract":  # older exporters write the difference to a mean twice
            twin = self.twins.get((layer, *[value.step or value.origin for value in live]))
            if twin is not None:
                return alias(twin, twin.shape, twin.axis)
        use = layer.apply(tuple([value.sample for value in live]))
        found = {value.times for value in live if value.times}
        if len(found) > 1:
            raise UnfitError(f"its inputs come {sorted(found)} times for one sample")
        output = Value("", () if live and use.output == (1,) and not any(value.shape for value in live) else use.output)
        output.times = layer.times(use.inputs, found.pop() if found else 0)
        output.axis = next((value.axis for value in live if value.axis is not None), None) if axis == -1 else axis
        if not output.times:
            output.axis = None
        if output.axis is None and live and use.output[:1] == live[0].shape[:1]:
            output.inner = live[0].inner
        output.dtype = live[0].dtype
        output.step = LayerStep(layer, live, output, held or {}, [self.call])
        self.steps.append(output.step)
        if layer.type == "subtract":
            self.twins[(layer, *[value.step or value.origin for value in live])] = output
        return output

    def of_one_batch(self, value: Value) -> Value:
        """Return a constant that meets tensors: where it counts the samples, those that the file was made for."""
        counted = [item for item in value.data or () if item and item % SAMPLES == 0 and abs(item) < math.inf]
        if not counted or value.is_live:
            return value
        self.single.append(f"{self.call.op} on the number of samples")
        data = [item // SAMPLES * self.baked if item in counted else item for item in value.data or ()]
        return literal(tuple(data), value.shape, value.dtype, value.name)

    def parameter(self, value: Value, shape: Shape) -> Value:
        """Return a constant as a layer of its own, with axes of size 1 added or left out."""
        value = self.of_one_batch(value)
        key = (id(value), shape)
        if key not in self.parameters:
            layer = made("parameter", {"shape": shape or (1,)})
            output = Value(value.name, shape, value.dtype)
            reshaped = value if value.shape == shape else self.derived("Reshape", value, shape=shape)
            output.step = LayerStep(layer, [], output, {"weight": ConstantInput(reshaped, False)}, [self.call])
            self.steps.append(output.step)
            self.parameters[key] = output
        return self.parameters[key]

    def view(self, value: Value, shape: Shape, axis: int | None) -> Value:
        """Return a value with its sample in another shape, the batch at ``axis``; no layer where nothing changes."""
        if not value.is_live:
            return alias(value, shape, axis) if value.shape == shape else self.derived("Reshape", value, shape=shape)
        if value.sample == (shape or (1,)):
            return alias(value, shape, axis)
        kind, source, arguments = laid_out(value, shape or (1,))
        if source.sample == (shape or (1,)):
            return alias(source, shape, axis)
        return alias(self.step(kind, [source], axis, **arguments), shape, axis)
