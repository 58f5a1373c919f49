"""Which layers the papers' "activations" sum over, and the bytes of an element."""

from __future__ import annotations

COUNTED_IN_ACTIVATIONS = ("conv", "fc")
"""Kinds whose outputs papers add up as activations (Radosavovic et al. 2020, arXiv:2003.13678)."""

OWN_CONVENTION = "macs"
CONVENTIONS = (OWN_CONVENTION, "torchinfo", "fvcore", "ptflops", "thop", "calflops")
"""Whose way of counting the totals follow; the tools' rules are in :mod:`cnncalc.analysis.conventions`."""

DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""Bytes an element."""
