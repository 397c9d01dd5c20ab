"""p-values of correlations in closed form, and q-values of many pairs."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from mineral.basics.special import stdtr

SMALLEST = 1e-300  # p-values below are reported as this, near the smallest float64
NODES = 32  # for each unit of w: the table's relative error is below 1e-8 (test_matrix_nulls.py)
FARTHEST = 38.0  # the normal quantile of 1e-315

PerPair = Float[np.ndarray, " m"]


def p_value(strength: PerPair, df: PerPair | int) -> PerPair:
    """P(|r| ≥ |observed|) of the correlation r of independent variables.

    r √(df / (1 − r²)) has Student's t distribution, for Gaussian variables exactly; for others,
    such as scores in a random order, r has the same mean and variance.

    Args:
        strength: −log(1 − r²).
        df: Degrees of freedom: n − 2 for n rows, a number or one for each pair.

    References:
        Student (1908), doi:10.2307/2331474. Pitman (1937), on permutations, doi:10.2307/2983647.
    """
    with np.errstate(over="ignore"):  # of a perfect correlation in few rows: t is infinite
        t = np.sqrt(df * np.expm1(strength))
    return np.maximum(np.asarray(2 * stdtr(df, -t), dtype=np.float64), SMALLEST)


def p_value_of_equal(strength: PerPair, df: int) -> PerPair:
    """The same by interpolation, for many pairs with the same degrees of freedom.

    It takes a tenth of the time. Each p-value depends on its own pair only.
    """
    table = _log_p(df)
    place = np.sqrt(strength * df)
    place *= NODES
    has_none = np.isnan(place)
    place[has_none] = 0.0
    np.minimum(place, table.shape[1] - 1e-9, out=place)
    node = place.astype(np.int32)
    place -= node
    found = table[0][node]
    for row in table[1:]:
        found *= place
        found += row[node]
    np.exp(found, out=found)
    np.clip(found, SMALLEST, 1.0, out=found)
    found[has_none] = np.nan
    return np.asarray(found)


@lru_cache(maxsize=4096)
def _log_p(df: int) -> Float[np.ndarray, "4 nodes"]:
    """Coefficients of a cubic spline of log p at w = √(df · strength), the highest power first.

    log p(w) is nearly that of a normal variable, for which log p = log 2Φ(−w).
    """
    from scipy.interpolate import CubicSpline  # slow to import: only when needed

    w = np.arange(0, FARTHEST, 1 / NODES)
    p = p_value(w**2 / df, df)
    w, p = w[p > SMALLEST], p[p > SMALLEST]
    coefficients = CubicSpline(w, np.log(p)).c
    powers = float(NODES) ** np.arange(3, -1, -1)
    return np.asarray(coefficients / powers[:, None])


def q_values(p_values: PerPair) -> PerPair:
    """q-values of Benjamini and Hochberg: the false discovery rate at which a pair is rejected.

    Args:
        p_values: NaN where a pair has none; its q-value is NaN, and it is not counted.

    References:
        Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    found = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    # As scipy.stats.false_discovery_control, which takes four times as long on millions of pairs.
    order = tested[np.argsort(p_values[tested])]
    ordered = p_values[order] * (len(order) / np.arange(1, len(order) + 1))
    backwards = ordered[::-1]
    np.minimum.accumulate(backwards, out=backwards)
    found[order] = np.minimum(ordered, 1.0)
    return found
