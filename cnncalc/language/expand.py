"""Expand a document to a network: its args, inputs, items, outputs and published figures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cnncalc.graph import Graph, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_AXES, MAX_INTEGER, MAX_LAYERS
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.places import Given, SpecError
from cnncalc.language.arithmetic import OutOfWorkError
from cnncalc.language.estimate import least_layers
from cnncalc.language.expressions import BUDGET
from cnncalc.language.findings import warn
from cnncalc.language.input_axes import findings
from cnncalc.language.item_expander import ItemExpander
from cnncalc.language.items import Document, Value
from cnncalc.language.reader import out_of_work
from cnncalc.language.scope import Frame, Ref, Scope, Tensors
from cnncalc.language.unfinished import UnfinishedError
from cnncalc.layers.arguments import LayerError, value_text
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
        CnncalcError: where there is no such variant.
        SpecError: with every fault that was found.
    """
    if variant is not None and variant not in document.variants:
        known = tuple(document.variants)
        hint = did_you_mean(variant, known, "variants") if known else "the spec has no variants"
        raise CnncalcError(f"{document.path}: no variant '{variant}'", hint)
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
        self.net = Graph("", {})

    def network(self) -> Graph:
        try:
            return self.expanded()
        except OutOfWorkError:
            raise SpecError([*self.faults, out_of_work(self.document.origin)]) from None
        except SpecError as error:
            raise UnfinishedError(error.faults, self.net, self.misfits) from None

    def expanded(self) -> Graph:
        document, variant = self.document, self.variant
        self.globals = self.arguments()
        self.stop_at_faults()
        shapes = self.input_shapes()
        self.stop_at_faults()
        self.warn_of(shapes)
        source = document.about(variant.name if variant else None).source
        least = least_layers(document.items, {})
        if least > MAX_LAYERS:
            raise self.refuse(
                document.origin, f"the network has at least {least:,} layers; at most {MAX_LAYERS:,} are allowed"
            )
        self.net = Graph(document.name or document.path, shapes, variant.name if variant else None, source)
        frame = Frame(Scope("", document.reserved | self.net.inputs.keys()), None, None)
        for name, tensor in self.net.inputs.items():
            frame.names[name] = Ref((tensor,), None, "input", 0, 0)
        first: Tensors = (next(iter(self.net.inputs.values())),)
        if len(self.net.inputs) == 1:
            frame.incoming = self.first = first
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
                hint = partial(did_you_mean, name, known, "args") if known else "the spec has no args"
                self.fault(Given("setting", name), f"{document.path} has no argument '{name}'", hint)
        overrides = self.variant.arguments if self.variant else {}
        for name, default in document.arguments.items():
            value = overrides.get(name, default)
            if name in self.settings:
                self.check_setting(name, value.constant)
                values[name] = self.settings[name]
            else:
                values[name] = self.evaluate(value, values)
        return values

    def check_setting(self, name: str, own: Any) -> None:
        """Refuse a text in place of a figure, and the other way round: expressions would take it for another value."""
        given = self.settings[name]
        if own is None or given is None or isinstance(own, str) == isinstance(given, str):
            return
        what, wanted = ("a text", "none") if isinstance(given, str) else ("no text", "one")
        message = f"{value_text(given)} is {what}, and the spec's own value, {value_text(own)}, is {wanted}"
        self.fault(Given("setting", name), message)

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
                message = f"the network has several inputs: {', '.join(entries)}"
                self.fault(Given("input", ""), message, "each shape needs the name of its input")
            given[next(iter(entries))] = given.pop("")
        for name in given:
            if name not in entries:
                near = partial(did_you_mean, name, tuple(entries), "inputs")
                self.fault(Given("input", name), f"{self.document.path} has no input '{name}'", near)
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
            self.finish({names.get(tensor, tensor.name): tensor for tensor in result or ()})
            return
        outputs: dict[str, Tensor] = {}
        for output in stated:
            if output.when is None or self.condition(output.when, self.globals):
                ref = self.look_up(output.reference, frame)
                outputs |= dict.fromkeys([output.reference.name], ref.tensors[-1]) if ref and ref.tensors else {}
        if not outputs:
            self.fault(stated[0].reference.origin, "no output is left: the 'when' of each is false")
        self.stop_at_faults()
        self.finish(outputs)

    def finish(self, outputs: Mapping[str, Tensor]) -> None:
        try:
            self.net.finish(outputs)
        except LayerError as error:
            self.fault(self.document.origin, error.message)

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
