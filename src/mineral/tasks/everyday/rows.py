"""Rows: duplicated, oversampled, sorted, one of them 1e300, heavy tails, unequal scales.

Also the relations without noise of all kinds, whose information is infinite.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mineral.basics.special import ndtr
from mineral.tasks.everyday import marginals as of
from mineral.tasks.everyday.densities import Classes
from mineral.tasks.everyday.wrappers import (
    OWN,
    Apart,
    Seen,
    Side,
    Sorted,
    alike,
    independent,
    known,
    unrelated,
    words,
)
from mineral.tasks.families.elliptical import Pairs
from mineral.tasks.laws import Law
from mineral.tasks.nulls import Marginal
from mineral.tasks.task import Draw, Task

KIND = "rows"


@dataclass(frozen=True)
class Duplicated:
    """Each row several times, listed together or in random order.

    The truth is that of the law. The effective sample size is smaller than the number of rows.

    Attributes:
        law: The law.
        times: Number of copies of each row.
        shuffled: Whether the rows are in random order.
    """

    law: Law
    times: int
    shuffled: bool = False

    @property
    def dim_x(self) -> int:
        return self.law.dim_x

    @property
    def dim_y(self) -> int:
        return self.law.dim_y

    @property
    def information(self) -> float:
        return self.law.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        drawn = self.law(-(-n // self.times), rng)
        rows = np.arange(len(drawn.x)).repeat(self.times)[:n]
        rows = rng.permutation(rows) if self.shuffled else rows
        pmi = None if drawn.pmi is None else drawn.pmi[rows]
        return Draw(drawn.x[rows], drawn.y[rows], pmi)


@dataclass(frozen=True)
class Oversampled:
    """A label and numbers; rows of the last class are oversampled until classes are balanced.

    The truth is that of the balanced law, of which the rows of the rare class are few.

    Attributes:
        law: The balanced law, of two classes.
        share: Of the rare class before.
    """

    law: Classes
    share: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        return self.law.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        drawn = self.law(2 * n + 200, rng)
        rare = drawn.x[:, 0] == self.law.x_values[-1]
        of_rare, of_common = np.flatnonzero(rare), np.flatnonzero(~rare)
        count = n // 2
        kept = of_rare[: max(1, round(self.share * n))]
        rows = np.concatenate([of_common[: n - count], rng.choice(kept, size=count)])
        rows = rng.permutation(rows)
        assert drawn.pmi is not None
        return Draw(drawn.x[rows], drawn.y[rows], drawn.pmi[rows])


@dataclass(frozen=True)
class OneFar:
    """A law of numbers, and one row that is a mistake.

    Attributes:
        law: The law.
        far: The value of the first column of X in one random row.
    """

    law: Law
    far: float

    @property
    def dim_x(self) -> int:
        return self.law.dim_x

    @property
    def dim_y(self) -> int:
        return self.law.dim_y

    @property
    def information(self) -> float:
        return self.law.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        drawn = self.law(n, rng)
        x = drawn.x.copy()
        x[rng.integers(n), 0] = self.far
        return Draw(x, drawn.y, drawn.pmi)


def heavy(z: Side) -> Side:
    """From a standard normal to a Cauchy number."""
    # tan(π (Φ(z) − ½)) = −1 / tan(π Φ(z)), from the tail that is nearer.
    near = ndtr(-np.abs(z))
    return np.asarray(np.sign(z) / np.tan(np.pi * np.maximum(near, 1e-300)))


def cubed_exp(z: Side) -> Side:
    """Log-normal, of σ = 3: money."""
    return np.asarray(np.exp(3 * z))


def scaled(z: Side, *, factor: float) -> Side:
    """Columns in units that grow by a factor from each to the next."""
    return np.asarray(z * factor ** np.arange(z.shape[1]))


def gaussian(rho: float, dim: int = 1) -> Pairs:
    """Independent pairs of normal numbers."""
    return Pairs(correlations=(rho,) * dim, dim_x=dim, dim_y=dim)


def closed(name: str, law: Law, **parameters: Any) -> Task:  # noqa: ANN401
    """The task of a law whose information is a closed form."""
    return known(KIND, name, law, by="closed form", **parameters)


PAIR, APART = gaussian(0.7), Apart(of.normal, of.normal)
TWO = Classes(np.ones(2), np.array([0.0, 1.5]), 1.0, words(2))
SAME = Classes(np.ones(2), np.array([0.0, 0.0]), 1.0, words(2))
FIVE = partial(scaled, factor=5.0)
TASKS: tuple[Task, ...] = (
    unrelated(KIND, "duplicated-3-apart", Duplicated(APART, 3), in_series=True),
    unrelated(KIND, "duplicated-2-shuffled-apart", Duplicated(APART, 2, shuffled=True)),
    unrelated(KIND, "oversampled-apart", Oversampled(SAME, 0.05)),
    unrelated(KIND, "sorted-apart", Sorted(APART)),
    unrelated(KIND, "one-far-apart", OneFar(APART, 1e300)),
    unrelated(KIND, "one-typo-apart", OneFar(APART, 1e4)),
    independent(KIND, "cauchy-apart", of.cauchy, of.cauchy),
    alike(KIND, "cauchy-3-apart", partial(of.cauchy, d=3), 3),
    independent(KIND, "amounts-apart", of.amounts, partial(of.amounts, sigma=3.0)),
    unrelated(KIND, "scales-apart", Seen(gaussian(0.0, 5), FIVE, FIVE)),
    closed("duplicated-3", Duplicated(PAIR, 3), in_series=True, rows_worth_one=3.0),
    closed("duplicated-2-shuffled", Duplicated(PAIR, 2, shuffled=True), rows_worth_one=2.0),
    known(KIND, "oversampled", Oversampled(TWO, 0.05), rows_worth_one=10.0),
    closed("sorted", Sorted(PAIR)),
    known(KIND, "sorted-labels", Sorted(TWO)),
    closed("one-far", OneFar(PAIR, 1e300)),
    closed("one-typo", OneFar(PAIR, 1e4)),
    closed("cauchy", Seen(PAIR, heavy, heavy)),
    closed("cauchy-one-side", Seen(PAIR, heavy)),
    closed("money", Seen(gaussian(0.9), cubed_exp, cubed_exp)),
    closed("scales", Seen(gaussian(0.5, 5), FIVE, FIVE)),
    closed("scales-1e6", Seen(gaussian(0.5, 3), partial(scaled, factor=1e6))),
)


# Relations without noise, which no suite holds: a warning is expected, and there is no error


@dataclass(frozen=True)
class Function:
    """Y = f(X), row by row."""

    of_x: Marginal
    function: Callable[[Side], Side]

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = self.of_x(n, rng)
        return Draw(x, self.function(x))


def copied(x: Side) -> Side:
    """The same column."""
    return x.copy()


def fahrenheit(x: Side) -> Side:
    """Another unit."""
    return np.asarray(32 + 1.8 * x)


def cubed(x: Side) -> Side:
    """A curve."""
    return np.asarray(x**3)


def last_share(x: Side) -> Side:
    """What two of three percentages leave of 100."""
    return np.asarray(100 - x[:, :1] - x[:, 1:2])


def two_shares(n: int, rng: np.random.Generator) -> Side:
    """Two of three percentages."""
    return of.shares(n, rng)[:, :2]


def exact(kind: str, name: str, dim_x: int, law: Function) -> Task:
    """The task of a function."""
    return Task(
        name=f"{kind}-{name}",
        family=kind,
        dim_x=dim_x,
        dim_y=1,
        information=math.inf,
        known_by="a function without noise",
        source=OWN,
        sampler=law,
    )


INFINITE: tuple[Task, ...] = (
    exact("atoms", "zeros-twice", 1, Function(partial(of.inflated, zeros=0.6), copied)),
    exact("regular", "index-years", 1, Function(of.index, fahrenheit)),
    exact("rows", "copied", 1, Function(of.normal, copied)),
    exact("rows", "other-unit", 1, Function(of.normal, fahrenheit)),
    exact("rows", "cubed", 1, Function(of.normal, cubed)),
    exact("columns", "last-share", 2, Function(two_shares, last_share)),
)
