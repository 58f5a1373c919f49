"""Operators of ``ai.onnx.ml``, in which scikit-learn's pipelines are written around the layers of a perceptron.

https://onnx.ai/onnx/operators/index.html#ai-onnx-ml
"""

from __future__ import annotations

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.operators.parts import gathered
from cnncalc.importers.onnx.proto import FLOAT, STRING
from cnncalc.importers.onnx.values import Call, UnfitError, Value, literal
from cnncalc.layers.shapes import Shape

DOMAIN = "ai.onnx.ml"
SCORES = {"NONE": "", "LOGISTIC": "Sigmoid", "SOFTMAX": "Softmax"}
"""The operators of post_transform."""


@operator("Scaler", domain=DOMAIN)
def _scaler(build: Builder, call: Call) -> Value:
    """``(x − offset)·scale``, with one number, or one for each feature."""
    y = call.input(0)
    for op, name in (("Sub", "offset"), ("Mul", "scale")):
        if numbers := call.numbers(name):
            y = build.output_of(op, [y, _tensor(build, numbers, (len(numbers),), is_learned=False)])
    return y


@operator("Normalizer", domain=DOMAIN)
def _normalizer(build: Builder, call: Call) -> Value:
    x, norm = call.input(0), call.text("norm", "MAX")
    if norm not in ("L1", "L2"):
        raise UnfitError(f"a division by the norm {norm} is not supported")
    return build.output_of("Div", [x, build.output_of(f"Reduce{norm}", [x], axes=[-1], keepdims=1)])


@operator("Binarizer", domain=DOMAIN)
def _binarizer(build: Builder, call: Call) -> Value:
    above = build.output_of("Greater", [call.input(0), literal((call.number("threshold"),), (), FLOAT)])
    return build.output_of("Cast", [above], to=FLOAT)


@operator("ZipMap", domain=DOMAIN)
def _zip_map(build: Builder, call: Call) -> Value:
    """The probabilities, without the names of their classes."""
    return call.input(0)


@operator("ArrayFeatureExtractor", domain=DOMAIN)
def _features(build: Builder, call: Call) -> Value:
    """Elements of the last axis; a vector becomes one row."""
    x, chosen = call.input(0), call.input(1)
    if x.is_live and chosen.data is not None:
        return gathered(build, x, literal(chosen.data, (chosen.elements,)), x.rank - 1)
    if x.dtype == STRING:
        _note_texts(build, call)
        taken = chosen
    elif x.rank != 1 or chosen.axis != 0 or chosen.shape != (1,):
        raise UnfitError("it does not take one label for each sample")
    else:
        taken = gathered(build, x, chosen, 0)
    return build.view(taken, taken.shape, 1)


@operator("LinearRegressor", domain=DOMAIN)
def _linear_regressor(build: Builder, call: Call) -> Value:
    return _scores(build, call, call.integer("targets", 1))


@operator("LinearClassifier", domain=DOMAIN)
def _linear_classifier(build: Builder, call: Call) -> list[Value]:
    """The label with the largest score, and the scores."""
    labels, texts = call.integers("classlabels_ints"), call.operator.attributes.get("classlabels_strings")
    count = len(texts) if isinstance(texts, list) else len(labels or ())
    scores = _scores(build, call, count)
    label = build.output_of("ArgMax", [scores], axis=-1, keepdims=0)
    if texts:
        _note_texts(build, call)
    elif labels and labels != tuple(range(count)):
        label = gathered(build, literal(labels, (count,)), label, 0)
    return [label, scores]


def _note_texts(build: Builder, call: Call) -> None:
    build.notes.append(f"{call.operator.label} returns texts: their numbers stand in their place")


def _scores(build: Builder, call: Call, count: int) -> Value:
    """Return a product with the coefficients, and what becomes of it."""
    x, coefficients, bias = call.input(0), call.numbers("coefficients") or (), call.numbers("intercepts")
    after = call.text("post_transform", "NONE")
    if x.rank != 2 or after not in SCORES or len(coefficients) != count * x.dims[1] or (bias and len(bias) != count):
        raise UnfitError(f"{len(coefficients)} coefficients for {count} outputs, and then {after}, are not supported")
    tensors = [_tensor(build, coefficients, (count, x.dims[1])), *([_tensor(build, bias, (count,))] if bias else [])]
    y = build.output_of("Gemm", [x, *tensors], transB=1)
    return build.output_of(SCORES[after], [y]) if SCORES[after] else y


def _tensor(build: Builder, numbers: tuple[float, ...], shape: Shape, is_learned: bool = True) -> Value:
    """Return the numbers of an attribute as a stored tensor."""
    return build.stored(StoredTensor("", shape, FLOAT, numbers=numbers, was_learned=is_learned))
