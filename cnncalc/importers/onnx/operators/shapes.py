"""Operators that return shapes, constants and ranges."""

from __future__ import annotations

from math import prod

from cnncalc.ground.limits import MAX_KNOWN_ELEMENTS
from cnncalc.importers.onnx.batch import size_in_file, sizes_with_batch
from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator_moves import position
from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.operators.elementwise import affine, counted_from_start, merged
from cnncalc.importers.onnx.operators.movement import with_axes
from cnncalc.importers.onnx.proto import DOUBLE, FLOAT, INT64
from cnncalc.importers.onnx.values import Call, UnfitError, Value, literal


@operator("Shape")
def _shape(build: Builder, call: Call) -> Value:
    dims = call.input(0).dims
    end = call.operator.attributes.get("end")
    chosen = dims[call.integer("start") : end if isinstance(end, int) else None]
    return sizes_with_batch(tuple(chosen), (len(chosen),), build.file_batch)


@operator("Size")
def _size(build: Builder, call: Call) -> Value:
    return sizes_with_batch((prod(call.input(0).dims),), (), build.file_batch)


@operator("Constant")
def _constant(build: Builder, call: Call) -> Value:
    attributes = call.operator.attributes
    stored = attributes.get("value")
    if isinstance(stored, StoredTensor):
        named = stored._replace(name=stored.name or (call.operator.outputs or ("",))[0])
        value = build.stored(named)
        build.constants.add(id(named))
        return value
    if "value_int" in attributes:
        return literal((call.integer("value_int"),), (), INT64)
    if "value_float" in attributes:
        return literal((call.number("value_float"),), (), FLOAT)
    for found, dtype in ((call.integers("value_ints"), INT64), (call.numbers("value_floats"), FLOAT)):
        if found is not None:
            return literal(found, (len(found),), dtype)
    raise UnfitError("a constant of an unknown kind")


@operator("ConstantOfShape")
def _constant_of_shape(build: Builder, call: Call) -> Value:
    sizes = tuple([size_in_file(size, 1) for size in call.sizes(0, "shape") or ()])
    if any(size < 0 for size in sizes):
        raise UnfitError(f"a shape of {list(sizes)[:8]}")
    stored = call.operator.attributes.get("value")
    value, number = Value("", sizes, FLOAT), 0.0
    if isinstance(stored, StoredTensor):
        number, value.dtype = (build.stored(stored).data or (0.0,))[0], stored.dtype
    value.fill = number
    if prod(sizes) <= MAX_KNOWN_ELEMENTS:
        value.data = (number,) * prod(sizes)
    return value


@operator("ConstantFill")
def _constant_fill(build: Builder, call: Call) -> Value:
    """Return a constant: the operator was never standard, but exporters for opsets 7 and 8 write it."""
    given = call.sizes(0, "shape") if call.integer("input_as_shape") else call.integers("shape")
    given = call.input(0).dims if given is None else given
    sizes = tuple([size_in_file(size, 1) for size in (*given, *(call.integers("extra_shape") or ()))])
    value = Value("", sizes, call.integer("dtype", FLOAT))
    value.fill = call.number("value")
    return value


@operator("EyeLike", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike")
def _eye_or_random(build: Builder, call: Call) -> Value:
    shape = call.integers("shape")
    if shape is None:
        shape = tuple([size_in_file(size, 1) for size in call.input(0).dims])
    return Value("", shape, FLOAT if call.op != "EyeLike" else DOUBLE)


@operator("HannWindow", "HammingWindow", "BlackmanWindow")
def _window(build: Builder, call: Call) -> Value:
    sizes = call.sizes(0, "size") or (0,)
    return Value("", (sizes[0],), call.integer("output_datatype", FLOAT))


@operator("MelWeightMatrix")
def _mel_matrix(build: Builder, call: Call) -> Value:
    (bins,), (length,) = call.sizes(0, "num_mel_bins") or (0,), call.sizes(1, "dft_length") or (0,)
    return Value("", (length // 2 + 1, bins), call.integer("output_datatype", FLOAT))


@operator("OneHot")
def _one_hot(build: Builder, call: Call) -> Value:
    x, depth, numbers = call.input(0), call.sizes(1, "depth"), call.known(2, "values")
    if not x.is_live or not depth or numbers is None or len(numbers) != 2 or not 0 < depth[0] <= MAX_KNOWN_ELEMENTS:
        raise UnfitError("its depth or its numbers are not known before it runs")
    at = position(call.integer("axis", -1), x.rank + 1)
    count = depth[0]
    tall = with_axes(build, counted_from_start(build, x, count), [*range(at), None, *range(at, x.rank)])
    places = literal(tuple(range(count)), (count, *(1,) * (x.rank - at)))
    y = merged(build, "compare", [tall, places], by="equal")
    off, on = [float(number) for number in numbers]
    return affine(build, y, mul=on - off, add=off)


@operator("Range")
def _range(build: Builder, call: Call) -> Value:
    start, stop, step = [value.number if value is not None else None for value in call.inputs]
    if start is None or stop is None or not step:
        raise UnfitError("its output's shape is not known before it runs")
    count = size_in_file(stop, 1)
    if (start, step) == (0, 1) and stop != count <= MAX_KNOWN_ELEMENTS:  # as many indices for each sample
        indices = tuple(range(int(count)))
        first = literal(indices, (len(indices),), call.input(0).dtype)
        first.sample_step = len(indices)
        return first
    return Value("", (max(0, -int((start - stop) // step)),), call.input(0).dtype)
