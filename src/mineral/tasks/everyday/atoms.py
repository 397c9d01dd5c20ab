"""Atoms: repeated values among values that are unique. Zeros, limits, stuck sensors.

Where a pair has positive probability under the joint law and under the product of the marginals,
pmi is the logarithm of the ratio of these probabilities; elsewhere, of densities.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float

from mineral.basics.special import ndtr, ndtri
from mineral.basics.types import PerSample
from mineral.tasks.everyday import marginals as of
from mineral.tasks.everyday.tables import pmi_of_cells
from mineral.tasks.everyday.wrappers import Beside, alike, independent, known, unrelated
from mineral.tasks.families.discrete import binary_entropy
from mineral.tasks.task import Draw, Task

KIND = "atoms"
Amount = Callable[[PerSample], PerSample]  # from a standard normal number above the limit
NODES = 200  # Gauss–Legendre nodes an axis: exact to 1e-10 for |ρ| ≤ 0.9
SPAN = 8.5  # standard deviations


@dataclass(frozen=True)
class Censored:
    """Correlated normal numbers, censored below a limit.

    With p = Φ(c) of each side, P the probability that both are below, and φ₂ the joint density,
    I is the sum of P log P / p p', two integrals over one number, and one over both.

    Attributes:
        rho: The correlation.
        limits: c of X and of Y in standard units; −∞ for none.
        amounts: The value of a number above its limit: an increasing map of each side.
        atoms: The value otherwise.
    """

    rho: float
    limits: tuple[float, float]
    amounts: tuple[Amount, Amount]
    atoms: tuple[float, float] = (0.0, 0.0)

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        sides = [_nodes(max(limit, -SPAN), SPAN) for limit in self.limits]
        (x, of_x), (y, of_y) = sides
        slope = math.sqrt(1 - self.rho**2)
        given = (y - self.rho * x[:, None]) / slope
        joint = of_x[:, None] * of_y * np.exp((y**2 - given**2) / 2) / slope
        both = float((joint * self._pmi_of_numbers(x[:, None], y)).sum())
        one = sum(
            float((weights * below) @ np.log(below / p))
            for (z, weights), limit, p in zip(
                sides, self.limits[::-1], self._below[::-1], strict=True
            )
            if p
            for below in [ndtr((limit - self.rho * z) / slope)]
        )
        p_x, p_y = self._below
        neither = self._both_below
        return both + one + (neither * math.log(neither / (p_x * p_y)) if neither else 0.0)

    @property
    def _below(self) -> tuple[float, float]:
        return float(ndtr(self.limits[0])), float(ndtr(self.limits[1]))

    @property
    def _both_below(self) -> float:
        if not all(self._below):
            return 0.0
        z, weights = _nodes(-SPAN, self.limits[0])
        slope = math.sqrt(1 - self.rho**2)
        return float(weights @ ndtr((self.limits[1] - self.rho * z) / slope))

    def _pmi_of_numbers(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        rest = (y - self.rho * x) ** 2 / (1 - self.rho**2)
        return np.asarray((y**2 - rest) / 2 - math.log1p(-(self.rho**2)) / 2)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x, other = rng.standard_normal((2, n))
        slope = math.sqrt(1 - self.rho**2)
        y = self.rho * x + slope * other
        (c, d), (p_x, p_y) = self.limits, self._below
        small_x, small_y = x < c, y < d
        pmi = self._pmi_of_numbers(x, y)
        if p_x:
            pmi = np.where(small_x, np.log(ndtr((c - self.rho * y) / slope) / p_x), pmi)
        if p_y:
            of_y = np.log(ndtr((d - self.rho * x) / slope) / p_y)
            pmi = np.where(small_y & ~small_x, of_y, pmi)
        if p_x and p_y:
            of_both = math.log(self._both_below / (p_x * p_y))
            pmi = np.where(small_x & small_y, of_both, pmi)
        sides = (
            np.where(small, atom, amount(np.maximum(z, -SPAN)))
            for z, small, atom, amount in zip(
                (x, y), (small_x, small_y), self.atoms, self.amounts, strict=True
            )
        )
        seen_x, seen_y = sides
        return Draw(seen_x[:, None], seen_y[:, None], pmi)


def _nodes(low: float, high: float) -> tuple[PerSample, PerSample]:
    """Nodes between two numbers, and their weights times the standard normal density."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = (high - low) / 2
    z = low + half * (1 + nodes)
    return z, half * weights * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Occurrence:
    """Whether an event occurs, on each side, and its amount: zeros otherwise.

    Amounts are exponential. Those of rows in which it happened on both sides have a Gaussian
    copula: I = I(whether, whether') + P(both) I(copula).

    Attributes:
        joint: Probabilities of (nothing, nothing), (nothing, y), (x, nothing), (x, y).
        rho: The correlation of the copula.
    """

    joint: tuple[float, float, float, float]
    rho: float = 0.0

    dim_x = 1
    dim_y = 1

    @property
    def _table(self) -> Float[np.ndarray, "2 2"]:
        return np.array(self.joint).reshape(2, 2)

    @property
    def information(self) -> float:
        whether = float((self._table * pmi_of_cells(self._table)).sum())
        return whether - self.joint[3] * math.log1p(-(self.rho**2)) / 2

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        i, j = np.divmod(rng.choice(4, size=n, p=self.joint), 2)
        x, other = rng.standard_normal((2, n))
        y = self.rho * x + math.sqrt(1 - self.rho**2) * other
        how_much = (y**2 - other**2) / 2 - math.log1p(-(self.rho**2)) / 2
        pmi = pmi_of_cells(self._table)[i, j] + np.where(i & j, how_much, 0.0)
        # The amount of an event on one side only is independent of the other side.
        seen_x, seen_y = (exponential(z) * shown for z, shown in ((x, i), (y, j)))
        return Draw(seen_x[:, None], seen_y[:, None], pmi)


@dataclass(frozen=True)
class Stuck:
    """Correlated normal numbers; X is a constant instead with some probability.

    I = (1 − p) I(normal): a stuck row has no information about Y.

    Attributes:
        rho: The correlation.
        stuck: p.
        value: The constant.
        run: Rows for which it stays stuck, or not, until this is redrawn.
    """

    rho: float
    stuck: float
    value: float = 0.7
    run: int = 1

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        return -(1 - self.stuck) * math.log1p(-(self.rho**2)) / 2

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x, other = rng.standard_normal((2, n))
        y = self.rho * x + math.sqrt(1 - self.rho**2) * other
        shows = (rng.random(-(-n // self.run)) >= self.stuck).repeat(self.run)[:n]
        pmi = np.where(shows, (y**2 - other**2) / 2 - math.log1p(-(self.rho**2)) / 2, 0.0)
        return Draw(np.where(shows, x, self.value)[:, None], y[:, None], pmi)


def exponential(z: PerSample) -> PerSample:
    """From a standard normal number to an exponential one."""
    return np.asarray(-np.log(ndtr(-z)))


def log_normal(z: PerSample) -> PerSample:
    """exp(z)."""
    return np.asarray(np.exp(z))


def itself(z: PerSample) -> PerSample:
    """z."""
    return z


def from_the_top(z: PerSample) -> PerSample:
    """100 − 15 (z + 1): reaches 100 where z reaches −1."""
    return np.asarray(100 - 15 * (z + 1))


def occurrence(name: str, joint: tuple[float, float, float, float], rho: float = 0.0) -> Task:
    """Zeros and amounts on both sides."""
    return known(KIND, name, Occurrence(joint, rho), by="closed form", joint=list(joint), rho=rho)


def same_zeros(zeros: float) -> Task:
    """Both sides have the same zeros, and independent amounts: I = H(p)."""
    task = occurrence(f"same-zeros-{zeros}", (zeros, 0.0, 0.0, 1 - zeros))
    assert math.isclose(task.information, binary_entropy(zeros))
    return task


def _stuck(name: str, rho: float, run: int) -> Task:
    law = Stuck(rho, 0.3, run=run)
    return known(
        KIND,
        name,
        law,
        by="closed form",
        rho=rho,
        run=run,
        in_series=run > 1,
        rows_worth_one=2.0 * run,
    )


RAIN = float(ndtri(0.6))
BOTH = (exponential, exponential)
HALF_ZERO = partial(of.inflated, zeros=0.6)
TASKS: tuple[Task, ...] = (
    independent(KIND, "zeros-0.6-apart", HALF_ZERO, HALF_ZERO),
    alike(KIND, "zeros-0.9-apart", partial(of.inflated, zeros=0.9)),
    independent(KIND, "zeros-normal-apart", HALF_ZERO, of.normal),
    independent(KIND, "zeros-labels-apart", HALF_ZERO, partial(of.labels, count=4)),
    alike(KIND, "zeros-2-apart", partial(of.beside, parts=(HALF_ZERO, HALF_ZERO)), 2),
    unrelated(KIND, "limits-apart", Censored(0.0, (-0.5, -0.5), (itself, itself), (-0.5, -0.5))),
    unrelated(KIND, "stuck-apart", Stuck(0.0, 0.3)),
    unrelated(KIND, "stuck-runs-apart", Stuck(0.0, 0.3, run=10), in_series=True),
    *map(same_zeros, (0.3, 0.6, 0.9)),
    occurrence("mostly-same-zeros", (0.5, 0.1, 0.1, 0.3)),
    occurrence("zeros-and-amounts", (0.5, 0.1, 0.1, 0.3), 0.8),
    known(KIND, "zeros-copula-0.6", Censored(0.6, (RAIN, RAIN), BOTH), rho=0.6),
    known(KIND, "zeros-copula-0.9", Censored(0.9, (RAIN, RAIN), BOTH), rho=0.9),
    known(KIND, "zeros-one-side", Censored(0.8, (RAIN, -math.inf), (log_normal, itself)), rho=0.8),
    known(
        KIND,
        "below-detection",
        Censored(0.7, (-0.7, -0.2), (log_normal, log_normal), (0.25, 0.4)),
        rho=0.7,
    ),
    known(
        KIND,
        "capped",
        Censored(0.7, (-1.0, -1.0), (from_the_top, from_the_top), (100.0, 100.0)),
        rho=0.7,
    ),
    known(
        KIND,
        "zeros-beside",
        Beside(Censored(0.8, (RAIN, RAIN), BOTH), more_x=of.normal, dims=(1, 0)),
        rho=0.8,
    ),
    _stuck("stuck", 0.8, 1),
    _stuck("stuck-runs", 0.8, 10),
)
