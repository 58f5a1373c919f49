"""``cnncalc help``: print what ``--help`` prints."""

from __future__ import annotations

import click

from cnncalc.cli import Command
from cnncalc.cli.output import Output


def _commands(context: click.Context, param: click.Parameter, begin: str) -> list[str]:
    """Return the commands whose names begin so."""
    root = context.find_root()
    known = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    return [name for name in known if name.startswith(begin)]


@click.command("help", Command, short_help="List the commands, or show one in full.")
@click.argument("name", metavar="[COMMAND]", required=False, shell_complete=_commands)
@click.pass_context
def command(context: click.Context, name: str | None) -> None:
    """List the commands, or show one in full: what it does, its options and examples.

    \b
    cnncalc help
    cnncalc help summary
    """
    group = context.find_root()
    text = group.get_help()
    if name is not None:
        assert isinstance(group.command, click.Group)
        _, found, _ = group.command.resolve_command(group, [name])
        assert found is not None  # resolve_command has reported an unknown name
        with click.Context(found, info_name=name, parent=group) as its:
            text = its.get_help()
    Output(None, "never").text([text, "\n"])
