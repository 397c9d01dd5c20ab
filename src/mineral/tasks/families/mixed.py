"""Variables that are partly discrete and partly continuous, with pmi as a ratio of measures.

Where a point has positive probability under both the joint law and the product of the marginals,
pmi is the logarithm of the ratio of the two probabilities; elsewhere, of densities.

References:
    Gao, Kannan, Oh & Viswanath (2017), arXiv:1709.06212: the three examples.
"""

import math
from dataclasses import dataclass

import numpy as np

from mineral.basics.special import gammaln
from mineral.tasks.families.channels import SmoothedDiscrete
from mineral.tasks.families.discrete import BinarySymmetric
from mineral.tasks.families.elliptical import Pairs
from mineral.tasks.laws import Law, Repeated, declared
from mineral.tasks.task import Draw, Task

SOURCE = "Gao et al. (2017), arXiv:1709.06212"
TERMS = 200  # of a series whose terms fall like k log k / 2ᵏ


@dataclass(frozen=True)
class ZeroInflatedPoisson:
    """X ~ Exponential(1); Y is 0 with probability p, otherwise Poisson of mean X.

    P(Y = k) is (1 − p) / 2^(k + 1) for k > 0, and q = (1 + p) / 2 for 0. With ψ(k + 1) = H_k − γ,

        I = (1 − p) Σ_{k>0} 2^−(k + 1) (k ψ(k + 1) − log k! + log 2 − (k + 1) / 2) + I₀
        I₀ = (p² / 4 − ¼ − ½ p² log p) / (1 − p) − q log q.

    This is less than (1 − p) I(X; Poisson(X)): that would be, did one see which zeros are inflated.
    """

    inflated: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        p, q = self.inflated, (1 + self.inflated) / 2
        k = np.arange(1, TERMS)
        psi = np.cumsum(1 / k) - np.euler_gamma
        terms = k * psi - np.cumsum(np.log(k)) + math.log(2) - (k + 1) / 2
        above = (1 - p) * float((terms / 2.0 ** (k + 1)).sum())
        logarithm = math.log(p) if p else 0.0
        zero = (p**2 / 4 - 1 / 4 - p**2 * logarithm / 2) / (1 - p) - q * math.log(q)
        return above + zero

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        p, x = self.inflated, rng.exponential(size=n)
        y = np.where(rng.random(n) < p, 0, rng.poisson(x))
        of_zero = np.log(p + (1 - p) * np.exp(-x)) - math.log((1 + p) / 2)
        of_count = y * np.log(x) - x - gammaln(y + 1) + (y + 1) * math.log(2)
        return Draw(x[:, None], y[:, None], np.where(y == 0, of_zero, of_count))


@dataclass(frozen=True)
class GaussianOrCoins:
    """With even chances two correlated normal numbers, or two coins of ±1 that differ at times.

    Of X alone one sees which it is, and of Y too: I = log 2 + ½ I(Gaussian) + ½ I(coins).

    Attributes:
        rho: The correlation of the normal numbers.
        differ: The probability that the coins differ.
    """

    rho: float
    differ: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        return math.log(2) + sum(part.information for part in self._parts) / 2

    @property
    def _parts(self) -> tuple[Law, Law]:
        gaussian = Pairs(correlations=(self.rho,), dim_x=1, dim_y=1)
        return gaussian, BinarySymmetric(self.differ)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        gaussian, coins = (part(n, rng) for part in self._parts)
        assert gaussian.pmi is not None and coins.pmi is not None
        tossed = rng.random(n) < 0.5
        x = np.where(tossed[:, None], 2.0 * coins.x - 1, gaussian.x)
        y = np.where(tossed[:, None], 2.0 * coins.y - 1, gaussian.y)
        return Draw(x, y, math.log(2) + np.where(tossed, coins.pmi, gaussian.pmi))


def zero_inflated_poisson(inflated: float) -> Task:
    """Counts of which some were not made."""
    return declared(
        ZeroInflatedPoisson(inflated),
        name=f"zero-inflated-poisson-{inflated}",
        family="mixed",
        source=SOURCE,
        inflated=inflated,
    )


def uniform_above(symbols: int, dim: int = 1) -> Task:
    """X is one of 0, ..., m − 1 and Y uniform on (X, X + 2): I = log m − (m − 1)/m log 2."""
    return declared(
        Repeated(SmoothedDiscrete(symbols, 2.0), dim),
        name=f"uniform-above-{symbols}-{dim}",
        family="mixed",
        source=SOURCE,
        symbols=symbols,
    )


def gaussian_or_coins(rho: float, differ: float) -> Task:
    """Half continuous, half discrete, in both variables at once."""
    return declared(
        GaussianOrCoins(rho, differ),
        name=f"gaussian-or-coins-{rho}-{differ}",
        family="mixed",
        source=SOURCE,
        rho=rho,
        differ=differ,
    )


TASKS: tuple[Task, ...] = (
    *map(zero_inflated_poisson, (0.0, 0.15, 0.7)),
    *map(uniform_above, (2, 5, 100)),
    uniform_above(5, dim=5),
    gaussian_or_coins(0.9, 0.1),
)
