"""Networks of random structures: each block is expanded once, and its sums are cached.

Networks of a search space differ, but their blocks are often equal. A block with the same arguments and input shapes
has the same layers, so its sums, its output's shape and its live tensors are cached and represent its layers in the
next network. Everything else, errors above all, is computed by building the network.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from functools import partial
from marshal import dumps
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.figures.costs import Sums, sums
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_LAYERS, MAX_PATH, MAX_READS, MAX_STEPS
from cnncalc.language.document import BlockItem, Item, LayerItem
from cnncalc.language.expand.build import build
from cnncalc.language.expand.evaluation import Evaluation
from cnncalc.language.expand.items import Expansion
from cnncalc.language.expand.scopes import Flowing, Frame, Scope
from cnncalc.language.expressions.whitelist import ExpressionError, Names
from cnncalc.language.faults import Faults
from cnncalc.language.foldable import FoldableItem
from cnncalc.language.recipe import Recipe
from cnncalc.layers.shapes import Shape
from cnncalc.studies.sweep.grid import Combination
from cnncalc.studies.sweep.points import Measure, Point, named_figures

if TYPE_CHECKING:
    from cnncalc.layers.base import Layer

MOST_PIECES = 30_000
"""Number of cached pieces, some 20 MiB."""

TRIES = 16_384
"""Uses of an item after which it is no longer folded, unless an eighth of them were in the cache."""

Segment = tuple[int, tuple[int, ...]]
"""The most own elements of a piece that are alive up to where inputs are read last, and which inputs those are."""


class UnsettledError(Exception):
    """Folded blocks can't give the figures: the whole network has to be built."""


class BlockSums(NamedTuple):
    """The sums over some layers, for a batch.

    Attributes:
        sums: of the layers.
        forward: elements of all outputs.
        uncounted: layer types without defined FLOPs.
        segments: live elements, from one last read of an input to the next.
    """

    sums: Sums
    forward: int
    uncounted: frozenset[str]
    segments: tuple[Segment, ...]


class Cost(NamedTuple):
    """The bounded resources used by expanding a piece: steps, tensors read, operations of expressions, and so on."""

    steps: int
    reads: int
    work: int
    rounds: int
    path: int


class FoldedNode(Node):
    """One node that stands for several layers: it has the sums of its piece in place of a layer.

    Attributes:
        piece: their sums.
    """

    __slots__ = ("piece",)

    def __init__(self, index: int, known: _CachedItem, inputs: tuple[Tensor, ...]) -> None:
        self.name = known.name
        self.shape = known.shape
        self.times = known.times
        self.of_one = prod(known.shape)
        self.index = index
        self.inputs = inputs
        self.piece = known.piece


class _CachedItem(NamedTuple):
    """The cache entry of an item: its output, the inputs that it reads, and its sums."""

    name: str
    shape: Shape
    times: int
    read: tuple[int, ...]
    reads_all: bool
    piece: BlockSums
    cost: Cost


class Folding:
    """The cached pieces of a spec, and the figures of networks composed of them.

    Attributes:
        foldable: the spec, and its items that can be folded; None if nothing can be.
        folds: those items, without the ones whose pieces are hardly ever used again.
        known: the pieces.
    """

    def __init__(self, recipe: Recipe, measure: Measure) -> None:
        """Prepare; nothing is expanded yet."""
        self.measure = measure
        self.foldable = None if measure.more else recipe.foldable()
        self.folds = self.foldable.items if self.foldable else {}
        self.known: dict[Hashable, _CachedItem] = {}
        self.tries: dict[Item, list[int]] = {item: [0, 0] for item in self.folds}

    def point(self, combination: Combination) -> Point | None:
        """Return a combination's point; None if its network has to be built."""
        variant, args, inputs = combination
        if self.foldable is None or not self.folds or not (args or inputs):  # published figures need every layer
            return None
        made: list[_FoldedExpansion] = []
        try:
            expander = partial(_FoldedExpansion, folding=self, made=made)
            graph = build(self.foldable.document, variant, args, inputs, expander)
            made[-1].settle()
        except (CnncalcError, UnsettledError):
            return None
        batch = self.measure.batch
        whole = composed(graph.nodes, (), tuple(graph.inputs.values()), graph.outputs.values(), batch)
        ((peak, _),) = whole.segments
        if whole.sums.layers > MAX_LAYERS:
            return None
        output = next(reversed(graph.outputs.values())).shape
        figures = named_figures(whole.sums, whole.forward, peak, output, self.measure)
        shapes = {name: tensor.shape for name, tensor in graph.inputs.items()}
        return Point(variant, args, shapes, figures, uncounted=tuple(sorted(whole.uncounted)))


class _FoldedExpansion(Expansion):
    """An expansion in which cached pieces replace their layers."""

    def __init__(
        self,
        graph: Graph,
        values: Evaluation,
        faults: Faults,
        published: bool,
        folding: Folding,
        made: list[_FoldedExpansion],
    ) -> None:
        super().__init__(graph, values, faults, published)
        made.append(self)
        self.folding = folding
        self._widest = 0  # of the loops around a layer, since a piece was begun
        self._longest = 0  # path since then

    def _contents(
        self, item: Item, name: str, lookup: Frame, frame: Frame, names: Names, incoming: Flowing
    ) -> tuple[Scope | None, Flowing]:
        """Expand an item, or take it from the cache."""
        fold = self.folding.folds.get(item)
        if fold is None or incoming is None or self.faults:
            return super()._contents(item, name, lookup, frame, names, incoming)
        key = self._key(item, fold, names, incoming)
        tries = self.folding.tries[item]
        tries[0] += 1
        known = self.folding.known.get(key)
        prefix = len(frame.scope.prefix) + len(name)
        if known is not None:
            tries[1] += 1
            return None, self._from_cache(known, incoming, prefix)
        if tries[0] > TRIES and tries[1] * 8 < tries[0]:
            self.folding.folds.pop(item, None)
        return self._expanded_and_cached(key, prefix, item, name, lookup, frame, names, incoming)

    def _key(self, item: Item, fold: FoldableItem, names: Names, incoming: tuple[Tensor, ...]) -> Hashable:
        """Return the cache key of an item's expansion, which distinguishes kinds of numbers and equal tensors."""
        read: list[object] = []
        try:
            if isinstance(item, BlockItem) and item.arguments:
                seen = self.values.seen(names, incoming)
                for name, value in item.arguments.items():
                    read += (name, value(seen, self.values.budget))
            read += [names.get(name) for name in fold.names]
            read += [self.values.globals.get(name) for name in fold.globals]
            written = dumps(read, 2)
        except (ExpressionError, ValueError):
            raise UnsettledError from None
        if len(incoming) == 1:
            return fold.what, written, self._depth, incoming[0].shape, incoming[0].times
        return fold.what, written, self._depth, tuple([(one.shape, one.times, incoming.index(one)) for one in incoming])

    def _from_cache(self, known: _CachedItem, incoming: tuple[Tensor, ...], prefix: int) -> Flowing:
        """Append a cached item as one node."""
        steps, reads, work, rounds, path = known.cost
        self._steps += steps
        self._reads += reads
        self.values.budget.spend(work)
        if self._rounds * rounds > self._widest:
            self._widest = self._rounds * rounds
        if prefix + path > self._longest:
            self._longest = prefix + path
        inputs = incoming if known.reads_all else tuple([incoming[number] for number in known.read])
        node = FoldedNode(len(self.graph.nodes), known, inputs)
        self.graph.nodes.append(node)
        return (node,)

    def settle(self) -> None:
        """Raise UnsettledError if the full expansion might have reached a bound."""
        if self._steps > MAX_STEPS or self._reads > MAX_READS or self._widest > MAX_LAYERS or self._longest > MAX_PATH:
            raise UnsettledError

    def _expanded_and_cached(
        self,
        key: Hashable,
        prefix: int,
        item: Item,
        name: str,
        lookup: Frame,
        frame: Frame,
        names: Names,
        incoming: tuple[Tensor, ...],
    ) -> tuple[Scope | None, Flowing]:
        """Expand an item, and cache its sums if it ends in one of its layers."""
        nodes, first = self.graph.nodes, len(self.graph.nodes)
        before = self._steps, self._reads, self.values.budget.left
        around = self._widest, self._longest
        self._widest = self._longest = 0
        inside, result = super()._contents(item, name, lookup, frame, names, incoming)
        made = nodes[first:]
        path = max([self._longest, *[len(node.name) for node in made]])
        rounds = self._widest // self._rounds
        self._widest, self._longest = max(around[0], self._widest), max(around[1], path)
        if self.faults or not made or result != (made[-1],):
            return inside, result
        outside = tuple(dict.fromkeys(incoming))
        inner = set(made)
        if any(tensor not in inner and tensor not in outside for node in made for tensor in node.inputs):
            return inside, result
        batch = self.folding.measure.batch
        read = [tensor for tensor in outside if any(tensor in node.inputs for node in made)]
        piece = composed(made, read, (), result, batch)
        work = before[2] - self.values.budget.left
        cost = Cost(self._steps - before[0], self._reads - before[1], work, rounds, path - prefix)
        places = tuple([incoming.index(tensor) for tensor in read])
        name, shape, times = made[-1].name, made[-1].shape, made[-1].times
        known = _CachedItem(name, shape, times, places, tuple(read) == incoming, piece, cost)
        if len(self.folding.known) >= MOST_PIECES:
            self.folding.known.clear()
        self.folding.known[key] = known
        node = FoldedNode(first, known, tuple(read))
        nodes[first:] = [node]
        return None, (node,)

    def _add(self, layer: Layer, tensors: tuple[Tensor, ...], full: str, item: LayerItem) -> Node:
        self._widest = max(self._widest, self._rounds)
        return super()._add(layer, tensors, full, item)


def composed(
    nodes: Sequence[Node], outside: Sequence[Tensor], present: Sequence[Tensor], kept: Collection[Tensor], batch: int
) -> BlockSums:
    """Return the sums over nodes, in the order in which they run.

    Args:
        nodes: layers, or pieces of them.
        outside: input tensors whose lifetime is managed outside.
        present: tensors that are alive from the start to their last read.
        kept: tensors that are alive to the end.
        batch: samples that go through at once.
    """
    last: dict[Tensor, int] = {tensor: place for place, node in enumerate(nodes) for tensor in node.inputs}
    last.update(dict.fromkeys(kept, len(nodes)))
    alive = high = sum([tensor.elements(batch) for tensor in present if tensor in last])
    segments: list[Segment] = []
    pieces = [node.piece if isinstance(node, FoldedNode) else _alone(node, batch) for node in nodes]
    for place, node in enumerate(nodes):
        for most, ends in pieces[place].segments:
            if alive + most > high:
                high = alive + most
            ended: tuple[int, ...] = ()
            for end in ends:
                tensor = node.inputs[end]
                if last[tensor] != place:
                    continue
                if tensor in outside:
                    ended = (*ended, outside.index(tensor))
                else:
                    alive -= tensor.elements(batch)
            if ended:
                segments.append((high, ended))
                high = 0
        if node in last:
            alive += node.elements(batch)
    if high or not segments:
        segments.append((high, ()))
    totals, forwards, uncounted, _ = zip(*pieces, strict=True)
    sums_ = Sums(*map(sum, zip(*totals, strict=True)))
    return BlockSums(sums_, sum(forwards), frozenset().union(*uncounted), tuple(segments))


def _alone(node: Node, batch: int) -> BlockSums:
    """Return the sums of a single layer."""
    uncounted = frozenset([node.use.layer.type]) if node.use.flops is None else frozenset[str]()
    elements = node.elements(batch)
    reads = tuple([node.inputs.index(tensor) for tensor in dict.fromkeys(node.inputs)])
    return BlockSums(sums([node], batch), elements, uncounted, ((elements, reads),))
