"""Which pairs of columns, in which order; chunks of them, and their results."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

NUMBERS = ("n", "value", "low", "high", "p_value")  # of each pair


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Pairs of columns: of each of the first columns with all columns after it.

    All pairs of p columns are those of the first p − 1. The pairs of k targets are those of the
    first k, if the targets come first.

    Attributes:
        columns: Places of the columns in the table, those of targets first.
        first: How many of them have pairs with the columns after them.
        targets: Whether they are targets, which are reported as y.
    """

    columns: tuple[int, ...]
    first: int
    targets: bool = False

    @cached_property
    def starts(self) -> Int[np.ndarray, " k"]:
        """Pairs before those of each of the first columns, and at last the number of all."""
        rows = np.arange(self.first + 1, dtype=np.int64)
        return rows * (len(self.columns) - 1) - rows * (rows - 1) // 2

    def __len__(self) -> int:
        return int(self.starts[-1])

    def positions(self, start: int = 0, stop: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """For each pair in a range, the positions of its columns in `columns`, the lower first."""
        pairs = np.arange(start, len(self) if stop is None else stop)
        rows = np.searchsorted(self.starts, pairs, side="right") - 1
        return rows.astype(np.int32), (pairs - self.starts[rows] + rows + 1).astype(np.int32)

    def places(self, start: int = 0, stop: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """For each pair in a range, the places of x and of y in the table."""
        columns = np.array(self.columns, dtype=np.int32)
        rows, others = self.positions(start, stop)
        x, y = columns[rows], columns[others]
        return (y, x) if self.targets else (x, y)

    def chunks(self, size: int, *, whole_rows: bool) -> list["Chunk"]:
        """Ranges of about `size` pairs.

        Args:
            size: Pairs, at most; a row that has more is a chunk if rows are kept whole.
            whole_rows: Whether a chunk holds all pairs of some of the first columns.
        """
        if not whole_rows:
            return [
                Chunk(number=k, start=start, stop=min(start + size, len(self)))
                for k, start in enumerate(range(0, len(self), size))
            ]
        return [
            Chunk(number=k, start=int(self.starts[a]), stop=int(self.starts[b]), rows=(a, b))
            for k, (a, b) in enumerate(self._rows(size))
        ]

    def _rows(self, size: int) -> Iterator[tuple[int, int]]:
        a = 0
        while a < self.first:
            b = a + 1
            while b < self.first and self.starts[b + 1] - self.starts[a] <= size:
                b += 1
            yield a, b
            a = b


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A range of pairs, which is computed and stored at once.

    Attributes:
        number: Of this chunk among all.
        start, stop: Its pairs.
        rows: The range of first columns, if it holds all their pairs.
    """

    number: int
    start: int
    stop: int
    rows: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, kw_only=True)
class Part:
    """The results of some pairs, in nats: NaN where a pair has none.

    Attributes:
        n: Rows that both columns have.
        value, low, high, p_value: Of each pair.
        notes: By the pair's place in this part: codes of cautions, or why there is no value.
    """

    n: Int[np.ndarray, " m"]
    value: Float[np.ndarray, " m"]
    low: Float[np.ndarray, " m"]
    high: Float[np.ndarray, " m"]
    p_value: Float[np.ndarray, " m"]
    notes: dict[int, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, m: int) -> "Part":
        """Of m pairs, without values."""
        value, low, high, p_value = (np.full(m, np.nan) for _ in range(4))
        n = np.zeros(m, dtype=np.int64)
        return cls(n=n, value=value, low=low, high=high, p_value=p_value)

    def view(self, start: int, stop: int) -> "Part":
        """A range of these pairs, in the same memory; without notes."""
        arrays = {name: getattr(self, name)[start:stop] for name in NUMBERS}
        return Part(**arrays)

    def put(self, start: int, other: "Part") -> None:
        """Copy the results of other pairs, from a place on."""
        for name in NUMBERS:
            getattr(self, name)[start : start + len(other.n)] = getattr(other, name)
        self.notes.update({start + place: note for place, note in other.notes.items()})
