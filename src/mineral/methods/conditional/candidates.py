"""The table of candidates given Z, each with its precondition on the samples."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mineral.methods.base import ConditionalEstimator, Estimator, Measurement, Measures, Run
from mineral.methods.conditional.cmi_knn import CMIKnn
from mineral.methods.conditional.partial_copula import PartialCopula
from mineral.methods.conditional.partial_information import PartialInformation
from mineral.methods.conditional.regressed import Regressed, Regressions, is_near
from mineral.methods.conditional.strata import over_strata
from mineral.methods.counts.discrete import Discrete
from mineral.methods.default.candidates import Evidence
from mineral.methods.default.profile import FEW_DIMS, FEW_VALUES, ROWS_PER_CELL
from mineral.methods.default.search import Search
from mineral.methods.projections.projection import Budget
from mineral.methods.wrappers.by_atoms import ByAtoms
from mineral.samples import Conditioned, Paired, distinct_rows, repeating

ROWS_PER_STRATUM = 50  # on average, from which each value of Z has an estimate of its own
FAR_RESIDUAL = 20.0  # spreads; exponential noise of 10,000 rows reaches 9
NEIGHBOUR_DIMS = 6  # dx + dy + dz, up to which neighbours given Z find more than noise


@dataclass(frozen=True, kw_only=True)
class Stratified(ConditionalEstimator):
    """The default's I(X; Y) for each value of a discrete Z, averaged by their shares of the rows.

    Args:
        budget: How much the default may train in each stratum.
    """

    budget: Budget = "fast"

    name = "strata"
    kind = "neither"
    labels = True

    def measure_given(self, samples: Conditioned, run: Run) -> Measurement:
        inner: Measures[Paired] = ByAtoms(Search(self.budget))
        return over_strata(samples, run, inner)


class Profile(Regressions):
    """Facts about the samples that decide which candidates apply, each computed once.

    Args:
        samples: Without constant columns; Z has one column at least.
        run: The seed breaks ties and permutes.
    """

    def __init__(self, samples: Conditioned, run: Run) -> None:
        super().__init__(samples, run)
        self.n = len(samples)
        self.dims = samples.pair.dims
        self.distinct_z = distinct_rows(samples.z)

    @cached_property
    def is_table(self) -> bool:
        """Whether the cells of a contingency table of X, Y and Z are well filled."""
        pair, z = self.samples.pair, self.samples.z
        return self.n >= ROWS_PER_CELL * distinct_rows(np.hstack([pair.x, pair.y, z]))

    @property
    def has_strata(self) -> bool:
        """Whether Z takes few values, each often."""
        return self.distinct_z <= min(FEW_VALUES, self.n / ROWS_PER_STRATUM)

    @cached_property
    def repeats(self) -> bool:
        """Whether a column of X or Y holds categories, or values that mostly repeat."""
        pair = self.samples.pair
        return bool(pair.words) or bool(repeating(pair.x).any() or repeating(pair.y).any())

    @cached_property
    def is_near(self) -> bool:
        """Whether residuals in the units of X and Y have no outliers: least squares needs that."""
        pair = self.units.pair
        return is_near(np.hstack([pair.x, pair.y]), FAR_RESIDUAL)

    @cached_property
    def is_determined(self) -> bool:
        """Whether X or Y is a function of Z: of its values where they repeat, or by regression."""
        pair, z = self.samples.pair, self.samples.z
        if self.distinct_z * 2 <= self.n and any(
            distinct_rows(np.hstack([side, z])) == self.distinct_z for side in (pair.x, pair.y)
        ):
            return True
        return self.scores.is_determined or self.units.is_determined

    @cached_property
    def fits_a_copula(self) -> bool:
        """Whether rows suffice for partial correlations of numbers, and these remove Z."""
        columns = self.samples.numbers_z.shape[1]
        enough = self.n >= 2 * (self.dims + columns) + 2
        return enough and not self.repeats and self.linear.is_lower_bound


@dataclass(frozen=True)
class Candidate:
    """One row of the table.

    Attributes:
        make: The estimator, and how much may be trained.
        view: What it sees, in words.
        evidence: How its value errs, on samples of this profile.
        applies: The precondition.
        few: Whether dimensions are few enough for it to be consistent at a thousand rows.
    """

    make: Callable[[Budget], Estimator]
    view: str
    evidence: Callable[[Profile], Evidence]
    applies: Callable[[Profile], bool]
    few: Callable[[Profile], bool]


def _of(left: Regressed) -> Evidence:
    return Evidence.LOCAL if left.is_exact else Evidence.BOUND


TABLE: tuple[Candidate, ...] = (
    Candidate(
        lambda _: Discrete(correction="adjusted"),
        "as given",
        lambda _: Evidence.PARAMETRIC,
        lambda p: p.is_table,
        lambda _: True,
    ),
    Candidate(
        lambda _: PartialCopula(),
        "normal scores",
        lambda _: Evidence.PARAMETRIC,
        lambda p: p.fits_a_copula and not p.is_table,
        lambda p: p.dims <= FEW_DIMS,
    ),
    Candidate(
        lambda level: PartialInformation(budget=level),
        "residuals of normal scores",
        lambda p: _of(p.scores),
        lambda p: p.scores.is_lower_bound and not p.is_table,
        lambda p: p.dims <= FEW_DIMS,
    ),
    Candidate(
        lambda _: PartialInformation(scores=False),
        "residuals",
        lambda _: Evidence.BOUND,
        lambda p: (
            p.is_near
            and not p.is_table
            and (p.units.freedom > 0 or p.scores.freedom > 0)
            and p.units.is_lower_bound
        ),
        lambda p: p.dims <= FEW_DIMS,
    ),
    Candidate(
        lambda _: Stratified(),
        "rows of each value of the condition",
        lambda _: Evidence.BOUND,
        lambda p: p.has_strata and not p.is_table,
        lambda _: False,
    ),
    Candidate(
        lambda _: CMIKnn(),
        "normal scores",
        lambda _: Evidence.LOCAL,
        lambda p: p.samples.dims <= NEIGHBOUR_DIMS and not p.is_table,
        lambda p: p.samples.dims <= FEW_DIMS,
    ),
)
"""Every candidate of the default given Z, in the order in which they are measured."""

FALLBACK = TABLE[-1]  # where no precondition holds: neighbours assume the least
