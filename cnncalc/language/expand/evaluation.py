"""Evaluation of values while a network is built, with the current names and within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnncalc.ground.limits import MAX_LAYERS
from cnncalc.language.document import BlockItem, Loop, SpecValue
from cnncalc.language.expand.scopes import Flowing
from cnncalc.language.expressions.budget import Budget
from cnncalc.language.expressions.compile import bind
from cnncalc.language.expressions.whitelist import ExpressionError, Names
from cnncalc.language.faults import Faults
from cnncalc.layers.arguments import natural, value_text

if TYPE_CHECKING:
    from cnncalc.ground.values import Value

COPIED_AT_ONCE = 8
"""Number of names that are copied in the time of one operation of an expression."""


class Evaluation:
    """Evaluates a spec's values; a value that can't be computed becomes a fault and None.

    Attributes:
        globals: the values of the document's ``args``.
        budget: the remaining operations of all expressions.
    """

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.budget = Budget()
        self.globals: dict[str, Value] = {}

    def value(self, value: SpecValue, names: Names) -> Value:
        """Return a value, or note a fault and return None."""
        if value.compute is None:
            return value.constant
        try:
            return value.compute(names, self.budget)
        except ExpressionError as error:
            self.faults.note(value.origin, error.message, error.hint)
            return None

    def known(self, value: SpecValue, names: Names, incoming: Flowing) -> Value:
        """Evaluate a value, unless it depends on an incoming tensor that is unknown after a fault."""
        if value.reads_input:
            if incoming is None:
                return None
            names = self.seen(names, incoming)
        return self.value(value, names)

    def condition(self, value: SpecValue, names: Names) -> bool:
        """Return whether a condition holds; a word is a fault."""
        result = self.value(value, names)
        if isinstance(result, str):
            flags = {"yes": "true", "on": "true", "no": "false", "off": "false"}
            hint = f"write {flags[result]}" if result in flags else None
            message = f"a condition must be true or false, not the word '{result}'"
            self.faults.note(value.origin, message, hint)
        return bool(result)

    def present(self, when: SpecValue, names: Names, incoming: Flowing) -> bool:
        """Return whether ``when`` holds for the incoming tensor; False if that is unknown after a fault."""
        if when.reads_input:
            if incoming is None:
                return False
            names = self.seen(names, incoming)
        return self.condition(when, names)

    def count(self, value: SpecValue, names: Names) -> int:
        """Return the number of repetitions of an item. Raises SpecError for more than MAX_LAYERS."""
        found = self.value(value, names)
        try:
            count = natural(found)
        except ValueError as error:
            hint = "use 'repeat: 2' for a number, 'when: …' for a condition" if isinstance(found, bool) else None
            if isinstance(found, float):
                hint = "'//' rounds a quotient down"
            self.faults.note(value.origin, f"repeat must be {error}, not {value_text(found)}", hint)
            return 0
        if count > MAX_LAYERS:
            message = f"repeat: {count:,} is more than the {MAX_LAYERS:,} layers that a network may have"
            raise self.faults.refusal(value.origin, message)
        return count

    def rows(self, loop: Loop | None, names: Names, incoming: Flowing) -> Sequence[Value]:
        """Return the rows of ``for``; without a ``for``, one row that binds nothing."""
        if loop is None:
            return (None,)
        try:
            rows = loop.rows(self.seen(names, incoming), self.budget)
            if isinstance(rows, (tuple, range)):
                return rows
            raise ExpressionError(f"'{loop.rows.text}' is not a list", hint="range(n) counts from 0 to n − 1")
        except ExpressionError as error:
            self.faults.note(loop.origin, f"for: {error.message}", error.hint)
            return ()

    def bound(self, loop: Loop | None, row: Value, names: Names) -> Names:
        """Return the names extended by those that a row binds."""
        if loop is None:
            return names
        try:
            self.budget.spend(len(names) // COPIED_AT_ONCE)
            return {**names, **bind(loop.target, row)}
        except ExpressionError as error:
            self.faults.note(loop.origin, f"for: {error.message}", error.hint)
            return {**names, **dict.fromkeys(loop.names)}

    def seen(self, names: Names, incoming: Flowing) -> Names:
        """Return the names extended by those of the incoming tensor, if it is known."""
        if not incoming:
            return names
        shape = incoming[0].shape
        self.budget.spend(len(names) // COPIED_AT_ONCE)
        return {**names, "in_channels": shape[0], "in_shape": shape}

    def inside(self, item: BlockItem, names: Names, incoming: Flowing) -> dict[str, Value]:
        """Return the names inside a block: the document's and the block's."""
        values = dict(self.globals)
        self.budget.spend(len(values) // COPIED_AT_ONCE + len(item.block.arguments) // 2)
        for name, default in item.block.arguments.items():
            given = item.arguments.get(name)
            if given is not None:
                values[name] = given.constant if given.is_constant else self.known(given, names, incoming)
            elif default is not None:
                values[name] = default.constant if default.is_constant else self.known(default, values, incoming)
        return values
