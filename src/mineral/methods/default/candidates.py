"""The table of candidates: each estimator, its view of the samples, and when it applies.

`Evidence` is the direction in which a candidate's value errs; it determines how values are
compared:

    PARAMETRIC   exact if its model holds, and otherwise too small or too large
    LOCAL        consistent in few dimensions, for any dependence; biased low at strong dependence
    LEARNED      approximates the density ratio from below as rows grow
    BOUND        a lower bound on held-out rows: too large only by sampling error
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from mineral.methods.base import Estimator
from mineral.methods.classes.classifier import Classifier
from mineral.methods.classes.discriminant import Discriminant
from mineral.methods.copulas.gaussian import GaussianCopula
from mineral.methods.copulas.likeliest import LikeliestCopula
from mineral.methods.counts.discrete import Discrete
from mineral.methods.default.profile import FEW_DIMS, FEW_ROWS, LABEL_DIMS, Profile
from mineral.methods.default.views import View
from mineral.methods.neighbours.knn import KSG
from mineral.methods.neighbours.mixed import Mixed
from mineral.methods.neural.residual import Residual
from mineral.methods.projections.canonical import Canonical
from mineral.methods.projections.clusters import Clusters
from mineral.methods.projections.projection import Budget, Projected
from mineral.methods.projections.weak_correlations import WeakCorrelations, has_weak_correlations
from mineral.methods.regressions.regression import Regression
from mineral.samples import Paired

NEIGHBOUR_DIMS = 6  # dx + dy, up to which KSG may have less bias than a network
CANONICAL_ROWS = 400  # below, held-out variates are noise


class Evidence(Enum):
    """How a candidate's value errs."""

    PARAMETRIC = "parametric"
    LOCAL = "local"
    LEARNED = "learned"
    BOUND = "bound"


@dataclass(frozen=True)
class Candidate:
    """One row of the table.

    Attributes:
        make: The estimator for samples of this profile, and how much may be trained.
        view: Its input.
        evidence: How its value errs.
        applies: The precondition on the profile, and on the samples with ties broken at random.
        trains: Whether it trains a network; the level "fast" skips it.
        ends: Whether the search ends if it is reported and its residuals are independent of the
            predictors.
    """

    make: Callable[[Profile, Budget], Estimator]
    view: View
    evidence: Evidence
    applies: Callable[[Profile, Paired], bool]
    trains: bool = False
    ends: bool = False


def _counts(p: Profile, level: Budget) -> Estimator:
    return Discrete(correction="adjusted")


def _copula(p: Profile, level: Budget) -> Estimator:
    return GaussianCopula() if p.n < max(2 * p.dims + 6, FEW_ROWS) else LikeliestCopula()


def _network(p: Profile, level: Budget) -> Estimator:
    return Residual(steps=4000, folds=5) if level == "thorough" else Residual()


def _neighbours(p: Profile, level: Budget) -> Estimator:
    return KSG(k=min(KSG.k, p.n - 2))


def _has_function(p: Profile, untied: Paired) -> bool:
    """Whether one side is a number whose entropy can be estimated from spacings."""
    return p.is_ordered and Regression().can_predict(untied)


TABLE: tuple[Candidate, ...] = (
    Candidate(_counts, View.AS_GIVEN, Evidence.PARAMETRIC, lambda p, _: p.is_filled),
    Candidate(
        _counts,
        View.AS_GIVEN,
        Evidence.BOUND,  # cells of few rows hide dependence
        lambda p, _: p.is_table and not p.is_filled,
    ),
    Candidate(
        _copula,
        View.UNTIED,
        Evidence.PARAMETRIC,
        lambda p, _: p.fits_a_copula and not p.monotone,
    ),
    Candidate(
        lambda *_: Regression(),
        View.UNTIED,
        Evidence.BOUND,
        lambda p, untied: p.dims > 2 and _has_function(p, untied),
        ends=True,
    ),
    Candidate(
        lambda _, level: Projected(budget=level),
        View.AS_GIVEN,
        Evidence.LEARNED,
        lambda p, _: p.is_ordered and p.is_wide,
    ),
    Candidate(
        _network,
        View.UNTIED,
        Evidence.LEARNED,
        lambda p, _: p.fits_a_copula and p.dims > FEW_DIMS,
        trains=True,
    ),
    Candidate(
        _neighbours,
        View.SCORES,
        Evidence.LOCAL,
        lambda p, _: (
            p.is_ordered and (p.dims <= NEIGHBOUR_DIMS or not (p.fits_a_copula or p.is_wide))
        ),
    ),
    Candidate(
        lambda *_: Regression(),
        View.UNTIED,
        Evidence.BOUND,
        lambda p, untied: p.dims == 2 and _has_function(p, untied),
    ),
    Candidate(
        lambda *_: Canonical(),
        View.UNTIED,
        Evidence.LEARNED,
        lambda p, _: p.is_ordered and p.dims > FEW_DIMS and p.n >= CANONICAL_ROWS,
    ),
    Candidate(
        _counts,
        View.AS_GIVEN,
        Evidence.BOUND,
        lambda p, _: p.is_ordered and p.may_be_symbols and p.n >= FEW_ROWS,
    ),
    Candidate(
        lambda *_: WeakCorrelations(),
        View.UNTIED,
        Evidence.PARAMETRIC,
        lambda p, untied: p.is_ordered and p.is_wide and has_weak_correlations(untied),
    ),
    Candidate(
        lambda *_: Clusters(),
        View.AS_GIVEN,
        Evidence.BOUND,
        lambda p, _: p.is_ordered and p.dims > LABEL_DIMS and p.n >= FEW_ROWS,
        trains=True,
    ),
    Candidate(lambda *_: Discriminant(), View.LABEL, Evidence.BOUND, lambda p, _: p.is_label),
    Candidate(
        lambda *_: Mixed(method="ross"),
        View.LABEL,
        Evidence.LOCAL,
        lambda p, _: p.is_label and p.dims <= LABEL_DIMS and p.has_numbers,
    ),
    Candidate(
        lambda *_: Classifier(),
        View.LABEL,
        Evidence.BOUND,
        lambda p, _: p.is_label and p.dims > FEW_DIMS,
        trains=True,
    ),
)
"""Every candidate of the default, in the order in which they are measured."""
