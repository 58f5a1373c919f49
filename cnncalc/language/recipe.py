"""What a command needs from a file, whether it is a spec or a model file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from cnncalc.ground.errors import CnncalcError
from cnncalc.language.document import About

if TYPE_CHECKING:
    from cnncalc.graph import Graph
    from cnncalc.ground.values import Value
    from cnncalc.language.document import Stated
    from cnncalc.language.findings import Finding
    from cnncalc.language.foldable import Foldable
    from cnncalc.layers.shapes import Shape


class Recipe:
    """A file of one network, or of a family of variants, from which graphs are built.

    Commands need only this interface, and never ask which kind of file it is, so that a model file can be given
    wherever a spec can: what a file does not have is empty or None.

    Attributes:
        name: the network's or the family's name in every output.
        path: the file's name in messages: the path as it was given.
        text: the text of a spec; None if the file is not text.
        place: the path of a model file that another engine can read; None if there is none.
        fuse: whether operators that together are one layer are replaced by that layer; None if the file has layers.
        variants: the family's variants by name, in the file's order; empty if the file is one network.
        deploy: the file's settings for the device.
    """

    name: str
    path: str
    text: str | None = None
    place: str | None = None
    fuse: bool | None = None
    variants: Mapping[str, object] = MappingProxyType({})
    deploy: Mapping[str, Stated] = MappingProxyType({})

    @property
    def settings(self) -> Collection[str]:
        """The names that ``settings`` may change."""
        return ()

    @property
    def usual(self) -> str | None:
        """The variant that is the same network as the file's default; None if there is none."""
        return None

    @property
    def is_editable(self) -> bool:
        """Whether an item of the text can be replaced by several without breaking references to others."""
        return False

    def about(self, variant: str | None = None) -> About:
        """Return the information on a variant, or on the file.

        Raises:
            CnncalcError: if there is no such variant.
        """
        if variant is not None:
            raise CnncalcError(f"{self.path}: no variant '{variant}'", "the file is one network")
        return About()

    def members(self) -> list[str | None]:
        """Return the networks of the file: its variants, and None for its default unless a variant equals it."""
        return [*([None] if self.usual is None else []), *self.variants]

    def argument(self, name: str, variant: str | None = None) -> Value:
        """Return the value that the file states for a setting; None if it is computed, or there is none."""
        return None

    def stated_inputs(self, variant: str | None = None) -> Mapping[str, tuple[Value, ...] | None]:
        """Return the shapes of the inputs that the file itself names; None for a shape that is computed."""
        return {}

    def shapes_of(self, arrays: Mapping[str, Shape], numbers: Mapping[str, int]) -> dict[str, Shape]:
        """Return what :meth:`build` takes for the inputs that the file leaves open, from the arrays for them.

        Args:
            arrays: shapes of arrays by input, with or without the batch axis; "" stands for the only input.
            numbers: the element of each array that has a single whole number.
        """
        return {}

    def warn_of_inputs(self, variant: str | None, settings: Mapping[str, Value], inputs: Mapping[str, Shape]) -> None:
        """Warn about input shapes that are probably mistakes, as building the network would."""

    def unused(self) -> Sequence[Finding]:
        """Return what the file defines and nothing reads."""
        return ()

    def foldable(self) -> Foldable | None:
        """Return the items that expand to the same layers wherever they are used; None if there are none."""
        return None

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
