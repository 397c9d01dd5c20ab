"""Inputs of classifiers made from codes, so that neither small scales nor products hide a label.

standardized   each coordinate over its standard deviation: small-variance coordinates count too
ranks          normal scores of each coordinate
products       ranks, with the products of pairs of coordinates and the squares of directions whose
               means differ most between classes: interactions, such as an exclusive or

Everything is fitted on training rows only.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mineral.samples import principal_directions

# coordinates; beyond, half are the most informative ones, and half principal components
WIDEST = 256
PRINCIPAL_FROM = 1500  # rows
PAIRS = 64  # products that are kept, and at most `DIRECTIONS` squares
DIRECTIONS = 16
LARGEST = 8.0  # standard deviations: a limit for outlying rows


@dataclass(frozen=True)
class Views:
    """Fitted on training codes and labels.

    Attributes:
        center, scale, kept: Of coordinates that are not constant.
        reduction: Columns of a matrix to fewer coordinates, or None.
        ranker: scikit-learn's transformer to normal scores.
        whitening: Standardized coordinates to uncorrelated ones, shape (d, w).
        pairs: Columns i and j of products, shape (2, p).
        directions: In whitened space, shape (w, q).
    """

    center: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]
    kept: Int[np.ndarray, " d"]
    reduction: Float[np.ndarray, "d r"] | None
    ranker: Any
    whitening: Float[np.ndarray, "r w"]
    pairs: Int[np.ndarray, "2 p"]
    directions: Float[np.ndarray, "w q"]

    @classmethod
    def fit(
        cls,
        codes: Float[np.ndarray, "n dz"],
        labels: Int[np.ndarray, " n"],
        *,
        seed: int,
        widest: int = WIDEST,
    ) -> "Views":
        """From training rows."""
        from sklearn.preprocessing import QuantileTransformer

        codes = codes.astype(np.float64)
        scale = codes.std(axis=0)
        magnitude = np.abs(codes).max(axis=0)
        kept = np.flatnonzero(scale > 1e-12 * magnitude)
        kept = kept if len(kept) else np.array([0])
        center, scale = codes.mean(axis=0)[kept], scale[kept]
        scale = np.where(scale > 0, scale, 1.0)
        values = (codes[:, kept] - center) / scale
        reduction = _reduction(values, labels, widest) if len(kept) > widest else None
        values = values if reduction is None else values @ reduction
        ranker = QuantileTransformer(
            n_quantiles=min(1000, len(values)), output_distribution="normal", random_state=seed
        ).fit(values)
        scores = np.clip(ranker.transform(values), -LARGEST, LARGEST)
        whitening = _whitening(values)
        return cls(
            center=center,
            scale=scale,
            kept=kept,
            reduction=reduction,
            ranker=ranker,
            whitening=whitening,
            pairs=_telling_pairs(scores, labels),
            directions=_telling_directions(values @ whitening, labels),
        )

    def standardized(self, codes: Float[np.ndarray, "n dz"]) -> Float[np.ndarray, "n r"]:
        """Each coordinate over its standard deviation."""
        values = (codes.astype(np.float64)[:, self.kept] - self.center) / self.scale
        values = np.clip(values, -1e3, 1e3)
        return values if self.reduction is None else np.asarray(values @ self.reduction)

    def all(self, codes: Float[np.ndarray, "n dz"]) -> dict[str, np.ndarray]:
        """Each view of these codes, by name."""
        values = self.standardized(codes)
        ranks = np.clip(self.ranker.transform(values), -LARGEST, LARGEST)
        squares = np.clip((values @ self.whitening @ self.directions) ** 2, 0, LARGEST**2)
        products = ranks[:, self.pairs[0]] * ranks[:, self.pairs[1]]
        return {
            "standardized": values,
            "ranks": ranks,
            "products": np.concatenate([ranks, products, squares], axis=1),
        }


def _per_class(labels: Int[np.ndarray, " n"]) -> list[np.ndarray]:
    """The rows of each class that has enough of them to have moments."""
    return [rows for c in np.unique(labels) if len(rows := np.flatnonzero(labels == c)) >= 5]


def _between(values: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]) -> np.ndarray:
    """The differences of class means in standard errors, for each column."""
    center = values.mean(axis=0)
    spread = np.square(values - center).mean(axis=0) + 1e-300
    found = np.zeros(values.shape[1])
    for rows in _per_class(labels):
        found += len(rows) * np.square(values[rows].mean(axis=0) - center) / spread
    return found


def _reduction(
    values: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], widest: int
) -> np.ndarray:
    """Half of the kept coordinates are the most informative; the rest are principal components."""
    half = widest // 2
    first = np.argsort(-_between(values, labels), kind="stable")[:half]
    chosen = np.zeros((values.shape[1], half))
    chosen[first, np.arange(half)] = 1.0
    principal, _ = principal_directions(values[:PRINCIPAL_FROM], half)
    return np.concatenate([chosen, principal], axis=1)


def _whitening(values: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "d w"]:
    """To uncorrelated directions of unit variance, without those that have none."""
    directions, variances = principal_directions(values - values.mean(axis=0), values.shape[1])
    return np.asarray(directions / np.sqrt(variances))


def _telling_pairs(
    scores: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]
) -> Int[np.ndarray, "2 p"]:
    """Pairs, i < j, whose products have means that differ most between classes."""
    n, d = scores.shape
    overall = scores.T @ scores / n
    spread = np.square(scores).T @ np.square(scores) / n - overall**2
    found = np.zeros((d, d))
    for rows in _per_class(labels):
        own = scores[rows].T @ scores[rows] / len(rows)
        found += len(rows) * (own - overall) ** 2 / np.maximum(spread, 1e-12)
    i, j = np.triu_indices(d, 1)
    best = np.argsort(-found[i, j], kind="stable")[:PAIRS]
    return np.stack([i[best], j[best]])


def _telling_directions(
    whitened: Float[np.ndarray, "n w"], labels: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "w q"]:
    """Directions whose variance differs most between classes, for quadratic features."""
    overall = whitened.T @ whitened / len(whitened)
    found: list[tuple[float, np.ndarray]] = []
    for rows in _per_class(labels):
        own = whitened[rows].T @ whitened[rows] / len(rows)
        values, vectors = np.linalg.eigh(own - overall)
        found += [(abs(v) * len(rows) ** 0.5, vectors[:, k]) for k, v in enumerate(values)]
    found.sort(key=lambda each: -each[0])
    return np.stack([vector for _, vector in found[:DIRECTIONS]] or [whitened[0] * 0], axis=1)
