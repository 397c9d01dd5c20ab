"""Marginals: n rows of a column, or of several, as in everyday tables. Shape (n, d)."""

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from mineral.basics.types import Matrix
from mineral.tasks.everyday.wrappers import joined, words
from mineral.tasks.nulls import Marginal

Whole = Int[np.ndarray, "n d"]
Words = Shaped[np.ndarray, "n d"]


def beside(n: int, rng: np.random.Generator, *, parts: tuple[Marginal, ...]) -> Words:
    """Several independent marginals as columns."""
    return joined(*(part(n, rng) for part in parts))


# Numbers


def normal(n: int, rng: np.random.Generator, *, d: int = 1) -> Matrix:
    """Standard normal."""
    return rng.standard_normal((n, d))


def uniform(n: int, rng: np.random.Generator, *, d: int = 1) -> Matrix:
    """Between 0 and 1."""
    return rng.random((n, d))


def amounts(n: int, rng: np.random.Generator, *, sigma: float = 2.0) -> Matrix:
    """Money: log-normal, to the cent."""
    return np.round(np.exp(5 + sigma * rng.standard_normal((n, 1))), 2)


def prices(n: int, rng: np.random.Generator) -> Matrix:
    """Whole amounts less a cent: 4.99, 19.99."""
    return np.floor(np.exp(2.5 + 0.7 * rng.standard_normal((n, 1)))) + 0.99


def cauchy(n: int, rng: np.random.Generator, *, d: int = 1) -> Matrix:
    """Without a mean."""
    return rng.standard_cauchy((n, d))


def rounded(n: int, rng: np.random.Generator, *, step: float) -> Matrix:
    """Standard normal, to the nearest multiple of a step."""
    return np.round(rng.standard_normal((n, 1)) / step) * step


def inflated(n: int, rng: np.random.Generator, *, zeros: float) -> Matrix:
    """Exact zeros with a probability, otherwise exponential: rain, claims."""
    return np.asarray(rng.exponential(size=(n, 1)) * (rng.random((n, 1)) >= zeros))


def capped(n: int, rng: np.random.Generator) -> Matrix:
    """Whole percentages that stop at 100, where a fifth of them lie."""
    return np.minimum(100.0, np.round(83 + 20 * rng.standard_normal((n, 1))))


def shares(n: int, rng: np.random.Generator) -> Matrix:
    """Three percentages that sum to 100."""
    return np.asarray(100 * rng.dirichlet((2.0, 3.0, 4.0), size=n))


# Regular values


def index(n: int, rng: np.random.Generator, *, start: int = 0, step: int = 1) -> Whole:
    """Evenly spaced whole numbers: rows, years, seconds."""
    return (start + step * np.arange(n))[:, None]


def grid(n: int, rng: np.random.Generator, *, low: float, high: float) -> Matrix:
    """Evenly spaced numbers from end to end: wavelengths."""
    return np.linspace(low, high, n)[:, None]


def jittered(n: int, rng: np.random.Generator, *, share: float) -> Matrix:
    """Whole numbers in order, each moved by up to a share of a step."""
    return np.asarray(np.arange(n)[:, None] + share * rng.random((n, 1)))


def doses(n: int, rng: np.random.Generator) -> Matrix:
    """Evenly spaced logarithms, over six decades."""
    return np.logspace(-3, 3, n)[:, None]


def permutation(n: int, rng: np.random.Generator) -> Whole:
    """Ranks: 1, …, n in random order."""
    return 1 + rng.permutation(n)[:, None]


def pixels(n: int, rng: np.random.Generator) -> Whole:
    """Row and column of the points of a square, line by line."""
    side = int(np.ceil(np.sqrt(n)))
    return np.stack(np.divmod(np.arange(n), side), axis=1)


# Whole numbers


def counts(n: int, rng: np.random.Generator, *, mean: float) -> Whole:
    """Poisson."""
    return rng.poisson(mean, size=(n, 1))


def codes(n: int, rng: np.random.Generator, *, count: int) -> Whole:
    """0, 1, …, all as likely."""
    return rng.integers(count, size=(n, 1))


def rare(n: int, rng: np.random.Generator, *, share: float) -> Whole:
    """1 with a small probability, and otherwise 0."""
    return (rng.random((n, 1)) < share).astype(np.int64)


def heaped_ages(n: int, rng: np.random.Generator) -> Whole:
    """From 18 to 80; four in ten say a multiple of five."""
    age = rng.integers(18, 81, size=(n, 1))
    return np.where(rng.random((n, 1)) < 0.4, 5 * np.round(age / 5).astype(int), age)


def likert_sums(n: int, rng: np.random.Generator) -> Whole:
    """Sums of five answers from 1 to 5."""
    answers = 1 + rng.binomial(4, 0.55, size=(n, 5))
    return np.asarray(answers.sum(axis=1, keepdims=True))


def identifiers(n: int, rng: np.random.Generator) -> Whole:
    """Six random digits and a check digit: almost all are unique."""
    digits = rng.integers(10, size=(n, 6))
    check = (digits * [1, 2, 1, 2, 1, 2]).sum(axis=1) % 10
    return np.asarray(digits @ 10 ** np.arange(6, 0, -1) + check)[:, None]


# Words


def labels(n: int, rng: np.random.Generator, *, count: int, exponent: float = 0.0) -> Words:
    """Words, in proportion to 1 / rank^exponent."""
    weights = np.arange(1, count + 1) ** -exponent
    return np.asarray(words(count)[rng.choice(count, size=(n, 1), p=weights / weights.sum())])


def names(n: int, rng: np.random.Generator) -> Words:
    """Names of two words out of 4,900 each: almost all are unique."""
    first, last = words(4900)[rng.integers(4900, size=(2, n))]
    return np.char.add(np.char.add(first, " "), last)[:, None]


def places(n: int, rng: np.random.Generator, *, count: int = 60) -> Float[np.ndarray, "n 2"]:
    """Latitude and longitude of a few places, each of which many rows share."""
    towns = np.round(np.random.default_rng(7).uniform((47, 6), (55, 15), size=(count, 2)), 4)
    return np.asarray(towns[rng.integers(count, size=n)])


def one_hot(n: int, rng: np.random.Generator, *, count: int = 7) -> Num[np.ndarray, "n k"]:
    """A column of 0 and 1 for each of a few symbols."""
    return np.asarray(np.eye(count, dtype=np.int64)[rng.integers(count, size=n)])
