"""An order in which each thing follows those that it needs, and the circles of things that have no such order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def in_order(needs: Mapping[T, Collection[T]], place: Callable[[T], int]) -> Iterator[T]:
    """Yield things after all that they need; of several that may come next the one of the least place.

    What is in a circle, or needs something in one, is left out.

    Args:
        needs: for each thing the distinct things among them that it needs.
        place: a number of each, all of them different.
    """
    feeds: dict[T, list[T]] = {thing: [] for thing in needs}
    for thing, wanted in needs.items():
        for other in wanted:
            feeds[other].append(thing)
    left = {thing: len(wanted) for thing, wanted in needs.items()}
    by_place = {place(thing): thing for thing in needs}
    ready = [number for number, thing in by_place.items() if not left[thing]]
    heapify(ready)
    while ready:
        thing = by_place[heappop(ready)]
        yield thing
        for other in feeds[thing]:
            left[other] -= 1
            if not left[other]:
                heappush(ready, place(other))


def circles(feeds: Sequence[Iterable[int]]) -> list[list[int]]:
    """Return the strongly connected components of a graph.

    Tarjan 1972, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1(2), with a stack of its own.
    """
    numbers: dict[int, int] = {}
    lowest: dict[int, int] = {}
    stack: list[int] = []
    inside = set[int]()
    found: list[list[int]] = []
    for root in range(len(feeds)):
        if root in numbers:
            continue
        numbers[root] = lowest[root] = len(numbers)
        stack.append(root)
        inside.add(root)
        path = [(root, iter(feeds[root]))]
        while path:
            here, targets = path[-1]
            for target in targets:
                if target not in numbers:
                    numbers[target] = lowest[target] = len(numbers)
                    stack.append(target)
                    inside.add(target)
                    path.append((target, iter(feeds[target])))
                    break
                if target in inside:
                    lowest[here] = min(lowest[here], numbers[target])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[here])
                if lowest[here] == numbers[here]:
                    cut = stack.index(here) if stack[-1] != here else len(stack) - 1
                    found.append(stack[cut:])
                    inside.difference_update(stack[cut:])
                    del stack[cut:]
    return found
