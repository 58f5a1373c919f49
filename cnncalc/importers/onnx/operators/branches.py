"""If: the branch that is taken, if that is known before the model runs; else the one that costs more.

https://onnx.ai/onnx/operators/onnx__If.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.model import Subgraph
from cnncalc.importers.onnx.readers import ValueScope
from cnncalc.importers.onnx.values import Call, UnfitError, Value


class Additions:
    """What the operators of a subgraph add to a builder; it can be removed, and be put back later.

    Attributes:
        added: the new items of each of the builder's lists and dictionaries, its steps first.
    """

    def __init__(self, build: Builder) -> None:
        """Remember what the builder has before the subgraph is added."""
        self.build = build
        self.quantizes = build.quantizes
        self.growing: list[list[Any] | dict[Any, Any]] = [
            build.steps, build.notes, build.undecided, build.one_sample_only, build.training, build.variable_rows,
            build.lost, build.read_by_lost, build.parameters, build.differences, build.statistics, build.dequantized,
        ]  # fmt: skip
        self.sizes = [len(items) for items in self.growing]
        self.added: list[Any] = []

    @property
    def macs(self) -> int:
        """The multiply-accumulates of the subgraph for one sample."""
        return sum([step.use.macs * step.copies for step in self.added[0]])

    def take_back(self) -> None:
        """Remove what was added to the builder since this object was made."""
        for items, size in zip(self.growing, self.sizes, strict=True):
            if isinstance(items, list):
                self.added.append(items[size:])
                del items[size:]
            else:
                self.added.append(dict([items.popitem() for _ in range(len(items) - size)][::-1]))
        self.quantizes, self.build.quantizes = self.build.quantizes, self.quantizes

    def put_back(self) -> None:
        """Add again what :meth:`take_back` removed."""
        for items, more in zip(self.growing, self.added, strict=True):
            if isinstance(items, list):
                items += more
            else:
                items.update(more)
        self.build.quantizes = self.quantizes


@operator("If")
def _if(build: Builder, call: Call) -> Sequence[Value | None]:
    """Add the branch that is taken; if it is not known, the one with more MACs of those that fit."""
    branches = {name: call.operator.attributes.get(f"{name}_branch") for name in ("then", "else")}
    key = " ".join([*call.scopes, *call.operator.outputs[:1], str(len(build.steps))])
    condition = build.choices.get(key, call.input(0).number)
    if condition is not None:
        return _branch(build, call, branches["then" if condition else "else"])
    tried: dict[str, tuple[Additions, Sequence[Value | None]]] = {}
    faults = []
    for name, branch in branches.items():
        added = Additions(build)
        try:
            tried[name] = (added, _branch(build, call, branch))
        except CnncalcError as error:  # the shapes may fit the other branch only
            faults.append(error)
        finally:
            added.take_back()
    if not tried:
        raise faults[0]
    taken = max(tried, key=lambda name: tried[name][0].macs)
    added, outputs = tried[taken]
    label, decider = call.operator.label, call.input(0)
    build.undecided.append((key, label, decider if decider.step is not None else None))
    added.put_back()
    why = "the only one that fits" if faults else "the one with more MACs"
    build.notes.append(f"{label} chooses its branch when it runs; its {taken} branch, {why}, is counted")
    return outputs


def _branch(build: Builder, call: Call, graph: object) -> Sequence[Value | None]:
    """Add the operators of one branch, and return its outputs."""
    if not isinstance(graph, Subgraph):
        raise UnfitError("a branch is missing")
    return build.graph(graph, ValueScope(build.scope), scopes_inside(call, graph, call.operator.name))


def scopes_inside(call: Call, body: Subgraph, name: str) -> tuple[str, ...]:
    """Return the scopes of a subgraph's operators: the names around them, unless their own are whole paths."""
    are_paths = any(item.scope or "/" in item.name for item in body.operators)
    return call.scopes if are_paths or not name else (*call.scopes, name)
