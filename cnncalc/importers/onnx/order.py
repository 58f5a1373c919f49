"""The order in which the operators of a graph or a function run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.importers.onnx.model import OnnxOperator, Subgraph


def reads(item: OnnxOperator) -> Iterator[str]:
    """Yield the names of the values that an operator reads, its subgraphs included."""
    yield from item.inputs
    for value in item.attributes.values():
        if isinstance(value, Subgraph):
            yield from [name for inner in value.operators for name in reads(inner)]
            yield from [port.name for port in value.outputs]


def unread(graph: Subgraph) -> set[str]:
    """Return the names of the inputs that no operator reads, of several; Keras's exporter leaves such."""
    names = {port.name for port in graph.inputs} - graph.stored.keys()
    if len(names) < 2:
        return set()
    read = {name for item in graph.operators for name in reads(item)} | {port.name for port in graph.outputs}
    return names - read if names & read else set()


def in_order(operators: Sequence[OnnxOperator]) -> Sequence[OnnxOperator]:
    """Return each operator after those whose outputs it reads.

    The standard demands that order of a file.  ONNX Runtime does not, and its converter to float16 appends the casts of
    inputs at the end.  Operators that read each other stay where they are.
    """
    waiting = {name for item in operators for name in item.outputs if name}
    for item in operators:
        if not waiting.isdisjoint(reads(item)):
            return _sorted(operators)
        waiting.difference_update(item.outputs)
    return operators


def _sorted(operators: Sequence[OnnxOperator]) -> list[OnnxOperator]:
    makers = {name: item for item in operators for name in item.outputs if name}
    entered: set[int] = set()
    placed: dict[int, OnnxOperator] = {}
    for item in operators:
        stack = [item]
        while stack:
            top = stack[-1]
            if id(top) in entered:  # for the second time: what it reads is in place
                placed.setdefault(id(top), stack.pop())
            else:
                entered.add(id(top))
                needed = [makers[name] for name in reads(top) if name in makers]
                stack += [maker for maker in reversed(needed) if id(maker) not in entered]
    return list(placed.values())
