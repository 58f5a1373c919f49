"""Operators of a model file that are no layers: those that are not known, and convolutions by computed filters."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from cnncalc.layers.arguments import argument, flag, integers, natural
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
        """Take the operator's name for the type's, so that tables and notes show it.

        Layer types are in lower case, so that a name in lower case would be taken for one of them.
        """
        self.__dict__["type"] = self.op if self.op[:1].isupper() else f"operator {self.op}"

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the stated shape."""
        shape: Shape = self.shape
        return shape

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that an element reads all of each input, at most."""
        return tuple([(Along(tuple([Read(None, None, False)] * len(shape))),) for shape in inputs])


class ComputedConv(Opaque):
    """A convolution whose filters are computed for each sample (CondConv, arXiv:1904.04971); it can't be run."""

    kind = "conv"

    products = argument(natural, "the convolution's multiply-accumulates")
    bias = argument(flag, "whether a bias is added", False)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Those of the convolution."""
        count: int = self.products
        return count

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Two for each multiply-accumulate, and the bias."""
        return 2 * self.products + self.bias * prod(output)
