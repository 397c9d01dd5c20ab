"""Values that repeat, and values that lie on a grid: rounding, counts, zeros, row numbers.

Estimators for continuous variables need distinct values. Let x' be x with every repeated value
moved at random within its rounding step. Then x is a function of x', and the added noise is
independent of everything else, so that I(X'; Y) = I(X; Y): the distributional transform
(Rüschendorf 2009, doi:10.1016/j.jspi.2009.05.030).
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from mineral.basics.types import Mask, Matrix, PerSample

SAME = 1e-9  # of a column's range: smaller gaps are floating-point noise, not a rounding step
EVEN = -4.0  # standard errors; 1 of 30,000 columns of independent draws lies below
FEWEST_GAPS = 20  # pairs of gaps, from which an exact grid lies beyond five standard errors


def symbols(values: Matrix) -> Int[np.ndarray, " n"]:
    """An integer code for each row: equal rows have equal codes 0, 1, …, without gaps."""
    codes = np.zeros(len(values), dtype=np.int64)
    for column in values.T:
        different, own = np.unique(column, return_inverse=True)
        _, codes = np.unique(codes * len(different) + own, return_inverse=True)
    return codes


def distinct_rows(values: Matrix) -> int:
    """The number of distinct rows."""
    return int(symbols(values).max()) + 1


def has_ties(values: Matrix) -> Bool[np.ndarray, " d"]:
    """The columns with repeated values."""
    ordered = np.sort(values, axis=0)
    return np.asarray((ordered[1:] == ordered[:-1]).any(axis=0))


def repeats(column: PerSample) -> Mask:
    """The rows whose value occurs in another row, too."""
    _, which, counts = np.unique(column, return_inverse=True, return_counts=True)
    return np.asarray(counts[which] > 1)


def repeating(values: Matrix) -> Bool[np.ndarray, " d"]:
    """Columns whose values mostly repeat: labels, counts, zeros among numbers."""
    return np.array([len(np.unique(column)) * 2 <= len(values) for column in values.T], dtype=bool)


def spread_ties(values: Matrix, rng: np.random.Generator) -> Matrix:
    """A copy in which repeated values differ: each is moved at random within its rounding.

    Values that occur once are unchanged, and the order of distinct values is kept. The rounding
    step is the smallest gap between distinct values of the column. A column of two values has no
    rounding step, and is unchanged.

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

    For two successive gaps of independent draws from a smooth density, the share of the first is
    uniform on [0, 1], with variance 1/12 around ½; on a grid it is constant.
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
