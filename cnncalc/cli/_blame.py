"""Name the options to blame when a network can't be built because of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from cnncalc.cli.parsing import SEVERAL
from cnncalc.graph import Graph
from cnncalc.ground.errors import clipped
from cnncalc.ground.places import Fault, Origin, Place, SpecError
from cnncalc.layers.shapes import typed

Build: TypeAlias = "Callable[[tuple[str, ...], tuple[str, ...]], Graph]"
"""Builds a network with some values of ``--set`` and of ``--input``."""

MOST_BLAMED = 8
"""Up to this many options are left out one at a time, to find the ones to blame."""


class BlamedError(SpecError):
    """A spec that can't be built with some options, but can be built without them.

    Attributes:
        options: these options, as they were given.
    """

    def __init__(self, faults: list[Fault], options: Sequence[str]) -> None:
        super().__init__(faults)
        self.options = clipped(" ".join(options))

    def text(self, spelled: Callable[[Origin], str] = str) -> str:
        """Return all faults, each preceded by the options; a fault's place may itself be in an option."""

        def blamed(origin: Origin) -> str:
            place = spelled(origin)
            return self.options if place.startswith("--set ") else f"{self.options} ({place})"

        return super().text(blamed)


@contextmanager
def blaming(build: Build, settings: Sequence[str], inputs: Sequence[str]) -> Iterator[None]:
    """Add the options to blame to the faults of a network that is built inside this context.

    Args:
        build: builds the network with some of the options.
        settings: the values of ``--set``.
        inputs: the values of ``--input``.

    Raises:
        BlamedError: in place of a SpecError, if the network can be built without some of the options.
    """
    try:
        yield
    except SpecError as error:
        given = [("--set", text) for text in settings] + [("--input", text) for text in inputs]
        if not given or not isinstance(error.faults[0].origin, Place) or not (blamed := _blamed(build, given)):
            raise
        first, *others = error.faults
        if len(inputs) == 1 and [option for option, _ in blamed] == ["--input"]:
            (tensor, *_) = build(tuple(settings), ()).inputs.values()
            if len(tensor.shape) != inputs[0].rpartition("=")[2].count("x") + 1:
                first = first._replace(hint=f"without it the input is {typed(tensor.shape)}")
        if first.hint is None and [option for option, _ in blamed] == ["--set"] and "," in blamed[0][1]:
            first = first._replace(hint=SEVERAL)
        raise BlamedError([first, *others], [f"{option} {text}" for option, text in blamed]) from None


def _blamed(build: Build, given: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the options whose removal alone lets the network build; failing that, all if removing all does."""
    if len(given) > MOST_BLAMED:
        return given if _builds(build, []) else []
    alone = [one for one in given if _builds(build, [other for other in given if other is not one])]
    return alone or (given if len(given) > 1 and _builds(build, []) else [])


def _builds(build: Build, given: list[tuple[str, str]]) -> bool:
    from cnncalc.language.findings import noticed

    try:
        with noticed():
            build(
                tuple([text for option, text in given if option == "--set"]),
                tuple([text for option, text in given if option != "--set"]),
            )
    except SpecError:
        return False
    return True
