"""Read items from YAML nodes: types, arguments, modifiers, and the names that expressions may use."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial
from keyword import iskeyword

from cnncalc.ground.limits import MAX_NAME
from cnncalc.ground.places import Hint
from cnncalc.language import hints
from cnncalc.language.document import (
    INPUT_NAMES,
    Block,
    BlockItem,
    Item,
    LayerItem,
    Loop,
    Reference,
    SequenceItem,
    SpecValue,
    explicit_names,
)
from cnncalc.language.expressions.arithmetic import FUNCTIONS
from cnncalc.language.expressions.compile import QUOTE, compile_loop
from cnncalc.language.expressions.whitelist import CONSTANTS, ExpressionError
from cnncalc.language.read.values import COUNT, SIZE, ValueReader, begins_a_name, has_signs_of_a_name
from cnncalc.language.read.yaml_tree import List, Map, Scalar, Tree
from cnncalc.layers import LayerError, layer_type
from cnncalc.layers.arguments import REQUIRED, Argument, flag
from cnncalc.layers.base import Layer

MODIFIERS = ("name", "from", "repeat", "for", "when", "weights", "expect")

_GLUED = r"\w+\s*[=:]\s*[^=\s].*|\d+"  # out_channels=10, out_channels:10, 10
_IN_A_ROW = r"\d\S*\s+\d.*|\d+[x×]\d+(/\d+)?\s*,.*|[A-Za-z_]\w*\s*=\s*[^=\s].*"  # 10 5; 3x3, 64; kernel_size=5
_FLAG = Argument(flag, "", None, "")  # for a condition, in which yes and no are flags


def is_item_name(name: str) -> bool:
    """Return whether a text can be the name of an item."""
    return not name.startswith("-") and has_signs_of_a_name(name, "-")


class ItemReader:
    """Reads the items of one document.

    Attributes:
        values: the reader of the document's values.
        blocks: the document's blocks, whose names are known before any item is read.
    """

    def __init__(self, values: ValueReader) -> None:
        self.values = values
        self.blocks: dict[str, Block] = {}
        self.built: dict[tuple[object, ...], Layer] = {}

    def read(self, node: Tree, names: frozenset[str], what: str, depth: int = 0) -> list[Item]:
        """Read a list of items."""
        self.values.visit(node, depth)
        if isinstance(node, Scalar) and node.empty:
            return []
        if not isinstance(node, List):
            hint = hints.of_no_list(node.text) if isinstance(node, Scalar) else partial(hints.of_named_items, node)
            self.values.fault(node, f"{what} must be a list: each item begins with a dash", hint)
            return []
        items = [self.item(item, names, depth + 1) for item in node.items]
        return [item for item in items if item is not None]

    def item(self, node: Tree, names: frozenset[str], depth: int) -> Item | None:
        """Read one item; return None after some faults."""
        self.values.visit(node, depth)
        if isinstance(node, Scalar) and not node.empty:
            return self.typed_item(node, None, {}, names, depth)
        if not isinstance(node, Map):
            grouped = partial(hints.of_list, node) if isinstance(node, List) else None
            self.values.fault(node, "an item must be a layer type, alone or with its arguments", grouped)
            return None
        keys = [(key, value) for key, value in node.pairs if isinstance(key, Scalar)]
        types = [(key, value) for key, value in keys if key.text not in MODIFIERS]
        if not types:
            loops = [key.text for key, _ in keys if key.text in ("repeat", "for")]
            hint = "begin with the type, '- conv: {…}', with modifiers below it"
            if loops:
                hint = f"'{loops[0]}' stands below what it repeats: an item, or '- sequence:' with several"
            self.values.fault(node, "an item without a layer type", hint)
            return None
        if len(types) > 1:
            self.several_types(types)
            return None
        modifiers = self.values.keys(node, "an item", (*MODIFIERS, *[key.text for key, _ in types]))
        return self.typed_item(types[0][0], types[0][1], modifiers, names, depth)

    def several_types(self, keys: list[tuple[Scalar, Tree]]) -> None:
        """Note the fault of an item with several keys that are not modifiers."""
        from cnncalc.language.hints.notations import TYPE_KEYS, of_type_key  # tables that only faults need

        for key, _ in keys:
            if key.text in TYPE_KEYS and key.text not in self.blocks:
                hint = partial(of_type_key, keys)
                self.values.fault(key, f"an item begins with its type, not with '{key.text}:'", hint)
                return
        for key, _ in keys[1:]:
            self.second_type(key, keys[0][0].text)

    def second_type(self, key: Scalar, first: str) -> None:
        """Note the fault of a second key next to the type."""
        if key.text in self.blocks or key.text == "sequence" or layer_type(key.text):
            self.values.fault(key, f"'{first}' and '{key.text}' are in one item", "begin each item with its own dash")
        else:
            own = layer_type(first)
            known = tuple(own.arguments) if own is not None else ()
            hint = None
            if key.text in known:
                hint = f"indent arguments below the type, or write them in {{…}}: '- {first}: {{{key.text}: …}}'"
            elif key.text == "paths" and _merges(first):
                hint = f"indent 'paths:' below '{first}:', as its argument"
            elif first == "sequence":
                hint = "list the items below 'sequence:'"
            other = partial(hints.of_modifier, key.text, MODIFIERS, known)
            self.values.fault(key, f"unknown modifier '{key.text}'", hint or other)

    def typed_item(
        self, key: Scalar, arguments: Tree | None, modifiers: dict[str, Tree], names: frozenset[str], depth: int
    ) -> Item | None:
        """Read an item of a known type."""
        loop = self.loop(modifiers["for"], names) if "for" in modifiers else None
        inner = names
        if loop is not None:
            self.values.budget.spend(len(names))
            inner = names | set(loop.names)
        item: Item | None
        type_name = key.text
        layer_class = None if type_name in self.blocks else layer_type(type_name)
        if type_name in self.blocks:
            item = self.block_item(key, arguments, inner)
        elif type_name == "sequence":
            body = [] if arguments is None else self.read(arguments, inner, "a sequence", depth + 1)
            item = SequenceItem(key.place, body)
            item.reserved = explicit_names(body)
        elif layer_class is not None:
            item = LayerItem(key.place, type_name, layer_class)
            self.layer_arguments(item, arguments, inner, depth)
        else:
            from cnncalc.language.hints.notations import item_hint

            hint = partial(item_hint, type_name, arguments, tuple(self.blocks))
            self.values.fault(key, f"unknown layer type '{type_name}'", hint)
            return None
        item.loop = loop
        self.modifiers(item, modifiers, inner)
        if item.weights is not None and isinstance(item, SequenceItem) and item.name is None:
            self.values.fault(item.weights.origin, "an unnamed sequence can't share weights", "name it, or use a block")
        return item

    def modifiers(self, item: Item, nodes: dict[str, Tree], names: frozenset[str]) -> None:
        """Read the modifiers next to the type."""
        given = [name for name in MODIFIERS if name != "for" and name in nodes]  # an empty 'for' was noted already
        nodes = {name: nodes[name] for name in given if not self.is_empty(name, nodes[name])}
        if "name" in nodes:
            item.name = self.item_name(nodes["name"])
        if "from" in nodes:
            node = nodes["from"]
            entries = node.items if isinstance(node, List) else [node]
            if entries:
                item.sources = [self.reference(entry, "from") for entry in entries]
            elif not (isinstance(item, LayerItem) and item.layer_class.takes_nothing()):
                self.values.fault(node, "'from' names no item", "leave it out: the input is then the item above")
        if "repeat" in nodes:
            item.repeat = self.values.value(nodes["repeat"], names, COUNT)
        if "when" in nodes:
            item.when = self.condition(nodes["when"], names)
        if "weights" in nodes:
            item.weights = self.reference(nodes["weights"], "weights")
        if isinstance(nodes.get("expect"), Map):
            hint = "write '[64, 56, 56]' here; the network's figures have an 'expect' at the top level"
            self.values.fault(nodes["expect"], "an item's 'expect' is a shape", hint)
        elif "expect" in nodes:
            item.expect = self.values.value(nodes["expect"], names, SIZE)

    def is_empty(self, name: str, node: Tree) -> bool:
        """Return whether a modifier is empty, which is a fault."""
        if not isinstance(node, Scalar) or not node.empty:
            return False
        self.values.fault(node, f"'{name}' is empty", f"write a value after '{name}:', or leave the line out")
        return True

    def condition(self, node: Tree, names: Collection[str]) -> SpecValue:
        """Read a condition: yes and no are flags there."""
        return self.values.value(node, names, _FLAG)

    def loop(self, node: Tree, names: frozenset[str]) -> Loop | None:
        """Read a ``for``."""
        if self.is_empty("for", node):
            return None
        if not isinstance(node, Scalar):
            self.values.fault(node, "for must be a text", "for example 'for: width in [16, 32]'")
            return None
        text = node.text
        origin = node.place
        try:
            target, bound, rows = compile_loop(text, names)
        except ExpressionError as error:
            self.values.fault(origin.shifted(error.offset), error.message, error.hint)
            return None
        for number, name in enumerate(bound):
            if name in bound[:number]:
                self.values.fault(origin, f"'{name}' is bound twice")
            self.check_argument_name(name, node)
        return Loop(target, bound, rows, origin)

    def check_length(self, name: str, place: Tree) -> None:
        """Refuse a name that is longer than the bound."""
        if len(name) > MAX_NAME:
            self.values.fault(place, f"a name of {len(name)} characters; at most {MAX_NAME} are allowed")

    def check_argument_name(self, name: str, place: Tree) -> None:
        """Refuse a name that expressions can't read, or that has another meaning in them."""
        self.check_length(name, place)
        if not (begins_a_name(name) and has_signs_of_a_name(name)):
            self.values.fault(place, f"'{name}' can't be the name of a value: a name has letters, digits and _")
        elif name in FUNCTIONS or name in CONSTANTS or name in INPUT_NAMES or iskeyword(name):
            self.values.fault(place, f"'{name}' can't be the name of a value: the word has a meaning in expressions")

    def item_name(self, node: Tree) -> Reference:
        """Read the name of an item."""
        name = self.values.text(node, "name")
        self.check_length(name, node)
        if name and not is_item_name(name):
            self.values.fault(node, f"'{name}' can't be a name", "a name has letters, digits, _ and -")
        elif name == "input":
            self.values.fault(node, "'input' is the name of the scope's own input")
        return Reference(name, node.place)

    def reference(self, node: Tree, what: str) -> Reference:
        """Read the name of another item."""
        return Reference(self.values.text(node, what), node.place)

    # --- arguments ------------------------------------------------------------------------------------------

    def block_item(self, key: Scalar, node: Tree | None, names: Collection[str]) -> BlockItem:
        """Read a use of a block and check its arguments."""
        block = self.blocks[key.text]
        item = BlockItem(key.place, key.text, block)
        for name, value in self.argument_nodes(key, node, tuple(block.arguments), f"block '{block.name}'").items():
            item.arguments[name] = self.values.value(value, names)
        for name, default in block.arguments.items():
            if default is None and name not in item.arguments:
                self.values.fault(
                    key,
                    f"block '{block.name}' needs '{name}'",
                    f"write '- {block.name}: {{{name}: …}}', or give it a default",
                )
        return item

    def layer_arguments(self, item: LayerItem, node: Tree | None, names: frozenset[str], depth: int) -> None:
        """Read the arguments of a layer, and make it if they are constants."""
        before = len(self.values.faults)
        known = item.layer_class.arguments
        if isinstance(node, Scalar) and not node.text.isalnum() and re.fullmatch(_IN_A_ROW, node.text):
            row = partial(hints.of_values, item.type_name, node, "name the arguments, in {…} or below the type")
            self.values.fault(node, f"{item.type_name}: '{node.text}' is not a value", row)
            return
        merges = item.layer_class.arity[1] not in (0, 1)
        nodes = self.argument_nodes(item, node, (*known, "paths") if merges else tuple(known), item.type_name)
        for name, value in nodes.items():
            if name == "paths":
                item.paths = self.paths(value, names, depth)
            else:
                item.arguments[name] = self.values.value(value, names, known[name])
        item.reads_input = any(value.reads_input for value in item.arguments.values())
        missing = [name for name, argument in known.items() if argument.default is REQUIRED and name not in nodes]
        if missing and len(self.values.faults) == before:
            named = "', '".join(missing)
            help = f"{missing[0]}: {known[missing[0]].help}; 'cnncalc layers {item.type_name}' shows all arguments"
            unnamed = isinstance(node, List) or (isinstance(node, Scalar) and node.text.startswith("("))
            hint: Hint = partial(hints.of_values, item.type_name, node, help) if unnamed else help
            self.values.fault(
                item.origin, f"{item.type_name}: '{named}' {'is' if len(missing) == 1 else 'are'} missing", hint
            )
        elif len(self.values.faults) == before and all(value.is_constant for value in item.arguments.values()):
            self.build(item)

    def build(self, item: LayerItem) -> None:
        """Make the layer at once if no name is read, so that its faults are found even if it is not used.

        Equal items share a layer, which infers and counts only once.
        """
        constants = {name: value.constant for name, value in item.arguments.items()}
        key = (item.layer_class, *[(name, type(value), value) for name, value in constants.items()])
        try:
            item.built = self.built.get(key) or item.layer_class(**constants)
            self.built[key] = item.built
        except LayerError as error:
            value = item.arguments.get(error.argument or "")
            self.values.fault(value.origin if value else item.origin, f"{item.type_name}: {error.message}", error.hint)

    def argument_nodes(
        self, key: Scalar | LayerItem, node: Tree | None, known: tuple[str, ...], what: str
    ) -> dict[str, Tree]:
        """Return the argument nodes by name; a lone scalar or list belongs to the first argument."""
        if node is None or (isinstance(node, Scalar) and node.empty):
            return {}
        if not isinstance(node, Map):
            if "paths" in known and (known[0] == "paths" or (isinstance(node, List) and _merges(what))):
                self.values.fault(node, *_read_by(what, node))
            elif isinstance(node, List) and node.items and all(isinstance(one, Map) for one in node.items):
                written = partial(hints.of_values, what, node, "write them without dashes")
                self.values.fault(node, f"{what}: the arguments are a list", written)
            elif known and known[0] == "eps" and isinstance(node, Scalar) and re.fullmatch("0*[1-9][0-9]*", node.text):
                message = f"{what}: {node.text} would be eps, which is added to the variance"
                self.values.fault(node, message, f"channels are inferred: write '- {what}'")
            elif known and known[0] == "out_features" and isinstance(node, List):
                last = node.items[-1].text if node.items and isinstance(node.items[-1], Scalar) else "…"
                inferred = f"write '- {what}: {last}': what comes in is inferred"
                self.values.fault(node, f"{what}: a list in place of the number of outputs", inferred)
            elif known and known[0] != "paths":
                return {known[0]: node}
            else:
                self.values.fault(node, f"{what} takes no argument", f"write '- {what}'")
            return {}
        found: dict[str, Tree] = {}
        for name, value in self.values.keys(node, what).items():
            if name in known:
                found[name] = value
                continue
            place = next(key for key, _ in node.pairs if isinstance(key, Scalar) and key.text == name)
            if re.fullmatch(_GLUED, name) and isinstance(value, Scalar) and value.empty:
                glued = partial(hints.of_values, what, node, hints.COLON)
                self.values.fault(place, f"{what}: '{name}' is not an argument", glued)
                return {}
            broken = any(name.count(a) != name.count(b) for a, b in ("()", "[]"))
            if name in MODIFIERS:
                hint: Hint = f"'{name}' is a modifier: write it next to the type, not among its arguments"
            else:
                hint = QUOTE if broken else partial(hints.of_argument, name, known)
            self.values.fault(place, f"{what}: unknown argument '{name}'", hint)
        return found

    def paths(self, node: Tree, names: frozenset[str], depth: int) -> list[list[Item]]:
        """Read the paths of a layer that merges."""
        if not isinstance(node, List):
            self.values.fault(node, "paths must be a list of paths, each a list of items")
            return []
        return [self.read(path, names, "a path", depth + 1) for path in node.items]


def _merges(type_name: str) -> bool:
    """Whether a layer type takes several tensors and never a single one."""
    layer_class = layer_type(type_name)
    return layer_class is not None and layer_class.arity[0] > 1


def _read_by(what: str, node: Tree) -> tuple[str, str]:
    """Return the fault and the hint for names, or for a list of paths, as the value of a merging layer."""
    parts = node.items if isinstance(node, List) else [node]
    names = [part.text for part in parts if isinstance(part, Scalar)]
    if isinstance(node, Scalar) and re.fullmatch(r"-?[\d.]+", node.text):
        forms = {"add": "add: {}", "subtract": "add: -{}", "multiply": "mul: {}", "divide": "mul: 1 / {}"}
        own = forms.get(what, "mul: …, add: …").format(node.text).replace("--", "")
        return f"{what} takes its inputs from 'from'", f"for a number write '- affine: {{{own}}}'"
    if len(names) < len(parts):
        return f"{what} takes no argument", f"write paths under their name: '- {what}: {{paths: …}}'"
    return (
        f"{what} takes its inputs from 'from'",
        f"write it below the type, in the same column: 'from: [{', '.join([*names, '…'][: max(len(names), 2)])}]'",
    )
