"""Forward selection by tables of two columns and the target: JMI and CMIM.

With the selected columns S, the next column x_j has the largest

    Σ_{s ∈ S} I(x_j, x_s; y)      JMI: joint mutual information
    min_{s ∈ S} I(x_j; y | x_s)   CMIM: conditional mutual information maximization

The first two columns are the pair of the largest I(x_i, x_j; y), which is what both criteria sum up
to for two columns: of an exclusive or, neither column has information by itself, and no step of
single columns would find one. All pairs are counted, in time that grows with the square of the
number of columns; with `start="column"` the first column is the one of the largest I(x_j; y), as in
the articles.

Every term is counted, with Miller and Madow's correction. A column that is not discrete is binned
by its ranks into an even number of bins of equal size, so that the median separates two bins.
Binning cannot add information, and a table finds any dependence that it resolves; a Gaussian copula
misses the exclusive or of two signs.

References:
    Yang & Moody (1999), Data visualization and feature selection, NIPS 12.
    Fleuret (2004), Fast binary feature selection with conditional mutual information, JMLR 5.
    Brown, Pocock, Zhao & Luján (2012), JMLR 13:27–66.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from scipy.special import xlogy

from mineral.selection.closed_form import PerColumn
from mineral.selection.columns import Coded, Table, Variable, numbered, one_hot
from mineral.selection.greedy import Order, best, then_by

JointCriterion: TypeAlias = Literal["jmi", "cmim"]
Start: TypeAlias = Literal["pair", "column"]

ROWS_PER_CELL = 5  # on average, in a table of two columns and the target
MOST_BINS = 8
CELLS = 4_000_000  # of pairs at a time: 32 MB for each matrix of counts


@dataclass(frozen=True)
class Tables:
    """Binned columns and a target of few symbols.

    Attributes:
        columns: All columns, as indicators of bins or categories.
        bins: The bin of each row, shape (columns, n).
        target: The symbol of each row.
    """

    columns: Coded
    bins: Int[np.ndarray, "columns n"]
    target: Int[np.ndarray, " n"]

    @classmethod
    def of(cls, table: Table, target: Variable) -> "Tables":
        """Bin what is not discrete."""
        classes = None if target.codes is None else int(target.codes.max()) + 1
        count = number_of_bins(table.n, classes)
        symbols = target.codes if target.codes is not None else binned(target.ranks, count)
        values = np.where(table.discrete[:, None], table.ranks, binned(table.ranks, count))
        bins = np.array([numbered(column) for column in values]).reshape(values.shape)
        return cls(Coded.of(bins), bins, numbered(symbols))

    @cached_property
    def terms(self) -> Float[np.ndarray, " counts"]:
        """By a count c, its term in Miller and Madow's entropy: −c log c / n + [c > 0] / 2n."""
        n = len(self.target)
        count = np.arange(n + 1)
        return np.asarray((-xlogy(count, count) + (count > 0) / 2) / n)

    @cached_property
    def entropy(self) -> float:
        """H(y) in nats."""
        n = len(self.target)
        counts = np.bincount(self.target)
        return float(self.terms[counts].sum() + np.log(n) - 1 / (2 * n))

    def singly(self) -> PerColumn:
        """I(x_j; y) of each column."""
        return self._jointly(np.zeros_like(self.target))

    def jointly_with(self, place: int) -> PerColumn:
        """I(x_j, x_s; y) of each column j, with the column s at this place."""
        return self._jointly(self.bins[place])

    def _jointly(self, other: Int[np.ndarray, " n"]) -> PerColumn:
        """I(x_j, other; y) = H(y) + H(x_j, other) − H(x_j, other, y)."""
        both = numbered(other * (int(self.target.max()) + 1) + self.target)
        with_target, without = (
            self.columns.per_column(self._entropy_terms(codes)) for codes in (both, other)
        )
        return np.asarray(self.entropy + without - with_target)

    def _entropy_terms(self, codes: Int[np.ndarray, " n"]) -> Float[np.ndarray, " categories"]:
        cells = self.columns.indicators @ one_hot(codes)
        return np.asarray(self.terms[cells.astype(np.int64)].sum(axis=1))

    def best_pair(self) -> tuple[int, int]:
        """The two columns of the largest I(x_i, x_j; y); the first of equals."""
        starts, sizes = self.columns.starts, self.columns.sizes
        dense = self.columns.indicators.astype(np.float32).toarray()
        by_symbol = [np.ascontiguousarray(dense[:, self.target == c]) for c in self._symbols()]
        largest, pair = -np.inf, (0, 1)
        for columns in _blocks(sizes, max(1, CELLS // len(dense))):
            first = int(starts[columns[0]])
            rows = slice(first, int(starts[columns[-1]] + sizes[columns[-1]]))
            gain = self._gains(by_symbol, rows, first)
            nats = np.add.reduceat(gain, starts[columns] - first, axis=0)
            nats = np.add.reduceat(nats, starts[columns[0] :] - first, axis=1)
            nats[np.tril_indices_from(nats)] = -np.inf  # each pair once, and no column with itself
            at = np.unravel_index(int(nats.argmax()), nats.shape)
            if nats[at] > largest:
                largest = nats[at]
                pair = int(columns[0] + at[0]), int(columns[0] + at[1])
        return pair

    def _symbols(self) -> range:
        return range(int(self.target.max()) + 1)

    def _gains(
        self, by_symbol: list[np.ndarray], rows: slice, first: int
    ) -> Float[np.ndarray, "block others"]:
        """For each two categories, their terms in H(x_i, x_j) − H(x_i, x_j, y)."""
        cells = [(each[rows] @ each[first:].T).astype(np.int32) for each in by_symbol]
        gain = self.terms[np.sum(cells, axis=0)]
        for each in cells:
            gain -= self.terms[each]
        return np.asarray(gain)


def select_jointly(
    table: Table, target: Variable, k: int, criterion: JointCriterion, start: Start
) -> Order:
    """All columns in order: the first k as selected, the others by their last criterion.

    Args:
        table: The columns.
        target: A class or a number.
        k: Columns to select.
        criterion: "jmi" or "cmim".
        start: Whether to start from the best pair of columns, or from the best column.
    """
    tables = Tables.of(table, target)
    singly = tables.singly()
    order: list[int] = [best(singly, [])]
    if start == "pair" and k > 1 and len(table) > 1:
        order = sorted(tables.best_pair(), key=lambda place: -float(singly[place]))
    values = singly
    for step in range(k):
        chosen = order[step] if step < len(order) else best(values, order)
        if step >= len(order):
            order.append(chosen)
        joint = tables.jointly_with(chosen)
        if criterion == "jmi":
            values = joint if step == 0 else values + joint
        else:
            gain = joint - singly[chosen]
            values = gain if step == 0 else np.minimum(values, gain)
    return then_by(values, order)


def number_of_bins(n: int, classes: int | None) -> int:
    """An even number of bins of each column, with five rows a cell of a table on average.

    Args:
        n: Rows.
        classes: Of the target; None for a number, which is binned as the columns are.
    """
    cells = n / ROWS_PER_CELL
    most = cells ** (1 / 3) if classes is None else (cells / classes) ** 0.5
    return int(max(2, min(MOST_BINS, 2 * (most // 2))))


def binned(ranks: Int[np.ndarray, "... n"], count: int) -> Int[np.ndarray, "... n"]:
    """Bins of equal size; equal values are in the same bin.

    Args:
        ranks: Twice the mean ranks.
        count: Bins.
    """
    return np.asarray((ranks - 1) * count // (2 * ranks.shape[-1]))


def _blocks(sizes: Int[np.ndarray, " columns"], most: int) -> Iterator[Int[np.ndarray, " block"]]:
    """Successive columns with this many categories at most in sum, and one column at least."""
    start = 0
    while start < len(sizes):
        count = max(1, int(np.searchsorted(np.cumsum(sizes[start:]), most, side="right")))
        yield np.arange(start, min(start + count, len(sizes)))
        start += count
