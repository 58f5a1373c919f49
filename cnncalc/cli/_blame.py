"""Name the option that is to blame where the network that a command line asks for can't be built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from cnncalc.graph import Graph
from cnncalc.ground.errors import clipped
from cnncalc.ground.places import Fault, Origin, Place, SpecError

Build: TypeAlias = "Callable[[Sequence[str], Sequence[str]], Graph]"
"""Builds a network with some values of ``--set`` and of ``--input``."""

MOST_BLAMED = 8
"""How many options are left out in turn, to find the one that is to blame."""


class BlamedError(SpecError):
    """A spec that can't be built, but could without some options.

    Attributes:
        options: these options, as they were given.
    """

    def __init__(self, faults: list[Fault], options: Sequence[str]) -> None:
        super().__init__(faults)
        self.options = clipped(" ".join(options))

    def text(self, spelled: Callable[[Origin], str] = str) -> str:
        """Return all faults, each with the options in front of its place, which may be in an option itself."""

        def blamed(origin: Origin) -> str:
            place = spelled(origin)
            return self.options if place.startswith("--set ") else f"{self.options} ({place})"

        return super().text(blamed)


@contextmanager
def blaming(build: Build, settings: Sequence[str], inputs: Sequence[str]) -> Iterator[None]:
    """Name the options that are to blame, beside a line of the spec, in an error of the network that is built here.

    Args:
        build: builds the network with some of the options.
        settings: the values of ``--set``.
        inputs: the values of ``--input``.

    Raises:
        BlamedError: in place of a SpecError, where the network can be built without some of the options.
    """
    try:
        yield
    except SpecError as error:
        given = [("--set", text) for text in settings] + [("--input", text) for text in inputs]
        if not given or not isinstance(error.faults[0].origin, Place) or not (blamed := _blamed(build, given)):
            raise
        raise BlamedError(error.faults, [f"{option} {text}" for option, text in blamed]) from None


def _blamed(build: Build, given: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the options each of which the network can be built without; else all, if it can be built without all."""
    if len(given) > MOST_BLAMED:
        return given if _builds(build, []) else []
    alone = [one for one in given if _builds(build, [other for other in given if other is not one])]
    return alone or (given if len(given) > 1 and _builds(build, []) else [])


def _builds(build: Build, given: list[tuple[str, str]]) -> bool:
    from cnncalc.language.findings import noticed

    try:
        with noticed():
            build(
                [text for option, text in given if option == "--set"],
                [text for option, text in given if option != "--set"],
            )
    except SpecError:
        return False
    return True
