"""Export networks to ONNX, and hold the files against ONNX' checker, our own importer and ONNX Runtime.

    python benchmarks/export_onnx.py                  # all networks that ship; takes some minutes and 5 GB of memory
    python benchmarks/export_onnx.py lenet5 resnet18  # these
    python benchmarks/export_onnx.py --opset 13 --rank 5 --of 6

For each network, one row: whether the checker takes the file (shapes inferred strictly), whether the importer finds
the same params, MACs, names and shapes in it, the largest difference of an output to ONNX Runtime's, relative to its
largest element, and the seconds of both runs.  Weights and inputs are random.  Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from time import perf_counter

import numpy as np
import onnx
import onnxruntime as ort

from cnncalc import load
from cnncalc.cli.export import beside
from cnncalc.execution.inputs import random_inputs
from cnncalc.exporters.formats import FORMATS, Options
from cnncalc.graph import Graph, Node
from cnncalc.ground.atomic_write import write_whole
from cnncalc.language.shipped import networks
from cnncalc.network import Network

TOLERANCE = 1e-4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="networks; default: all that ship")
    parser.add_argument("--opset", type=int, help="of the files; default: the usual one")
    parser.add_argument("--part", type=int, default=0, help="with --of: only each n-th network, from this one on")
    parser.add_argument("--of", type=int, default=1)
    parser.add_argument("--most", type=int, default=1 << 40, help="bytes of weights above which a network is left out")
    asked = parser.parse_args()
    names = asked.names or [name for name, _, _ in networks()][asked.part :: asked.of]
    wrong, worst = 0, (0.0, "")
    begun = perf_counter()
    for name in names:
        network = load(name)
        weights = 4 * sum(node.params + node.buffers for node in network.nodes)
        if weights > asked.most:
            print(f"{name:24} left out: {weights:,} bytes of weights", flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            faults, difference, seconds = examined(network, os.path.join(folder, "net.onnx"), asked.opset)
        faults += [f"differs by {difference:.1e}"] if not difference < TOLERANCE else []
        wrong += bool(faults)
        worst = max(worst, (difference, name))
        print(f"{name:24} {difference:.1e} {seconds:7.2f} s  {'; '.join(faults) or 'ok'}", flush=True)
    print(f"{len(names)} networks in {perf_counter() - begun:.0f} s, {wrong} wrong, most {worst[0]:.1e} of {worst[1]}")
    return 1 if wrong else 0


def examined(network: Network, path: str, opset: int | None) -> tuple[list[str], float, float]:
    """Return what is wrong with a network's file, the largest difference of an output, and the seconds of both runs."""
    options = Options(opset=opset, beside=partial(beside, path))
    write_whole(path, FORMATS["onnx"].export(network, options))
    faults = []
    try:
        onnx.checker.check_model(path, full_check=True)
    except Exception as error:  # whatever it raises is a verdict
        faults.append(f"checker: {str(error).splitlines()[0][:200]}")
    faults += list(read_differently(network, load(path)))
    inputs = random_inputs(network, 1, 0, np.float32)
    start = perf_counter()
    ours = network.run(inputs, threads=1).outputs
    settings = ort.SessionOptions()
    settings.log_severity_level, settings.intra_op_num_threads = 3, 1
    session = ort.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    theirs = session.run(list(ours), inputs)
    seconds = perf_counter() - start
    apart = [np.abs(a - b).max() / np.abs(a).max() for a, b in zip(ours.values(), theirs, strict=True)]
    return faults, float(max(apart)), seconds


def read_differently(network: Graph, again: Graph) -> Iterator[str]:
    """Yield in what the graph that is read differs; layers that do nothing are not in it."""
    for figure in ("params", "macs"):
        ours, theirs = (sum(_figure(node, figure) for node in graph.nodes) for graph in (network, again))
        if ours != theirs:
            yield f"{figure}: {ours:,} are {theirs:,}"
    kept = {node.name: node.shape for node in network.nodes if not _does_nothing(node)}
    found = {}
    for node in again.nodes:  # of a layer that several operators make, the last one's
        owner = next((name for name in scopes(node.name) if name in kept), node.name)
        found[owner] = node.shape
    if kept != found:
        odd = [name for name in {**kept, **found} if kept.get(name) != found.get(name)]
        yield f"{len(odd)} layers: {', '.join(odd[:4])}"


def _does_nothing(node: Node) -> bool:
    """Whether a layer passes on its input as it is, so that the importer reads past its operators."""
    layer = node.layer
    return layer.type in ("dropout", "identity") or (layer.type == "channel_shuffle" and layer.__dict__["groups"] == 1)


def scopes(name: str) -> Iterator[str]:
    """Yield a name, and those of the scopes that it stands in, the innermost first."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _figure(node, figure: str) -> int:  # type: ignore[no-untyped-def]
    value = getattr(node, figure)
    return int(value() if callable(value) else value)


if __name__ == "__main__":
    sys.exit(main())
