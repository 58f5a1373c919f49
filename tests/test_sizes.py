"""Sizes: no long files, functions or lists of parameters; and no two classes have the same name."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cnncalc

PACKAGE = Path(cnncalc.__file__).parent
ROOT = PACKAGE.parent

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 12


def trees(*folders: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Return every Python file of some folders with its syntax tree."""
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def too_long(source: str) -> list[str]:
    """Return the functions of a text that are too long, or have too many parameters."""
    found = []
    for node in ast.walk(ast.parse(source)):
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
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path, _ in trees(PACKAGE)}
    assert {str(path): count for path, count in lines.items() if count > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_long() -> None:
    found = {str(path): too_long(path.read_text(encoding="utf-8")) for path, _ in trees(PACKAGE)}
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_a_long_function_is_found() -> None:
    body = "    pass\n" * MOST_LINES_OF_A_FUNCTION
    names = ", ".join(f"a{number}" for number in range(MOST_PARAMETERS + 1))
    assert too_long(f"class A:\n  def method(self, {names}):\n{body}") == [
        "method has 61 lines",
        "method has 13 parameters",
    ]
    assert too_long(f"def function(self, {names.rpartition(',')[0]}):\n{body.partition(chr(10))[2]}") == []


def test_no_two_classes_have_one_name() -> None:
    """One word means one thing: a name in one room must not suggest a class of another room."""
    names = Counter(
        node.name for _, tree in trees(PACKAGE) for node in tree.body if isinstance(node, ast.ClassDef)
    )  # fmt: skip
    assert [name for name, count in names.items() if count > 1] == []
