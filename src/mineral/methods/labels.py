"""A label and what is seen of it: which side is the label, and its features as numbers alike."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mineral.errors import InputError
from mineral.samples import Paired, indicators, normal_scores
from mineral.types import Matrix, PerSample

ROWS_A_CLASS = 5  # on average, below which no class is learned
RANKED = 20  # coordinates up to which each is seen by its ranks, whatever bent it
ROWS_FOR_EACH = 5  # rows that a component needs
MOST = 100  # components
FAR = 5.0  # standard deviations


def label_first(samples: Paired, *, needed_by: str) -> tuple[Int[np.ndarray, " n"], Matrix]:
    """The class of each row, and the other side: the label is that with fewer different rows.

    Categorical coordinates of the other side are returned as indicators.
    """
    found = []
    for side in (samples.y, samples.x):
        _, codes = np.unique(side, axis=0, return_inverse=True)
        found.append(codes.reshape(-1))
    codes_y, codes_x = found
    label, features = (
        (codes_y, indicators(samples.x, samples.categorical_x))
        if codes_y.max() <= codes_x.max()
        else (codes_x, indicators(samples.y, samples.categorical_y))
    )
    classes = int(label.max()) + 1
    if classes < 2 or len(label) < ROWS_A_CLASS * classes:
        raise InputError(
            f"{needed_by} needs a label of 2 or more classes, with {ROWS_A_CLASS} rows each on "
            f"average: got {classes} classes among {len(label)} rows. Give labels as `y`, or use "
            "estimator='auto'."
        )
    return label, features


def ranked(features: Matrix) -> Matrix:
    """Normal scores of coordinates, where these are few.

    Ranks among all rows say nothing of how features go with labels, so that rows to be judged by
    may be among them.
    """
    return normal_scores(features) if features.shape[1] <= RANKED else features


def surprise(label: Int[np.ndarray, " n"]) -> PerSample:
    """−log of each row's share of class, with mean H(Y) by Miller and Madow's correction."""
    counts = np.bincount(label)
    correction = (np.count_nonzero(counts) - 1) / (2 * len(label))
    return np.asarray(correction - np.log(counts / len(label))[label])


@dataclass(frozen=True)
class Components:
    """Principal components of standardized coordinates, of unit variance each."""

    center: Float[np.ndarray, " d"]
    map: Float[np.ndarray, "d k"]

    @classmethod
    def fit(cls, values: Matrix) -> "Components":
        """Up to one for every five rows, and 100."""
        center = values.mean(axis=0)
        scale = values.std(axis=0)
        scale = np.where(scale > 1e-12 * np.abs(values).max(axis=0), scale, np.inf)
        z = (values - center) / scale
        n, d = z.shape
        most = max(1, min(d, MOST, n // ROWS_FOR_EACH))
        if d <= n:
            variances, directions = np.linalg.eigh(z.T @ z / n)
        else:  # the same components, from the products of rows
            variances, rows = np.linalg.eigh(z @ z.T / n)
            directions = z.T @ rows / np.sqrt(np.maximum(n * variances, 1e-300))
        kept = np.argsort(variances)[::-1][:most]
        kept = kept[variances[kept] > 1e-9 * max(variances.max(), 1e-300)]
        return cls(center, directions[:, kept] / np.sqrt(variances[kept]) / scale[:, None])

    def apply(self, values: Matrix) -> Float[np.ndarray, "n k"]:
        """Of any rows; far ones must not outweigh all others, as they would in products."""
        return np.asarray(((values - self.center) @ self.map).clip(-FAR, FAR))
