"""Sum of products over named axes."""

from __future__ import annotations

import re
from math import prod

from cnncalc.ground.numbers import counted
from cnncalc.layers.arguments import Conversion, LayerError, argument
from cnncalc.layers.base import Elsewhere, Example, Layer
from cnncalc.layers.contractions import Contraction
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import WHOLE, Along, Read, Reads
from cnncalc.layers.shapes import Shape, shape_text

_EQUATION = re.compile(r"([A-Za-z]*)(?:,([A-Za-z]*))?->([A-Za-z]*)").fullmatch


def _equation(value: object) -> str:
    """An Einstein sum of one or two tensors, ``hld,hsd->hls``; the batch has no letter."""
    text = str(value).replace(" ", "")
    if not isinstance(value, str) or len(text) > 40 or not _EQUATION(text):
        raise ValueError("an equation of one or two tensors such as 'hld,hsd->hls'")
    return text


_TEXT = Conversion(_equation, is_text=True)


class Einsum(Layer):
    """Multiplies its inputs along axes of the same letter, and sums over the letters that the output lacks.

    One or two inputs, an axis for each letter; the batch has none.  With two inputs and a letter that is summed it is
    a contraction; else flops are 1 product per output element and 1 add per summed element.
    """

    kind = "matmul"
    arity = (1, 2)
    label_format = "{equation}"

    equation = argument(_TEXT, "the letters of each input's axes, and of the output's: 'hld,hsd->hls'")

    example = Example(
        "einsum: 'hld,hsd->hls'",
        inputs=((12, 197, 64), (12, 197, 64)),
        output=(12, 197, 197),
        macs=12 * 197 * 197 * 64,
        flops=2 * 12 * 197 * 197 * 64,
    )
    elsewhere = Elsewhere(onnx="Einsum", compared=True)

    def check(self) -> None:
        """Refuse letters that occur twice in one term, or only in the output."""
        *terms, out = self._terms()
        for term in (*terms, out):
            if len(set(term)) < len(term):
                raise LayerError(f"'{term}' names an axis twice", argument="equation")
        if not set(out) <= set("".join(terms)):
            raise LayerError(f"'{out}' has a letter that no input has", argument="equation")

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the sizes of the output's letters; (1,) if it has none."""
        sizes = self._sizes(inputs)
        return tuple([sizes[letter] for letter in self._terms()[-1]]) or (1,)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One for every combination of all letters, if there are two inputs and a letter is summed."""
        return prod(self._sizes(inputs).values()) if self._contracts() else 0

    def contractions(self, inputs: tuple[Shape, ...], output: Shape) -> list[Contraction]:
        """Return the product that the letters describe: letters of both inputs are groups, summed ones are channels."""
        if not self._contracts():
            return []
        left, right, out = self._terms()
        sizes = self._sizes(inputs)

        def size(letters: list[str]) -> int:
            return prod([sizes[letter] for letter in letters])

        both, rows = size([i for i in out if i in left and i in right]), size([i for i in out if i not in right])
        columns, summed = size([i for i in out if i not in left]), size([i for i in sizes if i not in out])
        return [Contraction(summed, columns, rows, groups=both)]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Two for each multiply-accumulate; without any, the products, or the adds of the sum."""
        if self._contracts():
            return 2 * self.macs(inputs, output)
        if len(inputs) == 2:
            return prod(output)
        return prod(inputs[0]) - prod(output)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return the places of the output's letters, and that the other axes are read whole."""
        *terms, out = self._terms()
        return tuple([(Along(tuple([_place(letter, out) for letter in term])),) for term in terms])

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Arrange both inputs as matrices and multiply them."""
        *terms, out = self._terms()
        if len(terms) == 1:
            summed: Array = ops.np.einsum(f"...{terms[0]}->...{out}", inputs[0])
            return summed if out else summed.reshape(-1, 1)
        left, right = terms
        sizes = dict(zip("".join(terms), inputs[0].shape[1:] + inputs[1].shape[1:], strict=True))
        both = [letter for letter in out if letter in left and letter in right]
        rows = [letter for letter in out if letter not in right]
        columns = [letter for letter in out if letter not in left]
        inner = [letter for letter in left if letter in right and letter not in out]
        a = self._arranged(inputs[0], left, [both, rows, inner], sizes)
        b = self._arranged(inputs[1], right, [both, inner, columns], sizes)
        product = ops.matmul(a, b) if self._contracts() else a * b
        shaped = product.reshape(len(product), *[sizes[letter] for letter in (*both, *rows, *columns)])
        order = [[*both, *rows, *columns].index(letter) + 1 for letter in out]
        return shaped.transpose(0, *order) if out else shaped.reshape(-1, 1)

    def to_onnx(self, onnx: Onnx) -> str:
        """Einsum, the batch with a letter of its own."""
        *terms, out = self._terms()
        batch = next(letter for letter in "nzyxwvutsrqpomlkjihgfedcbaNZ" if letter not in self.equation)
        made = onnx.node("Einsum", *onnx.inputs, equation=f"{','.join(batch + term for term in terms)}->{batch}{out}")
        return made if out else onnx.reshape(made, [-1, 1])

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function, dots for the batch."""
        *terms, out = self._terms()
        equation = ",".join([f"...{term}" for term in terms]) + f"->...{out}"
        value = torch.call("torch.einsum", equation, *torch.inputs)
        return value if out else torch.call(".unsqueeze", value, -1)

    def _terms(self) -> list[str]:
        match = _EQUATION(self.equation)
        assert match is not None
        left, right, out = match.groups()
        return [left, out] if right is None else [left, right, out]

    def _contracts(self) -> bool:
        left, right = self._terms()[:2] if len(self._terms()) == 3 else ("", "")
        return bool(set(left) & set(right) - set(self._terms()[-1]))

    def _sizes(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        terms = self._terms()[:-1]
        if len(terms) != len(inputs):
            raise LayerError(f"'{self.equation}' takes {counted(len(terms), 'input')}, not {len(inputs)}")
        sizes: dict[str, int] = {}
        for term, shape in zip(terms, inputs, strict=True):
            if len(term) != len(shape):
                raise LayerError(f"'{term}' has {len(term)} letters, but the input is {shape_text(shape)}")
            for letter, size in zip(term, shape, strict=True):
                if sizes.setdefault(letter, size) != size:
                    raise LayerError(f"'{letter}' is {sizes[letter]} in one place and {size} in another")
        return sizes

    def _arranged(self, x: Array, term: str, groups: list[list[str]], sizes: dict[str, int]) -> Array:
        """Return an input with its letters in three groups; other letters are summed over."""
        alone = [i + 1 for i, letter in enumerate(term) if all(letter not in group for group in groups)]
        kept = [letter for letter in term if any(letter in group for group in groups)]
        x = x.sum(axis=tuple(alone)) if alone else x
        order = [kept.index(letter) + 1 for group in groups for letter in group]
        return x.transpose(0, *order).reshape(len(x), *[prod([sizes[i] for i in group]) for group in groups])


def _place(letter: str, out: str) -> Read:
    return Read(out.index(letter)) if letter in out else WHOLE
