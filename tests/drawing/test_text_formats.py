"""Mermaid within GitHub's limits, and complete DOT: both have the network's edges, and escape names."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from cnncalc import load
from cnncalc.drawing.dot import digraph
from cnncalc.drawing.measures import measure
from cnncalc.drawing.mermaid import flowchart
from cnncalc.drawing.picture import Choice, describe
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.language.shipped import networks
from tests.commands import cnncalc
from tests.drawing.networks import ADD, CONV, RELU, SHAPE, random_network
from tests.drawing.test_tree import expected, named

HOSTILE = 'x"];\nend\n<img src=x>%%{init: {}}%% #quot;`'


def mermaid(graph: Graph, depth: int | None = None) -> str:
    return flowchart(describe(graph, measure(graph, "macs"), Choice()), depth)


def hostile() -> Graph:
    graph = Graph(HOSTILE, {HOSTILE: SHAPE})
    node = graph.add(CONV, [graph.inputs[HOSTILE]], f"{HOSTILE}.a")
    graph.outputs[HOSTILE] = graph.add(CONV, [node], f"{HOSTILE}.b")
    return graph


# --- Mermaid -------------------------------------------------------------------------------------------------


def test_mermaid_of_every_network_fits_whole() -> None:
    for name, _, _ in networks()[::8]:
        text = mermaid(load(name))
        assert len(text) <= 45_000, name
        assert len(re.findall("-->|-.->", text)) <= 480, name
        assert "drawn closed" not in text, name


def test_mermaid_has_the_edges_of_a_network_without_repeats() -> None:
    """AlexNet (Krizhevsky 2014, one tower): one chain, every card feeds the next."""
    text = mermaid(load("alexnet"))
    nodes = re.findall(r"^  (n\d+)[\[(]", text, re.M)
    edges = re.findall(r'^  (n\d+) -->(?:\|"[^"]*"\|)? (n\d+)$', text, re.M)
    assert edges == list(pairwise(nodes))
    assert len(nodes) == 15  # 5 conv and 3 linear with what follows them, 4 pools, flatten, both ends
    assert '"64×55×55"' in text


def test_blocks_that_do_not_fit_are_closed_with_a_note() -> None:
    """Sixty blocks of twenty different layers: 1,200 edges."""
    graph, random = Graph("wide", {"x": SHAPE}), Random(0)
    tensor = graph.add(CONV, [graph.inputs["x"]], "stem")
    for block in range(60):
        for number in range(20):
            before = tensor
            tensor = graph.add(random.choice([RELU, CONV]), [tensor], f"block{block}.layer{number}")
            tensor = graph.add(ADD, [tensor, before], f"block{block}.add{number}")
    graph.outputs["y"] = tensor
    text = mermaid(graph)
    assert len(re.findall("-->|-.->", text)) <= 480
    assert re.search(r'^  note\["\d+ blocks with [\d,]+ layers drawn closed: ', text, re.M)
    assert "classDef note" in text


def test_a_network_that_never_fits_is_an_error() -> None:
    graph = Graph("fan", {"x": SHAPE})
    for number in range(500):
        graph.outputs[f"y{number}"] = graph.add(CONV, [graph.inputs["x"]], f"conv{number}")
    with pytest.raises(CnncalcError, match="GitHub draws at most 500") as caught:
        mermaid(graph)
    assert caught.value.exit_code == 2


def test_edges_are_counted_too() -> None:
    """Twenty sums of the same thirty tensors: few characters, 660 edges."""
    graph = Graph("dense", {"x": SHAPE})
    tensors = [graph.add(CONV, [graph.inputs["x"]], f"c{number}") for number in range(30)]
    for number in range(20):
        graph.outputs[f"y{number}"] = graph.add(ADD, tensors, f"a{number}")
    with pytest.raises(CnncalcError, match=r"the network has 6\d\d edges with all blocks closed"):
        mermaid(graph)


def test_names_in_mermaid_are_texts() -> None:
    text = mermaid(hostile())
    assert "<img" not in text
    assert "%%{" not in text
    labels = re.findall(r'"([^"]*)"', text)
    assert any("#34;#93;#59; end #60;img" in label for label in labels), text
    assert text.count("\nend\n") == 0


# --- DOT -----------------------------------------------------------------------------------------------------


def edges_of(text: str, graph: Graph) -> Counter[tuple[str, str]]:
    """Return the edges of a DOT text between layers, by their names; the layers of a card are a chain."""
    cards: dict[str, list[str]] = {}
    for node, label, tip in re.findall(
        r'^ *(n\d+) \[label="((?:[^"\\]|\\.)*)".*?(?:tooltip="((?:[^"\\]|\\.)*)")?\]$', text, re.M
    ):
        cards[node] = tip.split(", ") if tip else [label.split("\\n")[0]]
    found = Counter((cards[a][-1], cards[b][0]) for a, b in re.findall(r"^  (n\d+) -> (n\d+)", text, re.M))
    for names in cards.values():
        found.update(pairwise(names))
    return found


def test_dot_has_every_edge_of_random_networks() -> None:
    for seed in range(120):
        graph = random_network(Random(seed))
        reads = Counter((named(tensor), node.name) for node in graph.nodes for tensor in node.inputs)
        reads.update((named(tensor), f"output {name}") for name, tensor in graph.outputs.items())
        assert set(reads) == expected(graph)
        assert edges_of("".join(digraph(graph, Choice())), graph) == reads


def test_dot_has_clusters() -> None:
    text = "".join(digraph(load("resnet50"), Choice()))
    assert 'label="input\\n3×224×224"' in text
    assert len(re.findall("subgraph cluster_", text)) == 4 + 16  # stages and bottlenecks, He et al. 2015, table 1
    assert len(re.findall("subgraph cluster_", "".join(digraph(load("resnet50"), Choice(2))))) == 4


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("graph", [load("googlenet"), hostile()], ids=["googlenet", "hostile"])
def test_graphviz_draws_it(graph: Graph) -> None:
    done = subprocess.run(
        ["dot", "-Tsvg"],
        input="".join(digraph(graph, Choice())),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "<svg" in done.stdout


def test_the_command_writes_both_formats(tmp_path: object) -> None:
    for suffix, beginning in (
        (".mmd", "flowchart TD\n"),
        (".dot", 'digraph "lenet5" {\n'),
        (".gv", 'digraph "lenet5" {\n'),
    ):
        path = f"{tmp_path}/net{suffix}"
        assert cnncalc("draw", "lenet5", "-o", path).code == 0
        with open(path, encoding="utf-8") as file:
            assert file.read().startswith(beginning)
