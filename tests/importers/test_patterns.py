"""Operators that together are one layer of the literature, with equal figures and numbers, fused or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from cnncalc.figures.costs import sums
from tests.importers.models import drawing, imported, ints, model, node, runs_as_runtime

F = np.float32
weight = drawing()
ROWS, HEADS, MAP = ("N", 7, 6), ("N", 2, 5, 4), ("N", 8, 4, 6)


def attended(*between: Any, last: str = "logits") -> list[Any]:
    """Return the nodes of a self-attention of x, with other nodes between its first product and the softmax."""
    return [
        node("Transpose", ["k"], ["t"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "t"], ["logits"]),
        *between,
        node("Softmax", [last], ["weights"], axis=-1),
        node("MatMul", ["weights", "x"], ["y"]),
    ]


def sides(q: str = "x", k: str = "x") -> list[Any]:
    return [node("Identity", [q], ["q"]), node("Identity", [k], ["k"])]


def turned(x: str, y: str) -> list[Any]:
    """Return the nodes of a rotary embedding of one value that makes another, with the tables cos and sin."""
    return [
        node("Split", [x], [f"{x}a", f"{x}b"], axis=-1, num_outputs=2),
        node("Neg", [f"{x}b"], [f"{x}n"]),
        node("Concat", [f"{x}n", f"{x}a"], [f"{x}r"], axis=-1),
        node("Mul", [x, "cos"], [f"{x}c"]),
        node("Mul", [f"{x}r", "sin"], [f"{x}s"]),
        node("Add", [f"{x}c", f"{x}s"], [y]),
    ]


PATCHES = [  # torch.nn.Unfold, with dilation [1, 2] and stride [2, 1]
    node("Gather", ["p", "down"], ["d"], axis=2), node("Gather", ["d", "across"], ["c"], axis=4),
    node("Transpose", ["c"], ["t"], perm=[0, 1, 2, 4, 3, 5]),
]  # fmt: skip
POSITIONS_OF_TAPS = {
    "pads": ints(0, 0, 0, 1, 0, 0, 1, 0), "down": ints(0, 2, 1, 3, 2, 4).reshape(3, 2),
    "across": ints(0, 1, 2, 3, 4, 2, 3, 4, 5, 6).reshape(2, 5),
}  # fmt: skip

HALF, ROOT = F(0.5), F(0.5**0.5)
SCALE = node("Mul", ["logits", "half"], ["scaled"])
SPLIT = [node("Constant", [], ["s"], value_ints=[0, 5, 2, 4]), node("Reshape", ["x", "s"], ["r"])]

WINDOWS = [node("Constant", [], ["ws"], value_ints=[-1, 2, 5, 4]), node("Reshape", ["x", "ws"], ["w"])]
MASKED = [
    node("Add", ["logits", "b"], ["biased"]), node("Constant", [], ["ls"], value_ints=[-1, 3, 2, 5, 5]),
    node("Reshape", ["biased", "ls"], ["apart"]), node("Add", ["apart", "m"], ["masked"]),
    node("Constant", [], ["bs"], value_ints=[-1, 2, 5, 5]), node("Reshape", ["masked", "bs"], ["back"]),
]  # fmt: skip

POSITIONS = [  # for a map of 2 rows and 3 columns, https://arxiv.org/abs/2112.01526, equation 4
    node("MatMul", ["x", "h"], ["of_rows"]), node("MatMul", ["x", "w"], ["of_columns"]),
    *[node("Constant", [], [name], value_ints=sizes) for name, sizes in (
        ("ls", [-1, 2, 2, 3, 2, 3]), ("hs", [-1, 2, 2, 3, 2, 1]), ("ws", [-1, 2, 2, 3, 1, 3]), ("bs", [-1, 2, 6, 6])
    )],
    node("Reshape", ["logits", "ls"], ["apart"]), node("Reshape", ["of_rows", "hs"], ["rows"]),
    node("Reshape", ["of_columns", "ws"], ["columns"]), node("Add", ["apart", "rows"], ["with_rows"]),
    node("Add", ["with_rows", "columns"], ["with_both"]), node("Reshape", ["with_both", "bs"], ["back"]),
]  # fmt: skip

NEIGHBOURS = [
    node("Constant", [], ["a"], value_ints=[3]), node("Constant", [], ["0"], value_ints=[0]),
    node("Constant", [], ["1"], value_ints=[1]), node("Constant", [], ["2"], value_ints=[2]),
    node("Constant", [], ["4"], value_ints=[4]), node("Slice", ["x", "1", "4", "a", "2"], ["odd"]),
    node("Slice", ["x", "0", "4", "a", "2"], ["even"]), node("Neg", ["odd"], ["sign"]),
    node("Unsqueeze", ["sign", "4"], ["tall0"]), node("Unsqueeze", ["even", "4"], ["tall1"]),
    node("Concat", ["tall0", "tall1"], ["pairs"], axis=4), node("Constant", [], ["flat"], value_ints=[-1, 2, 5, 4]),
    node("Reshape", ["pairs", "flat"], ["turned"]),
]  # fmt: skip

# name: (nodes, input shape, constants, types of the layers)
PATTERNS: dict[str, tuple[Sequence[Any], Sequence[Any], Mapping[str, Any], list[str]]] = {
    "attention": ([*sides(), *attended()], HEADS, {}, ["attention"]),
    "attention, logits scaled": ([*sides(), *attended(SCALE, last="scaled")], HEADS, {"half": HALF}, ["attention"]),
    "attention, logits divided": (
        [*sides(), *attended(node("Div", ["logits", "two"], ["scaled"]), last="scaled")], HEADS, {"two": F(2)}, ["attention"],
    ),
    "attention, queries scaled": (
        [node("Mul", ["x", "half"], ["p"]), *sides("p"), *attended()], HEADS, {"half": HALF}, ["attention"],
    ),
    "attention, both scaled by the root, as PyTorch writes it": (
        [node("Mul", ["x", "root"], ["p"]), node("Identity", ["p"], ["q"]), node("Transpose", ["x"], ["u"], perm=[0, 1, 3, 2]),
         node("Mul", ["u", "root"], ["t"]), node("MatMul", ["q", "t"], ["logits"]),
         node("Softmax", ["logits"], ["weights"], axis=-1), node("MatMul", ["weights", "x"], ["y"])],
        HEADS, {"root": ROOT}, ["attention"],
    ),
    "attention with a temperature of each head, and a bias": (
        [*sides(), *attended(node("Mul", ["logits", "tau"], ["scaled"]), node("Add", ["scaled", "b"], ["biased"]), last="biased")],
        HEADS, {"tau": weight(2, 1, 1), "b": weight(1, 2, 5, 5)}, ["parameter", "parameter", "attention"],
    ),
    "attention in windows, each with a mask of its own, as Swin has it": (
        [*WINDOWS, *sides("w", "w"), node("Transpose", ["k"], ["t"], perm=[0, 1, 3, 2]), node("MatMul", ["q", "t"], ["logits"]),
         *MASKED, node("Softmax", ["back"], ["weights"], axis=-1), node("MatMul", ["weights", "w"], ["y"])],
        ("N", 3, 2, 5, 4), {"b": weight(1, 2, 5, 5), "m": weight(3, 1, 5, 5)},
        ["reshape", "parameter", "parameter", *["reshape"] * 3, "attention", "reshape"],
    ),
    "attention with a learned bias": (
        [*sides(), *attended(SCALE, node("Add", ["scaled", "b"], ["biased"]), last="biased")],
        HEADS, {"half": HALF, "b": weight(1, 2, 5, 5)}, ["parameter", "attention"],
    ),
    "attention with a bias and a mask": (
        [*sides(), *attended(SCALE, node("Add", ["scaled", "b"], ["biased"]), node("Add", ["m", "biased"], ["masked"]), last="masked")],
        HEADS, {"half": HALF, "b": weight(1, 2, 5, 5), "m": weight(1, 1, 5, 5)}, ["parameter", "parameter", "attention"],
    ),
    "attention with a mask, as masked_fill has it": (
        [*sides(), *attended(SCALE, node("Where", ["m", "filling", "scaled"], ["masked"]), last="masked")],
        HEADS, {"half": HALF, "m": np.triu(np.ones((5, 5), bool), 1), "filling": F(-np.inf)}, ["parameter", "attention"],
    ),
    "attention with a mask of numbers that is scaled with the logits": (
        [*sides(), *attended(node("Where", ["m", "logits", "filling"], ["masked"]), node("Mul", ["masked", "half"], ["scaled"]), last="scaled")],
        HEADS, {"half": HALF, "m": np.arange(25).reshape(5, 5) % 3 < 0, "filling": F(-6)}, ["parameter", "attention"],
    ),
    "attention, a sum with a bias scaled, as Transformer-XL has it": (
        [*sides(), *attended(node("Add", ["logits", "b"], ["biased"]), node("Mul", ["biased", "half"], ["scaled"]), last="scaled")],
        HEADS, {"half": HALF, "b": weight(1, 2, 5, 5)}, ["parameter", "attention"],
    ),
    "no attention: scaled on both sides of a bias": (
        [*sides(), *attended(SCALE, node("Add", ["scaled", "b"], ["biased"]), node("Mul", ["biased", "half"], ["z"]), last="z")],
        HEADS, {"half": HALF, "b": weight(1, 2, 5, 5)}, ["permute", "matmul", "affine", "shift", "affine", "softmax", "matmul"],
    ),
    "attention of PyTorch's newer exporter, one query without keys": (
        [*sides(), *attended(node("Add", ["logits", "b"], ["biased"]), last="biased")[:-1], node("IsNaN", ["weights"], ["lost"]),
         node("Where", ["lost", "0", "weights"], ["kept"]), node("MatMul", ["kept", "x"], ["y"])],
        HEADS, {"b": np.where(np.eye(5)[::-1] + np.eye(5)[:, :1], -np.inf, 0).astype(F), "0": F(0)}, ["parameter", "attention"],
    ),
    "softmax of lines of which one is masked": (
        [node("Add", ["x", "b"], ["a"]), node("Softmax", ["a"], ["s"], axis=-1), node("IsNaN", ["s"], ["lost"]),
         node("Where", ["lost", "0", "s"], ["y"])],
        HEADS, {"b": np.where(np.arange(20).reshape(5, 4) < 4, -np.inf, 0).astype(F), "0": F(0)}, ["shift", "softmax"],
    ),
    "attention by Einstein sums": (
        [*SPLIT, node("Einsum", ["r", "r"], ["logits"], equation="nqhd,nkhd->nhqk"), SCALE,
         node("Softmax", ["scaled"], ["weights"], axis=-1), node("Einsum", ["weights", "r"], ["y"], equation="nhql,nlhd->nqhd")],
        ("N", 5, 8), {"half": HALF}, ["reshape", *["permute"] * 3, "attention", "permute"],
    ),
    "attention by Einstein sums, the keys first": (
        [*SPLIT, node("Transpose", ["r"], ["v"], perm=[0, 2, 1, 3]), node("Einsum", ["r", "r"], ["logits"], equation="nkhd,nqhd->nhqk"),
         node("Softmax", ["logits"], ["weights"], axis=-1), node("Einsum", ["v", "weights"], ["y"], equation="nhld,nhql->nhqd")],
        ("N", 5, 8), {}, ["reshape", *["permute"] * 3, "attention"],
    ),
    "attention with biases of rows and of columns, as MViT v2 has it": (
        [*sides(), *attended(*POSITIONS, last="back")], ("N", 2, 6, 4), {"h": weight(4, 2), "w": weight(4, 3)},
        ["linear", "linear", *["reshape"] * 2, *["expand", "reshape"] * 2, "attention"],
    ),
    "attention of heads that a permutation makes": (
        [*SPLIT, node("Transpose", ["r"], ["q"], perm=[0, 2, 1, 3]), node("Transpose", ["r"], ["t"], perm=[0, 2, 3, 1]),
         node("Transpose", ["r"], ["v"], perm=[0, 2, 1, 3]), node("MatMul", ["q", "t"], ["logits"]),
         node("Softmax", ["logits"], ["weights"], axis=-1), node("MatMul", ["weights", "v"], ["y"])],
        ("N", 5, 8), {}, ["reshape", "permute", "permute", "permute", "attention"],
    ),
    "attention with the features first": (
        [node("Transpose", ["x"], ["q"], perm=[0, 1, 3, 2]), node("MatMul", ["q", "x"], ["logits"]),
         node("Softmax", ["logits"], ["weights"], axis=-1), node("Transpose", ["weights"], ["w"], perm=[0, 1, 3, 2]),
         node("MatMul", ["x", "w"], ["y"])],
        HEADS, {}, ["attention"],
    ),
    "no attention: the softmax is read twice": (
        [*sides(), *attended(), node("ReduceSum", ["weights", "last"], ["z"], keepdims=1)], HEADS, {"last": np.array([-1])},
        ["permute", "matmul", "softmax", "matmul"],
    ),
    "no attention: along the other axis": (
        [*sides(), node("Transpose", ["k"], ["t"], perm=[0, 1, 3, 2]), node("MatMul", ["q", "t"], ["logits"]),
         node("Softmax", ["logits"], ["weights"], axis=-2), node("MatMul", ["weights", "x"], ["y"])], HEADS, {},
        ["permute", "matmul", "softmax", "matmul"],
    ),
    "rotary": (
        turned("x", "y"), HEADS, {"cos": weight(5, 4), "sin": weight(5, 4)}, ["parameter", "parameter", "rotary"],
    ),
    "rotary twice, with tables that are parts of one": (
        [node("Split", ["table"], ["sin", "cos"], axis=-1, num_outputs=2),
         *[one for x, y in (("x", "z"), ("z", "y")) for one in turned(x, y)]],
        HEADS, {"table": weight(5, 8)}, ["parameter", "parameter", "rotary", "rotary"],
    ),
    "rotary of neighbours": (
        [*NEIGHBOURS, node("Mul", ["x", "cos"], ["p"]), node("Mul", ["turned", "sin"], ["q"]), node("Add", ["p", "q"], ["y"])],
        HEADS, {"cos": weight(5, 4), "sin": weight(2, 5, 4)}, ["parameter", "parameter", "rotary"],
    ),
    "rotary with angles that are computed of learned frequencies": (
        [node("MatMul", ["places", "frequencies"], ["angles"]), node("Cos", ["angles"], ["cos"]), node("Sin", ["angles"], ["sin"]),
         *NEIGHBOURS, node("Mul", ["x", "cos"], ["p"]), node("Mul", ["turned", "sin"], ["q"]), node("Add", ["p", "q"], ["y"])],
        HEADS, {"places": weight(5, 2), "frequencies": weight(2, 4)}, ["parameter", "linear", "cos", "sin", "reshape", "reshape", "rotary"],
    ),
    "no rotary: the sign is at the other neighbour": (
        [*NEIGHBOURS[:7], node("Neg", ["even"], ["sign"]), node("Unsqueeze", ["odd", "4"], ["tall0"]),
         node("Unsqueeze", ["sign", "4"], ["tall1"]), *NEIGHBOURS[10:],
         node("Mul", ["x", "cos"], ["p"]), node("Mul", ["turned", "sin"], ["q"]), node("Add", ["p", "q"], ["y"])],
        HEADS, {"cos": weight(5, 4), "sin": weight(5, 4)},
        ["slice", "slice", "neg", "reshape", "reshape", "concat", "reshape", "scale", "scale", "add"],
    ),
    "attention, keys transposed head by head": (
        [node("Constant", [], ["ks"], value_ints=[-1, 5, 4]), node("Reshape", ["x", "ks"], ["k"]),
         node("Transpose", ["k"], ["u"], perm=[0, 2, 1]), node("Constant", [], ["ts"], value_ints=[-1, 2, 4, 5]),
         node("Reshape", ["u", "ts"], ["t"]), node("MatMul", ["x", "t"], ["logits"]),
         node("Softmax", ["logits"], ["weights"], axis=-1), node("MatMul", ["weights", "x"], ["y"])],
        HEADS, {}, ["attention"],
    ),
    "mish": (
        [node("Softplus", ["x"], ["a"]), node("Tanh", ["a"], ["b"]), node("Mul", ["x", "b"], ["y"])], MAP, {}, ["mish"],
    ),
    "gelu by tanh": (
        [node("Mul", ["x", "x"], ["s"]), node("Mul", ["x", "s"], ["c"]), node("Mul", ["c", "k"], ["d"]),
         node("Add", ["x", "d"], ["e"]), node("Mul", ["e", "r"], ["f"]), node("Tanh", ["f"], ["g"]),
         node("Add", ["g", "one"], ["h"]), node("Mul", ["x", "h"], ["i"]), node("Mul", ["i", "half"], ["y"])],
        ROWS, {"k": F(0.044715), "r": F((2 / np.pi) ** 0.5), "one": F(1), "half": HALF}, ["gelu"],
    ),
    "gelu by tanh, as JAX writes it": (  # x + x · (x · (0.044715 · x)), and a half that multiplies the tanh
        [node("Mul", ["k", "x"], ["s"]), node("Mul", ["s", "x"], ["c"]), node("Mul", ["c", "x"], ["d"]),
         node("Add", ["d", "x"], ["e"]), node("Mul", ["e", "r"], ["f"]), node("Tanh", ["f"], ["g"]),
         node("Add", ["g", "one"], ["h"]), node("Mul", ["h", "half"], ["i"]), node("Mul", ["x", "i"], ["y"])],
        ROWS, {"k": F(0.044715), "r": F((2 / np.pi) ** 0.5), "one": F(1), "half": HALF}, ["gelu"],
    ),
    "no gelu: another multiple of the cube": (
        [node("Mul", ["k", "x"], ["s"]), node("Mul", ["s", "x"], ["c"]), node("Mul", ["c", "x"], ["d"]),
         node("Add", ["d", "x"], ["e"]), node("Mul", ["e", "r"], ["f"]), node("Tanh", ["f"], ["g"]),
         node("Add", ["g", "one"], ["h"]), node("Mul", ["h", "half"], ["i"]), node("Mul", ["x", "i"], ["y"])],
        ROWS, {"k": F(0.05), "r": F((2 / np.pi) ** 0.5), "one": F(1), "half": HALF},
        ["affine", "multiply", "multiply", "add", "affine", "tanh", "affine", "affine", "multiply"],
    ),
    "no gelu: the square of x, times another tensor": (
        [node("Relu", ["x"], ["z"]), node("Mul", ["k", "x"], ["s"]), node("Mul", ["s", "x"], ["c"]), node("Mul", ["c", "z"], ["d"]),
         node("Add", ["d", "x"], ["e"]), node("Mul", ["e", "r"], ["f"]), node("Tanh", ["f"], ["g"]),
         node("Add", ["g", "one"], ["h"]), node("Mul", ["h", "half"], ["i"]), node("Mul", ["x", "i"], ["y"])],
        ROWS, {"k": F(0.044715), "r": F((2 / np.pi) ** 0.5), "one": F(1), "half": HALF},
        ["relu", "affine", "multiply", "multiply", "add", "affine", "tanh", "affine", "affine", "multiply"],
    ),
    "no gelu: a square in place of the cube": (
        [node("Mul", ["k", "x"], ["c"]), node("Mul", ["c", "x"], ["d"]),
         node("Add", ["d", "x"], ["e"]), node("Mul", ["e", "r"], ["f"]), node("Tanh", ["f"], ["g"]),
         node("Add", ["g", "one"], ["h"]), node("Mul", ["h", "half"], ["i"]), node("Mul", ["x", "i"], ["y"])],
        ROWS, {"k": F(0.044715), "r": F((2 / np.pi) ** 0.5), "one": F(1), "half": HALF},
        ["affine", "multiply", "add", "affine", "tanh", "affine", "affine", "multiply"],
    ),
    "no gelu: nothing in place of the cube": (
        [node("Mul", ["x", "r"], ["f"]), node("Tanh", ["f"], ["g"]),
         node("Add", ["g", "one"], ["h"]), node("Mul", ["x", "h"], ["i"]), node("Mul", ["i", "half"], ["y"])],
        ROWS, {"r": F((2 / np.pi) ** 0.5), "one": F(1), "half": HALF}, ["affine", "tanh", "affine", "multiply", "affine"],
    ),
    "no mish: a cube is added": (
        [node("Mul", ["x", "x"], ["s"]), node("Mul", ["x", "s"], ["c"]), node("Mul", ["c", "k"], ["d"]),
         node("Add", ["x", "d"], ["e"]), node("Softplus", ["e"], ["f"]), node("Tanh", ["f"], ["g"]),
         node("Mul", ["x", "g"], ["y"])],
        ROWS, {"k": F(0.044715)}, ["multiply", "multiply", "affine", "add", "softplus", "tanh", "multiply"],
    ),
    "gelu": (
        [node("Div", ["x", "r"], ["a"]), node("Erf", ["a"], ["b"]), node("Add", ["b", "one"], ["c"]),
         node("Mul", ["x", "c"], ["d"]), node("Mul", ["d", "half"], ["y"])],
        ROWS, {"r": F(2**0.5), "one": F(1), "half": HALF}, ["gelu"],
    ),
    "no gelu: another number": (
        [node("Div", ["x", "r"], ["a"]), node("Erf", ["a"], ["b"]), node("Add", ["b", "one"], ["c"]),
         node("Mul", ["x", "c"], ["d"]), node("Mul", ["d", "half"], ["y"])],
        ROWS, {"r": F(1.5), "one": F(1), "half": HALF}, ["affine", "erf", "affine", "multiply", "affine"],
    ),
    "layernorm of the channels of a pooled map, as ConvNeXt has it": (
        [node("GlobalAveragePool", ["x"], ["p"]), node("Transpose", ["p"], ["a"], perm=[0, 2, 3, 1]),
         node("LayerNormalization", ["a", "g", "b"], ["n"]), node("Transpose", ["n"], ["y"], perm=[0, 3, 1, 2])],
        MAP, {"g": weight(8), "b": weight(8)}, ["global_avgpool", "layernorm"],
    ),
    "no norm of channels: they are not brought back": (
        [node("GlobalAveragePool", ["x"], ["p"]), node("Transpose", ["p"], ["a"], perm=[0, 2, 3, 1]),
         node("LayerNormalization", ["a", "g", "b"], ["n"]), node("Transpose", ["n"], ["y"], perm=[0, 1, 3, 2])],
        MAP, {"g": weight(8), "b": weight(8)}, ["global_avgpool", "reshape", "layernorm", "reshape"],
    ),
    "pixel_shuffle": (
        [node("Constant", [], ["s"], value_ints=[0, 2, 2, 2, 4, 6]), node("Reshape", ["x", "s"], ["a"]),
         node("Transpose", ["a"], ["b"], perm=[0, 1, 4, 2, 5, 3]), node("Constant", [], ["z"], value_ints=[0, 2, 8, 12]),
         node("Reshape", ["b", "z"], ["y"])], MAP, {}, ["pixel_shuffle"],
    ),
    "no pixel_shuffle: the pixels are not where a map has them": (
        [node("Constant", [], ["s"], value_ints=[0, 2, 2, 2, 4, 6]), node("Reshape", ["x", "s"], ["a"]),
         node("Transpose", ["a"], ["b"], perm=[0, 1, 4, 2, 5, 3]), node("Constant", [], ["z"], value_ints=[0, 2, 8, 12]),
         node("Reshape", ["b", "z"], ["y"])], ("N", 2, 4, 24), {}, ["reshape", "permute", "reshape"],
    ),
    "pixel_unshuffle": (
        [node("Constant", [], ["s"], value_ints=[0, 8, 2, 2, 3, 2]), node("Reshape", ["x", "s"], ["a"]),
         node("Transpose", ["a"], ["b"], perm=[0, 1, 3, 5, 2, 4]), node("Constant", [], ["z"], value_ints=[0, 32, 2, 3]),
         node("Reshape", ["b", "z"], ["y"])], MAP, {}, ["pixel_unshuffle"],
    ),
    "patches": (
        [node("Pad", ["x", "pads"], ["p"]), *PATCHES, node("Constant", [], ["z"], value_ints=[0, 48, 10]),
         node("Reshape", ["t", "z"], ["y"])], MAP, POSITIONS_OF_TAPS, ["im2col"],
    ),
    "patches in another shape": (
        [node("Pad", ["x", "pads"], ["p"]), *PATCHES, node("Constant", [], ["z"], value_ints=[0, 2, 24, 10]),
         node("Reshape", ["t", "z"], ["y"])], MAP, POSITIONS_OF_TAPS, ["im2col", "reshape"],
    ),
    "no patches: the positions are no grid of windows": (
        [node("Pad", ["x", "pads"], ["p"]), *PATCHES, node("Constant", [], ["z"], value_ints=[0, 48, 10]),
         node("Reshape", ["t", "z"], ["y"])], MAP, POSITIONS_OF_TAPS | {"down": ints(0, 1, 2, 3, 2, 1).reshape(3, 2)},
        ["pad", "gather", "reshape", "gather", "reshape", "permute", "reshape"],
    ),
    "no patches: windows of halves of the rows": (
        [node("Gather", ["x", "down"], ["d"], axis=2), node("Constant", [], ["h"], value_ints=[0, 2, 6, 2, 4]), node("Reshape", ["d", "h"], ["r"]),
         node("Gather", ["r", "across"], ["c"], axis=4), node("Constant", [], ["w"], value_ints=[0, 4, 2, 3, 2, 2]), node("Reshape", ["c", "w"], ["s"]),
         node("Transpose", ["s"], ["t"], perm=[0, 1, 2, 4, 3, 5]), node("Constant", [], ["z"], value_ints=[0, 16, 6]), node("Reshape", ["t", "z"], ["y"])],
        ("N", 2, 6, 8), {"down": ints(0, 2, 4, 1, 3, 5), "across": ints(0, 2, 1, 3)},
        ["gather", "reshape", "gather", "reshape", "permute", "reshape"],
    ),
    "channel_shuffle": (
        [node("Constant", [], ["s"], value_ints=[0, 2, 4, 4, 6]), node("Reshape", ["x", "s"], ["a"]),
         node("Transpose", ["a"], ["b"], perm=[0, 2, 1, 3, 4]), node("Constant", [], ["z"], value_ints=[0, 8, 4, 6]),
         node("Reshape", ["b", "z"], ["y"])], MAP, {}, ["channel_shuffle"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_one_layer_with_the_figures_and_numbers_of_its_parts(name: str) -> None:
    nodes, shape, constants, types = PATTERNS[name]
    outputs = ["y", "z"] if "read twice" in name else ["y"]
    data = model(nodes, {"x": shape}, outputs, constants, 18)
    made, plain = imported(data).graph, imported(data, fuse=False).graph
    assert [one.layer.type for one in made.nodes if one.layer.type != "sum"] == types
    assert sums(made.nodes)._replace(layers=0) == sums(plain.nodes)._replace(layers=0)
    assert [one.shape for one in made.outputs.values()] == [one.shape for one in plain.outputs.values()]
    x = np.random.default_rng(1).standard_normal((2, *shape[1:])).astype(F)
    runs_as_runtime(data, x)
