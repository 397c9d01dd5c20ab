"""A contingency table shrunk towards independence, with its bias and sampling error.

    μ_ij = n p_ij = s f(c_ij) + L a_i b_j / n²        f(c) = c · c³ / (c³ + κ³)

Counts far above κ are kept, smaller counts are shrunk, s is the weight of the kept ones, and L the
remaining mass. s and κ maximize the leave-one-out likelihood of the samples. This table gives

    bias    E[I_plug-in | independence] · B(μ) / B(ab / n) − φ² / 2n,  B = Σ b(μ)(1 − μ/a)(1 − μ/b)
    noise   n² times a variance, Σ v(μ)(1 − μ/a)(1 − μ/b) + φ² / 2

with b and v of `chance` and φ² = Σ μ² / (a b) − 1. The bias is exact under independence; it is that
of Miller and Madow where every cell is well filled, and for a function of one variable.

References:
    Roulston (1999), doi:10.1016/S0167-2789(98)00269-3, on bias and variance of full tables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from mineral.methods.counts.chance import Whole, cell_bias, cell_variance, expected_information

PerCell: TypeAlias = Float[np.ndarray, " cells"]
# Of means, row sums and column sums, all of one shape when broadcast.
_Term: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

# Coarse grids: finer ones were not compared.
KEPT = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 1.0)  # s
# Log likelihood below the best, that of a 95 % limit: the best itself gives a rare pair without a
# sample probability 0, and intervals of 2 x 2 tables without dependence start above 0 in 36 %.
TOLERANCE = 1.92
DOUBTED = (0.0, 0.7, 1.5, 3.0, 6.0, 12.0)  # κ, samples a cell


@dataclass(frozen=True)
class Shrunk:
    """The observed cells, with their shrunk means, and the margins of the table.

    Attributes:
        row, column: Sums a and b of the row and column of each observed cell.
        kept: s f(c) of each observed cell.
        rest: L, in samples.
        of_x, of_y: All row and column sums.
    """

    row: PerCell
    column: PerCell
    kept: PerCell
    rest: float
    of_x: Whole
    of_y: Whole

    @classmethod
    def fit(
        cls, row: PerCell, column: PerCell, count: PerCell, of_x: Whole, of_y: Whole
    ) -> "Shrunk":
        """The most shrunk table within a tolerance of the largest leave-one-out likelihood.

        Samples whose symbol of x or of y occurs once cannot repeat a pair: they are not scored, and
        have the mean share of the others.
        """
        n = float(count.sum())
        scored = (row > 1) & (column > 1)
        weight = count * scored
        chance = (np.maximum(row - 1, 0.5) / (n - 1)) * (np.maximum(column - 1, 0.5) / (n - 1))
        fits = [(-np.inf, n, 0.0 * count)]
        for doubted in DOUBTED:
            own = _kept(count, doubted) * scored
            others = _kept(count - 1, doubted) * scored
            for s in KEPT:
                share = s * float(own.sum()) / max(float(weight.sum()), 1.0)
                mean = s * own + np.where(scored, 0.0, share * count)
                left = max(n - float(mean.sum()), 0.0)
                q = s * others + np.maximum(left - 1 + s * (own - others), 0.0) * chance
                if (q[scored] <= 0).any():
                    continue
                likelihood = float((weight[scored] * np.log(q[scored])).sum())
                fits.append((likelihood, left, mean))
        best = max(likelihood for likelihood, _, _ in fits)
        near = [fit for fit in fits if fit[0] >= best - TOLERANCE]
        _, rest, kept = max(near, key=lambda fit: fit[1])
        return cls(row, column, np.asarray(kept), rest, of_x, of_y)

    @cached_property
    def n(self) -> int:
        return int(self.of_x.sum())

    @cached_property
    def mean(self) -> PerCell:
        """μ of each observed cell."""
        return np.asarray(self.kept + self.rest * self.row * self.column / self.n**2)

    @cached_property
    def phi_squared(self) -> float:
        """φ²: the sum of squared correlations between functions of x and functions of y."""
        total = self._over_all(lambda mean, a, b: mean**2 / (a * b))
        return max(0.0, total - 1)

    @cached_property
    def bias_within(self) -> float:
        """The bias of the plug-in value with both margins fixed, in nats."""
        ours = self._over_all(lambda mean, a, b: cell_bias(mean) * _free(mean, a, b))
        chance = self._margins(
            lambda mean, a, b: cell_bias(mean) * _free(mean, a, b), float(self.n)
        )
        return expected_information(self.of_x, self.of_y) * ours / chance if chance > 0 else 0.0

    @cached_property
    def noise_within(self) -> float:
        """Σ v(μ)(1 − μ/a)(1 − μ/b): half of the degrees of freedom of the χ² part."""
        return self._over_all(lambda mean, a, b: cell_variance(mean) * _free(mean, a, b))

    @cached_property
    def pmi_variance(self) -> float:
        """Of log(p_ij n² / (a b)) over the shrunk table."""
        p = self.mean / self.n
        unseen = max(0.0, 1 - float(p.sum()))
        ratio = np.log(self.mean * self.n / (self.row * self.column))
        floor = np.log(self.rest / self.n) if unseen > 0 and self.rest > 0 else 0.0
        first = float(p @ ratio) + unseen * floor
        return max(0.0, float(p @ ratio**2) + unseen * float(floor) ** 2 - first**2)

    def _over_all(self, term: _Term) -> float:
        """The sum over all cells, including unobserved ones."""
        base = self.rest * self.row * self.column / self.n**2
        seen = term(self.mean, self.row, self.column) - term(base, self.row, self.column)
        return self._margins(term, self.rest) + float(seen.sum())

    def _margins(self, term: _Term, mass: float) -> float:
        """The sum over all cells of a table of that mass without dependence."""
        a, of_a = np.unique(self.of_x, return_counts=True)
        b, of_b = np.unique(self.of_y, return_counts=True)
        a, b = a[:, None].astype(float), b[None, :].astype(float)
        return float((of_a[:, None] * of_b * term(mass * a * b / self.n**2, a, b)).sum())


def _kept(count: PerCell, doubted: float) -> PerCell:
    if doubted == 0:
        return count
    return np.asarray(count**4 / (count**3 + doubted**3))


def _free(mean: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(1 - mean / a, 0, None) * np.clip(1 - mean / b, 0, None))
