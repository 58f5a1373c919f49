"""The text of a spec: its items line by line, blocks first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from json import dumps
from textwrap import wrap

from cnncalc.exporters.blocks import INCOMING, BlockText, block_of, blocks
from cnncalc.exporters.naming import first_free
from cnncalc.exporters.rolling import SHAPE, Entry, StructureKey, follows
from cnncalc.graph import Graph, Tensor
from cnncalc.language.document import INPUT_NAMES
from cnncalc.language.expressions.arithmetic import FUNCTIONS
from cnncalc.language.expressions.whitelist import CONSTANTS
from cnncalc.language.read.items import is_item_name
from cnncalc.layers import layer_types
from cnncalc.layers.arguments import REQUIRED, Argument

WIDEST = 118
"""Most characters of a line that can be broken."""

RESERVED = {"input", "sequence", "name", "from", "repeat", "when", "weights", "expect", "for", "paths"}
"""Words of the language itself."""


def text_of(graph: Graph, entries: list[Entry]) -> str:
    """Return the text of a spec that has some items of a graph."""
    return "\n".join([part for line in _Writer(graph, entries).lines() for part in _wrapped(line)]) + "\n"


def distinct(graph: Graph) -> list[Tensor]:
    """Return the outputs of a graph; a file may give one tensor two names, of which a spec needs one."""
    return [*dict.fromkeys(graph.outputs.values())]


def input_names(graph: Graph) -> dict[Tensor, str]:
    """Return the names of the inputs in a spec: their own, without characters that a spec does not allow."""
    found: dict[Tensor, str] = {}
    numbers: dict[str, int] = {}
    taken: set[str] = set()
    for tensor in graph.inputs.values():
        plain = tensor.name if is_item_name(tensor.name) else "_".join(re.findall(r"[A-Za-z0-9_]+", tensor.name))
        name = plain if is_item_name(plain) and not is_taken(plain) else f"input_{plain}".rstrip("_")
        found[tensor] = first_free(name, taken.__contains__, numbers)
        taken.add(found[tensor])
    return found


def is_taken(name: str) -> bool:
    """Whether a word has a meaning in specs."""
    return name in layer_types() or name in RESERVED or name in INPUT_NAMES or name in FUNCTIONS or name in CONSTANTS


def _wrapped(line: str) -> list[str]:
    """Return a line of a spec, one with many arguments in several lines, each but the last ending in a comma."""
    if len(line) <= WIDEST or line[-1] not in "}]":
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 6)
    whole = re.sub(r"(?<=[^,\s]) ", "\0", line)
    parts = wrap(whole, WIDEST, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [part.replace("\0", " ") for part in parts]


class _Writer:
    """The lines of a spec."""

    def __init__(self, graph: Graph, entries: list[Entry]) -> None:
        self.graph = graph
        self.entries = entries
        self.blocks: dict[StructureKey, BlockText] = blocks(entries, is_taken)

    def lines(self) -> list[str]:
        """Return the whole text."""
        found = [f"name: {_word(self.graph.title)}"]
        spoken = input_names(self.graph)
        inputs = {spoken[tensor]: list(tensor.shape) for tensor in self.graph.inputs.values()}
        single = len(inputs) == 1
        shapes = {_word(name): str(shape) for name, shape in inputs.items()}
        found.append(f"input: {next(iter(inputs.values())) if single else _braced(shapes)}")
        if self.blocks:
            found.append("blocks:")
            for block in self.blocks.values():
                found += self.block(block)
        found.append("layers:")
        names: dict[Tensor, str] = {tensor: "input" if single else name for tensor, name in spoken.items()}
        source = next(iter(self.graph.inputs.values())) if single else None
        ends = distinct(self.graph)
        whole = Entry(self.graph.nodes[-1], tuple(self.graph.inputs.values()), self.entries)
        expressions = block_of("", [whole], self.blocks, is_taken).expressions
        found += self.items(self.entries, names, source, expressions, "  ", set(ends))
        if ends != [self.graph.nodes[-1]]:
            found.append(f"outputs: [{', '.join(names[tensor] for tensor in ends)}]")
        return found

    def block(self, block: BlockText) -> list[str]:
        """Return the lines of a block."""
        found = [f"  {block.name}:"]
        if block.arguments:
            given = {name: "" if value is None else _value(value) for name, value in block.arguments.items()}
            found.append(f"    args: {_braced(given)}")
        found.append("    layers:")
        names = {tensor: f"input{place}" for place, tensor in enumerate(block.reads, 1)}
        source = block.reads[0] if len(names) == 1 else None
        if source is not None:
            names = {source: "input"}
        return found + self.items(block.entries, names, source, block.expressions, "      ", set())

    def items(
        self,
        entries: list[Entry],
        names: dict[Tensor, str],
        source: Tensor | None,
        expressions: dict[int, dict[str, str]],
        indent: str,
        kept: set[Tensor],
    ) -> list[str]:
        """Return the lines of items; a tensor that is read elsewhere than by the next item gets a name.

        Args:
            entries: the items.
            names: the names of the tensors; those of the items are added.
            source: the tensor that the first item reads without saying so.
            expressions: as in :class:`BlockText`.
            indent: of every line.
            kept: the network's outputs.
        """
        above: Tensor | None = source
        wanted = {tensor for tensor in kept if tensor is not (entries[-1].node if len(kept) == 1 else None)}
        for entry in entries:
            wanted.update(entry.reads if entry.reads != (above,) else ())
            wanted.update([entry.owner.node] if entry.owner is not None else [])
            above = entry.node
        heads = [self.head(entry, number, expressions) for number, entry in enumerate(entries)]
        counts, taken = dict[str, int](), {*names.values()}
        found: list[str] = []
        above, number = source, 0
        while number < len(entries):
            first, head, end = entries[number], heads[number], number + 1
            while end < len(entries) and heads[end] == head and _repeats(entries[end - 1], entries[end], wanted):
                end += 1
            entry = entries[end - 1]
            below = []
            if first.reads != (above,) and first.reads:
                below.append(f"from: {_listed([names[tensor] for tensor in first.reads])}")
            if end > number + 1:
                below.append(f"repeat: {end - number}")
            if entry.owner is not None:
                below.append(f"weights: {names[entry.owner.node]}")
            if entry.node in wanted:
                stem = entry.node.layer.stem if entry.inner is None else self.blocks[entry.key].name
                counts[stem] = counts.get(stem, 0) + 1
                while f"{stem}_{counts[stem]}" in taken:
                    counts[stem] += 1
                names[entry.node] = f"{stem}_{counts[stem]}"
                below.append(f"name: {names[entry.node]}")
            found += [f"{indent}- {head}" + (":" if below and ":" not in head else "")]
            found += [f"{indent}  {line}" for line in below]
            above, number = entry.node, end
        return found

    def head(self, entry: Entry, number: int, expressions: dict[int, dict[str, str]]) -> str:
        """Return an item without its modifiers: ``conv: {out_channels: 64, kernel_size: 3}``."""
        own = {name: _quoted(text) for name, text in expressions.get(number, {}).items()}
        if entry.inner is not None:
            block = self.blocks[entry.key]
            given = {
                name: own.get(name) or _value(entry.values[name])
                for name, default in block.arguments.items()
                if name in own or (default not in INCOMING and entry.values[name] != default)
            }
            return block.name + (f": {_braced(given)}" if given else "")
        layer, values = entry.node.layer, entry.fixed | entry.values
        sizes = [own.get(name) or _value(size) for name, size in values.items() if name.startswith(f"{SHAPE}.")]
        given = {SHAPE: f"[{', '.join(sizes)}]"} if sizes else {}
        for name, argument in layer.arguments.items():
            if name not in values:
                continue
            value = values[name]
            if name in own:
                given[name] = own[name]
            elif name == "rounding" and value == "ceil" and "ceil_mode" in given:
                continue  # which is what that is short for
            elif argument.default is REQUIRED or not _is_default(value, argument):
                given[name] = _value(value)
        if not given:
            return layer.type
        principal = next(iter(layer.arguments))
        if list(given) == [principal] and not given[principal].startswith("{"):
            return f"{layer.type}: {given[principal]}"
        return f"{layer.type}: {_braced(given)}"


def _repeats(before: Entry, entry: Entry, wanted: set[Tensor]) -> bool:
    """Whether a block's use follows one of the same block; neither is named or shares weights."""
    if entry.owner is not None or before.owner is not None or entry.node in wanted or before.node in wanted:
        return False
    return follows(entry, before)


def _braced(given: Mapping[str, str]) -> str:
    """Return arguments as a mapping in one line; one with an empty value is just its name."""
    return "{" + ", ".join([f"{name}: {value}" if value else name for name, value in given.items()]) + "}"


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
        is_short = abs(value) < 1e15 and value == int(value)
        return str(int(value)) if is_short else repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if not isinstance(value, str) or value.replace("_", "").replace("-", "").isalnum():
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _quoted(expression: str) -> str:
    """Return an expression as it is written inside of brackets."""
    return f"'{expression}'" if "[" in expression else expression


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _word(text: str) -> str:
    """Return a text, such as a title, quoted for YAML if that needs it."""
    return text if text.replace("_", "").replace("-", "").replace(".", "").isalnum() else dumps(text)
