"""The version of cnncalc, for `--version`, for the files that record it, and for packaging."""

__version__ = "0.1.0"
