"""Labels told by discriminants and classifiers, and clusters counted: lower bounds in fact."""

import math

import numpy as np
import pytest

import mineral
from mineral import Classifier, Clusters, Discriminant
from mineral.errors import InputError, OptionError
from mineral.methods.classes.discriminant import Discriminants
from mineral.methods.counts.discrete import Discrete
from mineral.methods.normalized import excess
from mineral.methods.projections.clusters import left_out


def classes(n, count=4, dims=20, apart=4.0, seed=0):
    """Places in `dims` dimensions, and which of them each row is at."""
    rng = np.random.default_rng(seed)
    places = apart * np.random.default_rng(99).standard_normal((count, dims)) / math.sqrt(dims)
    label = rng.integers(0, count, n)
    x = places[label] + rng.standard_normal((n, dims))
    logs = -((x[:, None] - places) ** 2).sum(axis=2) / 2
    pmi = logs[np.arange(n), label] - np.logaddexp.reduce(logs, axis=1) + math.log(count)
    return x, label, pmi


@pytest.mark.slow
def test_a_classifier_finds_what_gaussian_classes_tell():
    x, label, pmi = classes(1500)
    r = Classifier(steps=200).estimate(x, label)
    # At most the truth, and of linear discriminants on 1,000 rows in 20 dimensions some 0.03 less.
    assert pmi.mean() - 0.12 < r.value < pmi.mean() + 2 * r.stderr
    assert r.kind == "lower bound" and r.estimator == "classifier"


def test_the_label_may_be_on_either_side_and_named_in_any_way():
    x, label, _ = classes(300)
    names = np.array([7.0, -3.0, 100.0, 2.5])[label]
    there, back = (Classifier(steps=20).estimate(*pair) for pair in ((x, label), (names, x)))
    assert there.value == pytest.approx(back.value, abs=0.05)
    assert there.value > 0.5


@pytest.mark.slow
def test_independent_labels_tell_nothing():
    x, label, _ = classes(600, apart=0.0)
    r = Classifier(steps=100).estimate(x, label)
    assert -0.05 < r.value < 3 * r.stderr


@pytest.mark.slow
def test_what_no_network_sees_linearly_is_learned():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3000, 2))
    label = (x[:, 0] * x[:, 1] > 0).astype(int)  # of signs alike: no mean, no line tells
    r = Classifier(steps=400).estimate(x, label)
    assert r.value > 0.48  # of log 2 = 0.69; .496 to .507 over seeds


def test_a_label_needs_rows():
    with pytest.raises(InputError, match="2 or more classes, with 2 rows each"):
        Classifier().estimate(np.random.default_rng(0).standard_normal((60, 2)), np.arange(60.0))


def ellipses(n, seed=0, dims=3, count=3):
    """Classes at one place, which differ in how they scatter."""
    rng = np.random.default_rng(seed)
    scale = np.exp(np.random.default_rng(7).normal(size=(count, dims)))
    label = rng.integers(0, count, n)
    x = scale[label] * rng.standard_normal((n, dims))
    logs = -((x[:, None] / scale) ** 2).sum(axis=2) / 2 - np.log(scale).sum(axis=1)
    pmi = logs[np.arange(n), label] - np.logaddexp.reduce(logs, axis=1) + math.log(count)
    return x, label, pmi


@pytest.mark.slow
def test_discriminants_find_what_ellipses_tell_at_any_size():
    # At most the truth but for noise, and the less below it the more rows there are.
    lost = []
    for n in (150, 600, 2400):
        found = []
        for seed in range(8):
            x, label, pmi = ellipses(n, seed)
            r = Discriminant().estimate(x, label, seed=seed)
            found.append(r.value - pmi.mean())
        lost.append(np.mean(found))
        assert lost[-1] < 3 * np.std(found) / math.sqrt(8)
    assert lost[0] < lost[1] < lost[2] and lost[2] > -0.02


def test_discriminants_in_order_places_and_any_monotone_units():
    x, label, _ = ellipses(400)
    names = np.array([7.0, -3.0, 100.0])[label]
    rows = np.random.default_rng(1).permutation(400)
    expected = Discriminant().estimate(x, label).value
    for pair in ((names, x), (x[rows], label[rows])):
        assert Discriminant().estimate(*pair).value == pytest.approx(expected, abs=1e-9)
    bent = Discriminant().estimate(np.exp(x / 2), label)
    assert bent.value == pytest.approx(expected, abs=0.05)


@pytest.mark.slow
def test_discriminants_of_independent_labels_claim_nothing():
    # 40 tables of noise: the mean may lie below 0, by what fitting costs, and not above.
    rng = np.random.default_rng(0)
    found = [
        Discriminant().estimate(rng.standard_normal((200, 3)), rng.integers(0, 4, 200), seed=seed)
        for seed in range(40)
    ]
    values = np.array([r.value for r in found])
    assert values.mean() < 3 * values.std() / math.sqrt(40)
    assert values.mean() > -0.05
    assert np.mean([r.interval[0] > 0 for r in found]) <= 0.1


def test_log_densities_shrink_from_quadratic_to_linear():
    x, label, _ = ellipses(300)
    fitted = Discriminants.fit(x, label, 3)
    by_hand = np.empty((300, 3))
    for c in range(3):
        inside = x[label == c] - x[label == c].mean(axis=0)
        cov = (inside.T @ inside + 5 * fitted.within) / (len(inside) + 5) + 0.01 * np.eye(3)
        apart = x - fitted.means[c]
        square = np.einsum("ni,ij,nj->n", apart, np.linalg.inv(cov), apart)
        by_hand[:, c] = -square / 2 - np.linalg.slogdet(cov)[1] / 2
    np.testing.assert_allclose(fitted.log_densities(x, 5.0), by_hand, rtol=1e-9)
    # Of classes of many rows at distinct places, whose means hardly shrink.
    x, label, _ = classes(2000, count=3, dims=2, apart=4.0)
    fitted = Discriminants.fit(x, label, 3)
    linear, nearly = fitted.log_densities(x, np.inf), fitted.log_densities(x, 1e12)
    np.testing.assert_allclose(  # up to what all classes share
        linear - linear[:, :1], nearly - nearly[:, :1], atol=0.1
    )


def test_discriminants_say_what_they_need():
    with pytest.raises(InputError, match="Discriminant needs a label of 2 or more classes"):
        Discriminant().estimate(np.random.default_rng(0).standard_normal((60, 2)), np.arange(60.0))
    with pytest.raises(OptionError, match="`folds` must be at least 2, got 1"):
        Discriminant(folds=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", [pytest.param([0.0, 1.0, 2.0], marks=pytest.mark.slow), [2.0, 50.0, -1.0]]
)
def test_the_default_does_not_look_at_the_numbers_of_classes(names):
    x, label, pmi = ellipses(500)
    r = mineral.estimate(x[:, :2], np.array(names)[label])
    expected = mineral.estimate(x[:, :2], label)
    assert r.value == pytest.approx(expected.value, abs=expected.stderr)
    assert abs(mineral.estimate(x, label).value - pmi.mean()) < 0.1


@pytest.mark.slow
def test_the_default_tells_rings_by_neighbours():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 1000)
    z = rng.standard_normal((1000, 2))
    z *= ((1 + label) / np.linalg.norm(z, axis=1))[:, None]
    rings = z + 0.15 * rng.standard_normal(z.shape)
    r = mineral.estimate(rings, label)
    assert r.value > 1.0 and r.decision.chosen[0].estimator == "mixed"  # of log 3 = 1.10


@pytest.mark.slow
def test_the_default_tells_waves_of_many_numbers_by_a_network():
    x = np.random.default_rng(0).standard_normal((2000, 6))
    parity = (x[:, 0] * x[:, 1] * x[:, 2] > 0).astype(int)
    assert Discriminant().estimate(x, parity).value < 0.05
    r = mineral.estimate(x, parity)
    assert r.decision.chosen[0].estimator == "classifier" and r.value > 0.2


def test_rows_are_judged_by_the_counts_of_others():
    a, b = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 1])
    found = left_out(a, b)
    share = 1 / 5  # by hand, of row 0: 1 of the 2 others in its row, 1 of all 5 others
    candidates = [math.log((1 + w * share) / (2 + w) / share) for w in (0.3, 1, 3, 10, 30, 100)]
    assert any(found[0] == pytest.approx(each) for each in candidates)


@pytest.mark.slow
def test_clusters_of_places_tell_the_place():
    rng = np.random.default_rng(0)
    places, which = 8 * rng.standard_normal((2, 8, 30)), rng.integers(0, 8, 800)
    x, y = (side[which] + rng.standard_normal((800, 30)) for side in places)
    r = Clusters().estimate(x, y)
    assert r.value == pytest.approx(math.log(8), abs=0.15) and r.kind == "lower bound"
    assert mineral.estimate(x, y, seed=1).value == pytest.approx(math.log(8), abs=0.3)


def rooms(n, seed):
    """Pairs from the same one of four rooms: corners (s, t) of a square, told by how x varies.

    The sign of a product tells each coordinate of the room; what varies most tells nothing.
    """
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=(n, 2))

    def view():
        flips = rng.choice([-1.0, 1.0], size=(n, 2))
        told = np.hstack([flips, flips * signs]) + 0.2 * rng.standard_normal((n, 4))
        return np.hstack([told, 1.5 * rng.standard_normal((n, 4))])

    return view(), view()


@pytest.mark.slow
def test_clusters_learn_what_both_sides_share():
    """In groups of each side alone there is a part of ln 4 nats; from 800 rows, most is found."""
    x, y = rooms(1600, seed=0)
    r = Clusters().estimate(x, y)
    assert "a shared representation of x and y" in r.path[-1]
    assert 0.6 * np.log(4) < r.value < np.log(4) + 3 * r.stderr
    assert r.interval[0] < np.log(4)


@pytest.mark.slow
def test_taught_clusters_of_independent_sides_tell_nothing():
    values = []
    for seed in range(6):
        x, _ = rooms(600, seed)
        y, _ = rooms(600, seed + 100)
        r = Clusters().estimate(x, y)
        values.append(r.value)
    assert np.mean(values) < 0.02


def test_clusters_of_independent_sides_tell_nothing():
    x, y = np.random.default_rng(0).standard_normal((2, 500, 15))
    assert abs(Clusters().estimate(x, y).value) < 0.02
    with pytest.raises(OptionError, match="`clusters` must be at least 2"):
        Clusters(clusters=1)


def test_a_density_ratio_claims_nothing_and_two_claim_twice():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 100_000))
    rho = 0.5
    ratio = -0.5 * math.log1p(-(rho**2)) + (2 * rho * x * y - rho**2 * (x**2 + y**2)) / (
        2 * (1 - rho**2)
    )
    assert excess(ratio) == 0.0
    # Its square has mean exp(I₂): ∫ p²/q = 1 / (1 − ρ²).
    assert excess(2 * ratio) == pytest.approx(-math.log1p(-(rho**2)), abs=0.05)


@pytest.mark.slow
def test_the_default_tells_labels_by_many_numbers():
    x, label, pmi = classes(1000, dims=30)
    r = mineral.estimate(x, label)
    assert r.decision.chosen[0].estimator in ("discriminant", "classifier")
    assert r.kind == "lower bound"
    assert r.value == pytest.approx(pmi.mean(), abs=0.15)


@pytest.mark.slow
def test_the_default_does_not_count_clusters_more_than_once():
    # A Gaussian copula of ten places in 40 dimensions claims several times log 10.
    rng = np.random.default_rng(0)
    places, which = 6 * rng.standard_normal((2, 10, 40)), rng.integers(0, 10, 600)
    x, y = (side[which] + rng.standard_normal((600, 40)) for side in places)
    assert mineral.GaussianCopula().estimate(x, y).value > 2 * math.log(10)
    assert mineral.estimate(x, y).value == pytest.approx(math.log(10), abs=0.3)


def test_symbols_of_many_kinds_are_counted_and_shuffled_ones_tell_nothing():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 100, 2000)
    y = np.where(rng.random(2000) < 0.5, (37 * x + 11) % 100, rng.integers(0, 100, 2000))
    truth = 0.505 * math.log(50.5) + 0.495 * math.log(0.5)  # p(y | x): 0.505 once, 0.005 else
    r = Discrete(correction="adjusted").estimate(x, y)
    assert r.interval[0] < truth < r.interval[1]
    assert r.interval[0] > 1 and "sparse-table" in [w.code for w in r.warnings]
    assert mineral.estimate(x.astype(float), y.astype(float)).value > 1
    shuffled = mineral.estimate(x.astype(float), rng.permutation(y).astype(float))
    assert shuffled.interval[0] <= 0.01 and abs(shuffled.value) < 0.1


def test_whole_numbers_in_order_stay_with_neighbours_or_agree_with_them():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 1000))
    y = 0.7 * x + math.sqrt(1 - 0.49) * noise
    r = mineral.estimate(np.round(20 * x), np.round(20 * y))
    assert r.value == pytest.approx(-0.5 * math.log1p(-0.49), abs=4 * 0.03)


def task(name):
    return next(each for each in mineral.tasks.suite("everyday") if each.name.endswith(name))


def test_a_word_beside_a_rounded_number_is_worth_what_it_is_beside_the_number():
    # Counts of one or two rows a cell find 0.3 of 0.5 nats.
    law = task("classes-3-tenths")
    for seed in range(3):
        drawn = law.sampler(300, np.random.default_rng(seed))
        r = mineral.estimate(drawn.x, drawn.y)
        assert r.decision.considered[0].estimator == "discrete"
        assert r.decision.chosen[0].estimator in ("discriminant", "mixed")
        assert abs(r.value - drawn.pmi.mean()) < 3 * r.stderr
        back = mineral.estimate(drawn.y, drawn.x)
        assert back.value == pytest.approx(r.value, abs=1e-9)


def test_prices_of_products_are_labels_from_three_rows_each_on():
    law = task("sales")
    for seed in range(3):
        drawn = law.sampler(150, np.random.default_rng(seed))
        r = mineral.estimate(drawn.x, drawn.y)
        assert r.decision.chosen[0].estimator == "discrete"
        assert r.interval[0] <= law.information <= r.interval[1]
        shuffled = mineral.estimate(drawn.x, np.random.default_rng(seed).permutation(drawn.y))
        assert shuffled.interval[0] <= 0
