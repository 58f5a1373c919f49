"""The vocabulary: one folder per family, one file per layer type.  The folders are the registry; there is no list."""

from __future__ import annotations

import os
from importlib import import_module

from cnncalc.layers.arguments import LayerError as LayerError
from cnncalc.layers.base import Layer

_ROOM = os.path.dirname(__file__)
_classes: dict[str, type[Layer]] = {}
_families: dict[str, str] = {}


def layer_types() -> dict[str, str]:
    """Return the name of every layer type with its family, in the order of the folders."""
    if not _families:
        for family in sorted(entry.name for entry in os.scandir(_ROOM) if entry.is_dir()):
            for file in sorted(os.listdir(os.path.join(_ROOM, family))):
                if file.endswith(".py") and not file.startswith("_"):
                    _families[file[:-3]] = family
    return _families


def layer_type(name: str) -> type[Layer] | None:
    """Return the class of a layer type, imported when it is first asked for; None for an unknown name."""
    known = _classes.get(name)
    if known is None and name in layer_types():
        module = import_module(f"cnncalc.layers.{layer_types()[name]}.{name}")
        known = _classes[name] = next(
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Layer) and value.__module__ == module.__name__
        )
    return known
