"""The tree of series and branches that a picture is drawn from, and the edges that it stands for.

A line enters each part at its top and leaves it at its bottom.  :func:`edges` reads the edges off the tree alone, so
that a test can hold them against the network's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from cnncalc.drawing.atoms import Atom, Wire


class Series:
    """Parts one below the other.

    Attributes:
        items: from top to bottom.
        links: whether a line comes into the first item, goes from each to the next, and out of the last.
    """

    __slots__ = ("items", "links")

    def __init__(self, items: list[TreePart], links: list[bool]) -> None:
        self.items = items
        self.links = links


class Parallel:
    """Series side by side; ``passes`` says that a line leads past them, unchanged."""

    __slots__ = ("branches", "passes")

    def __init__(self, branches: list[Series], passes: bool) -> None:
        self.branches = branches
        self.passes = passes


class TreeScope:
    """A part of a network with a name: layers whose names begin alike.

    Attributes:
        name: the last part of the layers' common name, with a number behind it where a scope is in several pieces.
        path: the dotted name, for links; empty where the scope is made up.
        body: what is in it.
        lanes: the wires beside the tree whose two ends lie in this scope and in no smaller one.
        parent: the scope around, None for the whole network.
        is_made_up: whether the parts are put together only for their number or because they repeat.
    """

    __slots__ = ("body", "is_made_up", "lanes", "name", "parent", "path")

    def __init__(self, name: str, path: str, parent: TreeScope | None, is_made_up: bool = False) -> None:
        self.name = name
        self.path = path
        self.parent = parent
        self.is_made_up = is_made_up
        self.body = Series([], [False])
        self.lanes: list[Wire] = []


class FoldedParts:
    """Equal parts one behind the other, of which one is drawn: scopes, cards, or made-up scopes of several parts."""

    __slots__ = ("copies",)

    def __init__(self, copies: list[TreeScope] | list[Atom]) -> None:
        self.copies: Sequence[TreeScope | Atom] = copies


TreePart: TypeAlias = Atom | Series | Parallel | TreeScope | FoldedParts


def reads(element: TreePart) -> bool:
    """Return whether a line comes into a part."""
    return _is_linked(element, 0)


def feeds(element: TreePart) -> bool:
    """Return whether a line goes out of a part."""
    return _is_linked(element, -1)


def _is_linked(element: TreePart, side: int) -> bool:
    if isinstance(element, Atom):
        return element.kind not in (("output", "fault") if side else ("input",))
    if isinstance(element, Series):
        return element.links[side] and bool(element.items) and _is_linked(element.items[side], side)
    if isinstance(element, Parallel):
        return element.passes or any(_is_linked(branch, side) for branch in element.branches)
    return _is_linked(element.body if isinstance(element, TreeScope) else element.copies[side], side)


def leaving(element: TreePart) -> Iterator[Atom]:
    """Yield the atoms whose outputs go out of a part, those that only pass it not among them."""
    if isinstance(element, Atom):
        yield element
    elif isinstance(element, Series):
        if element.items and element.links[-1]:
            yield from leaving(element.items[-1])
    elif isinstance(element, Parallel):
        for branch in element.branches:
            yield from leaving(branch)
    else:
        yield from leaving(element.body if isinstance(element, TreeScope) else element.copies[-1])


def atoms_in(element: TreePart) -> Iterator[Atom]:
    """Return the atoms of a part, copies included, from top to bottom."""
    return (part for part in all_parts(element) if isinstance(part, Atom))


def parts_of(element: TreePart) -> Sequence[TreePart]:
    """Return what a part consists of."""
    if isinstance(element, Series):
        return element.items
    if isinstance(element, Parallel):
        return element.branches
    if isinstance(element, TreeScope):
        return [element.body]
    return element.copies if isinstance(element, FoldedParts) else ()


def all_parts(root: TreePart) -> Iterator[TreePart]:
    """Yield a part and all that is in it, from top to bottom; what is in a part may change until the next is asked."""
    pending = [root]
    while pending:
        element = pending.pop()
        yield element
        pending.extend(reversed(parts_of(element)))


def edges(root: TreeScope) -> Iterator[tuple[Atom, Atom]]:
    """Yield every edge that the tree and its lanes stand for, as (source, target)."""
    found: list[tuple[Atom, Atom]] = []
    _walk(root, [], found)
    yield from found
    for element in all_parts(root):
        if isinstance(element, TreeScope):
            yield from ((wire.source, wire.target) for wire in element.lanes)


def _walk(element: TreePart, incoming: list[Atom], found: list[tuple[Atom, Atom]]) -> list[Atom]:
    """Collect the edges of a part into which the given atoms lead, and return the atoms that lead out of it."""
    if isinstance(element, Atom):
        found.extend((source, element) for source in incoming)
        return [element]
    if isinstance(element, Parallel):
        outgoing = [atom for branch in element.branches for atom in _walk(branch, incoming, found)]
        return outgoing + (incoming if element.passes else [])
    if isinstance(element, TreeScope):
        return _walk(element.body, incoming, found)
    if isinstance(element, FoldedParts):
        for copy in element.copies:
            incoming = _walk(copy, incoming, found)
        return incoming
    for item, link in zip(element.items, element.links, strict=False):
        incoming = _walk(item, incoming if link else [], found)
    return incoming if element.links[-1] else []
