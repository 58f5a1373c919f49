"""An operator of a model file that is not known: it has a shape, which the file states, and no figures."""

from __future__ import annotations

from typing import ClassVar

from cnncalc.layers.arguments import argument, integers
from cnncalc.layers.base import Layer
from cnncalc.layers.reads import Along, Read, Reads
from cnncalc.layers.shapes import Shape


def word(value: object) -> str:
    """The operator's name."""
    return str(value)


class Opaque(Layer):
    """Stands for an operator of which only the output's shape is known; it can't be run."""

    arity: ClassVar[tuple[int, int | None]] = (1, None)

    op = argument(word, "the operator's name in the file")
    shape = argument(integers, "the output's shape, as the file states it")

    def check(self) -> None:
        """Take the operator's name for the type's, so that tables and notes show it."""
        self.__dict__["type"] = self.op

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the stated shape."""
        shape: Shape = self.shape
        return shape

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element reads all of each input, at most."""
        return tuple([(Along(tuple([Read(None, None, False)] * len(shape))),) for shape in inputs])
