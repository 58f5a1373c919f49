"""Receptive fields after axes are merged, split or exchanged, and then read in parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from math import prod

from cnncalc.figures.patterns import Pattern, PatternBudget, constant, have_equal_rates, through, union
from cnncalc.figures.terms import CHANNELS, MISSING, IndexDigit, Term, Terms, read_whole
from cnncalc.ground.limits import MAX_FIELD_WORK
from cnncalc.layers.reads import Along, Move, Ranges, Read, Reshaped, repeated, sliding
from cnncalc.layers.shapes import Shape

_MOST_TERMS = 8
_MOST_TOGETHER = 20_000


def regrouped(terms: Terms, moves: tuple[Move, ...], shape: Shape, output: Shape, work: PatternBudget) -> Terms:
    """Return the parts of a field after some moves."""
    for move in moves:
        if isinstance(move, Along):
            terms, shape = tuple([along_several(term, move.reads, shape, output, work) for term in terms]), output
        elif isinstance(move, Reshaped):
            terms, shape = tuple([_reshaped(term, shape, move.shape, work) for term in terms]), move.shape
        else:
            terms, shape = tuple([_permuted(term, move.order) for term in terms]), tuple([shape[i] for i in move.order])
    return united(terms, work)


def _permuted(term: Term, order: tuple[int, ...]) -> Term:
    places = tuple([place._replace(axis=order.index(place.axis)) for place in term.places])
    loose = tuple([order.index(axis) if axis != MISSING else axis for axis in term.loose])
    return Term(places, term.pattern, loose)


def as_upper_bound(term: Term) -> Term:
    """Return a term in which each position sees the union of all: an upper bound."""
    return read_whole(term)._replace(loose=tuple(sorted({*term.loose, *[place.axis for place in term.places]})))


# --- where branches meet ----------------------------------------------------------------------------------------


def united_fields(
    fields: Sequence[Terms], concat_axis: int | None, are_all: bool, work: PatternBudget
) -> tuple[Terms, bool]:
    """Return the union of some fields' parts, and whether they have the same stride.

    Args:
        fields: the parts of each field, of the inputs of one layer that read the same input of the network.
        concat_axis: the axis along which they are concatenated, if they are.
        are_all: whether all inputs of the layer read it.
        work: the budget.
    """
    terms = _one_term_per_place([term for field in fields for term in field], work)
    if concat_axis is not None:
        others = [{term for term in field if not _on_axis(term, concat_axis)} for field in fields]
        if not are_all or any(some != others[0] for some in others):
            terms = tuple([term if _on_axis(term, concat_axis) else _loose_along(term, concat_axis) for term in terms])
    return terms, _same_strides(fields)


def _on_axis(term: Term, axis: int) -> bool:
    return any(place.axis == axis for place in term.places)


def _loose_along(term: Term, axis: int) -> Term:
    return term._replace(loose=tuple(sorted({*term.loose, axis})))


def _same_strides(fields: Sequence[Terms]) -> bool:
    """Return whether all fields have equal steps; a field of one position has no step."""
    by_places: dict[tuple[IndexDigit, ...], list[Pattern]] = {}
    for field in fields:
        for term in field:
            if term.positions > 1 and term.pattern.growth is not None:
                by_places.setdefault(term.places, []).append(term.pattern)
    return all(have_equal_rates(patterns) for patterns in by_places.values())


def united(terms: Sequence[Term], work: PatternBudget) -> Terms:
    """Combine the terms of each place into one again after a move."""
    if len({term.places for term in terms}) == len(terms):
        return tuple(terms)
    return _one_term_per_place(terms, work)


def _one_term_per_place(terms: Sequence[Term], work: PatternBudget) -> Terms:
    """Return one term for each place; too many become one upper bound for all positions."""
    by_places: dict[tuple[IndexDigit, ...], list[Term]] = {}
    for term in terms:
        by_places.setdefault(term.places, []).append(term)
    found: list[Term] = []
    for places, alike in by_places.items():
        pattern = union([term.pattern for term in alike], alike[0].positions, work)
        loose = tuple(sorted({axis for term in alike for axis in term.loose}))
        found.append(Term(places, pattern, loose) if pattern else _one_upper_bound(alike))
    return tuple(found) if len(found) <= _MOST_TERMS else (_one_upper_bound(found),)


def _one_upper_bound(terms: Sequence[Term]) -> Term:
    """Return one term for several, in which each position sees the union of all: an upper bound."""
    hulls = [term.pattern.hull(term.positions) for term in terms]
    axes = {axis for term in terms for axis in (*term.loose, *[place.axis for place in term.places])}
    ends = min([first for first, _ in hulls]), max([last for _, last in hulls])
    return Term((), constant(ends), tuple(sorted(axes)))


# --- axis by axis -----------------------------------------------------------------------------------------------


def along_several(term: Term, reads: tuple[Read, ...], shape: Shape, output: Shape, work: PatternBudget) -> Term:
    """Return a term with places on several axes after a layer that treats axes separately."""
    windows = [axis for axis in {place.axis for place in term.places} if axis and reads[axis].ranges is not None]
    if windows and len({place.axis for place in term.places}) > 1:
        term = _channels_together(term, work)
    for axis in dict.fromkeys([place.axis for place in term.places]):
        to, ranges, is_exact = reads[axis].axis, reads[axis].ranges, reads[axis].is_exact
        own = [number for number, place in enumerate(term.places) if place.axis == axis]
        if not own:
            continue
        if to is None and (ranges is None or len(own) < len(term.places)):
            term = _without_places(term, own, work)
            term = term if ranges is None and is_exact else _loose_along(term, MISSING)
        elif ranges is not None and len(own) < len(term.places):
            term = _without_places(term, own, work)
            term = _loose_along(term, axis)
        elif ranges is not None:
            spread = spread_out(term, shape[axis], work)
            count = 1 if to is None else output[to]
            pattern = spread and through(spread.pattern, ranges, count, work)
            left = () if to is None else (IndexDigit(axis, 1, count),)
            term = Term(left, pattern, term.loose) if pattern else as_upper_bound(term)
    places = tuple([place._replace(axis=_output_axis(reads, place.axis)) for place in term.places])
    loose = set()
    for axis in term.loose:
        to = MISSING if axis == MISSING else reads[axis].axis
        if to is not None:
            loose.add(to)
        if axis in (CHANNELS, MISSING) or to is None:
            loose |= set() if axis != MISSING and _reads_all(reads[axis], shape[axis], output) else {MISSING}
    return Term(places, term.pattern, tuple(sorted(loose)))


def _channels_together(term: Term, work: PatternBudget) -> Term:
    """Return a term in which each channel sees the union over all channels of its position."""
    own = [number for number, place in enumerate(term.places) if place.axis == CHANNELS]
    if len(own) in (0, len(term.places)):
        return term
    term = _without_places(term, own, work)
    return _loose_along(term, CHANNELS)


def channels_together(terms: Terms) -> Terms:
    """Return terms in which all channels of a position see their union."""
    work = PatternBudget(MAX_FIELD_WORK)
    several = [term if len(term.places) < 2 else _channels_together(term, work) for term in terms]
    return united(several, work)


def _reads_all(read: Read, size: int, output: Shape) -> bool:
    """Return whether each of ``size`` positions is read by some output position."""
    if read.axis is None:
        return read.ranges is None and read.is_exact
    if read.ranges is None or read.ranges.period > 1 or read.ranges.growth is None:
        return True
    ends, out = read.ranges.of(0), output[read.axis]
    return ends is not None and ends[0] <= 0 and read.ranges.growth <= ends[1] - ends[0] + 1 and (
        ends[1] + (out - 1) * read.ranges.growth >= size - 1
    )  # fmt: skip


def _output_axis(reads: tuple[Read, ...], axis: int) -> int:
    to = reads[axis].axis
    assert to is not None
    return to


def _without_places(term: Term, numbers: list[int], work: PatternBudget) -> Term:
    """Return the term of elements that read some of its places whole."""
    if len(numbers) == len(term.places):
        return read_whole(term)
    for number in reversed(numbers):
        counts = [place.size for place in term.places]
        size, below, above = counts[number], prod(counts[number + 1 :]), prod(counts[:number])
        if above == 1:
            ranges = sliding(size, dilation=below)
        else:
            ranges = Ranges(below, size * below, partial(_spaced_positions, size, below), below)
        pattern = through(term.pattern, ranges, above * below, work)
        if pattern is None:
            return as_upper_bound(term)
        term = Term((*term.places[:number], *term.places[number + 1 :]), pattern, term.loose)
    return term


def _spaced_positions(size: int, below: int, place: int) -> tuple[int, int]:
    """Return the ends of ``size`` positions from a place on, ``below`` apart."""
    return place, place + (size - 1) * below


def spread_out(term: Term, size: int, work: PatternBudget) -> Term | None:
    """Return a term with places on one axis as one of all its ``size`` positions; None: too much work."""
    places = term.places
    axis = places[0].axis
    if len(places) == 1 and places[0][1:] == (1, size):
        return term
    if len(places) == 1 and places[0].unit * places[0].size == size:
        ranges = repeated(places[0].unit)
    else:
        ranges = Ranges(size, None, lambda index: (_flat_position(places, index),) * 2)
    pattern = through(term.pattern, ranges, size, work)
    return pattern and Term((IndexDigit(axis, 1, size),), pattern, term.loose)


def _flat_position(places: tuple[IndexDigit, ...], index: int) -> int:
    flat = 0
    for _, unit, count in places:
        flat = flat * count + index // unit % count
    return flat


# --- another shape ----------------------------------------------------------------------------------------------


def _strides(shape: Shape) -> list[int]:
    strides = [1]
    for size in reversed(shape):
        strides.append(strides[-1] * size)
    return strides[-2::-1]


def _reshaped(term: Term, shape: Shape, output: Shape, work: PatternBudget) -> Term:
    """Return a term after its axes are reshaped."""
    theirs = _strides(output)
    weights = _strides(shape)
    digits = [(weights[axis] * unit, count) for axis, unit, count in term.places]
    places = _split(digits, output, theirs)
    if places is None:
        term, places = _on_group(term, digits, shape, output, work)
    loose = set()
    for axis in term.loose:
        if axis == MISSING:
            loose.add(axis)
            continue
        low, high = weights[axis], weights[axis] * shape[axis]
        loose |= {i for i, size in enumerate(output) if theirs[i] < high and theirs[i] * size > low}
    return Term(places, term.pattern, tuple(sorted(loose)))


def _split(digits: list[tuple[int, int]], output: Shape, strides: list[int]) -> tuple[IndexDigit, ...] | None:
    """Return the axes on which digits of the flat index, each a weight and a count, lie; None if one spans several
    axes.
    """
    places = []
    for weight, count in digits:
        rest = weight * count
        for axis, (size, stride) in enumerate(zip(output, strides, strict=True)):
            low, high = max(weight, stride), min(weight * count, stride * size)
            if low >= high:
                continue
            if low % weight or low % stride or high % low or rest != high or stride * size % high:
                return None
            places.append(IndexDigit(axis, low // stride, high // low))
            rest = low
        if rest != weight and count > 1:
            return None
    return tuple(places)


def _on_group(
    term: Term, digits: list[tuple[int, int]], shape: Shape, output: Shape, work: PatternBudget
) -> tuple[Term, tuple[IndexDigit, ...]]:
    """Return a term, and its places, over all positions of the axes that share its elements."""
    weights, theirs = _strides(shape), _strides(output)
    common = sorted({*weights, prod(shape)} & {*theirs, prod(shape)})
    low = max(bound for bound in common if all(bound <= weight for weight, _ in digits))
    high = min(bound for bound in common if all(bound >= weight * count for weight, count in digits))
    count = high // low
    flat = tuple([IndexDigit(0, weight // low, count) for weight, count in digits])
    pattern = through(term.pattern, Ranges(count, None, lambda index: (_flat_position(flat, index),) * 2), count, work)
    places = _split([(low, count)], output, theirs)
    if pattern is None or places is None:
        return as_upper_bound(term), ()
    return Term((), pattern, term.loose), places


# --- sizes ------------------------------------------------------------------------------------------------------


def widest(terms: Terms) -> int:
    """Return the largest extent from the beginning of one part of a field to the end of another."""
    found = [max(term.pattern.sizes(term.positions)) for term in terms]
    ends = [(term, term.pattern.hull(term.positions)) for term in terms]
    pairs = [(one, other) for i, one in enumerate(ends) for other in ends[:i]]
    for (one, (first, last)), (other, (start, end)) in pairs:
        if {place.axis for place in one.places} & {
            place.axis for place in other.places
        }:  # parts on one axis: their positions can't be chosen independently
            return max(sizes_together(terms) or [max(end, last) - min(first, start) + 1])
        found += [last - start + 1, end - first + 1]
    return max(found)


def sizes_together(terms: Terms) -> list[int]:
    """Return the sizes seen by every element for terms with several places; empty if there are too many."""
    sizes: dict[int, int] = {}
    for term in terms:
        for axis, unit, count in term.places:
            sizes[axis] = max(sizes.get(axis, 1), unit * count)
    if prod(sizes.values()) > _MOST_TOGETHER:
        return []
    found = []
    for indices in product(*[range(size) for size in sizes.values()]):
        index = dict(zip(sizes, indices, strict=True))
        ends = []
        for term in terms:
            position = 0
            for axis, unit, count in term.places:
                position = position * count + index[axis] // unit % count
            ends.append(term.pattern.at(position))
        found.append(max(max([last for _, last in ends]) - min(ends)[0] + 1, 0))
    return found
