"""Expand items to nodes: spell out blocks, loops, conditions and paths, assign names, and infer shapes."""

from __future__ import annotations

from functools import partial
from marshal import dumps
from typing import TYPE_CHECKING

from cnncalc.graph import BlockUse, Graph, Node, Tensor, Unmet
from cnncalc.ground.limits import MAX_DEPTH, MAX_INPUTS, MAX_LAYERS, MAX_READS, MAX_STEPS, MAX_WORK, STEPS_PER_LAYER
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.places import Origin
from cnncalc.language.document import BlockItem, Item, LayerItem, SequenceItem
from cnncalc.language.expand.evaluation import Evaluation
from cnncalc.language.expand.scopes import Flowing, Frame, Ref, Scope, Scopes
from cnncalc.language.expand.sharing import Sharing
from cnncalc.language.expressions.budget import weigh
from cnncalc.language.expressions.whitelist import ExpressionError, Names
from cnncalc.language.faults import Faults
from cnncalc.language.findings import Finding, warn
from cnncalc.layers.arguments import value_text
from cnncalc.layers.base import Layer, LayerError
from cnncalc.layers.shapes import shape_text

if TYPE_CHECKING:
    from cnncalc.language.expand.unfinished import Misfit

CACHED_LAYERS = 256

WORK_OF_A_LAYER, STEPS_OF_A_LAYER = 100, 20
"""Numbers of operations of expressions, and of items and rounds, that take as long as a layer."""


class Expansion:
    """Adds the nodes of items to a graph.

    Attributes:
        graph: what is built.
        scopes: the names.
        published: whether the document's figures apply, so that ``expect`` is checked.
        misfits: the layers that don't fit their inputs.
    """

    def __init__(self, graph: Graph, values: Evaluation, faults: Faults, published: bool) -> None:
        self.graph = graph
        self.faults = faults
        self.values = values
        self.scopes = Scopes(graph, faults)
        self.sharing = Sharing(self.scopes, faults)
        self.published = published
        self.misfits: list[Misfit] = []
        self._steps = 0
        self._reads = 0
        self._depth = 0
        self._rounds = 1  # product of the enclosing loops, so that too many rounds are refused before they run
        self._starts: list[Flowing] = []  # start tensors of the enclosing paths and unnamed sequences; None for a scope
        self._warned: set[Origin] = set()

    # --- items ----------------------------------------------------------------------------------------------

    def items(self, items: list[Item], frame: Frame, names: Names, incoming: Flowing) -> Flowing:
        """Expand items one after the other and return the output of the last."""
        for item in items:
            incoming = self._item(item, frame, names, incoming)
        return incoming

    def _item(self, item: Item, frame: Frame, names: Names, above: Flowing) -> Flowing:
        """Expand an item with its modifiers; an absent item passes its input through."""
        incoming = above
        if item.sources is not None:
            if self._plainly_absent(item, names):
                return above  # the items in its ``from`` may be absent, too
            self._warn_of_input(item, frame, above)
            incoming = self.scopes.sources(item, frame)
        if item.repeats:
            result, is_there = self._all_rounds(item, frame, names, incoming)
            if not is_there:
                return above
        else:
            self._step(item)
            if item.when is not None and not self.values.present(item.when, names, incoming):
                return above
            result = self._round(item, frame, names, incoming, frame)
        if item.expect is not None and not each_round(item):
            self._check_expected(item, result, names)
        return result

    def _plainly_absent(self, item: Item, names: Names) -> bool:
        """Whether an item is absent, judged without the incoming tensor."""
        when = item.when
        if when is None or when.reads_input or (item.loop and not when.names.isdisjoint(item.loop.names)):
            return False
        return not self.values.condition(when, names)

    def _all_rounds(self, item: Item, frame: Frame, names: Names, incoming: Flowing) -> tuple[Flowing, bool]:
        """Expand an item with a loop; return the output of the last round, and whether there was a round."""
        values, around, is_there = self.values, self._rounds, False
        rows = values.rows(item.loop, names, incoming)
        for row in rows:
            self._step(item)
            inner = values.bound(item.loop, row, names)
            count = 1 if item.repeat is None else values.count(item.repeat, values.seen(inner, incoming))
            self._rounds = around * len(rows) * max(count, 1)
            for _ in range(count):
                self._step(item)
                if item.when is None or values.present(item.when, inner, incoming):
                    lookup = Frame(frame.scope, frame, {})
                    incoming = self._round(item, lookup, inner, incoming, frame)
                    is_there = True
        self._rounds = around
        return incoming, is_there

    def _round(self, item: Item, lookup: Frame, names: Names, incoming: Flowing, frame: Frame) -> Flowing:
        """Expand one round of a present item."""
        before = len(self.graph.nodes)
        if isinstance(item, SequenceItem) and item.name is None:  # has no scope
            return self._inner(item.items, lookup, names, incoming)
        if item.weights is not None:
            self.sharing.begin(item, frame)
        name = self.scopes.given_name(item, frame)
        inside, result = self._contents(item, name, lookup, frame, names, incoming)
        if item.weights is not None:
            self.sharing.end(item.weights, result)
        ref = Ref(result, inside, item.type_name, before, len(self.graph.nodes))
        self.scopes.register(item, name, frame, ref)
        if item.expect is not None and each_round(item):
            self._check_expected(item, result, names)
        return result

    def _contents(
        self, item: Item, name: str, lookup: Frame, frame: Frame, names: Names, incoming: Flowing
    ) -> tuple[Scope | None, Flowing]:
        """Expand the contents of an item; return its scope, if it has one, and its output."""
        if isinstance(item, LayerItem):
            return None, self._layer(item, frame.scope.prefix + name, lookup, names, incoming)
        return self._scoped(item, frame.scope.prefix + name, frame, names, incoming)

    @property
    def effort(self) -> int:
        """The work apart from adding layers, in layers that would take as long."""
        return (MAX_WORK - self.values.budget.left) // WORK_OF_A_LAYER + self._steps // STEPS_OF_A_LAYER

    def _step(self, item: Item) -> None:
        """Count a visited item or round. Raises SpecError for too many."""
        self._steps += 1
        if self._steps > MAX_STEPS and self._steps > MAX_STEPS + STEPS_PER_LAYER * len(self.graph.nodes):
            message = f"expanding the spec takes too many steps: {MAX_STEPS:,}, and {STEPS_PER_LAYER} for each layer"
            raise self.faults.refusal(item.origin, message)

    # --- contents of items ----------------------------------------------------------------------------------

    def _inner(self, items: list[Item], frame: Frame, names: Names, incoming: Flowing) -> Flowing:
        """Expand items without a separate scope: a path's, or an unnamed sequence's."""
        self._starts.append(incoming)
        result = self.items(items, frame, names, incoming)
        self._starts.pop()
        return result

    def _scoped(self, item: Item, path: str, frame: Frame, names: Names, incoming: Flowing) -> tuple[Scope, Flowing]:
        """Expand a block or a named sequence in a new scope."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            user = f"'{item.type_name}' uses itself, or blocks use each other"
            raise self.faults.refusal(item.origin, f"blocks are nested deeper than {MAX_DEPTH}: {user}")
        if isinstance(item, BlockItem):
            items, reserved = item.block.items, item.block.reserved
            names = self.values.inside(item, names, incoming)
            self.graph.blocks[path] = BlockUse(item.type_name, item.block.arguments, names, item.origin)
        else:
            assert isinstance(item, SequenceItem)
            items, reserved = item.items, item.reserved
        is_sequence = isinstance(item, SequenceItem) and incoming != tuple(self.graph.inputs.values())
        inside = Scope(f"{path}.", reserved, incoming, is_sequence)
        if incoming is not None and len(incoming) > 1:
            for number, tensor in enumerate(incoming, 1):
                inside.names[f"input{number}"] = Ref((tensor,))
        self._starts.append(None)
        result = self.items(items, Frame(inside, frame, inside.names), names, incoming)
        self._starts.pop()
        self._depth -= 1
        return inside, result

    def _warn_of_input(self, item: Item, frame: Frame, above: Flowing) -> None:
        """Warn about ``from: input`` if another tensor was probably meant: a path's start, or the network's input.

        It means the scope's input. The first item of a path gets the path's start without a ``from``, and the first
        item of a named sequence gets the sequence's input.
        """
        named = [reference for reference in item.sources or () if reference.name == "input"]
        scope = frame.scope.incoming
        if not named or scope is None or named[0].origin in self._warned:
            return
        start = self._starts[-1] if self._starts else None
        message, hint = "", ""
        if start is not None and start != scope and above != start:
            message = "'input' is the scope's input here, not the start of this path or unnamed sequence"
            hint = "name the item that it starts from, or name the sequence, so that it has its own input"
        elif frame.scope.is_sequence and above == scope and len(item.sources or ()) == 1:
            message = "'input' is the sequence's input here, which is also read without a 'from'"
            hint = "to read the network's input here, give it a name: input: {image: [3, 224, 224]}"
        if message:
            self._warned.add(named[0].origin)
            finding = Finding("input-of-scope", message, named[0].origin, hint)
            warn([] if finding.allowed else [finding])

    # --- layers ---------------------------------------------------------------------------------------------

    def _layer(self, item: LayerItem, path: str, frame: Frame, names: Names, incoming: Flowing) -> Flowing:
        """Add a layer to the network; return None after a fault."""
        tensors = incoming
        try:
            if item.takes_nothing:
                tensors = tensors if item.sources else ()
            elif item.paths is not None:
                tensors = self._paths(item.paths, frame, names, incoming)
            layer = item.built or self._layer_for(item, names, incoming)
            if layer is None or tensors is None:
                return None
            return (self._add(layer, tensors, path, item),)
        except LayerError as error:
            self._note_misfit(item, path, tensors or (), error)
            return None

    def _paths(self, paths: list[list[Item]], frame: Frame, names: Names, incoming: Flowing) -> Flowing:
        """Expand each path from the incoming tensor and return their ends."""
        if len(paths) > MAX_INPUTS:
            raise LayerError(f"has {len(paths):,} paths; a layer may have at most {MAX_INPUTS:,} inputs")
        ends = [self._inner(path, frame, names, incoming) for path in paths]
        if any(end is None for end in ends):
            return None
        return tuple([tensor for end in ends for tensor in end or ()])

    def _layer_for(self, item: LayerItem, names: Names, incoming: Flowing) -> Layer | None:
        """Return the layer for the arguments' values, cached by value."""
        if item.reads_input:
            if incoming is None:
                return None
            names = self.values.seen(names, incoming)
        try:
            budget = self.values.budget
            found = tuple(
                [value.compute(names, budget) if value.compute else value.constant for value in item.arguments.values()]
            )
        except ExpressionError:
            for value in item.arguments.values():
                self.values.value(value, names)
            return None
        for place, one in enumerate(found):
            if type(one) is tuple:
                try:
                    budget.spend(weigh(one))
                except OverflowError as fault:  # written out in the spec, or given
                    argument = [*item.arguments][place]
                    raise LayerError(f"{argument}: {fault}", argument=argument) from None
        try:
            key = dumps([*found], 2)  # as keys, 1, 1.0 and true would be equal
        except ValueError:  # a range, or a sweep's traced numbers, can't be a key
            return item.layer_class(**dict(zip(item.arguments, found, strict=True)))
        layer = item.cache.get(key)
        if layer is None:
            if self.faults and any(one is None for one in found):
                return None
            if len(item.cache) >= CACHED_LAYERS:
                item.cache.clear()
            layer = item.cache[key] = item.layer_class(**dict(zip(item.arguments, found, strict=True)))
        return layer

    def _add(self, layer: Layer, tensors: tuple[Tensor, ...], path: str, item: LayerItem) -> Node:
        """Append a node with the weights that it shares, and check the bounds."""
        if len(self.graph.nodes) >= MAX_LAYERS or self._rounds > MAX_LAYERS:
            loops = " (loops in loops)" if self._rounds > MAX_LAYERS else ""
            raise self.faults.refusal(item.origin, f"the network has more than {MAX_LAYERS:,} layers{loops}")
        self._reads += len(tensors)
        if self._reads > MAX_READS:
            message = f"the layers of the network read more than {MAX_READS:,} tensors"
            raise self.faults.refusal(item.origin, message)
        owner = self.sharing.owner(layer, tensors) if self.sharing.owners else None
        return self.graph.add(layer, tensors, path, owner, item.origin)

    def _note_misfit(self, item: LayerItem, path: str, tensors: tuple[Tensor, ...], error: LayerError) -> None:
        """Note a layer's fault at the argument to blame."""
        argument = item.arguments.get(error.argument or "")
        origin = argument.origin if argument else item.origin
        if error.argument == "weights" and item.weights is not None:
            origin = item.weights.origin
        near = partial(did_you_mean, error.argument or "", tuple(error.near), "arguments")
        message = f"{item.type_name} '{path}': {error.message}"
        self.faults.note(origin, message, error.hint or (near if error.near else None))
        from cnncalc.language.expand.unfinished import Misfit

        self.misfits.append(Misfit(path, tensors, message))

    def _check_expected(self, item: Item, result: Flowing, names: Names) -> None:
        """Compare an item's output with the shape in its ``expect``."""
        if item.expect is None or not self.published:
            return
        expected = self.values.value(item.expect, names)
        self.graph.states_shapes = True
        if not result or expected is None or expected == result[0].shape:
            return
        shown = value_text(expected) if isinstance(expected, tuple) else expected
        what = f"the output of '{result[0].name}'"
        self.graph.misshapen.append(Unmet(what, shown, shape_text(result[0].shape), item.expect.origin))


def each_round(item: Item) -> bool:
    """Whether ``expect`` applies to every round of the item's loop, and not only to the final output."""
    return item.loop is not None and item.expect is not None and not item.expect.names.isdisjoint(item.loop.names)
