"""A graph as a tree of its scopes, each with its inputs, its outputs, and its items in topological order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.orders import circles, in_order


class ScopePart:
    """A scope.

    Attributes:
        path: its dotted name; "" for the whole network.
        nodes: its layers, in the order of the network.
        items: its layers and scopes, in topological order.
        reads: input tensors, in the order of their first use.
        makes: output tensors; those of the whole network in their own order.
        foreign: the paths of modules outside whose weights are used inside.
    """

    reads: Sequence[Tensor]
    makes: Sequence[Tensor]
    foreign: Sequence[str]

    def __init__(self, path: str, nodes: list[Node]) -> None:
        self.path = path
        self.nodes = nodes
        self.items: list[ScopeItem] = []

    @property
    def prefix(self) -> str:
        """The prefix of all names inside."""
        return f"{self.path}." if self.path else ""


class ScopeItem(NamedTuple):
    """A layer or a scope in a scope.

    Attributes:
        name: its name in the enclosing scope; dotted if a scope between them is not a module.
        inner: the layer or the scope.
        owner: the path of the module whose weights it uses instead of its own, or None.
    """

    name: str
    inner: Node | ScopePart
    owner: str | None

    @property
    def scope(self) -> ScopePart | None:
        """The scope, unless the item is a layer or uses another scope's modules again."""
        return self.inner if isinstance(self.inner, ScopePart) and self.owner is None else None

    @property
    def reads(self) -> Sequence[Tensor]:
        """The input tensors."""
        return self.inner.reads if isinstance(self.inner, ScopePart) else self.inner.inputs

    @property
    def makes(self) -> Sequence[Tensor]:
        """The output tensors."""
        return self.inner.makes if isinstance(self.inner, ScopePart) else (self.inner,)


def parts_of(graph: Graph) -> ScopePart:
    """Return the whole network as a tree of scopes; one with the name of a layer is dissolved."""
    return _Tree(graph).part("", graph.nodes)


def all_parts(part: ScopePart) -> Iterator[ScopePart]:
    """Yield a scope and the scopes in it, the innermost first, without those that use another scope's modules again."""
    for item in part.items:
        if item.scope is not None:
            yield from all_parts(item.scope)
    yield part


class _Tree:
    """Makes the scopes of a graph.

    Attributes:
        whole: paths of the scopes made so far, which run as a whole.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers = graph.readers()
        self.ends = set(graph.outputs.values())
        self.whole: set[str] = set()

    @cached_property
    def inside(self) -> dict[str, list[Node]]:
        """The layers of every scope."""
        return layers_inside({node: node.name for node in self.graph.nodes})

    def part(self, path: str, nodes: list[Node]) -> ScopePart:
        """Return a scope with all its contents."""
        part = ScopePart(path, nodes)
        self.whole.add(path)
        if path:
            inside = set(nodes)
            part.reads = list(dict.fromkeys([one for node in nodes for one in node.inputs if one not in inside]))
            part.makes = [node for node in nodes if self._is_seen(node, inside)] or [nodes[-1]]
        else:
            part.reads, part.makes = list(self.graph.inputs.values()), list(self.graph.outputs.values())
        for name, group in self._groups(part):
            part.items.append(self._item(part, name, group))
        part.foreign = list(dict.fromkeys(self._foreign(part)))
        return part

    def _is_seen(self, node: Node, inside: set[Node]) -> bool:
        """Whether a layer outside reads a layer, or it is an output of the network."""
        return node in self.ends or any(reader not in inside for reader in self.readers.get(node, ()))

    def _item(self, part: ScopePart, name: str, group: list[Node]) -> ScopeItem:
        """Return a layer, or a scope with its contents."""
        if not name.endswith("."):
            (node,) = group
            return ScopeItem(name, node, holder(node.shares) if node.shares is not None and node.use.weights else None)
        inner = self.part(part.prefix + name[:-1], group)
        return ScopeItem(name[:-1], inner, self._owner(inner))

    def _owner(self, part: ScopePart) -> str | None:
        """Return the path of an equal scope whose modules a scope calls again; None if it has modules of its own."""
        weighted = next((node for node in part.nodes if node.use.weights), None)
        if weighted is None or weighted.shares is None:
            return None
        tail = weighted.name[len(part.path) :]
        owner = weighted.shares.name.removesuffix(tail)
        group = self.inside.get(owner, [])
        if owner not in self.whole or not owner or len(group) != len(part.nodes):
            return None
        return owner if self._is_once_more(part, group, owner) else None

    def _is_once_more(self, part: ScopePart, group: list[Node], owner: str) -> bool:
        """Whether a scope has the same layers as another, ``group`` of ``owner``, wired alike and with its weights."""
        twins: dict[Tensor, Tensor] = {}
        outside: dict[Tensor, Tensor] = {}
        inside = (set(part.nodes), set(group))
        for one, other in zip(part.nodes, group, strict=True):
            if one.name[len(part.path) :] != other.name[len(owner) :] or one.layer.key() != other.layer.key():
                return False
            if one.use.inputs != other.use.inputs or (one.use.weights and one.shares is not (other.shares or other)):
                return False
            if self._is_seen(one, inside[0]) != self._is_seen(other, inside[1]):
                return False
            for mine, theirs in zip(one.inputs, other.inputs, strict=True):
                if twins.get(mine) is not theirs and outside.setdefault(mine, theirs) is not theirs:
                    return False
            twins[one] = other
        return len(set(outside.values())) == len(outside)

    def _foreign(self, part: ScopePart) -> Iterator[str]:
        """Yield the modules that are not inside."""
        for item in part.items:
            wanted = item.scope.foreign if item.scope is not None else [] if item.owner is None else [item.owner]
            yield from [path for path in wanted if not f"{path}.".startswith(part.prefix)]

    def _groups(self, part: ScopePart) -> list[tuple[str, list[Node]]]:
        """Return the layers of each item, in an order in which no item reads a later one.

        A scope that depends on its own output is replaced by its layers and scopes.
        """
        skip = len(part.prefix)
        depth = dict.fromkeys(part.nodes, 1)
        while True:
            groups: dict[str, list[Node]] = {}
            for node in part.nodes:
                groups.setdefault(_cut(node.name[skip:], depth[node]), []).append(node)
            if len(groups) == 1:
                return list(groups.items())
            mixed = [f"{name}." for name in groups if f"{name}." in groups]
            stuck = mixed or _in_circles(groups)
            if not stuck:
                places = {name: group[0].index for name, group in groups.items()}
                return [(name, groups[name]) for name in in_order(_needs(groups), places.__getitem__)]
            for name in stuck:
                for node in groups[name]:
                    depth[node] += 1


def scopes_around(path: str) -> list[str]:
    """Return the scopes around a dotted name, the outermost first: ``a`` and ``a.b`` of ``a.b.c``."""
    return [path[:at] for at, sign in enumerate(path) if sign == "."]


def layers_inside(names: Mapping[Node, str]) -> dict[str, list[Node]]:
    """Return the layers of every scope, by their names."""
    found: dict[str, list[Node]] = {}
    for node, name in names.items():
        for scope in scopes_around(name):
            found.setdefault(scope, []).append(node)
    return found


def holder(node: Node) -> str:
    """Return the path of a layer's module; of the one around it if that has the layer's tensors under other keys."""
    has_usual = all(node.key(tensor) == f"{node.name}.{tensor}" for tensor in node.use.weights)
    return node.name if has_usual else node.name.rpartition(".")[0]


def _cut(name: str, depth: int) -> str:
    """Return the first parts of a dotted name, with a dot after them if there are more."""
    parts = name.split(".")
    return ".".join(parts[:depth]) + "." * (len(parts) > depth)


def _needs(groups: dict[str, list[Node]]) -> dict[str, set[str]]:
    """Return which groups each group reads."""
    home: dict[Tensor, str] = {node: name for name, group in groups.items() for node in group}
    return {
        name: {home[tensor] for node in group for tensor in node.inputs if tensor in home} - {name}
        for name, group in groups.items()
    }


def _in_circles(groups: dict[str, list[Node]]) -> list[str]:
    """Return the scopes that can't run as a whole, because they depend on their own outputs."""
    names = list(groups)
    number = {name: place for place, name in enumerate(names)}
    needs = _needs(groups).values()
    found = circles([[number[name] for name in wanted] for wanted in needs])
    inside = [names[place] for circle in found if len(circle) > 1 for place in circle]
    return [name for name in inside if len(groups[name]) > 1]
