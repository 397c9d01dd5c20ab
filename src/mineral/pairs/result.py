"""What `mineral.matrix` returns: a row for each pair, as arrays."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import Unit
from mineral.errors import OptionError
from mineral.figures import short
from mineral.pairs import files
from mineral.pairs.files import QUANTITIES
from mineral.pairs.nulls import q_values
from mineral.pairs.pages import page, pictures
from mineral.pairs.plan import Plan
from mineral.results import Caution
from mineral.system import storage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA = 1  # of `to_dict`
SHOWN = 10  # pairs of `str`
Quantity: TypeAlias = Literal["value", "lower", "upper", "p_value", "q_value", "n"]
NAME_SHOWN = 30  # letters of a column's name


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix:
    """Mutual information of pairs of columns, one row a pair, in the order of the table.

    Attributes:
        names: Of all columns that have pairs.
        types: Of each column: `"number"` or `"category"`.
        plan: The pairs, by places in `names`.
        n: Rows used by each pair, shape (m,): those in which neither column is missing.
        value: The estimates, in `unit`; NaN where a pair has none.
        lower, upper: The ends of the confidence intervals, in `unit`.
        p_value: Of tests of independence: NaN without a test.
        notes: By the number of the pair: codes of its cautions, or why it has no value.
        estimator: The name of the estimator.
        options: Its options.
        given: Names of the columns of the condition.
        unit: `"nats"` or `"bits"`.
        confidence: The level of the intervals.
        permutations: Of each test; 0 for p-values in closed form, or none.
        seed: Of the whole matrix.
        rows: Of the table.
        warnings: Reasons to doubt some of the values.
        seconds: Wall time.
        versions: Of Mineral, its libraries and Python.
        arguments: Of the call: `target`, `columns` and `types`, where they were passed.
    """

    names: tuple[str, ...]
    types: Mapping[str, str]
    plan: Plan
    n: Int[np.ndarray, " m"]
    value: Float[np.ndarray, " m"]
    lower: Float[np.ndarray, " m"]
    upper: Float[np.ndarray, " m"]
    p_value: Float[np.ndarray, " m"]
    notes: Mapping[int, str] = field(default_factory=dict)
    estimator: str
    options: Mapping[str, Any]
    given: tuple[str, ...] = ()
    unit: Unit
    confidence: float
    permutations: int
    seed: int
    rows: int
    warnings: tuple[Caution, ...] = ()
    seconds: float
    versions: Mapping[str, str]
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.value)

    @cached_property
    def q_value(self) -> Float[np.ndarray, " m"]:
        """q-values of Benjamini and Hochberg, over all pairs that have a p-value."""
        return q_values(self.p_value)

    @cached_property
    def _places(self) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
        return self.plan.places()

    @property
    def x(self) -> np.ndarray:
        """The name of the first column of each pair, shape (m,)."""
        return np.asarray(np.array(self.names, dtype=object)[self._places[0]])

    @property
    def y(self) -> np.ndarray:
        """The name of the second column of each pair, shape (m,): the target where there is one."""
        return np.asarray(np.array(self.names, dtype=object)[self._places[1]])

    def strongest(self, count: int) -> Int[np.ndarray, " k"]:
        """Numbers of the pairs with the largest values, the largest first."""
        has = np.flatnonzero(~np.isnan(self.value))
        if count < len(has):
            has = has[np.argpartition(-self.value[has], count)[:count]]
        return has[np.lexsort((has, -self.value[has]))]

    def array(self, quantity: Quantity = "value") -> Float[np.ndarray, "p p"]:
        """A quantity of all pairs as a symmetric matrix, in the order of `names`.

        NaN on the diagonal, and for pairs that were not requested.

        Raises:
            OptionError: If there is no such quantity.
        """
        if quantity not in QUANTITIES:
            raise OptionError(
                f"`quantity` must be one of {', '.join(QUANTITIES)}, got {quantity!r}."
            )
        found = np.full((len(self.names), len(self.names)), np.nan)
        found[self._places] = found[self._places[::-1]] = getattr(self, quantity)
        return found

    def frame(self, library: str | None = None) -> Any:  # noqa: ANN401
        """A data frame with a row for each pair.

        Its columns: x, y, n, value, lower, upper, p_value, q_value, estimator, note.

        Args:
            library: `"pandas"`, `"polars"` or `"pyarrow"`; None for the first that is installed.

        Raises:
            OptionError: If the library is unknown, or none is installed.
        """
        return files.frame_of(self.columns(), library)

    def columns(self) -> dict[str, np.ndarray | list[str] | list[str | None]]:
        """The columns of `frame`, by name."""
        notes: list[str | None] = [None] * len(self)
        for place, note in self.notes.items():
            notes[place] = note
        return {
            "x": self.x,
            "y": self.y,
            **{name: getattr(self, name) for name in QUANTITIES},
            "estimator": [self.estimator] * len(self),
            "note": notes,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the rows of the pairs, as JSON can hold it."""
        return {
            "schema": SCHEMA,
            "pairs": len(self),
            "estimator": self.estimator,
            "options": dict(self.options),
            "given": list(self.given),
            "unit": self.unit,
            "confidence": self.confidence,
            "permutations": self.permutations,
            "seed": self.seed,
            "rows": self.rows,
            "types": dict(self.types),
            "warnings": [{"code": w.code, "message": w.message} for w in self.warnings],
            "seconds": self.seconds,
            "versions": dict(self.versions),
        }

    def to_parquet(self, path: "str | os.PathLike[str]") -> None:
        """Write the pairs as Parquet, with the columns of `frame`, in one step.

        Raises:
            MissingExtraError: If pyarrow is not installed.
            InputError: If the file cannot be written.
        """
        storage.write(path, files.parquet(self))

    def to_csv(self, path: "str | os.PathLike[str]") -> None:
        """Write the pairs as CSV, with the columns of `frame`, in one step.

        A name that a spreadsheet would compute, such as `=1+1`, is written after an apostrophe.

        Raises:
            InputError: If the file cannot be written.
        """
        storage.write(path, files.comma_separated(self.columns()))

    def to_json(self, path: "str | os.PathLike[str]") -> None:
        """Write `to_dict`, with a list of all pairs, in one step; NaN becomes null.

        Raises:
            InputError: If the file cannot be written.
        """
        storage.write(path, files.in_json(self))

    def plot(self) -> "Figure":
        """A heat map of the matrix, whose columns are ordered by hierarchical clustering.

        Pairs with targets are drawn as bars with their intervals, the strongest on top.

        Raises:
            MissingExtraError: If matplotlib is not installed.
        """
        return pictures.overview(self)

    def report(
        self,
        path: "str | os.PathLike[str]",
        *,
        title: str | None = None,
        command: str | None = None,
    ) -> None:
        """Write an HTML page: heat map, graph, strongest pairs with intervals, a table to search.

        Args:
            path: The file, which ends in .html; replaced if it exists.
            title: The heading.
            command: What reproduces the matrix; None for the Python call.

        Raises:
            MissingExtraError: If jinja2 or matplotlib is not installed.
            OptionError: If the file's name ends in something else than .html.
            InputError: If the file cannot be written.
        """
        page.write(self, path, title=title, command=command)

    def __str__(self) -> str:
        condition = f" given {', '.join(self.given)}" if self.given else ""
        lines = [
            f"{len(self):,} pairs of {len(self.names):,} columns{condition}, {self.rows:,} rows, "
            f"{self.estimator}, {self.seconds:.2g} s; {self.unit}, "
            f"{100 * self.confidence:.4g}% intervals",
            *self._table(),
        ]
        lines += [f"  ! {caution}" for caution in self.warnings]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        """The strongest pairs, aligned."""
        rows = [("x", "y", str(self.unit), "interval", "p", "q", "n")]
        x, y = self._places
        for k in self.strongest(SHOWN):
            rows.append(
                (
                    short(self.names[x[k]], NAME_SHOWN),
                    short(self.names[y[k]], NAME_SHOWN),
                    f"{self.value[k]:.4g}",
                    f"[{self.lower[k]:.4g}, {self.upper[k]:.4g}]",
                    probability(self.p_value[k]),
                    probability(self.q_value[k]),
                    f"{self.n[k]:,}",
                )
            )
        return files.aligned(rows)


def probability(value: float) -> str:
    """A p-value or a q-value in three digits; a dash where there is none."""
    return "–" if np.isnan(value) else f"{value:.3g}"
