"""A graph as PyTorch source: a class for each block; the last one is the whole network."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from cnncalc.exporters.formats import Options, check_text
from cnncalc.exporters.nesting import growing
from cnncalc.exporters.scopes import ScopePart, all_parts, holder, parts_of
from cnncalc.exporters.torch.classes import Class, ClassUse, classes_of
from cnncalc.exporters.torch.layout import WIDTH
from cnncalc.exporters.torch.names import TAKEN, class_name, free, is_free, network_name, scope_name
from cnncalc.exporters.torch.source import class_text
from cnncalc.exporters.torch.structures import STATES, Maker, SlotRef, Structure, is_chain, numbered, structure_of
from cnncalc.graph import Graph, Node, Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_DETAILED
from cnncalc.ground.numbers import counted
from cnncalc.ground.places import Fault, SpecError
from cnncalc.ground.terminal_safe import printable
from cnncalc.layers.base import LayerError
from cnncalc.layers.pytorch import ModuleCall, Option, Or, Torch, call

_DEFINED = re.compile(r"^(?:class|def) (\w+)", re.MULTILINE).findall

_SERIES = '''
def series(**modules):
    """Return modules one after the other, under their names."""
    return nn.Sequential(OrderedDict(modules))
'''

MOST_NUMBERS = 3
"""Most numbers for each module of a numbered series; a missing one is an identity."""

ScopeKind = tuple[str, str, int]
"""Key of scopes that may share a class: whether it is a block, its name, and its nesting in blocks of that name."""


def export(graph: Graph, options: Options) -> Iterator[bytes]:
    """Yield the source; see :func:`torch_source`."""
    check_text(graph)
    yield torch_source(graph).encode()


def torch_source(graph: Graph) -> str:
    """Return the source of a module that computes what the graph does.

    The keys of its ``state_dict`` are the names of the graph's tensors, beside ``num_batches_tracked``, which PyTorch's
    batch norms have.

    Raises:
        SpecError: with every layer that PyTorch can't express, at its place.
    """
    return _Module(growing(graph) if graph.model.tensors is not None else graph).text()


class _Module:
    """The whole source.

    Attributes:
        root: the network's scopes.
        torch: each layer as PyTorch code.
        apart: the same of recurrent layers with keys of the module around them, where they are not one module's stack.
        helpers: definitions that the layers may need.
        makers: the code that makes each scope.
        classes: the classes, each after those that it uses.
        used: names that are taken.
        own: those of the network and the helpers.
        name: the network's class.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.root = parts_of(graph)
        scopes = sum([1 for _ in all_parts(self.root)])
        if scopes > MAX_DETAILED:
            raise CnncalcError(f"'{graph.title}' has {scopes:,} scopes; at most {MAX_DETAILED:,} can be modules")
        self.torch = _translated(graph)
        self.apart = _without_module(graph)
        codes = [*self.torch.values(), *self.apart.values()]
        self.helpers = dict.fromkeys([text for made in codes for text in made.helpers])
        self.makers: dict[ScopePart, Maker] = {}
        self.classes: list[Class] = []
        self.name = free(network_name(graph.name, graph.variant), set())
        self.own = frozenset([self.name, "series", *[name for text in self.helpers for name in _DEFINED(text)]])
        self.used = set(self.own)

    # --- classes --------------------------------------------------------------------------------------------

    def made(self) -> list[Class]:
        """Return the classes, each after those that it uses."""
        kinds: dict[ScopeKind, list[ScopePart]] = {}
        for part, kind in self._kinds().items():
            if part is not self.root:
                kinds.setdefault(kind, []).append(part)
        for (_, name, _), parts in kinds.items():
            self._make(name, parts)
        self._make("", [self.root])
        return self.classes

    def _kinds(self) -> dict[ScopePart, ScopeKind]:
        """Return the kind of each scope, in an order in which the kinds inside come first."""
        kinds = self._joined({part: self._kind(part) for part in all_parts(self.root)})
        order = _order(kinds)
        if order is not None:
            return dict(sorted(kinds.items(), key=lambda pair: order[pair[1]]))
        heights: dict[ScopePart, int] = {}  # blocks are inside blocks of the same name
        for part in kinds:
            inner = [heights[item.scope] for item in part.items if item.scope is not None]
            heights[part] = 1 + max(inner, default=0)
        return {part: (*kinds[part][:2], height) for part, height in sorted(heights.items(), key=lambda pair: pair[1])}

    def _kind(self, part: ScopePart) -> ScopeKind:
        use = self.graph.blocks.get(part.path)
        return ("block", use.name, 0) if use is not None else ("scope", scope_name(part.path) if part.path else "", 0)

    def _joined(self, kinds: dict[ScopePart, ScopeKind]) -> dict[ScopePart, ScopeKind]:
        """Return the kinds, those of a model file's scopes with the same structures as one: that of the most scopes."""
        numbers: dict[object, int] = {}
        makers: dict[ScopePart, Maker] = {}
        inside: dict[ScopeKind, set[int]] = {}
        for part, kind in kinds.items():
            if part is self.root:  # the last one, and no other is like it
                continue
            number = numbers.setdefault(structure_of(part, self.torch, makers).key, len(numbers))
            makers[part] = Maker(call(f"{number}"), (), "", None)
            if kind[0] == "scope":
                inside.setdefault(kind, set()).add(number)
        count = Counter(kinds.values())
        common: dict[frozenset[int], ScopeKind] = {}
        for kind in sorted(inside, key=lambda kind: -count[kind]):
            common.setdefault(frozenset(inside[kind]), kind)
        return {part: common[frozenset(inside[kind])] if kind in inside else kind for part, kind in kinds.items()}

    def _make(self, name: str, parts: list[ScopePart]) -> None:
        """Make the classes of scopes of one kind; a series of modules needs none."""
        uses: list[ClassUse] = []
        for part in parts:
            structure = structure_of(part, self.torch, self.makers)
            block = self.graph.blocks.get(part.path)
            module = _series(structure) or _stack(part, structure) if block is None and part.path else None
            if module is not None:
                self.makers[part] = Maker(module, (), name, None)
            else:
                if self.apart and not self.apart.keys().isdisjoint(part.nodes):
                    structure = structure_of(part, {**self.torch, **self.apart}, self.makers)
                uses.append(ClassUse(part, structure, block))

        def further() -> str:
            if not name:
                return self.name
            stem = class_name(name)
            stem = f"{stem}Block" if stem in self.own or stem in TAKEN else stem
            found = free(stem, self.used)
            self.used.add(found)
            return found

        for made in classes_of(uses, further):
            made.about = self._about(name, [use.part for use in made.uses])
            made.inputs = self._inputs(made.uses[0].part)
            words = tuple([word for word in made.arguments if word not in made.defaults])
            for use in made.uses:
                self.makers[use.part] = Maker(use.module, words, name, use.block.origin if use.block else None)
            self.classes.append(made)

    def _about(self, name: str, parts: list[ScopePart]) -> str:
        """Return the docstring of a class that stands for some scopes."""
        if parts == [self.root]:
            come, go = (_shapes(tensors.values()) for tensors in (self.graph.inputs, self.graph.outputs))
            return f"{_clean(self.graph.title)}: {come} in, {go} out."
        if parts[0].path in self.graph.blocks:
            uses = {1: "once", 2: "twice"}.get(len(parts), f"{len(parts)} times")
            return f"The block {_clean(name)}, used {uses}."
        shown = parts[0].path if len(parts) == 1 else f"{parts[0].path} and {counted(len(parts) - 1, 'other')} like it"
        return f"The scope {_clean(shown)}."

    def _inputs(self, part: ScopePart) -> list[str]:
        """Return the names of a scope's input tensors in ``forward``."""
        if len(part.reads) == 1:
            return ["x"]
        if part is not self.root:
            return [f"x{number}" for number in range(1, len(part.reads) + 1)]
        names: list[str] = []
        for tensor in part.reads:
            names.append(free(tensor.name, names))
        return names

    # --- text -----------------------------------------------------------------------------------------------

    def text(self) -> str:
        """Return the whole source."""
        bodies = [class_text(made) for made in self.made()]
        helpers = [
            text.strip("\n").split("\n") for text in self._needed("\n".join([line for body in bodies for line in body]))
        ]
        text = "\n\n\n".join("\n".join(body) for body in (*helpers, *bodies))
        if re.search(r"\bseries\(", text):
            text = f"{_SERIES.strip()}\n\n\n{text}"
        return "\n".join([*self._header(), "", *_imports(text), "", ""]) + f"\n{text}\n"

    def _needed(self, text: str) -> list[str]:
        """Return the definitions that a text uses, or that are used in these."""
        found: list[str] = []
        for helper in reversed(self.helpers):
            if any(re.search(rf"\b{name}\b", text) for name in _DEFINED(helper)):
                found.insert(0, helper)
                text += helper
        return found

    def _header(self) -> list[str]:
        """Return the comment at the top: title, source and figures."""
        graph = self.graph
        family = f", a variant of {_clean(graph.name)}" if graph.variant else ""
        params, macs = sum([node.params for node in graph.nodes]), sum([node.macs() for node in graph.nodes])
        lines = [f"{_clean(graph.title)}{family}, written by 'cnncalc export'."]
        if graph.source:
            lines.append(f"Source: {_clean(graph.source)}")
        lines.append(f"{counted(params, 'parameter')}, {counted(macs, 'multiply-accumulate')} for one sample.")
        return [f"# {line}" for one in lines for line in textwrap.wrap(one, WIDTH - 2, break_on_hyphens=False)]


def _translated(graph: Graph) -> dict[Node, Torch]:
    """Return each layer as PyTorch code.  Raises SpecError with every layer that PyTorch can't express."""
    found: dict[Node, Torch] = {}
    refused: dict[tuple[str, str, str], list[Node]] = {}  # those without a place by type, the others one by one
    others = [node for node in graph.nodes if node.shares is None and holder(node) != node.name]
    foreign = {node.key(name) for node in others for name in node.use.weights}  # PyTorch's module would add such a bias
    lists = _parameter_lists(graph)
    for node in graph.nodes:
        owner = node.shares or node
        keys = [owner.key(name).rpartition(".") for name in owner.use.weights]
        is_apart = holder(owner) != owner.name or f"{owner.name}.bias" in foreign or owner.forms
        is_loose = bool(is_apart) and all(is_free(name) or around in lists for around, _, name in keys)
        try:
            torch = _torch_of(node, is_loose and node.layer.kind != "recurrent")
            if owner in found and torch.made != found[owner].made:
                torch = _torch_of(node, True)
                if not torch.held:
                    raise LayerError(f"can't call the module of '{owner.name}' with other arguments")
            found[node] = torch
            modules = node.name.split(".") if node.use.weights else node.name.split(".")[:-1]
            if "training" in modules:
                raise LayerError("has a flag called 'training' in each module, so that none can have that name")
        except LayerError as error:
            key = node.name if node.origin else "", node.layer.type, error.message
            refused.setdefault(key, []).append(node)
    if refused:
        raise SpecError([_fault(nodes, message) for (_, _, message), nodes in refused.items()])
    return found


def _parameter_lists(graph: Graph) -> set[str]:
    """Return the paths of PyTorch's lists of parameters: their tensors' keys end in numbers, all of them in order."""
    found: dict[str, list[str]] = {}
    for node in graph.nodes:
        for name, weight in {} if node.shares else node.use.weights.items():
            around, _, last = node.key(name).rpartition(".")
            found.setdefault(around, []).append(last if weight.trainable else "")
    return {around for around, names in found.items() if names == [str(number) for number in range(len(names))]}


def _without_module(graph: Graph) -> dict[Node, Torch]:
    """Return recurrent layers whose tensors have keys of the module around them, as code without their own module."""
    found = [node for node in graph.nodes if node.layer.kind == "recurrent"]
    return {node: _torch_of(node, True) for node in found if holder(node.shares or node) != (node.shares or node).name}


def _torch_of(node: Node, is_loose: bool) -> Torch:
    """Return a layer as PyTorch code, which works on tensors without a module if ``is_loose`` and its type can."""
    loose = {name: weight.shape for name, weight in node.use.weights.items()} if is_loose else {}
    once = tuple([tensor.times == 0 for tensor in node.inputs])
    arguments = {name: Or(vars(node.layer)[name], one.default) for name, one in node.layer.arguments.items()}
    torch = Torch(arguments, node.use.inputs, node.shape, once, loose, (node.shares or node).forms)
    torch.value = node.layer.to_torch(torch)
    return torch


def _fault(nodes: Sequence[Node], message: str) -> Fault:
    """Return the fault of layers of one type that have no place of their own, as those of a model file."""
    who = f"'{nodes[0].name}' is" if len(nodes) == 1 else f"'{nodes[0].name}' and {len(nodes) - 1} more are"
    return Fault(f"{who} of type {nodes[0].layer.type}, but PyTorch {message}", nodes[0].origin)


def _stack(part: ScopePart, structure: Structure) -> ModuleCall | None:
    """Return the call of PyTorch's module of several equal recurrent layers with its keys; None for any other scope."""
    before = SlotRef("")
    calls: list[ModuleCall] = []
    for number, slot in enumerate(structure.slots.values()):
        node = part.nodes[number]
        keys = [f"{part.prefix}{tensor.replace('_l0', f'_l{number}')}" for tensor in node.use.weights]
        is_next = slot.reads == (before,) and slot.value == STATES and node.layer == part.nodes[0].layer
        if slot.module is None or not is_next or keys != [node.key(tensor) for tensor in node.use.weights]:
            return None
        calls.append(slot.module)
        before = SlotRef(slot.name)
    if len(calls) < 2 or structure.makes != (before,):
        return None
    return calls[0]._replace(options=(Option("num_layers", len(calls), 1), *calls[0].options))


def _series(structure: Structure) -> ModuleCall | None:
    """Return the call that makes a scope of modules one after the other; None for any other scope.

    Functions are PyTorch's modules if the modules are numbered, with an identity for a missing number, or if there are
    functions alone.
    """
    before = SlotRef("")
    modules: dict[str, ModuleCall] = {}
    for name, slot in structure.slots.items():
        module = slot.as_module or (slot.module if is_chain(structure, name, before) else None)
        if module is None or slot.reads != (before,):
            return None
        modules[name] = module
        before = SlotRef(slot.name)
    if structure.makes != (before,) or structure.inputs != 1 or structure.foreign:
        return None
    functions = [slot.as_module for slot in structure.slots.values() if slot.as_module is not None]
    if functions and len(functions) == len(modules):
        return functions[0] if len(functions) == 1 else ModuleCall("nn.Sequential", tuple(functions))
    numbers = [start[1] for name in modules if (start := numbered(name)) and not start[0]]
    if len(numbers) < len(modules):
        named = tuple([Option(name, module, None) for name, module in modules.items()])
        return ModuleCall("series", (), named) if not functions and all(map(is_free, modules)) else None
    count = max(numbers, default=-1) + 1
    if numbers != sorted(numbers) or count > MOST_NUMBERS * len(numbers):
        return None
    return ModuleCall("nn.Sequential", tuple([modules.get(str(at), call("nn.Identity")) for at in range(count)]))


def _order(kinds: dict[ScopePart, ScopeKind]) -> dict[ScopeKind, int] | None:
    """Return the place of each kind in an order with inner kinds first; None if kinds contain each other."""
    needs: dict[ScopeKind, set[ScopeKind]] = {kind: set() for kind in kinds.values()}
    for part, kind in kinds.items():
        needs[kind] |= {kinds[item.scope] for item in part.items if item.scope is not None}
    order: dict[ScopeKind, int] = {}
    while len(order) < len(needs):
        ready = [kind for kind, wanted in needs.items() if kind not in order and wanted <= order.keys()]
        if not ready:
            return None
        for kind in ready:
            order[kind] = len(order)
    return order


def _imports(text: str) -> list[str]:
    """Return the imports that a source needs."""
    found = ["from collections import OrderedDict", ""] if "OrderedDict" in text else []
    found += ["import torch"] if re.search(r"\btorch\.", text) else []
    found += ["import torch.nn.functional as F"] if re.search(r"\bF\.", text) else []
    return [*found, "from torch import nn"]


def _shapes(tensors: Iterable[Tensor]) -> str:
    """Return shapes with the batch in front: ``(N, 3, 224, 224)``."""
    return ", ".join([f"({', '.join([_batch(tensor), *map(str, tensor.shape)])})" for tensor in tensors])


def _batch(tensor: Tensor) -> str:
    return "1" if tensor.times == 0 else "N" if tensor.times == 1 else f"{tensor.times} * N"


def _clean(text: str) -> str:
    """Return a text that can stand in a comment or a docstring."""
    return printable(" ".join(text.split())).replace("\\", "/").replace('"', "'")
