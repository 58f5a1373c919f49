"""Faults of text that is not YAML, and what was probably meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnncalc.ground.places import Fault, Place, SpecText
from cnncalc.language.expressions.compile import QUOTE

if TYPE_CHECKING:
    from yaml import YAMLError


def yaml_fault(file: SpecText, error: YAMLError) -> Fault:
    """Return the fault for an error of the YAML library."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or "this is not YAML"
    if mark is None:
        return Fault(f"{file.name}: {problem}")
    line, column = mark.line, mark.column
    if line >= file.content.count("\n") and not file.line(line).strip():  # the end of the file: show the last line
        line = max(len(file.content.rstrip().splitlines()) - 1, 0)
        column = len(file.line(line))
    opened = getattr(error, "context_mark", None)
    hint = _hint(file, line, problem)
    key = re.match(r"(\w+)\b[^:]*$", file.line(line - 1 if opened is None else opened.line).strip())
    if key and ("mapping values are not allowed" in problem or "expected ':'" in problem):
        hint = f"a key ends in a colon: '{key[1]}: …'"
    if opened is not None and opened.line < mark.line and "flow" in (getattr(error, "context", None) or ""):
        bracket = file.line(opened.line)[opened.column : opened.column + 1]
        hint = f"the {bracket} on line {opened.line + 1} is not closed"
    return Fault(f"YAML: {problem}", Place(file, line, column), hint)


def _hint(file: SpecText, line: int, problem: str) -> str | None:
    from cnncalc.language.hints.lookalikes import in_ascii

    text, above = file.line(line), file.line(line - 1) if line else ""
    bare = re.match(r"\s*-\s+(\w+)\s*(#.*)?$", above)
    glued = re.match(r"\s*-\s*(\w[\w.]*)(?:\s*|:)[({\[]", text)
    bullet = re.match(r"\s*\*\s+(\w+)", text)
    if "unexpected end of stream" in problem:
        return "a quotation mark is not closed"
    if bullet:
        return f"write a dash and a blank: '- {bullet[1]}'"
    if re.match(r"\s*-[A-Za-z]", text):
        return f"write a blank after the dash: '- {text.strip()[1:]}'"
    if in_ascii(text) is not None:
        return in_ascii(text)
    if glued:
        return f"write a colon and a blank between a type and its arguments: '- {glued[1]}: {{…}}'"
    if "mapping values are not allowed" in problem and bare and not re.match(r"\s*-\s", text):
        return f"a type with a modifier below it needs a colon: '- {bare[1]}:'"
    if "\t" in text[: len(text) - len(text.lstrip())]:
        return "indent with spaces, not tabs"
    if "\t" in text and "cannot start any token" in problem:
        return "replace the tab by blanks"
    if re.search(r"\}\s*,", text) and "expected key" in problem:
        return "take away what stands after the }: each item has a line and a dash of its own"
    if "{" not in text and re.search("expected ('-' indicator|<block end>|key|<document start>)", problem):
        return "entries of one list, and keys of one mapping, must begin in the same column"
    if "expected ',' or '}'" in problem and re.search(r"\w+:\s+[^\s,]+\s*;?\s+\w+:\s", text):
        return "separate arguments by commas: '{out_channels: 8, kernel_size: 3}'"
    shell = re.search(r"\$\{(\w+)\}", text)
    if shell:
        return f"a name stands by itself: {shell[1]}"
    if "{" in text:
        return QUOTE
    several = re.match(r"\s*-\s+(\w+):\s+(\w+):\s", text)
    if several:
        return f"write arguments in {{…}}, or below: '- {several[1]}: {{{several[2]}: …}}'"
    if "mapping values are not allowed" in problem:
        return "quote a text that contains a colon"
    return None
