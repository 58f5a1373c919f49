"""An If: the branch that is taken, as far as that is known before the model runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.model import StoredTensor, Subgraph
from cnncalc.importers.onnx.values import Call, LayerStep, UnfitError, Value, ValueScope, where
from cnncalc.layers.shapes import Shape


class Undecided(NamedTuple):
    """A choice that is made when the model runs.

    Attributes:
        key: what the choice is called where it is made for another pass.
        words: what its operator is called in messages.
        condition: what is not 0 where the then branch is taken; None if layers don't make it.
    """

    key: str
    words: str
    condition: Value | None


class BranchTaker(Protocol):
    """What takes in graphs, as a choice asks for it; see the builder."""

    choices: Mapping[str, bool]
    steps: list[LayerStep]
    undecided: list[Undecided]
    notes: list[str]
    single: list[str]
    training: list[str]
    found: list[str]
    lost: list[str]
    ends: list[Value]
    parameters: dict[tuple[int, Shape], Value]
    twins: dict[tuple[object, ...], Value]
    statistics: dict[int, StoredTensor]
    dequantized: dict[int, None]
    quantizes: bool

    def graph(self, graph: Subgraph, scope: ValueScope, scopes: tuple[str, ...] = ()) -> list[Value | None]:
        """Take in a graph; return its outputs."""


class Additions:
    """What a branch has added to what was made before, taken back until it is chosen."""

    def __init__(self, build: BranchTaker) -> None:
        """Note what there is before the branch."""
        self.build = build
        self.sizes = [len(one) for one in (*self._lists(), *self._maps())]
        self.quantizes = build.quantizes
        self.items: list[list[Any]] = []
        self.pairs: list[dict[Any, Any]] = []

    def _lists(self) -> list[list[Any]]:
        build = self.build
        marks: list[list[Any]] = [build.single, build.training, build.found, build.lost, build.ends]
        return [build.steps, build.notes, build.undecided, *marks]

    def _maps(self) -> list[dict[Any, Any]]:
        return [self.build.parameters, self.build.twins, self.build.statistics, self.build.dequantized]

    @property
    def macs(self) -> int:
        """The multiply-accumulates of the branch, for one sample."""
        return sum([macs_of(step) for step in self.items[0]])

    def take_back(self) -> None:
        """Leave what was made as it was before the branch."""
        lists, maps = self._lists(), self._maps()
        for row, size in zip(lists, self.sizes, strict=False):
            self.items.append(row[size:])
            del row[size:]
        for pairs, size in zip(maps, self.sizes[len(lists) :], strict=True):
            self.pairs.append(dict([pairs.popitem() for _ in range(len(pairs) - size)][::-1]))
        self.quantizes, self.build.quantizes = self.build.quantizes, self.quantizes

    def put_back(self) -> None:
        """Add once more what the branch has added."""
        for row, more in zip(self._lists(), self.items, strict=True):
            row += more
        for pairs, others in zip(self._maps(), self.pairs, strict=True):
            pairs.update(others)
        self.build.quantizes = self.quantizes


@contextmanager
def _tried(build: BranchTaker) -> Iterator[Additions]:
    added = Additions(build)
    try:
        yield added
    finally:
        added.take_back()


def chosen(build: BranchTaker, call: Call, scope: ValueScope) -> Sequence[Value | None]:
    """Add the branch of an If that is taken, or, if that is unknown, the one with more MACs."""
    branches = {name: call.operator.attributes.get(f"{name}_branch") for name in ("then", "else")}
    key = " ".join([*call.scopes, *call.operator.outputs[:1], str(len(build.steps))])
    condition = build.choices.get(key, call.input(0).number)
    if condition is not None:
        return _branch(build, branches["then" if condition else "else"], call, scope)
    tried: dict[str, tuple[Additions, Sequence[Value | None]]] = {}
    faults = []
    for name, branch in branches.items():
        try:
            with _tried(build) as added:
                outputs = _branch(build, branch, call, scope)
            tried[name] = (added, outputs)
        except CnncalcError as error:  # the shapes fit only the other branch
            faults.append(error)
    if not tried:
        raise faults[0]
    taken = max(tried, key=lambda name: tried[name][0].macs)
    added, outputs = tried[taken]
    words, decider = where(call.operator), call.input(0)
    build.undecided.append(Undecided(key, words, decider if decider.step is not None else None))
    added.put_back()
    why = "the only one that fits" if faults else "the one with more MACs"
    build.notes.append(f"{words} decides when it runs; its {taken} branch, {why}, is counted")
    return outputs


def macs_of(step: LayerStep) -> int:
    """Return the multiply-accumulates of a step, for one sample."""
    use = step.layer.apply(tuple([value.sample for value in step.inputs]))
    return use.macs * max(step.output.times, 1)


def _branch(build: BranchTaker, graph: object, call: Call, scope: ValueScope) -> Sequence[Value | None]:
    """Add one branch."""
    if not isinstance(graph, Subgraph):
        raise UnfitError("a branch is missing")
    name = call.operator.name
    return build.graph(graph, ValueScope(scope), (*call.scopes, name) if name else call.scopes)
