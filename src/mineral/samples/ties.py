"""Values that repeat, and values that lie on a grid: rounding, counts, zeros, row numbers.

Estimators for continuous variables need distinct values. Let x' be x with every repeated value
spread at random within its rounding. Then x is a function of x', and what is added depends on
nothing else, so that I(X'; Y) = I(X; Y): the distributional transform (Rüschendorf 2009,
doi:10.1016/j.jspi.2009.05.030).
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from mineral.basics.types import Matrix, PerSample

SAME = 1e-9  # of a column's range: smaller gaps are floating-point noise, not a rounding step
EVEN = -4.0  # standard errors; 1 of 30,000 columns of independent draws lies below
FEWEST_GAPS = 20  # pairs of gaps, from which an exact grid lies beyond five standard errors


def symbols(values: Matrix) -> Int[np.ndarray, " n"]:
    """A whole number for each row: equal rows have equal numbers, from 0 on with none left out."""
    codes = np.zeros(len(values), dtype=np.int64)
    for column in values.T:
        different, own = np.unique(column, return_inverse=True)
        _, codes = np.unique(codes * len(different) + own, return_inverse=True)
    return codes


def distinct_rows(values: Matrix) -> int:
    """How many rows differ from each other."""
    return int(symbols(values).max()) + 1


def has_ties(values: Matrix) -> Bool[np.ndarray, " d"]:
    """Which columns repeat a value."""
    ordered = np.sort(values, axis=0)
    return np.asarray((ordered[1:] == ordered[:-1]).any(axis=0))


def spread_ties(values: Matrix, rng: np.random.Generator) -> Matrix:
    """A copy in which repeated values differ: each is moved at random within its rounding.

    Values that occur once stay as they are, and the order of different values is kept. The
    rounding is the smallest gap between different values of the column. A column of two values has
    no rounding, and stays as it is.

    Args:
        values: Shape (n, d).
        rng: Draws the moves.
    """
    spread = np.array(values, dtype=np.float64)
    for j in np.flatnonzero(has_ties(values)):
        column = values[:, j]
        different, which, counts = np.unique(column, return_inverse=True, return_counts=True)
        if len(different) == 2:
            continue
        gaps = np.diff(different)
        wide = gaps[gaps > SAME * (different[-1] - different[0])] if len(gaps) else gaps
        step = float(wide.min()) if len(wide) else 1.0
        tied = counts[which] > 1
        spread[tied, j] += step * rng.uniform(-0.5, 0.5, size=int(tied.sum()))
    return spread


def is_evenly_spaced(column: PerSample) -> bool:
    """Whether values are spaced more evenly than independent draws: row numbers, years, a design.

    Of two gaps that follow one another in independent draws of a smooth density, the share of the
    first is uniform on [0, 1], with variance 1/12 around ½; on a grid it is constant.
    """
    gaps = np.diff(np.sort(column))
    first, second = gaps[0 : len(gaps) - 1 : 2], gaps[1::2]
    total = first + second
    share = first[total > 0] / total[total > 0]
    if len(share) < FEWEST_GAPS:
        return False
    centered: Float[np.ndarray, " pairs"] = share - np.median(share)
    # (u − ½)² of a uniform u has mean 1/12 and variance 1/180.
    score = ((centered**2).mean() - 1 / 12) / np.sqrt(1 / (180 * len(share)))
    return bool(score < EVEN)
