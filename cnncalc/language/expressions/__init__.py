"""Expressions in specs: compiled to closures over a whitelist of Python's syntax."""
