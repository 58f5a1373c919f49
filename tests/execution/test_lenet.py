"""A network that PyTorch trained gives PyTorch's outputs: LeNet on 8×8 digits (data/make_digits_lenet.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnncalc

DATA = Path(__file__).parent.parent / "data"
GOLDEN = dict(np.load(DATA / "digits_golden.npz"))
WEIGHTS = dict(np.load(DATA / "digits_lenet.npz"))


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_pytorch_s_outputs(dtype: str, tolerance: float, fuse: bool) -> None:
    network = cnncalc.load(DATA / "digits_lenet.yaml")
    x: Any = GOLDEN["x"][:32].astype(dtype)
    result = network.run(x, weights=WEIGHTS, fuse=fuse)
    assert result.ok
    wanted = GOLDEN["logits"]
    assert np.abs(result.output - wanted).max() < tolerance * np.abs(wanted).max()


def test_pytorch_s_accuracy() -> None:
    result = cnncalc.load(DATA / "digits_lenet.yaml").run(GOLDEN["x"], weights=WEIGHTS)
    assert (result.output.argmax(axis=1) == GOLDEN["labels"]).mean() == GOLDEN["accuracy"] > 0.95


def test_the_files_are_small() -> None:
    assert sum((DATA / name).stat().st_size for name in ("digits_lenet.npz", "digits_golden.npz")) < 500_000
