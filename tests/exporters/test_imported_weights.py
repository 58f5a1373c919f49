"""A model's weights under an imported spec's own names: the spec computes what the model computes."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from cnncalc.network import Network, load, loads
from tests.commands import cnncalc
from tests.exporters.models import agrees, exported, read_again, spec_text
from tests.importers.models import FOLDER, model, network, node, runtime

LEGS = """
input: {a: [3, 8, 8], b: [3, 8, 8]}
blocks:
  leg:
    layers: [conv: {out_channels: 4, kernel_size: 3}, batchnorm, relu, flatten, linear: 5]
layers:
  - leg:
    from: a
    name: one
  - leg:
    from: b
    weights: one
  - subtract:
    from: [one, leg1]
"""

TRANSFORMER = """
input: [3, 16, 16]
blocks:
  heads:
    layers: [linear: {out_features: 24, axis: -1}, reshape: [4, 4, 6], permute: [1, 0, 2]]
  layer:
    layers:
      - layernorm: [-1]
        name: normed
      - heads:
        name: q
      - heads:
        from: normed
        name: k
      - heads:
        from: normed
        name: v
      - attention:
        from: [q, k, v]
      - permute: [1, 0, 2]
      - reshape: [4, 24]
      - linear: {out_features: 24, axis: -1}
        name: projected
      - add:
        from: [projected, input]
layers:
  - conv: {out_channels: 24, kernel_size: 8, stride: 8}
  - reshape: [24, 4]
  - permute: [1, 0]
  - shift: [4, 24]
  - layer:
    repeat: 3
  - mean: {axis: [0]}
  - linear: 10
"""

RECURRENT = "input: [6, 5]\nlayers: [lstm: {hidden_size: 7, bidirectional: true}, linear: {out_features: 3, axis: -1}]"

WRITTEN = {"siamese": LEGS, "transformer": TRANSFORMER, "lstm": RECURRENT}

SHIPPED = {  # with a small input, for speed
    "resnet8": None, "cifar_resnet20": None, "eegnet_4_2": None, "shufflenet_v2_x0_5": (3, 64, 64),
    "mobilenet_v2_0.35_96": (3, 64, 64), "mobilenet_v3_small": (3, 64, 64), "densenet_40_12": (3, 16, 16),
    "squeezenet1_1": (3, 64, 64), "ghostnet_0.5": (3, 64, 64),
}  # fmt: skip


@pytest.mark.parametrize("name", [*WRITTEN, *SHIPPED])
def test_a_spec_with_a_models_weights_computes_what_the_model_computes(name: str, tmp_path: Path) -> None:
    net, file, path = tmp_path / "net.yaml", tmp_path / "net.safetensors", tmp_path / "model.onnx"
    original = loads(WRITTEN[name]) if name in WRITTEN else load(name, input=SHIPPED[name])
    original.export(path)
    done = cnncalc("import", str(path), "-o", str(net), "--weights", str(file))
    assert done.code == 0, done.err
    one, other = load(path), load(net)
    assert other.summary().totals.params == original.summary().totals.params
    random = np.random.default_rng(5)
    feeds = [random.standard_normal((2, *shape)).astype(np.float32) for shape in _shapes(one)]
    found = other.run(dict(zip(other.inputs, feeds, strict=True)), weights=str(file)).outputs.values()
    expected = one.run(dict(zip(one.inputs, feeds, strict=True))).outputs.values()
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-6 * float(np.abs(a).max()))


def _shapes(network: Network) -> list[tuple[int, ...]]:
    return [tensor.shape for tensor in network.inputs.values()]


def _called_twice(kind: str) -> Network:
    """Return a model that calls one module twice, or two modules with equal tensors, which exporters store once."""
    weights = {"w": np.full((4, 4), 0.5, np.float32), "b": np.ones(4, np.float32)}
    if kind == "twice":
        weights["w"] = np.arange(16, dtype=np.float32).reshape(4, 4)
    nodes = [
        node("Gemm", ["x", "w", "b"], ["y"], transB=1, name="/fc/Gemm"),
        node("Relu", ["y"], ["z"]),
        node("Identity", ["w"], ["again"]),
        node("Gemm", ["z", "again", "b"], ["out"], transB=1, name="/fc/Gemm_1"),
    ]
    return network(model(nodes, {"x": ["N", 4]}, ["out"], weights))


def test_a_module_that_is_called_twice_has_its_weights_once() -> None:
    graph = _called_twice("twice")
    text = spec_text(graph)
    assert "  - linear: 4\n    weights: fc_1\n" in text
    assert loads(text).summary().totals.params == graph.summary().totals.params == 4 * 4 + 4
    assert [node.shares for node in graph.nodes] == [None, None, graph.nodes[0]]


def test_a_class_token_that_is_joined_and_added_exists_once(tmp_path: Path) -> None:
    """As in CaiT, which adds the token to the class attention's output; the spec and the other files have it once."""
    nodes = [
        node("Concat", ["cls_token", "x"], ["c"], axis=1),
        node("ReduceMean", ["c"], ["m"], axes=[1], keepdims=1),
        node("Add", ["cls_token", "m"], ["y"]),
    ]
    token = np.array([[[1, 2, 4]]], np.float32)
    data = model(nodes, {"x": [1, 1, 3]}, ["y"], {"cls_token": token})
    graph = network(data)
    x = np.array([[[3, 0, 0]]], np.float32)
    np.testing.assert_allclose(graph.run(x).outputs["y"], [[[3, 3, 6]]])  # (1 + 3) / 2 + 1, (2 + 0) / 2 + 2, …
    path, again = tmp_path / "net.onnx", tmp_path / "again.onnx"
    path.write_bytes(data)
    cnncalc("export", str(path), "-o", str(again))
    made = [graph, load(str(again)), loads(cnncalc("import", str(path)).out)]
    assert [one.summary().totals.params for one in made] == [3, 3, 3]


def test_tensors_that_are_equal_by_chance_are_not_shared() -> None:
    graph = _called_twice("equal")
    assert "weights:" not in spec_text(graph)
    assert graph.summary().totals.params == 4 * 4 + 4  # the file holds them once


def test_a_tensor_used_in_another_way_is_not_shared() -> None:
    w = np.arange(16, dtype=np.float32).reshape(4, 4)
    nodes = [
        node("Gemm", ["x", "w"], ["y"], transB=1),
        node("Gemm", ["y", "w"], ["out"]),
    ]
    graph = network(model(nodes, {"x": ["N", 4]}, ["out"], {"w": w}))
    assert [node.shares for node in graph.nodes] == [None, None]
    x = np.eye(4, dtype=np.float32)
    np.testing.assert_allclose(graph.run(x).output, x @ w.T @ w, rtol=1e-6)


def test_tensors_that_were_not_learned_are_no_params_of_the_spec() -> None:
    nodes = [node("Mul", ["x", "mask"], ["y"]), node("Gemm", ["y", "w"], ["z"], transB=1)]
    weights = {"mask": np.arange(4, dtype=np.float32), "w": np.ones((3, 4), np.float32)}
    graph = network(model(nodes, {"x": ["N", 4]}, ["z"], weights))
    text = spec_text(graph)
    assert "scale: {trainable: false}" in text
    totals = loads(text).summary().totals
    assert (totals.params, totals.buffers) == (12, 4)


# --- the command ---------------------------------------------------------------------------------------------


def _model(folder: Path) -> str:
    path = folder / "model.onnx"
    load("resnet8").export(path)
    return str(path)


def test_no_file_is_written_over_without_consent(tmp_path: Path) -> None:
    file = tmp_path / "w.npz"
    file.write_text("mine")
    done = cnncalc("import", _model(tmp_path), "--weights", str(file))
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(f"--weights {file}: the file exists\n  hint: --force overwrites it\n")
    assert file.read_text() == "mine"
    assert cnncalc("import", _model(tmp_path), "--weights", str(file), "--force").code == 0
    assert file.read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(
    ("source", "file", "message"),
    [
        ("resnet8", "w.npz", "resnet8 has no weights of its own\n  hint: 'cnncalc weights SPEC -o FILE' writes random ones"),
        ("MODEL", "w.npy", "can't write arrays to {path}\n  hint: name a file that ends in .npz or .safetensors"),
        ("MODEL", "no/w.npz", "can't write {path}: there is no folder {folder}/no"),
        ("MODEL", "net.yaml", "-o and --weights both name {path}"),
    ],
)  # fmt: skip
def test_weights_that_cant_be_written(source: str, file: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / file
    spec = _model(tmp_path) if source == "MODEL" else source
    done = cnncalc("import", spec, "-o", str(tmp_path / "net.yaml"), "--weights", str(path))
    assert (done.code, done.out) == (2, "")
    assert done.err.strip() == message.format(path=path, folder=tmp_path)
    assert not path.exists()
    assert not (tmp_path / "net.yaml").exists()


def test_a_quantised_models_weights_are_refused(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "s", "zero"], ["d"]),
        node("Gemm", ["d", "w"], ["y"], transB=1),
    ]
    constants = {"s": np.float32(0.1), "zero": np.uint8(3), "w": np.ones((3, 4), np.float32)}
    path = tmp_path / "q.onnx"
    path.write_bytes(model(nodes, {"x": ["N", 4]}, ["y"], constants))
    done = cnncalc("import", str(path), "--weights", str(tmp_path / "w.npz"))
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"{path} is quantised, and a spec can't say how its tensors are rounded\n"
        "  hint: 'cnncalc run' runs the file itself\n"
    )


def test_files_beside_a_model_are_not_written_over(tmp_path: Path) -> None:
    made: Any = onnx.load(_model(tmp_path))
    onnx.save(made, tmp_path / "beside.onnx", save_as_external_data=True, location="held.npz", size_threshold=0)
    before = (tmp_path / "held.npz").read_bytes()
    for command in (["weights", "-o"], ["import", "--force", "--weights"]):
        done = cnncalc(command[0], str(tmp_path / "beside.onnx"), *command[1:], str(tmp_path / "held.npz"))
        assert done.code == 2
        assert done.err.endswith("held.npz: this command reads that file and won't overwrite it\n")
    assert (tmp_path / "held.npz").read_bytes() == before


@pytest.mark.parametrize("command", ["weights", "import"])
def test_one_tensor_at_a_time_is_in_memory(command: str, tmp_path: Path) -> None:
    layers = "".join("  - linear: {out_features: 512, bias: false}\n" for _ in range(16))  # of 1 MiB each
    loads(f"input: [512]\nlayers:\n{layers}").export(tmp_path / "model.onnx")
    arguments = ["-o"] if command == "weights" else ["--weights"]
    tracemalloc.start()
    try:
        done = cnncalc(command, str(tmp_path / "model.onnx"), *arguments, str(tmp_path / "w.safetensors"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert done.code == 0, done.err
    assert (tmp_path / "w.safetensors").stat().st_size > 16 << 20
    assert peak < 6 << 20


@pytest.mark.parametrize("option", ["--seed", "--dtype"])
def test_random_tensors_are_not_those_of_a_model(option: str, tmp_path: Path) -> None:
    value = "1" if option == "--seed" else "float64"
    done = cnncalc("weights", str(FOLDER / "resnet14t.onnx"), "-o", str(tmp_path / "w.npz"), option, value)
    assert done.code == 2
    assert f"{option} is for random tensors, but " in done.err


def test_constants_are_read_each_time_that_they_are_needed() -> None:
    """A file standardises its weights, and also uses them unchanged (arXiv:1903.10520)."""
    # more elements than are computed at once
    w = np.random.default_rng(2).standard_normal((64, 64, 3, 3)).astype(np.float32)
    nodes = [
        node("ReduceMean", ["w"], ["mean"], axes=[1, 2, 3]), node("Sub", ["w", "mean"], ["apart"]),
        node("Mul", ["apart", "apart"], ["squares"]), node("ReduceMean", ["squares"], ["variance"], axes=[1, 2, 3]),
        node("Sqrt", ["variance"], ["deviation"]), node("Div", ["apart", "deviation"], ["standard"]),
        node("Conv", ["x", "standard"], ["y"]), node("Conv", ["y", "apart"], ["z"]),
    ]  # fmt: skip
    data = model(nodes, {"x": ["N", 64, 6, 6]}, ["z"], {"w": w})
    graph = network(data)
    assert graph.model.tensors is not None
    held = graph.model.tensors()
    apart = w - w.mean((1, 2, 3), keepdims=True)
    expected = {"w": apart / np.sqrt((apart**2).mean((1, 2, 3), keepdims=True)), "conv2.weight": apart}
    for _ in range(2):
        for name, array in expected.items():
            assert name in held
            np.testing.assert_allclose(held[name], array, rtol=1e-5, atol=1e-6)
    x = np.random.default_rng(3).standard_normal((2, 64, 6, 6)).astype(np.float32)
    (made,) = runtime(data, {"x": x})
    np.testing.assert_allclose(graph.run(x).output, made, rtol=1e-3, atol=1e-3)


def test_stored_indices_of_many_elements_are_exported_once_for_all_samples() -> None:
    """PyTorch's newer exporter writes an adaptive pooling with uneven bins as indices of four axes (CSATv2)."""
    places = np.random.default_rng(4).integers(0, 30, (70, 70))  # more than are listed in a layer
    graph = network(model([node("Gather", ["x", "i"], ["y"], axis=2)], {"x": ["N", 2, 30]}, ["y"], {"i": places}))
    assert [item.layer.type for item in graph.nodes] == ["parameter", "gather"]
    agrees(graph)
    assert [item.layer.type for item in read_again(graph).nodes][-1] == "gather"
    assert b"GatherND" not in exported(graph)


@pytest.mark.parametrize(("shape", "axis"), [((7,), 0), ((2, 7, 6), 1), ((7, 2), 0), ((2, 7), -1)])
def test_a_table_that_all_samples_share_is_read_at_the_indices_of_each(shape: tuple[int, ...], axis: int) -> None:
    """As a classifier looks up its labels; the exported file was refused when it was read again."""
    spec = "input: [3, 7, 4]\nlayers:\n  - argmax: [1]\n    name: places\n"
    spec += f"  - parameter: {list(shape)}\n    name: table\n  - gather: {{axis: {axis}}}\n    from: [table, places]\n"
    graph = loads(spec)
    agrees(graph)
    assert b"GatherND" not in exported(graph)
    again = read_again(graph)
    assert [one.shape for one in again.outputs.values()] == [one.shape for one in graph.outputs.values()]
