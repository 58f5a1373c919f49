"""Scopes during expansion: where names are assigned, what they stand for, and where they are looked up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from cnncalc.graph import Tensor

Tensors: TypeAlias = "tuple[Tensor, ...] | None"
"""What flows from item to item; None where a fault has made it unknown."""


class Ref(NamedTuple):
    """What a name stands for: its output, what is inside, and which nodes it is made of."""

    tensors: Tensors
    inside: Frame | None
    type_name: str
    start: int
    end: int


class Scope:
    """Where names are given: a block, a named sequence or the whole network."""

    def __init__(self, prefix: str, reserved: frozenset[str]) -> None:
        self.prefix = prefix
        self.reserved = reserved
        self.counts: dict[str, int] = {}
        self.given: set[str] = set()

    def numbered(self, base: str) -> str:
        """Return the base with its next running number."""
        number = self.counts.get(base, 0) + 1
        while (name := f"{base}{number}") in self.reserved or name in self.given:
            number += 1
        self.counts[base] = number
        return name


class Frame:
    """Where names are looked up: a scope, or one round of a loop inside it; then outwards."""

    def __init__(self, scope: Scope, outer: Frame | None, incoming: Tensors, home: Frame | None = None) -> None:
        self.scope = scope
        self.outer = outer
        self.incoming = incoming
        self.home = home or self  # the frame of the scope itself
        self.is_sequence = False  # whether the scope is a named sequence, and not what the network begins with
        self.names: dict[str, Ref] = {}

    def chain(self) -> Iterator[Frame]:
        """Return this frame and all that lie around it."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.outer

    def find(self, name: str) -> Ref | None:
        """Return what a name stands for, from here outwards; a dotted one reaches into scopes."""
        first, *inner = name.split(".")
        ref = self._own_input() if first == "input" else None
        for frame in self.chain() if ref is None else ():
            ref = frame.names.get(first)
            if ref is not None:
                break
            if frame is frame.home and first in frame.scope.reserved:
                return None  # an item of this scope that is not there yet hides those further out
        for part in inner:
            ref = ref.inside.names.get(part) if ref is not None and ref.inside is not None else None
        return ref

    def names_of_tensors(self) -> dict[Tensor, str]:
        """Return the scope's last name for each tensor that has one of its own."""
        refs = self.home.names.items()
        return {ref.tensors[0]: name for name, ref in refs if ref.tensors is not None and len(ref.tensors) == 1}

    def _own_input(self) -> Ref | None:
        """Return the scope's input, or None at the top of a network with several, each by its own name."""
        incoming = self.home.incoming
        if incoming is None and self.scope.prefix == "":
            return None
        return Ref(incoming, None, "input", 0, 0)
