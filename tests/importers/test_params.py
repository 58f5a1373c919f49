"""Attention biases that an exporter has expanded from a table have as many parameters as the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cnncalc.execution.weights import expected
from cnncalc.exporters.formats import FORMATS, Options
from cnncalc.rendering.views.weights import WeightsView
from tests.importers.models import model, network, node, runs_as_runtime

HEADS, WINDOW = 2, 3
PLACES = WINDOW * WINDOW
ROWS = (2 * WINDOW - 1) ** 2
"""Rows of the table for a window of 3·3 positions: (2·3 − 1)², arXiv:2103.14030, section 3.2."""


def index() -> Any:
    """Return the row of each pair of positions, as the paper's code computes it."""
    grid = np.stack(np.meshgrid(range(WINDOW), range(WINDOW), indexing="ij")).reshape(2, -1)
    apart = grid[:, :, None] - grid[:, None, :] + WINDOW - 1
    return apart[0] * (2 * WINDOW - 1) + apart[1]


def attention(bias: Any, *turns: Any, name: str = "index") -> bytes:
    """Return a model of an attention that adds a stored tensor to its logits."""
    return model(
        [
            node("MatMul", ["q", "k"], ["logits"]),
            *turns,
            node("Add", ["logits", name if not turns else "turned"], ["shifted"]),
            node("Softmax", ["shifted"], ["weights"], axis=-1),
            node("MatMul", ["weights", "v"], ["y"]),
        ],
        {"q": ["N", HEADS, PLACES, 4], "k": ["N", HEADS, 4, PLACES], "v": ["N", HEADS, PLACES, 4]},
        ["y"],
        {name: bias},
    )


STREAM = np.random.default_rng(1)
TABLE = np.random.default_rng(0).standard_normal((ROWS, HEADS)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_expanded_table_counts_by_its_rows(dtype: Any) -> None:
    data = attention(TABLE.astype(dtype)[index()].transpose(2, 0, 1)[None])
    net = network(data)
    assert net.summary().totals.params == ROWS * HEADS
    assert any("only rows that differ count" in note for note in net.notes)


def test_a_transposed_table_counts_by_its_rows() -> None:
    turn = node("Transpose", ["index"], ["heads"], perm=[1, 0])
    shape = node("Constant", [], ["shape"], value_ints=[1, HEADS, PLACES, PLACES])
    data = attention(TABLE[index()].reshape(-1, HEADS), turn, shape, node("Reshape", ["heads", "shape"], ["turned"]))
    assert network(data).summary().totals.params == ROWS * HEADS


def test_a_bias_that_is_learned_for_each_pair_counts_in_full() -> None:
    bias = np.random.default_rng(1).standard_normal((HEADS, PLACES, PLACES)).astype(np.float32)
    net = network(attention(bias))
    assert net.summary().totals.params == bias.size
    assert not net.notes


def test_a_tensor_without_visible_rows_counts_in_full() -> None:
    bias = np.zeros((HEADS, PLACES, PLACES), np.float32)
    outside = onnx.load_from_string(attention(TABLE[index()].transpose(2, 0, 1)))
    stored = outside.graph.initializer[0]
    stored.ClearField("raw_data")
    stored.data_location = onnx.TensorProto.EXTERNAL
    stored.external_data.add(key="location", value="weights.bin")
    for data in (attention(bias), outside.SerializeToString()):
        net = network(data)
        assert net.summary().totals.params == bias.size
        assert any("all elements count" in note for note in net.notes)


@pytest.mark.parametrize("name", ["attn_mask", "onnx::Add_250"])
@pytest.mark.parametrize("hidden", [-100, -np.inf])
def test_biases_that_are_a_mask_are_no_params(name: str, hidden: float) -> None:
    bias = np.where(index() % 2, 0, hidden).astype(np.float32)[None]
    assert network(attention(bias, name=name)).summary().totals.params == 0


def test_a_mask_that_is_cut_out_of_one_number_is_no_table() -> None:
    """``torch.full((t, t), -inf).triu(1)``, as Llama's source makes its mask."""
    bias = np.full((1, PLACES, PLACES), -np.inf, np.float32)
    net = network(
        attention(bias, node("Constant", [], ["one"], value_int=1), node("Trilu", ["index", "one"], ["turned"]))
    )
    assert (net.summary().totals.params, net.notes) == (0, [])


def test_a_bias_of_two_small_numbers_is_no_mask() -> None:
    bias = np.where(index() % 2, 0, -1).astype(np.float32)[None]
    assert network(attention(bias)).summary().totals.params == 2


def test_an_expanded_table_of_one_head_counts_by_its_rows() -> None:
    data = model(
        [
            node("MatMul", ["q", "k"], ["logits"]), node("Add", ["logits", "select"], ["shifted"]),
            node("Softmax", ["shifted"], ["weights"], axis=-1), node("MatMul", ["weights", "v"], ["y"]),
        ],
        {"q": ["N", PLACES, 4], "k": ["N", 4, PLACES], "v": ["N", PLACES, 4]},
        ["y"],
        {"select": TABLE[:, 0][index()]},
    )  # fmt: skip
    assert network(data).summary().totals.params == ROWS


def test_expanded_features_of_offsets_count_by_their_rows() -> None:
    """MViTv2, https://arxiv.org/abs/2112.01526: a row of features for each offset of 4 positions on an axis, 2·4 − 1."""
    apart = np.arange(4)[:, None] - np.arange(4) + 3
    table = np.random.default_rng(2).standard_normal((7, 5)).astype(np.float32)[apart]
    data = model(
        [node("Einsum", ["x", "index_2"], ["y"], equation="nhc,hkc->nhk")],
        {"x": ["N", 4, 5]},
        ["y"],
        {"index_2": table},
    )
    assert network(data).summary().totals.params == 7 * 5


# --- properties that PyTorch's exporter writes (torch/onnx/_internal/exporter/_core.py, and
# --- onnxscript/optimizer/_constant_folding.py, FOLDED_FROM_KEY) ---------------------------------------------------

KIND, FOLDED = "pkg.torch.export.graph_signature.InputSpec.kind", "pkg.onnxscript.optimizer.folded_from"


def shifted(name: str, key: str, text: str, *before: Any, shape: tuple[int, ...] = (4,)) -> bytes:
    """Return a model that adds a stored tensor with a property to a map."""
    nodes = [*before, node("Add", ["x", "turned" if before else name], ["y"])]
    stored = {name: np.random.default_rng(3).standard_normal(shape).astype(np.float32)}
    matrix = {} if not before else {"mlp.weight": np.ones((4, 4), np.float32)}
    made = onnx.load_from_string(model(nodes, {"x": ["N", 3, 4]}, ["y"], stored | matrix))
    info = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    info.metadata_props.add(key=key, value=text)
    made.graph.value_info.append(info)
    data: bytes = made.SerializeToString()
    return data


@pytest.mark.parametrize(
    ("name", "key", "text", "params"),
    [
        ("scale", KIND, "PARAMETER", 4),
        ("scale", KIND, "BUFFER", 0),
        ("lifted_tensor_0", KIND, "CONSTANT_TENSOR", 4),  # it may have been computed from parameters
        ("view_3", FOLDED, "['blocks.0.gamma', 'val_1', 'val_2']", 4),
        ("expand", FOLDED, "['cls_token', 'val_1', 'val_2']", 4),
        ("permute", FOLDED, "['_to_copy', 'arange_1', 'cat', 'cos_1', 'scalar_tensor_default_2', 'val_163']", 0),
        ("val_28", FOLDED, "['val_2', 'y']", 0),  # from the shape of an operator's output
        ("zeros_like", FOLDED, "['val_2', 'x']", 0),  # from an input's
        ("val_9", FOLDED, "['layers.1.attn_mask', 'unsqueeze']", 0),
        ("cos_1", FOLDED, "['mul', 'rope.periods', 'val_7']", 0),  # DINOv3's tables
        ("val_9", FOLDED, "['layers.1.bias_table', 'layers.1.position_index', 'val_3']", 4),
        ("val_9", FOLDED, "x" * 70_000, 4),  # longer than any property that is read
    ],
)
def test_the_exporters_properties_of_a_tensor_decide(name: str, key: str, text: str, params: int) -> None:
    assert network(shifted(name, key, text)).summary().totals.params == params


@pytest.mark.parametrize(("stored", "params"), [("rnn.bias", 16 + 4), ("other.bias", 16 + 4 + 4)])
def test_what_is_computed_from_stored_tensors_counts_once(stored: str, params: int) -> None:
    """The first step of ``nn.RNN``: the product of zeros with the weight, and a bias that all steps add."""
    nodes = [
        node("MatMul", ["x", "val_4"], ["p"]),
        node("Add", ["p", "linear_1"], ["q"]),
        node("Relu", ["q"], ["r"]),
        node("Add", ["r", stored], ["y"]),
    ]
    draw = np.random.default_rng(3)
    arrays = {
        name: draw.standard_normal((4, 4) if name == "val_4" else 4).astype(np.float32)
        for name in ("val_4", "linear_1", stored)
    }
    made = onnx.load_from_string(model(nodes, {"x": ["N", 3, 4]}, ["y"], arrays))
    for name, text in (("val_4", "['rnn.weight']"), ("linear_1", "['rnn.bias', 'rnn.weight', 'val_2', 'zeros']")):
        info = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, arrays[name].shape)
        info.metadata_props.add(key=FOLDED, value=text)
        made.graph.value_info.append(info)
    assert network(made.SerializeToString()).summary().totals.params == params


@pytest.mark.parametrize(
    ("name", "text", "params"),
    [
        ("permute", "['blocks.0.token', 'val_1']", 16 + 12),  # a learned token, transposed
        ("val_67", "['mlp.0.weight', 'rel_coords', 'val_66']", 16),  # the first product of a network on positions
        ("tokens", "", 16 + 12),
    ],
)
def test_computed_inputs_of_a_network_on_constants_are_no_parameters(name: str, text: str, params: int) -> None:
    product = node("MatMul", [name, "mlp.weight"], ["turned"])
    assert network(shifted(name, FOLDED, text, product, shape=(3, 4))).summary().totals.params == params


# --- keys ----------------------------------------------------------------------------------------------------


def listed(data: bytes) -> list[str]:
    """Return the keys that ``cnncalc weights`` lists."""
    return [str(one["name"]) for one in WeightsView(network(data)).records()]


@pytest.mark.parametrize(
    ("name", "key", "text", "listed_as"),
    [
        ("cls_token", KIND, "PARAMETER", "cls_token"),  # an attribute of the outermost module
        ("cls_token1", "", "", "cls_token1"),
        ("pos_embed_0", KIND, "PARAMETER", "pos_embed_0"),  # CrossViT's
        ("blocks.0.gamma", KIND, "PARAMETER", "blocks.0.gamma"),
        ("view_3", FOLDED, "['blocks.0.gamma', 'val_1', 'val_2']", "blocks.0.gamma"),  # transposed
        ("cat_1", FOLDED, "['blocks.0.q_bias', 'blocks.0.v_bias']", "shift1.weight"),  # with two keys, none is used
        ("onnx::Add_12", FOLDED, "", "shift1.weight"),
        ("val_7", FOLDED, "", "shift1.weight"),
        ("attn.lifted_tensor_0", KIND, "CONSTANT_TENSOR", "shift1.weight"),  # LeViT's biases, which it has no key for
        ("log1p_2", FOLDED, "", "shift1.weight"),
        ("Constant_12", "", "", "shift1.weight"),
    ],
)
def test_keys_are_those_of_the_modules_attributes(name: str, key: str, text: str, listed_as: str) -> None:
    assert listed(shifted(name, key, text)) == [listed_as]


def test_weights_go_by_the_modules_keys() -> None:
    """PyTorch's MultiheadAttention names the tensors of its projection in_proj_weight and in_proj_bias."""
    random = np.random.default_rng(1)
    shapes = {"attn.in_proj_weight": (6, 4), "attn.in_proj_bias": (6,), "attn.gamma": (6,)}
    stored = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    nodes = [
        node("Gemm", ["x", *list(stored)[:2]], ["y"], transB=1, name="/attn/Gemm"),
        node("Mul", ["y", "attn.gamma"], ["z"], name="/attn/Mul"),
    ]
    graph = network(model(nodes, {"x": ["N", 4]}, ["z"], stored))
    assert [str(one["name"]) for one in WeightsView(graph).records()] == list(stored)
    assert [item.name for item in expected(graph)] == list(stored)
    x = random.standard_normal((2, 4)).astype(np.float32)
    other = {name: 2 * array for name, array in stored.items()}
    made = (x @ other["attn.in_proj_weight"].T + other["attn.in_proj_bias"]) * other["attn.gamma"]
    np.testing.assert_allclose(graph.run(x, weights=other).output, made, rtol=1e-5)
    again = network(b"".join(FORMATS["onnx"].export(graph, Options())))
    assert [str(one["name"]) for one in WeightsView(again).records()] == list(stored)


def test_a_layer_with_a_modules_own_tensors_has_its_name() -> None:
    """Exporters fold a transposed weight into a nameless tensor; the bias says which module it is.

    A module with other names for its tensors than a layer has (in_proj_weight) is the scope of the layer.
    """
    shapes = {
        "attn.in_proj_weight": (4, 4), "attn.in_proj_bias": (4,), "onnx::MatMul_7": (4, 4), "attn.out_proj.bias": (4,),
    }  # fmt: skip
    nodes = [
        node("Gemm", ["x", *list(shapes)[:2]], ["y"], transB=1, name="/attn/Gemm"),
        node("MatMul", ["y", "onnx::MatMul_7"], ["z"], name="/attn/MatMul"),
        node("Add", ["z", "attn.out_proj.bias"], ["out"], name="/attn/Add"),
    ]
    weights = {name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape) for name, shape in shapes.items()}
    graph = network(model(nodes, {"x": ["N", 4]}, ["out"], weights))
    assert [one.name for one in graph.nodes] == ["attn.fc1", "attn.out_proj"]
    assert [str(one["name"]) for one in WeightsView(graph).records()] == [
        "attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj.weight", "attn.out_proj.bias",
    ]  # fmt: skip


@pytest.mark.parametrize("names", [("fc.weight_quantized", "fc.bias_quantized"), ("fc.weight_v", "fc.bias")])
def test_a_layer_whose_tensors_names_were_added_to_has_its_modules_name(names: tuple[str, str]) -> None:
    """ONNX Runtime's quantiser adds _quantized to the names; PyTorch's weight normalization has weight_g and weight_v."""
    nodes = [node("Gemm", ["x", *names], ["y"], transB=1, name="/fc/Gemm"), node("Relu", ["y"], ["z"], name="/fc/Relu")]
    weights = {names[0]: np.ones((3, 4), np.float32), names[1]: np.ones(3, np.float32)}
    graph = network(model(nodes, {"x": ["N", 4]}, ["z"], weights))
    assert [one.name for one in graph.nodes] == ["fc", "fc.relu1"]
    own = [name.removesuffix("_quantized") for name in names]
    assert [str(one["name"]) for one in WeightsView(graph).records()] == own


def test_a_bias_that_is_stored_once_gives_no_other_module_its_name() -> None:
    """PyTorch's exporter stores equal biases once: those of a fresh network with folded norms are all 0.

    Each of its convolutions reads its own name of the bias, here through an Identity, and has a scope of its own.
    """
    nodes = [
        node("Identity", ["se.conv_expand.bias"], ["onnx::Conv_9"]),
        node("Conv", ["x", "onnx::Conv_8", "onnx::Conv_9"], ["a"], name="/conv_stem/Conv"),
        node("Conv", ["a", "onnx::Conv_7", "onnx::Conv_9"], ["b"], name="/blocks/blocks.0/conv_pw/Conv"),
        node("Conv", ["b", "se.conv_expand.weight", "se.conv_expand.bias"], ["y"], name="/se/conv_expand/Conv"),
    ]
    names = ("onnx::Conv_8", "onnx::Conv_7", "se.conv_expand.weight")
    filters = {name: np.full((4, 4, 1, 1), i, np.float32) for i, name in enumerate(names)}
    bias = {"se.conv_expand.bias": np.zeros(4, np.float32)}
    graph = network(model(nodes, {"x": ["N", 4, 2, 2]}, ["y"], {**filters, **bias}))
    assert [one.name for one in graph.nodes] == ["conv_stem", "blocks.0.conv_pw", "se.conv_expand"]
    assert graph.notes == [
        "batch norms are folded into 2 convolutions: their params are not in the file",
        "1 tensor is used by several layers and counts once: 8 params fewer than with one for each layer",
    ]


def test_each_key_occurs_once() -> None:
    """Two layers may use one tensor; the first of them has its key."""
    w = np.arange(16, dtype=np.float32).reshape(4, 4)
    nodes = [node("Gemm", ["x", "fc.w"], ["y"], transB=1), node("Gemm", ["y", "fc.w"], ["z"])]
    graph = network(model(nodes, {"x": ["N", 4]}, ["z"], {"fc.w": w}))
    names = [item.name for item in expected(graph)]
    assert names[0] == "fc.w"
    assert len(set(names)) == 2


def test_a_tensor_folded_from_one_that_is_in_the_file_is_no_second_parameter() -> None:
    """A codebook's squared norms and its transpose, beside the embedding that has the codebook (VQ-VAE)."""
    nodes = [
        node("MatMul", ["x", "turned"], ["products"]), node("Sub", ["squares", "products"], ["distances"]),
        node("ArgMin", ["distances"], ["codes"], axis=-1, keepdims=0), node("Gather", ["book.weight", "codes"], ["y"]),
    ]  # fmt: skip
    book = np.random.default_rng(5).standard_normal((6, 4)).astype(np.float32)
    stored = {"book.weight": book, "turned": book.T.copy(), "squares": (book**2).sum(1)}
    made = onnx.load_from_string(model(nodes, {"x": ["N", 3, 4]}, ["y"], stored))
    for name, key, text in (("book.weight", KIND, "PARAMETER"), ("turned", FOLDED, "['book.weight']"),
                            ("squares", FOLDED, "['pow_1', 'book.weight']")):  # fmt: skip
        info = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, stored[name].shape)
        info.metadata_props.add(key=key, value=text)
        made.graph.value_info.append(info)
    assert network(made.SerializeToString()).summary().totals.params == 6 * 4


@pytest.mark.parametrize(("producer", "params"), [("pytorch", 1), ("", 0)])
def test_a_number_with_an_attributes_name_is_learned_in_a_file_of_pytorch(producer: str, params: int) -> None:
    """``self.gamma = nn.Parameter(torch.zeros(1))`` of the outermost module; other exporters name numbers so, too."""
    data = model(
        [node("Mul", ["x", "gamma"], ["y"])],
        {"x": ["N", 4]},
        ["y"],
        {"gamma": np.ones(1, np.float32)},
        producer_name=producer,
    )
    assert network(data).summary().totals.params == params


@pytest.mark.parametrize(("producer", "key"), [("pytorch", "pos_embed_0"), ("", "shift1.weight")])
def test_a_numbered_attribute_of_the_outermost_module_is_a_key_in_a_file_of_pytorch(producer: str, key: str) -> None:
    """CrossViT's; other exporters number all tensors."""
    stored = {"pos_embed_0": np.arange(4, dtype=np.float32)}
    assert listed(
        model([node("Add", ["x", *stored], ["y"])], {"x": ["N", 4]}, ["y"], stored, producer_name=producer)
    ) == [key]


def test_equal_computed_constants_are_one_layer() -> None:
    """A table of 100 positions by 64 frequencies, which are too many to be computed at once, in 75 operators, twice."""
    numbers = {name: np.array(number) for name, number in {"0": 0, "1": 1, "64": 64, "100": 100}.items()}
    nodes = []
    for name in "ab":
        nodes += [
            node("Range", ["0", "100", "1"], [f"{name}.rows"]),
            node("Range", ["0", "64", "1"], [f"{name}.columns"]),
            node("Unsqueeze", [f"{name}.rows", "axes"], [f"{name}.tall"]),
            node("Mul", [f"{name}.tall", f"{name}.columns"], [f"{name}.whole"]),
            node("Cast", [f"{name}.whole"], [f"{name}.0"], to=1),
            *[node("Neg", [f"{name}.{number}"], [f"{name}.{number + 1}"]) for number in range(70)],
            node("Concat", ["x", f"{name}.70"], [name], axis=0),
        ]
    data = model(nodes, {"x": [100, 64]}, ["a", "b"], {**numbers, "axes": np.array([1])})
    assert [node.layer.type for node in network(data).nodes].count("parameter") == 1


def test_numbers_of_the_code_are_no_buffers() -> None:
    """ConViT's ``1 - sigmoid(gating)``: the 1 is no attribute of a module.  Folded, the gate has no module's name."""
    nodes = [
        node("Constant", [], ["/attn/Constant_output_0"], value=onnx.numpy_helper.from_array(np.ones((), np.float32))),
        node("Sigmoid", ["onnx::Sigmoid_7"], ["gate"]),
        node("Sub", ["/attn/Constant_output_0", "gate"], ["rest"]),
        node("Mul", ["rest", "attn.gamma"], ["factor"]),
        node("Mul", ["x", "factor"], ["y"], name="/attn/Mul"),
    ]
    stored = {name: np.arange(3, dtype=np.float32).reshape(3, 1, 1) for name in ("onnx::Sigmoid_7", "attn.gamma")}
    graph = network(model(nodes, {"x": ["N", 3, 4, 4]}, ["y"], stored))
    assert (graph.summary().totals.params, graph.summary().totals.buffers) == (3 + 3, 0)
    assert [str(one["name"]) for one in WeightsView(graph).records()] == ["attn.gamma.weight", "attn.gamma"]


def test_numbers_by_which_filters_are_scaled_are_no_buffers() -> None:
    """Scaled weight standardisation (arXiv:2101.08692): gain · fan_in^−½ · weight, the root a number in the code."""
    nodes = [
        node("Constant", [], ["root"], value=onnx.numpy_helper.from_array(np.asarray(12**-0.5, np.float32))),
        node("Mul", ["c.gain", "root"], ["factor"]),
        node("Mul", ["c.weight", "factor"], ["w"]),
        node("Conv", ["x", "w"], ["y"]),
    ]
    stored = {"c.weight": np.ones((4, 3, 2, 2), np.float32), "c.gain": np.full((4, 1, 1, 1), 2, np.float32)}
    graph = network(model(nodes, {"x": ["N", 3, 4, 4]}, ["y"], stored))
    assert (graph.summary().totals.params, graph.summary().totals.buffers) == (4 * 12 + 4, 0)


def test_a_batchnorm_that_learns_nothing_has_its_statistics_alone() -> None:
    """``BatchNorm2d(affine=False)``, whose ones and zeros PyTorch's exporter writes as constants (BigGAN)."""
    ones, zeros = [numpy_helper.from_array(np.full(3, number, np.float32)) for number in (1, 0)]
    nodes = [
        node("Constant", [], ["/bn/Constant_output_0"], value=ones),
        node("Constant", [], ["/bn/Constant_1_output_0"], value=zeros),
        node("BatchNormalization", ["x", "/bn/Constant_output_0", "/bn/Constant_1_output_0", "bn.m", "bn.v"], ["y"]),
    ]
    statistics = {"bn.m": np.array([0.5, -1, 2], np.float32), "bn.v": np.array([1.5, 0.5, 1], np.float32)}
    net = runs_as_runtime(model(nodes, {"x": ["N", 3, 2, 2]}, ["y"], statistics), np.ones((2, 3, 2, 2), np.float32))
    totals = net.summary().totals
    assert (totals.params, totals.buffers) == (0, 6)
    assert not vars(net.nodes[0].layer)["affine"]


@pytest.mark.parametrize("zero", [None, 3])
def test_a_matrix_that_is_cast_and_scaled_counts_as_its_integers(zero: int | None) -> None:
    """Packages that quantise by hand store int8 and one scale per row, with a cast and a product for each tensor."""
    table, shift = STREAM.integers(-9, 9, (4, 7)).astype(np.int8), STREAM.integers(-9, 9, (5, 7)).astype(np.int8)
    constants: dict[str, Any] = {
        "w": table,
        "s": STREAM.random((4, 1), np.float32) + 1,
        "p": shift,
        "r": np.float32(0.1),
    }
    nodes, last = [node("Cast", ["w"], ["w0"], to=1)], "w0"
    if zero is not None:
        constants["z"], last = np.full((4, 1), zero, np.int8), "w1"
        nodes += [node("Cast", ["z"], ["z0"], to=1), node("Sub", ["w0", "z0"], ["w1"])]
    nodes += [
        node("Mul", [last, "s"], ["w2"]), node("MatMul", ["x", "w2"], ["m"]),
        node("Cast", ["p"], ["p0"], to=1), node("Mul", ["p0", "r"], ["p1"]), node("Slice", ["p1", "a", "b"], ["p2"]),
        node("Add", ["m", "p2"], ["y"]),
    ]  # fmt: skip
    data = model(nodes, {"x": ["N", 3, 4]}, ["y"], constants | {"a": np.array([0]), "b": np.array([3])})
    net = runs_as_runtime(data, STREAM.random((2, 3, 4), np.float32))
    assert net.summary().totals.params == 4 * 7 + 5 * 7


def test_filters_divided_by_their_spectral_norm_are_filters() -> None:
    """torch.nn.utils.spectral_norm (arXiv:1802.05957) in evaluation: weight_orig / (u · W·v), W stored again as a matrix."""
    draw = np.random.default_rng(3).standard_normal
    filters = draw((4, 3, 2, 2)).astype(np.float32)
    nodes = [
        node("MatMul", ["onnx::MatMul_9", "c.weight_v"], ["wv"]), node("MatMul", ["c.weight_u", "wv"], ["sigma"]),
        node("Div", ["c.weight_orig", "sigma"], ["w"]), node("Conv", ["x", "w"], ["y"]),
    ]  # fmt: skip
    stored = {"c.weight_orig": filters, "onnx::MatMul_9": filters.reshape(4, 12)}
    stored |= {"c.weight_u": draw(4).astype(np.float32), "c.weight_v": draw(12).astype(np.float32)}
    net = runs_as_runtime(model(nodes, {"x": ["N", 3, 4, 4]}, ["y"], stored), draw((2, 3, 4, 4)).astype(np.float32))
    assert [(one.name, one.layer.type, one.params) for one in net.nodes] == [("c", "conv", filters.size)]
    assert net.summary().totals.macs == 4 * 12 * 9


def test_the_norm_by_which_rows_are_divided_is_no_param() -> None:
    """``F.linear(x, F.normalize(weight))``, whose norms PyTorch's exporter has computed."""
    rows = np.random.default_rng(4).standard_normal((5, 6)).astype(np.float32)
    nodes = [
        node("Clip", ["onnx::Clip_3", "/Constant_output_0"], ["n"]),
        node("Div", ["weight", "n"], ["w"]),
        node("Gemm", ["x", "w"], ["y"], transB=1),
    ]
    stored = {"weight": rows, "onnx::Clip_3": np.linalg.norm(rows, axis=1, keepdims=True)}
    stored["/Constant_output_0"] = np.array(1e-12, np.float32)
    net = runs_as_runtime(model(nodes, {"x": ["N", 6]}, ["y"], stored), np.ones((2, 6), np.float32))
    totals = net.summary().totals
    assert (totals.params, totals.buffers) == (rows.size, 0)


def test_the_bias_of_a_linear_layer_with_one_output_is_a_parameter() -> None:
    """As Keras writes Dense(3) and Dense(1): 4·3 + 3 + 3·1 + 1, whether layers are fused or not."""
    nodes = [
        node("MatMul", ["x", "a"], ["h1"]), node("Add", ["h1", "b"], ["h2"]), node("Relu", ["h2"], ["h3"]),
        node("MatMul", ["h3", "c"], ["o1"]), node("Add", ["o1", "d"], ["o2"]), node("Sigmoid", ["o2"], ["y"]),
    ]  # fmt: skip
    draw = STREAM.standard_normal
    constants = {"a": draw((4, 3)), "b": draw((1, 3)), "c": draw((3, 1)), "d": draw((1, 1))}
    data = model(nodes, {"x": ["N", 4]}, ["y"], {name: array.astype(np.float32) for name, array in constants.items()})
    assert [network(data, fuse=fuse).summary().totals.params for fuse in (True, False)] == [19, 19]


def test_a_number_that_is_added_to_one_output_is_no_bias() -> None:
    nodes = [node("MatMul", ["x", "a"], ["h"]), node("Add", ["h", "one"], ["y"])]
    constants = {"a": STREAM.standard_normal((4, 1)).astype(np.float32), "one": np.float32(1)}
    assert network(model(nodes, {"x": ["N", 4]}, ["y"], constants)).summary().totals.params == 4


@pytest.mark.parametrize("kind", ["copies", "parts", "zeros"])
def test_copies_of_a_matrix_that_the_exporter_turned_twice_count_once(kind: str) -> None:
    """A module that is called twice (ALBERT); three parts of one matrix have one key, too, and may all be zeros."""
    draw = np.random.default_rng(5).standard_normal
    first = np.zeros((6, 6), np.float32) if kind == "zeros" else draw((6, 6)).astype(np.float32)
    second = draw((6, 6)).astype(np.float32) if kind == "parts" else first
    nodes = [node("MatMul", ["x", "val_1"], ["t"]), node("MatMul", ["t", "val_2"], ["y"])]
    made = onnx.load_from_string(model(nodes, {"x": ["N", 6]}, ["y"], {"val_1": first, "val_2": second}))
    for name in ("val_1", "val_2"):
        info = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (6, 6))
        info.metadata_props.add(key=FOLDED, value="['mlp.weight']")
        made.graph.value_info.append(info)
    net = network(made.SerializeToString())
    assert net.summary().totals.params == (36 if kind == "copies" else 72)
    assert [bool(one.shares) for one in net.nodes] == [False, kind == "copies"]


def test_a_grid_of_coordinates_is_no_table_of_biases() -> None:
    """``F.affine_grid``: the exporter records that no parameter is in it, and its equal rows are no rows of a table."""
    grid = np.repeat(np.linspace(-1, 1, 4, dtype=np.float32), 3 * 4).reshape(4, 4, 3)
    nodes = [node("Einsum", ["x", "view_4"], ["y"], equation="nhc,hkc->nhk")]
    made = onnx.load_from_string(model(nodes, {"x": ["N", 4, 3]}, ["y"], {"view_4": grid}))
    info = onnx.helper.make_tensor_value_info("view_4", onnx.TensorProto.FLOAT, grid.shape)
    info.metadata_props.add(key=FOLDED, value="['linspace', 'ones', 'pad']")
    made.graph.value_info.append(info)
    net = network(made.SerializeToString())
    totals = net.summary().totals
    assert (totals.params, totals.buffers, net.notes) == (0, grid.size, [])
