"""Kernel canonical variates: smooth functions f of x and g of y that go together most closely.

Each side is mapped to features φ, some bumps (Nyström's approximation of a Gaussian kernel) beside
its coordinates themselves, and directions among these are found by canonical correlation with a
ridge. f is then the ridge regression of g on φ(x), up to its scale σ:

    σ f = H g,    H = Φ (ΦᵀΦ + nλ)⁻¹ Φᵀ,

so that what f would be at a row had this row not been there is known without another fit,

    σ f₋ᵢ = (σ fᵢ − Hᵢᵢ gᵢ) / (1 − Hᵢᵢ).

How closely f₋ᵢ and g₋ᵢ go together over the rows says which width of the bumps is best, about as
rows never seen would say it.

Of few rows this finds dependence that turns or folds within a side where a network does not yet,
for its optimum is found exactly; a network that sees the variates goes on from there.

References:
    Bach & Jordan (2002), kernel canonical correlation, JMLR 3.
    Williams & Seeger (2001), Nyström's approximation, NeurIPS 13.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh, solve_triangular

from mineral.types import Rows, X, Y

BUMPS = 300  # at most
WIDTHS = (1.0, 0.5, 0.25)  # of a bump, in root mean squares of a row's length
RIDGE = 2.0  # over the rows
COUNT = 3  # variates a side
FLATTEST = 3e-4  # of the largest eigenvalue: the ridge leaves nothing of smaller ones
TRIED = 1500  # rows on which a width is chosen, at most


def canonical_variates(
    x: X, y: Y, training: Rows, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Variates of all rows, learned from the training rows.

    Those of a training row are what they would be without that row, so that x and y go together in
    them hardly more closely than in other rows: something that learns from them is not misled.

    Args:
        x: Shape (n, dx), each coordinate of about unit variance.
        y: Shape (n, dy), the same.
        training: The rows to learn from, in random order.
        rng: Chooses where bumps are.
    """
    some = training[:TRIED]
    tried = [_variates(x[some], y[some], width, rng) for width in WIDTHS]
    fit = max(tried, key=lambda each: each.closeness)
    if len(training) > len(some):
        fit = _variates(x[training], y[training], fit.width, rng)
    found = fit.left.whitened(x) @ fit.u, fit.right.whitened(y) @ fit.v
    found[0][training], found[1][training] = fit.without_itself
    return found


@dataclass(frozen=True)
class _Variates:
    """What was learned from some rows with bumps of one width.

    Attributes:
        u, v: Directions among the features of each side.
        without_itself: Variates of these rows, of each as if it had not been there.
        closeness: The sum of squares of their correlations.
    """

    width: float
    left: "_Side"
    right: "_Side"
    u: Float[np.ndarray, "p k"]
    v: Float[np.ndarray, "q k"]
    without_itself: tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]
    closeness: float


def _variates(x: X, y: Y, width: float, rng: np.random.Generator) -> _Variates:
    n = len(x)
    centers = rng.permutation(n)[:BUMPS]
    left, right = (_Side.fit(z, z[centers], width) for z in (x, y))
    u, strength, v = np.linalg.svd(left.white.T @ right.white / n, full_matrices=False)
    u, strength, v = u[:, :COUNT], strength[:COUNT].clip(min=1e-12), v[:COUNT].T
    f, g = left.white @ u, right.white @ v
    without = tuple(
        (own - pull[:, None] * other / strength) / (1 - pull[:, None])
        for own, other, pull in ((f, g, left.leverage), (g, f, right.leverage))
    )
    closeness = sum(
        np.corrcoef(a, b)[0, 1] ** 2 for a, b in zip(*(side.T for side in without), strict=True)
    )
    return _Variates(width, left, right, u, v, without, closeness)


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

    def whitened(self, z: Float[np.ndarray, "rows d"]) -> Float[np.ndarray, "rows p"]:
        features = np.hstack([_bumps(z, self.centers, self.width) @ self.to_features, z])
        return np.asarray(solve_triangular(self.root, (features - self.mean).T, lower=True).T)


def _bumps(
    z: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "c d"], width: float
) -> Float[np.ndarray, "n c"]:
    """exp(−|z − c|² / 2 w²) for each row and center."""
    square = (z**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1) - 2 * z @ centers.T
    return np.asarray(np.exp(-square.clip(min=0) / (2 * width**2 * z.shape[1])))
