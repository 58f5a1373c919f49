"""What goes in: random tensors, arrays, and files of arrays or of a picture."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnncalc.errors import CnncalcError, did_you_mean
from cnncalc.layers.base import Shape

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array
    from cnncalc.network import Network

FLOATS = {"float32": np.float32, "float64": np.float64}
IMAGES = (".png", ".jpg", ".jpeg")


def random_inputs(network: Network, batch: int, seed: int, dtype: Any) -> dict[str, Array]:
    """Return seeded standard normal tensors (batch, *shape), by the names of the inputs."""
    made = {}
    for name, tensor in network.inputs.items():
        stream = np.random.default_rng([seed, zlib.crc32(name.encode())])
        made[name] = stream.standard_normal((batch, *tensor.shape), np.float32).astype(dtype, copy=False)
    return made


def given_inputs(network: Network, x: Any, dtype: Any = None) -> dict[str, Array]:
    """Return given arrays by the names of the inputs, checked.

    Args:
        network: whose inputs they are to be.
        x: an array, or a mapping from names to arrays where there are several inputs.
        dtype: what they must be; None for what they are.

    Raises:
        CnncalcError: for a name, shape, type or element that does not fit.
    """
    arrays = dict(x) if isinstance(x, Mapping) else {next(iter(network.inputs)): x}
    if not isinstance(x, Mapping) and len(network.inputs) > 1:
        raise CnncalcError(
            f"'{network.title}' has {len(network.inputs)} inputs, but one array is given",
            f"give a mapping, or an .npz, with {', '.join(network.inputs)}",
        )
    for name in arrays:
        if name not in network.inputs:
            raise CnncalcError(
                f"'{network.title}' has no input '{name}'", did_you_mean(name, tuple(network.inputs), "inputs")
            )
    checked = {}
    for name, tensor in network.inputs.items():
        if name not in arrays:
            raise CnncalcError(f"input '{name}' {_text(tensor.shape)} is missing")
        checked[name] = _checked(name, np.asarray(arrays[name]), tensor.shape, dtype)
    batches = {name: len(array) for name, array in checked.items()}
    if len(set(batches.values())) > 1:
        told = ", ".join(f"'{name}' has {count}" for name, count in batches.items())
        raise CnncalcError(f"inputs differ in their number of samples: {told}")
    types = {array.dtype for array in checked.values()}
    common = max(types, key=lambda found: found.itemsize)
    return {name: array.astype(common, copy=False) for name, array in checked.items()}


def _checked(name: str, array: Any, shape: Shape, dtype: Any) -> Array:
    if array.dtype not in (np.float32, np.float64):
        raise CnncalcError(
            f"input '{name}' is {array.dtype}, expected float32 or float64",
            "convert it: x.astype('float32')",
        )
    if dtype is not None and array.dtype != dtype:
        raise CnncalcError(
            f"input '{name}' is {array.dtype}, but {np.dtype(dtype)} was asked for",
            f"--dtype {array.dtype} runs in it, or convert it: x.astype('{np.dtype(dtype)}')",
        )
    if array.shape == shape:
        array = array[None]
    if array.shape[1:] != shape or not len(array):
        raise CnncalcError(
            f"input '{name}' is {_text(array.shape)}, expected {_text(('N', *shape))}",
            "the batch comes first, then the channels"
            + ("; this one has its channels last" if array.shape[1:] == (*shape[1:], shape[0]) else ""),
        )
    if not np.isfinite(array).all():
        place = ", ".join(str(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise CnncalcError(f"input '{name}' has NaN or infinite elements, the first at [{place}]")
    return np.asarray(array)


def _text(shape: Sequence[object]) -> str:
    return "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"


def read_arrays(path: str) -> Any:
    """Return the array of an .npy, or the arrays of an .npz or .safetensors by name.

    Raises:
        CnncalcError: where the file is missing, of another kind, or damaged.
    """
    kind = os.path.splitext(path)[1].lower()
    try:
        if kind == ".safetensors":
            return _safetensors(path)
        with open(path, "rb") as file:  # NumPy leaves a damaged one open
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            return {name: loaded[name] for name in loaded.files}
    except OSError as error:
        raise CnncalcError(f"can't read {path}: {error.strerror or error}") from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise CnncalcError(f"{path} is no {kind or '.npy'} file, or damaged: {_first_line(error)}") from None


def _safetensors(path: str) -> dict[str, Array]:
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError:
        raise CnncalcError(f"{path}: reading it needs safetensors", "pip install 'cnncalc[safetensors]'") from None
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def read_image(path: str, shape: Shape, resize: int | None, mean: Sequence[float], std: Sequence[float]) -> Array:
    """Return a picture as (1, C, H, W) of the input's shape, its values scaled to 0 … 1 and then normalised.

    Args:
        path: a PNG or JPEG file.
        shape: (C, H, W), C being 1 or 3.
        resize: the shorter side is made so long, and the middle is cut out; None stretches to H × W.
        mean: what is subtracted from each channel, one figure or one a channel.
        std: what each channel is divided by.

    Raises:
        CnncalcError: where there is no such picture, or it can't be one of that shape.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise CnncalcError(f"{path}: reading it needs Pillow", "pip install 'cnncalc[image]'") from None
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise CnncalcError(f"a picture does not fit an input {_text(shape)}", "1 or 3 channels, height and width do")
    channels, height, width = shape
    for name, figures in (("mean", mean), ("std", std)):
        if len(figures) not in (1, channels) or (name == "std" and 0 in figures):
            raise CnncalcError(f"--{name} takes 1 figure or {channels}" + (", none of them 0" if name == "std" else ""))
    try:
        with Image.open(path) as opened:
            picture = opened.convert("L" if channels == 1 else "RGB")
    except (UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CnncalcError(f"{path} is no picture, or damaged: {_first_line(error)}") from None
    except OSError as error:
        raise CnncalcError(f"can't read {path}: {error.strerror or _first_line(error)}") from None
    if resize is not None:
        ratio = resize / min(picture.size)
        wide, high = (max(1, round(side * ratio)) for side in picture.size)
        left, top = (wide - width) // 2, (high - height) // 2
        if left < 0 or top < 0:
            raise CnncalcError(f"--resize {resize} makes the picture {wide}×{high}, less than {width}×{height}")
        picture = picture.resize((wide, high), Image.Resampling.BILINEAR)
        picture = picture.crop((left, top, left + width, top + height))
    else:
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    pixels: Array = np.asarray(picture, np.float32).reshape(height, width, channels) / np.float32(255)
    pixels -= np.asarray(mean, np.float32)
    pixels /= np.asarray(std, np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
