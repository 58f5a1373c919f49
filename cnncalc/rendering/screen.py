"""What a page is laid out for."""

from __future__ import annotations


class Screen:
    """What a page is laid out for.

    Attributes:
        width: the columns that lines should fit; None for as many as they need.
        box: whether bars and rules may be drawn with box characters; else they are left out, or dashes.
        layout: in which order the axes of shapes are shown, ``chw`` or ``hwc``.
    """

    __slots__ = ("box", "layout", "width")

    def __init__(self, width: int | None = None, box: bool = False, layout: str = "chw") -> None:
        self.width = width
        self.box = box
        self.layout = layout
