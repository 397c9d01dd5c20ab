"""Histograms: mutual information from frequencies in adaptive or equal-frequency cells.

    A × B   a cell: x in A and y in B        m   samples in it, of n
    n_A     samples with x in A              n_B   samples with y in B

    I(X; Y) ≈ Σ m/n log[m n / (n_A n_B)]

References:
    Darbellay & Vajda (1999), doi:10.1109/18.761290.
    Fraser & Swinney (1986), doi:10.1103/PhysRevA.33.1134.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.special import chdtrc, chdtri
from mineral.basics.types import Matrix, PerSample, Rows, X, Y
from mineral.errors import InputError, OptionError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.counts import entropies
from mineral.methods.counts.discrete import Codes, Table
from mineral.methods.options import AtLeastTwo, Range
from mineral.results import Caution
from mineral.samples import Paired, symbols

MOST_DIMS = 4  # dx + dy: a cell is split into 2^(dx + dy)
EXPECTED = 5  # samples a subcell, for the χ² approximation (Cochran 1954)
Cuts: TypeAlias = Float[np.ndarray, "cuts d"]
InA: TypeAlias = Int[np.ndarray, " in_a"]
InB: TypeAlias = Int[np.ndarray, " in_b"]
Shares: TypeAlias = Float[np.ndarray, " parts"]

A_CELL = 10  # samples a cell for equal-frequency bins; with fewer, Miller–Madow corrects too little


@dataclass(frozen=True, kw_only=True)
class Histogram(Estimator):
    """Histogram with adaptive cells: fast, for dx + dy up to 4.

    adaptive: a cell is split at the medians of x and of y: of all samples with x in A, and of all
    with y in B, column by column. If X and Y are independent within the cell, counts in the parts
    are proportional to n_A n_B. If a χ² test rejects this, for the parts or for finer grids of at
    least five samples a part, the cell is split, recursively. So cells are small along the
    dependence, and independent variables have a single cell, whose information is exactly zero.

    otherwise: bins of equal frequency in every column, with the Miller–Madow correction, and at
    least ten samples for each of the bins^(dx + dy) cells.

    Both use ranks only: monotone maps of a column change nothing. Dependence within a cell is not
    counted, so that the value is too low for weak dependence, which the test does not detect, for
    noise finer than the cells, and in more than two dimensions; the maximum with equal bins is the
    logarithm of their number. The standard error combines the standard deviation of the pointwise
    values with the χ² noise of the cells.

    Args:
        adaptive: Whether cells are adaptive.
        bins: Without `adaptive`, the number for each column; None for (n / 10)^(1 / (dx + dy)).
        level: With `adaptive`, the share of cells split by mistake. Lower means fewer cells.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal(5000)
        >>> y = x + rng.standard_normal(5000)
        >>> round(Histogram().estimate(x, y).value, 2)  # the true value is log(2) / 2 ≈ 0.35
        0.35
    """

    adaptive: bool = True
    bins: AtLeastTwo | None = None
    level: Annotated[float, Range(0, 1, closed=False)] = 0.05

    name = "histogram"
    kind = "neither"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bins is not None and self.adaptive:
            raise OptionError(
                "`bins` needs adaptive=False: adaptive cells choose their own number."
            )

    def measure(self, samples: Paired, run: Run) -> Measurement:
        samples.at_least(4, "A histogram")
        if samples.dims > MOST_DIMS:
            raise InputError(
                f"`x` and `y` have {samples.dims} dimensions, and more than {MOST_DIMS} have too "
                "many cells: use estimator='ksg' or 'infonce', or reduce dimensions."
            )
        return self._adaptive(samples) if self.adaptive else self._equal_frequency(samples)

    def _adaptive(self, samples: Paired) -> Measurement:
        n = len(samples)
        pointwise, d = partition(samples.x, samples.y, self.level)
        value = float(pointwise.mean())
        # A cell with fewer samples is never split, even if they lie on a line.
        smallest = float(chdtri(2**samples.dims - 1, self.level))
        return Measurement(
            value=value,
            stderr=float(np.sqrt(pointwise.var() / n + d / (2 * n**2))),
            pointwise=pointwise,
            cautions=(
                *_near_ceiling(value, float(np.log(n / smallest)) - 1.5),
                *_few(n, 20 * 2**samples.dims),
            ),
        )

    def _equal_frequency(self, samples: Paired) -> Measurement:
        n = len(samples)
        bins = self.bins or max(2, int((n / A_CELL) ** (1 / samples.dims)))
        table = Table(equal_frequency(samples.x, bins), equal_frequency(samples.y, bins))
        h_x, h_y, h_xy = map(entropies.miller_madow, (table.of_x, table.of_y, table.of_xy))
        value = h_x + h_y - h_xy
        most = float(np.log(min(len(table.of_x), len(table.of_y))))
        return Measurement(
            value=value,
            stderr=table.stderr(),
            pointwise=table.pmi(),
            cautions=(
                *_near_ceiling(value, 0.7 * most),
                *_few(n, A_CELL * len(table.of_x) * len(table.of_y)),
            ),
        )


def equal_frequency(values: Matrix, bins: int) -> Codes:
    """The bin of each row: as many rows in each of `bins` as ties allow, in every coordinate."""
    from scipy.stats import rankdata  # half a second to import: only when needed

    places = (rankdata(values, axis=0) - 0.5) / len(values)  # equal values have the same place
    return symbols(np.floor(places * bins))


def partition(x: X, y: Y, level: float) -> tuple[PerSample, int]:
    """The pointwise value of each sample, that of its cell, and the χ² freedom of the cells.

    The degrees of freedom are those of the finest tests that cells passed.
    """
    n = len(x)
    pmi, freedom = np.empty(n), 0
    everyone = np.arange(n)
    cells = [(everyone, everyone, everyone)]
    while cells:
        rows, of_x, of_y = cells.pop()
        halves, d = _split(x, y, rows, of_x, of_y, level)
        if halves is None:
            pmi[rows] = np.log(len(rows) / len(of_x) * (n / len(of_y)))
            freedom += d
            continue
        cut_x, cut_y = halves
        part = _part(x[rows], cut_x), _part(y[rows], cut_y)
        part_x, part_y = _part(x[of_x], cut_x), _part(y[of_y], cut_y)
        for a, b in np.unique(np.stack(part, axis=1), axis=0):
            inside = (part[0] == a) & (part[1] == b)
            cells.append((rows[inside], of_x[part_x == a], of_y[part_y == b]))
    return pmi, freedom


def _split(
    x: X, y: Y, rows: Rows, of_x: InA, of_y: InB, level: float
) -> tuple[tuple[np.ndarray, np.ndarray] | None, int]:
    """The cuts of a cell, or None and the degrees of freedom of the last test that it passed."""
    grids = _grids(len(rows), x.shape[1] + y.shape[1])
    halves, d = None, 0
    for ways in grids:
        cut_x, cut_y = _cuts(x[of_x], ways), _cuts(y[of_y], ways)
        halves = halves or (cut_x, cut_y)
        share_x, share_y = _shares(x[of_x], cut_x), _shares(y[of_y], cut_y)
        cells = _part(x[rows], cut_x) * len(share_y) + _part(y[rows], cut_y)
        p, d = _uniformity(cells, share_x, share_y)
        if p < level / len(grids):
            return halves, d
    return None, d


def _grids(m: int, dims: int) -> list[int]:
    """2, 4, 8, …: the numbers of parts of each column in the tests of a cell of m samples."""
    grids = [2]
    while m >= EXPECTED * (2 * grids[-1]) ** dims:
        grids.append(2 * grids[-1])
    return grids


def _uniformity(cells: Codes, share_x: np.ndarray, share_y: np.ndarray) -> tuple[float, int]:
    """p of Pearson's χ² for counts in proportion to the shares, and its degrees of freedom."""
    expected = np.outer(share_x, share_y).ravel() * len(cells)
    seen = np.bincount(cells, minlength=len(expected))
    open_ = expected > 0  # with ties, some parts are empty
    d = int(open_.sum()) - 1
    statistic = ((seen - expected)[open_] ** 2 / expected[open_]).sum()
    return float(chdtrc(d, statistic)) if d else 1.0, d


def _cuts(values: Matrix, ways: int) -> Cuts:
    """For each coordinate, values at or below which lie 1/ways, 2/ways, … of the rows."""
    at = np.arange(1, ways) * len(values) // ways
    ordered = np.sort(values, axis=0)
    cuts = ordered[np.maximum(at - 1, 0)]
    # If the upper values are all equal, a cut there would put all rows on one side.
    last = (ordered < ordered[-1]).sum(axis=0) - 1
    below = np.take_along_axis(ordered, last.clip(0)[None], axis=0)
    return np.asarray(np.minimum(cuts, below))


def _part(values: Matrix, cuts: Cuts) -> Codes:
    part = np.zeros(len(values), dtype=np.int64)
    for column, edges in zip(values.T, cuts.T, strict=True):
        part = part * (len(edges) + 1) + np.searchsorted(edges, column, side="left")
    return part


def _shares(values: Matrix, cuts: Cuts) -> Shares:
    parts = (len(cuts) + 1) ** values.shape[1]
    return np.bincount(_part(values, cuts), minlength=parts) / len(values)


def _near_ceiling(value: float, threshold: float) -> tuple[Caution, ...]:
    if value < threshold:
        return ()
    return (
        Caution(
            "near-ceiling",
            "The value is close to the maximum that cells of this size can resolve: the true "
            "value may be larger, and infinite if one variable determines the other. Compare with "
            "estimator='ksg' or 'lnc'.",
        ),
    )


def _few(n: int, enough: int) -> tuple[Caution, ...]:
    if n >= enough:
        return ()
    return (
        Caution(
            "few-samples",
            f"{n:,} samples allow only few cells, or nearly empty ones: dependence within a cell "
            f"is not counted. Collect at least {enough:,}, or compare with estimator='ksg'.",
        ),
    )
