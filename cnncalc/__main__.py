"""``python -m cnncalc`` and the command itself: handle errors, broken pipes and Ctrl-C without a traceback."""

import os
import sys

INTERRUPTED = 130


class Ended(BaseException):
    """A signal other than Ctrl-C's ends the process; half-written files are removed."""


class Running:
    """Whether signals may unwind the stack: only while :func:`_ended` catches their exceptions."""

    can_unwind = False


def entry() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        _end_quietly()
    except KeyboardInterrupt:  # signal.signal() first handles a signal that has come before
        os._exit(INTERRUPTED)
    code, message = _ended()
    if code >= INTERRUPTED - 2:
        _clean_up(code, message)
    os._exit(code)  # everything is written; tearing down the modules would take a tenth of the run


def _ended() -> tuple[int, str]:
    """Return the exit code of the command line, however it ends, and the message of an interruption."""
    message = ""
    try:
        _handle_signals()
        Running.can_unwind = True
        collect_rarely()
        code = main()
        _flush()
        Running.can_unwind = False
    except (KeyboardInterrupt, Ended, RuntimeError) as error:  # perhaps amid an import: no module can be relied on here
        Running.can_unwind = False
        code, message = _ending(error)
    return code, message


def _ending(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the message of an interruption.  Raises any other RuntimeError.

    The caller keeps no exception: its traceback would keep alive the generators that end a sweep's workers.
    """
    # Python before 3.12 wraps what is raised while a class is made
    end = error.__cause__ if isinstance(error, RuntimeError) else error
    if isinstance(end, KeyboardInterrupt):
        return INTERRUPTED, f": {end.args[0]}" if end.args else ""
    if isinstance(end, Ended):
        return end.args[0], ""
    raise error


def _end_quietly() -> None:
    """Let Ctrl-C end the process at once until it is handled: there is nothing to clean up yet.

    Before this call, Ctrl-C ends in a traceback of Python's own start-up or of the import of this module.
    """
    import _signal as signal

    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def collect_rarely() -> None:
    """Run the garbage collector rarely: a network is many small live objects, and it would find nothing."""
    import gc

    gc.set_threshold(3_000_000, 20, 50)


def _handle_signals() -> None:
    """Let signals unwind the stack, so that no temporary file is left: Ctrl-C as always, SIGTERM and SIGHUP as Ended.

    A signal within a fifth of a second after another one is ignored: both have the same cause, and the second must not
    interrupt the clean-up.
    """
    import _signal as signal  # Python has loaded it already; the rest of ``signal`` takes a third of a millisecond
    from time import monotonic

    last, owner = -1.0, os.getpid()

    def end(number: int, frame: object) -> None:
        nonlocal last
        if os.getpid() != owner:  # a worker that was just forked must not unwind the stack of its parent
            if number != signal.SIGINT:  # the parent handles Ctrl-C
                os._exit(128 + number)
            return
        if not Running.can_unwind:
            os._exit(128 + number)
        before, last = last, monotonic()
        if last - before < 0.2:
            return
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise Ended(128 + number)

    def once_more(dropped: "sys.UnraisableHookArgs") -> None:
        """Send a signal again if Python had to drop it, such as in a callback of an import; report other errors."""
        nonlocal last
        if isinstance(dropped.exc_value, (KeyboardInterrupt, Ended)) and hasattr(signal, "setitimer"):
            number = (
                signal.SIGINT if isinstance(dropped.exc_value, KeyboardInterrupt) else dropped.exc_value.args[0] - 128
            )
            last = -1.0
            signal.signal(signal.SIGALRM, lambda _, frame: end(number, frame))
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            sys.__unraisablehook__(dropped)

    sys.unraisablehook = once_more
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP
            signal.signal(number, end)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _clean_up(code: int, message: str) -> None:
    """Remove the files of interrupted writes; further signals are ignored."""
    import _signal as signal
    from contextlib import suppress

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    from cnncalc.ground.atomic_write import remove_unfinished

    remove_unfinished()
    with suppress(OSError):  # the terminal may be closed
        if message:  # of a command that has imported all it needs
            from cnncalc.cli.output import to_stderr

            to_stderr(f"interrupted{message}")
        elif code == INTERRUPTED and sys.stderr is not None:
            sys.stderr.write("interrupted\n")
        _flush()


def main() -> int:
    """Run the command line and return its exit code: 0 done, 1 a check failed, 2 wrong input.

    Standard output may close or be full; Ctrl-C is the caller's.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=stream.encoding, errors="replace")  # a terminal that can't show × shows ?
    from cnncalc.cli.output import to_stderr

    try:
        code = _run()
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, as ``head``, has closed the pipe
        code = 0
        _drop_output()
    except OSError as error:
        code = 2
        place = error.filename or "can't write the output"
        to_stderr(f"{place}: {error.strerror}")
        _drop_output()
    return code


def _drop_output() -> None:
    """Discard buffered output, so that no flush fails again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run() -> int:
    from io import StringIO

    import click

    from cnncalc.cli import cli
    from cnncalc.cli._messages import error_text, shown_warnings
    from cnncalc.cli.output import to_stderr
    from cnncalc.ground.errors import CnncalcError, clipped

    if "_CNNCALC_COMPLETE" in os.environ:
        cli.main(prog_name="cnncalc")  # a shell asks for completions
    try:
        # cli.main() would turn a broken pipe into an error
        with shown_warnings(), cli.make_context("cnncalc", sys.argv[1:]) as context:
            code = cli.invoke(context)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except CnncalcError as error:
        to_stderr(error_text(error))
        return error.exit_code
    except click.ClickException as error:
        from cnncalc.cli._words import explained

        error = explained(error)
        shown = StringIO()
        error.show(shown)
        to_stderr("\n".join(map(clipped, shown.getvalue().rstrip().split("\n"))))
        return error.exit_code
    except MemoryError:
        to_stderr("out of memory")
        return CnncalcError.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # click's exception for a closed pipe, which is no error here
        raise BrokenPipeError from None


if __name__ == "__main__":
    entry()
