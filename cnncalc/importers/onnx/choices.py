"""An If: the branch that is taken, as far as that is known before the model runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.model import Subgraph
from cnncalc.importers.onnx.values import Call, LayerStep, UnfitError, Value, ValueScope, where


class Undecided(NamedTuple):
    """A choice that is made when the model runs.

    Attributes:
        key: what the choice is called where it is made for another pass.
        words: what its operator is called in messages.
        condition: what is not 0 where the then branch is taken; None where layers don't make it.
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
    depth: int
    call: Call

    def graph(self, graph: Subgraph, scope: ValueScope, scopes: tuple[str, ...] = ()) -> list[Value | None]:
        """Take in a graph; return its outputs."""


def chosen(build: BranchTaker, call: Call, scope: ValueScope) -> Sequence[Value | None]:
    """Take in the branch of an If that is taken, or the heavier one where that is not known."""
    branches = {name: call.operator.attributes.get(f"{name}_branch") for name in ("then", "else")}
    key = " ".join([*call.scopes, *call.operator.outputs[:1], str(len(build.steps))])
    condition = build.choices.get(key, call.input(0).number)
    if condition is not None:
        return _branch(build, branches["then" if condition else "else"], call, scope)
    tried: dict[str, tuple[int, list[LayerStep], list[Undecided], Sequence[Value | None]]] = {}
    faults = []
    for name, branch in branches.items():
        begun, depth, open_before = len(build.steps), build.depth, len(build.undecided)
        try:
            outputs = _branch(build, branch, call, scope)
            macs = sum(macs_of(step) for step in build.steps[begun:])
            tried[name] = macs, build.steps[begun:], build.undecided[open_before:], outputs
        except CnncalcError as error:  # shapes that only the other one is for
            faults.append(error)
            build.depth, build.call = depth, call
        del build.steps[begun:], build.undecided[open_before:]
    if not tried:
        raise faults[0]
    taken = max(tried, key=lambda name: tried[name][0])
    _, steps, inner, outputs = tried[taken]
    words, decider = where(call.operator), call.input(0)
    build.undecided += [Undecided(key, words, decider if decider.step is not None else None), *inner]
    build.steps += steps
    why = "the only one that fits" if faults else "the heavier one"
    build.notes.append(f"{words} decides when it runs; its {taken} branch, {why}, is counted")
    return outputs


def macs_of(step: LayerStep) -> int:
    """Return the multiply-accumulates of a step, for one sample."""
    use = step.layer.apply(tuple([value.sample for value in step.inputs]))
    return use.macs * max(step.output.times, 1)


def _branch(build: BranchTaker, graph: object, call: Call, scope: ValueScope) -> Sequence[Value | None]:
    """Take in one branch."""
    if not isinstance(graph, Subgraph):
        raise UnfitError("a branch is missing")
    name = call.operator.name
    return build.graph(graph, ValueScope(scope), (*call.scopes, name) if name else call.scopes)
