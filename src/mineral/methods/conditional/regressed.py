"""Z regressed out of X and Y: residuals that carry what X and Y share beside Z.

Given Z, x ↔ x − f(z) is one-to-one, so that the residuals r_x and r_y keep all of it:

    I(X; Y | Z) = I(r_x; r_y | Z) = I(r_x; r_y) + I(r_x; Z | r_y) − I(r_x; Z).

Where one of the residuals is independent of Z, I(r_x; r_y) is a lower bound; where both together
are, it is I(X; Y | Z) itself, and columns of Z that nothing depends on cost nothing.

All columns of X and Y are regressed on the same basis of functions of Z, which leave-one-out errors
choose. With one basis the errors of fitting cancel: y = x + small noise stays so in the residuals.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from jaxtyping import Bool, Float

from mineral.basics.types import Matrix, Z
from mineral.methods.base import ConditionalEstimator, Measurement, Run
from mineral.methods.conditional.bases import Basis, bases
from mineral.permutation import permuted
from mineral.samples import (
    Conditioned,
    Paired,
    indicators,
    normal_scores,
    repeating,
    spread_ties,
    whiten,
)

FAR = 6.0  # spreads from the median, beyond which ranks of Z have a line beside its values
PENALTIES = (1e-3, 0.1, 10.0, 1e3, 1e5, 1e7)  # of roughness; LOO errors choose
ALONE = 1e-6  # of a row, which no other predicts
KEPT = 0.8  # of the rows, those with the smallest errors, which judge a fit: tails are sparse
EXACT = 1e-9  # of a column's variance, below which basis functions are not compared
ROUNDING = 1e-20  # of a column's variance: a smaller residual is rounding, of numbers of 16 digits
SMOOTH = 0.5  # of the variance of log slopes, which their steps have twice where slopes are noise
VALID = 0.05  # p-value, above which residuals count as independent of Z
PERMUTATIONS = 199  # of a test of residuals against Z
TESTED = 2000  # rows of that test, at most


@dataclass(frozen=True)
class Regressed:
    """Residuals of X and Y, and the basis of functions of Z that was regressed out.

    Attributes:
        pair: The residuals in place of the values, each of the noise's own variance.
        z: Normal scores of Z, categories as indicators, shape (n, dz).
        basis: The name of the basis.
        functions: The basis itself, shape (n, functions).
        freedom: Degrees of freedom of the fit, beside the constant.
        determined_x, determined_y: Columns that the basis reproduces up to rounding.
        seed: Of the permutations of tests.
    """

    pair: Paired
    z: Z
    basis: str
    functions: Float[np.ndarray, "n functions"]
    freedom: float
    determined_x: Bool[np.ndarray, " dx"]
    determined_y: Bool[np.ndarray, " dy"]
    seed: int

    @property
    def is_determined(self) -> bool:
        """Whether X or Y is a function of Z, so that nothing remains to be shared."""
        return bool(self.determined_x.all() or self.determined_y.all())

    @property
    def is_lower_bound(self) -> bool:
        """Whether the residuals of X or those of Y are independent of Z, by a test."""
        return max(self.p_x, self.p_y) > VALID

    @property
    def is_exact(self) -> bool:
        """Whether both together are."""
        return self.p_both > VALID

    def varying(self, pair: Paired) -> Paired:
        """The pair without columns that are functions of Z."""
        x, y = ~self.determined_x, ~self.determined_y
        if x.all() and y.all():
            return pair
        return replace(
            pair,
            x=pair.x[:, x],
            y=pair.y[:, y],
            x_names=tuple(np.array(pair.x_names)[x]),
            y_names=tuple(np.array(pair.y_names)[y]),
        )

    @cached_property
    def p_x(self) -> float:
        """P-value of a test of independence of X's residuals and Z."""
        return self._p_value(indicators(self.pair.x, self.pair.categorical_x))

    @cached_property
    def p_y(self) -> float:
        """P-value of the same of Y's residuals."""
        return self._p_value(indicators(self.pair.y, self.pair.categorical_y))

    @cached_property
    def p_both(self) -> float:
        """P-value of the same of both and their products."""
        x, y = normal_scores(self.pair.x), normal_scores(self.pair.y)
        products = (x[:, :, None] * y[:, None, :]).reshape(len(x), -1)
        return self._p_value(np.hstack([x, y, products]))

    def _p_value(self, residuals: Matrix) -> float:
        if self.z.shape[1] == 0 or (residuals == residuals[:1]).all():
            return 1.0
        rows = slice(0, TESTED)
        names = (
            tuple(f"{of}{i}" for i in range(side.shape[1]))
            for of, side in (("r", residuals), ("z", self.z))
        )
        x_names, y_names = names
        pair = Paired(x=residuals[rows], y=self.z[rows], x_names=x_names, y_names=y_names)
        return permuted(pair, PERMUTATIONS, self.seed).p_value


class Regressions:
    """Regressions of the same samples on Z, each made at its first use.

    Args:
        samples: The samples; Z has no constant columns.
        run: The seed breaks ties and permutes.
    """

    def __init__(self, samples: Conditioned, run: Run) -> None:
        self.samples = samples
        self._run = run

    @cached_property
    def linear(self) -> Regressed:
        """Residuals of a linear regression of normal scores."""
        return self._regressed(scores=True, linear=True)

    @cached_property
    def scores(self) -> Regressed:
        """Residuals of a smooth regression of normal scores."""
        return self._regressed(scores=True, linear=False)

    @cached_property
    def units(self) -> Regressed:
        """Residuals of a smooth regression in the samples' own units."""
        return self._regressed(scores=False, linear=False)

    @cached_property
    def _untied(self) -> Conditioned:
        return untied(self.samples, self._run.rng())

    def _regressed(self, *, scores: bool, linear: bool) -> Regressed:
        return regressed(self._untied, scores=scores, linear=linear, seed=self._run.seed)


@dataclass(frozen=True, kw_only=True)
class OfResiduals(ConditionalEstimator):
    """An estimator that measures residuals, which may have been computed for other reasons."""

    def measure_given(self, samples: Conditioned, run: Run) -> Measurement:
        return self.measure_residuals(Regressions(samples, run), run)

    @abstractmethod
    def measure_residuals(self, regressions: Regressions, run: Run) -> Measurement:
        """Measure I(X; Y | Z) in nats, from the regressions of the samples that it needs."""


def regressed(samples: Conditioned, *, scores: bool, linear: bool, seed: int) -> Regressed:
    """Regress Z out of the numbers of X and Y; categories and columns that repeat stay as they are.

    Args:
        samples: The samples, rare ties broken.
        scores: Whether x and y are replaced by normal scores first.
        linear: Whether the basis is linear in Z, or chosen by leave-one-out errors.
        seed: Of later tests.
    """
    pair, z = samples.pair, samples.numbers_z
    of_z = normal_scores(z) if z.shape[1] else z
    sides = [normal_scores(side) if scores else unit(side) for side in (pair.x, pair.y)]
    numbers = ~np.concatenate([repeating(pair.x), repeating(pair.y)])
    numbers &= ~np.concatenate([pair.categorical_x, pair.categorical_y])
    both = np.hstack(sides)
    both[:, ~numbers] = np.hstack([pair.x, pair.y])[:, ~numbers]
    total = both.var(axis=0)
    # A balance given the balance before: far values of both cancel only in their own units.
    linear_parts = [of_z] if scores else [unit(z)] if is_near(z, FAR) else [unit(z), of_z]
    best, left, loss = None, both, math.inf
    for basis in chain(*(bases(part, of_z, both, linear=linear) for part in linear_parts)):
        for fitted in _fits(basis, both):
            error = fitted.loss(numbers, total)
            if error < loss:
                best, left, loss = (basis, fitted), fitted.residuals, error
    assert best is not None
    basis, fit = best
    left = np.where(numbers, left, both)
    least = (EXACT if scores else ROUNDING) * np.where(total > 0, total, 1.0)
    determined = numbers & (fit.remaining < least)
    if scores:  # the ranks are those of Z, as they also are where noise is smaller than all gaps
        values = np.hstack([pair.x, pair.y])
        for column in np.flatnonzero(determined):
            determined[column] = _is_smooth(values[:, column], z)
    dx = pair.x.shape[1]
    return Regressed(
        pair=replace(pair, x=left[:, :dx], y=left[:, dx:]),
        z=of_z,
        basis=basis.name,
        functions=basis.functions,
        freedom=fit.freedom,
        determined_x=determined[:dx],
        determined_y=determined[dx:],
        seed=seed,
    )


def unit(side: Matrix) -> Matrix:
    """Columns from the median on, in units of the spread of their middle half."""
    size = np.abs(side).max(axis=0)
    side = side / np.where(size > 0, size, 1.0)
    low, middle, high = np.quantile(side, [0.25, 0.5, 0.75], axis=0)
    spread = np.where(high > low, high - low, side.std(axis=0))
    return np.asarray((side - middle) / np.where(spread > 0, spread, 1.0))


def is_near(side: Matrix, far: float) -> bool:
    """Whether no value is far from its column's median: least squares needs that."""
    return bool((np.abs(unit(side)) <= far).all())


def _is_smooth(column: Float[np.ndarray, " n"], z: Z) -> bool:
    """Whether the values are a smooth monotone function of a column of Z."""
    for of_z in z.T:
        order = np.argsort(of_z, kind="stable")
        gaps, steps = np.diff(of_z[order]), np.diff(column[order])
        if not (gaps > 0).all() or not ((steps > 0).all() or (steps < 0).all()):
            continue
        logs = np.log(np.abs(steps)) - np.log(gaps)
        if np.square(np.diff(logs)).mean() <= max(SMOOTH * logs.var(), EXACT):
            return True
    return False


def untied(samples: Conditioned, rng: np.random.Generator) -> Conditioned:
    """The samples with rare ties broken at random; columns that mostly repeat stay as they are."""
    pair = samples.pair
    x, y = pair.x.copy(), pair.y.copy()
    for side, categorical in ((x, pair.categorical_x), (y, pair.categorical_y)):
        columns = ~(categorical | repeating(side))
        side[:, columns] = spread_ties(side[:, columns], rng)
    return replace(samples, pair=replace(pair, x=x, y=y))


def _fits(basis: Basis, values: Matrix) -> Iterator["_Fit"]:
    """Least squares on a basis, with each penalty, where rows predict each other."""
    functions = basis.functions
    if basis.roughness is None:
        directions = whiten(functions)[0] if functions.shape[1] else functions
        yield from _fit(values, directions, directions.T)
        return
    directions, of_functions, _ = whiten(functions)
    rough, turned = np.linalg.eigh(of_functions.T @ basis.roughness @ of_functions)
    directions = directions @ turned
    for strength in PENALTIES:
        kept = 1 / (1 + strength * rough.clip(min=0))
        yield from _fit(values, directions, kept[:, None] * directions.T)


def _fit(
    values: Matrix, functions: Float[np.ndarray, "n k"], weights: Float[np.ndarray, "k n"]
) -> Iterator["_Fit"]:
    """The fit with hat matrix functions · weights, unless a row is predicted by itself alone."""
    n = len(values)
    centered = values - values.mean(axis=0)
    centered = centered - functions @ (weights @ centered)
    own = (functions * weights.T).sum(axis=1)
    leverage = 1 / n + own
    if leverage.max() <= 1 - ALONE:
        residuals = centered / np.sqrt(1 - leverage)[:, None]
        yield _Fit(residuals, leverage, (centered**2).mean(axis=0), float(own.sum()))


@dataclass(frozen=True)
class _Fit:
    """Least squares of all columns on one basis.

    Attributes:
        residuals: Divided by √(1 − h), so that each has the variance of the noise.
        leverage: h, of each row.
        remaining: Mean square of the residuals of each column.
        freedom: Degrees of freedom, beside the constant.
    """

    residuals: Float[np.ndarray, "n d"]
    leverage: Float[np.ndarray, " n"]
    remaining: Float[np.ndarray, " d"]
    freedom: float

    def loss(self, numbers: Bool[np.ndarray, " d"], total: Float[np.ndarray, " d"]) -> float:
        """Log determinant of the covariance of leave-one-out errors, of columns of unit variance.

        That of all columns together, so that y = f(z) + x + small noise is judged by the noise.
        """
        left_out = (self.residuals / np.sqrt(1 - self.leverage)[:, None])[:, numbers]
        scaled = left_out / np.sqrt(np.where(total > 0, total, 1.0))[numbers]
        spread = scaled.T @ scaled / len(scaled) + EXACT * np.eye(scaled.shape[1])
        far = (scaled * np.linalg.solve(spread, scaled.T).T).sum(axis=1)
        near = scaled[far <= np.quantile(far, KEPT)]
        spread = near.T @ near / len(near) + EXACT * np.eye(scaled.shape[1])
        return float(np.linalg.slogdet(spread)[1])
