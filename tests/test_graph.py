"""Building a graph: nodes and outputs that are refused."""

from __future__ import annotations

import pytest

from cnncalc.graph import Graph, Node
from cnncalc.layers import LayerError, layer_type


def graph_with(name: str) -> tuple[Graph, Node]:
    graph = Graph("made", {"input": (3, 8, 8)})
    relu = layer_type("relu")
    assert relu is not None
    return graph, graph.add(relu(), [graph.inputs["input"]], name)


def test_two_nodes_of_one_name_are_refused() -> None:
    graph, node = graph_with("a")
    with pytest.raises(LayerError, match="the name 'a' is given twice"):
        graph.add(node.layer, [node], "a")
    assert graph.nodes == [node]


def test_a_tensor_of_another_graph_is_refused() -> None:
    graph, node = graph_with("a")
    other, foreign = graph_with("b")
    for tensor in (foreign, other.inputs["input"]):
        with pytest.raises(LayerError, match=f"'{tensor.name}' belongs to another network"):
            graph.add(node.layer, [tensor], "c")
        with pytest.raises(LayerError, match="the output 'y' belongs to another network"):
            graph.finish({"x": node, "y": tensor})
    assert graph.outputs == {}


def test_a_graph_needs_an_output() -> None:
    graph, node = graph_with("a")
    with pytest.raises(LayerError, match="the network has no output"):
        graph.finish({})
    graph.finish({"y": node})
    assert graph.outputs == {"y": node}


def test_weights_that_are_shared_on_belong_to_their_first_user() -> None:
    graph, first = graph_with("a")
    second = graph.add(first.layer, [graph.inputs["input"]], "b", first)
    third = graph.add(first.layer, [graph.inputs["input"]], "c", second)
    assert second.shares is third.shares is first


def test_a_graph_up_to_a_node_has_only_the_nodes_that_it_needs() -> None:
    graph, first = graph_with("a")
    second = graph.add(first.layer, [first], "b")
    graph.finish({"b": second})
    part = graph.up_to(first)
    assert (part.nodes, part.outputs) == ([first], {"a": first})
    with pytest.raises(LayerError, match="'b' belongs to another network"):
        part.add(first.layer, [second], "c")
