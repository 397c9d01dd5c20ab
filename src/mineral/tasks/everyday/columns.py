"""Columns: constant, constant in part, borders of images, one-hot, shares, places, 5,000."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from mineral.basics.special import digamma
from mineral.tasks.everyday import marginals as of
from mineral.tasks.everyday.densities import Classes, log_gaussian
from mineral.tasks.everyday.wrappers import Beside, Seen, Side, independent, known, unrelated
from mineral.tasks.families.elliptical import Pairs
from mineral.tasks.laws import Law
from mineral.tasks.task import Draw, Task

KIND = "columns"


@dataclass(frozen=True)
class ManyColumns:
    """A label of two classes, and columns of which the first few are shifted by ±δ / 2 with it.

    The sufficient statistic of a row is the sum of these k columns, which is normal around ±δ √k /
    2: the information is that of a label and one number.

    Attributes:
        columns: All columns of X.
        matter: k.
        shift: δ.
    """

    columns: int
    matter: int
    shift: float

    dim_y = 1

    @property
    def dim_x(self) -> int:
        return self.columns

    @property
    def _means(self) -> np.ndarray:
        return np.array([-0.5, 0.5]) * self.shift * math.sqrt(self.matter)

    @property
    def information(self) -> float:
        return Classes(np.ones(2), self._means, 1.0, np.arange(2)).information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        label = rng.integers(2, size=n)
        x = rng.standard_normal((n, self.columns))
        x[:, : self.matter] += self.shift * (label[:, None] - 0.5)
        one = x[:, : self.matter].sum(axis=1) / math.sqrt(self.matter)
        logs = log_gaussian(one[:, None] - self._means, 1.0)
        pmi = logs[np.arange(n), label] - np.logaddexp(*logs.T) + math.log(2)
        return Draw(x, label[:, None], pmi)


@dataclass(frozen=True)
class Shares:
    """X and Y are two of three shares of a whole, in percent: Dirichlet(a, b, c).

    With s = a + b + c, log p(x, y) / p(x) p(y) is a difference of log densities, of logarithms of
    x, y, 1 − x, 1 − y and 1 − x − y, whose means are differences of ψ.
    """

    a: float
    b: float
    c: float

    dim_x = 1
    dim_y = 1

    @property
    def _constant(self) -> float:
        a, b, c = self.a, self.b, self.c
        s = a + b + c
        joint = math.lgamma(s) - math.lgamma(a) - math.lgamma(b) - math.lgamma(c)
        sides = [math.lgamma(s) - math.lgamma(p) - math.lgamma(s - p) for p in (a, b)]
        return joint - sum(sides)

    @property
    def information(self) -> float:
        a, b, c = self.a, self.b, self.c
        psi = [float(digamma(v)) for v in (c, b + c, a + c, a + b + c)]
        return (
            self._constant
            + (c - 1) * (psi[0] - psi[3])
            - (b + c - 1) * (psi[1] - psi[3])
            - (a + c - 1) * (psi[2] - psi[3])
        )

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x, y, rest = rng.dirichlet((self.a, self.b, self.c), size=n).T
        pmi = (
            self._constant
            + (self.c - 1) * np.log(rest)
            - (self.b + self.c - 1) * np.log1p(-x)
            - (self.a + self.c - 1) * np.log1p(-y)
        )
        return Draw(100 * x[:, None], 100 * y[:, None], pmi)


def constant(n: int, rng: np.random.Generator, *, value: float = 1.0) -> np.ndarray:
    """The same number in all rows."""
    return np.full((n, 1), value)


def installed_late(n: int, rng: np.random.Generator) -> np.ndarray:
    """Zero in the first 40 % of the rows, then normal: a sensor that came later."""
    z = rng.standard_normal((n, 1))
    z[: round(0.4 * n)] = 0.0
    return z


def framed(z: Side) -> Side:
    """Images of 2 × 2 pixels amid a black border: 16 columns."""
    n = len(z)
    image = np.zeros((n, 4, 4))
    image[:, 1:3, 1:3] = z.reshape(n, 2, 2)
    return image.reshape(n, 16)


def shares_of(z: Side) -> Side:
    """Z, and two columns that sum to 100 with it: three percentages."""
    first = 100 / (1 + np.exp(-z))
    return np.hstack([first, 0.3 * (100 - first), 0.7 * (100 - first)])


def copies(z: Side, *, times: int) -> Side:
    """A column and the same in other units."""
    return np.hstack([z * 10.0**power for power in range(times)])


def one_hot(labels: Side) -> Side:
    """A column for each of seven symbols."""
    return np.asarray(np.eye(7, dtype=np.int64)[labels[:, 0]])


def gaussian(rho: float, dims: tuple[int, int] = (1, 1)) -> Pairs:
    """One pair of correlated normal numbers, and independent ones up to these dimensions."""
    return Pairs(correlations=(rho,), dim_x=dims[0], dim_y=dims[1])


def closed(name: str, law: Law) -> Task:
    """The task of a law whose information is a closed form."""
    return known(KIND, name, law, by="closed form")


def many(name: str, columns: int, matter: int, shift: float) -> Task:
    """Many columns, of which few matter."""
    law = ManyColumns(columns, matter, shift)
    return known(KIND, name, law, columns=columns, matter=matter, shift=shift)


def by_weekday() -> Task:
    """A number that depends on the day of the week, which is one-hot."""
    means = np.array([0.0, 0.1, 0.0, 0.2, 0.6, 1.4, 1.2])
    law = Classes(np.ones(7), means, 0.4, np.arange(7))
    return known(KIND, "one-hot", Seen(law, one_hot, dims=(7, 1)))


def by_place() -> Task:
    """A number that depends on where it was measured: latitude and longitude of 25 places."""
    towns = np.round(np.random.default_rng(7).uniform((47, 6), (55, 15), size=(25, 2)), 4)
    means = (towns[:, 0] - 51) / 2 + np.sin(towns[:, 1])
    return known(KIND, "places", Classes(np.ones(25), means, 0.5, towns))


WITH_CONSTANT = partial(of.beside, parts=(of.normal, constant))
WITH_LATE = partial(of.beside, parts=(of.normal, installed_late))
TASKS: tuple[Task, ...] = (
    independent(KIND, "constant-apart", WITH_CONSTANT, of.normal, (2, 1)),
    independent(KIND, "constant-both-apart", WITH_CONSTANT, WITH_CONSTANT, (2, 2)),
    independent(KIND, "late-apart", WITH_LATE, of.normal, (2, 1)),
    unrelated(KIND, "borders-apart", Seen(gaussian(0.0, (4, 1)), framed, dims=(16, 1))),
    independent(KIND, "one-hot-apart", of.one_hot, of.normal, (7, 1)),
    independent(KIND, "one-hot-both-apart", of.one_hot, partial(of.one_hot, count=3), (7, 3)),
    independent(KIND, "shares-apart", of.shares, of.normal, (3, 1)),
    independent(KIND, "places-apart", of.places, of.normal, (2, 1)),
    independent(
        KIND, "copies-apart", partial(of.beside, parts=(of.normal, of.normal)), of.uniform, (2, 1)
    ),
    unrelated(KIND, "many-200-apart", ManyColumns(200, 20, 0.0)),
    unrelated(KIND, "many-5000-apart", ManyColumns(5000, 20, 0.0)),
    closed("constant", Beside(gaussian(0.7), constant, dims=(1, 0))),
    closed("constant-both", Beside(gaussian(0.7), constant, constant, dims=(1, 1))),
    closed("late", Beside(gaussian(0.7), installed_late, dims=(1, 0))),
    closed("borders", Seen(gaussian(0.8, (4, 1)), framed, dims=(16, 1))),
    closed("shares-of-whole", Seen(gaussian(0.7), shares_of, dims=(3, 1))),
    closed("two-shares", Shares(2.0, 3.0, 1.0)),
    closed("copies", Seen(gaussian(0.7), partial(copies, times=3), dims=(3, 1))),
    closed("noise-columns", gaussian(0.8, (10, 1))),
    by_weekday(),
    by_place(),
    many("many-200", 200, 20, 1.0),
    many("many-5000", 5000, 20, 1.0),
)
