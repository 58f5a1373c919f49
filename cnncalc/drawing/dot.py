"""A network as Graphviz DOT: every layer and every edge, scopes as clusters."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.drawing.arrange import arrange
from cnncalc.drawing.atoms import Atom
from cnncalc.drawing.colours import COLOURS, INK, LINE, MUTED
from cnncalc.drawing.describe import atom_keeps, contents, dims_text, end_text, fault_lines, strip_text
from cnncalc.drawing.picture import Choice
from cnncalc.drawing.tree import TreePart, TreeScope, atoms_in, parts_of
from cnncalc.graph import Graph
from cnncalc.ground.terminal_safe import printable

LONGEST_LABEL = 200


def digraph(graph: Graph, choice: Choice) -> Iterator[str]:
    """Yield a network as DOT; scopes deeper than ``choice.depth`` are closed."""
    root = arrange(graph, choice.nodes, choice.misfits)
    shown: dict[Atom, str] = {}
    yield f"digraph {_quoted(graph.title)} {{\n"
    yield f'  graph [fontname="Helvetica", fontsize=11, label={_quoted(graph.title)}, labelloc=t, nodesep=0.3]\n'
    yield f'  node [fontname="Helvetica", fontsize=11, shape=box, style="filled,rounded", fontcolor="{INK}"]\n'
    yield f'  edge [fontname="Helvetica", fontsize=9, fontcolor="{MUTED}", color="{LINE}"]\n'
    yield from _element(root.body, shown, 1, choice.depth, "  ")
    drawn = set[tuple[str, str]]()
    for atom in shown:
        for wire in atom.after:
            ends = (shown[wire.source], shown[wire.target])
            if ends[0] == ends[1] or (choice.depth is not None and ends in drawn):
                continue
            drawn.add(ends)
            is_new = atom.kind == "card" and not atom_keeps(atom)
            label = f" [label={_quoted(dims_text([atom.tensor.shape]))}]" if is_new else ""
            yield f"  {ends[0]} -> {ends[1]}{label}\n" * wire.count
    yield "}\n"


def _element(element: TreePart, shown: dict[Atom, str], level: int, depth: int | None, indent: str) -> Iterator[str]:
    if isinstance(element, Atom):
        name = shown[element] = f"n{element.order}"
        yield f"{indent}{name} {_node(element)}\n"
        return
    if isinstance(element, TreeScope) and not element.is_made_up:
        inside = [*atoms_in(element)]
        name = f"s{inside[0].order}_{level}"
        if depth is not None and level >= depth:
            shown.update(dict.fromkeys(inside, name))
            label = _quoted(element.name, contents(element))
            yield f'{indent}{name} [label={label}, fillcolor="{COLOURS["box"][0]}", color="{COLOURS["box"][1]}"]\n'
            return
        yield f"{indent}subgraph cluster_{name} {{\n"
        yield f'{indent}  label={_quoted(element.name)}; labeljust=l; style=rounded; color="{LINE}"\n'
        yield from _element(element.body, shown, level + 1, depth, indent + "  ")
        yield f"{indent}}}\n"
        return
    for part in parts_of(element):
        yield from _element(part, shown, level, depth, indent)


def _node(atom: Atom) -> str:
    if atom.kind != "card":
        tint, border = COLOURS[atom.kind]
        label = _quoted(end_text(atom), dims_text([atom.tensor.shape]), *fault_lines(atom.message))
        return f'[label={label}, shape=oval, style=filled, fillcolor="{tint}", color="{border}"]'
    tint, border = COLOURS[atom.leading.layer.kind]
    label = _quoted(*[strip_text(node) for node in atom.nodes])
    tip = _quoted(", ".join([node.name for node in atom.nodes]))
    return f'[label={label}, fillcolor="{tint}", color="{border}", tooltip={tip}]'


def _quoted(*lines: str) -> str:
    """Return untrusted lines as one quoted string."""
    shown = [printable(line[:LONGEST_LABEL]).replace("\\", "\\\\").replace('"', '\\"') for line in lines if line]
    return '"' + "\\n".join(shown) + '"'
