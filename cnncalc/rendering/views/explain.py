"""Explanations: one layer in full, or a whole network in a few lines per layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import prod

from cnncalc.figures.costs import sums
from cnncalc.figures.fields import Field
from cnncalc.graph import Graph
from cnncalc.ground.numbers import counted, exact, percent
from cnncalc.layers.base import KINDS
from cnncalc.layers.shapes import crossed
from cnncalc.layers.symbols import Formula
from cnncalc.rendering.blocks import GAP, PageBlock, Paragraph, Text, Title
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import field_size, title_of
from cnncalc.rendering.views.layers import about, formula_lines
from cnncalc.rendering.writers import View, record_of
from cnncalc.studies.explain.borders import Border
from cnncalc.studies.explain.explanation import Explanation, FieldGrowth, together

_MOST_RANGES = 6


class ExplainView(View):
    """Explanations: of the ``whole`` network in brief, of some layers in full."""

    columns = ("layer", "symbol", "expression", "numbers", "value")

    def __init__(self, network: Graph, explanations: Sequence[Explanation], whole: bool) -> None:
        self.network = network
        self.explanations = explanations
        self.whole = whole

    def page(self, screen: Screen) -> list[PageBlock]:
        if self.whole:
            return [*_heading(self.network, screen.layout), *_compact(self.explanations, screen)]
        blocks: list[PageBlock] = []
        for number, explanation in enumerate(self.explanations):
            blocks += [*([GAP] if number else []), *_full(explanation, screen)]
        return blocks

    def document(self) -> dict[str, object]:
        return {**record_of(self.network, "name", "variant"), "layers": self.records()}

    def records(self) -> list[dict[str, object]]:
        """Return one object per layer; shapes are without the batch axis."""
        return [_record(explanation) for explanation in self.explanations]

    def rows(self, screen: Screen) -> Iterator[dict[str, object]]:
        """Yield one row per formula."""
        for explanation in self.explanations:
            formulas = [*explanation.formulas]
            formulas += [one._replace(symbol=f"{one.symbol} bytes") for one in explanation.memory]
            for formula in [*formulas, *explanation.sharing]:
                yield {"layer": explanation.node.name, **formula._asdict()}


# --- the whole network ---------------------------------------------------------------------------------------


def _heading(network: Graph, layout: str) -> list[PageBlock]:
    """Return the network's description, and the sums of its totals."""
    inputs = ", ".join(f"{name} {crossed(tensor.shape, layout)}" for name, tensor in network.inputs.items())
    blocks: list[PageBlock] = [Title(network.title, inputs)]
    if network.source:
        blocks.append(Paragraph(network.source, "dim"))
    totals = sums(network.nodes)
    by_kind = {kind: sums([node for node in network.nodes if node.layer.kind == kind]) for kind in KINDS}
    for figure in ("params", "macs"):
        parts = [f"{kind} {exact(getattr(of, figure))}" for kind, of in by_kind.items() if getattr(of, figure)]
        total = f" = {exact(getattr(totals, figure))}" if len(parts) > 1 else ""
        blocks.append(Paragraph(f"{title_of(figure)} = {' + '.join(parts) or 0}{total}"))
    blocks.append(Text([(f"{counted(totals.layers, 'layer')}; FLOPs {exact(totals.flops)}", "")]))
    return [*blocks, GAP]


def _compact(explanations: Sequence[Explanation], screen: Screen) -> list[PageBlock]:
    """Return two to five lines per layer: its type, and the calculations of shape, params and MACs."""
    blocks: list[PageBlock] = []
    for explanation in explanations:
        blocks.append(_title(explanation, screen.layout))
        blocks += formula_lines([one._replace(expression=one.numbers) for one in _telling(explanation)], screen.width)
    return blocks


def _telling(explanation: Explanation) -> list[Formula]:
    """Return the formulas without those of kept axes and of figures that are 0."""
    rank = len(explanation.node.shape)
    shapes = together(explanation.formulas[:rank], explanation.node.shape)
    figures = [one for one in explanation.formulas[rank:] if one.value]
    left_out = ("bias", "buffers", "flops" if explanation.node.use.macs else "")
    computed = [one for one in shapes if one.numbers != exact(one.value)]
    return computed + [one for one in figures if one.symbol not in left_out]


def _title(explanation: Explanation, layout: str) -> Text:
    node = explanation.node
    came = " and ".join(crossed(shape, layout) for shape in node.use.inputs)
    label = node.layer.label()
    what = f"{node.layer.type} {label}".strip()
    return Text([(node.name, "bold"), (f"   {what}   ", ""), (f"{came} → {crossed(node.shape, layout)}", "cyan")])


# --- one layer, in full --------------------------------------------------------------------------------------


def _full(explanation: Explanation, screen: Screen) -> list[PageBlock]:
    """Return everything about one layer."""
    node, width = explanation.node, screen.width
    rank = len(node.shape)
    blocks: list[PageBlock] = [_title(explanation, screen.layout), Paragraph(f"{about(type(node.layer))}.")]
    blocks += [GAP, *_section("shape", together(explanation.formulas[:rank], node.shape), width)]
    blocks += _legend(explanation)
    blocks += _borders(explanation)
    blocks += [GAP, *_section("params, MACs, FLOPs", explanation.formulas[rank:], width)]
    if node.shares is not None:
        blocks.append(_indented(f"The weights are those of {node.shares.name} and are counted there: 0 params here."))
    elif node.params != node.use.params:
        text = "in the file, tensors are shared with an earlier layer, computed from others, or not learned"
        blocks.append(_indented(f"{exact(node.params)} params count here: {text}."))
    if node.use.flops is None:
        blocks.append(_indented(f"FLOPs of {node.layer.type} are not defined, and not in any total."))
    blocks += [GAP, *_section("bytes", explanation.memory, width)]
    if explanation.growth:
        blocks += [GAP, Title("receptive field"), *_growth_texts(explanation.growth)]
    if explanation.sharing:
        blocks += [GAP, *_section("weight sharing", explanation.sharing, width), _sharing_text(explanation)]
    return blocks


def _legend(explanation: Explanation) -> list[Paragraph]:
    """Return the arguments behind the symbols of the formulas."""
    letters = set(re.findall(r"\w+", " ".join([one.expression for one in explanation.formulas])))
    found = []
    for name, argument in explanation.node.layer.arguments.items():
        own = {argument.symbol, *[letter for letter in letters if letter.startswith(f"{argument.symbol}_")]}
        if argument.symbol and own & letters and not argument.symbol.endswith(("_out", "_in")):
            found.append(f"{argument.symbol} {name}")
    return [Paragraph(", ".join(found), "dim", ("  ", ""))] if found else []


def _section(title: str, formulas: Sequence[Formula], width: int | None) -> list[PageBlock]:
    return [Title(title), *formula_lines(formulas, width)]


def _indented(text: str) -> Paragraph:
    return Paragraph(text, label=("  ", ""))


# --- borders -------------------------------------------------------------------------------------------------


def _borders(explanation: Explanation) -> list[Paragraph]:
    """Return what padding does, and what no window reaches."""
    if not explanation.borders:
        return []
    texts = [_padding_text(explanation) + _overhang(explanation.borders)]
    alike: dict[Border, list[str]] = {}
    for border in explanation.borders:
        if border.lost:
            alike.setdefault(border._replace(axis=""), []).append(border.axis)
    texts += [_lost_text(border, axes) for border, axes in alike.items()]
    if not any(border.lost for border in explanation.borders):
        texts.append(_nothing_lost(explanation.borders))
    return [_indented(text) for text in texts if text]


def _padding_text(explanation: Explanation) -> str:
    borders, pool = explanation.borders, explanation.node.layer.kind == "pool"
    if not any(max(border.pad) for border in borders):
        if all(border.window == 1 for border in borders):
            return ""
        shrinks = f"shrinks from {_by(borders, 'size')} to {_by(borders, 'positions')}"
        if any(border.over for border in borders):
            return f"No padding: the map {shrinks}. "
        return f"No padding: every window lies in the map, which {shrinks}."
    pads = {border.pad for border in borders}
    padded = crossed([border.size + sum(border.pad) for border in borders])
    what = "Padding" if pool else "Zero padding"
    if len(pads) == 1:
        before, after = pads.pop()
        around = f"{before} on every side" if before == after else f"{before} before and {after} after each axis"
    else:
        around = ", ".join(f"{border.pad[0]} before and {border.pad[1]} after {border.axis}" for border in borders)
    fit = f"{_by(borders, 'positions')} windows fit, "
    text = f"{what} of {around} makes {_by(borders, 'size')} into {padded}: {fit}"
    text += (
        f"without it {_by(borders, 'unpadded')}. "
        if all(border.unpadded for border in borders)
        else "without it none. "
    )
    if all(border.positions == border.size for border in borders):
        text += "So the size is kept. "
    share = percent(explanation.padded_share)
    if pool:
        ignored = explanation.node.layer.type == "maxpool"
        padding = "padding, or past its end" if any(border.over for border in borders) else "padding"
        return text + f"{share} of what the windows hold is {padding}{', which never wins. ' if ignored else '. '}"
    return text + f"{share} of the products are with a zero; they are counted all the same."


def _overhang(borders: Sequence[Border]) -> str:
    """Return the overhang of the last window over the end of the map or its padding, if any."""
    hanging = [border for border in borders if border.over]
    if not hanging:
        return ""
    end = "padded map" if any(max(border.pad) for border in hanging) else "map"
    by = {border.over for border in hanging}
    axes = ", ".join([border.axis if len(by) == 1 else f"{border.axis} by {border.over}" for border in hanging])
    amount = f" by {by.pop()} along {axes}" if len(by) == 1 else f": {axes}"
    return f"Rounded up, the last window overhangs the end of the {end}{amount}; elements past it do not count."


def _by(borders: Sequence[Border], name: str) -> str:
    return crossed([getattr(border, name) for border in borders])


def _lost_text(border: Border, axes: Sequence[str]) -> str:
    """Return which elements no window reads, the same along each of some axes."""
    lost = border.lost or ()
    count = sum([last - first + 1 for first, last in lost])
    shown = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in lost[:_MOST_RANGES])
    more = ", …" if len(lost) > _MOST_RANGES else ""
    words = {"H": "row", "W": "column"} if set(axes) <= {"H", "W"} else {}
    what = " and ".join([words.get(axis, f"{axis} position") + ("s" if count > 1 else "") for axis in axes])
    text = f"Lost: {what} {shown}{more} ({count} of {border.size}, counted from 0), read by no window"
    free = f"{border.size} − {border.window}" + (f" + {border.pad[0]} + {border.pad[1]}" if any(border.pad) else "")
    if border.stride <= border.window and len(lost) == 1:
        return f"{text}: {free} is not a multiple of the stride {border.stride}."
    return f"{text}: the stride {border.stride} steps over them."


def _nothing_lost(borders: Sequence[Border]) -> str:
    """Return that every element is read, and which padding is not."""
    beyond = [border for border in borders if border.beyond]
    if any(border.lost is None for border in borders):
        return ""
    text = "Every element of the map is read by some window"
    if not beyond:
        padded = any(max(border.pad) for border in borders) and not any(border.over for border in borders)
        return text + ("; the windows end where the padded map ends." if padded else ".")
    last = ", ".join(f"{border.beyond} of {border.axis}" for border in beyond)
    return f"{text}; only padding is left over after the last window ({last})."


# --- receptive field, sharing --------------------------------------------------------------------------------


def _growth_texts(growth: Sequence[FieldGrowth]) -> list[PageBlock]:
    """Return a text for the axes along which the field grows alike."""
    alike: dict[tuple[object, ...], list[FieldGrowth]] = {}
    for one in growth:
        alike.setdefault((_figures(one.incoming), one.window, one.stride, _figures(one.field)), []).append(one)
    lines: list[PageBlock] = []
    for one, *others in alike.values():
        before, field = one.incoming, one.field
        sum_ = f"{before.size} + ({one.window} − 1)·{before.jump} = {field.size} of the input"
        if one.window is None or one.stride is None:
            as_before = ": the same as its input" if _figures(before) == _figures(field) else ""
            average = " on average" if field.differs else ""
            step = "the same at every position" if field.is_whole else f"a step of {field.jump} apart"
            text = f"{field_size([field])} of the input, {step}{average}{as_before}"
        elif field.is_whole:
            text = f"{sum_}, the same at every position"
        else:
            text = f"{sum_}, a step of {before.jump}·{one.stride} = {field.jump} apart"
        axes = ", ".join([one.axis, *[other.axis for other in others]])
        lines.append(Paragraph(f"sees {text}", label=(f"  {axes}  ", "dim")))
    return lines


def _figures(field: Field) -> tuple[object, ...]:
    return field.size, field.least, field.jump, field.offset


def _sharing_text(explanation: Explanation) -> Paragraph:
    node = explanation.node
    shared, unshared, connected = [one.value for one in explanation.sharing]
    if node.layer.type == "locally_connected":
        text = "Each position has its own filters; shared ones would be those of a convolution. "
    else:
        text = f"Every filter serves all {crossed(node.shape[1:])} positions. "
    text += f"Unshared takes {unshared / shared:,.0f} times as many, fully connected {connected / shared:,.0f} times"
    bias = f"; the last two are without biases; one for every output adds {exact(prod(node.shape))}"
    return _indented(f"{text}{bias if 'bias' in node.use.weights else ''}.")


# --- for scripts ---------------------------------------------------------------------------------------------


def _record(explanation: Explanation) -> dict[str, object]:
    node = explanation.node
    return {
        "layer": node.name,
        "type": node.layer.type,
        "about": about(type(node.layer)),
        "input_shapes": node.use.inputs,
        "output_shape": node.shape,
        "formulas": [formula._asdict() for formula in explanation.formulas],
        "bytes": {formula.symbol: formula.value for formula in explanation.memory},
        "receptive_field": [_growth_record(one) for one in explanation.growth],
        "borders": [border._asdict() for border in explanation.borders],
        "padded_share": explanation.padded_share,
        "sharing": {formula.symbol.replace(" ", "_"): formula.value for formula in explanation.sharing},
        "shares_weights_of": node.shares.name if node.shares else None,
    }


def _growth_record(one: FieldGrowth) -> dict[str, object]:
    field = one.field
    figures = {"size": float(field.size), "stride": float(field.jump), "offset": float(field.offset)}
    whole = {name: int(value) if value.is_integer() else value for name, value in figures.items()}
    return {"axis": one.axis, **whole, "least": field.least, "exact": field.is_exact}
