"""Tables, folded texts and paragraphs: no line is too wide, no text is lost, and no figure is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.rendering.blocks import Bar, Cell, Column, Divider, Heading, Paragraph, StyledLine, TableRow, Title
from cnncalc.rendering.cells import cells
from cnncalc.rendering.layout import NARROWEST_FOLD, bar, fold, page_lines, plain, table
from cnncalc.rendering.screen import Screen
from tests.commands import cnncalc

COLUMNS = (
    Column("layer", folds=True),
    Column("type", folds=True),
    Column("params", right=True),
    Column("", bar=True),
    Column("share", right=True, drop=1),
)
ROWS: list[TableRow] = [
    ["stage1.conv_relu1.conv1", "conv 3×3/1, 64", "1,792", Bar(0.1), "0.1 %"],
    Heading("stage5"),
    [Cell("fc1", "bold"), "linear 4096", "102,764,544", Bar(0.9), "99.9 %"],
    Divider(),
    ["total", "2 layers", "102,766,336", Bar(0), ""],
]
FIGURES = ("1,792", "102,764,544", "102,766,336")


def paragraph(text: str, width: int) -> Iterator[StyledLine]:
    return page_lines([Paragraph(text)], Screen(width))


def widths(lines: list[StyledLine]) -> list[int]:
    return [len(line) for line in plain(lines).splitlines()]


# --- table -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("width", [38, 40, 50, 60, 80, 200, None])
def test_rows_fit_and_figures_are_whole(width: int | None, terminal: bool) -> None:
    lines = table(COLUMNS, ROWS, Screen(width, terminal))
    assert width is None or max(widths(lines)) <= width
    for figure in FIGURES:
        assert figure in plain(lines)


def test_a_table_with_enough_room() -> None:
    assert plain(table(COLUMNS, ROWS, Screen(None, False))) == (
        "layer                    type                 params   share\n"
        "------------------------------------------------------------\n"
        "stage1.conv_relu1.conv1  conv 3×3/1, 64        1,792   0.1 %\n"
        "stage5\n"
        "fc1                      linear 4096     102,764,544  99.9 %\n"
        "------------------------------------------------------------\n"
        "total                    2 layers        102,766,336\n"
    )


def test_the_columns_that_a_narrow_table_leaves_out_first() -> None:
    """Bars shrink first, then optional columns are dropped, then texts fold; a pipe gets no bars."""
    whole, narrow = (plain(table(COLUMNS, ROWS, Screen(width, True))) for width in (72, 65))
    assert "█" * 9 in whole
    assert "█" * 9 not in narrow
    assert "share" in narrow
    assert "█" not in plain(table(COLUMNS, ROWS, Screen(None, False)))
    dropped = plain(table(COLUMNS, ROWS, Screen(40, True)))
    assert "share" not in dropped.split("\n")[0]
    assert dropped.endswith("\nLeft out to fit 40 columns: share.\n")
    assert "stage1.\n" in re.sub(" .*", "", dropped)


@given(
    st.lists(st.tuples(st.text("abc.é×", max_size=40), st.integers(0, 10**15)), min_size=1, max_size=6),
    st.integers(NARROWEST_FOLD + 2 + 19, 90),
)
def test_any_table_fits(cells: list[tuple[str, int]], width: int) -> None:
    """The least width has room for a folded name, a gap and the widest figure, 1,000,000,000,000,000."""
    columns = (Column("name", folds=True), Column("n", right=True))
    rows = [[name, f"{figure:,}"] for name, figure in cells]
    lines = plain(table(columns, rows, Screen(width, False))).splitlines()
    assert max(map(len, lines)) <= max(width, NARROWEST_FOLD + 2 + 21)
    assert all(any(line.endswith(figure) for line in lines) for _, figure in rows)


@pytest.mark.parametrize(
    ("share", "shown"), [(0, "    "), (1e-9, "▏   "), (0.5, "██  "), (0.53, "██▏ "), (1, "████"), (7, "████")]
)
def test_bar(share: float, shown: str) -> None:
    assert bar(share, 4) == shown


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (None, ["ResNet · resnet50   input 3×224×224   batch 1"]),
        (45, ["ResNet · resnet50   input 3×224×224   batch 1"]),
        (44, ["ResNet · resnet50", "   input 3×224×224   batch 1"]),
        (20, ["ResNet · resnet50", "   input 3×224×224", "     batch 1"]),
    ],
)
def test_a_title_that_is_too_wide_stands_over_the_rest(width: int | None, lines: list[str]) -> None:
    title = Title("ResNet · resnet50", "input 3×224×224   batch 1")
    assert plain(page_lines([title], Screen(width))).splitlines() == lines


# --- fold ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("stage1.conv1", 12, ["stage1.conv1"]),
        ("stage1.conv1", 9, ["stage1.", "  conv1"]),
        ("  stage1.conv1", 10, ["  stage1.", "    conv1"]),
        ("conv 3×3/2, 64", 12, ["conv 3×3/2,", "  64"]),
        ("1,792 of 4,096", 9, ["1,792 of", "  4,096"]),
        ("as 12.5 % say", 9, ["as", "  12.5 %", "  say"]),
        ("abcdefghijkl", 9, ["abcdefghi", "  jkl"]),
        ("", 9, [""]),
        ("   ", 2, [""]),
    ],
)
def test_fold(text: str, width: int, lines: list[str]) -> None:
    assert fold(text, width) == lines


@given(st.text(st.sampled_from("ab1 .,/%×é"), max_size=80), st.integers(1, 40))
def test_any_fold_fits_and_loses_nothing(text: str, width: int) -> None:
    lines = fold(text, width)
    assert all(len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


# --- paragraph -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", ["87.4 %", "<0.1 %", "15.47 G", "527.8 MiB", "12 B", "25.14 ms", "3.2 µs"])
def test_a_figure_and_its_unit_stay_together(figure: str) -> None:
    for width in range(12, 40):
        text = plain(paragraph(f"conv has {figure} of the MACs, fc {figure}.", width))
        assert text.count(figure) == 2


def test_a_word_that_begins_like_a_unit_is_no_unit() -> None:
    assert plain(paragraph("2 samples", 4)) == "2\nsamples\n"


@given(st.lists(st.text("ab1.,%MB", min_size=1, max_size=9), max_size=30), st.integers(12, 40))
def test_any_paragraph_fits_and_loses_nothing(words: list[str], width: int) -> None:
    """A word has at most 9 cells; together with its units it may be wider than the line."""
    text = " ".join(words)
    lines = plain(paragraph(text, width)).splitlines()
    assert " ".join(lines) == text
    for line in lines:
        assert len(line) <= width or re.search(r"\d (%|M|B)", line)


@pytest.mark.parametrize("columns", [50, 60, 80])
@pytest.mark.parametrize(
    "command",
    ["summary alexnet", "summary unet", "summary resnet50 --depth 1", "compare alexnet vgg16", "specs", "run lenet5"],
)
def test_no_table_is_wider_than_it_may_be(command: str, columns: int) -> None:
    """If dropping bars and percentages and folding are not enough, figures are left out from the left, with a note."""
    done = cnncalc(*command.split(), columns=columns)
    assert max(cells(line) for line in done.out.splitlines()) <= columns
    if command == "summary alexnet":
        assert ("Left out to fit 50 columns: output; --columns" in done.out) == (columns == 50)
