"""Indices that number the samples of a batch: x[arange(N), i], and labels, one for each sample.

PyTorch's newer exporter writes them as GatherND and ScatterND: the pooling of CLIP's text encoder, MaxUnpool2d.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnncalc.ground.errors import CnncalcError
from tests.importers.models import drawing, ints, model, network, node, runs_as_runtime, runtime

F = np.float32
drawn = drawing()
NUMBERED = [
    node("Shape", ["x"], ["n1"], start=0, end=1), node("Squeeze", ["n1"], ["n"]), node("Range", ["0", "n", "1"], ["r"]),
]  # fmt: skip
"""arange(len(x))"""
SCALARS = {"0": np.array(0), "1": np.array(1), "last": ints(-1), "flat": ints(-1), "second": ints(1)}


def pairs(rows: str, places: str) -> list[Any]:
    """Return the operators that join two tensors of indices along a new last axis."""
    joined = [node("Unsqueeze", [name, "last"], [f"{name}_"]) for name in (rows, places)]
    return [*joined, node("Concat", [f"{rows}_", f"{places}_"], ["at"], axis=-1)]


SALIENT = [node("ReduceMax", ["x"], ["m"], axes=[2], keepdims=0)]
TAKEN: dict[str, list[Any]] = {
    "the largest row of each sample": [
        *SALIENT, node("ArgMax", ["m"], ["i"], axis=1, keepdims=0), *pairs("r", "i"), node("GatherND", ["x", "at"], ["g"]),
        node("Relu", ["g"], ["y"]),
    ],
    "three rows of each sample": [
        *SALIENT, node("TopK", ["m", "three"], ["v", "i"], axis=1), node("Unsqueeze", ["r", "last"], ["r1"]),
        node("Expand", ["r1", "wide"], ["rows"]), *pairs("rows", "i"), node("GatherND", ["x", "at"], ["y"]),
    ],
    "rows behind each other": [
        *SALIENT, node("ArgMax", ["m"], ["i"], axis=1, keepdims=0), node("Mul", ["r", "five"], ["first"]),
        node("Add", ["i", "first"], ["at"]), node("Reshape", ["x", "as_rows"], ["rows"]),
        node("Gather", ["rows", "at"], ["y"], axis=0),
    ],
    "constant rows behind each other, as transformers picks positions of a mask": [
        node("Unsqueeze", ["r", "last"], ["r1"]), node("Mul", ["r1", "five"], ["first"]),
        node("Add", ["picked", "first"], ["at"]), node("Reshape", ["x", "as_rows"], ["rows"]),
        node("Gather", ["rows", "at"], ["y"], axis=0),
    ],
    "written behind each other": [
        *SALIENT, node("ArgMax", ["m"], ["i"], axis=1, keepdims=0), node("Mul", ["r", "five"], ["first"]),
        node("Add", ["i", "first"], ["at"]), node("Unsqueeze", ["at", "last"], ["at1"]), node("Reshape", ["x", "as_rows"], ["rows"]),
        node("ReduceMean", ["x"], ["u"], axes=[1], keepdims=0), node("ScatterND", ["rows", "at1", "u"], ["w"]),
        node("Reshape", ["w", "as_maps"], ["y"]),
    ],
    "written": [
        *SALIENT, node("ArgMax", ["m"], ["i"], axis=1, keepdims=0), *pairs("r", "i"),
        node("ReduceMean", ["x"], ["u"], axes=[1], keepdims=0), node("ScatterND", ["x", "at", "u"], ["y"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("batch", ["N", 1])
@pytest.mark.parametrize("name", TAKEN)
def test_own_indices_of_each_sample(name: str, batch: str | int) -> None:
    constants = {
        **SCALARS,
        "three": ints(3),
        "wide": ints(1, 3),
        "five": np.array(5),
        "as_rows": ints(-1, 4),
        "as_maps": ints(-1, 5, 4),
    }
    constants["picked"] = np.array([[3, 0, 4]])
    data = model([*NUMBERED, *TAKEN[name]], {"x": [batch, 5, 4]}, ["y"], constants)
    runs_as_runtime(data, drawn(3 if batch == "N" else 1, 5, 4))


def unpooled(batch: int | None) -> bytes:
    """Return MaxUnpool2d as PyTorch's newer exporter writes it: all elements of a batch behind each other."""
    pools = [
        node("MaxPool", ["x"], ["p", "whole"], kernel_shape=[2, 2], strides=[2, 2]),
        node("MaxPool", ["x"], ["_", "each"], kernel_shape=[1, 1], strides=[1, 1]),
        node("Slice", ["each", "starts", "ends", "axes"], ["offset"]), node("Sub", ["whole", "offset"], ["i"]),
    ]  # fmt: skip
    constants = {**SCALARS, "starts": ints(0, 0), "ends": ints(1, 1), "axes": ints(2, 3), "map": ints(-1, 3, 6, 4)}
    if batch is None:
        first = [
            *NUMBERED[:2], node("Mul", ["n", "three"], ["n3"]), node("Range", ["0", "n3", "1"], ["r"]),
            node("Reshape", ["r", "planes"], ["rows"]), node("Mul", ["rows", "plane"], ["first"]),
            node("Concat", ["n1", "sizes"], ["all"], axis=0),
        ]  # fmt: skip
        constants |= {"three": np.array(3), "planes": ints(-1, 3, 1, 1), "plane": np.array(24), "sizes": ints(3, 6, 4)}
    else:
        first = []
        constants |= {"first": np.arange(3).reshape(1, 3, 1, 1) * 24, "all": ints(1, 3, 6, 4)}
    places = [
        node("Add", ["i", "first"], ["at"]), node("Reshape", ["at", "flat"], ["flat_at"]),
        node("Unsqueeze", ["flat_at", "last"], ["at1"]), node("ConstantOfShape", ["all"], ["zeros"]),
        node("Reshape", ["zeros", "flat"], ["empty"]), node("Neg", ["p"], ["q"]), node("Reshape", ["q", "flat"], ["new"]),
        node("ScatterND", ["empty", "at1", "new"], ["written"]), node("Reshape", ["written", "map"], ["y"]),
    ]  # fmt: skip
    return model([*pools, *first, *places], {"x": [batch or "N", 3, 6, 4]}, ["y"], constants)


def test_unpooling_of_a_batch() -> None:
    runs_as_runtime(unpooled(None), drawn(3, 3, 6, 4))
    net = runs_as_runtime(unpooled(1), drawn(1, 3, 6, 4))
    assert net.model.one_sample_only


def test_labels_of_samples_choose_rows_of_a_table() -> None:
    """A conditional batch norm: scale and shift are rows of a table, one label for each sample."""
    nodes = [
        node("Gather", ["table", "label"], ["e"]), node("Split", ["e", "halves"], ["g", "b"], axis=1),
        node("Unsqueeze", ["g", "axes"], ["g2"]), node("Unsqueeze", ["b", "axes"], ["b2"]),
        node("Mul", ["x", "g2"], ["m"]), node("Add", ["m", "b2"], ["y"]),
    ]  # fmt: skip
    constants = {"table": drawn(10, 6), "halves": ints(3, 3), "axes": ints(2, 3)}
    data = model([node("Cast", ["l"], ["label"], to=7), *nodes], {"x": ["N", 3, 4, 4], "l": ["N"]}, ["y"], constants)
    feeds = {"x": drawn(3, 3, 4, 4), "l": np.array([7, 0, 2], F)}
    net = network(data)
    (expected,) = runtime(data, feeds)
    np.testing.assert_allclose(net.run(feeds).outputs["y"], expected, rtol=1e-5)
    assert net.summary().totals.params == 60


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Cast", ["r"], ["f"], to=1), node("Unsqueeze", ["f", "last"], ["c"]), node("Add", ["x", "c"], ["y"])],
        [node("Cast", ["r"], ["f"], to=1), node("Mul", ["f", "tenth"], ["t"]), node("Unsqueeze", ["t", "last"], ["c"]),
         node("Add", ["x", "c"], ["y"])],
        [node("Cast", ["r"], ["f"], to=1), node("Unsqueeze", ["f", "last"], ["c"]), node("Mul", ["x", "c"], ["y"])],
        [node("ArgMax", ["x"], ["i"], axis=1, keepdims=0), node("Add", ["i", "r"], ["at"]), node("Cast", ["at"], ["y"], to=1)],
    ],
    ids=["output", "steps that are no integers", "factor", "indices"],
)  # fmt: skip
def test_numbers_of_samples_in_arithmetic_are_those_of_one(nodes: list[Any]) -> None:
    """The second sample's number would be missing: only a batch of one is right."""
    data = model([*NUMBERED, *nodes], {"x": ["N", 4]}, ["y"], {**SCALARS, "tenth": np.array(0.1, F)})
    runs_as_runtime(data, drawn(1, 4))
    with pytest.raises(CnncalcError, match=r"a batch of 2, but .* restricts the network to a batch of 1"):
        network(data).run(drawn(2, 4))


def test_each_sample_indexed_by_those_of_all_samples_is_for_one() -> None:
    """Of (N, 5, 4) and indices (N), ONNX's Gather returns (N, N, 4), not the row of each sample's own index."""
    nodes = [*SALIENT, node("ArgMax", ["m"], ["i"], axis=1, keepdims=0), node("Gather", ["x", "i"], ["y"], axis=1)]
    data = model(nodes, {"x": ["N", 5, 4]}, ["y"])
    assert runs_as_runtime(data, drawn(1, 5, 4)).outputs["y"].shape == (1, 4)
    with pytest.raises(CnncalcError, match="a batch of 2, but Gather that computes 'y' restricts"):
        network(data).run(drawn(2, 5, 4))


def test_indices_of_several_axes_before_that_of_the_batch() -> None:
    """Of (5, N, 4) and indices (3, 2) the result is (3, 2, N, 4)."""
    nodes = [
        node("Cast", ["z"], ["i"], to=7), node("Transpose", ["x"], ["t"], perm=[1, 0, 2]), node("Gather", ["t", "i"], ["g"]),
        node("Transpose", ["g"], ["y"], perm=[2, 0, 1, 3]),
    ]  # fmt: skip
    data = model(nodes, {"x": ["N", 5, 4], "z": [3, 2]}, ["y"])
    feeds = {"x": drawn(2, 5, 4), "z": np.array([[0, 4], [2, 1], [3, 3]], F)}
    np.testing.assert_array_equal(network(data).run(feeds).outputs["y"], runtime(data, feeds)[0])


REARRANGED: dict[str, list[Any]] = {
    "backwards": [node("Slice", ["r", "last", "before", "first", "last"], ["b"]), node("Gather", ["x", "b"], ["y"])],
    "the first": [node("Gather", ["r", "first"], ["b"]), node("Gather", ["x", "b"], ["y"])],
    "the diagonal": [
        node("Unsqueeze", ["r", "last"], ["c"]), node("Concat", ["c", "c"], ["at"], axis=1), node("ReduceMax", ["x"], ["u"], axes=[1], keepdims=0),
        node("ScatterND", ["x", "at", "u"], ["y"]),
    ],
    "every other row of two copies": [
        node("Unsqueeze", ["x", "first"], ["x1"]), node("Concat", ["x1", "x1"], ["xx"], axis=0), node("Reshape", ["xx", "as_rows"], ["rows"]),
        node("Unsqueeze", ["r", "last"], ["c"]), node("Mul", ["c", "two"], ["d"]), node("Concat", ["d", "c"], ["at"], axis=1),
        node("Slice", ["at", "first", "second", "second"], ["row"]), node("Concat", ["row", "row"], ["both"], axis=1),
        node("GatherND", ["rows", "both"], ["y"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", REARRANGED)
def test_rearranged_numbers_of_samples_are_those_of_one(name: str) -> None:
    constants = {**SCALARS, "first": ints(0), "before": ints(-(2**31)), "two": np.array(2), "as_rows": ints(-1, 4)}
    data = model([*NUMBERED, *REARRANGED[name]], {"x": ["N", 4]}, ["y"], constants)
    runs_as_runtime(data, drawn(1, 4))
    with pytest.raises(CnncalcError, match=r"a batch of 2, but .* restricts the network to a batch of 1"):
        network(data).run(drawn(2, 4))


def test_computed_places_whose_first_is_no_sample_are_refused() -> None:
    """Rows are written into the samples that other indices choose."""
    nodes = [
        *SALIENT, node("ArgMax", ["m"], ["i"], axis=1, keepdims=0), node("Neg", ["i"], ["j"]), *pairs("j", "i"),
        node("ReduceMean", ["x"], ["u"], axes=[1], keepdims=0), node("ScatterND", ["x", "at", "u"], ["y"]),
    ]  # fmt: skip
    with pytest.raises(CnncalcError, match="its indices differ from sample to sample"):
        network(model(nodes, {"x": ["N", 5, 4]}, ["y"], SCALARS))


def test_equal_numbers_are_written_for_each_sample() -> None:
    """zeros.scatter(1, x.argmax(1), 1): a one-hot map of the largest channel."""
    nodes = [
        node("ArgMax", ["x"], ["i"], axis=1), node("Shape", ["x"], ["all"]), node("ConstantOfShape", ["all"], ["zeros"]),
        node("Shape", ["i"], ["each"]), node("Expand", ["one", "each"], ["ones"]),
        node("ScatterElements", ["zeros", "i", "ones"], ["y"], axis=1),
    ]  # fmt: skip
    runs_as_runtime(model(nodes, {"x": ["N", 5, 3, 4]}, ["y"], {"one": np.ones(1, F)}), drawn(3, 5, 3, 4))
