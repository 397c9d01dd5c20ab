"""Bases of functions of Z, from none to smooth: leave-one-out errors choose among them."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from mineral.samples import whiten
from mineral.special import ndtr
from mineral.types import Matrix, Z

KNOTS = (4, 12, 30)  # interior knots of a cubic spline of each column
ROWS_PER_FUNCTION = 5  # at least: fewer leave residuals that are mostly errors of the fit
PRODUCTS = 4  # columns of Z, up to which products of two are functions of their own
MOST_FUNCTIONS = 300  # least squares on 600 takes 10 s at 5,000 rows
COUNTS = (1, 2, 4, 8)  # columns of Z that have splines, beside all
LEAST_ROWS = 2  # for each column of Z: fewer cannot be regressed at all
FEW_VALUES = 20  # different values of a column, up to which each is a function of its own


def bases(
    linear_z: Z, scores: Z, values: Matrix, *, linear: bool
) -> Iterator[tuple[str, Float[np.ndarray, "n functions"]]]:
    """Bases by name, each a matrix of shape (n, functions) without the constant.

    Splines are of all columns of Z, and of the few that explain most of what a line leaves.

    Args:
        linear_z: Z as its linear part takes it.
        scores: Normal scores of Z.
        values: What is regressed, shape (n, d).
        linear: Whether only the linear one is wanted.
    """
    n, dz = scores.shape
    if linear:
        yield "linear", linear_z
        return
    yield "none", scores[:, :0]
    if dz == 0:
        return
    if dz * LEAST_ROWS <= n:
        yield "linear", linear_z
    else:
        linear_z = scores[:, :0]
    ranked = _by_gain(linear_z, scores, values)
    for knots in KNOTS:
        splines = {j: _spline(scores[:, j], knots) for j in ranked}
        for count in sorted({*(c for c in COUNTS if c < dz), dz}):
            chosen = ranked[:count]
            smooth = np.hstack([linear_z, *(splines[j] for j in chosen)])
            if smooth.shape[1] > min(n / ROWS_PER_FUNCTION, MOST_FUNCTIONS):
                break
            yield f"splines of {count} of {dz} columns, {knots} knots", smooth
            if 1 < count <= PRODUCTS:
                both = np.hstack([smooth, _products(scores[:, chosen], knots)])
                if both.shape[1] <= min(n / ROWS_PER_FUNCTION, MOST_FUNCTIONS):
                    yield f"splines with products of {count} of {dz} columns, {knots} knots", both


def _by_gain(linear_z: Float[np.ndarray, "n dl"], scores: Z, values: Matrix) -> list[int]:
    """Columns of Z, those first whose splines explain most of what a linear fit leaves."""
    left = values - values.mean(axis=0)
    if linear_z.shape[1]:
        directions = whiten(linear_z)[0]
        left = left - directions @ (directions.T @ left)
    size = np.sqrt((left**2).sum(axis=0))
    left = left / np.where(size > 0, size, 1.0)
    gains = [((whiten(_spline(column, KNOTS[0]))[0].T @ left) ** 2).sum() for column in scores.T]
    return [int(j) for j in np.argsort(gains)[::-1]]


def _spline(column: Float[np.ndarray, " n"], knots: int) -> Float[np.ndarray, "n functions"]:
    """Cubic truncated powers of a column of scores, with knots at even shares of the rows."""
    values = np.unique(column)
    if len(values) <= FEW_VALUES:
        return np.asarray((column[:, None] == values[1:]).astype(np.float64))
    at = np.quantile(column, np.arange(1, knots + 1) / (knots + 1))
    powers = column[:, None] ** np.arange(1, 4)
    return np.hstack([powers, (column[:, None] - at).clip(min=0) ** 3])


def _products(scores: Matrix, knots: int) -> Float[np.ndarray, "n functions"]:
    """Products of waves of two columns, of as many periods as there are knots for."""
    share = ndtr(scores)
    count = 2 if knots == KNOTS[0] else 4
    waves = np.cos(np.pi * share[:, :, None] * np.arange(1, count + 1))
    pairs = [(i, j) for i in range(scores.shape[1]) for j in range(i)]
    return np.hstack(
        [(waves[:, i, :, None] * waves[:, j, None, :]).reshape(len(scores), -1) for i, j in pairs]
    )
