"""How several layers become one: which layers read each other, and the replacement of some by another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isclose
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.steps import layer_of
from cnncalc.importers.onnx.values import ConstantInput, LayerStep, Value
from cnncalc.layers.base import LayerError

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder
    from cnncalc.layers.base import Layer
    from cnncalc.layers.shapes import Shape

CLOSE = 1e-3
"""The largest relative difference between a file's number and that of a formula."""

Pattern = Callable[["Fuser", LayerStep], "LayerStep | None"]


class Fuser:
    """The layers of a model and their readers, while patterns of several layers become one.

    Attributes:
        build: the builder of the layers.
        kept: layers whose output is one of the model.
        tables: cosines and sines that rotary embeddings have made parameters, by their constant's number and shape.
    """

    def __init__(self, build: Builder, steps: list[LayerStep], outputs: list[Value]) -> None:
        self.build = build
        self.steps = steps
        self.kept = {value.step for value in outputs}
        self.readers: dict[LayerStep, dict[LayerStep, int]] = {}
        for step in steps:
            self._read(step)
        self.gone: set[LayerStep] = set()
        self.before: dict[LayerStep, list[LayerStep]] = {}
        self.tables: dict[tuple[int, Shape], Value] = {}

    def _read(self, step: LayerStep) -> None:
        """Add a layer to the readers of its inputs."""
        for value in step.inputs:
            if value.step is not None:
                readers = self.readers.setdefault(value.step, {})
                readers[step] = readers.get(step, 0) + 1

    def reader(self, step: LayerStep) -> LayerStep | None:
        """Return the only layer that reads another one, and only once; None if there are several."""
        readers = self.readers.get(step, {})
        return next(iter(readers)) if len(readers) == 1 == sum(readers.values()) else None

    def run(self, patterns: Mapping[str, tuple[Pattern, ...]]) -> list[LayerStep]:
        """Return the layers after replacing, at each layer, the first pattern that ends there and fits.

        Args:
            patterns: the patterns by the layer type that they end in.
        """
        found: list[LayerStep] = []
        for step in self.steps:
            if step in self.gone or step in self.before:
                continue
            new = None
            for pattern in patterns.get(step.layer.type, ()):
                new = new or pattern(self, step)
            found += [step] if new is None else [*self.before[new], new]
        return [step for step in found if step not in self.gone]

    def maker(self, value: Value, *kinds: str, readers: int = 1) -> LayerStep | None:
        """Return the layer that computes a value, if its type is one of ``kinds`` and it has ``readers``; else None."""
        step = value.step
        if step is None or step.layer.type not in kinds or step in self.kept or step in self.gone:
            return None
        found = self.readers.get(step, {})
        return step if len(found) <= readers == sum(found.values()) else None

    def chain(self, value: Value, *kinds: str) -> list[LayerStep] | None:
        """Return the layers of some types, the last one first, that compute a value in a chain; None if others do."""
        found: list[LayerStep] = []
        for kind in kinds:
            step = self.maker(value, kind)
            if step is None:
                return None
            found.append(step)
            value = step.inputs[0]
        return found

    def _figures(self, parts: Iterable[LayerStep], new: Iterable[LayerStep]) -> tuple[int, int]:
        """Return the MACs and FLOPs of one sample in some layers, minus those of others."""
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
        tensors: dict[str, ConstantInput] | None = None,
        **arguments: object,
    ) -> LayerStep | None:
        """Replace some layers, the last of which gives the output, by one of a type; see :meth:`replace`."""
        return self.replace(parts, layer_of(kind, arguments), inputs, tensors)

    def replace(
        self,
        parts: list[LayerStep],
        layer: Layer,
        inputs: list[Value],
        tensors: dict[str, ConstantInput] | None = None,
        new: Sequence[LayerStep] = (),
    ) -> LayerStep | None:
        """Put a layer in place of some others, the last of which becomes it, with ``new`` layers before it.

        None is returned, and nothing is changed, if its output had another shape, or the MACs or FLOPs would differ.
        """
        last = parts[-1]
        try:
            use = layer.apply(tuple([value.sample for value in inputs]))
        except LayerError:
            return None
        figures = last.copies * use.macs, last.copies * (use.flops or 0)
        if use.output != last.output.sample or figures != self._figures([*parts], [*new]):
            return None
        return self.swap(parts, layer, inputs, tensors or {}, new)

    def swap(
        self,
        parts: list[LayerStep],
        layer: Layer,
        inputs: list[Value],
        tensors: dict[str, ConstantInput],
        new: Sequence[LayerStep] = (),
    ) -> LayerStep:
        """Put a layer in place of some others, with ``new`` layers before it, whatever their figures are."""
        *others, last = parts
        for part in parts:
            for value in part.inputs:
                if value.step is not None:
                    self.readers.get(value.step, {}).pop(part, None)
        last.put(layer, inputs)
        last.tensors = tensors
        last.calls = [call for part in parts for call in part.calls]
        for step in (*new, last):
            self._read(step)
        self.before[last] = [*new]
        self.gone.update(others)
        return last


def is_whole(step: LayerStep) -> bool:
    """Whether the tensor of a scale or a shift has as many axes as the layer's output."""
    return len(step["shape"] or ()) == len(step.output.shape)


def is_plain(step: LayerStep) -> bool:
    """Whether a reshape leaves the samples as they are."""
    return bool(step["fold"] == step["unfold"] == 1)


def is_in_order(axes: tuple[int, ...]) -> bool:
    """Whether a permutation leaves the axes as they are."""
    return axes == tuple(range(len(axes)))


def as_parameter(step: LayerStep) -> tuple[Value, LayerStep]:
    """Return the tensor of a scale or a shift as the output of a layer of its own, and that layer."""
    output = Value(step.tensors["weight"].value.name, step["shape"])
    return output, LayerStep(layer_of("parameter", {"shape": step["shape"]}), [], output, step.tensors, step.calls)


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same tensor."""
    if one.step is not None or other.step is not None:
        return one.step is other.step
    return one.input_name is not None and one.input_name == other.input_name


def is_affine(step: LayerStep | None, mul: float = 1.0, add: float = 0.0) -> bool:
    """Whether a layer computes mul · x + add."""
    if step is None or step.layer.type != "affine":
        return False
    return isclose(step["mul"], mul, rel_tol=CLOSE) and isclose(step["add"], add, rel_tol=CLOSE)
