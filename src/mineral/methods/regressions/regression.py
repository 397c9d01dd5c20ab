"""A curve with noise around it: what one number, or several, tell of another, beside what is left.

For any function f and any width s > 0 of x,

    h(Y | X) ≤ h(ε) + E[log s(X)],    ε = (Y − f(X)) / s(X),

with equality where ε does not depend on X, so that

    I(X; Y) ≥ h(Y) − h(ε) − E[log s(X)].

Both entropies are of one number, and from neighbours of the same rows: what these leave wrong
cancels where Y and ε are alike in shape. The tighter the relation, the smaller ε; nothing stops at
log n, as counts of neighbours do.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mineral.chance import learning
from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.options import AtLeastOne
from mineral.methods.projections.kcca import shown
from mineral.methods.regressions.gaussian_process import left_out
from mineral.methods.regressions.local_polynomial import ROUNDING, cubic, line
from mineral.results import Caution
from mineral.samples import Paired, canonical_order, is_evenly_spaced, normal_scores
from mineral.threads import one_torch_thread
from mineral.types import Mask, PerSample, X, Y

FEWEST = 50  # rows
MOST_DIMS = 50  # of both sides
REACHES = (3, 5, 8, 12, 20, 35, 60, 100, 200, 400)  # rows to each side that a point is told by
BENT = (5, 10, 20)  # the same, of curves that bend: cubics in place of lines
WIDTHS = (20, 60, 200)  # the same, that tell how wide the noise is
CLOSE = 20_000  # rows, of which more lie so close that lines do as well
SHARE = 25  # rows of a half for each neighbour that entropies look at
MOST = 10  # neighbours
SHARED = 1.4  # by which close rows, which share neighbours, err more together than each by itself
CONTINUOUS = 0.9  # share of the rows whose value must be their own, for an entropy
QUIET = 0.01  # quantile of the noise below which it says nothing of its width
ALMOST = 12.0  # nats, from which what is left may be no noise
FAR = 6.0  # spreads, beyond which a coordinate is taken by its ranks
STRAIGHT = 0.2  # power off 1, below which values are taken as they are
FARTHEST = 1e100  # spreads, whose squares are finite

Halves = tuple[Int[np.ndarray, " first"], Int[np.ndarray, " second"]]


@dataclass(frozen=True, kw_only=True)
class Regression(Estimator):
    """A smooth function with noise around it: one number told by one or several, at any strength.

    Y is told from X by a line or a cubic through the rows nearest in x, without the row itself, and
    so is the width of what is left; or X from Y. From several columns it is told by a Gaussian
    process, and either side may be the one that has them. Each half of the rows is judged by what
    tells the other half best. In the data's own units, or told from several columns in a power of
    them: where one x leaves several y, as on a circle, the bound is loose; where what is left of
    several columns does not depend on them, as far as rows held out show, the path says so.

    Args:
        k: Neighbours that entropies look at; None takes one for every fifty rows, up to ten.

    References:
        Cover & Thomas (2006), Elements of Information Theory, 8.6, on h(Y | X) ≤ h(Y − f(X)).
        Kozachenko & Leonenko (1987), on entropies from neighbours, Probl. Inf. Transm. 23.
        Rasmussen & Williams (2006), Gaussian Processes for Machine Learning, on leaving rows out.
        Cleveland (1979), lines through the nearest rows, doi:10.1080/01621459.1979.10481038.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.random(1000)
        >>> y = np.sin(6 * x) + rng.standard_normal(1000) / 1e4
        >>> round(Regression().estimate(x, y).value)  # neighbours find 3.9 of 8.2…
        8
    """

    k: AtLeastOne | None = None

    name = "regression"
    kind = "lower bound"

    def can_predict(self, samples: Paired) -> bool:
        """Whether one side is a number whose entropy gaps show, and there are rows enough."""
        enough = len(samples) >= FEWEST and samples.dims <= MOST_DIMS
        return enough and any(self._is_a_number(side) for side in (samples.x, samples.y))

    def _is_a_number(self, side: Float[np.ndarray, "n d"]) -> bool:
        """Whether its entropy can be estimated from gaps: one column, hardly a tie, not a grid."""
        if side.shape[1] > 1 or is_evenly_spaced(side[:, 0]):
            return False
        counts = np.unique(side, return_counts=True)[1]
        enough = len(counts) >= CONTINUOUS * len(side)
        return enough and int(counts.max()) <= self._neighbours(len(side))

    def _neighbours(self, n: int) -> int:
        return self.k or max(1, min(MOST, n // (2 * SHARE)))

    def measure(self, samples: Paired, run: Run) -> Measurement:
        samples.at_least(FEWEST, "Regression")
        if not self.can_predict(samples):
            raise InputError(
                f"`x` and `y` have {samples.x.shape[1]} and {samples.y.shape[1]} columns: "
                "regression needs a single column with few repeated values on one side, and at "
                f"most {MOST_DIMS - 1} columns on the other. Use estimator='auto'."
            )
        run.progress(0.0, "curves")
        sides = samples.x, samples.y
        x, y = (np.column_stack([_unit(column) for column in side.T]) for side in sides)
        order = canonical_order(x, y)[run.rng().permutation(len(x))]
        with learning(), one_torch_thread():
            told = self._told(x[order], y[order])
        path = ["Model: one side is a smooth function of the other, plus noise."]
        independent = samples.dims > 2 and _residual_is_independent(x[order], y[order], told.noise)
        if independent:
            path.append("The residuals are independent of the predictors (held-out test).")
        gain = np.empty(len(x))
        gain[order] = told.gain
        run.progress(1.0, "curves")
        return Measurement(
            value=float(gain.mean()),
            stderr=SHARED * float(gain.std(ddof=1) / np.sqrt(len(x))),
            pointwise=gain,
            cautions=_exact(float(gain.mean()), float(told.exact.mean())),
            path=tuple(path),
            residual_is_independent=independent,
        )

    def _told(self, x: X, y: Y) -> "_Told":
        """Of rows in random order, each half as what tells the other half best has it."""
        n = len(x)
        first, second = halves = np.arange(n // 2), np.arange(n // 2, n)
        k, found = self._neighbours(n), list[_Told]()
        for source, target in ((x, y), (y, x)):
            if self._is_a_number(target):
                found += _functions(source, target[:, 0], halves, k)
        of_first = max(found, key=lambda each: float(each.gain[second].mean()))
        of_second = max(found, key=lambda each: float(each.gain[first].mean()))
        return _Told(
            np.concatenate([of_first.gain[first], of_second.gain[second]]),
            np.concatenate([of_first.noise[first], of_second.noise[second]]),
            np.concatenate([of_first.exact[first], of_second.exact[second]]),
        )


@dataclass(frozen=True)
class _Told:
    """What one function and width make of every row.

    Attributes:
        gain: In nats.
        noise: What is left, in units of its width.
        exact: Where nothing is left.
    """

    gain: PerSample
    noise: PerSample
    exact: Mask


def _functions(x: X, y: PerSample, halves: Halves, k: int) -> list[_Told]:
    """Of one number or of several; none at all, too."""
    nothing = _Told(np.zeros(len(y)), y, np.zeros(len(y), dtype=bool))
    if x.shape[1] == 1:
        return [nothing, *_curves(x[:, 0], y, halves, k)]
    return [nothing, *_surfaces(x, y, halves, k)]


def _curves(x: PerSample, y: PerSample, halves: Halves, k: int) -> list[_Told]:
    """The best of lines and cubics of all reaches, with widths of all reaches, too."""
    n, alone = len(y), _reaches(y, k, halves)
    order = np.argsort(x, kind="stable")
    lines = [line(x, y, order, reach) for reach in sorted({min(r, n) for r in (*REACHES, n)})]
    cubics = [cubic(x, y, order, r) for r in BENT if 2 * r < n <= CLOSE]
    found = [(_left(y - f, np.zeros(n), alone, halves, k), y - f) for f in (*lines, *cubics)]
    best, left = max(found, key=lambda each: float(each[0].gain.mean()))
    return [best, *_with_widths(left, x, alone, halves, k)]


def _surfaces(x: X, y: PerSample, halves: Halves, k: int) -> list[_Told]:
    """Gaussian processes of y and of a power of it, with widths that change along them, too."""
    by_rank = np.abs(x).max(axis=0) > FAR
    x = np.where(by_rank, normal_scores(x), x)
    found = []
    for target in _straightened(y):
        learned = left_out(x, target, halves)
        if learned is not None:
            left, told = learned
            alone = _reaches(target, k, halves)
            found.append(_left(left, np.zeros(len(y)), alone, halves, k))
            found += _with_widths(left, told, alone, halves, k)
    return found


def _straightened(y: PerSample) -> list[PerSample]:
    """As it is and, where that is far from bell-shaped, by the power that makes it nearly so.

    Noise may add up in logarithms, say. A power keeps how close values are; ranks would not.
    """
    from scipy.stats import yeojohnson  # slow to import: only when needed

    bent, power = yeojohnson(y.clip(-FARTHEST, FARTHEST))
    return [y, _unit(bent)] if abs(power - 1) > STRAIGHT else [y]


def _with_widths(
    left: PerSample, along: PerSample, alone: PerSample, halves: Halves, k: int
) -> list[_Told]:
    """The same noise, as wide as it is along a number."""
    order = np.argsort(along, kind="stable")
    least = max(float(np.quantile(np.abs(left), QUIET)), ROUNDING)
    size = np.log(np.maximum(np.abs(left), least))
    reaches = [reach for reach in WIDTHS if 2 * reach < len(left)]
    widths = [line(along, size, order, reach).clip(size.min(), size.max()) for reach in reaches]
    return [_left(left, width, alone, halves, k) for width in widths]


def _left(left: PerSample, width: PerSample, alone: PerSample, halves: Halves, k: int) -> _Told:
    noise = left / np.exp(width)
    reach, least = _reaches(noise, k, halves), ROUNDING * np.exp(-width)
    return _Told(np.log(alone / np.maximum(reach, least)) - width, noise, reach < least)


def _residual_is_independent(x: X, y: Y, noise: PerSample) -> bool:
    """Whether no function of the predictors correlates with the residuals, or with their size."""
    others = normal_scores(x if x.shape[1] > 1 else y)
    left = normal_scores(np.column_stack([noise, np.abs(noise)]))
    return shown(others, left, np.arange(len(x)), most=2).count == 0


def _reaches(values: PerSample, k: int, halves: Halves) -> PerSample:
    """How far the k-th neighbour of each number is, among those of its half."""
    reach = np.empty(len(values))
    for half in halves:
        reach[half] = _reach(values[half], k)
    return reach


def _reach(values: Float[np.ndarray, " half"], k: int) -> Float[np.ndarray, " half"]:
    """How far the k-th neighbour of each number is: among the k on either side in order."""
    order = np.argsort(values)
    padded = np.concatenate([np.full(k, -np.inf), values[order], np.full(k, np.inf)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * k + 1)
    reach = np.empty(len(values))
    reach[order] = np.partition(np.abs(windows - values[order, None]), k, axis=1)[:, k]
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
            f"The residuals are {math.exp(-value):.0e} of the spread, or rounding error: x and y "
            "may be exact functions of each other, with infinite mutual information. The value "
            "then only reflects how well this many rows determine the function.",
        ),
    )
