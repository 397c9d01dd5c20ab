"""Columns of a table of series as functions of their normal scores, and the lags of these.

A column acts through polynomials of its normal scores z: z, z² − 1 and z³ − 3z, which are
uncorrelated for normal scores. The past of a column acts on a target through a sum of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from mineral.basics.types import Rows
from mineral.samples import normal_scores

Past: TypeAlias = tuple[int, int]  # the place of a column, and a lag
Functions: TypeAlias = Float[np.ndarray, "degree times"]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Series in rows of time, of one or several trials one after the other.

    Attributes:
        functions: Of each column, 0 where it has no value.
        is_there: Which values are not missing.
        before: For each time, how many times of the same trial precede it.
        max_lag: The largest lag.
    """

    functions: tuple[Functions, ...]
    is_there: Bool[np.ndarray, "p times"]
    before: Int[np.ndarray, " times"]
    max_lag: int

    @property
    def lags(self) -> range:
        """From 1 to the largest lag."""
        return range(1, self.max_lag + 1)

    def rows(self, target: int, selected: Iterable[Past]) -> Rows:
        """Times at which the target and all selected past values are there."""
        is_there = (self.before >= self.max_lag) & self.is_there[target]
        times = np.flatnonzero(is_there)
        for column, lag in selected:
            times = times[self.is_there[column, times - lag]]
        return times

    def block(
        self, column: int, lags: Sequence[int], times: Rows, functions: Functions | None = None
    ) -> tuple[Float[np.ndarray, "lags degree n"], Bool[np.ndarray, "lags n"]]:
        """The functions of the lags of a column at some times, and which of them are there.

        Args:
            column: Its place.
            lags: Which lags.
            times: At which the target is observed.
            functions: In place of the column's own: those of a surrogate.
        """
        of_column = self.functions[column] if functions is None else functions
        at = times - np.asarray(lags)[:, None]
        is_there = self.is_there[column][at]
        block = np.empty((len(at), len(of_column), len(times)))
        for i, function in enumerate(of_column):
            np.take(function, at, out=block[:, i])
        if not is_there.all():
            block *= is_there[:, None, :]
        return block, is_there

    @cached_property
    def starts(self) -> Int[np.ndarray, " trials"]:
        """The first time of each trial."""
        return np.flatnonzero(self.before == 0)


def functions_of(column: Float[np.ndarray, " times"], degree: int) -> Functions:
    """Polynomials of the normal scores of a column; NaN is missing, and becomes 0.

    A column of k different values has k − 1 functions at most: others would be sums of these.
    """
    is_there = ~np.isnan(column)
    present = column[is_there]
    scores = normal_scores(present[:, None])[:, 0]
    count = min(degree, len(np.unique(present)) - 1)
    found = np.zeros((count, len(column)))
    found[:, is_there] = polynomials(scores, count)
    return found


def polynomials(scores: Float[np.ndarray, " times"], count: int) -> Functions:
    """The first Hermite polynomials of scores that are brought to unit variance."""
    z = scores / scores.std()
    return np.array([z, z**2 - 1, z**3 - 3 * z][:count])


def preceding(trials: Sequence[int]) -> Int[np.ndarray, " times"]:
    """For each time of trials with these lengths, how many times precede it in its trial."""
    return np.concatenate([np.arange(length) for length in trials])
