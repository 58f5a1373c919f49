"""Networks of too many layers for what works on each of them: refused with the bound, while summaries are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnncalc.ground import limits
from cnncalc.network import Network, load
from tests.commands import cnncalc

MOST = 5_000
HINT = "\n  hint: summaries, checks, hotspots and sweeps take up to 120,000 layers\n"
REFUSED = {
    "drawn": [
        "draw net.yaml", "draw net.yaml -o net.mmd", "draw net.yaml -o net.dot", "draw net.yaml -o net.html",
        "summary net.yaml -o net.html",
    ],
    "planned for a device": ["deploy net.yaml"],
    "written as a spec": ["import net.yaml"],
    "exported": [
        "export net.yaml -o net.onnx", "export net.yaml -o net.py", "export net.yaml --to scale-sim",
        "export net.yaml --to timeloop -o net",
    ],
    "run": ["run net.yaml"],
    "written with weights": ["weights net.yaml -o net.npz"],
    "compared": ["compare net.yaml net.yaml", "compare lenet5 net.yaml"],
}  # fmt: skip
TAKEN = ["summary", "check", "hotspots", "weights", "sweep"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network of one layer more than the bound, and one of layers that read too many tensors."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "net.yaml").write_text(f"input: [2, 8, 8]\nlayers:\n  - relu:\n    repeat: {MOST + 1}\n")
    paths = ", ".join(["[]"] * 900)
    (folder / "wide.yaml").write_text(f"input: [1, 8]\nlayers:\n  - add: {{paths: [{paths}]}}\n    repeat: 23\n")
    return folder


def test_the_bounds_on_layers_are_those_of_the_messages() -> None:
    assert (limits.MAX_DETAILED, limits.MAX_DETAILED_READS, limits.MAX_LAYERS) == (MOST, 4 * MOST, 120_000)


@pytest.mark.parametrize(("done", "command"), [(done, one) for done, commands in REFUSED.items() for one in commands])
def test_a_command_that_works_on_each_layer_refuses_too_many(
    done: str, command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    left = cnncalc(*command.split())
    assert left.err == f"'net' has 5,001 layers; at most 5,000 that read 20,000 can be {done}{HINT}"
    assert (left.code, left.out) == (2, "")
    assert {path.name for path in folder.iterdir()} == {"net.yaml", "wide.yaml"}


def test_layers_that_read_many_tensors_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    left = cnncalc("run", "wide.yaml")
    read = "'wide' has 23 layers that read 20,700 tensors; at most 5,000 that read 20,000 can be run"
    assert left == (2, "", read + HINT)


@pytest.mark.parametrize("command", TAKEN)
def test_a_command_that_adds_layers_up_takes_more(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert cnncalc(command, "net.yaml").code == 0


def test_a_few_chosen_layers_of_too_many_are_drawn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert cnncalc("draw", "net.yaml", "--layers", "relu1?", "--format", "mermaid").code == 0


def test_a_notebook_says_why_there_is_no_picture(folder: Path) -> None:
    network: Network = load(folder / "net.yaml")
    assert network._repr_html_().endswith(
        "<p>'net' has 5,001 layers; at most 5,000 that read 20,000 can be drawn</p>\n"
    )


def test_too_many_scopes_for_modules_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(
        "input: [8]\nlayers:\n  - sequence:\n      - sequence: [relu]\n        name: a\n    name: b\n    repeat: 2500\n"
    )
    left = cnncalc("export", "net.yaml", "-o", "net.py")
    assert left == (2, "", "'net' has 5,001 scopes; at most 5,000 can be modules\n")
    assert not Path("net.py").exists()


def test_too_many_products_for_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text("input: [8]\nlayers:\n  - linear: 1 + i\n    for: i in range(1001)\n")
    left = cnncalc("export", "net.yaml", "--to", "timeloop", "-o", "net")
    assert left == (2, "", "'net' has 1,001 different products; at most 1,000 are files\n")
    assert not Path("net").exists()


def test_too_many_operators_or_indices_for_an_onnx_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bins of different sizes are an operator each, and so is each cut; windows are gathered by an index for each tap."""
    monkeypatch.chdir(tmp_path)
    bins = "    - adaptive_avgpool: 97\n    - adaptive_avgpool: 96\n"
    Path("bins.yaml").write_text(f"input: [1, 98]\nlayers:\n  - sequence:\n{bins}    repeat: 60\n")
    windows = "locally_connected: {out_channels: 1, kernel_size: 9, padding: 4}"
    Path("windows.yaml").write_text(f"input: [1, 64, 64]\nlayers:\n  - {windows}\n    repeat: 4\n")
    left = cnncalc("export", "bins.yaml", "-o", "net.onnx")
    assert left == (2, "", "'bins' takes more than 20,000 operators in ONNX\n")
    left = cnncalc("export", "windows.yaml", "-o", "net.onnx")
    assert left == (2, "", "'windows' takes more than 1,048,576 indices in ONNX\n")
    assert not Path("net.onnx").exists()
