"""Lint rules: legal but probably unintended parts of a network. Nothing here is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import prod

from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.numbers import counted, percent
from cnncalc.language.findings import Finding, distinct
from cnncalc.layers.shapes import axis_names, crossed

PARTS = ("slice", "center_crop", "select")
"""Types whose output is a part of their input, so that another layer may read the rest."""

LARGE_FC = 1_000_000
"""Fewest params of a fully connected layer on a map that gets a warning."""


def lint(network: Graph) -> list[Finding]:
    """Return the warnings about a network, one for each rule and place."""
    readers = network.readers()
    findings = [finding for node in network.nodes for rule in _RULES for finding in rule(node, readers)]
    return distinct([*findings, *_wide_fc(network), *_unread(network, readers)])


ReadersOf = dict[Tensor, list[Node]]


def _found(rule: str, node: Node, message: str, hint: str | None = None) -> Finding:
    return Finding(rule, f"{node.layer.type} '{node.name}' {message}", node.origin, hint, node.name)


# --- windows -------------------------------------------------------------------------------------------------


def _lost_pixels(node: Node, readers: ReadersOf) -> Iterator[Finding]:
    """Elements after the last window are lost; padding is not."""
    window = node.layer.sliding(node.use.inputs)
    if window is None:
        return
    axes = zip(node.use.inputs[0][1:], node.shape[1:], window.extents, window.stride, window.pads, strict=True)
    for axis, (size, count, extent, stride, (before, after)) in enumerate(axes):
        lost = size - ((count - 1) * stride - before + extent)
        if lost <= 0 or stride > extent:
            continue
        name = axis_names(len(node.shape))[axis + 1]
        free = f"{size} − {extent}" + (f" + {before} + {after}" if before or after else "")
        message = f"never reaches the last {lost} of {size} along {name}: {free} is not a multiple of stride {stride}"
        more = stride - lost - after
        ceil = ", or rounding: ceil" if node.layer.kind == "pool" else ""
        hint = f"an input of {size - lost} or {size + more} fits; so does {more} more padding at the end{ceil}"
        yield _found("lost-pixels", node, message, hint)
        return


def _stride_over_kernel(node: Node, readers: ReadersOf) -> Iterator[Finding]:
    """Elements that no window reads are lost, unless another layer reads the whole tensor, as next to a ResNet's
    shortcut.
    """
    window, seen = node.layer.sliding(node.use.inputs), _read(node)
    if window is None or seen == 1:
        return
    if all(_read(other) < 1 for other in readers[node.inputs[0]]):
        strides, extents = crossed(window.stride), crossed(window.extents)
        message = f"steps by {strides} with a window of {extents}: it reads {seen} of its input and skips the rest"
        hint = "a kernel as large as the stride, or an avgpool before it (ResNet-D, arXiv:1812.01187)"
        yield _found("stride-over-kernel", node, message, hint)


def _read(node: Node) -> Fraction:
    """Return the part of its input's positions that a layer reads."""
    if node.layer.type in PARTS:
        return Fraction(prod(node.shape), max(prod(node.use.inputs[0]), 1))
    window = node.layer.sliding(node.use.inputs)
    if window is None:
        return Fraction(1)
    read = Fraction(1)
    for count, extent, stride in zip(node.shape[1:], window.extents, window.stride, strict=True):
        read *= Fraction(extent) / stride if count > 1 and stride > extent else 1
    return read


def _padding_covers_kernel(node: Node, readers: ReadersOf) -> Iterator[Finding]:
    window = node.layer.sliding(node.use.inputs)
    if window is None or node.layer.kind != "conv":  # a pooling with such padding is refused
        return
    for extent, pad in zip(window.extents, window.pads, strict=True):
        if max(pad) >= extent:
            message = f"pads by {max(pad)}, and its kernel spans {extent}: some windows see nothing but zeros"
            same = (extent - 1) // 2 if extent % 2 else "same"
            yield _found("padding-covers-kernel", node, message, f"padding: {same} keeps the size at stride 1")
            return


# --- layers in a row -----------------------------------------------------------------------------------------


def _bias_before_batchnorm(node: Node, readers: ReadersOf) -> Iterator[Finding]:
    """A bias is one constant per channel, and so part of the mean that batchnorm subtracts."""
    bias, behind = node.use.weights.get("bias"), readers.get(node, [])
    if bias is None or node.layer.kind not in ("conv", "fc") or bias.shape != node.shape[:1]:
        return
    if behind and all(one.layer.type == "batchnorm" for one in behind):
        message = f"has a bias, which batchnorm '{behind[0].name}' right after it removes again"
        hint = f"bias: false saves {counted(bias.shape[0], 'param')}"
        yield _found("bias-before-batchnorm", node, message, hint)._replace(saves=bias.shape[0])


def _repeated_relu(node: Node, readers: ReadersOf) -> Iterator[Finding]:
    """Two clips in a row have the same effect as one of them."""
    bounds = node.layer.clamps()
    if bounds is None:
        return
    before: Tensor = node.inputs[0]
    while isinstance(before, Node) and before.layer.moves_only:
        before = before.inputs[0]
    if not isinstance(before, Node) or (earlier := before.layer.clamps()) is None:
        return
    narrowest = max(bounds[0], earlier[0]), min(bounds[1], earlier[1])
    if narrowest in (bounds, earlier):
        idle = narrowest == earlier
        message = f"is idle after '{before.name}'" if idle else f"makes {before.layer.type} '{before.name}' idle"
        yield _found("repeated-relu", node, message, "remove one of the two")


_RULES: tuple[Callable[[Node, ReadersOf], Iterator[Finding]], ...] = (
    _lost_pixels,
    _stride_over_kernel,
    _padding_covers_kernel,
    _bias_before_batchnorm,
    _repeated_relu,
)


# --- the network as a whole ----------------------------------------------------------------------------------


def _wide_fc(network: Graph) -> Iterator[Finding]:
    """A fully connected layer after a flattened map, with more params than all other layers together."""
    total = sum(node.params for node in network.nodes)
    for node in network.nodes:
        if node.layer.kind != "fc" or node.params < LARGE_FC or 2 * node.params <= total:
            continue
        shape = _map_before(node)
        if shape is not None and prod(shape[1:]) > 1:
            outputs = prod(node.shape)
            part = f"{percent(node.params / total)} of all params"
            message = f"reads a whole map of {crossed(shape)}: {counted(node.params, 'param')}, {part}"
            fewer = (prod(shape) - shape[0]) * outputs
            hint = f"with global_avgpool before it, it has {node.params - fewer:,}"
            yield _found("wide-fc", node, message, hint)


def _map_before(node: Node) -> tuple[int, ...] | None:
    """Return the shape of the map from which a vector was made, or None."""
    before: Tensor = node.inputs[0]
    while isinstance(before, Node) and len(before.shape) == 1:
        if before.layer.type == "flatten":
            return before.use.inputs[0]
        if before.layer.kind == "fc" or len(before.inputs) != 1:
            return None
        before = before.inputs[0]
    return None


def _unread(network: Graph, readers: ReadersOf) -> Iterator[Finding]:
    kept = set(network.outputs.values())
    for node in network.nodes:
        if node not in readers and node not in kept:
            hint = "name it in 'outputs' or in a 'from', or remove it"
            yield _found("unused-output", node, "is computed, but nothing reads it", hint)
    for name, tensor in network.inputs.items():
        if tensor not in readers and tensor not in kept:
            yield Finding("unused-name", f"nothing reads the input '{name}'", None)
