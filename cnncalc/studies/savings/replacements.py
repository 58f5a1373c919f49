"""Cheaper replacements for expensive layers, as items of a spec: other convolutions, smaller fully connected layers.

Each function takes the item's text and its nodes, and returns the replacing items and the changed nodes; None if that
can't be done. An item with several layers is replaced for all that fit; if some don't, a condition in the spec's terms
selects the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

from cnncalc.graph import Node
from cnncalc.language.edits import ItemText, Piece, bare, in_flow
from cnncalc.layers.convolution.conv import Conv

BOTTLENECK = 4
"""Factor by which a bottleneck is narrower (He et al. 2015)."""

GROUPS = (4, 2)
"""Numbers of groups to try; the first that divides the channels is used."""

NARROWER = (3, 4)
"""The share of a layer's width that is kept, as numerator and denominator."""

NewItems = tuple[list[Piece], list[Node]]

_reads_input = re.compile(r"\bin_(channels|shape)\b").search
_reads_shape = re.compile(r"\bin_shape\b").search


def separable(item: ItemText, nodes: Sequence[Node]) -> NewItems | None:
    """A depthwise convolution, then a 1×1 one (Howard et al. 2017, arXiv:1704.04861)."""
    window, bias = _window(item), _only(item, "bias")
    if any(_reads_shape(text) for text in item.arguments.values()):
        return None
    pieces = [
        Piece("conv", {"out_channels": "in_channels", **window, "groups": "in_channels", **bias}),
        Piece("conv", {"out_channels": item.arguments.get("out_channels", ""), "kernel_size": "1", **bias}),
    ]
    return _where_dense(item, nodes, pieces)


def bottleneck(item: ItemText, nodes: Sequence[Node]) -> NewItems | None:
    """1×1 to a quarter of the channels, the window there, 1×1 back (He et al. 2015, arXiv:1512.03385)."""
    channels, window, bias = item.arguments.get("out_channels", ""), _window(item), _only(item, "bias")
    if any(_reads_input(text) for text in item.arguments.values()):
        return None
    if any(_conv(node).out_channels % BOTTLENECK for node in nodes):
        return None
    inner = in_flow(_times(bare(channels), 1, BOTTLENECK))
    pieces = [
        Piece("conv", {"out_channels": inner, "kernel_size": "1", **bias}),
        Piece("relu"),
        Piece("conv", {"out_channels": inner, **window, **bias}),
        Piece("relu"),
        Piece("conv", {"out_channels": channels, "kernel_size": "1", **bias}),
    ]
    return _where_dense(item, nodes, pieces)


def is_wide(node: Node) -> bool:
    """Whether a convolution has a window larger than 1: 1×1 convolutions mix the groups and stay."""
    return prod(_conv(node).kernel_size) > 1


def grouped(item: ItemText, nodes: Sequence[Node], wide: bool, groups: int) -> NewItems | None:
    """Independent groups of channels (Krizhevsky et al. 2012; Xie et al. 2016, arXiv:1611.05431).

    ``wide`` leaves 1×1 convolutions unchanged.
    """
    own = bare(item.arguments.get("groups", "1"))
    fits = [node for node in nodes if _conv(node).groups == 1 and (not wide or is_wide(node))]
    divided = [node for node in fits if node.use.inputs[0][0] % groups == 0]
    if not divided or any(_conv(node).out_channels % groups for node in divided):
        return None
    conditions = []
    if len(fits) < len(nodes):
        conditions += [f"{bare(item.arguments['kernel_size'])} > 1"] if wide else []
        conditions += [f"{own} == 1"] if own != "1" else []
    if len(divided) < len(fits):
        conditions.append(f"in_channels % {groups} == 0")
    text = f"{groups} if {' and '.join(conditions)} else {own}" if conditions else str(groups)
    return [Piece("conv", item.arguments | {"groups": in_flow(text)})], divided


def shared(item: ItemText, nodes: Sequence[Node]) -> NewItems | None:
    """One filter for all positions in place of one for each (LeCun et al. 1989)."""
    return [Piece("conv", item.arguments)], list(nodes)


def narrower(item: ItemText, nodes: Sequence[Node]) -> NewItems | None:
    """Three quarters of the channels or features (Howard et al. 2017, arXiv:1704.04861)."""
    kept, of = NARROWER
    name = next((name for name in ("", "out_features", "out_channels") if name in item.arguments), None)
    if name is None or any(node.shape[0] % of for node in nodes):
        return None
    text = _times(bare(item.arguments[name]), kept, of)
    return [Piece(nodes[0].layer.type, item.arguments | {name: in_flow(text)})], list(nodes)


def low_rank(item: ItemText, nodes: Sequence[Node], rank: int) -> NewItems | None:
    """Two layers of rank r in place of one, from its singular values (Denton et al. 2014, arXiv:1404.0736)."""
    if any(_reads_input(text) for text in item.arguments.values()):
        return None
    first = Piece("linear", {"out_features": str(rank), "bias": "false", **_only(item, "axis")})
    return [first, Piece("linear", {k: v for k, v in item.arguments.items() if k != "in_features"})], list(nodes)


def _where_dense(item: ItemText, nodes: Sequence[Node], pieces: list[Piece]) -> NewItems | None:
    """Return the pieces for convolutions with a window and without groups; the others keep the item."""
    fits = [node for node in nodes if _conv(node).groups == 1 and is_wide(node)]
    if not fits:
        return None
    if len(fits) == len(nodes):
        return pieces, fits
    conditions = []
    if not all(map(is_wide, nodes)):
        conditions.append(f"{bare(item.arguments['kernel_size'])} > 1")
    if any(_conv(node).groups > 1 for node in nodes):
        conditions.append(f"{bare(item.arguments.get('groups', '1'))} == 1")
    condition = " and ".join(conditions)
    if _reads_input(condition):  # the second piece comes after another layer and would read that one's channels
        return None
    others = Piece("conv", item.arguments, f"not ({condition})")
    return [others, *[piece._replace(when=condition) for piece in pieces]], fits


def _window(item: ItemText) -> dict[str, str]:
    return _only(item, "kernel_size", "stride", "padding", "dilation")


def _only(item: ItemText, *names: str) -> dict[str, str]:
    return {name: text for name, text in item.arguments.items() if name in names}


def _times(text: str, factor: int, divisor: int) -> str:
    """Return the text of text · factor // divisor, computed if it is a number."""
    if text.isdecimal():
        return str(int(text) * factor // divisor)
    whole = text if re.fullmatch(r"\w+", text) else f"({text})"
    return f"{whole} * {factor} // {divisor}" if factor > 1 else f"{whole} // {divisor}"


def _conv(node: Node) -> Conv:
    """Return a node's layer, typed as a convolution."""
    assert isinstance(node.layer, Conv)
    return node.layer
