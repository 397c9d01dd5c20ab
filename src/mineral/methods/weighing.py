"""How much of one answer is believed beside another on the same rows."""

from dataclasses import replace
from typing import TypeAlias

import numpy as np

from mineral.methods.allowance import NEAR_DIMS
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.canonical import Canonical
from mineral.methods.gaussian import GaussianCopula
from mineral.methods.knn import KSG
from mineral.methods.lnc import LNC
from mineral.methods.mixed import Mixed
from mineral.methods.projection import Projected
from mineral.methods.regression import Regression
from mineral.methods.residual import Residual
from mineral.methods.sparse import SparseTable
from mineral.methods.subsampling import PARTS, subsampled_stderr
from mineral.samples import Paired
from mineral.types import Rows

WEAK = 2.0  # nats, up to which neighbours find nearly all in few dimensions
UNCORRECTED = 0.7  # nats that LNC's boxes may miss, turned or not
CLEARLY = 3.0  # standard errors
SOMEWHAT = 1.0

Answer: TypeAlias = tuple[Estimator, Measurement]


def weighed(rival: Answer, answer: Answer, samples: Paired, run: Run) -> tuple[float, Measurement]:
    """How much of another's answer is believed, from 0 to 1, and the answer that makes."""
    (other, theirs), (best, ours) = rival, answer
    more = theirs.value - ours.value
    no_less = other.kind == "lower bound" and not isinstance(other, Regression)
    if no_less:  # whatever the other's error
        least = CLEARLY * min(theirs.stderr, _paired_error(theirs, ours))
    elif more <= 0 and (best.kind == "lower bound" or _only_more_counts(other, samples)):
        return 0.0, ours
    elif type(other) is SparseTable:  # whose interval starts at a lower bound
        least = ours.stderr + 2 * theirs.stderr
    else:
        error = _error_of_difference(samples, run, other, theirs, ours)
        slack = UNCORRECTED if isinstance(best, GaussianCopula) else UNCORRECTED / 2
        thin = isinstance(other, (LNC, Regression)) and more < -(slack + CLEARLY * error)
        near = isinstance(other, (KSG, LNC, Mixed, Regression)) and samples.dims <= NEAR_DIMS
        if near and (more > 0 or theirs.value < WEAK or thin):
            surer = theirs.stderr < ours.stderr / 2
            weight = 1.0 if surer else _weight(more, error)
            return weight, _between(ours, theirs, weight, error)
        # Networks fall short, as neighbours do: what finds more is the closer one.
        learned = isinstance(best, (Residual, Projected)) and bool(ours.curves)
        least = (SOMEWHAT if learned else CLEARLY) * error
    return (1.0, theirs) if more > least else (0.0, ours)


def _only_more_counts(other: Estimator, samples: Paired) -> bool:
    """Whether it is a mere bound: of two numbers, boxes and curves together deny a copula."""
    return isinstance(other, Regression) and samples.dims > 2


def _weight(more: float, error: float) -> float:
    """Of neighbours beside a copula, where both may be right: the further apart, the larger.

    The positive part of James and Stein's shrinkage: what is apart by no more than its error says
    nothing, and the copula, which has the smaller variance, stands.
    """
    return 0.0 if abs(more) <= error else 1 - (error / more) ** 2


def _between(result: Measurement, rival: Measurement, weight: float, error: float) -> Measurement:
    """Between two estimates on the same rows, with an error that allows for the wrong weight."""
    more = rival.value - result.value
    spread = (1 - weight) * result.stderr + weight * rival.stderr
    wrong = (1 - weight) * min(abs(more), error)
    chosen = rival if weight > 0.5 else result
    pointwise = chosen.pointwise
    if result.pointwise is not None and rival.pointwise is not None:
        pointwise = (1 - weight) * result.pointwise + weight * rival.pointwise
    return replace(
        chosen,
        value=result.value + weight * more,
        stderr=float(np.hypot(spread, wrong)),
        pointwise=pointwise,
    )


def verdict(other: Estimator, best: Estimator, weight: float, more: float) -> str:
    """In words, how much of the other is believed."""
    if weight == 0:
        return f"{other.name} does not find clearly more: {best.name} stands."
    if weight > 0.8:
        amount = "more" if more > 0 else "less"
        return f"{other.name} finds clearly {amount} than {best.name}, and is reported."
    return f"{other.name} and {best.name} are about their error apart: between them, {weight:.0%}."


def _error_of_difference(
    samples: Paired, run: Run, neighbours: Estimator, rival: Measurement, result: Measurement
) -> float:
    """Standard error of how far two estimates on the same rows are apart.

    Of neighbours it comes from disjoint parts, as their own error does: what both candidates see
    in the same rows cancels.
    """
    if isinstance(neighbours, (Mixed, Canonical, Regression)):
        return _paired_error(rival, result)
    apart = float(np.hypot(rival.stderr, result.stderr))
    pointwise = result.pointwise
    far = abs(rival.value - result.value) > CLEARLY * apart
    few = len(samples) < PARTS * (LNC.k + 2)
    if far or few or pointwise is None or not isinstance(neighbours, (KSG, LNC)):
        return apart
    x, y, _ = neighbours.scaled(samples)
    order = np.lexsort(np.hstack([x, y]).T)  # the same parts, in whatever order rows came

    def difference(part: Rows) -> float:
        rows = order[part]
        return float(neighbours.contributions(x[rows], y[rows]).mean() - pointwise[rows].mean())

    return min(apart, subsampled_stderr(difference, len(samples), run.rng()))


def _paired_error(one: Measurement, other: Measurement) -> float:
    """Standard error of how far two estimates are apart that say something of each row."""
    apart = float(np.hypot(one.stderr, other.stderr))
    if one.pointwise is None or other.pointwise is None:
        return apart
    return min(apart, float((one.pointwise - other.pointwise).std() / np.sqrt(len(one.pointwise))))
