"""The batch axis: PyTorch's attention with sequences first merges it with heads, and with positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnncalc.figures.costs import sums
from cnncalc.ground.errors import CnncalcError
from tests.importers.models import imported, ints, model, network, node, runs_as_runtime, runtime

F = np.float32
STREAM = np.random.default_rng(0)
LENGTH, WIDTH, HEADS = 7, 8, 2


def weight(*shape: int) -> Any:
    return (STREAM.standard_normal(shape) / shape[-1] ** 0.5).astype(F)


def reshape(x: str, shape: str, y: str) -> Any:
    return node("Reshape", [x, shape], [y])


def attention(batch: int | None) -> bytes:
    """Return torch.nn.MultiheadAttention as PyTorch's exporter writes it, for a batch of one or for any.

    (L, N, E) → (L, N·heads, d) → (N·heads, L, d), and behind the attention → (L·N, E) → a product → (L, N, E).
    """
    width = WIDTH // HEADS
    nodes, constants = (
        [node("Transpose", ["x"], ["t"], perm=[1, 0, 2])],
        {"o": weight(WIDTH, WIDTH), "c": weight(WIDTH)},
    )
    if batch is None:
        sizes = [node("Shape", ["t"], ["s"]), node("Gather", ["s", "one"], ["n"], axis=0)]
        sizes += [node("Mul", ["n", "heads"], ["nh"]), node("Mul", ["n", "length"], ["ln"])]
        sizes += [
            node("Concat", ["length", "nh", "d"], ["split"], axis=0),
            node("Concat", ["ln", "width"], ["flat"], axis=0),
        ]
        sizes += [node("Concat", ["length", "n", "width"], ["whole"], axis=0)]
        nodes += sizes
        numbers = {"one": 1, "heads": HEADS, "length": LENGTH, "d": width, "width": WIDTH}
        constants |= {name: np.array([number]) for name, number in numbers.items()}
    else:
        shapes = {"split": [LENGTH, HEADS, width], "flat": [LENGTH, WIDTH], "whole": [LENGTH, 1, WIDTH]}
        constants |= {name: np.array(shape) for name, shape in shapes.items()}
    for side in "qkv":
        constants[f"w{side}"] = weight(WIDTH, WIDTH)
        nodes += [node("MatMul", ["t", f"w{side}"], [f"{side}1"]), reshape(f"{side}1", "split", f"{side}2")]
        nodes += [node("Transpose", [f"{side}2"], [side], perm=[1, 2, 0] if side == "k" else [1, 0, 2])]
    nodes += [
        node("MatMul", ["q", "k"], ["l"]), node("Softmax", ["l"], ["w"], axis=-1), node("MatMul", ["w", "v"], ["a"]),
        node("Transpose", ["a"], ["b"], perm=[1, 0, 2]), reshape("b", "flat", "f"),
        node("Gemm", ["f", "o", "c"], ["g"], transB=1), reshape("g", "whole", "h"),
        node("Transpose", ["h"], ["y"], perm=[1, 0, 2]),
    ]  # fmt: skip
    return model(nodes, {"x": [batch or "N", LENGTH, WIDTH]}, ["y"], constants)


@pytest.mark.parametrize("batch", [None, 1])
def test_heads_and_positions_share_an_axis_with_the_batch(batch: int | None) -> None:
    data = attention(batch)
    x = STREAM.standard_normal((batch or 3, LENGTH, WIDTH)).astype(F)
    runs_as_runtime(data, x)
    found = sums(imported(data).graph.nodes, batch=5)
    assert found.macs == 5 * (4 * LENGTH * WIDTH * WIDTH + 2 * LENGTH * LENGTH * WIDTH)
    assert "attention" in {one.layer.type for one in imported(data).graph.nodes}


def test_a_model_that_multiplies_samples_with_each_other_takes_one_sample() -> None:
    """CSATv2's attention treats rows as samples: softmax(q·kᵀ) · v with q, k and v of (N, L)."""
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0]), node("MatMul", ["x", "t"], ["l"]),
        node("Softmax", ["l"], ["w"], axis=-1), node("MatMul", ["w", "x"], ["y"]),
    ]  # fmt: skip
    data = model(nodes, {"x": [1, LENGTH]}, ["y"])
    net = network(data)
    assert net.summary().totals.macs == 2 * LENGTH
    assert any("works only for a batch of 1" in note for note in net.notes)
    x = STREAM.standard_normal((1, LENGTH)).astype(F)
    np.testing.assert_allclose(net.run(x).output[0], runtime(data, {"x": x})[0], rtol=1e-4, atol=1e-5)


def test_a_batch_stays_behind_a_sequence_of_one_step() -> None:
    """PyTorch's recurrent layers of both directions give (L, 1, N, 2, H) and reshape it to [0, 0, -1]; L may be 1."""
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]), reshape("t", "split", "p"), reshape("p", "merge", "h"),
        node("Transpose", ["h"], ["b"], perm=[1, 0, 2]), node("Add", ["b", "x"], ["y"]),
    ]  # fmt: skip
    constants = {"split": np.array([0, 0, 2, WIDTH // 2]), "merge": np.array([0, 0, -1])}
    data = model(nodes, {"x": ["N", 1, WIDTH]}, ["y"], constants)
    runs_as_runtime(data, STREAM.standard_normal((3, 1, WIDTH)).astype(F))


def test_a_model_that_adds_samples_to_each_other_takes_one_sample() -> None:
    """A file for one sample may have the axes of batch and sequence in either order, if the sequence has one step."""
    nodes = [node("Transpose", ["x"], ["t"], perm=[1, 0, 2]), node("Add", ["t", "x"], ["y"])]
    net = runs_as_runtime(model(nodes, {"x": [1, 1, WIDTH]}, ["y"]), STREAM.standard_normal((1, 1, WIDTH)).astype(F))
    assert any("works only for a batch of 1" in note for note in net.notes)


def test_a_state_for_the_windows_of_one_sample_is_repeated_for_the_batch() -> None:
    """Sequencer's recurrent layers run over windows: a file expands zeros (1, 2, H) to (1, N·2, H)."""
    nodes = [
        node("Shape", ["x"], ["all"]), node("Gather", ["all", "zero"], ["n"], axis=0), node("Mul", ["n", "two"], ["nt"]),
        node("Concat", ["nt", "three", "four"], ["s"], axis=0), node("Reshape", ["x", "s"], ["w"]),
        node("Transpose", ["w"], ["t"], perm=[1, 0, 2]), node("Concat", ["one", "nt", "four"], ["hs"], axis=0),
        node("Expand", ["h0", "hs"], ["h"]), node("GRU", ["t", "i", "r", "", "", "h"], ["y"], hidden_size=4),
    ]  # fmt: skip
    numbers = {
        name: np.array([number]) for name, number in (("zero", 0), ("one", 1), ("two", 2), ("three", 3), ("four", 4))
    }
    weights = {"h0": np.zeros((1, 2, 4), F), "i": weight(1, 12, 4), "r": weight(1, 12, 4)}
    net = network(model(nodes, {"x": ["N", 6, 4]}, ["y"], numbers | weights))
    assert net.summary(batch=5).totals.macs == 5 * net.summary().totals.macs == 5 * 2 * 3 * 12 * (4 + 4)


def turn(x: str, y: str, *order: int) -> Any:
    return node("Transpose", [x], [y], perm=order)


ROWS_AND_COLUMNS = [  # of a map (1, 4, 3, 2): 3 rows become samples, and stand behind the 2 columns within an axis
    turn("x", "a", 0, 2, 3, 1), reshape("a", "rows", "b"), turn("b", "c", 1, 0, 2), reshape("c", "flat", "d"),
    node("Gemm", ["d", "w"], ["e"], transB=1), reshape("e", "columns", "f"), turn("f", "y", 1, 0, 2),
]  # fmt: skip

# name: (nodes, input shape, constants)
ONE_SAMPLE: dict[str, tuple[list[Any], tuple[int, ...], dict[str, Any]]] = {
    "axial attention: rows of a map are samples of a sequence-first module": (
        ROWS_AND_COLUMNS, (1, 4, 3, 2),
        {"w": weight(4, 4), "rows": np.array([3, 2, 4]), "flat": np.array([6, 4]), "columns": np.array([2, 3, 4])},
    ),
    "Set Transformer: heads are samples, of learned points, too": (
        [node("Split", ["x"], ["a", "b"], axis=2, num_outputs=2), node("Concat", ["a", "b"], ["k"], axis=0),
         turn("k", "t", 0, 2, 1), node("MatMul", ["p", "w"], ["q"]), node("MatMul", ["q", "t"], ["y"])],
        (1, 5, 6), {"p": weight(2, 4, 3), "w": weight(3, 3)},
    ),
    "slot attention: learned slots in an Einstein sum": (
        [node("MatMul", ["p", "w"], ["q"]), node("Einsum", ["q", "x"], ["y"], equation="bid,bjd->bij")],
        (1, 5, 6), {"p": weight(1, 4, 6), "w": weight(6, 6)},
    ),
    "Tacotron: a convolution of the first step's weights, which are zeros": (
        [node("Conv", ["zeros", "w", "c"], ["a"], pads=[1, 1]), turn("a", "b", 0, 2, 1), node("MatMul", ["b", "m"], ["d"]),
         node("Add", ["x", "d"], ["y"])],
        (1, 5, 6), {"zeros": np.zeros((1, 2, 5), F), "w": weight(4, 2, 3), "c": weight(4), "m": weight(4, 6)},
    ),
    "transformers' masks: the sample's index in front of each position's": (
        [node("GatherND", ["x", "i"], ["y"])],
        (1, 5, 6), {"i": np.array([[0, 3], [0, 1], [0, 4]]).reshape(1, 1, 3, 2)},
    ),
    "TrOCR: heads are an axis of the queries, but lie along the batch of the keys": (
        [reshape("x", "heads", "h"), turn("h", "q", 0, 2, 1, 3), reshape("q", "flat", "f"), turn("f", "k", 0, 2, 1),
         node("MatMul", ["q", "k"], ["y"])],
        (1, 5, 6), {"heads": np.array([1, 5, 2, 3]), "flat": np.array([-1, 5, 3])},
    ),
    "DGCNN: points of all samples by their places in one list": (
        [node("TopK", ["x", "two"], ["z", "i"], axis=2), node("ReduceMin", ["i"], ["j"], axes=[2], keepdims=0),
         reshape("j", "all", "places"), reshape("x", "list", "points"), node("Gather", ["points", "places"], ["taken"], axis=0),
         reshape("taken", "back", "y")],
        (1, 7, 6), {"two": np.array([2]), "all": np.array([-1]), "list": np.array([7, -1]), "back": np.array([1, 7, 6])},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_SAMPLE)
def test_axes_in_place_of_the_batch_in_a_file_for_one_sample(name: str) -> None:
    nodes, shape, constants = ONE_SAMPLE[name]
    opset = 17 if "DGCNN" in name else 18
    data = model(nodes, {"x": shape}, ["y"], constants, opset)
    runs_as_runtime(data, STREAM.standard_normal(shape).astype(F))


def test_an_input_without_the_batch_is_there_once() -> None:
    """The file has a batch for ``z`` and all axes of ``x``: three samples of ``z`` are run with one array ``x``."""
    data = model([node("Relu", ["x"], ["y"]), node("Relu", ["z"], ["w"])], {"x": [5, 4, 3], "z": ["N", 3]}, ["y", "w"])
    found = network(data)
    done = found.run(batch=3)
    assert done.ok
    assert {name: array.shape for name, array in done.outputs.items()} == {"y": (1, 5, 4, 3), "w": (3, 3)}
    feeds = {"x": weight(5, 4, 3), "z": weight(3, 3)}
    ours = found.run(feeds).outputs
    for array, theirs in zip((ours["y"][0], ours["w"]), runtime(data, feeds), strict=True):
        np.testing.assert_array_equal(array, theirs)
    with pytest.raises(CnncalcError, match="inputs differ in their number of samples: 'x' has 2, 'z' has 3"):
        found.run({**feeds, "x": weight(2, 5, 4, 3)})


@pytest.mark.parametrize("keepdims", [0, 1])
def test_a_number_of_the_whole_batch_is_that_of_one_sample(keepdims: int) -> None:
    """x.clamp(min=x.mean()), as PyTorch's newer exporter writes it."""
    nodes = [
        node("ReduceMean", ["x"], ["m"], keepdims=keepdims), node("Squeeze", ["m"], ["low"]),
        node("Max", ["x", "low"], ["y"]),
    ]  # fmt: skip
    net = runs_as_runtime(
        model(nodes, {"x": ["N", 3, 4]}, ["y"], opset=18), STREAM.standard_normal((1, 3, 4)).astype(F)
    )
    assert net.model.one_sample_only == "ReduceMean that computes 'm'"


COUNT = [node("Shape", ["x"], ["s"]), node("Gather", ["s", "0"], ["n"]), node("Cast", ["n"], ["f"], to=1)]

NUMBERS_OF_SAMPLES: dict[str, list[Any]] = {
    "reciprocal": [node("Reciprocal", ["f"], ["r"]), node("Mul", ["x", "r"], ["y"])],
    "one more": [node("Add", ["f", "h"], ["r"]), node("Mul", ["x", "r"], ["y"])],
    "half": [node("Mul", ["f", "h"], ["r"]), node("Pow", ["x", "r"], ["p"]), node("Clip", ["p", "", "r"], ["y"])],
    "several": [node("Greater", ["f", "1"], ["c"]), node("Where", ["c", "x", "h"], ["y"])],
    "its place": [node("Unsqueeze", ["n", "a"], ["u"]), node("OneHot", ["u", "4", "v"], ["o"]), node("Add", ["x", "o"], ["y"])],
    "its size": [node("Size", ["x"], ["z"]), node("Cast", ["z"], ["r"], to=1), node("Less", ["x", "r"], ["l"]),
                 node("Cast", ["l"], ["y"], to=1)],
    "an output": [node("Add", ["s", "0"], ["t"]), node("Sqrt", ["f"], ["q"]), node("Cast", ["s"], ["u"], to=1),
                  node("Add", ["u", "q"], ["y"])],
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS_OF_SAMPLES)
def test_what_is_computed_from_the_number_of_samples_is_that_of_one(name: str) -> None:
    constants = {
        "0": np.int64(0),
        "1": F(1),
        "h": F(0.5),
        "4": np.int64(4),
        "v": np.array([0, 1], F),
        "a": np.array([0]),
    }
    data = model([*COUNT, *NUMBERS_OF_SAMPLES[name]], {"x": ["N", 3, 4]}, ["y"], constants)
    x = np.abs(weight(1, 3, 4))
    net = runs_as_runtime(data, x)
    assert [note for note in net.notes if "works only for a batch of 1" in note and " the number of samples" in note]


def test_first_states_have_the_batch_on_their_second_axis() -> None:
    """A step of a decoder as PyTorch exports it for one sample, the states of whose two layers come in and go out."""
    cut = {"zero": np.array([0]), "one": np.array([1]), "two": np.array([2]), "flat": np.array([1, 1, 4])}
    nodes, below = [node("Transpose", ["x"], ["t0"], perm=[1, 0, 2])], "t0"
    for at, (start, stop) in enumerate((("zero", "one"), ("one", "two")), 1):
        cut |= {f"w{at}": weight(1, 12, 4), f"r{at}": weight(1, 12, 4)}
        nodes += [
            node("Slice", ["h", start, stop, "zero"], [f"h{at}"]),
            node("GRU", [below, f"w{at}", f"r{at}", "", "", f"h{at}"], [f"s{at}", f"e{at}"], hidden_size=4),
            node("Transpose", [f"s{at}"], [f"p{at}"], perm=[0, 2, 1, 3]), reshape(f"p{at}", "flat", f"t{at}"),
        ]  # fmt: skip
        below = f"t{at}"
    nodes += [node("Transpose", [below], ["y"], perm=[1, 0, 2]), node("Concat", ["e1", "e2"], ["last"], axis=0)]
    data = model(nodes, {"x": [1, 1, 4], "h": [2, 1, 4]}, ["y", "last"], cut)
    net = network(data)
    assert [(one.shape, one.times) for one in net.inputs.values()] == [((1, 4), 1), ((2, 4), 1)]
    assert not net.model.one_sample_only
    x, h = weight(3, 1, 4), weight(3, 2, 4)
    found = net.run({"x": x, "h": h}).outputs
    for i in range(3):
        y, last = runtime(data, {"x": x[i : i + 1], "h": h[i][:, None]})
        np.testing.assert_allclose(found["y"][i], y[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found["last"][i], last[:, 0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", ["B", 2, 3])
@pytest.mark.parametrize(("first", "order"), [(True, [1, 0, 2]), (False, [0, 1, 2])])
def test_a_recurrent_operator_shows_a_fixed_batch(size: int | str, first: bool, order: list[int]) -> None:
    """As PyTorch writes an LSTM whose example has 2 sequences of 5 steps; its MACs are those of one sequence."""
    nodes = [
        node("Transpose", ["x"], ["t"], perm=order), node("LSTM", ["t", "w", "r"], ["s"], hidden_size=4),
        node("Squeeze", ["s", "one"], ["z"]), node("Transpose", ["z"], ["y"], perm=[1, 0, 2]),
    ]  # fmt: skip
    constants = {"w": weight(1, 16, 3), "r": weight(1, 16, 4), "one": np.array([1])}
    data = model(nodes, {"x": [size, 5, 3] if first else [5, size, 3]}, ["y"], constants)
    net = network(data)
    assert (net.inputs["x"].shape, net.outputs["y"].shape) == ((5, 3), (5, 4))
    assert net.summary().totals.macs == 5 * 4 * 4 * (3 + 4)
    count = size if isinstance(size, int) else 2
    x = weight(count, 5, 3)
    (expected,) = runtime(data, {"x": x if first else x.swapaxes(0, 1)})
    np.testing.assert_allclose(net.run(x).output, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("count", ["N", 1])
def test_a_product_of_what_all_samples_share_and_of_the_samples_as_columns(count: int | str) -> None:
    """As CLIP compares three prompts, whose number is fixed, with each picture, in both directions."""
    nodes = [
        node("Relu", ["prompts"], ["p"]), node("Transpose", ["x"], ["t"], perm=[1, 0]),
        node("MatMul", ["p", "t"], ["s"]), node("Transpose", ["s"], ["y"], perm=[1, 0]),
    ]  # fmt: skip
    data = model(nodes, {"x": [count, 6], "prompts": [3, 6]}, ["y", "s"])
    net = network(data)
    assert [net.outputs[name].shape for name in "ys"] == [(3,), (3,)]
    assert (net.summary().totals.macs, net.model.one_sample_only) == (3 * 6, "")
    x, prompts = weight(1 if count == 1 else 4, 6), weight(3, 6)
    found = net.run({"x": x, "prompts": prompts[None]}).outputs
    y, s = runtime(data, {"x": x, "prompts": prompts})
    np.testing.assert_allclose(found["y"], y, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["s"], s.T, rtol=1e-4, atol=1e-6)


AXIS_OF_SAMPLES: dict[str, tuple[list[Any], bool]] = {
    "the same rows": ([node("MatMul", ["rows", "w"], ["z"]), node("Relu", ["z"], ["r"]), node("Reshape", ["r", "back"], ["t"]),
                       node("Transpose", ["t"], ["y"], perm=[1, 0, 2])], True),
    "some rows": ([node("Slice", ["rows", "1", "2", "0"], ["y"])], False),
    "the mean of rows": ([node("ReduceMean", ["rows"], ["y"], axes=[0])], False),
    "sums of rows": ([node("CumSum", ["rows", "0"], ["y"])], False),
    "shares of rows": ([node("Softmax", ["rows"], ["y"], axis=0)], False),
    "rows by rows": ([node("Transpose", ["rows"], ["t"], perm=[1, 0]), node("MatMul", ["rows", "t"], ["y"])], False),
}  # fmt: skip


@pytest.mark.parametrize("name", AXIS_OF_SAMPLES)
def test_what_joins_places_of_an_axis_in_which_the_samples_are_works_for_one(name: str) -> None:
    """A sequence before the samples is reshaped to (2·N, 4): row 1 is the second sample's first step, or the second step."""
    nodes, is_for_all = AXIS_OF_SAMPLES[name]
    start = [node("Transpose", ["x"], ["s"], perm=[1, 0, 2]), node("Reshape", ["s", "flat"], ["rows"])]
    constants = {
        "w": weight(4, 4),
        "back": ints(2, -1, 4),
        "flat": ints(-1, 4),
        "0": ints(0),
        "1": ints(1),
        "2": ints(2),
    }
    data = model([*start, *nodes], {"x": ["N", 2, 4]}, ["y"], constants)
    net = runs_as_runtime(data, weight(3 if is_for_all else 1, 2, 4))
    assert bool(net.model.one_sample_only) != is_for_all


def graph_of_nodes_and_edges(*sizes: str) -> bytes:
    """Return a model that weighs the rows of a graph's nodes, and those that its edges begin with."""
    nodes = [
        node("Mul", ["x", "b"], ["m"]), node("Cast", ["i"], ["j"], to=7), node("Gather", ["m", "j"], ["g"]),
        node("Mul", ["g", "w"], ["y"]),
    ]  # fmt: skip
    first, second = sizes
    return model(nodes, {"x": [first, 3], "b": [first, 1], "i": [second], "w": [second, 1]}, ["y"])


def test_a_graph_of_nodes_and_edges_has_no_batch() -> None:
    data = graph_of_nodes_and_edges("num_nodes", "num_edges")
    with pytest.raises(CnncalcError, match="a size 'num_nodes' is not stated"):
        network(data)
    x, b, w = (STREAM.standard_normal(shape).astype(F) for shape in ((5, 3), (5, 1), (7, 1)))
    feeds = {"x": x, "b": b, "i": STREAM.integers(0, 5, 7).astype(F), "w": w}
    run = network(data, {"x": (5, 3), "w": (7, 1)}).run(feeds)
    assert run.ok
    np.testing.assert_allclose(run.output.reshape(7, 3), runtime(data, feeds)[0], rtol=1e-6)


def test_names_that_an_exporter_has_made_do_not_tell_whether_they_are_the_batch() -> None:
    net = network(graph_of_nodes_and_edges("unk__1", "unk__2"))
    assert [port.shape for port in net.inputs.values()] == [(3,), (1,), (1,), (1,)]


def test_that_a_size_may_not_be_the_batch_is_hinted_at_unless_it_is_called_so() -> None:
    hints = {}
    for word in ("points", "batch_size"):
        nodes = [node("ScatterElements", ["x", "i", "x"], ["y"], axis=0)]
        data = model(nodes, {"x": [word, 3]}, ["y"], {"i": np.zeros((1, 3), np.int64)}, 18)
        with pytest.raises(CnncalcError, match="it goes along the batch") as caught:
            network(data)
        hints[word] = caught.value.hint or ""
    assert "if 'points' is not the batch, give all axes of the input: x=224x3" in hints["points"]
    assert "all axes" not in hints["batch_size"]


def test_a_recurrent_layer_along_the_batch_works_for_one() -> None:
    """ONNX's sequences come first, so that samples of one step each are one sequence."""
    nodes = [node("LSTM", ["x", "w", "r"], ["s"], hidden_size=5, name="rnn"), node("Squeeze", ["s", "axis"], ["y"])]
    constants = {"w": weight(1, 20, 6), "r": weight(1, 20, 5), "axis": ints(1)}
    net = runs_as_runtime(model(nodes, {"x": ["N", 1, 6]}, ["y"], constants), weight(1, 1, 6))
    assert net.model.one_sample_only == "LSTM 'rnn', which goes along the batch,"


def test_what_is_computed_from_constants_may_be_tiled_to_the_batch() -> None:
    """XCiT repeats its projected positions for each sample; the projection is counted once, whatever the batch."""
    draw = np.random.default_rng(2).standard_normal
    constants = {
        "positions": draw((1, 3, 4, 5)).astype(np.float32), "w": draw((2, 3, 1, 1)).astype(np.float32),
        "zero": np.array([0]), "ones": np.array([1, 1, 1]), "to": np.array([2, 20]),
    }  # fmt: skip
    nodes = [
        node("Conv", ["positions", "w"], ["projected"]),
        node("Shape", ["x"], ["sizes"]), node("Gather", ["sizes", "zero"], ["batch"]),
        node("Concat", ["batch", "ones"], ["repeats"], axis=0), node("Tile", ["projected", "repeats"], ["tiled"]),
        node("Concat", ["batch", "to"], ["shape"], axis=0), node("Reshape", ["tiled", "shape"], ["rows"]),
        node("Add", ["x", "rows"], ["y"]),
    ]  # fmt: skip
    x = draw((3, 2, 20)).astype(np.float32)
    found = runs_as_runtime(model(nodes, {"x": ["N", 2, 20]}, ["y"], constants), x)
    assert [found.summary(batch=batch).totals.macs for batch in (1, 3)] == [2 * 3 * 20, 2 * 3 * 20]
