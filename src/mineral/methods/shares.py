"""Answers of candidates, and their shares of one value: what `auto` reports, with or without Z."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import numpy as np

from mineral.decision import Considered, Verdict
from mineral.methods.base import Estimator, Measurement


@dataclass(frozen=True, kw_only=True)
class Measured(ABC):
    """A candidate's measurement.

    Attributes:
        estimator: The estimator.
        found: Its measurement.
    """

    estimator: Estimator
    found: Measurement

    @property
    @abstractmethod
    def view(self) -> str:
        """The input of the estimator, in words."""


M = TypeVar("M", bound=Measured)


@dataclass
class Shares(Generic[M]):
    """The value so far, and the share of each answer.

    Attributes:
        answers: Of the candidates that were measured.
        best: The answer with the largest share, with the value so far.
        considered: A row of the decision for every answer, and then for those out of time.
    """

    answers: list[M] = field(default_factory=list)
    best: M | None = None
    considered: list[Considered] = field(default_factory=list)

    def add(self, answer: M, weight: float, error: float) -> None:
        """Record an answer that has this share of the value from now on.

        Args:
            answer: What was measured.
            weight: Its share; the first answer has all of it.
            error: The standard error of its difference from the value so far.
        """
        if self.best is None:
            self.best = answer
        else:
            found = average(self.best.found, answer.found, weight, error)
            self.best = replace(answer if weight > 0.5 else self.best, found=found)
        self.considered = [_with_share_left(row, 1 - weight) for row in self.considered]
        verdict = Verdict.AVERAGED if weight else Verdict.NOT_LARGER
        row = replace(
            _row(answer.estimator, answer.view, Verdict.REPORTED if weight == 1 else verdict),
            value=answer.found.value,
            stderr=answer.found.stderr,
            weight=weight,
            error=error,
        )
        self.considered.append(row)
        self.answers.append(answer)

    def skip(self, estimator: Estimator, view: str) -> None:
        """Record a candidate that is not measured, as time is up."""
        self.considered.append(_row(estimator, view, Verdict.OUT_OF_TIME))

    def combined(self, measured: Callable[[M], Measurement]) -> Measurement:
        """The average of the answers with a share, each measured in this way."""
        total, found = 0.0, None
        for answer, row in zip(self.answers, self.considered, strict=False):
            if row.weight == 0:
                continue
            other = measured(answer)
            total += row.weight
            if found is None:
                found = other
            else:
                found = average(found, other, row.weight / total, abs(other.value - found.value))
        assert found is not None
        return found


def average(best: Measurement, rival: Measurement, weight: float, error: float) -> Measurement:
    """A weighted average of two estimates, with a standard error that allows for a wrong weight."""
    if weight in (0.0, 1.0):
        return rival if weight else best
    difference = rival.value - best.value
    spread = (1 - weight) * best.stderr + weight * rival.stderr
    wrong = (1 - weight) * min(abs(difference), error)
    main = rival if weight > 0.5 else best
    pointwise = main.pointwise
    if best.pointwise is not None and rival.pointwise is not None:
        pointwise = (1 - weight) * best.pointwise + weight * rival.pointwise
    return replace(
        main,
        value=(1 - weight) * best.value + weight * rival.value,
        stderr=float(np.hypot(spread, wrong)),
        reach=None,
        pointwise=pointwise,
    )


def _with_share_left(row: Considered, left: float) -> Considered:
    """A row of the decision of which only a share is left, as another candidate has the rest."""
    if not row.weight or left == 1:
        return row
    verdict = Verdict.AVERAGED if left else Verdict.SUPERSEDED
    return replace(row, weight=row.weight * left, verdict=verdict)


def _row(estimator: Estimator, view: str, verdict: Verdict) -> Considered:
    return Considered(
        estimator=estimator.name,
        options=estimator.options(),
        view=view,
        value=None,
        stderr=None,
        weight=0.0,
        verdict=verdict,
    )
