"""Calls taken apart: their structure, and the figures in it that may differ from place to place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cnncalc.layers.pytorch import Code, InputPlace, ModuleCall, Option


class KnownFigure(NamedTuple):
    """A figure that a name stands for: ``4 * width``.

    Attributes:
        text: the expression, ``{}`` where the name is.
        name: an argument of the class.
    """

    text: str
    name: str


def structure(tree: Any) -> Any:
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


def figures(tree: Any) -> Iterator[tuple[str, Any]]:
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


def filled(tree: Any, take: Callable[[], Any]) -> Any:
    """Return a tree with other figures, taken one by one in the order of :func:`figures`."""
    if isinstance(tree, ModuleCall):
        args = tuple([filled(arg, take) for arg in tree.args])
        return ModuleCall(tree.name, args, tuple([_filled(option, take) for option in tree.options]))
    if isinstance(tree, slice):
        return slice(take(), take(), take())
    return tree if isinstance(tree, (InputPlace, Code)) else take()


def _filled(option: Option, take: Callable[[], Any]) -> Option:
    return option._replace(value=filled(option.value, take))


def places(tree: Any) -> Iterator[int]:
    """Yield the numbers of the inputs that a tree uses, each as often as it does."""
    if isinstance(tree, InputPlace):
        yield tree.number
    elif isinstance(tree, ModuleCall):
        for arg in (*tree.args, *[option.value for option in tree.options]):
            yield from places(arg)


def same(one: Any, other: Any) -> bool:
    """Whether two figures are printed alike: true is not 1."""
    return type(one) is type(other) and bool(one == other)


def key(value: Any) -> Any:
    """Return a figure as something to be looked up, true not being 1."""
    return (type(value).__name__, tuple([key(item) for item in value]) if isinstance(value, tuple) else value)
