"""Model files with as many operators as allowed, of the kinds that took the longest."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tests.importers.models import ints, model, node

MAP, ROWS = ("N", 3, 8, 8), ("N", 8, 16)
F = np.float32


def _norm(x: str, number: int) -> list[Any]:
    """Return layer normalization by its nine primitives, whose output has the number as its name."""
    names = [
        f"{number} {step}" for step in ("mean", "apart", "square", "variance", "sum", "root", "quotient", "scaled")
    ]
    mean, apart, square, variance, total, root, quotient, scaled = names
    return [
        node("ReduceMean", [x], [mean], axes=[-1]), node("Sub", [x, mean], [apart]), node("Pow", [apart, "two"], [square]),
        node("ReduceMean", [square], [variance], axes=[-1]), node("Add", [variance, "eps"], [total]), node("Sqrt", [total], [root]),
        node("Div", [apart, root], [quotient]), node("Mul", [quotient, "g"], [scaled]), node("Add", [scaled, "b"], [str(number)]),
    ]  # fmt: skip


NORM: dict[str, Any] = {"two": F(2), "eps": F(1e-5), "g": np.arange(16, dtype=F), "b": np.arange(16, dtype=F)}


def _norms(count: int, nodes: tuple[Any, ...] = (), x: str = "x") -> bytes:
    """Return layer normalizations in a row, behind some nodes."""
    names = [x, *map(str, range(count))]
    chain = [one for number, before in enumerate(names[:-1]) for one in _norm(before, number)]
    return model([*nodes, *chain], {"x": ROWS}, [names[-1]], NORM)


def _branches() -> bytes:
    """Return 16 branches, each decided by the one before, in front of layer normalizations."""
    nodes, names = [], ["x", *[f"z{number}" for number in range(16)]]
    for x, y in pairwise(names):
        bodies = [
            helper.make_graph([node(op, [x], [op + y])], y, [], [helper.make_tensor_value_info(op + y, TensorProto.FLOAT, None)])
            for op in ("Relu", "Sigmoid")
        ]  # fmt: skip
        nodes += [
            node("ReduceSum", [x], [f"s{y}"], keepdims=0), node("Cast", [f"s{y}"], [f"b{y}"], to=TensorProto.BOOL),
            node("If", [f"b{y}"], [y], then_branch=bodies[0], else_branch=bodies[1]),
        ]  # fmt: skip
    return _norms(2_000, tuple(nodes), names[-1])


def _sums() -> bytes:
    """Return sums of the last two tensors."""
    names = ["x", "x", *[f"s{number}" for number in range(4_990)]]
    pairs = zip(names, names[1:], names[2:], strict=False)
    return model([node("Add", [one, other], [y]) for one, other, y in pairs], {"x": MAP}, names[-1:])


def _gathers(indices: Any, count: int) -> bytes:
    """Return gathers of the same indices in a row."""
    names = ["x", *[f"g{number}" for number in range(count)]]
    nodes = [node("Gather", [x, "i"], [y], axis=2) for x, y in pairwise(names)]
    return model(nodes, {"x": ("N", 4, len(indices))}, names[-1:], {"i": ints(*indices)})


def _convolutions() -> bytes:
    """Return convolutions no two of which are alike."""
    names = ["x", *[f"c{number}" for number in range(4_990)]]
    nodes = [
        node("Conv", [x, "w"], [y], dilations=[1 + number, 1 + number % 7])
        for number, (x, y) in enumerate(pairwise(names))
    ]
    return model(nodes, {"x": MAP}, names[-1:], {"w": np.ones((3, 3, 1, 1), F)})


def _quotients() -> bytes:
    """Return divisions by the same large constant in a row."""
    names = ["x", *[f"q{number}" for number in range(4_990)]]
    nodes = [node("Div", [x, "c"], [y]) for x, y in pairwise(names)]
    return model(nodes, {"x": ("N", 4_096)}, names[-1:], {"c": np.arange(1, 4_097, dtype=F)})


def _lists() -> bytes:
    """Return gathers of lists of 4,096 indices, as many as constants may have elements."""
    lists = {f"i{number}": np.random.default_rng(number).integers(0, 64, 4096) for number in range(400)}
    nodes = [node("Gather", ["x", name], [f"g{name}"], axis=1) for name in lists]
    return model(nodes, {"x": ("N", 64, 8)}, [f"g{name}" for name in lists], lists)


SHAPES: dict[str, Callable[[], bytes]] = {
    "layer norms": lambda: _norms(2_200),
    "branches": _branches,
    "sums": _sums,
    "gathers of a list": lambda: _gathers(np.random.default_rng(0).permutation(64), 1_500),
    "gathers of a grid": lambda: _gathers(np.arange(4_096).reshape(64, 64).T.ravel(), 400),
    "convolutions": _convolutions,
    "quotients": _quotients,
    "lists": _lists,
}
