"""The version of cnncalc, for `--version`, for the files that name their maker, and for the packaging."""

__version__ = "0.1.0"
