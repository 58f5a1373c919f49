"""Cells of a terminal: wide signs take two, combining marks none.

Expected widths: Unicode's EastAsianWidth.txt (W and F are wide) and UnicodeData.txt (Mn and Me take no room), as
terminals have them; rich's own table is the second opinion.
"""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.cells import cell_len

from cnncalc.rendering.blocks import Column, Paragraph, Table
from cnncalc.rendering.cells import cells, fitting, left, right
from cnncalc.rendering.layout import fold, page_lines, plain
from cnncalc.rendering.screen import Screen

SIGNS = st.sampled_from("ab1 .,/×层卷积ｗ한글é\u0301\u0308😀→…")


@pytest.mark.parametrize(
    ("text", "width"),
    [("conv 3×3/1, 64", 14), ("", 0), ("卷积层", 6), ("e\u0301te\u0301", 3), ("한글", 4), ("ｗｉｄｅ", 8), ("→ … ✓ ─ █", 9),
     ("a\u200db", 3), ("\u1112\u1161\u11ab", 2), ("😀", 2)],
)  # fmt: skip
def test_width(text: str, width: int) -> None:
    """A joiner is replaced by a visible sign; a syllable of Hangul letters is as wide as its first letter."""
    assert cells(text) == width


@given(st.text(SIGNS, max_size=30))
def test_width_agrees_with_rich(text: str) -> None:
    assert cells(text) == cell_len(text)


@given(st.text(SIGNS, max_size=12), st.integers(0, 30))
def test_padding(text: str, room: int) -> None:
    for padded in (left(text, room), right(text, room)):
        assert cells(padded) == max(room, cells(text))
        assert padded.strip() == text.strip()


@given(st.text(SIGNS, min_size=1, max_size=60), st.integers(2, 30))
def test_long_texts_are_folded_into_lines(text: str, room: int) -> None:
    """No line is too wide, no text is lost, and no line begins with a combining mark of the letter before."""
    assume(not re.search("(^| )[\u0301\u0308]", text))  # a mark without a letter
    assert fitting(text, room) >= 1
    lines = fold(text, room)
    assert all(cells(line) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines[1:]:
        assert not line.lstrip() or unicodedata.category(line.lstrip()[0]) != "Mn"


def test_a_table_is_straight() -> None:
    rows = [["卷积一", "1,792"], ["e\u0301tage", "36"], ["conv1", "7"]]
    lines = plain(
        page_lines([Table([Column("名字", folds=True), Column("params", right=True)], rows)], Screen())
    ).splitlines()
    assert lines == ["名字    params", "--------------", "卷积一   1,792", "e\u0301tage       36", "conv1        7"]
    assert {cells(line) for line in lines} == {14}


def test_a_paragraph_counts_cells() -> None:
    assert plain(page_lines([Paragraph("卷积 层 a", label=("名 ", ""))], Screen(9))) == "名 卷积\n   层 a\n"
