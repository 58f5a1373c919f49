"""Loops in specs: ``for: a, (b, c) in rows`` binds names to each row."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import TYPE_CHECKING, TypeAlias

from cnncalc.ground.limits import MAX_EXPRESSION
from cnncalc.language.expressions.compile import Expression, compile_expression, parsed
from cnncalc.language.expressions.whitelist import ExpressionError

if TYPE_CHECKING:
    from cnncalc.ground.values import Value

Target: TypeAlias = "str | tuple[Target, ...]"
"""The names that a loop binds, nested as its rows are."""


def compile_loop(text: str, known: Collection[str]) -> tuple[Target, list[str], Expression]:
    """Compile ``a, (b, c) in rows`` to the target's nested names, all its names, and the rows.

    Raises:
        ExpressionError: if it is not of that form, or an unknown name is read.
    """
    head, separator, rows = text.partition(" in ")
    form = "write it as 'names in list', for example 'i in range(3)' or 'n, c in rows'"
    if not separator or len(head) > MAX_EXPRESSION:
        raise ExpressionError(f"'{text[:80]}' is not a loop", hint=form)
    try:
        target = _target(parsed(head.strip()))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ExpressionError(f"'{head.strip()}' is not a list of names", hint=form) from None
    names: list[str] = []
    _flatten(target, names)
    try:
        return target, names, compile_expression(rows, known)
    except ExpressionError as error:
        error.offset += len(head) + len(separator) + len(rows) - len(rows.lstrip())
        raise


def bind(target: Target, row: Value) -> dict[str, Value]:
    """Bind a row's values to the names of a loop's target.  Raises ExpressionError if they don't match."""
    if isinstance(target, str):
        return {target: row}
    if not isinstance(row, tuple) or len(row) != len(target):
        had = f"a row of {len(row)}" if isinstance(row, tuple) else f"the single value {row!r}"
        raise ExpressionError(f"{len(target)} names, but {had}")
    bound: dict[str, Value] = {}
    for name, value in zip(target, row, strict=True):
        bound.update(bind(name, value))
    return bound


def _target(node: ast.expr) -> Target:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple([_target(item) for item in node.elts])
    raise ValueError


def _flatten(target: Target, names: list[str]) -> None:
    if isinstance(target, str):
        names.append(target)
    else:
        for item in target:
            _flatten(item, names)
