"""Bias correction and interval by a shrunk table: for sparse and for well-filled tables.

    value = (plug-in − bias) · max(1, H_CS / H_MM)

with the bias of `shrunk`, and the entropies of Chao & Shen and of Miller & Madow of the side with
the smaller entropy, whose ratio accounts for symbols that were never seen. The interval contains
every true value I that the estimate does not reject, by the quantiles of a gamma distribution with
the moments of

    n (estimate − I) ≈ N(0, n V(I)) + (χ² of d degrees − χ² of φ² degrees) / 2

so that near independence, where the estimate is a χ² minus its mean, it is not symmetric.

References:
    Roulston (1999), doi:10.1016/S0167-2789(98)00269-3.
    Chao & Shen (2003), doi:10.1023/A:1026096204727.
"""

from dataclasses import dataclass, replace

import numpy as np

from mineral.basics.special import gammaincinv, ndtri
from mineral.methods.counts.chance import Whole
from mineral.methods.counts.designs import is_balanced, is_crossed
from mineral.methods.counts.entropies import chao_shen, largest_entropy, miller_madow, plug_in
from mineral.methods.counts.shrunk import Shrunk

ROUNDING = 1e-12  # nats: a plug-in value of 0 is a sum of logarithms
# Standard errors beyond those of sampling, as shares of `missing` and of what unseen symbols add:
# with less, intervals of benchmarks/counts.py start above the truth in 10 to 20 % of sparse tables.
OF_SHRINKAGE, OF_UNSEEN = 0.25, 0.5
HALVINGS = 60  # of an interval's end: up to rounding
LOPSIDED = 1e-3  # skewness, below which a gamma distribution is normal to four digits


@dataclass(frozen=True)
class Adjusted:
    """The result of counting, in nats.

    Attributes:
        value: The estimate.
        n: Samples.
        variance: V, of one sample's contribution.
        noise: n² times the variance of the χ² part.
        skew: n³ times its third cumulant.
        bias: What was subtracted for margins as they are.
        missing: Nats by which the value may be too low because most cells are empty: the root of
            bias subtracted × share of samples that are the only one in their cell × upper limit.
            Most errors of `benchmarks/counts.py` beyond sampling are smaller. 0 if cells are well
            filled.
        design: Whether the table is too regular for a random sample: nothing is subtracted.
    """

    value: float
    n: int
    variance: float = 0.0
    noise: float = 0.0
    skew: float = 0.0
    bias: float = 0.0
    missing: float = 0.0
    design: bool = False

    @property
    def stderr(self) -> float:
        """The standard error over samples at the estimate."""
        return float(np.sqrt(self._spread(max(self.value, 0.0))) / self.n)

    @property
    def reliable(self) -> bool:
        """Whether the possible shortfall is smaller than the sampling error."""
        return bool(self.missing <= self.interval(0.95)[1] - self.value)

    def interval(self, confidence: float) -> tuple[float, float]:
        """The ends of the confidence interval over samples, without the possible shortfall."""
        tail = (1 - confidence) / 2
        # For the upper end, an estimate below zero counts as zero, so that the interval is not too
        # short.
        low, high = self._end(self.value, 1 - tail), self._end(max(self.value, 0.0), tail)
        return min(low, self.value), max(high, self.value)

    def _spread(self, truth: float) -> float:
        """n² times the variance of the estimate where the information is `truth`.

        V is in proportion to I near the estimate, and 2 I near independence, as that of a
        noncentral χ².
        """
        value, least = max(self.value, 0.0), self.noise / self.n**2
        if value == 0 and least == 0:
            return 0.0
        ratio = (self.variance * value + 2 * least) / (value**2 + least)
        return self.n * ratio * truth + self.noise

    def _end(self, value: float, p: float) -> float:
        """The true value at which `value` is the quantile of level p."""

        def beyond(truth: float) -> bool:
            spread = self._spread(truth)
            cumulant = self.skew + 3 * (spread - self.noise)  # of a noncentral χ²
            return bool(self.n * (value - truth) <= _quantile(p, spread, cumulant))

        if beyond(0.0):
            return 0.0
        low, high = 0.0, max(value, 1.0 / self.n)
        while not beyond(high):
            high *= 2
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if beyond(middle) else (middle, high)
        return high


def adjusted(of_x: Whole, of_y: Whole, cells: tuple[Whole, Whole], count: Whole) -> Adjusted:
    """Count a table.

    Args:
        of_x: Samples of each symbol of x, all positive.
        of_y: Samples of each symbol of y, all positive.
        cells: The symbols of x and of y of each observed cell.
        count: Samples in each.
    """
    n = int(count.sum())
    row, column = of_x[cells[0]].astype(float), of_y[cells[1]].astype(float)
    plug = float((count * np.log(count * (n / (row * column)))).sum() / n)
    if min(len(of_x), len(of_y)) == 1:
        return Adjusted(value=0.0, n=n)
    table = Shrunk.fit(row, column, count.astype(float), of_x, of_y)
    part = connected(of_x, of_y, cells)
    blocks = np.bincount(part[: len(of_x)], weights=of_x)
    crossed, balanced = is_crossed(of_x, of_y, cells, part, count), is_balanced(blocks)
    within = 0.0 if crossed else table.bias_within
    between = 0.0 if balanced else table.phi_squared / (2 * n)
    smaller = min(of_x, of_y, key=plug_in)
    unseen = max(1.0, chao_shen(smaller) / miller_madow(smaller))
    estimate = (plug - within + between) * unseen
    value = min(estimate, *map(largest_entropy, (of_x, of_y)))
    alone = float((count == 1).sum()) / n
    counted = Adjusted(
        value=float(value) if abs(value) > ROUNDING else 0.0,
        n=n,
        variance=table.pmi_variance,
        noise=table.noise_within + table.phi_squared / 2,
        skew=2 * table.noise_within - table.phi_squared,
        bias=within,
        design=crossed or balanced,
    )
    missing = float(np.sqrt(within * alone * max(0.0, counted.interval(0.95)[1])))
    wrong = np.hypot(missing * OF_SHRINKAGE, estimate * (unseen - 1) * OF_UNSEEN)
    return replace(counted, missing=missing, noise=counted.noise + (n * float(wrong)) ** 2)


def connected(of_x: Whole, of_y: Whole, cells: tuple[Whole, Whole]) -> Whole:
    """The connected part of each symbol of x, then of each symbol of y, joined by cells."""
    from scipy.sparse import coo_array  # a moment to import: only when needed
    from scipy.sparse.csgraph import connected_components

    nodes = len(of_x) + len(of_y)
    ends = (cells[0], cells[1] + len(of_x))
    edges = coo_array((np.ones(len(cells[0])), ends), (nodes, nodes))
    return np.asarray(connected_components(edges, directed=False)[1])


def _quantile(p: float, variance: float, cumulant: float) -> float:
    """The quantile of a gamma distribution shifted to mean 0, with this variance and skewness."""
    if variance <= 0:
        return 0.0
    skewness = cumulant / variance**1.5
    if abs(skewness) < LOPSIDED:
        return float(np.sqrt(variance) * ndtri(p))
    shape = 4 / skewness**2
    level = p if skewness > 0 else 1 - p
    standard = (gammaincinv(shape, level) - shape) / np.sqrt(shape)
    return float(np.sqrt(variance) * standard * np.sign(skewness))
