"""Discrete, mixed and continuous channels: values by sums, quadrature and other closed forms."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import digamma

from mineral.tasks.families import channels, discrete, mixed
from mineral.tasks.laws import Repeated

LAWS = {
    "flip": discrete.BinarySymmetric(0.11),
    "certain": discrete.BinarySymmetric(0.0),
    "erasure": discrete.Erasure(3, 0.4),
    "zipf": discrete.Zipf(4, 1.5, 0.3),
    "even": discrete.Zipf(5, 0.0, 0.5),
    "table": discrete.RandomTable(2, 1, 0.13886138575878043),
}


def mean_is(value, pmi, within=4):
    """Whether the mean is the value, up to so many standard errors."""
    return abs(pmi.mean() - value) <= within * pmi.std() / np.sqrt(len(pmi)) + 1e-12


def tables():
    """The same laws, written out."""
    p, e, q = 0.11, 0.4, 0.3
    z = np.array([1, 2, 3, 4]) ** -1.5
    z /= z.sum()
    lost = np.hstack([np.eye(3) * (1 - e) / 3, np.full((3, 1), e / 3)])
    return {
        "flip": np.array([[1 - p, p], [p, 1 - p]]) / 2,
        "certain": np.eye(2) / 2,
        "erasure": lost,
        "zipf": (1 - q) * np.diag(z) + q * np.outer(z, z),
        "even": 0.5 * np.eye(5) / 5 + 0.5 / 25,
        "table": discrete.random_joint(2, 1),
    }


@pytest.mark.parametrize("name", LAWS)
def test_symbols_come_as_often_as_their_table_says_and_tell_what_it_says(name):
    law, table, n = LAWS[name], tables()[name], 40_000
    drawn = law(n, np.random.default_rng(0))
    counts = np.zeros(table.shape)
    np.add.at(counts, (drawn.x[:, 0], drawn.y[:, 0]), 1)
    assert (counts[table == 0] == 0).all()
    expected = n * table[table > 0]
    assert stats.chisquare(counts[table > 0], expected).pvalue > 0.001
    of_x, of_y = table.sum(axis=1, keepdims=True), table.sum(axis=0, keepdims=True)
    with np.errstate(divide="ignore"):
        pmi = np.log(table / (of_x * of_y))
    np.testing.assert_allclose(drawn.pmi, pmi[drawn.x[:, 0], drawn.y[:, 0]], atol=1e-12)
    by_sum = (table[table > 0] * pmi[table > 0]).sum()
    assert law.information == pytest.approx(by_sum, abs=1e-12)


@pytest.mark.parametrize("law", discrete.RANDOM_TABLES, ids=str)
def test_random_tables_have_the_stated_information(law):
    joint = discrete.random_joint(law.symbols, law.sharpness)
    assert joint.shape == (law.symbols, law.symbols) and joint.min() > 0
    # Another way: H(X) + H(Y) − H(X, Y).
    found = sum(stats.entropy(joint.sum(axis=axis)) for axis in (0, 1)) - stats.entropy(
        joint.ravel()
    )
    assert law.information == pytest.approx(found, abs=1e-11)


def test_random_tables_are_the_same_for_everyone():
    # The generator's raw bits are fixed: a change of the table would change published values.
    raw = np.random.PCG64(2).random_raw(4)
    weights = [-math.log1p(-(int(bits) >> 11) / 2**53) for bits in raw]
    np.testing.assert_allclose(discrete.random_joint(2, 1).ravel() * sum(weights), weights)
    assert not discrete.random_joint(2, 1).flags.writeable


def test_the_sharper_a_table_the_more_it_tells():
    blunt, sharp = (discrete.random_joint(30, a) for a in (1, 4))
    assert sharp.max() > 5 * blunt.max()


@pytest.mark.parametrize("information", [1e-3, 0.1, 0.5, 0.69])
def test_the_crossover_tells_the_information(information):
    p = discrete.crossover_for(information)
    assert discrete.BinarySymmetric(p).information == pytest.approx(information, abs=1e-12)


# Channels


@pytest.mark.parametrize("a", [0.05, 0.5, 3.0])
def test_log_gamma_exponential_by_quadrature(a):
    # V = E / G has log(1 + V) ~ Exponential(a), and E[log density of V given G] = ψ(a) − 1.
    entropy, _ = integrate.quad(lambda t: a * np.exp(-a * t) * ((a + 1) * t - np.log(a)), 0, np.inf)
    law = channels.LogGammaExponential(a)
    assert law.information == pytest.approx(entropy + digamma(a) - 1, abs=1e-7)
    drawn = law(20_000, np.random.default_rng(0))
    assert mean_is(law.information, drawn.pmi)
    scale = min(a, 1)
    assert stats.kstest(drawn.x[:, 0], stats.loggamma(a, scale=scale).cdf).pvalue > 0.001
    v = np.exp(drawn.y[:, 0] / scale)
    assert stats.kstest(np.log1p(v), stats.expon(scale=1 / a).cdf).pvalue > 0.001
    g = np.exp(drawn.x[:, 0] / scale)
    density = stats.expon(scale=1 / g).logpdf(v) - stats.lomax(a).logpdf(v)
    usual = (g > 1e-200) & np.isfinite(v)
    np.testing.assert_allclose(drawn.pmi[usual], density[usual], atol=1e-8)


def test_shapes_solve_for_the_information():
    for level, a in channels.SHAPES.items():
        assert digamma(a + 1) - np.log(a) == pytest.approx(level, abs=1e-12)


def test_levels_are_those_of_the_grid():
    for task in channels.TASKS:
        level = task.name.split("-")[-2]
        if task.family in ("log-gamma-exponential", "smoothed-uniform", "correlated-uniform"):
            # At 10 nats 1 − ρ² is 2e-9, of which ρ, a float, knows 7 digits.
            assert task.information == pytest.approx(float(level), abs=1e-6), task.name


@pytest.mark.parametrize("k", [2, 7])
def test_quantized_labels_are_equally_likely_and_cut_the_normal_line(k):
    drawn = channels.Quantized(k)(20_000, np.random.default_rng(0))
    assert stats.chisquare(np.bincount(drawn.y[:, 0], minlength=k)).pvalue > 0.001
    cuts = stats.norm.ppf(np.arange(1, k) / k)
    np.testing.assert_array_equal(drawn.y[:, 0], np.searchsorted(cuts, drawn.x[:, 0]))
    assert stats.kstest(drawn.x[:, 0], "norm").pvalue > 0.001
    assert (drawn.pmi == np.log(k)).all()


@pytest.mark.parametrize(
    ("k", "w"), [(4, 0.5), (3, 1.0), (12, 2.0), (5, 2.7), (3, 10.0), (50, 7.3)]
)
def test_smoothed_symbols_by_the_entropy_of_y(k, w):
    law = channels.SmoothedDiscrete(k, w)

    def density(y):
        return sum(i < y < i + w for i in range(k)) / (k * w)

    ends = np.unique(np.concatenate([np.arange(k), np.arange(k) + w]))
    middles = (ends[1:] + ends[:-1]) / 2
    heights = np.array([density(y) for y in middles])
    lengths, seen = np.diff(ends), heights > 0
    entropy = -(lengths[seen] * heights[seen] * np.log(heights[seen])).sum()
    assert law.information == pytest.approx(entropy - np.log(w), abs=1e-12)
    drawn = law(5000, np.random.default_rng(0))
    assert mean_is(law.information, drawn.pmi)
    expected = [-np.log(w * density(y)) for y in drawn.y[:, 0]]
    np.testing.assert_allclose(drawn.pmi, expected, atol=1e-12)
    inside = (drawn.y - drawn.x)[:, 0] / w
    assert stats.kstest(inside, "uniform").pvalue > 0.001


@pytest.mark.parametrize(("f", "k"), [(0.5, 14), (0.9, 3)])
def test_rare_events_are_a_copula_of_blocks(f, k):
    law = channels.RareEvent(f, k)
    probabilities = [f] + [(1 - f) / k] * k
    assert law.information == pytest.approx(stats.entropy(probabilities), abs=1e-12)
    drawn = law(20_000, np.random.default_rng(0))
    ends = np.cumsum([0, *probabilities])[1:-1]
    cells = np.searchsorted(ends, drawn.x[:, 0], side="right")
    np.testing.assert_array_equal(cells, np.searchsorted(ends, drawn.y[:, 0], side="right"))
    np.testing.assert_allclose(drawn.pmi, -np.log(np.array(probabilities)[cells]))
    assert stats.kstest(drawn.x[:, 0], "uniform").pvalue > 0.001
    assert stats.kstest(drawn.y[:, 0], "uniform").pvalue > 0.001
    first = cells == 0
    assert abs(stats.spearmanr(drawn.x[first, 0], drawn.y[first, 0])[0]) < 4 / np.sqrt(first.sum())


def test_correlated_uniforms_are_uniform_with_the_rank_correlation_of_a_gaussian():
    task = channels.correlated_uniform(2, 1)
    drawn = task.draw(20_000, seed=0)
    rho = task.parameters["rho"]
    assert -0.5 * np.log1p(-(rho**2)) == pytest.approx(2)
    for values in (drawn.x, drawn.y):
        assert stats.kstest(values[:, 0], "uniform").pvalue > 0.001
    expected = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's, of a Gaussian
    assert stats.spearmanr(drawn.x[:, 0], drawn.y[:, 0])[0] == pytest.approx(expected, abs=2e-3)


def test_repeated_pairs_are_the_pairs_side_by_side():
    law = discrete.Zipf(4, 1.0, 0.2)
    one = law(300, np.random.default_rng(0))
    three = Repeated(law, 3)(100, np.random.default_rng(0))
    assert (Repeated(law, 3).dim_x, Repeated(law, 3).dim_y) == (3, 3)
    assert Repeated(law, 3).information == pytest.approx(3 * law.information)
    for row, i in product(range(100), range(3)):
        assert three.x[row, i] == one.x[3 * row + i, 0] and three.y[row, i] == one.y[3 * row + i, 0]
    assert three.pmi[7] == pytest.approx(one.pmi[21:24].sum())


# Mixed


@pytest.mark.slow
@pytest.mark.parametrize("p", [0.0, 0.15, 0.7])
def test_zero_inflated_poisson_by_quadrature(p):
    def chance(k, x):
        return (1 - p) * np.exp(stats.poisson.logpmf(k, x)) + p * (k == 0)

    total = 0.0
    for k in range(60):
        of_y = p * (k == 0) + (1 - p) / 2 ** (k + 1)

        def told(x, k=k, of_y=of_y):
            seen = chance(k, x)
            return np.exp(-x) * seen * np.log(seen / of_y) if seen > 0 else 0.0

        total += integrate.quad(told, 0, 100, points=[1, k + 1], limit=200)[0]
    law = mixed.ZeroInflatedPoisson(p)
    assert law.information == pytest.approx(total, abs=1e-8)
    drawn = law(20_000, np.random.default_rng(0))
    x, y = drawn.x[:, 0], drawn.y[:, 0]
    of_y = np.where(y == 0, (1 + p) / 2, (1 - p) / 2.0 ** (y + 1))
    expected = [np.log(chance(k, value)) for k, value in zip(y, x, strict=True)] - np.log(of_y)
    np.testing.assert_allclose(drawn.pmi, expected, atol=1e-10)
    assert stats.kstest(x, "expon").pvalue > 0.001
    assert mean_is((1 + p) / 2, (y == 0).astype(float))
    assert mean_is(law.information, drawn.pmi)


def test_uniform_above_symbols_has_the_closed_form_of_its_source():
    for m in (2, 5, 100):
        task = mixed.uniform_above(m)
        assert task.information == pytest.approx(np.log(m) - (m - 1) / m * np.log(2), abs=1e-12)


def test_gaussian_or_coins_are_seen_to_be_one_or_the_other():
    law = mixed.GaussianOrCoins(0.9, 0.1)
    gaussian = -0.5 * np.log(1 - 0.81)
    coins = np.log(2) + 0.9 * np.log(0.9) + 0.1 * np.log(0.1)
    assert law.information == pytest.approx(np.log(2) + gaussian / 2 + coins / 2, abs=1e-12)
    drawn = law(40_000, np.random.default_rng(0))
    x, y = drawn.x[:, 0], drawn.y[:, 0]
    tossed = np.abs(x) == 1
    np.testing.assert_array_equal(tossed, np.abs(y) == 1)
    assert mean_is(0.5, tossed.astype(float)) and mean_is(0.1, (x != y)[tossed].astype(float))
    assert np.corrcoef(x[~tossed], y[~tossed])[0, 1] == pytest.approx(0.9, abs=0.01)
    together = np.where(x == y, 0.45, 0.05) / 0.25
    np.testing.assert_allclose(drawn.pmi[tossed], np.log(2 * together[tossed]))
    assert mean_is(np.log(2) + gaussian, drawn.pmi[~tossed])
