"""Sign."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import Elementwise
from cnncalc.layers.base import Elsewhere, Example


class Sign(Elementwise):
    """−1 below 0, 1 above, 0 at 0.  Any shape, kept.  Flops per element: 2 comparisons."""

    operations = 2
    ufunc = "sign"
    example = Example("sign", inputs=((64, 28, 28),), output=(64, 28, 28), flops=2 * 64 * 28 * 28)
    elsewhere = Elsewhere(onnx="Sign", function="torch.sign", compared=True)
