"""The Gaussian copula of many pairs: one product of score matrices gives all correlations.

Each column is replaced by its normal scores once, on the rows that a pair shares. Scores are scaled
to whole numbers a with Σa² ≤ 2⁵³. By Cauchy and Schwarz every partial sum of a product of two
columns is then a whole number below 2⁵³, which float64 holds exactly: the sum does not depend on
the order of its terms, so that a pair's correlation has the same bits in any block of any product,
with any number of threads. Rounding changes a correlation by about 4·10⁻⁹, whatever n is.

    I(X; Y) = −½ log(1 − r²) − bias      with the bias of `gaussian_bias`, exact for Gaussian data
    stderr² = r² / n + 1 / 2n²           of a Gaussian copula

Given a condition of rank k, scores are those of residuals, and n − k replaces n in the bias.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import Mask
from mineral.methods.copulas.gaussian import gaussian_bias
from mineral.pairs.nulls import PerPair, p_value, p_value_of_equal
from mineral.pairs.plan import Chunk, Part, Plan
from mineral.pairs.sheet import Sheet
from mineral.samples import indicators, normal_scores, whiten
from mineral.samples.autocorrelation import draws, lag_one
from mineral.samples.gate import CONDITION, read_sides

LENGTH = 2.0**26.4  # of a column of whole numbers: at most 2^26.5 after rounding, up to n = 10^14
VARIES = 1e-7  # of the scores' length: shorter residuals are rounding errors
FEWEST = 4  # rows of a Gaussian fit in 1 + 1 dimensions, beside the rank of the condition
PIECE = 1 << 15  # pairs at a time, whose arrays stay in the processor's cache
CELLS = 1 << 18  # values whose scores are computed at a time: 2 MB
LARGEST = 1 - np.finfo(float).eps  # r², as in `gaussian`: of an exact relation
RANKS = 1 << 20  # above any rank of a condition
PAIRS = 1 << 20  # of a chunk: 40 MB on disk, a second or less


Positions: TypeAlias = Int[np.ndarray, " _"]
Ranks: TypeAlias = Int[np.ndarray, " m"]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Normal scores of k columns on the same n rows.

    Attributes:
        whole: Whole numbers in proportion to the scores.
        length: √Σ whole² of each column; 0 if it does not vary.
        rank: Of the condition that was regressed out.
    """

    whole: Float[np.ndarray, "k n"]
    length: Float[np.ndarray, " k"]
    rank: int

    def select(self, columns: Int[np.ndarray, " c"] | slice) -> "Scores":
        """Some of the columns."""
        return replace(self, whole=self.whole[columns], length=self.length[columns])


@dataclass(frozen=True, kw_only=True)
class Copula:
    """The Gaussian copula of pairs of a table's columns.

    Attributes:
        sheet: The table.
        plan: The pairs.
        lags: Of each column of the table, as `autocorrelations` gives them.
        given: Places of the columns of the condition.
        level: Standard errors that an interval reaches to either side.
    """

    sheet: Sheet
    plan: Plan
    lags: Float[np.ndarray, " p"]
    given: tuple[int, ...] = ()
    level: float = 1.96

    def scores(
        self, places: Positions, rows: Mask, run: Callable[..., Iterable[Any]] = map
    ) -> Scores:
        """Scores of columns on some of the rows, each column by itself.

        Args:
            places: Of the columns in the table.
            rows: Of the table.
            run: As `map`, or that of a pool of threads.
        """
        directions = self._condition(rows)
        parts = list(
            run(
                lambda some: _scores(self.sheet.values[some][:, rows], directions),
                _pieces(places, int(rows.sum())),
            )
        )
        return Scores(
            whole=np.concatenate([whole for whole, _ in parts]),
            length=np.concatenate([length for _, length in parts]),
            rank=len(directions),
        )

    def _condition(self, rows: Mask) -> Float[np.ndarray, "rank some"]:
        """Orthonormal scores of the condition on these rows, as `partial-copula` has them."""
        if not self.given:
            return np.empty((0, int(rows.sum())))
        columns = {self.sheet.names[i]: self.sheet.column(i, rows) for i in self.given}
        sides, _ = read_sides({CONDITION: columns}, missing="raise", words=True)
        z = indicators(sides[CONDITION].values, sides[CONDITION].categorical)
        return np.ascontiguousarray(whiten(normal_scores(z))[0].T)

    def measure(self, chunk: Chunk, groups: "Groups", found: Part) -> None:
        """The results of a chunk that holds whole rows of the plan, written into `found`."""
        a, b = chunk.rows
        r = np.full(len(chunk), np.nan)
        times, ranks = np.ones(len(chunk)), np.zeros(len(chunk), dtype=np.int64)
        before = self.plan.starts[a:b] - chunk.start
        for block in groups.blocks(a, b):
            positions = block.right_positions
            is_range = positions[-1] - positions[0] == len(positions) - 1
            correlation, time = block.correlations(), groups.times(block)
            for k, row in enumerate(block.left_positions):
                after = int(np.searchsorted(positions, row, side="right"))
                pairs = before[row - a] + positions[after:] - row - 1
                if not len(pairs):
                    continue
                place = slice(pairs[0], pairs[-1] + 1) if is_range else pairs
                found.n[place] = block.rows
                if correlation is not None:
                    r[place], ranks[place] = correlation[k, after:], block.rank
                if time is not None:
                    times[place] = time[k, after:]
        for start in range(0, len(chunk), PIECE):
            piece = slice(start, min(start + PIECE, len(chunk)))
            _finish(found, piece, r[piece], ranks[piece], times[piece], self.level)


@dataclass(frozen=True, kw_only=True)
class Block:
    """Columns of two groups on the rows that the groups share.

    Attributes:
        left_positions, right_positions: Of the columns in the plan, in order.
        left, right: Their scores; None with too few rows.
        rows: The number of shared rows.
    """

    left_positions: Int[np.ndarray, " k"]
    right_positions: Int[np.ndarray, " l"]
    left: Scores | None
    right: Scores | None
    rows: int

    @property
    def rank(self) -> int:
        """Of the condition that was regressed out."""
        return 0 if self.left is None else self.left.rank

    def correlations(self) -> Float[np.ndarray, "k l"] | None:
        """NaN where a column does not vary; None with too few rows."""
        if self.left is None or self.right is None or self.rows < FEWEST + self.rank:
            return None
        lengths = self.left.length[:, None] * self.right.length
        with np.errstate(invalid="ignore"):
            return np.asarray(self.left.whole @ self.right.whole.T / lengths)


class Groups:
    """Columns with missing values in the same rows, whose scores on their own rows are kept."""

    def __init__(self, copula: Copula) -> None:
        self._copula = copula
        self._places = np.array(copula.plan.columns)
        is_there = copula.sheet.is_there
        known = is_there[list(copula.given)].all(axis=0)
        masks: dict[bytes, tuple[Mask, list[int]]] = {}
        for position, place in enumerate(self._places):
            mask = is_there[place] & known
            masks.setdefault(mask.tobytes(), (mask, []))[1].append(position)
        self._masks = [mask for mask, _ in masks.values()]
        self._positions = [np.array(positions) for _, positions in masks.values()]
        self._own: dict[int, Scores] = {}

    def __len__(self) -> int:
        return len(self._masks)

    def prepare(self, run: Callable[..., Iterable[Any]]) -> None:
        """Compute the scores of each group on its own rows; `run` is the `map` of a pool."""
        for k, (mask, positions) in enumerate(zip(self._masks, self._positions, strict=True)):
            if mask.sum() >= FEWEST:
                self._own[k] = self._copula.scores(self._places[positions], mask, run)

    def times(self, block: Block) -> Float[np.ndarray, "k l"] | None:
        """Rows for each independent draw; None if no pair of a block is in series."""
        lags = self._copula.lags[self._places]
        left, right = lags[block.left_positions], lags[block.right_positions]
        if not (left.any() and right.any()):
            return None
        found = draws(left[:, None], right)
        return found if (found > 1).any() else None

    def blocks(self, a: int, b: int) -> Iterator[Block]:
        """Blocks that hold the pairs of positions a to b − 1 with all positions after them."""
        for i, own in enumerate(self._positions):
            left = own[(own >= a) & (own < b)]
            if not len(left):
                continue
            for j, other in enumerate(self._positions):
                right = other[other > left[0]]
                if len(right):
                    yield self._block(i, j, left, right)

    def _block(self, i: int, j: int, left: Positions, right: Positions) -> Block:
        rows = self._masks[i] & self._masks[j]
        count = int(rows.sum())
        of_left = of_right = None
        if count >= FEWEST:
            of_left, of_right = self._scores(i, left, rows), self._scores(j, right, rows)
        if of_left is None and of_right is None and count >= FEWEST:  # both in one call
            both = self._copula.scores(self._places[np.concatenate([left, right])], rows)
            of_left, of_right = both.select(slice(len(left))), both.select(slice(len(left), None))
        elif count >= FEWEST:
            of_left = of_left or self._copula.scores(self._places[left], rows)
            of_right = of_right or self._copula.scores(self._places[right], rows)
        return Block(
            left_positions=left, right_positions=right, left=of_left, right=of_right, rows=count
        )

    def _scores(self, k: int, positions: Positions, rows: Mask) -> Scores | None:
        """Scores of some columns of a group, if the rows are all of its own."""
        if k not in self._own or not np.array_equal(rows, self._masks[k]):
            return None
        return self._own[k].select(np.searchsorted(self._positions[k], positions))


def autocorrelations(sheet: Sheet) -> Float[np.ndarray, " p"]:
    """The lag-one autocorrelation of each column of a table, in the rows where it is not missing.

    0 where it is not significant, and of categories, which tables often list in groups.
    """
    masks: dict[bytes, list[int]] = {}
    for i, levels in enumerate(sheet.levels):
        if levels is None:
            masks.setdefault(sheet.is_there[i].tobytes(), []).append(i)
    found = np.zeros(len(sheet.names))
    for columns in masks.values():
        rows = sheet.is_there[columns[0]]
        for some in _pieces(np.array(columns), int(rows.sum())):
            found[some] = lag_one(sheet.values[some][:, rows].T)
    return found


def _pieces(columns: Positions, rows: int) -> list[Positions]:
    """Columns in pieces of `CELLS` values."""
    size = max(1, CELLS // max(1, rows))
    return [columns[k : k + size] for k in range(0, len(columns), size)]


def _scores(
    values: Float[np.ndarray, "k n"], directions: Float[np.ndarray, "rank n"]
) -> tuple[Float[np.ndarray, "k n"], Float[np.ndarray, " k"]]:
    """Whole numbers, and their lengths. Sums are over single columns."""
    z = np.ascontiguousarray(normal_scores(values.T).T)
    z -= z.mean(axis=1, keepdims=True)
    size = np.sqrt((z * z).sum(axis=1))
    for direction in directions:
        z -= (z * direction).sum(axis=1, keepdims=True) * direction
    length = np.sqrt((z * z).sum(axis=1))
    varies = length > VARIES * np.maximum(size, np.sqrt(values.shape[1]) * VARIES)
    z *= np.where(varies, LENGTH / np.where(varies, length, 1.0), 0.0)[:, None]
    whole = np.rint(z, out=z)
    return whole, np.sqrt((whole * whole).sum(axis=1))


def _finish(
    found: Part, piece: slice, r: PerPair, ranks: Ranks, times: PerPair, level: float
) -> None:
    """Values, intervals and p-values of correlations, into a piece of the results."""
    n = found.n[piece]
    kinds = n * RANKS + ranks
    is_one = bool((kinds == kinds[0]).all())  # as where no value is missing
    for kind in kinds[:1] if is_one else np.unique(kinds):
        rows, rank = divmod(int(kind), RANKS)
        if rows < FEWEST + rank:
            continue
        own: Any = slice(None) if is_one else np.flatnonzero(kinds == kind)
        value, half, p_value = _of_gaussian(r[own], rows, rank, times[own])
        found.value[piece][own] = value
        found.low[piece][own], found.high[piece][own] = value - level * half, value + level * half
        found.p_value[piece][own] = p_value


def _of_gaussian(r: PerPair, n: int, rank: int, times: PerPair) -> tuple[PerPair, PerPair, PerPair]:
    """Information in nats, its standard error, and the p-value, of correlations from n rows.

    The standard error is that of the `gaussian` estimator with r² in place of the variance of the
    pointwise values, which it is for a Gaussian; its terms for fitted correlations are the same.
    """
    squared = np.minimum(r * r, LARGEST)
    strength = -np.log1p(-squared)
    value = strength / 2 - _bias(n - rank)
    noise = (1 + np.sqrt(2)) / n
    spread = (np.maximum(squared - noise, 0) / n + 1 / (2 * n**2)) * (n / (n - rank)) * times
    in_series = times > 1
    if not in_series.any():
        return value, np.sqrt(spread), p_value_of_equal(strength, n - 2 - rank)
    p = p_value_of_equal(strength, n - 2 - rank)
    df = np.maximum(n / times[in_series] - 2 - rank, 1.0)
    p[in_series] = p_value(strength[in_series], df)
    return value, np.sqrt(spread), p


@lru_cache(maxsize=4096)
def _bias(n: int) -> float:
    return gaussian_bias(float(n), 1, 1)
