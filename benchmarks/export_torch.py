"""Every network that ships as PyTorch source, against this program's own run: outputs, keys and shapes.

    python -m benchmarks.export_torch [--most MACS] [NAME …]

Each network is exported and imported; the weights that a seed gives are loaded, and both compute a random input in
evaluation.  Prints the largest difference of each network relative to its largest output, and how many are equal to
1e-4; the exit code is 1 where one is not.  With ``--most``, networks with more MACs get a smaller input where they
take one, which is printed: both sides of a map are halved until it is enough.  Needs torch.
"""

from __future__ import annotations

import argparse
import sys

import torch

import cnncalc
from cnncalc.language.shipped import networks
from tests.exporters.torch_modules import compared

LARGEST = 1e-4

SMALLEST = 32
"""What no side of an input is made smaller than."""


def smaller(path: str, variant: str | None, most: float) -> tuple[cnncalc.Network, str]:
    """Return a network on an input that is halved until it has no more than so many MACs, and what that is."""
    reduced = ""
    network = cnncalc.load(path, variant=variant)
    while sum([node.macs() for node in network.nodes]) > most:
        halves = {
            name: (tensor.shape[0], *[max(size // 2, 1) for size in tensor.shape[1:]])
            for name, tensor in network.inputs.items()
        }
        if min([size for shape in halves.values() for size in shape[1:]], default=0) < SMALLEST:
            break
        try:
            network = cnncalc.load(path, variant=variant, input=halves)
        except cnncalc.CnncalcError:
            break
        reduced = f"  on {', '.join([str(list(shape)) for shape in halves.values()])}"
    return network, reduced


def main() -> int:
    """Compare the named networks, or all."""
    parser = argparse.ArgumentParser(description="Networks as PyTorch source against their own run.")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--most", type=float, default=float("inf"), help="MACs beyond which an input is made smaller")
    given = parser.parse_args()
    names, most = given.names, given.most
    torch.set_num_threads(1)
    equal, largest, count = 0, 0.0, 0
    for name, path, variant in networks():
        if names and name not in names:
            continue
        count += 1
        network, reduced = smaller(path, variant, most)
        try:
            value = compared(network)
        except (cnncalc.CnncalcError, ValueError, RuntimeError) as fault:
            print(f"{name:24} {str(fault).splitlines()[0]}", flush=True)
            continue
        largest = max(largest, value)
        equal += value <= LARGEST
        print(f"{name:24} {value:.1e}{'' if value <= LARGEST else '  differs'}{reduced}", flush=True)
    print(f"{equal} of {count} networks are equal; the largest difference is {largest:.1e}")
    return int(equal < count)


if __name__ == "__main__":
    sys.exit(main())
