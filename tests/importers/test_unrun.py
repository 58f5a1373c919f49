"""ONNX operators without a rule, or with a shape and no execution; these lists may only become shorter."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from cnncalc.ground.errors import CnncalcError
from cnncalc.importers.onnx.builder import HANDLERS
from cnncalc.importers.onnx.opaque import VARIABLE_ROWS
from tests.importers.models import ints, model, network, node

F = np.float32

WITHOUT_A_RULE = frozenset(
    [
        "Bernoulli",
        "BitCast",
        "BitShift",
        "BitwiseAnd",
        "BitwiseNot",
        "BitwiseOr",
        "BitwiseXor",
        "CausalConvWithState",
        "CumProd",
        "Det",
        "ImageDecoder",
        "LinearAttention",
        "Multinomial",
        "NegativeLogLikelihoodLoss",
        "Optional",
        "OptionalHasElement",
        "RegexFullMatch",
        "SequenceMap",
        "SoftmaxCrossEntropyLoss",
        "StringConcat",
        "StringNormalizer",
        "StringSplit",
        "SwiGLU",
        "TensorScatter",
        "TfIdfVectorizer",
    ]
)
"""ONNX's operators that are refused, or opaque where the file states their shape: a new release of ONNX may add some."""

CONTROL = {"If", "Loop", "Scan"}


def one(op: str, *more: str, outputs: int = 1, **attributes: Any) -> list[Any]:
    return [node(op, ["x", *more], ["y", *[f"y{i}" for i in range(1, outputs)]], **attributes)]


BOXES = {"w": np.ones((5, 4), F), "n": ints(2), "t": np.array([0.5], F)}

# name: (nodes, input shape, constants, opset, the operator that can't be run)
COUNTED: dict[str, tuple[list[Any], list[Any], dict[str, Any], int, str]] = {
    "rows that are found": (one("NonZero"), [1, 4], {}, 17, "NonZero"),
    "rows that are kept": (one("Compress", "c"), [1, 4], {"c": np.array([True, False, True, True])}, 17, "Compress"),
    "different rows": (one("Unique"), [1, 4], {}, 17, "Unique"),
    "boxes that are kept": (
        [node("MatMul", ["x", "w"], ["b"]), node("Transpose", ["x"], ["s"], perm=[0, 2, 1]),
         node("NonMaxSuppression", ["b", "s", "n", "t"], ["y"])], [1, 6, 5], BOXES, 17, "NonMaxSuppression",
    ),
    "a part that is resized": (
        one("Resize", "r", "s", mode="linear", coordinate_transformation_mode="tf_crop_and_resize"), [1, 1, 4, 4],
        {"r": np.array([0, 0, 0.2, 0.2, 1, 1, 0.8, 0.8], F), "s": np.array([1, 1, 2, 2], F)}, 17, "Resize",
    ),
}  # fmt: skip
"""What has a shape, and figures or a place under "uncounted", and can't be run.

What becomes executable is taken out of here, and goes to the tests that compare with ONNX Runtime.
"""


def test_no_further_operator_is_without_a_rule() -> None:
    known = {op for domain, op in HANDLERS if not domain} | CONTROL
    schemas = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    assert not WITHOUT_A_RULE & known, "these have a rule by now: take them from the list"
    released = {
        schema.name for schema in onnx.defs.get_all_schemas() if schema.since_version <= NEWEST and not schema.domain
    }
    assert released & schemas - known - WITHOUT_A_RULE == set()


NEWEST = 24
"""The operator set of the list."""


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_counted_and_not_run(name: str) -> None:
    nodes, shape, constants, opset, op = COUNTED[name]
    net = network(model(nodes, {"x": shape}, ["y"], constants, opset))
    fault = "the number of its output rows depends on the data" if op in VARIABLE_ROWS else f"'{op}' can't be run"
    assert fault in [row.fault for row in net.run().mismatches]
    (counted,) = [one for one in net.nodes if one.layer.type == op]
    assert op in net.summary().uncounted or counted.use.macs


def test_no_other_layer_of_the_importer_is_without_execution() -> None:
    """Every use of the class for operators without a layer is in the lists above, or has settings."""
    from pathlib import Path

    import cnncalc.importers.onnx as room

    folder = Path(room.__file__ or "").parent
    places = [
        path.stem for path in folder.rglob("*.py")
        for line in path.read_text().splitlines() if "Opaque(" in line.replace("class", "") or "uncounted(" in line
    ]  # fmt: skip
    assert sorted(set(places)) == sorted(
        {"opaque", "variable_rows", "resizing", "scattering", "numpy_operators", "pooling"}
    )


def test_random_numbers_are_counted_and_not_run() -> None:
    """A variational autoencoder's noise (arXiv:1312.6114), which its file draws anew at each run."""
    nodes = [node("RandomNormalLike", ["x"], ["noise"], name="draw"), node("Add", ["x", "noise"], ["y"])]
    net = network(model(nodes, {"x": ["N", 3]}, ["y"]))
    assert [one.shape for one in net.nodes] == [(3,)]
    with pytest.raises(CnncalcError, match="RandomNormalLike 'draw' can't be run: its numbers are random"):
        net.run()
