"""Models of other formats as graphs of layers."""

from __future__ import annotations

FIRST_BYTE = b"\x08"
"""What a model file begins with, and no text does: the key of its version."""


def begins_a_model(start: bytes) -> bool:
    """Whether a file's first bytes are no text, but may be a model's."""
    return start[:1] == FIRST_BYTE
