"""Networks that are drawn as a U: down on the left, up on the right, and lines across."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cnncalc.drawing.parts import Box, Card, Fork, Lane, PicturePart, Stack, StackColumns, Valley, ValleyLevel

LEAST_STEPS = 2
"""Of a network that is drawn as a U."""

LEAST_WITHIN = 0.35
"""Which part of all tiles a U must hold below its highest step."""


def inner(part: PicturePart) -> Sequence[PicturePart]:
    """Return what a part consists of."""
    if isinstance(part, Box):
        return [part.body]
    if isinstance(part, Stack):
        return part.items
    if isinstance(part, Fork):
        return part.branches
    if isinstance(part, StackColumns):
        return part.stacks
    if isinstance(part, Valley):
        across = [step.across for step in part.steps if step.across]
        return [*(step.down for step in part.steps), *across, part.bottom, *(step.up for step in reversed(part.steps))]
    return ()


def walked(part: PicturePart, into: Callable[[PicturePart], bool] = lambda part: True) -> Iterator[PicturePart]:
    """Yield a part and what it consists of, from top to bottom; ``into`` says, behind each, whether to go into it."""
    pending = [part]
    while pending:
        part = pending.pop()
        yield part
        if into(part):
            pending.extend(reversed(inner(part)))


def visible(root: Box) -> Iterator[Card | Box]:
    """Yield the tiles and closed boxes inside a box, from top to bottom; a box that is yielded may be opened."""
    for part in walked(root.body, lambda part: not isinstance(part, Box) or part.is_open):
        if isinstance(part, Card) or (isinstance(part, Box) and not part.is_open):
            yield part


def valley_of(root: Box) -> Valley | None:
    """Return the inside of a network as a U, if it is one.

    That is a fork in a fork in a fork, with one tile or nothing beside each, or lines beside the tree that lie in each
    other like brackets.
    """
    stack = root.body
    if not isinstance(stack, Stack):
        return None
    bracketed = _bracketed(stack, root.lanes) if root.lanes else None
    if bracketed is not None:
        return bracketed
    steps: list[ValleyLevel] = []
    whole = _tiles(stack)
    while True:
        step = _step(stack)
        if step is not None and not steps and _tiles(step[1]) < LEAST_WITHIN * whole:
            return None
        if step is None:
            return Valley(steps, stack) if len(steps) >= LEAST_STEPS else None
        steps.append(step[0])
        stack = step[1]


def _tiles(part: PicturePart) -> int:
    """Return how many tiles are in a part."""
    return 1 if isinstance(part, Card) else sum(_tiles(item) for item in inner(part))


# --- forks in each other -------------------------------------------------------------------------------------


def _step(stack: Stack) -> tuple[ValleyLevel, Stack] | None:
    """Return the outermost level of a valley, and what is within it."""
    found = None
    for place, item in enumerate(stack.items):
        if isinstance(item, Fork) and 0 < place < len(stack.items) - 1:
            sides = _sides(item)
            if sides is not None and isinstance(stack.items[place + 1], Card):
                found = (place, *sides)
                if any(isinstance(part, Fork) for part in sides[1].items):
                    break
    if found is None:
        return None
    place, across, within = found
    if not any(isinstance(part, Fork) for part in within.items) and len(within.items) < 2:
        return None
    return ValleyLevel(part_of(stack, 0, place), across, part_of(stack, place + 1, len(stack.items))), within


def part_of(stack: Stack, start: int, end: int) -> Stack:
    """Return some items of a stack as a stack."""
    return Stack(stack.items[start:end], stack.links[start : end + 1], stack.labels[start:end])


def _sides(fork: Fork) -> tuple[Card | None, Stack] | None:
    """Return what lies across a valley and what lies in it; None for a fork that is no valley's."""
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
    """Return a stack as a valley whose steps end where lanes begin, if each lane lies around the next."""
    where: dict[Card, int] = {}
    for place, item in enumerate(stack.items):
        pending: list[PicturePart] = [item]
        while pending:
            part = pending.pop()
            if isinstance(part, Card):
                where[part] = place
            pending.extend(inner(part))
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
        ValleyLevel(part_of(stack, start, source + 1), None, part_of(stack, target, stop), pairs[source, target])
        for (source, target), start, stop in zip(ends, starts, stops, strict=False)
    ]
    return Valley(steps, part_of(stack, sources[-1] + 1, targets[-1]))
