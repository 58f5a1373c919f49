"""Translate an item from another notation into ours: a call, a row of words, ``type: conv``.

Every function returns the text of a hint with the user's values, or None if it can't interpret them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence

from cnncalc.ground.near import nearest
from cnncalc.language.hints.foreign_words import SAME_VALUES
from cnncalc.language.hints.literals import VerbatimCode, evaluated, literal, merged, of_node, spelled
from cnncalc.language.hints.lookalikes import in_latin
from cnncalc.language.hints.spellings import argument_hint, known_name, our_type, parameters, type_hint
from cnncalc.language.read.yaml_tree import List, Map, Scalar, Tree
from cnncalc.layers import LayerError, layer_type
from cnncalc.layers.arguments import REQUIRED, Argument
from cnncalc.layers.base import Layer

LONGEST = 240
"""Most characters of an item that is translated."""

FEW = 4
"""Most items that a hint spells out."""

DASH = "an item begins with a dash, in the same column as the one above it"

ARGUMENT_KEYS = ("args", "arguments", "params", "parameters", "config", "kwargs", "attrs", "options")
"""Other formats' keys for an item's arguments."""

_INFERRED = ("in_channels", "in_features")
_NOT_OURS = ("dim", "axis", "dims", "perm", "shape", "target_shape")
"""Arguments that count axes with the batch, from 1, or with the channels last, so that values can't be taken over."""

TYPE_KEYS = ("type", "layer", "layer_type", "op", "class_name", "class", "module", "kind")
"""Other formats' keys for an item's type."""

_ASSIGNED = re.compile(r"(?:self\.)?([A-Za-z_]\w*)\s*=\s*(?=[\w.]+\()").match
_SIZES = re.compile(r"(\d+)[x×](\d+)(?:/(\d+))?").fullmatch
_PAPER = re.compile(r"conv(\d+)(?:[x×]\d+)?[-_/, ]+(\d+)", re.IGNORECASE).fullmatch
_UNITS = re.compile(r"fc-(\d+)", re.IGNORECASE).fullmatch
_TIMES = re.compile(r"(?:(\d+)\s*[x×*]\s*)?(\w+?)(?:\s*\*\s*(\d+))?").fullmatch
_BULLETS = "•·*–—−"
_TENSORS = ("x", "h", "y", "w", "b", "input", "inputs", "weight", "bias", "net", "out")
"""Usual names of what functions of tensors take first."""


def item_hint(text: str, arguments: Tree | None, blocks: Collection[str]) -> str:
    """Return the hint for an item whose text is not a layer type: our notation, or our words.

    Args:
        text: the item, or what stands before its colon.
        arguments: what stands after the colon.
        blocks: the names of the spec's own types.
    """
    if text in TYPE_KEYS and isinstance(arguments, Scalar):
        return of_arguments(arguments.text, None) or type_hint(arguments.text, blocks)
    if isinstance(arguments, Map) and our_type(text) is not None:
        return f"it is called '{our_type(text)}' here{_translated(text, arguments)}"
    if len(text) > LONGEST:
        return "an item is a layer type, alone or with its arguments: '- conv: {out_channels: 8, kernel_size: 3}'"
    if "#" in text:
        return "a comment begins with a space before its #"
    item = text.lstrip(f"-{_BULLETS} ")
    if text.startswith(("-", *_BULLETS)) and item:
        return f"write a {'blank after the dash' if text[0] == '-' else 'dash and a blank'}: '- {item}'"
    if (
        isinstance(arguments, Scalar)
        and text[:1].isalpha()
        and our_type(text) is None
        and our_type(arguments.text) is not None
    ):
        hint = of_arguments(arguments.text, None)
        return f"{hint}, with 'name: {text}' below it" if hint else type_hint(text, blocks)
    if re.search(r"\s-(\s|[A-Za-z])", text):
        return DASH
    return (
        in_latin(text)
        or _rewritten(text, blocks)
        or type_hint(re.split(r"[\s(:={]", text.strip(), maxsplit=1)[0] or text, blocks)
    )


def _translated(name: str, arguments: Map) -> str:
    """Return the item with its arguments in our words, if these differ."""
    words = [key.text for key, _ in arguments.pairs if isinstance(key, Scalar)]
    layer_class = layer_type(our_type(name) or "")
    item = of_arguments(name, arguments)
    if layer_class is None or item is None or all(word in layer_class.arguments for word in words):
        return ""
    return f": {item}"


def _rewritten(text: str, blocks: Collection[str]) -> str | None:
    assigned = _ASSIGNED(text)
    if assigned:
        hint = _of_call(text[assigned.end() :], blocks)
        return f"{hint}, with 'name: {assigned[1]}' below it" if hint else None
    paper = _PAPER(text)
    if paper:
        return proposal("conv", [], {"out_channels": int(paper[2]), "kernel_size": int(paper[1])})
    units = _UNITS(text)
    if units:
        return proposal("fc", [int(units[1])], {})
    times = _TIMES(text)
    if times and (count := times[1] or times[3]) and (hint := proposal(times[2], [], {})):
        return f"{hint}, with 'repeat: {count}' below it"
    if re.match(r"[\w.]+\s*\(", text):
        return _of_call(text, blocks)
    bracketed = re.fullmatch(r"([\w.]+)\s*[\[<]([^<>\[\]]+)[\]>]", text)
    if bracketed:
        return _of_words(bracketed[1], bracketed[2])
    glued = re.fullmatch(r"([\w.]+)[:=]\s*(.*)", text)
    if glued and not glued[2].startswith("{"):
        return _of_words(glued[1], glued[2])
    if glued or "{" in text:
        name = re.split(r"[\s:{]", text, maxsplit=1)[0]
        is_type = our_type(name) is not None or name in blocks
        return f"write a colon and a blank after the type: '- {name}: {{…}}'" if is_type else None
    return _spaced(text)


def _spaced(text: str) -> str | None:
    """Return the hint for a type and its values in a row; the type may be several words, as ``batch norm``."""
    words = [word for word in re.split(r"(?:[\s,;|+→]|->)+", text) if word]
    if len(words) > 1 and all(our_type(word) for word in words) and our_type("".join(words)) is None:
        return _each(words)
    if len(words) == 1 and words[0] != text:
        return proposal(words[0], [], {})
    for count in range(min(len(words), 3), 0, -1):
        name = "".join(words[:count])
        ours = our_type(name)
        if ours is not None and count == len(words) > 1:
            return f"it is called '{ours}' here"
        if ours is not None and len(words) > 1:
            return _of_words(name, " ".join(words[count:]))
    if len(words) > 1 and _SIZES(words[0]) and not _SIZES(words[1]):  # 3×3 conv, 64
        return _spaced(" ".join((*words[1:], words[0])))
    return None


def _each(names: Sequence[str]) -> str:
    """Return the hint for several types in one item."""
    items = [(proposal(name, [], {}) or "").removeprefix("write ") for name in names[:FEW]]
    return f"write each as a separate item: {', then '.join(items)}"


def _of_words(name: str, values: str) -> str | None:
    """Return the hint for a type followed by values: ``10 5``, ``3x3, 64``, ``out_channels=10 kernel_size=5``."""
    placed: list[object] = []
    named: dict[str, object] = {}
    for word in re.findall(r"\w+\s*[=:]\s*[^\s,;]+|[^\s,;]+", values.strip("(){}").replace("@", " ")):
        key, sign, value = (
            (part.strip() for part in re.split(r"([=:])", word, maxsplit=1))
            if re.search(r"\w\s*[=:]", word)
            else ("", "", word)
        )
        sizes = _SIZES(value)
        if sign:
            named[key] = literal(value)
        elif re.fullmatch(r"/\d+", value):
            named["stride"] = int(value[1:])
        elif sizes:
            named["kernel_size"] = merged((int(sizes[1]), int(sizes[2])))
            if sizes[3]:
                named["stride"] = int(sizes[3])
        else:
            placed.append(literal(value))
    return proposal(name, placed, named)


def _of_call(text: str, blocks: Collection[str]) -> str | None:
    """Return the hint for a call: ``nn.Conv2d(3, 10, 5)``, ``Conv2D(32, (3, 3), activation='relu')``."""
    name = re.match(r"[\w.]*", text)
    callee = name[0] if name else ""
    if callee in blocks:
        return f"name the arguments after a colon: '- {callee}: {{…}}'"
    if our_type(callee) is None:
        return None
    try:
        call = ast.parse(text.strip().rstrip(",;"), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return _general(callee)
    while isinstance(call, ast.Call) and isinstance(call.func, ast.Call):  # Dense(10)(x)
        call = call.func
    if not isinstance(call, ast.Call) or any(isinstance(argument, ast.Starred) for argument in call.args):
        return _general(callee)
    placed = [one for one in call.args if not (isinstance(one, ast.Name) and one.id in _TENSORS)]
    if placed and (len(call.args) - len(placed) > 1 or callee.lower().endswith("layer")):  # MATLAB's kernel is first
        return _general(callee)
    named = {keyword.arg: evaluated(keyword.value) for keyword in call.keywords if keyword.arg}
    return proposal(callee, [evaluated(argument) for argument in placed], named)


def of_arguments(name: str, node: Tree | None) -> str | None:
    """Return the hint for a type with a mapping or a list of arguments, in whatever framework's words."""
    if isinstance(node, Map):
        return _of_pairs(name, node.pairs)
    if isinstance(node, List):
        pairs = [pair for one in node.items if isinstance(one, Map) for pair in one.pairs]
        return _of_pairs(name, pairs) if pairs else proposal(name, [of_node(item) for item in node.items], {})
    if isinstance(node, Scalar) and not node.empty:
        return _of_words(name, node.text) if len(node.text) <= LONGEST else None
    return proposal(name, [], {})


def of_list(node: List) -> str | None:
    """Return the hint for a list of a type and its values: ``[conv, 10, 5]``, ``[-1, 1, Conv, [64]]``."""
    words = [item.text if isinstance(item, Scalar) else "" for item in node.items]
    if len(words) > 1 and all(our_type(word) for word in words):
        return _each(words)
    for at, name in enumerate(node.items[:FEW]):
        if isinstance(name, Scalar) and our_type(name.text) is not None:
            behind = node.items[at + 1 :]
            if len(behind) == 1 and isinstance(behind[0], (Map, List)):
                return of_arguments(name.text, behind[0])
            return proposal(name.text, [of_node(item) for item in behind], {})
    return None


def of_named_items(name: str, item: Tree) -> str | None:
    """Return the hint for an item after its name, ``conv1: {type: conv, kernel_size: 3}``, or without a dash."""
    hint = of_type_key(item.pairs) if isinstance(item, Map) else None
    if hint is None and isinstance(item, Scalar) and our_type(name) is None:
        hint = _rewritten(item.text, ()) or proposal(item.text, [], {})
    return f"{hint}, with 'name: {name}' below it" if hint is not None else of_arguments(name, item)


def of_type_key(pairs: Sequence[tuple[Tree, Tree]]) -> str | None:
    """Return the hint for an item with its type under a key: ``type: conv``; arguments beside or below it."""
    name, arguments = "", list[tuple[Tree, Tree]]()
    for key, value in pairs:
        word = key.text if isinstance(key, Scalar) else ""
        if word in TYPE_KEYS and isinstance(value, Scalar):
            name = value.text
        elif word in ARGUMENT_KEYS and isinstance(value, Map):
            arguments += value.pairs
        else:
            arguments.append((key, value))
    return _of_pairs(name, arguments)


def _of_pairs(name: str, pairs: Sequence[tuple[Tree, Tree]]) -> str | None:
    placed: list[object] = []
    named: dict[str, object] = {}
    for key, value in pairs:
        if not isinstance(key, Scalar):
            return None
        glued = re.fullmatch(r"(\w+)\s*[=:]\s*(.+)", key.text)
        if not (isinstance(value, Scalar) and value.empty):
            named[key.text] = of_node(value)
        elif glued:
            named[glued[1]] = literal(glued[2])
        else:
            placed.append(literal(key.text))
    return proposal(name, placed, named)


# --- the item ------------------------------------------------------------------------------------------------


def proposal(name: str, placed: Sequence[object], named: Mapping[str, object]) -> str | None:
    """Return ``write '- conv: {out_channels: 10, kernel_size: 5}'``, or None if ``name`` is not a type.

    Args:
        name: the type by any framework's name.
        placed: positional arguments, in the order of the framework with this name.
        named: arguments by name, in any framework's words.
    """
    ours = our_type(name)
    layer_class = layer_type(ours) if ours else None
    if layer_class is None:
        return None
    order = parameters(name, layer_class)
    first = next(iter(layer_class.arguments), "")
    theirs = first in _NOT_OURS and layer_class.arguments[first].default is REQUIRED
    if len(placed) > len(order) or (theirs and (placed or named)):
        return _general(name)
    renamed = dict(part.split("=") for part in order if "=" in part)
    given = {part.partition("=")[0]: value for part, value in zip(order, placed, strict=False)} | dict(named)
    values: dict[str, object] = {}
    lost: list[str] = []
    known = [one for one in layer_class.arguments if one not in _INFERRED]
    for word, value in given.items():
        argument = renamed.get(word) or (word if word in known else known_name(word, known))
        if argument is None and word not in (*order, *_INFERRED) and argument_hint(word, known) is None:
            near = nearest(word, known)  # a slip of the keyboard: paddding
            argument = near[0] if len(near) == 1 else None
        if argument is not None and word not in _NOT_OURS and value is not None:
            values[argument] = _fitting(value, layer_class.arguments[argument])
        elif word in _NOT_OURS or (word in named and word not in order):
            lost += _without(word, value, known)
    if not _fits(layer_class, values):
        return _general(name)
    item = _item(layer_class, values)
    behind = given.get("activation")
    activation = our_type(behind) if isinstance(behind, str) and behind != "linear" else None
    return "; ".join([f"write '- {item}'" + (f", then '- {activation}'" if activation else ""), *lost[:FEW]])


def _without(word: str, value: object, known: Sequence[str]) -> list[str]:
    """Return what to know of an argument that the proposal leaves out; nothing if it changes neither shape nor cost."""
    if word in _NOT_OURS:
        is_usual = value == 1 or (word, value) == ("axis", -1) or not re.fullmatch(r"[-\d,() ]+", str(value))
        return [] if is_usual else [f"{word}: 'axis' counts without the batch: channels are 0"]
    advice = argument_hint(word, known)
    is_inferred = known_name(word, _INFERRED) is not None or (advice or "").startswith("leave it out")
    if value in (None, False, "zeros") or is_inferred or word in ("name", "activation", *_INFERRED):
        return []
    return [f"{word}: {advice or 'not offered'}"]


def _fitting(value: object, argument: Argument[object]) -> object:
    """Return a value in our words."""
    if isinstance(value, str):
        return SAME_VALUES.get(value.lower(), value.lower() if value.lower() in argument.words else value)
    return merged(value) if argument.axes else value


def _fits(layer_class: type[Layer], values: dict[str, object]) -> bool:
    """Whether the values are accepted, as far as that can be checked."""
    missing = any(one.default is REQUIRED and name not in values for name, one in layer_class.arguments.items())
    if missing or any(isinstance(value, VerbatimCode) for value in values.values()):
        return True
    try:
        layer_class(**values)
    except LayerError:
        return False
    return True


def _item(layer_class: type[Layer], values: dict[str, object]) -> str:
    """Return an item with the arguments that differ from their defaults; missing ones are ``…``."""
    shown = {
        name: values.get(name, VerbatimCode("…"))
        for name, argument in layer_class.arguments.items()
        if argument.default is REQUIRED or (name in values and values[name] != argument.default)
    }
    if not shown:
        return layer_class.type
    if list(shown) == [next(iter(layer_class.arguments))]:
        return f"{layer_class.type}: {spelled(next(iter(shown.values())), False)}"
    return f"{layer_class.type}: {{{', '.join(f'{name}: {spelled(value, True)}' for name, value in shown.items())}}}"


def _general(name: str) -> str | None:
    """Return the notation of a type's arguments, if the given ones can't be used."""
    ours = our_type(name)
    layer_class = layer_type(ours) if ours else None
    if layer_class is None:
        return None
    needed = [name for name, argument in layer_class.arguments.items() if argument.default is REQUIRED]
    shown = needed or list(layer_class.arguments)[:1]
    if not shown:
        return f"write '- {ours}'"
    arguments = ", ".join(f"{argument}: …" for argument in shown)
    return f"name the arguments after a colon: '- {ours}: {{{arguments}}}'; 'cnncalc layers {ours}' shows them"
