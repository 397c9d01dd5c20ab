"""`auto` with a condition: candidates that apply are measured in the table's order, and compared.

The rule of comparison is that of the default without a condition (`methods/default/comparison.py`),
but that neighbours given Z, which miss dependence in more dimensions, never lower a value.
"""

from dataclasses import dataclass, replace

import numpy as np

from mineral.decision import Considered, Decision, Verdict
from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.conditional.bias_allowance import bias_allowance
from mineral.methods.conditional.candidates import FALLBACK, TABLE, Candidate, Profile
from mineral.methods.conditional.cmi_knn import CMIKnn
from mineral.methods.counts.discrete import Discrete
from mineral.methods.default.candidates import Evidence
from mineral.methods.default.comparison import average, weight_of
from mineral.methods.default.search import EVIDENCE_ROWS, with_share_left
from mineral.methods.projections.projection import Budget
from mineral.samples import Conditioned

CLOSE_ROWS = 1.4  # by which close rows, which share neighbours, err more together than alone


@dataclass(frozen=True)
class _Answer:
    """What a candidate found, and how that errs."""

    candidate: Candidate
    estimator: Estimator
    evidence: Evidence
    found: Measurement


@dataclass(frozen=True)
class ConditionalSearch:
    """The estimate of the candidates that the comparison chooses.

    Above 5,000 rows they are compared on a random part of the rows, and those that are chosen are
    measured on all rows.

    Args:
        level: How much may be trained.
    """

    level: Budget

    def measure(self, samples: Conditioned, run: Run) -> Measurement:
        n, few = len(samples), samples
        if n > EVIDENCE_ROWS:
            few = samples.rows(np.sort(run.rng().permutation(n)[:EVIDENCE_ROWS])).measurable()
        profile = Profile(few, run)
        _refuse_too_many(profile)
        if profile.is_determined:
            return Measurement(
                value=0.0,
                stderr=0.0,
                path=("X or Y is a function of the condition: I(X; Y | Z) = 0.",),
            )
        answers, considered = self._compared(profile, run)
        chosen = [
            (answer, row.weight)
            for answer, row in zip(answers, considered, strict=True)
            if row.weight > 0
        ]
        found = _combined(chosen, samples if few is not samples else None, run)
        best = max(chosen, key=lambda each: each[1])[0]
        is_table = isinstance(best.estimator, Discrete)
        missing = 0.0 if is_table else _allowance(found.value, n, profile)
        return replace(
            found,
            missing=max(found.missing, missing),
            kind=best.estimator.kind,
            model=None,
            decision=Decision(considered=tuple(considered), rows=len(few)),
        )

    def _compared(self, profile: Profile, run: Run) -> tuple[list[_Answer], list[Considered]]:
        candidates = [each for each in TABLE if each.applies(profile)] or [FALLBACK]
        answers: list[_Answer] = []
        considered: list[Considered] = []
        best: _Answer | None = None
        for candidate in candidates:
            estimator = candidate.make(self.level)
            if best is not None and run.late:
                considered.append(_row(candidate, estimator, Verdict.OUT_OF_TIME))
                continue
            found = estimator.measure_given(profile.samples, run)
            answer = _Answer(candidate, estimator, candidate.evidence(profile), found)
            weight, error = (1.0, 0.0) if best is None else _weight(best, answer, profile)
            considered = [with_share_left(row, 1 - weight) for row in considered]
            verdict = Verdict.AVERAGED if weight else Verdict.NOT_LARGER
            row = _row(candidate, estimator, Verdict.REPORTED if weight == 1 else verdict)
            considered.append(
                replace(row, value=found.value, stderr=found.stderr, weight=weight, error=error)
            )
            answers.append(answer)
            merged = found if best is None else average(best.found, found, weight, error)
            heavier = answer if best is None or weight > 0.5 else best
            best = replace(heavier, found=merged)
        answers += [replace(answers[0])] * (len(considered) - len(answers))
        return answers, considered


def _allowance(value: float, n: int, profile: Profile) -> float:
    dim_z = profile.all_dims - profile.dims
    return bias_allowance(value, n, profile.dims, dim_z, is_exact=profile.scores.is_exact)


def _weight(best: _Answer, rival: _Answer, profile: Profile) -> tuple[float, float]:
    """The weight of the rival, from 0 to 1, and the standard error of the difference."""
    one, other = rival.found, best.found
    difference = one.value - other.value
    error = float(np.hypot(one.stderr, other.stderr))
    if one.pointwise is not None and other.pointwise is not None:
        spread = float((one.pointwise - other.pointwise).std()) / np.sqrt(profile.n)
        error = min(error, CLOSE_ROWS * spread)
    consistent = rival.evidence is Evidence.LOCAL and best.evidence is not Evidence.BOUND
    few = rival.candidate.few(profile) and best.candidate.few(profile)
    lowers = difference < 0 and isinstance(rival.estimator, CMIKnn)
    is_averaged = consistent and few and not lowers
    return weight_of(difference, error, other.value, is_averaged=is_averaged), error


def _combined(
    chosen: list[tuple[_Answer, float]], samples: Conditioned | None, run: Run
) -> Measurement:
    """The chosen candidates with their shares, measured again where there are more rows."""
    total, found = 0.0, None
    for answer, weight in chosen:
        other = answer.found
        if samples is not None:
            other = answer.estimator.measure_given(samples, run)
        total += weight
        if found is None:
            found = other
        else:
            found = average(found, other, weight / total, abs(other.value - found.value))
    assert found is not None
    return found


def _row(candidate: Candidate, estimator: Estimator, verdict: Verdict) -> Considered:
    return Considered(
        estimator=estimator.name,
        options=estimator.options(),
        view=candidate.view,
        value=None,
        stderr=None,
        weight=0.0,
        verdict=verdict,
    )


def _refuse_too_many(profile: Profile) -> None:
    columns = profile.samples.numbers_z.shape[1]
    least = 2 * columns + profile.dims + 2
    if profile.n < least and not profile.is_table:
        raise InputError(
            f"`given` has {columns:,} columns, which a regression on {profile.n:,} rows cannot "
            f"remove: pass at least {least:,} rows, or fewer columns."
        )
