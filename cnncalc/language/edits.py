"""Replace one item in a spec's text and keep its modifiers and comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from cnncalc.ground.places import Origin, Place, SpecText
from cnncalc.language.read.items import MODIFIERS
from cnncalc.language.read.yaml_tree import List, Map, Scalar, Tree, parse

_FLOW_SIGNS = ",[]{}"
_tree = lru_cache(1)(parse)


class Piece(NamedTuple):
    """One item of a replacement: its type, the texts of its arguments, and a condition or nothing.

    The name of a lone value is "".
    """

    type: str
    arguments: Mapping[str, str] = {}
    when: str | None = None

    def text(self) -> str:
        """Return the item without its dash: ``conv: {out_channels: 64, kernel_size: 3}``."""
        if not self.arguments:
            return self.type if self.when is None else f"{self.type}:"
        if set(self.arguments) == {""}:
            return f"{self.type}: {self.arguments['']}"
        inner = ", ".join(f"{name}: {text}" for name, text in self.arguments.items())
        return f"{self.type}: {{{inner}}}"


class Edit(NamedTuple):
    """Lines of a text and their replacement.

    Attributes:
        file: what the text is called.
        first: the first line that is replaced, from 1.
        last: the last one.
        text: the new lines, each with its end.
    """

    file: str
    first: int
    last: int
    text: str


class ItemText(NamedTuple):
    """The place of an item's type and arguments, from the first character to the one after the last.

    Attributes:
        file: the text.
        start, end: (line, column) from 0; the type and its arguments are between them.
        has_colon: whether a type without arguments has a colon, for its modifiers; it lies before ``end``.
        in_flow: whether the item is inside ``[…]`` or ``{…}``, where no lines can be added.
        arguments: the arguments' texts by name, quoted for ``{…}``; "" is the name of a lone value.
    """

    file: SpecText
    start: tuple[int, int]
    end: tuple[int, int]
    has_colon: bool
    in_flow: bool
    arguments: dict[str, str]

    def replaced(self, pieces: Sequence[Piece]) -> Edit:
        """Return the edit that replaces the item by one or several items and keeps its modifiers."""
        if len(pieces) == 1 and pieces[0].when is None:
            colon = ":" if self.has_colon and not pieces[0].arguments else ""
            return self._edit(pieces[0].text() + colon)
        if self.in_flow:
            inner = ", ".join(_flow_item(piece) for piece in pieces)
            return self._edit(f"sequence: [{inner}]")
        indent = " " * (self.start[1] + 2)
        lines = ["sequence:"]
        for piece in pieces:
            lines.append(f"{indent}- {piece.text()}")
            if piece.when is not None:
                lines.append(f"{indent}  when: {piece.when}")
        return self._edit("\n".join(lines))

    def _edit(self, text: str) -> Edit:
        before = self.file.line(self.start[0])[: self.start[1]]
        after = self.file.line(self.end[0])[self.end[1] :]
        head, *rest = text.split("\n")  # several lines are possible only if at most a comment follows the item
        lines = [f"{before}{head}{after}", *rest]
        new = "".join(f"{line.rstrip()}\n" for line in lines)
        return Edit(self.file.name, self.start[0] + 1, self.end[0] + 1, new)


def applied(text: str, edits: Sequence[Edit]) -> str:
    """Return a text with its lines replaced."""
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, key=lambda edit: -edit.first):
        lines[edit.first - 1 : edit.last] = [edit.text]
    return "".join(lines)


def find_item(origin: Origin | None) -> ItemText | None:
    """Return the place of the item of an origin; None if it is not in a text."""
    if not isinstance(origin, Place):
        return None
    file = origin.file
    found = _search(_tree(file), (origin.line, origin.column))
    if found is None:
        return None
    key, value, flow = found
    has_colon = isinstance(value, Scalar) and value.empty
    end = key.end if value is None or has_colon else value.end
    if has_colon:
        end = (end[0], file.line(end[0]).index(":", end[1]) + 1)
    return ItemText(file, key.start, end, has_colon, flow, {} if has_colon else _arguments(value))


def _search(root: Tree, place: tuple[int, int]) -> tuple[Scalar, Tree | None, bool] | None:
    """Return (type, arguments, whether inside brackets) of the item whose type is at a place."""
    todo = [(root, False)]
    seen: set[int] = set()
    while todo:
        tree, flow = todo.pop()
        if id(tree) in seen:  # an alias
            continue
        seen.add(id(tree))
        if isinstance(tree, Map):
            for key, value in tree.pairs:
                if isinstance(key, Scalar) and key.start == place and key.text not in MODIFIERS:
                    return key, value, flow or tree.in_brackets
                todo.append((value, flow or tree.in_brackets))
        elif isinstance(tree, List):
            todo += [(item, flow or tree.in_brackets) for item in tree.items]
        elif isinstance(tree, Scalar) and tree.start == place:
            return tree, None, flow
    return None


def _arguments(value: Tree | None) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, Map):
        return {_flow(key): _flow(one) for key, one in value.pairs}
    return {"": _flow(value)}


def _flow(tree: Tree) -> str:
    """Return a value's text, quoted for ``{…}``."""
    if isinstance(tree, List):
        return f"[{', '.join(_flow(item) for item in tree.items)}]"
    if isinstance(tree, Map):
        return f"{{{', '.join(f'{_flow(key)}: {_flow(value)}' for key, value in tree.pairs)}}}"
    return in_flow(tree.text) if isinstance(tree, Scalar) else ""


def in_flow(text: str) -> str:
    """Return an expression for use inside ``{…}``, quoted if it has YAML's special characters."""
    if not any(sign in text for sign in _FLOW_SIGNS) and ": " not in text and " #" not in text and text:
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


def bare(text: str) -> str:
    """Return an argument's expression without the quotes around it."""
    return text[1:-1] if text[:1] in ("'", '"') and text[:1] == text[-1:] else text


def _flow_item(piece: Piece) -> str:
    text = piece.text()
    if piece.when is None:
        return f"{{{text}}}" if piece.arguments else text
    return f"{{{text}, when: {in_flow(piece.when)}}}"
