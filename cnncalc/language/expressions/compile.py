"""Expressions in specs: a small part of Python's syntax, compiled to closures.  Never ``eval``.

An expression is parsed once, checked against a whitelist of syntax and names, and can then be evaluated as often
as blocks and sweeps need it.  Lists are tuples inside, so that every value can be a dictionary's key.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from cnncalc.ground.limits import MAX_DEPTH, MAX_EXPRESSION, MAX_INTEGER, MAX_LIST
from cnncalc.ground.near import did_you_mean
from cnncalc.ground.numeric import settled
from cnncalc.ground.places import Hint
from cnncalc.language.expressions.arithmetic import FUNCTIONS, add, bounded, multiply, number, power, truth, weigh

Environment = Mapping[str, Any]
Evaluate = Callable[[Environment], Any]

BUDGET = ""
"""Where an environment keeps what is left of the operations that expressions may take; no name is empty."""

_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}").fullmatch
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"").sub

FAILED = 100
"""Operations that an expression counts for that can't be computed, beside its own."""

CONSTANTS = {"true": True, "false": False, "True": True, "False": False, "null": None, "None": None}


class ExpressionError(Exception):
    """An expression that can't be: what is wrong, where in its text, and perhaps a hint."""

    def __init__(self, message: str, offset: int = 0, hint: Hint = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


class UnknownNameError(ExpressionError):
    """An expression with a name that has no meaning where it stands."""


class Expression:
    """A compiled expression.

    Attributes:
        text: as it stands in the spec.
        names: the names that it reads.
    """

    __slots__ = ("_cost", "_evaluate", "names", "text")

    def __init__(self, text: str, evaluate: Evaluate, names: frozenset[str], cost: int) -> None:
        self.text = text
        self._evaluate = evaluate
        self._cost = cost
        self.names = names

    def __call__(self, environment: Environment) -> Any:
        """Return the value, given a value for every name.  Raises ExpressionError."""
        try:
            _spend(environment, self._cost)
            return self._evaluate(environment)
        except ExpressionError:
            _spend(environment, FAILED)
            raise
        except KeyError as missing:
            raise ExpressionError(f"'{missing.args[0]}' has no value here") from None
        except ZeroDivisionError:
            raise ExpressionError(f"'{self.text}' divides by zero") from None
        except IndexError:
            raise ExpressionError(f"'{self.text}': the index is outside the list") from None
        except (TypeError, ValueError, OverflowError, RecursionError) as fault:
            _spend(environment, FAILED)
            raise ExpressionError(f"'{self.text}' can't be computed: {fault}") from None


def compile_expression(text: str, known: Collection[str]) -> Expression:
    """Compile an expression whose names are all in ``known``.

    Raises:
        ExpressionError: for other syntax than the whitelist's, an unknown name, or what Python would read otherwise
            than a person does.
    """
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(f"an expression of {len(text)} characters; at most {MAX_EXPRESSION} are read")
    stripped = text.strip()
    _refuse_misread(stripped)
    try:
        tree = _parsed(stripped)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as fault:
        offset = (getattr(fault, "offset", None) or 1) - 1
        odd = next((place for place, sign in enumerate(text) if not (sign.isascii() or sign.isidentifier())), offset)
        offset = max(odd, offset)  # Python 3.10 points at the number that an odd digit ends
        raise ExpressionError(
            f"'{text}' is not an expression", min(offset, len(text)), _syntax_hint(stripped)
        ) from None
    compiler = _Compiler(stripped, known)
    evaluate = compiler.compile(tree, 0)
    return Expression(stripped, evaluate, frozenset(compiler.names), compiler.cost)


def _refuse_misread(text: str) -> None:
    """Refuse a text that Python would take for an expression, and that a person would not."""
    if _DATE(text):
        spaced = text.replace("-", " - ")
        raise ExpressionError(f"'{text}' looks like a date", hint=f"a difference is written with spaces: {spaced}")
    if "#" in text:
        offset = _QUOTED(lambda quoted: " " * len(quoted[0]), text).find("#")
        if offset >= 0:
            raise ExpressionError(f"'{text}' has a #", offset, "a comment begins with a space before its #")


def _parsed(text: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's opinion of `1if x` is nobody's here
        return ast.parse(text, mode="eval").body


def _spend(environment: Environment, operations: int) -> None:
    budget = environment.get(BUDGET)
    if budget is not None:
        budget.spend(operations)


def _weighed(environment: Environment, value: Any) -> Any:
    """Return a value, its items counted where it is a list."""
    if type(value) is tuple:
        try:
            _spend(environment, weigh(value))
        except OverflowError:
            _spend(environment, MAX_LIST)
            raise
    elif type(value) is range:
        _spend(environment, len(value))
    return value


def compile_loop(text: str, known: Collection[str]) -> tuple[Any, list[str], Expression]:
    """Compile ``a, (b, c) in rows`` to the target's nested names, all its names, and the rows.

    Raises:
        ExpressionError: where it is not of that form, or an unknown name is read.
    """
    head, separator, rows = text.partition(" in ")
    form = "write it as 'names in list', for example 'i in range(3)' or 'n, c in rows'"
    if not separator or len(head) > MAX_EXPRESSION:
        raise ExpressionError(f"'{text[:80]}' is not a loop", hint=form)
    try:
        target = _target(_parsed(head.strip()))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ExpressionError(f"'{head.strip()}' is not a list of names", hint=form) from None
    names: list[str] = []
    _flatten(target, names)
    try:
        return target, names, compile_expression(rows, known)
    except ExpressionError as error:
        error.offset += len(head) + len(separator) + len(rows) - len(rows.lstrip())
        raise


def bind(target: Any, row: Any) -> dict[str, Any]:
    """Bind a row's values to the names of a loop's target.  Raises ExpressionError where they don't match."""
    if isinstance(target, str):
        return {target: row}
    if not isinstance(row, tuple) or len(row) != len(target):
        had = f"a row of {len(row)}" if isinstance(row, tuple) else f"the single value {row!r}"
        raise ExpressionError(f"{len(target)} names, but {had}")
    bound: dict[str, Any] = {}
    for name, value in zip(target, row, strict=True):
        bound.update(bind(name, value))
    return bound


def _target(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple([_target(item) for item in node.elts])
    raise ValueError


def _flatten(target: Any, names: list[str]) -> None:
    if isinstance(target, str):
        names.append(target)
    else:
        for item in target:
            _flatten(item, names)


def _syntax_hint(text: str) -> str | None:
    if text.lstrip("-").isdigit() and text.lstrip("-").startswith("0"):
        return f"a leading zero is octal to some and decimal to others: write {text.lstrip('-').lstrip('0') or '0'}"
    if ":" in text and text.replace(":", "").isdigit():
        return "YAML may read this as a number to base 60: write a plain number"
    if text.isdigit() and not text.isascii():
        return f"a number has the digits 0 to 9: write {int(text)}" if text.isdecimal() else None
    if re.fullmatch(r"\d+([x×]\d+)+", text):
        return f"a shape is a list: [{', '.join(re.split('[x×]', text))}]"
    if re.search(r"[^=!<>]=[^=]", text):
        return "'==' compares"
    if text.count("(") != text.count(")") or text.count("[") != text.count("]"):
        return "inside {…} YAML takes , [ ] { } for itself: quote the expression, or write the arguments one per line"
    return None


# --- the whitelist --------------------------------------------------------------------------------------------


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: add,
    ast.Sub: lambda a, b: bounded(number(a) - number(b)),
    ast.Mult: multiply,
    ast.Div: lambda a, b: bounded(number(a) / number(b)),
    ast.FloorDiv: lambda a, b: bounded(number(a) // number(b)),
    ast.Mod: lambda a, b: bounded(number(a) % number(b)),
    ast.Pow: power,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: lambda a: -number(a),
    ast.UAdd: number,
    ast.Not: lambda a: not truth(a),
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
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


class _Compiler:
    """Turns a syntax tree into closures, and notes the names that it reads."""

    def __init__(self, text: str, known: Collection[str]) -> None:
        self.text = text
        self.known = known
        self.names: set[str] = set()
        self.cost = 0

    def compile(self, node: ast.expr, depth: int) -> Evaluate:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"an expression nested deeper than {MAX_DEPTH}", node.col_offset)
        self.cost += 1
        build: Callable[[ast.expr, int], Evaluate] | None = getattr(self, "_" + type(node).__name__.lower(), None)
        if build is None:
            raise self._refused(node, f"{_SYNTAX.get(type(node).__name__, 'this')} is not allowed in an expression")
        return build(node, depth + 1)

    def _refused(self, node: ast.expr, message: str, hint: Hint = None) -> ExpressionError:
        allowed = (
            "allowed are numbers, strings, lists, arithmetic, comparison, and/or/not, x if c else y, indexing, and "
        )
        return ExpressionError(message, node.col_offset, hint or allowed + " ".join(FUNCTIONS))

    def _constant(self, node: ast.Constant, depth: int) -> Evaluate:
        value = node.value
        if not isinstance(value, (int, float, str)) and value is not None:
            raise self._refused(node, f"'{self.text}' has a constant of a kind that specs don't know")
        if isinstance(value, (int, float)):
            try:
                bounded(value)
            except OverflowError:
                raise ExpressionError(f"a number too large: at most {MAX_INTEGER:,}", node.col_offset) from None
        return lambda environment: value

    def _name(self, node: ast.Name, depth: int) -> Evaluate:
        name = node.id
        if name in CONSTANTS and name not in self.known:
            value = CONSTANTS[name]
            return lambda environment: value
        if name not in self.known:
            near: Hint = partial(did_you_mean, name, frozenset(self.known), "known names")
            if name in FUNCTIONS:
                near = f"'{name}' is a function: call it, {name}(…)"
            raise UnknownNameError(f"unknown name '{name}'", node.col_offset, near)
        self.names.add(name)
        return operator.itemgetter(name)

    def _tuple(self, node: ast.Tuple | ast.List, depth: int) -> Evaluate:
        items = [self.compile(item, depth) for item in node.elts]
        return lambda environment: _weighed(environment, tuple([item(environment) for item in items]))

    _list = _tuple

    def _binop(self, node: ast.BinOp, depth: int) -> Evaluate:
        operate = _BINARY.get(type(node.op))
        if operate is None:
            raise self._refused(node, f"the operator in '{self.text}' is not allowed in an expression")
        left, right = self.compile(node.left, depth), self.compile(node.right, depth)
        if operate in (add, multiply):
            return lambda environment: _weighed(environment, operate(left(environment), right(environment)))
        return lambda environment: operate(left(environment), right(environment))

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> Evaluate:
        operate = _UNARY.get(type(node.op))
        if operate is None:
            raise self._refused(node, "the operator ~ is not allowed in an expression")
        operand = self.compile(node.operand, depth)
        return lambda environment: operate(operand(environment))

    def _boolop(self, node: ast.BoolOp, depth: int) -> Evaluate:
        first, *rest = [self.compile(value, depth) for value in node.values]
        stops_at = isinstance(node.op, ast.Or)

        def evaluate(environment: Environment) -> Any:
            value = first(environment)
            for following in rest:
                if truth(value) is stops_at:
                    break
                value = following(environment)
            return value

        return evaluate

    def _compare(self, node: ast.Compare, depth: int) -> Evaluate:
        operands = [self.compile(operand, depth) for operand in (node.left, *node.comparators)]
        tests = [_COMPARE[type(op)] for op in node.ops]
        if len(tests) == 1:
            (test,), (left, right) = tests, operands
            return lambda environment: test(
                _weighed(environment, left(environment)), _weighed(environment, right(environment))
            )
        return lambda environment: all(
            test(_weighed(environment, a(environment)), _weighed(environment, b(environment)))
            for test, a, b in zip(tests, operands, operands[1:], strict=False)
        )

    def _ifexp(self, node: ast.IfExp, depth: int) -> Evaluate:
        test, then, other = (self.compile(part, depth) for part in (node.test, node.body, node.orelse))
        return lambda environment: then(environment) if truth(test(environment)) else other(environment)

    def _subscript(self, node: ast.Subscript, depth: int) -> Evaluate:
        items = self.compile(node.value, depth)
        if isinstance(node.slice, ast.Slice):
            bounds = [
                part and self.compile(part, depth) for part in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return lambda environment: _weighed(
                environment, items(environment)[slice(*[part and part(environment) for part in bounds])]
            )
        index = self.compile(node.slice, depth)
        return lambda environment: items(environment)[index(environment)]

    def _call(self, node: ast.Call, depth: int) -> Evaluate:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name not in FUNCTIONS:
            if not name:
                raise self._refused(node, "only named functions can be called")
            near = partial(did_you_mean, name, tuple(FUNCTIONS), "functions")
            raise self._refused(node, f"unknown function '{name}'", near)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self._refused(node, f"{name}() takes its arguments by place here")
        function = FUNCTIONS[name]
        arguments = [self.compile(argument, depth) for argument in node.args]
        return lambda environment: _weighed(
            environment, function(*[_weighed(environment, argument(environment)) for argument in arguments])
        )


_SYNTAX = {
    "Attribute": "an attribute (a dot)",
    "Lambda": "a lambda",
    "ListComp": "a comprehension",
    "SetComp": "a comprehension",
    "DictComp": "a comprehension",
    "GeneratorExp": "a comprehension",
    "Dict": "a dictionary",
    "Set": "a set",
    "NamedExpr": "an assignment",
    "JoinedStr": "an f-string",
    "Starred": "a star",
    "Await": "await",
    "Yield": "yield",
}
