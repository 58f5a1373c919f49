"""The tree that a picture is drawn from holds exactly the network's edges, and every layer once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from cnncalc import load
from cnncalc.drawing import arrange as arranging
from cnncalc.drawing.arrange import arrange
from cnncalc.drawing.atoms import LONGEST_CHAIN, Atom
from cnncalc.drawing.tree import FoldedParts, Parallel, TreePart, TreeScope, all_parts, atoms_in
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.language.shipped import networks
from tests.drawing.networks import ADD, CONV, RELU, SHAPE, nested_skips, random_network
from tests.layers.building import make


def expected(graph: Graph) -> set[tuple[str, str]]:
    """Return a network's edges from its nodes alone, as (tensor, reader), outputs as ``output NAME``."""
    found = {(named(tensor), node.name) for node in graph.nodes for tensor in node.inputs}
    return found | {(named(tensor), f"output {name}") for name, tensor in graph.outputs.items()}


def named(tensor: Tensor) -> str:
    return tensor.name if isinstance(tensor, Node) else f"input {tensor.name}"


def edges(root: TreeScope) -> Iterator[tuple[Atom, Atom]]:
    """Yield every edge that the tree and its lanes stand for, as (source, target)."""
    found: list[tuple[Atom, Atom]] = []
    _walk(root, [], found)
    yield from found
    for element in all_parts(root):
        if isinstance(element, TreeScope):
            yield from ((wire.source, wire.target) for wire in element.lanes)


def _walk(element: TreePart, incoming: list[Atom], found: list[tuple[Atom, Atom]]) -> list[Atom]:
    """Collect the edges of a part that is entered from some atoms, and return the atoms from which it is left."""
    if isinstance(element, Atom):
        found.extend((source, element) for source in incoming)
        return [element]
    if isinstance(element, Parallel):
        outgoing = [atom for branch in element.branches for atom in _walk(branch, incoming, found)]
        return outgoing + (incoming if element.passes else [])
    if isinstance(element, TreeScope):
        return _walk(element.body, incoming, found)
    if isinstance(element, FoldedParts):
        for copy in element.copies:
            incoming = _walk(copy, incoming, found)
        return incoming
    for item, link in zip(element.items, element.links, strict=False):
        incoming = _walk(item, incoming if link else [], found)
    return incoming if element.links[-1] else []


def drawn(root: TreeScope) -> Counter[tuple[str, str]]:
    """Return the edges between and in the boxes of a tree, each as often as it is drawn."""
    found = Counter(
        (
            named(source.tensor),
            target.nodes[0].name if target.kind == "card" else f"output {target.name}",
        )
        for source, target in edges(root)
    )
    for atom in atoms_in(root):
        found.update((above.name, below.name) for above, below in zip(atom.nodes, atom.nodes[1:], strict=False))
    return found


def check(graph: Graph) -> TreeScope:
    root = arrange(graph)
    assert sorted(node.index for atom in atoms_in(root) for node in atom.nodes) == list(range(len(graph.nodes)))
    assert drawn(root) == Counter(expected(graph))
    return root


def lanes(root: TreeScope) -> int:
    return sum(wire.is_lane for atom in atoms_in(root) for wire in atom.after)


@pytest.mark.parametrize("first", range(0, len(networks()), 60))
def test_the_zoo(first: int) -> None:
    beside = {}
    for name, _, _ in networks()[first : first + 60]:
        beside[name] = lanes(check(load(name)))
    assert sum(count > 0 for count in beside.values()) <= 5, beside  # the others consist of series and branches


@pytest.mark.parametrize("part", range(4))
def test_random_networks(part: int) -> None:
    for seed in range(part * 250, part * 250 + 250):
        check(random_network(Random(seed)))


def test_beyond_a_bound_of_work_items_stand_one_below_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layouts of 4,900 sums of pairs of 70 inputs took more than 20 s of CPU."""
    monkeypatch.setattr("cnncalc.drawing.branches._MOST_VISITED", 20)
    for seed in range(80):
        check(random_network(Random(seed)))
    body = check(nested_skips(30)).body
    assert not any(isinstance(item, Parallel) for item in body.items)


@pytest.mark.parametrize("scoped", [False, True])
def test_many_skips_in_each_other(scoped: bool) -> None:
    check(nested_skips(1000, scoped))


def test_an_auxiliary_head_stands_beside_the_trunk() -> None:
    """GoogLeNet (Szegedy et al. 2014, figure 3): the classifiers behind 4a and 4d are beside the trunk, not in it."""
    body = check(load("googlenet", aux=True)).body
    heads = []
    while isinstance(body.items[-1], Parallel):
        trunk, head = sorted(body.items[-1].branches, key=lambda branch: -len([*atoms_in(branch)]))
        heads.append([item.name for item in head.items if isinstance(item, TreeScope)])
        body = trunk
    assert heads == [["aux1"], ["aux2"]]
    assert [atom.name for atom in atoms_in(body)][-1] == "fc"


def test_a_second_input_stands_where_it_is_read() -> None:
    graph = Graph("masked", {"image": SHAPE, "mask": SHAPE})
    tensor: Tensor = graph.inputs["image"]
    for number in range(3):
        tensor = graph.add(CONV, [tensor], f"conv{number}")
    graph.outputs["y"] = graph.add(ADD, [tensor, graph.inputs["mask"]], "add")
    body = check(graph).body
    beside = [item for item in body.items if isinstance(item, Parallel)]
    assert [[atom.name for atom in atoms_in(item)] for item in beside] == [["mask"]]


def test_a_table_that_many_scopes_read_leaves_their_line_whole() -> None:
    """Swin v2's indices of positions parted its stages: two of them stood side by side."""
    graph = Graph("table", {"image": SHAPE})
    table = graph.add(make("parameter: [4, 6, 6]"), [], "table")
    tensor: Tensor = graph.inputs["image"]
    for number in range(6):
        inner = graph.add(CONV, [tensor], f"stage{number // 2}.conv{number}")
        tensor = graph.add(ADD, [inner, table], f"stage{number // 2}.add{number}")
    graph.outputs["y"] = tensor
    root = check(graph)
    beside = [wire.source.name for atom in atoms_in(root) for wire in atom.after if wire.is_lane]
    assert set(beside) == {"table"}


def test_many_branches_in_a_row_are_each_weighed_once_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of 26,000 layers took minutes, because all remaining layers were counted after each of many merges."""
    graph = Graph("long", {"input": SHAPE})
    tensor: Tensor = graph.inputs["input"]
    for number in range(300):
        inner = graph.add(CONV, [tensor], f"conv{number}")
        tensor = graph.add(ADD, [tensor, inner], f"add{number}")
    graph.finish({"output": tensor})
    weighed = 0
    weight = arranging._weight

    def counted(element: TreePart) -> int:
        nonlocal weighed
        weighed += (found := weight(element))
        return found

    monkeypatch.setattr(arranging, "_weight", counted)
    arrange(graph)
    assert 600 <= weighed <= 3 * 600


def test_a_card_does_not_grow_without_end() -> None:
    graph = Graph("long", {"input": SHAPE})
    tensor: Tensor = graph.inputs["input"]
    for number in range(100):
        tensor = graph.add(RELU, [tensor], f"relu{number}")
    graph.finish({"output": tensor})
    cards = [atom for atom in atoms_in(check(graph)) if atom.kind == "card"]
    assert [len(card.nodes) for card in cards] == [LONGEST_CHAIN] * 4 + [4]
