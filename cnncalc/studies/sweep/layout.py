"""The figures of a network on traced numbers, as a row of results."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

from cnncalc.figures.memory import alive_elements
from cnncalc.graph import Graph
from cnncalc.ground.numeric import larger
from cnncalc.studies.sweep.points import Measure, usual_figures
from cnncalc.studies.sweep.traced import Traceable, Traced


class ResultLayout(NamedTuple):
    """The meaning of a program's results, in order."""

    figures: tuple[str, ...]
    output: int
    inputs: dict[str, int]
    uncounted: tuple[str, ...]


def laid_out(network: Graph, measure: Measure) -> tuple[ResultLayout, list[int]]:
    """Return the figures of a network that was built on traced numbers, as a list of numbers and its layout."""
    figures = usual_figures(network, measure, _peak(network, measure.batch))
    counts = {name: figure for name, figure in figures.items() if not isinstance(figure, tuple)}
    output = next(reversed(network.outputs.values())).shape
    inputs = {name: tensor.shape for name, tensor in network.inputs.items()}
    uncounted = tuple(sorted({node.use.layer.type for node in network.nodes if node.use.flops is None}))
    layout = ResultLayout(tuple(counts), len(output), {name: len(shape) for name, shape in inputs.items()}, uncounted)
    results = [*counts.values(), *output, *[size for shape in inputs.values() for size in shape]]
    return layout, results


def _peak(network: Graph, batch: int) -> int:
    """Return the most elements alive at one step: the maximum of those sums that no other always exceeds."""
    kept: list[int] = []
    for alive, _ in alive_elements(network, batch):
        if not any(_exceeds(other, alive) for other in kept):
            kept = [other for other in kept if not _exceeds(alive, other)]
            kept.append(alive)
    return reduce(larger, kept)


def _exceeds(a: Traceable, b: Traceable) -> bool:
    """Return whether a sum is at least another one for all numbers: no part of it is less."""
    if (a.low if type(a) is Traced else a) >= (b.high if type(b) is Traced else b):
        return True
    if type(a) is not Traced or type(b) is not Traced or a.constant < b.constant:
        return False
    entries = a.tape.entries
    for number in a.terms.keys() | b.terms.keys():
        if a.terms.get(number, 0) < b.terms.get(number, 0) or entries[number].interval[0] < 0:
            return False
    return True
