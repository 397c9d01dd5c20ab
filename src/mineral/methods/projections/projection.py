"""Principal components first: for too many columns for the number of rows.

The components of X are computed without using Y, and vice versa, so that they do not overfit the
dependence. Dependence on the dropped components is missed; the number of components maximizes the
held-out Gaussian information.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Matrix, X, Y
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.copulas.gaussian import GaussianCopula
from mineral.methods.copulas.likeliest import LikeliestCopula
from mineral.methods.neighbours.knn import KSG
from mineral.methods.neural.residual import Residual
from mineral.methods.normalized import excess, normalized
from mineral.methods.options import AtLeastOne
from mineral.samples import Paired, folds, normal_scores, principal_directions, shifted
from mineral.system.progress import portion

Budget: TypeAlias = Literal["fast", "balanced", "thorough"]

ROWS_FOR_EACH = 10  # rows for each dimension, above which the original columns are used
MOST = 32  # components a side
NEAR = 10  # components a side for KSG
CLEARLY = 3.0  # standard errors
FOLDS = 4
PARTNERS = 32  # product samples of each held-out row
FINAL = 0.8  # share of the time before KSG, for the progress bar
RIDGE = 1e-9  # of unit variances: without it, copied columns are singular


@dataclass(frozen=True, kw_only=True)
class Projected(Estimator):
    """PCA of each side, then a copula with a neural correction: many dimensions.

    Captures dependence between directions of large variance, such as a few factors behind many
    measurements; misses dependence between directions of small variance. If KSG on the first ten
    components is significantly larger, as for clusters, its value is reported.

    Args:
        components: Number a side; None selects it on held-out rows, up to 32.
        budget: "fast" trains no network.

    References:
        Hotelling (1936), doi:10.1093/biomet/28.3-4.321, on correlations of components.
    """

    components: AtLeastOne | None = None
    budget: Budget = "balanced"

    name = "projected"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        most = self.components or min(MOST, max(1, len(samples) // (2 * ROWS_FOR_EACH)))
        found_among = []
        for scaled in (True, False):
            x, y = (principal(side, most, scaled=scaled) for side in (samples.x, samples.y))
            found_among.append((*_best(x, y, run, self.components), scaled, x, y))
        _, count, scaled, x, y = max(found_among, key=lambda each: each[0])
        reduced = replace(
            samples,
            x=x[:, :count],
            y=y[:, :count],
            x_names=_names("x", x[:, :count]),
            y_names=_names("y", y[:, :count]),
        )
        final = replace(run, progress=portion(run.progress, 0.0, FINAL))
        found = normalized(self._final(reduced).measure(reduced, final), reduced, run)
        of = "standardized coordinates" if scaled else "the original columns"
        kept = f"PCA of {of}: {reduced.x.shape[1]} components of x, {reduced.y.shape[1]} of y."
        found = replace(found, path=(kept, *found.path), model=None)
        if self.components is not None:
            run.progress(1.0, self.name)
            return found
        near = replace(samples, x=x[:, :NEAR], y=y[:, :NEAR])
        rest = replace(run, progress=portion(run.progress, FINAL, 1.0))
        neighbours = KSG(standardize=False).measure(near, rest)
        run.progress(1.0, self.name)
        if neighbours.value - found.value <= CLEARLY * np.hypot(neighbours.stderr, found.stderr):
            return found
        of = f"{near.x.shape[1]} principal components of x and {near.y.shape[1]} of y"
        return replace(
            neighbours, path=(*found.path, f"KSG is significantly larger on {of}."), model=None
        )

    def _final(self, samples: Paired) -> Estimator:
        if len(samples) < 2 * samples.dims + 6:
            return GaussianCopula()
        return LikeliestCopula() if self.budget == "fast" else Residual()


def principal(
    values: Matrix, most: int, *, scaled: bool = True, whitened: bool = True
) -> Float[np.ndarray, "n k"]:
    """Up to `most` principal components.

    Args:
        values: Shape (n, d).
        most: Components.
        scaled: Components of standardized columns, for columns of different units. Otherwise of the
            original columns, for data whose small columns are noise, such as embeddings.
        whitened: Whether each component is scaled to unit variance.
    """
    unit = np.abs(values).max(axis=0).clip(min=1e-300) if scaled else np.abs(values).max()
    centered = values / unit - (values / unit).mean(axis=0)
    scale = centered.std(axis=0)
    z = centered[:, scale > 0]
    if scaled:
        z /= scale[scale > 0]
    components = z @ principal_directions(z, most)[0]
    return np.asarray(components / components.std(axis=0) if whitened else components)


def _best(x: X, y: Y, run: Run, wanted: int | None) -> tuple[float, int]:
    """The largest held-out Gaussian information, and the components a side that have it."""
    z_x, z_y = normal_scores(x), normal_scores(y)
    most = max(z_x.shape[1], z_y.shape[1])
    counts = sorted({1, 2, 3, 4, 6, 8, 12, 16, 24, 32, most} & set(range(1, most + 1)))
    if wanted is not None:
        counts = [min(wanted, most)]
    if len(x) < 2 * FOLDS:  # too few to hold out any
        return 0.0, counts[0]
    splits = list(folds(len(x), FOLDS, validation=0.0, rng=run.rng()))
    worth = []
    for count in counts:
        values = [
            _held_out(z_x[:, :count], z_y[:, :count], s.training, s.test, run.rng()) for s in splits
        ]
        worth.append(float(np.mean(values)))
    return max(worth), counts[int(np.argmax(worth))]


def _held_out(
    x: X, y: Y, training: np.ndarray, test: np.ndarray, rng: np.random.Generator
) -> float:
    """Gaussian information of the test rows, fitted to the training rows.

    The excess over a density ratio is subtracted: for clusters, many components are redundant.
    """
    z, dx = np.hstack([x, y]), x.shape[1]
    covariance = np.cov(z[training].T) + RIDGE * np.eye(z.shape[1])
    blocks = (slice(None), slice(None, dx), slice(dx, None))
    inverses = [np.linalg.inv(covariance[part, part]) for part in blocks]
    logs = [np.linalg.slogdet(covariance[part, part])[1] for part in blocks]

    def ratio(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        both = (np.hstack([left, right]), left, right)
        forms = [((v @ m) * v).sum(axis=1) for v, m in zip(both, inverses, strict=True)]
        return np.asarray(forms[1] + logs[1] + forms[2] + logs[2] - forms[0] - logs[0]) / 2

    left, right = x[test], y[test]
    partners = shifted(len(test), min(PARTNERS, len(test) - 1), rng)
    product = np.concatenate([ratio(left, right[rows]) for rows in partners.T])
    return float(ratio(left, right).mean()) - excess(product)


def _names(side: str, values: Matrix) -> tuple[str, ...]:
    return tuple(f"{side}: component {i + 1}" for i in range(values.shape[1]))
