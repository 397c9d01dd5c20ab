"""Independence in every shape: whatever an estimator finds here is its own.

X and Y are drawn one after the other, from distributions that look different: short tails and long,
symbols, counts, mixtures of both, coordinates that repeat each other, one dimension to a hundred.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import TypeAlias

import numpy as np
from jaxtyping import Num

from mineral.basics.types import Matrix
from mineral.tasks.task import Draw, Task

Marginal: TypeAlias = Callable[[int, np.random.Generator], Num[np.ndarray, "n d"]]
PENGUINS = "Gorman et al. (2014), doi:10.1371/journal.pone.0090081; permuted"
BILL, BODY = ("bill_length_mm", "bill_depth_mm"), ("flipper_length_mm", "body_mass_g")


@dataclass(frozen=True)
class Independent:
    """X from one distribution and Y, without a look at it, from another."""

    of_x: Marginal
    of_y: Marginal

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        return Draw(self.of_x(n, rng), self.of_y(n, rng), np.zeros(n))


def gaussian(n: int, rng: np.random.Generator, *, d: int) -> Matrix:
    """Standard normal."""
    return rng.standard_normal((n, d))


def correlated(n: int, rng: np.random.Generator, *, d: int) -> Matrix:
    """Normal, each coordinate correlating with each by 0.9."""
    shared = rng.standard_normal((n, 1))
    return np.asarray(np.sqrt(0.9) * shared + np.sqrt(0.1) * rng.standard_normal((n, d)))


def repeated(n: int, rng: np.random.Generator, *, d: int) -> Matrix:
    """One normal number, d times."""
    return np.repeat(rng.standard_normal((n, 1)), d, axis=1)


def student(n: int, rng: np.random.Generator, *, d: int, nu: float) -> Matrix:
    """Student-t with one scale for all coordinates; without a mean for ν of 1."""
    scale = np.sqrt(rng.chisquare(nu, size=(n, 1)) / nu)
    return np.asarray(rng.standard_normal((n, d)) / scale)


def log_normal(n: int, rng: np.random.Generator, *, d: int) -> Matrix:
    """exp(2 z): far out to one side."""
    return np.asarray(np.exp(2 * rng.standard_normal((n, d))))


def uniform(n: int, rng: np.random.Generator, *, d: int) -> Matrix:
    """Between 0 and 1."""
    return rng.uniform(size=(n, d))


def clustered(n: int, rng: np.random.Generator, *, d: int) -> Matrix:
    """Two far apart normal clouds, the second with a third of the samples."""
    return rng.standard_normal((n, d)) + 8 * (rng.uniform(size=(n, 1)) < 1 / 3)


def ring(n: int, rng: np.random.Generator) -> Matrix:
    """A thin circle: two coordinates, which are uncorrelated."""
    angle, radius = rng.uniform(0, 2 * np.pi, size=n), 1 + 0.05 * rng.standard_normal(n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def rounded(n: int, rng: np.random.Generator, *, d: int) -> Matrix:
    """Normal, to the nearest half: thirteen values, more or less."""
    return np.round(2 * rng.standard_normal((n, d))) / 2


def symbols(n: int, rng: np.random.Generator, *, d: int, count: int) -> Num[np.ndarray, "n d"]:
    """0, 1, …, all as likely."""
    return rng.integers(count, size=(n, d))


def rare(n: int, rng: np.random.Generator) -> Num[np.ndarray, "n 1"]:
    """1 with a probability of one in fifty, and otherwise 0."""
    return (rng.uniform(size=(n, 1)) < 0.02).astype(np.int64)


def counts(n: int, rng: np.random.Generator, *, d: int) -> Num[np.ndarray, "n d"]:
    """Poisson with a mean of 3."""
    return rng.poisson(3, size=(n, d))


def zero_inflated(n: int, rng: np.random.Generator, *, d: int) -> Matrix:
    """Half exact zeros, half exponential: rain by the day."""
    return np.asarray(rng.exponential(size=(n, d)) * (rng.uniform(size=(n, d)) < 0.5))


def half_symbols(n: int, rng: np.random.Generator) -> Matrix:
    """One coordinate of three symbols, one of normal numbers."""
    return np.hstack([rng.integers(3, size=(n, 1)), rng.standard_normal((n, 1))])


def penguins(n: int, rng: np.random.Generator, *, columns: tuple[str, ...]) -> Matrix:
    """Rows of the penguins in random order; after all 342 of them, in another one."""
    birds, names = _measured(), ("species", *BILL, *BODY)
    orders = [rng.permutation(len(birds)) for _ in range(-(-n // len(birds)))]
    chosen = [names.index(column) for column in columns]
    return np.asarray(birds[np.concatenate(orders)[:n]][:, chosen])


@cache
def _measured() -> Matrix:
    """The species as a number and four measurements, of the 342 birds that have them."""
    with (files("mineral") / "data" / "penguins.csv").open(encoding="utf-8") as file:
        birds = [bird for bird in csv.DictReader(file) if bird["body_mass_g"] != "NA"]
    species = sorted({bird["species"] for bird in birds})
    return np.array(
        [
            [species.index(bird["species"]), *(float(bird[name]) for name in (*BILL, *BODY))]
            for bird in birds
        ]
    )


def null(
    name: str,
    dims: tuple[int, int],
    of_x: Marginal,
    of_y: Marginal,
    *,
    source: str = "independent by construction",
) -> Task:
    """A task without information, from what X and Y are by themselves."""
    return Task(
        name=f"null-{name}-{dims[0]}-{dims[1]}",
        family="null",
        dim_x=dims[0],
        dim_y=dims[1],
        information=0.0,
        known_by="independence",
        source=source,
        sampler=Independent(of_x, of_y),
    )


def _alike(name: str, d: int, marginal: Callable[..., np.ndarray], **options: int | float) -> Task:
    of_both = partial(marginal, d=d, **options)
    return null(name, (d, d), of_both, of_both)


def _birds(name: str, of_x: tuple[str, ...], of_y: tuple[str, ...]) -> Task:
    x, y = (partial(penguins, columns=columns) for columns in (of_x, of_y))
    return null(f"penguins-{name}", (len(of_x), len(of_y)), x, y, source=PENGUINS)


TASKS: tuple[Task, ...] = (
    *(_alike("gaussian", d, gaussian) for d in (1, 2, 5, 10, 30, 100)),
    *(
        null("gaussian", (dx, dy), partial(gaussian, d=dx), partial(gaussian, d=dy))
        for dx, dy in ((1, 10), (1, 100), (100, 2))
    ),
    *(_alike("correlated", d, correlated) for d in (2, 20)),
    _alike("repeated", 5, repeated),
    *(_alike("cauchy", d, student, nu=1.0) for d in (1, 5, 20)),
    _alike("student-3", 3, student, nu=3.0),
    *(_alike("log-normal", d, log_normal) for d in (1, 5)),
    *(_alike("uniform", d, uniform) for d in (1, 5, 50)),
    *(_alike("clustered", d, clustered) for d in (1, 5)),
    null("ring", (2, 2), ring, ring),
    null("cauchy-uniform", (1, 1), partial(student, d=1, nu=1.0), partial(uniform, d=1)),
    *(_alike("rounded", d, rounded) for d in (1, 3)),
    _alike("coins", 1, symbols, count=2),
    _alike("letters", 1, symbols, count=26),
    _alike("dice", 3, symbols, count=6),
    _alike("counts", 1, counts),
    null("rare", (1, 1), rare, rare),
    null("coin-gaussian", (1, 1), partial(symbols, d=1, count=2), partial(gaussian, d=1)),
    null("letter-gaussian", (1, 5), partial(symbols, d=1, count=26), partial(gaussian, d=5)),
    null("counts-log-normal", (2, 2), partial(counts, d=2), partial(log_normal, d=2)),
    *(_alike("zero-inflated", d, zero_inflated) for d in (1, 3)),
    null("half-symbols", (2, 2), half_symbols, half_symbols),
    _birds("flipper-mass", BODY[:1], BODY[1:]),
    _birds("bill-body", BILL, BODY),
    _birds("species-all", ("species",), (*BILL, *BODY)),
)
