"""Read ``--input`` and ``--weights`` of commands that run a network, as files or as shapes; write weights."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnncalc.cli.overwriting import note_read, refuse_overwriting, refuse_too_large
from cnncalc.execution import load_numpy
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnncalc.execution.arrays.read import StoredArray
    from cnncalc.graph import Graph

ARRAYS = (".npy", ".npz", ".safetensors")
IMAGES = (".png", ".jpg", ".jpeg")


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


def read_inputs(
    network: Graph, files: Mapping[str, str], resize: int | None, mean: Sequence[float], std: Sequence[float]
) -> dict[str, StoredArray] | None:
    """Return the arrays in the files of --input; None if there are no files."""
    from cnncalc.execution.arrays.read import open_arrays
    from cnncalc.execution.images import open_image

    arrays: dict[str, StoredArray] = {}
    first = next(iter(network.inputs))
    for name, path in files.items():
        note_read(path)
        if path.lower().endswith(IMAGES):
            known = network.inputs.get(name or first)
            if known is None:
                raise CnncalcError(
                    f"'{network.title}' has no input '{name}'", did_you_mean(name, tuple(network.inputs), "inputs")
                )
            arrays[known.name] = open_image(path, known.shape, resize, mean, std)
            continue
        found = open_arrays(path)
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
    return arrays if files else None


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
