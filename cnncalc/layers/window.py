"""Window arithmetic, in one place for convolutions and poolings.

Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cnncalc.ground.named import NamedTuple
from cnncalc.ground.numeric import ceil_div, larger
from cnncalc.layers.arguments import LayerError, Padding
from cnncalc.layers.arguments import Pair as Pair
from cnncalc.layers.reads import Along, Read, Reads, sliding
from cnncalc.layers.shapes import Shape, axis_names, crossed, shape_text


class Sliding(NamedTuple):
    """A window that slides over the spatial axes of a map: one number per axis.

    Attributes:
        kernel: taps of the window.
        stride: the step from one window to the next.
        pads: elements added before and after the map, with ``same`` resolved.
        dilation: the step from one tap to the next.
        ceil: whether the last window may overhang the end.
    """

    kernel: Shape
    stride: Shape
    pads: tuple[Pair, ...]
    dilation: Shape
    ceil: bool = False

    @property
    def extents(self) -> Shape:
        """The number of elements from the window's first to its last tap, on each axis."""
        return extents(self.kernel, self.dilation)

    def to_onnx(self) -> dict[str, Shape]:
        """Return kernel_shape, strides, pads and dilations for ONNX's convolutions and poolings."""
        return {
            "kernel_shape": self.kernel,
            "strides": self.stride,
            "pads": (*[before for before, _ in self.pads], *[after for _, after in self.pads]),
            "dilations": self.dilation,
        }

    def reads(self, channels: Read) -> Reads:
        """Return the windows' reads of each spatial axis, together with a given Read of the channels."""
        return ((Along((channels, *reads_of_axes(self))),),)


@lru_cache(1024)
def reads_of_axes(window: Sliding) -> tuple[Read, ...]:
    """Return a window's reads of each spatial axis."""
    axes = zip(window.kernel, window.stride, window.pads, window.dilation, strict=True)
    reads = [
        Read(i) if (k, s, pads) == (1, 1, (0, 0)) else Read(i, sliding(k, s, pads[0], d))
        for i, (k, s, pads, d) in enumerate(axes, 1)
    ]
    return tuple(reads)


def window_count(
    size: int, kernel: int, stride: int, pad: Pair, dilation: int = 1, ceil: bool = False, clip: bool = True
) -> int:
    """Return the number of windows along an axis: ``⌊(size + pad − dilation·(kernel − 1) − 1) / stride⌋ + 1``, or 0.

    With ``ceil`` the last window may run over the end, but with ``clip`` it must start inside the input or the
    padding in front of it (PyTorch's ceil_mode; Caffe clips where there is padding, pooling_layer.cpp).
    """
    before, _ = pad
    free = size + both_sides(pad) - dilation * (kernel - 1) - 1
    if free < 0 and not (ceil and free > -stride):
        return 0
    if not ceil:
        return free // stride + 1
    count = ceil_div(free, stride) + 1
    return count - 1 if clip and (count - 1) * stride >= size + before else count


def window_counts(
    shape: Shape,
    kernel: Shape,
    stride: Shape,
    pads: tuple[Pair, ...],
    dilation: Shape | None = None,
    ceil: bool = False,
    clip: bool = True,
) -> Shape:
    """Return :func:`window_count` for every spatial axis of a map.

    Raises:
        LayerError: if not even one window fits an axis.
    """
    axes = zip(shape[1:], kernel, stride, pads, dilation or (1,) * len(kernel), strict=True)
    counts = tuple([window_count(*axis, ceil, clip) for axis in axes])
    if 0 in counts:
        raise _misfit(shape, counts.index(0), extents(kernel, dilation), kernel, pads)
    return counts


def _misfit(shape: Shape, axis: int, lengths: Shape, kernel: Shape, pads: tuple[Pair, ...]) -> LayerError:
    name, (before, after) = axis_names(len(shape))[axis + 1], pads[axis]
    window = "kernel" if lengths[axis] == kernel[axis] else "dilated kernel"
    return LayerError(
        f"a {window} of {lengths[axis]} does not fit axis {name} of {shape[axis + 1]}"
        + (f", padded by {before} + {after}," if before or after else "")
        + f" in the map {shape_text(shape)}",
        argument="kernel_size",
        hint="pad, use a smaller kernel, or a larger input",
    )


def pads_of(
    padding: Padding, sizes: Shape, kernel: Shape, stride: Shape, dilation: Shape | None = None
) -> tuple[Pair, ...]:
    """Return (before, after) for every axis; resolves ``same`` and ``valid`` from the axis' own size."""
    if padding == "valid":
        return ((0, 0),) * len(sizes)
    if padding == "same":
        dilation = dilation or (1,) * len(sizes)
        return tuple([same_pad(*axis) for axis in zip(sizes, kernel, stride, dilation, strict=True)])
    return padding


def same_pad(size: int, kernel: int, stride: int, dilation: int = 1) -> Pair:
    """Return the padding that gives ``⌈size / stride⌉`` windows, the odd element after, as in TensorFlow."""
    total = larger((ceil_div(size, stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    before, after = total // 2, total - total // 2
    named: Callable[[int, int, str], Pair] | None = getattr(size, "pair", None)
    return (before, after) if named is None else named(before, after, "P")


def extents(kernel: Shape, dilation: Shape | None = None) -> Shape:
    """Return the extent of a kernel in elements: ``dilation·(kernel − 1) + 1``."""
    dilation = dilation or (1,) * len(kernel)
    return tuple([d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)])


def window_label(kernel: object, stride: object, dilation: object = 1) -> str:
    """Return ``3×3/2`` for a 3×3 window with stride 2, ``3×3 d2`` for a dilated one."""
    text = size_label(kernel) + ("" if _same(stride, 1) else f"/{_short(stride)}")
    return text + ("" if _same(dilation, 1) else f" d{_short(dilation)}")


def size_label(size: object) -> str:
    """Return ``7×7`` for one size per axis."""
    return crossed(size if isinstance(size, tuple) else (size,))


def both_sides(pad: Pair) -> int:
    """Return before + after, as 2·P if they are equal."""
    before, after = pad
    return 2 * before if before == after else before + after


def _same(value: object, figure: int) -> bool:
    return value == (figure,) * len(value) if isinstance(value, tuple) else value == figure


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return str(value[0]) if len(set(value)) == 1 else "×".join([str(item) for item in value])
    return str(value)
