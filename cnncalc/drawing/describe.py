"""Turn a tree into parts with their words, shapes and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise, takewhile
from typing import cast

from cnncalc.drawing.atoms import Atom
from cnncalc.drawing.letters import fitted, multiple_of_four, text_width
from cnncalc.drawing.measures import LayerFigure, share_text
from cnncalc.drawing.parts import (
    CIRCLE,
    HEAD,
    NARROWEST,
    PILL,
    STRIP,
    WIDEST,
    Box,
    Card,
    Fork,
    Lane,
    PicturePart,
    Stack,
    Strip,
    walked,
)
from cnncalc.drawing.tree import (
    FoldedParts,
    Parallel,
    Series,
    TreePart,
    TreeScope,
    atoms_in,
    feeds,
    leaving,
    parts_of,
    reads,
)
from cnncalc.graph import Node
from cnncalc.ground.numbers import counted
from cnncalc.layers.shapes import Shape, beside_sizes, crossed

CIRCLES = {"add": "+", "multiply": "×"}
TEXT, SMALL = 12, 10
"""Font sizes of names, and of strips and figures."""

FAULT_WIDTH, FAULT_LINES = 250, 6
"""Width of the message on a layer that could not be added, and its most lines."""

SHARE_ROOM = 44
"""Room for a share or a count of copies beside a text.  It is kept free even without one, so that the size of a
picture does not depend on the measure."""


class Describer:
    """Makes the parts of one picture.

    The methods take several copies of a part, which are drawn as one: they differ in their figures, and perhaps in
    their shapes.

    Args:
        measure: the figure of bars and shares.
        remark: returns a remark on the layers of a card, or "".
    """

    def __init__(self, measure: LayerFigure, remark: Callable[[Sequence[Node]], str] = lambda nodes: "") -> None:
        self.measure = measure
        self.remark = remark
        self.tiles: dict[Atom, Card] = {}

    def box(self, scopes: Sequence[TreeScope], level: int, count: int = 1) -> Box:
        """Return scopes that are drawn as one; the first ``count`` of them are consecutive.

        ``level`` is the number of boxes around it; the outermost box is open.
        """
        first = scopes[0]
        body = self.series([scope.body for scope in scopes], level + 1)
        name = fitted(_span([scope.name for scope in scopes[:count]]), TEXT, WIDEST - 90, bold=True)
        box = Box(name, first.path, fitted(contents(first), SMALL, WIDEST - 90), body, level, first.is_made_up)
        box.is_open = not level
        box.count = count
        box.reads, box.feeds = reads(first), feeds(scopes[count - 1])
        nodes = [node for scope in scopes for atom in atoms_in(scope) for node in atom.nodes]
        names = _ends([scope.path or scope.name for scope in scopes])
        self._count(box, nodes, [names, counted(len(nodes), "layer")], len(scopes))
        times = f"×{count}" if count > 1 else ""
        upper = text_width(name, TEXT, bold=True) + (14 + text_width(times, TEXT, bold=True) if times else 0)
        box.closed_width = _card_width([upper, text_width(box.about, SMALL) + SHARE_ROOM])
        box.title_width = text_width(f"{name}  {times}".rstrip(), 11, bold=True)
        for source, target, start, end in sorted(_spans(first), key=lambda span: (span[2], -span[3])):
            box.lanes.append(Lane(self.tiles[source], self.tiles[target], start, end))
        # those that are in no box inside it
        inside = [one for one in walked(body, lambda one: not isinstance(one, Box)) if isinstance(one, Card | Box)]
        for part in inside:
            part.up = box
        _equalise(inside)
        return box

    def series(self, copies: Sequence[Series], level: int) -> Stack:
        """Return series that are drawn as one."""
        first = copies[0]
        items: list[PicturePart] = []
        labels = []
        for place, following in enumerate([*first.items[1:], None]):
            twins = [copy.items[place] for copy in copies]
            items.append(self.part(twins, level))
            is_shown = isinstance(following, Atom) and following.kind == "output"
            labels.append("" if is_shown or not first.links[place + 1] else _label(twins))
        for above, below in pairwise(items):
            if isinstance(above, Fork) and isinstance(below, Card):
                above.joint = below if above.passes and not above.is_trunk and below.joins else None
        stack = Stack(items, first.links, labels)
        stack.reads, stack.feeds = reads(first), feeds(first)
        return stack

    def part(self, twins: Sequence[TreePart], level: int) -> PicturePart:
        """Return the part for an element of the tree and its copies, all of one type."""
        first, count = twins[0], 1
        if isinstance(first, FoldedParts):
            count = len(first.copies)
            twins = [copy for twin in cast("Sequence[FoldedParts]", twins) for copy in twin.copies]
        if isinstance(twins[0], TreeScope):
            return self.box(cast("Sequence[TreeScope]", twins), level, count)
        if isinstance(twins[0], Atom):
            return self.tile(cast("Sequence[Atom]", twins), count)
        if isinstance(first, Series):
            return self.series(cast("Sequence[Series]", twins), level)
        forks = cast("Sequence[Parallel]", twins)
        branches = zip(*[fork.branches for fork in forks], strict=True)
        found = Fork([self.series(branch, level) for branch in branches], forks[0].passes)
        found.reads, found.feeds = reads(first), feeds(first)
        return found

    def tile(self, atoms: Sequence[Atom], count: int = 1) -> Card:
        """Return atoms that are drawn as one; the first ``count`` of them are consecutive."""
        first = atoms[0]
        tile = self._card(atoms, count) if first.kind == "card" else _end(first)
        tile.reads, tile.feeds = reads(first), feeds(first)
        tile.axis = tile.width // 2
        self.tiles.update(dict.fromkeys(atoms, tile))
        return tile

    def _card(self, atoms: Sequence[Atom], count: int) -> Card:
        first, leading = atoms[0], atoms[0].leading
        nodes = [node for atom in atoms for node in atom.nodes]
        strips = [_strip(strip_text(node), node.layer.kind, node is leading) for node in first.nodes]
        owner = f"weights of {leading.shares.name}" if leading.shares is not None else ""
        strips += [_strip(text, "note", False) for text in (owner, self.remark(nodes)) if text]
        is_circle = leading.layer.type in CIRCLES
        tile = Card("circle" if is_circle else "card", leading.layer.kind, strips)
        tile.count = count
        coming = [dims_text(shapes) for shapes in zip(*[atom.nodes[0].use.inputs for atom in atoms], strict=True)]
        title = [
            _ends([atom.name for atom in atoms]),
            f"{', '.join(coming)} → {dims_text([atom.tensor.shape for atom in atoms])}",
            *[f"{node.layer.type} {node.layer.label()}".strip() for node in first.nodes],
        ]
        self._count(tile, nodes, title, len(atoms))
        head = next(strip.text for strip in strips if strip.is_head)
        small = [text_width(strip.text, SMALL) for strip in strips if not strip.is_head]
        tile.width = _card_width([text_width(head, TEXT) + SHARE_ROOM, *small])
        tile.height = HEAD + STRIP * len(small)
        if is_circle:
            tile.width = tile.height = CIRCLE
        return tile

    def _count(self, tile: Card | Box, nodes: list[Node], title: list[str], copies: int) -> None:
        """Give a tile its layers, their measure, and its tooltip, which ends with the measure."""
        figure = self.measure
        tile.places = [node.index for node in nodes]
        tile.value = figure.of(nodes)
        tile.share = share_text(tile.value / figure.total if figure.total else 0.0)
        if tile.value:
            together = f", {copies} together" if copies > 1 else ""
            title.append(f"{figure.text(tile.value)} of {figure.title}{together} ({tile.share})")
        tile.title = "\n".join(title)


def _spans(scope: TreeScope) -> Iterator[tuple[Atom, Atom, int, int]]:
    """Yield the source and the target of each line beside a scope, and the places in the running order that it passes.

    A line out of a branch, or into one, may pass all branches beside it.
    """
    around: dict[Atom, list[tuple[TreePart, TreePart]]] = {}
    pending: list[tuple[TreePart, list[tuple[TreePart, TreePart]]]] = [(scope.body, [])] if scope.lanes else []
    while pending:
        element, path = pending.pop()
        if isinstance(element, Atom):
            around[element] = path
        is_fork = isinstance(element, Parallel)
        pending.extend((part, [*path, (element, part)] if is_fork else path) for part in parts_of(element))

    @cache
    def extent(part: TreePart) -> tuple[int, int]:
        orders = [atom.order for atom in atoms_in(part)]
        return min(orders), max(orders)

    for source, target in [(wire.source, wire.target) for wire in scope.lanes]:
        left, entered = around[source], around[target]
        shared = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(left, entered, strict=False)))
        first, last = [(*path[shared:], (end, end))[0][0] for path, end in ((left, source), (entered, target))]
        yield source, target, extent(first)[0], extent(last)[1]


def _ends(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"


def _card_width(texts: Sequence[int]) -> int:
    """Return the width of a card or closed box with texts of these widths."""
    return min(max(multiple_of_four(18 + max(texts)), NARROWEST), WIDEST)


def _label(twins: Sequence[TreePart]) -> str:
    """Return the shape below an item: its output's, if that differs from its input's."""
    first = twins[0]
    if isinstance(first, Series | Parallel):
        return ""
    if isinstance(first, Atom) and (first.kind != "card" or all(map(atom_keeps, cast("Sequence[Atom]", twins)))):
        return ""
    made = [[*leaving(twin)] for twin in twins]
    return dims_text([atoms[0].tensor.shape for atoms in made]) if all(len(atoms) == 1 for atoms in made) else ""


def _strip(text: str, kind: str, is_head: bool) -> Strip:
    return Strip(fitted(text, TEXT if is_head else SMALL, WIDEST - 80), kind, is_head)


def atom_keeps(atom: Atom) -> bool:
    """Return whether a card's output has the shape of all its inputs."""
    return all(shape == atom.tensor.shape for shape in atom.nodes[0].use.inputs)


def fault_lines(message: str) -> list[str]:
    """Return an error message in lines of at most FAULT_WIDTH pixels, cut off after FAULT_LINES of them."""
    lines = [""]
    for word in message.split()[:60]:
        word = fitted(word, SMALL, FAULT_WIDTH)
        if lines[-1] and text_width(f"{lines[-1]} {word}", SMALL) > FAULT_WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return [line for line in lines if line][:FAULT_LINES]


def _fault(atom: Atom) -> Card:
    """Return the card of a layer that could not be added, with its message."""
    strips = [Strip(fitted(atom.name, TEXT, FAULT_WIDTH), "fault", True)]
    strips += [Strip(line, "fault", False) for line in fault_lines(atom.message)]
    tile = Card("card", "fault", strips, atom.message)
    tile.width, tile.height = multiple_of_four(FAULT_WIDTH + 18), HEAD + STRIP * (len(strips) - 1)
    return tile


def _end(atom: Atom) -> Card:
    """Return the card of an input, an output or a fault."""
    if atom.kind == "fault":
        return _fault(atom)
    dims = dims_text([atom.tensor.shape])
    name = end_text(atom)
    text = f"{fitted(name, TEXT, WIDEST - 90)} {dims}"
    tile = Card("pill", atom.kind, [Strip(text, atom.kind, True)], f"{name} {dims}")
    tile.width, tile.height = multiple_of_four(24 + text_width(text, TEXT)), PILL
    return tile


def end_text(atom: Atom) -> str:
    """Return what an input or an output is called: ``output fc1``, or ``input`` where that is its name."""
    return f"{atom.kind} {beside_sizes(atom.name)}" if atom.name != atom.kind else atom.kind


def strip_text(node: Node) -> str:
    """Return a layer's type and main arguments in a few words."""
    layer = node.layer
    word = layer.stem if layer.type in ("batchnorm", "conv_transpose") else layer.type.replace("_", " ")
    label = layer.label()
    groups = getattr(layer, "groups", 1)
    if layer.type in ("conv", "conv_transpose") and node.use.inputs[0][0] == groups > 1:
        word, label = f"dw {word}", label.removesuffix(f", {groups} groups")
    return f"{word} {label}" if label and layer.kind != "norm" else word


def dims_text(shapes: Sequence[Shape]) -> str:
    """Return shapes as one text, with a range if they differ: ``64…224×56×56``."""
    if len(shapes) == 1:
        return crossed(shapes[0])
    if len({len(shape) for shape in shapes}) > 1:
        return ""
    axes = []
    for sizes in zip(*shapes, strict=True):
        least, most = min(sizes), max(sizes)
        axes.append(str(least) if least == most else f"{least}…{most}")
    return "×".join(axes)


def _span(names: Sequence[str]) -> str:
    """Return ``bottleneck2…4`` for names that differ only in their number."""
    first, last = names[0].partition(" … ")[0], names[-1].rpartition(" … ")[2]
    if len(names) == 1:
        return names[0]
    stem = first.rstrip("0123456789")
    if last.startswith(stem) and last[len(stem) :].isdigit() and stem != first:
        return f"{first}…{last[len(stem) :]}"
    return first if first == last else f"{first} … {last}"


def contents(scope: TreeScope) -> str:
    """Return a scope's contents in words: ``4 conv, add``."""
    counts: dict[str, int] = {}
    pending: list[TreePart] = [scope.body]
    while pending:
        element = pending.pop()
        if isinstance(element, Series | Parallel):
            pending.extend(reversed(parts_of(element)))
        else:
            copies = element.copies if isinstance(element, FoldedParts) else [element]
            word = _word(copies[0])
            counts[word] = counts.get(word, 0) + len(copies)
    return ", ".join([f"{count} {word}" if count > 1 else word for word, count in counts.items() if word])


def _word(element: TreePart) -> str:
    if isinstance(element, TreeScope):
        return element.name.partition(" ")[0].rstrip("0123456789.") or element.name
    if isinstance(element, Atom):
        return element.leading.layer.type.replace("_", " ") if element.kind == "card" else ""
    return ""


def _equalise(parts: Sequence[Card | Box]) -> None:
    """Make all cards and closed boxes equally wide; faults keep their own width."""
    cards = [part for part in parts if isinstance(part, Card) and part.form == "card" and part.kind != "fault"]
    boxes = [part for part in parts if isinstance(part, Box)]
    widest = max([*(card.width for card in cards), *(box.closed_width for box in boxes)], default=0)
    for card in cards:
        card.width = widest
        card.axis = widest // 2
    for box in boxes:
        box.closed_width = widest
