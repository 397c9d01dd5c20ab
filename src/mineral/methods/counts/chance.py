"""The expected plug-in information of independent variables, and moments of Poisson counts.

    c_ij   samples in a cell       a_i, b_j   samples in its row and column       n   samples

With a and b fixed and X independent of Y, c_ij is hypergeometric of mean μ = a b / n, and

    E[I_plug-in] = Σ E[(c / n) log(n c / (a b))]

A cell of mean μ, whatever the dependence, adds b(μ) / n to the bias of the plug-in value and v(μ)
to n² times its variance, with g(c) = c log c and c ~ Poisson(μ):

    b(μ) = E[g(c)] − g(μ)          v(μ) = Var[g(c) − β c],   β = Cov[g(c), c] / μ

Both tend to ½ for large μ, which gives the correction of Miller and Madow, and to 0 for small μ.

References:
    Vinh, Epps & Bailey (2010), Information theoretic measures for clusterings comparison, JMLR 11,
        on the expectation under the hypergeometric law.
"""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.special import gammaln

Means: TypeAlias = Float[np.ndarray, "..."]
Whole: TypeAlias = Int[np.ndarray, " _"]  # sums of rows or of columns, codes, counts of cells

FEWEST, MOST = 1e-9, 300.0  # means of the grid; beyond, series are exact to 1e-5
POINTS = 600  # of the grid: 0.04 in log μ, an error of 2e-4 of b and of v
SPREADS = 9.0  # standard deviations of a count that sums cover: 1e-15 of its mass is outside


def expected_information(of_x: Whole, of_y: Whole) -> float:
    """E[plug-in value], in nats, over all pairings of these margins that are equally likely.

    Args:
        of_x: Samples of each symbol of x, shape (K_x,), all positive.
        of_y: Samples of each symbol of y, shape (K_y,), with the same sum.
    """
    n = int(of_x.sum())
    rows, row_times = np.unique(of_x, return_counts=True)
    columns, column_times = np.unique(of_y, return_counts=True)
    total = 0.0
    for row, times in zip(rows, row_times, strict=True):
        total += times * float(column_times @ _of_cells(int(row), columns, n))
    return total


def _of_cells(row: int, columns: Whole, n: int) -> Float[np.ndarray, " _"]:
    """E[(c / n) log(n c / (a b))] of one row sum a with each column sum b."""
    mean = row * columns / n
    spread = SPREADS * np.sqrt(mean * (1 - row / n) * (1 - columns / n) + 0.25)
    low = np.maximum(np.maximum(1, row + columns - n), np.floor(mean - spread - 4))
    high = np.minimum(np.minimum(row, columns), np.ceil(mean + spread + 12))
    steps = np.arange(max(0, int((high - low).max())) + 1)
    count = low[:, None] + steps
    inside = count <= high[:, None]
    count = np.where(inside, count, high[:, None])
    b = columns[:, None].astype(float)
    margins = gammaln(row + 1) + gammaln(b + 1) + gammaln(n - row + 1) + gammaln(n - b + 1)
    cells = gammaln(count + 1) + gammaln(row - count + 1) + gammaln(b - count + 1)
    log_p = margins - gammaln(n + 1) - cells - gammaln(n - row - b + count + 1)
    terms = np.exp(log_p) * count / n * np.log(n * count / (row * b))
    return np.asarray(np.where(inside, terms, 0.0).sum(axis=1))


def cell_bias(mean: Means) -> Means:
    """b(μ): n times the contribution of a cell of this mean to the bias of the plug-in value."""
    means, bias, _ = _poisson_moments()
    series = 0.5 + 1 / (12 * np.maximum(mean, 1.0))
    return np.asarray(np.where(mean > MOST, series, mean * _at(mean, means, bias)))


def cell_variance(mean: Means) -> Means:
    """v(μ): n² times the contribution of a cell of this mean to the plug-in value's variance."""
    means, _, variance = _poisson_moments()
    return np.asarray(np.where(mean > MOST, 0.5, mean * _at(mean, means, variance)))


def _at(mean: Means, means: Means, values: Means) -> Means:
    return np.asarray(np.interp(np.log(np.maximum(mean, FEWEST)), means, values))


@lru_cache(maxsize=1)
def _poisson_moments() -> tuple[Means, Means, Means]:
    """log μ, b(μ) / μ and v(μ) / μ on a grid."""
    log_mean = np.linspace(np.log(FEWEST), np.log(MOST), POINTS)
    mean = np.exp(log_mean)[:, None]
    count = np.arange(MOST + SPREADS * np.sqrt(MOST) + 1)
    p = np.exp(count * log_mean[:, None] - mean - gammaln(count + 1))
    g = count * np.log(np.maximum(count, 1))
    expected = (p * g).sum(axis=1, keepdims=True)
    slope = (p * (count - mean) * g).sum(axis=1, keepdims=True) / mean
    residual = g - expected - slope * (count - mean)
    bias = expected[:, 0] / mean[:, 0] - log_mean
    return log_mean, bias, (p * residual**2).sum(axis=1) / mean[:, 0]
