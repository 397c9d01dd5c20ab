"""The trade-off of kept and leaked information: a sweep of β over seeds, with intervals.

rows = frontier(problem, betas=(0, 0.1, 1, 10), seeds=range(5))
for point in points(rows): ...
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mineral.errors import OptionError
from mineral.shaping.measure import Measured, measure
from mineral.shaping.problem import SHARES, Problem
from mineral.shaping.shape import Shaping, shape
from mineral.system.progress import ProgressOption, portion, reporting


@dataclass(frozen=True, kw_only=True)
class Row:
    """One encoder of a sweep, on test rows.

    Attributes:
        beta, seed: What it was trained with.
        kept: I(Z; L) in nats: a lower bound, by a retrained classifier.
        leaked: I(Z; S), likewise; or an upper bound on I(X; Z), if everything is hidden.
        accuracy: Of the classifier of L.
        attack: The highest accuracy of any classifier of S; NaN unless S is a label.
    """

    beta: float
    seed: int
    kept: float
    leaked: float
    accuracy: float
    attack: float

    @classmethod
    def of(cls, beta: float, seed: int, measured: Measured) -> "Row":
        """From what was measured."""
        above = [each for each in measured.leaked if each.kind == "upper bound"]
        return cls(
            beta=beta,
            seed=seed,
            kept=measured.kept[0].value,
            leaked=(above or measured.leaked)[0].value,
            accuracy=measured.accuracy,
            attack=measured.attack,
        )


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The mean over seeds, and its 95% interval by Student's t: without end for a single seed."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of one value a seed."""
        mean = float(np.mean(values))
        if len(values) < 2 or not math.isfinite(mean):
            return cls(mean=mean, low=-math.inf, high=math.inf)
        from scipy.stats import t  # half a second to import: only when needed

        reach = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
        return cls(mean=mean, low=float(mean - reach), high=float(mean + reach))


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point of the frontier: one β, over seeds."""

    beta: float
    kept: Spread
    leaked: Spread
    accuracy: Spread
    attack: Spread


def frontier(
    problem: Problem,
    *,
    betas: Sequence[float],
    seeds: Iterable[int] = range(5),
    recipe: Shaping | None = None,
    shares: tuple[float, float, float] = SHARES,
    progress: ProgressOption = False,
) -> list[Row]:
    """Train an encoder for each β and each seed, and measure each on its own test rows.

    Args:
        problem: What to keep and what to hide.
        betas: Weights of the hidden information.
        seeds: Each splits the rows anew.
        recipe: All options but β.
        shares: As for `shape`.
        progress: True for a bar on standard error, or a function (fraction, what is running).

    Raises:
        OptionError: If there are no betas or no seeds, or an option is out of range.
        InputError: If a part has too few rows or one class only.
        MissingExtraError: If scikit-learn is not installed.
    """
    recipes = [replace(recipe or Shaping(), beta=float(beta)) for beta in betas]
    jobs = [(each, seed) for each in recipes for seed in seeds]
    if not jobs:
        raise OptionError("`betas` and `seeds` must have one value or more each.")
    rows = []
    with reporting(progress) as report:
        for i, (each, seed) in enumerate(jobs):
            part = portion(report, i / len(jobs), (i + 1) / len(jobs))
            shaped = shape(problem, each, shares=shares, seed=seed, progress=part)
            parts = shaped.training, shaped.validation, shaped.test
            rows.append(Row.of(each.beta, seed, measure(shaped.encoder, *parts, seed=seed)))
    return rows


def points(rows: Sequence[Row]) -> list[Point]:
    """The rows of each β as one point, in order of β."""
    found = []
    for beta in sorted({row.beta for row in rows}):
        chosen = [row for row in rows if row.beta == beta]
        found.append(
            Point(
                beta=beta,
                kept=Spread.of([row.kept for row in chosen]),
                leaked=Spread.of([row.leaked for row in chosen]),
                accuracy=Spread.of([row.accuracy for row in chosen]),
                attack=Spread.of([row.attack for row in chosen]),
            )
        )
    return found
