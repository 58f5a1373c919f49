"""From operators to layers: an operator whose inputs are known is evaluated, any other one becomes layers."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cnncalc.ground import limits
from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.adding import AddedLayers
from cnncalc.importers.onnx.batch import note_batch, sample_step
from cnncalc.importers.onnx.elements import elements, is_small
from cnncalc.importers.onnx.evaluator import BINARY, evaluate
from cnncalc.importers.onnx.lost import LOST, can_be_lost, has_variable_rows, inner_operators
from cnncalc.importers.onnx.model import Attribute, Function, Model, OnnxOperator, StoredTensor, Subgraph, operator_of
from cnncalc.importers.onnx.readers import Readers, ValueScope
from cnncalc.importers.onnx.values import MOVES, UNFIT, Call, UnfitError, Value, literal
from cnncalc.importers.onnx.wire import MalformedError, Span, WireReader
from cnncalc.layers.base import LayerError
from cnncalc.layers.shapes import shape_text

Result = Value | Sequence["Value | None"]
Handler = Callable[["Builder", Call], Result]
HANDLERS: dict[tuple[str, str], Handler] = {}
"""How operators become layers, by (domain, operator)."""

UNKNOWN = ""
"""The key of the handler for all operators that have no handler of their own."""

WITH_NUMBERS = frozenset((*BINARY, "Sum", "Mean", "Where", "Clip", "PRelu", "MatMul", "Gemm"))
"""Operators that compute with the numbers of their constants; others may take shapes."""

CONTROL_FLOW = ("If", "Loop", "Scan")
"""Operators whose outputs are those of their subgraphs."""


def operator(*ops: str, domain: str = "") -> Callable[[Handler], Handler]:
    """Register the function that turns some operators into layers."""

    def register(function: Handler) -> Handler:
        HANDLERS.update({(domain, op): function for op in ops})
        return function

    return register


class Builder(AddedLayers):
    """Goes through the operators of a model file; each adds its layers.

    Attributes:
        choices: which branch of an If is taken, by the If's key in :attr:`undecided`.
        rounds: whether quantised tensors are rounded; they are in the graph that runs, not in the one that is counted.
        notes: notes for users, one sentence each.
        training: names of the operators that are in training mode.
        variable_rows: operators with a variable number of output rows, as messages name them.
        lost: operators that are left out, because their output's shape depends on that number.
        read_by_lost: tensors that the operators in ``lost`` read.
        undecided: Ifs whose branch is chosen when the model runs: key, label, and condition, which is None if no layer
            computes it.
        quantizes: whether the file has quantised tensors.
        statistics: identities of stored tensors that are the mean or the variance of a batchnorm.
        constants: identities of stored tensors that stand in Constant operators, not among the initializers.
        readers: how often each value of the current graph is read.
        scope: the values that the current operator can read.
        stated: where the file states the types of values, by their names.
    """

    def __init__(self, model: Model, wire: WireReader, choices: Mapping[str, bool], rounds: bool) -> None:
        super().__init__()
        self.model = model
        self.wire = wire
        self.choices = choices
        self.rounds = rounds
        self.notes: list[str] = []
        self.training: list[str] = []
        self.variable_rows: list[str] = []
        self.lost: list[str] = []
        self.read_by_lost: list[Value] = []
        self.undecided: list[tuple[str, str, Value | None]] = []
        self.quantizes = False
        self.statistics: dict[int, None] = {}
        self.constants: set[int] = set()
        self.operators_left = limits.MAX_MODEL_NODES
        self.known_left = limits.MAX_KNOWN
        self.compared_left = limits.MAX_COMPARED_BYTES
        self.entered_graphs: dict[int, tuple[dict[str, Value], Readers]] = {}
        self.readers = Readers()
        self.depth = 0
        self.scope = ValueScope()
        self.stated: dict[str, Span] = {}

    def graph(self, graph: Subgraph, scope: ValueScope, scopes: tuple[str, ...] = ()) -> list[Value | None]:
        """Add the operators of a graph and return the graph's outputs."""
        if id(graph) not in self.entered_graphs:
            self.stated.update(graph.stated)
            stored = {name: self.stored(tensor) for name, tensor in graph.stored.items()}
            self.entered_graphs[id(graph)] = stored, Readers(graph.operators, [port.name for port in graph.outputs])
        self.count_operators(len(graph.outputs))
        scope.stored, readers = self.entered_graphs[id(graph)]
        with self.nested(scope, readers):
            for item in graph.operators:
                self.operator(item, scope, scopes)
        return [scope.find(port.name) for port in graph.outputs]

    @contextmanager
    def nested(self, scope: ValueScope, readers: Readers) -> Iterator[None]:
        """Enter one more level of nested graphs and functions.  Raises CnncalcError if there are too many levels."""
        if self.depth == limits.MAX_MODEL_DEPTH:
            raise CnncalcError(f"the model's graphs and functions are nested deeper than {limits.MAX_MODEL_DEPTH}")
        around = self.call, self.scope, self.readers
        self.scope, self.readers = scope, readers
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            self.call, self.scope, self.readers = around

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
            value = (scope.values.get(name) or scope.find(name)) if name else None
            if value is None and name and name not in scope.optional:
                raise CnncalcError(f"{item.label} reads '{name}', which no operator before it computes")
            inputs.append(value)
        for name in item.outputs:
            if name and (name in scope.values or name in scope.stored):
                raise CnncalcError(f"{item.label} computes '{name}', which exists already")
        self.call = call = Call(item, inputs, self.model.opsets.get(item.domain, 1), scopes)
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
            constants = [literal(one.data, one.shape, one.dtype) for one in known]
            note_batch(call, constants)
            result: Result = constants
        else:
            if item.op in WITH_NUMBERS:
                call = call._replace(inputs=[value and self.with_file_batch(value) for value in call.inputs])
            result = (HANDLERS.get((item.domain, item.op)) or HANDLERS["", UNKNOWN])(self, call)
        outputs = [result] if isinstance(result, Value) else result
        for index, value in enumerate(() if item.op in CONTROL_FLOW else outputs):
            if value is not None and value.is_live:
                value.sample_step = sample_step(call, call) if item.op in MOVES else value.sample_step
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

    def function(self, call: Call, function: Function) -> Sequence[Value | None]:
        """Add the operators of a function of the file; they can read the function's inputs only."""
        inside = ValueScope(optional=function.inputs)
        named = zip(function.inputs, call.inputs, strict=False)
        inside.values = {name: value for name, value in named if value is not None}
        given = ChainMap(call.operator.attributes, function.defaults)
        scopes = (*call.scopes, call.operator.name or call.op)
        with self.nested(inside, Readers(function.operators, function.outputs)):
            for item in function.operators:
                if item.references:
                    bound = {name: given[other] for name, other in item.references.items() if other in given}
                    item = item._replace(attributes={**item.attributes, **bound})
                self.operator(item, inside, scopes)
        return [inside.find(name) for name in function.outputs]
