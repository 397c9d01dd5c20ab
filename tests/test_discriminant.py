"""A label and numbers: rare classes, few rows a class, many columns, awkward values."""

import math

import numpy as np
import pytest

from mineral import Discriminant, Mixed
from mineral.methods.base import Measurement
from mineral.methods.classes.densities import Cells, Centroids, Histograms, binned, cells_of
from mineral.methods.classes.discriminant import Discriminants
from mineral.methods.classes.labels import (
    by_class,
    compressed,
    label_first,
    label_stderr,
    surprisal,
)
from mineral.methods.counts.entropies import entropy_cap
from mineral.methods.learning_curve import reaching
from mineral.samples import paired


def rare(n, positives, seed):
    """Two classes 12 standard deviations from each other, one with few rows."""
    rng = np.random.default_rng(seed)
    label = (rng.permutation(n) < positives).astype(int)
    return rng.standard_normal(n) + 12 * label - 6, label


@pytest.mark.parametrize("estimator", [Discriminant(), Mixed(method="ross")])
@pytest.mark.parametrize("positives", [2, 5])
def test_the_standard_error_of_a_rare_class_is_that_of_its_number_of_rows(estimator, positives):
    n = 5000
    r = estimator.estimate(*rare(n, positives, 0))
    share = positives / n
    exact = -math.log(share) * math.sqrt(share / n)  # dH/dp times the deviation of a binomial share
    assert 0.7 * exact < r.stderr < 1.6 * exact
    entropy = share * (1 - math.log(share))  # of classes that never overlap
    assert r.interval[0] < entropy < r.interval[1]


def test_one_row_of_a_class_is_not_certain():
    x, label = rare(1000, 1, 0)
    r = Discriminant().estimate(x, label)
    for share in (0.0005, 0.001, 0.002):  # of which one row in 1,000 is no rare sample
        assert r.interval[0] < share * (1 - math.log(share)) < r.interval[1]


def test_the_standard_error_counts_one_more_row_of_each_class():
    label = np.array([0] * 6 + [1] * 2)
    pointwise = np.linspace(0.0, 0.7, 8)
    mean = pointwise.mean()
    expected = (
        pointwise.var(ddof=1) / 8
        + ((-math.log(6 / 8) - mean) ** 2 + (-math.log(2 / 8) - mean) ** 2) / 64
    )
    assert label_stderr(label, pointwise) == pytest.approx(math.sqrt(expected))


def spoken(seed, n=150, count=30):
    """Words whose mean a number has, beside a column of noise; and the means."""
    rng = np.random.default_rng(seed)
    means = 2 * np.random.default_rng(5).standard_normal(count)
    label = rng.integers(0, count, n)
    y = means[label] + 0.3 * rng.standard_normal(n)
    return np.column_stack([y, rng.standard_normal(n)]), label


def test_few_rows_a_word_in_any_spelling():
    x, label = spoken(0)
    truth = 1.7088  # quadrature: benchmarks/labels.py, words
    r = Discriminant().estimate(x, label)
    assert r.interval[0] < truth < r.interval[1] and r.value == pytest.approx(truth, abs=0.3)
    assert "small-classes" in [w.code for w in r.warnings]
    spelling = np.random.default_rng(1).permutation(30)
    words = np.array([f"word {i}" for i in spelling])[label]
    order = np.random.default_rng(2).permutation(150)
    assert Discriminant().estimate(x, words).value == pytest.approx(r.value, abs=1e-9)
    assert Discriminant().estimate(x[order], words[order]).value == pytest.approx(r.value, abs=1e-9)


def test_two_rows_a_class_are_enough():
    x, label = spoken(3, n=60)
    r = Discriminant().estimate(x, label)
    assert r.interval[0] < 1.7088 < r.interval[1]
    assert "still-learning" in [w.code for w in r.warnings]


def test_many_small_classes_of_noise_are_worth_nothing():
    # Shares of 30 classes, learned from 150 rows, must cost nothing: (K − 1) / 2n is 0.1.
    rng = np.random.default_rng(0)
    values = [
        Discriminant(folds=5)
        .estimate(rng.standard_normal((150, 2)), rng.integers(0, 30, 150), seed=seed)
        .value
        for seed in range(8)
    ]
    assert abs(np.mean(values)) < 0.03


def test_few_of_many_columns_are_found():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 300)
    x = rng.standard_normal((300, 1000))
    x[:, :5] += (label[:, None] - 0.5) * 4 / math.sqrt(5)
    r = Discriminant(folds=5).estimate(x, label)
    truth = 0.6270  # quadrature: two Gaussians 4 apart
    assert r.interval[0] < truth < r.interval[1]
    assert r.value > 0.55  # principal components of all columns: below 0.1


def test_what_too_few_rows_cannot_exclude_is_in_the_interval():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 1000))
    label = (x[:, :100].sum(axis=1) > 0).astype(int)  # all of the label: log 2
    r = Discriminant(folds=5).estimate(x, label)
    assert r.value < 0.3 and r.interval[1] > 0.68
    assert "still-learning" in [w.code for w in r.warnings]


@pytest.mark.parametrize("kind", ["far", "constant", "one class", "one-hot", "many zeros"])
def test_awkward_values_are_finite_and_hold(kind):
    rng = np.random.default_rng(0)
    n = 300
    label = rng.integers(0, 2, n)
    x = rng.standard_normal(n) + 2 * label
    truth = 0.3368  # two Gaussians 2 apart
    if kind == "far":
        x[0] = 1e300
    elif kind == "constant":
        x = np.column_stack([np.full(n, 1e300), x, np.zeros(n)])
    elif kind == "one class":
        x, truth = np.column_stack([np.where(label == 0, 0.0, x), rng.random(n)]), math.log(2)
    elif kind == "one-hot":
        shares = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
        x = np.eye(4)[[rng.choice(4, p=shares[c]) for c in label]]
        truth = float((shares / 2 * np.log(2 * shares / shares.sum(axis=0))).sum())
    else:
        x = np.where(rng.random(n) < np.array([0.9, 0.1])[label], 0.0, np.exp(rng.random(n)))
        truth = 0.3681  # log 2 − H(0.1)
    r = Discriminant().estimate(x, label)
    assert math.isfinite(r.value) and math.isfinite(r.stderr)
    assert r.interval[0] <= truth <= r.interval[1]
    assert r.value == pytest.approx(truth, abs=4 * max(r.stderr, 0.01))


def test_no_straight_line_separates_cauchy_classes_and_histograms_do():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 1500)
    x = 2 * label + rng.standard_cauchy(1500)
    r = Discriminant(folds=5).estimate(x, label)
    assert r.value == pytest.approx(0.3008, abs=0.06)  # linear and quadratic: 0.14


def test_no_value_exceeds_the_entropy_of_the_label():
    label = np.repeat([0, 1], [30, 70])
    x = label + 0.001 * np.random.default_rng(0).standard_normal(100)
    r = Discriminant().estimate(x, label)
    entropy = surprisal(label).mean()
    assert r.value <= entropy + 1 / 200 + 1e-12  # Miller & Madow's correction
    assert entropy < entropy_cap(label) <= math.log(2)
    assert r.evidence.pointwise.mean() == pytest.approx(r.value, abs=1e-12)


# The parts, by hand


def test_labels_have_no_names_and_folds_have_shares_of_each_class():
    x, label = spoken(0)
    spelling = np.random.default_rng(1).permutation(30)
    codes, _ = label_first(paired(x, label), needed_by="This")
    others, _ = label_first(paired(x, spelling[label]), needed_by="This")
    np.testing.assert_array_equal(codes, others)
    order = by_class(codes, x, np.random.default_rng(0))
    assert np.all(np.diff(codes[order]) >= 0)
    counts = np.bincount(codes)
    for part in range(5):
        share = np.bincount(codes[order[part::5]], minlength=30)
        assert np.all(np.abs(share - counts / 5) < 1)


def test_tails_are_compressed_and_kept_in_order():
    x = np.array([[0.0], [0.0], [0.0], [0.0], [1.0], [1.0], [-1.0], [30.0], [1e300], [1.7e308]])
    z = compressed(x)[:, 0]
    order = np.argsort(x[:, 0], kind="stable")
    assert np.all(np.isfinite(z)) and np.all(np.diff(z[order])[np.diff(x[order, 0]) > 0] >= 0)
    normal = np.random.default_rng(0).standard_normal((1000, 1))
    deviation = np.median(np.abs(normal - np.median(normal)))
    expected = (normal - np.median(normal)) / deviation
    np.testing.assert_allclose(compressed(normal), expected, rtol=0.01, atol=1e-3)


def test_directions_that_do_not_separate_classes_drop_out():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 20, 100)
    x = rng.standard_normal((100, 2))
    x[:, 0] += 5 * np.random.default_rng(1).standard_normal(20)[label]
    fitted = Discriminants.fit(x, label, 20)
    densities = fitted.log_densities(np.array([[0.0, -3.0], [0.0, 3.0]]), np.inf)
    apart = densities - densities.mean(axis=1, keepdims=True)
    assert np.ptp(apart, axis=1).min() > 10
    assert np.abs(apart[0] - apart[1]).max() < 0.2 * np.ptp(apart, axis=1).min()


def test_centroids_forget_columns_below_the_threshold():
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 50)
    x = rng.standard_normal((100, 30))
    x[:, 0] += 3 * label
    fitted = Centroids.fit(x, label, 2)
    moved = x.copy()
    moved[:, 1:] += 7.0
    np.testing.assert_allclose(fitted.log_densities(x, 5.0), fitted.log_densities(moved, 5.0))
    assert np.abs(fitted.log_densities(x, 0.0) - fitted.log_densities(moved, 0.0)).max() > 0.1
    pooled = math.sqrt(sum(x[label == c, 0].var() * 50 for c in (0, 1)) / 98)
    t = (x[50:, 0].mean() - x[:, 0].mean()) / (pooled * math.sqrt(1 / 50 - 1 / 100))
    assert fitted.t[1, 0] == pytest.approx(t)


def test_histograms_and_cells_are_shares_of_classes():
    values = np.repeat([[0.0], [1.0]], [40, 60], axis=0)
    label = np.array([0] * 30 + [1] * 10 + [0] * 20 + [1] * 40)
    rows = np.array([0, 99])
    bins = binned(values, 4)
    histogram = Histograms.fit(bins, np.arange(100), label, 2).log_densities(rows)
    cells = Cells(
        cell=cells_of(values),
        training=np.arange(100),
        label=label,
        shares=np.array([0.5, 0.5]),
        inner=None,
    ).log_densities(rows, 1.0)
    for densities, tolerance in ((histogram, 0.1), (cells, 0.05)):
        ratio = densities[:, 1] - densities[:, 0]
        np.testing.assert_allclose(ratio, np.log([10 / 30, 40 / 20]), atol=tolerance)
    alone = np.array([[1.0], [2.0], [2.0], [2.0], [2.0], [2.0]])
    np.testing.assert_array_equal(cells_of(alone), [-1, 0, 0, 0, 0, 0])


def test_intervals_reach_as_far_as_a_learning_curve():
    found = Measurement(value=0.2, stderr=0.01)
    rows = np.ones(100)
    flat = reaching(found, [0 * rows, 0 * rows], 1.0, underdetermined=False)
    assert flat.missing == 0 and not flat.cautions
    # a + b n^-0.7 has b 4^0.7 − b more at all rows than at a quarter.
    b = 0.05
    curve = [b * (2**0.7 - 1) * rows, b * (4**0.7 - 1) * rows]
    known = reaching(found, curve, 1.0, underdetermined=False)
    assert known.missing == pytest.approx(b, rel=0.01)
    assert [c.code for c in known.cautions] == ["still-learning"]
    for rise in (0.0, 0.05):  # a quarter of the rows gives more than half
        settled = reaching(found, [0 * rows, rise * rows], 1.0, underdetermined=True)
        assert settled.missing == pytest.approx(rise / (4**0.7 - 1))
    start = reaching(found, [0.1 * rows, 0.15 * rows], 0.6, underdetermined=True)
    assert start.missing == pytest.approx(0.4)  # up to the limit
    nothing = Measurement(value=0.01, stderr=0.01)
    assert reaching(nothing, [0 * rows] * 2, 0.6, underdetermined=True).missing > 0.58
