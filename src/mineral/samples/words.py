"""A variable of words: a label whose values have names, and no order.

Where every column is text, or categories, the different rows are numbered: what comes of it is one
coordinate. Only estimators that take labels are given it; all others refuse text, since numbers
that stand for words would be taken at their word. Numbers that were read as text are refused, too.
"""

import math
from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np

from mineral.errors import InputError
from mineral.samples.columns import Columns, as_frame, is_missing

Texts = list[str | None]

SELDOM = 2  # rows a word, on average, below which words are names of single rows
KINDS = (nw.String, nw.Categorical, nw.Enum)


def coded(name: str, values: Any) -> Columns | None:  # noqa: ANN401
    """The label that some columns of words are; None where any column is of something else.

    Args:
        name: What the caller calls it: `"x"` or `"y"`.
        values: As `columns` takes them. None and NaN are missing.

    Raises:
        InputError: If columns are of different lengths, or hardly any row comes again.
    """
    read = _texts(name, values)
    if not read:
        return None
    names, texts = zip(*read.items(), strict=True)
    if len({len(column) for column in texts}) > 1:
        raise InputError(
            f"`{name}` has columns of different lengths: pass one value a row in each."
        )
    rows = list(zip(*texts, strict=True))
    complete = [row for row in rows if None not in row]
    number = {row: i for i, row in enumerate(sorted(set(complete)))}
    if len(number) > max(SELDOM, len(complete) / SELDOM):
        raise InputError(
            f"`{name}` has {len(number):,} different words in {len(complete):,} rows: names of "
            "single rows tell nothing. Pass columns whose words come again."
        )
    codes = [number.get(row, np.nan) for row in rows]
    return Columns(
        values=np.array(codes, dtype=np.float64)[:, None],
        names=(", ".join(names),),
        integral=True,
        dims_given=1,
    )


def _texts(name: str, values: Any) -> dict[str, Texts] | None:  # noqa: ANN401
    if isinstance(values, Mapping):
        found: dict[str, Texts] = {}
        for key, column in values.items():
            part = _texts(str(key), column)
            if part is None:
                return None
            found |= part
        return found
    frame = as_frame(name, values)
    if frame is not None:
        series = list(frame.iter_columns())
        if not all(each.dtype in KINDS for each in series):
            return None
        return {str(each.name): each.cast(nw.String).to_list() for each in series}
    return _of_array(name, values)


def _of_array(name: str, values: Any) -> dict[str, Texts] | None:  # noqa: ANN401
    if not isinstance(values, (np.ndarray, list, tuple)):
        return None
    if isinstance(values, np.ma.MaskedArray):
        return None
    if isinstance(values, np.ndarray) and values.dtype.kind not in "UO":
        return None
    first = next((value for value in values if not _missing(value)), None)
    if isinstance(first, (list, tuple)) or (isinstance(first, np.ndarray) and first.ndim):
        first = next((value for value in first if not _missing(value)), "")
    if not isinstance(first, str):
        return None  # numbers, which need not be looked at one by one
    try:
        array = np.array(values, dtype=object)
    except ValueError:  # ragged
        return None
    if array.ndim == 0 or array.ndim > 2 or array.size == 0:
        return None
    columns = array[:, None] if array.ndim == 1 else array
    present = [value for value in columns.flat if not _missing(value)]
    if not all(isinstance(value, str) for value in present) or all(map(_is_number, present)):
        return None
    names = [name] if columns.shape[1] == 1 else [f"{name}{i}" for i in range(columns.shape[1])]
    return {
        label: [None if _missing(value) else str(value) for value in column]
        for label, column in zip(names, columns.T, strict=True)
    }


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _missing(value: object) -> bool:
    return is_missing(value) or (isinstance(value, float) and math.isnan(value))
