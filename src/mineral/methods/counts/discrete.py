"""Contingency tables: each distinct row of x is a symbol, and each of y.

    I(X; Y) = H(X) + H(Y) − H(X, Y)

Any estimator of entropies from counts (entropies.py) gives one of mutual information.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Int

from mineral.basics.types import PerSample
from mineral.errors import InputError, OptionError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.conditional.strata import over_strata
from mineral.methods.counts import entropies
from mineral.methods.counts.adjusted import Adjusted, adjusted, connected
from mineral.methods.options import AtLeastOne
from mineral.results import Caution
from mineral.samples import Conditioned, Paired, distinct_rows, symbols

Correction: TypeAlias = Literal[
    "none", "miller-madow", "grassberger", "chao-shen", "nsb", "adjusted"
]
Codes: TypeAlias = Int[np.ndarray, " n"]  # the symbol of each sample: 0, 1, …

CORRECTIONS = {
    "none": entropies.plug_in,
    "miller-madow": entropies.miller_madow,
    "grassberger": entropies.grassberger,
    "chao-shen": entropies.chao_shen,
}
A_CELL = 5  # samples a cell, below which every bias correction is unreliable


@dataclass(frozen=True, kw_only=True)
class Discrete(Estimator):
    """Counts in a contingency table, corrected for bias: categories, labels and small integers.

    Every entropy of I = H(X) + H(Y) − H(X, Y) is estimated from counts, and corrected:

        "none"           the frequencies as they are: I is too large, by about
                         (K_xy − K_x − K_y + 1) / 2n with K observed symbols
        "miller-madow"   subtracts this bias
        "grassberger"    digammas of the counts; better where many counts are small
        "chao-shen"      for a table with many unobserved cells
        "nsb"            Bayesian, for fewer samples than cells; depends on its prior
        "adjusted"       of the table, not of each entropy: shrinks the table towards independence,
                         and takes off the bias that a sample of the shrunk table has; exact for
                         independent variables and for a function of one variable, however many
                         cells are empty. Takes nothing off a crossed design (hours by weekdays of
                         whole days). Its interval holds near independence; where most cells are
                         empty, it reaches further up, with a warning

    Numbers are categories here: their order and distances are not used. Values that hardly repeat
    are refused: every entropy, and the information, would be log n. One variable may be a function
    of the other; the information is then its entropy.

    Given a condition Z, the table of each value of Z is counted so, and the values are averaged by
    their shares of the rows.

    The standard error combines the standard deviation of the pointwise values log p(x, y) / p(x)
    p(y) over rows with the χ² term √(d / 2) / n that remains if these are constant, as under
    independence.

    Args:
        correction: Bias correction of the entropies.
        alphabet: For "nsb", the number of possible symbols of X and of Y. None uses the observed
            ones. Pairs can be any of the product.

    References:
        Roulston (1999), on the bias and the standard error, doi:10.1016/S0167-2789(98)00269-3.
        The corrections: see `mineral.methods.counts.entropies`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.integers(4, size=20000)
        >>> y = np.where(rng.random(20000) < 0.5, x, rng.integers(4, size=20000))
        >>> round(Discrete().estimate(x, y).value, 2)  # the true value is 0.3127…
        0.31
    """

    correction: Correction = "miller-madow"
    alphabet: tuple[AtLeastOne, AtLeastOne] | None = None

    name = "discrete"
    kind = "neither"
    labels = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alphabet is not None and self.correction != "nsb":
            raise OptionError("`alphabet` applies only to correction='nsb': remove it.")

    def measure(self, samples: Paired, run: Run) -> Measurement:
        _refuse_continuous(samples)
        return self._counted(samples)

    def measure_given(self, samples: Conditioned, run: Run) -> Measurement:
        _refuse_continuous(samples.pair)
        return over_strata(samples, run, _Stratum(self._counted))

    def _counted(self, samples: Paired) -> Measurement:
        table = Table(symbols(samples.x), symbols(samples.y))
        if self.correction == "adjusted":
            return _adjusted(table)
        return Measurement(
            value=self._value(table),
            stderr=float(np.hypot(table.stderr(), self._parity_noise(table))),
            pointwise=table.pmi(),
            cautions=_few_samples(table),
        )

    def _value(self, table: "Table") -> float:
        counts = (table.of_x, table.of_y, table.of_xy)
        if self.correction == "nsb":
            sizes = self.alphabet or (len(table.of_x), len(table.of_y))
            _refuse_small_alphabet(sizes, table)
            h_x, h_y, h_xy = (
                entropies.nsb(c, size)
                for c, size in zip(counts, (*sizes, sizes[0] * sizes[1]), strict=True)
            )
        else:
            h_x, h_y, h_xy = (CORRECTIONS[self.correction](c) for c in counts)
        return h_x + h_y - h_xy

    def _parity_noise(self, table: "Table") -> float:
        # Grassberger's c G(c) tends to c log c ± ½, with the sign of (−1)^c: random for each cell.
        coins = len(table.of_x) + len(table.of_y) + len(table.of_xy)
        return float(np.sqrt(coins) / (2 * table.n)) if self.correction == "grassberger" else 0.0


@dataclass(frozen=True)
class _Stratum:
    """Counts the rows of one value of the condition, in which values need not repeat."""

    count: Callable[[Paired], Measurement]

    def measure(self, samples: Paired, run: Run) -> Measurement:
        return self.count(samples)


class Table:
    """The counts of symbols of x, of symbols of y, and of pairs."""

    def __init__(self, x: Codes, y: Codes) -> None:
        self.n = len(x)
        self.x, self.y = x, y
        self.of_x, self.of_y = np.bincount(x), np.bincount(y)
        pairs = x * len(self.of_y) + y
        self.cells, self.xy, self.of_xy = np.unique(pairs, return_inverse=True, return_counts=True)

    def pmi(self) -> PerSample:
        """log p(x, y) / p(x) p(y) of each row, from frequencies. Its mean is the plug-in value."""
        ratio = self.of_xy[self.xy] / self.of_x[self.x] * (self.n / self.of_y[self.y])
        return np.asarray(np.log(ratio))

    def stderr(self) -> float:
        """The variance of the plug-in value, and approximately of the corrected ones."""
        d = self._freedom()
        # Noise in the frequencies alone gives the pmi a variance of d / n: it is subtracted here,
        # and contained in the second term.
        spread = max(0.0, float(self.pmi().var()) - d / self.n) / self.n + d / (2 * self.n**2)
        return float(np.sqrt(spread))

    def _freedom(self) -> int:
        """Degrees of freedom of the plug-in value's χ² part.

        With the symbols of x and y as nodes and observed cells as edges, the edges beyond a
            spanning tree
        are free within each connected part, and the parts themselves are free to share the rows.
        (K_x − 1)(K_y − 1) for a full table; K − 1 where x and y are the same symbol.
        """
        parts = len(np.unique(connected(self.of_x, self.of_y, self.pairs)))
        nodes = len(self.of_x) + len(self.of_y)
        return int(len(self.cells) - nodes + 2 * parts - 1)

    @property
    def pairs(self) -> tuple[Codes, Codes]:
        """The symbols of x and of y of each observed cell."""
        of_x, of_y = np.divmod(self.cells, len(self.of_y))
        return of_x, of_y

    def adjusted(self) -> Adjusted:
        """The value and interval of a table shrunk towards independence."""
        return adjusted(self.of_x, self.of_y, self.pairs, self.of_xy)


def _adjusted(table: Table) -> Measurement:
    counted = table.adjusted()

    def reach(confidence: float) -> tuple[float, float]:
        low, high = counted.interval(confidence)
        return counted.value - low, high - counted.value

    return Measurement(
        value=counted.value,
        stderr=counted.stderr,
        missing=counted.missing,
        reach=reach,
        pointwise=table.pmi(),
        cautions=() if counted.reliable else (_sparse(table, counted),),
    )


def table_is_reliable(x: Codes, y: Codes) -> bool:
    """Whether counting is reliable: its possible shortfall is smaller than the sampling error.

    Args:
        x: The symbol of each sample, shape (n,), as `symbols` returns them.
        y: The same of the other side.
    """
    return Table(x, y).adjusted().reliable


def _refuse_continuous(samples: Paired) -> None:
    for name, side in (("x", samples.x), ("y", samples.y)):
        n, different = len(side), distinct_rows(side)
        if different > 0.9 * n:
            raise InputError(
                f"`{name}` has {different:,} distinct values in {n:,} rows, so that almost none "
                "repeats: it is continuous, or an identifier. Use estimator='ksg' or 'mixed', or "
                "bin it."
            )


def _refuse_small_alphabet(sizes: tuple[int, int], table: Table) -> None:
    seen = len(table.of_x), len(table.of_y)
    if sizes[0] < seen[0] or sizes[1] < seen[1]:
        raise InputError(
            f"`x` and `y` take {seen[0]} and {seen[1]} distinct values, more than `alphabet` "
            f"{sizes}: raise `alphabet`, or remove it."
        )


def _few_samples(table: Table) -> tuple[Caution, ...]:
    cells = len(table.of_xy)
    if table.n >= A_CELL * cells:
        return ()
    return (
        Caution(
            "few-samples",
            f"{table.n:,} samples fall into {cells:,} cells, {table.n / cells:.1f} a cell: the "
            "bias correction and the interval are unreliable. Merge rare values, collect more "
            "samples, or compare with correction='nsb'.",
        ),
    )


def _sparse(table: Table, counted: Adjusted) -> Caution:
    alone = int((table.of_xy == 1).sum())
    return Caution(
        "sparse-table",
        f"The contingency table is sparse: {alone:,} of {table.n:,} samples are the only one in "
        f"their cell. The value can be {counted.missing:.2g} nats too low; the interval includes "
        "this. Merge rare values, collect more samples, or use estimator='ksg' if values are "
        "ordered.",
    )
