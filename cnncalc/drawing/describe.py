"""Turn a tree into parts with their words, shapes and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from cnncalc.drawing.atoms import Atom
from cnncalc.drawing.letters import even, fitted, text_width
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
)
from cnncalc.drawing.tree import FoldedParts, Parallel, Series, TreePart, TreeScope, atoms_in, feeds, leaving, reads
from cnncalc.graph import Node
from cnncalc.layers.shapes import Shape, crossed

CIRCLES = {"add": "+", "multiply": "×"}
TEXT, SMALL = 12, 10
"""Font sizes: of names, of strips and figures."""

FAULT_WIDTH, FAULT_LINES = 250, 6
"""How wide what is wrong with a layer is written, and in how many lines at most."""

SHARE_ROOM = 44
"""What a share, or a count of copies, takes beside a text; kept free even where there is none, so that a picture has
one size whatever it shows."""


class Describer:
    """Makes the parts of one picture.

    Every method takes the copies of the described part: they differ in their figures, and perhaps in their shapes.
    ``remark`` returns a remark on the layers of a card, or "".
    """

    def __init__(self, measure: LayerFigure, remark: Callable[[Sequence[Node]], str] | None = None) -> None:
        self.measure = measure
        self.remark = remark
        self.tiles: dict[Atom, Card] = {}

    def box(self, scopes: Sequence[TreeScope], level: int, count: int = 1) -> Box:
        """Return scopes that are drawn as one; the first ``count`` of them are consecutive."""
        first = scopes[0]
        box = Box(_span([scope.name for scope in scopes[:count]]), "", self.series([s.body for s in scopes], level + 1),
                  level, first.is_made_up)  # fmt: skip
        box.path = first.path
        box.count = count
        box.reads, box.feeds = reads(first), feeds(scopes[count - 1])
        nodes = [node for scope in scopes for atom in atoms_in(scope) for node in atom.nodes]
        box.places = [node.index for node in nodes]
        box.value = self.measure.of(nodes)
        box.share = share_text(box.value / self.measure.total if self.measure.total else 0.0)
        box.name = fitted(box.name, TEXT, WIDEST - 90, bold=True)
        box.about = fitted(contents(first), SMALL, WIDEST - 90)
        box.title = self._box_title(scopes, nodes)
        times = f"×{count}" if count > 1 else ""
        upper = text_width(box.name, TEXT, bold=True) + (14 + text_width(times, TEXT, bold=True) if times else 0)
        lower = text_width(box.about, SMALL) + SHARE_ROOM
        box.closed_width = min(max(even(18 + max(upper, lower)), NARROWEST), WIDEST)
        box.title_width = text_width(f"{box.name}  {times}".rstrip(), 11, bold=True)
        self._lanes(box, first)
        for part in _direct(box.body):
            part.up = box
        _equalise(box.body)
        return box

    def series(self, copies: Sequence[Series], level: int) -> Stack:
        """Return series that are drawn as one."""
        first = copies[0]
        items: list[PicturePart] = []
        labels = []
        for place in range(len(first.items)):
            twins = [copy.items[place] for copy in copies]
            items.append(self.part(twins, level))
            following = first.items[place + 1] if place + 1 < len(first.items) else None
            is_shown = isinstance(following, Atom) and following.kind == "output"
            labels.append("" if is_shown or not first.links[place + 1] else self._label(twins))
        for above, below in pairwise(items):
            if (
                isinstance(above, Fork)
                and above.passes
                and not above.is_trunk
                and isinstance(below, Card)
                and below.joins
            ):
                above.joint = below
        stack = Stack(items, first.links, labels)
        stack.reads, stack.feeds = reads(first), feeds(first)
        return stack

    def part(self, twins: Sequence[TreePart], level: int) -> PicturePart:
        """Return the part for an element and its copies."""
        first = twins[0]
        if isinstance(first, FoldedParts):
            inner = [copy for twin in twins if isinstance(twin, FoldedParts) for copy in twin.copies]
            count = len(first.copies)
            if isinstance(first.copies[0], TreeScope):
                return self.box([copy for copy in inner if isinstance(copy, TreeScope)], level, count)
            return self.tile([copy for copy in inner if isinstance(copy, Atom)], count)
        if isinstance(first, TreeScope):
            return self.box([twin for twin in twins if isinstance(twin, TreeScope)], level)
        if isinstance(first, Atom):
            return self.tile([twin for twin in twins if isinstance(twin, Atom)])
        if isinstance(first, Series):
            return self.series([twin for twin in twins if isinstance(twin, Series)], level)
        forks = [twin for twin in twins if isinstance(twin, Parallel)]
        branches = [self.series([fork.branches[n] for fork in forks], level) for n in range(len(first.branches))]
        fork = Fork(branches, first.passes)
        fork.reads, fork.feeds = reads(first), feeds(first)
        return fork

    # --- tiles --------------------------------------------------------------------------------------------

    def tile(self, atoms: Sequence[Atom], count: int = 1) -> Card:
        """Return atoms that are drawn as one."""
        first = atoms[0]
        tile = self._card(atoms, count) if first.kind == "card" else _end(first)
        tile.reads, tile.feeds = reads(first), feeds(first)
        tile.axis = tile.width // 2
        self.tiles.update(dict.fromkeys(atoms, tile))
        return tile

    def _card(self, atoms: Sequence[Atom], count: int) -> Card:
        first = atoms[0]
        nodes = [node for atom in atoms for node in atom.nodes]
        leading = first.leading
        is_circle = leading.layer.type in CIRCLES
        strips = [_strip(strip_text(node), node.layer.kind, node is leading) for node in first.nodes]
        if leading.shares is not None:
            strips.append(_strip(f"weights of {leading.shares.name}", "note", False))
        remark = self.remark(nodes) if self.remark else ""
        strips += [_strip(remark, "note", False)] if remark else []
        tile = Card("circle" if is_circle else "card", leading.layer.kind, strips, self._title(atoms, nodes),
                    [node.index for node in nodes])  # fmt: skip
        tile.count = count
        tile.value = self.measure.of(nodes)
        tile.share = share_text(tile.value / self.measure.total if self.measure.total else 0.0)
        if is_circle:
            tile.width = tile.height = CIRCLE
            return tile
        head = next(strip.text for strip in strips if strip.is_head)
        wide = [text_width(head, TEXT) + SHARE_ROOM]
        wide += [text_width(strip.text, SMALL) for strip in strips if not strip.is_head]
        tile.width = min(max(even(18 + max(wide)), NARROWEST), WIDEST)
        tile.height = HEAD + STRIP * (len(strips) - 1)
        return tile

    def _title(self, atoms: Sequence[Atom], nodes: list[Node]) -> str:
        """Return a card's tooltip."""
        first = atoms[0]
        names = first.name if len(atoms) == 1 else f"{first.name} … {atoms[-1].name}"
        coming = [dims_text(shapes) for shapes in zip(*[atom.nodes[0].use.inputs for atom in atoms], strict=True)]
        lines = [names, f"{', '.join(coming)} → {dims_text([atom.tensor.shape for atom in atoms])}"]
        lines += [f"{node.layer.type} {node.layer.label()}".strip() for node in first.nodes]
        return "\n".join([*lines, *self._figures(nodes, len(atoms))])

    def _box_title(self, scopes: Sequence[TreeScope], nodes: list[Node]) -> str:
        first, last = scopes[0], scopes[-1]
        name = (
            (first.path or first.name) if len(scopes) == 1 else f"{first.path or first.name} … {last.path or last.name}"
        )
        return "\n".join([name, f"{len(nodes):,} layer{'s' * (len(nodes) != 1)}", *self._figures(nodes, len(scopes))])

    def _figures(self, nodes: list[Node], copies: int) -> list[str]:
        value = self.measure.of(nodes)
        together = f", {copies} together" if copies > 1 else ""
        share = share_text(value / self.measure.total) if self.measure.total else ""
        return [f"{self.measure.text(value)} of {self.measure.title}{together} ({share})"] if value else []

    # --- shapes -------------------------------------------------------------------------------------------

    def _label(self, twins: Sequence[TreePart]) -> str:
        """Return the shape below an item: its output's, if that differs from its input's."""
        first = twins[0]
        if isinstance(first, Atom):
            if first.kind != "card" or all(atom_keeps(twin) for twin in twins if isinstance(twin, Atom)):
                return ""
        elif not isinstance(first, TreeScope | FoldedParts):
            return ""
        shapes = []
        for twin in twins:
            out = [*leaving(twin)]
            if len(out) != 1:
                return ""
            shapes.append(out[0].tensor.shape)
        return dims_text(shapes)

    # --- lanes --------------------------------------------------------------------------------------------

    def _lanes(self, box: Box, scope: TreeScope) -> None:
        """Give a box the lanes of its scope, those that begin first and end last before the others."""
        for wire in sorted(scope.lanes, key=lambda wire: (wire.source.order, -wire.target.order)):
            ends = self.tiles[wire.source], self.tiles[wire.target]
            box.lanes.append(Lane(*ends, wire.source.order, wire.target.order))


def _strip(text: str, kind: str, is_head: bool) -> Strip:
    return Strip(fitted(text, TEXT if is_head else SMALL, WIDEST - 80), kind, is_head)


def atom_keeps(atom: Atom) -> bool:
    """Return whether a card's output has the shape of all its inputs."""
    return all(shape == atom.tensor.shape for shape in atom.nodes[0].use.inputs)


def fault_lines(message: str) -> list[str]:
    """Return an error message in a few lines as wide as a card."""
    lines = [""]
    for word in message.split()[:60]:
        word = fitted(word, SMALL, FAULT_WIDTH)
        if lines[-1] and text_width(f"{lines[-1]} {word}", SMALL) > FAULT_WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return [line for line in lines if line][:FAULT_LINES]


def _fault(atom: Atom) -> Card:
    """Return a layer that could not be added, with its message."""
    strips = [Strip(fitted(atom.name, TEXT, FAULT_WIDTH), "fault", True)]
    strips += [Strip(line, "fault", False) for line in fault_lines(atom.message)]
    tile = Card("card", "fault", strips, atom.message, ())
    tile.width, tile.height = even(FAULT_WIDTH + 18), HEAD + STRIP * (len(strips) - 1)
    return tile


def _end(atom: Atom) -> Card:
    """Return an input or output."""
    if atom.kind == "fault":
        return _fault(atom)
    dims = dims_text([atom.tensor.shape])
    name = f"{atom.kind} {atom.name}" if atom.name != atom.kind else atom.kind
    text = f"{fitted(name, TEXT, WIDEST - 90)} {dims}"
    tile = Card("pill", atom.kind, [Strip(text, atom.kind, True)], f"{name} {dims}", ())
    tile.width, tile.height = even(24 + text_width(text, TEXT)), PILL
    return tile


def strip_text(node: Node) -> str:
    """Return a layer's type and main arguments in a few words."""
    layer = node.layer
    word = layer.stem if layer.type in ("batchnorm", "conv_transpose") else layer.type.replace("_", " ")
    label = layer.label()
    groups = getattr(layer, "groups", 1)
    if layer.type in ("conv", "conv_transpose") and node.use.inputs[0][0] == groups > 1:
        word, label = f"dw {word}", label.removesuffix(f", {groups} groups")
    return f"{word} {label}" if label and layer.kind not in ("norm",) else word


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
        if isinstance(element, Series):
            pending.extend(reversed(element.items))
        elif isinstance(element, Parallel):
            pending.extend(reversed(element.branches))
        elif isinstance(element, FoldedParts):
            word = _word(element.copies[0])
            counts[word] = counts.get(word, 0) + len(element.copies)
        else:
            counts[_word(element)] = counts.get(_word(element), 0) + 1
    return ", ".join([f"{count} {word}" if count > 1 else word for word, count in counts.items() if word])


def _word(element: TreePart) -> str:
    if isinstance(element, TreeScope):
        return element.name.partition(" ")[0].rstrip("0123456789.") or element.name
    if isinstance(element, Atom):
        return element.leading.layer.type.replace("_", " ") if element.kind == "card" else ""
    return ""


def _direct(part: PicturePart) -> list[Card | Box]:
    """Return the tiles and boxes of a part that are not in a box inside it."""
    if isinstance(part, Card | Box):
        return [part]
    if isinstance(part, Stack):
        return [found for item in part.items for found in _direct(item)]
    if isinstance(part, Fork):
        return [found for branch in part.branches for found in _direct(branch)]
    return []


def _equalise(body: PicturePart) -> None:
    """Make all cards and closed boxes of a body equally wide."""
    parts = _direct(body)
    cards = [part for part in parts if isinstance(part, Card) and part.form == "card" and part.kind != "fault"]
    boxes = [part for part in parts if isinstance(part, Box)]
    widest = max([*(card.width for card in cards), *(box.closed_width for box in boxes)], default=0)
    for card in cards:
        card.width = widest
        card.axis = widest // 2
    for box in boxes:
        box.closed_width = widest
