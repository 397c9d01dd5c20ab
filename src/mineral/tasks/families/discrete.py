"""Symbols through noisy channels: the information is a sum over a table of probabilities.

X and Y are one whole number each. p[i, j] is the probability of X = i and Y = j, and

    pmi(i, j) = log p[i, j] / p[i, ·] p[·, j],     I(X; Y) = Σ p[i, j] pmi(i, j).

References:
    Cover & Thomas (2006), Elements of Information Theory, chapter 7: the channels.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from mineral.tasks.laws import declared
from mineral.tasks.task import Draw, Task

TEXTBOOK = "Cover & Thomas (2006), Elements of Information Theory, chapter 7"
OWN = "Mineral"


def binary_entropy(p: float) -> float:
    """H(p) = −p log p − (1 − p) log(1 − p) in nats, and 0 at 0 and 1.

    Example:
        >>> binary_entropy(0.5) == np.log(2)
        np.True_
    """
    return -sum(q * math.log(q) for q in (p, 1 - p) if q > 0)


def crossover_for(information: float) -> float:
    """The p ≤ ½ at which a fair bit through a binary symmetric channel has `information` nats.

    Solves log 2 − H(p) = information, by bisection.

    Example:
        >>> round(crossover_for(math.log(2) - binary_entropy(0.11)), 12)
        0.11
    """
    low, high = 0.0, 0.5
    for _ in range(60):
        middle = (low + high) / 2
        if math.log(2) - binary_entropy(middle) > information:
            low = middle
        else:
            high = middle
    return low


@dataclass(frozen=True)
class BinarySymmetric:
    """A fair bit that arrives flipped with probability p < 1: I = log 2 − H(p)."""

    crossover: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        return math.log(2) - binary_entropy(self.crossover)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = rng.integers(2, size=(n, 1))
        flips = rng.random((n, 1)) < self.crossover
        of_flips = math.log(2 * self.crossover) if self.crossover else -math.inf  # never seen
        pmi = np.where(flips, of_flips, math.log(2 * (1 - self.crossover)))
        return Draw(x, x ^ flips, pmi[:, 0])


@dataclass(frozen=True)
class Erasure:
    """One of k equally likely symbols, lost with probability e, as one sees: I = (1 − e) log k.

    Y is k where the symbol was lost.
    """

    symbols: int
    erased: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        return (1 - self.erased) * math.log(self.symbols)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = rng.integers(self.symbols, size=(n, 1))
        lost = rng.random((n, 1)) < self.erased
        pmi = np.where(lost, 0.0, math.log(self.symbols))
        return Draw(x, np.where(lost, self.symbols, x), pmi[:, 0])


@dataclass(frozen=True)
class Zipf:
    """Words of Zipf's law; Y is the same word or, with probability q, one drawn anew.

    Both are of the same law z, and pmi(i, j) = log(q + (1 − q) [i = j] / z[i]).

    Attributes:
        symbols: How many words.
        exponent: z is in proportion to 1 / rank^exponent; 0 makes the words equally likely.
        redrawn: q.
    """

    symbols: int
    exponent: float
    redrawn: float

    dim_x = 1
    dim_y = 1

    @property
    def law(self) -> Float[np.ndarray, " k"]:
        weights = np.arange(1, self.symbols + 1) ** -self.exponent
        return np.asarray(weights / weights.sum())

    @property
    def information(self) -> float:
        z, q = self.law, self.redrawn
        same = z * (1 - q + q * z)
        differ = (1 - same.sum()) * math.log(q) if q else 0.0
        return float(same @ np.log(q + (1 - q) / z) + differ)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        z, q = self.law, self.redrawn
        x, other = rng.choice(self.symbols, size=(2, n), p=z)
        y = np.where(rng.random(n) < q, other, x)
        return Draw(x[:, None], y[:, None], np.log(q + np.where(x == y, (1 - q) / z[x], 0.0)))


@lru_cache(maxsize=2)
def random_joint(symbols: int, sharpness: int) -> Float[np.ndarray, "k k"]:
    """A k × k table of probabilities in proportion to Eᵃ, of independent E ~ Exponential(1).

    At a = 1 it is uniform on the simplex; the higher a, the fewer entries hold most of it. The
    numbers come from the raw bits of a generator, whose stream NumPy promises to keep.
    """
    raw = np.random.PCG64(symbols).random_raw(symbols * symbols)
    uniform = (raw >> np.uint64(11)) * 2.0**-53
    weights = (-np.log1p(-uniform)) ** sharpness
    table = np.asarray((weights / weights.sum()).reshape(symbols, symbols))
    table.setflags(write=False)
    return table


def pmi_of(joint: Float[np.ndarray, "a b"]) -> Float[np.ndarray, "a b"]:
    """log p[i, j] / p[i, ·] p[·, j] of each entry of a table without zeros."""
    of_x, of_y = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
    return np.asarray(np.log(joint) - np.log(of_x) - np.log(of_y))


@dataclass(frozen=True)
class RandomTable:
    """A table drawn at random once and for all, by `random_joint`, when it is first sampled from.

    Attributes:
        symbols: Of X, and as many of Y.
        sharpness: a.
        information: Σ p[i, j] pmi(i, j), from `benchmarks/task_values.py`: large tables take time.
    """

    symbols: int
    sharpness: int
    information: float

    dim_x = 1
    dim_y = 1

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        joint = random_joint(self.symbols, self.sharpness)
        steps = joint.ravel().cumsum()
        cells = np.searchsorted(steps, rng.random(n) * steps[-1], side="right")
        x, y = np.divmod(cells, self.symbols)
        return Draw(x[:, None], y[:, None], pmi_of(joint)[x, y])


RANDOM_TABLES = (
    RandomTable(2, 1, 0.13886138575878043),
    RandomTable(5, 2, 0.6800658084833986),
    RandomTable(30, 1, 0.36358865693884124),
    RandomTable(30, 4, 1.710088421320461),
    RandomTable(200, 2, 1.136692678351716),
    RandomTable(1000, 1, 0.42216568868008186),
    RandomTable(1000, 4, 2.783947714313909),
)


def binary_symmetric(crossover: float) -> Task:
    """A fair bit, flipped with that probability."""
    return declared(
        BinarySymmetric(crossover),
        name=f"binary-symmetric-{crossover}",
        family="discrete",
        source=TEXTBOOK,
        crossover=crossover,
    )


def erasure(symbols: int, erased: float) -> Task:
    """An erasure channel with this number of symbols and this erasure probability."""
    return declared(
        Erasure(symbols, erased),
        name=f"erasure-{symbols}-{erased}",
        family="discrete",
        source=TEXTBOOK,
        symbols=symbols,
        erased=erased,
    )


def zipf(symbols: int, exponent: float, redrawn: float) -> Task:
    """Zipf's law with this number of words, redrawn with this probability."""
    return declared(
        Zipf(symbols, exponent, redrawn),
        name=f"zipf-{symbols}-{exponent}-{redrawn}",
        family="discrete",
        source=OWN,
        known_by="sum over the table",
        symbols=symbols,
        exponent=exponent,
        redrawn=redrawn,
    )


def random_table(law: RandomTable) -> Task:
    """Symbols with a random table of joint probabilities."""
    return declared(
        law,
        name=f"random-table-{law.symbols}-{law.sharpness}",
        family="discrete",
        source=OWN,
        known_by="sum over the table",
        symbols=law.symbols,
        sharpness=law.sharpness,
    )


TASKS: tuple[Task, ...] = (
    *map(binary_symmetric, (0.01, 0.11, 0.3)),
    erasure(2, 0.5),
    erasure(16, 0.1),
    erasure(1000, 0.5),
    zipf(10, 0.0, 0.5),
    zipf(10, 1.0, 0.5),
    zipf(100, 1.0, 0.2),
    zipf(1000, 1.5, 0.5),
    *map(random_table, RANDOM_TABLES),
)
