"""Options that several commands share, as decorators that gather related options into one object.

A command is a file of this folder with a function ``command``; it makes a view and shows it::

    @click.command("summary", Command, short_help="One line for the list of commands.")
    @takes_spec()      # SPEC, --variant, --input, --set, --layout: the function gets ``asked``
    @takes_basis       # --batch, --dtype: ``basis``
    @takes_output()    # --format, --output, --color: ``out``
    @click.option("--top", type=click.IntRange(1), help="…")
    def command(asked: Asked, basis: Basis, out: Output, top: int | None) -> int:
        network = asked.network()
        …
        out.show(SomeView(…))  # from cnncalc.rendering.views
        return 0               # the exit code

Commands read files through :mod:`cnncalc.cli.opening`, or note them with ``note_read``, and write them through ``out``,
or after ``refuse_overwriting``, so that none overwrites a file that it reads.  Rooms that few commands need are
imported inside the function.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cnncalc.cli.opening import Asked, AskedSeveral
from cnncalc.cli.output import Output
from cnncalc.figures.costs import CONVENTIONS, DTYPES, OWN_CONVENTION
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.named import NamedTuple
from cnncalc.rendering.writers import FORMATS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Function = Callable[..., object]
Decorator = Callable[[Function], Function]

AS_SVG = "write an .svg: browsers show it, and rsvg-convert makes a PNG or a PDF of it"
OF_ARRAYS = (".npz", ".safetensors")
RASTER = (".png", ".jpg", ".jpeg", ".pdf", ".gif", ".webp")
GENERAL = tuple([name for name, format in FORMATS.items() if format.general])
"""The formats of nearly every command."""


class WholeNumber(click.IntRange):
    """Whole numbers with a bound so large that the help leaves it out."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least)
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail as click does."""
        number: int = super().convert(value, param, ctx)
        if number > self.most:
            self.fail(f"{number:,} is more than {self.most:,}.", param, ctx)
        return number


SEED = WholeNumber(0, 2**63 - 1)
"""What NumPy takes as a seed."""

file_option = click.option(
    "-o", "--output", "path", metavar="FILE", help="Write to a file instead of standard output."
)  # fmt: skip


class BatchAndDtype(NamedTuple):
    """The basis of all figures: samples per pass, and the type of all tensors."""

    batch: int
    dtype: str

    @property
    def width(self) -> int:
        """Bytes per element."""
        return DTYPES[self.dtype]


# --- which network --------------------------------------------------------------------------------------------

_SETTINGS = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE",
    help="Set one of the spec's args; may be repeated.",
)  # fmt: skip
_INPUTS = click.option(
    "--input", "inputs", multiple=True, metavar="SHAPE",
    help="Input shape instead of the file's, without the batch: 3x320x320. NAME=SHAPE if there are several inputs, "
    "NAME=N for a model file's number.",
)  # fmt: skip
layout_option = click.option(
    "--layout",
    type=click.Choice(["chw", "hwc"]),
    default="chw",
    help="Order of the axes in all shapes, given or shown: 3×32×32 or 32×32×3.",
)
fuse_option = click.option(
    "--fuse/--no-fuse", default=True, help="Combine a model file's operators into layers, or show them one by one."
)


def _with(command: Function, *decorators: Decorator) -> Function:
    """Return a command with options in this order."""
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def gathering(name: str, made: Function, *options: Decorator) -> Decorator:
    """Return a decorator that adds options in this order; the command gets ``made`` of their values as ``name``."""

    def add(command: Function) -> Function:
        @wraps(command)
        def gathered(**given: object) -> object:
            values = {field: given.pop(field) for field in fields}
            return command(**{name: made(**values)}, **given)

        others = len(vars(gathered).get("__click_params__", ()))
        _with(gathered, *options)
        fields = [param.name for param in vars(gathered)["__click_params__"][others:]]
        return gathered

    return add


def spec_argument(name: str, nargs: int = 1, required: bool = True, metavar: str | None = None) -> Decorator:
    """Return an argument that shells complete with the names of shipped networks, or else with files."""

    def complete(ctx: click.Context, param: click.Parameter, begin: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from cnncalc.language.shipped import networks

        names = [name for name, _, _ in networks() if name.startswith(begin)] if begin else []
        return [CompletionItem(begin, type="file"), *map(CompletionItem, names)]

    return click.argument(name, shell_complete=complete, nargs=nargs, required=required, metavar=metavar)


def takes_spec(inputs: Decorator = _INPUTS, fuse: Decorator = fuse_option) -> Decorator:
    """Add SPEC and the options that change its network; the command gets them as ``asked``.

    Args:
        inputs: the option ``--input``, if the command gives it another meaning.
        fuse: the option ``--no-fuse``, if the command allows it for specs, too.
    """

    asked = partial(Asked, fuses_specs=fuse is not fuse_option)
    variant = click.option("--variant", metavar="NAME", help="Variant of a family.")
    return gathering("asked", asked, spec_argument("spec"), variant, inputs, _SETTINGS, layout_option, fuse)


def takes_specs(required: bool) -> Decorator:
    """Add several SPECs (FILE:VARIANT is one of a family) and the options that change all of them: ``asked``."""

    def several(
        specs: tuple[str, ...], inputs: tuple[str, ...], settings: tuple[str, ...], layout: str, fuse: bool
    ) -> AskedSeveral:
        return AskedSeveral(specs, Asked("", None, inputs, settings, layout, fuse, fuses_specs=True))

    specs = spec_argument("specs", nargs=-1, required=required, metavar="SPEC…" if required else "[SPEC]…")
    return gathering("asked", several, specs, _INPUTS, _SETTINGS, layout_option, fuse_option)


dtype_option = click.option(
    "--dtype",
    type=click.Choice(list(DTYPES)),
    default="float32",
    help="Type of all tensors, for bytes. int8 counts one byte per element; see 'deploy' for real devices.",
)
convention_option = click.option(
    "--convention", type=click.Choice(CONVENTIONS), default=OWN_CONVENTION,
    help="Count MACs as another tool does; 'cnncalc explain --convention' explains the differences.",
)  # fmt: skip

takes_basis = gathering(
    "basis",
    BatchAndDtype,
    click.option("--batch", type=WholeNumber(1, 10**9), default=1, help="Samples per pass."),
    dtype_option,
)
"""Adds the options for the batch size and the type of the elements; the command gets them as ``basis``."""


# --- where the result goes -------------------------------------------------------------------------------------


def takes_output(
    *own: str,
    general: bool = True,
    help: str = "Write to a file instead of standard output.",
    others: Sequence[str] = (),
) -> Decorator:
    """Add the options for the file, the format and the colours of the result; the command gets them as ``out``.

    Args:
        own: formats of this command, from :data:`cnncalc.rendering.writers.FORMATS`.
        general: whether it has the usual formats, too. The first format is the default.
        help: the help text of ``--output``.
        others: suffixes of files that the command writes itself, in other formats.
    """
    known = (*GENERAL, *own) if general else own
    suffixes = {suffix: name for name in known for suffix in FORMATS[name].suffixes}
    suffixes |= dict.fromkeys(others, known[0])

    def by_suffix(context: click.Context, parameter: click.Parameter, value: str) -> str:
        """Return the format, by default that of the file's suffix. Raises CnncalcError for an unknown suffix."""
        path = context.params["path"] or ""
        suffix = os.path.splitext(path)[1].lower()
        if context.get_parameter_source("format") is not ParameterSource.DEFAULT or not suffix:
            return value
        if suffix not in suffixes:
            hint = f"there are {', '.join(suffixes)}; with --format any name is allowed"
            if suffix in RASTER and ".svg" in suffixes:
                hint = AS_SVG
            elif suffix in OF_ARRAYS and any("--save" in one.opts for one in context.command.params):
                hint = f"'--save {path}' writes the network's outputs"
            raise CnncalcError(f"-o {path}: no format has the suffix '{suffix}'", hint)
        return suffixes[suffix]

    def output(format: str, path: str | None, color: str) -> Output:
        return Output(path, color, format, layout=click.get_current_context().params.get("layout", "chw"))

    formats = click.option(
        "--format", "format", type=click.Choice(known), default=known[0], callback=by_suffix,
        help="Output format. Default: by FILE's suffix: .json, .csv, .md, …" if general
        else f"Output format. Default: by FILE's suffix: {', '.join(suffixes)}.",
    )  # fmt: skip
    path = click.option("-o", "--output", "path", metavar="FILE", is_eager=True, help=help)
    color = click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto",
        help="Use colour; auto: on a terminal, unless NO_COLOR is set.",
    )  # fmt: skip
    return gathering("out", output, formats, path, color)
