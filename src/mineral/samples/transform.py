"""Invertible maps of single coordinates. None of them changes I(X; Y)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mineral.basics.special import ndtri
from mineral.basics.types import Matrix

NORMAL_IQR = 1.3489795003921634  # interquartile range of a standard normal
KNEE = 3.0  # standard deviations beyond which tails are compressed


@dataclass(frozen=True, kw_only=True)
class Standardizer:
    """z = (x − median) / scale, with tails beyond 3 compressed to 3 + log(1 + |z| − 3).

    Networks need comparable scales without extreme outliers. The scale is the standard deviation
    or, if smaller, the normal-consistent interquartile range, since heavy tails inflate the
    standard deviation. Strictly increasing, so that no information is lost; on standard normal
    data, the identity nearly everywhere.

    Attributes:
        center, scale: One number per coordinate, from the rows given to `fit`.
    """

    center: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]

    @classmethod
    def fit(cls, values: Matrix) -> "Standardizer":
        """Fit center and scale to training rows only."""
        unit = power_of_two(values)
        low, center, high = np.quantile(values / unit, [0.25, 0.5, 0.75], axis=0)
        deviation, robust = (values / unit).std(axis=0), (high - low) / NORMAL_IQR
        scale = np.where(robust > 0, np.minimum(deviation, robust), deviation)
        return cls(center=center * unit, scale=np.where(scale > 0, scale, 1.0) * unit)

    def __call__(self, values: Matrix) -> Matrix:
        z = (values - self.center) / self.scale
        beyond = np.maximum(np.abs(z) - KNEE, 0.0)
        return np.asarray(np.clip(z, -KNEE, KNEE) + np.sign(z) * np.log1p(beyond))


def power_of_two(values: Matrix) -> Float[np.ndarray, " d"]:
    """For each coordinate, the power of two next below its largest magnitude.

    To divide by it is exact, and keeps squares of 1e300 and 1e-300 within range.
    """
    return np.asarray(np.exp2(np.floor(np.log2(np.abs(values).max(axis=0).clip(min=1e-300)))))


def normal_scores(values: Matrix) -> Matrix:
    """Φ⁻¹(rank / (n + 1)) of each coordinate; ties share their mean rank.

    It keeps the copula, and with it I(X; Y), and makes every marginal normal.
    """
    n = len(values)
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    tied = (ordered[1:] == ordered[:-1]).any(axis=0)
    z = np.empty(values.shape, order="F")
    # A third of the time of `rankdata`, where no value repeats.
    np.put_along_axis(z, order, ndtri(np.arange(1, n + 1) / (n + 1))[:, None], axis=0)
    if tied.any():
        from scipy.stats import rankdata  # half a second to import: only when needed

        z[:, tied] = ndtri(rankdata(values[:, tied], axis=0) / (n + 1))
    return z
