"""The pictures in the documents are what the tool draws now.

``python -m tests.drawing.test_committed_pictures`` draws them again.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import cnncalc

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "pictures"
FAULT = Path(__file__).parent / "fault.yaml"

COMMANDS = {
    "resnet50.svg": ("draw", "resnet50", "--depth", "2", "--columns", "3"),
    "unet.svg": ("draw", "unet", "--depth", "1"),
    "fault.svg": ("draw", str(FAULT)),
}


def drawn(name: str) -> str:
    return cnncalc(*COMMANDS[name]).out


@pytest.mark.parametrize("name", COMMANDS)
def test_a_picture_is_as_it_is_drawn(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == drawn(name), "make it again: python -m " + __name__


def test_every_picture_is_made_by_a_command_and_shown() -> None:
    assert {path.name for path in FOLDER.glob("*.svg")} == set(COMMANDS)
    texts = "".join([path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]])
    for name in COMMANDS:
        assert f"pictures/{name})" in texts


if __name__ == "__main__":
    for name in COMMANDS:
        (FOLDER / name).write_text(drawn(name), encoding="utf-8")
