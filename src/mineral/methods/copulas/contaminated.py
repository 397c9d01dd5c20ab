"""A Gaussian copula, mixed with a share of independent rows.

In recorded data some pairs are independent: mismatched, mislabelled, or from times without a
relation. If a share ε of them has the same marginals and no dependence, the log density ratio is

    pmi(x, y) = log(ε + (1 − ε) c(x, y)),      c the density of a Gaussian copula

and a plain Gaussian copula, which is not robust to such pairs, is too low: 0.17 of 0.27 nats if
half of the rows are independent.

References:
    Dempster, Laird & Rubin (1977), on expectation maximization.
    Czyż et al. (2025), the "inliers" of their tasks, arXiv:2310.10240.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Matrix, PerSample, X, Y
from mineral.errors import OptionError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.copulas.gaussian import GaussianCopula, gaussian_bias
from mineral.models import ContaminatedModel, CopulaModel, GaussianModel
from mineral.models.contaminated import diluted
from mineral.samples import Paired, normal_scores, whiten

ROUNDS = 100  # of the iteration, at most
STEADY = 1e-4  # change of ε below which it ends
START = 0.3  # ε at first
ROWS_A_PAIR = (
    # dependent rows for each pair of columns: fewer are not distinguishable from independent rows
    4
)
DIFFERENT = 0.9  # share of the rows that have a unique value, in each column
LARGEST = 1 - 1e-9  # correlation
CLEARLY = 3.0  # standard errors
NOT_CLEARLY = (
    "A mixture with independent rows does not fit significantly better: the Gaussian copula is "
    "reported."
)


@dataclass(frozen=True, kw_only=True)
class ContaminatedCopula(Estimator):
    """A Gaussian copula mixed with independent rows: mismatched pairs, intermittent dependence.

    Share and correlations maximize the likelihood of the ratio, on normal scores. If the mixture
    does not fit significantly better than a Gaussian copula, the latter is reported. The bias of
    the correlations is subtracted as for a Gaussian, with the number of dependent rows as the
    sample size.

    Use it if pairs may be mismatched, or dependence is intermittent. It needs four dependent rows
    for each pair of columns (dx · dy), and fails if the independent rows have other marginals, as
    outliers have: the value is then too low.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, noise, other = rng.standard_normal((3, 5000))
        >>> y = np.where(rng.random(5000) < 0.5, other, 0.99 * x + 0.14 * noise)
        >>> r = ContaminatedCopula().estimate(x, y)
        >>> round(r.value, 1), round(r.model.share, 1)  # a Gaussian copula gives 0.1 nats
        (0.5, 0.5)
    """

    name = "contaminated-copula"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        return self.beside(GaussianCopula().measure(samples, run), samples, run)

    def beside(self, gaussian: Measurement, samples: Paired, run: Run) -> Measurement:
        """The mixture's measurement, or the Gaussian copula's if the mixture is not significant."""
        if any(caution.code == "deterministic" for caution in gaussian.cautions):
            return gaussian
        white_x, map_x, mean_x = _white(samples.x)
        white_y, map_y, mean_y = _white(samples.y)
        n, dx, dy = len(samples), white_x.shape[1], white_y.shape[1]
        if n < ROWS_A_PAIR * dx * dy or n <= dx + dy or _tied(samples):
            return replace(gaussian, path=(NOT_CLEARLY,))
        fit = fitted(white_x, white_y)
        run.progress(1.0, "fitting a copula")
        left, rho, right = np.linalg.svd(fit.across, full_matrices=False)
        inner = GaussianModel(
            map_x=map_x @ left,
            map_y=map_y @ right.T,
            mean_x=mean_x,
            mean_y=mean_y,
            rho=rho,
            offset=0.0,
        )
        assert isinstance(gaussian.model, CopulaModel) and gaussian.pointwise is not None
        raw = diluted(log_ratio(white_x, white_y, fit.across), fit.share)
        gain = raw - (gaussian.pointwise + gaussian.model.gaussian.offset)
        few = n * (1 - fit.share) < ROWS_A_PAIR * dx * dy
        if few or gain.mean() <= max(np.log(n) / n, CLEARLY * gain.std() / np.sqrt(n)):
            return replace(gaussian, path=(NOT_CLEARLY,))
        kept = n * (1 - fit.share)
        bias = gaussian_bias(kept, dx, dy) * (1 - fit.share)
        noise = (dx * dy + np.sqrt(2 * dx * dy)) / n
        spread = max(0.0, float(raw.var()) - noise) / n + dx * dy / (2 * n * kept)
        model = ContaminatedModel(
            copula=CopulaModel.around(inner, samples.x, samples.y), share=fit.share, offset=bias
        )
        return Measurement(
            value=float(raw.mean()) - bias,
            stderr=float(np.sqrt(spread)),
            pointwise=raw - bias,
            model=model,
            cautions=gaussian.cautions,
            path=(f"Model: a Gaussian copula, mixed with {fit.share:.0%} independent rows.",),
        )


@dataclass(frozen=True, kw_only=True)
class Contaminated:
    """The fitted parameters.

    Attributes:
        across: Correlations of whitened x with whitened y, in the dependent rows.
        share: ε.
    """

    across: Float[np.ndarray, "dx dy"]
    share: float


def fitted(x: X, y: Y) -> Contaminated:
    """Fit whitened scores by expectation maximization.

    Args:
        x: Uncorrelated coordinates of unit variance.
        y: The same of the other side.

    Raises:
        OptionError: If there are fewer rows than coordinates.
    """
    n, dx = x.shape
    if n <= dx + y.shape[1]:
        raise OptionError(f"{n} rows are too few for a copula of {dx} + {y.shape[1]} columns.")
    share, across = START, _correlations(x, y, np.ones(n))
    for _ in range(ROUNDS):
        ratio = np.log1p(-share) + log_ratio(x, y, across)
        # posterior that a row is dependent
        weights = np.exp(ratio - np.logaddexp(np.log(share), ratio))
        before, share = share, float(np.clip(1 - weights.mean(), 1e-6, 1 - 1e-6))
        if n * (1 - share) <= dx + y.shape[1]:
            break  # nearly all rows are independent: too few remain for a fit
        across = _correlations(x, y, weights)
        if abs(share - before) < STEADY:
            break
    return Contaminated(across=across, share=share)


def _correlations(x: X, y: Y, weights: PerSample) -> Float[np.ndarray, "dx dy"]:
    """Weighted correlations of x with y, each side whitened; all below 1."""
    roots = [np.linalg.cholesky((z.T * weights) @ z) for z in (x, y)]
    across = np.linalg.solve(roots[0], np.linalg.solve(roots[1], (y.T * weights) @ x).T)
    left, rho, right = np.linalg.svd(across, full_matrices=False)
    return np.asarray(left * np.minimum(rho, LARGEST) @ right)


def log_ratio(x: X, y: Y, across: Float[np.ndarray, "dx dy"]) -> PerSample:
    """The log density ratio of a Gaussian, for whitened x and y."""
    left, rho, right = np.linalg.svd(across, full_matrices=False)
    u, v, rest = x @ left, y @ right.T, 1 - rho**2
    forms = (rho**2 * (u**2 + v**2) - 2 * rho * u * v) / (2 * rest)
    return np.asarray(-np.log(rest).sum() / 2 - forms.sum(axis=1))


def _tied(samples: Paired) -> bool:
    """Whether values repeat: pairs of equal values would count as perfect dependence."""
    columns = (*samples.x.T, *samples.y.T)
    return any(len(np.unique(column)) < len(column) * DIFFERENT for column in columns)


def _white(
    values: Matrix,
) -> tuple[Float[np.ndarray, "n r"], Float[np.ndarray, "d r"], Float[np.ndarray, " d"]]:
    """Normal scores as uncorrelated coordinates of unit variance, and the map that makes them."""
    white, mapped, mean = whiten(normal_scores(values))
    return white * np.sqrt(len(values)), mapped * np.sqrt(len(values)), mean
