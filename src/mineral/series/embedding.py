"""Rows of lags: the past of a source and of a target beside the target's present.

Row t of lag l holds the value of time t − l. No row crosses from one trial to the next, and a row
with a missing value at any of its lags is refused or left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Int

from mineral.basics.types import Missing
from mineral.errors import InputError, OptionError
from mineral.results import Caution
from mineral.series.reading import Column, Series, is_missing, trials_of

Table: TypeAlias = dict[str, Column]  # columns of an embedding by name, as `x[t-1]`
Times: TypeAlias = Int[np.ndarray, " rows"]


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """Rows of lags.

    Attributes:
        sides: For each name, its columns, such as `y[t]`, `y[t-1]`.
        trial: The trial of each row.
        time: The time of each row within its trial.
        cautions: What was left out.
    """

    sides: Mapping[str, Table]
    trial: Times
    time: Times
    cautions: tuple[Caution, ...] = ()

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, kw_only=True)
class Lags:
    """A series and which of its lags are columns of a row; a negative lag is the future."""

    series: Series
    lags: Sequence[int]


def embed(
    sides: Mapping[str, Sequence[Lags]],
    *,
    missing: Missing = "raise",
    mask: Sequence[Bool[np.ndarray, " _"]] | None = None,
) -> Embedding:
    """Rows of lags of several series with the same trials.

    Args:
        sides: For each name, series and their lags, whose columns are side by side.
        missing: Whether rows with a missing value at any lag are refused or left out.
        mask: For each trial, the times t whose rows are kept; None keeps all.

    Raises:
        InputError: If a value is missing, or no trial is long enough for the lags.
        OptionError: If `missing` is unknown.
    """
    if missing not in ("raise", "drop"):
        raise OptionError(f"`missing` must be 'raise' or 'drop', got {missing!r}.")
    parts = [part for side in sides.values() for part in side]
    lags = [lag for part in parts for lag in part.lags]
    before, after = max(0, *lags), max(0, *(-lag for lag in lags))
    lengths = parts[0].series.lengths
    spans = [(before, n - after) for n in lengths]
    trial = np.concatenate([np.full(max(0, e - s), i) for i, (s, e) in enumerate(spans)])
    time = np.concatenate([np.arange(s, max(s, e)) for s, e in spans])
    if len(time) < 2:
        raise InputError(
            f"{before + after} lags need a trial of at least {before + after + 2} times, got "
            f"{max(lengths)}: pass a longer series, or fewer lags."
        )
    tables = {name: _table(side, spans) for name, side in sides.items()}
    complete = np.ones(len(time), dtype=bool)
    for name, table in tables.items():
        absent = np.any([is_missing(column) for column in table.values()], axis=0)
        if absent.any() and missing == "raise":
            raise InputError(
                f"`{name}` has a missing value in {absent.sum():,} of {len(time):,} rows of lags, "
                f"the first at time {time[absent.argmax()]}: pass missing='drop' to leave out "
                "these rows."
            )
        complete &= ~absent
    cautions = () if complete.all() else (_dropped(complete),)
    kept = (
        complete
        if mask is None
        else complete
        & np.concatenate([each[s:e] for each, (s, e) in zip(mask, spans, strict=True) if e > s])
    )
    return Embedding(
        sides={
            name: {label: column[kept] for label, column in table.items()}
            for name, table in tables.items()
        },
        trial=trial[kept],
        time=time[kept],
        cautions=cautions,
    )


def read_mask(mask: Any, lengths: Sequence[int]) -> list[Bool[np.ndarray, " _"]] | None:  # noqa: ANN401
    """For each trial, which times are kept.

    Raises:
        InputError: If it is not a boolean for each time of each trial.
    """
    if mask is None:
        return None
    parts = [np.asarray(part) for part in trials_of(mask)]
    if [part.shape for part in parts] != [(n,) for n in lengths] or any(
        part.dtype != np.bool_ for part in parts
    ):
        found = ", ".join(f"{part.dtype} of shape {part.shape}" for part in parts)
        raise InputError(
            f"`mask` must have a boolean for each of the {', '.join(map(str, lengths))} times, got "
            f"{found}."
        )
    return parts


def _dropped(complete: Bool[np.ndarray, " rows"]) -> Caution:
    absent = len(complete) - complete.sum()
    return Caution(
        "dropped-rows",
        f"{absent:,} of {len(complete):,} rows had a missing value at one of their lags and were "
        "dropped: the estimate describes the complete rows only.",
    )


def _table(side: Sequence[Lags], spans: Sequence[tuple[int, int]]) -> Table:
    table: Table = {}
    for part in side:
        for lag in part.lags:
            for i, name in enumerate(part.series.names):
                pairs = zip(part.series.trials, spans, strict=True)
                pieces = [trial[i][s - lag : e - lag] for trial, (s, e) in pairs if e > s]
                label = _label(name, lag)
                while label in table:  # two series of one name
                    label += "'"
                table[label] = np.concatenate(pieces)
    return table


def _label(name: str, lag: int) -> str:
    """`x[t]`, `x[t-3]` or, of a negative lag, `x[t+3]`."""
    return f"{name}[t{-lag:+d}]" if lag else f"{name}[t]"
