"""The text of a class: its docstring, its ``__init__`` and its ``forward``."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from cnncalc.exporters.scopes import scopes_around
from cnncalc.exporters.torch.classes import Class, Slotted, as_made, module_lists
from cnncalc.exporters.torch.expressions import Printer, literal, loop_head
from cnncalc.exporters.torch.forward import Forward
from cnncalc.exporters.torch.layout import WIDTH, SourceText, called, lines
from cnncalc.exporters.torch.names import OF_MODULES, access, free, is_free
from cnncalc.exporters.torch.structures import LooseTensor, Slot
from cnncalc.exporters.torch.trees import KnownFigure
from cnncalc.layers.pytorch import ModuleCall

INDENT = 8


def class_text(made: Class) -> list[str]:
    """Return the lines of a class."""
    found = [f"class {made.name}(nn.Module):", *_docstring(made.about), ""]
    modules = {one.slot.name.partition(".")[0] for one in made.slots}
    modules |= {tensor.name.partition(".")[0] for one in made.slots for tensor in one.slot.loose}
    used = modules | OF_MODULES
    attributes: dict[str, str] = {}

    def reached(name: str) -> str:
        if name not in attributes:
            stem = name if is_free(name) and name not in modules else f"{name}_"
            attributes[name] = free(stem, used)
            used.add(attributes[name])
        return attributes[name]

    parameters = [*made.inputs, *[f"module{number}" for number in range(1, made.template.foreign + 1)]]
    lists = module_lists(made.slots)
    statements = Forward(made, reached, lists).lines()
    kept = [f"{' ' * INDENT}self.{attributes[name]} = {name}" for name in made.arguments if name in attributes]
    begun = [*kept, *_modules(made.slots, lists)]
    if begun:
        given = [f"{name}={literal(made.defaults[name])}" if name in made.defaults else name for name in made.arguments]
        found += [*_signature("__init__", given), f"{' ' * INDENT}super().__init__()", *begun, ""]
    return [*found, *_signature("forward", parameters), *statements]


def _docstring(text: str) -> list[str]:
    """Return the lines of a docstring, several if it does not fit one."""
    if len(text) + 10 <= WIDTH:
        return [f'    """{text}"""']
    first, *others = textwrap.wrap(text, WIDTH - 7, break_on_hyphens=False)
    return [f'    """{first}', *[f"    {line}" for line in others], '    """']


def _signature(name: str, parameters: list[str]) -> list[str]:
    text: SourceText = called(f"def {name}", [(parameter,) for parameter in ("self", *parameters)])
    return lines((*text, ":"), 4)


def _modules(slots: list[Slotted], lists: set[str]) -> list[str]:
    """Return the statements that make the modules, and the tensors that the class has itself.

    Tensors of modules inside come last.
    """
    there = {(one.slot.name, one.when) for one in slots if one.slot.module is not None}
    scopes = {(one.slot.name, one.when) for one in slots if one.slot.is_scope}
    made: list[tuple[bool, str, KnownFigure | None, Sequence[SourceText]]] = []
    for slot, when in as_made(slots):
        if slot.module is not None:
            made.append((False, slot.name, when, _made(slot, slot.module, lists)))
        made += [("." in one.name, one.name, when, (_made_tensor(one, lists),)) for one in slot.loose]
    loose = [one.name.rpartition(".") for slotted in slots for one in slotted.slot.loose]
    numbered = {around for around, _, name in loose if name.isdigit()}
    found: list[str] = []
    open_: str | None = None
    for _, name, when, statement in sorted(made, key=lambda one: one[0]):
        condition = _spelled(when) if when is not None else None
        if condition is not None and condition != open_:
            found.append(f"{' ' * INDENT}if {condition}:")
        open_ = condition
        indent = INDENT + (4 if condition else 0)
        paths = scopes_around(name)
        if not any(one in scopes for path in paths for one in ((path, None), (path, when))):
            for path in paths:
                if not there & {(path, None), (path, when)}:
                    there.add((path, when))
                    kind = "ParameterList" if path in numbered else "ModuleList" if path in lists else "Module"
                    found += lines(_registered(path, (f"nn.{kind}()",), lists), indent)
        for depth, text in enumerate(statement):
            found += lines(text, indent + 4 * depth)
    return found


def _made(slot: Slot, module: ModuleCall, lists: set[str]) -> Sequence[SourceText]:
    """Return the statement that makes a slot's module; if it stands for several, the head and the body of a loop."""
    text = Printer(_spelled).text(module)
    if slot.run is None:
        return (_registered(slot.name, text, lists),)
    stem, first = slot.run
    assert isinstance(slot.value, ModuleCall)
    head = loop_head(first, slot.value.options[0].value, _spelled)
    return ((f"{head}:",), called("self.add_module", [(f'f"{stem}{{i}}"',), text]))


def _made_tensor(tensor: LooseTensor, lists: set[str]) -> SourceText:
    """Return the statement that makes a parameter or a buffer."""
    around, _, name = tensor.name.rpartition(".")
    text = Printer(_spelled).text(tensor.made)
    if name.isdigit():
        return called(f"self{access(around, lists)}.append", [called("nn.Parameter", [text])])
    if tensor.weight.trainable:
        return (f"self{access(tensor.name, lists)} = ", *called("nn.Parameter", [text]))
    return called(f"self{access(around, lists)}.register_buffer", [(f'"{name}"',), text])


def _spelled(known: KnownFigure) -> str:
    return known.text.format(known.name)


def _registered(path: str, made: SourceText, lists: set[str]) -> SourceText:
    """Return the statement that registers a module at a dotted path."""
    *around, name = path.split(".")
    target = "self" + access(".".join(around), lists)
    if ".".join(around) in lists:
        return called(f"{target}.append", [made])
    if is_free(name):
        return (f"{target}.{name} = ", *made)
    if name in OF_MODULES or name.startswith("_"):
        return (f'{target}._modules["{name}"] = ', *made)
    return called(f"{target}.add_module", [(f'"{name}"',), made])
