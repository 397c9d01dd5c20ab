"""No estimate contradicts the permutation test of its own rows.

If a test of exact size does not detect dependence, an interval that excludes 0 is too short.
"""

from dataclasses import dataclass, replace

from mineral.basics.special import ndtri
from mineral.methods.base import CONFIDENCE_95, Measurement, Measures, Run
from mineral.methods.wrappers.time_series import step
from mineral.permutation import permuted
from mineral.results import Caution
from mineral.samples import Paired

PERMUTATIONS = 99
NO_SIGN = 0.2  # p-value, above which dependence is not detected
# standard errors, exceeded by chance once in a billion; the test has less power there
BEYOND_DOUBT = 6.0
MAX_ROWS, MAX_DIMS = 10_000, 100  # the test of more takes seconds


@dataclass(frozen=True)
class Consistent:
    """An estimate whose interval includes 0 if the permutation test detects no dependence.

    Args:
        inner: Estimates from the same rows.
    """

    inner: Measures

    def measure(self, samples: Paired, run: Run) -> Measurement:
        found = self.inner.measure(samples, run)
        if step(samples) > 1:  # autocorrelated rows cannot be permuted
            return found
        return _consistent(found, samples, run)


def _consistent(found: Measurement, samples: Paired, run: Run) -> Measurement:
    below = found.reach(0.95)[0] if found.reach else CONFIDENCE_95 * found.stderr
    excludes_0 = found.value > below
    if not excludes_0 or found.value > BEYOND_DOUBT * found.stderr:
        return found
    if len(samples) > MAX_ROWS or samples.dims > MAX_DIMS:
        return found
    test = permuted(samples, PERMUTATIONS, run.seed)
    if test.p_value <= NO_SIGN:
        return found
    reach = found.reach or (lambda level: (_normal(level, found), _normal(level, found)))
    doubt = Caution(
        "not-significant",
        "A permutation test on the same rows does not reject independence (p = "
        f"{test.p_value:.2g}): the interval includes 0. Collect more rows.",
    )
    return replace(
        found,
        reach=lambda level: (max(found.value, reach(level)[0]), reach(level)[1]),
        cautions=(*found.cautions, doubt),
    )


def _normal(level: float, found: Measurement) -> float:
    return float(ndtri(0.5 + level / 2)) * found.stderr
