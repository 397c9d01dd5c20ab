"""Mutual information between kernel canonical variates, the most correlated functions of x and y.

By the data processing inequality,

    I(X; Y) ≥ I(f₁(X), …, f_k(X); g₁(Y), …, g_k(Y)),

with equality if x and y depend on each other only through these functions. The functions are the
most correlated ones (`kcca`), cross-fitted. KSG captures any dependence between two or three pairs
of variates. A Gaussian copula can use more pairs, but only variates that are not functions of
earlier ones: for one pair of normal variables, the second variate is the square of the first, and
redundant.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Matrix
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.copulas.likeliest import LikeliestCopula
from mineral.methods.neighbours.knn import KSG
from mineral.methods.normalized import normalized
from mineral.methods.options import AtLeastOne
from mineral.methods.projections.kcca import cross_fitted, predicted_share, shown
from mineral.methods.projections.projection import principal
from mineral.samples import Paired, normal_scores
from mineral.system.progress import portion

FEWEST = 50  # rows
WIDE = 64  # columns a side, above which variates are functions of principal components
COMPONENTS = (10, 40)  # a side
MOST = 8  # variates a side
NEAR = 3  # pairs of variates for KSG
NEW = 0.65  # share of a variate's variance that earlier variates must not predict, for it to be new
CLEARLY = 2.0  # standard errors
SOME = 3000  # rows that determine the number of variates
LEARNED, COUNTED = 0.5, 0.9  # share of the time until variates, and KSG, are computed


@dataclass(frozen=True, kw_only=True)
class Canonical(Estimator):
    """Kernel canonical variates, then KSG or a copula: dependence on combinations of columns.

    The variates are the most correlated smooth functions of (the normal scores of) x and y. An
    eigenvalue problem gives them, so that they need fewer rows than a network to detect nonlinear
    dependence on combinations of columns. The value is the largest KSG estimate on the first one,
    two or three pairs, unless a Gaussian copula on all non-redundant pairs is significantly larger.
    Dependence beyond eight variates is missed.

    With more than 64 columns a side, variates are functions of principal components.

    Args:
        k: Nearest neighbours of KSG.

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
    """Normal scores or, for very many columns, principal components, whitened or not."""
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
    """Equal variates for equal rows, whose folds predict slightly different ones."""
    _, which, count = np.unique(values, axis=0, return_inverse=True, return_counts=True)
    if count.max() == 1:
        return variates
    sums = np.zeros((len(count), variates.shape[1]))
    np.add.at(sums, which, variates)
    return np.asarray((sums / count[:, None])[which])


def _new(f: Matrix, g: Matrix) -> list[int]:
    """The variates that earlier ones do not predict, neither for x nor for y."""
    new = [0]
    for each in range(1, f.shape[1]):
        if max(predicted_share(side[:, each], side[:, new]) for side in (f, g)) < 1 - NEW:
            new.append(each)
    return new


def _among(samples: Paired, f: Matrix, g: Matrix) -> Paired:
    names = ([f"{side}: variate {i + 1}" for i in range(f.shape[1])] for side in "xy")
    x_names, y_names = map(tuple, names)
    return replace(samples, x=f, y=g, x_names=x_names, y_names=y_names)
