"""Local polynomial regression on one predictor: lines, and cubics for strongly curved functions.

Each row is predicted from the others (leave-one-out).
"""

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import PerSample

ROUNDING = 1e-11  # of the spread; smaller differences are rounding errors

Order = Int[np.ndarray, " n"]  # of the rows by x


def line(x: PerSample, y: PerSample, order: Order, reach: int) -> Float[np.ndarray, " n"]:
    """Leave-one-out predictions of a line fitted to the rows nearest in x.

    Args:
        x: Of about unit spread.
        y: The same.
        order: Of the rows by x.
        reach: Rows on either side.
    """
    n = len(x)
    x, y = x[order], y[order]
    at = np.arange(n)
    first, last = np.maximum(at - reach, 0), np.minimum(at + reach + 1, n)

    def others(values: PerSample) -> PerSample:
        # In extended precision, since small terms would be lost in the sum.
        sums = np.concatenate([[0], np.cumsum(values, dtype=np.longdouble)])
        inside = (sums[last] - sums[first]).astype(np.float64)
        return np.asarray((inside - values) / (last - first - 1))

    mean_x, mean_y = others(x), others(y)
    spread = others(x * x) - mean_x**2
    together = others(x * y) - mean_x * mean_y
    slope = np.where(spread > ROUNDING, together / np.maximum(spread, ROUNDING), 0.0)
    predicted = np.empty(n)
    predicted[order] = mean_y + slope * (x - mean_x)
    return predicted


def cubic(x: PerSample, y: PerSample, order: Order, reach: int) -> Float[np.ndarray, " n"]:
    """The same of a cubic, for noise so small that a line is too biased."""
    n = len(x)
    x, y = x[order], y[order]
    first = np.clip(np.arange(n) - reach, 0, n - 2 * reach - 1)
    near = first[:, None] + np.arange(2 * reach + 1)
    apart = x[near] - x[:, None]
    span = np.abs(apart).max(axis=1, keepdims=True).clip(min=ROUNDING)
    powers = (apart / span)[:, :, None] ** np.arange(4)
    powers *= (near != np.arange(n)[:, None])[:, :, None]  # without itself
    middle = y[near].mean(axis=1)
    of_y = powers.transpose(0, 2, 1) @ (y[near] - middle[:, None])[:, :, None]
    squares = powers.transpose(0, 2, 1) @ powers + ROUNDING * np.eye(4)
    predicted = np.empty(n)
    predicted[order] = middle + np.linalg.solve(squares, of_y)[:, 0, 0]
    return predicted
