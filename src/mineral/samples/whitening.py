"""Whitening and principal components: coordinates that span a variable."""

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Matrix


def whiten(
    values: Matrix,
) -> tuple[Float[np.ndarray, "n r"], Float[np.ndarray, "d r"], Float[np.ndarray, " d"]]:
    """Orthonormal columns that span the centered values, the map that makes them, and the mean.

    Linearly dependent coordinates add no information; only r of them, the rank, are kept.
    """
    size = np.abs(values).max(axis=0).clip(min=1e-300)  # so that 1e300 and 1e-300 can be squared
    mean = (values / size).mean(axis=0) * size
    centered = (values - mean) / size
    scale = np.sqrt((centered**2).sum(axis=0)).clip(min=np.finfo(float).tiny)
    # A centered constant column is rounding noise: it must not be scaled to unit size.
    varies = scale > len(values) * np.finfo(float).eps
    per_column = np.where(varies, 1 / np.where(varies, scale, 1.0), 0.0)
    u, s, vt = np.linalg.svd(centered * per_column, full_matrices=False)
    rank = int((s > s[0] * max(values.shape) * np.finfo(float).eps).sum())
    return u[:, :rank], (per_column / size)[:, None] * (vt[:rank].T / s[:rank]), mean


def without(values: Matrix, directions: Float[np.ndarray, "n r"]) -> Matrix:
    """The values without their projection on orthonormal columns."""
    return np.asarray(values - directions @ (directions.T @ values))


def principal_directions(
    centered: Matrix, most: int
) -> tuple[Float[np.ndarray, "d k"], Float[np.ndarray, " k"]]:
    """The leading principal directions of centered values, and the variance along each.

    Exact, and of `most` or as many as the numerical rank: scikit-learn's exact solvers find all of
    them, which takes minutes for thousands of columns.
    """
    from scipy.linalg import eigh

    n, d = centered.shape
    leading = (max(0, min(n, d) - most), min(n, d) - 1)
    if d <= n:
        squares, directions = eigh(centered.T @ centered, subset_by_index=leading)
    else:  # the same directions, from the products of rows
        squares, rows = eigh(centered @ centered.T, subset_by_index=leading)
        directions = centered.T @ (rows / np.sqrt(squares.clip(min=np.finfo(float).tiny)))
    kept = squares > squares[-1] * max(n, d) * np.finfo(float).eps
    return directions[:, kept][:, ::-1], squares[kept][::-1] / n
