"""What more rows would still bring, judged by what half of them brings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mineral.methods.base import CONFIDENCE_95, Estimator, Measurement, Run
from mineral.methods.neural.crossfit import FoldReport
from mineral.progress import silent
from mineral.results import Caution
from mineral.samples import Fold, Paired, canonical_order
from mineral.types import PerSample, Rows

LEFT = 1.6  # times what the last doubling of rows brought, if errors fall like rows to the 0.7
LEFT_OF_TWO = 1 / (4**0.7 - 1)  # the same, of what the last two doublings brought
MOST_LEFT = 0.25  # of the value: what one fold says of rows is uncertain itself


def halved(fold: Fold) -> Fold:
    """The fold with half of its training rows."""
    return replace(fold, training=fold.training[: len(fold.training) // 2])


def more(report: FoldReport, half: FoldReport) -> float:
    """Nats that a network finds beyond the one that learned from half the rows."""
    apart = (report.pointwise - half.pointwise).clip(-1, 1)  # a far row is no trend
    return float(apart.mean())


def allowing_for(gain: float, found: Measurement, *, who: str = "the network") -> Measurement:
    """With an interval that reaches as far up as an estimator in want of rows may yet find.

    Args:
        gain: Nats that it finds beyond what it found on half of the rows.
        found: What it found.
        who: Found it.
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
    """Nats that an estimator finds in all rows beyond what it finds in each half of them.

    Raises:
        InputError: If half of the rows are too few for it.
    """
    n = len(samples)
    # The same halves, in whatever order the rows came.
    order = canonical_order(samples.x, samples.y)[run.rng().permutation(n)]
    halves = (order[: n // 2], order[n // 2 :])
    quiet = replace(run, progress=silent)
    values = [estimator.measure(_part(samples, half), quiet).value for half in halves]
    return found.value - sum(values) / len(values)


def _part(samples: Paired, rows: Rows) -> Paired:
    return replace(samples, x=samples.x[rows], y=samples.y[rows])


def reaching(
    found: Measurement, gains: Sequence[PerSample], limit: float, *, underdetermined: bool
) -> Measurement:
    """With an interval that reaches as far up as its estimator's learning curve still rises.

    Errors that fall like rows to the −0.7 still lack 0.6 of the rise from a quarter of the rows to
    all, or 1.6 of the rise from half of them.

    With too many columns for the rows, a curve may be at its start. Unless a quarter of the rows
    already gives half of a value that is clearly above 0, the interval reaches to the limit.

    Args:
        found: The estimate from all rows.
        gains: Of each row, nats beyond the fit to half of the rows, and to a quarter of them.
        limit: The most that the quantity can be.
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
