"""The gain from more rows, extrapolated from estimates on half of the rows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mineral.basics.types import PerSample
from mineral.methods.base import CONFIDENCE_95, Estimator, Measurement, Run
from mineral.methods.neural.crossfit import FoldReport
from mineral.results import Caution
from mineral.samples import Fold, Paired, canonical_order
from mineral.system.progress import silent

LEFT = 1.6  # times the gain of the last doubling of rows, if errors fall like n^−0.7
LEFT_OF_TWO = 1 / (4**0.7 - 1)  # the same, of the gain of the last two doublings
MOST_LEFT = 0.25  # of the value: the gain measured on one fold is uncertain


def halved(fold: Fold) -> Fold:
    """The fold with half of its training rows."""
    return replace(fold, training=fold.training[: len(fold.training) // 2])


def more(report: FoldReport, half: FoldReport) -> float:
    """Nats that a network gains over one that was trained on half of the rows."""
    apart = (report.pointwise - half.pointwise).clip(-1, 1)  # outliers must not dominate
    return float(apart.mean())


def allowing_for(gain: float, found: Measurement) -> Measurement:
    """Extend the interval upwards by the expected gain from more rows.

    Args:
        gain: Nats gained from half of the rows to all.
        found: The estimate from all rows.
    """
    missing = min(LEFT * max(0.0, gain), MOST_LEFT * abs(found.value))
    doubts = found.cautions
    if missing > max(found.stderr, 0.02):
        doubt = Caution(
            "still-learning",
            f"The estimate still rises with the number of rows, by {gain:.2g} nats from half of "
            f"the rows to all: expect about {missing:.1g} nats more from more rows. The interval "
            "includes this.",
        )
        doubts = (doubt, *doubts)
    return replace(found, missing=max(found.missing, CONFIDENCE_95 * missing), cautions=doubts)


def rise(found: Measurement, estimator: Estimator, samples: Paired, run: Run) -> float:
    """Nats that an estimator gains from half of the rows to all.

    Raises:
        InputError: If half of the rows are too few for it.
    """
    n = len(samples)
    # The same halves for any order of the rows.
    order = canonical_order(samples.x, samples.y)[run.rng().permutation(n)]
    halves = (order[: n // 2], order[n // 2 :])
    quiet = replace(run, progress=silent)
    values = [estimator.measure(samples.rows(half), quiet).value for half in halves]
    return found.value - sum(values) / len(values)


def reaching(
    found: Measurement, gains: Sequence[PerSample], limit: float, *, underdetermined: bool
) -> Measurement:
    """Extend the interval upwards by the extrapolated learning curve of the estimator.

    Errors that fall like rows to the −0.7 still lack 0.6 of the rise from a quarter of the rows to
    all, or 1.6 of the rise from half of them.

    With too many columns for the rows, a curve may be at its start. Unless a quarter of the rows
    already gives half of a value that is significantly above 0, the interval extends to the limit.

    Args:
        found: The estimate from all rows.
        gains: For each row, nats gained over the fit to half of the rows, and to a quarter.
        limit: The maximum of the quantity.
        underdetermined: Whether there are too many columns for the rows.
    """
    rise, last = float(gains[1].mean()), float(gains[0].mean())
    missing = max(rise * LEFT_OF_TWO, last * LEFT)
    settled = found.value > max(2 * rise, 2 * found.stderr)
    if underdetermined and not settled:
        missing = np.inf
    missing = min(max(0.0, missing), max(0.0, limit - found.value))
    doubts = found.cautions
    if missing > max(found.stderr, 0.02):
        doubt = Caution(
            "still-learning",
            f"The estimate still rises with the number of rows, by {last:.2g} nats from half of "
            f"them to all: expect up to {missing:.2g} nats more from many more rows. The interval "
            "includes this.",
        )
        doubts = (doubt, *doubts)
    return replace(found, missing=max(found.missing, missing), cautions=doubts)
