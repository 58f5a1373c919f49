"""The type of expressions, settings and layers' arguments; imported only for type checking."""

from __future__ import annotations

from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | range | None"
"""A number, a boolean, a string, None, or a list of these: an immutable tuple, or a range."""
