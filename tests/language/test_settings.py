"""Values that override a spec's: a text may replace a number only if the layer's argument takes both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cnncalc.ground.errors import CnncalcError
from cnncalc.network import loads
from tests.commands import cnncalc

SPEC = """
args: {pad: 0, word: same, size: 3, inner: 0, mode: zeros}
input: [3, 8, 8]
blocks:
  unit:
    args: {p: 0, size: 3}
    layers:
      - conv: {out_channels: 4, kernel_size: size, padding: p}
layers:
  - conv: {out_channels: 4, kernel_size: size, padding: pad}
  - conv: {out_channels: 4, kernel_size: 3, padding: word}
  - unit: {p: inner if size > 1 else 0}
"""


def sizes(**settings: Any) -> list[int]:
    """Return the width of each layer's output; a window of 3 without padding takes 2 off."""
    return [node.shape[1] for node in loads(SPEC, **settings).nodes]


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, [6, 6, 4]),
        ({"pad": "same"}, [8, 8, 6]),
        ({"pad": "valid"}, [6, 6, 4]),
        ({"word": 1}, [6, 6, 4]),
        ({"word": 0}, [6, 4, 2]),
        ({"word": "valid"}, [6, 4, 2]),
        ({"pad": (2, 2)}, [10, 10, 8]),
    ],
)
def test_an_argument_that_takes_both(settings: dict[str, object], found: list[int]) -> None:
    assert sizes(**settings) == found


def test_through_the_argument_of_a_block() -> None:
    spec = SPEC.replace("inner if size > 1 else 0", "inner")
    assert [node.shape[1] for node in loads(spec, inner="same").nodes] == [6, 6, 6]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": "same"}, "size: 'same' is a text, but the spec has 3"),
        ({"pad": "sane"}, "pad: 'sane' is a text, but the spec has 0"),
        ({"mode": 3}, "mode: 3 is no text, but the spec has 'zeros'"),
        ({"inner": "same"}, "inner: 'same' is a text, but the spec has 0"),  # `size` is used in an expression
    ],
)
def test_an_argument_that_does_not(settings: dict[str, object], message: str) -> None:
    with pytest.raises(CnncalcError) as caught:
        sizes(**settings)
    assert str(caught.value).splitlines()[0] == message


def test_an_unreadable_value_is_the_place_of_the_fault(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("args: {w: 8}\ninput: [3, 8]\nlayers:\n  - conv: {out_channels: w, kernel_size: 1}\n")
    done = cnncalc("summary", str(path), "--set", "w=010")
    assert (done.code, done.err.splitlines()[0]) == (2, "--set w=010: '010' is not an expression")
    done = cnncalc("summary", str(path), "--set", "w=0")
    assert done.err.startswith(
        f"--set w=0 ({path}:4:26): conv 'conv1': out_channels must be a positive integer, not 0\n"
    )
