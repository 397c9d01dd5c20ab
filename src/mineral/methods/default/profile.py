"""A profile of the samples: the facts that decide which candidates apply, computed once."""

from dataclasses import dataclass

import numpy as np

from mineral.basics.types import X, Y
from mineral.methods.wrappers.distinct import CONTINUOUS
from mineral.samples import Paired, distinct_rows, has_ties, repeats

FEW_DIMS = 3  # dx + dy, up to which neighbours are consistent at a thousand rows
LABEL_DIMS = 10  # dx + dy, up to which nearest neighbours within a class are close
FEW_ROWS = 50  # below, only a Gaussian copula can be fitted
ROWS_PER_COLUMN = 10  # below, columns are reduced by PCA
ROWS_PER_CELL = 5  # on average, from which a table of counts has little bias (benchmarks/counts.py)
MAX_SINGLETONS = 0.5  # of a column's values: zeros among numbers fill few cells with most rows
ROWS_PER_CLASS = 10  # on average, from which a side of numbers is a label
FEW_VALUES = 20  # different values, up to which numbers may be a label
MIN_ROWS_LABEL = 100  # below, numbers are ordered values rather than labels
MIN_ROWS_RELATION = 10  # distinct values, from which an exact order is not a coincidence


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Facts about paired samples.

    Attributes:
        n: Rows.
        dim_x, dim_y: Columns.
        categorical: Whether a side holds words, which have no order.
        words_by_numbers: Whether one side is words, the other numbers of as many values or more.
        ties: Share of the columns that repeat a value.
        distinct_x, distinct_y: Different rows of x, and of y.
        cells: Different rows of (x, y).
        integers: Whether all values are whole numbers.
        singletons: Of the different values of a column of numbers, the share that occur once; the
            largest over columns.
        monotone: Whether x and y are one number each, and an exact monotone function of each other.
    """

    n: int
    dim_x: int
    dim_y: int
    categorical: bool
    words_by_numbers: bool
    ties: float
    distinct_x: int
    distinct_y: int
    cells: int
    integers: bool
    singletons: float
    monotone: bool

    @classmethod
    def of(cls, samples: Paired) -> "Profile":
        """The profile of these samples."""
        both = np.hstack([samples.x, samples.y])
        values = [distinct_rows(samples.x), distinct_rows(samples.y)]
        x_is_words, y_is_words = (
            [name in samples.words for name in names]
            for names in (samples.x_names, samples.y_names)
        )
        is_x = all(x_is_words) and not any(y_is_words) and values[0] <= values[1]
        is_y = all(y_is_words) and not any(x_is_words) and values[1] <= values[0]
        return cls(
            n=len(samples),
            dim_x=samples.x.shape[1],
            dim_y=samples.y.shape[1],
            categorical=bool(samples.words),
            words_by_numbers=is_x or is_y,
            ties=float(has_ties(both).mean()),
            distinct_x=values[0],
            distinct_y=values[1],
            cells=distinct_rows(both),
            integers=bool((both % 1 == 0).all()),
            singletons=max(_singletons(samples), default=0.0),
            monotone=_is_monotone(samples.x, samples.y),
        )

    @property
    def dims(self) -> int:
        """dx + dy."""
        return self.dim_x + self.dim_y

    @property
    def is_wide(self) -> bool:
        """Whether there are too many columns for the number of rows."""
        return self.n >= FEW_ROWS and self.dims > max(self.n / ROWS_PER_COLUMN, LABEL_DIMS)

    @property
    def is_filled(self) -> bool:
        """Whether cells of a contingency table are well filled."""
        return self.n >= ROWS_PER_CELL * self.cells and self.singletons <= MAX_SINGLETONS

    @property
    def is_table(self) -> bool:
        """Whether counts apply: cells are well filled, or a side is words and values repeat."""
        repeat = max(self.distinct_x, self.distinct_y) <= self.n / 2
        return self.is_filled or (self.categorical and repeat and self.dims == 2)

    @property
    def is_ordered(self) -> bool:
        """Whether these are numbers whose order matters, and too many for a table."""
        return not (self.is_table or self.has_no_order)

    @property
    def is_label(self) -> bool:
        """Whether one side is a label, and the other has too many values for a table.

        Numbers beside words may be prices, which are labels, or rounded, which are not: counts and
        classes are compared.
        """
        is_open = not self.is_table or (self.words_by_numbers and not self.is_filled)
        return self.may_be_label and is_open

    @property
    def fits_a_copula(self) -> bool:
        """Whether rows suffice for the correlations of columns that ranks can order."""
        enough = self.n >= 2 * self.dims + 2
        return self.is_ordered and enough and not (self.is_wide and self.ties > 0.5)

    @property
    def may_be_label(self) -> bool:
        """Whether one side is categorical, or has few distinct values that each occur often."""
        fewest = min(self.distinct_x, self.distinct_y)
        often = self.n >= max(ROWS_PER_CLASS * fewest, MIN_ROWS_LABEL)
        return self.has_no_order or (often and fewest <= FEW_VALUES)

    @property
    def has_no_order(self) -> bool:
        """Whether one side is categorical, or binary: without an order to use."""
        return self.categorical or min(self.distinct_x, self.distinct_y) == 2

    @property
    def has_numbers(self) -> bool:
        """Whether the rows of one side hardly repeat, or are numbers beside words."""
        return self.words_by_numbers or max(self.distinct_x, self.distinct_y) > CONTINUOUS * self.n

    @property
    def may_be_symbols(self) -> bool:
        """Whether x and y are one column each, of whole numbers that nearly all repeat."""
        repeats = max(self.distinct_x, self.distinct_y) * 3 <= self.n * 2
        return self.dims == 2 and self.integers and repeats


def _singletons(samples: Paired) -> list[float]:
    columns = zip((*samples.x_names, *samples.y_names), (*samples.x.T, *samples.y.T), strict=True)
    counts = [
        np.unique(c, return_counts=True)[1] for name, c in columns if name not in samples.words
    ]
    return [float((count == 1).mean()) for count in counts]


def _is_monotone(x: X, y: Y) -> bool:
    """Whether one number is a monotone function of the other, without repeated values."""
    if x.shape[1] > 1 or y.shape[1] > 1:
        return False
    single = ~(repeats(x[:, 0]) | repeats(y[:, 0]))
    if single.sum() < MIN_ROWS_RELATION:
        return False
    steps = np.diff(y[single, 0][np.argsort(x[single, 0])])
    return bool((steps > 0).all() or (steps < 0).all())
