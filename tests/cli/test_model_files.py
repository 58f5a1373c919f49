"""Commands take model files in place of specs: recognised by content, with the same figures, refused with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.commands import cnncalc
from tests.importers.models import FOLDER, model, node, runtime

RESNET = str(FOLDER / "dynamo_resnet18.onnx")
EFFICIENT = str(FOLDER / "test_efficientnet.onnx")


def test_a_summary_of_a_model_file() -> None:
    done = cnncalc("summary", RESNET, "--format", "json")
    assert done.code == 0
    assert done.err == "note: batch norms are folded into 20 convolutions: their params are not in the file\n"
    found = json.loads(done.out)
    assert (found["name"], found["outputs"]) == ("dynamo_resnet18", {"linear": [1, 1000]})
    assert found["totals"]["macs"] == 1_814_073_344  # torchvision's ResNet-18
    assert found["layers"][0]["name"] == "conv1"


def test_a_model_comes_through_a_pipe() -> None:
    data = Path(EFFICIENT).read_bytes()
    piped = cnncalc("summary", "-", "--format", "json", stdin=data)
    assert piped.code == 0
    assert (
        json.loads(piped.out)["totals"] == json.loads(cnncalc("summary", EFFICIENT, "--format", "json").out)["totals"]
    )


@pytest.mark.parametrize(
    "command",
    [
        ("explain", EFFICIENT, "conv_stem"), ("hotspots", EFFICIENT), ("check", EFFICIENT), ("draw", EFFICIENT),
        ("sweep", EFFICIENT, "--input", "3x96x96"), ("compare", RESNET, "resnet18"), ("weights", EFFICIENT),
        ("survey", EFFICIENT), ("summary", EFFICIENT, "--depth", "1"),
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_every_command_takes_a_model_file(command: tuple[str, ...]) -> None:
    done = cnncalc(*command)
    assert done.code == 0, done.err
    assert done.out


@pytest.mark.parametrize("command", ["explain", "hotspots", "check", "draw", "sweep", "compare", "weights", "survey"])
def test_every_command_takes_the_operators_as_they_are(command: str) -> None:
    rest = {"explain": ["blocks.0.0.conv"], "compare": ["resnet18"]}.get(command, [])
    assert cnncalc(command, EFFICIENT, *rest, "--no-fuse").code == 0
    if command not in ("check", "compare", "survey"):  # commands that take several files, of which one may be a spec
        done = cnncalc(command, "lenet5", *rest, "--no-fuse")
        assert (done.code, done.err) == (2, "--no-fuse is for model files, and lenet5 is a spec\n")


def test_the_operators_as_they_are() -> None:
    plain = json.loads(cnncalc("summary", EFFICIENT, "--no-fuse", "--format", "json").out)
    fused = json.loads(cnncalc("summary", EFFICIENT, "--format", "json").out)
    assert plain["totals"]["flops"] == fused["totals"]["flops"]
    assert "silu" in {layer["type"] for layer in fused["layers"]}
    assert "silu" not in {layer["type"] for layer in plain["layers"]}
    done = cnncalc("summary", "lenet5", "--no-fuse")
    assert (done.code, done.err) == (2, "--no-fuse is for model files, and lenet5 is a spec\n")


def test_a_model_runs_with_its_own_weights(tmp_path: Path) -> None:
    stream = np.random.default_rng(0)
    constants = {
        "body.conv.weight": stream.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "body.conv.bias": stream.standard_normal(4).astype(np.float32),
        "head.weight": stream.standard_normal((2, 4)).astype(np.float32),
    }
    nodes = [
        node("Conv", ["x", "body.conv.weight", "body.conv.bias"], ["a"], "/body/conv/Conv", pads=[1, 1, 1, 1]),
        node("Sigmoid", ["a"], ["s"], "/body/act/Sigmoid"),
        node("Mul", ["a", "s"], ["b"], "/body/act/Mul"),
        node("GlobalAveragePool", ["b"], ["p"], "/pool/GlobalAveragePool"),
        node("Flatten", ["p"], ["f"], "/Flatten"),
        node("Gemm", ["f", "head.weight"], ["y"], "/head/Gemm", transB=1),
    ]
    path, saved, given = tmp_path / "net.onnx", tmp_path / "y.npz", tmp_path / "x.npy"
    path.write_bytes(model(nodes, {"x": ["batch", 3, 8, 8]}, ["y"], constants))
    x = stream.standard_normal((3, 3, 8, 8)).astype(np.float32)
    np.save(given, x)
    done = cnncalc("run", str(path), "--input", str(given), "--save", str(saved))
    assert done.code == 0, done.err
    (expected,) = runtime(path.read_bytes(), {"x": x})
    np.testing.assert_allclose(np.load(saved)["y"], expected, rtol=1e-4, atol=1e-6)
    keys = {one["name"] for one in json.loads(cnncalc("weights", str(path), "--format", "json").out)["weights"]}
    assert keys == set(constants)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("net.onnx", b"input: [3, 8, 8]\nlayers:\n  - relu\n", "{}: not an ONNX model\n  hint: a spec is a YAML file"),
        (
            "net.onnx",
            b"\x08\x07\x3a\x02\x0a\x7f",
            "{}: not an ONNX model that can be read: the file is cut off: it ends at byte 6, a field in it at byte 133",
        ),
        (
            "net.onnx",
            b"\x08\x07\x3a\x02\x0a\x7f\x08\x07",
            "{}: not an ONNX model that can be read: a message ends at byte 6, a field in it at byte 133",
        ),
        ("net.yaml", b"\x08\x07garbage", "{}: neither a spec nor an ONNX model"),
    ],
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = cnncalc("summary", str(path))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message.format(path))


def test_only_a_run_needs_the_weights() -> None:
    done = cnncalc("run", RESNET)
    assert done.code == 2
    assert "stands in 'weights.bin', which does not exist as a regular file next to the model" in done.err
    assert done.err.endswith("hint: put 'weights.bin' into the model's folder\n")


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "..", "a/b.bin"])
def test_weights_are_read_beside_the_model_alone(tmp_path: Path, location: str) -> None:
    made = onnx.load_from_string(
        model(
            [node("Conv", ["x", "w"], ["y"])], {"x": ["N", 3, 8, 8]}, ["y"], {"w": np.ones((64, 3, 5, 5), np.float32)}
        )
    )
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    (tmp_path / "secret.bin").write_bytes(bytes(4 * 64 * 75))
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "net.onnx"
    path.write_bytes(made.SerializeToString())
    assert cnncalc("summary", str(path)).code == 0
    done = cnncalc("run", str(path))
    assert done.code == 2
    assert f"stands in '{location}', which is not a regular file next to the model" in done.err
    assert "hint: weights are read from plain files in the model's own folder alone" in done.err
    piped = cnncalc("run", "-", stdin=path.read_bytes())
    assert (piped.code, piped.err.splitlines()[1:]) == (2, ["  hint: give the path of the model, not a pipe"])


def test_a_file_of_weights_that_is_too_short_is_refused_with_both_sizes(tmp_path: Path) -> None:
    made = onnx.load_from_string(
        model([node("Mul", ["x", "w"], ["y"])], {"x": ["N", 30]}, ["y"], {"w": np.ones(30, np.float32)})
    )
    onnx.save(made, tmp_path / "net.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").write_bytes(bytes(7))
    with_length = cnncalc("run", str(tmp_path / "net.onnx"))
    assert (with_length.code, "the tensor 'w' reaches beyond 'w.bin' of 7 bytes" in with_length.err) == (2, True)
    made = onnx.load(tmp_path / "net.onnx", load_external_data=False)
    del made.graph.initializer[0].external_data[1:]
    onnx.save(made, tmp_path / "net.onnx")
    done = cnncalc("run", str(tmp_path / "net.onnx"))
    assert (done.code, "the tensor 'w' has 7 bytes, but its shape takes 120" in done.err) == (2, True)


def test_a_summary_of_a_model_needs_nothing_beyond_the_standard_library() -> None:
    code = (
        "import sys; from cnncalc.importers.onnx.load import read_model_file; read_model_file(sys.argv[1]).build()\n"
        "print(*sorted({'numpy', 'onnx', 'google', 'rich', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, RESNET], capture_output=True, text=True, check=True)
    assert not done.stdout.split()


def choosing() -> bytes:
    """Return a model with two branches; a number in the input chooses one."""

    def branch(name: str, outputs: int) -> Any:
        weight = numpy_helper.from_array(np.ones((outputs, 4), np.float32), f"{name}.weight")
        gemm = node("Gemm", ["x", f"{name}.weight"], [f"{name}_y"], f"/{name}/Gemm", transB=1)
        port = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)
        return helper.make_graph([gemm], name, [], [port], [weight])

    nodes = [
        node("Equal", ["rate", "fast"], ["is_fast"]),
        node(
            "If",
            ["is_fast"],
            ["y"],
            "/choice/If",
            then_branch=branch("fast_head", 8),
            else_branch=branch("slow_head", 2),
        ),
    ]
    made = onnx.load_from_string(model(nodes, {"x": ["batch", 4]}, ["y"], {"fast": np.int64(16000)}))
    made.graph.input.append(helper.make_tensor_value_info("rate", TensorProto.INT64, []))
    data: bytes = made.SerializeToString()
    return data


@pytest.mark.parametrize(("rate", "params"), [("16000", 32), ("8000", 8)])
def test_the_input_decides_between_branches(tmp_path: Path, rate: str, params: int) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(choosing())
    done = cnncalc("summary", str(path), "--input", f"rate={rate}", "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["totals"]["params"] == params


def test_a_choice_that_is_not_decided_is_named() -> None:
    done = cnncalc("summary", "-", "--format", "json", stdin=choosing())
    assert done.code == 0
    assert json.loads(done.out)["totals"]["params"] == 32  # of the heavier branch
    assert done.err.splitlines() == [
        "note: input 'rate' is a single number, and none is given (for example rate=1)",
        "note: If '/choice/If' chooses its branch when it runs; its then branch, the one with more MACs, is counted",
    ]


def test_a_number_that_a_layer_reads_is_asked_for(tmp_path: Path) -> None:
    made = onnx.load_from_string(model([node("Mul", ["x", "gain"], ["y"])], {"x": ["N", 2, 3]}, ["y"]))
    made.graph.input.append(helper.make_tensor_value_info("gain", TensorProto.FLOAT, []))
    path = tmp_path / "net.onnx"
    path.write_bytes(made.SerializeToString())
    done = cnncalc("run", str(path))
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[1:] == [
        f"--input gain: the number, an input of {path}, is not given", "  hint: for example: --input gain=1",
    ]  # fmt: skip
    assert cnncalc("run", str(path), "--input", "gain=2").code == 0


def test_a_file_for_one_sample_refuses_more() -> None:
    nodes = [node("Gather", ["x", "zero"], ["g"], "/first/Gather", axis=0), node("Relu", ["g"], ["y"])]
    data = model(nodes, {"x": [1, 4, 4]}, ["y"], {"zero": np.int64(0)})
    one = cnncalc("summary", "-", stdin=data)
    assert one.code == 0
    assert one.err == "note: the file works only for a batch of 1: Gather '/first/Gather' removes the batch\n"
    more = cnncalc("summary", "-", "--batch", "2", stdin=data)
    assert more.code == 2
    assert "a batch of 2, but Gather '/first/Gather' restricts the network to a batch of 1" in more.err


def test_an_operator_that_is_not_known_is_uncounted() -> None:
    made = onnx.load_from_string(
        model([node("Wonder", ["x"], ["w"], "/odd", domain="own"), node("Relu", ["w"], ["y"])], {"x": ["N", 4]}, ["y"])
    )
    made.graph.value_info.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, ["N", 6]))
    done = cnncalc("summary", "-", "--format", "json", stdin=made.SerializeToString())
    found = json.loads(done.out)
    assert (done.code, found["uncounted"], found["outputs"]) == (0, ["Wonder"], {"y": [1, 6]})
    assert done.err == "note: Wonder '/odd' is not counted: its cost is unknown\n"


def test_levels_are_counted_below_the_scope_of_all_layers(tmp_path: Path) -> None:
    """A detector has scopes ``model.0`` …: each has one row, although its layers run between those of others."""
    weights = {f"model.{i}.conv.weight": np.ones((3, 3, 1, 1), np.float32) for i in range(2)}
    nodes = [
        node("Conv", ["x", "model.0.conv.weight"], ["a"], name="/model/model.0/conv/Conv"),
        node("Conv", ["a", "model.1.conv.weight"], ["b"], name="/model/model.1/conv/Conv"),
        node("Relu", ["a"], ["c"], name="/model/model.0/act/Relu"),
        node("Sigmoid", ["b"], ["d"], name="/model/model.1/act/Sigmoid"),
        node("Add", ["c", "d"], ["e"], name="/Add"),
        node("Identity", ["e"], ["y"]),
    ]
    path = tmp_path / "detector.onnx"
    path.write_bytes(model(nodes, {"x": ["N", 3, 4, 4]}, ["y"], weights))
    found = json.loads(cnncalc("summary", str(path), "--depth", "1", "--format", "json").out)
    assert [(layer["name"], layer["macs"]) for layer in found["layers"]] == [
        ("model.0", 144),
        ("model.1", 144),
        ("add1", 0),
    ]
    assert sum(layer["macs"] for layer in found["layers"]) == found["totals"]["macs"]


def test_a_layer_and_its_scope_are_one_row(tmp_path: Path) -> None:
    found = json.loads(cnncalc("summary", EFFICIENT, "--depth", "1", "--format", "json").out)
    for figure in ("macs", "params", "flops"):
        assert sum(layer[figure] for layer in found["layers"]) == found["totals"][figure]
    assert len({layer["name"] for layer in found["layers"]}) == len(found["layers"])


def test_a_network_of_unknown_operators_is_not_said_to_have_no_macs(tmp_path: Path) -> None:
    path = tmp_path / "odd.onnx"
    made = onnx.load_model_from_string(model([node("MyOp", ["x"], ["y"], domain="mine")], {"x": ["N", 3, 4, 4]}, ["y"]))
    made.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 3, 4, 4]))
    path.write_bytes(made.SerializeToString())
    last = cnncalc("summary", str(path)).out.splitlines()[-1]
    assert last == "The products of MyOp are not counted, and there are no others."


def test_a_comparison_says_what_folded_batchnorms_explain() -> None:
    """ResNet-18's 20 batch norms have 2 · 4,800 params, and as many statistics; torchvision's figures."""
    done = cnncalc("compare", "resnet18", RESNET)
    last = " ".join(done.out.split("Layers: ")[-1].split("\n")[1:]).strip()
    assert last == (
        "20 batch norms of resnet18 are folded into layers of dynamo_resnet18: 9,600 params and 9,600 buffers there, "
        "4,800 more biases here. That explains the whole difference in params."
    )
    found = json.loads(cnncalc("compare", RESNET, "resnet18", "--format", "json").out)
    assert found["folded_batchnorms"] == {
        "into": 0, "norms": 20, "params": 9600, "buffers": 9600, "biases": 4800, "shared": 0, "shared_elsewhere": 0,
        "difference": 4800,
    }  # fmt: skip
    assert json.loads(cnncalc("compare", "resnet18", "resnet34", "--format", "json").out)["folded_batchnorms"] is None


def _convolutions(biases: list[str], scope: str = "") -> bytes:
    """Return two 1×1 convolutions of 4 channels with stored weights; the names of their biases, and of their scope."""
    nodes = [
        node("Conv", ["x", "a.weight", *biases[:1]], ["h"], name="one"),
        node("Conv", ["h", "b.weight", *biases[1:]], ["y"], name="two"),
    ]
    for one in nodes if scope else ():
        entry = one.metadata_props.add()
        entry.key, entry.value = "pkg.torch.onnx.name_scopes", f"['', 'bn', '{scope}']"
    weights = {name: np.full((4, 4, 1, 1), 0.5, np.float32) for name in ("a.weight", "b.weight")}
    constants = {**weights, **{name: np.zeros(4, np.float32) for name in biases}}
    return model(nodes, {"x": ["N", 4, 2, 2]}, ["y"], constants)


@pytest.mark.parametrize(
    ("bias", "data", "expected"),
    [
        # a fresh network's biases are all 0, and PyTorch stores equal tensors once
        (False, _convolutions(["onnx::Conv_1", "onnx::Conv_1"]), "8 more biases here, of which 4 are in tensors that several layers share and count once"),
        (True, _convolutions(["onnx::Conv_1", "onnx::Conv_1"]), "the same biases here, of which 4 are in tensors that several layers share and count once"),
        (True, _convolutions(["onnx::Conv_1", "onnx::Conv_2"]), "the same biases here"),
        # or it leaves out a bias of 0: only the scope shows what was folded
        (False, _convolutions([], "_native_batch_norm_legit_no_training_1"), "the same biases here"),
        (False, _convolutions([], "conv2d"), None),
        (True, _convolutions(["a.bias", "b.bias"]), None),
    ],
)  # fmt: skip
def test_norms_are_folded_where_the_file_shows_it(
    tmp_path: Path, bias: bool, data: bytes, expected: str | None
) -> None:
    """Two convolutions of 16 weights, with biases of 4 or none, and two norms of 2 · 4 params and as many statistics."""
    conv = f"  - conv: {{out_channels: 4, kernel_size: 1, bias: {str(bias).lower()}}}\n  - batchnorm\n"
    (tmp_path / "whole.yaml").write_text(f"input: [4, 2, 2]\nlayers:\n{conv}{conv}", "utf-8")
    (tmp_path / "net.onnx").write_bytes(data)
    done = cnncalc("compare", str(tmp_path / "whole.yaml"), str(tmp_path / "net.onnx"))
    last = " ".join(done.out.split("Layers: ")[-1].split("\n")[1:]).strip()
    text = "2 batch norms of whole are folded into layers of net: 16 params and 16 buffers there, {}. "
    assert last == (f"{text.format(expected)}That explains the whole difference in params." if expected else "")


def test_what_other_layers_share_explains_the_rest(tmp_path: Path) -> None:
    """A norm of 2 · 4 params is folded into a bias of 4; of three biases of 4, which are all 0, one tensor is stored.

    PyTorch's exporter gives each operator its own name for it.
    """
    conv = "  - conv: {out_channels: 4, kernel_size: %s}\n"
    (tmp_path / "whole.yaml").write_text(
        f"input: [4, 2, 2]\nlayers:\n{conv % '2, bias: false'}  - batchnorm\n{2 * (conv % 1)}", "utf-8"
    )
    nodes = [
        node("Identity", ["onnx::Conv_9"], ["onnx::Conv_7"]),
        node("Identity", ["onnx::Conv_9"], ["b.bias"]),
        node("Conv", ["x", "onnx::Conv_6", "onnx::Conv_7"], ["h"], name="one"),
        node("Conv", ["h", "b.weight", "b.bias"], ["i"], name="two"),
        node("Conv", ["i", "c.weight", "onnx::Conv_9"], ["y"], name="three"),
    ]
    sizes = {"onnx::Conv_6": 2, "b.weight": 1, "c.weight": 1}
    stored: dict[str, Any] = {name: np.full((4, 4, size, size), 0.5, np.float32) for name, size in sizes.items()}
    stored["onnx::Conv_9"] = np.zeros(4, np.float32)
    (tmp_path / "net.onnx").write_bytes(model(nodes, {"x": ["N", 4, 2, 2]}, ["y"], stored))
    done = cnncalc("compare", str(tmp_path / "whole.yaml"), str(tmp_path / "net.onnx"))
    assert "batch norms are folded into 2 convolutions" in done.err  # "three" may have had one, by its name
    assert " ".join(done.out.split("Layers: ")[-1].split("\n")[1:]).strip() == (
        "1 batch norm of whole is folded into layers of net: 8 params and 8 buffers there, 4 more biases here. That "
        "explains −4 params of −12; tensors that several other layers share, and that count once, explain the rest."
    )


@pytest.mark.parametrize("word", ["/act/Mul", "/act/Sigmoid", "silu", "/act/Sigmoid_output_0"])
def test_a_layer_is_found_by_the_names_in_the_file(tmp_path: Path, word: str) -> None:
    """Viewers show the names of operators and of tensors; two operators are one silu here."""
    nodes = [
        node("Conv", ["x", "w"], ["h"], name="/conv/Conv"),
        node("Sigmoid", ["h"], ["/act/Sigmoid_output_0"], name="/act/Sigmoid"),
        node("Mul", ["h", "/act/Sigmoid_output_0"], ["silu"], name="/act/Mul"),
    ]
    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, {"x": ["N", 1, 4, 4]}, ["silu"], {"w": np.ones((1, 1, 1, 1), np.float32)}))
    done = cnncalc("explain", str(path), word)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("act   silu   1×4×4 → 1×4×4\n")
    assert [cnncalc("explain", str(path), name).out.split()[0] for name in ("w", "h")] == ["conv", "conv"]
    assert cnncalc("explain", str(path), "Mul").err.startswith("'net' has no layer 'Mul'\n")


def test_the_names_that_operators_do_not_have_find_no_layer(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(model([node("Relu", ["x"], ["y"])], {"x": ["N", 1]}, ["y"]))
    assert cnncalc("explain", str(path), "").err.startswith("'net' has no layer ''\n")


def test_params_that_count_with_another_layer_are_explained(tmp_path: Path) -> None:
    """Each convolution has 4 · 4 weights; its bias of 4 is that of the first one, too."""
    path = tmp_path / "net.onnx"
    path.write_bytes(_convolutions(["onnx::Conv_1", "onnx::Conv_1"]))
    text = "params count here: in the file, tensors are shared with an earlier layer"
    first, second = [" ".join(cnncalc("explain", str(path), name).out.split()) for name in "ab"]
    assert text not in first
    assert "= weight + bias = 16 + 4 = 20" in second
    assert f"16 {text}" in second
    assert "weights = params·4 = 16·4 = 64" in second


def test_a_model_without_a_layer_is_no_spec(tmp_path: Path) -> None:
    """The model has a single operator, which returns its input."""
    path = tmp_path / "nothing.onnx"
    path.write_bytes(model([node("Identity", ["x"], ["y"])], {"x": ["N", 3, 8, 8]}, ["y"]))
    for command in (["import"], ["export", "--to", "torch"]):
        assert cnncalc(*command, str(path)) == (2, "", "'nothing' has no layer to write\n")


def test_outputs_that_are_named_by_numbers_are_in_quotes(tmp_path: Path) -> None:
    """PyTorch's exporter names an output by a number if nobody gives it a name."""
    path = tmp_path / "net.onnx"
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 6, 6]) for name in ("x", "12")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["12"], name="relu")], "g", ports[:1], ports[1:])
    path.write_bytes(helper.make_model(graph).SerializeToString())
    assert "\noutput       '12' 4×6×6\n" in cnncalc("summary", str(path)).out
    assert "· output '12' 4×6×6 ·" in cnncalc("draw", str(path), "--format", "html").out
    assert ">output '12' 4×6×6</text>" in cnncalc("draw", str(path)).out
