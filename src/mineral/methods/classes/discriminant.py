"""Labels by discriminant analysis: a Gaussian for each class, with shrunken means and covariances.

    I(X; Y) = H(Y) − H(Y | X) ≥ H(Y) − E[−log q(Y | X)],   q(y | x) ∝ p(y) f(x | y)^a

for every classifier q, evaluated on rows that it was not fitted to. The densities f are linear or
quadratic discriminants, centroids of selected columns if there are many, and shares of classes
among equal rows if rows repeat. Cross-validation selects among them, and the exponent a.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import solve_triangular

from mineral.basics.special import log_softmax
from mineral.basics.types import Matrix, PerSample, Rows
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.classes.densities import (
    BINS,
    MIN_CELL,
    PRIOR_ROWS,
    THRESHOLDS,
    Cells,
    Centroids,
    Histograms,
    LogDensity,
    binned,
    cells_of,
)
from mineral.methods.classes.labels import (
    RANKED,
    ROWS_PER_COMPONENT,
    SMALL_CLASS,
    Components,
    by_class,
    compressed,
    label_first,
    label_stderr,
    miller_madow,
    small_classes,
    surprisal,
)
from mineral.methods.counts.entropies import entropy_cap
from mineral.methods.learning_curve import reaching
from mineral.methods.options import AtLeastTwo
from mineral.samples import Paired, normal_scores

SHRINKAGES = (1.0, 3.0, 10.0, 30.0, 100.0, np.inf)  # rows that the shared covariance counts as
EXPONENTS = (
    4.0,
    2.8,
    2.0,
    1.4,
    1.0,
    0.7,
    0.4,
    0.2,
    0.0,
)  # a; above 1 for classes cut from one Gaussian
RIDGE = 0.01  # of unit variance: keeps covariances invertible
Option: TypeAlias = tuple[int, int]  # a family of densities, and which of them
SELECTION_ROWS = 10_000  # rows that select among the densities: enough for their order


@dataclass(frozen=True, kw_only=True)
class Discriminants:
    """Gaussian classes, fitted to labelled rows of about unit variance.

    Without a covariance of their own (infinite shrinkage) class means are draws from a Gaussian,
    whose covariance is estimated: directions that do not separate classes drop out, and a class is
    the more uncertain the fewer its rows (Ioffe 2006, doi:10.1007/11744085_41).
    """

    means: Float[np.ndarray, "c k"]  # of the rows, and one row more at the mean of all
    center: Float[np.ndarray, " k"]
    within: Float[np.ndarray, "k k"]  # covariance within classes
    own: Float[np.ndarray, "c k k"]  # sums of squares of each class
    counts: Float[np.ndarray, " c"]

    @classmethod
    def fit(
        cls, x: Float[np.ndarray, "n k"], label: Int[np.ndarray, " n"], classes: int
    ) -> "Discriminants":
        """Means, sums of squares and counts of each class; classes may have no row."""
        counts = np.bincount(label, minlength=classes).astype(float)
        center = x.mean(axis=0)
        totals = np.eye(classes)[label].T @ x
        averages = np.where(counts[:, None] > 0, totals / counts.clip(min=1)[:, None], center)
        residuals = x - averages[label]
        sums = np.stack([residuals[label == c].T @ residuals[label == c] for c in range(classes)])
        degrees = max(1, len(x) - np.count_nonzero(counts))
        return cls(
            means=(totals + center) / (counts + 1)[:, None],
            center=center,
            within=sums.sum(axis=0) / degrees,
            own=sums,
            counts=counts,
        )

    @property
    def log_shares(self) -> Float[np.ndarray, " c"]:
        """Of the classes, with half a row more each, since a class may have no row here."""
        shares = self.counts + 0.5
        return np.asarray(np.log(shares / shares.sum()))

    def log_densities(
        self, x: Float[np.ndarray, "n k"], shrinkage: float
    ) -> Float[np.ndarray, "n c"]:
        """log N(x; m_c, Σ_c), up to a constant that all classes share."""
        if np.isinf(shrinkage):
            return self._linear(x)
        covariances = (self.own + shrinkage * self.within) / (self.counts + shrinkage)[
            :, None, None
        ]
        roots = np.linalg.cholesky(covariances + RIDGE * np.eye(x.shape[1]))
        densities = np.empty((len(x), len(self.means)))
        for c, (mean, whiten) in enumerate(zip(self.means, np.linalg.inv(roots), strict=True)):
            densities[:, c] = -(((x - mean) @ whiten.T) ** 2).sum(axis=1) / 2
            densities[:, c] += np.log(np.diag(whiten)).sum()
        return densities

    def _linear(self, x: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n c"]:
        """Predictive densities with means m_c ~ N(m, B), in the directions that B and Σ share."""
        k, n = x.shape[1], self.counts.sum()
        root = np.linalg.cholesky(self.within + RIDGE * np.eye(k))
        averages = (
            self.center + (self.means - self.center) * (1 + 1 / self.counts.clip(min=1))[:, None]
        )
        z, u = (solve_triangular(root, (v - self.center).T, lower=True).T for v in (x, averages))
        squares, directions = np.linalg.eigh((u.T * self.counts) @ u)
        present = np.count_nonzero(self.counts)
        # The mean that noise adds to each nonzero eigenvalue.
        noise = max(present - 1, k)
        between = (squares - noise).clip(min=0) / (n - (self.counts**2).sum() / n).clip(min=1e-9)
        directions, between = directions[:, between > 0], between[between > 0]
        z, u = z @ directions, u @ directions
        posterior = between / (self.counts[:, None] * between + 1)
        mean, precision = self.counts[:, None] * posterior * u, 1 / (1 + posterior)
        constant = (np.log(precision) - mean**2 * precision).sum(axis=1) / 2
        return np.asarray(z @ (mean * precision).T - z**2 @ precision.T / 2 + constant)


@dataclass(frozen=True, kw_only=True)
class Discriminant(Estimator):
    """Discriminant analysis, cross-validated: a label and approximately Gaussian classes.

    The side with fewer distinct rows is the label; its classes have no order. The other side is
    used in its own units, with compressed tails; up to 20 columns, by its normal scores as well;
    beyond 100 columns, by as many principal components; and beyond 20 columns, also by the columns
    whose means differ most between classes. Rows that repeat are counted. A lower bound for classes
    of any shape, and far too low for rings or spirals. The interval includes the gain from more
    rows, extrapolated from halves and quarters of the rows.

    Args:
        folds: Parts of the samples, stratified by class, each predicted from the others. For each
            part, density and exponent are those that predict the rows of the other parts best.

    References:
        Fisher (1936), doi:10.1111/j.1469-1809.1936.tb02137.x, on linear discriminants.
        Friedman (1989), Regularized Discriminant Analysis, doi:10.1080/01621459.1989.10478752.
        Tibshirani et al. (2002), doi:10.1073/pnas.082099299, on shrunken centroids.
        Barber & Agakov (2003), the bound; McAllester & Stratos (2020), arXiv:1811.04251.
    """

    folds: AtLeastTwo = 10

    name = "discriminant"
    kind = "lower bound"
    labels = True

    def measure(self, samples: Paired, run: Run) -> Measurement:
        label, features = label_first(samples, needed_by="Discriminant")
        samples.at_least(2 * self.folds, f"Discriminant with {self.folds} folds")
        design = _Design.of(label, features, self.folds, run.rng())
        run.progress(0.0, self.name)
        fits = design.fits(1, range(len(design.families)))
        run.progress(0.5, self.name)
        chosen, scores = design.selected(fits)
        pointwise, optimism = design.predicted(fits, chosen)
        pointwise += surprisal(label) + miller_madow(label) - optimism
        families = sorted({family for (family, _), _ in chosen})
        fewer = [design.selected(design.fits(step, families))[1] for step in (2, 4)]
        value, stderr = float(pointwise.mean()), label_stderr(label, pointwise)
        run.progress(1.0, self.name)
        return reaching(
            Measurement(
                value=value, stderr=stderr, pointwise=pointwise, cautions=small_classes(label)
            ),
            [design.weights * len(scores) * (scores - other) for other in fewer],
            entropy_cap(label),
            underdetermined=features.shape[1] * ROWS_PER_COMPONENT > len(label),
        )


@dataclass(frozen=True, kw_only=True)
class _Design:
    """Folds of labelled rows, and what all densities of a fold are fitted to."""

    label: Int[np.ndarray, " n"]
    views: tuple[Matrix, ...]
    bins: tuple[Int[np.ndarray, "n d"], ...]
    cell: Int[np.ndarray, " n"]
    order: Rows  # class after class
    part: Int[np.ndarray, " n"]
    rows: Rows  # that select
    weights: Float[np.ndarray, " m"]  # of these, with sum 1
    shares: Float[np.ndarray, " c"]

    @classmethod
    def of(
        cls, label: Int[np.ndarray, " n"], features: Matrix, folds: int, rng: np.random.Generator
    ) -> "_Design":
        n, counts = len(label), np.bincount(label)
        order = by_class(label, features, rng)
        part = np.empty(n, dtype=np.int64)
        part[order] = np.arange(n) % folds
        place = np.arange(n) - (np.cumsum(counts) - counts)[label[order]]
        most = -(-SELECTION_ROWS // len(counts))
        rows = order[place < most]
        weights = (counts / np.minimum(counts, most))[label[rows]] / n
        wide = features.shape[1] > RANKED
        views = (compressed(features),) if wide else (compressed(features), normal_scores(features))
        return cls(
            label=label,
            views=views,
            bins=() if wide else tuple(binned(features, count) for count in BINS),
            cell=cells_of(features),
            order=order,
            part=part,
            rows=rows,
            weights=weights,
            shares=counts / n,
        )

    @property
    def families(self) -> list[Callable[[Rows], list[LogDensity]]]:
        """Each fits its densities to training rows."""
        found: list[Callable[[Rows], list[LogDensity]]] = []
        for view in self.views:
            found.append(partial(self._gaussians, view))
            if view.shape[1] > RANKED:
                found.append(partial(self._centroids, view))
        if self.bins:
            found.append(self._histograms)
        if np.any(self.cell >= 0):
            found.append(self._cells)
        return found

    def _gaussians(
        self, view: Matrix, training: Rows, shrinkages: Sequence[float] | None = None
    ) -> list[LogDensity]:
        if shrinkages is None:
            small = len(training) < SMALL_CLASS * len(self.shares)
            shrinkages = SHRINKAGES[-1:] if small else SHRINKAGES
        classes, of_x = len(self.shares), Components.fit(view[training])
        fitted = Discriminants.fit(of_x.apply(view[training]), self.label[training], classes)
        return [partial(_of_components, view, of_x, fitted, s) for s in shrinkages]

    def _centroids(self, view: Matrix, training: Rows) -> list[LogDensity]:
        fitted = Centroids.fit(view[training], self.label[training], len(self.shares))
        return [partial(_of_columns, view, fitted, t) for t in THRESHOLDS]

    def _histograms(self, training: Rows) -> list[LogDensity]:
        fits = [Histograms.fit(bins, training, self.label, len(self.shares)) for bins in self.bins]
        return [fitted.log_densities for fitted in fits]

    def _cells(self, training: Rows) -> list[LogDensity]:
        alone = training[self.cell[training] < 0]
        inner: list[LogDensity | None] = [None]
        if len(alone) >= 2 * MIN_CELL:
            inner += self._gaussians(self.views[0], alone, (3.0, np.inf))
        cells = [
            Cells(cell=self.cell, training=training, label=self.label, shares=self.shares, inner=g)
            for g in inner
        ]
        return [partial(c.log_densities, prior_rows=prior) for c in cells for prior in PRIOR_ROWS]

    def fits(self, step: int, families: Sequence[int]) -> list[dict[Option, LogDensity]]:
        """For each fold, densities fitted to every step-th row of the other folds."""
        fits = []
        for fold in range(int(self.part.max()) + 1):
            training = self.order[self.part[self.order] != fold][::step]
            found = {f: self.families[f](training) for f in families}
            fits.append({(f, i): d for f, of in found.items() for i, d in enumerate(of)})
        return fits

    def selected(
        self, fits: Sequence[dict[Option, LogDensity]]
    ) -> tuple[list[tuple[Option, float]], PerSample]:
        """For each fold, density and exponent that predict the other folds best; log q of rows."""
        part = self.part[self.rows]
        options = [o for o in fits[0] if all(o in of_fold for of_fold in fits)]
        judged = np.empty((len(options), len(EXPONENTS), len(self.rows)))
        for fold, of_fold in enumerate(fits):
            here = np.flatnonzero(part == fold)
            rows = self.rows[here]
            for i, option in enumerate(options):
                judged[i][:, here] = self._scores(of_fold[option](rows), self.label[rows])
        chosen, scores = [], np.empty(len(self.rows))
        for fold in range(len(fits)):
            others = np.where(part != fold, self.weights, 0.0)
            i, j = divmod(int((judged @ others).argmax()), len(EXPONENTS))
            scores[part == fold] = judged[i, j, part == fold]
            chosen.append((options[i], EXPONENTS[j]))
        return chosen, scores

    def _scores(
        self, densities: Float[np.ndarray, "m c"], label: Int[np.ndarray, " m"]
    ) -> Float[np.ndarray, "e m"]:
        """log q(label | x) for each exponent."""
        logits = np.array(EXPONENTS)[:, None, None] * densities + np.log(self.shares)
        return np.asarray(log_softmax(logits, axis=2)[:, np.arange(len(label)), label])

    def predicted(
        self, fits: Sequence[dict[Option, LogDensity]], chosen: Sequence[tuple[Option, float]]
    ) -> tuple[PerSample, float]:
        """log q(label | x) of every row, and its mean's optimism from shares of the same rows.

        The shares p̂ of all rows enter q. To second order they make the mean too high by
        Σ E[q (1 − q)] / p̂ / 2n: as much as they make the plug-in H(Y) too low where features are
        independent of the label, and nothing where q is certain.
        """
        n = len(self.label)
        found, optimism = np.empty(n), 0.0
        for fold, (of_fold, (which, exponent)) in enumerate(zip(fits, chosen, strict=True)):
            rows = np.flatnonzero(self.part == fold)
            logs = _posterior(of_fold[which](rows), exponent, self.shares)
            found[rows] = logs[np.arange(len(rows)), self.label[rows]]
            q = np.exp(logs)
            optimism += float(((q * (1 - q)).sum(axis=0) / self.shares).sum()) / n
        return found, optimism / (2 * n)


def _posterior(
    densities: Float[np.ndarray, "n c"], exponent: float, shares: Float[np.ndarray, " c"]
) -> Float[np.ndarray, "n c"]:
    """log q(y | x) of all classes."""
    return np.asarray(log_softmax(exponent * densities + np.log(shares), axis=1))


def _of_components(
    view: Matrix, of_x: Components, fitted: Discriminants, shrinkage: float, rows: Rows
) -> Float[np.ndarray, "m c"]:
    return fitted.log_densities(of_x.apply(view[rows]), shrinkage)


def _of_columns(
    view: Matrix, fitted: Centroids, threshold: float, rows: Rows
) -> Float[np.ndarray, "m c"]:
    return fitted.log_densities(view[rows], threshold)
