"""Exact savings of changes on a device: each is made, lowered and planned again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, cast

from cnncalc.deployment.constants import CONVERTERS
from cnncalc.deployment.operators import Operator
from cnncalc.deployment.view import Deployment, Device, deploy
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.places import Place
from cnncalc.layers import layer_type
from cnncalc.layers.base import Layer, LayerError
from cnncalc.studies.device.budgets import DeviceBytes

if TYPE_CHECKING:
    from cnncalc.layers.convolution.conv import Conv

KEPT, OF = 3, 4
"""The share of a layer's width that is kept when it is made narrower."""


class DeviceChange(NamedTuple):
    """A change, and the figures of the device after it.

    Attributes:
        name: a short description.
        layers: the layers that it changes; none: the network as a whole.
        how: instructions.
        after: the figures after the change; for a change outside the network, with the largest saving.
    """

    name: str
    layers: tuple[str, ...]
    how: str
    after: DeviceBytes


def figures(found: Deployment) -> DeviceBytes:
    """Return the bytes of a deployment: of the planned arena, and of RAM and flash at most."""
    return DeviceBytes(found.arena, found.ram_total[1], found.flash_total[1])


def device_changes(network: Graph, found: Deployment) -> list[DeviceChange]:
    """Return the changes that save something, those of the network as a whole first; ``found`` is it on the device."""
    before = figures(found)
    changes = [
        *_planned(network, found),
        *_same_padding(network, found),
        *_relu_for_elu(network, found),
        *_dense_per_tensor(network, found),
        *_pooled_first(network, found),
        *_narrower(network, found),
        _stripped(found),
    ]
    return [change for change in changes if any(a < b for a, b in zip(change.after, before, strict=True))]


# --- outside the network -----------------------------------------------------------------------------------------


def _planned(network: Graph, found: Deployment) -> Iterable[DeviceChange]:
    on = found.device
    if on.plan == "greedy" and found.arena > found.bound:
        how = "write the offsets of the best plan into the model file, as OfflineMemoryAllocation"
        yield DeviceChange("an offline plan", (), how, figures(deploy(network, on._replace(plan="best"))))


def _dense_per_tensor(network: Graph, found: Deployment) -> Iterable[DeviceChange]:
    on = found.device
    dense = [operator.name for operator in found.graph.operators if operator.code == "FULLY_CONNECTED"]
    if dense and on.converter.dense_per_channel and on.kind.scaled:
        how = "converter._experimental_disable_per_channel_quantization_for_dense_layers = True"
        plain = on._replace(converter=CONVERTERS["tf2.21-dense"])
        yield DeviceChange("one scale per dense layer", tuple(dense), how, figures(deploy(network, plain)))


def _stripped(found: Deployment) -> DeviceChange:
    names = next(part for part in found.flash if part.name == "names")
    before = figures(found)
    after = before._replace(flash=before.flash - names.high + names.low)
    return DeviceChange("names stripped from the file", (), "write the model file again with short names", after)


# --- layers ------------------------------------------------------------------------------------------------------


def _same_padding(network: Graph, found: Deployment) -> Iterable[DeviceChange]:
    """TensorFlow's padding in place of a PAD before a window."""
    padded = {
        operator.layers[0]
        for operator in found.graph.operators
        if operator.code == "PAD" and operator.layers[0].layer.type in ("conv", "maxpool", "avgpool")
    }
    if padded:
        how = f"write 'padding: same'{_places(padded)}"
        changed = rebuilt(network, lambda node: _with(node.layer, padding="same") if node in padded else None)
        yield from _measured("padding: same for a PAD", padded, how, changed, found.device)


def _relu_for_elu(network: Graph, found: Deployment) -> Iterable[DeviceChange]:
    elus = {node for operator in found.graph.operators if operator.code == "ELU" for node in operator.layers}
    relu = layer_type("relu")
    if elus and relu is not None:
        changed = rebuilt(network, lambda node: relu() if node in elus else None)
        yield from _measured("relu for elu", elus, f"write 'relu'{_places(elus)}", changed, found.device)


def _pooled_first(network: Graph, found: Deployment) -> Iterable[DeviceChange]:
    """The mean of each channel before a map is flattened, so that a dense layer has one weight per channel."""
    readers = network.readers()
    flattened = {
        node
        for node in network.nodes
        if node.layer.type == "flatten" and max(node.use.inputs[0][1:], default=1) > 1
        and any(reader.layer.type == "linear" for reader in readers.get(node, ()))
    }  # fmt: skip
    pool = layer_type("global_avgpool")
    if flattened and pool is not None:
        changed = rebuilt(network, lambda node: None, lambda node: pool() if node in flattened else None)
        how = f"write 'global_avgpool' before it{_places(flattened)}"
        yield from _measured("flatten after a global pooling", flattened, how, changed, found.device)


def _narrower(network: Graph, found: Deployment) -> Iterable[DeviceChange]:
    """Three quarters of the channels of each convolution whose output is alive at the step that reaches highest."""
    step = found.highest
    alive = {place.name for place in found.places if place.first <= step.number <= place.last and not place.scratch}
    makers: list[Operator] = [one for one in found.graph.operators if one.output.name in alive]
    for operator in makers:
        node = operator.layers[0]
        if node.layer.type != "conv":
            continue
        layer = cast("Conv", node.layer)
        if layer.groups > 1 or layer.out_channels % OF:
            continue
        channels = layer.out_channels * KEPT // OF
        changed = rebuilt(network, lambda one, node=node, channels=channels: (  # type: ignore[misc]
            _with(one.layer, out_channels=channels) if one is node else None
        ))  # fmt: skip
        how = f"write 'out_channels: {channels}'{_places({node})}"
        yield from _measured(f"{channels} channels for {layer.out_channels}", {node}, how, changed, found.device)


def _measured(name: str, nodes: set[Node], how: str, changed: Graph | None, on: Device) -> Iterable[DeviceChange]:
    """Yield a change with its figures, unless the changed network can't be built."""
    if changed is None:
        return
    layers = tuple([node.name for node in sorted(nodes, key=lambda node: node.index)])
    try:
        yield DeviceChange(name, layers, how, figures(deploy(changed, on)))
    except CnncalcError:
        return


def _places(nodes: set[Node]) -> str:
    """Return `` in lines 5, 9``, the layers' places in a spec; empty without a spec."""
    lines = sorted({node.origin.line + 1 for node in nodes if isinstance(node.origin, Place)})
    if not lines:
        return ""
    return f" in line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}"


# --- rebuilding --------------------------------------------------------------------------------------------------


def rebuilt(
    network: Graph, instead: Callable[[Node], Layer | None], before: Callable[[Node], Layer | None] = lambda node: None
) -> Graph | None:
    """Return the network with other layers, its shapes inferred anew; None if they don't fit.

    Args:
        network: as it is.
        instead: the layer in place of a node's; None: as it is.
        before: a layer that is put before a node; None: nothing.

    A depthwise convolution follows the number of its input's channels.
    """
    graph = Graph(network.name, {name: one.shape for name, one in network.inputs.items()}, network.variant)
    now: dict[Tensor, Tensor] = dict(zip(network.inputs.values(), graph.inputs.values(), strict=True))
    nodes: dict[Node, Node] = {}
    try:
        for node in network.nodes:
            inputs = [now[tensor] for tensor in node.inputs]
            more = before(node)
            if more is not None:
                inputs = [graph.add(more, inputs, f"{node.name} (pooled)", origin=node.origin)]
            layer = instead(node) or _fitting(node, inputs[0].shape[0])
            shares = nodes[node.shares] if node.shares is not None else None
            nodes[node] = now[node] = graph.add(layer, inputs, node.name, shares, node.origin)
    except LayerError:
        return None
    graph.outputs = {name: now[tensor] for name, tensor in network.outputs.items()}
    return graph


def _fitting(node: Node, channels: int) -> Layer:
    """Return a node's layer for other channels: a depthwise convolution has as many groups as channels come in."""
    if node.layer.type != "conv":
        return node.layer
    layer, channels_before = cast("Conv", node.layer), node.use.inputs[0][0]
    if channels_before == channels or layer.groups != channels_before or channels_before == 1:
        return layer
    return _with(layer, groups=channels, out_channels=layer.out_channels // channels_before * channels)


def _with(layer: Layer, **changed: object) -> Layer:
    """Return a layer with some arguments changed, without in_channels and in_features."""
    values = {name: getattr(layer, name) for name in layer.arguments if name not in ("in_channels", "in_features")}
    return type(layer)(**{name: value for name, value in (values | changed).items() if value is not None})
