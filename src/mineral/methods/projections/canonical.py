"""Kernel canonical variates, the few functions of x and y that go together, and what they share.

By the data processing inequality,

    I(X; Y) ≥ I(f₁(X), …, f_k(X); g₁(Y), …, g_k(Y)),

with equality where x and y depend on each other through these functions alone. Found are the
functions that go together most closely (`kcca`), of each row by what other rows teach. Neighbours
see any dependence between two or three pairs of them. A copula sees that of more pairs, and must
not be given what it has seen before: of a single pair of normals the second function is the first
one squared, and says nothing new.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.copulas.likeliest import LikeliestCopula
from mineral.methods.neighbours.knn import KSG
from mineral.methods.normalized import normalized
from mineral.methods.options import AtLeastOne
from mineral.methods.projections.kcca import cross_fitted, shown, told
from mineral.methods.projections.projection import principal
from mineral.progress import portion
from mineral.samples import Paired, normal_scores
from mineral.types import Matrix

FEWEST = 50  # rows
WIDE = 64  # coordinates a side, above which variates are made of components
COMPONENTS = (10, 40)  # a side
MOST = 8  # variates a side
NEAR = 3  # among which neighbours are looked for
NEW = 0.65  # of a variate's variance, that those before it must leave for it to say something new
CLEARLY = 2.0  # standard errors
SOME = 3000  # rows that say how many variates are looked at
LEARNED, COUNTED = 0.5, 0.9  # share of the time until variates and neighbours are there


@dataclass(frozen=True, kw_only=True)
class Canonical(Estimator):
    """Kernel canonical variates, then neighbours or a copula: dependence mixed within each side.

    Smooth functions of (the normal scores of) x and of y are found that go together most closely,
    by a decomposition rather than by descent: of few rows it sees dependence that turns or folds
    within a side before a network does. Neighbours among the first one, two or three pairs of these
    are counted, and what finds most is reported, unless a copula of all those that say something
    new finds clearly more. More than eight functions' worth of dependence is lost.

    Of more than 64 coordinates a side, variates are made of principal components.

    Args:
        k: Neighbours to look at.

    References:
        Bach & Jordan (2002), kernel canonical correlation, JMLR 3.
        Kraskov, Stögbauer & Grassberger (2004), arXiv:cond-mat/0305641.
    """

    k: AtLeastOne = 3

    name = "canonical"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        n = len(samples)
        samples.at_least(FEWEST, "Canonical variates")
        rng = run.rng()
        rows = rng.permutation(n)
        run.progress(0.0, "canonical variates")
        looks = [(x, y, shown(x, y, rows, most=MOST)) for x, y in _views(samples)]
        x, y, best = max(looks, key=lambda look: look[2].strength)
        f, g = cross_fitted(x, y, rows, replace(best, count=max(1, best.count)), rng)
        f, g = _alike(samples.x, f), _alike(samples.y, g)
        some = rows[:SOME]
        run.progress(LEARNED, "KSG on the canonical variates")
        near = KSG(k=self.k, standardize=False)
        count = max(
            range(1, min(NEAR, f.shape[1]) + 1),
            key=lambda count: near.contributions(f[some, :count], g[some, :count]).mean(),
        )
        found = near.measure(
            _among(samples, f[:, :count], g[:, :count]),
            replace(run, progress=portion(run.progress, LEARNED, COUNTED)),
        )
        path = f"KSG on {count} kernel canonical variates of x and of y."
        new = _new(f[some], g[some])
        if len(new) > 1:
            few = _among(samples, f[:, new], g[:, new])
            rest = replace(run, progress=portion(run.progress, COUNTED, 1.0))
            copula = normalized(LikeliestCopula().measure(few, rest), few, run)
            if copula.value - found.value > CLEARLY * np.hypot(copula.stderr, found.stderr):
                found = replace(copula, model=None)
                path = f"Gaussian copula on {len(new)} kernel canonical variates of x and of y."
        run.progress(1.0, "canonical variates")
        return replace(found, path=(path,))


def _views(samples: Paired) -> Iterator[tuple[Matrix, Matrix]]:
    """Normal scores; of very many coordinates components, of one scale or as large as they are."""
    if max(samples.x.shape[1], samples.y.shape[1]) <= WIDE:
        yield normal_scores(samples.x), normal_scores(samples.y)
        return
    for scaled in (True, False):
        sides = [
            principal(side, max(COMPONENTS), scaled=scaled, whitened=False)
            for side in (samples.x, samples.y)
        ]
        for most in COMPONENTS:
            x, y = (side[:, :most] for side in sides)
            yield x / np.sqrt((x**2).mean()), y / np.sqrt((y**2).mean())


def _alike(
    values: Float[np.ndarray, "n d"], variates: Float[np.ndarray, "n k"]
) -> Float[np.ndarray, "n k"]:
    """The same variates for rows that are the same, which folds tell a little differently."""
    _, which, count = np.unique(values, axis=0, return_inverse=True, return_counts=True)
    if count.max() == 1:
        return variates
    sums = np.zeros((len(count), variates.shape[1]))
    np.add.at(sums, which, variates)
    return np.asarray((sums / count[:, None])[which])


def _new(f: Matrix, g: Matrix) -> list[int]:
    """The variates that those before them do not tell, neither of x nor of y."""
    new = [0]
    for each in range(1, f.shape[1]):
        if max(told(side[:, each], side[:, new]) for side in (f, g)) < 1 - NEW:
            new.append(each)
    return new


def _among(samples: Paired, f: Matrix, g: Matrix) -> Paired:
    names = ([f"{side}: variate {i + 1}" for i in range(f.shape[1])] for side in "xy")
    x_names, y_names = map(tuple, names)
    return replace(samples, x=f, y=g, x_names=x_names, y_names=y_names)
