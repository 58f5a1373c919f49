"""The command line: one file per command, imported only when the command runs."""

from __future__ import annotations

import os
from functools import partial
from importlib import import_module
from keyword import iskeyword

import click

from cnncalc.cli.output import to_stderr

EXAMPLES = "Examples:"
"""The heading above the example command lines of a help text."""

NOTHING_ASKED = 2
"""The exit code of a command line without a command."""

_SHARED = ("opening", "options", "output", "overwriting", "parsing", "progress")


def _show_help(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        click.echo(context.get_help(), color=context.color)
        context.exit()


def _show_version(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from cnncalc.ground.version import __version__

        click.echo(f"cnncalc, version {__version__}", color=context.color)
        context.exit()


_eager_flag = partial(click.Option, is_flag=True, is_eager=True, expose_value=False)
_HELP = _eager_flag(["-h", "--help"], callback=_show_help, help="Show this message and exit.")
_VERSION = _eager_flag(["-V", "--version"], callback=_show_version, help="Show the version and exit.")


class Command(click.Command):
    """A command whose option for help is ours: click's looks for translations, which takes most of a millisecond."""

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """Return the option for help."""
        return _HELP

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, and what can be given as SPEC."""
        super().format_help_text(ctx, formatter)
        if any(parameter.name in ("spec", "specs") for parameter in self.params) and self.name != "show":
            from cnncalc.cli._words import SPEC

            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(f"SPEC is {SPEC}.")


class Commands(Command, click.Group):
    """A group whose commands are the modules of this folder."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help when there are no arguments."""
        if not args and not ctx.resilient_parsing:
            to_stderr(ctx.get_help())
            raise click.exceptions.Exit(NOTHING_ASKED)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, ``summary`` first."""
        names = [name.removesuffix(".py") for name in os.listdir(os.path.dirname(__file__)) if name.endswith(".py")]
        commands = [name.rstrip("_") for name in names if not name.startswith("_") and name not in _SHARED]
        return sorted(commands, key=lambda name: (name != "summary", name != "run", name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = import_module(f"cnncalc.cli.{module}").command
        about, mark, examples = (command.help or "").partition("\b\n")
        if mark and EXAMPLES not in examples:
            indent = " " * (len(examples) - len(examples.lstrip(" ")))
            command.help = f"{about}{mark}{indent}{EXAMPLES}\n{examples}"
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. The error for an unknown word has a hint; if the word is a spec, it names ``summary``."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is not None:
            return name, command, args[1:]
        if not name.startswith("-"):
            hint = self._hint(name, tuple(self.list_commands(ctx)))
            raise click.UsageError(f"no command '{name}'" + (f"\n  hint: {hint}" if hint else ""), ctx)
        return super().resolve_command(ctx, args)

    def _hint(self, name: str, known: tuple[str, ...]) -> str | None:
        from cnncalc.cli._words import command_hint
        from cnncalc.language.shipped import networks

        is_file = os.path.isfile(name) or name.endswith((".yaml", ".yml"))
        if is_file or name in [network for network, _, _ in networks()]:
            return f"'cnncalc summary {name}' shows it"
        return command_hint(name, known)


@click.command(
    cls=Commands, params=[_VERSION], context_settings={"help_option_names": _HELP.opts, "show_default": True}
)
def cli() -> None:
    """Shapes, parameters, MACs and FLOPs of convolutional networks: exact, explained, and proven by running.

    SPEC is a YAML file, an ONNX model, '-' for standard input, or the name of a network that ships with cnncalc
    (resnet50).
    """
