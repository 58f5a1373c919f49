"""What an expression of a spec, a setting or an argument of a layer can be; imported for types alone."""

from __future__ import annotations

from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | range | None"
"""A number, a truth, a word, nothing, or a list of these: a tuple, since nothing changes it, or a range."""
