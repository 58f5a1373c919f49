"""A model becomes a graph when its inputs are given: its operators become layers, which are named and joined."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING

from cnncalc.graph import Graph, ModelData, OpenChoice
from cnncalc.ground import limits
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.places import Fault, GivenValue, SpecError
from cnncalc.importers.onnx import operators as operators
from cnncalc.importers.onnx import proto
from cnncalc.importers.onnx.batch import axes_of, axes_of_readers, batch_axis, batch_word, doubts, with_known
from cnncalc.importers.onnx.builder import Builder
from cnncalc.importers.onnx.lost import LOST
from cnncalc.importers.onnx.model import Model, Port
from cnncalc.importers.onnx.naming import keys, names
from cnncalc.importers.onnx.notes import notes
from cnncalc.importers.onnx.operators.quantized import RANGES, as_integers
from cnncalc.importers.onnx.order import unread
from cnncalc.importers.onnx.params import ONE_TENSOR, Params
from cnncalc.importers.onnx.patterns import ROUNDED, fused
from cnncalc.importers.onnx.provenance import has_folded_norm
from cnncalc.importers.onnx.readers import ValueScope
from cnncalc.importers.onnx.steps import layer_of
from cnncalc.importers.onnx.values import LayerStep, UnfitError, Value, literal
from cnncalc.importers.onnx.wire import MalformedError, WireReader
from cnncalc.layers.arguments import axis_count
from cnncalc.layers.base import Layer, LayerError
from cnncalc.layers.shapes import Shape, typed

if TYPE_CHECKING:
    from cnncalc.graph import Node, Tensor
    from cnncalc.layers.interfaces import Array


class OpenModel:
    """A model that has been read except for its weights.

    Attributes:
        path: the file's name in messages.
        name: the file's name without its suffix.
        place: the path of the file, or None if it came through a pipe.
        wire: its bytes.
        model: what they say.
        fixed_batch: the size of its batch if a recurrent operator has shown it, else 0.
    """

    path: str
    name: str
    place: str | None
    wire: WireReader
    model: Model
    fixed_batch = 0

    @property
    def batch(self) -> int | str | None:
        """The size of its batch, or what its shapes call it; None if neither is known."""
        return self.fixed_batch or batch_word(self.ports())

    def ports(self) -> list[Port]:
        """Return the inputs whose values are not stored in the file, and that are read."""
        known, axes = {*self.model.graph.stored, *self.unread}, self._axes_of_readers
        return [port._replace(axis=axes.get(port.name)) for port in self.model.graph.inputs if port.name not in known]

    @cached_property
    def unread(self) -> set[str]:
        """Names of inputs that no operator reads."""
        return unread(self.model.graph)

    @cached_property
    def _axes_of_readers(self) -> dict[str, int]:
        return axes_of_readers(self.model.graph.operators)

    def shapes_of(self, arrays: Mapping[str, Shape], numbers: Mapping[str, int]) -> dict[str, Shape]:
        """Return the sizes of arrays for inputs that leave some open, and the values of single numbers."""
        ports, batch = self.ports(), self.batch
        found: dict[str, Shape] = {}
        for number, port in enumerate(ports):
            key = port.name if port.name in arrays or number else ""
            stated = _stated(port, batch)
            if key not in arrays or (stated and all(map(_is_size, stated))):
                continue
            if port.shape == ():
                found.update({key: (numbers[key],)} if key in numbers else {})
            else:
                shape = arrays[key]
                found[key] = shape if len(shape) == len(stated or ()) else shape[1:]
        return found

    def external_files(self) -> set[str]:
        """Return the paths of the other files that hold stored tensors."""
        stored = self.model.graph.stored.values()
        locations = [one.external.get("location", "") for one in stored if one.external]
        return {os.path.join(os.path.dirname(self.place or ""), name) for name in locations}


class Imported:
    """The graph of a model whose inputs are given.

    Attributes:
        graph: the graph.
        steps: for each node, the layer that was built from the file, with its tensors.
    """

    def __init__(
        self, file: OpenModel, inputs: Mapping[str, Shape], fuse: bool = True, rounds: bool = False,
        choices: Mapping[str, bool] | None = None,
    ) -> None:  # fmt: skip
        """Build the graph.  Raises CnncalcError if the model, or an input for it, does not fit."""
        self.file = file
        self.numbers: dict[str, float] = {}
        try:
            shapes, outputs = self._built(inputs, choices or {}, rounds)
            self.graph = Graph(file.name, {name: value.sample for name, value in shapes.items()})
            for name, value in shapes.items():
                self.graph.inputs[name].times = value.times
                self.graph.inputs[name].below = proto.RANDOM_BELOW.get(value.dtype)
            self.steps: dict[Node, LayerStep] = {}
            self.nodes: dict[LayerStep, Node] = {}
            self._layers(outputs, fuse)
        except (MalformedError, UnfitError) as error:
            raise CnncalcError(f"{file.path}: {error}") from None
        except LayerError as error:
            raise CnncalcError(f"{file.path}: {error.message}") from None
        except SpecError:  # it already names its place
            raise
        except CnncalcError as error:
            raise CnncalcError(f"{file.path}: {error.message}", self._with_sizes(error, inputs)) from None
        left_out = [port.name for port in file.model.graph.outputs if port.name not in self.graph.outputs]
        folded = [node.name for node, step in self.steps.items() if has_folded_norm(step)]
        self.graph.notes = notes(self.build, self.params, len(folded), left_out, sorted(file.unread))
        beside = limits.MAX_MODEL_NODES - self.build.operators_left - len(self.graph.nodes)
        self.graph.effort = max(beside, 0) + (limits.MAX_KNOWN - self.build.known_left) // limits.KNOWN_PER_LAYER
        ends = zip([port.name for port in file.model.graph.outputs], outputs, strict=True)
        self.graph.model = self._data()._replace(
            left_out=left_out, most_rows="".join(self.build.variable_rows[:1]), with_folded_norms=frozenset(folded),
            axes=axes_of([*shapes.items(), *ends]),
        )  # fmt: skip

    def _built(
        self, inputs: Mapping[str, Shape], choices: Mapping[str, bool], rounds: bool
    ) -> tuple[dict[str, Value], list[Value | None]]:
        """Return the inputs that are tensors, and the outputs that the operators compute from them."""
        self.build, scope = Builder(self.file.model, self.file.wire, choices, rounds), ValueScope()
        try:
            shapes = self._inputs(inputs, scope)
            return shapes, self.build.graph(self.file.model.graph, scope)
        except CnncalcError:
            if self.file.fixed_batch or not self.build.sequences:
                raise
            self.file.fixed_batch = self.build.sequences
            return self._built(inputs, choices, rounds)

    def _data(self) -> ModelData:
        """Return what the graph keeps of the file beside its layers."""
        file = self.file
        types = [stored.dtype for stored in file.model.graph.stored.values()] + [port.dtype for port in file.ports()]
        return ModelData(
            tensors=partial(_weights, file, self.steps),
            bytes_computed_from=partial(_bytes_computed_from, self.steps),
            tensor_files=file.external_files(),
            numbers=self.numbers,
            unread=file.unread,
            layers_of=partial(_layers_of, self.steps),
            one_sample_only=self.build.one_sample_only[0] if self.build.one_sample_only else "",
            is_half=proto.FLOAT16 in types or proto.BFLOAT16 in types,
            undecided=[
                OpenChoice(key, label, None if condition is None else self._tensor(condition))
                for key, label, condition in self.build.undecided
            ],
        )

    def _inputs(self, given: Mapping[str, Shape], scope: ValueScope) -> dict[str, Value]:
        """Return the inputs that are tensors, and add all inputs to the scope."""
        ports = self.file.ports()
        if (count := len(ports) + len(self.file.unread)) > limits.MAX_INPUTS:
            raise CnncalcError(f"the model has {count:,} inputs, but at most {limits.MAX_INPUTS:,} are supported")
        known = {port.name for port in ports}
        if unknown := given.keys() - {"", *known, *self.file.unread}:
            raise _no_input(min(unknown), ports, self.file.path)
        batch = self.file.batch
        found: dict[str, Value] = {}
        shapes = [given.get(port.name, given.get("") if not number else None) for number, port in enumerate(ports)]
        symbols = _symbols(zip(ports, shapes, strict=True), batch)
        for port, shape in zip(ports, shapes, strict=True):
            value = self._input(with_known(port, symbols), shape, batch)
            scope.values[port.name] = value
            if value.input_name is not None:
                found[port.name] = value
        if not found:
            raise CnncalcError("the model has no input that is a tensor")
        if all(value.axis is None for value in found.values()):  # without a batch axis, the inputs are one sample
            for value in found.values():
                value.times = 1
        return found

    def _with_sizes(self, error: CnncalcError, inputs: Mapping[str, Shape]) -> str | None:
        """Return an error's hint, and that the file's inputs may have other sizes than the given ones."""
        found = [error.hint] if error.hint else []
        found += doubts(self.file.ports(), self.file.batch, inputs) if "batch" in error.message else []
        ports, batch = self.file.ports() if inputs else [], self.file.batch
        for number, port in enumerate(ports):
            given = inputs.get(port.name, () if number else inputs.get("", ()))
            stated = _stated(port, batch)
            if stated and given and given[-len(stated) :] != stated:
                sizes = "×".join([str(size or "?") for size in stated])
                found.append(f"perhaps {port.name} can't be {typed(given)}: the file states {sizes}")
        return "; ".join(found) or None

    def _input(self, port: Port, given: Shape | None, batch: int | str | None) -> Value:
        sizes, place = port.shape, GivenValue("input", port.name)
        if sizes is None:
            if given is None:
                message = f"the shape is not stated in {self.file.path}"
                raise SpecError([Fault(message, place, "give it", GivenValue("input", f"{port.name}=3x224x224"))])
            sizes = (None, *given)
        if not sizes:
            if given is not None:
                self.numbers[port.name] = given[0]
                return literal((given[0],), (), port.dtype, port.name)
            self.build.notes.append(
                f"input '{port.name}' is a single number, and none is given (for example {port.name}=1)"
            )
            return Value(port.name, (), port.dtype)
        axis = batch_axis(port._replace(shape=sizes), batch)
        if axis is not None and given is not None and len(given) == len(sizes) and given[axis] == 1:
            given = given[:axis] + given[axis + 1 :]
        elif axis is not None and given is not None and len(given) == len(sizes):
            self.build.notes.append(
                f"{'x'.join(map(str, given))} has all axes of {port.name}: none of them is the batch"
            )
            axis = None
        axis = 0 if axis is None and len(sizes) > 2 and given is None and port.axis == 0 else axis
        stated = [size for i, size in enumerate(sizes) if i != axis]
        shape = given if given is not None else tuple(stated)
        if len(shape) != len(stated):
            message = f"the file's input has {axis_count(len(stated))} without the batch, not {len(shape)}"
            raise SpecError([Fault(message, place, *(("for example", _example(port.name, stated)) if stated else ()))])
        if len(shape) > limits.MAX_AXES:
            raise CnncalcError(f"input '{port.name}' has more than {limits.MAX_AXES} axes")
        for size, fixed in zip(shape, stated, strict=True):
            if not _is_size(size):
                word = f" '{size}'" if isinstance(size, str) else ""
                message = f"a size{word} is not stated in {self.file.path}"
                raise SpecError([Fault(message, place, "give the whole shape", _example(port.name, stated))])
            if given is not None and isinstance(fixed, int) and fixed > 0 and fixed != size:
                self.build.notes.append(f"the file was made for {port.name} of {'x'.join(map(str, stated))}")
        value = Value(port.name, tuple([int(size) for size in shape if isinstance(size, int)]), port.dtype)
        value.input_name, value.is_live = port.name, True
        value.axis, value.times = axis, int(axis is not None or given is not None)
        if axis is not None and isinstance(count := sizes[axis], int) and count > 1:
            self.build.file_batch = count
        return value

    def _layers(self, outputs: list[Value | None], fuse: bool) -> None:
        """Name the layers, and add them to the graph."""
        ports = self.file.model.graph.outputs
        ends: dict[str, Value] = {}
        for port, value in zip(ports, outputs, strict=True):
            if value is None:
                raise CnncalcError(f"no operator computes the output '{port.name}'")
            if value.items is not None:
                raise CnncalcError(f"the output '{port.name}' is a list of tensors, which is not supported")
            if value is LOST:
                continue
            if value.sample_step is not None:
                self.build.one_sample_only.append(f"the output '{port.name}', in which samples are numbered,")
            if not value.is_live:
                value = self.build.parameter(value, value.shape or (1,))
            if value.grid is not None and port.dtype in (*RANGES, *proto.SMALL_FLOATS):
                value = as_integers(self.build, value, port.dtype)
            ends[port.name] = value
        if not ends:  # all outputs are lost: the tensors from which they would be computed are the outputs
            ends = {value.name or f"output{number}": value for number, value in enumerate(self.build.read_by_lost)}
        wanted = [
            *ends.values(),
            *self.build.read_by_lost,
            *[condition for _, _, condition in self.build.undecided if condition is not None],
        ]
        steps = needed(self.build.steps, wanted)
        if self.build.rounds:
            steps = needed(fused(self.build, steps, wanted, ROUNDED), wanted)
        if fuse:
            steps = needed(fused(self.build, steps, wanted), wanted)
        if len(steps) > limits.MAX_MODEL_LAYERS:
            raise CnncalcError(f"the model has more than {limits.MAX_MODEL_LAYERS:,} layers")
        self.params = Params(self.build, steps)
        for step, name in zip(steps, names(steps), strict=True):
            if step.layer.type in ONE_TENSOR:
                step.put(_as_one_tensor(step, self.params.is_learned(step)), step.inputs)
            tensors, is_own = self.params.of(step)
            owner = self.params.owner(step)
            try:
                node = self.graph.add(
                    step.layer,
                    [self._tensor(value) for value in step.inputs],
                    name,
                    self.nodes[owner] if owner is not None else None,
                    stored=None if is_own else tensors,
                )
            except LayerError as error:
                raise CnncalcError(f"'{name}': {error.message}") from None
            self.nodes[step] = node
            self.steps[node] = step
        keys(self.steps, self.params)
        self.graph.finish({name: self._tensor(value) for name, value in ends.items()})

    def _tensor(self, value: Value) -> Tensor:
        """Return a value's tensor in the graph."""
        return self.nodes[value.step] if value.step is not None else self.graph.inputs[value.input_name or ""]


def _is_size(size: int | str | None) -> bool:
    """Whether a file states a size: neither a symbol, nor 0 or -1, which some exporters write for an open one."""
    return isinstance(size, int) and size > 0


def _stated(port: Port, batch: int | str | None) -> tuple[int | str | None, ...]:
    """Return what the file states of an input's sizes, without the batch axis."""
    sizes = port.shape or ()
    axis = batch_axis(port, batch) if sizes else None
    return tuple([size for i, size in enumerate(sizes) if i != axis])


def _symbols(given: Iterable[tuple[Port, Shape | None]], batch: int | str | None) -> dict[str, int]:
    """Return the sizes that symbols have in the given shapes; a ``?`` is not the same size everywhere."""
    found: dict[str, int] = {}
    for port, shape in given:
        sizes = shape or ()
        fitting = [stated for stated in (_stated(port, batch), port.shape or ()) if len(stated) == len(sizes)]
        for symbol, size in zip(fitting[0], sizes, strict=True) if fitting else ():
            if isinstance(symbol, str) and symbol not in ("?", batch):
                found.setdefault(symbol, size)
    return found


def _no_input(name: str, ports: list[Port], path: str) -> CnncalcError:
    """Return the error for a name that no input has; it may be that of a size."""
    message = f"there is no input '{name}'"
    for port in ports:
        if name in (port.shape or ()):
            example = _example(port.name, list(_stated(port, batch_word(ports))))
            return SpecError([Fault(f"{path}: {message}: it is a size", None, "give the whole shape", example)])
    return CnncalcError(message, f"inputs: {', '.join(sorted([port.name for port in ports]))}")


def _example(name: str, stated: list[int | str | None]) -> GivenValue:
    """Return a shape that an input could be given: the file's sizes, and 224 where it states none."""
    sizes = "x".join(str(size) if _is_size(size) else "224" for size in stated)
    return GivenValue("input", f"{name}={sizes}")


def _as_one_tensor(step: LayerStep, is_learned: bool) -> Layer:
    """Return a scale, shift or parameter again, trainable if it was learned, without a shape that is the default."""
    shape = step["shape"]
    is_usual = bool(step.inputs) and shape == (step.inputs[0].sample[0], *[1] * (len(step.inputs[0].sample) - 1))
    given = {} if shape is None or is_usual else {"shape": shape}
    return layer_of(step.layer.type, given if is_learned else {**given, "trainable": False})


def _weights(file: OpenModel, steps: Mapping[Node, LayerStep]) -> Mapping[str, Array]:
    """Return the tensors of an imported graph, read when they are asked for."""
    from cnncalc.importers.onnx.arrays import Weights

    return Weights(file.wire, file.path, file.place, steps)


def _layers_of(steps: Mapping[Node, LayerStep], name: str) -> list[str]:
    """Return the names of the layers that have an operator of a name, compute a tensor of it, or read a stored one."""
    return [
        node.name
        for node, step in (steps if name else {}).items()  # "" is no name, though operators may have none
        if any(name in (call.operator.name, *call.operator.outputs) for call in step.calls)
        or any(name in (leaf.name, leaf.key) for leaf in step.leaves())
    ]


def _bytes_computed_from(steps: Mapping[Node, LayerStep]) -> int:
    """Return the size in bytes of the constants that the tensors of an imported graph are computed from."""
    from cnncalc.importers.onnx.arrays import bytes_computed_from

    return bytes_computed_from([tensor.value for step in steps.values() for tensor in step.tensors.values()])


def needed(steps: list[LayerStep], outputs: list[Value]) -> list[LayerStep]:
    """Return the layers that are needed to compute some outputs, in their order."""
    wanted = {value.step for value in outputs}
    kept = []
    for step in reversed(steps):
        if step in wanted:
            kept.append(step)
            wanted.update([value.step for value in step.inputs])
    return kept[::-1]
