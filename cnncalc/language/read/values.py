"""Convert scalars and lists of a spec to values.

The meaning of a scalar depends on what is expected in its place.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_ALIASED, MAX_DEPTH
from cnncalc.ground.places import Fault, Hint, Place, SpecError, SpecText, shown_hint
from cnncalc.language import hints
from cnncalc.language.document import SpecValue
from cnncalc.language.expressions.budget import Budget
from cnncalc.language.expressions.compile import compile_expression
from cnncalc.language.expressions.whitelist import CONSTANTS, ExpressionError, Names
from cnncalc.language.faults import Faults
from cnncalc.language.read.yaml_tree import List, Map, Scalar, Tree, decode, parse
from cnncalc.layers.arguments import REQUIRED, Argument, natural, positive

if TYPE_CHECKING:
    from cnncalc.ground.values import Value

SIZE = Argument(positive, "an axis of a shape", REQUIRED, "")
COUNT = Argument(natural, "how often, or how many", REQUIRED, "")
"""Values that are neither layers' arguments nor text."""

FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

NO_NAMES: frozenset[str] = frozenset()
NO_VALUES: Names = {}


def value_of_text(text: str, name: str) -> Value:
    """Return the value of a separate text, such as a setting's; ``name`` is its name in messages.

    Raises:
        CnncalcError: if it can't be read.
    """
    source = decode(text.encode("utf-8", "surrogateescape"), name)
    if not text.strip():
        raise CnncalcError(f"{name}=: a value is missing")
    reader = ValueReader(source)
    value = reader.literal(parse(source), NO_NAMES)
    reader.faults.stop()
    return value(NO_VALUES, reader.budget)


class ValueReader:
    """Reads values of one text.

    Attributes:
        file: the text.
        faults: the faults found.
        budget: the remaining operations for reading.
    """

    def __init__(self, file: SpecText) -> None:
        self.file = file
        self.faults = Faults()
        self.budget = Budget()
        self._allowance = len(file.content) + MAX_ALIASED  # without aliases, n characters make at most n nodes

    def fault(self, place: Tree | Place, message: str, hint: Hint = None) -> None:
        """Note a fault at a part of the text, or at a place in it."""
        self.faults.note(place.place if isinstance(place, Tree) else place, message, hint)

    def visit(self, node: Tree, depth: int) -> None:
        """Count a node. Raises SpecError if aliases expand to too many nodes, or too deep ones."""
        self._allowance -= 1
        if self._allowance < 0:
            raise SpecError([Fault(f"aliases expand to more than {MAX_ALIASED:,} additional parts", node.place)])
        if depth > MAX_DEPTH:
            raise SpecError([Fault(f"nested deeper than {MAX_DEPTH}", node.place)])

    def keys(self, node: Tree | None, what: str, known: tuple[str, ...] = ()) -> dict[str, Tree]:
        """Return a mapping's values by key; unknown keys, and keys given twice, are faults."""
        if node is None or (isinstance(node, Scalar) and node.empty):
            return {}
        self.visit(node, 0)
        if not isinstance(node, Map):
            self.fault(node, f"{what} must be a mapping (key: value)", hints.of_no_mapping(node, known))
            return {}
        found: dict[str, Tree] = {}
        for key, value in node.pairs:
            name = key.text if isinstance(key, Scalar) else ""
            message = ""
            hint: Hint = None
            if not isinstance(key, Scalar):
                message = "a key must be a word"
            elif name == "<<":
                message, hint = "merge keys (<<) are not supported", "share values with 'args' or a block"
            elif name in found:
                message = f"'{name}' is given twice"
            elif known and name not in known:
                message, hint = f"unknown key '{name}' in {what}", partial(hints.of_key, name, known, value)
            if message:
                self.fault(key, message, hint)
            else:
                found[name] = value
        return found

    def value(
        self, node: Tree, names: Collection[str], argument: Argument[object] | None = None, depth: int = 0
    ) -> SpecValue:
        """Read a value that may be an expression over ``names``; return None after a fault."""
        self.visit(node, depth)
        if isinstance(node, Scalar):
            return self._scalar(node, names, argument)
        if isinstance(node, List):
            return _joined(node.place, [self.value(item, names, argument, depth + 1) for item in node.items])
        self.fault(node, "a mapping in place of a value", hints.of_braces(node))
        return SpecValue(node.place)

    def literal(self, node: Tree, names: Collection[str], depth: int = 0) -> SpecValue:
        """Read a hyper-parameter: a word means itself, unless it names an earlier one; otherwise like ``value``."""
        self.visit(node, depth)
        if isinstance(node, List):
            return _joined(node.place, [self.literal(item, names, depth + 1) for item in node.items])
        if not isinstance(node, Scalar):
            return self.value(node, names)
        text = node.text
        word = _is_word(text) and not (text in CONSTANTS or text in names) if not node.quoted else text not in names
        if word and (not node.quoted or _is_word(text)):
            return SpecValue(node.place, text)
        return self.value(node, names)

    def text(self, node: Tree, what: str) -> str:
        """Read a text literally, without YAML's conversions."""
        if isinstance(node, Scalar) and not node.empty:
            return node.text
        self.fault(node, f"{what} must be a text")
        return ""

    def integer(self, node: Tree, what: str) -> int | None:
        """Read a plain integer."""
        if isinstance(node, Scalar) and _is_integer(node.text):
            return int(node.text)
        self.fault(node, f"{what} must be an integer")
        return None

    def _scalar(self, node: Scalar, names: Collection[str], argument: Argument[object] | None) -> SpecValue:
        text, origin = node.text, node.place
        if not node.quoted:
            if _is_integer(text):
                return SpecValue(origin, int(text))
            if not text or text == "~":
                return SpecValue(origin)
        if argument is not None:
            if text in argument.words or argument.is_text:
                return SpecValue(origin, text)
            if argument.flag and text.lower() in FLAGS:
                return SpecValue(origin, FLAGS[text.lower()])
        return self._expression(node, names, argument)

    def _expression(self, node: Scalar, names: Collection[str], argument: Argument[object] | None) -> SpecValue:
        text, origin = node.text, node.place
        try:
            expression = compile_expression(text, names)
            if not expression.names:
                return SpecValue(origin, expression(NO_VALUES, self.budget))
            return SpecValue(origin, compute=expression, names=expression.names)
        except ExpressionError as error:
            if node.quoted and _is_word(text) and text not in names:
                return SpecValue(origin, text)
            indent = len(text) - len(text.lstrip())
            same_line = "\n" not in text and text in self.file.line(origin.line)
            place = origin.shifted(error.offset + indent + node.quoted if same_line else 0)
            self.fault(place, error.message, partial(_expression_hint, error, text, argument))
            return SpecValue(origin)


def begins_a_name(text: str) -> bool:
    """Return whether a text begins with an ASCII letter or _."""
    first = text[:1]
    return first == "_" or (first.isascii() and first.isalpha())


def has_signs_of_a_name(text: str, more: str = "") -> bool:
    """Return whether a text is not empty and consists of letters, digits, _ and ``more`` characters."""
    for sign in "_" + more:
        text = text.replace(sign, "a")
    return text.isalnum()


def _is_integer(text: str) -> bool:
    """Return whether a text is a plain integer of at most 15 digits."""
    digits = text.removeprefix("-")
    return digits.isdecimal() and digits.isascii() and len(digits) <= 15 and (digits[0] != "0" or digits == "0")


def _is_word(text: str) -> bool:
    """Return whether a text is a single word, of letters, digits and ``_.-``, that begins with a letter or _."""
    return begins_a_name(text) and has_signs_of_a_name(text, "-.")


def _expression_hint(error: ExpressionError, text: str, argument: Argument[object] | None) -> str | None:
    """Return the hint for an invalid expression; for a single word, the word that was probably meant."""
    if argument is not None and argument.words and _is_word(text):
        return hints.of_word(text, argument.words)
    hint = shown_hint(error.hint)
    if not _is_word(text) or not (hint is None or hint.startswith("known names")):
        return hint
    if argument is None:
        return f"quote a text: '{text}'"
    return "write true or false" if argument.flag else hints.of_number(text, hint)


def _joined(origin: Place, items: list[SpecValue]) -> SpecValue:
    if all(item.is_constant for item in items):
        return SpecValue(origin, tuple([item.constant for item in items]))
    names = NO_NAMES.union(*[item.names for item in items])
    return SpecValue(origin, compute=lambda names, budget: tuple([item(names, budget) for item in items]), names=names)
