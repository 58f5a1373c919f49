"""What ``--input`` and ``--weights`` mean where a network is run: files of tensors, or shapes of random ones."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnncalc.errors import CnncalcError, did_you_mean

if TYPE_CHECKING:
    from cnncalc.network import Network

ARRAYS = (".npy", ".npz", ".safetensors")
IMAGES = (".png", ".jpg", ".jpeg")


def told_apart(inputs: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the files among --input by the inputs' names ("" for the only one), and the shapes."""
    files: dict[str, str] = {}
    shapes = []
    for text in inputs:
        name, equals, value = text.partition("=")
        if os.path.exists(text) or not equals:
            name, value = "", text
        if os.path.exists(value) or value.lower().endswith((*ARRAYS, *IMAGES)) or not re.search(r"\d", value):
            files[name] = value
        else:
            shapes.append(text)
    return files, tuple(shapes)


def read_inputs(
    network: Network, files: Mapping[str, str], resize: int | None, mean: Sequence[float], std: Sequence[float]
) -> Any:
    """Return what the files of --input hold; None where there are none."""
    from cnncalc.execution.inputs import read_arrays, read_image

    arrays: dict[str, Any] = {}
    for name, path in files.items():
        if path.lower().endswith(IMAGES):
            known = network.inputs.get(name) if name else next(iter(network.inputs.values()))
            if known is None:
                raise CnncalcError(
                    f"'{network.title}' has no input '{name}'", did_you_mean(name, tuple(network.inputs), "inputs")
                )
            arrays[known.name] = read_image(path, known.shape, resize, mean, std)
            continue
        read = read_arrays(path)
        if isinstance(read, dict) and not name:
            arrays |= read
        else:
            arrays[name or next(iter(network.inputs))] = next(iter(read.values())) if isinstance(read, dict) else read
    return arrays or None


def read_weights(path: str) -> dict[str, Any]:
    """Return the tensors of a file by name.  Raises CnncalcError where it has none, or they have no names."""
    from cnncalc.execution.inputs import read_arrays

    read = read_arrays(path)
    if not isinstance(read, dict):
        raise CnncalcError(f"{path} holds one array without a name", "weights come by name, in an .npz or .safetensors")
    return read
