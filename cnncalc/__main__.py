"""``python -m cnncalc``, and the command itself: errors, broken pipes and Ctrl-C end here, never in a traceback."""

from __future__ import annotations

import gc
import os
import sys

gc.set_threshold(50_000, 20, 50)  # a network is many small objects that all live: looking for garbage finds none

import click  # noqa: E402

from cnncalc.errors import CnncalcError  # noqa: E402

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its code: 0 done, 1 a check failed, 2 wrong input, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that can't show × shows ?
    try:
        code = _run()
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read has seen enough
        code = 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError as error:
        code = 2
        _tell(f"can't write the output: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)


def _run() -> int:
    from cnncalc.cli import cli

    try:
        code = cli.main(prog_name="cnncalc", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except CnncalcError as error:
        _tell(error.text())
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _tell("interrupted")
        return INTERRUPTED


def _tell(text: str) -> None:
    if sys.stderr is not None:
        click.echo(text, err=True)


if __name__ == "__main__":
    main()
