"""Functions to the last bit of ONNX Runtime's, which quantised networks are compared with.

A number that lies between two integers is rounded to one or the other by its last bit, so that functions which there
are only as precise as these lead to other outputs.  Sigmoid and tanh are quotients of polynomials from Eigen's
MathFunctionsImpl.h, which ONNX Runtime (mlas/lib/logistic.cpp, mlas/lib/tanh.cpp) evaluates by Horner's rule with fused
multiply-adds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnncalc.execution.kernels.special import in_chunks
from cnncalc.layers.interfaces import Array

HALF, SIXTH = np.float32(0.5), np.float32(1 / 6)

SIGMOID_BOUND = 18.0
SIGMOID_NUMERATOR = (
    4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03, 2.48287947061529e-01,
)  # fmt: skip
SIGMOID_DENOMINATOR = (
    6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06, 1.70198817374094e-03, 1.16817656904453e-01,
    9.93151921023180e-01,
)  # fmt: skip
TANH_BOUND = 9.0
TANH_NUMERATOR = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08, 1.48572235717979e-05,
    6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
TANH_DENOMINATOR = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e⁻ˣ) of float32: not below 0, but above 1 by a bit for some x from 17.8 on."""
    return in_chunks(
        lambda part: np.maximum(_quotient(part, SIGMOID_BOUND, SIGMOID_NUMERATOR, SIGMOID_DENOMINATOR) + HALF, 0), x
    )


def hardsigmoid(x: Array) -> Array:
    """Return min(max(x / 6 + 1/2, 0), 1) of float32: a product and a sum."""
    return (x * SIXTH + HALF).clip(0, 1)


def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent of float32."""
    return in_chunks(lambda part: _quotient(part, TANH_BOUND, TANH_NUMERATOR, TANH_DENOMINATOR), x)


def _quotient(x: Array, bound: float, numerator: Sequence[float], denominator: Sequence[float]) -> Array:
    """Return x · P(x²) / Q(x²), with x within the bound on both sides."""
    x = x.clip(-bound, bound)
    square = x * x
    return x * _polynomial(numerator, square) / _polynomial(denominator, square)


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """Evaluate by Horner's rule, the highest power first; a product and its sum are rounded once, together."""
    whole = x.astype(np.float64)  # of which a product of two float32 loses nothing
    sums = np.full(x.shape, coefficients[0], np.float32)
    for coefficient in coefficients[1:]:
        sums = (sums * whole + float(np.float32(coefficient))).astype(np.float32)
    return sums
