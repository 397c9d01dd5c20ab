"""Time: hours and weekdays, periods, trends, series with a memory, panels listed by group.

Rows of most of these depend on earlier rows. The truth is the information of one row at a random
time: hours and weekdays are independent, and two trends are not.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from mineral.basics.types import PerSample
from mineral.tasks.everyday import marginals as of
from mineral.tasks.everyday.densities import Classes, Curve, SharedPhase, Wrapped, line
from mineral.tasks.everyday.wrappers import Beside, independent, known, unrelated, words
from mineral.tasks.nulls import Marginal
from mineral.tasks.series import Autoregressive
from mineral.tasks.task import Draw, Task

KIND = "time"
YEAR = 365.25 * 24  # hours


@dataclass(frozen=True)
class Calendar:
    """Two units of the same hours, one row an hour, from a random one on: t // a % b on each side.

    Attributes:
        of_x: a and b of X, as (1, 24) for the hour of the day.
        of_y: The same of Y: (24, 7) for the day of the week.
        gap: Hours between rows; 0 for random hours, of which each row is another.
    """

    of_x: tuple[int, int]
    of_y: tuple[int, int]
    gap: int = 1

    dim_x = 1
    dim_y = 1
    information = 0.0

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        start = rng.integers(24 * 7 * 1000)
        t = start + self.gap * np.arange(n) if self.gap else rng.integers(24 * 7 * 1000, size=n)
        x, y = (t[:, None] // a % b for a, b in (self.of_x, self.of_y))
        return Draw(x, y, np.zeros(n))


@dataclass(frozen=True)
class Panel:
    """Groups listed one after the other, with an effect of the group and one of the row.

    X and Y are sums √s a + √(1 − s) e, of which the effects a of a group correlate by ρ and those
    of its rows by r: standard normal, of correlation s ρ + (1 − s) r.

    Attributes:
        share: s, of the group.
        between, within: ρ and r.
        size: Rows a group.
    """

    share: float
    between: float
    within: float
    size: int

    dim_x = 1
    dim_y = 1

    @property
    def rho(self) -> float:
        return self.share * self.between + (1 - self.share) * self.within

    @property
    def information(self) -> float:
        return -math.log1p(-(self.rho**2)) / 2

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        groups = -(-n // self.size)
        a, b = (v.repeat(self.size)[:n] for v in _pairs(groups, self.between, rng))
        e, f = _pairs(n, self.within, rng)
        x, y = (
            math.sqrt(self.share) * group + math.sqrt(1 - self.share) * row
            for group, row in ((a, e), (b, f))
        )
        rest = (y - self.rho * x) ** 2 / (1 - self.rho**2)
        return Draw(x[:, None], y[:, None], self.information + (y**2 - rest) / 2)


def _pairs(n: int, rho: float, rng: np.random.Generator) -> tuple[PerSample, PerSample]:
    x, other = rng.standard_normal((2, n))
    return x, rho * x + math.sqrt(1 - rho**2) * other


def turn(u: PerSample, *, shift: float = 0.0) -> PerSample:
    """Once around."""
    return np.asarray(np.sin(2 * np.pi * (u + shift)))


def season(
    n: int, rng: np.random.Generator, *, period: float, sigma: float, trend: float = 0.0
) -> np.ndarray:
    """A noisy wave from a random phase on, with a trend over all rows."""
    u = (rng.random() + np.arange(n) / period) % 1
    along = trend * np.arange(n) / n
    return (turn(u) + along + sigma * rng.standard_normal(n))[:, None]


def remembered(n: int, rng: np.random.Generator, *, memory: float) -> np.ndarray:
    """A series with a memory, of unit variance."""
    return Autoregressive(memory, 0.0, 0.0)(n, rng).x


def walk(n: int, rng: np.random.Generator) -> np.ndarray:
    """A random walk."""
    return rng.standard_normal((n, 1)).cumsum(axis=0)


def averages(n: int, rng: np.random.Generator, *, width: int) -> np.ndarray:
    """Moving sums of `width` independent draws."""
    sums = walk(n + width, rng)
    return np.asarray(sums[width:] - sums[:-width])


def calendar(name: str, of_x: tuple[int, int], of_y: tuple[int, int], gap: int = 1) -> Task:
    """Units of the same hours."""
    return known(KIND, name, Calendar(of_x, of_y, gap), by="counting", in_series=gap > 0)


def shared(name: str, law: SharedPhase) -> Task:
    """A hidden phase of both sides."""
    return known(
        KIND,
        name,
        law,
        sigma=law.sigma,
        in_series=law.period is not None,
    )


def series(memory: float, noise: float) -> Task:
    """Autoregressive pairs."""
    law = Autoregressive(memory, memory, noise)
    return known(
        KIND,
        f"memory-{memory}",
        law,
        by="closed form",
        in_series=True,
        rows_worth_one=law.rows_worth_one,
    )


def panel(name: str, law: Panel) -> Task:
    """Groups of rows."""
    return known(KIND, name, law, by="closed form", in_series=True, rows_worth_one=float(law.size))


def by_hour(sigma: float, *, in_turn: bool) -> Task:
    """A load that depends on the hour of the day."""
    load: Curve = partial(turn, shift=-0.3)
    hours = np.arange(24)
    law = Classes(np.ones(24), load(hours / 24), sigma, hours, in_turn=in_turn)
    return known(
        KIND, f"hour-load{'' if in_turn else '-random'}", law, sigma=sigma, in_series=in_turn
    )


def by_user() -> Task:
    """Numbers of users with levels of their own, listed user by user."""
    means = np.random.default_rng(3).normal(size=20)
    return known(KIND, "user-level", Classes(np.ones(20), means, 0.6, words(20), listed=True))


HOUR, WEEKDAY, MONTH = (1, 24), (24, 7), (730, 12)
DAILY: Marginal = partial(season, period=24.0, sigma=0.5)
TREND: Marginal = partial(season, period=12.0, sigma=0.5, trend=3.0)
AVERAGES: Marginal = partial(averages, width=20)
TASKS: tuple[Task, ...] = (
    calendar("hour-weekday", HOUR, WEEKDAY),
    calendar("hour-weekday-random", HOUR, WEEKDAY, gap=0),
    calendar("month-hour", MONTH, HOUR, gap=5),
    calendar("month-weekday-random", MONTH, WEEKDAY, gap=0),
    independent(
        KIND, "periods-apart", DAILY, partial(season, period=17.3, sigma=0.5), in_series=True
    ),
    independent(KIND, "season-normal-apart", DAILY, of.normal, in_series=True),
    independent(KIND, "trend-normal-apart", TREND, of.normal, in_series=True),
    independent(
        KIND, "season-memory-apart", DAILY, partial(remembered, memory=0.8), in_series=True
    ),
    independent(
        KIND, "memory-normal-apart", partial(remembered, memory=0.9), of.normal, in_series=True
    ),
    unrelated(KIND, "memory-0.8-apart", Autoregressive(0.8, 0.8, 0.0), in_series=True),
    unrelated(KIND, "memory-0.95-apart", Autoregressive(0.95, 0.95, 0.0), in_series=True),
    independent(KIND, "walks-apart", walk, walk, in_series=True),
    independent(KIND, "averages-apart", AVERAGES, AVERAGES, in_series=True),
    unrelated(KIND, "panel-apart", Panel(0.5, 0.0, 0.0, 10), in_series=True),
    unrelated(KIND, "panel-long-apart", Panel(0.3, 0.0, 0.0, 25), in_series=True),
    shared("periods-equal", SharedPhase(turn, partial(turn, shift=0.15), 0.4, period=24.0)),
    shared("periods-random", SharedPhase(turn, partial(turn, shift=0.25), 0.3)),
    shared("trends", SharedPhase(line, line, 0.2, period=0.0)),
    shared("trend-wave", SharedPhase(line, turn, 0.2, period=0.0)),
    known(KIND, "dial", Wrapped(24.0, 2.0)),
    known(KIND, "angles", Wrapped(2 * math.pi, 1.0)),
    series(0.5, 0.8),
    series(0.8, 0.8),
    panel("panel", Panel(0.5, 0.7, 0.3, 10)),
    panel("panel-within", Panel(0.3, 0.0, 0.8, 5)),
    by_hour(0.5, in_turn=True),
    by_hour(0.5, in_turn=False),
    by_user(),
    known(
        KIND,
        "season-beside",
        Beside(
            SharedPhase(turn, partial(turn, shift=0.15), 0.4, period=12.0),
            more_x=of.normal,
            dims=(1, 0),
        ),
        in_series=True,
    ),
)
