"""Human-readable numbers."""

from __future__ import annotations

from collections.abc import Sequence

_BINARY = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))

_PREFIXES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def bytes_text(count: int) -> str:
    """Return bytes as ``527.8 MiB``."""
    for unit, prefix in _BINARY:
        if count >= unit:
            return f"{four_digits(count / unit)} {prefix}"
    return f"{count} B"


def four_digits(value: float) -> str:
    """Return a number with four digits at most."""
    digits = 3 if value < 10 else 2 if value < 100 else 1 if value < 1000 else 0
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(figure: int) -> str:
    """Return ``15,470,264,320``."""
    return f"{figure:,}"


def signed(figure: int) -> str:
    """Return a difference: ``+54,120``, ``−96``, ``0``."""
    return f"{figure:+,}".replace("-", "−") if figure else "0"


def short(figure: float) -> str:
    """Return ``15.47 G``, four digits at most."""
    for unit, prefix in _PREFIXES:
        if figure >= unit:
            return f"{four_digits(figure / unit)} {prefix}"
    return four_digits(figure)


def duration(seconds: float) -> str:
    """Return ``25.14 ms``, four digits at most."""
    for unit, prefix in ((1, "s"), (1e-3, "ms")):
        if seconds >= unit:
            return f"{four_digits(seconds / unit)} {prefix}"
    return f"{four_digits(seconds * 1e6)} µs"


def percent(share: float) -> str:
    """Return ``99.2 %``; small and large shares that would round to 0 or 100 become ``<0.1 %`` or ``>99.9 %``."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


def exact_bytes(count: int) -> str:
    """Return ``256 bytes``, ``102,665 bytes (100.3 KiB)``."""
    return counted(count, "byte") + (f" ({bytes_text(count)})" if count >= 1024 else "")


def first_of(names: Sequence[str], most: int) -> str:
    """Return ``a, b, c``, or ``a, b and 5 more`` if there are more than ``most``."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def counted(count: int, what: str, is_short: bool = False) -> str:
    """Return ``1 network``, ``2,000 networks``; if short, ``2 k MACs``."""
    return f"{short(count) if is_short else f'{count:,}'} {what}{'' if count == 1 else 's'}"
