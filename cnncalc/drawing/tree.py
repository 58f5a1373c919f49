"""The tree of series and branches that a picture is drawn from.

A line enters each part at its top and leaves it at its bottom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from cnncalc.drawing.atoms import Atom, Wire


class Series:
    """Parts one below the other.

    Attributes:
        items: from top to bottom.
        links: whether a line comes into the first item, goes from each to the next, and out of the last.
    """

    def __init__(self, items: list[TreePart], links: list[bool]) -> None:
        self.items = items
        self.links = links


class Parallel:
    """Series side by side; ``passes`` says that a line leads past them, unchanged."""

    def __init__(self, branches: list[Series], passes: bool) -> None:
        self.branches = branches
        self.passes = passes


class TreeScope:
    """A part of a network with a name: layers whose names begin alike.

    Attributes:
        name: the last part of the layers' common name, with a number behind it if a scope is in several pieces.
        path: the dotted name, for links; empty if the scope is made up.
        is_made_up: whether the parts are put together only for their number or because they repeat.
        body: its contents.
        lanes: the wires beside the tree whose two ends lie in this scope and in no smaller one.
    """

    def __init__(self, name: str, path: str, is_made_up: bool = False) -> None:
        self.name = name
        self.path = path
        self.is_made_up = is_made_up
        self.body = Series([], [False])
        self.lanes: list[Wire] = []


class FoldedParts(NamedTuple):
    """Equal parts in a row, of which one is drawn: scopes, cards, or made-up scopes of several parts."""

    copies: Sequence[TreeScope | Atom]


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
    """Yield the atoms of a part whose outputs leave it, without those that only pass it."""
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
    """Yield the atoms of a part, copies included, from top to bottom."""
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
    """Yield a part and all parts in it, from top to bottom; a part may be changed before the next one is asked for."""
    pending = [root]
    while pending:
        element = pending.pop()
        yield element
        pending.extend(reversed(parts_of(element)))
