"""Partial correlations of a target with every lag of a column at once, and their null.

The target's scores and the functions of each candidate are regressed on what is selected. A
candidate's statistic is the smaller log p-value of two F tests in their χ² approximation: of its
first function alone, which is the sharper for a linear action, and of all its functions.

The null is that of rotations: the residuals of the target, which are uncorrelated in time where
all that acts is selected, are rotated against all candidates together. So the candidates keep their
autocorrelations, their correlations with each other and with the selection, and the smallest
p-value of all candidates has its own distribution. One Fourier transform gives all rotations.

References:
    Westfall & Young (1993), Resampling-based multiple testing: maximum statistics.
    Novelli et al. (2019), arXiv:1902.06828: greedy selection of lags with maximum statistics.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int

from mineral.basics.types import Rows
from mineral.links.grid import Functions, Grid, Past

ROUNDING = 1e-6  # of a function's size: what is smaller after regression is rounding error
LARGEST = 1 - 1e-12  # squared correlation, beyond which its logarithm is that of rounding error

Logs = Float[np.ndarray, " m"]  # logarithms of p-values


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """All past values, given those that are selected.

    Attributes:
        grid: The series.
        target: The place of the target.
        selected: Past values that are regressed out of everything.
    """

    grid: Grid
    target: int
    selected: tuple[Past, ...]

    @cached_property
    def times(self) -> Rows:
        """The times used: the target and the selection are there."""
        return self.grid.rows(self.target, self.selected)

    @cached_property
    def basis(self) -> Float[np.ndarray, "n k"]:
        """Orthonormal functions that span a constant and the functions of the selection."""
        return basis_of(self.grid, self.selected, self.times)

    @cached_property
    def residuals(self) -> Float[np.ndarray, " n"]:
        """The target's scores without the selection."""
        scores = self.grid.functions[self.target][0, self.times]
        return np.asarray(scores - self.basis @ (self.basis.T @ scores))

    @cached_property
    def shifts(self) -> Int[np.ndarray, " shifts"]:
        """No rotation, and all that bring no lag of a candidate near one that may act."""
        n = len(self.times)
        gap = min(2 * self.grid.max_lag, n // 4)
        return np.concatenate([[0], np.arange(gap, n - gap + 1)])

    @cached_property
    def _transform(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the residuals and of their squares, conjugated."""
        r = self.residuals
        return np.fft.rfft(r).conj(), np.fft.rfft(r**2).conj()

    @cached_property
    def _explained(self) -> Float[np.ndarray, " shifts"]:
        """Of rotated residuals, the squared length that the selection explains."""
        return np.asarray((self._rotated(self.basis.T, self._transform[0]) ** 2).sum(axis=0))

    def _rotated(
        self, rows: Float[np.ndarray, "*several n"], of: np.ndarray
    ) -> Float[np.ndarray, "*several shifts"]:
        """Inner products of rows with rotations of the residuals or their squares."""
        n = rows.shape[-1]
        every = np.fft.irfft(of * np.fft.rfft(rows, axis=-1), n=n, axis=-1)
        return np.asarray(every[..., self.shifts])

    def log_p(self, column: int, lags: Sequence[int]) -> Float[np.ndarray, "lags shifts"]:
        """log p of each lag of a column, for no rotation and for each rotation."""
        block, is_there = self.directions(column, lags)
        squares = self._rotated(block, self._transform[0]) ** 2
        lengths = self._rotated(is_there.astype(np.float64), self._transform[1])
        counts = is_there.sum(axis=1)[:, None]
        lengths = lengths - self._explained * (counts / len(self.times))
        return self._smallest(squares, lengths[:, None, :], counts, block)

    def log_p_of(self, column: int, lags: Sequence[int], functions: Functions) -> Logs:
        """log p of each lag of a surrogate of a column, without rotation."""
        block, is_there = self.directions(column, lags, functions)
        squares = (block @ self.residuals)[..., None] ** 2
        lengths = (is_there @ self.residuals**2)[:, None, None]
        counts = is_there.sum(axis=1)[:, None]
        return self._smallest(squares, lengths, counts, block)[:, 0]

    def directions(
        self, column: int, lags: Sequence[int], functions: Functions | None = None
    ) -> tuple[Float[np.ndarray, "lags degree n"], Bool[np.ndarray, "lags n"]]:
        """Orthonormal functions of each lag without the selection, and which values are there.

        A function that the selection, or those before it, explain is 0.
        """
        block, is_there = self.grid.block(column, lags, self.times, functions)
        sizes = np.sqrt(np.einsum("ldn,ldn->ld", block, block))[..., None]
        basis = self.basis
        whole = is_there.all(axis=1)
        flat = block.reshape(-1, block.shape[-1])
        flat -= (flat @ basis) @ basis.T
        block = flat.reshape(block.shape)
        for i in np.flatnonzero(~whole):  # a regression on the rows that this lag has
            own = basis * is_there[i][:, None]
            values = block[i] * is_there[i]
            weights, *_ = np.linalg.lstsq(own, values.T, rcond=None)
            block[i] = values - (own @ weights).T
        return _orthonormal(block, sizes), is_there

    def _smallest(
        self,
        squares: Float[np.ndarray, "lags degree shifts"],
        lengths: Float[np.ndarray, "lags 1 shifts"],
        counts: Int[np.ndarray, "lags 1"],
        block: Float[np.ndarray, "lags degree n"],
    ) -> Float[np.ndarray, "lags shifts"]:
        shares = np.cumsum(squares, axis=1) / np.maximum(lengths, np.finfo(float).tiny)
        strength = -np.log1p(-np.minimum(shares, LARGEST))
        is_function = np.einsum("ldn,ldn->ld", block, block) > 0.5
        count = is_function.sum(axis=1)[:, None]
        freedom = counts - self.basis.shape[1]
        found = log_tail(np.maximum(freedom - 1 - count / 2, 0) * strength[:, -1], count)
        alone = log_tail(np.maximum(freedom - 1.5, 0) * strength[:, 0], np.ones_like(count))
        return np.asarray(np.minimum(found, np.where(is_function[:, :1], alone, 0.0)))


def basis_of(grid: Grid, selected: Iterable[Past], times: Rows) -> Float[np.ndarray, "n k"]:
    """Orthonormal functions that span a constant and the functions of past values."""
    columns = [np.ones((1, len(times)))]
    columns += [grid.block(column, [lag], times)[0][0] for column, lag in selected]
    basis, sizes, _ = np.linalg.svd(np.concatenate(columns).T, full_matrices=False)
    return np.asarray(basis[:, sizes > ROUNDING * sizes[0]])


def _orthonormal(
    block: Float[np.ndarray, "lags degree n"], sizes: Float[np.ndarray, "lags degree 1"]
) -> Float[np.ndarray, "lags degree n"]:
    """Orthonormal rows of each lag; 0 where one is a sum of others, up to rounding."""
    found = np.zeros_like(block)
    for i in range(block.shape[1]):
        row = block[:, i]
        for j in range(i):
            row = row - np.einsum("ln,ln->l", row, found[:, j])[:, None] * found[:, j]
        size = np.sqrt(np.einsum("ln,ln->l", row, row))[:, None]
        varies = size > ROUNDING * sizes[:, i]
        found[:, i] = np.where(varies, row / np.where(varies, size, 1.0), 0.0)
    return found


def log_tail(
    statistic: Float[np.ndarray, "..."], freedom: Int[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """log P(χ² ≥ statistic) with 0 to 3 degrees of freedom, for any size of it."""
    half = statistic / 2
    one = scipy.special.erfcx(np.sqrt(half))
    scaled = np.select(
        [freedom == 0, freedom == 1, freedom == 2],
        [np.exp(np.minimum(half, 700.0)), one, np.ones_like(half)],
        one + np.sqrt(4 * half / np.pi),
    )
    return np.asarray(np.where(freedom == 0, 0.0, np.log(scaled) - half))


def smallest(candidates: Candidates, pasts: Iterable[Past]) -> tuple[Past, float, Logs]:
    """The past value with the smallest p-value, its log p, and that of each rotation.

    Args:
        candidates: Given what is selected.
        pasts: Among which; those that are selected have no functions, and p = 1.
    """
    best: tuple[Past, float] = ((-1, 0), np.inf)
    null: Logs | None = None
    columns: dict[int, list[int]] = {}
    for column, lag in pasts:
        columns.setdefault(column, []).append(lag)
    for column, lags in columns.items():
        logs = candidates.log_p(column, lags)
        i = int(logs[:, 0].argmin())
        if logs[i, 0] < best[1]:
            best = ((column, lags[i]), float(logs[i, 0]))
        least = logs[:, 1:].min(axis=0)
        null = least if null is None else np.minimum(null, least)
    assert null is not None
    return *best, null
