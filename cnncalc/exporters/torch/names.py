"""Names in Python: of classes, of attributes, of variables."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from keyword import iskeyword, issoftkeyword

from cnncalc.exporters.naming import first_free, scope_word, singular, with_number

_TAKEN = """
i nn F torch self OrderedDict series range len int float super setattr getattr list tuple dict enumerate zip
"""
TAKEN = frozenset(_TAKEN.split())
"""Names that mean something in the source."""

_OF_MODULES = """
add_module append apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extend
extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half insert ipu items keys
load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters pop
register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
train training type update values xpu zero_grad T_destination
"""
OF_MODULES = frozenset(_OF_MODULES.split())
"""Attributes that PyTorch's modules, and their lists, have."""


def is_name(text: str) -> bool:
    """Whether a text is a plain name in Python."""
    return text.isascii() and text.isidentifier() and not iskeyword(text)


def is_free(name: str) -> bool:
    """Whether a module may be an attribute of this name."""
    return is_name(name) and name not in OF_MODULES and not name.startswith("_")


def attribute(name: str) -> str:
    """Return the expression that reaches a module in another one: ``.conv1``, ``.get_submodule("2a")``."""
    if is_free(name):
        return f".{name}"
    if name in OF_MODULES or name.startswith("_"):
        return f'._modules["{name}"]'
    return f'.get_submodule("{name}")'


def access(path: str, lists: Container[str] = ()) -> str:
    """Return the expression that reaches what is deep inside a module, by its dotted name; ``lists``: module lists."""
    found, around = "", ""
    for name in path.split("."):
        found += f"[{name}]" if around in lists else attribute(name) if name else ""
        around = f"{around}.{name}" if around else name
    return found


def tensor_access(path: str) -> str:
    """Return the expression that reaches a tensor deep inside a module; a number is its place in a list."""
    around, _, name = path.rpartition(".")
    return access(around) + (f"[{name}]" if name.isdigit() else attribute(name))


def class_name(name: str) -> str:
    """Return a name in the form of a class's: ConvBn for ``conv_bn``."""
    words = re.split(r"[\W_]+", name, flags=re.ASCII)
    text = "".join([word[0].upper() + word[1:] for word in words if word])
    if not text:
        return "Block"
    return f"Block{text}" if text[0].isdigit() else text


def network_name(family: str, variant: str | None) -> str:
    """Return the name of a network's class: ResNet50 for the variant ``resnet50`` of the family ResNet."""
    if variant is None:
        return class_name(family)
    plain = re.sub(r"[\W_]", "", family, flags=re.ASCII).lower()
    for end in range(len(variant), 0, -1):
        if plain and re.sub(r"[\W_]", "", variant[:end], flags=re.ASCII).lower() == plain:
            rest = variant[end:].strip("_-")
            return class_name(family) + (class_name(rest).removeprefix("Block") if rest else "")
    return class_name(variant)


def scope_name(path: str) -> str:
    """Return a word for a scope's kind: ``stage`` for stage2, ``layer`` for layers.0."""
    word = scope_word(path)
    stem = word.rstrip("0123456789").rstrip("_") or word
    return stem if word == scope_word(path.rpartition(".")[2]) else singular(stem)


def quoted(text: str) -> str:
    """Return any text as a literal of Python, between double quotes if it has none itself."""
    found = json.dumps(text, ensure_ascii=not text.isprintable())
    return f"'{found[1:-1]}'".replace('\\"', '"') if '"' in text and "'" not in text else found


def free(stem: str, used: Container[str], numbers: dict[str, int] | None = None) -> str:
    """Return a name that is not used yet, with a number if it needs one; ``numbers`` has the next of each stem."""
    stem = re.sub(r"\W", "_", stem, flags=re.ASCII)
    if not is_name(stem) or issoftkeyword(stem):
        stem = f"_{stem}" if stem[:1].isdigit() else f"{stem}_"
    ending = str if stem[-1:].isalpha() else with_number
    return first_free(stem, lambda name: name in used or name in TAKEN, {} if numbers is None else numbers, ending)
