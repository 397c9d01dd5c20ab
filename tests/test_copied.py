"""Values that x and y share in some rows are warned of; those that rounding makes equal are not."""

import numpy as np
import pytest
from cases import check_all

from mineral import estimate
from mineral.samples.copied import copied_in_part

N = 500
RNG = np.random.default_rng(0)
NORMAL, OTHER = RNG.standard_normal((2, N))
SOME = np.where(RNG.random(N) < 0.3, NORMAL, OTHER)
SHARED = {
    "copied in three of ten rows": (NORMAL, SOME),
    "the larger of two": (NORMAL, np.maximum(NORMAL, OTHER)),
    "beside other columns": (np.column_stack([OTHER, NORMAL]), np.column_stack([SOME, OTHER**2])),
    "on a scale that overflows": (1e308 * np.tanh(NORMAL), 1e308 * np.tanh(SOME)),
}
APART = {
    "dependent": (NORMAL, NORMAL + 0.01 * OTHER),
    "copied in all rows": (NORMAL, NORMAL),
    "zeros on both sides": (NORMAL.clip(0), OTHER.clip(0)),
    "counts": (np.rint(3 * NORMAL), np.rint(3 * SOME)),
    "ranks": (NORMAL.argsort().argsort(), (NORMAL + 0.001 * OTHER).argsort().argsort()),
    **{
        f"rounded, with noise of {noise} steps": (
            np.rint(1e4 * NORMAL),
            np.rint(1e4 * NORMAL + noise * OTHER),
        )
        for noise in (0.25, 1, 3)
    },
}


def columns(side):
    return side.reshape(N, -1).astype(float)


def warned(sides):
    return [caution.code for caution in copied_in_part(*map(columns, sides))]


def test_a_part_that_is_copied_is_warned_of():
    def check(sides):
        assert warned(sides) == ["deterministic"]

    check_all(check, SHARED)


def test_rounding_ranks_and_zeros_are_not():
    def check(sides):
        assert warned(sides) == []

    check_all(check, APART)


@pytest.mark.parametrize("estimator", ["auto", "ksg"])
def test_every_estimate_has_the_caution(estimator):
    found = estimate(NORMAL, SOME, estimator=estimator)
    [caution] = [each for each in found.warnings if each.code == "deterministic"]
    equal = int((NORMAL == SOME).sum())
    assert f"In {equal} of 500 rows" in caution.message
