"""What a page is laid out for."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.ground.named import NamedTuple


class Screen(NamedTuple):
    """What a page is laid out for.

    Attributes:
        width: the columns that lines should fit; None for as many as they need.
        box: whether bars and rules may be drawn with box characters; else they are left out, or dashes.
        layout: in which order the axes of shapes are shown, ``chw`` or ``hwc``.
        chooser: what chooses the columns of a table, as its reader would call it; empty where nothing does.
    """

    width: int | None = None
    box: bool = False
    layout: str = "chw"
    chooser: str = ""

    def left_out(self, titles: Sequence[str]) -> str:
        """Return the line that says which columns of a table are left out, and what brings them back."""
        other = f"; {self.chooser} chooses others" if self.chooser else ""
        return f"Left out to fit {self.width} columns: {', '.join(titles)}{other}."
