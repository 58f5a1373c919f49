"""A graph as a readable spec, verified by reading it again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from json import dumps
from typing import TYPE_CHECKING

from cnncalc.exporters.formats import Options, check_text
from cnncalc.exporters.nesting import nested
from cnncalc.exporters.rolling import BlockText, Entry, StructureKey, blocks, rolled, without_single
from cnncalc.exporters.shared import with_owners
from cnncalc.graph import Graph, ModelData, Node, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.language.document import INPUT_NAMES
from cnncalc.language.expressions.arithmetic import FUNCTIONS
from cnncalc.language.expressions.whitelist import CONSTANTS
from cnncalc.language.findings import noticed
from cnncalc.language.loading import read_text
from cnncalc.language.read.items import is_item_name
from cnncalc.layers import layer_types
from cnncalc.layers.arguments import REQUIRED, Argument

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array

WIDEST = 118
RESERVED = {"input", "sequence", "name", "from", "repeat", "when", "weights", "expect", "for", "paths"}


def spec_text(graph: Graph) -> str:
    """Return the text of a spec that builds the graph again; see :func:`written`."""
    return written(graph)[0]


def written(graph: Graph) -> tuple[str, Graph]:
    """Return the text of a spec that builds a graph again, and what it builds.

    Its layers have names of their own; where the graph has tensors of a file, it has them by these names.

    Raises:
        CnncalcError: if the graph has what a spec can't say.
    """
    check_text(graph)
    for tensor in graph.inputs.values():
        if tensor.times != 1:
            raise CnncalcError(f"input '{tensor.name}' has no batch, which a spec can't express")
    for node in graph.nodes:
        if node.layer.type not in layer_types():
            raise CnncalcError(f"'{node.name}' is of type {node.layer.type}, which a spec does not have")
    problem = ""
    neat, order = nested(graph)
    for one, nodes, is_rolled in ((neat, order, True), (graph, graph.nodes, False)):
        entries = rolled(one) if is_rolled else [Entry(node, node.inputs) for node in one.nodes]
        entries = with_owners(entries, {node: node.shares for node in one.nodes if node.shares is not None})
        text = "\n".join(_Writer(one, without_single(entries)).lines()) + "\n"
        try:
            with noticed():  # warnings were reported for the original
                other = read_text(text.encode(), "imported.yaml").build()
        except CnncalcError as error:
            problem = str(error)
            continue
        problem = difference(one, other)
        if not problem:
            if graph.model.tensors is not None:
                other.model = ModelData(partial(_renamed, graph.model.tensors, other, nodes))
            return text, other
    raise CnncalcError(f"'{graph.title}' can't be written as a spec: {problem}")


def _renamed(stored: Callable[[], Mapping[str, Array]], graph: Graph, nodes: Sequence[Node]) -> Mapping[str, Array]:
    """Return a file's tensors by the names that they have in a graph made of it, whose nodes are those of the file."""
    names = {
        node.key(tensor): one.key(tensor)
        for node, one in zip(graph.nodes, nodes, strict=True)
        for tensor in node.use.weights
    }
    return Renamed(stored(), names)


class Renamed(Mapping[str, "Array"]):
    """Tensors by other names, each read on access."""

    def __init__(self, tensors: Mapping[str, Array], names: Mapping[str, str]) -> None:
        self.tensors = tensors
        self.names = {name: old for name, old in names.items() if old in tensors}

    def __getitem__(self, name: str) -> Array:
        return self.tensors[self.names[name]]

    def __contains__(self, name: object) -> bool:
        return name in self.names  # a mapping would read the tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def export(graph: Graph, options: Options) -> Iterator[bytes]:
    """Yield the text of a spec; see :func:`spec_text`."""
    yield spec_text(graph).encode()


def difference(graph: Graph, other: Graph) -> str:
    """Return the difference of a spec's graph from the original; "" if there is none."""
    if len(other.nodes) != len(graph.nodes):
        return f"it has {len(other.nodes)} layers, not {len(graph.nodes)}"
    our_places, their_places = _places(graph), _places(other)
    for one, two in zip(graph.nodes, other.nodes, strict=True):
        ours, theirs = one.use, two.use
        if (ours.layer.type, ours.inputs, ours.output, one.times) != (
            theirs.layer.type,
            theirs.inputs,
            theirs.output,
            two.times,
        ):
            return f"'{one.name}' is not the same"
        if (ours.params, ours.buffers, ours.macs, ours.flops) != (
            theirs.params,
            theirs.buffers,
            theirs.macs,
            theirs.flops,
        ):
            return f"'{one.name}' has other figures"
        if [our_places[tensor] for tensor in one.inputs] != [their_places[tensor] for tensor in two.inputs]:
            return f"'{one.name}' reads something else"
        if (one.shares and one.shares.index) != (two.shares and two.shares.index):
            return f"'{one.name}' has other weights"
    ends = [our_places[tensor] for tensor in graph.outputs.values()]
    return "" if ends == [their_places[tensor] for tensor in other.outputs.values()] else "it has other outputs"


def _places(graph: Graph) -> dict[Tensor, int]:
    """Return the place of each layer, and of each input behind them all."""
    tensors: list[Tensor] = [*graph.nodes, *graph.inputs.values()]
    return {tensor: number for number, tensor in enumerate(tensors)}


def input_names(graph: Graph) -> dict[Tensor, str]:
    """Return what a spec calls the inputs: as they are called, without what its names can't have."""
    found: dict[Tensor, str] = {}
    taken: dict[str, int] = {}
    for tensor in graph.inputs.values():
        plain = tensor.name if is_item_name(tensor.name) else "_".join(re.findall(r"[A-Za-z0-9_]+", tensor.name))
        name = plain if is_item_name(plain) and not is_taken(plain) else f"input_{plain}".rstrip("_")
        while name in taken:
            taken[name] += 1
            name = f"{name}_{taken[name]}"
        taken[name] = 1
        found[tensor] = name
    return found


def is_taken(name: str) -> bool:
    """Whether a word has a meaning in specs."""
    return name in layer_types() or name in RESERVED or name in INPUT_NAMES or name in FUNCTIONS or name in CONSTANTS


class _Writer:
    """The lines of a spec."""

    def __init__(self, graph: Graph, entries: list[Entry]) -> None:
        self.graph = graph
        self.entries = entries
        self.blocks: dict[StructureKey, BlockText] = blocks(entries, is_taken)
        self.block_names = {block.name for block in self.blocks.values()}

    def lines(self) -> list[str]:
        """Return the whole text."""
        found = [f"name: {_word(self.graph.title)}"]
        spoken = input_names(self.graph)
        inputs = {spoken[tensor]: list(tensor.shape) for tensor in self.graph.inputs.values()}
        single = len(inputs) == 1
        if single:
            found.append(f"input: {next(iter(inputs.values()))}")
        else:
            found.append("input: {" + ", ".join(f"{_word(name)}: {shape}" for name, shape in inputs.items()) + "}")
        if self.blocks:
            found.append("blocks:")
            for block in self.blocks.values():
                found += self.block(block)
        found.append("layers:")
        sources: dict[Tensor, str] = {tensor: "input" if single else name for tensor, name in spoken.items()}
        kept = set(self.graph.outputs.values())
        names = dict(sources)
        found += self.items(
            self.entries, names, next(iter(self.graph.inputs.values())) if single else None, {}, "  ", kept
        )
        ends = list(self.graph.outputs.values())
        if ends != [self.graph.nodes[-1]]:
            found.append(f"outputs: [{', '.join(names[tensor] for tensor in ends)}]")
        return found

    def block(self, block: BlockText) -> list[str]:
        """Return the lines of a block."""
        found = [f"  {block.name}:"]
        if block.arguments:
            listed = [
                f"{name}: {_value(value)}" if value is not None else name for name, value in block.arguments.items()
            ]
            found.append(f"    args: {{{', '.join(listed)}}}")
        found.append("    layers:")
        source = block.entries[0].reads[0]
        return found + self.items(block.entries, {source: "input"}, source, block.said, "      ", set())

    def items(
        self,
        entries: list[Entry],
        names: dict[Tensor, str],
        source: Tensor | None,
        said: dict[tuple[int, str], str],
        indent: str,
        kept: set[Tensor],
    ) -> list[str]:
        """Return the lines of items; a tensor that is read elsewhere than below gets a name."""
        above: Tensor | None = source
        wanted = {tensor for tensor in kept if tensor is not (entries[-1].node if len(kept) == 1 else None)}
        for entry in entries:
            wanted.update([tensor for tensor in entry.reads if entry.reads != (above,)])
            wanted.update([entry.owner.node] if entry.owner is not None else [])
            above = entry.node
        counts: dict[str, int] = {}
        found: list[str] = []
        above, number = source, 0
        while number < len(entries):
            entry = entries[number]
            head = self.head(entry, number, said)
            more = 1
            while self.repeats(entries, number, more, head, said, wanted) and entry.node not in wanted:
                more += 1
            entry = entries[number + more - 1]
            below = []
            if entries[number].reads != (above,) and entries[number].reads:
                below.append(f"from: {_listed([names[tensor] for tensor in entries[number].reads])}")
            if more > 1:
                below.append(f"repeat: {more}")
            if entry.owner is not None:
                below.append(f"weights: {names[entry.owner.node]}")
            if entry.node in wanted:
                stem = entry.node.layer.stem if entry.inner is None else self.blocks[entry.key].name
                counts[stem] = counts.get(stem, 0) + 1
                while f"{stem}_{counts[stem]}" in self.block_names:
                    counts[stem] += 1
                names[entry.node] = f"{stem}_{counts[stem]}"
                below.append(f"name: {names[entry.node]}")
            found += [f"{indent}- {head}" + (":" if below and ":" not in head else "")]
            found += [f"{indent}  {line}" for line in below]
            above, number = entry.node, number + more
        return found

    def repeats(
        self,
        entries: list[Entry],
        number: int,
        more: int,
        head: str,
        said: dict[tuple[int, str], str],
        wanted: set[Tensor],
    ) -> bool:
        """Whether the item some places further on is the same, and reads only the output of the item before it."""
        if number + more >= len(entries):
            return False
        entry, before = entries[number + more], entries[number + more - 1]
        if entry.owner is not None or before.owner is not None:
            return False
        if entry.inner is None or entry.reads != (before.node,) or entry.node in wanted or before.node in wanted:
            return False
        return entry.key == before.key and self.head(entry, number + more, said) == head

    def head(self, entry: Entry, number: int, said: dict[tuple[int, str], str]) -> str:
        """Return an item without its modifiers: ``conv: {out_channels: 64, kernel_size: 3}``."""
        if entry.inner is not None:
            block = self.blocks[entry.key]
            given = {
                name: said.get((number, name)) or _value(entry.values[name])
                for name, default in block.arguments.items()
                if (number, name) in said or entry.values[name] != default
            }
            return block.name + (
                ": {" + ", ".join(f"{name}: {value}" for name, value in given.items()) + "}" if given else ""
            )
        layer = entry.node.layer
        given = {}
        for name, argument in layer.arguments.items():
            value = entry.values.get(name, entry.fixed.get(name))
            if name not in entry.values and name not in entry.fixed:
                continue
            if (number, name) in said:
                given[name] = said[number, name]
            elif name == "rounding" and value == "ceil" and "ceil_mode" in given:
                continue  # which is what that is short for
            elif argument.default is REQUIRED or not _is_default(value, argument):
                given[name] = _value(value)
        if not given:
            return layer.type
        principal = next(iter(layer.arguments))
        if list(given) == [principal] and not given[principal].startswith("{"):
            return f"{layer.type}: {given[principal]}"
        return f"{layer.type}: {{{', '.join(f'{name}: {value}' for name, value in given.items())}}}"


def _is_default(value: object, argument: Argument[object]) -> bool:
    """Whether an argument has its default."""
    default = argument.default
    if default is None or value is None:
        return value is default
    converted = argument.convert(default)
    value = (value, value) if argument.axes == "pair" and isinstance(value, int) else value
    return bool(value == converted)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if not isinstance(value, str) or value.replace("_", "").replace("-", "").isalnum():
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _word(text: str) -> str:
    """Return a text as YAML has it: a title may be the name of any file."""
    return text if text.replace("_", "").replace("-", "").replace(".", "").isalnum() else dumps(text)
