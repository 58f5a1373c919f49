"""A network as a graph: nodes in the order in which they run, each with its input and output shapes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_DETAILED, MAX_DETAILED_READS, MAX_LAYERS
from cnncalc.ground.named import NamedTuple
from cnncalc.layers.base import Layer, LayerError, Use, Weight
from cnncalc.layers.shapes import Shape, shape_text
from cnncalc.nodes import Input as Input
from cnncalc.nodes import Node as Node
from cnncalc.nodes import Tensor as Tensor

if TYPE_CHECKING:
    from cnncalc.ground.places import Origin
    from cnncalc.ground.values import Value
    from cnncalc.layers.ops import Array


class BlockUse(NamedTuple):
    """A use of a spec's own block.

    Attributes:
        name: the block's.
        arguments: the names of its arguments.
        names: values of the names inside, including the arguments.
        origin: the place of its use.
    """

    name: str
    arguments: Collection[str]
    names: Mapping[str, Value]
    origin: Origin

    def values(self) -> dict[str, Value]:
        """Return the values of the arguments."""
        return {name: self.names[name] for name in self.arguments if name in self.names}

    def __repr__(self) -> str:
        return f"<BlockUse {self.name} at {self.origin}>"

    def __reduce__(self) -> tuple[type[BlockUse], tuple[object, ...]]:
        """Pickle a network without the expressions of its names."""
        return BlockUse, (self.name, tuple(self.arguments), self.values(), self.origin)


class Unmet(NamedTuple):
    """A published figure that the network does not reproduce."""

    what: str
    expected: object
    actual: object
    origin: Origin | None


class OpenChoice(NamedTuple):
    """A branch of a model file that depends on the input.

    Attributes:
        key: its name for `decided`.
        words: its name in messages.
        by: the condition: a tensor that is not 0 if the first branch is taken; None if no layer computes it.
    """

    key: str
    words: str
    by: Tensor | None


def _no_layers(name: str) -> Sequence[str]:
    return ()


class ModelData(NamedTuple):
    """What a graph has of a model file, beside its layers; all of it is empty for a spec.

    Attributes:
        tensors: returns the stored tensors, by their names in a run; None if there are none.
        bytes_computed_from: returns the additional bytes from which these are computed.
        tensor_files: further files that hold them.
        numbers: values of the scalar inputs, by name.
        unread: names of inputs that no operator reads.
        one_sample_only: the operator that restricts the network to a batch of 1, or "".
        is_half: whether it computes in 16 bits, or stores weights in 16 bits.
        rounded: returns the graph for running, with quantised tensors rounded; None if it does not differ.
        is_exact: whether its products sum integers, exactly as long as no factor is moved into their weights.
        axes: the batch axis of the file's inputs and outputs that have one, by name.
        undecided: branches that depend on the input.
        decided: returns the graph with one branch decided, by its key; None if there are none.
        left_out: outputs of the file that no layer computes, because the number of their rows depends on the data.
        most_rows: the first operator whose number of output rows depends on the data, or ""; the largest possible
            number is counted.
        with_folded_norms: names of the layers into which the exporter has folded a batch norm.
        layers_of: returns the names of the layers with an operator or a tensor that has a name in the file.
    """

    tensors: Callable[[], Mapping[str, Array]] | None = None
    bytes_computed_from: Callable[[], int] = int
    tensor_files: Collection[str] = ()
    numbers: Mapping[str, float] = {}
    unread: Collection[str] = ()
    one_sample_only: str = ""
    is_half: bool = False
    rounded: Callable[[], Graph] | None = None
    is_exact: bool = False
    axes: Mapping[str, int] = {}
    undecided: Sequence[OpenChoice] = ()
    decided: Callable[[str, bool], Graph] | None = None
    left_out: Sequence[str] = ()
    most_rows: str = ""
    with_folded_norms: Collection[str] = ()
    layers_of: Callable[[str], Sequence[str]] = _no_layers


class Graph:
    """A directed acyclic graph of layers in which every shape is known.

    Attributes:
        name: shown in every output.
        variant: the variant of the family, or None.
        inputs: by name, in the order of the spec.
        nodes: in the order in which they run.
        outputs: by name.
        published: figures that the spec states, with their places, by their keys in ``expect``.
        misshapen: items whose outputs don't have the shapes that the spec states.
        states_shapes: whether the spec states the output shape of any item.
        notes: notes for users, one sentence each.
        blocks: uses of the spec's own blocks, by dotted path.
        model: what it has of a model file.
        effort: work of building it apart from its layers, in layers that would take as long.
    """

    def __init__(
        self, name: str, inputs: Mapping[str, Shape], variant: str | None = None, source: str | None = None
    ) -> None:
        self.name = name
        self.variant = variant
        self.source = source
        self.inputs = {name: Input(name, tuple(shape)) for name, shape in inputs.items()}
        self.nodes: list[Node] = []
        self.outputs: dict[str, Tensor] = {}
        self.published: dict[str, tuple[Value, Origin]] = {}
        self.misshapen: list[Unmet] = []
        self.states_shapes = False
        self._names: set[str] = set()
        self.notes: list[str] = []
        self.blocks: dict[str, BlockUse] = {}
        self.model = ModelData()
        self.effort = 0

    @property
    def title(self) -> str:
        """The variant's name if there is one, else the network's."""
        return self.variant or self.name

    def add(
        self,
        layer: Layer,
        inputs: Sequence[Tensor],
        name: str,
        shares: Node | None = None,
        origin: Origin | None = None,
        stored: Mapping[str, Weight] | None = None,
    ) -> Node:
        """Append a use of a layer and infer its shape at once.

        Raises:
            LayerError: if the inputs don't fit the layer, shared weights have other shapes, another node has the
                name, or an input is not of this graph.
        """
        if name in self._names:
            raise LayerError(f"the name '{name}' is given twice")
        stranger = self._stranger(inputs)
        if stranger is not None:
            raise LayerError(f"'{stranger.name}' belongs to another network")
        shapes = (inputs[0].shape,) if len(inputs) == 1 else tuple([tensor.shape for tensor in inputs])
        use = layer.apply(shapes)
        if shares is not None:
            shares = shares.shares or shares
            _check_shared(use, shares)
        node = Node(len(self.nodes), name, use, tuple(inputs), shares, origin, stored)
        self.nodes.append(node)
        self._names.add(name)
        return node

    def finish(self, outputs: Mapping[str, Tensor]) -> None:
        """Set the outputs, by name; the last step of building a graph.

        Raises:
            LayerError: if there is no output, or one is not of this graph.
        """
        if not outputs:
            raise LayerError("the network has no output")
        stranger = self._stranger(outputs.values())
        if stranger is not None:
            name = next(name for name, tensor in outputs.items() if tensor is stranger)
            raise LayerError(f"the output '{name}' belongs to another network")
        self.outputs = dict(outputs)

    def up_to(self, node: Node) -> Graph:
        """Return the graph that ends at a node, which is its only output."""
        part = Graph(self.name, {}, self.variant, self.source)
        part.inputs = self.inputs
        part.nodes = self.nodes[: node.index + 1]
        part._names = {one.name for one in part.nodes}
        part.model = ModelData(one_sample_only=self.model.one_sample_only)
        part.finish({node.name: node})
        return part

    def check_batch(self, batch: int) -> None:
        """Refuse several samples where the file is for one alone.  Raises CnncalcError."""
        if batch > 1 and (reason := self.model.one_sample_only):
            raise CnncalcError(f"a batch of {batch}, but {reason} restricts the network to a batch of 1")

    def check_count(self, done: str, nodes: Sequence[Node] | None = None) -> None:
        """Raise CnncalcError if some layers (None: all) are too many for what is ``done`` with each of them."""
        nodes = self.nodes if nodes is None else nodes
        reads = sum([len(node.inputs) for node in nodes])
        if len(nodes) > MAX_DETAILED or reads > MAX_DETAILED_READS:
            own = f"{len(nodes):,} layers" + (f" that read {reads:,} tensors" if len(nodes) <= MAX_DETAILED else "")
            most = f"at most {MAX_DETAILED:,} that read {MAX_DETAILED_READS:,} can be {done}"
            hint = f"summaries, checks, hotspots and sweeps take up to {MAX_LAYERS:,} layers"
            raise CnncalcError(f"'{self.title}' has {own}; {most}", hint)

    def _stranger(self, tensors: Iterable[Tensor]) -> Tensor | None:
        """Return the first of some tensors that belongs to another graph."""
        nodes = self.nodes
        for tensor in tensors:
            if isinstance(tensor, Node):
                if tensor.index >= len(nodes) or nodes[tensor.index] is not tensor:
                    return tensor
            elif self.inputs.get(tensor.name) is not tensor:
                return tensor
        return None

    def readers(self) -> dict[Tensor, list[Node]]:
        """Return the nodes that read each tensor, in the order in which they run."""
        found: dict[Tensor, list[Node]] = {}
        for node in self.nodes:
            for tensor in node.inputs:
                found.setdefault(tensor, []).append(node)
        return found

    def last_reads(self) -> dict[Tensor, int]:
        """Return the index of the last node that reads each tensor; outputs are kept to the end."""
        last: dict[Tensor, int] = {}
        for node in self.nodes:
            for tensor in node.inputs:
                last[tensor] = node.index
        for tensor in self.outputs.values():
            last[tensor] = len(self.nodes)
        return last


def _check_shared(use: Use, owner: Node) -> None:
    if use.layer.type != owner.layer.type:
        raise LayerError(
            f"shares the weights of '{owner.name}', which is of type {owner.layer.type}",
            argument="weights",
            hint=f"weights can only be shared between items of one type; this one is of type {use.layer.type}",
        )
    for name in {**use.weights, **owner.use.weights}:
        own, other = use.weights.get(name), owner.use.weights.get(name)
        if own != other:
            here, there = (shape_text(weight.shape) if weight else "missing" for weight in (own, other))
            raise LayerError(
                f"shares the weights of '{owner.name}', but its {name} is {here}, there {there}", argument="weights"
            )
