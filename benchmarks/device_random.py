"""Random networks against TensorFlow's converter and tflite-micro's interpreter; run by hand.

    python benchmarks/device_random.py 900001 100             # seeds 900001 to 900100, in int8 and float32

Each line that is printed is one network whose operators, tensors, constants, scales or arena are not what ``cnncalc
deploy`` says, with its spec; the last line counts them.  A difference that the page marks, by a doubt or another order
of branches, counts for itself.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from random import Random
from typing import Any

import tensorflow as tf
from device import asked, converted, facts

import cnncalc
from cnncalc.deployment.operators import WEIGHT
from cnncalc.deployment.orders import other_arenas
from cnncalc.deployment.view import Deployment, deploy, device
from cnncalc.ground.errors import CnncalcError

UNARY = (
    *["relu"] * 4, "relu6", "relu6", "hardtanh", "hardsigmoid", "hardswish", "leaky_relu", "sigmoid", "tanh", "silu",
    "elu", "abs",
)  # fmt: skip
CONSTANT = (
    *["batchnorm"] * 3, "affine: {mul: 0.5}", "affine: {mul: 2, add: 1}", "affine: {add: 3}", "affine: {add: -1}",
    "affine: {mul: -1, add: 1}", "scale", "shift", "prelu: channels",
)  # fmt: skip
POOL = (
    "maxpool: 2", "avgpool: 2", "maxpool: {kernel_size: 3, stride: 2, padding: 1}",
    "avgpool: {kernel_size: 3, stride: 1, padding: 1}", "maxpool: {kernel_size: 3, stride: 1, padding: 1}",
)  # fmt: skip
MOVED = ("pad: 1", "dropout", "identity", "slice: {axis: 1, start: 1}", "slice: {axis: 0, stop: 2}")
MOVED_MAPS = ("upsample: 2", "center_crop: 4", "channel_shuffle: 2", "pixel_unshuffle: 2")
MERGES = ("add", "add", "add", "multiply", "subtract", "maximum", "minimum", "concat", "concat")
"""Items, the frequent ones several times."""

BY_CHANNEL = "conv: {out_channels: in_channels, kernel_size: 1}"

Items = list[str]


class Writer:
    """Writes the items of a random network."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.axes = 2

    def spec(self) -> str:
        """Return a network: a stem, some items, and perhaps a head."""
        self.axes = self._one(2, 2, 2, 2, 1)
        size, channels = self._one(8, 9, 12, 16), self._one(1, 3, 4, 8)
        items = self._conv() if self.random.random() < 0.8 else []
        for _ in range(self.random.randint(2, 7)):
            items += self._item(nested=False, keep=False)
        if self.random.random() < 0.4:
            items += self._head()
        shape = [channels, *[size] * self.axes]
        return f"input: {shape}\nlayers:\n" + "".join([f"  - {item}\n" for item in items])

    def _one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def _item(self, nested: bool, keep: bool) -> Items:
        """Return a few items; inside of a merge not another one, and with ``keep`` some that keep the shape."""
        kinds = [self._conv, self._conv, self._conv_norm, self._unary, self._unary, self._constant]
        kinds += [self._merge, self._gate] * (not nested)
        kinds += [self._pool, self._moved] * (not keep)
        return self._one(*kinds)(keep)

    def _conv(self, keep: bool = False) -> Items:
        kernel, bias = self._one(1, 1, 3, 3, 5), self._one("true", "true", "false")
        stride = 1 if keep else self._one(1, 1, 1, 2)
        padding = "same" if keep else self._one("same", kernel // 2, kernel // 2)
        out, groups = self._one(("in_channels", 1), ("in_channels", "in_channels"), (8, 1), (4, 1), (6, 1))
        if keep:
            out = "in_channels"
        return [
            f"conv: {{out_channels: {out}, kernel_size: {kernel}, stride: {stride}, padding: {padding}, "
            f"groups: {groups if out == 'in_channels' else 1}, bias: {bias}}}"
        ]

    def _conv_norm(self, keep: bool) -> Items:
        return [*self._conv(keep), "batchnorm", *self._unary(keep) * self._one(0, 1)]

    def _unary(self, keep: bool) -> Items:
        return [self._one(*UNARY)]

    def _constant(self, keep: bool) -> Items:
        return [self._one(*CONSTANT)]

    def _pool(self, keep: bool) -> Items:
        return [self._one(*POOL)]

    def _moved(self, keep: bool) -> Items:
        return [self._one(*MOVED, *MOVED_MAPS * (self.axes == 2))]

    def _path(self) -> Items:
        return [item for _ in range(self._one(0, 1, 1, 2, 3)) for item in self._item(nested=True, keep=True)]

    def _merge(self, keep: bool) -> Items:
        kind = self._one(*MERGES)
        count = 2 if kind == "subtract" else self._one(2, 2, 2, 3)
        return [branches(kind, [self._path() for _ in range(count)])]

    def _gate(self, keep: bool) -> Items:
        """Return squeeze and excitation, or a summand for each channel."""
        gate = ["global_avgpool"]
        if self._one(0, 1):
            gate += [BY_CHANNEL, self._one("relu", "silu", "hardswish")]
        gate += [BY_CHANNEL, self._one("sigmoid", "hardsigmoid", "relu6")]
        return [branches(self._one("multiply", "multiply", "add"), [self._path(), gate])]

    def _head(self) -> Items:
        items = self._one(["flatten"], ["global_avgpool", "flatten"], ["global_avgpool", "flatten"])
        items = [*items, *self._one([], [], ["dropout"], ["batchnorm"], ["relu"])]
        for _ in range(self._one(1, 1, 2, 3)):
            width, bias = self._one(4, 10, 16), self._one("true", "true", "false")
            items.append(f"linear: {{out_features: {width}, bias: {bias}}}")
            items += self._one([], ["relu"], ["batchnorm"], ["batchnorm", "relu"], self._unary(False))
        return [*items, *self._one([], [], ["softmax"], ["sigmoid"])]


def branches(kind: str, paths: list[Items]) -> str:
    """Return a merge with its paths."""
    written = ["[" + ", ".join([f"{{{item}}}" if ":" in item else item for item in path]) + "]" for path in paths]
    return f"{kind}: {{paths: [{', '.join(written)}]}}"


def differences(found: Deployment, row: dict[str, Any]) -> dict[str, Any]:
    """Return what differs between a deployment and a converted file, as (ours, the file's)."""
    graph, constants = found.graph, row["constants"]
    stored = graph.stored()
    weights = sum([one.elements * one.width for one in stored if one.part == WEIGHT and found.device.kind.scaled])
    size = sum([one.elements * one.width for one in stored])
    scales = sum([flow.quantised for flow in graph.flows]) + sum([one.scales for one in graph.tensors()])
    compared = {
        "operators": (dict(Counter([operator.code for operator in graph.operators])), row["operators"]),
        "tensors": (graph.tensor_count, row["tensors"]),
        "scales": (scales, row["scales"]),
        "arena": (found.arena, row.get("head", row.get("refused"))),
        "weights": (weights, constants.get("INT8", 0) + constants.get("INT16", 0)),
        "constants": (size, sum(constants.values())),
    }
    return {name: pair for name, pair in compared.items() if pair[0] != pair[1]}


def verdict(network: Any, quant: str) -> tuple[str, dict[str, Any]]:
    """Return a word for how a network compares, and the differences."""
    try:
        found = deploy(network, device(quant))
    except CnncalcError as error:
        return "refused", {"why": error.text().splitlines()[0]}
    try:
        data = converted(network, quant)
    except Exception as error:  # the converter raises whatever it likes
        return "not converted", {"why": str(error).strip()[-200:]}
    row = {**facts(data), **asked(data)}
    differing = differences(found, row)
    if not differing:
        return "equal", {}
    if found.doubts:
        return "marked", {**differing, "doubts": [one.doubt for one in found.doubts]}
    if set(differing) == {"arena"} and row.get("head") in other_arenas(found):
        return "another order", differing
    return "DIFFERENT", differing


def main() -> None:
    first, count = int(sys.argv[1]), int(sys.argv[2])
    kinds = sys.argv[3:] or ["int8", "float32"]
    counts: Counter[str] = Counter()
    for seed in range(first, first + count):
        text = Writer(seed).spec()
        try:
            network = cnncalc.loads(text)
        except CnncalcError:
            counts["no network"] += 1
            continue
        for quant in kinds:
            word, differing = verdict(network, quant)
            counts[f"{quant} {word}"] += 1
            if word not in ("equal", "refused"):
                print(json.dumps({"seed": seed, "quant": quant, "word": word, **differing, "spec": text}), flush=True)
        tf.keras.backend.clear_session()
    print(json.dumps(dict(sorted(counts.items()))), flush=True)


if __name__ == "__main__":
    main()
