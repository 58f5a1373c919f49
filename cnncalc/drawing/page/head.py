"""The beginning of every page: its policy, its light and dark styles, and its script."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from cnncalc.drawing.svg import escaped


def resource(name: str) -> str:
    """Return a file of this folder."""
    return files("cnncalc.drawing.page").joinpath(name).read_text(encoding="utf-8")


def script_of(*names: str) -> str:
    """Return scripts of this folder as one, without indents and comments."""
    lines = [line.strip() for name in names for line in resource(name).split("\n")]
    return "\n".join([line for line in lines if line and not line.startswith("//")])


def table_head(*words: str) -> str:
    """Return the head of a table; a column without a word has no heading."""
    cells = [f'<th scope="col">{escaped(word)}</th>' if word else "<td></td>" for word in words]
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def head(title: str, styles: str, dark: str, script: str = "") -> str:
    """Return the beginning of a page that loads nothing, up to its body, in which only ``script`` may run.

    Args:
        title: escaped for HTML.
        styles: CSS beside that of all pages.
        dark: CSS for dark screens, beside that of all pages.
        script: the script at the page's end.
    """
    digest = f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'; " if script else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'unsafe-inline'; {digest}base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{title}</title>\n<style>{resource('page.css')}{styles}\n"
        f"@media screen and (prefers-color-scheme:dark){{{resource('dark.css')}{dark}}}</style>\n</head>\n<body>\n"
    )
