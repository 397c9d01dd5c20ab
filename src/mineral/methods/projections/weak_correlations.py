"""Many weak correlations between x and y, with nearly uncorrelated columns within each.

Gaussian columns that do not correlate within x, nor within y, share −½ log |1 − RᵀR| nats, R the
correlations of x with y: at least ½ Σ r², where each r² has the expectation 1 / n under
independence. No matrix is inverted, so that there may be fewer rows than columns.
"""

from dataclasses import dataclass, replace

import numpy as np

from mineral.basics.types import X, Y
from mineral.errors import InputError
from mineral.methods.base import CONFIDENCE_95, Estimator, Measurement, Run
from mineral.methods.wrappers.independent_blocks import (
    FEW_ROWS,
    MOST_DIMS,
    beyond_chance,
    standardized,
)
from mineral.results import Caution
from mineral.samples import Paired, normal_scores

# greatest sum of a column's squared correlations with its own side, including itself
MOSTLY_ITSELF = 1.2
PAIRINGS = 3  # random pairings of the rows, for the norm under independence
BEYOND = 1.15  # times the norm under independence, above which the correlations have low rank


@dataclass(frozen=True)
class Spread:
    """The sum of squared correlations of x with y, minus its expectation under independence.

    Attributes:
        value: ½ Σ (r² − 1 / n).
        stderr: Of the value.
        unseen: Nats below which the sum cannot be distinguished from chance.
        gathered: Whether the correlations have low rank; they must then not be summed.
        n: Rows.
    """

    value: float
    stderr: float
    unseen: float
    gathered: bool
    n: int

    @classmethod
    def of(cls, samples: Paired) -> "Spread | None":
        """None if coordinates correlate within a side, or are too many for memory."""
        n, dx = samples.x.shape
        if n < FEW_ROWS or samples.dims > MOST_DIMS:
            return None
        z = standardized(normal_scores(np.hstack([samples.x, samples.y])))
        squares = n * (z.T @ z / n) ** 2
        x, y, across = squares[:dx, :dx], squares[dx:, dx:], squares[:dx, dx:]
        within = [float((side - 1).sum()) / n / len(side) for side in (x, y)]
        if max(within) > MOSTLY_ITSELF:
            return None
        variance = 2 * float(x.sum() * y.sum()) / n**2
        total = float((across - 1).sum())
        return cls(
            value=total / (2 * n),
            # The variance of the noise, and of the sum of squares where correlations exist.
            stderr=float(np.sqrt(variance + 4 * max(0.0, total))) / (2 * n),
            unseen=beyond_chance(float(across.size), variance) / (2 * n),
            gathered=_gathered(z[:, :dx], z[:, dx:]),
            n=n,
        )

    @property
    def is_significant(self) -> bool:
        """Whether the sum is significant, and the correlations do not have low rank."""
        return self.value >= self.unseen and not self.gathered

    def beside(self, found: Measurement) -> Measurement:
        """An estimate whose interval includes correlations too weak to be detected."""
        more = self.value + CONFIDENCE_95 * self.stderr - found.value
        if self.gathered or found.value > self.unseen or more <= 0:
            return found
        doubt = Caution(
            "few-samples",
            f"Weak dependence spread over all columns cannot be detected from {self.n:,} rows "
            f"below about {self.unseen:.2g} nats: the interval includes that much. Collect more "
            "rows, or select columns.",
        )
        return replace(found, missing=max(found.missing, more), cautions=(*found.cautions, doubt))


@dataclass(frozen=True, kw_only=True)
class WeakCorrelations(Estimator):
    """Half the sum of squared correlations minus its null mean: weak dependence of many columns."""

    name = "weak-correlations"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        spread = Spread.of(samples)
        if spread is None:
            raise InputError(
                f"`x` and `y` have {samples.dims} columns that are correlated within x or within "
                f"y, or fewer than {FEW_ROWS} rows: the sum of squared correlations is not valid. "
                "Use estimator='auto'."
            )
        doubt = Caution(
            "spread-thin",
            f"Many columns of x and y correlate, most too weakly to be detected in {spread.n:,} "
            "rows. The value is half the sum of the squared correlations minus its expectation "
            "under independence, the mutual information of weakly correlated Gaussian columns. "
            "Collect more rows.",
        )
        return Measurement(value=spread.value, stderr=spread.stderr, cautions=(doubt,))


def has_weak_correlations(samples: Paired) -> bool:
    """Whether squared correlations of x with y sum to significantly more than chance."""
    spread = Spread.of(samples)
    return spread is not None and spread.is_significant


def _gathered(x: X, y: Y) -> bool:
    """Whether a direction of x and one of y correlate beyond random pairings of the rows.

    Then the correlations of all columns have low rank, and must not be summed.
    """
    largest = float(np.linalg.norm(x.T @ y, 2))
    by_chance = [float(np.linalg.norm(x.T @ np.roll(y, 1 + i, axis=0), 2)) for i in range(PAIRINGS)]
    return largest > BEYOND * max(by_chance)
