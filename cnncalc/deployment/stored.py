"""The constants of a model file, as a converter writes them in a number format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.deployment.operators import BIAS, OTHER, WEIGHT, Constant

if TYPE_CHECKING:
    from cnncalc.deployment.constants import Converter, NumberFormat


class Stored:
    """Makes the constants of a network.

    Attributes:
        kind: the number format.
        converter: the converter.
    """

    def __init__(self, kind: NumberFormat, converter: Converter) -> None:
        self.kind = kind
        self.converter = converter

    def weight(self, elements: int, channels: int, same: object, dense: bool = False) -> Constant:
        """Return a weight tensor with a scale for each of ``channels``, or a single one if the converter uses one."""
        scales, per_channel = self._scales(channels, dense)
        return Constant(WEIGHT, elements, self.kind.weight, scales, per_channel, ("weight", same))

    def bias(self, elements: int, same: object | None, dense: bool = False) -> Constant:
        """Return a bias; if ``same`` is None, of zeros, which are stored once for each size."""
        scales, per_channel = self._scales(elements, dense)
        identity = ("zeros", elements) if same is None else ("bias", same)
        return Constant(BIAS, elements, self.kind.bias, scales, per_channel, identity)

    def _scales(self, channels: int, dense: bool) -> tuple[int, bool]:
        """Return the number of scales of a weight or bias, and whether they are one per channel."""
        per_channel = self.kind.scaled and (self.converter.dense_per_channel or not dense)
        return channels if per_channel else int(self.kind.scaled), per_channel

    def factors(self, elements: int, same: object) -> Constant:
        """Return a constant operand of a product or sum: numbers of the kind, one scale."""
        width = self.kind.activation if self.kind.scaled else self.kind.weight
        return Constant(WEIGHT, elements, width, int(self.kind.scaled), False, ("factors", same))

    def number(self, value: float) -> Constant:
        """Return a constant number as an operand of a product, sum or comparison."""
        return self.factors(1, None)._replace(same=("number", value))

    def integers(self, *values: object) -> Constant:
        """Return a shape, a list of axes or a padding: int32, stored once for equal values."""
        return Constant(OTHER, len(values), 4, 0, False, ("integers", values))
