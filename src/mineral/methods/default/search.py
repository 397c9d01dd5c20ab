"""The search of `auto`: candidates that apply are measured in the table's order, and compared."""

from dataclasses import dataclass, replace

import numpy as np

from mineral.decision import Decision
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.copulas.likeliest import LikeliestCopula, named
from mineral.methods.counts.discrete import Discrete
from mineral.methods.default.bias_allowance import bias_allowance
from mineral.methods.default.candidates import TABLE, Candidate
from mineral.methods.default.comparison import Answer, compared
from mineral.methods.default.profile import FEW_DIMS, Profile
from mineral.methods.default.views import Views
from mineral.methods.learning_curve import allowing_for, rise
from mineral.methods.neighbours.knn import KSG
from mineral.methods.neural.residual import Residual
from mineral.methods.normalized import normalized
from mineral.methods.projections.canonical import Canonical
from mineral.methods.projections.projection import Budget
from mineral.methods.projections.weak_correlations import Spread
from mineral.methods.shares import Shares
from mineral.results import Caution
from mineral.samples import Paired

EVIDENCE_ROWS = 5_000  # rows that candidates are compared on
CONCLUSIVE_ROWS = 500  # from which a test of independent residuals has enough power
CURVE_ROWS = 20_000  # above, halves of the rows differ by less than the allowance
RISING = 0.05  # nats more than on half of the rows, from which KSG needs more rows
DISAGREEMENT = 0.1  # nats between candidates, from which there is a caution
SHARED = 0.01  # of the value: with less, the comparison is settled (benchmarks/atlas.py, 200 rows:
# of 33 values far off 4 have the caution either way, of 107 others 4 instead of 6)


@dataclass(frozen=True)
class Search:
    """The estimate of the candidates that the comparison chooses.

    Above 5,000 rows they are compared on a random part of the rows, and the chosen ones are
    measured on all rows.

    Args:
        level: How much may be trained.
    """

    level: Budget

    def measure(self, samples: Paired, run: Run) -> Measurement:
        n, few = len(samples), samples
        if n > EVIDENCE_ROWS:
            rows = np.sort(run.rng().permutation(n)[:EVIDENCE_ROWS])
            few = samples.rows(rows)
        views = Views(few, run.rng())
        profile = Profile.of(few)
        shares, is_conclusive = _searched(profile, views, run, self.level)
        assert shares.best is not None
        best = shares.best
        if few is not samples:
            views = Views(samples, run.rng())
            found = shares.combined(lambda a: _answer(a.candidate, a.estimator, views, run).found)
            best = replace(best, found=found)
        found = _with_learning_curve(best, views[best.candidate.view], run)
        spread = Spread.of(views.untied) if profile.is_wide and not profile.may_be_label else None
        found = found if spread is None else spread.beside(found)
        # If residuals are independent of the predictors, the model captures all dependence.
        dims = FEW_DIMS if is_conclusive else samples.dims
        missing = max(found.missing, _allowance(best, found.value, n, dims))
        decision = Decision(considered=tuple(shares.considered), rows=len(few))
        return replace(
            found,
            missing=missing,
            residual_is_independent=is_conclusive,
            kind=best.estimator.kind,
            decision=decision,
            cautions=(*found.cautions, *_disagreement(shares)),
        )


def _searched(
    profile: Profile, views: Views, run: Run, level: Budget
) -> tuple[Shares[Answer], bool]:
    """The answers with their shares, and whether the last one leaves nothing to find."""
    shares: Shares[Answer] = Shares()
    for candidate in TABLE:
        is_left_out = candidate.trains and level == "fast"
        if is_left_out or not candidate.applies(profile, views.untied):
            continue
        estimator = candidate.make(profile, level)
        if shares.best is not None and run.late:
            shares.skip(estimator, candidate.view.value)
            continue
        answer = _answer(candidate, estimator, views, run)
        weight, error = 1.0, 0.0
        if shares.best is not None:
            weight, error = compared(shares.best, answer, views, run)
        shares.add(answer, weight, error)
        if candidate.ends and weight == 1.0 and _is_conclusive(answer, profile):
            return shares, True
    return shares, False


def _answer(candidate: Candidate, estimator: Estimator, views: Views, run: Run) -> Answer:
    samples = views[candidate.view]
    found = normalized(estimator.measure(samples, run), samples, run)
    if isinstance(estimator, (Residual, LikeliestCopula)) and not found.curves:
        estimator = named(found)  # the copula itself
    return Answer(candidate=candidate, estimator=estimator, found=found)


def _is_conclusive(answer: Answer, profile: Profile) -> bool:
    """Whether residuals are independent; with ties broken at random, they are mostly noise."""
    enough = profile.n >= CONCLUSIVE_ROWS and profile.ties == 0
    return enough and answer.found.residual_is_independent


def _with_learning_curve(best: Answer, samples: Paired, run: Run) -> Measurement:
    """Extend the interval upwards if KSG needs more rows."""
    far = type(best.estimator) in (KSG, Canonical) and samples.dims > FEW_DIMS
    if not far or not 50 <= len(samples) <= CURVE_ROWS or best.found.pointwise is None:
        return best.found
    gain = rise(best.found, best.estimator, samples, run)
    clear = gain > max(RISING, best.found.stderr)
    return allowing_for(gain, best.found) if clear else best.found


def _allowance(best: Answer, value: float, n: int, dims: int) -> float:
    if isinstance(best.estimator, Discrete):  # a table captures all dependence
        return 0.0
    return bias_allowance(value, n, dims)


def _disagreement(shares: Shares[Answer]) -> tuple[Caution, ...]:
    """A caution on an average of candidates that differ by more than their errors."""
    rows = zip(shares.answers, shares.considered, strict=False)
    averaged = [answer.found for answer, row in rows if row.weight >= SHARED]
    values = [found.value for found in averaged]
    apart, noise = max(values) - min(values), max(found.stderr for found in averaged)
    if apart < max(DISAGREEMENT, 5 * noise):
        return ()
    return (
        Caution(
            "candidates-disagree",
            f"The value averages candidates that differ by {apart:.2g} nats: a Gaussian copula "
            "does not describe the dependence, or the rows are too few. Look at the plot.",
        ),
    )
