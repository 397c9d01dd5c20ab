"""No estimate contradicts the permutation test of its own rows.

If a test of exact size does not detect dependence, an interval that excludes 0 is too short.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic

from mineral.basics.special import ndtri
from mineral.methods.base import CONFIDENCE_95, Measurement, Measures, Run, Sampled
from mineral.permutation import Independence
from mineral.results import Caution

PERMUTATIONS = 99
NO_SIGN = 0.2  # p-value, above which dependence is not detected
# standard errors, exceeded by chance once in a billion; the test has less power there
BEYOND_DOUBT = 6.0
MAX_ROWS, MAX_DIMS = 10_000, 100  # the test of more takes seconds


@dataclass(frozen=True)
class Consistent(Generic[Sampled]):
    """An estimate whose interval includes 0 if the permutation test detects no dependence.

    Args:
        inner: Estimates from the same rows.
        test: The permutation test: samples, the number of permutations, and a seed.
    """

    inner: Measures[Sampled]
    test: Callable[[Sampled, int, int], Independence]

    def measure(self, samples: Sampled, run: Run) -> Measurement:
        found = self.inner.measure(samples, run)
        # The interval of autocorrelated rows is wider than `found` says: `Estimator.estimate`.
        value = found.value / math.sqrt(samples.rows_a_draw)
        below = found.reach(0.95)[0] if found.reach else CONFIDENCE_95 * found.stderr
        few = len(samples) <= MAX_ROWS and samples.dims <= MAX_DIMS
        if not (below < value <= BEYOND_DOUBT * found.stderr and few):
            return found
        p_value = self.test(samples, PERMUTATIONS, run.seed).p_value
        return found if p_value <= NO_SIGN else _reaching(value, found, p_value)


def _reaching(value: float, found: Measurement, p_value: float) -> Measurement:
    """The measurement with an interval that reaches down by this value."""
    reach = found.reach or (lambda level: (_normal(level, found), _normal(level, found)))
    doubt = Caution(
        "not-significant",
        "A permutation test on the same rows does not reject independence (p = "
        f"{p_value:.2g}): the interval includes 0. Collect more rows.",
    )
    return replace(
        found,
        reach=lambda level: (max(value, reach(level)[0]), reach(level)[1]),
        cautions=(*found.cautions, doubt),
    )


def _normal(level: float, found: Measurement) -> float:
    return float(ndtri(0.5 + level / 2)) * found.stderr
