"""All of one target: its selected past values, and the links among them with p-values and values.

A target's result depends on its own seed, the columns and the options only, so that it is the same
in any process and in any order.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mineral.errors import InputError
from mineral.links.candidates import Candidates
from mineral.links.greedy import select
from mineral.links.grid import Grid, Past, functions_of, preceding
from mineral.links.surrogates import link_p
from mineral.links.values import Value, estimated_information, information
from mineral.methods import Estimator
from mineral.pairs.sheet import Sheet
from mineral.samples import repeating
from mineral.series.reading import Series
from mineral.system.chance import seed_of
from mineral.system.threads import one_blas_thread, one_torch_thread


@dataclass(frozen=True, kw_only=True)
class Link:
    """A past value of a source that acts on a target, as JSON can hold it; in nats.

    Attributes:
        source: The column.
        lag: In rows.
        target: The column that it acts on.
        value: I(target; past value | all other selected past values).
        lower, upper: The ends of its confidence interval.
        p_value: Of no link from this source, with the lag chosen among all.
        n: Rows used.
        note: Codes of cautions, or why there is no value.
    """

    source: str
    lag: int
    target: str
    value: float | None
    lower: float | None
    upper: float | None
    p_value: float
    n: int
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """What acts on one target.

    Attributes:
        name: The column.
        n: Rows used: the target and all selected past values are there.
        own_lags: Selected lags of its own past.
        information: I(target; all selected past values of sources | its own), in nats; None
            without sources.
        links: One for each selected past value of a source.
        note: Why nothing could be selected.
    """

    name: str
    n: int
    own_lags: tuple[int, ...]
    information: float | None
    links: tuple[Link, ...]
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Target":
        """Of what `to_dict` returned.

        Raises:
            TypeError, KeyError: If it is something else.
        """
        links = tuple(Link(**link) for link in content.pop("links"))
        own = tuple(content.pop("own_lags"))
        return cls(**content, own_lags=own, links=links)


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What computes targets.

    Attributes:
        sheet: The columns.
        trials: How many rows each trial has.
        max_lag: The largest lag.
        degree: Of the polynomials of normal scores.
        alpha: The level of each test of the selection.
        surrogates: Of each link.
        estimator: Of values; None for the formula in the functions of the selection.
        confidence: The level of intervals.
        seed: Of all targets together.
    """

    sheet: Sheet
    trials: tuple[int, ...]
    max_lag: int
    degree: int
    alpha: float
    surrogates: int
    estimator: Estimator | None
    confidence: float
    seed: int

    @cached_property
    def grid(self) -> Grid:
        """The columns as functions of their normal scores."""
        return Grid(
            functions=tuple(functions_of(column, self.degree) for column in self.sheet.values),
            is_there=self.sheet.is_there,
            before=preceding(self.trials),
            max_lag=self.max_lag,
        )

    def measure(self, target: int) -> Target:
        """The result of the column in a place, computed with one thread."""
        with one_blas_thread(), one_torch_thread():
            return self._measure(target)

    def _measure(self, target: int) -> Target:
        grid, name = self.grid, self.sheet.names[target]
        nothing = Candidates(grid=grid, target=target, selected=())
        least = least_rows(self.alpha)
        if len(nothing.times) < least:
            note = f"{len(nothing.times):,} rows have a value of the target; {least} are needed."
            return Target(
                name=name,
                n=len(nothing.times),
                own_lags=(),
                information=None,
                links=(),
                note=note,
            )
        sources = [column for column in range(len(grid.functions)) if column != target]
        selected = select(grid, target, sources, self.alpha)
        own = [past for past in selected if past[0] == target]
        others = sorted(past for past in selected if past[0] != target)
        total = None
        if others:
            total = information(grid, target, others, own, self.confidence).value
        return Target(
            name=name,
            n=len(grid.rows(target, selected)),
            own_lags=tuple(sorted(lag for _, lag in own)),
            information=total,
            links=tuple(self._link(target, past, selected) for past in others),
        )

    def _link(self, target: int, past: Past, selected: tuple[Past, ...]) -> Link:
        seed = self.seed_of(target, past)
        p_value = link_p(
            self.grid,
            target,
            past,
            selected,
            surrogates=self.surrogates,
            repeats=self._repeats(past[0]),
            rng=np.random.default_rng(seed),
        )
        value, note = self._value(target, past, selected, seed)
        return Link(
            source=self.sheet.names[past[0]],
            lag=past[1],
            target=self.sheet.names[target],
            value=None if value is None else value.value,
            lower=None if value is None else value.lower,
            upper=None if value is None else value.upper,
            p_value=p_value,
            n=len(self.grid.rows(target, selected)) if value is None else value.n,
            note=note,
        )

    def _value(
        self, target: int, past: Past, selected: tuple[Past, ...], seed: int
    ) -> tuple[Value | None, str | None]:
        others = [other for other in selected if other != past]
        if self.estimator is None:
            return information(self.grid, target, [past], others, self.confidence), None
        try:
            value, codes = estimated_information(
                self._series, target, past, others, self.estimator, self.confidence, seed
            )
        except (InputError, np.linalg.LinAlgError, ArithmeticError) as reason:
            return None, str(reason)  # this link has no value; others may have one
        return value, ", ".join(codes) or None

    @cached_property
    def _series(self) -> Sequence[Series]:
        ends = np.cumsum(self.trials)[:-1]
        return [
            Series(names=(name,), trials=tuple((part,) for part in np.split(column, ends)))
            for name, column in zip(self.sheet.names, self.sheet.values, strict=True)
        ]

    def _repeats(self, column: int) -> bool:
        values = self.sheet.values[column]
        return bool(repeating(values[~np.isnan(values)][:, None]).any())

    def seed_of(self, target: int, past: Past) -> int:
        """The seed of a link, from the content of its columns and its lag."""
        digests = self.sheet.digests
        text = f"{self.seed} {past[1]}".encode()
        return seed_of(text, digests[target], digests[past[0]])


def least_rows(alpha: float) -> int:
    """Rows with which there are enough rotations for a p-value of alpha: half of the rows."""
    return max(40, 2 * int(np.ceil(1 / alpha)))
