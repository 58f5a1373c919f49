"""A document to a network: the values of its args, its inputs, its items, its outputs and its published figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnncalc.graph import Graph
from cnncalc.ground.limits import MAX_AXES, MAX_INTEGER, MAX_LAYERS
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.places import Fault, SpecError
from cnncalc.language.arithmetic import OutOfWorkError
from cnncalc.language.estimate import least_layers
from cnncalc.language.expressions import BUDGET
from cnncalc.language.input_axes import findings, warn
from cnncalc.language.item_expander import ItemExpander
from cnncalc.language.items import Document, Output, Value
from cnncalc.language.reader import out_of_work
from cnncalc.language.scope import Frame, Ref, Scope, Tensors
from cnncalc.layers.shapes import Shape


def build(
    document: Document,
    variant: str | None = None,
    settings: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Shape] | None = None,
) -> Graph:
    """Build the network that a document describes.

    Args:
        document: as :func:`cnncalc.language.reader.read_document` returns it.
        variant: the variant of the family, or None for the document's own figures.
        settings: values for ``args``, over the document's and the variant's.
        inputs: shapes by input name, over the document's; the name "" stands for the only input.

    Raises:
        SpecError: with every fault that was found.
    """
    return _Builder(document, variant, settings or {}, inputs or {}).network()


def warn_of_inputs(
    document: Document, variant: str | None, settings: Mapping[str, Any], inputs: Mapping[str, Shape]
) -> None:
    """Warn of input shapes that are probably not meant, as building the network would."""
    from contextlib import suppress

    builder = _Builder(document, variant, settings, inputs)
    with suppress(SpecError):
        builder.globals = builder.arguments()
        builder.warn_of(builder.input_shapes())


class _Builder(ItemExpander):
    def __init__(
        self, document: Document, variant: str | None, settings: Mapping[str, Any], inputs: Mapping[str, Shape]
    ) -> None:
        super().__init__(published=not settings and not inputs)
        self.document = document
        self.variant = document.variants[variant] if variant is not None else None
        self.settings = settings
        self.given_inputs = inputs

    def network(self) -> Graph:
        try:
            return self.expanded()
        except OutOfWorkError:
            raise SpecError([*self.faults, out_of_work(self.document.origin)]) from None

    def expanded(self) -> Graph:
        document, variant = self.document, self.variant
        self.globals = self.arguments()
        self.stop_at_faults()
        shapes = self.input_shapes()
        self.stop_at_faults()
        self.warn_of(shapes)
        source = (variant and variant.source) or document.source
        least = least_layers(document.items, {})
        if least > MAX_LAYERS:
            raise self.refuse(
                document.origin, f"the network has at least {least:,} layers; at most {MAX_LAYERS:,} are allowed"
            )
        self.net = Graph(document.name or document.text.name, shapes, variant.name if variant else None, source)
        frame = Frame(Scope("", document.reserved | self.net.inputs.keys()), None, None)
        for name, tensor in self.net.inputs.items():
            frame.names[name] = Ref((tensor,), None, "input", 0, 0)
        first: Tensors = (next(iter(self.net.inputs.values())),)
        if len(self.net.inputs) == 1:
            frame.incoming = first
        result = self.items(document.items, frame, self.globals, first)
        if not self.faults and not self.net.nodes:
            self.fault(document.origin, "the network has no layers")
        if self.faults:
            self.tell_unmet_too()
        self.stop_at_faults()
        self.outputs(frame, result)
        self.stop_at_faults()
        if self.published:
            self.state_published()
        return self.net

    def arguments(self) -> dict[str, Any]:
        document, values = self.document, dict[str, Any]({BUDGET: self.budget})
        for name in self.settings:
            if name not in document.arguments:
                known = tuple(document.arguments)
                hint = did_you_mean(name, known, "args") if known else "the spec has no args"
                self.faults.append(Fault(f"{document.text.name} has no argument '{name}'", None, hint))
        overrides = self.variant.arguments if self.variant else {}
        for name, default in document.arguments.items():
            value = overrides.get(name, default)
            values[name] = self.settings[name] if name in self.settings else self.evaluate(value, values)
        return values

    def warn_of(self, shapes: Mapping[str, Shape]) -> None:
        given = shapes if "" in self.given_inputs else self.given_inputs
        warn(findings(self.document, shapes, self.stated_inputs(), given))

    def stated_inputs(self) -> dict[str, Value | None]:
        stated = (self.variant and self.variant.input) or self.document.input
        return {**stated} if isinstance(stated, dict) else {"input": stated}

    def input_shapes(self) -> dict[str, Shape]:
        entries = self.stated_inputs()
        given = dict(self.given_inputs)
        if "" in given:
            if len(entries) > 1:
                message = "the network has several inputs: a shape needs the name of one"
                self.faults.append(Fault(message, None, "inputs: " + ", ".join(entries)))
            given[next(iter(entries))] = given.pop("")
        for name in given:
            if name not in entries:
                near = did_you_mean(name, tuple(entries), "inputs")
                self.faults.append(Fault(f"the network has no input '{name}'", None, near))
        return {
            name: given.get(name) or self.input_shape(value) for name, value in entries.items() if value is not None
        }

    def input_shape(self, value: Value) -> Shape:
        shape = self.evaluate(value, self.globals)
        sizes = shape if isinstance(shape, tuple) else ()
        if not 1 <= len(sizes) <= MAX_AXES or not all(_is_size(size) for size in sizes):
            self.fault(
                value.origin,
                "an input is a list of positive integers, channels first and without the batch axis",
                "for example [3, 224, 224]",
            )
            return (1,)
        return sizes

    def outputs(self, frame: Frame, result: Tensors) -> None:
        stated = (self.variant and self.variant.outputs) or self.document.outputs
        if not stated:
            names = frame.names_of_tensors()
            self.net.outputs = {names.get(tensor, tensor.name): tensor for tensor in result or ()}
            return
        for output in stated:
            if output.when is None or self.condition(output.when, self.globals):
                self.output(output, frame)
        if not self.net.outputs:
            self.fault(stated[0].reference.origin, "no output is left: the 'when' of each is false")

    def output(self, output: Output, frame: Frame) -> None:
        ref = self.look_up(output.reference, frame)
        for tensor in (ref and ref.tensors) or ():
            self.net.outputs[output.reference.name] = tensor

    def tell_unmet_too(self) -> None:
        """A shape that is not the expected one may be where a later fault comes from."""
        for unmet in self.net.misshapen:
            if unmet.origin is not None:
                self.fault(unmet.origin, f"{unmet.what} should be {unmet.expected}, but is {unmet.actual}")

    def state_published(self) -> None:
        stated = dict(self.document.expect)
        if self.variant:
            stated.update(self.variant.expect)
        self.net.published = {
            what: (self.evaluate(value, self.globals), value.origin) for what, value in stated.items()
        }
        self.stop_at_faults()


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_INTEGER
