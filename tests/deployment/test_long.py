"""Long chains and wide fans on a device: folding and fusing take time in proportion to the layers."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.deployment.view import deploy
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_DETAILED, MAX_FOLDED
from tests.fuzz import hostile
from tests.patience import PATIENCE

CONV, LINEAR = "{conv: {out_channels: 2, kernel_size: 1}}", "{linear: 8}"
LONG = {
    "batchnorms alone": ("[2, 8, 8]", "- batchnorm:\n    repeat: 2400", 4_800),
    "batchnorms behind a convolution": ("[2, 8, 8]", f"- {CONV}\n  - batchnorm:\n    repeat: 4990", 1),
    "batchnorms before a dense layer": ("[8]", f"- batchnorm:\n    repeat: 4990\n  - {LINEAR}", 1),
    "dense layers": ("[8]", f"- {LINEAR[1:-1]}\n    repeat: 4990", 4_990),
    "layers that are nothing": ("[2, 8, 8]", f"- {CONV}\n  - dropout:\n    repeat: 4990\n  - relu", 1),
    "reshapes that go": ("[16, 1, 1]", f"- flatten:\n    repeat: 4990\n  - {LINEAR}", 1),
    "islands of float32": ("[2, 8, 8]", "- elu:\n    repeat: 4990", 4_992),
    "copies that numbers move before": (
        "[4, 6, 6]",
        f"- {CONV.replace('2', '4', 1)}\n  - b:\n    repeat: 1650\nblocks:\n  b:\n    layers:\n"
        "      - permute: [1, 0, 2]\n      - reshape: [4, 6, 6]\n      - affine: 0.5",
        3_301,
    ),
    "readers of one tensor": (
        "[2, 8, 8]",
        f"- add: {{paths: [{', '.join([f'[{CONV}]'] * 900)}]}}\n    repeat: 2",
        3_598,
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_it_takes_time_in_proportion(name: str) -> None:
    """Some of these took minutes while every layer searched the whole chain, or hashed all folded tensors."""
    shape, items, operators = LONG[name]
    text = f"input: {shape}\nlayers:\n  {items}\n"
    assert len(deploy(cnncalc.loads(text)).graph.operators) == operators
    assert hostile.faults(text, ("deploy", hostile.SPEC), PATIENCE) == []


def test_batchnorms_in_many_layers_have_a_bound() -> None:
    paths = ", ".join([f"[{LINEAR}]"] * 500)
    text = f"input: [8]\nlayers:\n  - batchnorm:\n    repeat: 1000\n  - add: {{paths: [{paths}]}}\n"
    with pytest.raises(CnncalcError, match=f"folded into more than {MAX_FOLDED:,} layers after them"):
        deploy(cnncalc.loads(text))


def test_operators_have_a_bound() -> None:
    text = f"input: [2, 8, 8]\nlayers:\n  - add: {{paths: [{', '.join(['[]'] * 900)}]}}\n    repeat: 6\n"
    with pytest.raises(CnncalcError, match=f"more than {MAX_DETAILED:,} operators"):
        deploy(cnncalc.loads(text))


def test_numbers_before_a_convolution_along_three_axes_are_refused_without_a_traceback() -> None:
    text = "input: [4, 8, 4, 6]\nlayers:\n  - affine: 0.5\n  - conv: {out_channels: 8, kernel_size: 3, padding: 1}\n"
    with pytest.raises(CnncalcError, match="tflite-micro has no operator for maps of three spatial axes"):
        deploy(cnncalc.loads(text))
