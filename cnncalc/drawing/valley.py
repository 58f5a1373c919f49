"""Networks that are drawn as a U: down on the left, up on the right, and lines across."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.drawing.parts import Box, Card, Fork, Lane, PicturePart, Stack, Valley, ValleyLevel, walked

LEAST_STEPS = 2
"""Levels that a network needs to be drawn as a U."""

LEAST_WITHIN = 0.35
"""The share of all cards that a U must hold below its highest level."""


def valley_of(root: Box) -> Valley | None:
    """Return the inside of a network as a U, if it is one; else None.

    A U is a fork in a fork, with one card or nothing beside each, or lines beside the tree that are nested like
    brackets.
    """
    stack = root.body
    if not isinstance(stack, Stack):
        return None
    bracketed = _bracketed(stack, root.lanes) if root.lanes else None
    if bracketed is not None:
        return bracketed
    steps: list[ValleyLevel] = []
    whole = _cards(stack)
    while (step := _step(stack)) is not None:
        level, stack = step
        if not steps and _cards(stack) < LEAST_WITHIN * whole:
            return None
        steps.append(level)
    return Valley(steps, stack) if len(steps) >= LEAST_STEPS else None


def _cards(part: PicturePart) -> int:
    """Return how many cards are in a part."""
    return sum(isinstance(one, Card) for one in walked(part))


# --- forks in each other -------------------------------------------------------------------------------------


def _step(stack: Stack) -> tuple[ValleyLevel, Stack] | None:
    """Return the outermost level of a valley, and the rest inside it."""
    found = None
    for place, item in enumerate(stack.items):
        if isinstance(item, Fork) and 0 < place < len(stack.items) - 1:
            sides = _sides(item)
            if sides is not None and isinstance(stack.items[place + 1], Card):
                found = (place, *sides)
                if _has_fork(sides[1]):
                    break
    if found is None:
        return None
    place, across, within = found
    if not _has_fork(within) and len(within.items) < 2:
        return None
    return ValleyLevel(stack.part(0, place), across, stack.part(place + 1, len(stack.items))), within


def _has_fork(stack: Stack) -> bool:
    return any(isinstance(part, Fork) for part in stack.items)


def _sides(fork: Fork) -> tuple[Card | None, Stack] | None:
    """Return the card that lies across a valley, if there is one, and the stack within; None for any other fork."""
    if not all(branch.reads and branch.feeds for branch in fork.branches):
        return None  # a head that ends here, or an input that begins here
    if fork.passes and len(fork.branches) == 1:
        return None, fork.branches[0]
    if fork.passes or len(fork.branches) != 2:
        return None
    for light, heavy in (fork.branches, fork.branches[::-1]):
        if len(light.items) == 1 and isinstance(light.items[0], Card) and len(heavy.items) > 1:
            return light.items[0], heavy
    return None


# --- lines in each other -------------------------------------------------------------------------------------


def _bracketed(stack: Stack, lanes: Sequence[Lane]) -> Valley | None:
    """Return a stack as a valley whose levels end where lanes begin, if each lane lies around the next; else None."""
    where = {part: place for place, item in enumerate(stack.items) for part in walked(item) if isinstance(part, Card)}
    pairs: dict[tuple[int, int], list[Lane]] = {}
    for lane in lanes:
        pairs.setdefault((where[lane.source], where[lane.target]), []).append(lane)
    ends = sorted(pairs)
    sources, targets = [source for source, _ in ends], [target for _, target in ends]
    is_nested = len(set(sources)) == len(ends) and targets == sorted(set(targets), reverse=True)
    if len(ends) < LEAST_STEPS or not is_nested or sources[-1] + 1 >= targets[-1]:
        return None
    starts = [0, *(source + 1 for source in sources)]
    stops = [len(stack.items), *targets]
    if not all(stack.links[place] for place in (*starts[1:], *stops[1:])):
        return None
    steps = [
        ValleyLevel(stack.part(start, source + 1), None, stack.part(target, stop), pairs[source, target])
        for (source, target), start, stop in zip(ends, starts, stops, strict=False)
    ]
    return Valley(steps, stack.part(sources[-1] + 1, targets[-1]))
