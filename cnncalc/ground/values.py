"""What an expression of a spec, a setting or an argument of a layer can be."""

from __future__ import annotations

from typing import Any, TypeAlias

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | None"
"""A number, a truth, a word, nothing, or a list of these; lists are tuples, since nothing changes them."""


def frozen(value: Any) -> Value:
    """Return what a caller gave with its lists as tuples; what it is made of is checked where it is used."""
    return tuple([frozen(item) for item in value]) if isinstance(value, (list, tuple)) else value
