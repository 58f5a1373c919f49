"""The tree that a picture is drawn from holds exactly the network's edges, and every layer once."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from cnncalc import load
from cnncalc.drawing.arrange import arrange
from cnncalc.drawing.tree import Scope, atoms_in, edges
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.language.shipped import networks
from tests.drawing.networks import nested_skips, random_network


def expected(graph: Graph) -> set[tuple[str, str]]:
    """Return a network's edges from its nodes alone, as (tensor, reader), outputs as ``output NAME``."""
    found = {(named(tensor), node.name) for node in graph.nodes for tensor in node.inputs}
    return found | {(named(tensor), f"output {name}") for name, tensor in graph.outputs.items()}


def named(tensor: Tensor) -> str:
    return tensor.name if isinstance(tensor, Node) else f"input {tensor.name}"


def drawn(root: Scope) -> Counter[tuple[str, str]]:
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


def check(graph: Graph) -> Scope:
    root = arrange(graph)
    assert sorted(node.index for atom in atoms_in(root) for node in atom.nodes) == list(range(len(graph.nodes)))
    assert drawn(root) == Counter(expected(graph))
    return root


def lanes(root: Scope) -> int:
    return sum(wire.is_lane for atom in atoms_in(root) for wire in atom.after)


@pytest.mark.parametrize("first", range(0, len(networks()), 60))
def test_the_zoo(first: int) -> None:
    beside = {}
    for name, _, _ in networks()[first : first + 60]:
        beside[name] = lanes(check(load(name)))
    assert sum(count > 0 for count in beside.values()) <= 5, beside  # the others are series and branches alone


@pytest.mark.parametrize("part", range(4))
def test_random_networks(part: int) -> None:
    for seed in range(part * 250, part * 250 + 250):
        check(random_network(Random(seed)))


@pytest.mark.parametrize("scoped", [False, True])
def test_many_skips_in_each_other(scoped: bool) -> None:
    check(nested_skips(1000, scoped))
