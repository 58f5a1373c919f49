"""The formulas of ``explain``: they come from the rules themselves, and their results are right."""

from __future__ import annotations

import math
import re

import pytest

from cnncalc.ground.numeric import ceil_div, common_divisor, floor_product
from cnncalc.layers.formulas import derive
from cnncalc.layers.shapes import Shape
from cnncalc.layers.symbols import Formula, Symbol
from cnncalc.layers.symbols import formula as as_formula
from tests.layers.building import NAMES, known, use

MORE = [  # arguments that the examples do not use
    ("conv: {out_channels: 6, kernel_size: [3, 4], stride: [2, 1], padding: same}", (3, 7, 8)),
    ("conv: {out_channels: 6, kernel_size: 3, padding: [[0, 1], [2, 0]], groups: 3}", (3, 7, 8)),
    ("conv: {out_channels: 6, kernel_size: 5, padding: valid, dilation: 2, bias: false}", (3, 70)),
    ("conv_transpose: {out_channels: 6, kernel_size: 4, stride: 3, padding: same}", (3, 7, 8, 9)),
    ("conv_transpose: {out_channels: 6, kernel_size: 4, stride: 3, padding: 1, output_padding: 2}", (3, 7)),
    ("maxpool: {kernel_size: 2, padding: 1, rounding: caffe}", (8, 3, 3)),
    ("avgpool: {kernel_size: 3, stride: 2, ceil_mode: true}", (8, 28, 28)),
    ("adaptive_avgpool: {output_size: [null, 3]}", (8, 9, 10)),
    ("linear: {out_features: 10, axis: channels}", (8, 9, 10)),
    ("layernorm: {axis: [-1, -2], bias: false}", (8, 9, 10)),
    ("softmax: -1", (8, 9, 10)),
    ("log_softmax: channels", (8, 9, 10)),
    ("upsample: {scale_factor: 1.5, mode: linear}", (8, 9, 11)),
    ("pad: {padding: [[1, 2], [0, 0]], channels: [3, 4]}", (8, 9, 10)),
    ("reshape: [-1, 4]", (8, 9)),
    ("slice: {axis: 1, start: -5, step: 2}", (8, 9)),
    ("gelu: tanh", (8, 9)),
]
CASES = [(known(name).example.item, known(name).example.inputs) for name in NAMES]
CASES += [(item, (shape,)) for item, shape in MORE]


def formulas(item: str, *inputs: Shape) -> dict[str, Formula]:
    done = use(item, *inputs)
    return {formula.symbol: formula for formula in derive(done.layer, inputs, done.output)}


def worked_out(numbers: str) -> int:
    """Return the value of a formula's numbers, computed from their text."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", numbers).replace("·", "*").replace("−", "-")
    for sign, call in {"⌊": "floor(", "⌈": "ceil(", "⌋": ")", "⌉": ")"}.items():
        text = text.replace(sign, call)
    value = eval(text, {"floor": math.floor, "ceil": math.ceil, "gcd": math.gcd, "__builtins__": {}})
    assert value == int(value)
    return int(value)


@pytest.mark.parametrize(("item", "inputs"), CASES)
def test_every_formula_gives_the_figure(item: str, inputs: tuple[Shape, ...]) -> None:
    done = use(item, *inputs)
    shown = derive(done.layer, inputs, done.output)
    values = [formula.value for formula in shown]
    assert values[: len(done.output)] == list(done.output)
    by_symbol = {formula.symbol: formula.value for formula in shown}
    assert by_symbol["macs"] == done.macs
    assert by_symbol["flops"] == done.flops
    assert by_symbol.get("params", 0) == done.params
    for formula in shown:
        assert worked_out(formula.numbers) == formula.value, formula


def test_the_textbook_formula_of_a_convolution() -> None:
    shown = formulas("conv: {out_channels: 64, kernel_size: 7, stride: 2, padding: 3}", (3, 224, 224))
    assert shown["C_out"] == ("C_out", "64", "64", 64)
    assert shown["H_out"] == (
        "H_out",
        "⌊(H_in + 2·P − D·(K − 1) − 1) / S⌋ + 1",
        "⌊(224 + 2·3 − 1·(7 − 1) − 1) / 2⌋ + 1",
        112,
    )
    assert shown["weight"] == ("weight", "C_out·C_in·K·K", "64·3·7·7", 9408)
    assert shown["params"] == ("params", "weight + bias", "9,408 + 64", 9472)
    assert shown["macs"].expression == "C_out·H_out·W_out·C_in·K·K"
    assert shown["macs"].numbers == "64·112·112·3·7·7"


@pytest.mark.parametrize(
    ("item", "inputs", "symbol", "expression", "numbers"),
    [
        (
            "conv: {out_channels: 4, kernel_size: 4, padding: same}",
            ((3, 8),),
            "L_out",
            "⌊(L_in + P_before + P_after − D·(K − 1) − 1) / S⌋ + 1",
            "⌊(8 + 1 + 2 − 1·(4 − 1) − 1) / 1⌋ + 1",
        ),
        (
            "conv_transpose: {out_channels: 256, kernel_size: 2, stride: 2}",
            ((512, 28, 28),),
            "H_out",
            "(H_in − 1)·S − 2·P + D·(K − 1) + O + 1",
            "(28 − 1)·2 − 2·0 + 1·(2 − 1) + 0 + 1",
        ),
        (
            "avgpool: {kernel_size: 3, stride: 2, rounding: ceil}",
            ((16, 112, 112),),
            "W_out",
            "⌈(W_in + 2·P − D·(K − 1) − 1) / S⌉ + 1",
            "⌈(112 + 2·0 − 1·(3 − 1) − 1) / 2⌉ + 1",
        ),
        ("concat", ((256, 4), (64, 4)), "C_out", "C_in1 + C_in2", "256 + 64"),
        ("flatten", ((256, 6, 6),), "F_out", "C_in·H_in·W_in", "256·6·6"),
        ("pixel_shuffle: 2", ((64, 8, 8),), "C_out", "C_in / (r·r)", "64 / (2·2)"),
        ("upsample: 1.5", ((64, 5, 5),), "H_out", "⌊H_in·1.5⌋", "⌊5·1.5⌋"),
        ("slice: {start: 3, step: 2}", ((64, 5),), "C_out", "⌈(C_in − start) / step⌉", "⌈(64 − 3) / 2⌉"),
        ("relu6", ((8, 5),), "flops", "2·C_out·L_out", "2·8·5"),
        ("softmax", ((10,),), "flops", "2·(F_out − 1) + 3·F_out", "2·(10 − 1) + 3·10"),
        ("maxpool: 2", ((8, 4, 4),), "flops", "C_out·H_out·W_out·(K·K − 1)", "8·2·2·(2·2 − 1)"),
        ("avgpool: 2", ((8, 4, 4),), "flops", "C_out·H_out·W_out·(K·K − 1 + 1)", "8·2·2·(2·2 − 1 + 1)"),
        ("add", ((8, 4),) * 3, "flops", "2·C_out·L_out", "2·8·4"),
    ],
)
def test_the_text_of_a_formula(
    item: str, inputs: tuple[Shape, ...], symbol: str, expression: str, numbers: str
) -> None:
    shown = formulas(item, *inputs)[symbol]
    assert (shown.expression, shown.numbers) == (expression, numbers)


def test_symbols_are_integers_that_know_their_names() -> None:
    a, b = Symbol(7, "a"), Symbol(2, "b")
    assert (a + b, a - b, a * b, a // b, 10 - a, 15 // a) == (9, 5, 14, 3, 3, 2)
    places: dict[int, str] = {a: "found"}
    assert places[7] == "found"
    made = [a - (b + 1), (a + b) * b, a // b, a * b // 2, 0 + a, 1 * a, a * 1, a + 0 * b, b - a * 0]
    texts = ["a − (b + 1)", "(a + b)·b", "⌊a / b⌋", "a·b / 2", "a", "a", "a", "a", "b"]
    assert [as_formula("x", one).expression for one in made] == texts
    assert (ceil_div(a, b), ceil_div(a, b).text) == (4, "⌈a / b⌉")  # type: ignore[attr-defined]
    assert (common_divisor(a, b), common_divisor(12, 18)) == (1, 6)
    assert (floor_product(7, 1.5), floor_product(a, 1.5), floor_product(a, 2)) == (10, 10, 14)
