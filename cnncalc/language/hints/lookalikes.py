"""Characters of other scripts and of typesetting that look like YAML's."""

from __future__ import annotations

ASCII = {
    "：": "a colon and a blank", "，": "a comma and a blank", "；": "a comma and a blank", "、": "a comma and a blank",
    "（": "(", "）": ")", "［": "[", "］": "]", "｛": "{", "｝": "}", "　": "a blank", "\u00a0": "a blank",
    "＃": "#", "－": "-", "–": "-", "—": "-", "•": "-", "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip
"""Lookalikes of YAML's characters, each with YAML's."""


LETTERS = str.maketrans("асеорхуіјѕԁһԛԝАВСЕНІЈКМОРЅТХοαΑΒΕΗΙΚΜΝΟΡΤΧ", "aceopxyijsdhqwABCEHIJKMOPSTXoaABEHIKMNOPTX")
"""Letters of other alphabets that look like Latin ones."""


def in_latin(word: str) -> str | None:
    """Return the hint for a word with letters that only look Latin; None if there are none."""
    latin = word.translate(LETTERS)
    if latin == word or not latin.isascii():
        return None
    other = next(letter for letter in word if not letter.isascii())
    return f"'{other}' (U+{ord(other):04X}) is no Latin letter: write '{latin}'"


def in_ascii(text: str) -> str | None:
    """Return the hint for a lookalike of YAML's characters; None if there is none."""
    wide = next((sign for sign in text if sign in ASCII), None)
    if wide is None:
        return None
    shown = f"U+{ord(wide):04X}" if wide.isspace() else f"'{wide}'"
    return f"for {shown} write {ASCII[wide]}"
