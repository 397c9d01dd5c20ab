"""Intervals at 95 % of a share, of a mean and of any statistic of rows."""

import math
from collections.abc import Callable

import numpy as np

from mineral.basics.special import ndtri
from mineral.basics.types import PerSample

LEVEL = 0.95
RESAMPLES = 200


def share(right: int, n: int) -> tuple[float, float]:
    """Wilson's interval of a probability, from `right` successes of n.

    References:
        Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    from scipy.stats import binomtest  # half a second to import

    return tuple(binomtest(right, n).proportion_ci(LEVEL, method="wilson"))


def mean(values: PerSample) -> tuple[float, tuple[float, float]]:
    """The mean, and its interval by the central limit theorem."""
    value = float(values.mean())
    half = float(ndtri((1 + LEVEL) / 2)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return value, (value - half, value + half)


def resampled(
    statistic: Callable[[np.ndarray], float], n: int, *, seed: int
) -> tuple[float, float]:
    """The percentile bootstrap's interval of a statistic of rows, which come as indices.

    A resample whose statistic is NaN, as one that lacks a class, does not count: SciPy's bootstrap
    would return NaN for all.
    """
    rng = np.random.default_rng(seed)
    found = [statistic(rng.integers(n, size=n)) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
