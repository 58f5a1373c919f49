"""Convolutions and matrix products."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from cnncalc.importers.onnx.builder import Builder, Handler, Result, operator
from cnncalc.importers.onnx.opaque import ComputedConv
from cnncalc.importers.onnx.operators.elementwise import affine, aligned, meets_the_batch, merged, without_batch
from cnncalc.importers.onnx.proto import FLOAT
from cnncalc.importers.onnx.steps import layer_of, own_tensors
from cnncalc.importers.onnx.values import Call, UnfitError, Value, alias, literal
from cnncalc.layers.shapes import Shape
from cnncalc.layers.window import same_pad

Pads = tuple[tuple[int, int], ...]


class SlidingWindow(NamedTuple):
    """A window that slides over spatial axes: its arguments under the layers' names."""

    kernel_size: Shape
    stride: Shape
    padding: Pads
    dilation: Shape


def window(call: Call, sizes: Shape, kernel: Shape) -> SlidingWindow:
    """Return the window of an operator.

    Raises:
        UnfitError: if its arguments don't fit the number of axes.
    """
    rank = len(sizes)
    stride = call.integers("strides") or (1,) * rank
    dilation = call.integers("dilations") or (1,) * rank
    if not len(stride) == len(dilation) == len(kernel) == rank or min((*stride, *dilation, *kernel), default=1) < 1:
        raise UnfitError(f"a window of {kernel}, stride {stride}, dilation {dilation} over {rank} axes")
    padding: Pads
    auto = call.text("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pairs = [same_pad(*axis) for axis in zip(sizes, kernel, stride, dilation, strict=True)]
        padding = tuple([pair if auto == "SAME_UPPER" else pair[::-1] for pair in pairs])
    else:
        pads = call.integers("pads") or (0,) * (2 * rank)
        if auto == "VALID":
            pads = (0,) * (2 * rank)
        if len(pads) != 2 * rank:
            raise UnfitError(f"{len(pads)} pads for {rank} axes")
        padding = tuple(zip(pads[:rank], pads[rank:], strict=True))
    return SlidingWindow(kernel, stride, padding, dilation)


def feature_map(value: Value) -> Value:
    """Return a value whose samples are maps (C, …), as layers need them.

    Raises:
        UnfitError: if the batch is not the first axis.
    """
    if value.axis not in (0, None):
        raise UnfitError(f"the batch stands on axis {value.axis} of a map")
    if value.axis is None and value.shape[:1] == (1,) and not value.is_live:
        return alias(value, value.shape[1:], None)
    return value


def accepting_regions(handler: Handler) -> Handler:
    """Return a handler that also accepts maps without a batch: one for all samples, or regions of another map."""

    def handled(build: Builder, call: Call) -> Result:
        x, weight = call.input(0), call.given(1)
        axes = (call.integers("kernel_shape") or ()) if weight is None else weight.shape[2:]
        of_all = not x.times and x.shape[:1] == (1,)
        if x.axis is not None or x.rank != len(axes) + 2 or not (of_all or (x.is_live and x.times)):
            return handler(build, call)
        one = build.tensor(x)
        samples = build.view(one, x.shape[1:], None) if of_all else build.step("fold", [x], 0, axis=0)
        result = handler(build, Call(call.operator, [samples, *call.inputs[1:]], call.opset, call.scopes))
        y = result if isinstance(result, Value) else result[0]
        assert y is not None, call.op
        if of_all:
            return [build.view(y, (1, *y.shape), None)]
        return [build.step("unfold", [y], None, size=x.shape[0], axis=0)]

    return handled


def cropped(build: Builder, x: Value, window: SlidingWindow) -> tuple[Value, SlidingWindow]:
    """Return a map cropped where the padding is negative, and the window with those paddings set to 0."""
    for axis, (before, after) in enumerate(window.padding, 1):
        if min(before, after) < 0:
            x = build.step("slice", [x], axis=axis, start=max(-before, 0), stop=min(after, 0) or None)
    return x, window._replace(padding=tuple([(max(a, 0), max(b, 0)) for a, b in window.padding]))


@operator("Conv")
@accepting_regions
def _conv(build: Builder, call: Call) -> Value:
    x = call.input(0)
    if x.rank == 3 and x.axis == 2 and x.times == x.shape[0] == 1:  # the batch is the time axis of one sequence
        build.one_sample_only.append(f"Conv '{call.operator.name}', which goes along the batch,")
        steps = build.view(x, (*x.shape[1:], 1), 0)
        y = convolution(build, call, steps, call.input(1), call.given(2))
        return build.view(y, (1, *y.shape[:-1]), 2)
    return convolution(build, call, feature_map(x), call.input(1), call.given(2))


def convolution(build: Builder, call: Call, x: Value, weight: Value, bias: Value | None) -> Value:
    """Return a convolution of a map.  Raises UnfitError if the filters don't fit."""
    weight, bias = _of_one_sample(build, weight), bias and _of_one_sample(build, bias)
    kernel, stated = weight.shape[2:], call.integers("kernel_shape")
    if stated is not None and stated != kernel:
        raise UnfitError(f"kernel_shape {stated}, but the filters are {kernel}")
    x, slides = cropped(build, x, window(call, x.shape[1:], kernel))
    groups = call.integer("group", 1)
    arguments = {"in_channels": weight.shape[1] * groups, "out_channels": weight.shape[0], "groups": groups}
    return _convolution_layer(build, x, weight, bias, {**arguments, **slides._asdict()})


def _of_one_sample(build: Builder, value: Value) -> Value:
    """Return computed filters, or their bias, with the batch merged into the first axis, as those of one sample."""
    if not value.is_live or value.axis != 0 or build.file_batch > 1:
        return value
    build.one_sample_only.append(f"{build.call.op} '{build.call.operator.name}', whose filters are computed,")
    return build.unbatched(value)


def _convolution_layer(
    build: Builder, x: Value, weight: Value, bias: Value | None, arguments: dict[str, object], kind: str = "conv"
) -> Value:
    """Return a convolution by filters and a bias that are stored or computed."""
    sides = [weight] if bias is None else [weight, bias]
    if not any(side.is_live for side in sides):
        tensors = own_tensors(weight=weight, bias=bias)
        return build.step(kind, [x], 0, tensors, bias=bias is not None, **arguments)
    if any(side.axis is not None for side in sides) or len(weight.shape) != len(x.shape) + 1:
        raise UnfitError("its filters differ from sample to sample")
    inputs = [build.tensor(side) for side in (x, *sides)]
    use = layer_of(kind, {**arguments, "bias": False}).apply((x.sample,))
    wanted = ("stride", "padding", "dilation", "groups", "output_padding")
    settings = tuple([(name, value) for name, value in arguments.items() if name in wanted])
    figures = {"shape": use.output, "products": use.macs, "bias": bias is not None}
    return build.layer(ComputedConv(op=build.call.op, settings=settings, **figures), inputs, 0)


@operator("ConvTranspose")
@accepting_regions
def _conv_transpose(build: Builder, call: Call) -> Value:
    x, bias = feature_map(call.input(0)), call.given(2)
    weight, bias = _of_one_sample(build, call.input(1)), bias and _of_one_sample(build, bias)
    sizes, kernel, groups = x.shape[1:], weight.shape[2:], call.integer("group", 1)
    rank = len(sizes)
    auto = call.text("auto_pad", "NOTSET")
    extra = call.integers("output_padding") or (0,) * rank
    slides = window(call, sizes, kernel)
    lengths = [d * (k - 1) + 1 for d, k in zip(slides.dilation, kernel, strict=True)]
    wanted = call.integers("output_shape")
    if wanted is not None:
        wanted = wanted[-rank:]
    elif auto.startswith("SAME"):
        wanted = tuple([size * s for size, s in zip(sizes, slides.stride, strict=True)])
    if wanted is not None:
        pads, grown = [], []
        for size, s, length, out, more in zip(sizes, slides.stride, lengths, wanted, extra, strict=True):
            total = s * (size - 1) + more + length - out
            grown.append(more + max(-total, 0))
            total = max(total, 0)
            half = total // 2  # an odd element is cut off the end under SAME_UPPER, else off the beginning
            pads.append((half, total - half) if auto == "SAME_UPPER" else (total - half, half))
        if auto.startswith("SAME") and grown != [*extra]:
            build.notes.append(
                f"{call.operator.label} has a stride above its kernel's extent, with auto_pad = {auto}: its output is "
                "the input's size times the stride, as the standard says; ONNX Runtime's is smaller"
            )
        slides, extra = slides._replace(padding=tuple(pads)), tuple(grown)
    arguments = {"in_channels": weight.shape[0], "out_channels": weight.shape[1] * groups, "groups": groups}
    placed = {"output_padding": tuple(extra), **slides._asdict()}
    return _convolution_layer(build, x, weight, bias, {**arguments, **placed}, "conv_transpose")


# --- matrix products -----------------------------------------------------------------------------------------


def linear(build: Builder, x: Value, weight: Value, axis: int = -1, bias: Value | None = None) -> Value:
    """Return ``W·x + b`` on an axis of a sample; the weight is (out, in)."""
    return build.step(
        "linear", [x], x.axis, own_tensors(weight=weight, bias=bias), in_features=weight.shape[1],
        out_features=weight.shape[0], bias=bias is not None, axis=None if len(x.shape) == 1 else axis,
    )  # fmt: skip


@operator("MatMul")
def _matmul(build: Builder, call: Call) -> Value:
    return matrix_product(build, call.input(0), call.input(1))


def matrix_product(build: Builder, a: Value, b: Value) -> Value:
    """Return a matrix product, with a constant matrix as a linear layer."""
    if not b.is_live and b.rank == 2 and a.rank >= 1 and (a.is_live or a.rank >= 2):
        if a.axis == a.rank - 1:
            raise UnfitError("it sums over the batch")
        return linear(build, a, build.derived("Transpose", b, shape=b.shape[::-1], perm=[1, 0]))
    if not a.is_live and a.rank > 2 and b.is_live and b.rank == 2:  # stacked matrices become one matrix
        rows = matrix_product(build, build.view(a, (prod(a.shape[:-1]), a.shape[-1]), None), b)
        return build.view(rows, (*a.shape[:-1], *rows.shape[1:]), None if rows.axis is None else a.rank - 1)
    if not a.is_live and a.rank == 2 and b.is_live and b.rank >= 2:
        if b.axis == b.rank - 2:
            raise UnfitError("it sums over the batch")
        return linear(build, b, a, -1 if b.axis == b.rank - 1 else -2)
    if not b.is_live and b.rank == 1 and a.is_live:
        row = linear(build, a, build.derived("Reshape", b, shape=(1, *b.shape)))
        return build.view(row, row.shape[:-1], row.axis)
    return _product_of_tensors(build, a, b)


def _product_with_vector(build: Builder, a: Value, b: Value) -> Value:
    """Return the product of two constants, one of them a vector: the norm of filters (torch.nn.utils.spectral_norm)."""
    rows, columns = "i" * (a.rank - 1), "k" * (b.rank - 1)
    y = build.derived(
        "Einsum", a, b, shape=(*a.shape[:-1], *b.shape[1:]), equation=f"{rows}j,j{columns}->{rows}{columns}"
    )
    y.leaves = ()
    return y


def _product_of_tensors(build: Builder, a: Value, b: Value) -> Value:
    """Return the product of two tensors, neither of which is a constant matrix."""
    if not a.is_live and not b.is_live and 1 in (a.rank, b.rank) and a.rank + b.rank < 4:
        return _product_with_vector(build, a, b)
    if a.rank == 1 or b.rank < 2:
        raise UnfitError("a product with a computed vector is not supported")
    rank = max(a.rank, b.rank)
    places = {value.rank - value.axis for value in (a, b) if value.axis is not None}
    axis = rank - next(iter(places)) if places else None
    is_lost = axis is not None and axis >= rank - 2 and None in (a.axis, b.axis) and a.times == b.times
    if len(places) > 1 or is_lost:  # different samples would be multiplied with each other
        if build.file_batch > 1:
            raise UnfitError("the batch stands on different axes of its inputs")
        build.one_sample_only.append(build.call.operator.label)
        return _product_of_tensors(build, build.unbatched(a), build.unbatched(b))
    if axis is not None and axis >= rank - 2:  # the batch is the rows or columns of one input, the other has no batch
        if a.axis is None and axis == rank - 1 and b.rank == 2:
            y = build.step("matmul", [build.tensor(a), build.view(b, (*b.shape, 1), None)], None)
            return build.view(y, y.shape[:-1], axis)
        if a.axis is None or b.axis is not None or axis != rank - 2:
            raise UnfitError("it multiplies along the batch")
        b = build.tensor(b)
        if len(a.shape) == 1 and len(b.shape) == 2:
            return build.step("matmul", [a, b], axis)
        row = build.view(a, (*a.shape[:-1], 1, a.shape[-1]), None)
        y = build.step("matmul", [row, b], None)
        return build.view(y, (*y.shape[:-2], y.shape[-1]), axis)
    if axis is not None and meets_the_batch(build, [a, b], rank - axis):
        return _product_of_tensors(build, *without_batch(build, [a, b]))
    live = []
    for value in (a, b):
        shape = value.shape
        if axis is not None and value.axis is None and value.rank > rank - 1 - axis:
            at = value.rank - (rank - axis)
            if at >= 0:
                if shape[at] != 1:
                    raise UnfitError(f"a constant has {shape[at]} on the axis of the batch")
                shape = (*shape[:at], *shape[at + 1 :])
        wanted = rank - (axis is not None)
        if 2 < len(shape) < wanted:
            shape = (1,) * (wanted - len(shape)) + shape
        place = axis if value.axis is not None else None
        live.append(build.view(value, shape, place) if value.is_live else build.parameter(value, shape))
    return build.step("matmul", live, axis)


@operator("Gemm")
def _gemm(build: Builder, call: Call) -> Value:
    a, b, c = call.input(0), call.input(1), call.given(2)
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    a = _transposed_matrix(build, a) if call.integer("transA") else a
    if not b.is_live:
        weight = b if call.integer("transB") else build.derived("Transpose", b, shape=b.shape[::-1], perm=[1, 0])
        rows = weight.shape[0]
        as_bias = c is not None and not c.is_live and c.elements == rows and c.shape[-1:] == (rows,)
        bias = None
        if as_bias and alpha == beta == 1 and c is not None:
            bias = build.view(c, (rows,), None)
        y = linear(build, a, weight, bias=bias)
        if bias is not None:
            return y
    else:
        b = _transposed_matrix(build, b) if call.integer("transB") else b
        y = matrix_product(build, a, b)
    y = affine(build, y, mul=alpha) if alpha != 1 else y
    if c is None or beta == 0:
        return y
    if c.is_live:
        return merged(build, "add", [y, affine(build, c, mul=beta) if beta != 1 else c])
    scaled = build.derived("Mul", c, literal((beta,), (), FLOAT)) if beta != 1 else c
    (_, _), (_, shape), axis = aligned(build, [y, scaled])
    return build.step("shift", [y], axis, own_tensors(weight=build.view(scaled, shape, None)), shape=shape or None)


def _transposed_matrix(build: Builder, value: Value) -> Value:
    if value.is_live:
        if value.rank != 2:
            raise UnfitError(f"an input of {value.rank} axes is no matrix")
        if value.axis is not None:
            return alias(value, value.shape, 1 - value.axis)
        return build.step("permute", [value], None, dims=(1, 0))
    return build.derived("Transpose", value, shape=value.shape[::-1], perm=[1, 0])


@operator("FusedMatMul", domain="com.microsoft")
def _fused_matmul(build: Builder, call: Call) -> Value:
    a, b = [_arranged(build, call, index, side) for index, side in enumerate("AB")]
    return affine(build, matrix_product(build, a, b), mul=call.number("alpha", 1.0))


def _arranged(build: Builder, call: Call, index: int, side: str) -> Value:
    """Return an input of a product with rows and columns last; the file may have rows first, or columns before rows."""
    value = call.input(index)
    if value.rank < 2:
        return value
    order = [*range(value.rank)]
    if call.integer(f"transBatch{side}"):
        order = [*order[1:-1], 0, order[-1]]
    if call.integer(f"trans{side}"):
        order[-2:] = order[-1], order[-2]
    return permuted(build, value, tuple(order))


def permuted(build: Builder, value: Value, order: tuple[int, ...]) -> Value:
    """Return a value whose axes of the file's shape are in another order.

    Raises:
        UnfitError: if ``order`` does not contain each axis once.
    """
    if sorted(order) != list(range(value.rank)):
        raise UnfitError(f"perm {order} of {value.rank} axes")
    axis = None if value.axis is None else order.index(value.axis)
    dims = tuple([value.sample_axis(i) for i in order if i != value.axis])
    own = tuple([i for i in dims if i is not None])
    shape = tuple([value.shape[i] for i in own])
    moved = [i for i in own if value.shape[i] > 1]
    if moved == sorted(moved):
        return build.view(value, shape, axis)
    return build.step("permute", [value], axis, dims=own)
