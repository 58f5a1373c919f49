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
    """What a file says of one of its networks.

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

    Commands ask for nothing else, so that a model file can stand wherever a spec does.  What can only be done to a
    spec (edits of its text, names that nothing reads) is asked of a recipe that is a ``Document``.

    Attributes:
        name: what the network, or the family, is called in every output.
        path: what messages call the file: the path as it was given.
        text: the text of a spec; None if the file is no text.
        variants: the family's variants by name, in the file's order; empty where the file is one network.
        deploy: what the file says of the device that the network is for.
    """

    name: str
    path: str
    text: str | None = None
    variants: Mapping[str, object] = MappingProxyType({})
    deploy: Mapping[str, Stated] = MappingProxyType({})

    @property
    def settings(self) -> Collection[str]:
        """The names that ``settings`` may give other values."""
        return ()

    def about(self, variant: str | None = None) -> About:
        """Return what the file says of a variant, or of itself."""
        return About()

    def members(self) -> list[str | None]:
        """Return the networks that the file stands for: its variants, and None for the file as it stands.

        None is left out where a variant is the same network.
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
            variant: the variant of the family, or None for the file as it stands.
            settings: values over the file's own, by name.
            inputs: shapes over the file's own by input, without the batch axis; "" stands for the only input.

        Raises:
            CnncalcError: if there is no such variant, setting or input, or the network can't be built.
        """
        raise NotImplementedError

    def reader(self) -> Callable[[], Recipe]:
        """Return a function that makes the recipe once more, and that can be sent to another process.

        Raises:
            CnncalcError: if the file can't be read twice.
        """
        raise NotImplementedError
