"""Whether rows that follow one another resemble each other, as those of series do.

Estimators, intervals and permutation tests take rows for independent draws. Where x and y each move
slowly, chance alone makes them look dependent.

References:
    Bartlett (1935), doi:10.2307/2342284: n rows of two series with correlations a and b from row to
    row tell as much of their correlation as n (1 − ab) / (1 + ab) independent ones.
"""

import math

import numpy as np
from jaxtyping import Float

from mineral.results import Caution
from mineral.special import ndtri
from mineral.types import Matrix, X, Y

FEW_ROWS = 20
CHANCE = 1e-3  # that independent rows look like a series, on either side
APART = 10  # rows, over which series change more than from row to row; tables in groups do not
BY_CHANCE = 1e-2  # that rows within groups seem to
HARMLESS = 1.2  # rows for an independent draw, below which nothing is said
LOOKED_AT = 100  # coordinates of a side, at most: what moves slowly does so in many


def in_series(x: X, y: Y) -> tuple[float, tuple[Caution, ...]]:
    """How many rows tell as much as one independent draw, and a caution where that is more than 1.

    It is 1 where a coordinate is sorted, and where rows stand in groups but in no order within
    them: then it is the listing that makes neighbours alike.
    """
    n = len(x)
    if n < FEW_ROWS:
        return 1.0, ()
    x, y = x / 2, y / 2  # so that sums and differences of two values stay finite
    a, b = (_from_row_to_row(side) for side in (x, y))
    a_draw = (1 + a * b) / (1 - a * b)
    if a_draw < HARMLESS or any(_sorted(side) for side in (x, y)):
        return 1.0, ()
    apart = math.ceil(math.log(0.1) / math.log(a * b))
    caution = Caution(
        "rows-in-series",
        f"Rows are autocorrelated, with lag-one correlations of {a:.2f} in x and {b:.2f} in y: "
        f"{n:,} rows have the effective sample size of about {n / a_draw:,.0f} independent ones. "
        "The interval includes this. Estimators other than 'auto', which thins the rows, are "
        f"biased upwards: keep one row in {apart}, or take differences.",
    )
    return a_draw, (caution,)


def _from_row_to_row(values: Matrix) -> float:
    """The largest correlation of a coordinate with itself a row before, or 0 if by chance.

    From how often a row and the next lie on the same side of the median: of Gaussian series,
    r = sin(π/2 · the correlation of these signs). Outliers count once.
    """
    values = values[:, :: math.ceil(values.shape[1] / LOOKED_AT)]
    n, d = values.shape
    above = values > np.median(values, axis=0)
    centered = above - above.mean(axis=0)
    variance: Float[np.ndarray, " d"] = (centered**2).mean(axis=0)
    correlation = (centered[1:] * centered[:-1]).mean(axis=0) / np.where(variance > 0, variance, 1)
    near = (above[1:] != above[:-1]).sum(axis=0)
    far = (above[APART:] != above[:-APART]).sum(axis=0) * (n - 1) / (n - APART)
    moves = far - near > float(ndtri(1 - BY_CHANCE / d)) * np.sqrt(near + far)
    largest = float(np.max(np.where(moves, correlation, 0.0)))
    if largest < float(ndtri(1 - CHANCE / d)) / math.sqrt(n):
        return 0.0
    return float(min(math.sin(math.pi / 2 * min(largest, 1.0)), 1 - 1 / n))


def _sorted(values: Matrix) -> bool:
    steps = np.diff(values, axis=0)
    one_way = (steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)
    return bool((one_way & (steps != 0).any(axis=0)).any())
