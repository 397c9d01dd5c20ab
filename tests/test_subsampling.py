"""Standard errors from disjoint parts."""

import numpy as np
import pytest

from mineral.methods.neighbours.subsampling import ESTIMATES, LARGEST, PARTS, subsampled_stderr


@pytest.mark.parametrize("n", [40, 1000, 20_000])
def test_of_a_mean_it_is_the_error_of_a_mean(n):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(30):
        values = rng.standard_normal(n)
        found.append(subsampled_stderr(lambda rows, v=values: float(v[rows].mean()), n, rng))
    mean, error = np.mean(found), np.std(found) / np.sqrt(30)
    # The root of a mean square lies a little below, as few parts have few degrees of freedom.
    assert abs(mean * np.sqrt(n) - 1) < 0.06 + 4 * error * np.sqrt(n)


@pytest.mark.parametrize("n", [16, 1001, 4000, 9999, 1_000_000])
def test_parts_are_disjoint_and_never_too_many_nor_too_large(n):
    seen = []

    def value(rows):
        seen.append(rows)
        return float(rows[0])

    subsampled_stderr(value, n, np.random.default_rng(0))
    size = len(seen[0])
    assert size == min(n // PARTS, LARGEST) and {len(rows) for rows in seen} == {size}
    assert ESTIMATES <= len(seen) < 2 * ESTIMATES
    together = min(n // size, ESTIMATES)
    for first in range(0, len(seen), together):
        rows = np.concatenate(seen[first : first + together])
        assert len(np.unique(rows)) == len(rows)
