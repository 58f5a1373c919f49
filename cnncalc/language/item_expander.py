"""Expand items to nodes: spell out blocks, loops, conditions and paths, assign names, and infer shapes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from cnncalc.graph import Node, Tensor, Unmet
from cnncalc.ground.errors import clipped
from cnncalc.ground.limits import (
    MAX_DEPTH,
    MAX_INPUTS,
    MAX_LAYERS,
    MAX_PATH,
    MAX_READS,
    MAX_STEPS,
    STEPS_PER_LAYER,
)
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.places import Origin
from cnncalc.language.arithmetic import Budget, weigh
from cnncalc.language.expressions import ExpressionError, bind
from cnncalc.language.findings import Finding, warn
from cnncalc.language.items import BlockItem, Environment, Item, LayerItem, Loop, SequenceItem, Value
from cnncalc.language.names import Names
from cnncalc.language.scope import Frame, Ref, Scope, Tensors
from cnncalc.language.unfinished import Misfit
from cnncalc.layers.arguments import value_text
from cnncalc.layers.base import Layer, LayerError
from cnncalc.layers.shapes import shape_text

CACHED_LAYERS = 256

COPIED_AT_ONCE = 8
"""Names whose copies take as long as an operation of an expression."""


class ItemExpander(Names):
    """Adds the nodes of items to a network and collects the faults.

    Attributes:
        globals: the values of the document's ``args``.
        published: whether the document's figures apply, so that ``expect`` is checked.
        misfits: the layers that don't fit what comes in.
    """

    def __init__(self, published: bool) -> None:
        super().__init__()
        self.globals: dict[str, Any] = {}
        self.published = published
        self.misfits: list[Misfit] = []
        self.steps = 0
        self.reads = 0
        self.starts: list[Tensors] = []  # what the paths and unnamed sequences around start from; None for a scope
        self.warned: set[Origin] = set()
        self.first: Tensors = None
        self.depth = 0
        self.rounds = 1  # product of the loops around, to refuse a product of loops before it is run
        self.budget = Budget()

    # --- values ---------------------------------------------------------------------------------------------

    def evaluate(self, value: Value, environment: Environment) -> Any:
        """Return a value; where it can't be computed, a fault and None."""
        try:
            return value(environment)
        except ExpressionError as error:
            self.fault(value.origin, error.message, error.hint)
            return None

    def condition(self, value: Value, environment: Environment) -> bool:
        """Return whether a condition holds; a word is a fault."""
        result = self.evaluate(value, environment)
        if isinstance(result, str):
            hint = (
                f"write {'true' if result in ('yes', 'on') else 'false'}"
                if result in ("yes", "no", "on", "off")
                else None
            )
            self.fault(value.origin, f"a condition must be true or false, not the word '{result}'", hint)
        return bool(result)

    def count(self, value: Value, environment: Environment) -> int:
        """Return how often an item is repeated.  Raises SpecError for more than a network may have."""
        count = self.evaluate(value, environment)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            if count is not None or value.is_constant:
                self.fault(value.origin, f"repeat must be an integer of 0 or more, not {value_text(count)}")
            return 0
        if count > MAX_LAYERS:
            raise self.refuse(
                value.origin, f"repeat: {count:,} is more than the {MAX_LAYERS:,} layers that a network may have"
            )
        return count

    # --- items ----------------------------------------------------------------------------------------------

    def items(self, items: list[Item], frame: Frame, environment: Environment, incoming: Tensors) -> Tensors:
        """Expand items one after the other and return what comes out of the last."""
        for item in items:
            incoming = self.item(item, frame, environment, incoming)
        return incoming

    def item(self, item: Item, frame: Frame, environment: Environment, above: Tensors) -> Tensors:
        """Expand an item with its modifiers; an absent item passes its input through."""
        incoming = above
        if item.sources is not None:
            if self.plainly_absent(item, environment):
                return above  # what it would read need not be there either
            self.warn_of_input(item, frame, above)
            incoming = self.sources(item, frame)
        if not item.repeats:
            result, present = self.once(item, frame, environment, incoming, frame)
        else:
            result, present = self.rounds_of(item, frame, environment, incoming)
        if not present:
            return above
        if item.expect is not None and not each_round(item):
            self.check_expected(item, result, environment)
        return result

    def inner_items(self, items: list[Item], frame: Frame, environment: Environment, incoming: Tensors) -> Tensors:
        """Expand items that have no scope of their own: a path's, or an unnamed sequence's."""
        self.starts.append(incoming)
        result = self.items(items, frame, environment, incoming)
        self.starts.pop()
        return result

    def warn_of_input(self, item: Item, frame: Frame, above: Tensors) -> None:
        """Warn of ``from: input`` where the other input was likely meant: a path's start, or the network's input.

        The scope's own input is meant.  The first item of a path gets the path's start without a ``from``, and the
        first of a named sequence the sequence's input.
        """
        named = [reference for reference in item.sources or () if reference.name == "input"]
        scope = frame.home.incoming
        if not named or scope is None or named[0].origin in self.warned:
            return
        start = self.starts[-1] if self.starts else None
        message, hint = "", ""
        if start is not None and start != scope and above != start:
            message = "'input' is the input of the scope here, not what this path or unnamed sequence starts from"
            hint = "name the item that it starts from, or name the sequence, so that it has an input of its own"
        elif frame.home.is_sequence and above == scope and len(item.sources or ()) == 1:
            message = "'input' is the sequence's own input, which comes in without a 'from', too"
            hint = "the network's input can be read here where it has a name, as in input: {image: [3, 224, 224]}"
        if message:
            self.warned.add(named[0].origin)
            finding = Finding("input-of-scope", message, named[0].origin, hint)
            warn([] if finding.allowed else [finding])

    def plainly_absent(self, item: Item, environment: Environment) -> bool:
        """Whether an item is not there, judged without the incoming tensor."""
        when = item.when
        if when is None or when.reads_input or (item.loop and not when.names.isdisjoint(item.loop.names)):
            return False
        return not self.condition(when, environment)

    def rounds_of(self, item: Item, frame: Frame, environment: Environment, incoming: Tensors) -> tuple[Tensors, bool]:
        """Expand an item with a loop: (what comes out of the last round, whether any round was there)."""
        around, any_present = self.rounds, False
        rows = self.rows(item, environment, incoming)
        for row in rows:
            self.step(item)
            inner = environment if item.loop is None else self.bound(item.loop, row, environment)
            count = 1 if item.repeat is None else self.count(item.repeat, self.seen(inner, incoming))
            self.rounds = around * len(rows) * max(count, 1)
            for _ in range(count):
                lookup = Frame(frame.scope, frame, frame.incoming, frame.home)
                incoming, present = self.once(item, lookup, inner, incoming, frame)
                any_present |= present
        self.rounds = around
        return incoming, any_present

    def rows(self, item: Item, environment: Environment, incoming: Tensors) -> Sequence[Any]:
        """Return the rows of ``for``; one that binds nothing where there is none."""
        loop = item.loop
        if loop is None:
            return (None,)
        try:
            rows = loop.rows(self.seen(environment, incoming))
            if isinstance(rows, (tuple, range)):
                return rows
            raise ExpressionError(f"'{loop.rows.text}' is not a list", hint="range(n) counts from 0 to n − 1")
        except ExpressionError as error:
            self.fault(loop.origin, f"for: {error.message}", error.hint)
            return ()

    def bound(self, loop: Loop, row: Any, environment: Environment) -> Environment:
        """Return the names with those that a row binds."""
        try:
            self.budget.spend(len(environment) // COPIED_AT_ONCE)
            return {**environment, **bind(loop.target, row)}
        except ExpressionError as error:
            self.fault(loop.origin, f"for: {error.message}", error.hint)
            return {**environment, **dict.fromkeys(loop.names)}

    def step(self, item: Item) -> None:
        """Count an item or a round that is looked at.  Raises SpecError for too many."""
        self.steps += 1
        if self.steps > MAX_STEPS + STEPS_PER_LAYER * len(self.net.nodes):
            message = f"expanding the spec takes too many steps: {MAX_STEPS:,}, and {STEPS_PER_LAYER} for each layer"
            raise self.refuse(item.origin, message)

    def seen(self, environment: Environment, incoming: Tensors) -> Environment:
        """Return the names, with those of the incoming tensor where it is known."""
        if incoming is None:
            return environment
        shape = incoming[0].shape
        self.budget.spend(len(environment) // COPIED_AT_ONCE)
        return {**environment, "in_channels": shape[0], "in_shape": shape}

    def once(
        self, item: Item, lookup: Frame, environment: Environment, incoming: Tensors, frame: Frame
    ) -> tuple[Tensors, bool]:
        """Expand one round of an item: (its output, whether it is there)."""
        self.step(item)
        if item.when is not None and not self.present(item.when, environment, incoming):
            return incoming, False
        before = len(self.net.nodes)
        if item.weights is not None:
            self.owners.append(self.sharing(item, frame))
        if isinstance(item, SequenceItem) and item.name is None:  # has no scope of its own
            return self.inner_items(item.items, lookup, environment, incoming), True
        name = self.given_name(item, frame)
        inside: Frame | None = None
        if isinstance(item, LayerItem):
            result = self.layer(item, name, lookup, environment, incoming)
        else:
            inside, result = self.scoped(item, name, frame, environment, incoming)
        if item.weights is not None:
            self.end_sharing(item.weights, result)
        self.register(item, name, frame, Ref(result, inside, item.type_name, before, len(self.net.nodes)))
        if item.expect is not None and each_round(item):
            self.check_expected(item, result, environment)
        return result, True

    def present(self, when: Value, environment: Environment, incoming: Tensors) -> bool:
        """Return whether ``when`` holds for the incoming tensor."""
        if when.reads_input:
            if incoming is None:
                return False  # unknown after a fault that has been reported
            environment = self.seen(environment, incoming)
        return self.condition(when, environment)

    def scoped(
        self, item: Item, name: str, frame: Frame, environment: Environment, incoming: Tensors
    ) -> tuple[Frame, Tensors]:
        """Expand a block or a named sequence in a scope of its own."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refuse(
                item.origin,
                f"blocks are nested deeper than {MAX_DEPTH}: '{item.type_name}' uses itself, or blocks use each other",
            )
        scope_prefix = f"{self.path(item, name, frame)}."
        if isinstance(item, BlockItem):
            items, reserved = item.block.items, item.block.reserved
            environment = self.block_arguments(item, environment, incoming)
        else:
            assert isinstance(item, SequenceItem)
            items, reserved = item.items, item.reserved
        inside = Frame(Scope(scope_prefix, reserved), frame, incoming)
        if incoming is not None and len(incoming) > 1:
            for number, tensor in enumerate(incoming, 1):
                inside.names[f"input{number}"] = Ref((tensor,), None, "input", 0, 0)
        inside.is_sequence = isinstance(item, SequenceItem) and incoming != self.first
        self.starts.append(None)
        result = self.items(items, inside, environment, incoming)
        self.starts.pop()
        self.depth -= 1
        return inside, result

    def block_arguments(self, item: BlockItem, environment: Environment, incoming: Tensors) -> dict[str, Any]:
        """Return the names inside a block: the document's, and the block's own."""
        values = dict(self.globals)
        self.budget.spend((len(values) + len(item.block.arguments)) // COPIED_AT_ONCE)
        for name, default in item.block.arguments.items():
            given = item.arguments.get(name)
            if given is not None:
                values[name] = given.constant if given.is_constant else self.known(given, environment, incoming)
            elif default is not None:
                values[name] = default.constant if default.is_constant else self.known(default, values, incoming)
        return values

    def known(self, value: Value, environment: Environment, incoming: Tensors) -> Any:
        """Evaluate a value, unless it asks for an incoming tensor that a fault has made unknown."""
        if value.reads_input:
            if incoming is None:
                return None
            environment = self.seen(environment, incoming)
        return self.evaluate(value, environment)

    # --- layers ---------------------------------------------------------------------------------------------

    def layer(self, item: LayerItem, name: str, frame: Frame, environment: Environment, incoming: Tensors) -> Tensors:
        """Add a layer to the network; a fault gives None."""
        if item.layer_class.arity == (0, 0) and item.sources is None:  # it comes from nowhere
            incoming = ()
        full, tensors = self.path(item, name, frame), incoming
        try:
            tensors = incoming if item.paths is None else self.paths(item.paths, frame, environment, incoming)
            if item.layer_class.takes_nothing():
                tensors = ()
            layer = item.built or self.made(item, environment, incoming)
            if layer is None or tensors is None:
                return None
            return (self.add(layer, tensors, full, item),)
        except LayerError as error:
            self.layer_fault(item, full, error)
            self.misfits.append(Misfit(full, tensors or (), self.faults[-1].message))
            return None

    def path(self, item: Item, name: str, frame: Frame) -> str:
        """Return an item's dotted path.  Raises SpecError where it is too long."""
        path = frame.scope.prefix + name
        if len(path) > MAX_PATH:
            raise self.refuse(item.origin, f"a dotted path of more than {MAX_PATH} characters: '{path}'")
        return path

    def paths(self, paths: list[list[Item]], frame: Frame, environment: Environment, incoming: Tensors) -> Tensors:
        """Expand each path from the incoming tensor and return their ends."""
        if len(paths) > MAX_INPUTS:
            raise LayerError(f"has {len(paths):,} paths; at most {MAX_INPUTS:,} may come into one layer")
        ends = [self.inner_items(path, frame, environment, incoming) for path in paths]
        if any(end is None for end in ends):
            return None
        return tuple([tensor for end in ends for tensor in end or ()])

    def made(self, item: LayerItem, environment: Environment, incoming: Tensors) -> Layer | None:
        """Return the layer for the arguments' values, made once for each set of values."""
        if item.reads_input:
            if incoming is None:
                return None
            environment = self.seen(environment, incoming)
        try:
            values = tuple(
                [value.constant if value.is_constant else value(environment) for value in item.arguments.values()]
            )
        except ExpressionError:
            for value in item.arguments.values():
                self.evaluate(value, environment)
            return None
        for value in values:
            if type(value) is tuple:
                self.budget.spend(weigh(value))
        try:
            layer = item.cache.get(values)
        except TypeError:  # a sweep's traced numbers, which nothing is looked up by
            return item.layer_class(**dict(zip(item.arguments, values, strict=True)))
        if layer is None:
            if any(value is None for value in values) and self.faults:
                return None
            if len(item.cache) >= CACHED_LAYERS:
                item.cache.clear()
            layer = item.cache[values] = item.layer_class(**dict(zip(item.arguments, values, strict=True)))
        return layer

    def add(self, layer: Layer, tensors: tuple[Tensor, ...], full: str, item: LayerItem) -> Node:
        """Append a node, within the bound on layers and with the weights that it shares."""
        if len(self.net.nodes) >= MAX_LAYERS or self.rounds > MAX_LAYERS:
            message = f"the network has more than {MAX_LAYERS:,} layers" + (
                " (loops in loops)" if self.rounds > MAX_LAYERS else ""
            )
            raise self.refuse(item.origin, message)
        self.reads += len(tensors)
        if self.reads > MAX_READS:
            raise self.refuse(item.origin, f"the layers of the network read more than {MAX_READS:,} tensors")
        shares = None
        if self.owners and layer.apply(tuple([tensor.shape for tensor in tensors])).weights:
            for owners in self.owners:  # all advance; the innermost counts
                shares = next(owners, None)
            if shares is None:
                raise LayerError("has weights, but the item whose weights it shares has no more", argument="weights")
        node = self.net.add(layer, tensors, full, shares, item.origin)
        if node.use.weights:
            self.weighted.append(node)
        return node

    def layer_fault(self, item: LayerItem, full: str, error: LayerError) -> None:
        """Note what is wrong with a layer, at the argument that is to blame."""
        argument = item.arguments.get(error.argument or "")
        origin = argument.origin if argument else item.origin
        if error.argument == "weights" and item.weights is not None:
            origin = item.weights.origin
        near = partial(did_you_mean, error.argument or "", tuple(error.near), "arguments")
        hint = error.hint or (near if error.near else None)
        self.fault(origin, f"{item.type_name} '{full}': {error.message}", hint)

    def check_expected(self, item: Item, result: Tensors, environment: Environment) -> None:
        """Hold an item's output against the shape that its ``expect`` states."""
        if item.expect is None or not self.published:
            return
        expected = self.evaluate(item.expect, environment)
        self.net.states_shapes = True
        if result is None or expected is None or expected == result[0].shape:
            return
        shown = clipped(shape_text(expected)) if isinstance(expected, tuple) else expected
        what = f"the output of '{result[0].name}'"
        self.net.misshapen.append(Unmet(what, shown, shape_text(result[0].shape), item.expect.origin))


def each_round(item: Item) -> bool:
    """Whether ``expect`` speaks of every round of the item's own loop, not only of what comes out at the end."""
    return item.loop is not None and item.expect is not None and not item.expect.names.isdisjoint(item.loop.names)
