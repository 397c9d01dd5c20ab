"""Contingency tables and the entropies behind them."""

import math

import numpy as np
import pytest
from scipy.special import betaln, digamma, polygamma, xlogy
from sklearn.metrics import mutual_info_score

from mineral.errors import InputError, OptionError
from mineral.methods.counts.discrete import CORRECTIONS, Discrete
from mineral.methods.counts.entropies import chao_shen, grassberger, miller_madow, nsb, plug_in
from mineral.samples import symbols

EVERY = (*CORRECTIONS, "nsb", "adjusted")


def noisy_copy(symbols_, keep, n, seed):
    """y is x with probability `keep`, and drawn anew otherwise. With the true information."""
    rng = np.random.default_rng(seed)
    x = rng.integers(symbols_, size=n)
    y = np.where(rng.random(n) < keep, x, rng.integers(symbols_, size=n))
    other = (1 - keep) / symbols_
    same = keep + other
    truth = xlogy(same, same * symbols_) + (symbols_ - 1) * xlogy(other, other * symbols_)
    return x, y, float(truth)


# Laws


@pytest.mark.parametrize("seed", range(5))
def test_the_plug_in_value_lies_between_zero_and_the_smaller_entropy(seed):
    x, y, _ = noisy_copy(3 + seed, 0.2 * seed, 60, seed)
    value = Discrete(correction="none").estimate(x, y).value
    h_x, h_y = plug_in(np.unique_counts(x).counts), plug_in(np.unique_counts(y).counts)
    assert -1e-12 <= value <= min(h_x, h_y) + 1e-12


@pytest.mark.parametrize("correction", EVERY)
def test_names_order_and_sides_do_not_matter(correction):
    x, y, _ = noisy_copy(5, 0.4, 300, 0)
    estimator = Discrete(correction=correction)
    found = estimator.estimate(x, y)
    order, names = np.random.default_rng(1).permutation(300), np.array([7.5, -3, 1e300, 0, 1e-300])
    for again in (estimator.estimate(y, x), estimator.estimate(names[x][order], -y[order])):
        assert again.value == pytest.approx(found.value, abs=1e-12)
        assert again.stderr == pytest.approx(found.stderr, abs=1e-12)


def test_a_function_of_x_tells_its_entropy():
    x = np.random.default_rng(0).integers(6, size=500)
    y = x // 2
    for correction in ("none", "miller-madow"):
        entropy = {"none": plug_in, "miller-madow": miller_madow}[correction]
        found = Discrete(correction=correction).estimate(x, y)
        assert found.value == pytest.approx(entropy(np.bincount(y)), abs=1e-12)
        assert not found.warnings


def test_the_pointwise_values_average_to_the_plug_in_value():
    x, y, _ = noisy_copy(4, 0.5, 200, 0)
    pointwise = Discrete(correction="nsb").estimate(x, y).evidence.pointwise
    plain = Discrete(correction="none").estimate(x, y).value
    assert pointwise.mean() == pytest.approx(plain, abs=1e-12)
    joint = np.mean((x == x[0]) & (y == y[0]))
    expected = np.log(joint / np.mean(x == x[0]) / np.mean(y == y[0]))
    assert pointwise[0] == pytest.approx(expected, abs=1e-12)


# Known values


@pytest.mark.parametrize("seed", range(3))
def test_without_correction_it_is_scikit_learns(seed):
    x, y, _ = noisy_copy(9, 0.3, 400, seed)
    value = Discrete(correction="none").estimate(x, y).value
    assert value == pytest.approx(mutual_info_score(x, y), abs=1e-12)


def test_rows_of_several_columns_are_one_symbol():
    rng = np.random.default_rng(0)
    x, y = rng.integers(3, size=(300, 2)), rng.integers(2, size=(300, 3))
    y[:, 0] = x[:, 0] > 0
    one = mutual_info_score(x @ [1, 10], y @ [1, 10, 100])
    assert Discrete(correction="none").estimate(x, y).value == pytest.approx(one, abs=1e-12)


def test_symbols_number_rows_from_zero_and_minus_zero_is_zero():
    values = np.array([[0.0, 1.0], [2.0, 1.0], [-0.0, 1.0], [0.0, 3.0]])
    assert symbols(values).tolist() == [0, 2, 0, 1]


def test_entropies_of_a_few_counts_by_hand():
    counts = np.array([4, 2, 1, 1])
    plain = math.log(8) - (4 * math.log(4) + 2 * math.log(2)) / 8
    assert plug_in(counts) == pytest.approx(plain)
    assert miller_madow(counts) == pytest.approx(plain + 3 / 16)
    p = 6 / 8 * counts / 8  # two singletons leave a coverage of 6 / 8
    expected = -(p * np.log(p) / (1 - (1 - p) ** 8)).sum()
    assert chao_shen(counts) == pytest.approx(expected)
    # Grassberger (2003): G_1 = −γ − log 2, G_2 = 2 − γ − log 2, G_2n+1 = G_2n, and
    # G_2n+2 = G_2n + 2 / (2n + 1).
    g_1 = -np.euler_gamma - math.log(2)
    g_2, g_4 = g_1 + 2, g_1 + 2 + 2 / 3
    expected = math.log(8) - (4 * g_4 + 2 * g_2 + 2 * g_1) / 8
    assert grassberger(counts) == pytest.approx(expected)
    assert grassberger(np.array([5, 3])) == pytest.approx(math.log(8) - (5 * g_4 + 3 * g_2) / 8)


def test_chao_shen_is_finite_where_every_symbol_was_seen_once_or_one_was_seen_always():
    assert math.isfinite(chao_shen(np.ones(5, dtype=int)))
    assert chao_shen(np.array([9])) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("counts", [(3, 1), (5, 5), (12, 2)])
def test_nsb_is_the_mean_entropy_of_coins_weighed_by_prior_and_likelihood(counts):
    # By its definition, over coins (p, 1 − p) and concentrations β at once, on a grid.
    heads, tails = counts
    p = np.arange(0.5, 4000) / 4000
    t = np.linspace(-12, 12, 1500)[:, None]
    beta = np.exp(t)
    prior = np.log(2 * polygamma(1, 2 * beta + 1) - polygamma(1, beta + 1)) + t
    log_dirichlet = (beta - 1) * np.log(p * (1 - p)) - betaln(beta, beta)
    log_weight = prior + log_dirichlet + heads * np.log(p) + tails * np.log1p(-p)
    weight = np.exp(log_weight - log_weight.max())
    entropy = -xlogy(p, p) - xlogy(1 - p, 1 - p)
    expected = (weight * entropy).sum() / weight.sum()
    assert nsb(np.array(counts), 2) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("alphabet", [2, 50, 10**8])
def test_nsb_expects_half_of_the_largest_entropy_before_anything_repeats(alphabet):
    # The prior is flat in the expected entropy, and one sample is as likely under any β.
    assert nsb(np.array([1]), alphabet) == pytest.approx(math.log(alphabet) / 2, rel=1e-9)


@pytest.mark.parametrize("correction", EVERY)
def test_a_constant_has_no_information(correction):
    with pytest.raises(InputError, match="`x` is constant"):
        Discrete(correction=correction).estimate(np.zeros(50), np.arange(50) % 3)


@pytest.mark.parametrize("alphabet", [2, 1000, 10**12])
def test_nsb_is_finite_from_one_sample_to_a_billion(alphabet):
    for counts in ([1], [1, 1], [10**9], [10**9, 1], [500_000_000, 500_000_000]):
        assert 0 <= nsb(np.array(counts), alphabet) <= math.log(alphabet)
    many = nsb(np.array([10**9, 10**9]), alphabet)
    assert many == pytest.approx(math.log(2), abs=1e-4)


def test_nsb_agrees_with_an_adaptive_integral():
    from scipy.integrate import quad
    from scipy.special import gammaln

    counts, size = np.array([7, 3, 3, 1, 1, 1]), 40
    n = counts.sum()

    def weight(t):
        b = math.exp(t)
        evidence = gammaln(size * b) - gammaln(size * b + n) + gammaln(counts + b).sum()
        slope = size * polygamma(1, size * b + 1) - polygamma(1, b + 1)
        return math.exp(evidence - len(counts) * gammaln(b) + 45) * slope * b

    def entropy(t):
        b = math.exp(t)
        c = np.append(counts, np.zeros(size - len(counts)))
        inner = ((c + b) * digamma(c + b + 1)).sum() / (size * b + n)
        return digamma(size * b + n + 1) - inner

    expected = quad(lambda t: weight(t) * entropy(t), -12, 9)[0] / quad(weight, -12, 9)[0]
    assert nsb(counts, size) == pytest.approx(expected, rel=1e-6)


# Accuracy


@pytest.mark.parametrize("correction", EVERY)
def test_home_ground_is_met(correction):
    # Ten thousand samples of a noisy channel of eight symbols.
    x, y, truth = noisy_copy(8, 0.5, 10_000, 0)
    found = Discrete(correction=correction).estimate(x, y)
    assert found.value == pytest.approx(truth, abs=0.02)
    assert found.interval[0] < truth < found.interval[1]


def test_every_correction_is_nearer_than_the_frequencies_alone():
    errors = {correction: [] for correction in EVERY}
    for seed in range(10):
        x, y, truth = noisy_copy(15, 0.5, 300, seed)
        for correction in EVERY:
            value = Discrete(correction=correction).estimate(x, y).value
            errors[correction].append(value - truth)
    bias = {correction: abs(np.mean(each)) for correction, each in errors.items()}
    assert bias["none"] > 0.25
    assert bias["miller-madow"] < 0.6 * bias["none"]
    for best in ("grassberger", "chao-shen", "nsb"):
        assert bias[best] < 0.5 * bias["miller-madow"], best


def test_undersampled_entropies_of_a_uniform_law():
    rng = np.random.default_rng(0)
    counts = np.unique_counts(rng.integers(1000, size=400)).counts
    assert plug_in(counts) < miller_madow(counts) < grassberger(counts) < math.log(1000) - 0.1
    assert chao_shen(counts) == pytest.approx(math.log(1000), abs=0.15)
    assert nsb(counts, 1000) == pytest.approx(math.log(1000), abs=0.15)


def test_a_known_alphabet_is_used():
    x, y, _ = noisy_copy(3, 0.5, 40, 0)
    seen = Discrete(correction="nsb").estimate(x, y).value
    assert Discrete(correction="nsb", alphabet=(3, 3)).estimate(x, y).value == seen
    wider = Discrete(correction="nsb", alphabet=(30, 3)).estimate(x, y).value
    h_x, h_y, h_xy = (
        nsb(np.unique_counts(codes).counts, size)
        for codes, size in ((x, 30), (y, 3), (3 * x + y, 90))
    )
    assert wider == pytest.approx(h_x + h_y - h_xy)
    assert wider != seen


# Intervals


@pytest.mark.slow
@pytest.mark.parametrize(
    ("correction", "cells"), [("miller-madow", 3), ("grassberger", 3), ("nsb", 3), ("nsb", 20)]
)
def test_intervals_contain_zero_where_nothing_depends(correction, cells):
    estimator, inside = Discrete(correction=correction), 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = estimator.estimate(rng.integers(cells, size=400), rng.integers(5, size=400))
        inside += found.interval[0] <= 0 <= found.interval[1]
    assert inside >= 53


@pytest.mark.slow
@pytest.mark.parametrize(("symbols_", "keep"), [(4, 0.5), (4, 1.0), (3, 0.0), (8, 0.05)], ids=str)
def test_error_bars_are_as_long_as_the_errors(symbols_, keep):
    found = [Discrete().estimate(*noisy_copy(symbols_, keep, 600, seed)[:2]) for seed in range(150)]
    actual = np.std([each.value for each in found])
    claimed = np.sqrt(np.mean([each.stderr**2 for each in found]))
    assert 0.8 * actual < claimed < 1.5 * actual  # where pointwise values are constant, longer


@pytest.mark.slow
def test_error_bars_are_as_long_as_the_errors_where_blocks_are_all_there_is():
    # x tells which half y is in and no more: log 2, and every pointwise value is the same.
    values, stderrs = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        x = rng.integers(6, size=500)
        found = Discrete().estimate(x, x // 3 * 3 + rng.integers(3, size=500))
        values.append(found.value)
        stderrs.append(found.stderr)
    assert np.mean(values) == pytest.approx(math.log(2), abs=0.002)
    assert 0.8 < np.sqrt(np.mean(np.square(stderrs))) / np.std(values) < 1.5


# Doubts and refusals


def test_few_samples_a_cell_are_doubted():
    x, y, _ = noisy_copy(30, 0.3, 500, 0)
    (caution,) = Discrete().estimate(x, y).warnings
    assert caution.code == "few-samples" and "a cell" in caution.message


@pytest.mark.parametrize("name", ["x", "y"])
def test_what_looks_continuous_is_refused(name):
    pair = {"x": np.arange(50) % 2, "y": np.arange(50) % 3}
    pair[name] = np.random.default_rng(0).standard_normal(50)
    with pytest.raises(InputError, match=f"`{name}` has 50 distinct values in 50.*'ksg'"):
        Discrete().estimate(**pair)


def test_more_values_than_the_alphabet_has_are_refused():
    x, y, _ = noisy_copy(4, 0.5, 100, 0)
    with pytest.raises(InputError, match="take 4 and 4 distinct values, more than `alphabet`"):
        Discrete(correction="nsb", alphabet=(4, 3)).estimate(x, y)


@pytest.mark.usefixtures("as_users_run_it")
def test_options_out_of_range_are_refused():
    with pytest.raises(OptionError, match="`correction` must be 'none', 'miller-madow'"):
        Discrete(correction="james-stein")
    with pytest.raises(OptionError, match="`alphabet` applies only to correction='nsb'"):
        Discrete(alphabet=(2, 2))
