"""Labels by discriminant analysis: classes as ellipses, whose shapes lean towards one another's.

    I(X; Y) = H(Y) − H(Y | X) ≥ H(Y) − E[−log q(Y | X)],   q(y | x) ∝ p(y) N(x; m_y, Σ_y)^a

for every classifier q, evaluated on rows that it never saw. With few rows Σ_y leans towards the
covariance within all classes: between linear discriminants and quadratic ones. How far, and how
sure of itself q is, other rows decide.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import solve_triangular

from mineral.errors import OptionError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.labels import RANKED, Components, label_first, surprise
from mineral.samples import Paired, normal_scores
from mineral.types import Rows

LEANS = (1.0, 3.0, 10.0, 30.0, 100.0, np.inf)  # rows that the shared covariance counts as
SURENESS = (1.0, 0.7, 0.4, 0.2, 0.0)  # a: the last knows nothing but p(y)
ROUGH = 0.01  # of unit variance: what keeps covariances invertible


@dataclass(frozen=True, kw_only=True)
class Discriminants:
    """Gaussian classes, of unit variance or thereabouts, fitted to labelled rows."""

    means: Float[np.ndarray, "c k"]
    whole: Float[np.ndarray, "k k"]  # covariance within classes
    own: Float[np.ndarray, "c k k"]  # sums of squares of each class
    counts: Float[np.ndarray, " c"]

    @classmethod
    def fit(
        cls, x: Float[np.ndarray, "n k"], label: Int[np.ndarray, " n"], classes: int
    ) -> "Discriminants":
        """A class's mean leans towards the mean of all, the more the fewer its rows."""
        counts = np.bincount(label, minlength=classes).astype(float)
        totals = np.zeros((classes, x.shape[1]))
        np.add.at(totals, label, x)
        means = (totals + x.mean(axis=0)) / (counts + 1)[:, None]
        apart = x - means[label]
        own = np.stack([apart[label == c].T @ apart[label == c] for c in range(classes)])
        return cls(means=means, whole=own.sum(axis=0) / len(x), own=own, counts=counts)

    @property
    def log_shares(self) -> Float[np.ndarray, " c"]:
        """Of the classes; half a row more each, since one may be missing here."""
        shares = self.counts + 0.5
        return np.asarray(np.log(shares / shares.sum()))

    def log_densities(self, x: Float[np.ndarray, "n k"], lean: float) -> Float[np.ndarray, "n c"]:
        """log N(x; m_c, Σ_c), up to a constant that all classes share."""
        rough = ROUGH * np.eye(x.shape[1])
        if np.isinf(lean):
            root = np.linalg.cholesky(self.whole + rough)
            z, m = (solve_triangular(root, v.T, lower=True).T for v in (x, self.means))
            return np.asarray(z @ m.T - (m**2).sum(axis=1) / 2)
        found = np.empty((len(x), len(self.means)))
        for c, (mean, own, count) in enumerate(zip(self.means, self.own, self.counts, strict=True)):
            root = np.linalg.cholesky((own + lean * self.whole) / (count + lean) + rough)
            z = solve_triangular(root, (x - mean).T, lower=True)
            found[:, c] = -(z**2).sum(axis=0) / 2 - np.log(np.diag(root)).sum()
        return found

    def log_likelihoods(
        self, x: Float[np.ndarray, "n k"], label: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, "leans surenesses n"]:
        """log q(label | x) of each row, for every lean and sureness."""
        rows = np.arange(len(x))
        found = np.empty((len(LEANS), len(SURENESS), len(x)))
        for i, lean in enumerate(LEANS):
            densities = self.log_densities(x, lean)
            for j, sureness in enumerate(SURENESS):
                logits = sureness * densities + self.log_shares
                top = logits.max(axis=1, keepdims=True)
                total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
                found[i, j] = logits[rows, label] - total
        return found


@dataclass(frozen=True, kw_only=True)
class Discriminant(Estimator):
    """Discriminant analysis, held out: of a label, by numbers that scatter as ellipses.

    The side with fewer different rows is the label; its classes have no order. The other side is
    seen in its own units or, up to 20 coordinates, by normal scores; beyond 100 coordinates, by as
    many principal components. A lower bound whatever the classes look like, and far below where
    they are rings or spirals.

    Args:
        folds: Parts of the samples, each judged by what learned on the others. Units, how
            quadratic and how sure the discriminants of a part are were best on the rows of the
            others.

    References:
        Fisher (1936), doi:10.1111/j.1469-1809.1936.tb02137.x, on linear discriminants.
        Friedman (1989), Regularized Discriminant Analysis, doi:10.1080/01621459.1989.10478752.
        Barber & Agakov (2003), the bound; McAllester & Stratos (2020), arXiv:1811.04251.
    """

    folds: int = 10

    name = "discriminant"
    kind = "lower bound"
    labels = True

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise OptionError(f"`folds` must be at least 2, got {self.folds}.")

    def measure(self, samples: Paired, run: Run) -> Measurement:
        label, features = label_first(samples, needed_by="Discriminant")
        n, classes = len(label), int(label.max()) + 1
        samples.at_least(2 * self.folds, f"Discriminant with {self.folds} folds")
        order = np.lexsort(features.T)  # whatever order rows come in, or names classes have
        part = np.empty(n, dtype=np.int64)
        part[order] = run.rng().permutation(n) % self.folds
        views = [features]
        if features.shape[1] <= RANKED:
            views.append(normal_scores(features))
        judged = np.empty((len(views), len(LEANS), len(SURENESS), n))
        for fold in range(self.folds):
            held_out: Rows = np.flatnonzero(part == fold)
            rest = np.flatnonzero(part != fold)
            for seen, of_view in zip(views, judged, strict=True):
                of_x = Components.fit(seen[rest])
                fitted = Discriminants.fit(of_x.apply(seen[rest]), label[rest], classes)
                of_view[..., held_out] = fitted.log_likelihoods(
                    of_x.apply(seen[held_out]), label[held_out]
                )
            run.progress((fold + 1) / self.folds, self.name)
        options = judged.reshape(-1, n)
        pointwise = np.empty(n)
        for fold in range(self.folds):
            best = options[:, part != fold].mean(axis=1).argmax()
            pointwise[part == fold] = options[best, part == fold]
        pointwise += surprise(label)
        return Measurement(
            value=float(pointwise.mean()),
            stderr=float(pointwise.std(ddof=1) / np.sqrt(n)),
            pointwise=pointwise,
        )
