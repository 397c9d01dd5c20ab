"""A standard error for rows in series: that of the mean of autocorrelated contributions.

An estimate is, to first order, the mean of the pointwise information of its rows. Given the past,
the present of a series is independent from row to row, so that rows of lags need no thinning; but
the size of their contributions is autocorrelated. With v the long-run variance of the pointwise
information over its variance, the standard error of independent rows is multiplied by √v.

References:
    Newey & West (1987), doi:10.2307/1913610: weights 1 − k / (L + 1) of autocovariances.
    Andrews (1991), doi:10.2307/2938229: the bandwidth L from the lag-one autocorrelation.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from mineral.basics.types import PerSample, Rows
from mineral.methods import KSG, CMIKnn, Estimator, PartialCopula
from mineral.methods.base import Measurement, Run
from mineral.results import Estimate
from mineral.samples import Conditioned, Paired
from mineral.series.embedding import Embedding, Times
from mineral.series.margins import in_margins
from mineral.series.theiler import cmi_knn_outside, ksg_outside

BARTLETT = 1.1447  # Andrews' constant of the bandwidth for these weights


@dataclass(frozen=True, kw_only=True)
class OfSeries(Estimator):
    """An estimator of rows of lags in random order, with the standard error of rows in series.

    Attributes:
        inner: The estimator.
        order: The row of the embedding that is in each place.
        rows: The embedding.
        is_copy: Whether the source is part of the target's past, so that it adds nothing.
        theiler: Rows at most as near in time are no neighbours; 0 for no window.
    """

    inner: Estimator
    order: Rows
    rows: Embedding
    is_copy: bool = False
    theiler: int = 0

    def __post_init__(self) -> None:
        for attribute in ("name", "kind", "labels"):
            object.__setattr__(self, attribute, getattr(self.inner, attribute))

    def measure(self, samples: Paired, run: Run) -> Measurement:
        if self.theiler and isinstance(self.inner, KSG):
            return self._in_series(
                ksg_outside(self.inner, samples, run, *self._times, self.theiler)
            )
        return self._in_series(self.inner.measure(samples, run))

    def measure_given(self, samples: Conditioned, run: Run) -> Measurement:
        if self.is_copy:
            sentence = "The source is a part of the target: its past adds nothing to the target's."
            return Measurement(value=0.0, stderr=0.0, path=(sentence,))
        if self.theiler and isinstance(self.inner, CMIKnn):
            found = cmi_knn_outside(self.inner, samples, run, *self._times, self.theiler)
        else:
            found = self.inner.measure_given(samples, run)
        if isinstance(self.inner, PartialCopula):
            found = in_margins(samples, self.order, found, run)
        return self._in_series(found)

    @property
    def _times(self) -> tuple[Times, Times]:
        """The trial and the time of each place."""
        return self.rows.trial[self.order], self.rows.time[self.order]

    def _in_series(self, found: Measurement) -> Measurement:
        if found.pointwise is None:
            return found
        in_time = np.empty(len(self.order))
        in_time[self.order] = found.pointwise
        factor = math.sqrt(inflation(in_time, self.rows.trial, self.rows.time))
        reach = found.reach
        return replace(
            found,
            stderr=found.stderr * factor,
            reach=None if reach is None else lambda level: _scaled(reach(level), factor),
        )


def _scaled(ends: tuple[float, float], factor: float) -> tuple[float, float]:
    return ends[0] * factor, ends[1] * factor


def estimated(
    rows: Embedding,
    recipe: Estimator,
    *,
    is_copy: bool,
    theiler: int = 0,
    **options: Any,  # noqa: ANN401
) -> Estimate:
    """The estimate of `recipe` on the sides x, y and, if there is one, z of an embedding.

    Rows are passed in random order, in which they are no time series for the input check.
    """
    order = np.random.default_rng(options["seed"]).permutation(len(rows))
    sides = {
        name: {label: column[order] for label, column in side.items()}
        for name, side in rows.sides.items()
    }
    found = OfSeries(
        inner=recipe, order=order, rows=rows, is_copy=is_copy, theiler=theiler
    ).estimate(sides["x"], sides["y"], given=sides.get("z"), **options)
    return replace(
        found,
        options={field.name: getattr(recipe, field.name) for field in fields(recipe)},
        warnings=(*found.warnings, *rows.cautions),
    )


def inflation(values: PerSample, trial: Times, time: Times) -> float:
    """The long-run variance of a series over its variance: 1 if it is not autocorrelated.

    Args:
        values: One value for each row.
        trial: Of each row; values are paired only within a trial.
        time: Of each row; values are paired only at equal distances.
    """
    n = len(values)
    centered = values - values.mean()
    variance = float(centered @ centered)
    if variance <= 0 or n < 3:
        return 1.0

    def correlation(k: int) -> float:
        near = (trial[k:] == trial[:-k]) & (time[k:] - time[:-k] == k)
        return float((centered[k:] * centered[:-k])[near].sum()) / variance

    first = correlation(1)
    rate = 4 * first**2 / (1 - min(first**2, 1 - 1 / n)) ** 2
    bandwidth = min(int(BARTLETT * (rate * n) ** (1 / 3)), n // 4)
    weights = ((1 - k / (bandwidth + 1), k) for k in range(1, bandwidth + 1))
    return max(1 + 2 * sum(weight * correlation(k) for weight, k in weights), 1 / n)
