"""Rounded values: a grid as coarse as the noise, counts, ratings, ages, prices, hours of a clock.

The truth is the information of the values after rounding: a sum over a table.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float

from mineral.basics.special import gammaln
from mineral.basics.types import PerSample
from mineral.tasks.everyday import marginals as of
from mineral.tasks.everyday.densities import Classes
from mineral.tasks.everyday.tables import (
    by_latent,
    by_rule,
    common_events,
    rounded_normal,
    rounded_uniform,
)
from mineral.tasks.everyday.wrappers import alike, independent, known
from mineral.tasks.task import Draw, Task

KIND = "rounded"
SUM = "sum over the table"


@dataclass(frozen=True)
class SharedRate:
    """X and Y are Poisson counts of the same rate m G, G ~ Gamma(r, 1 / r): reads of a gene, twice.

    X and Y are negative binomial of mean m, and their sum is of mean 2m. With s = x + y,

        log p(x, y) = log Γ(r + s) / Γ(r) − log x! y! + r log r / (r + 2m) + s log m / (r + 2m).

    Attributes:
        mean: m.
        shape: r: the smaller, the more rates differ.
    """

    mean: float
    shape: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        most = int(2 * self.mean * (1 + 40 / self.shape) + 60)
        s = np.arange(most + 1)
        total = self._log_p(s, 2.0) + s * math.log(2.0)  # of x + y
        single = self._log_p(s, 1.0)
        of_pairs = np.exp(total - gammaln(s + 1)) @ self._log_p(s, 2.0)
        of_one = np.exp(single - gammaln(s + 1)) @ single
        return float(of_pairs - 2 * of_one)

    def _log_p(self, s: np.ndarray, times: float) -> PerSample:
        """log p without its factorials, of counts that sum to s in so many observations."""
        r, all_of = self.shape, self.shape + times * self.mean
        return np.asarray(
            gammaln(r + s)
            - float(gammaln(r))
            + r * math.log(r / all_of)
            + s * math.log(self.mean / all_of)
        )

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        rate = self.mean * rng.gamma(self.shape, 1 / self.shape, size=n)
        x, y = rng.poisson(rate, size=(2, n))
        pmi = self._log_p(x + y, 2.0) - self._log_p(x, 1.0) - self._log_p(y, 1.0)
        return Draw(x[:, None], y[:, None], pmi)


def binomial(trials: int, p: float) -> Float[np.ndarray, " k"]:
    """Probabilities of 0, …, `trials` successes."""
    k = np.arange(trials + 1)
    of_each = gammaln(trials + 1.0) - gammaln(k + 1) - gammaln(trials - k + 1)
    return np.asarray(np.exp(of_each + k * math.log(p) + (trials - k) * math.log(1 - p)))


def normal_seen(
    name: str,
    rho: float,
    edges: tuple[np.ndarray, np.ndarray],
    values: tuple[np.ndarray, np.ndarray],
) -> Task:
    """Correlated normal numbers, observed as cells."""
    law = rounded_normal(rho, edges[0].tolist(), edges[1].tolist(), *values)
    return known(KIND, name, law, by=SUM, rho=rho)


def _ratings() -> Task:
    edges = np.array([-1.3, -0.6, 0.1, 0.9])
    return normal_seen("ratings", 0.6, (edges, edges), (np.arange(1, 6), np.arange(1, 6)))


def _percentages() -> Task:
    values = np.arange(30, 101)  # mean 83, standard deviation 20; all above 99.5 are 100
    edges = (values[:-1] + 0.5 - 83) / 20
    return normal_seen("percentages", 0.7, (edges, edges), (values, values))


def _blood_pressure() -> Task:
    high, low = 5 * np.arange(14, 37), 5 * np.arange(8, 25)
    edges = (high[:-1] + 2.5 - 125) / 15, (low[:-1] + 2.5 - 80) / 10
    return normal_seen("blood-pressure", 0.7, edges, (high, low))


def _prices() -> Task:
    whole = np.arange(1, 120)
    edges = (np.log(whole[:-1] + 1.0) - 2.5) / 0.7
    value = whole - 0.01
    return normal_seen("prices", 0.8, (edges, edges), (value, value))


def _to_a_decimal(step: float, rho: float) -> Task:
    value = step * np.arange(-round(5 / step), round(5 / step) + 1)
    edges = value[:-1] + step / 2
    shown = np.round(value, 6)
    return normal_seen(f"normal-{step}", rho, (edges, edges), (shown, shown))


def _heaped_ages() -> Task:
    """True ages, and reported ones: four in ten report a multiple of five."""
    age, said = np.arange(18, 81), np.arange(15, 81)

    def given(i: int) -> Float[np.ndarray, " b"]:
        heap = 5 * round(age[i] / 5)
        return np.asarray(0.6 * (said == age[i]) + 0.4 * (said == heap))

    law = by_rule(np.ones(len(age)), given, age, said)
    return known(KIND, "ages-heaped", law, by=SUM)


def _likert() -> Task:
    """Sums of five answers in each of three hidden groups of people."""
    p = (0.3, 0.55, 0.8)
    sums = np.stack([binomial(20, each) for each in p])
    values = np.arange(5, 26)
    return known(KIND, "likert", by_latent((1.0, 2.0, 1.0), sums, sums, values, values), by=SUM)


def _clock(spread: float) -> Task:
    """Hours of going and of coming: Y is X plus a rounded, wrapped number of hours."""
    hours = np.arange(24)

    def given(i: int) -> Float[np.ndarray, " b"]:
        apart = (hours - i)[:, None] + 24 * np.arange(-4, 5)
        weights = np.exp(-((apart / spread) ** 2) / 2).sum(axis=1)
        return np.asarray(weights / weights.sum())

    law = by_rule(np.ones(24), given, hours, hours)
    return known(KIND, f"hours-{spread:g}", law, by=SUM, spread=spread)


def _age_and_number() -> Task:
    """Whole years, and a number that grows with them."""
    age = np.arange(20, 70)
    law = Classes(np.ones(50), age / 15.0, 0.5, age)
    return known(KIND, "age-number", law)


def uniform_seen(step: float) -> Task:
    """U(0, 1), and the same with noise of .05, to a grid."""
    return known(KIND, f"uniform-{step:g}", rounded_uniform(step, 0.05), by=SUM, step=step)


def shared_rate(mean: float, shape: float = 2.0) -> Task:
    """Overdispersed counts of a shared rate."""
    law = SharedRate(mean, shape)
    return known(KIND, f"counts-{mean:g}", law, by="sum over counts", mean=mean, shape=shape)


HALVES, TENTHS = partial(of.rounded, step=0.5), partial(of.rounded, step=0.1)
POISSON = {mean: partial(of.counts, mean=mean) for mean in (1.2, 1.6, 10.0, 300.0)}
TASKS: tuple[Task, ...] = (
    independent(KIND, "halves-apart", HALVES, HALVES),
    independent(KIND, "tenths-apart", TENTHS, TENTHS),
    independent(KIND, "tenths-normal-apart", TENTHS, of.normal),
    alike(KIND, "counts-1-apart", partial(of.counts, mean=1.0)),
    independent(KIND, "counts-10-300-apart", POISSON[10], POISSON[300]),
    alike(KIND, "ratings-apart", partial(of.codes, count=5)),
    independent(KIND, "percentages-apart", of.capped, of.capped),
    independent(KIND, "ages-amounts-apart", of.heaped_ages, of.amounts),
    independent(KIND, "likert-apart", of.likert_sums, of.likert_sums),
    alike(KIND, "hours-apart", partial(of.codes, count=24)),
    independent(KIND, "prices-apart", of.prices, of.prices),
    independent(KIND, "scores-apart", POISSON[1.6], POISSON[1.2]),
    *map(uniform_seen, (0.005, 0.01, 0.05, 0.2)),
    _to_a_decimal(0.1, 0.8),
    _to_a_decimal(0.5, 0.8),
    *map(shared_rate, (1.0, 10.0, 100.0, 300.0)),
    known(KIND, "scores", common_events(1.0, 0.8, 0.6), by=SUM),
    _ratings(),
    _percentages(),
    _blood_pressure(),
    _prices(),
    _heaped_ages(),
    _likert(),
    *map(_clock, (1.5, 6.0)),
    _age_and_number(),
)
