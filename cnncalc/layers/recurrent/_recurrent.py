"""The base class of recurrent layers: weights for each gate and direction, and the pass along the sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from cnncalc.ground.numbers import counted
from cnncalc.layers.arguments import LayerError, argument, flag, number, positive
from cnncalc.layers.base import Layer, Weight
from cnncalc.layers.contractions import Contraction
from cnncalc.layers.interfaces import Array, Attribute, ModuleCall, NumPy, Onnx, Ops, Or, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Along, Read, Reads, summed
from cnncalc.layers.shapes import Shape, shape_text

INT32 = 6
"""TensorProto's number of the type in which ONNX has lengths."""


class Recurrent(Layer):
    """One layer of cells; (T, F) gives (T, hidden_size), both directions are concatenated.

    Attributes:
        gates: number of products with the input, and with the state, in a cell.
        states: number of tensors passed from step to step.
        elementwise: floating-point operations of a cell per step and unit, apart from its products and biases.
        bias_adds: adds of a cell's biases, per step and unit.
        onnx_gates: the gates in ONNX's order.
    """

    kind = "recurrent"
    gates: ClassVar[int]
    states: ClassVar[int] = 1
    elementwise: ClassVar[int]
    bias_adds: ClassVar[int]
    onnx_gates: ClassVar[tuple[int, ...]]

    hidden_size = argument(positive, "units of a cell", symbol="H_out")
    bidirectional = argument(flag, "whether a second cell runs from the end to the beginning", False)
    reverse = argument(flag, "whether the only cell runs from the end to the beginning", False)
    bias = argument(flag, "whether the gates add constants, two each as in PyTorch and ONNX", True)
    lengths = argument(
        flag, "whether the second input is each sequence's number of steps; behind them the output is 0", False
    )

    clip = argument(number, "bound of each gate's sum on both sides, before its activation; 0 is none", 0.0)

    def check(self) -> None:
        """Refuse contradicting directions, and a negative bound."""
        if self.clip < 0:
            raise LayerError(f"clip = {self.clip:g} is negative", argument="clip", hint="3 keeps sums from -3 to 3")
        if self.bidirectional and self.reverse:
            raise LayerError(
                "reverse = true has no effect with bidirectional = true",
                argument="reverse",
                hint="leave it out: both directions are computed",
            )

    @property
    def directions(self) -> int:
        """How many cells there are."""
        return 2 if self.bidirectional else 1

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (T, hidden_size), or (T, 2 · hidden_size) for both directions."""
        shape = inputs[0]
        if len(shape) != 2:
            raise LayerError(
                f"takes a sequence [T, F], but its input is {shape_text(shape)}",
                hint="reshape or permute the map so that its columns, or rows, become the steps",
            )
        if self.lengths and inputs[1:2] != ((1,),):
            raise LayerError(
                "takes the number of steps, [1], as its second input, for lengths = true", argument="lengths"
            )
        first = inputs[1 + self.lengths :]
        if len(first) > self.states:
            raise LayerError(f"takes {counted(self.states, 'first state')}, but {len(first)} come in")
        for given in first:
            if given != (self.directions, self.hidden_size):
                raise LayerError(
                    f"its first state is {shape_text((self.directions, self.hidden_size))}, "
                    f"but {shape_text(given)} comes in"
                )
        return (shape[0], self.hidden_size if self.directions == 1 else 2 * self.hidden_size)

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight_ih_l0 (gates · H, F), weight_hh_l0 (gates · H, H), and biases, for each direction."""
        rows = self.gates * self.hidden_size
        made = {}
        for suffix in self._suffixes():
            made[f"weight_ih_l0{suffix}"] = Weight((rows, inputs[0][1]))
            made[f"weight_hh_l0{suffix}"] = Weight((rows, self.hidden_size))
            if self.bias:
                made[f"bias_ih_l0{suffix}"] = made[f"bias_hh_l0{suffix}"] = Weight((rows,))
            made |= self.more_weights(inputs[0], suffix)
        return made

    def below(self, inputs: tuple[Shape, ...]) -> tuple[int | None, ...]:
        """Return one more than the steps for the number of steps."""
        return tuple([inputs[0][0] + 1 if self.lengths and i == 1 else None for i in range(len(inputs))])

    def more_weights(self, shape: Shape, suffix: str) -> dict[str, Weight]:
        """Return tensors of one direction that this kind of cell has in addition."""
        return {}

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for each weight of the products, at every step."""
        steps, features = inputs[0]
        return steps * self.directions * self.gates * self.hidden_size * (features + self.hidden_size)

    def contractions(self, inputs: tuple[Shape, ...], output: Shape) -> list[Contraction]:
        """Return the inputs' product at all steps, and the states' at one after the other."""
        (steps, features), rows = inputs[0], self.gates * self.hidden_size
        return [
            Contraction(features, rows, steps, turns=self.directions),
            Contraction(self.hidden_size, rows, turns=steps * self.directions),
        ]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Two for each multiply-accumulate, and a cell's elementwise operations at every step; 2 for each bound."""
        operations = self.elementwise + (self.bias_adds if self.bias else 0) + (2 * self.gates if self.clip else 0)
        return 2 * self.macs(inputs, output) + inputs[0][0] * self.directions * self.hidden_size * operations

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return that a step reads all steps before it (all steps in both directions), and the first state."""
        steps = WHOLE if self.bidirectional else Read(0, summed(output[0], self.reverse))
        return ((Along((steps, WHOLE)),), *[(Along((WHOLE,) * len(shape)),) for shape in inputs[1:]])

    def step(
        self, ops: Ops, x: Array, state: tuple[Array, ...], turned: Array, bias: Array, *more: Array
    ) -> tuple[Array, ...]:
        """Return a cell's next state.

        Args:
            ops: the operations on tensors.
            x: the input's products with all gates (N, gates · H).
            state: the tensors of the previous step, the output first.
            turned: the weights by which the state is multiplied (H, gates · H).
            bias: what is added to the state's products (gates · H).
            more: tensors of `more_weights`.
        """
        raise NotImplementedError

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Process the sequence in each direction, and concatenate the outputs."""
        directions = [self._along(ops, inputs, weights, number) for number in range(self.directions)]
        return ops.np.concatenate(directions, axis=-1) if len(directions) > 1 else directions[0]

    def _along(self, ops: Ops, inputs: tuple[Array, ...], weights: dict[str, Array], number: int) -> Array:
        """Return the states of one direction at every step, in the order of the sequence."""
        x, suffix = inputs[0], self._suffixes()[number]
        batch, steps = x.shape[:2]
        fed, bias = self.fed(ops, x, weights, suffix)
        turned = weights[f"weight_hh_l0{suffix}"].T
        more = [weights[name] for name in self.more_weights(x.shape[1:], suffix)]
        zeros = ops.np.zeros((batch, self.hidden_size), x.dtype)
        first = [ops.np.broadcast_to(given[:, number], zeros.shape) for given in inputs[1 + self.lengths :]]
        state = (*first, *[zeros] * (self.states - len(first)))
        order = range(steps)[::-1] if number or self.reverse else range(steps)
        made: list[Array] = [zeros] * steps
        for at in order:
            new = self.step(ops, fed[:, at], state, turned, bias, *more)
            state, made[at] = self.kept(ops.np, inputs, at, new, state)
        return ops.np.stack(made, axis=1)

    def kept(
        self, np: NumPy, inputs: tuple[Array, ...], at: int, new: tuple[Array, ...], old: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], Array]:
        """Return the state after a step and the step's output: the old state and 0 where a sequence has ended."""
        if not self.lengths:
            return new, self.shown(np, new)
        lasts = inputs[1] > at
        state = tuple([np.where(lasts, after, before) for after, before in zip(new, old, strict=True)])
        return state, np.where(lasts, self.shown(np, new), 0)

    def fed(self, ops: Ops, x: Array, weights: dict[str, Array], suffix: str) -> tuple[Array, Array]:
        """Return the products of all steps' inputs with the gates, and what is added to those of a state."""
        weight = weights[f"weight_ih_l0{suffix}"]
        if not self.bias:
            return ops.linear(x, weight), ops.np.zeros(len(weight), x.dtype)
        return ops.linear(x, weight, weights[f"bias_ih_l0{suffix}"]), weights[f"bias_hh_l0{suffix}"]

    def bounded(self, np: NumPy, total: Array) -> Array:
        """Return a gate's sum within the bounds."""
        return np.clip(total, -self.clip, self.clip) if self.clip else total

    def shown(self, np: NumPy, state: tuple[Array, ...]) -> Array:
        """Return the output of a step."""
        return state[0]

    def to_onnx(self, onnx: Onnx) -> str:
        """The operator of the same name: steps come first, gates in another order, directions on an axis."""
        first = range(1 + self.lengths, len(onnx.inputs))
        states = [onnx.transpose(onnx.stretched(number), [1, 0, 2]) for number in first]
        tensors, more = self.onnx_tensors(onnx, self._suffixes()), self.onnx_states(onnx, states, self._suffixes())
        made = onnx.node(
            self.elsewhere.onnx, onnx.transpose(onnx.x, [1, 0, 2]), *tensors, *more,
            hidden_size=self.hidden_size,
            direction="bidirectional" if self.bidirectional else "reverse" if self.reverse else "forward",
            **self.onnx_attributes(),
        )  # fmt: skip
        return onnx.reshape(onnx.transpose(made, [2, 0, 1, 3]), [0, 0, onnx.output[-1]])

    def onnx_tensors(self, onnx: Onnx, suffixes: tuple[str, ...]) -> list[str]:
        """Return weights and biases of some directions, and the lengths of the sequences, or ""."""
        tensors = [self._stacked(onnx, [f"weight_{side}_l0{end}" for end in suffixes], (-1,)) for side in ("ih", "hh")]
        bias = ""
        if self.bias:
            sides = [self._stacked(onnx, [f"bias_{side}_l0{end}" for end in suffixes], ()) for side in ("ih", "hh")]
            bias = onnx.node("Concat", *sides, axis=1)
        lengths = onnx.node("Cast", onnx.reshape(onnx.stretched(1), [-1]), to=INT32) if self.lengths else ""
        return [*tensors, bias, lengths]

    def onnx_states(self, onnx: Onnx, states: list[str], suffixes: tuple[str, ...]) -> list[str]:
        """Return the initial states, followed by what else this kind of cell has in some directions."""
        return states

    def onnx_attributes(self) -> dict[str, Attribute]:
        """Return the ONNX attributes of this kind of cell."""
        return {"clip": self.clip} if self.clip else {}

    def _stacked(self, onnx: Onnx, names: list[str], rest: tuple[int, ...]) -> str:
        """Return tensors of all directions on an axis, their gates in ONNX' order."""
        made = []
        for name in names:
            gates = onnx.reshape(onnx.weight(name), [self.gates, self.hidden_size, *rest])
            ordered = onnx.node("Gather", gates, onnx.integers(self.onnx_gates), axis=0)
            made.append(onnx.reshape(ordered, [1, self.gates * self.hidden_size, *rest]))
        return made[0] if len(made) == 1 else onnx.node("Concat", *made, axis=0)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module with the batch first; initial states have the directions first.

        Raises:
            LayerError: for sequences of several lengths, which PyTorch packs before, and for bounds.
        """
        if self.clip:
            raise LayerError("has no bound of the gates (clip)")
        if self.lengths:
            raise LayerError("packs sequences of several lengths before the layer")
        x = torch.call(".flip", torch.x, 1) if self.reverse else torch.x
        value = self._called_in_torch(torch, x, *self._states_in_torch(torch))
        return torch.call(".flip", value, 1) if self.reverse else value

    def _called_in_torch(self, torch: Torch, x: TensorCode, *given: TensorCode) -> TensorCode:
        """Return the output of PyTorch's module for a sequence and first states; of its function for loose tensors."""
        if not torch.loose:
            return torch.call("[]", self._module_in_torch(torch, f"nn.{self.type.upper()}")(x, *given), 0)
        state = given[0] if given else self._zeros_in_torch(torch)
        tensors = torch.call("list", *self._tensors_in_torch(torch))
        options = (
            self.bias,
            1,
            0.0,
            False,
            self.bidirectional,
            True,
        )  # one layer, no dropout, in evaluation, batch first
        return torch.call("[]", torch.call(f"torch.{self._function_in_torch()}", x, state, tensors, *options), 0)

    def _function_in_torch(self) -> str:
        """Return the name of PyTorch's function."""
        return self.type

    def _zeros_in_torch(self, torch: Torch) -> TensorCode:
        """Return first states of zeros."""
        return torch.call(".new_zeros", torch.x, self.directions, torch.call("len", torch.x), self.hidden_size)

    def _tensors_in_torch(self, torch: Torch) -> list[TensorCode]:
        """Return the loose tensors, which are random before training, as those of PyTorch's module."""
        found = [torch.weight(name) for name in torch.loose]
        bound = round(float(self.hidden_size) ** -0.5, 4)
        for name, shape in torch.loose.items():
            torch.held[name] = torch.call("nn.init.uniform_", torch.call("torch.empty", *shape), -bound, bound)
        return found

    def _module_in_torch(self, torch: Torch, name: str, **options: Or) -> Callable[..., TensorCode]:
        """Make PyTorch's module; return a function that calls it."""
        return torch.module(
            name,
            torch.shapes[0][1],
            self.hidden_size,
            **options,
            **torch.options("bias"),
            batch_first=True,
            **torch.options("bidirectional"),
        )

    def _states_in_torch(self, torch: Torch) -> list[ModuleCall]:
        """Return the initial states in PyTorch's shape: (directions, N, hidden_size)."""
        states = []
        for place, once in enumerate(torch.once[1:], 1):
            given: TensorCode = torch.inputs[place]
            if once:
                given = torch.call(".expand", given, torch.call("len", torch.x), -1, -1)
            states.append(torch.call(".contiguous", torch.call(".transpose", given, 0, 1)))
        return states

    def label(self) -> str:
        """Return ``256``, and whether both directions are computed."""
        return f"{self.hidden_size}{', both ways' if self.bidirectional else ''}"

    def _suffixes(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)
