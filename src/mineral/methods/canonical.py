"""Kernel canonical variates: smooth functions f of x and g of y that go together most closely.

Each side is mapped to features φ, some bumps (Nyström's approximation of a Gaussian kernel) beside
its coordinates themselves, and directions among these are found by canonical correlation with a
ridge. f is then the ridge regression of g on φ(x), up to its scale σ:

    σ f = H g,    H = Φ (ΦᵀΦ + nλ)⁻¹ Φᵀ,

so that what f would be at a row had this row not been there is known without another fit,

    σ f₋ᵢ = (σ fᵢ − Hᵢᵢ gᵢ) / (1 − Hᵢᵢ).

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
WIDTH = 1.0  # of a bump, in root mean squares of a row's length
RIDGE = 3e-3
COUNT = 3  # variates a side
FLATTEST = 1e-6  # of the largest eigenvalue: smaller ones are rounding


def canonical_variates(
    x: X, y: Y, training: Rows, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Variates of all rows, learned from the training rows.

    Those of a training row are what they would be without that row, so that x and y go together in
    them no more closely than in other rows: something that learns from them is not misled.

    Args:
        x: Shape (n, dx), each coordinate of about unit variance.
        y: Shape (n, dy), the same.
        training: The rows to learn from.
        rng: Chooses where bumps are.
    """
    centers = rng.permutation(training)[:BUMPS]
    left, right = (_Side.fit(z[training], z[centers]) for z in (x, y))
    across = left.white.T @ right.white / len(training)
    u, strength, v = np.linalg.svd(across, full_matrices=False)
    u, strength, v = u[:, :COUNT], strength[:COUNT].clip(min=1e-12), v[:COUNT].T
    found = left.whitened(x) @ u, right.whitened(y) @ v
    f, g = (side[training] for side in found)
    for side, of, itself, other in ((left, found[0], f, g), (right, found[1], g, f)):
        pull = side.leverage[:, None]
        of[training] = (itself - pull * other / strength) / (1 - pull)
    return found


@dataclass(frozen=True)
class _Side:
    """Features of one side, without correlation among each other and a little shrunk.

    Attributes:
        white: Of the training rows.
        leverage: Hᵢᵢ of each training row.
    """

    centers: Float[np.ndarray, "c d"]
    to_features: Float[np.ndarray, "c kept"]
    mean: Float[np.ndarray, " p"]
    root: Float[np.ndarray, "p p"]
    white: Float[np.ndarray, "n p"]
    leverage: Float[np.ndarray, " n"]

    @classmethod
    def fit(cls, z: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "c d"]) -> "_Side":
        sizes, directions = eigh(_bumps(centers, centers))
        kept = sizes > FLATTEST * sizes[-1]
        to_features = directions[:, kept] / np.sqrt(sizes[kept])
        features = np.hstack([_bumps(z, centers) @ to_features, z])
        mean = features.mean(axis=0)
        centered = features - mean
        covariance = centered.T @ centered / len(z)
        root = np.linalg.cholesky(covariance + RIDGE * np.eye(len(covariance)))
        white = solve_triangular(root, centered.T, lower=True).T
        leverage = (white**2).sum(axis=1) / len(z)
        return cls(centers, to_features, mean, root, white, leverage)

    def whitened(self, z: Float[np.ndarray, "rows d"]) -> Float[np.ndarray, "rows p"]:
        features = np.hstack([_bumps(z, self.centers) @ self.to_features, z])
        return np.asarray(solve_triangular(self.root, (features - self.mean).T, lower=True).T)


def _bumps(
    z: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "c d"]
) -> Float[np.ndarray, "n c"]:
    """exp(−|z − c|² / 2 w²) for each row and center."""
    square = (z**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1) - 2 * z @ centers.T
    return np.asarray(np.exp(-square.clip(min=0) / (2 * WIDTH**2 * z.shape[1])))
