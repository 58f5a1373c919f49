"""Look for faults: random networks are run in several ways, and by another engine; damaged specs and model files,
small specs of large networks, and layers with wrong arguments are given to the commands.

    python -m tests.fuzz --seconds 60 --seed 1

Every fault is printed with its spec and the seed that gives it again; the exit code is 1 if there was one.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec

from cnncalc.language.findings import SpecWarning
from tests.fuzz import grown as grown_specs
from tests.fuzz import hostile, networks, running
from tests.fuzz import wrong as wrong_values


def network(seed: int) -> tuple[str, list[str]]:
    """Return a random network's spec and the faults of its runs."""
    text = networks.spec(seed)
    return text, running.faults(text, seed)


def damaged(seed: int) -> tuple[str, list[str]]:
    """Return a damaged spec with the command that gets it, and the faults of the answer."""
    text, command = hostile.damaged(seed), hostile.command(seed)
    return f"# cnncalc {' '.join(command)}\n{text}", hostile.faults(text, command)


def grown(seed: int) -> tuple[str, list[str]]:
    """Return a small spec of a large network with the command that gets it, and the faults of the answer."""
    text, command = grown_specs.spec(seed), hostile.command(seed)
    return f"# cnncalc {' '.join(command)}\n{text}", hostile.faults(text, command)


def wrong(seed: int) -> tuple[str, list[str]]:
    """Return a spec with wrong arguments with the command that gets it, and the faults of the answer."""
    text = wrong_values.spec(seed)
    return f"# cnncalc {' '.join(hostile.command(seed))}\n{text}", wrong_values.faults(text, seed)


def model(seed: int) -> tuple[str, list[str]]:
    """Return the command that gets a damaged model file, and the faults of the answer."""
    from tests.fuzz import models

    command = models.command(seed)
    return f"# cnncalc {' '.join(command)}  # of tests.fuzz.models.damaged({seed})", hostile.faults(
        models.damaged(seed), command
    )


def exported(seed: int) -> tuple[str, list[str]]:
    """Return a random network's spec and the differences of another engine's outputs."""
    from tests.fuzz import exported as exported_specs

    text = exported_specs.spec(seed)
    return text, exported_specs.faults(text, seed)


KINDS: dict[str, Callable[[int], tuple[str, list[str]]]] = {
    "network": network,
    "damaged": damaged,
    "grown": grown,
    "wrong": wrong,
}
if find_spec("onnx"):
    KINDS["model"] = model
if find_spec("onnxruntime"):
    KINDS["exported"] = exported

SELDOM = {"grown": 10}
"""Kinds that take so long that they are tried less often."""


def main() -> int:
    """Try as many as the time allows; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long to look")
    parser.add_argument("--seed", type=int, default=1, help="which million of seeds is tried, from its first on")
    parser.add_argument("--only", choices=KINDS, help="one kind alone; default: by turns")
    parser.add_argument("--most", type=int, default=10, help="end after so many faults")
    options = parser.parse_args()
    warnings.simplefilter("ignore", SpecWarning)  # warnings of odd shapes, which are usual here
    kinds = {name: kind for name, kind in KINDS.items() if options.only in (None, name)}
    tried, found = dict.fromkeys(kinds, 0), 0
    end, seed = time.monotonic() + options.seconds, options.seed * 1_000_000
    while time.monotonic() < end and found < options.most:
        for name, kind in kinds.items():
            if len(kinds) > 1 and seed % SELDOM.get(name, 1):
                continue
            text, faults = kind(seed)
            tried[name] += 1
            if faults:
                found += 1
                print(
                    f"--- {name}, seed {seed}\n{text[:3000]}\n" + "\n".join(f"  {fault}" for fault in faults),
                    flush=True,
                )
        seed += 1
    print(", ".join(f"{count} {name}s" for name, count in tried.items()) + f", {found} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
