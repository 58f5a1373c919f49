"""Which of a file's tensors are parameters, and with which layer each counts.

A file does not say what was learned.  A stored tensor is a parameter where it is a weight by its role (a filter, a
matrix, a scale), or where it has several elements, or the dotted name of a module's attribute, and is used in the
arithmetic; it is a buffer where it is nothing but a batchnorm's statistic, a mask, a table of indices or positions, or
stands in a Constant operator while the file keeps its weights beside the graph.  Each counts once, with the first layer
that takes it in, as many elements as the file has of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.equal import are_same
from cnncalc.importers.onnx.expanded import Expanded
from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.proto import FLOATS, INT32, SMALL_INTEGERS
from cnncalc.importers.onnx.provenance import is_attribute, is_buffer_name, is_generated_name, key_of
from cnncalc.layers.base import Weight

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder
    from cnncalc.importers.onnx.values import ConstantInput, LayerStep

CONTRACTIONS = ("conv", "fc", "matmul")

MOVING = ("reshape", "permute", "expand", "flatten")
"""Layers whose elements are all their input's."""

BARE = ("scale", "shift", "parameter")
"""Types that are one tensor, whose name in a state_dict is the layer's own, unless it is a module's ``weight``."""


class Params:
    """The parameters of a file's steps.

    Attributes:
        shared: the stored tensors that several steps read, by their identity.
        keys: what the tensors of a step are called in the module's state_dict, as far as the file says.
    """

    def __init__(self, build: Builder, steps: list[LayerStep]) -> None:
        """Look at the role of every stored tensor."""
        self.constants = build.constants
        self.dequantized = build.dequantized
        self.statistics = build.statistics
        self.certain: set[int] = set()
        self.taken: dict[int, LayerStep] = {}
        self.shared: set[int] = set()
        self.keys: dict[LayerStep, dict[str, str]] = {}
        for step in steps:
            for held in step.held.values():
                if held.is_certain:
                    self.certain.update([id(leaf) for leaf in leaves(step, held)])
        self.fed = {id(leaf) for step in steps for leaf in _fed(step)}
        self.beside = any(leaf not in self.constants for leaf in self.certain)
        self.expanded = Expanded(build.wire, steps)

    def of(self, step: LayerStep) -> tuple[dict[str, Weight], bool]:
        """Return the tensors that count with a step, by name, and whether they are the layer's own.

        Their keys in the module's state_dict are noted in :attr:`keys`.
        """
        own = step.layer.weights(*[value.sample for value in step.inputs])
        found: dict[str, Weight] = {}
        here: set[int] = set()
        numbers: dict[str, int] = {}
        for name, held in step.held.items():
            alone = len(held.value.leaves) == 1
            for leaf in leaves(step, held):
                owner = self.taken.setdefault(id(leaf), step)
                if owner is not step and self.counts(leaf) and self.is_param(leaf):
                    self.shared.add(id(leaf))
                if owner is not step or id(leaf) in here:
                    continue
                here.add(id(leaf))
                if not self.counts(leaf):
                    continue
                trainable = self.is_param(leaf)
                shape = self.expanded.shapes.get(id(leaf)) or leaf.shape
                is_whole = alone and name in own and leaf.elements == _size(own[name])
                if shape is leaf.shape and is_whole:
                    shape = own[name].shape
                key = key_of(leaf)
                last = (key or ("" if alone else leaf.name)).rpartition(".")[2]
                label = _free(name if is_whole else last or name, found, numbers)
                found[label] = Weight(shape, trainable)
                if key:
                    self.keys.setdefault(step, {})[label] = key
        return found, found == own

    def owner(self, step: LayerStep) -> LayerStep | None:
        """Return the earlier step of the same layer on the same tensors: a module that is called once more.

        Exporters also store equal tensors once, as scales and shifts before a training, where no module is shared.
        """
        found = [leaf for held in step.held.values() for leaf in held.value.leaves]
        owner = self.taken[id(found[0])] if found else step
        if owner is step or owner.layer != step.layer or owner.held.keys() != step.held.keys():
            return None
        if all(held.value.fill is not None for held in step.held.values()):
            return None
        pairs = [(held.value, owner.held[name].value) for name, held in step.held.items()]
        return owner if are_same(pairs) else None

    def counts(self, leaf: StoredTensor) -> bool:
        """Whether a tensor is a figure of the network at all, and no index or scale of a quantisation."""
        if leaf.dtype in FLOATS:
            return True
        is_number = id(leaf) in self.certain or id(leaf) in self.dequantized
        return is_number and (leaf.dtype in SMALL_INTEGERS or leaf.dtype == INT32)

    def is_learned(self, step: LayerStep) -> bool:
        """Whether any of a step's tensors was learned."""
        found = [leaf for held in step.held.values() for leaf in held.value.leaves]
        return any(self.counts(leaf) and self.is_param(leaf) for leaf in found)

    def is_param(self, leaf: StoredTensor) -> bool:
        """Whether a tensor was learned."""
        if id(leaf) in self.constants and self.beside:
            return False
        if id(leaf) in self.expanded.masks:
            return False
        if leaf.was_learned is not None and leaf.dtype in FLOATS:
            return leaf.was_learned
        if id(leaf) in self.certain:
            return True
        if id(leaf) in self.statistics or id(leaf) in self.fed or is_buffer_name(leaf.name):
            return False
        return leaf.elements > 1 or is_attribute(leaf.name)


def _fed(step: LayerStep) -> Iterable[StoredTensor]:
    """Return what a network on constants alone reads, positions that it embeds, where an exporter has computed them."""
    if step.layer.kind not in CONTRACTIONS or step.output.times:
        return
    for value in step.inputs:
        source = value.step
        while source is not None and source.layer.type in MOVING:
            source = source.inputs[0].step
        if source is not None and source.layer.type == "parameter":
            yield from [leaf for leaf in source.held["weight"].value.leaves if is_generated_name(leaf.name)]


def leaves(step: LayerStep, held: ConstantInput) -> Iterable[StoredTensor]:
    """Return the stored tensors that a layer's tensor is made of; copies that folding has made count once."""
    found = held.value.leaves
    if len(found) < 2 or step.layer.kind not in CONTRACTIONS:
        return found
    elements = held.value.elements
    copies = [leaf for leaf in found if leaf.elements == elements]
    return [leaf for leaf in found if leaf not in copies[1:]]


def _size(weight: Weight) -> int:
    size = 1
    for length in weight.shape:
        size *= length
    return size


def _free(name: str, taken: dict[str, Weight], numbers: dict[str, int]) -> str:
    """Return a name that is not taken; ``numbers`` are those behind each name so far."""
    free = name
    while free in taken:
        numbers[name] = numbers.get(name, 1) + 1
        free = f"{name}_{numbers[name]}"
    return free
