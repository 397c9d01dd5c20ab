"""Neighbour counts that leave out rows near in time: a Theiler window.

Rows of a series that is sampled faster than it changes are neighbours because little time passed
between them, and not because the same state came back. With a window of w rows, a row at most w
before or after another of the same trial is no neighbour of it and is not counted:

    I ≈ mean[ψ(k) + ψ(n_z) − ψ(n_xz) − ψ(n_yz)]

over the remaining rows of each, as `mineral.methods.conditional.neighbours` has it over all rows.
Without z, n_z is the number of these rows, and the estimate that of Kraskov et al. All pairs of
rows are compared: time and memory rise with n².

References:
    Theiler (1986), doi:10.1103/PhysRevA.34.2427.
    Frenzel & Pompe (2007), doi:10.1103/PhysRevLett.99.204101.
"""

import numpy as np
import torch

from mineral.basics.types import PerSample, Rows, X, Y, Z
from mineral.errors import InputError, OptionError
from mineral.methods import KSG, CMIKnn, Estimator
from mineral.methods.base import Measurement, Run
from mineral.methods.conditional import neighbours
from mineral.methods.conditional.regressed import Regressions
from mineral.methods.neighbours.subsampling import stderr_of
from mineral.samples import Conditioned, Paired, normal_scores
from mineral.series.embedding import Times


def check_window(theiler: int, recipe: Estimator, *, given: bool) -> None:
    """Refuse a window for an estimator without neighbours.

    Raises:
        OptionError: If it is none of neighbours.
    """
    wanted = CMIKnn if given else KSG
    if theiler and not isinstance(recipe, wanted):
        raise OptionError(
            f"`theiler` is a window of neighbours, which {recipe.name} does not have here: use "
            f"estimator='{wanted.name}'."
        )


def cmi_knn_outside(
    inner: CMIKnn, samples: Conditioned, run: Run, trial: Times, time: Times, window: int
) -> Measurement:
    """What `cmi-knn` measures, with neighbours outside the window.

    Args:
        inner: The estimator; its regressions and columns of Z are those without a window.
        samples: Rows of lags.
        run: The run.
        trial: Of each row.
        time: Of each row within its trial.
        window: Rows nearer in time are no neighbours.

    Raises:
        InputError: If a row has fewer than k + 1 others outside the window.
    """
    regressions = Regressions(samples, run)
    if inner.regress:
        x, y, z, path = inner.among(regressions.scores)
    else:
        x, y = normal_scores(samples.pair.x), normal_scores(samples.pair.y)
        z, path = normal_scores(samples.numbers_z), ()
    return _measured(x, y, z, inner.k, run, trial, time, window, path)


def ksg_outside(
    inner: KSG, samples: Paired, run: Run, trial: Times, time: Times, window: int
) -> Measurement:
    """What `ksg` measures of normal scores, with neighbours outside the window."""
    x, y = normal_scores(samples.x), normal_scores(samples.y)
    return _measured(x, y, np.empty((len(x), 0)), inner.k, run, trial, time, window, ())


def _measured(
    x: X,
    y: Y,
    z: Z,
    k: int,
    run: Run,
    trial: Times,
    time: Times,
    window: int,
    path: tuple[str, ...],
) -> Measurement:
    def pointwise(rows: Rows) -> PerSample:
        return contributions(x[rows], y[rows], z[rows], k, trial[rows], time[rows], window)

    values = pointwise(np.arange(len(x)))
    least = k + 2 + 2 * window
    stderr = stderr_of(values, pointwise, least, run.rng())
    sentence = f"Rows at most {window} apart in time are no neighbours (Theiler window)."
    return Measurement(
        value=float(values.mean()), stderr=stderr, pointwise=values, path=(*path, sentence)
    )


def contributions(x: X, y: Y, z: Z, k: int, trial: Times, time: Times, window: int) -> PerSample:
    """What each row contributes; each row counts itself, as it does without a window.

    Raises:
        InputError: If a row has fewer than k + 1 others outside the window.
    """
    times, trials = torch.from_numpy(np.asarray(time)), torch.from_numpy(np.asarray(trial))

    def near(rows: slice) -> torch.Tensor:
        found = (times[rows, None] - times).abs() <= window
        found &= trials[rows, None] == trials
        found.diagonal(rows.start).fill_(value=False)
        if int((~found).sum(dim=1).min()) < k + 2:
            raise InputError(
                f"`theiler` {window} leaves fewer than {k + 1} rows outside the window of a row: "
                "use a smaller one, or a longer series."
            )
        return found

    return neighbours.from_counts(*neighbours.by_pairs(x, y, z, k, near=near))
