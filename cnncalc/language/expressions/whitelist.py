"""The part of Python's syntax that expressions may use, turned into closures over names and a budget."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from cnncalc.ground.limits import MAX_DEPTH, MAX_INTEGER
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.numeric import settled
from cnncalc.ground.places import Hint
from cnncalc.language.expressions.arithmetic import (
    FUNCTIONS,
    add,
    bounded,
    multiply,
    on_numbers,
    power,
    require_number,
    truth,
)
from cnncalc.language.expressions.budget import CALL, Budget

if TYPE_CHECKING:
    from cnncalc.ground.values import Value

Names: TypeAlias = "Mapping[str, Value]"
"""Values by name."""

Evaluate: TypeAlias = "Callable[[Names, Budget], Value]"

CONSTANTS = {"true": True, "false": False, "True": True, "False": False, "null": None, "None": None}


class ExpressionError(Exception):
    """An expression can't be compiled or computed: the message, the place in its text, and perhaps a hint."""

    def __init__(self, message: str, offset: int = 0, hint: Hint = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


class UnknownNameError(ExpressionError):
    """An expression has a name that is unknown in its place."""


_BINARY: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: add,
    ast.Sub: on_numbers(operator.sub),
    ast.Mult: multiply,
    ast.Div: on_numbers(operator.truediv),
    ast.FloorDiv: on_numbers(operator.floordiv),
    ast.Mod: on_numbers(operator.mod),
    ast.Pow: power,
}
_UNARY: dict[type[ast.unaryop], Callable[[Value], Value]] = {
    ast.USub: lambda a: -require_number(a),
    ast.UAdd: require_number,
    ast.Not: lambda a: not truth(a),
}
_COMPARE: dict[type[ast.cmpop], Callable[..., bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: lambda a, b: settled(a) is settled(b),
    ast.IsNot: lambda a, b: settled(a) is not settled(b),
}

_item: Callable[..., Value] = operator.getitem


class Compiler:
    """Turns a syntax tree into closures.

    Attributes:
        names: the names that the expression reads.
        cost: number of its parts.
    """

    def __init__(self, text: str, known: Collection[str]) -> None:
        self.text = text
        self.known = known
        self.names: set[str] = set()
        self.cost = 0

    def compile(self, node: ast.expr, depth: int) -> Evaluate:
        """Return a closure for a part of the tree.  Raises ExpressionError for syntax that is not allowed."""
        if depth > MAX_DEPTH:
            raise ExpressionError(f"an expression nested deeper than {MAX_DEPTH}", node.col_offset)
        self.cost += 1
        build: Callable[[ast.expr, int], Evaluate] | None = getattr(self, "_" + type(node).__name__.lower(), None)
        if build is None:
            meant = node.attr if isinstance(node, ast.Attribute) else self.text.strip("{ }") if "{" in self.text else ""
            hint = f"a name stands by itself: {meant}" if meant in self.known else None
            what = _SYNTAX.get(type(node).__name__, "this")
            raise self._refused(node, f"{what} is not allowed in an expression", hint)
        return build(node, depth + 1)

    def _refused(self, node: ast.expr, message: str, hint: Hint = None) -> ExpressionError:
        allowed = (
            "allowed are numbers, strings, lists, arithmetic, comparison, and/or/not, x if c else y, indexing, and "
        )
        return ExpressionError(message, node.col_offset, hint or allowed + " ".join(FUNCTIONS))

    def _constant(self, node: ast.Constant, depth: int) -> Evaluate:
        value = node.value
        if not isinstance(value, (int, float, str)) and value is not None:
            raise self._refused(node, f"'{self.text}' has a constant of a kind that specs don't support")
        if isinstance(value, (int, float)):
            try:
                bounded(value)
            except OverflowError:
                raise ExpressionError(f"a number too large: at most {MAX_INTEGER:,}", node.col_offset) from None
        return lambda names, budget: value

    def _name(self, node: ast.Name, depth: int) -> Evaluate:
        name = node.id
        if name in CONSTANTS and name not in self.known:
            value = CONSTANTS[name]
            return lambda names, budget: value
        if name not in self.known:
            near: Hint = partial(did_you_mean, name, frozenset(self.known), "known names")
            if name in FUNCTIONS:
                near = f"'{name}' is a function: call it, {name}(…)"
            raise UnknownNameError(f"unknown name '{name}'", node.col_offset, near)
        self.names.add(name)
        return lambda names, budget: names[name]

    def _tuple(self, node: ast.Tuple | ast.List, depth: int) -> Evaluate:
        items = [self.compile(item, depth) for item in node.elts]
        return lambda names, budget: budget.weighed(tuple([item(names, budget) for item in items]))

    _list = _tuple

    def _binop(self, node: ast.BinOp, depth: int) -> Evaluate:
        operate = _BINARY.get(type(node.op))
        if operate is None:
            power = "a power is written with **" if isinstance(node.op, ast.BitXor) else None
            raise self._refused(node, f"the operator in '{self.text}' is not allowed in an expression", power)
        left, right = self.compile(node.left, depth), self.compile(node.right, depth)
        if operate in (add, multiply):

            def evaluate(names: Names, budget: Budget) -> Value:
                value = operate(left(names, budget), right(names, budget))
                return budget.weighed(value) if type(value) is tuple else value

            return evaluate
        return lambda names, budget: operate(left(names, budget), right(names, budget))

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> Evaluate:
        operate = _UNARY.get(type(node.op))
        if operate is None:
            raise self._refused(node, "the operator ~ is not allowed in an expression")
        operand = self.compile(node.operand, depth)
        return lambda names, budget: operate(operand(names, budget))

    def _boolop(self, node: ast.BoolOp, depth: int) -> Evaluate:
        first, *rest = [self.compile(value, depth) for value in node.values]
        stops_at = isinstance(node.op, ast.Or)

        def evaluate(names: Names, budget: Budget) -> Value:
            value = first(names, budget)
            for following in rest:
                if truth(value) is stops_at:
                    break
                value = following(names, budget)
            return value

        return evaluate

    def _compare(self, node: ast.Compare, depth: int) -> Evaluate:
        operands = [self.compile(operand, depth) for operand in (node.left, *node.comparators)]
        tests = [_COMPARE[type(op)] for op in node.ops]
        if len(tests) == 1:
            (test,), (left, right) = tests, operands
            return lambda names, budget: test(budget.weighed(left(names, budget)), budget.weighed(right(names, budget)))
        return lambda names, budget: all(
            test(budget.weighed(a(names, budget)), budget.weighed(b(names, budget)))
            for test, a, b in zip(tests, operands, operands[1:], strict=False)
        )

    def _ifexp(self, node: ast.IfExp, depth: int) -> Evaluate:
        test, then, other = (self.compile(part, depth) for part in (node.test, node.body, node.orelse))
        return lambda names, budget: then(names, budget) if truth(test(names, budget)) else other(names, budget)

    def _subscript(self, node: ast.Subscript, depth: int) -> Evaluate:
        items = self.compile(node.value, depth)
        if isinstance(node.slice, ast.Slice):
            parts = (node.slice.lower, node.slice.upper, node.slice.step)
            bounds = [self.compile(part, depth) if part else None for part in parts]

            def sliced(names: Names, budget: Budget) -> Value:
                each = [bound(names, budget) if bound else None for bound in bounds]
                return budget.weighed(_item(items(names, budget), slice(*each)))

            return sliced
        index = self.compile(node.slice, depth)
        return lambda names, budget: _item(items(names, budget), index(names, budget))

    def _call(self, node: ast.Call, depth: int) -> Evaluate:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name not in FUNCTIONS:
            if not name:
                raise self._refused(node, "only named functions can be called")
            near = partial(did_you_mean, name, tuple(FUNCTIONS), "functions")
            raise self._refused(node, f"unknown function '{name}'", near)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self._refused(node, f"{name}() takes only positional arguments")
        function = FUNCTIONS[name]
        self.cost += CALL
        arguments = [self.compile(argument, depth) for argument in node.args]
        return lambda names, budget: budget.weighed(
            function(*[budget.weighed(argument(names, budget)) for argument in arguments])
        )


_SYNTAX = {
    "Attribute": "an attribute (a dot)",
    "Lambda": "a lambda",
    **dict.fromkeys(("ListComp", "SetComp", "DictComp", "GeneratorExp"), "a comprehension"),
    "Dict": "a dictionary",
    "Set": "a set",
    "NamedExpr": "an assignment",
    "JoinedStr": "an f-string",
    "Starred": "a star",
    "Await": "await",
    "Yield": "yield",
}
