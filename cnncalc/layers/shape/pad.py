"""Padding as a separate layer."""

from __future__ import annotations

from cnncalc.ground.numbers import counted
from cnncalc.layers.arguments import DERIVED, LayerError, argument, borders, choice, number, pair
from cnncalc.layers.base import Elsewhere, Example
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.reads import Read, Reads, along, sliding
from cnncalc.layers.shape._movement import Movement
from cnncalc.layers.shapes import Shape, spatial
from cnncalc.layers.window import both_sides

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""Contents of a border, with NumPy's names; ONNX has the same, and "edge"."""


class Pad(Movement):
    """Widens the map on its borders, or crops it where the padding is negative.

    Input (C, *spatial), output (C + channels, *spatial + padding).  The border holds ``value``, or the map's
    own elements: mirrored at its edge (reflect), its edge repeated (replicate), or its other side (circular).
    Negative padding is cropped first, as by ``torch.nn.functional.pad``.  Flops: 0.
    """

    moves_only = False

    padding = argument(
        borders,
        "elements around the map: an int, one per axis, or a pair per axis; negative ones crop",
        DERIVED,
        "P",
    )
    mode = argument(choice(*_MODES), "content of the border", "constant")
    value = argument(number, "value of a constant border", 0.0)
    channels = argument(pair, "channels filled with the constant, [before, after] the map's", 0, "P_C")

    example = Example("pad: 3", inputs=((3, 224, 224),), output=(3, 230, 230))
    elsewhere = Elsewhere(
        torch="ConstantPad{d}d(padding, value)",
        keras="ZeroPadding{d}D(padding)",
        onnx="Pad",
        others="ZeroPad{d}d ReflectionPad{d}d ReplicationPad{d}d CircularPad{d}d MirrorPad",
        compared=True,
    )

    def check(self) -> None:
        """Refuse a pad without padding, and channels with a mode other than constant."""
        if self.padding is None and self.channels == (0, 0):
            raise LayerError("'padding' is missing: elements around the map", hint="write it as padding: …")
        if self.channels != (0, 0) and self.mode != "constant":
            raise LayerError(
                f"channels = {self.channels[0]} + {self.channels[1]} can't be combined with mode = {self.mode}",
                argument="channels",
                hint="only a constant border can have channels",
            )

    def derived(self) -> dict[str, object]:
        """Return a border of 0 if only channels are given."""
        return {"padding": self.padding or (0, 0)}

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the shape with the borders added."""
        (shape,) = inputs
        sizes = spatial(shape, self.type)
        for size, border in zip(sizes, self.padding, strict=True):
            self._check_source(size, border)
        channels = shape[0] if self.channels == (0, 0) else shape[0] + both_sides(self.channels)
        borders = zip(sizes, self.padding, strict=True)
        return (channels, *[size + both_sides(border) for size, border in borders])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> Reads:
        """Return one tap, shifted by the border in front."""
        borders = enumerate((self.channels, *self.padding))
        return along(*[Read(axis, sliding(1, before=before)) for axis, (before, _) in borders])

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Add the borders."""
        np, x = ops.np, ops.np.moveaxis(inputs[0], 1, -1)
        borders = [(0, 0), *self.padding, self.channels]
        x = x[tuple([slice(max(-before, 0), min(after, 0) or None) for before, after in borders])]
        content = {"constant_values": self.value} if self.mode == "constant" else {}
        widths = [(max(before, 0), max(after, 0)) for before, after in borders]
        return np.moveaxis(np.pad(x, widths, _MODES[self.mode], **content), -1, 1)

    def to_onnx(self, onnx: Onnx) -> str:
        """Slice for cropping, then Pad; circular padding becomes slices and Concat."""
        y = onnx.x
        borders = [(0, 0), self.channels, *self.padding]
        for axis, ((before, after), size) in enumerate(zip(borders[1:], onnx.shapes[0], strict=True), 1):
            if before < 0 or after < 0:
                y = onnx.cut(y, axis, max(-before, 0), size + min(after, 0))
        borders = [(max(before, 0), max(after, 0)) for before, after in borders]
        if self.mode == "circular":
            return self._wrapped(onnx, y, borders)
        sides = [border[side] for side in (0, 1) for border in borders]
        if self.mode == "constant":
            return onnx.node("Pad", y, onnx.integers(sides), *[onnx.number(self.value)] * (self.value != 0))
        return onnx.node("Pad", y, onnx.integers(sides), mode=_MODES[self.mode])

    def _wrapped(self, onnx: Onnx, y: str, borders: list[tuple[int, int]]) -> str:
        """Return a map extended by its other side before and after each axis."""
        for axis, ((before, after), size) in enumerate(zip(borders, (0, *onnx.output), strict=True)):
            inner = size - before - after
            parts = [onnx.cut(y, axis, inner - before, inner)] if before else []
            parts += [y, *([onnx.cut(y, axis, 0, after)] if after else [])]
            y = onnx.node("Concat", *parts, axis=axis) if len(parts) > 1 else y
        return y

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's function."""
        if self.mode != "constant":
            torch.mapped(f"{self.mode} padding")
        borders = self.padding if self.channels == (0, 0) else (self.channels, *self.padding)
        value = self.value if self.mode == "constant" and self.value else 0
        return torch.pad(torch.x, borders, value, self.mode)

    def label(self) -> str:
        """Return ``3``, or ``1+2`` if the sides differ, and the mode or the channels."""
        parts = list(dict.fromkeys([_sides(border) for border in self.padding]))
        if self.mode != "constant":
            parts.append(self.mode)
        if self.channels != (0, 0):
            parts.append(f"C {_sides(self.channels)}")
        return ", ".join(parts)

    def _check_source(self, size: int, border: tuple[int, int]) -> None:
        cropped = sum([-side for side in border if side < 0])
        if cropped >= size:
            raise LayerError(
                f"padding = [{border[0]}, {border[1]}] crops all of an axis of {size}",
                argument="padding",
                hint="to keep a part of a map, 'slice' can be used, too",
            )
        size -= cropped
        limits = {"reflect": size - 1, "circular": size}
        if max(border) > limits.get(self.mode, max(border)):
            raise LayerError(
                f"padding = {max(border)} with mode = {self.mode}, but an axis of {size} provides only "
                f"{counted(limits[self.mode], 'element')}",
                argument="padding",
                hint=f"{limits[self.mode]} at most, or 'mode: replicate'",
            )


def _sides(border: tuple[int, int]) -> str:
    before, after = border
    return str(before) if before == after else f"{before}+{after}"
