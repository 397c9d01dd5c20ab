"""The one rule of comparison: the weight of a candidate's value against the value so far.

Let d be the rival's value minus the value so far, on the same rows, and e the standard error of d.

- Two consistent estimates (a parametric one and neighbours in few dimensions) are averaged: the
  rival's weight is 1 − e² / d², the positive part of James and Stein's shrinkage. A difference
  within its standard error has no weight, and the estimate of smaller variance stays.
- Otherwise at least one falls short of the truth by an unknown amount, and the larger value is the
  closer one: the rival replaces the value so far where d is significantly larger than 0.
"""

from dataclasses import dataclass

import numpy as np

from mineral.basics.types import Rows
from mineral.methods.base import Run
from mineral.methods.default.candidates import Candidate, Evidence
from mineral.methods.default.profile import FEW_DIMS
from mineral.methods.default.views import Views
from mineral.methods.neighbours.knn import KSG
from mineral.methods.neighbours.subsampling import PARTS, subsampled_stderr
from mineral.methods.regressions.regression import Regression
from mineral.methods.shares import Measured
from mineral.samples import Paired

SIGNIFICANT = 2.0  # standard errors (docs/default.md: what each rule is worth)
LEAST = 1e-3  # nats: smaller differences are irrelevant, whatever their error


@dataclass(frozen=True, kw_only=True)
class Answer(Measured):
    """The measurement of a candidate of the default's table."""

    candidate: Candidate

    @property
    def view(self) -> str:
        return self.candidate.view.value

    @property
    def is_trained(self) -> bool:
        """Whether a network adds to the value, by its score on held-out rows."""
        return self.candidate.evidence is Evidence.LEARNED and bool(self.found.curves)

    @property
    def falls_short(self) -> bool:
        """Whether more rows would raise the value: a network was trained, or rows held out."""
        return self.is_trained or self.candidate.evidence is Evidence.BOUND


def compared(best: Answer, rival: Answer, views: Views, run: Run) -> tuple[float, float]:
    """The weight of the rival, from 0 to 1, and the standard error of the difference."""
    if rival.is_trained and best.candidate.evidence is Evidence.PARAMETRIC:
        return 1.0, 0.0  # it starts from the copula, and improves its score on held-out rows
    difference = rival.found.value - best.found.value
    samples = views[rival.candidate.view]
    error = _error_of_difference(samples, views.order, run, rival, best)
    if rival.candidate.evidence is Evidence.BOUND:  # whatever the error of the value it exceeds
        error = min(error, rival.found.stderr)
    consistent = samples.dims <= FEW_DIMS and not best.falls_short
    is_averaged = rival.candidate.evidence is Evidence.LOCAL and consistent
    return weight_of(difference, error, best.found.value, is_averaged=is_averaged), error


def weight_of(difference: float, error: float, best: float, *, is_averaged: bool) -> float:
    """The rule: a rival's weight, from its difference, the error of that, and the value so far.

    Args:
        difference: The rival's value less the value so far, in nats.
        error: Its standard error.
        best: The value so far.
        is_averaged: Whether both are consistent.
    """
    if is_averaged:
        # A negative estimate is no evidence for less than 0.
        down_to_0 = max(difference, -max(best, 0.0)) if difference < 0 else difference
        return shrinkage(down_to_0, error)
    return float(difference > max(SIGNIFICANT * error, LEAST))


def shrinkage(difference: float, error: float) -> float:
    """James and Stein's weight of an estimate beside one of smaller variance."""
    return 0.0 if abs(difference) <= error else 1 - (error / difference) ** 2


def _error_of_difference(
    samples: Paired, order: Rows, run: Run, rival: Answer, best: Answer
) -> float:
    """Standard error of the difference of two estimates on the same rows.

    The errors of close rows, which share neighbours, are correlated, so that the standard deviation
    of pointwise differences is too small: estimates on disjoint parts of the rows are independent.
    """
    one, other = rival.found, best.found
    apart = float(np.hypot(one.stderr, other.stderr))
    neighbours = rival.estimator
    if other.pointwise is None or one.pointwise is None:
        return apart
    if isinstance(neighbours, Regression):
        return apart
    if not isinstance(neighbours, KSG):
        return min(apart, float((one.pointwise - other.pointwise).std() / np.sqrt(len(samples))))
    clear = abs(one.value - other.value) > SIGNIFICANT * apart
    if clear or len(samples) < PARTS * (KSG.k + 2):
        return apart
    x, y = neighbours.scaled(samples)
    of_best = other.pointwise

    def difference(part: Rows) -> float:
        rows = order[part]
        return float(neighbours.contributions(x[rows], y[rows]).mean() - of_best[rows].mean())

    return min(apart, subsampled_stderr(difference, len(samples), run.rng()))
