"""The command ``export``: which format is meant, and where it goes."""

from __future__ import annotations

from pathlib import Path

from cnncalc import load
from tests.commands import cnncalc


def test_the_suffix_says_the_format(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    assert cnncalc("export", "lenet5", "-o", str(path)) == (0, "", "")
    assert load(path).summary().totals.params == 61_706  # LeCun et al. 1998, C3 fully connected
    assert cnncalc("export", "lenet5", "--to", "spec").out == path.read_text()


def test_what_is_not_said() -> None:
    nothing = cnncalc("export", "lenet5")
    assert nothing.code == 2
    assert nothing.err.startswith("neither --to nor -o says in which format\n  hint: there are spec")
    unknown = cnncalc("export", "lenet5", "-o", "net.foo")
    assert unknown.code == 2
    assert unknown.err.startswith("-o net.foo: no format has such a suffix\n  hint: there are spec")


def test_an_input_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    cnncalc("export", "lenet5", "-o", str(path))
    before = path.read_bytes()
    done = cnncalc("export", str(path), "-o", str(path))
    assert (done.code, done.err) == (2, f"-o {path}: this command reads that file and won't write over it\n")
    assert path.read_bytes() == before
