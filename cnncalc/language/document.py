"""The document model: items, blocks and the whole spec, read and checked but not yet expanded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.named import NamedTuple
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.places import Place, SpecText
from cnncalc.language.expressions.budget import Budget
from cnncalc.language.expressions.compile import Expression
from cnncalc.language.expressions.whitelist import Evaluate, Names
from cnncalc.layers.base import Layer

if TYPE_CHECKING:
    from cnncalc.ground.places import Origin
    from cnncalc.ground.values import Value
    from cnncalc.language.expressions.compile import Target

INPUT_NAMES = ("in_channels", "in_shape")
"""The names in expressions of the incoming tensor's channels and shape."""


class SpecValue:
    """A value of a spec: a constant, or something to be computed from names.

    Attributes:
        constant: the value if it needs no names, else None.
        names: the names that it reads.
        reads_input: whether one of them refers to the incoming tensor.
        origin: its place.
    """

    __slots__ = ("compute", "constant", "is_constant", "names", "origin", "reads_input")

    def __init__(
        self,
        origin: Place,
        constant: Value = None,
        compute: Evaluate | None = None,
        names: frozenset[str] = frozenset(),
    ) -> None:
        self.origin = origin
        self.constant = constant
        self.compute = compute
        self.is_constant = compute is None
        self.names = names
        self.reads_input = not names.isdisjoint(INPUT_NAMES)

    def __call__(self, names: Names, budget: Budget) -> Value:
        """Return the value, given a value for every name.  Raises ExpressionError, and WorkLimitError."""
        return self.constant if self.compute is None else self.compute(names, budget)


class Reference(NamedTuple):
    """The name of another item, and its place."""

    name: str
    origin: Place


class Loop(NamedTuple):
    """A ``for``: the names to bind, and the rows of values."""

    target: Target
    names: list[str]
    rows: Expression
    origin: Place


class Item:
    """One entry of a list of layers, with its modifiers; subclasses hold the contents."""

    def __init__(self, origin: Place, type_name: str) -> None:
        self.origin = origin
        self.type_name = type_name
        self.arguments: dict[str, SpecValue] = {}
        self.name: Reference | None = None
        self.sources: list[Reference] | None = None
        self.loop: Loop | None = None
        self.repeat: SpecValue | None = None
        self.when: SpecValue | None = None
        self.weights: Reference | None = None
        self.expect: SpecValue | None = None

    @property
    def children(self) -> list[Item]:
        """The items that are written inside this one."""
        return []

    @cached_property
    def repeats(self) -> bool:
        """Whether the item may occur several times, so that it is numbered."""
        return self.loop is not None or self.repeat is not None


class LayerItem(Item):
    """A use of a layer type; ``built`` is the layer if all arguments are constants."""

    def __init__(self, origin: Place, type_name: str, layer_class: type[Layer]) -> None:
        super().__init__(origin, type_name)
        self.layer_class = layer_class
        self.takes_nothing = layer_class.takes_nothing()
        self.paths: list[list[Item]] | None = None
        self.built: Layer | None = None
        self.cache: dict[bytes, Layer] = {}  # layers by argument values
        self.reads_input = False

    @property
    def children(self) -> list[Item]:
        """The items of all paths."""
        return [item for path in self.paths or () for item in path]


class BlockItem(Item):
    """A use of a block of the spec."""

    def __init__(self, origin: Place, type_name: str, block: Block) -> None:
        super().__init__(origin, type_name)
        self.block = block


class SequenceItem(Item):
    """Items taken together."""

    def __init__(self, origin: Place, items: list[Item]) -> None:
        super().__init__(origin, "sequence")
        self.items = items
        self.reserved: frozenset[str] = frozenset()

    @property
    def children(self) -> list[Item]:
        """The items of the sequence."""
        return self.items


class Block:
    """A layer type defined by the spec; an argument without a default is None."""

    def __init__(self, name: str, origin: Place) -> None:
        self.name = name
        self.origin = origin
        self.arguments: dict[str, SpecValue | None] = {}
        self.argument_origins: dict[str, Place] = {}
        self.items: list[Item] = []
        self.reserved: frozenset[str] = frozenset()


class About(NamedTuple):
    """Information in a file on one of its networks.

    Attributes:
        year: of the architecture.
        source: the paper or page that the architecture was taken from.
    """

    year: int | None = None
    source: str | None = None


class Stated(NamedTuple):
    """A plain text of a file, with its place."""

    text: str
    origin: Origin


class StatedOutput(NamedTuple):
    """An item that is an output, perhaps only under a condition."""

    reference: Reference
    when: SpecValue | None


class Definition:
    """What a document, or a variant of it, states of a network.

    Attributes:
        inputs: the shape of each input by name; an input without one is called "input".
    """

    def __init__(self) -> None:
        self.arguments: dict[str, SpecValue] = {}
        self.inputs: dict[str, SpecValue] = {}
        self.outputs: list[StatedOutput] | None = None
        self.expect: dict[str, SpecValue] = {}
        self.year: int | None = None
        self.source: str | None = None


class Variant(Definition):
    """A set of overrides; its name is in the document."""

    def changes_nothing(self, document: Document) -> bool:
        """Whether the variant has the document's own args, input and outputs."""
        if self.outputs is not None or (self.inputs and list(self.inputs) != list(document.inputs)):
            return False
        pairs = [(value, document.inputs[name]) for name, value in self.inputs.items()]
        pairs += [(value, document.arguments[name]) for name, value in self.arguments.items()]
        return all(one.is_constant and other.is_constant and one.constant == other.constant for one, other in pairs)


class Resolved(NamedTuple):
    """The definition of one network: the variant's entries, and the document's for the rest.

    Attributes:
        variant: its name; None for the document's default.
        arguments: the values of ``args``, each computed from those above it.
        inputs: the shape of each input.
    """

    variant: str | None
    arguments: Mapping[str, SpecValue]
    inputs: Mapping[str, SpecValue]
    outputs: list[StatedOutput] | None
    expect: Mapping[str, SpecValue]
    about: About


class Document(Definition):
    """What a whole spec states, read and checked."""

    def __init__(self, file: SpecText) -> None:
        super().__init__()
        self.file = file
        self.origin = Place(file, 0, 0)
        self.path = file.name
        self.text: str = file.content
        self.name = ""
        self.variants: dict[str, Variant] = {}
        self.blocks: dict[str, Block] = {}
        self.items: list[Item] = []
        self.reserved: frozenset[str] = frozenset()
        self.deploy: dict[str, Stated] = {}

    def resolved(self, variant: str | None) -> Resolved:
        """Return the definition of a variant, or of the document's default.  Raises CnncalcError for an unknown one."""
        if variant is not None and variant not in self.variants:
            known = tuple(self.variants)
            hint = did_you_mean(variant, known, "variants") if known else "the spec has no variants"
            raise CnncalcError(f"{self.path}: no variant '{variant}'", hint)
        own = self if variant is None else self.variants[variant]
        return Resolved(
            variant,
            {**self.arguments, **own.arguments},
            own.inputs or self.inputs,
            own.outputs or self.outputs,
            {**self.expect, **own.expect},
            About(own.year or self.year, own.source or self.source),
        )


def explicit_names(items: list[Item]) -> frozenset[str]:
    """Return the explicit names in a scope, which running numbers must not use."""
    names: set[str] = set()
    for item in items:
        if item.name is not None:
            names.add(item.name.name)
        elif isinstance(item, SequenceItem):
            names |= item.reserved
        if isinstance(item, LayerItem):
            names |= explicit_names(item.children)
    return frozenset(names)


def walked(items: list[Item]) -> Iterator[Item]:
    """Return items and all items inside them, in the order of the text."""
    for item in items:
        yield item
        yield from walked(item.children)


def walked_through_blocks(items: list[Item]) -> Iterator[Item]:
    """Return items and all items inside them, and those of the blocks that they use, each block once."""
    seen: set[Block] = set()
    waiting = items[::-1]
    while waiting:
        item = waiting.pop()
        yield item
        waiting += item.children[::-1]
        if isinstance(item, BlockItem) and item.block not in seen:
            seen.add(item.block)
            waiting += item.block.items[::-1]


def outer_names(items: Iterable[Item]) -> set[str]:
    """Return the names that items read from enclosing scopes."""
    found: set[str] = set()
    for item in items:
        own = inner_names(item)
        found |= own if item.loop is None else (own - set(item.loop.names)) | set(item.loop.rows.names)
    return found


def inner_names(item: Item) -> set[str]:
    """Return the names that an item reads, including those that its loop binds."""
    return names_of([item.repeat, item.when, item.expect, *item.arguments.values()]) | outer_names(item.children)


def names_of(values: Iterable[SpecValue | None]) -> set[str]:
    """Return the names that some values read."""
    return {name for value in values if value is not None for name in value.names}
