"""Operators on integers, on single elements and on places between them, beside ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, load_from_string

from cnncalc.ground.errors import CnncalcError
from tests.importers.models import drawing, ints, model, network, node, runs_as_runtime, runtime

F = np.float32
weight = drawing()
MAP, ROWS = ("N", 4, 6, 5), ("N", 7, 6)


def resized(mode: str, where: str, rounding: str = "round_prefer_floor", by: str = "s", **more: Any) -> Any:
    names = ["x", "", "s"] if by == "s" else ["x", "", "", by]
    how = {"coordinate_transformation_mode": where, "nearest_mode": rounding, **more}
    return node("Resize", names, ["y"], mode=mode, **how)


SCALES = {"s": np.array([1, 1, 1.7, 0.6], F)}
TWICE = {"s": np.array([1, 1, 2, 2], F)}
TENFOLD = [node("Mul", ["x", "ten"], ["t"])]
COLUMNS = np.tile(ints(3, 0, 3, 5, 1, 6).reshape(1, 1, 6), (1, 2, 1))
GRID = np.stack(np.meshgrid([0], [1, 3], [0, 2, 5], indexing="ij"), -1)

HEADS, ANGLES = ("N", 2, 5, 8), weight(9, 4)
OF_OTHERS = ("Tan", "Sinh", "Cosh", "Asin", "Acos", "Asinh", "Atanh", "Atan")

# name: (nodes, input shape, constants, opset)
CASES: dict[str, tuple[Sequence[Any], Sequence[Any], Mapping[str, Any], int]] = {
    "to integers and back": (
        [*TENFOLD, node("Cast", ["t"], ["i"], to=TensorProto.INT32), node("Cast", ["i"], ["y"], to=TensorProto.FLOAT)],
        ROWS, {"ten": F(10)}, 17,
    ),
    "to truths": (
        [node("Relu", ["x"], ["r"]), node("Cast", ["r"], ["b"], to=TensorProto.BOOL), node("Cast", ["b"], ["y"], to=1)],
        ROWS, {}, 17,
    ),
    "a quotient of integers": (
        [*TENFOLD, node("Cast", ["t"], ["i"], to=7), node("Div", ["i", "three"], ["q"]), node("Cast", ["q"], ["y"], to=1)],
        ROWS, {"ten": F(10), "three": np.int64(3)}, 17,
    ),
    "a rest of integers": (
        [*TENFOLD, node("Cast", ["t"], ["i"], to=7), node("Mod", ["i", "three"], ["q"]), node("Cast", ["q"], ["y"], to=1)],
        ROWS, {"ten": F(10), "three": np.int64(3)}, 17,
    ),
    "a rest as C has it": ([node("Mod", ["x", "half"], ["y"], fmod=1)], ROWS, {"half": F(0.5)}, 17),
    "the last of equal ones": (
        [node("Relu", ["x"], ["r"]), node("Neg", ["r"], ["n"]), node("ArgMax", ["n"], ["i"], axis=2, select_last_index=1),
         node("Cast", ["i"], ["y"], to=1)], ROWS, {}, 17,
    ),
    "bounds that are computed": (
        [node("ReduceMax", ["x"], ["m"], keepdims=1, axes=[1, 2]), node("Sub", ["m", "one"], ["n"]),
         node("Max", ["x", "n"], ["y"])], ROWS, {"one": F(1)}, 17,
    ),
    "bounds that cross": ([node("Clip", ["x", "a", "b"], ["y"])], ROWS, {"a": F(0.5), "b": F(-0.5)}, 17),
    "selu of other numbers": ([node("Selu", ["x"], ["y"], alpha=2.0, gamma=3.0)], ROWS, {}, 17),
    "resize half pixel floor": ([resized("nearest", "half_pixel", "floor")], MAP, TWICE, 17),
    "resize ceil": ([resized("nearest", "asymmetric", "ceil")], MAP, TWICE, 17),
    "resize corners": ([resized("nearest", "align_corners")], MAP, TWICE, 17),
    "resize of TensorFlow": ([resized("nearest", "tf_half_pixel_for_nn", "floor")], MAP, SCALES, 17),
    "resize with rests": ([resized("nearest", "half_pixel")], MAP, SCALES, 17),
    "resize to sizes, half way between two": ([resized("nearest", "asymmetric", by="z")], MAP, {"z": ints(2, 4, 18, 2)}, 17),
    "resize by less than 1 in an old opset": ([node("Resize", ["x", "s"], ["y"])], MAP, SCALES, 10),
    "resize about the middle": ([resized("nearest", "half_pixel_symmetric", "floor")], MAP, {"s": np.array([1, 1, 1.5, 1.5], F)}, 18),
    "resize about the middle to one element": (
        [resized("nearest", "half_pixel_symmetric", "floor", "z")], ("N", 4, 3, 3), {"z": ints(2, 4, 1, 2)}, 19,
    ),
    "resize of TensorFlow along one axis": (
        [resized("nearest", "tf_half_pixel_for_nn", "ceil")], MAP, {"s": np.array([1, 1, 1, 2], F)}, 17,
    ),
    "resize by a ratio and by a factor with a rest": (
        [resized("linear", "asymmetric")], ("N", 4, 11, 5), {"s": np.array([1, 1, 7 / 11, 1.5], F)}, 17,
    ),
    "resize of PyTorch": ([resized("linear", "pytorch_half_pixel", by="z")], MAP, {"z": ints(2, 4, 9, 3)}, 17),
    "resize asymmetric": ([resized("linear", "asymmetric")], MAP, SCALES, 17),
    "a table that is resized": (
        [node("Resize", ["p", "", "s"], ["q"], mode="cubic"), node("Add", ["x", "q"], ["y"])], MAP,
        {"p": weight(1, 4, 3, 5), "s": np.array([1, 1, 2, 1], F)}, 17,
    ),
    "elements that are computed": (
        [node("TopK", ["x", "k"], ["v", "i"], axis=2), node("GatherElements", ["x", "i"], ["y"], axis=2)], ROWS,
        {"k": ints(3)}, 17,
    ),
    "scatter of rows": (
        [node("Transpose", ["x"], ["t"], perm=[1, 0, 2]), node("Slice", ["t", "a", "b"], ["u"]),
         node("ScatterND", ["t", "i", "u"], ["z"]), node("Transpose", ["z"], ["y"], perm=[1, 0, 2])], ROWS,
        {"i": ints(6, 2).reshape(2, 1), "a": ints(0), "b": ints(2)}, 17,
    ),
    "attention that is causal": ([node("Attention", ["x", "x", "x"], ["y"], is_causal=1)], HEADS, {}, 23),
    "attention with a mask of truths": (
        [node("Attention", ["x", "x", "x", "m"], ["y"])], HEADS, {"m": np.tri(5, dtype=bool)[::-1].copy()}, 23,
    ),
    "rotary": (
        [node("RotaryEmbedding", ["x", "c", "s"], ["y"])], (1, 2, 5, 8),
        {"c": np.cos(ANGLES[None, :5]), "s": np.sin(ANGLES[None, :5])}, 23,
    ),
    "rotary neighbours at other positions": (
        [node("RotaryEmbedding", ["x", "c", "s", "p"], ["y"], interleaved=1)], (1, 2, 5, 8),
        {"c": np.cos(ANGLES), "s": np.sin(ANGLES), "p": ints(4, 0, 8, 1, 1).reshape(1, 5)}, 23,
    ),
    "functions of functions": (
        [node("Tanh", ["x"], ["t"]), *[node(op, ["t"], [op]) for op in OF_OTHERS], node("Shrink", ["x"], ["s"], lambd=0.7, bias=0.2),
         node("Sum", [*OF_OTHERS, "s"], ["y"])], ROWS, {}, 17,
    ),
    "a sum of all of a constant": (
        [node("ReduceSum", ["c"], ["s"], noop_with_empty_axes=2), node("Mul", ["x", "s"], ["y"])], ROWS, {"c": weight(6)}, 18,
    ),
    "celu of a negative number": ([node("Celu", ["x"], ["y"], alpha=-0.5)], ROWS, {}, 17),
    "shrink of a negative bound": ([node("Shrink", ["x"], ["y"], lambd=-0.6, bias=0.3)], ROWS, {}, 17),
    "places of a map": (
        [node("GridSample", ["x", "g"], ["y"], padding_mode="reflection")], (1, 4, 6, 5), {"g": 1.5 * weight(1, 3, 7, 2)}, 16,
    ),
    "nearest places of a map": (
        [node("GridSample", ["x", "g"], ["y"], mode="nearest", align_corners=1)], (1, 4, 6, 5), {"g": weight(1, 3, 7, 2)}, 16,
    ),
    "rows of all samples one after the other": (
        [node("Shape", ["x"], ["s"], end=1), node("Squeeze", ["s"], ["n"]), node("Range", ["o", "n", "i"], ["r"]),
         node("Unsqueeze", ["r", "one"], ["c"]), node("Mul", ["c", "seven"], ["k"]),
         node("ArgMax", ["x"], ["a"], axis=1, keepdims=0), node("Add", ["a", "k"], ["b"]),
         node("Reshape", ["x", "rows"], ["f"]), node("Gather", ["f", "b"], ["y"], axis=0)], ROWS,
        {"o": np.int64(0), "i": np.int64(1), "one": ints(1), "seven": ints(7), "rows": ints(-1, 6)}, 17,
    ),
    "a part of every sample that is written": (
        [node("Shape", ["x"], ["s"], end=1), node("Squeeze", ["s"], ["n"]), node("Range", ["o", "n", "i"], ["r"]),
         node("Reshape", ["r", "column"], ["c"]), node("Concat", ["s", "tall"], ["t"], axis=0), node("Expand", ["c", "t"], ["b"]),
         node("Expand", ["k", "t"], ["p"]), node("Concat", ["b", "p"], ["at"], axis=2), node("Slice", ["x", "from", "to", "axis"], ["u"]),
         node("Neg", ["u"], ["v"]), node("ScatterND", ["x", "at", "v"], ["y"])], ROWS,
        {"o": np.int64(0), "i": np.int64(1), "column": ints(-1, 1, 1), "tall": ints(2, 1), "k": ints(4, 1).reshape(1, 2, 1),
         "from": ints(0), "to": ints(2), "axis": ints(1)}, 17,
    ),
    "a table of positions that is gathered from a larger one": (
        [node("GatherND", ["table", "at"], ["t"]), node("GatherND", ["rows", "from"], ["u"], batch_dims=1), node("Add", ["x", "t"], ["v"]),
         node("Add", ["v", "u"], ["y"])], ROWS,
        {"table": weight(100, 50, 6), "at": np.stack([np.arange(7) * 9, np.arange(7) ** 2 % 50], -1).astype(np.int64)[None],
         "rows": weight(7, 900, 6), "from": (np.arange(7).reshape(7, 1) * 99)}, 17,
    ),
    "a constant in place of every sample": (
        [node("Where", ["yes", "c", "x"], ["w"]), node("Concat", ["w", "w"], ["y"], axis=1)], ROWS,
        {"yes": np.array([True]), "c": weight(7, 6)}, 17,
    ),
    "a constant of one sample in place of every one": (
        [node("Where", ["no", "x", "c"], ["y"])], ROWS, {"no": np.array(False), "c": weight(1, 7, 6)}, 17,
    ),
    "a range up to a fraction, too long to be computed at once": (
        [node("Range", ["from", "to", "step"], ["r"]), node("Add", ["x", "r"], ["y"])], ("N", 4097),
        {"from": F(0), "to": F(4096.5), "step": F(1)}, 17,
    ),
    "one element, backwards": (
        [node("Slice", ["x", "from", "to", "axis", "step"], ["y"])], ROWS,
        {"to": ints(0), "from": ints(1), "axis": ints(1), "step": ints(-1)}, 17,
    ),
    "the last place of a single element": (
        [node("Slice", ["x", "a", "b", "b"], ["s"]), node("ArgMax", ["s"], ["i"], axis=1, select_last_index=1),
         node("Cast", ["i"], ["y"], to=1)], ROWS, {"a": ints(0), "b": ints(1)}, 17,
    ),
    "computed indices below 0": (
        [node("ArgMax", ["x"], ["i"], axis=2, keepdims=0), node("Sub", ["i", "four"], ["j"]), node("OneHot", ["j", "six", "v"], ["y"])],
        ROWS, {"four": np.int64(4), "six": np.int64(6), "v": np.array([0, 1], F)}, 17,
    ),
    "gather by samples at places from both ends of two axes": (
        [node("ArgMax", ["x"], ["i"], axis=2), node("Sub", ["i", "four"], ["j"]), node("Sub", ["j", "j"], ["zeros"]),
         node("Add", ["zeros", "rows"], ["r"]), node("Concat", ["r", "j"], ["at"], axis=2), node("GatherND", ["x", "at"], ["y"], batch_dims=1)],
        ROWS, {"four": np.int64(4), "rows": np.arange(-3, 4).reshape(1, 7, 1)}, 17,
    ),
    "gather by samples": (
        [node("ArgMax", ["x"], ["i"], axis=1, keepdims=0), node("Unsqueeze", ["i", "two"], ["j"]),
         node("GatherND", ["x", "j"], ["y"], batch_dims=1)], ROWS, {"two": ints(2)}, 17,
    ),
}  # fmt: skip

ONE_SAMPLE: dict[str, tuple[Sequence[Any], Sequence[int], Mapping[str, Any], int]] = {
    "a sum of magnitudes over one sample": ([node("ReduceL1", ["x"], ["y"], axes=[0], keepdims=0)], (1, 7, 6), {}, 17),
    "a sum of all": ([node("ReduceSum", ["x"], ["y"], noop_with_empty_axes=2)], (1, 7, 6), {}, 18),
    "a norm over one sample": ([node("ReduceL2", ["x"], ["y"], axes=[0])], (1, 7, 6), {}, 17),
    "elements along an axis": ([node("GatherElements", ["x", "i"], ["y"], axis=1)], (1, 7, 6), {"i": COLUMNS}, 17),
    "scatter": (
        [node("ScatterElements", ["x", "i", "u"], ["y"], axis=1)], (1, 7, 6), {"i": COLUMNS[:, :1], "u": weight(1, 1, 6)}, 17,
    ),
    "scatter of sums": (
        [node("ScatterElements", ["x", "i", "u"], ["y"], axis=1, reduction="add")], (1, 7, 6),
        {"i": COLUMNS, "u": weight(1, 2, 6)}, 18,
    ),
    "a part that is written": (
        [node("Slice", ["x", "a", "b", "c", "d"], ["p"]), node("Neg", ["p"], ["u"]), node("ScatterND", ["x", "i", "u"], ["y"])],
        (1, 7, 6), {"a": ints(1, 0), "b": ints(4, 6), "c": ints(1, 2), "d": ints(2, 2), "i": GRID}, 17,
    ),
    "scatter before 11": (
        [node("Scatter", ["x", "i", "u"], ["y"], axis=1)], (1, 4, 3), {"i": ints(2, 0, 1, 1, 3, 0).reshape(1, 2, 3), "u": weight(1, 2, 3)}, 10,
    ),
    "places from both ends of two axes": (
        [node("GatherND", ["x", "i"], ["y"])], (1, 7, 6), {"i": ints(0, -1, -2, 0, 3, -6).reshape(1, 2, 3)}, 17,
    ),
    "the sample that is written": ([node("ScatterND", ["x", "i", "u"], ["y"])], (1, 4, 3), {"i": ints(0).reshape(1, 1), "u": weight(1, 4, 3)}, 17),
}  # fmt: skip


@pytest.mark.parametrize("name", [*CASES, *ONE_SAMPLE])
def test_an_operator_is_onnx_runtimes(name: str) -> None:
    nodes, shape, constants, opset = (CASES | ONE_SAMPLE)[name]
    data = model(nodes, {"x": shape}, ["y"], constants, opset)
    x = np.random.default_rng(1).standard_normal((2 if shape[0] == "N" else 1, *shape[1:])).astype(F)
    runs_as_runtime(data, x, 1e-5, 1e-6)


def test_indices_that_are_an_input_may_count_from_the_end() -> None:
    nodes = [node("OneHot", ["x", "depth", "numbers"], ["y"])]
    made = load_from_string(model(nodes, {"x": ["N", 3]}, ["y"], {"depth": ints(4)[0], "numbers": np.array([0, 1], F)}))
    made.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    runs_as_runtime(made.SerializeToString(), np.array([[0, -1, 3], [-4, 1, -2]]))


def test_a_position_in_the_middle_is_rounded_as_if_it_were_exact() -> None:
    """(4 + 0.5) · 20 / 6 − 0.5 is 14.5; float32 has less (https://github.com/microsoft/onnxruntime/issues/28291)."""
    x = np.arange(20, dtype=F).reshape(1, 1, 1, 20)
    for rounding, up in (("round_prefer_ceil", 1), ("round_prefer_floor", 0)):
        nodes = [resized("nearest", "half_pixel", rounding, "z")]
        net = network(model(nodes, {"x": (1, 1, 1, 20)}, ["y"], {"z": ints(1, 1, 1, 6)}, 17))
        assert net.run(x).output.ravel().tolist() == [1, 4 + up, 8, 11, 14 + up, 18]


def test_an_unsupported_resize_has_a_shape_and_a_note() -> None:
    data = model(
        [resized("cubic", "half_pixel_symmetric")], {"x": MAP}, ["y"], {"s": np.array([1, 1, 0.5, 0.5], F)}, 18
    )
    net = network(data)
    assert net.outputs["y"].shape == (4, 3, 2)
    assert net.summary().uncounted == ["Resize"]
    assert net.run().mismatches[0].fault == "'Resize' can't be run"


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (node("Celu", ["x"], ["y"], alpha="2"), "alpha is no number"),
        (node("Tan", [], ["y"]), "its input 1 is missing"),
        (
            node("QLinearConcat", [], ["y"], domain="com.microsoft"),
            "QLinearConcat that computes 'y' does not fit: it takes other inputs or attributes",
        ),
    ],
)
def test_a_formula_without_its_numbers_is_refused(formula: Any, message: str) -> None:
    with pytest.raises(CnncalcError, match=message):
        network(model([formula], {"x": ROWS}, ["y"]))


def test_a_formula_of_a_function_that_computes_nothing_is_refused() -> None:
    made = load_from_string(model([node("ThresholdedRelu", ["x"], ["y"])], {"x": ROWS}, ["y"]))
    made.functions.append(helper.make_function("", "Greater", ["a", "b"], ["c"], [], [helper.make_opsetid("", 17)]))
    with pytest.raises(CnncalcError, match=r"ThresholdedRelu .* does not fit: its Greater has no output"):
        network(made.SerializeToString())


def test_a_number_of_a_formula_may_be_an_integer_in_the_file() -> None:
    whole, real = [model([node("Celu", ["x"], ["y"], alpha=alpha)], {"x": ROWS}, ["y"]) for alpha in (2, 2.0)]
    x = weight(3, *ROWS[1:])
    np.testing.assert_allclose(network(whole).run(x).output, runtime(real, {"x": x})[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("heads", "batch", "message"),
    [
        (3, 1, "2 heads of queries, 3 of keys"),
        (2, 3, r"its queries, keys and values are not \(batch, heads, length, size\)"),
    ],
)
def test_an_attention_of_other_shapes_is_refused(heads: int, batch: int, message: str) -> None:
    nodes = [node("Attention", ["x", "k", "k"], ["y"])]
    with pytest.raises(CnncalcError, match=message):
        network(model(nodes, {"x": HEADS}, ["y"], {"k": weight(batch, heads, 5, 8)}, 23))


def test_a_vector_is_subtracted_by_many_operators() -> None:
    names = ["x", *[f"d{number}" for number in range(300)]]
    nodes = [node("Sub", [x, "c"], [y]) for x, y in pairwise(names)]
    net = network(model(nodes, {"x": ["N", 4096]}, names[-1:], {"c": np.arange(4096, dtype=F)}))
    np.testing.assert_array_equal(net.run(np.ones((2, 4096), F)).output, [1 - 300 * np.arange(4096)] * 2)


def test_the_place_of_the_largest_sample_is_refused() -> None:
    data = model([node("ArgMax", ["x"], ["y"], axis=0)], {"x": [1, 4, 3]}, ["y"])
    with pytest.raises(CnncalcError, match=r"ArgMax .* does not fit: it selects from the batch"):
        network(data)


@pytest.mark.parametrize(("op", "inputs"), [("GatherElements", ["x", "i"]), ("ScatterElements", ["x", "i", "u"])])
def test_constant_indices_are_those_of_one_sample(op: str, inputs: list[str]) -> None:
    constants = {"i": ints(1, 3).reshape(1, 2), "u": weight(1, 2)}
    net = network(model([node(op, inputs, ["y"], axis=1)], {"x": ["N", 5]}, ["y"], constants, 18))
    with pytest.raises(
        CnncalcError, match=f"a batch of 2, but {op} that computes 'y' restricts the network to a batch of 1"
    ):
        net.run(weight(2, 5))


@pytest.mark.parametrize(("count", "reduction"), [(1, "add"), (2, "none")])
def test_a_scatter_to_the_sample_that_is_more_than_a_copy_is_refused(count: int, reduction: str) -> None:
    nodes = [node("ScatterND", ["x", "i", "u"], ["y"], reduction=reduction)]
    constants = {"i": np.zeros((count, 1), np.int64), "u": weight(count, 4, 3)}
    with pytest.raises(CnncalcError, match="it writes to samples of the batch"):
        network(model(nodes, {"x": [1, 4, 3]}, ["y"], constants, 18))


def test_a_scatter_to_other_samples_is_refused() -> None:
    nodes = [node("ScatterND", ["x", "i", "u"], ["y"])]
    data = model(nodes, {"x": ["N", 4, 3]}, ["y"], {"i": ints(1).reshape(1, 1), "u": weight(1, 4, 3)})
    with pytest.raises(CnncalcError, match="it writes to samples of the batch"):
        network(data)


@pytest.mark.parametrize("filling", [np.nan, np.inf])
def test_places_that_a_mask_leaves_out_may_hold_what_is_no_number(filling: float) -> None:
    """A network of proteins has NaN for atoms that are not there."""
    none = node("ConstantOfShape", ["shape"], ["none"], value=helper.make_tensor("", TensorProto.FLOAT, [1], [filling]))
    nodes = [none, node("Greater", ["x", "zero"], ["known"]), node("Where", ["known", "x", "none"], ["y"])]
    data = model(nodes, {"x": ["N", 3]}, ["y"], {"zero": np.array(0, F), "shape": ints(1, 3)})
    assert not runs_as_runtime(data, weight(2, 3)).run(weight(2, 3)).finite


@pytest.mark.parametrize(("rows", "scatters"), [((0, 1), 0), ((1, 0), 1)])
def test_places_that_are_all_places_in_their_order_are_no_scatter(rows: tuple[int, ...], scatters: int) -> None:
    """PyTorch's exporter writes ``x[:, :, :] = y`` so; places in another order are a scatter."""
    constants = {
        "batch": ints(0).reshape(1, 1, 1), "rows": ints(*rows).reshape(2, 1), "columns": ints(0, 1, 2), "to": ints(1, 2, 3),
        "last": ints(-1),
    }  # fmt: skip
    nodes = [node("Neg", ["x"], ["u"])]
    for name in ("batch", "rows", "columns"):
        nodes += [node("Expand", [name, "to"], [f"{name}_grid"])]
        nodes += [node("Unsqueeze", [f"{name}_grid", "last"], [f"{name}_places"])]
    nodes += [node("Concat", ["batch_places", "rows_places", "columns_places"], ["places"], axis=-1)]
    nodes += [node("ScatterND", ["x", "places", "u"], ["y"])]
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    found = runs_as_runtime(model(nodes, {"x": [1, 2, 3]}, ["y"], constants), x)
    assert sum(one.layer.type == "scatter" for one in found.nodes) == scatters
