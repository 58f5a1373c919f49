"""The scopes of a level: found by names, cut up if they would form a circle, with one line across each border."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import reduce

from cnncalc.drawing.atoms import Atom, ScopePath, Wire, common
from cnncalc.ground.limits import MAX_DRAWN_NESTING
from cnncalc.ground.orders import circles, in_order


class LevelItem:
    """A part of a level: the atoms of a scope with its name and path, or one atom without them."""

    def __init__(self, atoms: list[Atom], name: str = "", path: ScopePath = ()) -> None:
        self.atoms = atoms
        self.name = name
        self.path = path

    @property
    def is_scope(self) -> bool:
        """Whether it is a scope of several atoms."""
        return len(self.atoms) > 1


def items_of(atoms: Sequence[Atom], around: ScopePath, depth: int, opened: Sequence[ScopePath] = ()) -> list[LevelItem]:
    """Return the parts of a scope, in their order; no two of them feed each other.

    A scope with one part vanishes, and so does every scope deeper than MAX_DRAWN_NESTING, and those in ``opened``:
    their parts stand in their place.
    """
    groups: dict[ScopePath, list[Atom]] = {}
    for atom in atoms:
        level = len(around) + 1
        for scope in opened:
            if atom.path[: len(scope)] == scope:
                level = len(scope) + 1
        deeper = len(atom.path) >= level and depth < MAX_DRAWN_NESTING
        key = atom.path[:level] if deeper else (*around, f"\0{atom.order}")
        groups.setdefault(key, []).append(atom)
    items = [_item(inner, path) for path, inner in groups.items()]
    return _sorted(_without_circles(items))


def _item(atoms: list[Atom], path: ScopePath) -> LevelItem:
    """Return the atoms of a scope as an item: the innermost scope that holds them all, or the one atom."""
    if len(atoms) == 1:
        return LevelItem(atoms)
    inside = reduce(common, [atom.path for atom in atoms])
    start = len(path) - 1
    while start and inside[start].isdigit():  # layer1.0 is a name, 0 alone is not
        start -= 1
    return LevelItem(atoms, ".".join(inside[start:]), inside)


def places(items: Sequence[LevelItem]) -> dict[Atom, int]:
    """Return the number of the item that each atom is in."""
    return {atom: number for number, item in enumerate(items) for atom in item.atoms}


def _edges(items: Sequence[LevelItem]) -> list[set[int]]:
    """Return which items each item feeds."""
    where = places(items)
    found: list[set[int]] = [set() for _ in items]
    for atom, here in where.items():
        for wire in atom.after:
            there = where.get(wire.target)
            if there is not None and there != here:
                found[here].add(there)
    return found


def _sorted(items: list[LevelItem]) -> list[LevelItem]:
    """Return the items in a topological order, those that come first in the network as early as possible."""
    needs: dict[int, list[int]] = {number: [] for number in range(len(items))}
    for number, targets in enumerate(_edges(items)):
        for target in targets:
            needs[target].append(number)
    return [items[number] for number in in_order(needs, lambda number: items[number].atoms[0].order)]


# --- circles -------------------------------------------------------------------------------------------------


def _without_circles(items: list[LevelItem]) -> list[LevelItem]:
    """Return the items; scopes that feed each other are cut into runs that follow each other in running order."""
    found: list[LevelItem] = []
    for circle in circles(_edges(items)):
        inside = [items[number] for number in circle]
        found.extend(inside if len(inside) == 1 else _runs(inside))
    return found


def _runs(items: Sequence[LevelItem]) -> list[LevelItem]:
    """Return items cut up: intervals of a linear order can't form a circle."""
    owners = {atom: item for item in items for atom in item.atoms}
    runs: list[tuple[LevelItem, list[Atom]]] = []
    for atom in sorted(owners, key=lambda atom: atom.order):
        if not runs or runs[-1][0] is not owners[atom]:
            runs.append((owners[atom], []))
        runs[-1][1].append(atom)
    numbers: dict[LevelItem, int] = {}
    found = []
    for item, atoms in runs:
        numbers[item] = number = numbers.get(item, 0) + 1
        name = item.name if number == 1 else f"{item.name} ({number})"
        found.append(LevelItem(atoms, name, item.path))
    return found


# --- borders -------------------------------------------------------------------------------------------------


def clear_borders(item: LevelItem) -> None:
    """Make lanes of the wires that can't cross a scope's border in its one line in or its one line out.

    Each reader of such a line reads all tensors in it: else the picture would have edges that the network has not.
    """
    inside = set(item.atoms)
    entering: dict[Atom, list[Wire]] = {}
    leaving: dict[Atom, list[Wire]] = {}
    for atom in item.atoms:
        for wire in atom.before:
            if not wire.is_lane and wire.source not in inside:
                entering.setdefault(atom, []).append(wire)
        for wire in atom.after:
            if not wire.is_lane and wire.target not in inside:
                leaving.setdefault(wire.target, []).append(wire)
    _keep_one_line(list(entering.values()))
    _keep_one_line(list(leaving.values()))


def _keep_one_line(readers: list[list[Wire]]) -> None:
    """Keep the wires of the tensor with the most readers, and of tensors with the same readers; others become lanes.

    Learned and constant tensors come last, however many layers read them: the line that is kept comes from the input.
    """
    groups = [frozenset(wire.source for wire in wires) for wires in readers]
    if len(set(groups)) < 2:
        return
    counts = Counter(wire.source for wires in readers for wire in wires)
    most = max(counts, key=lambda atom: (bool(atom.before) or atom.kind == "input", counts[atom], atom.order))
    kept = frozenset[Atom].intersection(*[group for group in groups if most in group])
    for wires, group in zip(readers, groups, strict=True):
        for wire in wires:
            wire.is_lane |= most not in group or wire.source not in kept
