"""A contingency table of clusters of x and clusters of y: embeddings of text, images or classes.

Each side is clustered without using the other, so that

    I(X; Y) ≥ I(a(X); b(Y)) ≥ E[log q(b | a) / p(b)]

for clusters a, b and any table q, here from the counts of all *other* rows (leave-one-out).
Alternatively, clusters are of kernel canonical variates, which are fitted to one part of the rows;
the table counts only the other rows.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import PerSample
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.options import AtLeastTwo
from mineral.methods.projections.kcca import Kernel, Variates, correlations
from mineral.methods.projections.projection import principal
from mineral.samples import Paired, folds
from mineral.system.chance import first_import
from mineral.system.progress import portion
from mineral.system.threads import quiet

Labels = Int[np.ndarray, " n"]

COMPONENTS = 64  # principal components to cluster, not whitened, so that noise stays small
ROWS_A_CLUSTER = 8  # on average
MOST = 256  # clusters
STARTS = 3  # of k-means; the best is kept
SEEDING, FEWEST = 4, 1000  # rows for each cluster, and at least, that the starts use
FITTED = 20_000  # rows that clusters are fitted to, at most; all are assigned to them
VARYING = 40  # components that variates are functions of
VARIATES = 16  # a side
WIDTH = 0.7  # bandwidth of the Gaussian kernel
SHARED = (4, 8, 12, 16, 24, 32, 64)  # clusters of variates
FOLDS = 4
UNTAUGHT = 0.7  # share of the time for clusters without variates, for the progress bar
FEWEST_TAUGHT = 400  # rows, from which clusters of variates are tried
# pseudo-counts of the marginal, in each row of the table
PRIOR = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True, kw_only=True)
class Clusters(Estimator):
    """Clusters of x against clusters of y: for rows that form clusters in many dimensions.

    k-means on principal components, of standardized and of original columns, with 2, 4, 8, …
    clusters a side, or on kernel canonical variates fitted to a part of the rows. The largest value
    is reported. Dependence within clusters is missed.

    Args:
        clusters: Number of clusters a side; None tries powers of two, up to one for every eight
            rows and 256, and clusters of variates.

    References:
        Cover & Thomas (2006), the data processing inequality, section 2.8.
        Bach & Jordan (2002), kernel canonical variates, JMLR 3.
    """

    clusters: AtLeastTwo | None = None

    name = "clusters"
    kind = "lower bound"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        n = len(samples)
        samples.at_least(2 * ROWS_A_CLUSTER, "Clusters")
        most = min(MOST, n // ROWS_A_CLUSTER)
        counts = [self.clusters or 2]
        while not self.clusters and counts[-1] * 2 <= most:
            counts.append(counts[-1] * 2)
        candidates = []
        for scaled in (True, False):  # in this order: variates are made of the last ones
            sides = [
                principal(values, COMPONENTS, scaled=scaled, whitened=False)
                for values in (samples.x, samples.y)
            ]
            for count in counts:
                a, b = (_clusters(side, count, run.rng()) for side in sides)
                candidates.append((left_out(a, b), count))
                run.progress(UNTAUGHT * len(candidates) / (2 * len(counts)), "counting clusters")
        best, chosen = max(candidates, key=lambda each: each[0].mean())
        of = "x and of y"
        if not self.clusters and n >= FEWEST_TAUGHT:
            rest = replace(run, progress=portion(run.progress, UNTAUGHT, 1.0))
            taught, count = _taught(sides, rest)
            if taught.mean() > best.mean():
                best, chosen, of = taught, count, "a shared representation of x and y"
        run.progress(1.0, "counting clusters")
        return Measurement(
            value=float(best.mean()),
            stderr=float(best.std() / np.sqrt(n)),
            pointwise=best,
            path=(f"{chosen} clusters of {of}, compared in a contingency table.",),
        )


def _taught(sides: list[np.ndarray], run: Run) -> tuple[PerSample, int]:
    """The same for clusters of canonical variates, cross-fitted.

    Args:
        sides: Principal components of x and of y, the largest first.
        run: How to.
    """
    rng, n = run.rng(), len(sides[0])
    x, y = (side[:, :VARYING] / np.sqrt((side[:, :VARYING] ** 2).mean()) for side in sides)
    counts = [count for count in SHARED if count * ROWS_A_CLUSTER * FOLDS <= n]
    gains = np.empty((len(counts), n))
    for done, fold in enumerate(folds(n, FOLDS, validation=0.0, rng=rng)):
        run.progress(done / FOLDS, "learning a shared representation")
        learned = fold.training[:FITTED]
        fit = Variates.fit(x[learned], y[learned], Kernel(WIDTH), VARIATES, rng)
        strength = correlations(*fit.without_itself).clip(min=0)
        weights = [strength / side.std(axis=0).clip(min=1e-12) for side in fit.without_itself]
        of_training = [side * w for side, w in zip(fit.without_itself, weights, strict=True)]
        of_test = [
            side * w for side, w in zip(fit.of(x[fold.test], y[fold.test]), weights, strict=True)
        ]
        for i, count in enumerate(counts):
            a, b = (
                _assigned(rest, _centers(side, count, rng))
                for side, rest in zip(of_training, of_test, strict=True)
            )
            gains[i, fold.test] = left_out(a, b)
    best = int(gains.mean(axis=1).argmax())
    return gains[best], counts[best]


def _clusters(values: Float[np.ndarray, "n k"], count: int, rng: np.random.Generator) -> Labels:
    return _assigned(values, _centers(values, count, rng))


def _assigned(values: Float[np.ndarray, "n k"], centers: Float[np.ndarray, "clusters k"]) -> Labels:
    from scipy.cluster.vq import vq  # slow to import: only when needed

    return np.asarray(vq(values, centers)[0]).astype(np.int64)


def _centers(
    values: Float[np.ndarray, "n k"], count: int, rng: np.random.Generator
) -> Float[np.ndarray, "clusters k"]:
    from scipy.cluster.vq import kmeans2  # slow to import, as the next: only when needed

    with first_import("sklearn.cluster"):
        from sklearn.cluster import kmeans_plusplus

    few = rng.permutation(values)[: max(SEEDING * count, FEWEST)]  # select the best start
    many = rng.permutation(values)[:FITTED]
    best, start = np.inf, few[:count]
    with quiet():  # warnings of empty clusters: fewer clusters are fine
        for _ in range(STARTS):
            seeds, _ = kmeans_plusplus(few, count, random_state=int(rng.integers(2**32)))
            centers, found = kmeans2(few, seeds, minit="matrix", rng=rng)
            spread = float(((few - centers[found]) ** 2).sum())
            if spread < best:
                best, start = spread, centers
        centers, _ = kmeans2(many, start, minit="matrix", rng=rng)
    return np.asarray(centers)


def left_out(a: Labels, b: Labels) -> PerSample:
    """log q(b | a) / p(b) of every row, from the counts of all others."""
    n = len(a)
    of_a, of_b = np.bincount(a), np.bincount(b)
    pairs = a * len(of_b) + b
    _, own, of_pairs = np.unique(pairs, return_inverse=True, return_counts=True)
    rows, columns, cells = of_a[a] - 1, of_b[b] - 1, of_pairs[own] - 1
    # A cluster of one row counts as half a row.
    share = np.where(columns > 0, columns, 0.5) / (n - 1)
    values = [np.log((cells + w * share) / (rows + w) / share) for w in PRIOR]
    return np.asarray(max(values, key=lambda each: each.mean()))
