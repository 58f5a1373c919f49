"""Which of a file's tensors are parameters, and with which layer each of them counts.

A file does not say which tensors were learned.  A stored tensor is a parameter if it is used in the arithmetic and has
the role of a weight (a filter, a matrix, a scale), several elements, or the dotted name of a module's attribute.  It is
a buffer if it is a batchnorm's statistic, a mask, or a table of indices or positions, or if it stands in a Constant
operator of a file that has initializers.  Each counts once, with the first layer that reads it, and with as many
elements as the file has of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.bias_tables import BiasTables
from cnncalc.importers.onnx.model import StoredTensor
from cnncalc.importers.onnx.proto import FLOATS, INT32, SMALL_INTEGERS
from cnncalc.importers.onnx.provenance import is_attribute, is_buffer_name, is_generated_name, key_of
from cnncalc.importers.onnx.state_forms import state_form
from cnncalc.layers.base import Weight
from cnncalc.layers.state_form import StateForm

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder
    from cnncalc.importers.onnx.values import ConstantInput, LayerStep

CONTRACTIONS = ("conv", "fc", "matmul")

MOVING = ("reshape", "permute", "expand", "flatten")
"""Layers whose output consists of elements of their input."""

ONE_TENSOR = ("scale", "shift", "parameter")
"""Types with one tensor, whose key in a state_dict is the layer's name, unless it is a module's ``weight``."""


class Params:
    """Decides which stored tensors are parameters of which layers.

    Attributes:
        shared: identities of the parameters that several layers read.
        saved: how many elements they would have more if each layer had its own.
        keys: for each layer, the keys of its tensors in the module's state_dict, as far as the file has them.
        forms: those of these tensors that the module has in another form.
    """

    def __init__(self, build: Builder, steps: list[LayerStep]) -> None:
        """Collect the roles that stored tensors have in the layers."""
        self.stored = build.model.graph.stored
        self.is_pytorch = build.model.producer == "pytorch"
        self.constants = build.constants
        self.equal = build.equal
        self.dequantized = build.dequantized
        self.statistics = build.statistics
        self.certain: set[int] = set()
        self.owners: dict[int, LayerStep] = {}
        self.shared: set[int] = set()
        self.saved = 0
        self.keys: dict[LayerStep, dict[str, str]] = {}
        self.forms: dict[LayerStep, dict[str, StateForm]] = {}
        for step in steps:
            certain = [tensor for tensor in step.tensors.values() if tensor.is_certain]
            self.certain.update([id(leaf) for tensor in certain for leaf in self._with_role(step, tensor)])
        self.embedded_positions = {id(leaf) for step in steps for leaf in _embedded_positions(step)}
        self.has_initializers = any(leaf not in self.constants for leaf in self.certain)
        self.bias_tables = BiasTables(build.wire, steps)

    def _with_role(self, step: LayerStep, tensor: ConstantInput) -> list[StoredTensor]:
        """Return the stored tensors of a layer's tensor, without single numbers of the formula that computes it."""
        found = _leaves(step, tensor)
        return [leaf for leaf in found if leaf.elements > 1 or len(found) == 1 or id(leaf) not in self.constants]

    def of(self, step: LayerStep) -> tuple[dict[str, Weight], bool]:
        """Return the tensors that count with a layer, by name, and whether the layer type has the same tensors.

        Their keys in the module's state_dict are added to :attr:`keys`.
        """
        own = step.use.weights
        found: dict[str, Weight] = {}
        here: set[int] = set()
        numbers: dict[str, int] = {}
        for name, tensor in step.tensors.items():
            alone = len(tensor.value.leaves) == 1
            for leaf in _leaves(step, tensor):
                is_owned = self.owners.setdefault(id(leaf), step) is step
                if id(leaf) in here or not self.counts(leaf):
                    continue
                trainable = self.is_param(leaf)
                is_copy = leaf.key != leaf.name and leaf.key in self.stored  # folded from one that is there, too
                if not is_owned or is_copy:
                    self.shared.update([id(leaf)] if trainable else [])
                    self.saved += leaf.elements if trainable else 0
                    continue
                here.add(id(leaf))
                shape = self.bias_tables.shapes.get(id(leaf)) or leaf.shape
                is_whole = alone and name in own and leaf.elements == prod(own[name].shape)
                if shape is leaf.shape and is_whole:
                    shape = own[name].shape
                key = key_of(leaf)
                last = (key or ("" if alone else leaf.name)).rpartition(".")[2]
                label = _unused_name(last if last.isidentifier() and not is_whole else name, found, numbers)
                found[label] = Weight(shape, trainable)
                if key:
                    self.keys.setdefault(step, {})[label] = key
                if key == leaf.name and is_whole and self.is_pytorch and (form := state_form(step, name)):
                    self.forms.setdefault(step, {})[label] = form
        is_own = found == own or (step.layer.kind == "recurrent" and _elements(found) == _elements(own))
        return (own, True) if is_own else (found, False)  # a file joins a recurrent layer's biases, and its directions

    def owner(self, step: LayerStep) -> LayerStep | None:
        """Return the layer of an earlier call of the same module: an equal layer with the same tensors; else None.

        Layers whose tensors repeat one number each are never the same: exporters store equal tensors once.
        """
        found = step.leaves()
        owner = self.owners[id(found[0])] if found else step
        if owner is step or owner.layer != step.layer or owner.tensors.keys() != step.tensors.keys():
            return None
        if all(tensor.value.fill is not None for tensor in step.tensors.values()):
            return None
        pairs = [(tensor.value, owner.tensors[name].value) for name, tensor in step.tensors.items()]
        return owner if all(self.equal.number(one) == self.equal.number(other) for one, other in pairs) else None

    def counts(self, leaf: StoredTensor) -> bool:
        """Whether a tensor counts as a parameter or a buffer; numbers in code, indices and zero points do not."""
        if leaf.dtype in FLOATS:
            return leaf.elements > 1 or id(leaf) not in self.constants or id(leaf) in self.certain
        is_number = id(leaf) in self.certain or id(leaf) in self.dequantized
        return is_number and (leaf.dtype in SMALL_INTEGERS or leaf.dtype == INT32)

    def is_learned(self, step: LayerStep) -> bool:
        """Whether any of a layer's tensors is a parameter."""
        return any(self.counts(leaf) and self.is_param(leaf) for leaf in step.leaves())

    def is_param(self, leaf: StoredTensor) -> bool:
        """Whether a tensor is a parameter, not a buffer."""
        if id(leaf) in self.constants and self.has_initializers:
            return False
        if id(leaf) in self.bias_tables.masks:
            return False
        if leaf.was_learned is not None and leaf.dtype in FLOATS:
            return leaf.was_learned
        if id(leaf) in self.certain:
            return True
        if id(leaf) in self.statistics or id(leaf) in self.embedded_positions or is_buffer_name(leaf.name):
            return False
        return leaf.elements > 1 or is_attribute(leaf.name)


def _embedded_positions(step: LayerStep) -> Iterable[StoredTensor]:
    """Return the computed tensors of positions that a product of constants embeds."""
    if step.layer.kind not in CONTRACTIONS or step.output.times:
        return
    for value in step.inputs:
        source = value.step
        while source is not None and source.layer.type in MOVING:
            source = source.inputs[0].step
        if source is not None and source.layer.type == "parameter":
            yield from [leaf for leaf in source.tensors["weight"].value.leaves if is_generated_name(leaf.name)]


def _leaves(step: LayerStep, tensor: ConstantInput) -> Sequence[StoredTensor]:
    """Return the stored tensors from which a layer's tensor is computed; copies of a folded tensor count once."""
    found = tensor.value.leaves
    if len(found) < 2 or step.layer.kind not in CONTRACTIONS:
        return found
    elements = tensor.value.elements
    copies = [leaf for leaf in found if leaf.elements == elements]
    return [leaf for leaf in found if leaf not in copies[1:]]


def _elements(tensors: Mapping[str, Weight]) -> int:
    return sum([prod(tensor.shape) for tensor in tensors.values() if tensor.trainable])


def _unused_name(name: str, taken: dict[str, Weight], numbers: dict[str, int]) -> str:
    """Return an unused name, with a number if needed; ``numbers`` has the last number that each name got."""
    free = name
    while free in taken:
        numbers[name] = numbers.get(name, 1) + 1
        free = f"{name}_{numbers[name]}"
    return free
