"""The kernels against plain nested loops, on a grid of arguments and on cases drawn by hypothesis."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncalc.execution.kernels import Kernels
from cnncalc.execution.kernels.depthwise import run_columns
from cnncalc.execution.kernels.team import Team
from tests.execution import loops
from tests.layers.building import known, make

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
SIZES = (6, 5, 4)  # sizes of the spatial axes; each rank takes as many as it has


def drawn(shape: tuple[int, ...], dtype: str, seed: int = 0, last: bool = False) -> Any:
    """Return standard normal figures; with `last` the memory has the channels last, as in the middle of a network."""
    values = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(values, 1, -1)), -1, 1) if last else values


def check(actual: Any, wanted: Any) -> None:
    """Compare shapes, types, and values relative to the largest."""
    assert actual.shape == wanted.shape
    assert actual.dtype == wanted.dtype
    assert np.abs(actual - wanted).max() <= TOLERANCE[wanted.dtype.name] * np.abs(wanted).max()


@pytest.mark.parametrize("groups", [(1, 3, 2), (2, 2, 3), (3, 1, 1)])  # groups, and channels in and out of each
@pytest.mark.parametrize("pad", [(0, 0), (1, 1), (2, 1)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolution(rank: int, kernel: int, stride: int, pad: tuple[int, int], groups: tuple[int, int, int]) -> None:
    count, depth, filters = groups
    for dilation, dtype in product((1, 2), TOLERANCE):
        x = drawn((1, count * depth, *SIZES[:rank]), dtype, last=dilation == 2)
        weight = drawn((count * filters, depth, *(kernel,) * rank), dtype, 1)
        bias = drawn((count * filters,), dtype, 2)
        pads = (pad,) * rank
        if dilation * (kernel - 1) + 1 > min(SIZES[:rank]) + sum(pad):
            continue
        ops = Kernels(Team(threads=2, pieces=kernel % 2 == 1))
        result = ops.conv(x, weight, bias, stride=stride, padding=pads, dilation=dilation, groups=count)
        check(result, loops.conv(x, weight, bias, (stride,) * rank, pads, (dilation,) * rank, count))
        assert ops.tally().performed == result.size * depth * kernel**rank


@pytest.mark.parametrize("groups", [(1, 3, 2), (2, 1, 2), (3, 1, 1)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_transposed_convolution(rank: int, kernel: int, stride: int, groups: tuple[int, int, int]) -> None:
    count, depth, filters = groups
    for pad, dilation, dtype in product(((0, 0), (1, 0)), (1, 2), TOLERANCE):
        x = drawn((2, count * depth, *SIZES[-rank:]), dtype)
        weight = drawn((count * depth, filters, *(kernel,) * rank), dtype, 1)
        bias = drawn((count * filters,), dtype, 2)
        extra, pads = max(stride, dilation) - 1, (pad,) * rank
        ops = Kernels()
        result = ops.conv_transpose(
            x, weight, bias, stride=stride, padding=pads, output_padding=extra, dilation=dilation, groups=count
        )
        wanted = loops.conv_transpose(
            x, weight, bias, (stride,) * rank, pads, (extra,) * rank, (dilation,) * rank, count
        )
        check(result, wanted)
        assert ops.tally().performed == x.size * filters * kernel**rank


@pytest.mark.parametrize("size", [4, 5, 7])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_transposed_same_is_the_transpose_of_same(size: int, kernel: int, stride: int) -> None:
    ops = Kernels()
    x, weight = drawn((1, 2, size), "float64"), drawn((2, 3, kernel), "float64", 1)
    there = ops.conv_transpose(x, weight, stride=stride, padding="same")
    assert there.shape == (1, 3, size * stride)
    y = drawn((1, 3, size * stride), "float64", 2)
    back = ops.conv(y, weight, stride=stride, padding="same")
    assert (there * y).sum() == pytest.approx((back * x).sum())  # ⟨Aᵀx, y⟩ = ⟨x, Ay⟩


@pytest.mark.parametrize("padding_counts", [True, False])
@pytest.mark.parametrize("ceil", [True, False])
@pytest.mark.parametrize("pad", [(0, 0), (1, 1), (0, 1)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pooling(rank: int, kernel: int, stride: int, pad: tuple[int, int], ceil: bool, padding_counts: bool) -> None:
    x = drawn((2, 2, *SIZES[-rank:]), "float64") - 3  # negative, so that padding would win if it could
    window = ((kernel,) * rank, (stride,) * rank, (pad,) * rank)
    options: dict[str, Any] = dict(zip(("kernel_size", "stride", "padding"), window, strict=True))
    # without padding, Caffe has more windows
    options["rounding"] = ("caffe" if any(pad) else "ceil") if ceil else "floor"
    check(Kernels().pool(x, "max", **options), loops.pool(x, *window, ceil, "max"))
    averages = Kernels().pool(x, "avg", **options, of=padding_counts)
    check(averages, loops.pool(x, *window, ceil, "avg", padding_counts))
    if pad == (0, 0) and not ceil:  # (Σ x²)^½ from the mean of squares
        norms = np.sqrt(loops.pool(x**2, *window, False, "avg") * kernel**rank)
        check(Kernels().pool(x, "lp", of=2, **options), norms)


@pytest.mark.parametrize(
    ("p", "window", "wanted"),
    [  # by hand from (Σ xᵖ)^(1/p); torch.nn.functional.lp_pool1d 2.13 gives the same
        (3, [1, 2, 0], 9 ** (1 / 3)),
        (3, [-1, -2, 0], math.nan),
        (3, [-1, 2, 0], 7 ** (1 / 3)),
        (1, [-1, -2, 0], -3),
        (2, [-3, -4, 0], 5),
        (1.5, [-1, 4, 0], math.nan),
        (0.5, [4, 9, 0], 25),
    ],
)
def test_roots_of_negative_sums_are_nan(p: float, window: list[float], wanted: float) -> None:
    with np.errstate(invalid="ignore"):
        (found,) = Kernels().pool(np.array([[window]], float), "lp", of=p, kernel_size=3).ravel()
    assert found == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_local_connection(rank: int) -> None:
    x = drawn((2, 3, *SIZES[:rank]), "float64")
    ops, pads = Kernels(), ((1, 0),) * rank
    places = [len(loops.positions(size, 2, 2, (1, 0))) for size in SIZES[:rank]]
    weight, bias = drawn((4, 3, *places, *(2,) * rank), "float64", 1), drawn((4, *places), "float64", 2)
    result = ops.locally_connected(x, weight, bias, kernel_size=2, stride=2, padding=pads)
    check(result, loops.locally_connected(x, weight, bias, (2,) * rank, pads))
    assert ops.tally().performed == result.size * 3 * 2**rank


def test_linear_on_every_axis() -> None:
    x, weight, bias = drawn((2, 3, 4, 5), "float64"), drawn((6, 3), "float64", 1), drawn((6,), "float64", 2)
    wanted = np.einsum("nchw,oc->nohw", x, weight) + bias[:, None, None]
    check(Kernels().linear(x, weight, bias, axis=1), wanted)
    many = drawn((100, 3), "float64", 3)
    check(Kernels(Team(2)).linear(many, weight, bias), many @ weight.T + bias)


@pytest.mark.parametrize(
    ("method", "size", "channels", "kernel"),
    [
        ("Winograd F(2×2, 3×3)", (14, 15), (32, 48), 3),
        ("Winograd F(2×2, 3×3)", (9, 12), (128, 130), 3),
        ("Winograd F(4×4, 3×3)", (27, 26), (48, 32), 3),
        ("Winograd F(2×2, 5×5)", (17, 16), (32, 40), 5),
    ],
)
@pytest.mark.parametrize("pad", [(0, 0), (1, 1), (0, 2), (3, 0)])
@pytest.mark.parametrize("threads", [1, 2])
def test_winograd(
    method: str, size: tuple[int, int], channels: tuple[int, int], kernel: int, pad: tuple[int, int], threads: int
) -> None:
    x = drawn((2, channels[0], *size), "float64")
    weight, bias = drawn((channels[1], channels[0], kernel, kernel), "float64", 1), drawn(channels[1:], "float64", 2)
    plain = Kernels()
    wanted = plain.conv(x, weight, bias, padding=(pad, pad))  # in float64, compared with loops above
    assert plain.tally().method == ""
    fast = Kernels(Team(threads, pieces=threads == 2))
    x, weight, bias = (array.astype(np.float32) for array in (x, weight, bias))
    check(fast.conv(x, weight, bias, padding=(pad, pad)), wanted.astype(np.float32))
    tally = fast.tally()
    assert tally.method == method
    assert tally.direct == wanted.size * channels[0] * kernel**2
    assert tally.performed < tally.direct


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("pad", [(0, 0), (2, 1)])
def test_convolution_of_few_channels(depth: int, kernel: int, stride: int, pad: tuple[int, int]) -> None:
    x, weight = drawn((2, depth, 17, 34), "float64"), drawn((4, depth, kernel, kernel), "float64", 1)
    bias = drawn((4,), "float64", 2)
    result = Kernels(Team(2)).conv(x, weight, bias, stride=stride, padding=(pad, pad))
    check(result, loops.conv(x, weight, bias, (stride,) * 2, (pad,) * 2, (1, 1), 1))


def test_nothing_is_kept_from_one_call_to_the_next() -> None:
    ops = Kernels(Team(2))
    first, second = drawn((1, 32, 30, 30), "float32"), drawn((1, 32, 24, 24), "float32", 1)
    weight = drawn((32, 32, 3, 3), "float32", 2)
    alone = [Kernels().conv(x, weight, padding=1).copy() for x in (first, second)]
    kept = [ops.conv(x, weight, padding=1) for x in (first, second, first)]
    for result, wanted in zip(kept, [*alone, alone[0]], strict=True):
        check(result, wanted)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("groups", [1, 4])
def test_one_weight_with_one_bias_and_another(kernel: int, groups: int) -> None:
    ops, x = Kernels(), drawn((1, 4, 6, 5), "float64")
    weight = drawn((4, 4 // groups, kernel, kernel), "float64", 1)
    plain = ops.conv(x, weight, groups=groups).copy()
    for seed in (2, 3):
        bias = drawn((4,), "float64", seed)
        check(ops.conv(x, weight, bias, groups=groups), plain + bias[:, None, None])


@st.composite
def windows(draw: Any) -> dict[str, Any]:
    """Draw a convolution whose axes have different arguments."""
    rank = draw(st.integers(1, 3))
    axes = [
        draw(
            st.tuples(
                st.integers(1, 3), st.integers(1, 3), st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(1, 2)
            )
        )
        for _ in range(rank)
    ]
    kernel, stride, pads, dilation = (tuple(axis[i] for axis in axes) for i in range(4))
    sizes = tuple(draw(st.integers(max(1, d * (k - 1) + 1 - sum(p)), 8)) for k, _, p, d in axes)
    return {"sizes": sizes, "kernel": kernel, "stride": stride, "pads": pads, "dilation": dilation}


@settings(deadline=None, max_examples=60)
@given(windows(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2))
def test_odd_convolutions(window: dict[str, Any], groups: int, depth: int, filters: int, batch: int) -> None:
    x = drawn((batch, groups * depth, *window["sizes"]), "float64")
    weight, bias = (
        drawn((groups * filters, depth, *window["kernel"]), "float64", 1),
        drawn((groups * filters,), "float64", 2),
    )
    result = Kernels(Team(2)).conv(
        x, weight, bias, stride=window["stride"], padding=window["pads"], dilation=window["dilation"], groups=groups
    )
    check(result, loops.conv(x, weight, bias, window["stride"], window["pads"], window["dilation"], groups))


@settings(deadline=None, max_examples=60)
@given(windows(), st.booleans(), st.integers(0, 1))
def test_odd_poolings(window: dict[str, Any], ceil: bool, seed: int) -> None:
    kernel = window["kernel"]
    pads = tuple((min(a, k - 1), min(b, k - 1)) for (a, b), k in zip(window["pads"], kernel, strict=True))
    sizes = tuple(max(size, k) for size, k in zip(window["sizes"], kernel, strict=True))
    x = drawn((1, 2, *sizes), "float64", seed)
    rounding: Any = "ceil" if ceil else "floor"
    result = Kernels().pool(x, "max", kernel_size=kernel, stride=window["stride"], padding=pads, rounding=rounding)
    check(result, loops.pool(x, kernel, window["stride"], pads, ceil, "max"))


def test_adaptive_bins_overlap_as_pytorch_s_do() -> None:
    x = np.arange(5.0).reshape(1, 1, 5)  # 5 → 3: bins 0…2, 1…4, 3…5, from ⌊5i/3⌋ to ⌈5(i+1)/3⌉
    check(Kernels().adaptive_pool(x, "avg", output_size=3), np.array([[[0.5, 2.0, 3.5]]]))
    check(Kernels().adaptive_pool(x, "max", output_size=3), np.array([[[1.0, 3.0, 4.0]]]))
    check(Kernels().adaptive_pool(x, "max", output_size=None), x)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [  # of [0, 1, 2, 3], by hand from PyTorch's definition: (i + ½) · in / out − ½, clipped at 0
        ({"scale_factor": 2}, [0, 0, 1, 1, 2, 2, 3, 3]),
        ({"size": 6}, [0, 0, 1, 2, 2, 3]),
        ({"scale_factor": 2, "mode": "linear"}, [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]),
        ({"size": 2, "mode": "linear"}, [0.5, 2.5]),
        ({"size": 7, "mode": "linear", "align_corners": True}, [0, 0.5, 1, 1.5, 2, 2.5, 3]),
        ({"scale_factor": 1.5}, [0, 0, 1, 2, 2, 3]),
        # printed by torch.nn.functional.interpolate of PyTorch 2.13 on a signal
        ({"scale_factor": 2.05}, [0, 0, 0, 1, 1, 2, 2, 3]),
        ({"scale_factor": 1.2}, [0, 0, 1, 2]),
        ({"scale_factor": 1.2, "mode": "linear"}, [0, 1, 2, 3]),
    ],
)
def test_upsampling(options: dict[str, Any], wanted: list[float]) -> None:
    row = np.arange(4.0)
    layer = known("upsample")(**options)
    check(layer.forward(Kernels(), row.reshape(1, 1, 4)), np.array([[wanted]], float))


def test_positions_are_computed_in_float32_as_pytorch_computes_them() -> None:
    """16 · 2.2 = 35 positions; PyTorch 2.13 takes element 15 for the 33rd, where exact arithmetic gives ⌊14.99…⌋."""
    row = np.arange(16.0).reshape(1, 1, 16)
    layer = known("upsample")(scale_factor=2.2)
    assert layer.forward(Kernels(), row)[0, 0, 31:].tolist() == [14, 14, 15, 15]


@pytest.mark.parametrize(
    ("length", "count", "wanted"),
    [  # printed by torch.nn.functional.interpolate of PyTorch 2.13; the place 3½ · 6 / 7 is a 3, not just below
        (6, 7, [0, 1, 2, 3, 3, 4, 5]),
        (10, 13, [0, 1, 1, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9]),
        (4, 14, [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3]),
    ],
)
def test_the_nearest_of_all_is_pytorch_s(length: int, count: int, wanted: list[float]) -> None:
    layer = make(f"upsample: {{size: {count}, mode: nearest-exact}}")
    row = np.arange(float(length)).reshape(1, 1, length)
    assert layer.forward(Kernels(), row)[0, 0].tolist() == wanted


@pytest.mark.parametrize(
    ("size", "counts", "wanted"),
    [
        (2, False, [math.nan, math.nan]),  # taps at -2 and 2, -1 and 3
        (3, False, [3, math.nan, 1]),  # taps at -2 and 2, -1 and 3, 0 and 4
        (3, True, [3 / 2, 0, 1 / 2]),
    ],
)
def test_a_map_in_the_gap_of_an_averaged_window(size: int, counts: bool, wanted: list[float]) -> None:
    x = np.arange(1.0, size + 1).reshape(1, 1, size)
    with np.errstate(invalid="ignore"):
        found = Kernels().pool(x, "avg", kernel_size=2, stride=1, padding=2, dilation=4, of=counts)
    assert found.ravel().tolist() == pytest.approx(wanted, nan_ok=True)


def test_same_averages_with_pytorch_s_divisor_or_keras_() -> None:
    """For a map of ones Keras' AveragePooling2D gives 1 everywhere, nn.AvgPool2d(3, 1, 1) 4/9 in the corners."""
    ones = np.ones((1, 1, 3, 3))
    options: dict[str, Any] = {"kernel_size": 3, "stride": 1, "padding": "same"}
    check(Kernels().pool(ones, "avg", **options), np.array([[[[4, 6, 4], [6, 9, 6], [4, 6, 4]]]]) / 9)
    check(Kernels().pool(ones, "avg", **options, of=False), ones)


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [  # of [1, 2, 3] padded by 2 in front and 1 behind
        ("constant", [9, 9, 1, 2, 3, 9]),
        ("reflect", [3, 2, 1, 2, 3, 2]),
        ("replicate", [1, 1, 1, 2, 3, 3]),
        ("circular", [2, 3, 1, 2, 3, 1]),
    ],
)
def test_padding(mode: Any, wanted: list[float]) -> None:
    x = np.array([[[1.0, 2.0, 3.0]]])
    pad = known("pad")(padding=((2, 1),), mode=mode, value=9)
    check(pad.forward(Kernels(), x), np.array([[wanted]], float))
    check(known("pad")(padding=((-1, -1),)).forward(Kernels(), x), np.array([[[2.0]]]))


def test_erf() -> None:
    x = np.linspace(-7, 7, 20_001)
    wanted = np.array([math.erf(value) for value in x])
    assert np.abs(Kernels().erf(x) - wanted).max() <= 1e-15
    check(Kernels().erf(x.astype(np.float32)), wanted.astype(np.float32))
    assert np.isnan(Kernels().erf(np.array([np.nan]))[0])
    assert list(Kernels().erf(np.array([-np.inf, np.inf]))) == [-1, 1]


# columns, elements per column, and the run by hand: 1024 to 4096 elements, fewer only if the line is shorter
@pytest.mark.parametrize(
    ("columns", "width", "together"),
    [(56, 144, 28), (112, 32, 112), (14, 576, 7), (7, 960, 7), (127, 64, 127), (7, 32, 7), (6, 5000, 1), (1, 9, 1)],
)
def test_runs_of_depthwise_columns(columns: int, width: int, together: int) -> None:
    assert run_columns(columns, width) == together


@pytest.mark.parametrize(("columns", "stride", "dilation"), [(89, 1, 1), (91, 1, 2), (61, 1, 1), (128, 2, 1)])
def test_depthwise_lines_of_several_runs(columns: int, stride: int, dilation: int) -> None:
    channels = 64
    x, weight = drawn((1, channels, 3, columns), "float64", last=True), drawn((channels, 1, 3, 3), "float64", 1)
    wanted = loops.conv(x, weight, np.zeros(channels), (1, stride), ((1, 1), (2, 1)), (1, dilation), channels)
    result = Kernels().conv(
        x, weight, stride=(1, stride), padding=((1, 1), (2, 1)), dilation=(1, dilation), groups=channels
    )
    check(result, wanted)


def test_the_mean_of_many_places_has_the_precision_of_one() -> None:
    """A sum of 25,600 numbers in a row is off by 1e-6 to 1e-5 in float32; the gates of PP-OCR multiply such an error."""
    x = np.random.default_rng(0).random((1, 160, 160, 32), np.float32).transpose(0, 3, 1, 2)  # as layers pass it on
    found = Kernels().adaptive_pool(x, "avg", output_size=1).reshape(1, 32)
    np.testing.assert_allclose(found, x.astype(np.float64).mean((2, 3)), rtol=4e-7)
