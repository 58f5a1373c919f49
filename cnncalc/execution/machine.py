"""The machine: free and used memory, and cores."""

from __future__ import annotations

import os

from cnncalc.ground.limits import MAX_USUAL_THREADS

BUFFER = 32 << 20
"""Bytes that OpenBLAS maps for each thread; it touches few of them."""

THREAD = BUFFER + (72 << 20)
"""Bytes that another thread maps: its stack of 8 MiB, and the C library's heap of 64 MiB.  If OpenBLAS finds too little
after those, the one of NumPy 1.24 asks for it for ever."""


def cores() -> int:
    """Return how many cores the process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def usual_threads() -> int:
    """Return how many threads work by default: one per core, within half of what the shell's limit leaves."""
    threads, left = min(cores(), MAX_USUAL_THREADS), _addresses_left()
    return threads if left is None else max(1, min(threads, 1 + left // 2 // THREAD))


def available(threads: int = 1) -> int | None:
    """Return the bytes that the machine, the container or the shell's limit leaves free; None if unknown.

    From what the shell's limit leaves, what each thread maps is subtracted, most of which is never touched.
    """
    free, left = _free(), _addresses_left()
    if free is None or left is None:
        return free
    return max(0, min(free, left - BUFFER - (threads - 1) * THREAD))


def _addresses_left() -> int | None:
    """Return the bytes that the process may still map under the shell's limit; None if there is none."""
    if os.name == "nt":
        return None
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if most == resource.RLIM_INFINITY else most - _status("VmSize")


def _free() -> int | None:
    """Return the bytes that the machine or the container has free; None on systems other than Linux."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    quota, used = _number("/sys/fs/cgroup/memory.max"), _number("/sys/fs/cgroup/memory.current")
    return free if quota is None or used is None else max(0, min(free, quota - used))


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def resident() -> int:
    """Return the bytes of memory that the process uses now; 0 if unknown."""
    return _status("VmRSS")


def peak_resident() -> int:
    """Return the largest number of bytes that the process has used; 0 if unknown."""
    known = _status("VmHWM")
    if known or os.name == "nt":
        return known
    import resource
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _status(key: str) -> int:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0
