"""Values in hints: read from another notation's text, and spelled in ours."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from cnncalc.language.read.yaml_tree import List, Scalar, Tree


class VerbatimCode(NamedTuple):
    """An expression that is copied into the item unchanged."""

    text: str


def literal(text: str) -> object:
    """Return the value of a text: a number, a flag, a word or a list, else an expression."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"[A-Za-z_]\w*", text):
        return text
    try:
        return evaluated(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return VerbatimCode(text)


def evaluated(node: ast.expr) -> object:
    """Return a constant, a tuple of such, or the expression as code."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        number = node.operand.value
        return -number if isinstance(number, (int, float)) else VerbatimCode(ast.unparse(node))
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple([evaluated(item) for item in node.elts])
    return VerbatimCode(ast.unparse(node))


def of_node(node: Tree) -> object:
    """Return the value of a part of a spec; a mapping becomes an ellipsis."""
    if isinstance(node, Scalar):
        return node.text if node.quoted else literal(node.text)
    if isinstance(node, List):
        return tuple([of_node(item) for item in node.items])
    return VerbatimCode("…")


def merged(value: object) -> object:
    """Return one number for a tuple of equal ones, which has the same meaning."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def spelled(value: object, flow: bool) -> str:
    """Return a value in a spec's notation; inside ``{…}`` an expression with YAML's special characters is quoted."""
    if isinstance(value, VerbatimCode):
        return f'"{value.text}"' if flow and re.search(r"[][{},:#]", value.text) else value.text
    if isinstance(value, tuple):
        return "[" + ", ".join(spelled(item, True) for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
