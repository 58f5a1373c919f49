"""Exact savings of changes: each change is made in the spec's text or arguments, and the network is recomputed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import NamedTuple

from cnncalc.figures.costs import DTYPES, sums
from cnncalc.figures.memory import peak_elements
from cnncalc.figures.roofline import Estimate, Machine, estimate
from cnncalc.figures.summary import summarize
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_REBUILT
from cnncalc.ground.values import Value
from cnncalc.language.edits import Edit, ItemText, Piece, applied, find_item
from cnncalc.language.loading import read_text
from cnncalc.language.recipe import Recipe
from cnncalc.layers.shapes import Shape, crossed, typed
from cnncalc.studies.hotspots import Hotspots
from cnncalc.studies.savings import replacements

INDEX_BYTES = 4

TEXT_OF_A_LAYER = 25
"""Characters of a spec whose reading takes as long as building a layer."""

_WIDTHS = ("width", "width_mult", "alpha", "multiplier", "base_width", "channels")
_STEPS = (32, 16, 8, 4, 2, 1)
_TRIES = 8


class Figures(NamedTuple):
    """A network's figures, before or after a change; ``seconds`` is None if the roofline model does not apply."""

    params: int
    macs: int
    flops: int
    weight_bytes: int
    peak_bytes: int
    seconds: float | None


class Change(NamedTuple):
    """A change and the whole network's figures after it.

    Attributes:
        name: a short description.
        layers: the layers that it changes; none: the network as a whole.
        options: the option that makes it: ("input" | "set" | "dtype", value), or empty.
        edits: lines of the spec that make it.
        elsewhere: how to make it outside a spec, if neither does.
        after: the network's figures after the change.
    """

    name: str
    layers: tuple[str, ...]
    options: tuple[str, ...]
    edits: tuple[Edit, ...]
    elsewhere: str
    after: Figures


class Workbench:
    """Rebuilds a spec under proposed changes and measures each.

    Attributes:
        summary: the network's figures as it is.
        estimates: how long each of its layers takes.
        untried: number of changes that were not tried because too many networks had been built.
    """

    def __init__(
        self,
        recipe: Recipe,
        variant: str | None,
        settings: Mapping[str, Value],
        inputs: Mapping[str, Shape],
        machine: Machine,
        batch: int = 1,
        dtype: str = "float32",
    ) -> None:
        """Build the network.  Raises CnncalcError if the spec is wrong."""
        self.recipe = recipe
        self.variant = variant
        self.settings = settings
        self.inputs = inputs
        self.machine = machine
        self.batch = batch
        self.network = recipe.build(variant, settings, inputs)
        self.summary = summarize(self.network, batch, dtype)
        self.width = DTYPES[dtype]
        self.estimates = self._estimates(self.network)
        self.before = self._figures(self.network, self.estimates)
        self.untried = 0
        self._made: dict[object, replacements.NewItems | None] = {}
        self._changed: dict[object, Change | None] = {}
        self._each = len(self.network.nodes) + self.network.effort
        self._left = MAX_REBUILT - 2 * self._each  # a summary takes as long as building it

    def rebuilt(
        self,
        edits: Sequence[Edit] = (),
        settings: Mapping[str, Value] | None = None,
        inputs: Mapping[str, Shape] | None = None,
    ) -> Graph | None:
        """Return the network after a change; None if it can't be built, or too many have been built."""
        recipe = self.recipe
        self._left -= self._each + (len(recipe.text or "") // TEXT_OF_A_LAYER if edits else 0)
        if self._left < 0:
            self.untried += 1
            return None
        try:
            if edits and recipe.text is not None:
                recipe = read_text(applied(recipe.text, edits).encode("utf-8", "surrogateescape"), recipe.path)
            return recipe.build(self.variant, {**self.settings, **(settings or {})}, {**self.inputs, **(inputs or {})})
        except CnncalcError:
            return None

    def measured(self, network: Graph) -> Figures:
        """Return a network's figures."""
        return self._figures(network, self._estimates(network))

    def _estimates(self, network: Graph) -> list[Estimate]:
        return [estimate(node, self.machine, self.batch, self.width) for node in network.nodes]

    def _figures(self, network: Graph, estimates: Iterable[Estimate]) -> Figures:
        totals, width = sums(network.nodes, self.batch), self.width
        peak, _ = peak_elements(network, self.batch)
        seconds = sum([one.seconds for one in estimates])
        return Figures(totals.params, totals.macs, totals.flops, totals.params * width, peak * width, seconds)

    def narrowed(self, dtype: str) -> Figures:
        """Return the network's figures with elements of another type."""
        before, now, then = self.before, self.width, DTYPES[dtype]
        seconds = sum([self.machine.seconds(one.flops, one.bytes // now * then) for one in self.estimates])
        sizes = {"weight_bytes": before.params * then, "peak_bytes": before.peak_bytes // now * then}
        return before._replace(**sizes, seconds=seconds)

    def saves(self, after: Figures) -> bool:
        """Whether a change takes a larger share of params or of MACs away than it adds to the other."""
        pairs = (after.params, self.before.params), (after.macs, self.before.macs)
        shares = [then / now - 1 if now else float(then > 0) for then, now in pairs]
        return min(shares) < 0 and max(shares) < -min(shares)

    # --- the network as a whole -----------------------------------------------------------------------------

    def for_the_network(self) -> list[Change]:
        """Return the changes of input, width and type."""
        found = [self.lower_resolution(), self.narrower_by_argument()]
        for dtype in ("float16", "int8"):
            if DTYPES[dtype] < self.width:
                after = self.narrowed(dtype)
                found.append(Change(f"stored as {dtype}", (), ("dtype", dtype), (), "", after))
        return [change for change in found if change is not None]

    def lower_resolution(self) -> Change | None:
        """Return the change to an input of three quarters the size or less, in multiples of the strides."""
        if len(self.network.inputs) != 1:
            return None
        (shape,) = [tensor.shape for tensor in self.network.inputs.values()]
        if len(shape) < 2:
            return None
        axes = min(len(shape) - 1, 2)  # a video keeps its number of frames
        kept, sizes = shape[:-axes], shape[-axes:]
        fitting = (step for step in _STEPS if all(size % step == 0 and size >= 4 * step for size in sizes))
        step = next(fitting, 1)
        for less in range(_TRIES):
            smaller = (*kept, *[size * 3 // 4 // step * step - less * step for size in sizes])
            if min(smaller) < 1:
                return None
            network = self.rebuilt(inputs={"": smaller})
            if network is not None and self.saves(after := self.measured(network)):
                return Change(f"input {crossed(smaller)}", (), ("input", typed(smaller)), (), "", after)
        return None

    def narrower_by_argument(self) -> Change | None:
        """Return the change of the spec's width argument to three quarters."""
        for name in _WIDTHS:
            value = self.argument(name)
            smaller = value * 3 // 4 if isinstance(value, int) else round(value * 0.75, 6) if value else 0
            if not smaller:
                continue
            network = self.rebuilt(settings={name: smaller})
            if network is not None and self.saves(after := self.measured(network)):
                setting = f"{name}={smaller}"
                return Change(setting, (), ("set", setting), (), "", after)
        return None

    def argument(self, name: str) -> int | float | None:
        """Return the value of a numeric argument; None if it is not numeric, or has no value."""
        value = self.settings.get(name)
        value = self.recipe.argument(name, self.variant) if value is None else value
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    # --- single layers --------------------------------------------------------------------------------------

    def for_layers(self, heavy: Iterable[Node], rank: int | None, sparsity: float) -> list[Change]:
        """Return the changes of the given layers, each item of the spec once."""
        can_edit = self.recipe.is_editable
        narrow = not any(self.argument(name) for name in _WIDTHS)
        found: list[Change] = []
        of_item: dict[object, list[Node]] = {}  # layers whose item may get another type
        for node in heavy:
            item = find_item(node.origin)
            if can_edit and item is not None:
                if node.origin not in of_item:
                    nodes = [one for one in self.network.nodes if one.origin == node.origin]
                    of_item[node.origin] = [] if self.is_shared(nodes) else nodes
                if of_item[node.origin]:
                    found += self.edited(node, of_item[node.origin], item, rank, narrow)
            if node.layer.kind == "fc":
                found.append(self.pruned(node, sparsity))
        distinct: dict[object, Change] = {}
        for change in found:
            distinct.setdefault(change.edits or (change.name, change.layers), change)
        return list(distinct.values())

    def is_shared(self, nodes: Sequence[Node]) -> bool:
        """Whether a node shares its weights with others, so that its item can't be another type."""
        meant = {*nodes}
        return any(one.shares is not None and (one in meant or one.shares in meant) for one in self.network.nodes)

    def edited(self, node: Node, nodes: Sequence[Node], item: ItemText, rank: int | None, narrow: bool) -> list[Change]:
        """Return the changes of one item."""
        proposals: list[tuple[str, replacements.NewItems | None]] = []
        if node.layer.type == "conv":
            proposals = [
                ("depthwise separable", self.once(replacements.separable, item, nodes)),
                *self.grouped(node, nodes, item),
                ("1×1 bottleneck", self.once(replacements.bottleneck, item, nodes)),
            ]
        elif node.layer.type == "linear":
            rank = rank or max(min(node.use.weights["weight"].shape) // 4, 1)
            proposals = [(f"low rank {rank}", replacements.low_rank(item, nodes, rank))]
        elif node.layer.type == "locally_connected":
            proposals = [("shared filters", replacements.shared(item, nodes))]
        if narrow:
            proposals.append(("width · 3/4", self.once(replacements.narrower, item, nodes)))
        made = [(name, *replacement) for name, replacement in proposals if replacement]
        found = [self.change(name, changed, [item.replaced(pieces)]) for name, pieces, changed in made]
        if node.layer.type == "linear":
            found.append(self.pooled(node))
        return [change for change in found if change is not None]

    def grouped(
        self, node: Node, nodes: Sequence[Node], item: ItemText
    ) -> list[tuple[str, replacements.NewItems | None]]:
        """Return the proposal of a grouped convolution, with a number of groups that divides the channels."""
        wide = replacements.is_wide(node)
        for groups in replacements.GROUPS:
            replacement = self.once(replacements.grouped, item, nodes, wide, groups)
            if replacement is not None and node in replacement[1]:
                return [(f"{groups} groups", replacement)]
        return []

    def once(
        self, make: Callable[..., replacements.NewItems | None], item: ItemText, nodes: Sequence[Node], *more: int
    ) -> replacements.NewItems | None:
        """Return a replacement of an item's layers, computed once."""
        key = (make, nodes[0].origin, *more)
        if key not in self._made:
            self._made[key] = make(item, nodes, *more)
        return self._made[key]

    def change(self, name: str, nodes: Sequence[Node], edits: Sequence[Edit]) -> Change | None:
        """Return an edit's change; None if the network can't be built, has other outputs, or costs no less."""
        key = (name, *edits)
        if key not in self._changed:
            self._changed[key] = self._change(name, nodes, edits)
        return self._changed[key]

    def _change(self, name: str, nodes: Sequence[Node], edits: Sequence[Edit]) -> Change | None:
        network = self.rebuilt(edits)
        if network is None:
            return None
        shapes = [tensor.shape for tensor in self.network.outputs.values()]
        after = self.measured(network)
        if [tensor.shape for tensor in network.outputs.values()] != shapes or not self.saves(after):
            return None
        return Change(name, tuple([node.name for node in nodes]), (), tuple(edits), "", after)

    def pooled(self, node: Node) -> Change | None:
        """Return global average pooling in place of the hidden fc layers (Lin et al. 2013, arXiv:1312.4400)."""
        chain = self.behind_flatten(node)
        if chain is None:
            return None
        flatten, linears = chain
        hidden = linears[:-1]
        edits = []
        for one in (flatten, *hidden):
            item = find_item(one.origin)
            alone = sum(other.origin == one.origin for other in self.network.nodes) == 1
            if item is None or not alone or self.is_shared([one]):
                return None
            pooled = [Piece("global_avgpool"), Piece("flatten", item.arguments)]
            edits.append(item.replaced(pooled if one is flatten else [Piece("identity")]))
        return self.change("global average pooling", [flatten, *linears], edits)

    def behind_flatten(self, node: Node) -> tuple[Node, list[Node]] | None:
        """Return the flatten before an fc layer, and all fc layers in the chain after it."""
        readers = self.network.readers()
        at = node
        while at.layer.type != "flatten":
            before = at.inputs[0]
            if len(at.inputs) > 1 or not isinstance(before, Node):
                return None
            at = before
        if prod(at.use.inputs[0][1:]) == 1:
            return None
        flatten, linears = at, []
        while len(readers.get(at, [])) == 1 and len(readers[at][0].inputs) == 1:
            at = readers[at][0]
            if at.layer.type == "linear":
                linears.append(at)
        return (flatten, linears) if node in linears else None

    def pruned(self, node: Node, sparsity: float) -> Change:
        """Return the change to zeros for the smallest weights (Han et al. 2015, arXiv:1506.02626).

        The number kept is that of PyTorch's pruning. Weights are stored as compressed sparse rows: a value and an index
        of 4 bytes each, and an index per row.  Time is not reported: it depends on whether the hardware skips zeros.
        """
        shape = node.use.weights["weight"].shape
        count, width, before = prod(shape), self.width, self.before
        zeros = round(sparsity * count)
        kept = count - zeros
        macs = node.macs(self.batch) // count * zeros
        after = before._replace(
            params=before.params - zeros,
            macs=before.macs - macs,
            flops=before.flops - 2 * macs,
            weight_bytes=before.weight_bytes - zeros * width + (kept + shape[0] + 1) * INDEX_BYTES,
            seconds=None,
        )
        call = f'torch.nn.utils.prune.l1_unstructured({node.name}, "weight", amount={sparsity:g})'
        return Change(f"{sparsity:.0%} pruned", (node.name,), (), (), call, after)


def heavy_nodes(spots: Sequence[Hotspots], top: int) -> list[Node]:
    """Return the convolutions and fc layers with the most MACs and the most params, alternating."""
    by_figure = {hot.figure: [spot.row.node for spot in hot.spots[:top]] for hot in spots}
    found: dict[Node, None] = {}
    for place in range(top):
        for figure in ("macs", "params"):
            for node in by_figure.get(figure, [])[place : place + 1]:
                if node.layer.kind in ("conv", "fc"):
                    found[node] = None
    return list(found)
