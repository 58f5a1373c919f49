"""Names of layers: those of the modules that they come from, if the file has them.

PyTorch's exporters write the module's path with each node, in the node's name (``/layer1/layer1.0/conv1/Conv``) or in
its metadata.  A layer with parameters is named after them (``layer1.0.conv1`` for ``layer1.0.conv1.weight``), so that
the keys of its tensors are those of the module's state_dict.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from cnncalc.graph import Node
from cnncalc.ground.limits import MAX_MODEL_PATH, MAX_MODEL_PATH_PARTS
from cnncalc.importers.onnx.model import OnnxOperator
from cnncalc.importers.onnx.params import ONE_TENSOR, Params
from cnncalc.importers.onnx.provenance import key_of

if TYPE_CHECKING:
    from cnncalc.importers.onnx.values import Call, LayerStep

RECURRENT = ("LSTM", "GRU", "RNN")
_INLINED = re.compile(r"^[\w:]*__Inline_\d+__").sub
"""What ONNX's inliner writes in front of the names of a function's operators."""

_ODD = re.compile(r"[^\w.-]+").sub


def clean(name: str) -> str:
    """Return a name in which only characters are left that names in specs may have."""
    parts = [_part(part) for part in name.split(".") if part]
    return ".".join(parts[:MAX_MODEL_PATH_PARTS])[:MAX_MODEL_PATH].strip(".")


@lru_cache(maxsize=4096)
def _part(part: str) -> str:
    """Return one part of a dotted name; characters that specs do not allow become underscores."""
    return _ODD("_", part).strip("_") or "_"


def _scope_of_layer(step: LayerStep, call: Call) -> tuple[str, ...]:
    """Return the path of a layer's module; last states of a recurrent layer are taken outside of it."""
    return scope_of(call)[: -1 if call.op in RECURRENT and step.layer.kind != "recurrent" else None]


def scope_of(call: Call) -> tuple[str, ...]:
    """Return the path of the module that an operator comes from; () if the file does not state it."""
    item = call.operator
    before = [part for scope in call.scopes for part in _path(scope, False)]
    return (*before, *(_scopes(item) if item.scope else _path(item.name, True)))[:MAX_MODEL_PATH_PARTS]


def _scopes(item: OnnxOperator) -> tuple[str, ...]:
    path = item.scope[-2] if len(item.scope) > 1 else ""
    return tuple([part for part in path.split(".") if part])


@lru_cache(maxsize=4096)
def _path(name: str, with_operator: bool) -> tuple[str, ...]:
    """Return the module path in a node's name, without the operator if ``with_operator`` says that it ends in one.

    A segment that begins with the segment before it and a dot replaces it: ``/layer1/layer1.0`` is layer1.0.
    """
    name = _INLINED("", name)
    if "/" not in name:
        return () if with_operator else (name,) if name else ()
    segments = [segment for segment in name.split("/") if segment]
    segments = segments[:-1] if with_operator else segments
    path: list[str] = []
    for segment in segments:
        if path and segment.startswith(path[-1] + "."):
            path[-1] = segment
        else:
            path.append(segment)
    return tuple([part for segment in path for part in segment.split(".") if part])


def _common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the longest path with which all paths begin."""
    if len(paths) == 1:
        return paths[0]
    first = min(paths, key=len)
    for i, part in enumerate(first):
        if any(path[i] != part for path in paths):
            return first[:i]
    return first


def _name_of_params(step: LayerStep, scope: tuple[str, ...], shared: Collection[int]) -> str:
    """Return the path of the module whose tensors a layer has, or a single tensor's; "" if there is none.

    A module that has other names for them than the layer, such as ``in_proj_weight``, holds several layers.  Quantisers
    and weight normalization add to a name: ``weight_quantized``, ``weight_g``.  Exporters store equal tensors once, so
    one that layers share may have the name of a module elsewhere.

    Args:
        step: the layer.
        scope: the module that the file states; () for none.
        shared: identities of the stored tensors that several layers read.
    """
    named = [(leaf, key) for leaf in step.leaves() if (key := key_of(leaf))]
    keys = {key for leaf, key in named if id(leaf) not in shared or _is_beside(key, scope)}
    split = [(head, name) for head, _, name in [key.rpartition(".") for key in keys]]
    if step.layer.type in ONE_TENSOR:
        if len(keys) == 1 and not max(keys).endswith("weight"):
            return keys.pop()
    elif not any(not step.tensors.keys().isdisjoint((name, name.partition("_")[0])) for _, name in split):
        return ""
    heads = {head for head, _ in split}
    return heads.pop() if len(heads) == 1 else ""


def _is_beside(key: str, scope: tuple[str, ...]) -> bool:
    """Whether a key's module and a scope are the same, one of them in the other, or without its outer modules."""
    long, short = sorted([tuple(key.split(".")[:-1]), scope], key=len, reverse=True)
    return short in (long[: len(short)], long[len(long) - len(short) :])


def keys(nodes: Mapping[Node, LayerStep], params: Params) -> None:
    """Set the keys of the nodes' tensors to those of the module's state_dict.

    No key is used twice, and none of a module outside of the scope that the layer is in.
    """
    usual = {f"{node.name}.{label}" for node in nodes for label in (*node.use.weights, *node.weights)}
    numbers = _numbers_in_stacks(nodes) if params.is_pytorch else {}
    for node, step in nodes.items():
        own = {}
        scope = node.name[: node.name.rfind(".") + 1]
        known = params.keys.get(step, {}) if step.layer.kind != "recurrent" else {}
        if node in numbers:
            known = {label: f"{scope}{label.replace('_l0', f'_l{numbers[node]}')}" for label in node.use.weights}
        for label, key in known.items():
            if key not in usual and key.startswith(scope):
                usual.add(key)
                own[label] = key
        if own:
            node.keys = {**(node.keys or {}), **own}
        forms = params.forms.get(step, {})
        node.forms = {label: form for label, form in forms.items() if node.key(label) == known.get(label)}


def _numbers_in_stacks(nodes: Mapping[Node, LayerStep]) -> dict[Node, int]:
    """Return the number of each recurrent layer in its module, such as ``nn.LSTM(…, num_layers=2)``.

    A file has the layers of such a stack one by one, each of which reads the one before.
    """
    found: dict[Node, int] = {}
    last: dict[str, Node] = {}
    for node, step in nodes.items():
        scope, source = node.name.rpartition(".")[0], node.inputs[0] if node.inputs else None
        if step.layer.kind != "recurrent" or node.shares or scope != clean(".".join(scope_of(step.calls[0]))):
            continue
        while isinstance(source, Node) and source.layer.moves_only and len(source.inputs) == 1:
            source = source.inputs[0]
        if scope and source is last.get(scope, source):
            found[node] = found[last[scope]] + 1 if scope in last else 0
            last[scope] = node
    return found


def _states_scope(call: Call) -> bool:
    """Whether the file states the module that an operator comes from."""
    return bool(call.scopes or call.operator.scope or "/" in call.operator.name)


def _scopes_of_steps(steps: list[LayerStep]) -> list[tuple[str, ...]]:
    """Return the scope of each layer; if the file states none, the common part of its neighbours' scopes.

    PyTorch's exporter states no scope for the parts into which a tensor is split.
    """
    stated = {step: [_scope_of_layer(step, call) for call in step.calls if _states_scope(call)] for step in steps}
    known = {step: _common(paths) if paths else () for step, paths in stated.items()}
    around: dict[LayerStep, list[tuple[str, ...]]] = {step: [] for step, paths in stated.items() if not paths}
    if len(around) in (0, len(steps)):
        return [*known.values()]
    for step in steps:
        for source in [value.step for value in step.inputs if value.step is not None]:
            if source in around and known[step]:
                around[source].append(known[step])
            if step in around and known.get(source):
                around[step].append(known[source])
    return [scope or (_common(around[step]) if around.get(step) else ()) for step, scope in known.items()]


def _scopes_of_constants(scopes: list[tuple[str, ...]], steps: list[LayerStep]) -> dict[LayerStep, tuple[str, ...]]:
    """Return the scope that all readers of a constant are in, if that is around the constant's own scope."""
    known = dict(zip(steps, scopes, strict=True))
    readers: dict[LayerStep, list[tuple[str, ...]]] = {step: [] for step in steps if not step.inputs}
    for step in steps:
        for value in step.inputs:
            if value.step in readers:
                readers[value.step].append(known[step])
    common = {step: _common(paths) for step, paths in readers.items() if paths}
    return {step: path for step, path in common.items() if len(path) < len(known[step])}


def _stacked(steps: list[LayerStep], scopes: list[tuple[str, ...]]) -> set[LayerStep]:
    """Return the recurrent layers of scopes that hold several, with different weights."""
    found: dict[tuple[str, ...], list[LayerStep]] = {}
    for step, scope in zip(steps, scopes, strict=True):
        if step.layer.kind == "recurrent":
            found.setdefault(scope, []).append(step)
    stacks = [stack for stack in found.values() if len({id(leaf) for step in stack for leaf in step.leaves()[:1]}) > 1]
    return {step for stack in stacks for step in stack}


def names(steps: list[LayerStep]) -> list[str]:
    """Return a name for each layer; no two are equal."""
    scopes = _scopes_of_steps(steps)
    outside = _scopes_of_constants(scopes, steps)
    scopes = [outside.get(step, scope) for step, scope in zip(steps, scopes, strict=True)]
    stacked = _stacked(steps, scopes)
    count: dict[tuple[str, ...], int] = {}
    inner: set[tuple[str, ...]] = set()
    for scope in scopes:
        count[scope] = count.get(scope, 0) + 1
        if count[scope] == 1:
            inner.update([scope[:i] for i in range(len(scope))])
    seen: set[int] = set()
    shared: set[int] = set()
    for step in steps:
        if step.tensors:
            here = {id(leaf) for leaf in step.leaves()}
            shared |= seen & here
            seen |= here
    taken: dict[str, int] = {}
    numbers: dict[str, int] = {}
    found = []
    for step, scope in zip(steps, scopes, strict=True):
        name = "" if step in outside or step in stacked else clean(_name_of_params(step, scope, shared))
        if step.layer.kind == "recurrent" and step not in stacked and not name:
            name = clean(".".join(scope))
        alone = scope and count[scope] == 1 and scope not in inner
        if alone and (not name or name in taken):  # another layer's params may have given it their name
            name = clean(".".join(scope))
        if not name:
            stem = clean(".".join((*scope, step.layer.stem)))
            numbers[stem] = numbers.get(stem, 0) + 1
            name = f"{stem}{numbers[stem]}"
        while name in taken:
            taken[name] += 1
            name = f"{name}_{taken[name]}"
        taken[name] = 1
        found.append(name)
    return found
