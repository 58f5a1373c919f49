"""Explanations of one layer: its formulas, its window, its padding, the growth of its field, and weight sharing.

Formulas are the layer's rules, run on named numbers (:mod:`cnncalc.layers.symbols`).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple, cast

from cnncalc.figures.costs import DTYPES
from cnncalc.figures.fields import Field
from cnncalc.figures.receptive_field import ReceptiveFields, receptive_fields
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_EXPLAINED
from cnncalc.layers.base import Use
from cnncalc.layers.formulas import symbolic
from cnncalc.layers.reads import Along
from cnncalc.layers.shapes import Shape, axis_names
from cnncalc.layers.symbols import Formula, Symbol, formula, named_shape
from cnncalc.studies.explain.borders import Border, borders_of

if TYPE_CHECKING:
    from cnncalc.layers.convolution.conv import Conv


FEW_INPUTS = 10
"""Inputs of a network up to which all layers that may be explained at once are; of more inputs each sees many."""


class FieldGrowth(NamedTuple):
    """How the receptive field grows along one axis of an input of the network.

    Attributes:
        axis: its letter, after the input's name if there are several inputs.
        incoming: the field of the layer's (first) input.
        window, stride: number of input positions that the layer reads, and their step; None unless the same window
            makes the field everywhere.
        field: the field of the layer's output.
    """

    axis: str
    incoming: Field
    window: int | None
    stride: int | None
    field: Field


class Explanation(NamedTuple):
    """Everything about one layer.  Counts are per sample.

    Attributes:
        node: the layer in its network.
        formulas: output axes first, then weights, params, buffers, macs and flops.
        memory: bytes of the output and of the parameters.
        growth: one per axis of the network's inputs; empty for vectors, or if everything was seen before.
        borders: one per axis; empty without a sliding window.
        padded_share: share of the products (or compared elements) on padding, or past its end.
        sharing: number of params as they are, without sharing between positions, and fully connected.
    """

    node: Node
    formulas: list[Formula]
    memory: list[Formula]
    growth: list[FieldGrowth]
    borders: list[Border]
    padded_share: float
    sharing: list[Formula]


def explain(network: Graph, nodes: list[Node], dtype: str = "float32") -> list[Explanation]:
    """Return the explanations of some of a network's nodes.

    Raises:
        CnncalcError: for more nodes than can be explained at once.
    """
    most = MAX_EXPLAINED * FEW_INPUTS // max(len(network.inputs), FEW_INPUTS)
    if len(nodes) > most:
        whose = f" of a network of {len(network.inputs):,} inputs" if most < MAX_EXPLAINED else ""
        message = f"{len(nodes):,} layers{whose}; at most {most:,} are explained at once"
        raise CnncalcError(message, "name some of them: a layer, a block, or a pattern such as 'stage2.*'")
    fields = receptive_fields(network)
    width = DTYPES[dtype]
    known: dict[Use, Explanation] = {}
    found = []
    for node in nodes:
        of_use = known.get(node.use) or known.setdefault(node.use, _of_use(node))
        found.append(of_use._replace(node=node, memory=_memory(node, width), growth=_growth(network, node, fields)))
    return found


def _of_use(node: Node) -> Explanation:
    """Return what all nodes of one use of a layer have in common."""
    borders, share = borders_of(node)
    formulas = node.formulas()
    return Explanation(node, _with_buffers(node, formulas), [], [], borders, share, _sharing(node, formulas))


# --- counts --------------------------------------------------------------------------------------------------


def _with_buffers(node: Node, formulas: list[Formula]) -> list[Formula]:
    """Return the formulas with the buffers' after the params'."""
    buffers = {name: prod(weight.shape) for name, weight in node.use.weights.items() if not weight.trainable}
    if not buffers:
        return formulas
    numbers = " + ".join(f"{count:,}" for count in buffers.values())
    place = [found.symbol for found in formulas].index("macs")
    return [*formulas[:place], Formula("buffers", " + ".join(buffers), numbers, node.use.buffers), *formulas[place:]]


def _memory(node: Node, width: int) -> list[Formula]:
    output = formula("output", prod(named_shape(node.shape, "_out")) * width)
    if not node.params:
        return [output]
    return [output, formula("weights", Symbol(node.params, "params") * width)]


def _sharing(node: Node, formulas: list[Formula]) -> list[Formula]:
    """Return the number of a convolution's params as it is, without sharing between positions, and fully connected."""
    layer, use = node.layer, node.use
    if layer.type not in ("conv", "locally_connected") or len(node.shape) == 1:
        return []
    named = symbolic(cast("Conv", layer), len(node.shape) - 1)
    ins, outs = named_shape(use.inputs[0], "_in"), named_shape(node.shape, "_out")
    groups = getattr(named, "groups", 1)
    weight = named.out_channels * (ins[0] // groups) * prod(named.kernel_size)
    shared = formula("shared", weight + named.out_channels if named.bias else weight)
    if layer.type == "conv":
        params = next(found for found in formulas if found.symbol == "params")
        shared = params._replace(symbol="shared")
    return [shared, formula("unshared", weight * prod(outs[1:])), formula("fully connected", prod(ins) * prod(outs))]


def together(formulas: list[Formula], shape: Shape) -> list[Formula]:
    """Return formulas in which equal spatial axes are merged: ``H_out = W_out = …``."""
    letters = axis_names(len(shape))
    found: list[Formula] = []
    general = ""
    for place, one in enumerate(formulas):
        letter = letters[place] if 0 < place < len(shape) else ""
        above, general = general, one.expression.replace(f"{letter}_", "axis_") if letter else ""
        if general and general == above and found[-1][2:] == one[2:]:
            found[-1] = found[-1]._replace(symbol=f"{found[-1].symbol} = {one.symbol}")
        else:
            found.append(one)
    return found


# --- receptive field ----------------------------------------------------------------------------------------


def _growth(graph: Graph, node: Node, fields: ReceptiveFields) -> list[FieldGrowth]:
    """Return the growth of the field at a node; empty if nothing new is seen."""
    of_input, found = fields.by_input(node.inputs[0]) if node.inputs else {}, []
    for source, after in fields.by_input(node).items():
        incoming = of_input.get(source, after)  # the first input may not depend on it
        name = f"{source.name} " if len(graph.inputs) > 1 else ""
        for letter, before, field in zip(axis_names(len(after) + 1)[1:], incoming, after, strict=True):
            size, stride = _window(node, before, field) or (None, None)
            found.append(FieldGrowth(f"{name}{letter}", before, size, stride, field))
    return found if any(axis.window or not axis.field.is_whole for axis in found) else []


def _window(node: Node, before: Field, field: Field) -> tuple[int, int] | None:
    """Return the size and the stride of the one window that makes a field, if there is one."""
    moves = node.layer.reads(node.use.inputs, node.shape)
    term = before.terms[0]
    if moves is None or len(moves) > 1 or not isinstance(moves[0][0], Along) or len(term.places) != 1:
        return None
    read = moves[0][0].reads[term.places[0].axis]
    if read.is_whole:
        window = term.positions, term.positions
    elif read.axis is None or read.ranges is None or read.ranges.period > 1 or read.ranges.growth is None:
        return None
    else:
        ends = read.ranges.of(0)
        assert ends is not None  # every window reads something
        window = ends[1] - ends[0] + 1, read.ranges.growth
    adds_up = before.size + (window[0] - 1) * before.jump == field.size and not field.differs
    return window if adds_up and len(before.terms) == 1 else None
