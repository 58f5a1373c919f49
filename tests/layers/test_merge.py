"""Merging layers: shapes that fit, and the messages for those that don't."""

from __future__ import annotations

import pytest

from cnncalc.layers.shapes import Shape
from tests.layers.building import refusal, use

MAP, HALF, GATE = (64, 56, 56), (64, 28, 28), (64, 1, 1)
PAIRWISE = "sizes must be equal or 1; a 1×1 conv changes the channels, its stride the size"


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "maximum"])
@pytest.mark.parametrize(
    ("inputs", "output"),
    [
        ((MAP, MAP), MAP),
        ((MAP, GATE), MAP),  # squeeze and excitation
        ((GATE, MAP), MAP),
        (((64, 1, 56), (64, 56, 1)), MAP),
        (((1, 56, 56), MAP), MAP),
        (((10,), (10,)), (10,)),
        (((10, 4, 5, 6), (10, 4, 5, 6)), (10, 4, 5, 6)),
    ],
)
def test_elementwise(name: str, inputs: tuple[Shape, ...], output: Shape) -> None:
    done = use(name, *inputs)
    elements = 1
    for size in output:
        elements *= size
    assert (done.output, done.flops, done.macs, done.params) == (output, elements, 0, 0)
    assert done.layer.kind == "merge"


@pytest.mark.parametrize("name", ["add", "multiply", "maximum"])
def test_more_than_two_inputs_are_merged_pair_by_pair(name: str) -> None:
    done = use(name, (8, 4), (8, 4), (8, 1), (8, 4))
    assert (done.output, done.flops) == ((8, 4), 3 * 32)


@pytest.mark.parametrize(
    ("item", "inputs", "output"),
    [
        ("concat", ((64, 28, 28), (128, 28, 28), (32, 28, 28), (32, 28, 28)), (256, 28, 28)),  # GoogLeNet 3a
        ("concat: channels", (MAP, MAP), (128, 56, 56)),
        ("concat: 0", ((3,), (4,)), (7,)),
        ("concat: 1", (MAP, (64, 4, 56)), (64, 60, 56)),
        ("concat: -1", (MAP, (64, 56, 4)), (64, 56, 60)),
    ],
)
def test_concat(item: str, inputs: tuple[Shape, ...], output: Shape) -> None:
    done = use(item, *inputs)
    assert (done.output, done.flops) == (output, 0)


@pytest.mark.parametrize(
    ("item", "inputs", "argument", "message", "hint"),
    [
        (
            "add",
            (MAP, HALF),
            None,
            "input 1 is [64, 56, 56], but input 2 is [64, 28, 28]: H 56 and 28 differ",
            PAIRWISE,
        ),
        (
            "multiply",
            (GATE, MAP, (32, 1, 1)),
            None,
            "input 1 is [64, 1, 1], but input 3 is [32, 1, 1]: channels 64 and 32 differ",
            PAIRWISE,
        ),
        (
            "maximum",
            ((1, 8), (4, 8), (4, 9)),
            None,
            "input 1 is [1, 8], but input 3 is [4, 9]: L 8 and 9 differ",
            PAIRWISE,
        ),
        (
            "multiply",
            (MAP, (64,)),
            None,
            "input 1 is [64, 56, 56], but input 2 is [64]: the number of axes differs",
            "reshape makes a vector [C] a map [C, 1, 1]; flatten makes a map a vector",
        ),
        (
            "concat",
            (MAP, MAP, HALF),
            None,
            "input 1 is [64, 56, 56], but input 3 is [64, 28, 28]: H 56 and 28 differ; only channels may",
            "use a center_crop, a pad or another stride to make the sizes equal",
        ),
        (
            "concat: 2",
            (MAP, (32, 56, 4)),
            None,
            "input 1 is [64, 56, 56], but input 2 is [32, 56, 4]: channels 64 and 32 differ; only W may",
            "use a center_crop, a pad or another stride to make the sizes equal",
        ),
        (
            "concat",
            (MAP, (64,)),
            None,
            "input 1 is [64, 56, 56], but input 2 is [64]: the number of axes differs",
            "give both the same number of axes, with reshape or flatten",
        ),
        (
            "concat: 3",
            (MAP, MAP),
            "axis",
            "axis = 3, but the input [64, 56, 56] has 3 axes",
            "axes are counted without the batch: 0 or 'channels' is the first, -1 the last",
        ),
        (
            "add",
            (MAP,),
            None,
            "takes at least 2 inputs, but 1 comes in",
            "give 'paths', or 'from' with several names",
        ),
        (
            "subtract",
            (MAP, MAP, MAP),
            None,
            "takes 2 inputs, but 3 come in",
            "merge them first, with add or concat",
        ),
        ("relu", (MAP, MAP), None, "takes 1 input, but 2 come in", "merge them first, with add or concat"),
    ],
)
def test_refusals(item: str, inputs: tuple[Shape, ...], argument: str | None, message: str, hint: str) -> None:
    error = refusal(item, *inputs)
    assert (error.argument, error.message, error.hint) == (argument, message, hint)
