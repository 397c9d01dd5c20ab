"""Kernel canonical variates: smooth functions f of x and g of y that go together most closely.

Each side is mapped to features φ, some bumps (Nyström's approximation of a Gaussian kernel) beside
its coordinates themselves, and directions among these are found by canonical correlation with a
ridge. f is then the ridge regression of g on φ(x), up to its scale σ:

    σ f = H g,    H = Φ (ΦᵀΦ + nλ)⁻¹ Φᵀ,

so that what f would be at a row had this row not been there is known without another fit,

    σ f₋ᵢ = (σ fᵢ − Hᵢᵢ gᵢ) / (1 − Hᵢᵢ).

Variates are chosen to go together, and of independent rows f₋ᵢ and g₋ᵢ still do a little: how wide
bumps are, and whether there are any variates at all, is chosen by rows held out.

Of few rows this finds dependence that turns or folds within a side where a network does not yet,
for its optimum is found exactly; a network that sees the variates goes on from there.

References:
    Bach & Jordan (2002), kernel canonical correlation, JMLR 3.
    Williams & Seeger (2001), Nyström's approximation, NeurIPS 13.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import eigh, solve_triangular

from mineral.types import Matrix, Rows, X, Y

BUMPS = 300  # at most
WIDTHS = (1.0, 0.5, 0.25)  # of a bump, in root mean squares of a row's length
RIDGE = 2.0  # over the rows
COUNT = 3  # variates a side, at most
FLATTEST = 3e-4  # of the largest eigenvalue: the ridge leaves nothing of smaller ones
CHANCE = 2.0  # standard errors of a correlation on held-out rows, below which it may be none
LEARNED = 20_000  # rows that variates are learned from, at most
AT_ONCE = 10_000  # rows whose bumps are in memory together
TRIED = 1500  # rows on which a width is chosen, at most


def canonical_variates(
    x: X, y: Y, training: Rows, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Up to three variates of all rows, learned from the training rows: none where none show.

    Those of a training row are what they would be without that row, so that x and y go together in
    them about as closely as in other rows: something that learns from them is hardly misled.

    Args:
        x: Shape (n, dx), each coordinate of about unit variance.
        y: Shape (n, dy), the same.
        training: The rows to learn from, in random order.
        rng: Chooses where bumps are.
    """
    some = training[:TRIED]
    learned, rest = some[: 2 * len(some) // 3], some[2 * len(some) // 3 :]
    held_out = {width: _held_out(x, y, learned, rest, width) for width in WIDTHS}
    width = max(WIDTHS, key=lambda each: float((held_out[each] ** 2).sum()))
    count = int(np.cumprod(held_out[width] > CHANCE / np.sqrt(len(rest))).sum())
    if count == 0:
        return np.empty((len(x), 0)), np.empty((len(y), 0))
    learned = training[:LEARNED]
    fit = Variates.fit(x[learned], y[learned], width, count, rng)
    found = fit.of(x, y)
    for side, without in zip(found, fit.without_itself, strict=True):
        side[learned] = without
    return found


def _held_out(
    x: X, y: Y, learned: Rows, rest: Int[np.ndarray, " rest"], width: float
) -> Float[np.ndarray, " k"]:
    """Correlations of variates on rows that they were not learned from."""
    fit = Variates.fit(x[learned], y[learned], width, COUNT, np.random.default_rng(0))
    return correlations(*fit.of(x[rest], y[rest]))


def correlations(
    f: Float[np.ndarray, "rows k"], g: Float[np.ndarray, "rows k"]
) -> Float[np.ndarray, " k"]:
    """Of each variate of x with that of y; 0 where one does not vary."""
    f, g = f - f.mean(axis=0), g - g.mean(axis=0)
    spread = np.sqrt((f**2).sum(axis=0) * (g**2).sum(axis=0))
    return np.asarray((f * g).sum(axis=0) / spread.clip(min=np.finfo(float).tiny))


@dataclass(frozen=True)
class Variates:
    """What was learned from some rows with bumps of one width.

    Attributes:
        without_itself: Variates of these rows, of each as if it had not been there.
    """

    left: "_Side"
    right: "_Side"
    u: Float[np.ndarray, "p k"]
    v: Float[np.ndarray, "q k"]
    without_itself: tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]

    @classmethod
    def fit(cls, x: X, y: Y, width: float, count: int, rng: np.random.Generator) -> "Variates":
        """Up to `count` variates a side, the closest first.

        Args:
            x: Shape (n, dx), of lengths about √dx.
            y: Shape (n, dy), the same.
            width: Of bumps, in root mean squares of a row's length.
            count: Variates.
            rng: Chooses where bumps are.
        """
        n = len(x)
        centers = rng.permutation(n)[:BUMPS]
        left, right = (_Side.fit(z, z[centers], width) for z in (x, y))
        u, strength, v = np.linalg.svd(left.white.T @ right.white / n, full_matrices=False)
        u, strength, v = u[:, :count], strength[:count].clip(min=1e-12), v[:count].T
        f, g = left.white @ u, right.white @ v

        def without(own: Matrix, other: Matrix, pull: np.ndarray) -> Matrix:
            return np.asarray((own - pull[:, None] * other / strength) / (1 - pull[:, None]))

        return cls(left, right, u, v, (without(f, g, left.leverage), without(g, f, right.leverage)))

    def of(
        self, x: Float[np.ndarray, "rows dx"], y: Float[np.ndarray, "rows dy"]
    ) -> tuple[Float[np.ndarray, "rows k"], Float[np.ndarray, "rows k"]]:
        """Variates of any rows."""
        return self.left.along(self.u, x), self.right.along(self.v, y)


@dataclass(frozen=True)
class _Side:
    """Features of one side, without correlation among each other and a little shrunk.

    Attributes:
        white: Of the rows it was fitted to.
        leverage: Hᵢᵢ of each of these.
    """

    width: float
    centers: Float[np.ndarray, "c d"]
    to_features: Float[np.ndarray, "c kept"]
    mean: Float[np.ndarray, " p"]
    root: Float[np.ndarray, "p p"]
    white: Float[np.ndarray, "n p"]
    leverage: Float[np.ndarray, " n"]

    @classmethod
    def fit(
        cls, z: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "c d"], width: float
    ) -> "_Side":
        sizes, directions = eigh(_bumps(centers, centers, width))
        kept = sizes > FLATTEST * sizes[-1]
        to_features = directions[:, kept] / np.sqrt(sizes[kept])
        features = np.hstack([_bumps(z, centers, width) @ to_features, z])
        mean = features.mean(axis=0)
        centered = features - mean
        covariance = centered.T @ centered / len(z)
        root = np.linalg.cholesky(covariance + RIDGE / len(z) * np.eye(len(covariance)))
        white = solve_triangular(root, centered.T, lower=True).T
        leverage = (white**2).sum(axis=1) / len(z)
        return cls(width, centers, to_features, mean, root, white, leverage)

    def along(
        self, directions: Float[np.ndarray, "p k"], z: Float[np.ndarray, "rows d"]
    ) -> Float[np.ndarray, "rows k"]:
        """Directions among the white features, of any rows."""
        of_features = solve_triangular(self.root, directions, lower=True, trans="T")
        of_bumps = self.to_features @ of_features[: self.to_features.shape[1]]
        of_itself = of_features[self.to_features.shape[1] :]
        parts = np.array_split(z, max(1, len(z) // AT_ONCE))
        bumps = [_bumps(part, self.centers, self.width) @ of_bumps for part in parts]
        return np.asarray(np.concatenate(bumps) + z @ of_itself - self.mean @ of_features)


def _bumps(
    z: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "c d"], width: float
) -> Float[np.ndarray, "n c"]:
    """exp(−|z − c|² / 2 w²) for each row and center."""
    square = (z**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1) - 2 * z @ centers.T
    return np.asarray(np.exp(-square.clip(min=0) / (2 * width**2 * z.shape[1])))
