"""A curve with noise around it: what one number tells of another, beside what is left.

For any curve f and any width s > 0 of x,

    h(Y | X) ≤ h(ε) + E[log s(X)],    ε = (Y − f(X)) / s(X),

with equality where ε does not depend on X, so that

    I(X; Y) ≥ h(Y) − h(ε) − E[log s(X)].

Both entropies are of one number, and from neighbours of the same rows: what these leave wrong
cancels where Y and ε are alike in shape. The tighter the relation, the smaller ε; nothing stops at
log n, as counts of neighbours in a plane do.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mineral.errors import InputError, OptionError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.results import Caution
from mineral.samples import Paired
from mineral.types import Mask, PerSample, Rows

Halves = tuple[Int[np.ndarray, " first"], Int[np.ndarray, " second"]]

FEWEST = 50  # rows
REACHES = (3, 5, 8, 12, 20, 35, 60, 100, 200, 400)  # rows to each side that a point is told by
BENT = (5, 10, 20)  # the same, of curves that bend: cubics in place of lines
WIDTHS = (20, 60, 200)  # the same, that tell how wide the noise is
SHARE = 25  # rows of a half for each neighbour that entropies look at
MOST = 10  # neighbours
SHARED = 1.4  # by which close rows, which share neighbours, err more together than each by itself
CONTINUOUS = 0.9  # share of the rows whose value must be their own, for an entropy
CLOSE = 20_000  # rows, of which more lie so close that lines do as well
QUIET = 0.01  # quantile of the noise below which it says nothing of its width
ALMOST = 12.0  # nats, from which what is left may be no noise
ROUNDING = 1e-11  # of the spread, below which noise is rounding
FARTHEST = 1e100  # spreads, whose squares are finite


@dataclass(frozen=True, kw_only=True)
class Regression(Estimator):
    """A smooth curve with noise around it, of two numbers: tight relations, at any strength.

    Y is told from X by a line or a cubic through the rows nearest in x, without the row itself, and
    so is the width of what is left; or X from Y. Each half of the rows is judged by what tells the
    other half best. In the data's own units: where one of x leaves several y, as on a circle, or
    where tails are very heavy, the bound is loose.

    Args:
        k: Neighbours that entropies look at; None takes one for every fifty rows, up to ten.

    References:
        Cover & Thomas (2006), Elements of Information Theory, 8.6, on h(Y | X) ≤ h(Y − f(X)).
        Kozachenko & Leonenko (1987), on entropies from neighbours, Probl. Inf. Transm. 23.
        Cleveland (1979), lines through the nearest rows, doi:10.1080/01621459.1979.10481038.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.random(1000)
        >>> y = np.sin(6 * x) + rng.standard_normal(1000) / 1e4
        >>> round(Regression().estimate(x, y).value, 1)  # neighbours find 5.6 of 8.1…
        8.1
    """

    k: int | None = None

    name = "regression"
    kind = "lower bound"

    def __post_init__(self) -> None:
        if self.k is not None and self.k < 1:
            raise OptionError(f"`k` must be at least 1, or None, got {self.k}.")

    def measure(self, samples: Paired, run: Run) -> Measurement:
        samples.at_least(FEWEST, "A curve through the nearest rows")
        if samples.dims > 2:
            raise InputError(
                f"`x` and `y` have {samples.x.shape[1]} and {samples.y.shape[1]} columns: "
                "a curve takes one each. Use estimator='auto', which looks at more."
            )
        x, y = _unit(samples.x[:, 0]), _unit(samples.y[:, 0])
        # The same halves in whatever order rows, and sides, came.
        order = np.lexsort((x * y, x + y))[run.rng().permutation(len(x))]
        run.progress(0.0, "curves")
        told = self._told(x[order], y[order])
        if told is None:
            raise InputError(
                "`x` and `y` both repeat values, and the entropy of neither is that of a number: "
                "use estimator='mixed' or 'discrete'."
            )
        found = _Told(np.empty(len(x)), np.empty(len(x), dtype=bool))
        found.gain[order], found.exact[order] = told.gain, told.exact
        run.progress(1.0, "curves")
        return Measurement(
            value=float(found.gain.mean()),
            stderr=SHARED * float(found.gain.std(ddof=1) / np.sqrt(len(x))),
            pointwise=found.gain,
            cautions=_exact(float(found.gain.mean()), float(found.exact.mean())),
        )

    def _told(self, x: PerSample, y: PerSample) -> "_Told | None":
        """Of rows in random order; None where neither side's values are those of a number."""
        n = len(x)
        halves = np.arange(n // 2), np.arange(n // 2, n)
        k = self.k or max(1, min(MOST, n // (2 * SHARE)))
        found = []
        for source, target in ((x, y), (y, x)):
            alone = _reaches(target, k, halves)
            if alone.min() > 0 and len(np.unique(target)) >= CONTINUOUS * n:
                found += _curves(source, target, alone, halves, k)
        if not found:
            return None
        first, second = halves
        of_first = max(found, key=lambda each: float(each.gain[second].mean()))
        of_second = max(found, key=lambda each: float(each.gain[first].mean()))
        return _Told(
            np.concatenate([of_first.gain[first], of_second.gain[second]]),
            np.concatenate([of_first.exact[first], of_second.exact[second]]),
        )


@dataclass(frozen=True)
class _Told:
    """What one curve and width make of every row: its gain in nats, and where nothing is left."""

    gain: PerSample
    exact: Mask


def _curves(x: PerSample, y: PerSample, alone: PerSample, halves: Halves, k: int) -> list[_Told]:
    """Curves of all reaches, and of the best one with widths of all reaches."""
    order = np.argsort(x, kind="stable")
    n, found = len(x), []
    lines = [_line(x, y, order, reach) for reach in sorted({min(r, n) for r in (*REACHES, n)})]
    cubics = [_cubic(x, y, order, r) for r in BENT if 2 * r < n <= CLOSE]
    for curve in (*lines, *cubics):
        left = y - curve
        told = _left(left, np.zeros(n), alone, halves, k)
        found.append((told, left))
    best, left = max(found, key=lambda each: float(each[0].gain.mean()))
    size = np.log(np.maximum(np.abs(left), max(float(np.quantile(np.abs(left), QUIET)), ROUNDING)))
    reaches = [reach for reach in WIDTHS if 2 * reach < n]
    widths = [_line(x, size, order, reach).clip(size.min(), size.max()) for reach in reaches]
    return [best, *(_left(left, width, alone, halves, k) for width in widths)]


def _left(left: PerSample, width: PerSample, alone: PerSample, halves: Halves, k: int) -> _Told:
    reach = _reaches(left / np.exp(width), k, halves)
    least = ROUNDING * np.exp(-width)
    return _Told(np.log(alone / np.maximum(reach, least)) - width, reach < least)


def _line(x: PerSample, y: PerSample, order: Rows, reach: int) -> Float[np.ndarray, " n"]:
    """Of each row, the y at its x of a line through the rows next to it in x, without itself."""
    n = len(x)
    x, y = x[order], y[order]
    at = np.arange(n)
    first, last = np.maximum(at - reach, 0), np.minimum(at + reach + 1, n)

    def others(values: PerSample) -> PerSample:
        # In the longest floats there are: what is small beside the whole sum would be rounded off.
        sums = np.concatenate([[0], np.cumsum(values, dtype=np.longdouble)])
        inside = (sums[last] - sums[first]).astype(np.float64)
        return np.asarray((inside - values) / (last - first - 1))

    mean_x, mean_y = others(x), others(y)
    spread = others(x * x) - mean_x**2
    together = others(x * y) - mean_x * mean_y
    slope = np.where(spread > ROUNDING, together / np.maximum(spread, ROUNDING), 0.0)
    told = np.empty(n)
    told[order] = mean_y + slope * (x - mean_x)
    return told


def _cubic(x: PerSample, y: PerSample, order: Rows, reach: int) -> Float[np.ndarray, " n"]:
    """The same of a cubic, for curves so thin that a line through few rows is off them."""
    n = len(x)
    x, y = x[order], y[order]
    first = np.clip(np.arange(n) - reach, 0, n - 2 * reach - 1)
    told = np.empty(n)
    near = first[:, None] + np.arange(2 * reach + 1)
    apart = x[near] - x[:, None]
    span = np.abs(apart).max(axis=1, keepdims=True).clip(min=ROUNDING)
    powers = (apart / span)[:, :, None] ** np.arange(4)
    powers *= (near != np.arange(n)[:, None])[:, :, None]  # without itself
    middle = y[near].mean(axis=1)
    of_y = powers.transpose(0, 2, 1) @ (y[near] - middle[:, None])[:, :, None]
    squares = powers.transpose(0, 2, 1) @ powers + ROUNDING * np.eye(4)
    told[order] = middle + np.linalg.solve(squares, of_y)[:, 0, 0]
    return told


def _reaches(values: PerSample, k: int, halves: Halves) -> PerSample:
    """How far the k-th neighbour of each number is, among those of its half."""
    reach = np.empty(len(values))
    for half in halves:
        reach[half] = _reach(values[half], k)
    return reach


def _reach(values: PerSample, k: int) -> PerSample:
    """How far the k-th neighbour of each number is: among the k on either side in order."""
    order = np.argsort(values)
    padded = np.concatenate([np.full(k, -np.inf), values[order], np.full(k, np.inf)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * k + 1)
    near = np.partition(np.abs(windows - values[order, None]), k, axis=1)[:, k]
    reach = np.empty(len(values))
    reach[order] = near
    return reach


def _unit(values: PerSample) -> PerSample:
    """From the median on, in units of how far the middle half of the rows is spread.

    One value far out leaves the others as they are, where a mean would round them to the same.
    """
    values = values / np.abs(values).max()
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    spread = high - low if high > low else values.std()
    return np.asarray(((values - middle) / spread).clip(-FARTHEST, FARTHEST))


def _exact(value: float, rounded: float) -> tuple[Caution, ...]:
    if rounded < 0.1 and value < ALMOST:
        return ()
    return (
        Caution(
            "deterministic",
            f"What a curve leaves is {math.exp(-value):.0e} of the spread, or rounding: x and y may"
            " be exact functions of each other, and their mutual information infinite. The value "
            "is that of how well so many rows draw the curve.",
        ),
    )
