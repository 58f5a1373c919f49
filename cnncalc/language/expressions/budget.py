"""The remaining operations of one spec's expressions."""

from __future__ import annotations

from typing import TypeVar

from cnncalc.ground.limits import MAX_DEPTH, MAX_LIST, MAX_WORK

V = TypeVar("V")

CALL = 8
"""Operations that a call counts as, in addition to its arguments."""

FAILED = 100
"""Operations that a failing expression counts as, in addition to its own."""


class WorkLimitError(Exception):
    """The expressions of a spec take more than MAX_WORK operations."""


class Budget:
    """The remaining operations of a spec's expressions."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_WORK

    def spend(self, operations: int) -> None:
        """Spend operations. Raises WorkLimitError if too few are left."""
        self.left -= operations
        if self.left < 0:
            raise WorkLimitError

    def weighed(self, value: V) -> V:
        """Return a value, spending operations for the items of a list.

        Raises:
            OverflowError: if they are too many, or nested too deep.
            WorkLimitError: if too few operations are left.
        """
        if type(value) is tuple:
            try:
                self.spend(weigh(value))
            except OverflowError:
                self.spend(MAX_LIST)
                raise
        elif isinstance(value, range):
            self.spend(len(value))
        return value


def weigh(value: object, depth: int = 0) -> int:
    """Return the number of items of a list, including nested lists.

    Raises:
        OverflowError: if they are too many, or nested too deep.
    """
    if not isinstance(value, tuple):
        return 1
    if depth > MAX_DEPTH:
        raise OverflowError(f"a list nested deeper than {MAX_DEPTH}")
    weight = len(value)
    for item in value:
        if isinstance(item, tuple):
            weight += weigh(item, depth + 1)
        if weight > MAX_LIST:
            break
    if weight > MAX_LIST:
        raise OverflowError(f"a list of more than {MAX_LIST:,} items")
    return weight
