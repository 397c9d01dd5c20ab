"""Laws with a density: numbers in classes, noisy curves over a design, shared hidden phases.

Each truth is an integral in one or two dimensions, by the trapezoid rule on a fine grid, which
converges faster than any power of its step for densities as smooth as these.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Shaped

from mineral.basics.types import PerSample
from mineral.tasks.nulls import Marginal
from mineral.tasks.task import Draw

Curve: TypeAlias = Callable[[PerSample], PerSample]
GRID = 4001  # points of a one-dimensional grid: errors of 1e-6 nats and less
PHASES = 400  # values of U at least, in (0, 1)
NODES = 96  # Gauss–Legendre nodes of a hidden U: exact to 1e-9 for σ ≥ 0.2
CHUNK = 20_000  # rows at a time
WIDE = 9.0  # standard deviations beyond the outermost mean that a grid covers


def log_gaussian(z: np.ndarray, sigma: np.ndarray | float) -> np.ndarray:
    """The logarithm of the density of σN at z."""
    return np.asarray(-((z / sigma) ** 2) / 2 - np.log(sigma) - math.log(2 * math.pi) / 2)


@dataclass(frozen=True, eq=False)
class Classes:
    """A label X, and a number Y that is normal in each class: I = h(Y) − Σ w h(Y | class).

    Attributes:
        weights: Frequency of each class, up to a factor. Shape (k,).
        means: Of Y in each class. Shape (k,).
        sigma: Its standard deviation in each class.
        x_values: The values of the classes: shape (k,) or (k, dx).
        in_turn: Whether the classes take turns, row by row, as hours of the day do, from a random
            first one; else they are drawn.
        listed: Whether rows come sorted by class.
    """

    weights: Float[np.ndarray, " k"]
    means: Float[np.ndarray, " k"]
    sigma: float
    x_values: Shaped[np.ndarray, "k ..."]
    in_turn: bool = False
    listed: bool = False

    dim_y = 1

    @property
    def dim_x(self) -> int:
        return 1 if self.x_values.ndim == 1 else int(self.x_values.shape[1])

    @property
    def information(self) -> float:
        ends = self.means.min() - WIDE * self.sigma, self.means.max() + WIDE * self.sigma
        y = np.linspace(*ends, max(GRID, math.ceil(20 * (ends[1] - ends[0]) / self.sigma)))
        log_p = self._log_marginal(y)
        entropy = -float(np.exp(log_p) @ log_p) * float(y[1] - y[0])
        return entropy - math.log(self.sigma) - math.log(2 * math.pi * math.e) / 2

    def _log_marginal(self, y: PerSample) -> PerSample:
        found = np.full(len(y), -np.inf)
        for weight, mean in zip(self.weights / self.weights.sum(), self.means, strict=True):
            found = np.logaddexp(found, math.log(weight) + log_gaussian(y - mean, self.sigma))
        return found

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        k = len(self.weights)
        if self.in_turn:
            label = (rng.integers(k) + np.arange(n)) % k
        else:
            label = rng.choice(k, size=n, p=self.weights / self.weights.sum())
        label = np.sort(label) if self.listed else label
        y = self.means[label] + self.sigma * rng.standard_normal(n)
        pmi = log_gaussian(y - self.means[label], self.sigma) - self._log_marginal(y)
        return Draw(self.x_values[label].reshape(n, self.dim_x), y[:, None], pmi)


def line(u: PerSample) -> PerSample:
    """The design itself."""
    return u


def wave(u: PerSample) -> PerSample:
    """One and a half turns: up, down and up again."""
    return np.asarray(np.sin(3 * np.pi * u))


def dose_response(u: PerSample) -> PerSample:
    """A logistic curve in the logarithm of a dose."""
    return np.asarray(1 / (1 + np.exp(-12 * (u - 0.5))))


@dataclass(frozen=True)
class Response:
    """A regular design X and Y = f(U) + σN, U being X between its ends, as a number in (0, 1).

    The truth treats the design as its limit, the uniform distribution: I = h(Y) − h(σN).

    Attributes:
        design: Gives x, of which no two are alike. Shape (n, 1).
        curve: f.
        sigma: σ.
        logarithmic: Whether the logarithm of x is what is spread evenly.
    """

    design: Marginal
    curve: Curve
    sigma: float
    logarithmic: bool = False

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        y, log_p = self._marginal
        entropy = -float(np.exp(log_p) @ log_p) * float(y[1] - y[0])
        return entropy - math.log(self.sigma) - math.log(2 * math.pi * math.e) / 2

    @cached_property
    def _marginal(self) -> tuple[PerSample, PerSample]:
        """The logarithm of the density of Y on a grid."""
        count = max(PHASES, math.ceil(8 / self.sigma))
        means = self.curve((np.arange(count) + 0.5) / count)
        y = np.linspace(means.min() - WIDE * self.sigma, means.max() + WIDE * self.sigma, GRID)
        density = np.zeros(GRID)
        for part in np.array_split(means, math.ceil(count / 200)):
            density += np.exp(log_gaussian(y[:, None] - part, self.sigma)).sum(axis=1)
        return y, np.log(density / count)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = self.design(n, rng)
        v = np.log(x[:, 0]) if self.logarithmic else x[:, 0].astype(float)
        spread = np.ptp(v)
        u = (v - v.min()) / spread if spread else np.full(n, 0.5)
        noise = self.sigma * rng.standard_normal(n)
        y = self.curve(u) + noise
        pmi = log_gaussian(noise, self.sigma) - np.interp(y, *self._marginal)
        return Draw(x, y[:, None], pmi)


@dataclass(frozen=True)
class SharedPhase:
    """X = f(U) + σN and Y = g(U) + σN', with U ~ U(0, 1) hidden: a season, or a trend, of both.

    Attributes:
        of_x, of_y: f and g.
        sigma: σ.
        period: Rows after which U starts again, from a random phase; 0 for one run from 0 to 1 over
            all rows; None for rows in no order.
    """

    of_x: Curve
    of_y: Curve
    sigma: float
    period: float | None = None

    dim_x = 1
    dim_y = 1

    @cached_property
    def _nodes(self) -> tuple[PerSample, PerSample, PerSample]:
        """f and g at the nodes, and the weights of these."""
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        u = (1 + nodes) / 2
        return self.of_x(u), self.of_y(u), weights / 2

    @property
    def information(self) -> float:
        f, g, weights = self._nodes
        x, y = (
            np.linspace(v.min() - WIDE * self.sigma, v.max() + WIDE * self.sigma, 601)
            for v in (f, g)
        )
        given_x = np.exp(log_gaussian(x - f[:, None], self.sigma))
        given_y = np.exp(log_gaussian(y - g[:, None], self.sigma))
        joint = (weights * given_x.T) @ given_y
        product = np.outer(weights @ given_x, weights @ given_y)
        seen = (joint > 0) & (product > 0)
        terms = joint[seen] * np.log(joint[seen] / product[seen])
        return float(terms.sum()) * float((x[1] - x[0]) * (y[1] - y[0]))

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        if self.period is None:
            u = rng.random(n)
        elif self.period == 0:
            u = (np.arange(n) + 0.5) / n
        else:
            u = (rng.random() + np.arange(n) / self.period) % 1
        x, y = (h(u) + self.sigma * rng.standard_normal(n) for h in (self.of_x, self.of_y))
        parts = max(1, math.ceil(n / CHUNK))
        pairs = zip(np.array_split(x, parts), np.array_split(y, parts), strict=True)
        return Draw(x[:, None], y[:, None], np.concatenate([self._pmi(*pair) for pair in pairs]))

    def _pmi(self, x: PerSample, y: PerSample) -> PerSample:
        f, g, weights = self._nodes
        given_x = np.exp(log_gaussian(x[:, None] - f, self.sigma))
        given_y = np.exp(log_gaussian(y[:, None] - g, self.sigma))
        joint = (given_x * given_y) @ weights
        return np.asarray(np.log(joint / (given_x @ weights) / (given_y @ weights)))


@dataclass(frozen=True)
class Wrapped:
    """Two times on a dial: X ~ U(0, period), Y = X + σN around it: log period − h(wrapped σN)."""

    period: float
    sigma: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        noise = (np.arange(GRID) + 0.5) / GRID * self.period
        pmi = self._pmi(noise)
        return float((pmi * np.exp(pmi)).mean())

    def _pmi(self, noise: PerSample) -> PerSample:
        """log(period · density of the wrapped noise)."""
        turns = self.period * np.arange(-4, 5)
        terms = log_gaussian(noise % self.period + turns[:, None], self.sigma)
        return np.asarray(math.log(self.period) + np.logaddexp.reduce(terms, axis=0))

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = self.period * rng.random(n)
        noise = self.sigma * rng.standard_normal(n)
        return Draw(x[:, None], ((x + noise) % self.period)[:, None], self._pmi(noise))
