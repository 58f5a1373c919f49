"""Pictures as input tensors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.arrays.read import Header, StoredArray, reading_errors
from cnncalc.ground.errors import ArgumentError, CnncalcError
from cnncalc.ground.limits import MAX_PIXELS
from cnncalc.layers.interfaces import Array
from cnncalc.layers.shapes import Shape, shape_text

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

ORIENTATION = 0x112  # EXIF's tag for a picture's orientation; 1 is upright
LYING = (5, 6, 7, 8)  # its values for pictures whose height and width are swapped
COLOURS = (1, 3)  # channels of an input for pictures
PIXEL_BYTES = 8  # of a picture while it is read: four bytes as it is decoded, four as it is converted


def open_image(path: str, shape: Shape, resize: int | None, mean: Sequence[float], std: Sequence[float]) -> StoredArray:
    """Return a picture as an array (1, C, H, W) or (1, H, W, C), scaled to 0 … 1 and then normalised.

    The header is read at once, the picture when the array is asked for.  All bits of 16-bit grey are kept, transparency
    is dropped, and the EXIF orientation is applied, as viewers do.

    Args:
        path: a PNG or JPEG file.
        shape: the input's: (C, H, W), or else (H, W, C), C being 1 or 3.
        resize: length of the shorter side before the middle is cropped; None stretches to H × W.
        mean: subtracted from each channel, one number or one per channel.
        std: divisor of each channel, one number or one per channel.

    Raises:
        CnncalcError: if the picture can't be read, or can't be made that shape.
    """
    is_last = len(shape) == 3 and shape[0] not in COLOURS and shape[-1] in COLOURS
    channels, height, width = (shape[-1:] + shape[:-1] if is_last else shape) if len(shape) == 3 else (0, 0, 0)
    if channels not in COLOURS or height * width > MAX_PIXELS:
        raise CnncalcError(
            f"a picture can't be an input {shape_text(shape)}",
            f"an input for pictures has 1 or 3 channels, and at most {MAX_PIXELS:,} pixels",
        )
    for name, figures in (("mean", mean), ("std", std)):
        if len(figures) not in (1, channels) or (name == "std" and 0 in figures):
            raise ArgumentError(name, f"takes 1 number or {channels}" + (", none of them 0" if name == "std" else ""))
    with _opened(path) as opened:
        turned = _orientation(opened)
        size = opened.size[::-1] if turned in LYING else opened.size
        if resize is not None:
            _middle(size, resize, width, height)  # raises what can be known before the picture is decoded

    def read() -> Array:
        from PIL import Image, ImageOps

        with _opened(path) as opened:
            grey = opened.mode.startswith("I")  # Pillow's name for 16-bit modes
            ImageOps.exif_transpose(opened, in_place=True)  # as it says before or after the pixels
            picture = opened.convert("F" if grey else "L" if channels == 1 else "RGB")
            middle = None if resize is None else _middle(opened.size, resize, width, height)
            picture = picture.resize((width, height), Image.Resampling.BILINEAR, middle)
        pixels = np.asarray(picture, np.float32).reshape(height, width, -1) / np.float32(65535 if grey else 255)
        with np.errstate(all="ignore"):  # numbers beyond float32: infinite elements are reported for any input
            normal = (pixels - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
        return np.ascontiguousarray(np.broadcast_to(normal if is_last else normal.transpose(2, 0, 1), shape)[None])

    decoded = (PIXEL_BYTES if turned == 1 else PIXEL_BYTES + 4) * prod(size)
    return StoredArray(Header((1, *shape), np.dtype(np.float32)), read, decoded + 3 * 4 * prod(shape))


@contextmanager
def _opened(path: str) -> Iterator[Picture]:
    """Yield an opened picture; refuse more pixels than Pillow considers harmless."""
    try:
        from PIL import Image
    except ImportError:
        raise CnncalcError(f"{path}: reading it needs Pillow", "pip install 'cnncalc[image]'") from None
    with reading_errors(path, "is not a picture, or damaged"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=("PNG", "JPEG")) as opened:
                yield opened
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise CnncalcError(f"{path} is too large: {error}") from None


def _orientation(opened: Picture) -> int:
    """Return the EXIF orientation before a picture's pixels; Pillow would decode a whole PNG to find it after them."""
    from PIL import Image

    found: int = Image.Image.getexif(opened).get(ORIENTATION, 1)
    return found


def _middle(size: tuple[int, int], resize: int, width: int, height: int) -> tuple[float, float, float, float]:
    """Return the part of a picture that becomes the middle width × height once its shorter side is `resize` long.

    Sizes are rounded as torchvision's Resize and CenterCrop do.  The whole resized picture is never computed.
    """
    wide, high = (resize * side // min(size) for side in size)
    if wide < width or high < height:
        raise ArgumentError("resize", f"{resize} makes the picture {wide}×{high}, less than {width}×{height}")
    left, top = round((wide - width) / 2), round((high - height) / 2)
    across, down = size[0] / wide, size[1] / high
    return left * across, top * down, min((left + width) * across, size[0]), min((top + height) * down, size[1])
