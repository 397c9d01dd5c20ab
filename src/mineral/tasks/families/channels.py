"""Numbers with an information of 1 to 10 nats: the families of the `mutinfo` benchmark.

In d dimensions the coordinates are independent pairs, and each shares 1/d of the information.

References:
    Foresti, Butakov et al. (2026), arXiv:2607.03487: the families, and their grid of values.
    Darbellay & Vajda (2000), doi:10.1109/18.825848: the gamma-exponential distribution.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mineral.basics.special import digamma, ndtr
from mineral.tasks.families.beyond_normal import AdditiveUniform
from mineral.tasks.families.discrete import binary_entropy
from mineral.tasks.families.elliptical import Pairs
from mineral.tasks.laws import Law, Repeated, declared
from mineral.tasks.task import Draw, Task
from mineral.tasks.transforms import normal_cdf, transformed

SOURCE = "Foresti, Butakov et al. (2026), arXiv:2607.03487"
LEVELS = (1, 2, 4, 6, 8, 10)  # nats
SOLID = ((2, 3), (6, 3), (10, 3))  # nats, dimensions
GRID = (*((level, 1) for level in LEVELS), *SOLID)


@dataclass(frozen=True)
class LogGammaExponential:
    """X = c log G and Y = c log(E / G), G ~ Gamma(a) and E ~ Exponential(1), c = min(a, 1).

    V = E / G is exponential of rate G when G is known, and of density a (1 + v)^−(a + 1) when not:

        pmi = log g − g v − log a + (a + 1) log(1 + v),     I = ψ(a + 1) − log a.

    The factor c keeps both in view where a is small, and G spans thousands of orders of magnitude.
    """

    shape: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        return float(digamma(self.shape + 1)) - math.log(self.shape)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        a, scale = self.shape, min(self.shape, 1)
        # Gamma(a) is Gamma(a + 1) U^(1/a), which is below the smallest float where a is small.
        log_g = np.log(rng.gamma(a + 1, size=n)) + np.log1p(-rng.random(n)) / a
        noise = rng.exponential(size=n)
        log_v = np.log(noise) - log_g
        pmi = log_g - noise - math.log(a) + (a + 1) * np.logaddexp(0, log_v)
        return Draw(scale * log_g[:, None], scale * log_v[:, None], pmi)


# ψ(a + 1) − log a = I, solved for a at each I by benchmarks/task_values.py.
SHAPES = {
    2 / 3: 0.564803900687836,
    1: 0.31639974864846115,
    2: 0.08693032168156885,
    10 / 3: 0.02071321404457058,
    4: 0.010460605166575527,
    6: 0.0013949126787834772,
    8: 0.00018840704731455237,
    10: 2.5491289963900442e-05,
}


@dataclass(frozen=True)
class Quantized:
    """X is a standard normal number and Y its bin, of k equally likely ones: I = log k.

    Every pair has the same pointwise value, and X determines Y exactly.
    """

    symbols: int

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        return math.log(self.symbols)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = rng.standard_normal((n, 1))
        y = np.minimum(np.floor(self.symbols * ndtr(x)), self.symbols - 1).astype(int)
        return Draw(x, y, np.full(n, self.information))


@dataclass(frozen=True)
class SmoothedDiscrete:
    """X is one of 0, ..., k − 1, and Y uniform on (X, X + w).

    Of the k symbols, m(y) = #{i: i < y < i + w} can have led to y, so that pmi = log k − log m(y).

    Attributes:
        symbols: k.
        width: w; up to 1 the noise hides nothing.
    """

    symbols: int
    width: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        """Σ over the stretches of y between ends of intervals, where m is constant."""
        starts = np.arange(self.symbols)
        ends = np.sort(np.concatenate([starts, starts + self.width]))
        length, among = np.diff(ends), self._candidates((ends[1:] + ends[:-1]) / 2)
        share = length * among / (self.width * self.symbols)
        return math.log(self.symbols) - float(share @ np.log(np.maximum(among, 1)))

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = rng.integers(self.symbols, size=(n, 1))
        # 1 − U lies in (0, 1]: y above x, and x itself among the candidates.
        y = x + self.width * (1 - rng.random((n, 1)))
        return Draw(x, y, math.log(self.symbols) - np.log(self._candidates(y[:, 0])))

    def _candidates(self, y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        highest = np.minimum(np.ceil(y) - 1, self.symbols - 1)
        lowest = np.maximum(np.ceil(y - self.width), 0)
        return np.asarray(highest - lowest + 1)


@dataclass(frozen=True)
class RareEvent:
    """X and Y are uniform on (0, 1), and lie in the same one of k + 1 cells of the interval.

    The length of the first cell is the probability of failure; within it they are independent.
    Otherwise they share one of k small cells, all of the same length: rare pairs carry most of the
        information.
    A pair in a cell of length p has pmi = −log p, and I is the entropy of the cell,

        I = H(f) + (1 − f) log k.

    Attributes:
        failure: f, the length of the first cell.
        labels: k.
    """

    failure: float
    labels: int

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        return binary_entropy(self.failure) + (1 - self.failure) * math.log(self.labels)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        failed, small = rng.random(n) < self.failure, (1 - self.failure) / self.labels
        low = np.where(failed, 0.0, self.failure + small * rng.integers(self.labels, size=n))
        length = np.where(failed, self.failure, small)
        x, y = low + length * rng.random((2, n))
        return Draw(x[:, None], y[:, None], -np.log(length))


def log_gamma_exponential(nats: int, dim: int) -> Task:
    """Of one of the shapes that were solved for."""
    law = LogGammaExponential(SHAPES[nats / dim])
    return _task("log-gamma-exponential", f"{nats}-{dim}", law, dim, shape=law.shape)


def smoothed_uniform(nats: int, dim: int) -> Task:
    """X uniform on (0, 1), and Y = X + N with N uniform on (−ε, ε), for at least ½ nat a pair."""
    epsilon = 0.0
    for _ in range(100):  # I = ε − log 2ε, solved for ε: each step halves the error, or better
        epsilon = math.exp(epsilon - nats / dim) / 2
    law = AdditiveUniform(epsilon)
    return _task("smoothed-uniform", f"{nats}-{dim}", law, dim, epsilon=epsilon)


def correlated_uniform(nats: int, dim: int) -> Task:
    """Uniform marginals, joined as those of a Gaussian are: ρ² = 1 − exp(−2I / d)."""
    rho = math.sqrt(-math.expm1(-2 * nats / dim))
    task = _task("correlated", f"{nats}-{dim}", Pairs(correlations=(rho,), dim_x=1, dim_y=1), dim)
    name, family = f"correlated-uniform-{nats}-{dim}", "correlated-uniform"
    return transformed(task, name=name, family=family, of_x=normal_cdf, of_y=normal_cdf, rho=rho)


def quantized(symbols: int, dim: int = 1) -> Task:
    """A normal number and its bin."""
    return _task("quantized", f"{symbols}-{dim}", Quantized(symbols), dim, symbols=symbols)


def smoothed_discrete(symbols: int, width: float, dim: int = 1) -> Task:
    """Whole numbers in uniform noise."""
    law, detail = SmoothedDiscrete(symbols, width), f"{symbols}-{width}-{dim}"
    return _task("smoothed-discrete", detail, law, dim, symbols=symbols, width=width)


def rare_event(failure: float, labels: int, dim: int = 1) -> Task:
    """High information in rare pairs."""
    law, detail = RareEvent(failure, labels), f"{failure}-{labels}-{dim}"
    return _task("rare-event", detail, law, dim, failure=failure, labels=labels)


def _task(family: str, detail: str, law: Law, dim: int, **parameters: Any) -> Task:  # noqa: ANN401
    return declared(
        Repeated(law, dim) if dim > 1 else law,
        name=f"{family}-{detail}",
        family=family,
        source=SOURCE,
        **parameters,
    )


TASKS: tuple[Task, ...] = (
    *(log_gamma_exponential(*cell) for cell in GRID),
    # Not at 10 nats in one dimension: 4 pairs in 100,000 would be unlike all others.
    *(smoothed_uniform(*cell) for cell in GRID if cell != (10, 1)),
    *(correlated_uniform(*cell) for cell in GRID),
    # About e^I symbols, for the I of the grid.
    *map(quantized, (3, 7, 55, 403, 2981, 22026)),
    *(quantized(symbols, 3) for symbols in (2, 7, 28)),
    smoothed_discrete(3, 1.0),
    smoothed_discrete(12, 2.0),
    smoothed_discrete(80, 1.5),
    smoothed_discrete(1000, 2.5),
    smoothed_discrete(10_000, 3.0),
    smoothed_discrete(12, 2.0, dim=3),
    # About 1, 2, 4, 6, 8 and 10 nats, of which half the pairs carry almost none.
    *(rare_event(0.5, labels) for labels in (2, 14, 745, 40_640, 2_200_000, 120_000_000)),
    rare_event(0.9, 850),
    rare_event(0.5, 14, dim=3),
)
