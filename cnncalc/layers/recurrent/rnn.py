"""Plain recurrent layer."""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.layers.arguments import argument, choice
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Attribute, Ops, Or, TensorCode, Torch
from cnncalc.layers.recurrent._recurrent import Recurrent
from cnncalc.layers.shapes import Shape


class RNN(Recurrent):
    """``h = tanh(W·x + b + U·h + c)`` from step to step (Elman 1990).

    Input a sequence (T, F), and perhaps the first state (directions, hidden_size); output (T, hidden_size), or (T, 2 ·
    hidden_size) for both directions.  Flops: 2 · macs, and per step and unit 1 add of both products, 2 of the biases,
    and a tanh of 5, or a relu of 1; with ``clip`` 2 more.
    """

    gates = 1
    elementwise = 1 + 5
    bias_adds = 2
    onnx_gates = (0,)
    arity = (1, 3)

    nonlinearity = argument(choice("tanh", "relu"), "activation of the sum", "tanh")

    example = Example(
        "rnn: 64",
        inputs=((20, 32),),
        output=(20, 64),
        params=64 * (32 + 64 + 2),
        macs=20 * 64 * (32 + 64),
        flops=2 * 20 * 64 * (32 + 64) + 20 * 64 * (1 + 2 + 5),
    )
    elsewhere = Elsewhere(
        torch="RNN(input_size, hidden_size)", keras="SimpleRNN(hidden_size)", onnx="RNN", compared=True
    )

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The flops of any cell, with 1 operation for relu in place of 5 for tanh."""
        saved = 4 if self.nonlinearity == "relu" else 0
        return super().flops(inputs, output) - saved * inputs[0][0] * self.directions * self.hidden_size

    def step(
        self, ops: Ops, x: Array, state: tuple[Array, ...], turned: Array, bias: Array, *more: Array
    ) -> tuple[Array, ...]:
        """Return the next state: tanh, or relu, of the sum."""
        total = self.bounded(ops.np, x + (ops.matmul(state[0], turned) + bias))
        return (ops.tanh(total) if self.nonlinearity == "tanh" else ops.np.maximum(total, 0),)

    def onnx_attributes(self) -> dict[str, Attribute]:
        """Return the activation, once for each direction."""
        return {**super().onnx_attributes(), "activations": [self.nonlinearity.capitalize()] * self.directions}

    def _function_in_torch(self) -> str:
        """Return the name of PyTorch's function, which is one for each nonlinearity."""
        return f"rnn_{self.nonlinearity}"

    def _module_in_torch(self, torch: Torch, name: str, **options: Or) -> Callable[..., TensorCode]:
        """Make PyTorch's module with its nonlinearity; return a function that calls it."""
        return super()._module_in_torch(torch, name, **torch.options("nonlinearity"))
