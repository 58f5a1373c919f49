"""A graph as a spec: reading it gives the same graph, and it is as short as a person would write it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cnncalc.exporters.spec import difference
from cnncalc.figures.costs import sums
from cnncalc.importers.onnx.load import read_model_bytes
from cnncalc.network import Network, load, loads
from tests.commands import cnncalc
from tests.exporters.models import chain, spec_text
from tests.importers.models import FOLDER, imported, model, node, stored
from tests.layers.building import make

NAMES = sorted(path.stem for path in FOLDER.glob("*.onnx"))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_file_is_the_same_network_as_a_spec(name: str) -> None:
    graph = stored(name).build()
    again = loads(spec_text(graph))
    assert sums(again.nodes) == sums(graph.nodes)
    assert [node.shape for node in again.nodes] == [node.shape for node in graph.nodes]


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("resnet50", 61),  # the number of lines of a first version
        ("densenet121", 55),
        ("mobilenet_v2", 58),
    ],
)
def test_repeated_scopes_are_blocks(name: str, most: int) -> None:
    network = load(name)
    text = spec_text(network)
    assert text.count("\n") <= most
    assert sums(loads(text).nodes) == sums(network.nodes)


def test_a_residual_block_reads_as_one_would_write_it() -> None:
    text = spec_text(stored("dynamo_resnet18").build())
    assert (
        "  layer:\n"
        "    layers:\n"
        "      - conv: {out_channels: in_channels, kernel_size: 3, padding: 1}\n"
        "      - relu\n"
        "      - conv: {out_channels: in_channels, kernel_size: 3, padding: 1}\n"
        "        name: conv_1\n"
        "      - add:\n"
        "        from: [conv_1, input]\n"
        "      - relu\n"
    ) in text
    assert "  - layer:\n    repeat: 2\n" in text


def test_only_related_figures_become_a_formula() -> None:
    """In one place of EfficientNet-B0 (arXiv:1905.11946), 240 channels happen to be 80 times a kernel size of 3."""
    text = spec_text(load("efficientnet_b0"))
    assert "padding: kernel_size // 2" in text
    assert "  - conv_bn: {out_channels: 6 * in_channels, kernel_size: 1}\n" in text
    assert "  - squeeze_excite: {hidden_channels: in_channels // 24}\n" in text  # a quarter of the block's input
    assert "  squeeze_excite:\n    args: {hidden_channels, out_channels: in_channels}\n" in text
    assert "* kernel_size" not in text
    assert "* padding" not in text


def scoped(*places: tuple[str, int, int]) -> str:
    """Return the spec of a model of convolutions, each with a relu in its scope: (scope, channels, kernel size)."""
    nodes, weights, source, channels = [], {}, "x", 3
    for number, (scope, width, size) in enumerate(places):
        weights[f"{scope.replace('/', '.')}.conv.weight"] = np.ones((width, channels, size, size), np.float32)
        nodes += [
            node(
                "Conv", [source, f"{scope.replace('/', '.')}.conv.weight"], [f"c{number}"], name=f"/{scope}/conv/Conv"
            ),
            node("Relu", [f"c{number}"], [f"r{number}"], name=f"/{scope}/act/Relu"),
        ]
        source, channels = f"r{number}", width
    return spec_text(read_model_bytes(model(nodes, {"x": ["N", 3, 40, 40]}, [source], weights), "m.onnx").build())


@pytest.mark.parametrize(
    ("scopes", "name"),
    [
        (("inception3a", "inception4a"), "inception"),  # names in torchvision's GoogLeNet and Inception v3
        (("Mixed_5b", "Mixed_6c"), "Mixed"),
        (("branch1x1", "Conv2d_1a_3x3"), "conv_relu"),  # blocks are named by their layers
        (("stage/conv3x3", "other/conv3x3"), "conv3x3"),
        (("layer1/0", "layer2/0"), "layer"),
        (("s1", "s2"), "s"),
        (("branches/0", "branches/1"), "branch"),
        (("unit_1", "unit_1"), "unit"),
    ],
)
def test_a_block_is_named_after_its_scopes(scopes: tuple[str, str], name: str) -> None:
    text = scoped(*[(f"part{i}/{scope}", 4 + i, 1 + 2 * i % 4) for i, scope in enumerate(scopes * 4)])
    assert f"blocks:\n  {name}:\n    args: {{out_channels, kernel_size" in text


def test_a_short_scope_becomes_a_block_only_where_it_saves_lines() -> None:
    """A block of two lines is declared in three: six uses save a line."""
    assert "blocks:" not in scoped(*[(f"part{i}/unit", 4, 1 + 2 * i) for i in range(5)])
    assert "blocks:\n  unit:\n" in scoped(*[(f"part{i}/unit", 4, 1 + 2 * i) for i in range(6)])


def test_an_item_does_not_have_a_blocks_name() -> None:
    """The legs are called leg_1, leg_2, …; a second block of that name is leg_b."""
    kinds = ["one", "one", "one", "two", "two"]
    legs = "".join(f"  - {kind}:\n    from: input\n    name: leg{i}\n" for i, kind in enumerate(kinds))
    graph = loads(
        "input: [4]\nblocks: {one: {layers: [relu, sigmoid]}, two: {layers: [tanh, relu]}}\n"
        f"layers:\n{legs}  - add:\n    from: [leg0, leg1, leg2, leg3, leg4]\n"
    )
    text = spec_text(graph)
    called = set(re.findall(r"^    name: (\w+)$", text, re.MULTILINE))
    assert len(called) == 5
    assert not called & set(re.findall(r"^  (\w+):$", text, re.MULTILINE))


def test_parts_of_the_incoming_channels_are_said_inside_of_a_block() -> None:
    """A squeeze to a quarter (arXiv:1709.01507, section 3.2) and groups of 8 channels (arXiv:2003.13678, section 4)."""
    text = spec_text(
        loads("""
input: [32, 1, 1]
blocks:
  squeeze:
    args: {out}
    layers:
      - global_avgpool
      - conv: {out_channels: out, kernel_size: 1}
      - relu
      - conv: {out_channels: 4 * out, kernel_size: 1}
  grouped:
    args: {out, groups}
    layers:
      - conv: {out_channels: out, kernel_size: 1}
      - relu
      - conv: {out_channels: out, kernel_size: 1, groups: groups}
      - tanh
layers:
  - grouped: {out: 32, groups: 4}
  - squeeze: {out: 8}
  - grouped: {out: 64, groups: 8}
  - squeeze: {out: 16}
""")
    )
    assert "  - grouped: {out_channels: 32}\n  - squeeze\n" in text
    assert "conv: {out_channels: in_channels // 4, kernel_size: 1}\n" in text
    assert "kernel_size: 1, groups: in_channels // 8}\n" in text


def test_sizes_of_each_axis_are_arguments_of_a_block() -> None:
    """Inception v3 has 1×7 and 7×1 in place of 7×7 (arXiv:1512.00567, section 3.2)."""
    text = spec_text(
        loads(
            """
input: [8, 17, 17]
blocks:
  part:
    args: {kernel, padding}
    layers:
      - conv: {out_channels: 8, kernel_size: kernel, padding: padding, bias: false}
      - batchnorm
      - relu
layers:
"""
            + 3
            * """
  - part: {kernel: [1, 7], padding: [[0, 0], [3, 3]]}
  - part: {kernel: [7, 1], padding: [[3, 3], [0, 0]]}
"""
        )
    )
    assert "  part:\n    args: {kernel_size, padding}\n" in text
    assert "  - part: {kernel_size: [7, 1], padding: [[3, 3], [0, 0]]}\n" in text


def test_ceil_mode_is_written_once() -> None:
    nodes = [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)]
    text = spec_text(read_model_bytes(model(nodes, {"x": ["N", 3, 8, 8]}, ["y"]), "m.onnx").build())
    assert "  - maxpool: {kernel_size: 3, stride: 2, ceil_mode: true}\n" in text


def test_sizes_that_are_kept_are_written_for_each_axis() -> None:
    assert "  - adaptive_avgpool: [null, null]\n" in spec_text(
        loads("input: [3, 8, 8]\nlayers:\n  - adaptive_avgpool: [null, null]\n")
    )


def test_a_difference_is_found() -> None:
    graph = stored("test_efficientnet").build()
    text = spec_text(graph)
    assert difference(graph, loads(text)) == ""
    changed = loads(text.replace("stride: 2", "stride: 1", 1))
    assert difference(graph, changed) == "'blocks.1.0.conv_exp' is not the same"
    assert difference(graph, loads(text + "  - relu\n")).startswith("it has ")


def test_other_weights_are_a_difference() -> None:
    text = "input: [4]\nlayers:\n  - linear: 4\n    name: one\n  - linear: 4\n"
    graph, other = loads(text), loads(f"{text}    weights: one\n")
    assert difference(graph, graph) == difference(other, other) == ""
    assert difference(graph, other) == "'fc1' has other weights"


def test_outputs_that_are_inputs_have_names_of_their_own() -> None:
    written = "input: {a: [2, 4], b: [2, 4]}\nlayers:\n  - add: {from: [a, b]}\noutputs: [b, add1]\n"
    text = written.replace("add: {from: [a, b]}", "add:\n    from: [a, b]")
    graph = loads(text)
    assert difference(graph, loads(text)) == ""
    assert difference(graph, loads(text.replace("outputs: [b", "outputs: [a"))) == "it has other outputs"


@pytest.mark.parametrize("title", ['my "net"', "it's", "a: b", "# net", "tab\tnet", "back\\slash", "[net]", "ünï"])
def test_any_title_can_be_written(title: str) -> None:
    graph = loads(f"name: {json.dumps(title)}\ninput: [4]\nlayers:\n  - relu\n")
    assert loads(spec_text(graph)).title == title


def test_an_output_with_two_names_is_one_of_the_specs() -> None:
    copied = model([node("Relu", ["x"], ["y"]), node("Identity", ["y"], ["z"])], {"x": ["N", 4]}, ["y", "z"])
    assert spec_text(imported(copied).graph).splitlines()[-2:] == ["layers:", "  - relu"]


def test_several_inputs_and_outputs() -> None:
    nodes = [
        node("Conv", ["a", "w"], ["c"]), node("Relu", ["c"], ["r"]), node("Add", ["r", "b"], ["s"]),
        node("Sigmoid", ["s"], ["t"]),
    ]  # fmt: skip
    import numpy as np

    from tests.importers.models import network

    data = model(
        nodes, {"a": ["N", 3, 6, 6], "b": ["N", 4, 6, 6]}, ["r", "t"], {"w": np.ones((4, 3, 1, 1), np.float32)}
    )
    made: Network = network(data)
    again = loads(spec_text(made))
    assert list(again.inputs) == ["a", "b"]
    assert [tensor.shape for tensor in again.outputs.values()] == [(4, 6, 6), (4, 6, 6)]


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    done = cnncalc("import", str(FOLDER / "test_byobnet.onnx"), "-o", str(path))
    assert (done.code, done.out) == (0, "")
    assert "layers, each the same when it is read again" in done.err
    assert load(path).summary().totals.macs == 31_142_144  # PyTorch's, see data/onnx/truth.json
    again = cnncalc("import", str(FOLDER / "test_byobnet.onnx"), "-o", str(path))
    assert (again.code, again.err.splitlines()[-2:]) == (
        2,
        [f"-o {path}: the file exists", "  hint: --force overwrites it"],
    )


def test_a_growing_concatenation_reuses_the_last_one() -> None:
    """A file of a DenseNet joins all earlier outputs before each layer, in the scope of that layer."""
    weights = {f"block.layer{i}.conv.weight": np.ones((2, 4 + 2 * (i - 1), 1, 1), np.float32) for i in (1, 2, 3)}
    nodes, joined = [], ["x"]
    for i in (1, 2, 3):
        source = joined[0]
        if i > 1:
            source = f"c{i}"
            nodes.append(node("Concat", joined, [source], axis=1, name=f"/block/layer{i}/Concat"))
        nodes.append(node("Relu", [source], [f"r{i}"], name=f"/block/layer{i}/relu/Relu"))
        nodes.append(
            node("Conv", [f"r{i}", f"block.layer{i}.conv.weight"], [f"f{i}"], name=f"/block/layer{i}/conv/Conv")
        )
        joined.append(f"f{i}")
    nodes.append(node("Concat", joined, ["y"], axis=1, name="/block/Concat"))
    graph = Network.of(read_model_bytes(model(nodes, {"x": ["N", 4, 5, 5]}, ["y"], weights), "dense.onnx").build())
    text = spec_text(graph)
    assert "  - layer:\n    repeat: 3\n" in text
    assert "      - concat:\n        from: [input, conv_1]\n" in text
    assert sums(loads(text).nodes) == sums(graph.nodes)


def test_tensors_that_a_model_makes_of_fewer_numbers_are_noted() -> None:
    """A range of three numbers becomes a factor of 2·4, which the spec stores."""
    nodes = [node("Range", ["z", "f", "o"], ["r"]), node("Expand", ["r", "s"], ["e"]), node("Mul", ["x", "e"], ["y"])]
    numbers = {"z": np.float32(0), "f": np.float32(4), "o": np.float32(1), "s": np.array([2, 4])}
    done = cnncalc("import", "-", stdin=model(nodes, {"x": ["N", 2, 4]}, ["y"], numbers))
    assert (done.code, done.out.splitlines()[-1]) == (0, "  - scale: {shape: [2, 4], trainable: false}")
    assert done.err.startswith("note: the spec has 8 buffers, the model 3: some tensors are shared, made of others, or")


def test_blocks_that_read_one_mask_have_it_as_an_input() -> None:
    """Two blocks of a decoder, each with a mask that its module computes from its own, equal buffer."""
    nodes, x = [], "x"
    for number in range(2):
        at = f"/h.{number}"
        y = f"y{number}"
        nodes += [
            node("Equal", ["bias", "zero"], [f"m{number}"], name=f"{at}/Equal"),
            node("Where", [f"m{number}", "minus", x], [f"w{number}"], name=f"{at}/Where"),
            node("Softmax", [f"w{number}"], [f"s{number}"], axis=-1, name=f"{at}/Softmax"),
            node("Add", [x, f"s{number}"], [y], name=f"{at}/Add"),
        ]
        x = y
    constants = {"bias": np.tril(np.ones((4, 4), np.float32)), "zero": np.float32(0), "minus": np.float32(-np.inf)}
    text = spec_text(imported(model(nodes, {"x": ["N", 2, 4, 4]}, [x], constants)).graph)
    assert text.partition("blocks:\n")[2] == (
        "  h:\n"
        "    layers:\n"
        "      - where: -inf\n"
        "        from: [input1, input2]\n"
        "      - softmax: 2\n"
        "        name: softmax_1\n"
        "      - add:\n"
        "        from: [input2, softmax_1]\n"
        "layers:\n"
        "  - parameter: [1, 4, 4]\n"
        "    name: param_1\n"
        "  - h:\n"
        "    from: [param_1, input]\n"
        "    name: h_1\n"
        "  - h:\n"
        "    from: [param_1, h_1]\n"
    )


def test_long_arguments_are_written_in_several_lines() -> None:
    squares = [number * number % 97 for number in range(60)]
    network = loads(f"input: [97, 2]\nlayers:\n  - gather: {{indices: {squares}, axis: 0}}\n  - relu\n")
    text = spec_text(network)
    assert max(map(len, text.splitlines())) <= 118
    assert text.count("\n") > 5
    assert loads(text).nodes[0].layer.__dict__["indices"] == tuple(squares)
    lines = spec_text(load("resnet18")).splitlines()
    number = next(number for number, line in enumerate(lines) if line.count("{") > line.count("}"))
    assert (lines[number][-1], lines[number + 1].strip()) == (",", "bias: false}")


def test_sizes_follow_from_the_incoming_tensor() -> None:
    """Windows of 7×7 in maps of 56×56 and 28×28, as Swin (arXiv:2103.14030) has them; the numbers were literal."""
    graph = loads(
        "input: [56, 56, 96]\n"
        "blocks:\n"
        "  part:\n"
        "    args: {n, c}\n"
        "    layers:\n"
        "      - reshape: [n, 7, n, 7, c]\n"
        "      - permute: [0, 2, 1, 3, 4]\n"
        "      - reshape: {shape: [49, c], fold: n * n}\n"
        "      - linear: {out_features: 3 * c, axis: -1}\n"
        "      - reshape: [49, 3, c // 32, 32]\n"
        "      - permute: [1, 2, 0, 3]\n"
        "      - select\n"
        "      - permute: [1, 0, 2]\n"
        "      - reshape: [49, c]\n"
        "      - reshape: {shape: [n, n, 7, 7, c], unfold: n * n}\n"
        "      - permute: [0, 2, 1, 3, 4]\n"
        "      - reshape: [7 * n, 7 * n, c]\n"
        "layers:\n"
        "  - part: {n: 8, c: 96}\n"
        "  - reshape: [28, 28, 384]\n"
        "  - part: {n: 4, c: 384}\n"
        "  - reshape: [784, 384]\n"
    )
    text = spec_text(graph)
    assert text.partition("blocks:\n")[2] == (
        "  part:\n"
        "    args: {size, windows}\n"
        "    layers:\n"
        "      - reshape: [-1, 7, 'in_shape[1] // 7', 7, 'in_shape[2]']\n"
        "      - permute: [0, 2, 1, 3, 4]\n"
        "      - reshape: {shape: [49, -1], fold: 'in_shape[0] * in_shape[1]'}\n"
        "      - linear: {out_features: '3 * in_shape[-1]', axis: -1}\n"
        "      - reshape: [0, 3, -1, 32]\n"
        "      - permute: [1, 2, 0, 3]\n"
        "      - select\n"
        "      - permute: [1, 0, 2]\n"
        "      - reshape: [0, -1]\n"
        "      - reshape: {shape: [-1, size, 7, 7, 'in_shape[1]'], unfold: windows}\n"
        "      - permute: [0, 2, 1, 3, 4]\n"
        "      - reshape: [-1, 'in_shape[2] * in_shape[3]', 'in_shape[4]']\n"
        "layers:\n"
        "  - part: {size: 8, windows: 64}\n"
        "  - reshape: [28, 28, 384]\n"
        "  - part: {size: 4, windows: 16}\n"
        "  - reshape: [-1, 384]\n"
    )


def test_slices_follow_from_the_incoming_tensor() -> None:
    """The two halves of ShuffleNet v2 (arXiv:1807.11164), and a map rolled by 3 rows, as Swin's are."""
    text = spec_text(
        loads(
            "input: [116, 28, 28]\n"
            "blocks:\n"
            "  unit:\n"
            "    args: {c, h}\n"
            "    layers:\n"
            "      - slice: {stop: c}\n        name: one\n"
            "      - slice: {start: c}\n        from: input\n        name: two\n"
            "      - concat:\n        from: [two, one]\n        name: whole\n"
            "      - slice: {axis: 1, start: h}\n        name: low\n"
            "      - slice: {axis: 1, stop: h}\n        from: whole\n        name: high\n"
            "      - concat: 1\n        from: [low, high]\n"
            "layers:\n"
            "  - unit: {c: 58, h: 25}\n"
            "  - conv: {out_channels: 232, kernel_size: 1, stride: 2}\n"
            "  - unit: {c: 116, h: 11}\n"
        )
    )
    slices = re.findall(r"slice: (.*)", text)
    assert slices == [
        "{stop: in_channels // 2}",
        "{start: in_channels // 2}",
        "{axis: 1, start: -3}",
        "{axis: 1, stop: -3}",
    ]
    assert text.endswith("  - unit\n  - conv: {out_channels: 232, kernel_size: 1, stride: 2}\n  - unit\n")


def test_a_slice_that_stops_at_the_end_is_written_so() -> None:
    assert "  - slice: {start: 1, stop: 8}\n" in spec_text(
        loads("input: [8, 4]\nlayers:\n  - slice: {start: 1, stop: 8}\n")
    )


def test_slices_that_count_from_the_end_are_left_as_they_are() -> None:
    """28 + 13 is 30 + 11, but neither is a place that counts from the end."""
    item = "  - unit: {{a: {}}}\n  - conv: {{out_channels: {}, kernel_size: 1}}\n"
    unit = "blocks:\n  unit:\n    args: {a}\n    layers: [slice: {start: a}, tanh, sigmoid, relu]\n"
    text = spec_text(loads(f"input: [28, 4, 4]\n{unit}layers:\n{item.format(-13, 30)}{item.format(-11, 8)}"))
    assert "      - slice: {start: split}\n" in text
    assert re.findall("unit: (.*)", text) == ["{split: -13}", "{split: -11}"]


@pytest.mark.parametrize(
    ("first", "lines"),
    [
        ("windows", "layers:\n  - block:\n    repeat: 4\n"),
        ("flat", "  - tanh\n  - block:\n    repeat: 3\n"),  # the map is read, and what became the map
    ],
)
def test_a_scope_that_ends_in_a_reshape_is_a_block(first: str, lines: str) -> None:
    """The next scope reshapes its output again; the importer takes both reshapes together."""
    shapes = {"windows": np.array([-1, 2, 2, 8]), "flat": np.array([-1, 2, 16]), "map": np.array([-1, 4, 8])}
    nodes, x = [], "x"
    for number in range(4):
        y = x
        for place, item in enumerate((first, "Relu", "map", "Add", "flat", "Tanh", "map")):
            op, others = ("Reshape", [item]) if item in shapes else (item, [x] * (item == "Add"))
            nodes.append(node(op, [y, *others], [f"{number}.{place}"], name=f"/blocks.{number}/{op}_{place}"))
            y = f"{number}.{place}"
        x = y
    text = spec_text(imported(model(nodes, {"x": ["N", 4, 8]}, [x], shapes)).graph)
    assert lines in text


def test_a_layer_that_scopes_share_belongs_to_none() -> None:
    """Cells that read both cells before them, as NASNet (arXiv:1707.07012) has them, each through a relu.

    An exporter writes the relu of a tensor once, in the first cell that reads it.
    """
    nodes, before, last = [node("Relu", ["x"], ["r0"], name="/Relu")], "r0", "x"
    for number in range(1, 6):
        at, relu = f"/cell.{number}", f"r{number}"
        nodes += [
            node("Relu", [last], [relu], name=f"{at}/act/Relu"),
            node("Tanh", [relu], [f"t{number}"], name=f"{at}/Tanh"),
            node("Sigmoid", [before], [f"s{number}"], name=f"{at}/Sigmoid"),
            node("Mul", [f"t{number}", f"s{number}"], [f"y{number}"], name=f"{at}/Mul"),
        ]
        before, last = relu, f"y{number}"
    text = spec_text(imported(model(nodes, {"x": ["N", 3, 4, 4]}, [last])).graph)
    assert "blocks:\n  cell:\n    layers:\n      - tanh:\n        from: input1\n" in text
    assert text.count("- cell:\n") == 4  # nothing but the last cell reads its relu


def test_a_scope_with_two_outputs_is_two_blocks() -> None:
    """A transformer in a transformer (arXiv:2103.00112, equations 3 to 7): patches and their pixels go on separately."""
    nodes, pixels, patches = [], "pixels", "patches"
    for number in range(4):
        at, y = f"/blocks.{number}", f"y{number}"
        nodes += [
            node("Sin", [patches], [f"{y}.first"], name=f"{at}/Sin"),
            node("Relu", [pixels], [f"{y}.relu"], name=f"{at}/inner/Relu"),
            node("Tanh", [f"{y}.relu"], [f"{y}.tanh"], name=f"{at}/inner/Tanh"),
            node("Add", [pixels, f"{y}.tanh"], [f"{y}.pixels"], name=f"{at}/Add_1"),
            node("Sigmoid", [f"{y}.pixels"], [f"{y}.gate"], name=f"{at}/Sigmoid"),
            node("Mul", [f"{y}.first", f"{y}.gate"], [f"{y}.patches"], name=f"{at}/Mul"),
        ]
        pixels, patches = f"{y}.pixels", f"{y}.patches"
    shapes = {"pixels": ["N", 3, 4], "patches": ["N", 3, 4]}
    text = spec_text(imported(model(nodes, shapes, [pixels, patches])).graph)
    layers = text.partition("\nlayers:\n")[2]
    uses = re.findall(r"^  - (\w+):\n    from: (.*)\n", layers, re.MULTILINE)
    assert uses == [
        ("block", "pixels"), ("block_b", "[block_1, patches]"), ("block", "block_1"), ("block_b", "[block_2, block_b_1]"),
        ("block", "block_2"), ("block_b", "[block_3, block_b_2]"), ("block", "block_3"), ("block_b", "[block_4, block_b_3]"),
    ]  # fmt: skip


def flat(*text: str) -> str:
    """Return the text of a spec of a network whose layers have names without scopes."""
    return spec_text(loads("input: [64, 8, 8]\nlayers:\n" + "".join(text)))


RESIDUAL = (
    "  - conv: {{out_channels: 64, kernel_size: 3, padding: 1}}\n    from: {0}\n  - relu\n"
    "  - conv: {{out_channels: 64, kernel_size: 3, padding: 1}}\n    name: c{1}\n  - add:\n    from: [{0}, c{1}]\n    name: x{1}\n"
)


def test_equal_stretches_of_a_network_without_scopes_are_blocks() -> None:
    """Residuals, as in a model file that states no modules (Keras, PaddlePaddle)."""
    text = flat("  - relu:\n    name: x0\n", *[RESIDUAL.format(f"x{i}", i + 1) for i in range(4)], "  - flatten\n")
    assert text.partition("blocks:\n")[2] == (
        "  residual:\n"
        "    layers:\n"
        "      - conv: {out_channels: 64, kernel_size: 3, padding: 1}\n"
        "      - relu\n"
        "      - conv: {out_channels: 64, kernel_size: 3, padding: 1}\n"
        "        name: conv_1\n"
        "      - add:\n"
        "        from: [input, conv_1]\n"
        "layers:\n"
        "  - relu\n"
        "  - residual:\n"
        "    repeat: 4\n"
        "  - flatten\n"
    )


def test_repeated_layers_of_a_chain_are_a_block() -> None:
    """Separable convolutions, as MobileNet (arXiv:1704.04861) has them."""
    units = [
        f"  - conv: {{out_channels: {width}, kernel_size: 3, padding: 1, groups: {width}, bias: false}}\n  - batchnorm\n  - relu\n"
        f"  - conv: {{out_channels: {2 * width}, kernel_size: 1, bias: false}}\n  - batchnorm\n  - relu\n"
        for width in (64, 128, 256, 512)
    ]
    text = flat(*units, "  - flatten\n")
    assert text.partition("blocks:\n")[2] == (
        "  block:\n"
        "    args: {out_channels}\n"
        "    layers:\n"
        "      - conv: {out_channels: in_channels, kernel_size: 3, padding: 1, groups: in_channels, bias: false}\n"
        "      - batchnorm\n"
        "      - relu\n"
        "      - conv: {out_channels: out_channels, kernel_size: 1, bias: false}\n"
        "      - batchnorm\n"
        "      - relu\n"
        "layers:\n"
        "  - block: {out_channels: 128}\n"
        "  - block: {out_channels: 256}\n"
        "  - block: {out_channels: 512}\n"
        "  - block: {out_channels: 1024}\n"
        "  - flatten\n"
    )


def bottleneck(width: int, indent: str) -> str:
    """Return three convolutions; the last one's activation is called x."""
    parts = [(width, 1, "batchnorm"), (width, 3, "relu"), (64, 1, "tanh")]
    convs = [
        f"{indent}- conv: {{out_channels: {channels}, kernel_size: {size}, padding: {size // 2}, bias: false}}\n"
        f"{indent}- {below}:\n"
        for channels, size, below in parts
    ]
    return "".join(convs) + f"{indent}  name: x\n"


def test_what_blocks_have_in_common_is_a_block() -> None:
    """Blocks with and without a convolution beside their bottleneck (ResNet, arXiv:1512.03385, figures 2 and 5)."""
    uses = "  - one\n  - two\n  - relu\n" * 3
    text = spec_text(
        loads(f"""
input: [64, 8, 8]
blocks:
  one:
    layers:
{bottleneck(32, "      ")}
      - add:
        from: [x, input]
  two:
    layers:
{bottleneck(48, "      ")}
      - conv: {{out_channels: 64, kernel_size: 1}}
        from: input
        name: y
      - add:
        from: [x, y]
layers:
{bottleneck(16, "  ")}
{uses}
""")
    )
    assert (
        "  block:\n"
        "    args: {hidden_channels}\n"
        "    layers:\n"
        "      - conv: {out_channels: hidden_channels, kernel_size: 1, bias: false}\n"
        "      - batchnorm\n"
        "      - conv: {out_channels: in_channels, kernel_size: 3, padding: 1, bias: false}\n"
        "      - relu\n"
        "      - conv: {out_channels: 64, kernel_size: 1, bias: false}\n"
        "      - tanh\n"
    ) in text
    assert "      - block: {hidden_channels: 32}\n" in text
    assert "      - block: {hidden_channels: 48}\n" in text
    assert "  - block: {hidden_channels: 16}\n" in text


def test_short_stretches_are_named_after_their_layers() -> None:
    """VGG with batch norms (torchvision's vgg16_bn), as Keras writes it, without scopes."""
    unit = "  - conv: {{out_channels: {}, kernel_size: 3, padding: 1}}\n  - batchnorm\n  - relu\n"
    text = flat(*[unit.format(64 - number) for number in range(7)], "  - flatten\n")
    assert "blocks:\n  conv_bn_relu:\n    args: {out_channels}\n" in text


def test_layers_like_those_of_a_block_are_one_more_use_of_it() -> None:
    """An exporter has left a module's name away, or a part of it is shared."""
    text = spec_text(
        loads(
            "input: [64, 8, 8]\nblocks:\n  one:\n    layers:\n"
            + bottleneck(32, "      ")
            + f"layers:\n  - one\n  - one\n{bottleneck(32, '  ')}  - flatten\n"
        )
    )
    assert text.partition("layers:\n")[2].partition("\nlayers:\n")[2] == "  - one:\n    repeat: 3\n  - flatten\n"


@pytest.mark.parametrize(("strides", "is_block"), [((1, 1, 1, 1, 1, 1), True), ((2, 1, 1, 2, 2, 1), False)])
def test_stretches_that_differ_in_much_are_no_block(strides: tuple[int, ...], is_block: bool) -> None:
    """Beside its widths, a block may have two kernel sizes as arguments, but no stride as well."""
    units = [
        f"  - conv: {{out_channels: {31 - i}, kernel_size: {one}}}\n  - tanh\n"
        f"  - conv: {{out_channels: {63 - i}, kernel_size: {two}, stride: {stride}}}\n  - abs\n"
        for i, (one, two, stride) in enumerate(zip((1, 3, 3, 1, 3, 1), (3, 1, 3, 3, 1, 1), strides, strict=True))
    ]
    text = spec_text(loads("input: [64, 99, 99]\nlayers:\n" + "".join(units) + "  - flatten\n"))
    assert ("  - block: {" in text) == is_block


def test_a_block_does_not_part_a_convolution_from_its_norm_and_activation() -> None:
    """Inverted residuals (MobileNetV2, arXiv:1801.04381, table 1): all but their first layers are those of the first block."""
    rest = (
        "  - batchnorm\n  - relu6\n  - conv: {{out_channels: {0}, kernel_size: 3, padding: 1, groups: {0}, bias: false}}\n"
        "  - batchnorm\n  - relu6\n  - conv: {{out_channels: {1}, kernel_size: 1, bias: false}}\n  - batchnorm\n"
    )
    first = "  - conv: {{out_channels: {}, kernel_size: {}, padding: {}, stride: {}, bias: false}}\n"
    units = [first.format(32, 3, 1, 2) + rest.format(32, 16)]
    units += [first.format(6 * width, 1, 0, 1) + rest.format(6 * width, width + 8) for width in (16, 24, 32, 40)]
    lines = flat(*units, "  - flatten\n").splitlines()
    places = [number for number, line in enumerate(lines) if line.strip() == "layers:"]
    assert len(places) > 1
    assert not any(lines[number + 1].strip() in ("- batchnorm", "- relu6") for number in places)


@pytest.mark.parametrize(("count", "is_block"), [(3, False), (5, True)])
def test_repeated_layers_are_a_block_only_where_it_is_clearly_shorter(count: int, is_block: bool) -> None:
    """Three units of four layers take 12 lines, and 11 with a block: 4 of its declaration, 4 layers, 3 uses; five 20 and 13."""
    units = [
        f"  - conv: {{out_channels: {63 - i}, kernel_size: 1}}\n  - batchnorm\n  - relu\n  - tanh\n"
        for i in range(count)
    ]
    assert ("blocks:" in flat(*units, "  - flatten\n")) == is_block


def test_blocks_of_a_network_of_which_a_decoder_reads_early_maps() -> None:
    """A backbone of 60 layers whose first map is read again at the end, where there are two outputs."""
    body = [RESIDUAL.format(f"x{i}", i + 1) for i in range(14)]
    heads = "  - add:\n    from: [x0, x14]\n    name: a\n  - tanh:\n    from: x14\n    name: b\noutputs: [a, b]\n"
    text = flat("  - relu:\n    name: x0\n", *body, heads)
    assert "  - residual:\n    repeat: 13\n" in text  # the last one has a name


GATE_OF = """\
  - conv: {{out_channels: 8, kernel_size: 1}}
    name: x{0}
  - sigmoid:
    name: s{0}
  - multiply:
    from: [x{0}, s{0}]
    name: r{0}
"""
RESIDUAL_OF = """\
  - conv: {{out_channels: 8, kernel_size: 1}}
    name: c{0}
  - relu
  - conv: {{out_channels: 8, kernel_size: 3, padding: 1}}
    name: m{0}
  - add:
    from: [m{0}, c{0}]
    name: r{0}
"""
RELU_OF = "  - relu:\n    name: r{0}\n"
RELUS = "".join([RELU_OF.format(number) for number in range(25)])
PARTS = [GATE_OF, GATE_OF, RESIDUAL_OF, RESIDUAL_OF, GATE_OF, RESIDUAL_OF, RESIDUAL_OF, RELU_OF, RELU_OF]
TWO_PAIRS = "".join([part.format(number) for number, part in enumerate(PARTS)])


@pytest.mark.parametrize(
    ("layers", "reads", "outputs"),
    [
        (RELUS, [(9, 20), (22, 19), (14, 24), (11, 4)], ["add4"]),
        (TWO_PAIRS, [(5, 7)], ["r8", "r0"]),  # the first of two equal residuals is read later
    ],
)
def test_layers_of_a_chain_that_are_read_later_are_in_no_block(
    layers: str, reads: list[tuple[int, int]], outputs: list[str]
) -> None:
    """A repeated block shows only what its last use returns."""
    later = [f"  - add:\n    from: [r{one}, r{other}]\n" for one, other in reads]
    network = loads("input: [8, 8, 8]\nlayers:\n" + "".join([layers, *later]) + f"outputs: {outputs}\n")
    assert sums(loads(spec_text(network)).nodes) == sums(network.nodes)


def test_layers_that_go_to_other_scopes_get_names_of_their_own() -> None:
    """``a`` has the name of a scope, and ``a.relu`` is read outside of that: both would be ``a_relu``."""
    graph = chain("relu", {"a.relu": "x", "a.b": "a.relu", "b": "a.b", "a": "a.relu"})
    assert [node.layer.type for node in loads(spec_text(graph)).nodes] == ["relu"] * 4


def test_a_layer_does_not_get_an_inputs_name() -> None:
    graph = loads(
        "input: {add_1: [4], x: [4]}\nlayers:\n  - add:\n    from: [add_1, x]\n    name: y\n  - add:\n    from: [y, x, y]\n"
    )
    assert "input: {add_1: [4], x: [4]}" in spec_text(graph)
    assert "name: add_2" in spec_text(graph)


@pytest.mark.parametrize(
    ("name", "written"),
    [("from", "input_from"), ("in_channels", "input_in_channels"), ("min", "input_min"), ("relu", "input_relu"),
     ("a b.1", "a_b_1"), ("...", "input"), ("x", "x_2"), ("image", "image")],
)  # fmt: skip
def test_inputs_have_names_that_a_spec_allows(name: str, written: str) -> None:
    """Words of the language, of layers and of expressions have another meaning."""
    network = Network("two", {"[x]": (4,), name: (4,)})
    network.finish({"y": network.add(make("add"), list(network.inputs.values()), "y")})
    assert list(loads(spec_text(network)).inputs) == ["x", written]
