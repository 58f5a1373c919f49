"""Every family that ships is run: the smallest variant, on a small input where the network takes one."""

from __future__ import annotations

import os

import pytest

import cnncalc
from cnncalc import zoo
from cnncalc.network import Network

LARGE = 2 * 10**8  # macs from which a smaller input is looked for


def smallest(path: str) -> Network:
    """Return the variant with the fewest macs and params, at the smallest of a few input sizes that fits."""
    names = [name for name, file, _ in zoo.networks() if file == path]
    networks = [cnncalc.load(name) for name in names[:12]]
    network = min(networks, key=cost)
    if cost(network) < LARGE or len(network.inputs) > 1:
        return network
    shape = next(iter(network.inputs.values())).shape
    for divisor in (8, 4, 2):
        try:
            smaller = tuple(max(size // divisor, 4) for size in shape[1:])
            return cnncalc.load(path, network.variant, input=(shape[0], *smaller))
        except cnncalc.CnncalcError:
            continue
    return network


def cost(network: Network) -> int:
    return sum(node.use.macs + node.params for node in network.nodes)


@pytest.mark.parametrize("path", zoo.files(), ids=os.path.basename)
def test_a_family_runs(path: str) -> None:
    network = smallest(path)
    result = network.run(threads=1)
    assert result.ok, result.mismatches[:3]
    assert result.verified == len(network.nodes)
    assert result.finite
