"""Counting that fits tables of any filling: bias, intervals, designs, memory."""

import math
import tracemalloc

import numpy as np
import pytest
from conftest import params
from scipy.stats import poisson
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from mineral.methods.counts.chance import cell_bias, cell_variance, expected_information
from mineral.methods.counts.designs import _chance, is_balanced
from mineral.methods.counts.discrete import Discrete, Table, table_is_reliable
from mineral.methods.counts.entropies import entropy_cap, plug_in
from mineral.methods.projections.clusters import PRIOR, left_out
from mineral.samples import symbols

ADJUSTED = Discrete(correction="adjusted")


def drawn(table, n, rng):
    """Two symbols of each of n samples from a table of probabilities."""
    steps = table.ravel().cumsum()
    return np.divmod(np.searchsorted(steps, rng.random(n) * steps[-1], "right"), table.shape[1])


def information(table):
    ratio = table / np.outer(table.sum(axis=1), table.sum(axis=0))
    seen = table > 0
    return float(table[seen] @ np.log(ratio[seen]))


def copy_table(k, keep):
    return keep * np.eye(k) / k + (1 - keep) / k**2


def interval_holds(estimate, truth):
    return estimate.interval[0] - 1e-9 <= truth <= estimate.interval[1] + 1e-9


# Chance


@pytest.mark.parametrize(("k_x", "k_y", "n"), [(2, 3, 20), (7, 30, 100), (60, 60, 90)])
def test_the_information_of_chance_is_scikit_learns(k_x, k_y, n):
    rng = np.random.default_rng(0)
    x, y = rng.integers(k_x, size=n), (rng.random(n) ** 2 * k_y).astype(int)
    theirs = expected_mutual_information(contingency_matrix(x, y, sparse=True), n)
    ours = expected_information(*(np.unique_counts(side).counts for side in (x, y)))
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("mean", [1e-6, 0.03, 0.7, 4.3, 80.0, 299.0, 301.0, 5000.0])
def test_moments_of_a_cell_by_the_sum_over_a_poisson_law(mean):
    count = np.arange(int(mean + 20 * math.sqrt(mean) + 30))
    p, g = poisson.pmf(count, mean), count * np.log(np.maximum(count, 1))
    expected = p @ g
    slope = p @ ((count - mean) * g) / mean
    variance = p @ (g - expected - slope * (count - mean)) ** 2
    assert cell_bias(np.array(mean)) == pytest.approx(expected - mean * math.log(mean), rel=2e-3)
    assert cell_variance(np.array(mean)) == pytest.approx(variance, rel=2e-3)


def test_mean_and_variance_of_chi_squared_by_permutation():
    rng = np.random.default_rng(0)
    x, y = rng.integers(8, size=60), (rng.random(60) ** 2 * 6).astype(int)
    of_x, of_y = np.bincount(x), np.bincount(y)
    found = []
    for _ in range(4000):
        table = np.zeros((8, 6))
        np.add.at(table, (x, rng.permutation(y)), 1)
        found.append(60 * ((table**2 / np.outer(of_x, of_y)).sum() - 1))
    one = np.zeros(8, dtype=int), np.zeros(6, dtype=int)
    mean, variance = _chance(np.array([60.0]), *one, of_x, of_y)
    assert np.mean(found) == pytest.approx(mean, abs=4 * math.sqrt(variance / 4000))
    assert np.var(found) == pytest.approx(variance, rel=0.15)  # 4 standard errors of a variance


# Identity and recodings


@pytest.mark.parametrize(
    "x",
    [[0, 1] * 100, np.arange(400) % 8, np.random.default_rng(0).integers(8, size=400)],
    ids=["alternating", "cycle", "random"],
)
def test_a_recoding_has_the_entropy_of_the_symbol(x):
    x = np.asarray(x)
    names = np.random.default_rng(1).permutation(8)
    found = ADJUSTED.estimate(x, names[x])
    assert interval_holds(found, math.log(x.max() + 1))
    assert found.interval[1] - found.interval[0] < 0.1
    assert found.value == pytest.approx(plug_in(np.bincount(x)), abs=0.012)
    assert not found.warnings


def test_symbols_that_were_never_seen_are_allowed_for():
    inside = 0
    for seed in range(40):
        word = np.random.default_rng(seed).integers(200, size=600)
        inside += interval_holds(ADJUSTED.estimate(word, -word), math.log(200))
    assert inside >= 36


# Designs


def designs():
    hour = np.arange(1440)
    rng = np.random.default_rng(0)
    yield "hours and weekdays", hour % 24, hour // 24 % 7, 0.0
    yield "and a few rows", np.r_[hour % 24, [3, 9]], np.r_[hour // 24 % 7, [1, 1]], 0.0
    yield "Latin square", np.repeat(np.arange(7), 7), np.tile(np.arange(7), 7), 0.0
    order = rng.permutation(1440)  # the order of rows does not matter
    yield "shuffled", hour[order] % 24, hour[order] // 24 % 7, 0.0
    unequal = np.repeat([0, 1, 2, 2, 3, 3, 3], 20)  # one margin fixed, and crossed
    yield "unequal margin", unequal, np.tile(np.arange(10), 14), 0.0
    block = hour // 4 % 6  # crossed within six blocks
    yield "within blocks", hour % 4 * 6 + block, hour // 24 % 5 * 6 + block, math.log(6)


@pytest.mark.parametrize(("name", "x", "y", "truth"), [*designs()])
def test_nothing_is_taken_off_a_crossed_design(name, x, y, truth):
    found = ADJUSTED.estimate(x, y)
    assert found.value == pytest.approx(truth, abs=1e-9 if "few" not in name else 1e-3)
    assert interval_holds(found, truth)


@pytest.mark.parametrize(("k", "n"), [(2, 30), (5, 100), (20, 400), (200, 400)])
def test_a_random_sample_is_no_design(k, n):
    rng = np.random.default_rng(0)
    tables = (
        Table(*(symbols(rng.integers(m, size=(n, 1)) * 1.0) for m in (k, 5))) for _ in range(60)
    )
    assert sum(table.adjusted().bias == 0 for table in tables) <= 2


def test_random_frequencies_are_not_balanced_and_a_cycle_is():
    rng = np.random.default_rng(0)
    assert sum(is_balanced(np.bincount(rng.integers(8, size=400))) for _ in range(300)) <= 3
    assert (
        sum(is_balanced(np.unique_counts(rng.integers(200, size=400)).counts) for _ in range(100))
        == 0
    )
    assert is_balanced(np.bincount(np.arange(403) % 8))


# Intervals


def laws():
    rng = np.random.default_rng(7)
    yield "2 x 2", (rng.dirichlet(np.ones(4)).reshape(2, 2), 100)
    yield "5 x 5", (rng.dirichlet(np.ones(25)).reshape(5, 5), 400)
    yield "30 x 30", (rng.dirichlet(np.ones(900)).reshape(30, 30), 10_000)
    yield "copy of 30", (copy_table(30, 0.9), 400)
    yield "weak copy of 30", (copy_table(30, 0.05), 2000)
    yield "sparse copy of 200", (copy_table(200, 0.3), 2000)
    skewed = np.arange(1, 11) ** -1.5
    yield "independent, skewed", (np.outer(skewed, skewed) / skewed.sum() ** 2, 300)
    yield "independent, sparse", (np.full((100, 100), 1e-4), 1000)


@pytest.mark.parametrize("law", params(dict(laws()), ("2 x 2", "5 x 5", "copy of 30")))
@pytest.mark.slow
def test_intervals_hold(law):
    table, n = law
    rng = np.random.default_rng(0)
    truth = information(table)
    found = [ADJUSTED.estimate(*drawn(table, n, rng)) for _ in range(60)]
    # 95 % and 2.5 % of 60, and 2.4 standard errors.
    assert sum(interval_holds(each, truth) for each in found) >= 53
    assert sum(each.interval[0] > truth + 1e-9 for each in found) <= 4


def test_a_rare_class_has_a_standard_error():
    rare = np.zeros(10_000, dtype=int)
    rare[:2] = 1
    x = np.random.default_rng(0).integers(5, size=10_000)
    found = ADJUSTED.estimate(x, rare)
    assert 1e-5 < found.stderr < 1e-3 and interval_holds(found, 0.0)


def test_a_sparse_table_is_doubted_and_a_full_one_is_not():
    rng = np.random.default_rng(0)
    sparse = drawn(copy_table(200, 0.3), 2000, rng)
    (caution,) = ADJUSTED.estimate(*sparse).warnings
    assert caution.code == "sparse-table" and "the only one in their cell" in caution.message
    assert not table_is_reliable(*sparse)
    assert table_is_reliable(*drawn(copy_table(8, 0.5), 2000, rng))
    assert table_is_reliable(*drawn(copy_table(200, 1.0), 2000, rng))


def test_a_wider_level_contains_a_narrower_one_and_the_value():
    x, y = drawn(copy_table(5, 0.3), 200, np.random.default_rng(0))
    narrow, wide = (ADJUSTED.estimate(x, y, confidence=level) for level in (0.5, 0.99))
    assert wide.interval[0] < narrow.interval[0] < narrow.value < narrow.interval[1]
    assert narrow.interval[1] < wide.interval[1]


def test_units_names_and_sides_do_not_matter():
    x, y = drawn(copy_table(9, 0.4), 300, np.random.default_rng(0))
    found = ADJUSTED.estimate(x, y)
    for again in (ADJUSTED.estimate(y, x), ADJUSTED.estimate(7 - 2 * x, y**2)):
        assert again.value == pytest.approx(found.value, abs=1e-10)
        assert again.interval == pytest.approx(found.interval, abs=1e-9)


# The entropy of a label


def test_the_cap_of_an_entropy_holds_it_and_is_at_most_log_k():
    rng = np.random.default_rng(0)
    p = np.array([0.5, 0.3, 0.15, 0.05])
    truth = -float(p @ np.log(p))
    caps = [entropy_cap(rng.choice(4, 300, p=p)) for _ in range(200)]
    assert sum(cap >= truth for cap in caps) >= 185 and max(caps) <= math.log(4)
    assert entropy_cap(np.arange(100) % 2) == pytest.approx(math.log(2))
    assert entropy_cap(np.zeros(9, dtype=int)) == 0
    assert entropy_cap(rng.integers(200, size=300)) > math.log(180)  # of 200, 155 were seen


# Memory


def many_values():
    rng = np.random.default_rng(0)
    x = rng.permutation(np.r_[np.arange(50_000), rng.integers(50_000, size=10_000)])
    return x, rng.permutation(x)


@pytest.mark.parametrize("what", ["adjusted", "nsb", "left out"])
def test_memory_follows_the_rows_and_not_the_square_of_the_values(what):
    x, y = many_values()
    tracemalloc.start()
    try:
        left_out(x, y) if what == "left out" else Discrete(correction=what).estimate(x, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 300e6


def test_left_out_is_what_a_dense_table_says():
    rng = np.random.default_rng(0)
    x = rng.integers(30, size=500)
    y = (x + rng.integers(3, size=500)) % 20
    table = np.zeros((30, 20))
    np.add.at(table, (x, y), 1)
    rows, columns, cells = table.sum(axis=1)[x] - 1, table.sum(axis=0)[y] - 1, table[x, y] - 1
    share = np.where(columns > 0, columns, 0.5) / 499
    dense = [np.log((cells + w * share) / (rows + w) / share) for w in PRIOR]
    np.testing.assert_allclose(left_out(x, y), max(dense, key=np.mean), atol=1e-12)
