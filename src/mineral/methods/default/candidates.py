"""The table of candidates: each estimator, the view that it gets, and when it applies.

Evidence says how a candidate's value errs, and with it how values are compared:

    PARAMETRIC   exact where its model holds, and too small or too large elsewhere
    LOCAL        consistent in few dimensions, for any dependence; biased low at strong dependence
    LEARNED      approximates the density ratio from below as rows grow
    BOUND        a lower bound on held-out rows: what it finds beyond sampling error is there
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from mineral.methods.base import Estimator
from mineral.methods.canonical import Canonical
from mineral.methods.classifier import Classifier
from mineral.methods.clusters import Clusters
from mineral.methods.copulas import LikeliestCopula
from mineral.methods.default.profile import FEW_DIMS, FEW_ROWS, LABEL_DIMS, Profile
from mineral.methods.default.views import View
from mineral.methods.discrete import Discrete
from mineral.methods.discriminant import Discriminant
from mineral.methods.gaussian import GaussianCopula
from mineral.methods.knn import KSG
from mineral.methods.lnc import LNC
from mineral.methods.mixed import Mixed
from mineral.methods.projection import Budget, Projected
from mineral.methods.regression import Regression
from mineral.methods.residual import Residual
from mineral.methods.weak_correlations import WeakCorrelations, has_weak_correlations
from mineral.samples import Paired

NEIGHBOUR_DIMS = 6  # dx + dy, up to which neighbours may find more than a network
CANONICAL_ROWS = 400  # below, held-out variates are noise
STRONG = 0.5  # nats found, from which boxes around neighbours may be mostly empty


class Evidence(Enum):
    """How a candidate's value errs."""

    PARAMETRIC = "parametric"
    LOCAL = "local"
    LEARNED = "learned"
    BOUND = "bound"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What preconditions may use.

    Attributes:
        profile: Of the samples.
        untied: The samples, ties broken at random.
        level: How much may be trained.
        found: The value reported so far, in nats; 0 before the first candidate.
    """

    profile: Profile
    untied: Paired
    level: Budget
    found: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One row of the table.

    Attributes:
        make: The estimator for these samples.
        view: What it sees.
        evidence: How its value errs.
        applies: The precondition.
        ends: Whether the search ends where it is reported and its residuals are independent of
            the predictors.
    """

    make: Callable[[Facts], Estimator]
    view: View
    evidence: Evidence
    applies: Callable[[Facts], bool]
    ends: bool = False


def _is_ordered(p: Profile) -> bool:
    """Numbers whose order matters, and too many for a table."""
    return not p.is_table and not p.has_no_order


def _is_label(p: Profile) -> bool:
    """A label, and too many values beside it for a table."""
    return p.may_be_label and not p.is_table


def _fits_a_copula(p: Profile) -> bool:
    """Rows enough for correlations, of columns that ranks can order."""
    return p.n >= 2 * p.dims + 2 and not (p.is_wide and p.ties > 0.5)


def _copula(facts: Facts) -> Estimator:
    p = facts.profile
    return GaussianCopula() if p.n < max(2 * p.dims + 6, FEW_ROWS) else LikeliestCopula()


def _network(facts: Facts) -> Estimator:
    return Residual(steps=4000, folds=5) if facts.level == "thorough" else Residual()


def _has_function(facts: Facts) -> bool:
    """Whether one side is a number whose entropy gaps can show."""
    return _is_ordered(facts.profile) and Regression().can_predict(facts.untied)


def _neighbours(facts: Facts) -> Estimator:
    return KSG(k=min(KSG.k, facts.profile.n - 2))


def _trains(facts: Facts) -> bool:
    return facts.level != "fast"


TABLE: tuple[Candidate, ...] = (
    Candidate(
        make=lambda f: Discrete(correction="adjusted"),
        view=View.AS_GIVEN,
        evidence=Evidence.PARAMETRIC,
        applies=lambda f: f.profile.is_table,
    ),
    Candidate(
        make=_copula,
        view=View.UNTIED,
        evidence=Evidence.PARAMETRIC,
        applies=lambda f: (
            _is_ordered(f.profile) and _fits_a_copula(f.profile) and not f.profile.monotone
        ),
    ),
    Candidate(
        make=lambda f: Regression(),
        view=View.UNTIED,
        evidence=Evidence.BOUND,
        applies=lambda f: f.profile.dims > 2 and _has_function(f),
        ends=True,
    ),
    Candidate(
        make=lambda f: Projected(budget=f.level),
        view=View.AS_GIVEN,
        evidence=Evidence.LEARNED,
        applies=lambda f: _is_ordered(f.profile) and f.profile.is_wide,
    ),
    Candidate(
        make=_network,
        view=View.UNTIED,
        evidence=Evidence.LEARNED,
        applies=lambda f: (
            _is_ordered(f.profile)
            and _fits_a_copula(f.profile)
            and f.profile.dims > FEW_DIMS
            and _trains(f)
        ),
    ),
    Candidate(
        make=_neighbours,
        view=View.SCORES,
        evidence=Evidence.LOCAL,
        applies=lambda f: (
            _is_ordered(f.profile)
            and (
                f.profile.dims <= NEIGHBOUR_DIMS
                or not (_fits_a_copula(f.profile) or f.profile.is_wide)
            )
        ),
    ),
    Candidate(
        make=lambda f: LNC(),
        view=View.UNTIED,
        evidence=Evidence.BOUND,
        applies=lambda f: (
            _is_ordered(f.profile)
            and f.profile.dims == 2
            and f.profile.n >= FEW_ROWS
            and f.found >= STRONG
        ),
    ),
    Candidate(
        make=lambda f: Regression(),
        view=View.UNTIED,
        evidence=Evidence.BOUND,
        applies=lambda f: f.profile.dims == 2 and _has_function(f),
    ),
    Candidate(
        make=lambda f: Canonical(),
        view=View.UNTIED,
        evidence=Evidence.LEARNED,
        applies=lambda f: (
            _is_ordered(f.profile) and f.profile.dims > FEW_DIMS and f.profile.n >= CANONICAL_ROWS
        ),
    ),
    Candidate(
        make=lambda f: Discrete(correction="adjusted"),
        view=View.AS_GIVEN,
        evidence=Evidence.BOUND,
        applies=lambda f: (
            _is_ordered(f.profile) and f.profile.may_be_symbols and f.profile.n >= FEW_ROWS
        ),
    ),
    Candidate(
        make=lambda f: WeakCorrelations(),
        view=View.UNTIED,
        evidence=Evidence.PARAMETRIC,
        applies=lambda f: (
            _is_ordered(f.profile) and f.profile.is_wide and has_weak_correlations(f.untied)
        ),
    ),
    Candidate(
        make=lambda f: Clusters(),
        view=View.AS_GIVEN,
        evidence=Evidence.BOUND,
        applies=lambda f: (
            _is_ordered(f.profile)
            and f.profile.dims > LABEL_DIMS
            and f.profile.n >= FEW_ROWS
            and _trains(f)
        ),
    ),
    Candidate(
        make=lambda f: Discriminant(),
        view=View.LABEL,
        evidence=Evidence.BOUND,
        applies=lambda f: _is_label(f.profile),
    ),
    Candidate(
        make=lambda f: Mixed(method="ross"),
        view=View.LABEL,
        evidence=Evidence.LOCAL,
        applies=lambda f: (
            _is_label(f.profile) and f.profile.dims <= LABEL_DIMS and f.profile.has_numbers
        ),
    ),
    Candidate(
        make=lambda f: Classifier(),
        view=View.LABEL,
        evidence=Evidence.BOUND,
        applies=lambda f: _is_label(f.profile) and f.profile.dims > FEW_DIMS and _trains(f),
    ),
)
"""Every candidate of the default, in the order in which they are measured."""
