"""A deployed network: steps, tensors with their places, parts of RAM and of flash."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.deployment import parts as parts_of
from cnncalc.deployment.boards import CORES, Board, Core, board_named
from cnncalc.deployment.constants import CONVERTERS, KINDS, Converter, NumberFormat
from cnncalc.deployment.lower import lower
from cnncalc.deployment.operators import DeviceGraph, DeviceTensor, Operator
from cnncalc.deployment.parts import EXACT, FORMULA, Part, total
from cnncalc.deployment.planner import Buffer, Plan, aligned, best, greedy, live
from cnncalc.deployment.scratch import EVERYWHERE, Request, scratch
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean

if TYPE_CHECKING:
    from cnncalc.graph import Graph

PLANS = ("greedy", "best")


class Device(NamedTuple):
    """The target device and the conversion to it.

    Attributes:
        kind: the number format.
        converter: the converter, whose rules make the model file.
        core: the processor, whose kernels run.
        plan: "greedy", the device's own plan, or "best", which needs the offsets in the file.
        board: the board; None for an unknown one.
        ram, flash: available bytes; None if they are not known.
    """

    kind: NumberFormat
    converter: Converter
    core: Core
    plan: str = "greedy"
    board: Board | None = None
    ram: int | None = None
    flash: int | None = None


def device(
    quant: str = "int8",
    core: str | None = None,
    board: str | None = None,
    converter: str = "tf2.21",
    plan: str = "greedy",
    ram: int | None = None,
    flash: int | None = None,
) -> Device:
    """Return a device by names; core, RAM and flash default to the board's.

    Raises:
        CnncalcError: for a name that is not known.
    """
    found = board_named(board) if board is not None else None
    core = core or (found.core if found else "reference")
    tables: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("quantisation", quant, tuple(KINDS)),
        ("core", core, tuple(CORES)),
        ("converter", converter, tuple(CONVERTERS)),
        ("plan", plan, PLANS),
    )
    for what, word, known in tables:
        if word not in known:
            raise CnncalcError(f"unknown {what} '{word}'", did_you_mean(word, known, f"{what}s"))
    if found is not None:
        ram = found.ram if ram is None else ram
        flash = found.flash if flash is None else flash
    return Device(KINDS[quant], CONVERTERS[converter], CORES[core], plan, found, ram, flash)


class ArenaPlace(NamedTuple):
    """A tensor or a scratch buffer in the arena.

    Attributes:
        name: name of the layer whose output it holds; for scratch, of the operator.
        scratch: whether it is an operator's own working memory.
        shape: channels last; empty for scratch.
        bytes: its bytes.
        size: its bytes rounded up for the plan.
        offset: its offset.
        first, last: the steps that create it and read it last; step 0 is before the first operator.
    """

    name: str
    scratch: bool
    shape: tuple[int, ...]
    bytes: int
    size: int
    offset: int
    first: int
    last: int


class OperatorRun(NamedTuple):
    """One operator as it runs.

    Attributes:
        number: from 1; step 0 is only the network's inputs.
        operator: the operator; None at step 0.
        live: bytes alive, scratch included.
        tensors: of these, bytes of tensors.
        scratch: what the kernel asks for.
        end: the end of the highest live buffer: the arena that this step needs.
    """

    number: int
    operator: Operator | None
    live: int
    tensors: int
    scratch: list[Request]
    end: int


class Deployment(NamedTuple):
    """A network on a device.

    Attributes:
        graph: the device's graph.
        device: the device.
        arena: bytes of the planned arena: tensors and scratch.
        bound: lower bound of all plans.
        places: tensors and scratch, as they are planned.
        steps: step 0 and the operators.
        ram: parts of RAM: activations, scratch, interpreter.
        flash: parts of flash: weights, biases, quantisation, structure, runtime.
    """

    graph: DeviceGraph
    device: Device
    arena: int
    bound: int
    places: list[ArenaPlace]
    steps: list[OperatorRun]
    ram: list[Part]
    flash: list[Part]

    def __repr__(self) -> str:
        on, sizes = self.device, zip(("RAM", "flash"), (self.ram_total, self.flash_total), strict=True)
        ends = ", ".join([f"{what} {least:,} to {most:,}" for what, (least, most) in sizes])
        where = on.board.name if on.board else on.core.name
        return f"<Deployment {self.graph.name}: {on.kind.name} on {where}, arena {self.arena:,}, {ends} bytes>"

    @property
    def ram_total(self) -> tuple[int, int]:
        """Bytes of RAM, at least and at most."""
        return total(self.ram)

    @property
    def flash_total(self) -> tuple[int, int]:
        """Bytes of flash, the runtime's code among them, at least and at most."""
        return total(self.flash)

    @property
    def file_total(self) -> tuple[int, int]:
        """Bytes of the model file, at least and at most."""
        return total([part for part in self.flash if part.name != "runtime"])

    @property
    def planning(self) -> int:
        """Bytes of the arena that planning needs temporarily; for a tiny network more than the plan."""
        return parts_of.planning(self.graph, len([place for place in self.places if place.scratch]))

    @property
    def highest(self) -> OperatorRun:
        """The step that would fail first in a smaller arena: the one whose tensors reach highest."""
        return max(self.steps, key=lambda step: (step.end, step.live))

    @property
    def doubts(self) -> list[Operator]:
        """Operators that are not verified against the converter."""
        return [operator for operator in self.graph.operators if operator.doubt]


def deploy(graph: Graph, on: Device | None = None) -> Deployment:
    """Return a network's plan, RAM and flash on a device.

    Raises:
        CnncalcError: for a layer that the runtime doesn't have, and for a network that is too large to plan.
    """
    on = on or device()
    lowered = lower(graph, on.kind, on.converter)
    requests = [scratch(operator, on.kind, on.core.kernels) for operator in lowered.operators]
    plan = _plan(lowered, requests, on.plan)
    alone = _plan(lowered, [], on.plan) if any(requests) else plan
    steps = _steps(lowered, requests, plan)
    loads = live(alone.buffers, len(steps))
    bound = max([step.live for step in steps])
    asked = zip(lowered.operators, requests, strict=True)
    handles = sum([len(some) for operator, some in asked if operator.code not in EVERYWHERE])  # else in KERNEL_DATA
    ram = [
        _activations(alone, steps, loads),
        _scratch(plan, alone, steps, on.core),
        parts_of.interpreter(lowered, on.core, handles),
        *parts_of.room_to_plan(parts_of.planning(lowered, sum(map(len, requests))), plan.size),
    ]
    made = (parts_of.quantisation, parts_of.structure, parts_of.names)
    flash = [*parts_of.constants(lowered), *(part(lowered) for part in made), parts_of.runtime()]
    return Deployment(lowered, on, plan.size, bound, _places(lowered, plan), steps, ram, flash)


# --- the plan ------------------------------------------------------------------------------------------------


def _lifetimes(graph: DeviceGraph) -> dict[DeviceTensor, tuple[int, int]]:
    """Return the first and the last step of every tensor; an unread one lives only at the step that makes it."""
    lives = dict.fromkeys(graph.inputs, (0, 0))
    for step, operator in enumerate(graph.operators, 1):
        lives[operator.output] = (step, step)
        for flow in operator.inputs:
            lives[flow] = (lives[flow][0], step)
    for flow in graph.outputs:
        lives[flow] = (lives[flow][0], len(graph.operators))
    return lives


def buffers_of(graph: DeviceGraph, requests: list[list[Request]]) -> list[Buffer]:
    """Return the buffers to place: the tensors in the order of the file, then scratch in the order of the steps."""
    buffers = [Buffer(aligned(flow.bytes), *life, flow.name) for flow, life in _lifetimes(graph).items()]
    for step, asked in enumerate(requests, 1):
        name = graph.operators[step - 1].name
        buffers += [Buffer(aligned(request.size), step, step, name, True) for request in asked]
    return buffers


def _plan(graph: DeviceGraph, requests: list[list[Request]], way: str) -> Plan:
    buffers = buffers_of(graph, requests)
    return greedy(buffers) if way == "greedy" else best(buffers, len(graph.operators) + 1)


def _places(graph: DeviceGraph, plan: Plan) -> list[ArenaPlace]:
    """Return every tensor and scratch buffer with its place in the arena."""
    flows, buffers = graph.flows, plan.buffers
    held = [(flow.shape, flow.bytes) for flow in flows] + [((), one.size) for one in buffers[len(flows) :]]
    return [
        ArenaPlace(one.label, one.scratch, shape, taken, one.size, offset, one.first, one.last)
        for one, offset, (shape, taken) in zip(buffers, plan.offsets, held, strict=True)
    ]


def _steps(graph: DeviceGraph, requests: list[list[Request]], plan: Plan) -> list[OperatorRun]:
    """Return the live bytes of each step, and their end."""
    count = len(graph.operators) + 1
    alive = live(plan.buffers, count)
    tensors = live([buffer for buffer in plan.buffers if not buffer.scratch], count)
    ends = _ends(plan, count)
    operators: list[Operator | None] = [None, *graph.operators]
    asked: list[list[Request]] = [[], *requests]
    return [OperatorRun(i, operators[i], alive[i], tensors[i], asked[i], ends[i]) for i in range(count)]


def _ends(plan: Plan, steps: int) -> list[int]:
    """Return the end of the highest live buffer at each step."""
    begin: list[list[tuple[int, int]]] = [[] for _ in range(steps)]
    for buffer, offset in zip(plan.buffers, plan.offsets, strict=True):
        begin[buffer.first].append((-offset - buffer.size, buffer.last))
    found: list[int] = []
    alive: list[tuple[int, int]] = []  # the highest comes first; those below it may have ended
    for step, begun in enumerate(begin):
        for one in begun:
            heappush(alive, one)
        while alive and alive[0][1] < step:
            heappop(alive)
        found.append(-alive[0][0] if alive else 0)
    return found


# --- parts of RAM --------------------------------------------------------------------------------------------


def _activations(plan: Plan, steps: list[OperatorRun], loads: list[int]) -> Part:
    """Return the bytes of the plan without scratch; ``loads`` are the bytes alive at each step."""
    bound = max(loads)
    fullest = steps[loads.index(bound)]
    where = fullest.operator.name if fullest.operator is not None else "the input"
    lost = f", {plan.size - bound:,} lost to the plan" if plan.size > bound else ""
    note = f"{bound:,} alive at {where}{lost}"
    return Part("activations", plan.size, plan.size, EXACT, note, "greedy_memory_planner.cc")


def _scratch(plan: Plan, alone: Plan, steps: list[OperatorRun], core: Core) -> Part:
    """Return the bytes that scratch adds to the arena: 0 if it fits into gaps."""
    added = plan.size - alone.size
    sums = [sum([request.size for request in step.scratch]) for step in steps]
    step = steps[sums.index(max(sums))]
    note = f"none asked for by {core.what}"
    if step.operator is not None and step.scratch:
        spelled = " + ".join([request.formula for request in step.scratch])
        note = f"at most {max(sums):,}, at {step.operator.name} ({step.operator.code}: {spelled})"
    return Part("scratch", added, added, FORMULA, note, parts_of.scratch_source(core))
