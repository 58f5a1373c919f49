"""Parse numbers with prefixes: 600M, 256KiB."""

from __future__ import annotations

import re

from cnncalc.ground.errors import CnncalcError

_QUANTITY = re.compile(r"(\d[\d_,]*(?:\.\d+)?(?:[eE]\d\d?)?) *([kKMGTP]?)(i?)(B?)", re.ASCII).fullmatch
_POWERS = " kMGTP"
MAX_DIGITS = 40


def parse_quantity(text: str, name: str, of_bytes: bool = False) -> int:
    """Return ``600M``, ``1.5G``, ``1_000`` exactly; of bytes also ``4MB`` (1000²) and ``256KiB`` (1024).

    Raises:
        CnncalcError: if it is not such a number, or not a whole one.
    """
    match = _QUANTITY(text.strip())
    kind, forms = ("a number of bytes", "256KiB, 4MB") if of_bytes else ("a number", "600M, 1.5G")
    if match is None or (not of_bytes and (match[3] or match[4])) or (match[3] and not match[2]):
        large = text.strip().upper().replace("I", "i")
        meant = of_bytes and _QUANTITY(large)
        hint = f"write {large}, with capitals" if meant and len(text) < MAX_DIGITS else f"write it as {forms} or 20000"
        fault = "must be 0 or more" if re.match(r"\s*[-−]\d", text) else f"not {kind}"
        raise CnncalcError(f"{name} {_cut(text)}: {fault}", hint)
    if len(match[1]) > MAX_DIGITS:
        raise CnncalcError(f"{name} {_cut(text)}: more than {MAX_DIGITS} digits")
    from fractions import Fraction  # takes 2 ms, which few commands need

    number, prefix, binary = match[1].replace(",", "").replace("_", ""), match[2].replace("K", "k"), match[3]
    scale: int = (1024 if binary else 1000) ** _POWERS.index(prefix or " ")
    scaled = Fraction(number) * scale
    if scaled.denominator != 1:
        raise CnncalcError(f"{name} {text}: not a whole number")
    return scaled.numerator


def _cut(text: str) -> str:
    """Return a text, cut to a length for messages."""
    return text if len(text) <= MAX_DIGITS else f"{text[:MAX_DIGITS]}…"
