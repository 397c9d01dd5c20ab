"""Densities of a class beside Gaussians: shrunken centroids, histograms, and repeated rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import Matrix, Rows

THRESHOLDS = (
    0.0,
    1.0,
    1.5,
    2.0,
    2.5,
    3.0,
    3.5,
    4.0,
    5.0,
)  # t statistics, up to 5,000 columns' noise
PRIOR_ROWS = (1.0, 10.0)  # rows that the class shares count as, in a cell of equal rows
LEAST_SCALE = 0.1  # of the median: a column that is constant within classes must not decide alone
BINS = (4, 8, 16, 32)  # of about equal numbers of rows
BIN_PRIOR_ROWS = 3.0  # rows of a class that are spread over the bins like all rows
MIN_CELL = 5  # equal rows; fewer do not estimate shares of classes

LogDensity: TypeAlias = Callable[[Rows], Float[np.ndarray, "n c"]]
"""Rows to log f(x | y) for each class, up to a constant of the row."""


@dataclass(frozen=True, kw_only=True)
class Centroids:
    """Nearest shrunken centroids: column by column, with class means beyond a t statistic only.

    References:
        Tibshirani, Hastie, Narasimhan & Chu (2002), doi:10.1073/pnas.082099299.
    """

    center: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]
    t: Float[np.ndarray, "c d"]
    widths: Float[np.ndarray, " c"]

    @classmethod
    def fit(cls, x: Matrix, label: Int[np.ndarray, " n"], classes: int) -> "Centroids":
        """Class means in standard errors from the mean of all."""
        n, counts = len(x), np.bincount(label, minlength=classes).astype(float)
        center = x.mean(axis=0)
        totals = np.eye(classes)[label].T @ x
        averages = np.where(counts[:, None] > 0, totals / counts.clip(min=1)[:, None], center)
        degrees = max(1, n - np.count_nonzero(counts))
        scale = np.sqrt(((x - averages[label]) ** 2).sum(axis=0) / degrees)
        scale = np.maximum(scale, LEAST_SCALE * np.median(scale) + 1e-12)
        widths = np.sqrt((1 / counts.clip(min=1) - 1 / n).clip(min=0) + 1e-12)
        t = (averages - center) / (widths[:, None] * scale)
        return cls(center=center, scale=scale, t=t, widths=widths)

    def log_densities(self, x: Matrix, threshold: float) -> Float[np.ndarray, "n c"]:
        """−½ Σ ((x − m_c) / s)² over the columns whose t is beyond the threshold for a class."""
        shrunk = np.sign(self.t) * (np.abs(self.t) - threshold).clip(min=0)
        shrunk *= self.widths[:, None]
        used = np.any(shrunk != 0, axis=0)
        z = (x[:, used] - self.center[used]) / self.scale[used]
        m = shrunk[:, used]
        return np.asarray(z @ m.T - (m**2).sum(axis=1) / 2)


@dataclass(frozen=True, kw_only=True)
class Histograms:
    """Naive Bayes: shares of a class in the bins of each column, multiplied over columns.

    References:
        Dougherty, Kohavi & Sahami (1995), doi:10.1016/B978-1-55860-377-6.50032-3.
    """

    bins: Int[np.ndarray, "n d"]
    log_shares: Float[np.ndarray, "d b c"]

    @classmethod
    def fit(
        cls,
        bins: Int[np.ndarray, "n d"],
        training: Rows,
        label: Int[np.ndarray, " n"],
        classes: int,
    ) -> "Histograms":
        """Bins of all rows, whose training rows are counted."""
        count = int(bins.max()) + 1
        tables = []
        for column in bins[training].T:
            where = column * classes + label[training]
            table = np.bincount(where, minlength=count * classes).reshape(count, classes)
            marginal = (table.sum(axis=1) + 0.5) / (table.sum() + 0.5 * count)
            spread = table + BIN_PRIOR_ROWS * marginal[:, None]
            tables.append(np.log(spread / spread.sum(axis=0) / marginal[:, None]))
        return cls(bins=bins, log_shares=np.array(tables))

    def log_densities(self, rows: Rows) -> Float[np.ndarray, "m c"]:
        """log f(x | y) − log f(x)."""
        columns = np.arange(self.bins.shape[1])
        return np.asarray(self.log_shares[columns, self.bins[rows]].sum(axis=1))


def binned(features: Matrix, count: int) -> Int[np.ndarray, "n d"]:
    """Bins of about equal numbers of rows in each column; equal values share one."""
    bins = np.empty(features.shape, dtype=np.int64)
    for j, column in enumerate(features.T):
        edges = np.unique(np.quantile(column, np.arange(1, count) / count, method="lower"))
        bins[:, j] = np.searchsorted(edges, column, side="left")
    return bins


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Shares of classes among equal rows, and another density for the rows without equals.

    f(x | y) is P(cell | y) for rows of a cell, and P(no cell | y) g(x | y) for the others.

    Attributes:
        cell: Of every row; −1 if fewer than `MIN_CELL` rows equal it.
        inner: g, fitted to the training rows without a cell; or None if there are too few.
    """

    cell: Int[np.ndarray, " n"]
    training: Rows
    label: Int[np.ndarray, " n"]
    shares: Float[np.ndarray, " c"]
    inner: LogDensity | None

    def log_densities(self, rows: Rows, prior_rows: float) -> Float[np.ndarray, "m c"]:
        """Cell −1 counts as a cell of its own."""
        cells, classes = int(self.cell.max()) + 2, len(self.shares)
        where = (self.cell[self.training] + 1) * classes + self.label[self.training]
        table = np.bincount(where, minlength=cells * classes).reshape(cells, classes)
        prior = prior_rows * self.shares
        posterior = (table + prior) / (table.sum(axis=1) + prior_rows)[:, None]
        densities = np.log(posterior / self.shares)[self.cell[rows] + 1]
        alone = self.cell[rows] < 0
        if self.inner is not None and np.any(alone):
            densities[alone] += self.inner(rows[alone])
        return np.asarray(densities)


def cells_of(features: Matrix) -> Int[np.ndarray, " n"]:
    """The cell of equal rows that each row is in, or −1."""
    _, codes = np.unique(features, axis=0, return_inverse=True)
    codes = codes.reshape(-1)
    large = np.bincount(codes) >= MIN_CELL
    number = np.where(large, np.cumsum(large) - 1, -1)
    return np.asarray(number[codes])
