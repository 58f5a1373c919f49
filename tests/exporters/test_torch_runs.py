"""Exported PyTorch sources give this program's outputs, with the same weights under the same names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnncalc.exporters.torch.module import torch_source
from cnncalc.ground.errors import CnncalcError
from cnncalc.layers import layer_types
from cnncalc.network import Network, load, loads
from tests.layers.building import known

pytest.importorskip("torch", reason="PyTorch is not installed; the sources are only read, by test_torch.py")

import torch

from tests.commands import cnncalc
from tests.exporters.models import MASKED, chain
from tests.exporters.torch_modules import compared, keys, module_of, state_of
from tests.importers.models import model, network, node, stored

SAME = 1e-4

pytestmark = pytest.mark.filterwarnings("ignore:(invalid value|divide by zero):RuntimeWarning")

SHIPPED = [
    "lenet5_1998",  # learned scales, scopes of several reads
    "shufflenet_v2_x0_5",
    "eegnet",
    "m5",
    "dcgan_generator",
    "espcn",
    "ds_cnn",
    "cifar_resnet20",
]

# One line per case: an item and the shapes of its inputs.
ITEMS = """
conv: {out_channels: 6, kernel_size: 3, stride: 2, padding: [[0, 1], [1, 2]], groups: 2} | 4 9 8
conv: {out_channels: 6, kernel_size: [2, 5], padding: same} | 4 9 8
conv: {out_channels: 6, kernel_size: 4, stride: 3, dilation: 2, padding: same} | 4 19 18
conv: {out_channels: 8, kernel_size: 3, groups: 4, dilation: 2, bias: false} | 4 12
conv: {out_channels: 4, kernel_size: [1, 3, 2], padding: [0, 1, 1]} | 3 4 5 6
conv_transpose: {out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1} | 4 5 6
conv_transpose: {out_channels: 4, kernel_size: 3, stride: 2, padding: same} | 4 5 6
conv_transpose: {out_channels: 4, kernel_size: 2, stride: 3, padding: same, groups: 2} | 4 5 6
conv_transpose: {out_channels: 4, kernel_size: 4, stride: 2, padding: [[0, 2]]} | 4 7
locally_connected: {out_channels: 3, kernel_size: 3, stride: 2, padding: [[1, 0], [0, 2]], dilation: [1, 2]} | 2 9 8
locally_connected: {out_channels: 3, kernel_size: 3} | 2 9
linear: {out_features: 5, axis: channels} | 4 3 2
linear: {out_features: 5, axis: -1, bias: false} | 4 3 2
maxpool: {kernel_size: 3, stride: 2, padding: [[0, 1], [1, 0]]} | 3 8 9
maxpool: {kernel_size: 3, stride: 2, ceil_mode: true, dilation: [1, 2]} | 3 8 9
maxpool: {kernel_size: 3, stride: 2, padding: [[0, 2], [0, 1]], ceil_mode: true} | 3 8 9
maxpool: {kernel_size: 5, stride: 2, padding: same} | 3 8 9
maxpool: {kernel_size: 2, stride: 3, rounding: caffe} | 3 9 9
maxpool: {kernel_size: 2, stride: 3, padding: 1, rounding: caffe} | 3 9 9
maxpool: {kernel_size: 3, stride: 1, padding: 2} | 3 8
avgpool: {kernel_size: 3, stride: 2, padding: 1, ceil_mode: true} | 3 8 9
avgpool: {kernel_size: 3, stride: 2, padding: [[0, 1], [1, 0]], ceil_mode: true} | 3 8 9
avgpool: {kernel_size: 3, stride: 2, padding: same, count_include_pad: false} | 3 8 9
avgpool: {kernel_size: 3, stride: 3, padding: [[0, 2], [0, 2]], ceil_mode: true} | 3 8 8
avgpool: {kernel_size: [2, 2, 3], stride: 2, padding: [1, 0, 1], count_include_pad: false} | 2 6 6 7
lppool: {norm_type: 2, kernel_size: 3, stride: 2, ceil_mode: true} | 2 8 8
lppool: {norm_type: 4, kernel_size: 2, padding: [[0, 1], [1, 1]]} | 2 7 8
adaptive_avgpool: {output_size: [3, null]} | 4 7 5
adaptive_avgpool: 4 | 4 7
adaptive_maxpool: [null, null] | 4 7 5
adaptive_maxpool: [2, 3, 4] | 2 5 6 7
global_avgpool: {form: mean} | 4 7 5
global_avgpool | 4 7 5 2 3
global_maxpool | 4 7 5 2 3
batchnorm: {eps: 0.001} | 4
batchnorm: {axis: -1} | 5 4
batchnorm: {scale: false} | 4 3 3
batchnorm: {affine: false} | 4 3 3 3
batchnorm: {track_running_stats: false} | 4 6
batchnorm: {axis: 2, scale: false} | 3 2 4 2 3
layernorm: channels | 6 3 4
layernorm: {axis: [0, 2], bias: false} | 6 3 4
layernorm: {affine: false, eps: 0.01} | 6 3 4
rmsnorm: {axis: -1} | 6 8
rmsnorm: {axis: channels, affine: false} | 6 3 4
groupnorm: {num_groups: 2, affine: false} | 6 3 4
instancenorm: {affine: true} | 6 3 4
instancenorm: {affine: true} | 2 3 4 2 3
l2_normalize: {axis: [0, 1]} | 3 4 5
lrn: {size: 4, alpha: 0.5, k: 2} | 6 3 3
lrn: {size: 3, alpha: 0.5, beta: 0.5} | 6
hardtanh: {max_val: none} | 4 3
prelu: channels | 4 3 3
scale: {bias: true} | 4 3 3
scale: {shape: [1, 3, 2], init: 0.5, trainable: false} | 4 3 2
shift: {shape: [4, 1, 2]} | 4 3 2
affine: {mul: -1, add: 1} | 4 3
affine: {mul: 0.5, add: -2} | 4 3
einsum: 'hld,hsd->hls' | 2 3 4; 2 5 4
einsum: 'chw->wc' | 2 3 4
einsum: 'cl,cl->' | 2 3; 2 3
matmul | 4; 3 4 5
matmul: {transpose_a: true, transpose_b: true} | 2 4 3; 5 4
matmul | 3 4; 2 4 5
attention | 2 5 4; 2 6 4; 2 6 3
attention: {features_first: true, scale: 0.25, scaled: both} | 2 4 5; 2 4 6; 2 3 6
attention | 2 5 4; 2 6 4; 2 6 3; 5 6; 2 1 6
attention: {scaled: input} | 2 5 4; 2 6 4; 2 6 3; 2 1 1; 5 6
elu: 0.5 | 3 4
gelu: {approximate: tanh} | 3 4
hardtanh: {min_val: -0.5, max_val: 2} | 3 4
leaky_relu: 0.3 | 3 4
log_softmax: {axis: 1} | 3 4
softplus: {beta: 2} | 3 4
groupnorm: {num_groups: 2, eps: 0.1} | 4 3
instancenorm: {eps: 0.1} | 4 3
rmsnorm: {eps: 0.1} | 4 3
l2_normalize: {eps: 1.5} | 4 3
compare: {by: equal, number: 0} | 3 4
where: {then: 0.5} | 3 1; 3 4
where: {otherwise: -2} | 3 4; 3 4
where: {then: 0.5, otherwise: -2} | 3 4
conv_transpose: {out_channels: 4, kernel_size: 3, dilation: 2, bias: false} | 4 5 6
locally_connected: {out_channels: 3, kernel_size: 3, bias: false} | 2 9
rnn: {hidden_size: 5, reverse: true, bias: false} | 6 3
rnn: {hidden_size: 5, bidirectional: true} | 6 3
max: {axis: 1, keepdims: true} | 3 4 5
min: {axis: [0, 2], keepdims: true} | 3 4 5
gather: {start: 2, sizes: [2, 2], steps: [2, -1], axis: 1} | 3 6
gather: {start: 5, sizes: [6], steps: [-1], axis: 1} | 3 6
gather: {start: -1, sizes: [3], steps: [-2], axis: 1} | 3 6
gather: {start: 2, sizes: [3], steps: [0], axis: 1} | 3 6
gather_elements: {axis: 1} | 3 6; 3 2
quantize: {scale: 0.1, zero_point: 3, quant_min: -10, quant_max: 12} | 3 4
grid_sample: {mode: nearest, padding_mode: border} | 3 5 6; 4 4 2
grid_sample: {padding_mode: reflection, align_corners: true} | 3 5 6; 4 4 2
attention: {scaled: sum, mask: drop} | 2 5 4; 2 6 4; 2 6 3; 5 6; 6
attention: {mask: keep} | 2 5 4; 2 6 4; 2 6 3; 2 5 6; 5 6
attention: {mask: keep, fill: -3} | 2 5 4; 1 6 4; 2 6 3; 6
attention: {mask: keep} | 2 5 4; 2 2 4; 2 2 3; 5 2
attention: {scaled: sum, mask: drop} | 2 5 4; 2 2 4; 2 2 3; 2 5 2
softmax: {axis: -1, zero_masked: true} | 3 4
attention | 2 5 4; 1 6 4; 1 6 3; 6
rotary: {interleaved: true} | 2 5 4; 5 4; 1 5 4
rotary | 2 5 4; 5 4; 5 1
compare: less_equal | 3 4; 1 4
where | 3 1; 3 4; 1 4
power | 3 4; 3 1
power: 0.5 | 3 4
power: 3 | 3 4
subtract | 3 4; 3 1
maximum | 3 4; 3 1; 1 4
minimum | 3 4; 3 1
concat: -1 | 3 4; 3 2
lstm: {hidden_size: 5, bidirectional: true} | 6 3
lstm: {hidden_size: 5, reverse: true, bias: false} | 6 3
lstm: {hidden_size: 5, output: both} | 6 3
lstm: {hidden_size: 5, output: both, bidirectional: true, bias: false} | 6 3
lstm: {hidden_size: 5, output: both, reverse: true} | 6 3
lstm: 5 | 6 3; 1 5
lstm: {hidden_size: 5, output: both} | 6 3; 1 5; 1 5
gru: {hidden_size: 5, bidirectional: true} | 6 3; 2 5
rnn: {hidden_size: 5, nonlinearity: relu} | 6 3
mean | 3 4 5
mean: {axis: [0, 2], keepdims: true} | 3 4 5
sum: {axis: channels} | 3
max: {axis: [1, 2]} | 3 4 5
prod: {axis: [0, 2]} | 3 4 5
prod: {axis: [0, 2], keepdims: true} | 3 4 5
norm1: {axis: 1} | 3 4 5
norm2: {axis: [1, 2]} | 3 4 5
argmax: {axis: [0, 2]} | 3 4 5
argmax | 3 4 5
argmax: {axis: 1, keepdims: true} | 3 4 5
cumsum: {axis: 1, reverse: true, exclusive: true} | 3 6
topk: {k: 3, axis: 1, largest: false} | 3 6
topk: {k: 3, axis: 1, output: indices} | 3 6
gather: {indices: [2, 0, -1], axis: 1} | 3 6
gather: {axis: 1} | 3 6; 2 2
pad: {padding: [[-1, 2], [1, -2]], mode: reflect} | 3 6 7
pad: {padding: 2, mode: circular} | 3 6 7
pad: {padding: [[1, 0]], value: 1.5, channels: [1, 2]} | 3 6
pad: {padding: [1, 1, 1, 1]} | 2 2 3 2 3
center_crop: {size: [3, 4]} | 3 6 4
channel_shuffle: 3 | 6 2
channel_shuffle: 3 | 6
pixel_shuffle: 2 | 8 3
pixel_shuffle: 2 | 8 2 3 2
pixel_unshuffle: 2 | 2 4 2 2
im2col: {kernel_size: [3, 2], stride: [1, 2], padding: [1, 0], dilation: 2} | 3 6 7
im2col: {kernel_size: 2, padding: [[0, 1], [1, 0]]} | 3 6 7
col2im: {output_size: [6, 7], kernel_size: [3, 2], stride: [1, 2], padding: [1, 0], dilation: 2} | 12 12
col2im: {output_size: [6, 7], kernel_size: 2, padding: [[0, 1], [1, 0]]} | 8 42
reshape: {shape: [2, 2, -1], fold: 2} | 4 6
reshape: [-1, 3] | 4 6
select: {axis: 1, index: -1} | 4 6
select: {index: -2} | 6
slice: {axis: 2, start: -3, stop: -1} | 4 6 5
slice: {start: 1, step: 2} | 6 5
trilu: {upper: false, k: -1} | 2 4 4
upsample: {scale_factor: [1.5, 2.3], mode: linear} | 3 5 6
upsample: {size: [7, 4], mode: linear, align_corners: true} | 3 5 6
upsample: {scale_factor: 1.7, mode: nearest-exact} | 3 5
upsample: {scale_factor: 2, mode: cubic} | 3 5 6
upsample: {size: [3, 4], mode: cubic, cubic_a: -0.5, antialias: true, exclude_outside: true} | 3 7 9
upsample: {scale_factor: 0.6, mode: linear, antialias: true, exclude_outside: true} | 3 7 9
upsample: {scale_factor: [1.5, 2, 2.5], mode: linear} | 2 3 4 3
upsample: {scale_factor: 1.3, coordinates: asymmetric} | 3 5
"""


def cases() -> list[Any]:
    """Return the items above, and every type's own example."""
    found = [line.partition(" | ") for line in ITEMS.strip().split("\n")]
    own = [(item, [tuple(map(int, shape.split())) for shape in shapes.split(";")]) for item, _, shapes in found]
    return [pytest.param(item, shapes, id=f"{item} | {shapes}") for item, shapes in own]


def net(item: str, shapes: list[tuple[int, ...]]) -> str:
    """Return a spec of one item on inputs of the given shapes."""
    names = [f"in{number}" for number in range(len(shapes))]
    inputs = ", ".join([f"{name}: {list(shape)}" for name, shape in zip(names, shapes, strict=True)])
    source = "" if len(shapes) == 1 else f"    from: [{', '.join(names)}]\n"
    return f"input: {{{inputs}}}\nlayers:\n  - {item}{':' if source and ':' not in item else ''}\n{source}"


@pytest.mark.parametrize(("item", "shapes"), cases())
def test_every_argument_is_computed_as_here(item: str, shapes: list[tuple[int, ...]]) -> None:
    assert compared(loads(net(item, shapes)), batch=2, item=item) <= SAME


def test_a_softmax_of_masked_lines_is_computed_as_here() -> None:
    assert compared(loads(MASKED)) <= SAME


@pytest.mark.parametrize("scaled", ["logits", "sum"])
def test_attention_with_a_bias_that_masks_whole_lines_is_computed_as_here(scaled: str) -> None:
    shapes = "input: {q: [8, 3], k: [2, 3], v: [2, 3], b: [8, 2]}\nlayers:\n  - relu:\n    from: b\n  - log\n"
    net = loads(f"{shapes}  - attention: {{scaled: {scaled}}}\n    from: [q, k, v, log1]\n")
    assert compared(net) <= SAME


@pytest.mark.parametrize("name", [name for name in layer_types() if name not in ("add", "fold", "unfold", "parameter")])
def test_every_layer_type_is_computed_as_here(name: str) -> None:
    example = known(name).example
    smaller = [tuple([min(size, 64) if len(shape) > 1 else size for size in shape]) for shape in example.inputs]
    try:
        network = loads(net(example.item, smaller))
    except CnncalcError:  # the example's sizes depend on each other
        network = loads(net(example.item, list(example.inputs)))
    assert compared(network) <= SAME


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_are_equal(name: str) -> None:
    family, _, variant = name.partition(":")
    assert compared(load(family, variant=variant or None)) <= SAME


SHARED = """
input: [4, 8, 8]
blocks:
  unit:
    args: {channels}
    layers:
      - conv: {out_channels: channels, kernel_size: 3, padding: 1}
        name: conv-1
      - batchnorm
      - relu
      - conv: {out_channels: channels, kernel_size: 3, padding: 1}
        name: class
layers:
  - unit: 4
    name: first
  - unit: 4
    name: again
    weights: first
  - conv: {out_channels: 4, kernel_size: 1}
    name: train
  - conv: {out_channels: 4, kernel_size: 1}
    name: 2a
  - conv: {out_channels: 4, kernel_size: 1}
    name: conv-a
  - conv: {out_channels: 4, kernel_size: 1}
    name: conv_a
  - conv: {out_channels: 4, kernel_size: 1}
    weights: train
  - sequence:
      - conv: {out_channels: 4, kernel_size: 1}
        weights: first.conv-1
        when: false
      - conv: {out_channels: 4, kernel_size: 1}
        weights: 2a
      - relu
    name: inner
  - parameter: [4, 1, 8]
    name: token
  - concat:
    from: [inner, token]
    name: to
    when: false
  - add:
    from: [inner, token]
  - scale: 0.5
    name: weight
outputs: [first, weight1, again]
"""


ODD = """
input: [8, 16, 16]
args: {n: 3}
blocks:
  inner:
    args: {c, act: true}
    layers:
      - conv: {out_channels: c, kernel_size: 3, padding: 1}
      - relu:
        when: act
  outer:
    args: {c, deep: false, res: deep and in_channels == c}
    layers:
      - inner: {c: c}
        name: a
      - inner: {c: c, act: false}
        name: b
        when: deep
      - add:
        from: [b, input]
        when: res
      - concat:
        from: [a.conv1, a]
  fuse:
    layers:
      - add:
        from: [input1, input2]
      - tanh
layers:
  - outer: {c: 8}
    name: first
  - outer: {c: 16, deep: true}
  - outer: {c: 16, deep: true}
    name: o3
  - conv: {out_channels: 16, kernel_size: 1}
    from: first.a
    name: side
  - conv: {out_channels: 16, kernel_size: 1}
    from: o3
  - fuse:
    from: [conv1, side]
  - sequence:
      - conv: {out_channels: 16, kernel_size: 1}
      - sequence:
          - conv: {out_channels: 16, kernel_size: 1}
          - relu
        name: deep
        repeat: n
    name: tail
    for: i in range(2)
"""


def test_outputs_inside_blocks_and_layers_without_readers() -> None:
    assert compared(loads(ODD), batch=2) <= SAME


def test_integers_are_written_into_real_numbers() -> None:
    import torch

    module = module_of(torch_source(loads("input: {x: [4], i: [2]}\nlayers: [{scatter: {axis: 0}, from: [x, i, i]}]")))
    assert module(torch.zeros(1, 4), torch.tensor([[1, 3]])).tolist() == [[0, 1, 0, 3]]


def test_names_that_python_refuses_and_shared_weights() -> None:
    network = loads(SHARED.replace("name: weight\n", "name: weight1\n"))
    assert compared(network, batch=3) <= SAME


def test_modules_of_a_list_that_is_no_module_are_called_one_by_one() -> None:
    """CoaT's convolutions of relative positions: between the first calls stands a layer of another scope.

    So these are no module that could be called again.
    """
    first, second = np.random.default_rng(7).standard_normal((2, 4, 4, 1, 1)).astype(np.float32)
    calls = [("/list/list", "x", "x1"), ("/again/list/list", "x2", "x3")]
    nodes = [
        one
        for path, start, end in calls
        for one in (
            node("Conv", [start, "list.0.weight"], [f"{end}a"], name=f"{path}.0/Conv"),
            node("Relu", [f"{end}a" if start == "x" else start], [f"{end}b"], name=f"/relu{end}/Relu"),
            node("Conv", [f"{end}b", "list.1.weight"], [f"{end}c"], name=f"{path}.1/Conv"),
            node("Add", [f"{end}a", f"{end}c"], ["x2" if start == "x" else "y"], name=f"/add{end}/Add"),
        )
    ]
    graph = network(model(nodes, {"x": ["N", 4, 3, 3]}, ["y"], {"list.0.weight": first, "list.1.weight": second}))
    assert compared(graph) < SAME


def test_parameters_with_numbers_are_in_a_list() -> None:
    """Crosses of features (arXiv:1708.05123) by two ``nn.ParameterList``: y = x · (W·y) + b + y."""
    draw = np.random.default_rng(0).standard_normal
    constants = {
        f"{name}.{at}": draw(shape).astype(np.float32) for at in (0, 1) for name, shape in (("w", (6, 1)), ("b", 6))
    }
    nodes = []
    for at, y in enumerate(("x", "y1")):
        nodes += [
            node("MatMul", [y, f"w.{at}"], [f"p{at}"]), node("Mul", ["x", f"p{at}"], [f"m{at}"]),
            node("Add", [f"m{at}", f"b.{at}"], [f"a{at}"]), node("Add", [f"a{at}", y], [f"y{at + 1}"]),
        ]  # fmt: skip
    graph = network(model(nodes, {"x": ["N", 6]}, ["y2"], constants, producer_name="pytorch"))
    assert set(keys(graph)) == {"w.0", "b.0", "w.1", "b.1"}
    assert torch_source(graph).count("nn.ParameterList()") == 2
    assert compared(graph) < SAME


def test_weights_travel_both_ways(tmp_path: Path) -> None:
    """'run' takes a state_dict that PyTorch saved, and gives PyTorch's own output."""
    import numpy as np
    import torch

    network = load("cifar_resnet20")
    torch.manual_seed(1)
    source = subprocess.run(
        [sys.executable, "-m", "cnncalc", "export", "cifar_resnet20", "--to", "torch"], capture_output=True, check=True
    ).stdout.decode()
    module = module_of(source)
    assert state_of(module) == keys(network)
    x = torch.randn(2, 3, 32, 32)
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    ours = network.prepare(weights=weights)(x.numpy())
    theirs = module(x).detach().numpy()
    assert np.abs(ours - theirs).max() <= SAME * np.abs(theirs).max()


def test_tensors_that_a_module_has_itself_keep_their_keys() -> None:
    """A filter, a bias of channels, a class token with a position, and a projection within another module."""
    shapes = {
        "blur": (8, 1, 3, 3), "shift": (8, 1, 1), "cls_token": (1, 1, 8), "pos": (1, 17, 8), "attn.in_proj_weight": (24, 8),
        "attn.in_proj_bias": (24,), "attn.proj.gain": (24,),
    }  # fmt: skip
    draw = np.random.default_rng(1)
    tensors = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    nodes = [
        node("Conv", ["x", "blur"], ["b"], group=8, pads=[1, 1, 1, 1], strides=[2, 2], name="/Conv"),
        node("Add", ["b", "shift"], ["s"], name="/Add"),
        node("Reshape", ["s", "to"], ["r"], name="/Reshape"),
        node("Transpose", ["r"], ["t"], perm=[0, 2, 1], name="/Transpose"),
        node("Concat", ["cls_token", "t"], ["c"], axis=1, name="/Concat"),
        node("Add", ["c", "pos"], ["p"], name="/Add_1"),
        node("Transpose", ["attn.in_proj_weight"], ["w"], perm=[1, 0], name="/attn/Transpose"),
        node("MatMul", ["p", "w"], ["m"], name="/attn/MatMul"),
        node("Add", ["m", "attn.in_proj_bias"], ["q"], name="/attn/Add"),
        node("Mul", ["q", "attn.proj.gain"], ["y"], name="/attn/proj/Mul"),
    ]
    data = model(nodes, {"x": [1, 8, 8, 8]}, ["y"], {**tensors, "to": np.array([1, 8, 16])})
    graph = network(data)
    assert keys(graph).keys() == shapes.keys()
    assert compared(graph) <= SAME


def test_tensors_have_the_forms_of_the_modules_state(tmp_path: Path) -> None:
    """A matrix of ``x @ self.proj``, a class token with a batch axis, a scale without one of its axes, a single number."""
    shapes = {"cls_token": (1, 1, 4), "pos": (1, 5, 4), "gamma": (4,), "proj": (4, 4), "head.out": (4, 3), "gain": ()}
    draw = np.random.default_rng(3)
    state = {name: np.asarray(draw.standard_normal(shape), np.float32) for name, shape in shapes.items()}
    x = draw.standard_normal((1, 4, 4)).astype(np.float32)
    nodes = [
        node("Expand", ["cls_token", "to"], ["token"]),
        node("Concat", ["token", "x"], ["c"], axis=1, name="/Concat"),
        node("Add", ["c", "pos"], ["p"], name="/Add"),
        node("Mul", ["p", "gamma"], ["g"], name="/Mul"),
        node("MatMul", ["g", "proj"], ["m"], name="/MatMul"),
        node("MatMul", ["m", "head.out"], ["h"], name="/head/MatMul"),
        node("Mul", ["h", "gain"], ["y"], name="/Mul_1"),
    ]
    sizes = {"to": np.array([1, 1, 4])}
    zeros = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    wanted = (
        (np.concatenate([state["cls_token"], x], 1) + state["pos"])
        * state["gamma"]
        @ state["proj"]
        @ state["head.out"]
        * state["gain"]
    )
    graph = network(model(nodes, {"x": [1, 4, 4]}, ["y"], {**zeros, **sizes}, producer_name="pytorch"))
    assert {name: array.shape for name, array in state.items()} == keys(graph)
    np.testing.assert_allclose(graph.prepare(weights=state)(x), wanted, rtol=1e-5, atol=1e-5)
    assert compared(graph) <= SAME

    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, {"x": [1, 4, 4]}, ["y"], {**state, **sizes}, producer_name="pytorch"))
    written = tmp_path / "state.npz"
    cnncalc("weights", str(path), "-o", str(written))
    with np.load(written) as arrays:
        assert {name: array.tolist() for name, array in arrays.items()} == {
            name: array.tolist() for name, array in state.items()
        }


@pytest.mark.parametrize(
    ("op", "weight", "x"),
    [("Gemm", (8, 8), [1, 8]), ("Conv", (8, 8, 1, 1), [1, 8, 4, 4]), ("LayerNormalization", (8,), [1, 8])],
)
def test_a_bias_that_is_added_later_is_added_once(op: str, weight: tuple[int, ...], x: list[int]) -> None:
    """nn.Linear, nn.Conv2d and nn.LayerNorm without a bias add one as soon as they are given it."""
    draw = np.random.default_rng(1)
    shapes = {"m.fc.weight": weight, "m.fc.bias": (8, *[1] * (len(x) - 2))}
    tensors = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    nodes = [
        node(op, ["x", "m.fc.weight"], ["a"], name=f"/m/fc/{op}"),
        node("Tanh", ["a"], ["b"], name="/m/Tanh"),
        node("Add", ["b", "m.fc.bias"], ["y"], name="/m/fc/Add"),
    ]
    graph = network(model(nodes, {"x": x}, ["y"], tensors))
    assert keys(graph).keys() == shapes.keys()
    assert state_of(module_of(torch_source(graph))) == keys(graph)
    assert compared(graph) <= SAME


def test_layers_that_one_of_two_scopes_lacks_keep_what_they_read() -> None:
    """Without its mean and its difference, the second scope reads the tensor that the first one still needs."""
    nodes = [
        node("Abs", ["x"], ["a"], name="/0/Abs"), node("Exp", ["a"], ["b"], name="/0/Exp"),
        node("ReduceMax", ["b"], ["m"], axes=[1], name="/1/ReduceMax"), node("Sub", ["b", "m"], ["d"], name="/1/Sub"),
        node("Abs", ["d"], ["e"], name="/1/Abs"), node("Add", ["e", "b"], ["y"], name="/1/Add"),
    ]  # fmt: skip
    graph = network(model(nodes, {"x": ["N", 6]}, ["y"]))
    assert "has_" in torch_source(graph)
    assert compared(graph) <= SAME


@pytest.mark.parametrize("name", ["convnext_femto_ols", "dynamo_resnet18", "test_efficientnet"])
def test_model_files_keep_their_keys(name: str) -> None:
    graph = Network.of(stored(name).build())
    with torch.device("meta"):  # needs no memory
        assert state_of(module_of(torch_source(graph))) == keys(graph)


@pytest.mark.parametrize(
    ("x", "length", "attributes"),
    [
        ([8, 3, 1], None, {"onesided": 1}), ([8, 3, 2], None, {}), ([8, 3, 2], 6, {"inverse": 1}),
        ([8, 3, 1], 11, {"inverse": 1}), ([3, 5, 2], None, {"onesided": 1, "inverse": 1}), ([8, 3, 2], None, {"onesided": 1}),
    ],
)  # fmt: skip
def test_fourier_transforms_of_a_model_file_are_computed_as_here(
    x: list[int], length: int | None, attributes: dict[str, Any]
) -> None:
    constants = {"axis": np.array(-2)} | ({} if length is None else {"n": np.array(length)})
    data = model(
        [node("DFT", ["x", "n" if length else "", "axis"], ["y"], **attributes)], {"x": ["N", *x]}, ["y"], constants, 20
    )
    assert compared(network(data), batch=2) <= SAME


def test_concatenations_of_a_model_file_extend_one_another() -> None:
    """A DenseNet's file joins all earlier outputs in front of each layer (arXiv:1608.06993); here a layer joins its own."""
    random, nodes, weights, made = np.random.default_rng(3), [], {}, ["x"]
    for i in range(1, 5):
        path, key = f"/dense/layer{i}", f"dense.layer{i}.conv.weight"
        weights[key] = random.standard_normal((2, 1 + 2 * i, 1, 1)).astype(np.float32)
        nodes += [
            node("Concat", made, [f"all{i}"], axis=1, name=f"{path}/Concat"),
            node("Conv", [f"all{i}", key], [f"y{i}"], name=f"{path}/conv/Conv"),
        ]
        made = [*made, f"y{i}"]
    nodes.append(node("Concat", made, ["y"], axis=1, name="/dense/Concat"))
    graph = network(model(nodes, {"x": ["N", 3, 4, 4]}, ["y"], weights))
    assert keys(graph) == {name: weight.shape for name, weight in weights.items()}
    assert compared(graph, batch=2) <= SAME
    assert torch_source(graph).count("torch.cat") == 1


@pytest.mark.parametrize("names", ["a.b.c a.b a", "a.b.c d a.b.e a", "m.1.b.c m.0 m.1.b m.1"])
def test_modules_that_run_behind_those_inside_of_them_are_made_first(names: str) -> None:
    chained = names.split()
    net = chain("conv: {out_channels: 4, kernel_size: 1}", dict(zip(chained, ["x", *chained], strict=False)))
    assert compared(net) < 1e-5


TWICE = """
input: [4, 8, 8]
layers:
  - {owner}
    name: a
  - sequence:
      - relu
      - {other}
        weights: a
    name: b
"""
CONV = "conv: {out_channels: 4, kernel_size: 3, padding: 1"


@pytest.mark.parametrize(
    ("owner", "other"),
    [
        (f"{CONV}}}", "conv: {out_channels: 4, kernel_size: 3, padding: 3, dilation: 3}"),  # as in TridentNet
        (f"{CONV}, stride: 3}}", f"{CONV}, stride: 2}}"),
        ("conv: {out_channels: 4, kernel_size: 3, stride: 3, padding: same}", f"{CONV}, stride: 2}}"),
        ("layernorm: channels", "layernorm: {axis: channels, eps: 0.5}"),
    ],
)
def test_layers_with_other_arguments_share_the_tensors_alone(owner: str, other: str) -> None:
    """They called the owner's module: with its stride, its dilation, its eps."""
    assert compared(loads(TWICE.format(owner=owner, other=other)), batch=2) < 1e-5


def test_modules_that_can_t_have_other_arguments_are_refused() -> None:
    shared = loads(TWICE.format(owner="groupnorm: 2", other="groupnorm: 4"))
    with pytest.raises(CnncalcError, match="but PyTorch can't call the module of 'a'"):
        torch_source(shared)


def test_a_figure_of_a_layer_without_readers_is_no_argument() -> None:
    """``S(2.0)`` was called, but no line of S reads that number, so that it had no ``__init__``."""
    block = "{args: {factor}, layers: [affine: {mul: factor}, {sigmoid: , from: input}]}"
    assert compared(loads(f"input: [4]\nblocks: {{s: {block}}}\nlayers: [s: 2, s: 3]\n")) < 1e-6
