"""Closed form: the mutual information of a Gaussian, and of a Gaussian copula.

With canonical correlations ρ_1, ρ_2, … between X and Y,

    I(X; Y) = −½ Σ log(1 − ρ_i²)                    (nats)

and, in canonical coordinates u, v of unit variance,

    pmi(x, y) = Σ [ −½ log(1 − ρ²) − (ρ²u² − 2ρuv + ρ²v²) / (2 (1 − ρ²)) ].

References:
    Kullback (1959), Information Theory and Statistics, chapter 9, on the information of a Gaussian.
    Misra, Singh & Demchuk (2005), on E log |S| of a Wishart matrix, doi:10.1016/j.jmva.2003.10.003.
"""

from dataclasses import dataclass, replace

import numpy as np

from mineral.basics.special import digamma
from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.models import CopulaModel, GaussianModel
from mineral.results import Caution
from mineral.samples import Paired, normal_scores, whiten

DETERMINISTIC = 1 - 1e-10  # ρ² above this is an exact relation, up to rounding


@dataclass(frozen=True, kw_only=True)
class Gaussian(Estimator):
    """Exact for jointly Gaussian data, by canonical correlations; misses nonlinear dependence.

    The plug-in value is biased upwards, by about dx·dy / 2n. For Gaussian data the bias is known
    exactly from E log |S| of Wishart matrices, and is subtracted:

        ½ [Σ_{j≤dx} ψ((n−j)/2) + Σ_{j≤dy} ψ((n−j)/2) − Σ_{j≤dx+dy} ψ((n−j)/2)]

    The standard error combines the standard deviation of the pointwise values (the influence
    function of this estimate) with the term √(dx·dy / 2) / n that remains when X and Y are
    independent.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal((1000, 3))
        >>> y = x + rng.standard_normal((1000, 3))
        >>> round(Gaussian().estimate(x, y).value, 1)  # the true value is 3/2 · log 2 ≈ 1.04
        1.1
    """

    name = "gaussian"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        return _measure(samples)


@dataclass(frozen=True, kw_only=True)
class GaussianCopula(Estimator):
    """The Gaussian formula on normal scores: any marginals, a Gaussian copula.

    Every coordinate is replaced by Φ⁻¹(rank / (n + 1)), so that strictly monotone maps of any
    coordinate, outliers and heavy tails change nothing. Exact if the copula is Gaussian; misses
    dependence without correlation of the scores (y = x² on symmetric x).

    References:
        Ince et al. (2017), doi:10.1002/hbm.23471. Ma & Sun (2011), arXiv:0808.0845.
    """

    name = "copula"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        scores = replace(samples, x=normal_scores(samples.x), y=normal_scores(samples.y))
        found = _measure(scores)
        assert isinstance(found.model, GaussianModel)
        model = CopulaModel.around(found.model, samples.x, samples.y)
        tied = np.mean([len(np.unique(column)) / len(samples) for column in _all_columns(samples)])
        if tied < 0.5:
            caution = Caution(
                "ties",
                f"The columns have few distinct values ({tied:.0%} of n on average): ranks cannot "
                "order ties, and the copula of discrete data is not unique. Use estimator='ksg'.",
            )
            found = replace(found, cautions=(*found.cautions, caution))
        return replace(found, model=model)


def _all_columns(samples: Paired) -> list[np.ndarray]:
    return [*samples.x.T, *samples.y.T]


def _measure(samples: Paired) -> Measurement:
    n = len(samples)
    white_x, map_x, mean_x = whiten(samples.x)
    white_y, map_y, mean_y = whiten(samples.y)
    dx, dy = white_x.shape[1], white_y.shape[1]
    for name, rank in (("x", dx), ("y", dy)):
        if rank == 0:
            raise InputError(
                f"`{name}` varies only by rounding error: subtract its mean first, or use "
                "estimator='copula'."
            )
    if n < dx + dy + 2:
        raise InputError(
            f"`x` and `y` have {dx} + {dy} dimensions, and a Gaussian fit needs at least "
            f"{dx + dy + 2} paired samples, got {n}: use estimator='infonce', or reduce dimensions."
        )
    left, rho, right = np.linalg.svd(white_x.T @ white_y, full_matrices=False)
    cautions = []
    if rho[0] ** 2 > DETERMINISTIC:
        cautions.append(
            Caution(
                "deterministic",
                "A linear combination of the columns of `x` equals one of `y` up to rounding: the "
                "mutual information is infinite, and the value only reflects floating-point "
                "resolution.",
            )
        )
    rho = np.minimum(rho, np.sqrt(1 - np.finfo(float).eps))
    offset = gaussian_bias(float(n), dx, dy)
    model = GaussianModel(
        map_x=map_x @ left * np.sqrt(n),
        map_y=map_y @ right.T * np.sqrt(n),
        mean_x=mean_x,
        mean_y=mean_y,
        rho=rho,
        offset=offset,
    )
    pointwise = model.pmi(samples.x, samples.y)
    value = float(-np.log1p(-(rho**2)).sum() / 2 - offset)
    # Under independence, fitted correlations alone give the pmi a variance of dx·dy / n ± √(2
    # dx·dy) / n: it is subtracted here, and contained in the second term.
    noise = (dx * dy + np.sqrt(2 * dx * dy)) / n
    spread = max(0.0, float(pointwise.var()) - noise) / n + dx * dy / (2 * n**2)
    return Measurement(
        value=value,
        stderr=float(np.sqrt(spread)),
        pointwise=pointwise,
        model=model,
        cautions=tuple(cautions) + _few_samples(n, dx + dy),
    )


def gaussian_bias(n: float, dx: int, dy: int) -> float:
    """E of the plug-in value minus I(X; Y), for Gaussian data; in nats."""
    half = digamma((n - np.arange(1, dx + dy + 1)) / 2)
    return float((half[:dx].sum() + half[:dy].sum() - half.sum()) / 2)


def _few_samples(n: int, dims: int) -> tuple[Caution, ...]:
    if n >= 10 * dims:
        return ()
    return (
        Caution(
            "few-samples",
            f"{n:,} samples are few for {dims} dimensions: the bias correction is exact only for "
            "Gaussian data. Collect at least 10 samples for each dimension, or reduce dimensions.",
        ),
    )
