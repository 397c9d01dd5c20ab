"""`auto`: a sensible choice from the data alone, said in words.

Cheap candidates first. A Gaussian copula has the smallest variance, and cannot see every kind of
dependence; neighbours (in few dimensions) and a network (in many) can, and tend to find too little
rather than too much. So the copula stands unless another candidate finds clearly more.
"""

from dataclasses import dataclass, replace

import numpy as np

from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.gaussian import GaussianCopula
from mineral.methods.knn import KSG
from mineral.methods.neural import MINE
from mineral.results import Caution
from mineral.samples import Paired

FEW_VALUES = 20  # a coordinate with at most so many different values is discrete
NEIGHBOUR_DIMS = 10  # dx + dy up to which neighbours see anything
NETWORK_ROWS = 500  # from which a network learns something in many dimensions
CLEARLY = 3.0  # standard errors


@dataclass(frozen=True, kw_only=True)
class Auto(Estimator):
    """Chooses by itself: Gaussian copula, neighbours or network, whichever the data call for."""

    name = "auto"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        chosen, path = self._candidates(samples)
        found = [(candidate, candidate.measure(samples, run)) for candidate in chosen]
        best, result = found[0]
        path += ["Found " + "; ".join(f"{c.name} {_shown(m)}" for c, m in found) + " nats."]
        for other, rival in found[1:]:
            apart = rival.value - result.value
            if apart > CLEARLY * float(np.hypot(rival.stderr, result.stderr)):
                path.append(f"{other.name} finds clearly more than {best.name}, and is reported.")
                best, result = other, rival
            else:
                path.append(f"{other.name} does not find clearly more: {best.name} stands.")
        return replace(
            result,
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
        discrete = _discrete(samples)
        if discrete and dims <= NEIGHBOUR_DIMS:
            return [neighbours], [f"{_count(discrete)} discrete, which neighbour counts handle."]
        candidates: list[Estimator] = []
        path = []
        if n >= 2 * dims + 2 and not discrete:
            candidates.append(GaussianCopula())
        else:
            why = "with discrete coordinates" if discrete else f"on {n:,} samples"
            path.append(f"In {dims} dimensions {why} a copula cannot be fitted.")
        if dims <= NEIGHBOUR_DIMS:
            candidates.append(neighbours)
        elif n >= NETWORK_ROWS:
            path.append(f"In {dims} dimensions neighbours are far, so a network was tried.")
            candidates.append(MINE())
        return candidates or [neighbours], path


def _shown(found: Measurement) -> str:
    return f"{found.value:.3g} ± {found.stderr:.2g}"


def _count(names: list[str]) -> str:
    listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{listed} {'is' if len(names) == 1 else 'are'}"


def _discrete(samples: Paired) -> list[str]:
    """Names of the coordinates that take few values, though not constant ones."""
    few = min(FEW_VALUES, len(samples) // 5)
    columns = zip((*samples.x_names, *samples.y_names), (*samples.x.T, *samples.y.T), strict=True)
    return [name for name, column in columns if 1 < len(np.unique(column)) <= few]


def _disagreement(
    samples: Paired, found: list[tuple[Estimator, Measurement]]
) -> tuple[Caution, ...]:
    values = [m.value for _, m in found]
    noise = max(m.stderr for _, m in found)
    if len(found) < 2 or samples.dims > 4 or np.ptp(values) < max(0.1, 5 * noise):
        return ()
    return (
        Caution(
            "candidates-disagree",
            f"The candidates are {np.ptp(values):.2g} nats apart: the dependence is not that of a "
            "Gaussian copula, or the samples are too few. Look at the plot.",
        ),
    )
