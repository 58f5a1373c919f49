"""The part of the inputs that each tensor sees; inputs that are seen alike are followed together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from cnncalc.figures.patterns import Pattern, PatternBudget
from cnncalc.figures.terms import CHANNELS, MISSING, Term, Terms, read_whole
from cnncalc.graph import Input, Node, Tensor

if TYPE_CHECKING:
    from fractions import Fraction

WORK_OF_FIELDS = 4
"""Number of steps of a pattern that take as long as following one field, if inputs are seen differently."""


class Field:
    """What the positions of a tensor see along one spatial axis of an input.

    Attributes:
        terms: the parts; a position sees the union of them.
        input_size: positions of the input's axis.
    """

    __slots__ = ("_size", "input_size", "terms")

    def __init__(self, terms: Terms, input_size: int) -> None:
        """Make a field of its parts."""
        self.terms = terms
        self.input_size = input_size
        self._size = -1

    def __repr__(self) -> str:
        seen = f"{self.least} to {self.size}" if self.least < self.size else str(self.size)
        return f"<Field {'' if self.is_exact else 'at most '}{seen} of {self.input_size}>"

    @property
    def size(self) -> int:
        """Elements of the input that a position sees, including padding; of the position that sees most."""
        if self._size < 0:
            places, (first, last, _), loose = self.terms[0]
            if len(self.terms) > 1 or len(places) > 1:
                from cnncalc.figures.regrouping import widest

                self._size = widest(self.together)
            elif len(first) == 1:
                self._size = max(last[0] - first[0] + 1, 0)
            else:
                self._size = max(self.terms[0].pattern.sizes(self.terms[0].positions))
            if self._size > self.input_size and (loose or len(self.terms) > 1) and not self.is_exact:
                self._size = self.input_size
        return self._size

    @property
    def least(self) -> int:
        """Elements that the position with the smallest field sees."""
        terms = self.together
        if len(terms) > 1:
            from cnncalc.figures.regrouping import sizes_together

            return min(sizes_together(terms), default=self.size)
        return min(min(terms[0].pattern.sizes(terms[0].positions)), self.size)

    @property
    def is_exact(self) -> bool:
        """Whether the size is exact; else it is an upper bound."""
        loose = {axis for term in self.terms for axis in term.loose}
        is_map = any(place.axis for term in self.terms for place in term.places)
        return not loose or (is_map and loose == {CHANNELS})

    @property
    def together(self) -> Terms:
        """The parts, with all channels of a position combined."""
        if all(len(term.places) < 2 for term in self.terms):
            return self.terms
        from cnncalc.figures.regrouping import channels_together

        return channels_together(self.terms)

    def of_axis(self, size: int) -> Field:
        """Return the field on an input's axis of another size that is seen alike."""
        return self if size == self.input_size else Field(self.terms, size)

    @property
    def differs(self) -> bool:
        """Whether positions see different numbers of the input's elements."""
        return min(self.least, self.input_size) < min(self.size, self.input_size)

    @property
    def jump(self) -> int | Fraction:
        """The average distance between the fields of neighbouring positions."""
        pattern = self._leading.pattern
        growth = pattern.growth or 0
        if growth % len(pattern.first) == 0:
            return growth // len(pattern.first)
        from fractions import Fraction  # imported late: it takes 2 ms, and most networks have no such stride

        return Fraction(growth, len(pattern.first))

    @property
    def offset(self) -> int:
        """Number of elements before the input's beginning that the first position sees."""
        return -self._leading.pattern.first[0] if self.size else 0

    @property
    def is_whole(self) -> bool:
        """Whether all elements see the same."""
        return not any(term.places for term in self.terms)

    @property
    def _leading(self) -> Term:
        terms = self.together
        return next((term for term in terms if term.places), terms[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Field) and (self.terms, self.input_size) == (other.terms, other.input_size)

    def __hash__(self) -> int:
        return hash((self.terms, self.input_size))


Fields: TypeAlias = tuple[Field, ...]


class FieldBudget(PatternBudget):
    """The number of steps left for fields, and a cache of fields by the key of their computation."""

    __slots__ = ("known",)

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.known: dict[object, Field] = {}


class Sources:
    """Inputs that a tensor sees alike."""

    __slots__ = ("inputs",)

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.inputs = inputs


InputFields: TypeAlias = dict[Sources, Fields]
"""The fields on every spatial axis of the inputs that a tensor depends on; of vectors there are none.

Of inputs that differ in size alone, the first one's size stands there.
"""


def leading(seen: InputFields) -> Fields:
    """Return the fields on the first input that has an axis."""
    for fields in seen.values():
        if fields:
            return fields
    return ()


# --- several inputs ----------------------------------------------------------------------------------------------


def seen_together(branches: list[InputFields]) -> list[tuple[Sources, list[Fields]]]:
    """Return the inputs that each of some branches sees alike, with the fields of those branches that see them."""
    first = branches[0]
    if all(seen.keys() == first.keys() for seen in branches):
        return [(sources, [seen[sources] for seen in branches]) for sources in first]
    by_input: dict[Input, list[Fields]] = {}
    for seen in branches:
        for sources, fields in seen.items():
            for source in sources.inputs:
                by_input.setdefault(source, []).append(fields)
    alike: dict[tuple[int, ...], list[Input]] = {}
    for source, several in by_input.items():
        alike.setdefault(tuple(map(id, several)), []).append(source)
    return [(Sources(inputs), by_input[inputs[0]]) for inputs in alike.values()]


def merged(seen: InputFields) -> InputFields:
    """Return fields with inputs that are seen alike under one key."""
    alike: dict[tuple[Terms, ...], list[Sources]] = {}
    for sources, fields in seen.items():
        alike.setdefault(tuple([field.terms for field in fields]), []).append(sources)
    if len(alike) == len(seen):
        return seen
    return {
        Sources([source for one in several for source in one.inputs]): seen[several[0]] for several in alike.values()
    }


def can_follow(node: Node, of: dict[Tensor, InputFields], work: PatternBudget) -> bool:
    """Spend the steps for following inputs that are seen differently; return whether enough steps were left."""
    first = of[node.inputs[0]]
    if len(node.inputs) == 1:
        return len(first) < 2 or work.take(WORK_OF_FIELDS * len(first))
    branches = [of[tensor] for tensor in node.inputs]
    if all(seen is first for seen in branches) and len(first) < 2:
        return True
    if any(seen.keys() != first.keys() for seen in branches):
        return work.take(sum([len(sources.inputs) + WORK_OF_FIELDS for seen in branches for sources in seen]))
    return len(first) < 2 or work.take(WORK_OF_FIELDS * sum([len(seen) for seen in branches]))


class FieldBounds:
    """Upper bounds of fields that hold for every input, for networks with too many inputs to follow each one."""

    def __init__(self, inputs: Iterable[Input]) -> None:
        alike: dict[int, list[Input]] = {}
        for source in inputs:
            alike.setdefault(len(source.shape[1:]), []).append(source)
        self.all = {rank: Sources(several) for rank, several in alike.items()}
        self._known: dict[int, InputFields] = {}

    def of(self, branches: Sequence[InputFields]) -> InputFields:
        """Return what an element sees at most that reads all positions of some tensors."""
        several = {id(seen): self._of_one(seen) for seen in branches}
        return self._united([*several.values()])

    def _of_one(self, seen: InputFields) -> InputFields:
        if id(seen) not in self._known:
            self._known[id(seen)] = self._united([{sources: fields} for sources, fields in seen.items()])
        return self._known[id(seen)]

    def _united(self, branches: Sequence[InputFields]) -> InputFields:
        """Return the union for all inputs with as many axes."""
        first = branches[0] if branches else {}
        if all(seen is first for seen in branches) and first.keys() <= {*self.all.values()}:
            return first
        by_rank: dict[int, list[Fields]] = {}
        for seen in branches:
            for fields in seen.values():
                by_rank.setdefault(len(fields), []).append(fields)
        return {
            self.all[rank]: tuple([at_most(axis) for axis in zip(*several, strict=True)])
            for rank, several in by_rank.items()
        }


def at_most(fields: Sequence[Field]) -> Field:
    """Return what an element sees at most that reads all positions of some fields."""
    ends = [read_whole(term).pattern for field in fields for term in field.terms]
    pattern = Pattern((min([one.first[0] for one in ends]),), (max([one.last[0] for one in ends]),), 0)
    return Field((Term((), pattern, (MISSING,)),), fields[0].input_size)
