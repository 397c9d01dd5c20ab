"""The wrappers of the default around made-up inner estimators: which rows and columns these get."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mineral.methods.base import Measurement, Run
from mineral.methods.wrappers.by_atoms import ByAtoms
from mineral.methods.wrappers.by_block import ByBlock
from mineral.methods.wrappers.consistent import Consistent
from mineral.methods.wrappers.distinct import Distinct
from mineral.methods.wrappers.independent_blocks import independent_blocks, total
from mineral.methods.wrappers.time_series import Thinned
from mineral.samples import conditioned, paired
from mineral.system.progress import silent

RUN = Run(seed=0, device=torch.device("cpu"), progress=silent)


class Inner:
    """Estimates a known value from whatever rows and columns it gets, and keeps these."""

    def __init__(self, value=1.0, stderr=0.0, **found):
        self.seen = []
        self.found = Measurement(value=value, stderr=stderr, **found)

    def measure(self, samples, run):
        self.seen.append(samples)
        return self.found


# Distinct


def test_rows_of_a_table_that_was_merged_twice_count_once():
    x, y = np.random.default_rng(0).standard_normal((2, 100))
    inner, rows = Inner(), np.r_[np.arange(100), np.arange(5)]  # 5 of 105 rows are copies
    found = Distinct(inner).measure(paired(x[rows], y[rows]), RUN)
    assert [caution.code for caution in found.cautions] == ["repeated-rows"]
    np.testing.assert_array_equal(inner.seen[0].x[:, 0], x)


def test_a_single_repeated_row_is_no_copied_table():
    x, y = np.random.default_rng(0).standard_normal((2, 100))
    inner, rows = Inner(), np.r_[np.arange(100), 0]
    assert Distinct(inner).measure(paired(x[rows], y[rows]), RUN).cautions == ()
    assert len(inner.seen[0]) == 101


def test_equal_rows_of_counts_or_rounded_numbers_are_no_copies():
    rng = np.random.default_rng(0)
    people = rng.integers(0, 1000, 200).astype(float)  # some counts occur twice, by chance
    for samples in (
        paired(people, 2 * people),
        paired(*rng.integers(0, 5, (2, 200)).astype(float)),
        paired(*np.round(rng.random((2, 200)), 1)),
    ):
        inner = Inner()
        assert Distinct(inner).measure(samples, RUN).cautions == ()
        assert len(inner.seen[0]) == 200


def test_sales_of_products_are_a_table_and_oversampled_rows_are_not():
    rng = np.random.default_rng(0)
    price, category = rng.permutation(60) + 0.99, np.repeat([0.0, 1.0, 2.0], 20)
    sold = rng.choice(60, 1000, p=(share := 1 / np.arange(3, 63)) / share.sum())
    inner = Inner()
    found = Distinct(inner).measure(paired(price[sold], category[sold]), RUN)
    assert [caution.code for caution in found.cautions] == ["repeated-rows"]
    assert len(inner.seen[0]) == 1000
    # Ten copies of each row, or copies of two numbers: nothing suggests a table.
    for rows, y in ((np.repeat(np.arange(60), 10), category), (sold, rng.standard_normal(60))):
        inner = Inner()
        Distinct(inner).measure(paired(price[rows], y[rows]), RUN)
        assert len(inner.seen[0]) <= 60


def test_copies_are_rows_that_repeat_the_condition_too():
    rng = np.random.default_rng(0)
    x, y, z = rng.standard_normal((3, 100))
    inner, twice = Inner(), np.r_[np.arange(100), np.arange(100)]
    found = Distinct(inner).measure(conditioned(x[twice], y[twice], z[twice]), RUN)
    assert [caution.code for caution in found.cautions] == ["repeated-rows"]
    np.testing.assert_array_equal(inner.seen[0].z[:, 0], z)
    anew = conditioned(x[twice], y[twice], rng.standard_normal(200))
    assert Distinct(Inner()).measure(anew, RUN).cautions == ()


# Atoms


def rain():
    """Amounts that are 0 in 40 % of the rows of x, and in 30 % of those of y; both 0 in 20 %."""
    amounts = 1 + np.random.default_rng(0).random((2, 100))
    x, y = amounts
    x[:40], y[20:50] = 0, 0
    return paired(x, y)


def test_zeros_among_amounts_make_four_terms_each_weighted_by_its_share_of_the_rows():
    inner = Inner(value=1.0)
    found = ByAtoms(inner).measure(rain(), RUN)
    # I(A; B) of all rows, I(A; Y) where y > 0, I(X; B) where x > 0, I(X; Y) where both are.
    assert [len(term) for term in inner.seen] == [100, 70, 60, 50]
    indicators = [[len(np.unique(side)) == 2 for side in (term.x, term.y)] for term in inner.seen]
    assert indicators == [[True, True], [True, False], [False, True], [False, False]]
    assert found.value == pytest.approx(1 + 0.7 + 0.6 + 0.5)


def test_the_error_of_four_terms_holds_that_of_the_shares_of_rows_and_of_each_term():
    both = rain()
    wet_x, wet_y = both.x[:, 0] > 0, both.y[:, 0] > 0
    terms = 1.0 + wet_y + wet_x + (wet_x & wet_y)  # how many of them count a row
    of_shares = terms.std() / math.sqrt(100)
    assert ByAtoms(Inner(1.0, 0.0)).measure(both, RUN).stderr == pytest.approx(of_shares)
    within = 0.1 * math.sqrt(1 + 0.7**2 + 0.6**2 + 0.5**2)
    found = ByAtoms(Inner(1.0, 0.1)).measure(both, RUN)
    assert found.stderr == pytest.approx(math.hypot(of_shares, within))


def test_counts_and_ratings_have_no_atom():
    ratings = np.repeat([1.0, 2.0, 3.0, 4.0], [40, 30, 20, 10])
    inner = Inner()
    ByAtoms(inner).measure(paired(ratings, np.random.default_rng(0).random(100)), RUN)
    assert [len(term) for term in inner.seen] == [100]


# Blocks


def two_pairs(n=300):
    """Two columns of x, each with its own column of y."""
    x, noise = np.random.default_rng(0).standard_normal((2, n, 2))
    return paired(x, 0.8 * x + 0.6 * noise)


def of_blocks(block, whole, quick):
    """What is reported: values of each block, and of all columns thoroughly and quickly."""

    def measure(samples, run):
        return Measurement(value=block if samples.dims == 2 else whole, stderr=0.1)

    wrapper = ByBlock(SimpleNamespace(measure=measure), quick=Inner(quick, 0.1))
    return wrapper.measure(two_pairs(), RUN)


ERROR = 0.1 * math.sqrt(3)  # of the difference of two blocks from the whole


@pytest.mark.parametrize("quick", [0.3, 1 - 3 * ERROR])
def test_a_sum_over_blocks_that_is_significantly_more_is_reported(quick):
    assert len(independent_blocks(two_pairs())) == 2
    found = of_blocks(block=0.5, whole=2.0, quick=quick)
    assert found.value == pytest.approx(1.0) and found.decision.wrapper == "blocks"
    assert found.stderr == pytest.approx(0.1 * math.sqrt(2))


@pytest.mark.parametrize("quick", [1 - 1.5 * ERROR, 1.0, 1 + 1.5 * ERROR])
def test_where_the_sum_and_a_quick_look_agree_the_look_is_reported(quick):
    assert of_blocks(block=0.5, whole=2.0, quick=quick).value == quick


def test_a_look_that_finds_significantly_more_than_blocks_asks_for_the_full_search():
    assert of_blocks(block=0.5, whole=2.0, quick=1 + 3 * ERROR).value == 2.0


def test_blocks_whose_pointwise_values_correlate_depend_and_are_not_summed():
    """Rows that are noise in every block at once: the blocks' columns do not correlate."""
    rng = np.random.default_rng(0)
    is_noise = rng.random(500) < 0.5
    own = rng.standard_normal((3, 500))
    dependent = [Measurement(value=0.5, stderr=0.1, pointwise=0.5 * each) for each in own]
    assert total(dependent).value == pytest.approx(1.5)
    together = [replace(part, pointwise=part.pointwise - is_noise) for part in dependent]
    assert total(together) is None


# Consistency with the permutation test


def lower_end(p_value, value, *, rows_a_draw=1.0):
    """The lower end of a 95 % interval of this value ± 0.1, where the test has this p-value."""
    x, y = np.random.default_rng(0).standard_normal((2, 200))
    samples = replace(paired(x, y), rows_a_draw=rows_a_draw)
    found = Consistent(Inner(value, 0.1), lambda *_: SimpleNamespace(p_value=p_value)).measure(
        samples, RUN
    )
    doubted = "not-significant" in [caution.code for caution in found.cautions]
    assert doubted == (found.reach is not None)
    below = found.reach(0.95)[0] if doubted else 1.96 * found.stderr
    return value - below * math.sqrt(rows_a_draw)  # as `Estimator.estimate` has it


@pytest.mark.parametrize("p_value", [0.3, 0.5, 1.0])
def test_without_a_sign_of_dependence_the_interval_includes_zero(p_value):
    assert lower_end(p_value, value=0.3) <= 0


def test_with_a_sign_of_dependence_the_interval_stays():
    assert lower_end(0.1, value=0.3) == pytest.approx(0.104)


def test_a_value_of_many_standard_errors_is_beyond_the_power_of_the_test():
    assert lower_end(0.5, value=0.5) <= 0
    assert lower_end(0.5, value=0.8) == pytest.approx(0.604)


def test_the_interval_of_series_reaches_down_to_zero_and_no_further():
    assert lower_end(0.5, value=0.5, rows_a_draw=4.0) == pytest.approx(0)
    assert lower_end(0.5, value=0.3, rows_a_draw=4.0) == pytest.approx(0.3 - 0.392)  # did anyway
    assert lower_end(0.1, value=0.5, rows_a_draw=4.0) == pytest.approx(0.5 - 0.392)


# Evenly spaced rows


def on_a_grid(value, n=1000):
    """The sizes of the parts that are estimated, and the estimate, of a grid and noise."""
    x = np.arange(float(n))
    inner = Inner(value, 0.5)
    samples = paired(x, x + np.random.default_rng(0).standard_normal(n))
    found = Thinned(inner).measure(samples, RUN)
    return inner.seen, found


def test_strong_dependence_on_a_grid_is_the_mean_of_five_random_parts():
    (whole, *parts), found = on_a_grid(2.0)
    assert len(whole) == 1000 and [len(part) for part in parts] == [200] * 5
    rows = np.concatenate([part.x[:, 0] for part in parts])
    np.testing.assert_array_equal(np.sort(rows), np.arange(1000))
    for part in parts:  # gaps of random rows vary, those of every fifth do not
        assert len(np.unique(np.diff(part.x[:, 0]))) > 5
    assert found.value == 2.0 and found.stderr == pytest.approx(0.5 / math.sqrt(5))


def test_weak_dependence_few_rows_and_random_rows_need_no_parts():
    assert len(on_a_grid(0.3)[0]) == 1 and len(on_a_grid(2.0, n=500)[0]) == 1
    x, noise = np.random.default_rng(0).standard_normal((2, 1000))
    inner = Inner(2.0, 0.5)
    Thinned(inner).measure(paired(x, x + 0.1 * noise), RUN)
    assert len(inner.seen) == 1
