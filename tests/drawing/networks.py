"""Networks that nobody would draw by hand: random edges, random names, edges that cross scopes."""

from __future__ import annotations

from random import Random

from cnncalc.figures.roofline import Machine
from cnncalc.graph import Graph, Node, Tensor
from tests.layers.building import make

SHAPE = (4, 6, 6)
MACHINE = Machine(10**11, 2 * 10**10)
CONV, NORM, RELU, ADD = (make(item) for item in ("conv: {out_channels: 4, kernel_size: 1}", "batchnorm", "relu", "add"))


def random_network(random: Random) -> Graph:
    """Return a network with one to three inputs and outputs, whose scopes don't follow its edges."""
    graph = Graph("random", {f"x{number}": SHAPE for number in range(random.randint(1, 3))})
    tensors: list[Tensor] = list(graph.inputs.values())
    near = random.choice([2, 4, 30])
    names = _Names(random)
    for _ in range(random.randint(1, 40)):
        near_by = tensors[-near:] if random.random() < 0.8 else tensors
        if random.random() < 0.35:
            count = random.randint(2, 4)
            graph.add(ADD, [random.choice(near_by) for _ in range(count)], names.next("add"))
        else:
            layer = random.choice([CONV, CONV, NORM, RELU])
            shares = None
            if layer is CONV and random.random() < 0.1:
                owners = [node for node in graph.nodes if node.layer.type == "conv"]
                shares = random.choice(owners) if owners else None
            graph.add(layer, [random.choice(near_by)], names.next(layer.type), shares)
        tensors.append(graph.nodes[-1])
    for tensor in random.sample(tensors, min(len(tensors), random.randint(1, 3))):
        graph.outputs[tensor.name] = tensor
    graph.outputs.setdefault(tensors[-1].name, tensors[-1])
    return graph


class _Names:
    """Dotted names of a few scopes, each of which may come again at any time."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.deepest = random.randint(0, 4)
        self.number = 0

    def next(self, stem: str) -> str:
        self.number += 1
        depth = self.random.randint(0, self.deepest)
        return ".".join([*(self.random.choice("ab<c") for _ in range(depth)), f"{stem}{self.number}"])


def nested_skips(count: int, scoped: bool = False) -> Graph:
    """Return a network of nested skips: the first layer's is around all others, the last one's around one."""
    graph = Graph("nested", {"x": SHAPE})
    tensor: Tensor = graph.inputs["x"]
    skips: list[Node] = []
    for number in range(count):
        tensor = graph.add(CONV, [tensor], f"{'s.' * scoped * (number % 60)}down{number}")
        skips.append(tensor)
    for number, skip in enumerate(reversed(skips)):
        tensor = graph.add(CONV, [tensor], f"up{number}")
        tensor = graph.add(ADD, [tensor, skip], f"add{number}")
    graph.outputs[tensor.name] = tensor
    return graph


def dominated() -> Graph:
    """Return a network that mostly consists of one scope of two kinds of stages, as imported ones do."""
    graph, tensor = Graph("dominated", {"x": SHAPE}), None
    for stage in range(6):
        for number in range(4 + stage):
            layer = CONV if (number + stage) % 3 else RELU
            tensor = graph.add(layer, [tensor or graph.inputs["x"]], f"features.{stage}.layer{number}")
    assert tensor is not None
    graph.outputs["y"] = graph.add(CONV, [tensor], "classifier.1")
    return graph


def encoder_and_decoder(levels: int = 4) -> Graph:
    """Return a U-Net whose two paths are modules of their own, as segmentation libraries have them."""
    graph = Graph("sides", {"x": SHAPE})
    tensor: Tensor = graph.inputs["x"]
    skips: list[Tensor] = []
    for level in range(levels):
        for number in range(2):
            tensor = graph.add(CONV, [tensor], f"model.encoder.layer{level}.{number}.conv")
        skips.append(tensor)
    tensor = graph.add(RELU, [graph.add(CONV, [tensor], "model.encoder.last.conv")], "model.encoder.last.relu")
    for level, skip in enumerate(reversed(skips)):
        up = graph.add(RELU, [tensor], f"model.decoder.blocks.{level}.up")
        both = graph.add(ADD, [up, skip], f"model.decoder.blocks.{level}.join")
        tensor = graph.add(CONV, [both], f"model.decoder.blocks.{level}.conv")
    graph.outputs["y"] = graph.add(CONV, [tensor], "model.head.conv")
    return graph


HOSTILE = [
    "</script><script>window.obeyed = 1</script>", "<img src=x onerror='window.obeyed = 1'>", "שלום\u202e", "层归一化",
    "\"quoted\"&amp;'", "\u2028]]>--><!--", "W" * 3000, "a|b`${window.obeyed = 1}`", "%00%3Cscript%3E", "constructor", "__proto__",
]  # fmt: skip
"""Names of scopes and layers, from a file of unknown origin, that must be shown and not executed."""


def hostile() -> Graph:
    """Return a network all of whose names are hostile."""
    graph = Graph(HOSTILE[0], {HOSTILE[1]: SHAPE})
    tensor: Tensor = graph.inputs[HOSTILE[1]]
    for number, name in enumerate(HOSTILE):
        tensor = graph.add(CONV, [tensor], f"{name}.{HOSTILE[number - 1]}{number}")
        tensor = graph.add(RELU if number % 2 else CONV, [tensor], f"{name}.{number}")
    graph.outputs[HOSTILE[2]] = tensor
    return graph
