"""Columns of text, as integer codes without order.

The missing-value markers of all libraries are recognized. Text that contains only numbers is
refused, since only the user knows whether it is a quantity or a label.
"""

import decimal
from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float

Levels = tuple[str, ...]
"""The names of the categories of one column: category i is coded as i."""


def is_missing(value: object) -> bool:
    """Whether a value is the missing-value marker of a library: None, NaN, NA, NaT, masked."""
    if value is None or value is np.ma.masked:
        return True
    if isinstance(value, str):
        return False
    # By name, so that pandas need not be installed.
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    # NaN and NaT of floats, decimals and NumPy's dates differ from themselves.
    return isinstance(value, (float, np.generic, decimal.Decimal)) and bool(value != value)


def are_texts(values: np.ndarray) -> bool:
    """Whether a column has text, besides missing values, that is not only numbers.

    Args:
        values: Shape (n,), of objects or text.
    """
    if values.dtype.kind not in "UO":
        return False
    first = next((value for value in values if not is_missing(value)), None)
    if not isinstance(first, str):
        return False  # numbers, which need no check of single values
    present = [value for value in values if not is_missing(value)]
    if not all(isinstance(value, str) for value in present):
        return False
    return not all(_is_number(value) for value in present)


def coded(values: Iterable[Any]) -> tuple[Float[np.ndarray, " n"], Levels]:
    """Codes of a column of text, by first appearance, and the names of its categories.

    Returns:
        float64 codes, NaN where missing; and one name for each code.
    """
    numbers: dict[str, int] = {}
    codes = [
        np.nan if is_missing(value) else float(numbers.setdefault(str(value), len(numbers)))
        for value in values
    ]
    return np.array(codes, dtype=np.float64), tuple(numbers)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
