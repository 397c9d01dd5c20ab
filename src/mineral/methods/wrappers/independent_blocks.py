"""Blocks of columns that are independent of each other: their information adds up.

If (x, y) falls into blocks (x_b, y_b) that are independent of each other,

    I(X; Y) = Σ_b I(X_b; Y_b),

and a block of only x or only y adds nothing. Estimates in few dimensions need far fewer rows:
irrelevant columns have no cost, and KSG captures any dependence between two numbers.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from mineral.basics.special import ndtri
from mineral.basics.types import Matrix, PerSample
from mineral.methods.base import Measurement
from mineral.samples import Paired, normal_scores

CHANCE = 0.01  # family-wise significance level of a link between two columns
EXCESS = 3.3  # normal deviations by which squared correlations between blocks may exceed chance
FEW_ROWS = 100  # below, correlations of single pairs are too noisy
MOST_DIMS = 2000  # dx + dy: a limit on memory
LARGEST = 2 / 3  # share of all columns in one block, above which blocks do not help

Indices = Int[np.ndarray, " _"]


@dataclass(frozen=True)
class Block:
    """Columns of x and of y that depend on each other."""

    x: Indices
    y: Indices

    def of(self, samples: Paired) -> Paired:
        """The samples' columns that are in the block."""
        return replace(
            samples,
            x=samples.x[:, self.x],
            y=samples.y[:, self.y],
            x_names=tuple(samples.x_names[i] for i in self.x),
            y_names=tuple(samples.y_names[i] for i in self.y),
        )


def independent_blocks(samples: Paired) -> list[Block] | None:
    """The blocks with columns of both sides, if there are several and no dependence remains.

    Columns are linked where their normal scores, or the distances of these from the center,
    correlate significantly. The sum of squared correlations between blocks must not be significant:
    many weak links make one block. None if it is, if a block has nearly all columns, or if no block
    has columns of both sides.
    """
    n, dx = samples.x.shape
    if n < FEW_ROWS or not 3 <= samples.dims <= MOST_DIMS:
        return None
    scores = normal_scores(np.hstack([samples.x, samples.y]))
    seen = [standardized(each) for each in (scores, normal_scores(np.abs(scores)))]
    found = [a.T @ b / n for a, b in ((seen[0], seen[0]), (seen[1], seen[1]), seen)]
    labels = _components(_linked(found, n))
    if labels.max() == 0 or _still_dependent(found, labels, dx, n):
        return None
    of_x, of_y = labels[:dx], labels[dx:]
    in_both = np.intersect1d(of_x, of_y)
    if not len(in_both):
        return None
    # Test these blocks again without the other columns, whose noise would mask a dependence.
    kept = np.flatnonzero(np.isin(labels, in_both))
    among = [each[np.ix_(kept, kept)] for each in found]
    if _still_dependent(among, labels[kept], int((kept < dx).sum()), n):
        return None
    both = [
        Block(np.flatnonzero(of_x == label), np.flatnonzero(of_y == label)) for label in in_both
    ]
    most = max(len(each.x) + len(each.y) for each in both)
    return both if most <= samples.dims * LARGEST else None


def total(parts: list[Measurement]) -> Measurement | None:
    """The sum over blocks; None if their pointwise values correlate, so that they are dependent."""
    pointwise = [part.pointwise for part in parts if part.pointwise is not None]
    if len(pointwise) == len(parts) and _correlate(pointwise):
        return None
    return Measurement(
        value=sum(part.value for part in parts),
        stderr=float(np.sqrt(sum(part.stderr**2 for part in parts))),
        missing=sum(part.missing for part in parts),
        pointwise=np.sum(pointwise, axis=0) if len(pointwise) == len(parts) else None,
        cautions=tuple({c.code: c for part in parts for c in part.cautions}.values()),
    )


def _correlate(pointwise: list[PerSample]) -> bool:
    """Whether the blocks' pointwise values correlate, as when some rows are noise in all blocks."""
    if len(pointwise) < 2:
        return False
    n = len(pointwise[0])
    z = standardized(normal_scores(np.column_stack(pointwise)))
    correlation = (z.T @ z / n)[np.triu_indices(len(pointwise), 1)]
    count = float(len(correlation))
    return _unlikely(float((n * correlation**2).sum()), count, 2 * count)


def standardized(values: Matrix) -> Matrix:
    """Columns of mean 0 and variance 1; constant ones are 0."""
    centered = values - values.mean(axis=0)
    deviation = centered.std(axis=0)
    return np.asarray(centered / np.where(deviation > 1e-9, deviation, np.inf))


def _linked(correlations: list[Float[np.ndarray, "d d"]], n: int) -> Bool[np.ndarray, "d d"]:
    """The columns with a correlation above the largest of independent columns."""
    d = len(correlations[0])
    tests = 2 * d * (d - 1)
    bound = float(ndtri(1 - CHANCE / (2 * tests))) / np.sqrt(n)
    largest = np.max(np.abs(np.stack(correlations)), axis=0)
    largest = np.maximum(largest, largest.T)
    return np.asarray(largest > bound)


def _components(linked: Bool[np.ndarray, "d d"]) -> Int[np.ndarray, " d"]:
    from scipy.sparse.csgraph import connected_components  # slow to import: only when needed

    return np.asarray(connected_components(linked, directed=False)[1]).astype(np.int64)


def _still_dependent(
    correlations: list[Float[np.ndarray, "d d"]], labels: Int[np.ndarray, " d"], dx: int, n: int
) -> bool:
    """Whether squared correlations between blocks sum to more than those of independent ones.

    Of independent blocks n r² is about χ² with one degree of freedom, for every pair; pairs of the
    same two blocks are redundant as far as columns correlate within blocks. Pairs of x with y are
    also tested separately, since all others would mask them.
    """
    apart = labels[:, None] != labels
    member = np.equal.outer(labels, np.arange(labels.max() + 1)).astype(float)
    of_x, of_y = member.copy(), member.copy()
    of_x[dx:], of_y[:dx] = 0.0, 0.0

    def within(
        matrix: Float[np.ndarray, "d d"], a: Float[np.ndarray, "d g"], b: Float[np.ndarray, "d g"]
    ) -> PerSample:
        return np.asarray(((matrix**2 @ b) * a).sum(axis=0))

    of_scores, of_sizes, of_both = correlations
    for matrix in (of_scores, of_sizes):
        squares = n * matrix**2
        whole = within(matrix, member, member)
        every = float(squares[apart].sum()) / 2
        if _unlikely(every, float(apart.sum()) / 2, _between(whole, whole)):
            return True
        x, y, xy = (
            within(matrix, of_x, of_x),
            within(matrix, of_y, of_y),
            within(matrix, of_x, of_y),
        )
        across = apart[:dx, dx:]
        joined = float(squares[:dx, dx:][across].sum())
        if _unlikely(joined, float(across.sum()), 2 * (_between(x, y) + _between(xy, xy))):
            return True
    variance = 2 * _between(within(of_scores, member, member), within(of_sizes, member, member))
    return _unlikely(float((n * of_both**2)[apart].sum()), float(apart.sum()), variance)


def _between(a: PerSample, b: PerSample) -> float:
    """Σ a_g b_h over different blocks g and h."""
    return float(a.sum() * b.sum() - (a * b).sum())


def _unlikely(total: float, mean: float, variance: float) -> bool:
    """Whether the sum is significant under a scaled χ² of this mean and variance."""
    if mean == 0 or variance == 0:  # no pairs, or constant columns
        return False
    return total - mean > beyond_chance(mean, variance)


def beyond_chance(mean: float, variance: float) -> float:
    """The critical value of a sum of squares, minus its mean."""
    freedom = 2 * mean**2 / variance
    # Wilson & Hilferty's approximation.
    return mean * ((1 - 2 / (9 * freedom) + EXCESS * math.sqrt(2 / (9 * freedom))) ** 3 - 1)
