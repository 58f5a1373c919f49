"""The tree that a network's picture is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from itertools import pairwise

from cnncalc.drawing.atoms import Atom, ScopePath, Wire, atoms_of, common
from cnncalc.drawing.branches import BOTTOM, TOP, Branches
from cnncalc.drawing.repeats import fold
from cnncalc.drawing.scopes import clear_borders, items_of, places
from cnncalc.drawing.tree import (
    Parallel,
    Series,
    TreePart,
    TreeScope,
    all_parts,
    atoms_in,
    feeds,
    leaving,
    parts_of,
    reads,
)
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.language.expand.unfinished import Misfit


def arrange(
    graph: Graph, nodes: Sequence[Node] | None = None, misfits: Sequence[Misfit] = (), opened: Sequence[ScopePath] = ()
) -> TreeScope:
    """Return a network as a tree of series and branches, by its layers' names and edges alone.

    Args:
        graph: the network.
        nodes: the layers to draw; all of them by default.
        misfits: the layers that could not be added, drawn as faults.
        opened: scopes that are not drawn; their parts belong to the network itself.
    """
    graph.check_count("drawn", nodes)
    atoms = atoms_of(graph, nodes, misfits)
    root = TreeScope(graph.title, "")
    _fill(root, atoms, _around(atoms) if nodes is None else (), 0, opened)
    _close_ends(root)
    _order_branches(root)
    _stand_heads_beside(root)
    _assign_lanes(root, atoms)
    fold(root)
    return root


def _around(atoms: Sequence[Atom]) -> ScopePath:
    """Return the scopes around all layers of a network, such as an outer module; they are not drawn."""
    paths = [atom.path for atom in atoms if atom.kind == "card"]
    return reduce(common, paths) if len(paths) > 1 else ()


def two_sides(root: TreeScope) -> list[ScopePath]:
    """Return the paths of the two scopes that all lines beside the tree lead from and to: an encoder and a decoder.

    The list is empty if there are no two such scopes.
    """
    if len(root.lanes) < 2:
        return []
    where = {atom: item.path for item in root.body.items if isinstance(item, TreeScope) for atom in atoms_in(item)}
    ends = {(where.get(lane.source), where.get(lane.target)) for lane in root.lanes}
    [sides, *others] = ends
    paths = [tuple(path.split(".")) for path in dict.fromkeys(sides) if path is not None]
    return paths if len(paths) == 2 and not others else []


def _fill(
    scope: TreeScope, atoms: Sequence[Atom], path: ScopePath, depth: int, opened: Sequence[ScopePath] = ()
) -> None:
    """Lay out the inside of a scope.

    Args:
        scope: gets its body.
        atoms: all atoms in the scope.
        path: the scope's.
        depth: its nesting.
        opened: as in :func:`arrange`.
    """
    items = items_of(atoms, path, depth, opened)
    for item in items:
        if item.is_scope:
            clear_borders(item)
    where = places(items)
    wires: dict[tuple[int, int], list[Wire]] = {}
    for atom, here in where.items():
        for wire in atom.before:
            if not wire.is_lane and wire.source not in where:
                wires.setdefault((TOP, here), []).append(wire)
        for wire in atom.after:
            there = where.get(wire.target, BOTTOM)
            if not wire.is_lane and there != here:
                wires.setdefault((here, there), []).append(wire)

    def detach(source: int, target: int) -> None:
        if source == TOP or target == BOTTOM or (source, target) in wires:
            for wire in wires[source, target]:
                wire.is_lane = True

    elements: list[TreePart] = [
        TreeScope(item.name, ".".join(item.path)) if item.is_scope else item.atoms[0] for item in items
    ]
    branches = Branches(elements, wires, detach)
    scope.body = branches.series(depth)
    for element, item, inside in zip(elements, items, branches.depths, strict=True):
        if isinstance(element, TreeScope):
            _fill(element, item.atoms, item.path, inside + 1)


def _close_ends(root: TreeScope) -> None:
    """Remove dead lines: into a part whose inputs are all lanes, or out of one whose outputs are."""
    series = [element for element in all_parts(root) if isinstance(element, Series)]
    while True in [_close_joints(one) for one in series]:
        pass  # closing links inside a part may leave it without an input or an output


def _close_joints(series: Series) -> bool:
    """Remove links between two items of a series without an edge between them; return whether any was removed."""
    found = False
    for side, open_at in ((0, reads), (-1, feeds)):
        if series.items and not series.links[side] and _is_open(series.items[side]) and open_at(series.items[side]):
            _close(series.items[side], side)
            found = True
    for place, (above, below) in enumerate(pairwise(series.items), start=1):
        goes_out, comes_in = feeds(above), reads(below)
        if series.links[place] and goes_out and comes_in:
            continue
        found = found or series.links[place] or (goes_out and _is_open(above)) or (comes_in and _is_open(below))
        series.links[place] = False
        _close(above, -1)
        _close(below, 0)
    return found


def _is_open(element: TreePart) -> bool:
    """Return whether a part has links inside that can be removed."""
    return not isinstance(element, Atom)


def _close(element: TreePart, side: int) -> None:
    """Remove the line into a part (side 0), or out of it (side -1)."""
    if isinstance(element, Series):
        element.links[side] = False
    elif isinstance(element, Parallel):
        element.passes = False
    for part in element.items[side:][:1] if isinstance(element, Series) else parts_of(element):
        _close(part, side)


def _order_branches(root: TreeScope) -> None:
    """Order branches as the layer that joins them reads them, as papers draw a concat."""
    for element in all_parts(root):
        for above, joint in pairwise(element.items) if isinstance(element, Series) else ():
            if isinstance(above, Parallel) and isinstance(joint, Atom) and joint.kind == "card":
                order = {tensor: place for place, tensor in reversed([*enumerate(joint.nodes[0].inputs)])}
                above.branches.sort(key=partial(_first_place, order))


def _stand_heads_beside(root: TreeScope) -> None:
    """Put branches that end in an output, such as an auxiliary head, beside what follows the continuing branch."""
    for element in all_parts(root):
        if isinstance(element, Series) and any(isinstance(item, Parallel) for item in element.items):
            weights = [_weight(item) for item in element.items]
            below = sum(weights)
            for place, item in enumerate(element.items[:-1]):
                below -= weights[place]
                if isinstance(item, Parallel) and below < weights[place] and _move_beside(element, place, item):
                    break


def _move_beside(series: Series, place: int, parallel: Parallel) -> bool:
    """Move the parts below branches to their side, or into the one branch that they continue.

    Returns:
        Whether that was possible.
    """
    rest = Series(series.items[place + 1 :], series.links[place + 1 :])
    feeding = [branch for branch in parallel.branches if feeds(branch)]
    if parallel.passes and not feeding:
        beside = Parallel([*parallel.branches, rest], False)
    elif not parallel.passes and len(feeding) == 1 and isinstance(feeding[0].items[-1], Parallel):
        [branch], beside = feeding, parallel
        branch.items.extend(rest.items)
        branch.links[-1:] = rest.links
    else:
        return False
    series.items[place:] = [beside]
    series.links[place + 1 :] = [True]
    return True


def _weight(element: TreePart) -> int:
    """Return the number of layers in a part."""
    return sum(len(atom.nodes) for atom in atoms_in(element))


def _first_place(order: dict[Tensor, int], branch: Series) -> int:
    """Return the least place of the tensors that leave a branch."""
    return min([order.get(atom.tensor, len(order)) for atom in leaving(branch)], default=len(order))


def _assign_lanes(root: TreeScope, atoms: Sequence[Atom]) -> None:
    """Give each lane to the smallest scope that both of its ends lie in."""
    around: dict[Atom, tuple[TreeScope, ...]] = {}
    pending: list[tuple[TreePart, tuple[TreeScope, ...]]] = [(root, ())]
    while pending:
        element, scopes = pending.pop()
        if isinstance(element, Atom):
            around[element] = scopes
        inner = (*scopes, element) if isinstance(element, TreeScope) else scopes
        pending.extend((part, inner) for part in parts_of(element))
    for atom in atoms:
        for wire in atom.after:
            if wire.is_lane:
                both = [a for a, b in zip(around[wire.source], around[wire.target], strict=False) if a is b]
                both[-1].lanes.append(wire)
