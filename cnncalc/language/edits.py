"""Changing a spec's text: an item's layer is replaced where it stands, whatever else stands beside it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from cnncalc.ground.places import Origin, Place, SpecText
from cnncalc.language.item_reader import MODIFIERS

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FLOW_SIGNS = ",[]{}"


class Piece(NamedTuple):
    """One item of a replacement: its type, its arguments' texts ("" is one that stands alone), perhaps a condition."""

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
    """Lines of a text and what to put in their place.

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
    """Where an item's type and arguments stand, from the first sign to behind the last.

    Attributes:
        source: the text.
        start, end: (line, column) from 0; what is between is the type and its arguments.
        has_colon: whether a type without arguments has a colon, for its modifiers; it lies before ``end``.
        in_flow: whether the item stands inside ``[…]`` or ``{…}``, where no lines can be added.
        arguments: the arguments' texts by name, as they can stand inside ``{…}``; "" is a value that stands alone.
    """

    source: SpecText
    start: tuple[int, int]
    end: tuple[int, int]
    has_colon: bool
    in_flow: bool
    arguments: dict[str, str]

    def replaced(self, pieces: Sequence[Piece]) -> Edit:
        """Return the edit that puts one or several items in the item's place, under its own modifiers."""
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
        before = self.source.line(self.start[0])[: self.start[1]]
        after = self.source.line(self.end[0])[self.end[1] :]
        head, *rest = text.split("\n")  # several lines only where nothing but a comment comes after
        lines = [f"{before}{head}{after}", *rest]
        new = "".join(f"{line.rstrip()}\n" for line in lines)
        return Edit(self.source.name, self.start[0] + 1, self.end[0] + 1, new)


def applied(text: str, edits: Sequence[Edit]) -> str:
    """Return a text with its lines replaced."""
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, key=lambda edit: -edit.first):
        lines[edit.first - 1 : edit.last] = [edit.text]
    return "".join(lines)


def find_item(origin: Origin | None) -> ItemText | None:
    """Return where the item of an origin stands; None where it is not in a text."""
    if not isinstance(origin, Place):
        return None
    source = origin.file
    try:
        root = yaml.compose(source.content, _Loader)
    except yaml.YAMLError:  # an anchor given twice, which readers take
        return None
    found = _search(root, (origin.line, origin.column), False) if root is not None else None
    if found is None:
        return None
    key, value, in_flow = found
    has_colon = value is not None and _empty(value)
    end = key.end_mark if value is None or has_colon else _end(value)
    last = (end.line, end.column)
    if has_colon:
        last = (last[0], source.line(last[0]).index(":", last[1]) + 1)
    return ItemText(source, _start(key), last, has_colon, in_flow, {} if has_colon else _arguments(value))


def _search(root: Any, place: tuple[int, int], in_flow: bool) -> tuple[Any, Any, bool] | None:
    """Return (type, arguments, whether inside flow) of the item whose type stands at a place."""
    todo = [(root, in_flow)]
    seen: set[int] = set()
    while todo:
        node, flow = todo.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            flow = flow or bool(node.flow_style)
            for key, value in node.value:
                if _start(key) == place and key.value not in MODIFIERS:
                    return key, value, flow
                todo.append((value, flow))
        elif isinstance(node, yaml.SequenceNode):
            flow = flow or bool(node.flow_style)
            todo += [(item, flow) for item in node.value]
        elif _start(node) == place:
            return node, None, flow
    return None


def _arguments(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, yaml.MappingNode):
        return {key.value: _flow(one) for key, one in value.value}
    return {"": _flow(value)}


def _flow(node: Any) -> str:
    """Return a value's text as it can stand inside ``{…}``."""
    if isinstance(node, yaml.SequenceNode):
        return f"[{', '.join(_flow(item) for item in node.value)}]"
    if isinstance(node, yaml.MappingNode):
        return f"{{{', '.join(f'{key.value}: {_flow(value)}' for key, value in node.value)}}}"
    return in_flow(node.value)


def in_flow(text: str) -> str:
    """Return an expression as it can stand inside ``{…}``, quoted where it has signs that YAML takes for itself."""
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


def _start(node: Any) -> tuple[int, int]:
    return node.start_mark.line, node.start_mark.column


def _empty(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index


def _end(node: Any) -> Any:
    """Return where a value's text ends; a block's end mark lies behind the comments that follow it."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node.end_mark
