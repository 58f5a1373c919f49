"""Every network that ships as PyTorch source, against this program's own run: outputs, keys and shapes.

    python -m benchmarks.export_torch [NAME …]

Each network is exported and imported; the weights that a seed gives are loaded, and both compute a random input in
evaluation.  Prints the largest difference of each network relative to its largest output, and how many are equal to
1e-4; the exit code is 1 where one is not.  Needs torch.
"""

from __future__ import annotations

import sys

import torch

import cnncalc
from cnncalc.language.shipped import networks
from tests.exporters.torch_modules import compared

LARGEST = 1e-4


def main(names: list[str]) -> int:
    """Compare the named networks, or all."""
    torch.set_num_threads(1)
    equal, largest, count = 0, 0.0, 0
    for name, path, variant in networks():
        if names and name not in names:
            continue
        count += 1
        try:
            value = compared(cnncalc.load(path, variant=variant))
        except (cnncalc.CnncalcError, ValueError, RuntimeError) as fault:
            print(f"{name:24} {str(fault).splitlines()[0]}", flush=True)
            continue
        largest = max(largest, value)
        equal += value <= LARGEST
        print(f"{name:24} {value:.1e}{'' if value <= LARGEST else '  differs'}", flush=True)
    print(f"{equal} of {count} networks are equal; the largest difference is {largest:.1e}")
    return int(equal < count)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
