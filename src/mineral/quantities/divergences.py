"""The Kullback–Leibler divergence between the distributions of two samples."""

from typing import Any, Literal, TypeAlias

import numpy as np

from mineral.basics.types import Matrix, Rows, Unit
from mineral.errors import InputError
from mineral.methods.neighbours.subsampling import subsampled_stderr
from mineral.quantities.shared import (
    K,
    Others,
    chosen,
    distances,
    log_determinant,
    quantity,
    refuse_constant,
    refuse_few,
)
from mineral.results import Quantity
from mineral.samples import power_of_two, variable

DivergenceOf: TypeAlias = Literal["neighbours", "gaussian"]


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
    found, stderr = chosen(kinds, estimator)(of_p / unit_of_both, of_q / unit_of_both)
    return quantity(
        "KL(p ‖ q)",
        found,
        stderr,
        estimator,
        (len(of_p), len(of_q), of_p.shape[1]),
        confidence,
        unit,
    )


def _neighbour_divergence(p: Matrix, q: Others) -> tuple[float, float]:
    scale = np.concatenate([p, q]).std(axis=0)
    refuse_constant(scale)
    refuse_few("p", p)
    refuse_few("q", q)
    z_p, z_q = p / scale, q / scale

    def value(rows: Rows) -> float:
        of_p, of_q = z_p[rows[rows < len(p)]], z_q[rows[rows < len(q)]]
        within, across = distances("p", of_p, of_p, K + 1), distances("q", of_p, of_q, K)
        ratios = p.shape[1] * (np.log(across) - np.log(within))
        return float(ratios.mean() + np.log(len(of_q) / (len(of_p) - 1)))

    larger = max(len(p), len(q))
    stderr = subsampled_stderr(value, larger, np.random.default_rng(0))
    return value(np.arange(larger)), stderr


def _gaussian_divergence(p: Matrix, q: Others) -> tuple[float, float]:
    (n, d), m = p.shape, len(q)
    if min(n, m) < d + 3:
        raise InputError(f"`p` and `q` need at least {d + 3} rows for {d} Gaussian coordinates.")
    log_ratio = log_determinant("q", q) - log_determinant("p", p)
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
