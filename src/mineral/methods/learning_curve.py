"""What a network would still gain from more rows, judged by one that learned from half of them."""

from dataclasses import replace

from mineral.methods.base import CONFIDENCE_95, Measurement
from mineral.methods.crossfit import FoldReport
from mineral.results import Caution
from mineral.samples import Fold

LEFT = 1.6  # times what the last doubling of rows brought, if errors fall like rows to the 0.7
MOST_LEFT = 0.25  # of the value: what one fold says of rows is uncertain itself


def halved(fold: Fold) -> Fold:
    """The fold with half of its training rows."""
    return replace(fold, training=fold.training[: len(fold.training) // 2])


def more(report: FoldReport, half: FoldReport) -> float:
    """Nats that a network finds beyond the one that learned from half the rows."""
    apart = (report.pointwise - half.pointwise).clip(-1, 1)  # a far row is no trend
    return float(apart.mean())


def allowing_for(gain: float, found: Measurement) -> Measurement:
    """With an interval that reaches as far up as a network in want of rows may yet find."""
    missing = min(LEFT * max(0.0, gain), MOST_LEFT * abs(found.value))
    doubts = found.cautions
    if missing > max(found.stderr, 0.02):
        doubt = Caution(
            "still-learning",
            f"With half as many rows to learn from, the network finds {gain:.2g} nats less: with "
            f"more than there are, it would find more, some {missing:.1g} nats. The interval "
            "allows for that.",
        )
        doubts = (doubt, *doubts)
    return replace(found, missing=max(found.missing, CONFIDENCE_95 * missing), cautions=doubts)
