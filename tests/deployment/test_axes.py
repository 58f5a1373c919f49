"""The order of axes against NumPy: what a device's copies make of a tensor is the network's tensor, only turned."""

from __future__ import annotations

from math import prod

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

import cnncalc
from cnncalc.deployment.axes import Axes
from cnncalc.graph import Tensor

cnncalc.loads("input: [1]\nlayers: [relu]")  # it raises Python's recursion limit, which hypothesis watches


def divided(draw: st.DrawFn, elements: int) -> list[int]:
    """Return some sizes whose product is the number of elements."""
    sizes: list[int] = []
    while elements > 1 and len(sizes) < 4:
        size = draw(st.sampled_from([one for one in range(1, elements + 1) if elements % one == 0]))
        sizes.append(size)
        elements //= size
    return [*sizes, elements] if elements > 1 or not sizes else sizes


@st.composite
def movements(draw: st.DrawFn) -> str:
    """A network of permutes and reshapes, of a map of 48 to 144 elements."""
    shape = [draw(st.sampled_from([2, 4, 6])), draw(st.sampled_from([1, 3, 4])), draw(st.sampled_from([4, 6]))]
    lines = [f"input: {shape}", "layers:"]
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            dims = draw(st.permutations(range(len(shape))))
            lines.append(f"  - permute: {list(dims)}")
            shape = [shape[axis] for axis in dims]
        else:
            shape = divided(draw, prod(shape))
            if len(shape) == 1:
                shape = [1, *shape]
            lines.append(f"  - reshape: {shape}")
    return "\n".join(lines)


@given(movements())
def test_copies_on_the_device_keep_each_element_s_place(text: str) -> None:
    graph = cnncalc.loads(text)
    axes = Axes(graph)
    tensor: Tensor
    (tensor,) = graph.inputs.values()
    wanted = np.arange(prod(tensor.shape)).reshape(tensor.shape)
    lies = wanted.transpose(axes.of(tensor))
    for node in graph.nodes:
        if node.layer.type == "permute":
            wanted = wanted.transpose(node.layer.dims)  # type: ignore[attr-defined]
        else:
            order, needed = axes.of(tensor), axes.needed[node]
            turned = lies.transpose([order.index(axis) for axis in needed])
            wanted = wanted.reshape(node.shape)
            lies = turned.reshape([node.shape[axis] for axis in axes.of(node)])
        tensor = node
        assert (lies == wanted.transpose(axes.of(node))).all()
