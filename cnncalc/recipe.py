"""What a command needs from a file, whether it is a spec or a model file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from cnncalc.ground.named import NamedTuple

if TYPE_CHECKING:
    from cnncalc.graph import Graph
    from cnncalc.ground.places import Origin
    from cnncalc.ground.values import Value
    from cnncalc.layers.shapes import Shape


class About(NamedTuple):
    """Information in a file on one of its networks.

    Attributes:
        year: of the architecture.
        source: the paper or page that the architecture was taken from.
    """

    year: int | None = None
    source: str | None = None


class Stated(NamedTuple):
    """A plain text of a file, with its place."""

    text: str
    origin: Origin


class Recipe:
    """A file of one network, or of a family of variants, from which graphs are built.

    Commands need only this interface, so that a model file can be given wherever a spec can. Tasks for specs only
    (editing the text, finding unused names) need a recipe that is a ``Document``.

    Attributes:
        name: the network's or the family's name in every output.
        path: the file's name in messages: the path as it was given.
        text: the text of a spec; None if the file is not text.
        variants: the family's variants by name, in the file's order; empty if the file is one network.
        deploy: the file's settings for the device.
    """

    name: str
    path: str
    text: str | None = None
    variants: Mapping[str, object] = MappingProxyType({})
    deploy: Mapping[str, Stated] = MappingProxyType({})

    @property
    def settings(self) -> Collection[str]:
        """The names that ``settings`` may change."""
        return ()

    def about(self, variant: str | None = None) -> About:
        """Return the information on a variant, or on the file."""
        return About()

    def members(self) -> list[str | None]:
        """Return the networks of the file: its variants, and None for its default.

        None is left out if a variant is the same network.
        """
        return [None]

    def build(
        self,
        variant: str | None = None,
        settings: Mapping[str, Value] | None = None,
        inputs: Mapping[str, Shape] | None = None,
    ) -> Graph:
        """Build a network.

        Args:
            variant: the variant of the family, or None for the file's default.
            settings: values over the file's own, by name.
            inputs: shapes over the file's own by input, without the batch axis; "" stands for the only input.

        Raises:
            CnncalcError: if there is no such variant, setting or input, or the network can't be built.
        """
        raise NotImplementedError

    def reader(self) -> Callable[[], Recipe]:
        """Return a picklable function that reads the recipe again.

        Raises:
            CnncalcError: if the file can't be read twice.
        """
        raise NotImplementedError
