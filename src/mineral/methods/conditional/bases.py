"""Bases of functions of Z, from none to smooth: leave-one-out errors choose among them."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from mineral.special import ndtr
from mineral.types import Matrix

KNOTS = (4, 12, 30)  # interior knots of a cubic spline of each column
ROWS_PER_FUNCTION = 5  # at least: fewer leave residuals that are mostly errors of the fit
PRODUCTS = 4  # columns of Z, up to which products of two are functions of their own
FEW_VALUES = 20  # different values of a column, up to which each is a function of its own


def bases(linear_z: Matrix, scores: Matrix, *, linear: bool) -> Iterator[tuple[str, Matrix]]:
    """Bases by name, each a matrix of shape (n, functions) without the constant.

    Args:
        linear_z: Z as its linear part takes it.
        scores: Normal scores of Z.
        linear: Whether only the linear one is wanted.
    """
    n, dz = scores.shape
    if linear:
        yield "linear", linear_z
        return
    yield "none", scores[:, :0]
    if dz == 0:
        return
    if dz * ROWS_PER_FUNCTION <= n:
        yield "linear", linear_z
    for knots in KNOTS:
        smooth = np.hstack([linear_z, *(_spline(column, knots) for column in scores.T)])
        if smooth.shape[1] * ROWS_PER_FUNCTION > n:
            return
        yield f"spline, {knots} knots", smooth
        if 1 < dz <= PRODUCTS:
            both = np.hstack([smooth, _products(scores, knots)])
            if both.shape[1] * ROWS_PER_FUNCTION <= n:
                yield f"spline, {knots} knots, with products", both


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
