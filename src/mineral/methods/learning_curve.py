"""What more rows would still bring, judged by what half of them brings."""

from dataclasses import replace

import numpy as np

from mineral.methods.base import CONFIDENCE_95, Estimator, Measurement, Run
from mineral.methods.crossfit import FoldReport
from mineral.progress import silent
from mineral.results import Caution
from mineral.samples import Fold, Paired
from mineral.types import Rows

LEFT = 1.6  # times what the last doubling of rows brought, if errors fall like rows to the 0.7
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
            f"On half as many rows, {who} would find {gain:.2g} nats less: on more than there are, "
            f"more, by some {missing:.1g} nats. The interval allows for that.",
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
    order = np.lexsort(np.hstack([samples.x, samples.y]).T)[run.rng().permutation(n)]
    halves = (order[: n // 2], order[n // 2 :])
    quiet = replace(run, progress=silent)
    values = [estimator.measure(_part(samples, half), quiet).value for half in halves]
    return found.value - sum(values) / len(values)


def _part(samples: Paired, rows: Rows) -> Paired:
    return replace(samples, x=samples.x[rows], y=samples.y[rows])
