"""Does the source's past improve the prediction of the target? A test against surrogate sources.

A surrogate has the autocorrelation of the source and no relation to the target, whose own past and
present are left as they are. The whole statistic is computed anew for each surrogate, so that it
errs in the same way as for the source: residuals of two independent series with a memory of .95
correlate by chance more than those of independent rows (an F test rejects 7.5 % at 5 % from 100
rows, these surrogates 4.5 %: benchmarks/directed.py).

    phases       random phases of the Fourier transform of normal scores, the same in all columns
    rotations    of a source of categories or of values that repeat: its end is put before its start

Z, the target's past and the given series, is regressed out by the basis of functions that predicts
the target best. Three statistics of the residuals are standardized over all surrogates, and the
largest counts:

    T₁  the information of a Gaussian copula of both residuals, from canonical correlations
    T₂  ‖C‖² of random Fourier features of r_x and of r_y
    T₃  ‖C‖² of features of (r_x, Z) and of r_y, which sees dependence whose sign Z decides

References:
    Theiler et al. (1992), random phases, doi:10.1016/0167-2789(92)90102-S.
    Prichard & Theiler (1994), several columns, doi:10.1103/PhysRevLett.73.951.
    Phipson & Smyth (2010), on p-values that are never 0, doi:10.2202/1544-6115.1585.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Matrix
from mineral.methods.conditional.regressed import regressed, untied
from mineral.permutation import Trials, copula_statistics, p_value_of, phases, waves
from mineral.samples import conditioned, indicators, normal_scores, repeating, whiten, without
from mineral.samples.columns.variable import columns
from mineral.series.embedding import Embedding, Lags
from mineral.series.reading import Column, Series, is_missing


def against_surrogates(
    rows: Embedding, source: Lags, surrogates: int, seed: int
) -> tuple[float, str]:
    """The p-value, and a sentence about the surrogates.

    Args:
        rows: The sides x (lags of the source), y (the target) and z (the condition).
        source: What x was embedded from.
        surrogates: How many are drawn; there are fewer rotations than times.
        seed: Of the surrogates and the features.
    """
    rng = np.random.default_rng(seed)
    statistics = _Statistics(rows, seed)
    numbers, is_continuous = _numbers(source.series)
    drawn = phases(numbers, rng) if is_continuous else rotations(numbers, rng)
    values = [statistics(_rows(rows, numbers, source.lags))]
    for trials, _ in zip(drawn, range(surrogates), strict=False):
        values.append(statistics(_rows(rows, trials, source.lags)))
    p_value, _ = p_value_of(list(np.array(values).T))
    kind = "with random phases" if is_continuous else "by rotation"
    return p_value, f"Test: {len(values) - 1:,} surrogates of the source {kind}."


class _Statistics:
    """T₁, T₂ and T₃ of a source's past.

    Args:
        rows: The observed rows, on which the basis is chosen.
        seed: Of the features, which are the same for all surrogates.
    """

    def __init__(self, rows: Embedding, seed: int) -> None:
        sides = rows.sides
        # Chosen for the target alone: a basis chosen for the source as well would fit it better
        # than any surrogate.
        samples = conditioned(sides["y"], sides["y"], sides["z"], words=True).measurable()
        whole = untied(samples, np.random.default_rng(seed))
        residuals = regressed(whole, scores=True, linear=False, seed=seed)
        functions = residuals.functions if residuals.freedom else residuals.z
        self._basis = whiten(functions)[0] if functions.shape[1] else functions
        self._z = residuals.z
        self._seed = seed
        y = normal_scores(indicators(residuals.pair.y, residuals.pair.categorical_y))
        self._y = whiten(self._without_z(y))[0]
        self._waves_y = self._without_z(waves(y, self._rng()))

    def __call__(self, past: Matrix) -> tuple[float, float, float]:
        x = normal_scores(self._without_z(past))
        white = whiten(self._without_z(x))[0]
        of_copula = copula_statistics(self._y, white, [np.arange(len(x))])
        of_x, of_xz = (waves(side, self._rng()) for side in (x, np.hstack([x, self._z])))
        kernels = (((each.T @ self._waves_y) ** 2).sum() for each in (of_x, of_xz))
        return (float(of_copula[0]), *map(float, kernels))  # type: ignore[return-value]

    def _without_z(self, values: Matrix) -> Matrix:
        return without(values - values.mean(axis=0), self._basis)

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self._seed)


def _numbers(source: Series) -> tuple[Trials, bool]:
    """Normal scores of numbers and indicators of categories, and whether values rarely repeat.

    A missing value has that of the time before it: no row of the embedding shows it, but surrogates
    move it.
    """
    stacked = {
        str(i): np.concatenate([filled(trial[i]) for trial in source.trials])
        for i in range(len(source.names))
    }
    part = columns("source", stacked, text=True)
    scores = normal_scores(indicators(part.values, part.categorical))
    is_continuous = not (part.categorical.any() or repeating(part.values).any())
    return np.split(scores, np.cumsum(source.lengths)[:-1]), is_continuous


def filled(column: Column) -> Column:
    """The column with each missing value replaced by the one before it, or by the first."""
    present = ~is_missing(column)
    if present.all() or not present.any():
        return column if present.all() else np.zeros(len(column))
    last = np.maximum.accumulate(np.where(present, np.arange(len(column)), -1))
    return np.asarray(column[np.where(last < 0, present.argmax(), last)])


def rotations(trials: Trials, rng: np.random.Generator) -> Iterator[Trials]:
    """Surrogates that are rotated, each trial by a number of its own; of one trial, each once."""
    if len(trials) == 1:
        for shift in rng.permutation(np.arange(1, len(trials[0]))):
            yield [np.roll(trials[0], shift, axis=0)]
    while len(trials) > 1:
        yield [np.roll(trial, rng.integers(len(trial)), axis=0) for trial in trials]


def _rows(rows: Embedding, trials: Trials, lags: Sequence[int]) -> Float[np.ndarray, "n lagged"]:
    """The lags of a source at the rows of the embedding."""
    first = np.concatenate([[0], np.cumsum([len(trial) for trial in trials])[:-1]])
    place = first[rows.trial] + rows.time
    whole = np.concatenate(trials)
    return np.hstack([whole[place - lag] for lag in lags])
