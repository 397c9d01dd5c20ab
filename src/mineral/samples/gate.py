"""The input check: input of any type → two float64 matrices with paired rows.

Input is checked only here, and not modified: the matrices are copies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from mineral.basics.types import Mask, Matrix, Missing, Rows, X, Y
from mineral.errors import InputError, OptionError
from mineral.results import Caution
from mineral.samples.autocorrelation import in_series
from mineral.samples.columns.alignment import refuse_misaligned
from mineral.samples.columns.categorical import indicators, numbered
from mineral.samples.columns.text import Levels
from mineral.samples.columns.variable import Columns, columns
from mineral.samples.copied import copied_in_part
from mineral.samples.selection import Selection

CONDITION = "given"  # what the caller calls Z, which may be constant
LARGEST_EXACT = 2.0**53  # above, float64 skips integers, so that distinct values become equal


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Joint samples, one per row of x and of y.

    Attributes:
        x, y: float64 matrices of shape (n, dx) and (n, dy), finite, not all constant.
        x_names, y_names: A label for each coordinate.
        cautions: Cautions of the input check.
        rows_a_draw: Rows for each independent draw (autocorrelation time): above 1 in time series.
        levels_x, levels_y: For each categorical coordinate, by its name, the names of its
            categories: category i is coded as i, in no order.
    """

    x: X
    y: Y
    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    cautions: tuple[Caution, ...] = ()
    rows_a_draw: float = 1.0
    levels_x: Mapping[str, Levels] = field(default_factory=dict)
    levels_y: Mapping[str, Levels] = field(default_factory=dict)

    @property
    def words(self) -> tuple[str, ...]:
        """Names of the categorical coordinates, those of x first."""
        of_x = (name for name in self.x_names if name in self.levels_x)
        return (*of_x, *(name for name in self.y_names if name in self.levels_y))

    @property
    def levels(self) -> dict[str, Levels]:
        """The names of the categories of each categorical coordinate."""
        return {**self.levels_x, **self.levels_y}

    @property
    def categorical_x(self) -> Bool[np.ndarray, " dx"]:
        """Which coordinates of x are codes of categories."""
        return np.array([name in self.levels_x for name in self.x_names], dtype=bool)

    @property
    def categorical_y(self) -> Bool[np.ndarray, " dy"]:
        """Which coordinates of y are codes of categories."""
        return np.array([name in self.levels_y for name in self.y_names], dtype=bool)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def sides(self) -> tuple[X, Y]:
        """x and y."""
        return self.x, self.y

    def rows(self, rows: Rows) -> "Paired":
        """Some of the rows."""
        return replace(self, x=self.x[rows], y=self.y[rows])

    @property
    def dims(self) -> int:
        """dx + dy."""
        return int(self.x.shape[1] + self.y.shape[1])

    def with_indicators(self) -> "Paired":
        """The same samples, with indicator columns for categories on a side with numbers.

        A side of one categorical column is unchanged: a label.
        """
        x, x_names = _with_indicators(self.x, self.x_names, self.levels_x)
        y, y_names = _with_indicators(self.y, self.y_names, self.levels_y)
        return replace(
            self,
            x=x,
            y=y,
            x_names=x_names,
            y_names=y_names,
            levels_x=self.levels_x if x is self.x else {},
            levels_y=self.levels_y if y is self.y else {},
        )

    def measurable(self) -> tuple["Paired", Selection, Selection]:
        """The samples without constant columns, in units without overflow.

        Returns:
            The samples, and the selections of x and of y.
        """
        of_x, of_y = Selection.of(self.x), Selection.of(self.y)
        if of_x.is_everything and of_y.is_everything:
            return self, of_x, of_y
        samples = replace(
            self,
            x=of_x(self.x),
            y=of_y(self.y),
            x_names=of_x.names(self.x_names),
            y_names=of_y.names(self.y_names),
        )
        return samples, of_x, of_y

    def at_least(self, n: int, reason: str) -> None:
        """Refuse fewer than n rows.

        Raises:
            InputError: If there are fewer.
        """
        if len(self) < n:
            raise InputError(f"{reason} needs at least {n} paired samples, got {len(self)}.")


def paired(
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    *,
    missing: Missing = "raise",
    words: bool = False,
) -> Paired:
    """Read x and y as paired samples.

    Args:
        x: Rows are samples: shape (n,), (n, dx) or (n, ...), from NumPy, torch, lists, pandas,
            polars or Arrow. Trailing dimensions are flattened.
        y: The same, with the same number of rows.
        missing: What to do with rows that have a missing value (NaN, None, null) in x or y:
            refuse them, or drop them with a caution.
        words: Whether columns of text are read, as categories, or refused. A side of text columns
            only becomes one label.

    Raises:
        InputError: If x and y are not paired, empty, a single row, not finite, or constant, or if
            their pandas indexes differ.
        InputTypeError: If x or y cannot be read as real numbers.
        OptionError: If `missing` is unknown.
    """
    sides, cautions = read_sides({"x": x, "y": y}, missing=missing, words=words)
    return as_pair(sides["x"], sides["y"], cautions)


def read_sides(
    values: Mapping[str, Any], *, missing: Missing, words: bool
) -> tuple[dict[str, Columns], list[Caution]]:
    """Read variables by name, checked and paired row by row, without rows with missing values.

    Args:
        values: What the caller has; `given`, a condition, may be constant.
        missing: As `paired` has it.
        words: As `paired` has it.

    Raises:
        InputError, InputTypeError, OptionError: As `paired` does.
    """
    if missing not in ("raise", "drop"):
        raise OptionError(f"`missing` must be 'raise' or 'drop', got {missing!r}.")
    refuse_misaligned(values)
    sides = {
        name: columns(name, side, text=words or name == CONDITION) for name, side in values.items()
    }
    _refuse_unpaired(sides)
    cautions = []
    dropped = np.any([_missing_rows(side) for side in sides.values()], axis=0)
    if dropped.any():
        if missing == "raise":
            for name, side in sides.items():
                _refuse_missing(name, side)
        sides = {name: side.rows(~dropped) for name, side in sides.items()}
        cautions.append(
            Caution(
                "dropped-rows",
                f"{dropped.sum():,} of {len(dropped):,} rows had a missing value and were "
                "dropped: the estimate describes the complete rows only.",
            )
        )
    sides = {name: numbered(name, side) for name, side in sides.items()}
    for name, side in sides.items():
        cautions += _check(name, side)
    return sides, cautions


def as_pair(from_x: Columns, from_y: Columns, cautions: list[Caution]) -> Paired:
    """Two checked sides as paired samples."""
    rows_a_draw, doubts = _in_series(from_x, from_y)
    doubts += copied_in_part(_numbers(from_x), _numbers(from_y))
    return Paired(
        x=from_x.values,
        y=from_y.values,
        x_names=from_x.names,
        y_names=from_y.names,
        cautions=(*cautions, *doubts),
        rows_a_draw=rows_a_draw,
        levels_x=levels_of(from_x),
        levels_y=levels_of(from_y),
    )


def _with_indicators(
    values: Matrix, names: tuple[str, ...], levels: Mapping[str, Levels]
) -> tuple[Float[np.ndarray, "n e"], tuple[str, ...]]:
    if not levels or len(names) == 1:
        return values, names
    parts = [
        indicators(column[:, None], np.array([name in levels]))
        for name, column in zip(names, values.T, strict=True)
    ]
    labels = [
        f"{name} = {levels[name][i]}" if name in levels else name
        for name, part in zip(names, parts, strict=True)
        for i in range(part.shape[1])
    ]
    return np.hstack(parts), tuple(labels)


def levels_of(part: Columns) -> dict[str, Levels]:
    """The names of the categories of each categorical coordinate."""
    return {
        name: levels
        for name, levels in zip(part.names, part.levels, strict=True)
        if levels is not None
    }


def _in_series(x: Columns, y: Columns) -> tuple[float, tuple[Caution, ...]]:
    """`in_series` of the numbers only: tables often list categories in groups."""
    if x.categorical.all() or y.categorical.all():
        return 1.0, ()
    return in_series(_numbers(x), _numbers(y))


def _numbers(part: Columns) -> Matrix:
    """The columns that are not categorical."""
    return part.values[:, ~part.categorical]


def variable(name: str, values: Any) -> Matrix:  # noqa: ANN401
    """Read a single variable: a float64 matrix of shape (n, d), finite and not constant.

    Raises:
        InputError: If it is empty, a single row, not finite, or constant.
        InputTypeError: If it cannot be read as real numbers.
    """
    part = columns(name, values)
    if _missing_rows(part).any():
        raise InputError(
            f"`{name}` has a missing value (NaN or None) in {_missing_rows(part).sum():,} rows: "
            "drop them first."
        )
    _check(name, part)
    return part.values


def new_pairs(x: Any, y: Any, dim_x: int, dim_y: int) -> tuple[X, Y]:  # noqa: ANN401
    """Read new pairs for a model that takes dim_x + dim_y coordinates. One row is enough.

    Raises:
        InputError: If they are not finite, not paired, or not of these widths.
        InputTypeError: If they cannot be read as real numbers.
    """
    parts = columns("x", x), columns("y", y)
    for name, part, dim in zip("xy", parts, (dim_x, dim_y), strict=True):
        if part.values.shape[1] != dim:
            raise InputError(
                f"`{name}` must have the {dim} coordinates that the model was made with, got "
                f"{part.values.shape[1]}."
            )
        if not np.isfinite(part.values).all():
            raise InputError(f"`{name}` has values that are not finite: drop these pairs.")
    _refuse_unpaired(dict(zip("xy", parts, strict=True)))
    return parts[0].values, parts[1].values


def _refuse_unpaired(sides: Mapping[str, Columns]) -> None:
    first, *others = sides
    for other in others:
        n, m = len(sides[first].values), len(sides[other].values)
        if n != m:
            raise InputError(
                f"`{first}` and `{other}` must be paired row by row: got {n} rows of `{first}` and "
                f"{m} of `{other}`."
            )


def _missing_rows(part: Columns) -> Mask:
    return np.asarray(np.isnan(part.values).any(axis=1))


def _refuse_missing(name: str, part: Columns) -> None:
    rows = _missing_rows(part)
    if rows.any():
        raise InputError(
            f"`{name}` has a missing value (NaN or None) in {rows.sum():,} of {len(rows):,} rows, "
            f"the first at row {rows.argmax()}: drop them from both `x` and `y`, or pass "
            "missing='drop'."
        )


def _check(name: str, part: Columns) -> list[Caution]:
    values = part.values
    if len(values) < 2:
        raise InputError(f"`{name}` needs at least 2 rows (samples), got {len(values)}.")
    infinite = ~np.isfinite(values).all(axis=1)
    if infinite.any():
        raise InputError(
            f"`{name}` has an infinite value in {infinite.sum():,} of {len(infinite):,} rows, the "
            f"first at row {infinite.argmax()}: replace it by a number, or drop the row from both "
            "`x` and `y`."
        )
    if part.integral and (np.abs(values) > LARGEST_EXACT).any():
        raise InputError(
            f"`{name}` has integers beyond 2^53, which float64 cannot distinguish: subtract an "
            "offset first, or encode identifiers as small codes."
        )
    constant = _constant_columns(values)
    if constant.all() and name == CONDITION:
        return []
    if constant.all():
        raise InputError(
            f"`{name}` is constant and carries no information. Pass a variable that varies."
        )
    if constant.any() and values.ndim == part.dims_given:
        names = ", ".join(np.array(part.names)[constant][:3])
        return [
            Caution(
                "constant-columns",
                f"{constant.sum()} of the {len(constant)} coordinates of `{name}` are constant "
                f"({names}) and carry no information.",
            )
        ]
    return []


def _constant_columns(values: Matrix) -> Bool[np.ndarray, " d"]:
    return np.asarray((values == values[0]).all(axis=0))
