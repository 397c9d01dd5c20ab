"""Slowly varying series: columns are standardized in place of ranked, if they may be normal.

500 rows of a series with a lag-one autocorrelation of .9 have the information of about 26
independent ones: their empirical distribution is far from that of the process, and normal scores
are a nonlinear function of the values. A sum such as y = a x + b y′ + e is then not a sum of
scores: a transfer entropy of 0.92 nats is estimated 0.06 nats too low, and 62 % of 60 intervals
contain the truth. With standardized values there is no such bias, and 97 % do.

So a column is standardized if its distribution cannot be distinguished from a normal one, with its
effective sample size in place of the number of rows, and if it has no outlier.

References:
    Lilliefors (1967), doi:10.2307/2283970: the distance of an empirical from a fitted normal
    distribution.
"""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from mineral.basics.special import ndtr, ndtri
from mineral.basics.types import Matrix, Rows
from mineral.methods.base import Measurement, Run
from mineral.methods.conditional.partial_copula import directions_of, given_directions
from mineral.samples import Conditioned, normal_scores

DISTANCE = 0.886  # times √n of a fitted normal distribution: exceeded in 5 % of normal samples
FAR = 0.01  # chance that any value of a normal column is as far as the farthest


def in_margins(samples: Conditioned, order: Rows, found: Measurement, run: Run) -> Measurement:
    """The measurement of a partial copula, with standardized values of columns that may be normal.

    Args:
        samples: Rows of lags in random order.
        order: The place in time of each row.
        found: The measurement with normal scores of all columns.
        run: The run.
    """
    pair, z = samples.pair, samples.numbers_z
    own = [_can_be_normal(side, order) for side in (pair.x, pair.y, z)]
    if not any(side.any() for side in own):
        return found
    x, y, of_z = (
        _margins(side, chosen) for side, chosen in zip((pair.x, pair.y, z), own, strict=True)
    )
    measured = given_directions(replace(pair, x=x, y=y), directions_of(of_z), run)
    count, total = sum(int(side.sum()) for side in own), sum(len(side) for side in own)
    return replace(
        found,
        value=measured.value,
        stderr=measured.stderr,
        pointwise=measured.pointwise,
        path=(
            f"{count} of {total} columns are used in their own units: their distribution cannot "
            "be distinguished from a normal one. The others are used by ranks.",
            *found.path,
        ),
    )


def _margins(side: Matrix, own: Bool[np.ndarray, " d"]) -> Matrix:
    scores = normal_scores(side)
    spread = side.std(axis=0)
    units = (side - side.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.where(own, units, scores))


def _can_be_normal(side: Matrix, order: Rows) -> Bool[np.ndarray, " d"]:
    """Columns that a normal series with their autocorrelation could have."""
    in_time = np.empty_like(side)
    in_time[order] = side
    return np.array([_is_normal(column) for column in in_time.T], dtype=bool)


def _is_normal(column: Float[np.ndarray, " n"]) -> bool:
    n, spread = len(column), column.std()
    if spread == 0:
        return False
    z = np.sort((column - column.mean()) / spread)
    if max(-z[0], z[-1]) > float(ndtri(1 - FAR / (2 * n))):
        return False
    at = ndtr(z)
    ranks = np.arange(n)
    distance = max((at - ranks / n).max(), ((ranks + 1) / n - at).max())
    centered = column - column.mean()
    memory = max(0.0, float(centered[1:] @ centered[:-1]) / float(centered @ centered))
    return bool(distance * math.sqrt(n * (1 - memory) / (1 + memory)) < DISTANCE)
