"""Layers and who reads them, and how some of them become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isclose
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.steps import made
from cnncalc.importers.onnx.values import ConstantInput, LayerStep
from cnncalc.layers.base import LayerError

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder
    from cnncalc.importers.onnx.values import Value
    from cnncalc.layers.base import Layer

CLOSE = 1e-3
"""How near a file's number must be to a formula's, relatively."""

Pattern = Callable[["Fuser", LayerStep], "LayerStep | None"]


class Fuser:
    """Steps and who reads them."""

    def __init__(self, build: Builder, steps: list[LayerStep], outputs: list[Value]) -> None:
        self.build = build
        self.steps = steps
        self.kept = {value.step for value in outputs}
        self.readers: dict[LayerStep, dict[LayerStep, int]] = {}
        self.values: dict[LayerStep, list[Value]] = {}
        for step in steps:
            self._read(step)
        for value in outputs:
            if value.step is not None:
                self.values.setdefault(value.step, []).append(value)
        self.gone: set[LayerStep] = set()
        self.before: dict[LayerStep, list[LayerStep]] = {}
        self.tables: dict[object, list[Value]] = {}

    def _read(self, step: LayerStep) -> None:
        """Note what a step reads, how often, and by which values."""
        for value in step.inputs:
            if value.step is not None:
                readers = self.readers.setdefault(value.step, {})
                readers[step] = readers.get(step, 0) + 1
                self.values.setdefault(value.step, []).append(value)

    def reader(self, step: LayerStep) -> LayerStep | None:
        """Return the only step that reads another, once; None if there are several."""
        readers = self.readers.get(step, {})
        return next(iter(readers)) if len(readers) == 1 == sum(readers.values()) else None

    def run(self, patterns: Mapping[str, tuple[Pattern, ...]]) -> list[LayerStep]:
        """Return the steps, each with the first pattern that ends in it put in its place.

        Args:
            patterns: by the layer type that they end in.
        """
        found: list[LayerStep] = []
        for step in self.steps:
            if step in self.gone:
                continue
            ending = patterns.get(step.layer.type, ())
            new = next((new for pattern in ending if (new := pattern(self, step)) is not None), None)
            found += [step] if new is None else [*self.before[new], new]
        return [step for step in found if step not in self.gone]

    def sole(self, step: LayerStep | None, kind: str, readers: int = 1) -> LayerStep | None:
        """Return a step where it is of a type, and nothing but ``readers`` steps read it."""
        if step is None or step.layer.type != kind or step in self.kept or step in self.gone:
            return None
        found = self.readers.get(step, {})
        return step if len(found) <= readers == sum(found.values()) else None

    def maker(self, value: Value, kind: str, readers: int = 1) -> LayerStep | None:
        """Return what makes a value, as :meth:`sole`."""
        return self.sole(value.step, kind, readers)

    def _figures(self, parts: Iterable[LayerStep], new: Iterable[LayerStep]) -> tuple[int, int]:
        """Return a sample's macs and flops of some steps, less those of others that stay beside their place."""
        macs = flops = 0
        for steps, sign in ((parts, 1), (new, -1)):
            for step in steps:
                use, count = step.use, sign * step.copies
                macs, flops = macs + count * use.macs, flops + count * (use.flops or 0)
        return macs, flops

    def put(
        self,
        parts: list[LayerStep],
        kind: str,
        inputs: list[Value],
        held: dict[str, ConstantInput] | None = None,
        **arguments: object,
    ) -> LayerStep | None:
        """Return a layer of a type in place of the last of some steps, the others being gone."""
        return self.replace(parts, made(kind, arguments), inputs, held)

    def replace(
        self,
        parts: list[LayerStep],
        layer: Layer,
        inputs: list[Value],
        held: dict[str, ConstantInput] | None = None,
        new: Sequence[LayerStep] = (),
    ) -> LayerStep | None:
        """Return a layer in place of the last of some steps, the others being gone; ``new`` ones stand before it.

        None, and nothing is changed, where it would have another shape than they, or other figures.
        """
        last = parts[-1]
        try:
            use = layer.apply(tuple([value.sample for value in inputs]))
        except LayerError:
            return None
        count = max(last.output.times, 1)
        figures = count * use.macs, count * (use.flops or 0)
        if use.output != last.output.sample or figures != self._figures([*parts], [*new]):
            return None
        calls = [call for part in parts for call in part.calls]
        whole = LayerStep(layer, inputs, last.output, held or {}, calls)
        last.output.step = whole
        self.before[whole] = list(new)
        for part in parts:
            for value in part.inputs:
                if value.step is not None:
                    self.readers.get(value.step, {}).pop(part, None)
        for step in (*new, whole):
            self._read(step)
        self.readers[whole] = self.readers.pop(last, {})
        self.values[whole] = self.values.pop(last, [])
        for value in self.values[whole]:
            value.step = whole
        if last in self.kept:
            self.kept.add(whole)
        self.gone.update(parts)
        return whole


def same(one: Value, other: Value) -> bool:
    """Whether two values are one tensor."""
    if one.step is not None or other.step is not None:
        return one.step is other.step
    return one.origin is not None and one.origin == other.origin


def is_affine(step: LayerStep | None, mul: float = 1.0, add: float = 0.0) -> bool:
    """Whether a step is mul · x + add."""
    if step is None or step.layer.type != "affine":
        return False
    return isclose(step["mul"], mul, rel_tol=CLOSE) and isclose(step["add"], add, rel_tol=CLOSE)
