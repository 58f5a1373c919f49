"""Gated recurrent unit."""

from __future__ import annotations

from cnncalc.layers.activation._elementwise import sigmoid
from cnncalc.layers.arguments import LayerError, argument, flag
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Attribute, Flow, NumPy, Ops, Torch
from cnncalc.layers.recurrent._recurrent import Recurrent


class GRU(Recurrent):
    """Gated recurrent units (Cho et al. 2014, arXiv:1406.1078), with PyTorch's gates r, z, n.

    Input a sequence (T, F), and perhaps the first state (directions, hidden_size); output (T, hidden_size), or (T, 2 ·
    hidden_size) for both directions.  Flops: 2 · macs, and per step and unit 3 adds of both products, 6 of the biases,
    2 sigmoids of 4, 1 product, a tanh of 5, and 4 to mix the new with the old.
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
        self, np: NumPy, x: Array, products: Array, state: tuple[Array, ...], bias: Array | int, *more: Array
    ) -> tuple[Array, ...]:
        """Return the next state: ``(1 − z)·n + z·h``."""
        r, z, n = np.split(x, 3, axis=-1)
        r_state, z_state, n_state = np.split(products + bias, 3, axis=-1)
        update = sigmoid(np, z + z_state)
        new = np.tanh(n + sigmoid(np, r + r_state) * n_state)
        return ((1 - update) * new + update * state[0],)

    def _along(self, ops: Ops, inputs: tuple[Array, ...], weights: dict[str, Array], number: int) -> Array:
        """Return the states of one direction; if the state itself is reset, its product is computed after the reset
        gate.
        """
        if self.reset_after:
            return super()._along(ops, inputs, weights, number)
        np, x, suffix = ops.np, inputs[0], self._suffixes()[number]
        fed = ops.linear(x, weights[f"weight_ih_l0{suffix}"], weights.get(f"bias_ih_l0{suffix}"))
        gates, last = np.split(weights[f"weight_hh_l0{suffix}"], [2 * self.hidden_size])
        bias = weights.get(f"bias_hh_l0{suffix}")
        of_gates, of_last = (0, 0) if bias is None else np.split(bias, [2 * self.hidden_size])
        state = np.zeros((len(x), self.hidden_size), x.dtype)
        if len(inputs) > 1 + self.lengths:
            state = np.broadcast_to(inputs[-1][:, number], state.shape)
        steps = range(x.shape[1])
        made = [state] * len(steps)
        for at in steps[::-1] if number or self.reverse else steps:
            r, z, n = np.split(fed[:, at], 3, axis=-1)
            r_state, update = np.split(ops.matmul(state, gates.T) + of_gates, 2, axis=-1)
            update = sigmoid(np, z + update)
            new = np.tanh(n + (ops.matmul(sigmoid(np, r + r_state) * state, last.T) + of_last))
            (state,), made[at] = self.kept(np, inputs, at, ((1 - update) * new + update * state,), (state,))
        return np.stack(made, axis=1)

    def onnx_attributes(self) -> dict[str, Attribute]:
        """Return whether the reset gate multiplies the state's product."""
        return {"linear_before_reset": int(self.reset_after)}

    def to_torch(self, flow: Flow) -> Torch:
        """PyTorch's module.  Raises LayerError if the state itself is reset."""
        if not self.reset_after:
            raise LayerError("resets the product with the state, and not the state itself (reset_after: false)")
        return super().to_torch(flow)
