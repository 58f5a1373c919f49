"""Every shipped family is run: its smallest variant, on a small input if the network takes one."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import cnncalc
from cnncalc.language import shipped
from cnncalc.network import Network
from tests.execution.networks import spec

LARGE = 2 * 10**8  # macs above which a smaller input is looked for
NARROWED = ("unet.yaml", "unet_3d.yaml")  # crops of fixed sizes allow no other input: an eighth of the channels


def smallest(path: str) -> Network:
    """Return the variant with the fewest macs and params, at the smallest of a few input sizes that fits."""
    names = [name for name, file, _ in shipped.networks() if file == path]
    networks = [cnncalc.load(name) for name in names[:12]]
    network = min(networks, key=cost)
    if cost(network) < LARGE or len(network.inputs) > 1:
        return network
    shape = next(iter(network.inputs.values())).shape
    if os.path.basename(path) in NARROWED:
        text = Path(path).read_text(encoding="utf-8")
        return spec(
            re.sub(r"\b(channels|first|second): (\d+)", lambda found: f"{found[1]}: {int(found[2]) // 8}", text)
        )
    for divisor in (8, 4, 2):
        # each side is halved five times
        smaller = tuple(min(size, -(-size // divisor // 32) * 32) for size in shape[1:])
        try:
            return cnncalc.load(path, network.variant, input=(shape[0], *smaller))
        except cnncalc.CnncalcError:
            continue
    return network


def cost(network: Network) -> int:
    return sum(node.use.macs + node.params for node in network.nodes)


@pytest.mark.parametrize("path", shipped.files(), ids=os.path.basename)
def test_a_family_runs(path: str) -> None:
    network = smallest(path)
    result = network.run(threads=1)
    assert result.ok, result.mismatches[:3]
    assert result.verified == len(network.nodes)
    assert result.finite
