"""Files are written completely or not at all, and nobody else can read them before they are complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnncalc.ground.atomic_write import whole_file, write_whole
from cnncalc.ground.errors import CnncalcError


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_the_mode_is_the_old_files(tmp_path: Path) -> None:
    old = tmp_path / "private.csv"
    old.write_text("before")
    old.chmod(0o600)
    write_whole(str(old), b"after")
    assert (old.read_bytes(), _mode(old)) == (b"after", 0o600)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_new_file_has_what_the_umask_leaves(tmp_path: Path, mask: int, mode: int) -> None:
    os.umask(mask)
    write_whole(str(tmp_path / "new"), [b"a", b"b"])
    assert _mode(tmp_path / "new") == mode
    assert os.umask(mask) == mask


def test_nobody_else_reads_it_while_it_is_written(tmp_path: Path) -> None:
    with whole_file(str(tmp_path / "new")) as file:
        file.write(b"half")
        assert [_mode(path) for path in tmp_path.iterdir()] == [0o600]
        assert Path(file.name).parent == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_an_exception_leaves_what_was_there(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("before")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(str(old), chunks())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old", "before")]


def test_a_link_stays_one_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("before")
    (tmp_path / "link").symlink_to("target")
    write_whole(str(tmp_path / "link"), b"after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "after"


def test_a_device_is_written_as_it_stands() -> None:
    write_whole(os.devnull, b"gone")
    assert not Path(os.devnull).is_file()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CnncalcError, match=r"^can't write .*/none/x: there is no folder .*/none$"):
        write_whole(str(tmp_path / "none" / "x"), b"")
    with pytest.raises(CnncalcError, match=r"^can't write .*: it is a folder$"):
        write_whole(str(tmp_path), b"")
