"""Operators with a variable number of output rows: what follows them is counted for the maximum."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from cnncalc.ground.errors import CnncalcError
from tests.commands import cnncalc
from tests.importers.models import ints, model, network, node

F = np.float32


def zeros(*shape: int) -> Any:
    return np.arange(np.prod(shape), dtype=F).reshape(shape)


def detector(*more: Any, outputs: tuple[str, ...] = ("y",), **constants: Any) -> bytes:
    """Return a head with 6 boxes of 2 classes, of which at most 4 per class are kept, followed by other nodes."""
    nodes = [
        node("MatMul", ["x", "wb"], ["boxes"]), node("MatMul", ["x", "ws"], ["rows"]),
        node("Transpose", ["rows"], ["scores"], perm=[0, 2, 1]),
        node("NonMaxSuppression", ["boxes", "scores", "four", "half"], ["kept"], name="nms"),
    ]  # fmt: skip
    given = {"wb": zeros(5, 4), "ws": zeros(5, 2), "four": ints(4), "half": np.array([0.5], F), **constants}
    return model([*nodes, *more], {"x": [1, 6, 5]}, outputs, given)


def test_the_largest_number_of_kept_boxes_is_counted() -> None:
    """4 boxes of each of 2 classes give 8 rows of batch, class and box; 8 × 5 features by 5 × 3 give 120 products."""
    rows = [
        node("Gather", ["kept", "two"], ["places"], axis=1), node("Squeeze", ["x", "first"], ["flat"]),
        node("Gather", ["flat", "places"], ["features"], axis=0), node("MatMul", ["features", "w"], ["y"]),
    ]  # fmt: skip
    net = network(detector(*rows, two=ints(2)[0], first=ints(0), w=zeros(5, 3)))
    assert net.outputs["y"].shape == (8, 3)
    assert net.summary().totals.macs == 6 * 5 * (4 + 2) + 8 * 5 * 3
    assert net.summary().uncounted == ["NonMaxSuppression"]
    assert "NonMaxSuppression 'nms' has a variable number of output rows: the maximum is counted" in net.notes
    assert "the number of its output rows depends on the data" in [row.fault for row in net.run().mismatches]


def test_all_elements_count_as_not_zero() -> None:
    nodes = [node("Relu", ["x"], ["r"]), node("NonZero", ["r"], ["n"], name="nz"), node("Shape", ["n"], ["s"]),
             node("Gather", ["s", "one"], ["c"]), node("Min", ["c", "ten"], ["k"]), node("Squeeze", ["x", "first"], ["f"]),
             node("Reshape", ["f", "all"], ["v"]), node("TopK", ["v", "k"], ["y", "i"])]  # fmt: skip
    constants = {"one": ints(1), "ten": ints(10), "first": ints(0), "all": ints(-1)}
    net = network(model(nodes, {"x": [1, 4, 6]}, ["y", "n"], constants))
    assert (net.outputs["n"].shape, net.outputs["y"].shape) == ((3, 24), (10,))


def test_a_run_says_what_was_not_computed_and_why(tmp_path: Path) -> None:
    rows = [
        node("Relu", ["kept"], ["r"]), node("Neg", ["r"], ["y"]), node("Add", ["scores", "scores"], ["z"]),
    ]  # fmt: skip
    path = tmp_path / "net.onnx"
    path.write_bytes(detector(*rows, outputs=("y", "z")))
    done = cnncalc("run", str(path))
    assert done.code == 1
    assert done.err.splitlines()[-3:] == [
        "nonmaxsuppression1: could not run: the number of its output rows depends on the data",
        "not computed, because their inputs are missing: relu1, neg1",
        "output was not computed: 'y'",
    ]
    assert "4 of 7 layers: the real shape is the inferred shape; 3 were not computed" in done.out


def looped(body: list[Any]) -> bytes:
    """Return a detector with a loop over its 8 rows, each of which gives the size of a map."""
    port, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto
    inside = onnx.helper.make_graph(
        [node("Gather", ["kept", "i"], ["row"]), node("Reshape", ["x", "row"], ["part"]), *body], "body",
        [port("i", kind.INT64, []), port("go", kind.BOOL, []), port("sum", kind.FLOAT, None)],
        [port("go", kind.BOOL, []), port("more", kind.FLOAT, None)],
    )  # fmt: skip
    behind = [node("Conv", ["map", "k"], ["seen"], name="conv"), node("ReduceMax", ["seen"], ["start"], keepdims=0),
              node("Loop", ["eight", "", "start"], ["mask"], body=inside, name="paste")]  # fmt: skip
    reshaped = node("Reshape", ["x", "square"], ["map"])
    constants = {"k": zeros(3, 1, 1, 1), "eight": ints(8)[0], "square": ints(1, 1, 5, 6), "w": zeros(5, 3)}
    return detector(reshaped, *behind, node("Relu", ["kept"], ["y"]), outputs=("y", "mask"), **constants)


def test_a_run_fails_where_only_the_number_of_rows_is_used(tmp_path: Path) -> None:
    """The output has a row for each element that is not 0; nothing that runs shows how many there are."""
    nodes = [
        node("NonZero", ["x"], ["n"], name="nz"),
        node("Shape", ["n"], ["s"]),
        node("ConstantOfShape", ["s"], ["y"]),
    ]
    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, {"x": [1, 4, 6]}, ["y"]))
    done = cnncalc("run", str(path))
    assert (done.code, done.err.splitlines()[-1]) == (
        1,
        "NonZero 'nz' has fewer rows for some inputs: what depends on their number was not verified",
    )


def test_a_run_without_an_output_of_the_file_fails(tmp_path: Path) -> None:
    nodes = [
        node("Relu", ["x"], ["r"]),
        node("NonZero", ["r"], ["n"], name="nz"),
        node("Reshape", ["r", "n"], ["y"], name="cut"),
    ]
    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, {"x": [1, 4, 6]}, ["r", "y"]))
    done = cnncalc("run", str(path))
    assert (done.code, done.err.splitlines()[-1]) == (1, "output was not computed: 'y'")
    document = json.loads(cnncalc("run", str(path), "--format", "json").out)
    assert (list(document["outputs"]), document["missing_outputs"]) == (["r"], ["y"])
    saved = cnncalc("run", str(path), "--save", str(tmp_path / "out.npz"))
    assert (saved.code, saved.err) == (1, done.err)  # which says nothing of files
    assert list(np.load(tmp_path / "out.npz")) == ["r"]


def test_only_operators_that_depend_on_the_number_of_rows_are_left_out() -> None:
    net = network(looped([node("ReduceMax", ["part"], ["most"], keepdims=0), node("Add", ["sum", "most"], ["more"])]))
    assert list(net.outputs) == ["y"]
    assert net.summary().totals.macs == 6 * 5 * (4 + 2) + 3 * 30, "the convolution that the loop alone reads is counted"
    (note,) = [note for note in net.notes if "depend" in note]
    assert note.startswith("Loop 'paste' depends on a variable number of rows: not counted")
    assert note.endswith("and neither is the output 'mask'")


def test_boxes_taken_by_sample_and_place_are_those_of_one_sample() -> None:
    """YOLO's exporters write it so: at most 4 boxes of 2 classes, taken from (N, 6, 4) by two columns of the result."""
    rows = [
        node("Gather", ["kept", "columns"], ["at"], axis=1), node("GatherND", ["boxes", "at"], ["y"]),
    ]  # fmt: skip
    data = onnx.load_from_string(detector(*rows, columns=ints(0, 2)))
    data.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    net = network(data.SerializeToString())
    assert net.outputs["y"].shape == (8, 4)
    assert net.model.one_sample_only.startswith("GatherND")


def test_outputs_of_unknown_shape_are_replaced_by_their_inputs() -> None:
    body = [node("ReduceMax", ["part"], ["most"], keepdims=0), node("Add", ["sum", "most"], ["more"])]
    data = onnx.load_from_string(looped(body))
    del data.graph.output[0]
    net = network(data.SerializeToString())
    assert "kept" in net.outputs
    assert net.summary().totals.macs == 6 * 5 * (4 + 2) + 3 * 30


def test_a_loop_over_samples_that_finds_boxes_in_each_is_left_out() -> None:
    """TensorFlow's detectors have such a loop with one pass per sample, for any batch size."""
    port, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto
    inside = onnx.helper.make_graph(
        [node("NonMaxSuppression", ["boxes", "scores", "four", "half"], ["more"])], "body",
        [port("i", kind.INT64, []), port("go", kind.BOOL, [])], [port("go", kind.BOOL, []), port("more", kind.INT64, None)],
    )  # fmt: skip
    nodes = [
        node("MatMul", ["x", "wb"], ["boxes"]), node("MatMul", ["x", "ws"], ["rows"]),
        node("Transpose", ["rows"], ["scores"], perm=[0, 2, 1]), node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]), node("Loop", ["n", ""], ["found"], body=inside, name="each"),
    ]  # fmt: skip
    constants = {"wb": zeros(5, 4), "ws": zeros(5, 2), "four": ints(4), "half": np.array([0.5], F), "zero": ints(0)[0]}
    data = model([*nodes, node("MatMul", ["found", "wb"], ["y"])], {"x": ["N", 6, 5]}, ["y", "boxes"], constants)
    with pytest.raises(CnncalcError, match=r"MatMul .* depends on the number of output rows of Loop 'each'"):
        network(data)
    net = network(model(nodes, {"x": ["N", 6, 5]}, ["found", "boxes"], constants))
    assert (list(net.outputs), net.summary().totals.macs) == (["boxes"], 6 * 5 * (4 + 2))
    assert any("Loop 'each' depends on a variable number of rows" in note for note in net.notes)


def test_one_pass_of_a_loop_that_is_left_out_is_read() -> None:
    """8 passes of 3,000 operators exceed the bound of a model (Mask R-CNN pastes 100 masks by 250 operators each)."""
    chain = [node("Neg", [f"n{i}" if i else "part"], [f"n{i + 1}"]) for i in range(3000)]
    last = [node("ReduceMax", ["n3000"], ["most"], keepdims=0), node("Add", ["sum", "most"], ["more"])]
    assert list(network(looped([*chain, *last])).outputs) == ["y"]


def test_products_that_depend_on_the_number_of_rows_are_refused() -> None:
    body = [
        node("MatMul", ["part", "w"], ["p"]),
        node("ReduceMax", ["p"], ["most"]),
        node("Add", ["sum", "most"], ["more"]),
    ]
    with pytest.raises(
        CnncalcError, match=r"MatMul .* depends on the number of output rows of NonMaxSuppression 'nms'"
    ):
        network(looped(body))


def test_regions_of_a_map_are_samples_for_later_layers() -> None:
    """5 regions of 4 channels and 3×3 elements pass a 1×1 filter: 5 · 9 · 4 · 2 products."""
    nodes = [node("RoiAlign", ["x", "rois", "of"], ["r"], output_height=3, output_width=3, sampling_ratio=2, name="roi"),
             node("Conv", ["r", "k"], ["c"]), node("Relu", ["c"], ["y"])]  # fmt: skip
    constants = {"rois": zeros(5, 4), "of": ints(0, 0, 0, 0, 0), "k": zeros(2, 4, 1, 1)}
    net = network(model(nodes, {"x": [1, 4, 9, 9]}, ["y"], constants, 16))
    assert net.outputs["y"].shape == (5, 2, 3, 3)
    assert net.summary().totals.macs == 5 * 9 * 4 * 2
    assert net.summary().uncounted == ["RoiAlign"]
