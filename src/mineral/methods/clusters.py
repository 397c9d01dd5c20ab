"""Clusters of each side, counted against each other: embeddings of texts, images or classes.

Each side is divided into clusters without a look at the other, so that

    I(X; Y) ≥ I(a(X); b(Y)) ≥ E[log q(b | a) / p(b)]

for clusters a, b and any table q, here of the counts of all *other* rows: no row is judged by a
table that it helped to fill.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mineral.errors import OptionError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.projection import principal
from mineral.samples import Paired
from mineral.types import PerSample

Labels = Int[np.ndarray, " n"]

COMPONENTS = 64  # in which clusters are looked for, not brought to one scale: noise stays small
ROWS_A_CLUSTER = 8  # on average
MOST = 256  # clusters
STARTS = 3  # of k-means: the tightest clusters are kept
SEEDING, FEWEST = 4, 1000  # rows for each cluster, and at least, among which a start is found
FITTED = 20_000  # rows that clusters are fitted to, at most; all are assigned to them
PRIOR = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # rows that the marginal counts for, in each table row


@dataclass(frozen=True, kw_only=True)
class Clusters(Estimator):
    """Clusters of x against clusters of y: many dimensions in which rows gather in groups.

    k-means among principal components, of standardized coordinates and of the coordinates as they
    are, with 2, 4, 8, … clusters a side: what finds most counts. What varies within clusters is
    lost.

    Args:
        clusters: A side; None tries powers of two, up to one for every eight rows and 256.

    References:
        Cover & Thomas (2006), the data processing inequality, section 2.8.
    """

    clusters: int | None = None

    name = "clusters"
    kind = "lower bound"

    def __post_init__(self) -> None:
        if self.clusters is not None and self.clusters < 2:
            raise OptionError(f"`clusters` must be at least 2 or None, got {self.clusters}.")

    def measure(self, samples: Paired, run: Run) -> Measurement:
        n = len(samples)
        samples.at_least(2 * ROWS_A_CLUSTER, "Clusters")
        most = min(MOST, n // ROWS_A_CLUSTER)
        counts = [self.clusters or 2]
        while not self.clusters and counts[-1] * 2 <= most:
            counts.append(counts[-1] * 2)
        candidates = []
        for scaled in (True, False):
            sides = [
                principal(values, COMPONENTS, scaled=scaled, whitened=False)
                for values in (samples.x, samples.y)
            ]
            for count in counts:
                a, b = (_clusters(side, count, run.rng()) for side in sides)
                candidates.append((left_out(a, b), count))
                run.progress(len(candidates) / (2 * len(counts)), "counting clusters")
        best, chosen = max(candidates, key=lambda each: each[0].mean())
        return Measurement(
            value=float(best.mean()),
            stderr=float(best.std() / np.sqrt(n)),
            pointwise=best,
            path=(f"{chosen} clusters of x and of y, counted against each other.",),
        )


def _clusters(values: Float[np.ndarray, "n k"], count: int, rng: np.random.Generator) -> Labels:
    from scipy.cluster.vq import kmeans2, vq  # which brings in much that others do without

    few = rng.permutation(values)[: max(SEEDING * count, FEWEST)]  # find the best start
    many = rng.permutation(values)[:FITTED]
    best, start = np.inf, few[:count]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of clusters that ran empty: fewer do as well
        for _ in range(STARTS):
            centers, found = kmeans2(few, count, minit="++", rng=rng)
            spread = float(((few - centers[found]) ** 2).sum())
            if spread < best:
                best, start = spread, centers
        centers, _ = kmeans2(many, start, minit="matrix", rng=rng)
    return np.asarray(vq(values, centers)[0]).astype(np.int64)


def left_out(a: Labels, b: Labels) -> PerSample:
    """log q(b | a) / p(b) of every row, by the counts of all others."""
    n = len(a)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    rows, columns = table.sum(axis=1)[a] - 1, table.sum(axis=0)[b] - 1
    cells = table[a, b] - 1
    # A cluster of one is as likely as half a row would make it.
    share = np.where(columns > 0, columns, 0.5) / (n - 1)
    values = [np.log((cells + w * share) / (rows + w) / share) for w in PRIOR]
    return np.asarray(max(values, key=lambda each: each.mean()))
