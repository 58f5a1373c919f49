"""One traced element: every channel's window, its filter and the products, then the sums."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, prod
from typing import TYPE_CHECKING

from cnncalc.layers.shapes import axis_names
from cnncalc.rendering.blocks import GAP, PageBlock, Paragraph, Text, Title
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.writers import SCHEMA_VERSION, View, real

if TYPE_CHECKING:
    from cnncalc.execution.trace import Trace
    from cnncalc.layers.element import ChannelTerm
    from cnncalc.layers.ops import Array

TextGrid = list[list[str]]

_PADDING = "·"
_LARGEST_WHOLE = 1e9
_TERMS = 10  # of a vector that are written out


class TraceView(View):
    """A traced element; the page writes out ``channels`` channels, and ``chooser`` is the option for more."""

    columns = ("what", "value")

    def __init__(self, trace: Trace, channels: int, chooser: str) -> None:
        self.trace = trace
        self.channels = channels
        self.chooser = chooser

    def page(self, screen: Screen) -> list[PageBlock]:
        """Return the page; of many channels the first ones are shown, but the sums of all."""
        lines, parts = _where(self.trace), self.trace.element.parts
        vector = bool(parts) and not self.trace.element.places
        for part in parts[: self.channels]:
            lines += _vector(part) if vector else _channel(part, screen.width)
        rest = parts[self.channels :]
        if rest:
            total = sum(part.total for part in rest)
            more = "1 more channel, which sums" if len(rest) == 1 else f"{len(rest)} more channels, which sum"
            lines += [Text([(f"… {more} to {rounded(total)} ({self.chooser} shows more)", "dim")]), GAP]
        return lines + _together(self.trace)

    def document(self) -> dict[str, object]:
        """Return a trace with all its numbers."""
        trace, element = self.trace, self.trace.element
        return {
            "schema_version": SCHEMA_VERSION,
            "layer": trace.node.name,
            "at": trace.at,
            "window": [{"first": first, "last": last} for first, last in element.places],
            "channels": [
                {
                    "channel": part.channel,
                    "window": _reals(part.window),
                    "padding": (part.inside == 0).tolist(),
                    "filter": None if part.weights is None else part.weights.tolist(),
                    "sum": real(part.total),
                }
                for part in element.parts
            ],
            "terms": {name: real(value) for name, value in element.terms.items()},
            "rule": element.rule,
            "result": real(element.result),
            "executor": real(trace.actual),
            "match": trace.matches,
        }

    def records(self) -> list[dict[str, object]]:
        return [self.document()]

    def rows(self, screen: Screen) -> Iterator[dict[str, object]]:
        """Yield one row per channel, then one per further term, then the result."""
        element = self.trace.element
        values = {f"channel {part.channel}": part.total for part in element.parts}
        values |= {**element.terms, "result": element.result, "executor": self.trace.actual}
        return ({"what": name, "value": value} for name, value in values.items())


def _reals(values: Array) -> object:
    """Return an array as lists of numbers, with null for numbers that JSON can't express."""
    return [_reals(part) for part in values] if values.ndim else real(values.item())


def _where(trace: Trace) -> list[PageBlock]:
    names = axis_names(len(trace.node.shape))
    place = ", ".join(f"{name} {index}" for name, index in zip(names, trace.at, strict=True))
    lines: list[PageBlock] = [Title(f"{trace.node.name} at {place}")]
    if trace.element.places:
        ends = zip(names[1:], trace.element.places, strict=True)
        spans = [f"{name} {rounded(first)}…{rounded(last)}" for name, (first, last) in ends]
        lines.append(Text([(f"its window is {', '.join(spans)} of the input{_outside(trace)}", "")]))
    return [*lines, GAP]


def _outside(trace: Trace) -> str:
    """Return a text on the window's places outside the map: padding, or past its end if the window overhangs."""
    layer, inputs = trace.node.layer, trace.node.use.inputs
    sizes = inputs[0][1:]
    window = layer.sliding(inputs)
    pads = window.pads if window else ((0, 0),) * len(sizes)
    over, padded, axes = [], False, axis_names(len(inputs[0]))[1:]
    for name, (first, last), size, (_, after) in zip(axes, trace.element.places, sizes, pads, strict=True):
        padded |= first < 0 or (after > 0 and last >= size)
        if last >= size + after:
            over.append(f"by {last + 1 - size - after} along {name}")
    what = ["padding"] * padded + [f"past the end, which the window overhangs {' and '.join(over)}"] * bool(over)
    return f"; {_PADDING} is {' or '.join(what)}" if what else ""


# --- channels ------------------------------------------------------------------------------------------------


def _channel(part: ChannelTerm, width: int | None) -> list[PageBlock]:
    """Return a channel's window, with its filter and the products beside it, or below if that is too wide."""
    window = _grid(part.window, part.inside)
    titled = [("window", window)]
    if part.weights is not None:
        titled += [("filter", _grid(part.weights)), ("products", _grid(part.window * part.weights))]
    blocks = [_block(title, grid) for title, grid in titled]
    head: PageBlock = Text([(f"channel {part.channel}", "cyan")])
    tail: list[PageBlock] = [Text([(f"sum {rounded(part.total)}", "")])] if part.weights is not None else []
    if width is not None and sum(len(block[0]) + 4 for block in blocks) > width:
        return [head, *[Text([(line.rstrip(), "")]) for block in blocks for line in block], *tail, GAP]
    rows = zip(*blocks, strict=True)
    return [head, *[Text([(("    ".join(row)).rstrip(), "")]) for row in rows], *tail, GAP]


def _grid(values: Array, inside: Array | None = None) -> TextGrid:
    """Return an array as rows of texts; leading axes are written below each other."""
    columns = values.shape[-1]
    flat = values.reshape(-1, columns)
    shown = flat == flat if inside is None else inside.reshape(-1, columns)
    whole = bool((values == values.round()).all() and abs(values).max() < _LARGEST_WHOLE)
    return [
        [rounded(value, whole) if there else _PADDING for value, there in zip(row.tolist(), mask.tolist(), strict=True)]
        for row, mask in zip(flat, shown, strict=True)
    ]


def _block(title: str, grid: TextGrid) -> list[str]:
    """Return a titled grid as lines of one length."""
    room = max(len(text) for row in grid for text in row)
    lines = ["  " + " ".join([text.rjust(room) for text in row]) for row in grid]
    longest = max(len(lines[0]), len(title) + 2)
    return [line.ljust(longest) for line in (f"  {title}", *lines)]


def _vector(part: ChannelTerm) -> list[PageBlock]:
    """Return the first products of two vectors, and what the others sum to."""
    assert part.weights is not None
    lines: list[PageBlock] = []
    products = (part.window * part.weights).tolist()
    pairs = zip(part.window.tolist(), part.weights.tolist(), products, strict=True)
    for index, (x, weight, product) in zip(range(_TERMS), pairs, strict=False):
        lines.append(Text([(f"  x[{index}]·w[{index}] = {rounded(x)} · {rounded(weight)} = {rounded(product)}", "")]))
    if len(products) > _TERMS:
        count, rest = len(products) - _TERMS, rounded(sum(products[_TERMS:]))
        more = "1 more product, which is" if count == 1 else f"{count:,} more products, which sum to"
        lines.append(Text([(f"  … {more} {rest}", "dim")]))
    return [*lines, GAP]


# --- sums ----------------------------------------------------------------------------------------------------


def _together(trace: Trace) -> list[PageBlock]:
    lines: list[PageBlock] = []
    if len(trace.element.parts) > 1:
        totals = [rounded(part.total) for part in trace.element.parts]
        total = rounded(sum(part.total for part in trace.element.parts))
        shown = totals if len(totals) <= 2 * _TERMS else [*totals[:_TERMS], "…", totals[-1]]
        lines.append(Paragraph(f"sum of {len(totals)} channels = {' + '.join(map(_bracketed, shown))} = {total}"))
    elif trace.element.parts:
        part = trace.element.parts[0]
        if part.weights is not None:
            count = prod(part.window.shape)
            lines.append(Text([(f"sum of {count:,} product{'s' * (count > 1)} = {rounded(part.total)}", "")]))
        elif "elements" in trace.element.terms:
            lines.append(Text([(f"sum of the window = {rounded(part.total)}", "")]))
    lines += [Text([(f"{name} = {rounded(value)}", "")]) for name, value in trace.element.terms.items()]
    lines.append(Text([(f"result = {trace.element.rule} = ", ""), (rounded(trace.element.result), "bold")]))
    if trace.matches:
        lines.append(Text([(f"the executor's value is {rounded(trace.actual)}: equal, except for rounding", "green")]))
    else:
        lines.append(Text([(f"the executor's value is {rounded(trace.actual)}: NOT equal", "bold red")]))
    return lines


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


def rounded(value: float, whole: bool | None = None) -> str:
    """Return a number with four significant digits; integers without a decimal point."""
    value += 0.0  # −0 becomes 0
    if not isfinite(value):
        return f"{value}".replace("inf", "∞").replace("-", "−")
    if whole is None:
        whole = value == round(value) and abs(value) < _LARGEST_WHOLE
    return (f"{value:.0f}" if whole else f"{value:.4g}").replace("-", "−")
