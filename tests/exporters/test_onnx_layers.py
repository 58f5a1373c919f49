"""Every layer type in ONNX: ONNX Runtime gives our outputs, on a grid of arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from cnncalc.execution.inputs import random_inputs
from cnncalc.exporters.formats import FORMATS, Options
from cnncalc.graph import Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.network import Network, loads
from tests.exporters.models import MASKED, agrees, decisive, difference, layer, read_again
from tests.layers.building import NAMES, known

# fmt: off
GRID = [
    ("conv: {out_channels: 6, kernel_size: 3}", (4, 9)),
    ("conv: {out_channels: 6, kernel_size: 3, padding: same, stride: 2}", (4, 9, 8)),
    ("conv: {out_channels: 6, kernel_size: [3, 2], padding: [[0, 1], [2, 1]], stride: [2, 1], dilation: [1, 2]}", (4, 9, 8)),
    ("conv: {out_channels: 6, kernel_size: 3, padding: 1, groups: 2, bias: false}", (4, 9, 8)),
    ("conv: {out_channels: 8, kernel_size: 3, padding: valid, groups: 4}", (4, 5, 6, 7)),
    ("conv_transpose: {out_channels: 6, kernel_size: 3, stride: 2, padding: 1, output_padding: 1}", (4, 5, 6)),
    ("conv_transpose: {out_channels: 6, kernel_size: 4, stride: 3, padding: same, groups: 2}", (4, 5, 6)),
    ("conv_transpose: {out_channels: 6, kernel_size: 2, stride: 3, padding: same}", (4, 5)),
    ("conv_transpose: {out_channels: 6, kernel_size: [3, 2], stride: 2, padding: [[0, 1], [1, 0]], dilation: 2, bias: false}", (4, 5, 6)),
    ("conv_transpose: {out_channels: 3, kernel_size: 2, stride: 2, output_padding: [1, 0, 1]}", (4, 3, 4, 5)),
    ("conv_transpose: {out_channels: 3, kernel_size: 3, dilation: 2, padding: 1, output_padding: [1, 0]}", (4, 5, 6)),
    ("conv_transpose: {out_channels: 3, kernel_size: 2, dilation: 3, output_padding: 2, bias: false}", (4, 5)),
    ("conv_transpose: {out_channels: 3, kernel_size: 2, dilation: 3, padding: 1, output_padding: 2}", (4, 5)),
    ("locally_connected: {out_channels: 3, kernel_size: 3, padding: [[1, 0], [1, 1]], stride: 2}", (2, 6, 5)),
    ("locally_connected: {out_channels: 3, kernel_size: 2, dilation: 2, bias: false}", (2, 7)),
    ("linear: 5", (7,)),
    ("linear: {out_features: 5, bias: false}", (7,)),
    ("linear: {out_features: 5, axis: channels}", (4, 3, 2)),
    ("linear: {out_features: 5, axis: -1}", (4, 3, 7)),
    ("linear: {out_features: 5, axis: 1, bias: false}", (4, 3, 7)),
    ("hardtanh: {min_val: -1e200, max_val: 1e200}", (3, 7)),  # infinite in float32
    ("affine: {add: -3.4028235e+38}", (3, 7)),  # rounded to the least number of float32
    ("maxpool: 2", (3, 7)),
    ("maxpool: {kernel_size: 3, stride: 2, padding: 1}", (3, 8, 9)),
    ("maxpool: {kernel_size: 3, stride: 2, ceil_mode: true}", (3, 8, 7)),
    ("maxpool: {kernel_size: 3, stride: 2, padding: [[1, 0], [0, 1]], ceil_mode: true, dilation: 2}", (3, 10, 9)),
    ("maxpool: {kernel_size: 2, stride: 3, rounding: caffe}", (3, 6, 6)),
    ("maxpool: {kernel_size: 3, stride: 1, padding: same}", (3, 4, 5, 6)),
    ("maxpool: {kernel_size: 2, stride: 2, dilation: 3, padding: 2}", (3, 9, 9)),
    ("avgpool: 2", (3, 7)),
    ("avgpool: {kernel_size: 3, stride: 2, padding: 1}", (3, 8, 9)),
    ("avgpool: {kernel_size: 3, stride: 2, padding: 1, count_include_pad: false}", (3, 8, 9)),
    ("avgpool: {kernel_size: 3, stride: 2, padding: [[0, 1], [1, 0]]}", (3, 8, 9)),
    ("avgpool: {kernel_size: 3, stride: 2, ceil_mode: true}", (3, 8, 7)),
    ("avgpool: {kernel_size: 3, stride: 2, padding: 1, ceil_mode: true}", (3, 8, 7)),
    ("avgpool: {kernel_size: 3, stride: 2, padding: 1, ceil_mode: true, count_include_pad: false}", (3, 8, 7)),
    ("avgpool: {kernel_size: 3, stride: 1, padding: same}", (3, 4, 5, 6)),
    ("lppool: {kernel_size: 2, ceil_mode: true}", (3, 7, 7)), ("lppool: {kernel_size: 2, stride: 3, rounding: caffe}", (3, 6, 6)),
    ("lppool: {norm_type: 2, kernel_size: 3, stride: 2, padding: 1}", (3, 7, 7)),
    ("upsample: {scale_factor: 1.3, mode: linear}", (3, 10, 11)), ("upsample: {scale_factor: 1.3, mode: cubic}", (3, 10, 20)),
    ("avgpool: {kernel_size: [2, 3], stride: 2, dilation: [3, 2], padding: [2, 1]}", (3, 8, 9)),
    ("avgpool: {kernel_size: 2, stride: 2, dilation: 3, padding: 1, ceil_mode: true, count_include_pad: false}", (3, 8, 8)),
    ("lppool: {kernel_size: 2, dilation: 3}", (3, 7, 7)), ("lppool: {kernel_size: 2, dilation: 3, norm_type: 3}", (3, 7)),
    ("adaptive_avgpool: 1", (3, 6, 5)),
    ("adaptive_avgpool: [3, 5]", (3, 6, 5)),
    ("adaptive_avgpool: 6", (3, 13, 13)),
    ("adaptive_avgpool: 7", (3, 10, 4)),
    ("adaptive_avgpool: [null, 2]", (3, 5, 6)),
    ("adaptive_maxpool: 1", (3, 6)), ("adaptive_maxpool: 3", (3, 1)), ("adaptive_avgpool: [5, 2]", (3, 2, 4)),
    ("adaptive_maxpool: [3, 2, 2]", (3, 6, 5, 4)),
    ("global_avgpool", (3, 5)),
    ("global_maxpool", (3, 5, 4)),
    ("batchnorm", (5,)),
    ("batchnorm: {eps: 0.01}", (3, 4, 5)),
    ("batchnorm: {affine: false}", (3, 4, 5)),
    ("batchnorm: {scale: false, axis: -1}", (3, 4, 5)),
    ("batchnorm: {track_running_stats: false}", (3, 4, 5)),
    ("layernorm", (3, 4)),
    ("layernorm: channels", (3, 4, 5)),
    ("layernorm: {axis: -1, bias: false}", (3, 4, 5)),
    ("layernorm: {axis: [0, 2], eps: 0.001}", (3, 4, 5)),
    ("layernorm: {axis: [1, 2], affine: false}", (3, 4, 5)),
    ("groupnorm: 2", (4, 3, 5)),
    ("groupnorm: {num_groups: 4, affine: false}", (4, 6)), ("groupnorm: 1", (1, 6)),
    ("instancenorm", (4, 3, 5)),
    ("instancenorm: {affine: true, eps: 0.001}", (4, 7)),
    ("lrn: {size: 5, alpha: 0.1, beta: 0.75, k: 2}", (7, 3, 3)),
    ("lrn: {size: 4, alpha: 0.1}", (7, 3, 3)),
    ("lrn: {size: 3, alpha: 0.1}", (7,)),
    ("rmsnorm: channels", (4, 3, 2)),
    ("rmsnorm: {axis: [1, 2], affine: false}", (4, 3, 2)),
    ("l2_normalize: -1", (4, 6)),
    ("l2_normalize: {axis: [0, 1], eps: 3}", (2, 3, 4)),
    ("elu: 0.5", (9,)), ("leaky_relu: 0.2", (9,)), ("prelu: channels", (4, 3, 3)), ("prelu", (4,)),
    ("gelu: {approximate: tanh}", (9,)), ("hardtanh: {min_val: -0.5, max_val: none}", (9,)),
    ("hardtanh: {min_val: none, max_val: 0.3}", (9,)), ("softplus: {beta: 3}", (9,)),
    ("softmax: -1", (3, 4)), ("softmax: 1", (3, 4, 2)), ("log_softmax: channels", (3, 4)),
    ("dropout: 0.3", (3, 4)),
    ("affine: {mul: 3, add: -0.5}", (3, 4)), ("affine: {add: 1}", (3, 4)), ("affine: 1", (3, 4)),
    ("scale", (3, 4, 4)), ("scale: {bias: true}", (5,)), ("scale: {shape: [1, 4, 1]}", (3, 4, 4)),
    ("shift", (3, 4, 4)), ("shift: [3, 1, 4]", (3, 4, 4)), ("shift: {trainable: false}", (3, 4)),
    ("gru: {hidden_size: 3, lengths: true, bidirectional: true}", (6, 4), (1,)),
    ("embedding: {num_embeddings: 4, embedding_dim: 5}", (2, 3)),
    ("add", (3, 4), (3, 4), (3, 1)), ("multiply", (3, 4), (1, 4), (3, 1)), ("maximum", (3, 4), (3, 1), (1, 1)),
    ("minimum", (3, 4), (3, 4), (3, 4)), ("subtract", (3, 1), (3, 4)), ("divide", (3, 1), (3, 4)),
    ("power: 3", (3, 4)), ("where", (1, 4), (3, 1), (3, 4)),
    *[(f"compare: {by}", (3, 4), (1, 4)) for by in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal")],
    ("compare: {by: greater, number: 1}", (3, 4)), ("where: {then: 0.5}", (3, 1), (3, 4)), ("where: {otherwise: -2}", (3, 4), (3, 4)),
    ("where: {then: 0.5, otherwise: -2}", (3, 4)), ("rmsnorm: {eps: 0.1}", (4, 3)), ("groupnorm: {num_groups: 2, eps: 0.1}", (4, 3)),
    ("gather: {start: 2, sizes: [2, 2], steps: [2, -1], axis: 1}", (3, 6)), ("gather_elements: {axis: 1}", (3, 6), (3, 2)),
    ("grid_sample: {mode: nearest, padding_mode: border}", (3, 5, 6), (4, 4, 2)), ("gru: {hidden_size: 5, reverse: true, bias: false}", (6, 3)),
    ("grid_sample: {padding_mode: reflection, align_corners: true}", (3, 5, 6), (4, 4, 2)), ("lstm: {hidden_size: 5, peepholes: true}", (6, 3)),
    ("lstm: {hidden_size: 5, lengths: true, bidirectional: true}", (6, 3), (1,)), ("rnn: {hidden_size: 5, reverse: true, bias: false}", (6, 3)),
    ("quantize", (3, 4)), ("quantize: {scale: 0.1, zero_point: 3, quant_min: -10, quant_max: 12}", (3, 4)),
    ("concat: -1", (3, 4), (3, 2)), ("concat: 1", (3, 4, 2), (3, 1, 2), (3, 2, 2)),
    ("matmul", (3, 4), (4, 5)), ("matmul: {transpose_a: true, transpose_b: true}", (2, 4, 3), (2, 5, 4)),
    ("matmul", (4,), (4, 5)), ("matmul", (2, 3, 4), (4, 5)), ("matmul", (2, 1, 3, 4), (1, 6, 4, 5)), ("matmul", (3, 4), (2, 4, 5)),
    ("rotary", (2, 3, 6), (3, 6), (1, 3, 6)), ("rotary: {interleaved: true}", (2, 3, 6), (3, 6), (3, 6)),
    ("attention: 0.25", (2, 3, 4), (2, 5, 4), (2, 5, 6), (2, 3, 5), (5,)),
    ("attention: {scaled: queries}", (2, 3, 4), (1, 5, 4), (1, 5, 6)),
    ("attention: {scaled: sum, mask: drop}", (2, 3, 4), (2, 5, 4), (2, 5, 6), (3, 5), (5,)),
    ("attention: {mask: keep, fill: -3}", (2, 3, 4), (2, 5, 4), (2, 5, 6), (5,)),
    ("attention: {mask: keep}", (2, 3, 4), (2, 2, 4), (2, 2, 6), (2, 3, 2)),
    ("softmax: {axis: -1, zero_masked: true}", (3, 4)),
    ("attention: {scaled: input}", (2, 3, 4), (2, 5, 4), (2, 5, 6), (2, 1, 1), (5,)),
    ("attention: {scaled: both, features_first: true}", (2, 4, 3), (2, 4, 5), (2, 6, 5)),
    ("einsum: 'hld,hsd->hls'", (2, 3, 4), (2, 5, 4)), ("einsum: 'ab->ba'", (2, 3)), ("einsum: 'ab,ab->'", (2, 3), (2, 3)),
    ("lstm: 5", (7, 4)), ("lstm: {hidden_size: 5, bidirectional: true}", (7, 4)), ("lstm: {hidden_size: 5, bias: false, reverse: true}", (7, 4)),
    ("lstm: {hidden_size: 5}", (7, 4), (1, 5), (1, 5)), ("lstm: {hidden_size: 5, output: both, bidirectional: true}", (1, 4)),
    ("lstm: {hidden_size: 5, output: both, bidirectional: true}", (3, 4), (2, 5)), ("lstm: {hidden_size: 5, output: both, reverse: true}", (3, 4), (1, 5), (1, 5)),
    ("gru: 5", (7, 4)), ("gru: {hidden_size: 5, bidirectional: true, reset_after: false}", (7, 4)), ("gru: {hidden_size: 3}", (4, 2), (1, 3)),
    ("rnn: 5", (7, 4)), ("rnn: {hidden_size: 5, nonlinearity: relu, bidirectional: true}", (7, 4), (2, 5)),
    *[(f"{op}: {{axis: [0, 2], keepdims: true}}", (3, 4, 5)) for op in ("mean", "sum", "max", "min", "prod", "norm1", "norm2")],
    ("mean", (3, 4)), ("sum: 1", (3, 4)), ("argmax: {axis: [0, 2]}", (3, 4, 5)), ("argmax: {axis: 1, keepdims: true}", (3, 4, 5)), ("argmax", (3, 4)),
    ("cumsum: {axis: -1, reverse: true, exclusive: true}", (3, 4)), ("topk: {k: 2, axis: 1, largest: false}", (3, 4)),
    ("topk: {k: 2, axis: -1, output: indices}", (3, 4)),
    ("flatten", (3, 4, 5)), ("reshape: [6, -1]", (3, 4, 5)), ("permute: [2, 0, 1]", (3, 4, 5)),
    ("expand: [-1, 4, 2]", (3, 1, 1)), ("tile: [2, 3]", (2, 2)), ("trilu: {upper: false, k: 1}", (2, 4, 5)),
    ("slice: {axis: -1, start: 1, stop: -1, step: 2}", (3, 8)), ("slice: {start: -2}", (3, 8)), ("select: {axis: 1, index: -1}", (3, 4)), ("select: 2", (3,)),
    ("gather: {indices: [2, 0, 2, -1], axis: -1}", (2, 3, 4)),
    ("center_crop: [3, 4]", (2, 6, 4)), ("channel_shuffle: 2", (6, 3, 3)),
    ("pixel_shuffle: 2", (8, 3, 4)), ("pixel_shuffle: 2", (8, 3)), ("pixel_unshuffle: 2", (3, 4, 6)), ("im2col: 2", (3, 5)), ("im2col: {kernel_size: [3, 2], stride: [1, 2], padding: [[1, 0], [2, 1]], dilation: 2}", (3, 6, 7)),
    ("col2im: {output_size: [6, 7], kernel_size: [3, 2], stride: [1, 2], padding: [[1, 1], [0, 2]], dilation: 2}", (12, 16)), ("col2im: {output_size: 5, kernel_size: 2}", (6, 4)), ("pixel_unshuffle: 2", (3, 4, 6, 2)),
    ("pad: {padding: [[1, 2], [0, 3]], value: 1.5}", (2, 4, 5)), ("pad: {padding: 1, mode: reflect}", (2, 4, 5)),
    ("pad: {padding: [[2, 1], [1, 0]], mode: replicate}", (2, 4, 5)), ("pad: {padding: [[2, 1], [0, 3]], mode: circular}", (2, 4, 5)),
    ("pad: {padding: [[-1, 2], [1, -2]]}", (2, 4, 5)), ("pad: {padding: [[-1, 2], [1, 1]], mode: reflect}", (2, 4, 5)), ("pad: {channels: [1, 2]}", (2, 4, 5)),
    ("upsample: 2", (2, 3, 4)), ("upsample: 3", (2, 5)), ("upsample: {size: [7, 5]}", (2, 3, 4)), ("upsample: 1.5", (2, 3, 5)), ("upsample: 0.6", (2, 7, 5)),
    ("upsample: {scale_factor: 2, mode: nearest-exact}", (2, 3, 4)), ("upsample: {size: [5, 3], mode: nearest-exact}", (2, 3, 4)),
    ("upsample: {scale_factor: 2, mode: linear}", (2, 3, 4)), ("upsample: {scale_factor: 2, mode: linear}", (2, 3, 4, 2)), ("upsample: {scale_factor: 2, mode: linear, align_corners: true}", (2, 3, 4)),
    ("upsample: {size: [7, 5], mode: linear}", (2, 3, 4)), ("upsample: {size: [1, 9], mode: linear, align_corners: true}", (2, 3, 4)),
    ("upsample: {scale_factor: 1.5, mode: linear}", (2, 5, 4)), ("upsample: {scale_factor: [1.2, 2], mode: linear}", (2, 3, 4)),
    ("upsample: {scale_factor: 2, mode: linear, coordinates: asymmetric}", (2, 3, 4)),
    ("upsample: {scale_factor: 2, mode: cubic}", (2, 5, 4)), ("upsample: {size: [7, 9], mode: cubic, align_corners: true, cubic_a: -0.5}", (2, 5, 4)),
    ("upsample: {scale_factor: 2, coordinates: asymmetric}", (2, 3, 4)),
    ("upsample: {scale_factor: 2, mode: nearest-exact, coordinates: asymmetric}", (2, 3, 4)),
    ("upsample: {scale_factor: 2.1, mode: linear}", (1, 30)), ("upsample: {scale_factor: 1.4, mode: cubic}", (1, 45)),  # 62 and 63 in float32
    ("upsample: {size: [3, 7, 4], mode: cubic}", (2, 5, 4, 6)), ("upsample: {scale_factor: 2, mode: cubic}", (2, 3, 4, 2)),
]

OTHERWISE = [
    (opset, item, shape)
    for opset in (13, 16, 18, 21, 23)
    for item, shape in [
        ("gelu", (9,)), ("gelu: {approximate: tanh}", (9,)), ("hardswish", (9,)), ("mish", (9,)), ("mean: 1", (3, 4)), ("sum: 1", (3, 4)),
        ("groupnorm: {num_groups: 2, affine: false}", (4, 3)), ("layernorm: channels", (4, 3, 2)), ("norm2: 1", (3, 4)),
        ("upsample: {size: [7, 5], mode: linear}", (2, 3, 4)), ("pad: {padding: 1, mode: circular}", (2, 4, 5)),
    ]
] + [
    (18, "upsample: {scale_factor: 0.5, mode: linear, antialias: true}", (3, 8, 6)),
    (18, "upsample: {scale_factor: 0.5, mode: cubic, antialias: true}", (3, 8, 6)),
]
# fmt: on

TOO_MUCH = {
    "avgpool: {kernel_size: 2, stride: 3, rounding: caffe}": (
        (3, 6, 6),
        "has an empty window, or padding as wide as its kernel, for which ONNX has no mean",
    ),
    "adaptive_avgpool: 199999999": (
        (1, 300_000_000),
        "has 199,999,999 bins of an axis, which would be too many operators",
    ),
    "upsample: {size: 400000001}": ((1, 300_000_000), "takes 400,000,001 indices, but at most 1,048,576 are exported"),
    "locally_connected: {out_channels: 1, kernel_size: 5}": (
        (1, 9000, 900),
        "gathers 201,510,400 elements, but at most 1,048,576 indices are exported",
    ),
}

NOWHERE: list[str] = []
"""Layer types that have no counterpart in ONNX."""


@pytest.mark.parametrize("case", GRID, ids=[f"{item} {shapes}" for item, *shapes in GRID])
def test_onnx_runtime_agrees(case: Any) -> None:
    item, *shapes = case
    net = layer(item, *shapes)
    agrees(net, decisive(item, random_inputs(net, 2, 0, np.float32)))


def test_onnx_runtime_agrees_on_masked_lines() -> None:
    agrees(loads(MASKED))


@pytest.mark.parametrize(("opset", "item", "shape"), OTHERWISE)
def test_opsets_with_other_operators(opset: int, item: str, shape: tuple[int, ...]) -> None:
    agrees(layer(item, shape), opset=opset)


@pytest.mark.parametrize("case", GRID, ids=[f"{item} {shapes}" for item, *shapes in GRID])
def test_our_importer_agrees(case: Any) -> None:
    item, *shapes = case
    net = layer(item, *shapes)
    again = Network.of(read_again(net))
    for figure in (Node.params.fget, Node.buffers.fget, Node.macs):  # type: ignore[attr-defined]
        assert sum(map(figure, again.nodes)) == sum(map(figure, net.nodes))
    inputs = decisive(item, random_inputs(net, 1 if again.model.one_sample_only else 2, 0, np.float32))
    ours, theirs = net.run(inputs, threads=1).outputs["it"], again.run(inputs, threads=1).outputs["it"]
    if "caffe" not in item:  # an empty window gives the smallest number, which is rounded in a spec
        assert difference(ours, theirs) < 1e-5


@pytest.mark.parametrize("item", TOO_MUCH)
def test_too_large_constants_are_refused_at_once(item: str) -> None:
    shape, message = TOO_MUCH[item]
    with pytest.raises(CnncalcError) as caught:
        FORMATS["onnx"].export(layer(item, shape), Options())
    assert str(caught.value).endswith(f"can't be expressed in ONNX: it {message}")


@pytest.mark.parametrize("name", NAMES)
def test_every_type_has_a_counterpart(name: str) -> None:
    net = layer(known(name).example.item, *known(name).example.inputs)
    if name in NOWHERE:
        with pytest.raises(CnncalcError, match="can't be expressed in ONNX"):
            FORMATS["onnx"].export(net, Options())
    else:
        FORMATS["onnx"].export(net, Options())


@pytest.mark.parametrize(
    ("item", "shapes", "since", "why"),
    [
        (
            "upsample: {scale_factor: 0.5, mode: linear, antialias: true}",
            [(3, 8, 6)],
            18,
            "needs opset 18 for antialias",
        ),
        ("grid_sample", [(3, 4, 4, 4), (2, 2, 2, 3)], 20, "needs opset 20 for maps with other than two axes"),
        ("scatter: {axis: 1, reduce: max}", [(3, 4), (3, 2), (3, 2)], 18, "needs opset 18 for reduce: max"),
    ],
)
def test_the_first_opset_that_has_all_layers(item: str, shapes: list[tuple[int, ...]], since: int, why: str) -> None:
    net = layer(item, *shapes)
    with pytest.raises(CnncalcError, match=rf"it {why}, not 17$"):
        FORMATS["onnx"].export(net, Options(opset=17))
    model = onnx.load_from_string(b"".join(FORMATS["onnx"].export(net, Options())))
    assert [entry.version for entry in model.opset_import] == [since]
