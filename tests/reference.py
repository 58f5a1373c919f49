"""Pages of reference that are generated from the code: ``python -m tests.reference`` writes them.

Commands and options come from click, bounds from ``limits.py``, layer types from their folder. Each fact is written
once, where it is used, and the page is made of it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from cnncalc import load
from cnncalc.cli import EXAMPLES, cli
from cnncalc.figures.conventions import CountRule, accounts
from cnncalc.ground import limits
from cnncalc.ground.numbers import signed
from cnncalc.layers import layer_type, layer_types
from cnncalc.rendering.views.conventions import OWN

DOCS = Path(__file__).parent.parent / "docs"
WRITTEN = "<!-- Written by `python -m tests.reference` from the code; don't edit it here. -->"


def commands() -> str:
    """Return the page of all commands with all of their options."""
    parts = [
        "# Commands and options",
        WRITTEN,
        "`SPEC` is a file, `-` for standard input, the name of a network that ships (`cnncalc specs` lists them), or "
        "`FILE:VARIANT` for one of a family. A model file in the ONNX format stands wherever a spec does. Results go to "
        "standard output and nothing else does: notes, warnings and progress go to standard error.",
        "`cnncalc --version` prints the version; `-h` and `--help` work behind every command, and "
        "`cnncalc help COMMAND` prints the same. [terminal.md](terminal.md) has exit codes, colours, completion and what "
        "scripts can rely on.",
    ]
    context = click.Context(cli, info_name="cnncalc")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        parts += _command(name, command)
    return "\n\n".join(parts) + "\n"


def _command(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=name, parent=click.Context(cli, info_name="cnncalc"))
    usage = " ".join([f"cnncalc {name}", *command.collect_usage_pieces(context)])
    about, examples = _help(command.help or "")
    rows = [_row(parameter) for parameter in command.params if isinstance(parameter, click.Option)]
    table = "\n".join(["| option | meaning |", "| --- | --- |", *rows])
    return [f"## {name}", about, f"    {usage}", *examples, *([table] if rows else [])]


def _help(text: str) -> tuple[str, list[str]]:
    """Return a help text as one paragraph per blank line, and its examples as blocks."""
    about, examples = [], []
    for part in inspect.cleandoc(text).split("\n\n"):
        if part.startswith("\b"):
            examples.append("```sh\n" + part.strip("\b\n").removeprefix(f"{EXAMPLES}\n") + "\n```")
        else:
            about.append(" ".join(part.split()))
    return "\n\n".join(about), examples


def _row(option: click.Option) -> str:
    """Return an option's row, not in click's words, which differ between versions."""
    names = ", ".join(option.opts)
    if option.secondary_opts:
        names += " / " + ", ".join(option.secondary_opts)
    elif not option.is_flag:
        names += f" {option.metavar or _values(option.type)}"
    meaning = " ".join((option.help or "").split())
    assert meaning, f"{option.name} has no help"
    default = option.default
    if (
        not option.is_flag
        and not option.multiple
        and isinstance(default, int | float | str)
        and "efault" not in meaning
    ):
        meaning += f" Default: {default}."
    names, meaning = (text.replace("|", "\\|") for text in (names, meaning))
    return f"| `{names}` | {meaning} |"


def _values(kind: click.ParamType[Any]) -> str:
    if isinstance(kind, click.Choice):
        return "|".join(str(choice) for choice in kind.choices)
    return {"integer": "N", "integer range": "N", "float": "X", "float range": "X"}.get(kind.name, kind.name.upper())


def bounds() -> str:
    """Return the page of all bounds: their names, their values, and their docstrings in ``limits.py``."""
    rows = ["| bound | at most | of what |", "| --- | --- | --- |"]
    body = ast.parse(inspect.getsource(limits)).body
    for statement, below in pairwise(body):
        if isinstance(statement, ast.Assign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            (target,) = statement.targets
            name = ast.unparse(target)
            rows.append(f"| `{name}` | {_amount(name)} | {' '.join(str(below.value.value).split())} |")
    return (
        "\n\n".join(
            [
                "# Bounds",
                WRITTEN,
                "Specs and model files are untrusted input. Expressions run on a whitelist of syntax, YAML is composed and "
                "never made into objects, nothing outside the named file is opened, and whatever a file asks for is bounded, "
                "in `cnncalc/ground/limits.py`. A file that needs more is refused with a sentence and exit code 2.",
                "A spec of up to 10 kB takes at most about a second of a core and 200 MB per network, or is refused, unless "
                "it asks for more than 20,000 layers; beyond that time grows with the layers, about 20 µs for each where they "
                "are alike and 70 µs where no two are: 118,000 take 2.3 s and 8.4 s. So many layers are taken by `summary`, "
                "`check`, `hotspots`, `weights`, `sweep` and `survey`, and by `explain` where they are named; what works on each "
                "layer (`draw`, pages, `run`, `deploy`, `import`, `export`, `compare`, `weights -o net.npz`) takes "
                "`MAX_DETAILED` and refuses more. "
                "`sweep`, `survey` and `check` take that time for each network that they build. "
                "Of many inputs that are seen differently, receptive fields are upper bounds. The arrays that `run` and "
                "`explain --at` compute, and the weights that `export` and `weights` write, are as large as the spec asks for: "
                "they are bounded by the memory and the disk that are free, and by `--max-memory`. "
                "`python -m benchmarks.hostile` measures all of them.",
                "\n".join(rows),
            ]
        )
        + "\n"
    )


def _amount(name: str) -> str:
    value = getattr(limits, name)
    if name.endswith("_BYTES") and value % 2**20 == 0:
        return f"{value // 2**30} GiB" if value % 2**30 == 0 else f"{value // 2**20} MiB"
    return "2⁵³" if value == 2**53 else f"{value:,}"


def types() -> str:
    """Return the page of all layer types, by family."""
    parts = [
        "# Layer types",
        WRITTEN,
        "`cnncalc layers TYPE` shows a type in full: its arguments with their defaults, the formulas of its shape and its "
        "counts, what other frameworks call it, and an example worked out by hand. Arguments have PyTorch's names; the "
        "first one is meant where a value stands alone (`- linear: 10`).",
    ]
    families: dict[str, list[str]] = {}
    for name, family in layer_types().items():
        families.setdefault(family, []).append(name)
    for family, names in families.items():
        rows = ["| type | what it does | arguments |", "| --- | --- | --- |"]
        for name in names:
            layer = layer_type(name)
            assert layer is not None
            about = " ".join((layer.__doc__ or "").split("\n\n")[0].split()).replace("|", "\\|")
            given = ", ".join(f"`{argument}`" for argument in layer.arguments)
            rows.append(f"| `{name}` | {about} | {given} |")
        parts += [f"## {family.capitalize()}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def conventions() -> str:
    """Return the page of other tools' conventions: their totals for one network, and their rules."""
    network = load("resnet50")
    rows = ["| tool | its figure | of ResNet-50 | − MACs | what it counts |", "| --- | --- | ---: | ---: | --- |"]
    macs = network.summary().totals.macs
    rows.append(f"| cnncalc | MACs | {macs:,} | | {OWN} |")
    parts = []
    for account in accounts(network):
        tool = account.convention
        more = signed(account.total - account.macs)
        rows.append(f"| [{tool.name}](#{tool.name}) | {tool.figure} | {account.total:,} | {more} | {tool.counts} |")
        by_rule: dict[CountRule, list[str]] = {}
        for layer, rule in tool.by_type.items():
            by_rule.setdefault(rule, []).append(f"`{layer}`")
        lines = [f"| {', '.join(layers)} | {_said(rule)} |" for rule, layers in by_rule.items()]
        lines.append(f"| every other type | {_said(tool.others) if tool.others else 'nothing'} |")
        source = f"Release {tool.release}: <{tool.source.split(',')[0]}>,{tool.source.partition(',')[2]}."
        parts += [f"## {tool.name}", source, "\n".join(["| layer type | counted for it |", "| --- | --- |", *lines])]
    return "\n\n".join(["# What other tools print", WRITTEN, CONVENTIONS, "\n".join(rows), ASKED, *parts]) + "\n"


CONVENTIONS = """\
No two tools count the same. This is what each prints for one network, for one sample, and why; the rules are those of the
tools' own source at the release named, quirks included."""
ASKED = """\
```sh
cnncalc explain resnet50 --convention                # all of them, with the layers that make the difference
cnncalc summary resnet50 --convention fvcore         # every layer as one tool counts it
cnncalc compare resnet18 vgg16 --convention thop
```

Each layer is taken as PyTorch's module of that name, merges as the operators `+` and `*`, in inference."""


def _said(rule: CountRule) -> str:
    return " ".join((rule.__doc__ or "").split()).replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "limits.md": bounds,
    "layers.md": types,
    "conventions.md": conventions,
}


def main() -> None:
    for name, write in PAGES.items():
        (DOCS / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
