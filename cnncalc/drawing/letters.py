"""The width of texts, computed without a font: widths of Helvetica, which Arial and Liberation Sans share.

Adobe 1990, "Helvetica" font metrics (AFM), in thousandths of the font size.
"""

from __future__ import annotations

from cnncalc.ground.terminal_safe import printable

_GROUPS = {
    191: "'", 222: "ijl", 260: "|", 278: " !,./:;I[\\]ft", 333: "()-`r·", 334: "{}", 355: '"', 389: "*", 469: "^",
    500: "Jckvsxyz", 556: "#$0123456789?L_abdeghnopqu", 584: "+<=>~×", 611: "FTZ", 667: "&ABEKPSVXY",
    722: "CDHNRUw", 778: "GOQ", 833: "Mm", 889: "%", 944: "W", 1000: "…", 1015: "@",
}  # fmt: skip
WIDEST = 1000
"""Width of every letter that the table lacks."""


class _LetterWidths(dict[str, int]):
    def __missing__(self, letter: str) -> int:
        return WIDEST


WIDTHS = _LetterWidths({letter: width for width, letters in _GROUPS.items() for letter in letters})

BOLD = 1.08
"""Width of bold letters relative to others."""


def text_width(text: str, size: int, bold: bool = False) -> int:
    """Return the width of a text in pixels, rounded up; ``size`` is the font's."""
    units = sum(map(WIDTHS.__getitem__, text)) * size
    return -(-int(units * BOLD if bold else units) // 1000)


def fitted(text: str, size: int, width: int, bold: bool = False) -> str:
    """Return an untrusted text as one line of at most some width in pixels, cut off with ``…``."""
    text = printable(text[: width * 2])
    if text_width(text, size, bold) <= width:
        return text
    while text and text_width(text + "…", size, bold) > width:
        text = text[:-1]
    return text + "…"


def multiple_of_four(width: int) -> int:
    """Return a width rounded up to a multiple of 4, so that halves of it are even."""
    return -(-width // 4) * 4
