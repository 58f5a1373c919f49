"""The form that a module has a layer's tensor in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.ground.named import NamedTuple

if TYPE_CHECKING:
    from cnncalc.layers.shapes import Shape


class StateForm(NamedTuple):
    """How a module has a tensor of a layer, if not in the layer's shape.

    Attributes:
        shape: the module's shape, which differs by axes of 1, or is that of the transposed matrix.
        is_transposed: whether it is the transposed matrix.
    """

    shape: Shape
    is_transposed: bool = False
