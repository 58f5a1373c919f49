"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.ground.limits import MAX_UNROLLED_STEPS
from cnncalc.layers.arguments import LayerError, argument, choice, flag
from cnncalc.layers.base import Elsewhere, Example, Weight
from cnncalc.layers.interfaces import Array, ModuleCall, NumPy, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.other.quantize import own_steps
from cnncalc.layers.recurrent._recurrent import Recurrent
from cnncalc.layers.shapes import Shape

_FUNCTION = '''
def lstm_with_cells(x, state, *sides):
    """Return the states of every step of an LSTM, with its cells behind them; ``sides``: weights of the directions."""
    found = []
    for side, weights in enumerate(sides):
        shown, cell = state[0][side], state[1][side]
        made = []
        for step in x.unbind(1)[:: -1 if side else 1]:
            shown, cell = torch.lstm_cell(step, (shown, cell), *weights)
            made.append(torch.cat([shown, cell], dim=-1))
        found.append(torch.stack(made[:: -1 if side else 1], dim=1))
    return torch.cat(found, dim=-1)
'''

_MODULE = '''
class LSTMWithCells(nn.LSTM):
    """An LSTM that gives the cells of every step behind its states."""

    def forward(self, x, state=None):
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        suffixes = ("", "_reverse")[: 1 + self.bidirectional]
        sides = [[getattr(self, name + suffix, None) for name in names] for suffix in suffixes]
        zeros = x.new_zeros(len(sides), len(x), self.hidden_size)
        return lstm_with_cells(x, (zeros, zeros) if state is None else state, *sides)
'''


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with PyTorch's gates i, f, g, o.

    Input a sequence (T, F), and perhaps the first state and the first cell (directions, hidden_size); output
    (T, hidden_size), or (T, 2 · hidden_size) for both directions. With ``output: both`` the states are followed by the
    cells.  Flops: 2 · macs, and per step and unit 4 adds of both products, 8 of the biases, 3 sigmoids of 4, 2 tanh of
    5, 3 products and 1 add; with peepholes 3 products and 3 adds more, with ``clip`` 2 for each gate.
    """

    gates = 4
    states = 2
    elementwise = 4 + 3 * 4 + 2 * 5 + 3 + 1
    bias_adds = 8
    onnx_gates = (0, 3, 1, 2)  # i, o, f, c
    arity = (1, 4)

    output = argument(choice("states", "both"), "whether to output the cells, too", "states")

    peepholes = argument(flag, "whether i, f and o see the cell, by one weight per unit (Gers 2000)", False)
    rounds = argument(
        flag, "whether input and state are rounded to 8 bits of their range, and weights are scaled integers", False
    )

    example = Example(
        "lstm: 256",
        inputs=((26, 512),),
        output=(26, 256),
        params=4 * 256 * (512 + 256 + 2),
        macs=26 * 4 * 256 * (512 + 256),
        flops=2 * 26 * 4 * 256 * (512 + 256) + 26 * 256 * (30 + 8),
    )
    elsewhere = Elsewhere(torch="LSTM(input_size, hidden_size)", keras="LSTM(hidden_size)", onnx="LSTM", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (T, hidden_size), twice as wide for both directions, and again for ``output: both``."""
        steps, width = super().output_shape(*inputs)
        return (steps, width if self.output == "states" else 2 * width)

    def fed(self, ops: Ops, x: Array, weights: dict[str, Array], suffix: str) -> tuple[Array, Array]:
        """Return the products of all steps' inputs; of integers without the bias, which comes after the state's."""
        if not self.rounds:
            return super().fed(ops, x, weights, suffix)
        products = _of_integers(ops, ops.linear, x, weights[f"weight_ih_l0{suffix}"], weights[f"scale_ih_l0{suffix}"])
        if not self.bias:
            return products, ops.np.zeros(products.shape[-1], x.dtype)
        return products, weights[f"bias_ih_l0{suffix}"] + weights[f"bias_hh_l0{suffix}"]

    def step(
        self, ops: Ops, x: Array, state: tuple[Array, ...], turned: Array, bias: Array, *more: Array
    ) -> tuple[Array, ...]:
        """Return the next state and cell: ``c = f·c + i·g``, ``h = o · tanh(c)``."""
        np = ops.np
        if self.rounds:  # in the order of ONNX Runtime's DynamicQuantizeLSTM
            total = x + _of_integers(ops, ops.matmul, state[0], turned, more[-1]) + bias
        else:
            total = x + (ops.matmul(state[0], turned) + bias)
        if not self.peepholes:
            i, f, g, o = self.bounded(np, total).reshape(len(x), 4, -1).swapaxes(0, 1)
            cell = ops.sigmoid(f) * state[1] + ops.sigmoid(i) * ops.tanh(g)
            return ops.sigmoid(o) * ops.tanh(cell), cell
        i, f, g, o = total.reshape(len(x), 4, -1).swapaxes(0, 1)
        to_i, to_f, to_o = more[0].reshape(3, -1)
        i, f, g = [self.bounded(np, total) for total in (i + to_i * state[1], f + to_f * state[1], g)]
        cell = ops.sigmoid(f) * state[1] + ops.sigmoid(i) * ops.tanh(g)
        o = self.bounded(np, o + to_o * cell)
        return ops.sigmoid(o) * ops.tanh(cell), cell

    def more_weights(self, shape: Shape, suffix: str) -> dict[str, Weight]:
        """Return weight_ch (3 · H), by which i, f and o see the cell, and the scale of each row of integers."""
        made = {f"weight_ch_l0{suffix}": Weight((3 * self.hidden_size,))} if self.peepholes else {}
        scales = [f"scale_ih_l0{suffix}", f"scale_hh_l0{suffix}"] if self.rounds else []
        return made | dict.fromkeys(scales, Weight((4 * self.hidden_size,), trainable=False))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The flops of any cell, with 6 more for peepholes."""
        more = 6 * inputs[0][0] * self.directions * self.hidden_size if self.peepholes else 0
        return super().flops(inputs, output) + more

    def onnx_states(self, onnx: Onnx, states: list[str], suffixes: tuple[str, ...]) -> list[str]:
        """Return the initial states, and the weights of the peepholes in ONNX' order i, o, f."""
        if not self.peepholes:
            return states
        rows = []
        for suffix in suffixes:
            gates = onnx.reshape(onnx.weight(f"weight_ch_l0{suffix}"), [3, self.hidden_size])
            ordered = onnx.node("Gather", gates, onnx.integers([0, 2, 1]), axis=0)
            rows.append(onnx.reshape(ordered, [1, 3 * self.hidden_size]))
        return [*states, *[""] * (2 - len(states)), rows[0] if len(rows) == 1 else onnx.node("Concat", *rows, axis=0)]

    def shown(self, np: NumPy, state: tuple[Array, ...]) -> Array:
        """Return the state, followed by the cell if it is an output."""
        return state[0] if self.output == "states" else np.concatenate(state, axis=-1)

    def to_onnx(self, onnx: Onnx) -> str:
        """LSTM; unrolled step by step if the cells are outputs, since ONNX's LSTM returns only the last cell."""
        if self.rounds:
            raise LayerError("rounds input and state, but ONNX's LSTM does not")
        if self.output == "states":
            return super().to_onnx(onnx)
        if self.lengths:
            raise LayerError("has no LSTM that outputs the cells of sequences of several lengths")
        steps = onnx.shapes[0][0]
        if steps > MAX_UNROLLED_STEPS:
            raise LayerError(
                f"outputs the cells of {steps:,} steps, but at most {MAX_UNROLLED_STEPS:,} steps are unrolled"
            )
        x = onnx.transpose(onnx.x, [1, 0, 2])
        first = [onnx.transpose(onnx.stretched(number), [1, 0, 2]) for number in range(1, len(onnx.inputs))]
        directions = []
        for number, suffix in enumerate(self._suffixes()):
            tensors = self.onnx_tensors(onnx, (suffix,))
            state = [onnx.cut(given, 0, number, number + 1) for given in first]
            made = [""] * steps
            for at in range(steps)[::-1] if number or self.reverse else range(steps):
                part, more = onnx.cut(x, 0, at, at + 1), self.onnx_attributes()
                state = self.onnx_states(onnx, state, (suffix,))
                state = onnx.nodes("LSTM", 3, part, *tensors, *state, hidden_size=self.hidden_size, **more)[1:]
                made[at] = onnx.node("Concat", *state, axis=-1)
            directions.append(onnx.node("Concat", *made, axis=0))
        return onnx.transpose(onnx.node("Concat", *directions, axis=-1), [1, 0, 2])

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module.  Raises LayerError for gates that it does not have."""
        if self.rounds or self.peepholes:
            raise LayerError("has no LSTM that rounds input and state, or whose gates see the cell")
        return super().to_torch(torch)

    def _called_in_torch(self, torch: Torch, x: TensorCode, *given: TensorCode) -> TensorCode:
        """Return the output of PyTorch's LSTM; if the cells are outputs, it is computed step by step."""
        if self.output == "states":
            return super()._called_in_torch(torch, x, *given)
        torch.define(_FUNCTION)
        if not torch.loose:
            torch.define(_MODULE)
            return self._module_in_torch(torch, "LSTMWithCells")(x, *given)
        tensors = self._tensors_in_torch(torch)
        count = len(tensors) // self.directions
        sides = [torch.call("list", *tensors[at : at + count]) for at in range(0, len(tensors), count)]
        return torch.call("lstm_with_cells", x, given[0] if given else self._zeros_in_torch(torch), *sides)

    def _zeros_in_torch(self, torch: Torch) -> TensorCode:
        """Return a first state and first cells of zeros."""
        return torch.call("tuple", super()._zeros_in_torch(torch), super()._zeros_in_torch(torch))

    def _states_in_torch(self, torch: Torch) -> list[ModuleCall]:
        """Return state and cell as one argument; cells of zeros where only the state is given."""
        states = super()._states_in_torch(torch)
        if len(states) == 1:
            states.append(torch.call("torch.zeros_like", states[0]))
        return [torch.call("tuple", *states)] if states else []


def _of_integers(ops: Ops, product: Callable[[Array, Array], Array], x: Array, weight: Array, scale: Array) -> Array:
    """Return a product with integers: x is rounded to steps, so that the sums are exact, and scaled after it."""
    steps, size = own_steps(ops.np, x)
    return product(steps, weight) * (x.dtype.type(size) * scale)
