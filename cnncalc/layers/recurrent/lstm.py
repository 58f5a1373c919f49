"""Long short-term memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnncalc.layers.activation._elementwise import sigmoid
from cnncalc.layers.arguments import LayerError, argument, choice
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.recurrent._recurrent import Recurrent

if TYPE_CHECKING:
    from cnncalc.layers.ops import Array, NumPy
    from cnncalc.layers.shapes import Shape


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with PyTorch's gates i, f, g, o.

    Input a sequence (T, F), and perhaps the first state and the first cell (directions, hidden_size); output
    (T, hidden_size), or twice as wide where both directions are gone.  With ``output: both`` the cells stand behind
    the states.  Flops: 2 · macs, and per step and unit 4 adds of both products, 8 of the biases, 3 sigmoids of 4,
    2 tanh of 5, 3 products and 1 add.
    """

    gates = 4
    states = 2
    elementwise = 4 + 3 * 4 + 2 * 5 + 3 + 1
    bias_adds = 8
    onnx_gates = (0, 3, 1, 2)  # i, o, f, c
    arity: ClassVar[tuple[int, int | None]] = (1, 3)

    output = argument(choice("states", "both"), "whether the cells come out, too", "states")

    example = Example(
        "lstm: 256",
        inputs=((26, 512),),
        output=(26, 256),
        params=4 * 256 * (512 + 256 + 2),
        macs=26 * 4 * 256 * (512 + 256),
        flops=2 * 26 * 4 * 256 * (512 + 256) + 26 * 256 * (30 + 8),
    )
    elsewhere = Elsewhere(torch="LSTM(input_size, hidden_size)", keras="LSTM(hidden_size)", onnx="LSTM")

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (T, hidden_size), wider by the other direction, and by the cells."""
        steps, width = super().output_shape(*inputs)
        return (steps, width if self.output == "states" else 2 * width)

    def step(
        self, np: NumPy, x: Array, products: Array, state: tuple[Array, ...], bias: Array | int
    ) -> tuple[Array, ...]:
        """Forget, take in, and show."""
        i, f, g, o = np.split(x + (products + bias), 4, axis=-1)
        cell = sigmoid(np, f) * state[1] + sigmoid(np, i) * np.tanh(g)
        return sigmoid(np, o) * np.tanh(cell), cell

    def shown(self, np: NumPy, state: tuple[Array, ...]) -> Array:
        """Return the state, and perhaps the cell behind it."""
        return state[0] if self.output == "states" else np.concatenate(state, axis=-1)

    def last_output(self, steps: int) -> int:
        """Return that the cells are the third; ONNX has those of the last step alone."""
        if self.output == "both" and steps > 1:
            raise LayerError("gives the cells of all steps, of which ONNX has the last alone")
        return 3 if self.output == "both" else 1
