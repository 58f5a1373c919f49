"""Values that arguments take, and the messages for others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from cnncalc.ground.numeric import floor_product
from cnncalc.layers import layer_type
from cnncalc.layers.arguments import (
    LayerError,
    axes,
    axis,
    choice,
    factor,
    flag,
    integer,
    integers,
    natural,
    not_negative,
    number,
    or_null,
    pads,
    pair,
    per_axis,
    per_rank,
    positive,
    probability,
    value_text,
)
from cnncalc.layers.shapes import axis_index, batched
from tests.layers.building import make


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (integer, -3, -3),
        (integer, 4.0, 4),
        (positive, 1, 1),
        (positive, 64.0, 64),
        (natural, 0, 0),
        (number, 3, 3.0),
        (factor, 2.0, 2),
        (factor, 0.5, 0.5),
        (probability, 1, 1.0),
        (flag, True, True),
        (flag, 0, False),
        (choice("a", "b"), "b", "b"),
        (axis, "channels", 0),
        (axis, -1, -1),
        (axes, ("channels", 2), (0, 2)),
        (axes, 1, (1,)),
        (integers, (1, -1), (1, -1)),
        (integers, 7, (7,)),
        (pair, 2, (2, 2)),
        (pair, (0, 1), (0, 1)),
        (per_axis(positive), (3, 5), (3, 5)),
        (per_axis(positive), 3, 3),
        (per_axis(or_null(positive)), (None, 7), (None, 7)),
        (pads, "same", "same"),
        (pads, 1, (1, 1)),
        (pads, (1, 2), ((1, 1), (2, 2))),
        (pads, ((0, 1), 2), ((0, 1), (2, 2))),
    ],
)
def test_values(convert: Callable[[Any], Any], value: object, expected: object) -> None:
    assert convert(value) == expected
    assert type(convert(value)) is type(expected)


@pytest.mark.parametrize(
    ("convert", "values", "wanted"),
    [
        (integer, (1.5, "1", True, None, float("inf"), float("nan")), "an integer"),
        (positive, (0, -1, 1.5, "3", True, None, (3,), float("inf"), float("nan")), "a positive integer"),
        (natural, (-1, 0.5, False, float("inf")), "an integer of 0 or more"),
        (number, ("1", True, None, float("nan")), "a number"),
        (number, (float("inf"), -1e301, 10**400), "smaller than 1e+300 in size"),
        (not_negative, (-1e-9, "1", True, None, float("nan")), "a number of 0 or more"),
        (not_negative, (float("inf"), 10**400), "smaller than 1e+300 in size"),
        (factor, (0, -1, "2", True, float("inf"), float("nan"), 10**400), "a number above 0"),
        (probability, (-0.1, 1.1, True, "0.5", float("nan")), "a number from 0 to 1"),
        (flag, (2, "true", None, 1.0, ()), "true or false"),
        (choice("a", "b"), ("c", 1, None, ()), "one of a, b"),
        (axis, ("width", 0.5, None), "an axis: 0 or 'channels' is the first, -1 the last"),
        (integers, ("a", (1, "b"), None), "a list of integers"),
        (per_axis(positive), ((),), "a list with one number per axis"),
        (per_axis(positive), ((3, None), -1), "a positive integer"),
        (
            pads,
            ("full", ()),
            "an integer of 0 or more, one per axis, a pair [before, after] per axis, or 'same', or 'valid'",
        ),
        (pads, (((1, 2, 3),),), "a pair [before, after] for each axis"),
        (pads, (-1, (-1, 1), 0.5), "an integer of 0 or more"),
    ],
)
def test_unfit_values(convert: Callable[[Any], Any], values: tuple[object, ...], wanted: str) -> None:
    for value in values:
        with pytest.raises(ValueError, match=f"^{re.escape(wanted)}$"):
            convert(value)


def test_values_per_spatial_axis() -> None:
    assert per_rank("stride", 2, 3, "one") == (2, 2, 2)
    assert per_rank("padding", (1, 2), 2, "pair") == ((1, 2), (1, 2))
    assert per_rank("padding", "same", 2, "pair") == "same"
    with pytest.raises(LayerError, match="stride has 2 numbers, but the input has 1 spatial axis"):
        per_rank("stride", (2, 2), 1, "one")


def test_axes_are_counted_without_the_batch() -> None:
    assert [axis_index(i, (3, 8, 8)) for i in (0, 2, -1, -3)] == [0, 2, 2, 0]
    assert [batched(i) for i in (0, 2, -1, -3)] == [1, 3, -1, -3]


def test_unknown_and_missing_arguments() -> None:
    with pytest.raises(LayerError) as caught:
        make("conv: {out_channels: 8, dilation: 3}")
    assert caught.value.message == "'kernel_size' is missing: extent of a filter along each spatial axis"
    with pytest.raises(LayerError) as caught:
        make("conv: {out_channels: 8, kernel: 3}")
    assert (caught.value.message, caught.value.argument) == ("unknown argument 'kernel'", "kernel")
    assert "kernel_size" in caught.value.near


def test_null_is_a_value_only_where_it_is_the_default() -> None:
    assert make("linear: {out_features: 8, axis: null}").axis is None  # type: ignore[attr-defined]
    with pytest.raises(LayerError, match="out_features must be a positive integer, not null"):
        make("linear: {out_features: null}")


def test_values_are_shown_as_a_spec_spells_them() -> None:
    values = ("a", (1, (2, None)), True, 0.5, tuple(range(9)), "x" * 99)
    assert [value_text(value) for value in values] == [
        "'a'",
        "[1, [2, null]]",
        "true",
        "0.5",
        "[0, 1, 2, 3, 4, 5, 6, 7, …]",
        "'" + "x" * 56 + "…",
    ]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            "conv: {out_channels: 1.0e+300, kernel_size: 3}",
            "out_channels must be at most 9,007,199,254,740,992 in size",
        ),
        ("linear: 9007199254740993", "out_features must be at most 9,007,199,254,740,992 in size"),
        ("upsample: 1.0e+299", "scale_factor must be at most 9,007,199,254,740,992,"),
        ("slice: {start: -1.0e+300}", "start must be at most 9,007,199,254,740,992 in size"),
    ],
)
def test_integers_are_bounded(item: str, message: str) -> None:
    with pytest.raises(LayerError, match=re.escape(message)):
        make(item)


def test_outputs_are_bounded() -> None:
    upsample = make("upsample: 2")
    assert upsample.apply(((2, 2**25, 2**25),)).output == (2, 2**26, 2**26)  # 2^53 elements
    with pytest.raises(LayerError, match=r"the output \[4, 67108864, 67108864\] has more than 9,007,199,254,740,992"):
        upsample.apply(((4, 2**25, 2**25),))


def test_large_sizes_are_multiplied_exactly() -> None:
    assert floor_product(10**400 + 1, 1.5) == (10**400 + 1) * 3 // 2
    assert floor_product(10, 0.7) == 7  # the float 0.7 is slightly less than 0.7; frameworks multiply floats, too


def test_a_layer_does_not_change() -> None:
    layer = make("maxpool: 2")
    with pytest.raises(AttributeError):
        layer.stride = 1
    assert layer.label() == "2/2"


def test_a_field_is_an_argument_of_the_type_and_a_value_of_the_layer() -> None:
    conv = layer_type("conv")
    assert conv is not None
    assert vars(conv)["kernel_size"] is conv.arguments["kernel_size"]
    layer = conv(out_channels=2, kernel_size=3)
    assert (vars(layer)["kernel_size"], vars(layer.resolved(2))["kernel_size"]) == (3, (3, 3))
