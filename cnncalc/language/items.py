"""What a spec says, read and checked but not yet expanded: items, blocks and the whole document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from cnncalc.ground.places import Origin, Source
from cnncalc.language.expressions import Expression
from cnncalc.layers.base import Layer

Environment = Mapping[str, Any]

INPUT_NAMES = ("in_channels", "in_shape")
"""What expressions call the incoming tensor's channels and its shape."""


class Value:
    """A value of a spec: a constant, or something to be computed from names.

    Attributes:
        constant: the value where it needs no names, else None.
        names: the names that it reads.
        reads_input: whether one of them is the incoming tensor's.
        origin: its place.
    """

    __slots__ = ("compute", "constant", "is_constant", "names", "origin", "reads_input")

    def __init__(
        self,
        origin: Origin,
        constant: Any = None,
        compute: Callable[[Environment], Any] | None = None,
        names: frozenset[str] = frozenset(),
    ) -> None:
        self.origin = origin
        self.constant = constant
        self.compute = compute
        self.is_constant = compute is None
        self.names = names
        self.reads_input = not names.isdisjoint(INPUT_NAMES)

    def __call__(self, environment: Environment) -> Any:
        """Return the value under the given names.  Raises ExpressionError."""
        return self.constant if self.compute is None else self.compute(environment)


class Reference(NamedTuple):
    """The name of another item, and where it is written."""

    name: str
    origin: Origin


class Loop(NamedTuple):
    """A ``for``: the names to bind and the rows that they are bound to."""

    target: Any
    names: list[str]
    rows: Expression
    origin: Origin


class Item:
    """One entry of a list of layers, with its modifiers; what it is made of is in the subclasses."""

    def __init__(self, origin: Origin, type_name: str) -> None:
        self.origin = origin
        self.type_name = type_name
        self.name: Reference | None = None
        self.sources: list[Reference] | None = None
        self.loop: Loop | None = None
        self.repeat: Value | None = None
        self.when: Value | None = None
        self.weights: Reference | None = None
        self.expect: Value | None = None

    @cached_property
    def repeats(self) -> bool:
        """Whether the item may come several times, so that it is numbered."""
        return self.loop is not None or self.repeat is not None


class LayerItem(Item):
    """A use of a layer type; ``built`` is the layer where all arguments are constants."""

    def __init__(self, origin: Origin, type_name: str, layer_class: type[Layer]) -> None:
        super().__init__(origin, type_name)
        self.layer_class = layer_class
        self.arguments: dict[str, Value] = {}
        self.paths: list[list[Item]] | None = None
        self.built: Layer | None = None
        self.cache: dict[tuple[Any, ...], Layer] = {}
        self.reads_input = False


class BlockItem(Item):
    """A use of a block of the spec."""

    def __init__(self, origin: Origin, type_name: str, block: Block) -> None:
        super().__init__(origin, type_name)
        self.block = block
        self.arguments: dict[str, Value] = {}


class SequenceItem(Item):
    """Items taken together."""

    def __init__(self, origin: Origin, items: list[Item]) -> None:
        super().__init__(origin, "sequence")
        self.items = items
        self.reserved: frozenset[str] = frozenset()


class Block:
    """A layer type of the spec's own; an argument without a default is None here."""

    def __init__(self, name: str, origin: Origin) -> None:
        self.name = name
        self.origin = origin
        self.arguments: dict[str, Value | None] = {}
        self.argument_origins: dict[str, Origin] = {}
        self.items: list[Item] = []
        self.reserved: frozenset[str] = frozenset()


class Output(NamedTuple):
    """An item that is an output, perhaps only under a condition."""

    reference: Reference
    when: Value | None


class Stated(NamedTuple):
    """A plain text of a spec, with its place."""

    text: str
    origin: Origin


class Variant:
    """A named set of overrides."""

    def __init__(self, name: str, origin: Origin) -> None:
        self.name = name
        self.origin = origin
        self.arguments: dict[str, Value] = {}
        self.input: Value | dict[str, Value] | None = None
        self.outputs: list[Output] | None = None
        self.expect: dict[str, Value] = {}
        self.year: int | None = None
        self.source: str | None = None


class Document:
    """A whole spec, read: :func:`cnncalc.language.expand.build` makes networks of it."""

    def __init__(self, text: Source) -> None:
        self.text = text
        self.origin = Origin(text, 0, 0)
        self.name = ""
        self.source: str | None = None
        self.year: int | None = None
        self.arguments: dict[str, Value] = {}
        self.variants: dict[str, Variant] = {}
        self.input: Value | dict[str, Value] | None = None
        self.blocks: dict[str, Block] = {}
        self.items: list[Item] = []
        self.reserved: frozenset[str] = frozenset()
        self.outputs: list[Output] | None = None
        self.expect: dict[str, Value] = {}
        self.deploy: dict[str, Stated] = {}


def explicit_names(items: list[Item]) -> frozenset[str]:
    """Return the names that a scope's items are given, which running numbers must not take."""
    names: set[str] = set()
    for item in items:
        if item.name is not None:
            names.add(item.name.name)
        elif isinstance(item, SequenceItem):
            names |= item.reserved
        if isinstance(item, LayerItem):
            for path in item.paths or ():
                names |= explicit_names(path)
    return frozenset(names)
