"""Charts of a network as SVG: compute against parameters, memory over time, roofline, receptive field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import nlargest
from math import log10
from typing import NamedTuple

from cnncalc.drawing.colours import BAR, COLOURS, INK, LINE, MUTED, SKIP
from cnncalc.drawing.letters import fitted, text_width
from cnncalc.drawing.svg import escaped
from cnncalc.figures.costs import DTYPES
from cnncalc.figures.memory import alive_elements
from cnncalc.figures.roofline import Machine, estimate
from cnncalc.figures.summary import Summary, share
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.numbers import bytes_text, percent, short

WIDTH, LEFT, RIGHT = 600, 70, 590
MOST_STEPS = 640
"""Most layers of a network whose every tensor is drawn; of larger networks sums over neighbours are."""

WAITS = 12
"""Steps between a tensor's birth and its last reading beyond which it is drawn as waiting."""


class Chart(NamedTuple):
    """A chart: its title, a description in words, and its picture."""

    title: str
    says: str
    svg: str


def charts(graph: Graph, summary: Summary, machine: Machine) -> list[Chart]:
    """Return the charts of a network; ``machine`` is the roofline's."""
    found = [contrast(summary), memory(graph, summary), roofline(graph, summary, machine), field(graph, summary)]
    return [chart for chart in found if chart is not None]


def _svg(height: int, label: str, pieces: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escaped(label)}" font-size="12">'
        f"{''.join(pieces)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "start", style: str = "ink") -> str:
    fill = MUTED if style == "muted" else INK
    return f'<text class="{style}" x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{fill}">{escaped(text)}</text>'


def _rect(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    tint, border = COLOURS[kind]
    inner = f"<title>{escaped(title)}</title>" if title else ""
    return (
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{tint}" '
        f'stroke="{border}" stroke-width=".6">{inner}</rect>'
    )


def _rule(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path class="line" d="M{x:g} {y:g}L{to_x:g} {to_y:g}" fill="none" stroke="{LINE}" stroke-width=".7"/>'


# --- compute and parameters ----------------------------------------------------------------------------------


def contrast(summary: Summary) -> Chart:
    """Return the chart of MACs, params and activation memory, each divided among the kinds of layers."""
    outputs: dict[str, int] = {}
    for row in summary.rows:
        outputs[row.kind] = outputs.get(row.kind, 0) + row.output_bytes
    rows = [
        ("MACs", {kind: one.macs for kind, one in summary.kinds.items()}),
        ("params", {kind: one.params for kind, one in summary.kinds.items()}),
        ("outputs", {kind: outputs.get(kind, 0) for kind in summary.kinds}),
    ]
    pieces, said = [], []
    for number, (title, parts) in enumerate(rows):
        y, x, whole = 8 + 40 * number, float(LEFT), sum(parts.values())
        pieces.append(_text(LEFT - 8, y + 18, title, "end"))
        for kind, part in parts.items():
            length = (RIGHT - LEFT) * share(part, whole)
            if not length:
                continue
            label = f"{kind} {percent(share(part, whole))}"
            pieces.append(_rect(round(x, 1), y, round(length, 1), 26, kind, f"{title}: {label}"))
            if text_width(label, 12) + 8 < length:
                pieces.append(_text(round(x + 6, 1), y + 18, label))
            x += length
        parts_text = [f"{kind} {percent(share(part, whole))}" for kind, part in parts.items() if part]
        said.append(f"{title}: {', '.join(parts_text) or 'none'}")
    return Chart("Compute and parameters", ". ".join(said) + ".", _svg(130, ". ".join(said), pieces))


# --- memory over time ----------------------------------------------------------------------------------------


def memory(graph: Graph, summary: Summary) -> Chart | None:
    """Return the chart of the tensors that are alive at each step, stacked; waiting ones have the colour of skips."""
    steps = len(graph.nodes)
    if not steps:  # a model file may return its input
        return None
    unit = summary.totals.memory.peak
    scale = 200 / unit if unit else 0.0
    across = (RIGHT - LEFT) / steps
    bytes_of = _bytes_of(graph, summary)
    sums = [alive for alive, node in alive_elements(graph) if node is not None]
    peak_step = max(range(steps), key=sums.__getitem__)
    at_peak = alive_between(graph, peak_step, peak_step + 1)[0]
    names = nlargest(3, at_peak, key=bytes_of.__getitem__)
    alive = ", ".join([f"{tensor.name} ({bytes_text(bytes_of[tensor])})" for tensor in names])
    more = " and more" if len(at_peak) > 3 else ""
    at = summary.totals.memory.peak_at or graph.nodes[0].name
    says = f"The peak is {bytes_text(unit)}, at {at}, with {alive}{more} alive."
    heights = {22: bytes_text(unit), 122: bytes_text(unit // 2), 222: "0"}
    pieces = [
        *(_text(LEFT - 8, y + 4, text, "end") for y, text in heights.items()),
        *(_rule(LEFT, y, RIGHT, y) for y in heights),
        _text(LEFT, 242, "step 1", style="muted"),
        _text(RIGHT, 242, f"step {steps:,}", "end", "muted"),
    ]
    if steps <= MOST_STEPS:
        last = graph.last_reads()
        if any(isinstance(tensor, Node) and end - tensor.index > WAITS for tensor, end in last.items()):
            says += f" Violet: what waits more than {WAITS} steps to be read."
        pieces += _tensors(graph, alive_between(graph, 0, steps), bytes_of, scale, across)
    else:
        pieces += _sums(sums, 200 / max(sums))
    x = LEFT + across * (peak_step + 0.5)
    pieces.append(f'<path class="bar" d="M{x:.1f} 22l-5 -9h10z" fill="{BAR}"/>')
    return Chart("Memory over time", says, _svg(250, says, pieces))


def _bytes_of(graph: Graph, summary: Summary) -> dict[Tensor, int]:
    """Return the bytes of every tensor, for the whole batch."""
    found: dict[Tensor, int] = {row.node: row.output_bytes for row in summary.rows}
    for tensor in graph.inputs.values():
        found[tensor] = tensor.elements(summary.batch) * DTYPES[summary.dtype]
    return found


def alive_between(graph: Graph, start: int, end: int) -> list[list[Tensor]]:
    """Return, for each node from ``start`` to before ``end``, the tensors that are alive while it runs, oldest first.

    They are those that :func:`cnncalc.figures.memory.alive_elements` counts.
    """
    last = graph.last_reads()
    found: list[list[Tensor]] = [[] for _ in range(end - start)]
    tensors: list[tuple[Tensor, int]] = [(tensor, 0) for tensor in graph.inputs.values() if tensor in last]
    tensors += [(node, node.index) for node in graph.nodes]
    for tensor, born in tensors:
        for step in range(max(born, start), min(last.get(tensor, born) + 1, end)):
            found[step - start].append(tensor)
    return found


def _tensors(
    graph: Graph, alive: Sequence[Sequence[Tensor]], bytes_of: dict[Tensor, int], scale: float, across: float
) -> Iterator[str]:
    """Yield, kind by kind, one path with the tensors: a rectangle for every time that one stays at a height."""
    last = graph.last_reads()
    drawn: dict[str, list[str]] = {}
    running: dict[Tensor, tuple[int, float]] = {}
    for step in range(len(alive) + 1):
        order = sorted(alive[step], key=lambda tensor: -last.get(tensor, step)) if step < len(alive) else []
        places, top = {}, 0.0
        for tensor in order:
            places[tensor] = top
            top += bytes_of[tensor] * scale
        for tensor, (since, place) in [*running.items()]:
            if places.get(tensor) != place:
                x, width, height = LEFT + since * across, (step - since) * across, bytes_of[tensor] * scale
                born = tensor.index if isinstance(tensor, Node) else 0
                waits = last.get(tensor, born) - born > WAITS and step - since > 1
                kind = "waits" if waits else tensor.layer.kind if isinstance(tensor, Node) else "input"
                drawn.setdefault(kind, []).append(f"M{x:.1f} {222 - place:.1f}v{-height:.1f}h{width:.1f}v{height:.1f}z")
                del running[tensor]
        for tensor, place in places.items():
            running.setdefault(tensor, (step, place))
    for kind, shapes in drawn.items():
        if kind == "waits":
            yield f'<path class="skiphead" d="{"".join(shapes)}" fill="{SKIP}" stroke="#fff" stroke-width=".4"/>'
        else:
            tint, border = COLOURS[kind]
            yield f'<path class="{kind}" d="{"".join(shapes)}" fill="{tint}" stroke="{border}" stroke-width=".5"/>'


def _sums(sums: Sequence[int], scale: float) -> Iterator[str]:
    """Yield an area: the largest sum of live bytes in each visible interval of time."""
    points = []
    for number in range(MOST_STEPS):
        start, end = len(sums) * number // MOST_STEPS, len(sums) * (number + 1) // MOST_STEPS
        points.append(f"{LEFT + (RIGHT - LEFT) * number / MOST_STEPS:.1f} {222 - max(sums[start:end]) * scale:.1f}")
    tint, border = COLOURS["conv"]
    outline = f"M{LEFT} 222L{'L'.join(points)}L{RIGHT} 222z"
    yield f'<path class="conv" d="{outline}" fill="{tint}" stroke="{border}" stroke-width=".6"/>'


# --- roofline ------------------------------------------------------------------------------------------------


def roofline(graph: Graph, summary: Summary, machine: Machine) -> Chart | None:
    """Return the chart of the layers' speed against FLOPs per byte, under a machine's roof; None without FLOPs.

    The area of a layer's circle grows with its time (Williams, Waterman and Patterson 2009, "Roofline").
    """
    found = [(node, estimate(node, machine, summary.batch, DTYPES[summary.dtype])) for node in graph.nodes]
    found = [(node, one) for node, one in found if one.seconds > 0 and one.flops > 0]
    whole = sum(one.seconds for _, one in found)
    if not found:
        return None
    bound = sum(one.seconds for _, one in found if one.bound == "memory")
    slow = nlargest(4, found, key=lambda pair: pair[1].seconds)
    on = f"{short(machine.flops)}FLOP/s and {short(machine.bandwidth)}B/s"
    says = (
        f"On a machine of {on}, {percent(share(bound, whole))} of the time is bound by memory. "
        f"The slowest: {', '.join([node.name for node, _ in slow])}."
    )
    least = min(log10(min(one.intensity for _, one in found)), log10(machine.ridge)) - 0.3
    most = max(log10(max(one.intensity for _, one in found)), log10(machine.ridge)) + 0.3

    def place(intensity: float, reached: float) -> tuple[float, float]:
        low = log10(machine.bandwidth) + least
        high = log10(machine.flops)
        x = LEFT + (RIGHT - LEFT) * (log10(intensity) - least) / (most - least)
        return x, 210 - 180 * (log10(reached) - low) / max(high - low, 0.1)

    ridge, roof = place(machine.ridge, machine.flops)
    start = place(10**least, machine.bandwidth * 10**least)
    outline = f"M{start[0]:.1f} {start[1]:.1f}L{ridge:.1f} {roof:.1f}L{RIGHT} {roof:.1f}"
    pieces = [
        f'<path class="line" d="{outline}" fill="none" stroke="{LINE}" stroke-width="1.6"/>',
        _rule(ridge, roof, ridge, 214),
        _text(ridge, 228, short_number(machine.ridge), "middle", "muted"),
        _text(LEFT, 228, short_number(10**least), "middle", "muted"),
        _text(RIGHT, 228, short_number(10**most), "end", "muted"),
        _text(RIGHT, 246, "FLOPs per byte of memory traffic", "end", "muted"),
        _text(LEFT - 8, roof + 4, short(machine.flops), "end"),
        _text(LEFT - 8, 214, short(machine.bandwidth * 10**least), "end"),
        _text(LEFT - 62, 18, "FLOP/s", style="muted"),
    ]
    alike: dict[tuple[str, str, str, str], list[Node]] = {}
    for node, one in sorted(found, key=lambda pair: -pair[1].seconds):
        x, y = place(one.intensity, one.flops / one.seconds)
        part = one.seconds / whole
        alike.setdefault((node.layer.kind, f"{x:.0f}", f"{y:.0f}", f"{part:.4f}"), []).append(node)
    pieces += [_circle(nodes, *key) for key, nodes in [*alike.items()][:MOST_STEPS]]
    return Chart("Roofline", says, _svg(252, says, pieces))


def _circle(nodes: list[Node], kind: str, x: str, y: str, part: str) -> str:
    """Return the circle of layers at one place; ``part`` is the share of the time that each of them takes."""
    tint, border = COLOURS[kind]
    more = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
    title = f"{escaped(nodes[0].name)}{more}: {percent(float(part))} of the time{' each' if more else ''}"
    return (
        f'<circle class="{kind}" cx="{x}" cy="{y}" r="{2.5 + 14 * float(part) ** 0.5:.1f}" fill="{tint}" '
        f'stroke="{border}" fill-opacity=".8"><title>{title}</title></circle>'
    )


def short_number(value: float) -> str:
    """Return a number in two digits, or as an integer from 100 on."""
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"


# --- receptive field -----------------------------------------------------------------------------------------


def field(graph: Graph, summary: Summary) -> Chart | None:
    """Return the chart of the receptive fields on the longest path, along the input's last axis; None without any."""
    path = longest_path(graph)
    fields = {row.node: row.receptive_field for row in summary.rows}
    seen = [(node, found[-1]) for node in path if (found := fields[node])]
    shape = next(iter(graph.inputs.values())).shape
    if len(seen) < 2 or len(shape) < 2:
        return None
    whole, widest = shape[-1], max(size for _, size in seen)
    high = max(log10(max(widest, whole)), 0.5)
    all_seen = next((node for node, size in seen if size >= whole), None)
    says = f"On the longest path, one output position sees up to {widest:,} of the input's {whole:,}"
    says += " along the last axis" + (f"; all of them from {all_seen.name} on." if all_seen else ".")

    def height(value: float) -> float:
        return 210 - 185 * log10(max(value, 1)) / high

    across = (RIGHT - LEFT) / len(seen)
    steps = [
        f"{LEFT + across * place:.1f} {height(value):.1f}H{LEFT + across * (place + 1):.1f}"
        for place, (_, value) in enumerate(seen)
    ]
    pieces = [
        _rule(LEFT, height(whole), RIGHT, height(whole)),
        _rule(LEFT, 210, RIGHT, 210),
        f'<path class="skip" d="M{"L".join(steps)}" fill="none" stroke="{SKIP}" stroke-width="2"/>',
        _text(LEFT - 8, 214, "1", "end"),
        _text(LEFT, height(whole) - 5, f"input {whole:,}", style="muted"),
        _text(RIGHT, height(widest) - 5, f"{widest:,}", "end"),
        _text(LEFT, 228, fitted(seen[0][0].name, 12, 240), style="muted"),
        _text(RIGHT, 228, fitted(seen[-1][0].name, 12, 240), "end", "muted"),
    ]
    return Chart("Receptive field", says, _svg(236, says, pieces))


def longest_path(graph: Graph) -> list[Node]:
    """Return the nodes of a path with the most layers, from an input to an output."""
    lengths: dict[Tensor, int] = dict.fromkeys(graph.inputs.values(), 0)
    for node in graph.nodes:
        lengths[node] = 1 + max([lengths[tensor] for tensor in node.inputs], default=0)
    here = max(graph.outputs.values(), key=lengths.__getitem__, default=None)
    path: list[Node] = []
    while isinstance(here, Node):
        path.append(here)
        here = max(here.inputs, key=lengths.__getitem__, default=None)
    return path[::-1]
