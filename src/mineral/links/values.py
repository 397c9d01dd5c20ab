"""The information of a link: I(target; past value | other selected past values), with an interval.

In the functions of the selection, with R² the share of the target's residual variance that a past
value with d functions explains, k functions of the others (a constant included) and n rows,

    I = −½ log(1 − R²) − ½ [ψ((n − k) / 2) − ψ((n − k − d) / 2)]                        (nats)

where the second term is the bias for Gaussian residuals. The standard error is that of the mean of
autocorrelated pointwise values (`mineral.series.dependent`). Any estimator with a condition can
take the place of this formula.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mineral.basics.special import digamma, ndtri
from mineral.basics.types import PerSample
from mineral.links.candidates import LARGEST, basis_of
from mineral.links.grid import Grid, Past
from mineral.methods import Estimator
from mineral.samples import whiten, without
from mineral.series.dependent import estimated, inflation
from mineral.series.embedding import Lags, embed
from mineral.series.reading import Series


@dataclass(frozen=True, kw_only=True)
class Value:
    """An information in nats.

    Attributes:
        value: The estimate.
        lower, upper: The ends of its confidence interval.
        n: Rows used.
    """

    value: float
    lower: float
    upper: float
    n: int


def information(
    grid: Grid, target: int, pasts: Sequence[Past], given: Sequence[Past], confidence: float
) -> Value:
    """I(target; past values | given ones), by regression on their functions."""
    times = grid.rows(target, [*pasts, *given])
    basis = basis_of(grid, given, times)
    y = grid.functions[target][0, times]
    blocks = [grid.block(column, [lag], times)[0][0] for column, lag in pasts]
    x = whiten(without(np.concatenate(blocks).T, basis))[0]
    y = without(y, basis)
    n, d = x.shape
    freedom = n - basis.shape[1] - d
    fitted = x @ (x.T @ y)
    share = min(float(fitted @ fitted / (y @ y)), LARGEST)
    bias = 0.5 * float(digamma((freedom + d) / 2) - digamma(freedom / 2))
    pointwise = _pointwise(fitted, y, share)
    noise = (d + math.sqrt(2 * d)) / n  # of the variance of pointwise values of independent rows
    spread = max(0.0, float(pointwise.var()) - noise) / n + d / (2 * n**2)
    trial = np.cumsum(grid.before == 0)[times]
    spread *= n / (n - basis.shape[1]) * inflation(pointwise, trial, grid.before[times])
    value = -0.5 * math.log1p(-share) - bias
    reach = float(ndtri(0.5 + confidence / 2)) * math.sqrt(spread)
    return Value(value=value, lower=value - reach, upper=value + reach, n=n)


def _pointwise(fitted: PerSample, y: PerSample, share: float) -> PerSample:
    """log p(y | fitted) / p(y) of Gaussian variables."""
    rho = math.sqrt(share)
    u, v = (values / max(values.std(), np.finfo(float).tiny) for values in (fitted, y))
    excess = (share * (u**2 + v**2) - 2 * rho * u * v) / (2 * (1 - share))
    return np.asarray(-0.5 * math.log1p(-share) - excess)


def estimated_information(
    series: Sequence[Series],
    target: int,
    past: Past,
    given: Sequence[Past],
    recipe: Estimator,
    confidence: float,
    seed: int,
) -> tuple[Value, tuple[str, ...]]:
    """The same by an estimator of conditional information, and the codes of its cautions."""
    sides = {
        "x": [Lags(series=series[past[0]], lags=[past[1]])],
        "y": [Lags(series=series[target], lags=[0])],
    }
    if given:
        sides["z"] = [Lags(series=series[column], lags=[lag]) for column, lag in given]
    rows = embed(sides, missing="drop")
    found = estimated(
        rows,
        recipe,
        is_copy=False,
        seed=seed,
        device=None,
        progress=False,
        confidence=confidence,
        unit="nats",
    )
    codes = tuple(caution.code for caution in found.warnings)
    lower, upper = found.interval
    return Value(value=found.value, lower=lower, upper=upper, n=found.n), codes
