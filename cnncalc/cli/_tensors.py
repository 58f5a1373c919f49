"""Read ``--input`` and ``--weights`` of commands that run a network, as files or as shapes; write weights."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from cnncalc.cli.overwriting import note_read, refuse_overwriting, refuse_too_large
from cnncalc.execution import load_numpy
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnncalc.cli.opening import Sizes
    from cnncalc.execution.arrays.read import StoredArray
    from cnncalc.graph import Graph

ARRAYS = (".npy", ".npz", ".safetensors")
IMAGES = (".png", ".jpg", ".jpeg")

Opened: TypeAlias = "StoredArray | Mapping[str, StoredArray]"
"""What a file of arrays holds: one, or several by name."""


def files_and_shapes(inputs: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the files among --input by the inputs' names ("" for the only one), and the shapes.

    Raises:
        CnncalcError: if two files are for the same input.
    """
    files: dict[str, str] = {}
    shapes = []
    for text in inputs:
        name, equals, value = text.partition("=")
        if os.path.exists(text) or not equals:
            name, value = "", text
        if os.path.exists(value) or value.lower().endswith((*ARRAYS, *IMAGES)) or not re.search(r"\d", value):
            if name in files:
                raise CnncalcError(f"--input {value}: {files[name]} is given already", "name each: --input NAME=FILE")
            files[name] = value
        else:
            shapes.append(text)
    return files, tuple(shapes)


def refuse_unused(files: Mapping[str, str], of_pictures: Mapping[str, object], of_random: Mapping[str, object]) -> None:
    """Raise CnncalcError for an option, by name, that is given but would change nothing."""
    if not any(path.lower().endswith(IMAGES) for path in files.values()):
        for name, value in of_pictures.items():
            if value is not None:
                raise CnncalcError(f"{name} is for pictures, but no --input is a {' or '.join(IMAGES)}")
    for name, value in of_random.items() if files else ():
        if value is not None:
            raise CnncalcError(f"{name} is for random inputs, but --input {next(iter(files.values()))} is a file")


def open_files(files: Mapping[str, str]) -> dict[str, Opened]:
    """Return the arrays in the files of --input that are no pictures. Their data is not read."""
    if not files:
        return {}
    load_numpy()
    from cnncalc.execution.arrays.read import open_arrays

    for path in files.values():
        note_read(path)
    return {name: open_arrays(path) for name, path in files.items() if not path.lower().endswith(IMAGES)}


def sizes_of(opened: Mapping[str, Opened]) -> Sizes:
    """Return the sizes of arrays in files, from which a model file's open inputs get theirs."""
    arrays: dict[str, StoredArray] = {}
    for name, found in opened.items():
        if not isinstance(found, Mapping):
            arrays[name] = found
        elif name in found or len(found) == 1:
            arrays[name] = found[name] if name in found else next(iter(found.values()))
        if isinstance(found, Mapping) and not name:
            arrays |= found
    single = {name: array for name, array in arrays.items() if prod(array.shape) == 1 and array.dtype.kind in "iu"}
    return (
        {name: array.shape for name, array in arrays.items()},
        {name: int(array.__array__().item()) for name, array in single.items()},
    )


def read_inputs(
    network: Graph,
    files: Mapping[str, str],
    opened: Mapping[str, Opened],
    resize: int | None = None,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
) -> dict[str, StoredArray] | None:
    """Return the arrays in the files of --input, the opened ones and pictures; None if there are none."""
    arrays: dict[str, StoredArray] = {}
    first = next(iter(network.inputs))
    for name, path in files.items():
        if name not in opened:
            from cnncalc.execution.images import open_image

            known = network.inputs.get(name or first)
            if known is None:
                raise CnncalcError(
                    f"'{network.title}' has no input '{name}'", did_you_mean(name, tuple(network.inputs), "inputs")
                )
            arrays[known.name] = open_image(path, known.shape, resize, mean, std)
            continue
        found = opened[name]
        if not isinstance(found, Mapping):
            arrays[name or first] = found
        elif not name and (len(network.inputs) > 1 or first in found):
            arrays |= found
        elif len(found) == 1:  # whatever its name
            arrays[name or first] = next(iter(found.values()))
        else:
            wanted = name or first
            if wanted not in found:
                raise CnncalcError(f"{path} has no array '{wanted}'", did_you_mean(wanted, tuple(found), "its arrays"))
            arrays[wanted] = found[wanted]
    others = {*network.model.numbers, *network.model.unread}
    return {name: array for name, array in arrays.items() if name not in others} or None


def read_weights(path: str) -> Mapping[str, npt.ArrayLike]:
    """Return the tensors of a file by name. Raises CnncalcError if it has none, or they have no names."""
    from cnncalc.execution.arrays.read import named_arrays

    note_read(path)
    return named_arrays(path)


def save_weights(option: str, path: str, network: Graph, seed: int = 0, dtype: str = "float32") -> None:
    """Write a network's own tensors, or random ones, to the file that an option names."""
    network.check_count("written with weights")
    load_numpy()
    from cnncalc.execution.arrays.write import check_target
    from cnncalc.execution.weights import write_weights

    check_target(path)
    refuse_overwriting(option, path)
    size = sum([node.params + node.buffers for node in network.nodes]) * (8 if dtype == "float64" else 4)
    refuse_too_large(option, path, size)
    try:
        write_weights(network, path, seed, dtype)
    except MemoryError:
        raise CnncalcError("out of memory") from None
