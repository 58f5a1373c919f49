"""A network on a device: whether it fits, the bytes of each part with their kind, and the arena by steps."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import cycle

from cnncalc.deployment.constants import KERNELS, RUNTIME
from cnncalc.deployment.orders import other_arenas
from cnncalc.deployment.parts import EXACT, Part, total
from cnncalc.deployment.view import ArenaPlace, Deployment, OperatorRun
from cnncalc.ground.numbers import bytes_text, counted, exact, exact_bytes
from cnncalc.layers.shapes import crossed
from cnncalc.rendering.blocks import GAP, Cell, Column, PageBlock, Paragraph, Table, TableRow, Text, Title
from cnncalc.rendering.screen import Screen
from cnncalc.rendering.texts import labelled
from cnncalc.rendering.writers import View, record_of

COLUMNS = (
    "step", "operator", "layer", "layers", "inputs", "output", "output_shape", "macs",
    "live_bytes", "tensor_bytes", "scratch_bytes", "arena_end",
)  # fmt: skip

ALL_STEPS = 40
"""Networks with at most this many steps are shown whole, others by their fullest steps."""

FULLEST = 16
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SCRATCH, FREE = "*", "·"
WIDEST_ARENA, NARROWEST_ARENA = 64, 16


class DeployView(View):
    """A network on a device; ``steps`` is the largest number of steps on the page, None for the default."""

    columns = COLUMNS

    def __init__(self, found: Deployment, steps: int | None) -> None:
        self.found = found
        self.steps = steps

    def page(self, screen: Screen) -> list[PageBlock]:
        return _page(self.found, self.steps, screen.width)

    def document(self) -> dict[str, object]:
        found, graph, on = self.found, self.found.graph, self.found.device
        return {
            "name": graph.name,
            "runtime": RUNTIME,
            "kernels": "tflite-micro reference" if on.core.kernels == "reference" else KERNELS,
            "converter": graph.converter.name,
            "quant": graph.kind.name,
            "core": on.core.name,
            "plan": on.plan,
            "board": on.board._asdict() if on.board else None,
            **record_of(found, "arena", "bound"),
            "arena_in_other_orders": other_arenas(found) if on.plan == "greedy" else [],
            "planning": found.planning,
            "ram": _limited(*found.ram_total, on.ram),
            "flash": _limited(*found.flash_total, on.flash),
            "file": dict(zip(("low", "high"), found.file_total, strict=True)),
            "breaks_first": _step_record(found.highest),
            "parts": {part.name: record_of(part, *Part._fields[1:]) for part in (*found.ram, *found.flash)},
            "operators": len(graph.operators),
            "layers": graph.layers,
            "macs": sum([operator.macs for operator in graph.operators]),
            **{name: [node.name for node in getattr(graph, name)] for name in ("folded", "fused", "gone")},
            "steps": list(self.records()),
            "tensors": [place._asdict() for place in found.places],
            "not_verified": [{"operator": one.code, "layer": one.name, "why": one.doubt} for one in found.doubts],
            "notes": graph.notes,
        }

    def records(self) -> Iterator[dict[str, object]]:
        """Yield one object per step, the network's inputs being step 0."""
        return map(_step_record, self.found.steps)

    def svg(self) -> Iterator[str]:
        """Yield a picture of the arena."""
        from cnncalc.rendering.deploy_picture import svg

        yield svg(self.found)

    def html(self) -> Iterator[str]:
        """Yield the page with that picture."""
        from cnncalc.rendering.deploy_picture import html

        yield html(self.found, _page(self.found, len(self.found.steps), None, drawn=True))


# --- the page ------------------------------------------------------------------------------------------------


def _page(found: Deployment, steps: int | None, width: int | None, drawn: bool = False) -> list[PageBlock]:
    """Return the whole page; ``drawn`` says that a picture shows the arena."""
    blocks = [*_heading(found), GAP, *verdict(found), GAP]
    blocks += [_parts("RAM", found.ram), GAP, _parts("flash", found.flash), GAP]
    return [*blocks, *_steps(found, steps, width, drawn), *_notes(found)]


def in_brief(found: Deployment) -> str:
    """Return a sentence on the arena on a device, for other pages."""
    on = found.device
    board = f"{on.board.name}, " if on.board else ""
    return (
        f"on {board}tflite-micro, {on.kind.name}, batchnorms folded, the arena is "
        f"{exact_bytes(found.arena)}: see 'cnncalc deploy'"
    )


# --- the answer ----------------------------------------------------------------------------------------------


def _heading(found: Deployment) -> list[PageBlock]:
    graph, on = found.graph, found.device
    where = f"on {on.board.name} ({on.board.chip})" if on.board else ""
    counts = f"{counted(len(graph.operators), 'operator')} of {counted(graph.layers, 'layer')}"
    became = [
        f"{len(nodes)} {what}"
        for nodes, what in ((graph.folded, "folded into weights"), (graph.fused, "fused"), (graph.gone, "gone"))
        if nodes
    ]
    kernels = "" if on.core.kernels == "reference" else f", {KERNELS}"
    how = f"{graph.kind.name}; {RUNTIME}{kernels}, {on.plan} plan; {on.core.what}; {graph.converter.what}"
    return [
        Title(graph.name, where),
        Paragraph(how, "dim"),
        Paragraph(f"{counts}" + (f": {', '.join(became)}" if became else ""), "dim"),
    ]


def verdict(found: Deployment) -> list[PageBlock]:
    """Return whether it fits, and the step that would break first."""
    blocks: list[PageBlock] = []
    for what, parts, limit in (("RAM", found.ram, found.device.ram), ("flash", found.flash, found.device.flash)):
        if limit is not None:
            answer, style = fits(what, *total(parts), limit)
            blocks.append(Paragraph(answer, style))
    return [*blocks, Paragraph(_first(found))]


def fits(what: str, low: int, high: int, limit: int) -> tuple[str, str]:
    """Return a sentence on whether a range of bytes fits, with a style: a no is certain, a yes does not include the
    program.
    """
    if low > limit:
        return f"{what}: does not fit. {exact(low)} bytes at least, and there are {exact(limit)}.", "bold red"
    if high > limit:
        return f"{what}: may not fit. {exact(low)} to {exact(high)} bytes, and there are {exact(limit)}.", "bold yellow"
    left = f"{exact(limit - high)} are left for your program"
    return f"{what}: fits. {exact(high)} bytes at most of {exact(limit)} ({bytes_text(limit)}); {left}.", "bold green"


def _first(found: Deployment) -> str:
    """Return the step that would fail first if the arena were smaller, and its bytes."""
    step = found.highest
    if step.operator is None:
        return f"The step that would break first is the input itself, of {exact(step.live)} bytes."
    inputs, output = " + ".join([crossed(flow.shape) for flow in step.operator.inputs]), step.operator.output.shape
    text = f"The step that would break first is {step.number}, {step.operator.title} ({inputs} → {crossed(output)}): "
    text += f"it reaches to byte {exact(step.end)} of the arena"
    if found.arena == found.bound:
        return f"{text}."
    return f"{text}, with {exact(step.live)} alive. The plan loses {exact(found.arena - found.bound)} bytes to gaps."


# --- parts ---------------------------------------------------------------------------------------------------


def _parts(name: str, parts: list[Part]) -> Table:
    columns = [Column(name), Column("bytes", right=True), Column(""), Column("how it comes about", folds=True)]
    rows: list[TableRow] = [[part.name, _range(part.low, part.high), part.kind, part.note] for part in parts]
    low, high = total(parts)
    rows.append([Cell("together", "bold"), Cell(_range(low, high), "bold"), "", _about(low, high)])
    return Table(columns, rows)


def _range(low: int, high: int) -> str:
    return exact(low) if low == high else f"{exact(low)}–{exact(high)}"


def _about(low: int, high: int) -> str:
    return bytes_text(low) if bytes_text(low) == bytes_text(high) else f"{bytes_text(low)} to {bytes_text(high)}"


# --- the arena, step by step ---------------------------------------------------------------------------------


def _steps(found: Deployment, most: int | None, width: int | None, drawn: bool) -> list[PageBlock]:
    shown = _chosen(found.steps, most)
    room = WIDEST_ARENA if width is None else max(min(width - 56, WIDEST_ARENA), NARROWEST_ARENA)
    letters = _letters(found.places, shown)
    columns = [
        Column("step", right=True), Column("operator", folds=True), Column("layer", folds=True, drop=2),
        Column("alive", right=True), Column(f"arena 0 to {exact(found.arena)}"),
    ]  # fmt: skip
    rows: list[TableRow] = []
    for step in shown:
        operator = step.operator
        what, who = ("input", "") if operator is None else (operator.title.rpartition(" ")[0], operator.name)
        style = "bold" if step is found.highest else ""
        cells = [Cell(text, style) for text in (str(step.number), what, who, exact(step.live))]
        rows.append(cells if drawn else [*cells, _row(found, step, letters, room)])
    left = len(found.steps) - len(shown)
    more = [Text([(f"… {counted(left, 'step')} that need{'s' * (left == 1)} less", "dim")])] if left else []
    return [Table(columns[: -1 if drawn else None], rows), *more]


def _chosen(steps: Sequence[OperatorRun], most: int | None) -> list[OperatorRun]:
    """Return the steps to show, in order: all, or those that reach highest."""
    count = most if most is not None else len(steps) if len(steps) <= ALL_STEPS else FULLEST
    highest = sorted(steps, key=lambda step: (-step.end, -step.live, step.number))[:count]
    return sorted(highest, key=lambda step: step.number)


def _letters(places: Sequence[ArenaPlace], shown: Sequence[OperatorRun]) -> dict[int, str]:
    """Return a letter for each tensor of the shown steps; scratch is a star."""
    numbers = [step.number for step in shown]
    found: dict[int, str] = {}
    letters = cycle(LETTERS)
    for index, place in enumerate(places):
        if place.scratch:
            found[index] = SCRATCH
        elif bisect_left(numbers, place.first) < bisect_right(numbers, place.last):
            found[index] = next(letters)
    return found


def _row(found: Deployment, step: OperatorRun, letters: dict[int, str], room: int) -> str:
    """Return the arena at a step: letters for tensors, dots for free bytes."""
    signs = [FREE] * room
    for index, place in enumerate(found.places):
        if place.first <= step.number <= place.last and place.size:
            low = place.offset * room // found.arena
            high = max(-(-(place.offset + place.size) * room // found.arena), low + 1)
            for cell in range(low, min(high, room)):
                if signs[cell] in (FREE, SCRATCH):
                    signs[cell] = letters.get(index, "?")
    return "".join(signs)


# --- below ---------------------------------------------------------------------------------------------------


def _notes(found: Deployment) -> list[PageBlock]:
    """Return notes on the figures: MACs by operator, unverified operators, surprises."""
    macs: dict[str, int] = {}
    for operator in found.graph.operators:
        macs[operator.code] = macs.get(operator.code, 0) + operator.macs
    of_codes = ", ".join([f"{code} {exact(count)}" for code, count in macs.items() if count])
    notes = [("MACs", of_codes or "none")]
    others = other_arenas(found) if found.device.plan == "greedy" else []
    if others:
        arenas = " or ".join([exact(arena) for arena in others])
        order = f"branches run as in the spec; the converter may choose another order, with an arena of {arenas}"
        notes.append(("order", order))
    doubts = {operator.code: operator for operator in found.doubts}
    notes += [("not verified", f"{one.code} of {one.name}: {one.doubt}") for one in doubts.values()]
    notes += [("note", note) for note in found.graph.notes]
    sources = dict.fromkeys([part.source for part in (*found.ram, *found.flash) if part.kind != EXACT])
    if found.device.board is not None:
        sources[f"{found.device.board.name}: Zephyr's {found.device.board.source}"] = None
    notes.append(("sources", "; ".join(sources)))
    return [GAP, *labelled(notes)]


# --- for scripts ---------------------------------------------------------------------------------------------


def _limited(low: int, high: int, limit: int | None) -> dict[str, object]:
    """Return a range with its limit, and whether it fits: None without a limit, or if that is uncertain."""
    fits = None if limit is None or low <= limit < high else high <= limit
    return {"low": low, "high": high, "limit": limit, "fits": fits}


def _step_record(step: OperatorRun) -> dict[str, object]:
    operator = step.operator
    return {
        "step": step.number,
        "operator": operator.code if operator else None,
        "layer": operator.name if operator else None,
        "layers": [node.name for node in operator.layers] if operator else [],
        "inputs": [flow.name for flow in operator.inputs] if operator else [],
        "output": operator.output.name if operator else None,
        "output_shape": operator.output.shape if operator else None,
        "macs": operator.macs if operator else 0,
        "live_bytes": step.live,
        "tensor_bytes": step.tensors,
        "scratch_bytes": sum([request.size for request in step.scratch]),
        "arena_end": step.end,
    }
