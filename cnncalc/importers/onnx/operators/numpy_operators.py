"""Operators without a layer type that NumPy computes: their shapes are known, their FLOPs are not counted."""

from __future__ import annotations

from math import prod

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.evaluator_moves import position
from cnncalc.importers.onnx.opaque import DeformedConv
from cnncalc.importers.onnx.operators.contraction import feature_map, window
from cnncalc.importers.onnx.operators.opaque import uncounted
from cnncalc.importers.onnx.operators.scattering import one_sample
from cnncalc.importers.onnx.steps import layer_of
from cnncalc.importers.onnx.values import Call, UnfitError, Value, literal
from cnncalc.layers.shapes import Shape


def _batch_first(x: Value, rank: int = 0) -> Value:
    """Return a value whose first axis is the batch.  Raises UnfitError if it is another axis, or the rank differs."""
    if not x.is_live or x.axis != 0 or rank not in (0, x.rank):
        raise UnfitError(f"it needs the batch as its first axis, but its input is {list(x.shape)}")
    return x


@operator("Col2Im")
def _col2im(build: Builder, call: Call) -> Value:
    x, sizes = _batch_first(call.input(0), 3), call.sizes(1, "image_shape") or ()
    slides = window(call, sizes, call.sizes(2, "block_shape") or (1,))
    return build.step("col2im", [x], 0, output_size=sizes, **slides._asdict())


@operator("DFT")
def _dft(build: Builder, call: Call) -> Value:
    x, length = _batch_first(call.input(0)), call.sizes(1, "dft_length")
    axes = (call.integer("axis", 1),) if call.opset < 20 else call.sizes(2, "axis") or (-2,)
    axis = position(axes[0], x.rank)
    own = x.sample_axis(axis)
    if own is None or own == len(x.shape) - 1:
        raise UnfitError("it goes along the batch, or along the real and imaginary parts")
    half, inverse = bool(call.integer("onesided")), bool(call.integer("inverse"))
    size = length[0] if length else 2 * (x.shape[own] - 1) if half and inverse else x.shape[own]
    if size < 1:
        raise UnfitError(f"dft_length {size}")
    bins, parts = (size, 1) if half and inverse else (size // 2 + 1 if half else size, 2)
    shape = (*x.shape[:own], bins, *x.shape[own + 1 : -1], parts)
    return uncounted(build, call, shape, 0, [x], along=axis, length=size, bins=bins, inverse=inverse, parts=parts)


@operator("STFT")
def _stft(build: Builder, call: Call) -> Value:
    x, windows = _batch_first(call.input(0)), call.given(2)
    steps, lengths = call.sizes(1, "frame_step"), call.sizes(3, "length")
    length = lengths[0] if lengths else windows.shape[0] if windows is not None else 0
    step, size = (steps or (0,))[0], x.shape[0]
    if x.rank == 2:
        x = build.view(x, (*x.shape, 1), 0)
    if step < 1 or not 0 < length <= size:
        raise UnfitError(f"windows of {length} every {step} of {size}")
    count, bins = (size - length) // step + 1, length // 2 + 1 if call.integer("onesided", 1) else length
    inputs = [x] if windows is None else [x, windows]
    return uncounted(
        build, call, (count, bins, 2), 0, inputs, count=count, step=step, length=length, bins=bins, parts=2
    )


@operator("ReverseSequence")
def _reverse_sequence(build: Builder, call: Call) -> Value:
    x, lengths = call.input(0), call.input(1)
    batch, time = position(call.integer("batch_axis", 1), x.rank), position(call.integer("time_axis"), x.rank)
    own = x.sample_axis(time)
    if not x.is_live or x.axis != batch or own is None or not (lengths.axis == 0 or lengths.elements == 1):
        raise UnfitError("its lengths are not given for each sample of a batch")
    if not lengths.is_live:
        lengths = build.parameter(lengths, (1,))
    return uncounted(build, call, x.shape, batch, [x, lengths], along=own + 1)


@operator("DeformConv")
def _deform_conv(build: Builder, call: Call) -> Value:
    """Return a deformable convolution: its taps are moved by offsets that are computed for each position."""
    x, weight, bias = feature_map(call.input(0)), call.input(1), call.given(3)
    if weight.is_live or len(weight.shape) != 4 or x.axis != 0:
        raise UnfitError("only maps with two spatial axes, and stored filters, are supported")
    slides = window(call, x.shape[1:], weight.shape[2:])
    groups, parts = call.integer("group", 1), call.integer("offset_group", 1)
    count, depth = weight.shape[:2]
    arguments = {"in_channels": depth * groups, "out_channels": count, "groups": groups, "bias": False}
    plain = layer_of("conv", {**arguments, **slides._asdict()}).apply((x.sample,))
    offset, *masks = [one_sample(build, value) for value in (call.input(2), call.given(4)) if value is not None]
    if offset.shape != (2 * parts * prod(weight.shape[2:]), *plain.output[1:]):
        raise UnfitError(f"its offsets are {list(offset.shape)}, for an output of {list(plain.output)}")
    settings = {
        "groups": groups, "parts": parts, "strides": slides.stride, "dilations": slides.dilation,
        "pads": tuple([before for before, _ in slides.padding]),
    }  # fmt: skip
    layer = DeformedConv(
        op=call.op, shape=plain.output, products=plain.macs, bias=bias is not None, settings=tuple(settings.items())
    )
    filters, *biases = [build.parameter(value, value.shape) for value in (weight, bias) if value is not None]
    return build.layer(layer, [x, filters, offset, *biases, *masks], 0)


@operator("CenterCropPad")
def _center_crop_pad(build: Builder, call: Call) -> Value:
    """Return a tensor cropped or padded equally at both ends of axes; an odd element is added or removed at the end."""
    x, wanted = call.input(0), call.sizes(1, "shape") or ()
    axes = [position(axis, x.rank) for axis in call.integers("axes") or range(x.rank)]
    before, after = [0] * x.rank, [0] * x.rank
    for axis, size in zip(axes, wanted, strict=True):
        is_batch = x.sample_axis(axis) is None and size in (build.file_batch, x.dims[axis])
        missing = 0 if is_batch else size - x.dims[axis]
        before[axis] = missing // 2 if missing > 0 else -(-missing // 2)
        after[axis] = missing - before[axis]
    pads = literal((*before, *after), (2 * x.rank,))
    return build.output_of("Pad", [x, pads], 13)


@operator("AffineGrid")
def _affine_grid(build: Builder, call: Call) -> Value:
    """Return a sampling grid: the coordinates of the map's elements, multiplied by each sample's matrix."""
    theta, sizes = _batch_first(call.input(0), 3), call.sizes(1, "size") or ()
    spatial: Shape = tuple([int(size) for size in sizes[2:]])
    rank = len(spatial)
    if theta.shape != (rank, rank + 1):
        raise UnfitError(f"a matrix of {list(theta.shape)} for {rank} axes")
    zeros = Value("", (prod(spatial), rank + 1))
    zeros.fill = 0.0
    places = build.derived("AffinePlaces", zeros, sizes=list(spatial), align=call.integer("align_corners"))
    moved = build.step("matmul", [build.parameter(places, places.shape), theta], 0, transpose_b=True)
    return build.view(moved, (*spatial, rank), 0)
