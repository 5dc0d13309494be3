"""95 % interval of an estimate made from 1-in-N sampled packets.

A sampled count is Poisson to a good approximation (the sampled share is small, or the finite-population correction
below makes the interval narrower than Poisson's). For k packets seen the exact limits of the mean are quantiles of the
gamma distribution (Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936):
``gamma(k, 0.025)`` and ``gamma(k + 1, 0.975)``.

Where several sampling intervals are mixed, the estimate behaves as if ``packets² / variance`` packets had been seen;
with one interval N that is ``k * N / (N - 1)``: k for large N, and without limit for N = 1, where nothing is estimated.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, sqrt
from statistics import NormalDist

TAIL = 0.025
"""Probability left out on either side."""

_NORMAL = NormalDist()
_SMALL = 200.0
"""Below it the quantile is found exactly; above it Wilson and Hilferty's cube root is exact to 1 in 100,000."""


def interval_95(estimate: float, variance: float, *, loss: float = 0.0, highest_of: int = 1) -> tuple[float, float]:
    """Lower and upper 95 % limit of a true count.

    Args:
        estimate: scaled count, of any unit.
        variance: its sampling variance in that unit squared; 0 = counted, not estimated.
        loss: share of the records that never arrived, 0 to 1; they can only have held more: the upper limit rises.
        highest_of: number of estimates of which this one is the highest. The highest is as a rule one that came out too
            high, so the limits hold for all of them at once (Bonferroni): the true highest lies between them.
    """
    low = high = estimate
    if estimate > 0 and variance > 0:
        seen = estimate * estimate / variance
        tail = TAIL / highest_of
        low = estimate * _gamma_quantile(seen, tail) / seen
        high = estimate * _gamma_quantile(seen + 1, 1 - tail) / seen
    return low, high / (1 - min(max(loss, 0.0), 0.99))


def at_least(count: int, mean: float) -> float:
    """Chance that a Poisson number of a mean is at least a count: that ``count`` arrivals take less than their time."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if count <= _SMALL:
        # So far above it the rest is less than 1e-15, and the series would not fit its numbers.
        return _lower_gamma(count, mean) if mean < 2 * count + 60 else 1.0
    return _NORMAL.cdf(3 * sqrt(count) * ((mean / count) ** (1 / 3) - 1 + 1 / (9 * count)))


@lru_cache(1 << 16)
def _gamma_quantile(shape: float, probability: float) -> float:
    """The x with ``P(shape, x) = probability``; an episode that is over asks for the same again and again."""
    x = _wilson_hilferty(shape, probability)
    if shape > _SMALL:
        return x
    low, high = 0.0, max(4 * x, 20.0)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _lower_gamma(shape, middle) < probability else (low, middle)
    return (low + high) / 2


def _wilson_hilferty(shape: float, probability: float) -> float:
    z = _NORMAL.inv_cdf(probability)
    root = 1 - 1 / (9 * shape) + z / (3 * sqrt(shape))
    return float(shape * max(root, 0.0) ** 3)


def _lower_gamma(shape: float, x: float) -> float:
    """Regularised lower incomplete gamma function by its power series (Abramowitz and Stegun 6.5.29)."""
    if x <= 0:
        return 0.0
    term = total = 1.0
    divisor = shape
    while term > total * 1e-15:
        divisor += 1
        term *= x / divisor
        total += term
    return total * exp(shape * log(x) - x - lgamma(shape + 1))
