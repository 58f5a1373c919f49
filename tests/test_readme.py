"""The README is true: its sessions run as printed, its commands exist, its specs are specs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnncalc.cli import cli
from cnncalc.ground import limits
from cnncalc.layers import layer_types
from tests.commands import cnncalc
from tests.readme import README, Step, files, matches, run, runnable, sessions, write_files

TEXT = README.read_text()
SESSIONS = list(sessions(TEXT))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("readme")
    write_files(TEXT, place)
    return place


@pytest.mark.parametrize("steps", SESSIONS, ids=[steps[0].command[:60] for steps in SESSIONS])
def test_a_session_runs_as_printed(steps: list[Step], folder: Path) -> None:
    for step in steps:
        if runnable(step.command):
            actual = run(step.command, folder)
            assert matches(step.expected, actual), f"$ {step.command}\n{actual}"


def test_a_session_that_is_not_true_is_seen(folder: Path) -> None:
    assert not matches("a\n…\nc\n", "a\nb\nd\n")
    assert matches("a\n…\nc\n", "a\nb\nb\nc\n")
    assert run("echo x", folder) == "x\n"


def test_every_command_and_every_bound_is_told() -> None:
    import click

    for name in cli.list_commands(click.Context(cli)):
        assert f"cnncalc {name}" in TEXT
    for name in (name for name in dir(limits) if name.startswith("MAX_")):
        assert f"`{name}`" in TEXT


def test_every_layer_type_is_named() -> None:
    for name in layer_types():
        assert f"`{name}`" in TEXT


def test_the_language_s_page_states_the_bounds_as_they_are_and_its_specs_are_specs(tmp_path: Path) -> None:
    text = (README.parent / "docs" / "language.md").read_text()
    bounds = re.findall(r"^\| `(MAX_\w+)` \| .* \| ([\d,]+(?: MiB)?|2⁵³) \|$", text, re.MULTILINE)
    assert len(bounds) == 18
    for name, stated in bounds:
        value = getattr(limits, name)
        assert stated in (f"{value:,}", f"{value / 2**20:g} MiB") or (stated, value) == ("2⁵³", 2**53)
    for name, spec in files(text).items():
        (tmp_path / name).write_text(spec)
        assert cnncalc("check", str(tmp_path / name)).code == (2 if name == "wrong.yaml" else 0)
