"""Known words near an unknown one: typing errors are recognised, other similar words are not suggested."""

from __future__ import annotations

import pytest

from cnncalc.ground import near
from cnncalc.ground.limits import NEAR_WORDS
from cnncalc.ground.near import did_you_mean, nearest, slips


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("conv", "conv", 0),
        ("cnov", "conv", 1),  # two neighbours are swapped
        ("covn", "conv", 1),
        ("con", "conv", 1),
        ("convv", "conv", 1),
        ("comv", "conv", 1),
        ("kitten", "sitting", 3),  # the example of Wagner and Fischer's problem in every textbook
        ("saturday", "sunday", 3),
        ("ca", "abc", 3),  # where the restricted distance is larger than the unrestricted one, which is 2
        ("", "abc", 3),
    ],
)
def test_slips(one: str, other: str, count: int) -> None:
    assert slips(one, other, 5) == slips(other, one, 5) == count
    assert slips(one, other, count) == count
    if count:
        assert slips(one, other, count - 1) == count  # more than was asked for


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("cnov", ["conv", "relu"], ["conv"]),
        ("BatchNorm", ["batchnorm"], ["batchnorm"]),
        ("batch-norm", ["batchnorm", "instancenorm"], ["batchnorm"]),
        ("batchnrom", ["batchnorm"], ["batchnorm"]),
        ("kernal_sizes", ["kernel_size"], ["kernel_size"]),
        ("stack", ["subtract", "slice"], []),
        ("attention", ["flatten"], []),
        ("maxout", ["maxpool"], []),
        ("route", ["permute"], []),
        ("transpose", ["conv_transpose"], []),
        ("lstm", ["lrn", "selu"], []),
        ("ab", ["aa", "ac"], []),  # with one of two letters wrong, it is another word
        ("vgg15", ["vgg11", "vgg13", "vgg16", "vgg19"], ["vgg11", "vgg13", "vgg16", "vgg19"]),
        ("x1", [f"x{number}" for number in range(2, 10)], []),
        # nine words are equally near, so that none is suggested
        ("conv10", [f"conv1{number}" for number in range(1, 10)], []),
    ],
)
def test_nearest(word: str, known: list[str], found: list[str]) -> None:
    assert nearest(word, known) == found


def test_hints() -> None:
    assert did_you_mean("widht", ["depth", "width"], "args") == "did you mean 'width'?"
    assert did_you_mean("elo", ["elu", "eli", "ela"], "") == "did you mean 'ela', 'eli' or 'elu'?"
    assert did_you_mean("other", ["depth", "width"], "args") == "args: depth, width"
    assert did_you_mean("other", ["width", "depth"], "args") == "args: width, depth"  # a list has an order of its own
    assert did_you_mean("other", {"width", "depth"}, "args") == "args: depth, width"
    assert did_you_mean("other", ["depth", "width"], "") is None
    assert did_you_mean("other", [f"n{number}" for number in range(25)], "args") is None
    assert did_you_mean("other", [], "args") is None


def test_the_search_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long words are not compared at all, and others with a bounded number."""
    compared: list[str] = []

    def counted(one: str, other: str, most: int) -> int:
        compared.append(other)
        return slips(one, other, most)

    monkeypatch.setattr(near, "slips", counted)
    assert nearest("a" * 1_000_000, ["a" * 999_999]) == []
    assert compared == []
    assert nearest("a" * 40, [f"{'a' * 30}{number:010}" for number in range(20_000)]) == []
    assert len(compared) == NEAR_WORDS
