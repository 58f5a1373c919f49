"""Timeloop's problems: a file for each different product of a network, complete in itself (version 0.4).

Dimensions are called as in Timeloop's own examples: N samples, C input and M output channels, R and S the filter's
width and height, P and Q the output's, G groups; a third spatial axis has the filter's depth T and the output's
depth O.  Rows of a matrix lie along P.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from cnncalc.exporters.contracted import Product, coverage, products
from cnncalc.exporters.formats import Options
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_PROBLEMS
from cnncalc.ground.numbers import counted, first_of
from cnncalc.ground.places import Fault, SpecError
from cnncalc.layers.contractions import Contraction, WindowedAxis

AXES = (("R", "P", "W"), ("S", "Q", "H"), ("T", "O", "D"))
"""Names for the last axis and those before it: taps of the filter, positions of the output, prefix of the strides."""

TABLE = "layers.csv"
"""The file with the number of uses and the layers of each problem."""

SHOWN = 8
"""Most layers that a file's comment names."""


class Problem(NamedTuple):
    """A contraction with the layers that have it, and the number of its uses."""

    contraction: Contraction
    names: list[str]
    uses: int


def export(graph: Graph, options: Options) -> Iterator[bytes]:
    """Yield the problems as documents of one text.

    Raises:
        CnncalcError: if no layer has MACs.
        SpecError: if a convolution has more axes than have names.
    """
    for number, (name, data) in enumerate(files(graph, options)):
        if name != TABLE:
            yield (b"---\n" if number else b"") + data


def files(graph: Graph, options: Options) -> Iterator[tuple[str, bytes]]:
    """Yield each problem as a file, with its name, and a table of all.

    Raises:
        CnncalcError: as :func:`export` does.
    """
    found = list(products(graph))
    if not found:
        raise CnncalcError(f"'{graph.title}' has no layer with MACs, which is all that Timeloop maps")
    _refuse_many_axes(found)
    problems = distinct(found)
    if len(problems) > MAX_PROBLEMS:
        raise CnncalcError(
            f"'{graph.title}' has {len(problems):,} different products; at most {MAX_PROBLEMS:,} are files"
        )
    width = len(str(len(problems) - 1))
    rows = ["file,uses,macs,layers"]
    for number, problem in enumerate(problems):
        name = f"{number:0{width}}_{_plain(problem.names[0])}.yaml"
        rows.append(f"{name},{problem.uses},{problem.uses * problem.contraction.macs},{' '.join(problem.names)}")
        instance_line = f"  instance: {_flow(instance(problem.contraction))}"
        lines = [_comment(problem), "problem:", "  version: 0.4", instance_line, shape(len(problem.contraction.axes))]
        yield name, ("\n".join(lines) + "\n").encode()
    yield TABLE, ("\n".join(rows) + "\n").encode()
    if options.report is not None:
        options.report(f"{coverage(graph, found)}; {counted(len(problems), 'problem')}")


def distinct(found: list[Product]) -> list[Problem]:
    """Return the different contractions in the order of their first use; each turn is a use."""
    alike: dict[Contraction, list[Product]] = {}
    for product in found:
        alike.setdefault(product.contraction._replace(turns=1), []).append(product)
    return [
        Problem(contraction, [one.name for one in several], sum([one.contraction.turns for one in several]))
        for contraction, several in alike.items()
    ]


def _refuse_many_axes(found: list[Product]) -> None:
    """Refuse convolutions on more axes than have names.  Raises SpecError."""
    faults = [
        Fault(
            f"'{node.name}' is of type {node.layer.type}, but a problem of Timeloop's has names for {len(AXES)} "
            f"spatial axes, and none for {len(contraction.axes)}",
            node.origin,
        )
        for _, node, contraction in found
        if len(contraction.axes) > len(AXES)
    ]
    if faults:
        raise SpecError(faults)


def instance(contraction: Contraction) -> dict[str, int]:
    """Return the sizes of a problem, those of 1 included, as Timeloop's examples have them."""
    sizes = {"N": 1, "C": contraction.channels, "M": contraction.filters, "G": contraction.groups}
    axes = [*contraction.axes[::-1]] or [WindowedAxis(1, 1, 1, contraction.rows)]  # a matrix has rows as windows
    for (tap, place, letter), axis in zip(AXES, [*axes, *[WindowedAxis(1, 1, 1, 1)] * (2 - len(axes))], strict=False):
        sizes |= {tap: axis.kernel, place: axis.windows}
        sizes |= {f"{letter}stride": axis.stride, f"{letter}dilation": axis.dilation}
    return sizes


@cache
def shape(count: int) -> str:
    """Return the lines that all problems of one number of spatial axes have in common."""
    axes = AXES[: max(count, 2)]
    sums = [[[tap, f"{letter}dilation"], [place, f"{letter}stride"]] for tap, place, letter in axes]
    taps, places = [tap for tap, _, _ in axes], [place for _, place, _ in axes]
    coefficients = [f"{letter}{what}" for what in ("stride", "dilation") for _, _, letter in axes]
    outputs = [[[name]] for name in ("N", "M", *places[::-1], "G")]
    spaces = [
        {"name": "Weights", "projection": [[[name]] for name in ("C", "M", *taps, "G")]},
        {"name": "Inputs", "projection": [[["N"]], [["C"]], *sums, [["G"]]]},
        {"name": "Outputs", "projection": outputs, "read_write": True},
    ]
    lines = [
        "  shape:",
        "    name: CNN_Layer",
        "    coefficients:",
        *[f"    - {_flow({'name': name, 'default': 1})}" for name in coefficients],
        f"    dimensions: {_flow(['C', 'M', *taps, 'N', *places, 'G'])}",
        "    data_spaces:",
        *[f"    - {_flow(space)}" for space in spaces],
    ]
    return "\n".join(lines)


def _comment(problem: Problem) -> str:
    once = "once" if problem.uses == 1 else f"{problem.uses:,} times"
    macs = f"{problem.contraction.macs:,} MACs"
    return f"# {macs}, {once}: {first_of(problem.names, SHOWN)}"


def _flow(value: object) -> str:
    """Return a value in one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join([f"{key}: {_flow(inner)}" for key, inner in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([_flow(item) for item in value]) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _plain(name: str) -> str:
    """Return a layer's name as a part of a file's name."""
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[:80]
