"""The process as a whole: its width, its exit codes, Ctrl-C; and what ``import cnncalc`` offers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cnncalc
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.places import SpecError
from tests.commands import process


@pytest.mark.parametrize("columns", ["0", "²", "-1", "", "99999999999999999999", "x"])
def test_widths_that_are_not_numbers(columns: str) -> None:
    """With an invalid COLUMNS, the output to a pipe has the width that it needs."""
    done = process("summary", "lenet5", env={**os.environ, "COLUMNS": columns})
    assert (done.returncode, done.stderr) == (0, "")
    without = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    assert done.stdout == process("summary", "lenet5", env=without).stdout


def test_a_width_that_is_one() -> None:
    done = process("summary", "resnet50", env={**os.environ, "COLUMNS": "80"})
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("module", ["click", "yaml", "cnncalc/cli/summary"])
def test_interrupted_while_it_starts(tmp_path: Path, module: str) -> None:
    """Ctrl-C comes in the middle of an import, where a short run spends most of its time."""
    hook = tmp_path / "sitecustomize.py"
    hook.write_text(
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module.replace('/', '.')!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path(cnncalc.__file__).parent.parent)])
    done = process("summary", "lenet5", env={**os.environ, "PYTHONPATH": paths})
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_nothing_is_imported_before_ctrl_c_is_caught() -> None:
    """When the handler is set, only cnncalc is loaded, and modules that every process has."""
    text = (
        "import sys; bare = set(sys.modules); import cnncalc.__main__; "
        "print(sorted(set(sys.modules) - bare - {'os', 'sys'}))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "['cnncalc', 'cnncalc.__main__']\n"


def test_full_disk() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cnncalc", "summary", "lenet5"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "can't write the output: No space left on device\n")


def test_a_full_stderr_does_not_change_the_exit_code() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cnncalc", "summary", "no-such"], stderr=full, check=False, timeout=60
        )
    assert done.returncode == 2


def test_a_command_line_without_a_command_shows_the_help_once() -> None:
    done, asked = process(), process("--help")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", asked.stdout)


def test_the_version_is_stated_once() -> None:
    """A checkout that is not installed has a version, too."""
    pyproject = (Path(cnncalc.__file__).parents[1] / "pyproject.toml").read_text()
    assert f'"{cnncalc.__version__}"' not in pyproject
    assert process("--version").stdout == f"cnncalc, version {cnncalc.__version__}\n"


def test_dir_has_every_public_name() -> None:
    assert {"load", "Network", "Summary", "CnncalcError", "__version__"} <= set(dir(cnncalc))


def test_an_error_as_text_is_what_the_command_shows(tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text("input: [3, 8, 8]\nlayers:\n  - convv: 4\n")
    with pytest.raises(SpecError) as caught:
        cnncalc.load(str(net))
    assert str(caught.value) == caught.value.text() == process("summary", str(net)).stderr.rstrip()
    assert str(caught.value).startswith(f"{net}:3:5: ")
    assert str(CnncalcError("no", "yes")) == "no\n  hint: yes"


def test_a_summary_prints_as_the_command_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Params of torchvision's resnet50: 25,557,032; MACs of its convolutions and its linear layer: 4,089,184,256."""
    for columns in ("70", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        shown = process("summary", "resnet50", env={**os.environ, "COLUMNS": columns}).stdout
        assert str(cnncalc.load("resnet50").summary()) + "\n" == shown
    assert repr(cnncalc.load("resnet50").summary()) == (
        "<Summary resnet50: 175 layers, 25,557,032 params, 4,089,184,256 MACs>"
    )
    assert repr(cnncalc.loads("input: [1, 1]\nlayers:\n  - scale:\n").summary()).startswith(
        "<Summary <text>: 1 layer, "
    )


def test_the_repr_of_a_network() -> None:
    """Params of torchvision's resnet50: 25,557,032; 53 convolutions with their batchnorms."""
    shown = repr(cnncalc.load("resnet50"))
    assert shown == "<Network resnet50: 175 layers, 25,557,032 params>"
