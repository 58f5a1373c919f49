"""Damaged specs: for any text a command ends soon, in little memory, with an exit code and no traceback."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from random import Random
from typing import NamedTuple
from unittest import mock

from cnncalc.__main__ import collect_rarely, main
from tests.fuzz.networks import spec

SPECS = Path(__file__).parent.parent.parent / "specs"
MOST_CHARACTERS = 10_000
SECONDS = 1.0  # of CPU
MEGABYTES = 200
MOST_LAYERS = 20_000  # of all networks of a spec; with more layers it may take longer
LARGEST_FILE = 50_000_000  # bytes that a command may write
DEADLINE = 20  # seconds until a command is ended

SPEC, OUT = "SPEC", "OUT"  # the file that a command reads, and the beginning of the name of those that it writes
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("summary", SPEC),
    ("summary", SPEC, "--format", "json"),
    ("summary", SPEC, "-o", f"{OUT}.html"),
    ("check", SPEC),
    ("explain", SPEC),
    ("hotspots", SPEC),
    ("compare", SPEC, SPEC),
    ("compare", "lenet5", SPEC),
    ("sweep", SPEC),
    ("survey", SPEC),
    ("draw", SPEC, "-o", f"{OUT}.svg"),
    ("draw", SPEC, "-o", f"{OUT}.mmd"),
    ("deploy", SPEC),
    ("run", SPEC, "--max-memory", "150MB", "--threads", "1"),
    ("weights", SPEC),
    ("show", SPEC),
    ("import", SPEC),
    ("sweep", SPEC, "--input", "2x8x8,3x9x9,2x64"),
    ("export", SPEC, "-o", f"{OUT}.onnx"),
    ("export", SPEC, "-o", f"{OUT}.py"),
    ("export", SPEC, "--to", "scale-sim"),
    ("export", SPEC, "--to", "timeloop", "-o", OUT),
    ("draw", SPEC, "-o", f"{OUT}.html"),
    ("deploy", SPEC, "--format", "json"),
    ("summary", SPEC, "--format", "csv"),
    ("summary", SPEC, "--format", "markdown", "--columns", "layer,params,receptive_field", "--sort", "params"),
    ("summary", SPEC, "--layout", "hwc", "--batch", "1000000", "--convention", "thop"),
    ("summary", SPEC, "--set", "n=3", "--input", "3x8x8"),
    ("check", SPEC, "--strict", "--format", "junit", "--max-macs", "1k", "--max-arena", "1kB"),
    ("compare", SPEC, SPEC, "--layers", "--format", "csv"),
    ("hotspots", SPEC, "--format", "json", "--top", "3"),
    ("sweep", SPEC, "--columns", "receptive_field,arena,flash", "--format", "json"),
    ("sweep", SPEC, "--where", "macs > 9", "--sort", "params:max", "--top", "1"),
    ("draw", SPEC, "--depth", "1", "-o", f"{OUT}.dot"),
    ("deploy", SPEC, "--board", "nano33ble"),
    (
        "run",
        SPEC,
        "--max-memory",
        "100MB",
        "--threads",
        "1",
        "--repeat",
        "2",
        "--save",
        f"{OUT}.npz",
        "--layers",
        "all",
    ),
)
SLOWER = {"run": 3, "compare": 2, "export": 2, "sweep": 3}
"""Factor of the time that a command may take: it computes, writes weights, or builds two or three networks."""

WORDS = (
    "0", "-1", "1", "3", "1e9", "999999999999", "9007199254740993", "0.5", "-0.0", ".inf", ".nan", "1e400", "0x7f", "1_000",
    "true", "null", "~", "''", '"', "[]", "{}", "[[]]", "{a: 1}", "[1, 2, 3, 4, 5]", "input", "in_channels", "in_shape",
    "in_channels * 2 ** 40", "in_shape[9]", "range(10 ** 9)", "[0] * 10 ** 8", "round(1.5, 10 ** 9)", "len(in_shape)", "n",
    "2 ** 2 ** 2 ** 9", "1 // 0", "1 % 0", "a if b else c", "lambda: 0", "__import__('os')", "(((((1)))))", "not " * 90 + "1",
    "&a", "*a", "!!python/name:os.system", "!!binary x", "|", ">", "---", "...", "#", "%YAML 1.1", "\t", "\x00", "\u202e", "\u0301" * 9,
    "ünï", "名", "\U0001f600", "conv", "add", "concat", "linear: 10", "flatten", "relu", "sequence", "paths", "from", "repeat",
    "for", "when", "weights", "expect", "name", "args", "variants", "blocks", "outputs", "same", "valid",
)  # fmt: skip


class Done(NamedTuple):
    """The result of a command in a process of its own.

    Attributes:
        code: the exit code; None where it was ended by a signal.
        err: its standard error.
        seconds: of CPU.
        megabytes: the most memory that it took.
    """

    code: int | None
    err: str
    seconds: float
    megabytes: float


def damaged(seed: int) -> str:
    """Return a spec with a few damages; the same seed gives the same text."""
    random = Random(seed)
    text = _source(random)
    for _ in range(random.choice([1, 1, 1, 2, 3, 5])):
        text = random.choice(DAMAGES)(random, text)[:MOST_CHARACTERS]
    return text


def command(seed: int) -> tuple[str, ...]:
    """Return the command that is tried on the spec of a seed."""
    return Random(~seed).choice(COMMANDS)


def faults(text: str | bytes, arguments: tuple[str, ...], patience: float = 1.0) -> list[str]:
    """Return the faults of a command's answer to a spec, if any.

    With more ``patience`` a command may take so many times longer.
    """
    done = run(text, arguments)
    seconds = SECONDS * patience * SLOWER.get(arguments[0], 1)
    if seconds < done.seconds < 3 * seconds and not _large(text):  # perhaps because the machine is busy
        done = done._replace(seconds=min(done.seconds, *(run(text, arguments).seconds for _ in range(2))))
    found = []
    if done.code is None:
        found.append(f"ended by a signal after {done.seconds:.1f} s")
    elif done.code not in (0, 1, 2):
        found.append(f"exit code {done.code}")
    if "Traceback" in done.err or "Error:" in done.err.splitlines()[-1:]:
        found.append("a traceback:\n" + done.err[-2000:])
    if done.code == 2 and not done.err.strip():
        found.append("exit code 2 without a word")
    if "\x1b" in done.err:
        found.append("an escape sequence of the file's")
    if len(done.err) > 100_000:
        found.append(f"a message of {len(done.err):,} characters")
    if (done.seconds > seconds or done.megabytes > MEGABYTES) and not _large(text):
        found.append(f"{done.seconds:.2f} s, {done.megabytes:.0f} MB")
    return found


def run(text: str | bytes, arguments: tuple[str, ...]) -> Done:
    """Run a command on a spec in a fork of this process, and return its result, time and memory."""
    with tempfile.TemporaryDirectory() as room:
        path, errors = Path(room) / ("net.yaml" if isinstance(text, str) else "net.onnx"), Path(room) / "err"
        printed = Path(room) / "printed"  # a file: what is printed must not count as memory
        path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
        before = Path(room) / "before"
        child = os.fork()
        if not child:
            before.write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
            places = {SPEC: str(path), OUT: str(Path(room) / "out")}
            os._exit(
                _child(
                    [re.sub("^(SPEC|OUT)", lambda found: places[found[0]], word) for word in arguments], printed, errors
                )
            )
        _, status, usage = os.wait4(child, 0)
        err = errors.read_text("utf-8", "replace") if errors.exists() else ""
        began = int(before.read_text())  # kilobytes of the fork at its start, which don't count
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    return Done(code, err, usage.ru_utime + usage.ru_stime, (usage.ru_maxrss - began) / 1024 + BARE)


BARE = 30  # megabytes of a fresh process that has imported the command line


def _child(arguments: list[str], printed: Path, errors: Path) -> int:
    """Run the command in the child process; return its exit code."""
    collect_rarely()
    signal.alarm(3 * DEADLINE)
    resource.setrlimit(resource.RLIMIT_CPU, (DEADLINE, DEADLINE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    code = 99
    with (
        printed.open("w", encoding="utf-8") as out,
        errors.open("w", encoding="utf-8") as err,
        mock.patch.object(sys, "argv", ["cnncalc", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = main()
        except BaseException:
            traceback.print_exc()
    return code


def _large(text: str | bytes) -> bool:
    """Return whether a spec has so many layers that it need not be quick; a model file always has to be.

    ``check`` and ``sweep`` build each variant, so that those count; they are taken to be as large as the default.
    """
    from cnncalc.language.loading import read_text

    if isinstance(text, bytes):
        return False
    try:
        recipe = read_text(text.encode("utf-8", "surrogatepass"), "test.yaml")
        return len(recipe.build().nodes) * max(1, len(recipe.variants)) > MOST_LAYERS
    except Exception as error:
        return bool(re.search(r"more than [\d,]+ (layers|steps)|at least [\d,]+ layers", str(error)))


def _source(random: Random) -> str:
    """Return an undamaged spec: a shipped or a random one."""
    if random.random() < 0.5:
        return spec(random.randrange(1 << 30))
    texts = [path.read_text(encoding="utf-8") for path in sorted(SPECS.rglob("*.yaml"))]
    return random.choice([text for text in texts if len(text) < MOST_CHARACTERS])


# --- damages -------------------------------------------------------------------------------------------------


def _token(random: Random, text: str) -> str:
    """Replace a word or a number."""
    found = list(re.finditer(r"[\w.']+", text))
    if not found:
        return text
    place = random.choice(found)
    return text[: place.start()] + random.choice(WORDS) + text[place.end() :]


def _number(random: Random, text: str) -> str:
    """Replace a number by one that is far from it."""
    found = list(re.finditer(r"\d+", text))
    if not found:
        return text
    place = random.choice(found)
    other = random.choice(["0", "-1", "1", "2", "100000", str(10 ** random.randrange(20)), place.group() * 3])
    return text[: place.start()] + other + text[place.end() :]


def _character(random: Random, text: str) -> str:
    """Remove, double or insert a character."""
    at = random.randrange(len(text) + 1)
    return (
        text[:at]
        + random.choice(["", text[at : at + 1] * 2, random.choice("[]{}:,-'\"#&*!|>%@` \t\n\\")])
        + text[at + 1 :]
    )


def _lines(random: Random, text: str) -> str:
    """Remove, double or move lines."""
    lines = text.splitlines()
    if len(lines) < 2:
        return text
    start = random.randrange(len(lines))
    part = lines[start : start + random.randint(1, 4)]
    rest = lines[:start] + lines[start + len(part) :]
    at = random.randrange(len(rest) + 1)
    return (
        "\n".join([rest, rest[:at] + part + rest[at:], lines[:start] + part * 30 + lines[start:]][random.randrange(3)])
        + "\n"
    )


def _indent(random: Random, text: str) -> str:
    """Move a line to the right or the left."""
    lines = text.splitlines() or [""]
    at = random.randrange(len(lines))
    lines[at] = random.choice(["  " + lines[at], lines[at].lstrip(), lines[at].replace("- ", "", 1)])
    return "\n".join(lines) + "\n"


def _modifier(random: Random, text: str) -> str:
    """Give an item one more modifier."""
    lines = text.splitlines() or [""]
    items = [at for at, line in enumerate(lines) if line.lstrip().startswith("- ")] or [0]
    at = random.choice(items)
    indent = " " * (len(lines[at]) - len(lines[at].lstrip()) + 2)
    word = random.choice(["repeat", "for", "when", "from", "weights", "name", "expect"])
    value = random.choice([*WORDS, "100000", "i in range(100000)", "i in range(300)", "[a, b]", "x" * 3000])
    return "\n".join([*lines[: at + 1], f"{indent}{word}: {value}", *lines[at + 1 :]]) + "\n"


def _spliced(random: Random, text: str) -> str:
    """Continue with the rest of another spec."""
    other = _source(random)
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other)) :]


def _nested(random: Random, text: str) -> str:
    """Nest a value deeply."""
    opening, closing = random.choice([("[", "]"), ("{", "}"), ("(", ")"), ("<", ">")])
    depth = random.choice([3, 70, 1500])
    return _token(random, text).replace("3", opening * depth + "3" + closing * depth, 1)


def _emptied(random: Random, text: str) -> str:
    """Remove the value of a key."""
    found = list(re.finditer(r"(?<=\w:) [^,\n{}\[\]]+", text))
    if not found:
        return text
    place = random.choice(found)
    return text[: place.start()] + text[place.end() :]


def _few(random: Random, text: str) -> str:
    """Return a few words as the whole spec, or in place of its layers."""
    words = " ".join(random.choices([*WORDS, "-", ":", "?", "\n", "\n  ", "{", "}"], k=random.randint(1, 4)))
    return random.choice([words, f"input: [3, 8, 8]\nlayers: {words}\n", f"input: {words}\nlayers: [relu]\n"])


DAMAGES = (
    _token,
    _token,
    _emptied,
    _few,
    _number,
    _number,
    _character,
    _lines,
    _indent,
    _modifier,
    _modifier,
    _spliced,
    _nested,
)
