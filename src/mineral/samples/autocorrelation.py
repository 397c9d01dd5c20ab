"""Autocorrelation of rows, as in time series, and the effective sample size.

Estimators, intervals and permutation tests assume independent rows. If x and y are both
autocorrelated, independent series appear dependent.

References:
    Bartlett (1935), doi:10.2307/2342284: n rows of two series with correlations a and b from row to
    row have an effective sample size of n (1 − ab) / (1 + ab) for their correlation.
"""

import math

import numpy as np
from jaxtyping import Float

from mineral.basics.special import ndtri
from mineral.basics.types import Matrix, PerSample, X, Y
from mineral.results import Caution

FEW_ROWS = 20
CHANCE = 1e-3  # false positive rate of autocorrelation, on either side
APART = 10  # lag, at which series are less correlated than at lag one; grouped tables are not
# False positive rate of this comparison in two groups: .002 to .026 measured, at 60 to 1,000 rows.
BY_CHANCE = 3e-3
HARMLESS = 1.2  # rows for an independent draw, below which there is no caution
MOST_LABELS = 20  # different values, up to which numbers in successive rows may be a label
LOOKED_AT = 100  # columns of a side that are tested, at most


def in_series(x: X, y: Y) -> tuple[float, tuple[Caution, ...]]:
    """The autocorrelation time (rows for each independent draw), and a caution on their order.

    The time is 1 if rows are listed by a column, and if they are grouped but unordered within
    groups: successive rows are then similar only because of the listing. A slow drift under noise
    looks the same, and is dependence that independent draws do not have: the caution names both.
    """
    n = len(x)
    if n < FEW_ROWS:
        return 1.0, ()
    x, y = x / 2, y / 2  # so that sums and differences of two values stay finite
    if any(is_listed_by(side) for side in (x, y)):
        return 1.0, ()
    a, b = (_from_row_to_row(side) for side in (x, y))
    a_draw = float(draws(np.asarray(a), np.asarray(b)))
    if a_draw == 1.0:
        return 1.0, _in_order(x, y)
    apart = math.ceil(math.log(0.1) / math.log(a * b))
    caution = Caution(
        "rows-in-series",
        f"Rows are autocorrelated, with lag-one correlations of {a:.2f} in x and {b:.2f} in y: "
        f"{n:,} rows have the effective sample size of about {n / a_draw:,.0f} independent ones. "
        "The interval includes this. Without a condition 'auto' thins the rows; other estimates "
        f"are biased upwards: keep one row in {apart}, or take differences.",
    )
    return a_draw, (caution,)


def _in_order(x: X, y: Y) -> tuple[Caution, ...]:
    """A caution if successive rows are similar on both sides, and distant ones hardly less."""
    a, b = (_from_row_to_row(side, moving=False) for side in (x, y))
    if draws(np.asarray(a), np.asarray(b)) == 1.0:
        return ()
    return (
        Caution(
            "rows-in-order",
            f"Successive rows are similar, with lag-one correlations of {a:.2f} in x and {b:.2f} "
            f"in y, and rows {APART} apart hardly less: the table is sorted or listed by group, or "
            "both sides drift slowly. Independent drifts appear dependent. If rows are in time, "
            "pass the row number as `given`.",
        ),
    )


def draws(a: Float[np.ndarray, "..."], b: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Rows for each independent draw, for two series with lag-one autocorrelations a and b."""
    found = (1 + a * b) / (1 - a * b)
    return np.asarray(np.where(found < HARMLESS, 1.0, found))


def lag_one(values: Matrix) -> Float[np.ndarray, " d"]:
    """The lag-one autocorrelation of each column as a variable of its own.

    0 where it is not significant, or rows are listed by the column. For two columns, `draws` of
    these is the autocorrelation time that `in_series` finds for the two as X and Y.
    """
    n, d = values.shape
    if n < FEW_ROWS:
        return np.zeros(d)
    halved = values / 2
    correlation = _of_signs(halved, tests=1)
    found = np.minimum(np.sin(np.pi / 2 * np.minimum(correlation, 1.0)), 1 - 1 / n)
    for j in np.flatnonzero(found):
        found[j] *= not is_listed_by(halved[:, [j]])
    return np.asarray(found)


def is_listed_by(values: Matrix) -> bool:
    """Whether rows are sorted by a column, or listed by its few values, each in successive rows."""
    steps = np.diff(values, axis=0)
    changes = np.count_nonzero(steps, axis=0)
    one_way = (steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)
    if (one_way & (changes > 0)).any():
        return True
    labels = np.flatnonzero((changes > 0) & (changes < MOST_LABELS))
    return any(changes[j] < len(np.unique(values[:, j])) for j in labels)


def _from_row_to_row(values: Matrix, *, moving: bool = True) -> float:
    """The largest lag-one autocorrelation of a column, or 0 if it is not significant.

    Estimated from the share of successive rows on the same side of the median: for Gaussian series,
    r = sin(π/2 · the correlation of these signs). It is robust to outliers.
    """
    values = values[:, :: math.ceil(values.shape[1] / LOOKED_AT)]
    n, d = values.shape
    largest = float(_of_signs(values, tests=d, moving=moving).max())
    return float(min(math.sin(math.pi / 2 * min(largest, 1.0)), 1 - 1 / n))


def _of_signs(values: Matrix, tests: int, *, moving: bool = True) -> Float[np.ndarray, " d"]:
    """The lag-one correlation of signs around the median, or 0.

    It is 0 where it is not significant among so many tests, or (if `moving`) distant rows do not
    differ more.
    """
    above = values > np.median(values, axis=0)
    centered = above - above.mean(axis=0)
    variance: Float[np.ndarray, " d"] = (centered**2).mean(axis=0)
    correlation = (centered[1:] * centered[:-1]).mean(axis=0) / np.where(variance > 0, variance, 1)
    least = float(ndtri(1 - CHANCE / tests)) / math.sqrt(len(values))
    found = np.zeros(values.shape[1])
    for j in np.flatnonzero(correlation >= least):
        found[j] = correlation[j] * (not moving or _moves(values[:, j], BY_CHANCE / tests))
    return found


def _moves(column: PerSample, by_chance: float) -> bool:
    """Whether distant rows differ more than successive ones.

    Each row is compared with the next and with the one `APART` rows later, by ranks: in a table
    that is grouped, but unordered within groups, either is as often the nearer one.
    """
    ordered = np.sort(column)
    ranks = np.searchsorted(ordered, column) + np.searchsorted(ordered, column, side="right")
    row, following, distant = ranks[:-APART], ranks[1 : 1 - APART], ranks[APART:]
    nearer = np.sign(np.abs(distant - row) - np.abs(following - row))
    return bool(nearer.sum() > float(ndtri(1 - by_chance)) * math.sqrt(np.abs(nearer).sum()))
