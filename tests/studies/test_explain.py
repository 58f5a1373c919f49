"""The origin of figures: borders, weight sharing, bytes, receptive fields."""

from __future__ import annotations

import itertools

import pytest

from cnncalc import loads
from cnncalc.layers.symbols import Formula
from cnncalc.network import load
from cnncalc.studies.explain.borders import WindowReads
from cnncalc.studies.explain.explanation import Explanation, explain, together


def explained(item: str, *shape: int) -> Explanation:
    network = loads(f"input: {list(shape)}\nlayers:\n  - {item}\n", name="net.yaml")
    return explain(network, network.nodes)[0]


def values(formulas: list[Formula]) -> dict[str, int]:
    return {formula.symbol: formula.value for formula in formulas}


def test_savings_of_weight_sharing() -> None:
    # 10 filters of 5×5 on 3×32×32: (75 + 1)·10 shared; 75·1024·10 with filters of its own at every position
    found = explained("conv: {out_channels: 10, kernel_size: 5, padding: 2}", 3, 32, 32)
    assert values(found.sharing) == {"shared": 760, "unshared": 768_000, "fully connected": 3072 * 10_240}
    assert found.sharing[1].numbers == "10·3·5·5·32·32"


def test_a_locally_connected_layer_is_the_unshared_one() -> None:
    found = explained("locally_connected: {out_channels: 10, kernel_size: 5, padding: 2}", 3, 32, 32)
    assert values(found.sharing) == {"shared": 760, "unshared": 768_000, "fully connected": 31_457_280}
    assert found.node.params == 768_000 + 10_240


def test_grouped_filters() -> None:
    found = explained("conv: {out_channels: 8, kernel_size: 3, groups: 4, bias: false}", 8, 5, 5)
    assert values(found.sharing) == {"shared": 8 * 2 * 9, "unshared": 8 * 2 * 9 * 9, "fully connected": 200 * 72}


def test_others_share_nothing() -> None:
    for item in ("maxpool: 2", "batchnorm", "conv_transpose: {out_channels: 2, kernel_size: 2}"):
        assert explained(item, 3, 8, 8).sharing == []


def test_zero_padding_keeps_the_size() -> None:
    found = explained("conv: {out_channels: 4, kernel_size: 3, padding: 1}", 3, 5, 5)
    for edge in found.borders:
        assert (edge.size, edge.pad, edge.positions, edge.unpadded, edge.lost, edge.beyond) == (5, (1, 1), 5, 3, (), 0)
    # of 25·9 taps, those of the 16 windows on the border lie partly outside: 4 corners lose 5, 12 others 3
    assert found.padded_share == pytest.approx((4 * 5 + 12 * 3) / (25 * 9))


def test_alexnets_first_layer_loses_a_column() -> None:
    # Krizhevsky 2012 writes 224, but (224 − 11) / 4 is no integer
    (rows, _) = explained("conv: {out_channels: 96, kernel_size: 11, stride: 4}", 3, 224, 224).borders
    assert (rows.positions, rows.lost, rows.beyond) == (54, ((223, 223),), 1)
    (rows, _) = explained("conv: {out_channels: 96, kernel_size: 11, stride: 4}", 3, 227, 227).borders
    assert (rows.positions, rows.lost) == (55, ())


def test_resnets_first_layer_loses_nothing_but_padding() -> None:
    (rows, _) = explained("conv: {out_channels: 64, kernel_size: 7, stride: 2, padding: 3}", 3, 224, 224).borders
    assert (rows.positions, rows.lost, rows.beyond) == (112, (), 1)


def test_a_stride_over_the_kernel_steps_over_columns() -> None:
    (length,) = explained("conv: {out_channels: 1, kernel_size: 1, stride: 3}", 1, 8).borders
    assert length.lost == ((1, 2), (4, 5), (7, 7))
    (length,) = explained("maxpool: {kernel_size: 2, dilation: 2, stride: 2}", 1, 8).borders  # reads 0 2, 2 4, 4 6
    assert length.lost == ((1, 1), (3, 3), (5, 5), (7, 7))


def test_a_very_long_axis_is_not_walked() -> None:
    (length,) = explained("conv: {out_channels: 1, kernel_size: 3, stride: 2, padding: 1}", 1, 2**50).borders
    assert (length.lost, length.positions) == (None, 2**49)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("pad", [(0, 0), (1, 1), (0, 2), (3, 1)])
def test_padded_taps_agree_with_counting_all(kernel: int, dilation: int, stride: int, pad: tuple[int, int]) -> None:
    size = 11
    starts = range(-pad[0], size + pad[1] - dilation * (kernel - 1), stride)
    read = [start + tap * dilation for start, tap in itertools.product(starts, range(kernel))]
    taps = WindowReads(size, kernel, stride, pad, dilation, len(starts))
    lost = [place for first, last in taps.lost() or () for place in range(first, last + 1)]
    assert lost == [place for place in range(size) if place not in read]
    assert taps.inside_share() == pytest.approx(sum(0 <= place < size for place in read) / len(read))


def test_bytes_and_buffers() -> None:
    found = explained("batchnorm", 64, 10, 10)
    assert values(found.memory) == {"output": 6400 * 4, "weights": 128 * 4}
    assert ("buffers", "running_mean + running_var", "64 + 64", 128) in found.formulas
    network = load("alexnet")
    assert values(explain(network, network.nodes[:1], "float16")[0].memory)["output"] == 2 * 64 * 55 * 55


def test_receptive_fields_grow_by_window_and_jump() -> None:
    # Araujo et al. 2019, Distill: AlexNet's pool5 sees 195 of the input, 32 apart; torchvision's differs in nothing
    network = load("alexnet")
    pool = next(node for node in network.nodes if node.name == "pool3")
    rows, columns = explain(network, [pool])[0].growth or []
    assert (rows.field.size, rows.field.jump, rows.window, rows.stride) == (195, 32, 3, 2)
    assert rows.window is not None
    assert rows.incoming.size + (rows.window - 1) * rows.incoming.jump == 195
    assert (columns.field.size, columns.field.jump, columns.field.offset) == (195, 32, rows.field.offset)


def test_axes_that_are_computed_alike_are_one_formula() -> None:
    square = explained("conv: {out_channels: 4, kernel_size: 3}", 3, 8, 8)
    assert [one.symbol for one in together(square.formulas[:3], (4, 6, 6))] == ["C_out", "H_out = W_out"]
    oblong = explained("conv: {out_channels: 4, kernel_size: [3, 1]}", 3, 8, 6)
    assert [one.symbol for one in together(oblong.formulas[:3], (4, 6, 6))] == ["C_out", "H_out", "W_out"]
    cube = explained("maxpool: 2", 3, 8, 8, 8)
    assert [one.symbol for one in together(cube.formulas[:4], (3, 4, 4, 4))] == ["C_out", "D_out = H_out = W_out"]


@pytest.mark.parametrize(
    ("shape", "kernel", "over"),
    [
        ((1, 5, 6), 2, (1, 0)),  # 3 windows of 2 reach over 6: 1 more than 5
        ((1, 22, 26), 3, (1, 1)),  # 11 windows, the last from 20 to 22; 13 windows, the last from 24 to 26
    ],
)
def test_a_window_that_overhangs(shape: tuple[int, ...], kernel: int, over: tuple[int, int]) -> None:
    found = explained(f"maxpool: {{kernel_size: {kernel}, stride: 2, ceil_mode: true}}", *shape)
    assert tuple([edge.over for edge in found.borders]) == over
    assert [edge.unpadded for edge in found.borders] == [edge.positions for edge in found.borders]


def test_layers_without_a_single_window_have_no_borders() -> None:
    text = "input: [8, 16, 16]\nlayers:\n  - reshape: [8, 256]\n  - conv: {out_channels: 8, kernel_size: 3}\n"
    network = loads(text, name="net.yaml")
    reshaped, conv = explain(network, network.nodes)
    assert [axis.field.size for axis in reshaped.growth] == [1, 1]
    height, width = conv.growth
    # some windows lie across the end of a row
    assert (height.window, height.field.size, height.field.least) == (None, 2, 1)
    assert (width.window, width.field.size, width.field.least) == (None, 16, 3)
