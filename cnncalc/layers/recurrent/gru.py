"""Gated recurrent unit."""

from __future__ import annotations

from cnncalc.layers.arguments import LayerError, argument, flag
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Attribute, Ops, TensorCode, Torch
from cnncalc.layers.recurrent._recurrent import Recurrent


class GRU(Recurrent):
    """Gated recurrent units (Cho et al. 2014, arXiv:1406.1078), with PyTorch's gates r, z, n.

    Input a sequence (T, F), and perhaps the first state (directions, hidden_size); output (T, hidden_size), or (T, 2 ·
    hidden_size) for both directions.  Flops: 2 · macs, and per step and unit 3 adds of both products, 6 of the biases,
    2 sigmoids of 4, 1 product, a tanh of 5, and 4 to mix the new with the old; with ``clip`` 2 more for each gate.
    """

    gates = 3
    elementwise = 3 + 2 * 4 + 1 + 5 + 4
    bias_adds = 6
    onnx_gates = (1, 0, 2)  # z, r, h
    arity = (1, 3)

    reset_after = argument(flag, "whether r resets the state's product, as in PyTorch, or the state itself", True)

    example = Example(
        "gru: 128",
        inputs=((20, 64),),
        output=(20, 128),
        params=3 * 128 * (64 + 128 + 2),
        macs=20 * 3 * 128 * (64 + 128),
        flops=2 * 20 * 3 * 128 * (64 + 128) + 20 * 128 * (21 + 6),
    )
    elsewhere = Elsewhere(torch="GRU(input_size, hidden_size)", keras="GRU(hidden_size)", onnx="GRU", compared=True)

    def step(
        self, ops: Ops, x: Array, state: tuple[Array, ...], turned: Array, bias: Array, *more: Array
    ) -> tuple[Array, ...]:
        """Return the next state: ``(1 − z)·n + z·h``."""
        np, (h,), units = ops.np, state, self.hidden_size
        gates = slice(None) if self.reset_after else slice(2 * units)
        products = ops.matmul(h, turned[:, gates]) + bias[gates]
        r, z, n = x.reshape(len(x), 3, -1).swapaxes(0, 1)
        sums = r + products[:, :units], z + products[:, units : 2 * units]
        reset, update = [ops.sigmoid(self.bounded(np, total)) for total in sums]
        if self.reset_after:
            total = n + reset * products[:, 2 * units :]
        else:
            total = n + (ops.matmul(reset * h, turned[:, 2 * units :]) + bias[2 * units :])
        new = ops.tanh(self.bounded(np, total))
        return ((1 - update) * new + update * h,)

    def onnx_attributes(self) -> dict[str, Attribute]:
        """Return whether the reset gate multiplies the state's product."""
        return {**super().onnx_attributes(), "linear_before_reset": int(self.reset_after)}

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module.  Raises LayerError if the state itself is reset."""
        if not self.reset_after:
            raise LayerError("resets the product with the state, and not the state itself (reset_after: false)")
        return super().to_torch(torch)
