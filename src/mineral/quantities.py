"""Beside mutual information: entropy, divergence, and the total correlation of many variables.

What an estimator of I(X; Y) gives for little more: neighbours, Gaussians and counts know entropies;
neighbours and Gaussians compare two samples; and by the chain rule every estimator of I(X; Y) gives

    TC(X₁; …; X_d) = Σ_i H(X_i) − H(X₁, …, X_d) = Σ_{i > 1} I(X_i; X₁ … X_{i−1}).
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from mineral.api import resolve
from mineral.basics.special import digamma, ndtri, polygamma
from mineral.basics.types import Matrix, Rows, Unit
from mineral.errors import InputError, OptionError
from mineral.methods import Estimator
from mineral.methods.counts.entropies import miller_madow
from mineral.methods.neighbours.geometry import tree_of
from mineral.methods.neighbours.subsampling import subsampled_stderr
from mineral.results import Caution, Quantity, nats_per
from mineral.samples import power_of_two, symbols, variable

EntropyOf: TypeAlias = Literal["neighbours", "gaussian", "discrete"]
DivergenceOf: TypeAlias = Literal["neighbours", "gaussian"]
Others: TypeAlias = Float[np.ndarray, "m d"]

K = 3  # neighbours: little bias, and noise that the average over rows takes away
FEWEST = 40  # rows for neighbours, of which the standard error takes a quarter at a time


def entropy(
    x: Any,  # noqa: ANN401
    *,
    estimator: EntropyOf = "neighbours",
    confidence: float = 0.95,
    unit: Unit = "nats",
) -> Quantity:
    """H(X): of densities, which may be negative and depends on units, or of symbols.

    Args:
        x: Shape (n,), (n, d) or (n, ...); rows are samples.
        estimator: `"neighbours"` (Kozachenko–Leonenko) for densities of any shape in few
            dimensions; `"gaussian"`, exactly unbiased for Gaussian data; `"discrete"` for symbols,
            where each different row is one (Miller–Madow).
        confidence: The level of the interval, which accounts for the randomness of samples.
        unit: `"nats"` or `"bits"`.

    Raises:
        InputError: If the samples cannot be used, as repeated values for densities.
        OptionError: If an option is out of range.

    References:
        Kozachenko & Leonenko (1987); Kraskov et al. (2004), arXiv:cond-mat/0305641, on ψ(k).
        Misra, Singh & Demchuk (2005), on the Gaussian: doi:10.1016/j.jmva.2003.10.003.

    Example:
        >>> z = np.random.default_rng(0).standard_normal((5000, 2))
        >>> round(entropy(z).value, 1)  # log 2πe = 2.84
        2.8
    """
    kinds = {"neighbours": _neighbour_entropy, "gaussian": _gaussian_entropy, "discrete": _symbols}
    values = variable("x", x)
    unit_of_x = power_of_two(values)  # distances and squares of 1e300 overflow
    found, stderr = _chosen(kinds, estimator)(values / unit_of_x)
    if estimator != "discrete":  # densities have a unit, symbols have none
        found += float(np.log(unit_of_x).sum())
    return _quantity("H(X)", found, stderr, estimator, (values,), confidence, unit)


def divergence(
    p: Any,  # noqa: ANN401
    q: Any,  # noqa: ANN401
    *,
    estimator: DivergenceOf = "neighbours",
    confidence: float = 0.95,
    unit: Unit = "nats",
) -> Quantity:
    """KL(p ‖ q) between the distributions of two independent samples, of any two sizes.

    Args:
        p: Samples of p, shape (n,), (n, d) or (n, ...).
        q: Samples of q, with as many coordinates.
        estimator: `"neighbours"` for densities of any shape in few dimensions, or `"gaussian"`,
            exactly unbiased where both are Gaussian.
        confidence: The level of the interval, which accounts for the randomness of samples.
        unit: `"nats"` or `"bits"`.

    Raises:
        InputError: If the samples cannot be used.
        OptionError: If an option is out of range.

    References:
        Wang, Kulkarni & Verdú (2009), doi:10.1109/TIT.2009.2016060.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> p, q = rng.standard_normal(5000), 1 + rng.standard_normal(5000)
        >>> round(divergence(p, q, estimator="gaussian").value, 1)  # a half
        0.5
    """
    kinds = {"neighbours": _neighbour_divergence, "gaussian": _gaussian_divergence}
    of_p, of_q = variable("p", p), variable("q", q)
    if of_p.shape[1] != of_q.shape[1]:
        raise InputError(
            f"`p` and `q` must have the same number of columns: got {of_p.shape[1]} and "
            f"{of_q.shape[1]}."
        )
    unit_of_both = power_of_two(np.concatenate([of_p, of_q]))  # KL does not depend on it
    found, stderr = _chosen(kinds, estimator)(of_p / unit_of_both, of_q / unit_of_both)
    return _quantity("KL(p ‖ q)", found, stderr, estimator, (of_p, of_q), confidence, unit)


def total_correlation(
    x: Any,  # noqa: ANN401
    *,
    estimator: str | Estimator = "copula",
    seed: int = 0,
    confidence: float = 0.95,
    unit: Unit = "nats",
) -> Quantity:
    """How much the coordinates of X say about each other, by the chain rule; 0 if independent.

    Args:
        x: Shape (n, d) with d of at least 2.
        estimator: Any of `mineral.estimators()`, used d − 1 times.
        seed: Fixes every random choice.
        confidence: The level of the interval. The errors of the terms are taken to add up, which
            they do at most: the interval is rather too wide.
        unit: `"nats"` or `"bits"`.

    Raises:
        InputError: If the samples cannot be used.
        OptionError: If an option is out of range.

    References:
        Watanabe (1960), doi:10.1147/rd.41.0066.

    Example:
        >>> z = np.random.default_rng(0).standard_normal((4000, 3))
        >>> abs(total_correlation(z).value) < 0.01
        True
    """
    values = variable("x", x)
    if values.shape[1] < 2:
        raise InputError("`x` needs at least 2 columns.")
    chosen = resolve(estimator)
    terms = [
        chosen.estimate(values[:, i], values[:, :i], seed=seed) for i in range(1, values.shape[1])
    ]
    doubts = {caution.code: caution for term in terms for caution in term.warnings}
    return _quantity(
        "TC(X)",
        sum(term.value for term in terms),
        sum(term.stderr for term in terms),
        chosen.name,
        (values,),
        confidence,
        unit,
        tuple(doubts.values()),
    )


def _chosen(kinds: Mapping[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    if name not in kinds:
        raise OptionError(f"`estimator` must be one of {', '.join(kinds)}, got {name!r}.")
    return kinds[name]


def _quantity(
    symbol: str,
    value: float,
    stderr: float,
    estimator: str,
    samples: tuple[np.ndarray, ...],
    confidence: float,
    unit: Unit,
    doubts: tuple[Caution, ...] = (),
) -> Quantity:
    nats = nats_per(unit)
    if not 0 < confidence < 1:
        raise OptionError(f"`confidence` must lie between 0 and 1, got {confidence!r}: try 0.95.")
    reach = float(ndtri(0.5 + confidence / 2)) * stderr
    return Quantity(
        symbol=symbol,
        value=float(value) / nats,
        interval=(float(value - reach) / nats, float(value + reach) / nats),
        confidence=confidence,
        stderr=float(stderr) / nats,
        unit=unit,
        estimator=estimator,
        n=tuple(len(part) for part in samples),
        dim=samples[0].shape[1],
        warnings=doubts,
    )


def _distances(name: str, points: Matrix, others: Others, k: int) -> np.ndarray:
    """From each point to its k-th neighbour among the others, in the largest coordinate."""
    found = tree_of(others).query(points, k=[k], p=np.inf)[0][:, 0]
    if not found.all():
        raise InputError(
            f"`{name}` has values that repeat more than {K} times, and discrete data have no "
            "density. Use estimator='discrete' for symbols, or add the noise of rounding."
        )
    return np.asarray(found)


def _neighbour_entropy(x: Matrix) -> tuple[float, float]:
    scale = x.std(axis=0)
    _refuse_constant(scale)
    _refuse_few("x", x)
    z = x / scale

    def value(rows: Rows) -> float:
        distances = _distances("x", z[rows], z[rows], K + 1)  # the nearest is the point itself
        volumes = x.shape[1] * np.log(2 * distances)
        return float(digamma(len(rows)) - digamma(K) + volumes.mean() + np.log(scale).sum())

    stderr = subsampled_stderr(value, len(x), np.random.default_rng(0))
    return value(np.arange(len(x))), stderr


def _gaussian_entropy(x: Matrix) -> tuple[float, float]:
    n, d = x.shape
    value = d / 2 * np.log(2 * np.pi * np.e) + _log_determinant("x", x) / 2
    # The fit's own variance, of log |S|, is a sum of trigammas of the χ² behind each coordinate.
    return float(value), float(np.sqrt(polygamma(1, (n - np.arange(1, d + 1)) / 2).sum()) / 2)


def _symbols(x: Matrix) -> tuple[float, float]:
    codes = symbols(x)
    counts = np.bincount(codes)
    surprise = -np.log(counts[codes] / len(codes))
    # The χ² noise of the counts is what remains where all symbols are equally likely.
    spread = surprise.var() / len(codes) + (len(counts) - 1) / (2 * len(codes) ** 2)
    return miller_madow(counts), float(np.sqrt(spread))


def _neighbour_divergence(p: Matrix, q: Others) -> tuple[float, float]:
    scale = np.concatenate([p, q]).std(axis=0)
    _refuse_constant(scale)
    _refuse_few("p", p)
    _refuse_few("q", q)
    z_p, z_q = p / scale, q / scale

    def value(rows: Rows) -> float:
        of_p, of_q = z_p[rows[rows < len(p)]], z_q[rows[rows < len(q)]]
        within, across = _distances("p", of_p, of_p, K + 1), _distances("q", of_p, of_q, K)
        ratios = p.shape[1] * (np.log(across) - np.log(within))
        return float(ratios.mean() + np.log(len(of_q) / (len(of_p) - 1)))

    larger = max(len(p), len(q))
    stderr = subsampled_stderr(value, larger, np.random.default_rng(0))
    return value(np.arange(larger)), stderr


def _gaussian_divergence(p: Matrix, q: Others) -> tuple[float, float]:
    (n, d), m = p.shape, len(q)
    if min(n, m) < d + 3:
        raise InputError(f"`p` and `q` need at least {d + 3} rows for {d} Gaussian coordinates.")
    log_ratio = _log_determinant("q", q) - _log_determinant("p", p)
    of_p, of_q = np.cov(p.T).reshape(d, d), np.cov(q.T).reshape(d, d)
    unbiased = (m - d - 2) / (m - 1)  # E of an inverse Wishart
    trace = unbiased * np.trace(np.linalg.solve(of_q, of_p))
    shift = p.mean(axis=0) - q.mean(axis=0)
    distance = unbiased * shift @ np.linalg.solve(of_q, shift) - trace / n - d / m
    value = (trace + distance - d + log_ratio) / 2
    # The spread of the fitted log density ratio, over the rows of p and (weighted) of q.
    ratio_p, ratio_q = (_log_ratio(rows, p, q, of_p, of_q) for rows in (p, q))
    weights = np.exp(ratio_q - ratio_q.max())
    weights /= weights.mean()
    spread = ratio_p.var() / n + weights.var() / m + d / (2 * min(n, m) ** 2)
    return float(value), float(np.sqrt(spread))


def _log_ratio(
    rows: np.ndarray, p: Matrix, q: Others, of_p: np.ndarray, of_q: np.ndarray
) -> np.ndarray:
    def log_density(sample: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        centered = rows - sample.mean(axis=0)
        far = (centered * np.linalg.solve(covariance, centered.T).T).sum(axis=1)
        return np.asarray(-(far + np.linalg.slogdet(covariance)[1]) / 2)

    return np.asarray(log_density(p, of_p) - log_density(q, of_q))


def _log_determinant(name: str, x: Matrix) -> float:
    """Of the covariance, unbiased for Gaussian data."""
    n, d = x.shape
    if n < d + 2:
        raise InputError(f"`{name}` needs at least {d + 2} rows for {d} Gaussian coordinates.")
    scale = x.std(axis=0)
    _refuse_constant(scale)
    sign, log = np.linalg.slogdet(np.cov((x / scale).T).reshape(d, d))
    if sign <= 0 or not np.isfinite(log):
        raise InputError(f"`{name}` has linearly dependent columns: drop some.")
    half = digamma((n - np.arange(1, d + 1)) / 2)
    return float(log - (half + np.log(2 / (n - 1))).sum() + 2 * np.log(scale).sum())


def _refuse_few(name: str, x: Matrix) -> None:
    if len(x) < FEWEST:
        raise InputError(f"`{name}` needs at least {FEWEST} rows for neighbours, got {len(x)}.")


def _refuse_constant(scale: np.ndarray) -> None:
    if not scale.all():
        raise InputError("A constant column has no density: remove it.")
