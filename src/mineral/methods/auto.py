"""`auto`: what the data call for, from cheap to dear, said in words.

Symbols are counted, and symbols with numbers go to neighbours that know ties. For numbers, a copula
has the smallest variance there is, and cannot see every kind of dependence. A network that starts
from it learns what it misses, where held-out rows prove that something is missed; in few dimensions
neighbours are asked too. In many dimensions for the rows, principal components stand for each side,
unless the whole finds clearly more.
"""

import math
import time
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from mineral.errors import InputError, OptionError
from mineral.methods.allowance import NEAR_DIMS, allowance
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.canonical import Canonical
from mineral.methods.classifier import Classifier
from mineral.methods.clusters import Clusters
from mineral.methods.copulas import LikeliestCopula, named
from mineral.methods.discrete import Discrete
from mineral.methods.discriminant import Discriminant
from mineral.methods.gaussian import GaussianCopula
from mineral.methods.groups import Group, Spread, added_up, groups
from mineral.methods.kinds import (
    counts_are_many,
    discrete_in,
    is_label,
    may_be_symbols,
    of_numbers,
)
from mineral.methods.knn import KSG, ceiling
from mineral.methods.learning_curve import allowing_for, rise
from mineral.methods.lnc import LNC
from mineral.methods.mixed import Mixed
from mineral.methods.normalized import normalized
from mineral.methods.projection import ROWS_FOR_EACH, Budget, Projected
from mineral.methods.regression import ALL_TOLD, Regression
from mineral.methods.residual import Residual
from mineral.methods.sparse import SparseTable
from mineral.methods.thinned import step, thinned
from mineral.methods.weighing import CLEARLY, UNCORRECTED, Answer, verdict, weighed
from mineral.progress import silent
from mineral.results import Caution
from mineral.samples import Paired, normal_scores

NEIGHBOUR_DIMS = 6  # dx + dy up to which neighbours may find more than a network
MIXED_DIMS = 10  # dx + dy up to which they are asked where coordinates are discrete
THIN = 0.5  # nats, from which boxes around neighbours may be mostly empty, and are turned
LEAST_APART = 0.05  # nats by which a curve must find more than neighbours to be believed
UNRESOLVED = 2.0  # nats below the most that neighbours can count, where boxes may miss some
RISING = 0.05  # nats more than on half of the rows, from which neighbours are in want of rows
MANY_ROWS = 20_000  # above, what is still to come is little, and would take seconds to see
CANONICAL_ROWS = 400  # from which neighbours among variates of each side are asked
ENOUGH = 500  # rows, from which noise that does not depend on anything is known to be such
FEW_ROWS = 50  # below, a Gaussian copula is all that a copula can be
GROUPED_ROWS = 30_000  # rows times groups, above which groups get a Gaussian copula each


@dataclass(frozen=True, kw_only=True)
class Auto(Estimator):
    """Chooses by itself: counts, copula, network on top of it, neighbours or projection.

    Args:
        budget: "fast" trains no network; "balanced" trains a small one where it may add something,
            for seconds; "thorough" trains longer, on more folds. A number is seconds: networks
            stop early where they would take longer, and what has not begun by then is left out, so
            that the value depends on the machine. What is cheap is done in any case.
    """

    budget: Budget | int | float = "balanced"

    name = "auto"
    kind = "neither"
    labels = True

    def __post_init__(self) -> None:
        budget = self.budget
        if isinstance(budget, str) and budget in get_args(Budget):
            return
        number = isinstance(budget, (int, float)) and not isinstance(budget, bool)
        if not (number and 0 < float(budget) < math.inf):
            raise OptionError(
                "`budget` must be 'fast', 'balanced', 'thorough' or seconds above 0, got "
                f"{budget!r}."
            )

    @property
    def _level(self) -> Budget:
        return self.budget if isinstance(self.budget, str) else "balanced"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        if not isinstance(self.budget, str):
            run = replace(run, until=time.monotonic() + self.budget)
        numeric = samples.with_indicators()
        if numeric.words != samples.words:  # a model of indicators could not read what was given
            return replace(self._thinned(numeric, run), model=None)
        return self._thinned(samples, run)

    def _thinned(self, samples: Paired, run: Run) -> Measurement:
        if step(samples) > 1:
            return thinned(samples, run, self._measured)
        return self._measured(samples, run)

    def _measured(self, samples: Paired, run: Run) -> Measurement:
        whole = self._whole(samples, run)
        if run.late or ALL_TOLD in whole.path:
            return whole
        found = groups(samples)
        if found is None:
            return self._or_spread(whole, samples)
        return self._or_grouped(whole, found, samples, run)

    def _or_grouped(
        self, whole: Measurement, found: list[Group], samples: Paired, run: Run
    ) -> Measurement:
        """Each group by itself and added up, where that is clearly more than the whole finds."""
        many = len(found) * len(samples) > GROUPED_ROWS
        parts = [
            GaussianCopula().measure(group.of(samples), run)
            if many
            else self._whole(group.of(samples), run)
            for group in found
        ]
        apart = added_up(parts)
        if apart is None:
            return whole
        more, error = apart.value - whole.value, float(np.hypot(whole.stderr, apart.stderr))
        names = "; ".join(_named(group, samples) for group in found[:3])
        names += "; …" if len(found) > 3 else ""
        count = "One group of coordinates is" if len(found) == 1 else f"{len(found)} groups are"
        told = f"{count} independent of all else: {names}."
        if more > CLEARLY * error:
            why = ""
        elif _unchecked(whole, len(samples)) and not any(
            _unchecked(part, len(samples)) for part in parts
        ):
            why = ": a network's value above log n is no more than its own word"
        else:
            sentence = (
                f"{told} They add up to {_shown(apart)} nats, not clearly more than the whole."
            )
            return replace(whole, path=(*whole.path, sentence))
        sentence = (
            f"{told} Each by itself, they add up to {_shown(apart)} nats, which is reported{why}."
        )
        return replace(
            apart,
            path=(*whole.path, sentence),
            estimator=self.name,  # no single one: the path says which groups
            options=self.options(),
        )

    def _or_spread(self, whole: Measurement, samples: Paired) -> Measurement:
        """Where rows are few for the coordinates, and dependence is a little of each of them."""
        if samples.dims * ROWS_FOR_EACH < len(samples):
            return whole
        spread = Spread.of(samples)
        if spread is None:
            return whole
        thin = spread.added_up()
        if thin is None or thin.value - whole.value < CLEARLY * max(thin.stderr, whole.stderr):
            return spread.beside(whole)
        sentence = f"Many weak correlations add up to {_shown(thin)} nats, which is reported."
        return replace(
            thin,
            missing=allowance(thin.value, len(samples), samples.dims),
            path=(*whole.path, sentence),
            estimator=self.name,
            kind=self.kind,
            options=self.options(),
        )

    def _whole(self, samples: Paired, run: Run) -> Measurement:
        chosen, path = self._candidates(samples)
        told = _told_by_others(samples, run)
        if told is not None and _is_all(told, samples, run):
            return replace(
                told,
                missing=allowance(told.value, len(samples), NEAR_DIMS),
                estimator=Regression.name,
                kind=Regression.kind,
                options=Regression().options(),
            )
        scored = _by_rank(samples) if any(type(c) is KSG for c in chosen) else samples
        found: list[Answer] = []
        for c in chosen:
            if found and run.late:
                path.append(f"The time was up before {c.name} was asked.")
                continue
            measured = c.measure(_seen_by(c, samples, scored), run)
            answer = _plainly(c, normalized(measured, samples, run))
            found.append(_along_curves(*answer, samples, run))
        if told is not None:
            found.append((Regression(), told))
        best, result = found[0]
        path += result.path
        path += ["Found " + "; ".join(f"{c.name} {_shown(m)}" for c, m in found) + " nats."]
        for other, rival in found[1:]:
            seen = _seen_by(other, samples, scored)
            more = rival.value - result.value
            weight, result = weighed((other, rival), (best, result), seen, run)
            path.append(verdict(other, best, weight, more))
            best = other if weight > 0.5 else best
        result = _still_rising(best, result, scored, run)
        counted = isinstance(best, Discrete)  # every cell is seen: nothing is left out
        missing = 0.0 if counted else allowance(result.value, len(samples), samples.dims)
        if isinstance(best, LNC) and result.value > ceiling(len(samples), LNC.k) - UNRESOLVED:
            missing = max(missing, UNCORRECTED)
        return replace(
            result,
            missing=max(missing, result.missing),
            path=tuple(path),
            estimator=best.name,
            kind=best.kind,
            options=best.options(),
            cautions=(*result.cautions, *_disagreement(samples, found)),
        )

    def _candidates(self, samples: Paired) -> tuple[list[Estimator], list[str]]:
        n, dims = len(samples), samples.dims
        if n < 3:
            raise InputError(f"`x` and `y` need at least 3 paired samples, got {n}.")
        neighbours = KSG(k=min(KSG.k, n - 2))
        discrete = discrete_in(samples)
        path = []
        if discrete:
            found = self._for_symbols(samples, discrete, neighbours)
            if found is not None:
                return found
            path.append(f"{_count(discrete)} discrete, among many coordinates: numbers like these.")
        candidates: list[Estimator] = []
        if n >= FEW_ROWS and dims > max(n / ROWS_FOR_EACH, MIXED_DIMS):
            path.append(f"{dims} dimensions are many for {n:,} rows: components stand for them.")
            candidates.append(Projected(budget=self._level))
        if candidates and len(discrete) > dims / 2:
            path.append("Most coordinates repeat values, which the ranks of a copula cannot order.")
        elif n >= max(2 * dims + 6, FEW_ROWS):
            candidates.append(self._parametric(dims))
        elif n >= 2 * dims + 2:
            candidates.append(GaussianCopula())
        else:
            path.append(f"In {dims} dimensions on {n:,} samples a copula cannot be fitted.")
        if dims <= NEIGHBOUR_DIMS or not candidates:
            candidates.append(neighbours)
            path.append("Neighbours are looked for among normal scores.")
        if n >= CANONICAL_ROWS and dims > NEAR_DIMS:
            candidates.append(Canonical())
        if n >= FEW_ROWS and may_be_symbols(samples):
            candidates.append(SparseTable())
            path.append("Whole numbers that come again and again may be symbols: counted as well.")
        if n >= FEW_ROWS and dims > MIXED_DIMS and self._level != "fast":
            candidates.append(Clusters())
        return candidates, path

    def _parametric(self, dims: int) -> Estimator:
        if self._level == "fast" or dims <= NEAR_DIMS:
            return LikeliestCopula()
        return Residual(steps=4000, folds=5) if self._level == "thorough" else Residual()

    def _for_symbols(
        self, samples: Paired, discrete: list[str], neighbours: Estimator
    ) -> tuple[list[Estimator], list[str]] | None:
        few = f"{_count(discrete)} discrete"
        only_words = len(samples.words) == samples.dims
        if len(discrete) == samples.dims and (counts_are_many(samples) or only_words):
            # Of the corrections, the one that leaves least where most cells are seldom seen.
            table = Discrete(correction="nsb")
            why = "nothing but words" if only_words else "and counts are many"
            return [table], [f"{few}, {why}: a contingency table."]
        counts: Estimator = Mixed() if len(samples) > 2 * Mixed.k else neighbours
        if is_label(samples) or (samples.words and samples.dims > MIXED_DIMS):
            candidates: list[Estimator] = [Discriminant()]
            path = [f"{few}: one side is a label, and discriminants tell it."]
            if samples.dims <= MIXED_DIMS:
                candidates.append(Mixed(method="ross") if of_numbers(samples) else counts)
                path.append("Neighbours are counted as well.")
            if samples.dims > NEAR_DIMS and self._level != "fast":
                candidates.append(Classifier())
                path.append("A network is asked for what discriminants miss.")
            return candidates, path
        if samples.dims <= MIXED_DIMS:
            return [counts], [f"{few}, which neighbour counts handle."]
        return None


def _unchecked(found: Measurement, n: int) -> bool:
    """Whether a network claims more than product pairs of so many rows can contradict."""
    return bool(found.curves) and found.value > math.log(n)


def _named(group: Group, samples: Paired) -> str:
    part = group.of(samples)
    return " with ".join(
        ", ".join(side[:2]) + (", …" if len(side) > 2 else "")
        for side in (part.x_names, part.y_names)
    )


def _seen_by(candidate: Estimator, samples: Paired, scored: Paired) -> Paired:
    return scored if type(candidate) is KSG else samples


def _told_by_others(samples: Paired, run: Run) -> Measurement | None:
    """One number as a function of several others, where one side is a number."""
    if samples.dims == 2 or not Regression().can_tell(samples):  # of two, see `_along_curves`
        return None
    return Regression().measure(samples, replace(run, progress=silent))


def _is_all(told: Measurement, samples: Paired, run: Run) -> bool:
    """Whether a function that tells much leaves noise, as rows enough show, and no copula does."""
    if told.value < THIN or ALL_TOLD not in told.path or len(samples) < ENOUGH:
        return False
    copula = LikeliestCopula().measure(samples, replace(run, progress=silent))
    return normalized(copula, samples, run).value < told.value - told.stderr


def _along_curves(
    candidate: Estimator, found: Measurement, samples: Paired, run: Run
) -> tuple[Estimator, Measurement]:
    """What sees a thin curve with noise around it, where it clearly finds more than neighbours.

    In the data's own units: ranks bend lines and stretch their noise.
    """
    if not isinstance(candidate, (KSG, Mixed)) or samples.dims > 2 or len(samples) < FEW_ROWS:
        return candidate, found
    strong = found.value >= THIN
    asked: list[Estimator] = [Regression()] if Regression().can_tell(samples) else []
    if strong and type(candidate) is KSG:  # boxes see nothing where values repeat
        asked.append(LNC())
    clear: list[Answer] = [(candidate, found)]
    for other in asked:
        seen = other.measure(samples, replace(run, progress=silent))
        errors = seen.stderr, found.stderr
        if strong:  # both fall short
            apart = max(errors) if isinstance(other, Regression) else 2 * max(errors)
        else:
            apart = max(LEAST_APART, CLEARLY * float(np.hypot(*errors)))
        if seen.value - found.value > apart:
            clear.append((other, seen))
    return max(clear, key=lambda answer: answer[1].value)


def _still_rising(
    candidate: Estimator, found: Measurement, samples: Paired, run: Run
) -> Measurement:
    """Neighbours that are far for want of rows, said and allowed for."""
    far = type(candidate) in (KSG, Canonical) and samples.dims > NEAR_DIMS
    if not far or not FEW_ROWS <= len(samples) <= MANY_ROWS:
        return found
    gain = rise(found, candidate, samples, run)
    clear = gain > max(RISING, found.stderr)
    return allowing_for(gain, found, who="neighbours") if clear else found


def _by_rank(samples: Paired) -> Paired:
    """Normal scores, where neighbours are not led astray by skew and heavy tails."""
    return replace(samples, x=normal_scores(samples.x), y=normal_scores(samples.y))


def _plainly(candidate: Estimator, found: Measurement) -> tuple[Estimator, Measurement]:
    """What found the value: the copula itself, where no network was added to it."""
    if isinstance(candidate, (Residual, LikeliestCopula)) and not found.curves:
        return named(found), found
    return candidate, found


def _shown(found: Measurement) -> str:
    return f"{found.value:.3g} ± {found.stderr:.2g}"


def _count(names: list[str]) -> str:
    listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{listed} {'is' if len(names) == 1 else 'are'}"


def _disagreement(
    samples: Paired, found: list[tuple[Estimator, Measurement]]
) -> tuple[Caution, ...]:
    most = max(m.value for _, m in found)
    # A function that tells less than others find denies nothing.
    beside = [m for c, m in found if not isinstance(c, Regression) or m.value == most]
    values, noise = [m.value for m in beside], max(m.stderr for m in beside)
    if len(beside) < 2 or samples.dims > 4 or np.ptp(values) < max(0.1, 5 * noise):
        return ()
    return (
        Caution(
            "candidates-disagree",
            f"The candidates are {np.ptp(values):.2g} nats apart: the dependence is not that of a "
            "Gaussian copula, or the samples are too few. Look at the plot.",
        ),
    )
