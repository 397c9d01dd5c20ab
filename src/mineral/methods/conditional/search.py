"""`auto` with a condition: candidates that apply are measured in the table's order, and compared.

The rule of comparison is that of the default without a condition (`methods/default/comparison.py`),
but that neighbours given Z, which miss dependence in more dimensions, never lower a value.
"""

from dataclasses import dataclass, replace

import numpy as np

from mineral.decision import Decision
from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.conditional.bias_allowance import bias_allowance
from mineral.methods.conditional.candidates import FALLBACK, TABLE, Candidate, Profile
from mineral.methods.conditional.cmi_knn import CMIKnn
from mineral.methods.conditional.regressed import OfResiduals
from mineral.methods.counts.discrete import Discrete
from mineral.methods.default.candidates import Evidence
from mineral.methods.default.comparison import weight_of
from mineral.methods.default.search import EVIDENCE_ROWS
from mineral.methods.projections.projection import Budget
from mineral.methods.shares import Measured, Shares
from mineral.samples import Conditioned

CLOSE_ROWS = 1.4  # by which close rows, which share neighbours, err more together than alone


@dataclass(frozen=True, kw_only=True)
class _Answer(Measured):
    """The measurement of a candidate given Z, and how that errs."""

    candidate: Candidate
    evidence: Evidence

    @property
    def view(self) -> str:
        return self.candidate.view


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
        shares = self._compared(profile, run)
        found = shares.combined(
            lambda a: a.found if few is samples else a.estimator.measure_given(samples, run)
        )
        assert shares.best is not None
        best = shares.best
        is_table = isinstance(best.estimator, Discrete)
        missing = 0.0 if is_table else _allowance(found.value, n, profile)
        return replace(
            found,
            missing=max(found.missing, missing),
            kind=best.estimator.kind,
            model=None,
            decision=Decision(considered=tuple(shares.considered), rows=len(few)),
        )

    def _compared(self, profile: Profile, run: Run) -> Shares[_Answer]:
        shares: Shares[_Answer] = Shares()
        for candidate in [each for each in TABLE if each.applies(profile)] or [FALLBACK]:
            estimator = candidate.make(self.level)
            if shares.best is not None and run.late:
                shares.skip(estimator, candidate.view)
                continue
            answer = _Answer(
                candidate=candidate,
                estimator=estimator,
                evidence=candidate.evidence(profile),
                found=_measured(estimator, profile, run),
            )
            weight, error = 1.0, 0.0
            if shares.best is not None:
                weight, error = _weight(shares.best, answer, profile)
            shares.add(answer, weight, error)
        return shares


def _measured(estimator: Estimator, profile: Profile, run: Run) -> Measurement:
    """The measurement; residuals are those that the profile has been tested on."""
    if isinstance(estimator, OfResiduals):
        return estimator.measure_residuals(profile, run)
    return estimator.measure_given(profile.samples, run)


def _allowance(value: float, n: int, profile: Profile) -> float:
    dim_z = profile.samples.z.shape[1]
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


def _refuse_too_many(profile: Profile) -> None:
    columns = profile.samples.numbers_z.shape[1]
    least = 2 * columns + profile.dims + 2
    if profile.n < least and not profile.is_table:
        raise InputError(
            f"`given` has {columns:,} columns, which a regression on {profile.n:,} rows cannot "
            f"remove: pass at least {least:,} rows, or fewer columns."
        )
