"""The mutual information of a Student-t copula.

The t copula with correlation matrix R and ν degrees of freedom has the information of the Gaussian
copula of R, plus that of a common random scale: extreme values coincide (tail dependence) even
without correlation. The additional term depends only on ν and the dimensions:

    I(X; Y) = −½ log(|R| / |R_x||R_y|) + h(dx + dy) − h(dx) − h(dy)                 (nats)
    h(d)    = log Γ((ν + d)/2) − log Γ(ν/2) − ½ (ν + d) [ψ((ν + d)/2) − ψ(ν/2)]

since E log(1 + zᵀR⁻¹z / ν) = ψ((ν + d)/2) − ψ(ν/2) in d dimensions. It falls towards zero as ν
grows and the copula becomes Gaussian.

References:
    Arellano-Valle, Contreras-Reyes & Genton (2013), on the information of elliptical distributions,
        doi:10.1111/j.1467-9469.2011.00774.x.
    Czyż et al. (2023), on that of t distributions, arXiv:2306.11078.
    Demarta & McNeil (2005), The t copula and related copulas, International Statistical Review 73.
    Kent, Tyler & Vardi (1994), A curious likelihood identity for the multivariate t-distribution,
        Communications in Statistics 23: the iteration for R, in its fast form.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.special import digamma, gammaln, ndtri, stdtrit
from mineral.basics.types import Matrix, X, Y
from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.copulas.gaussian import DETERMINISTIC, GaussianCopula, gaussian_bias
from mineral.methods.options import Range
from mineral.models import StudentModel
from mineral.models.student import log_ratio, log_t, squared_length
from mineral.results import Caution
from mineral.samples import Paired

HEAVIEST, LIGHTEST = 0.1, 1000.0  # degrees of freedom that are searched
PRECISION = 1e-3  # of log ν: a tenth of its standard error on a million samples
ROUNDS = 30  # of the search at most, for the progress bar
NO_T_COPULA = Caution(
    "not-a-t-copula",
    f"The likelihood is largest at {HEAVIEST} degrees of freedom, the smallest value on the grid: "
    "a t copula does not describe this dependence. Compare with estimator='ksg'.",
)
STEADY = 1e-8  # change of a correlation below which the iteration ends
FLAT = 1e-7  # 1 − ρ² below which a canonical correlation equals 1 up to rounding


OUT_OF_TIME = "The time budget ended before a t copula was fitted."


@dataclass(frozen=True, kw_only=True)
class StudentCopula(Estimator):
    """Student-t copula: any marginals, with tail dependence.

    Every coordinate is replaced by t_ν⁻¹(rank / (n + 1)), so that strictly monotone maps of any
    coordinate and heavy tails change nothing. R maximizes the copula's likelihood for a given ν,
    and ν the profile likelihood. If the t copula's log likelihood does not exceed the Gaussian's by
    ½ log n (BIC), the Gaussian copula is reported.

    Use it if variables share a volatility (returns, turbulence, sensor bursts), in up to a hundred
    dimensions. It fails if the columns do not have a common scale, or the dependence is not
    elliptical: the value is that of the closest t copula, too low for spirals and for y = x² on
    symmetric x, as with the Gaussian copula.

    The bias of R is subtracted as for a Gaussian, with the effective sample size n (ν + d) / (ν + d
    + 2) of a t distribution's correlations. On t copulas of 2 to 10 dimensions and up to 1 nat, the
    remaining bias was at most 0.01 nats at n = 200 and 0.005 at n = 1,000. Ranks lose precision for
    strong dependence: of 2.6 nats, 0.04 were missed at n = 200.

    Args:
        degrees_of_freedom: ν, of at least 0.1. None fits it to the samples.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.standard_normal((2, 5000)) / np.sqrt(rng.chisquare(1, size=5000))
        >>> round(StudentCopula().estimate(x, y).value, 1)  # true: 0.224, where ρ = 0 and ν = 1
        0.2
    """

    degrees_of_freedom: Annotated[float, Range(HEAVIEST, LIGHTEST)] | None = None

    name = "t-copula"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        check_rows(samples)
        return self.beside(GaussianCopula().measure(samples, run), samples, run)

    def beside(self, gaussian: Measurement, samples: Paired, run: Run) -> Measurement:
        """The t copula's measurement, or the Gaussian copula's if that fits as well."""
        n = len(samples)
        if any(caution.code == "deterministic" for caution in gaussian.cautions):
            return gaussian
        (of_x, kept_x), (of_y, kept_y) = kept_levels(samples.x), kept_levels(samples.y)
        levels = Levels.of(of_x, of_y)
        if not positive_definite(levels.normal_correlation()):
            sentence = "Some columns are functions of others: no t copula is fitted."
            return replace(gaussian, path=(sentence,))
        fit = self._fit(levels, run)
        if fit is None:
            return replace(gaussian, path=(OUT_OF_TIME,))
        run.progress(1.0, "fitting t copulas")  # the search may end before its last round
        if self.degrees_of_freedom is None and (
            fit.log_likelihood - levels.gaussian_log_likelihood() <= np.log(n) / 2
        ):
            sentence = (
                "A t copula does not fit significantly better than a Gaussian copula: the "
                "Gaussian copula is reported."
            )
            return replace(gaussian, path=(sentence,))
        if _at_limit(fit) and any(caution.code == "ties" for caution in gaussian.cautions):
            return replace(gaussian, cautions=(NO_T_COPULA, *gaussian.cautions))
        found = _measurement(samples, gaussian, fit, (kept_x, kept_y))
        chosen = self.degrees_of_freedom is None and not fit.flat
        if chosen and _achieved(found, fit, levels.dx) < gaussian.value:
            sentence = (
                "x and y have separate scale variables, not the common one of a t copula: the "
                "Gaussian copula is reported."
            )
            return replace(gaussian, path=(sentence,))
        return found

    def _fit(self, levels: "Levels", run: Run) -> "_Fit | None":
        """None if the time is up before the likeliest ν is found."""
        if self.degrees_of_freedom is not None:
            return levels.fit(float(self.degrees_of_freedom), levels.normal_correlation(), STEADY)
        from scipy.optimize import minimize_scalar  # slow to import: only when needed

        found = [levels.normal_correlation()]

        def loss(log_nu: float) -> float:
            if run.late:
                raise _OutOfTimeError
            run.progress(min(1.0, len(found) / ROUNDS), "fitting t copulas")
            fit = levels.fit(float(np.exp(log_nu)), found[-1], 1e-4)
            found.append(fit.correlation)
            return -fit.log_likelihood

        ends = np.log([HEAVIEST, LIGHTEST])
        options = {"xatol": PRECISION, "maxiter": ROUNDS}
        try:
            best = minimize_scalar(loss, bounds=ends, method="bounded", options=options)
        except _OutOfTimeError:
            return None
        return levels.fit(float(np.exp(best.x)), found[-1], STEADY)


class _OutOfTimeError(Exception):
    """Ends a search for ν."""


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """A t copula that was fitted for one ν.

    Attributes:
        flat: Whether, on most samples, one column is a function of the others.
    """

    nu: float
    scores: Matrix
    correlation: Float[np.ndarray, "d d"]
    log_likelihood: float
    flat: bool


@dataclass(frozen=True, kw_only=True)
class Levels:
    """rank / (n + 1), each distinct value once: a quantile of t takes a microsecond."""

    different: Float[np.ndarray, " m"]
    which: Int[np.ndarray, "n d"]
    dx: int

    @classmethod
    def of(cls, of_x: X, of_y: Y) -> "Levels":
        levels = np.hstack([of_x, of_y])
        different, which = np.unique(levels, return_inverse=True)
        return cls(different=different, which=which.reshape(levels.shape), dx=int(of_x.shape[1]))

    def scores(self, nu: float) -> Matrix:
        """Quantiles of t, or of the normal where ν is infinite, at each level."""
        quantiles = ndtri(self.different) if np.isinf(nu) else stdtrit(nu, self.different)
        return np.asarray(quantiles[self.which])

    def normal_correlation(self) -> Float[np.ndarray, "d d"]:
        """Of normal scores."""
        scores = ndtri(self.different)[self.which]
        return _scaled(scores.T @ scores)

    def gaussian_log_likelihood(self) -> float:
        """Of the Gaussian copula with the correlation of the normal scores."""
        return float(-len(self.which) / 2 * np.linalg.slogdet(self.normal_correlation())[1])

    def fit(self, nu: float, start: Float[np.ndarray, "d d"], steady: float) -> _Fit:
        """The most likely correlations for ν degrees of freedom.

        Each round weighs the samples by (ν + d) / (ν + zᵀR⁻¹z), the expected inverse of their
        squared scale, and takes the correlation of the weighted scores.
        """
        quantiles = stdtrit(nu, self.different)
        scores = quantiles[self.which]
        d = scores.shape[1]
        correlation, flat = start, False
        for _ in range(1000):
            weights = (nu + d) / (nu + squared_length(scores, np.linalg.cholesky(correlation)))
            update = _scaled((scores.T * weights) @ scores)
            flat = _is_flat(update, self.dx)
            if flat:
                break
            change = np.abs(update - correlation).max()
            correlation = update
            if change < steady:
                break
        single = log_t(quantiles[:, None], np.eye(1), nu)[self.which].sum(axis=1)
        return _Fit(
            nu=nu,
            scores=scores,
            correlation=correlation,
            log_likelihood=float((log_t(scores, correlation, nu) - single).sum()),
            flat=flat,
        )


def _measurement(
    samples: Paired,
    gaussian: Measurement,
    fit: _Fit,
    kept: tuple[Int[np.ndarray, " kx"], Int[np.ndarray, " ky"]],
) -> Measurement:
    dx, dy = len(kept[0]), len(kept[1])
    n, nu = len(samples), fit.nu
    worth = _worth(n, fit)
    value = (
        correlation_information(fit.correlation, dx)
        + scale_information(nu, dx, dy)
        - gaussian_bias(worth, dx, dy)
    )
    raw = log_ratio(fit.scores[:, :dx], fit.scores[:, dx:], fit.correlation, nu)
    # As for a Gaussian: fitted correlations give the pmi a variance even under independence.
    noise = (dx * dy + np.sqrt(2 * dx * dy)) / worth
    spread = max(0.0, float(raw.var()) - noise) / n + dx * dy / (2 * worth**2)
    offset = float(raw.mean()) - value
    model = StudentModel.around(
        samples.x,
        samples.y,
        correlation=fit.correlation,
        degrees_of_freedom=nu,
        kept_x=kept[0],
        kept_y=kept[1],
        offset=offset,
    )
    return Measurement(
        value=value,
        stderr=float(np.sqrt(spread)),
        pointwise=raw - offset,
        model=model,
        cautions=(*_cautions(fit), *gaussian.cautions),
        path=(f"A t copula with {nu:.3g} degrees of freedom.",),
    )


def _achieved(found: Measurement, fit: _Fit, dx: int) -> float:
    """The mean log density ratio of the samples, minus the optimism of the fit.

    It agrees with the value if the samples are from a t copula. If x and y have independent random
    scales, the copula's formula treats them as a common one: 0.95 nats for 20 + 20 independent
    Cauchy columns. The mean log density ratio does not.
    """
    assert isinstance(found.model, StudentModel)
    worth, dims = _worth(len(fit.scores), fit), fit.scores.shape[1]
    return float(found.value + found.model.offset - gaussian_bias(worth, dx, dims - dx))


def _worth(n: int, fit: _Fit) -> float:
    """The number of Gaussian samples with the same information about the correlations."""
    d = fit.scores.shape[1]
    return float(n * (fit.nu + d) / (fit.nu + d + 2))


def correlation_information(correlation: Float[np.ndarray, "d d"], dx: int) -> float:
    """−½ log(|R| / |R_x||R_y|): the information of the Gaussian copula of R."""
    blocks = (correlation, correlation[:dx, :dx], correlation[dx:, dx:])
    joint, of_x, of_y = (np.linalg.slogdet(block)[1] for block in blocks)
    return float(of_x + of_y - joint) / 2


def scale_information(nu: float, dx: int, dy: int) -> float:
    """The information of a t copula beyond that of the Gaussian copula of its correlations."""

    def h(d: int) -> float:
        above, below = (nu + d) / 2, nu / 2
        return float(gammaln(above) - gammaln(below) - above * (digamma(above) - digamma(below)))

    return h(dx + dy) - h(dx) - h(dy)


def check_rows(samples: Paired) -> None:
    """Refuse too few rows for a t copula.

    Raises:
        InputError: If there are fewer than two for each dimension and six.
    """
    n, least = len(samples), 2 * samples.dims + 6
    if n < least:
        raise InputError(
            f"`x` and `y` have {samples.x.shape[1]} + {samples.y.shape[1]} dimensions, and a t "
            f"copula needs at least {least} paired samples, got {n}: use estimator='copula', "
            "or reduce dimensions."
        )


def kept_levels(
    values: Matrix,
) -> tuple[Float[np.ndarray, "n kept"], Int[np.ndarray, " kept"]]:
    """rank / (n + 1) of the coordinates that are neither constant nor copies, and which."""
    from scipy.stats import rankdata  # half a second to import: only when needed

    levels = np.asarray(rankdata(values, axis=0) / (len(values) + 1))
    kept = _kept(levels)
    return levels[:, kept], kept


def _kept(levels: Matrix) -> Int[np.ndarray, " kept"]:
    """Coordinates that are neither constant nor copies of others, up to rounding."""
    from scipy.linalg import qr

    scores = ndtri(levels)
    _, triangle, order = qr(scores, mode="economic", pivoting=True)
    left = triangle.diagonal() ** 2  # conditional variance of each column, given those before it
    return np.sort(order[left > (1 - DETERMINISTIC) * left[0]]).astype(np.int64)


def _scaled(products: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """The correlation matrix of a matrix of products."""
    scale = np.sqrt(products.diagonal())
    correlation = products / scale[:, None] / scale
    np.fill_diagonal(correlation, 1.0)
    return np.asarray((correlation + correlation.T) / 2)


def positive_definite(correlation: Float[np.ndarray, "d d"]) -> bool:
    """Whether no column is a function of the others, up to rounding."""
    try:
        root = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        return False
    return bool(np.diag(root).min() ** 2 > len(root) * np.finfo(float).eps)


def _is_flat(correlation: Float[np.ndarray, "d d"], dx: int) -> bool:
    """Whether a column is a function of the others, up to the precision of the iteration."""
    try:
        np.linalg.cholesky(correlation)
        of_x, of_y = (
            np.linalg.inv(np.linalg.cholesky(block))
            for block in (correlation[:dx, :dx], correlation[dx:, dx:])
        )
    except np.linalg.LinAlgError:
        return True
    canonical = np.linalg.svd(of_x @ correlation[:dx, dx:] @ of_y.T, compute_uv=False)
    return bool(1 - canonical[0] ** 2 < FLAT)


def _at_limit(fit: _Fit) -> bool:
    return fit.nu < 1.01 * HEAVIEST


def _cautions(fit: _Fit) -> tuple[Caution, ...]:
    cautions = []
    if fit.flat:
        cautions.append(
            Caution(
                "deterministic",
                "On most samples, the rank of one column is a function of the others. If these "
                "columns are in both `x` and `y`, the mutual information is infinite, and the "
                "value only reflects numerical resolution; otherwise remove near copies of "
                "columns.",
            )
        )
    if _at_limit(fit):
        cautions.append(NO_T_COPULA)
    return tuple(cautions)
