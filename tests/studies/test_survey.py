"""The textbook's claim: shares by hand, for the networks of its time and for later ones."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.studies.survey import Shares, by_year, period, periods, shares


def surveyed(name: str, year: int | None = None) -> Shares:
    return shares(cnncalc.load(name), name, name, year)


def test_alexnet_by_hand() -> None:
    """Params and MACs of fc6 to fc8: 9216·4096, 4096·4096, 4096·1000; of the whole as torchvision's card has them."""
    inside = 9216 * 4096 + 4096 * 4096 + 4096 * 1000
    found = surveyed("alexnet")
    assert found.fc_params_share == pytest.approx((inside + 4096 + 4096 + 1000) / 61_100_840)
    assert found.fc_macs_share == pytest.approx(inside / 714_188_480)
    assert found.conv_macs_share == pytest.approx(1 - found.fc_macs_share)
    assert found.layers == 8


@pytest.mark.parametrize(
    ("name", "computes", "stores"),
    [
        ("alexnet", True, True),  # "the convolutional layers … 5 % of the parameters", arXiv:1404.5997
        ("vgg16", True, True),
        ("googlenet", True, False),  # "average pooling before the classifier", arXiv:1409.4842
        ("resnet50", True, False),
        ("mobilenet_v1_0.25_224", True, True),  # 1024 · 0.25 · 1001 of 0.47 M, arXiv:1704.04861
        ("convnext_tiny", False, True),  # its 1×1 convolutions are linear layers
        ("toyadmos_autoencoder", False, True),
    ],
)
def test_networks_for_which_the_claim_holds(name: str, computes: bool, stores: bool) -> None:
    found = surveyed(name)
    assert (found.computes, found.stores, found.holds) == (computes, stores, computes and stores)


def test_periods_and_order() -> None:
    some = [surveyed("resnet50", 2015), surveyed("vgg16", 2014), surveyed("unet"), surveyed("alexnet", 2014)]
    assert [one.name for one in by_year(some)] == ["vgg16", "alexnet", "resnet50", "unet"]
    assert period(some)[:4] == (4, 4, 2, 2)
    before, after = periods(some)
    assert (before.networks, before.hold, after.networks, after.hold) == (2, 2, 1, 0)
    # the median of a single network: 2048·1000 + 1000
    assert after.fc_params_share == pytest.approx(2_049_000 / 25_557_032)
    assert period([]).networks == 0
