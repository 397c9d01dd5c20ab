"""Kernel canonical correlation: the most correlated smooth functions f of x and g of y.

Each side is mapped to features φ: Nyström features of a Gaussian kernel, the coordinates themselves
and, if held-out rows select them, the coordinates times powers of the row's norm. Canonical
correlation analysis with a ridge penalty gives the directions. f is then the ridge regression of g
on φ(x), up to its scale σ:

    σ f = H g,    H = Φ (ΦᵀΦ + nλ)⁻¹ Φᵀ,

so that the leave-one-out value of f follows without another fit,

    σ f₋ᵢ = (σ fᵢ − Hᵢᵢ gᵢ) / (1 − Hᵢᵢ).

Even for independent samples, f₋ᵢ and g₋ᵢ correlate slightly, since variates maximize correlation:
held-out rows select the features and the number of variates. An estimate computed on variates needs
cross-fitted ones (`cross_fitted`).

With few rows, this detects nonlinear dependence on combinations of columns that a network does not
yet learn, since its optimum is computed exactly; a network with the variates as inputs starts from
there.

References:
    Bach & Jordan (2002), kernel canonical correlation, JMLR 3.
    Williams & Seeger (2001), Nyström's approximation, NeurIPS 13.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import eigh, solve_triangular

from mineral.basics.types import Matrix, PerSample, Rows, X, Y

BUMPS = 300  # at most
WIDTHS = (1.0, 0.5, 0.25)  # bandwidths, in root mean squares of a row's norm
RIDGE = 2.0  # over the rows
COUNT = 3  # variates a side, at most, by default
TELLING = 0.5  # bandwidth of the kernel on other variates that predicts a variate
FOLDS = 10  # of cross-fitting
AGREE = 0.95  # least correlation of each fold's variate with that of all rows
POWERS = 2  # of a row's norm, with which its coordinates are multiplied
FLATTEST = 3e-4  # of the largest eigenvalue; the ridge removes smaller ones
CHANCE = 2.0  # standard errors, above which a held-out correlation is significant
LEARNED = 20_000  # rows that variates are fitted to, at most
AT_ONCE = 10_000  # rows whose features are in memory together
TRIED = 1500  # rows that select the bandwidth, at most


@dataclass(frozen=True)
class Kernel:
    """The features that variates use, beside the coordinates themselves.

    Attributes:
        width: Bandwidth of the kernel, in root mean squares of a row's norm.
        turning: Whether coordinates times powers of the norm are features too: functions that
            rotate or scale with the norm need few of these, but very many kernel features.
    """

    width: float
    turning: bool = False


@dataclass(frozen=True)
class Shown:
    """Held-out evidence for variates.

    Attributes:
        kernel: Of the most correlated variates.
        count: Variates with significant correlation.
        strength: The sum of their squared correlations.
    """

    kernel: Kernel
    count: int
    strength: float


def shown(x: X, y: Y, training: Rows, *, most: int = COUNT) -> Shown:
    """The features that held-out rows select, and the number of significant variates.

    Args:
        x: Shape (n, dx), each coordinate of about unit variance, or less where it matters less.
        y: Shape (n, dy), the same.
        training: The rows to use, in random order.
        most: Variates.
    """
    some = training[:TRIED]
    learned, rest = some[: 2 * len(some) // 3], some[2 * len(some) // 3 :]
    kernels = [Kernel(width) for width in WIDTHS]
    held_out = {kernel: _held_out(x, y, learned, rest, kernel, most) for kernel in kernels}
    best = max(kernels, key=lambda kernel: _strength(held_out[kernel]))
    turning = replace(best, turning=True)
    held_out[turning] = _held_out(x, y, learned, rest, turning, most)
    error = 1 / np.sqrt(len(rest))  # of a correlation
    # more features cost precision
    if _strength(held_out[turning]) > _strength(held_out[best]) + error:
        best = turning
    found = held_out[best]
    count = int(np.cumprod(found > CHANCE * error).sum())
    return Shown(best, count, _strength(found[:count]))


def _strength(correlated: Float[np.ndarray, " k"]) -> float:
    return float((correlated**2).sum())


def canonical_variates(
    x: X, y: Y, training: Rows, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Up to three variates of all rows, fitted to the training rows; none if none is significant.

    Variates of a training row are leave-one-out values, so that their correlation is about as large
    as on other rows, and a network trained on them hardly overfits.

    Args:
        x: Shape (n, dx), each coordinate of about unit variance.
        y: Shape (n, dy), the same.
        training: The rows to learn from, in random order.
        rng: Chooses where bumps are.
    """
    chosen = shown(x, y, training)
    if chosen.count == 0:
        return np.empty((len(x), 0)), np.empty((len(y), 0))
    learned = training[:LEARNED]
    fit = Variates.fit(x[learned], y[learned], chosen.kernel, chosen.count, rng)
    found = fit.of(x, y)
    for side, without in zip(found, fit.without_itself, strict=True):
        side[learned] = without
    return found


def cross_fitted(
    x: X, y: Y, rows: Rows, chosen: Shown, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Cross-fitted variates of all rows, in ten folds that are rotated to agree.

    The variates of a row's x do not use its own y. Leave-one-out values by formula do slightly, so
    that rows of similar x would differ by their y alone. Variates on which the folds do not agree
    are dropped, except the first: in them, x and y would both reveal the fold.

    Args:
        x: Shape (n, dx), each coordinate of about unit variance, or less where it matters less.
        y: Shape (n, dy), the same.
        rows: All rows, in random order: with very many rows, the fit uses a part.
        chosen: The selected features and number of variates.
        rng: Chooses where bumps are.
    """
    learned, others = rows[:LEARNED], rows[LEARNED:]
    centers = rng.permutation(learned)[:BUMPS]
    see_x, see_y = (_Features.around(z[centers], chosen.kernel) for z in (x, y))
    features = see_x.of(x[learned]), see_y.of(y[learned])
    together = _Moments.of(*features)
    whole = together.directions(chosen.count)
    f, g = np.empty((len(x), chosen.count)), np.empty((len(y), chosen.count))
    agree = np.ones(chosen.count)
    for part in np.array_split(np.arange(len(learned)), FOLDS):
        rest = together - _Moments.of(*(side[part] for side in features))
        own = rest.directions(chosen.count)
        of_x, of_y = own.u.T @ rest.of_x @ whole.u, own.v.T @ rest.of_y @ whole.v
        # Only rotations, and the same for both sides: shrinkage where folds agree less, or separate
        # rotations fitted to these rows, would make x and y reveal the fold, or each other.
        left, _, right = np.linalg.svd(of_x + of_y)
        turn = left @ right
        f[learned[part]] = (features[0][part] - together.mean_x) @ own.u @ turn
        g[learned[part]] = (features[1][part] - together.mean_y) @ own.v @ turn
        agree = np.min([agree, *(np.diag(turn.T @ each) for each in (of_x, of_y))], axis=0)
    for part in np.array_split(others, max(1, len(others) // AT_ONCE)):
        f[part] = (see_x.of(x[part]) - together.mean_x) @ whole.u
        g[part] = (see_y.of(y[part]) - together.mean_y) @ whole.v
    kept = agree > AGREE
    kept[0] = True
    return f[:, kept], g[:, kept]


def _held_out(
    x: X, y: Y, learned: Rows, rest: Int[np.ndarray, " rest"], kernel: Kernel, most: int
) -> Float[np.ndarray, " k"]:
    """Correlations of variates on held-out rows."""
    fit = Variates.fit(x[learned], y[learned], kernel, most, np.random.default_rng(0))
    return correlations(*fit.of(x[rest], y[rest]))


def predicted_share(variate: PerSample, others: Float[np.ndarray, "n k"]) -> float:
    """The leave-one-out R² of a variate as a smooth function of others.

    If it is high, the variate is a function of the others, and redundant.
    """
    features = _Features.around(others[:BUMPS], Kernel(TELLING)).of(others)
    features, variate = features - features.mean(axis=0), variate - variate.mean()
    root = np.linalg.cholesky(features.T @ features + RIDGE * np.eye(features.shape[1]))
    white = solve_triangular(root, features.T, lower=True)
    left_out = (variate - white.T @ (white @ variate)) / (1 - (white**2).sum(axis=0))
    return float(1 - (left_out**2).sum() / (variate**2).sum())


def correlations(
    f: Float[np.ndarray, "rows k"], g: Float[np.ndarray, "rows k"]
) -> Float[np.ndarray, " k"]:
    """The correlation of each variate of x with that of y; 0 if one is constant."""
    f, g = f - f.mean(axis=0), g - g.mean(axis=0)
    spread = np.sqrt((f**2).sum(axis=0) * (g**2).sum(axis=0))
    return np.asarray((f * g).sum(axis=0) / spread.clip(min=np.finfo(float).tiny))


@dataclass(frozen=True)
class Variates:
    """Variates fitted to some rows, with the features of one kernel."""

    see: tuple["_Features", "_Features"]
    features: tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "n q"]]
    means: tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]
    directions: "_Directions"

    @classmethod
    def fit(cls, x: X, y: Y, kernel: Kernel, count: int, rng: np.random.Generator) -> "Variates":
        """Up to `count` variates a side, the most correlated first.

        Args:
            x: Shape (n, dx), with norms of about √dx.
            y: Shape (n, dy), the same.
            kernel: Of the features.
            count: Variates.
            rng: Chooses where bumps are.
        """
        centers = rng.permutation(len(x))[:BUMPS]
        see = _Features.around(x[centers], kernel), _Features.around(y[centers], kernel)
        features = see[0].of(x), see[1].of(y)
        found = _Moments.of(*features).directions(count)
        means = features[0].mean(axis=0) @ found.u, features[1].mean(axis=0) @ found.v
        return cls(see, features, means, found)

    @cached_property
    def without_itself(self) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
        """Leave-one-out variates of the training rows."""
        found, (of_x, of_y) = self.directions, self.features
        f, g = of_x @ found.u - self.means[0], of_y @ found.v - self.means[1]

        def without(own: Matrix, other: Matrix, pull: np.ndarray) -> Matrix:
            return np.asarray((own - pull[:, None] * other / found.strength) / (1 - pull[:, None]))

        return (
            without(f, g, _leverage(of_x, found.root_x)),
            without(g, f, _leverage(of_y, found.root_y)),
        )

    def of(
        self, x: Float[np.ndarray, "rows dx"], y: Float[np.ndarray, "rows dy"]
    ) -> tuple[Float[np.ndarray, "rows k"], Float[np.ndarray, "rows k"]]:
        """Variates of any rows."""
        along = self.directions.u, self.directions.v
        f, g = (
            np.concatenate(
                [see.of(part) @ u for part in np.array_split(z, max(1, len(z) // AT_ONCE))]
            )
            for see, z, u in zip(self.see, (x, y), along, strict=True)
        )
        return f - self.means[0], g - self.means[1]


def _leverage(
    features: Float[np.ndarray, "n p"], root: Float[np.ndarray, "p p"]
) -> Float[np.ndarray, " n"]:
    """Hᵢᵢ of each row (its leverage)."""
    white = solve_triangular(root, (features - features.mean(axis=0)).T, lower=True)
    return np.asarray((white**2).sum(axis=0) / len(features))


@dataclass(frozen=True)
class _Directions:
    """Combinations of the features of x and of those of y, the most correlated first.

    Attributes:
        strength: σ of each pair.
        root_x, root_y: Cholesky roots of the features' covariances, with the ridge.
    """

    u: Float[np.ndarray, "p k"]
    v: Float[np.ndarray, "q k"]
    strength: Float[np.ndarray, " k"]
    root_x: Float[np.ndarray, "p p"]
    root_y: Float[np.ndarray, "q q"]


@dataclass(frozen=True)
class _Moments:
    """Sums over rows of features of both sides, and of their products."""

    n: int
    x: Float[np.ndarray, " p"]
    y: Float[np.ndarray, " q"]
    xx: Float[np.ndarray, "p p"]
    yy: Float[np.ndarray, "q q"]
    xy: Float[np.ndarray, "p q"]

    @classmethod
    def of(cls, x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n q"]) -> "_Moments":
        return cls(len(x), x.sum(axis=0), y.sum(axis=0), x.T @ x, y.T @ y, x.T @ y)

    def __sub__(self, part: "_Moments") -> "_Moments":
        return _Moments(
            self.n - part.n,
            self.x - part.x,
            self.y - part.y,
            self.xx - part.xx,
            self.yy - part.yy,
            self.xy - part.xy,
        )

    @property
    def mean_x(self) -> Float[np.ndarray, " p"]:
        return self.x / self.n

    @property
    def mean_y(self) -> Float[np.ndarray, " q"]:
        return self.y / self.n

    @property
    def of_x(self) -> Float[np.ndarray, "p p"]:
        """Covariance, with the ridge."""
        return self._covariance(self.xx, self.mean_x)

    @property
    def of_y(self) -> Float[np.ndarray, "q q"]:
        """Covariance, with the ridge."""
        return self._covariance(self.yy, self.mean_y)

    def _covariance(self, products: Matrix, mean: Float[np.ndarray, " k"]) -> Matrix:
        return np.asarray(
            products / self.n - np.outer(mean, mean) + RIDGE / self.n * np.eye(len(mean))
        )

    def directions(self, count: int) -> _Directions:
        """Canonical correlation."""
        root_x, root_y = np.linalg.cholesky(self.of_x), np.linalg.cholesky(self.of_y)
        cross = self.xy / self.n - np.outer(self.mean_x, self.mean_y)
        left = solve_triangular(root_x, cross, lower=True)
        white = solve_triangular(root_y, left.T, lower=True).T
        u, strength, v = np.linalg.svd(white, full_matrices=False)
        return _Directions(
            solve_triangular(root_x, u[:, :count], lower=True, trans="T"),
            solve_triangular(root_y, v[:count].T, lower=True, trans="T"),
            strength[:count].clip(min=1e-12),
            root_x,
            root_y,
        )


@dataclass(frozen=True)
class _Features:
    """The features of one side: kernel features without redundancy, coordinates, and products."""

    kernel: Kernel
    centers: Float[np.ndarray, "c d"]
    combined: Float[np.ndarray, "c kept"]

    @classmethod
    def around(cls, centers: Float[np.ndarray, "c d"], kernel: Kernel) -> "_Features":
        """Features with kernel centers at some of the rows."""
        sizes, directions = eigh(_bumps(centers, centers, kernel.width))
        kept = sizes > FLATTEST * sizes[-1]
        return cls(kernel, centers, directions[:, kept] / np.sqrt(sizes[kept]))

    def of(self, z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n p"]:
        """The features of any rows."""
        found = [_bumps(z, self.centers, self.kernel.width) @ self.combined, z]
        if self.kernel.turning:
            # At most 1, so that a few outliers do not dominate.
            out = np.tanh(((z**2).mean(axis=1, keepdims=True) - 1) / 2)
            found += [z * out**power for power in range(1, POWERS + 1)]
        return np.hstack(found)


def _bumps(
    z: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "c d"], width: float
) -> Float[np.ndarray, "n c"]:
    """exp(−|z − c|² / 2 w²) for each row and center."""
    square = (z**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1) - 2 * z @ centers.T
    return np.asarray(np.exp(-square.clip(min=0) / (2 * width**2 * z.shape[1])))
