"""A model file as plain objects: graphs, operators, attributes, and tensors, whose data is not read yet."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cnncalc.importers.onnx.wire import Span

if TYPE_CHECKING:
    from cnncalc.layers.base import Layer


class StoredTensor(NamedTuple):
    """A tensor of the file, without its elements.

    Attributes:
        name: its name in the file.
        shape: its sizes.
        dtype: its element type, a TensorProto.DataType.
        raw: where its bytes are in the file, or None.
        packed: (field, place in the file) of elements in a field of their type.
        numbers: elements that were written one by one.
        external: the entries of an external file (location, offset, length), or None.
        was_learned: whether the file says that it is a parameter; None if it says nothing.
        key: the only key of the module's state_dict that it was computed from; "" if the file names none or several.
    """

    name: str
    shape: tuple[int, ...]
    dtype: int
    raw: Span | None = None
    packed: tuple[tuple[int, Span], ...] = ()
    numbers: tuple[float, ...] = ()
    external: dict[str, str] | None = None
    was_learned: bool | None = None
    key: str = ""

    @property
    def elements(self) -> int:
        """How many elements it has."""
        return prod(self.shape)


AttributeItem: TypeAlias = "float | str | StoredTensor | Subgraph | Layer"
"""What an attribute holds, or a list of which it holds.  Integers are numbers, too; layers occur in no file."""

Attribute: TypeAlias = "AttributeItem | list[AttributeItem] | None"
"""The value of an operator's attribute; None if the file leaves it out."""


class OnnxOperator(NamedTuple):
    """A node of a graph.

    Attributes:
        op: the operator's type, "Conv".
        domain: the operator set that it belongs to; "" is ONNX's own.
        inputs: names of the values that it reads; "" for one that is left out.
        outputs: names of the values that it computes.
        name: the node's name, or "".
        attributes: the operator's attributes.
        scope: paths of the modules around it, the outermost first, as PyTorch's exporter writes them.
        references: for attributes of a function's operators, the function's attributes that give their values.
        overload: which of several functions of one name it uses.
    """

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str
    attributes: dict[str, Attribute]
    scope: tuple[str, ...]
    references: dict[str, str]
    overload: str

    @property
    def label(self) -> str:
        """The operator's name in messages."""
        return f"{self.op} '{self.name}'" if self.name else f"{self.op} that computes '{(*self.outputs, '')[0]}'"


def operator_of(op: str, whole: OnnxOperator, /, **attributes: Attribute) -> OnnxOperator:
    """Return an operator that is not in the file, for a part of the work of another operator, whose name it has."""
    return OnnxOperator(op, "", (), whole.outputs, whole.name, attributes, (), {}, "")


class Port(NamedTuple):
    """What a file states of a value: name, element type, sizes (None: unknown, text: a symbol).

    ``axis`` is the batch axis for an operator that reads it, None if none decides.
    """

    name: str
    dtype: int
    shape: tuple[int | str | None, ...] | None
    axis: int | None = None


class Subgraph(NamedTuple):
    """Operators in the order in which they run, the tensors stored beside them, and where values are described."""

    name: str
    operators: Sequence[OnnxOperator]
    stored: dict[str, StoredTensor]
    inputs: list[Port]
    outputs: list[Port]
    stated: dict[str, Span]


class Function(NamedTuple):
    """An operator that the file itself defines."""

    operators: Sequence[OnnxOperator]
    inputs: dict[str, None]
    outputs: tuple[str, ...]
    defaults: dict[str, Attribute]


FunctionKey: TypeAlias = "tuple[str, str, str]"


class Model(NamedTuple):
    """A file: its graph, its functions by (domain, name, overload), and the opset of each domain."""

    graph: Subgraph
    functions: dict[FunctionKey, Function]
    opsets: dict[str, int]
    producer: str
