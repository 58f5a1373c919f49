"""The shipped specs: found by name, without an index that could become outdated."""

from __future__ import annotations

import os
from collections.abc import Callable

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.near import did_you_mean

_PACKAGE = os.path.dirname(os.path.dirname(__file__))


def folder() -> str:
    """Return the folder of the specs: inside the installed package, or beside it in a checkout."""
    installed = os.path.join(_PACKAGE, "specs")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(_PACKAGE), "specs")


def files() -> list[str]:
    """Return the paths of all shipped specs, sorted."""
    return [_path(stem) for stem in _stems()]


def _stems() -> list[str]:
    return sorted([name.removesuffix(".yaml") for name in os.listdir(folder()) if name.endswith(".yaml")])


def _path(stem: str) -> str:
    return os.path.join(folder(), f"{stem}.yaml")


def variant_names(text: str) -> list[str]:
    """Return the names of a spec's variants, in its order; its text is searched for them, not parsed as YAML."""
    names: list[str] = []
    _, found, below = f"\n{text}".partition("\nvariants:")
    for line in below.splitlines()[1:] if found else ():
        if line[:1] not in " #":
            break
        name, colon, _ = line.partition(":")
        if colon and name[:2] == "  " and name[2:3] not in " #":
            names.append(name.strip())
    return names


def networks() -> list[tuple[str, str, str | None]]:
    """Return (name, path, variant) of every shipped network; variant is None if the file is one network."""
    found: list[tuple[str, str, str | None]] = []
    for stem in _stems():
        path = _path(stem)
        with open(path, encoding="utf-8") as file:
            names = variant_names(file.read())
        found += [(name, path, name) for name in names] or [(stem, path, None)]
    return found


def find(name: str, otherwise: Callable[[str], str | None] = lambda name: None) -> tuple[str, str | None]:
    """Return (path, variant) of a shipped network, or of a family by its file's name.

    Args:
        name: of the network.
        otherwise: returns a better hint than a similar name, if it has one.

    Raises:
        CnncalcError: if no shipped spec has the name; the hint has the most similar one.
    """
    likely = sorted(_stems(), key=lambda stem: -len(os.path.commonprefix((stem, name))))  # noqa: RUF071 - of two words
    for stem in likely:
        path = _path(stem)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if name in text and name in variant_names(text):
            return path, name
        if name == stem:
            return path, None
    known = [network for network, _, _ in networks()]
    near = otherwise(name) or did_you_mean(name, known, "")
    raise CnncalcError(
        f"'{name}' is neither a file nor a network shipped with cnncalc",
        near or "'cnncalc specs' lists the shipped networks",
    )
