"""Bytes as people read them."""

from __future__ import annotations

_BINARY = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def size(count: int) -> str:
    """Return bytes as ``527.8 MiB``."""
    for unit, prefix in _BINARY:
        if count >= unit:
            return f"{four(count / unit)} {prefix}"
    return f"{count} B"


def four(value: float) -> str:
    """Return a number with four digits at most."""
    digits = 3 if value < 10 else 2 if value < 100 else 1 if value < 1000 else 0
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
