"""The vocabulary: all layer types, or one with its arguments, formulas and an example."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from cnncalc.layers.arguments import REQUIRED, Argument, value_text
from cnncalc.layers.base import Layer
from cnncalc.layers.shapes import crossed
from cnncalc.layers.symbols import Formula
from cnncalc.rendering.blocks import GAP, Cell, Column, PageBlock, Paragraph, Table, TableRow, Text
from cnncalc.rendering.cells import cells, left
from cnncalc.rendering.layout import under_headings
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import View, record_of


class TypesView(View):
    """All layer types, each with its family."""

    columns = ("type", "family", "kind", "named", "about")

    def __init__(self, types: Sequence[tuple[str, type[Layer]]]) -> None:
        self.types = types

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return all types, under the name of their family."""
        rows: list[tuple[str, TableRow]] = [
            (family, [Cell(f"  {one.type}", "cyan"), f"{one.stem}1", about(one)]) for family, one in self.types
        ]
        columns = [Column("type"), Column("named", drop=1), Column("what it does", folds=True)]
        below = "cnncalc layers conv shows one with its arguments and formulas."
        return [Table(columns, under_headings(rows)), GAP, Paragraph(below, "dim")]

    def document(self) -> dict[str, object]:
        return {"layers": self.records()}

    def records(self) -> list[dict[str, object]]:
        return [_record(family, layer) for family, layer in self.types]


class TypeView(TypesView):
    """One layer type; the formulas are those of its example."""

    def __init__(self, family: str, layer: type[Layer], formulas: Sequence[Formula]) -> None:
        super().__init__([(family, layer)])
        self.layer = layer
        self.formulas = formulas

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return what it does, its arguments, and an example with every figure calculated."""
        layer = self.layer
        names = f"   kind {layer.kind}, named {layer.stem}1, {layer.stem}2, …"
        blocks: list[PageBlock] = [Text([(layer.type, "bold"), (names, "dim")]), GAP]
        for text in _unmarked(inspect.cleandoc(layer.__doc__ or "")).split("\n\n"):
            blocks += [Paragraph(" ".join(text.split())), GAP]
        if layer.arguments:
            blocks += [*_arguments(layer), GAP]
        named = ", ".join(f"{name} {theirs}" for name, theirs in elsewhere(layer).items())
        if named:
            blocks += [Text([(f"elsewhere: {named}", "dim")]), GAP]
        return blocks + _example(layer, self.formulas, screen.width)

    def document(self) -> dict[str, object]:
        return self.records()[0]


def _record(family: str, layer: type[Layer]) -> dict[str, object]:
    return {
        "type": layer.type,
        "family": family,
        "kind": layer.kind,
        "named": f"{layer.stem}1",
        "about": about(layer),
        "arguments": {
            name: {"required": argument.default is REQUIRED, "default": default(argument), "help": argument.help}
            for name, argument in layer.arguments.items()
        },
        "elsewhere": elsewhere(layer),
        "example": record_of(layer.example, "item", "inputs", "output", "params", "macs", "flops"),
    }


def elsewhere(layer: type[Layer]) -> dict[str, str]:
    """Return the names of a type, on a map of two axes, in those of PyTorch, Keras and ONNX that have it."""
    names = {"PyTorch": layer.elsewhere.torch, "Keras": layer.elsewhere.keras, "ONNX": layer.elsewhere.onnx}
    return {name: theirs.partition("(")[0].replace("{d}", "2") for name, theirs in names.items() if theirs}


def about(layer: type[Layer]) -> str:
    """Return the first sentence of a type's documentation."""
    text = " ".join(inspect.cleandoc(layer.__doc__ or "").split("\n\n")[0].split())
    without_sources = re.sub(r" \([A-Z][^()]* (19|20)\d\d[^()]*\)", "", text)
    return _unmarked(without_sources.partition(". ")[0].rstrip("."))


def _unmarked(text: str) -> str:
    """Return documentation without markup, and ``*spatial`` as ``spatial…``."""
    text = re.sub(r"(?<![\w*])\*(\w+)\*(?![\w*])", r"\1", text.replace("``", ""))
    return re.sub(r"(?<![\w*])\*(\w+)", r"\1…", text)


def default(argument: Argument[object]) -> object:
    """Return an argument's default in a spec's notation; None if it has none."""
    return None if argument.default is REQUIRED else argument.default


def _arguments(layer: type[Layer]) -> list[PageBlock]:
    rows: list[TableRow] = []
    for name, argument in layer.arguments.items():
        is_required = argument.default is REQUIRED
        shown = "required" if is_required else "none" if argument.default is None else value_text(argument.default)
        also = f"; {'one of' if argument.only_words else 'or'} {', '.join(argument.words)}" if argument.words else ""
        style = "bold" if is_required else ""
        rows.append([Cell(name, "cyan"), argument.symbol, Cell(shown.strip("'"), style), argument.help + also])
    columns = [Column("argument"), Column("in formulas"), Column("default"), Column("meaning", folds=True)]
    blocks: list[PageBlock] = [Table(columns, rows)]
    principal, argument = next(iter(layer.arguments.items()))
    if argument.default is REQUIRED and sum(other.default is REQUIRED for other in layer.arguments.values()) == 1:
        blocks.append(Text([(f"A single value is the {principal}: - {layer.type}: …", "dim")]))
    return blocks


def _example(layer: type[Layer], formulas: Sequence[Formula], width: int | None) -> list[PageBlock]:
    example = layer.example
    item = f"- {example.item}" if not example.item.startswith("- ") else example.item
    inputs = " and ".join(crossed(shape) for shape in example.inputs)
    blocks: list[PageBlock] = [
        Text([("example", "bold")]),
        Text([(f"  {item}", "cyan")]),
        Text([(f"  on {inputs}:", "")]),
    ]
    return [*blocks, GAP, *formula_lines(formulas, width)]


def formula_lines(formulas: Sequence[Formula], width: int | None) -> list[Text]:
    """Return formulas, each with its numbers put in and the result."""
    widest = max((cells(formula.symbol) for formula in formulas), default=0)
    lines: list[Text] = []
    for formula in formulas:
        head = f"  {left(formula.symbol, widest)} = "
        text = " = ".join(formula.steps)
        if width is None or cells(head) + cells(text) <= width:
            lines.append(Text([(head, "dim"), (text, "")]))
            continue
        for place, part in enumerate(formula.steps):
            lines.append(Text([(head if place == 0 else " " * (cells(head) - 2) + "= ", "dim"), (part, "")]))
    return lines
