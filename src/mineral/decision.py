"""The decision of the default estimator: every candidate that it considered, as data.

Sentences are made from a decision, and never read back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mineral.basics.types import NATS_PER_UNIT, Unit

SUMS = (
    "blocks",
    "atoms",
    "strata",
)  # wrappers whose value is a sum: every part has candidates of its own
SHOWN = 0.01  # share of the value, below which a candidate is not named in a summary


class Verdict(StrEnum):
    """The verdict on a candidate of the default estimator."""

    REPORTED = "reported"
    AVERAGED = "averaged"
    NOT_LARGER = "not significantly larger"
    SUPERSEDED = "superseded"
    OUT_OF_TIME = "out of time"


@dataclass(frozen=True, kw_only=True)
class Considered:
    """A candidate that the default estimator considered.

    Attributes:
        estimator: Its name.
        options: Its options.
        view: Its input: the samples as given, with ties broken at random, or normal scores.
        value, stderr: Its own estimate in nats; None where it was not measured.
        weight: Its share of the reported value, from 0 to 1.
        verdict: Whether it is reported, and why not.
        error: Standard error of its difference from the value so far, which it was compared with;
            0 of the first candidate.
        columns: The columns that it used, if blocks of columns are estimated one by one.
    """

    estimator: str
    options: Mapping[str, Any]
    view: str
    value: float | None
    stderr: float | None
    weight: float
    verdict: Verdict
    error: float = 0.0
    columns: str = ""

    def in_unit(self, unit: Unit) -> str:
        """Its estimate with the standard error, in a unit; nothing where it was not measured."""
        if self.value is None or self.stderr is None:
            return ""
        nats = NATS_PER_UNIT[unit]
        return f"{self.value / nats:.3g} ± {self.stderr / nats:.2g}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "estimator": self.estimator,
            "options": dict(self.options),
            "view": self.view,
            "value": self.value,
            "stderr": self.stderr,
            "weight": self.weight,
            "verdict": self.verdict.value,
            "error": self.error,
            "columns": self.columns,
        }


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The decision of the default estimator.

    Attributes:
        considered: Every candidate, in the order of the table.
        rows: Rows that the candidates were compared on.
        wrapper: How the candidates were applied: `"all rows"`; `"thinned"` rows, averaged;
            `"blocks"` of columns, or rows at `"atoms"` and elsewhere, summed.
    """

    considered: tuple[Considered, ...]
    rows: int
    wrapper: str = "all rows"

    @property
    def chosen(self) -> tuple[Considered, ...]:
        """The candidates with weight in the reported value, the largest first."""
        parts = [each for each in self.considered if each.weight > 0]
        return tuple(sorted(parts, key=lambda each: -each.weight))

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "wrapper": self.wrapper,
            "rows": self.rows,
            "considered": [each.to_dict() for each in self.considered],
        }

    def summary(self) -> str:
        """The reported candidates in a few words: `87% ksg, 13% copula`."""
        chosen = [each for each in self.chosen if each.weight >= SHOWN]
        names = list(dict.fromkeys(each.estimator for each in chosen))
        if self.wrapper in SUMS or len(names) < 2:
            parts = ", ".join(names)
        else:
            parts = ", ".join(f"{each.weight:.0%} {each.estimator}" for each in chosen)
        if self.wrapper == "all rows":
            return parts
        return f"{self.wrapper}: {parts}" if parts else self.wrapper

    def sentences(self, unit: Unit = "nats") -> tuple[str, ...]:
        """The decision in words: what was measured, and what is reported."""
        measured = [each for each in self.considered if each.value is not None]
        lines = []
        if len(measured) > 1 and self.wrapper not in SUMS:
            listed = "; ".join(_shown(each, unit) for each in measured)
            lines.append(f"Candidates: {listed} {unit}.")
        chosen = [each for each in self.chosen if each.weight >= SHOWN]
        if self.wrapper == "all rows" and len(measured) > 1 and chosen:
            lines.append(_reported(chosen, measured, unit))
        skipped = [each.estimator for each in self.considered if each.value is None]
        if skipped:
            lines.append(f"The time budget ended before: {', '.join(skipped)}.")
        return tuple(lines)


def _reported(chosen: list[Considered], measured: list[Considered], unit: Unit) -> str:
    main, baseline = chosen[0], measured[0]
    if main.weight < 1 - SHOWN:
        parts = ", ".join(f"{each.weight:.0%} {each.estimator}" for each in chosen)
        return f"Reported: an average weighted by the standard error of the difference, {parts}."
    if main is baseline:
        return f"Reported: {main.estimator}. No other candidate differs significantly."
    return f"Reported: {main.estimator}. It differs significantly from {_shown(baseline, unit)}."


def _shown(each: Considered, unit: Unit) -> str:
    return f"{each.estimator} {each.in_unit(unit)}"
