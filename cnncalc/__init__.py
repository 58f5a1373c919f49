"""cnncalc: shapes, parameters, MACs and FLOPs of convolutional networks, exact and proven by running.

>>> import cnncalc
>>> network = cnncalc.load("resnet50")
>>> network.summary().totals.params
25557032
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncalc.errors import CnncalcError
    from cnncalc.network import Network
    from cnncalc.spec.loading import load
    from cnncalc.summary import Summary

__all__ = ["CnncalcError", "Network", "Summary", "load"]
__version__ = "0.1.0"

_HOMES = {
    "CnncalcError": "cnncalc.errors",
    "Network": "cnncalc.network",
    "Summary": "cnncalc.summary",
    "load": "cnncalc.spec.loading",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that the import itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cnncalc' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
