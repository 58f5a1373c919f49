"""A network on a device as a page: whether it fits, what takes how much, how sure that is, and the arena by steps."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.deployment.constants import KERNELS, RUNTIME
from cnncalc.deployment.operators import Operator
from cnncalc.deployment.orders import other_arenas
from cnncalc.deployment.parts import EXACT, Part, total
from cnncalc.deployment.view import Deployment, Place, Step
from cnncalc.rendering.page import Cell, Column, Line, TableRow, paragraph, table
from cnncalc.rendering.text import dims, exact, size

ALL_STEPS = 40
"""Networks of so many steps are shown whole, others by their fullest steps."""

FULLEST = 16
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SCRATCH, FREE = "*", "·"
WIDEST_ARENA, NARROWEST_ARENA = 64, 16
_LABEL = 13


def page(found: Deployment, steps: int | None, width: int | None, terminal: bool) -> list[Line]:
    """Return the whole page; ``steps`` is how many are shown at most, None where that is left to the page."""
    lines = _heading(found, width)
    lines += [[], *verdict(found, width), []]
    lines += _parts("RAM", found.ram, width, terminal)
    lines += [[], *_parts("flash", found.flash, width, terminal), []]
    lines += _steps(found, steps, width, terminal)
    return [*lines, *_notes(found, width)]


def in_brief(found: Deployment) -> str:
    """Return a sentence for other pages: what int8 is there, and what it is on a device."""
    return (
        f"every tensor is one byte an element here; on tflite-micro, batchnorms folded, the arena is "
        f"{exact(found.arena)} bytes ({size(found.arena)}): 'cnncalc deploy' says how"
    )


# --- the answer ----------------------------------------------------------------------------------------------


def _heading(found: Deployment, width: int | None) -> list[Line]:
    graph, on = found.graph, found.device
    where = f"   on {on.board.name} ({on.board.chip})" if on.board else ""
    counts = f"{len(graph.operators)} operators of {graph.layers} layers"
    became = [
        f"{len(nodes)} {what}"
        for nodes, what in ((graph.folded, "folded into weights"), (graph.fused, "fused"), (graph.gone, "gone"))
        if nodes
    ]
    kernels = "" if on.core.kernels == "reference" else f", {KERNELS}"
    how = f"{graph.kind.name}; {RUNTIME}{kernels}, {on.plan} plan; {on.core.what}; {graph.converter.what}"
    return [
        [(graph.name, "bold"), (where, "")],
        *paragraph(how, width, "dim"),
        *paragraph(f"{counts}" + (f": {', '.join(became)}" if became else ""), width, "dim"),
    ]


def verdict(found: Deployment, width: int | None) -> list[Line]:
    """Return whether it fits, and the step that would break first."""
    lines: list[Line] = []
    for what, parts, limit in (("RAM", found.ram, found.device.ram), ("flash", found.flash, found.device.flash)):
        if limit is not None:
            answer, style = fits(what, *total(parts), limit)
            lines += paragraph(answer, width, style)
    return [*lines, *paragraph(_first(found), width)]


def fits(what: str, low: int, high: int, limit: int) -> tuple[str, str]:
    """Return whether a range of bytes fits, and a style for it: a no is certain, a yes leaves the program out."""
    if low > limit:
        return f"{what}: does not fit. {exact(low)} bytes at least, and there are {exact(limit)}.", "bold red"
    if high > limit:
        return f"{what}: may not fit. {exact(low)} to {exact(high)} bytes, and there are {exact(limit)}.", "bold yellow"
    left = f"{exact(limit - high)} are left for your program"
    return f"{what}: fits. {exact(high)} bytes at most of {exact(limit)} ({size(limit)}); {left}.", "bold green"


def _first(found: Deployment) -> str:
    """Return which step would break first as the arena gets smaller, and what it has in it."""
    step = found.highest
    if step.operator is None:
        return f"The step that would break first is the input itself, of {exact(step.live)} bytes."
    shape = " + ".join([dims(flow.shape) for flow in step.operator.inputs]) + f" → {dims(step.operator.output.shape)}"
    told = (
        f"The step that would break first is {step.number}, {title(step.operator)} ({shape}): "
        f"it reaches to byte {exact(step.end)} of the arena"
    )
    if found.arena == found.bound:
        return f"{told}."
    return f"{told}, with {exact(step.live)} alive. The plan loses {exact(found.arena - found.bound)} bytes to gaps."


def title(operator: Operator) -> str:
    """Return ``CONV_2D 3×3/2 stem.conv1``."""
    taps = operator.taps
    window = ""
    if taps is not None:
        window = f" {dims(taps.kernel)}"
        window += f"/{taps.stride[0]}" if taps.stride[0] == taps.stride[1] > 1 else ""
        window += f"/{dims(taps.stride)}" if taps.stride[0] != taps.stride[1] else ""
    return f"{operator.code}{window} {operator.name}"


# --- parts ---------------------------------------------------------------------------------------------------


def _parts(name: str, parts: Sequence[Part], width: int | None, terminal: bool) -> list[Line]:
    columns = [Column(name), Column("bytes", right=True), Column(""), Column("how it comes about", folds=True)]
    rows: list[TableRow] = [[part.name, _range(part.low, part.high), part.kind, part.note] for part in parts]
    low, high = total(list(parts))
    rows.append([Cell("together", "bold"), Cell(_range(low, high), "bold"), "", _about(low, high)])
    return table(columns, rows, width, terminal)


def _range(low: int, high: int) -> str:
    return exact(low) if low == high else f"{exact(low)}–{exact(high)}"


def _about(low: int, high: int) -> str:
    return size(low) if size(low) == size(high) else f"{size(low)} to {size(high)}"


# --- the arena, step by step ---------------------------------------------------------------------------------


def _steps(found: Deployment, most: int | None, width: int | None, terminal: bool) -> list[Line]:
    shown = chosen(found.steps, most)
    room = _room(width)
    letters = _letters(found.places, shown)
    columns = [
        Column("step", right=True), Column("operator", folds=True), Column("layer", folds=True, drop=2),
        Column("alive", right=True), Column(f"arena 0 to {exact(found.arena)}"),
    ]  # fmt: skip
    rows: list[TableRow] = []
    for step in shown:
        operator = step.operator
        what, who = ("input", "") if operator is None else (title(operator).rpartition(" ")[0], operator.name)
        style = "bold" if step is found.highest else ""
        picture = _row(found, step, letters, room)
        cells = [Cell(text, style) for text in (str(step.number), what, who, exact(step.live))]
        rows.append([*cells, picture])
    lines = table(columns, rows, width, terminal)
    left = len(found.steps) - len(shown)
    return [*lines, [(f"… {left} steps that need less", "dim")]] if left else lines


def _room(width: int | None) -> int:
    """Return how many characters the arena is drawn with."""
    return WIDEST_ARENA if width is None else max(min(width - 56, WIDEST_ARENA), NARROWEST_ARENA)


def chosen(steps: Sequence[Step], most: int | None) -> list[Step]:
    """Return the steps that are shown, in order: all, or those that reach highest."""
    count = most if most is not None else len(steps) if len(steps) <= ALL_STEPS else FULLEST
    highest = sorted(steps, key=lambda step: (-step.end, -step.live, step.number))[:count]
    return sorted(highest, key=lambda step: step.number)


def _letters(places: Sequence[Place], shown: Sequence[Step]) -> dict[int, str]:
    """Return a letter for each tensor of the steps that are shown; scratch is a star."""
    numbers = {step.number for step in shown}
    found: dict[int, str] = {}
    turn = 0
    for index, place in enumerate(places):
        if place.scratch:
            found[index] = SCRATCH
        elif any(number in numbers for number in range(place.first, place.last + 1)):
            found[index] = LETTERS[turn % len(LETTERS)]
            turn += 1
    return found


def _row(found: Deployment, step: Step, letters: dict[int, str], room: int) -> str:
    """Return the arena at a step: a letter for what lies there, a dot for what is free."""
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


def _notes(found: Deployment, width: int | None) -> list[Line]:
    """Return what the figures rest on: MACs by operator, what is not verified, what is surprising."""
    macs: dict[str, int] = {}
    for operator in found.graph.operators:
        macs[operator.code] = macs.get(operator.code, 0) + operator.macs
    of_codes = ", ".join([f"{code} {exact(count)}" for code, count in macs.items() if count])
    notes = [("MACs", of_codes or "none")]
    others = other_arenas(found) if found.device.plan == "greedy" else []
    if others:
        arenas = " or ".join([exact(arena) for arena in others])
        notes.append(
            ("order", f"branches run as in the spec; in another order, by the converter, the arena is {arenas}")
        )
    doubts = {operator.code: operator for operator in found.doubts}
    notes += [("not verified", f"{one.code} of {one.name}: {one.doubt}") for one in doubts.values()]
    notes += [("note", note) for note in found.graph.notes]
    sources = dict.fromkeys([part.source for part in (*found.ram, *found.flash) if part.kind != EXACT])
    if found.device.board is not None:
        sources[f"{found.device.board.name}: Zephyr's {found.device.board.source}"] = None
    notes.append(("sources", "; ".join(sources)))
    lines: list[Line] = [[]]
    for label, text in notes:
        for number, part in enumerate(paragraph(text, width and width - _LABEL)):
            lines.append([(("" if number else label).ljust(_LABEL), "dim"), *part])
    return lines
