"""Columns as ranks and codes: what selection needs of a table, computed once.

A number enters by its rank alone, so that no strictly monotone map of a column changes a result.
Ties share their mean rank. A discrete column enters by its codes, which have no order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array

from mineral.basics.special import ndtri
from mineral.errors import OptionError
from mineral.methods.default.profile import FEW_VALUES, ROWS_PER_CLASS

TwiceRanks: TypeAlias = Int[np.ndarray, " n"]  # twice the mean rank: 2, 4, …, 2n without ties
Codes: TypeAlias = Int[np.ndarray, " n"]
DiscreteFeatures: TypeAlias = str | bool | Sequence[int] | np.ndarray
"""Which columns are discrete: "auto", a bool for all, a mask, or indices."""

BLOCK = 256  # columns that are sorted at a time: 2 MB of 1,000 rows
ROUNDING = 1e-12  # the length of centered scores of a constant


@dataclass(frozen=True)
class Variable:
    """One column, or the target: codes if it is discrete, ranks if it is a number.

    Attributes:
        ranks: Twice the mean rank of each row.
        scores: Normal scores of mean 0 and length 1; zeros if the variable is constant.
        codes: 0, 1, … without gaps; None for a number.
    """

    ranks: TwiceRanks
    scores: Float[np.ndarray, " n"]
    codes: Codes | None = None

    @classmethod
    def number(cls, values: Float[np.ndarray, " n"]) -> "Variable":
        """A variable whose order matters."""
        ranks, scores, _ = _ranked(np.ascontiguousarray(values[None], dtype=np.float64))
        return cls(ranks[0], scores[0])

    @classmethod
    def label(cls, values: np.ndarray) -> "Variable":
        """A variable without order: numbers or text."""
        codes = numbered(values)
        ranks, scores, _ = _ranked(codes[None].astype(np.float64))
        return cls(ranks[0], scores[0], codes)

    @cached_property
    def moments(self) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Of each row, mean and mean square of the scores that its equal values would have."""
        return _moments_of_ties(self.ranks)

    @cached_property
    def indicators(self) -> Float[np.ndarray, "n categories"]:
        """One column for each category."""
        assert self.codes is not None
        return one_hot(self.codes)


@dataclass(frozen=True)
class Table:
    """The columns of X.

    Attributes:
        ranks: Twice the mean rank, shape (columns, n).
        scores: Normal scores of mean 0 and length 1, shape (columns, n).
        distinct: Distinct values of each column, shape (columns,).
        discrete: Which columns are discrete, shape (columns,).
    """

    ranks: Int[np.ndarray, "columns n"]
    scores: Float[np.ndarray, "columns n"]
    distinct: Int[np.ndarray, " columns"]
    discrete: Bool[np.ndarray, " columns"]

    @classmethod
    def of(
        cls,
        values: Float[np.ndarray, "n columns"],
        discrete_features: DiscreteFeatures = "auto",
    ) -> "Table":
        """Rank the columns, and decide which are discrete.

        Raises:
            OptionError: If `discrete_features` is neither "auto", a bool, a mask nor indices.
        """
        n, columns = values.shape
        ranks, scores = np.empty((columns, n), dtype=np.int32), np.empty((columns, n))
        distinct = np.empty(columns, dtype=np.int64)
        for start in range(0, columns, BLOCK):
            block = slice(start, start + BLOCK)
            ranks[block], scores[block], distinct[block] = _ranked(
                np.ascontiguousarray(values[:, block].T)
            )
        chosen = _discrete(discrete_features, distinct, n)
        return cls(ranks, scores, distinct, chosen | (distinct == 1))

    def __len__(self) -> int:
        return len(self.ranks)

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.ranks.shape[1])

    @cached_property
    def numbers(self) -> Int[np.ndarray, " numbers"]:
        """Places of the columns that are numbers."""
        return np.flatnonzero(~self.discrete)

    @cached_property
    def scores_of_numbers(self) -> Float[np.ndarray, "numbers n"]:
        """Scores of the columns that are numbers."""
        return self.scores[self.numbers] if self.discrete.any() else self.scores

    @cached_property
    def moments_of_numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and mean square of scores, as `Variable.moments`, each of shape (numbers, n)."""
        means, squares = self.scores_of_numbers, self.scores_of_numbers**2
        tied = np.flatnonzero(self.distinct[self.numbers] < self.n)
        if len(tied):
            means = means.copy()
            for j in tied:
                means[j], squares[j] = _moments_of_ties(self.ranks[self.numbers[j]])
        return means, squares

    @cached_property
    def coded(self) -> "Coded":
        """The discrete columns."""
        return Coded.of(self.ranks[self.discrete])

    def column(self, place: int) -> Variable:
        """One column as a variable."""
        ranks, codes = self.ranks[place], None
        if self.discrete[place]:
            codes = numbered(ranks)
        return Variable(ranks, self.scores[place], codes)

    def keep(self, places: Int[np.ndarray, " kept"]) -> "Table":
        """Some of the columns, in order."""
        if len(places) == len(self):
            return self
        kept = (each[places] for each in (self.ranks, self.scores, self.distinct, self.discrete))
        return Table(*kept)


@dataclass(frozen=True)
class Coded:
    """Discrete columns as one sparse matrix of indicators, category after category.

    Attributes:
        indicators: Shape (categories of all columns, n).
        starts: The first category of each column.
        counts: Rows of each category.
    """

    indicators: csr_array
    starts: Int[np.ndarray, " columns"]
    counts: Float[np.ndarray, " categories"]

    @classmethod
    def of(cls, values: Int[np.ndarray, "columns n"]) -> "Coded":
        """Number the distinct values of each column."""
        found = [numbered(column) for column in values]
        sizes = np.array([int(codes.max()) + 1 for codes in found], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)[: len(sizes)]
        n = values.shape[1]
        places = np.array(found, dtype=np.int64).reshape(len(sizes), n) + starts[:, None]
        rows = np.tile(np.arange(n), len(sizes))
        shape = (int(sizes.sum()), n)
        matrix = csr_array((np.ones(places.size), (places.reshape(-1), rows)), shape=shape)
        return cls(
            matrix, starts, np.bincount(places.reshape(-1), minlength=shape[0]).astype(float)
        )

    @property
    def sizes(self) -> Int[np.ndarray, " columns"]:
        """Categories of each column."""
        return np.diff(np.append(self.starts, len(self.counts)))

    def per_column(self, terms: Float[np.ndarray, " categories"]) -> Float[np.ndarray, " columns"]:
        """The sum over the categories of each column."""
        return np.add.reduceat(terms, self.starts) if len(self.starts) else np.zeros(0)


def merge_rare(codes: np.ndarray, fewest: int) -> Codes:
    """Codes in which all categories of fewer rows than `fewest` are one category."""
    values, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    rare = counts < fewest
    renamed = np.where(rare, len(values), np.arange(len(values)))
    return np.asarray(renamed[codes.reshape(-1)])


def numbered(values: np.ndarray) -> Codes:
    """Codes 0, 1, … without gaps, in the order of the values."""
    return np.asarray(np.unique(values, return_inverse=True)[1].reshape(-1))


def one_hot(codes: Codes) -> Float[np.ndarray, "n categories"]:
    """One column of zeros and ones for each code."""
    return np.asarray(np.eye(int(codes.max()) + 1)[codes])


def normal_table(n: int) -> Float[np.ndarray, " twice"]:
    """Φ⁻¹(rank / (n + 1)) by twice the rank."""
    return np.concatenate([[0.0, 0.0], ndtri(np.arange(2, 2 * n + 1) / (2 * (n + 1)))])


def _ranked(
    block: Float[np.ndarray, "columns n"],
) -> tuple[
    Int[np.ndarray, "columns n"],
    Float[np.ndarray, "columns n"],
    Int[np.ndarray, " columns"],
]:
    """Twice the mean ranks, normal scores, and the number of distinct values."""
    n = block.shape[1]
    in_order = np.arange(2, 2 * n + 2, 2, dtype=np.int32)
    normal = normal_table(n)
    scores_in_order = _unit_length(normal[in_order])
    ranks, scores = np.empty(block.shape, dtype=np.int32), np.empty(block.shape)
    distinct = np.full(len(block), n)
    orders, certain = _sorted(block)
    for j, order in enumerate(orders):
        if certain[j]:
            ranks[j, order], scores[j, order] = in_order, scores_in_order
            continue
        order = np.argsort(block[j])
        line = block[j][order]
        different = line[1:] != line[:-1]
        first = np.concatenate([[0], np.flatnonzero(different) + 1, [n]])
        sizes = np.diff(first)
        # Ranks first + 1, …, last of a group of ties have the mean (first + 1 + last) / 2.
        ranks[j, order] = np.repeat(first[:-1] + first[1:] + 1, sizes)
        scores[j] = _unit_length(normal[ranks[j]])
        distinct[j] = len(sizes)
    return ranks, scores, distinct


def _moments_of_ties(
    ranks: TwiceRanks,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Mean and mean square of the scores of each row if ties were ordered at random.

    Variances within groups of rows then include what ties hide: two equal rows have none.
    """
    n = len(ranks)
    size = np.bincount(ranks)[ranks]
    first = (ranks - 1 - size) // 2
    in_order = _unit_length(normal_table(n)[2::2])
    sums = (np.concatenate([[0.0], np.cumsum(power)]) for power in (in_order, in_order**2))
    mean, square = ((total[first + size] - total[first]) / size for total in sums)
    return mean, square


def _sorted(
    block: Float[np.ndarray, "columns n"],
) -> tuple[Int[np.ndarray, "columns n"], Bool[np.ndarray, " columns"]]:
    """The order of the rows of each column, and whether it is certain.

    The last bits of each number are replaced by its row, so that sorting numbers sorts rows, in
    half the time of `argsort`. The order is certain if the other bits of all rows differ.
    """
    n = block.shape[1]
    rows = np.int64((1 << (n - 1).bit_length()) - 1)
    bits = (block + 0.0).view(np.int64)  # −0.0 becomes 0.0
    # Bits of negative numbers are in reversed order.
    keys = bits ^ ((bits >> 63) & np.int64(0x7FFFFFFFFFFFFFFF))
    keys = (keys & ~rows) | np.arange(n)
    keys.sort(axis=1)
    differ = ((keys[:, 1:] ^ keys[:, :-1]) & ~rows) != 0
    return keys & rows, np.asarray(differ.all(axis=1))


def _unit_length(scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    centered = scores - scores.mean()
    length = float(np.sqrt((centered**2).sum()))
    return np.asarray(centered / length if length > ROUNDING else np.zeros_like(scores))


def _discrete(
    option: DiscreteFeatures,
    distinct: Int[np.ndarray, " columns"],
    n: int,
) -> Bool[np.ndarray, " columns"]:
    columns = len(distinct)
    if isinstance(option, str) and option == "auto":
        # As `estimate` recognizes a label: two values, or few values that each occur often.
        few = (distinct <= FEW_VALUES) & (n >= ROWS_PER_CLASS * distinct)
        return np.asarray((distinct <= 2) | few)
    chosen = np.asarray(option)
    if chosen.dtype == bool and chosen.shape in ((), (columns,)):
        return np.broadcast_to(chosen, columns).copy()
    if chosen.dtype.kind in "iu" and chosen.ndim == 1:
        if len(chosen) and not (-columns <= chosen.min() and chosen.max() < columns):
            raise OptionError(
                f"`discrete_features` has the index {chosen.max()}, and `X` has {columns} columns: "
                "pass indices from 0, or a mask."
            )
        mask = np.zeros(columns, dtype=bool)
        mask[chosen] = True
        return mask
    raise OptionError(
        f"`discrete_features` must be 'auto', True, False, a mask of {columns} values or indices, "
        f"got {option!r}."
    )
