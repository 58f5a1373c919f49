"""Expressions in specs: a small part of Python's syntax, compiled to closures.  Never ``eval``.

An expression is parsed once, checked against a whitelist of syntax and names, and can then be evaluated as often
as blocks and sweeps need it.  Lists are tuples inside, so that every value can be a dictionary's key.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection
from contextlib import suppress
from keyword import iskeyword
from typing import TYPE_CHECKING, TypeAlias

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_EXPRESSION
from cnncalc.language.expressions.budget import FAILED, Budget, WorkLimitError
from cnncalc.language.expressions.whitelist import Compiler, Evaluate, ExpressionError, Names

if TYPE_CHECKING:
    from cnncalc.ground.values import Value

QUOTE = "inside {…} YAML takes , [ ] { } for itself: quote the expression, or write the arguments one per line"
"""The hint for an expression with YAML's special characters."""

Target: TypeAlias = "str | tuple[Target, ...]"
"""The names that a loop binds, nested as its rows are."""


class Expression:
    """A compiled expression.

    Attributes:
        text: its text in the spec.
        names: the names that it reads.
    """

    __slots__ = ("_cost", "_evaluate", "names", "text")

    def __init__(self, text: str, evaluate: Evaluate, names: frozenset[str], cost: int) -> None:
        self.text = text
        self._evaluate = evaluate
        self._cost = cost
        self.names = names

    def __call__(self, names: Names, budget: Budget) -> Value:
        """Return the value, given a value for every name.  Raises ExpressionError, and WorkLimitError."""
        try:
            budget.left -= self._cost
            if budget.left < 0:
                raise WorkLimitError
            return self._evaluate(names, budget)
        except ExpressionError:
            budget.spend(FAILED)
            raise
        except KeyError as missing:
            raise ExpressionError(f"'{missing.args[0]}' has no value here") from None
        except ZeroDivisionError:
            raise ExpressionError(f"'{self.text}' divides by zero") from None
        except IndexError:
            raise ExpressionError(f"'{self.text}': the index is outside the list") from None
        except (TypeError, ValueError, OverflowError, RecursionError) as fault:
            budget.spend(FAILED)
            raise ExpressionError(f"'{self.text}' can't be computed: {fault}") from None


def compile_expression(text: str, known: Collection[str]) -> Expression:
    """Compile an expression whose names are all in ``known``.

    Raises:
        ExpressionError: for other syntax than the whitelist's, an unknown name, or text that Python would read
            differently than people do.
    """
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(f"an expression of {len(text)} characters; at most {MAX_EXPRESSION} are read")
    stripped = text.strip()
    _refuse_misread(stripped)
    try:
        tree = parsed(stripped)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as fault:
        offset = (getattr(fault, "offset", None) or 1) - 1
        odd = next((place for place, sign in enumerate(text) if not (sign.isascii() or sign.isidentifier())), offset)
        offset = max(odd, offset)  # Python 3.10 points at the number that an odd digit ends
        raise ExpressionError(
            f"'{text}' is not an expression", min(offset, len(text)), _syntax_hint(stripped, known)
        ) from None
    compiler = Compiler(stripped, known)
    evaluate = compiler.compile(tree, 0)
    return Expression(stripped, evaluate, frozenset(compiler.names), compiler.cost)


def _refuse_misread(text: str) -> None:
    """Refuse text that is an expression to Python, but not to people."""
    if "-" in text and re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text):
        spaced = text.replace("-", " - ")
        raise ExpressionError(f"'{text}' looks like a date", hint=f"write a difference with spaces: {spaced}")
    if re.fullmatch(r"\d{1,3}(,\d{3})*,0\d\d(,\d{3})*", text):
        raise ExpressionError(f"'{text}' has commas", hint=f"write {text.replace(',', '')}")
    if "#" in text:
        offset = re.sub(r"'[^']*'|\"[^\"]*\"", lambda quoted: " " * len(quoted[0]), text).find("#")
        if offset >= 0:
            raise ExpressionError(f"'{text}' has a #", offset, "a comment begins with a space before its #")
    if text.endswith(","):
        whole = text.rstrip(", ")
        raise ExpressionError(f"'{text}' ends in a comma", len(text) - 1, f"write {whole}" if whole else None)


def parsed(text: str) -> ast.expr:
    """Return the syntax tree of an expression.  Raises SyntaxError, ValueError, MemoryError, RecursionError."""
    if text.isascii() and text.isidentifier() and not iskeyword(text):  # most are, and parsing takes 20 µs
        return ast.Name(text, ast.Load(), lineno=1, col_offset=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of `1if x`, which is legal here
        return ast.parse(text, mode="eval").body


def _written_out(quantity: str) -> str | None:
    """Return the hint for ``3.6M``; None if it is not a whole number."""
    from cnncalc.ground.quantities import parse_quantity

    with suppress(CnncalcError):
        return f"write {parse_quantity(quantity, '')}"
    return None


def _syntax_hint(text: str, known: Collection[str]) -> str | None:
    if text.lstrip("-").isdigit() and text.lstrip("-").startswith("0"):
        return f"a leading zero is octal to some and decimal to others: write {text.lstrip('-').lstrip('0') or '0'}"
    if ":" in text and text.replace(":", "").isdigit():
        return "YAML may read this as a number to base 60: write a plain number"
    if text.isdigit() and not text.isascii():
        return f"a number has the digits 0 to 9: write {int(text)}" if text.isdecimal() else None
    if text != text.strip("“”‘’„«»"):
        return "quotes are \" and '"
    if re.fullmatch(r"\d+(\s*[x×;]\s*\d+|\s+\d+)+", text):
        return f"a shape is a list: [{', '.join(re.findall(r'[0-9]+', text))}]"
    if quantity := re.fullmatch(r"(\d[\d_]*(?:\.\d+)? ?[kKMG])(?:\s?(?i:MACs?|FLOPs?|params))?", text):
        return _written_out(quantity[1])
    if unit := re.fullmatch(r"(\d[\d_]*(?:\.\d+)?(?:[eE]\d+)?)\s*([^\W\d]\w*)", text):
        product = f"a product is written with *: {unit[1]} * {unit[2]}"
        return product if unit[2] in known else f"write {unit[1]}, if '{unit[2]}' is a unit"
    if choice := re.fullmatch(r"([^?:]+)\?([^?:]+):([^?:]+)", text):
        return f"write {choice[2].strip()} if {choice[1].strip()} else {choice[3].strip()}"
    if "×" in text or "·" in text:
        return f"a product is written with *: {re.sub(r'[ ]?[×·][ ]?', ' * ', text)}"
    if re.fullmatch(r"\d+(\.\d+)?\s*%", text):
        return f"write {float(text.rstrip('% ')) / 100:g}"
    if re.search(r"\$\{?\w", text):
        return f"a name stands by itself: {re.sub(r'[${}]', '', text)}"
    if "&&" in text or "||" in text or text.startswith("!"):
        return "write 'and', 'or' and 'not'"
    if re.search(r"[^=!<>]=[^=]", text):
        return "'==' compares"
    if re.fullmatch(r"\(\s*\d+", text):
        return f"a list has brackets: [{text.strip('( ')}, …]"
    if text.count("(") != text.count(")") or text.count("[") != text.count("]"):
        return QUOTE
    return None


# --- loops: ``for: a, (b, c) in rows`` binds names to each row ---------------------------------------------------


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
