"""Quantisation: what it refuses, and its operations, counted by hand."""

from __future__ import annotations

import pytest

from tests.layers.building import refusal, use


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("quantize: {scale: 0}", "scale = 0 must be positive"),
        ("quantize: {scale: -0.5}", "scale = -0.5 must be positive"),
        ("quantize: {scale: 1, quant_min: 3, quant_max: 3}", "quant_min = 3 must be below quant_max = 3"),
        ("quantize: {format: e4m3fn}", "format = e4m3fn takes a scale, no zero_point, and gives numbers"),
    ],
)
def test_unfit_grids_are_refused(item: str, message: str) -> None:
    assert refusal(item, (2, 3)).message == message


@pytest.mark.parametrize(
    ("item", "operations"),
    [
        ("quantize: {scale: 0.1}", 7),  # divide, round, add, clip twice, subtract, multiply
        ("quantize", 9),  # and a minimum and a maximum
        ("quantize: {scale: 1, format: e4m3fn}", 5),  # divide, round, clip twice, multiply
    ],
)
def test_operations_of_an_element(item: str, operations: int) -> None:
    assert use(item, (2, 3)).flops == 6 * operations
