"""No estimate contradicts the permutation test of its own rows.

Where a test of exact size finds no sign of dependence, an interval that excludes 0 is too short.
"""

from dataclasses import dataclass, replace

from mineral.methods.base import CONFIDENCE_95, Measurement, Measures, Run
from mineral.methods.wrappers.time_series import step
from mineral.permutation import permuted
from mineral.results import Caution
from mineral.samples import Paired
from mineral.special import ndtri

PERMUTATIONS = 99
NO_SIGN = 0.2  # p-value, above which a test shows no sign of dependence
BEYOND_DOUBT = 6.0  # standard errors: once in a billion by chance; the test has less power there
MAX_ROWS, MAX_DIMS = 10_000, 100  # the test of more takes seconds


@dataclass(frozen=True)
class Consistent:
    """An estimate whose interval includes 0 where the permutation test finds no dependence.

    Args:
        inner: Estimates from the same rows.
    """

    inner: Measures

    def measure(self, samples: Paired, run: Run) -> Measurement:
        found = self.inner.measure(samples, run)
        if step(samples) > 1:  # rows in series cannot be permuted
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
