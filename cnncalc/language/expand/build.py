"""Expand a document to a network: its args, inputs, items, outputs and published figures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from cnncalc.graph import Graph, Tensor
from cnncalc.ground.limits import MAX_AXES, MAX_DEPTH, MAX_FRAMES, MAX_LAYERS
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.places import GivenValue, SpecError
from cnncalc.language.document import Block, BlockItem, Document, Item, LayerItem, SpecValue
from cnncalc.language.expand.evaluation import Evaluation
from cnncalc.language.expand.items import Expansion
from cnncalc.language.expand.scopes import Flowing, Frame
from cnncalc.language.expressions.budget import WorkLimitError
from cnncalc.language.faults import Faults, out_of_work
from cnncalc.language.findings import warn
from cnncalc.language.input_axes import findings
from cnncalc.layers.arguments import LayerError, positive, value_text
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.ground.values import Value

Expander = Callable[[Graph, Evaluation, Faults, bool], Expansion]


def build(
    document: Document,
    variant: str | None = None,
    settings: Mapping[str, Value] | None = None,
    inputs: Mapping[str, Shape] | None = None,
    expander: Expander = Expansion,
) -> Graph:
    """Build the network that a document describes.

    Args:
        document: the spec.
        variant: the variant of the family, or None for the document's default.
        settings: values for ``args``, over the document's and the variant's.
        inputs: shapes by input name, over the document's; the name "" stands for the only input.
        expander: the class that turns items into nodes.

    Raises:
        CnncalcError: if there is no such variant.
        SpecError: with every fault that was found.
    """
    if sys.getrecursionlimit() < MAX_FRAMES:
        sys.setrecursionlimit(MAX_FRAMES)
    return _Build(document, variant, settings or {}, inputs or {}, expander).graph()


def warn_of_inputs(
    document: Document, variant: str | None, settings: Mapping[str, Value], inputs: Mapping[str, Shape]
) -> None:
    """Warn about input shapes that are probably mistakes, as building the network would."""
    from contextlib import suppress

    build = _Build(document, variant, settings, inputs)
    with suppress(SpecError):
        build.values.globals = build.arguments()
        build.warn_of(build.input_shapes())


class _Build:
    """One network of a document, from its args to its outputs."""

    def __init__(
        self,
        document: Document,
        variant: str | None,
        settings: Mapping[str, Value],
        inputs: Mapping[str, Shape],
        expander: Expander = Expansion,
    ) -> None:
        self.document = document
        self.stated = document.resolved(variant)
        self.settings = settings
        self.given_inputs = inputs
        self.faults = Faults(each_place_once=True)
        self.values = Evaluation(self.faults)
        self.published = not settings and not inputs
        self.expander = expander
        self.expansion = expander(Graph("", {}), self.values, self.faults, self.published)

    def graph(self) -> Graph:
        try:
            return self.expanded()
        except RecursionError:
            message = "blocks, sequences and paths are nested too deep"
            raise self.faults.refusal(self.document.origin, message) from None
        except WorkLimitError:
            raise SpecError([*self.faults.found, out_of_work(self.document.origin)]) from None
        except SpecError as error:
            from cnncalc.language.expand.unfinished import Unfinished

            error.unfinished = Unfinished(self.expansion.graph, self.expansion.misfits)
            raise

    def expanded(self) -> Graph:
        document, stated = self.document, self.stated
        self.values.globals = self.arguments()
        self.faults.stop()
        shapes = self.input_shapes()
        self.faults.stop()
        self.warn_of(shapes)
        least = least_layers(document.items, {})
        if least > MAX_LAYERS:
            message = f"the network has at least {least:,} layers; at most {MAX_LAYERS:,} are allowed"
            raise self.faults.refusal(document.origin, message)
        graph = Graph(document.name or document.path, shapes, stated.variant, stated.about.source)
        expansion = self.expansion = self.expander(graph, self.values, self.faults, self.published)
        frame = expansion.scopes.outermost(document.reserved)
        first: Flowing = (next(iter(graph.inputs.values())),)
        result = expansion.items(document.items, frame, self.values.globals, first)
        if not self.faults and not graph.nodes:
            self.faults.note(document.origin, "the network has no layers")
        if self.faults:
            self.note_unmet_too(graph)
        self.faults.stop()
        outputs = self.outputs(frame, result)
        try:
            graph.finish(outputs)
        except LayerError as error:
            raise self.faults.refusal(document.origin, error.message) from None
        graph.effort = expansion.effort
        if self.published:
            self.state_published(graph)
        return graph

    def arguments(self) -> dict[str, Value]:
        document = self.document
        values: dict[str, Value] = {}
        for name in self.settings:
            if name not in document.arguments:
                known = tuple(document.arguments)
                hint = partial(did_you_mean, name, known, "args") if known else "the spec has no args"
                self.faults.note(GivenValue("setting", name), f"{document.path} has no argument '{name}'", hint)
        for name, value in self.stated.arguments.items():
            if name in self.settings:
                self.check_setting(name, value.constant)
                values[name] = self.settings[name]
            else:
                values[name] = self.values.value(value, values)
        return values

    def check_setting(self, name: str, own: Value) -> None:
        """Refuse a text in place of a number, and vice versa: expressions would give another result.

        If an item's argument accepts words as well as numbers (``same`` as a padding), both are right.
        """
        given = self.settings[name]
        if own is None or given is None or isinstance(own, str) == isinstance(given, str):
            return
        from cnncalc.language.expand.receivers import takes_word

        if takes_word(self.document, name, given if isinstance(given, str) else str(own)):
            return
        what = "a text" if isinstance(given, str) else "no text"
        message = f"{value_text(given)} is {what}, but the spec has {value_text(own)}"
        self.faults.note(GivenValue("setting", name), message)

    def warn_of(self, shapes: Mapping[str, Shape]) -> None:
        given = shapes if "" in self.given_inputs else self.given_inputs
        warn(findings(self.document, shapes, self.stated.inputs, given))

    def input_shapes(self) -> dict[str, Shape]:
        entries = self.stated.inputs
        given = dict(self.given_inputs)
        if "" in given:
            if len(entries) > 1:
                message = f"the network has several inputs: {', '.join(entries)}"
                self.faults.note(GivenValue("input", ""), message, "each shape needs the name of its input")
            given[next(iter(entries))] = given.pop("")
        for name in given:
            if name not in entries:
                near = partial(did_you_mean, name, tuple(entries), "inputs")
                self.faults.note(GivenValue("input", name), f"{self.document.path} has no input '{name}'", near)
        values = {
            name: self.values.value(entries[name], self.values.globals) for name in entries if not given.get(name)
        }
        if len(values) > 1 and all(isinstance(value, int) for value in values.values()):
            origin = entries[next(iter(values))].origin
            fault = "a mapping gives the shape of each input by its name, but these are sizes"
            self.faults.note(origin, fault, "the shape of a single input is a list, for example input: [3, 224, 224]")
            return dict.fromkeys(entries, (1,))
        return {
            name: self.input_shape(value, values[name]) if name in values else given[name]
            for name, value in entries.items()
        }

    def input_shape(self, value: SpecValue, shape: Value) -> Shape:
        try:
            sizes = tuple(map(positive, shape if isinstance(shape, tuple) else ()))
        except ValueError:
            sizes = ()
        if not 1 <= len(sizes) <= MAX_AXES:
            self.faults.note(
                value.origin,
                "an input is a list of positive integers, channels first and without the batch axis",
                "for example [3, 224, 224]",
            )
            return (1,)
        return sizes

    def outputs(self, frame: Frame, result: Flowing) -> dict[str, Tensor]:
        stated = self.stated.outputs
        if not stated:
            names = frame.scope.names_of_tensors()
            return {names.get(tensor, tensor.name): tensor for tensor in result or ()}
        outputs: dict[str, Tensor] = {}
        for output in stated:
            if output.when is None or self.values.condition(output.when, self.values.globals):
                ref = self.expansion.scopes.look_up(output.reference, frame)
                if ref is not None and ref.tensors:
                    outputs[output.reference.name] = ref.tensors[-1]
        if not outputs:
            self.faults.note(stated[0].reference.origin, "no output is left: the 'when' of every output is false")
        self.faults.stop()
        return outputs

    def note_unmet_too(self, graph: Graph) -> None:
        """Note shapes that differ from the expected ones, because they may be the cause of a later fault."""
        for unmet in graph.misshapen:
            if unmet.origin is not None:
                self.faults.note(unmet.origin, f"{unmet.what} should be {unmet.expected}, but is {unmet.actual}")

    def state_published(self, graph: Graph) -> None:
        graph.published = {
            what: (self.values.value(value, self.values.globals), value.origin)
            for what, value in self.stated.expect.items()
        }
        for what, (_, origin) in graph.published.items():
            name = what.removeprefix("output ")
            if name != what and name not in graph.outputs:
                near = partial(did_you_mean, name, tuple(graph.outputs), "outputs")
                self.faults.note(origin, f"the network has no output '{name}'", near)
        self.faults.stop()


# --- a lower bound, before anything is expanded ----------------------------------------------------------------


def least_layers(items: list[Item], known: dict[str, int], depth: int = 0) -> int:
    """Return a lower bound of the number of layers that items expand to.

    Items whose number depends on a condition or a name count 0. ``known`` caches the blocks' numbers.
    """
    if depth > 2 * MAX_DEPTH:
        return 0  # refused for its depth when it is expanded
    return sum(_rounds(item) * _once(item, known, depth + 1) for item in items)


def _rounds(item: Item) -> int:
    if item.loop is not None or item.when is not None:
        return 0
    if item.repeat is None:
        return 1
    count = item.repeat.constant
    return count if isinstance(count, int) and count > 0 else 0


def _once(item: Item, known: dict[str, int], depth: int) -> int:
    inside = least_layers(item.children, known, depth)
    if isinstance(item, BlockItem):
        return _block(item.block, known, depth)
    return inside + isinstance(item, LayerItem)


def _block(block: Block, known: dict[str, int], depth: int) -> int:
    if block.name not in known:
        known[block.name] = 0  # a block that uses itself is refused when it is expanded
        known[block.name] = least_layers(block.items, known, depth)
    return known[block.name]
