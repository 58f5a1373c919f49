"""The nodes of a network and the tensors between them, each with its shape."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

from cnncalc.layers.base import LayerError, Use, Weight
from cnncalc.layers.shapes import Shape, shape_text

if TYPE_CHECKING:
    from cnncalc.ground.places import Origin
    from cnncalc.layers.state_form import StateForm
    from cnncalc.layers.symbols import Formula


class _Flowing:
    r"""A tensor that nodes read: its name, its shape without the batch axis, and its number per sample.

    The array is (batch · times, \*shape); (1, \*shape) where ``times`` is 0 and there is no batch.
    """

    __slots__ = ("name", "of_one", "shape", "times")

    name: str
    shape: Shape
    times: int
    of_one: int

    def copies(self, batch: int = 1) -> int:
        """Return the number of arrays of ``shape`` in a batch."""
        return batch * self.times or 1

    def elements(self, batch: int = 1) -> int:
        """Return the elements of a batch."""
        return (batch * self.times or 1) * self.of_one


class Input(_Flowing):
    """An input of the network; ``shape`` has no batch axis.

    Attributes:
        below: exclusive bound of its elements if they are indices; None for real numbers.
    """

    __slots__ = ("below",)

    def __init__(self, name: str, shape: Shape) -> None:
        self.name = name
        self.shape = shape
        self.times = 1
        self.of_one = prod(shape)
        self.below: int | None = None

    def __repr__(self) -> str:
        return f"<Input {self.name}: {shape_text(self.shape)}>"


class Node(_Flowing):
    """One use of a layer in a network.

    Attributes:
        index: position in the order of running, from 0.
        name: dotted path (``stage2.bottleneck3.conv1``), unique in the network.
        use: the layer applied to its input shapes, with all its figures (for one array).
        layer: the layer, with its arguments spelled out for the input's rank.
        inputs: its input tensors: earlier nodes, or inputs of the network.
        shares: the node whose weights this one uses, or None if it has its own.
        origin: its place in the spec or model file, or None.
        keys: what its file calls its tensors if that is not its own name and theirs, or None.
        forms: how the module from which its file was made has tensors of the layer, if not in the layer's shape.
        stored: the tensors that its file holds for it, if they differ from the layer's, or None.
        shape: the inferred output shape, without the batch axis.
        times: number of samples that one sample of the batch has become; 0 without a batch.
    """

    __slots__ = ("forms", "index", "inputs", "keys", "layer", "origin", "shares", "stored", "use")

    def __init__(
        self,
        index: int,
        name: str,
        use: Use,
        inputs: tuple[Tensor, ...],
        shares: Node | None,
        origin: Origin | None,
        stored: Mapping[str, Weight] | None = None,
    ) -> None:
        self.name = name
        self.shape = use.output
        times = inputs[0].times if len(inputs) == 1 else _common_times(inputs)
        self.layer = use.layer
        self.times = self.layer.times(use.inputs, times)
        self.of_one = use.elements
        self.index = index
        self.use = use
        self.inputs = inputs
        self.shares = shares
        self.origin = origin
        self.stored = stored
        self.keys: Mapping[str, str] | None = None
        self.forms: Mapping[str, StateForm] = {}

    def key(self, tensor: str) -> str:
        """Return what one of its tensors is called in a state_dict: ``layer1.0.conv1.weight``."""
        return (self.keys and self.keys.get(tensor)) or f"{self.name}.{tensor}"

    def state_shape(self, tensor: str, weight: Weight) -> Shape:
        """Return the shape that one of its tensors has in a state_dict."""
        return self.forms[tensor].shape if tensor in self.forms else weight.shape

    @property
    def weights(self) -> Mapping[str, Weight]:
        """The tensors that the node owns; shared ones belong to their first user."""
        if self.shares is not None:
            return {}
        return self.use.weights if self.stored is None else self.stored

    @property
    def params(self) -> int:
        """Elements of the node's own parameter tensors."""
        if self.stored is None:
            return 0 if self.shares else self.use.params
        return sum([prod(weight.shape) for weight in self.weights.values() if weight.trainable])

    @property
    def buffers(self) -> int:
        """Elements of the node's own buffers."""
        if self.stored is None:
            return 0 if self.shares else self.use.buffers
        return sum([prod(weight.shape) for weight in self.weights.values() if not weight.trainable])

    def macs(self, batch: int = 1) -> int:
        """Return the multiply-accumulates of a batch."""
        return self.copies(batch) * self.use.macs

    def flops(self, batch: int = 1) -> int | None:
        """Return the floating-point operations of a batch; None if they are not defined."""
        flops = self.use.flops
        return None if flops is None else self.copies(batch) * flops

    def formulas(self) -> list[Formula]:
        """Return the formula of each figure of this node."""
        from cnncalc.layers.formulas import derive

        return derive(self.layer, self.use.inputs, self.shape)

    def __repr__(self) -> str:
        return f"<Node {self.name}: {self.use.text()}>"


Tensor = Input | Node


def _common_times(inputs: tuple[Tensor, ...]) -> int:
    """Return the common times of the inputs that have a batch. Raises LayerError if they differ."""
    times = 0
    for number, tensor in enumerate(inputs, 1):
        if times and tensor.times and tensor.times != times:
            raise LayerError(
                f"input 1 comes {times} times for one sample, but input {number} {tensor.times} times",
                hint="unfold joins the windows of a sample into one tensor again",
            )
        times = times or tensor.times
    return times
