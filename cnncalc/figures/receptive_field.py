"""Receptive fields: which positions of the input an output position can see, over all paths.

For every spatial axis of an input and every position of a tensor, the first and the last position that it depends on
are carried through the graph (Araujo, Norris and Sim 2019, "Computing receptive fields of convolutional neural
networks", Distill).  Three conventions:

* The field's size is the distance between those two, plus 1.  Positions between them that no tap of a dilated window
  reaches count, as in the literature.
* An axis has no ends: a position near the border sees as much as one in the middle, padding included, so that a field
  can be larger than the input.
* A position is seen by all channels together.  Where positions see different numbers, the widest counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from cnncalc.figures.channels_last import ChannelsLast, channels_last
from cnncalc.figures.fields import (
    Field,
    FieldBounds,
    FieldBudget,
    Fields,
    InputFields,
    Sources,
    at_most,
    can_follow,
    merged,
    seen_together,
)
from cnncalc.figures.patterns import IDENTITY, Pattern, through
from cnncalc.figures.terms import CHANNELS, MISSING, IndexDigit, Term, read_whole
from cnncalc.graph import Graph, Input, Node, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_FIELD_WORK, MAX_SEEN
from cnncalc.ground.named import NamedTuple
from cnncalc.layers.base import Use
from cnncalc.layers.reads import Along, Move, Read, Reads, Reshaped
from cnncalc.layers.shapes import Shape

_ALL_CHANNELS = (CHANNELS,)

WORK_OF_REGROUPING = 40
"""Number of steps of a pattern that take as long as laying out a field on other axes."""


class ReceptiveFields(NamedTuple):
    """The fields of every tensor, the nodes whose inputs have different strides, and where channels are last."""

    of: dict[Tensor, InputFields]
    disagreeing: list[Node]
    turned: ChannelsLast

    def check_count(self, tensors: Iterable[Tensor]) -> None:
        """Raise CnncalcError if some tensors see more inputs in all than are listed."""
        count = sum([len(sources.inputs) for tensor in tensors for sources in self.of[tensor]])
        if count > MAX_SEEN:
            seen = f"its outputs see {count:,} inputs in all, each counted for each output"
            raise CnncalcError(f"{seen}; at most {MAX_SEEN:,} are supported")

    def by_input(self, tensor: Tensor) -> dict[Input, Fields]:
        """Return what a tensor sees of each input that it depends on."""
        return {
            source: tuple(
                [field.of_axis(size) for field, size in zip(fields, self.turned.first(source)[1:], strict=True)]
            )
            for sources, fields in self.of[tensor].items()
            for source in sources.inputs
        }


def receptive_fields(graph: Graph) -> ReceptiveFields:
    """Return the fields of every node's output on the inputs that it depends on."""
    turned = channels_last(graph)
    of: dict[Tensor, InputFields] = {
        tensor: {Sources((tensor,)): _input_fields(turned.first(tensor))} for tensor in graph.inputs.values()
    }
    disagreeing: list[Node] = []
    known: dict[Use, Reads | None] = {}
    met: dict[tuple[object, ...], tuple[InputFields, bool]] = {}
    work = FieldBudget(MAX_FIELD_WORK)
    bounds = FieldBounds(graph.inputs.values())
    for node in graph.nodes:
        if not node.inputs:  # it sees nothing of any input
            of[node] = {}
            continue
        use = node.use
        if use not in known:
            known[use] = use.layer.reads(use.inputs, use.output)
        moves = known[use]
        if not can_follow(node, of, work):
            of[node] = bounds.of([of[tensor] for tensor in node.inputs])
        elif (moves is None and len(node.inputs) == 1) or node in turned.nodes:
            of[node] = of[node.inputs[0]]
        else:
            key = (use, *[id(of[tensor]) for tensor in node.inputs])
            if key not in met:
                met[key] = _fields_after(node, moves, of, work)
            of[node], agree = met[key]
            if not agree:
                disagreeing.append(node)
    return ReceptiveFields(of, disagreeing, turned)


def _fields_after(
    node: Node, moves: Reads | None, of: dict[Tensor, InputFields], work: FieldBudget
) -> tuple[InputFields, bool]:
    """Return a node's fields, and whether the strides of its inputs are equal.

    Fields that equal those of the first input are the same object, so that layers of the same use are found again.
    """
    seen = of[node.inputs[0]]
    if len(node.inputs) == 1 and moves is not None:
        return _moved(seen, moves[0], node.use.inputs[0], node.use.output, work), True
    found, agree = _fields_of_merge(node, moves, of, work)
    return (seen if found == seen else found), agree


def _input_fields(shape: Shape) -> Fields:
    """Return the fields of an input: each position sees itself."""
    axes = enumerate(shape[1:], 1)
    return tuple([Field((Term((IndexDigit(axis, 1, size),), IDENTITY, ()),), size) for axis, size in axes])


def _broadcast_move(shape: Shape, output: Shape) -> tuple[Move, ...]:
    """Return the move of an input of an elementwise merge that is broadcast."""
    sizes = enumerate(zip(shape, output, strict=True))
    return (Along(tuple([Read(None if size != out else axis) for axis, (size, out) in sizes])),)


def _moved(seen: InputFields, moves: tuple[Move, ...], shape: Shape, output: Shape, work: FieldBudget) -> InputFields:
    """Return the fields after a layer's moves, by input of the network."""
    if isinstance(moves[0], Along):
        reads = moves[0].reads
        found = {}
        for source, fields in seen.items():
            found[source] = tuple([_field_along(field, reads, shape, output, work) for field in fields])
        return seen if found == seen else found
    flattens = len(output) == len(moves) == 1 and isinstance(moves[0], Reshaped)
    return {
        source: tuple(
            [
                (flattens and _flattened(field, shape)) or _regrouped(field, moves, shape, output, work)
                for field in fields
            ]
        )
        for source, fields in seen.items()
    }


def _flattened(field: Field, shape: Shape) -> Field | None:
    """Return a field of one axis after a flatten; None if it has another form."""
    ((places, pattern, loose), *others) = field.terms
    if not others and not places and loose in ((), _ALL_CHANNELS):
        return field
    if others or loose or len(places) != 1 or places[0][1:] != (1, shape[places[0].axis]):
        return None
    place = IndexDigit(0, prod(shape[places[0].axis + 1 :]), places[0].size)
    return Field((Term((place,), pattern, ()),), field.input_size)


def _regrouped(field: Field, moves: tuple[Move, ...], shape: Shape, output: Shape, work: FieldBudget) -> Field:
    key = (field.terms, field.input_size, moves, output)
    found = work.known.get(key)
    if found is None:
        from cnncalc.figures.regrouping import regrouped

        if work.take(WORK_OF_REGROUPING):
            found = Field(regrouped(field.terms, moves, shape, output, work), field.input_size)
        else:
            found = at_most([field])
        work.known[key] = found
    return found


def _field_along(field: Field, reads: tuple[Read, ...], shape: Shape, output: Shape, work: FieldBudget) -> Field:
    """Return a field after a layer that treats axes separately."""
    before = field.terms
    if len(before) == 1:
        term = _term_along(before[0], reads, shape, output, work)
        return field if term is before[0] else Field((term,), field.input_size)
    from cnncalc.figures.regrouping import united

    terms = [_term_along(term, reads, shape, output, work) for term in before]
    return Field(united(terms, work), field.input_size)


def _term_along(term: Term, reads: tuple[Read, ...], shape: Shape, output: Shape, work: FieldBudget) -> Term:
    """Return a part of a field after a layer that treats axes separately."""
    places, pattern, loose = term
    if loose == _ALL_CHANNELS and reads[CHANNELS].is_whole:
        loose = ()
    elif loose and (loose != _ALL_CHANNELS or reads[CHANNELS].ranges is not None):
        return _along_several(term, reads, shape, output, work)
    if len(places) != 1:
        if not term.places and not loose:
            return Term((), pattern) if term.loose else term
        return _along_several(term, reads, shape, output, work)
    axis, unit, size = places[0]
    to, ranges = reads[axis].axis, reads[axis].ranges
    if ranges is not None and (unit != 1 or size != shape[axis]):
        return _along_several(term, reads, shape, output, work)
    if to is None:
        return _read_by_all(term._replace(loose=loose), reads[axis], work)
    if ranges is None:
        return term if to == axis and loose is term.loose else Term((IndexDigit(to, unit, size),), pattern, loose)
    moved = through(pattern, ranges, output[to], work)
    if moved is None:
        return Term((), read_whole(term).pattern, (*loose, to))
    if to != axis or size != output[to]:
        places = (IndexDigit._make((to, 1, output[to])),)
    return Term._make((places, moved, loose))


def _read_by_all(term: Term, read: Read, work: FieldBudget) -> Term:
    """Return the field of an output whose elements all read the same positions of an axis."""
    if read.ranges is None:
        return read_whole(term) if read.is_exact else read_whole(term)._replace(loose=(*term.loose, MISSING))
    pattern = through(term.pattern, read.ranges, 1, work)
    return Term((), pattern, term.loose) if pattern else read_whole(term)._replace(loose=(*term.loose, MISSING))


def _along_several(term: Term, reads: tuple[Read, ...], shape: Shape, output: Shape, work: FieldBudget) -> Term:
    from cnncalc.figures.regrouping import along_several

    return along_several(term, reads, shape, output, work)


# --- where branches meet ----------------------------------------------------------------------------------------


def _fields_of_merge(
    node: Node, moves: Reads | None, of: dict[Tensor, InputFields], work: FieldBudget
) -> tuple[InputFields, bool]:
    """Return a node's fields over all its inputs, and whether their strides are equal."""
    use = node.use
    concat_axis = _concat_axis(moves)
    branches = []
    tensors = dict(zip(node.inputs, range(len(node.inputs)), strict=True)) if moves is None else None
    for tensor, number in tensors.items() if tensors else zip(node.inputs, range(len(node.inputs)), strict=True):
        seen = of[tensor]
        if moves is not None and not (concat_axis == CHANNELS and not _on_channels(seen)):
            seen = _moved(seen, moves[number], use.inputs[number], use.output, work)
        elif moves is None and use.inputs[number] != use.output:
            seen = _moved(seen, _broadcast_move(use.inputs[number], use.output), use.inputs[number], use.output, work)
        branches.append(seen)
    one = branches[0]
    if all(seen is one for seen in branches) and concat_axis is None:
        return one, True
    agree = True
    found: InputFields = {}
    for sources, of_branches in seen_together(branches):
        fields = []
        for several in zip(*of_branches, strict=True):
            field, same = _united(several, concat_axis, len(several) == len(branches), work)
            fields.append(field)
            agree &= same
        found[sources] = tuple(fields)
    return merged(found) if len(found) > 1 else found, agree


def _on_channels(seen: InputFields) -> bool:
    """Return whether channels are positions of an input."""
    for fields in seen.values():
        for field in fields:
            for places, _, _ in field.terms:
                for place in places:
                    if place.axis == CHANNELS:
                        return True
    return False


def _concat_axis(moves: Reads | None) -> int | None:
    """Return the axis along which a layer concatenates its inputs; None if it does not."""
    axes = set()
    for steps in moves or ():
        parts = [read.axis for read in getattr(steps[0], "reads", ()) if read.ranges and read.ranges.growth is None]
        axes.add(parts[0] if parts else None)
    return axes.pop() if len(axes) == 1 else None


def _united(fields: tuple[Field, ...], concat_axis: int | None, are_all: bool, work: FieldBudget) -> tuple[Field, bool]:
    """Return the union of some fields, and whether they have the same stride."""
    one = fields[0]
    if (are_all or concat_axis is None) and fields == (one,) * len(fields):
        return one, True
    places, ((first, *_), (last, *_), growth), _ = one.terms[0]
    loose = set[int]()
    for field in fields:
        where, (starts, ends, jump), axes = field.terms[0]
        if where != places or jump != growth or len(starts) > 1 or len(field.terms) > 1:
            break
        first, last = min(first, starts[0]), max(last, ends[0])
        loose.update(axes)
    else:
        if growth is not None and (concat_axis is None or not places or places[0].axis != concat_axis):
            if concat_axis is not None and not (are_all and all(field.terms == one.terms for field in fields)):
                loose.add(concat_axis)
            term = Term(places, Pattern((first,), (last,), growth), tuple(sorted(loose)))
            return Field((term,), one.input_size), True
    from cnncalc.figures.regrouping import united_fields

    terms, agree = united_fields([field.terms for field in fields], concat_axis, are_all, work)
    return Field(terms, one.input_size), agree
