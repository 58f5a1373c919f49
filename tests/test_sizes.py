"""Sizes: no long files, functions or lists of parameters; and no two classes have the same name."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cnncalc

PACKAGE = Path(cnncalc.__file__).parent

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 12


class Sizes(NamedTuple):
    """A file's number of lines, its functions that are too long, and its classes."""

    lines: int
    faults: list[str]
    classes: list[str]


@cache
def files() -> dict[str, Sizes]:
    """Return the sizes of all files of the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        found[str(path)] = Sizes(len(text.splitlines()), too_long(tree), classes)
    return found


def too_long(tree: ast.AST) -> list[str]:
    """Return the functions that are too long, or have too many parameters."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            listed = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = sum(argument.arg not in ("self", "cls") for argument in listed)
            if lines > MOST_LINES_OF_A_FUNCTION:
                found.append(f"{node.name} has {lines} lines")
            if count > MOST_PARAMETERS:
                found.append(f"{node.name} has {count} parameters")
    return found


def test_no_file_is_long() -> None:
    assert {path: sizes.lines for path, sizes in files().items() if sizes.lines > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_long() -> None:
    assert {path: sizes.faults for path, sizes in files().items() if sizes.faults} == {}


def test_a_long_function_is_found() -> None:
    body = "    pass\n" * MOST_LINES_OF_A_FUNCTION
    names = ", ".join(f"a{number}" for number in range(MOST_PARAMETERS + 1))
    assert too_long(ast.parse(f"class A:\n  def method(self, {names}):\n{body}")) == [
        "method has 61 lines",
        "method has 13 parameters",
    ]
    function = f"def function(self, {names.rpartition(',')[0]}):\n{body.partition(chr(10))[2]}"
    assert too_long(ast.parse(function)) == []


def test_no_two_classes_have_one_name() -> None:
    """One word means one thing: a name in one room must not suggest a class of another room."""
    names = Counter(name for sizes in files().values() for name in sizes.classes)
    assert [name for name, count in names.items() if count > 1] == []
