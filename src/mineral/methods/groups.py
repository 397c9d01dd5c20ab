"""Groups of coordinates that do not depend on each other: what each says of y adds up.

If (x, y) falls into groups (x_g, y_g) that are independent of each other,

    I(X; Y) = Σ_g I(X_g; Y_g),

and a group of only x or only y adds nothing. Few dimensions at a time need far fewer rows: noise
coordinates cost nothing, and pairs are seen by what sees any dependence of two numbers.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from mineral.methods.base import CONFIDENCE_95, Measurement
from mineral.results import Caution
from mineral.samples import Paired, normal_scores
from mineral.special import ndtri
from mineral.types import Matrix, PerSample, X, Y

CHANCE = 0.01  # that independent coordinates are linked at all
TOO_MUCH = 3.3  # normal deviations by which what is left may exceed chance
FEW_ROWS = 100
MOSTLY_ITSELF = (
    1.2  # squared correlations with a side, itself among them, that a coordinate may have
)
PAIRINGS, BEYOND = 3, 1.15  # by chance, of rows; how much larger than theirs a norm is too large
MOST_DIMS = 2000  # dx + dy, whose squares fill memory
LARGEST = 2 / 3  # share of all coordinates that a group may have, for groups to save anything

Indices = Int[np.ndarray, " _"]


@dataclass(frozen=True)
class Group:
    """Coordinates of x and of y that hang together."""

    x: Indices
    y: Indices

    def of(self, samples: Paired) -> Paired:
        """The samples' coordinates that are in the group."""
        return replace(
            samples,
            x=samples.x[:, self.x],
            y=samples.y[:, self.y],
            x_names=tuple(samples.x_names[i] for i in self.x),
            y_names=tuple(samples.y_names[i] for i in self.y),
        )


def groups(samples: Paired) -> list[Group] | None:
    """Those that hold coordinates of both sides, if there are several groups and nothing is left.

    Coordinates are linked where their normal scores, or how far these lie from the center,
    correlate more than chance lets any pair. What remains between groups must be no more, all
    together, than chance: many weak links are one group. None where it is more, where a group has
    nearly all, or where no group holds both sides.
    """
    n, dx = samples.x.shape
    if n < FEW_ROWS or not 3 <= samples.dims <= MOST_DIMS:
        return None
    scores = normal_scores(np.hstack([samples.x, samples.y]))
    seen = [_standardized(each) for each in (scores, normal_scores(np.abs(scores)))]
    found = [a.T @ b / n for a, b in ((seen[0], seen[0]), (seen[1], seen[1]), seen)]
    labels = _components(_linked(found, n))
    if labels.max() == 0 or _left(found, labels, dx, n):
        return None
    of_x, of_y = labels[:dx], labels[dx:]
    in_both = np.intersect1d(of_x, of_y)
    if not len(in_both):
        return None
    # Among these alone once more: many coordinates of noise would hide what is left.
    told = np.flatnonzero(np.isin(labels, in_both))
    if _left([each[np.ix_(told, told)] for each in found], labels[told], int((told < dx).sum()), n):
        return None
    both = [
        Group(np.flatnonzero(of_x == label), np.flatnonzero(of_y == label)) for label in in_both
    ]
    most = max(len(each.x) + len(each.y) for each in both)
    return both if most <= samples.dims * LARGEST else None


@dataclass(frozen=True)
class Spread:
    """What correlations of x with y add up to, of sides whose coordinates hardly correlate.

    Gaussian coordinates that do not correlate within x, nor within y, carry −½ log |1 − RᵀR| nats,
    R the correlations of x with y: at least ½ Σ r², of which chance alone makes 1 / n for each. No
    matrix is inverted, so that rows may be fewer than coordinates.

    Attributes:
        value: ½ Σ (r² − 1 / n).
        stderr: Of the value.
        unseen: Nats that the sum needs to be told from chance.
        gathered: Whether few directions hold the correlations, which then must not be added up.
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
        z = _standardized(normal_scores(np.hstack([samples.x, samples.y])))
        squares = n * (z.T @ z / n) ** 2
        x, y, across = squares[:dx, :dx], squares[dx:, dx:], squares[:dx, dx:]
        within = [float((side - 1).sum()) / n / len(side) for side in (x, y)]
        if max(within) > MOSTLY_ITSELF:
            return None
        variance = 2 * float(x.sum() * y.sum()) / n**2
        total = float((across - 1).sum())
        return cls(
            value=total / (2 * n),
            # Of the correlations' noise, and of the sum of their squares where they are there.
            stderr=float(np.sqrt(variance + 4 * max(0.0, total))) / (2 * n),
            unseen=_beyond_chance(float(across.size), variance) / (2 * n),
            gathered=_gathered(z[:, :dx], z[:, dx:]),
            n=n,
        )

    def added_up(self) -> Measurement | None:
        """What correlations too weak to be told from chance each make together, if it is no chance.

        None as well where few directions hold them.
        """
        if self.value < self.unseen or self.gathered:
            return None
        doubt = Caution(
            "spread-thin",
            f"Many coordinates of x and y correlate, most too little to be seen in {self.n:,} rows:"
            " the value is half the sum of their squared correlations beyond chance, which is all "
            "that Gaussian coordinates carry where correlations are weak. Collect more rows.",
        )
        return Measurement(value=self.value, stderr=self.stderr, cautions=(doubt,))

    def beside(self, found: Measurement) -> Measurement:
        """What was found, and how much more there may be where that would not be seen."""
        more = self.value + CONFIDENCE_95 * self.stderr - found.value
        if self.gathered or found.value > self.unseen or more <= 0:
            return found
        doubt = Caution(
            "few-samples",
            f"Dependence spread over all coordinates would not be seen in {self.n:,} rows before "
            f"it is about {self.unseen:.2g} nats: the interval reaches further. Collect more rows, "
            "or choose coordinates.",
        )
        return replace(found, missing=max(found.missing, more), cautions=(*found.cautions, doubt))


def _gathered(x: X, y: Y) -> bool:
    """Whether a direction of x and one of y correlate beyond what pairing rows by chance makes.

    Then few directions carry the correlations of all coordinates, which must not be added up.
    """
    largest = float(np.linalg.norm(x.T @ y, 2))
    by_chance = [float(np.linalg.norm(x.T @ np.roll(y, 1 + i, axis=0), 2)) for i in range(PAIRINGS)]
    return largest > BEYOND * max(by_chance)


def added_up(parts: list[Measurement]) -> Measurement | None:
    """The sum of what groups say, or None if they say it in the same rows, and so depend."""
    pointwise = [part.pointwise for part in parts if part.pointwise is not None]
    if len(pointwise) == len(parts) and _together(pointwise):
        return None
    return Measurement(
        value=sum(part.value for part in parts),
        stderr=float(np.sqrt(sum(part.stderr**2 for part in parts))),
        missing=sum(part.missing for part in parts),
        pointwise=np.sum(pointwise, axis=0) if len(pointwise) == len(parts) else None,
        cautions=tuple({c.code: c for part in parts for c in part.cautions}.values()),
    )


def _together(pointwise: list[PerSample]) -> bool:
    """Whether groups' contributions to the rows correlate, as where some rows are chance."""
    if len(pointwise) < 2:
        return False
    n = len(pointwise[0])
    z = _standardized(normal_scores(np.column_stack(pointwise)))
    correlation = (z.T @ z / n)[np.triu_indices(len(pointwise), 1)]
    count = float(len(correlation))
    return _unlikely(float((n * correlation**2).sum()), count, 2 * count)


def _standardized(values: Matrix) -> Matrix:
    """With mean 0 and variance 1; what does not vary, as 0."""
    centered = values - values.mean(axis=0)
    deviation = centered.std(axis=0)
    return np.asarray(centered / np.where(deviation > 1e-9, deviation, np.inf))


def _linked(correlations: list[Float[np.ndarray, "d d"]], n: int) -> Bool[np.ndarray, "d d"]:
    """Coordinates of which any correlation is larger than the largest of independent ones."""
    d = len(correlations[0])
    tests = 2 * d * (d - 1)
    bound = float(ndtri(1 - CHANCE / (2 * tests))) / np.sqrt(n)
    largest = np.max(np.abs(np.stack(correlations)), axis=0)
    largest = np.maximum(largest, largest.T)
    return np.asarray(largest > bound)


def _components(linked: Bool[np.ndarray, "d d"]) -> Int[np.ndarray, " d"]:
    from scipy.sparse.csgraph import connected_components  # slow to import: only when needed

    return np.asarray(connected_components(linked, directed=False)[1]).astype(np.int64)


def _left(
    correlations: list[Float[np.ndarray, "d d"]], labels: Int[np.ndarray, " d"], dx: int, n: int
) -> bool:
    """Whether squared correlations between groups add up to more than those of independent ones.

    Of independent groups n r² is about χ² with one degree of freedom, for every pair; pairs of the
    same two groups repeat each other as far as coordinates correlate within groups. What joins x
    with y is looked at by itself, too: all else is more, and would hide it.
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
    """Σ a_g b_h over different groups g and h."""
    return float(a.sum() * b.sum() - (a * b).sum())


def _unlikely(total: float, mean: float, variance: float) -> bool:
    """Whether a sum of squares of this mean and variance is seldom as large: a scaled χ²."""
    if mean == 0 or variance == 0:  # nothing to look at, or nothing that varies
        return False
    return total - mean > _beyond_chance(mean, variance)


def _beyond_chance(mean: float, variance: float) -> float:
    """By how much a sum of squares seldom exceeds its mean."""
    freedom = 2 * mean**2 / variance
    # Wilson & Hilferty's approximation.
    return mean * ((1 - 2 / (9 * freedom) + TOO_MUCH * math.sqrt(2 / (9 * freedom))) ** 3 - 1)
