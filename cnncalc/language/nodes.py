"""YAML text to nodes that know their place.  Nothing is converted or constructed here: a scalar stays its text.

The text is read event by event, so that neither depth nor size of a hostile file reaches the C stack.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml import events

from cnncalc.ground.limits import MAX_DEPTH, MAX_FILE_BYTES, MAX_LAYERS, MAX_SEPARATORS
from cnncalc.ground.places import Fault, Place, SpecError, SpecText

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]").search  # a line may end in U+0085

_BRACKET = re.compile(r"""[\[{]|[]}]|"(?:[^"\\]|\\.)*"?|'[^']*'?|\#[^\n]*""", re.VERBOSE | re.DOTALL).finditer

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Node:
    """A part of a document, with the line and column (from 0) where it begins."""

    __slots__ = ("column", "line")

    def __init__(self, mark: Any) -> None:
        self.line: int = mark.line
        self.column: int = mark.column

    def at(self, source: SpecText) -> Place:
        """Return the node's place."""
        return Place(source, self.line, self.column)


class Scalar(Node):
    """A text, quoted or plain."""

    __slots__ = ("quoted", "text")

    def __init__(self, mark: Any, text: str, quoted: bool) -> None:
        super().__init__(mark)
        self.text = text
        self.quoted = quoted

    @property
    def empty(self) -> bool:
        """Whether nothing stands there, as after ``batchnorm:``."""
        return not self.text and not self.quoted


class List(Node):
    """A list of nodes."""

    __slots__ = ("items",)

    def __init__(self, mark: Any) -> None:
        super().__init__(mark)
        self.items: list[Node] = []


class Map(Node):
    """A mapping, as pairs in the order of the text; keys may be given twice, which readers refuse."""

    __slots__ = ("pairs", "pending")

    def __init__(self, mark: Any) -> None:
        super().__init__(mark)
        self.pairs: list[tuple[Node, Node]] = []
        self.pending: Node | None = None


def decode(data: bytes, name: str) -> SpecText:
    """Return a spec's bytes as text.

    Raises:
        SpecError: where it is too long, not UTF-8, or has control characters.
    """
    if len(data) > MAX_FILE_BYTES:
        raise SpecError([Fault(f"{name}: the spec is larger than {MAX_FILE_BYTES // 2**20} MiB")])
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start)
        place = f"{name}:{line + 1}: the byte 0x{data[fault.start]:02x} at offset {fault.start} is not UTF-8"
        raise SpecError([Fault(place, hint="save the file as UTF-8 text")]) from None
    source = SpecText(name, text)
    control = _CONTROL(text)
    if control:
        message = f"a control character, U+{ord(control[0]):04X}, does not belong in a spec"
        raise SpecError([Fault(message, source.place(control.start()), "is this a text file?")])
    return source


def parse(source: SpecText) -> Node:
    """Return the only document of a text as nodes; an alias is the node that it stands for.

    Raises:
        SpecError: for YAML that is broken, nested too deep, tagged, or has other than one document.
    """
    if sum(source.content.count(separator) for separator in ":,\n") > MAX_SEPARATORS:
        raise SpecError([Fault(f"{source.name}: the spec has more than {MAX_SEPARATORS:,} parts")])
    builder = _Builder(source)
    try:
        root = builder.build()
    except yaml.YAMLError as error:
        raise SpecError([builder.unseen_depth(error) or _yaml_fault(source, error)]) from None
    if root is None:
        raise SpecError([Fault(f"{source.name}: the spec is empty", hint="it needs 'input' and 'layers'")])
    return root


class _Builder:
    """Builds the tree from the events, on a stack of its own."""

    def __init__(self, source: SpecText) -> None:
        self.source = source
        self.anchors: dict[str, Node] = {}
        self.open: list[List | Map] = []
        self.root: Node | None = None
        self.taken = 0  # characters of the text that events have told of

    def build(self) -> Node | None:
        parser = _Parser(self.source.content)
        try:
            event = parser.get_event()
            while not isinstance(event, events.StreamEndEvent):
                self._take(event)
                self.taken = event.end_mark.index
                event = parser.get_event()
        finally:
            parser.dispose()
        return self.root

    def unseen_depth(self, error: yaml.YAMLError) -> Fault | None:
        """Return the fault of brackets that are nested too deep, where a library's own bound answers before ours.

        A parser looks up to 1,024 characters ahead before it tells of the first bracket.
        """
        depth, mark = len(self.open), getattr(error, "problem_mark", None)
        for bracket in _BRACKET(self.source.content, self.taken, mark.index if mark else self.taken):
            depth += (bracket[0] in "[{") - (bracket[0] in "]}")
            if depth > MAX_DEPTH:
                return self._too_deep(self.source.place(bracket.start()))
        return None

    def _too_deep(self, origin: Place) -> Fault:
        return Fault(f"nested deeper than {MAX_DEPTH}", origin)

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is events.ScalarEvent:
            if event.tag is not None or event.anchor is not None:
                self._labelled(event)
            node: Node = Scalar(event.start_mark, event.value, event.style is not None and event.style != "")
            if event.value and not event.value.isprintable() and _CONTROL(event.value.replace("\n", " ")):
                raise SpecError([self._fault(event, "a control character does not belong in a spec")])
            self._remember(event, node)
            self._place(node)
        elif kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
            self._labelled(event)
            opened = Map(event.start_mark) if kind is events.MappingStartEvent else List(event.start_mark)
            if len(self.open) >= MAX_DEPTH:
                raise SpecError([self._too_deep(self._origin(event))])
            self._remember(event, opened)
            self.open.append(opened)
        elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
            self._place(self.open.pop())
        elif kind is events.AliasEvent:
            self._place(self._aliased(event))
        elif kind is events.DocumentStartEvent and self.root is not None:
            raise SpecError([self._fault(event, "a second document begins; a spec is one document")])

    def _labelled(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            hint = "remove it: a spec has plain lists, mappings and scalars"
            raise SpecError([self._fault(event, f"a YAML tag, '{tag}', does not belong in a spec", hint)])

    def _remember(self, event: Any, node: Node) -> None:
        if event.anchor is not None:
            self.anchors[event.anchor] = node

    def _aliased(self, event: Any) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            raise SpecError([self._fault(event, f"the alias *{event.anchor} has no anchor &{event.anchor} before it")])
        if node in self.open:
            raise SpecError([self._fault(event, f"the alias *{event.anchor} contains itself")])
        return node

    def _place(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if isinstance(parent, List):
            parent.items.append(node)
            if len(parent.items) > MAX_LAYERS:
                message = f"a list of more than {MAX_LAYERS:,} entries"
                raise SpecError([Fault(message, Place(self.source, node.line, node.column))])
        elif parent.pending is None:
            parent.pending = node
        else:
            parent.pairs.append((parent.pending, node))
            parent.pending = None

    def _fault(self, event: Any, message: str, hint: str | None = None) -> Fault:
        return Fault(message, self._origin(event), hint)

    def _origin(self, event: Any) -> Place:
        return Place(self.source, event.start_mark.line, event.start_mark.column)


def _yaml_fault(source: SpecText, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or "this is not YAML"
    if mark is None:
        return Fault(f"{source.name}: {problem}")
    line, column = mark.line, mark.column
    if line >= source.content.count("\n") and not source.line(line).strip():  # the end of the file: show the last line
        line = max(len(source.content.rstrip().splitlines()) - 1, 0)
        column = len(source.line(line))
    opened = getattr(error, "context_mark", None)
    hint = _yaml_hint(source, line, problem)
    if opened is not None and opened.line < mark.line and "flow" in (getattr(error, "context", None) or ""):
        bracket = source.line(opened.line)[opened.column : opened.column + 1]
        hint = f"the {bracket} on line {opened.line + 1} is not closed"
    return Fault(f"YAML: {problem}", Place(source, line, column), hint)


def _yaml_hint(source: SpecText, line: int, problem: str) -> str | None:
    text, above = source.line(line), source.line(line - 1) if line else ""
    bare = re.match(r"\s*-\s+(\w+)\s*(#.*)?$", above)
    glued = re.match(r"\s*-\s*(\w[\w.]*):?[({\[]", text)
    if re.match(r"\s*-[A-Za-z]", text):
        return f"a blank follows the dash: '- {text.strip()[1:]}'"
    if glued:
        return f"a colon and a blank stand between a type and its arguments: '- {glued[1]}: {{…}}'"
    if "mapping values are not allowed" in problem and bare:
        return f"a type with a modifier below it needs a colon: '- {bare[1]}:'"
    if "\t" in text[: len(text) - len(text.lstrip())]:
        return "indent with spaces, not tabs"
    if "expected '-' indicator" in problem or "expected <block end>" in problem:
        return "the entries of one list, and the keys of one mapping, begin in the same column"
    if "{" in text:
        return "inside {…} YAML takes , [ ] { } for itself: quote the expression, or write the arguments one per line"
    if "mapping values are not allowed" in problem:
        return "a text with a colon is quoted"
    return None
