"""Operators without a layer type that are computed, and rare forms of others: they give ONNX Runtime's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from cnncalc.ground.errors import CnncalcError
from tests.importers.models import drawing, ints, model, network, node, runs_as_runtime, runtime

F = np.float32
weight = drawing()
MAP, ROWS, WINDOWS = ("N", 4, 6, 5), ("N", 7, 6), ("N", 2, 3, 4)


# name: (nodes, input shape, constants, opset)
CASES: dict[str, tuple[Sequence[Any], Sequence[Any], Mapping[str, Any], int]] = {
    "blocks": ([node("Col2Im", ["x", "i", "k"], ["y"])], ("N", 12, 6), {"i": ints(3, 4), "k": ints(2, 2)}, 18),
    "blocks with steps": (
        [node("Col2Im", ["x", "i", "k"], ["y"], strides=[2, 1], pads=[1, 0, 1, 1], dilations=[1, 2])],
        ("N", 12, 12), {"i": ints(5, 5), "k": ints(3, 2)}, 18,
    ),
    "transform": ([node("DFT", ["x", "", "a"], ["y"])], ("N", 8, 3, 1), {"a": ints(1)[0]}, 20),
    "transform along the first axis, the default of old opsets": ([node("DFT", ["x"], ["y"])], ("N", 8, 3, 2), {}, 17),
    "transform of half, longer": (
        [node("DFT", ["x", "n"], ["y"], axis=1, onesided=1)], ("N", 8, 1), {"n": ints(12)[0]}, 17,
    ),
    "transform back": ([node("DFT", ["x"], ["y"], axis=1, inverse=1)], ("N", 8, 2), {}, 17),
    "windows": ([node("STFT", ["x", "s", "w"], ["y"])], ("N", 40, 1), {"s": ints(5)[0], "w": weight(16)}, 17),
    "whole windows": (
        [node("STFT", ["x", "s", "", "l"], ["y"], onesided=0)], ("N", 40, 1), {"s": ints(8)[0], "l": ints(16)[0]}, 17,
    ),
    "cut in the middle": (
        [node("CenterCropPad", ["x", "s"], ["y"], axes=[2, 3])], MAP, {"s": ints(3, 2)}, 18,
    ),
    "cut and padded": ([node("CenterCropPad", ["x", "s"], ["y"], axes=[-1, 2])], MAP, {"s": ints(8, 3)}, 18),
    "grid of a matrix": (
        [node("AffineGrid", ["x", "s"], ["y"])], ("N", 2, 3), {"s": ints(2, 3, 4, 5)}, 20,
    ),
    "grid of a matrix, corners": (
        [node("AffineGrid", ["x", "s"], ["y"], align_corners=1)], ("N", 2, 3), {"s": ints(2, 3, 4, 5)}, 20,
    ),
    **{
        f"antialiased {mode} by {scale}": (
            [node("Resize", ["x", "", "s"], ["y"], mode=mode, antialias=1)], ("N", 3, 9, 8), {"s": np.array([1, 1, scale, scale / 2], F)}, 18,
        ) for mode in ("linear", "cubic") for scale in (0.5, 0.7)
    },
    **{
        f"cubic grid, {padding}": (
            [node("Slice", ["x", "0", "2", "1"], ["g"]), node("Transpose", ["g"], ["t"], perm=[0, 2, 3, 1]),
             node("GridSample", ["x", "t"], ["y"], mode="cubic", padding_mode=padding, align_corners=corners)],
            MAP, {"0": ints(0), "1": ints(1), "2": ints(2)}, 20,
        ) for padding, corners in (("zeros", 0), ("border", 1), ("reflection", 0))
    },
    "attention within a window": (
        [node("Attention", ["x", "x", "x"], ["y"], left_window_size=1, right_window_size=0)], WINDOWS, {}, 25,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_operator_is_onnx_runtimes(name: str) -> None:
    nodes, shape, constants, opset = CASES[name]
    data = model(nodes, {"x": shape}, ["y"], constants, opset)
    x = np.random.default_rng(1).standard_normal((2, *shape[1:])).astype(F)
    runs_as_runtime(data, x, atol=2e-5)


@pytest.mark.parametrize("sides", [(), ("b",), ("b", "mask"), ("", "mask")])
def test_a_deformable_convolution_counts_as_a_convolution(sides: tuple[str, ...]) -> None:
    """It has the products of a convolution: 6 filters of 2 × 3 × 3 at 6 × 5 places."""
    nodes = [
        node("Reshape", ["x", "flat"], ["f"]), node("MatMul", ["o", "f"], ["of"]), node("MatMul", ["m", "f"], ["mf"]),
        node("Reshape", ["of", "places"], ["offset"]), node("Reshape", ["mf", "gates"], ["mask"]),
        node("DeformConv", ["x", "w", "offset", *sides], ["y"], group=2, pads=[1, 1, 1, 1], offset_group=2),
    ]  # fmt: skip
    given = {"o": weight(36, 4), "m": weight(18, 4), "flat": ints(0, 4, 30)} | {
        "places": ints(0, 36, 6, 5), "gates": ints(0, 18, 6, 5), "w": weight(6, 2, 3, 3), "b": weight(6)
    }  # fmt: skip
    data = model(nodes, {"x": MAP}, ["y"], given, 19)
    x = np.random.default_rng(1).standard_normal((2, 4, 6, 5)).astype(F)
    net = runs_as_runtime(data, x, atol=2e-5)
    (layer,) = [one for one in net.nodes if one.layer.type == "DeformConv"]
    assert (layer.use.macs, layer.use.flops) == (6 * 18 * 30, 2 * 6 * 18 * 30 + 6 * 30 * ("b" in sides))
    assert not net.summary().uncounted


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("places", ["half_pixel", "output_half_pixel"])
@pytest.mark.parametrize("samples", [0, 2])
def test_regions_are_averaged_as_onnx_runtime_does(mode: str, places: str, samples: int) -> None:
    boxes = np.array([[0, 0, 8, 8], [1.5, 2, 7, 4.5], [6, 5, 12, 9.5], [-3, -2, 2, 2]], F)
    nodes = [node(
        "RoiAlign", ["x", "r", "b"], ["y"], output_height=3, output_width=2, sampling_ratio=samples, spatial_scale=0.6,
        mode=mode, coordinate_transformation_mode=places,
    )]  # fmt: skip
    data = model(nodes, {"x": [1, 3, 8, 7]}, ["y"], {"r": boxes, "b": ints(0, 0, 0, 0)}, 16)
    x = np.random.default_rng(1).standard_normal((1, 3, 8, 7)).astype(F)
    (expected,) = runtime(data, {"x": x})
    np.testing.assert_allclose(network(data).run(x).output[0], expected, rtol=1e-4, atol=1e-5)


def test_the_largest_of_regions_is_onnx_runtimes() -> None:
    boxes = np.array(
        [[0, 0, 0, 8, 8], [0, 1.5, 2, 7, 4.5], [0, 6, 5, 12, 9.5], [0, 9, 9, 2, 2], [0, 20, 20, 30, 30]], F
    )
    nodes = [node("MaxRoiPool", ["x", "r"], ["y"], pooled_shape=[3, 2], spatial_scale=0.6)]
    data = model(nodes, {"x": [1, 3, 8, 7]}, ["y"], {"r": boxes})
    x = np.random.default_rng(1).standard_normal((1, 3, 8, 7)).astype(F)
    np.testing.assert_array_equal(network(data).run(x).output[0], runtime(data, {"x": x})[0])


def test_sequences_are_turned_by_their_own_lengths() -> None:
    data = model(
        [node("Cast", ["n"], ["l"], to=7), node("ReverseSequence", ["x", "l"], ["y"], batch_axis=0, time_axis=1)],
        {"x": ["N", 4, 3], "n": ["N"]}, ["y"],
    )  # fmt: skip
    x, lengths = weight(3, 4, 3), np.array([4, 1, 3], F)
    (expected,) = runtime(data, {"x": x, "n": lengths})
    np.testing.assert_array_equal(network(data).run({"x": x, "n": lengths.reshape(3, 1)}).output, expected)


def test_an_attention_sees_as_many_keys_as_each_sample_has() -> None:
    nodes = [node("Cast", ["n"], ["l"], to=7), node("Attention", ["x", "x", "x", "", "", "", "l"], ["y"])]
    data = model(nodes, {"x": ["N", 2, 3, 4], "n": ["N"]}, ["y"], {}, 24)
    x, lengths = weight(3, 2, 3, 4), np.array([3, 1, 2], F)
    (expected,) = runtime(data, {"x": x, "n": lengths})
    found = network(data).run({"x": x, "n": lengths.reshape(3, 1)}).output
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_one_hot_counts_negative_places_from_the_end_and_has_none_outside() -> None:
    nodes = [node("Cast", ["x"], ["i"], to=7), node("OneHot", ["i", "d", "v"], ["y"])]
    data = model(nodes, {"x": ["N", 4]}, ["y"], {"d": ints(3), "v": np.array([2, 5], F)})
    x = np.array([[-1, 0, 2, -3], [1, 3, -4, -2]], F)
    (expected,) = runtime(data, {"x": x})
    np.testing.assert_array_equal(network(data).run(x).output, expected)


def test_several_samples_are_refused_where_a_file_is_for_one() -> None:
    net = network(model([node("ReduceMax", ["x"], ["y"], name="max")], {"x": ["N", 4]}, ["y"]))
    assert net.run(weight(1, 4)).ok
    with pytest.raises(CnncalcError, match="a batch of 2, but ReduceMax 'max' restricts the network to a batch of 1"):
        net.run(weight(2, 4))


def test_training_operators_run_as_in_inference_with_a_note() -> None:
    nodes = [
        node("Dropout", ["x", "r", "t"], ["d"]),
        node("BatchNormalization", ["d", "s", "b", "m", "v"], ["y"], training_mode=1),
    ]
    constants = {"r": F(0.5), "t": np.array(True), "s": weight(4), "b": weight(4), "m": weight(4), "v": abs(weight(4))}
    net = network(model(nodes, {"x": ["N", 4]}, ["y"], constants))
    assert "1 Dropout and 1 BatchNormalization are in training mode: counted, and run, as in inference" in net.notes
    x = weight(2, 4)
    expected = (x - constants["m"]) / np.sqrt(constants["v"] + 1e-5) * constants["s"] + constants["b"]
    np.testing.assert_allclose(net.run(x).output, expected, rtol=1e-4, atol=1e-5)


LISTS: dict[str, tuple[Sequence[Any], Mapping[str, Any]]] = {
    "parts of one size": (
        [node("SplitToSequence", ["x", "s"], ["l"], axis=1), node("SequenceAt", ["l", "i"], ["y"])],
        {"s": ints(3)[0], "i": ints(-1)[0]},
    ),
    "parts of sizes": (
        [node("SplitToSequence", ["x", "s"], ["l"], axis=2), node("SequenceAt", ["l", "i"], ["y"])],
        {"s": ints(1, 4, 1), "i": ints(1)[0]},
    ),
    "rows, stacked in another order": (
        [node("SplitToSequence", ["x"], ["l"], axis=1, keepdims=0), node("SequenceAt", ["l", "i"], ["a"]),
         node("SequenceErase", ["l", "i"], ["m"]), node("SequenceInsert", ["m", "a", "j"], ["n"]),
         node("ConcatFromSequence", ["n"], ["y"], axis=-1, new_axis=1)],
        {"i": ints(5)[0], "j": ints(1)[0]},
    ),
    "a list that is joined": (
        [node("Neg", ["x"], ["n"]), node("SequenceConstruct", ["x", "n", "x"], ["l"]),
         node("ConcatFromSequence", ["l"], ["y"], axis=2)], {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_tensors_pass_through_a_list(name: str) -> None:
    nodes, constants = LISTS[name]
    data = model(nodes, {"x": ROWS}, ["y"], constants, 17)
    x = np.random.default_rng(1).standard_normal((2, 7, 6)).astype(F)
    runs_as_runtime(data, x, 0, 0)


@pytest.mark.parametrize("op", ["HannWindow", "HammingWindow", "BlackmanWindow"])
@pytest.mark.parametrize("periodic", [0, 1])
def test_windows_of_cosines_are_onnx_runtimes(op: str, periodic: int) -> None:
    nodes = [node(op, ["s"], ["w"], periodic=periodic), node("Mul", ["x", "w"], ["y"])]
    data = model(nodes, {"x": ["N", 10]}, ["y"], {"s": ints(10)[0]})
    runs_as_runtime(data, np.ones((1, 10), F), 1e-7, 1e-6)


@pytest.mark.parametrize(
    ("bins", "length", "rate", "low", "high"), [(8, 16, 8192, 0, 4096), (40, 512, 16000, 20, 7600)]
)
def test_bins_of_the_mel_scale_are_onnx_runtimes(bins: int, length: int, rate: int, low: float, high: float) -> None:
    nodes = [node("MelWeightMatrix", ["b", "l", "r", "f", "t"], ["w"]), node("MatMul", ["x", "w"], ["y"])]
    constants = {"b": ints(bins)[0], "l": ints(length)[0], "r": ints(rate)[0], "f": F(low), "t": F(high)}
    data = model(nodes, {"x": ["N", length // 2 + 1]}, ["y"], constants)
    runs_as_runtime(data, np.eye(length // 2 + 1, dtype=F), 1e-7, 1e-6)


@pytest.mark.parametrize(
    ("pool", "size"),
    [
        ({"kernel_shape": [2, 2], "strides": [2, 2]}, 8),
        ({"kernel_shape": [2, 2], "strides": [2, 2]}, 9),
        ({"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 1, 1]}, 9),
    ],
)
def test_maxima_return_to_their_places(pool: dict[str, Any], size: int) -> None:
    """SegNet (arXiv:1511.00561): an unpooling writes each element where the pooling has found it, sample by sample."""
    nodes = [
        node("MaxPool", ["x"], ["p", "i"], **pool), node("Conv", ["p", "w"], ["c"], pads=[1, 1, 1, 1]),
        node("MaxUnpool", ["c", "i", "s"], ["u"], **pool), node("Conv", ["u", "v"], ["y"]),
    ]  # fmt: skip
    constants = {"w": weight(3, 3, 3, 3), "v": weight(2, 3, 3, 3), "s": ints(1, 3, size, size)}
    data = model(nodes, {"x": [1, 3, size, size]}, ["y"], constants)
    net, x = network(data), np.random.default_rng(3).standard_normal((3, 3, size, size)).astype(F)
    for one in x[:, None]:
        np.testing.assert_allclose(net.run(one).output, runtime(data, {"x": one})[0], rtol=1e-4, atol=1e-5)
    assert [note.partition(" is ")[0] for note in net.notes] == [
        "the search for the indices of MaxPool that computes 'p'", "MaxUnpool that computes 'u'",
    ]  # fmt: skip
    several = net.run(x).output
    assert not np.array_equal(several[0], several[1])
    np.testing.assert_allclose(several[1:2], runtime(data, {"x": x[1:2]})[0], rtol=1e-4, atol=1e-5)


def test_places_of_maxima_in_windows_beyond_the_end() -> None:
    nodes = [
        node("MaxPool", ["x"], ["m", "i"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 0], ceil_mode=1),
        node("Cast", ["i"], ["y"], to=1),
    ]
    data, x = model(nodes, {"x": [1, 3, 6, 7]}, ["y"]), weight(1, 3, 6, 7)
    run = network(data).run(x)
    assert run.ok
    np.testing.assert_array_equal(run.output, runtime(data, {"x": x})[0])


UNFIT: dict[str, tuple[Any, Sequence[Any], Mapping[str, Any], int, str]] = {
    "places in columns": (
        node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2], storage_order=1), ("N", 3, 8, 8), {}, 17,
        r"indices in columns \(storage_order = 1\) are not supported",
    ),
    "an index beyond the end": (
        node("Gather", ["x", "i"], ["y"], axis=2), ("N", 3, 8), {"i": ints(6, 7, 8)}, 17, "an index is not one of the 8 of its axis",
    ),
    "blocks that are missing": (
        node("Col2Im", ["x", "i", "k"], ["y"]), ("N", 12, 6), {"i": ints(30, 40), "k": ints(2, 2)}, 18,
        r"a map of 30×40 has 29×39 windows, but 6 come in",
    ),
    "blocks of nothing": (
        node("Col2Im", ["x", "i", "k"], ["y"]), ("N", 12, 6), {"i": ints(3, 4), "k": ints(0, 2)}, 18, r"a window of \(0, 2\)",
    ),
    "a transform of nothing": (node("DFT", ["x", "n"], ["y"]), ("N", 8, 1), {"n": ints(0)[0]}, 17, "dft_length 0"),
    "windows that go back": (
        node("STFT", ["x", "s", "", "l"], ["y"]), ("N", 40, 1), {"s": ints(-3)[0], "l": ints(8)[0]}, 17,
        "windows of 8 every -3 of 40",
    ),
    "a region of nothing": (
        node("RoiAlign", ["x", "r", "b"], ["y"], output_height=0), [1, 3, 8, 8], {"r": weight(1, 4), "b": ints(0)}, 16,
        r"its output would be \[1, 3, 0, 1\]",
    ),
    "a list that is an output": (node("SequenceConstruct", ["x"], ["y"]), ROWS, {}, 17, "the output 'y' is a list of tensors"),
    "parts that are not those of an axis": (
        node("SplitToSequence", ["x", "s"], ["y"], axis=1), ROWS, {"s": ints(8, -1)}, 17, r"parts of \[8, -1\] of an axis of 7",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNFIT)
def test_unfit_operators_are_refused_with_their_figures(name: str) -> None:
    item, shape, constants, opset, message = UNFIT[name]
    with pytest.raises(CnncalcError, match=message):
        network(model([item], {"x": shape}, ["y"], constants, opset))


def test_points_of_a_region_are_bounded() -> None:
    nodes = [node("RoiAlign", ["x", "r", "b"], ["y"], sampling_ratio=65)]
    run = network(model(nodes, {"x": [1, 3, 8, 8]}, ["y"], {"r": weight(1, 4), "b": ints(0)}, 16)).run()
    assert [row.fault for row in run.mismatches] == ["takes 65 points of a part of a region, not 1 to 64"]
