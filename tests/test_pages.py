"""README and docs are true: sessions run as printed, specs are valid, and lists are complete."""

from __future__ import annotations

import doctest
import re
import subprocess
from pathlib import Path

import click
import pytest

from cnncalc.cli import cli
from tests import reference
from tests.commands import cnncalc
from tests.pages import PAGES, README, ROOT, Step, files, matches, run, runnable, sessions, write_files

SESSIONS = [(page, steps) for page in PAGES for steps in sessions(page.read_text(encoding="utf-8"))]


def _named(value: object) -> str | None:
    if isinstance(value, Path):
        return value.stem
    return value[0].command[:50] if isinstance(value, list) else None


@pytest.mark.parametrize(("page", "steps"), SESSIONS, ids=_named)
def test_a_session_runs_as_printed(page: Path, steps: list[Step], tmp_path: Path) -> None:
    write_files(page.read_text(encoding="utf-8"), tmp_path)
    for step in steps:
        if runnable(step.command):
            actual = run(step.command, tmp_path)
            assert matches(step.expected, actual), f"$ {step.command}\n{actual}"


def test_a_wrong_session_is_found(tmp_path: Path) -> None:
    assert not matches("a\n…\nc\n", "a\nb\nd\n")
    assert matches("a\n…\nc\n", "a\nb\nb\nc\n")
    assert run("echo x", tmp_path) == "x\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_specs_of_a_page_are_specs(page: Path, tmp_path: Path) -> None:
    for name, spec in files(page.read_text(encoding="utf-8")).items():
        if name.endswith(".yaml") and not name.startswith("."):
            (tmp_path / name).write_text(spec, encoding="utf-8")
            assert cnncalc("check", str(tmp_path / name)).code == (2 if name == "wrong.yaml" else 0), name


def test_the_python_of_a_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        write_files(text, tmp_path)
        for code in re.findall(r"^```python\n(import cnncalc.*?)^```$", text, re.MULTILINE | re.DOTALL):
            exec(compile(code, str(page), "exec"), {})


def test_the_python_sessions_of_a_page_run_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for page in PAGES:
        names: dict[str, object] = {}
        for code in re.findall(r"^```pycon\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            session = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), 0)
            shown: list[str] = []
            doctest.DocTestRunner(verbose=False).run(session, out=shown.append, clear_globs=False)
            assert not shown, "".join(shown)
            names = session.globs


def test_readme_names_every_command_and_is_short() -> None:
    text = README.read_text(encoding="utf-8")
    for name in cli.list_commands(click.Context(cli)):
        assert f"cnncalc {name}" in text
    assert text.count("\n") <= 250


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_of_reference_is_as_the_code_is(name: str) -> None:
    """``python -m tests.reference`` writes every option of every command, every bound and every layer type."""
    assert (reference.DOCS / name).read_text(encoding="utf-8") == reference.PAGES[name]()


def test_lines_for_a_shell_have_valid_syntax() -> None:
    """Process substitution needs bash; `…` and capitals stand for words of the reader."""
    for page in PAGES:
        for lines in re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            done = subprocess.run(["bash", "-n"], input=lines, text=True, capture_output=True, check=False)
            assert done.stderr == "", f"{page.name}: {lines}"


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_linked_from_readme() -> None:
    text = README.read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert str(page.relative_to(ROOT)) in text, page
