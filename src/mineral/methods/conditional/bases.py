"""Bases of functions of Z, from none to smooth: leave-one-out errors choose among them.

Smooth ones are additive: cubic B-splines of each column's normal scores, with a penalty on the
third differences of their coefficients, and products of waves of two columns where Z has few.

References:
    Eilers & Marx (1996), splines with a penalty, doi:10.1214/ss/1038425655.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mineral.basics.special import ndtr
from mineral.basics.types import Matrix, Z
from mineral.samples import whiten, without

SEGMENTS = (10, 40, 120)  # of the splines of a column: more for curves that wave, in many rows
ROWS_PER_FUNCTION = 3  # at least; the penalty, by leave-one-out errors, decides how many count
MOST_FUNCTIONS = 300  # least squares on 600 takes 10 s at 5,000 rows
COUNTS = (1, 2, 4, 8)  # columns of Z that have splines, beside all
PRODUCTS = 4  # columns of Z, up to which products of two are functions of their own
WAVES = 2  # of each column, in products
LEAST_ROWS = 2  # for each column of Z: fewer cannot be regressed at all
FEW_VALUES = 20  # different values of a column, up to which each is a function of its own


@dataclass(frozen=True)
class Basis:
    """Functions of Z, beside the constant.

    Attributes:
        name: In words.
        functions: At each row.
        roughness: The penalty, as a quadratic form of the coefficients; None where there is none.
    """

    name: str
    functions: Float[np.ndarray, "n functions"]
    roughness: Float[np.ndarray, "functions functions"] | None = None


def bases(linear_z: Z, scores: Z, values: Matrix, *, linear: bool) -> Iterator[Basis]:
    """Bases to choose from.

    Splines are of all columns of Z, and of the few that explain most of what a line leaves.

    Args:
        linear_z: Z as its linear part takes it.
        scores: Normal scores of Z.
        values: What is regressed, shape (n, d).
        linear: Whether only the linear one is wanted.
    """
    n, dz = scores.shape
    if linear:
        yield Basis("linear", linear_z)
        return
    yield Basis("none", scores[:, :0])
    if dz == 0:
        return
    if dz * LEAST_ROWS <= n:
        yield Basis("linear", linear_z)
    else:
        linear_z = scores[:, :0]
    most = min(n / ROWS_PER_FUNCTION, MOST_FUNCTIONS)
    ranked = _by_gain(linear_z, scores, values)
    for segments in SEGMENTS:
        splines = {j: _spline(scores[:, j], segments) for j in ranked}
        for count in sorted({*(c for c in COUNTS if c < dz), dz}):
            chosen = ranked[:count]
            parts = [linear_z, *(splines[j] for j in chosen)]
            if sum(part.shape[1] for part in parts) > most:
                break
            name = f"splines of {count} of {dz} columns"
            yield _joined(f"{name}, {segments} segments", parts)
            if 1 < count <= PRODUCTS and segments == SEGMENTS[0]:
                parts.append(_products(scores[:, chosen]))
                if sum(part.shape[1] for part in parts) <= most:
                    yield _joined(f"{name}, and products", parts)


def _joined(name: str, parts: list[np.ndarray]) -> Basis:
    """Parts side by side; those that are B-splines, which sum to 1, have a penalty."""
    widths = [part.shape[1] for part in parts]
    roughness = np.zeros((sum(widths), sum(widths)))
    start = 0
    for part, width in zip(parts, widths, strict=True):
        if width > max(SEGMENTS[0], 1) and np.allclose(part.sum(axis=1), 1.0):
            steps = np.diff(np.eye(width), n=3, axis=0)
            size = (part**2).sum() / width
            roughness[start : start + width, start : start + width] = size * steps.T @ steps
        start += width
    return Basis(name, np.hstack(parts), roughness)


def _by_gain(linear_z: Float[np.ndarray, "n dl"], scores: Z, values: Matrix) -> list[int]:
    """Columns of Z, those first whose splines explain most of what a linear fit leaves."""
    left = values - values.mean(axis=0)
    if linear_z.shape[1]:
        left = without(left, whiten(linear_z)[0])
    size = np.sqrt((left**2).sum(axis=0))
    left = left / np.where(size > 0, size, 1.0)
    gains = [((whiten(_spline(c, SEGMENTS[0]))[0].T @ left) ** 2).sum() for c in scores.T]
    return [int(j) for j in np.argsort(gains)[::-1]]


def _spline(column: Float[np.ndarray, " n"], segments: int) -> Float[np.ndarray, "n functions"]:
    """Cubic B-splines with evenly spaced knots, or an indicator of each of few values."""
    values = np.unique(column)
    if len(values) <= FEW_VALUES:
        return np.asarray((column[:, None] == values[1:]).astype(np.float64))
    from scipy.interpolate import BSpline  # slow to import: only when needed

    low, high = values[0], values[-1]
    step = (high - low) / segments
    knots = low + step * np.arange(-3, segments + 4)
    inside = np.clip(column, low, high - 1e-9 * step)
    return np.asarray(BSpline.design_matrix(inside, knots, 3).toarray())


def _products(scores: Matrix) -> Float[np.ndarray, "n functions"]:
    """Products of waves of two columns."""
    waves = np.cos(np.pi * ndtr(scores)[:, :, None] * np.arange(1, WAVES + 1))
    pairs = [(i, j) for i in range(scores.shape[1]) for j in range(i)]
    return np.hstack(
        [(waves[:, i, :, None] * waves[:, j, None, :]).reshape(len(scores), -1) for i, j in pairs]
    )
