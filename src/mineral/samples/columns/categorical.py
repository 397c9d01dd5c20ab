"""Categorical columns: codes, names of categories, and indicator columns.

A category has a name and no order. Codes are numbered by frequency, so that no result depends on
the spelling of categories. A side of text columns only is one label: each distinct row is a
category. On a side with numbers, each text column is a column of its own.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from mineral.basics.types import Matrix
from mineral.errors import InputError
from mineral.samples.columns.text import Levels
from mineral.samples.columns.variable import Columns

ROWS_PER_CATEGORY = 2  # on average; with fewer, most categories occur once, as identifiers do
MAX_INDICATORS = 50  # per coordinate of X or Y


def numbered(name: str, part: Columns) -> Columns:
    """Join a side of text columns only into one label, and number categories by frequency.

    Args:
        name: The caller's name of the variable: `"x"` or `"y"`.
        part: Complete rows.

    Raises:
        InputError: If a categorical coordinate hardly repeats a value.
    """
    if not any(part.categorical):
        return part
    part = _joined(part) if all(part.categorical) and len(part.levels) > 1 else part
    values, levels = part.values.copy(), list(part.levels)
    for j, names in enumerate(part.levels):
        if names is not None:
            values[:, j], levels[j] = _by_frequency(values[:, j], names)
            _refuse_identifier(name, part.names[j], len(levels[j] or ()), len(values))
    return replace(part, values=values, levels=tuple(levels))


def indicators(
    values: Matrix, categorical: Bool[np.ndarray, " d"], *, most: int = MAX_INDICATORS
) -> Float[np.ndarray, "n e"]:
    """Numbers unchanged, and indicator columns for the categories of the other columns.

    All categories but the least frequent have a column.

    Args:
        values: Shape (n, d), with codes 0, 1, … by decreasing frequency where categorical.
        categorical: Which coordinates hold codes.
        most: Columns for each coordinate, at most; rarer categories share the row of zeros.
    """
    if not categorical.any():
        return values
    columns = []
    for column, is_code in zip(values.T, categorical, strict=True):
        if not is_code:
            columns.append(column[:, None])
            continue
        # One fewer than the categories: the last one is the row of zeros.
        count = max(1, min(most, int(column.max())))
        columns.append((column[:, None] == np.arange(count)).astype(np.float64))
    return np.hstack(columns)


def _joined(part: Columns) -> Columns:
    complete = ~np.isnan(part.values).any(axis=1)
    rows, codes = np.unique(part.values[complete], axis=0, return_inverse=True)
    values = np.full((len(part.values), 1), np.nan)
    values[complete, 0] = codes.reshape(-1)
    parts: Sequence[Levels] = [names or () for names in part.levels]
    joint = tuple(
        ", ".join(names[int(code)] for names, code in zip(parts, row, strict=True)) for row in rows
    )
    return replace(part, values=values, names=(", ".join(part.names),), levels=(joint,))


def _by_frequency(
    codes: Float[np.ndarray, " n"], names: Levels
) -> tuple[Float[np.ndarray, " n"], Levels]:
    """Codes by decreasing frequency, then by the first row, without unused categories."""
    present, first, inverse, counts = np.unique(
        codes, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts))
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    return place[inverse.reshape(-1)], tuple(names[int(present[i])] for i in order)


def _refuse_identifier(side: str, column: str, count: int, n: int) -> None:
    if count <= max(2, n / ROWS_PER_CATEGORY):
        return
    what = f"`{side}`" if column in (side, "") else f"`{side}`, column {column!r},"
    raise InputError(
        f"{what} has {count:,} distinct values in {n:,} rows: this column is a unique identifier "
        "and carries no usable information. Pass columns whose values repeat."
    )
