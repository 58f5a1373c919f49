"""The identity of the code, which must be the same for all parts of one sweep, on every machine and when resumed."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

PACKAGE = Path(__file__).parents[2]


@lru_cache(maxsize=1)
def code_identity() -> str:
    """Return a hash of the package's code."""
    found = sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        found.update(f"{path.relative_to(PACKAGE).as_posix()}\n".encode())
        found.update(sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]
