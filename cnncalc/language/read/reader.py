"""Read a document from YAML nodes: every key, type, argument and name is checked before anything is expanded."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from cnncalc.figures.costs import PUBLISHED
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.places import Fault, Place, SpecError
from cnncalc.language import hints
from cnncalc.language.document import (
    INPUT_NAMES,
    Block,
    Definition,
    Document,
    SpecValue,
    Stated,
    StatedOutput,
    Variant,
    explicit_names,
)
from cnncalc.language.expressions.budget import WorkLimitError
from cnncalc.language.faults import out_of_work
from cnncalc.language.read.items import ItemReader, is_item_name
from cnncalc.language.read.values import COUNT, SIZE, ValueReader
from cnncalc.language.read.yaml_tree import List, Map, Scalar, Tree, parse
from cnncalc.layers import layer_type
from cnncalc.layers.arguments import value_text

DOCUMENT_KEYS = (
    "name", "source", "year", "args", "variants", "input", "blocks", "layers", "outputs", "expect", "deploy",
)  # fmt: skip
NEEDED = {
    "input": "write the usual shape, 'input: [3, 224, 224]'; another one can be given later",
    "layers": "list the network's items under 'layers:'",
}
VARIANT_KEYS = ("args", "input", "outputs", "expect", "year", "source")
BLOCK_KEYS = ("args", "layers")
DEPLOY_KEYS = ("quant", "converter", "core", "board", "plan", "ram", "flash", "max_arena", "max_flash")
NOTHING: frozenset[str] = frozenset()
BATCH = ("n", "b", "bs", "none", "batch", "batch_size", "?")


def read_into(document: Document) -> None:
    """Read a document's text into it.

    Raises:
        SpecError: with every fault that can be found without expanding it.
    """
    reader = _DocumentReader(document)
    try:
        reader.read(parse(document.file))
    except WorkLimitError:
        raise SpecError([out_of_work(Place(document.file, 0, 0))]) from None
    if reader.values.faults:
        raise SpecError(sorted(reader.values.faults.found, key=_line_and_column))


def _line_and_column(fault: Fault) -> tuple[int, int]:
    place = fault.origin
    return (place.line, place.column) if isinstance(place, Place) else (0, 0)


def _is_meant(needed: str, root: Map) -> bool:
    """Whether a key of the document is present under another name, which is a separate fault."""
    unknown = [
        (key.text, value) for key, value in root.pairs if isinstance(key, Scalar) and key.text not in DOCUMENT_KEYS
    ]
    return any(hints.stands_for(name, value, needed, DOCUMENT_KEYS) for name, value in unknown)


class _DocumentReader:
    """Reads a whole document: its sections, values and items."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.values = ValueReader(document.file)
        self.items = ItemReader(self.values)

    # --- the document ---------------------------------------------------------------------------------------

    def read(self, root: Tree) -> None:
        document = self.document
        keys = self.values.keys(root, "a spec", DOCUMENT_KEYS)
        for needed, hint in NEEDED.items():
            if needed not in keys and isinstance(root, Map) and not _is_meant(needed, root):
                self.values.fault(root, f"'{needed}' is missing", hint)
        if "name" in keys:
            document.name = self.values.text(keys["name"], "name")
        document.arguments = self.arguments(keys.get("args"), NOTHING)
        names = frozenset(document.arguments)
        for name, node in self.values.keys(keys.get("variants"), "'variants'").items():
            self.items.check_length(name, node)
            document.variants[name] = self.variant(name, node, names)
        self.definition(document, keys, names)
        heads = self.block_heads(keys.get("blocks"), names)
        self.items.blocks = document.blocks = {block.name: block for block, _ in heads}
        for block, body in heads:
            self.block_body(block, body, names)
        if "layers" in keys:
            document.items = self.items.read(keys["layers"], names | set(INPUT_NAMES), "layers")
            document.reserved = explicit_names(document.items)
            document.origin = keys["layers"].place
        for key, value in self.values.keys(keys.get("deploy"), "'deploy'", DEPLOY_KEYS).items():
            document.deploy[key] = Stated(self.values.text(value, key), value.place)

    def arguments(self, node: Tree | None, names: Collection[str]) -> dict[str, SpecValue]:
        """Read ``args`` of the document: each may use those above it."""
        arguments: dict[str, SpecValue] = {}
        known = set(names)
        for name, value in self.values.keys(node, "'args'").items():
            self.items.check_argument_name(name, value)
            if isinstance(value, Scalar) and value.empty:
                self.values.fault(value, f"'{name}' has no value", f"write one, '{name}: 16': it can be set later")
            arguments[name] = self.values.literal(value, known)
            known.add(name)
        return arguments

    def variant(self, name: str, node: Tree, names: Collection[str]) -> Variant:
        variant = Variant()
        keys = self.values.keys(node, f"variant '{name}'", VARIANT_KEYS)
        for argument, value in self.values.keys(keys.get("args"), "'args'").items():
            if argument not in self.document.arguments:
                self.values.fault(
                    value,
                    f"variant '{name}' sets '{argument}', which is not in args",
                    partial(did_you_mean, argument, tuple(self.document.arguments), "args"),
                )
            variant.arguments[argument] = self.values.literal(value, names)
        self.definition(variant, keys, names)
        return variant

    def definition(self, of: Definition, keys: dict[str, Tree], names: Collection[str]) -> None:
        """Read what both the document and a variant may state."""
        if "input" in keys:
            of.inputs = self.inputs(keys["input"], names)
        if "outputs" in keys:
            of.outputs = self.outputs(keys["outputs"], names)
        if "year" in keys:
            of.year = self.values.integer(keys["year"], "year")
        if "source" in keys:
            of.source = self.values.text(keys["source"], "source")
        of.expect = self.expectations(keys.get("expect"), names)

    def inputs(self, node: Tree, names: Collection[str]) -> dict[str, SpecValue]:
        if isinstance(node, Map):
            inputs = self.values.keys(node, "'input'")
            if not node.pairs:
                self.values.fault(node, "the network has no input", "for example input: [3, 224, 224]")
            for name in inputs:
                self.items.check_length(name, node)
                if not is_item_name(name):
                    self.values.fault(node, f"'{name}' can't be the name of an input")
            return {name: self.shape(shape, names) for name, shape in inputs.items()}
        return {"input": self.shape(node, names)}

    def shape(self, node: Tree, names: Collection[str]) -> SpecValue:
        """Read an input's shape."""
        first = node.items[0] if isinstance(node, List) and node.items else None
        if isinstance(first, Scalar) and first.text.lower() in BATCH and first.text not in names:
            self.values.fault(
                first, f"'{first.text}' is in the place of the channels", "shapes have no batch axis: leave it out"
            )
            return SpecValue(node.place)
        return self.values.value(node, names, SIZE)

    def outputs(self, node: Tree, names: Collection[str]) -> list[StatedOutput]:
        outputs = []
        if isinstance(node, List) and not node.items:
            self.values.fault(node, "no output is named", "leave 'outputs' out: the last item is the output")
        for entry in node.items if isinstance(node, List) else [node]:
            condition = None
            if isinstance(entry, Map):
                keys = self.values.keys(entry, "an output", ("name", "when"))
                condition = self.items.condition(keys["when"], names) if "when" in keys else None
                if "name" not in keys:
                    self.values.fault(entry, "an output needs a name")
                entry = keys.get("name", entry)
            outputs.append(StatedOutput(self.items.reference(entry, "outputs"), condition))
        return outputs

    def expectations(self, node: Tree | None, names: Collection[str]) -> dict[str, SpecValue]:
        expect: dict[str, SpecValue] = {}
        for key, value in self.values.keys(node, "'expect'", PUBLISHED).items():
            if key == "output" and isinstance(value, Map):
                for name, shape in self.values.keys(value, "'output'").items():
                    expect[f"output {name}"] = self.expectation("output", shape, names)
            else:
                expect[key] = self.expectation(key, value, names)
        return expect

    def expectation(self, key: str, node: Tree, names: Collection[str]) -> SpecValue:
        before = len(self.values.faults)
        value = self.values.value(node, names, SIZE if key == "output" else COUNT)
        stated = value.constant
        if not value.is_constant or len(self.values.faults) > before:
            return value
        if key == "output":
            if not isinstance(stated, tuple) or any(type(size) not in (int, tuple) for size in stated):
                self.values.fault(node, "output must be a shape, for example [1000]")
        elif type(stated) is float and stated.is_integer():  # 61e6
            return SpecValue(value.origin, int(stated))
        elif type(stated) is not int:
            self.values.fault(node, f"{key} must be an integer, not {value_text(stated)}")
        return value

    # --- blocks ---------------------------------------------------------------------------------------------

    def block_heads(self, node: Tree | None, names: Collection[str]) -> list[tuple[Block, Tree | None]]:
        """Read the names and arguments of all blocks first, so that any block may use any other; return their bodies,
        too.
        """
        found: list[tuple[Block, Tree | None]] = []
        places = {key.text: key for key, _ in node.pairs if isinstance(key, Scalar)} if isinstance(node, Map) else {}
        for name, body in self.values.keys(node, "'blocks'").items():
            self.items.check_length(name, body)
            if not is_item_name(name):
                called = name.partition("(")[0]
                hint = f"its arguments stand in 'args' below it: '{called}:'" if is_item_name(called) else None
                self.values.fault(places[name], f"'{name}' can't be the name of a block", hint)
            elif name == "sequence" or layer_type(name) is not None:
                self.values.fault(places[name], f"'{name}' is a layer type; give the block another name")
            block = Block(name, body.place)
            keys = self.values.keys(body, f"block '{name}'", BLOCK_KEYS)
            found.append((block, keys.get("layers")))
            head = keys.get("args")
            if isinstance(head, List):  # args: [channels, kernel], none with a default
                for item in head.items:
                    self.block_argument(block, self.values.text(item, "an argument's name"), item, None, names)
                continue
            for argument, default in self.values.keys(head, "'args'").items():
                self.block_argument(block, argument, default, default, names)
        return found

    def block_argument(
        self, block: Block, name: str, place: Tree, default: Tree | None, names: Collection[str]
    ) -> None:
        self.items.check_argument_name(name, place)
        required = default is None or (isinstance(default, Scalar) and default.empty)
        self.values.budget.spend(len(names) + len(block.arguments))
        known = {*names, *block.arguments, *INPUT_NAMES}
        block.arguments[name] = None if required or default is None else self.values.value(default, known)
        block.argument_origins[name] = place.place

    def block_body(self, block: Block, body: Tree | None, names: Collection[str]) -> None:
        if body is None:
            self.values.fault(block.origin, f"block '{block.name}' has no 'layers'")
            return
        known = frozenset({*names, *block.arguments, *INPUT_NAMES})
        block.items = self.items.read(body, known, f"block '{block.name}'")
        block.reserved = explicit_names(block.items)
