"""cnncalc: shapes, parameters, MACs and FLOPs of convolutional networks, exact, and verified by running.

>>> import cnncalc
>>> network = cnncalc.load("resnet50")
>>> network.summary().totals.params
25557032
"""

TYPE_CHECKING = False  # importing typing takes 5 ms, in which Ctrl-C would end in a traceback
if TYPE_CHECKING:
    from cnncalc.execution.report import Run
    from cnncalc.execution.session import Session
    from cnncalc.figures.summary import Summary
    from cnncalc.ground.errors import CnncalcError
    from cnncalc.ground.version import __version__ as __version__
    from cnncalc.network import Network, load, loads
    from cnncalc.studies.sweep.function import NetworkFunction
    from cnncalc.sweeps import SweepColumns, compile, sweep

__all__ = [
    "CnncalcError",
    "Network",
    "NetworkFunction",
    "Run",
    "Session",
    "Summary",
    "SweepColumns",
    "compile",
    "load",
    "loads",
    "sweep",
]

_HOMES = {
    "__version__": "cnncalc.ground.version",
    "CnncalcError": "cnncalc.ground.errors",
    "Network": "cnncalc.network",
    "NetworkFunction": "cnncalc.studies.sweep.function",
    "Run": "cnncalc.execution.report",
    "Session": "cnncalc.execution.session",
    "Summary": "cnncalc.figures.summary",
    "SweepColumns": "cnncalc.sweeps",
    "compile": "cnncalc.sweeps",
    "load": "cnncalc.network",
    "loads": "cnncalc.network",
    "sweep": "cnncalc.sweeps",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that the import itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cnncalc' has no attribute '{name}'")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    """Return all names, including those that are not imported yet."""
    return sorted({*globals(), *_HOMES})
