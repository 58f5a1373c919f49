"""The text of a class: its docstring, its ``__init__`` and its ``forward``."""

from __future__ import annotations

import textwrap

from cnncalc.exporters.torch.classes import Class, Slotted
from cnncalc.exporters.torch.expressions import Printer, literal, loop_head
from cnncalc.exporters.torch.forward import Forward
from cnncalc.exporters.torch.layout import WIDTH, SourceText, called, lines
from cnncalc.exporters.torch.names import OF_MODULES, attribute, free, is_free
from cnncalc.exporters.torch.trees import KnownFigure
from cnncalc.layers.pytorch import ModuleCall

INDENT = 8


def class_text(made: Class) -> list[str]:
    """Return the lines of a class."""
    found = [f"class {made.name}(nn.Module):", *_docstring(made.about), ""]
    modules = {one.slot.name.partition(".")[0] for one in made.slots}
    used = modules | OF_MODULES
    attributes: dict[str, str] = {}

    def reached(name: str) -> str:
        if name not in attributes:
            stem = name if is_free(name) and name not in modules else f"{name}_"
            attributes[name] = free(stem, used)
            used.add(attributes[name])
        return attributes[name]

    parameters = [*made.inputs, *[f"module{number}" for number in range(1, made.template.foreign + 1)]]
    statements = Forward(made, reached).lines()
    kept = [f"{' ' * INDENT}self.{attributes[name]} = {name}" for name in made.arguments if name in attributes]
    begun = [*kept, *_modules(made.slots)]
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


def _modules(slots: list[Slotted]) -> list[str]:
    """Return the statements that make the modules."""
    found: list[str] = []
    open_: str | None = None
    there = {one.slot.name for one in slots if one.slot.module is not None}
    parents = {name.rpartition(".")[0] for name in there}
    for one in sorted(slots, key=lambda one: one.slot.name not in parents):  # modules that contain others come first
        slot = one.slot
        if slot.module is None:
            continue
        condition = _spelled(one.when) if one.when is not None else None
        if condition is not None and condition != open_:
            found.append(f"{' ' * INDENT}if {condition}:")
        open_ = condition
        indent = INDENT + (4 if condition else 0)
        *around, _ = slot.name.split(".")
        for depth in range(1, len(around) + 1):
            path = ".".join(around[:depth])
            if path not in there:
                there.add(path)
                found += lines(_registered(path, ("nn.Module()",)), indent)
        made = Printer(_spelled).text(slot.module)
        if slot.run is None:
            found += lines(_registered(slot.name, made), indent)
            continue
        stem, first = slot.run
        assert isinstance(slot.value, ModuleCall)
        found.append(f"{' ' * indent}{loop_head(first, slot.value.options[0].value, _spelled)}:")
        found += lines(called("self.add_module", [(f'f"{stem}{{i}}"',), made]), indent + 4)
    return found


def _spelled(known: KnownFigure) -> str:
    return known.text.format(known.name)


def _registered(path: str, made: SourceText) -> SourceText:
    """Return the statement that registers a module at a dotted path."""
    *around, name = path.split(".")
    target = "self" + "".join([attribute(part) for part in around])
    if is_free(name):
        return (f"{target}.{name} = ", *made)
    if name in OF_MODULES or name.startswith("_"):
        return (f'{target}._modules["{name}"] = ', *made)
    return called(f"{target}.add_module", [(f'"{name}"',), made])
