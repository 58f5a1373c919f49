"""Parse YAML text into a tree whose parts know their places.

Nothing is converted: a scalar stays text. The text is read event by event, so that deep or large hostile files can't
overflow the C stack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from yaml import events

from cnncalc.ground.limits import MAX_DEPTH, MAX_FILE_BYTES, MAX_LAYERS, MAX_SEPARATORS
from cnncalc.ground.places import Fault, Place, SpecError, SpecText

if TYPE_CHECKING:
    from typing import Protocol

    class Mark(Protocol):
        """A place in a text, counted from 0."""

        line: int
        column: int
        index: int

    class ParserEvent(Protocol):
        """An event of the YAML parser; its attributes depend on its class."""

        start_mark: Mark
        end_mark: Mark
        anchor: str | None
        tag: str | None
        value: str
        style: str | None
        flow_style: bool | None


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]").search  # a line may end in U+0085

_BRACKET = r"""[\[{]|[]}]|"(?:[^"\\]|\\.)*"?|'[^']*'?|\#[^\n]*"""

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Tree:
    """A part of a document: its text and its beginning, line and column from 0.

    Attributes:
        end: (line, column) after the last character. A list or mapping without brackets ends with its last part, before
            comments that follow.
    """

    __slots__ = ("column", "end", "file", "line")

    def __init__(self, file: SpecText, event: ParserEvent) -> None:
        start, end = event.start_mark, event.end_mark
        self.file = file
        self.line = start.line
        self.column = start.column
        self.end = (end.line, end.column)

    @property
    def place(self) -> Place:
        """The place of its beginning."""
        return Place(self.file, self.line, self.column)

    @property
    def start(self) -> tuple[int, int]:
        """(line, column) of the first character."""
        return self.line, self.column


class Scalar(Tree):
    """A text, quoted or plain."""

    __slots__ = ("quoted", "text")

    def __init__(self, file: SpecText, event: ParserEvent) -> None:
        super().__init__(file, event)
        self.text = event.value
        self.quoted = bool(event.style)

    @property
    def empty(self) -> bool:
        """Whether the value is empty, as after ``batchnorm:``."""
        return not self.text and not self.quoted


class List(Tree):
    """A list of trees."""

    __slots__ = ("in_brackets", "items")

    def __init__(self, file: SpecText, event: ParserEvent) -> None:
        super().__init__(file, event)
        self.in_brackets = bool(event.flow_style)
        self.items: list[Tree] = []

    def take(self, tree: Tree) -> None:
        """Append an entry."""
        self.items.append(tree)


class Map(Tree):
    """A mapping, as pairs in the order of the text; keys may be given twice, which readers refuse."""

    __slots__ = ("in_brackets", "pairs", "pending")

    def __init__(self, file: SpecText, event: ParserEvent) -> None:
        super().__init__(file, event)
        self.in_brackets = bool(event.flow_style)
        self.pairs: list[tuple[Tree, Tree]] = []
        self.pending: Tree | None = None

    def take(self, tree: Tree) -> None:
        """Append a key, or the value of the last key."""
        if self.pending is None:
            self.pending = tree
        else:
            self.pairs.append((self.pending, tree))
            self.pending = None


def decode(data: bytes, name: str) -> SpecText:
    """Return a spec's bytes as text.

    Raises:
        SpecError: if it is too long, not UTF-8, or has control characters.
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


def parse(file: SpecText) -> Tree:
    """Return the only document of a text as a tree; aliases are replaced by their trees.

    Raises:
        SpecError: for YAML that is broken, nested too deep, tagged, or has other than one document.
    """
    if sum(file.content.count(separator) for separator in ":,\n") > MAX_SEPARATORS:
        raise SpecError([Fault(f"{file.name}: the spec has more than {MAX_SEPARATORS:,} parts")])
    growing = _Growing(file)
    try:
        root = growing.whole()
    except yaml.YAMLError as error:
        from cnncalc.language.read.yaml_faults import yaml_fault

        raise SpecError([growing.unseen_depth(error) or yaml_fault(file, error)]) from None
    if root is None or (isinstance(root, Scalar) and root.empty):
        raise SpecError([Fault(f"{file.name}: the spec is empty", hint="it needs 'input' and 'layers'")])
    return root


class _Growing:
    """A tree that grows event by event, with an explicit stack."""

    def __init__(self, file: SpecText) -> None:
        self.file = file
        self.anchors: dict[str, Tree] = {}
        self.open: list[List | Map] = []
        self.root: Tree | None = None
        self.end = (0, 0)  # (line, column) after the last character so far, without comments
        self.taken = 0  # characters of the text for which the parser has reported events

    def whole(self) -> Tree | None:
        parser = _Parser(self.file.content)
        try:
            event = parser.get_event()
            while not isinstance(event, events.StreamEndEvent):
                self.take(event)
                self.taken = event.end_mark.index
                event = parser.get_event()
        finally:
            parser.dispose()
        return self.root

    def unseen_depth(self, error: yaml.YAMLError) -> Fault | None:
        """Return the fault of brackets that are nested too deep, if the library's bound is reached before ours.

        A parser looks up to 1,024 characters ahead before it reports the first bracket.
        """
        depth, mark = len(self.open), getattr(error, "problem_mark", None)
        brackets = re.compile(_BRACKET, re.DOTALL)
        for bracket in brackets.finditer(self.file.content, self.taken, mark.index if mark else self.taken):
            depth += (bracket[0] in "[{") - (bracket[0] in "]}")
            if depth > MAX_DEPTH:
                return _too_deep(self.file.place(bracket.start()))
        return None

    def take(self, event: ParserEvent) -> None:
        kind: type[object] = type(event)
        if kind is events.ScalarEvent:
            if event.tag is not None:
                self.check_tag(event)
            if event.value and not event.value.isprintable() and _CONTROL(event.value.replace("\n", " ")):
                raise SpecError([Fault("a control character does not belong in a spec", self.place(event))])
            scalar = Scalar(self.file, event)
            self.end = scalar.end
            if event.anchor is not None:
                self.anchors[event.anchor] = scalar
            self.put(scalar)
        elif kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
            if event.tag is not None:
                self.check_tag(event)
            if len(self.open) >= MAX_DEPTH:
                raise SpecError([_too_deep(self.place(event))])
            opened = (Map if kind is events.MappingStartEvent else List)(self.file, event)
            if event.anchor is not None:
                self.anchors[event.anchor] = opened
            self.open.append(opened)
        elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
            self.close(event)
        elif kind is events.AliasEvent:
            self.end = (event.end_mark.line, event.end_mark.column)
            self.put(self.aliased(event))
        elif kind is events.DocumentStartEvent and self.root is not None:
            raise SpecError([Fault("a second document begins; a spec is one document", self.place(event))])

    def close(self, event: ParserEvent) -> None:
        """End a list or a mapping: at its bracket, or at the end of its last part."""
        closed = self.open.pop()
        if closed.in_brackets:
            self.end = (event.end_mark.line, event.end_mark.column)
        closed.end = self.end
        self.put(closed)

    def check_tag(self, event: ParserEvent) -> None:
        """Refuse a tag, except the one that makes a scalar a string."""
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            hint = "remove it: a spec consists of plain lists, mappings and scalars"
            raise SpecError([Fault(f"a YAML tag, '{tag}', does not belong in a spec", self.place(event), hint)])

    def aliased(self, event: ParserEvent) -> Tree:
        tree = self.anchors.get(event.anchor or "")
        if tree is None:
            message = f"the alias *{event.anchor} has no anchor &{event.anchor} before it"
            raise SpecError([Fault(message, self.place(event))])
        if tree in self.open:
            raise SpecError([Fault(f"the alias *{event.anchor} contains itself", self.place(event))])
        return tree

    def put(self, tree: Tree) -> None:
        """Add a complete part to its parent."""
        if not self.open:
            self.root = tree
            return
        parent = self.open[-1]
        parent.take(tree)
        if isinstance(parent, List) and len(parent.items) > MAX_LAYERS:
            raise SpecError([Fault(f"a list of more than {MAX_LAYERS:,} entries", tree.place)])

    def place(self, event: ParserEvent) -> Place:
        return Place(self.file, event.start_mark.line, event.start_mark.column)


def _too_deep(origin: Place) -> Fault:
    return Fault(f"nested deeper than {MAX_DEPTH}", origin)
