"""`auto`, the default: a profile of the samples, a table of candidates, one rule of comparison."""

import time
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias

from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Measures, Run
from mineral.methods.conditional.independence import permuted_given
from mineral.methods.conditional.search import ConditionalSearch
from mineral.methods.default.search import Search
from mineral.methods.options import Range
from mineral.methods.projections.projection import Budget
from mineral.methods.wrappers.by_atoms import ByAtoms
from mineral.methods.wrappers.by_block import ByBlock
from mineral.methods.wrappers.consistent import Consistent
from mineral.methods.wrappers.distinct import Distinct
from mineral.methods.wrappers.time_series import Thinned
from mineral.permutation import permuted
from mineral.samples import Conditioned, Paired

MIN_ROWS_GIVEN = 10  # fewer leave no residuals to speak of

Seconds: TypeAlias = Annotated[float, Range(0, closed=False, noun="seconds above 0")]


@dataclass(frozen=True, kw_only=True)
class Auto(Estimator):
    """Selects from the samples alone: counts, a copula, a network, KSG, classes or PCA.

    A profile of the samples selects candidates from a table; one rule compares their values on the
    same rows. `Estimate.decision` lists every candidate with its value, standard error and verdict.

    Args:
        budget: "fast" trains no network; "balanced" trains a small one if it may improve the value,
            for seconds; "thorough" trains longer, on more folds. A number is a time limit in
            seconds: networks stop early to keep it, and candidates that have not begun are skipped,
            so that the value depends on the machine.
    """

    budget: Budget | Seconds = "balanced"

    name = "auto"
    kind = "neither"
    labels = True

    @property
    def _level(self) -> Budget:
        return self.budget if isinstance(self.budget, str) else "balanced"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        if len(samples) < 3:
            raise InputError(f"`x` and `y` need at least 3 paired samples, got {len(samples)}.")
        if not isinstance(self.budget, str):
            run = replace(run, until=time.monotonic() + self.budget)
        numeric = samples.with_indicators()
        found = self._wrapped().measure(numeric, run)
        # a model of indicator columns could not read the original columns
        if numeric.words != samples.words:
            found = replace(found, model=None)
        return found

    def measure_given(self, samples: Conditioned, run: Run) -> Measurement:
        if len(samples) < MIN_ROWS_GIVEN:
            raise InputError(
                f"`x`, `y` and `given` need at least {MIN_ROWS_GIVEN} paired samples, got "
                f"{len(samples)}."
            )
        if samples.z.shape[1] == 0:
            found = self.measure(samples.pair, run)
            sentence = "The condition is constant: I(X; Y | Z) = I(X; Y)."
            return replace(found, path=(sentence, *found.path), model=None)
        if not isinstance(self.budget, str):
            run = replace(run, until=time.monotonic() + self.budget)
        numeric = replace(samples, pair=samples.pair.with_indicators())
        search = Consistent(ConditionalSearch(self._level), permuted_given)
        return Distinct(search).measure(numeric, run)

    def _wrapped(self) -> Measures[Paired]:
        """The search, in every wrapper: the outermost one comes first."""
        whole = ByBlock(Search(self._level), quick=Search("fast"))
        return Distinct(Consistent(Thinned(ByAtoms(whole)), permuted))
