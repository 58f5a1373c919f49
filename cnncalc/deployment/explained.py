"""The calculation of one layer's bytes on a device, with the numbers put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cnncalc.deployment.constants import INTERPRETER, KERNEL_DATA, RUNTIME, SCALE_BYTES, ZERO_POINT_BYTES
from cnncalc.deployment.operators import BIAS, OTHER, WEIGHT, Constant, DeviceTensor, Operator
from cnncalc.deployment.parts import channels_of, scratch_source
from cnncalc.deployment.view import ArenaPlace, Deployment, OperatorRun
from cnncalc.graph import Node

RAM, FLASH = "RAM", "flash"


class Amount(NamedTuple):
    """Some bytes of a layer.

    Attributes:
        where: :data:`RAM` or :data:`FLASH`.
        what: their kind.
        formula: their calculation, with the numbers put in.
        bytes: their number.
        source: the source of the rule.
    """

    where: str
    what: str
    formula: str
    bytes: int
    source: str


class Explained(NamedTuple):
    """A layer on the device.

    Attributes:
        layer: its name.
        step: the operator that it is, or is part of; None if it disappears.
        role: ``is``, ``is folded into``, ``is fused into`` or ``is nothing``.
        amounts: amounts of the whole operator; empty if an earlier layer has them.
    """

    layer: str
    step: OperatorRun | None
    role: str
    amounts: list[Amount]


def explained(found: Deployment, nodes: Sequence[Node]) -> list[Explained]:
    """Return the explanation of some layers on the device, one entry for each operator that a layer became."""
    folded, fused = set(found.graph.folded), set(found.graph.fused)
    result, seen = list[Explained](), set[int]()
    places = dict(zip(found.graph.flows, found.places, strict=False))  # scratch comes after the tensors
    steps_of: dict[Node, list[OperatorRun]] = {}
    for step in found.steps:
        for node in step.operator.layers if step.operator is not None else ():
            steps_of.setdefault(node, []).append(step)
    for node in nodes:
        steps = steps_of.get(node, [])
        role = "is folded into" if node in folded else "is fused into" if node in fused else "is"
        for step in steps:
            result.append(Explained(node.name, step, role, [] if step.number in seen else amounts(found, step, places)))
            seen.add(step.number)
        if not steps:
            result.append(Explained(node.name, None, "is nothing", []))
    return result


def amounts(found: Deployment, step: OperatorRun, places: Mapping[DeviceTensor, ArenaPlace]) -> list[Amount]:
    """Return the bytes of one operator: its tensors and scratch in the arena, its kernel's data, its constants."""
    operator = step.operator
    assert operator is not None
    lines = [_tensor("in", flow, places[flow]) for flow in operator.inputs]
    lines.append(_tensor("out", operator.output, places[operator.output]))
    source = scratch_source(found.device.core)
    for request in step.scratch:
        lines.append(Amount(RAM, "scratch", request.formula, request.size, f"{request.source}, {source}"))
    lines += _kept(found, operator)
    for part in (WEIGHT, BIAS, OTHER):
        lines += [_constant(one) for one in operator.constants if one.part == part]
    return lines + _scales(operator)


def _tensor(way: str, flow: DeviceTensor, place: ArenaPlace) -> Amount:
    spelled = "·".join([str(size) for size in flow.shape]) + (f"·{flow.width}" if flow.width > 1 else "")
    where = f"at {place.offset:,}, steps {place.first} to {place.last}"
    padded = f", {place.size:,} with alignment" if place.size != place.bytes else ""
    return Amount(RAM, f"{way}: {flow.name}", f"{spelled} {where}{padded}", flow.bytes, "greedy_memory_planner.cc")


def _kept(found: Deployment, operator: Operator) -> list[Amount]:
    """Return the interpreter's permanent data for an operator."""
    channels = channels_of(operator, found.graph, found.device.core)
    lines = []
    if channels:
        each = INTERPRETER.channel
        formula = f"{channels:,} channels·({each // 2} + {each // 2})"
        lines.append(Amount(RAM, "multipliers", formula, channels * each, RUNTIME))
    kept = KERNEL_DATA.get(operator.code)
    if kept is not None:
        formula = f"about {kept}, OpData and options of {operator.code}"
        lines.append(Amount(RAM, "kernel", formula, kept, "mcufit 0.5.2"))
    for flow in operator.copied:
        lines.append(Amount(RAM, "transposed", f"a copy of {flow.name}", flow.bytes, "kernels/batch_matmul.cc"))
    return lines


def _constant(one: Constant) -> Amount:
    shared = ", stored once for all of this size" if one.same == ("zeros", one.elements) else ""
    return Amount(FLASH, one.part, f"{one.elements:,}·{one.width}{shared}", one.elements * one.width, "schema.fbs")


def _scales(operator: Operator) -> list[Amount]:
    """Return scales and zero points: one per channel for weights and biases, one for the output."""
    counts = [one.scales for one in operator.constants if one.scales]
    counts += [1] if operator.output.quantised else []
    spelled = " + ".join([f"{count:,}" for count in counts])
    spelled = f"({spelled})" if len(counts) > 1 else spelled
    each = {"scales": SCALE_BYTES, "zero points": ZERO_POINT_BYTES} if counts else {}
    return [Amount(FLASH, what, f"{spelled}·{size}", sum(counts) * size, "schema.fbs") for what, size in each.items()]
