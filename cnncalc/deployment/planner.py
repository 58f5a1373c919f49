"""Plans of the arena: tflite-micro's own planner, a better plan, and the lower bound of all plans.

Sizes are rounded up to :data:`ALIGNMENT`; times are steps, the network's inputs being there from step 0 and operator i
running at step i + 1 (tensorflow/lite/micro/micro_allocation_info.cc).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from cnncalc.deployment.constants import ALIGNMENT

TRIES = 400
"""Most orders that :func:`best` tries."""

WORK = 20_000_000
"""Approximate number of pairs of buffers that :func:`best` examines, which takes a second or two."""

STRETCH = 64
"""Steps that are examined together for short-lived buffers."""

CROWDED = 5_000_000
"""Pairs of buffers alive together above which arrays are faster than a loop, including the import of NumPy."""


class Buffer(NamedTuple):
    """A buffer to place.

    Attributes:
        size: bytes, a multiple of :data:`ALIGNMENT`.
        first: the step that creates it.
        last: the step that reads it last.
        label: what it holds.
        scratch: whether it is an operator's own working memory.
    """

    size: int
    first: int
    last: int
    label: str = ""
    scratch: bool = False


class Plan(NamedTuple):
    """Buffers with their offsets; ``size`` is the end of the highest one."""

    buffers: tuple[Buffer, ...]
    offsets: tuple[int, ...]
    size: int


def aligned(size: int, unit: int = ALIGNMENT) -> int:
    """Return a size rounded up to a multiple of a unit, by default to the arena's alignment."""
    return -(-size // unit) * unit


def greedy(buffers: Sequence[Buffer]) -> Plan:
    """Return tflite-micro's plan: the largest first, each into the first gap among those alive with it.

    Of buffers of one size the one that was added later comes first: the list is reversed, then sorted stably
    (memory_planner/greedy_memory_planner.cc, CalculateOffsetsIfNeeded).
    """
    return placed(buffers, sorted(range(len(buffers)), key=lambda i: (-buffers[i].size, -i)))


def placed(buffers: Sequence[Buffer], order: Sequence[int]) -> Plan:
    """Place buffers in an order, each at the lowest offset where it is free for as long as it lives."""
    crowded = _overlapping_pairs(buffers) > CROWDED and sum([buffer.size for buffer in buffers]) < 2**63
    offsets = _offsets_in_arrays(buffers, order) if crowded else _offsets(buffers, order)
    total = max([offset + buffer.size for offset, buffer in zip(offsets, buffers, strict=True)], default=0)
    return Plan(tuple(buffers), tuple(offsets), total)


def _offsets(buffers: Sequence[Buffer], order: Sequence[int]) -> list[int]:
    offsets = [0] * len(buffers)
    everything: list[tuple[int, int, int, int]] = []  # (offset, end, first, last) by offset
    stretches: dict[int, list[tuple[int, int, int, int]]] = {}
    for index in order:
        size, first, last, *_ = buffers[index]
        low, high = first // STRETCH, last // STRETCH
        around = stretches.get(low, []) if low == high else everything
        offset = _first_gap(around, size, first, last)
        offsets[index] = offset
        entry = (offset, offset + size, first, last)
        insort(everything, entry)
        for stretch in range(low, high + 1):
            insort(stretches.setdefault(stretch, []), entry)
    return offsets


def _offsets_in_arrays(buffers: Sequence[Buffer], order: Sequence[int]) -> list[int]:
    """Like :func:`_offsets`, but faster if most buffers are alive together."""
    import numpy as np

    offsets = [0] * len(buffers)
    there = np.empty((4, len(buffers)), np.int64)  # offset, end, first, last of what is placed, by offset
    for count, index in enumerate(order):
        size, first, last, *_ = buffers[index]
        starts, ends, firsts, lasts = there[:, :count]
        alive = np.flatnonzero((firsts <= last) & (lasts >= first))
        free_from = np.concatenate(([0], np.maximum.accumulate(ends[alive])))
        wide = np.flatnonzero(starts[alive] - free_from[:-1] >= size)
        offset = int(free_from[wide[0] if wide.size else -1])
        offsets[index] = offset
        place = int(np.searchsorted(starts, offset))
        there[:, place + 1 : count + 1] = there[:, place:count].copy()
        there[:, place] = offset, offset + size, first, last
    return offsets


def _first_gap(around: Sequence[tuple[int, int, int, int]], size: int, first: int, last: int) -> int:
    """Return the lowest offset with ``size`` free bytes among those of ``around`` that live at the same time."""
    candidate = 0
    for offset, end, begins, ends in around:
        if end > candidate and begins <= last and ends >= first:
            if offset - candidate >= size:
                break
            candidate = end
    return candidate


def live(buffers: Sequence[Buffer], steps: int) -> list[int]:
    """Return the bytes that are alive at each step, a lower bound of every plan."""
    change = [0] * (steps + 1)
    for size, first, last, *_ in buffers:
        change[first] += size
        change[last + 1] -= size
    found, alive = [], 0
    for step in range(steps):
        alive += change[step]
        found.append(alive)
    return found


def best(buffers: Sequence[Buffer], steps: int) -> Plan:
    """Return the smallest plan found; the search ends when the bound is reached, or after a number of tries.

    Several orders are tried, then each is improved: the highest buffers are placed earlier, step by step.  The result
    is never larger than :func:`greedy`'s.
    """
    loads = live(buffers, steps)
    bound, found = max(loads, default=0), greedy(buffers)
    tries = min(TRIES, WORK // (_overlapping_pairs(buffers) + 2 * STRETCH * len(buffers) + 1))
    orders = _orders(buffers, loads)[:tries]
    for order in orders:
        if found.size == bound:
            return found
        found = min(found, placed(buffers, order), key=lambda plan: plan.size)
    rounds = max((tries - len(orders)) // (len(orders) or 1), 0)
    for order in orders:
        found = _improved(buffers, order, rounds, found, bound)
    return found


def _overlapping_pairs(buffers: Sequence[Buffer]) -> int:
    """Return the number of pairs of buffers that are alive at the same time, the work of placing all of them."""
    steps = max([buffer.last for buffer in buffers], default=0) + 1
    begun, over = [0] * (steps + 1), [0] * (steps + 1)
    for buffer in buffers:
        begun[buffer.first] += 1
        over[buffer.last + 1] += 1
    before, ended = list(accumulate(begun)), list(accumulate(over))
    return sum([before[buffer.last] - ended[buffer.first] for buffer in buffers])


def _orders(buffers: Sequence[Buffer], loads: list[int]) -> list[list[int]]:
    """Return orders to try, the promising ones first."""
    everyone = range(len(buffers))
    span = [buffer.last - buffer.first + 1 for buffer in buffers]
    keys: list[Callable[[int], tuple[int, ...]]] = [
        lambda i: (-buffers[i].size, i),
        lambda i: (-buffers[i].size * span[i], i),
        lambda i: (-span[i], -buffers[i].size, i),
        lambda i: (buffers[i].first, -buffers[i].size),
        lambda i: (-buffers[i].last, -buffers[i].size),
    ]
    found = [sorted(everyone, key=key) for key in keys]
    return [_by_load(buffers, loads), *found] if sum(span) < WORK // 10 else found


def _by_load(buffers: Sequence[Buffer], loads: list[int]) -> list[int]:
    """Return the buffers by the fullest step of their life, the oldest of each step first."""
    waiting = sorted(range(len(buffers)), key=lambda i: (buffers[i].first, -buffers[i].size))
    of_step: dict[int, list[int]] = {}
    for index in waiting:
        fullest = max(range(buffers[index].first, buffers[index].last + 1), key=lambda step: loads[step])
        of_step.setdefault(fullest, []).append(index)
    return [index for step in sorted(of_step, key=lambda step: -loads[step]) for index in of_step[step]]


def _improved(buffers: Sequence[Buffer], order: list[int], rounds: int, found: Plan, bound: int) -> Plan:
    """Return a smaller plan found near an order: the highest buffers are placed earlier each round."""
    seen = set[tuple[int, ...]]()
    for _ in range(rounds):
        plan = placed(buffers, order)
        found = min(found, plan, key=lambda one: one.size)
        if found.size == bound:
            break
        highest = [i for i in order if plan.offsets[i] + buffers[i].size == plan.size]
        rest = [i for i in order if plan.offsets[i] + buffers[i].size < plan.size]
        place = order.index(highest[0]) // 2
        order = rest[:place] + highest + rest[place:]
        if tuple(order) in seen:
            break
        seen.add(tuple(order))
    return found
