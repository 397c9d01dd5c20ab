"""One or several trials of a time series, of any type that `mineral.estimate` takes.

A list or tuple of arrays, tensors, frames or series is several trials, each with its own length;
anything else is one trial. Times are rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Shaped

from mineral.errors import InputError
from mineral.samples.columns.alignment import refuse_misaligned
from mineral.samples.columns.variable import Columns, columns

Column: TypeAlias = Shaped[np.ndarray, " _"]  # float64 with NaN, or text with None, if missing


@dataclass(frozen=True, kw_only=True)
class Series:
    """A time series of one or several columns, in one or several trials.

    Attributes:
        names: A label for each column.
        trials: For each trial, its columns: numbers with NaN, or text with None, where missing.
    """

    names: tuple[str, ...]
    trials: tuple[tuple[Column, ...], ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        """The number of times of each trial."""
        return tuple(len(trial[0]) for trial in self.trials)


def read_series(values: Mapping[str, Any]) -> dict[str, Series]:
    """Read series by name, which have the same trials of the same lengths.

    Args:
        values: For each argument's name, shape (times,) or (times, d), or a list of such, one for
            each trial.

    Raises:
        InputError: If trials are not of the same number, lengths or columns, or if a series is
            constant or infinite anywhere.
        InputTypeError: If they cannot be read as numbers or text.
    """
    given = {name: trials_of(value) for name, value in values.items()}
    first, *others = given
    for other in others:
        if len(given[other]) != len(given[first]):
            raise InputError(
                f"`{first}` and `{other}` must have the same trials: got {len(given[first])} of "
                f"`{first}` and {len(given[other])} of `{other}`."
            )
    for i in range(len(given[first])):
        refuse_misaligned({name: trials[i] for name, trials in given.items()})
    series = {name: _series(name, trials) for name, trials in given.items()}
    for other in others:
        for i, (n, m) in enumerate(zip(series[first].lengths, series[other].lengths, strict=True)):
            if n != m:
                where = f" in trial {i}" if len(given[first]) > 1 else ""
                raise InputError(
                    f"`{first}` and `{other}` must have the same times: got {n} of `{first}` and "
                    f"{m} of `{other}`{where}."
                )
    return series


def is_missing(column: Column) -> Bool[np.ndarray, " _"]:
    """Which values of a column are missing: None in text, NaN in numbers."""
    if column.dtype == object:
        return np.array([value is None for value in column], dtype=bool)
    return np.asarray(np.isnan(column))


def trials_of(value: Any) -> Sequence[Any]:  # noqa: ANN401
    """The trials of a value: its items if it is a list of arrays or frames, or itself."""
    if isinstance(value, (list, tuple)) and value and all(_is_a_trial(item) for item in value):
        return value
    return [value]


def _is_a_trial(item: object) -> bool:
    """Whether an item of a list is an array, tensor, frame or series, and not a row or a number."""
    return getattr(item, "ndim", None) in (1, 2) or hasattr(item, "__dataframe__")


def _series(name: str, trials: Sequence[Any]) -> Series:
    parts = [columns(name, trial, text=True) for trial in trials]
    for i, part in enumerate(parts):
        if part.names != parts[0].names:
            raise InputError(
                f"`{name}` must have the same columns in every trial: got "
                f"{', '.join(parts[0].names)} in trial 0 and {', '.join(part.names)} in trial {i}."
            )
    _check(name, parts)
    return Series(names=parts[0].names, trials=tuple(_decoded(part) for part in parts))


def _check(name: str, parts: Sequence[Columns]) -> None:
    for i, part in enumerate(parts):
        infinite = np.isinf(part.values).any(axis=1)
        if infinite.any():
            where = f" of trial {i}" if len(parts) > 1 else ""
            raise InputError(
                f"`{name}` has an infinite value at {infinite.sum():,} times, the first at time "
                f"{infinite.argmax()}{where}: replace it by a number, or by NaN with "
                "missing='drop'."
            )
    whole = np.concatenate([part.values for part in parts])
    if ((whole == whole[:1]) | np.isnan(whole)).all() and not any(map(_is_text, parts)):
        raise InputError(f"`{name}` is constant and carries no information. Pass one that varies.")


def _is_text(part: Columns) -> bool:
    return bool(part.categorical.any())


def _decoded(part: Columns) -> tuple[Column, ...]:
    """Columns with text in place of codes, which differ between trials."""
    decoded: list[Column] = []
    for values, levels in zip(part.values.T, part.levels, strict=True):
        if levels is None:
            decoded.append(values.copy())
            continue
        named = np.array([*levels, None], dtype=object)
        decoded.append(named[np.where(np.isnan(values), len(levels), values).astype(np.int64)])
    return tuple(decoded)
