"""``python -m cnncalc``, and the command itself: errors, broken pipes and Ctrl-C end here, never in a traceback."""

from __future__ import annotations

import gc
import os
import sys

gc.set_threshold(50_000, 20, 50)  # a network is many small objects that all live: looking for garbage finds none

INTERRUPTED = 130


def entry() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        code = main()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except KeyboardInterrupt:  # once more, while the first is being told
        code = INTERRUPTED
    os._exit(code)  # all is written: tearing down the modules one by one takes a tenth of the whole run


def main() -> int:
    """Run the command line and return its exit code: 0 done, 1 a check failed, 2 wrong input, 130 interrupted."""
    try:
        return _guarded()
    except KeyboardInterrupt:  # perhaps in the middle of an import, so that nothing can be counted on here
        if sys.stderr is not None:
            sys.stderr.write("interrupted\n")
        return INTERRUPTED


def _guarded() -> int:
    """Run the command line where standard output may close or be full."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=stream.encoding, errors="replace")  # a terminal that can't show × shows ?
    from cnncalc.cli.output import tell

    try:
        code = _run()
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read has seen enough
        code = 0
        _drop_output()
    except OSError as error:
        code = 2
        place = error.filename or "can't write the output"
        tell(f"{place}: {error.strerror}")
        _drop_output()
    return code


def _drop_output() -> None:
    """Send what is still buffered nowhere, so that no flush fails again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run() -> int:
    from io import StringIO

    import click

    from cnncalc.cli import cli
    from cnncalc.cli.output import tell
    from cnncalc.ground.errors import CnncalcError

    if "_CNNCALC_COMPLETE" in os.environ:
        cli.main(prog_name="cnncalc")  # a shell asks what could come next
    try:
        with cli.make_context("cnncalc", sys.argv[1:]) as context:  # cli.main() would make a broken pipe an error
            code = cli.invoke(context)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except CnncalcError as error:
        tell(error.text())
        return error.exit_code
    except click.ClickException as error:
        shown = StringIO()
        error.show(shown)
        tell(shown.getvalue().rstrip())
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # click's answer to a closed pipe, which to us is no error
        raise BrokenPipeError from None


if __name__ == "__main__":
    entry()
