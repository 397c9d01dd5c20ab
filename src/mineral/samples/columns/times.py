"""Dates and durations as elapsed time: I(X; Y) does not depend on the origin or the unit.

The origin is fixed, so that a fitted model can be applied to new dates.
"""

import datetime

import numpy as np
from jaxtyping import Float

from mineral.errors import InputError
from mineral.samples.columns.text import is_missing

SECONDS = {"W": 604800.0, "D": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0} | {
    unit: 10.0 ** (-3 * i) for i, unit in enumerate(("ms", "us", "ns", "ps", "fs", "as"), start=1)
}
"""The fixed units of NumPy's dates; years and months are converted to days."""


ORIGIN = np.datetime64("2000-01-01")


def elapsed(name: str, array: np.ndarray) -> Float[np.ndarray, "..."]:
    """Seconds since 2000-01-01, or seconds of each duration; NaN where missing (NaT).

    Args:
        name: What the caller calls it.
        array: Of dtype datetime64 or timedelta64, of any shape.

    Raises:
        InputError: If float64 does not resolve the differences between the dates.
    """
    unit, count = np.datetime_data(array.dtype)
    if unit in ("Y", "M", "generic"):
        array, unit, count = array.astype(f"{array.dtype.kind}8[D]"), "D", 1
    missing = np.isnat(array)
    origin = ORIGIN.astype(array.dtype).astype(np.int64) if array.dtype.kind == "M" else 0
    ticks = (array.astype(np.int64) - origin)[~missing]
    seconds = np.full(array.shape, np.nan)
    seconds[~missing] = ticks * (count * SECONDS[unit])
    if len(np.unique(seconds[~missing])) < len(np.unique(ticks)):
        raise InputError(
            f"`{name}` has dates that are closer to each other than float64 resolves over "
            f"{np.abs(seconds[~missing]).max() / 31557600:.0f} years: pass `{name} - {name}.min()`."
        )
    return seconds


def as_dates(objects: list[object]) -> np.ndarray | None:
    """The dates or durations that all of the objects are, beside missing ones; None otherwise.

    Times with a zone are compared as instants.
    """
    present = [value for value in objects if not is_missing(value)]
    kinds = (datetime.date, np.datetime64), (datetime.timedelta, np.timedelta64)
    for kind, dtype in zip(kinds, ("M8[us]", "m8[us]"), strict=True):
        if present and all(isinstance(value, kind) for value in present):
            nat = np.array("NaT", dtype=dtype)
            return np.array(
                [nat if is_missing(value) else np.array(_naive(value), dtype) for value in objects]
            )
    return None


def _naive(value: object) -> object:
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value
