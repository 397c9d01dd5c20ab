"""The p-value of a link: its past value against all lags of surrogates of its source.

A surrogate has the spectrum of the source, or its values where these repeat, and no relation to the
target. The statistic is that of the selection, given the other selected past values, and the
smallest p-value of all lags of the surrogate is compared, since the selection chose the lag.

Rotations of residuals hold the selection fixed, as if the target's own past were known: two
independent series with a memory of .95 are then linked too often. Surrogates of the source show how
much such series correlate by chance.

References:
    Theiler et al. (1992), doi:10.1016/0167-2789(92)90102-S.
    Knijnenburg et al. (2009), small p-values of few surrogates, doi:10.1093/bioinformatics/btp211.
"""

from collections.abc import Iterator

import numpy as np

from mineral.links.candidates import Candidates, Logs
from mineral.links.grid import Functions, Grid, Past, polynomials
from mineral.permutation import phases
from mineral.series.surrogates import filled, rotations

EXCEEDING = 10  # surrogates beyond a statistic, from which their share is its p-value
TAIL = 0.25  # of the surrogates, the most extreme ones, to which the tail is fitted
SMALLEST = -690.0  # log of the smallest p-value, near the smallest float64


def link_p(
    grid: Grid,
    target: int,
    past: Past,
    selected: tuple[Past, ...],
    *,
    surrogates: int,
    repeats: bool,
    rng: np.random.Generator,
) -> float:
    """The p-value of one selected past value of a source.

    Args:
        grid: The series.
        target: The place of the target.
        past: The past value.
        selected: All selected past values.
        surrogates: How many are drawn; there are fewer rotations than times.
        repeats: Whether values of the source repeat, so that it is rotated.
        rng: Of the surrogates.
    """
    column, lag = past
    others = tuple(other for other in selected if other != past)
    candidates = Candidates(grid=grid, target=target, selected=others)
    lags = [each for each in grid.lags if (column, each) not in others]
    log_p = float(candidates.log_p(column, [lag])[0, 0])
    drawn = _surrogates(grid, column, repeats=repeats, rng=rng)
    null = [
        candidates.log_p_of(column, lags, functions).min()
        for functions, _ in zip(drawn, range(surrogates), strict=False)
    ]
    return tail_p(log_p, np.array(null))


def _surrogates(
    grid: Grid, column: int, *, repeats: bool, rng: np.random.Generator
) -> Iterator[Functions]:
    """Functions of surrogates of a column; a missing value has that of the time before it."""
    functions = grid.functions[column]
    absent = np.where(grid.is_there[column], 0.0, np.nan)
    first = filled(functions[0] + absent)[:, None]
    trials = np.split(first, grid.starts[1:])
    for drawn in rotations(trials, rng) if repeats else phases(trials, rng):
        yield polynomials(np.concatenate(drawn)[:, 0], len(functions))


def tail_p(log_p: float, null: Logs) -> float:
    """The p-value of a statistic: its rank, or beyond most surrogates by the fitted tail.

    P(log p ≤ s) decreases as exp(κ s) with κ ≤ 1, which is 1 for a statistic whose p-values are
    those of its F test.
    """
    exceeding = int((null <= log_p).sum())
    count = int(TAIL * len(null))
    if exceeding >= EXCEEDING or count < EXCEEDING:
        return (1 + exceeding) / (1 + len(null))
    ordered = np.sort(null)[:count]
    mean = float(np.mean(ordered[-1] - ordered))
    rate = min(1.0, 1 / mean) if mean > 0 else 1.0
    tail = np.log(count / len(null)) + rate * min(0.0, log_p - float(ordered[-1]))
    return float(np.exp(max(SMALLEST, tail)))
