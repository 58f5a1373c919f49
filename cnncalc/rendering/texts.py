"""Texts of several pages: figures with their units, titles, labels, and names that are too long for their column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnncalc.figures.catalogue import BYTES, HEADINGS, SECONDS
from cnncalc.figures.fields import Field
from cnncalc.figures.selection import BLOCK
from cnncalc.figures.summary import Summary
from cnncalc.graph import Graph
from cnncalc.ground.numbers import bytes_text, duration, exact
from cnncalc.layers.shapes import Shape, crossed
from cnncalc.rendering.blocks import PageBlock, Paragraph
from cnncalc.rendering.cells import cells

KIND_STYLES = {"conv": "cyan", "fc": "magenta", "norm": "blue", BLOCK: "bold"}

NARROWEST_NAME = 20

LABEL = 13
"""Width of the labels of paragraphs."""


def title(of: Graph | Summary) -> str:
    """Return a page's title: the family and its variant."""
    return of.name if of.variant is None else f"{of.name} · {of.variant}"


def basis(summary: Summary, layout: str) -> str:
    """Return the basis of a summary's figures: ``input 3×32×32   batch 1   float32``.

    An input has its name with its shape, unless that is just ``input``.
    """
    shapes = {name: crossed(shape[1:], layout) for name, shape in summary.inputs.items()}
    inputs = ", ".join(shape if name == "input" else f"{name} {shape}" for name, shape in shapes.items())
    return f"input {inputs}   batch {summary.batch}   {summary.dtype}"


def labelled(lines: Iterable[tuple[str, str]]) -> list[PageBlock]:
    """Return labelled texts."""
    return [Paragraph(text, label=(label.ljust(LABEL), "dim")) for label, text in lines]


def section_depth(names: list[str], others: int, width: int | None) -> int:
    """Return the number of leading parts of names that must become headings, so that the rest fits."""
    deepest = max((name.count(".") for name in names), default=0)
    room = max(width - others, NARROWEST_NAME) if width is not None else None
    for depth in range(deepest + 1):
        if room is None or all(cells(section_of(name, depth)[1]) + 2 * (depth > 0) <= room for name in names):
            return depth
    return deepest


def section_of(name: str, depth: int) -> tuple[str, str]:
    """Split a dotted name after at most ``depth`` parts: ``stage1.bottleneck2`` and ``conv_bn1.conv1``."""
    parts = name.split(".")
    cut = min(depth, len(parts) - 1)
    return ".".join(parts[:cut]), ".".join(parts[cut:])


# --- figures ------------------------------------------------------------------------------------------------


def with_batch(shape: Shape, layout: str) -> str:
    """Return a shape whose first axis is the batch; the others in their layout."""
    return "×".join(filter(None, (crossed(shape[:1]), crossed(shape[1:], layout))))


def title_of(name: str) -> str:
    """Return a figure's title: ``MACs``; a figure outside the catalogue has its name as title."""
    return HEADINGS[name].title if name in HEADINGS else name


def figure_text(name: str, value: float) -> str:
    """Return a figure in its unit: a count exactly, bytes and seconds with a prefix."""
    unit = HEADINGS[name].unit
    return duration(value) if unit == SECONDS else bytes_text(int(value)) if unit == BYTES else exact(int(value))


def field_size(fields: Sequence[Field]) -> str:
    """Return ``3×3``, ``4×4 to 6×6`` if positions differ, or ``at most 9×9`` for an upper bound."""
    widest = crossed(tuple([field.size for field in fields]))
    if not all(field.is_exact for field in fields):
        return f"at most {widest}"
    if any(field.differs for field in fields):
        return f"{crossed(tuple([field.least for field in fields]))} to {widest}"
    return widest
