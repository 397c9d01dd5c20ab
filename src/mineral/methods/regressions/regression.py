"""Regression: the entropy of one variable minus the entropy of its residuals.

For any function f and any width s > 0 of x,

    h(Y | X) ≤ h(ε) + E[log s(X)],    ε = (Y − f(X)) / s(X),

with equality where ε does not depend on X, so that

    I(X; Y) ≥ h(Y) − h(ε) − E[log s(X)].

Both entropies are of a single number, and estimated from nearest neighbours on the same rows: their
biases cancel if Y and ε have similar shapes. Strong dependence only makes ε small, so that there is
no ceiling at log n as for KSG.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import Mask, PerSample, X, Y
from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.options import AtLeastOne
from mineral.methods.projections.kcca import shown
from mineral.methods.regressions.gaussian_process import left_out
from mineral.methods.regressions.local_polynomial import ROUNDING, cubic, line
from mineral.results import Caution
from mineral.samples import Paired, canonical_order, is_evenly_spaced, normal_scores
from mineral.system.chance import learning
from mineral.system.threads import one_torch_thread

FEWEST = 50  # rows
MOST_DIMS = 50  # of both sides
REACHES = (3, 5, 8, 12, 20, 35, 60, 100, 200, 400)  # bandwidths: rows on each side
BENT = (5, 10, 20)  # the same for cubics
WIDTHS = (20, 60, 200)  # the same, for the scale of the noise
CLOSE = 20_000  # rows; with more rows, lines are as good as cubics
SHARE = 25  # rows of a half for each neighbour of the entropy estimates
MOST = 10  # neighbours
SHARED = 1.4  # inflation of the standard error, since close rows share neighbours
CONTINUOUS = 0.9  # share of the values that must be unique, for an entropy to exist
QUIET = 0.01  # quantile of the noise; smaller residuals are not used for its scale
ALMOST = 12.0  # nats, from which the residuals may be rounding errors
FAR = 6.0  # spreads; a coordinate with values beyond is replaced by its ranks
STRAIGHT = 0.2  # distance of the power from 1, below which values are not transformed
FARTHEST = 1e100  # spreads, whose squares are finite

Halves = tuple[Int[np.ndarray, " first"], Int[np.ndarray, " second"]]


@dataclass(frozen=True, kw_only=True)
class Regression(Estimator):
    """Regression: one number as a smooth function of one or several, plus noise; any strength.

    Model: Y = f(X) + s(X) ε, or the same with X and Y exchanged. With one predictor, f and s are
    leave-one-out local lines or cubics; with several, f is a Gaussian process. Each half of the
    rows is evaluated with the bandwidths that are best on the other half. With several predictors,
    Y is also tried after a power transform. The bound is loose where one x has several y, as on a
    circle. With several predictors, a held-out test checks that the residuals are independent of
    them; the path reports it.

    Args:
        k: Neighbours of the entropy estimates; None takes one for every fifty rows, up to ten.

    References:
        Cover & Thomas (2006), Elements of Information Theory, 8.6, on h(Y | X) ≤ h(Y − f(X)).
        Kozachenko & Leonenko (1987), on entropies from neighbours, Probl. Inf. Transm. 23.
        Rasmussen & Williams (2006), Gaussian Processes for Machine Learning, on leaving rows out.
        Cleveland (1979), lines through the nearest rows, doi:10.1080/01621459.1979.10481038.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.random(1000)
        >>> y = np.sin(6 * x) + rng.standard_normal(1000) / 1e4
        >>> round(Regression().estimate(x, y).value)  # KSG gives 3.9 of 8.2…
        8
    """

    k: AtLeastOne | None = None

    name = "regression"
    kind = "lower bound"

    def can_predict(self, samples: Paired) -> bool:
        """Whether the entropy of one side can be estimated, and the rows are sufficient."""
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
        run.progress(0.0, "regression")
        sides = samples.x, samples.y
        x, y = (np.column_stack([_unit(column) for column in side.T]) for side in sides)
        order = canonical_order(x, y)[run.rng().permutation(len(x))]
        with learning(), one_torch_thread():
            fit = self._best(x[order], y[order])
        path = ["Model: one side is a smooth function of the other, plus noise."]
        independent = samples.dims > 2 and _residual_is_independent(x[order], y[order], fit.noise)
        if independent:
            path.append("The residuals are independent of the predictors (held-out test).")
        gain = np.empty(len(x))
        gain[order] = fit.gain
        run.progress(1.0, "regression")
        return Measurement(
            value=float(gain.mean()),
            stderr=SHARED * float(gain.std(ddof=1) / np.sqrt(len(x))),
            pointwise=gain,
            cautions=_exact(float(gain.mean()), float(fit.exact.mean())),
            path=tuple(path),
            residual_is_independent=independent,
        )

    def _best(self, x: X, y: Y) -> "_Fit":
        """For rows in random order, each half by the fit that is best on the other half."""
        n = len(x)
        first, second = halves = np.arange(n // 2), np.arange(n // 2, n)
        k, fits = self._neighbours(n), list[_Fit]()
        for source, target in ((x, y), (y, x)):
            if self._is_a_number(target):
                fits += _functions(source, target[:, 0], halves, k)
        of_first = max(fits, key=lambda each: float(each.gain[second].mean()))
        of_second = max(fits, key=lambda each: float(each.gain[first].mean()))
        return _Fit(
            np.concatenate([of_first.gain[first], of_second.gain[second]]),
            np.concatenate([of_first.noise[first], of_second.noise[second]]),
            np.concatenate([of_first.exact[first], of_second.exact[second]]),
        )


@dataclass(frozen=True)
class _Fit:
    """The result of one function and scale for every row.

    Attributes:
        gain: In nats.
        noise: The residuals, divided by their scale.
        exact: Whether the residual is rounding error.
    """

    gain: PerSample
    noise: PerSample
    exact: Mask


def _functions(x: X, y: PerSample, halves: Halves, k: int) -> list[_Fit]:
    """All fits with one or several predictors, including a constant."""
    nothing = _Fit(np.zeros(len(y)), y, np.zeros(len(y), dtype=bool))
    if x.shape[1] == 1:
        return [nothing, *_curves(x[:, 0], y, halves, k)]
    return [nothing, *_surfaces(x, y, halves, k)]


def _curves(x: PerSample, y: PerSample, halves: Halves, k: int) -> list[_Fit]:
    """Lines and cubics of all bandwidths, with a constant scale and scales of all bandwidths."""
    n, alone = len(y), _reaches(y, k, halves)
    order = np.argsort(x, kind="stable")
    lines = [line(x, y, order, reach) for reach in sorted({min(r, n) for r in (*REACHES, n)})]
    cubics = [cubic(x, y, order, r) for r in BENT if 2 * r < n <= CLOSE]
    fits = [(_fit(y - f, np.zeros(n), alone, halves, k), y - f) for f in (*lines, *cubics)]
    best, residuals = max(fits, key=lambda each: float(each[0].gain.mean()))
    return [best, *_with_widths(residuals, x, alone, halves, k)]


def _surfaces(x: X, y: PerSample, halves: Halves, k: int) -> list[_Fit]:
    """Gaussian processes of y and of a power of it, also with scales that vary."""
    by_rank = np.abs(x).max(axis=0) > FAR
    x = np.where(by_rank, normal_scores(x), x)
    fits = []
    for target in _straightened(y):
        learned = left_out(x, target, halves)
        if learned is not None:
            residuals, predicted = learned
            alone = _reaches(target, k, halves)
            fits.append(_fit(residuals, np.zeros(len(y)), alone, halves, k))
            fits += _with_widths(residuals, predicted, alone, halves, k)
    return fits


def _straightened(y: PerSample) -> list[PerSample]:
    """The values and, if they are far from normal, their Yeo–Johnson transform.

    Noise may be additive in logarithms, for example. A power preserves local distances; ranks do
    not.
    """
    from scipy.stats import yeojohnson  # slow to import: only when needed

    bent, power = yeojohnson(y.clip(-FARTHEST, FARTHEST))
    return [y, _unit(bent)] if abs(power - 1) > STRAIGHT else [y]


def _with_widths(
    residuals: PerSample, along: PerSample, alone: PerSample, halves: Halves, k: int
) -> list[_Fit]:
    """The same residuals, with a scale that varies along a number."""
    order = np.argsort(along, kind="stable")
    least = max(float(np.quantile(np.abs(residuals), QUIET)), ROUNDING)
    size = np.log(np.maximum(np.abs(residuals), least))
    reaches = [reach for reach in WIDTHS if 2 * reach < len(residuals)]
    widths = [line(along, size, order, reach).clip(size.min(), size.max()) for reach in reaches]
    return [_fit(residuals, width, alone, halves, k) for width in widths]


def _fit(residuals: PerSample, width: PerSample, alone: PerSample, halves: Halves, k: int) -> _Fit:
    noise = residuals / np.exp(width)
    reach, least = _reaches(noise, k, halves), ROUNDING * np.exp(-width)
    return _Fit(np.log(alone / np.maximum(reach, least)) - width, noise, reach < least)


def _residual_is_independent(x: X, y: Y, noise: PerSample) -> bool:
    """Whether no function of the predictors correlates with the residuals, or with their size."""
    others = normal_scores(x if x.shape[1] > 1 else y)
    scores = normal_scores(np.column_stack([noise, np.abs(noise)]))
    return shown(others, scores, np.arange(len(x)), most=2).count == 0


def _reaches(values: PerSample, k: int, halves: Halves) -> PerSample:
    """The distance to the k-th neighbour of each number within its half of the rows."""
    reach = np.empty(len(values))
    for half in halves:
        reach[half] = _reach(values[half], k)
    return reach


def _reach(values: Float[np.ndarray, " half"], k: int) -> Float[np.ndarray, " half"]:
    """The distance to the k-th neighbour of each number, among the k on either side in order."""
    order = np.argsort(values)
    padded = np.concatenate([np.full(k, -np.inf), values[order], np.full(k, np.inf)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * k + 1)
    reach = np.empty(len(values))
    reach[order] = np.partition(np.abs(windows - values[order, None]), k, axis=1)[:, k]
    return reach


def _unit(values: PerSample) -> PerSample:
    """Values minus their median, divided by their interquartile range.

    An outlier does not change the others; with a mean, they would be rounded to the same value.
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
