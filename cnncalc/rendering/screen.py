"""What a page is laid out for."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.ground.named import NamedTuple


class Screen(NamedTuple):
    """What a page is laid out for.

    Attributes:
        width: width of lines; None for any width.
        box: whether bars and rules are drawn with box characters; else they are left out, or dashes.
        layout: the order of the axes of shapes, ``chw`` or ``hwc``.
        chooser: the user's name of the option that chooses columns; empty if there is none.
    """

    width: int | None = None
    box: bool = False
    layout: str = "chw"
    chooser: str = ""

    def left_out(self, titles: Sequence[str]) -> str:
        """Return the line that names the columns that are left out, and the option that shows them."""
        other = f"; {self.chooser} chooses others" if self.chooser else ""
        return f"Left out to fit {self.width} columns: {', '.join(titles)}{other}."
