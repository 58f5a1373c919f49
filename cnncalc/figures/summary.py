"""The summary: every figure of a network, as renderers get it."""

from __future__ import annotations

from cnncalc.figures.costs import CONVENTIONS, COUNTED_IN_ACTIVATIONS, DTYPES, OWN_CONVENTION, Sums
from cnncalc.figures.expectations import unmet
from cnncalc.figures.fields import Fields, leading
from cnncalc.figures.memory import OPTIMIZERS, peak_elements, training_elements
from cnncalc.figures.receptive_field import ReceptiveFields, receptive_fields
from cnncalc.graph import Graph, Node, Tensor, Unmet
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.named import NamedTuple
from cnncalc.ground.near import did_you_mean
from cnncalc.layers.base import KINDS
from cnncalc.layers.shapes import Shape

COUNTED = (*Sums._fields[1:], "output_bytes")
"""The additive figures of a layer, in their usual order."""


class Row(NamedTuple):
    """One layer, or several that are summed.  Shapes have the batch axis first; counts are for the whole batch.

    Attributes:
        activations: elements of the output of a convolution or a linear layer; 0 for others.
        receptive_field: sizes on the first input that the layer depends on, one per axis.
        node: the layer, or the last of several.
        layers: number of layers.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a row
    name: str
    type: str
    kind: str
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    params: int
    buffers: int
    macs: int
    flops: int
    activations: int
    output_bytes: int
    receptive_field: tuple[int, ...]
    node: Node
    layers: int

    @property
    def label(self) -> str:
        """The layer's main arguments in a few characters (``3×3/2, 64``), or a block's number of layers."""
        if self.type == self.node.layer.type:
            return self.node.layer.label()
        return f"of {self.layers}" if self.type else ""

    @property
    def described(self) -> str:
        """The type with its main arguments: ``conv 3×3/2, 64``."""
        return f"{self.type} {self.label}".rstrip()

    @property
    def args(self) -> dict[str, object]:
        """Every argument of the layer, one number per axis."""
        return self.node.layer.described(*self.node.use.inputs)


class KindTotals(NamedTuple):
    """One row of the contrast table: the totals of a kind of layers."""

    layers: int
    params: int
    params_share: float
    macs: int
    macs_share: float


class Memory(NamedTuple):
    """Bytes at the summary's dtype; ``training`` is weights, gradients, the optimiser's state and all outputs."""

    weights: int
    buffers: int
    forward: int
    peak: int
    training: int
    optimizer: str
    peak_at: str


class Totals(NamedTuple):
    """The sums over all layers, and the bytes."""

    layers: int
    params: int
    buffers: int
    macs: int
    flops: int
    activations: int
    memory: Memory


class Summary(NamedTuple):
    """A network's figures."""

    name: str
    variant: str | None
    source: str | None
    convention: str
    batch: int
    dtype: str
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    rows: list[Row]
    kinds: dict[str, KindTotals]
    totals: Totals
    receptive_fields: dict[str, dict[str, Fields]]
    disagreeing_strides: list[str]
    uncounted: list[str]
    unmet: list[Unmet]

    @property
    def receptive_field(self) -> Fields:
        """The last output's receptive field on the first input that it depends on."""
        return next((fields for fields in next(reversed(self.receptive_fields.values())).values() if fields), ())

    @property
    def title(self) -> str:
        """The variant's name if there is one, else the network's."""
        return self.variant or self.name

    @property
    def figure(self) -> str:
        """The title of ``macs``: MACs, or another tool's name for its count, and the tool."""
        if self.convention == OWN_CONVENTION:
            return "MACs"
        from cnncalc.figures.conventions import TOOLS

        return TOOLS[self.convention].title


def summarize(
    network: Graph, batch: int = 1, dtype: str = "float32", optimizer: str = "adam", convention: str = OWN_CONVENTION
) -> Summary:
    """Return every figure of a network.

    Args:
        network: the network, as :func:`cnncalc.load` returns it.
        batch: samples per pass; params don't depend on it.
        dtype: the type of weights and activations, for bytes.
        optimizer: the optimiser whose state ``memory.training`` counts: sgd, momentum or adam.
        convention: the way of counting ``macs``: cnncalc's own, or another tool's (torchinfo, fvcore, ptflops, thop,
            calflops); of ``flops``, too, if the tool calls its count so.

    Raises:
        CnncalcError: for an unknown dtype, optimizer or convention, or if the outputs see too many inputs.
    """
    for what, word, known in (
        ("dtype", dtype, tuple(DTYPES)),
        ("optimizer", optimizer, tuple(OPTIMIZERS)),
        ("convention", convention, CONVENTIONS),
    ):
        if word not in known:
            raise CnncalcError(f"unknown {what} '{word}'", did_you_mean(word, known, f"{what}s"))
    network.check_batch(batch)
    fields = receptive_fields(network)
    fields.check_count(network.outputs.values())
    different = {id(seen): seen for seen in fields.of.values()}
    sizes = {key: tuple([field.size for field in leading(seen)]) for key, seen in different.items()}
    rows = [_row(node, batch, DTYPES[dtype], sizes[id(fields.of[node])]) for node in network.nodes]
    uncounted = {node.layer.type for node in network.nodes if node.use.flops is None}
    if convention != OWN_CONVENTION:
        rows, undefined = _recounted(rows, batch, convention)
        uncounted |= undefined
    return Summary(
        name=network.name,
        variant=network.variant,
        source=network.source,
        convention=convention,
        batch=batch,
        dtype=dtype,
        inputs={name: (tensor.copies(batch), *tensor.shape) for name, tensor in network.inputs.items()},
        outputs={name: (tensor.copies(batch), *tensor.shape) for name, tensor in network.outputs.items()},
        rows=rows,
        kinds=kinds_of(rows),
        totals=_totals(network, rows, batch, DTYPES[dtype], optimizer),
        receptive_fields={name: _by_input(network, fields, tensor) for name, tensor in network.outputs.items()},
        disagreeing_strides=[node.name for node in fields.disagreeing],
        uncounted=sorted(uncounted),
        unmet=unmet(network),
    )


def _by_input(network: Graph, fields: ReceptiveFields, output: Tensor) -> dict[str, Fields]:
    """Return an output's fields on each input, in the network's order."""
    seen = fields.by_input(output)
    return {name: seen[tensor] for name, tensor in network.inputs.items() if seen.get(tensor)}


def _row(node: Node, batch: int, width: int, field: tuple[int, ...]) -> Row:
    use, layer, copies = node.use, node.use.layer, node.copies(batch)
    elements = node.elements(batch)
    return Row._make(
        (
            node.index,
            node.name,
            layer.type,
            layer.kind,
            tuple([tensor.name for tensor in node.inputs]),
            tuple([(tensor.copies(batch), *tensor.shape) for tensor in node.inputs]),
            (copies, *node.shape),
            node.params,
            node.buffers,
            copies * use.macs,
            copies * (use.flops or 0),
            elements if layer.kind in COUNTED_IN_ACTIVATIONS else 0,
            elements * width,
            field,
            node,
            1,
        )
    )


def _recounted(rows: list[Row], batch: int, convention: str) -> tuple[list[Row], set[str]]:
    """Return the rows with a tool's count as ``macs``, and the types for which it has none."""
    from cnncalc.figures.conventions import TOOLS

    tool = TOOLS[convention]
    counts = [tool.of(row.node.use, row.node.copies(batch)) for row in rows]
    undefined = {row.type for row, count in zip(rows, counts, strict=True) if count is None}
    recounted = []
    for row, count in zip(rows, counts, strict=True):
        row = row._replace(macs=count or 0)
        recounted.append(row._replace(flops=row.macs) if tool.figure == "FLOPs" else row)
    return recounted, undefined


def kinds_of(rows: list[Row]) -> dict[str, KindTotals]:
    """Return the contrast table: totals of the kinds that occur, in their usual order."""
    by_kind: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for row in rows:
        by_kind[row.kind].append(row)
    params, macs = sum([row.params for row in rows]), sum([row.macs for row in rows])
    kinds = {}
    for kind, of_kind in by_kind.items():
        if of_kind:
            own, macs_of_kind = sum([row.params for row in of_kind]), sum([row.macs for row in of_kind])
            kinds[kind] = KindTotals(len(of_kind), own, share(own, params), macs_of_kind, share(macs_of_kind, macs))
    return kinds


def share(part: float, whole: float) -> float:
    """Return part / whole; 0 if the whole is 0."""
    return part / whole if whole else 0.0


def _totals(network: Graph, rows: list[Row], batch: int, width: int, optimizer: str) -> Totals:
    totals = {name: sum([getattr(row, name) for row in rows]) for name in Sums._fields[1:]}
    params, buffers, forward = totals["params"], totals["buffers"], sum([row.output_bytes for row in rows]) // width
    peak, where = peak_elements(network, batch)
    memory = Memory(
        weights=params * width,
        buffers=buffers * width,
        forward=forward * width,
        peak=peak * width,
        training=training_elements(params, buffers, forward, optimizer) * width,
        optimizer=optimizer,
        peak_at=where.name if where else "",
    )
    return Totals(len(rows), **totals, memory=memory)
