"""Characters of other scripts and of typesetting that look like YAML's."""

from __future__ import annotations

ASCII = {
    "：": "a colon and a blank", "，": "a comma and a blank", "；": "a comma and a blank", "、": "a comma and a blank",
    "（": "(", "）": ")", "［": "[", "］": "]", "｛": "{", "｝": "}", "　": "a blank", "\u00a0": "a blank",
    "＃": "#", "－": "-", "–": "-", "—": "-", "•": "-", "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip
"""Lookalikes of YAML's characters, each with YAML's."""


def in_ascii(text: str) -> str | None:
    """Return the hint for a lookalike of YAML's characters; None if there is none."""
    wide = next((sign for sign in text if sign in ASCII), None)
    if wide is None:
        return None
    shown = f"U+{ord(wide):04X}" if wide.isspace() else f"'{wide}'"
    return f"for {shown} write {ASCII[wide]}"
