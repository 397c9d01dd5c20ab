"""Closed form: the conditional information of a Gaussian copula, by partial correlations.

With ρ_i the canonical correlations of the residuals of X and Y, after linear regression on Z,

    I(X; Y | Z) = −½ Σ log(1 − ρ_i²)                    (nats)

References:
    Kullback (1959), Information Theory and Statistics, chapter 9.
    Ince et al. (2017), doi:10.1002/hbm.23471, on normal scores and the correction of bias.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from mineral.basics.types import Matrix
from mineral.errors import InputError
from mineral.methods.base import ConditionalEstimator, Measurement, Run
from mineral.methods.copulas.gaussian import Gaussian, gaussian_bias
from mineral.results import Caution
from mineral.samples import Conditioned, Paired, normal_scores, whiten, without


@dataclass(frozen=True, kw_only=True)
class PartialCopula(ConditionalEstimator):
    """The Gaussian formula for I(X; Y | Z) on normal scores: partial canonical correlations.

    Every coordinate of X, Y and Z is replaced by Φ⁻¹(rank / (n + 1)), so that strictly monotone
    maps of any coordinate change nothing, and Z is regressed out of X and Y linearly. Exact where
    the copula of all three is Gaussian. Too large where X and Y depend on Z in a way that a linear
    regression misses, such as X = Z² + noise and Y = Z² + noise; blind to dependence that
    correlations miss, such as a correlation whose sign Z decides.

    A regression on r columns leaves n − r rows, with which the correction for bias is exact for
    Gaussian data: that of `Gaussian` with n − r in place of n.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> z, e, f = rng.standard_normal((3, 1000))
        >>> x, y = z + e, z + f  # independent given z, though they correlate
        >>> abs(PartialCopula().estimate(x, y, given=z).value) < 0.01
        True
    """

    name = "partial-copula"
    kind = "neither"

    def measure_given(self, samples: Conditioned, run: Run) -> Measurement:
        n = len(samples)
        pair, z = samples.pair, samples.numbers_z
        directions = directions_of(normal_scores(z))
        rank, least = directions.shape[1], pair.dims + 2
        if n < rank + least:
            raise InputError(
                f"`given` has {z.shape[1]} columns, and with {pair.dims} of `x` and `y` a linear "
                f"regression needs at least {rank + least} rows, got {n}: pass fewer columns."
            )
        scores = replace(pair, x=normal_scores(pair.x), y=normal_scores(pair.y))
        found = given_directions(scores, directions, run)
        return replace(found, cautions=(*_few_rows(n, rank), *found.cautions))


def directions_of(z: Matrix) -> Matrix:
    """Orthogonal directions of unit variance that span the columns of Z, shape (n, rank)."""
    return whiten(z)[0] if z.shape[1] else np.empty((len(z), 0))


def given_directions(scores: Paired, directions: Matrix, run: Run) -> Measurement:
    """The Gaussian formula, after linear regression on these directions, corrected for bias.

    Args:
        scores: x and y, of Gaussian margins.
        directions: Of Z: those of `directions_of`.
        run: The run.
    """
    n, rank = directions.shape
    residuals = replace(scores, x=without(scores.x, directions), y=without(scores.y, directions))
    found = Gaussian().measure(residuals, run)
    dims = scores.x.shape[1], scores.y.shape[1]
    bias = gaussian_bias(float(n - rank), *dims) - gaussian_bias(float(n), *dims)
    return replace(
        found,
        value=found.value - bias,
        stderr=found.stderr * math.sqrt(n / (n - rank)),
        pointwise=None if found.pointwise is None else found.pointwise - bias,
        model=None,
    )


def _few_rows(n: int, rank: int) -> tuple[Caution, ...]:
    if n >= 3 * rank:
        return ()
    return (
        Caution(
            "few-samples",
            f"{n:,} rows for {rank} columns of the condition are few: the correction for bias is "
            "exact only for Gaussian data. Pass fewer columns, or more rows.",
        ),
    )
