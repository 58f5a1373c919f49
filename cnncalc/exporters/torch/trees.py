"""Calls taken apart: their structure, and the figures in it that may differ from place to place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from cnncalc.layers.pytorch import Code, InputPlace, ModuleCall


class KnownFigure(NamedTuple):
    """A figure that a name stands for: ``4 * width``.

    Attributes:
        text: the expression, ``{}`` where the name is.
        name: an argument of the class.
    """

    text: str
    name: str


def structure(tree: object) -> object:
    """Return a tree without its figures: what must be equal where two places are written alike."""
    if isinstance(tree, ModuleCall):
        args = tuple([structure(arg) for arg in tree.args])
        return (tree.name, args, tuple([(option.name, structure(option.value)) for option in tree.options]))
    if isinstance(tree, InputPlace):
        return ("place", tree.number)
    if isinstance(tree, Code):
        return ("code", str(tree))
    if isinstance(tree, slice):
        return ("slice", structure(tree.start), structure(tree.stop), structure(tree.step))
    return None


def figures(tree: object) -> Iterator[tuple[str, object]]:
    """Yield the figures of a tree, each with what PyTorch calls the argument, or ""."""
    if isinstance(tree, ModuleCall):
        for arg in tree.args:
            yield from figures(arg)
        for option in tree.options:
            if isinstance(option.value, (ModuleCall, InputPlace, Code)):
                yield from figures(option.value)
            else:
                yield option.name, option.value
    elif isinstance(tree, slice):
        yield from zip(("start", "stop", "step"), (tree.start, tree.stop, tree.step), strict=True)
    elif not isinstance(tree, (InputPlace, Code)):
        yield "", tree


def filled(tree: object, take: Callable[[], object]) -> object:
    """Return a tree with other figures, taken one by one in the order of :func:`figures`."""
    if isinstance(tree, ModuleCall):
        return filled_call(tree, take)
    if isinstance(tree, slice):
        return slice(take(), take(), take())
    return tree if isinstance(tree, (InputPlace, Code)) else take()


def filled_call(tree: ModuleCall, take: Callable[[], object]) -> ModuleCall:
    """Return a call with other figures, as :func:`filled` does."""
    args = tuple([filled(arg, take) for arg in tree.args])
    options = [option._replace(value=filled(option.value, take)) for option in tree.options]
    return ModuleCall(tree.name, args, tuple(options))


def places(tree: object) -> Iterator[int]:
    """Yield the numbers of the inputs that a tree uses, each as often as it does."""
    if isinstance(tree, InputPlace):
        yield tree.number
    elif isinstance(tree, ModuleCall):
        for arg in (*tree.args, *[option.value for option in tree.options]):
            yield from places(arg)


def key(value: object) -> object:
    """Return a hashable key of a figure that tells True from 1."""
    return (type(value).__name__, tuple([key(item) for item in value]) if isinstance(value, tuple) else value)
