"""Models of other formats as graphs of layers."""

from __future__ import annotations

FIRST_BYTE = b"\x08"
"""The first byte of a model file, with which no text begins: the key of its version."""


def begins_a_model(start: bytes) -> bool:
    """Whether a file's first bytes are not text, but may be a model's."""
    return start[:1] == FIRST_BYTE
