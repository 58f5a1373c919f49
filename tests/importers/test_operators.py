"""Operators as layers have ONNX Runtime's shapes and numbers, for a batch of two, in all opsets that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest

from cnncalc.exporters.formats import FORMATS, Options
from cnncalc.figures.conventions import accounts
from cnncalc.ground.errors import CnncalcError
from tests.importers.models import drawing, imported, ints, model, network, node, runs_as_runtime, runtime

F = np.float32
weight = drawing()
MAP, ROWS, WINDOWS = ("N", 4, 6, 5), ("N", 7, 6), ("N", 2, 3, 4)


W3 = {"w": weight(8, 4, 3, 3), "b": weight(8)}
BN = {"s": weight(4), "t": weight(4), "m": weight(4), "v": np.abs(weight(4))}

GAPS: dict[str, Any] = {"kernel_shape": [2, 3], "dilations": [3, 2], "strides": [2, 1], "pads": [1, 1, 1, 2]}

# name: (nodes, input shape, constants, opset)
CASES: dict[str, tuple[Sequence[Any], Sequence[Any], Mapping[str, Any], int]] = {
    "conv": ([node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1], strides=[2, 1])], MAP, W3, 17),
    "conv same": ([node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])], MAP, W3, 17),
    "conv same lower": ([node("Conv", ["x", "w"], ["y"], auto_pad="SAME_LOWER", strides=[2, 2])], MAP, W3, 17),
    "conv groups": ([node("Conv", ["x", "w"], ["y"], group=2, dilations=[2, 1])], MAP, {"w": weight(6, 2, 2, 2)}, 17),
    "conv 1-D": ([node("Conv", ["x", "w"], ["y"])], ROWS, {"w": weight(5, 7, 3)}, 17),
    "conv_transpose": (
        [node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[2, 2], pads=[1, 0, 1, 0], output_padding=[1, 0])],
        MAP, {"w": weight(4, 3, 3, 3), "b": weight(3)}, 17,
    ),
    "conv_transpose output_shape": (
        [node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], output_shape=[12, 10])], MAP, {"w": weight(4, 3, 3, 3)}, 17,
    ),
    "gemm": ([node("Gemm", ["x", "w", "b"], ["y"], transB=1)], ("N", 6), {"w": weight(5, 6), "b": weight(5)}, 17),
    "gemm alpha": (
        [node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0)], ("N", 6), {"w": weight(6, 5), "b": weight(1, 5)}, 17,
    ),
    "matmul rows": ([node("MatMul", ["x", "w"], ["y"])], ROWS, {"w": weight(6, 5)}, 17),
    "matmul left": ([node("MatMul", ["w", "x"], ["y"])], ROWS, {"w": weight(5, 7)}, 17),
    "matmul of stacked matrices with samples as columns": (
        [node("Transpose", ["x"], ["t"]), node("MatMul", ["w", "t"], ["p"]), node("Transpose", ["p"], ["y"], perm=[2, 1, 0])],
        ("N", 6), {"w": weight(2, 5, 6)}, 17,
    ),
    "matmul stack": ([node("MatMul", ["x", "w"], ["y"])], WINDOWS, {"w": weight(2, 4, 5)}, 17),
    "attention": (
        [node("Transpose", ["x"], ["t"], perm=[0, 1, 3, 2]), node("MatMul", ["x", "t"], ["y"])], WINDOWS, {}, 17,
    ),
    "attention 23": ([node("Attention", ["x", "x", "x"], ["y"], scale=0.3)], WINDOWS, {}, 23),
    "attention 23 of three axes": (
        [node("Attention", ["x", "x", "x"], ["y"], q_num_heads=3, kv_num_heads=3)], ("N", 5, 12), {}, 23,
    ),
    "attention 23 with a mask": (
        [node("Attention", ["x", "x", "x", "m"], ["y"], q_num_heads=2, kv_num_heads=2)], ("N", 5, 8), {"m": weight(5, 5)}, 23,
    ),
    "attention 23 with few keys": (
        [node("Slice", ["x", "0", "4", "2"], ["k"]), node("Attention", ["x", "k", "k"], ["y"], q_num_heads=4, kv_num_heads=2)],
        ("N", 5, 8), {"0": ints(0), "4": ints(4), "2": ints(2)}, 23,
    ),
    "attention 23, causal": ([node("Attention", ["x", "x", "x"], ["y"], is_causal=1)], WINDOWS, {}, 23),
    "attention 23, causal, more positions than are kept": (
        [node("Attention", ["x", "x", "x"], ["y"], is_causal=1)], ("N", 2, 65, 4), {}, 23,
    ),
    "attention 23 with a mask of truths": (
        [node("Attention", ["x", "x", "x", "m"], ["y"])], WINDOWS, {"m": np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]], bool)}, 23,
    ),
    "attention 23 with a query that sees nothing": (
        [node("Attention", ["x", "x", "x", "m"], ["y"])], WINDOWS, {"m": np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]], bool)}, 23,
    ),
    "attention 23, softly capped, with a query that sees nothing": (
        [node("Attention", ["x", "x", "x", "m"], ["y"], softcap=2.0)], WINDOWS,
        {"m": np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]], bool)}, 23,
    ),
    "attention 23 with a mask that is computed": (
        [node("Abs", ["x"], ["p"]), node("ReduceMax", ["p", "a"], ["r"]), node("Greater", ["p", "r"], ["g"]), node("Not", ["g"], ["n"]),
         node("Slice", ["n", "0", "3", "a"], ["m"]), node("Attention", ["x", "x", "x", "m"], ["y"])],
        WINDOWS, {"a": ints(3), "0": ints(0), "3": ints(3)}, 23,
    ),
    "attention 23, causal, softly capped, with a bias of each head": (
        [node("Attention", ["x", "x", "x", "m"], ["y"], is_causal=1, softcap=0.7, scale=0.9)], WINDOWS, {"m": weight(1, 2, 3, 3)}, 23,
    ),
    "attention 23 with few keys and a bias of each head, causal": (
        [node("Slice", ["x", "0", "4", "2"], ["k"]),
         node("Attention", ["x", "k", "k", "m"], ["y"], q_num_heads=4, kv_num_heads=2, is_causal=1)],
        ("N", 5, 8), {"0": ints(0), "4": ints(4), "2": ints(2), "m": weight(4, 5, 5)}, 23,
    ),
    "attention 23 behind an earlier pass, causal": (
        [node("Slice", ["x", "0", "2", "2"], ["p"]), node("Slice", ["x", "2", "3", "2"], ["q"]),
         node("Attention", ["q", "q", "q", "", "p", "p"], ["a", "k", "v"], is_causal=1), node("Concat", ["a", "k", "v"], ["y"], axis=2)],
        WINDOWS, {"0": ints(0), "2": ints(2), "3": ints(3)}, 23,
    ),
    "rotary 23": (
        [node("RotaryEmbedding", ["x", "c", "s", "p"], ["y"])], ("N", 2, 5, 8),
        {"c": weight(9, 4), "s": weight(9, 4), "p": np.stack([np.arange(5)] * 2)}, 23,
    ),
    "rotary 23 of a part": (
        [node("RotaryEmbedding", ["x", "c", "s", "p"], ["y"], rotary_embedding_dim=4, num_heads=2)], ("N", 5, 16),
        {"c": weight(9, 2), "s": weight(9, 2), "p": np.stack([np.arange(5)] * 2)}, 23,
    ),
    "einsum": (
        [node("Einsum", ["x", "w"], ["y"], equation="bhld,hde->blhe")], WINDOWS, {"w": weight(2, 4, 5)}, 17,
    ),
    "einsum of three": (
        [node("MatMul", ["x", "w"], ["p"]), node("Einsum", ["x", "p", "x"], ["y"], equation="bld,bln,ble->bdne")],
        ROWS, {"w": weight(6, 4)}, 17,
    ),
    "einsum ellipsis": ([node("Einsum", ["x", "x"], ["y"], equation="...ld,...sd->...ls")], WINDOWS, {}, 17),
    "maxpool": ([node("MaxPool", ["x"], ["y"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])], MAP, {}, 17),
    "maxpool ceil": ([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)], MAP, {}, 17),
    "avgpool": ([node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])], MAP, {}, 17),
    "avgpool counts pads": (
        [node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)], MAP, {}, 17,
    ),
    "lppool": ([node("LpPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])], MAP, {}, 17),
    "avgpool with gaps": ([node("AveragePool", ["x"], ["y"], **GAPS)], MAP, {}, 19),
    "avgpool with gaps counts pads": ([node("AveragePool", ["x"], ["y"], **GAPS, count_include_pad=1)], MAP, {}, 19),
    "avgpool with gaps rounded up": ([node("AveragePool", ["x"], ["y"], **GAPS, ceil_mode=1)], MAP, {}, 19),
    "lppool with gaps": ([node("LpPool", ["x"], ["y"], **GAPS)], MAP, {}, 19),
    "lppool odd": ([node("LpPool", ["x"], ["y"], kernel_shape=[2, 2], p=3)], MAP, {}, 17),
    "global lppool": ([node("GlobalLpPool", ["x"], ["y"])], MAP, {}, 17),
    "global lppool of magnitudes": ([node("GlobalLpPool", ["x"], ["y"], p=1)], ROWS, {}, 17),
    "global pool": ([node("GlobalAveragePool", ["x"], ["y"])], MAP, {}, 17),
    "batchnorm": ([node("BatchNormalization", ["x", "s", "t", "m", "v"], ["y"])], MAP, BN, 17),
    "layernorm": (
        [node("LayerNormalization", ["x", "s", "t"], ["y"], axis=-1)], ROWS, {"s": weight(6), "t": weight(6)}, 17,
    ),
    "instancenorm": ([node("InstanceNormalization", ["x", "s", "t"], ["y"])], MAP, {"s": weight(4), "t": weight(4)}, 17),
    "groupnorm": (
        [node("GroupNormalization", ["x", "s", "t"], ["y"], num_groups=2)], MAP, {"s": weight(4), "t": weight(4)}, 21,
    ),
    "lrn": ([node("LRN", ["x"], ["y"], size=3, alpha=0.01, beta=0.5, bias=2.0)], MAP, {}, 17),
    "prelu": ([node("PRelu", ["x", "s"], ["y"])], MAP, {"s": weight(4, 1, 1)}, 17),
    "clip": ([node("Clip", ["x", "lo", "hi"], ["y"])], MAP, {"lo": F(-0.3), "hi": F(0.4)}, 17),
    "clip low": ([node("Clip", ["x", "lo"], ["y"])], MAP, {"lo": F(0.1)}, 17),
    "clip 6": ([node("Clip", ["x"], ["y"], min=0.0, max=6.0)], MAP, {}, 10),
    "hardsigmoid": ([node("HardSigmoid", ["x"], ["y"], alpha=0.2, beta=0.5)], MAP, {}, 17),
    "hardsigmoid of its parts": (
        [node("Add", ["x", "3"], ["a"]), node("Clip", ["a", "0", "6"], ["c"]), node("Div", ["c", "6"], ["y"])], MAP,
        {"3": F(3), "0": F(0), "6": F(6)}, 17,
    ),
    "softmax": ([node("Softmax", ["x"], ["y"], axis=-1)], WINDOWS, {}, 17),
    "softmax of a constant": (
        [node("Softmax", ["c"], ["s"], axis=-1), node("Add", ["x", "s"], ["y"])], MAP, {"c": weight(6, 5)}, 17,
    ),
    "upper triangle of a constant": (
        [node("Trilu", ["c"], ["u"]), node("Add", ["x", "u"], ["y"])], MAP, {"c": weight(6, 5)}, 17,
    ),
    "matrix with a scale for each column": (
        [node("DequantizeLinear", ["q", "s"], ["w"]), node("Add", ["x", "w"], ["y"])], MAP,
        {"q": np.arange(-15, 15, dtype=np.int8).reshape(6, 5), "s": np.abs(weight(5))}, 17,
    ),
    "softmax before 13": ([node("Softmax", ["x"], ["y"], axis=1)], WINDOWS, {}, 11),
    "add constant": ([node("Add", ["x", "c"], ["y"])], MAP, {"c": weight(4, 1, 1)}, 17),
    "subtract from constant": ([node("Sub", ["c", "x"], ["y"])], MAP, {"c": weight(6, 1)}, 17),
    "divide by constant": ([node("Div", ["x", "c"], ["y"])], MAP, {"c": weight(1, 4, 1, 1)}, 17),
    "constant over": ([node("Div", ["c", "x"], ["y"])], MAP, {"c": weight(5)}, 17),
    "one over": ([node("Div", ["c", "x"], ["y"])], MAP, {"c": F(1.0)}, 17),
    "power": ([node("Pow", ["x", "c"], ["y"])], MAP, {"c": F(2.0)}, 17),
    "max with number": ([node("Max", ["x", "c"], ["y"])], MAP, {"c": F(0.1)}, 17),
    "where": (
        [node("Less", ["x", "c"], ["q"]), node("Where", ["q", "x", "c"], ["y"])], MAP, {"c": weight(4, 1, 1)}, 17,
    ),
    "gate": ([node("GlobalAveragePool", ["x"], ["g"]), node("Mul", ["x", "g"], ["y"])], MAP, {}, 17),
    "shorter rank": (
        [node("ReduceMean", ["x"], ["g"], axes=[2, 3], keepdims=0), node("Unsqueeze", ["g", "a"], ["u"]),
         node("Add", ["x", "u"], ["y"])], MAP, {"a": ints(2, 3)}, 17,
    ),
    "reduce keeps": ([node("ReduceMean", ["x"], ["y"], axes=[1, -1])], MAP, {}, 17),
    "reduce drops": ([node("ReduceSum", ["x", "a"], ["y"], keepdims=0)], MAP, {"a": ints(2)}, 17),
    "reduce to a number": (
        [node("ReduceMean", ["x"], ["g"], axes=[1, 2, 3], keepdims=0), node("Sigmoid", ["g"], ["h"]),
         node("Unsqueeze", ["h", "a"], ["u"]), node("Mul", ["x", "u"], ["y"])], MAP, {"a": ints(1, 2, 3)}, 17,
    ),
    "number of a vector": (
        [node("Gather", ["x", "i"], ["g"], axis=1), node("Add", ["g", "c"], ["h"]), node("Unsqueeze", ["h", "o"], ["y"])],
        ("N", 6), {"i": np.int64(2), "c": F(1), "o": ints(1)}, 17,
    ),
    "reduce by input": ([node("ReduceMax", ["x", "a"], ["y"])], MAP, {"a": ints(1)}, 18),
    "norm": ([node("ReduceL2", ["x"], ["y"], axes=[1])], MAP, {}, 17),
    "log sum exp of numbers whose powers float32 does not hold": (
        [node("Mul", ["x", "c"], ["m"]), node("ReduceLogSumExp", ["m"], ["y"], axes=[1, 3])], MAP, {"c": F(500)}, 17,
    ),
    "mean and variance of small numbers": (
        [node("Mul", ["x", "c"], ["m"]), node("MeanVarianceNormalization", ["m"], ["y"], axes=[2, 3])], MAP, {"c": F(1e-6)}, 17,
    ),
    "log sum exp": ([node("ReduceLogSumExp", ["x"], ["y"], axes=[2], keepdims=0)], MAP, {}, 17),
    "transpose": ([node("Transpose", ["x"], ["y"], perm=[0, 2, 3, 1])], MAP, {}, 17),
    "reshape": ([node("Reshape", ["x", "s"], ["y"])], MAP, {"s": ints(0, -1, 5)}, 17),
    "flatten": ([node("Flatten", ["x"], ["y"])], MAP, {}, 17),
    "windows": (
        [node("Reshape", ["x", "s"], ["r"]), node("Relu", ["r"], ["q"]), node("Reshape", ["q", "t"], ["y"])],
        MAP, {"s": ints(-1, 6, 5), "t": ints(-1, 4, 6, 5)}, 17,
    ),
    "squeeze": ([node("Unsqueeze", ["x", "a"], ["u"]), node("Squeeze", ["u", "a"], ["y"])], MAP, {"a": ints(1)}, 17),
    "unsqueeze before 13": ([node("Unsqueeze", ["x"], ["y"], axes=[2])], ROWS, {}, 11),
    "slice": (
        [node("Slice", ["x", "a", "b", "c", "d"], ["y"])], MAP,
        {"a": ints(1, -1), "b": ints(2**62, -(2**62)), "c": ints(1, 3), "d": ints(2, -1)}, 17,
    ),
    "slice before 10": ([node("Slice", ["x"], ["y"], starts=[1, 0], ends=[3, -1], axes=[1, 2])], MAP, {}, 9),
    "split": (
        [node("Split", ["x", "a"], ["p", "q"], axis=1), node("Concat", ["q", "p"], ["y"], axis=1)],
        MAP, {"a": ints(1, 3)}, 17,
    ),
    "split attribute": (
        [node("Split", ["x"], ["p", "q"], axis=1, split=[3, 1]), node("Concat", ["q", "p"], ["y"], axis=1)], MAP, {}, 11,
    ),
    "gather one": ([node("Gather", ["x", "i"], ["y"], axis=1)], ROWS, {"i": np.int64(-1)}, 17),
    "gather some": ([node("Gather", ["x", "i"], ["y"], axis=2)], ROWS, {"i": ints(3, 0, 3)}, 17),
    "gather matrix": ([node("Gather", ["x", "i"], ["y"], axis=1)], ROWS, {"i": ints(3, 0, 3, 1).reshape(2, 2)}, 17),
    "expand": (
        [node("ReduceMax", ["x"], ["g"], axes=[2, 3]), node("Shape", ["x"], ["s"]), node("Expand", ["g", "s"], ["y"])],
        MAP, {}, 17,
    ),
    "tile": ([node("Tile", ["x", "r"], ["y"])], MAP, {"r": ints(1, 1, 2, 3)}, 17),
    "pad": ([node("Pad", ["x", "p", "v"], ["y"])], MAP, {"p": ints(0, 0, 1, 2, 0, 0, 0, 1), "v": F(0.5)}, 17),
    "pad reflect": ([node("Pad", ["x", "p"], ["y"], mode="reflect")], MAP, {"p": ints(0, 0, 1, 2, 0, 0, 0, 1)}, 17),
    "pad crops": ([node("Pad", ["x", "p"], ["y"])], MAP, {"p": ints(0, 0, -1, 2, 0, 0, 0, -1)}, 17),
    "pad attribute": ([node("Pad", ["x"], ["y"], pads=[0, 1, 0, 0, 0, 2, 0, 0])], MAP, {}, 9),
    "depth to space": ([node("DepthToSpace", ["x"], ["y"], blocksize=2, mode="CRD")], MAP, {}, 17),
    "depth to space DCR": ([node("DepthToSpace", ["x"], ["y"], blocksize=2)], MAP, {}, 17),
    "space to depth": ([node("SpaceToDepth", ["x"], ["y"], blocksize=2)], ("N", 3, 4, 6), {}, 17),
    "resize nearest": (
        [node("Resize", ["x", "", "s"], ["y"], mode="nearest", coordinate_transformation_mode="asymmetric",
              nearest_mode="floor")], MAP, {"s": np.array([1, 1, 2, 1.5], F)}, 17,
    ),
    "resize linear": ([node("Resize", ["x", "", "s"], ["y"], mode="linear")], MAP, {"s": np.array([1, 1, 2, 2], F)}, 17),
    "resize linear with a rest": (
        [node("Resize", ["x", "", "s"], ["y"], mode="linear")], MAP, {"s": np.array([1, 1, 1.3, 1.5], F)}, 17,
    ),
    "resize corners": (
        [node("Resize", ["x", "", "", "z"], ["y"], mode="linear", coordinate_transformation_mode="align_corners")],
        ("N", 4, 6, 5), {"z": ints(2, 4, 9, 7)}, 17,
    ),
    "resize cubic": ([node("Resize", ["x", "", "s"], ["y"], mode="cubic")], MAP, {"s": np.array([1, 1, 2, 2], F)}, 17),
    "resize of a table": (
        [node("Resize", ["t", "", "", "z"], ["r"], mode="cubic"), node("Add", ["x", "r"], ["y"])],
        MAP, {"t": weight(1, 4, 3, 3), "z": ints(1, 4, 6, 5)}, 18,
    ),
    "upsample 9": ([node("Upsample", ["x", "s"], ["y"], mode="nearest")], MAP, {"s": np.array([1, 1, 2, 2], F)}, 9),
    "one hot": (
        [node("ArgMax", ["x", ], ["i"], axis=1, keepdims=0), node("OneHot", ["i", "d", "v"], ["y"], axis=1)], MAP,
        {"d": np.int64(4), "v": np.array([-1, 2], F)}, 17,
    ),
    "argmax": ([node("ArgMax", ["x"], ["i"], axis=1), node("Cast", ["i"], ["y"], to=1)], MAP, {}, 17),
    "cumsum": ([node("CumSum", ["x", "a"], ["y"])], ROWS, {"a": np.int64(2)}, 17),
    "remainders of constants": (
        [node("Mod", ["a", "b"], ["m"]), node("Mod", ["a", "b"], ["f"], fmod=1), node("Sub", ["m", "f"], ["d"]),
         node("Cast", ["d"], ["c"], to=1), node("Mod", ["g", "h"], ["e"], fmod=1), node("Sum", ["x", "c", "e"], ["y"])],
        ROWS, {"a": ints(-4, 7, 5, 8, -5, -7), "b": ints(3, -3, 8, -8, 2, -2), "g": np.array([-4.3], F), "h": np.array([2.1], F)}, 17,
    ),
    "sums of constants before a large one": (
        [node("CumSum", ["w", "zero"], ["c"], exclusive=1), node("Add", ["x", "c"], ["y"])], ROWS,
        {"w": np.array([1, 2, 4, 1e20, 8, 1], F), "zero": np.int64(0)}, 17,
    ),
    "infinities of one sign among constants": (
        [node("IsInf", ["i"], ["p"], detect_negative=0), node("Cast", ["p"], ["c"], to=1), node("Add", ["x", "c"], ["y"])],
        ROWS, {"i": np.array([np.inf, -np.inf, 1, -2, np.nan, np.inf], F)}, 17,
    ),
    "sums and norms of constants": (
        [node("CumSum", ["w", "one"], ["c"], reverse=1, exclusive=1), node("LayerNormalization", ["c", "s", "t"], ["n"], axis=-1),
         node("Add", ["x", "n"], ["y"])],
        ROWS, {"w": weight(7, 6), "one": np.int64(1), "s": weight(6), "t": weight(6)}, 17,
    ),
    "a resized constant": (
        [node("Resize", ["w", "", "", "z"], ["r"]), node("Gather", ["r", "zero"], ["g"]), node("Mul", ["x", "g"], ["y"])],
        MAP, {"w": weight(1, 1, 3, 2), "z": ints(1, 1, 6, 5), "zero": np.int64(0)}, 17,
    ),
    "resized without what is outside": (
        [node("Resize", ["x", "", "s"], ["y"], mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5)], MAP,
        {"s": np.array([1, 1, 1.5, 2.5], F)}, 17,
    ),
    "resized without what is outside, antialiased": (
        [node("Resize", ["x", "", "s"], ["y"], mode="cubic", exclude_outside=1, antialias=1)], MAP,
        {"s": np.array([1, 1, 0.5, 0.6], F)}, 18,
    ),
    **{
        f"resized with its aspect ratio, {mode}, {policy}": (
            [node("Resize", ["x", "", "", "s"], ["y"], axes=[2, 3], keep_aspect_ratio_policy=policy, mode=mode)], MAP,
            {"s": ints(*sizes)}, 18,
        ) for mode, policy, sizes in (
            ("linear", "not_larger", (12, 15)), ("linear", "not_smaller", (9, 10)), ("nearest", "not_larger", (9, 9)),
            ("nearest", "not_smaller", (9, 9)),
        )
    },
    "a mean with the batch in the middle": (
        [node("Transpose", ["x"], ["t"], perm=[1, 0, 2]), node("ReduceMean", ["t"], ["m"], axes=[-1], keepdims=0),
         node("Softmax", ["m"], ["s"], axis=0), node("Transpose", ["s"], ["y"], perm=[1, 0])],
        ROWS, {}, 17,
    ),
    "flatten from the second axis on": (
        [node("Flatten", ["x"], ["f"], axis=2), node("Softmax", ["f"], ["s"], axis=-1), node("Reshape", ["s", "t"], ["y"])],
        MAP, {"t": ints(-1, 4, 6, 5)}, 17,
    ),
    "sizes that are products of rows": (
        [node("ReduceProd", ["c"], ["p"], axes=[1]), node("Squeeze", ["p", "1"], ["q"]), node("Concat", ["m1", "q"], ["t"], axis=0),
         node("Reshape", ["x", "t"], ["y"])],
        ROWS, {"c": np.array([[2, 3], [1, 7]], np.int64), "m1": ints(-1), "1": ints(1)}, 17,
    ),
    "padded on one side and cropped on the other": (
        [node("Pad", ["x", "p"], ["y"])], MAP, {"p": ints(0, 0, -1, 2, 0, 0, 1, -2)}, 17,
    ),
    **{op.lower(): ([node(op, ["x"], ["y"])], MAP, {}, 17) for op in ("Ceil", "Floor", "Sign", "Softsign")},
    **{
        f"{op.lower()} of numbers from 1 on": (
            [node("Abs", ["x"], ["a"]), node("Add", ["a", "1"], ["b"]), node(op, ["b"], ["y"])], MAP, {"1": F(1)}, 17,
        ) for op in ("Acosh", "Log", "Reciprocal")
    },
    **{
        f"{op.lower()} of comparisons": (
            [node("Less", ["x", "high"], ["p"]), node("Greater", ["x", "low"], ["q"]), node(op, ["p", "q"], ["r"]), node("Cast", ["r"], ["y"], to=1)],
            MAP, {"high": F(0.5), "low": F(-0.5)}, 17,
        ) for op in ("And", "Or", "Xor")
    },
    "logarithm of a sum": ([node("Abs", ["x"], ["a"]), node("ReduceLogSum", ["a"], ["y"], axes=[2])], MAP, {}, 17),
    "gemm of a transposed input": ([node("Transpose", ["x"], ["t"], perm=[1, 0]), node("Gemm", ["t", "w"], ["y"], transA=1)], ("N", 6), {"w": weight(6, 4)}, 17),
    "gemm with a computed sum": ([node("Gemm", ["x", "w", "x"], ["y"], beta=0.5)], ("N", 6), {"w": weight(6, 6)}, 17),
    "einsum without an output": ([node("Einsum", ["x", "w"], ["y"], equation="bij,jk")], ROWS, {"w": weight(6, 4)}, 17),
    "sizes that are written": (
        [node("Shape", ["x"], ["h"]), node("ScatterND", ["h", "i", "u"], ["t"]), node("Reshape", ["x", "t"], ["y"])], ROWS,
        {"i": ints(0).reshape(1, 1), "u": ints(-1)}, 17,
    ),
    "sizes that are padded": (
        [node("Shape", ["x"], ["h"]), node("Slice", ["h", "1", "3", "0"], ["k"]), node("Pad", ["k", "p", "m1"], ["t"]), node("Reshape", ["x", "t"], ["y"])],
        ROWS, {"0": ints(0), "1": ints(1), "3": ints(3), "p": ints(1, 0), "m1": np.int64(-1)}, 17,
    ),
    "one-hot rows of constants": (
        [node("OneHot", ["i", "d", "v"], ["o"], axis=0), node("Cast", ["o"], ["f"], to=1), node("Mul", ["x", "f"], ["y"])], ("N", 3, 4),
        {"i": ints(1, -1, 0, 2), "d": np.int64(3), "v": ints(2, 5)}, 17,
    ),
    "sum of squares": ([node("ReduceSumSquare", ["x"], ["y"], axes=[1, 3], keepdims=0)], MAP, {}, 17),
    "celu": ([node("Celu", ["x"], ["y"], alpha=0.5)], MAP, {}, 17),
    "swish": ([node("Swish", ["x"], ["y"], alpha=1.5)], MAP, {}, 24),
    "thresholded relu": ([node("ThresholdedRelu", ["x"], ["y"], alpha=0.5)], MAP, {}, 17),
    "cast to the type of another": ([node("CastLike", ["x", "i"], ["c"]), node("Cast", ["c"], ["y"], to=1)], MAP, {"i": ints(1)}, 17),
    "diagonal of ones": ([node("EyeLike", ["c"], ["e"], k=1), node("Add", ["x", "e"], ["y"])], MAP, {"c": weight(6, 5)}, 17),
    "number of elements": (
        [node("Size", ["c"], ["s"]), node("Cast", ["s"], ["f"], to=1), node("Mul", ["x", "f"], ["y"])], MAP, {"c": weight(6, 5)}, 17,
    ),
    "length of a list": (
        [node("SequenceConstruct", ["x", "x"], ["q"]), node("SequenceLength", ["q"], ["s"]), node("Cast", ["s"], ["f"], to=1),
         node("Mul", ["x", "f"], ["y"])], ROWS, {}, 17,
    ),
    "an empty list": (
        [node("SequenceEmpty", [], ["q"]), node("SequenceInsert", ["q", "x"], ["r"]), node("ConcatFromSequence", ["r"], ["y"], axis=1)],
        ROWS, {}, 17,
    ),
    "root mean square norm": ([node("RMSNormalization", ["x", "w"], ["y"], axis=-1)], ROWS, {"w": weight(6)}, 23),
    "root mean square norm of ONNX Runtime": ([node("SimplifiedLayerNormalization", ["x", "w"], ["y"], axis=-1)], ROWS, {"w": weight(6)}, 17),
    "hardmax": ([node("Hardmax", ["x"], ["h"], axis=1), node("Mul", ["h", "x"], ["y"])], MAP, {}, 17),
    "prelu with slopes of the last axis": ([node("PRelu", ["x", "s"], ["y"])], ("N", 4, 3, 4), {"s": weight(4)}, 17),
    "prelu with slopes of other sizes": ([node("PRelu", ["x", "s"], ["y"])], MAP, {"s": weight(6, 1)}, 17),
    "integers of a grid as numbers": (
        [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("Cast", ["q"], ["c"], to=1), node("Mul", ["c", "h"], ["y"])],
        ROWS, {"s": np.array(0.1, F), "z": np.array(30, np.uint8), "h": np.array([0.5], F)}, 17,
    ),
    "trilu": ([node("Trilu", ["x"], ["y"], upper=0)], ROWS, {}, 17),
    "lp": ([node("LpNormalization", ["x"], ["y"], axis=1, p=2)], MAP, {}, 17),
    "shape arithmetic with numbers of float32": (
        [node("Shape", ["x"], ["s"]), node("Cast", ["s"], ["f"], to=1), node("Mul", ["f", "share"], ["p"]), node("Floor", ["p"], ["q"]),
         node("Cast", ["q"], ["t"], to=7), node("Resize", ["x", "", "", "t"], ["y"], mode="nearest")],
        ("N", 4, 10, 20), {"share": np.array([1, 1, 0.7, 0.7], F)}, 17,
    ),
    "shape arithmetic": (
        [node("Shape", ["x"], ["s"]), node("Gather", ["s", "two"], ["h"]), node("Div", ["h", "two"], ["d"]),
         node("Unsqueeze", ["d", "zero"], ["u"]), node("Concat", ["m1", "u", "ten"], ["t"], axis=0),
         node("Reshape", ["x", "t"], ["y"])],
        ("N", 4, 6, 5), {"two": np.int64(2), "zero": ints(0), "m1": ints(-1), "ten": ints(40)}, 17,
    ),
}  # fmt: skip

ON_CONSTANTS: dict[str, tuple[list[Any], dict[str, Any], int]] = {
    **{op.lower(): ([node(op, ["w"], ["c"])], {}, 20) for op in ("Softplus", "HardSwish", "Gelu", "Elu", "Erf", "Mish")},
    "leaky relu": ([node("LeakyRelu", ["w"], ["c"], alpha=0.3)], {}, 17),
    "log_softmax": ([node("LogSoftmax", ["w"], ["c"], axis=0)], {}, 17),
    "largest": ([node("TopK", ["w", "four"], ["c", "i"], axis=0)], {"four": ints(4)}, 17),
    "index of the largest": ([node("ArgMax", ["w"], ["i"], axis=1), node("Cast", ["i"], ["c"], to=1)], {}, 17),
    "borders": ([node("Pad", ["w", "borders"], ["c"], mode="reflect")], {"borders": ints(1, 2, 0, 1)}, 17),
    "sizes": ([node("ReduceL1", ["w"], ["l"], axes=[1]), node("ReduceLogSumExp", ["l"], ["c"], axes=[0])], {}, 13),
    "mean": ([node("Mean", ["w", "v"], ["c"])], {"v": weight(5)}, 17),
    "slopes": ([node("PRelu", ["w", "v"], ["c"])], {"v": weight(5)}, 17),
    "blocks": ([node("Reshape", ["w", "four"], ["r"]), node("DepthToSpace", ["r"], ["c"], blocksize=2)], {"four": ints(1, 8, 500, 5)}, 17),
    "interpolated": (
        [node("Reshape", ["w", "four"], ["r"]), node("Resize", ["r", "", "by"], ["c"], mode="cubic")],
        {"four": ints(1, 4, 1000, 5), "by": np.array([1, 1, 0.4, 1.5], F)}, 17,
    ),
    "written": (
        [node("ScatterND", ["w", "at", "v"], ["c"], reduction="mul")],
        {"at": ints(3, 0, 3).reshape(3, 1), "v": weight(3, 5)}, 16,
    ),
    "written in places": (
        [node("ScatterElements", ["w", "at", "v"], ["c"], axis=0)], {"at": ints(3, 0, 7).reshape(3, 1), "v": weight(3, 1)}, 17
    ),
    "standardised": (
        [node("BatchNormalization", ["w", "v", "v", "z", "o"], ["c", "m", "s"], training_mode=1)],
        {"v": weight(5), "z": np.zeros(5, F), "o": np.ones(5, F)}, 17,
    ),
    "kept rows": ([node("Compress", ["w", "which"], ["c"], axis=1)], {"which": np.array([True, False, True])}, 17),
    "quotient of integers": (
        [node("Cast", ["hundred"], ["h"], to=6), node("Mul", ["w", "hundred"], ["p"]), node("Cast", ["p"], ["q"], to=6),
         node("Div", ["q", "seven"], ["d"]), node("Sub", ["d", "h"], ["e"]), node("Cast", ["e"], ["c"], to=1)],
        {"hundred": np.array(100, F), "seven": np.array(7, np.int32)}, 17,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ON_CONSTANTS)
def test_an_operator_on_constants_is_onnx_runtimes(name: str) -> None:
    nodes, constants, opset = ON_CONSTANTS[name]
    nodes = [*nodes, node("Flatten", ["c"], ["f"], axis=0), node("Mul", ["x", "f"], ["y"])]
    w = np.random.default_rng(7).standard_normal((4000, 5)).astype(F)
    data = model(nodes, {"x": ("N", 1)}, ["y"], {"w": w, **constants}, opset)
    runs_as_runtime(data, np.array([[1], [-2]], F), atol=1e-4)


LAYERS = {
    "conv": "conv",
    "hardsigmoid of its parts": "hardsigmoid",
    "gemm": "linear",
    "clip 6": "relu6",
    "matmul rows": "linear",
    "flatten": "flatten",
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_is_onnx_runtimes(name: str) -> None:
    nodes, shape, constants, opset = CASES[name]
    data = model(nodes, {"x": shape}, ["y"], constants, opset)
    x = np.random.default_rng(1).standard_normal((2, *shape[1:])).astype(F)
    net = runs_as_runtime(data, x)
    assert name not in LAYERS or [one.layer.type for one in net.nodes] == [LAYERS[name]]


def test_a_mean_over_the_batch_is_that_of_one_sample() -> None:
    """MeanVarianceNormalization summarises the axes (0, 2, 3) by default: the batch with each channel."""
    data = model([node("MeanVarianceNormalization", ["x"], ["y"])], {"x": MAP}, ["y"])
    x = weight(1, 4, 6, 5)
    net = network(data)
    np.testing.assert_allclose(net.run(x).output, runtime(data, {"x": x})[0], rtol=1e-4, atol=1e-5)
    with pytest.raises(CnncalcError, match=r"MeanVarianceNormalization .* restricts the network to a batch of 1"):
        net.run(weight(2, 4, 6, 5))


def test_a_resize_to_sizes_that_its_factor_does_not_give_has_a_shape_and_a_note() -> None:
    """By 9 / 6, 5 elements become 7.5, rounded to 8, but their positions are still 1 / 1.5 apart (ONNX's Resize)."""
    nodes = [
        node("Resize", ["x", "", "", "s"], ["y"], axes=[2, 3], keep_aspect_ratio_policy="not_larger", mode="linear")
    ]
    data = model(nodes, {"x": MAP}, ["y"], {"s": ints(9, 9)}, 18)
    net = network(data)
    assert net.outputs["y"].shape == runtime(data, {"x": weight(1, 4, 6, 5)})[0].shape[1:] == (4, 9, 8)
    assert net.summary().uncounted == ["Resize"]


def test_rows_that_lie_along_the_batch_are_sliced_sample_by_sample() -> None:
    nodes = [
        node("Reshape", ["x", "flat"], ["f"]),
        node("Slice", ["f", "1", "3", "0"], ["c"]),
        node("Relu", ["c"], ["y"]),
    ]
    data = model(nodes, {"x": [1, 4, 6]}, ["y"], {"flat": ints(4, 6), "1": ints(1), "3": ints(3), "0": ints(0)})
    x = weight(2, 4, 6)
    net = network(data)
    np.testing.assert_array_equal(net.run(x[:1]).output, runtime(data, {"x": x[:1]})[0])
    np.testing.assert_array_equal(net.run(x).output, np.maximum(x[:, 1:3], 0).reshape(4, 6))


def looped(passes: Any, condition: Sequence[Any]) -> bytes:
    """Return a model of a loop that scales a tensor, and stacks the results of all passes."""
    port, flag = onnx.helper.make_tensor_value_info, onnx.TensorProto.BOOL
    body = onnx.helper.make_graph(
        [node("MatMul", ["s", "w"], ["t"]), node("Identity", ["t"], ["u"]), *condition], "body",
        [port("i", onnx.TensorProto.INT64, []), port("go", flag, []), port("s", onnx.TensorProto.FLOAT, None)],
        [port("on", flag, []), *[port(name, onnx.TensorProto.FLOAT, None) for name in "tu"]],
    )  # fmt: skip
    nodes = [
        node("Loop", ["passes", "true", "x"], ["last", "all"], body=body, name="loop"),
        node("ReduceSum", ["all", "first"], ["sum"], keepdims=0), node("Add", ["last", "sum"], ["y"]),
    ]  # fmt: skip
    constants = {"passes": np.array(passes), "true": np.array(True), "w": weight(6, 6), "first": ints(0)}
    return model(nodes, {"x": ROWS}, ["y"], constants)


def test_a_loop_with_a_known_number_of_passes_is_unrolled() -> None:
    data = looped(3, [node("Identity", ["go"], ["on"])])
    net = runs_as_runtime(data, weight(2, 7, 6))
    assert net.summary().totals.macs == 3 * 7 * 6 * 6
    assert net.summary().totals.params == 36
    fewer = "72 params fewer than with one for each layer"  # of three passes, two have none
    assert net.notes == [f"1 tensor is used by several layers and counts once: {fewer}"]


def test_a_loop_that_may_end_early_is_counted_in_full_with_a_note() -> None:
    ends = [
        node("ReduceMax", ["t"], ["m"], keepdims=0), node("Constant", [], ["big"], value_float=1e9),
        node("Less", ["m", "big"], ["on"]),
    ]  # fmt: skip
    net = network(looped(4, ends))
    assert net.summary().totals.macs == 4 * 7 * 6 * 6
    assert "Loop 'loop' may end sooner; all its 4 passes are counted" in net.notes


def test_a_loop_of_unknown_or_endless_passes_is_refused_with_its_name() -> None:
    with pytest.raises(CnncalcError, match="Loop 'loop' has an unknown number of passes"):
        network(looped(2**62, [node("Identity", ["go"], ["on"])]))


def scanned(**attributes: Any) -> bytes:
    """Return a hand-made recurrent layer along the second axis of (N, 7, 6); its last state is added to all outputs."""
    port, real = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    body = onnx.helper.make_graph(
        [node("MatMul", ["f", "w"], ["a"]), node("MatMul", ["h", "r"], ["b"]), node("Add", ["a", "b"], ["c"]),
         node("Tanh", ["c"], ["k"]), node("Identity", ["k"], ["o"])],
        "body", [port("h", real, None), port("f", real, None)], [port("k", real, None), port("o", real, None)],
    )  # fmt: skip
    nodes = [
        node("Slice", ["x", "zero", "five", "two"], ["s"]), node("ReduceMax", ["s", "one"], ["h0"], keepdims=0),
        node("Scan", ["h0", "x"], ["h7", "all"], body=body, num_scan_inputs=1, scan_input_axes=[1], name="scan", **attributes),
        node("Unsqueeze", ["h7", "two"], ["last"]), node("Transpose", ["all"], ["t"], perm=[1, 2, 0]),
        node("Add", ["t", "last"], ["y"]),
    ]  # fmt: skip
    constants = {"w": weight(6, 5), "r": weight(5, 5), "zero": ints(0), "one": ints(1), "two": ints(2), "five": ints(5)}
    return model(nodes, {"x": ROWS}, ["y"], constants, 18)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_scan_is_unrolled(backwards: bool) -> None:
    turned = {"scan_input_directions": [1], "scan_output_directions": [1]} if backwards else {}
    data = scanned(**turned)
    net = runs_as_runtime(data, weight(2, 7, 6))
    assert net.summary(batch=3).totals.macs == 3 * 7 * (6 * 5 + 5 * 5)
    assert net.summary().totals.params == 6 * 5 + 5 * 5


def test_a_scan_along_the_batch_is_refused_with_its_name() -> None:
    data = onnx.load_from_string(scanned())
    axes = next(one for item in data.graph.node for one in item.attribute if one.name == "scan_input_axes")
    axes.ints[0] = 0
    with pytest.raises(CnncalcError, match=r"Scan 'scan' does not fit: it goes along axes of .* or along the batch"):
        network(data.SerializeToString())


MICROSOFT: dict[str, tuple[Sequence[Any], Sequence[Any], Mapping[str, Any], int]] = {
    "heads": ([node("MultiHeadAttention", ["x", "x", "x", "b"], ["y"], num_heads=2, domain="com.microsoft")], ("N", 5, 8), {"b": weight(24)}, 17),
    "packed, causal": ([node("Attention", ["x", "w", "b"], ["y"], num_heads=2, unidirectional=1, domain="com.microsoft")], ("N", 5, 8), {"w": weight(8, 24), "b": weight(24)}, 17),
    "packed": ([node("Attention", ["x", "w", "b"], ["y"], num_heads=2, domain="com.microsoft")], ("N", 5, 8), {"w": weight(8, 24), "b": weight(24)}, 17),
    "gelu": ([node("FastGelu", ["x"], ["y"], domain="com.microsoft")], ROWS, {}, 17),
    "exact gelu": ([node("Gelu", ["x"], ["y"], domain="com.microsoft")], ROWS, {}, 17),
    "quick gelu": ([node("QuickGelu", ["x"], ["y"], alpha=1.5, domain="com.microsoft")], ROWS, {}, 17),
    "scaled product": ([node("FusedMatMul", ["x", "w"], ["y"], alpha=0.5, transB=1, domain="com.microsoft")], ROWS, {"w": weight(5, 6)}, 17),
    "product of stacks whose rows come first": (  # as ONNX Runtime writes a transposed attention
        [
            node("Transpose", ["x"], ["t"], perm=[1, 0, 2, 3]),
            node("FusedMatMul", ["t", "t"], ["p"], transBatchA=1, transBatchB=1, transB=1, domain="com.microsoft"),
            node("FusedMatMul", ["p", "t"], ["y"], transBatchB=1, domain="com.microsoft"),
        ], ("N", 5, 2, 4), {}, 17,
    ),
    "norm of a sum": (
        [node("SkipLayerNormalization", ["x", "x", "g", "b", "c"], ["y"], epsilon=1e-3, domain="com.microsoft")], ROWS,
        {"g": weight(6), "b": weight(6), "c": weight(6)}, 17,
    ),
    "root mean square norm of a sum": (
        [node("SkipSimplifiedLayerNormalization", ["x", "x", "g", "c"], ["y"], epsilon=1e-3, domain="com.microsoft")], ROWS,
        {"g": weight(6), "c": weight(6)}, 17,
    ),
    "rotary": (
        [node("RotaryEmbedding", ["x", "from", "cos", "sin"], ["y"], domain="com.microsoft")], ("N", 2, 5, 6),
        {"from": ints(1), "cos": np.cos(np.arange(18).reshape(6, 3)).astype(F), "sin": np.sin(np.arange(18).reshape(6, 3)).astype(F)}, 17,
    ),
    "gelu of a sum with a bias": ([node("BiasGelu", ["x", "b"], ["y"], domain="com.microsoft")], ROWS, {"b": weight(6)}, 17),
    "a sum of small numbers, normalised": (
        [node("Mul", ["x", "small"], ["s"]), node("SkipLayerNormalization", ["s", "s", "g"], ["y"], domain="com.microsoft")],
        ("N", 5, 8), {"small": F(1e-3), "g": weight(8)}, 17,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MICROSOFT)
def test_an_operator_of_com_microsoft_is_onnx_runtimes(name: str) -> None:
    nodes, shape, constants, opset = MICROSOFT[name]
    made = onnx.load_from_string(model(nodes, {"x": shape}, ["y"], constants, opset))
    made.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    runs_as_runtime(made.SerializeToString(), np.random.default_rng(1).standard_normal((2, *shape[1:])).astype(F))


def test_a_causal_mask_of_other_queries_than_keys_is_refused() -> None:
    heads = node("MultiHeadAttention", ["x", "k", "k"], ["y"], num_heads=2, unidirectional=1, domain="com.microsoft")
    made = onnx.load_from_string(model([heads], {"x": ("N", 5, 8), "k": ("N", 7, 8)}, ["y"]))
    made.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(CnncalcError, match="a causal mask of 5 queries and 7 keys is not supported"):
        network(made.SerializeToString())


def test_a_recurrent_operator_is_onnx_runtimes() -> None:
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for direction, count in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
            constants = {
                "w": weight(count, gates * 5, 6), "r": weight(count, gates * 5, 5), "b": weight(count, 2 * gates * 5)
            }  # fmt: skip
            more: dict[str, Any] = {"linear_before_reset": 1} if op == "GRU" and direction == "forward" else {}
            nodes = [
                node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
                node(op, ["t", "w", "r", "b"], ["y", "h"], hidden_size=5, direction=direction, **more),
            ]
            data = model(nodes, {"x": ROWS}, ["y", "h"], constants)
            x = np.random.default_rng(1).standard_normal((2, 7, 6)).astype(F)
            states, last = runtime(data, {"x": x})  # (7, directions, 2, 5) and (directions, 2, 5)
            run = network(data).run(x)
            assert run.ok, (op, direction)
            np.testing.assert_allclose(run.outputs["y"], np.moveaxis(states, 2, 0), rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(run.outputs["h"], np.moveaxis(last, 1, 0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(
    ("op", "gates", "more"), [("LSTM", 4, {}), ("GRU", 3, {}), ("GRU", 3, {"linear_before_reset": 1}), ("RNN", 1, {})]
)
def test_sequences_of_several_lengths_are_onnx_runtimes(
    op: str, gates: int, more: dict[str, Any], given: bool, direction: str
) -> None:
    """All steps, the last ones, and the last cells, from zeros or from given states; the lengths are where the first
    feature is largest.
    """
    ends = ["a", "h", "c"][: 3 if op == "LSTM" else 2]
    states = ["first"] * (len(ends) - 1) if given else []
    nodes = [
        node("ArgMax", ["x"], ["i"], axis=1, keepdims=0), node("Gather", ["i", "zero"], ["g"], axis=1), node("Add", ["g", "one"], ["l"]),
        node("Cast", ["l"], ["lengths"], to=onnx.TensorProto.INT32), node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node("Slice", ["x", "none", "size", "axes"], ["s"]), node("Transpose", ["s"], ["first"], perm=[1, 0, 2]),
        node(op, ["t", "w", "r", "b", "lengths", *states], ends, hidden_size=3, direction=direction, **more),
        *[node("Mul", [name, "half"], [f"y{name}"]) for name in ends],
    ]  # fmt: skip
    count = 2 if direction == "bidirectional" else 1
    constants = {
        "zero": np.int64(0), "one": ints(1), "half": np.float32(0.5), "w": weight(count, gates * 3, 4),
        "r": weight(count, gates * 3, 3), "b": weight(count, gates * 6), "none": ints(0, 0), "size": ints(count, 3), "axes": ints(1, 2),
    }  # fmt: skip
    data = model(nodes, {"x": ["N", 6, 4]}, [f"y{name}" for name in ends], constants)
    x = np.random.default_rng(3).standard_normal((5, 6, 4)).astype(F)
    assert len(set(x[:, :, 0].argmax(1))) > 2, "sequences of several lengths"
    run = network(data).run(x)
    assert run.ok, [(row.node.name, row.fault) for row in run.mismatches]
    for name, expected in zip(run.outputs, runtime(data, {"x": x}), strict=True):
        np.testing.assert_allclose(
            run.outputs[name].ravel(), made_of(expected).ravel(), rtol=1e-4, atol=1e-5, err_msg=name
        )
    if op == "LSTM":  # its cells are outputs
        return
    again = b"".join(FORMATS["onnx"].export(imported(data).graph, Options()))
    for made, expected in zip(runtime(again, {"x": x}), runtime(data, {"x": x}), strict=True):
        np.testing.assert_allclose(made.ravel(), made_of(expected).ravel(), rtol=1e-4, atol=1e-5)


def made_of(states: Any) -> Any:
    """Return states (…, N, H) with the samples first, as our files have them."""
    return np.moveaxis(states, -2, 0)


def test_lengths_that_leave_out_steps_of_all_samples_are_refused() -> None:
    nodes = [node("LSTM", ["x", "w", "r", "", "lengths"], ["y"], hidden_size=3)]
    constants = {"w": weight(1, 12, 4), "r": weight(1, 12, 3), "lengths": np.array([5], np.int32)}
    with pytest.raises(CnncalcError, match="its constant sequence_lens are shorter than the sequences"):
        network(model(nodes, {"x": [6, "N", 4]}, ["y"], constants))


@pytest.mark.parametrize("is_raw", [True, False])
def test_a_first_state_for_each_sample_of_a_batch_is_refused_unless_it_is_zero(is_raw: bool) -> None:
    nodes = [node("GRU", ["x", "w", "r", "", "", "h"], ["y"], hidden_size=3)]

    def with_state(*state: float) -> bytes:
        made = onnx.load_from_string(
            model(nodes, {"x": [6, "N", 4]}, ["y"], {"w": weight(1, 9, 4), "r": weight(1, 9, 3)})
        )
        data = np.array(state, F).tobytes() if is_raw else state
        made.graph.initializer.append(onnx.helper.make_tensor("h", onnx.TensorProto.FLOAT, [1, 2, 3], data, raw=is_raw))
        return bytes(made.SerializeToString())

    assert network(with_state(0, 0, 0, 0, 0, 0)).nodes[0].layer.type == "gru"
    with pytest.raises(CnncalcError, match="its first state differs from sample to sample"):
        network(with_state(0, 0, 0, 0, 0, 1))


def test_a_map_that_is_read_as_one_row() -> None:
    """PyTorch's new exporter writes as_strided as a reshape of map and batch to one axis, and a gather from it."""
    nodes = [node("Reshape", ["x", "all"], ["r"]), node("Gather", ["r", "i"], ["y"], axis=0)]
    places = np.arange(24, dtype=np.int64).reshape(1, 2, 3, 4)[:, ::-1].copy()
    data = model(nodes, {"x": [1, 4, 3, 2]}, ["y"], {"all": ints(-1), "i": places})
    runs_as_runtime(data, weight(1, 4, 3, 2), 0, 0)


def test_a_contraction_of_constants_is_counted_once_for_all_samples() -> None:
    nodes = [
        node("Einsum", ["a", "b"], ["t"], equation="ij,jk->ik"), node("MatMul", ["b", "a"], ["u"]),
        node("Add", ["t", "c"], ["v"]), node("Add", ["x", "v"], ["w"]), node("Add", ["w", "u"], ["y"]),
    ]  # fmt: skip
    data = model(nodes, {"x": ["N", 5, 5]}, ["y"], {"a": weight(5, 5), "b": weight(5, 5), "c": weight(5, 5)})
    net = runs_as_runtime(data, weight(3, 5, 5))
    assert net.summary().totals.macs == net.summary(batch=3).totals.macs == 2 * 5 * 5 * 5


def test_col2im_adds_each_element_once() -> None:
    nodes = [node("Col2Im", ["x", "image", "block"], ["s"]), node("Relu", ["s"], ["y"])]
    data = model(nodes, {"x": ["N", 12, 6]}, ["y"], {"image": ints(3, 4), "block": ints(2, 2)}, opset=18)
    net = network(data)
    assert [one.shape for one in net.nodes if one.layer.type == "col2im"] == [(3, 3, 4)]
    assert (net.summary().totals.flops, net.summary().uncounted) == (12 * 6 + 3 * 3 * 4, [])


def test_a_convolution_by_computed_filters_is_counted_and_run() -> None:
    """CondConv (arXiv:1904.04971), exported for one sample: the input mixes two filter banks."""
    nodes = [
        node("GlobalAveragePool", ["x"], ["g"]), node("Flatten", ["g"], ["f"]), node("MatMul", ["f", "r"], ["mix"]),
        node("MatMul", ["mix", "banks"], ["flat"]), node("Reshape", ["flat", "ws"], ["w"]),
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), node("Transpose", ["c"], ["t"], perm=[1, 0, 2, 3]),
        node("Reshape", ["t", "ys"], ["y"]),
    ]  # fmt: skip
    constants = {"r": weight(4, 2), "banks": weight(2, 8 * 4 * 9), "ws": ints(8, 4, 3, 3), "ys": ints(1, 8, 6, 5)}
    net = runs_as_runtime(model(nodes, {"x": [1, 4, 6, 5]}, ["y"], constants), weight(1, 4, 6, 5))
    products = 8 * 4 * 9 * 6 * 5
    assert net.summary().totals.macs == products + 4 * 2 + 2 * 8 * 4 * 9
    assert net.summary().totals.params == 4 * 2 + 2 * 8 * 4 * 9
    (conv,) = [one for one in net.nodes if one.layer.type == "Conv"]
    assert (conv.shape, conv.use.flops, conv.layer.kind) == ((8, 6, 5), 2 * products, "conv")
    assert net.nodes[-1].shape == (8, 6, 5)
    assert any("works only for a batch of 1: Conv" in note for note in net.notes)


def test_filters_and_biases_of_one_sample_or_of_all_are_computed() -> None:
    """Modulated filters of a transposed convolution on a learned map (StyleGAN2), and a band of sines (SincNet)."""
    nodes = [
        node("MatMul", ["x", "m"], ["style"]), node("Reshape", ["style", "s"], ["w"]),
        node("ConvTranspose", ["map", "w", "b"], ["t"], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
        node("MatMul", ["low", "grid"], ["band"]), node("Sin", ["band"], ["sines"]), node("Reshape", ["sines", "k"], ["f"]),
        node("Conv", ["t", "f"], ["y"], group=3),
    ]  # fmt: skip
    constants = {
        "m": weight(6, 4 * 3 * 9), "s": ints(4, 3, 3, 3), "b": weight(3), "map": weight(1, 4, 5, 4), "low": weight(6, 1),
        "grid": weight(1, 9), "k": ints(6, 1, 3, 3),
    }  # fmt: skip
    runs_as_runtime(model(nodes, {"x": [1, 6]}, ["y"], constants), weight(1, 6))


def test_samples_put_after_others_are_those_of_one_sample_alone() -> None:
    """Windows that were made of a sample stay together, and the next samples would not come where they belong."""
    nodes = [
        node("Reshape", ["x", "s"], ["w"]), node("Neg", ["x"], ["n"]), node("Reshape", ["n", "s"], ["v"]),
        node("Concat", ["w", "v"], ["y"], axis=0),
    ]  # fmt: skip
    data, x = model(nodes, {"x": ["N", 4, 6]}, ["y"], {"s": ints(-1, 2, 6)}), weight(1, 4, 6)
    net = network(data)
    np.testing.assert_array_equal(net.run(x).output, runtime(data, {"x": x})[0])
    with pytest.raises(
        CnncalcError, match=r"a batch of 2, but Concat that computes 'y' restricts the network to a batch of 1"
    ):
        net.run(weight(2, 4, 6))
    with pytest.raises(CnncalcError, match="it puts samples after those of another batch"):
        network(model(nodes, {"x": [2, 1, 4, 6]}, ["y"], {"s": ints(-1, 2, 6)}))


@pytest.mark.parametrize("op", ["matmul", "conv", "input", ""])
def test_an_operator_in_lower_case_is_no_layer_type(op: str) -> None:
    """No command may take the name of a file's own operator for a layer type of ours."""
    own = node(op, ["x", "x"], ["y"])
    own.domain = "com.example"
    file = onnx.load_from_string(model([own], {"x": ["N", 2, 4, 4]}, ["y"]))
    del file.graph.output[:]
    file.graph.output.append(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 2, 4, 4]))
    data = file.SerializeToString()
    assert network(data).summary().uncounted == [f"operator {op}"]
    assert all(account.total == 0 for account in accounts(network(data)))
    with pytest.raises(CnncalcError, match=r"is not verified|is of type"):
        network(data).deploy()


def test_indices_of_a_window_are_a_grid_and_others_a_list() -> None:
    """Swin v2 looks up a bias for each pair of positions of a window (arXiv:2111.09883, section 3.3)."""
    places = [(row, column) for row in range(3) for column in range(3)]
    window = [(a - c + 2) * 5 + b - d + 2 for a, b in places for c, d in places]
    for indices, arguments in (
        (window, {"sizes": (3, 3, 3, 3), "steps": (5, 1, -5, -1), "start": 12}),
        ([*window[:-1], 0], {"indices": (*window[:-1], 0)}),
        ([2, 0, 1], {"indices": (2, 0, 1)}),
    ):
        data = model([node("Gather", ["x", "i"], ["y"], axis=1)], {"x": ["N", 25]}, ["y"], {"i": np.array(indices)})
        (made,) = imported(data).graph.nodes
        assert {name: getattr(made.layer, name) for name in arguments} == arguments
        x = np.arange(50, dtype=np.float32).reshape(2, 25)
        assert network(data).run(x).output.tolist() == x[:, indices].tolist()


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        *[(kind, [1.5, -2, 3]) for kind in ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE")],
        *[(kind, [1, -2, 3]) for kind in ("INT8", "INT32", "INT64")],
        ("UINT8", [1, 200, 3]), ("UINT64", [1, 2, 3]), ("BOOL", [1, 0, 1]), ("UINT4", [1, 15, 3]), ("INT4", [1, -8, 3]),
        ("FLOAT8E4M3FN", [1.5, -2, 3]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("times", [1, 2000])
def test_numbers_in_the_field_of_their_type_are_read(kind: str, numbers: list[float], times: int) -> None:
    """onnx.helper.make_tensor puts them into ``float_data``, ``int32_data`` … instead of ``raw_data``."""
    numbers = numbers * times  # more than 4,096 are read by NumPy
    tensor = onnx.helper.make_tensor("c", onnx.TensorProto.DataType.Value(kind), [len(numbers)], numbers)
    assert not tensor.raw_data
    nodes = [node("Cast", ["c"], ["f"], to=1), node("Add", ["x", "f"], ["y"])]
    made = onnx.load_from_string(model(nodes, {"x": ("N", len(numbers))}, ["y"], {}, 21))
    made.graph.initializer.append(tensor)
    assert network(made.SerializeToString()).run(np.zeros((1, len(numbers)), F)).output.tolist() == [numbers]


@pytest.mark.parametrize(
    ("op", "attributes", "what"),
    [
        ("MaxPool", {"kernel_shape": [3, 3], "dilations": [2, 2]}, "ONNX Runtime ignores the dilation"),
        ("ConvTranspose", {"strides": [3, 3]}, "ONNX Runtime's is smaller"),
    ],
)
def test_where_onnx_runtime_is_not_the_standard_a_note_says_so(op: str, attributes: dict[str, Any], what: str) -> None:
    """The expected outputs are those of onnx's reference implementation."""
    from onnx.reference import ReferenceEvaluator

    tensors = {"w": np.ones((2, 3, 2, 2), F)} if op == "ConvTranspose" else {}
    data = model(
        [node(op, ["x", *tensors], ["y"], auto_pad="SAME_LOWER", **attributes)], {"x": [1, 2, 7, 7]}, ["y"], tensors
    )
    x = np.random.default_rng(0).standard_normal((1, 2, 7, 7)).astype(F)
    net = network(data)
    expected: Any
    (expected,) = ReferenceEvaluator(onnx.load_from_string(data)).run(None, {"x": x})
    np.testing.assert_allclose(net.run(x).outputs["y"], expected, rtol=1e-5)
    assert runtime(data, {"x": x})[0].shape != expected.shape
    assert what in net.notes[0]
    usual = [node("MaxPool", ["x"], ["y"], auto_pad="SAME_LOWER", kernel_shape=[3, 3])]
    assert not network(model(usual, {"x": [1, 2, 7, 7]}, ["y"])).notes
